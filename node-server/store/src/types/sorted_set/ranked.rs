//! The big form: a counted tree in order, a hash table by member. Both point to the same bytes of a member.

use super::*;

#[derive(Clone)]
pub(super) struct Ranked {
    order: CountedTree<Scored>,
    members: MemberTable<Scored>,
}

#[derive(Clone)]
pub(super) struct Scored {
    score: f64,
    member: Arc<[u8]>,
}

impl Item for Scored {
    type Key = Scored;
    fn key(&self) -> &Scored {
        self
    }
    fn weight(&self) -> usize {
        1
    }
}

impl Keyed for Scored {
    fn key(&self) -> &[u8] {
        &self.member
    }
    fn heap_bytes(&self) -> usize {
        // The two reference counts, the bytes, and this member's place in the tree, whose leaves are about 3/4 full.
        2 * size_of::<usize>() + self.member.len() + size_of::<Scored>() * 4 / 3
    }
}

impl Scored {
    pub(super) fn score(&self) -> f64 {
        self.score
    }

    pub(super) fn member(&self) -> &[u8] {
        &self.member
    }

    /// Scores are never NaN.
    fn is_before(&self, score: f64, member: &[u8]) -> bool {
        self.score < score || self.score == score && *self.member < *member
    }

    fn element(&self) -> (Element<'_>, f64) {
        (Element::Bytes(&self.member), self.score)
    }
}

impl Ranked {
    pub(super) fn new(seed: u64) -> Ranked {
        Ranked { order: CountedTree::default(), members: MemberTable::new(seed) }
    }

    pub(super) fn len(&self) -> usize {
        self.order.weight()
    }

    pub(super) fn score(&self, member: &[u8]) -> Option<f64> {
        self.members.get(member).map(|scored| scored.score)
    }

    pub(super) fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        let score = self.score(member)?;
        Some((self.rank_of(score, member), score))
    }

    fn rank_of(&self, score: f64, member: &[u8]) -> usize {
        self.order.weight_where(|scored| scored.is_before(score, member))
    }

    /// How many come before the first for which `precedes` does not hold.
    pub(super) fn count_where(&self, precedes: impl Fn(&Scored) -> bool) -> usize {
        self.order.weight_where(precedes)
    }

    /// Inserts a member unless it is there.
    pub(super) fn insert(&mut self, score: f64, member: &[u8]) {
        let scored = Scored { score, member: member.into() };
        if self.members.insert_new(member, || scored.clone()) {
            self.order.insert(self.rank_of(score, member), scored);
        }
    }

    pub(super) fn change_score(&mut self, current: f64, score: f64, member: &[u8]) {
        let Some(mut scored) = self.order.remove(self.rank_of(current, member)) else { return };
        scored.score = score;
        self.order.insert(self.rank_of(score, member), scored);
        if let Some(entry) = self.members.get_mut(member) {
            entry.score = score;
        }
    }

    pub(super) fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let score = self.members.remove(member)?.score;
        self.order.remove(self.rank_of(score, member));
        Some(score)
    }

    pub(super) fn remove_rank(&mut self, rank: usize) {
        if let Some(scored) = self.order.remove(rank) {
            self.members.remove(&scored.member);
        }
    }

    pub(super) fn iter_ranks(
        &self,
        ranks: Range<usize>,
    ) -> impl DoubleEndedIterator<Item = (Element<'_>, f64)> {
        self.order.items(ranks.start, ranks.len()).map(Scored::element)
    }

    pub(super) fn random_distinct(&self, count: usize, rng: &mut dyn Rng) -> Vec<(Element<'_>, f64)> {
        self.members.random_distinct(count, rng).into_iter().map(Scored::element).collect()
    }

    pub(super) fn scan(&self, cursor: u64, count: usize, visit: &mut dyn FnMut(Element<'_>, f64)) -> u64 {
        self.members.scan(cursor, count, |scored| visit(Element::Bytes(&scored.member), scored.score))
    }

    pub(super) fn memory_usage(&self) -> usize {
        size_of::<Ranked>() + self.members.memory_usage()
    }
}
