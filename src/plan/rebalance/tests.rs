//! Rebalancing by slots; the topologies that all planners' tests begin with.

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
        let text = format!("{} 127.0.0.1:{port}@1{port} master - 0 0 {number} connected {set}", id(number));
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
        let wish = Wish {
            weights: weights.clone(), use_empty_masters: true, threshold_percent: 0.0, ..Wish::default()
        };
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
