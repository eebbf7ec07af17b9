//! CLUSTER SETSLOT on masters with replicas: the replicas have it first, so a failover in the middle of a move forgets
//! nothing.

use std::process::Command;

use rcl_proto::resp::Reply;

use super::own::key_in_slot;
use super::server::{Kind, Server, meet_all, share_slots, slots_seen_by};
use crate::harness::{has_redis, wait_until};

/// Three masters, the first two with a replica: 0 with 3, 1 with 4.
fn three_shards(replica: Kind) -> Vec<Server> {
    let kinds = [Kind::Ours, Kind::Ours, Kind::Ours, replica, replica];
    let mut servers: Vec<Server> = kinds.map(Server::start).into();
    meet_all(&mut servers);
    share_slots(&mut servers, 3);
    for shard in 0..2 {
        let master = servers[shard].id();
        let replica = &mut servers[shard + 3];
        replica.must(&format!("CLUSTER REPLICATE {master}"));
        replica.wait_for("INFO replication", |text| text.contains("master_link_status:up"));
        let online = |text: &str| text.contains("state=online");
        servers[shard].wait_for("INFO replication", online);
    }
    for server in &mut servers {
        server.wait_for("CLUSTER NODES", |text| {
            text.lines().filter(|line| line.contains("slave ")).count() == 2
        });
    }
    servers
}

/// The marks of slots that move, as a node shows them of itself.
fn open_slots(server: &mut Server) -> Vec<String> {
    let nodes = server.text("CLUSTER NODES");
    let myself = nodes.lines().find(|line| line.contains("myself")).unwrap();
    myself.split(' ').filter(|word| word.starts_with('[')).map(str::to_owned).collect()
}

#[test]
fn replicas_know_a_move_and_finish_it_after_a_failover_on_either_side() {
    let mut servers = three_shards(Kind::Ours);
    let ids: Vec<String> = servers.iter_mut().map(Server::id).collect();
    for slot in [7, 8] {
        servers[1].must(&format!("CLUSTER SETSLOT {slot} IMPORTING {}", ids[0]));
        servers[0].must(&format!("CLUSTER SETSLOT {slot} MIGRATING {}", ids[1]));
    }
    // As soon as the master has answered, the replica has acknowledged it.
    let leaving = |to: &str| vec![format!("[7->-{to}]"), format!("[8->-{to}]")];
    let coming = |from: &str| vec![format!("[7-<-{from}]"), format!("[8-<-{from}]")];
    for server in [0, 3] {
        let expected = leaving(&ids[1]);
        wait_until("the source's replica knows", || open_slots(&mut servers[server]) == expected);
    }
    for server in [1, 4] {
        let expected = coming(&ids[0]);
        wait_until("the target's replica knows", || open_slots(&mut servers[server]) == expected);
    }
    assert_eq!(
        servers[3].ask(&format!("CLUSTER SETSLOT 7 MIGRATING {}", ids[1])),
        Reply::Error("ERR Please use SETSLOT only with masters.".into())
    );

    // The target dies: its replica goes on, and the source knows whom it moves to now.
    servers[1].kill();
    servers[4].wait_for("CLUSTER NODES", |text| text.contains("myself,master"));
    wait_until("the source moves to the new master", || open_slots(&mut servers[0]) == leaving(&ids[4]));
    wait_until("its replica knows, too", || open_slots(&mut servers[3]) == leaving(&ids[4]));
    assert_eq!(open_slots(&mut servers[4]), coming(&ids[0]));

    // And then the source, by hand; the old master keeps the marks as a replica.
    servers[3].wait_for("CLUSTER INFO", |text| text.contains("cluster_state:ok"));
    servers[3].must("CLUSTER FAILOVER");
    servers[0].wait_for("CLUSTER NODES", |text| text.contains("myself,slave"));
    wait_until("the target imports from the new master", || open_slots(&mut servers[4]) == coming(&ids[3]));
    assert_eq!(open_slots(&mut servers[3]), leaving(&ids[4]));

    for slot in [7, 8] {
        for server in [4, 3] {
            servers[server].must(&format!("CLUSTER SETSLOT {slot} NODE {}", ids[4]));
        }
    }
    for server in [0, 2, 3, 4] {
        wait_until("nothing is open", || open_slots(&mut servers[server]).is_empty());
        wait_until("all agree on the owner", || {
            let seen = slots_seen_by(&mut servers[server]);
            seen.iter().any(|line| *line == format!("{} 7-8 5461-10921", ids[4]))
        });
    }
}

#[test]
fn a_replica_that_does_not_acknowledge_stops_it() {
    let mut servers = three_shards(Kind::Ours);
    let target = servers[1].id();
    let signal = |server: &Server, name: &str| {
        Command::new("kill").args([name, &server.pid().to_string()]).status().unwrap();
    };
    signal(&servers[3], "-STOP");
    let reply = servers[0].ask(&format!("CLUSTER SETSLOT 7 MIGRATING {target} TIMEOUT 50"));
    signal(&servers[3], "-CONT");
    assert_eq!(reply, Reply::Error("NOREPLICAS Not enough good replicas to write.".into()));
    assert!(open_slots(&mut servers[0]).is_empty());
    servers[0].must(&format!("CLUSTER SETSLOT 7 MIGRATING {target} TIMEOUT 0"));
    assert_eq!(open_slots(&mut servers[0]), [format!("[7->-{target}]")]);
}

#[test]
fn a_redis_replica_is_never_told() {
    if !has_redis("a_redis_replica_is_never_told") {
        return;
    }
    let mut servers = three_shards(Kind::Redis);
    let (source, target) = (servers[0].id(), servers[1].id());
    servers[1].must(&format!("CLUSTER SETSLOT 7 IMPORTING {source}"));
    servers[0].must(&format!("CLUSTER SETSLOT 7 MIGRATING {target}"));
    servers[1].must(&format!("CLUSTER SETSLOT 7 NODE {target}"));
    servers[0].must(&format!("CLUSTER SETSLOT 7 NODE {target} TIMEOUT 1000"));
    servers[1].must(&format!("SET {} value", key_in_slot(7)));
    assert_eq!(servers[1].ask("WAIT 1 60000"), Reply::Integer(1));
    for server in [3, 4] {
        assert!(open_slots(&mut servers[server]).is_empty());
        let stats = servers[server].text("INFO commandstats");
        assert!(!stats.contains("setslot"), "{stats}");
    }
}
