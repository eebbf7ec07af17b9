//! A cluster in one process: many Members on a virtual clock, over a network and disks that fail on order.
//!
//! - Connections have TCP's semantics: in order, and either whole or broken. Between nodes that are
//!   partitioned, what is sent is lost and the connection is dead from then on, without anybody being told.
//! - A disk takes its time, and a crash loses what it has not finished. A restarted node has what was
//!   persisted.
//! - Replication is a number: a master's offset grows, a replica that reaches its master has the same.
//!
//! Everything is drawn from one seed, so that a run can be repeated. The checkers (`checkers.rs`) look at
//! packets and maps alone.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rcl_cluster::{
    ClusterMap, ClusterState, Command, Config, Input, LinkEnd, LinkId, Member, Output, Persistent,
    ReplicationFacts, Reply,
};
use rcl_proto::{NodeId, Slot, SlotRange};

use crate::checkers::Checkers;

pub const START_MS: u64 = 1_700_000_000_000;
const REPLICATION_PERIOD_MS: u64 = 50;

pub struct Machine {
    pub member: Option<Member>,
    pub config: Config,
    ip: String,
    pub disk: Option<String>,
    disk_busy_until_ms: u64,
    /// Counts restarts: events of an earlier life are ignored.
    life: u64,
    next_inbound: u64,
    /// In which life and when the next tick is due.
    wake_at: Option<(u64, u64)>,
    pub map: Option<Arc<ClusterMap>>,
    pub offset: u64,
    /// The offset of its last write as a master.
    pub written: u64,
    /// The offset at which it became a master last.
    pub promoted_at: Option<u64>,
    pub following: Option<NodeId>,
    last_contact_ms: Option<u64>,
    pub paused: bool,
    pub replies: BTreeMap<u64, Reply>,
    pub published: Vec<Vec<u8>>,
    pub logs: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct End {
    machine: usize,
    link: LinkId,
    life: u64,
}

#[derive(Debug)]
enum Event {
    Wake { machine: usize, life: u64 },
    Connected { connection: usize },
    Refused { end: End },
    Deliver { connection: usize, to: End, bytes: Arc<[u8]> },
    Closed { to: End },
    Persisted { machine: usize, life: u64, seq: u64, text: String },
    Applied { machine: usize, life: u64, version: u64 },
    Replicate,
}

struct Connection {
    from: End,
    to: Option<End>,
    target: usize,
    dead: bool,
    /// When the last packet of each direction arrives: the next one comes after it.
    busy_until_ms: [u64; 2],
}

pub struct World {
    pub now_ms: u64,
    pub rng: StdRng,
    pub machines: Vec<Machine>,
    queue: BinaryHeap<Reverse<(u64, u64)>>,
    events: BTreeMap<u64, Event>,
    next_event: u64,
    connections: Vec<Connection>,
    ends: BTreeMap<(usize, LinkId, u64), usize>,
    pub cut: BTreeSet<(usize, usize)>,
    pub checkers: Checkers,
    pub longest_delay_ms: u64,
    pub disk_ms: u64,
    /// A disk that says it wrote and did not: for showing that the checkers see it.
    pub disk_lies: bool,
    pub packets: u64,
    /// Delivered packets, with who got them on which link, if they are to be kept.
    pub keep_packets: bool,
    pub kept: Vec<(usize, LinkId, Arc<[u8]>)>,
    next_token: u64,
}

impl World {
    pub fn new(seed: u64, count: usize, config: &Config) -> World {
        let mut world = World {
            now_ms: START_MS,
            rng: StdRng::seed_from_u64(seed),
            machines: Vec::new(),
            queue: BinaryHeap::new(),
            events: BTreeMap::new(),
            next_event: 0,
            connections: Vec::new(),
            ends: BTreeMap::new(),
            cut: BTreeSet::new(),
            checkers: Checkers::new(config.node_timeout_ms),
            longest_delay_ms: 10,
            disk_ms: 5,
            disk_lies: false,
            packets: 0,
            keep_packets: false,
            kept: Vec::new(),
            next_token: 1,
        };
        for index in 0..count {
            let config = Config { port: 7000, bus_port: 17000, ..config.clone() };
            world.machines.push(Machine {
                member: None,
                config,
                ip: format!("10.0.{}.{}", index / 250, index % 250 + 1),
                disk: None,
                disk_busy_until_ms: 0,
                life: 0,
                next_inbound: 1,
                wake_at: None,
                map: None,
                offset: 1,
                written: 1,
                promoted_at: None,
                following: None,
                last_contact_ms: None,
                paused: false,
                replies: BTreeMap::new(),
                published: Vec::new(),
                logs: Vec::new(),
            });
            world.start(index);
        }
        world.at(REPLICATION_PERIOD_MS, Event::Replicate);
        world
    }

