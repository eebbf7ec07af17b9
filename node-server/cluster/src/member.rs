//! One node's state: inputs go to the mechanism they belong to, outputs queue up.
//!
//! Nothing of a mechanism is here. A step is: take the input, run what it made due (an election step, a
//! new verdict on the cluster's state), then give out the new map and the new state to persist, once each.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use rcl_proto::nodes_text::NodeFlags;
use rcl_proto::{NodeId, Slot};

use crate::config::{Config, Persistent};
use crate::durability::Durability;
use crate::election::Election;
use crate::failure_detection::Probes;
use crate::faults::Faults;
use crate::io::{Input, LinkId, LogLevel, Output, ReplicationFacts};
use crate::link_table::LinkTable;
use crate::loading::Loading;
use crate::manual_failover::ManualFailover;
use crate::map::ClusterMap;
use crate::names::Names;
use crate::node::{Node, NodeRef, NodeTable};
use crate::packet::{Flags, Kind};
use crate::slots_and_epochs::SlotTable;
use crate::state::Health;
use crate::stepping_down::Successor;

/// How often the periodic work runs, as in Redis.
pub(crate) const CRON_PERIOD_MS: u64 = 100;

/// Room for so many outputs is kept; what a packet to everybody needed is given back.
const OUTPUTS_KEPT: usize = 64;

/// What the step in progress made due at its end.
#[derive(Debug, Default)]
pub(crate) struct Due {
    pub save: bool,
    pub map: bool,
    pub state: bool,
    pub failover: bool,
    pub resume_writes: bool,
    /// The settings changed.
    pub configured: bool,
    /// Our header's facts changed in a way that others should hear of now, not at the next heartbeat.
    pub announce: bool,
}

/// Packets by kind, for CLUSTER INFO.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub sent: [u64; Kind::COUNT],
    pub received: [u64; Kind::COUNT],
}

/// One node of a cluster: see the crate's documentation for the contract.
#[derive(Debug)]
pub struct Member {
    pub(crate) config: Config,
    pub(crate) now_ms: u64,
    pub(crate) rng: StdRng,
    pub(crate) nodes: NodeTable,
    pub(crate) me: NodeRef,
    pub(crate) shard_id: NodeId,
    pub(crate) current_epoch: u64,
    pub(crate) last_vote_epoch: u64,
    pub(crate) slots: SlotTable,
    pub(crate) links: LinkTable,
    pub(crate) next_link: u64,
    pub(crate) probes: Probes,
    /// Forgotten nodes, and until when they may not come back by gossip.
    pub(crate) blacklist: BTreeMap<NodeId, u64>,
    pub(crate) election: Election,
    /// When votes were last asked for about another master than ours; `None` for never.
    pub(crate) heard_request_ms: Option<u64>,
    pub(crate) manual: ManualFailover,
    pub(crate) successor: Option<Successor>,
    pub(crate) loading: Loading,
    pub(crate) health: Health,
    pub(crate) durability: Durability,
    pub(crate) replication: ReplicationFacts,
    /// Whom the driver was told to replicate, and at what address.
    pub(crate) replicating: Option<(NodeId, Arc<str>, u16)>,
    pub(crate) due: Due,
    pub(crate) traffic: Traffic,
    pub(crate) faults: Faults,
    pub(crate) heartbeats: u64,
    pub(crate) cron_runs: u64,
    pub(crate) next_cron_ms: u64,
    /// When the news of new nodes is to be spread, if there is any.
    pub(crate) spread_at_ms: Option<u64>,
    pub(crate) last_spread_ms: u64,
    pub(crate) logged_ms: BTreeMap<&'static str, u64>,
    pub(crate) outputs: VecDeque<Output>,
}

