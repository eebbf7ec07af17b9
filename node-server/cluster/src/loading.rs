//! Loading: a node that still reads its data from the disk is alive, and says so; it only does not serve yet.
//!
//! It answers the bus, votes (that takes epochs, not data) and learns. So it is not taken for dead, and keeps its
//! slots; its clients hear from the data plane that it is loading.
//!
//! - As a replica it has nothing to stand for election with, and nothing that an orphaned master could use.
//! - As a master it is waited for, for one node timeout from its start. That is as long as its shard would stand still
//!   anyway, if it had not come back. If the load takes longer, it asks a replica to take its place: MFSTART, which
//!   otherwise goes the other way. A replica of ours takes that from its master, unless its data are too old to stand
//!   for election, and asks for votes as after CLUSTER FAILOVER FORCE. The replica with the greatest offset is asked,
//!   and asked again as often as a manual failover times out.
//! - Redis knows no such request. If all replicas that could take over are Redis's, the master says nothing at all any more,
//!   so that they find it failed as they would find one of their own.
//! - A master that asked, or was silent, may have been replaced when its load is over: it serves after the delay of one
//!   that comes out of a minority ([`crate::state`]), if nobody did.
//! - Without a replica that could take over it just goes on: then nobody gains if it is called failed, and the other
//!   shards lose, where the cluster must be whole to serve.
//!
//! Why not wait for the end of the load, as it is alive: a large one takes minutes, and all the time a replica has the
//! data, and newer ones: the file is as old as the last save, while a replica had all that the master had when it ended,
//! but for what was on its way. Why not give way at once: most loads are over in a second, and a failover is
//! a copy of all the data. (Redis, which listens but answers nothing until it has loaded, is replaced after the
//! node timeout, too; and called failed for it also where nobody can replace it.)

use crate::durability::Addressee;
use crate::io::LogLevel;
use crate::manual_failover;
use crate::member::Member;
use crate::node::NodeRef;
use crate::packet::{Flags, Kind, Writer};

#[derive(Debug, Default)]
pub(crate) struct Loading {
    /// Since when; `None` when the data are there.
    since_ms: Option<u64>,
    /// When we last asked a replica to take over.
    asked_ms: Option<u64>,
    /// We say nothing on the bus.
    pub is_silent: bool,
}

impl Loading {
    pub fn is_going_on(&self) -> bool {
        self.since_ms.is_some()
    }

    /// We may be replaced, by our own wish.
    pub fn gives_way(&self) -> bool {
        self.asked_ms.is_some() || self.is_silent
    }
}

impl Member {
    pub(crate) fn loading_changed(&mut self, is_loading: bool) {
        if is_loading {
            self.loading = Loading { since_ms: Some(self.now_ms), ..Loading::default() };
        } else if std::mem::take(&mut self.loading).gives_way() {
            self.health.may_have_been_replaced(self.now_ms);
        }
        self.due.state = true;
    }

    /// Ten times a second.
    pub(crate) fn consider_giving_way(&mut self) {
        let Some(since_ms) = self.loading.since_ms else { return };
        if !self.myself().is_voter() {
            self.loading.is_silent = false;
            self.loading.asked_ms = None;
            return;
        }
        if self.now_ms.saturating_sub(since_ms) < self.config.node_timeout_ms {
            return;
        }
        let heirs: Vec<NodeRef> =
            self.myself().replicas.iter().copied().filter(|&at| self.could_take_over(at)).collect();
        let kin =
            heirs.iter().copied().filter(|&at| self.nodes[at].is_kin && self.open_link_to(at).is_some());
        let Some(heir) = kin.max_by_key(|&at| self.nodes[at].replication_offset) else {
            return self.be_silent(!heirs.is_empty());
        };
        self.be_silent(false);
        let asked_ms = self.loading.asked_ms;
        if asked_ms.is_none_or(|at| self.now_ms.saturating_sub(at) >= manual_failover::TIMEOUT_MS) {
            self.ask_to_take_over(heir);
        }
    }

    fn could_take_over(&self, at: NodeRef) -> bool {
        let node = &self.nodes[at];
        !node.flags.any(Flags::FAIL.or(Flags::PFAIL).or(Flags::NOFAILOVER)) && node.replication_offset > 0
    }

    fn be_silent(&mut self, is_silent: bool) {
        if is_silent && !self.loading.is_silent {
            let line = "Loading takes longer than the node timeout: silent on the bus, so that a replica takes over.";
            self.log(LogLevel::Warning, line.to_owned());
            self.due.state = true;
        }
        self.loading.is_silent = is_silent;
    }

    fn ask_to_take_over(&mut self, heir: NodeRef) {
        self.loading.asked_ms = Some(self.now_ms);
        self.due.state = true;
        let id = self.nodes[heir].id;
        let line = format!("Loading takes longer than the node timeout: asking replica {id} to take over.");
        self.log(LogLevel::Warning, line);
        let packet = Writer::new(Kind::ManualFailoverStart, &self.header()).finish();
        self.send_to(Addressee::Node(id), Kind::ManualFailoverStart, packet);
    }
}
