//! Active expiry: keys and fields of hashes whose time has come go even if nobody looks at them.
//!
//! At each tick every shard is looked at in turn, a bounded number of keys with an expiry at a time, each time under
//! its lock for a moment only. Where many of them turn out to be over, it is looked at again, until the tick's time is
//! used up. On a replica, and while writes are held back, nothing expires by itself; but for what a replica's own clients wrote
//! ([`replica_keys`]).
//!
//! `active-expire-effort` (1 to 10) says how much: how many keys at a time, how large a share of the time between two
//! ticks, and how many keys that are over may be left, all by Redis's figures.

pub mod replica_keys;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rcl_store::keyspace::{ExpireCycle, ExpiredFields};

use crate::clock;
use crate::executor::internal;
use crate::node::Node;
use crate::pubsub::EventClass;
use crate::tracking::NOBODY;

/// What an effort stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pace {
    /// So many keys are looked at under one lock.
    keys_a_step: usize,
    /// So much of the time between two ticks may be spent.
    percent_of_time: u32,
    /// A shard of which more than so many percent of the keys looked at were over is looked at again.
    acceptable_percent: usize,
}

impl Pace {
    fn of_effort(effort: u32) -> Pace {
        let more = effort.clamp(1, 10) - 1;
        Pace {
            keys_a_step: 20 + 5 * more as usize,
            percent_of_time: 25 + 2 * more,
            acceptable_percent: 10 - more as usize,
        }
    }
}

/// Goes round all shards; stops where the budget ends and goes on there at the next tick.
#[derive(Debug, Default)]
pub struct ActiveExpiry {
    next_shard: usize,
    /// The share of keys that were over, of those looked at: a running average.
    stale_share: f64,
}

/// What one tick saw.
#[derive(Debug, Default)]
struct Seen {
    examined: usize,
    expired: usize,
}

impl ActiveExpiry {
    /// `period` is the time between two ticks.
    pub fn tick(&mut self, node: &Node, period: Duration) {
        let switched_off = !node.expires_actively.load(Ordering::Relaxed);
        if switched_off || !node.pause.lets_expire() {
            return;
        }
        let pace = Pace::of_effort(node.settings().active_expire_effort);
        let started = clock::monotonic();
        let end = started + period * pace.percent_of_time / 100;
        if node.replication.is_replica() {
            return node.replica_keys.tick(node, end);
        }
        let mut seen = Seen::default();
        for _ in 0..node.shards.count() {
            expire_shard(node, self.next_shard, pace, end, &mut seen);
            expire_fields_of_shard(node, self.next_shard, pace, end);
            self.next_shard = (self.next_shard + 1) % node.shards.count();
            if clock::monotonic() >= end {
                node.stats.expired_time_cap_reached.add(1);
                break;
            }
        }
        let took = clock::monotonic() - started;
        node.stats.expire_cycle_us.add(took.as_micros() as u64);
        node.latency.note("expire-cycle", took);
        let share = if seen.examined > 0 { seen.expired as f64 / seen.examined as f64 } else { 0.0 };
        self.stale_share = share * 0.05 + self.stale_share * 0.95;
        node.stats.expired_stale_ppm.set((self.stale_share * 1e6) as u64);
    }
}

fn expire_shard(node: &Node, index: usize, pace: Pace, end: Instant, seen: &mut Seen) {
    loop {
        let mut shard = node.shards.lock(index);
        if (0..shard.keyspace.database_count())
            .all(|database| shard.keyspace.volatile_key_count(database) == 0)
        {
            return;
        }
        let cycle = shard.keyspace.expire_cycle(clock::now_ms(), pace.keys_a_step);
        for expired in &cycle.expired {
            internal::has_expired(node, &mut shard, expired.db, &expired.key);
        }
        drop(shard);
        node.tracking.broadcasts.tell(node);
        let ExpireCycle { examined, expired, wrapped } = cycle;
        let count = expired.len();
        seen.examined += examined;
        seen.expired += count;
        for entry in expired.into_iter().filter_map(|expired| expired.entry) {
            node.lazy_free.entry(entry, || node.settings().lazyfree_lazy_expire);
        }
        let many = count * 100 > examined * pace.acceptable_percent;
        if !many || wrapped || clock::monotonic() >= end {
            return;
        }
    }
}

/// The same for fields of hashes: so many hashes are looked at under one lock, each relieved of some fields.
fn expire_fields_of_shard(node: &Node, index: usize, pace: Pace, end: Instant) {
    loop {
        let mut shard = node.shards.lock(index);
        if (0..shard.keyspace.database_count())
            .all(|database| !shard.keyspace.may_have_field_expiries(database))
        {
            return;
        }
        let cycle = shard.keyspace.field_expiry_cycle(clock::now_ms(), pace.keys_a_step);
        for expired in &cycle.expired {
            let ExpiredFields { db, key, fields, key_removed, .. } = expired;
            let tell =
                |class: EventClass, event: &str| node.events.tell(&node.pubsub, class, event, *db, key);
            node.stats.expired_subkeys.add(fields.len() as u64);
            tell(EventClass::Hash, "hexpired");
            if *key_removed {
                shard.key_is_gone(node, *db, key);
                tell(EventClass::Generic, "del");
            } else {
                shard.key_changed(node, *db, key, NOBODY);
            }
            internal::log_field_deletion(node, *db, key, fields);
        }
        drop(shard);
        node.tracking.broadcasts.tell(node);
        let many = cycle.expired.len() * 100 > cycle.examined * pace.acceptable_percent;
        if !many || clock::monotonic() >= end {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effort_is_more_keys_more_time_and_fewer_leftovers() {
        let pace = |keys_a_step, percent_of_time, acceptable_percent| Pace {
            keys_a_step,
            percent_of_time,
            acceptable_percent,
        };
        assert_eq!(Pace::of_effort(1), pace(20, 25, 10));
        assert_eq!(Pace::of_effort(10), pace(65, 43, 1));
    }
}
