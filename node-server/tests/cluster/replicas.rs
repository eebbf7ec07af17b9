//! Whom replicas follow in a mixed cluster: the winner of an election, an orphan, and nobody after a reset.

use super::server::{Kind, Server, cluster, line_of, meet_all};
use crate::harness::has_redis;
use Kind::{Ours, Redis};

/// A master and one of its replicas are of the `follower`'s kind, its other replica of the `winner`'s, which takes over.
/// Then the winner has two of the followers' kind, and one of them goes to an orphan of the winner's kind.
fn they_follow(follower: Kind, winner: Kind) {
    const OLD: usize = 0;
    const ORPHANS: [usize; 2] = [1, 2];
    const WINNER: usize = 3;
    const FOLLOWER: usize = 4;
    const LOST: usize = 5;
    let replicas = [(winner, OLD), (follower, OLD), (Redis, ORPHANS[0])];
    let mut servers = cluster(&[follower, winner, winner], &replicas);
    let ids: Vec<String> = servers.iter_mut().map(Server::id).collect();
    servers[FOLLOWER].must("CONFIG SET cluster-replica-no-failover yes");
    servers[OLD].must("SET {bar}key value");
    servers[OLD].kill();
    servers[WINNER].wait_for_node(&ids[WINNER], |line| line.ends_with(" 0-5460"));
    servers[FOLLOWER].must("CONFIG SET cluster-replica-no-failover no");
    let follows = format!("slave {} ", ids[WINNER]);
    servers[FOLLOWER].wait_for_node(&ids[FOLLOWER], |line| line.contains(&follows));
    servers[FOLLOWER].wait_for_master_link();
    assert_eq!(servers[WINNER].count("stats", "sync_full"), 0);
    assert_eq!(servers[WINNER].count("stats", "sync_partial_ok"), 1);
    let old = servers.remove(OLD).kill_and_restart();
    servers.insert(OLD, old);
    servers[OLD].wait_for_node(&ids[OLD], |line| line.contains(&follows));
    servers[OLD].wait_for_master_link();

    // The last master never had a replica. Whoever reads its slots from a file after others had theirs takes it for an
    // orphan, too.
    servers[LOST].kill();
    let goes = ORPHANS.map(|at| format!("slave {} ", ids[at]));
    let has_gone = |line: &str| goes.iter().any(|words| line.contains(words));
    let nodes = servers[WINNER].wait_for("CLUSTER NODES", |text| {
        [OLD, FOLLOWER].iter().any(|&at| line_of(text, &ids[at]).is_some_and(has_gone))
    });
    let (mover, stayer) =
        if line_of(&nodes, &ids[OLD]).is_some_and(has_gone) { (OLD, FOLLOWER) } else { (FOLLOWER, OLD) };
    for server in servers[..LOST].iter_mut() {
        server.wait_for_node(&ids[mover], has_gone);
        server.wait_for_node(&ids[stayer], |line| line.contains(&follows));
    }
    servers[mover].wait_for_master_link();
}

#[test]
fn ours_follow_the_winner_of_redis_and_one_goes_to_an_orphan() {
    if has_redis("ours_follow_the_winner_of_redis_and_one_goes_to_an_orphan") {
        they_follow(Ours, Redis);
    }
}

#[test]
fn redis_s_follow_our_winner_and_one_goes_to_an_orphan() {
    if has_redis("redis_s_follow_our_winner_and_one_goes_to_an_orphan") {
        they_follow(Redis, Ours);
    }
}

#[test]
fn a_node_of_ours_is_reset_and_joins_redis_again() {
    if !has_redis("a_node_of_ours_is_reset_and_joins_redis_again") {
        return;
    }
    let mut servers = cluster(&[Redis, Ours, Redis], &[(Ours, 0)]);
    servers[0].must("SET {bar}key value");
    let (master, first) = (servers[0].id(), servers[3].id());
    let join_again = |servers: &mut [Server]| {
        meet_all(servers);
        servers[3].must(&format!("CLUSTER REPLICATE {master}"));
        servers[3].wait_for_master_link();
        servers[3].wait_for("INFO keyspace", |text| text.contains("keys=1,"));
        let id = servers[3].id();
        for server in servers {
            server.wait_for_node(&id, |line| line.contains(&format!("slave {master}")));
        }
        id
    };
    servers[3].must("CLUSTER RESET SOFT");
    assert_eq!(servers[3].info("cluster_known_nodes"), "1");
    assert_eq!(join_again(&mut servers), first);

    servers[3].must("CLUSTER RESET HARD");
    assert_eq!(
        (servers[3].info("cluster_known_nodes"), servers[3].info("cluster_my_epoch")),
        ("1".into(), "0".into())
    );
    assert_ne!(servers[3].id(), first);
    // Somebody else answers at the old one's address now.
    for server in &mut servers[..3] {
        server.wait_for_node(&first, |line| line.contains("noaddr"));
    }
    for server in &mut servers[..3] {
        server.must(&format!("CLUSTER FORGET {first}"));
    }
    assert_ne!(join_again(&mut servers), first);
}

#[test]
fn equal_epochs_of_both_kinds_part() {
    if !has_redis("equal_epochs_of_both_kinds_part") {
        return;
    }
    let mut servers: Vec<Server> = [Ours, Redis, Ours, Redis].map(Server::start).into();
    for (number, server) in servers.iter_mut().enumerate() {
        server.must("CLUSTER SET-CONFIG-EPOCH 5");
        server.must(&format!("CLUSTER ADDSLOTSRANGE {} {}", number * 4096, number * 4096 + 4095));
    }
    meet_all(&mut servers);
    let epochs = |text: &str| -> Vec<(String, String)> {
        let mut epochs: Vec<(String, String)> = text
            .lines()
            .map(|line| line.split(' ').collect::<Vec<_>>())
            .map(|words| (words[6].to_owned(), words[0].to_owned()))
            .collect();
        epochs.sort();
        epochs
    };
    let differ = |text: &str| epochs(text).windows(2).all(|pair| pair[0].0 != pair[1].0);
    let start = std::time::Instant::now();
    loop {
        let seen: Vec<String> =
            servers.iter_mut().map(|server| server.wait_for("CLUSTER NODES", differ)).collect();
        if seen.iter().all(|text| epochs(text) == epochs(&seen[0])) {
            break;
        }
        assert!(start.elapsed() < crate::harness::PATIENCE, "they do not agree: {seen:#?}");
    }
}
