//! Each way to go on without a copy, alone and on purpose: a short cut, a planned failover, a restart of either side, another
//! parent. (An automatic failover that other replicas see is in `cluster`, and with mixed kinds in the cluster's own tests.)
//! And what a torn copy leaves, by `repl-diskless-load`.

use super::data::{assert_same, contents, fill};
use super::load::Load;
use super::proxy::Proxy;
use crate::harness::server::Server;
use crate::harness::{has_redis, wait_until};

/// Master and replica, for every pair of kinds that this machine has.
fn each_pair(test: &str, run: impl Fn(&str, &str)) {
    run("ours", "ours");
    if has_redis(test) {
        run("ours", "redis");
        run("redis", "ours");
    }
}

fn syncs(server: &mut Server) -> (u64, u64) {
    let number = |server: &mut Server, field| server.info(field).parse().unwrap();
    (number(server, "sync_full"), number(server, "sync_partial_ok"))
}

#[test]
fn a_short_cut() {
    each_pair("a_short_cut", |master_kind, replica_kind| {
        let mut master = Server::of(master_kind, &[]);
        let mut replica = Server::of(replica_kind, &[]);
        let proxy = Proxy::to(master.port);
        fill(&mut master);
        replica.sync_with(proxy.port);
        assert_same(&mut master, &mut replica);
        proxy.cut();
        wait_until("it is cut", || replica.info("master_link_status") == "down");
        master.call(&format!("SET missed {}", "x".repeat(100_000)));
        proxy.mend();
        replica.wait_for_link();
        assert_same(&mut master, &mut replica);
        assert_eq!(syncs(&mut master), (1, 1), "{master_kind} over {replica_kind}");
    });
}

#[test]
fn more_than_the_backlog_missed() {
    each_pair("more_than_the_backlog_missed", |master_kind, replica_kind| {
        let mut master = Server::of(master_kind, &["--repl-backlog-size", "16kb"]);
        let mut replica = Server::of(replica_kind, &[]);
        let proxy = Proxy::to(master.port);
        fill(&mut master);
        replica.sync_with(proxy.port);
        proxy.cut();
        wait_until("it is cut", || replica.info("master_link_status") == "down");
        for number in 0..20 {
            master.call(&format!("SET missed:{number} {}", "x".repeat(5_000)));
        }
        proxy.mend();
        replica.wait_for_link();
        assert_same(&mut master, &mut replica);
        assert_eq!(syncs(&mut master), (2, 0), "{master_kind} over {replica_kind}");
    });
}

/// Although the whole replica sleeps from then on: the master hears at once that the link is cut.
#[test]
fn a_link_that_a_client_kills() {
    let mut master = Server::ours(&[]);
    let mut replica = Server::ours(&[]);
    fill(&mut master);
    replica.sync_with(master.port);
    let mut client = replica.connect();
    for line in ["MULTI", "CLIENT KILL TYPE master", "DEBUG SLEEP 1", "EXEC"] {
        client.send(&line.split(' ').collect::<Vec<_>>());
    }
    wait_until("the master hears of it", || master.info("connected_slaves") == "0");
    (0..4).for_each(|_| _ = client.reply());
    replica.wait_for_link();
    assert_same(&mut master, &mut replica);
    assert_eq!(syncs(&mut master), (1, 1));
}

/// Until the transaction is logged nobody goes on behind it: what it wrote may be more than is kept.
#[test]
fn a_replica_that_a_transaction_kills_comes_back_to_what_that_wrote() {
    let mut master = Server::ours(&["--repl-backlog-size", "16kb"]);
    let mut replica = Server::ours(&[]);
    replica.sync_with(master.port);
    assert_eq!(master.text("SET a b"), "OK");
    wait_until("it has it", || replica.text("GET a") == "b");
    let before = syncs(&mut master);
    let value = "x".repeat(100_000);
    let lines: [&[&str]; 5] = [
        &["MULTI"],
        &["CLIENT", "KILL", "TYPE", "replica"],
        // Long enough for a replica to come back.
        &["EVAL", "local n = 0 for i = 1, 5e7 do n = n + i end", "0"],
        &["SET", "big", &value],
        &["EXEC"],
    ];
    lines.iter().for_each(|words| {
        master.client.call(words);
    });
    wait_until("it has that", || replica.text("STRLEN big") == "100000");
    assert_eq!(syncs(&mut master), (before.0 + 1, before.1), "{}", replica.log());
}