    pub fn start(&mut self, index: usize) {
        let seed = self.rng.random();
        let machine = &mut self.machines[index];
        machine.life += 1;
        let persistent =
            machine.disk.as_deref().and_then(|text| Persistent::parse(text).expect("what it wrote"));
        machine.last_contact_ms = None;
        machine.following = None;
        machine.paused = false;
        machine.member = Some(Member::new(machine.config.clone(), persistent, seed, self.now_ms));
        self.drain(index);
    }

    /// kill -9: what the disk had not finished is lost, peers see their connections break (or, with the cable
    /// pulled, nothing).
    pub fn crash(&mut self, index: usize) {
        self.machines[index].member = None;
        self.machines[index].life += 1;
        for at in 0..self.connections.len() {
            let connection = &self.connections[at];
            if connection.dead {
                continue;
            }
            let (from, to) = (connection.from, connection.to);
            let touches = from.machine == index || connection.target == index;
            if touches {
                self.connections[at].dead = true;
                let other = if from.machine == index { to } else { Some(from) };
                if let Some(other) = other {
                    self.at(1, Event::Closed { to: other });
                }
            }
        }
    }

    pub fn id(&self, index: usize) -> Option<NodeId> {
        self.machines[index].member.as_ref().map(Member::id)
    }

    pub fn by_id(&self, id: NodeId) -> Option<usize> {
        (0..self.machines.len()).find(|&index| self.id(index) == Some(id))
    }

    pub fn cut_both(&mut self, a: usize, b: usize) {
        self.cut.insert((a, b));
        self.cut.insert((b, a));
    }

    fn at(&mut self, in_ms: u64, event: Event) {
        let number = self.next_event;
        self.next_event += 1;
        self.queue.push(Reverse((self.now_ms + in_ms, number)));
        self.events.insert(number, event);
    }

    /// Runs until nothing happens before `until_ms`.
    pub fn run_until(&mut self, until_ms: u64) {
        while let Some(&Reverse((time, number))) = self.queue.peek() {
            if time > until_ms {
                break;
            }
            self.queue.pop();
            self.now_ms = self.now_ms.max(time);
            if let Some(event) = self.events.remove(&number) {
                self.happen(event);
            }
        }
        self.now_ms = self.now_ms.max(until_ms);
    }

    pub fn run_for(&mut self, for_ms: u64) {
        self.run_until(self.now_ms + for_ms);
    }

    /// Runs until `condition`, in small steps; false when it did not come in time.
    pub fn run_until_true(&mut self, most_ms: u64, condition: impl Fn(&World) -> bool) -> bool {
        let end_ms = self.now_ms + most_ms;
        while !condition(self) {
            if self.now_ms >= end_ms {
                return false;
            }
            self.run_for(5);
        }
        true
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Wake { machine, life } => {
                // Only the newest date counts; the others were overtaken.
                if self.machines[machine].wake_at == Some((life, self.now_ms)) {
                    self.machines[machine].wake_at = None;
                    self.step(machine, life, Input::Tick);
                }
            }
            Event::Connected { connection } => self.connected(connection),
            Event::Refused { end } => {
                let closed = Input::LinkClosed { link: end.link, end: LinkEnd::Refused };
                self.step(end.machine, end.life, closed);
            }
            Event::Closed { to } => {
                let closed = Input::LinkClosed { link: to.link, end: LinkEnd::Lost };
                self.step(to.machine, to.life, closed);
            }
            Event::Deliver { connection, to, bytes } => {
                if !self.connections[connection].dead {
                    if self.keep_packets {
                        self.kept.push((to.machine, to.link, Arc::clone(&bytes)));
                    }
                    let input = Input::Packet { link: to.link, bytes: bytes.to_vec() };
                    self.step(to.machine, to.life, input);
                }
            }
            Event::Persisted { machine, life, seq, text } => {
                if self.machines[machine].life == life {
                    if !self.disk_lies {
                        self.machines[machine].disk = Some(text);
                    }
                    self.step(machine, life, Input::Persisted { seq });
                }
            }
            Event::Applied { machine, life, version } => self.step(machine, life, Input::Applied { version }),
            Event::Replicate => self.replicate(),
        }
    }

