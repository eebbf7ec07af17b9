//! Replication under the cluster's control: a failover that loses nothing, and a master that comes back as a replica.

use rcl_proto::resp::Reply;

use crate::harness::server::{Client, Server};
use crate::harness::{Folder, free_port, wait_until};

struct Member {
    server: Server,
    bus_port: u16,
}

fn member(folder: Folder, ports: Option<(u16, u16)>) -> Member {
    let bus_port = ports.map_or_else(free_port, |(_, bus_port)| bus_port);
    let bus = bus_port.to_string();
    let arguments =
        ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", bus.as_str()];
    let server = match ports {
        Some((port, _)) => Server::ours_at(folder, port, &arguments),
        None => Server::ours_in(folder, &arguments),
    };
    Member { server, bus_port }
}

/// Three masters and two replicas of the first, of which the last one takes over from nobody.
fn small_cluster() -> Vec<Member> {
    let mut members: Vec<Member> = (0..5).map(|_| member(Folder::new(), None)).collect();
    for (index, range) in ["0 5460", "5461 10922", "10923 16383"].iter().enumerate() {
        assert_eq!(members[index].server.text(&format!("CLUSTER ADDSLOTSRANGE {range}")), "OK");
        assert_eq!(members[index].server.text(&format!("CLUSTER SET-CONFIG-EPOCH {}", index + 1)), "OK");
    }
    for index in 1..5 {
        let (port, bus_port) = (members[index].server.port, members[index].bus_port);
        assert_eq!(members[0].server.text(&format!("CLUSTER MEET 127.0.0.1 {port} {bus_port}")), "OK");
    }
    for member in &mut members {
        wait_until("the cluster is up", || {
            let info = member.server.text("CLUSTER INFO");
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:5")
        });
    }
    let master = members[0].server.text("CLUSTER MYID");
    for replica in members[3..].iter_mut().map(|member| &mut member.server) {
        wait_until("it is a replica", || replica.text(&format!("CLUSTER REPLICATE {master}")) == "OK");
        replica.wait_for_link();
    }
    assert_eq!(members[4].server.text("CONFIG SET cluster-replica-no-failover yes"), "OK");
    members
}

/// Counts up key `a`'s neighbour in slot 0…5460 until the node sends it elsewhere; how often it was told yes.
fn count_until_moved(mut client: Client) -> i64 {
    let mut counted = 0;
    loop {
        match client.call(&["INCR", "{bar}counter"]) {
            Reply::Integer(number) => counted = number,
            Reply::Error(text) => {
                assert!(text.starts_with("MOVED "), "{text}");
                return counted;
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn failover_with_and_without_the_master() {
    let mut members = small_cluster();
    let counting = {
        let client = members[0].server.connect();
        std::thread::spawn(move || count_until_moved(client))
    };
    wait_until("it counts", || members[0].server.text("GET {bar}counter").parse::<i64>().unwrap_or(0) > 500);
    assert_eq!(members[3].server.text("CLUSTER FAILOVER"), "OK");
    let counted = counting.join().unwrap();
    wait_until("the heir leads", || members[3].server.info("role") == "master");
    // Every count that was answered is there, and nothing else.
    assert_eq!(members[3].server.text("GET {bar}counter"), counted.to_string());
    wait_until("the old master follows", || members[0].server.info("role") == "slave");
    wait_until("both go on where they were", || members[3].server.info("sync_partial_ok") == "2");
    assert_eq!(members[3].server.info("sync_full"), "0");

    // Now without a word: the replica is elected, and what it replaced comes back as its replica.
    assert_eq!(members[3].server.text("INCR {bar}counter"), (counted + 1).to_string());
    assert_eq!(members[3].server.text("WAIT 2 10000"), "2");
    let given = members[0].server.info("sync_full");
    let killed = members.remove(3);
    let ports = (killed.server.port, killed.bus_port);
    let folder = killed.server.kill();
    wait_until("the replica is elected", || members[0].server.info("role") == "master");
    wait_until("it serves", || members[0].server.text("GET {bar}counter") == (counted + 1).to_string());
    wait_until("the other replica sees it", || members[0].server.info("sync_partial_ok") == "1");
    assert_eq!(members[0].server.info("sync_full"), given);
    assert_eq!(members[0].server.text("INCR {bar}counter"), (counted + 2).to_string());
    let mut back = member(folder, Some(ports));
    wait_until("it finds its slots taken", || back.server.info("role") == "slave");
    back.server.wait_for_link();
    back.server.call("READONLY");
    wait_until("it has caught up", || back.server.text("GET {bar}counter") == (counted + 2).to_string());
}
