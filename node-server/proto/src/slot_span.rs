//! A set of slots in as few words as it spans: for the slots of one node of many, which lie close together as a rule.
//!
//! It is a [`SlotSet`]'s bitmap without the empty words at either end: 16 bytes of bits for the 16 slots of a master of a
//! thousand, 2 KiB only for slots that lie scattered all over.

use crate::{Slot, SlotSet};

#[derive(Clone, Default, PartialEq, Eq)]
pub struct SlotSpan {
    /// Which word of the whole bitmap `words` starts with; 0 for the empty set.
    first: u16,
    /// The first and the last are not 0.
    words: Box<[u64]>,
}

impl SlotSpan {
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    pub fn contains(&self, slot: Slot) -> bool {
        let place = (slot.index() / 64).checked_sub(usize::from(self.first));
        let word = place.and_then(|place| self.words.get(place)).copied();
        word.unwrap_or(0) >> (slot.index() % 64) & 1 == 1
    }

    /// True when `slot` was not in the set before.
    pub fn insert(&mut self, slot: Slot) -> bool {
        let (first, end) = (usize::from(self.first), usize::from(self.first) + self.words.len());
        let place = slot.index() / 64;
        if self.is_empty() {
            *self = SlotSpan { first: place as u16, words: Box::new([0]) };
        } else if place < first || place >= end {
            let (new_first, new_end) = (first.min(place), end.max(place + 1));
            let mut words = vec![0; new_end - new_first];
            words[first - new_first..end - new_first].copy_from_slice(&self.words);
            *self = SlotSpan { first: new_first as u16, words: words.into() };
        }
        let word = &mut self.words[place - usize::from(self.first)];
        let before = *word;
        *word |= 1 << (slot.index() % 64);
        *word != before
    }

    /// True when `slot` was in the set before.
    pub fn remove(&mut self, slot: Slot) -> bool {
        if !self.contains(slot) {
            return false;
        }
        self.words[slot.index() / 64 - usize::from(self.first)] &= !(1 << (slot.index() % 64));
        let is_used = |word: &u64| *word != 0;
        match (self.words.iter().position(is_used), self.words.iter().rposition(is_used)) {
            (Some(start), Some(last)) if last + 1 - start < self.words.len() => {
                let first = self.first + start as u16;
                *self = SlotSpan { first, words: self.words[start..=last].into() };
            }
            (Some(_), _) => {}
            (None, _) => *self = SlotSpan::default(),
        }
        true
    }

    /// Whether it holds just the slots of `set`.
    pub fn is(&self, set: &SlotSet) -> bool {
        let words = set.words();
        let (first, end) = (usize::from(self.first), usize::from(self.first) + self.words.len());
        let is_zero = |words: &[u64]| words.iter().fold(0, |all, word| all | word) == 0;
        words[first..end] == *self.words && is_zero(&words[..first]) && is_zero(&words[end..])
    }

    pub fn to_set(&self) -> SlotSet {
        let mut set = SlotSet::EMPTY;
        let first = usize::from(self.first);
        set.words_mut()[first..first + self.words.len()].copy_from_slice(&self.words);
        set
    }
}

impl std::fmt::Debug for SlotSpan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.to_set().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_set_of_the_same_slots(steps in prop::collection::vec((0..16384_u16, any::<bool>()), 0..60)) {
            let (mut span, mut set) = (SlotSpan::default(), SlotSet::EMPTY);
            for (number, adds) in steps {
                let slot = Slot::new(number % 700 * 23).unwrap();
                let (changed, expected) = match adds {
                    true => (span.insert(slot), set.insert(slot)),
                    false => (span.remove(slot), set.remove(slot)),
                };
                prop_assert_eq!(changed, expected);
                prop_assert!(span.is(&set));
                prop_assert_eq!(span.to_set(), set.clone());
                prop_assert_eq!(span.is_empty(), set.is_empty());
                prop_assert!(Slot::all().all(|slot| span.contains(slot) == set.contains(slot)));
                let mut other = set.clone();
                other.insert(Slot::MAX);
                prop_assert!(!span.is(&other) || set == other);
            }
        }
    }

    #[test]
    fn it_takes_no_more_than_it_spans() {
        let mut span = SlotSpan::default();
        for number in [1000, 1001, 1100, 63] {
            span.insert(Slot::new(number).unwrap());
        }
        assert_eq!(span.words.len(), 18);
        span.remove(Slot::new(63).unwrap());
        assert_eq!((span.first, span.words.len()), (15, 3));
    }
}
