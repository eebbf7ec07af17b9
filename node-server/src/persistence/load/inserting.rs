//! What a run of a file holds becomes entries, and these go into the shards.
//!
//! A run is decoded without any lock; then each shard that it has keys for is locked a few times, for some hundred keys each.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rcl_proto::resp::OwnedArgs;
use rcl_proto::{SLOT_COUNT, Slot, key_slot};
use rcl_store::entry::Entry;
use rcl_store::keyspace::{KeyHasher, KeyPlace, Keyspace};
use rcl_store::prefetch::Step;
use rcl_store::rdb::{Cutter, KeyItem, RunDecoder, RunKey, RunSum};
use rcl_store::types::Limits;

use super::{Failure, Refusal};
use crate::clock;
use crate::eviction;
use crate::node::Node;
use crate::scheduling;
use crate::shard::Shards;

/// So many keys are inserted under one lock.
const KEYS_A_LOCK: usize = 512;
/// Of a run that is decoded while others serve: after so many keys they get the processor if they wait for it.
const KEYS_A_TURN: usize = 32;
/// For so many keys the cache is asked at once for what they need.
const ASKED_AHEAD: usize = 16;

/// Some items of a file, whole.
pub struct Run {
    /// Counted from 1, in the file's order.
    pub number: usize,
    pub bytes: Vec<u8>,
    pub offset: u64,
    /// As it was before the first item.
    pub cutter: Cutter,
}

/// Where keys go, and what is done with those that cannot go there.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    pub node: &'a Node,
    pub shards: &'a Shards,
    /// A master drops what has expired; a replica keeps it until its master says so.
    pub drops_expired: bool,
    /// Keys that are there already give way. It is an error otherwise.
    pub replaces_keys: bool,
    /// Whoever else wants a processor gets more of it: others serve the data meanwhile.
    pub gives_way: bool,
}

impl<'a> Target<'a> {
    pub fn of_master(node: &'a Node, shards: &'a Shards) -> Target<'a> {
        Target { node, shards, drops_expired: false, replaces_keys: false, gives_way: true }
    }
}

/// Used by all threads of one load.
pub struct Inserter<'a> {
    target: Target<'a>,
    hasher: KeyHasher,
    limits: Limits,
    /// For each database how many keys are expected in each of its tables.
    expected: Box<[AtomicUsize]>,
    /// Of the runs that are done, by their numbers.
    sums: Mutex<Vec<RunSum>>,
    /// The first one in the file counts.
    failure: Mutex<Option<Failure>>,
    has_failed: AtomicBool,
}

/// An entry on its way.
struct Ready {
    offset: u64,
    database: usize,
    shard: usize,
    place: KeyPlace,
    entry: Entry,
}

/// What was found in a run.
#[derive(Default)]
struct Counts {
    keys: u64,
    expired: u64,
    empty: u64,
}

impl<'a> Inserter<'a> {
    pub fn new(target: Target<'a>) -> Inserter<'a> {
        let (hasher, database_count) = {
            let shard = target.shards.lock(0);
            (shard.keyspace.hasher().clone(), shard.keyspace.database_count())
        };
        Inserter {
            target,
            hasher,
            limits: target.node.limits(),
            expected: (0..database_count).map(|_| AtomicUsize::new(0)).collect(),
            sums: Mutex::default(),
            failure: Mutex::default(),
            has_failed: AtomicBool::new(false),
        }
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How many keys a database is said to have, of which no more than `most` are believed.
    pub fn expect(&self, database: u64, keys: u64, most: u64) {
        let tables = if self.target.node.is_cluster() { SLOT_COUNT } else { 1 };
        let in_a_table = usize::try_from(keys.min(most)).unwrap_or(usize::MAX) / tables;
        if let Some(expected) =
            usize::try_from(database).ok().and_then(|database| self.expected.get(database))
        {
            expected.store(in_a_table, Ordering::Relaxed);
        }
    }

    /// Whether any run has failed: there is no use in going on.
    pub fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Acquire)
    }

    pub fn take_failure(&self) -> Option<Failure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub fn note_failure(&self, failure: Failure) {
        let mut first = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        if first.as_ref().is_none_or(|first| failure.offset < first.offset) {
            *first = Some(failure);
        }
        self.has_failed.store(true, Ordering::Release);
    }

    pub fn note_sum(&self, number: usize, sum: RunSum) {
        let mut sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        if sums.len() <= number {
            sums.resize(number + 1, RunSum::default());
        }
        if let Some(place) = sums.get_mut(number) {
            *place = sum;
        }
    }

