//! One node's view of a Redis Cluster, as a state machine without I/O.
//!
//! [`Member`] takes one [`Input`] at a time with the time it happened (`step`), and gives values back
//! (`poll_output`): packets to send, links to open, state to persist, a slot map to publish. It reads no
//! clock, no entropy, no file and no socket; with the same seed and the same inputs it gives the same
//! outputs, byte for byte. The driver does the rest:
//!
//! ```text
//!   loop {
//!       member.step(now_ms, input);
//!       while let Some(output) = member.poll_output() { perform(output) }
//!       sleep until the next input, or member.next_deadline(), then step(now_ms, Input::Tick)
//!   }
//! ```
//!
//! Sources of the rules: the Redis Cluster specification, and how redis-server 7.0.15 and 7.2 behave.

mod command;
mod commands;
mod config;
#[cfg(test)]
mod crowd;
mod durability;
mod election;
mod evidence;
mod failure_detection;
mod failure_reports;
mod faults;
mod gains;
mod gossip;
mod handshake;
mod heartbeat;
mod id_index;
mod io;
mod link_table;
mod links;
mod loading;
mod manual_failover;
mod map;
mod map_building;
mod member;
mod names;
mod node;
mod nodes_conf;
pub mod packet;
#[cfg(test)]
mod pair;
mod receive;
mod replica_migration;
mod set_slot;
mod slots_and_epochs;
mod state;
mod stepping_down;
mod twins;
mod update;
mod views;

pub use command::{
    Command, FailoverMode, LinkDirection, LinkView, NodeView, Reply, SetSlot, SetSlotStage, ShardView,
    SlotFacts, SlotsEntry,
};
pub use config::{Config, Persistent, PersistentError};
pub use io::{Input, LinkEnd, LinkId, LogLevel, Output, ReplicationFacts};
pub use map::{ClusterMap, ClusterState, DownReason, MapNode, NodeIndex, SlotOwner};
pub use member::Member;
pub use names::{HOSTNAME_BYTES, is_hostname, is_human_name, is_zone};
