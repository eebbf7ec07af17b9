//! Every kind of packet that redis-server sends comes to a member of ours, and is read.

use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

use rcl_cluster::packet::{self, Body, Extension, Flags, Header, Kind, Packet, Writer};
use rcl_cluster::{Command, Reply};
use rcl_proto::SlotSet;

use crate::codec::Named;
use crate::driver::Driver;
use crate::redis::{BUS_PORT_OFFSET, Redis, is_here, meet_all, wait_for};
use crate::{LONG, codec, line_of, slot};

/// The kinds that take more to see, and heartbeats with more in them.
pub const MORE: [Named; 7] = [
    ("publishshard", |packet| packet.kind == Some(Kind::PublishShard)),
    ("update", |packet| packet.kind == Some(Kind::Update)),
    ("mfstart", |packet| packet.kind == Some(Kind::ManualFailoverStart)),
    ("module", |packet| packet.kind == Some(Kind::Module)),
    ("ping-hostname", |packet| {
        packet.kind == Some(Kind::Ping) && hostname(packet) == Some("redis-1.example")
    }),
    ("ping-failing", |packet| packet.kind == Some(Kind::Ping) && gossips_of_a_failure(packet)),
    ("pong-replica", |packet| packet.kind == Some(Kind::Pong) && packet.header.master.is_some()),
];

fn hostname<'a>(packet: &Packet<'a>) -> Option<&'a str> {
    let Body::Heartbeat { extensions, .. } = packet.body else { return None };
    packet::extensions(extensions).find_map(|extension| match extension {
        Extension::Hostname(name) => Some(name),
        _ => None,
    })
}

/// Of several nodes, and one of them fails.
fn gossips_of_a_failure(packet: &Packet<'_>) -> bool {
    let Body::Heartbeat { gossip, .. } = packet.body else { return false };
    let flags: Vec<Flags> = packet::gossip_entries(gossip).map(|entry| entry.flags).collect();
    flags.len() > 1 && flags.iter().any(|flags| flags.any(Flags::PFAIL.or(Flags::FAIL)))
}

fn wait_for_packet(ours: &Driver, name: &str) {
    let (_, is_wanted) = MORE.iter().find(|(golden, _)| *golden == name).expect("a golden name");
    wait_for(name, LONG, || {
        ours.received().iter().any(|bytes| packet::decode(bytes).is_ok_and(|packet| is_wanted(&packet)))
    });
}

/// Compiles module.c; `None`, loudly, without a C compiler.
fn build_module() -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real_peers/module.c");
    let library = std::env::temp_dir().join(format!("rcl-cluster-test-{}.so", std::process::id()));
    let built = Process::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).status();
    if !built.is_ok_and(|status| status.success()) {
        let _ = writeln!(std::io::stderr(), "SKIPPED: a MODULE packet of redis-server: no C compiler (cc)");
        return None;
    }
    Some(library)
}

/// A ping that claims, in our name and by an old epoch, slots that have another owner.
fn stale_claim(ours: &Driver, port: u16, slots: SlotSet) -> Vec<u8> {
    let header = Header {
        sender: ours.id().parse().expect("an id"),
        port,
        second_port: 0,
        bus_port: port + BUS_PORT_OFFSET,
        ip: String::new(),
        flags: Flags::MASTER,
        cluster_ok: true,
        message_flags: 0,
        is_kin: false,
        current_epoch: 0,
        config_epoch: 0,
        offset: 0,
        slots,
        master: None,
    };
    Writer::new(Kind::Ping, &header).finish()
}

#[test]
fn every_kind_of_packet_comes_from_redis() {
    if !is_here() {
        return;
    }
    // A replica of ours; a master; and one that is going to fail.
    let mut servers: Vec<Redis> = (0..3).map(|index| Redis::start(24070 + index)).collect();
    let ours = Driver::start(24080);
    servers[1].call("CONFIG SET cluster-announce-hostname redis-1.example");
    servers[1].call("CLUSTER SET-CONFIG-EPOCH 2");
    servers[1].call("CLUSTER ADDSLOTSRANGE 5001 10000");
    servers[2].call("CLUSTER SET-CONFIG-EPOCH 3");
    servers[2].call("CLUSTER ADDSLOTSRANGE 10001 16383");
    let range = rcl_proto::SlotRange::new(slot(0), slot(5000)).unwrap();
    assert_eq!(ours.command(Command::AddSlots(vec![range])), Reply::Ok);
    meet_all(&servers[0], &servers[1..]);
    servers[0].meet(24080);
    for server in &servers {
        wait_for("Redis finds the cluster ok", LONG, || {
            let info = server.call("CLUSTER INFO");
            info.contains("cluster_known_nodes:4") && info.contains("cluster_state:ok")
        });
    }
    let (our_id, replica) = (ours.id(), servers[0].id());
    servers[0].call(&format!("CLUSTER REPLICATE {our_id}"));
    for server in &servers {
        wait_for("all know our replica", LONG, || {
            line_of(&server.call("CLUSTER NODES"), &replica).contains(&format!("slave {our_id}"))
        });
    }
    wait_for_packet(&ours, "ping-hostname");
    wait_for_packet(&ours, "pong-replica");

    // {b} is in slot 3300, which is ours: its replica passes on to us what it is told.
    servers[0].call("SPUBLISH {b} from-a-replica");
    wait_for_packet(&ours, "publishshard");

    let claimed: SlotSet = (5001..=10000).map(slot).collect();
    let mut stranger = TcpStream::connect(("127.0.0.1", 24072 + BUS_PORT_OFFSET)).expect("the bus");
    stranger.write_all(&stale_claim(&ours, 24080, claimed)).expect("a ping");
    wait_for_packet(&ours, "update");

    if let Some(library) = build_module() {
        let answer = servers[1].call(&format!("MODULE LOAD {}", library.display()));
        assert_eq!(answer.trim(), "OK");
        wait_for_packet(&ours, "module");
        let _ = std::fs::remove_file(library);
    }

    servers[2].kill();
    wait_for_packet(&ours, "ping-failing");

    servers[0].call("CLUSTER FAILOVER");
    wait_for_packet(&ours, "mfstart");
    let received = ours.received();
    received.iter().for_each(|bytes| codec::assert_round_trip(bytes));
    codec::record(&received, &MORE);
}

#[test]
fn their_bodies_hold_what_was_sent() {
    let shard = codec::golden("publishshard");
    let Body::Publish { channel, message } = packet::decode(&shard).unwrap().body else { panic!() };
    assert_eq!((channel, message), (&b"{b}"[..], &b"from-a-replica"[..]));

    let update = codec::golden("update");
    let Body::Update { config_epoch, node: Some(_), slots } = packet::decode(&update).unwrap().body else {
        panic!()
    };
    assert_eq!((config_epoch, SlotSet::from_bytes(slots).to_string().as_str()), (2, "5001-10000"));

    let module = codec::golden("module");
    let Body::Module { module, kind, payload } = packet::decode(&module).unwrap().body else { panic!() };
    assert!(module != 0 && kind == 7 && payload == b"from a module");
}
