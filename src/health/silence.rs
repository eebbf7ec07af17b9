//! Who does not answer, and who could stand in.

use rcl_proto::nodes_text::NodeFlags;

use super::{Code, Finding, Severity};
use crate::output::number_of;
use crate::topology::{Node, Topology};

pub fn look(topology: &Topology, entry: &str, found: &mut Vec<Finding>) {
    for node in topology.by_address() {
        let Some(why) = &node.silence else { continue };
        let finding = if node.slots.is_empty() {
            if knows_not(topology, node).next().is_some() {
                ghost(topology, node, entry)
            } else {
                let mend = format!("start it again, or rcl scale-down {} --entry {entry}", node.id);
                Finding::new(
                    Severity::Error,
                    Code::NodeSilent,
                    format!("{} does not answer: {why}", node.name()),
                    mend,
                )
            }
        } else {
            without_its_master(topology, node, why, entry)
        };
        found.push(with_voices(topology, node, finding));
    }
}

/// Those who answer and do not know the node.
pub fn knows_not<'a>(topology: &'a Topology, node: &'a Node) -> impl Iterator<Item = &'a Node> {
    topology.nodes.values().filter(|other| {
        other.answers()
            && !topology.sights.iter().any(|sight| sight.viewer == other.id && sight.node == node.id)
    })
}

/// A dead node without slots that some have forgotten already: the others would tell of it for ever.
pub fn ghosts(topology: &Topology) -> impl Iterator<Item = &Node> {
    let dead = |node: &&Node| !node.answers() && node.slots.is_empty();
    topology.nodes.values().filter(dead).filter(|node| knows_not(topology, node).next().is_some())
}

fn ghost(topology: &Topology, node: &Node, entry: &str) -> Finding {
    let without = knows_not(topology, node).count();
    let what =
        format!("{} is dead and forgotten by {}, but not by all", node.name(), number_of(without, "node"));
    Finding::new(Severity::Warning, Code::GhostNode, what, format!("rcl fix {entry} forgets it everywhere"))
}

fn without_its_master(topology: &Topology, node: &Node, why: &str, entry: &str) -> Finding {
    let what =
        format!("{} owns {} and does not answer: {why}", node.name(), number_of(node.slots.len(), "slot"));
    match topology.replicas_of(node.id).iter().find(|replica| replica.answers()) {
        Some(replica) => {
            let mend = format!("start it again, or rcl failover {} --takeover", replica.address);
            Finding::new(Severity::Error, Code::MasterSilent, what, mend)
        }
        None => {
            let mend = format!(
                "start it again, or one of its replicas; where it is gone for good: rcl fix {entry} --choose lost-shard=give-up"
            );
            let what = format!("{what}; no replica of its answers");
            Finding::new(Severity::Error, Code::LostShard, what, mend)
        }
    }
}

fn with_voices(topology: &Topology, node: &Node, mut finding: Finding) -> Finding {
    for sight in topology.sights.iter().filter(|sight| sight.node == node.id) {
        let says = if sight.flags.contains(NodeFlags::FAIL) {
            "failed"
        } else if sight.flags.contains(NodeFlags::PFAIL) {
            "does not answer me"
        } else if sight.flags.contains(NodeFlags::NOADDR) {
            "I have no address of it"
        } else if sight.link_up {
            "I have a link to it"
        } else {
            "I have no link to it"
        };
        finding = finding.said(topology.name(sight.viewer), says);
    }
    finding.by_address(topology)
}
