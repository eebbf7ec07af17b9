//! Fields of hashes that end by themselves: on a replica, in a file, on the way to another node, and beside a Redis that
//! knows nothing of them.

use std::io::Write;

use rcl_proto::resp::{Reply, encode_request};

use crate::harness::server::Server;
use crate::harness::{has_redis, wait_until};

/// 2100
const FAR_MS: &str = "4102444800000";

fn integers(reply: &Reply) -> Vec<i64> {
    let Reply::Array(elements) = reply else { panic!("{reply:?}") };
    elements
        .iter()
        .map(|element| if let Reply::Integer(number) = element { *number } else { i64::MIN })
        .collect()
}

/// When the fields end: at a moment, never (-1), or they are not there (-2).
fn ends(server: &mut Server, fields: &str) -> Vec<i64> {
    let count = fields.split(' ').count();
    integers(&server.call(&format!("HPEXPIRETIME h FIELDS {count} {fields}")))
}

fn fill(server: &mut Server) {
    for line in [
        "HSET h a 1 b 2 c 3 d 4 e 5",
        &format!("HPEXPIREAT h {FAR_MS} FIELDS 2 a b"),
        &format!("HSETEX h PXAT {FAR_MS} FIELDS 1 f 6"),
        &format!("HGETEX h PXAT {FAR_MS} FIELDS 1 c"),
        "HPERSIST h FIELDS 1 b",
        "HGETDEL h FIELDS 1 d",
        "HSETEX h KEEPTTL FIELDS 1 a again",
        "HEXPIRE h 0 FIELDS 1 e",
    ] {
        assert!(!matches!(server.call(line), Reply::Error(_)), "{line}");
    }
}

fn is_as_filled(server: &mut Server) {
    let far: i64 = FAR_MS.parse().unwrap();
    assert_eq!(ends(server, "a b c d e f"), [far, -1, far, -2, -2, far]);
    assert_eq!(server.text("HGET h a"), "again");
    assert_eq!(server.text("HLEN h"), "4");
}

fn is_in_step(master: &mut Server, replica: &mut Server) {
    wait_until("the replica is where the master is", || master.offset() == replica.offset());
}

#[test]
fn a_replica_has_them_by_the_stream_and_by_a_copy() {
    let (mut master, mut early, mut late) = (Server::ours(&[]), Server::ours(&[]), Server::ours(&[]));
    early.sync_with(master.port);
    fill(&mut master);
    late.sync_with(master.port);
    for replica in [&mut early, &mut late] {
        is_in_step(&mut master, replica);
        is_as_filled(replica);
    }
    // The master alone lets fields end; a replica that is promoted does it by itself.
    master.call("HPEXPIRE h 20 FIELDS 1 a");
    wait_until("it is gone on the replica", || early.text("HEXISTS h a") == "0");
    wait_until("it is deleted there", || early.text("HLEN h") == "3");
    master.call("HPEXPIRE h 600 FIELDS 1 f");
    is_in_step(&mut master, &mut late);
    late.call("REPLICAOF NO ONE");
    wait_until("it is gone after the promotion", || late.text("HLEN h") == "2");
    assert!(!master.log().contains("may not know"), "our own know it");
}

#[test]
fn a_file_keeps_them() {
    let mut node = Server::ours(&[]);
    fill(&mut node);
    node.call("HSET h short 1");
    node.call("HPEXPIRE h 500 FIELDS 1 short");
    assert_eq!(node.text("SAVE"), "OK");
    let folder = node.kill();
    let mut node = Server::ours_in(folder, &[]);
    wait_until("what was to end ends", || node.text("HLEN h") == "4");
    is_as_filled(&mut node);
}

#[test]
fn another_node_gets_them_by_migrate_and_by_restore() {
    let (mut from, mut to) = (Server::ours(&[]), Server::ours(&[]));
    fill(&mut from);
    let Reply::Bulk(payload) = from.call("DUMP h") else { panic!("a payload") };
    let port = to.address().rsplit(':').next().unwrap().to_owned();
    assert_eq!(from.text(&format!("MIGRATE 127.0.0.1 {port} h 0 5000")), "OK");
    is_as_filled(&mut to);
    assert_eq!(from.text("EXISTS h"), "0");
    assert_eq!(to.text("DEL h"), "1");
    let (mut client, mut restore) = (to.connect(), Vec::new());
    encode_request(&mut restore, [&b"RESTORE"[..], b"h", b"0", &payload]);
    client.stream.write_all(&restore).unwrap();
    assert_eq!(client.reply(), Reply::Simple("OK".into()));
    is_as_filled(&mut to);
}

#[test]
fn a_replica_that_does_not_know_them_is_named_and_gets_what_it_can_do() {
    if !has_redis("a_replica_that_does_not_know_them_is_named_and_gets_what_it_can_do") {
        return;
    }
    let (mut master, mut old) = (Server::ours(&["--repl-diskless-sync-delay", "0"]), Server::redis(&[]));
    old.sync_with(master.port);
    master.call("HSETEX h PX 300 FIELDS 1 a 1");
    master.call("HSET h b 2");
    is_in_step(&mut master, &mut old);
    assert_eq!(old.text("HGET h b"), "2");
    assert!(master.log().contains("this replica may not know"), "it is named: {}", master.log());
    wait_until("the end of the field is told as HDEL", || old.text("HLEN h") == "1");
    assert_eq!(old.info("master_link_status"), "up");
    // One that needs a copy cannot have it while there are such fields.
    master.call(&format!("HPEXPIREAT h {FAR_MS} FIELDS 1 b"));
    let mut late = Server::redis(&[]);
    late.follow(&master);
    wait_until("it refuses the copy", || late.log().contains("Can't handle RDB format version 12"));
    assert_eq!(late.info("master_link_status"), "down");
    assert!(master.log().contains("RDB version 12"));
    master.call("DEL h");
    late.wait_for_link();
}
