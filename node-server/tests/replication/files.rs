//! The RDB file: theirs for us, ours for them, and what is left when something goes wrong.

use std::process::Command;

use rcl_proto::resp::Reply;

use super::data::{contents, fill};
use super::forms;
use crate::harness::server::Server;
use crate::harness::{Folder, has_redis, wait_until};

fn file_moves(from: &str, to: &str) {
    let mut writer = Server::of(from, &[]);
    fill(&mut writer);
    assert_eq!(writer.text("SAVE"), "OK");
    let databases = ["0", "1", "2", "3"];
    let expected = contents(&mut writer.connect(), &databases);
    let path = writer.folder.0.join("dump.rdb");
    let checked = Command::new("redis-check-rdb").arg(&path).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    let folder = writer.kill();
    let reader = if to == "redis" { Server::redis_in(folder, &[]) } else { Server::ours_in(folder, &[]) };
    let loaded = contents(&mut reader.connect(), &databases);
    assert_eq!(expected.len(), loaded.len());
    for (one, other) in expected.iter().zip(&loaded) {
        assert_eq!(one, other);
    }
}

#[test]
fn redis_loads_our_file() {
    if has_redis("redis_loads_our_file") {
        file_moves("ours", "redis");
    }
}

#[test]
fn we_load_the_file_of_redis() {
    if has_redis("we_load_the_file_of_redis") {
        file_moves("redis", "ours");
    }
}

/// Every type in every form, TTLs, libraries, streams with what is pending, in several databases: all the same on the other side.
/// With one thread's worth of data, and with so much that several decode it.
#[test]
fn every_form_of_data_goes_both_ways() {
    if !has_redis("every_form_of_data_goes_both_ways") {
        return;
    }
    for (from, more) in [("ours", 0), ("redis", 0), ("ours", 20_000), ("redis", 20_000)] {
        let mut writer = Server::of(from, &[]);
        forms::fill(&mut writer);
        forms::fill_more(&mut writer, more);
        assert_eq!(writer.text("SAVE"), "OK");
        let expected = forms::contents(&writer);
        let path = writer.folder.0.join("dump.rdb");
        let checked = Command::new("redis-check-rdb").arg(&path).output().unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
        let folder = writer.kill();
        let reader =
            if from == "ours" { Server::redis_in(folder, &[]) } else { Server::ours_in(folder, &[]) };
        let loaded = forms::contents(&reader);
        assert_eq!(expected.len(), loaded.len());
        for (one, other) in expected.iter().zip(&loaded) {
            assert_eq!(one, other, "written by {from}");
        }
    }
}

#[test]
fn what_has_expired_is_not_loaded() {
    let mut node = Server::ours(&[]);
    node.call("SET short v PX 1");
    node.call("SET long v EX 1000");
    // Saved before anybody looks: whether it is in the file or not, it does not come back.
    assert_eq!(node.text("SAVE"), "OK");
    let folder = node.kill();
    let mut node = Server::ours_in(folder, &[]);
    assert_eq!(node.text("KEYS *"), "Array([Bulk([108, 111, 110, 103])])");
}

#[test]
fn save_points_and_the_way_down() {
    let mut node = Server::ours(&["--save", "1 2"]);
    node.call("SET a 1");
    node.call("SET b 2");
    wait_until("the save point saved", || node.info("rdb_saves") == "1");
    assert_eq!(node.info("rdb_changes_since_last_save"), "0");
    assert_eq!(node.info("rdb_last_bgsave_status"), "ok");
    node.call("SET c 3");
    let folder = node.terminate();
    let mut node = Server::ours_in(folder, &["--save", "3600 1"]);
    assert_eq!(node.text("GET c"), "3");
    node.call("SET d 4");
    let mut client = node.connect();
    client.send(&["SHUTDOWN", "NOSAVE"]);
    let folder = node.wait_for_its_end();
    let mut node = Server::ours_in(folder, &[]);
    assert_eq!(node.text("GET d"), "(nil)");
    node.call("SET e 5");
    let mut client = node.connect();
    client.send(&["SHUTDOWN", "SAVE"]);
    let folder = node.wait_for_its_end();
    let mut node = Server::ours_in(folder, &[]);
    assert_eq!(node.text("GET e"), "5");
    assert_eq!(node.text("SHUTDOWN SAVE NOSAVE"), "ERR syntax error");
    assert_eq!(node.text("SHUTDOWN ABORT"), "ERR No shutdown in progress.");
    assert_eq!(node.text("BGSAVE NOW"), "ERR syntax error");
}

