//! One node in another's place: it copies the data, takes over what the old one was, and the old one goes.
//!
//! ```text
//!   a master    new joins as its replica → copies → is promoted → the old one, a replica now, leaves
//!   a replica   new joins as a replica of the same master → copies → the old one leaves
//! ```
//!
//! At no time is a key in one place only, and writes stop just for the promotion. A plan begins where an earlier run ended: what is
//! done already is not in it.

use rcl_proto::NodeId;

use super::{FailoverMode, NodeRef, Plan, PlanError, Step, scale_down};
use crate::topology::{Node, OpenSlot, Topology};

/// `meeting` is how the new node joins; `None` when it belongs to the cluster already.
pub fn plan(
    topology: &Topology,
    old: NodeId,
    new: &NodeRef,
    meeting: Option<Step>,
) -> Result<Plan, PlanError> {
    let unknown = || PlanError::new(format!("no node {old:.8} in the cluster"), "rcl nodes shows the nodes");
    let old = topology.node(old).ok_or_else(unknown)?;
    if old.id == new.id {
        return Err(PlanError::new(format!("{} cannot replace itself", old.name()), "name another node"));
    }
    refuse_what_cannot_work(topology, old)?;
    let mut steps = Vec::new();
    let newcomer = topology.node(new.id).filter(|_| meeting.is_none());
    let took_over = newcomer.is_some_and(|newcomer| old.master() == Some(newcomer.id));
    if !took_over {
        let master = NodeRef::of(old.master().and_then(|master| topology.node(master)).unwrap_or(old));
        fits(topology, &master, new)?;
        match newcomer {
            None => {
                steps.extend(meeting);
                steps.push(Step::Replicate { replica: new.clone(), master: master.clone() });
            }
            Some(newcomer) if newcomer.master() == Some(master.id) => {}
            Some(newcomer) => {
                return Err(PlanError::new(
                    format!(
                        "{} is in the cluster already, and no replica of {}",
                        newcomer.name(),
                        master.name()
                    ),
                    "take an empty node, or take that one out first (rcl scale-down)",
                ));
            }
        }
        steps.push(Step::AwaitInSync { replica: new.clone(), master: master.clone() });
        let state_ok =
            topology.nodes.values().filter_map(|node| node.facts.as_ref()).all(|facts| facts.state_ok);
        let agree = || Step::AwaitAgreement { except: Vec::new(), state_ok };
        steps.push(agree());
        if master.id == old.id {
            let mode = FailoverMode::Graceful;
            steps.push(Step::Failover { replica: new.clone(), master: Some(master), mode });
            steps.push(agree());
        }
    }
    let (leaving, warning) = scale_down::leave(topology, old);
    steps.extend(leaving);
    let mut plan = Plan::new(format!("replace {} by {}", old.name(), new.name()), steps, topology);
    plan.warnings.extend(warning);
    Ok(plan)
}

fn refuse_what_cannot_work(topology: &Topology, old: &Node) -> Result<(), PlanError> {
    let is_with_old = |open: &OpenSlot| {
        let mut marks = open.migrating.iter().chain(&open.importing);
        marks.any(|(node, partner)| *node == old.id || *partner == old.id)
    };
    if topology.open_slots().iter().any(is_with_old) {
        return Err(PlanError::new(
            format!("slots are on their way from or to {}", old.name()),
            "rcl fix finishes that; then replace it",
        ));
    }
    if old.is_master() && old.slots.is_empty() {
        return Err(PlanError::new(
            format!("{} is a master without slots: there is nothing to take over", old.name()),
            "rcl add-node adds the new one, rcl scale-down takes the old one out",
        ));
    }
    if old.is_master() && !old.answers() {
        return Err(PlanError::new(
            format!("{} owns slots and does not answer: its data cannot be copied from it", old.name()),
            "let a replica take over first (rcl failover REPLICA --force), then replace the dead node",
        ));
    }
    let master = old.master().and_then(|master| topology.node(master));
    if !old.is_master() && !master.is_some_and(Node::answers) {
        return Err(PlanError::new(
            format!("the master of {} does not answer: nothing can be copied from it", old.name()),
            "start it again, or let a replica take over first (rcl failover)",
        ));
    }
    Ok(())
}

