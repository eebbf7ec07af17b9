//! Union, intersection and difference of sorted sets and sets, with weights and an aggregate of the scores.
//!
//! A member of a plain set has the score 1. Where infinities make a score that is no number, it is 0, as Redis has it.
//! Scores are added up from the smallest source to the largest, so that rounding comes out as there.

use foldhash::HashMap;

use rcl_store::entry::Entry;
use rcl_store::types::{AddCondition, Element, Limits, SetRef, SortedSet, SortedSetRef, ValueRef};

use crate::command::CommandError;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Aggregate {
    #[default]
    Sum,
    Min,
    Max,
}

impl Aggregate {
    fn of(self, left: f64, right: f64) -> f64 {
        match self {
            Aggregate::Sum => number_or_zero(left + right),
            Aggregate::Min => {
                if right < left {
                    right
                } else {
                    left
                }
            }
            Aggregate::Max => {
                if right > left {
                    right
                } else {
                    left
                }
            }
        }
    }
}

/// One of the keys that a command combines.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    members: Members<'a>,
    pub weight: f64,
}

#[derive(Clone, Copy, Debug)]
enum Members<'a> {
    None,
    Set(SetRef<'a>),
    SortedSet(SortedSetRef<'a>),
}

impl<'a> Source<'a> {
    pub fn may_be(value: ValueRef<'_>) -> bool {
        matches!(value, ValueRef::Set(_) | ValueRef::SortedSet(_))
    }

    /// A key of another type is an error.
    pub fn new(entry: Option<&'a Entry>) -> Result<Source<'a>, CommandError> {
        let members = match entry.map(Entry::value) {
            None => Members::None,
            Some(ValueRef::Set(set)) => Members::Set(set),
            Some(ValueRef::SortedSet(sorted_set)) => Members::SortedSet(sorted_set),
            Some(_) => return Err(CommandError::WRONG_TYPE),
        };
        Ok(Source { members, weight: 1.0 })
    }

    fn len(&self) -> usize {
        match self.members {
            Members::None => 0,
            Members::Set(set) => set.len(),
            Members::SortedSet(sorted_set) => sorted_set.len(),
        }
    }

    fn score(&self, member: &[u8]) -> Option<f64> {
        match self.members {
            Members::None => None,
            Members::Set(set) => set.contains(member).then_some(1.0),
            Members::SortedSet(sorted_set) => sorted_set.score(member),
        }
    }

    /// Until `visit` says false.
    fn visit(&self, visit: &mut dyn FnMut(Element<'a>, f64) -> bool) {
        match self.members {
            Members::None => {}
            Members::Set(set) => {
                set.iter().all(|member| visit(member, 1.0));
            }
            Members::SortedSet(sorted_set) => {
                sorted_set.iter().all(|(member, score)| visit(member, score));
            }
        }
    }
}

/// What is in any source.
pub fn union(mut sources: Vec<Source<'_>>, aggregate: Aggregate, limits: &Limits) -> SortedSet {
    sources.sort_by_key(Source::len);
    let mut scores: HashMap<Vec<u8>, f64> = HashMap::default();
    for source in &sources {
        source.visit(&mut |member, score| {
            let score = number_or_zero(source.weight * score);
            scores.entry(member.to_vec()).and_modify(|sum| *sum = aggregate.of(*sum, score)).or_insert(score);
            true
        });
    }
    let mut result = SortedSet::new();
    scores.iter().for_each(|(member, score)| insert(&mut result, member, *score, limits));
    result
}

/// What is in all sources.
pub fn intersection(sources: Vec<Source<'_>>, aggregate: Aggregate, limits: &Limits) -> SortedSet {
    let mut result = SortedSet::new();
    visit_common(sources, aggregate, &mut |member, score| {
        insert(&mut result, member, score, limits);
        true
    });
    result
}

/// How many members are in all sources, counted up to `limit` (0: to the end).
pub fn count_intersection(sources: Vec<Source<'_>>, limit: u64) -> u64 {
    let mut count = 0;
    visit_common(sources, Aggregate::Sum, &mut |_, _| {
        count += 1;
        count != limit
    });
    count
}

/// Walks the smallest source and asks the others.
fn visit_common(
    mut sources: Vec<Source<'_>>,
    aggregate: Aggregate,
    visit: &mut dyn FnMut(&[u8], f64) -> bool,
) {
    sources.sort_by_key(Source::len);
    let Some((smallest, others)) = sources.split_first() else { return };
    smallest.visit(&mut |member, score| {
        let mut buffer = itoa::Buffer::new();
        let member = member.as_bytes(&mut buffer);
        let mut score = number_or_zero(smallest.weight * score);
        for other in others {
            let Some(found) = other.score(member) else { return true };
            score = aggregate.of(score, other.weight * found);
        }
        visit(member, score)
    });
}

/// What is in the first source and in no other. Either asks the others about each of its members, or takes theirs out of it,
/// whichever touches fewer.
pub fn difference(sources: &[Source<'_>], limits: &Limits) -> SortedSet {
    let mut result = SortedSet::new();
    let Some((first, others)) = sources.split_first() else { return result };
    let asking = first.len().saturating_mul(others.len());
    let taking = others.iter().map(Source::len).sum::<usize>();
    if asking / 2 <= taking {
        first.visit(&mut |member, score| {
            let mut buffer = itoa::Buffer::new();
            let member = member.as_bytes(&mut buffer);
            if others.iter().all(|other| other.score(member).is_none()) {
                insert(&mut result, member, score, limits);
            }
            true
        });
        return result;
    }
    let mut left: HashMap<Vec<u8>, f64> = HashMap::default();
    first.visit(&mut |member, score| {
        left.insert(member.to_vec(), score);
        true
    });
    for other in others {
        other.visit(&mut |member, _| {
            left.remove(member.as_bytes(&mut itoa::Buffer::new()));
            !left.is_empty()
        });
    }
    // Only now into a sorted set, which would keep the encoding of its largest size.
    left.iter().for_each(|(member, score)| insert(&mut result, member, *score, limits));
    result
}

fn insert(result: &mut SortedSet, member: &[u8], score: f64, limits: &Limits) {
    // The scores here are numbers: fails only for one that is not.
    let _ = result.add(score, member, AddCondition::default(), limits);
}

fn number_or_zero(number: f64) -> f64 {
    if number.is_nan() { 0.0 } else { number }
}
