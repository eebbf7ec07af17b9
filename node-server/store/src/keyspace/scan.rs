//! Walking keys in steps: SCAN, GETKEYSINSLOT, RANDOMKEY.
//!
//! ```text
//!   SCAN's cursor   0 | slot 14 | hash prefix 49      63 bits, so that clients with signed integers can hold it
//! ```
//! Slots are walked in numeric order, and within a slot hashes in rising order; 0 is both the start and the end. A node with
//! several shards composes a scan from [`Keyspace::scan_slot`], slot by slot; see [`ScanCursor`].

use super::Keyspace;
use crate::entry::Entry;
use crate::table::{Table, Wanted};
use rand::Rng;
use rcl_proto::Slot;

const PREFIX_BITS: u32 = 49;
const DROPPED_BITS: u32 = 64 - PREFIX_BITS;

/// Where a scan goes on: in which slot, and below which hash everything has been visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanCursor {
    pub slot: Slot,
    pub hash: u64,
}

impl ScanCursor {
    pub const START: ScanCursor = ScanCursor { slot: Slot::MIN, hash: 0 };

    pub fn at_slot(slot: Slot) -> ScanCursor {
        ScanCursor { slot, hash: 0 }
    }

    /// Any number is a valid cursor: one that we never gave starts somewhere.
    pub fn from_number(number: u64) -> ScanCursor {
        let slot = (number >> PREFIX_BITS) as u16 & Slot::MAX.number();
        ScanCursor { slot: Slot::new(slot).unwrap_or(Slot::MIN), hash: number << DROPPED_BITS }
    }

    /// What the client gets; the end of a scan is 0 instead.
    pub fn to_number(self) -> u64 {
        u64::from(self.slot.number()) << PREFIX_BITS | self.hash >> DROPPED_BITS
    }
}

/// How a step through one slot ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotScan {
    /// Keys visited.
    pub visited: usize,
    /// `None` when the slot is done.
    pub next: Option<ScanCursor>,
}

/// So many places are drawn before it is taken that few of them are marked.
const MARKED_DRAWS: usize = 64;

impl Keyspace {
    /// Visits about `budget` entries of the cursor's slot.
    pub fn scan_slot<'a>(
        &'a self,
        db: usize,
        cursor: ScanCursor,
        budget: usize,
        mut visit: impl FnMut(&'a Entry),
    ) -> SlotScan {
        let mut visited = 0;
        let Some(table) = self.table(db, cursor.slot) else { return SlotScan { visited, next: None } };
        let mut hash = cursor.hash;
        loop {
            let next = table.scan(
                hash,
                budget.saturating_sub(visited),
                |entry| self.hasher.hash(entry.key()),
                |entry| {
                    visited += 1;
                    visit(entry);
                },
            );
            let Some(next) = next else { return SlotScan { visited, next: None } };
            // The cursor drops low bits. Rounded down it may repeat an entry, which SCAN may, but it has to get on.
            let rounded = next >> DROPPED_BITS << DROPPED_BITS;
            if rounded > cursor.hash && visited >= budget {
                return SlotScan { visited, next: Some(ScanCursor { slot: cursor.slot, hash: rounded }) };
            }
            hash = next;
        }
    }

    /// The first slot at or after `slot` that this shard holds and that has keys: where a scan goes on.
    pub fn next_slot_with_keys(&self, db: usize, slot: Slot) -> Option<Slot> {
        let index = match self.layout {
            super::Layout::Standalone => slot.index().min(1),
            super::Layout::Shard { shard_index, shard_count } => {
                slot.index().saturating_sub(shard_index).div_ceil(shard_count)
            }
        };
        self.database(db).next_occupied(index).map(|index| self.slot_of(index))
    }

    /// A whole SCAN step over this shard alone. Returns the cursor to go on from, `None` at the end.
    pub fn scan<'a>(
        &'a self,
        db: usize,
        cursor: ScanCursor,
        budget: usize,
        mut visit: impl FnMut(&'a Entry),
    ) -> Option<ScanCursor> {
        let mut visited = 0;
        let mut cursor = cursor;
        loop {
            let slot = self.next_slot_with_keys(db, cursor.slot)?;
            if slot != cursor.slot {
                cursor = ScanCursor::at_slot(slot);
            }
            if visited >= budget.max(1) {
                return Some(cursor);
            }
            let step = self.scan_slot(db, cursor, budget - visited.min(budget), &mut visit);
            visited += step.visited;
            cursor = match step.next {
                Some(next) => return Some(next),
                None => ScanCursor::at_slot(Slot::new(slot.number() + 1)?),
            };
        }
    }

    /// Up to `count` entries of a slot.
    pub fn entries_in_slot(&self, db: usize, slot: Slot, count: usize) -> impl Iterator<Item = &Entry> {
        self.table(db, slot).into_iter().flat_map(|table| table.iter()).take(count)
    }

    /// All entries of a database, in no useful order, for KEYS and the like.
    pub fn entries(&self, db: usize) -> impl Iterator<Item = &Entry> {
        self.database(db).tables().iter().flat_map(|table| table.iter())
    }

    /// A key with an expiry, for eviction by the volatile policies. Each is equally likely; where few have one, those
    /// are likelier in whose stretch of hashes there are fewest.
    pub fn random_volatile_entry(&self, db: usize, rng: &mut dyn Rng) -> Option<&Entry> {
        let database = self.database(db);
        if database.volatile() == 0 {
            return None;
        }
        let rank = crate::table::random_below(database.volatile(), rng);
        let table = database.table_of_volatile_rank(rank)?;
        table.random_marked(MARKED_DRAWS, rng).or_else(|| self.next_marked(table, rng.next_u64()))
    }

    /// The first with an expiry from a hash on, and round to it.
    fn next_marked<'a>(&self, table: &'a Table<Entry>, start: u64) -> Option<&'a Entry> {
        let hash_of = |entry: &Entry| self.hasher.hash(entry.key());
        let mut first: Option<(u64, &Entry)> = None;
        for from in [start, 0] {
            let mut cursor = Some(from);
            while let (Some(hash), None) = (cursor, first) {
                cursor = table.scan_positions(hash, 1, Wanted::Marked, hash_of, |position, hash| {
                    if first.is_none_or(|(least, _)| hash < least) {
                        first = table.at(position).map(|entry| (hash, entry));
                    }
                });
            }
        }
        first.map(|(_, entry)| entry)
    }

    /// A key of a database, each equally likely.
    pub fn random_entry(&self, db: usize, rng: &mut dyn Rng) -> Option<&Entry> {
        let database = self.database(db);
        let rank = crate::table::random_below(database.keys(), rng);
        database.table_of_rank(rank)?.random(rng)
    }
}
