//! The lab, the watch, the demos and key-slot as a user runs them: the real binary, on real `redis-server`
//! processes that the lab starts.

mod follower;

use self::follower::Follower;
use crate::harness::lab::Lab;
use crate::harness::{Kind, eventually, have_server, rcl_ok};
use rcl_proto::resp::Reply;

/// An empty lab whose nodes will be `redis-server`; `None`, said loudly, where there is none.
fn empty(ports: usize) -> Option<Lab> {
    have_server().then(|| Lab::empty(&vec![Kind::Redis; ports]))
}

/// A lab whose six nodes are a cluster; `None`, said loudly, where there is no `redis-server`.
fn cluster() -> Option<Lab> {
    have_server().then(|| Lab::cluster(Kind::Redis))
}

/// Each node's state and pid, from the JSON form.
fn states(json: &str) -> Vec<(String, Option<u64>)> {
    let status: serde_json::Value = serde_json::from_str(json).unwrap();
    let nodes = status["nodes"].as_array().unwrap();
    nodes.iter().map(|node| (node["state"].as_str().unwrap().to_owned(), node["pid"].as_u64())).collect()
}

#[test]
fn a_lab_starts_is_seen_and_ends() {
    let Some(lab) = empty(4) else { return };
    let first = states(&lab.verb(&["-o", "json", "start", "--nodes", "3"]));
    assert_eq!(first.iter().map(|(state, _)| state.as_str()).collect::<Vec<_>>(), ["running"; 3]);
    let again = states(&lab.verb(&["-o", "json", "start", "--nodes", "3"]));
    assert_eq!(again, first, "what runs is left alone");

    lab.verb(&["kill", "2"]);
    let killed = lab.refuses(&["kill", "2"], 3);
    assert!(killed.contains("node 2 does not run"), "{killed}");
    assert!(lab.refuses(&["kill", "9"], 3).contains("no node 9"));
    let restarted = states(&lab.verb(&["-o", "json", "restart", "2"]));
    assert_eq!(restarted[1].0, "running");
    assert_ne!(restarted[1].1, first[1].1, "another process");

    let added = states(&lab.verb(&["-o", "json", "add"]));
    assert_eq!(added.len(), 4);
    let stopped = states(&lab.verb(&["-o", "json", "stop", "4"]));
    assert_eq!(
        stopped.iter().map(|(state, _)| state.as_str()).filter(|state| *state == "running").count(),
        3
    );
    lab.verb(&["clean"]);
    assert!(!lab.directory.exists());
}

#[test]
fn data_survives_a_stop() {
    let Some(lab) = cluster() else { return };
    let port = lab.port(1).to_string();
    let set = rcl_ok(&["redis-cli", "-c", "-p", &port, "SET", "{test}:data", "critical"]);
    assert_eq!(set, "OK\n");
    lab.verb(&["stop"]);
    lab.verb(&["start", "--nodes", "6"]);
    lab.await_service();
    assert_eq!(rcl_ok(&["redis-cli", "-c", "-p", &port, "GET", "{test}:data"]), "critical\n");
}

#[test]
fn a_process_that_died_by_itself_is_gone_and_a_pid_of_somebody_else_is_not_touched() {
    let Some(lab) = empty(4) else { return };
    let pid = states(&lab.verb(&["-o", "json", "start", "--nodes", "1"]))[0].1.unwrap();
    // The connection that ends is the reply.
    let _ = lab.link(1).try_call(&["SHUTDOWN", "NOSAVE"]);
    eventually("the node is gone", || {
        states(&lab.verb(&["-o", "json", "status"]))[0] == ("gone".to_owned(), None)
    });
    // The record now names a process that lives and is another one: this test itself.
    let record = lab.directory.join("lab.json");
    let text = std::fs::read_to_string(&record).unwrap();
    std::fs::write(&record, text.replace(&pid.to_string(), &std::process::id().to_string())).unwrap();
    let status = lab.verb(&["status"]);
    assert!(status.contains("is now another process"), "{status}");
    lab.verb(&["stop"]);
    assert_eq!(states(&lab.verb(&["-o", "json", "start", "--nodes", "1"]))[0].0, "running");
}

#[test]
fn busy_ports_are_said_all_at_once_and_nothing_is_started() {
    let Some(lab) = empty(4) else { return };
    let Some(foreign) = empty(4) else { return };
    let (second, third) = (lab.port(2).to_string(), lab.port(3).to_string());
    foreign.verb(&["start", "--nodes", "1", "--base-port", &second]);
    let other = std::net::TcpListener::bind(("127.0.0.1", lab.port(3))).unwrap();
    let said = lab.refuses(&["start", "--nodes", "4"], 3);
    assert!(said.contains(&format!("port {second} is taken by a Redis server")), "{said}");
    assert!(said.contains(&format!("port {third} is taken by a program that does not speak")), "{said}");
    assert!(states(&lab.verb(&["-o", "json", "status"])).iter().all(|(state, _)| state != "running"));
    drop(other);
}

