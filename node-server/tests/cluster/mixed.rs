//! Our nodes beside redis-server, in one cluster.

use super::server::{Kind, Server, meet_all, share_slots, slots_seen_by};
use crate::harness::has_redis;

fn start_all(kinds: &[Kind]) -> Vec<Server> {
    kinds.iter().map(|&kind| Server::start(kind)).collect()
}

#[test]
fn all_agree_on_nodes_and_slots() {
    if !has_redis("all_agree_on_nodes_and_slots") {
        return;
    }
    for kinds in [
        [Kind::Ours, Kind::Redis, Kind::Ours, Kind::Redis],
        [Kind::Redis, Kind::Ours, Kind::Redis, Kind::Ours],
    ] {
        let mut servers = start_all(&kinds);
        meet_all(&mut servers);
        share_slots(&mut servers, 4);
        let expected = slots_seen_by(&mut servers[0]);
        assert_eq!(expected.len(), 4);
        for server in &mut servers {
            assert_eq!(slots_seen_by(server), expected, "as {:?} sees it", server.kind);
        }
        // A slot is given away on one of each kind, and all hear of it.
        let (from, to) = (servers[0].id(), servers[1].id());
        servers[1].must(&format!("CLUSTER SETSLOT 9 IMPORTING {from}"));
        servers[0].must(&format!("CLUSTER SETSLOT 9 MIGRATING {to}"));
        servers[1].must(&format!("CLUSTER SETSLOT 9 NODE {to}"));
        servers[0].must(&format!("CLUSTER SETSLOT 9 NODE {to}"));
        for server in &mut servers {
            server.wait_for("CLUSTER NODES", |text| text.contains(" 9 4096-8191"));
        }
    }
}

#[test]
fn a_replica_of_redis_is_elected_by_our_votes_and_the_votes_are_remembered() {
    if !has_redis("a_replica_of_redis_is_elected_by_our_votes_and_the_votes_are_remembered") {
        return;
    }
    let mut servers = start_all(&[Kind::Redis, Kind::Ours, Kind::Ours, Kind::Redis]);
    meet_all(&mut servers);
    share_slots(&mut servers, 3);
    let (master, replica) = (servers[0].id(), servers[3].id());
    servers[3].must(&format!("CLUSTER REPLICATE {master}"));
    servers[3].wait_for("INFO replication", |text| text.contains("master_link_status:up"));
    for server in &mut servers[1..3] {
        server.wait_for("CLUSTER NODES", |text| {
            text.lines().any(|line| line.starts_with(&replica) && line.contains("slave"))
        });
    }
    servers[0].kill();
    servers[3].wait_for("CLUSTER NODES", |text| text.contains("myself,master"));
    for server in &mut servers[1..] {
        server.wait_for("CLUSTER NODES", |text| {
            text.lines().any(|line| {
                line.starts_with(&replica) && line.contains("master") && line.ends_with(" 0-5460")
            })
        });
        server.wait_for("CLUSTER INFO", |text| text.contains("cluster_state:ok"));
    }
    // Both of ours were needed for the majority of three, so both gave their vote, and keep that for ever.
    for server in servers.drain(1..3) {
        let voted = |server: &Server| {
            let text = server.nodes_conf();
            let mut words = text.split_ascii_whitespace().skip_while(|word| *word != "lastVoteEpoch").skip(1);
            words.next().unwrap().parse::<u64>().unwrap()
        };
        let epoch = voted(&server);
        assert!(epoch > 0, "{}", server.nodes_conf());
        let mut server = server.kill_and_restart();
        server.must("CLUSTER SAVECONFIG");
        assert_eq!(voted(&server), epoch);
    }
}
