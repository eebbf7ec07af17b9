//! How fast keys move from three masters to a fourth, on real redis-server nodes: the tools differ, not the nodes.
//!
//! The fourth node has joined without slots before the clock starts. What counts is the keys that it holds in the
//! end, by the tool's run time, and what CPU time it cost the nodes; then every key is read back from the node that
//! owns it. The first figure needs a machine with little else to do: keys go through three processes, and each waits
//! its turn on a busy one. The second does not.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use rcl_proto::nodes_text::NodeFlags;
use rcl_proto::resp::Reply;
use rcl_proto::{Slot, key_slot};

use crate::Scale;
use crate::client::{Client, field};
use crate::figures::{Figures, Target};
use crate::node::{Both, Node, Side, await_that};
use crate::tool;

const MASTERS: usize = 3;
const SLOTS_MOVED: std::ops::RangeInclusive<usize> = 4090..=4102;
const REQUESTS_AT_ONCE: usize = 1000;

pub fn measure(scale: Scale, figures: &mut Figures) -> anyhow::Result<()> {
    let (rounds, keys) = scale.of((5, 300_000), (2, 100_000));
    eprintln!("rebalance: {keys} keys, {rounds} rounds");
    for round in 0..rounds {
        let mut runs: Both<Run> = Both::default();
        for side in Side::in_turn(round) {
            *runs.of(side) = rebalance(side, keys)?;
        }
        let title = "rebalance from three masters to four: keys per second";
        let (ours, theirs) = (runs.ours.keys_per_second, runs.theirs.keys_per_second);
        figures.add("rebalance_keys_per_s", title, Target::AtLeast(3.0), ours, theirs);
        let title = "the same: the nodes' CPU s per million keys";
        let (ours, theirs) = (runs.ours.cpu_per_million, runs.theirs.cpu_per_million);
        figures.add("rebalance_cpu", title, Target::AtMost(0.5), ours, theirs);
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, Default)]
struct Run {
    keys_per_second: f64,
    cpu_per_million: f64,
}

fn rebalance(tool: Side, keys: usize) -> anyhow::Result<Run> {
    let nodes = Node::start_many(Side::Theirs, MASTERS + 1, &[])?;
    let addresses: Vec<String> = nodes.iter().map(Node::address).collect();
    let (entry, newcomer) = (addresses[0].as_str(), addresses[MASTERS].as_str());
    let mut create = vec!["create", "--yes"];
    create.extend(addresses[..MASTERS].iter().map(String::as_str));
    tool::rcl(&create)?;
    each_key(&nodes, keys, |client, names| {
        let pairs: Vec<(&[u8], Vec<u8>)> = names.iter().map(|name| (&name[..], value(name))).collect();
        let requests: Vec<[&[u8]; 3]> = pairs.iter().map(|(name, value)| [b"SET", *name, value]).collect();
        let replies = client.pipeline(&requests)?;
        ensure!(replies.iter().all(|reply| !matches!(reply, Reply::Error(_))), "SET: {:?}", replies.first());
        Ok(())
    })?;
    tool::rcl(&["add-node", newcomer, entry, "--yes"])?;
    await_that("four nodes know each other and are ok", || {
        for node in &nodes {
            let info = node.client()?.text(&["CLUSTER", "INFO"])?;
            let is = |name, value| field(&info, name) == Some(value);
            if !(is("cluster_state", "ok") && is("cluster_known_nodes", "4")) {
                return Ok(false);
            }
        }
        Ok(true)
    })?;
    let cpu_before = cpu_seconds(&nodes)?;
    let took = match tool {
        Side::Ours => tool::rcl(&["rebalance", entry, "--use-empty-masters", "--yes"])?,
        Side::Theirs => tool::redis_cli(&["--cluster", "rebalance", entry, "--cluster-use-empty-masters"])?,
    };
    let cpu = cpu_seconds(&nodes)? - cpu_before;
    let moved = nodes[MASTERS].client()?.number(&["DBSIZE"])?;
    let slots = owners(&nodes)?.values().filter(|port| **port == nodes[MASTERS].port).count();
    ensure!(SLOTS_MOVED.contains(&slots), "the fourth node has {slots} slots");
    each_key(&nodes, keys, |client, names| {
        let requests: Vec<[&[u8]; 2]> = names.iter().map(|name| [b"GET", &name[..]]).collect();
        for (name, reply) in names.iter().zip(client.pipeline(&requests)?) {
            let right = reply.as_bytes().is_some_and(|found| found == value(name));
            ensure!(right, "{} is {reply:?}", String::from_utf8_lossy(name));
        }
        Ok(())
    })?;
    let moved = moved as f64;
    Ok(Run { keys_per_second: moved / took.as_secs_f64(), cpu_per_million: cpu / moved * 1e6 })
}

fn cpu_seconds(nodes: &[Node]) -> anyhow::Result<f64> {
    nodes.iter().map(Node::cpu_seconds).sum()
}

/// Which port serves a slot, as the first node says.
fn owners(nodes: &[Node]) -> anyhow::Result<BTreeMap<Slot, u16>> {
    let text = nodes[0].client()?.text(&["CLUSTER", "NODES"])?;
    let lines = rcl_proto::nodes_text::parse(&text)?;
    let masters = lines.iter().filter(|line| line.flags.contains(NodeFlags::MASTER));
    Ok(masters.flat_map(|line| line.slots.iter().map(|slot| (slot, line.endpoint.port))).collect())
}

/// Gives the keys to `act`, a thousand of one node at a time.
fn each_key(
    nodes: &[Node],
    keys: usize,
    mut act: impl FnMut(&mut Client, &[Vec<u8>]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let owners = owners(nodes)?;
    let mut names: BTreeMap<u16, Vec<Vec<u8>>> = BTreeMap::new();
    for index in 0..keys {
        let name = format!("key:{index:012}").into_bytes();
        let port = owners.get(&key_slot(&name)).context("a slot has no owner")?;
        names.entry(*port).or_default().push(name);
    }
    for (port, names) in names {
        let mut client = Client::connect(port)?;
        names.chunks(REQUESTS_AT_ONCE).try_for_each(|names| act(&mut client, names))?;
    }
    Ok(())
}

/// 64 bytes that follow from the key.
fn value(name: &[u8]) -> Vec<u8> {
    name.iter().copied().cycle().zip(0u8..).map(|(byte, at)| byte.wrapping_mul(at | 1)).take(64).collect()
}
