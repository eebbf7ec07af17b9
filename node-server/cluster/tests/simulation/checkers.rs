//! What must hold whatever happens, judged from outside: by the packets that nodes send and get, and what was on their
//! disks by then. Each room states its rule.

pub mod agreement;
mod claims;
pub mod due;
mod fail_reports;
pub mod lost_writes;
pub mod peek;
pub mod texts;
mod votes;

use std::collections::HashMap;

use rcl_cluster::ClusterMap;
use rcl_cluster::packet::{self, Flags, Kind};
use rcl_proto::NodeId;

use claims::Claims;
use due::Due;
use fail_reports::FailReports;
use lost_writes::LostWrites;
use peek::Peek;
use votes::Votes;

#[derive(Default)]
pub struct Checkers {
    claims: Claims,
    votes: Votes,
    fail_reports: FailReports,
    pub lost_writes: LostWrites,
    pub due: Due,
    /// In which epoch each machine last asked for votes.
    last_elections: HashMap<usize, u64>,
    /// (who, whom) → whether the first, by its last word, takes the second for a master that replicas may come to.
    may_migrate: HashMap<(usize, NodeId), bool>,
    /// What looks at each entry of the gossip is left out: with thousands of nodes it would cost more than they do.
    pub skip_gossip: bool,
    /// So is reading back every nodes.conf.
    pub skip_texts: bool,
    pub violations: Vec<String>,
}

impl Checkers {
    pub fn new(node_timeout_ms: u64) -> Checkers {
        let mut checkers = Checkers::default();
        checkers.set_node_timeout(node_timeout_ms);
        checkers
    }

    pub fn set_node_timeout(&mut self, node_timeout_ms: u64) {
        self.fail_reports.node_timeout_ms = node_timeout_ms;
        self.due.node_timeout_ms = node_timeout_ms;
        self.lost_writes.bound_ms = node_timeout_ms * 3 / 2 + 2_000;
    }

    /// Clocks are not right.
    pub fn allow_for_clocks(&mut self, slack_ms: u64) {
        self.fail_reports.clock_slack_ms = slack_ms;
    }

    /// Operators may make epochs without asking anybody.
    pub fn without_consensus(&mut self, allowed: bool) {
        self.claims.without_consensus = allowed;
        self.lost_writes.without_consensus = allowed;
    }

    /// `maps` are the sender's before the step and after it, `durable` the nodes.conf that would survive a crash of it now.
    pub fn packet_sent(
        &mut self,
        now_ms: u64,
        sender: usize,
        bytes: &[u8],
        receiver: impl FnOnce() -> Option<NodeId>,
        maps: &[&ClusterMap],
        durable: Option<&str>,
    ) {
        if packet::light::is_light(bytes) == Some(true) {
            // It says nothing of its sender.
            packet::light::decode(bytes).expect("nodes send well-formed packets");
            return;
        }
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
                    self.claims.voted(sender, receiver, peek.current_epoch());
                    let found = self.votes.voted(who, peek.current_epoch(), receiver, durable);
                    self.violations.extend(found);
                }
            }
            Some(Kind::AuthRequest) => {
                self.claims.elections.insert((who, peek.current_epoch()));
                self.last_elections.insert(sender, peek.current_epoch());
                self.violations.extend(self.votes.asked(who, peek.current_epoch(), durable));
            }
            Some(Kind::Fail) => {
                if let (Some(about), false) = (peek.failing(), self.skip_gossip) {
                    self.violations.extend(self.fail_reports.failed(now_ms, sender, who, about, maps));
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

    pub fn last_election(&self, machine: usize) -> u64 {
        self.last_elections.get(&machine).copied().unwrap_or_default()
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
