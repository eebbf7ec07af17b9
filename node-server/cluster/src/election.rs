//! Elections: a replica takes the place of its failed master, by the votes of a majority of masters.
//!
//! As a replica, when our master has slots and is in FAIL (or an operator asked for a failover):
//! 1. Our data must be recent enough: the link to the master may have been down for the node timeout, and the
//!    validity factor times the node timeout, and one ping period. (Not with a manual failover.)
//! 2. Wait for a thirtieth of the node timeout, at most 500 ms, for the news of the failure to spread; a random time up
//!    to as much again, so that replicas seldom collide; and 1000 ms for each replica of the same master that has a
//!    greater offset. The last grows while we wait, if better offsets are heard of. (Redis waits for 500 ms and up to
//!    499 more whatever the timeout, and Valkey 9 as we do.)
//!    When several masters failed, their replicas would ask over each other: of requests that are under way together
//!    each takes votes from the others, and who loses waits for four node timeouts. So they take turns of a fifteenth of
//!    the fixed delay, at least 20 ms, in the order of their masters' ids, from the last request or failure that
//!    was heard of. (Ours; Valkey 9 delays by 500 ms for each failed master of smaller id.)
//! 3. A new current epoch, on disk before the request for votes goes out to everybody.
//! 4. With a majority of the masters with slots: that epoch is our config epoch and the master's slots are
//!    ours.
//! 5. No majority within max(2 × node timeout, 2 s): give up, and start again after twice that.
//!
//! As a master with slots, asked for a vote:
//! - at most one vote an epoch, remembered on disk before it is sent ([`crate::durability`]);
//! - none in an epoch older than ours, none to a master, none about a master that is up, none twice within two node
//!   timeouts about one master, and none when a slot that is asked for belongs, as far as we know, to a newer config
//!   epoch. An operator's request is free of the second and third of these: the time between two votes only keeps
//!   replicas from taking turns by themselves, while whoever wants a master back right after it was replaced knows
//!   why. (Redis holds operators to it, too: see [`crate::manual_failover`].)
//!
//! Source: the specification, "Replica election and promotion".

use std::num::NonZeroU64;

use rcl_proto::NodeId;

use crate::durability::Addressee;
use crate::io::LogLevel;
use crate::member::Member;
use crate::node::{Node, NodeRef};
use crate::packet::{Flags, Header, Kind, MESSAGE_FORCE_ACK, Writer};

const LONGEST_DELAY_MS: u64 = 500;
const DELAY_PARTS: u64 = 30;
const DELAY_PER_RANK_MS: u64 = 1_000;
const SHORTEST_TIMEOUT_MS: u64 = 2_000;
/// How long after the request that we know of a voter may have voted.
const VOTED_LATER_MS: u64 = 500;
const TURN_PARTS: u64 = 15;
const SHORTEST_TURN_MS: u64 = 20;

/// The election that we stand in, have stood in, or are about to.
#[derive(Debug, Default)]
pub(crate) struct Election {
    /// When the votes are to be asked for; `None` before the first election.
    pub at_ms: Option<u64>,
    pub asked: bool,
    pub epoch: u64,
    pub votes: Vec<NodeId>,
    pub rank: u64,
    /// The date was reached, and looked at.
    pub woken: bool,
}

impl Election {
    /// When to go on by time alone.
    pub fn deadline_ms(&self) -> Option<u64> {
        self.at_ms.filter(|_| !self.asked && !self.woken)
    }
}

