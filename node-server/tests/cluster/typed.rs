//! Keys of every type, and what is in them as text, whatever the order in which a server keeps it.

use std::collections::BTreeSet;

use rcl_proto::key_slot;
use rcl_proto::resp::Reply;

use super::client::Client;

/// A hash tag for each of these slots.
pub fn tags(slots: &[u16]) -> Vec<String> {
    let mut missing: BTreeSet<u16> = slots.iter().copied().collect();
    let names = (0..).map(|number| format!("t{number}"));
    names.filter(|name| missing.remove(&key_slot(name.as_bytes()).number())).take(slots.len()).collect()
}

/// Several keys of each type in the tag's slot, small and big ones, with and without expiry.
pub fn fill(client: &mut Client, tag: &str) {
    let members: Vec<String> = (0..200).map(|number| format!("member-{number}")).collect();
    let paired = |first: &str| members.iter().map(|member| format!("{first} {member}")).collect::<Vec<_>>();
    for line in [
        format!("SET {{{tag}}}:string value-of-{tag}"),
        format!("SET {{{tag}}}:number 12345"),
        format!("SET {{{tag}}}:expiring soon PX 100000000"),
        format!("SET {{{tag}}}:long {}", "x".repeat(3000)),
        format!("RPUSH {{{tag}}}:list a b c 4 5"),
        format!("RPUSH {{{tag}}}:biglist {}", members.join(" ")),
        format!("HSET {{{tag}}}:hash f1 v1 f2 2"),
        format!(
            "HSET {{{tag}}}:bighash {}",
            members.iter().map(|m| format!("{m} v")).collect::<Vec<_>>().join(" ")
        ),
        format!("SADD {{{tag}}}:set a b c"),
        format!("SADD {{{tag}}}:intset 1 2 3 70000"),
        format!("ZADD {{{tag}}}:sorted 1 one 2.5 two -inf low"),
        format!("ZADD {{{tag}}}:bigsorted {}", paired("1.25").join(" ")),
        format!("PEXPIREAT {{{tag}}}:hash 4000000000000"),
    ] {
        let answer = client.try_ask(&line).unwrap();
        assert!(!matches!(answer, Reply::Error(_)), "{line}: {answer:?}");
    }
}

/// All that a slot holds: key, whether it expires, type and content, sorted. (When it expires shifts by the time that
/// its move takes, since MIGRATE sends what is left.)
pub fn contents(client: &mut Client, slot: u16) -> Vec<String> {
    let Reply::Array(keys) = client.try_ask(&format!("CLUSTER GETKEYSINSLOT {slot} 1000")).unwrap() else {
        panic!("GETKEYSINSLOT")
    };
    let mut all: Vec<String> = keys
        .iter()
        .map(|key| {
            let key = String::from_utf8_lossy(key.as_bytes().unwrap()).into_owned();
            let stays = client.try_ask(&format!("PEXPIRETIME {key}")).unwrap() == Reply::Integer(-1);
            format!("{key} {} {}", if stays { "stays" } else { "expires" }, value(client, &key))
        })
        .collect();
    all.sort();
    all
}

fn value(client: &mut Client, key: &str) -> String {
    let kind = client.try_ask(&format!("TYPE {key}")).unwrap();
    let Reply::Simple(kind) = kind else { panic!("{kind:?}") };
    let (line, together) = match kind.as_str() {
        "string" => (format!("GET {key}"), 1),
        "list" => (format!("LRANGE {key} 0 -1"), usize::MAX),
        "hash" => (format!("HGETALL {key}"), 2),
        "set" => (format!("SMEMBERS {key}"), 1),
        "zset" => (format!("ZRANGE {key} 0 -1 WITHSCORES"), 2),
        other => panic!("{key} is a {other}"),
    };
    let parts = match client.try_ask(&line).unwrap() {
        Reply::Array(members) => {
            let texts = members.chunks(together.min(members.len())).map(|some| format!("{some:?}"));
            let mut texts: Vec<String> = texts.collect();
            texts.sort();
            texts.join(",")
        }
        other => format!("{other:?}"),
    };
    format!("{kind} {parts}")
}
