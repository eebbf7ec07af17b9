//! Our nodes among themselves.

use rcl_proto::key_slot;
use rcl_proto::resp::Reply;

use super::client::Client;
use super::server::{Kind, Server, meet_all, share_slots, slots_seen_by};
use crate::harness::Folder;

#[test]
fn six_form_a_cluster_of_three_masters_with_a_replica_each() {
    let mut servers: Vec<Server> = (0..6).map(|_| Server::start(Kind::Ours)).collect();
    meet_all(&mut servers);
    share_slots(&mut servers, 3);
    let (masters, replicas) = servers.split_at_mut(3);
    for (master, replica) in masters.iter_mut().zip(replicas.iter_mut()) {
        replica.must(&format!("CLUSTER REPLICATE {}", master.id()));
    }
    let expected = slots_seen_by(&mut servers[0]);
    assert_eq!(expected.len(), 3);
    for server in &mut servers {
        let nodes = server.wait_for("CLUSTER NODES", |text| {
            text.matches(" slave ").count() + text.matches("myself,slave ").count() == 3
        });
        assert!(!nodes.contains("fail"), "{nodes}");
        assert_eq!(server.info("cluster_state"), "ok");
        assert_eq!(server.info("cluster_size"), "3");
        assert_eq!(slots_seen_by(server), expected);
    }
    let (master, replica) = (servers[0].id(), servers[3].id());
    let Reply::Array(replicas) = servers[1].ask(&format!("CLUSTER SLAVES {master}")) else { panic!() };
    assert!(replicas.len() == 1 && replicas[0].as_bytes().unwrap().starts_with(replica.as_bytes()));
    assert_eq!(servers[1].ask(&format!("CLUSTER COUNT-FAILURE-REPORTS {master}")), Reply::Integer(0));
}

#[test]
fn a_slot_changes_hands_between_two_nodes() {
    let mut servers: Vec<Server> = (0..2).map(|_| Server::start(Kind::Ours)).collect();
    meet_all(&mut servers);
    share_slots(&mut servers, 2);
    let (from, to) = (servers[0].id(), servers[1].id());
    servers[1].must(&format!("CLUSTER SETSLOT 7 IMPORTING {from}"));
    servers[0].must(&format!("CLUSTER SETSLOT 7 MIGRATING {to}"));
    assert!(servers[0].text("CLUSTER NODES").contains(&format!("[7->-{to}]")));
    assert!(servers[1].text("CLUSTER NODES").contains(&format!("[7-<-{from}]")));
    servers[1].must(&format!("CLUSTER SETSLOT 7 NODE {to}"));
    servers[0].must(&format!("CLUSTER SETSLOT 7 NODE {to}"));
    let expected = slots_seen_by(&mut servers[1]);
    assert!(
        expected.iter().any(|line| line.starts_with(&to) && line.ends_with(" 7 8192-16383")),
        "{expected:?}"
    );
    servers[0].wait_for("CLUSTER NODES", |text| text.contains(" 7 8192-16383"));
    assert_eq!(slots_seen_by(&mut servers[0]), expected);
    let key = key_in_slot(7);
    let moved = format!("MOVED 7 127.0.0.1:{}", servers[1].port);
    assert_eq!(servers[0].ask(&format!("GET {key}")), Reply::Error(moved));
    assert_eq!(servers[1].ask(&format!("GET {key}")), Reply::Null);
}

#[test]
fn a_key_of_a_leaving_slot_whose_time_has_come_is_asked_for_elsewhere() {
    let mut servers: Vec<Server> = (0..2).map(|_| Server::start(Kind::Ours)).collect();
    meet_all(&mut servers);
    share_slots(&mut servers, 2);
    // Or it may be gone before anybody asks for it.
    servers[0].must("DEBUG SET-ACTIVE-EXPIRE 0");
    let (from, to) = (servers[0].id(), servers[1].id());
    let key = key_in_slot(7);
    servers[0].must(&format!("SET {key} value PX 1"));
    servers[1].must(&format!("CLUSTER SETSLOT 7 IMPORTING {from}"));
    servers[0].must(&format!("CLUSTER SETSLOT 7 MIGRATING {to}"));
    let asked = Reply::Error(format!("ASK 7 127.0.0.1:{}", servers[1].port));
    let mut answer = servers[0].ask(&format!("GET {key}"));
    while answer == Reply::Bulk(b"value".to_vec()) {
        // Its time is still to come.
        answer = servers[0].ask(&format!("GET {key}"));
    }
    assert_eq!(answer, asked);
    assert_eq!(servers[0].ask("CLUSTER COUNTKEYSINSLOT 7"), Reply::Integer(1), "it is still there");
}