impl Member {
    /// Goes on with the election as far as it can go now.
    pub(crate) fn election_step(&mut self) {
        let by_hand = self.manual.can_start();
        let Some(master) = self.myself().master else { return };
        let failed = self.nodes[master].is_failed();
        if self.is_master()
            || self.loading.is_going_on()
            || self.nodes[master].slots.is_empty()
            || !(failed || by_hand)
            || (self.config.replica_no_failover && !by_hand)
        {
            // Not standing: a date that was set must not wake the driver.
            if !self.election.asked && self.election.at_ms.is_some() {
                self.election = Election::default();
            }
            return;
        }
        if !by_hand && self.data_too_old() {
            self.log_limited("data age", || {
                "Currently unable to failover: Disconnected from master for longer than allowed. Please check the \
                 'cluster-replica-validity-factor' configuration option."
                    .to_owned()
            });
            return;
        }
        let timeout_ms = self.config.node_timeout_ms.saturating_mul(2).max(SHORTEST_TIMEOUT_MS);
        let since_ms = self.election.at_ms.map(|at| self.now_ms.saturating_sub(at));
        // An operator's order doesn't wait for the end of an election that found no majority before.
        let starts = since_ms.is_none_or(|since| since > timeout_ms * 2);
        if starts {
            return self.schedule_election(by_hand);
        }
        if !by_hand && !self.election.asked {
            self.rank_may_grow();
        }
        if self.election.at_ms.is_some_and(|at| self.now_ms < at) {
            return;
        }
        if since_ms.is_some_and(|since| since > timeout_ms) {
            return;
        }
        if !self.election.asked && !by_hand && self.others_come_first() {
            return;
        }
        if !self.election.asked {
            self.ask_for_votes();
        } else if self.election.votes.len() >= self.majority() {
            self.win_election();
        }
    }

    pub(crate) fn data_too_old(&self) -> bool {
        let factor = self.config.replica_validity_factor;
        if factor == 0 {
            return false;
        }
        let timeout_ms = self.config.node_timeout_ms;
        let Some(contact_ms) = self.replication.last_master_contact_ms else { return true };
        let age_ms = self.now_ms.saturating_sub(contact_ms);
        let age_ms = if age_ms > timeout_ms { age_ms - timeout_ms } else { age_ms };
        age_ms > self.config.replica_ping_period_ms.saturating_add(timeout_ms.saturating_mul(factor))
    }

    fn schedule_election(&mut self, by_hand: bool) {
        let rank = if by_hand { 0 } else { self.rank() };
        let delay_ms = match by_hand {
            true => 0,
            false => {
                let fixed_ms = self.fixed_delay_ms();
                fixed_ms + self.random_below(fixed_ms) + rank * DELAY_PER_RANK_MS
            }
        };
        let at_ms = Some(self.now_ms + delay_ms);
        self.election = Election { at_ms, asked: false, epoch: 0, votes: Vec::new(), rank, woken: false };
        let offset = self.replication.offset;
        let line =
            format!("Start of election delayed for {delay_ms} milliseconds (rank #{rank}, offset {offset}).");
        self.log(LogLevel::Notice, line);
        // The other replicas of our master should know our offset before they rank themselves.
        self.pong_to_siblings();
        if by_hand {
            self.ask_for_votes();
        }
    }

    fn fixed_delay_ms(&self) -> u64 {
        (self.config.node_timeout_ms / DELAY_PARTS).min(LONGEST_DELAY_MS)
    }

    /// It is not our turn yet: we come back when it is.
    fn others_come_first(&mut self) -> bool {
        match self.next_turn_ms() {
            Some(at_ms) if at_ms > self.now_ms => {
                self.election.at_ms = Some(at_ms);
                self.election.woken = false;
                true
            }
            _ => false,
        }
    }

    /// When our turn to ask for votes is, now or later; `None` when nobody else asks.
    fn next_turn_ms(&self) -> Option<u64> {
        let ours = self.myself().master?;
        let id = self.nodes[ours].id;
        let (mut others, mut before, mut since_ms) = (0, 0, self.heard_request_ms);
        for (_, node) in self.nodes.iter().filter(|(at, node)| *at != ours && self.awaits_election(node)) {
            others += 1;
            before += u64::from(node.id < id);
            since_ms = since_ms.max(Some(node.failed_ms.max(self.nodes[ours].failed_ms)));
        }
        let turn_ms = (self.fixed_delay_ms() / TURN_PARTS).max(SHORTEST_TURN_MS);
        let first_ms = since_ms? + (before + 1) * turn_ms;
        if others == 0 || self.now_ms < first_ms {
            return Some(first_ms);
        }
        // It may have passed: turns come round until all have had theirs.
        let round_ms = (others + 1) * turn_ms;
        let late_ms = (self.now_ms - first_ms) % round_ms;
        Some(if late_ms < turn_ms / 4 { self.now_ms } else { self.now_ms + round_ms - late_ms })
    }