    fn step(&mut self, index: usize, life: u64, input: Input) {
        let machine = &mut self.machines[index];
        if machine.life != life {
            return;
        }
        let Some(member) = machine.member.as_mut() else { return };
        member.step(self.now_ms, input);
        self.drain(index);
    }

    fn drain(&mut self, index: usize) {
        let mut sent = Vec::new();
        while let Some(output) = self.machines[index].member.as_mut().and_then(Member::poll_output) {
            if let Output::Send { link, bytes } = &output {
                sent.push((self.receiver(index, *link), Arc::clone(bytes)));
            }
            self.perform(index, output);
        }
        // A step gives its map out last, and its packets are to be judged by what it knew when it sent them.
        let machine = &self.machines[index];
        for (receiver, bytes) in sent {
            let (map, disk) = (machine.map.as_deref(), machine.disk.as_deref());
            self.checkers.packet_sent(self.now_ms, &bytes, receiver, map, disk);
        }
        let machine = &self.machines[index];
        if let Some(deadline) = machine.member.as_ref().and_then(Member::next_deadline) {
            let life = machine.life;
            let in_ms = deadline.saturating_sub(self.now_ms).max(1);
            let wake_at = (life, self.now_ms + in_ms);
            if machine.wake_at != Some(wake_at) {
                self.machines[index].wake_at = Some(wake_at);
                self.at(in_ms, Event::Wake { machine: index, life });
            }
        }
    }

    fn perform(&mut self, index: usize, output: Output) {
        let life = self.machines[index].life;
        match output {
            Output::Connect { link, ip, port } => self.connect(End { machine: index, link, life }, &ip, port),
            Output::Send { link, bytes } => self.send(index, link, bytes),
            Output::Close { link } => self.close(End { machine: index, link, life }),
            Output::Persist { seq, text } => {
                // One after the other: a disk thread has no later state overtaken by an earlier one.
                let delay_ms = self.rng.random_range(0..=self.disk_ms);
                let done_ms = (self.now_ms + delay_ms).max(self.machines[index].disk_busy_until_ms);
                self.machines[index].disk_busy_until_ms = done_ms;
                let delay_ms = done_ms - self.now_ms;
                self.at(delay_ms, Event::Persisted { machine: index, life, seq, text });
            }
            Output::PublishMap(map) => {
                let version = map.version;
                self.machines[index].map = Some(map);
                let delay_ms = self.rng.random_range(0..=2);
                self.at(delay_ms, Event::Applied { machine: index, life, version });
            }
            Output::ReplicateFrom { node, .. } => self.machines[index].following = Some(node),
            Output::StopReplicating => {
                let machine = &mut self.machines[index];
                machine.following = None;
                machine.promoted_at = Some(machine.offset);
            }
            Output::PauseWrites { .. } => {
                self.machines[index].paused = true;
                let offset = self.machines[index].offset;
                self.step(index, life, Input::WritesPaused { offset });
            }
            Output::ResumeWrites => self.machines[index].paused = false,
            Output::DropSlots(_) | Output::FlushData => {}
            Output::DeliverPublish { message, .. } => self.machines[index].published.push(message),
            Output::Log { text, .. } => {
                self.machines[index].logs.push(format!("{} {text}", self.now_ms - START_MS))
            }
            Output::CommandReply { token, reply } => {
                self.machines[index].replies.insert(token, reply);
            }
        }
    }

    fn connect(&mut self, from: End, ip: &str, port: u16) {
        let target =
            self.machines.iter().position(|machine| machine.ip == ip && machine.config.bus_port == port);
        let Some(target) = target else { return self.at(1, Event::Refused { end: from }) };
        let connection = self.connections.len();
        self.connections.push(Connection { from, to: None, target, dead: false, busy_until_ms: [0; 2] });
        self.ends.insert((from.machine, from.link, from.life), connection);
        let delay_ms = self.rng.random_range(1..=self.longest_delay_ms);
        self.at(delay_ms, Event::Connected { connection });
    }

    fn connected(&mut self, at: usize) {
        let (from, target, dead) = {
            let connection = &self.connections[at];
            (connection.from, connection.target, connection.dead)
        };
        if dead || self.cut.contains(&(from.machine, target)) || self.cut.contains(&(target, from.machine)) {
            self.connections[at].dead = true;
            return;
        }
        if self.machines[target].member.is_none() {
            self.connections[at].dead = true;
            let closed = Input::LinkClosed { link: from.link, end: LinkEnd::Refused };
            return self.step(from.machine, from.life, closed);
        }
        let machine = &mut self.machines[target];
        let to = End { machine: target, link: LinkId(machine.next_inbound), life: machine.life };
        machine.next_inbound += 1;
        let local_ip = machine.ip.clone();
        let peer_ip = self.machines[from.machine].ip.clone();
        self.connections[at].to = Some(to);
        self.ends.insert((to.machine, to.link, to.life), at);
        let accepted = Input::InboundAccepted { link: to.link, peer_ip: peer_ip.clone(), local_ip };
        self.step(to.machine, to.life, accepted);
        self.step(from.machine, from.life, Input::LinkOpened { link: from.link, local_ip: peer_ip });
    }

