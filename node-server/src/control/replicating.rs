//! What the cluster asks of replication, and what it must know of it. All of it is called off the control thread
//! but [`facts`], which only reads counters.

use rcl_cluster::ReplicationFacts;

use crate::clock::{self, SteadyClock};
use crate::node::Node;

/// From now on this node copies the master at `ip:port`.
pub fn follow(node: &Node, ip: &str, port: u16) {
    node.replication.follow(ip, port);
}

/// From now on this node is a master; it keeps its data.
pub fn lead(node: &Node) {
    node.replication.lead();
}

/// How replication stands now, its times moved to the control thread's clock, which never jumps.
pub fn facts(node: &Node, clock: &SteadyClock) -> ReplicationFacts {
    let age_ms = |at_ms: i64| u64::try_from(clock::now_ms() - at_ms).unwrap_or(0);
    let contact = node.replication.last_master_contact_ms();
    ReplicationFacts {
        offset: node.replication.offset(),
        master_link_up: node.replication.link_up(),
        last_master_contact_ms: contact.map(|at_ms| clock.now_ms().saturating_sub(age_ms(at_ms))),
    }
}
