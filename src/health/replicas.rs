//! Has each master a replica that follows it, somewhere else?

use std::collections::BTreeSet;

use super::{Code, Finding, Severity};
use crate::output::bytes;
use crate::topology::{Node, Topology};

pub fn look(topology: &Topology, entry: &str, found: &mut Vec<Finding>) {
    for master in topology.masters() {
        if !master.slots.is_empty()
            && !topology.replicas_of(master.id).iter().any(|replica| replica.answers())
        {
            let what = format!("{} has no replica that answers", master.name());
            let mend = format!("rcl add-replica NEW_HOST:PORT {entry} --master {:.8}", master.id);
            found.push(Finding::new(Severity::Warning, Code::NoReplica, what, mend));
        }
    }
    for node in topology.by_address() {
        follows(topology, node, found);
    }
    apart(topology, entry, found);
}

fn follows(topology: &Topology, node: &Node, found: &mut Vec<Finding>) {
    let Some(master) = node.master() else { return };
    if !topology.node(master).is_some_and(Node::is_master) {
        let what = format!("{} replicates {}, which is no master", node.name(), topology.name(master));
        let mend = format!("CLUSTER REPLICATE with a master's id, sent to {}", node.address);
        found.push(Finding::new(Severity::Warning, Code::ChainedReplica, what, mend));
    }
    let Some(facts) = &node.facts else { return };
    if !facts.link_up {
        let what = format!("{} is not in sync with its master {}", node.name(), topology.name(master));
        let mend = "wait for its full sync; if it stays, look at its log and at masterauth";
        let finding = Finding::new(Severity::Warning, Code::ReplicaLinkDown, what, mend);
        found.push(finding.said(node.name(), "master_link_status:down"));
        return;
    }
    let Some(of_master) = topology.node(master).and_then(|node| node.facts.as_ref()) else { return };
    let behind = of_master.replication_offset.saturating_sub(facts.replication_offset);
    if of_master.backlog_bytes > 0 && behind > of_master.backlog_bytes {
        let what = format!(
            "{} is {} behind its master {}, whose backlog holds {}",
            node.name(),
            bytes(behind),
            topology.name(master),
            bytes(of_master.backlog_bytes)
        );
        let mend = "find what holds it up (its CPU, disk, network); a larger repl-backlog-size spares it a full sync";
        found.push(
            Finding::new(Severity::Warning, Code::ReplicaLag, what, mend)
                .said(topology.name(master), format!("offset {}", of_master.replication_offset))
                .said(node.name(), format!("offset {}", facts.replication_offset)),
        );
    }
}

/// Where there is but one host, or one zone, nothing would be better.
fn apart(topology: &Topology, entry: &str, found: &mut Vec<Finding>) {
    let zone = |node: &Node| node.facts.as_ref().and_then(|facts| facts.zone.clone()).unwrap_or_default();
    let hosts: BTreeSet<&str> = topology.nodes.values().map(|node| node.address.host.as_str()).collect();
    let zones: BTreeSet<String> = topology.nodes.values().map(zone).filter(|zone| !zone.is_empty()).collect();
    for master in topology.masters() {
        let replicas = topology.replicas_of(master.id);
        // One that is apart is enough: with it the shard outlives the host.
        if hosts.len() > 1
            && !replicas.is_empty()
            && replicas.iter().all(|node| node.address.host == master.address.host)
        {
            let what = format!("{} and all its replicas are on {}", master.name(), master.address.host);
            let mend = format!(
                "rcl replace-node {} by a node on another host (--entry {entry})",
                replicas[0].address
            );
            found.push(Finding::new(Severity::Warning, Code::ReplicaBesideMaster, what, mend));
        } else if zones.len() > 1
            && !replicas.is_empty()
            && !zone(master).is_empty()
            && replicas.iter().all(|node| zone(node) == zone(master))
        {
            let what = format!("{} and all its replicas are in zone {}", master.name(), zone(master));
            let mend = format!(
                "rcl replace-node {} by a node in another zone (--entry {entry})",
                replicas[0].address
            );
            found.push(Finding::new(Severity::Warning, Code::ReplicaInMasterZone, what, mend));
        }
    }
}
