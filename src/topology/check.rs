//! What is wrong with a cluster, how bad it is, and what mends it.

use std::collections::BTreeMap;

use rcl_proto::SlotSet;
use rcl_proto::nodes_text::NodeFlags;
use serde::Serialize;

use super::{Disagreement, Role, Topology};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Data is out of reach, or soon may be.
    Error,
    /// It works, with less safety than it should have.
    Warning,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub severity: Severity,
    /// A word for scripts.
    pub code: &'static str,
    pub what: String,
    /// The command or the deed that mends it.
    pub mend: String,
}

/// The worst first. `entry` is put into the commands that mend.
pub fn findings(topology: &Topology, entry: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    coverage(topology, entry, &mut found);
    silence(topology, entry, &mut found);
    open_slots(topology, entry, &mut found);
    disagreements(topology, &mut found);
    states(topology, &mut found);
    epochs(topology, &mut found);
    replicas(topology, entry, &mut found);
    found.sort_by_key(|finding| finding.severity);
    found
}

fn push(found: &mut Vec<Finding>, severity: Severity, code: &'static str, what: String, mend: String) {
    found.push(Finding { severity, code, what, mend });
}

fn coverage(topology: &Topology, entry: &str, found: &mut Vec<Finding>) {
    let uncovered = topology.uncovered();
    if !uncovered.is_empty() {
        let what = format!("{} slots have no owner: {}", uncovered.len(), shortened(&uncovered));
        push(found, Severity::Error, "uncovered-slots", what, format!("rcl fix {entry}"));
    }
}

fn silence(topology: &Topology, entry: &str, found: &mut Vec<Finding>) {
    for node in topology.nodes.values() {
        let Some(why) = &node.silence else { continue };
        let failed =
            if node.flags.contains(NodeFlags::FAIL) { ", failed by the word of the others" } else { "" };
        if !node.slots.is_empty() {
            let what =
                format!("{} owns {} slots and does not answer{failed}: {why}", node.name(), node.slots.len());
            let mend = match topology.replicas_of(node.id).iter().find(|replica| replica.answers()) {
                Some(replica) => format!("start it again, or rcl failover {} --takeover", replica.address),
                None => "start it again: it has no replica that could take over".to_owned(),
            };
            push(found, Severity::Error, "master-silent", what, mend);
        } else {
            let what = format!("{} does not answer{failed}: {why}", node.name());
            let mend = format!("start it again, or rcl scale-down {} --entry {entry}", node.id);
            push(found, Severity::Error, "node-silent", what, mend);
        }
    }
}

fn open_slots(topology: &Topology, entry: &str, found: &mut Vec<Finding>) {
    let mut moves: BTreeMap<_, SlotSet> = BTreeMap::new();
    for open in topology.open_slots() {
        if let Some(pair) = open.half_done_move() {
            moves.entry(pair).or_default().insert(open.slot);
            continue;
        }
        let mut said: Vec<String> = Vec::new();
        said.extend(
            open.migrating
                .iter()
                .map(|(node, to)| format!("migrating on {} to {}", topology.name(*node), topology.name(*to))),
        );
        said.extend(open.importing.iter().map(|(node, from)| {
            format!("importing on {} from {}", topology.name(*node), topology.name(*from))
        }));
        let what = format!("slot {} is open: {}", open.slot, said.join(", "));
        push(found, Severity::Error, "open-slot", what, format!("rcl fix {entry}"));
    }
    for ((source, target), slots) in moves {
        let what = format!(
            "the move of {} slots from {} to {} is not finished: {}",
            slots.len(),
            topology.name(source),
            topology.name(target),
            shortened(&slots)
        );
        push(found, Severity::Error, "unfinished-move", what, format!("rcl fix {entry}"));
    }
}