#[test]
fn a_shutdown_that_is_given_up_is_given_up_for_all_who_asked() {
    let mut node = Server::ours(&["--enable-debug-command", "yes"]);
    assert_eq!(node.text("DEBUG PAUSE-CRON 1"), "OK");
    let mut clients = [node.connect(), node.connect()];
    clients.iter_mut().for_each(|client| client.send(&["SHUTDOWN", "NOSAVE"]));
    wait_until("both wait", || node.info("blocked_clients") == "2");
    wait_until("it is given up", || node.text("SHUTDOWN ABORT") == "OK");
    for client in &mut clients {
        let refused = Reply::Error("ERR Errors trying to SHUTDOWN. Check logs.".into());
        assert_eq!(client.reply(), refused);
    }
    for _ in 0..200 {
        assert_eq!(node.text("SHUTDOWN ABORT"), "ERR No shutdown in progress.");
    }
    assert_eq!(node.text("DEBUG PAUSE-CRON 0"), "OK");
    // One that nobody gives up is carried out.
    clients[0].send(&["SHUTDOWN", "NOSAVE"]);
    node.wait_for_its_end();
}

#[test]
fn a_shutdown_that_is_given_up_stays_so_when_the_replica_catches_up_then() {
    let mut master = Server::ours(&[]);
    let mut replica = master.connect();
    replica.send(&["PSYNC", "?", "-1"]);
    assert!(replica.line().starts_with("+FULLRESYNC "));
    let line = replica.line();
    let length = line.strip_prefix('$').and_then(|length| length.parse().ok());
    replica.exactly(length.expect(&line));
    wait_until("it is a replica", || master.info("slave0").contains("state=online"));
    master.call("INCR a");
    let mut client = master.connect();
    client.send(&["SHUTDOWN", "NOSAVE"]);
    wait_until("it is waited for", || !master.info("shutdown_in_milliseconds").is_empty());
    assert_eq!(master.text("SHUTDOWN ABORT"), "OK");
    replica.send(&["REPLCONF", "ACK", "1000000"]);
    assert_eq!(client.reply(), Reply::Error("ERR Errors trying to SHUTDOWN. Check logs.".into()));
    assert_eq!(master.text("PING"), "PONG");
}

