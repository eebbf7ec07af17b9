//! Reading a sorted set, wherever it lies: in a [`SortedSet`](super::SortedSet), or packed in an entry's own allocation.

use super::ranked::Ranked;
use super::{Form, packed};
use crate::encoding::ListpackRef;
use crate::types::sampling::{Selection, below};
use crate::types::{Element, Encoding};
use rand::Rng;
use std::ops::Range;

/// A borrowed sorted set.
#[derive(Clone, Copy)]
pub struct SortedSetRef<'a>(pub(super) FormRef<'a>);

#[derive(Clone, Copy)]
pub(super) enum FormRef<'a> {
    Packed(ListpackRef<'a>),
    Ranked(&'a Ranked),
}

impl<'a> SortedSetRef<'a> {
    #[inline]
    pub(super) fn of(form: &'a Form) -> SortedSetRef<'a> {
        SortedSetRef(match form {
            Form::Packed(members) => FormRef::Packed(members.view()),
            Form::Ranked(ranked) => FormRef::Ranked(ranked),
        })
    }

    /// Of what [`as_listpack`](Self::as_listpack) gave.
    pub(crate) fn packed(members: ListpackRef<'a>) -> SortedSetRef<'a> {
        SortedSetRef(FormRef::Packed(members))
    }

    /// The packed form, as DUMP and RDB write it.
    pub fn as_listpack(self) -> Option<ListpackRef<'a>> {
        match self.0 {
            FormRef::Packed(members) => Some(members),
            FormRef::Ranked(_) => None,
        }
    }

    pub fn len(self) -> usize {
        match self.0 {
            FormRef::Packed(members) => members.len() / 2,
            FormRef::Ranked(ranked) => ranked.len(),
        }
    }

    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    pub fn score(self, member: &[u8]) -> Option<f64> {
        match self.0 {
            FormRef::Packed(members) => packed::score(members, member),
            FormRef::Ranked(ranked) => ranked.score(member),
        }
    }

    /// Rank from the lowest score, and the score. From the highest: `len() - 1 - rank`.
    pub fn rank(self, member: &[u8]) -> Option<(usize, f64)> {
        match self.0 {
            FormRef::Packed(members) => {
                let found = packed::iter(members).enumerate().find(|(_, (other, _))| other.equals(member));
                found.map(|(rank, (_, score))| (rank, score))
            }
            FormRef::Ranked(ranked) => ranked.rank(member),
        }
    }

    /// ZRANGE's bounds (inclusive, negative from the end) as ranks, clamped.
    pub fn ranks(self, start: i64, stop: i64) -> Range<usize> {
        crate::types::clamp_range(start, stop, self.len())
    }

    /// The members of these ranks in order; `.rev()` for the reverse. LIMIT is a narrower range.
    pub fn iter_ranks(self, ranks: Range<usize>) -> impl DoubleEndedIterator<Item = (Element<'a>, f64)> {
        let ranks = self.within(ranks);
        let (packed, ranked) = match self.0 {
            FormRef::Packed(members) => (Some(packed::iter_ranks(members, ranks)), None),
            FormRef::Ranked(ranked) => (None, Some(ranked.iter_ranks(ranks))),
        };
        packed.into_iter().flatten().chain(ranked.into_iter().flatten())
    }

    pub fn iter(self) -> impl DoubleEndedIterator<Item = (Element<'a>, f64)> {
        self.iter_ranks(0..self.len())
    }

    pub fn random(self, rng: &mut dyn Rng) -> Option<(Element<'a>, f64)> {
        if self.is_empty() {
            return None;
        }
        let rank = below(self.len(), rng);
        self.iter_ranks(rank..rank + 1).next()
    }

    /// Up to `count` distinct members.
    pub fn random_distinct(self, count: usize, rng: &mut dyn Rng) -> Vec<(Element<'a>, f64)> {
        match self.0 {
            FormRef::Packed(members) => {
                let mut selection = Selection::new(count, self.len());
                packed::iter(members).filter(|_| selection.takes(rng)).collect()
            }
            FormRef::Ranked(ranked) => ranked.random_distinct(count, rng),
        }
    }

    /// About `count` members from `cursor` on; the next cursor, 0 at the end. A packed sorted set comes whole.
    pub fn scan(self, cursor: u64, count: usize, visit: &mut dyn FnMut(Element<'_>, f64)) -> u64 {
        match self.0 {
            FormRef::Packed(members) => {
                packed::iter(members).for_each(|(member, score)| visit(member, score));
                0
            }
            FormRef::Ranked(ranked) => ranked.scan(cursor, count, visit),
        }
    }

    pub fn encoding(self) -> Encoding {
        match self.0 {
            FormRef::Packed(_) => Encoding::Listpack,
            FormRef::Ranked(_) => Encoding::Skiplist,
        }
    }

    pub(super) fn within(self, ranks: Range<usize>) -> Range<usize> {
        let end = ranks.end.min(self.len());
        ranks.start.min(end)..end
    }
}

impl std::fmt::Debug for SortedSetRef<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_map().entries(self.iter()).finish()
    }
}
