//! The operator's day on our nodes and on Redis's: create, grow, fail over, shrink, while clients write.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::harness::*;
use rcl_proto::resp::Reply;

/// Writes and reads until told to stop. Panics on any error that is no redirect and on any wrong value; returns
/// how often it wrote.
fn load(entry: u16, stop: Arc<AtomicBool>) -> std::thread::JoinHandle<usize> {
    std::thread::spawn(move || {
        let mut client = Client::new(entry);
        let mut written = vec![0usize; 500];
        let mut count = 0;
        while !stop.load(Ordering::Relaxed) {
            let index = count * 7919 % written.len();
            let key = format!("load:{index}");
            let before = client.get(&key).unwrap_or_else(|error| panic!("GET {key}: {error}"));
            let expected = (written[index] > 0).then(|| written[index].to_string());
            assert_eq!(before, expected, "{key} after {count} writes");
            count += 1;
            client.set(&key, &count.to_string()).unwrap_or_else(|error| panic!("SET {key}: {error}"));
            written[index] = count;
        }
        count
    })
}

fn is_in_sync(replica: &Server) -> bool {
    text(&replica.link().call(&["INFO", "replication"])).contains("master_link_status:up")
}

#[test]
fn grows_fails_over_and_shrinks_under_load_without_an_error() {
    with_each_kind(|kind| {
        const KEYS: usize = 8000;
        let servers = Server::start_many(kind, 8, &[]);
        create(&servers[..6], 1);
        assert!(servers[3..6].iter().all(is_in_sync), "a cluster is made when its replicas have their data");
        eventually("nothing is to be found", || findings(&servers[0]) == (0, vec![]));
        let (entry, address) = (servers[0].port, servers[0].address());
        fill(entry, KEYS);
        let stop = Arc::new(AtomicBool::new(false));
        let load = load(entry, Arc::clone(&stop));

        let (master, replica) = (servers[6].address(), servers[7].address());
        rcl_ok(&["add-node", &master, &address]);
        let outcome = rcl_json(&["rebalance", &address, "--use-empty-masters", "--yes"]);
        assert_eq!(outcome["moved_slots"], 4096);
        assert!(outcome["moved_keys"].as_u64().unwrap() > 1000, "{outcome}");
        let counts = |address: &str| -> Vec<u64> {
            let shares = rcl_json(&["slot-info", address]);
            shares["masters"]
                .as_array()
                .unwrap()
                .iter()
                .map(|share| share["slots"].as_u64().unwrap())
                .collect()
        };
        assert_eq!(counts(&address), [4096; 4]);

        rcl_ok(&["add-replica", &replica, &address]);
        let nodes = rcl_json(&["nodes", &address]);
        let row = nodes.as_array().unwrap().iter().find(|row| row["address"] == replica.as_str()).unwrap();
        assert_eq!(row["master"], servers[6].id().as_str(), "the one master without a replica needs it most");
        eventually("the replica is in sync", || findings(&servers[0]) == (0, vec![]));

        rcl_ok(&["failover", &replica]);
        assert!(is_master(&servers[7]) && !is_master(&servers[6]));

        rcl_ok(&["scale-down", &master]);
        rcl_ok(&["scale-down", &replica]);
        assert_eq!(counts(&address).iter().sum::<u64>(), 16384);
        assert_eq!(counts(&address).len(), 3);
        let lone = servers[6].link().call(&["CLUSTER", "NODES"]);
        assert_eq!(text(&lone).lines().count(), 1, "it is reset");
        eventually("all is well", || findings(&servers[0]).0 == 0);

        stop.store(true, Ordering::Relaxed);
        let writes = load.join().unwrap();
        assert!(writes > 100, "the load did run: {writes}");
        verify(entry, KEYS);
    });
}

fn is_master(server: &Server) -> bool {
    text(&server.link().call(&["INFO", "replication"])).contains("role:master")
}

fn text_of(reply: &Reply) -> Vec<String> {
    let Reply::Array(words) = reply else { panic!("{reply:?}") };
    words.iter().map(text).collect()
}

fn load_function(server: &Server) {
    let code = "#!lua name=lib\nredis.register_function('answer', function() return 42 end)";
    server.link().call(&["FUNCTION", "LOAD", code]);
}

