//! The delivery thread: hands messages that were published on other nodes to this node's subscribers, in the
//! order in which they came. However many subscribers there are, the control thread does not wait for them.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};

use crate::node::Node;

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
        match sharded {
            false => node.pubsub.publish(&channel, &message),
            true => node.pubsub.publish_to_shard(&channel, &message),
        };
    }
}
