//! The keys that a command may touch: those of its slot, in the shard that is locked for it.
//!
//! A key past its time is as good as gone here. On a master it is deleted when a command comes upon it, and the
//! deletion goes into the log before the command's own effect; on a replica it is only hidden, since the master
//! decides; and the stream from the master sees it as it is.

mod fields;
mod several;

use rcl_proto::Slot;
use rcl_proto::resp::OwnedArgs;
use rcl_store::entry::access::{lfu_touch, lru_clock};
use rcl_store::entry::{Edit, Entry};
use rcl_store::keyspace::{Key, Keyspace, Removed, SetExpiry, Upserted};
use rcl_store::types::{
    Collection, Element, Hash, Limits, List, ListRef, Set, SetRef, SortedSet, SortedSetRef, Stream, Value,
    ValueRef,
};

use super::CommandError;
use super::effects::Effects;
use crate::client::{Session, client_flag};
use crate::config::Settings;
use crate::eviction;
use crate::executor::{Held, internal};
use crate::node::Node;
use crate::pubsub::EventClass;
use crate::shard::{Shard, Wanted};
use crate::tracking::NOBODY;

pub struct Data<'a> {
    node: &'a Node,
    /// The number of the client whose command it is.
    client: u64,
    held: Held<'a>,
    /// The slot of the command's keys; without a cluster the first one stands for all.
    pub slot: Slot,
    pub database: usize,
    /// Unix time in milliseconds; the same for all that one command does.
    pub now_ms: i64,
    pub effects: Effects,
    /// Keys that came into being (or went away) and that somebody waits for, with their databases. Served when the command is
    /// through.
    pub new_keys: &'a mut Vec<(usize, Box<[u8]>)>,
    pub hits: u64,
    pub misses: u64,
    expiry: ExpiryRule,
    /// Reads count as a use of the key; CLIENT NO-TOUCH switches that off.
    pub notes_access: bool,
}

/// What a key past its time is to this command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ExpiryRule {
    /// Gone, and deleted now.
    Delete,
    /// Gone, but somebody else deletes it.
    Hide,
    /// There.
    Ignore,
}

