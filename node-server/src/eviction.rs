//! `maxmemory`: making room by evicting keys, before a command takes its lock.
//!
//! 1. A command looks whether more is used than allowed: one load when there is no limit.
//! 2. If so, a few keys are sampled, each key of the node equally likely, and the best candidates of this and earlier samples
//!    are kept in a pool ([`rcl_store::eviction`]). The best goes; again, until there is room. Each step locks one shard.
//! 3. That ends after a while even if there is no room yet (`maxmemory-eviction-tenacity`). The command runs all the same, and
//!    the main thread goes on evicting.
//! 4. Only if there is nothing that may be evicted, commands that want memory are refused.
//!
//! How much is to go is reckoned once, and the keys' own sizes are taken off: what evicting causes besides (DELs for replicas,
//! messages to who tracks the keys) goes away by itself, and must not make further keys go.
//!
//! Who comes while another thread evicts does not wait for it. What slow replicas make the replication log keep beyond its
//! size is not counted, nor are invalidations on their way to clients: else what an evicted key causes to be sent would make
//! the next key go, until none is left.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use rand::Rng;
use rcl_proto::{Slot, key_slot};
use rcl_store::entry::Entry;
use rcl_store::entry::access::{lfu_counter, lfu_new, lfu_pack, lru_clock, lru_idle_ms};
use rcl_store::eviction::{Candidate, Pool, Ranking};
use rcl_store::keyspace::{Removed, WriteAccess};
use tokio::sync::Notify;

use crate::allocator::used_bytes;
use crate::client;
use crate::clock;
use crate::config::{MaxmemoryPolicy, Settings};
use crate::executor::internal;
use crate::node::Node;
use crate::pause::PauseLevel;
use crate::pubsub::EventClass;
use crate::shard::Shard;

/// How an attempt to make room ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    Enough,
    /// Not yet, but it is being made.
    Coming,
    /// There is nothing more to evict.
    None,
}

#[derive(Debug, Default)]
pub struct Eviction {
    /// `maxmemory`; 0 is no limit. Looked at by every command.
    limit: AtomicU64,
    /// The policy counts how often keys are used, not when. Looked at by every access.
    counts_uses: AtomicBool,
    evictor: Mutex<Evictor>,
    /// The main thread shall go on evicting.
    go_on: Notify,
    exceeded: Mutex<Exceeded>,
}

impl Eviction {
    /// What the configuration says.
    pub fn adopt(&self, settings: &Settings) {
        self.limit.store(settings.maxmemory, Ordering::Relaxed);
        self.counts_uses.store(settings.maxmemory_policy.counts_uses(), Ordering::Relaxed);
    }

    /// The main thread makes room, if there is none.
    pub fn look_soon(&self) {
        self.go_on.notify_one();
    }

    #[inline]
    pub fn limit(&self) -> u64 {
        self.limit.load(Ordering::Relaxed)
    }

    #[inline]
    pub fn counts_uses(&self) -> bool {
        self.counts_uses.load(Ordering::Relaxed)
    }

    /// How long more was used than allowed: now, and in sum since CONFIG RESETSTAT.
    pub fn exceeded_ms(&self) -> (u64, u64) {
        let exceeded = self.exceeded.lock().unwrap_or_else(PoisonError::into_inner);
        let current = exceeded.since.map_or(0, |since| (clock::monotonic() - since).as_millis() as u64);
        (current, exceeded.total_ms + current)
    }

    pub fn reset_stats(&self) {
        let mut exceeded = self.exceeded.lock().unwrap_or_else(PoisonError::into_inner);
        *exceeded = Exceeded { since: exceeded.since.map(|_| clock::monotonic()), total_ms: 0 };
    }

    /// Whether there still is too much in use, after an attempt to change that.
    fn note_exceeded(&self, is_over: bool) {
        let mut exceeded = self.exceeded.lock().unwrap_or_else(PoisonError::into_inner);
        match (exceeded.since, is_over) {
            (None, true) => exceeded.since = Some(clock::monotonic()),
            (Some(since), false) => {
                exceeded.total_ms += (clock::monotonic() - since).as_millis() as u64;
                exceeded.since = None;
            }
            _ => {}
        }
    }
}

#[derive(Debug, Default)]
struct Exceeded {
    since: Option<Instant>,
    total_ms: u64,
}

