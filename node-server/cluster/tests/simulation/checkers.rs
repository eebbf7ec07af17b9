//! What must hold whatever happens, judged from outside: by the packets that nodes send and get, and what was on their
//! disks by then. Each room states its rule.

pub mod agreement;
mod claims;
mod fail_reports;
pub mod peek;
mod votes;

use std::collections::HashMap;

use rcl_cluster::ClusterMap;
use rcl_cluster::packet::{self, Body, Flags, Kind};
use rcl_proto::NodeId;

use claims::Claims;
use fail_reports::FailReports;
use peek::Peek;
use votes::Votes;

#[derive(Default)]
pub struct Checkers {
    claims: Claims,
    votes: Votes,
    fail_reports: FailReports,
    /// (who, whom) → whether the first, by its last word, takes the second for a master that replicas may come to.
    may_migrate: HashMap<(usize, NodeId), bool>,
    /// What looks at each entry of the gossip is left out: with thousands of nodes it would cost more than they do.
    pub skip_gossip: bool,
    pub violations: Vec<String>,
}

impl Checkers {
    pub fn new(node_timeout_ms: u64) -> Checkers {
        Checkers { fail_reports: FailReports::new(node_timeout_ms), ..Checkers::default() }
    }

    pub fn set_node_timeout(&mut self, node_timeout_ms: u64) {
        self.fail_reports.node_timeout_ms = node_timeout_ms;
    }

    /// Operators may make epochs without asking anybody.
    pub fn without_consensus(&mut self, allowed: bool) {
        self.claims.without_consensus = allowed;
    }

    /// `map` is the sender's newest, `durable` the nodes.conf that would survive a crash of it now.
    pub fn packet_sent(
        &mut self,
        now_ms: u64,
        sender: usize,
        bytes: &[u8],
        receiver: impl FnOnce() -> Option<NodeId>,
        map: Option<&ClusterMap>,
        durable: Option<&str>,
    ) {
        let peek = Peek(bytes);
        let who = peek.sender().expect("nodes send well-formed packets");
        if peek.is_claim() && self.claims.is_news(sender, who, &peek) {
            let found = self.claims.claimed(who, peek.config_epoch(), &peek.slots(), durable);
            self.violations.extend(found);
        }
        let gossip = (!self.skip_gossip).then(|| peek.gossip());
        for (about, flags) in gossip.into_iter().flatten() {
            self.may_migrate.insert((sender, about), flags.any(Flags::MIGRATE_TO));
        }
        match peek.kind() {
            Some(Kind::AuthAck) => {
                if let Some(receiver) = receiver() {
                    let found = self.votes.voted(who, peek.current_epoch(), receiver, durable);
                    self.violations.extend(found);
                }
            }
            Some(Kind::AuthRequest) => {
                self.claims.elections.insert((who, peek.current_epoch()));
                self.violations.extend(self.votes.asked(who, peek.current_epoch(), durable));
            }
            Some(Kind::Fail) => {
                let packet = packet::decode(bytes).expect("nodes send well-formed packets");
                if let (Body::Fail(Some(about)), Some(map), false) = (packet.body, map, self.skip_gossip) {
                    self.violations.extend(self.fail_reports.failed(now_ms, sender, who, about, map));
                }
            }
            _ => {}
        }
    }

    /// A member is about to look at a packet.
    pub fn packet_received(&mut self, now_ms: u64, receiver: usize, bytes: &[u8]) {
        if !self.skip_gossip {
            self.fail_reports.received(now_ms, receiver, bytes);
        }
    }

    pub fn may_migrate(&self, machine: usize, master: NodeId) -> bool {
        self.may_migrate.get(&(machine, master)).copied().unwrap_or_default()
    }

    pub fn fails_seen(&self) -> u64 {
        self.fail_reports.fails_seen
    }

    pub fn votes_seen(&self) -> u64 {
        self.votes.seen
    }

    pub fn assert_clean(&self, seed: u64) {
        assert!(self.violations.is_empty(), "replay with SEED={seed}: {:#?}", self.violations);
    }
}
