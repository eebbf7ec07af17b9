use super::*;
use crate::packet::{Body, decode};
use crate::pair::Pair;
use crate::{Input, Output, crowd};
use rcl_proto::NodeId;

fn pings_sent_in_a_minute(pair: &mut Pair) -> u64 {
    let before = pair.members[0].traffic.sent[Kind::Ping as usize];
    pair.pass(60_000);
    pair.members[0].traffic.sent[Kind::Ping as usize] - before
}

#[test]
fn the_ping_interval_says_how_old_a_pong_may_be() {
    let mut pair = Pair::met();
    // Only a random node a second: the other one, or ourselves, so it is not always one.
    let usual = pings_sent_in_a_minute(&mut pair);
    assert!((30..=60).contains(&usual), "{usual}");
    pair.configure(0, |config| config.ping_interval_ms = Some(100));
    let often = pings_sent_in_a_minute(&mut pair);
    assert!((290..=600).contains(&often), "{often}");
    pair.configure(0, |config| config.ping_interval_ms = None);
    let usual = pings_sent_in_a_minute(&mut pair);
    assert!((30..=60).contains(&usual), "{usual}");
}

#[test]
fn names_are_told_and_kept_and_taken_back() {
    let mut pair = Pair::met();
    pair.configure(0, |config| {
        config.hostname = "host-0.example".to_owned();
        config.human_name = "zero".to_owned();
    });
    let seen = |pair: &Pair| {
        let other = &pair.members[1];
        let node = &other.nodes[other.nodes.find(pair.members[0].id()).unwrap()];
        [node.names.hostname().to_owned(), node.names.human_name().to_owned(), node.called()]
    };
    let id = pair.members[0].id();
    assert_eq!(seen(&pair), ["host-0.example", "zero", &format!("{id} (zero)")]);
    let line = format!("vars nodename:{id} zero\n");
    assert!(pair.files[1].contains(&line), "{}", pair.files[1]);
    assert!(pair.files[1].contains(",host-0.example "), "{}", pair.files[1]);

    let persistent = crate::Persistent::parse(&pair.files[1]).unwrap();
    let again = Member::new(pair.members[1].config.clone(), persistent, 9, pair.now_ms);
    assert_eq!(again.nodes[again.nodes.find(id).unwrap()].names.human_name(), "zero");
    assert_eq!(again.shard_id, pair.members[1].shard_id);

    pair.configure(0, |config| {
        config.hostname.clear();
        config.human_name.clear();
    });
    assert_eq!(seen(&pair), ["", "", &id.to_string()]);
    assert!(!pair.files[1].contains("nodename"), "{}", pair.files[1]);
}

#[test]
fn the_availability_zone_is_told_to_our_own_kind() {
    let mut pair = Pair::met();
    let seen = |pair: &Pair| {
        let other = &pair.members[1];
        other.nodes[other.nodes.find(pair.members[0].id()).unwrap()].names.zone().to_owned()
    };
    pair.configure(0, |config| config.zone = "eu-west-1a".to_owned());
    assert_eq!(seen(&pair), "eu-west-1a");
    pair.configure(0, |config| config.zone.clear());
    assert_eq!(seen(&pair), "");
}

#[test]
fn a_replica_takes_over_its_masters_shard_id_and_keeps_it() {
    let mut pair = Pair::met();
    let ids = [pair.members[0].shard_id, pair.members[1].shard_id];
    assert_ne!(ids[0], ids[1]);
    let replicate = crate::Command::Replicate {
        node: pair.members[0].id().to_string().into_bytes(),
        keyspace_empty: true,
    };
    assert_eq!(pair.run(1, replicate), crate::Reply::Ok);
    assert_eq!(pair.members[1].shard_id, ids[0]);
    pair.pass(1_000);
    assert!(pair.files[1].contains(&format!("shardId {}\n", ids[0])), "{}", pair.files[1]);
    // As a node of its own it is in no shard that another one is in.
    pair.run(1, crate::Command::Reset { hard: false, keyspace_empty: true });
    assert!(!ids.contains(&pair.members[1].shard_id));
}

#[test]
fn what_is_announced_is_told_at_once_when_it_changes() {
    let mut pair = Pair::met();
    let id = pair.members[0].id();
    let line = |pair: &Pair| {
        let text = pair.members[1].nodes_text();
        text.lines().find(|line| line.starts_with(&id.to_string())).unwrap().to_owned()
    };
    pair.configure(0, |config| (config.port, config.bus_port, config.second_port) = (1, 2, 3));
    pair.pass(200);
    assert!(line(&pair).contains(" 127.0.0.1:1@2 "), "{}", line(&pair));
    let other = &pair.members[1];
    assert_eq!(other.nodes[other.nodes.find(id).unwrap()].second_port, 3);
    // A name, and an IPv6 address, as Redis takes them, too.
    for address in ["host.example", "fd00::1"] {
        pair.configure(0, |config| config.announce_ip = Some(address.to_owned()));
        pair.pass(200);
        assert!(line(&pair).contains(&format!(" {address}:1@2 ")), "{}", line(&pair));
        let persistent = crate::Persistent::parse(&pair.files[1]).unwrap().unwrap();
        let kept = persistent.nodes.iter().find(|node| node.id == id).unwrap();
        assert_eq!((kept.endpoint.ip.as_str(), kept.endpoint.port), (address, 1));
    }
    assert!(!line(&pair).contains("nofailover"));
    pair.configure(0, |config| config.replica_no_failover = true);
    pair.pass(20);
    assert!(line(&pair).contains("master,nofailover"), "{}", line(&pair));
    pair.configure(0, |config| config.replica_no_failover = false);
    pair.pass(20);
    assert!(!line(&pair).contains("nofailover"), "{}", line(&pair));
}

