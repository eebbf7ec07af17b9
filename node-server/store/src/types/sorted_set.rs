//! SKELETON: the signatures; bodies follow.
#![allow(clippy::unimplemented, unused_variables)]
use super::{Element, Encoding, Limits};
use rand::Rng;
use std::ops::{Bound, Range};

/// ZADD's conditions. All false: add or update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddCondition {
    /// NX
    pub only_new: bool,
    /// XX
    pub only_existing: bool,
    /// GT
    pub only_greater: bool,
    /// LT
    pub only_less: bool,
    /// INCR, ZINCRBY: the score given is added to the one there.
    pub increment: bool,
}

/// What ZADD did with one member; with the score it has now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AddOutcome {
    Added(f64),
    Updated(f64),
    Unchanged(f64),
    /// A condition forbade it.
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddError {
    /// The score given, or the sum, is not a number.
    NotANumber,
}

/// `-inf`, `(1.5`, `3`: what ZRANGEBYSCORE takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreRange {
    pub min: Bound<f64>,
    pub max: Bound<f64>,
}

impl ScoreRange {
    /// `None` where Redis says "min or max is not a float".
    pub fn parse(min: &[u8], max: &[u8]) -> Option<ScoreRange> {
        unimplemented!()
    }
}

/// One end of a lexicographical range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LexBound<'a> {
    /// `-`
    Lowest,
    /// `+`
    Highest,
    /// `[member`
    Inclusive(&'a [u8]),
    /// `(member`
    Exclusive(&'a [u8]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LexRange<'a> {
    pub min: LexBound<'a>,
    pub max: LexBound<'a>,
}

impl<'a> LexRange<'a> {
    /// `None` where Redis says "min or max not valid string range item".
    pub fn parse(min: &'a [u8], max: &'a [u8]) -> Option<LexRange<'a>> {
        unimplemented!()
    }
}

#[derive(Clone, Debug, Default)]
pub struct SortedSet {}

impl SortedSet {
    pub fn new() -> SortedSet {
        SortedSet::default()
    }
    pub fn len(&self) -> usize {
        unimplemented!()
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    pub fn add(
        &mut self,
        score: f64,
        member: &[u8],
        condition: AddCondition,
        limits: &Limits,
    ) -> Result<AddOutcome, AddError> {
        unimplemented!()
    }
    /// The score it had.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        unimplemented!()
    }
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        unimplemented!()
    }
    /// Rank from the lowest score, and the score. From the highest: `len() - 1 - rank`.
    pub fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        unimplemented!()
    }
    /// ZRANGE's bounds (inclusive, negative from the end) as ranks, clamped.
    pub fn ranks(&self, start: i64, stop: i64) -> Range<usize> {
        unimplemented!()
    }
    /// The ranks of the members in a score range; its length is ZCOUNT.
    pub fn ranks_by_score(&self, range: &ScoreRange) -> Range<usize> {
        unimplemented!()
    }
    /// The ranks of the members in a lexicographical range (all scores equal); its length is ZLEXCOUNT.
    pub fn ranks_by_lex(&self, range: &LexRange<'_>) -> Range<usize> {
        unimplemented!()
    }
    /// The members of these ranks in order; `.rev()` for the reverse. LIMIT is a narrower range.
    pub fn iter_ranks(&self, ranks: Range<usize>) -> impl DoubleEndedIterator<Item = (Element<'_>, f64)> {
        let _ = ranks;
        std::iter::empty()
    }
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Element<'_>, f64)> {
        self.iter_ranks(0..self.len())
    }
    /// How many went.
    pub fn remove_ranks(&mut self, ranks: Range<usize>) -> usize {
        unimplemented!()
    }
    pub fn pop_lowest(&mut self) -> Option<(Vec<u8>, f64)> {
        unimplemented!()
    }
    pub fn pop_highest(&mut self) -> Option<(Vec<u8>, f64)> {
        unimplemented!()
    }
    pub fn random(&self, rng: &mut dyn Rng) -> Option<(Element<'_>, f64)> {
        unimplemented!()
    }
    /// Up to `count` distinct members.
    pub fn random_distinct(&self, count: usize, rng: &mut dyn Rng) -> Vec<(Element<'_>, f64)> {
        unimplemented!()
    }
    /// About `count` members from `cursor` on; the next cursor, 0 at the end. A packed sorted set comes whole.
    pub fn scan(&self, cursor: u64, count: usize, visit: &mut dyn FnMut(Element<'_>, f64)) -> u64 {
        unimplemented!()
    }
    pub fn encoding(&self) -> Encoding {
        unimplemented!()
    }
    pub fn memory_usage(&self) -> usize {
        unimplemented!()
    }
}
