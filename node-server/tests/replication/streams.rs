//! A master and its replicas, of both kinds: copy, stream, cut links, promotion.

use super::data::{assert_same, fill};
use crate::harness::server::Server;
use crate::harness::{has_redis, wait_until};

/// Writes of every sort that a stream has.
fn write_some(master: &mut Server) {
    for line in [
        "INCR counter",
        "APPEND text abc",
        "RPUSH log x",
        "SET with:ttl v EX 1000",
        "EXPIRE string 5000",
        "DEL set",
        "SPOP bigset",
        "MULTI",
        "INCR counter",
        "LPOP biglist",
        "EXEC",
        "SELECT 2",
        "SET in:two 2",
        "SELECT 0",
        "SETRANGE text 1 zz",
        "ZINCRBY sorted 1.5 one",
        "HINCRBY hash f2 5",
        "RENAME list renamed",
        "MSET m1 1 m2 2",
        "GETDEL m1",
    ] {
        master.call(line);
    }
}

fn follows_through_everything(master_kind: &str, replica_kind: &str) {
    let mut master = Server::of(master_kind, &[]);
    let mut replica = Server::of(replica_kind, &[]);
    fill(&mut master);
    replica.call("SET to:be gone");
    replica.sync_with(master.port);
    assert_same(&mut master, &mut replica);
    assert_eq!(replica.text("GET to:be"), "(nil)");
    write_some(&mut master);
    assert_same(&mut master, &mut replica);
    assert_eq!(master.text("WAIT 1 10000"), "1");
    assert!(replica.text("SET a b").starts_with("READONLY"));
    assert_eq!(master.info("sync_full"), "1");
    assert_eq!(master.info("connected_slaves"), "1");
    assert!(master.info("slave0").contains("state=online"), "{}", master.info("slave0"));
    assert_eq!(replica.info("role"), "slave");

    // A cut link is taken up again where it was, from either end.
    replica.call("CLIENT KILL TYPE master");
    write_some(&mut master);
    replica.wait_for_link();
    assert_same(&mut master, &mut replica);
    master.call("CLIENT KILL TYPE replica");
    write_some(&mut master);
    wait_until("the replica came again", || master.info("connected_slaves") == "1");
    replica.wait_for_link();
    assert_same(&mut master, &mut replica);
    assert_eq!(master.info("sync_full"), "1");
    assert_eq!(master.info("sync_partial_ok"), "2");

    replica.call("REPLICAOF NO ONE");
    assert_eq!(replica.info("role"), "master");
    assert_eq!(replica.text("SET a b"), "OK");
}

#[test]
fn ours_under_redis() {
    if has_redis("ours_under_redis") {
        follows_through_everything("redis", "ours");
    }
}

#[test]
fn redis_under_ours() {
    if has_redis("redis_under_ours") {
        follows_through_everything("ours", "redis");
    }
}

#[test]
fn ours_under_ours() {
    follows_through_everything("ours", "ours");
}

/// The master goes; one replica is promoted; the others, and the old master when it comes back as a replica, go on
/// without a copy.
fn promotion(master_kind: &str, heir_kind: &str, other_kind: &str) {
    let mut master = Server::of(master_kind, &[]);
    let mut heir = Server::of(heir_kind, &[]);
    let mut other = Server::of(other_kind, &[]);
    fill(&mut master);
    for replica in [&mut heir, &mut other] {
        replica.sync_with(master.port);
    }
    write_some(&mut master);
    assert_same(&mut master, &mut heir);
    assert_same(&mut master, &mut other);
    let old_id = master.info("master_replid");

    heir.call("REPLICAOF NO ONE");
    assert_eq!(heir.info("master_replid2"), old_id);
    assert_ne!(heir.info("master_replid"), old_id);
    other.follow(&heir);
    master.follow(&heir);
    other.wait_for_link();
    master.wait_for_link();
    write_some(&mut heir);
    assert_same(&mut heir, &mut other);
    assert_same(&mut heir, &mut master);
    assert_eq!(heir.info("sync_full"), "0");
    assert_eq!(heir.info("sync_partial_ok"), "2");
    assert_eq!(master.info("master_replid"), heir.info("master_replid"));
}

#[test]
fn promotion_of_ours_among_redis() {
    if has_redis("promotion_of_ours_among_redis") {
        promotion("redis", "ours", "redis");
    }
}

#[test]
fn promotion_of_redis_among_ours() {
    if has_redis("promotion_of_redis_among_ours") {
        promotion("ours", "redis", "ours");
    }
}

#[test]
fn promotion_among_ours() {
    promotion("ours", "ours", "ours");
}

