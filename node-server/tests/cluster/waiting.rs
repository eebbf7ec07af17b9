//! What becomes of clients that wait on keys when the cluster changes: each on nodes of ours and on redis-server, with the
//! same words.

use rcl_proto::key_slot;
use rcl_proto::resp::Reply;

use super::client::Client;
use super::server::{Server, cluster_of, master_and_replica, with_both};
use crate::harness::wait_until;

/// A client that waits for an element of this key.
fn waiting(server: &mut Server, key: &str) -> Client {
    let mut client = Client::connect(server.port).unwrap();
    client.send(format!("BLPOP {key} 0\r\n").as_bytes());
    wait_until("it waits", || is_waiting(server));
    client
}

fn is_waiting(server: &mut Server) -> bool {
    server.text("INFO clients").contains("blocked_clients:1\r\n")
}

fn answer(client: &mut Client) -> String {
    match client.read().unwrap() {
        Reply::Error(text) => text,
        other => format!("{other:?}"),
    }
}

const KEY: &str = "key";

#[test]
fn they_are_sent_on_when_their_slot_has_moved() {
    with_both("they_are_sent_on_when_their_slot_has_moved", |kind| {
        let mut servers = cluster_of(kind, 2, 2);
        let slot = key_slot(KEY.as_bytes()).number();
        let (ids, ports) = ([servers[0].id(), servers[1].id()], [servers[0].port, servers[1].port]);
        let from = usize::from(slot >= 8192);
        let to = 1 - from;
        let mut client = waiting(&mut servers[from], KEY);
        servers[to].must(&format!("CLUSTER SETSLOT {slot} IMPORTING {}", ids[from]));
        servers[from].must(&format!("CLUSTER SETSLOT {slot} MIGRATING {}", ids[to]));
        assert!(is_waiting(&mut servers[from]), "while the slot is on its way its key may still come here");
        servers[to].must(&format!("CLUSTER SETSLOT {slot} NODE {}", ids[to]));
        servers[from].must(&format!("CLUSTER SETSLOT {slot} NODE {}", ids[to]));
        assert_eq!(answer(&mut client), format!("MOVED {slot} 127.0.0.1:{}", ports[to]), "{kind:?}");
        // The connection goes on.
        assert_eq!(client.try_ask("PING").unwrap(), Reply::Simple("PONG".into()));
    });
}

/// A client that said ASKING may wait for what MIGRATE brings.
#[test]
fn they_wait_on_a_slot_that_is_being_imported() {
    with_both("they_wait_on_a_slot_that_is_being_imported", |kind| {
        let mut servers = cluster_of(kind, 2, 2);
        let slot = key_slot(KEY.as_bytes()).number();
        let ids = [servers[0].id(), servers[1].id()];
        let from = usize::from(slot >= 8192);
        let to = 1 - from;
        servers[to].must(&format!("CLUSTER SETSLOT {slot} IMPORTING {}", ids[from]));
        servers[from].must(&format!("CLUSTER SETSLOT {slot} MIGRATING {}", ids[to]));
        let mut client = Client::connect(servers[to].port).unwrap();
        client.send(format!("ASKING\r\nBLPOP {KEY} 0\r\n").as_bytes());
        assert_eq!(client.read().unwrap(), Reply::Simple("OK".into()));
        wait_until("it waits", || is_waiting(&mut servers[to]));
        let mut asking = Client::connect(servers[to].port).unwrap();
        asking.try_ask("ASKING").unwrap();
        assert_eq!(asking.try_ask(&format!("RPUSH {KEY} element")).unwrap(), Reply::Integer(1));
        let element = [KEY, "element"].map(|text| Reply::Bulk(text.into()));
        assert_eq!(client.read().unwrap(), Reply::Array(element.into()), "{kind:?}");
    });
}

#[test]
fn they_are_told_when_nobody_serves_their_slot() {
    with_both("they_are_told_when_nobody_serves_their_slot", |kind| {
        let mut servers = cluster_of(kind, 1, 1);
        let server = &mut servers[0];
        server.must("CONFIG SET cluster-require-full-coverage no");
        let mut client = waiting(server, KEY);
        server.must(&format!("CLUSTER DELSLOTS {}", key_slot(KEY.as_bytes())));
        assert_eq!(answer(&mut client), "CLUSTERDOWN Hash slot not served", "{kind:?}");
        assert_eq!(client.try_ask("PING").unwrap(), Reply::Simple("PONG".into()));
    });
}

#[test]
fn they_are_told_when_the_cluster_is_down() {
    with_both("they_are_told_when_the_cluster_is_down", |kind| {
        let mut servers = cluster_of(kind, 3, 3);
        let of_key = usize::from(key_slot(KEY.as_bytes()).number()) * 3 / 16384;
        let mut client = waiting(&mut servers[of_key], KEY);
        servers[(of_key + 1) % 3].kill();
        assert_eq!(answer(&mut client), "CLUSTERDOWN The cluster is down", "{kind:?}");
    });
}

#[test]
fn they_are_unblocked_when_their_master_becomes_a_replica() {
    with_both("they_are_unblocked_when_their_master_becomes_a_replica", |kind| {
        let mut servers = master_and_replica(kind);
        let mut client = waiting(&mut servers[0], KEY);
        let mut waits_for_replicas = Client::connect(servers[0].port).unwrap();
        waits_for_replicas.send(b"WAIT 5 0\r\n");
        servers[0].wait_for("INFO clients", |text| text.contains("blocked_clients:2\r\n"));
        servers[1].must("CLUSTER FAILOVER");
        for client in [&mut client, &mut waits_for_replicas] {
            assert_eq!(
                answer(client),
                "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
                "{kind:?}"
            );
            let closed = client.read().expect_err("the connection ends");
            assert_eq!(closed.kind(), std::io::ErrorKind::UnexpectedEof);
        }
    });
}
