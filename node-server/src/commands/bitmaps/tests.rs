//! Each command by a few words with a node in memory. (How it compares with a real server, the differential tests see.)

use crate::executor::in_memory::{clients, converse};

#[test]
fn single_bits() {
    clients!(node: one);
    converse(
        &mut one,
        &[
            ("SETBIT k 7 1", ":0"),
            ("SETBIT k 7 1", ":1"),
            ("GET k", "$1 \u{1}"),
            ("OBJECT ENCODING k", "$3 raw"),
            ("GETBIT k 7", ":1"),
            ("GETBIT k 100", ":0"),
            ("GETBIT none 0", ":0"),
            ("SETBIT k 20 0", ":0"),
            ("STRLEN k", ":3"),
            ("SETBIT k x 1", "-ERR bit offset is not an integer or out of range"),
            ("SETBIT k -1 1", "-ERR bit offset is not an integer or out of range"),
            ("SETBIT k 4294967296 1", "-ERR bit offset is not an integer or out of range"),
            ("SETBIT k 1 2", "-ERR bit is not an integer or out of range"),
            ("SET n 12", "+OK"),
            ("GETBIT n 2", ":1"),
            ("SETBIT n 7 0", ":1"),
            ("GET n", "$2 02"),
            ("RPUSH l a", ":1"),
            ("SETBIT l 0 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("GETBIT l 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ],
    );
}

#[test]
fn counting_and_looking_for_bits() {
    clients!(node: one);
    converse(
        &mut one,
        &[
            ("SET k foobar", "+OK"),
            ("BITCOUNT k", ":26"),
            ("BITCOUNT k 0 0", ":4"),
            ("BITCOUNT k 5 30 BIT", ":17"),
            ("BITCOUNT k -1 -2", ":0"),
            ("BITCOUNT k 0", "-ERR syntax error"),
            ("BITCOUNT k 0 1 WORD", "-ERR syntax error"),
            ("BITCOUNT none x", ":0"),
            ("BITPOS k 1", ":1"),
            ("BITPOS k 0 1", ":8"),
            ("BITPOS k 1 -1", ":41"),
            ("BITPOS k 1 10 20 BIT", ":10"),
            ("BITPOS k 2", "-ERR The bit argument must be 1 or 0."),
            ("BITPOS none 0", ":0"),
            ("BITPOS none 1", ":-1"),
            ("BITFIELD ones SET i16 0 -1", "*1 :0"),
            ("BITPOS ones 0", ":16"),
            ("BITPOS ones 0 0 -1", ":-1"),
            ("BITPOS ones 0 3", ":-1"),
        ],
    );
}

#[test]
fn combining() {
    clients!(node: one);
    converse(
        &mut one,
        &[
            ("MSET a abcd b AB", "+OK"),
            ("BITOP XOR d a b", ":4"),
            ("GET d", "$4 \u{20}\u{20}cd"),
            ("BITOP AND d a b", ":4"),
            ("GET d", "$4 AB\0\0"),
            ("BITOP OR d a none", ":4"),
            ("GET d", "$4 abcd"),
            ("BITOP NOT d d", ":4"),
            ("BITOP NOT d d", ":4"),
            ("GET d", "$4 abcd"),
            ("BITOP AND d none", ":0"),
            ("EXISTS d", ":0"),
            ("BITOP NOT d a b", "-ERR BITOP NOT must be called with a single source key."),
            ("BITOP NAND d a b", "-ERR syntax error"),
        ],
    );
}

#[test]
fn integers_within_a_string() {
    clients!(node: one);
    converse(
        &mut one,
        &[
            ("BITFIELD k SET u8 #1 65 GET u16 0 INCRBY i5 100 1", "*3 :0 :65 :1"),
            ("BITFIELD k OVERFLOW SAT INCRBY u8 #1 250 OVERFLOW FAIL INCRBY u8 #1 1", "*2 :255 $-1"),
            ("BITFIELD_RO k GET u8 #1 GET i8 #1", "*2 :255 :-1"),
            ("BITFIELD_RO k SET u8 0 1", "-ERR BITFIELD_RO only supports the GET subcommand"),
            ("BITFIELD k", "*0"),
            ("BITFIELD none GET u63 1000", "*1 :0"),
            ("EXISTS none", ":0"),
            (
                "BITFIELD k GET u64 0",
                "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
            ),
            ("BITFIELD k OVERFLOW NEVER", "-ERR Invalid OVERFLOW type specified"),
            ("BITFIELD k GET u8 #9223372036854775807", "-ERR bit offset is not an integer or out of range"),
            ("BITFIELD k SET u8 0", "-ERR syntax error"),
        ],
    );
}
