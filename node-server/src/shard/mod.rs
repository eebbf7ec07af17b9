//! The shards that the keyspace is laid over. A shard is plain data behind one lock: the tables of its slots,
//! the map it routes by, and who waits for what in it.
//!
//! Slot `s` lies in shard `s mod S`, S being a power of two several times the worker threads; without a cluster
//! there is one shard, and everything lies in it.

mod departing;
mod key_waiters;
mod slot_stats;
mod watchers;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use rcl_cluster::ClusterMap;
use rcl_proto::{SLOT_COUNT, Slot};
use rcl_store::keyspace::{KeyHasher, KeyPlace, Keyspace, Layout};
use rcl_store::prefetch::Step;

pub use departing::Departing;
pub use key_waiters::{Arrival, KeyWaiter, KeyWaiters, Wanted};
pub use slot_stats::{SlotStats, SlotUse};
pub use watchers::{Fate, Watchers};

use crate::net;
use crate::node::Node;
use crate::pause::PauseLevel;
use crate::tracking::{self, TrackedKeys};

#[derive(Debug)]
pub struct Shard {
    pub keyspace: Keyspace,
    /// Who owns which slot, as this shard acts by it; `None` without a cluster.
    pub map: Option<Arc<ClusterMap>>,
    pub pause: PauseLevel,
    pub watchers: Watchers,
    /// Who has which key in a cache of its own.
    pub tracked: TrackedKeys,
    /// Who waits for something to come to a key.
    pub waiters: KeyWaiters,
    /// Keys that MIGRATE has sent and the target has not confirmed.
    pub departing: Departing,
    pub slot_stats: SlotStats,
}

impl Shard {
    fn new(keyspace: Keyspace, slot_stats: SlotStats) -> Shard {
        Shard {
            keyspace,
            map: None,
            pause: PauseLevel::None,
            watchers: Watchers::default(),
            tracked: TrackedKeys::default(),
            waiters: KeyWaiters::default(),
            departing: Departing::default(),
            slot_stats,
        }
    }
}

#[derive(Debug)]
pub struct Shards {
    shards: Box<[Guarded]>,
}

/// What is written at each lock lies in one line of the cache, which no other shard is in: threads pass it to each other.
#[derive(Debug)]
#[repr(C, align(128))]
struct Guarded {
    /// How often it was locked. Changed only by who has the lock.
    taken: AtomicU64,
    /// Who has it locked, a script, has it for long.
    held_long: AtomicBool,
    shard: Mutex<Shard>,
}

/// How long it is waited for a lock before it is looked whether it is held for long.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// So few keys are in the cache anyway.
const FEW_KEYS: usize = 1024;

/// The shard is held by a script that runs for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldLong;

impl Guarded {
    fn new(shard: Shard) -> Guarded {
        Guarded { shard: Mutex::new(shard), taken: AtomicU64::new(0), held_long: AtomicBool::new(false) }
    }

    fn note(&self) {
        self.taken.store(self.taken.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    #[cold]
    fn wait_unless_held_long(&self) -> Result<MutexGuard<'_, Shard>, HeldLong> {
        loop {
            if self.held_long.load(Ordering::Acquire) {
                return Err(HeldLong);
            }
            if let Some(shard) = self.shard.try_lock_for(LOOK_EVERY) {
                return Ok(shard);
            }
        }
    }

    #[cold]
    fn wait(&self) -> MutexGuard<'_, Shard> {
        self.wait_unless_held_long().unwrap_or_else(|HeldLong| {
            net::let_others_work();
            self.shard.lock()
        })
    }
}

impl Shards {
    /// For a cluster: shards for this many threads.
    pub fn for_cluster(threads: usize, hasher: &KeyHasher) -> Shards {
        let shard_count = (threads.max(1) * 8).next_power_of_two().min(256);
        let shard = |shard_index| {
            let layout = Layout::Shard { shard_index, shard_count };
            let slot_stats = SlotStats::new(shard_index, shard_count);
            Guarded::new(Shard::new(Keyspace::new(layout, 1, hasher.clone()), slot_stats))
        };
        Shards { shards: (0..shard_count).map(shard).collect() }
    }

    /// Without a cluster: one shard with this many databases.
    pub fn standalone(databases: usize, hasher: &KeyHasher) -> Shards {
        let keyspace = Keyspace::new(Layout::Standalone, databases, hasher.clone());
        Shards { shards: Box::new([Guarded::new(Shard::new(keyspace, SlotStats::new(0, 1)))]) }
    }

    /// Empty ones, laid out as these are.
    pub fn empty_copy(&self) -> Shards {
        let empty = |index| {
            let keyspace = self.lock(index).keyspace.empty_copy();
            Guarded::new(Shard::new(keyspace, SlotStats::new(index, self.count())))
        };
        Shards { shards: (0..self.count()).map(empty).collect() }
    }

    /// What is in them, shard by shard.
    pub fn into_keyspaces(self) -> impl Iterator<Item = Keyspace> {
        self.shards.into_iter().map(|guarded| guarded.shard.into_inner().keyspace)
    }

    pub fn count(&self) -> usize {
        self.shards.len()
    }

    pub fn index_of(&self, slot: Slot) -> usize {
        slot.index() & (self.shards.len() - 1)
    }

    /// The slots that lie in the shard with this number.
    pub fn slots_of(&self, index: usize) -> impl Iterator<Item = Slot> {
        (index..SLOT_COUNT).step_by(self.count()).filter_map(|number| Slot::new(number as u16))
    }

