//! Clients that wait on the same few keys at random, while another one fills, moves and deletes them: after each step both
//! servers must have answered the same clients with the same words.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rcl_proto::resp::Reply;

use super::client::Client;
use super::judge::show;
use super::number_from;
use super::request::Request;
use super::servers::Servers;
use super::waiting::Actor;

const PATIENCE: Duration = Duration::from_secs(30);

/// Who is answered, and what.
type Answer = (&'static str, Reply);

/// Who waits; those whose name begins with `new` speak RESP3.
const WAITERS: &[&str] = &["a", "b", "c", "new1", "new2"];

/// `L`, `Z` and `T` are a list, a sorted set, a stream, `K` any of them; `N` is a small number, `V` an element. (7.2 tells
/// XREADGROUP's waiters more when their stream goes, and XREAD's of more streams of each that has something.)
const WAITS: &[&str] = &[
    "BLPOP L 0",
    "BLPOP L L 0",
    "BLPOP K L 0",
    "BRPOP L K 0",
    "BLMPOP 0 1 L LEFT",
    "BLMPOP 0 2 L L RIGHT COUNT N",
    "BLMOVE L L LEFT RIGHT 0",
    "BLMOVE L K RIGHT LEFT 0",
    "BRPOPLPUSH L L 0",
    "BZPOPMIN Z 0",
    "BZPOPMAX K Z 0",
    "BZMPOP 0 2 Z Z MIN COUNT N",
    "BZMPOP 0 1 Z MAX",
    "XREAD BLOCK 0 STREAMS T $",
    "XREAD COUNT N BLOCK 0 STREAMS T 0",
    "XREAD BLOCK 0 STREAMS K 0",
];

/// What the others are woken by, or not. (Ours also wakes who waits for a list where STORE puts one in the place of a
/// sorted set, say. SWAPDB brings keys in an order that is nobody's.)
const WORK: &[&str] = &[
    "RPUSH L V",
    "RPUSH L V V V",
    "LPUSH L V V",
    "LPUSH K V",
    "RPUSHX L V",
    "LINSERT L BEFORE V V",
    "ZADD Z N V",
    "ZADD Z N V N V",
    "ZADD K N V",
    "ZINCRBY Z N V",
    "GEOADD Z 1 2 V",
    "XADD T ID f V",
    "XADD K ID f V",
    "XADD T MAXLEN 1 ID f V",
    "LMOVE L L LEFT RIGHT",
    "RPOPLPUSH L L",
    "LPOP L N",
    "DEL K",
    "DEL K K",
    "SET K V",
    "RENAME K K",
    "COPY K K REPLACE",
    "MOVE K 1",
    "FLUSHALL",
    "LRANGE L 0 -1",
    "ZRANGE Z 0 -1",
    "EVAL redis.call('RPUSH',KEYS[1],1,2) 1 L",
    "EVAL redis.call('RPUSH',KEYS[1],1)redis.call('DEL',KEYS[1]) 1 L",
    "EVAL redis.call('ZADD',KEYS[1],1,'x')redis.call('RPUSH',KEYS[2],1) 2 Z L",
    "CLIENT UNBLOCK WHO",
    "CLIENT UNBLOCK WHO ERROR",
];

/// What one of the servers does with the steps.
struct Side {
    speaker: Actor,
    observer: Actor,
    waiters: BTreeMap<&'static str, Actor>,
    waiting: BTreeSet<&'static str>,
}

impl Side {
    fn new(connect: impl Fn() -> Client) -> Side {
        let waiters = WAITERS.iter().map(|name| (*name, Actor::new(connect(), name))).collect();
        let speaker = Actor::new(connect(), "p");
        Side { speaker, observer: Actor::new(connect(), "observer"), waiters, waiting: BTreeSet::new() }
    }

    /// Lets `who` say it, and gives the replies that came then, which are waited for if the other server gave `expected`.
    fn step(&mut self, who: &'static str, lines: &[String], expected: &[Answer]) -> Vec<Answer> {
        let words = |line: &String| {
            let words: Vec<String> = line.split(' ').map(|word| self.with_number(word)).collect();
            Request::of(&words.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let requests: Vec<Request> = lines.iter().map(words).collect();
        let mut replies = Vec::new();
        match self.waiters.get_mut(who) {
            Some(waiter) => {
                waiter.client.send(&requests);
                self.waiting.insert(who);
            }
            None => {
                self.speaker.client.send(&requests);
                replies.extend(
                    self.speaker.client.receive(requests.len()).into_iter().map(|reply| (who, reply)),
                );
            }
        }
        self.take_answers(&mut replies, expected);
        replies
    }

    /// Until whoever is not answered is known to wait. A client that was served may be counted until it has its answer.
    fn take_answers(&mut self, replies: &mut Vec<Answer>, expected: &[Answer]) {
        let start = Instant::now();
        loop {
            for (name, waiter) in &mut self.waiters {
                if self.waiting.contains(name)
                    && let Some(reply) = waiter.client.poll()
                {
                    self.waiting.remove(name);
                    replies.push((name, reply));
                }
            }
            let info = self.observer.ask(&["INFO", "clients"]);
            let line = format!("blocked_clients:{}\r\n", self.waiting.len());
            let all_wait = String::from_utf8_lossy(info.as_bytes().unwrap_or_default()).contains(&line);
            let is_too_late = start.elapsed() > PATIENCE;
            if all_wait && (replies.len() >= expected.len() || is_too_late) {
                replies.sort_by_key(|(name, _)| *name);
                return;
            }
            assert!(!is_too_late, "{:?} neither wait nor are answered", self.waiting);
        }
    }

    /// `#a` is the number of client `a`.
    fn with_number(&self, word: &str) -> String {
        match word.strip_prefix('#') {
            Some(name) => self.waiters[name].id.to_string(),
            None => word.to_owned(),
        }
    }
}

struct Script {
    rng: StdRng,
    last_id: usize,
}

impl Script {
    fn below(&mut self, limit: usize) -> usize {
        self.rng.random_range(0..limit)
    }

    fn line(&mut self, templates: &[&str]) -> String {
        let template = templates[self.below(templates.len())];
        template.split(' ').map(|word| self.word(word)).collect::<Vec<_>>().join(" ")
    }

    fn word(&mut self, word: &str) -> String {
        match word {
            "L" => ["l0", "l1"][self.below(2)].to_owned(),
            "Z" => ["z0", "z1"][self.below(2)].to_owned(),
            "T" => ["t0", "t1"][self.below(2)].to_owned(),
            "K" => ["l0", "l1", "z0", "z1", "t0", "t1"][self.below(6)].to_owned(),
            "N" => (1 + self.below(4)).to_string(),
            "V" => self.below(20).to_string(),
            "WHO" => format!("#{}", WAITERS[self.below(WAITERS.len())]),
            "ID" => {
                self.last_id += 1;
                format!("{}-0", self.last_id)
            }
            other => other.to_owned(),
        }
    }

    /// What the speaker says at once.
    fn work(&mut self) -> Vec<String> {
        if self.below(5) > 0 {
            return vec![self.line(WORK)];
        }
        let queued = (0..1 + self.below(4)).map(|_| self.line(WORK)).collect::<Vec<_>>();
        [vec!["MULTI".to_owned()], queued, vec!["EXEC".to_owned()]].concat()
    }
}

#[test]
fn clients_that_contend_are_served_alike() {
    let Some(servers) = Servers::start("contention", &[]) else { return };
    let seed = number_from("SEED").unwrap_or(6);
    let steps = number_from("COMMANDS").unwrap_or(4_000);
    println!("contention: {steps} steps with seed {seed}");
    let mut script = Script { rng: StdRng::seed_from_u64(seed), last_id: 0 };
    let (mut redis, mut node) = (Side::new(|| servers.redis()), Side::new(|| servers.node()));
    let mut told = Vec::new();
    for _ in 0..steps {
        let idle: Vec<&'static str> =
            WAITERS.iter().copied().filter(|name| !redis.waiting.contains(name)).collect();
        let (who, lines) = match script.below(2) {
            0 if !idle.is_empty() => (idle[script.below(idle.len())], vec![script.line(WAITS)]),
            _ => ("p", script.work()),
        };
        told.push(format!("{who} {}", lines.join("; ")));
        let of_redis = redis.step(who, &lines, &[]);
        let of_node = node.step(who, &lines, &of_redis);
        let text = |replies: &[Answer]| {
            replies.iter().map(|(name, reply)| format!("{name}: {}", show(reply))).collect::<Vec<_>>()
        };
        let last = &told[told.len().saturating_sub(number_from("LAST").unwrap_or(40) as usize)..];
        assert_eq!(text(&of_node), text(&of_redis), "seed {seed}; the last steps:\n{}", last.join("\n"));
    }
}
