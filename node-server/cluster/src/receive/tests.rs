//! What comes of packets that are not what they should be, from a peer that we know and from strangers.

use super::*;
use crate::packet::{HEADER_BYTES, Writer};
use crate::pair::Pair;
use crate::{Command, Input, Reply};

/// A packet of the second member's, as it would send it now.
fn packet(pair: &Pair, kind: Kind, body: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::new(kind, &pair.members[1].header());
    body(&mut writer);
    writer.finish()
}

fn with_length(mut bytes: Vec<u8>, stated: usize) -> Vec<u8> {
    bytes[4..8].copy_from_slice(&(stated as u32).to_be_bytes());
    bytes
}

fn receive(pair: &mut Pair, bytes: &[u8]) {
    let link = pair.inbound_link(0);
    pair.step(0, Input::Packet { link, bytes: bytes.to_vec() });
}

fn lines(pair: &Pair, words: &str) -> usize {
    pair.logs[0].iter().filter(|line| line.contains(words)).count()
}

fn received(pair: &Pair, kind: Kind) -> u64 {
    pair.members[0].traffic.received[kind as usize]
}

/// What a packet that is dropped must not change.
fn state(pair: &Pair) -> String {
    let member = &pair.members[0];
    format!("{}{}", member.nodes_text(), member.persistent_text())
}

#[test]
fn a_module_s_packet_is_counted_and_nothing_else() {
    let mut pair = Pair::met();
    let before = state(&pair);
    // Its data are the module's business; whatever they are, and of whatever length.
    for length in [0, 1, 13, 5_000] {
        let bytes = packet(&pair, Kind::Module, |writer| writer.module(5, 7, &vec![0xaa; length]));
        receive(&mut pair, &bytes);
    }
    assert_eq!(state(&pair), before);
    let Reply::Text(info) = pair.run(0, Command::Info) else { panic!() };
    assert!(info.contains("cluster_stats_messages_module_received:4\r\n"), "{info}");
}

#[test]
fn packets_that_cannot_be_read_are_skipped_and_the_log_says_so_once() {
    let mut pair = Pair::met();
    let (unknown, version) = ("Received unknown packet type: 200", "bus protocol version 2, not 1");
    let wrong_length = "a fail packet can't have";
    for _ in 0..100 {
        let mut bytes = packet(&pair, Kind::Ping, |_| ());
        bytes[13] = 200;
        receive(&mut pair, &bytes);
    }
    assert_eq!((lines(&pair, unknown), lines(&pair, "Skipping")), (1, 0));
    for _ in 0..100 {
        let mut bytes = packet(&pair, Kind::Ping, |_| ());
        bytes[9] = 2;
        receive(&mut pair, &bytes);
    }
    assert_eq!(lines(&pair, version), 1);
    pair.pass(10_010);
    let before = state(&pair);
    // Cut off, too long, and a sender that is none, of each kind that has a body of a known length.
    let mut bad = Vec::new();
    for kind in
        [Kind::Fail, Kind::Update, Kind::Publish, Kind::PublishShard, Kind::AuthRequest, Kind::AuthAck]
    {
        let whole = packet(&pair, kind, |writer| match kind {
            Kind::Fail => writer.fail(rcl_proto::NodeId::from_bits([1; 20])),
            Kind::Update => writer.update(u64::MAX, rcl_proto::NodeId::from_bits([1; 20]), &SlotSet::EMPTY),
            Kind::Publish | Kind::PublishShard => writer.publish(b"channel", b"message"),
            _ => (),
        });
        let mut longer = whole.clone();
        longer.push(0);
        let length = longer.len();
        bad.push(with_length(longer, length));
        if whole.len() > HEADER_BYTES {
            bad.push(with_length(whole[..whole.len() - 1].to_vec(), whole.len() - 1));
        }
        // The bytes are fewer or more than it says.
        bad.push(with_length(whole.clone(), whole.len() + 1));
        let mut nobody = whole;
        nobody[40] = b'!';
        bad.push(nobody);
    }
    // More gossip, and more extensions, than there are bytes for.
    let mut bytes = packet(&pair, Kind::Ping, |_| ());
    bytes[14..16].copy_from_slice(&u16::MAX.to_be_bytes());
    bad.push(bytes.clone());
    bytes[14..16].copy_from_slice(&[0, 0]);
    bytes[2214..2216].copy_from_slice(&[0, 3]);
    bytes[2253] |= packet::MESSAGE_EXTENSIONS;
    bad.push(bytes);
    let traffic = pair.members[0].traffic.received;
    for bytes in &bad {
        receive(&mut pair, bytes);
    }
    assert_eq!(pair.members[0].traffic.received, traffic, "none of them counts as received");
    assert_eq!(lines(&pair, "Skipping a cluster bus packet"), 2, "{:?}", pair.logs[0]);
    assert_eq!(lines(&pair, wrong_length), 1);
    assert_eq!(state(&pair), before);
}

