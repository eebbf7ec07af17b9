//! One database of one shard: a table a slot, and counts that are always right.

use super::field_expiry::TimedHashes;
use crate::entry::Entry;
use crate::table::Table;

/// How many tables one partial count covers.
const BLOCK: usize = 32;

#[derive(Debug)]
pub(crate) struct Database {
    /// Allocated with the first key.
    tables: Vec<Table<Entry>>,
    table_count: usize,
    /// Keys per `BLOCK` tables, so that empty stretches are skipped and a random key is found without a long walk.
    block_keys: Vec<usize>,
    /// The same of keys with an expiry.
    block_volatile: Vec<usize>,
    keys: usize,
    volatile: usize,
    /// How long keys with an expiry have to live, about: what the expiry cycle saw, the newest counting 2 %.
    average_ttl_ms: i64,
    /// The keys of hashes whose fields may have expiries.
    pub(crate) timed_hashes: TimedHashes,
    /// Its number when the running snapshot began; SWAPDB moves databases about.
    pub(crate) number_at_snapshot: usize,
}

impl Database {
    pub(crate) fn new(number: usize, table_count: usize) -> Database {
        Database {
            tables: Vec::new(),
            table_count,
            block_keys: Vec::new(),
            block_volatile: Vec::new(),
            keys: 0,
            volatile: 0,
            average_ttl_ms: 0,
            timed_hashes: TimedHashes::new(),
            number_at_snapshot: number,
        }
    }

    pub(crate) fn keys(&self) -> usize {
        self.keys
    }

    pub(crate) fn volatile(&self) -> usize {
        self.volatile
    }

    /// 0 when there is none, or none was looked at yet.
    pub(crate) fn average_ttl_ms(&self) -> i64 {
        if self.volatile == 0 { 0 } else { self.average_ttl_ms }
    }

    pub(crate) fn note_time_to_live(&mut self, ttl_ms: i64) {
        let before = if self.average_ttl_ms == 0 { ttl_ms } else { self.average_ttl_ms };
        self.average_ttl_ms = before / 50 * 49 + ttl_ms / 50;
    }

    pub(crate) fn table(&self, index: usize) -> Option<&Table<Entry>> {
        self.tables.get(index)
    }

    pub(crate) fn tables(&self) -> &[Table<Entry>] {
        &self.tables
    }

    /// Changes a table and brings the counts up to date after it.
    #[inline]
    pub(crate) fn change<T>(&mut self, index: usize, change: impl FnOnce(&mut Table<Entry>) -> T) -> T {
        if self.tables.is_empty() {
            self.tables.resize_with(self.table_count, Table::new);
            self.block_keys = vec![0; self.table_count.div_ceil(BLOCK)];
            self.block_volatile = self.block_keys.clone();
        }
        let Some(table) = self.tables.get_mut(index) else {
            unreachable!("table {index} of {}: the shard's layout gives the index", self.table_count)
        };
        let (keys, volatile) = (table.len(), table.marked());
        let answer = change(table);
        self.keys = self.keys - keys + table.len();
        self.volatile = self.volatile - volatile + table.marked();
        if let Some(block) = self.block_keys.get_mut(index / BLOCK) {
            *block = *block - keys + table.len();
        }
        if table.marked() != volatile
            && let Some(block) = self.block_volatile.get_mut(index / BLOCK)
        {
            *block = *block - volatile + table.marked();
        }
        answer
    }

    /// For changes that add, remove and mark nothing.
    pub(crate) fn table_mut(&mut self, index: usize) -> Option<&mut Table<Entry>> {
        self.tables.get_mut(index)
    }

    pub(crate) fn take_table(&mut self, index: usize) -> Table<Entry> {
        self.timed_hashes.retain(|(of, _)| *of != index);
        if self.tables.is_empty() { Table::new() } else { self.change(index, std::mem::take) }
    }

    /// What is under the key now is no hash whose fields have expiries.
    #[inline]
    pub(crate) fn forget_timed_hash(&mut self, index: usize, key: &[u8]) {
        if !self.timed_hashes.is_empty() {
            self.timed_hashes.remove(&(index, key.into()));
        }
    }

    pub(crate) fn take_all(&mut self) -> Vec<Table<Entry>> {
        let emptied = Database::new(self.number_at_snapshot, self.table_count);
        std::mem::replace(self, emptied).tables
    }

    /// The first table at or after `index` that has keys.
    pub(crate) fn next_occupied(&self, index: usize) -> Option<usize> {
        let mut index = index;
        while index < self.tables.len() {
            if index.is_multiple_of(BLOCK) && self.block_keys.get(index / BLOCK) == Some(&0) {
                index += BLOCK;
            } else if self.tables.get(index).is_some_and(|table| !table.is_empty()) {
                return Some(index);
            } else {
                index += 1;
            }
        }
        None
    }

    /// The table that holds the key of this rank, counted table by table.
    pub(crate) fn table_of_rank(&self, rank: usize) -> Option<&Table<Entry>> {
        self.ranked(rank, &self.block_keys, Table::len)
    }

    /// The table that holds the key with an expiry of this rank.
    pub(crate) fn table_of_volatile_rank(&self, rank: usize) -> Option<&Table<Entry>> {
        self.ranked(rank, &self.block_volatile, Table::marked)
    }

    fn ranked(
        &self,
        rank: usize,
        blocks: &[usize],
        count: fn(&Table<Entry>) -> usize,
    ) -> Option<&Table<Entry>> {
        let mut left = rank;
        let mut passed = 0;
        for &keys in blocks {
            if left < keys {
                break;
            }
            left -= keys;
            passed += 1;
        }
        for table in self.tables.iter().skip(passed * BLOCK) {
            if left < count(table) {
                return Some(table);
            }
            left -= count(table);
        }
        None
    }
}
