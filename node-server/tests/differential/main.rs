//! The same commands to a real `redis-server` and to our node, and the replies compared.
//!
//! The commands are made up at random from the command table's own argument descriptions, so that a command that
//! enters the table is tested from that moment on. Keys and values are few, so that types collide and ranges meet
//! something; one command in a while is mangled. After each round the whole data set is compared too.
//!
//! ```text
//!   cargo test -p rcl-node --test differential            20,000 commands
//!   make diff COMMANDS=1000000 SEED=7                     as many, drawn from this seed
//! ```
//!
//! A difference is printed as the shortest sequence of commands that still shows it on empty servers; the seed draws the
//! whole sequence again.
//!
//! The reference is Redis 7.0, the node speaks as 7.2: `judge` lists where these two differ.

mod choices;
mod client;
mod events;
mod generator;
mod judge;
mod servers;
mod shrink;
mod streams;
mod waiting;

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
    "--hll-sparse-max-bytes",
    "60",
    "--stream-node-max-entries",
    "4",
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
    let mut both = Both::new(&servers, protocol);
    let mut generator = Generator::new(StdRng::seed_from_u64(seed));
    let mut done = 0;
    let mut history = Vec::new();
    while done < commands {
        let requests: Vec<Request> = generator.requests(ROUND);
        both.compare(&requests, &mut history, seed);
        both.compare_data(&mut history, seed);
        done += requests.len();
        if done % (10 * ROUND) < ROUND {
            both.exchange_dumps(&mut history, seed);
        }
    }
    println!("{name}: {done} commands with seed {seed}, {} kinds of them", generator.kinds());
}

/// What the node logs of random commands, made deterministic (SPOP, HINCRBYFLOAT, expiry, …), leads a `redis-server`
/// that is its replica to the same data.
#[test]
fn a_replica_comes_to_the_same_data() {
    let Some(servers) = Servers::start_replicating("replica") else { return };
    let mut both = Both { is_replica: true, ..Both::new(&servers, 2) };
    let is_up = |reply: &Reply| {
        String::from_utf8_lossy(reply.as_bytes().unwrap_or_default()).contains("link_status:up")
    };
    let info = [Request::of(&["INFO", "replication"])];
    let up = (0..1000).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        both.redis.send(&info);
        is_up(&both.redis.receive(1)[0])
    });
    assert!(up, "the replica is connected");
    let seed = number_from("SEED").unwrap_or(3);
    let commands = number_from("COMMANDS").unwrap_or(10_000) as usize;
    let mut generator = Generator::for_one_server(StdRng::seed_from_u64(seed));
    let mut history = Vec::new();
    for _ in 0..commands.div_ceil(ROUND) {
        let requests = generator.requests(ROUND);
        for some in requests.chunks(50) {
            both.node.send(some);
            both.node.receive(some.len());
        }
        history.extend(requests.iter().cloned());
        both.node.send(&[Request::of(&["WAIT", "1", "60000"])]);
        assert_eq!(both.node.receive(1), [Reply::Integer(1)], "the replica has acknowledged all");
        both.compare_data(&mut history, seed);
    }
}

/// DEBUG RELOAD saves and loads: the data are the same, and so is their digest.
#[test]
fn a_reload_keeps_the_data() {
    let Some(servers) = Servers::start("reload", &["--enable-debug-command", "yes"]) else { return };
    let mut both = Both::new(&servers, 2);
    let mut generator = Generator::new(StdRng::seed_from_u64(5));
    let mut history = Vec::new();
    for _ in 0..3 {
        let requests = generator.requests(ROUND);
        both.compare(&requests, &mut history, 5);
        let digest = [Request::of(&["DEBUG", "DIGEST"])];
        let (_, before) = both.replies(&digest);
        let reload = Request::of(&["DEBUG", "RELOAD"]);
        both.compare(&[reload], &mut history, 5);
        let (_, after) = both.replies(&digest);
        assert_eq!(before, after);
        both.compare_data(&mut history, 5);
    }
}

