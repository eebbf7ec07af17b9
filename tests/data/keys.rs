//! Keys of all types, by number, and a writer of others meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::harness::{Client, Link, Server};
use rcl_proto::key_slot;
use rcl_proto::resp::encode_request;

const END_MS: &str = "4102444800000";

/// Behind each element of the six biggest keys: these are compared piece by piece.
pub fn padding() -> String {
    "p".repeat(500)
}

/// Keys `key:0` …, one of six types each, every seventh with an expiry in the year 2100; some have 700 elements, and of the first six
/// these are long, too. Written in pipelines.
pub fn fill(servers: &[Server], count: usize) {
    let owners = Owners::of(servers);
    let mut links: Vec<Link> = servers.iter().map(Server::link).collect();
    let mut waiting = vec![(Vec::new(), 0); servers.len()];
    for number in 0..count {
        let key = format!("key:{number}");
        let owner = owners.owner(&key);
        for words in commands(number, &key) {
            let (requests, expected) = &mut waiting[owner];
            encode_request(requests, words.iter().map(String::as_bytes));
            *expected += 1;
        }
        if waiting[owner].1 >= 500 {
            send(&mut links[owner], &mut waiting[owner]);
        }
    }
    for (link, waiting) in links.iter_mut().zip(&mut waiting) {
        send(link, waiting);
    }
}

fn send(link: &mut Link, (requests, expected): &mut (Vec<u8>, usize)) {
    link.pipeline(requests, *expected);
    requests.clear();
    *expected = 0;
}

fn commands(number: usize, key: &str) -> Vec<Vec<String>> {
    let words = |text: &[&str]| text.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
    let (value, score) = (format!("value {number}"), number.to_string());
    let big = number % 1009 < 6;
    let many = if big { 700 } else { 2 };
    let pad = if number < 6 { padding() } else { String::new() };
    let numbered = |head: &[&str], each: &dyn Fn(usize) -> Vec<String>| {
        words(head).into_iter().chain((0..many).flat_map(each)).collect::<Vec<String>>()
    };
    let mut commands = match number % 6 {
        0 if big => vec![words(&["SET", key, &"long ".repeat(if number == 0 { 70_000 } else { 1_000 })])],
        0 => vec![words(&["SET", key, &value])],
        1 => vec![numbered(&["RPUSH", key, &value], &|n| vec![format!("element {n}{pad}")])],
        2 => vec![numbered(&["SADD", key, &value, &score], &|n| vec![format!("member {n}{pad}")])],
        3 => vec![numbered(&["HSET", key, "field", &value], &|n| {
            vec![format!("f{n}"), format!("v{n} {score}{pad}")]
        })],
        4 => {
            vec![numbered(&["ZADD", key, &score, &value], &|n| vec![format!("{n}.25"), format!("m{n}{pad}")])]
        }
        _ => {
            let mut entries: Vec<Vec<String>> = (1..=many)
                .map(|n| words(&["XADD", key, &format!("5-{n}"), "field", &format!("{value}{pad}")]))
                .collect();
            entries.push(words(&["XGROUP", "CREATE", key, "group", "0"]));
            entries.push(words(&[
                "XREADGROUP",
                "GROUP",
                "group",
                "alice",
                "COUNT",
                "1",
                "STREAMS",
                key,
                ">",
            ]));
            entries
        }
    };
    if number.is_multiple_of(7) {
        commands.push(words(&["PEXPIREAT", key, END_MS]));
    }
    commands
}

/// Which server owns which slot.
struct Owners(Vec<usize>);

impl Owners {
    fn of(servers: &[Server]) -> Owners {
        let mut owners = vec![0; 16384];
        for (number, server) in servers.iter().enumerate() {
            let own = crate::harness::text(&server.link().call(&["CLUSTER", "NODES"]));
            let line = own.lines().find(|line| line.contains("myself")).unwrap().to_owned();
            for range in line.split(' ').skip(8) {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                owners[first.parse().unwrap()..=last.parse::<usize>().unwrap()].fill(number);
            }
        }
        Owners(owners)
    }

    fn owner(&self, key: &str) -> usize {
        self.0[key_slot(key.as_bytes()).index()]
    }
}

/// Writes other keys, `load:…`, until it is told to stop; how many writes there were.
pub fn load(entry: u16, stop: Arc<AtomicBool>) -> JoinHandle<usize> {
    std::thread::spawn(move || {
        let (mut client, mut count) = (Client::new(entry), 0);
        while !stop.load(Ordering::Relaxed) {
            let key = format!("load:{}", count % 300);
            client.set(&key, &count.to_string()).unwrap();
            count += 1;
        }
        count
    })
}