impl MaxmemoryPolicy {
    pub fn counts_uses(self) -> bool {
        matches!(self, MaxmemoryPolicy::AllkeysLfu | MaxmemoryPolicy::VolatileLfu)
    }

    pub fn is_lru(self) -> bool {
        matches!(self, MaxmemoryPolicy::AllkeysLru | MaxmemoryPolicy::VolatileLru)
    }

    /// Keys without an expiry stay.
    fn spares_persistent_keys(self) -> bool {
        use MaxmemoryPolicy::*;
        matches!(self, VolatileLru | VolatileLfu | VolatileRandom | VolatileTtl)
    }

    /// `None` when any key is as good as another.
    fn ranking(self, decay_minutes: u32) -> Option<Ranking> {
        use MaxmemoryPolicy::*;
        match self {
            AllkeysLru | VolatileLru => Some(Ranking::Idle),
            AllkeysLfu | VolatileLfu => Some(Ranking::Frequency { decay_minutes }),
            VolatileTtl => Some(Ranking::Expiry),
            AllkeysRandom | VolatileRandom | Noeviction => None,
        }
    }
}

/// The access bits of a key that is new.
pub fn write_access(node: &Node, now_ms: i64) -> WriteAccess {
    let counts_uses = node.eviction.counts_uses();
    let clock = if counts_uses { lfu_new(now_ms) } else { lru_clock(now_ms) };
    WriteAccess { clock, overwrite_keeps: counts_uses }
}

/// What a snapshot tells of the access bits: seconds since the last use, or how often it was used, if the policy asks.
pub fn kept_access(settings: &Settings, entry: &Entry, now_ms: i64) -> (Option<u64>, Option<u8>) {
    let (policy, clock) = (settings.maxmemory_policy, entry.access_clock());
    if policy.counts_uses() {
        (None, Some(lfu_counter(clock, now_ms, settings.lfu_decay_time)))
    } else if policy.is_lru() {
        (Some(lru_idle_ms(clock, now_ms).max(0) as u64 / 1000), None)
    } else {
        (None, None)
    }
}

/// The access bits of a key that comes with its history (RESTORE, RDB), if they tell anything under this policy.
pub fn restored_clock(
    settings: &Settings,
    idle_s: Option<u64>,
    frequency: Option<u8>,
    now_ms: i64,
) -> Option<u32> {
    if settings.maxmemory_policy.counts_uses() {
        return frequency.map(|frequency| lfu_pack(now_ms, frequency));
    }
    let idle_ms = i64::try_from(idle_s?).unwrap_or(i64::MAX).saturating_mul(1000);
    Some(lru_clock(now_ms.saturating_sub(idle_ms)))
}

/// What `maxmemory` limits: all that is in use, without what goes away by itself.
pub fn counted_bytes(node: &Node) -> u64 {
    used_bytes().saturating_sub(uncounted_bytes(node))
}

/// What slow replicas make the replication log keep, and invalidations that clients have not taken yet.
pub fn uncounted_bytes(node: &Node) -> u64 {
    replica_bytes(node) + client::invalidation_bytes_under_way() as u64
}

/// What replicas take: of the replication log, what is beyond `repl-backlog-size`.
pub fn replica_bytes(node: &Node) -> u64 {
    let (log, _) = node.replication.log_memory();
    log.saturating_sub(node.settings().repl_backlog_size) as u64
}

pub fn is_over_limit(node: &Node) -> bool {
    let limit = node.eviction.limit();
    // The sum alone first: what is not counted costs a lock.
    limit > 0 && used_bytes() > limit && counted_bytes(node) > limit
}

/// Evicts what must go for memory to be below the limit again. Nobody may call it with a shard locked.
#[inline]
pub fn make_room(node: &Node) -> Room {
    if node.eviction.limit() == 0 { Room::Enough } else { look(node) }
}

fn look(node: &Node) -> Room {
    if !is_over_limit(node) {
        return Room::Enough;
    }
    if !may_evict(node) {
        return Room::Enough;
    }
    let mut evictor = match node.eviction.evictor.try_lock() {
        Ok(evictor) => evictor,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return Room::Coming,
    };
    let room = evictor.run(node);
    drop(evictor);
    node.eviction.note_exceeded(room != Room::Enough);
    if room == Room::Coming {
        node.eviction.look_soon();
    }
    room
}