#[test]
fn what_is_no_packet_at_all_closes_the_link_and_it_is_opened_anew() {
    let mut pair = Pair::met();
    let frames =
        [b"GET / HTTP/1.1\r\n\r\n".to_vec(), b"RCmb\0\0\0\x10".to_vec(), b"RCmb\xff\xff\xff\xff".to_vec()];
    for bytes in frames {
        let link = pair.inbound_link(0);
        receive(&mut pair, &bytes);
        assert!(!pair.members[0].links.contains(link));
        pair.pass(200);
        assert_ne!(pair.inbound_link(0), link);
    }
    assert_eq!(lines(&pair, "Closing a cluster bus link"), 1, "{:?}", pair.logs[0]);
}

#[test]
fn a_stranger_s_packets_are_dropped() {
    let mut pair = Pair::met();
    let before = state(&pair);
    let stranger = LinkId::new(1_000_000);
    let ip = || "127.0.0.1".to_owned();
    pair.step(0, Input::InboundAccepted { link: stranger, peer_ip: ip(), local_ip: ip() });
    let mut header = pair.members[1].header();
    header.sender = rcl_proto::NodeId::from_bits([9; 20]);
    header.current_epoch = 1_000;
    header.config_epoch = 1_000;
    header.slots.insert(rcl_proto::Slot::MIN);
    for kind in [Kind::Pong, Kind::Fail, Kind::Update, Kind::Publish, Kind::AuthRequest, Kind::AuthAck] {
        let mut writer = Writer::new(kind, &header);
        match kind {
            Kind::Fail => writer.fail(pair.members[1].id()),
            Kind::Update => writer.update(1_000, pair.members[1].id(), &header.slots),
            Kind::Publish => writer.publish(b"channel", b"message"),
            _ => (),
        }
        pair.step(0, Input::Packet { link: stranger, bytes: writer.finish() });
    }
    assert_eq!(state(&pair), before);
}

#[test]
fn names_that_would_be_read_as_syntax_are_not_taken() {
    let mut pair = Pair::met();
    let id = pair.members[1].id();
    for (hostname, human_name) in [("a,shard-id=b", "one"), ("a", "one,two"), (&*"x".repeat(300), "")] {
        let bytes = packet(&pair, Kind::Pong, |writer| {
            writer.extension(&Extension::Hostname(hostname));
            writer.extension(&Extension::HumanName(human_name));
        });
        receive(&mut pair, &bytes);
        let member = &pair.members[0];
        let node = &member.nodes[member.nodes.find(id).unwrap()];
        assert_eq!((node.names.hostname(), node.names.human_name()), ("", ""));
    }
    assert_eq!(lines(&pair, "a name that is none"), 1);
}

#[test]
fn the_debug_filter_drops_what_it_names_and_may_close_the_link() {
    let mut pair = Pair::met();
    pair.run(0, Command::DropPackets(Kind::Publish as i64));
    let message = packet(&pair, Kind::Publish, |writer| writer.publish(b"channel", b"message"));
    let link = pair.inbound_link(0);
    receive(&mut pair, &message);
    assert_eq!((lines(&pair, "debug filter"), received(&pair, Kind::Publish)), (1, 1));
    assert!(pair.members[0].links.contains(link));
    pair.run(0, Command::CloseLinkOnDrop(true));
    receive(&mut pair, &message);
    assert!(!pair.members[0].links.contains(link));
    pair.run(0, Command::DropPackets(-1));
    pair.pass(200);
    let link = pair.inbound_link(0);
    receive(&mut pair, &message);
    assert!(pair.members[0].links.contains(link));
}

#[test]
fn links_that_debug_kills_are_opened_again() {
    let mut pair = Pair::met();
    let id = pair.members[1].id();
    for direction in [crate::LinkDirection::To, crate::LinkDirection::From, crate::LinkDirection::All] {
        let ends = |pair: &Pair| {
            let member = &pair.members[0];
            let node = &member.nodes[member.nodes.find(id).unwrap()];
            [node.link, node.inbound]
        };
        let before = ends(&pair);
        let kill = Command::KillLinks { node: id.to_string().into_bytes(), direction };
        assert_eq!(pair.run(0, kill), Reply::Ok);
        pair.pass(300);
        let after = ends(&pair);
        assert!(after.iter().all(Option::is_some));
        let renewed = [before[0] != after[0], before[1] != after[1]];
        let expected = match direction {
            crate::LinkDirection::To => [true, false],
            crate::LinkDirection::From => [false, true],
            crate::LinkDirection::All => [true, true],
        };
        assert_eq!(renewed, expected, "{direction:?}");
    }
    let unknown = Command::KillLinks { node: b"nobody".to_vec(), direction: crate::LinkDirection::All };
    assert_eq!(pair.run(0, unknown), Reply::Error("ERR Unknown node nobody".into()));
}

