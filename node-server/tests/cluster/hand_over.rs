//! auto-failover-on-shutdown: a master that is told to end hands over first, and no acknowledged write is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rcl_proto::key_slot;
use rcl_proto::resp::Reply;

use super::client::Client;
use super::server::{Kind, Server, cluster};
use crate::harness::{has_redis, wait_until};

/// What one client wrote: a counter in each of some keys, as far as the master acknowledged it.
struct Written {
    acknowledged: Vec<(String, u64)>,
    /// The longest time between two acknowledgements.
    longest_pause: Duration,
}

/// Writes to whichever of the two ports is the master until `stop`, following MOVED as clients do.
fn write_until(stop: Arc<AtomicBool>, ports: [u16; 2]) -> std::thread::JoinHandle<Written> {
    let keys = keys();
    std::thread::spawn(move || {
        let mut acknowledged: Vec<(String, u64)> = keys.into_iter().map(|key| (key, 0)).collect();
        let (mut at, mut client) = (0, None::<Client>);
        let (mut last, mut longest_pause) = (Instant::now(), Duration::ZERO);
        let mut number = 0;
        while !stop.load(Ordering::Acquire) {
            number += 1;
            let place = number as usize % acknowledged.len();
            let line = format!("SET {} {number}", acknowledged[place].0);
            let reply = match &mut client {
                Some(client) => client.try_ask(&line),
                None => Client::connect(ports[at]).and_then(|new| client.insert(new).try_ask(&line)),
            };
            match reply {
                Ok(Reply::Simple(_)) => {
                    acknowledged[place].1 = number;
                    longest_pause = longest_pause.max(last.elapsed());
                    last = Instant::now();
                }
                // Moved, not the master yet, or gone: the other one.
                Ok(_) | Err(_) => {
                    (at, client) = (1 - at, None);
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        }
        Written { acknowledged, longest_pause }
    })
}

fn keys() -> Vec<String> {
    let of_first = |key: &String| key_slot(key.as_bytes()).number() <= 5460;
    (0..).map(|number| format!("k{number}")).filter(of_first).take(20).collect()
}

/// The master of the first shard is of our kind, its replica of this one.
fn hands_over_under_writes(replica: Kind, end: impl Fn(&mut Server)) {
    let mut servers = cluster(&[Kind::Ours; 3], &[(replica, 0)]);
    servers[0].must("CONFIG SET auto-failover-on-shutdown yes");
    let stop = Arc::<AtomicBool>::default();
    let writer = write_until(stop.clone(), [servers[0].port, servers[3].port]);
    let key = keys().remove(0);
    wait_until("it is written to", || matches!(servers[0].ask(&format!("GET {key}")), Reply::Bulk(_)));
    let mut old = servers.remove(0);
    end(&mut old);
    assert!(old.wait_for_end(), "{}", old.log());
    assert!(old.log().contains("the replica has taken over"), "{}", old.log());
    let new = &mut servers[2];
    // It is the master already, and nobody had to find out that the old one is dead.
    let nodes = new.text("CLUSTER NODES");
    assert!(nodes.contains("myself,master"), "{nodes}");
    wait_until("it serves", || matches!(new.ask(&format!("GET {key}")), Reply::Bulk(_)));
    stop.store(true, Ordering::Release);
    let written = writer.join().unwrap();
    for (key, acknowledged) in &written.acknowledged {
        let Reply::Bulk(value) = new.ask(&format!("GET {key}")) else { panic!("{key} is lost") };
        let value: u64 = String::from_utf8(value).unwrap().parse().unwrap();
        assert!(value >= *acknowledged, "{key}: {value} of {acknowledged}");
    }
    println!("{replica:?}: writes stood still for {:?}", written.longest_pause);
}

fn terminate(server: &mut Server) {
    std::process::Command::new("kill").args(["-TERM", &server.pid().to_string()]).status().unwrap();
}

#[test]
fn sigterm_hands_over_to_a_replica_of_ours() {
    hands_over_under_writes(Kind::Ours, terminate);
}

#[test]
fn sigterm_hands_over_to_a_redis_replica() {
    if has_redis("sigterm_hands_over_to_a_redis_replica") {
        hands_over_under_writes(Kind::Redis, terminate);
    }
}

#[test]
fn without_a_replica_it_just_ends() {
    let mut server = Server::start(Kind::Ours);
    server.must("CLUSTER ADDSLOTSRANGE 0 16383");
    server.must("CONFIG SET auto-failover-on-shutdown yes");
    terminate(&mut server);
    assert!(server.wait_for_end());
    server.wait_for_log("no replica is online that could take over");
    let mut alone = Server::start(Kind::Alone);
    let refused = Reply::Error("ERR SHUTDOWN FAILOVER needs cluster mode".into());
    assert_eq!(alone.ask("SHUTDOWN FAILOVER"), refused);
}
