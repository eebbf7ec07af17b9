//! Keyspace events: what random commands bring about on both servers, in which order.
//!
//! Behind each command a mark is published, so that what was heard until then is the command's own.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rcl_proto::resp::Reply;

use super::client::Client;
use super::generator::Generator;
use super::number_from;
use super::request::Request;
use super::servers::Servers;

const MARK: &str = "mark";

/// Who hears everything that a server publishes, and who brings it about.
struct Side {
    speaker: Client,
    listener: Client,
}

impl Side {
    fn new(mut speaker: Client, mut listener: Client) -> Side {
        speaker.send(&[Request::of(&["CONFIG", "SET", "notify-keyspace-events", "KEAnm"])]);
        assert_eq!(speaker.receive(1), [Reply::Simple("OK".into())]);
        speaker.send(&[Request::of(&["DEBUG", "SET-ACTIVE-EXPIRE", "0"])]);
        speaker.receive(1);
        listener.send(&[Request::of(&["PSUBSCRIBE", "*"])]);
        listener.receive(1);
        Side { speaker, listener }
    }

    fn send(&mut self, requests: &[Request]) {
        let mut marked = Vec::with_capacity(2 * requests.len());
        for (index, request) in requests.iter().enumerate() {
            marked.push(request.clone());
            if !in_transaction(requests, index) {
                marked.push(Request::of(&["PUBLISH", MARK, ""]));
            }
        }
        self.speaker.send(&marked);
        self.speaker.receive(marked.len());
    }

    /// What was heard until the next mark.
    fn events(&mut self) -> Vec<String> {
        let mut events = Vec::new();
        loop {
            let message = self.listener.receive(1).remove(0);
            let Reply::Array(parts) = &message else { panic!("{message:?}") };
            let [_, _, Reply::Bulk(channel), Reply::Bulk(payload)] = parts.as_slice() else {
                panic!("{message:?}")
            };
            if channel == MARK.as_bytes() {
                return events;
            }
            events.push(format!("{} {}", channel.escape_ascii(), payload.escape_ascii()));
        }
    }
}

struct Sides {
    redis: Side,
    node: Side,
    history: Vec<String>,
    /// The first difference of each command.
    differences: BTreeMap<String, String>,
}

impl Sides {
    fn new(servers: &Servers) -> Sides {
        Sides {
            redis: Side::new(servers.redis(), servers.redis()),
            node: Side::new(servers.node(), servers.node()),
            history: Vec::new(),
            differences: BTreeMap::new(),
        }
    }

    fn compare(&mut self, requests: &[Request]) {
        self.redis.send(requests);
        self.node.send(requests);
        for (index, request) in requests.iter().enumerate() {
            self.history.push(request.to_string());
            if in_transaction(requests, index) {
                continue;
            }
            let (of_redis, of_node) = (self.redis.events(), self.node.events());
            // Which keys stand for elements, and in which order they are looked up, is up to the order of a set.
            let is_up_to_order = may_sort(requests, index) && of_redis.len() == of_node.len();
            if of_redis == of_node || is_up_to_order {
                continue;
            }
            let before = self.history[self.history.len().saturating_sub(10)..].join("\n    ");
            let text = format!("\n    {before}\n  node:  {of_node:?}\n  redis: {of_redis:?}");
            self.differences.entry(request.name()).or_insert(text);
        }
    }

    fn show_no_differences(&self) {
        let all = self.differences.iter().map(|(name, text)| format!("{name}: {text}\n"));
        assert!(self.differences.is_empty(), "other events of\n{}", all.collect::<String>());
    }
}

#[test]
fn random_commands_bring_about_the_same_events() {
    let Some(servers) = Servers::start("events", &[]) else { return };
    let mut sides = Sides::new(&servers);
    let seed = number_from("SEED").unwrap_or(4);
    let commands = number_from("COMMANDS").unwrap_or(10_000) as usize;
    println!("seed {seed}");
    let mut generator = Generator::new(StdRng::seed_from_u64(seed));
    let mut done = 0;
    while done < commands {
        let mut requests = generator.requests(50);
        requests.retain(|request| !draws_a_key(request) && !scans_by_type(request));
        sides.compare(&requests);
        done += requests.len();
    }
    sides.show_no_differences();
}

/// A request that is queued, so that its events come with EXEC.
fn in_transaction(requests: &[Request], index: usize) -> bool {
    let begins_or_ends = |request: &Request| matches!(request.name().as_str(), "multi" | "exec" | "discard");
    let last = requests[..=index].iter().rev().find(|request| begins_or_ends(request));
    last.is_some_and(|request| request.name() == "multi")
}

/// A key past its time that is drawn goes away, and which one is drawn is not for the servers to agree on.
fn draws_a_key(request: &Request) -> bool {
    let is_random = |word: &Vec<u8>| word.eq_ignore_ascii_case(b"RANDOMKEY");
    let calls = request.calls.iter().flatten();
    request.words.iter().any(is_random) || calls.into_iter().any(draws_a_key)
}

/// Redis 7.0 tells of a miss when SCAN with TYPE comes upon a key past its time; 7.2 does not, and neither do we.
fn scans_by_type(request: &Request) -> bool {
    let calls = request.calls.iter().flatten();
    let is_typed = request.words.iter().any(|word| word.eq_ignore_ascii_case(b"TYPE"));
    (request.name() == "scan" && is_typed) || calls.into_iter().any(scans_by_type)
}

/// Whether the request sorts, by itself or by what it runs.
fn may_sort(requests: &[Request], index: usize) -> bool {
    let is_sort = |word: &Vec<u8>| word.to_ascii_lowercase().starts_with(b"sort");
    let sorts = |request: &Request| {
        let calls = request.calls.iter().flatten();
        request.words.iter().any(is_sort) || calls.into_iter().any(|call| call.words.iter().any(is_sort))
    };
    let queued = requests[..index].iter().rev().take_while(|request| request.name() != "multi");
    sorts(&requests[index]) || (requests[index].name() == "exec" && queued.into_iter().any(sorts))
}

/// What the generator does not make.
#[test]
fn other_commands_bring_about_the_same_events() {
    let Some(servers) = Servers::start("more-events", &[]) else { return };
    let mut sides = Sides::new(&servers);
    const LINES: &[&str] = &[
        "SET k v PXAT 1",
        "GET k",
        "SET k v PXAT 1",
        "SET k v",
        "SET k v PXAT 1",
        "DEL k",
        "SET k v PXAT 1",
        "EXISTS k k",
        "SET k v PXAT 1",
        "APPEND k more",
        "DEL k",
        "SET k v PXAT 1",
        "RENAME k other",
        "SET k v",
        "SET other v PXAT 1",
        "RENAME k other",
        "SET other v PXAT 1",
        "SUNIONSTORE other none",
        "RPUSH list a b c",
        "RESTORE copy 0 \\x05\\x00",
        "OBJECT ENCODING none",
        "OBJECT ENCODING list",
        "DUMP none",
        "TOUCH none list",
        "TYPE none",
        "TTL none",
        "MGET none list",
        "FLUSHDB",
        "SELECT 5",
        "SET k v",
        "MOVE k 6",
        "SELECT 6",
        "COPY k k DB 5",
        "SWAPDB 5 6",
        "RPUSH list a",
        "BLPOP list 0.001",
        "BLPOP list 0.001",
        "FLUSHALL",
        "SELECT 0",
    ];
    let requests: Vec<Request> =
        LINES.iter().map(|line| Request::of(&line.split(' ').collect::<Vec<_>>())).collect();
    sides.compare(&requests);
    sides.show_no_differences();
}
