//! Whatever a stream says: lanes make the same of it as one after the other.

use std::sync::Arc;

use proptest::prelude::*;
use rcl_proto::resp::OwnedArgs;

use super::runner::Runner;
use super::*;
use crate::executor::in_memory::{Client, node_with};

const SERIAL: Shape = Shape { lanes: 0, commands_a_chunk: 1 };

type Words = Vec<String>;

fn words(line: &str) -> Words {
    line.split(' ').map(str::to_owned).collect()
}

fn node(cluster: bool) -> Arc<Node> {
    node_with(&["--cluster-enabled", if cluster { "yes" } else { "no" }], "")
}

fn handle(node: &Node) -> Arc<ClientHandle> {
    Arc::new(ClientHandle::new(node.clients.next_id(), None, String::new(), -1, 0))
}

/// What there is afterwards: the data, the functions, the database and whether a transaction is open.
#[derive(Debug, PartialEq, Eq)]
struct After {
    digest: String,
    functions: String,
    database: usize,
    in_transaction: bool,
}

fn after(node: &Arc<Node>, database: usize, in_transaction: bool) -> After {
    let mut client = Client::new(node);
    // What was over before it came must not end at some moment between two looks.
    client.ask("DEBUG SET-ACTIVE-EXPIRE 0");
    let digest = client.ask("DEBUG DIGEST");
    After { digest, functions: client.ask("FUNCTION LIST WITHCODE"), database, in_transaction }
}

/// As it is without an applier: each command by the stream's session, in its turn.
fn one_by_one(cluster: bool, stream: &[Words]) -> After {
    let node = node(cluster);
    let mut runner = Runner::new(node.clone(), handle(&node), Source::Master);
    for words in stream {
        let args = OwnedArgs::new(words.iter().map(String::as_bytes));
        runner.run(args.as_args(), node.commands.find(args.as_args()), args.byte_count());
    }
    after(&node, runner.session.database, runner.session.in_transaction())
}

fn by_lanes(cluster: bool, stream: &[Words], shape: Shape, drain_every: usize) -> After {
    let node = node(cluster);
    let mut applier = Applier::new(&node, handle(&node), Source::Master, shape);
    for (number, words) in stream.iter().enumerate() {
        let args = OwnedArgs::new(words.iter().map(String::as_bytes));
        applier.apply(args.as_args(), node.commands.find(args.as_args()), args.byte_count());
        if (number + 1).is_multiple_of(drain_every) {
            applier.drain();
        }
    }
    applier.drain();
    after(&node, applier.database(), applier.in_transaction())
}

/// The words of a line, with these keys for K and L.
fn about(line: &str, key: &str, other: &str) -> Words {
    let word = |word: &str| match word {
        "K" => key.to_owned(),
        "L" => other.to_owned(),
        _ => word.to_owned(),
    };
    line.split(' ').map(word).collect()
}

