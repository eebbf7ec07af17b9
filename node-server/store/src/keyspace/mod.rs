//! The data of one shard: its databases, each a table a slot. Plain data: the caller holds the shard's lock.
//!
//! ```text
//!   shard 3 of 16    database 0   slot 3   [table]      cluster mode: slots with slot mod 16 = 3, a table each
//!                                 slot 19  [table]
//!                                 …
//!   standalone       database 0   [table]               one shard, one table a database
//!                    database 1   [table]
//! ```
//!
//! - The store never decides that a key has expired: replicas don't expire, and a master has to propagate it. The
//!   caller asks [`Entry::is_expired`] and removes; [`Keyspace::expire_cycle`] finds the ones that nobody asks for.
//! - Every change goes through here or through the `&mut Entry` of [`Keyspace::find_mut`], and hands the old entry to a
//!   running snapshot first (see [`crate::snapshot`]).
//! - A database number or slot that isn't this shard's is a bug of the caller, and panics with a text.

mod database;
mod expiry;
mod field_expiry;
mod flush;
mod key;
mod scan;

pub(crate) use database::Database;
pub use expiry::{ExpireCycle, Expired};
pub use field_expiry::{ExpiredFields, FieldExpiryCycle};
pub use flush::Flushed;
pub use key::{Key, KeyHasher, KeyPlace};
pub use scan::{ScanCursor, SlotScan};

use crate::entry::Entry;
use crate::prefetch::Step;
use crate::snapshot::Snapshots;
use crate::table::{Found, HashOf, Position, Shape, Table};
use crate::types::Value;
use rcl_proto::{SLOT_COUNT, Slot};
use triomphe::Arc;

/// Which slots a keyspace holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// All keys of all databases, slots left aside.
    Standalone,
    /// The slots with `slot % shard_count == shard_index`.
    Shard { shard_index: usize, shard_count: usize },
}

#[derive(Debug)]
pub struct Keyspace {
    layout: Layout,
    hasher: KeyHasher,
    databases: Vec<Database>,
    pub(crate) snapshots: Snapshots,
    expiry_cursor: expiry::ExpiryCursor,
    field_expiry_cursor: field_expiry::FieldExpiryCursor,
    write_access: WriteAccess,
    /// What the last `upsert_string` replaced, if freeing it may take long.
    replaced: Option<Arc<Value>>,
}

/// How many keys of one slot are measured for [`Keyspace::bytes_in_slot`].
pub const MEASURED_KEYS: usize = 1024;

/// What a write does to the access bits (see [`crate::entry::access`]); the edge renews it as its clock goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteAccess {
    /// For entries that are created.
    pub clock: u32,
    /// An overwritten string keeps its bits (LFU policies) instead of getting `clock`.
    pub overwrite_keeps: bool,
}

