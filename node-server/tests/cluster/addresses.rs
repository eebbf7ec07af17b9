//! Names and addresses in a mixed cluster: hostnames, nodes that are forgotten and met again, that move, whose address is
//! another's, and two that say they are the same.

use std::sync::Arc;

use rcl_proto::resp::Reply;

use super::server::{Kind, Server, cluster, meet_all, share_slots, slots_seen_by};
use crate::harness::{Folder, free_port, has_redis, wait_until};
use Kind::{Ours, Redis};

#[test]
fn hostnames_are_gossiped_both_ways_and_taken_back() {
    if !has_redis("hostnames_are_gossiped_both_ways_and_taken_back") {
        return;
    }
    let mut servers = cluster(&[Ours, Redis, Ours, Redis], &[]);
    let (ours, redis) = (servers[0].id(), servers[1].id());
    let names = [(0, "ours.example"), (1, "redis.example")];
    for (at, name) in names {
        servers[at].must(&format!("CONFIG SET cluster-announce-hostname {name}"));
    }
    for server in &mut servers {
        server.wait_for_node(&ours, |line| line.split(' ').nth(1).unwrap().ends_with(",ours.example"));
        server.wait_for_node(&redis, |line| line.split(' ').nth(1).unwrap().ends_with(",redis.example"));
        let slots = format!("{:?}", server.ask("CLUSTER SLOTS"));
        for (_, name) in names {
            assert!(slots.contains(&format!("{:?}", Reply::Bulk(name.into()))), "{slots}");
        }
    }
    for (at, _) in names {
        servers[at].must("CONFIG SET cluster-announce-hostname ");
    }
    for server in &mut servers {
        server.wait_for("CLUSTER NODES", |text| !text.contains("example"));
        assert!(!format!("{:?}", server.ask("CLUSTER SLOTS")).contains("hostname"));
    }
}

#[test]
fn a_node_is_forgotten_and_met_again_by_both() {
    if !has_redis("a_node_is_forgotten_and_met_again_by_both") {
        return;
    }
    let mut servers: Vec<Server> = [Ours, Redis, Ours, Redis].map(Server::start).into();
    meet_all(&mut servers);
    share_slots(&mut servers, 2);
    // One of ours and one of Redis's, neither with slots.
    for gone in [2, 3] {
        let id = servers[gone].id();
        let others: Vec<usize> = (0..4).filter(|&at| at != gone).collect();
        for &at in &others {
            servers[at].must(&format!("CLUSTER FORGET {id}"));
        }
        // It still knows them, and talks to them: they don't take it in again, nor by each other's gossip.
        for &at in &others {
            let pings = |server: &mut Server| {
                server.info("cluster_stats_messages_ping_received").parse::<u64>().unwrap()
            };
            let before = pings(&mut servers[at]);
            wait_until("some pings have come", || pings(&mut servers[at]) > before + 2);
            assert_eq!(servers[at].info("cluster_known_nodes"), "3");
        }
        // An operator's word counts more than that it was forgotten.
        let (port, bus_port) = (servers[gone].port, servers[gone].bus_port);
        for &at in &others {
            servers[at].must(&format!("CLUSTER MEET 127.0.0.1 {port} {bus_port}"));
        }
        for server in &mut servers {
            server.wait_for_node(&id, |line| line.contains(" connected") || line.contains("myself"));
            server.wait_for("CLUSTER NODES", |text| text.lines().count() == 4 && !text.contains("handshake"));
        }
    }
}

/// Meeting who is known already, oneself, and nobody: all as before, in both kinds.
#[test]
fn a_meeting_that_is_none_leaves_all_as_it_was() {
    if !has_redis("a_meeting_that_is_none_leaves_all_as_it_was") {
        return;
    }
    let mut servers = cluster(&[Ours, Redis], &[]);
    let nobody = (free_port(), free_port());
    let ports: Vec<(u16, u16)> = servers.iter().map(|server| (server.port, server.bus_port)).collect();
    let expected = slots_seen_by(&mut servers[0]);
    for server in &mut servers {
        for (port, bus_port) in ports.iter().chain([&nobody]) {
            server.must(&format!("CLUSTER MEET 127.0.0.1 {port} {bus_port}"));
        }
    }
    for server in &mut servers {
        let text =
            server.wait_for("CLUSTER NODES", |text| text.lines().count() == 2 && !text.contains("handshake"));
        assert!(!text.contains("noaddr") && !text.contains("fail"), "{text}");
        assert_eq!(slots_seen_by(server), expected);
        assert_eq!(server.info("cluster_state"), "ok");
    }
}

