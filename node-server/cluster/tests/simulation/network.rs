//! The network: connections with TCP's semantics, between machines with addresses.
//!
//! - Bytes of one direction come in order. They may be late, they may be held back by a lost packet, but none is
//!   missing in between: when a connection is gone, the rest is. The two connections of a pair know nothing of each
//!   other, so that what goes over one may overtake what goes over the other.
//! - Between machines that are cut off from each other, what is sent waits and is sent again, ever less often, as TCP
//!   does; or, as behind a firewall that has forgotten the connection, it is lost and nobody is told. When only one
//!   direction is cut, the other goes on for a few packets: then it waits for acknowledgements that don't come.
//! - A firewall that resets ends all connections of a pair at once, both sides told, and refuses new ones. One that
//!   rejects does so by a reset for who sends, and the other side hears nothing.
//! - A process that is gone refuses connections by its host; a host that is gone, or one whose queue is full, says
//!   nothing, and is asked again after 1, 2 and 4 seconds.
//!
//! A connection costs its 80 bytes here and one entry of a map, and its place is used again.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use rand::RngExt;
use rand::rngs::StdRng;
use rcl_cluster::{Input, LinkEnd, LinkId};
use rcl_proto::NodeId;

use crate::events::Event;
use crate::planted::Plant;
use crate::world::World;

/// How many packets go one way while the acknowledgements are cut off.
const UNACKNOWLEDGED: u8 = 6;
/// TCP's first and last patience before it sends again.
const RESEND_MS: u64 = 200;
const MOST_RESENDS: u8 = 6;
const MOST_CONNECTS: u8 = 3;
const PLACE_BITS: u32 = 24;

/// How long a packet takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delay {
    Constant(u64),
    /// From one millisecond to so many.
    Uniform(u64),
    /// Half of them take one millisecond, a quarter two, an eighth four, and so on, up to this.
    HeavyTail(u64),
}

impl Delay {
    pub fn draw(self, rng: &mut StdRng) -> u64 {
        match self {
            Delay::Constant(ms) => ms,
            Delay::Uniform(most_ms) => rng.random_range(1..=most_ms),
            Delay::HeavyTail(most_ms) => (1 << rng.random::<u32>().trailing_zeros().min(20)).min(most_ms),
        }
    }
}

/// One of a connection's two ends: 0 is who opened it.
pub type Side = usize;

/// A connection's place, and which of those that had this place it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle {
    place: u32,
    generation: u32,
}

#[derive(Clone, Copy, Debug)]
struct End {
    machine: u32,
    /// It knows of the link still.
    present: bool,
    /// Nothing gets out of here any more.
    black_hole: bool,
    unacknowledged: u8,
    link: LinkId,
    /// When the last packet that was sent from here arrives: the next one comes after it.
    busy_until_ms: u64,
}

type Held = VecDeque<Arc<[u8]>>;

struct Connection {
    generation: u32,
    skew_ms: u16,
    ends: [End; 2],
    held: Option<Box<[Held; 2]>>,
}

/// Which connection each outbound link of a machine is: the links' numbers count up, and 8 bytes are enough for one.
#[derive(Default)]
pub struct Outbound(Vec<(u32, u32)>);

impl Outbound {
    /// `None` for one that a peer opened.
    fn number(link: LinkId) -> Option<u32> {
        link.number().checked_sub(LinkId::FIRST_OUTBOUND).map(|number| number as u32)
    }

    fn find(&self, link: LinkId) -> Option<usize> {
        let number = Outbound::number(link)?;
        self.0.binary_search_by_key(&number, |(number, _)| *number).ok()
    }

    fn get(&self, link: LinkId) -> Option<u32> {
        self.find(link).map(|at| self.0[at].1)
    }

    fn insert(&mut self, link: LinkId, place: u32) {
        let number = Outbound::number(link).expect("members connect by outbound links");
        self.0.push((number, place));
    }

