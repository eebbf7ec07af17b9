//! The applier: takes what the cluster decided to the data, shard by shard, and may wait for their locks.
//!
//! Jobs are done in order. A map goes to every shard that is free at once; those that are busy (a slow command)
//! get it when they are, and nobody waits for them meanwhile: a newer map replaces it for all. A map counts as
//! applied when every shard has it. With it the shard sends on the clients that wait on keys of a slot that left, and ends the
//! subscriptions to sharded channels of slots that changed hands.
//!
//! While the data of the last save are still being loaded, only maps are handed out. All else is about data, and waits
//! for them: keys that are to go may not have come yet, and a replica's copy must not meet them.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use rcl_cluster::{ClusterMap, SlotOwner};
use rcl_proto::resp::OwnedArgs;
use rcl_proto::{Slot, SlotSet, key_slot};
use tokio::sync::mpsc::UnboundedSender;

use super::{Acknowledgement, replicating};
use crate::clock;
use crate::executor::Held;
use crate::node::Node;
use crate::pause::{PauseLevel, PauseReason};
use crate::persistence::aof;
use crate::pubsub::ChannelKind;
use crate::replication;
use crate::routing::route_waiting;
use crate::shard::Shard;
use crate::tracking::{self, NOBODY};

/// A cluster has this database alone.
const DATABASE: usize = 0;
/// How long a busy shard is left alone.
const BETWEEN_TRIES: Duration = Duration::from_micros(200);

#[derive(Debug)]
pub enum Job {
    /// Answered by [`Acknowledgement::Applied`].
    Map(Arc<ClusterMap>),
    /// The data of the last save are there. Once; answered by [`Acknowledgement::Loaded`].
    Loaded,
    /// The keys of these slots are another master's now.
    DropSlots(Box<SlotSet>),
    FlushData,
    /// Answered by [`Acknowledgement::WritesPaused`].
    PauseWrites {
        for_ms: u64,
    },
    ResumeWrites,
    Follow {
        ip: String,
        port: u16,
    },
    Lead,
}

/// The thread ends when the sender is dropped.
pub fn start(node: Arc<Node>, acknowledge: UnboundedSender<Acknowledgement>) -> io::Result<Sender<Job>> {
    let (sender, jobs) = mpsc::channel();
    let applier = Applier { node, acknowledge, before_data: Some(Vec::new()) };
    super::start_thread("applier", move || applier.run(&jobs))?;
    Ok(sender)
}

struct Applier {
    node: Arc<Node>,
    acknowledge: UnboundedSender<Acknowledgement>,
    /// What waits for the data; `None` when they are there.
    before_data: Option<Vec<Job>>,
}

impl Applier {
    fn run(mut self, jobs: &Receiver<Job>) {
        let mut waiting = VecDeque::new();
        while let Some(job) = waiting.pop_front().or_else(|| jobs.recv().ok()) {
            match job {
                Job::Map(map) => self.hand_out(map, jobs, &mut waiting),
                Job::Loaded => self.loaded(),
                job => match &mut self.before_data {
                    Some(before_data) => before_data.push(job),
                    None => self.perform(job),
                },
            }
        }
    }

    fn loaded(&mut self) {
        for job in self.before_data.take().unwrap_or_default() {
            self.perform(job);
        }
        let shards = &self.node.shards;
        let has_keys = |slot: &Slot| shards.lock_slot(*slot).keyspace.key_count_in_slot(DATABASE, *slot) > 0;
        let slots = Box::new(Slot::all().filter(has_keys).collect());
        self.acknowledge(Acknowledgement::Loaded { slots });
    }

    fn perform(&self, job: Job) {
        let node = &self.node;
        match job {
            // Done above.
            Job::Map(_) | Job::Loaded => {}
            Job::DropSlots(slots) => self.drop_slots(&slots),
            Job::FlushData => self.flush(),
            Job::PauseWrites { for_ms } => {
                let until_ms = clock::now_ms().saturating_add_unsigned(for_ms);
                node.pause.pause(&node.shards, PauseReason::Failover, PauseLevel::Writes, until_ms);
                self.acknowledge(Acknowledgement::WritesPaused { offset: replicating::offset(node) });
            }
            Job::ResumeWrites => node.pause.resume(&node.shards, PauseReason::Failover),
            Job::Follow { ip, port } => replicating::follow(node, &ip, port),
            Job::Lead => replicating::lead(node),
        }
    }

