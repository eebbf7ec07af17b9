//! Moving slots to one node: by count from one, some or all masters, or the slots named.

use std::collections::BTreeMap;

use rcl_proto::{NodeId, SlotSet};

use super::{Move, NodeRef, Plan, PlanError, apportion, unfinished_moves};
use crate::topology::{Node, Topology};

/// Which slots are to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// So many, from the sources in proportion to what they own.
    Count(usize),
    These(Box<SlotSet>),
}

/// `sources` empty means all masters that own slots, except the target.
///
/// What an earlier run left half done is finished first, whatever pair it is of.
pub fn plan(topology: &Topology, sources: &[NodeId], target: NodeId, wish: &Wish) -> Result<Plan, PlanError> {
    let target = master(topology, target)?;
    let mut unfinished = unfinished_moves(topology)?;
    let open: SlotSet = unfinished.iter().flat_map(|part| part.slots.iter().collect::<Vec<_>>()).collect();
    let sources = pick_sources(topology, sources, target)?;
    let moves = match wish {
        Wish::Count(count) => by_count(&sources, target, *count, &open)?,
        Wish::These(slots) => by_slots(topology, &sources, target, slots, &unfinished)?,
    };
    let deed = if matches!(wish, Wish::Count(_)) { "reshard" } else { "move slots" };
    let mut title = format!("{deed} to {}", target.name());
    if !unfinished.is_empty() {
        title.push_str(", after finishing what was interrupted");
    }
    unfinished.extend(moves);
    Plan::of_moves(title, unfinished, topology)
}

fn master(topology: &Topology, id: NodeId) -> Result<&Node, PlanError> {
    let unknown = || PlanError::new(format!("no node {id:.8} in the cluster"), "rcl nodes shows the nodes");
    let node = topology.node(id).ok_or_else(unknown)?;
    if let Some(master) = node.master() {
        return Err(PlanError::new(
            format!("{} is a replica: only masters own slots", node.name()),
            format!("name its master, {}", topology.name(master)),
        ));
    }
    if !node.answers() {
        return Err(PlanError::new(format!("{} does not answer", node.name()), "start it again first"));
    }
    Ok(node)
}

fn pick_sources<'a>(
    topology: &'a Topology,
    sources: &[NodeId],
    target: &Node,
) -> Result<Vec<&'a Node>, PlanError> {
    if sources.contains(&target.id) {
        return Err(PlanError::new(
            format!("{} is both source and target", target.name()),
            "name another --to or --from",
        ));
    }
    if sources.is_empty() {
        let all = topology.masters().into_iter().filter(|n| n.id != target.id && !n.slots.is_empty());
        return all.map(|node| master(topology, node.id)).collect();
    }
    sources.iter().map(|&id| master(topology, id)).collect()
}

fn by_count(sources: &[&Node], target: &Node, count: usize, open: &SlotSet) -> Result<Vec<Move>, PlanError> {
    let free: Vec<SlotSet> = sources.iter().map(|node| node.slots.difference(open)).collect();
    let owned: Vec<usize> = free.iter().map(SlotSet::len).collect();
    let total: usize = owned.iter().sum();
    if count == 0 {
        return Err(PlanError::new("there is nothing to move", "give --slots a number above 0"));
    }
    if count > total {
        return Err(PlanError::new(
            format!("{count} slots are asked for, the sources own {total}"),
            "ask for fewer --slots, or name more sources",
        ));
    }
    let weights: Vec<f64> = owned.iter().map(|&owned| owned as f64).collect();
    let shares = apportion(count, &weights, &owned);
    let moves = sources.iter().zip(free).zip(shares).map(|((source, free), share)| Move {
        source: NodeRef::of(source),
        target: NodeRef::of(target),
        slots: free.iter().take(share).collect(),
    });
    Ok(moves.filter(|part| !part.slots.is_empty()).collect())
}

fn by_slots(
    topology: &Topology,
    sources: &[&Node],
    target: &Node,
    slots: &SlotSet,
    unfinished: &[Move],
) -> Result<Vec<Move>, PlanError> {
    let mut by_owner: BTreeMap<NodeId, SlotSet> = BTreeMap::new();
    for slot in slots.iter() {
        let nobody = || PlanError::new(format!("slot {slot} has no owner"), "rcl fix gives it one");
        let owner = topology.owner(slot).ok_or_else(nobody)?;
        match unfinished.iter().find(|part| part.slots.contains(slot)) {
            Some(part) if part.target.id == target.id => continue,
            // Also one that the target gives away.
            Some(part) => {
                return Err(PlanError::new(
                    format!("slot {slot} is already moving to {}", part.target.name()),
                    "let that move finish (rcl fix finishes it when it was interrupted), then ask again",
                ));
            }
            None if owner == target.id => continue,
            None => {}
        }
        if !sources.iter().any(|source| source.id == owner) {
            return Err(PlanError::new(
                format!("slot {slot} belongs to {}, which is not among the sources", topology.name(owner)),
                "name it with --from, or leave --from out",
            ));
        }
        by_owner.entry(owner).or_default().insert(slot);
    }
    let moves = by_owner.into_iter().filter_map(|(owner, slots)| {
        Some(Move { source: NodeRef::of(topology.node(owner)?), target: NodeRef::of(target), slots })
    });
    Ok(moves.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::rebalance::tests::{id, topology};

    fn moved(plan: &Plan) -> Vec<(u16, usize)> {
        plan.moves().map(|part| (part.source.address.port, part.slots.len())).collect()
    }

    #[test]
    fn takes_from_all_in_proportion() {
        let topology = topology(&[8000, 4000, 4384, 0]);
        let plan = plan(&topology, &[], id(4), &Wish::Count(4096)).unwrap();
        assert_eq!(moved(&plan), [(7001, 2000), (7002, 1000), (7003, 1096)]);
        assert_eq!(plan.cost.slots, 4096);
    }

    #[test]
    fn explicit_slots_go_by_their_owner_and_what_is_there_already_stays() {
        let topology = topology(&[8192, 8192]);
        let slots: SlotSet = ["8190-8193".parse().unwrap()].iter().fold(SlotSet::EMPTY, |mut set, range| {
            set.insert_range(*range);
            set
        });
        let plan = plan(&topology, &[], id(2), &Wish::These(Box::new(slots))).unwrap();
        assert_eq!(moved(&plan), [(7001, 2)]);
    }

    #[test]
    fn refuses_what_cannot_be() {
        let topology = topology(&[8192, 8192]);
        let refused =
            |sources: &[NodeId], target, wish| plan(&topology, sources, target, &wish).unwrap_err().what;
        assert!(refused(&[], id(9), Wish::Count(1)).contains("no node"));
        assert!(refused(&[id(1)], id(1), Wish::Count(1)).contains("both source and target"));
        assert!(refused(&[id(1)], id(2), Wish::Count(9000)).contains("own 8192"));
        assert!(refused(&[], id(2), Wish::Count(0)).contains("nothing"));
    }
}
