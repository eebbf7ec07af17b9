//! Subscribers of sharded channels are told when their channel's slot changes hands: by nodes of ours and by redis-server, with
//! the same messages.

use rcl_proto::key_slot;
use rcl_proto::resp::Reply;

use super::client::Client;
use super::server::{Kind, Server, cluster_of, master_and_replica, with_both};

fn word(text: &str) -> Reply {
    Reply::Bulk(text.into())
}

/// A client that is subscribed to these channels, each told in its message.
fn subscriber(server: &Server, channels: &[&str]) -> Client {
    let mut client = Client::connect(server.port).unwrap();
    for (number, channel) in (1..).zip(channels) {
        let expected = Reply::Array(vec![word("ssubscribe"), word(channel), Reply::Integer(number)]);
        assert_eq!(client.try_ask(&format!("SSUBSCRIBE {channel}")).unwrap(), expected);
    }
    client
}

/// The next two messages, by channel: the order of the channels of a slot is nobody's promise.
fn two_messages(client: &mut Client) -> Vec<(Reply, Reply, Reply)> {
    let mut messages: Vec<_> = (0..2)
        .map(|_| match client.read().unwrap() {
            Reply::Array(parts) => <[Reply; 3]>::try_from(parts).unwrap().into(),
            other => panic!("{other:?}"),
        })
        .collect();
    messages.sort_by_key(|(_, channel, _)| format!("{channel:?}"));
    messages
}

#[test]
fn subscribers_are_told_of_the_channels_of_a_slot_that_moved() {
    with_both("subscribers_are_told_of_the_channels_of_a_slot_that_moved", |kind| {
        let mut servers = cluster_of(kind, 2, 2);
        let ids = [servers[0].id(), servers[1].id()];
        let slot = key_slot(b"{b}").number();
        assert!(slot < 8192 && key_slot(b"{f}").number() < 8192);
        let mut client = subscriber(&servers[0], &["{b}1", "{f}", "{b}2"]);
        servers[1].must(&format!("CLUSTER SETSLOT {slot} IMPORTING {}", ids[0]));
        servers[0].must(&format!("CLUSTER SETSLOT {slot} MIGRATING {}", ids[1]));
        servers[1].must(&format!("CLUSTER SETSLOT {slot} NODE {}", ids[1]));
        servers[0].must(&format!("CLUSTER SETSLOT {slot} NODE {}", ids[1]));
        let messages = two_messages(&mut client);
        let told = |place: usize| (&messages[place].0, &messages[place].1);
        assert_eq!(told(0), (&word("sunsubscribe"), &word("{b}1")), "{kind:?}");
        assert_eq!(told(1), (&word("sunsubscribe"), &word("{b}2")), "{kind:?}");
        let mut left: Vec<String> = messages.iter().map(|(_, _, left)| format!("{left:?}")).collect();
        left.sort();
        assert_eq!(left, ["Integer(1)", "Integer(2)"], "{kind:?}");
        assert_eq!(servers[0].ask("SPUBLISH {f} text"), Reply::Integer(1));
        let message = [word("smessage"), word("{f}"), word("text")];
        assert_eq!(client.read().unwrap(), Reply::Array(message.into()), "{kind:?}");
        let sent_on = client.try_ask("SSUBSCRIBE {b}1").unwrap();
        assert_eq!(sent_on, Reply::Error(format!("MOVED {slot} 127.0.0.1:{}", servers[1].port)), "{kind:?}");
    });
}

#[test]
fn subscribers_are_told_on_both_nodes_when_a_replica_takes_over() {
    with_both("subscribers_are_told_on_both_nodes_when_a_replica_takes_over", |kind| {
        let mut servers = master_and_replica(kind);
        let mut clients = [subscriber(&servers[0], &["channel"]), subscriber(&servers[1], &["channel"])];
        servers[1].must("CLUSTER FAILOVER");
        // The node that takes over tells its own subscribers since Redis 7.2.
        let told = if kind == Kind::Redis { 1 } else { 2 };
        for client in &mut clients[..told] {
            let expected = [word("sunsubscribe"), word("channel"), Reply::Integer(0)];
            assert_eq!(client.read().unwrap(), Reply::Array(expected.into()), "{kind:?}");
        }
    });
}
