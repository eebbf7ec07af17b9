//! Slots that differ in what they weigh, until each master is within a threshold of its share.
//!
//! ```text
//! 1. who is to own nothing (weight 0) gives everything, the heaviest slot first, each to whom most is lacking
//! 2. who is above its band gives to whom most is lacking; then who is below its band takes from whoever can give
//! ```
//!
//! Each move takes the lightest slot that ends what is wrong with both sides; where there is none, the heaviest that neither puts the
//! taker above its band nor the giver below its own. So the fewest slots move that can: where slots are lighter than the band is wide,
//! a master above its band gives just as many as its heaviest slots would have to be. Of slots of equal weight those with the fewest
//! keys go.
//!
//! A slot cannot be divided. Where each is too heavy for a taker's band, one goes only if that brings the two nearer to their bands
//! together; so every plan ends nearer to what was asked for, and a master that stays away from its share is named.
//!
//! Nobody both gives and takes, unless nobody else can give.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use rcl_proto::{Slot, SlotSet};

use super::Owner;
use crate::plan::{Move, NodeRef};

pub fn plan(
    masters: &[Owner<'_>],
    weights: &[f64],
    loads: &[u64],
    keys: Option<&[u64]>,
    threshold_percent: f64,
) -> (Vec<Move>, Vec<f64>, Vec<String>) {
    let load_of = |slots: &SlotSet| slots.iter().map(|slot| loads[slot.index()]).sum::<u64>() as f64;
    let total: f64 = masters.iter().map(|(_, slots)| load_of(slots)).sum();
    let sum: f64 = weights.iter().sum();
    let aims: Vec<f64> = weights.iter().map(|weight| total * weight / sum).collect();
    let width = threshold_percent / 100.0;
    let side = |((_, slots), (&weight, &aim)): (&Owner<'_>, (&f64, &f64))| {
        let mut own: Vec<Weighed> = slots
            .iter()
            .map(|slot| (loads[slot.index()], Reverse(keys.map_or(0, |keys| keys[slot.index()])), slot))
            .collect();
        own.sort_unstable();
        Side {
            weight,
            load: load_of(slots),
            aim,
            low: aim * (1.0 - width),
            high: aim * (1.0 + width),
            count: own.len(),
            own,
            gives: false,
            takes: false,
            is_stuck: false,
        }
    };
    let sides: Vec<Side> = masters.iter().zip(weights.iter().zip(&aims)).map(side).collect();
    let mut scale = Scale { sides, moved: BTreeMap::new() };
    scale.empty_out();
    while let Some((giver, taker, at)) = scale.next_move() {
        scale.pass(giver, taker, at);
    }
    let moves = scale.moved.iter().map(|(&(giver, taker), slots)| Move {
        source: NodeRef::of(masters[giver].0),
        target: NodeRef::of(masters[taker].0),
        slots: slots.clone(),
    });
    (moves.collect(), aims, scale.warnings(masters))
}

/// Its load, how many keys it has (more come first), its number.
type Weighed = (u64, Reverse<u64>, Slot);

struct Side {
    weight: f64,
    load: f64,
    aim: f64,
    /// Its band.
    low: f64,
    high: f64,
    /// How many slots it has.
    count: usize,
    /// The slots that it had at first and has still, the lightest first.
    own: Vec<Weighed>,
    gives: bool,
    takes: bool,
    /// It is out of its band, and nothing can be done about it.
    is_stuck: bool,
}

impl Side {
    /// How far it is out of its band with `more` on top.
    fn off(&self, more: f64) -> f64 {
        let load = self.load + more;
        (load - self.high).max(self.low - load).max(0.0)
    }

    /// Who is below its band needs more than who is just below its share.
    fn by_need(&self, other: &Side) -> Ordering {
        let missing = |side: &Side| (side.low - side.load).max(0.0);
        let lack = |side: &Side| side.aim - side.load;
        missing(self).total_cmp(&missing(other)).then(lack(self).total_cmp(&lack(other)))
    }

    /// For slots without weight. Who is above its band has to give, and who took is not asked to: so it comes last.
    fn by_crowd(&self, other: &Side) -> Ordering {
        let has_to_give = |side: &Side| side.load > side.high;
        let slots = |side: &Side| side.count as f64 / side.weight;
        has_to_give(self).cmp(&has_to_give(other)).then(slots(self).total_cmp(&slots(other)))
    }

    fn may_take(&self) -> bool {
        !self.gives && self.weight > 0.0
    }

    fn may_give(&self) -> bool {
        !self.takes && self.weight > 0.0
    }
}

/// A slot of a giver, by its place.
struct Choice {
    /// It leaves both within their bands, or nearer to them and on the same side.
    fits: bool,
    at: usize,
}

struct Scale {
    sides: Vec<Side>,
    moved: BTreeMap<(usize, usize), SlotSet>,
}

/// Floating point: what is nearer to nothing than this is nothing.
const NOTHING: f64 = 1e-6;

impl Scale {
    fn pass(&mut self, giver: usize, taker: usize, at: usize) {
        let (load, _, slot) = self.sides[giver].own.remove(at);
        self.sides[giver].load -= load as f64;
        self.sides[giver].count -= 1;
        self.sides[giver].gives = true;
        self.sides[taker].load += load as f64;
        self.sides[taker].count += 1;
        self.sides[taker].takes = true;
        self.moved.entry((giver, taker)).or_default().insert(slot);
    }

    fn empty_out(&mut self) {
        for giver in (0..self.sides.len()).filter(|&side| self.sides[side].weight == 0.0).collect::<Vec<_>>()
        {
            while let Some((load, _, _)) = self.sides[giver].own.last() {
                let weighs_nothing = *load == 0;
                let takers = (0..self.sides.len()).filter(|&side| self.sides[side].may_take());
                let taker = if weighs_nothing {
                    takers.min_by(|&a, &b| self.sides[a].by_crowd(&self.sides[b]))
                } else {
                    takers.max_by(|&a, &b| self.sides[a].by_need(&self.sides[b]))
                };
                let Some(taker) = taker else { return };
                self.pass(giver, taker, self.sides[giver].own.len() - 1);
            }
        }
    }

    fn next_move(&mut self) -> Option<(usize, usize, usize)> {
        loop {
            let above = self.worst(|side| side.load - side.high, Side::may_give);
            let below = self.worst(|side| side.low - side.load, Side::may_take);
            let found = match (above, below) {
                (Some(giver), _) => self.from(giver),
                (None, Some(taker)) => self.to(taker),
                (None, None) => return None,
            };
            match (found, above.or(below)) {
                (Some(found), _) => return Some(found),
                (None, Some(side)) => self.sides[side].is_stuck = true,
                (None, None) => return None,
            }
        }
    }

    /// Of those that may, the one that is furthest out of its band on this side.
    fn worst(&self, off: impl Fn(&Side) -> f64, may: impl Fn(&Side) -> bool) -> Option<usize> {
        let out = |side: &usize| {
            let side = &self.sides[*side];
            may(side) && !side.is_stuck && off(side) > NOTHING
        };
        let furthest = |a: &usize, b: &usize| off(&self.sides[*a]).total_cmp(&off(&self.sides[*b]));
        (0..self.sides.len()).filter(out).max_by(furthest)
    }

    /// A slot of a giver that is above its band: to the taker that lacks most, else to the next.
    fn from(&self, giver: usize) -> Option<(usize, usize, usize)> {
        let takes = |&taker: &usize| {
            let side = &self.sides[taker];
            taker != giver && side.may_take() && side.aim - side.load > NOTHING
        };
        let mut takers: Vec<usize> = (0..self.sides.len()).filter(takes).collect();
        takers.sort_by(|&a, &b| self.sides[b].by_need(&self.sides[a]));
        let chosen = |&taker: &usize| Some((taker, self.choose(giver, taker)?));
        let found: Vec<(usize, Choice)> = takers.iter().filter_map(chosen).collect();
        let (taker, choice) = found.iter().find(|(_, choice)| choice.fits).or(found.first())?;
        Some((giver, *taker, choice.at))
    }

    /// A slot for a taker that is below its band: of all that others can give, the lightest that is enough, else the heaviest.
    fn to(&self, taker: usize) -> Option<(usize, usize, usize)> {
        let need = self.sides[taker].low - self.sides[taker].load;
        let best_of = |may: fn(&Side) -> bool| {
            let gives = |&giver: &usize| giver != taker && may(&self.sides[giver]);
            let found = (0..self.sides.len()).filter(gives).filter_map(|giver| {
                let choice = self.choose(giver, taker)?;
                let load = self.sides[giver].own[choice.at].0 as f64;
                let is_enough = load >= need - NOTHING;
                let merit = (choice.fits, is_enough, if is_enough { -load } else { load });
                Some((merit, giver, choice.at))
            });
            let better = |a: &(bool, bool, f64), b: &(bool, bool, f64)| {
                (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2))
            };
            found.max_by(|a, b| better(&a.0, &b.0))
        };
        let (untouched, anybody) = (best_of(Side::may_give), best_of(|side| side.weight > 0.0));
        let fits = |best: &((bool, bool, f64), usize, usize)| best.0.0;
        let best = untouched.filter(fits).or(anybody.filter(fits)).or(untouched).or(anybody)?;
        Some((best.1, taker, best.2))
    }

    /// The place of the slot that goes from one to the other, if one should.
    fn choose(&self, giver: usize, taker: usize) -> Option<Choice> {
        let (giver, taker) = (&self.sides[giver], &self.sides[taker]);
        let most = (taker.high - taker.load).min(giver.load - giver.low) + NOTHING;
        let need = (giver.load - giver.high).max(taker.low - taker.load) - NOTHING;
        let weightless = giver.own.partition_point(|(load, ..)| *load == 0);
        let fitting = giver.own.partition_point(|(load, ..)| *load as f64 <= most);
        if fitting > weightless {
            let enough =
                giver.own[..fitting].partition_point(|(load, ..)| (*load as f64) < need).max(weightless);
            let Some((load, ..)) = giver.own[..fitting].get(enough) else {
                return Some(Choice { fits: true, at: fitting - 1 });
            };
            // Of those that weigh the same the last has the fewest keys.
            let at = giver.own[..fitting].partition_point(|(other, ..)| other <= load) - 1;
            return Some(Choice { fits: true, at });
        }
        let (load, ..) = giver.own.get(weightless)?;
        let load = *load as f64;
        let nearer = giver.off(-load) + taker.off(load) + NOTHING < giver.off(0.0) + taker.off(0.0);
        // The last of those that weigh the same.
        let at = giver.own.partition_point(|(other, ..)| *other as f64 <= load) - 1;
        nearer.then_some(Choice { fits: false, at })
    }

    /// Who stays out of its band, and why.
    fn warnings(&self, masters: &[Owner<'_>]) -> Vec<String> {
        let mut warnings = Vec::new();
        for (side, (node, _)) in self.sides.iter().zip(masters) {
            if side.weight == 0.0 || side.off(0.0) <= NOTHING {
                continue;
            }
            let heaviest =
                side.own.last().filter(|(load, ..)| side.load > side.high && *load as f64 * 2.0 > side.load);
            warnings.push(match heaviest {
                Some((load, _, slot)) => format!(
                    "{} stays above its share: slot {slot} alone is {:.0} % of what it has, and a slot cannot be divided",
                    node.name(),
                    *load as f64 * 100.0 / side.load
                ),
                None => format!(
                    "{} stays {} its share by more than the threshold: no slot has the weight that would fit",
                    node.name(),
                    if side.load > side.high { "above" } else { "below" }
                ),
            });
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::rebalance::tests::{id, topology};
    use crate::plan::rebalance::{Wish, plan};
    use crate::topology::{Measure, Topology};

    /// Masters with so many slots, of which these have keys.
    fn with_keys(counts: &[usize], keys: &[(u16, u64)]) -> Topology {
        let mut topology = topology(counts);
        topology
            .slot_use
            .set(Measure::Keys, keys.iter().map(|(slot, keys)| (Slot::new(*slot).unwrap(), *keys)));
        topology
    }

    fn by_keys() -> Wish {
        Wish { by: Measure::Keys, ..Wish::default() }
    }

    fn moved(topology: &Topology, wish: &Wish) -> (Vec<(u16, u16, String)>, Vec<String>) {
        let plan = plan(topology, wish).unwrap();
        let part = |part: &Move| (part.source.address.port, part.target.address.port, part.slots.to_string());
        (plan.moves().map(part).collect(), plan.warnings)
    }

    #[test]
    fn the_fewest_slots_go_and_of_those_the_lightest_that_are_enough() {
        // 100 of 100 with the first, the second has nothing: the 40 goes, and then the 10 is enough.
        let topology = with_keys(&[8192, 8192], &[(0, 5), (1, 10), (2, 12), (3, 40), (4, 33)]);
        let (moves, warnings) = moved(&topology, &by_keys());
        assert_eq!((moves, warnings), (vec![(7001, 7002, "1 3".into())], vec![]));
    }

    #[test]
    fn a_slot_that_is_too_heavy_stays_where_it_is_and_is_named() {
        let topology = with_keys(&[6000, 6000, 4384], &[(0, 900), (1, 50), (2, 50), (6000, 20), (12000, 20)]);
        let (moves, warnings) = moved(&topology, &by_keys());
        assert_eq!(moves, [(7001, 7002, "2".to_owned()), (7001, 7003, "1".to_owned())]);
        assert!(
            warnings[0].contains("127.0.0.1:7001") && warnings[0].contains("slot 0 alone is 100 %"),
            "{warnings:?}"
        );
        assert_eq!(warnings.len(), 3, "the others stay below their share: {warnings:?}");
    }

    #[test]
    fn weight_zero_takes_all_slots_also_those_without_keys() {
        let topology = with_keys(&[8, 8188, 8188], &[(0, 7), (1, 3), (9000, 10), (200, 10)]);
        let wish = Wish { weights: [(id(1), 0.0)].into(), ..by_keys() };
        let (moves, _) = moved(&topology, &wish);
        assert_eq!(moves.len(), 2);
        let given: usize = plan(&topology, &wish).unwrap().moves().map(|part| part.slots.len()).sum();
        assert_eq!(given, 8);
    }

    #[test]
    fn weight_zero_takes_all_slots_though_shares_are_rounded() {
        // As floating point has it, 1.7 parts of 1.7 of these are a little less than all of them: so the second is above its band.
        const KEYS: u64 = 13;
        assert!(KEYS as f64 * 1.7 / 1.7 < KEYS as f64);
        let topology = with_keys(&[8192, 8192], &[(0, 5), (9000, KEYS - 5)]);
        let weights = [(id(1), 0.0), (id(2), 1.7)].into();
        let (moves, _) = moved(&topology, &Wish { weights, threshold_percent: 0.0, ..by_keys() });
        assert_eq!(moves, [(7001, 7002, "0-8191".to_owned())]);
    }

    #[test]
    fn slots_that_weigh_nothing_go_to_none_that_has_to_give() {
        // Of 220, 110 are each one's share and 55 to 165 its band. The first is emptied; the second, which has the fewest slots,
        // is above its band and must stay free to give.
        let heavy = (5000..5010).map(|slot| (slot, 20));
        let keys: Vec<(u16, u64)> = [(0, 10), (10000, 10)].into_iter().chain(heavy).collect();
        let topology = with_keys(&[5000, 5000, 6384], &keys);
        let wish = Wish { weights: [(id(1), 0.0)].into(), threshold_percent: 50.0, ..by_keys() };
        let (moves, _) = moved(&topology, &wish);
        let ways: Vec<(u16, u16)> = moves.iter().map(|(from, to, _)| (*from, *to)).collect();
        assert_eq!(ways, [(7001, 7003), (7002, 7003)]);
        assert_eq!(moves[0].2, "0-4999");
    }

    #[test]
    fn without_any_load_nothing_moves() {
        let (moves, warnings) = moved(&with_keys(&[16000, 384], &[]), &by_keys());
        assert_eq!((moves, warnings), (vec![], vec![]));
    }
}
