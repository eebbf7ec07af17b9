//! A cluster in one process: many Members on a virtual clock, over a network and disks that fail on order.
//!
//! Each room has its file: what is to happen ([`crate::events`]), the connections ([`crate::network`]), a machine with
//! its clock and its disk ([`crate::machine`], [`crate::clock`], [`crate::disk`]), the data plane
//! ([`crate::data`], [`crate::clients`]). Here is the driver: an input to a member, then all its outputs, then the next input.
//!
//! Everything is drawn from one seed, so that a run can be repeated: [`World::hash`] is over every output in order.
//! The checkers ([`crate::checkers`]) look at packets, disks, maps and what clients were told, never into a member.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rcl_cluster::packet::{Kind, MESSAGE_PAUSED};
use rcl_cluster::{
    ClusterMap, ClusterState, Command, Config, Input, LinkId, Member, Output, Persistent, Reply,
};
use rcl_proto::{NodeId, Slot, SlotRange};

use crate::checkers::peek::Peek;
use crate::checkers::{Checkers, agreement, texts};
use crate::clients::Ledger;
use crate::data::HOT_SLOTS;
use crate::events::{Event, Queue};
use crate::hash::{self, OutputHash};
use crate::liar;
use crate::machine::Machine;
use crate::network::Network;
use crate::planted::Plant;
use crate::scale;

pub const START_MS: u64 = 1_700_000_000_000;

pub struct World {
    pub now_ms: u64,
    pub rng: StdRng,
    pub machines: Vec<Machine>,
    pub network: Network,
    pub queue: Queue,
    by_id: HashMap<NodeId, usize>,
    /// Of the past, too.
    pub all_ids: HashMap<NodeId, usize>,
    pub checkers: Checkers,
    /// The longest that a write to a disk takes.
    pub disk_ms: u64,
    /// Something that no member does: for showing that the checkers see it.
    pub plant: Option<Plant>,
    /// Who gossips lies.
    pub liar: Option<usize>,
    /// Whose packets look like Redis's.
    pub disguised: HashSet<usize>,
    pub replication_period_ms: u64,
    /// How often clients write; 0 for never.
    pub client_period_ms: u64,
    /// Where clients believe each hot slot to be.
    pub routes: [usize; HOT_SLOTS],
    pub ledger: Ledger,
    pub packets: u64,
    pub bytes: u64,
    /// Over every output of every member, in order.
    pub hash: OutputHash,
    /// Of thousands of members: outputs are not hashed, disks keep what checkers look at, and the time spent in members is taken.
    pub is_lean: bool,
    pub member_time: Duration,
    /// Delivered packets, with who got them on which link, if they are to be kept.
    pub keep_packets: bool,
    pub kept: Vec<(usize, LinkId, Arc<[u8]>)>,
    /// What was done to it, and when.
    pub tells_story: bool,
    pub story: Vec<(u64, String)>,
    next_token: u64,
}

impl World {
    pub fn new(seed: u64, count: usize, config: &Config) -> World {
        let mut world = World {
            now_ms: START_MS,
            rng: StdRng::seed_from_u64(seed),
            machines: Vec::new(),
            network: Network::new(),
            queue: Queue::default(),
            by_id: HashMap::new(),
            all_ids: HashMap::new(),
            checkers: Checkers::new(config.node_timeout_ms),
            disk_ms: 5,
            plant: None,
            liar: None,
            disguised: HashSet::new(),
            replication_period_ms: 50,
            client_period_ms: 10,
            routes: [0; HOT_SLOTS],
            ledger: Ledger::default(),
            packets: 0,
            bytes: 0,
            hash: OutputHash::default(),
            is_lean: false,
            member_time: Duration::ZERO,
            keep_packets: false,
            kept: Vec::new(),
            tells_story: false,
            story: Vec::new(),
            next_token: 1,
        };
        world.at(0, Event::Replicate);
        world.at(0, Event::Clients);
        (0..count).for_each(|_| world.add_machine(config));
        world
    }