#[test]
fn adding_a_node_copies_the_functions_and_on_request_settings_and_users() {
    if !have_server() {
        return;
    }
    let servers = Server::start_many(Kind::Redis, 4, &[]);
    create(&servers[..3], 0);
    servers[..3].iter().for_each(load_function);
    for server in &servers[..3] {
        let mut link = server.link();
        link.call(&["CONFIG", "SET", "maxmemory", "104857600"]);
        link.call(&["ACL", "SETUSER", "app", "on", ">secret", "~app:*", "+@read"]);
    }
    let add = ["add-node", &servers[3].address(), &servers[0].address()];
    let plan = rcl_json(&[&add[..], &["--dry-run"]].concat());
    let warnings = plan["warnings"].to_string();
    assert!(warnings.contains("maxmemory 0, there 104857600") && warnings.contains("ACL users"), "{plan}");
    assert!(!plan.to_string().contains("secret"), "{plan}");
    rcl_ok(&[&add[..], &["--copy-settings", "--copy-acl"]].concat());
    let mut new = servers[3].link();
    assert_eq!(text_of(&new.call(&["CONFIG", "GET", "maxmemory"])), ["maxmemory", "104857600"]);
    // Redis says so of a user who was reset; it is the default.
    let users = text_of(&new.call(&["ACL", "LIST"])).concat().replace("sanitize-payload ", "");
    assert_eq!(users, text_of(&servers[0].link().call(&["ACL", "LIST"])).concat());
    let listed = format!("{:?}", servers[3].link().call(&["FUNCTION", "LIST"]));
    let name: Vec<String> = b"answer".iter().map(u8::to_string).collect();
    assert!(listed.contains(&name.join(", ")), "{listed}");
}

#[test]
fn a_reshard_takes_named_slots_from_named_sources() {
    with_each_kind(|kind| {
        let servers = Server::start_many(kind, 3, &[]);
        create(&servers, 0);
        // A name that only we know it by: the other nodes must be sent to its announced address all the same.
        let address = format!("localhost:{}", servers[0].port);
        let ids: Vec<String> = servers.iter().map(Server::id).collect();
        fill(servers[0].port, 500);
        let plan =
            rcl_json(&["reshard", &address, "--to", &ids[2][..8], "--slot-ranges", "0-9,6000", "--dry-run"]);
        assert_eq!(plan["cost"]["slots"], 11);
        assert_eq!(plan["steps"].as_array().unwrap().len(), 2);
        assert_eq!(rcl_json(&["nodes", &address])[0]["slots"], "0-5460", "a dry run changes nothing");
        rcl_ok(&["reshard", &address, "--to", &ids[2][..8], "--slot-ranges", "0-9,6000", "--yes"]);
        rcl_ok(&[
            "reshard", &address, "--from", &ids[0], "--from", &ids[1], "--to", &ids[2], "--slots", "100",
            "--yes",
        ]);
        let nodes = rcl_json(&["nodes", &address]);
        let of = |id: &str| {
            nodes.as_array().unwrap().iter().find(|row| row["id"] == id).unwrap()["slot_count"].clone()
        };
        assert_eq!(of(&ids[2]), 5461 + 11 + 100);
        verify(servers[0].port, 500);
    });
}

#[test]
fn a_dead_master_is_replaced_and_taken_out_and_a_living_one_leaves_its_replica_to_others() {
    with_each_kind(|kind| {
        let mut servers = Server::start_many(kind, 8, &[]);
        create(&servers, 1);
        let (entry, dead) = (servers[1].address(), servers[0].id());
        fill(servers[1].port, 500);
        eventually("all replicas are in sync", || findings(&servers[1]) == (0, vec![]));
        // It waits to be told.
        servers[4].link().call(&["CONFIG", "SET", "cluster-replica-no-failover", "yes"]);
        servers[0].kill();
        let replica = servers[4].address();
        rcl_refused(3, "--force", &["failover", &replica]);
        rcl_ok(&["failover", &replica, "--force"]);
        assert!(is_master(&servers[4]));
        let (code, codes) = findings(&servers[1]);
        assert_eq!((code, codes.contains(&"node-silent".to_owned())), (1, true));
        rcl_ok(&["scale-down", &dead[..12], "--entry", &entry]);
        let (code, codes) = findings(&servers[1]);
        assert_eq!((code, codes), (0, vec!["no-replica".to_owned()]));

        rcl_ok(&["scale-down", &entry]);
        assert_eq!(findings(&servers[2]), (0, vec![]), "its replica went to the master without one");
        verify(servers[2].port, 500);
    });
}

#[test]
fn one_shard_is_failed_over_again_and_again() {
    with_each_kind(|kind| {
        let servers = Server::start_many(kind, 4, &[]);
        create(&servers[..3], 0);
        rcl_ok(&["add-replica", &servers[3].address(), &servers[0].address(), "--master", &servers[0].id()]);
        let (first, second) = (&servers[0], &servers[3]);
        assert!(is_in_sync(second), "a replica is added when it has its data");
        // Of Redis's nodes the third takes a second attempt: votes of the first count once more, but not for the others.
        for next in [second, first, second] {
            rcl_ok(&["failover", &next.address()]);
            assert!(is_master(next));
        }
    });
}