impl Member {
    /// A member that starts at `now_ms` (Unix milliseconds) with what nodes.conf holds (`None` when there is
    /// no such file or it is empty: a new node with an id made from `seed`). `seed` is from the system's
    /// entropy, but for tests. The first outputs wait already: the first map, the state to persist.
    pub fn new(config: Config, persistent: Option<Persistent>, seed: u64, now_ms: u64) -> Member {
        let mut rng = StdRng::seed_from_u64(seed);
        let id = random_id(&mut rng);
        let shard_id = persistent.as_ref().and_then(|known| known.shard_id);
        let shard_id = shard_id.unwrap_or_else(|| random_id(&mut rng));
        let mut nodes = NodeTable::default();
        let me = match &persistent {
            None => nodes.add(Node::new(id, Flags::MYSELF.or(Flags::MASTER), now_ms)),
            Some(_) => Some(NodeRef(0)),
        };
        let mut member = Member {
            config,
            now_ms,
            rng,
            nodes,
            me: me.unwrap_or(NodeRef(0)),
            shard_id,
            current_epoch: 0,
            last_vote_epoch: 0,
            slots: SlotTable::default(),
            links: LinkTable::default(),
            next_link: LinkId::FIRST_OUTBOUND,
            probes: Probes::default(),
            blacklist: BTreeMap::new(),
            election: Election::default(),
            heard_request_ms: None,
            manual: ManualFailover::default(),
            successor: None,
            loading: Loading::default(),
            health: Health::new(now_ms),
            durability: Durability::default(),
            replication: ReplicationFacts::default(),
            replicating: None,
            due: Due { save: true, map: true, state: true, ..Due::default() },
            traffic: Traffic::default(),
            faults: Faults::default(),
            heartbeats: 0,
            cron_runs: 0,
            next_cron_ms: now_ms,
            spread_at_ms: None,
            last_spread_ms: 0,
            logged_ms: BTreeMap::new(),
            outputs: VecDeque::new(),
        };
        match persistent {
            None => member.log(LogLevel::Notice, format!("No cluster configuration found, I'm {id}")),
            Some(persistent) => member.restore(persistent),
        }
        member.apply_config();
        // What was on disk at the start is public already: only what changes from here on waits for the disk.
        member.durability.face = member.true_face();
        member.follow_master();
        member.settle();
        member
    }

    /// Takes one input, at `now_ms` (Unix milliseconds; a clock that goes back is taken as standing still).
    pub fn step(&mut self, now_ms: u64, input: Input) {
        self.now_ms = self.now_ms.max(now_ms);
        match input {
            Input::Tick => {}
            Input::LinkOpened { link, local_ip } => self.link_opened(link, local_ip),
            Input::LinkClosed { link, end } => self.link_closed(link, end),
            Input::InboundAccepted { link, peer_ip, local_ip } => self.link_accepted(link, peer_ip, local_ip),
            Input::Packet { link, bytes } => self.receive(link, &bytes),
            Input::Persisted { seq } => self.durability.persisted = self.durability.persisted.max(seq),
            Input::Applied { version } => self.durability.applied = self.durability.applied.max(version),
            Input::Loading(is_loading) => self.loading_changed(is_loading),
            Input::Replication(facts) => self.replication_changed(facts),
            Input::WritesPaused { offset } => self.writes_paused(offset),
            Input::Command { token, command } => self.command(token, *command),
            Input::Publish { channel, message, sharded } => self.publish(&channel, &message, sharded),
            Input::Configure(config) => {
                let no_longer_announced = config.announce_ip.is_none() && self.config.announce_ip.is_some();
                self.config = config;
                if no_longer_announced {
                    // The next peer that connects tells it.
                    self.myself_mut().ip = Arc::default();
                }
                self.apply_config();
            }
        }
        self.run_due();
        self.settle();
    }

    /// The next thing to do outside; drain it after each step.
    pub fn poll_output(&mut self) -> Option<Output> {
        let output = self.outputs.pop_front();
        if output.is_none() && self.outputs.capacity() > OUTPUTS_KEPT {
            self.outputs = VecDeque::new();
        }
        output
    }

