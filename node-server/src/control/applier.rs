//! The applier: takes what the cluster decided to the data, shard by shard, and may wait for their locks.
//!
//! Jobs are done in order. Of maps that wait in a row only the newest is given out. A map counts as applied when
//! every shard has it; then the subscriptions to sharded channels of slots that left this node end.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use rcl_cluster::{ClusterMap, SlotOwner};
use rcl_proto::{Slot, SlotSet};
use tokio::sync::mpsc::UnboundedSender;

use super::{Acknowledgement, replicating};
use crate::clock;
use crate::node::Node;
use crate::pause::{PauseLevel, PauseReason};

#[derive(Debug)]
pub enum Job {
    /// Answered by [`Acknowledgement::Applied`].
    Map(Arc<ClusterMap>),
    /// The keys of these slots are another master's now.
    DropSlots(Box<SlotSet>),
    FlushData,
    /// Answered by [`Acknowledgement::WritesPaused`].
    PauseWrites { for_ms: u64 },
    ResumeWrites,
    Follow { ip: String, port: u16 },
    Lead,
}

/// The thread ends when the sender is dropped.
pub fn start(node: Arc<Node>, acknowledge: UnboundedSender<Acknowledgement>) -> io::Result<Sender<Job>> {
    let (sender, jobs) = mpsc::channel();
    let applier = Applier { node, acknowledge, map: None };
    thread::Builder::new().name("applier".to_owned()).spawn(move || applier.run(&jobs))?;
    Ok(sender)
}

struct Applier {
    node: Arc<Node>,
    acknowledge: UnboundedSender<Acknowledgement>,
    map: Option<Arc<ClusterMap>>,
}

impl Applier {
    fn run(mut self, jobs: &Receiver<Job>) {
        while let Ok(first) = jobs.recv() {
            let mut job = first;
            // What waits already is looked at together, so that a map that is replaced is not given out.
            while let Ok(next) = jobs.try_recv() {
                if !matches!((&job, &next), (Job::Map(_), Job::Map(_))) {
                    self.perform(job);
                }
                job = next;
            }
            self.perform(job);
        }
    }

    fn perform(&mut self, job: Job) {
        let node = &self.node;
        match job {
            Job::Map(map) => self.apply_map(map),
            Job::DropSlots(slots) => self.drop_slots(&slots),
            Job::FlushData => self.flush(),
            Job::PauseWrites { for_ms } => {
                let until_ms = clock::now_ms().saturating_add_unsigned(for_ms);
                node.pause.pause(&node.shards, PauseReason::Failover, PauseLevel::Writes, until_ms);
                self.acknowledge(Acknowledgement::WritesPaused { offset: node.replication.offset() });
            }
            Job::ResumeWrites => node.pause.resume(&node.shards, PauseReason::Failover),
            Job::Follow { ip, port } => replicating::follow(node, &ip, port),
            Job::Lead => replicating::lead(node),
        }
    }

    /// Fails only when the control thread has ended.
    fn acknowledge(&self, acknowledgement: Acknowledgement) {
        let _ = self.acknowledge.send(acknowledgement);
    }

    fn apply_map(&mut self, map: Arc<ClusterMap>) {
        self.node.shards.each(|shard| shard.map = Some(map.clone()));
        let before = self.map.replace(map.clone());
        self.acknowledge(Acknowledgement::Applied { version: map.version });
        if let Some(before) = before {
            let lost: SlotSet = Slot::all().filter(|&slot| serves(&before, slot) && !serves(&map, slot)).collect();
            if !lost.is_empty() {
                self.node.pubsub.drop_shard_channels(|slot| lost.contains(slot));
            }
        }
    }
}

/// True when this node has the slot's data: as its owner, or as a replica of it.
fn serves(map: &ClusterMap, slot: Slot) -> bool {
    match map.owner(slot) {
        SlotOwner::Myself => true,
        SlotOwner::Other(owner) => map.my_master() == Some(owner),
        SlotOwner::Nobody => false,
    }
}
