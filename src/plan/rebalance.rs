//! Evening out how many slots the masters own, with the fewest moves.
//!
//! Each master's aim is its share of 16384 by weight, in whole slots; of aims that differ by rounding, the one
//! is taken that leaves more where it is. A master above its aim gives exactly its surplus, one below gets
//! exactly what it lacks: no plan reaches these aims with fewer moved slots.

use std::collections::BTreeMap;

use rcl_proto::{NodeId, SlotSet};

use super::{Move, NodeRef, Plan, PlanError, apportion, unfinished_moves};
use crate::topology::{Node, Topology};

#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// Masters not named have weight 1.
    pub weights: BTreeMap<NodeId, f64>,
    /// Gives slots to masters that have none.
    pub use_empty_masters: bool,
    /// Nothing is done while no master is further from its aim than so many per cent.
    pub threshold_percent: f64,
}

impl Default for Wish {
    fn default() -> Wish {
        Wish { weights: BTreeMap::new(), use_empty_masters: false, threshold_percent: 2.0 }
    }
}

pub fn plan(topology: &Topology, wish: &Wish) -> Result<Plan, PlanError> {
    let uncovered = topology.uncovered();
    if !uncovered.is_empty() {
        return Err(PlanError::new(
            format!("{} slots have no owner", uncovered.len()),
            "rcl fix gives them one",
        ));
    }
    let unfinished = unfinished_moves(topology)?;
    let mut masters: Vec<(&Node, SlotSet)> =
        topology.masters().into_iter().map(|node| (node, node.slots.clone())).collect();
    if let Some((node, _)) = masters.iter().find(|(node, slots)| !node.answers() && !slots.is_empty()) {
        return Err(PlanError::new(
            format!("{} owns slots and does not answer", node.name()),
            "start it again, or let a replica take over (rcl failover --takeover)",
        ));
    }
    masters.retain(|(node, _)| node.answers());
    // Balance is computed as it will be once the interrupted moves are finished.
    for part in &unfinished {
        for (node, slots) in &mut masters {
            if node.id == part.source.id {
                *slots = slots.difference(&part.slots);
            } else if node.id == part.target.id {
                *slots = slots.union(&part.slots);
            }
        }
    }
    let aims = aims(&masters, wish)?;
    let mut planned = unfinished;
    if worth_it(&masters, &aims, wish.threshold_percent) {
        planned.extend(moves(&masters, &aims));
    }
    let sharing = aims.iter().filter(|aim| **aim > 0).count();
    Ok(Plan::of_moves(format!("rebalance {sharing} masters"), planned, topology))
}

fn aims(masters: &[(&Node, SlotSet)], wish: &Wish) -> Result<Vec<usize>, PlanError> {
    let weight = |(node, slots): &(&Node, SlotSet)| match wish.weights.get(&node.id) {
        Some(weight) => *weight,
        None if slots.is_empty() && !wish.use_empty_masters => 0.0,
        None => 1.0,
    };
    let weights: Vec<f64> = masters.iter().map(weight).collect();
    if weights.iter().any(|weight| !weight.is_finite() || *weight < 0.0) {
        return Err(PlanError::new("a weight is a number from 0 up", "as --weight NODE=1.5"));
    }
    if weights.iter().sum::<f64>() <= 0.0 {
        return Err(PlanError::new("no master has a weight above 0", "give at least one master a weight"));
    }
    let owned: Vec<usize> = masters.iter().map(|(_, slots)| slots.len()).collect();
    let total: usize = owned.iter().sum();
    Ok(apportion(total, &weights, &owned))
}

fn worth_it(masters: &[(&Node, SlotSet)], aims: &[usize], threshold_percent: f64) -> bool {
    masters.iter().zip(aims).any(|((_, slots), &aim)| {
        let off = slots.len().abs_diff(aim) as f64;
        // One slot is what rounding makes; moving it back and forth helps nobody.
        if aim == 0 { off > 0.0 } else { off > 1.0 && off * 100.0 / aim as f64 > threshold_percent }
    })
}

