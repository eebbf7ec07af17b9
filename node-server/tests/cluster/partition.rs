//! A process that stands still (SIGSTOP) is to the others as one behind a broken cable: it hears nothing, says nothing,
//! and goes on with its old view when it is back.

use super::handover::start_load;
use super::server::{Kind, Server, cluster, slots_seen_by};
use crate::harness::has_redis;
use Kind::{Ours, Redis};

fn wait_for_state(servers: &mut [Server], state: &str) {
    for server in servers {
        server.wait_for("CLUSTER INFO", |text| text.contains(&format!("cluster_state:{state}\r\n")));
    }
}

/// A frozen master is failed over, and comes back as a replica.
fn frozen(master: Kind, replica: Kind) -> Vec<Server> {
    let mut servers = cluster(&[master, Ours, Redis], &[(replica, 0)]);
    let (old, heir) = (servers[0].id(), servers[3].id());
    let load = start_load(&servers);
    servers[0].freeze();
    for server in &mut servers[1..] {
        server.wait_for_node(&old, |line| line.contains("master,fail "));
        server.wait_for_node(&heir, |line| line.contains("master") && line.ends_with(" 0-5460"));
    }
    wait_for_state(&mut servers[1..], "ok");
    servers[0].thaw();
    // Its claim is stale: it is told by an UPDATE.
    for server in &mut servers {
        server.wait_for_node(&old, |line| line.contains(&format!("slave {heir}")) && !line.contains("fail"));
    }
    servers[0].wait_for_master_link();
    // What it was asked before it knew may be acknowledged and gone, and nothing else.
    let phase = load.stop().0;
    eprintln!("a frozen {master:?}, {replica:?} in its place: {phase}");
    phase.assert_right("a frozen master");
    servers
}

#[test]
fn a_frozen_redis_is_replaced_by_ours() {
    if has_redis("a_frozen_redis_is_replaced_by_ours") {
        frozen(Redis, Ours);
    }
}

#[test]
fn a_frozen_one_of_ours_is_replaced_by_redis_and_both_see_the_majority_go() {
    if !has_redis("a_frozen_one_of_ours_is_replaced_by_redis_and_both_see_the_majority_go") {
        return;
    }
    let mut servers = frozen(Ours, Redis);
    let expected = slots_seen_by(&mut servers[3]);
    servers[1..3].iter().for_each(Server::freeze);
    for at in [0, 3] {
        wait_for_state(&mut servers[at..=at], "fail");
    }
    servers[1..3].iter().for_each(Server::thaw);
    wait_for_state(&mut servers, "ok");
    for server in &mut servers {
        let seen = server.wait_for("CLUSTER NODES", |text| !text.contains("fail"));
        assert_eq!(slots_seen_by(server), expected, "{seen}");
    }
}
