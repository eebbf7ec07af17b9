//! Clients that wait on keys of a master: what is done for them reaches its replicas, each element goes to one of them, and
//! they do not wait on when it becomes a replica.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rcl_proto::resp::Reply;

use super::data::assert_same;
use crate::harness::server::{Client, Server};
use crate::harness::{has_redis, wait_until};

/// Who waits, and what serves them.
const SCENES: &[(&[&str], &str)] = &[
    (&["BLPOP k 0", "BRPOP none k 0"], "RPUSH k a b c"),
    (&["BLMOVE source target LEFT RIGHT 0"], "RPUSH source a b"),
    (&["BLPOP c 0", "BRPOPLPUSH b c 0", "BRPOPLPUSH a b 0"], "RPUSH a x"),
    (&["BLMPOP 0 2 none many RIGHT COUNT 2"], "RPUSH many 1 2 3"),
    (&["BZPOPMIN z 0", "BZPOPMAX z 0", "BZMPOP 0 1 z MIN COUNT 2"], "ZADD z 1 a 2 b 3 c 4 d 5 e"),
    (&["BLPOP renamed 0"], "RENAME k renamed"),
];

fn wait_for_blocked(master: &mut Server, count: usize) {
    wait_until("they wait", || master.info("blocked_clients") == count.to_string());
}

fn reach_the_replica(master_kind: &str, replica_kind: &str) {
    let mut master = Server::of(master_kind, &[]);
    let mut replica = Server::of(replica_kind, &[]);
    replica.sync_with(master.port);
    for (waiting, push) in SCENES {
        let mut clients: Vec<Client> = Vec::new();
        for (count, line) in (1..).zip(*waiting) {
            let mut client = master.connect();
            client.send(&line.split(' ').collect::<Vec<_>>());
            clients.push(client);
            wait_for_blocked(&mut master, count);
        }
        assert!(!matches!(master.call(push), Reply::Error(_)), "{push}");
        for client in &mut clients {
            assert!(!matches!(client.reply(), Reply::Error(_) | Reply::Null), "{push}");
            // What was popped for it is what it wrote last.
            assert_eq!(client.call(&["WAIT", "1", "60000"]), Reply::Integer(1), "{push}");
        }
        assert_same(&mut master, &mut replica);
    }
    assert_eq!(master.info("sync_full"), "1");
}

#[test]
fn what_is_done_for_them_reaches_replicas() {
    reach_the_replica("ours", "ours");
    if has_redis("what_is_done_for_them_reaches_replicas") {
        reach_the_replica("ours", "redis");
        reach_the_replica("redis", "ours");
    }
}

/// Time-outs and CLIENT UNBLOCK race with pushes: each element still goes to exactly one client, or stays.
#[test]
fn each_element_goes_to_one_of_them() {
    const CLIENTS: usize = 6;
    const ELEMENTS: usize = 3000;
    let mut master = Server::ours(&[]);
    let mut replica = Server::ours(&[]);
    replica.sync_with(master.port);
    master.call("SET something there");
    let pushed_all = AtomicBool::new(false);
    let mut got: Vec<String> = thread::scope(|scope| {
        let takers: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let mut client = master.connect();
                let (pushed_all, timeout) = (&pushed_all, ["0.001", "0.002", "0"][number % 3]);
                scope.spawn(move || take_all(&mut client, timeout, pushed_all))
            })
            .collect();
        let (mut pusher, pushed_all) = (master.connect(), &pushed_all);
        scope.spawn(move || {
            for element in 0..ELEMENTS {
                let reply = pusher.call(&["RPUSH", "k", &element.to_string()]);
                assert!(matches!(reply, Reply::Integer(1..)), "{reply:?}");
            }
            pushed_all.store(true, Ordering::Release);
        });
        // This also ends the last waits of those that have no time-out.
        while takers.iter().any(|taker| !taker.is_finished()) {
            (0..20).for_each(|id| drop(master.call(&format!("CLIENT UNBLOCK {id}"))));
        }
        takers.into_iter().flat_map(|taker| taker.join().unwrap()).collect()
    });
    let Reply::Array(left) = master.call("LRANGE k 0 -1") else { panic!("no list") };
    got.extend(left.iter().map(|element| String::from_utf8_lossy(element.as_bytes().unwrap()).into_owned()));
    assert_eq!(got.len(), ELEMENTS);
    assert_eq!(got.into_iter().collect::<BTreeSet<_>>().len(), ELEMENTS);
    assert_same(&mut master, &mut replica);
}

/// What a client gets until nothing more will come.
fn take_all(client: &mut Client, timeout: &str, pushed_all: &AtomicBool) -> Vec<String> {
    let mut got = Vec::new();
    loop {
        let is_last = pushed_all.load(Ordering::Acquire);
        match client.call(&["BLPOP", "k", timeout]) {
            Reply::Array(parts) => {
                got.push(String::from_utf8_lossy(parts[1].as_bytes().unwrap()).into_owned())
            }
            Reply::Null if is_last => return got,
            Reply::Null => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn they_are_unblocked_when_the_master_follows_another() {
    let kinds: &[&str] = if has_redis("they_are_unblocked_when_the_master_follows_another") {
        &["ours", "redis"]
    } else {
        &["ours"]
    };
    for kind in kinds {
        let mut master = Server::of(kind, &[]);
        let other = Server::ours(&[]);
        let mut client = master.connect();
        client.send(&["BLMOVE", "k", "t", "LEFT", "LEFT", "0"]);
        wait_for_blocked(&mut master, 1);
        master.follow(&other);
        let text =
            "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)";
        assert_eq!(client.reply(), Reply::Error(text.into()), "{kind}");
        let mut rest = Vec::new();
        std::io::Read::read_to_end(&mut client.stream, &mut rest).unwrap();
        assert!(rest.is_empty(), "{kind}: the connection ends");
    }
}