    /// A master that failed, with replicas that could take its place, and nobody asked for votes about it since.
    fn awaits_election(&self, node: &Node) -> bool {
        let asked = node.votes_asked_ms.is_some_and(|asked_ms| asked_ms.get() >= node.failed_ms);
        let is_heir = |replica: &Node| !replica.is_failed() && !replica.flags.any(Flags::NOFAILOVER);
        let has_heir = || node.replicas.iter().any(|&at| is_heir(&self.nodes[at]));
        node.is_failed() && node.is_voter() && !asked && has_heir()
    }

    /// How many replicas of our master have more of its data than we.
    fn rank(&self) -> u64 {
        let Some(master) = self.myself().master else { return 0 };
        let mine = self.replication.offset;
        let better = self.nodes[master].replicas.iter().filter(|&&at| {
            let other = &self.nodes[at];
            at != self.me && !other.flags.any(Flags::NOFAILOVER) && other.replication_offset > mine
        });
        better.count() as u64
    }

    fn rank_may_grow(&mut self) {
        let rank = self.rank();
        if rank > self.election.rank {
            let added_ms = (rank - self.election.rank) * DELAY_PER_RANK_MS;
            self.election.at_ms = self.election.at_ms.map(|at| at + added_ms);
            self.election.rank = rank;
            self.election.woken = false;
            let line = format!("Replica rank updated to #{rank}, added {added_ms} milliseconds of delay.");
            self.log(LogLevel::Notice, line);
        }
    }

    fn pong_to_siblings(&mut self) {
        let Some(master) = self.myself().master else { return };
        for at in self.nodes[master].replicas.clone() {
            if let Some(link) = self.open_link_to(at) {
                self.send_heartbeat(link, Kind::Pong);
            }
        }
    }

    fn ask_for_votes(&mut self) {
        self.current_epoch = self.current_epoch.saturating_add(1);
        self.note_request_for_votes(self.me);
        self.election.asked = true;
        self.election.epoch = self.current_epoch;
        let epoch = self.current_epoch;
        self.log(LogLevel::Notice, format!("Starting a failover election for epoch {epoch}."));
        let mut header = self.header();
        if self.manual.end_ms.is_some() {
            header.message_flags |= MESSAGE_FORCE_ACK;
        }
        let request = Writer::new(Kind::AuthRequest, &header).finish();
        self.send_when_durable(Addressee::Everybody, Kind::AuthRequest, request);
    }

    pub(crate) fn vote_received(&mut self, sender: NodeRef, header: &Header) {
        let id = self.nodes[sender].id;
        if !self.election.asked
            || !self.nodes[sender].is_voter()
            || header.current_epoch < self.election.epoch
            || self.election.votes.contains(&id)
        {
            return;
        }
        self.election.votes.push(id);
        self.due.failover = true;
    }

    fn win_election(&mut self) {
        let epoch = self.election.epoch;
        self.log(LogLevel::Notice, format!("Failover election won: I'm the new master of epoch {epoch}."));
        self.freeze_face();
        let me = self.myself_mut();
        me.config_epoch = me.config_epoch.max(epoch);
        self.replace_master();
    }

    /// We become a master with our master's slots; the config epoch is ours already.
    pub(crate) fn replace_master(&mut self) {
        let Some(old) = self.myself().master else { return };
        let slots = self.nodes[old].slots.to_set();
        self.make_master(self.me);
        self.stop_following();
        for slot in slots.iter() {
            self.release_slot(slot);
            self.assign_slot(slot, self.me);
        }
        self.inherit_moves();
        self.election = Election::default();
        self.reset_manual_failover();
        self.changed();
    }

