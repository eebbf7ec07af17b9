//! The delivery thread: hands messages that were published on other nodes to this node's subscribers, in the
//! order in which they came. However many subscribers there are, the control thread does not wait for them.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};

use rcl_proto::key_slot;

use crate::node::Node;
use crate::shard::SlotUse;

/// A message of another node's PUBLISH or SPUBLISH.
#[derive(Debug)]
pub struct Published {
    pub channel: Vec<u8>,
    pub message: Vec<u8>,
    pub sharded: bool,
}

/// The thread ends when the sender is dropped.
pub fn start(node: Arc<Node>) -> io::Result<Sender<Published>> {
    let (sender, messages) = mpsc::channel();
    super::start_thread("bus-delivery", move || deliver(&node, &messages))?;
    Ok(sender)
}

fn deliver(node: &Node, messages: &Receiver<Published>) {
    while let Ok(Published { channel, message, sharded }) = messages.recv() {
        if sharded {
            deliver_to_shard(node, &channel, &message);
        } else {
            node.pubsub.publish(&channel, &message);
        }
    }
}

fn deliver_to_shard(node: &Node, channel: &[u8], message: &[u8]) {
    let delivered = node.pubsub.publish_to_shard(channel, message);
    if delivered.bytes > 0 && node.counts_slots() {
        let slot = key_slot(channel);
        let used = SlotUse { bytes_out: delivered.bytes, ..SlotUse::default() };
        node.shards.lock_slot(slot).slot_stats.add(slot, used);
    }
}
