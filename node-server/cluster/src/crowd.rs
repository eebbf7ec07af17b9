//! One member among many nodes that are only names: for tests of what many nodes make of a mechanism.

use crate::{Config, Input, LinkId, Member, Output, Persistent};
use rcl_proto::NodeId;

pub(crate) const NOW_MS: u64 = 1_000_000;

pub(crate) fn id(number: u16) -> NodeId {
    let mut bits = [0; 20];
    bits[..2].copy_from_slice(&number.to_le_bytes());
    NodeId::from_bits(bits)
}

/// One that knows so many masters, itself included, each with the slot of its number.
pub(crate) fn member(nodes: u16) -> Member {
    let line = |number: u16| {
        let flags = if number == 0 { "myself,master" } else { "master" };
        let (id, ip) = (id(number), format!("10.0.{}.{}", number / 250, number % 250));
        format!("{id} {ip}:7000@17000 {flags} - 0 0 {number} connected {number}\n")
    };
    let text: String = (0..nodes).map(line).collect();
    Member::new(Config::default(), Persistent::parse(&text).unwrap(), 1, NOW_MS)
}

/// Lets it connect to all of them. Its links, and what it sent first on each.
pub(crate) fn connect(member: &mut Member) -> (Vec<LinkId>, Vec<(LinkId, Vec<u8>)>) {
    let mut now_ms = NOW_MS;
    while member.nodes.iter().any(|(at, node)| at != member.me && node.link.is_none()) {
        now_ms += 100;
        member.step(now_ms, Input::Tick);
    }
    let links: Vec<LinkId> = member.nodes.iter().filter_map(|(_, node)| node.link).collect();
    for &link in &links {
        member.step(now_ms, Input::LinkOpened { link, local_ip: "10.0.0.0".to_owned() });
    }
    (links, sent(member))
}

/// What it sends now, and on which link.
pub(crate) fn sent(member: &mut Member) -> Vec<(LinkId, Vec<u8>)> {
    let outputs = std::iter::from_fn(|| member.poll_output());
    let packets = outputs.filter_map(|output| match output {
        Output::Send { link, bytes } => Some((link, bytes.to_vec())),
        _ => None,
    });
    packets.collect()
}
