//! A member of a cluster of three, and any inputs: time, links that come and go, whole packets of its peers and of
//! strangers with any bytes changed, commands. It never panics, and what it wants on the disk can be read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rcl_cluster::packet::{GossipEntry, Header, Kind, Writer};
use rcl_cluster::{
    Command, Config, FailoverMode, Input, LinkEnd, LinkId, Member, Output, Persistent, ReplicationFacts,
};
use rcl_proto::{NodeId, Slot, SlotRange, SlotSet};

const START_MS: u64 = 1_700_000_000_000;
const PEERS: [[u8; 20]; 3] = [[1; 20], [2; 20], [3; 20]];
const NODES_CONF: &str = "\
0101010101010101010101010101010101010101 127.0.0.1:7001@17001 myself,master - 0 0 1 connected 0-5460
0202020202020202020202020202020202020202 127.0.0.1:7002@17002 master - 0 0 2 connected 5461-10922
0303030303030303030303030303030303030303 127.0.0.1:7003@17003 slave 0101010101010101010101010101010101010101 0 0 1 connected
vars currentEpoch 2 lastVoteEpoch 0
";

/// Takes what is to be done from the fuzzer's bytes, front to back.
struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn number(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes([self.byte()?, self.byte()?]))
    }

    fn chunk(&mut self, length: usize) -> &'a [u8] {
        let (chunk, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        chunk
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut script = Script(bytes);
    let persistent = Persistent::parse(NODES_CONF).expect("it is well-formed");
    let mut member =
        Member::new(Config { node_timeout_ms: 1_000, ..Config::default() }, persistent, 7, START_MS);
    let mut now_ms = START_MS;
    let mut links: Vec<LinkId> = Vec::new();
    let mut next_inbound = 1;
    drain(&mut member, &mut links);
    for _ in 0..64 {
        let Some(input) = next_input(&mut script, &mut links, &mut next_inbound, &mut now_ms) else { return };
        member.step(now_ms, input);
        drain(&mut member, &mut links);
    }
});

fn next_input(
    script: &mut Script<'_>,
    links: &mut Vec<LinkId>,
    next_inbound: &mut u64,
    now_ms: &mut u64,
) -> Option<Input> {
    let link = |script: &mut Script<'_>, links: &[LinkId]| {
        let at = usize::from(script.byte()?);
        Some(links.get(at % links.len().max(1)).copied().unwrap_or(LinkId::new(0)))
    };
    Some(match script.byte()? % 12 {
        0 => {
            *now_ms += u64::from(script.number()?);
            Input::Tick
        }
        1 => {
            let link = LinkId::new(*next_inbound);
            *next_inbound += 1;
            links.push(link);
            let (peer_ip, local_ip) = ("127.0.0.1".to_owned(), "127.0.0.1".to_owned());
            Input::InboundAccepted { link, peer_ip, local_ip }
        }
        2 => Input::LinkOpened { link: link(script, links)?, local_ip: "127.0.0.1".to_owned() },
        3 => {
            let end = [LinkEnd::Refused, LinkEnd::Lost, LinkEnd::Failed][usize::from(script.byte()? % 3)];
            Input::LinkClosed { link: link(script, links)?, end }
        }
        4 => {
            let length = usize::from(script.number()?);
            Input::Packet { link: link(script, links)?, bytes: script.chunk(length).to_vec().into() }
        }
        5 => {
            let offset = u64::from(script.number()?);
            let last_master_contact_ms = Some(*now_ms);
            Input::Replication(ReplicationFacts {
                offset,
                master_link_up: offset % 2 == 0,
                last_master_contact_ms,
            })
        }
        6 => Input::Command { token: 1, command: Box::new(command(script)?) },
        7 => Input::WritesPaused { offset: u64::from(script.number()?) },
        _ => {
            let link = link(script, links)?;
            Input::Packet { link, bytes: changed_packet(script)?.into() }
        }
    })
}

