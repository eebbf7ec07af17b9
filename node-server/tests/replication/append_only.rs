//! The append-only file: theirs for us, ours for them, what a kill leaves, and who may rely on what.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::process::Command;

use rcl_proto::resp::Reply;

use super::data::{contents, fill};
use crate::harness::server::Server;
use crate::harness::{Folder, has_redis, wait_until};

const DATABASES: [&str; 4] = ["0", "1", "2", "3"];
const ON: [&str; 2] = ["--appendonly", "yes"];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&ON[..], more].concat()
}

fn rewrite(server: &mut Server) {
    assert!(server.text("BGREWRITEAOF").starts_with("Background append only file rewriting"));
    wait_until("the file is written anew", || {
        server.info("aof_rewrite_in_progress") == "0" && server.info("aof_rewrite_scheduled") == "0"
    });
    assert_eq!(server.info("aof_last_bgrewrite_status"), "ok");
}

fn file(folder: &Folder, name: &str) -> PathBuf {
    folder.0.join("appendonlydir").join(name)
}

fn check(folder: &Folder) {
    let path = file(folder, "appendonly.aof.manifest");
    let checked = Command::new("redis-check-aof").arg(path).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}

/// Some data come before a rewrite, and some after it: so both base and incremental file matter.
fn files_move(from: &str, to: &str, preamble: &str) {
    let arguments = with(&["--aof-use-rdb-preamble", preamble, "--aof-timestamp-enabled", "yes"]);
    let mut writer = Server::of(from, &arguments);
    fill(&mut writer);
    rewrite(&mut writer);
    for line in [
        "SELECT 2",
        "LPUSH later a b",
        "MULTI",
        "INCR n",
        "SELECT 3",
        "SET other 1",
        "EXEC",
        "SPOP later:none",
    ] {
        writer.call(line);
    }
    let expected = contents(&mut writer.connect(), &DATABASES);
    let folder = writer.terminate();
    check(&folder);
    let reader = if to == "redis" {
        Server::redis_in(folder, &arguments)
    } else {
        Server::ours_in(folder, &arguments)
    };
    let loaded = contents(&mut reader.connect(), &DATABASES);
    assert_eq!(expected.len(), loaded.len());
    for (one, other) in expected.iter().zip(&loaded) {
        assert_eq!(one, other);
    }
}

#[test]
fn redis_loads_our_files() {
    if has_redis("redis_loads_our_files") {
        files_move("ours", "redis", "yes");
        files_move("ours", "redis", "no");
    }
}

#[test]
fn we_load_the_files_of_redis() {
    if has_redis("we_load_the_files_of_redis") {
        files_move("redis", "ours", "yes");
        files_move("redis", "ours", "no");
    }
}

#[test]
fn what_was_answered_is_there_after_a_kill() {
    let arguments = with(&["--appendfsync", "always"]);
    let mut node = Server::ours(&arguments);
    for n in 0..300 {
        assert_eq!(node.text(&format!("SET key:{n} {n}")), "OK");
        if n == 100 {
            assert!(node.text("BGREWRITEAOF").contains("started"));
        }
    }
    let mut node = Server::ours_in(node.kill(), &arguments);
    assert_eq!(node.text("DBSIZE"), "300");
    assert_eq!(node.text("GET key:299"), "299");
}

#[test]
fn what_a_crash_cut_off_is_dropped_or_stops_the_start() {
    let mut node = Server::ours(&ON);
    node.call("SET a 1");
    for line in ["MULTI", "SET b 1", "SET c 1", "EXEC"] {
        node.call(line);
    }
    let folder = node.terminate();
    let path = file(&folder, "appendonly.aof.1.incr.aof");
    let length = std::fs::metadata(&path).unwrap().len();
    let cut = |length| OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap();
    // Without the end of EXEC, the whole transaction goes.
    cut(length - 3);
    let said = Server::ours_that_fails(&folder, &with(&["--aof-load-truncated", "no"]));
    assert!(
        said.contains("Unexpected end of file reading the append only file appendonly.aof.1.incr.aof"),
        "{said}"
    );
    let mut node = Server::ours_in(folder, &ON);
    assert_eq!((node.text("GET a"), node.text("DBSIZE")), ("1".to_owned(), "1".to_owned()));
    // What comes now stands behind what was good.
    node.call("SET d 1");
    let mut node = Server::ours_in(node.terminate(), &ON);
    assert_eq!(node.text("DBSIZE"), "2");
    let folder = node.terminate();
    // Something else than commands stands in it.
    OpenOptions::new().write(true).open(&path).unwrap().write_all_at(b"xyz", 0).unwrap();
    let said = Server::ours_that_fails(&folder, &ON);
    assert!(
        said.contains("Bad file format reading the append only file appendonly.aof.1.incr.aof"),
        "{said}"
    );
    std::fs::remove_file(&path).unwrap();
    let said = Server::ours_that_fails(&folder, &ON);
    assert!(said.contains("Unable to obtain the AOF file appendonly.aof.1.incr.aof length"), "{said}");
    std::fs::write(file(&folder, "appendonly.aof.manifest"), "file a/b seq 1 type b\n").unwrap();
    let said = Server::ours_that_fails(&folder, &ON);
    assert!(said.contains("File can't be a path, just a filename"), "{said}");
}