fn moves(masters: &[(&Node, SlotSet)], aims: &[usize]) -> Vec<Move> {
    let mut moves = Vec::new();
    let mut lacking: Vec<(&Node, usize)> = masters
        .iter()
        .zip(aims)
        .filter_map(|((node, slots), &aim)| Some((*node, aim.checked_sub(slots.len()).filter(|l| *l > 0)?)))
        .collect();
    lacking.sort_by_key(|(_, lack)| std::cmp::Reverse(*lack));
    let mut lacking = lacking.into_iter().peekable();
    for ((source, slots), &aim) in masters.iter().zip(aims) {
        let mut surplus = slots.len().saturating_sub(aim);
        let mut giving = slots.iter();
        while surplus > 0 {
            let Some((target, lack)) = lacking.peek_mut() else { break };
            let count = surplus.min(*lack);
            moves.push(Move {
                source: NodeRef::of(source),
                target: NodeRef::of(target),
                slots: giving.by_ref().take(count).collect(),
            });
            surplus -= count;
            *lack -= count;
            if *lack == 0 {
                lacking.next();
            }
        }
    }
    moves
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use rcl_proto::{Address, SLOT_COUNT, Slot};

    use super::*;
    use crate::topology::{Facts, View, merge};

    pub fn id(number: u8) -> NodeId {
        NodeId::from_bits([number; 20])
    }

    /// Masters 1, 2, … on ports 7001, 7002, … that own so many slots, in order.
    pub fn topology(counts: &[usize]) -> Topology {
        let mut slots = Slot::all();
        let sets: Vec<SlotSet> = counts.iter().map(|count| slots.by_ref().take(*count).collect()).collect();
        topology_of(&sets)
    }

    /// The same, each with the slots said.
    pub fn topology_of(sets: &[SlotSet]) -> Topology {
        let mut lines = Vec::new();
        for (index, set) in sets.iter().enumerate() {
            let (number, port) = (index as u8 + 1, 7001 + index);
            let text =
                format!("{} 127.0.0.1:{port}@1{port} master - 0 0 {number} connected {set}", id(number));
            lines.push(text.parse().unwrap());
        }
        let view = |index: usize| View {
            viewer: id(index as u8 + 1),
            address: Address::new("127.0.0.1", 7001 + index as u16),
            lines: Vec::clone(&lines),
            facts: Facts { keys: 1000, ..Facts::default() },
        };
        let views: Vec<View> = (0..sets.len()).map(view).collect();
        merge(&views, &BTreeMap::new())
    }

    #[test]
    fn three_to_four_gives_each_4096() {
        let topology = topology(&[5461, 5462, 5461, 0]);
        let wish = Wish { use_empty_masters: true, ..Wish::default() };
        let plan = plan(&topology, &wish).unwrap();
        let counts: Vec<usize> = plan.moves().map(|part| part.slots.len()).collect();
        assert_eq!(counts, [1365, 1366, 1365]);
        assert!(plan.moves().all(|part| part.target.id == id(4)));
    }

    #[test]
    fn an_even_cluster_and_an_empty_master_left_alone_need_nothing() {
        for counts in [&[5461, 5462, 5461][..], &[5461, 5462, 5461, 0], &[5400, 5500, 5484]] {
            assert_eq!(plan(&topology(counts), &Wish::default()).unwrap().steps, [], "{counts:?}");
        }
    }

    #[test]
    fn weight_zero_empties_a_master() {
        let wish = Wish { weights: BTreeMap::from([(id(1), 0.0)]), ..Wish::default() };
        let plan = plan(&topology(&[5461, 5462, 5461]), &wish).unwrap();
        assert_eq!(plan.moves().map(|part| part.slots.len()).sum::<usize>(), 5461);
        assert!(plan.moves().all(|part| part.source.id == id(1)));
        let wish = Wish { weights: [(id(1), 0.0), (id(2), 0.0), (id(3), 0.0)].into(), ..Wish::default() };
        assert!(super::plan(&topology(&[5461, 5462, 5461]), &wish).is_err());
    }

    proptest! {
        #[test]
        fn reaches_the_aims_with_the_fewest_moves(
            cuts in proptest::collection::vec(0usize..=SLOT_COUNT, 1..8),
            weights in proptest::collection::vec(0.5f64..3.0, 9),
        ) {
            let mut cuts = cuts;
            cuts.extend([0, SLOT_COUNT]);
            cuts.sort_unstable();
            let counts: Vec<usize> = cuts.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let topology = topology(&counts);
            let weights: BTreeMap<_, _> = (1..=counts.len() as u8).map(|n| (id(n), weights[n as usize - 1])).collect();
            let wish = Wish { weights: weights.clone(), use_empty_masters: true, threshold_percent: 0.0 };
            let plan = plan(&topology, &wish).unwrap();
            let mut after: BTreeMap<NodeId, SlotSet> =
                topology.masters().iter().map(|node| (node.id, node.slots.clone())).collect();
            let mut moved = 0;
            for part in plan.moves() {
                prop_assert!(part.slots.is_subset(&after[&part.source.id]));
                moved += part.slots.len();
                let left = after[&part.source.id].difference(&part.slots);
                after.insert(part.source.id, left);
                let grown = after[&part.target.id].union(&part.slots);
                after.insert(part.target.id, grown);
            }
            let sum: f64 = weights.values().sum();
            let mut surplus = 0.0;
            for (number, before) in (1u8..).zip(&counts) {
                let exact = SLOT_COUNT as f64 * weights[&id(number)] / sum;
                let slack = if moved == 0 { 2.0 } else { 1.0 };
                prop_assert!((after[&id(number)].len() as f64 - exact).abs() <= slack + 1e-6);
                surplus += (*before as f64 - exact).max(0.0);
            }
            prop_assert!((moved as f64) < surplus + counts.len() as f64, "{moved} moved, {surplus} too many");
            let sources: Vec<NodeId> = plan.moves().map(|part| part.source.id).collect();
            prop_assert!(plan.moves().all(|part| !sources.contains(&part.target.id)));
        }
    }
}
