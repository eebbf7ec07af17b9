//! The keys that a command may touch: those of its slot, in the shard that is locked for it.

use rcl_proto::Slot;

use super::effects::Effects;
use crate::client::Session;
use crate::executor::Held;
use crate::node::Node;
use crate::shard::Shard;

pub struct Data<'a> {
    node: &'a Node,
    held: Held<'a>,
    /// The slot of the command's keys; without a cluster the first one stands for all.
    pub slot: Slot,
    pub database: usize,
    /// Unix time in milliseconds; the same for all that one command does.
    pub now_ms: i64,
    pub effects: Effects,
    pub hits: u64,
    pub misses: u64,
}

impl<'a> Data<'a> {
    pub fn new(node: &'a Node, held: Held<'a>, slot: Slot, session: &Session, now_ms: i64) -> Data<'a> {
        let effects = Effects::default();
        Data { node, held, slot, database: session.database, now_ms, effects, hits: 0, misses: 0 }
    }

    /// The slot that the replication log's record carries; `None` for what is about the whole node.
    pub fn logged_slot(&self) -> Option<Slot> {
        matches!(self.held, Held::One(..)).then_some(self.slot)
    }

    /// The shard of the command's slot.
    fn shard(&mut self) -> Option<&mut Shard> {
        let index = self.node.shards.index_of(self.slot);
        self.held.get(index)
    }
}
