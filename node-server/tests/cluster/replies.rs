//! CLUSTER's replies beside redis-server's.

use rcl_proto::resp::Reply;

use super::both::Both;
use super::client::Client;
use super::server::{Kind, Server, meet_all, share_slots};
use crate::harness::{free_port, has_redis, wait_until};

/// What both must answer alike, to the letter.
const SAME: &[&str] = &[
    "CLUSTER FAILOVER a b",
    "CLUSTER FAILOVER x",
    "CLUSTER FAILOVER",
    "CLUSTER RESET a b",
    "CLUSTER RESET x",
    "CLUSTER ADDSLOTS",
    "CLUSTER ADDSLOTS 16384",
    "CLUSTER ADDSLOTS x",
    "CLUSTER ADDSLOTS -1",
    "CLUSTER ADDSLOTS 5 5",
    "CLUSTER ADDSLOTSRANGE 5 3",
    "CLUSTER ADDSLOTSRANGE 1 2 3",
    "CLUSTER ADDSLOTSRANGE 0 1 1 2",
    "CLUSTER ADDSLOTSRANGE 0 10",
    "CLUSTER ADDSLOTS 3",
    "CLUSTER DELSLOTS 20",
    "CLUSTER DELSLOTS 3 3",
    "CLUSTER DELSLOTSRANGE 3 1",
    "CLUSTER DELSLOTSRANGE 3 4",
    "CLUSTER SETSLOT 1 foo",
    "CLUSTER SETSLOT 1 foo x",
    "CLUSTER SETSLOT x STABLE",
    "CLUSTER SETSLOT 1 STABLE",
    "CLUSTER SETSLOT 1 STABLE x",
    "CLUSTER SETSLOT 1 NODE",
    "CLUSTER SETSLOT 1 NODE x",
    "CLUSTER SETSLOT 1 MIGRATING",
    "CLUSTER SETSLOT 1 MIGRATING x",
    "CLUSTER SETSLOT 3 MIGRATING x",
    "CLUSTER SETSLOT 1 IMPORTING x",
    "CLUSTER SETSLOT 3 IMPORTING x",
    "CLUSTER MEET 127.0.0.1",
    "CLUSTER MEET 127.0.0.1 70000",
    "CLUSTER MEET 127.0.0.1 7000 1 2",
    "CLUSTER MEET host 7000",
    "CLUSTER MEET 127.0.0.1 0",
    "CLUSTER MEET 127.0.0.1 60000",
    "CLUSTER MEET 127.0.0.1 -1",
    "CLUSTER COUNTKEYSINSLOT 16384",
    "CLUSTER COUNTKEYSINSLOT x",
    "CLUSTER COUNTKEYSINSLOT 1",
    "CLUSTER GETKEYSINSLOT 0 -1",
    "CLUSTER GETKEYSINSLOT 16384 1",
    "CLUSTER GETKEYSINSLOT x 1",
    "CLUSTER GETKEYSINSLOT 1 x",
    "CLUSTER GETKEYSINSLOT 1 10",
    "CLUSTER SET-CONFIG-EPOCH x",
    "CLUSTER SET-CONFIG-EPOCH -1",
    "CLUSTER KEYSLOT",
    "CLUSTER KEYSLOT abc",
    "CLUSTER KEYSLOT {a}bc",
    "CLUSTER",
    "CLUSTER NOSUCH",
    "CLUSTER HELP x",
    "CLUSTER REPLICATE abc",
    "CLUSTER REPLICAS abc",
    "CLUSTER SLAVES abc",
    "CLUSTER FORGET abc",
    "CLUSTER COUNT-FAILURE-REPORTS abc",
    "CLUSTER BUMPEPOCH",
    "CLUSTER SET-CONFIG-EPOCH 5",
    "CLUSTER SAVECONFIG",
    "CLUSTER INFO",
    "CLUSTER LINKS",
    "CLUSTER FLUSHSLOTS",
    "CLUSTER SLOTS",
    "CLUSTER RESET SOFT",
    "CLUSTER RESET HARD",
    "READONLY",
    "READWRITE",
    "ASKING",
];

