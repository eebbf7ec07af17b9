//! What each command costs: one node of each side without a cluster, with one thread that serves clients.
//!
//! redis-benchmark, 50 connections, 16 in a pipeline: its default tests, in its order so that what pops finds what was pushed,
//! and then commands on collections that were filled before. The node's CPU seconds are taken before and after each run.

use anyhow::Context;

use crate::Scale;
use crate::figures::{Figures, Target};
use crate::node::{Both, Node, Side};

/// How redis-benchmark is told what to send.
#[derive(Clone, Copy, Debug)]
enum Sent {
    /// A test of its own.
    Test(&'static str),
    /// These words; `__rand_int__` is a number of twelve digits.
    Words(&'static [&'static str]),
}

use Sent::{Test, Words};

struct Work {
    name: &'static str,
    sent: Sent,
    target: f64,
    requests: usize,
}

const fn work(name: &'static str, sent: Sent, target: f64, requests: usize) -> Work {
    Work { name, sent, target, requests }
}

const MANY: usize = 1_000_000;
/// Of commands with long replies.
const FEW: usize = 100_000;
const SCRIPT: &str = "return redis.call('get', KEYS[1])";

const WORKS: &[Work] = &[
    work("ping_inline", Test("ping_inline"), 0.9, MANY),
    work("ping_mbulk", Test("ping_mbulk"), 0.9, MANY),
    work("set", Test("set"), 0.7, MANY),
    work("get", Test("get"), 0.7, MANY),
    work("incr", Test("incr"), 0.9, MANY),
    work("lpush", Test("lpush"), 0.9, MANY),
    work("rpush", Test("rpush"), 0.9, MANY),
    work("lpop", Test("lpop"), 0.9, MANY),
    work("rpop", Test("rpop"), 0.9, MANY),
    work("sadd", Test("sadd"), 0.9, MANY),
    work("hset", Test("hset"), 0.9, MANY),
    work("spop", Test("spop"), 0.9, MANY),
    work("zadd", Test("zadd"), 0.9, MANY),
    work("zpopmin", Test("zpopmin"), 0.9, MANY),
    work("lrange_100", Words(&["LRANGE", "list", "0", "99"]), 0.9, FEW),
    work("lrange_300", Words(&["LRANGE", "list", "0", "299"]), 0.9, FEW),
    work("lrange_500", Words(&["LRANGE", "list", "0", "499"]), 0.9, FEW),
    work("lrange_600", Words(&["LRANGE", "list", "0", "599"]), 0.9, FEW),
    work("mset", Test("mset"), 0.9, FEW),
    work("zadd_big", Words(&["ZADD", "zset", "__rand_int__", "m:__rand_int__"]), 1.0, MANY),
    work("zrange", Words(&["ZRANGE", "zset", "100", "109"]), 1.0, MANY / 2),
    work("zrank", Words(&["ZRANK", "zset", "m:__rand_int__"]), 1.0, MANY),
    work("hgetall", Words(&["HGETALL", "hash"]), 1.0, MANY / 2),
    work("smembers", Words(&["SMEMBERS", "set"]), 1.0, FEW),
    work("xadd", Words(&["XADD", "stream", "*", "field", "value"]), 1.0, MANY),
    work("xrange", Words(&["XRANGE", "stream", "-", "+", "COUNT", "10"]), 1.0, MANY / 2),
    work("eval", Words(&["EVAL", SCRIPT, "1", "key:__rand_int__"]), 1.0, MANY / 2),
];

pub fn measure(scale: Scale, figures: &mut Figures) -> anyhow::Result<()> {
    let (rounds, share) = scale.of((7, 1), (1, 5));
    eprintln!("commands: {} of them, {rounds} rounds", WORKS.len());
    let alone = ["--cluster-enabled", "no"];
    let ours = start(Side::Ours, &[&alone[..], &["--worker-threads", "1"]].concat())?;
    let theirs = start(Side::Theirs, &alone)?;
    for round in 0..rounds {
        for side in Side::in_turn(round) {
            fill(if side == Side::Ours { &ours } else { &theirs })?;
        }
        for work in WORKS {
            let mut cpu = Both::default();
            for side in Side::in_turn(round) {
                let node = if side == Side::Ours { &ours } else { &theirs };
                *cpu.of(side) = cpu_per_million(node, work, work.requests / share)?;
            }
            let title = format!("{}, 16 in a pipeline: CPU s per million", work.name.to_uppercase());
            figures.add(work.name, &title, Target::AtMost(work.target), cpu.ours, cpu.theirs);
        }
    }
    Ok(())
}

fn start(side: Side, more: &[&str]) -> anyhow::Result<Node> {
    Node::start_many(side, 1, more)?.pop().context("one node was started")
}

fn fill(node: &Node) -> anyhow::Result<()> {
    let mut client = node.client()?;
    client.call(&["FLUSHALL"])?;
    for number in 0..600 {
        client.call(&["RPUSH", "list", &format!("element:{number}")])?;
    }
    for number in 0..100 {
        client.call(&["SADD", "set", &format!("member:{number}")])?;
    }
    for number in 0..10 {
        client.call(&["HSET", "hash", &format!("field:{number}"), &format!("value:{number}")])?;
    }
    Ok(())
}

fn cpu_per_million(node: &Node, work: &Work, requests: usize) -> anyhow::Result<f64> {
    node.cpu_per_million(requests, |benchmark| {
        benchmark.args(["-P", "16", "-r", "100000", "-d", "64"]);
        match work.sent {
            Test(name) => benchmark.args(["-t", name]),
            Words(words) => benchmark.args(words),
        };
    })
}