#[test]
fn a_message_that_the_debug_filter_drops_is_not_heard() {
    let mut servers: Vec<Server> = (0..2).map(|_| Server::start(Kind::Ours)).collect();
    meet_all(&mut servers);
    let mut listener = Client::connect(servers[1].port).unwrap();
    listener.try_ask("SUBSCRIBE news").unwrap();
    servers[1].must("DEBUG DROP-CLUSTER-PACKET-FILTER 4");
    servers[0].ask("PUBLISH news lost");
    servers[1].wait_for_log("match the debug filter");
    servers[1].must("DEBUG DROP-CLUSTER-PACKET-FILTER -1");
    servers[0].ask("PUBLISH news heard");
    let expected = ["message", "news", "heard"].map(|word| Reply::Bulk(word.into()));
    assert_eq!(listener.read().unwrap(), Reply::Array(expected.into()));
    let peer = servers[1].id();
    for (line, error) in [
        (format!("DEBUG CLUSTERLINK KILL BOTH {peer}"), "ERR Unknown direction BOTH"),
        ("DEBUG CLUSTERLINK KILL TO nobody".to_owned(), "ERR Unknown node nobody"),
    ] {
        assert_eq!(servers[0].ask(&line), Reply::Error(error.into()));
    }
    servers[0].must(&format!("DEBUG CLUSTERLINK KILL ALL {peer}"));
}

#[test]
fn the_cluster_s_files_and_addresses_are_where_the_configuration_says() {
    let elsewhere = Folder::new();
    let file = elsewhere.0.join("my-nodes");
    let directives = ["--cluster-config-file", file.to_str().unwrap(), "--cluster-announce-ip", "localhost"];
    let mut first = Server::start_with(Kind::Ours, &directives);
    first.must("CLUSTER SAVECONFIG");
    assert!(std::fs::read_to_string(&file).unwrap().contains("myself"));
    assert!(!first.folder.0.join("nodes.conf").exists());
    let mut servers = vec![first, Server::start(Kind::Ours)];
    meet_all(&mut servers);
    share_slots(&mut servers, 2);
    // Peers reach it by the name that it announces, and clients are sent there.
    let (name, port) = ("localhost", servers[0].port);
    servers[1].wait_for("CLUSTER NODES", |text| text.contains(&format!(" {name}:{port}@")));
    let id = servers[0].id();
    servers[1].must(&format!("DEBUG CLUSTERLINK KILL TO {id}"));
    servers[1].wait_for("CLUSTER NODES", |text| {
        text.lines().any(|line| line.starts_with(&id) && line.contains(" connected"))
    });
    let moved = Reply::Error(format!("MOVED 7 {name}:{port}"));
    assert_eq!(servers[1].ask(&format!("GET {}", key_in_slot(7))), moved);
    servers[1].must("CLUSTER FLUSHSLOTS");
    servers[1].must(&format!("CLUSTER REPLICATE {id}"));
    servers[1].wait_for("INFO replication", |text| text.contains("master_link_status:up"));
}

#[test]
fn what_waits_on_the_bus_is_in_the_memory_report() {
    let mut servers: Vec<Server> = (0..2).map(|_| Server::start(Kind::Ours)).collect();
    meet_all(&mut servers);
    let held = |text: &[u8]| -> u64 {
        let text = std::str::from_utf8(text).unwrap();
        let field = text.lines().find_map(|line| line.strip_prefix("mem_cluster_links:"));
        field.unwrap().parse().unwrap()
    };
    let before = held(servers[0].text("INFO memory").as_bytes());
    assert!(before > 0, "links themselves take memory");
    // A transaction's messages leave at its end.
    let message = "x".repeat(100_000);
    for line in
        ["MULTI", &format!("PUBLISH news {message}"), &format!("PUBLISH news {message}"), "INFO memory"]
    {
        servers[0].ask(line);
    }
    let Reply::Array(replies) = servers[0].ask("EXEC") else { panic!() };
    let within = held(replies[2].as_bytes().unwrap());
    assert!(within >= before + 200_000, "{before} {within}");
    servers[0].wait_for("INFO memory", |text| held(text.as_bytes()) < before + 100_000);
}

