//! How long six lone nodes need to become a cluster of three masters with a replica each.
//!
//! Measured from the start of the tool until it has ended and all six say that the state is ok and every replica's
//! link to its master is up. Each side has its own nodes and its own tool. The nodes are fresh: Redis's add some
//! seconds of their own when they have been up for long, so this favours the other side.

use std::time::Instant;

use crate::Scale;
use crate::client::{Client, field};
use crate::figures::{Figures, Target};
use crate::node::{Both, Node, Side, await_that};
use crate::tool;

const NODES: usize = 6;

pub fn measure(scale: Scale, figures: &mut Figures) -> anyhow::Result<()> {
    let rounds = scale.of(7, 3);
    eprintln!("create: {NODES} nodes, {rounds} rounds");
    for round in 0..rounds {
        let mut milliseconds = Both::default();
        for side in Side::in_turn(round) {
            *milliseconds.of(side) = create(side)?;
        }
        let (ours, theirs) = (milliseconds.ours, milliseconds.theirs);
        let title = "create six nodes, all in sync: ms";
        figures.add("create_ms", title, Target::AtMost(0.25), ours, theirs);
    }
    Ok(())
}

fn create(side: Side) -> anyhow::Result<f64> {
    let nodes = Node::start_many(side, NODES, &[])?;
    let addresses: Vec<String> = nodes.iter().map(Node::address).collect();
    let mut words = match side {
        Side::Ours => vec!["create", "--replicas", "1", "--yes"],
        Side::Theirs => vec!["--cluster", "create", "--cluster-replicas", "1", "--cluster-yes"],
    };
    // redis-cli takes the addresses right after the verb, rcl anywhere.
    let verb = if side == Side::Ours { 1 } else { 2 };
    words.splice(verb..verb, addresses.iter().map(String::as_str));
    let started = Instant::now();
    match side {
        Side::Ours => tool::rcl(&words)?,
        Side::Theirs => tool::redis_cli(&words)?,
    };
    let mut clients = nodes.iter().map(Node::client).collect::<anyhow::Result<Vec<Client>>>()?;
    await_that("six nodes are a cluster in sync", || {
        let mut in_sync = 0;
        for client in &mut clients {
            let cluster = client.text(&["CLUSTER", "INFO"])?;
            let is = |name, value| field(&cluster, name) == Some(value);
            if !(is("cluster_state", "ok") && is("cluster_known_nodes", "6") && is("cluster_size", "3")) {
                return Ok(false);
            }
            let replication = client.text(&["INFO", "replication"])?;
            in_sync += usize::from(field(&replication, "master_link_status") == Some("up"));
        }
        Ok(in_sync == NODES / 2)
    })?;
    Ok(started.elapsed().as_secs_f64() * 1000.0)
}
