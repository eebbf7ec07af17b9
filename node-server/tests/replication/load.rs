//! Writes of every sort, drawn from a seed, for as long as a test goes on; and reading back everything, key by key.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU16, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rcl_proto::resp::{Reply, encode_request};

use crate::harness::PATIENCE;
use crate::harness::server::{Client, Server};

pub const DATABASES: [&str; 3] = ["0", "1", "2"];
const WRITERS: usize = 3;
/// Requests of a writer that are on their way at the same time.
const PIPELINE: usize = 8;

/// Clients that write to whoever is the master.
pub struct Load {
    shared: Arc<Shared>,
    writers: Vec<JoinHandle<()>>,
}

struct Shared {
    in_cluster: bool,
    master: AtomicU16,
    goes_on: AtomicBool,
    is_paused: AtomicBool,
    /// How many writers are at rest.
    resting: AtomicU64,
    written: AtomicU64,
    /// For each writer the count that it was last told.
    counted: Vec<AtomicI64>,
}

impl Load {
    pub fn start(seed: u64, master: u16) -> Load {
        Load::start_as(seed, master, false)
    }

    /// In a cluster there is one database.
    pub fn start_in_cluster(seed: u64, master: u16) -> Load {
        Load::start_as(seed, master, true)
    }

    fn start_as(seed: u64, master: u16, in_cluster: bool) -> Load {
        let shared = Arc::new(Shared {
            in_cluster,
            master: AtomicU16::new(master),
            goes_on: AtomicBool::new(true),
            is_paused: AtomicBool::new(false),
            resting: AtomicU64::new(0),
            written: AtomicU64::new(0),
            counted: (0..WRITERS).map(|_| AtomicI64::new(0)).collect(),
        });
        let writers = (0..WRITERS)
            .map(|writer| {
                let shared = shared.clone();
                std::thread::spawn(move || {
                    write_on(&shared, writer, StdRng::seed_from_u64(seed * 100 + writer as u64));
                })
            })
            .collect();
        Load { shared, writers }
    }

    pub fn set_master(&self, port: u16) {
        self.shared.master.store(port, Ordering::Release);
    }

    pub fn written(&self) -> u64 {
        self.shared.written.load(Ordering::Relaxed)
    }

    /// Waits until nobody writes any more.
    pub fn pause(&self) {
        self.shared.is_paused.store(true, Ordering::Release);
        crate::harness::wait_until("the writers rest", || {
            self.shared.resting.load(Ordering::Acquire) == WRITERS as u64
        });
    }

    pub fn resume(&self) {
        self.shared.is_paused.store(false, Ordering::Release);
    }

    /// What each writer was told that it has counted: a master that took over as planned has counted no less.
    pub fn counted(&self) -> Vec<(String, i64)> {
        let counted = self.shared.counted.iter().enumerate();
        counted.map(|(writer, count)| (counter(writer), count.load(Ordering::Acquire))).collect()
    }

    /// What was counted may be lost with a master that is killed: it is counted on from what there is.
    pub fn forget_counts(&self) {
        self.shared.counted.iter().for_each(|count| count.store(0, Ordering::Release));
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.shared.goes_on.store(false, Ordering::Release);
        self.writers.drain(..).for_each(|writer| drop(writer.join()));
    }
}

fn counter(writer: usize) -> String {
    format!("counter:{writer}")
}

fn write_on(shared: &Shared, writer: usize, mut rng: StdRng) {
    let mut connection = None;
    while shared.goes_on.load(Ordering::Acquire) {
        if shared.is_paused.load(Ordering::Acquire) {
            shared.resting.fetch_add(1, Ordering::AcqRel);
            while shared.is_paused.load(Ordering::Acquire) && shared.goes_on.load(Ordering::Acquire) {
                std::thread::sleep(Duration::from_millis(1));
            }
            shared.resting.fetch_sub(1, Ordering::AcqRel);
            continue;
        }
        let port = shared.master.load(Ordering::Acquire);
        if connection.as_ref().is_none_or(|(to, _)| *to != port) {
            connection = TcpStream::connect(("127.0.0.1", port)).ok().map(|stream| (port, stream));
        }
        let Some((_, stream)) = &mut connection else {
            std::thread::sleep(Duration::from_millis(5));
            continue;
        };
        match write_some(stream, shared, writer, &mut rng) {
            Ok(true) => {}
            // A replica, or a master that goes down: somebody will say who is the master now.
            Ok(false) => std::thread::sleep(Duration::from_millis(2)),
            Err(_) => connection = None,
        }
    }
}

