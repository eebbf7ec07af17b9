//! A Member among real redis-server processes: what it sends is understood, what they send is. Skipped,
//! loudly, where there is no redis-server. Ports from 24000 on.
#![allow(clippy::disallowed_methods, reason = "the test is the edge: it has sockets, a clock and processes")]

mod codec;
mod driver;
mod kinds;
mod redis;

use std::time::Duration;

use driver::Driver;
use rcl_cluster::{Command, FailoverMode, Reply};
use redis::{Redis, meet_all, wait_for};

const LONG: Duration = Duration::from_secs(20);

/// Three Redis masters with a replica of Redis's each for the first, and a member of ours with slots.
#[test]
fn a_member_lives_among_redis_servers() {
    if !redis::is_here() {
        return;
    }
    let mut servers: Vec<Redis> = (0..3).map(|index| Redis::start(24000 + index)).collect();
    servers[0].call("CONFIG SET cluster-announce-hostname redis-1.example");
    let ours = Driver::start(24010);
    servers[0].call("CLUSTER ADDSLOTSRANGE 0 5000");
    servers[1].call("CLUSTER ADDSLOTSRANGE 5001 10000");
    let range = rcl_proto::SlotRange::new(slot(10001), slot(16383)).unwrap();
    assert_eq!(ours.command(Command::AddSlots(vec![range])), Reply::Ok);
    meet_all(&servers[0], &servers[1..]);
    // It is met by Redis.
    servers[0].meet(24010);

    // All see all, and the cluster is ok, in both directions.
    let info_ok = |text: &str| text.contains("cluster_state:ok") && text.contains("cluster_known_nodes:4");
    for server in &servers {
        wait_for("Redis finds the cluster ok", LONG, || info_ok(&server.call("CLUSTER INFO")));
    }
    wait_for("our member finds the cluster ok", LONG, || info_ok(&ours.info()));
    let our_id = ours.id();
    let nodes = servers[1].call("CLUSTER NODES");
    let line = nodes.lines().find(|line| line.starts_with(&our_id)).expect("Redis knows us");
    assert!(
        line.contains("127.0.0.1:24010@24210,ours.example master") && line.ends_with("connected 10001-16383"),
        "{line}"
    );

    // A replica of Redis's: we learn its role.
    let first = servers[0].id();
    servers[2].call(&format!("CLUSTER REPLICATE {first}"));
    wait_for("we see the replica", LONG, || {
        let Reply::Lines(lines) = ours.command(Command::Replicas { node: first.clone().into_bytes() }) else {
            return false;
        };
        lines.len() == 1 && lines[0].contains("slave")
    });
    wait_for("the replica has its data, and its master knows it", LONG, || {
        servers[2].call("INFO replication").contains("master_link_status:up")
            && line_of(&servers[0].call("CLUSTER NODES"), &servers[2].id()).contains("slave")
    });

    // A manual failover of theirs needs our vote: of three masters, two.
    assert_eq!(servers[2].call("CLUSTER FAILOVER").trim(), "OK");
    let third = servers[2].id();
    wait_for("we see the new master", LONG, || owner_line(&ours, &third).contains("0-5000"));

    // And an automatic one, when the master dies: FAIL needs our report, the election our vote.
    wait_for("the old master follows", LONG, || {
        servers[0].call("INFO replication").contains("master_link_status:up")
    });
    // Redis votes for replicas of one node at most once in two node timeouts.
    servers[2].kill();
    wait_for("we find the dead master failed", LONG, || owner_line(&ours, &third).contains("fail"));
    wait_for("the replica takes over", LONG, || owner_line(&ours, &first).contains("0-5000"));
    wait_for("we find the cluster ok again", LONG, || ours.info().contains("cluster_state:ok"));

    // A published message goes both ways.
    servers[1].call("PUBLISH news from-redis");
    wait_for("the message came", LONG, || ours.published().contains(&b"from-redis".to_vec()));

    // A slot moves from Redis to us, and back, as redis-cli moves it.
    let second = servers[1].id();
    let number = 5001;
    set_slot(&ours, number, rcl_cluster::SetSlot::Importing(second.clone().into_bytes()));
    servers[1].call(&format!("CLUSTER SETSLOT {number} MIGRATING {our_id}"));
    set_slot(&ours, number, rcl_cluster::SetSlot::Node(our_id.clone().into_bytes()));
    servers[1].call(&format!("CLUSTER SETSLOT {number} NODE {our_id}"));
    wait_for("the third node of Redis sees the slot with us", LONG, || {
        line_of(&servers[0].call("CLUSTER NODES"), &our_id).contains(" 5001 10001-16383")
    });
    let Reply::Error(error) = ours.command(Command::Failover(FailoverMode::Graceful)) else { panic!() };
    assert_eq!(error, "ERR You should send CLUSTER FAILOVER to a replica");

    let first_line = owner_line(&ours, &first);
    assert!(first_line.contains("127.0.0.1:24000@24200,redis-1.example "), "{first_line}");
    let received = ours.received();
    received.iter().for_each(|bytes| codec::assert_round_trip(bytes));
    codec::record(&received, &codec::PLAIN);

    // Redis reads our nodes.conf.
    let text = ours.nodes_conf();
    drop(ours);
    let heir = Redis::start_with_nodes(24020, &text);
    let nodes = heir.call("CLUSTER NODES");
    assert!(line_of(&nodes, &our_id).contains("myself,master"), "{nodes}");
    assert!(line_of(&nodes, &our_id).contains(" 5001 10001-16383"), "{nodes}");
    // And we read Redis's.
    let theirs =
        rcl_cluster::Persistent::parse(&heir.nodes_conf()).expect("it is well-formed").expect("not empty");
    assert_eq!(theirs.nodes.len(), 4);
}

