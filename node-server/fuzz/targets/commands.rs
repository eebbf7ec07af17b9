//! Commands of the whole table with any arguments, one after the other, to a node in memory: each is answered by one whole
//! reply, or waits.
#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use rcl_node::command::spec::flag;
use rcl_node::command::{self, CommandSpec};
use rcl_node::executor::in_memory::{Client, node_with};
use rcl_proto::resp::Reply;

/// Words that commands look for, keys of the types, and numbers at the edges.
const WORDS: &[&str] = &[
    "k",
    "l",
    "h",
    "s",
    "z",
    "x",
    "g",
    "missing",
    "a",
    "b",
    "c",
    "0",
    "1",
    "2",
    "3",
    "5",
    "10",
    "-1",
    "-2",
    "-3",
    "100",
    "1000000",
    "-1000000",
    "4294967295",
    "2147483648",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "1.5",
    "-0.0",
    "1e400",
    "nan",
    "inf",
    "-inf",
    "+inf",
    "(1",
    "[a",
    "(a",
    "[",
    "(",
    "-",
    "+",
    "*",
    "$",
    ">",
    "~",
    "=",
    "#",
    "0-0",
    "0-1",
    "1-1",
    "5-*",
    "18446744073709551615-18446744073709551615",
    "",
    "x*",
    "?",
    "[a-c]",
    "NX",
    "XX",
    "GT",
    "LT",
    "CH",
    "INCR",
    "EX",
    "PX",
    "EXAT",
    "PXAT",
    "KEEPTTL",
    "PERSIST",
    "GET",
    "LIMIT",
    "COUNT",
    "MATCH",
    "TYPE",
    "NOVALUES",
    "WITHSCORES",
    "WITHSCORE",
    "WITHVALUES",
    "WEIGHTS",
    "AGGREGATE",
    "SUM",
    "MIN",
    "MAX",
    "BYSCORE",
    "BYLEX",
    "REV",
    "LEFT",
    "RIGHT",
    "BEFORE",
    "AFTER",
    "RANK",
    "MAXLEN",
    "MINID",
    "NOMKSTREAM",
    "STREAMS",
    "BLOCK",
    "GROUP",
    "NOACK",
    "IDLE",
    "TIME",
    "RETRYCOUNT",
    "FORCE",
    "JUSTID",
    "LASTID",
    "CREATE",
    "MKSTREAM",
    "ENTRIESREAD",
    "FULL",
    "BY",
    "ALPHA",
    "ASC",
    "DESC",
    "STORE",
    "STOREDIST",
    "nosort",
    "w_*",
    "x_*->f",
    "FROMMEMBER",
    "FROMLONLAT",
    "BYRADIUS",
    "BYBOX",
    "WITHCOORD",
    "WITHDIST",
    "WITHHASH",
    "ANY",
    "m",
    "km",
    "ft",
    "mi",
    "AND",
    "OR",
    "XOR",
    "NOT",
    "BIT",
    "BYTE",
    "SET",
    "INCRBY",
    "OVERFLOW",
    "WRAP",
    "SAT",
    "FAIL",
    "u8",
    "i64",
    "u63",
    "#1",
    "REPLACE",
    "ABSTTL",
    "IDLETIME",
    "FREQ",
    "DB",
    "LEN",
    "IDX",
    "MINMATCHLEN",
    "WITHMATCHLEN",
    "FIELDS",
    "FNX",
    "FXX",
    "ON",
    "OFF",
    "return redis.pcall(unpack(ARGV))",
    "redis.setresp(3) return redis.call(unpack(ARGV))",
];

/// They end the process, reach for the network or the disk, or change what the next input finds.
const LEFT_OUT: &[&str] = &[
    "shutdown",
    "debug",
    "config",
    "migrate",
    "replicaof",
    "slaveof",
    "cluster",
    "psync",
    "sync",
    "save",
    "bgsave",
    "bgrewriteaof",
    "acl",
    "failover",
    "monitor",
    "module",
    "reset",
    "quit",
    "hello",
    "client",
    "auth",
    "swapdb",
    "slowlog",
];

/// What they draw, they draw this often, however often that is.
const DRAWS: &[&str] = &["srandmember", "hrandfield", "zrandmember"];

fn commands() -> Vec<&'static CommandSpec> {
    command::all().filter(|spec| !LEFT_OUT.contains(&spec.name)).collect()
}

thread_local! {
    static CLIENT: RefCell<(Client, Vec<&'static CommandSpec>)> = {
        let node = node_with(&["--proto-max-bulk-len", "1mb"], "");
        RefCell::new((Client::new(&node), commands()))
    };
}

/// A word of the list, or as many bytes as the next one says.
fn word(bytes: &mut &[u8]) -> Option<Vec<u8>> {
    let (&first, rest) = bytes.split_first()?;
    *bytes = rest;
    if let Some(word) = WORDS.get(usize::from(first)) {
        return Some(word.as_bytes().to_vec());
    }
    let length = usize::from(first - WORDS.len() as u8).min(rest.len());
    let (word, rest) = rest.split_at(length);
    *bytes = rest;
    Some(word.to_vec())
}

fn draws_too_much(name: &str, words: &[Vec<u8>]) -> bool {
    let is_big =
        |word: &Vec<u8>| word.len() > 5 && word.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-');
    DRAWS.contains(&name) && words.iter().any(is_big)
}

fuzz_target!(|bytes: &[u8]| {
    CLIENT.with_borrow_mut(|(client, commands)| {
        let mut rest = bytes;
        client.request(&["HELLO", if bytes.len() % 2 == 0 { "2" } else { "3" }]);
        client.request(&["FLUSHALL"]);
        while let [first, more, after @ ..] = rest {
            let index = usize::from(*first) | usize::from(*more & 1) << 8;
            let spec = commands[index % commands.len()];
            let count = usize::from(more >> 1) % 12;
            rest = after;
            let mut words = vec![spec.name.as_bytes().to_vec()];
            words.extend((0..count).map_while(|_| word(&mut rest)));
            if draws_too_much(spec.name, &words) {
                continue;
            }
            // What was posted to it by its last command would come before the reply to this one.
            client.forget_pushed();
            match client.request(&words) {
                None => {
                    client.forget_pushed();
                    client.time_out();
                    client.got();
                }
                // To every channel of theirs one message.
                Some(_) if spec.has(flag::PUBSUB) => {}
                Some(reply) => {
                    let parsed = Reply::parse(&reply).expect("a reply is well-formed");
                    let (_, length) = parsed.unwrap_or_else(|| panic!("{} answers half a reply", spec.name));
                    assert_eq!(length, reply.len(), "{} answers once", spec.name);
                }
            }
        }
        client.request(&["DISCARD"]);
        for unsubscribe in ["UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE", "UNWATCH"] {
            client.request(&[unsubscribe]);
        }
    });
});
