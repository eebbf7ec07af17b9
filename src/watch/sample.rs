//! One look at the whole cluster.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rcl_proto::nodes_text::NodeFlags;
use rcl_proto::{Address, NodeId, SLOT_COUNT, SlotSet};
use serde::Serialize;
use tokio::task::JoinSet;

use crate::cli::Failure;
use crate::connect::{Cluster, Connector, Link};
use crate::topology::{Node, Topology};

/// Commands that tools, replicas and connections cause by themselves (this watch among them): no traffic.
const NO_TRAFFIC: [&str; 10] =
    ["info", "cluster", "dbsize", "ping", "replconf", "psync", "hello", "auth", "client", "command"];

/// The cluster at one moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sample {
    pub unix_ms: u64,
    pub slots_covered: usize,
    /// Every node that answers says `cluster_state:ok`.
    pub state_ok: bool,
    /// The highest epoch that any node knows.
    pub epoch: u64,
    /// Masters in the order of their slots, each followed by its replicas.
    pub nodes: Vec<NodeSample>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NodeSample {
    #[serde(serialize_with = "as_text")]
    pub id: NodeId,
    pub address: String,
    /// The address of its master; `None` for a master.
    pub replica_of: Option<String>,
    pub slots: usize,
    /// Slots that it gives to or takes from another node just now.
    pub moving_slots: usize,
    #[serde(serialize_with = "as_text")]
    pub owned: SlotSet,
    #[serde(serialize_with = "as_text")]
    pub moving: SlotSet,
    /// The epoch with which it owns its slots.
    pub config_epoch: u64,
    /// At least half of the others have no answer from it (PFAIL).
    pub suspected: bool,
    pub keys: u64,
    /// Commands a second since the last look.
    pub ops: u64,
    pub used_memory_bytes: u64,
    pub offset: u64,
    /// Of a replica whose master answers: how many bytes it is behind.
    pub lag: Option<u64>,
    pub state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Ok,
    /// A replica whose link to its master is down.
    LinkDown,
    /// It answers us, but the others say it failed.
    Failed,
    /// It does not answer us; the others have not given it up.
    Silent,
    /// It does not answer us, and the others say it failed.
    Down,
}

impl Sample {
    /// Those that own slots, in the order of these.
    pub fn masters_in_order(&self) -> impl Iterator<Item = &NodeSample> {
        self.nodes.iter().filter(|node| node.replica_of.is_none() && node.slots > 0)
    }

    pub fn masters(&self) -> usize {
        self.masters_in_order().count()
    }

    pub fn replicas(&self) -> usize {
        self.nodes.iter().filter(|node| node.replica_of.is_some()).count()
    }

    /// Keys of masters: replicas hold copies.
    pub fn keys(&self) -> u64 {
        self.nodes.iter().filter(|node| node.replica_of.is_none()).map(|node| node.keys).sum()
    }

    pub fn ops(&self) -> u64 {
        self.nodes.iter().map(|node| node.ops).sum()
    }

    fn of(topology: &Topology, ops: &BTreeMap<NodeId, u64>) -> Sample {
        let mut nodes = Vec::new();
        let mut seen = Vec::new();
        for master in topology.masters() {
            nodes.push(node_sample(topology, master, ops));
            seen.push(master.id);
            for replica in topology.replicas_of(master.id) {
                nodes.push(node_sample(topology, replica, ops));
                seen.push(replica.id);
            }
        }
        // Replicas of a master that nobody knows, or of another replica.
        let others = topology.nodes.values().filter(|node| !seen.contains(&node.id));
        nodes.extend(others.map(|node| node_sample(topology, node, ops)));
        Sample {
            unix_ms: unix_ms(),
            slots_covered: SLOT_COUNT - topology.uncovered().len(),
            state_ok: topology
                .nodes
                .values()
                .filter_map(|node| node.facts.as_ref())
                .all(|facts| facts.state_ok),
            epoch: (topology.nodes.values())
                .map(|node| node.facts.as_ref().map_or(0, |facts| facts.current_epoch).max(node.config_epoch))
                .max()
                .unwrap_or(0),
            nodes,
        }
    }
}

fn node_sample(topology: &Topology, node: &Node, ops: &BTreeMap<NodeId, u64>) -> NodeSample {
    let master = node.master().and_then(|id| topology.node(id));
    let facts = node.facts.clone().unwrap_or_default();
    let master_facts = master.and_then(|master| master.facts.as_ref());
    let failed = node.flags.contains(NodeFlags::FAIL);
    let state = match (node.answers(), failed) {
        (true, true) => State::Failed,
        (true, false) if !facts.link_up && node.master().is_some() => State::LinkDown,
        (true, false) => State::Ok,
        (false, true) => State::Down,
        (false, false) => State::Silent,
    };
    // Some replicas know what their master moves, too; it is told once.
    let open = node.migrating.iter().chain(&node.importing).filter(|_| node.is_master());
    let moving: SlotSet = open.map(|(slot, _)| *slot).collect();
    NodeSample {
        id: node.id,
        address: node.address.to_string(),
        replica_of: node
            .master()
            .map(|id| topology.node(id).map_or_else(|| id.to_string(), |m| m.address.to_string())),
        slots: node.slots.len(),
        moving_slots: moving.len(),
        owned: node.slots.clone(),
        moving,
        config_epoch: node.config_epoch,
        suspected: node.flags.contains(NodeFlags::PFAIL),
        keys: facts.keys,
        ops: ops.get(&node.id).copied().unwrap_or(0),
        used_memory_bytes: facts.used_memory_bytes,
        offset: facts.replication_offset,
        lag: master_facts
            .filter(|_| node.answers())
            .map(|master| master.replication_offset.saturating_sub(facts.replication_offset)),
        state,
    }
}