fn entries(packet: &[u8]) -> usize {
    let packet = decode(packet).unwrap();
    let Body::Heartbeat { gossip, .. } = packet.body else { panic!("{:?}", packet.kind) };
    gossip.len() / GOSSIP_BYTES
}

#[test]
fn a_pong_is_as_long_as_a_ping_of_our_kind() {
    let mut member = crowd::member(400);
    let (_, first) = crowd::connect(&mut member);
    assert!(first.iter().all(|(_, ping)| entries(ping) == 40));
    let seventh = member.nodes[member.nodes.find(crowd::id(7)).unwrap()].clone();
    let (link, ip) = (LinkId::new(1), || "10.0.0.7".to_owned());
    member.step(crowd::NOW_MS, Input::InboundAccepted { link, peer_ip: ip(), local_ip: ip() });
    for (is_kin, told, answered) in [(true, 0, 3), (true, 10, 10), (true, 399, 40), (false, 3, 40)] {
        let (slots, config_epoch) = (seventh.slots.to_set(), seventh.config_epoch);
        let own = member.header();
        let header =
            Header { sender: seventh.id, port: 7000, bus_port: 17000, slots, config_epoch, is_kin, ..own };
        let mut ping = Writer::new(Kind::Ping, &header);
        let others: Vec<_> = member.nodes.iter().take(told).map(|(_, node)| node.clone()).collect();
        others.iter().for_each(|node| ping.gossip(&entry(node)));
        member.step(crowd::NOW_MS, Input::Packet { link, bytes: ping.finish() });
        let pongs = crowd::sent(&mut member);
        assert_eq!(
            pongs.iter().map(|(_, pong)| entries(pong)).collect::<Vec<_>>(),
            [answered],
            "{is_kin}, {told}"
        );
    }
}

#[test]
fn of_strangers_only_some_are_tried_in_one_periodic_run() {
    let mut member = crowd::member(400);
    let mut tried = Vec::new();
    for run in 0..6 {
        member.step(crowd::NOW_MS + run * 100, Input::Tick);
        let outputs = std::iter::from_fn(|| member.poll_output());
        tried.push(outputs.filter(|output| matches!(output, Output::Connect { .. })).count());
    }
    assert_eq!(tried, [64, 64, 64, 64, 64, 64]);
    assert_eq!(crowd::connect(&mut member).0.len(), 399, "in the end all are");
}

#[test]
fn in_a_big_cluster_a_master_tells_three_others_whom_it_suspects() {
    let mut member = crowd::member(400);
    let _ = crowd::connect(&mut member);
    for at in member.nodes.refs() {
        member.nodes[at].data_received_ms = crowd::NOW_MS;
    }
    let now_ms = member.now_ms + 1;
    let dead = [crowd::id(1), crowd::id(300)];
    for id in dead {
        member.suspect(member.nodes.find(id).unwrap());
    }
    member.step(now_ms + SPREAD_AFTER_MS, Input::Tick);
    let told = crowd::sent(&mut member);
    let mut ids: Vec<NodeId> = (1..400).map(crowd::id).filter(|id| !dead.contains(id)).collect();
    ids.sort_unstable();
    let link_to = |id: &NodeId| member.nodes[member.nodes.find(*id).unwrap()].link.unwrap();
    let listeners: Vec<LinkId> = told.iter().map(|(link, _)| *link).collect();
    assert_eq!(listeners, ids.iter().take(3).map(link_to).collect::<Vec<_>>());
    for (_, packet) in &told {
        assert_eq!(entries(packet), SPREAD_ENTRIES + dead.len());
    }
}

#[test]
fn pings_that_are_due_in_one_moment_are_spread() {
    let mut member = crowd::member(400);
    let _ = crowd::connect(&mut member);
    // All were heard of in one moment, and now their turn has come.
    let heard_ms = member.now_ms;
    for at in member.nodes.refs() {
        (member.nodes[at].ping_sent_ms, member.nodes[at].pong_received_ms) = (0, heard_ms);
    }
    let start_ms = heard_ms + member.config.node_timeout_ms / 2 + 1;
    let mut sent = Vec::new();
    for run in 0..20 {
        member.step(start_ms + run * CRON_PERIOD_MS, Input::Tick);
        sent.push(crowd::sent(&mut member).len());
    }
    // And one a second goes to a node drawn at random.
    assert!(sent.iter().all(|&pings| pings <= FEWEST_PINGS + 1), "{sent:?}");
    assert!((399..=402).contains(&sent.iter().sum::<usize>()), "{sent:?}");
}
