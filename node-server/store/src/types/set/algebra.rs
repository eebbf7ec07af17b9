//! Intersection, union and difference of sets.

use super::{Limits, Set, SetRef};
use crate::types::Element;

impl Set {
    /// Visits what is in all of `sets`, until `visit` says false (SINTERCARD's LIMIT). Walks the smallest set and asks the
    /// others, the next smallest first.
    pub fn intersection(sets: &[SetRef<'_>], visit: &mut dyn FnMut(Element<'_>) -> bool) {
        let mut sets = sets.to_vec();
        sets.sort_by_key(|set| set.len());
        let Some((smallest, others)) = sets.split_first() else { return };
        for member in smallest.iter() {
            if others.iter().all(|set| set.contains_element(member)) && !visit(member) {
                return;
            }
        }
    }

    pub fn union(sets: &[SetRef<'_>], limits: &Limits) -> Set {
        let mut union = Set::new();
        for set in sets {
            union.add_all(set.iter(), limits);
        }
        union
    }

    /// What is in the first of `sets` and in no other.
    ///
    /// Either asks the others about each member of the first, or takes the members of the others out of a copy, whichever
    /// touches fewer members. (Asking may end early, so it counts half, as Redis has it.)
    pub fn difference(sets: &[SetRef<'_>], limits: &Limits) -> Set {
        let mut difference = Set::new();
        let Some((first, others)) = sets.split_first() else { return difference };
        let asking = first.len().saturating_mul(sets.len()) / 2;
        let taking = sets.iter().map(|set| set.len()).sum();
        if asking <= taking {
            let in_no_other = |member: &Element<'_>| !others.iter().any(|set| set.contains_element(*member));
            difference.add_all(first.iter().filter(in_no_other), limits);
        } else {
            difference.add_all(first.iter(), limits);
            for member in others.iter().flat_map(|set| set.iter()) {
                difference.remove(member.as_bytes(&mut itoa::Buffer::new()));
            }
        }
        difference
    }

    fn add_all<'a>(&mut self, members: impl Iterator<Item = Element<'a>>, limits: &Limits) {
        for member in members {
            self.add(member.as_bytes(&mut itoa::Buffer::new()), limits);
        }
    }
}
