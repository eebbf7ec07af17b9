//! A node's folder, with its nodes.conf and its data, started by the other program in a live cluster: it goes on as the
//! same node, and so it does when it is given back.

use std::process::Command;

use rcl_proto::key_slot;
use rcl_proto::resp::Reply;

use super::server::{Kind, Server, cluster, cluster_with, slots_seen_by};
use crate::harness::has_redis;
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

/// What is answered is on disk: so a kill loses nothing.
const APPEND_ONLY: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

/// The commands that write key `number`, of one of the six types, and read it.
fn of_all_types(number: usize) -> (String, [String; 2]) {
    let key = format!("key:{number}");
    let (write, read) = match number % 6 {
        0 => (format!("SET {key} value-{number}"), format!("GET {key}")),
        1 => (format!("RPUSH {key} a {number} b"), format!("LRANGE {key} 0 -1")),
        2 => (format!("SADD {key} {number} 7"), format!("SMEMBERS {key}")),
        3 => (format!("HSET {key} field {number} other x"), format!("HGETALL {key}")),
        4 => (format!("ZADD {key} {number}.5 m 1 n"), format!("ZRANGE {key} 0 -1 WITHSCORES")),
        _ => (format!("XADD {key} {number}-1 field value"), format!("XRANGE {key} - +")),
    };
    (key, [write, read])
}

/// As three masters share the slots.
fn part_of(slot: usize) -> usize {
    (0..3).find(|part| slot < (part + 1) * 16384 / 3).unwrap()
}

/// Keys of all types in a cluster of three parts, and what their readers must get.
struct Keys(Vec<(String, usize, Reply)>);

impl Keys {
    /// Writes some more; `masters` says where each part is.
    fn write(&mut self, servers: &mut [Server], masters: [usize; 3], count: usize) {
        for number in self.0.len()..self.0.len() + count {
            let (key, [write, read]) = of_all_types(number);
            let part = part_of(key_slot(key.as_bytes()).index());
            let server = &mut servers[masters[part]];
            let written = server.ask(&write);
            assert!(!matches!(written, Reply::Error(_)), "{write}: {written:?}");
            self.0.push((read.clone(), part, server.ask(&read)));
        }
    }

    fn check(&self, servers: &mut [Server], masters: [usize; 3]) {
        for (read, part, expected) in &self.0 {
            assert_eq!(servers[masters[*part]].ask(read), *expected, "{read}");
        }
    }
}

fn rewrite_append_only_file(server: &mut Server) {
    server.text("BGREWRITEAOF");
    server.wait_for("INFO persistence", |text| {
        text.contains("aof_rewrite_in_progress:0")
            && text.contains("aof_rewrite_scheduled:0")
            && text.contains("aof_last_bgrewrite_status:ok")
    });
    let manifest = server.folder.0.join("appendonlydir/appendonly.aof.manifest");
    let checked = Command::new("redis-check-aof").arg(manifest).output().unwrap();
    assert!(checked.status.success(), "{:?}: {}", server.kind, String::from_utf8_lossy(&checked.stdout));
}

/// Two masters have a replica each, which changes first and takes over. The third master is alone: it must have its data from its
/// folder.
#[test]
fn a_cluster_with_append_only_files_changes_programs_and_changes_back() {
    if !has_redis("a_cluster_with_append_only_files_changes_programs_and_changes_back") {
        return;
    }
    let mut servers = cluster_with(&[Redis; 3], &[(Redis, 0), (Redis, 1)], &APPEND_ONLY);
    let (mut masters, mut replicas) = ([0, 1, 2], [3, 4]);
    let mut keys = Keys(Vec::new());
    for program in [Ours, Redis] {
        // Some come before a rewrite and some after it, so that base and incremental file matter.
        keys.write(&mut servers, masters, 150);
        servers.iter_mut().for_each(rewrite_append_only_file);
        keys.write(&mut servers, masters, 150);
        for part in 0..2 {
            let (master, replica) = (masters[part], replicas[part]);
            restart_as(&mut servers, replica, program);
            servers[replica].wait_for_master_link();
            let id = servers[replica].id();
            servers[master].wait_for("INFO replication", |text| text.contains("state=online"));
            // Who votes for it answers over its own link to it, which the kill has cut.
            for server in &mut servers {
                server.wait_for_node(&id, |line| !line.contains("disconnected"));
            }
            servers[replica].must("CLUSTER FAILOVER");
            for server in &mut servers {
                server.wait_for_node(&id, |line| line.contains("master"));
            }
            servers[master].wait_for_master_link();
            restart_as(&mut servers, master, program);
            servers[master].wait_for_master_link();
            (masters[part], replicas[part]) = (replica, master);
        }
        restart_as(&mut servers, masters[2], program);
        let expected = slots_seen_by(&mut servers[masters[0]]);
        assert_eq!(expected.len(), 3);
        wait_until_all_is_well(&mut servers, &expected);
        assert!(servers.iter().all(|server| server.kind == program));
        keys.check(&mut servers, masters);
    }
}
