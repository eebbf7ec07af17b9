//! The hash table of big hashes, sets and sorted sets: entries that are found by a run of bytes.
//!
//! The hash function is seeded, since members come from clients who may want them to collide.

use super::sampling::Selection;
use crate::table::{SharedTable, TableEntry};
use foldhash::quality::FixedState;
use rand::Rng;
use std::hash::{BuildHasher, Hasher};

/// What is stored, and the bytes that it is found by.
pub(super) trait Keyed: Clone {
    fn key(&self) -> &[u8];
    /// Bytes it has allocated.
    fn heap_bytes(&self) -> usize;
}

#[derive(Clone)]
pub(super) struct MemberTable<E> {
    table: SharedTable<E>,
    seed: u64,
}

impl<E: Keyed> MemberTable<E> {
    pub(super) fn new(seed: u64) -> MemberTable<E> {
        MemberTable { table: SharedTable::new(), seed }
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<&E> {
        self.table.get(hash(self.seed, key), |entry| entry.key() == key)
    }

    pub(super) fn get_mut(&mut self, key: &[u8]) -> Option<&mut E> {
        self.table.get_mut(hash(self.seed, key), |entry| entry.key() == key)
    }

    /// False, and nothing changed, when the key is there. `make` is called only when it is not.
    pub(super) fn insert_new(&mut self, key: &[u8], make: impl FnOnce() -> E) -> bool {
        let seed = self.seed;
        match self.table.entry(hash(seed, key), |entry| entry.key() == key) {
            TableEntry::Occupied(_) => false,
            TableEntry::Vacant(place) => {
                place.insert(make(), |entry| hash(seed, entry.key()));
                true
            }
        }
    }

    pub(super) fn remove(&mut self, key: &[u8]) -> Option<E> {
        let seed = self.seed;
        self.table.remove(hash(seed, key), |entry| entry.key() == key, |entry| hash(seed, entry.key()))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &E> {
        self.table.iter()
    }

    pub(super) fn random(&self, rng: &mut dyn Rng) -> Option<&E> {
        self.table.random(rng)
    }

    /// `count` distinct entries. Few of many are drawn; many are kept from a walk over all.
    pub(super) fn random_distinct(&self, count: usize, rng: &mut dyn Rng) -> Vec<&E> {
        if count.saturating_mul(4) >= self.len() {
            let mut selection = Selection::new(count, self.len());
            return self.iter().filter(|_| selection.takes(rng)).collect();
        }
        let mut drawn = std::collections::HashSet::with_capacity(count);
        let mut entries = Vec::with_capacity(count);
        while entries.len() < count {
            let Some(entry) = self.random(rng) else { break };
            if drawn.insert(std::ptr::from_ref(entry)) {
                entries.push(entry);
            }
        }
        entries
    }

    /// As SCAN: from cursor 0 on, about `count` entries; the next cursor, 0 at the end.
    pub(super) fn scan<'a>(&'a self, cursor: u64, count: usize, visit: impl FnMut(&'a E)) -> u64 {
        self.table.scan(cursor, count, |entry| hash(self.seed, entry.key()), visit).unwrap_or(0)
    }

    /// The table's own bytes, and those of its entries by the size of a few.
    pub(super) fn memory_usage(&self) -> usize {
        const SAMPLES: usize = 16;
        let sampled: usize = self.iter().take(SAMPLES).map(Keyed::heap_bytes).sum();
        self.table.memory_usage() + sampled * self.len() / self.len().clamp(1, SAMPLES)
    }
}

fn hash(seed: u64, key: &[u8]) -> u64 {
    let mut hasher = FixedState::with_seed(seed).build_hasher();
    hasher.write(key);
    hasher.finish()
}