impl<'a> Data<'a> {
    pub fn new(
        node: &'a Node,
        held: Held<'a>,
        slot: Slot,
        session: &Session,
        now_ms: i64,
        new_keys: &'a mut Vec<(usize, Box<[u8]>)>,
    ) -> Data<'a> {
        let expiry = if session.is_master_link {
            ExpiryRule::Ignore
        } else if node.replication.is_replica() || !node.pause.lets_expire() {
            ExpiryRule::Hide
        } else {
            ExpiryRule::Delete
        };
        let effects = Effects::default();
        let notes_access = !session.handle.has_flag(client_flag::NO_TOUCH);
        let database = session.database;
        Data {
            node,
            client: session.id(),
            held,
            slot,
            database,
            now_ms,
            effects,
            new_keys,
            hits: 0,
            misses: 0,
            expiry,
            notes_access,
        }
    }

    /// For reading: counts a hit or a miss, and notes the access.
    pub fn find(&mut self, key: &[u8]) -> Option<&Entry> {
        self.read(key, self.access())
    }

    /// For a read that is no use of the key (EXISTS, TTL, TYPE): counted, but not noted.
    pub fn glance(&mut self, key: &[u8]) -> Option<&Entry> {
        self.read(key, Access::Unnoted)
    }

    fn read(&mut self, key: &[u8], access: Access) -> Option<&Entry> {
        let key = self.key(key);
        if self.is_gone(&key) {
            self.misses += 1;
            self.notify(EventClass::KeyMiss, "keymiss", key.bytes());
            return None;
        }
        let database = self.database;
        let found =
            keyspace_of(self.node, &mut self.held, self.slot)?
                .find_and_touch(database, &key, |old| access.after(old));
        *(if found.is_some() { &mut self.hits } else { &mut self.misses }) += 1;
        if found.is_none() {
            self.node.events.tell(&self.node.pubsub, EventClass::KeyMiss, "keymiss", database, key.bytes());
        }
        found
    }

    /// For a look that is no access: neither counted nor noted.
    pub fn peek(&mut self, key: &[u8]) -> Option<&Entry> {
        let key = self.key(key);
        if self.is_gone(&key) {
            return None;
        }
        let database = self.database;
        self.keyspace()?.find(database, &key)
    }

    /// For a command that may have nothing to change then: an access, but no read, and counted as none.
    pub fn look(&mut self, key: &[u8]) -> Option<&Entry> {
        let key = self.key(key);
        if self.is_gone(&key) {
            return None;
        }
        let (database, access) = (self.database, self.access());
        self.keyspace()?.find_and_touch(database, &key, |old| access.after(old))
    }

    /// For changing the value in place, which is an access. The caller says [`changed`](Self::changed) when it did.
    pub fn find_mut(&mut self, key: &[u8]) -> Option<&mut Entry> {
        let key = self.key(key);
        if self.is_gone(&key) {
            return None;
        }
        let (database, access) = (self.database, self.access());
        let entry = self.keyspace()?.find_mut(database, &key)?;
        access.note(entry);
        Some(entry)
    }

    /// What an access by this command does to the access bits of a key.
    fn access(&self) -> Access {
        if !self.notes_access {
            Access::Unnoted
        } else if self.node.eviction.counts_uses() {
            let settings = self.node.settings();
            let (decay_minutes, log_factor) = (settings.lfu_decay_time, settings.lfu_log_factor);
            Access::Counted { now_ms: self.now_ms, decay_minutes, log_factor }
        } else {
            Access::At(lru_clock(self.now_ms))
        }
    }

    /// The keyspace, told what its new entries' access bits are.
    fn keyspace_for_writing(&mut self) -> Option<&mut Keyspace> {
        let access = eviction::write_access(self.node, self.now_ms);
        let keyspace = self.keyspace()?;
        keyspace.set_write_access(access);
        Some(keyspace)
    }

    /// What was overwritten is freed, elsewhere if it is big and `lazyfree-lazy-server-del` says so.
    fn free_overwritten(&self, removed: Removed) {
        self.node.lazy_free.removed(removed, || self.node.settings().lazyfree_lazy_server_del);
    }

    /// As [`look`](Self::look).
    pub fn exists(&mut self, key: &[u8]) -> bool {
        self.look(key).is_some()
    }

    /// Puts a value under a key, whatever was there.
    pub fn put(&mut self, key: &[u8], value: Value, expiry: Option<i64>) {
        let key = self.key(key);
        let database = self.database;
        let Some(keyspace) = self.keyspace_for_writing() else { return };
        let before = keyspace.insert(database, &key, value, expiry);
        if !before.existed() {
            self.notify(EventClass::New, "new", key.bytes());
        }
        self.free_overwritten(before);
        self.note_new(database, key.bytes());
        if expiry.is_some() {
            self.note_expiry(database, &key);
        }
    }

    /// Puts a string that is stored as it is: raw, and never as a number.
    pub fn put_raw(&mut self, key: &[u8], bytes: Vec<u8>) {
        self.put(key, Value::String(bytes), None);
        if let Some(entry) = self.find_mut(key) {
            entry.edit_string(|_| ());
        }
    }

    /// Sets a string, as SET does, in one search. `decide` sees what is there and may decline.
    pub fn set_string(
        &mut self,
        key: &[u8],
        value: &[u8],
        expiry: SetExpiry,
        decide: impl FnOnce(Option<&Entry>) -> bool,
    ) -> Upserted {
        let key = self.key(key);
        self.is_gone(&key);
        let (database, node, access) = (self.database, self.node, self.access());
        let Some(keyspace) = self.keyspace_for_writing() else { return Upserted::Declined };
        if let Access::Counted { .. } = access {
            // An overwritten string keeps its count, and this use is one more.
            keyspace.find_and_touch(database, &key, |old| access.after(old));
        }
        let upserted = keyspace.upsert_string(database, &key, value, expiry, decide);
        if let Some(replaced) = keyspace.take_replaced() {
            node.lazy_free.value(replaced, || node.settings().lazyfree_lazy_server_del);
        }
        match upserted {
            Upserted::Created => self.notify(EventClass::New, "new", key.bytes()),
            // That there is a key was of use, too.
            Upserted::Declined if matches!(access, Access::At(_)) => {
                let _ = self.look(key.bytes());
            }
            _ => {}
        }
        if let SetExpiry::At(_) = expiry {
            self.note_expiry(database, &key);
        }
        upserted
    }

    /// Deletes the key. False when it was not there (or past its time).
    pub fn remove(&mut self, key: &[u8]) -> bool {
        self.remove_with(key, |settings| settings.lazyfree_lazy_server_del)
    }

    /// Deletes the key. `lazily` is asked whether a big value is freed elsewhere.
    pub fn remove_with(&mut self, key: &[u8], lazily: fn(&Settings) -> bool) -> bool {
        let key = self.key(key);
        !self.is_gone(&key) && self.remove_as_it_is(&key, lazily)
    }

    /// Deletes the key, past its time or not.
    fn remove_as_it_is(&mut self, key: &Key<'_>, lazily: fn(&Settings) -> bool) -> bool {
        let (database, node) = (self.database, self.node);
        let Some(keyspace) = self.keyspace() else { return false };
        let removed = keyspace.remove(database, key);
        let existed = removed.existed();
        node.lazy_free.removed(removed, || lazily(&node.settings()));
        existed
    }

    /// Deletes the key and gives what it held.
    pub fn take(&mut self, key: &[u8]) -> Option<Entry> {
        let key = self.key(key);
        if self.is_gone(&key) {
            return None;
        }
        let database = self.database;
        self.keyspace()?.take(database, &key)
    }

    /// Gives a key's value, expiry and all, to another name (and database); what was there is replaced. False when
    /// there is nothing to move.
    pub fn rename(&mut self, from: &[u8], to_database: usize, to: &[u8]) -> bool {
        let (from, to) = (self.key(from), self.key(to));
        if self.is_gone(&from) {
            return false;
        }
        let database = self.database;
        let overwritten =
            self.keyspace().and_then(|keyspace| keyspace.rename(database, &from, to_database, &to));
        let renamed = overwritten.is_some();
        if let Some(overwritten) = overwritten {
            self.free_overwritten(overwritten);
            self.in_database(to_database, |data| data.notify(EventClass::New, "new", to.bytes()));
            self.note_new(to_database, to.bytes());
            self.note_expiry(to_database, &to);
        }
        renamed
    }

    /// Copies a key's value and expiry to another name (and database). False when there is nothing to copy.
    pub fn copy(&mut self, from: &[u8], to_database: usize, to: &[u8]) -> bool {
        let (from, to) = (self.key(from), self.key(to));
        if self.is_gone(&from) {
            return false;
        }
        let database = self.database;
        let overwritten =
            self.keyspace_for_writing().and_then(|keyspace| keyspace.copy(database, &from, to_database, &to));
        let copied = overwritten.is_some();
        if let Some(overwritten) = overwritten {
            self.free_overwritten(overwritten);
            self.in_database(to_database, |data| data.notify(EventClass::New, "new", to.bytes()));
            self.note_new(to_database, to.bytes());
            self.note_expiry(to_database, &to);
        }
        copied
    }

    /// Sets, changes or clears the expiry of a key. False when there is no such key.
    pub fn set_expiry(&mut self, key: &[u8], expiry: Option<i64>) -> bool {
        let key = self.key(key);
        if self.is_gone(&key) {
            return false;
        }
        let database = self.database;
        let is_set = self.keyspace().is_some_and(|keyspace| keyspace.set_expiry(database, &key, expiry));
        if is_set && expiry.is_some() {
            self.note_expiry(database, &key);
        }
        is_set
    }

    /// The key may have got an expiry: on a replica it is noted whose that is.
    fn note_expiry(&mut self, database: usize, key: &Key<'_>) {
        match self.expiry {
            ExpiryRule::Delete => {}
            ExpiryRule::Ignore => self.node.replica_keys.is_the_masters(database, key.slot(), key.bytes()),
            // A pause hides them on a master too.
            ExpiryRule::Hide if self.node.replication.is_replica() => {
                let entry = self.keyspace().and_then(|keyspace| keyspace.find(database, key));
                if entry.is_some_and(|entry| entry.expiry().is_some()) {
                    self.node.replica_keys.note(database, key.slot(), key.bytes());
                }
            }
            ExpiryRule::Hide => {}
        }
    }

    /// Does something in another database of the same shard.
    pub fn in_database<R>(&mut self, database: usize, work: impl FnOnce(&mut Data<'a>) -> R) -> R {
        let before = std::mem::replace(&mut self.database, database);
        let result = work(self);
        self.database = before;
        result
    }

    /// The key changed: counts one change, breaks the transactions that watch it, and tells who has it cached.
    pub fn changed(&mut self, key: &[u8]) {
        self.effects.changes += 1;
        let (node, database, client) = (self.node, self.database, self.client);
        if let Some(shard) = self.shard() {
            shard.key_changed(node, database, key, client);
            if shard.waiters.is_mourned(database, key) {
                self.note_loss(key);
            }
        }
    }

    /// Who waits for the key to stay what it is looks at it when the command is through, if it is that no more.
    fn note_loss(&mut self, key: &[u8]) {
        if self.wanted_at(key) != Some(Wanted::Stream) {
            self.tell_waiters(key);
        }
    }

    /// Tells who wants to know what happened to a key, in Redis's words: said where Redis says it, so that the events of a
    /// command come in its order. (That a key is new, missing or expired is told in here.)
    #[inline]
    pub fn notify(&self, class: EventClass, event: &str, key: &[u8]) {
        self.node.events.tell(&self.node.pubsub, class, event, self.database, key);
    }

    /// The stream at `key` has something new, or lacks something: who waits for it is told when the command is through.
    pub fn tell_waiters(&mut self, key: &[u8]) {
        self.note_new(self.database, key);
    }

    /// Whether what a command does is told to replicas at all.
    pub fn is_logging(&self) -> bool {
        self.node.replication.is_logging()
    }

    pub fn limits(&self) -> Limits {
        self.node.limits()
    }

    /// True when a shard is locked: inside EXEC a command about the whole node must use those and lock none.
    pub fn holds_all_shards(&self) -> bool {
        matches!(&self.held, Held::AllAndRole(_))
            || matches!(&self.held, Held::Many(shards) if shards.len() == self.node.shards.count())
            || (self.node.shards.count() == 1 && !self.held.is_none())
    }

    /// True when the shard with this number is locked.
    pub fn holds(&mut self, index: usize) -> bool {
        self.held.get(index).is_some()
    }

    pub fn holds_nothing(&self) -> bool {
        self.held.is_none()
    }

    /// Takes these shards, where none is held yet.
    pub fn hold(&mut self, held: Held<'a>) {
        debug_assert!(self.held.is_none());
        self.held = held;
    }

    /// Takes this shard besides those that are held, if nobody else has it at this moment: it is not waited for.
    pub fn try_hold_one_more(&mut self, index: usize) -> bool {
        let node: &'a Node = self.node;
        let locked = node.shards.try_lock(index);
        locked.is_some_and(|shard| self.held.add(index, shard))
    }

    pub fn held_shards(&self) -> Vec<usize> {
        self.held.indexes()
    }

    /// Shows `visit` every shard in turn: those that are held as they are, the others locked one by one.
    pub fn each_shard(&mut self, mut visit: impl FnMut(&mut Shard)) {
        for index in 0..self.node.shards.count() {
            self.with_shard(index, &mut visit);
        }
    }

    /// Shows `visit` the shard with this number, locked for the visit if it is not held.
    pub fn with_shard<R>(&mut self, index: usize, visit: impl FnOnce(&mut Shard) -> R) -> R {
        match self.held.get(index) {
            Some(shard) => visit(shard),
            None => visit(&mut self.node.shards.lock(index)),
        }
    }

    /// The shard of the command's slot.
    pub fn shard(&mut self) -> Option<&mut Shard> {
        let index = self.node.shards.index_of(self.slot);
        self.held.get(index)
    }

    fn keyspace(&mut self) -> Option<&mut Keyspace> {
        keyspace_of(self.node, &mut self.held, self.slot)
    }

    fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        self.node.hasher.key_in_slot(bytes, self.slot)
    }

    /// True when the key is there but past its time, so that it counts as gone; on a master it then is gone.
    fn is_gone(&mut self, key: &Key<'_>) -> bool {
        let (node, database, now_ms, rule) = (self.node, self.database, self.now_ms, self.expiry);
        let Some(shard) = self.shard() else { return false };
        if rule == ExpiryRule::Ignore || !shard.keyspace.slot_has_volatile_keys(database, key.slot()) {
            return false;
        }
        if !shard.keyspace.find(database, key).is_some_and(|entry| entry.is_expired(now_ms)) {
            return false;
        }
        if rule == ExpiryRule::Delete {
            let removed = shard.keyspace.remove(database, key);
            shard.key_changed(node, database, key.bytes(), NOBODY);
            if shard.waiters.is_mourned(database, key.bytes()) {
                self.note_new(database, key.bytes());
            }
            node.lazy_free.removed(removed, || node.settings().lazyfree_lazy_expire);
            self.notify(EventClass::Expired, "expired", key.bytes());
            self.node.stats.expired_keys.add(1);
            self.node.stats.dirty.add(1);
            if self.node.replication.is_logging() {
                let command = internal::deletion(node.settings().lazyfree_lazy_expire);
                self.effects.before.push((database, OwnedArgs::new([command, key.bytes()])));
            }
        }
        true
    }
}

