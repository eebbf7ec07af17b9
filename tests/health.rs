//! What check, doctor and fix find and mend on living clusters; what create sees before it begins, and takes back when it fails.

use std::process::{Child, Stdio};

use crate::harness::*;
use rcl_proto::key_slot;
use rcl_proto::resp::Reply;

/// A key on a node that does not own its slot, as a move leaves it that was broken off.
fn leave_stray(holder: &Server, owner_id: &str, key: &str, value: &str) {
    let slot = key_slot(key.as_bytes()).number().to_string();
    let mut link = holder.link();
    assert_eq!(link.call(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", owner_id]), ok());
    assert_eq!(link.call(&["ASKING"]), ok());
    assert_eq!(link.call(&["SET", key, value]), ok());
    assert_eq!(link.call(&["CLUSTER", "SETSLOT", &slot, "STABLE"]), ok());
}

fn keys_of(server: &Server, key: &str) -> Reply {
    server.link().call(&["CLUSTER", "COUNTKEYSINSLOT", &key_slot(key.as_bytes()).number().to_string()])
}

fn bulk(text: &str) -> Reply {
    Reply::Bulk(text.as_bytes().to_vec())
}

#[test]
fn stray_keys_and_a_lost_shard_are_mended_as_the_user_decides() {
    with_each_kind(|kind| {
        let mut servers = Server::start_many(kind, 3, &[]);
        create(&servers, 0);
        let address = servers[0].address();
        // `stray` is a key of the first node.
        let key =
            (0..).map(|n| format!("stray:{n}")).find(|key| key_slot(key.as_bytes()).number() < 5461).unwrap();
        leave_stray(&servers[1], &servers[0].id(), &key, "left behind");
        let (code, codes) = findings(&servers[0]);
        assert_eq!((code, codes.contains(&"orphan-keys".to_owned())), (0, true), "{codes:?}");
        assert_eq!(rcl(&["check", &address, "--strict"]).0, 1);
        rcl_refused(3, "--choose orphan-keys=return", &["fix", &address, "--yes"]);
        let plan = rcl_json(&["fix", &address, "--dry-run"]);
        assert!(plan["warnings"][0].as_str().unwrap().contains("to decide: orphan-keys"), "{plan}");
        rcl_ok(&["fix", &address, "--choose", "orphan-keys=return", "--yes"]);
        assert_eq!(servers[0].link().call(&["GET", &key]), bulk("left behind"));
        assert_eq!(keys_of(&servers[1], &key), Reply::Integer(0));

        // One that the owner has, too, with another value: neither is overwritten unasked.
        leave_stray(&servers[1], &servers[0].id(), &key, "older");
        rcl_refused(5, "orphan-keys=delete", &["fix", &address, "--choose", "orphan-keys=return", "--yes"]);
        assert_eq!(keys_of(&servers[1], &key), Reply::Integer(1));
        rcl_ok(&["fix", &address, "--choose", "orphan-keys=delete", "--yes"]);
        assert_eq!(keys_of(&servers[1], &key), Reply::Integer(0));
        assert_eq!(servers[0].link().call(&["GET", &key]), bulk("left behind"), "the owner's is not touched");
        assert!(!findings(&servers[0]).1.contains(&"orphan-keys".to_owned()));

        let doctor = rcl_json(&["doctor", &address]);
        let codes: Vec<&str> = doctor["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| finding["code"].as_str().unwrap())
            .collect();
        for code in ["no-replica", "no-maxmemory", "no-persistence", "bus-unauthenticated", "no-password"] {
            assert!(codes.contains(&code), "{code} is missing: {codes:?}");
        }
        for code in
            ["settings-hidden", "command-missing", "bus-port-blocked", "announced-address", "version-skew"]
        {
            assert!(!codes.contains(&code), "{code}: {doctor}");
        }

        // A shard without a replica is gone for good.
        let gone = servers[2].id();
        servers[2].kill();
        eventually("the others call it failed", || {
            text(&servers[0].link().call(&["CLUSTER", "NODES"]))
                .lines()
                .any(|line| line.starts_with(&gone) && line.contains("master,fail "))
        });
        assert!(findings(&servers[0]).1.contains(&"lost-shard".to_owned()));
        rcl_refused(3, "--choose lost-shard=give-up", &["fix", &address, "--yes"]);
        rcl_ok(&["fix", &address, "--choose", "lost-shard=give-up", "--yes"]);
        eventually("all is well", || {
            findings(&servers[0]) == (0, vec!["no-replica".into(), "no-replica".into()])
        });
        let nodes = rcl_json(&["nodes", &address]);
        assert_eq!(nodes.as_array().unwrap().len(), 2, "{nodes}");
        let mut client = Client::new(servers[0].port);
        for index in 0..100 {
            client.set(&format!("after:{index}"), "1").unwrap();
        }
    });
}

#[test]
fn create_names_everything_that_is_wrong_before_it_changes_anything() {
    with_each_kind(|kind| {
        let good = Server::start(kind, &[]);
        let full = Server::start(kind, &["--cluster-require-full-coverage", "no"]);
        full.link().call(&["CLUSTER", "ADDSLOTS", &key_slot(b"x").number().to_string()]);
        eventually("it serves", || full.link().call(&["SET", "x", "1"]) == ok());
        full.link().call(&["CLUSTER", "DELSLOTS", &key_slot(b"x").number().to_string()]);
        let locked = Server::start(kind, &["--requirepass", "sesame"]);
        let alone = Server::start(kind, &["--cluster-enabled", "no"]);
        let dead_port = free_port().to_string();
        let no_bus = Server::start(kind, &["--cluster-announce-bus-port", &dead_port]);
        let elsewhere = Server::start(kind, &["--cluster-announce-port", &dead_port]);
        let mute = Server::start(kind, &[]);
        signal(mute.pid(), libc::SIGSTOP);
        let servers = [&good, &full, &locked, &alone, &no_bus, &elsewhere, &mute];
        let mut arguments = vec!["create".to_owned(), "--yes".to_owned()];
        arguments.extend(servers.iter().map(|server| server.address()));
        arguments.push("127.0.0.1:1".to_owned());
        arguments.push(format!("localhost:{}", good.port));
        arguments.push("no.such.host.invalid:7000".to_owned());
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (code, stdout, stderr) = rcl(&arguments);
        signal(mute.pid(), libc::SIGCONT);
        assert_eq!(code, 2, "{stdout}{stderr}");
        for (server, what) in [
            (&full, "is not empty: it holds 1 key"),
            (&locked, "does not let us in"),
            (&alone, "is not in cluster mode"),
            (&no_bus, "has its bus at"),
            (&elsewhere, "says that it is elsewhere"),
            (&mute, "does not answer"),
        ] {
            let line = stderr.lines().find(|line| line.trim_start().starts_with(&server.address()));
            assert!(line.is_some_and(|line| line.contains(what)), "{what}:\n{stderr}");
        }
        assert!(
            stderr.contains("cannot reach 127.0.0.1:1:") && stderr.contains("named by another address too"),
            "{stderr}"
        );
        assert!(stderr.contains("no.such.host.invalid:7000 has a name that cannot be looked up"), "{stderr}");
        assert!(
            stderr.contains("--allow bus-port-blocked") && stderr.contains("--allow announced-address"),
            "{stderr}"
        );
        assert!(is_untouched(&good), "nothing was changed");
        rcl_ok(&["create", &good.address(), "--allow", "few-masters", "--yes"]);
        assert!(text(&good.link().call(&["CLUSTER", "INFO"])).contains("cluster_state:ok"));
    });
}

/// As a node is when it was just started.
fn is_untouched(server: &Server) -> bool {
    let nodes = rcl_proto::nodes_text::parse(&text(&server.link().call(&["CLUSTER", "NODES"]))).unwrap();
    matches!(nodes.as_slice(), [me] if me.config_epoch == 0 && me.master.is_none() && me.slots.is_empty())
}

fn signal(pid: u32, signal: libc::c_int) {
    // SAFETY: a signal to a process that this test started and has not waited for yet.
    assert_eq!(unsafe { libc::kill(pid as libc::pid_t, signal) }, 0);
}

/// Begins to create a cluster of these, of which the last is not reached by the others over the bus.
fn begin_in_vain(servers: &[Server], limit: &str) -> Child {
    let addresses: Vec<String> = servers.iter().map(Server::address).collect();
    let mut arguments = vec!["create", "--yes", "--allow", "bus-port-blocked", "--join-limit", limit];
    arguments.extend(addresses.iter().map(String::as_str));
    let running = rcl_command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    eventually("nodes know each other", || {
        text(&servers[0].link().call(&["CLUSTER", "NODES"])).lines().count() > 1
    });
    running
}

#[test]
fn a_create_that_fails_or_is_interrupted_takes_back_what_it_did() {
    with_each_kind(|kind| {
        let mut servers = Server::start_many(kind, 4, &[]);
        let dead_port = free_port().to_string();
        servers.push(Server::start(kind, &["--cluster-announce-bus-port", &dead_port]));
        let untouched = |servers: &[Server]| servers.iter().all(is_untouched);

        let (code, stdout, stderr) = outcome(begin_in_vain(&servers, "1").wait_with_output().unwrap());
        assert_eq!(code, 5, "{stdout}{stderr}");
        assert!(stderr.contains("5 nodes empty and alone again"), "{stderr}");
        assert!(untouched(&servers), "{stderr}");

        let running = begin_in_vain(&servers, "30");
        signal(running.id(), libc::SIGINT);
        let (code, stdout, stderr) = outcome(running.wait_with_output().unwrap());
        assert_eq!(code, 130, "{stdout}{stderr}");
        assert!(untouched(&servers), "{stderr}");

        let running = begin_in_vain(&servers, "3");
        servers[3].kill();
        let (code, stdout, stderr) = outcome(running.wait_with_output().unwrap());
        assert_eq!(code, 5, "{stdout}{stderr}");
        assert!(
            stderr.contains(&format!("{} (", servers[3].address())) && stderr.contains("was not reset"),
            "{stderr}"
        );
        assert!(untouched(&servers[..3]), "{stderr}");
        // They can be used as if nothing had been, whatever the dead one remembers.
        servers[3].start_again();
        create(&servers[..3], 0);
        assert_eq!(findings(&servers[0]).0, 0);
    });
}
