//! Manual failover: a replica and its healthy master change places, and nothing is lost.
//!
//! ```text
//!   replica                          master
//!     | -- MFSTART ------------------> |   pauses its writes; when none runs any more, its offset is final
//!     | <---- pings, flagged paused -- |   with that offset, at once and then ten times a second
//!     |  applies up to that offset     |
//!     | -- request for votes, flagged "even though the master is up" -> all masters
//!     |  wins: the master's slots      |
//!     | -- pong: I am the master ----> |   loses its slots, follows; its pause ends when no shard serves them any more
//! ```
//!
//! A majority of Redis voters that voted about this master within two node timeouts would say nothing, and writes would
//! stand still until all is given up. So the command is refused then, with the reason and the time left, unless
//! enough of the voters are of our kind, see [`crate::election`].
//!
//! A master that cannot serve for long asks for it by MFSTART in the other direction, see [`crate::loading`].
//!
//! FORCE leaves out the talk with the master. TAKEOVER leaves out the votes, too: the replica takes the next
//! epoch by itself. All is given up after 5 s on either side, and the master's writes go on; the pause as
//! such ends after 10 s whatever happens. Source: CLUSTER FAILOVER's documentation; figures as in Redis 7.0.
//!
//! When the master gives up, the replica may have won, and its news not have come: so the master asks the others, and
//! goes on only when a majority has spoken to it since. (Redis goes on at once; cut off in the middle, it takes writes
//! that are lost until it finds itself in a minority.)

use crate::command::FailoverMode;
use crate::durability::Addressee;
use crate::io::{LogLevel, Output, ReplicationFacts};
use crate::member::Member;
use crate::node::{Node, NodeRef};
use crate::packet::{Header, Kind, MESSAGE_PAUSED, Writer};

pub(crate) const TIMEOUT_MS: u64 = 5_000;
const PAUSE_MS: u64 = 10_000;
/// How often a master in doubt looks whether it may go on.
const DOUBT_STEP_MS: u64 = 20;

/// One that is going on, as we take part in it.
#[derive(Debug, Default)]
pub(crate) struct ManualFailover {
    /// When it is given up; `None` when there is none.
    pub end_ms: Option<u64>,
    /// On the master: the replica that takes over.
    pub replica: Option<NodeRef>,
    /// On the master: our final offset.
    pub paused_offset: Option<u64>,
    /// On the replica: the master's final offset.
    pub master_offset: Option<u64>,
    /// On the replica: the votes may be asked for.
    pub started: bool,
    /// On the master: time is up, and the others were asked whether somebody took our place.
    pub doubted_ms: Option<u64>,
}

impl ManualFailover {
    pub fn can_start(&self) -> bool {
        self.end_ms.is_some() && self.started
    }
}

impl Member {
    /// CLUSTER FAILOVER, the preconditions checked.
    pub(crate) fn start_manual_failover(&mut self, mode: FailoverMode) {
        self.begin_manual_failover();
        match mode {
            FailoverMode::Takeover => {
                self.log(LogLevel::Warning, "Taking over the master (user request).".to_owned());
                self.freeze_face();
                self.bump_epoch_alone();
                self.replace_master();
            }
            FailoverMode::Force => {
                self.log(LogLevel::Warning, "Forced failover user request accepted.".to_owned());
                self.stand_by_hand();
            }
            FailoverMode::Graceful => {
                self.log(LogLevel::Warning, "Manual failover user request accepted.".to_owned());
                let Some(master) = self.myself().master.map(|at| self.nodes[at].id) else { return };
                let packet = Writer::new(Kind::ManualFailoverStart, &self.header()).finish();
                self.send_to(Addressee::Node(master), Kind::ManualFailoverStart, packet);
            }
        }
    }

    fn begin_manual_failover(&mut self) {
        self.reset_manual_failover();
        self.manual.end_ms = Some(self.now_ms + TIMEOUT_MS);
        // An election that is waiting, or found no majority, does not hold this one up.
        self.election = Default::default();
    }

    /// The votes may be asked for.
    fn stand_by_hand(&mut self) {
        self.manual.started = true;
        self.due.failover = true;
    }

    /// One of our replicas wants to take over; or our master wants us to.
    pub(crate) fn manual_failover_requested(&mut self, sender: NodeRef) {
        if self.is_master() && self.nodes[sender].master == Some(self.me) {
            self.give_way_to(sender);
        } else if self.myself().master == Some(sender) {
            self.take_over_from(sender);
        }
    }