#[test]
fn answers_are_redis_s_to_the_letter() {
    if !has_redis("answers_are_redis_s_to_the_letter") {
        return;
    }
    let (mut ours, mut redis) = (Server::start(Kind::Ours), Server::start(Kind::Redis));
    let differing: Vec<String> = SAME
        .iter()
        .filter_map(|line| {
            let (ours, redis) = (ours.ask(line), redis.ask(line));
            (ours != redis).then(|| format!("{line}\n  ours  {ours:?}\n  redis {redis:?}"))
        })
        .collect();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn what_is_asked_of_other_nodes_is_answered_as_redis_does() {
    if !has_redis("what_is_asked_of_other_nodes_is_answered_as_redis_does") {
        return;
    }
    let mut both = Both::start(2, 1);
    // This key lies in slot 866, of the first node.
    both.same(
        0,
        "SET hello 1
         WAIT 1 0
         CLUSTER KEYSLOT hello
         CLUSTER COUNTKEYSINSLOT 866
         CLUSTER GETKEYSINSLOT 866 0
         CLUSTER GETKEYSINSLOT 866 5
         CLUSTER REPLICATE @0
         CLUSTER REPLICATE @1
         CLUSTER REPLICATE @2
         CLUSTER FORGET @0
         CLUSTER FAILOVER
         CLUSTER FAILOVER FORCE
         CLUSTER REPLICAS @2
         CLUSTER SLAVES @1
         CLUSTER COUNT-FAILURE-REPORTS @1
         CLUSTER SET-CONFIG-EPOCH 5
         CLUSTER ADDSLOTS 16383
         CLUSTER DELSLOTS 866 866
         CLUSTER SETSLOT 866 NODE @1
         CLUSTER SETSLOT 866 NODE @2
         CLUSTER SETSLOT 866 MIGRATING @2
         CLUSTER SETSLOT 866 IMPORTING @1
         CLUSTER SETSLOT 9000 MIGRATING @1
         CLUSTER SETSLOT 9000 IMPORTING @2
         CLUSTER SETSLOT 9000 IMPORTING @1
         CLUSTER SETSLOT 9000 STABLE
         CLUSTER FLUSHSLOTS
         CLUSTER RESET
         CLUSTER RESET HARD
         CLUSTER MYID x
         CLUSTER NODES x
         CLUSTER LINKS x
         CLUSTER SLOTS x
         CLUSTER SHARDS x
         CLUSTER REPLICAS
         CLUSTER BUMPEPOCH x",
    );
    both.same(
        2,
        "CLUSTER REPLICAS @2
         CLUSTER REPLICATE @2
         CLUSTER FORGET @0
         CLUSTER FORGET @2
         CLUSTER SETSLOT 866 STABLE
         CLUSTER ADDSLOTS 866
         CLUSTER FLUSHSLOTS
         CLUSTER FAILOVER NOW
         CLUSTER MYID",
    );
}

#[test]
fn a_node_that_is_being_met_is_shown_as_redis_shows_it() {
    if !has_redis("a_node_that_is_being_met_is_shown_as_redis_shows_it") {
        return;
    }
    // Nobody listens there.
    let port = free_port();
    for kind in [Kind::Ours, Kind::Redis] {
        let mut server = Server::start(kind);
        server.must(&format!("CLUSTER MEET 127.0.0.1 {port} {port}"));
        let shown = |text: &str| text.contains(&format!(" 127.0.0.1:{port}@{port} handshake - "));
        server.wait_for("CLUSTER NODES", shown);
        // And it is forgotten when it does not answer.
        server.wait_for("CLUSTER NODES", |text| !shown(text));
        assert_eq!(server.info("cluster_known_nodes"), "1", "{kind:?}");
    }
}

/// Where Redis 7.2 says something else than 7.0, which the other tests here ask.
#[test]
fn words_that_changed_since_7_0_are_those_of_7_2() {
    let mut server = Server::start(Kind::Ours);
    for (line, text) in [
        ("CLUSTER MEET 127.0.0.1 x", "ERR Invalid base port specified: x"),
        ("CLUSTER MEET 127.0.0.1 7000 x", "ERR Invalid bus port specified: x"),
    ] {
        assert_eq!(server.ask(line), Reply::Error(text.into()), "{line}");
    }
    // 40 hexadecimal digits, beside the node's own.
    let (id, shard) = (server.id(), server.text("CLUSTER MYSHARDID"));
    assert!(
        shard.len() == 40 && shard != id && shard.bytes().all(|digit| digit.is_ascii_hexdigit()),
        "{shard}"
    );
    // A port that is announced for TLS is shown beside the other one.
    server.must("CONFIG SET cluster-announce-tls-port 7443");
    let shards = shape(&server.ask("CLUSTER SHARDS"));
    assert!(shards.contains("port integer tls-port integer ip"), "{shards}");
}

/// In one transaction: what is changed counts for what follows in it.
const TRANSACTIONS: &[&[&str]] = &[
    &[
        "CLUSTER ADDSLOTS 100 101",
        "CLUSTER ADDSLOTS 100",
        "PING",
        "CLUSTER COUNTKEYSINSLOT 100",
        "CLUSTER ADDSLOTS x",
        "CLUSTER DELSLOTS 101",
        "CLUSTER SET-CONFIG-EPOCH 3",
        "CLUSTER BUMPEPOCH",
        "CLUSTER SLOTS",
    ],
    &["CLUSTER NOSUCH", "PING"],
    &["CLUSTER FLUSHSLOTS", "CLUSTER SLOTS"],
    &["CLUSTER FAILOVER", "CLUSTER REPLICATE abc", "CLUSTER FORGET abc", "CLUSTER SAVECONFIG"],
    &["CLUSTER ADDSLOTS 1", "SET k v", "CLUSTER RESET SOFT"],
    &["CLUSTER RESET HARD", "CLUSTER SET-CONFIG-EPOCH 9", "CLUSTER BUMPEPOCH"],
];

#[test]
fn a_transaction_changes_the_cluster_as_redis_does() {
    if !has_redis("a_transaction_changes_the_cluster_as_redis_does") {
        return;
    }
    let (mut ours, mut redis) = (Server::start(Kind::Ours), Server::start(Kind::Redis));
    let all = |server: &mut Server, lines: &[&str]| {
        let lines = std::iter::once(&"MULTI").chain(lines).chain(&["EXEC", "CLUSTER SLOTS", "PING"]);
        // Own id and address differ.
        let slots = |reply: Reply| shape(&reply);
        lines.map(|line| slots(server.ask(line))).collect::<Vec<_>>()
    };
    for lines in TRANSACTIONS {
        assert_eq!(all(&mut ours, lines), all(&mut redis, lines), "{lines:?}");
    }
}

/// A reply with what differs from node to node left out: names of fields and kinds of values stay.
fn shape(reply: &Reply) -> String {
    match reply {
        Reply::Array(elements) => format!("[{}]", elements.iter().map(shape).collect::<Vec<_>>().join(" ")),
        Reply::Map(pairs) => {
            let pair = |(name, value): &(Reply, Reply)| format!("{}={}", shape(name), shape(value));
            format!("{{{}}}", pairs.iter().map(pair).collect::<Vec<_>>().join(" "))
        }
        Reply::Bulk(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) if text.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-') => {
                text.to_owned()
            }
            _ => "bulk".to_owned(),
        },
        Reply::Integer(_) => "integer".to_owned(),
        Reply::Simple(text) => format!("+{text}"),
        Reply::Error(text) => format!("-{text}"),
        Reply::Verbatim { format, .. } => format!("verbatim-{format}"),
        other => format!("{other:?}"),
    }
}

