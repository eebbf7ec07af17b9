//! What a member costs that knows N nodes: `cargo bench -p rcl-cluster --bench at_scale` for 100, 300, 1000 and 2000
//! nodes, each in a process of its own, as in life; `… -- N` for one size.
//!
//! Half of the nodes are masters with an even share of the slots, the rest their replicas. What comes in is what peers
//! send: a header with its sender's slots, and the gossip section as a member that knows the same cluster draws it.
//! A packet is copied right before it is handed over, as if it had just been read from a socket.
//!
//! What one packet costs is the lowest of many rounds, each of a packet from every peer: others use this machine, too. A
//! figure is the mean over all packets. The cost of a gossip entry is that of a packet with entries, less that of one
//! without, by their number.

#![allow(clippy::disallowed_methods, reason = "a measuring program reads the clock and starts itself")]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use rcl_cluster::packet::{self, Body, Extension, Flags, Header, Kind, Writer};
use rcl_cluster::{Config, Input, LinkId, Member, Output, Persistent};
use rcl_proto::{NodeId, SLOT_COUNT, Slot, SlotRange, SlotSet};

const START_MS: u64 = 1_700_000_000_000;
const TIMEOUT_MS: u64 = 15_000;
const SIZES: [usize; 4] = [100, 300, 1000, 2000];
const ROUNDS: usize = 20;

/// How long a step takes in all, in nanoseconds.
const COLUMNS: [&str; 9] = [
    "nodes",
    "entry ns",   // a gossip entry that brings nothing new
    "report ns",  // a gossip entry by which a master suspects a node that we suspect, too
    "fail ns",    // a FAIL packet that brings nothing new: the header
    "pong ns",    // a pong without gossip
    "answer us",  // a ping with its gossip taken in, and the pong with gossip made
    "cron us",    // the work ten times a second, when nothing is due
    "change us",  // something of one node changed: a map and a nodes.conf, acknowledged
    "bytes/node", // memory for a node, its two links, and its place in the map
];

fn main() {
    if let Some(size) = std::env::args().find_map(|argument| argument.parse().ok()) {
        return print_row(&measure(size));
    }
    println!("{}", COLUMNS.map(|name| format!("{name:>11}")).concat());
    let program = std::env::current_exe().expect("the path of this program");
    for size in SIZES {
        let ended = std::process::Command::new(&program).arg(size.to_string()).status();
        assert!(ended.expect("this program runs").success());
    }
}

fn print_row(row: &[f64; COLUMNS.len()]) {
    let cells =
        row.map(|value| if value < 100.0 { format!("{value:>11.1}") } else { format!("{value:>11.0}") });
    println!("{}", cells.concat());
}

fn measure(size: usize) -> [f64; COLUMNS.len()] {
    let bytes_per_node = memory_per_node(size);
    let mut cluster = Cluster::new(size);
    let peers: Vec<usize> = (1..size).collect();
    let fail = cluster.receive(&peers, |cluster, peer| cluster.no_news(peer));
    let pong = cluster.receive(&peers, |cluster, peer| cluster.heartbeat(Kind::Pong, peer, &[]));
    let sections = gossip_sections(size);
    let entries = sections.iter().map(Vec::len).sum::<usize>() / packet::GOSSIP_BYTES;
    let heard = cluster.receive(&peers, |cluster, peer| {
        cluster.heartbeat(Kind::Pong, peer, &sections[peer % sections.len()])
    });
    let answer = cluster.receive(&peers, |cluster, peer| {
        cluster.heartbeat(Kind::Ping, peer, &sections[peer % sections.len()])
    });
    let cron = cluster.cron();
    let change = cluster.change();

    // Masters that are silent, and what fewer than a majority of the others say of them.
    let suspects: Vec<usize> = (size / 3..size / 2).collect();
    let reporters: Vec<usize> = (1..=size / 5).collect();
    cluster.pass_time_without(&suspects);
    let section = cluster.suspicions(&suspects);
    let told = cluster.receive(&reporters, |cluster, peer| cluster.heartbeat(Kind::Pong, peer, &section));
    let untold = cluster.receive(&reporters, |cluster, peer| cluster.heartbeat(Kind::Pong, peer, &[]));
    [
        size as f64,
        (heard - pong) / (entries as f64 / sections.len() as f64),
        (told - untold) / suspects.len() as f64,
        fail,
        pong,
        answer / 1_000.0,
        cron / 1_000.0,
        change / 1_000.0,
        bytes_per_node,
    ]
}

/// Node 0 among its peers.
struct Cluster {
    size: usize,
    member: Member,
    now_ms: u64,
    /// By peer: the link to it, and the one from it.
    outbound: Vec<LinkId>,
    inbound: Vec<LinkId>,
}

