//! Fields of hashes that have an expiry of their own.
//!
//! Who reads a hash does not see fields whose time has come. On a master a command that names such a field deletes it, and the
//! deletion goes into the log before the command's own effect; the rest is left to the active cycle.

use rcl_proto::resp::OwnedArgs;
use rcl_store::entry::Entry;
use rcl_store::types::{Hash, HashRef, LiveHash, ValueRef};

use super::{CommandError, Data, ExpiryRule};
use crate::pubsub::EventClass;
use crate::tracking::NOBODY;

/// So many fields one command deletes besides what it is for.
const MOST_AT_ONCE: usize = 1000;

impl Data<'_> {
    pub fn hash(&mut self, key: &[u8]) -> Result<Option<LiveHash<'_>>, CommandError> {
        let now_ms = self.now_of_fields();
        match self.find(key).map(Entry::value) {
            None => Ok(None),
            Some(ValueRef::Hash(hash)) => Ok(Some(hash.at(now_ms))),
            Some(_) => Err(CommandError::WRONG_TYPE),
        }
    }

    /// For a command that changes it then: the look is no read, and counts as none.
    pub fn hash_to_change(&mut self, key: &[u8]) -> Result<Option<LiveHash<'_>>, CommandError> {
        let now_ms = self.now_of_fields();
        match self.peek(key).map(Entry::value) {
            None => Ok(None),
            Some(ValueRef::Hash(hash)) => Ok(Some(hash.at(now_ms))),
            Some(_) => Err(CommandError::WRONG_TYPE),
        }
    }

    /// The moment at which fields are seen: for the stream from the master none has ended yet.
    pub fn now_of_fields(&self) -> i64 {
        if self.expiry == ExpiryRule::Ignore { i64::MIN } else { self.now_ms }
    }

    /// Deletes those of the fields whose time has come. To be called by commands that name fields, before they look.
    pub fn expire_fields<'f>(&mut self, key: &[u8], fields: impl Iterator<Item = &'f [u8]>) {
        self.expire_some(key, |hash, now_ms| {
            let is_over = |field: &&[u8]| hash.expiry(field).is_some_and(|expiry| now_ms > expiry);
            fields.filter(is_over).map(<[u8]>::to_vec).collect()
        });
    }

    /// Deletes fields whose time has come, whichever they are; of very many only the first.
    pub fn expire_any_fields(&mut self, key: &[u8]) {
        self.expire_some(key, |hash, now_ms| {
            hash.expired(now_ms).take(MOST_AT_ONCE).map(|field| field.to_vec()).collect()
        });
    }

    /// `choose` names fields that are over.
    fn expire_some(&mut self, key: &[u8], choose: impl FnOnce(HashRef<'_>, i64) -> Vec<Vec<u8>>) {
        let database = self.database;
        let may_have = self.keyspace().is_some_and(|keyspace| keyspace.may_have_field_expiries(database));
        if !may_have || self.expiry != ExpiryRule::Delete {
            return;
        }
        let now_ms = self.now_ms;
        let Some(ValueRef::Hash(hash)) = self.peek(key).map(Entry::value) else { return };
        let over = choose(hash, now_ms);
        if over.is_empty() {
            return;
        }
        if let Some(mut hash) = self.find_mut(key).and_then(Entry::edit::<Hash>) {
            for field in &over {
                hash.remove(field);
            }
        }
        let node = self.node;
        node.stats.expired_subkeys.add(over.len() as u64);
        node.stats.dirty.add(over.len() as u64);
        if let Some(shard) = self.shard() {
            shard.key_changed(node, database, key, NOBODY);
        }
        self.notify(EventClass::Hash, "hexpired", key);
        if node.replication.is_logging() {
            let fields = over.iter().map(Vec::as_slice);
            let deletion = OwnedArgs::new([b"HDEL".as_slice(), key].into_iter().chain(fields));
            self.effects.before.push((database, deletion));
        }
        self.remove_if_empty(key);
    }

    /// A field of the hash was given an expiry.
    pub fn note_field_expiries(&mut self, key: &[u8]) {
        let (key, database) = (self.key(key), self.database);
        if let Some(keyspace) = self.keyspace() {
            keyspace.note_field_expiries(database, &key);
        }
        if self.node.replication.is_logging() {
            self.node.replication.tell_of_field_expiries();
        }
    }
}