    /// On the replica: the master asks for it, see [`crate::loading`].
    fn take_over_from(&mut self, master: NodeRef) {
        let is_busy = self.manual.end_ms.is_some() || self.loading.is_going_on();
        if is_busy || self.config.replica_no_failover || self.data_too_old() {
            return;
        }
        let id = self.nodes[master].id;
        self.log(LogLevel::Warning, format!("Master {id} asks us to take over."));
        self.begin_manual_failover();
        self.stand_by_hand();
    }

    fn give_way_to(&mut self, replica: NodeRef) {
        self.reset_manual_failover();
        self.manual.end_ms = Some(self.now_ms + TIMEOUT_MS);
        self.manual.replica = Some(replica);
        // This pause replaces the one that may just have been called off.
        self.due.resume_writes = false;
        self.durability.call_off_resumes();
        self.outputs.push_back(Output::PauseWrites { until_ms: self.now_ms + PAUSE_MS });
        let called = self.nodes[replica].called();
        self.log(LogLevel::Warning, format!("Manual failover requested by replica {called}."));
    }

    /// On the master: no write runs any more.
    pub(crate) fn writes_paused(&mut self, offset: u64) {
        let Some(replica) = self.manual.replica else { return };
        self.manual.paused_offset = Some(offset);
        self.replication.offset = offset;
        if let Some(link) = self.open_link_to(replica) {
            self.send_heartbeat(link, Kind::Ping);
        }
    }

    /// On the replica: the master's packet may carry its final offset.
    pub(crate) fn note_paused_master(&mut self, sender: NodeRef, header: &Header) {
        if self.manual.end_ms.is_some()
            && self.myself().master == Some(sender)
            && header.message_flags & MESSAGE_PAUSED != 0
            && self.manual.master_offset.is_none()
        {
            self.manual.master_offset = Some(header.offset);
            let offset = header.offset;
            let line = format!("Received replication offset for paused master manual failover: {offset}");
            self.log(LogLevel::Notice, line);
        }
    }

    /// On the replica of a paused master: its writes wait until we have applied the last of them.
    pub fn is_catching_up(&self) -> bool {
        self.manual.master_offset.is_some() && !self.manual.started
    }

    pub(crate) fn replication_changed(&mut self, facts: ReplicationFacts) {
        self.replication = facts;
    }

    /// On the replica: have we applied all of it?
    pub(crate) fn check_manual_failover(&mut self) {
        // Without a sync the offset is that of our own history, and may be the same by chance.
        let facts = self.replication;
        let all_applied = facts.master_link_up && self.manual.master_offset == Some(facts.offset);
        if self.manual.end_ms.is_some() && !self.manual.started && self.myself().is_replica() && all_applied {
            self.stand_by_hand();
            let line = "All master replication stream processed, manual failover can start.";
            self.log(LogLevel::Notice, line.to_owned());
        }
        self.manual_failover_expires();
    }

    pub(crate) fn manual_failover_expires(&mut self) {
        if self.manual.end_ms.is_none_or(|end| end > self.now_ms) {
            return;
        }
        if self.manual.doubted_ms.is_none() {
            self.log(LogLevel::Warning, "Manual failover timed out.".to_owned());
        }
        if self.manual.replica.is_none() || self.is_still_master() {
            return self.reset_manual_failover();
        }
        self.manual.end_ms = Some(self.now_ms + DOUBT_STEP_MS);
    }

    /// Whether a majority has spoken to us since the replica's time was up: it would have told us of a newer claim.
    fn is_still_master(&mut self) -> bool {
        let Some(since_ms) = self.manual.doubted_ms else {
            self.manual.doubted_ms = Some(self.now_ms);
            self.ping_voters();
            return false;
        };
        let voters = self.nodes.iter().filter(|(_, node)| node.is_voter());
        let certain = voters.filter(|(at, node)| *at == self.me || node.data_received_ms > since_ms).count();
        certain >= self.majority() || self.now_ms.saturating_sub(since_ms) >= PAUSE_MS - TIMEOUT_MS
    }

    fn ping_voters(&mut self) {
        let idle = |node: &Node| node.is_voter() && node.ping_sent_ms == 0;
        let voters: Vec<NodeRef> =
            self.nodes.iter().filter(|(_, node)| idle(node)).map(|(at, _)| at).collect();
        for link in voters.into_iter().filter_map(|at| self.open_link_to(at)).collect::<Vec<_>>() {
            self.send_heartbeat(link, Kind::Ping);
        }
    }

    /// Ends it on our side; a paused master writes again once this step's map, if there is one, is applied.
    pub(crate) fn reset_manual_failover(&mut self) {
        if self.manual.replica.is_some() {
            self.due.resume_writes = true;
        }
        self.manual = ManualFailover::default();
    }
}
