//! What a request costs its slot, counted under the shard's lock while `cluster-slot-stats-enabled` is on. The rules are
//! in the header of `shard/slot_stats.rs`.

use rcl_proto::Slot;
use rcl_proto::resp::request_len;

use super::lock::Held;
use crate::client::ReplyMode;
use crate::command::{CommandResult, CommandSpec, Context, Locks, Outcome};
use crate::node::Node;
use crate::shard::{KeyWaiter, Shard, SlotUse};

/// `*1\r\n$5\r\nmulti\r\n`, which came before it was known which slot the transaction is about.
const MULTI_BYTES: u64 = 15;

/// How a request ended.
pub struct Answered<'a> {
    pub result: &'a CommandResult,
    /// Where its reply begins.
    pub start: usize,
    pub lap_ns: u64,
    /// What its effects take in the replication log.
    pub logged_bytes: u64,
}

/// A request was run.
pub fn count(
    context: &mut Context<'_>,
    slot: Slot,
    spec: &CommandSpec,
    request_bytes: usize,
    answered: &Answered<'_>,
) {
    let reply_bytes = match answered.result {
        // It waits: it is counted when it has been answered.
        Ok(Outcome::Park(_)) => return,
        Ok(Outcome::Done | Outcome::HandOver(_)) => context.reply.position() - answered.start,
        Err(error) => "-\r\n".len() + error.text().len(),
    };
    let is_heard = context.session.reply_mode == ReplyMode::On && !context.session.is_master_link;
    let multi_bytes = if spec.locks == Locks::Transaction { MULTI_BYTES } else { 0 };
    let used = SlotUse {
        cpu_ns: answered.lap_ns,
        bytes_in: request_bytes as u64 + multi_bytes,
        bytes_out: if is_heard { reply_bytes as u64 } else { 0 }
            + sent_to_replicas(context.node, answered.logged_bytes),
    };
    let index = context.node.shards.index_of(slot);
    context.data.with_shard(index, |shard| shard.slot_stats.add(slot, used));
}

/// A client that waited on keys of this shard was answered. `cpu_ns` and `logged_bytes` are what serving it took.
pub fn count_waiter(
    node: &Node,
    shard: &mut Shard,
    waiter: &KeyWaiter,
    reply_bytes: usize,
    cpu_ns: u64,
    logged_bytes: u64,
) {
    let used = SlotUse {
        cpu_ns,
        bytes_in: request_len(waiter.args.as_args().iter()) as u64,
        bytes_out: if waiter.is_heard { reply_bytes as u64 } else { 0 }
            + sent_to_replicas(node, logged_bytes),
    };
    shard.slot_stats.add(waiter.slot, used);
}

fn sent_to_replicas(node: &Node, logged_bytes: u64) -> u64 {
    if logged_bytes > 0 { logged_bytes * node.replication.replica_count() } else { 0 }
}

/// A request came, but is queued or refused.
pub fn count_request(node: &Node, held: &mut Held<'_>, slot: Slot, request_bytes: usize) {
    if let Some(shard) = held.get(node.shards.index_of(slot)) {
        shard.slot_stats.add(slot, SlotUse { bytes_in: request_bytes as u64, ..SlotUse::default() });
    }
}