    /// One more machine, started.
    pub fn add_machine(&mut self, config: &Config) {
        let index = self.machines.len();
        let config = Config { port: 7000, bus_port: 17000, ..config.clone() };
        let ip = format!("10.0.{}.{}", index / 250, index % 250 + 1);
        self.network.add_machine(index, &ip, config.bus_port);
        self.machines.push(Machine::new(config, ip, self.now_ms));
        self.start(index);
    }

    pub fn start(&mut self, index: usize) {
        self.note(|world| {
            let machine = &world.machines[index];
            format!("{index} starts at {}:{}", machine.ip, machine.config.port)
        });
        let seed = self.rng.random();
        let now_ms = self.now_ms;
        let machine = &mut self.machines[index];
        machine.life += 1;
        let stored = machine.disk.stored.as_deref();
        let persistent = stored.and_then(|text| Persistent::parse(text).expect("what it wrote"));
        machine.last_contact_ms = None;
        machine.told = None;
        machine.following = None;
        machine.paused = false;
        machine.link_up = false;
        machine.heard_ms = None;
        machine.handover = None;
        machine.serving = None;
        let own_ms = machine.clock.read(now_ms);
        machine.member = Some(Member::new(machine.config.clone(), persistent, seed, own_ms));
        let stored = machine.disk.stored.clone();
        self.network.unplugged.remove(&index);
        self.drain(index);
        if let (Some(text), Some(map)) = (stored, self.machines[index].map.as_deref()) {
            self.checkers.violations.extend(texts::difference(&text, map));
        }
    }

    /// kill -9: what the disk had not finished is lost, peers see their connections end.
    pub fn crash(&mut self, index: usize) {
        self.end(index, false);
    }

    /// The same, and the host is gone, too: peers see nothing.
    pub fn unplug(&mut self, index: usize) {
        self.network.unplugged.insert(index);
        self.end(index, false);
    }

    /// Ends the process; with `flushed` the disk finishes what it was given.
    pub fn end(&mut self, index: usize, flushed: bool) {
        self.note(|_| format!("{index} ends"));
        let machine = &mut self.machines[index];
        if !machine.is_up() {
            return;
        }
        machine.member = None;
        machine.life += 1;
        machine.frozen_until_ms = 0;
        machine.backlog.clear();
        machine.disk.crash(flushed);
        if let Some(id) = machine.id.take() {
            self.by_id.remove(&id);
        }
        self.drop_connections_of(index);
    }

    /// A machine that is down gets another address; its peers must find it there.
    pub fn move_to(&mut self, index: usize, ip: String, port: u16) {
        let config = &mut self.machines[index].config;
        (config.port, config.bus_port) = (port, port + 10_000);
        self.network.move_machine(index, &ip, port + 10_000);
        self.machines[index].ip = ip;
    }

    /// Notes what is being done to the world.
    pub fn note(&mut self, what: impl FnOnce(&World) -> String) {
        if self.tells_story {
            self.story.push((self.now_ms - START_MS, what(self)));
        }
    }

    pub fn id(&self, index: usize) -> Option<NodeId> {
        self.machines[index].id
    }

    pub fn by_id(&self, id: NodeId) -> Option<usize> {
        self.by_id.get(&id).copied()
    }

    pub fn at(&mut self, in_ms: u64, event: Event) {
        self.queue.push(self.now_ms + in_ms, event);
    }

