//! Nodes whose data plane is busy: their cluster does not notice.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use rcl_proto::resp::Reply;

use super::client::Client;
use super::server::{Kind, Server, meet_all, share_slots};

const NODE_TIMEOUT_MS: u64 = 1_000;
/// Long enough for a failover and a half, if it stopped the heartbeat.
const BUSY_S: u64 = 4 * NODE_TIMEOUT_MS / 1_000;

/// Three masters, and a replica of the first.
fn cluster() -> Vec<Server> {
    let timeout = NODE_TIMEOUT_MS.to_string();
    let options =
        ["--cluster-node-timeout", &timeout, "--enable-debug-command", "local", "--watchdog-period", "200"];
    let mut servers: Vec<Server> = (0..4).map(|_| Server::start_with(Kind::Ours, &options)).collect();
    meet_all(&mut servers);
    share_slots(&mut servers, 3);
    let id = servers[0].id();
    servers[3].must(&format!("CLUSTER REPLICATE {id}"));
    servers[3].wait_for("INFO replication", |text| text.contains("master_link_status:up"));
    for server in &mut servers {
        server.wait_for("CLUSTER NODES", |text| text.contains("slave") && !text.contains("fail"));
    }
    servers
}

/// While `work` runs on the first server, the others see nothing that is not so: no failure, no change.
fn nobody_notices(servers: &mut [Server], work: impl FnOnce(u16) + Send) {
    let port = servers[0].port;
    let is_over = AtomicBool::new(false);
    let epochs = |server: &mut Server| server.info("cluster_current_epoch");
    let before = epochs(&mut servers[1]);
    thread::scope(|scope| {
        scope.spawn(|| {
            work(port);
            is_over.store(true, Ordering::Release);
        });
        while !is_over.load(Ordering::Acquire) {
            for server in &mut servers[1..] {
                let nodes = server.text("CLUSTER NODES");
                assert!(!nodes.contains("fail"), "{nodes}");
                assert_eq!(server.info("cluster_state"), "ok");
            }
        }
    });
    assert_eq!(epochs(&mut servers[1]), before);
    assert!(servers[3].text("CLUSTER NODES").contains("myself,slave"));
    let watchdog = |field: &str, server: &mut Server| {
        let text = server.text("INFO stats");
        let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.unwrap().parse::<u64>().unwrap()
    };
    assert!(watchdog("watchdog_stalls", &mut servers[0]) > 0);
    assert!(watchdog("watchdog_longest_stall_ms", &mut servers[0]) > NODE_TIMEOUT_MS);
    servers[0].wait_for("INFO stats", |text| text.contains("watchdog_current_stall_ms:0"));
    servers[0].wait_for_log("watchdog: stuck");
}

#[test]
fn a_master_whose_workers_all_sleep_is_alive_for_its_cluster() {
    let mut servers = cluster();
    nobody_notices(&mut servers, |port| {
        // Connections are dealt out in turn: some for each worker.
        let workers = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let sleepers: Vec<_> = (0..workers * 2)
            .map(|_| {
                let mut client = Client::connect(port).unwrap();
                thread::spawn(move || client.try_ask(&format!("DEBUG SLEEP {}", BUSY_S / 2)))
            })
            .collect();
        for sleeper in sleepers {
            assert_eq!(sleeper.join().unwrap().unwrap(), Reply::Simple("OK".into()));
        }
    });
    // The log is limited: of several that are stuck at a time it tells the first.
    let is_told =
        |line: &str| line.contains("watchdog: stuck") && line.contains("worker-") && line.contains("(debug)");
    assert!(servers[0].log().lines().any(is_told), "{}", servers[0].log());
}

/// The lock of a shard is held as long as one command on it runs.
#[test]
fn a_master_with_a_shard_that_is_locked_for_long_is_alive_for_its_cluster() {
    let mut servers = cluster();
    let members: Vec<String> = (0..20_000).map(|number| number.to_string()).collect();
    let added = servers[0].ask(&format!("SADD {{b}} {}", members.join(" ")));
    assert_eq!(added, Reply::Integer(20_000));
    nobody_notices(&mut servers, |port| {
        let mut client = Client::connect(port).unwrap();
        let mut sets = 64;
        loop {
            let start = Instant::now();
            let union = client.try_ask(&format!("SUNIONSTORE {{b}}all{}", " {b}".repeat(sets))).unwrap();
            assert_eq!(union, Reply::Integer(20_000));
            // How long it takes depends on the machine, so it gets more to do until it takes long.
            if start.elapsed().as_secs() >= BUSY_S {
                return;
            }
            sets *= 4;
        }
    });
    let log = servers[0].log();
    assert!(log.contains("(sunionstore)") && log.contains("the lock of shard"), "{log}");
}
