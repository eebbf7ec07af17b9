//! Nodes that load: there for their peers from the start, for their clients when the data are there.

use rcl_proto::key_slot;
use rcl_proto::resp::Reply;

use super::server::{Kind, Server, meet_all, share_slots};

/// Long enough for a node to be killed and started again within it, on a machine that is full, too.
const OPTIONS: [&str; 2] = ["--cluster-node-timeout", "2000"];

/// Three masters, and `replicas` of the first.
fn cluster(replicas: &[Kind]) -> Vec<Server> {
    let kinds = [Kind::Ours; 3].iter().chain(replicas);
    let mut servers: Vec<Server> = kinds.map(|kind| Server::start_with(*kind, &OPTIONS)).collect();
    meet_all(&mut servers);
    share_slots(&mut servers, 3);
    let master = servers[0].id();
    for replica in &mut servers[3..] {
        replica.must(&format!("CLUSTER REPLICATE {master}"));
        replica.wait_for("INFO replication", |text| text.contains("master_link_status:up"));
    }
    servers
}

/// Keys of the first master.
fn keys() -> impl Iterator<Item = String> {
    (0..1000).map(|number| format!("key-{number}")).filter(|key| key_slot(key.as_bytes()).number() <= 5460)
}

fn write_and_save(master: &mut Server) {
    keys().for_each(|key| master.must(&format!("SET {key} {key}")));
    master.must("SAVE");
}

/// The first server, again, and slow at reading the about 330 keys: this many microseconds each.
fn reload(servers: &mut Vec<Server>, delay_us: u64) -> Server {
    let master = servers.remove(0);
    master.kill_and_respawn(&["--key-load-delay", &delay_us.to_string()])
}

fn is_loading(answer: &Reply) -> bool {
    *answer == Reply::Error("LOADING Redis is loading the dataset in memory".into())
}

/// As long as it loads, nobody finds fault with it.
fn nobody_misses_it_while_it_loads(others: &mut [Server], loading: &mut Server) {
    loading.wait_for_answer_of("GET key-0", is_loading);
    let is_at_it = |server: &mut Server| server.text("INFO persistence").contains("loading:1");
    while is_at_it(loading) {
        for server in others.iter_mut() {
            let nodes = server.text("CLUSTER NODES");
            assert!(!nodes.contains("fail"), "{nodes}");
            assert_eq!(server.info("cluster_state"), "ok");
        }
    }
}

fn wait_for_its_keys(master: &mut Server) {
    for key in keys() {
        master.wait_for_answer_of(&format!("GET {key}"), |answer| *answer == Reply::Bulk(key.clone().into()));
    }
}

#[test]
fn a_master_without_a_replica_is_alive_while_it_loads() {
    let mut servers = cluster(&[]);
    write_and_save(&mut servers[0]);
    let mut master = reload(&mut servers, 12_000);
    nobody_misses_it_while_it_loads(&mut servers, &mut master);
    wait_for_its_keys(&mut master);
    assert!(master.text("CLUSTER NODES").contains("myself,master"));
}

#[test]
fn a_master_that_loads_for_longer_than_the_node_timeout_is_replaced_without_a_failure() {
    let mut servers = cluster(&[Kind::Ours]);
    write_and_save(&mut servers[0]);
    assert_eq!(servers[0].ask("WAIT 1 60000"), Reply::Integer(1));
    let mut master = reload(&mut servers, 12_000);
    nobody_misses_it_while_it_loads(&mut servers, &mut master);
    let replica = &mut servers[2];
    // Its epoch is on its disk before it asks for votes: however long that takes.
    replica.wait_for("CLUSTER NODES", |text| text.contains("myself,master"));
    wait_for_its_keys(replica);
    master.wait_for_answer_of("PING", |answer| *answer == Reply::Simple("PONG".into()));
    master.wait_for("CLUSTER NODES", |text| text.contains("myself,slave"));
    master.wait_for("INFO replication", |text| text.contains("master_link_status:up"));
}

#[test]
fn clients_of_a_node_that_loads_are_told_so_or_sent_on() {
    let mut servers = cluster(&[]);
    write_and_save(&mut servers[0]);
    let mut master = reload(&mut servers, 12_000);
    master.wait_for_answer_of("GET key-0", is_loading);
    assert!(is_loading(&master.ask("CLUSTER NODES")));
    let Reply::Array(slots) = master.ask("CLUSTER SLOTS") else { panic!() };
    assert_eq!(slots.len(), 3);
}