/// Under load: nothing that was answered is lost, and nobody needs a copy.
#[test]
fn a_planned_failover() {
    each_pair("a_planned_failover", |master_kind, heir_kind| {
        let mut master = Server::of(master_kind, &[]);
        let mut heir = Server::of(heir_kind, &[]);
        let mut other = Server::ours(&[]);
        fill(&mut master);
        for replica in [&mut heir, &mut other] {
            replica.sync_with(master.port);
        }
        let load = Load::start(1, master.port);
        wait_until("the load goes on", || load.written() > 300);
        assert_eq!(master.text(&format!("FAILOVER TO 127.0.0.1 {} TIMEOUT 30000", heir.port)), "OK");
        wait_until("it is over", || master.info("master_failover_state") == "no-failover");
        assert_eq!((master.info("role"), heir.info("role")), ("slave".to_owned(), "master".to_owned()));
        load.pause();
        for (counter, count) in load.counted() {
            assert!(heir.text(&format!("GET {counter}")).parse::<i64>().unwrap() >= count, "{counter}");
        }
        other.follow(&heir);
        load.set_master(heir.port);
        load.resume();
        let written = load.written();
        wait_until("the load goes on", || load.written() > written + 300);
        load.pause();
        for replica in [&mut master, &mut other] {
            replica.wait_for_link();
            wait_until("it has all", || replica.offset() == heir.offset());
        }
        assert_eq!(syncs(&mut heir), (0, 2), "{master_kind} to {heir_kind}");
    });
}

#[test]
fn a_failover_that_comes_to_nothing() {
    let mut master = Server::ours(&[]);
    assert_eq!(master.text("FAILOVER"), "ERR FAILOVER requires connected replicas.");
    assert_eq!(master.text("FAILOVER ABORT"), "ERR No failover in progress.");
    let mut replica = Server::ours(&[]);
    replica.sync_with(master.port);
    assert_eq!(replica.text("FAILOVER"), "ERR FAILOVER is not valid when server is a replica.");
    let port = replica.port;
    assert_eq!(master.text("FAILOVER TO 127.0.0.1 1"), "ERR FAILOVER target HOST and PORT is not a replica.");
    assert_eq!(master.text("FAILOVER TIMEOUT 0"), "ERR FAILOVER timeout must be greater than 0");
    assert_eq!(
        master.text(&format!("FAILOVER TO 127.0.0.1 {port} FORCE")),
        "ERR FAILOVER with force option requires both a timeout and target HOST and IP."
    );
    assert_eq!(master.text("FAILOVER NOW"), "ERR syntax error");
    let id = master.info("master_replid");
    assert_eq!(
        master.text(&format!("PSYNC {id} 1 FAILOVER")),
        "ERR PSYNC FAILOVER can't be sent to a master."
    );
    let other = "a".repeat(40);
    assert_eq!(
        replica.text(&format!("PSYNC {other} 1 FAILOVER")),
        "ERR PSYNC FAILOVER replid must match my replid."
    );

    // A replica that stands still never has everything.
    let pause = |signal: &str| {
        let pid = replica.pid().to_string();
        assert!(std::process::Command::new("kill").args([signal, &pid]).status().unwrap().success());
    };
    pause("-STOP");
    assert_eq!(master.text("SET a 1"), "OK");
    assert_eq!(master.text("FAILOVER TIMEOUT 60000"), "OK");
    assert_eq!(master.info("master_failover_state"), "waiting-for-sync");
    assert_eq!(master.text("FAILOVER"), "ERR FAILOVER already in progress.");
    assert_eq!(master.text("REPLICAOF NO ONE"), "ERR REPLICAOF not allowed while failing over.");
    assert_eq!(master.text("PSYNC ? -1"), "NOMASTERLINK Can't SYNC while failing over");
    assert_eq!(master.text("GET a"), "1");
    let mut held_back = master.connect();
    held_back.send(&["SET", "a", "2"]);
    wait_until("a write is held back", || master.info("blocked_clients") == "1");
    assert_eq!(master.text("FAILOVER ABORT"), "OK");
    assert_eq!(held_back.reply(), rcl_proto::resp::Reply::Simple("OK".to_owned()));
    assert_eq!(master.text("FAILOVER TIMEOUT 1"), "OK");
    wait_until("the time is up", || master.info("master_failover_state") == "no-failover");
    assert!(master.log().contains("Replica never caught up before timeout"));
    pause("-CONT");
    wait_until("it has all", || replica.text("GET a") == "2");
    assert_eq!(master.info("role"), "master");

    // One that refuses: the master leads again, and its replicas come back without a copy.
    assert_eq!(replica.text("ACL SETUSER default -psync"), "OK");
    assert_eq!(master.text("FAILOVER"), "OK");
    wait_until("it is refused", || master.info("master_failover_state") == "no-failover");
    assert!(master.log().contains("Failover target rejected psync request"));
    assert_eq!(replica.text("ACL SETUSER default +psync"), "OK");
    replica.wait_for_link();
    assert_eq!(master.text("SET a 3"), "OK");
    assert_same(&mut master, &mut replica);
    assert_eq!(syncs(&mut master), (1, 1));
}

