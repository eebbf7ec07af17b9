//! Strangers at the bus port.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rcl_cluster::packet::{self, Flags, Header, Kind as PacketKind, MESSAGE_FORCE_ACK, Writer};
use rcl_proto::{NodeId, SlotSet};

use super::server::{Kind, Server, cluster, meet_all, share_slots, slots_seen_by};

fn knock(server: &Server, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", server.bus_port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    // The node may close while we still write.
    let _ = stream.write_all(bytes);
    stream
}

/// Reads to the end; a reset is an end, too.
fn is_closed(mut stream: TcpStream) -> bool {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => true,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

#[test]
fn garbage_is_closed_and_changes_nothing() {
    let mut servers: Vec<Server> = (0..2).map(|_| Server::start(Kind::Ours)).collect();
    meet_all(&mut servers);
    share_slots(&mut servers, 2);
    let before = servers[0].nodes_conf();
    let mut too_short = b"RCmb\0\0\0\x10".to_vec();
    too_short.extend([0; 100]);
    let mut too_long = b"RCmb\xff\xff\xff\xff".to_vec();
    too_long.extend([0; 100]);
    for bytes in [b"PING\r\n\r\n\r\n".as_slice(), &[0; 4096], &too_short, &too_long] {
        assert!(is_closed(knock(&servers[0], bytes)));
    }
    // A whole frame that is no packet of a known kind or version: read, and nothing comes of it.
    let mut frame = vec![0; 2256];
    frame[..8].copy_from_slice(b"RCmb\0\0\x08\xd0");
    for (version, kind) in [(0u8, 0u8), (1, 200), (9, 1), (1, 1)] {
        frame[9] = version;
        frame[13] = kind;
        drop(knock(&servers[0], &frame));
    }
    // Half a frame, held open: nobody waits for it.
    let half = knock(&servers[0], &frame[..1000]);
    servers[0].must("CLUSTER SAVECONFIG");
    assert_eq!(servers[0].info("cluster_state"), "ok");
    assert_eq!(servers[0].info("cluster_known_nodes"), "2");
    let ids =
        |text: &str| text.lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(ids(&servers[0].nodes_conf()), ids(&before));
    drop(half);
}

/// What says that it is from `sender`, a master with all slots and a great epoch.
fn header(sender: NodeId) -> Header {
    Header {
        sender,
        port: 7777,
        second_port: 0,
        bus_port: 17777,
        ip: String::new(),
        flags: Flags::MASTER,
        cluster_ok: true,
        message_flags: MESSAGE_FORCE_ACK,
        is_kin: true,
        current_epoch: 1 << 40,
        config_epoch: 1 << 40,
        offset: 1 << 40,
        slots: SlotSet::FULL,
        master: None,
    }
}

/// One of each kind, in the name of `sender`, about `node`.
fn one_of_each(sender: NodeId, node: NodeId) -> Vec<Vec<u8>> {
    let of = |kind: PacketKind, body: &dyn Fn(&mut Writer)| {
        let mut writer = Writer::new(kind, &header(sender));
        body(&mut writer);
        writer.finish()
    };
    let entry = packet::GossipEntry {
        node,
        ping_sent_s: 1,
        pong_received_s: 1,
        ip: "127.0.0.1",
        port: 7777,
        second_port: 0,
        bus_port: 17777,
        flags: Flags::MASTER.or(Flags::FAIL),
    };
    vec![
        of(PacketKind::Ping, &|writer| writer.gossip(&entry)),
        of(PacketKind::Pong, &|writer| writer.gossip(&entry)),
        of(PacketKind::Fail, &|writer| writer.fail(node)),
        of(PacketKind::Publish, &|writer| writer.publish(b"news", b"forged")),
        of(PacketKind::PublishShard, &|writer| writer.publish(b"news", b"forged")),
        of(PacketKind::AuthRequest, &|_| ()),
        of(PacketKind::AuthAck, &|_| ()),
        of(PacketKind::ManualFailoverStart, &|_| ()),
        of(PacketKind::Update, &|writer| writer.update(1 << 41, node, &SlotSet::FULL)),
        of(PacketKind::Module, &|writer| writer.module(1, 2, b"anything")),
    ]
}

#[test]
fn packets_in_a_stranger_s_name_or_its_own_change_nothing() {
    let mut servers = cluster(&[Kind::Ours, Kind::Ours, Kind::Ours], &[(Kind::Ours, 0)]);
    let ids: Vec<NodeId> = servers.iter_mut().map(|server| server.id().parse().unwrap()).collect();
    let stranger: NodeId = "f".repeat(40).parse().unwrap();
    let expected: Vec<Vec<String>> = servers.iter_mut().map(slots_seen_by).collect();
    let epoch = servers[1].info("cluster_current_epoch");
    let mut listener = super::client::Client::connect(servers[1].port).unwrap();
    listener.try_ask("SUBSCRIBE news").unwrap();
    for at in [0, 1, 3] {
        for sender in [stranger, ids[at]] {
            for bytes in one_of_each(sender, ids[2]) {
                // The ping is answered; a pong to each, from then on, says that it came through everything else.
                let mut stream = knock(&servers[at], &bytes);
                stream.write_all(&Writer::new(PacketKind::Ping, &header(stranger)).finish()).unwrap();
                let mut pong = [0; packet::HEADER_BYTES];
                stream.read_exact(&mut pong).unwrap();
            }
        }
    }
    for (server, expected) in servers.iter_mut().zip(&expected) {
        let nodes = server.text("CLUSTER NODES");
        assert_eq!(nodes.lines().count(), 4, "{nodes}");
        assert!(!nodes.contains("fail"), "{nodes}");
        assert_eq!((&slots_seen_by(server), server.info("cluster_state").as_str()), (expected, "ok"));
        assert_eq!(server.info("cluster_current_epoch"), epoch);
    }
    // The first message that comes is a true one.
    servers[0].ask("PUBLISH news true");
    let message = format!("{:?}", listener.read().unwrap());
    assert!(message.contains(&format!("{:?}", b"true")), "{message}");
}

/// Strangers by the hundred: those that say nonsense, half a packet, or nothing. The nodes go on as if nobody were there.
#[test]
fn a_flood_of_strangers_is_no_failure() {
    let mut servers = cluster(&[Kind::Ours, Kind::Ours, Kind::Ours], &[(Kind::Ours, 0)]);
    let expected = slots_seen_by(&mut servers[0]);
    let epoch = servers[0].info("cluster_current_epoch");
    let ping = Writer::new(PacketKind::Ping, &header("e".repeat(40).parse().unwrap())).finish();
    let endless = [b"RCmb\x20\0\0\0".as_slice(), &[0; 100_000]].concat();
    let mut held = Vec::new();
    let start = std::time::Instant::now();
    // As long as two node timeouts: one that did not keep up would be found failing.
    while start.elapsed() < Duration::from_millis(2 * 2000) {
        for server in &servers[..2] {
            for bytes in [b"GET / HTTP/1.1\r\n\r\n".as_slice(), &ping[..1000], &[], &endless] {
                held.push(knock(server, bytes));
            }
            drop(knock(server, &ping.repeat(20)));
        }
        if held.len() > 400 {
            held.drain(..200);
        }
    }
    for server in &mut servers {
        let nodes = server.text("CLUSTER NODES");
        assert!(!nodes.contains("fail") && !nodes.contains("disconnected"), "{nodes}");
        assert_eq!(slots_seen_by(server), expected);
        assert_eq!(server.info("cluster_state"), "ok");
        assert_eq!(server.info("cluster_current_epoch"), epoch);
        // Each of them in the log would be a flood, too.
        let log = server.log();
        assert!(log.lines().count() < 100, "{log}");
    }
    servers[0].must("SET {bar} value");
}
