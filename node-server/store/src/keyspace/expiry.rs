//! Finding keys whose time has come, without visiting the others.
//!
//! Keys with an expiry are marked in the tags of their table, so a walk over them reads one byte a key and touches
//! only marked entries. The cycle goes round and round all tables in hash order, a bounded piece a call. How much to
//! ask for is the caller's: as Redis does, go on at once while a large share of what was examined had expired.

use super::{Keyspace, Removed};
use crate::entry::Entry;
use crate::table::Wanted;
use rcl_proto::Slot;

#[derive(Debug, Default)]
pub(super) struct ExpiryCursor {
    db: usize,
    table: usize,
    hash: u64,
}

/// A key that was found expired and is gone; the caller propagates its deletion.
#[derive(Debug)]
pub struct Expired {
    pub db: usize,
    pub slot: Slot,
    pub key: Box<[u8]>,
    /// For the caller to drop, perhaps elsewhere; `None` when a running snapshot took it.
    pub entry: Option<Entry>,
}

#[derive(Debug, Default)]
pub struct ExpireCycle {
    /// Keys with an expiry that were looked at.
    pub examined: usize,
    pub expired: Vec<Expired>,
    /// True when the walk came past its end, back to the first database.
    pub wrapped: bool,
}

impl Keyspace {
    /// Looks at about `budget` keys with an expiry, from where the last call stopped, and removes those expired at `now_ms`.
    /// It ends early when it has been all the way round.
    pub fn expire_cycle(&mut self, now_ms: i64, budget: usize) -> ExpireCycle {
        let mut cycle = ExpireCycle::default();
        while cycle.examined < budget && !cycle.wrapped {
            if !self.seek_volatile() {
                self.expiry_cursor = ExpiryCursor::default();
                cycle.wrapped = true;
                break;
            }
            self.expire_step(now_ms, budget, &mut cycle);
        }
        cycle
    }

    /// Moves the cursor to the next table with marked entries. False at the end.
    fn seek_volatile(&mut self) -> bool {
        let Keyspace { databases, expiry_cursor: cursor, .. } = self;
        while let Some(database) = databases.get(cursor.db) {
            while database.volatile() > 0
                && let Some(index) = database.next_occupied(cursor.table)
            {
                if index != cursor.table {
                    (cursor.table, cursor.hash) = (index, 0);
                }
                if database.table(index).is_some_and(|table| table.marked() > 0) {
                    return true;
                }
                (cursor.table, cursor.hash) = (index + 1, 0);
            }
            *cursor = ExpiryCursor { db: cursor.db + 1, table: 0, hash: 0 };
        }
        false
    }

    fn expire_step(&mut self, now_ms: i64, budget: usize, cycle: &mut ExpireCycle) {
        let ExpiryCursor { db, table: index, hash } = self.expiry_cursor;
        let hasher = self.hasher.clone();
        let Some(table) = self.database(db).table(index) else { return };
        let mut due: Vec<Box<[u8]>> = Vec::new();
        let left = budget - cycle.examined;
        let (mut left_ms, mut alive) = (0i64, 0i64);
        let next = table.scan_positions(
            hash,
            left,
            Wanted::Marked,
            |entry| hasher.hash(entry.key()),
            |position, _| {
                cycle.examined += 1;
                let Some(entry) = table.at(position) else { return };
                if entry.is_expired(now_ms) {
                    due.push(entry.key().into());
                } else if let Some(expiry) = entry.expiry() {
                    left_ms = left_ms.saturating_add(expiry - now_ms);
                    alive += 1;
                }
            },
        );
        let slot = self.slot_of(index);
        if alive > 0 {
            self.database_mut(db).note_time_to_live(left_ms / alive);
        }
        for bytes in due {
            let entry = match self.remove(db, &hasher.key_in_slot(&bytes, slot)) {
                Removed::Entry(entry) => Some(entry),
                Removed::Absent | Removed::HandedOver => None,
            };
            cycle.expired.push(Expired { db, slot, key: bytes, entry });
        }
        self.expiry_cursor = match next {
            Some(hash) => ExpiryCursor { db, table: index, hash },
            None => ExpiryCursor { db, table: index + 1, hash: 0 },
        };
    }
}
