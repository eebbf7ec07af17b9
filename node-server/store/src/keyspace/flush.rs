//! Emptying slots and databases, and swapping databases: in an instant, however much is in them.
//!
//! The tables are taken out whole; the caller drops [`Flushed`] where it hurts nobody. While a snapshot runs they go to it.

use super::Keyspace;
use crate::entry::Entry;
use crate::table::Table;
use rcl_proto::Slot;

/// Tables that were taken out. Dropping it frees every entry, which takes a while.
#[must_use = "dropping it frees all entries here and now"]
#[derive(Debug, Default)]
pub struct Flushed {
    /// How many keys went.
    pub keys: usize,
    /// Empty if a running snapshot needs the tables.
    pub tables: Vec<Table<Entry>>,
}

impl Keyspace {
    pub fn flush_slot(&mut self, db: usize, slot: Slot) -> Flushed {
        let index = self.index(slot);
        let table = self.database_mut(db).take_table(index);
        self.flushed(db, vec![table])
    }

    pub fn flush_database(&mut self, db: usize) -> Flushed {
        let tables = self.database_mut(db).take_all();
        self.flushed(db, tables)
    }

    pub fn flush_all(&mut self) -> Flushed {
        let mut all = Flushed::default();
        for db in 0..self.database_count() {
            let flushed = self.flush_database(db);
            all.keys += flushed.keys;
            all.tables.extend(flushed.tables);
        }
        all
    }

    /// SWAPDB.
    pub fn swap_databases(&mut self, one: usize, other: usize) {
        assert!(one.max(other) < self.databases.len(), "SWAPDB checks the numbers");
        self.databases.swap(one, other);
    }

    fn flushed(&mut self, db: usize, tables: Vec<Table<Entry>>) -> Flushed {
        let keys = tables.iter().map(Table::len).sum();
        let number = self.database(db).number_at_snapshot;
        Flushed { keys, tables: self.snapshots.after_flush(number, tables) }
    }
}