    pub fn sums(&self) -> Vec<RunSum> {
        std::mem::take(&mut *self.sums.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Decodes a run and inserts its keys. A failure is noted.
    pub fn insert_run(&self, run: &Run) {
        self.note_sum(run.number, RunSum::of(&run.bytes));
        let mut decoder = RunDecoder::new(&run.bytes, run.offset, run.cutter, &self.limits);
        let mut counts = Counts::default();
        let mut ready = Vec::with_capacity(run.bytes.len() / 64);
        let now_ms = clock::now_ms();
        let decoded = loop {
            let offset = decoder.offset();
            if ready.len() % KEYS_A_TURN == 0 {
                self.let_others_run();
            }
            match decoder.next_key() {
                Ok(Some(key)) => match self.prepare(key, offset, now_ms, &mut counts) {
                    Ok(prepared) => ready.extend(prepared),
                    Err(failure) => break Err(failure),
                },
                Ok(None) => break Ok(()),
                Err(error) => break Err(error.into()),
            }
        };
        if let Err(failure) = decoded.and_then(|()| self.insert(ready)) {
            self.note_failure(failure);
        }
        self.show(&counts);
    }

    /// One key that was too long for a run.
    pub fn insert_key(&self, key: RunKey, offset: u64) -> Result<(), Failure> {
        let mut counts = Counts::default();
        let ready = self.prepare(key, offset, clock::now_ms(), &mut counts)?;
        self.show(&counts);
        self.insert(ready.into_iter().collect())
    }

    /// All runs are in.
    pub fn finish(&self) {
        for index in 0..self.target.shards.count() {
            self.target.shards.lock(index).keyspace.fit_tables();
        }
    }

    fn show(&self, counts: &Counts) {
        let progress = &self.target.node.persistence.loading;
        progress.keys_loaded.fetch_add(counts.keys, Ordering::Relaxed);
        progress.keys_expired.fetch_add(counts.expired, Ordering::Relaxed);
        progress.empty_keys.fetch_add(counts.empty, Ordering::Relaxed);
    }

    /// `None` for what is not to be kept.
    fn prepare(
        &self,
        key: RunKey,
        offset: u64,
        now_ms: i64,
        counts: &mut Counts,
    ) -> Result<Option<Ready>, Failure> {
        let KeyItem { database, mut entry, idle_s, frequency } = match key {
            RunKey::Key(item) => item,
            RunKey::Empty(key) => {
                tracing::warn!("skipping empty key: {}", String::from_utf8_lossy(&key));
                counts.empty += 1;
                return Ok(None);
            }
        };
        let database = match usize::try_from(database) {
            Ok(database) if database < self.expected.len() => database,
            _ => {
                let why = Refusal::NoSuchDatabase { number: database, there_are: self.expected.len() };
                return Err(Failure::refused(offset, why));
            }
        };
        let node = self.target.node;
        let slot = if node.is_cluster() { key_slot(entry.key()) } else { Slot::MIN };
        if self.target.drops_expired && entry.is_expired(now_ms) {
            counts.expired += 1;
            // Replicas that go on from the file's place have it still.
            let delete = OwnedArgs::new([b"DEL".as_slice(), entry.key()]);
            node.replication.append(database, std::iter::once(delete.as_args()));
            return Ok(None);
        }
        counts.keys += 1;
        entry.set_access_clock(self.access_clock(idle_s, frequency, now_ms));
        let place = self.hasher.place_in_slot(entry.key(), slot);
        let shard = self.target.shards.index_of(slot);
        Ok(Some(Ready { offset, database, shard, place, entry }))
    }

    fn access_clock(&self, idle_s: Option<u64>, frequency: Option<u8>, now_ms: i64) -> u32 {
        let node = self.target.node;
        let restored = if idle_s.is_some() || frequency.is_some() {
            eviction::restored_clock(&node.settings(), idle_s, frequency, now_ms)
        } else {
            None
        };
        restored.unwrap_or_else(|| eviction::write_access(node, now_ms).clock)
    }

    fn insert(&self, mut ready: Vec<Ready>) -> Result<(), Failure> {
        if self.target.shards.count() > 1 {
            ready.sort_by_key(|ready| ready.shard);
        }
        let mut left = ready.into_iter().peekable();
        let mut together = Vec::with_capacity(KEYS_A_LOCK);
        while let Some(first) = left.next() {
            let shard = first.shard;
            together.push(first);
            while together.len() < KEYS_A_LOCK
                && let Some(next) = left.next_if(|next| next.shard == shard)
            {
                together.push(next);
            }
            let mut locked = self.target.shards.lock(shard);
            self.insert_together(&mut locked.keyspace, &mut together)?;
            drop(locked);
            self.let_others_run();
        }
        Ok(())
    }

    fn let_others_run(&self) {
        if self.target.gives_way {
            scheduling::let_others_run();
        }
    }

    /// All of one shard.
    fn insert_together(&self, keyspace: &mut Keyspace, ready: &mut Vec<Ready>) -> Result<(), Failure> {
        let places: Vec<(usize, KeyPlace)> =
            ready.iter().map(|ready| (ready.database, ready.place)).collect();
        let mut ready = ready.drain(..);
        for places in places.chunks(ASKED_AHEAD) {
            for (database, place) in places {
                keyspace.prefetch(*database, *place, Step::Way);
            }
            for Ready { offset, database, place, entry, .. } in ready.by_ref().take(places.len()) {
                if self.target.replaces_keys {
                    keyspace.replace_by_loaded(database, place.slot(), entry);
                    continue;
                }
                let expected = self.expected.get(database).map_or(0, |keys| keys.load(Ordering::Relaxed));
                if let Err(entry) = keyspace.insert_loaded(database, place, entry, expected) {
                    let why = Refusal::KeyIsThere { key: entry.key().to_vec() };
                    return Err(Failure::refused(offset, why));
                }
            }
        }
        Ok(())
    }
}
