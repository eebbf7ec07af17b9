//! What a master does with replicas that are slow, silent or too few.

use crate::harness::server::Server;
use crate::harness::wait_until;

#[test]
fn a_replica_that_does_not_read_is_cut_off() {
    let mut master = Server::ours(&["--client-output-buffer-limit", "replica 1mb 0 0"]);
    let mut replica = master.connect();
    replica.send(&["REPLCONF", "capa", "eof", "capa", "psync2"]);
    replica.reply();
    replica.send(&["PSYNC", "?", "-1"]);
    assert!(replica.line().starts_with("+FULLRESYNC "));
    wait_until("it is a replica", || master.info("connected_slaves") == "1");
    let value = "x".repeat(100_000);
    wait_until("it is cut off", || {
        for _ in 0..20 {
            assert_eq!(master.text(&format!("SET big {value}")), "OK");
        }
        master.info("connected_slaves") == "0"
    });
    assert!(master.log().contains("client-output-buffer-limit replica"), "{}", master.log());
    assert_eq!(master.info("client_output_buffer_limit_disconnections"), "1");
}

/// What waits for a replica is counted as its own, and gone at once when it is closed.
#[test]
fn a_replica_that_is_killed_holds_nothing_any_more() {
    let mut master = Server::ours(&["--repl-backlog-size", "16kb"]);
    let mut replica = master.connect();
    replica.send(&["PSYNC", "?", "-1"]);
    assert!(replica.line().starts_with("+FULLRESYNC "));
    wait_until("it is a replica", || master.info("connected_slaves") == "1");
    let value = "x".repeat(100_000);
    let number = |master: &mut Server, field: &str| master.info(field).parse::<u64>().unwrap();
    wait_until("much waits for it", || {
        (0..20).for_each(|_| assert_eq!(master.text(&format!("SET big {value}")), "OK"));
        number(&mut master, "mem_clients_slaves") > 10 << 20
    });
    assert!(number(&mut master, "mem_not_counted_for_evict") > 10 << 20);
    assert_eq!(master.text("CLIENT KILL TYPE replica"), "1");
    assert_eq!(master.info("connected_slaves"), "0");
    assert_eq!(number(&mut master, "mem_clients_slaves"), 0);
    assert!(number(&mut master, "mem_not_counted_for_evict") < 1 << 20);
}

/// There is no place for an answer between what a replica is sent. In the log in Redis's words.
#[test]
fn a_replica_that_asks_something_is_let_go() {
    let mut master = Server::ours(&[]);
    for (line, is_about_data) in [("PING", false), ("GET a", true)] {
        let mut replica = master.connect();
        replica.send(&["PSYNC", "?", "-1"]);
        assert!(replica.line().starts_with("+FULLRESYNC "));
        replica.send(&line.split(' ').collect::<Vec<_>>());
        let name = line.split(' ').next().unwrap_or_default().to_lowercase();
        let words = format!("Replica generated a reply to command '{name}', disconnecting it: ");
        wait_until("it is told", || master.log().contains(&words));
        assert_eq!(master.log().contains("Replica can't interact with the keyspace"), is_about_data);
        wait_until("it is let go", || master.info("connected_slaves") == "0");
    }
}

#[test]
fn too_few_replicas() {
    let mut master = Server::ours(&["--min-replicas-to-write", "1"]);
    wait_until("it notices", || master.text("SET a b") == "NOREPLICAS Not enough good replicas to write.");
    assert_eq!(master.text("GET a"), "(nil)");
    let mut replica = Server::ours(&[]);
    replica.sync_with(master.port);
    wait_until("there are enough", || master.text("SET a b") == "OK");
    assert_eq!(master.info("min_slaves_good_slaves"), "1");
    drop(replica);
    wait_until("there are too few again", || master.text("SET a b").starts_with("NOREPLICAS"));
}

#[test]
fn a_replica_without_its_master() {
    let mut master = Server::ours(&[]);
    master.call("SET a b");
    let mut replica = Server::ours(&["--replica-serve-stale-data", "no"]);
    replica.sync_with(master.port);
    assert_eq!(replica.text("GET a"), "b");
    drop(master);
    wait_until("it is stale", || replica.text("GET a").starts_with("MASTERDOWN"));
    assert_eq!(replica.info("master_link_status"), "down");
    // And takes no replicas of its own meanwhile.
    let reply = replica.text("PSYNC ? -1");
    assert!(reply.starts_with("NOMASTERLINK") || reply.starts_with("MASTERDOWN"), "{reply}");
    assert_eq!(replica.text("REPLICAOF NO ONE"), "OK");
    assert_eq!(replica.text("GET a"), "b");
}

#[test]
fn an_unused_backlog_is_freed() {
    let mut master = Server::ours(&["--repl-backlog-ttl", "1"]);
    let mut replica = Server::ours(&[]);
    replica.sync_with(master.port);
    master.call("SET a b");
    let id = master.info("master_replid");
    assert_eq!(master.info("repl_backlog_active"), "1");
    drop(replica);
    wait_until("the backlog is freed", || master.info("repl_backlog_active") == "0");
    assert_ne!(master.info("master_replid"), id);
}

/// While a node sleeps (DEBUG SLEEP) its data grow old: how old they are decides whether it may take over.
#[test]
fn a_link_that_is_killed_is_down_while_the_node_sleeps() {
    let master = Server::ours(&[]);
    let mut replica = Server::ours(&["--enable-debug-command", "yes"]);
    replica.follow(&master);
    replica.wait_for_link();
    for (line, answer) in [("MULTI", "OK"), ("CLIENT KILL TYPE master", "QUEUED")] {
        assert_eq!(replica.text(line), answer);
    }
    // Longer than anybody here waits; nor is the answer waited for.
    assert_eq!(replica.text("DEBUG SLEEP 600"), "QUEUED");
    replica.client.send(&["EXEC"]);
    wait_until("the link is down", || replica.log().contains("the link was closed by a client of this node"));
}
