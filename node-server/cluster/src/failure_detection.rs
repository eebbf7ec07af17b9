//! Failure detection: from "I can't reach it" to "the cluster says it failed", and back.
//!
//! - PFAIL: our ping has waited for longer than the node timeout, and no other byte came meanwhile. A matter
//!   between the two of us; a pong takes it back.
//! - PFAIL at once, by `cluster-fast-suspicion` (ours): the node's process is known to be gone. Its links, in both
//!   directions, are gone, one of them at least closed in order, and for a grace (a tenth of the node timeout, at least
//!   300 ms) its host refused every new connection, while not a byte came from it. A host that does not answer, a full
//!   queue, an open link from it, or a connection that opens meanwhile: then it is not known, and the node timeout
//!   decides. So it does where both links were reset: that may be a firewall's work, and its process serve on, cut off.
//! - Whoever is refused so without a proof counts as out of reach, if only for us: a master that is refused by the
//!   majority stops taking writes after the grace ([`crate::state`]). To find that soon, something is sent on the other
//!   connection of a pair when one is gone, as a firewall says no only to who sends; and some other masters are pinged.
//! - A failure report: a master with slots gossips that the node is in PFAIL or FAIL. It is valid for two
//!   node timeouts, and taken back when the same master gossips the opposite.
//! - FAIL: we find it in PFAIL, and the masters that report it (with us, if we are one) are a majority of the
//!   masters with slots. Then a FAIL packet forces everybody to the same view.
//! - FAIL ends when the node is reached again and it is a replica, or has no slots; or it still has slots
//!   after two node timeouts, so that nobody replaced it.
//!
//! A master without slots neither reports nor counts here, while Redis 7.0 takes its reports: only voters
//! make the majority. Source: the specification, "Failure detection".

use rcl_proto::NodeId;

use crate::durability::Addressee;
use crate::io::{LinkEnd, LogLevel};
use crate::member::{CRON_PERIOD_MS, Member};
use crate::node::NodeRef;
use crate::packet::{Flags, Kind, Writer};

const REPORT_VALID_TIMEOUTS: u64 = 2;
const FAIL_UNDO_TIMEOUTS: u64 = 2;

const GRACE_PARTS: u64 = 10;
const SHORTEST_GRACE_MS: u64 = 300;
/// In a bigger cluster single reports are not logged.
const MOST_NODES_LOGGED: usize = 100;
/// So many others are asked for a sign of life when a link is lost.
const PROBES: usize = 8;

/// How many were asked in this tenth of a second.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Probes {
    since_ms: u64,
    sent: usize,
}

impl Probes {
    fn left(&mut self, now_ms: u64, most: usize) -> usize {
        if now_ms.saturating_sub(self.since_ms) >= CRON_PERIOD_MS {
            *self = Probes { since_ms: now_ms, sent: 0 };
        }
        most.saturating_sub(self.sent)
    }
}

impl Member {
    /// How long a host must refuse us before its node counts as gone.
    fn grace_ms(&self) -> u64 {
        let timeout_ms = self.config.node_timeout_ms;
        (timeout_ms / GRACE_PARTS).max(SHORTEST_GRACE_MS).min(timeout_ms)
    }