impl Data<'_> {
    /// Puts in what another node has in these databases, unseen by anybody.
    pub fn adopt(&mut self, entries: Vec<(usize, Entry)>) {
        let node = self.node;
        for (database, entry) in entries {
            let bytes: Box<[u8]> = entry.key().into();
            let key = node.key(&bytes);
            let index = node.shards.index_of(key.slot());
            self.with_shard(index, |shard| shard.keyspace.adopt(database, &key, entry));
        }
    }

    /// Deletes keys of a slot that a look at all keys found to be past their time, if that is this node's to do.
    pub fn delete_expired(&mut self, slot: Slot, keys: &[Box<[u8]>]) {
        if keys.is_empty() || self.expiry != ExpiryRule::Delete {
            return;
        }
        let (node, database, now_ms) = (self.node, self.database, self.now_ms);
        self.with_shard(node.shards.index_of(slot), |shard| {
            keys.iter().for_each(|key| internal::expire_key(node, shard, database, slot, key, now_ms));
        });
    }
}

/// What an access does to the access bits of a key.
#[derive(Clone, Copy, Debug)]
enum Access {
    /// Nothing: CLIENT NO-TOUCH.
    Unnoted,
    /// They say when it was.
    At(u32),
    /// They count it, for the LFU policies.
    Counted { now_ms: i64, decay_minutes: u32, log_factor: u32 },
}

