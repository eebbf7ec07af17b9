//! Emptying a node that stays in the cluster: its slots go to the other masters, its replicas get other masters, and it is left a
//! master without slots, replicas and data, which can be taken down and comes back as such.
//!
//! ```text
//!   a master    slots go → replicas go → (since Redis 7 it follows who took the last slot) → released
//!   a replica   released
//! ```
//!
//! What a node is released from it cannot leave by itself: a replica has no command to be a master but to take its master's place.
//! So it is reset, keeping its name, and meets the others again, who still know it by that.

use rcl_proto::NodeId;

use super::placement::rehome;
use super::{NodeRef, Plan, PlanError, Step, move_steps, scale_down};
use crate::topology::Topology;

pub fn plan(topology: &Topology, node: NodeId) -> Result<Plan, PlanError> {
    let unknown = || PlanError::new(format!("no node {node:.8} in the cluster"), "rcl nodes shows the nodes");
    let node = topology.node(node).ok_or_else(unknown)?;
    if !node.answers() {
        return Err(PlanError::new(
            format!("{} does not answer", node.name()),
            "start it again; or take it out for good (rcl scale-down)",
        ));
    }
    let moves = scale_down::moves(topology, node)?;
    let emptied = scale_down::emptied_with(node, &moves, topology);
    let (rehomed, mut warnings) = rehome(topology, &emptied, &moves)?;
    warnings.extend(scale_down::bereaves(topology, node));
    let state_ok = topology.nodes.values().filter_map(|node| node.facts.as_ref()).all(|facts| facts.state_ok);
    let agree = || Step::AwaitAgreement { except: Vec::new(), state_ok };
    let is_held = !node.slots.is_empty() || !node.is_master();
    let mut steps = move_steps(moves, topology);
    if !rehomed.is_empty() {
        steps.extend(rehomed);
        steps.push(agree());
    }
    if is_held {
        let node = NodeRef::of(node);
        // Until it meets the others again it refuses what clients ask.
        steps.push(Step::AwaitQuiet { node: node.clone() });
        steps.push(Step::Release { node });
        steps.push(agree());
    }
    let mut plan = Plan::new(format!("drain {}", node.name()), steps, topology);
    plan.warnings = warnings;
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::rebalance::tests::{id, topology};
    use crate::topology::Role;

    fn kinds(plan: &Plan) -> Vec<&'static str> {
        let kind = |step: &Step| match step {
            Step::MoveSlots(_) => "move",
            Step::Replicate { .. } => "replicate",
            Step::AwaitAgreement { .. } => "agree",
            Step::AwaitQuiet { .. } => "quiet",
            Step::Release { .. } => "release",
            _ => "another",
        };
        plan.steps.iter().map(kind).collect()
    }

    #[test]
    fn a_master_gives_slots_and_replicas_and_a_replica_its_role() {
        let mut cluster = topology(&[4096, 4096, 4096, 4096, 0, 0]);
        cluster.nodes.values_mut().for_each(|node| node.facts.as_mut().unwrap().state_ok = true);
        for number in [5, 6] {
            cluster.nodes.get_mut(&id(number)).unwrap().role = Role::ReplicaOf(id(4));
        }
        let whole = plan(&cluster, id(4)).unwrap();
        let end = ["quiet", "release", "agree"];
        assert_eq!(
            kinds(&whole),
            [&["move", "move", "move", "replicate", "replicate", "agree"][..], &end].concat()
        );
        assert_eq!(whole.warnings.len(), 2, "all are on one host: {:?}", whole.warnings);
        assert_eq!(kinds(&plan(&cluster, id(5)).unwrap()), end);
        cluster.nodes.get_mut(&id(6)).unwrap().role = Role::Master;
        let last = plan(&cluster, id(5)).unwrap();
        assert!(last.warnings[0].contains("will be without a replica"), "{:?}", last.warnings);
        assert_eq!(plan(&cluster, id(6)).unwrap().steps, [], "it is empty already");
    }

    #[test]
    fn what_would_leave_too_few_masters_or_asks_a_dead_one_is_refused() {
        let mut cluster = topology(&[5462, 5461, 5461]);
        assert!(plan(&cluster, id(1)).unwrap_err().what.contains("only 2 masters"));
        cluster.nodes.get_mut(&id(1)).unwrap().facts = None;
        assert!(plan(&cluster, id(1)).unwrap_err().next.contains("rcl scale-down"));
    }
}