/// What a write does to the expiry of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetExpiry {
    /// As KEEPTTL does.
    Keep,
    Clear,
    /// Unix time in milliseconds.
    At(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upserted {
    Created,
    Replaced,
    /// `decide` said no.
    Declined,
}

/// What became of a removed entry.
#[derive(Debug)]
pub enum Removed {
    Absent,
    /// It is the caller's, who may drop it on another thread.
    Entry(Entry),
    /// The running snapshot needed it.
    HandedOver,
}

impl Removed {
    pub fn existed(&self) -> bool {
        !matches!(self, Removed::Absent)
    }
}

impl Keyspace {
    pub fn new(layout: Layout, database_count: usize, hasher: KeyHasher) -> Keyspace {
        let table_count = match layout {
            Layout::Standalone => 1,
            Layout::Shard { shard_index, shard_count } => {
                assert!(shard_index < shard_count, "shard {shard_index} of {shard_count}");
                SLOT_COUNT.saturating_sub(shard_index).div_ceil(shard_count)
            }
        };
        Keyspace {
            layout,
            hasher,
            databases: (0..database_count).map(|number| Database::new(number, table_count)).collect(),
            snapshots: Snapshots::default(),
            expiry_cursor: expiry::ExpiryCursor::default(),
            field_expiry_cursor: field_expiry::FieldExpiryCursor::default(),
            write_access: WriteAccess::default(),
            replaced: None,
        }
    }

    /// Without keys, and laid out as this one is.
    pub fn empty_copy(&self) -> Keyspace {
        Keyspace::new(self.layout, self.databases.len(), self.hasher.clone())
    }

    pub fn set_write_access(&mut self, access: WriteAccess) {
        self.write_access = access;
    }

    pub fn hasher(&self) -> &KeyHasher {
        &self.hasher
    }

    pub fn database_count(&self) -> usize {
        self.databases.len()
    }

    pub fn key_count(&self, db: usize) -> usize {
        self.database(db).keys()
    }

    /// Keys that have an expiry.
    pub fn volatile_key_count(&self, db: usize) -> usize {
        self.database(db).volatile()
    }

    /// How long the keys with an expiry have to live, about; 0 if that is not known yet.
    pub fn average_ttl_ms(&self, db: usize) -> i64 {
        self.database(db).average_ttl_ms()
    }

    pub fn key_count_in_slot(&self, db: usize, slot: Slot) -> usize {
        self.table(db, slot).map_or(0, Table::len)
    }

    /// Whether any key of the slot has an expiry.
    #[inline]
    pub fn slot_has_volatile_keys(&self, db: usize, slot: Slot) -> bool {
        self.table(db, slot).is_some_and(|table| table.marked() > 0)
    }

    /// Bytes of a database's tables, without the entries. Walks all of them.
    pub fn table_bytes(&self, db: usize) -> usize {
        let tables = self.database(db).tables().iter();
        tables.map(|table| size_of::<Table<Entry>>() + table.memory_usage()).sum()
    }

    /// How a database's tables are filled, in sum; with a hash function of keys also where their homes are.
    pub fn shape(&self, db: usize, hash_of: Option<HashOf<'_, [u8]>>) -> Shape {
        let of_entry = hash_of.map(|hash_of| move |entry: &Entry| hash_of(entry.key()));
        let of_entry = of_entry.as_ref().map(|hash_of| hash_of as HashOf<'_, Entry>);
        let mut sum = Shape::default();
        self.database(db).tables().iter().for_each(|table| sum.add(&table.shape(of_entry)));
        sum
    }

    /// Bytes that a slot takes: its table, and its entries with all that they point to. Up to [`MEASURED_KEYS`] keys
    /// each is measured; of more, so many are (in the order of their hashes, which is random), and the rest is taken
    /// to be like them. So it takes a bounded time, whatever is in the slot.
    pub fn bytes_in_slot(&self, db: usize, slot: Slot) -> usize {
        let Some(table) = self.table(db, slot) else { return 0 };
        let entries = table.iter().take(MEASURED_KEYS);
        // The entry itself, a pointer, lies in the table.
        let measured: usize = entries.map(|entry| entry.memory_usage() - size_of::<Entry>()).sum();
        let count = table.len().clamp(1, MEASURED_KEYS);
        let scaled = measured as u128 * table.len() as u128 / count as u128;
        table.memory_usage() + usize::try_from(scaled).unwrap_or(usize::MAX)
    }

    /// Asks the cache for what a search for this key needs.
    #[inline]
    pub fn prefetch(&self, db: usize, place: KeyPlace, step: Step) {
        let Some(table) = self.table(db, place.slot) else { return };
        match step {
            Step::Way => table.prefetch(place.hash),
            Step::Entry => table.likely(place.hash, Entry::prefetch),
        }
    }

    /// Asks the cache for what a search for this member needs, in the collection of this key.
    #[inline]
    pub fn prefetch_member(&self, db: usize, place: KeyPlace, member: &[u8], step: Step) {
        if let Some(table) = self.table(db, place.slot) {
            table.likely(place.hash, |entry| entry.prefetch_member(member, step));
        }
    }

    /// The entry as it is, expired or not.
    #[inline]
    pub fn find(&self, db: usize, key: &Key<'_>) -> Option<&Entry> {
        self.table(db, key.slot)?.get(key.hash, |entry| entry.key() == key.bytes)
    }

    /// Finds an entry for reading and changes its access bits; `access` gets the old ones.
    #[inline]
    pub fn find_and_touch(
        &mut self,
        db: usize,
        key: &Key<'_>,
        access: impl FnOnce(u32) -> u32,
    ) -> Option<&Entry> {
        let index = self.index(key.slot);
        let table = self.database_mut(db).table_mut(index)?;
        let entry = table.get_mut(key.hash, |entry| entry.key() == key.bytes)?;
        let clock = entry.access_clock();
        let touched = access(clock);
        // Within a second nothing changes, and a write would dirty the line for nothing.
        if touched != clock {
            entry.set_access_clock(touched);
        }
        Some(entry)
    }

    /// Finds an entry to change its value in place. It must stay the entry of this key.
    #[inline]
    pub fn find_mut(&mut self, db: usize, key: &Key<'_>) -> Option<&mut Entry> {
        let position = self.position(db, key)?;
        self.at_mut(db, key, position)
    }

    /// Where the entry is, for [`Keyspace::at_mut`]; until the next insert or removal.
    #[inline]
    pub fn position(&self, db: usize, key: &Key<'_>) -> Option<Position> {
        self.table(db, key.slot)?.find(key.hash, |entry| entry.key() == key.bytes)
    }

    /// The entry of this key, which is there, to change its value in place.
    #[inline]
    pub fn at_mut(&mut self, db: usize, key: &Key<'_>, position: Position) -> Option<&mut Entry> {
        let index = self.index(key.slot);
        let Keyspace { databases, snapshots, .. } = self;
        let database = databases.get_mut(db)?;
        let number = database.number_at_snapshot;
        let entry = database.table_mut(index)?.at_mut(position)?;
        snapshots.before_change(number, entry);
        Some(entry)
    }

    /// SET: one search. `decide` sees the entry there is and may decline (NX, XX, a GET of the wrong type).
    #[inline]
    pub fn upsert_string(
        &mut self,
        db: usize,
        key: &Key<'_>,
        value: &[u8],
        expiry: SetExpiry,
        decide: impl FnOnce(Option<&Entry>) -> bool,
    ) -> Upserted {
        let index = self.index(key.slot);
        let Keyspace { databases, hasher, snapshots, write_access, replaced, .. } = self;
        let database = database_of(databases, db);
        let number = database.number_at_snapshot;
        let upserted =
            database.change(index, |table| match table.search(key.hash, |entry| entry.key() == key.bytes) {
                Found::Absent(vacancy) => {
                    if !decide(None) {
                        return Upserted::Declined;
                    }
                    let expiry = expiry.applied_to(None);
                    let mut entry = Entry::new_string(key.bytes, value, expiry);
                    entry.set_access_clock(write_access.clock);
                    snapshots.before_insert(&mut entry);
                    let position = table.fill(vacancy, entry, |entry| hasher.hash(entry.key()));
                    if expiry.is_some() {
                        table.set_mark(position, true);
                    }
                    Upserted::Created
                }
                Found::At(position) => {
                    let Some(old) = table.at_mut(position) else { return Upserted::Declined };
                    if !decide(Some(old)) {
                        return Upserted::Declined;
                    }
                    let had_expiry = old.expiry();
                    let expiry = expiry.applied_to(had_expiry);
                    let clock =
                        if write_access.overwrite_keeps { old.access_clock() } else { write_access.clock };
                    if snapshots.needs(old) {
                        let mut new = Entry::new_string(key.bytes, value, expiry);
                        new.set_access_clock(clock);
                        snapshots.before_insert(&mut new);
                        snapshots.hand_over_whole(number, std::mem::replace(old, new));
                    } else {
                        *replaced = old.take_shared();
                        old.set_expiry(expiry);
                        old.set_string(value);
                        old.set_access_clock(clock);
                    }
                    if expiry.is_some() != had_expiry.is_some() {
                        table.set_mark(position, expiry.is_some());
                    }
                    Upserted::Replaced
                }
            });
        if upserted == Upserted::Replaced {
            database.forget_timed_hash(index, key.bytes);
        }
        upserted
    }

    /// The collection or long string that the last `upsert_string` replaced, for the caller to drop, perhaps elsewhere.
    pub fn take_replaced(&mut self) -> Option<Arc<Value>> {
        self.replaced.take()
    }

    /// Puts any value under a key, whatever was there.
    pub fn insert(&mut self, db: usize, key: &Key<'_>, value: Value, expiry: Option<i64>) -> Removed {
        let mut entry = Entry::new(key.bytes, value, expiry);
        entry.set_access_clock(self.write_access.clock);
        self.insert_entry(db, key, entry)
    }

    /// Puts an entry that was loaded in the place of its key, unless the key is there: then it is given back. `expected`: how many
    /// keys will come to this key's table, if that is known. A table that is empty makes room for them at once.
    #[inline]
    pub fn insert_loaded(
        &mut self,
        db: usize,
        place: KeyPlace,
        mut entry: Entry,
        expected: usize,
    ) -> Result<(), Entry> {
        let index = self.index(place.slot);
        let timed_key = field_expiry::has_field_expiries(&entry).then(|| entry.key().into());
        let Keyspace { databases, hasher, snapshots, .. } = self;
        let database = database_of(databases, db);
        snapshots.before_insert(&mut entry);
        database.change(index, |table| {
            if table.is_empty() {
                *table = Table::with_room_for(expected);
            }
            let Found::Absent(vacancy) = table.search(place.hash, |other| other.key() == entry.key()) else {
                return Err(entry);
            };
            let volatile = entry.expiry().is_some();
            let position = table.fill(vacancy, entry, |entry| hasher.hash(entry.key()));
            if volatile {
                table.set_mark(position, true);
            }
            Ok(())
        })?;
        if let Some(key) = timed_key {
            database.timed_hashes.insert((index, key));
        }
        Ok(())
    }

    /// A load is through: tables that got far fewer keys than they expected give the room back.
    pub fn fit_tables(&mut self) {
        let Keyspace { databases, hasher, .. } = self;
        for database in databases {
            for index in 0..database.tables().len() {
                if !database.table(index).is_some_and(Table::is_too_wide) {
                    continue;
                }
                database.change(index, |table| {
                    let narrow = Table::with_room_for(table.len());
                    for entry in std::mem::replace(table, narrow).into_entries() {
                        let (hash, volatile) = (hasher.hash(entry.key()), entry.expiry().is_some());
                        let position = table.insert(hash, entry, |entry| hasher.hash(entry.key()));
                        table.set_mark(position, volatile);
                    }
                });
            }
        }
    }

    /// Puts an entry that was loaded in the place of its key, whatever was there.
    pub fn replace_by_loaded(&mut self, db: usize, slot: Slot, entry: Entry) -> Removed {
        let key = entry.key().to_vec();
        let key = self.hasher.key_in_slot(&key, slot);
        self.insert_entry(db, &key, entry)
    }

    /// The entry's own key must be the key's bytes.
    pub(crate) fn insert_entry(&mut self, db: usize, key: &Key<'_>, mut entry: Entry) -> Removed {
        let index = self.index(key.slot);
        let volatile = entry.expiry().is_some();
        let timed = field_expiry::has_field_expiries(&entry);
        let Keyspace { databases, hasher, snapshots, .. } = self;
        let database = database_of(databases, db);
        let number = database.number_at_snapshot;
        snapshots.before_insert(&mut entry);
        if timed {
            database.timed_hashes.insert((index, key.bytes.into()));
        } else {
            database.forget_timed_hash(index, key.bytes);
        }
        database.change(index, |table| match table.search(key.hash, |entry| entry.key() == key.bytes) {
            Found::Absent(vacancy) => {
                let position = table.fill(vacancy, entry, |entry| hasher.hash(entry.key()));
                table.set_mark(position, volatile);
                Removed::Absent
            }
            Found::At(position) => {
                let old = table.replace(position, entry);
                table.set_mark(position, volatile);
                snapshots.after_removal(number, old)
            }
        })
    }

    pub fn remove(&mut self, db: usize, key: &Key<'_>) -> Removed {
        let index = self.index(key.slot);
        let Keyspace { databases, hasher, snapshots, .. } = self;
        let database = database_of(databases, db);
        let number = database.number_at_snapshot;
        if database.table(index).is_none_or(Table::is_empty) {
            return Removed::Absent;
        }
        let old = database.change(index, |table| {
            table.remove(key.hash, |entry| entry.key() == key.bytes, |entry| hasher.hash(entry.key()))
        });
        database.forget_timed_hash(index, key.bytes);
        snapshots.after_removal(number, old)
    }

    /// Removes an entry to use its value (GETDEL, RENAME); a running snapshot gets a copy.
    pub fn take(&mut self, db: usize, key: &Key<'_>) -> Option<Entry> {
        self.find_mut(db, key)?;
        match self.remove(db, key) {
            Removed::Entry(entry) => Some(entry),
            // `find_mut` has handed a copy over, so the snapshot no longer needs it.
            Removed::Absent | Removed::HandedOver => None,
        }
    }

    /// Moves the value, expiry and access bits to another key of this shard. What was there is returned; `None` if there is
    /// nothing to move.
    pub fn rename(&mut self, db: usize, from: &Key<'_>, to_db: usize, to: &Key<'_>) -> Option<Removed> {
        let entry = self.take(db, from)?;
        let entry = if from.bytes == to.bytes { entry } else { entry.with_key(to.bytes) };
        Some(self.insert_entry(to_db, to, entry))
    }

    /// Copies value and expiry to another key of this shard, as COPY does. `None` if there is nothing to copy.
    pub fn copy(&mut self, db: usize, from: &Key<'_>, to_db: usize, to: &Key<'_>) -> Option<Removed> {
        let mut entry = self.find(db, from)?.clone().with_key(to.bytes);
        entry.set_access_clock(self.write_access.clock);
        Some(self.insert_entry(to_db, to, entry))
    }

    /// Puts an entry of another keyspace in, as it is. The entry's own key must be the key's bytes.
    pub fn adopt(&mut self, db: usize, key: &Key<'_>, entry: Entry) {
        self.insert_entry(db, key, entry);
    }

    /// Sets or clears the expiry. False if there is no such key.
    pub fn set_expiry(&mut self, db: usize, key: &Key<'_>, expiry: Option<i64>) -> bool {
        let index = self.index(key.slot);
        let Keyspace { databases, snapshots, .. } = self;
        let database = database_of(databases, db);
        let number = database.number_at_snapshot;
        if database.table(index).is_none_or(Table::is_empty) {
            return false;
        }
        database.change(index, |table| {
            let Some(position) = table.find(key.hash, |entry| entry.key() == key.bytes) else { return false };
            if let Some(entry) = table.at_mut(position) {
                snapshots.before_change(number, entry);
                entry.set_expiry(expiry);
            }
            table.set_mark(position, expiry.is_some());
            true
        })
    }

    pub(crate) fn databases_mut(&mut self) -> &mut [Database] {
        &mut self.databases
    }

    fn database(&self, db: usize) -> &Database {
        match self.databases.get(db) {
            Some(database) => database,
            None => unreachable!("database {db}: SELECT checks the number"),
        }
    }

    fn database_mut(&mut self, db: usize) -> &mut Database {
        database_of(&mut self.databases, db)
    }

    fn table(&self, db: usize, slot: Slot) -> Option<&Table<Entry>> {
        self.database(db).table(self.index(slot))
    }

    /// Which of a database's tables holds a slot.
    #[inline]
    fn index(&self, slot: Slot) -> usize {
        match self.layout {
            Layout::Standalone => 0,
            Layout::Shard { shard_index, shard_count } => {
                debug_assert_eq!(slot.index() % shard_count, shard_index, "slot {slot} is another shard's");
                slot.index() / shard_count
            }
        }
    }

    /// The slot of a table; standalone, slot 0 stands for all.
    fn slot_of(&self, index: usize) -> Slot {
        let number = match self.layout {
            Layout::Standalone => 0,
            Layout::Shard { shard_index, shard_count } => index * shard_count + shard_index,
        };
        u16::try_from(number).ok().and_then(Slot::new).unwrap_or(Slot::MAX)
    }
}

impl SetExpiry {
    fn applied_to(self, before: Option<i64>) -> Option<i64> {
        match self {
            SetExpiry::Keep => before,
            SetExpiry::Clear => None,
            SetExpiry::At(expiry) => Some(expiry),
        }
    }
}

fn database_of(databases: &mut [Database], db: usize) -> &mut Database {
    match databases.get_mut(db) {
        Some(database) => database,
        None => unreachable!("database {db}: SELECT checks the number"),
    }
}

#[cfg(test)]
mod tests;
