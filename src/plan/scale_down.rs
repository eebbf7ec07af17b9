//! Taking a node out: its slots go to the masters that stay, its replicas get other masters, all forget it,
//! and it is reset.

use rcl_proto::{NodeId, SlotSet};

use super::create::MIN_MASTERS;
use super::placement::rehome;
use super::{Move, NodeRef, Plan, PlanError, Step, emptied, move_steps, unfinished_moves};
use crate::output::number_of;
use crate::topology::{Node, Topology};

pub fn plan(topology: &Topology, node: NodeId) -> Result<Plan, PlanError> {
    let unknown = || PlanError::new(format!("no node {node:.8} in the cluster"), "rcl nodes shows the nodes");
    let node = topology.node(node).ok_or_else(unknown)?;
    let moves = moves(topology, node)?;
    let (rehomed, mut warnings) = rehome(topology, &emptied_with(node, &moves, topology), &moves)?;
    let mut steps = move_steps(moves, topology);
    steps.extend(rehomed);
    let (leaving, warning) = leave(topology, node);
    steps.extend(leaving);
    warnings.extend(warning);
    warnings.extend(bereaves(topology, node));
    let mut plan = Plan::new(format!("take {} out of the cluster", node.name()), steps, topology);
    plan.warnings = warnings;
    Ok(plan)
}

/// The node, and who gives the last slot in a move that was interrupted.
pub(super) fn emptied_with<'a>(node: &'a Node, moves: &[Move], topology: &'a Topology) -> Vec<&'a Node> {
    let mut all = emptied(moves, topology);
    all.retain(|other| other.id != node.id);
    all.push(node);
    all
}

/// Whether its master has no other replica.
pub(super) fn bereaves(topology: &Topology, node: &Node) -> Option<String> {
    let master = node.master().filter(|master| topology.replicas_of(*master).len() == 1)?;
    Some(format!("{} will be without a replica", topology.name(master)))
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

/// Where its slots go, what was interrupted first: always to who has the fewest, so that nobody gets more than others have.
pub(super) fn moves(topology: &Topology, node: &Node) -> Result<Vec<Move>, PlanError> {
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
                "{} owns {} and does not answer: they cannot be moved off",
                node.name(),
                number_of(slots.len(), "slot")
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
    let owned: Vec<usize> = staying.iter().map(|other| other.slots.len()).collect();
    let shares = filled_up(&owned, slots.len());
    let mut rest = slots.iter();
    for (target, share) in staying.iter().zip(shares) {
        let slots: SlotSet = rest.by_ref().take(share).collect();
        if !slots.is_empty() {
            moves.push(Move { source: NodeRef::of(node), target: NodeRef::of(target), slots });
        }
    }
    Ok(moves)
}

/// How `more` are shared out so that the largest of the sums is as small as can be: those with the least are filled up first.
fn filled_up(owned: &[usize], more: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..owned.len()).collect();
    order.sort_by_key(|&index| (owned[index], index));
    // So many of them are filled up, and share what they have then evenly.
    let mut sum = more;
    let mut count = 0;
    while let Some(&next) = order.get(count)
        && (count == 0 || owned[next] * count < sum)
    {
        sum += owned[next];
        count += 1;
    }
    let mut shares = vec![0; owned.len()];
    let level = |place: usize| sum / count.max(1) + usize::from(place < sum % count.max(1));
    for (place, &index) in order[..count].iter().enumerate() {
        shares[index] = level(place).saturating_sub(owned[index]);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn nobody_is_filled_above_another_that_could_have_taken_it(
            owned in proptest::collection::vec(0usize..3000, 1..9), more in 0usize..6000,
        ) {
            let shares = filled_up(&owned, more);
            assert_eq!(shares.iter().sum::<usize>(), more);
            let after: Vec<usize> = owned.iter().zip(&shares).map(|(own, share)| own + share).collect();
            let least = after.iter().min().unwrap();
            for (after, share) in after.iter().zip(&shares) {
                assert!(*share == 0 || *after <= least + 1, "{owned:?} {shares:?}");
            }
        }
    }
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