impl Access {
    #[inline]
    fn note(self, entry: &mut Entry) {
        let clock = entry.access_clock();
        let touched = self.after(clock);
        if touched != clock {
            entry.set_access_clock(touched);
        }
    }

    #[inline]
    fn after(self, clock: u32) -> u32 {
        match self {
            Access::Unnoted => clock,
            Access::At(clock) => clock,
            Access::Counted { now_ms, decay_minutes, log_factor } => {
                lfu_touch(clock, now_ms, decay_minutes, log_factor, &mut rand::rng())
            }
        }
    }
}

fn keyspace_of<'h>(node: &Node, held: &'h mut Held<'_>, slot: Slot) -> Option<&'h mut Keyspace> {
    held.get(node.shards.index_of(slot)).map(|shard| &mut shard.keyspace)
}

/// The value of a key as one type; a key of another type is an error.
impl Data<'_> {
    pub fn string(&mut self, key: &[u8]) -> Result<Option<Element<'_>>, CommandError> {
        match self.find(key).map(Entry::value) {
            None => Ok(None),
            Some(value) => value.as_string().map(Some).ok_or(CommandError::WRONG_TYPE),
        }
    }

    /// For a command that changes it then: the look is no read, and counts as none.
    pub fn string_to_change(&mut self, key: &[u8]) -> Result<Option<Element<'_>>, CommandError> {
        match self.peek(key).map(Entry::value) {
            None => Ok(None),
            Some(value) => value.as_string().map(Some).ok_or(CommandError::WRONG_TYPE),
        }
    }

    pub fn list(&mut self, key: &[u8]) -> Result<Option<ListRef<'_>>, CommandError> {
        match self.find(key).map(Entry::value) {
            None => Ok(None),
            Some(ValueRef::List(list)) => Ok(Some(list)),
            Some(_) => Err(CommandError::WRONG_TYPE),
        }
    }

    pub fn set(&mut self, key: &[u8]) -> Result<Option<SetRef<'_>>, CommandError> {
        match self.find(key).map(Entry::value) {
            None => Ok(None),
            Some(ValueRef::Set(set)) => Ok(Some(set)),
            Some(_) => Err(CommandError::WRONG_TYPE),
        }
    }

    pub fn sorted_set(&mut self, key: &[u8]) -> Result<Option<SortedSetRef<'_>>, CommandError> {
        match self.find(key).map(Entry::value) {
            None => Ok(None),
            Some(ValueRef::SortedSet(sorted_set)) => Ok(Some(sorted_set)),
            Some(_) => Err(CommandError::WRONG_TYPE),
        }
    }

    pub fn stream(&mut self, key: &[u8]) -> Result<Option<&Stream>, CommandError> {
        match self.find(key).map(Entry::value) {
            None => Ok(None),
            Some(ValueRef::Stream(stream)) => Ok(Some(stream)),
            Some(_) => Err(CommandError::WRONG_TYPE),
        }
    }

    /// The collection at `key`, to be changed.
    fn edit<C: Collection>(&mut self, key: &[u8]) -> Result<Option<Edit<'_, C>>, CommandError> {
        let Some(entry) = self.find_mut(key) else { return Ok(None) };
        entry.edit().map(Some).ok_or(CommandError::WRONG_TYPE)
    }

    pub fn hash_mut(&mut self, key: &[u8]) -> Result<Option<Edit<'_, Hash>>, CommandError> {
        self.edit(key)
    }

    pub fn list_mut(&mut self, key: &[u8]) -> Result<Option<Edit<'_, List>>, CommandError> {
        self.edit(key)
    }

    pub fn set_mut(&mut self, key: &[u8]) -> Result<Option<Edit<'_, Set>>, CommandError> {
        self.edit(key)
    }

    pub fn sorted_set_mut(&mut self, key: &[u8]) -> Result<Option<Edit<'_, SortedSet>>, CommandError> {
        self.edit(key)
    }

    pub fn stream_mut(&mut self, key: &[u8]) -> Result<Option<&mut Stream>, CommandError> {
        let Some(entry) = self.find_mut(key) else { return Ok(None) };
        entry.stream_mut().map(Some).ok_or(CommandError::WRONG_TYPE)
    }

    /// The hash at `key`, a new one when there is no key.
    pub fn hash_or_new(&mut self, key: &[u8]) -> Result<Edit<'_, Hash>, CommandError> {
        let entry = self.find_or_create(key, || Value::Hash(Hash::new()));
        entry.and_then(Entry::edit).ok_or(CommandError::WRONG_TYPE)
    }

    pub fn list_or_new(&mut self, key: &[u8]) -> Result<Edit<'_, List>, CommandError> {
        let entry = self.find_or_create(key, || Value::List(List::new()));
        entry.and_then(Entry::edit).ok_or(CommandError::WRONG_TYPE)
    }

    pub fn set_or_new(&mut self, key: &[u8]) -> Result<Edit<'_, Set>, CommandError> {
        let entry = self.find_or_create(key, || Value::Set(Set::new()));
        entry.and_then(Entry::edit).ok_or(CommandError::WRONG_TYPE)
    }

    pub fn sorted_set_or_new(&mut self, key: &[u8]) -> Result<Edit<'_, SortedSet>, CommandError> {
        let entry = self.find_or_create(key, || Value::SortedSet(SortedSet::new()));
        entry.and_then(Entry::edit).ok_or(CommandError::WRONG_TYPE)
    }

    pub fn stream_or_new(&mut self, key: &[u8]) -> Result<&mut Stream, CommandError> {
        let entry = self.find_or_create(key, || Value::Stream(Box::default()));
        entry.and_then(Entry::stream_mut).ok_or(CommandError::WRONG_TYPE)
    }

    /// As [`find_mut`](Self::find_mut), but a key that is not there gets a value first.
    fn find_or_create(&mut self, key: &[u8], value: impl FnOnce() -> Value) -> Option<&mut Entry> {
        let key = self.key(key);
        let is_gone = self.is_gone(&key);
        let (database, access) = (self.database, self.access());
        let keyspace = self.keyspace_for_writing()?;
        // Where somebody else deletes a key past its time, it still lies there, and is overwritten.
        let found = if is_gone { None } else { keyspace.position(database, &key) };
        let Some(position) = found else {
            keyspace.insert(database, &key, value(), None);
            self.notify(EventClass::New, "new", key.bytes());
            self.note_new(database, key.bytes());
            return self.keyspace()?.find_mut(database, &key);
        };
        let entry = self.keyspace()?.at_mut(database, &key, position)?;
        access.note(entry);
        Some(entry)
    }

    /// The key has a value that it had not, or has it no more: whom that concerns is looked at when the command is through.
    fn note_new(&mut self, database: usize, key: &[u8]) {
        let is_waited_for = self.shard().is_some_and(|shard| shard.waiters.has_key(database, key));
        let is_same = |(other, noted): &(usize, Box<[u8]>)| *other == database && **noted == *key;
        if is_waited_for && !self.new_keys.iter().any(is_same) {
            self.new_keys.push((database, key.into()));
        }
    }

    /// What a key has for those who wait. A key past its time is left for others to delete.
    pub fn wanted_at(&mut self, key: &[u8]) -> Option<Wanted> {
        let (database, now_ms, rule) = (self.database, self.now_ms, self.expiry);
        let key = self.key(key);
        let entry = self.keyspace()?.find(database, &key)?;
        let is_there = rule == ExpiryRule::Ignore || !entry.is_expired(now_ms);
        if is_there { Wanted::of(entry.value()) } else { None }
    }

    /// A collection that has no elements any more is no key any more: the event `del`, told behind what emptied it. True
    /// when it was taken away.
    pub fn remove_if_empty(&mut self, key: &[u8]) -> bool {
        let is_empty = self.peek(key).is_some_and(|entry| entry.value().is_empty_collection());
        let removed = is_empty && self.remove(key);
        if removed {
            self.notify(EventClass::Generic, "del", key);
        }
        removed
    }
}
