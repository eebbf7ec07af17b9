//! Bad input is refused before anything is touched: with a documented code, and words that help.

use crate::harness::*;

#[test]
fn create_refuses_what_cannot_become_a_cluster() {
    with_each_kind(|kind| {
        let servers = Server::start_many(kind, 4, &[]);
        let addresses: Vec<String> = servers.iter().map(Server::address).collect();
        let a: Vec<&str> = addresses.iter().map(String::as_str).collect();
        rcl_refused(3, "2 masters", &["create", a[0], a[1], a[2], a[3], "--replicas", "1", "--yes"]);
        rcl_refused(2, "named twice", &["create", a[0], a[1], a[1], "--yes"]);
        rcl_refused(4, "cannot reach 127.0.0.1:1", &["create", a[0], a[1], "127.0.0.1:1", "--yes"]);
        rcl_refused(6, "--yes", &["create", a[0], a[1], a[2]]);
        let asked_with_tls = ["create", a[0], a[1], a[2], "--tls", "--insecure", "--yes"];
        rcl_refused(4, "speaks plain text on this port, not TLS", &asked_with_tls);
        let alone = Server::start(kind, &["--cluster-enabled", "no"]);
        rcl_refused(3, "not in cluster mode", &["create", a[0], a[1], &alone.address(), "--yes"]);
        rcl_refused(3, "not in cluster mode", &["check", &alone.address()]);
        servers[3].link().call(&["CLUSTER", "ADDSLOTS", "0"]);
        servers[3].link().call(&["SET", "{}x", "1"]);
        rcl_refused(3, "already owns slots", &["create", a[0], a[1], a[3], "--yes"]);
        // Nothing of all this left a trace.
        rcl_ok(&["create", a[0], a[1], a[2], "--yes"]);
        rcl_refused(3, "already in a cluster", &["create", a[0], a[1], a[2], "--yes"]);
        rcl_refused(3, "already owns slots", &["add-node", a[3], a[0]]);
    });
}

#[test]
fn a_description_file_makes_the_same_cluster() {
    with_each_kind(|kind| {
        let servers = Server::start_many(kind, 3, &[]);
        let path = std::env::temp_dir().join(format!("rcl-description-{}.yaml", std::process::id()));
        let nodes: Vec<String> = servers.iter().map(|server| format!("  - {}\n", server.address())).collect();
        std::fs::write(&path, format!("replicas: 0\nnodes:\n{}", nodes.concat())).unwrap();
        rcl_ok(&["create", "--file", path.to_str().unwrap(), "--yes"]);
        std::fs::write(&path, "replica: 0\nnodes: []\n").unwrap();
        rcl_refused(2, "unknown field", &["create", "--file", path.to_str().unwrap(), "--yes"]);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(findings(&servers[0]).0, 0);
    });
}

#[test]
fn changes_that_cannot_be_are_refused() {
    with_each_kind(|kind| {
        let mut servers = Server::start_many(kind, 4, &[]);
        create(&servers[..3], 0);
        let address = servers[0].address();
        let ids: Vec<String> = servers.iter().map(Server::id).collect();
        let other = servers[1].address();
        rcl_refused(
            3,
            "no node 'ffffffff'",
            &["reshard", &address, "--to", "ffffffff", "--slots", "1", "--yes"],
        );
        rcl_refused(
            3,
            "own 5461",
            &["reshard", &address, "--from", &ids[0], "--to", &ids[1], "--slots", "9999", "--yes"],
        );
        rcl_refused(
            3,
            "both source and target",
            &["reshard", &address, "--from", &ids[1], "--to", &ids[1], "--slots", "1", "--yes"],
        );
        rcl_refused(3, "only 2 masters", &["scale-down", &other]);
        rcl_refused(3, "in this cluster already", &["add-node", &other, &address]);
        rcl_refused(3, "without a replica", &["failover", &other]);
        rcl_refused(2, "--entry", &["failover", "abcdef"]);
        rcl_refused(2, "expected NODE=WEIGHT", &["rebalance", &address, "--weight", "x", "--yes"]);
        rcl_refused(2, "REDISCLI_AUTH", &["-a", "secret", "info", &address]);
        servers[3].link().call(&["SET", "x", "1"]);
        // Slots that are open in a way that no single move explains.
        servers[0].link().call(&["CLUSTER", "SETSLOT", "0", "MIGRATING", &ids[1]]);
        servers[2].link().call(&["CLUSTER", "SETSLOT", "0", "IMPORTING", &ids[0]]);
        rcl_refused(3, "rcl fix", &["rebalance", &address, "--weight", &format!("{}=2", ids[0]), "--yes"]);
        let (code, codes) = findings(&servers[0]);
        assert_eq!((code, codes.contains(&"open-slot".to_owned())), (1, true));
        rcl_ok(&["fix", &address, "--yes"]);
        assert!(!findings(&servers[0]).1.contains(&"open-slot".to_owned()));
        // Slots that are moving already, to somebody else.
        servers[0].link().call(&["CLUSTER", "SETSLOT", "0", "MIGRATING", &ids[1]]);
        rcl_refused(
            3,
            "already moving",
            &["reshard", &address, "--to", &ids[2], "--slot-ranges", "0", "--yes"],
        );
        // A dead master is named, and what owns slots is not thrown away.
        servers[2].kill();
        rcl_refused(3, "cannot be moved off", &["scale-down", &ids[2], "--entry", &address]);
        let (code, codes) = findings(&servers[0]);
        assert_eq!((code, codes[0].as_str()), (1, "lost-shard"));
    });
}

#[test]
fn passwords_are_asked_for_and_work_for_moves_too() {
    with_each_kind(|kind| {
        let servers = Server::start_many(kind, 3, &["--requirepass", "sesame", "--masterauth", "sesame"]);
        let addresses: Vec<String> = servers.iter().map(Server::address).collect();
        let mut create = vec!["create", "--yes"];
        create.extend(addresses.iter().map(String::as_str));
        rcl_refused(4, "does not let us in", &create);
        let with = |password: &str, arguments: &[&str]| {
            outcome(rcl_command(arguments).env("REDISCLI_AUTH", password).output().unwrap())
        };
        let (code, _, stderr) = with("wrong", &create);
        assert_eq!(code, 4, "{stderr}");
        assert!(stderr.contains("does not let us in"), "{stderr}");
        let (code, _, stderr) = with("sesame", &create);
        assert_eq!(code, 0, "{stderr}");
        let mut link = servers[0].link();
        link.call(&["AUTH", "sesame"]);
        link.call(&["SET", "{}5", "five"]);
        let slot = rcl_proto::key_slot(b"{}5");
        let target = if slot.number() < 5461 { &addresses[1] } else { &addresses[0] };
        let range = slot.to_string();
        let reshard = ["reshard", &addresses[0], "--to", target, "--slot-ranges", &range, "--yes"];
        let (code, stdout, stderr) = with("sesame", &reshard);
        assert_eq!(code, 0, "{stdout}{stderr}");
    });
}