fn command(script: &mut Script<'_>) -> Option<Command> {
    let node = PEERS[usize::from(script.byte()? % 3)];
    let node = NodeId::from_bits(node).to_string().into_bytes();
    let slot = Slot::new(script.number()? % 16384)?;
    Some(match script.byte()? % 8 {
        0 => Command::Nodes,
        1 => Command::Meet { ip: "127.0.0.1".to_owned(), port: script.number()?, bus_port: None },
        2 => Command::Forget { node },
        3 => Command::AddSlots(vec![SlotRange::new(slot, slot)?]),
        4 => Command::Replicate { node, keyspace_empty: true },
        5 => Command::Failover(FailoverMode::Takeover),
        6 => Command::Reset { hard: script.byte()? % 2 == 0, keyspace_empty: true },
        _ => Command::BumpEpoch,
    })
}

/// What a peer, or a stranger, might send, with some of its bytes changed.
fn changed_packet(script: &mut Script<'_>) -> Option<Vec<u8>> {
    const KINDS: [Kind; 8] = [
        Kind::Ping,
        Kind::Pong,
        Kind::Meet,
        Kind::Fail,
        Kind::AuthRequest,
        Kind::AuthAck,
        Kind::Update,
        Kind::ManualFailoverStart,
    ];
    let kind = KINDS[usize::from(script.byte()?) % KINDS.len()];
    let who = script.byte()?;
    let sender = PEERS.get(usize::from(who)).copied().unwrap_or([who; 20]);
    let about = NodeId::from_bits(PEERS[usize::from(script.byte()? % 3)]);
    let slots: SlotSet = (0..script.number()? % 512).filter_map(|number| Slot::new(number * 32)).collect();
    let header = Header {
        sender: NodeId::from_bits(sender),
        port: 7002,
        second_port: 0,
        bus_port: 17002,
        ip: String::new(),
        cluster_ok: true,
        message_flags: script.byte()? % 3,
        is_kin: script.byte()? % 2 == 0,
        offset: 0,
        flags: rcl_cluster::packet::Flags(script.number()?),
        current_epoch: u64::from(script.byte()?),
        config_epoch: u64::from(script.byte()?),
        slots: slots.clone(),
        master: (script.byte()? % 2 == 0).then_some(about),
    };
    let mut writer = Writer::new(kind, &header);
    match kind {
        Kind::Ping | Kind::Pong | Kind::Meet => {
            for _ in 0..script.byte()? % 4 {
                let node =
                    NodeId::from_bits(PEERS.get(usize::from(script.byte()?)).copied().unwrap_or([who; 20]));
                let flags = rcl_cluster::packet::Flags(script.number()?);
                let (ping_sent_s, pong_received_s) = (0, u32::from(script.number()?));
                let (ip, port, second_port, bus_port) = ("127.0.0.2", 7009, 0, 17009);
                writer.gossip(&GossipEntry {
                    node,
                    ping_sent_s,
                    pong_received_s,
                    ip,
                    port,
                    second_port,
                    bus_port,
                    flags,
                });
            }
        }
        Kind::Fail => writer.fail(about),
        Kind::Update => writer.update(u64::from(script.byte()?), about, &slots),
        _ => {}
    }
    let mut bytes = writer.finish();
    for _ in 0..script.byte()? % 4 {
        let at = usize::from(script.number()?) % bytes.len();
        bytes[at] = script.byte()?;
    }
    Some(bytes)
}

/// What is persisted can be read; links that are opened are known.
fn drain(member: &mut Member, links: &mut Vec<LinkId>) {
    while let Some(output) = member.poll_output() {
        match output {
            Output::Connect { link, .. } => links.push(link),
            Output::Close { link } => links.retain(|known| *known != link),
            Output::Persist { text, .. } => {
                Persistent::parse(&text).expect("what we write can be read");
            }
            _ => {}
        }
    }
}