/// A command of any kind that a log may hold, and of some that it should not.
fn command() -> impl Strategy<Value = Words> {
    let key = prop::sample::select(vec!["a", "b", "c", "{a}1", "{a}2", "d", "e", "f", "g"]);
    let key = key.prop_map(str::to_owned);
    let of_one = prop::sample::select(vec![
        "SET K v",
        "SET K 7",
        "APPEND K x",
        "INCRBY K 3",
        "DEL K",
        "RPUSH K x",
        "RPUSH K y z",
        "LPOP K",
        "HSET K f v",
        "HSET K g w",
        "SADD K m",
        "SREM K m",
        "ZADD K 1 m",
        "PEXPIREAT K 1",
        "PEXPIREAT K 4000000000000",
        "PERSIST K",
        "XADD K 9-1 f v",
        "XGROUP CREATE K group 0 MKSTREAM",
        "GETDEL K",
        "GET K",
        "WATCH K",
        "EVAL return(redis.call('append',KEYS[1],'s')) 1 K",
        "EVAL return(redis.call('nothing')) 1 K",
        "FCALL f 1 K",
        "SET K",
    ]);
    let of_two = prop::sample::select(vec![
        "MSET K 1 L 2",
        "DEL K L",
        "RENAME K L",
        "COPY K L",
        "SUNIONSTORE K L K",
        "ZUNIONSTORE K 1 L",
        "ZUNIONSTORE K 2 L K",
        "LMOVE K L LEFT RIGHT",
        "SORT K STORE L",
    ]);
    let of_none = prop::sample::select(vec![
        "FLUSHALL",
        "FLUSHDB",
        "SELECT 0",
        "SELECT 1",
        "SELECT 99",
        "SWAPDB 0 1",
        "MOVE a 1",
        "PING",
        "NOTHING a",
        "SCRIPT LOAD return(1)",
        "FUNCTION FLUSH",
        "CLIENT REPLY OFF",
        "CLIENT REPLY ON",
        "UNWATCH",
        "PUBLISH channel message",
        "DBSIZE",
    ]);
    let function = "#!lua name=one\nredis.register_function('f', function(keys) return redis.call('append', keys[1], 'f') end)";
    prop_oneof![
        30 => (of_one, key.clone()).prop_map(|(line, key)| about(line, &key, "")),
        6 => (of_two, key.clone(), key).prop_map(|(line, key, other)| about(line, &key, &other)),
        3 => of_none.prop_map(words),
        4 => Just(words("MULTI")),
        5 => Just(words("EXEC")),
        1 => Just(words("DISCARD")),
        1 => Just(vec!["FUNCTION".to_owned(), "LOAD".to_owned(), "REPLACE".to_owned(), function.to_owned()]),
        1 => "[abc]".prop_map(|key| vec!["SET".to_owned(), key, "x".repeat(LONGEST_COPIED + 1)]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    #[test]
    fn lanes_make_the_same_of_a_stream(
        stream in prop::collection::vec(command(), 0..120),
        cluster: bool,
        lanes in 0usize..4,
        commands_a_chunk in 1usize..20,
        drain_every in 1usize..200,
    ) {
        let shape = Shape { lanes, commands_a_chunk };
        prop_assert_eq!(by_lanes(cluster, &stream, shape, drain_every), one_by_one(cluster, &stream));
    }
}

#[test]
fn a_long_stream_of_many_keys_is_applied_in_order() {
    let stream: Vec<Words> = (0..20_000)
        .map(|number| match number % 1000 {
            999 => words("FLUSHALL"),
            500 => words("MULTI"),
            503 => words("EXEC"),
            501 | 502 => words(&format!("APPEND {{t}}{} x", number % 2)),
            _ => words(&format!("APPEND key:{} {},", number % 97, number)),
        })
        .take(19_990)
        .collect();
    for cluster in [false, true] {
        let shape = Shape { lanes: 3, commands_a_chunk: 32 };
        assert_eq!(by_lanes(cluster, &stream, shape, usize::MAX), one_by_one(cluster, &stream));
    }
}

#[test]
fn of_a_transaction_without_its_end_nothing_is_applied() {
    for (shape, more) in [(SERIAL, ""), (Shape { lanes: 2, commands_a_chunk: 1 }, "x"), (SERIAL, "b")] {
        let node = node(true);
        let mut applier = Applier::new(&node, handle(&node), Source::Master, shape);
        let mut say = |line: &str| {
            let args = OwnedArgs::new(line.split(' ').map(str::as_bytes));
            applier.apply(args.as_args(), node.commands.find(args.as_args()), args.byte_count());
            applier.drain();
            applier.in_transaction()
        };
        assert!(!say("SET a 1") && say("MULTI") && say("SET a 2"));
        if !more.is_empty() {
            assert!(say(&format!("SET {more} 2")));
        }
        let slot_of_a = rcl_proto::key_slot(b"a");
        let value = || {
            let shard = node.shards.lock_slot(slot_of_a);
            let entry = shard.keyspace.find(0, &node.key(b"a"));
            entry.and_then(|entry| entry.value().as_string().map(|value| value.to_vec()))
        };
        assert_eq!(value(), Some(b"1".to_vec()));
        assert!(!say("EXEC"));
        assert_eq!(value(), Some(b"2".to_vec()));
    }
}

#[test]
fn what_is_about_one_shard_goes_to_a_lane_and_what_is_not_is_run_here() {
    let place = |cluster: bool, line: &str| {
        let node = node(cluster);
        let args = OwnedArgs::new(line.split(' ').map(str::as_bytes));
        match placing::place(&node, node.commands.find(args.as_args()), args.as_args()) {
            Place::Shard(..) => "shard",
            Place::Begin(_) => "begin",
            Place::End(_) => "end",
            Place::Here => "here",
        }
    };
    for (line, alone, in_cluster) in [
        ("SET a 1", "shard", "shard"),
        ("XGROUP CREATE a g 0", "shard", "shard"),
        ("MSET {a}1 1 {a}2 2", "shard", "shard"),
        ("MSET a 1 b 2", "shard", "here"),
        ("ZUNIONSTORE {a}1 1 {a}2", "shard", "shard"),
        ("SET a", "here", "here"),
        ("GET a", "here", "here"),
        ("WATCH a", "here", "here"),
        ("SPUBLISH a b", "here", "here"),
        ("EVAL x 1 a", "here", "here"),
        ("FLUSHALL", "here", "here"),
        ("SELECT 1", "here", "here"),
        ("NOTHING a", "here", "here"),
        ("MULTI", "begin", "begin"),
        ("EXEC", "end", "end"),
    ] {
        assert_eq!((place(false, line), place(true, line)), (alone, in_cluster), "{line}");
    }
}
