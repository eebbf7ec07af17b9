//! What holds of a balance, by slots and by what they weigh; with a bound below which no plan can stay.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rcl_proto::{NodeId, SLOT_COUNT, SlotSet};

use super::Told;
use super::slots::{moved, once_finished};
use crate::plan::rebalance::Wish;
use crate::topology::Measure;

/// Floating point in the planner, and here.
const NOTHING: f64 = 1e-3;

/// A master: its weight, its slots before and after.
struct Side {
    id: NodeId,
    weight: f64,
    before: SlotSet,
    after: SlotSet,
}

pub fn hold(wish: &Wish, told: &Told<'_>) -> Result<(), TestCaseError> {
    let finished = once_finished(told.before);
    let weight = |id: &NodeId, slots: &SlotSet| match wish.weights.get(id) {
        Some(weight) => *weight,
        None if slots.is_empty() && !wish.use_empty_masters => 0.0,
        None => 1.0,
    };
    let side = |(id, before): (&NodeId, &SlotSet)| Side {
        id: *id,
        weight: weight(id, before),
        before: before.clone(),
        after: told.after.nodes[id].slots.clone(),
    };
    let sides: Vec<Side> = finished.iter().map(side).collect();
    for side in &sides {
        prop_assert!(side.weight > 0.0 || side.after.is_empty(), "weight 0 leaves slots behind");
    }
    shown_as_it_is(&sides, told)?;
    match wish.by {
        Measure::Slots => by_slots(&sides, wish, told),
        _ => by_load(&sides, wish, told),
    }
}

/// The plan says what each has before and after.
fn shown_as_it_is(sides: &[Side], told: &Told<'_>) -> Result<(), TestCaseError> {
    let balance = told.plan.balance.as_ref().expect("a rebalance shows its balance");
    for side in sides {
        let share =
            balance.masters.iter().find(|share| share.node.id == side.id).expect("each master is shown");
        prop_assert_eq!(share.slots_before as usize, side.before.len());
        prop_assert_eq!(share.slots_after as usize, side.after.len());
    }
    Ok(())
}

fn by_slots(sides: &[Side], wish: &Wish, told: &Told<'_>) -> Result<(), TestCaseError> {
    let sum: f64 = sides.iter().map(|side| side.weight).sum();
    let exact = |side: &Side| SLOT_COUNT as f64 * side.weight / sum;
    if moved(told) == 0 {
        for side in sides {
            let off = (side.before.len() as f64 - exact(side)).abs();
            let near =
                off < 2.0 + NOTHING || off * 100.0 <= (exact(side) + 1.0) * wish.threshold_percent + 100.0;
            prop_assert!(near, "{} off, and nothing was done", off);
        }
        return Ok(());
    }
    for side in sides {
        let off = (side.after.len() as f64 - exact(side)).abs();
        prop_assert!(off < 1.0 + NOTHING, "{} from {}", off, exact(side));
    }
    // Each ends at its share rounded down or up. Who has more than its share rounded down spares a move by getting the one that is
    // left over; no more are left over than there are.
    let down = |side: &Side| (exact(side) + 1e-9).floor() as usize;
    let left_over = SLOT_COUNT - sides.iter().map(down).sum::<usize>();
    let glad = |side: &&Side| side.before.len() > down(side) && exact(side) - down(side) as f64 > 1e-9;
    let surplus: usize = sides.iter().map(|side| side.before.len().saturating_sub(down(side))).sum();
    let fewest = surplus - left_over.min(sides.iter().filter(glad).count());
    prop_assert_eq!(moved(told), fewest, "the fewest slots that can move");
    Ok(())
}