    pub fn lock(&self, index: usize) -> MutexGuard<'_, Shard> {
        let guarded = &self.shards[index];
        let shard = guarded.shard.try_lock().unwrap_or_else(|| guarded.wait());
        guarded.note();
        shard
    }

    /// The same, but it is not waited for a script that runs for long.
    #[inline]
    pub fn lock_unless_held_long(&self, index: usize) -> Result<MutexGuard<'_, Shard>, HeldLong> {
        let guarded = &self.shards[index];
        let shard = match guarded.shard.try_lock() {
            Some(shard) => shard,
            None => guarded.wait_unless_held_long()?,
        };
        guarded.note();
        Ok(shard)
    }

    /// The script that holds this shard turned out to run for long; or it is through.
    pub fn set_held_long(&self, index: usize, is_long: bool) {
        self.shards[index].held_long.store(is_long, Ordering::Release);
    }

    /// `None` when somebody else holds it at this moment.
    pub fn try_lock(&self, index: usize) -> Option<MutexGuard<'_, Shard>> {
        let guarded = &self.shards[index];
        let shard = guarded.shard.try_lock()?;
        guarded.note();
        Some(shard)
    }

    /// A number for the holder that has it locked now: the same number is the same holder.
    pub fn hold(&self, index: usize) -> Option<u64> {
        let guarded = &self.shards[index];
        guarded.shard.is_locked().then(|| guarded.taken.load(Ordering::Relaxed))
    }

    pub fn lock_slot(&self, slot: Slot) -> MutexGuard<'_, Shard> {
        self.lock(self.index_of(slot))
    }

    /// Asks the cache for what the searches for these keys will need, all at once: a search waits for memory two or three times,
    /// and those of requests that came together need not wait one behind the other. Shards that are locked are left aside.
    pub fn prefetch(&self, database: usize, places: &[KeyPlace]) {
        for step in [Step::Way, Step::Entry] {
            self.each_place(
                places,
                |place| *place,
                |keyspace, place| {
                    if keyspace.key_count(database) >= FEW_KEYS {
                        keyspace.prefetch(database, *place, step);
                    }
                },
            );
        }
    }

    /// The same for members of collections: where a collection's key lies, and the member.
    pub fn prefetch_members<'m>(
        &self,
        database: usize,
        members: &[(KeyPlace, Range<usize>)],
        bytes_of: impl Fn(&Range<usize>) -> &'m [u8],
    ) {
        for step in [Step::Way, Step::Entry] {
            self.each_place(
                members,
                |(place, _)| *place,
                |keyspace, (place, member)| {
                    keyspace.prefetch_member(database, *place, bytes_of(member), step);
                },
            );
        }
    }

    fn each_place<T>(&self, items: &[T], place_of: impl Fn(&T) -> KeyPlace, visit: impl Fn(&Keyspace, &T)) {
        let index_of = |item: &T| self.index_of(place_of(item).slot());
        for together in items.chunk_by(|one, next| index_of(one) == index_of(next)) {
            let Some(first) = together.first() else { continue };
            if let Some(shard) = self.shards[index_of(first)].shard.try_lock() {
                together.iter().for_each(|item| visit(&shard.keyspace, item));
            }
        }
    }

    /// One after the other, each locked while `visit` looks at it.
    pub fn each(&self, mut visit: impl FnMut(&mut Shard)) {
        for index in 0..self.count() {
            visit(&mut self.lock(index));
        }
    }
}

impl Shard {
    /// From now on the shard acts by this map; the one before. What was counted of slots that change hands is forgotten.
    pub fn adopt_map(&mut self, map: Arc<ClusterMap>) -> Option<Arc<ClusterMap>> {
        let before = self.map.replace(map.clone())?;
        self.slot_stats.reset_where(|slot| before.owner_id(slot) != map.owner_id(slot));
        Some(before)
    }

    /// `key` changed by the hand of client `by`: breaks the transactions that watch it, and tells who has it cached.
    #[inline]
    pub fn key_changed(&mut self, node: &Node, database: usize, key: &[u8], by: u64) {
        let keyspace = &self.keyspace;
        self.watchers.touch(database, key, || keyspace.find(database, &node.key(key)).is_some());
        if !self.tracked.is_empty() || !node.tracking.broadcasts.is_empty() {
            tracking::key_changed(node, &mut self.tracked, key, by);
        }
    }

    /// `key` is here no more, and no client is the reason: besides, who waits for it to stay gives up.
    pub fn key_is_gone(&mut self, node: &Node, database: usize, key: &[u8]) {
        self.key_changed(node, database, key, tracking::NOBODY);
        self.waiters.key_is_gone(database, key);
    }

    /// The watched keys of databases for which `becomes` names what is there then: `Some(None)` for nothing, else the database
    /// that takes their place.
    pub fn databases_change(
        &mut self,
        node: &Node,
        now_ms: i64,
        becomes: impl Fn(usize) -> Option<Option<usize>>,
    ) {
        let keyspace = &self.keyspace;
        self.watchers.touch_by_fate(|database, key| {
            let key = node.key(key);
            let then = becomes(database)?;
            let then =
                then.and_then(|other| keyspace.find(other, &key)).map(|entry| entry.is_expired(now_ms));
            Some(Fate { was_there: keyspace.find(database, &key).is_some(), then })
        });
    }

    /// True when the key is here and its time has not come.
    pub fn holds(&self, database: usize, slot: Slot, key: &[u8], now_ms: i64) -> bool {
        let key = self.keyspace.hasher().key_in_slot(key, slot);
        self.keyspace.find(database, &key).is_some_and(|entry| !entry.is_expired(now_ms))
    }
}
