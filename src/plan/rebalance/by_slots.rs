//! The same number of slots for each, by weight.
//!
//! Of a master that gives, the run of slots that it keeps is the one with the most keys in it: so the fewest keys move, and what
//! it keeps stays in one piece.

use rcl_proto::{Slot, SlotSet};

use super::Owner;
use crate::plan::{Move, NodeRef};
use crate::topology::Node;

pub fn plan(
    masters: &[Owner<'_>],
    aims: &[usize],
    keys: Option<&[u64]>,
    threshold_percent: f64,
) -> Vec<Move> {
    if worth_it(masters, aims, threshold_percent) { moves(masters, aims, keys) } else { Vec::new() }
}

fn worth_it(masters: &[Owner<'_>], aims: &[usize], threshold_percent: f64) -> bool {
    masters.iter().zip(aims).any(|((_, slots), &aim)| {
        let off = slots.len().abs_diff(aim) as f64;
        // One slot is what rounding makes; moving it back and forth helps nobody.
        if aim == 0 { off > 0.0 } else { off > 1.0 && off * 100.0 / aim as f64 > threshold_percent }
    })
}

fn moves(masters: &[Owner<'_>], aims: &[usize], keys: Option<&[u64]>) -> Vec<Move> {
    let mut moves = Vec::new();
    let mut lacking: Vec<(&Node, usize)> = masters
        .iter()
        .zip(aims)
        .filter_map(|((node, slots), &aim)| Some((*node, aim.checked_sub(slots.len()).filter(|l| *l > 0)?)))
        .collect();
    lacking.sort_by_key(|(_, lack)| std::cmp::Reverse(*lack));
    let mut lacking = lacking.into_iter().peekable();
    for ((source, slots), &aim) in masters.iter().zip(aims) {
        let given = given(slots, aim, keys);
        let mut surplus = given.len();
        let mut giving = given.into_iter();
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

/// What a master gives to keep `aim` slots; of equal ways the one that gives the first slots.
fn given(slots: &SlotSet, aim: usize, keys: Option<&[u64]>) -> Vec<Slot> {
    let slots: Vec<Slot> = slots.iter().collect();
    let Some(surplus) = slots.len().checked_sub(aim) else { return Vec::new() };
    let weigh = |slot: &Slot| keys.map_or(0, |keys| keys[slot.index()]);
    // The keys in the run that begins at each place, from the last place to the first.
    let mut in_run: u64 = slots[surplus..].iter().map(weigh).sum();
    let (mut most, mut start) = (in_run, surplus);
    for place in (0..surplus).rev() {
        in_run += weigh(&slots[place]);
        in_run -= weigh(&slots[place + aim]);
        if in_run > most {
            (most, start) = (in_run, place);
        }
    }
    [&slots[..start], &slots[start + aim..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_run_with_the_most_keys_stays() {
        let numbers = |slots: Vec<Slot>| slots.into_iter().map(Slot::number).collect::<Vec<u16>>();
        let slots: SlotSet = "10-15".parse().unwrap();
        let mut keys = vec![0; 16384];
        assert_eq!(numbers(given(&slots, 2, None)), [10, 11, 12, 13]);
        assert_eq!(numbers(given(&slots, 2, Some(&keys))), [10, 11, 12, 13]);
        (keys[11], keys[12], keys[15]) = (5, 4, 8);
        assert_eq!(numbers(given(&slots, 2, Some(&keys))), [10, 13, 14, 15]);
        assert_eq!(numbers(given(&slots, 6, Some(&keys))), [0; 0]);
        assert_eq!(given(&slots, 0, Some(&keys)).len(), 6);
        assert_eq!(given(&slots, 9, Some(&keys)).len(), 0);
    }
}
