//! Taking a node out: its slots go to the masters that stay, its replicas get other masters, all forget it,
//! and it is reset.

use std::collections::BTreeMap;

use rcl_proto::{NodeId, SLOT_COUNT, SlotSet};

use super::create::MIN_MASTERS;
use super::{Move, NodeRef, Plan, PlanError, Step, apportion, move_steps, unfinished_moves};
use crate::topology::{Node, Topology};

pub fn plan(topology: &Topology, node: NodeId) -> Result<Plan, PlanError> {
    let unknown = || PlanError::new(format!("no node {node:.8} in the cluster"), "rcl nodes shows the nodes");
    let node = topology.node(node).ok_or_else(unknown)?;
    let mut steps = move_steps(moves(topology, node)?, topology);
    let (rehomed, mut warnings) = rehome(topology, node)?;
    steps.extend(rehomed);
    let (leaving, warning) = leave(topology, node);
    steps.extend(leaving);
    warnings.extend(warning);
    if let Some(master) = node.master()
        && topology.replicas_of(master).len() == 1
    {
        warnings.push(format!("{} will be without a replica", topology.name(master)));
    }
    let mut plan = Plan::new(format!("take {} out of the cluster", node.name()), steps, topology);
    plan.warnings = warnings;
    Ok(plan)
}

/// How a node that owns nothing any more goes; with a warning if it cannot be told that it is out.
pub(super) fn leave(topology: &Topology, node: &Node) -> (Vec<Step>, Option<String>) {
    let leaving = || NodeRef::of(node);
    if !node.answers() {
        let warning = format!(
            "{} does not answer and keeps what it has: do not start it again with its old nodes.conf",
            node.name()
        );
        return (vec![Step::Forget { node: leaving() }], Some(warning));
    }
    let state_ok = topology.nodes.values().filter_map(|node| node.facts.as_ref()).all(|facts| facts.state_ok);
    let steps = vec![
        // Also of a replica: it may have been the master a moment ago, and some clients may not know.
        Step::AwaitQuiet { node: leaving() },
        Step::Forget { node: leaving() },
        Step::Reset { node: leaving() },
        Step::AwaitAgreement { except: vec![leaving()], state_ok },
    ];
    (steps, None)
}

/// Where its slots go, what was interrupted first.
fn moves(topology: &Topology, node: &Node) -> Result<Vec<Move>, PlanError> {
    let mut moves = unfinished_moves(topology)?;
    if let Some(part) = moves.iter().find(|part| part.target.id == node.id) {
        return Err(PlanError::new(
            format!("slots are on their way from {} to {}", part.source.name(), node.name()),
            "rcl fix finishes that; then scale down",
        ));
    }
    let going = moves.iter().filter(|part| part.source.id == node.id);
    let going: SlotSet = going.flat_map(|part| part.slots.iter().collect::<Vec<_>>()).collect();
    let slots = node.slots.difference(&going);
    if node.slots.is_empty() {
        return Ok(moves);
    }
    if !node.answers() {
        return Err(PlanError::new(
            format!(
                "{} owns {} slots and does not answer: they cannot be moved off",
                node.name(),
                slots.len()
            ),
            "start it again, or let a replica take over first (rcl failover REPLICA --takeover)",
        ));
    }
    let staying: Vec<&Node> = topology
        .masters()
        .into_iter()
        .filter(|other| other.id != node.id && other.answers() && !other.slots.is_empty())
        .collect();
    if staying.len() < MIN_MASTERS {
        return Err(PlanError::new(
            format!(
                "only {} masters with slots would stay: with fewer than {MIN_MASTERS} no majority could fail a \
                 dead one over",
                staying.len()
            ),
            "add another master first (rcl add-node, rcl rebalance --use-empty-masters)",
        ));
    }
    let aim = SLOT_COUNT / staying.len();
    let lacks: Vec<f64> =
        staying.iter().map(|other| aim.saturating_sub(other.slots.len()).max(1) as f64).collect();
    let shares = apportion(slots.len(), &lacks, &[]);
    let mut rest = slots.iter();
    for (target, share) in staying.iter().zip(shares) {
        let slots: SlotSet = rest.by_ref().take(share).collect();
        if !slots.is_empty() {
            moves.push(Move { source: NodeRef::of(node), target: NodeRef::of(target), slots });
        }
    }
    Ok(moves)
}

/// Its replicas go to the masters with the fewest replicas, not beside them where another host has one.
fn rehome(topology: &Topology, node: &Node) -> Result<(Vec<Step>, Vec<String>), PlanError> {
    let masters = topology.masters();
    let staying: Vec<&&Node> =
        masters.iter().filter(|m| m.id != node.id && m.answers() && !m.slots.is_empty()).collect();
    let mut counts: BTreeMap<NodeId, usize> =
        staying.iter().map(|master| (master.id, topology.replicas_of(master.id).len())).collect();
    let (mut steps, mut warnings) = (Vec::new(), Vec::new());
    for replica in topology.replicas_of(node.id) {
        if !replica.answers() {
            warnings.push(format!("replica {} does not answer and is left as it is", replica.name()));
            continue;
        }
        let beside = |master: &Node| master.address.host == replica.address.host;
        let fewest = staying.iter().min_by_key(|m| (counts.get(&m.id).copied(), beside(m), m.id));
        let master = fewest.ok_or_else(|| {
            PlanError::new(format!("no master is left for replica {}", replica.name()), "take it out first")
        })?;
        *counts.entry(master.id).or_default() += 1;
        steps.push(Step::Replicate { replica: NodeRef::of(replica), master: NodeRef::of(master) });
    }
    Ok((steps, warnings))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::rebalance::tests::{id, topology};

    #[test]
    fn the_rest_ends_up_even() {
        let plan = plan(&topology(&[4096, 4096, 4096, 4096]), id(4)).unwrap();
        let counts: Vec<usize> = plan.moves().map(|part| part.slots.len()).collect();
        assert_eq!(counts, [1366, 1365, 1365]);
        assert!(plan.steps.iter().any(|step| matches!(step, Step::Reset { node } if node.id == id(4))));
    }

    #[test]
    fn refuses_to_leave_two_masters() {
        let error = plan(&topology(&[5462, 5461, 5461]), id(3)).unwrap_err();
        assert!(error.what.contains("only 2 masters"), "{error:?}");
    }

    #[test]
    fn an_empty_master_just_leaves() {
        let plan = plan(&topology(&[5462, 5461, 5461, 0]), id(4)).unwrap();
        assert_eq!(plan.steps.len(), 4, "{:?}", plan.steps);
    }
}
