//! Evening out what the masters carry, with the fewest moves.
//!
//! *By slots* (`rebalance/by_slots.rs`) each master's aim is its share of 16384 by weight, in whole slots; of aims that differ by
//! rounding, those are taken that leave the most where it is. A master above its aim gives exactly its surplus, one below gets
//! exactly what it lacks: no plan reaches these aims with fewer moved slots.
//!
//! *By keys, memory, processor time or traffic* (`rebalance/by_load.rs`) slots differ in what they weigh, and what is asked for is that
//! each master is within the threshold of its share.

mod by_load;
mod by_slots;

use std::collections::BTreeMap;

use rcl_proto::{NodeId, SlotSet};

use super::{Balance, Move, Plan, PlanError, apportion, unfinished_moves};
use crate::topology::{Measure, Node, Topology};

#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// What is to be even; `topology.slot_use` must have it, unless it is slots.
    pub by: Measure,
    /// Masters not named have weight 1.
    pub weights: BTreeMap<NodeId, f64>,
    /// Gives slots to masters that have none.
    pub use_empty_masters: bool,
    /// Nothing is done while no master is further from its aim than so many per cent.
    pub threshold_percent: f64,
}

impl Default for Wish {
    fn default() -> Wish {
        Wish {
            by: Measure::Slots,
            weights: BTreeMap::new(),
            use_empty_masters: false,
            threshold_percent: 2.0,
        }
    }
}

/// A master with the slots that it will have when interrupted moves are finished.
type Owner<'a> = (&'a Node, SlotSet);

pub fn plan(topology: &Topology, wish: &Wish) -> Result<Plan, PlanError> {
    let unfinished = unfinished_moves(topology)?;
    let masters = masters(topology, &unfinished)?;
    let weights = weights(&masters, wish)?;
    let (moves, aims, warnings) = match topology.slot_use.of(wish.by).filter(|_| wish.by != Measure::Slots) {
        Some(loads) => {
            let keys = topology.slot_use.of(Measure::Keys);
            by_load::plan(&masters, &weights, loads, keys, wish.threshold_percent)
        }
        None if wish.by == Measure::Slots => {
            let aims = slot_aims(&masters, &weights);
            let keys = topology.slot_use.of(Measure::Keys);
            let moves = by_slots::plan(&masters, &aims, keys, wish.threshold_percent);
            (moves, aims.into_iter().map(|aim| aim as f64).collect(), Vec::new())
        }
        None => return Err(PlanError::new("what is to be even was not measured", "this is a bug of rcl")),
    };
    let balance = Balance::of(wish.by, &masters, &aims, &moves, &topology.slot_use);
    let sharing = weights.iter().filter(|weight| **weight > 0.0).count();
    let mut planned = unfinished;
    planned.extend(moves);
    let by = match wish.by {
        Measure::Slots => "",
        Measure::Keys => " by keys",
        Measure::Memory => " by memory",
        Measure::Cpu => " by processor time",
        Measure::Traffic => " by traffic",
    };
    let mut plan = Plan::of_moves(format!("rebalance {sharing} masters{by}"), planned, topology)?;
    plan.balance = Some(balance);
    plan.warnings.extend(warnings);
    Ok(plan)
}

fn masters<'a>(topology: &'a Topology, unfinished: &[Move]) -> Result<Vec<Owner<'a>>, PlanError> {
    let uncovered = topology.uncovered();
    if !uncovered.is_empty() {
        return Err(PlanError::new(
            format!("{} slots have no owner", uncovered.len()),
            "rcl fix gives them one",
        ));
    }
    let mut masters: Vec<Owner<'a>> =
        topology.masters().into_iter().map(|node| (node, node.slots.clone())).collect();
    if let Some((node, _)) = masters.iter().find(|(node, slots)| !node.answers() && !slots.is_empty()) {
        return Err(PlanError::new(
            format!("{} owns slots and does not answer", node.name()),
            "start it again, or let a replica take over (rcl failover --takeover)",
        ));
    }
    masters.retain(|(node, _)| node.answers());
    // Balance is computed as it will be once the interrupted moves are finished.
    for part in unfinished {
        for (node, slots) in &mut masters {
            if node.id == part.source.id {
                *slots = slots.difference(&part.slots);
            } else if node.id == part.target.id {
                *slots = slots.union(&part.slots);
            }
        }
    }
    Ok(masters)
}

fn weights(masters: &[Owner<'_>], wish: &Wish) -> Result<Vec<f64>, PlanError> {
    let weight = |(node, slots): &Owner<'_>| match wish.weights.get(&node.id) {
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
    Ok(weights)
}

fn slot_aims(masters: &[Owner<'_>], weights: &[f64]) -> Vec<usize> {
    let owned: Vec<usize> = masters.iter().map(|(_, slots)| slots.len()).collect();
    apportion(owned.iter().sum(), weights, &owned)
}

#[cfg(test)]
pub(crate) mod tests;