/// What is on its way to the replica that is forced to take over is not lost.
#[test]
fn a_forced_failover_keeps_what_was_sent() {
    let mut master = Server::ours(&[]);
    let mut replica = Server::ours(&[]);
    let proxy = Proxy::to(master.port);
    replica.follow_port(proxy.port);
    wait_until("it is online", || master.info("slave0").contains("state=online"));
    proxy.hold();
    assert_eq!(master.text("SET sent by:now"), "OK");
    assert_eq!(master.text(&format!("FAILOVER TO 127.0.0.1 {} FORCE TIMEOUT 1", replica.port)), "OK");
    wait_until("it is forced", || master.info("master_failover_state") != "waiting-for-sync");
    proxy.mend();
    wait_until("it is over", || master.info("master_failover_state") == "no-failover");
    assert_eq!(replica.text("GET sent"), "by:now");
    assert_same(&mut replica, &mut master);
    assert_eq!(syncs(&mut replica), (0, 1));
}

#[test]
fn a_replica_s_restart() {
    each_pair("a_replica_s_restart", |master_kind, replica_kind| {
        let mut master = Server::of(master_kind, &[]);
        let mut replica = Server::of(replica_kind, &[]);
        fill(&mut master);
        replica.sync_with(master.port);
        assert_same(&mut master, &mut replica);
        let port = replica.port;
        replica.connect().send(&["SHUTDOWN", "SAVE"]);
        let folder = replica.wait_for_its_end();
        master.call("SET missed meanwhile");
        let of = format!("127.0.0.1 {}", master.port);
        let mut replica = Server::of_at(replica_kind, folder, port, &["--replicaof", &of]);
        replica.wait_for_service();
        replica.wait_for_link();
        assert_same(&mut master, &mut replica);
        assert_eq!(syncs(&mut master), (1, 1), "{master_kind} over {replica_kind}");
    });
}

/// Whom REPLICAOF named is what CONFIG GET shows, and so what CONFIG REWRITE writes.
#[test]
fn the_configuration_knows_who_is_followed() {
    let master = Server::ours(&[]);
    let mut replica = Server::ours(&[]);
    let shown = |replica: &mut Server| match replica.call("CONFIG GET replicaof") {
        rcl_proto::resp::Reply::Array(pair) => pair[1].as_bytes().unwrap().to_vec(),
        other => panic!("{other:?}"),
    };
    assert_eq!(shown(&mut replica), b"");
    replica.follow(&master);
    assert_eq!(shown(&mut replica), format!("127.0.0.1 {}", master.port).as_bytes());
    assert_eq!(replica.text("REPLICAOF NO ONE"), "OK");
    assert_eq!(shown(&mut replica), b"");
}

#[test]
fn a_master_s_restart_with_an_rdb() {
    each_pair("a_master_s_restart_with_an_rdb", |master_kind, replica_kind| {
        let mut master = Server::of(master_kind, &[]);
        let mut replica = Server::of(replica_kind, &[]);
        fill(&mut master);
        replica.sync_with(master.port);
        assert_same(&mut master, &mut replica);
        let port = master.port;
        master.connect().send(&["SHUTDOWN", "SAVE"]);
        let folder = master.wait_for_its_end();
        let mut master = Server::of_at(master_kind, folder, port, &[]);
        master.wait_for_service();
        master.call("SET after restart");
        replica.wait_for_link();
        assert_same(&mut master, &mut replica);
        assert_eq!(syncs(&mut master), (0, 1), "{master_kind} over {replica_kind}");
    });
}