/// A replica keeps what its master keeps; and while the data must not change, nothing is evicted.
fn may_evict(node: &Node) -> bool {
    let left_to_master = node.replication.is_replica() && node.settings().replica_ignore_maxmemory;
    !left_to_master && node.pause.lets_expire()
}

/// Goes on evicting where commands left off. For the main thread; never ends.
pub async fn run(node: Arc<Node>) {
    loop {
        node.eviction.go_on.notified().await;
        while make_room(&node) == Room::Coming {
            tokio::task::yield_now().await;
        }
    }
}

/// How long one attempt may take; `None` as long as it takes. As Redis: 0 to 500 µs up to a tenacity of 10, then 15 % more
/// with each step.
fn time_limit(tenacity: u32) -> Option<Duration> {
    match tenacity {
        0..=10 => Some(Duration::from_micros(u64::from(tenacity) * 50)),
        11..=99 => Some(Duration::from_micros((500.0 * 1.15f64.powi(tenacity as i32 - 10)) as u64)),
        _ => None,
    }
}

/// The clock is looked at after so many keys.
const KEYS_A_LOOK: u32 = 16;
/// How old the picture may be of how the keys lie over the shards.
const PICTURE_AGE: Duration = Duration::from_millis(100);
/// So often it is sampled without finding one that may go, though there are keys: they must be on their way to another node.
const VAIN_SAMPLES: usize = 100;
const LAZY_FREE_LOOK: Duration = Duration::from_micros(500);

/// Who evicts holds this; there is one.
#[derive(Debug, Default)]
struct Evictor {
    pool: Pool,
    /// What the pool's scores were made by.
    policy: Option<MaxmemoryPolicy>,
    /// How many keys of each shard may be evicted, and in sum.
    weights: Vec<usize>,
    total: usize,
    weighed: Option<Instant>,
}

impl Evictor {
    fn run(&mut self, node: &Node) -> Room {
        let settings = node.settings();
        let policy = settings.maxmemory_policy;
        if self.policy != Some(policy) {
            *self = Evictor { policy: Some(policy), ..Evictor::default() };
        }
        let started = clock::monotonic();
        let limit = time_limit(settings.maxmemory_eviction_tenacity);
        let is_late = || limit.is_some_and(|limit| clock::monotonic() - started >= limit);
        let mut left = counted_bytes(node).saturating_sub(node.eviction.limit());
        let mut keys = 0;
        while policy != MaxmemoryPolicy::Noeviction
            && let Some(freed) = self.evict_one(node, &settings)
        {
            left = left.saturating_sub(freed);
            keys += 1;
            let is_enough = left == 0 || !is_over_limit(node);
            if is_enough || (keys % KEYS_A_LOOK == 0 && is_late()) {
                node.latency.note("eviction-cycle", clock::monotonic() - started);
                return if is_enough { Room::Enough } else { Room::Coming };
            }
        }
        // What was deleted before may still be on its way back to the allocator.
        while node.lazy_free.pending() > 0 && !is_late() && is_over_limit(node) {
            std::thread::sleep(LAZY_FREE_LOOK);
        }
        node.latency.note("eviction-cycle", clock::monotonic() - started);
        if is_over_limit(node) { Room::None } else { Room::Enough }
    }

    /// What the key took that went; `None` when none may go.
    fn evict_one(&mut self, node: &Node, settings: &Settings) -> Option<u64> {
        if self.weighed.is_none_or(|at| clock::monotonic() - at > PICTURE_AGE) {
            self.weigh(node, settings.maxmemory_policy);
        }
        for _ in 0..VAIN_SAMPLES {
            if self.total == 0 {
                return None;
            }
            self.sample(node, settings);
            while let Some(best) = self.pool.take_best() {
                let freed = evict(node, settings, &best);
                if freed.is_some() {
                    return freed;
                }
            }
            self.weigh(node, settings.maxmemory_policy);
        }
        None
    }

    fn weigh(&mut self, node: &Node, policy: MaxmemoryPolicy) {
        self.weights.clear();
        node.shards.each(|shard| self.weights.push(evictable_counts(shard, policy).sum()));
        self.total = self.weights.iter().sum();
        self.weighed = Some(clock::monotonic());
    }