#[test]
fn replies_have_redis_s_shape_in_both_protocols() {
    if !has_redis("replies_have_redis_s_shape_in_both_protocols") {
        return;
    }
    let mut servers = vec![Server::start(Kind::Ours), Server::start(Kind::Redis)];
    meet_all(&mut servers);
    share_slots(&mut servers, 2);
    for endpoint in ["ip", "hostname", "unknown-endpoint"] {
        for hello in ["HELLO 2", "HELLO 3"] {
            let mut clients: Vec<Client> =
                servers.iter().map(|server| Client::connect(server.port).unwrap()).collect();
            for line in [
                "CLUSTER SLOTS",
                "CLUSTER SHARDS",
                "CLUSTER LINKS",
                "CLUSTER NODES",
                "CLUSTER INFO",
                "CLUSTER MYID",
            ] {
                let mut shapes = clients.iter_mut().map(|client| {
                    client.try_ask(hello).unwrap();
                    let set = format!("CONFIG SET cluster-preferred-endpoint-type {endpoint}");
                    if endpoint != "ip"
                        && client.try_ask(&set).is_ok_and(|reply| matches!(reply, Reply::Error(_)))
                    {
                        return None;
                    }
                    Some(shape(&client.try_ask(line).unwrap()))
                });
                let (ours, redis) = (shapes.next().unwrap(), shapes.next().unwrap());
                if let (Some(ours), Some(redis)) = (ours, redis) {
                    assert_eq!(ours, redis, "{hello}, {endpoint}: {line}");
                }
            }
        }
    }
}