/// Down the chain and up again, with a node of the other kind in between.
#[test]
fn another_parent() {
    each_pair("another_parent", |top_kind, middle_kind| {
        let mut top = Server::of(top_kind, &[]);
        let mut middle = Server::of(middle_kind, &[]);
        let mut moved = Server::of(top_kind, &[]);
        let mut below = Server::ours(&[]);
        fill(&mut top);
        for replica in [&mut middle, &mut moved] {
            replica.sync_with(top.port);
        }
        below.sync_with(moved.port);
        moved.sync_with(middle.port);
        top.call("SET down the:chain");
        assert_same(&mut top, &mut below);
        assert_eq!(syncs(&mut middle), (0, 1), "{top_kind} over {middle_kind}");
        moved.sync_with(top.port);
        top.call("SET up again");
        assert_same(&mut top, &mut below);
        assert_eq!(syncs(&mut top), (2, 1), "{top_kind} over {middle_kind}");
        assert_eq!(syncs(&mut moved).0, 1, "what is below never noticed");
    });
}

/// A copy that tears on its way leaves the data that are here, and who reads them is served meanwhile if they are of the same history.
#[test]
fn a_torn_copy_leaves_the_data() {
    for (loads, other_history) in
        [("disabled", false), ("disabled", true), ("swapdb", false), ("swapdb", true)]
    {
        let mut master = Server::ours(&["--repl-backlog-size", "16kb", "--rdbcompression", "no"]);
        let mut replica = Server::ours(&["--repl-diskless-load", loads]);
        let proxy = Proxy::to(master.port);
        fill(&mut master);
        for number in 0..300 {
            master.call(&format!("SET padding:{number} {}", "x".repeat(1000)));
        }
        if other_history {
            // Data of its own.
            replica.call("SET its own");
        } else {
            replica.sync_with(proxy.port);
            assert_same(&mut master, &mut replica);
            proxy.cut();
            wait_until("it is cut", || replica.info("master_link_status") == "down");
        }
        let before = contents(&mut replica.connect(), &["0", "3"]);
        let library = "#!lua name=lib\nredis.register_function('f', function() return 1 end)";
        master.client.call(&["FUNCTION", "LOAD", library]);
        for number in 0..100 {
            master.call(&format!("SET more:{number} {}", "y".repeat(1000)));
        }
        // So slowly that it can be cut in the middle.
        assert_eq!(master.text("CONFIG SET rdb-key-save-delay 3000"), "OK");
        proxy.mend();
        if other_history {
            replica.follow_port(proxy.port);
        }
        wait_until("the copy comes", || replica.info("master_sync_read_bytes").parse().unwrap_or(0) > 64_000);
        let is_async = loads == "swapdb" && !other_history;
        assert_eq!(replica.info("async_loading"), if is_async { "1" } else { "0" });
        if loads == "swapdb" && other_history {
            assert!(replica.text("GET its").starts_with("LOADING"));
        } else {
            assert_eq!(contents(&mut replica.connect(), &["0", "3"]), before, "{loads}: read meanwhile");
        }
        proxy.cut();
        wait_until("it is torn", || replica.info("master_sync_in_progress") == "0");
        wait_until("it serves again", || {
            replica.info("loading") == "0" && replica.info("async_loading") == "0"
        });
        assert_eq!(contents(&mut replica.connect(), &["0", "3"]), before, "{loads}: what is left");
        assert_eq!(master.text("CONFIG SET rdb-key-save-delay 0"), "OK");
        proxy.mend();
        replica.wait_for_link();
        assert_same(&mut master, &mut replica);
        assert_eq!(replica.text("FUNCTION LIST"), master.text("FUNCTION LIST"));
        assert_eq!(
            std::fs::read_dir(&replica.folder.0).unwrap().count(),
            1,
            "nothing but the log stays in the folder"
        );
    }
}