#[test]
fn a_link_that_was_closed_for_its_full_queue_is_opened_at_once() {
    let mut pair = Pair::met();
    let id = pair.members[1].id();
    let outbound = |pair: &Pair| {
        let member = &pair.members[0];
        member.nodes[member.nodes.find(id).unwrap()].link
    };
    for (end, is_opened) in [(crate::LinkEnd::Full, true), (crate::LinkEnd::Failed, false)] {
        let before = outbound(&pair).unwrap();
        pair.step(0, Input::LinkClosed { link: before, end });
        assert_eq!(outbound(&pair).is_some_and(|link| link != before), is_opened, "{end:?}");
        pair.pass(200);
        assert!(outbound(&pair).is_some());
    }
}

#[test]
fn an_extension_that_nobody_knows_is_passed_over() {
    let mut pair = Pair::met();
    let id = pair.members[1].id();
    let mut bytes = packet(&pair, Kind::Pong, |writer| {
        writer.extension(&Extension::HumanName("unknown"));
        writer.extension(&Extension::Hostname("host"));
    });
    bytes[HEADER_BYTES + 5] = 77;
    for _ in 0..3 {
        receive(&mut pair, &bytes);
    }
    let member = &pair.members[0];
    let node = &member.nodes[member.nodes.find(id).unwrap()];
    assert_eq!((node.names.hostname(), node.names.human_name()), ("host", ""));
    assert_eq!(lines(&pair, "unknown extension type 77"), 1, "{:?}", pair.logs[0]);
}

#[test]
fn messages_among_ours_come_in_light_packets() {
    let mut pair = Pair::met();
    let id = pair.members[1].id();
    for sharded in [false, true] {
        let before = pair.delivered.len();
        let publish = Input::Publish { channel: b"news".to_vec(), message: b"hello".to_vec(), sharded };
        if sharded {
            let replicate = Command::Replicate { node: id.text().to_vec(), keyspace_empty: true };
            assert_eq!(pair.run(0, replicate), Reply::Ok);
            pair.pass(500);
        }
        pair.step(1, publish);
        assert_eq!(pair.delivered[before..], [(0, b"news".to_vec(), b"hello".to_vec(), sharded)]);
        assert_eq!(pair.publish_bytes, 16 + 8 + 9);
    }
    // To a peer that did not say so it goes as ever.
    let at = pair.members[1].nodes.find(pair.members[0].id()).unwrap();
    pair.members[1].nodes[at].takes_light = false;
    pair.step(1, Input::Publish { channel: b"a".to_vec(), message: b"b".to_vec(), sharded: false });
    assert_eq!(pair.delivered.last().unwrap(), &(0, b"a".to_vec(), b"b".to_vec(), false));
    assert_eq!(pair.publish_bytes, HEADER_BYTES + 8 + 2);
}

/// In the first second after a handshake a link may have shown only packets from before its end.
#[test]
fn a_light_packet_is_taken_from_who_was_a_stranger_when_it_last_said_its_name() {
    let mut pair = Pair::met();
    let link = pair.inbound_link(0);
    let known = pair.members[1].id();
    let light = crate::packet::light::encode(LightPublish {
        kind: Kind::Publish,
        channel: b"news",
        message: b"hello",
    });
    for (stranger, delivered) in [(None, 0), (Some(pair.members[0].shard_id), 0), (Some(known), 1)] {
        let inbound = pair.members[0].links.get_mut(link).unwrap();
        (inbound.node, inbound.stranger) = (None, stranger.map(Box::new));
        receive(&mut pair, &light);
        assert_eq!(pair.delivered.len(), delivered, "{stranger:?}");
    }
}

/// A slot was moved to us, for which we gave ourselves an epoch; then we were cut off, and our replica was elected to the same one.
#[test]
fn who_took_our_place_by_our_own_epoch_keeps_it() {
    for we_have_the_greater_id in [false, true] {
        let mut pair = Pair::met();
        let we = usize::from((pair.members[0].id() > pair.members[1].id()) != we_have_the_greater_id);
        let they = 1 - we;
        let all = SlotSet::FULL;
        pair.run(we, Command::AddSlots(all.ranges()));
        pair.run(we, Command::BumpEpoch);
        let id = pair.members[we].id();
        pair.run(they, Command::Replicate { node: id.text().to_vec(), keyspace_empty: true });
        pair.pass(500);
        let mut header = pair.members[they].header();
        assert_eq!((header.slots.len(), header.master), (all.len(), Some(id)));
        // Nobody hears from us any more, and it is a master now.
        pair.silence(we);
        header.master = None;
        header.flags.clear(Flags::REPLICA);
        header.flags.set(Flags::MASTER);
        assert_eq!(header.config_epoch, pair.members[we].myself().config_epoch);
        let link = pair.inbound_link(we);
        let bytes = Writer::new(Kind::Ping, &header).finish();
        pair.step(we, Input::Packet { link, bytes });
        let us = &pair.members[we];
        assert_eq!(us.myself().master, us.nodes.find(header.sender), "{:?}", pair.logs[we]);
        assert_eq!(us.myself().config_epoch, header.config_epoch, "none was taken against it");
    }
}