impl Cluster {
    fn new(size: usize) -> Cluster {
        let member = Member::new(config(), Some(nodes_conf(size, 0)), 1, START_MS);
        let (outbound, inbound) = (vec![LinkId::new(0); size], (0..size as u64).map(LinkId::new).collect());
        let mut cluster = Cluster { size, member, now_ms: START_MS, outbound, inbound };
        // Of strangers it tries a few at a time.
        while cluster.outbound[1..].iter().any(|link| !link.is_outbound()) {
            cluster.now_ms += 100;
            cluster.step(Input::Tick);
        }
        for peer in 1..size {
            let (link, local_ip) = (cluster.outbound[peer], ip(0));
            cluster.step(Input::LinkOpened { link, local_ip: local_ip.clone() });
            cluster.step(Input::Packet { link, bytes: cluster.heartbeat(Kind::Pong, peer, &[]) });
            let link = cluster.inbound[peer];
            cluster.step(Input::InboundAccepted { link, peer_ip: ip(peer), local_ip });
            cluster.step(Input::Packet { link, bytes: cluster.heartbeat(Kind::Ping, peer, &[]) });
        }
        cluster
    }

    fn step(&mut self, input: Input) {
        self.member.step(self.now_ms, input);
        self.perform();
    }

    /// Links are taken note of, maps and states are acknowledged, the rest goes nowhere.
    fn perform(&mut self) {
        while let Some(output) = self.member.poll_output() {
            match output {
                Output::Connect { link, ip: to, .. } => {
                    let peer = (0..self.size).find(|&peer| ip(peer) == to).expect("the address of a peer");
                    self.outbound[peer] = link;
                }
                Output::PublishMap(map) => {
                    self.member.step(self.now_ms, Input::Applied { version: map.version });
                }
                Output::Persist { seq, .. } => self.member.step(self.now_ms, Input::Persisted { seq }),
                _ => {}
            }
        }
    }

    /// What a packet costs, taken in and all outputs dropped, one from each of `peers` a round; in nanoseconds.
    fn receive(&mut self, peers: &[usize], packet: impl Fn(&Cluster, usize) -> Vec<u8>) -> f64 {
        let packets: Vec<(LinkId, Vec<u8>)> = peers
            .iter()
            .map(|&peer| {
                let bytes = packet(self, peer);
                let is_ping = bytes[13] == Kind::Ping as u8;
                (if is_ping { self.inbound[peer] } else { self.outbound[peer] }, bytes)
            })
            .collect();
        let mut lowest = vec![Duration::MAX; packets.len()];
        for _ in 0..ROUNDS {
            for ((link, bytes), lowest) in packets.iter().zip(&mut lowest) {
                let input = Input::Packet { link: *link, bytes: bytes.clone() };
                let started = Instant::now();
                self.step(input);
                *lowest = started.elapsed().min(*lowest);
            }
        }
        lowest.iter().sum::<Duration>().as_nanos() as f64 / packets.len() as f64
    }

    fn cron(&mut self) -> f64 {
        let round = |cluster: &mut Cluster| {
            cluster.now_ms += 100;
            let started = Instant::now();
            cluster.step(Input::Tick);
            started.elapsed().as_nanos() as f64
        };
        (0..2 * ROUNDS).map(|_| round(self)).fold(f64::INFINITY, f64::min)
    }

    fn change(&mut self) -> f64 {
        let round = |cluster: &mut Cluster, number: usize| {
            let mut writer = Writer::new(Kind::Pong, &header(cluster.size, 1));
            writer.extension(&Extension::Hostname(&format!("host-{}", number % 2)));
            let input = Input::Packet { link: cluster.outbound[1], bytes: writer.finish() };
            let started = Instant::now();
            cluster.step(input);
            started.elapsed().as_nanos() as f64
        };
        (0..2 * ROUNDS).map(|number| round(self, number)).fold(f64::INFINITY, f64::min)
    }

    /// Long enough for the silent ones to be suspected; all others answer every second.
    fn pass_time_without(&mut self, silent: &[usize]) {
        for tenth in 0..3 * TIMEOUT_MS / 100 {
            self.now_ms += 100;
            self.step(Input::Tick);
            for peer in (1..self.size).filter(|peer| tenth % 10 == 0 && !silent.contains(peer)) {
                let bytes = self.heartbeat(Kind::Pong, peer, &[]);
                self.step(Input::Packet { link: self.outbound[peer], bytes });
            }
        }
        let map = self.member.map().expect("a map");
        let suspected = map.nodes.iter().filter(|node| node.flags.to_string().contains("fail?"));
        assert_eq!(suspected.count(), silent.len());
    }

    fn heartbeat(&self, kind: Kind, peer: usize, section: &[u8]) -> Vec<u8> {
        let mut writer = Writer::new(kind, &header(self.size, peer));
        packet::gossip_entries(section).for_each(|entry| writer.gossip(&entry));
        writer.extension(&Extension::ShardId(id(self.size + master_of(self.size, peer))));
        writer.finish()
    }

