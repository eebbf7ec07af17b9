//! Active expiry: keys whose time has come go even if nobody looks at them.
//!
//! At each tick every shard is looked at in turn, a bounded number of keys with an expiry at a time, each time under
//! its lock for a moment only. Where many of them turn out to be over, it is looked at again, until the tick's time is
//! used up. On a replica, and while writes are held back, nothing expires by itself.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::clock;
use crate::executor::internal;
use crate::node::Node;
use crate::pubsub::EventClass;

/// So many keys are looked at under one lock.
const KEYS_A_STEP: usize = 20;

/// Goes round all shards; stops where the budget ends and goes on there at the next tick.
#[derive(Debug, Default)]
pub struct ActiveExpiry {
    next_shard: usize,
}

impl ActiveExpiry {
    pub fn tick(&mut self, node: &Node, budget: Duration) {
        let switched_off = !node.expires_actively.load(Ordering::Relaxed);
        if switched_off || node.replication.is_replica() || !node.pause.lets_expire() {
            return;
        }
        let end = clock::monotonic() + budget;
        for _ in 0..node.shards.count() {
            expire_shard(node, self.next_shard, end);
            self.next_shard = (self.next_shard + 1) % node.shards.count();
            if clock::monotonic() >= end {
                return;
            }
        }
    }
}

fn expire_shard(node: &Node, index: usize, end: Instant) {
    loop {
        let mut shard = node.shards.lock(index);
        if (0..shard.keyspace.database_count())
            .all(|database| shard.keyspace.volatile_key_count(database) == 0)
        {
            return;
        }
        let cycle = shard.keyspace.expire_cycle(clock::now_ms(), KEYS_A_STEP);
        for expired in &cycle.expired {
            shard.watchers.touch(expired.db, &expired.key);
            let class = EventClass::Expired;
            node.events.tell(&node.pubsub, class, "expired", expired.db, &expired.key);
            internal::log_deletion(node, expired.db, expired.slot, &[&expired.key]);
        }
        node.stats.expired_keys.add(cycle.expired.len() as u64);
        drop(shard);
        let many = cycle.expired.len() * 10 > cycle.examined;
        if !many || cycle.wrapped || clock::monotonic() >= end {
            return;
        }
    }
}