/// A replica of ours stands for election when its Redis master dies, and Redis masters vote for it.
#[test]
fn a_replica_of_ours_takes_over_from_a_redis_master() {
    if !redis::is_here() {
        return;
    }
    let mut servers: Vec<Redis> = (0..3).map(|index| Redis::start(24030 + index)).collect();
    let ours = Driver::start(24040);
    for (server, slots) in servers.iter().zip(["0 5000", "5001 10000", "10001 16383"]) {
        server.call(&format!("CLUSTER ADDSLOTSRANGE {slots}"));
    }
    meet_all(&servers[0], &servers[1..]);
    // We meet Redis.
    let meet = Command::Meet { ip: "127.0.0.1".to_owned(), port: 24030, bus_port: Some(24230) };
    assert_eq!(ours.command(meet), Reply::Ok);
    for server in &servers {
        wait_for("Redis knows all", LONG, || server.call("CLUSTER INFO").contains("cluster_known_nodes:4"));
    }
    let master = servers[0].id();
    let replicate = Command::Replicate { node: master.clone().into_bytes(), keyspace_empty: true };
    wait_for("we know the master", LONG, || ours.command(replicate.clone()) == Reply::Ok);
    ours.pretend_to_replicate(1000);
    let our_id = ours.id();
    for server in &servers[1..] {
        wait_for("Redis sees us as a replica", LONG, || {
            line_of(&server.call("CLUSTER NODES"), &our_id).contains(&format!("slave {master}"))
        });
    }
    servers[0].kill();
    for server in &servers[1..] {
        wait_for("Redis sees us as the new master", LONG, || {
            let nodes = server.call("CLUSTER NODES");
            line_of(&nodes, &our_id).contains("master") && line_of(&nodes, &our_id).ends_with("0-5000")
        });
        wait_for("Redis finds the cluster ok", LONG, || {
            server.call("CLUSTER INFO").contains("cluster_state:ok")
        });
    }
    codec::record(&ours.received(), &codec::PLAIN);
    // It comes back with its old claim, learns, and follows us.
    servers[0].restart();
    wait_for("the old master follows us", LONG, || {
        line_of(&servers[0].call("CLUSTER NODES"), &master).contains(&format!("slave {our_id}"))
    });
}

/// A manual failover from a Redis master to a replica of ours: it pauses, says its offset, loses, and
/// follows.
#[test]
fn a_redis_master_hands_over_to_a_replica_of_ours() {
    if !redis::is_here() {
        return;
    }
    let servers: Vec<Redis> = (0..3).map(|index| Redis::start(24050 + index)).collect();
    let ours = Driver::start(24060);
    for (server, slots) in servers.iter().zip(["0 5000", "5001 10000", "10001 16383"]) {
        server.call(&format!("CLUSTER ADDSLOTSRANGE {slots}"));
    }
    meet_all(&servers[0], &servers[1..]);
    servers[0].meet(24060);
    for server in &servers {
        wait_for("Redis finds the cluster ok", LONG, || {
            let info = server.call("CLUSTER INFO");
            info.contains("cluster_known_nodes:4") && info.contains("cluster_state:ok")
        });
    }
    let (master, our_id) = (servers[0].id(), ours.id());
    let replicate = Command::Replicate { node: master.clone().into_bytes(), keyspace_empty: true };
    wait_for("we know the master", LONG, || ours.command(replicate.clone()) == Reply::Ok);
    for server in &servers {
        wait_for("Redis sees us as a replica", LONG, || {
            line_of(&server.call("CLUSTER NODES"), &our_id).contains(&format!("slave {master}"))
        });
    }
    // A master that nobody replicates from has written nothing to its log.
    ours.pretend_to_replicate(0);
    wait_for("a manual failover is begun", LONG, || {
        ours.command(Command::Failover(FailoverMode::Graceful)) == Reply::Ok
    });
    wait_for("the old master follows us", LONG, || {
        line_of(&servers[0].call("CLUSTER NODES"), &master).contains(&format!("slave {our_id}"))
    });
    wait_for("and all see us with its slots", LONG, || {
        servers.iter().all(|server| line_of(&server.call("CLUSTER NODES"), &our_id).ends_with("0-5000"))
    });
    // Back it goes, and then once more: the masters voted about it a moment ago, and Redis would not again. We say so.
    servers[0].call("CLUSTER FAILOVER TAKEOVER");
    wait_for("we follow the old master again", LONG, || {
        owner_line(&ours, &our_id).contains(&format!("slave {master}"))
            && owner_line(&ours, &master).ends_with("connected 0-5000")
    });
    for mode in [FailoverMode::Graceful, FailoverMode::Force] {
        let Reply::Error(reason) = ours.command(Command::Failover(mode)) else { panic!("it can't work") };
        assert!(reason.contains("were asked about this master") && reason.contains("TAKEOVER"), "{reason}");
    }
}

fn set_slot(ours: &Driver, number: u16, what: rcl_cluster::SetSlot) {
    let command =
        Command::SetSlot { slot: slot(number), what, facts: Default::default(), stage: Default::default() };
    assert_eq!(ours.command(command), Reply::Ok);
}

fn slot(number: u16) -> rcl_proto::Slot {
    rcl_proto::Slot::new(number).unwrap()
}

fn line_of(nodes: &str, id: &str) -> String {
    nodes.lines().find(|line| line.starts_with(id)).unwrap_or_default().to_owned()
}

fn owner_line(ours: &Driver, id: &str) -> String {
    match ours.command(Command::Nodes) {
        Reply::Text(text) => line_of(&text, id),
        _ => String::new(),
    }
}