fn by_load(sides: &[Side], wish: &Wish, told: &Told<'_>) -> Result<(), TestCaseError> {
    let loads = told.before.slot_use.of(wish.by).expect("it was measured");
    let load = |slots: &SlotSet| slots.iter().map(|slot| loads[slot.index()]).sum::<u64>() as f64;
    let total: f64 = sides.iter().map(|side| load(&side.before)).sum();
    let sum: f64 = sides.iter().map(|side| side.weight).sum();
    let bands: BTreeMap<NodeId, Band> = sides
        .iter()
        .map(|side| (side.id, Band::new(total * side.weight / sum, wish.threshold_percent)))
        .collect();
    let off = |slots: fn(&Side) -> &SlotSet| -> f64 {
        sides.iter().map(|side| bands[&side.id].off(load(slots(side)))).sum()
    };
    let (off_before, off_after) = (off(|side| &side.before), off(|side| &side.after));
    let must_leave: usize =
        sides.iter().filter(|side| side.weight == 0.0).map(|side| side.before.len()).sum();
    if must_leave == 0 {
        prop_assert!(moved(told) == 0 || off_after < off_before, "{} became {}", off_before, off_after);
        prop_assert!(off_before > NOTHING || moved(told) == 0, "all was well");
    }
    for side in sides.iter().filter(|side| side.weight > 0.0) {
        let (band, after) = (&bands[&side.id], load(&side.after));
        // Above its band only by a slot without which it would lack something.
        let got = side.after.difference(&side.before);
        let heaviest = got.iter().map(|slot| loads[slot.index()]).max().filter(|heaviest| *heaviest > 0);
        let unavoidable = heaviest.is_none_or(|heaviest| after - heaviest as f64 <= band.aim + NOTHING);
        prop_assert!(
            after <= band.high + NOTHING || unavoidable,
            "{} got up to {} of {}",
            side.id,
            after,
            band.high
        );
    }
    let heaviest = *loads.iter().max().unwrap_or(&0) as f64;
    let narrowest = bands.values().filter(|band| band.aim > 0.0).map(|band| band.high - band.aim);
    let is_fine = heaviest <= narrowest.fold(f64::INFINITY, f64::min);
    if is_fine && total > 0.0 {
        prop_assert!(off_after < NOTHING * sides.len() as f64, "every slot fits, and {} are off", off_after);
        let fewest = fewest(sides, loads, &bands);
        let most = fewest + 2 * sides.len();
        prop_assert!(moved(told) <= most, "{} slots move, {} have to", moved(told), fewest);
    }
    Ok(())
}

struct Band {
    low: f64,
    aim: f64,
    high: f64,
}

impl Band {
    fn new(aim: f64, threshold_percent: f64) -> Band {
        let width = aim * threshold_percent / 100.0;
        Band { low: aim - width, aim, high: aim + width }
    }

    fn off(&self, load: f64) -> f64 {
        (load - self.high).max(self.low - load).max(0.0)
    }
}

/// No plan moves fewer: who is above its band has to give at least as many as its heaviest slots would be, who is to own nothing
/// gives all; and what moves has to weigh as much as those below their bands lack.
fn fewest(sides: &[Side], loads: &[u64], bands: &BTreeMap<NodeId, Band>) -> usize {
    let (mut count, mut given, mut lacking) = (0, 0.0, 0.0);
    let mut rest: Vec<u64> = Vec::new();
    for side in sides {
        let mut own: Vec<u64> = side.before.iter().map(|slot| loads[slot.index()]).collect();
        own.sort_unstable_by_key(|load| std::cmp::Reverse(*load));
        let load = own.iter().sum::<u64>() as f64;
        let band = &bands[&side.id];
        lacking += (band.low - load).max(0.0);
        let mut left = load;
        let mut own = own.into_iter();
        while side.weight == 0.0 || left > band.high + NOTHING {
            let Some(next) = own.next() else { break };
            left -= next as f64;
            given += next as f64;
            count += 1;
        }
        // What a master gives that lacks something it would have to get on top.
        if load >= band.low {
            rest.extend(own);
        }
    }
    rest.sort_unstable_by_key(|load| std::cmp::Reverse(*load));
    for load in rest {
        if given + NOTHING >= lacking || load == 0 {
            break;
        }
        given += load as f64;
        count += 1;
    }
    count
}