    /// A FAIL about ourselves, which is for the others.
    fn no_news(&self, peer: usize) -> Vec<u8> {
        let mut writer = Writer::new(Kind::Fail, &header(self.size, peer));
        writer.fail(id(0));
        writer.finish()
    }

    /// The gossip section by which somebody suspects these.
    fn suspicions(&self, suspects: &[usize]) -> Vec<u8> {
        let mut writer = Writer::new(Kind::Pong, &header(self.size, 1));
        for &suspect in suspects {
            writer.gossip(&packet::GossipEntry {
                node: id(suspect),
                ping_sent_s: (START_MS / 1000) as u32,
                pong_received_s: (START_MS / 1000) as u32,
                ip: &ip(suspect),
                port: 7000,
                second_port: 0,
                bus_port: 17000,
                flags: Flags::MASTER.or(Flags::PFAIL),
            });
        }
        writer.finish().split_off(packet::HEADER_BYTES)
    }
}

fn header(size: usize, peer: usize) -> Header {
    let master = master_of(size, peer);
    Header {
        sender: id(peer),
        port: 7000,
        second_port: 0,
        bus_port: 17000,
        ip: String::new(),
        flags: if master == peer { Flags::MASTER } else { Flags::REPLICA },
        cluster_ok: true,
        message_flags: 0,
        is_kin: true,
        current_epoch: size as u64,
        config_epoch: master as u64 + 1,
        offset: 1,
        slots: SlotSet::from_iter([slots_of(size, master)]),
        master: (master != peer).then(|| id(master)),
    }
}

/// Gossip sections as a peer draws them: those of the pongs by which it answers.
fn gossip_sections(size: usize) -> Vec<Vec<u8>> {
    let mut peer = Member::new(config(), Some(nodes_conf(size, 1)), 2, START_MS);
    let mut sections = Vec::new();
    for other in (0..size).filter(|&other| other != 1) {
        let link = LinkId::new(other as u64);
        peer.step(START_MS, Input::InboundAccepted { link, peer_ip: ip(other), local_ip: ip(1) });
        // Another kind's ping is answered with the usual number of entries, however short it is.
        let ping = Writer::new(Kind::Ping, &Header { is_kin: false, ..header(size, other) });
        peer.step(START_MS, Input::Packet { link, bytes: ping.finish() });
        while let Some(output) = peer.poll_output() {
            let Output::Send { bytes, .. } = output else { continue };
            if let Body::Heartbeat { gossip, .. } = packet::decode(&bytes).expect("its own packet").body {
                sections.push(gossip.to_vec());
            }
        }
    }
    assert_eq!(sections.len(), size - 1);
    sections
}

fn memory_per_node(size: usize) -> f64 {
    const MEMBERS: usize = 10;
    // What is needed only on the way is there already when it counts.
    let _first = Cluster::new(size);
    let before = resident_bytes();
    let clusters: Vec<Cluster> = (0..MEMBERS).map(|_| Cluster::new(size)).collect();
    let grown = resident_bytes() - before;
    grown as f64 / (clusters.len() * size) as f64
}

fn resident_bytes() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: usize = text.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("pages");
    pages * 4096
}

fn config() -> Config {
    Config { port: 7000, bus_port: 17000, node_timeout_ms: TIMEOUT_MS, ..Config::default() }
}

fn nodes_conf(size: usize, me: usize) -> Persistent {
    let mut text = format!("vars currentEpoch {size} lastVoteEpoch 0\n");
    for node in 0..size {
        let (id, ip, master) = (id(node), ip(node), master_of(size, node));
        let myself = if node == me { "myself," } else { "" };
        let _ = write!(text, "{id} {ip}:7000@17000 {myself}");
        let _ = match master == node {
            true => writeln!(text, "master - 0 1 {} connected {}", node + 1, slots_of(size, node)),
            false => writeln!(text, "slave {} 0 1 {} connected", self::id(master), master + 1),
        };
    }
    Persistent::parse(&text).expect("well-formed").expect("not empty")
}

/// The first half are masters.
fn master_of(size: usize, node: usize) -> usize {
    node % (size / 2)
}

fn slots_of(size: usize, master: usize) -> SlotRange {
    let masters = size / 2;
    let slot = |number: usize| Slot::new(number as u16).expect("a slot");
    let (first, end) = (master * SLOT_COUNT / masters, (master + 1) * SLOT_COUNT / masters);
    SlotRange::new(slot(first), slot(end - 1)).expect("in order")
}

fn ip(node: usize) -> String {
    format!("10.0.{}.{}", node / 250, node % 250 + 1)
}

/// Random, as ids are.
fn id(node: usize) -> NodeId {
    let mut state = node as u64;
    NodeId::from_bits(std::array::from_fn(|_| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)).to_be_bytes()[0]
    }))
}
