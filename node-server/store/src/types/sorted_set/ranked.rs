//! The big form: a counted tree of runs of members in order, and a table from member to score. A long member is shared by both.

use super::run::{self, Key, Run, Scored, read_score};
use super::*;

#[derive(Clone)]
pub(super) struct Ranked {
    order: CountedTree<Run>,
    members: PageTable<Scores>,
}

/// How the table keeps a member's score.
#[derive(Clone)]
pub(super) struct Scores;

impl Format for Scores {
    const COLUMN: usize = 1;
    const VALUE: ValueSize = ValueSize::Bytes(8);
    /// Beyond this it costs less to share a member than to have it twice.
    const INLINE_MAX: usize = 64;
}

impl Ranked {
    pub(super) fn new(seed: u64) -> Ranked {
        Ranked { order: CountedTree::default(), members: PageTable::new(seed) }
    }

    /// Of these, which are in order. `None` where a member comes twice.
    pub(super) fn of_all(seed: u64, members: &[(Element<'_>, f64)]) -> Option<Ranked> {
        let scores: Vec<[u8; 8]> = members.iter().map(|(_, score)| score.to_le_bytes()).collect();
        let entry = |number: usize| (members[number].0, Element::Bytes(&scores[number]));
        let table = PageTable::of_all(seed, members.len(), entry)?;
        let mut order = CountedTree::default();
        let mut before = f64::NEG_INFINITY;
        for members in members.chunks(run::LOADED_LEN) {
            order.insert(order.weight(), Run::of_all(before, members, |member| table.text(member)));
            before = members.last().map_or(before, |(_, score)| *score);
        }
        Some(Ranked { order, members: table })
    }

    pub(super) fn len(&self) -> usize {
        self.order.weight()
    }

    #[inline]
    pub(super) fn prefetch(&self, member: &[u8], step: Step) {
        self.members.prefetch(member, step);
    }

    pub(super) fn score(&self, member: &[u8]) -> Option<f64> {
        self.members.get(member).map(read_score)
    }

    pub(super) fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        let score = self.score(member)?;
        Some((self.rank_of(score, member), score))
    }

    fn rank_of(&self, score: f64, member: &[u8]) -> usize {
        self.count_where(|scored| scored.is_before(score, member))
    }

    /// How many come before the first for which `precedes` does not hold.
    pub(super) fn count_where(&self, precedes: impl Fn(Scored<'_>) -> bool) -> usize {
        match self.order.seek(|key| precedes(Scored::Key(key))) {
            Some((run, before)) => before + run.count_where(precedes),
            None => 0,
        }
    }

    /// Inserts a member unless it is there.
    pub(super) fn insert(&mut self, score: f64, member: &[u8]) {
        let text = Text::new::<Scores>(member);
        if self.members.insert(text.clone(), Text::Inline(&score.to_le_bytes())) {
            self.insert_in_order(score, text);
        }
    }

    fn insert_in_order(&mut self, score: f64, member: Text<'_>) {
        let (text, member) = (member.clone(), member.bytes());
        let is_behind = |key: &Key| Scored::Key(key).is_at_most(score, member);
        self.order.alter_where(is_behind, |runs, index| run::insert(runs, index, score, text));
    }

    fn remove_from_order(&mut self, score: f64, member: &[u8]) {
        let is_behind = |key: &Key| Scored::Key(key).is_at_most(score, member);
        self.order.alter_where(is_behind, |runs, index| run::remove_member(runs, index, score, member));
    }

    /// Where the member is there: `change` gets its score and may give another one. What it answers beside.
    pub(super) fn change_score<R>(
        &mut self,
        member: &[u8],
        change: impl FnOnce(f64) -> (Option<f64>, R),
    ) -> Option<R> {
        let (scores, result) = self.members.change_value(member, |current| {
            let current = read_score(current);
            let (score, result) = change(current);
            (score.map(f64::to_le_bytes), (score.map(|score| (current, score)), result))
        })?;
        if let Some((current, score)) = scores {
            self.remove_from_order(current, member);
            let text = self.members.text(member);
            self.insert_in_order(score, text);
        }
        Some(result)
    }

    pub(super) fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let score = self.members.remove(member, read_score)?;
        self.remove_from_order(score, member);
        Some(score)
    }

    pub(super) fn remove_rank(&mut self, rank: usize) {
        if let Some((run, within)) = self.order.get(rank) {
            self.members.remove(run.at(within).member(), |_| ());
            self.order.alter(rank, run::remove);
        }
    }

    pub(super) fn iter_ranks(&self, ranks: Range<usize>) -> Members<'_> {
        Members { order: &self.order, ranks, front: None, back: None }
    }

    pub(super) fn random_distinct(&self, count: usize, rng: &mut dyn Rng) -> Vec<(Element<'_>, f64)> {
        self.members.random_distinct(count, rng).into_iter().map(element).collect()
    }

    pub(super) fn scan(&self, cursor: u64, count: usize, visit: &mut dyn FnMut(Element<'_>, f64)) -> u64 {
        self.members.scan(cursor, count, |member, score| visit(Element::Bytes(member), read_score(score)))
    }

    /// The table's bytes, and those of the runs by the size of a few.
    pub(super) fn memory_usage(&self) -> usize {
        const SAMPLES: usize = 16;
        let (mut sampled, mut offset) = (0, 0);
        for _ in 0..SAMPLES {
            let Some((run, _)) = self.order.get(offset) else { break };
            // A leaf is about three quarters full.
            sampled += run.allocated_bytes() + size_of::<Run>() * 4 / 3;
            offset += run.len();
        }
        size_of::<CountedTree<Run>>() + self.members.memory_usage() + sampled * self.len() / offset.max(1)
    }
}

fn element<'a>((member, score): (&'a [u8], &'a [u8])) -> (Element<'a>, f64) {
    (Element::Bytes(member), read_score(score))
}

/// The members of some ranks in order, from both ends. A run is looked up when the one before it is done.
pub(super) struct Members<'a> {
    order: &'a CountedTree<Run>,
    ranks: Range<usize>,
    /// The run of the next member from the front, and its index there.
    front: Option<(&'a Run, usize)>,
    /// The run of the next member from the back, and the index behind it.
    back: Option<(&'a Run, usize)>,
}

impl<'a> Iterator for Members<'a> {
    type Item = (Element<'a>, f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let rank = self.ranks.next()?;
        let (run, index) = match self.front {
            Some((run, index)) if index < run.len() => (run, index),
            _ => self.order.get(rank)?,
        };
        self.front = Some((run, index + 1));
        Some(run.at(index).element())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ranks.size_hint()
    }
}

impl DoubleEndedIterator for Members<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let rank = self.ranks.next_back()?;
        let (run, index) = match self.back {
            Some((run, behind)) if behind > 0 => (run, behind - 1),
            _ => self.order.get(rank)?,
        };
        self.back = Some((run, index));
        Some(run.at(index).element())
    }
}
