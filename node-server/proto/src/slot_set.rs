//! Ranges of slots, and sets of slots as a bitmap of 16384 bits.
//!
//! The bitmap's byte order is the bus's: slot `s` is bit `s % 8` of byte `s / 8`.

use std::fmt;
use std::str::FromStr;

use crate::slot::{SLOT_COUNT, Slot};

const WORDS: usize = SLOT_COUNT / 64;

/// Slots from `start` to `end`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotRange {
    start: Slot,
    end: Slot,
}

impl SlotRange {
    /// `None` when `start` lies after `end`.
    pub fn new(start: Slot, end: Slot) -> Option<SlotRange> {
        (start <= end).then_some(SlotRange { start, end })
    }

    pub fn start(self) -> Slot {
        self.start
    }

    pub fn end(self) -> Slot {
        self.end
    }

    /// How many slots; at least one.
    pub fn count(self) -> usize {
        self.end.index() - self.start.index() + 1
    }

    pub fn contains(self, slot: Slot) -> bool {
        self.start <= slot && slot <= self.end
    }

    pub fn slots(self) -> impl DoubleEndedIterator<Item = Slot> {
        (self.start.number()..=self.end.number()).filter_map(Slot::new)
    }
}

/// `5` or `0-5460`, as in `CLUSTER NODES`.
impl fmt::Display for SlotRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.start == self.end {
            write!(f, "{}", self.start)
        } else {
            write!(f, "{}-{}", self.start, self.end)
        }
    }
}

/// A text that is no slot and no range of slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotRangeError(pub String);

impl fmt::Display for SlotRangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' is not a slot range: expected a slot as 42, or first-last as 0-5460", self.0)
    }
}

impl std::error::Error for SlotRangeError {}

impl FromStr for SlotRange {
    type Err = SlotRangeError;

    fn from_str(text: &str) -> Result<SlotRange, SlotRangeError> {
        let (start, end) = text.split_once('-').unwrap_or((text, text));
        match (start.parse(), end.parse()) {
            (Ok(start), Ok(end)) => SlotRange::new(start, end),
            _ => None,
        }
        .ok_or_else(|| SlotRangeError(text.to_owned()))
    }
}

/// A set of slots: 2 KiB, cheap to copy, combined word by word.
#[derive(Clone, PartialEq, Eq)]
pub struct SlotSet {
    words: [u64; WORDS],
}

impl Default for SlotSet {
    fn default() -> SlotSet {
        SlotSet::EMPTY
    }
}

impl SlotSet {
    pub const EMPTY: SlotSet = SlotSet { words: [0; WORDS] };
    pub const FULL: SlotSet = SlotSet { words: [u64::MAX; WORDS] };
    /// The bitmap's size in bytes, on the bus.
    pub const BYTES: usize = SLOT_COUNT / 8;

    pub(crate) fn words(&self) -> &[u64; WORDS] {
        &self.words
    }

    pub(crate) fn words_mut(&mut self) -> &mut [u64; WORDS] {
        &mut self.words
    }

    pub fn contains(&self, slot: Slot) -> bool {
        self.words[slot.index() / 64] >> (slot.index() % 64) & 1 == 1
    }

    /// True when `slot` was not in the set before.
    pub fn insert(&mut self, slot: Slot) -> bool {
        let before = self.contains(slot);
        self.words[slot.index() / 64] |= 1 << (slot.index() % 64);
        !before
    }

    /// True when `slot` was in the set before.
    pub fn remove(&mut self, slot: Slot) -> bool {
        let before = self.contains(slot);
        self.words[slot.index() / 64] &= !(1 << (slot.index() % 64));
        before
    }

    pub fn insert_range(&mut self, range: SlotRange) {
        range.slots().for_each(|slot| {
            self.insert(slot);
        });
    }

    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    pub fn union(&self, other: &SlotSet) -> SlotSet {
        self.zip(other, |a, b| a | b)
    }

    pub fn intersection(&self, other: &SlotSet) -> SlotSet {
        self.zip(other, |a, b| a & b)
    }

    pub fn difference(&self, other: &SlotSet) -> SlotSet {
        self.zip(other, |a, b| a & !b)
    }

    pub fn is_subset(&self, other: &SlotSet) -> bool {
        self.words.iter().zip(&other.words).all(|(a, b)| a & !b == 0)
    }

    fn zip(&self, other: &SlotSet, combine: impl Fn(u64, u64) -> u64) -> SlotSet {
        SlotSet { words: std::array::from_fn(|i| combine(self.words[i], other.words[i])) }
    }