#[test]
fn the_single_file_of_an_old_server_is_taken_over() {
    let folder = Folder::new();
    let mut old = std::fs::File::create(folder.0.join("appendonly.aof")).unwrap();
    old.write_all(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\nold\r\n").unwrap();
    let mut node = Server::ours_in(folder, &ON);
    assert_eq!(node.text("GET k"), "old");
    node.call("SET k new");
    let folder = node.terminate();
    assert!(!folder.0.join("appendonly.aof").exists());
    let manifest = std::fs::read_to_string(file(&folder, "appendonly.aof.manifest")).unwrap();
    assert_eq!(manifest, "file appendonly.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n");
    let mut node = Server::ours_in(folder, &ON);
    assert_eq!(node.text("GET k"), "new");
}

#[test]
fn it_is_switched_on_and_off_while_the_node_runs() {
    let mut node = Server::ours(&["--enable-debug-command", "yes"]);
    node.call("SET before 1");
    assert_eq!(node.text("CONFIG SET appendonly yes"), "OK");
    node.call("SET while 1");
    // Who waited for it sees its first base.
    assert_eq!(node.text("WAITAOF 1 0 0"), "Array([Integer(1), Integer(0)])");
    for (field, value) in
        [("aof_enabled", "1"), ("aof_rewrite_in_progress", "0"), ("aof_rewrite_scheduled", "0")]
    {
        assert_eq!(node.info(field), value, "{field}");
    }
    node.call("SET after 1");
    assert_eq!(node.text("WAITAOF 1 0 0"), "Array([Integer(1), Integer(0)])");
    let mut waiter = node.connect();
    assert_eq!(node.text("DEBUG AOF-FLUSH-SLEEP 500000"), "OK");
    waiter.call(&["SET", "waiting", "1"]);
    waiter.send(&["WAITAOF", "1", "0", "0"]);
    wait_until("it waits", || node.info("blocked_clients") == "1");
    assert_eq!(node.text("CONFIG SET appendonly no"), "OK");
    let Reply::Error(text) = waiter.reply() else { panic!("there is nothing to wait for any more") };
    assert!(text.contains("appendonly is disabled"), "{text}");
    node.call("SET off 1");
    assert_eq!(
        node.text("WAITAOF 1 0 0"),
        "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."
    );
    let mut node = Server::ours_in(node.kill(), &ON);
    assert_eq!(node.text("DBSIZE"), "4");
}

/// Redis starts without data then.
#[test]
fn where_it_is_new_it_begins_with_the_last_save() {
    let mut node = Server::ours(&[]);
    node.call("SET k v");
    assert_eq!(node.text("SAVE"), "OK");
    let mut node = Server::ours_in(node.kill(), &ON);
    assert_eq!(node.text("GET k"), "v");
    let folder = node.kill();
    std::fs::remove_file(folder.0.join("dump.rdb")).unwrap();
    let mut node = Server::ours_in(folder, &ON);
    assert_eq!(node.text("GET k"), "v");
}

#[test]
fn a_replica_keeps_its_own() {
    let mut master = Server::ours(&[]);
    master.call("SET a 1");
    let mut replica = Server::ours(&ON);
    replica.call("SET gone 1");
    replica.sync_with(master.port);
    wait_until("its file began anew", || {
        replica.info("aof_rewrite_in_progress") == "0" && replica.info("aof_rewrite_scheduled") == "0"
    });
    master.call("SELECT 2");
    for line in ["SET b 1", "MULTI", "INCR n", "INCR n", "EXEC"] {
        master.call(line);
    }
    // The notices of the stream (PING, GETACK) do not come into the file.
    assert_eq!(master.text("WAIT 1 0"), "1");
    assert_eq!(master.text("WAITAOF 0 1 0"), "Array([Integer(0), Integer(1)])");
    let folder = replica.kill();
    check(&folder);
    let written = std::fs::read(file(&folder, "appendonly.aof.2.incr.aof")).unwrap();
    assert!(!written.windows(8).any(|window| window == b"REPLCONF"));
    let mut alone = Server::ours_in(folder, &ON);
    assert_eq!(alone.text("GET a"), "1");
    assert_eq!(alone.text("SELECT 2"), "OK");
    assert_eq!((alone.text("GET b"), alone.text("GET n")), ("1".to_owned(), "2".to_owned()));
}

#[test]
fn a_time_may_be_cut_to() {
    if !has_redis("a_time_may_be_cut_to") {
        return;
    }
    let mut node = Server::ours(&with(&["--aof-timestamp-enabled", "yes"]));
    let now = |node: &mut Server| match node.call("TIME") {
        Reply::Array(words) => format!("{:?}", words[0]),
        other => panic!("{other:?}"),
    };
    node.call("SET early 1");
    let first = now(&mut node);
    wait_until("another second began", || now(&mut node) != first);
    node.call("SET late 1");
    let folder = node.terminate();
    let incremental = std::fs::read_to_string(file(&folder, "appendonly.aof.1.incr.aof")).unwrap();
    let times: Vec<&str> = incremental.lines().filter_map(|line| line.strip_prefix("#TS:")).collect();
    assert_eq!(times.len(), 2, "{incremental}");
    let manifest = file(&folder, "appendonly.aof.manifest");
    let cut =
        Command::new("redis-check-aof").args(["--truncate-to-timestamp", times[0]]).arg(manifest).output();
    let cut = cut.unwrap();
    assert!(cut.status.success(), "{}", String::from_utf8_lossy(&cut.stdout));
    let mut node = Server::ours_in(folder, &ON);
    assert_eq!((node.text("EXISTS early"), node.text("EXISTS late")), ("1".to_owned(), "0".to_owned()));
}

#[test]
fn a_write_behind_the_wish_for_times_has_one() {
    let node = Server::ours(&ON);
    let mut client = node.connect();
    client.send(&["SET", "key", "before"]);
    client.send(&["CONFIG", "SET", "aof-timestamp-enabled", "yes"]);
    client.send(&["SET", "key", "behind"]);
    (0..3).for_each(|_| assert_eq!(client.reply(), Reply::Simple("OK".into())));
    let folder = node.terminate();
    let incremental = std::fs::read_to_string(file(&folder, "appendonly.aof.1.incr.aof")).unwrap();
    let parts: Vec<&str> = incremental.split("SET\r\n").collect();
    let has_time = parts.iter().map(|part| part.contains("#TS:"));
    assert_eq!(has_time.collect::<Vec<_>>(), [false, true, false], "{incremental}");
}

#[test]
fn it_is_written_anew_when_it_has_grown() {
    let mut node = Server::ours(&with(&["--auto-aof-rewrite-min-size", "10kb"]));
    let value = "x".repeat(1000);
    (0..30).for_each(|_| _ = node.call(&format!("SET k {value}")));
    wait_until("it was written anew", || node.info("aof_rewrites") != "0");
    wait_until("it is small", || node.info("aof_current_size").parse::<u64>().unwrap() < 10_000);
    let mut node = Server::ours_in(node.terminate(), &ON);
    assert_eq!(node.text("STRLEN k"), "1000");
}

/// However slow it was, it is in nobody's way.
#[test]
fn a_rewrite_that_is_called_off_is_over() {
    let mut node = Server::ours(&ON);
    node.call("SET k v");
    // Longer than anybody waits.
    assert_eq!(node.text("CONFIG SET rdb-key-save-delay 100000000"), "OK");
    assert!(node.text("BGREWRITEAOF").contains("started"));
    assert_eq!(node.text("CONFIG SET appendonly no rdb-key-save-delay 0"), "OK");
    wait_until("nothing is in progress", || node.text("BGREWRITEAOF").contains("started"));
    wait_until("it is through", || node.info("aof_rewrite_in_progress") == "0");
    assert_eq!(node.info("aof_last_bgrewrite_status"), "ok");
}

/// A script may choose who gets what it does, also in one transaction.
#[test]
fn a_script_parts_the_file_from_the_replicas() {
    let mut server = Server::ours(&with(&["--enable-debug-command", "yes"]));
    let mut replica = Server::ours(&[]);
    replica.follow(&server);
    replica.wait_for_link();
    let one = |flags: &str, key: &str| {
        format!("redis.set_repl(redis.{flags}) return redis.call('set', '{key}', 1)")
    };
    let mixed = "redis.call('set', '{m}both', 1) redis.set_repl(redis.REPL_AOF) redis.call('set', '{m}file', 1) \
                 redis.set_repl(redis.REPL_REPLICA) redis.call('set', '{m}replicas', 1) redis.call('set', '{m}replicas:2', 1) \
                 redis.set_repl(redis.REPL_ALL) return redis.call('set', '{m}both:2', 1)";
    let mut client = server.connect();
    client.call(&["SELECT", "2"]);
    for (script, key) in [
        (one("REPL_ALL", "{k}all"), "{k}all"),
        (one("REPL_NONE", "{k}none"), "{k}none"),
        (one("REPL_REPLICA", "{k}replicas"), "{k}replicas"),
        (mixed.to_owned(), "{m}"),
        (one("REPL_AOF", "{k}file"), "{k}file"),
        (one("REPL_ALL", "{k}last"), "{k}last"),
    ] {
        assert_eq!(client.call(&["EVAL", &script, "1", key]), Reply::Simple("OK".into()));
    }
    let keys = ["all", "none", "replicas", "file", "last"].map(|name| format!("{{k}}{name}"));
    let more = ["both", "file", "replicas", "replicas:2", "both:2"].map(|name| format!("{{m}}{name}"));
    let there = |server: &mut Server| {
        let exists: Vec<_> =
            keys.iter().chain(&more).map(|key| server.text(&format!("EXISTS {key}"))).collect();
        exists.concat()
    };
    assert_eq!((server.text("SELECT 2"), replica.text("SELECT 2")), ("OK".to_owned(), "OK".to_owned()));
    wait_until("the replica has its part", || replica.offset() == server.offset());
    assert_eq!(there(&mut replica), "1010110111");
    assert_eq!(there(&mut server), "1111111111");
    assert_eq!(server.text("DEBUG LOADAOF"), "OK");
    assert_eq!(there(&mut server), "1001111001");
    // The stream goes on in the right database, after a kill, too.
    client.call(&["SET", "{k}after", "1"]);
    wait_until("the replica has it", || replica.text("EXISTS {k}after") == "1");
    let mut server = Server::ours_in(server.kill(), &ON);
    assert_eq!(server.text("SELECT 2"), "OK");
    assert_eq!(there(&mut server), "1001111001");
    assert_eq!(server.text("EXISTS {k}after"), "1");
}

/// It is of no history, and the file has it all the same.
#[test]
fn what_clients_write_to_a_replica_is_in_its_file() {
    let mut master = Server::ours(&[]);
    let mut replica = Server::ours(&with(&["--replica-read-only", "no"]));
    replica.follow(&master);
    replica.wait_for_link();
    wait_until("the file is on again", || {
        replica.info("aof_rewrite_in_progress") == "0" && replica.info("aof_rewrite_scheduled") == "0"
    });
    let mut client = master.connect();
    client.call(&["SELECT", "3"]);
    for number in ["1", "2"] {
        client.call(&["SET", "theirs", number]);
        wait_until("the replica has it", || replica.offset() == master.offset());
        assert_eq!(replica.text("SELECT 1"), "OK");
        assert_eq!(replica.text(&format!("SET own {number}")), "OK");
        assert_eq!(replica.text(&format!("SET short:{number} x PX 1")), "OK");
    }
    wait_until("what has expired is gone", || replica.text("DBSIZE") == "1");
    let mut alone = Server::ours_in(replica.kill(), &ON);
    for (database, key, value) in [("3", "theirs", "2"), ("1", "own", "2")] {
        assert_eq!(alone.text(&format!("SELECT {database}")), "OK");
        assert_eq!(alone.text(&format!("GET {key}")), value);
    }
    assert_eq!(alone.text("DBSIZE"), "1");
}

/// Whoever has read an answer finds what it tells of in the file, whatever the policy.
#[test]
fn what_is_answered_is_in_the_file() {
    for policy in ["everysec", "no"] {
        let mut node = Server::ours(&with(&["--appendfsync", policy]));
        let path = file(&node.folder, "appendonly.aof.1.incr.aof");
        let mut others = [node.connect(), node.connect()];
        for number in 0..300 {
            let text = format!("answered:{number}:{policy}");
            assert_eq!(node.text(&format!("SET key {text}")), "OK");
            let is_there = |text: &str| {
                std::fs::read(&path).unwrap().windows(text.len()).any(|at| at == text.as_bytes())
            };
            assert!(is_there(&text), "{text}");
            // What others read is kept, too.
            others[0].send(&["SET", "key", &format!("seen:{number}:{policy}")]);
            let Reply::Bulk(seen) = others[1].call(&["GET", "key"]) else { panic!("it is gone") };
            assert!(is_there(std::str::from_utf8(&seen).unwrap()));
            others[0].reply();
        }
    }
}