/// A replica serves replicas of its own, with the master's bytes at the master's offsets.
fn chain(top: &str, middle: &str, bottom: &str) {
    let mut top = Server::of(top, &[]);
    let mut middle = Server::of(middle, &[]);
    let mut bottom = Server::of(bottom, &[]);
    fill(&mut top);
    middle.sync_with(top.port);
    write_some(&mut top);
    // Left in another database than 0: the copy must say where the stream is.
    top.call("SELECT 2");
    top.call("SET in:two again");
    bottom.sync_with(middle.port);
    top.call("SET in:two last");
    top.call("SELECT 0");
    assert_same(&mut top, &mut middle);
    assert_same(&mut top, &mut bottom);
    assert_eq!(bottom.info("master_replid"), top.info("master_replid"));
    // The one in the middle goes: the bottom goes on at the top.
    bottom.sync_with(top.port);
    write_some(&mut top);
    assert_same(&mut top, &mut bottom);
    assert_eq!(top.info("sync_full"), "1");
}

#[test]
fn chain_through_ours() {
    if has_redis("chain_through_ours") {
        chain("redis", "ours", "redis");
    }
}

#[test]
fn chain_of_ours() {
    chain("ours", "ours", "ours");
}

/// A master that was saved and started again takes its replicas on without a copy.
#[test]
fn a_saved_history_goes_on_after_a_restart() {
    let mut master = Server::ours(&["--save", "3600 1"]);
    fill(&mut master);
    let mut replica = Server::ours(&[]);
    replica.sync_with(master.port);
    write_some(&mut master);
    assert_same(&mut master, &mut replica);
    let port = master.port;
    let folder = master.terminate();
    let mut master = Server::ours_at(folder, port, &[]);
    replica.wait_for_link();
    write_some(&mut master);
    assert_same(&mut master, &mut replica);
    assert_eq!(master.info("sync_full"), "0");
    assert_eq!(master.info("sync_partial_ok"), "1");
}

/// A replica that led for a moment, and one that was started again, know in which database the stream goes on.
fn the_database_of_the_stream_stays_known(master_kind: &str) {
    let mut master = Server::of(master_kind, &[]);
    let mut replica = Server::ours(&["--save", "3600 1"]);
    fill(&mut master);
    replica.sync_with(master.port);
    master.call("SELECT 2");
    master.call("SET stays in:two");
    assert_same(&mut master, &mut replica);
    assert_eq!(replica.text("REPLICAOF NO ONE"), "OK");
    replica.sync_with(master.port);
    master.call("SET after promotion");
    assert_same(&mut master, &mut replica);
    let folder = replica.terminate();
    let mut replica = Server::ours_in(folder, &[]);
    replica.sync_with(master.port);
    master.call("SET after restart");
    assert_same(&mut master, &mut replica);
    assert_eq!(master.info("sync_full"), "1");
    assert_eq!(master.info("sync_partial_ok"), "2");
}

#[test]
fn the_database_of_our_stream_stays_known() {
    the_database_of_the_stream_stays_known("ours");
}

#[test]
fn the_database_of_a_stream_of_redis_stays_known() {
    if has_redis("the_database_of_a_stream_of_redis_stays_known") {
        the_database_of_the_stream_stays_known("redis");
    }
}

#[test]
fn wait_counts_who_has_the_write() {
    let mut master = Server::ours(&[]);
    assert_eq!(master.text("WAIT 0 0"), "0");
    assert_eq!(master.text("WAIT 1 50"), "0");
    assert_eq!(master.text("WAIT x 50"), "ERR value is not an integer or out of range");
    assert_eq!(master.text("WAIT 1 x"), "ERR timeout is not an integer or out of range");
    assert_eq!(master.text("WAIT 1 -1"), "ERR timeout is negative");
    let mut replica = Server::ours(&[]);
    replica.sync_with(master.port);
    master.call("SET a b");
    assert_eq!(master.text("WAIT 1 0"), "1");
    assert_eq!(replica.text("GET a"), "b");
    assert_eq!(master.text("WAIT 2 50"), "1");
    assert!(replica.text("WAIT 1 0").starts_with("ERR WAIT cannot be used with replica instances."));
}

/// A master that is killed just after an answer must have given the write away already.
#[test]
fn an_answered_write_is_on_its_way_to_the_replica() {
    let mut master = Server::ours(&[]);
    let mut replica = master.connect();
    replica.send(&["SYNC"]);
    let length = replica.line().trim_start_matches('$').parse().unwrap();
    replica.exactly(length);
    master.call("SET first write");
    while !replica.line().ends_with("write") {}
    replica.stream.set_nonblocking(true).unwrap();
    for turn in 0..300 {
        let value = format!("value-{turn}");
        assert_eq!(master.text(&format!("SET key {value}")), "OK");
        let mut bytes = [0; 4096];
        let count = std::io::Read::read(&mut replica.stream, &mut bytes)
            .unwrap_or_else(|error| panic!("nothing came of write {turn} before its answer: {error}"));
        let stream = String::from_utf8_lossy(&bytes[..count]);
        assert!(stream.contains(&value), "{stream}");
    }
}