    /// Our connection to the node could not be opened or is gone.
    pub(crate) fn outbound_ended(&mut self, at: NodeRef, end: LinkEnd, lived_ms: u64) {
        if !self.config.fast_suspicion || self.nodes[at].in_handshake() {
            return;
        }
        match end {
            LinkEnd::Failed | LinkEnd::Full => self.nodes[at].evidence.no_answer(),
            LinkEnd::Lost | LinkEnd::Reset => {
                self.nodes[at].evidence.lost(self.now_ms);
                self.note_proof(at, end);
                // To know soon whether it is gone, and whether it is we who are cut off. Who closed what was opened a
                // moment ago might do so again, as fast as we can: then the periodic run tries.
                if lived_ms >= CRON_PERIOD_MS {
                    self.connect(at);
                }
                if let Some(inbound) = self.nodes[at].inbound {
                    self.probe(inbound, Kind::Pong);
                }
                self.probe_others(at);
            }
            // A node that we never reached may just not have been started yet.
            LinkEnd::Refused if !self.nodes[at].evidence.was_lost() => {}
            LinkEnd::Refused => {
                let now_ms = self.now_ms;
                let grace_ms = self.grace_ms();
                let node = &mut self.nodes[at];
                let since_ms = node.evidence.refused(now_ms);
                if now_ms.saturating_sub(since_ms) < grace_ms || node.inbound.is_some() {
                    return;
                }
                if node.evidence.has_ended() {
                    self.suspect(at);
                } else {
                    node.evidence.refuses_for_long();
                    self.due.state = true;
                }
            }
        }
    }

    /// A process that ends closes its connections in order, and no firewall does.
    fn note_proof(&mut self, at: NodeRef, end: LinkEnd) {
        if end == LinkEnd::Lost {
            self.nodes[at].evidence.ended(self.now_ms);
        }
    }

    /// Its connection to us is gone: ours is as dead, or will show that the node lives.
    pub(crate) fn inbound_ended(&mut self, at: NodeRef, end: LinkEnd) {
        let is_gone = matches!(end, LinkEnd::Lost | LinkEnd::Reset);
        self.note_proof(at, end);
        let is_idle = self.nodes[at].ping_sent_ms == 0 && !self.nodes[at].in_handshake();
        if let Some(link) = self.open_link_to(at).filter(|_| self.config.fast_suspicion && is_idle && is_gone)
        {
            self.probe(link, Kind::Ping);
        }
    }

    /// Pings some masters with slots that were silent for the grace. A master that is cut off by resets finds so, one
    /// lost link after the other, as fast as its peers find it gone. Where many die at once a tenth of the voters is
    /// enough each tenth of a second: everybody asks everybody otherwise.
    fn probe_others(&mut self, lost: NodeRef) {
        let most = PROBES.min(self.probes.left(self.now_ms, PROBES + self.nodes.voters() / 10));
        if most == 0 {
            return;
        }
        let silent_since_ms = self.now_ms.saturating_sub(self.grace_ms());
        let silent = self.places_from_anywhere().filter(|&at| {
            self.nodes.get(at).is_some_and(|node| {
                let idle = node.ping_sent_ms == 0 && node.pong_received_ms < silent_since_ms;
                at != self.me && at != lost && node.is_voter() && idle
            })
        });
        let links: Vec<_> = silent.filter_map(|at| self.open_link_to(at)).take(most).collect();
        self.probes.sent += links.len();
        links.into_iter().for_each(|link| self.probe(link, Kind::Ping));
    }

    /// Our own suspicion.
    pub(crate) fn suspect(&mut self, at: NodeRef) {
        let node = &mut self.nodes[at];
        if node.flags.any(Flags::PFAIL.or(Flags::FAIL)) {
            return;
        }
        node.flags.set(Flags::PFAIL);
        let line = format!("Node {} is possibly failing", node.called());
        self.log(LogLevel::Notice, line);
        self.due.state = true;
        self.due.map = true;
        self.fail_if_majority(at);
        self.spread_suspicion_soon();
    }

    pub(crate) fn report_failing(&mut self, at: NodeRef, reporter: NodeRef) {
        let now_ms = self.now_ms;
        if self.nodes[at].failure_reports.add(reporter, now_ms) {
            self.log_report(at, reporter, "as not reachable");
        }
        self.fail_if_majority(at);
    }

    pub(crate) fn report_working(&mut self, at: NodeRef, reporter: NodeRef) {
        if self.nodes[at].failure_reports.remove(reporter) {
            self.log_report(at, reporter, "is back online");
        }
    }

