use super::*;
use crate::clock;
use crate::executor::in_memory::{Client, node_with};
use proptest::prelude::*;
use rcl_proto::resp::encode_request;

const CLUSTER: [&str; 2] = ["--cluster-enabled", "yes"];

fn stream(node: &Arc<Node>, lanes: usize, commands_a_chunk: usize) -> Stream {
    let handle = ClientHandle::new(node.clients.next_id(), None, String::new(), -1, clock::now_ms());
    Stream::new(node, Arc::new(handle), Shape { lanes, commands_a_chunk })
}

fn encoded(lines: &[String]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in lines {
        encode_request(&mut bytes, line.split(' ').map(str::as_bytes).collect::<Vec<_>>());
    }
    bytes
}

/// All keys as they are, byte for byte, with the times of their ends.
fn contents(node: &Arc<Node>) -> Vec<(Vec<u8>, Vec<u8>, Vec<u8>)> {
    let mut client = Client::new(node);
    // Such a one is asked nothing about slots, and sees what has expired.
    client.session.is_master_link = true;
    let keys = client.request(&["KEYS", "*"]).unwrap();
    let (rcl_proto::resp::Reply::Array(keys), _) = rcl_proto::resp::Reply::parse(&keys).unwrap().unwrap()
    else {
        panic!("KEYS")
    };
    let mut of = |key: &[u8]| {
        let dump = client.request(&[b"DUMP", key]).unwrap();
        (key.to_vec(), dump, client.request(&[b"PEXPIRETIME", key]).unwrap())
    };
    let mut all: Vec<_> = keys.iter().map(|key| of(key.as_bytes().unwrap())).collect();
    all.sort();
    all
}

fn logged(node: &Node, from: u64) -> Vec<u8> {
    node.replication.take_from_log(0, from, usize::MAX).unwrap().concat()
}

/// A write whose outcome depends on what came before it at the same key. Keys of the same tag are in one slot.
fn write() -> impl Strategy<Value = String> {
    (0..16u8, 0..12u8, 0..5u8, 0..1000u32).prop_map(|(kind, tag, name, number)| {
        let key = |letter: char| format!("{{{tag}}}{letter}{name}");
        match kind {
            0 => format!("SET {} {number}", key('s')),
            1..4 => format!("APPEND {} {number},", key('s')),
            4 => format!("INCRBY {} {number}", key('n')),
            5..7 => format!("RPUSH {} {number} {tag}", key('l')),
            7 => format!("LPOP {}", key('l')),
            8 => format!("HSET {} f{} {number}", key('h'), number % 7),
            9 => format!("ZADD {} {number} m{}", key('z'), number % 7),
            10 => format!("SADD {} {number} x{tag}", key('t')),
            11 => format!("RENAME {} {{{tag}}}l0", key('l')),
            12 => format!("DEL {} {}", key('s'), key('h')),
            13 => format!("LMOVE {} {{{tag}}}l1 LEFT RIGHT", key('l')),
            14 => format!("PEXPIREAT {} {}", key('l'), 4_000_000_000_000u64 + u64::from(number)),
            _ => format!("SETRANGE {} 3 {number}", key('s')),
        }
    })
}

fn lines() -> impl Strategy<Value = Vec<String>> {
    let multi = |inside: Vec<String>| {
        let words = |word: &str| word.to_owned();
        [vec![words("MULTI")], inside, vec![words("EXEC")]].concat()
    };
    let piece = prop_oneof![
        20 => write().prop_map(|line| vec![line]),
        2 => prop::collection::vec(write(), 1..5).prop_map(multi),
        2 => (0..12u8, prop::collection::vec(0..1000u32, 1..5)).prop_map(move |(tag, numbers)| {
            multi(numbers.iter().map(|number| format!("RPUSH {{{tag}}}l0 {number}")).collect())
        }),
        1 => prop::sample::select(vec![
            "PING", "REPLCONF GETACK *", "SELECT 0", "PUBLISH channel message", "FLUSHALL", "MULTI|EXEC",
            "MULTI|PING|SELECT 0|EXEC",
        ])
        .prop_map(|lines| lines.split('|').map(str::to_owned).collect()),
    ];
    prop::collection::vec(piece, 1..200).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// However the stream is cut, and whoever applies it: the data are those of one thread, and the log is the stream.
    #[test]
    fn applied_by_many_it_comes_to_the_same(
        lines in lines(),
        cuts in prop::collection::vec(1usize..4000, 1..40),
        (in_cluster, lanes, commands_a_chunk) in (prop::bool::weighted(0.8), 1usize..4, 1usize..40),
    ) {
        let arguments: &[&str] = if in_cluster { &CLUSTER } else { &[] };
        let (one, many) = (node_with(arguments, ""), node_with(arguments, ""));
        let all = encoded(&lines);
        let mut input = all.clone();
        stream(&one, 0, 1).apply_and_log(&mut input).unwrap();
        prop_assert!(input.is_empty());

        let mut by_many = stream(&many, lanes, commands_a_chunk);
        let (mut rest, mut cuts) = (all.as_slice(), cuts.iter().cycle());
        while !rest.is_empty() {
            let (now, later) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
            input.extend_from_slice(now);
            by_many.apply_and_log(&mut input).unwrap();
            // What is logged is applied: nothing is but a transaction that is open, or half a command.
            prop_assert_eq!(many.replication.offset() as usize + input.len(), all.len() - later.len());
            rest = later;
        }
        prop_assert_eq!(logged(&many, 0), all);
        prop_assert_eq!(contents(&many), contents(&one));
    }
}

/// The link may die there: what is logged is where another one goes on, and of the transaction nothing was done.
#[test]
fn a_transaction_without_its_end_is_not_there() {
    let node = node_with(&CLUSTER, "");
    let mut stream = stream(&node, 2, 8);
    let whole = encoded(&["SET a 1".to_owned(), "SET b 1".to_owned()]);
    let open: Vec<String> = ["MULTI", "INCR a", "INCR b"].map(str::to_owned).to_vec();
    let mut input = [whole.clone(), encoded(&open), b"*2\r\n$4\r\nIN".to_vec()].concat();
    stream.apply_and_log(&mut input).unwrap();
    assert_eq!(node.replication.offset(), whole.len() as u64);
    assert!(input.starts_with(b"*1\r\n$5\r\nMULTI\r\n"));
    drop(stream);
    let mut client = Client::new(&node);
    client.session.is_master_link = true;
    assert_eq!((client.ask("GET a"), client.ask("GET b")), ("$1 1".to_owned(), "$1 1".to_owned()));
}

/// Behind what cannot be understood nothing is applied, and what is before it is logged.
#[test]
fn what_is_no_request_ends_it() {
    let node = node_with(&CLUSTER, "");
    let mut stream = stream(&node, 2, 8);
    let good = encoded(&["SET a 1".to_owned()]);
    let mut input = [good.as_slice(), b"*1\r\n+what\r\n", &good].concat();
    assert!(matches!(stream.apply_and_log(&mut input), Err(LinkError::Protocol(_))));
    assert_eq!(node.replication.offset(), good.len() as u64);
}