    /// Who is at the other end of a link.
    fn receiver(&self, index: usize, link: LinkId) -> Option<NodeId> {
        let connection =
            self.ends.get(&(index, link, self.machines[index].life)).map(|&at| &self.connections[at])?;
        let from_here = connection.from.machine == index && connection.from.link == link;
        self.id(if from_here { connection.target } else { connection.from.machine })
    }

    fn send(&mut self, index: usize, link: LinkId, bytes: Arc<[u8]>) {
        self.packets += 1;
        let life = self.machines[index].life;
        let Some(&at) = self.ends.get(&(index, link, life)) else { return };
        let connection = &self.connections[at];
        let forward = connection.from.machine == index && connection.from.link == link;
        let to = if forward { connection.to } else { Some(connection.from) };
        let Some(to) = to else { return };
        if self.connections[at].dead {
            return;
        }
        if self.cut.contains(&(index, to.machine)) {
            self.connections[at].dead = true;
            return;
        }
        let delay_ms = self.rng.random_range(1..=self.longest_delay_ms);
        let busy = &mut self.connections[at].busy_until_ms[usize::from(forward)];
        let arrives_ms = (self.now_ms + delay_ms).max(*busy);
        *busy = arrives_ms;
        let in_ms = arrives_ms - self.now_ms;
        self.at(in_ms, Event::Deliver { connection: at, to, bytes });
    }

    fn close(&mut self, end: End) {
        let Some(at) = self.ends.remove(&(end.machine, end.link, end.life)) else { return };
        let connection = &mut self.connections[at];
        if std::mem::replace(&mut connection.dead, true) {
            return;
        }
        let other = if connection.from == end { connection.to } else { Some(connection.from) };
        if let Some(other) = other {
            self.at(1, Event::Closed { to: other });
        }
    }

    /// A packet that nobody sent comes in.
    pub fn inject(&mut self, index: usize, link: LinkId, bytes: Vec<u8>) {
        let life = self.machines[index].life;
        self.step(index, life, Input::Packet { link, bytes });
    }

    /// Breaks a random connection, as a reset would.
    pub fn break_a_connection(&mut self) {
        let alive: Vec<usize> = (0..self.connections.len())
            .filter(|&at| !self.connections[at].dead && self.connections[at].to.is_some())
            .collect();
        if alive.is_empty() {
            return;
        }
        let at = alive[self.rng.random_range(0..alive.len())];
        self.connections[at].dead = true;
        let (from, to) = (self.connections[at].from, self.connections[at].to);
        for end in [Some(from), to].into_iter().flatten() {
            self.at(1, Event::Closed { to: end });
        }
    }

    fn replicate(&mut self) {
        for index in 0..self.machines.len() {
            let Some(member) = self.machines[index].member.as_ref() else { continue };
            let followed = self.machines[index].following.and_then(|id| self.by_id(id));
            if member.is_master() {
                if !self.machines[index].paused
                    && member.map().is_some_and(|map| map.owners.contains(&map.myself.0))
                {
                    self.machines[index].offset += 10;
                    self.machines[index].written = self.machines[index].offset;
                }
            } else if let Some(master) = followed
                && !self.cut.contains(&(master, index))
                && self.machines[master].following.is_none()
            {
                self.machines[index].offset = self.machines[master].offset;
                self.machines[index].last_contact_ms = Some(self.now_ms);
            }
            let machine = &self.machines[index];
            let facts = ReplicationFacts {
                offset: machine.offset,
                master_link_up: machine.last_contact_ms == Some(self.now_ms),
                last_master_contact_ms: machine.last_contact_ms,
            };
            let life = machine.life;
            self.step(index, life, Input::Replication(facts));
        }
        self.at(REPLICATION_PERIOD_MS, Event::Replicate);
    }

    /// CONFIG SET.
    pub fn configure(&mut self, index: usize, change: impl FnOnce(&mut Config)) {
        let machine = &mut self.machines[index];
        change(&mut machine.config);
        let (config, life) = (machine.config.clone(), machine.life);
        self.step(index, life, Input::Configure(config));
    }