#[test]
fn without_a_cluster_all_is_refused() {
    let mut server = Server::start(Kind::Alone);
    for line in [
        "CLUSTER INFO",
        "CLUSTER HELP",
        "CLUSTER KEYSLOT a",
        "CLUSTER ADDSLOTS 1",
        "READONLY",
        "READWRITE",
        "ASKING",
    ] {
        let expected = Reply::Error("ERR This instance has cluster support disabled".into());
        assert_eq!(server.ask(line), expected, "{line}");
    }
}

#[test]
fn the_availability_zone_is_shown_of_nodes_that_say_one() {
    let mut servers: Vec<Server> = (0..2).map(|_| Server::start(Kind::Ours)).collect();
    meet_all(&mut servers);
    share_slots(&mut servers, 2);
    let hello = |server: &mut Server| format!("{:?}", server.ask("HELLO"));
    assert!(!hello(&mut servers[0]).contains("availability"));
    servers[0].must("CONFIG SET availability-zone zone-a");
    let Reply::Array(fields) = servers[0].ask("HELLO") else { panic!("no array") };
    assert_eq!(
        fields[fields.len() - 2..],
        ["availability_zone", "zone-a"].map(|text| Reply::Bulk(text.into()))
    );
    servers[0].wait_for("INFO server", |text| text.contains("availability_zone:zone-a\r\n"));
    let is_shown = |reply: &Reply| shape(reply).matches("availability-zone zone-a").count() == 1;
    for server in &mut servers {
        for line in ["CLUSTER SLOTS", "CLUSTER SHARDS"] {
            wait_until("both know it", || is_shown(&server.ask(line)));
        }
    }
    let refused = servers[0].ask("CONFIG SET availability-zone a\rb");
    assert!(matches!(refused, Reply::Error(_)), "{refused:?}");
}

#[test]
fn the_bus_is_not_left_open_where_that_is_forbidden() {
    let mut server = Server::start(Kind::Ours);
    let refused = "ERR CONFIG SET failed (possibly related to argument 'cluster-bus-port-protected-mode') - can't \
                   enable cluster-bus-port-protected-mode while tls-cluster is disabled";
    assert_eq!(server.ask("CONFIG SET cluster-bus-port-protected-mode yes"), Reply::Error(refused.into()));
    server.wait_for_log("the cluster bus port is not authenticated");
    let mut alone = Server::start(Kind::Alone);
    alone.must("CONFIG SET cluster-bus-port-protected-mode yes");
}
