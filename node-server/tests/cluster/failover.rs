//! Replicas take over: by election and by command, ours and redis-server's, with the data.

use rcl_proto::key_slot;
use rcl_proto::resp::Reply;

use super::server::{Kind, Server, cluster};
use crate::harness::has_redis;

/// Three masters, the first of them with a replica; the kinds in this order: master, replica, others.
fn three_masters(master: Kind, replica: Kind, others: [Kind; 2]) -> Vec<Server> {
    cluster(&[master, others[0], others[1]], &[(replica, 0)])
}

/// Keys of the first master.
fn keys() -> impl Iterator<Item = String> {
    (0..1000).map(|number| format!("key-{number}")).filter(|key| key_slot(key.as_bytes()).number() <= 5460)
}

fn write_keys(master: &mut Server) {
    keys().for_each(|key| master.must(&format!("SET {key} {key}")));
}

/// All are there, and the new master takes writes.
fn check_keys(master: &mut Server) {
    for key in keys() {
        assert_eq!(master.ask(&format!("GET {key}")), Reply::Bulk(key.clone().into()));
    }
    write_keys(master);
}

fn wait_for_the_replica_to_have_it_all(servers: &mut [Server]) {
    assert_eq!(servers[0].ask("WAIT 1 60000"), Reply::Integer(1));
}

fn a_killed_master_is_replaced(kinds: (Kind, Kind, [Kind; 2])) {
    let mut servers = three_masters(kinds.0, kinds.1, kinds.2);
    write_keys(&mut servers[0]);
    wait_for_the_replica_to_have_it_all(&mut servers);
    let mut old = servers.remove(0);
    old.kill();
    servers[2].wait_for("CLUSTER NODES", |text| text.contains("myself,master"));
    for server in &mut servers {
        server.wait_for("CLUSTER INFO", |text| text.contains("cluster_state:ok"));
    }
    check_keys(&mut servers[2]);
    // It comes back and follows the one that replaced it.
    let mut old = old.kill_and_restart();
    old.wait_for("CLUSTER NODES", |text| text.contains("myself,slave"));
    old.wait_for_master_link();
    // It gets its slots back as soon as the voters know that it is a replica: none voted about its new master yet.
    let (id, heir) = (old.id(), servers[2].id());
    for server in &mut servers {
        server.wait_for_node(&id, |line| line.contains(&format!("slave {heir}")));
    }
    old.must("CLUSTER FAILOVER");
    old.wait_for_node(&id, |line| line.contains("myself,master") && line.ends_with(" 0-5460"));
    servers[2].wait_for_node(&heir, |line| line.contains(&format!("myself,slave {id}")));
    check_keys(&mut old);
}

fn a_manual_failover_loses_nothing(kinds: (Kind, Kind, [Kind; 2]), command: &str) {
    let mut servers = three_masters(kinds.0, kinds.1, kinds.2);
    write_keys(&mut servers[0]);
    if command.ends_with("FORCE") {
        // It does not wait for what the replica doesn't have yet.
        wait_for_the_replica_to_have_it_all(&mut servers);
    }
    servers[3].must(command);
    servers[3].wait_for("CLUSTER NODES", |text| text.contains("myself,master"));
    servers[0].wait_for("CLUSTER NODES", |text| text.contains("myself,slave"));
    servers[3].wait_for("CLUSTER INFO", |text| text.contains("cluster_state:ok"));
    check_keys(&mut servers[3]);
    let key = keys().next().unwrap();
    let moved = format!("MOVED {} 127.0.0.1:{}", key_slot(key.as_bytes()), servers[3].port);
    assert_eq!(servers[0].ask(&format!("SET {key} x")), Reply::Error(moved));
}

#[test]
fn ours_are_replaced_by_ours() {
    a_killed_master_is_replaced((Kind::Ours, Kind::Ours, [Kind::Ours, Kind::Ours]));
}

#[test]
fn ours_is_elected_by_redis_votes_in_place_of_redis() {
    if has_redis("ours_is_elected_by_redis_votes_in_place_of_redis") {
        a_killed_master_is_replaced((Kind::Redis, Kind::Ours, [Kind::Redis, Kind::Redis]));
    }
}

#[test]
fn redis_is_elected_by_both_kinds_in_place_of_ours() {
    if has_redis("redis_is_elected_by_both_kinds_in_place_of_ours") {
        a_killed_master_is_replaced((Kind::Ours, Kind::Redis, [Kind::Ours, Kind::Redis]));
    }
}

#[test]
fn a_manual_failover_among_ours_loses_nothing() {
    a_manual_failover_loses_nothing((Kind::Ours, Kind::Ours, [Kind::Ours, Kind::Ours]), "CLUSTER FAILOVER");
}

#[test]
fn a_forced_failover_from_ours_to_redis_loses_nothing_that_it_has() {
    if has_redis("a_forced_failover_from_ours_to_redis_loses_nothing_that_it_has") {
        let kinds = (Kind::Ours, Kind::Redis, [Kind::Ours, Kind::Redis]);
        a_manual_failover_loses_nothing(kinds, "CLUSTER FAILOVER FORCE");
    }
}