/// Refuses when the new node has a limit and no room for the data.
fn fits(topology: &Topology, master: &NodeRef, new: &NodeRef) -> Result<(), PlanError> {
    let facts = |node: &NodeRef| topology.node(node.id).and_then(|node| node.facts.as_ref());
    let (Some(data), Some(limits)) = (facts(master), facts(new)) else { return Ok(()) };
    if data.keys == 0 || limits.max_memory_bytes == 0 || limits.max_memory_bytes >= data.used_memory_bytes {
        return Ok(());
    }
    Err(PlanError::new(
        format!(
            "{} has a maxmemory of {} bytes, and the data of {} take {}",
            new.name(),
            limits.max_memory_bytes,
            master.name(),
            data.used_memory_bytes
        ),
        "raise its maxmemory (rcl call NODE --only NODE CONFIG SET maxmemory …)",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::rebalance::tests::{id, topology};
    use crate::topology::Role;

    fn new_node(topology: &Topology) -> NodeRef {
        NodeRef::of(topology.node(id(4)).unwrap())
    }

    fn meeting(new: &NodeRef) -> Option<Step> {
        Some(Step::Meet { nodes: vec![new.clone()], others: Vec::new() })
    }

    fn kinds(plan: &Plan) -> Vec<&'static str> {
        let kind = |step: &Step| match step {
            Step::Meet { .. } => "meet",
            Step::Replicate { .. } => "replicate",
            Step::AwaitInSync { .. } => "sync",
            Step::AwaitAgreement { .. } => "agree",
            Step::Failover { .. } => "promote",
            Step::AwaitQuiet { .. } => "quiet",
            Step::Forget { .. } => "forget",
            Step::Reset { .. } => "reset",
            _ => "another",
        };
        plan.steps.iter().map(kind).collect()
    }

    #[test]
    fn a_master_hands_over_before_it_goes_and_a_plan_begins_where_the_last_one_ended() {
        let mut cluster = topology(&[5462, 5461, 5461, 0]);
        let new = new_node(&cluster);
        let whole = plan(&cluster, id(1), &new, meeting(&new)).unwrap();
        let end = ["quiet", "forget", "reset", "agree"];
        let all = [&["meet", "replicate", "sync", "agree", "promote", "agree"][..], &end].concat();
        assert_eq!(kinds(&whole), all);
        // It joined, and then the run was interrupted.
        cluster.nodes.get_mut(&id(4)).unwrap().role = Role::ReplicaOf(id(1));
        assert_eq!(kinds(&plan(&cluster, id(1), &new, None).unwrap()), all[2..]);
        // It was promoted.
        let (old, slots) = (id(1), cluster.nodes[&id(1)].slots.clone());
        let node = cluster.nodes.get_mut(&old).unwrap();
        (node.role, node.slots) = (Role::ReplicaOf(id(4)), Default::default());
        let node = cluster.nodes.get_mut(&id(4)).unwrap();
        (node.role, node.slots) = (Role::Master, slots);
        assert_eq!(kinds(&plan(&cluster, old, &new, None).unwrap()), end);
    }

    #[test]
    fn a_replica_is_replaced_beside_its_master() {
        let mut cluster = topology(&[8192, 8192, 0, 0]);
        cluster.nodes.get_mut(&id(3)).unwrap().role = Role::ReplicaOf(id(2));
        let new = new_node(&cluster);
        let replaced = plan(&cluster, id(3), &new, meeting(&new)).unwrap();
        assert_eq!(
            kinds(&replaced),
            ["meet", "replicate", "sync", "agree", "quiet", "forget", "reset", "agree"]
        );
        let Step::Replicate { master, .. } = &replaced.steps[1] else { panic!("{:?}", replaced.steps) };
        assert_eq!(master.id, id(2));
        // A dead one is just forgotten.
        cluster.nodes.get_mut(&id(3)).unwrap().facts = None;
        let replaced = plan(&cluster, id(3), &new, meeting(&new)).unwrap();
        assert_eq!(kinds(&replaced), ["meet", "replicate", "sync", "agree", "forget"]);
        assert!(replaced.warnings[0].contains("do not start it again"), "{:?}", replaced.warnings);
    }

    #[test]
    fn what_cannot_work_is_refused_with_a_way_out() {
        let mut cluster = topology(&[5462, 5461, 5461, 0]);
        let new = new_node(&cluster);
        let refusal = |cluster: &Topology, old| plan(cluster, old, &new, None).unwrap_err().what;
        assert!(refusal(&cluster, id(4)).contains("cannot replace itself"));
        assert!(refusal(&cluster, id(1)).contains("in the cluster already"));
        cluster.nodes.get_mut(&id(1)).unwrap().facts = None;
        assert!(refusal(&cluster, id(1)).contains("does not answer"));
        let facts = cluster.nodes.get_mut(&id(2)).unwrap().facts.as_mut().unwrap();
        (facts.keys, facts.used_memory_bytes) = (10, 5000);
        cluster.nodes.get_mut(&id(4)).unwrap().facts.as_mut().unwrap().max_memory_bytes = 4000;
        assert!(refusal(&cluster, id(2)).contains("a maxmemory of 4000 bytes"));
        let slot = rcl_proto::Slot::new(9000).unwrap();
        cluster.nodes.get_mut(&id(3)).unwrap().importing.push((slot, id(2)));
        assert!(refusal(&cluster, id(2)).contains("on their way"));
    }
}