    /// The slots in order.
    pub fn iter(&self) -> impl Iterator<Item = Slot> + '_ {
        self.words.iter().enumerate().flat_map(|(index, &word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                if rest == 0 {
                    return None;
                }
                let bit = rest.trailing_zeros() as usize;
                rest &= rest - 1;
                Slot::new((index * 64 + bit) as u16)
            })
        })
    }

    /// The fewest ranges that hold just these slots, in order.
    pub fn ranges(&self) -> Vec<SlotRange> {
        let mut ranges: Vec<SlotRange> = Vec::new();
        for slot in self.iter() {
            match ranges.last_mut() {
                Some(last) if last.end.index() + 1 == slot.index() => last.end = slot,
                _ => ranges.push(SlotRange { start: slot, end: slot }),
            }
        }
        ranges
    }

    /// The bus's bitmap.
    pub fn to_bytes(&self) -> [u8; SlotSet::BYTES] {
        let mut bytes = [0; SlotSet::BYTES];
        for (chunk, word) in bytes.chunks_exact_mut(8).zip(&self.words) {
            chunk.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// From the bus's bitmap.
    pub fn from_bytes(bytes: &[u8; SlotSet::BYTES]) -> SlotSet {
        let mut set = SlotSet::EMPTY;
        for (chunk, word) in bytes.chunks_exact(8).zip(&mut set.words) {
            *word = chunk.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        }
        set
    }
}

impl FromIterator<Slot> for SlotSet {
    fn from_iter<I: IntoIterator<Item = Slot>>(slots: I) -> SlotSet {
        let mut set = SlotSet::EMPTY;
        set.extend(slots);
        set
    }
}

impl FromIterator<SlotRange> for SlotSet {
    fn from_iter<I: IntoIterator<Item = SlotRange>>(ranges: I) -> SlotSet {
        ranges.into_iter().flat_map(SlotRange::slots).collect()
    }
}

impl Extend<Slot> for SlotSet {
    fn extend<I: IntoIterator<Item = Slot>>(&mut self, slots: I) {
        for slot in slots {
            self.insert(slot);
        }
    }
}

/// `0-5460 9000`, as in `CLUSTER NODES`; nothing for the empty set.
impl fmt::Display for SlotSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.ranges().into_iter().enumerate() {
            let space = if index > 0 { " " } else { "" };
            write!(f, "{space}{range}")?;
        }
        Ok(())
    }
}

/// What [`Display`](fmt::Display) writes.
impl FromStr for SlotSet {
    type Err = SlotRangeError;

    fn from_str(text: &str) -> Result<SlotSet, SlotRangeError> {
        text.split_whitespace().map(str::parse::<SlotRange>).collect()
    }
}

impl fmt::Debug for SlotSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SlotSet({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> SlotSet {
        text.split(' ')
            .filter(|part| !part.is_empty())
            .map(|part| part.parse::<SlotRange>().unwrap())
            .collect()
    }

    #[test]
    fn prints_the_fewest_ranges() {
        assert_eq!(set("3 0-1 2 16383 100-200").to_string(), "0-3 100-200 16383");
        assert_eq!(SlotSet::FULL.to_string(), "0-16383");
        for text in ["", "7", "0-3 100-200 16383"] {
            assert_eq!(text.parse::<SlotSet>().unwrap().to_string(), text, "and reads them");
        }
        assert!("0-3 x".parse::<SlotSet>().is_err());
        assert_eq!(SlotSet::EMPTY.to_string(), "");
    }

    #[test]
    fn bytes_are_in_the_bus_s_order() {
        let bytes = set("0 9 16383").to_bytes();
        assert_eq!((bytes[0], bytes[1], bytes[2047]), (0b1, 0b10, 0b1000_0000));
        assert_eq!(SlotSet::from_bytes(&bytes), set("0 9 16383"));
    }

    #[test]
    fn set_algebra() {
        let (a, b) = (set("0-10"), set("5-20"));
        assert_eq!(a.intersection(&b), set("5-10"));
        assert_eq!(a.difference(&b), set("0-4"));
        assert_eq!(a.union(&b), set("0-20"));
        assert!(set("6-7").is_subset(&a) && !b.is_subset(&a));
        assert_eq!(b.len(), 16);
    }

    #[test]
    fn refuses_what_is_no_range() {
        for bad in ["5-4", "1-", "-", "0-16384", "a-b", "1-2-3"] {
            assert!(bad.parse::<SlotRange>().is_err(), "{bad}");
        }
    }
}
