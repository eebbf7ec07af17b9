//! nodes.conf: one owner, whole after a crash, and a disk that is full.

use std::process::Command;

use rcl_proto::resp::Reply;

use super::server::{Kind, Server, meet_all, share_slots};
use crate::harness::{Folder, free_port, has_redis};

#[test]
fn a_second_process_on_the_same_folder_is_refused() {
    let mut first = Server::start(Kind::Ours);
    for _ in 0..2 {
        let mut second = Server::spawn(Kind::Ours, first.folder.clone(), (free_port(), free_port()));
        assert!(!second.wait_for_end());
        second.wait_for_log("nodes.conf is in use by another node");
        // The file was replaced by a new one, which is locked as well.
        first.must("CLUSTER SAVECONFIG");
    }
}

#[test]
fn a_redis_server_on_our_folder_is_refused_and_we_on_its() {
    if !has_redis("a_redis_server_on_our_folder_is_refused_and_we_on_its") {
        return;
    }
    let mut first = Server::start(Kind::Ours);
    for _ in 0..2 {
        let mut second = Server::spawn(Kind::Redis, first.folder.clone(), (free_port(), free_port()));
        assert!(!second.wait_for_end());
        first.must("CLUSTER SAVECONFIG");
    }
    let first = Server::start(Kind::Redis);
    let mut second = Server::spawn(Kind::Ours, first.folder.clone(), (free_port(), free_port()));
    assert!(!second.wait_for_end());
    second.wait_for_log("nodes.conf is in use by another node");
}

#[test]
fn a_corrupt_file_is_refused_with_its_line_and_left_as_it_is() {
    let folder = std::sync::Arc::new(Folder::new());
    let path = folder.0.join("nodes.conf");
    std::fs::write(&path, "vars currentEpoch 1 lastVoteEpoch x\n").unwrap();
    let mut server = Server::spawn(Kind::Ours, folder.clone(), (free_port(), free_port()));
    assert!(!server.wait_for_end());
    for words in ["nodes.conf", "line 1", "lastVoteEpoch"] {
        server.wait_for_log(words);
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "vars currentEpoch 1 lastVoteEpoch x\n");
}

#[test]
fn after_a_kill_id_epoch_and_slots_are_there() {
    let mut server = Server::start(Kind::Ours);
    server.must("CLUSTER ADDSLOTSRANGE 0 100");
    server.must("CLUSTER SET-CONFIG-EPOCH 7");
    assert_eq!(server.ask("CLUSTER BUMPEPOCH"), Reply::Simple("STILL 7".into()));
    let (id, shard) = (server.id(), server.text("CLUSTER MYSHARDID"));
    let mut server = server.kill_and_restart();
    assert_eq!((server.id(), server.text("CLUSTER MYSHARDID")), (id, shard));
    assert_eq!(
        (server.info("cluster_my_epoch"), server.info("cluster_current_epoch")),
        ("7".into(), "7".into())
    );
    assert_eq!(server.info("cluster_slots_assigned"), "101");
}

#[test]
fn after_a_kill_the_cluster_is_there() {
    let mut servers: Vec<Server> = (0..3).map(|_| Server::start(Kind::Ours)).collect();
    meet_all(&mut servers);
    share_slots(&mut servers, 3);
    let mut servers: Vec<Server> = servers.into_iter().map(Server::kill_and_restart).collect();
    for server in &mut servers {
        server.wait_for("CLUSTER INFO", |text| text.contains("cluster_state:ok"));
        assert_eq!(server.info("cluster_known_nodes"), "3");
    }
}

#[test]
fn names_are_in_the_file_and_a_redis_server_starts_with_it() {
    if !has_redis("names_are_in_the_file_and_a_redis_server_starts_with_it") {
        return;
    }
    let mut servers: Vec<Server> = (0..2).map(|_| Server::start(Kind::Ours)).collect();
    meet_all(&mut servers);
    share_slots(&mut servers, 2);
    let mut kept = servers.pop().unwrap();
    let mut named = servers.pop().unwrap();
    let (id, name) = (named.id(), "the-first");
    named.must("CONFIG SET cluster-announce-hostname host.example");
    named.must(&format!("CONFIG SET cluster-announce-human-nodename {name}"));
    let variable = format!("vars nodename:{id} {name}\n");
    kept.wait_for("CLUSTER NODES", |text| text.contains(",host.example "));
    let start = std::time::Instant::now();
    while !kept.nodes_conf().contains(&variable) {
        assert!(start.elapsed().as_secs() < 60, "{}", kept.nodes_conf());
    }
    // The name comes from the file: nobody is there to tell it.
    named.kill();
    let mut kept = kept.kill_and_restart();
    kept.must("CLUSTER SAVECONFIG");
    assert!(kept.nodes_conf().contains(&variable), "{}", kept.nodes_conf());
    kept.wait_for_log(&format!("Node {id} ({name}) is possibly failing"));
    let shown = kept.text("CLUSTER NODES");
    assert!(!shown.contains(name), "Redis shows it in logs and files only: {shown}");
    kept.kill();
    let mut redis = Server::start_in(Kind::Redis, kept.folder.clone(), (kept.port, kept.bus_port));
    let line = redis.text("CLUSTER NODES").lines().find(|line| line.starts_with(&id)).unwrap().to_owned();
    assert!(line.contains(",host.example master") || line.contains(",host.example fail"), "{line}");
    assert!(line.ends_with(" 0-8191"), "{line}");
}

/// No file of the process may grow beyond so many bytes: a full disk, as far as it can see.
fn limit_file_size(server: &Server, bytes: &str) {
    let status = Command::new("prlimit")
        .args([format!("--pid={}", server.pid()), format!("--fsize={bytes}")])
        .status();
    assert!(status.is_ok_and(|status| status.success()), "prlimit (util-linux) is needed");
}

#[test]
fn a_full_disk_is_said_and_survived() {
    let mut server = Server::start(Kind::Ours);
    server.must("CLUSTER ADDSLOTS 1");
    let before = server.nodes_conf();
    limit_file_size(&server, "10:unlimited");
    for command in ["CLUSTER ADDSLOTS 2", "CLUSTER SAVECONFIG"] {
        let reply = server.ask(command);
        let Reply::Error(text) = reply else { panic!("{reply:?}") };
        assert!(text.starts_with("ERR error saving the cluster node config: File too large"), "{text}");
    }
    assert_eq!(server.nodes_conf(), before);
    assert_eq!(server.ask("PING"), Reply::Simple("PONG".into()));
    assert_eq!(server.info("cluster_slots_assigned"), "2");
    server.wait_for_log("nodes.conf");
    server.wait_for_log("File too large");
    limit_file_size(&server, "unlimited:unlimited");
    // Nobody asks for it: what could not be written is written once it can be.
    let start = std::time::Instant::now();
    while !server.nodes_conf().contains(" connected 1-2\n") {
        assert!(start.elapsed().as_secs() < 60, "not written; log:\n{}", server.log());
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let mut server = server.kill_and_restart();
    assert_eq!(server.info("cluster_slots_assigned"), "2");
}
