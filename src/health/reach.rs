//! Do announced addresses and bus ports answer, and soon?
//!
//! A bus port that is shut from here may be open from the other nodes: what they say of their links (`views.rs`) decides. So
//! it is a warning where some node has no link to it either, and else a notice.

use super::{Code, Door, Finding, Ground, Severity};
use crate::output::number_of;
use crate::topology::Topology;

/// What a user feels.
const SLOW_PING_MS: u64 = 100;
/// A fork that stopped a node for so long.
const SLOW_FORK_MS: u64 = 500;

pub fn look(topology: &Topology, ground: &Ground, found: &mut Vec<Finding>) {
    for (id, here) in ground.by_address(topology) {
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
        slow_fork(node.name(), here, found);
    }
    slow_answers(topology, ground, found);
}

/// One finding: where many are slow it is the network, or the machine.
fn slow_answers(topology: &Topology, ground: &Ground, found: &mut Vec<Finding>) {
    let slow: Vec<_> = ground.0.iter().filter(|(_, here)| here.slowest_ping_ms >= SLOW_PING_MS).collect();
    let ms = |here: &super::NodeGround| format!("{} ms", here.slowest_ping_ms);
    let what = match slow.as_slice() {
        [] => return,
        [(id, here)] => format!("{} took {} for a PING", topology.name(**id), ms(here)),
        many => format!("{} took {SLOW_PING_MS} ms or more for a PING", number_of(many.len(), "node")),
    };
    let mend = "look for slow commands (rcl call … SLOWLOG GET 10, LATENCY LATEST), big keys (rcl bigkeys), a busy machine";
    let mut finding = Finding::new(Severity::Warning, Code::SlowAnswers, what, mend);
    if slow.len() > 1 {
        finding =
            slow.iter().fold(finding, |finding, (id, here)| finding.said(topology.name(**id), ms(here)));
    }
    found.push(finding.by_address(topology));
}

fn slow_fork(name: String, here: &super::NodeGround, found: &mut Vec<Finding>) {
    let fork_ms = here.info_number("latest_fork_usec") / 1000;
    if fork_ms >= SLOW_FORK_MS {
        let what = format!("{name} stood still for {fork_ms} ms in its last fork");
        let mend = "switch transparent huge pages off, or keep less in one node";
        found.push(Finding::new(Severity::Warning, Code::SlowAnswers, what, mend));
    }
}
