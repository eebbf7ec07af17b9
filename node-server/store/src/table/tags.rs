//! The tag bytes of a segment: one byte a place, searched eight at a time with plain 64-bit arithmetic.
//!
//! ```text
//! 0000_0000   empty, and nothing was ever pushed past this place: a search stops here
//! 0000_0001   deleted: a search goes on
//! 1m hhhhhh   taken; h: six low bits of the entry's hash; m: the caller's mark (the keyspace marks keys that expire)
//! ```
//!
//! The mark lives here so that finding the marked entries reads one byte an entry and touches no entry.

/// How many tags one look covers.
pub(super) const GROUP: usize = 8;

pub(super) const EMPTY: u8 = 0;
pub(super) const DELETED: u8 = 1;
const TAKEN: u8 = 0x80;
const MARK: u8 = 0x40;
const HASH_BITS: u8 = 0x3f;

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

pub(super) fn tag_of(hash: u64) -> u8 {
    TAKEN | (hash as u8 & HASH_BITS)
}

pub(super) fn is_taken(tag: u8) -> bool {
    tag & TAKEN != 0
}

pub(super) fn is_marked(tag: u8) -> bool {
    tag & (TAKEN | MARK) == TAKEN | MARK
}

pub(super) fn with_mark(tag: u8, marked: bool) -> u8 {
    if marked { tag | MARK } else { tag & !MARK }
}

/// Eight tags, the first in the lowest byte.
#[derive(Clone, Copy)]
pub(super) struct Group(u64);

impl Group {
    /// The eight tags from `position` on. The slice is as long as the places plus `GROUP` mirrored tags.
    pub(super) fn load(tags: &[u8], position: usize) -> Group {
        match tags.get(position..).and_then(<[u8]>::first_chunk::<GROUP>) {
            Some(bytes) => Group(u64::from_le_bytes(*bytes)),
            None => Group(0),
        }
    }

    /// Places whose tag may be `tag`, the mark left aside. It may name a place wrongly (never miss one): a borrow
    /// runs from a true match into the byte above it. The entry's key decides.
    pub(super) fn matches(self, tag: u8) -> Hits {
        bytes_equal(self.0 & !(u64::from(MARK) * LOW), tag)
    }

    /// Places that are empty. Exact.
    pub(super) fn empties(self) -> Hits {
        // A byte is zero if neither its low seven bits carry into the high bit nor the high bit is set.
        Hits(!(((self.0 & !HIGH).wrapping_add(!HIGH)) | self.0) & HIGH)
    }

    /// Places that are empty or deleted. Exact: only taken tags have the high bit.
    pub(super) fn vacancies(self) -> Hits {
        Hits(!self.0 & HIGH)
    }

    pub(super) fn taken(self) -> Hits {
        Hits(self.0 & HIGH)
    }

    pub(super) fn marked(self) -> Hits {
        Hits(self.0 & (self.0 << 1) & HIGH)
    }
}

/// The bytes of a word, the first the lowest, that may be `byte`: it may name one wrongly, never miss one.
#[inline]
pub(crate) fn bytes_equal(word: u64, byte: u8) -> Hits {
    let unequal = word ^ (u64::from(byte) * LOW);
    Hits(unequal.wrapping_sub(LOW) & !unequal & HIGH)
}

/// The offsets in a group that a question hit, lowest first.
#[derive(Clone, Copy)]
pub(crate) struct Hits(u64);

impl Hits {
    pub(super) fn lowest(self) -> Option<usize> {
        (self.0 != 0).then(|| self.0.trailing_zeros() as usize / 8)
    }

    /// Only the hits before offset `end`.
    pub(super) fn before(self, end: usize) -> Hits {
        if end >= GROUP { self } else { Hits(self.0 & ((1u64 << (end * 8)) - 1)) }
    }
}

impl Iterator for Hits {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let lowest = self.lowest()?;
        self.0 &= self.0 - 1;
        Some(lowest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_tag() -> impl Strategy<Value = u8> {
        prop_oneof![Just(EMPTY), Just(DELETED), any::<u8>().prop_map(|byte| byte | TAKEN)]
    }

    proptest! {
        #[test]
        fn a_group_answers_as_a_byte_by_byte_look_would(tags in prop::array::uniform8(any_tag()), hash: u64) {
            let group = Group::load(&tags, 0);
            let places = |wanted: &dyn Fn(u8) -> bool| (0..GROUP).filter(|&i| wanted(tags[i])).collect::<Vec<_>>();
            prop_assert_eq!(group.empties().collect::<Vec<_>>(), places(&|tag| tag == EMPTY));
            prop_assert_eq!(group.vacancies().collect::<Vec<_>>(), places(&|tag| !is_taken(tag)));
            prop_assert_eq!(group.taken().collect::<Vec<_>>(), places(&is_taken));
            prop_assert_eq!(group.marked().collect::<Vec<_>>(), places(&is_marked));
            let found: Vec<_> = group.matches(tag_of(hash)).collect();
            for place in places(&|tag| with_mark(tag, false) == tag_of(hash)) {
                prop_assert!(found.contains(&place));
            }
        }
    }

    #[test]
    fn hits_can_be_cut() {
        let group = Group::load(&[EMPTY; 8], 0);
        assert_eq!(group.empties().before(3).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(group.empties().before(8).count(), 8);
        assert_eq!(group.empties().before(0).count(), 0);
    }
}