    /// Gives a command without waiting for its answer.
    pub fn order(&mut self, index: usize, command: Command) -> u64 {
        let token = self.next_token;
        self.next_token += 1;
        let life = self.machines[index].life;
        self.step(index, life, Input::Command { token, command: Box::new(command) });
        token
    }

    /// Gives a command and waits for its answer.
    pub fn command(&mut self, index: usize, command: Command) -> Reply {
        let token = self.order(index, command.clone());
        let answered = self.run_until_true(5_000, |world| world.machines[index].replies.contains_key(&token));
        assert!(answered, "no answer to {command:?}");
        self.machines[index].replies.remove(&token).expect("answered")
    }

    pub fn publish(&mut self, index: usize, message: &[u8], sharded: bool) {
        let life = self.machines[index].life;
        let (channel, message) = (b"news".to_vec(), message.to_vec());
        self.step(index, life, Input::Publish { channel, message, sharded });
    }

    /// Makes a cluster as redis-cli does: slots, epochs, meetings, replicas. `masters` first, then as many
    /// replicas as machines are left.
    pub fn create(&mut self, masters: usize) {
        let count = self.machines.len();
        for index in 0..count {
            if index < masters {
                let (first, end) = (index * 16384 / masters, (index + 1) * 16384 / masters);
                self.order(index, Command::AddSlots(vec![range(first, end - 1)]));
            }
            self.order(index, Command::SetConfigEpoch(index as u64 + 1));
        }
        let first = self.machines[0].ip.clone();
        for index in 1..count {
            self.order(index, Command::Meet { ip: first.clone(), port: 7000, bus_port: Some(17000) });
        }
        let all_met = |world: &World| {
            world
                .machines
                .iter()
                .all(|machine| machine.map.as_ref().is_some_and(|map| map.nodes.len() == count))
        };
        assert!(self.run_until_true(20_000, all_met), "not all have met");
        for index in masters..count {
            let master = self.id((index - masters) % masters).expect("it is up");
            let node = master.to_string().into_bytes();
            let reply = self.command(index, Command::Replicate { node, keyspace_empty: true });
            assert_eq!(reply, Reply::Ok);
        }
        let fine = self.run_until_true(20_000, |world| world.disagreement().is_none());
        assert!(fine, "no cluster came of it: {:?}", self.disagreement());
    }

    pub fn up(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.machines.len()).filter(|&index| self.machines[index].member.is_some())
    }

    /// Why the nodes that are up do not all see the same healthy cluster, if so.
    pub fn disagreement(&self) -> Option<String> {
        let mut first: Option<(usize, Vec<Option<NodeId>>)> = None;
        for index in self.up() {
            let map = self.machines[index].map.as_ref()?;
            if map.state != ClusterState::Ok {
                return Some(format!("{index} finds {:?}", map.state));
            }
            let view = owners(map);
            if let Some((other, expected)) = &first {
                if *expected != view {
                    return Some(format!("{index} and {other} see different owners"));
                }
            } else {
                first = Some((index, view));
            }
            let me = map.node(map.myself)?;
            for node in &map.nodes {
                let Some(other) = self.by_id(node.id) else { continue };
                let theirs = self.machines[other].map.as_ref()?;
                let own_master = theirs.my_master().and_then(|at| theirs.node(at)).map(|node| node.id);
                let seen_master = node.master.and_then(|at| map.node(at)).map(|node| node.id);
                if own_master != seen_master {
                    return Some(format!("{index} ({:?}) sees {other} under another master", me.id));
                }
            }
        }
        None
    }
}

pub fn owners(map: &ClusterMap) -> Vec<Option<NodeId>> {
    let node = |index: u16| map.nodes.get(usize::from(index)).map(|node| node.id);
    map.owners.iter().map(|&index| node(index)).collect()
}

pub fn range(first: usize, last: usize) -> SlotRange {
    let slot = |number: usize| Slot::new(number as u16).expect("a slot");
    SlotRange::new(slot(first), slot(last)).expect("in order")
}

/// `SEED=n` for one seed, `SEEDS=n` for how many.
pub fn seeds(default_count: u64) -> Vec<u64> {
    let number = |name: &str| read_variable(name).and_then(|text| text.parse::<u64>().ok());
    match number("SEED") {
        Some(seed) => vec![seed],
        None => (1..=number("SEEDS").unwrap_or(default_count)).collect(),
    }
}

#[allow(clippy::disallowed_methods, reason = "a test's seed may come from the environment")]
fn read_variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
