//! A file with every type in every form, and what a server shows of it: everything that a file keeps.

use rcl_proto::resp::Reply;

use crate::harness::server::{Client, Server};

const DATABASES: [&str; 3] = ["0", "1", "9"];
const LIBRARY: &str = "#!lua name=lib\nredis.register_function{function_name='seven', callback=function() return 7 end, flags={'no-writes'}}";

/// Fills an empty server.
pub fn fill(server: &mut Server) {
    let client = &mut server.connect();
    let mut tell = |words: &[&str]| {
        let reply = client.call(words);
        assert!(!matches!(reply, Reply::Error(_)), "{words:?}: {reply:?}");
    };
    let run = "abc".repeat(100);
    let blob = "x".repeat(20_000);
    let members: Vec<String> = (0..700).map(|number| format!("member:{number}")).collect();
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let numbers: Vec<String> = (0..700).map(|number| (number * 7919 - 100_000).to_string()).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let pairs: Vec<&str> = members.iter().zip(&numbers).flat_map(|(one, other)| [*one, *other]).collect();
    let scored: Vec<&str> = members.iter().zip(&numbers).flat_map(|(one, other)| [*other, *one]).collect();
    let with = |head: &[&'static str], words: &[&str]| -> Vec<String> {
        head.iter().chain(words).map(|word| (*word).to_owned()).collect()
    };
    for (key, value) in [
        ("empty", ""),
        ("int8", "-128"),
        ("int16", "32767"),
        ("int32", "-2147483648"),
        ("int64", "9223372036854775807"),
        ("almost", "007"),
        ("short", "value"),
        ("run", &run),
        ("blob", &blob),
    ] {
        tell(&["SET", key, value]);
        tell(&["SET", &format!("{key}:ends"), value, "PXAT", "4000000000000"]);
    }
    for words in [
        with(&["RPUSH", "list"], &["a", "-5", "70000", &run]),
        with(&["RPUSH", "list:long"], &members),
        with(&["RPUSH", "list:plain"], &["a", &blob, "b"]),
        with(&["HSET", "hash"], &["f", "v", "2", "-70000"]),
        with(&["HSET", "hash:long"], &pairs),
        with(&["HSET", "hash:wide"], &["f", &run]),
        with(&["SADD", "set"], &["a", "b", "5"]),
        with(&["SADD", "set:long"], &members),
        with(&["SADD", "intset:16"], &["1", "-2", "300"]),
        with(&["SADD", "intset:32"], &["1", "70000"]),
        with(&["SADD", "intset:64"], &["1", "-9000000000"]),
        with(&["SADD", "set:numbers"], &numbers),
        with(&["ZADD", "zset"], &["1", "a", "-inf", "low", "2.5", "b", "inf", "high", "3e-300", "c"]),
        with(&["ZADD", "zset:long"], &scored),
        with(&["ZADD", "zset:wide"], &["1", &run, "0.1", "a"]),
        with(&["GEOADD", "geo"], &["13.361389", "38.115556", "Palermo"]),
        with(&["PFADD", "hyperloglog"], &["a", "b", "c"]),
        with(&["SETBIT", "bits"], &["1000", "1"]),
        with(&["FUNCTION", "LOAD"], &[LIBRARY]),
    ] {
        tell(&words.iter().map(String::as_str).collect::<Vec<_>>());
    }
    for number in 1..=250 {
        let (id, value) = (format!("{number}-1"), format!("v{number}"));
        tell(&["XADD", "stream", &id, "field", &value, "other", "5"]);
    }
    for line in [
        "XDEL stream 3-1 200-1",
        "XGROUP CREATE stream readers 0",
        "XGROUP CREATE stream ahead 240-1 ENTRIESREAD 7",
        "XREADGROUP GROUP readers one COUNT 4 STREAMS stream >",
        "XREADGROUP GROUP readers two COUNT 2 STREAMS stream >",
        "XACK stream readers 2-1",
        "XGROUP CREATECONSUMER stream readers idle",
        "XGROUP CREATE stream:empty g $ MKSTREAM",
        "SELECT 1",
        "SET only here",
        "RPUSH list:ends a",
        "PEXPIREAT list:ends 4000000000001",
        "SELECT 9",
        "HSET hash f v",
    ] {
        tell(&line.split(' ').collect::<Vec<_>>());
    }
}

