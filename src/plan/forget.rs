//! Nodes that are gone are taken out of everybody's view.
//!
//! A node tells the others of all that it knows, so a node that one still knows comes back to all. Hence: all are told at once
//! (Redis shuns for a minute whom it was told to forget), and who cannot be told is named. One that lives is not forgotten: it
//! would go on as a member in its own eyes.

use rcl_proto::NodeId;
use rcl_proto::nodes_text::NodeFlags;

use super::{NodeRef, Plan, PlanError, Step};
use crate::topology::{Node, Topology};

/// Nodes that nobody can need any more: dead by the word of the others, without slots and without replicas that live.
pub fn dead(topology: &Topology) -> Vec<NodeId> {
    let needs_nobody = |node: &&Node| refuse_what_is_needed(topology, node, false).is_ok();
    topology.nodes.values().filter(needs_nobody).map(|node| node.id).collect()
}

/// `with_slots`: also a dead node that owns slots.
pub fn plan(topology: &Topology, nodes: &[NodeId], with_slots: bool) -> Result<Plan, PlanError> {
    let (mut steps, mut warnings) = (Vec::new(), Vec::new());
    for &id in nodes {
        let unknown =
            || PlanError::new(format!("no node {id:.8} in the cluster"), "rcl nodes shows the nodes");
        let node = topology.node(id).ok_or_else(unknown)?;
        refuse_what_is_needed(topology, node, with_slots)?;
        if !node.slots.is_empty() {
            warnings.push(format!(
                "the keys in {} slots of {} are lost; rcl fix gives the slots to others",
                node.slots.len(),
                node.name()
            ));
        }
        steps.push(Step::Forget { node: NodeRef::of(node) });
    }
    let silent = topology.nodes.values().filter(|node| !node.answers() && !nodes.contains(&node.id));
    for silent in silent {
        warnings.push(format!(
            "{} cannot be told: if it comes back, it brings what it knows with it; then run this again",
            silent.name()
        ));
    }
    let names: Vec<String> = steps.iter().flat_map(Step::nodes).map(NodeRef::name).collect();
    let mut plan = Plan::new(format!("forget {}", names.join(", ")), steps, topology);
    plan.warnings = warnings;
    Ok(plan)
}

fn refuse_what_is_needed(topology: &Topology, node: &Node, with_slots: bool) -> Result<(), PlanError> {
    if node.answers() {
        return Err(PlanError::new(
            format!("{} answers: forgotten, it would still take itself for a member", node.name()),
            format!("rcl scale-down {} takes it out with nothing lost", node.address),
        ));
    }
    if let Some(replica) = topology.replicas_of(node.id).into_iter().find(|replica| replica.answers()) {
        let next = if node.slots.is_empty() {
            format!("rcl scale-down {} gives its replicas to others first", node.id)
        } else {
            format!("let it take over first: rcl failover {} --force", replica.address)
        };
        return Err(PlanError::new(format!("{} replicates {}", replica.name(), node.name()), next));
    }
    let is_gone = [NodeFlags::FAIL, NodeFlags::PFAIL, NodeFlags::NOADDR]
        .into_iter()
        .any(|flag| node.flags.contains(flag));
    if !is_gone {
        return Err(PlanError::new(
            format!("{} does not answer here, but the other nodes do not call it failed", node.name()),
            "is there a firewall between? When it is dead, they say so after the node timeout; then ask again",
        ));
    }
    if !node.slots.is_empty() && !with_slots {
        return Err(PlanError::new(
            format!("{} owns {} slots: forgotten, their keys are lost", node.name(), node.slots.len()),
            "start it again; or give the keys up with --with-slots, then rcl fix gives the slots to others",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::rebalance::tests::{id, topology};
    use crate::topology::Role;

    fn kill(cluster: &mut Topology, number: u8) {
        let node = cluster.nodes.get_mut(&id(number)).unwrap();
        (node.facts, node.silence) = (None, Some("gone".into()));
        node.flags = node.flags.with(NodeFlags::FAIL);
    }

    #[test]
    fn who_lives_serves_or_is_followed_is_not_forgotten() {
        let mut cluster = topology(&[8192, 8192, 0, 0]);
        let why =
            |cluster: &Topology, number, with_slots| plan(cluster, &[id(number)], with_slots).unwrap_err();
        assert!(why(&cluster, 4, true).next.contains("scale-down"));
        kill(&mut cluster, 1);
        kill(&mut cluster, 4);
        assert!(why(&cluster, 1, false).next.contains("--with-slots"));
        let lost = plan(&cluster, &[id(1)], true).unwrap();
        assert!(lost.warnings[0].contains("8192 slots"), "{:?}", lost.warnings);
        assert!(lost.warnings[1].contains("7004") && lost.warnings[1].contains("cannot be told"));
        assert_eq!(dead(&cluster), [id(4)], "one with slots is not taken without its name");
        let out = plan(&cluster, &[id(4)], false).unwrap();
        assert!(matches!(&out.steps[..], [Step::Forget { node }] if node.id == id(4)));
        cluster.nodes.get_mut(&id(3)).unwrap().role = Role::ReplicaOf(id(1));
        assert!(why(&cluster, 1, true).next.contains("rcl failover 127.0.0.1:7003 --force"));
        cluster.nodes.get_mut(&id(3)).unwrap().role = Role::ReplicaOf(id(4));
        assert!(why(&cluster, 4, true).next.contains("scale-down"));
        assert_eq!(dead(&cluster), []);
    }

    #[test]
    fn who_is_only_out_of_our_reach_stays_and_who_has_another_s_address_goes() {
        let mut cluster = topology(&[8192, 8192, 0]);
        cluster.nodes.get_mut(&id(3)).unwrap().facts = None;
        assert!(plan(&cluster, &[id(3)], false).unwrap_err().next.contains("firewall"));
        assert_eq!(dead(&cluster), []);
        // At its address another node answered the others.
        let node = cluster.nodes.get_mut(&id(3)).unwrap();
        node.flags = node.flags.with(NodeFlags::NOADDR);
        assert_eq!(dead(&cluster), [id(3)]);
    }
}
