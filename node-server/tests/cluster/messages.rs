//! PUBLISH and SPUBLISH, carried between our nodes and redis-server.

use rcl_proto::resp::Reply;

use super::client::Client;
use super::server::{Kind, Server, cluster};
use crate::harness::has_redis;
use Kind::{Ours, Redis};

fn words(words: &[&str]) -> Reply {
    Reply::Array(words.iter().map(|word| Reply::Bulk((*word).into())).collect())
}

/// A client of each server that has asked for this, and has been told that it has it.
fn listeners(servers: &[Server], line: &str) -> Vec<Client> {
    let mut clients: Vec<Client> =
        servers.iter().map(|server| Client::connect(server.port).unwrap()).collect();
    clients.iter_mut().for_each(|client| assert!(matches!(client.try_ask(line).unwrap(), Reply::Array(_))));
    clients
}

#[test]
fn a_message_reaches_subscribers_of_both_kinds() {
    if !has_redis("a_message_reaches_subscribers_of_both_kinds") {
        return;
    }
    let mut servers = cluster(&[Ours, Redis, Ours], &[]);
    let mut by_name = listeners(&servers, "SUBSCRIBE news");
    let mut by_pattern = listeners(&servers, "PSUBSCRIBE n?ws*");
    let large = "x".repeat(1 << 20);
    for (number, server) in servers.iter_mut().take(2).enumerate() {
        for message in [&format!("message-{number}"), &large, "after"] {
            // Those of its own clients are what a node counts.
            assert_eq!(server.ask(&format!("PUBLISH news {message}")), Reply::Integer(2));
            for listener in &mut by_name {
                assert!(listener.read().unwrap() == words(&["message", "news", message]), "from {number}");
            }
            for listener in &mut by_pattern {
                let expected = words(&["pmessage", "n?ws*", "news", message]);
                assert!(listener.read().unwrap() == expected, "from {number}, by pattern");
            }
        }
    }
}

/// A sharded message goes to the master and the replicas of its slot, and to no other shard.
fn a_shard_of_both(master: Kind, replica: Kind) {
    let mut servers = cluster(&[master, Ours, Redis], &[(replica, 0)]);
    // {bar} is in slot 5061.
    let mut shard = [&servers[0], &servers[3]].map(|server| Client::connect(server.port).unwrap());
    for client in &mut shard {
        assert!(matches!(client.try_ask("SSUBSCRIBE {bar}").unwrap(), Reply::Array(_)));
    }
    let large = "x".repeat(1 << 20);
    for publisher in [0, 3] {
        for message in [&format!("from-{publisher}"), &large, "after"] {
            let answer = servers[publisher].ask(&format!("SPUBLISH {{bar}} {message}"));
            assert_eq!(answer, Reply::Integer(1), "from {publisher}");
            for client in &mut shard {
                assert!(client.read().unwrap() == words(&["smessage", "{bar}", message]), "from {publisher}");
            }
        }
    }
    let moved = format!("MOVED 5061 127.0.0.1:{}", servers[0].port);
    for at in [1, 2] {
        assert_eq!(servers[at].ask("SPUBLISH {bar} x"), Reply::Error(moved.clone()));
    }
    // Redis leaves a counter out that is zero.
    for at in [1, 2] {
        let info = servers[at].text("CLUSTER INFO");
        assert!(!info.contains("publishshard_received"), "the other shards have nothing of it: {info}");
    }
}

#[test]
fn a_sharded_message_reaches_redis_s_replica_of_ours() {
    if has_redis("a_sharded_message_reaches_redis_s_replica_of_ours") {
        a_shard_of_both(Ours, Redis);
    }
}

#[test]
fn a_sharded_message_reaches_our_replica_of_redis() {
    if has_redis("a_sharded_message_reaches_our_replica_of_redis") {
        a_shard_of_both(Redis, Ours);
    }
}