/// True when all went well.
fn write_some(stream: &mut TcpStream, shared: &Shared, writer: usize, rng: &mut StdRng) -> io::Result<bool> {
    let mut commands: Vec<Vec<String>> = vec![words("SELECT 0"), vec!["INCR".into(), counter(writer)]];
    // What is flushed are not the counters, which lie in database 0.
    let elsewhere = |command: Vec<String>| match command.as_slice() {
        [word] if word == "FLUSHDB" => match shared.in_cluster {
            true => vec![],
            false => vec![words("SELECT 1"), command],
        },
        _ => vec![command],
    };
    (0..PIPELINE).for_each(|_| commands.extend(draw(rng).into_iter().flat_map(elsewhere)));
    let mut request = Vec::new();
    commands.iter().for_each(|words| encode_request(&mut request, words.iter().map(String::as_bytes)));
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&request)?;
    let mut received = Vec::new();
    let mut all_went_well = true;
    for index in 0..commands.len() {
        match next_reply(stream, &mut received)? {
            Reply::Integer(count) if index == 1 => shared.counted[writer].store(count, Ordering::Release),
            Reply::Error(text) => {
                all_went_well &= !text.starts_with("READONLY") && !text.starts_with("LOADING")
            }
            _ => {}
        }
    }
    shared.written.fetch_add(commands.len() as u64, Ordering::Relaxed);
    Ok(all_went_well)
}

fn next_reply(stream: &mut TcpStream, received: &mut Vec<u8>) -> io::Result<Reply> {
    loop {
        if let Some((reply, used)) = Reply::parse(received).map_err(io::Error::other)? {
            received.drain(..used);
            return Ok(reply);
        }
        let mut buffer = [0; 64 * 1024];
        match stream.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => received.extend_from_slice(&buffer[..count]),
        }
    }
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

/// One command, or a transaction.
fn draw(rng: &mut StdRng) -> Vec<Vec<String>> {
    match rng.random_range(0..40) {
        0 => {
            let mut commands = vec![words("MULTI")];
            (0..rng.random_range(1..4)).for_each(|_| commands.push(draw_one(rng)));
            commands.push(words("EXEC"));
            commands
        }
        1 => vec![words(&format!("SELECT {}", rng.random_range(0..DATABASES.len()))), draw_one(rng)],
        2 => {
            let script =
                "redis.call('RPUSH',KEYS[1],ARGV[1]) return redis.call('HINCRBY',KEYS[2],'f',#ARGV[1])";
            let (list, hash) = (key(rng, "l"), key(rng, "h"));
            let value = text(rng);
            vec![["EVAL", script, "2", &list, &hash, &value].map(str::to_owned).to_vec()]
        }
        _ => vec![draw_one(rng)],
    }
}

fn key(rng: &mut StdRng, kind: &str) -> String {
    format!("{kind}:{}", rng.random_range(0..40))
}

fn text(rng: &mut StdRng) -> String {
    let length = match rng.random_range(0..100) {
        0..60 => rng.random_range(1..12),
        60..97 => rng.random_range(12..300),
        _ => rng.random_range(300..20_000),
    };
    let letter = char::from(b'a' + rng.random_range(0..26u8));
    std::iter::repeat_n(letter, length).collect()
}

