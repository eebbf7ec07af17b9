//! A node's folder, with its nodes.conf and its data, started by the other program in a live cluster: it goes on as the
//! same node, and so it does when it is given back.

use rcl_proto::resp::Reply;

use crate::harness::has_redis;
use crate::server::{Kind, Server, cluster, slots_seen_by};
use Kind::{Ours, Redis};

/// Everybody sees the node as before, alive, and the cluster ok.
fn wait_until_all_is_well(servers: &mut [Server], expected: &[String]) {
    for server in servers {
        server.wait_for("CLUSTER NODES", |text| {
            !text.contains("fail") && !text.contains("disconnected") && !text.contains("handshake")
        });
        server.wait_for("CLUSTER INFO", |text| text.contains("cluster_state:ok"));
        assert_eq!(slots_seen_by(server), expected, "as {:?} sees it", server.kind);
    }
}

fn other(kind: Kind) -> Kind {
    if kind == Ours { Redis } else { Ours }
}

/// The node's own words about itself, without its times.
fn own_line(server: &mut Server) -> String {
    let id = server.id();
    let line = server.wait_for_node(&id, |line| line.contains("myself"));
    let words: Vec<&str> = line.split(' ').collect();
    [&words[..4], &words[6..]].concat().join(" ")
}

fn restart_as(servers: &mut Vec<Server>, at: usize, kind: Kind) {
    let server = servers.remove(at);
    let ports = (server.port, server.bus_port);
    servers.insert(at, server.kill_and_restart_as(kind, ports));
}

/// The first node of `kind`, with slots, an open one in each direction, and keys; and a replica of the same kind.
fn they_change_programs(kind: Kind) {
    let mut servers = cluster(&[kind, Ours, Redis], &[(kind, 1)]);
    let ids: Vec<String> = servers.iter_mut().map(Server::id).collect();
    // {bar} is in slot 5061, and {c} in 7365.
    for number in 0..100 {
        servers[0].must(&format!("SET {{bar}}{number} value-{number}"));
    }
    servers[1].must("SET {c}1 value");
    servers[0].must(&format!("CLUSTER SETSLOT 5061 MIGRATING {}", ids[1]));
    servers[1].must(&format!("CLUSTER SETSLOT 5061 IMPORTING {}", ids[0]));
    servers[0].must(&format!("CLUSTER SETSLOT 6000 IMPORTING {}", ids[1]));
    servers[1].must(&format!("CLUSTER SETSLOT 6000 MIGRATING {}", ids[0]));
    servers[0].must("SAVE");
    let (line, expected) = (own_line(&mut servers[0]), slots_seen_by(&mut servers[2]));
    let epoch = servers[0].info("cluster_my_epoch");
    for program in [other(kind), kind] {
        restart_as(&mut servers, 0, program);
        assert_eq!(own_line(&mut servers[0]), line, "read by {program:?}");
        assert_eq!(servers[0].info("cluster_my_epoch"), epoch);
        wait_until_all_is_well(&mut servers, &expected);
        assert_eq!(servers[0].text("GET {bar}42"), "value-42");
        servers[0].wait_for("INFO keyspace", |text| text.contains("keys=100,"));
        // Where its data are one key short of a slot that moves, it sends to the target.
        let asked = servers[0].ask("GET {bar}nothing");
        assert_eq!(asked, Reply::Error(format!("ASK 5061 127.0.0.1:{}", servers[1].port)));

        restart_as(&mut servers, 3, program);
        servers[3].wait_for_master_link();
        assert_eq!(servers[3].id(), ids[3]);
        servers[3].must("READONLY");
        assert_eq!(servers[3].text("GET {c}1"), "value");
        servers[1].wait_for_node(&ids[3], |line| line.contains(&format!("slave {}", ids[1])));
    }
}

#[test]
fn redis_s_folder_is_ours_for_a_while() {
    if has_redis("redis_s_folder_is_ours_for_a_while") {
        they_change_programs(Redis);
    }
}

#[test]
fn our_folder_is_redis_s_for_a_while() {
    if has_redis("our_folder_is_redis_s_for_a_while") {
        they_change_programs(Ours);
    }
}