/// A node goes, another one answers at its address, and it comes back at a new one with its old nodes.conf.
fn a_stranger_at_its_address(mover: Kind, stranger: Kind) {
    let mut servers = cluster(&[Ours, Redis, mover], &[]);
    let id = servers[2].id();
    let old = (servers[2].port, servers[2].bus_port);
    servers[2].kill();
    let mut stranger = Server::start_in(stranger, Arc::new(Folder::new()), old);
    for server in &mut servers[..2] {
        server.wait_for_node(&id, |line| line.contains("noaddr"));
    }
    let moved = servers.pop().unwrap();
    let kind = moved.kind;
    servers.push(moved.kill_and_restart_as(kind, (free_port(), free_port())));
    let address = format!("127.0.0.1:{}@{}", servers[2].port, servers[2].bus_port);
    for server in &mut servers {
        server.wait_for_node(&id, |line| {
            line.contains(&address) && !line.contains("fail") && line.contains(" connected")
        });
        server.wait_for("CLUSTER INFO", |text| text.contains("cluster_state:ok"));
    }
    for server in &mut servers[..2] {
        if server.kind == Ours {
            server.wait_for_log(&format!("Address updated for node {id}"));
        }
    }
    assert_eq!(stranger.info("cluster_known_nodes"), "1", "nobody met it");
}

#[test]
fn redis_moves_and_one_of_ours_takes_its_address() {
    if has_redis("redis_moves_and_one_of_ours_takes_its_address") {
        a_stranger_at_its_address(Redis, Ours);
    }
}

#[test]
fn ours_moves_and_a_redis_takes_its_address() {
    if has_redis("ours_moves_and_a_redis_takes_its_address") {
        a_stranger_at_its_address(Ours, Redis);
    }
}

/// A nodes.conf was copied, and both are started: two say that they are the same node. Redis believes each in turn. Ours
/// stay with the first one, and say so; the second one finds itself alone. When the first one ends, the second one is it.
fn twins(kind: Kind) {
    let mut servers = cluster(&[Ours, Ours, kind, Ours], &[]);
    let id = servers[2].id();
    let folder = Arc::new(Folder::new());
    std::fs::copy(servers[2].folder.0.join("nodes.conf"), folder.0.join("nodes.conf")).unwrap();
    let mut twin = Server::start_in(kind, folder, (free_port(), free_port()));
    assert_eq!(twin.id(), id);
    twin.wait_for("CLUSTER INFO", |text| text.contains("cluster_state:fail"));
    let others = [0, 1, 3];
    let address = |server: &Server| format!("127.0.0.1:{}@{}", server.port, server.bus_port);
    let first = address(&servers[2]);
    for at in others {
        servers[at].wait_for_log(&format!("Two nodes say that they are {id}"));
        servers[at].wait_for_node(&id, |line| line.contains(&first) && line.contains(" connected"));
        assert!(!servers[at].log().contains(&format!("Address updated for node {id}")));
    }
    assert_eq!(servers[2].info("cluster_state"), "ok");

    servers[2].kill();
    let second = address(&twin);
    for at in others {
        servers[at].wait_for_node(&id, |line| line.contains(&second) && line.contains(" connected"));
        servers[at].wait_for("CLUSTER INFO", |text| text.contains("cluster_state:ok"));
    }
}

#[test]
fn a_twin_of_ours_is_not_heard() {
    twins(Ours);
}

#[test]
fn a_twin_of_redis_is_not_heard() {
    if has_redis("a_twin_of_redis_is_not_heard") {
        twins(Redis);
    }
}

/// Without `cluster-port` the bus is at the port plus 10000: others hear of both, and reach it there.
#[test]
fn a_port_that_changes_takes_the_bus_along() {
    let mut mover = Server::start_in(Ours, Arc::new(Folder::new()), (free_port(), 0));
    mover.bus_port = mover.port + 10_000;
    let mut servers = vec![mover, Server::start(Ours)];
    meet_all(&mut servers);
    share_slots(&mut servers, 2);
    let (id, new) = (servers[0].id(), free_port());
    servers[0].must(&format!("CONFIG SET port {new}"));
    let place = format!(" 127.0.0.1:{new}@{} ", new + 10_000);
    servers[1].wait_for_node(&id, |line| line.contains(&place) && line.contains(" connected"));
    let mut third = Server::start(Ours);
    third.must(&format!("CLUSTER MEET 127.0.0.1 {new}"));
    third.wait_for("CLUSTER NODES", |text| text.lines().count() == 3 && !text.contains("handshake"));
    // With the bus's place taken, all stays as it was.
    let other = free_port();
    let taken = std::net::TcpListener::bind(("127.0.0.1", other + 10_000)).unwrap();
    let answer = servers[0].ask(&format!("CONFIG SET port {other}"));
    assert!(
        matches!(&answer, Reply::Error(text) if text.contains("Unable to listen on this port")),
        "{answer:?}"
    );
    assert!(std::net::TcpStream::connect(("127.0.0.1", other)).is_err());
    drop(taken);
    assert!(third.text("CLUSTER NODES").contains(&place));
    assert!(std::net::TcpStream::connect(("127.0.0.1", new)).is_ok());
}