fn draw_one(rng: &mut StdRng) -> Vec<String> {
    let number = rng.random_range(-1000..1000i64);
    let small = rng.random_range(0..30);
    let word = text(rng);
    let is_a = |kind: &'static str, rng: &mut StdRng| key(rng, kind);
    let line = match rng.random_range(0..62) {
        0..4 => format!("SET {} {word}", is_a("s", rng)),
        4 => format!("SET {} {word} PX {}", is_a("s", rng), rng.random_range(1..200)),
        5 => format!("SET {} {word} EX 100000", is_a("s", rng)),
        6 => format!("APPEND {} {number}", is_a("s", rng)),
        7 => format!("SETRANGE {} {small} {word}", is_a("s", rng)),
        8 => format!("INCRBY {} {number}", is_a("n", rng)),
        9 => format!("INCRBYFLOAT {} 0.25", is_a("n", rng)),
        10 => format!("GETDEL {}", is_a("s", rng)),
        11 => format!("GETEX {} PX {}", is_a("s", rng), rng.random_range(1..100_000_000)),
        12 => format!("MSET {} {number} {} {word}", is_a("n", rng), is_a("s", rng)),
        13 => format!("SETBIT {} {} 1", is_a("b", rng), small * 100),
        14 => format!("BITFIELD {} INCRBY u8 {small} 7", is_a("b", rng)),
        15 => format!("BITOP XOR {} {} {}", is_a("b", rng), is_a("b", rng), is_a("b", rng)),
        16 => format!("PFADD {} {number} {word}", is_a("p", rng)),
        17 => format!("PFMERGE {} {} {}", is_a("p", rng), is_a("p", rng), is_a("p", rng)),
        18..20 => format!("RPUSH {} {word} {number} {small}", is_a("l", rng)),
        20 => format!("LPUSH {} {word}", is_a("l", rng)),
        21 => format!("LPOP {} 2", is_a("l", rng)),
        22 => format!("LMOVE {} {} LEFT RIGHT", is_a("l", rng), is_a("l", rng)),
        23 => format!("LSET {} 0 {word}", is_a("l", rng)),
        24 => format!("LINSERT {} BEFORE {small} {word}", is_a("l", rng)),
        25 => format!("LTRIM {} 0 50", is_a("l", rng)),
        26 => format!("LREM {} 1 {small}", is_a("l", rng)),
        27 => format!("BLPOP {} {} 0.01", is_a("l", rng), is_a("l", rng)),
        28..30 => format!("HSET {} f{small} {word} f{number} {small}", is_a("h", rng)),
        30 => format!("HDEL {} f{small}", is_a("h", rng)),
        31 => format!("HINCRBYFLOAT {} float 1.5", is_a("h", rng)),
        32..34 => format!("SADD {} {number} {small} {word}", is_a("t", rng)),
        34 => format!("SADD {} {number} {small}", is_a("t", rng)),
        35 => format!("SPOP {} 3", is_a("t", rng)),
        36 => format!("SMOVE {} {} {small}", is_a("t", rng), is_a("t", rng)),
        37 => format!("SUNIONSTORE {} {} {}", is_a("t", rng), is_a("t", rng), is_a("t", rng)),
        38..40 => format!("ZADD {} {number} m{small} 1.5 {word}", is_a("z", rng)),
        40 => format!("ZINCRBY {} 0.1 m{small}", is_a("z", rng)),
        41 => format!("ZPOPMIN {} 2", is_a("z", rng)),
        42 => format!("ZREMRANGEBYSCORE {} {number} {}", is_a("z", rng), number + 50),
        43 => format!("ZUNIONSTORE {} 2 {} {}", is_a("z", rng), is_a("z", rng), is_a("z", rng)),
        44 => format!("GEOADD {} 13.36 38.1{small} place{small}", is_a("z", rng)),
        45..47 => format!("XADD {} MAXLEN ~ 200 * f {word} n {number}", is_a("x", rng)),
        47 => format!("XADD {} * a b", is_a("x", rng)),
        48 => format!("XGROUP CREATE {} group 0 MKSTREAM", is_a("x", rng)),
        49 => format!("XREADGROUP GROUP group consumer{small} COUNT 3 STREAMS {} >", is_a("x", rng)),
        50 => format!("XAUTOCLAIM {} group other 0 0 COUNT 2", is_a("x", rng)),
        51 => format!("XTRIM {} MAXLEN 20", is_a("x", rng)),
        52 => format!("SORT {} ALPHA STORE {}", is_a("t", rng), is_a("l", rng)),
        53 => format!("PEXPIRE {} {}", anything(rng), rng.random_range(1..300)),
        54 => format!("EXPIRE {} 100000", anything(rng)),
        55 => format!("PERSIST {}", anything(rng)),
        56 => format!("DEL {} {}", anything(rng), anything(rng)),
        57 => format!("UNLINK {}", anything(rng)),
        58 => {
            let kind = ["s", "l", "h", "t", "z", "x"][rng.random_range(0..6)];
            format!("RENAME {} {}", key(rng, kind), key(rng, kind))
        }
        59 => {
            let kind = ["s", "l", "h", "t", "z", "x"][rng.random_range(0..6)];
            format!("COPY {} {} REPLACE", key(rng, kind), key(rng, kind))
        }
        60 => format!("MOVE {} {}", anything(rng), rng.random_range(0..DATABASES.len())),
        _ => match rng.random_range(0..60) {
            0 => "FLUSHDB".to_owned(),
            1..4 => "SWAPDB 1 2".to_owned(),
            _ => format!("SETEX {} 1000 {word}", is_a("s", rng)),
        },
    };
    words(&line)
}