#[test]
fn a_file_that_is_torn_or_corrupt_stops_the_start() {
    let mut node = Server::ours(&[]);
    fill(&mut node);
    node.call("SAVE");
    let folder = node.kill();
    let path = folder.0.join("dump.rdb");
    let whole = std::fs::read(&path).unwrap();
    for (bytes, said) in [
        (whole[..whole.len() - 30].to_vec(), "the data end at byte"),
        ([b"REDIS9999".as_slice(), &whole[9..]].concat(), "version 9999 is not supported"),
        (b"not a dump".to_vec(), "expected an RDB file's header"),
        ([&whole[..whole.len() - 1], &[!whole[whole.len() - 1]]].concat(), "checksum"),
    ] {
        std::fs::write(&path, &bytes).unwrap();
        let output = Server::ours_that_fails(&folder, &[]);
        assert!(output.contains(said) && output.contains("dump.rdb"), "{said}: {output}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "the file is left as it was");
    }
}

#[test]
fn killed_while_it_saves() {
    let mut node = Server::ours(&[]);
    node.call("SET generation one");
    assert_eq!(node.text("SAVE"), "OK");
    node.call("SET generation two");
    let mut client = node.connect();
    let value = "v".repeat(1000);
    for number in 0..100_000 {
        client.send(&["SET", &format!("key:{number}"), &value]);
        if number % 1000 == 999 {
            (0..1000).for_each(|_| drop(client.reply()));
        }
    }
    assert_eq!(node.text("BGSAVE"), "Background saving started");
    assert_eq!(node.info("rdb_bgsave_in_progress"), "1");
    assert_eq!(node.text("BGSAVE"), "ERR Background save already in progress");
    assert_eq!(node.text("BGSAVE SCHEDULE"), "Background saving scheduled");
    let folder = node.kill();
    let mut node = Server::ours_in(folder, &[]);
    assert_eq!(node.text("GET generation"), "one");
    assert_eq!(node.text("DBSIZE"), "1");
}

/// The disk is full: writes are refused, nothing is lost, and all is well again when there is room.
#[test]
fn a_full_disk() {
    let folder = Folder::new();
    let mut node = Server::ours_in(folder, &["--save", "3600 1000000"]);
    node.call("SET small v");
    assert_eq!(node.text("SAVE"), "OK");
    let before = std::fs::read(node.folder.0.join("dump.rdb")).unwrap();
    let mut client = node.connect();
    let value = "v".repeat(1000);
    for number in 0..2000 {
        client.call(&["SET", &format!("key:{number}{number}"), &format!("{value}{number}")]);
    }
    assert_eq!(node.text("CONFIG SET rdbcompression no"), "OK");
    limit_files(node.pid(), "100000");
    let reply = node.text("SAVE");
    assert!(reply.starts_with("ERR saving failed") && reply.contains("File too large"), "{reply}");
    wait_until("writes are refused", || node.text("SET a b").starts_with("MISCONF"));
    assert_eq!(node.text("GET small"), "v");
    assert_eq!(node.info("rdb_last_bgsave_status"), "err");
    assert_eq!(std::fs::read(node.folder.0.join("dump.rdb")).unwrap(), before, "the last good file stays");
    assert_eq!(std::fs::read_dir(&node.folder.0).unwrap().count(), 2, "and nothing but it and the log");
    // SHUTDOWN that must save, and cannot: the node goes on.
    assert_eq!(node.text("SHUTDOWN SAVE"), "ERR Errors trying to SHUTDOWN. Check logs.");
    assert_eq!(node.text("DBSIZE"), "2001");
    limit_files(node.pid(), "unlimited");
    assert_eq!(node.text("SAVE"), "OK");
    assert_eq!(node.text("SET a b"), "OK");
}

/// The largest file that a process may write.
fn limit_files(pid: u32, bytes: &str) {
    let status =
        Command::new("prlimit").arg(format!("--pid={pid}")).arg(format!("--fsize={bytes}:")).status();
    assert!(status.is_ok_and(|status| status.success()), "prlimit is needed for this test");
}

#[test]
fn a_save_takes_a_replica_along_that_waits_for_a_snapshot() {
    // By itself its snapshot would begin in an hour.
    let mut master = Server::ours(&["--repl-diskless-sync-delay", "3600"]);
    fill(&mut master);
    let mut replica = Server::ours(&[]);
    replica.follow(&master);
    wait_until("the replica waits", || master.info("slave0").contains("state=wait_bgsave"));
    assert_eq!(master.text("BGSAVE"), "Background saving started");
    replica.wait_for_link();
    let databases = ["0", "1", "2", "3"];
    assert_eq!(contents(&mut master.connect(), &databases), contents(&mut replica.connect(), &databases));
    wait_until("the file is there", || master.info("rdb_saves") == "1");
    assert!(master.folder.0.join("dump.rdb").exists());
}