    /// Gives the map, or a newer one that comes right behind it, to every shard.
    fn hand_out(&self, map: Arc<ClusterMap>, jobs: &Receiver<Job>, waiting: &mut VecDeque<Job>) {
        let mut map = map;
        let mut without: Vec<usize> = (0..self.node.shards.count()).collect();
        loop {
            without.retain(|&index| match self.node.shards.try_lock(index) {
                Some(mut shard) => {
                    self.take_over(index, &mut shard, &map);
                    false
                }
                None => true,
            });
            if without.is_empty() {
                return self.acknowledge(Acknowledgement::Applied { version: map.version });
            }
            match jobs.recv_timeout(BETWEEN_TRIES) {
                Ok(Job::Map(newer)) if waiting.is_empty() => {
                    map = newer;
                    without = (0..self.node.shards.count()).collect();
                }
                Ok(job) => waiting.push_back(job),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// From now on the shard acts by this map. Who was there by the one before and has to know is told under its lock: after
    /// that only those come whom the new map lets in.
    fn take_over(&self, index: usize, shard: &mut Shard, map: &Arc<ClusterMap>) {
        let Some(before) = shard.adopt_map(map.clone()) else { return };
        self.send_waiters_on(shard, map);
        if self.node.pubsub.name_count(ChannelKind::Shard) == 0 {
            return;
        }
        // Also where a replica takes over from its master, as with Redis 7.2: who subscribes anew finds the new master.
        let changed_hands = |&slot: &Slot| before.owner_id(slot) != map.owner_id(slot);
        let changed: SlotSet = self.node.shards.slots_of(index).filter(changed_hands).collect();
        if !changed.is_empty() {
            self.node.pubsub.drop_shard_channels(|slot| changed.contains(slot));
        }
    }

    fn send_waiters_on(&self, shard: &mut Shard, map: &ClusterMap) {
        if shard.waiters.is_empty() {
            return;
        }
        if map.my_master().is_some() {
            return shard.waiters.disconnect_all(replication::NO_LONGER_MASTER);
        }
        let endpoint = self.node.settings().cluster_preferred_endpoint_type;
        shard.waiters.refuse(|waiter| route_waiting(map, waiter.slot, endpoint));
    }

    /// Fails only when the control thread has ended.
    fn acknowledge(&self, acknowledgement: Acknowledgement) {
        let _ = self.acknowledge.send(acknowledgement);
    }
}

/// Keys deleted at once while a shard is locked, where each deletion goes into the log.
const DELETED_AT_ONCE: usize = 256;

impl Applier {
    /// Another master has these slots. Their keys go, and the replicas are told; a slot that came back to us
    /// meanwhile is left alone.
    fn drop_slots(&self, slots: &SlotSet) {
        let dropped: usize = slots.iter().map(|slot| self.drop_slot(slot)).sum();
        self.node.stats.dirty.add(dropped as u64);
        if dropped > 0 {
            tracing::warn!(slots = %slots, keys = dropped, "deleted the keys of slots that another master has");
        }
    }

    fn drop_slot(&self, slot: Slot) -> usize {
        let mut dropped = 0;
        loop {
            let mut shard = self.node.shards.lock_slot(slot);
            let is_ours = shard.map.as_ref().is_some_and(|map| map.owner(slot) == SlotOwner::Myself);
            if is_ours || shard.keyspace.key_count_in_slot(DATABASE, slot) == 0 {
                return dropped;
            }
            shard.watchers.touch_where(|_, key| key_slot(key) == slot);
            for key in shard.tracked.keys_where(|key| key_slot(key) == slot) {
                tracking::key_changed(&self.node, &mut shard.tracked, &key, NOBODY);
            }
            if !self.node.replication.is_logging() {
                let flushed = shard.keyspace.flush_slot(DATABASE, slot);
                dropped += flushed.keys;
                // Freed when nobody waits for the shard any more.
                drop(shard);
                drop(flushed);
                return dropped;
            }
            dropped += self.delete_some(&mut shard, slot);
        }
    }

    /// Deletes some of a slot's keys and logs it, under the one lock of the slot's shard.
    fn delete_some(&self, shard: &mut Shard, slot: Slot) -> usize {
        let entries = shard.keyspace.entries_in_slot(DATABASE, slot, DELETED_AT_ONCE);
        let keys: Vec<Box<[u8]>> = entries.map(|entry| entry.key().into()).collect();
        for key in &keys {
            let key = shard.keyspace.hasher().key_in_slot(key, slot);
            drop(shard.keyspace.remove(DATABASE, &key));
        }
        let deletions: Vec<_> = keys.iter().map(|key| OwnedArgs::new([b"DEL".as_slice(), key])).collect();
        self.node.replication.append(DATABASE, deletions.iter().map(OwnedArgs::as_args));
        keys.len()
    }

    /// Empties the keyspace: nobody is told, as the node leaves its cluster. The log says nothing of it, so its
    /// history ends here: who goes on by it would take the empty data for what the log tells.
    fn flush(&self) {
        let mut held = Held::all(&self.node.shards);
        let mut flushed = Vec::new();
        for index in 0..self.node.shards.count() {
            if let Some(shard) = held.get(index) {
                shard.watchers.touch_where(|_, _| true);
                shard.tracked.clear(&self.node.tracking.counts);
                flushed.push(shard.keyspace.flush_all());
            }
        }
        self.node.replication.begin_anew();
        if !self.node.persistence.aof.is_off() {
            // The append-only file says nothing of it either.
            aof::ask_for_rewrite(&self.node, true);
        }
        tracking::all_changed(&self.node);
        drop(held);
        let keys: usize = flushed.iter().map(|flushed| flushed.keys).sum();
        tracing::warn!(keys, "deleted all keys: the node left its cluster");
    }
}
