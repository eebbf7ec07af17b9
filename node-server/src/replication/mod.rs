//! Replication: the log of effects, its readers (replicas), and the stream that a replica applies.

mod log;

pub use log::{LogPosition, ReplicationLog};

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rcl_proto::Slot;
use rcl_proto::resp::Args;

use crate::config::Settings;

/// What a replica told with REPLCONF.
#[derive(Clone, Debug, Default)]
pub struct ReplicaSession {
    pub listening_port: u16,
    pub announced_ip: String,
    pub understands_psync2: bool,
    pub understands_eof: bool,
}

/// This node's part in replication, as a master and as a replica.
#[derive(Debug)]
pub struct Replication {
    log: Mutex<ReplicationLog>,
    /// False while nobody could ever ask for the log: then writes cost nothing here.
    logging: AtomicBool,
    replica: AtomicBool,
}

impl Replication {
    pub fn new(_run_id: &str, _settings: &Settings) -> Replication {
        Replication {
            log: Mutex::default(),
            logging: AtomicBool::new(false),
            replica: AtomicBool::new(false),
        }
    }

    /// True when effects must be appended.
    pub fn is_logging(&self) -> bool {
        self.logging.load(Ordering::Acquire)
    }

    /// True when this node copies another one.
    pub fn is_replica(&self) -> bool {
        self.replica.load(Ordering::Acquire)
    }

    pub fn backlog_bytes(&self) -> usize {
        0
    }

    /// Appends effects as one contiguous piece. The caller holds the lock of the slot's shard (of all shards
    /// when `slot` is `None`), so that the log's order is the order of the effects.
    pub fn append<'a>(&self, database: usize, slot: Option<Slot>, commands: impl Iterator<Item = Args<'a>>) {
        let mut log = self.log.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        log.append(database, slot, commands);
    }
}

pub fn info_section(_node: &crate::node::Node) -> String {
    String::new()
}
