//! The same commands to a real `redis-server` and to our node, and the replies compared.
//!
//! The commands are made up at random from the command table's own argument descriptions, so that a command that
//! enters the table is tested from that moment on. Keys and values are few, so that types collide and ranges meet
//! something; one command in a while is mangled. After each round the whole data set is compared too.
//!
//! ```text
//!   cargo test -p rcl-node --test differential            20,000 commands
//!   COMMANDS=1000000 SEED=7 cargo test …                  as many, as if drawn before: the seed of a failure replays it
//! ```
//!
//! The reference is Redis 7.0, the node speaks as 7.2: `judge` lists where these two differ.

mod client;
mod generator;
mod judge;
mod servers;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rcl_proto::resp::Reply;

use client::Client;
use generator::{Generator, Request};
use servers::Servers;

const ROUND: usize = 400;

fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Some encodings change only at sizes that few commands reach; low thresholds bring them about.
const LOW_THRESHOLDS: &[&str] = &[
    "--hash-max-listpack-entries",
    "4",
    "--hash-max-listpack-value",
    "8",
    "--set-max-intset-entries",
    "4",
    "--zset-max-listpack-entries",
    "4",
    "--zset-max-listpack-value",
    "8",
    "--list-max-listpack-size",
    "3",
];

#[test]
fn resp2_with_the_usual_thresholds() {
    run("resp2", 2, &[], 1);
}

#[test]
fn resp3_with_low_thresholds() {
    run("resp3", 3, LOW_THRESHOLDS, 2);
}

fn run(name: &str, protocol: u8, options: &[&str], default_seed: u64) {
    let Some(servers) = Servers::start(name, options) else { return };
    let seed = number_from("SEED").unwrap_or(default_seed);
    let commands = number_from("COMMANDS").unwrap_or(10_000) as usize;
    let mut both = Both { redis: servers.redis(), node: servers.node() };
    both.same(&Request::of(&["HELLO", &protocol.to_string()]));
    let mut generator = Generator::new(StdRng::seed_from_u64(seed));
    let mut done = 0;
    let mut history: Vec<String> = Vec::new();
    while done < commands {
        let requests: Vec<Request> = generator.requests(ROUND);
        both.compare(&requests, &mut history, seed);
        both.compare_data(&mut history, seed);
        done += requests.len();
    }
    println!("{name}: {done} commands with seed {seed}, {} kinds of them", generator.kinds());
}

struct Both {
    redis: Client,
    node: Client,
}

impl Both {
    fn replies(&mut self, requests: &[Request]) -> (Vec<Reply>, Vec<Reply>) {
        let (mut of_redis, mut of_node) = (Vec::new(), Vec::new());
        // Few enough at a time that no socket's buffer fills up while nobody reads.
        for some in requests.chunks(50) {
            self.redis.send(some);
            self.node.send(some);
            of_redis.extend(self.redis.receive(some.len()));
            of_node.extend(self.node.receive(some.len()));
        }
        (of_redis, of_node)
    }

    fn same(&mut self, request: &Request) -> (Reply, Reply) {
        let (mut of_redis, mut of_node) = self.replies(std::slice::from_ref(request));
        (of_redis.remove(0), of_node.remove(0))
    }

    fn compare(&mut self, requests: &[Request], history: &mut Vec<String>, seed: u64) {
        let (of_redis, of_node) = self.replies(requests);
        for (index, request) in requests.iter().enumerate() {
            history.push(request.to_string());
            let before = index.checked_sub(1).map(|before| &of_node[before]);
            if let Err(why) = judge::judge(requests, index, &of_redis[index], &of_node[index], before) {
                let file = std::env::temp_dir().join(format!("rcl-differential-{seed}.txt"));
                let _ = std::fs::write(&file, history.join("\n"));
                let start = history.len().saturating_sub(30);
                panic!(
                    "{why}\nseed {seed} (all commands in {}), after:\n  {}\nredis: {}\nnode:  {}",
                    file.display(),
                    history[start..].join("\n  "),
                    judge::show(&of_redis[index]),
                    judge::show(&of_node[index])
                );
            }
        }
    }

    /// All keys, their types and contents.
    fn compare_data(&mut self, history: &mut Vec<String>, seed: u64) {
        let keys = Request::of(&["KEYS", "*"]);
        let (of_redis, _) = self.same(&keys);
        self.compare(&[keys], history, seed);
        let Reply::Array(keys) = of_redis else { panic!("KEYS answered {of_redis:?}") };
        for key in keys.iter().filter_map(Reply::as_bytes) {
            let (kind, _) = self.same(&Request::new(vec![b"TYPE".to_vec(), key.to_vec()]));
            let kind = kind.as_bytes().unwrap_or_default().to_vec();
            let read: &[&[u8]] = match kind.as_slice() {
                b"string" => &[b"GET"],
                b"hash" => &[b"HGETALL"],
                b"list" => &[b"LRANGE", b"", b"0", b"-1"],
                b"set" => &[b"SMEMBERS"],
                b"zset" => &[b"ZRANGE", b"", b"0", b"-1", b"WITHSCORES"],
                _ => &[b"EXISTS"],
            };
            let mut read: Vec<Vec<u8>> = read.iter().map(|word| word.to_vec()).collect();
            if read.len() == 1 {
                read.push(key.to_vec())
            } else {
                read[1] = key.to_vec()
            }
            let mut requests = vec![
                Request::new(vec![b"TYPE".to_vec(), key.to_vec()]),
                Request::new(read),
                Request::new(vec![b"PTTL".to_vec(), key.to_vec()]),
            ];
            if judge::compares_encoding(&kind) {
                requests.push(Request::new(vec![b"OBJECT".to_vec(), b"ENCODING".to_vec(), key.to_vec()]));
            }
            self.compare(&requests, history, seed);
        }
    }
}
