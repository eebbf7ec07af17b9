//! A sorted set: members in order of score, and of bytes where scores are equal.
//!
//! ```text
//! packed:     [ member score member score … ] in order                     one listpack
//! skiplist:   counted tree of (score, member) in order, and hash table member → score, sharing the member's bytes
//! ```
//!
//! What is reported as skiplist is a tree that knows how many are below each node. Everything that asks for a range, by
//! rank, score or member, is first turned into ranks; so one iterator, one removal and one count serve them all.
//!
//! It leaves the listpack for a member longer than `zset_max_listpack_value` or more members than
//! `zset_max_listpack_entries`, and never returns.

use super::counted_tree::{CountedTree, Item};
use super::member_table::{Keyed, MemberTable};
use super::sampling::{Selection, below};
use super::{Element, Encoding, Limits};
use crate::encoding::{Listpack, Malformed};
use rand::Rng;
use std::ops::Range;
use std::sync::Arc;

mod add;
mod packed;
mod ranges;
mod ranked;

pub use add::{AddCondition, AddError, AddOutcome};
pub use ranges::{LexBound, LexRange, ScoreRange};

use ranked::Ranked;

#[derive(Clone)]
pub struct SortedSet(Form);

#[derive(Clone)]
enum Form {
    Packed(Listpack),
    Ranked(Box<Ranked>),
}

impl Default for SortedSet {
    fn default() -> SortedSet {
        SortedSet::new()
    }
}

impl SortedSet {
    pub fn new() -> SortedSet {
        SortedSet(Form::Packed(Listpack::new()))
    }

    /// From a listpack that came from outside. Too big a one is taken apart.
    pub fn from_listpack(members: Listpack, limits: &Limits) -> Result<SortedSet, Malformed> {
        packed::validate(&members)?;
        let long = packed::iter(&members).any(|(member, _)| member.len() > limits.zset_max_listpack_value);
        let many = members.len() / 2 > limits.zset_max_listpack_entries;
        let mut sorted_set = SortedSet(Form::Packed(members));
        if long || many {
            sorted_set.unpack(limits);
        }
        Ok(sorted_set)
    }

    /// The packed form, as DUMP and RDB write it.
    pub fn as_listpack(&self) -> Option<&Listpack> {
        match &self.0 {
            Form::Packed(members) => Some(members),
            Form::Ranked(_) => None,
        }
    }

    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Packed(members) => members.len() / 2,
            Form::Ranked(ranked) => ranked.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The score it had.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        match &mut self.0 {
            Form::Packed(members) => packed::remove(members, member),
            Form::Ranked(ranked) => ranked.remove(member),
        }
    }

    pub fn score(&self, member: &[u8]) -> Option<f64> {
        match &self.0 {
            Form::Packed(members) => packed::score(members, member),
            Form::Ranked(ranked) => ranked.score(member),
        }
    }

    /// Rank from the lowest score, and the score. From the highest: `len() - 1 - rank`.
    pub fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        match &self.0 {
            Form::Packed(members) => {
                let found = packed::iter(members).enumerate().find(|(_, (other, _))| other.equals(member));
                found.map(|(rank, (_, score))| (rank, score))
            }
            Form::Ranked(ranked) => ranked.rank(member),
        }
    }

    /// ZRANGE's bounds (inclusive, negative from the end) as ranks, clamped.
    pub fn ranks(&self, start: i64, stop: i64) -> Range<usize> {
        super::clamp_range(start, stop, self.len())
    }

    /// The members of these ranks in order; `.rev()` for the reverse. LIMIT is a narrower range.
    pub fn iter_ranks(&self, ranks: Range<usize>) -> impl DoubleEndedIterator<Item = (Element<'_>, f64)> {
        let ranks = self.within(ranks);
        let (packed, ranked) = match &self.0 {
            Form::Packed(members) => (Some(packed::iter_ranks(members, ranks)), None),
            Form::Ranked(ranked) => (None, Some(ranked.iter_ranks(ranks))),
        };
        packed.into_iter().flatten().chain(ranked.into_iter().flatten())
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Element<'_>, f64)> {
        self.iter_ranks(0..self.len())
    }

    /// How many went.
    pub fn remove_ranks(&mut self, ranks: Range<usize>) -> usize {
        let ranks = self.within(ranks);
        let removed = ranks.len();
        match &mut self.0 {
            Form::Packed(members) => {
                if let Some(position) = members.seek(2 * ranks.start) {
                    members.remove(position, 2 * removed);
                }
            }
            Form::Ranked(ranked) => (0..removed).for_each(|_| ranked.remove_rank(ranks.start)),
        }
        removed
    }

    pub fn pop_lowest(&mut self) -> Option<(Vec<u8>, f64)> {
        self.pop_rank(0)
    }

    pub fn pop_highest(&mut self) -> Option<(Vec<u8>, f64)> {
        self.pop_rank(self.len().checked_sub(1)?)
    }

    pub fn random(&self, rng: &mut dyn Rng) -> Option<(Element<'_>, f64)> {
        if self.is_empty() {
            return None;
        }
        let rank = below(self.len(), rng);
        self.iter_ranks(rank..rank + 1).next()
    }

    /// Up to `count` distinct members.
    pub fn random_distinct(&self, count: usize, rng: &mut dyn Rng) -> Vec<(Element<'_>, f64)> {
        match &self.0 {
            Form::Packed(members) => {
                let mut selection = Selection::new(count, self.len());
                packed::iter(members).filter(|_| selection.takes(rng)).collect()
            }
            Form::Ranked(ranked) => ranked.random_distinct(count, rng),
        }
    }

    /// About `count` members from `cursor` on; the next cursor, 0 at the end. A packed sorted set comes whole.
    pub fn scan(&self, cursor: u64, count: usize, visit: &mut dyn FnMut(Element<'_>, f64)) -> u64 {
        match &self.0 {
            Form::Packed(members) => {
                packed::iter(members).for_each(|(member, score)| visit(member, score));
                0
            }
            Form::Ranked(ranked) => ranked.scan(cursor, count, visit),
        }
    }

    pub fn encoding(&self) -> Encoding {
        match self.0 {
            Form::Packed(_) => Encoding::Listpack,
            Form::Ranked(_) => Encoding::Skiplist,
        }
    }

    /// Bytes allocated, about.
    pub fn memory_usage(&self) -> usize {
        match &self.0 {
            Form::Packed(members) => members.memory_usage(),
            Form::Ranked(ranked) => ranked.memory_usage(),
        }
    }

    fn pop_rank(&mut self, rank: usize) -> Option<(Vec<u8>, f64)> {
        let (member, score) = self.iter_ranks(rank..rank + 1).next()?;
        let member = member.to_vec();
        self.remove_ranks(rank..rank + 1);
        Some((member, score))
    }

    fn within(&self, ranks: Range<usize>) -> Range<usize> {
        let end = ranks.end.min(self.len());
        ranks.start.min(end)..end
    }

    fn unpack(&mut self, limits: &Limits) {
        let mut ranked = Ranked::new(limits.hash_seed);
        for (member, score) in self.iter() {
            ranked.insert(score, member.as_bytes(&mut itoa::Buffer::new()));
        }
        self.0 = Form::Ranked(Box::new(ranked));
    }
}

impl std::fmt::Debug for SortedSet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests;