#[test]
fn a_server_that_does_not_come_up_is_reported_with_its_log() {
    let Some(lab) = empty(4) else { return };
    lab.verb(&["start", "--nodes", "1"]);
    lab.verb(&["stop"]);
    std::fs::write(lab.directory.join("node-1/node.conf"), "no-such-directive yes\n").unwrap();
    let said = lab.refuses(&["start", "--nodes", "1"], 5);
    assert!(said.contains("node 1 ended at once") && said.contains("no-such-directive"), "{said}");
    assert!(lab.refuses(&["add", "--server", "no-such-program"], 3).contains("there is no program"));
}

#[test]
fn watch_sees_a_cluster_and_what_happens_to_it() {
    let Some(lab) = cluster() else { return };
    let page = rcl_ok(&["watch", &lab.address(1), "--once"]);
    assert!(page.starts_with("cluster ok  16384/16384 slots  3 masters  3 replicas"), "{page}");
    assert!(!page.contains('\x1b'), "no colour in a pipe");
    let json: serde_json::Value =
        serde_json::from_str(&rcl_ok(&["watch", &lab.address(1), "--once", "-o", "json"])).unwrap();
    assert_eq!(json["sample"]["nodes"].as_array().unwrap().len(), 6);

    // The entry itself dies; the watch goes on by another node and tells the story.
    let mut watch = Follower::start(&["watch", &lab.address(1), "--interval", "0.1"]);
    // A replica that never had its master's data would not take its place.
    watch.wait_for("state=ok slots=16384 masters=3 replicas=3 healthy=6/6");
    lab.verb(&["kill", "1"]);
    watch.wait_for(&format!("event {} does not answer", lab.address(1)));
    watch.wait_for("is promoted: it was a replica of");
    lab.verb(&["restart", "1"]);
    watch.wait_for(&format!("event {} is now a replica of", lab.address(1)));
}

#[test]
fn the_demos_are_played_and_leave_nothing_behind() {
    let Some(lab) = cluster() else { return };
    for demo in ["hash-tag-demo", "cross-slot-demo"] {
        let text = rcl_ok(&[demo, &lab.address(1), "-o", "json"]);
        let play: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(play["live"], true);
        let replies: Vec<&str> = play["scenes"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|scene| scene["commands"].as_array().unwrap())
            .map(|exchange| exchange["reply"].as_str().unwrap().trim_end())
            .collect();
        assert!(
            replies.contains(&"(error) CROSSSLOT Keys in request don't hash to the same slot"),
            "{replies:?}"
        );
        assert!(replies.contains(&"OK"), "{replies:?}");
        // What the book says is what the cluster said.
        let book: serde_json::Value = serde_json::from_str(&rcl_ok(&[demo, "-o", "json"])).unwrap();
        let from_the_book: Vec<&str> = book["scenes"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|scene| scene["commands"].as_array().unwrap())
            .map(|exchange| exchange["reply"].as_str().unwrap())
            .collect();
        assert_eq!(from_the_book, replies, "{demo}");
        for number in 1..=6 {
            assert_eq!(
                lab.link(number).call(&["DBSIZE"]),
                Reply::Integer(0),
                "{demo} left keys on node {number}"
            );
        }
    }
    let keys = rcl_ok(&["key-slot", "--entry", &lab.address(4), "-o", "json", "--", "user:1001"]);
    let keys: serde_json::Value = serde_json::from_str(&keys).unwrap();
    assert_eq!((&keys["keys"][0]["slot"], &keys["keys"][0]["crc16"]), (&5712.into(), &22096.into()));
    assert_eq!(keys["keys"][0]["owner"]["address"], lab.address(2));
}

#[test]
fn what_is_shown_of_a_cluster_fits_80_columns() {
    let Some(lab) = cluster() else { return };
    for verb in ["info", "nodes", "slot-info", "check"] {
        for line in rcl_ok(&[verb, &lab.address(1)]).lines() {
            assert!(line.chars().count() <= 80, "rcl {verb}: {line}");
        }
    }
}

#[test]
fn a_key_s_slot_needs_no_cluster() {
    let keys = rcl_ok(&["key-slot", "-o", "json", "--", "user:1001", "{test}:data", "-x"]);
    let keys: serde_json::Value = serde_json::from_str(&keys).unwrap();
    assert_eq!(
        keys["keys"][1],
        serde_json::json!({"key": "{test}:data", "hash_tag": "test", "crc16": 39686, "slot": 6918})
    );
    assert_eq!(keys["keys"][2]["key"], "-x");
}
