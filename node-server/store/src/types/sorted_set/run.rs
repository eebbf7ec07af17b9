//! A run of members in order of score and bytes: what the counted tree has as items.
//!
//! A run's key is a lower bound: not above its first member, and above all members of the run before. So it stays when
//! the first member goes, and says no more than it has to. A member belongs to the last run whose key is at most that
//! member.

use super::{Element, Format, Text, ValueSize};
use crate::types::counted_tree::Item;
use crate::types::pages::{Block, stored_len_of};
use std::ops::Range;
use std::sync::Arc;

/// How many members a run has at most.
const MAX_LEN: usize = 64;
/// A shorter one is joined with a neighbour, if both together have at most `JOIN_MAX`.
const MIN_LEN: usize = 16;
const JOIN_MAX: usize = 48;
/// How many it has when all members are loaded at once: some more may come.
pub(super) const LOADED_LEN: usize = 48;

/// How a run keeps its members.
#[derive(Clone)]
pub(super) struct Ordered;

impl Format for Ordered {
    /// The score, as a double in little-endian order.
    const COLUMN: usize = 8;
    const VALUE: ValueSize = ValueSize::None;
    const INLINE_MAX: usize = super::ranked::Scores::INLINE_MAX;
}

#[derive(Clone)]
pub(super) struct Key {
    score: f64,
    member: Arc<[u8]>,
}

#[derive(Clone)]
pub(super) struct Run {
    key: Key,
    members: Block<Ordered>,
}

impl Item for Run {
    type Key = Key;
    /// Runs are large: a change reads the whole leaf.
    const MAX: usize = 32;

    fn key(&self) -> &Key {
        &self.key
    }

    fn weight(&self) -> usize {
        self.members.len()
    }
}

/// A score with a member, which is looked at only when it is asked for.
#[derive(Clone, Copy)]
pub(super) enum Scored<'a> {
    Key(&'a Key),
    Member(&'a Run, usize),
}

impl<'a> Scored<'a> {
    #[inline]
    pub(super) fn score(self) -> f64 {
        match self {
            Scored::Key(key) => key.score,
            Scored::Member(run, index) => read_score(run.members.column(index)),
        }
    }

    #[inline]
    pub(super) fn member(self) -> &'a [u8] {
        match self {
            Scored::Key(key) => &key.member,
            Scored::Member(run, index) => run.members.key(index),
        }
    }

    pub(super) fn element(self) -> (Element<'a>, f64) {
        (Element::Bytes(self.member()), self.score())
    }

    /// Scores are never NaN.
    #[inline]
    pub(super) fn is_before(self, score: f64, member: &[u8]) -> bool {
        let own = self.score();
        own < score || own == score && self.member() < member
    }

    #[inline]
    pub(super) fn is_at_most(self, score: f64, member: &[u8]) -> bool {
        let own = self.score();
        own < score || own == score && self.member() <= member
    }
}

impl Key {
    /// Of a run with this first member, behind one whose last score is `before`.
    fn between(before: f64, score: f64, member: &Text<'_>) -> Key {
        // Where the scores differ they are enough to tell the two apart.
        let member = if before < score { Arc::default() } else { member.to_shared() };
        Key { score, member }
    }

    /// Of the very first run, once a member is before it.
    fn lowest() -> Key {
        Key { score: f64::NEG_INFINITY, member: Arc::default() }
    }
}

impl Run {
    fn of(score: f64, member: Text<'_>) -> Run {
        let key = Key { score, member: member.to_shared() };
        let mut members = Block::default();
        members.insert(0, &score.to_le_bytes(), member, Text::Inline(&[]));
        Run { key, members }
    }