/// Collections far beyond every threshold, gone through in pieces.
#[test]
fn scans_of_big_collections_find_everything() {
    let Some(servers) = Servers::start("scans", &[]) else { return };
    let mut both = Both::new(&servers, 2);
    let mut history = Vec::new();
    let members: Vec<String> = (0..3000).map(|number| format!("member:{number}")).collect();
    for some in members.chunks(100) {
        let of = |name: &str, beside: Option<&str>| {
            let words = some.iter().flat_map(|member| match name {
                "ZADD" => vec![beside.unwrap_or_default(), member],
                _ => std::iter::once(member.as_str()).chain(beside).collect(),
            });
            Request::of(&[name, &name[..1]].into_iter().chain(words).collect::<Vec<_>>())
        };
        let requests = [of("SADD", None), of("HSET", Some("v")), of("ZADD", Some("1.5")), of("RPUSH", None)];
        both.compare(&requests, &mut history, 0);
    }
    both.compare_data(&mut history, 0);
    both.exchange_dumps(&mut history, 0);
    for (name, key, group) in [("SSCAN", "S", 1), ("HSCAN", "H", 2), ("ZSCAN", "Z", 2)] {
        let mut found = std::collections::BTreeSet::new();
        let mut cursor = b"0".to_vec();
        loop {
            let words = vec![name.into(), key.into(), cursor, b"COUNT".to_vec(), b"50".to_vec()];
            let (_, of_node) = both.same(&Request::new(words));
            let Reply::Array(parts) = of_node else { panic!("{name} answered {of_node:?}") };
            let [Reply::Bulk(next), Reply::Array(elements)] = parts.as_slice() else {
                panic!("{name}: {parts:?}")
            };
            assert!(elements.len() <= 50 * group * 4, "COUNT is respected within reason: {}", elements.len());
            found.extend(
                elements.chunks(group).filter_map(|group| group.first()?.as_bytes().map(<[u8]>::to_vec)),
            );
            if next == b"0" {
                break;
            }
            cursor = next.clone();
        }
        assert_eq!(found.len(), members.len(), "{name}");
    }
}

/// A connection to each of the two servers.
struct Both<'s> {
    servers: &'s Servers,
    protocol: u8,
    /// How many entries a group has read is not told to replicas, so it is not compared.
    is_replica: bool,
    redis: Client,
    node: Client,
}