    fn note_request_for_votes(&mut self, replica: NodeRef) {
        let now_ms = self.now_ms;
        if let Some(master) = self.nodes[replica].master {
            if Some(master) != self.myself().master {
                self.heard_request_ms = Some(now_ms);
            }
            self.nodes[master].votes_asked_ms = NonZeroU64::new(now_ms);
        }
    }

    /// How long a majority of voters may refuse a second vote about this master, by Redis's rule; `None` when ours, who
    /// let an operator have his way, are enough. Each counts from its own vote, which comes after the request.
    pub(crate) fn votes_are_refused_for_ms(&self, master: NodeRef) -> Option<u64> {
        let asked_ms = self.nodes[master].votes_asked_ms?.get();
        let wait_ms = self.config.node_timeout_ms.saturating_mul(2).saturating_add(VOTED_LATER_MS);
        let left_ms = wait_ms.checked_sub(self.now_ms.saturating_sub(asked_ms)).filter(|left| *left > 0)?;
        let willing =
            self.nodes.iter().filter(|(_, node)| node.is_voter() && node.is_kin && !node.is_failed());
        (willing.count() < self.majority()).then_some(left_ms)
    }

    /// A replica asks for our vote.
    pub(crate) fn consider_vote(&mut self, replica: NodeRef, request: &Header) {
        self.note_request_for_votes(replica);
        if !self.myself().is_voter() {
            return;
        }
        if let Err(why) = self.may_vote_for(replica, request) {
            let called = self.nodes[replica].called();
            self.log(LogLevel::Notice, format!("Failover auth denied to {called}: {why}"));
            return;
        }
        let now_ms = self.now_ms;
        self.last_vote_epoch = self.current_epoch;
        if let Some(master) = self.nodes[replica].master
            && self.nodes[master].is_failed()
        {
            self.nodes[master].voted_ms = NonZeroU64::new(now_ms);
        }
        let (id, epoch) = (self.nodes[replica].id, self.current_epoch);
        let vote = Writer::new(Kind::AuthAck, &self.header()).finish();
        self.send_when_durable(Addressee::Node(id), Kind::AuthAck, vote);
        let called = self.nodes[replica].called();
        self.log(LogLevel::Notice, format!("Failover auth granted to {called} for epoch {epoch}"));
    }

    fn may_vote_for(&self, replica: NodeRef, request: &Header) -> Result<(), String> {
        let (asked, current) = (request.current_epoch, self.current_epoch);
        if asked < current {
            return Err(format!("reqEpoch ({asked}) < curEpoch({current})"));
        }
        if self.last_vote_epoch >= current {
            return Err(format!("already voted for epoch {current}"));
        }
        let replica = &self.nodes[replica];
        if replica.is_master() {
            return Err("it is a master node".to_owned());
        }
        let Some(master) = replica.master.map(|at| &self.nodes[at]) else {
            return Err("I don't know its master".to_owned());
        };
        let by_hand = request.message_flags & MESSAGE_FORCE_ACK != 0;
        if !master.is_failed() && !by_hand {
            return Err("its master is up".to_owned());
        }
        let wait_ms = self.config.node_timeout_ms.saturating_mul(2);
        if !by_hand
            && let Some(since_ms) = master.voted_ms.map(|at| self.now_ms.saturating_sub(at.get()))
            && since_ms < wait_ms
        {
            return Err(format!("can't vote about this master before {} milliseconds", wait_ms - since_ms));
        }
        for slot in request.slots.iter() {
            let owner = self.slots.claimed_owner(slot).map(|at| self.nodes[at].config_epoch);
            if let Some(epoch) = owner.filter(|&epoch| epoch > request.config_epoch) {
                return Err(format!("slot {slot} epoch ({epoch}) > reqEpoch ({})", request.config_epoch));
            }
        }
        Ok(())
    }
}
