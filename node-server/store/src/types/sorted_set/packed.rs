//! The packed form: `member score member score …` in one listpack, in order.
//!
//! A score is an integer where it is one (up to 2⁵³), else the shortest text that reads back as the same number.

use super::{Element, Listpack, Malformed, Range};
use crate::encoding::{ListpackRef, listpack};
use rcl_proto::resp::format_double;
use std::cmp::Ordering;

/// Beyond this not every integer is a double.
const EXACT_INTEGERS: f64 = (1i64 << 53) as f64;

pub(super) fn score(members: ListpackRef<'_>, member: &[u8]) -> Option<f64> {
    let position = members.find(members.first(), member, 2)?;
    read_score(members.get(members.next(position)?))
}

pub(super) fn remove(members: &mut Listpack, member: &[u8]) -> Option<f64> {
    let position = members.find(members.first(), member, 2)?;
    let score = read_score(members.get(members.next(position)?));
    members.remove(position, 2);
    score
}

/// Inserts a member that is not there.
pub(super) fn insert(members: &mut Listpack, score: f64, member: &[u8]) {
    let place = iter(members.view()).position(|(other, other_score)| {
        order((other_score, other), (score, Element::Bytes(member))).is_gt()
    });
    let position = place.and_then(|rank| members.seek(2 * rank)).unwrap_or(members.end());
    // The score first: the member then goes before it, at the same position.
    match exact_integer(score) {
        Some(number) => members.insert_element(position, Element::Int(number)),
        None => {
            let mut text = Vec::new();
            format_double(score, &mut text);
            members.insert(position, &text);
        }
    }
    members.insert(position, member);
}

/// Of these, which are in order. `None` where that would be too long.
pub(super) fn of_all(members: &[(Element<'_>, f64)]) -> Option<Listpack> {
    let text = |score: f64| {
        let mut text = Vec::new();
        if exact_integer(score).is_none() {
            format_double(score, &mut text);
        }
        text
    };
    let texts: Vec<Vec<u8>> = members.iter().map(|(_, score)| text(*score)).collect();
    Listpack::of_all(members.iter().zip(&texts).flat_map(|((member, score), text)| {
        [*member, exact_integer(*score).map_or(Element::Bytes(text), Element::Int)]
    }))
}

fn exact_integer(score: f64) -> Option<i64> {
    (score.abs() < EXACT_INTEGERS && score.fract() == 0.0).then_some(score as i64)
}

pub(super) fn iter(members: ListpackRef<'_>) -> Pairs<'_> {
    Pairs(members.iter())
}

pub(super) fn iter_ranks(members: ListpackRef<'_>, ranks: Range<usize>) -> Pairs<'_> {
    let position = |rank: usize| members.seek(2 * rank).unwrap_or(members.end());
    Pairs(members.iter_between(position(ranks.start), position(ranks.end)))
}

pub(super) struct Pairs<'a>(listpack::Iter<'a>);

impl<'a> Iterator for Pairs<'a> {
    type Item = (Element<'a>, f64);

    fn next(&mut self) -> Option<Self::Item> {
        let member = self.0.next()?;
        Some((member, read_score(self.0.next()?)?))
    }
}

impl<'a> DoubleEndedIterator for Pairs<'a> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let score = read_score(self.0.next_back()?)?;
        Some((self.0.next_back()?, score))
    }
}

fn read_score(element: Element<'_>) -> Option<f64> {
    match element {
        Element::Int(number) => Some(number as f64),
        Element::Bytes(text) => {
            let score: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
            (!score.is_nan()).then_some(score)
        }
    }
}

pub(super) fn order(left: (f64, Element<'_>), right: (f64, Element<'_>)) -> Ordering {
    let (mut left_buffer, mut right_buffer) = (itoa::Buffer::new(), itoa::Buffer::new());
    left.0
        .partial_cmp(&right.0)
        .unwrap_or(Ordering::Equal)
        .then_with(|| left.1.as_bytes(&mut left_buffer).cmp(right.1.as_bytes(&mut right_buffer)))
}

/// What other code relies on: whole pairs, scores that are numbers, in order, no member twice.
pub(super) fn validate(members: ListpackRef<'_>) -> Result<(), Malformed> {
    let malformed = |expected| Err(Malformed { offset: 0, expected });
    if !members.len().is_multiple_of(2) {
        return malformed("a sorted set of whole pairs");
    }
    let (mut elements, mut before) = (members.iter(), None);
    while let (Some(member), Some(score)) = (elements.next(), elements.next()) {
        let Some(score) = read_score(score) else {
            return malformed("a sorted set whose scores are numbers");
        };
        if before.is_some_and(|before| order(before, (score, member)).is_ge()) {
            return malformed("a sorted set in order");
        }
        before = Some((score, member));
    }
    if crate::types::has_duplicates(members.iter().step_by(2)) {
        return malformed("a sorted set without duplicate members");
    }
    Ok(())
}