    /// Of these, which are in order, behind a run whose last score is `before`. `text` makes of a member what both sides may share.
    pub(super) fn of_all<'a>(
        before: f64,
        members: &'a [(Element<'a>, f64)],
        text: impl for<'t> Fn(&'t [u8]) -> Text<'t>,
    ) -> Run {
        let bytes = members.iter().map(|(member, _)| stored_len_of::<Ordered>(member.len(), 0)).sum();
        let mut block = Block::with_room_for(members.len(), bytes);
        let mut key = Key::lowest();
        for (index, (member, score)) in members.iter().enumerate() {
            let mut buffer = itoa::Buffer::new();
            let member = text(member.as_bytes(&mut buffer));
            if index == 0 {
                key = Key::between(before, *score, &member);
            }
            block.insert(index, &score.to_le_bytes(), member, Text::Inline(&[]));
        }
        Run { key, members: block }
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    pub(super) fn at(&self, index: usize) -> Scored<'_> {
        Scored::Member(self, index)
    }

    /// How many come before the first for which `precedes` does not hold.
    pub(super) fn count_where(&self, precedes: impl Fn(Scored<'_>) -> bool) -> usize {
        self.count_in(0..self.len(), precedes)
    }

    /// The same, where that is known to be in this range.
    fn count_in(&self, range: Range<usize>, precedes: impl Fn(Scored<'_>) -> bool) -> usize {
        let (mut low, mut high) = (range.start, range.end);
        while low < high {
            let middle = low.midpoint(high);
            if precedes(self.at(middle)) { low = middle + 1 } else { high = middle }
        }
        low
    }

    pub(super) fn text(&self, index: usize) -> Text<'_> {
        self.members.text(index)
    }

    /// How many come before a member with this score. All scores are looked at, side by side as they lie: that takes less time
    /// than one wrong guess of where a search goes on.
    pub(super) fn rank_of(&self, score: f64, member: &[u8]) -> usize {
        self.count_in(self.with_score(score), |own| own.member() < member)
    }

    /// Where those with this score are, or would be.
    fn with_score(&self, score: f64) -> Range<usize> {
        let (mut before, mut same) = (0, 0);
        for own in self.members.columns().chunks_exact(Ordered::COLUMN).map(read_score) {
            before += usize::from(own < score);
            same += usize::from(own == score);
        }
        before..before + same
    }

    /// Without long members, which are the table's.
    pub(super) fn allocated_bytes(&self) -> usize {
        let key = Some(self.key.member.len()).filter(|len| *len <= Ordered::INLINE_MAX);
        self.members.page_bytes() + key.unwrap_or(0)
    }

    /// Cuts off what is behind `index`.
    fn split_off(&mut self, index: usize) -> Run {
        let whole = &self.members;
        let right = Block::gather((index..whole.len()).map(|index| (whole, index)));
        let left = Block::gather((0..index).map(|index| (whole, index)));
        let (last, first) = (self.at(index.saturating_sub(1)), self.at(index));
        let key = Key::between(last.score(), first.score(), &self.text(index));
        self.members = left;
        Run { key, members: right }
    }

    fn append(&mut self, right: &Run) {
        let whole = |block| (0..Block::len(block)).map(move |index| (block, index));
        self.members = Block::gather(whole(&self.members).chain(whole(&right.members)));
    }
}

/// Inserts a member in the run that the tree found for it; the first of all where there is none.
pub(super) fn insert(runs: &mut Vec<Run>, index: usize, score: f64, member: Text<'_>) {
    let is_behind = |run: &Run| Scored::Key(&run.key).is_at_most(score, member.bytes());
    let (mut index, mut within) =
        (index, runs.get(index).map_or(0, |run| run.rank_of(score, member.bytes())));
    let len = runs.get(index).map_or(MAX_LEN, Run::len);
    if len >= MAX_LEN {
        // The first of all; and what grows at its end leaves full runs behind.
        if index >= runs.len() || within == len && index + 1 == runs.len() {
            return runs.push(Run::of(score, member));
        }
        let left_len = len / 2;
        let right = runs[index].split_off(left_len);
        let goes_right = within > left_len || within == left_len && is_behind(&right);
        runs.insert(index + 1, right);
        if goes_right {
            (index, within) = (index + 1, within - left_len);
        }
    }
    if !is_behind(&runs[index]) {
        runs[index].key = Key::lowest();
    }
    let run = &mut runs[index];
    run.members.insert(within, &score.to_le_bytes(), member, Text::Inline(&[]));
}

/// Removes a member that is in this run.
pub(super) fn remove_member(runs: &mut Vec<Run>, index: usize, score: f64, member: &[u8]) {
    let Some(run) = runs.get(index) else { return };
    let within = match run.with_score(score) {
        // Who is the only one with this score need not be looked at to be found.
        Range { start, end } if end - start == 1 => start,
        same => run.count_in(same, |own| own.member() < member),
    };
    if within < run.len() && run.at(within).member() == member {
        remove(runs, index, within);
    }
}

pub(super) fn remove(runs: &mut Vec<Run>, index: usize, within: usize) {
    let Some(run) = runs.get_mut(index) else { return };
    run.members.remove(within);
    let len = run.len();
    if len == 0 {
        runs.remove(index);
    } else if len < MIN_LEN && runs.len() > 1 {
        let left = index.min(runs.len() - 2);
        if runs[left].len() + runs[left + 1].len() <= JOIN_MAX {
            let right = runs.remove(left + 1);
            runs[left].append(&right);
        }
    }
}

pub(super) fn read_score(bytes: &[u8]) -> f64 {
    bytes.first_chunk().map_or(0.0, |bytes| f64::from_le_bytes(*bytes))
}
