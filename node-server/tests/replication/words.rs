//! The commands' own answers, side by side with the real server's.

use crate::harness::has_redis;
use crate::harness::server::Server;

/// Not asked: what names the server itself, or would end it.
const QUESTIONS: &[&str] = &[
    "REPLCONF",
    "REPLCONF listening-port",
    "REPLCONF listening-port x",
    "REPLCONF listening-port 1 capa eof foo bar",
    "REPLCONF ip-address a",
    "REPLCONF rdb-only 2",
    "REPLICAOF a b",
    "REPLICAOF no one",
    "REPLICAOF 127.0.0.1 99999",
    "SLAVEOF no one",
    "WAIT a 1",
    "WAIT 1 a",
    "WAIT 1 -5",
    "WAIT 0 0",
    "WAIT 1 10",
    "ROLE",
    "PSYNC a b",
    "PSYNC a",
    "BGSAVE x",
    "SAVE x",
    "LASTSAVE x",
    "SHUTDOWN foo",
    "SHUTDOWN abort",
    "SHUTDOWN nosave save",
    "SHUTDOWN abort now",
    "MULTI",
    "SAVE",
    "EXEC",
    "MULTI",
    "WAIT 1 0",
    "ROLE",
    "REPLICAOF no one",
    "EXEC",
    "REPLCONF rdb-filter-only keys",
    "REPLCONF rdb-filter-only functions",
];

#[test]
fn the_same_words_as_redis() {
    if !has_redis("the_same_words_as_redis") {
        return;
    }
    let (mut ours, mut redis) = (Server::ours(&[]), Server::redis(&[]));
    for question in QUESTIONS {
        assert_eq!(ours.call(question), redis.call(question), "{question}");
    }
    let fields = |server: &mut Server, section: &str| -> Vec<String> {
        let text = server.text(&format!("INFO {section}"));
        text.lines().map(|line| line.split(':').next().unwrap_or_default().to_owned()).collect()
    };
    // With 7.2's fields, which 7.0 has not all of.
    for section in ["replication", "persistence"] {
        let (ours, theirs) = (fields(&mut ours, section), fields(&mut redis, section));
        assert!(theirs.iter().all(|field| ours.contains(field)), "{ours:?} {theirs:?}");
    }
}