fn anything(rng: &mut StdRng) -> String {
    let kind = ["s", "n", "b", "p", "l", "h", "t", "z", "x"][rng.random_range(0..9)];
    key(rng, kind)
}

/// All keys with type, time of expiry and value, whatever the order in which the server keeps them.
fn everything(client: &mut Client) -> Vec<String> {
    let mut all = Vec::new();
    // For a replica in a cluster.
    client.call(&["READONLY"]);
    for database in DATABASES {
        client.call(&["SELECT", database]);
        let Reply::Array(keys) = client.call(&["KEYS", "*"]) else { panic!("KEYS") };
        for key in keys {
            let key = String::from_utf8_lossy(key.as_bytes().unwrap()).into_owned();
            let expires = client.call(&["PEXPIRETIME", &key]);
            all.push(format!("{database} {key} {expires:?} {}", value(client, &key)));
        }
    }
    all.sort();
    all
}

/// Both have the same; `story` is what led there.
pub fn assert_the_same(master: &mut Server, replica: &mut Server, story: &str) {
    let deadline = std::time::Instant::now() + PATIENCE / 4;
    // What expires while it is read is another thing each time.
    let mut differences = loop {
        let (ours, theirs) = (everything(&mut master.connect()), everything(&mut replica.connect()));
        let missing = |of: &str, lines: &[String], others: &[String]| -> Vec<String> {
            lines.iter().filter(|line| !others.contains(line)).map(|line| format!("{of}: {line}")).collect()
        };
        let found = [missing("master", &ours, &theirs), missing("replica", &theirs, &ours)].concat();
        if found.is_empty() {
            return;
        }
        if std::time::Instant::now() > deadline {
            break found;
        }
    };
    differences.iter_mut().for_each(|line| line.truncate(2000));
    let (count, shown) = (differences.len(), differences[..differences.len().min(10)].join("\n"));
    panic!("{count} differences of {}:\n{shown}\n{story}", replica.address());
}

fn value(client: &mut Client, key: &str) -> String {
    let Reply::Simple(kind) = client.call(&["TYPE", key]) else { panic!("TYPE {key}") };
    let (reply, piece) = match kind.as_str() {
        "string" => (client.call(&["GET", key]), 0),
        "list" => (client.call(&["LRANGE", key, "0", "-1"]), 0),
        "hash" => (client.call(&["HGETALL", key]), 2),
        "set" => (client.call(&["SMEMBERS", key]), 1),
        "zset" => return format!("zset {}", sorted_set(client, key)),
        "stream" => return format!("stream {}", stream(client, key)),
        // It expired between two questions.
        other => return other.to_owned(),
    };
    match reply {
        Reply::Array(members) if piece > 0 => {
            let mut texts: Vec<String> = members.chunks(piece).map(|piece| format!("{piece:?}")).collect();
            texts.sort();
            format!("{kind} {}", texts.join(","))
        }
        other => format!("{kind} {other:?}"),
    }
}

/// Redis 7.0 prints scores with more digits than they need.
fn sorted_set(client: &mut Client, key: &str) -> String {
    let Reply::Array(members) = client.call(&["ZRANGE", key, "0", "-1", "WITHSCORES"]) else {
        return "gone".to_owned();
    };
    let score = |reply: &Reply| -> f64 {
        std::str::from_utf8(reply.as_bytes().unwrap_or_default()).unwrap().parse().unwrap()
    };
    let pairs = members.chunks(2).map(|pair| format!("{:?} {}", pair[0], score(&pair[1])));
    pairs.collect::<Vec<_>>().join(",")
}

/// Its entries, the last id, and for each group what is pending for whom. When somebody was last seen is each node's own.
fn stream(client: &mut Client, key: &str) -> String {
    let entries = client.call(&["XRANGE", key, "-", "+"]);
    let Reply::Array(about) = client.call(&["XINFO", "STREAM", key]) else { return "gone".to_owned() };
    let told = |name: &str| {
        let name = Reply::Bulk(name.into());
        about.chunks(2).find(|pair| pair[0] == name).map(|pair| format!("{:?}", pair[1]))
    };
    let facts = (told("length"), told("last-generated-id"), told("entries-added"), told("groups"));
    let pending = client.call(&["XPENDING", key, "group"]);
    format!("{entries:?} {facts:?} {pending:?}")
}