    /// Where everybody reports to everybody, a log of it would be of nothing else.
    fn log_report(&mut self, at: NodeRef, reporter: NodeRef, what: &str) {
        if self.nodes.len() <= MOST_NODES_LOGGED {
            let (node, reporter) = (self.nodes[at].called(), self.nodes[reporter].called());
            self.log(LogLevel::Debug, format!("Node {reporter} reported node {node} {what}."));
        }
    }

    /// How many other masters report the node now.
    pub(crate) fn count_failure_reports(&mut self, at: NodeRef) -> usize {
        let valid_ms = self.config.node_timeout_ms.saturating_mul(REPORT_VALID_TIMEOUTS);
        let now_ms = self.now_ms;
        let reports = &mut self.nodes[at].failure_reports;
        reports.expire(now_ms, valid_ms);
        reports.len()
    }

    /// Drops the reports that are past their time.
    pub(crate) fn expire_failure_reports(&mut self) {
        for at in self.nodes.refs() {
            if !self.nodes[at].failure_reports.is_empty() {
                self.count_failure_reports(at);
            }
        }
    }

    fn fail_if_majority(&mut self, at: NodeRef) {
        let node = &self.nodes[at];
        let needed = self.majority() - usize::from(self.myself().is_voter());
        // Most reports come before there can be enough of them.
        if !node.flags.any(Flags::PFAIL) || node.is_failed() || node.failure_reports.len() < needed {
            return;
        }
        self.count_failure_reports(at);
        let reporters = self.nodes[at].failure_reports.reporters();
        if reporters.filter(|&from| self.nodes[from].is_voter()).count() < needed {
            return;
        }
        let (id, called) = (self.nodes[at].id, self.nodes[at].called());
        self.log(LogLevel::Notice, format!("Marking node {called} as failing (quorum reached)."));
        self.mark_failed(at);
        let mut writer = Writer::new(Kind::Fail, &self.header());
        writer.fail(id);
        self.send_to(Addressee::Everybody, Kind::Fail, writer.finish());
    }

    pub(crate) fn fail_received(&mut self, sender: NodeRef, failing: NodeId) {
        let Some(at) = self.nodes.find(failing) else { return };
        if at == self.me || self.nodes[at].is_failed() {
            return;
        }
        let (from, about) = (self.nodes[sender].called(), self.nodes[at].called());
        self.log(LogLevel::Notice, format!("FAIL message received from {from} about {about}"));
        self.mark_failed(at);
    }

    fn mark_failed(&mut self, at: NodeRef) {
        let now_ms = self.now_ms;
        let node = &mut self.nodes[at];
        node.flags.clear(Flags::PFAIL);
        node.flags.set(Flags::FAIL);
        node.failed_ms = now_ms;
        self.changed();
        self.due.failover = true;
    }

    /// It answered.
    pub(crate) fn pong_received(&mut self, at: NodeRef) {
        let now_ms = self.now_ms;
        let node = &mut self.nodes[at];
        node.pong_received_ms = now_ms;
        node.ping_sent_ms = 0;
        if node.flags.any(Flags::PFAIL) {
            node.flags.clear(Flags::PFAIL);
            self.changed();
        } else if node.is_failed() {
            self.undo_failed(at);
        }
    }

    fn undo_failed(&mut self, at: NodeRef) {
        let node = &self.nodes[at];
        let undo_after_ms = self.config.node_timeout_ms.saturating_mul(FAIL_UNDO_TIMEOUTS);
        let nobody_replaced_it = self.now_ms.saturating_sub(node.failed_ms) > undo_after_ms;
        let why = match (node.is_replica(), node.slots.is_empty()) {
            (true, _) => "replica is reachable again",
            (false, true) => "master without slots is reachable again",
            (false, false) if nobody_replaced_it => {
                "is reachable again and nobody is serving its slots after some time"
            }
            _ => return,
        };
        let line = format!("Clear FAIL state for node {}: {why}.", node.called());
        self.nodes[at].flags.clear(Flags::FAIL);
        self.log(LogLevel::Notice, line);
        self.changed();
    }
}

#[cfg(test)]
mod tests;
