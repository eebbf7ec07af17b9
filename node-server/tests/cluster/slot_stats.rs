//! CLUSTER SLOT-STATS: what is counted for a slot, to the byte. The figures are those of Valkey 8's own tests.

use rcl_proto::key_slot;
use rcl_proto::resp::Reply;

use super::client::Client;
use super::server::{Kind, Server, meet_all, share_slots};
use crate::harness::wait_until;

/// A metric of a slot; `None` when the slot or the metric is not shown.
fn metric(server: &mut Server, slot: u16, name: &str) -> Option<i64> {
    let Reply::Array(slots) = server.ask(&format!("CLUSTER SLOT-STATS SLOTSRANGE {slot} {slot}")) else {
        panic!("no array");
    };
    let Reply::Array(entry) = slots.first()? else { panic!("{slots:?}") };
    assert_eq!(entry[0], Reply::Integer(i64::from(slot)));
    let Reply::Array(pairs) = &entry[1] else { panic!("{entry:?}") };
    let value = pairs.chunks(2).find(|pair| pair[0] == Reply::Bulk(name.into()))?;
    let Reply::Integer(value) = value[1] else { panic!("{value:?}") };
    Some(value)
}

/// Bytes in and out of a slot since the last RESETSTAT; then begins anew.
fn take_bytes(server: &mut Server, slot: u16) -> (i64, i64) {
    let bytes = ["network-bytes-in", "network-bytes-out"].map(|name| metric(server, slot, name).unwrap());
    server.must("CONFIG RESETSTAT");
    bytes.into()
}

fn start(count: usize) -> Vec<Server> {
    let mut servers: Vec<Server> = (0..count).map(|_| Server::start(Kind::Ours)).collect();
    meet_all(&mut servers);
    share_slots(&mut servers, 1);
    if let [master, replicas @ ..] = &mut servers[..] {
        for replica in replicas {
            replica.must(&format!("CLUSTER REPLICATE {}", master.id()));
            replica.wait_for("INFO replication", |text| text.contains("master_link_status:up"));
            replica.must("CONFIG SET cluster-slot-stats-enabled yes");
        }
        master.must("CONFIG SET cluster-slot-stats-enabled yes");
    }
    servers
}

#[test]
fn requests_and_replies_are_counted_for_their_slot() {
    let mut servers = start(1);
    let server = &mut servers[0];
    let slot = key_slot(b"key").number();
    server.must("SET key value");
    assert!(metric(server, slot, "memory-bytes").unwrap() > 8);
    assert_eq!(metric(server, slot, "key-count"), Some(1));
    assert_eq!(take_bytes(server, slot), (33, 5));

    let mut client = Client::connect(server.port).unwrap();
    client.send(b"SET key value\r\n");
    assert_eq!(client.read().unwrap(), Reply::Simple("OK".into()));
    assert_eq!(take_bytes(server, slot), (15, 5));

    // MULTI 15, SET 33, EXEC 14; the one answer that is about the slot is EXEC's.
    server.must("MULTI");
    assert_eq!(server.ask("SET key value"), Reply::Simple("QUEUED".into()));
    server.ask("EXEC");
    assert_eq!(take_bytes(server, slot), (62, 9));

    // An error of the command is an answer as any; what is about no slot counts nowhere.
    let wrong = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
    server.ask("LPUSH key x");
    server.ask("INFO");
    server.ask("PUBLISH key message");
    assert_eq!(take_bytes(server, slot), (31, wrong.len() as i64));
}

#[test]
fn a_request_that_waits_is_counted_when_it_is_answered() {
    let mut servers = start(1);
    let server = &mut servers[0];
    let slot = key_slot(b"key").number();
    let mut waiting = Client::connect(server.port).unwrap();
    waiting.send(b"*3\r\n$5\r\nblpop\r\n$3\r\nkey\r\n$1\r\n0\r\n");
    wait_until("it waits", || server.text("INFO clients").contains("blocked_clients:1\r\n"));
    assert_eq!(take_bytes(server, slot), (0, 0));
    assert_eq!(server.ask("LPUSH key value"), Reply::Integer(1));
    waiting.read().unwrap();
    // BLPOP 31 and LPUSH 35, their answers 24 and 4.
    assert_eq!(take_bytes(server, slot), (66, 28));

    assert_eq!(waiting.try_ask("BLPOP key 0.01").unwrap(), Reply::Null);
    assert_eq!(take_bytes(server, slot), (34, 5));
}

#[test]
fn time_is_counted_and_statistics_end_with_the_slot() {
    let mut servers = start(1);
    let server = &mut servers[0];
    let slot = key_slot(b"key").number();
    let used = |server: &mut Server| metric(server, slot, "cpu-usec").unwrap();
    for _ in 0..200 {
        server.must("SET key value");
    }
    let with_writes = used(server);
    assert!(with_writes > 0);
    server.ask("MULTI");
    server.ask("GET key");
    server.ask("EXEC");
    assert!(used(server) >= with_writes);

    // Off: only the count of keys is shown, and nothing is counted.
    let bytes = metric(server, slot, "network-bytes-in");
    server.must("CONFIG SET cluster-slot-stats-enabled no");
    server.must("SET key value");
    assert_eq!(metric(server, slot, "key-count"), Some(1));
    assert_eq!(metric(server, slot, "cpu-usec"), None);
    let error = Reply::Error("ERR Unrecognized sort metric for ORDERBY.".into());
    assert_eq!(server.ask("CLUSTER SLOT-STATS ORDERBY memory-bytes"), error);
    server.must("CONFIG SET cluster-slot-stats-enabled yes");
    assert_eq!(metric(server, slot, "network-bytes-in"), bytes);

    server.must("CONFIG SET cluster-require-full-coverage no");
    server.must(&format!("CLUSTER DELSLOTS {slot}"));
    assert_eq!(metric(server, slot, "key-count"), None, "not ours: not listed");
    server.must(&format!("CLUSTER ADDSLOTS {slot}"));
    assert_eq!(metric(server, slot, "network-bytes-in"), Some(0));
    let Reply::Array(slots) = server.ask("CLUSTER SLOT-STATS ORDERBY key-count LIMIT 3") else { panic!() };
    let numbers: Vec<_> = slots
        .iter()
        .map(|slot| match slot {
            Reply::Array(entry) => entry[0].clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(numbers, [i64::from(slot), 0, 1].map(Reply::Integer));
}

#[test]
fn the_stream_to_replicas_and_sharded_messages_are_counted() {
    let mut servers = start(2);
    let (master, replica) = {
        let (one, other) = servers.split_at_mut(1);
        (&mut one[0], &mut other[0])
    };
    let slot = key_slot(b"key").number();
    master.must("SET key value");
    assert_eq!(master.ask("WAIT 1 60000"), Reply::Integer(1));
    // 5 to the client, 33 to the one replica; the SELECT before it is no slot's.
    assert_eq!(take_bytes(master, slot), (33, 38));
    assert_eq!(take_bytes(replica, slot), (33, 0));

    let mut subscriber = Client::connect(replica.port).unwrap();
    subscriber.try_ask("SSUBSCRIBE key").unwrap();
    assert_eq!(take_bytes(replica, slot), (30, 34));
    assert_eq!(master.ask("SPUBLISH key hello"), Reply::Integer(0));
    assert_eq!(take_bytes(master, slot), (38, 4));
    subscriber.read().unwrap();
    let sent = "*3\r\n$8\r\nsmessage\r\n$3\r\nkey\r\n$5\r\nhello\r\n".len() as i64;
    wait_until("the message is counted", || metric(replica, slot, "network-bytes-out") == Some(sent));
}
