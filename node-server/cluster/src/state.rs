//! Whether the cluster serves: `cluster_state` ok or fail, as this node finds.
//!
//! - With `cluster-require-full-coverage`, every slot must have an owner that is not in FAIL.
//! - A slot whose owner just became a replica is on its way to a new owner, whose packet is as a rule a few
//!   milliseconds behind the old one's; for 500 ms it counts as covered. (Redis says fail at once, and so
//!   turns clients away from the whole cluster in the middle of a planned failover.) Nobody serves the slot
//!   meanwhile, and no vote depends on this.
//! - A majority of the masters with slots must be reachable (neither PFAIL nor FAIL, and not refusing us).
//! - A master that was in a minority waits, once it sees a majority again, for the node timeout (at least 500
//!   ms, at most 5 s) before it serves: it may have been replaced meanwhile, and this is the time to learn
//!   so. (Redis counts the time before the first slots were assigned as spent in a minority, and so lets a
//!   new cluster wait.)
//! - So does a master that loaded its data for so long that it let its replicas take over ([`crate::loading`]); while it
//!   does, it does not serve.
//! - A master that starts with other nodes in its nodes.conf waits for 2 s for the same reason, and until it has heard
//!   from a majority of the masters with slots. (Redis waits for the 2 s only: started where it is cut off, it takes
//!   writes until it finds itself in a minority, however long ago it was replaced.) One without, in a new cluster, has
//!   nothing to learn and does not wait. (Redis always does.)
//!
//! Source: the specification, "Rejoining the cluster"; figures as in Redis 7.0.

use rcl_proto::SLOT_COUNT;

use crate::io::LogLevel;
use crate::map::{ClusterState, DownReason};
use crate::member::Member;
use crate::packet::Flags;

const LONGEST_REJOIN_MS: u64 = 5_000;
const SHORTEST_REJOIN_MS: u64 = 500;
const WRITABLE_AFTER_MS: u64 = 2_000;
const HAND_OVER_MS: u64 = 500;

#[derive(Debug)]
pub(crate) struct Health {
    pub state: ClusterState,
    /// How many masters have slots.
    pub size: usize,
    minority_ms: Option<u64>,
    started_ms: u64,
    waits_for_news: bool,
    /// When a master last gave its slots up by becoming a replica.
    handed_over_ms: Option<u64>,
}

impl Health {
    pub fn new(now_ms: u64) -> Health {
        let state = ClusterState::Down(DownReason::SlotsUncovered);
        Health {
            state,
            size: 0,
            minority_ms: None,
            started_ms: now_ms,
            waits_for_news: false,
            handed_over_ms: None,
        }
    }

    pub fn wait_for_news(&mut self) {
        self.waits_for_news = true;
    }

    pub fn may_have_been_replaced(&mut self, now_ms: u64) {
        self.minority_ms = Some(now_ms);
    }

    pub fn slots_handed_over(&mut self, now_ms: u64) {
        self.handed_over_ms = Some(now_ms);
    }

    /// The verdict is due again without any news.
    pub fn waits_for_slots(&self) -> bool {
        self.handed_over_ms.is_some()
    }

    pub fn is_ok(&self) -> bool {
        self.state == ClusterState::Ok
    }
}

impl Member {
    /// How many of the masters with slots are more than half of them.
    pub(crate) fn majority(&self) -> usize {
        self.nodes.voters() / 2 + 1
    }

    pub(crate) fn update_state(&mut self) {
        self.due.state = false;
        let failing = Flags::FAIL.or(Flags::PFAIL);
        let (mut size, mut reachable, mut owner_failed) = (0, 0, false);
        for (_, node) in self.nodes.iter().filter(|(_, node)| !node.slots.is_empty()) {
            size += usize::from(node.is_master());
            reachable +=
                usize::from(node.is_master() && !node.flags.any(failing) && !node.evidence.refuses());
            owner_failed |= node.is_failed();
        }
        self.health.size = size;
        let in_minority = reachable < size / 2 + 1;
        // A cluster without any master with slots is new: nobody can have replaced us in it.
        if in_minority && size > 0 {
            self.health.minority_ms = Some(self.now_ms);
        }
        let on_their_way = self.slots_are_on_their_way() && self.health.is_ok();
        let unassigned = self.slots.assigned < SLOT_COUNT && !on_their_way;
        let uncovered = self.config.require_full_coverage && (unassigned || owner_failed);
        let state = if uncovered {
            ClusterState::Down(DownReason::SlotsUncovered)
        } else if in_minority {
            ClusterState::Down(DownReason::Minority)
        } else if self.is_master()
            && (self.loading.gives_way() || !self.health.is_ok() && self.rejoin_waits())
        {
            ClusterState::Down(DownReason::Rejoining)
        } else {
            ClusterState::Ok
        };
        if state == self.health.state {
            return;
        }
        if (state == ClusterState::Ok) != self.health.is_ok() {
            let word = if state == ClusterState::Ok { "ok" } else { "fail" };
            self.log(LogLevel::Warning, format!("Cluster state changed: {word}"));
        }
        self.health.state = state;
        self.due.map = true;
    }

    fn slots_are_on_their_way(&mut self) -> bool {
        let now_ms = self.now_ms;
        self.health.handed_over_ms =
            self.health.handed_over_ms.filter(|at| now_ms.saturating_sub(*at) < HAND_OVER_MS);
        self.health.handed_over_ms.is_some()
    }

    fn rejoin_waits(&self) -> bool {
        let rejoin_ms = self.config.node_timeout_ms.clamp(SHORTEST_REJOIN_MS, LONGEST_REJOIN_MS);
        let since_minority = self.health.minority_ms.map(|at| self.now_ms.saturating_sub(at));
        let after_minority = since_minority.is_some_and(|since| since < rejoin_ms);
        let since_start = self.now_ms.saturating_sub(self.health.started_ms);
        let waits = || since_start < WRITABLE_AFTER_MS || !self.heard_from_majority();
        after_minority || (self.health.waits_for_news && waits())
    }

    fn heard_from_majority(&self) -> bool {
        let voters = self.nodes.iter().filter(|(_, node)| node.is_voter());
        voters.filter(|(at, node)| *at == self.me || node.was_heard()).count() >= self.majority()
    }
}
