//! Do announced addresses and bus ports answer, and soon?
//!
//! A bus port that is shut from here may be open from the other nodes: what they say of their links (`views.rs`) decides. So
//! it is a warning where some node has no link to it either, and else a notice.

use super::{Code, Door, Finding, Ground, Severity};
use crate::topology::Topology;

/// What a user feels.
const SLOW_PING_MS: u64 = 100;
/// A fork that stopped a node for so long.
const SLOW_FORK_MS: u64 = 500;

pub fn look(topology: &Topology, ground: &Ground, found: &mut Vec<Finding>) {
    for (id, here) in &ground.0 {
        let Some(node) = topology.node(*id) else { continue };
        if let Door::Shut(why) = &here.client_door {
            let what = format!("{} is not found where it sends clients to: {why}", node.name());
            let mend = "clients are sent there by MOVED: set cluster-announce-ip, cluster-announce-port or \
                        cluster-announce-hostname of it to what they reach";
            found.push(Finding::new(Severity::Warning, Code::AnnouncedAddress, what, mend));
        }
        if let Door::Shut(why) = &here.bus_door {
            let unlinked = topology.sights.iter().filter(|sight| sight.node == *id && !sight.link_up).count();
            let severity = if unlinked > 0 { Severity::Warning } else { Severity::Notice };
            let what = format!(
                "the bus port {} of {} cannot be reached from here: {why}",
                node.bus_port,
                node.name()
            );
            let mend = if unlinked > 0 {
                "let the nodes through to it (firewall, security group), or mend cluster-announce-bus-port"
            } else {
                "the other nodes have links to it: nothing, unless a node is to join from here"
            };
            let linked = topology.sights.iter().filter(|sight| sight.node == *id && sight.link_up).count();
            let finding = Finding::new(severity, Code::BusPortBlocked, what, mend);
            found.push(
                finding.said(node.name(), format!("{linked} nodes have a link to it, {unlinked} have none")),
            );
        }
        slowness(node.name(), here, found);
    }
}

fn slowness(name: String, here: &super::NodeGround, found: &mut Vec<Finding>) {
    let fork_ms = here.info_number("latest_fork_usec") / 1000;
    let mend = "look for slow commands (rcl call … SLOWLOG GET 10, LATENCY LATEST), big keys (rcl bigkeys), a busy machine";
    if here.slowest_ping_ms >= SLOW_PING_MS {
        let what = format!("{name} took {} ms for a PING", here.slowest_ping_ms);
        found.push(Finding::new(Severity::Warning, Code::SlowAnswers, what, mend));
    }
    if fork_ms >= SLOW_FORK_MS {
        let what = format!("{name} stood still for {fork_ms} ms in its last fork");
        let mend = "switch transparent huge pages off, or keep less in one node";
        found.push(Finding::new(Severity::Warning, Code::SlowAnswers, what, mend));
    }
}
