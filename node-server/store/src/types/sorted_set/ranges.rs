//! Ranges by score and by member, as texts and as ranks.

use super::view::FormRef;
use super::{Element, SortedSetRef, packed};
use crate::types::parse_hexadecimal;
use std::ops::{Bound, Range};

/// `-inf`, `(1.5`, `3`: what ZRANGEBYSCORE takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreRange {
    pub min: Bound<f64>,
    pub max: Bound<f64>,
}

impl ScoreRange {
    /// From `min` to just below `end`.
    pub fn half_open(min: f64, end: f64) -> ScoreRange {
        ScoreRange { min: Bound::Included(min), max: Bound::Excluded(end) }
    }

    /// `None` where Redis says "min or max is not a float".
    pub fn parse(min: &[u8], max: &[u8]) -> Option<ScoreRange> {
        Some(ScoreRange { min: parse_score_bound(min)?, max: parse_score_bound(max)? })
    }
}

/// Redis reads with strtod, which skips spaces in front and takes nothing for 0.
fn parse_score_bound(text: &[u8]) -> Option<Bound<f64>> {
    let (exclusive, text) = match text {
        [b'(', rest @ ..] => (true, rest),
        text => (false, text),
    };
    let score: f64 = match text {
        [] => 0.0,
        text => {
            let text = std::str::from_utf8(text.trim_ascii_start()).ok()?;
            parse_hexadecimal(text).or_else(|| text.parse().ok())?
        }
    };
    match (score.is_nan(), exclusive) {
        (true, _) => None,
        (_, true) => Some(Bound::Excluded(score)),
        _ => Some(Bound::Included(score)),
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
        Some(LexRange { min: LexBound::parse(min)?, max: LexBound::parse(max)? })
    }
}

impl<'a> LexBound<'a> {
    fn parse(text: &'a [u8]) -> Option<LexBound<'a>> {
        match text {
            b"-" => Some(LexBound::Lowest),
            b"+" => Some(LexBound::Highest),
            [b'[', member @ ..] => Some(LexBound::Inclusive(member)),
            [b'(', member @ ..] => Some(LexBound::Exclusive(member)),
            _ => None,
        }
    }

    /// Whether `member` is below a range that begins here.
    fn is_above(&self, member: &[u8]) -> bool {
        match *self {
            LexBound::Lowest => false,
            LexBound::Highest => true,
            LexBound::Inclusive(bound) => member < bound,
            LexBound::Exclusive(bound) => member <= bound,
        }
    }

    /// Whether `member` is within a range that ends here.
    fn reaches(&self, member: &[u8]) -> bool {
        match *self {
            LexBound::Lowest => false,
            LexBound::Highest => true,
            LexBound::Inclusive(bound) => member <= bound,
            LexBound::Exclusive(bound) => member < bound,
        }
    }
}

impl SortedSetRef<'_> {
    /// The ranks of the members in a score range; its length is ZCOUNT.
    pub fn ranks_by_score(self, range: &ScoreRange) -> Range<usize> {
        let start = self.count_where(|score, _| match range.min {
            Bound::Included(min) => score < min,
            Bound::Excluded(min) => score <= min,
            Bound::Unbounded => false,
        });
        let end = self.count_where(|score, _| match range.max {
            Bound::Included(max) => score <= max,
            Bound::Excluded(max) => score < max,
            Bound::Unbounded => true,
        });
        start..end.max(start)
    }

    /// The ranks of the members in a lexicographical range; its length is ZLEXCOUNT. Means something only where all
    /// scores are equal, as in Redis.
    pub fn ranks_by_lex(self, range: &LexRange<'_>) -> Range<usize> {
        let start = self.count_where(|_, member| range.min.is_above(member));
        let end = self.count_where(|_, member| range.max.reaches(member));
        start..end.max(start)
    }

    /// How many come before the first for which `precedes` does not hold.
    fn count_where(self, precedes: impl Fn(f64, &[u8]) -> bool) -> usize {
        let in_packed = |(member, score): &(Element<'_>, f64)| {
            precedes(*score, member.as_bytes(&mut itoa::Buffer::new()))
        };
        match self.0 {
            FormRef::Packed(members) => packed::iter(members).take_while(in_packed).count(),
            FormRef::Ranked(ranked) => ranked.count_where(|scored| precedes(scored.score(), scored.member())),
        }
    }
}
