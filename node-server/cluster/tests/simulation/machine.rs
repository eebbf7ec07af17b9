//! One machine: a member, its driver's state, its clock and its disk.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rcl_cluster::{ClusterMap, Config, Input, Member, ReplicationFacts, Reply};
use rcl_proto::NodeId;

use crate::clock::Clock;
use crate::data::Data;
use crate::disk::Disk;
use crate::network::Outbound;

/// Older lines of a machine's log are dropped.
const LOG_LINES: usize = 300;

pub struct Machine {
    pub member: Option<Member>,
    pub config: Config,
    pub ip: String,
    pub clock: Clock,
    pub disk: Disk,
    /// Counts starts and crashes: events of an earlier life are ignored.
    pub life: u64,
    /// Its id, as long as it is up.
    pub id: Option<NodeId>,
    /// In which life and when the next tick is due.
    pub wake_at: Option<(u64, u64)>,
    /// It stands still until then: its inputs wait.
    pub frozen_until_ms: u64,
    pub backlog: VecDeque<Input>,
    /// Which connection an outbound link is.
    pub outbound: Outbound,
    pub inbound_count: u64,
    pub map: Option<Arc<ClusterMap>>,
    /// A hash over who owns what by that map.
    pub owners: u64,
    /// The newest map that the data plane acts by.
    pub serving: Option<Arc<ClusterMap>>,
    /// The last map that it acted by in any of its lives.
    pub served: Option<Arc<ClusterMap>>,
    pub data: Data,
    /// The offset of its last write as a master.
    pub written: u64,
    /// The offset at which it became a master last.
    pub promoted_at: Option<u64>,
    pub following: Option<NodeId>,
    pub last_contact_ms: Option<u64>,
    pub link_up: bool,
    /// When it heard of its master last, truly.
    pub heard_ms: Option<u64>,
    /// Its master paused its writes for it, at this final offset.
    pub handover: Option<(NodeId, u64)>,
    /// When the last state from its master arrives: the next one comes after it.
    pub stream_busy_until_ms: u64,
    pub told: Option<ReplicationFacts>,
    pub paused: bool,
    /// By its own clock: then a pause is over whatever happens.
    pub paused_until_ms: u64,
    pub replies: BTreeMap<u64, Reply>,
    pub published: Vec<Vec<u8>>,
    pub logs: VecDeque<(u64, String)>,
}

impl Machine {
    pub fn new(config: Config, ip: String, now_ms: u64) -> Machine {
        Machine {
            member: None,
            config,
            ip,
            clock: Clock::right(now_ms),
            disk: Disk::default(),
            life: 0,
            id: None,
            wake_at: None,
            frozen_until_ms: 0,
            backlog: VecDeque::new(),
            outbound: Outbound::default(),
            inbound_count: 0,
            map: None,
            owners: 0,
            serving: None,
            served: None,
            data: Data::new(),
            written: 1,
            promoted_at: None,
            following: None,
            last_contact_ms: None,
            link_up: false,
            heard_ms: None,
            handover: None,
            stream_busy_until_ms: 0,
            told: None,
            paused: false,
            paused_until_ms: 0,
            replies: BTreeMap::new(),
            published: Vec::new(),
            logs: VecDeque::new(),
        }
    }

    pub fn is_up(&self) -> bool {
        self.member.is_some()
    }

    pub fn log(&mut self, at_ms: u64, line: String) {
        if self.logs.len() == LOG_LINES {
            self.logs.pop_front();
        }
        self.logs.push_back((at_ms, line));
    }
}
