//! Hashes whose fields have expiries: which they are, and finding fields whose time has come.
//!
//! A database remembers the keys of such hashes. A hash that lost its last expiry in place is forgotten when it is come by;
//! none that has one is ever missing: all values come in through the keyspace, which looks, and who gives a field of a
//! hash that is there an expiry says so ([`Keyspace::note_field_expiries`]).

use super::{Key, Keyspace};
use crate::entry::Entry;
use crate::types::{Hash, ValueRef};
use rcl_proto::Slot;
use std::collections::BTreeSet;
use std::ops::Bound;

/// Of how many fields one hash is relieved at a time.
const FIELDS_AT_A_TIME: usize = 64;

/// The number of its table, and the key.
pub(crate) type TimedHash = (usize, Box<[u8]>);
pub(crate) type TimedHashes = BTreeSet<TimedHash>;

/// From where the cycle goes on.
#[derive(Debug, Default)]
pub(super) struct FieldExpiryCursor {
    db: usize,
    after: Option<TimedHash>,
}

/// Fields that were found expired and are gone; the caller propagates their deletion.
#[derive(Debug)]
pub struct ExpiredFields {
    pub db: usize,
    pub slot: Slot,
    pub key: Box<[u8]>,
    pub fields: Vec<Vec<u8>>,
    /// They were the last ones: the key is gone.
    pub key_removed: bool,
}

#[derive(Debug, Default)]
pub struct FieldExpiryCycle {
    /// Hashes that were looked at.
    pub examined: usize,
    pub expired: Vec<ExpiredFields>,
}

pub(super) fn has_field_expiries(entry: &Entry) -> bool {
    matches!(entry.value(), ValueRef::Hash(hash) if hash.has_expiries())
}

impl Keyspace {
    /// False when no hash of the database has a field with an expiry; true when one may have.
    #[inline]
    pub fn may_have_field_expiries(&self, db: usize) -> bool {
        !self.database(db).timed_hashes.is_empty()
    }

    /// Whether any hash has a field with an expiry.
    pub fn has_field_expiries(&self) -> bool {
        let of = |db: usize| self.database(db).timed_hashes.iter().map(move |hash| (db, hash));
        (0..self.database_count()).flat_map(of).any(|(db, hash)| self.is_timed(db, hash))
    }

    /// A field of the hash at `key` was given an expiry.
    pub fn note_field_expiries(&mut self, db: usize, key: &Key<'_>) {
        let index = self.index(key.slot);
        self.database_mut(db).timed_hashes.insert((index, key.bytes.into()));
    }

    /// Looks at up to `budget` hashes with such fields, from where the last call stopped, and removes fields that are
    /// expired at `now_ms`; of one hash with very many, only some. It ends early when it has been all the way round.
    pub fn field_expiry_cycle(&mut self, now_ms: i64, budget: usize) -> FieldExpiryCycle {
        let mut cycle = FieldExpiryCycle::default();
        while cycle.examined < budget {
            let FieldExpiryCursor { db, after } = std::mem::take(&mut self.field_expiry_cursor);
            // At the end; the next call begins anew.
            let Some(database) = self.databases.get(db) else { break };
            let from = after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
            let next = database.timed_hashes.range((from, Bound::Unbounded)).next().cloned();
            self.field_expiry_cursor = match next {
                None => FieldExpiryCursor { db: db + 1, after: None },
                Some(hash) => {
                    cycle.examined += 1;
                    cycle.expired.extend(self.expire_fields(db, &hash, now_ms));
                    FieldExpiryCursor { db, after: Some(hash) }
                }
            };
        }
        cycle
    }

    fn expire_fields(&mut self, db: usize, hash: &TimedHash, now_ms: i64) -> Option<ExpiredFields> {
        if !self.is_timed(db, hash) {
            self.database_mut(db).timed_hashes.remove(hash);
            return None;
        }
        let slot = self.slot_of(hash.0);
        let key = self.hasher.clone().key_in_slot(&hash.1, slot);
        let ValueRef::Hash(fields) = self.find(db, &key)?.value() else { return None };
        let fields: Vec<Vec<u8>> =
            fields.expired(now_ms).take(FIELDS_AT_A_TIME).map(|field| field.to_vec()).collect();
        if fields.is_empty() {
            return None;
        }
        let mut rest = self.find_mut(db, &key)?.edit::<Hash>()?;
        for field in &fields {
            rest.remove(field);
        }
        let key_removed = rest.is_empty();
        drop(rest);
        if key_removed {
            self.remove(db, &key);
        }
        Some(ExpiredFields { db, slot, key: hash.1.clone(), fields, key_removed })
    }

    fn is_timed(&self, db: usize, (index, bytes): &TimedHash) -> bool {
        let key = self.hasher.key_in_slot(bytes, self.slot_of(*index));
        self.find(db, &key).is_some_and(has_field_expiries)
    }
}
