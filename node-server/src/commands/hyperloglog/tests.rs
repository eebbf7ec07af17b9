//! Each command by a few words with a node in memory. (How it compares with a real server, the differential tests see.)

use crate::executor::in_memory::{clients, converse};

#[test]
fn counting() {
    clients!(node: one);
    converse(
        &mut one,
        &[
            ("PFADD k a b c", ":1"),
            ("PFADD k a b", ":0"),
            ("PFCOUNT k", ":3"),
            ("PFADD empty", ":1"),
            ("PFADD empty", ":0"),
            ("PFCOUNT empty none", ":0"),
            ("PFADD other c d", ":1"),
            ("PFCOUNT k other none", ":4"),
            ("PFMERGE all k other none", "+OK"),
            ("PFCOUNT all", ":4"),
            ("PFMERGE new", "+OK"),
            ("PFCOUNT new", ":0"),
            ("MSET text hello number 12", "+OK"),
            ("PFADD text a", "-WRONGTYPE Key is not a valid HyperLogLog string value."),
            ("PFCOUNT number", "-WRONGTYPE Key is not a valid HyperLogLog string value."),
            ("RPUSH l a", ":1"),
            ("PFMERGE k l", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ],
    );
}

#[test]
fn looking_inside() {
    clients!(node: one);
    converse(
        &mut one,
        &[
            ("PFADD k a b c", ":1"),
            ("PFDEBUG DECODE k", "$44 Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603"),
            ("PFDEBUG ENCODING k", "+sparse"),
            ("PFDEBUG TODENSE k", ":1"),
            ("PFDEBUG TODENSE k", ":0"),
            ("PFDEBUG ENCODING k", "+dense"),
            ("STRLEN k", ":12304"),
            ("PFCOUNT k", ":3"),
            ("PFDEBUG DECODE k", "-ERR HLL encoding is not sparse"),
            ("PFDEBUG WHAT k", "-ERR Unknown PFDEBUG subcommand 'WHAT'"),
            ("PFDEBUG ENCODING none", "-ERR The specified key does not exist"),
            ("PFSELFTEST", "+OK"),
            ("CONFIG SET hll-sparse-max-bytes 20", "+OK"),
            ("PFADD small a", ":1"),
            ("PFDEBUG ENCODING small", "+dense"),
            ("PFADD broken a", ":1"),
            ("APPEND broken zzzz", ":12308"),
            ("PFCOUNT broken", "-WRONGTYPE Key is not a valid HyperLogLog string value."),
        ],
    );
    let registers = one.ask("PFDEBUG GETREG small");
    assert!(registers.starts_with("*16384 :0"));
    assert_eq!(registers.matches(":0").count(), 16383);
    converse(
        &mut one,
        &[
            ("CONFIG SET hll-sparse-max-bytes 3000", "+OK"),
            ("PFADD sparse a", ":1"),
            ("APPEND sparse zzzz", ":25"),
            ("PFCOUNT sparse", "-INVALIDOBJ Corrupted HLL object detected"),
            ("PFCOUNT sparse none", "-INVALIDOBJ Corrupted HLL object detected"),
            ("PFMERGE sparse", "-INVALIDOBJ Corrupted HLL object detected"),
            ("PFDEBUG TODENSE sparse", "-INVALIDOBJ Corrupted HLL object detected"),
        ],
    );
}

#[test]
fn a_count_that_was_computed_is_told_to_replicas() {
    clients!(node: one);
    one.ask("PFADD k a");
    let before = node.replication.offset();
    one.ask("PFCOUNT k");
    let counted = node.replication.offset();
    assert!(counted > before);
    one.ask("PFCOUNT k");
    assert_eq!(node.replication.offset(), counted);
}
