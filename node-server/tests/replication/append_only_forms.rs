//! Every type in every form through the append-only file, theirs for us and ours for them: `redis-check-aof` passes it, and who
//! loads it has the same data, by what is shown of them and by DEBUG DIGEST.

use std::path::Path;
use std::process::Command;

use rcl_proto::resp::Reply;

use super::forms;
use crate::harness::server::Server;
use crate::harness::{Folder, has_redis, wait_until};

/// What makes up the file: commands as they came, or a base of either kind, with commands behind it.
#[derive(Clone, Copy, Debug)]
enum Made {
    Commands,
    RdbBase,
    CommandBase,
}

impl Made {
    fn arguments(self) -> [&'static str; 6] {
        let preamble = if matches!(self, Made::CommandBase) { "no" } else { "yes" };
        ["--appendonly", "yes", "--aof-use-rdb-preamble", preamble, "--enable-debug-command", "yes"]
    }
}

#[test]
fn redis_loads_every_form_of_ours() {
    if has_redis("redis_loads_every_form_of_ours") {
        every_form_moves("ours", "redis");
    }
}

#[test]
fn we_load_every_form_of_redis() {
    if has_redis("we_load_every_form_of_redis") {
        every_form_moves("redis", "ours");
    }
}

fn every_form_moves(from: &str, to: &str) {
    for made in [Made::Commands, Made::RdbBase, Made::CommandBase] {
        let mut writer = Server::of(from, &made.arguments());
        forms::fill(&mut writer);
        if !matches!(made, Made::Commands) {
            rewrite(&mut writer);
        }
        change_after(&mut writer);
        let expected = (contents(&mut writer), digest(&mut writer));
        let folder = writer.terminate();
        check(&folder.0, made);
        let mut reader = start(to, folder, made);
        let loaded = (contents(&mut reader), digest(&mut reader));
        assert!(expected.0.len() > 40, "there is something of each form: {}", expected.0.len());
        assert_eq!(expected.0.len(), loaded.0.len(), "{made:?}, written by {from}");
        for (one, other) in expected.0.iter().zip(&loaded.0) {
            assert_eq!(one, other, "{made:?}, written by {from}");
        }
        assert_eq!(expected.1.len(), 40, "{}", expected.1);
        assert_eq!(expected.1, loaded.1, "{made:?}, written by {from}: DEBUG DIGEST");
    }
}

/// As [`forms::contents`], but that scores in a listpack are compared as numbers: 7.0 writes some with more digits than 7.2.
fn contents(server: &mut Server) -> Vec<String> {
    let mut contents = forms::contents(server);
    contents.retain(|line| !line.starts_with("0 zset "));
    let Reply::Array(words) = server.call("ZRANGE zset 0 -1 WITHSCORES") else { panic!("it is gone") };
    for pair in words.chunks(2) {
        let text = |word: &Reply| String::from_utf8_lossy(word.as_bytes().unwrap()).into_owned();
        let score: f64 = text(&pair[1]).parse().unwrap();
        contents.push(format!("{} {score:?}", text(&pair[0])));
    }
    contents
}

/// Of all but those sorted sets whose scores 7.0 digests with other digits than 7.2. Nothing is written to the file from here on.
fn digest(server: &mut Server) -> String {
    assert_eq!(server.text("CONFIG SET appendonly no"), "OK");
    assert_eq!(server.text("DEL zset zset:wide"), "2");
    server.text("DEBUG DIGEST")
}

fn start(kind: &str, folder: Folder, made: Made) -> Server {
    match kind {
        "redis" => Server::redis_in(folder, &made.arguments()),
        _ => Server::ours_in(folder, &made.arguments()),
    }
}

fn rewrite(server: &mut Server) {
    assert!(server.text("BGREWRITEAOF").starts_with("Background append only file rewriting"));
    wait_until("the file is written anew", || {
        server.info("aof_rewrite_in_progress") == "0" && server.info("aof_rewrite_scheduled") == "0"
    });
    assert_eq!(server.info("aof_last_bgrewrite_status"), "ok");
}

/// What a base has is changed by the commands behind it.
fn change_after(server: &mut Server) {
    for line in [
        "SELECT 0",
        "APPEND short :more",
        "INCRBY int8 100",
        "LPUSH list:long first",
        "LINSERT list BEFORE -5 between",
        "HDEL hash:long member:7",
        "HINCRBYFLOAT hash f:new 0.1",
        "SREM set:long member:9",
        "SADD intset:16 not-a-number",
        "ZINCRBY zset:long 0.5 member:11",
        "ZREMRANGEBYRANK zset 0 0",
        "XADD stream 251-1 field last",
        "XTRIM stream MAXLEN = 100",
        "XREADGROUP GROUP readers one COUNT 1 STREAMS stream >",
        "SETRANGE bits 10 x",
        "PFADD hyperloglog d e f",
        "MULTI",
        "SET in:transaction 1",
        "PEXPIRE in:transaction 4000000000",
        "RENAME run run:renamed",
        "EXEC",
        "SELECT 9",
        "COPY hash copied DB 1",
        "SELECT 0",
    ] {
        let said = server.text(line);
        assert!(!said.starts_with("ERR") && !said.starts_with("WRONGTYPE"), "{line}: {said}");
    }
}

fn check(folder: &Path, made: Made) {
    let manifest = folder.join("appendonlydir/appendonly.aof.manifest");
    let checked = Command::new("redis-check-aof").arg(manifest).output().unwrap();
    assert!(checked.status.success(), "{made:?}: {}", String::from_utf8_lossy(&checked.stdout));
}
