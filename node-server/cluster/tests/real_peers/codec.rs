//! The codec against bytes that redis-server 7.0.15 sent: what we read of a packet, written again, is the
//! same bytes.
//!
//! `golden/` holds packets of every kind, recorded by the live tests with `RECORD=1` where they are missing; they are
//! checked with and without a redis-server on the machine.

use std::path::PathBuf;

use rcl_cluster::packet::{self, Body, Extension, Flags, HEADER_BYTES, Kind, Packet, Writer};
use rcl_proto::SlotSet;

fn golden_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/real_peers/golden")
}

fn write_again(packet: &Packet<'_>) -> Vec<u8> {
    let mut header = packet.header.clone();
    header.message_flags &= !packet::MESSAGE_EXTENSIONS;
    let mut writer = Writer::new(packet.kind.expect("a known kind"), &header);
    match packet.body {
        Body::Heartbeat { gossip, extensions } => {
            packet::gossip_entries(gossip).for_each(|entry| writer.gossip(&entry));
            packet::extensions(extensions).for_each(|extension| writer.extension(&extension));
        }
        Body::Fail(node) => writer.fail(node.expect("an id")),
        Body::Publish { channel, message } => writer.publish(channel, message),
        Body::Update { config_epoch, node, slots } => {
            writer.update(config_epoch, node.expect("an id"), &SlotSet::from_bytes(slots));
        }
        Body::Module { module, kind, payload } => writer.module(module, kind, payload),
        Body::Empty | Body::Unknown => {}
    }
    writer.finish()
}

pub fn assert_round_trip(bytes: &[u8]) {
    let packet = packet::decode(bytes).expect("redis-server's packets are well-formed");
    let again = write_again(&packet);
    let differs = bytes.iter().zip(&again).position(|(a, b)| a != b);
    assert_eq!((differs, again.len()), (None, bytes.len()), "{packet:?}");
}

/// What the packet under a name in the golden folder is.
pub type Named = (&'static str, fn(&Packet<'_>) -> bool);

/// One of each kind that the first live tests see.
pub const PLAIN: [Named; 7] = [
    ("ping", |packet| packet.kind == Some(Kind::Ping)),
    ("pong", |packet| packet.kind == Some(Kind::Pong)),
    ("meet", |packet| packet.kind == Some(Kind::Meet)),
    ("fail", |packet| packet.kind == Some(Kind::Fail)),
    ("publish", |packet| packet.kind == Some(Kind::Publish)),
    ("auth-req", |packet| packet.kind == Some(Kind::AuthRequest)),
    ("auth-ack", |packet| packet.kind == Some(Kind::AuthAck)),
];

/// Keeps the first packet that fits each name, if asked to; one that is there stays as it is.
pub fn record(received: &[Vec<u8>], names: &[Named]) {
    if std::env::var_os("RECORD").is_none() {
        return;
    }
    for (name, is_wanted) in names {
        let fits = |bytes: &&Vec<u8>| packet::decode(bytes).is_ok_and(|packet| is_wanted(&packet));
        let path = golden_folder().join(format!("redis-7.0.15-{name}.bin"));
        if let Some(bytes) = received.iter().find(fits).filter(|_| !path.exists()) {
            std::fs::write(path, bytes).expect("the file");
        }
    }
}

pub fn golden(name: &str) -> Vec<u8> {
    std::fs::read(golden_folder().join(format!("redis-7.0.15-{name}.bin"))).expect("the golden file")
}

#[test]
fn every_golden_packet_is_written_again_byte_for_byte() {
    for (name, is_wanted) in PLAIN.iter().chain(&crate::kinds::MORE) {
        let bytes = golden(name);
        let packet = packet::decode(&bytes).expect("well-formed");
        assert!(is_wanted(&packet), "{name}: {packet:?}");
        assert_round_trip(&bytes);
    }
}

#[test]
fn the_fields_of_golden_packets_are_what_they_were() {
    let bytes = golden("publish");
    let publish = packet::decode(&bytes).unwrap();
    let Body::Publish { channel, message } = publish.body else { panic!("{publish:?}") };
    assert_eq!((channel, message), (&b"news"[..], &b"from-redis"[..]));
    assert_eq!((publish.header.port, publish.header.bus_port), (24001, 24201));
    assert_eq!(publish.header.slots.to_string(), "5001-10000");
    assert!(publish.header.flags.any(Flags::MASTER) && publish.header.cluster_ok);
    assert_eq!(publish.header.master, None);

    let bytes = golden("meet");
    let meet = packet::decode(&bytes).unwrap();
    let Body::Heartbeat { gossip, extensions } = meet.body else { panic!("{meet:?}") };
    assert_eq!(packet::extensions(extensions).collect::<Vec<_>>(), [Extension::Hostname("redis-1.example")]);
    assert!(packet::gossip_entries(gossip).all(|entry| entry.ip == "127.0.0.1" && entry.port >= 24000));
    assert_eq!((meet.header.ip.as_str(), meet.header.port), ("", 24000));

    let bytes = golden("auth-req");
    let request = packet::decode(&bytes).unwrap();
    assert!(request.header.flags.any(Flags::REPLICA) && request.header.master.is_some());
    assert!(request.header.current_epoch > request.header.config_epoch);
    assert_eq!(bytes.len(), HEADER_BYTES);
}

#[test]
fn only_our_own_kind_marks_its_packets() {
    let mut bytes = golden("ping");
    let mut header = packet::decode(&bytes).unwrap().header;
    assert!(!header.is_kin);
    header.is_kin = true;
    let mut marked = Writer::new(Kind::AuthAck, &header).finish();
    assert_eq!(marked[2254..2256], [0x72, 1]);
    assert!(packet::decode(&marked).unwrap().header.is_kin);
    marked[2255] = 2;
    assert!(packet::decode(&marked).unwrap().header.is_kin, "a later one understands what we send, too");
    for other in [[0x72, 0], [0, 1], [0x73, 1]] {
        bytes[2254..2256].copy_from_slice(&other);
        assert!(!packet::decode(&bytes).unwrap().header.is_kin, "{other:?}");
    }
}

#[test]
fn damaged_packets_are_errors_and_never_panics() {
    let bytes = golden("ping");
    for length in 0..bytes.len() {
        assert!(packet::decode(&bytes[..length]).is_err(), "cut at {length}");
    }
    for at in 0..bytes.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] = value;
            if let Ok(packet) = packet::decode(&damaged)
                && let Body::Heartbeat { gossip, extensions } = packet.body
            {
                assert!(packet::gossip_entries(gossip).count() <= gossip.len() / packet::GOSSIP_BYTES);
                assert!(packet::extensions(extensions).count() <= extensions.len() / 8);
            }
        }
    }
}