    /// When [`Input::Tick`] is due (Unix milliseconds).
    pub fn next_deadline(&self) -> Option<u64> {
        let (cron, election) = (Some(self.next_cron_ms), self.election.deadline_ms());
        let due = [cron, self.spread_at_ms, election, self.manual.end_ms, self.steps_down_at_ms()];
        due.into_iter().flatten().min()
    }

    /// Our id.
    pub fn id(&self) -> NodeId {
        self.myself().id
    }

    /// Whether we are a master by our own view, be it published or not.
    pub fn is_master(&self) -> bool {
        self.myself().is_master()
    }

    /// The newest map that was given out.
    pub fn map(&self) -> Option<Arc<ClusterMap>> {
        self.durability.newest_map.clone()
    }

    pub(crate) fn myself(&self) -> &Node {
        &self.nodes[self.me]
    }

    pub(crate) fn myself_mut(&mut self) -> &mut Node {
        &mut self.nodes[self.me]
    }

    pub(crate) fn random_id(&mut self) -> NodeId {
        random_id(&mut self.rng)
    }

    /// All places of the table, from a random one on.
    pub(crate) fn places_from_anywhere(&mut self) -> impl Iterator<Item = NodeRef> + use<> {
        let places = self.nodes.places();
        let start = self.random_below(places as u64) as usize;
        (0..places).map(move |step| NodeRef(((start + step) % places) as u16))
    }

