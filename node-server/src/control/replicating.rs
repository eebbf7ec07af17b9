//! What the cluster asks of replication, and what it must know of it. All of it is called off the control thread
//! but [`facts`], which only reads counters.

use std::sync::Arc;

use rcl_cluster::ReplicationFacts;

use crate::clock::{self, SteadyClock};
use crate::node::Node;
use crate::replication;

/// From now on this node copies the master at `ip:port`.
pub fn follow(node: &Arc<Node>, ip: &str, port: u16) {
    replication::follow(node, ip, port);
}

/// From now on this node is a master; it keeps its data.
pub fn lead(node: &Arc<Node>) {
    replication::lead(node);
}

/// The bytes of the log written (as a master) or applied (as a replica).
pub fn offset(node: &Node) -> u64 {
    node.replication.offset()
}

/// How replication stands now, its times moved to the control thread's clock, which never jumps.
pub fn facts(node: &Node, clock: &SteadyClock) -> ReplicationFacts {
    let standing = node.replication.standing();
    let steady = |unix_ms: i64| {
        let ago_ms = u64::try_from(clock::now_ms() - unix_ms).unwrap_or(0);
        clock.now_ms().saturating_sub(ago_ms)
    };
    ReplicationFacts {
        offset: standing.offset,
        master_link_up: standing.link_up,
        last_master_contact_ms: standing.last_contact_ms.map(steady),
    }
}
