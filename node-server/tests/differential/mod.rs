//! The same commands to a real `redis-server` and to our node, and the replies compared.
//!
//! The commands are made up at random from the command table's own argument descriptions, so that a command that
//! enters the table is tested from that moment on. Keys and values are few, so that types collide and ranges meet
//! something; one command in a while is mangled, or has very many elements; some run in transactions, around watched keys,
//! in scripts and functions, in another database. After each round the whole data set is compared too, and once in a while each
//! server restores what the other has dumped.
//!
//! ```text
//!   cargo test -p rcl-node --test node differential::     20,000 commands
//!   make diff COMMANDS=1000000 SEED=7                     as many, drawn from this seed
//! ```
//!
//! A difference is printed as the shortest sequence of commands that still shows it on empty servers; the seed draws the
//! whole sequence again.
//!
//! The reference is Redis 7.0, the node speaks as 7.2: `judge` lists where these two differ.

mod choices;
mod client;
mod contention;
mod events;
mod generator;
mod judge;
mod making;
mod payloads;
mod request;
mod scripts;
mod servers;
mod shrink;
mod streams;
mod waiting;
mod words;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rcl_node::command::spec::{Group, flag};
use rcl_proto::resp::Reply;

use self::client::Client;
use self::generator::Generator;
use self::request::Request;
use self::servers::Servers;

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
    let Some(servers) = Servers::start("reload", &[]) else { return };
    let mut both = Both::new(&servers, 2);
    let mut generator = Generator::new(StdRng::seed_from_u64(5));
    let mut history = Vec::new();
    for _ in 0..3 {
        let requests = generator.requests(ROUND);
        both.compare(&requests, &mut history, 5);
        // What is past its time is not loaded again: SCAN deletes it before.
        for line in ["SELECT 1", "SCAN 0 COUNT 100000", "SELECT 0", "SCAN 0 COUNT 100000"] {
            both.same(&Request::of(&line.split(' ').collect::<Vec<_>>()));
        }
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
        // What is past its time goes when it is come upon, which is no matter of a clock.
        both.same(&Request::of(&["DEBUG", "SET-ACTIVE-EXPIRE", "0"]));
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
        let command = requests[first.index].name();
        let shortest = shrink::shrink(history, |requests| {
            let difference = self.difference_on_empty_servers(requests)?;
            (requests[difference.index].name() == command).then_some(difference.index + 1)
        });
        let lines = |requests: &[Request]| {
            requests.iter().map(Request::to_string).collect::<Vec<String>>().join("\n  ")
        };
        let file = std::env::temp_dir().join(format!("rcl-differential-{seed}.txt"));
        let _ = std::fs::write(&file, lines(history));
        let told = match &shortest {
            Some(shortest) => {
                let again = self.difference_on_empty_servers(shortest);
                let replies = again.map_or(String::new(), |again| again.replies());
                format!("the shortest way to a difference:\n  {}\n{replies}", lines(shortest))
            }
            None => {
                let start = history.len().saturating_sub(30);
                format!(
                    "empty servers do not show it again; the last commands:\n  {}",
                    lines(&history[start..])
                )
            }
        };
        panic!(
            "{}\nseed {seed}, {} commands (all in {}); {told}",
            first.replies(),
            history.len(),
            file.display(),
        );
    }

    fn difference_on_empty_servers(&self, requests: &[Request]) -> Option<Difference> {
        if could_wait(requests) {
            return None;
        }
        let mut fresh = Both::new(self.servers, self.protocol);
        fresh.same(&Request::of(&["FLUSHALL"]));
        fresh.first_difference(requests)
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

    /// All keys of the two databases in use, their types and contents.
    fn compare_data(&mut self, history: &mut Vec<Request>, seed: u64) {
        for database in ["1", "0"] {
            self.compare(&[Request::of(&["SELECT", database])], history, seed);
            let mut requests = Vec::new();
            for (key, kind) in self.keys(history, seed) {
                requests.extend([Request::on("TYPE", &key, &[]), Request::on("PTTL", &key, &[])]);
                match &kind[..] {
                    b"stream" if self.is_replica => requests.extend(stream_as_replicated(&key)),
                    _ => requests.push(read(&kind, &key)),
                }
                // What is logged in another form may be kept in another one.
                if !self.is_replica {
                    requests.push(Request::on("OBJECT ENCODING", &key, &[]));
                }
            }
            self.compare(&requests, history, seed);
        }
    }

    /// What one has dumped the other restores; then both have the same copy.
    fn exchange_dumps(&mut self, history: &mut Vec<Request>, seed: u64) {
        for (key, kind) in self.keys(history, seed) {
            let dump = Request::on("DUMP", &key, &[]);
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
        let keys: Vec<Vec<u8>> = keys.iter().filter_map(Reply::as_bytes).map(<[u8]>::to_vec).collect();
        let ask: Vec<Request> = keys.iter().map(|key| Request::on("TYPE", key, &[])).collect();
        let (kinds, _) = self.replies(&ask);
        let kinds = kinds.iter().map(|kind| kind.as_bytes().unwrap_or_default().to_vec());
        keys.into_iter().zip(kinds).collect()
    }
}

fn stream_as_replicated(key: &[u8]) -> [Request; 4] {
    let pending = ["-", "+", "1000"];
    [
        Request::on("XRANGE", key, &["-", "+"]),
        Request::on("XINFO STREAM", key, &[]),
        Request::on("XPENDING", key, &[&["g0"], &pending[..]].concat()),
        Request::on("XPENDING", key, &[&["g1"], &pending[..]].concat()),
    ]
}

/// Whether one would wait for what nobody brings: where what is left out was its transaction's begin.
fn could_wait(requests: &[Request]) -> bool {
    let mut in_transaction = false;
    requests.iter().any(|request| {
        match request.name().as_str() {
            "multi" => in_transaction = true,
            "exec" | "discard" => in_transaction = false,
            _ => {}
        }
        !in_transaction && waits(request)
    })
}

fn waits(request: &Request) -> bool {
    let name = request.name();
    let spec = rcl_node::command::all().find(|spec| spec.name == name);
    let has_block = || request.words.iter().any(|word| word.eq_ignore_ascii_case(b"BLOCK"));
    spec.is_some_and(|spec| spec.has(flag::BLOCKING) && (spec.group != Group::Stream || has_block()))
}

/// Where the replies part.
struct Difference {
    index: usize,
    why: String,
    of_redis: String,
    of_node: String,
}

impl Difference {
    fn replies(&self) -> String {
        format!("{}\nredis: {}\nnode:  {}", self.why, self.of_redis, self.of_node)
    }
}

/// Shows all of a key of this type.
fn read(kind: &[u8], key: &[u8]) -> Request {
    let (name, rest): (&str, &[&str]) = match kind {
        b"string" => ("GET", &[]),
        b"hash" => ("HGETALL", &[]),
        b"list" => ("LRANGE", &["0", "-1"]),
        b"set" => ("SMEMBERS", &[]),
        b"zset" => ("ZRANGE", &["0", "-1", "WITHSCORES"]),
        b"stream" => ("XINFO STREAM", &["FULL", "COUNT", "0"]),
        _ => ("EXISTS", &[]),
    };
    Request::on(name, key, rest)
}