impl<'s> Both<'s> {
    fn new(servers: &'s Servers, protocol: u8) -> Both<'s> {
        let mut both =
            Both { servers, protocol, is_replica: false, redis: servers.redis(), node: servers.node() };
        both.same(&Request::of(&["HELLO", &protocol.to_string()]));
        both
    }

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

    fn compare(&mut self, requests: &[Request], history: &mut Vec<Request>, seed: u64) {
        let begin = history.len();
        history.extend(requests.iter().cloned());
        let Some(first) = self.first_difference(requests) else { return };
        history.truncate(begin + first.index + 1);
        let shortest = shrink::shrink(history, |requests| {
            let mut fresh = Both::new(self.servers, self.protocol);
            fresh.same(&Request::of(&["FLUSHALL"]));
            Some(fresh.first_difference(requests)?.index + 1)
        });
        let lines = |requests: &[Request]| {
            requests.iter().map(Request::to_string).collect::<Vec<String>>().join("\n  ")
        };
        let file = std::env::temp_dir().join(format!("rcl-differential-{seed}.txt"));
        let _ = std::fs::write(&file, lines(history));
        let told = match &shortest {
            Some(shortest) => format!("the shortest way to a difference:\n  {}", lines(shortest)),
            None => {
                let start = history.len().saturating_sub(30);
                format!(
                    "empty servers do not show it again; the last commands:\n  {}",
                    lines(&history[start..])
                )
            }
        };
        panic!(
            "{}\nredis: {}\nnode:  {}\nseed {seed}, {} commands (all in {}); {told}",
            first.why,
            first.of_redis,
            first.of_node,
            history.len(),
            file.display(),
        );
    }

    fn first_difference(&mut self, requests: &[Request]) -> Option<Difference> {
        let (of_redis, of_node) = self.replies(requests);
        (0..requests.len()).find_map(|index| {
            let before = index.checked_sub(1).map(|before| &of_node[before]);
            let why = judge::judge(requests, index, &of_redis[index], &of_node[index], before).err()?;
            let (of_redis, of_node) = (judge::show(&of_redis[index]), judge::show(&of_node[index]));
            Some(Difference { index, why, of_redis, of_node })
        })
    }

    /// All keys, their types and contents.
    fn compare_data(&mut self, history: &mut Vec<Request>, seed: u64) {
        for (key, kind) in self.keys(history, seed) {
            let mut requests = vec![
                Request::new(vec![b"TYPE".to_vec(), key.clone()]),
                Request::new(vec![b"PTTL".to_vec(), key.clone()]),
            ];
            match &kind[..] {
                b"stream" if self.is_replica => requests.extend(stream_as_replicated(&key)),
                _ => requests.push(read(&kind, &key)),
            }
            // Redis's SORT turns a packed sorted set into a skiplist for good, ours reads it as it is.
            let is_as_sorted = kind == b"zset" && was_sorted(history);
            if judge::compares_encoding(&kind) && !is_as_sorted {
                requests.push(Request::new(vec![b"OBJECT".to_vec(), b"ENCODING".to_vec(), key]));
            }
            self.compare(&requests, history, seed);
        }
    }

    /// What one has dumped the other restores; then both have the same copy.
    fn exchange_dumps(&mut self, history: &mut Vec<Request>, seed: u64) {
        for (key, kind) in self.keys(history, seed) {
            let dump = Request::new(vec![b"DUMP".to_vec(), key.clone()]);
            let (of_redis, of_node) = self.replies(std::slice::from_ref(&dump));
            let restored = [of_redis, of_node].map(|dumped| {
                let payload = dumped.first().and_then(Reply::as_bytes).unwrap_or_default().to_vec();
                let words = [&b"RESTORE"[..], b"copy", b"0", &payload, b"REPLACE"];
                Request::new(words.iter().map(|word| word.to_vec()).collect())
            });
            let [from_redis, from_node] = &restored;
            self.redis.send(std::slice::from_ref(from_node));
            self.node.send(std::slice::from_ref(from_redis));
            let answers = (self.redis.receive(1), self.node.receive(1));
            let ok = vec![Reply::Simple("OK".into())];
            assert_eq!(answers, (ok.clone(), ok), "seed {seed}: DUMP of {} and RESTORE", key.escape_ascii());
            self.compare(&[read(&kind, b"copy")], history, seed);
            // The copy is what was copied.
            let reading = [read(&kind, &key), read(&kind, b"copy")];
            let (_, of_node) = self.replies(&reading);
            judge::judge(&reading, 1, &of_node[0], &of_node[1], None)
                .unwrap_or_else(|why| panic!("seed {seed}: {why}, the copy of {}", key.escape_ascii()));
            self.compare(&[Request::of(&["DEL", "copy"])], history, seed);
        }
    }

    /// All keys and their types.
    fn keys(&mut self, history: &mut Vec<Request>, seed: u64) -> Vec<(Vec<u8>, Vec<u8>)> {
        let keys = Request::of(&["KEYS", "*"]);
        let (of_redis, _) = self.same(&keys);
        self.compare(&[keys], history, seed);
        let Reply::Array(keys) = of_redis else { panic!("KEYS answered {of_redis:?}") };
        let keys = keys.iter().filter_map(Reply::as_bytes);
        keys.map(|key| {
            let (kind, _) = self.same(&Request::new(vec![b"TYPE".to_vec(), key.to_vec()]));
            (key.to_vec(), kind.as_bytes().unwrap_or_default().to_vec())
        })
        .collect()
    }
}

fn stream_as_replicated(key: &[u8]) -> impl Iterator<Item = Request> {
    let key = String::from_utf8_lossy(key).into_owned();
    let lines =
        ["XRANGE KEY - +", "XINFO STREAM KEY", "XPENDING KEY g0 - + 1000", "XPENDING KEY g1 - + 1000"];
    lines.into_iter().map(move |line| Request::of(&line.replace("KEY", &key).split(' ').collect::<Vec<_>>()))
}

fn stream_in_full(key: &[u8]) -> Vec<Vec<u8>> {
    [&b"XINFO"[..], b"STREAM", key, b"FULL", b"COUNT", b"0"].iter().map(|word| word.to_vec()).collect()
}

/// Where the replies part.
struct Difference {
    index: usize,
    why: String,
    of_redis: String,
    of_node: String,
}

/// Whether anything was sorted since there were no keys.
fn was_sorted(history: &[Request]) -> bool {
    let since_flush = history.iter().rev().take_while(|request| request.name() != "flushall");
    since_flush.into_iter().any(|request| request.name().starts_with("sort"))
}

/// Shows all of a key of this type.
fn read(kind: &[u8], key: &[u8]) -> Request {
    let (name, rest): (&str, &[&str]) = match kind {
        b"string" => ("GET", &[]),
        b"hash" => ("HGETALL", &[]),
        b"list" => ("LRANGE", &["0", "-1"]),
        b"set" => ("SMEMBERS", &[]),
        b"zset" => ("ZRANGE", &["0", "-1", "WITHSCORES"]),
        b"stream" => return Request::new(stream_in_full(key)),
        _ => ("EXISTS", &[]),
    };
    let mut words = vec![name.as_bytes().to_vec(), key.to_vec()];
    words.extend(rest.iter().map(|word| word.as_bytes().to_vec()));
    Request::new(words)
}
