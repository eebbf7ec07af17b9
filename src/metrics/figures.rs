//! What of a cluster is worth a figure. Pure: a topology and what each node's INFO says.

use std::collections::BTreeMap;

use rcl_proto::{NodeId, SLOT_COUNT};

use super::exposition::Family;
use crate::connect::Fields;
use crate::health::{Severity, Strays, structure};
use crate::topology::{Node, Topology};

/// Figures of INFO that are passed on: its field, our name, and what it is.
const GAUGES: [(&str, &str, &str); 7] = [
    ("used_memory", "rcl_node_memory_used_bytes", "Memory that the node's data use."),
    ("maxmemory", "rcl_node_memory_max_bytes", "The node's maxmemory; 0 is none."),
    ("used_memory_rss", "rcl_node_memory_rss_bytes", "Memory of the process."),
    ("connected_clients", "rcl_node_clients", "Connected clients."),
    ("blocked_clients", "rcl_node_blocked_clients", "Clients that wait in a blocking command."),
    ("instantaneous_ops_per_sec", "rcl_node_ops_per_second", "Commands a second, as the node says it."),
    ("uptime_in_seconds", "rcl_node_uptime_seconds", "How long the process runs."),
];
const COUNTERS: [(&str, &str, &str); 9] = [
    ("total_commands_processed", "rcl_node_commands_total", "Commands since the start."),
    ("total_connections_received", "rcl_node_connections_total", "Connections since the start."),
    ("rejected_connections", "rcl_node_rejected_connections_total", "Connections beyond maxclients."),
    ("total_net_input_bytes", "rcl_node_input_bytes_total", "Bytes received."),
    ("total_net_output_bytes", "rcl_node_output_bytes_total", "Bytes sent."),
    ("keyspace_hits", "rcl_node_keyspace_hits_total", "Look-ups that found their key."),
    ("keyspace_misses", "rcl_node_keyspace_misses_total", "Look-ups that did not."),
    ("expired_keys", "rcl_node_expired_keys_total", "Keys that ran out."),
    ("evicted_keys", "rcl_node_evicted_keys_total", "Keys that had to go for maxmemory."),
];

/// Nobody answered.
pub fn of_none() -> Vec<Family> {
    vec![up(0.0)]
}

fn up(value: f64) -> Family {
    Family::gauge("rcl_up", "Whether any node of the cluster answered.").of(value)
}

pub fn of(topology: &Topology, info: &BTreeMap<NodeId, Fields>, entry: &str) -> Vec<Family> {
    let mut families = vec![up(1.0)];
    families.extend(of_cluster(topology, entry));
    families.extend(of_nodes(topology));
    let passed_on = GAUGES.iter().map(|row| (Family::gauge(row.1, row.2), row.0));
    let passed_on = passed_on.chain(COUNTERS.iter().map(|row| (Family::counter(row.1, row.2), row.0)));
    families.extend(passed_on.map(|(mut family, field)| {
        for (id, fields) in info {
            let Some(node) = topology.node(*id) else { continue };
            if let Some(value) = fields.get(field).and_then(|value| value.parse().ok()) {
                family.add(name(node), value);
            }
        }
        family
    }));
    families
}

fn of_cluster(topology: &Topology, entry: &str) -> Vec<Family> {
    let facts = || topology.nodes.values().filter_map(|node| node.facts.as_ref());
    let found = structure(topology, &Strays::default(), entry);
    let mut by_severity = Family::gauge("rcl_cluster_findings", "What rcl check finds.");
    for (severity, word) in [(Severity::Error, "error"), (Severity::Warning, "warning")] {
        let count = found.iter().filter(|finding| finding.severity == severity).count();
        by_severity.add(vec![("severity", word.into())], count as f64);
    }
    let masters = topology.masters().len();
    let mut nodes = Family::gauge("rcl_cluster_nodes", "Nodes that the cluster knows.");
    nodes.add(vec![("role", "master".into())], masters as f64);
    nodes.add(vec![("role", "replica".into())], (topology.nodes.len() - masters) as f64);
    let gauge = |name, help, value: f64| Family::gauge(name, help).of(value);
    let covered = SLOT_COUNT - topology.uncovered().len();
    let epoch = facts().map(|facts| facts.current_epoch).max().unwrap_or(0);
    vec![
        gauge(
            "rcl_cluster_ok",
            "Whether every node that answers says cluster_state:ok.",
            truth(facts().all(|f| f.state_ok)),
        ),
        gauge("rcl_cluster_slots_covered", "Slots that have an owner.", covered as f64),
        gauge("rcl_cluster_slots_open", "Slots that are being moved.", topology.open_slots().len() as f64),
        gauge(
            "rcl_cluster_disagreements",
            "Points in which a node's view is another.",
            topology.disagreements.len() as f64,
        ),
        gauge("rcl_cluster_epoch", "The highest current epoch.", epoch as f64),
        nodes,
        by_severity,
    ]
}

fn of_nodes(topology: &Topology) -> Vec<Family> {
    let mut about = Family::gauge("rcl_node_info", "What the node is; always 1.");
    let mut up = Family::gauge("rcl_node_up", "Whether the node answers.");
    let mut failed =
        Family::gauge("rcl_node_failed", "Whether the others say that it failed: 1 suspected, 2 agreed.");
    let mut slots = Family::gauge("rcl_node_slots", "Slots that the node owns.");
    let mut keys = Family::gauge("rcl_node_keys", "Keys of the node.");
    let mut offset = Family::gauge("rcl_node_replication_offset_bytes", "The node's replication offset.");
    let mut link =
        Family::gauge("rcl_node_replication_link_up", "Of a replica: whether it is linked to its master.");
    let mut lag =
        Family::gauge("rcl_node_replication_lag_bytes", "Of a replica: how far it is behind its master.");
    for node in topology.nodes.values() {
        use rcl_proto::nodes_text::NodeFlags;
        let master = node.master().and_then(|id| topology.node(id));
        let facts = node.facts.as_ref();
        let mut labels = name(node);
        labels.push(("role", if node.is_master() { "master" } else { "replica" }.into()));
        labels.push(("master", master.map(|master| master.address.to_string()).unwrap_or_default()));
        labels.push(("version", facts.map(|facts| facts.version.clone()).unwrap_or_default()));
        about.add(labels, 1.0);
        up.add(name(node), truth(node.answers()));
        let verdict = if node.flags.contains(NodeFlags::FAIL) {
            2.0
        } else {
            truth(node.flags.contains(NodeFlags::PFAIL))
        };
        failed.add(name(node), verdict);
        slots.add(name(node), node.slots.len() as f64);
        let Some(facts) = facts else { continue };
        keys.add(name(node), facts.keys as f64);
        offset.add(name(node), facts.replication_offset as f64);
        if node.is_master() {
            continue;
        }
        link.add(name(node), truth(facts.link_up));
        if let Some(of_master) = master.and_then(|master| master.facts.as_ref()) {
            lag.add(name(node), of_master.replication_offset.saturating_sub(facts.replication_offset) as f64);
        }
    }
    vec![about, up, failed, slots, keys, offset, link, lag]
}

fn name(node: &Node) -> Vec<(&'static str, String)> {
    vec![("node", node.address.to_string()), ("id", node.id.to_string())]
}

fn truth(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}