    fn remove(&mut self, link: LinkId) {
        if let Some(at) = self.find(link) {
            self.0.remove(at);
        }
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

pub struct Network {
    pub delay: Delay,
    /// (from, to): bytes get lost.
    pub cut: HashSet<(usize, usize)>,
    /// (from, to), both ways: connections are reset, new ones refused.
    pub reset: HashSet<(usize, usize)>,
    /// (from, to): whatever is sent is rejected.
    pub reject: HashSet<(usize, usize)>,
    /// So many of a thousand packets are lost at first.
    pub loss: u32,
    /// So many of a thousand packets come twice.
    pub duplicates: u32,
    /// New connections are slower than others by up to so much.
    pub skew_ms: u16,
    /// Machines whose host is gone, too; whose listener refuses; whose queue is full.
    pub unplugged: HashSet<usize>,
    pub refusing: HashSet<usize>,
    pub full: HashSet<usize>,
    connections: Vec<Connection>,
    free: Vec<u32>,
    addresses: HashMap<String, Vec<(u16, usize)>>,
}

impl Network {
    pub fn new() -> Network {
        Network {
            delay: Delay::Uniform(10),
            cut: HashSet::new(),
            reset: HashSet::new(),
            reject: HashSet::new(),
            loss: 0,
            duplicates: 0,
            skew_ms: 0,
            unplugged: HashSet::new(),
            refusing: HashSet::new(),
            full: HashSet::new(),
            connections: Vec::new(),
            free: Vec::new(),
            addresses: HashMap::new(),
        }
    }

    /// From now on the machine is at this address, and at no other.
    pub fn move_machine(&mut self, machine: usize, ip: &str, bus_port: u16) {
        for ports in self.addresses.values_mut() {
            ports.retain(|(_, at)| *at != machine);
        }
        let ports = self.addresses.entry(ip.to_owned()).or_default();
        ports.retain(|(port, _)| *port != bus_port);
        ports.push((bus_port, machine));
    }

    /// A machine joins; it had no address before.
    pub fn add_machine(&mut self, machine: usize, ip: &str, bus_port: u16) {
        self.addresses.entry(ip.to_owned()).or_default().push((bus_port, machine));
    }

    fn at_address(&self, ip: &str, bus_port: u16) -> Option<usize> {
        let ports = self.addresses.get(ip)?;
        ports.iter().find(|(port, _)| *port == bus_port).map(|(_, machine)| *machine)
    }

    pub fn cut_both(&mut self, a: usize, b: usize) {
        self.cut.insert((a, b));
        self.cut.insert((b, a));
    }

    pub fn is_cut(&self, a: usize, b: usize) -> bool {
        !self.cut.is_empty() && (self.cut.contains(&(a, b)) || self.cut.contains(&(b, a)))
    }

    /// Nothing gets from one to the other and back.
    pub fn is_apart(&self, a: usize, b: usize) -> bool {
        self.is_cut(a, b) || self.is_reset(a, b)
    }

    /// Something is wrong with all ways.
    pub fn is_rough(&self) -> bool {
        self.loss > 0 || self.skew_ms > 0 || self.delay != Delay::Uniform(10)
    }

    /// Something is wrong with the ways to this machine.
    pub fn is_troubled(&self, machine: usize) -> bool {
        let pairs = self.cut.iter().chain(&self.reset);
        let mut lists = [&self.unplugged, &self.refusing, &self.full].into_iter();
        lists.any(|list| list.contains(&machine)) || pairs.copied().any(|(a, b)| a == machine || b == machine)
    }

    pub fn is_reset(&self, a: usize, b: usize) -> bool {
        !self.reset.is_empty() && self.reset.contains(&(a, b))
    }

    fn is_rejected(&self, from: usize, to: usize) -> bool {
        !self.reject.is_empty() && self.reject.contains(&(from, to))
    }

    fn get(&mut self, handle: Handle) -> Option<&mut Connection> {
        let connection = self.connections.get_mut(handle.place as usize)?;
        (connection.generation == handle.generation).then_some(connection)
    }

    fn handle(&self, place: u32) -> Handle {
        Handle { place, generation: self.connections[place as usize].generation }
    }

    fn add(&mut self, from: usize, link: LinkId, target: usize, skew_ms: u16) -> Handle {
        let end = |machine: usize, present: bool, link: LinkId| End {
            machine: machine as u32,
            present,
            black_hole: false,
            unacknowledged: 0,
            link,
            busy_until_ms: 0,
        };
        let ends = [end(from, true, link), end(target, false, LinkId::new(0))];
        if let Some(place) = self.free.pop() {
            let connection = &mut self.connections[place as usize];
            let generation = connection.generation;
            *connection = Connection { generation, skew_ms, ends, held: None };
            return self.handle(place);
        }
        assert!(self.connections.len() < 1 << PLACE_BITS, "more connections than inbound links can name");
        self.connections.push(Connection { generation: 0, skew_ms, ends, held: None });
        self.handle((self.connections.len() - 1) as u32)
    }

    /// Nobody knows of it any more, and nothing of it arrives.
    fn free(&mut self, place: u32) {
        let connection = &mut self.connections[place as usize];
        connection.generation += 1;
        connection.held = None;
        connection.ends.iter_mut().for_each(|end| end.present = false);
        self.free.push(place);
    }

    fn with_machine(&self, machine: usize) -> Vec<u32> {
        let touches =
            |connection: &Connection| connection.ends.iter().any(|end| end.machine as usize == machine);
        self.alive().filter(|&place| touches(&self.connections[place as usize])).collect()
    }

    fn alive(&self) -> impl Iterator<Item = u32> {
        let alive = |place: &u32| self.connections[*place as usize].ends.iter().any(|end| end.present);
        (0..self.connections.len() as u32).filter(alive)
    }
}

impl World {
    /// Which connection a machine's link is, and which end of it the machine is.
    fn connection_of(&self, index: usize, link: LinkId) -> Option<(u32, Side)> {
        let side = usize::from(!link.is_outbound());
        let place = match side {
            0 => self.machines[index].outbound.get(link)?,
            _ => (link.number() & ((1 << PLACE_BITS) - 1)) as u32,
        };
        let end = self.network.connections.get(place as usize)?.ends[side];
        (end.present && end.link == link && end.machine as usize == index).then_some((place, side))
    }

    /// Who is at the other end of a link.
    pub(crate) fn receiver(&self, index: usize, link: LinkId) -> Option<NodeId> {
        let (place, side) = self.connection_of(index, link)?;
        self.id(self.network.connections[place as usize].ends[1 - side].machine as usize)
    }

    pub(crate) fn connect(&mut self, index: usize, link: LinkId, ip: &str, port: u16) {
        let life = self.machines[index].life;
        let Some(target) = self.network.at_address(ip, port) else {
            // Either nobody has the address, or its host is there and nobody listens at the port.
            if self.network.addresses.get(ip).is_some_and(|ports| !ports.is_empty()) {
                self.at(1, Event::Refused { machine: index, life, link });
            }
            return;
        };
        let skew_ms = match self.network.skew_ms {
            0 => 0,
            most_ms => self.rng.random_range(0..=most_ms),
        };
        let connection = self.network.add(index, link, target, skew_ms);
        self.machines[index].outbound.insert(link, connection.place);
        let delay_ms = self.network.delay.draw(&mut self.rng);
        self.at(delay_ms, Event::Connect { connection, tries: 0 });
    }

    pub(crate) fn connect_arrives(&mut self, handle: Handle, tries: u8) {
        let Some(connection) = self.network.get(handle) else { return };
        let [from, to] = connection.ends;
        let (index, target) = (from.machine as usize, to.machine as usize);
        let rejected = self.network.is_rejected(index, target);
        let silent = self.network.is_cut(index, target) && !rejected
            || self.network.unplugged.contains(&target)
            || self.network.full.contains(&target);
        if silent {
            if tries < MOST_CONNECTS {
                self.at(1_000 << tries, Event::Connect { connection: handle, tries: tries + 1 });
            }
            return;
        }
        let refused =
            rejected || self.network.is_reset(index, target) || self.network.refusing.contains(&target);
        if refused || !self.machines[target].is_up() {
            self.machines[index].outbound.remove(from.link);
            self.network.free(handle.place);
            let life = self.machines[index].life;
            return self.refused(index, life, from.link);
        }
        let machine = &mut self.machines[target];
        machine.inbound_count += 1;
        let link = LinkId::new(machine.inbound_count << PLACE_BITS | u64::from(handle.place));
        let end = &mut self.network.connections[handle.place as usize].ends[1];
        (end.present, end.link) = (true, link);
        let local_ip = machine.ip.clone();
        let life = machine.life;
        let peer_ip = self.machines[index].ip.clone();
        let accepted = Input::InboundAccepted { link, peer_ip: peer_ip.clone(), local_ip };
        self.step(target, life, accepted);
        let life = self.machines[index].life;
        self.step(index, life, Input::LinkOpened { link: from.link, local_ip: peer_ip });
    }

    pub(crate) fn refused(&mut self, index: usize, life: u64, link: LinkId) {
        self.step(index, life, Input::LinkClosed { link, end: LinkEnd::Refused });
    }

    pub(crate) fn send(&mut self, index: usize, link: LinkId, bytes: Arc<[u8]>) {
        self.packets += 1;
        self.bytes += bytes.len() as u64;
        let Some((place, side)) = self.connection_of(index, link) else { return };
        let connection = &mut self.network.connections[place as usize];
        if !connection.ends[1 - side].present || connection.ends[side].black_hole {
            return;
        }
        if let Some(held) = connection.held.as_mut().filter(|held| !held[side].is_empty()) {
            return held[side].push_back(bytes);
        }
        let other = connection.ends[1 - side].machine as usize;
        if self.network.is_rejected(index, other) {
            return self.reject(place, side);
        }
        if !self.network.is_cut(index, other) {
            self.network.connections[place as usize].ends[side].unacknowledged = 0;
        } else if !self.goes_unacknowledged(place, side) {
            return self.hold(place, side, bytes);
        }
        self.dispatch(place, side, bytes);
    }

    /// The sender is told that the connection is gone; the other side waits for what will never come.
    fn reject(&mut self, place: u32, side: Side) {
        let connection = &mut self.network.connections[place as usize];
        connection.ends.iter_mut().for_each(|end| end.black_hole = true);
        let connection = self.network.handle(place);
        self.at(1, Event::Closed { connection, to: side, end: LinkEnd::Reset });
    }

    /// Only the way back is cut, and the window has room.
    fn goes_unacknowledged(&mut self, place: u32, side: Side) -> bool {
        let ends = &mut self.network.connections[place as usize].ends;
        let (from, to) = (ends[side].machine as usize, ends[1 - side].machine as usize);
        if self.network.cut.contains(&(from, to)) {
            return false;
        }
        ends[side].unacknowledged += 1;
        ends[side].unacknowledged <= UNACKNOWLEDGED
    }

    /// It waits to be sent again; or, on one connection in two, it is lost, and all that follows.
    fn hold(&mut self, place: u32, side: Side, bytes: Arc<[u8]>) {
        let forgotten = self.rng.random();
        let connection = &mut self.network.connections[place as usize];
        if forgotten {
            connection.ends.iter_mut().for_each(|end| end.black_hole = true);
            return;
        }
        connection.held.get_or_insert_default()[side].push_back(bytes);
        let connection = self.network.handle(place);
        self.at(RESEND_MS, Event::Resend { connection, from: side, tries: 0 });
    }

    pub(crate) fn resend(&mut self, handle: Handle, side: Side, tries: u8) {
        let Some(connection) = self.network.get(handle) else { return };
        let (from, to) = (connection.ends[side].machine as usize, connection.ends[1 - side].machine as usize);
        if self.network.is_cut(from, to) {
            if tries < MOST_RESENDS {
                let event = Event::Resend { connection: handle, from: side, tries: tries + 1 };
                self.at(RESEND_MS << (tries + 1), event);
            }
            return;
        }
        let Some(connection) = self.network.get(handle) else { return };
        connection.ends[side].unacknowledged = 0;
        let held = connection.held.as_mut().map(|held| std::mem::take(&mut held[side]));
        for bytes in held.into_iter().flatten() {
            self.dispatch(handle.place, side, bytes);
        }
    }

    fn dispatch(&mut self, place: u32, side: Side, bytes: Arc<[u8]>) {
        let mut delay_ms = self.network.delay.draw(&mut self.rng);
        if self.network.loss > 0 {
            let mut wait_ms = RESEND_MS;
            while wait_ms < RESEND_MS << MOST_RESENDS && self.rng.random_range(0..1_000) < self.network.loss {
                delay_ms += wait_ms;
                wait_ms *= 2;
            }
        }
        let twice = self.network.duplicates > 0 && self.rng.random_range(0..1_000) < self.network.duplicates;
        let connection = &mut self.network.connections[place as usize];
        let end = &mut connection.ends[side];
        let arrives_ms = (self.now_ms + delay_ms + u64::from(connection.skew_ms)).max(end.busy_until_ms);
        end.busy_until_ms = arrives_ms;
        let connection = self.network.handle(place);
        if twice {
            let again_ms = arrives_ms + self.rng.random_range(1..=1_000);
            let bytes = Arc::clone(&bytes);
            self.queue.push(again_ms, Event::Deliver { connection, to: 1 - side, bytes });
        }
        self.queue.push(arrives_ms, Event::Deliver { connection, to: 1 - side, bytes });
    }

    pub(crate) fn deliver(&mut self, handle: Handle, to: Side, bytes: &Arc<[u8]>) {
        let Some(connection) = self.network.get(handle) else { return };
        let end = connection.ends[to];
        if !end.present {
            return;
        }
        let index = end.machine as usize;
        if index == 0 && self.plant == Some(Plant::Deaf) {
            return;
        }
        if self.keep_packets {
            self.kept.push((index, end.link, Arc::clone(bytes)));
        }
        let life = self.machines[index].life;
        self.step(index, life, Input::Packet { link: end.link, bytes: bytes.to_vec() });
    }

    /// A machine closes its link: what it sent still arrives, or, with a reset, does not.
    pub(crate) fn close(&mut self, index: usize, link: LinkId) {
        if let Some((place, side)) = self.connection_of(index, link) {
            self.leave(place, side, true);
        }
        self.machines[index].outbound.remove(link);
    }

    fn leave(&mut self, place: u32, side: Side, may_reset: bool) {
        let connection = &mut self.network.connections[place as usize];
        connection.ends[side].present = false;
        let [from, to] = [connection.ends[side], connection.ends[1 - side]];
        if !to.present {
            return self.network.free(place);
        }
        let cut = self.network.is_cut(from.machine as usize, to.machine as usize);
        if cut || from.black_hole || self.network.unplugged.contains(&(from.machine as usize)) {
            self.network.connections[place as usize].ends[1 - side].black_hole = true;
            return;
        }
        let reset = self.rng.random::<bool>() && may_reset;
        let told_ms = if reset { self.now_ms + 1 } else { (self.now_ms + 1).max(from.busy_until_ms) };
        if reset {
            // What is under way is of an earlier generation from here on.
            let connection = &mut self.network.connections[place as usize];
            connection.generation += 1;
            connection.held = None;
        }
        let connection = self.network.handle(place);
        let end = if reset { LinkEnd::Reset } else { LinkEnd::Lost };
        self.queue.push(told_ms, Event::Closed { connection, to: 1 - side, end });
    }

    pub(crate) fn closed(&mut self, handle: Handle, to: Side, how: LinkEnd) {
        let Some(connection) = self.network.get(handle) else { return };
        let end = connection.ends[to];
        if !end.present {
            return;
        }
        connection.ends[to].present = false;
        if !connection.ends[1 - to].present {
            self.network.free(handle.place);
        }
        let index = end.machine as usize;
        self.machines[index].outbound.remove(end.link);
        let life = self.machines[index].life;
        self.step(index, life, Input::LinkClosed { link: end.link, end: how });
    }

    /// A machine's process is gone, and with it all its connections. What it had not read makes a reset of the end; that
    /// may be so where peers ask, and hardly where they answer.
    pub(crate) fn drop_connections_of(&mut self, index: usize) {
        for place in self.network.with_machine(index) {
            for side in 0..2 {
                let end = self.network.connections[place as usize].ends[side];
                if end.present && end.machine as usize == index {
                    self.leave(place, side, side == 1);
                }
            }
        }
        self.machines[index].outbound.clear();
    }

    /// Ends the connections of a pair, in the middle, both sides told.
    pub fn reset_connections(&mut self, a: usize, b: usize) {
        for place in self.network.with_machine(a) {
            let ends = self.network.connections[place as usize].ends;
            if ends.iter().any(|end| end.machine as usize == b) {
                self.reset_connection(place);
            }
        }
    }

    fn reset_connection(&mut self, place: u32) {
        let connection = &mut self.network.connections[place as usize];
        // One that is still being opened is refused when its first packet arrives.
        if !connection.ends[1].present {
            return;
        }
        connection.generation += 1;
        connection.held = None;
        let connection = self.network.handle(place);
        for side in 0..2 {
            self.at(1, Event::Closed { connection, to: side, end: LinkEnd::Reset });
        }
    }

    /// Breaks a random connection, as a reset would.
    pub fn break_a_connection(&mut self) {
        let open = |place: &u32| self.network.connections[*place as usize].ends.iter().all(|end| end.present);
        let open: Vec<u32> = self.network.alive().filter(open).collect();
        if !open.is_empty() {
            let place = open[self.rng.random_range(0..open.len())];
            self.reset_connection(place);
        }
    }
}
