//! The lab, the watch, the demos and key-slot as a user runs them: the real binary, on real `redis-server`
//! processes that the lab starts.

mod lab;

use self::lab::Lab;
use rcl_proto::resp::Reply;

/// A lab whose six nodes are a cluster; `None`, said loudly, where there is no `redis-server`.
fn cluster(base_port: u16) -> Option<Lab> {
    let lab = Lab::new(base_port)?;
    lab.succeed(&["start", "--nodes", "6"]);
    let mut arguments = vec!["create".to_owned()];
    arguments.extend((1..=6).map(|number| lab.address(number)));
    arguments.extend(["--replicas", "1", "--yes"].map(str::to_owned));
    lab::rcl_succeeds(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    Some(lab)
}

#[test]
fn a_lab_starts_is_seen_and_ends() {
    let Some(lab) = Lab::new(13_501) else { return };
    let first = lab.states(&lab.succeed(&["-o", "json", "start", "--nodes", "3"]));
    assert_eq!(first.iter().map(|(state, _)| state.as_str()).collect::<Vec<_>>(), ["running"; 3]);
    let again = lab.states(&lab.succeed(&["-o", "json", "start", "--nodes", "3"]));
    assert_eq!(again, first, "what runs is left alone");

    lab.succeed(&["kill", "2"]);
    let killed = lab.fail(&["kill", "2"], 3);
    assert!(killed.contains("node 2 does not run"), "{killed}");
    assert!(lab.fail(&["kill", "9"], 3).contains("no node 9"));
    let restarted = lab.states(&lab.succeed(&["-o", "json", "restart", "2"]));
    assert_eq!(restarted[1].0, "running");
    assert_ne!(restarted[1].1, first[1].1, "another process");

    let added = lab.states(&lab.succeed(&["-o", "json", "add"]));
    assert_eq!(added.len(), 4);
    let stopped = lab.states(&lab.succeed(&["-o", "json", "stop", "4"]));
    assert_eq!(
        stopped.iter().map(|(state, _)| state.as_str()).filter(|state| *state == "running").count(),
        3
    );
    lab.succeed(&["clean"]);
    assert!(!lab.directory.exists());
}

#[test]
fn data_survives_a_stop() {
    let Some(lab) = cluster(13_521) else { return };
    let port = lab.port(1).to_string();
    let set = lab::rcl_succeeds(&["redis-cli", "-c", "-p", &port, "SET", "{test}:data", "critical"]);
    assert_eq!(set, "OK\n");
    lab.succeed(&["stop"]);
    lab.succeed(&["start", "--nodes", "6"]);
    lab.wait_until_ok();
    assert_eq!(lab::rcl_succeeds(&["redis-cli", "-c", "-p", &port, "GET", "{test}:data"]), "critical\n");
}

#[test]
fn a_process_that_died_by_itself_is_gone_and_a_pid_of_somebody_else_is_not_touched() {
    let Some(lab) = Lab::new(13_541) else { return };
    let states = lab.states(&lab.succeed(&["-o", "json", "start", "--nodes", "1"]));
    let pid = states[0].1.unwrap();
    lab.call(1, &["SHUTDOWN", "NOSAVE"]);
    let status = lab.wait_for_state("gone");
    assert_eq!(status[0], ("gone".to_owned(), None));
    // The record now names a process that lives and is another one: this test itself.
    let record = lab.directory.join("lab.json");
    let text = std::fs::read_to_string(&record).unwrap();
    std::fs::write(&record, text.replace(&pid.to_string(), &std::process::id().to_string())).unwrap();
    let status = lab.succeed(&["status"]);
    assert!(status.contains("is now another process"), "{status}");
    lab.succeed(&["stop"]);
    assert_eq!(lab.states(&lab.succeed(&["-o", "json", "start", "--nodes", "1"]))[0].0, "running");
}

#[test]
fn busy_ports_are_said_all_at_once_and_nothing_is_started() {
    let Some(lab) = Lab::new(13_561) else { return };
    let Some(foreign) = Lab::new(13_562) else { return };
    foreign.succeed(&["start", "--nodes", "1"]);
    let other = std::net::TcpListener::bind(("127.0.0.1", lab.port(3))).unwrap();
    let said = lab.fail(&["start", "--nodes", "4"], 3);
    assert!(said.contains("port 13562 is taken by a Redis server"), "{said}");
    assert!(said.contains("port 13563 is taken by a program that does not speak"), "{said}");
    assert!(lab.states(&lab.succeed(&["-o", "json", "status"])).iter().all(|(state, _)| state != "running"));
    drop(other);
}

#[test]
fn a_server_that_does_not_come_up_is_reported_with_its_log() {
    let Some(lab) = Lab::new(13_581) else { return };
    lab.succeed(&["start", "--nodes", "1"]);
    lab.succeed(&["stop"]);
    std::fs::write(lab.directory.join("node-1/node.conf"), "no-such-directive yes\n").unwrap();
    let said = lab.fail(&["start", "--nodes", "1"], 5);
    assert!(said.contains("node 1 ended at once") && said.contains("no-such-directive"), "{said}");
    assert!(lab.fail(&["add", "--server", "no-such-program"], 3).contains("there is no program"));
}

#[test]
fn watch_sees_a_cluster_and_what_happens_to_it() {
    let Some(lab) = cluster(13_601) else { return };
    let page = lab::rcl_succeeds(&["watch", &lab.address(1), "--once"]);
    assert!(page.starts_with("cluster ok  16384/16384 slots  3 masters  3 replicas"), "{page}");
    assert!(!page.contains('\x1b'), "no colour in a pipe");
    let json: serde_json::Value =
        serde_json::from_str(&lab::rcl_succeeds(&["watch", &lab.address(1), "--once", "-o", "json"]))
            .unwrap();
    assert_eq!(json["sample"]["nodes"].as_array().unwrap().len(), 6);

    // The entry itself dies; the watch goes on by another node and tells the story.
    let mut watch = lab::Follower::start(&["watch", &lab.address(1), "--interval", "0.1"]);
    // A replica that never had its master's data would not take its place.
    watch.wait_for("state=ok slots=16384 masters=3 replicas=3 healthy=6/6");
    lab.succeed(&["kill", "1"]);
    watch.wait_for(&format!("event {} does not answer", lab.address(1)));
    watch.wait_for("is promoted: it was a replica of");
    lab.succeed(&["restart", "1"]);
    watch.wait_for(&format!("event {} is now a replica of", lab.address(1)));
}

#[test]
fn the_demos_are_played_and_leave_nothing_behind() {
    let Some(lab) = cluster(13_621) else { return };
    for demo in ["hash-tag-demo", "cross-slot-demo"] {
        let text = lab::rcl_succeeds(&[demo, &lab.address(1), "-o", "json"]);
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
        let book: serde_json::Value =
            serde_json::from_str(&lab::rcl_succeeds(&[demo, "-o", "json"])).unwrap();
        let from_the_book: Vec<&str> = book["scenes"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|scene| scene["commands"].as_array().unwrap())
            .map(|exchange| exchange["reply"].as_str().unwrap())
            .collect();
        assert_eq!(from_the_book, replies, "{demo}");
        for number in 1..=6 {
            assert_eq!(lab.call(number, &["DBSIZE"]), Reply::Integer(0), "{demo} left keys on node {number}");
        }
    }
    let keys = lab::rcl_succeeds(&["key-slot", "--entry", &lab.address(4), "-o", "json", "--", "user:1001"]);
    let keys: serde_json::Value = serde_json::from_str(&keys).unwrap();
    assert_eq!((&keys["keys"][0]["slot"], &keys["keys"][0]["crc16"]), (&5712.into(), &22096.into()));
    assert_eq!(keys["keys"][0]["owner"]["address"], lab.address(2));
}

#[test]
fn what_is_shown_of_a_cluster_fits_80_columns() {
    let Some(lab) = cluster(13_641) else { return };
    for verb in ["info", "nodes", "slot-info", "check"] {
        for line in lab::rcl_succeeds(&[verb, &lab.address(1)]).lines() {
            assert!(line.chars().count() <= 80, "rcl {verb}: {line}");
        }
    }
}

#[test]
fn a_key_s_slot_needs_no_cluster() {
    let keys = lab::rcl_succeeds(&["key-slot", "-o", "json", "--", "user:1001", "{test}:data", "-x"]);
    let keys: serde_json::Value = serde_json::from_str(&keys).unwrap();
    assert_eq!(
        keys["keys"][1],
        serde_json::json!({"key": "{test}:data", "hash_tag": "test", "crc16": 39686, "slot": 6918})
    );
    assert_eq!(keys["keys"][2]["key"], "-x");
}
