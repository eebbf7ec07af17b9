//! What holds of every plan that moves slots, and of those that ask for slots.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rcl_proto::{NodeId, SLOT_COUNT, SlotSet};

use super::Told;
use super::cases::{Case, Wish};
use super::model::Model;
use crate::topology::Measure;

pub fn hold(case: &Case, told: &Told<'_>) -> Result<(), TestCaseError> {
    let all: usize = told.after.nodes.values().map(|node| node.slots.len()).sum();
    prop_assert_eq!(all, SLOT_COUNT, "every slot has one owner");
    prop_assert!(told.after.open.is_empty() || told.plan.moves().next().is_none(), "none is left open");
    no_slot_moves_twice(told)?;
    prop_assert_eq!(
        told.plan.cost.slots as usize,
        told.plan.moves().map(|part| part.slots.len()).sum::<usize>()
    );
    match &case.wish {
        Wish::Reshard { from, to, count } => a_count(told, from, *to, *count),
        Wish::MoveSlots { slots, to } => these(told, slots, *to),
        Wish::MoveAll { from, to } => these(told, &told.before.nodes[from].slots, *to),
        Wish::ScaleDown(node) | Wish::Drain(node) => filled_up(told, *node),
        _ => Ok(()),
    }
}

/// What each master owns when what was interrupted is finished, and nothing else is done.
pub fn once_finished(model: &Model) -> BTreeMap<NodeId, SlotSet> {
    let mut owned: BTreeMap<NodeId, SlotSet> =
        model.masters().map(|(id, node)| (*id, node.slots.clone())).collect();
    for (slot, from, to) in &model.open {
        owned.entry(*from).and_modify(|slots| {
            slots.remove(*slot);
        });
        owned.entry(*to).and_modify(|slots| {
            slots.insert(*slot);
        });
    }
    owned
}

/// How many slots move beyond those that were on their way.
pub fn moved(told: &Told<'_>) -> usize {
    told.plan.moves().map(|part| part.slots.len()).sum::<usize>() - told.before.open.len()
}

fn no_slot_moves_twice(told: &Told<'_>) -> Result<(), TestCaseError> {
    let mut seen = SlotSet::EMPTY;
    for part in told.plan.moves() {
        for slot in part.slots.iter() {
            let was_open = told.before.open.iter().any(|(open, ..)| *open == slot);
            prop_assert!(seen.insert(slot) || was_open, "slot {} moves twice", slot);
        }
    }
    Ok(())
}

fn a_count(told: &Told<'_>, from: &[NodeId], to: NodeId, count: usize) -> Result<(), TestCaseError> {
    prop_assert_eq!(moved(told), count);
    let free = |node: &NodeId| {
        let open = told.before.open.iter().filter(|(slot, ..)| told.before.nodes[node].slots.contains(*slot));
        told.before.nodes[node].slots.len() - open.count()
    };
    let is_source = |node: &NodeId| *node != to && (from.is_empty() || from.contains(node));
    let sources: Vec<NodeId> = told.before.masters().map(|(id, _)| *id).filter(is_source).collect();
    let total: usize = sources.iter().map(free).sum();
    for source in &sources {
        let given = told.plan.moves().filter(|part| part.source.id == *source);
        let given: usize = given
            .flat_map(|part| part.slots.iter())
            .filter(|slot| !told.before.open.iter().any(|(open, ..)| open == slot))
            .count();
        let share = count as f64 * free(source) as f64 / total.max(1) as f64;
        prop_assert!((given as f64 - share).abs() <= 1.0 + 1e-6, "{} instead of {}", given, share);
    }
    Ok(())
}

fn these(told: &Told<'_>, slots: &SlotSet, to: NodeId) -> Result<(), TestCaseError> {
    prop_assert!(slots.is_subset(&told.after.nodes[&to].slots));
    let finished = once_finished(told.before);
    prop_assert_eq!(moved(told), slots.difference(&finished[&to]).len());
    Ok(())
}

/// Nobody gets more than to the lowest level at which all that goes has a place.
fn filled_up(told: &Told<'_>, node: NodeId) -> Result<(), TestCaseError> {
    let finished = once_finished(told.before);
    let going = finished.get(&node).map_or(0, SlotSet::len);
    prop_assert_eq!(moved(told), going);
    prop_assert!(told.after.nodes[&node].slots.is_empty());
    // Slots on their way come to whom they come: what was there before counts.
    let staying = told.before.masters().filter(|(id, node_of)| **id != node && !node_of.slots.is_empty());
    let owned: Vec<(NodeId, usize)> = staying.map(|(id, node)| (*id, node.slots.len())).collect();
    let places = |level: usize| owned.iter().map(|(_, own)| level.saturating_sub(*own)).sum::<usize>();
    let level = (0..=SLOT_COUNT).find(|level| places(*level) >= going).unwrap_or(SLOT_COUNT);
    for (id, own) in &owned {
        let came = told.before.open.iter().filter(|(_, _, to)| to == id).count();
        let after = told.after.nodes[id].slots.len();
        prop_assert!(after <= level.max(*own) + came, "{} beyond {}", after, level);
    }
    Ok(())
}

/// What was let pass has room where it goes, in the bytes that its slots really have.
pub fn fit(told: &Told<'_>) -> Result<(), TestCaseError> {
    let bytes =
        |model: &Model, id: &NodeId| model.slot_use.sum(Measure::Memory, &model.nodes[id].slots).unwrap_or(0);
    for part in told.plan.moves() {
        let target = &part.target.id;
        let limit = told.after.nodes[target].max_memory_bytes;
        // A node that gives as well may make room in the meantime: what counts is what it has in the end.
        let (before, after) = (bytes(told.before, target), bytes(told.after, target));
        prop_assert!(limit == 0 || after <= limit.max(before), "{} bytes of {}", after, limit);
    }
    Ok(())
}
