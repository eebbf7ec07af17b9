//! A node made lone and empty: it loses its slots and its keys only where it was told so by name.

use rcl_proto::NodeId;

use super::{NodeRef, Plan, PlanError, Step};
use crate::output::number_of;
use crate::topology::Topology;

#[derive(Clone, Copy, Debug, Default)]
pub struct Wish {
    /// It keeps its id and its epochs.
    pub soft: bool,
    pub lose_slots: bool,
    pub lose_keys: bool,
}

pub fn plan(topology: &Topology, node: NodeId, wish: Wish) -> Result<Plan, PlanError> {
    let unknown = || PlanError::new(format!("no node {node:.8} in the cluster"), "rcl nodes shows the nodes");
    let node = topology.node(node).ok_or_else(unknown)?;
    let this = || NodeRef::of(node);
    if !node.answers() {
        return Err(PlanError::new(
            format!("{} does not answer, and nobody else can reset it", node.name()),
            format!("start it again; rcl forget {} takes it out of the others' view", node.id),
        ));
    }
    if !node.slots.is_empty() && !wish.lose_slots {
        return Err(PlanError::new(
            format!(
                "{} owns {}, which nobody would serve any more",
                node.name(),
                number_of(node.slots.len(), "slot")
            ),
            format!("rcl scale-down {} moves them off first; --lose-slots gives them up", node.address),
        ));
    }
    let keys = if node.is_master() { node.keys() } else { 0 };
    if keys > 0 && !wish.lose_keys {
        return Err(PlanError::new(
            format!("{} holds {}", node.name(), number_of(keys, "key")),
            "rcl backup keeps a copy; --lose-keys deletes them",
        ));
    }
    if let Some(replica) = topology.replicas_of(node.id).into_iter().find(|replica| replica.answers()) {
        return Err(PlanError::new(
            format!("{} replicates {}", replica.name(), node.name()),
            format!("reset the replica first, or rcl failover {}, which takes its place", replica.address),
        ));
    }
    let others: Vec<_> =
        topology.nodes.values().filter(|other| other.id != node.id && other.answers()).collect();
    let state_ok = node.slots.is_empty()
        && others.iter().filter_map(|other| other.facts.as_ref()).all(|facts| facts.state_ok);
    let mut steps = Vec::new();
    if !others.is_empty() {
        steps.push(Step::Forget { node: this() });
    }
    if keys > 0 {
        steps.push(Step::FlushAll { node: this() });
    }
    steps.push(if wish.soft { Step::SoftReset { node: this() } } else { Step::Reset { node: this() } });
    if !others.is_empty() {
        steps.push(Step::AwaitAgreement { except: vec![this()], state_ok });
    }
    let mut plan = Plan::new(format!("reset {}", node.name()), steps, topology);
    if !node.slots.is_empty() && !others.is_empty() {
        plan.warnings.push(format!(
            "{} will have no owner until rcl fix gives them one",
            number_of(node.slots.len(), "slot")
        ));
    }
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::rebalance::tests::{id, topology};
    use crate::topology::Role;

    #[test]
    fn slots_and_keys_are_lost_only_by_name_and_a_master_of_others_stays() {
        let mut cluster = topology(&[8192, 8192, 0]);
        let refused = |cluster: &Topology, number, wish| plan(cluster, id(number), wish).unwrap_err();
        let without_slots = Wish { lose_slots: true, ..Wish::default() };
        let all = Wish { lose_slots: true, lose_keys: true, ..Wish::default() };
        assert!(refused(&cluster, 1, Wish::default()).next.contains("--lose-slots"));
        assert!(refused(&cluster, 1, without_slots).next.contains("--lose-keys"));
        let steps = plan(&cluster, id(1), all).unwrap();
        assert!(
            matches!(
                steps.steps[..],
                [
                    Step::Forget { .. },
                    Step::FlushAll { .. },
                    Step::Reset { .. },
                    Step::AwaitAgreement { state_ok: false, .. }
                ]
            ),
            "{:?}",
            steps.steps
        );
        assert!(steps.warnings[0].contains("8,192 slots"), "{:?}", steps.warnings);
        // What a replica holds is its master's.
        cluster.nodes.get_mut(&id(3)).unwrap().role = Role::ReplicaOf(id(1));
        assert!(refused(&cluster, 1, all).what.contains("replicates"));
        let soft = plan(&cluster, id(3), Wish { soft: true, ..Wish::default() }).unwrap();
        assert!(matches!(
            soft.steps[..],
            [Step::Forget { .. }, Step::SoftReset { .. }, Step::AwaitAgreement { .. }]
        ));
        cluster.nodes.get_mut(&id(2)).unwrap().facts = None;
        assert!(refused(&cluster, 2, all).next.contains("rcl forget"));
        // A lone one has nobody to forget it.
        let lone = plan(&topology(&[0]), id(1), Wish { lose_keys: true, ..Wish::default() }).unwrap();
        assert!(matches!(lone.steps[..], [Step::FlushAll { .. }, Step::Reset { .. }]), "{:?}", lone.steps);
    }
}