#[test]
fn a_replica_that_was_reset_and_comes_back_gets_its_masters_data_again() {
    let mut servers: Vec<Server> = (0..2).map(|_| Server::start(Kind::Ours)).collect();
    meet_all(&mut servers);
    share_slots(&mut servers, 1);
    let master = servers[0].id();
    servers[1].must(&format!("CLUSTER REPLICATE {master}"));
    servers[1].wait_for("INFO replication", |text| text.contains("master_link_status:up"));
    for key in 0..100 {
        servers[0].must(&format!("SET key:{key} value"));
    }
    let wait_for_data = |replica: &mut Server| {
        replica.wait_for("INFO keyspace", |text| text.contains("keys=100,"));
    };
    wait_for_data(&mut servers[1]);
    // The master has written nothing since, so by offsets alone the replica misses nothing.
    servers[1].must("CLUSTER RESET");
    assert_eq!(servers[1].info("cluster_known_nodes"), "1");
    servers[1].wait_for_log("deleted all keys");
    assert_eq!(servers[1].ask("DBSIZE"), Reply::Integer(0));
    meet_all(&mut servers);
    servers[1].must(&format!("CLUSTER REPLICATE {master}"));
    servers[1].wait_for("INFO replication", |text| text.contains("master_link_status:up"));
    wait_for_data(&mut servers[1]);
}

#[test]
fn keys_of_a_slot_that_another_master_took_are_deleted() {
    let mut servers: Vec<Server> = (0..2).map(|_| Server::start(Kind::Ours)).collect();
    meet_all(&mut servers);
    share_slots(&mut servers, 2);
    let key = key_in_slot(5);
    servers[0].must(&format!("SET {key} value"));
    assert_eq!(servers[0].ask("CLUSTER COUNTKEYSINSLOT 5"), Reply::Integer(1));
    // The other one takes the slot by a newer epoch, as after a move whose end the first one missed.
    let (from, to) = (servers[0].id(), servers[1].id());
    servers[1].must(&format!("CLUSTER SETSLOT 5 IMPORTING {from}"));
    servers[1].must(&format!("CLUSTER SETSLOT 5 NODE {to}"));
    servers[0].wait_for("CLUSTER NODES", |text| text.contains(" 5 8192-16383"));
    let start = std::time::Instant::now();
    while servers[0].ask("CLUSTER COUNTKEYSINSLOT 5") != Reply::Integer(0) {
        assert!(start.elapsed().as_secs() < 60, "the key stays; log:\n{}", servers[0].log());
    }
}

#[test]
fn a_master_that_is_gone_is_marked_failed_by_the_others_and_comes_back() {
    let mut servers: Vec<Server> = (0..3).map(|_| Server::start(Kind::Ours)).collect();
    meet_all(&mut servers);
    share_slots(&mut servers, 3);
    let mut gone = servers.pop().unwrap();
    let id = gone.id();
    gone.kill();
    for server in &mut servers {
        server.wait_for("CLUSTER NODES", |text| {
            text.lines().any(|line| line.starts_with(&id) && line.contains("master,fail "))
        });
        server.wait_for("CLUSTER INFO", |text| text.contains("cluster_state:fail"));
    }
    let mut back = gone.kill_and_restart();
    assert_eq!(back.id(), id);
    servers.push(back);
    for server in &mut servers {
        server.wait_for("CLUSTER INFO", |text| text.contains("cluster_state:ok"));
    }
}

/// Some key that lies in this slot.
pub fn key_in_slot(slot: u16) -> String {
    let mut keys = (0..).map(|number| format!("key-{number}"));
    keys.find(|key| key_slot(key.as_bytes()).number() == slot).unwrap()
}