    /// Draws keys, each equally likely, and offers them to the pool: one, if the policy takes any.
    fn sample(&mut self, node: &Node, settings: &Settings) {
        let policy = settings.maxmemory_policy;
        let ranking = policy.ranking(settings.lfu_decay_time);
        // So many draws of few keys meet all of them.
        let enough = self.total.saturating_mul(16);
        let count = ranking.map_or(1, |_| settings.maxmemory_samples.min(enough));
        let rng = &mut rand::rng();
        let now_ms = clock::now_ms();
        let mut indexes: Vec<usize> =
            (0..count).filter_map(|_| pick(self.weights.iter().copied(), rng)).collect();
        indexes.sort_unstable();
        for same in indexes.chunk_by(|one, other| one == other) {
            let index = same[0];
            let shard = node.shards.lock(index);
            for _ in same {
                let Some((database, entry)) = draw(&shard, policy, rng) else { continue };
                let score = ranking.map_or(0, |ranking| ranking.score(entry, now_ms));
                let slot = if node.is_cluster() { key_slot(entry.key()) } else { Slot::MIN };
                self.pool.offer(score, entry.key(), || (index, database, slot));
            }
        }
    }
}

/// How many keys of each database may be evicted.
fn evictable_counts(shard: &Shard, policy: MaxmemoryPolicy) -> impl Iterator<Item = usize> {
    let keyspace = &shard.keyspace;
    (0..keyspace.database_count()).map(move |database| {
        if policy.spares_persistent_keys() {
            keyspace.volatile_key_count(database)
        } else {
            keyspace.key_count(database)
        }
    })
}

/// An index, each as likely as its weight says; `None` when all are 0.
fn pick(weights: impl Iterator<Item = usize> + Clone, rng: &mut impl Rng) -> Option<usize> {
    let total: usize = weights.clone().sum();
    let mut left = ((u128::from(rng.next_u64()) * total as u128) >> 64) as usize;
    let mut weights = weights.enumerate();
    weights.find_map(|(index, weight)| {
        let is_it = left < weight;
        left = left.saturating_sub(weight);
        is_it.then_some(index)
    })
}

/// A key of the shard that may be evicted, each equally likely.
fn draw<'a>(shard: &'a Shard, policy: MaxmemoryPolicy, rng: &mut impl Rng) -> Option<(usize, &'a Entry)> {
    let counts: Vec<usize> = evictable_counts(shard, policy).collect();
    let database = pick(counts.iter().copied(), rng)?;
    let entry = if policy.spares_persistent_keys() {
        shard.keyspace.random_volatile_entry(database, rng)
    } else {
        shard.keyspace.random_entry(database, rng)
    };
    entry.map(|entry| (database, entry))
}

/// Deletes the key, if it still is there and may go, and tells everybody. What it took, if it went.
fn evict(node: &Node, settings: &Settings, candidate: &Candidate) -> Option<u64> {
    let Candidate { shard: index, database, slot, key: bytes } = candidate;
    let started = clock::monotonic();
    let mut shard = node.shards.lock(*index);
    if shard.pause > PauseLevel::None || shard.departing.contains(*database, bytes) {
        return None;
    }
    let key = node.hasher.key_in_slot(bytes, *slot);
    let spares = settings.maxmemory_policy.spares_persistent_keys();
    let may_go = |entry: &Entry| !spares || entry.expiry().is_some();
    if !shard.keyspace.find(*database, &key).is_some_and(may_go) {
        return None;
    }
    let removed = shard.keyspace.remove(*database, &key);
    let freed = match &removed {
        Removed::Entry(entry) => entry.memory_usage() as u64,
        // A snapshot that runs holds it a while longer.
        Removed::HandedOver | Removed::Absent => 0,
    };
    shard.key_is_gone(node, *database, bytes);
    node.events.tell(&node.pubsub, EventClass::Evicted, "evicted", *database, bytes);
    internal::log_deletion(node, *database, &[bytes], settings.lazyfree_lazy_eviction);
    node.stats.evicted_keys.add(1);
    drop(shard);
    node.tracking.broadcasts.tell(node);
    node.lazy_free.removed(removed, || settings.lazyfree_lazy_eviction);
    node.latency.note("eviction-del", clock::monotonic() - started);
    Some(freed)
}

#[cfg(test)]
mod tests;
