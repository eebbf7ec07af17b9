//! A sorted set: members in order of score, and of bytes where scores are equal.
//!
//! ```text
//! packed:     [ member score member score … ] in order                     one listpack
//! skiplist:   counted tree of runs of (score, member) in order, and table of pages member → score
//! ```
//!
//! What is reported as skiplist is a tree that knows how many are below each node. Everything that asks for a range, by
//! rank, score or member, is first turned into ranks; so one iterator, one removal and one count serve them all.
//!
//! It leaves the listpack for a member longer than `zset_max_listpack_value` or more members than
//! `zset_max_listpack_entries`, and never returns.

use super::counted_tree::CountedTree;
use super::pages::{Format, PageTable, Text, ValueSize};
use super::{Element, Encoding, Limits};
use crate::encoding::{Listpack, ListpackRef, Malformed};
use crate::prefetch::Step;
use rand::Rng;
use std::ops::Range;

mod add;
mod packed;
mod ranges;
mod ranked;
mod run;
mod view;

pub use add::{AddCondition, AddError, AddOutcome};
pub use ranges::{LexBound, LexRange, ScoreRange};
pub use view::SortedSetRef;

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
    /// Asks the cache for what a search for this member needs.
    #[inline]
    pub(crate) fn prefetch(&self, member: &[u8], step: Step) {
        if let Form::Ranked(ranked) = &self.0 {
            ranked.prefetch(member, step);
        }
    }

    pub fn new() -> SortedSet {
        SortedSet(Form::Packed(Listpack::new()))
    }

    /// An empty one that is to get so many members: if they are too many for a listpack, it does not begin as one.
    pub fn expecting(len: u64, limits: &Limits) -> SortedSet {
        let mut sorted_set = SortedSet::new();
        if len > limits.zset_max_listpack_entries as u64 {
            sorted_set.unpack(limits);
        }
        sorted_set
    }

    /// Of these, in any order, in the form that is right for them. `None` where a member comes twice. No score is NaN.
    pub(crate) fn of_members(mut members: Vec<(Element<'_>, f64)>, limits: &Limits) -> Option<SortedSet> {
        members.sort_unstable_by(|left, right| packed::order((left.1, left.0), (right.1, right.0)));
        let stays_packed = members.len() <= limits.zset_max_listpack_entries
            && !members.iter().any(|(member, _)| member.is_longer_than(limits.zset_max_listpack_value));
        if stays_packed && let Some(members) = packed::of_all(&members) {
            let has_duplicates = super::has_duplicates(members.iter().step_by(2));
            return (!has_duplicates).then_some(SortedSet(Form::Packed(members)));
        }
        let ranked = Ranked::of_all(limits.hash_seed, &members)?;
        Some(SortedSet(Form::Ranked(Box::new(ranked))))
    }

    /// From a listpack that came from outside. Too big a one is taken apart.
    pub fn from_listpack(members: Listpack, limits: &Limits) -> Result<SortedSet, Malformed> {
        let stays_packed = SortedSet::stays_packed(members.view(), limits)?;
        let mut sorted_set = SortedSet(Form::Packed(members));
        if !stays_packed {
            sorted_set.unpack(limits);
        }
        Ok(sorted_set)
    }

    /// Whether a listpack that came from outside may be a sorted set as it is.
    pub(crate) fn stays_packed(members: ListpackRef<'_>, limits: &Limits) -> Result<bool, Malformed> {
        packed::validate(members)?;
        let few = members.len() / 2 <= limits.zset_max_listpack_entries;
        Ok(few && !members.has_longer_than(limits.zset_max_listpack_value, 2))
    }

    /// From what [`into_packed`](Self::into_packed) gave.
    pub(crate) fn packed(members: Listpack) -> SortedSet {
        SortedSet(Form::Packed(members))
    }

    pub(crate) fn into_packed(self) -> Option<Listpack> {
        match self.0 {
            Form::Packed(members) => Some(members),
            _ => None,
        }
    }

    /// To read it.
    #[inline]
    pub fn view(&self) -> SortedSetRef<'_> {
        SortedSetRef::of(&self.0)
    }

    pub fn len(&self) -> usize {
        self.view().len()
    }

    pub fn is_empty(&self) -> bool {
        self.view().is_empty()
    }

    pub fn score(&self, member: &[u8]) -> Option<f64> {
        self.view().score(member)
    }

    pub fn encoding(&self) -> Encoding {
        self.view().encoding()
    }

    /// The score it had.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        match &mut self.0 {
            Form::Packed(members) => packed::remove(members, member),
            Form::Ranked(ranked) => ranked.remove(member),
        }
    }

    /// How many went.
    pub fn remove_ranks(&mut self, ranks: Range<usize>) -> usize {
        let ranks = self.view().within(ranks);
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

    /// Bytes allocated, about.
    pub fn memory_usage(&self) -> usize {
        match &self.0 {
            Form::Packed(members) => members.memory_usage(),
            Form::Ranked(ranked) => ranked.memory_usage(),
        }
    }

    fn pop_rank(&mut self, rank: usize) -> Option<(Vec<u8>, f64)> {
        let (member, score) = self.view().iter_ranks(rank..rank + 1).next()?;
        let member = member.to_vec();
        self.remove_ranks(rank..rank + 1);
        Some((member, score))
    }

    fn unpack(&mut self, limits: &Limits) {
        let mut ranked = Ranked::new(limits.hash_seed);
        for (member, score) in self.view().iter() {
            ranked.insert(score, member.as_bytes(&mut itoa::Buffer::new()));
        }
        self.0 = Form::Ranked(Box::new(ranked));
    }
}

impl std::fmt::Debug for SortedSet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.view().fmt(formatter)
    }
}

#[cfg(test)]
mod tests;