/// Who owns a slot and who belongs to the cluster is the masters' business: replicas hear of a change a little
/// later, and so does everybody of a node's new role, which alone is no error. What several see alike is said once.
fn disagreements(topology: &Topology, found: &mut Vec<Finding>) {
    let name = |id: &Option<_>| id.map_or_else(|| "nobody".to_owned(), |id| topology.name(id));
    let mut said: BTreeMap<(Severity, &'static str, String), Vec<String>> = BTreeMap::new();
    for disagreement in &topology.disagreements {
        let viewer = disagreement.viewer();
        let master = topology.node(viewer).is_some_and(|node| node.is_master());
        let severity = if master { Severity::Error } else { Severity::Warning };
        let (severity, code, what) = match disagreement {
            Disagreement::Owner { says, owner, slots, .. } => {
                let what = format!("slots {} with {}, not {}", shortened(slots), name(says), name(owner));
                (severity, "views-differ-owner", what)
            }
            Disagreement::Unknown { node, .. } => {
                (severity, "views-differ-unknown", format!("no node {}", topology.name(*node)))
            }
            Disagreement::Role { node, says, .. } => {
                let says = match says {
                    Role::Master => "a master".to_owned(),
                    Role::ReplicaOf(master) => format!("a replica of {}", topology.name(*master)),
                };
                (Severity::Warning, "views-differ-role", format!("{} as {says}", topology.name(*node)))
            }
        };
        said.entry((severity, code, what)).or_default().push(topology.name(viewer));
    }
    for ((severity, code, what), viewers) in said {
        let viewers = match viewers.as_slice() {
            [one] => format!("{one} sees"),
            [one, rest @ ..] => format!("{one} and {} other nodes see", rest.len()),
            [] => continue,
        };
        let mend =
            "wait for gossip to spread it, then check again; if it stays, look at the links (bus ports)";
        push(found, severity, code, format!("{viewers} {what}"), mend.to_owned());
    }
}

fn states(topology: &Topology, found: &mut Vec<Finding>) {
    let down: Vec<String> = topology
        .nodes
        .values()
        .filter(|node| node.facts.as_ref().is_some_and(|facts| !facts.state_ok))
        .map(|node| node.name())
        .collect();
    if !down.is_empty() {
        let what = format!("cluster_state is not ok on {}", down.join(", "));
        let mend =
            "mend the errors above; a node says ok once all slots are covered and most masters reached";
        push(found, Severity::Error, "state-down", what, mend.to_owned());
    }
}

fn epochs(topology: &Topology, found: &mut Vec<Finding>) {
    let mut by_epoch: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for node in topology.masters() {
        if node.config_epoch > 0 {
            by_epoch.entry(node.config_epoch).or_default().push(node.name());
        }
    }
    for (epoch, names) in by_epoch.into_iter().filter(|(_, names)| names.len() > 1) {
        let what = format!("{} share the configuration epoch {epoch}", names.join(" and "));
        let mend = "the nodes settle it by themselves within seconds; if it stays, CLUSTER BUMPEPOCH on one";
        push(found, Severity::Warning, "epoch-collision", what, mend.to_owned());
    }
}

fn replicas(topology: &Topology, entry: &str, found: &mut Vec<Finding>) {
    for master in topology.masters() {
        if !master.slots.is_empty()
            && !topology.replicas_of(master.id).iter().any(|replica| replica.answers())
        {
            let what = format!("{} has no replica that answers", master.name());
            let mend = format!("rcl add-replica NEW_HOST:PORT {entry} --master {:.8}", master.id);
            push(found, Severity::Warning, "no-replica", what, mend);
        }
    }
    for node in topology.nodes.values() {
        let Some(master) = node.master() else { continue };
        if node.facts.as_ref().is_some_and(|facts| !facts.link_up) {
            let what = format!("{} is not in sync with its master {}", node.name(), topology.name(master));
            let mend = "wait for its full sync; if it stays, look at its log and at masterauth";
            push(found, Severity::Warning, "replica-link-down", what, mend.to_owned());
        }
        if !topology.node(master).is_some_and(|node| node.is_master()) {
            let what = format!("{} replicates {}, which is no master", node.name(), topology.name(master));
            let mend = format!("CLUSTER REPLICATE with a master's id, sent to {}", node.address);
            push(found, Severity::Warning, "chained-replica", what, mend);
        }
    }
}

/// The first ranges only, when there are many.
fn shortened(slots: &SlotSet) -> String {
    let ranges = slots.ranges();
    let mut text: Vec<String> = ranges.iter().take(8).map(|range| range.to_string()).collect();
    if ranges.len() > 8 {
        text.push(format!("… and {} ranges more", ranges.len() - 8));
    }
    text.join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::merge::tests::{id, view};
    use super::*;
    use crate::topology::merge;

    fn codes(lines: &[&str], viewers: &[u8]) -> Vec<&'static str> {
        let views: Vec<_> = viewers.iter().map(|viewer| view(*viewer, lines)).collect();
        let silent = BTreeMap::from([(id(2), "gone".to_owned())]);
        findings(&merge(&views, &silent), "h:1").iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn a_healthy_cluster_has_no_findings() {
        let lines = ["1 7001 master - 1 0-16383", "3 7003 slave 1 1"];
        assert_eq!(codes(&lines, &[1, 3]), Vec::<&str>::new());
    }

    #[test]
    fn each_ailment_has_its_word() {
        let uncovered = ["1 7001 master - 1 0-16382", "3 7003 slave 1 1"];
        assert_eq!(codes(&uncovered, &[1, 3]), ["uncovered-slots"]);
        let alone = ["1 7001 master - 1 0-16383"];
        assert_eq!(codes(&alone, &[1]), ["no-replica"]);
        let silent = ["1 7001 master - 1 0-8191", "2 7002 master,fail - 2 8192-16383", "3 7003 slave 1 1"];
        assert_eq!(codes(&silent, &[1, 3]), ["master-silent", "no-replica"]);
        let twins = ["1 7001 master - 1 0-8191", "3 7003 master - 1 8192-16383"];
        assert!(codes(&twins, &[1, 3]).contains(&"epoch-collision"));
        let open = ["1 7001 master - 1 0-16383 [7->-#3]", "3 7003 master - 2"];
        assert!(codes(&open, &[1, 3]).contains(&"unfinished-move"));
        let odd = ["1 7001 master - 1 0-16383 [7-<-#3]", "3 7003 master - 2"];
        assert!(codes(&odd, &[1, 3]).contains(&"open-slot"));
    }
}