    /// Runs until nothing happens before `until_ms`.
    pub fn run_until(&mut self, until_ms: u64) {
        while let Some((at_ms, event)) = self.queue.pop(until_ms) {
            self.now_ms = self.now_ms.max(at_ms);
            let before = self.checkers.violations.len();
            self.happen(event);
            for violation in self.checkers.violations.iter_mut().skip(before) {
                *violation = format!("{:>7} {violation}", self.now_ms - START_MS);
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
            Event::Input { machine, life, input } => self.step(machine, life, *input),
            Event::Connect { connection, tries } => self.connect_arrives(connection, tries),
            Event::Refused { machine, life, link } => self.refused(machine, life, link),
            Event::Deliver { connection, to, bytes } => self.deliver(connection, to, &bytes),
            Event::Closed { connection, to, end } => self.closed(connection, to, end),
            Event::Resend { connection, from, tries } => self.resend(connection, from, tries),
            Event::Stored { machine, life, seq } => self.stored(machine, life, seq),
            Event::Thaw { machine, life } => self.thaw(machine, life),
            Event::Applied { machine, life, map } => self.applied(machine, life, map),
            Event::Replicate => self.replicate(),
            Event::Replicated(delivery) => self.replicated(*delivery),
            Event::Clients => self.clients_write(),
        }
    }

    /// An input to a member; one that stands still gets it when it goes on.
    pub(crate) fn step(&mut self, index: usize, life: u64, input: Input) {
        let machine = &mut self.machines[index];
        if machine.life != life {
            return;
        }
        if machine.frozen_until_ms > self.now_ms {
            return machine.backlog.push_back(input);
        }
        let Some(member) = machine.member.as_mut() else { return };
        if let Input::Packet { bytes, .. } = &input {
            let peek = Peek(bytes);
            if peek.message_flags() & MESSAGE_PAUSED != 0 && peek.sender() == machine.following {
                machine.handover = peek.sender().map(|sender| (sender, peek.offset()));
            }
            self.checkers.packet_received(self.now_ms, index, bytes);
        }
        let own_ms = machine.clock.read(self.now_ms);
        if self.is_lean {
            self.member_time += scale::time_of(|| member.step(own_ms, input));
        } else {
            member.step(own_ms, input);
        }
        self.drain(index);
    }

    fn applied(&mut self, index: usize, life: u64, map: Arc<ClusterMap>) {
        let machine = &mut self.machines[index];
        if machine.life == life && machine.serving.as_ref().is_none_or(|old| old.version < map.version) {
            let version = map.version;
            machine.serving = Some(Arc::clone(&map));
            // Over a restart, too: it may end between an election won and the first map that says so.
            if let Some(old) = machine.served.replace(Arc::clone(&map)) {
                self.note_succession(index, &old, &map);
            }
            self.step(index, life, Input::Applied { version });
        }
    }

    /// The machine stands still, and its inputs wait.
    pub fn freeze(&mut self, index: usize, for_ms: u64) {
        self.note(|_| format!("{index} stands still for {for_ms} ms"));
        let until_ms = self.now_ms + for_ms;
        let machine = &mut self.machines[index];
        if !machine.is_up() {
            return;
        }
        machine.frozen_until_ms = machine.frozen_until_ms.max(until_ms);
        let life = machine.life;
        self.at(for_ms, Event::Thaw { machine: index, life });
    }

    fn thaw(&mut self, index: usize, life: u64) {
        if self.machines[index].life != life || self.machines[index].frozen_until_ms > self.now_ms {
            return;
        }
        while let Some(input) = self.machines[index].backlog.pop_front() {
            self.step(index, life, input);
        }
    }

    /// Something about the machine's clock changed: its deadline comes at another time.
    pub(crate) fn wake_anew(&mut self, index: usize) {
        let machine = &self.machines[index];
        let Some(deadline) = machine.member.as_ref().and_then(Member::next_deadline) else { return };
        let life = machine.life;
        let own_ms = deadline.saturating_sub(machine.clock.read(self.now_ms));
        let in_ms = machine.clock.true_delay_ms(own_ms).max(1);
        let wake_at = Some((life, self.now_ms + in_ms));
        if machine.wake_at != wake_at {
            self.machines[index].wake_at = wake_at;
            self.at(in_ms, Event::Wake { machine: index, life });
        }
    }

    fn drain(&mut self, index: usize) {
        let mut sent = Vec::new();
        let mut text = None;
        let before = self.machines[index].map.clone();
        while let Some(mut output) = self.machines[index].member.as_mut().and_then(Member::poll_output) {
            if let Some(plant) = self.plant {
                output = plant.change(index, output);
            }
            if !self.is_lean {
                self.hash.add(self.now_ms, index, &output);
            }
            if let Output::Send { link, bytes } = &output {
                sent.push((*link, Arc::clone(bytes)));
            }
            if let Output::Persist { text: newest, .. } = &output
                && !self.checkers.skip_texts
            {
                text = Some(newest.clone());
            }
            self.perform(index, output);
        }
        self.note_id(index);
        let mut checkers = std::mem::take(&mut self.checkers);
        for (link, bytes) in sent {
            let machine = &self.machines[index];
            let maps: Vec<&ClusterMap> = before.iter().chain(&machine.map).map(|map| &**map).collect();
            let disk = machine.disk.stored.as_deref();
            let receiver = || self.receiver(index, link);
            checkers.packet_sent(self.now_ms, index, &bytes, receiver, &maps, disk);
            match Peek(&bytes).kind() {
                Some(Kind::AuthRequest) => checkers.violations.extend(self.judge_candidate(index, &bytes)),
                Some(Kind::Fail) => self.judge_fail(index, &bytes, &mut checkers),
                _ => {}
            }
        }
        self.checkers = checkers;
        if let (Some(text), Some(map)) = (text, self.machines[index].map.as_deref()) {
            self.checkers.violations.extend(texts::difference(&text, map));
        }
        self.wake_anew(index);
    }

    fn judge_fail(&self, index: usize, bytes: &[u8], checkers: &mut Checkers) {
        let about = Peek(bytes).failing().and_then(|id| self.by_id(id));
        if let Some(about) = about {
            checkers.violations.extend(checkers.due.failed(self.now_ms, index, about));
        }
    }

    fn note_id(&mut self, index: usize) {
        let machine = &mut self.machines[index];
        let id = machine.member.as_ref().map(Member::id);
        if machine.id != id {
            if let Some(old) = std::mem::replace(&mut machine.id, id) {
                self.by_id.remove(&old);
            }
            self.by_id.extend(id.map(|id| (id, index)));
            self.all_ids.extend(id.map(|id| (id, index)));
        }
    }

    fn perform(&mut self, index: usize, output: Output) {
        let now_ms = self.now_ms;
        let machine = &mut self.machines[index];
        let life = machine.life;
        match output {
            Output::Connect { link, ip, port } => self.connect(index, link, &ip, port),
            Output::Send { link, bytes } => {
                let lies = self.liar == Some(index);
                let bytes = if lies { liar::lie(&mut self.rng, bytes) } else { bytes };
                let bytes = if self.disguised.contains(&index) { without_kinship(&bytes) } else { bytes };
                self.send(index, link, bytes);
            }
            Output::Close { link } => self.close(index, link),
            Output::Persist { seq, text } => self.persist(index, seq, text),
            Output::PublishMap(map) => {
                machine.owners = hash::of_owners(&map);
                machine.map = Some(Arc::clone(&map));
                let delay_ms = self.rng.random_range(0..=2);
                self.at(delay_ms, Event::Applied { machine: index, life, map });
            }
            Output::ReplicateFrom { node, .. } => {
                if machine.following != Some(node) {
                    // What it knows of another master says nothing about this one.
                    (machine.link_up, machine.last_contact_ms, machine.heard_ms) = (false, None, None);
                }
                machine.following = Some(node);
            }
            Output::StopReplicating => {
                machine.following = None;
                machine.promoted_at = Some(machine.data.offset);
            }
            Output::PauseWrites { until_ms } => {
                machine.paused_until_ms = until_ms;
                machine.paused = self.plant != Some(Plant::NeverPauses);
                let input = Box::new(Input::WritesPaused { offset: machine.data.offset });
                self.at(0, Event::Input { machine: index, life, input });
            }
            Output::ResumeWrites => machine.paused = false,
            Output::DropSlots(slots) => self.drop_keys(index, |slot| slots.contains(slot)),
            Output::FlushData => self.drop_keys(index, |_| true),
            Output::DeliverPublish { message, .. } => machine.published.push(message),
            Output::Log { text, .. } => machine.log(now_ms - START_MS, text),
            Output::CommandReply { token, reply } => {
                machine.replies.insert(token, reply);
            }
        }
    }

    /// A packet that nobody sent comes in.
    pub fn inject(&mut self, index: usize, link: LinkId, bytes: Vec<u8>) {
        let life = self.machines[index].life;
        self.step(index, life, Input::Packet { link, bytes });
    }

    /// CONFIG SET.
    pub fn configure(&mut self, index: usize, change: impl FnOnce(&mut Config)) {
        let machine = &mut self.machines[index];
        change(&mut machine.config);
        let (config, life) = (machine.config.clone(), machine.life);
        self.step(index, life, Input::Configure(config));
    }

    /// It reads its data from the disk, or has read them.
    pub fn load(&mut self, index: usize, is_loading: bool) {
        let life = self.machines[index].life;
        self.step(index, life, Input::Loading(is_loading));
    }

    /// Gives a command without waiting for its answer.
    pub fn order(&mut self, index: usize, command: Command) -> u64 {
        let token = self.next_token;
        self.next_token += 1;
        self.note(|_| format!("{index} is told {command:?}"));
        if let Command::Failover(_) = command {
            self.machines[index].handover = None;
        }
        let life = self.machines[index].life;
        self.step(index, life, Input::Command { token, command: Box::new(command) });
        token
    }

    /// Gives a command and waits for its answer.
    pub fn command(&mut self, index: usize, command: Command) -> Reply {
        let token = self.order(index, command);
        self.answer(index, token)
    }

    /// Waits for a command's answer.
    pub fn answer(&mut self, index: usize, token: u64) -> Reply {
        let answered = self.run_until_true(5_000, |world| world.machines[index].replies.contains_key(&token));
        assert!(answered, "{index} does not answer");
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
        for index in 1..count {
            self.order(index, self.meet(0));
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

    /// The command to meet that machine.
    pub fn meet(&self, index: usize) -> Command {
        let machine = &self.machines[index];
        let (port, bus_port) = (machine.config.port, Some(machine.config.bus_port));
        Command::Meet { ip: machine.ip.clone(), port, bus_port }
    }

    pub fn up(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.machines.len()).filter(|&index| self.machines[index].is_up())
    }

    /// Why the nodes that are up do not agree in all that CLUSTER NODES shows, or are not a whole cluster, if so.
    pub fn full_disagreement(&mut self) -> Option<String> {
        if let Some(why) = self.disagreement() {
            return Some(why);
        }
        let mut texts = BTreeMap::new();
        for index in self.up().collect::<Vec<_>>() {
            let token = self.order(index, Command::Nodes);
            match (self.id(index), self.machines[index].replies.remove(&token)) {
                (Some(id), Some(Reply::Text(text))) => texts.insert(id, text),
                _ => return Some(format!("{index} does not answer")),
            };
        }
        agreement::disagreement(&texts, |replica, master| {
            self.by_id(replica).is_some_and(|at| self.checkers.may_migrate(at, master))
        })
    }

    /// Why the nodes that are up do not all see the same healthy cluster, if so.
    pub fn disagreement(&self) -> Option<String> {
        let mut first: Option<(usize, u64)> = None;
        for index in self.up() {
            let map = self.machines[index].map.as_ref()?;
            if map.state != ClusterState::Ok {
                return Some(format!("{index} finds {:?}", map.state));
            }
            let view = self.machines[index].owners;
            let (other, expected) = *first.get_or_insert((index, view));
            if expected != view {
                return Some(format!("{index} and {other} see different owners"));
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

/// As Redis would send it.
fn without_kinship(bytes: &[u8]) -> Arc<[u8]> {
    let mut bytes = bytes.to_vec();
    bytes[2254..2256].fill(0);
    bytes.into()
}

pub fn owners(map: &ClusterMap) -> Vec<Option<NodeId>> {
    let node = |index: u16| map.nodes.get(usize::from(index)).map(|node| node.id);
    map.owners.iter().map(|&index| node(index)).collect()
}

pub fn range(first: usize, last: usize) -> SlotRange {
    let slot = |number: usize| Slot::new(number as u16).expect("a slot");
    SlotRange::new(slot(first), slot(last)).expect("in order")
}
