//! Do the nodes see the same, and each other?

use std::collections::BTreeMap;

use rcl_proto::NodeId;

use super::coverage::second_owners;
use super::{Code, Finding, Severity, names, slots_text};
use crate::topology::{Disagreement, Role, Topology};

pub fn look(topology: &Topology, entry: &str, found: &mut Vec<Finding>) {
    disagreements(topology, found);
    states(topology, found);
    epochs(topology, entry, found);
    links(topology, found);
    handshakes(topology, found);
}

/// Who owns a slot and who belongs to the cluster is the masters' business: replicas hear of a change a little
/// later, and so does everybody of a node's new role, which alone is no error. What several see alike is said once.
fn disagreements(topology: &Topology, found: &mut Vec<Finding>) {
    let name = |id: &Option<NodeId>| id.map_or_else(|| "nobody".to_owned(), |id| topology.name(id));
    let claims = second_owners(topology);
    let mut said: BTreeMap<(Severity, Code, String), Vec<NodeId>> = BTreeMap::new();
    for disagreement in &topology.disagreements {
        let viewer = disagreement.viewer();
        let master = topology.node(viewer).is_some_and(|node| node.is_master());
        let severity = if master { Severity::Error } else { Severity::Warning };
        let (severity, code, what) = match disagreement {
            // Told as a slot with two owners.
            Disagreement::Owner { says: Some(says), owner: Some(owner), .. }
                if viewer == *says && claims.contains_key(&(*says, *owner)) =>
            {
                continue;
            }
            Disagreement::Owner { says, owner, slots, .. } => {
                let what = format!("{} with {}, not {}", slots_text(slots), name(says), name(owner));
                (severity, Code::ViewsDifferOwner, what)
            }
            // A dead node that is not known everywhere is told as such.
            Disagreement::Unknown { node, .. }
                if topology.node(*node).is_some_and(|node| !node.answers()) =>
            {
                continue;
            }
            Disagreement::Unknown { node, .. } => {
                (severity, Code::ViewsDifferUnknown, format!("no node {}", topology.name(*node)))
            }
            Disagreement::Role { node, says, .. } => {
                let says = match says {
                    Role::Master => "a master".to_owned(),
                    Role::ReplicaOf(master) => format!("a replica of {}", topology.name(*master)),
                };
                (Severity::Warning, Code::ViewsDifferRole, format!("{} as {says}", topology.name(*node)))
            }
        };
        said.entry((severity, code, what)).or_default().push(viewer);
    }
    for ((severity, code, what), viewers) in said {
        let verb = if viewers.len() == 1 { "sees" } else { "see" };
        let mend =
            "wait for gossip to spread it, then check again; if it stays, look at the links (bus ports)";
        found.push(Finding::new(
            severity,
            code,
            format!("{} {verb} {what}", names(topology, &viewers)),
            mend,
        ));
    }
}

fn states(topology: &Topology, found: &mut Vec<Finding>) {
    let down: Vec<NodeId> = topology
        .nodes
        .values()
        .filter(|node| node.facts.as_ref().is_some_and(|facts| !facts.state_ok))
        .map(|node| node.id)
        .collect();
    if !down.is_empty() {
        let what = format!("cluster_state is not ok on {}", names(topology, &down));
        let mend =
            "mend the errors above; a node says ok once all slots are covered and most masters reached";
        found.push(Finding::new(Severity::Error, Code::StateDown, what, mend));
    }
}

/// Masters that share their epoch, by epoch.
pub fn shared_epochs(topology: &Topology) -> BTreeMap<u64, Vec<NodeId>> {
    let mut by_epoch: BTreeMap<u64, Vec<NodeId>> = BTreeMap::new();
    for node in topology.masters() {
        if node.config_epoch > 0 {
            by_epoch.entry(node.config_epoch).or_default().push(node.id);
        }
    }
    by_epoch.retain(|_, nodes| nodes.len() > 1);
    by_epoch
}

fn epochs(topology: &Topology, entry: &str, found: &mut Vec<Finding>) {
    for (epoch, nodes) in shared_epochs(topology) {
        let what = format!("{} share the configuration epoch {epoch}", names(topology, &nodes));
        let mend = format!("the nodes settle it by themselves within seconds; if it stays: rcl fix {entry}");
        found.push(Finding::new(Severity::Warning, Code::EpochCollision, what, mend));
    }
}

/// A link belongs to the one who opened it: where just one way is down, an address is announced wrongly; where both are, the
/// two do not reach each other.
fn links(topology: &Topology, found: &mut Vec<Finding>) {
    let answers = |id: NodeId| topology.node(id).is_some_and(|node| node.answers());
    let mut by_node: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
    for sight in topology.sights.iter().filter(|sight| !sight.link_up && answers(sight.node)) {
        by_node.entry(sight.node).or_default().push(sight.viewer);
    }
    for bus in topology.by_address() {
        let (node, Some(viewers)) = (&bus.id, by_node.get(&bus.id)) else { continue };
        let all = topology.nodes.values().filter(|other| other.answers() && other.id != *node).count();
        let back = by_node.iter().filter(|(other, by)| viewers.contains(other) && by.contains(node)).count();
        let who = if viewers.len() == all && all > 1 {
            "no other node reaches".to_owned()
        } else {
            let verb = if viewers.len() == 1 { "does" } else { "do" };
            format!("{} {verb} not reach", names(topology, viewers))
        };
        let ways = if back == viewers.len() { ", nor it them" } else { "" };
        let what = format!("{who} the bus of {}{ways}", bus.name());
        let mend = format!(
            "let them through to {}:{} (firewall, security group), or set cluster-announce-ip and \
             cluster-announce-bus-port of it to what they reach",
            bus.address.host, bus.bus_port
        );
        let mut finding = Finding::new(Severity::Warning, Code::LinkDown, what, mend);
        for viewer in viewers {
            finding = finding.said(topology.name(*viewer), "disconnected");
        }
        found.push(finding.by_address(topology));
    }
}

/// A node that is known by now was just introduced once more.
fn handshakes(topology: &Topology, found: &mut Vec<Finding>) {
    let known = |address| topology.nodes.values().any(|node| node.is_at(address));
    let mut by_address: BTreeMap<_, Vec<NodeId>> = BTreeMap::new();
    for (viewer, address) in topology.handshakes.iter().filter(|(_, address)| !known(address)) {
        by_address.entry(address.clone()).or_default().push(*viewer);
    }
    for (address, viewers) in by_address {
        let what = format!("{address} was introduced to {} and is not known yet", names(topology, &viewers));
        let mend = "it goes by itself after cluster-node-timeout; if it comes again, does its bus port answer from there?";
        found.push(Finding::new(Severity::Warning, Code::StuckHandshake, what, mend));
    }
}
