//! Whom to evict: the few best candidates that sampling came upon, over all shards and databases.
//!
//! Sampling a handful of keys and taking the best of them is a rough guess; keeping the best of all samples so far (Redis's
//! pool, of the same size) comes close to the true order, as Redis documents `maxmemory-samples`. Who is in the pool may be
//! gone or used by the time its turn comes: the caller looks once more before it evicts.

use rcl_proto::Slot;

use crate::entry::Entry;
use crate::entry::access::{lfu_counter, lru_idle_ms};

/// How candidates are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ranking {
    /// The longest unused goes first.
    Idle,
    /// The least used goes first.
    Frequency { decay_minutes: u32 },
    /// Whose time comes soonest goes first.
    Expiry,
}

impl Ranking {
    /// The higher, the sooner it goes.
    pub fn score(self, entry: &Entry, now_ms: i64) -> u64 {
        match self {
            Ranking::Idle => lru_idle_ms(entry.access_clock(), now_ms).max(0) as u64,
            Ranking::Frequency { decay_minutes } => {
                u64::from(u8::MAX - lfu_counter(entry.access_clock(), now_ms, decay_minutes))
            }
            Ranking::Expiry => u64::MAX - entry.expiry().unwrap_or(i64::MAX).max(0) as u64,
        }
    }
}

/// Where a key lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub shard: usize,
    pub database: usize,
    pub slot: Slot,
    pub key: Box<[u8]>,
}

/// The best candidates so far, the best last.
#[derive(Debug, Default)]
pub struct Pool {
    ranked: Vec<(u64, Candidate)>,
}

impl Pool {
    pub const SIZE: usize = 16;

    /// Keeps the candidate if it is among the best. `place` is asked only then.
    pub fn offer(&mut self, score: u64, key: &[u8], place: impl FnOnce() -> (usize, usize, Slot)) {
        let is_full = self.ranked.len() == Pool::SIZE;
        if is_full && self.ranked.first().is_some_and(|(worst, _)| score <= *worst) {
            return;
        }
        let (shard, database, slot) = place();
        let is_it = |other: &Candidate| *other.key == *key && other.database == database;
        if self.ranked.iter().any(|(_, other)| is_it(other)) {
            return;
        }
        if is_full {
            self.ranked.remove(0);
        }
        let position = self.ranked.partition_point(|(other, _)| *other <= score);
        self.ranked.insert(position, (score, Candidate { shard, database, slot, key: key.into() }));
    }

    /// The best, which then is in the pool no more.
    pub fn take_best(&mut self) -> Option<Candidate> {
        self.ranked.pop().map(|(_, candidate)| candidate)
    }

    /// After a change of policy the scores mean nothing any more.
    pub fn clear(&mut self) {
        self.ranked.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::access::{lfu_pack, lru_clock};

    fn offer(pool: &mut Pool, score: u64, key: &str) {
        pool.offer(score, key.as_bytes(), || (0, 0, Slot::MIN));
    }

    fn drain(pool: &mut Pool) -> Vec<String> {
        std::iter::from_fn(|| pool.take_best())
            .map(|best| String::from_utf8_lossy(&best.key).into())
            .collect()
    }

    #[test]
    fn the_best_are_kept_and_come_first() {
        let mut pool = Pool::default();
        (0..100u64)
            .map(|number| number * 37 % 100)
            .for_each(|score| offer(&mut pool, score, &score.to_string()));
        let expected: Vec<String> = (84..100).rev().map(|score| score.to_string()).collect();
        assert_eq!(drain(&mut pool), expected);
        assert!(pool.take_best().is_none());
    }

    #[test]
    fn a_key_is_there_once_and_a_worse_one_leaves_a_full_pool_alone() {
        let mut pool = Pool::default();
        (0..3).for_each(|_| offer(&mut pool, 5, "same"));
        assert_eq!(drain(&mut pool), ["same"]);
        (10..26).for_each(|score| offer(&mut pool, score, &score.to_string()));
        offer(&mut pool, 10, "no better than the worst");
        assert_eq!(drain(&mut pool).len(), Pool::SIZE);
        offer(&mut pool, 1, "x");
        pool.clear();
        assert!(pool.take_best().is_none());
    }

    #[test]
    fn scores_follow_the_policy() {
        let now_ms = 1_000_000_000;
        let mut entry = Entry::new_string(b"k", b"v", Some(now_ms + 5));
        entry.set_access_clock(lru_clock(now_ms - 7_000));
        assert_eq!(Ranking::Idle.score(&entry, now_ms), 7_000);
        let sooner = Entry::new_string(b"k", b"v", Some(now_ms));
        assert!(Ranking::Expiry.score(&sooner, now_ms) > Ranking::Expiry.score(&entry, now_ms));
        let by_use = Ranking::Frequency { decay_minutes: 1 };
        entry.set_access_clock(lfu_pack(now_ms, 5));
        let rarely = by_use.score(&entry, now_ms);
        entry.set_access_clock(lfu_pack(now_ms, 200));
        assert!(by_use.score(&entry, now_ms) < rarely);
        assert!(by_use.score(&entry, now_ms + 60 * 60_000) > by_use.score(&entry, now_ms));
    }
}