/// Many strings, for a file that is not small.
pub fn fill_more(server: &mut Server, count: u32) {
    let mut client = server.connect();
    for number in 0..count {
        let key = format!("more:{number}");
        client.send(&["SET", &key, &format!("{key} has a value of its own")]);
    }
    (0..count).for_each(|_| drop(client.reply()));
}

/// What there is, a line each: the value, when it ends, and how it is encoded, where 7.0 and 7.2 name encodings alike.
pub fn contents(server: &Server) -> Vec<String> {
    let client = &mut server.connect();
    // What DUMP compresses is up to the server.
    client.call(&["CONFIG", "SET", "rdbcompression", "no"]);
    let mut all = vec![format!("{:?}", client.call(&["FUNCTION", "LIST", "WITHCODE"]))];
    for database in DATABASES {
        client.call(&["SELECT", database]);
        let Reply::Array(keys) = client.call(&["KEYS", "*"]) else { panic!("KEYS") };
        let keys = keys.iter().map(|key| String::from_utf8_lossy(key.as_bytes().unwrap()).into_owned());
        let (mut more, keys): (Vec<String>, Vec<String>) = keys.partition(|key| key.starts_with("more:"));
        more.sort();
        for some in more.chunks(1000) {
            let words: Vec<&str> = ["MGET"].into_iter().chain(some.iter().map(String::as_str)).collect();
            all.push(format!("{some:?} {:?}", client.call(&words)));
        }
        for key in keys {
            let ends = client.call(&["PEXPIRETIME", &key]);
            all.push(format!("{database} {key} {ends:?} {}", shown(client, &key)));
        }
    }
    all.sort();
    all
}

fn shown(client: &mut Client, key: &str) -> String {
    let Reply::Simple(kind) = client.call(&["TYPE", key]) else { panic!("{key}") };
    let encoding = format!("{:?}", client.call(&["OBJECT", "ENCODING", key]));
    // In these two the order is the server's own.
    let unordered = |reply: Reply, width: usize| -> String {
        let Reply::Array(elements) = reply else { panic!("{key}: {reply:?}") };
        let mut parts: Vec<String> = elements.chunks(width).map(|part| format!("{part:?}")).collect();
        parts.sort();
        parts.join(",")
    };
    match kind.as_str() {
        // A list is a quicklist always in 7.0, and a small set never is a listpack there.
        "list" => format!("{:?}", client.call(&["LRANGE", key, "0", "-1"])),
        "set" => unordered(client.call(&["SMEMBERS", key]), 1),
        "hash" => format!("{encoding} {}", unordered(client.call(&["HGETALL", key]), 2)),
        // A string that was changed in place is raw, until it is loaded.
        "string" => format!("{:?}", client.call(&["DUMP", key])),
        "zset" => format!("{encoding} {:?}", client.call(&["DUMP", key])),
        "stream" => stream(client, key),
        other => panic!("{key} is a {other}"),
    }
}

fn stream(client: &mut Client, key: &str) -> String {
    // With what 7.2 tells more, and how long ago consumers were seen, it is not the same text.
    let Reply::Array(facts) = client.call(&["XINFO", "STREAM", key]) else { panic!("{key}") };
    let mut parts = vec![format!("{:?}", client.call(&["XRANGE", key, "-", "+"])), format!("{facts:?}")];
    let Reply::Array(groups) = client.call(&["XINFO", "GROUPS", key]) else { panic!("{key}") };
    for group in groups {
        let Reply::Array(fields) = &group else { panic!("{group:?}") };
        let name = String::from_utf8_lossy(fields[1].as_bytes().unwrap()).into_owned();
        parts.push(format!("{group:?}"));
        let Reply::Array(pending) = client.call(&["XPENDING", key, &name, "-", "+", "100"]) else {
            panic!("{name}")
        };
        for entry in pending {
            let Reply::Array(entry) = entry else { panic!("{entry:?}") };
            parts.push(format!("{:?} {:?} {:?}", entry[0], entry[1], entry[3]));
        }
        let Reply::Array(consumers) = client.call(&["XINFO", "CONSUMERS", key, &name]) else {
            panic!("{name}")
        };
        for consumer in consumers {
            let Reply::Array(fields) = consumer else { panic!("{consumer:?}") };
            parts.push(format!("{:?}", &fields[..4]));
        }
    }
    parts.join("\n")
}
