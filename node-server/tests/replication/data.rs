//! Data of every type, and reading them back.

use rcl_proto::resp::Reply;

use crate::harness::server::{Client, Server};
use crate::harness::wait_until;

/// One of each type and encoding that both can have, in several databases.
pub fn fill(server: &mut Server) {
    let long = "x".repeat(5000);
    for line in [
        "SET string value",
        "SET number 12345",
        "SET expiring soon PX 100000000",
        "RPUSH list a b c 4 5",
        "HSET hash f1 v1 f2 2",
        "SADD set a b c",
        "SADD intset 1 2 3 70000",
        "ZADD sorted 1 one 2.5 two -inf low",
    ] {
        assert!(!matches!(server.call(line), Reply::Error(_)), "{line}");
    }
    server.call(&format!("SET long {long}"));
    let many: Vec<String> = (0..600).map(|number| format!("member:{number}")).collect();
    server.call(&format!("SADD bigset {}", many.join(" ")));
    server.call(&format!("RPUSH biglist {}", many.join(" ")));
    let pairs: Vec<String> = many.iter().map(|member| format!("{member} v")).collect();
    server.call(&format!("HSET bighash {}", pairs.join(" ")));
    let scored: Vec<String> =
        many.iter().enumerate().map(|(score, member)| format!("{score} {member}")).collect();
    server.call(&format!("ZADD bigsorted {}", scored.join(" ")));
    server.call("SELECT 3");
    server.call("SET elsewhere 3");
    server.call("SELECT 0");
}

/// All data as text, whatever the order in which the server keeps them.
pub fn contents(client: &mut Client, databases: &[&str]) -> Vec<String> {
    let mut all = Vec::new();
    for database in databases {
        client.call(&["SELECT", database]);
        let Reply::Array(keys) = client.call(&["KEYS", "*"]) else { panic!("KEYS") };
        for key in keys {
            let key = String::from_utf8_lossy(key.as_bytes().unwrap()).into_owned();
            let text = value(client, &key);
            let expires = client.call(&["PEXPIRETIME", &key]);
            all.push(format!("{database} {key} {expires:?} {text}"));
        }
    }
    client.call(&["SELECT", "0"]);
    all.sort();
    all
}

fn value(client: &mut Client, key: &str) -> String {
    let kind = client.call(&["TYPE", key]);
    let Reply::Simple(kind) = kind else { panic!("{kind:?}") };
    let reply = match kind.as_str() {
        "string" => client.call(&["GET", key]),
        "list" => client.call(&["LRANGE", key, "0", "-1"]),
        "hash" => client.call(&["HGETALL", key]),
        "set" => client.call(&["SMEMBERS", key]),
        "zset" => client.call(&["ZRANGE", key, "0", "-1", "WITHSCORES"]),
        other => panic!("{key} is a {other}"),
    };
    let sorted = match reply {
        Reply::Array(members) if kind == "set" => {
            let mut texts: Vec<String> = members.iter().map(|member| format!("{member:?}")).collect();
            texts.sort();
            texts.join(",")
        }
        Reply::Array(members) if kind == "hash" => {
            let mut texts: Vec<String> = members.chunks(2).map(|pair| format!("{pair:?}")).collect();
            texts.sort();
            texts.join(",")
        }
        other => format!("{other:?}"),
    };
    format!("{kind} {sorted}")
}

/// Both at the same offset, with the same data.
pub fn assert_same(master: &mut Server, replica: &mut Server) {
    wait_until("the replica is where the master is", || master.offset() == replica.offset());
    let databases = ["0", "1", "2", "3"];
    let (ours, theirs) =
        (contents(&mut master.connect(), &databases), contents(&mut replica.connect(), &databases));
    assert!(!ours.is_empty());
    assert_eq!(ours.len(), theirs.len());
    for (one, other) in ours.iter().zip(&theirs) {
        assert_eq!(one, other);
    }
}
