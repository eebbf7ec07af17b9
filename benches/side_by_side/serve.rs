//! What a request and a key cost: one node of each side, with one thread that serves clients, owning all slots.
//!
//! ```text
//! fill       key:000000000000 … (16 bytes each), 64-byte values; then RSS and used_memory
//! read back  every key
//! rounds     redis-benchmark, 50 connections, GET and SET of random keys: -P 16 and unpipelined
//! ```
//!
//! The node's CPU seconds are taken before and after each run of redis-benchmark.

use anyhow::{Context, ensure};
use rcl_proto::resp::Reply;

use crate::Scale;
use crate::client::field;
use crate::figures::{Figures, Target};
use crate::node::{Both, Node, Side, await_that};

const VALUE_BYTES: usize = 64;
const REQUESTS_AT_ONCE: usize = 1000;

struct Workload {
    name: &'static str,
    title: &'static str,
    command: &'static str,
    pipeline: &'static str,
    target: f64,
    requests: usize,
}

const fn workload(
    name: &'static str,
    title: &'static str,
    command: &'static str,
    pipeline: &'static str,
    target: f64,
    requests: usize,
) -> Workload {
    Workload { name, title, command, pipeline, target, requests }
}

const WORKLOADS: [Workload; 4] = [
    workload("get_p16_cpu", "GET, 16 in a pipeline: CPU s per million", "get", "16", 0.7, 1_000_000),
    workload("set_p16_cpu", "SET, 16 in a pipeline: CPU s per million", "set", "16", 0.7, 1_000_000),
    workload("get_p1_cpu", "GET, one at a time: CPU s per million", "get", "1", 1.05, 150_000),
    workload("set_p1_cpu", "SET, one at a time: CPU s per million", "set", "1", 1.05, 150_000),
];

pub fn measure(scale: Scale, figures: &mut Figures) -> anyhow::Result<()> {
    let keys = scale.of(1_000_000, 200_000);
    let (rounds, share) = scale.of((5, 1), (2, 5));
    eprintln!("serve: {keys} keys, {rounds} rounds");
    let ours = start(Side::Ours, &["--worker-threads", "1"])?;
    let theirs = start(Side::Theirs, &[])?;
    let node = |side| if side == Side::Ours { &ours } else { &theirs };
    let mut memory = Both::default();
    for side in Side::in_turn(0) {
        *memory.of(side) = bytes_per_key(node(side), keys)?;
        read_back(node(side), keys, |index, found| found == value(index))?;
    }
    let add = |figures: &mut Figures, name, title, ours, theirs| {
        figures.add(name, title, Target::AtMost(0.8), ours, theirs);
    };
    add(figures, "rss_per_key", "bytes per key, of RSS", memory.ours.resident, memory.theirs.resident);
    add(figures, "used_per_key", "bytes per key, of used_memory", memory.ours.used, memory.theirs.used);
    for round in 0..rounds {
        for work in &WORKLOADS {
            let mut cpu = Both::default();
            for side in Side::in_turn(round) {
                *cpu.of(side) = cpu_per_million(node(side), work, work.requests / share, keys)?;
            }
            figures.add(work.name, work.title, Target::AtMost(work.target), cpu.ours, cpu.theirs);
        }
    }
    for side in Side::in_turn(0) {
        // SET wrote redis-benchmark's own values over some.
        read_back(node(side), keys, |_, found| found.len() == VALUE_BYTES)?;
    }
    Ok(())
}

pub fn start(side: Side, more: &[&str]) -> anyhow::Result<Node> {
    let node = Node::start_many(side, 1, more)?.pop().context("one node was started")?;
    let mut client = node.client()?;
    client.call(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"])?;
    await_that("a node with all slots is ok", || {
        Ok(field(&client.text(&["CLUSTER", "INFO"])?, "cluster_state") == Some("ok"))
    })?;
    Ok(node)
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    pub resident: f64,
    pub used: f64,
}

impl Memory {
    pub fn of(node: &Node) -> anyhow::Result<Memory> {
        let info = node.client()?.text(&["INFO", "memory"])?;
        let used = field(&info, "used_memory").context("no used_memory")?.parse()?;
        Ok(Memory { resident: node.resident_bytes()?, used })
    }
}

fn bytes_per_key(node: &Node, keys: usize) -> anyhow::Result<Memory> {
    let before = Memory::of(node)?;
    fill(node, keys)?;
    let after = Memory::of(node)?;
    let per_key = |before: f64, after: f64| (after - before) / keys as f64;
    Ok(Memory { resident: per_key(before.resident, after.resident), used: per_key(before.used, after.used) })
}

/// As redis-benchmark writes them, so that its GETs find them.
pub fn key(index: usize) -> Vec<u8> {
    format!("key:{index:012}").into_bytes()
}

/// Follows from the key, so that a mix-up shows.
pub fn value(index: usize) -> Vec<u8> {
    let mut state = index as u64;
    let words = (0..VALUE_BYTES / 8).flat_map(|_| {
        // The generator splitmix64: nothing in it can be compressed.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)).to_le_bytes()
    });
    words.collect()
}

pub fn fill(node: &Node, keys: usize) -> anyhow::Result<()> {
    let mut client = node.client()?;
    for from in (0..keys).step_by(REQUESTS_AT_ONCE) {
        let range = from..keys.min(from + REQUESTS_AT_ONCE);
        let pairs: Vec<(Vec<u8>, Vec<u8>)> = range.map(|index| (key(index), value(index))).collect();
        let requests: Vec<[&[u8]; 3]> = pairs.iter().map(|(key, value)| [b"SET", &key[..], value]).collect();
        for reply in client.pipeline(&requests)? {
            ensure!(matches!(&reply, Reply::Simple(text) if text == "OK"), "SET: {reply:?}");
        }
    }
    let size = client.number(&["DBSIZE"])?;
    ensure!(size == keys as i64, "{size} keys after {keys} were written");
    Ok(())
}

fn read_back(node: &Node, keys: usize, is_right: impl Fn(usize, &[u8]) -> bool) -> anyhow::Result<()> {
    let mut client = node.client()?;
    for from in (0..keys).step_by(REQUESTS_AT_ONCE) {
        let names: Vec<Vec<u8>> = (from..keys.min(from + REQUESTS_AT_ONCE)).map(key).collect();
        let requests: Vec<[&[u8]; 2]> = names.iter().map(|name| [b"GET", &name[..]]).collect();
        for (offset, reply) in client.pipeline(&requests)?.iter().enumerate() {
            let found =
                reply.as_bytes().with_context(|| format!("key {} is lost: {reply:?}", from + offset))?;
            ensure!(is_right(from + offset, found), "key {} has a wrong value", from + offset);
        }
    }
    Ok(())
}

fn cpu_per_million(node: &Node, work: &Workload, requests: usize, keys: usize) -> anyhow::Result<f64> {
    node.cpu_per_million(requests, |benchmark| {
        benchmark
            .args(["-P", work.pipeline, "-r", &keys.to_string(), "-d", &VALUE_BYTES.to_string()])
            .args(["-t", work.command]);
    })
}