    /// A number below `bound`; 0 when the bound is 0.
    pub(crate) fn random_below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.rng.random_range(0..bound) }
    }

    pub(crate) fn log(&mut self, level: LogLevel, text: String) {
        self.outputs.push_back(Output::Log { level, text });
    }

    /// For lines that an outsider can trigger: each `topic` once in ten seconds.
    pub(crate) fn log_limited(&mut self, topic: &'static str, text: impl FnOnce() -> String) {
        const EVERY_MS: u64 = 10_000;
        let now_ms = self.now_ms;
        let last = self.logged_ms.get(topic).copied();
        if last.is_none_or(|last| now_ms.saturating_sub(last) >= EVERY_MS) {
            self.logged_ms.insert(topic, now_ms);
            self.log(LogLevel::Warning, text());
        }
    }

    /// Something that both nodes.conf and the map show changed.
    pub(crate) fn changed(&mut self) {
        self.due.save = true;
        self.due.map = true;
        self.due.state = true;
    }

    /// The work that became due by time or by this step's input.
    fn run_due(&mut self) {
        if self.now_ms >= self.next_cron_ms {
            self.next_cron_ms = self.now_ms + CRON_PERIOD_MS;
            self.cron();
        }
        if self.spread_at_ms.is_some_and(|at| self.now_ms >= at) {
            self.spread_news();
        }
        self.step_down_if_due();
        self.check_manual_failover();
        if self.election.deadline_ms().is_some_and(|at| self.now_ms >= at) {
            self.election.woken = true;
            self.due.failover = true;
        }
        // A step may make the next one due: a single voter's vote, say, is counted at once.
        while std::mem::take(&mut self.due.failover) {
            self.election_step();
        }
        if self.due.state {
            self.update_state();
        }
    }

    /// Takes over the announced settings into our own entry.
    fn apply_config(&mut self) {
        let config = self.config.clone();
        let me = self.myself_mut();
        let shown = |me: &Node| {
            let names = (me.ip.clone(), me.names.clone());
            (names, me.port, me.second_port, me.bus_port, me.flags)
        };
        let before = shown(me);
        if let Some(ip) = config.announce_ip {
            me.ip = ip.into();
        }
        me.names = Names::new(&config.hostname, &config.human_name, &config.zone);
        (me.port, me.second_port, me.bus_port) = (config.port, config.second_port, config.bus_port);
        me.flags.clear(Flags::NOFAILOVER);
        if config.replica_no_failover {
            me.flags.set(Flags::NOFAILOVER);
        }
        if before != shown(me) {
            self.changed();
            self.due.announce = true;
        }
        // The settings are in the map and in the verdict on the state, too.
        self.due.configured = true;
        self.due.map = true;
        self.due.state = true;
    }

    /// Fills the tables from nodes.conf.
    fn restore(&mut self, persistent: Persistent) {
        let now_ms = self.now_ms;
        for line in &persistent.nodes {
            let mut node = Node::new(line.id, restored_flags(line.flags), now_ms);
            node.ip = line.endpoint.ip.as_str().into();
            let mut human_name = "";
            (node.port, node.bus_port) = (line.endpoint.port, line.endpoint.bus_port);
            for (name, value) in &line.endpoint.aux {
                match name.as_str() {
                    "nodename" => human_name = value,
                    "shard-id" => node.shard_id = value.parse().ok(),
                    _ => {}
                }
            }
            node.names = Names::new(&line.endpoint.hostname, human_name, "");
            node.ping_sent_ms = if line.ping_sent_ms > 0 { now_ms } else { 0 };
            node.pong_received_ms = if line.pong_received_ms > 0 { now_ms } else { 0 };
            node.failed_ms = now_ms;
            node.config_epoch = if line.master.is_some() { 0 } else { line.config_epoch };
            if let Some(at) = self.nodes.add(node)
                && line.flags.contains(NodeFlags::MYSELF)
            {
                self.me = at;
            }
        }
        // A master or a partner in a slot's move that has no line of its own is made up, as Redis does.
        for line in &persistent.nodes {
            let Some(at) = self.nodes.find(line.id) else { continue };
            if let Some(master) = line.master.and_then(|id| self.find_or_add(id)) {
                self.set_master_of(at, Some(master));
            }
            line.slots
                .iter()
                .filter(|slot| self.slots.owner(*slot).is_none())
                .collect::<Vec<Slot>>()
                .into_iter()
                .for_each(|slot| self.assign_slot(slot, at));
            for (slot, id) in &line.migrating {
                if let Some(other) = self.find_or_add(*id) {
                    self.slots.migrating.insert(*slot, other);
                }
            }
            for (slot, id) in &line.importing {
                if let Some(other) = self.find_or_add(*id) {
                    self.slots.importing.insert(*slot, other);
                }
            }
        }
        self.current_epoch = persistent.current_epoch.max(self.greatest_epoch());
        self.last_vote_epoch = persistent.last_vote_epoch;
        if let Some(epoch) = persistent.config_epoch {
            self.myself_mut().config_epoch = epoch;
        }
        if self.nodes.len() > 1 {
            self.health.wait_for_news();
        }
        self.log(LogLevel::Notice, format!("Node configuration loaded, I'm {}", self.id()));
    }

    fn find_or_add(&mut self, id: NodeId) -> Option<NodeRef> {
        let now_ms = self.now_ms;
        self.nodes.find(id).or_else(|| self.nodes.add(Node::new(id, Flags::default(), now_ms)))
    }
}

fn random_id(rng: &mut StdRng) -> NodeId {
    let mut bits = [0; 20];
    rng.fill_bytes(&mut bits);
    NodeId::from_bits(bits)
}

fn restored_flags(text: NodeFlags) -> Flags {
    const PAIRS: [(NodeFlags, Flags); 7] = [
        (NodeFlags::MYSELF, Flags::MYSELF),
        (NodeFlags::MASTER, Flags::MASTER),
        (NodeFlags::REPLICA, Flags::REPLICA),
        (NodeFlags::PFAIL, Flags::PFAIL),
        (NodeFlags::FAIL, Flags::FAIL),
        (NodeFlags::NOADDR, Flags::NOADDR),
        (NodeFlags::NOFAILOVER, Flags::NOFAILOVER),
    ];
    PAIRS
        .iter()
        .filter(|(flag, _)| text.contains(*flag))
        .fold(Flags::default(), |flags, (_, bit)| flags.or(*bit))
}
