//! `--cluster` beside the real redis-cli: what only looks says the same to the byte, what changes does the same.

use rcl_proto::resp::Reply;

use super::server::Server;
use super::{Program, assert_same, has_redis_cli, run};

fn cluster(words: &[&str], input: &str) -> (Option<i32>, String) {
    let output = run(Program::Ours, &[&["--cluster"], words].concat(), input.as_bytes(), &[]);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{words:?}");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Carries it out, and it must say these lines, in this order.
#[track_caller]
fn says(words: &[&str], input: &str, lines: &[&str]) {
    let (code, said) = cluster(words, input);
    assert_eq!(code, Some(0), "{words:?}: {said}");
    let mut rest = said.as_str();
    for line in lines {
        let Some(place) = rest.find(line) else { panic!("{words:?} did not say {line:?}:\n{said}") };
        rest = &rest[place + line.len()..];
    }
}

fn id(server: &Server) -> String {
    match server.call(&["CLUSTER", "MYID"]) {
        Reply::Bulk(id) => String::from_utf8(id).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_cluster_is_made_looked_at_and_reshaped() {
    let options = ["--cluster-enabled", "yes"];
    let servers: Vec<Server> = (0..4).map_while(|_| Server::start(&options)).collect();
    let [first, second, third, fourth] = servers.as_slice() else { return };
    let addresses: Vec<String> = servers.iter().map(|server| format!("127.0.0.1:{}", server.port)).collect();
    let [one, two, three, four] = addresses.iter().map(String::as_str).collect::<Vec<_>>()[..] else {
        return;
    };
    assert_eq!(cluster(&["create", one, two, three], "no\n").0, Some(0), "a no is no error");
    assert_eq!(first.call(&["CLUSTER", "COUNTKEYSINSLOT", "0"]), Reply::Integer(0));
    says(
        &["create", one, two, three],
        "yes\n",
        &[
            ">>> Performing hash slots allocation on 3 nodes...\n",
            "Master[0] -> Slots 0 - 5460\n",
            "Can I set the above configuration? (type 'yes' to accept): ",
            ">>> Assign a different config epoch to each node\n",
            ">>> Sending CLUSTER MEET messages to join the cluster\n",
            "Waiting for the cluster to join\n",
            &format!(">>> Performing Cluster Check (using node {one})\n"),
            "[OK] All nodes agree about slots configuration.\n",
            "[OK] All 16384 slots covered.\n",
        ],
    );
    looks_the_same(first);
    // A key that is all that MIGRATE's words could trip over: {a} is slot 15495, on the third node.
    let key = "{a}\\x00 \"quoted\"\\n'";
    third.call(&["SET", key, "kept"]);
    says(
        &[
            "reshard",
            one,
            "--cluster-from",
            &id(third),
            "--cluster-to",
            &id(first),
            "--cluster-slots",
            "5000",
            "--cluster-yes",
            "--cluster-pipeline",
            "5",
            "--cluster-timeout",
            "30000",
        ],
        "",
        &[
            "\nReady to move 5000 slots.\n  Source nodes:\n    M: ",
            "  Destination node:\n    M: ",
            "  Resharding plan:\n",
            &format!("    Moving slot 15495 from {}\n", id(third)),
        ],
    );
    assert_eq!(first.call(&["GET", key]), Reply::Bulk(b"kept".to_vec()));
    says(
        &["rebalance", one, "--cluster-use-empty-masters"],
        "",
        &[">>> Rebalancing across ", "Moving ", &format!(" slots from {one} to {three}\n")],
    );
    says(&["rebalance", one], "", &["*** No rebalancing needed!"]);
    says(
        &["add-node", four, one],
        "",
        &[
            &format!(">>> Adding node {four} to cluster {one}\n"),
            &format!(">>> Send CLUSTER MEET to node {four} to make it join the cluster.\n"),
            "[OK] New node added correctly.\n",
        ],
    );
    let (code, said) = cluster(&["del-node", one, &id(second)], "");
    assert_eq!(code, Some(1));
    assert!(
        said.contains(&format!("[ERR] Node {two} is not empty! Reshard data away and try again.")),
        "{said}"
    );
    says(
        &["del-node", one, &id(fourth)],
        "",
        &[
            &format!(">>> Removing node {} from cluster {one}\n", id(fourth)),
            ">>> Sending CLUSTER FORGET messages to the cluster...\n",
        ],
    );
    says(&["set-timeout", two, "4321"], "", &[">>> New node timeout set. 3 OK, 0 ERR.\n"]);
    let timeout = third.call(&["CONFIG", "GET", "cluster-node-timeout"]);
    assert!(
        matches!(&timeout, Reply::Array(pair) if pair[1] == Reply::Bulk(b"4321".to_vec())),
        "{timeout:?}"
    );
    functions_keep_a_node_out(fourth, four, one);
}

/// What changes nothing is redis-cli's to the byte, and so are its exit codes.
fn looks_the_same(first: &Server) {
    if !has_redis_cli() {
        return;
    }
    let (entry, port) = (format!("127.0.0.1:{}", first.port), first.port.to_string());
    for words in [
        &["check", &entry] as &[&str],
        &["check", "127.0.0.1", &port, "--cluster-search-multiple-owners"],
        &["info", &entry],
        &["call", &entry, "ECHO", "heard"],
        &["call", &entry, "CONFIG", "GET", "maxmemory*"],
        &["call", &entry, "NOSUCH"],
        &["call", "--cluster-only-replicas", &entry, "PING"],
    ] {
        assert_same(&[&["--cluster"], words].concat(), b"", &[]);
    }
    first.call(&["CLUSTER", "DELSLOTS", "7"]);
    assert_same(&["--cluster", "check", &entry], b"", &[]);
    first.call(&["CLUSTER", "ADDSLOTS", "7"]);
}

fn functions_keep_a_node_out(new: &Server, new_address: &str, entry: &str) {
    new.wait_until("it is alone", |wire| {
        let nodes = wire.call(&["CLUSTER", "NODES"]).unwrap();
        String::from_utf8_lossy(nodes.as_bytes().unwrap_or_default()).lines().count() == 1
    });
    new.call(&["FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('f', function() return 1 end)"]);
    let (code, said) = cluster(&["add-node", new_address, entry], "");
    assert_eq!(code, Some(1));
    assert!(said.contains("node already contains functions"), "{said}");
}

#[test]
fn a_server_s_keys_are_imported_and_a_wrong_line_is_refused() {
    let Some(node) = Server::start(&["--cluster-enabled", "yes"]) else { return };
    let Some(source) = Server::start(&["--requirepass", "hush"]) else { return };
    node.call(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    node.wait_until("it serves", |wire| {
        let reply = wire.call(&["CLUSTER", "INFO"]).unwrap();
        String::from_utf8_lossy(reply.as_bytes().unwrap_or_default()).contains("cluster_state:ok")
    });
    let entry = format!("127.0.0.1:{}", node.port);
    let from = format!("127.0.0.1:{}", source.port);
    let login = ["-a", "hush", "--no-auth-warning", "-p"];
    run(Program::Ours, &[&login[..], &[&source.port.to_string(), "SET", "k", "v"]].concat(), b"", &[]);
    let import = ["import", entry.as_str(), "--cluster-from", &from, "--cluster-from-pass", "hush"];
    says(
        &[&import[..], &["--cluster-copy"]].concat(),
        "",
        &[&format!(">>> Importing data from {from} to cluster {entry}\n")],
    );
    assert_eq!(node.call(&["GET", "k"]), Reply::Bulk(b"v".to_vec()));
    for words in [
        &["--cluster", "nonsense", &entry] as &[&str],
        &["--cluster", "check"],
        &["--cluster", "check", &entry, "--cluster-replicas", "1"],
        &["--cluster", "set-timeout", &entry, "5"],
    ] {
        assert_eq!(run(Program::Ours, words, b"", &[]).status.code(), Some(1), "{words:?}");
    }
    let fix = ["--cluster", "fix", &entry, "--cluster-fix-with-unreachable-masters", "--cluster-yes"];
    assert_eq!(run(Program::Ours, &fix, b"", &[]).status.code(), Some(0));
}