fn as_text<S: serde::Serializer>(id: &impl std::fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

pub fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Takes samples over connections that it keeps.
pub struct Sampler {
    cluster: Cluster,
    /// Where we began, in case all connections are lost.
    entry: Address,
    connector: Connector,
    /// What each node had processed at the last look.
    processed: BTreeMap<NodeId, (Instant, u64)>,
    is_fresh: bool,
}

impl Sampler {
    pub async fn new(
        connector: &Connector,
        time_limit: Duration,
        entry: &Address,
    ) -> Result<Sampler, Failure> {
        let limit = connector.time_limit.min(time_limit);
        let connector = connector.within(limit);
        let cluster = Cluster::observe(&connector, entry).await?;
        Ok(Sampler { cluster, entry: entry.clone(), connector, processed: BTreeMap::new(), is_fresh: true })
    }

    pub async fn sample(&mut self) -> Result<Sample, Failure> {
        if !std::mem::take(&mut self.is_fresh) {
            self.observe_again().await?;
        }
        let ops = self.ops().await;
        Ok(Sample::of(&self.cluster.topology, &ops))
    }

    /// Over the connections there are, giving up each that broke; from the entry when none is left.
    async fn observe_again(&mut self) -> Result<(), Failure> {
        loop {
            let entry = self.cluster.links.values().find(|link| *link.address() == self.cluster.entry);
            let Some(used) =
                entry.or_else(|| self.cluster.links.values().next()).map(|link| link.address().clone())
            else {
                self.cluster = Cluster::observe(&self.connector, &self.entry).await?;
                return Ok(());
            };
            match self.cluster.again().await {
                Ok(cluster) => {
                    self.cluster = cluster;
                    return Ok(());
                }
                Err(_) => self.cluster.links.retain(|_, link| *link.address() != used),
            }
        }
    }

    /// Commands a second of each node: what was processed since the last look, or what it says itself.
    async fn ops(&mut self) -> BTreeMap<NodeId, u64> {
        let mut asked = JoinSet::new();
        for (&id, link) in &self.cluster.links {
            let link = link.clone();
            asked.spawn(async move { (id, stats(&link).await) });
        }
        let mut ops = BTreeMap::new();
        while let Some(answer) = asked.join_next().await {
            let Ok((id, Some((processed, instantaneous)))) = answer else { continue };
            let now = Instant::now();
            let before = self.processed.insert(id, (now, processed));
            let rate = before
                // A node that started again counts from 0.
                .filter(|(_, before)| *before <= processed)
                .map(|(then, before)| {
                    (processed - before) as f64 / now.duration_since(then).as_secs_f64().max(1e-3)
                })
                .map_or(instantaneous, |rate| rate.round() as u64);
            ops.insert(id, rate);
        }
        ops
    }
}

/// How many commands of clients a node has processed, and how many commands a second it says it does.
async fn stats(link: &Link) -> Option<(u64, u64)> {
    let general = link.text(&["INFO", "stats"]).await.ok()?;
    let by_command = link.text(&["INFO", "commandstats"]).await.ok()?;
    let total = field(&general, "total_commands_processed")?;
    Some((traffic(&by_command).unwrap_or(total), field(&general, "instantaneous_ops_per_sec")?))
}

fn field(info: &str, name: &str) -> Option<u64> {
    let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.trim().parse().ok()
}

/// The calls in lines `cmdstat_get:calls=12,usec=…`, without those that are no traffic; `None` when the node
/// keeps no such statistics.
fn traffic(info: &str) -> Option<u64> {
    let mut sum = None;
    for line in info.lines() {
        let Some((name, fields)) = line.strip_prefix("cmdstat_").and_then(|rest| rest.split_once(':')) else {
            continue;
        };
        let calls =
            fields.strip_prefix("calls=").and_then(|rest| rest.split(',').next()?.parse::<u64>().ok())?;
        // Subcommands are `cluster|nodes`.
        let is_traffic = !NO_TRAFFIC.contains(&name.split('|').next().unwrap_or(name));
        let sum = sum.get_or_insert(0u64);
        *sum = sum.saturating_add(if is_traffic { calls } else { 0 });
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traffic_is_what_clients_do() {
        let info = "# Commandstats\r\ncmdstat_get:calls=12,usec=1\r\ncmdstat_cluster|nodes:calls=7,usec=2\r\n\
                    cmdstat_info:calls=9,usec=1\r\ncmdstat_object|encoding:calls=3,usec=1\r\n";
        assert_eq!(traffic(info), Some(15));
        assert_eq!(traffic("# Commandstats\r\n"), None);
        assert_eq!(field("a:1\r\nab:2\r\n", "ab"), Some(2));
    }
}
