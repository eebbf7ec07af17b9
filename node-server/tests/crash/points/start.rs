//! What is read at the start.

use rcl_proto::resp::Reply;

use crate::child::{Home, Node, Under};
use crate::disks::faulty::{Call, Fault};
use crate::disks::without_numbers;
use crate::harness::server::Client;
use crate::harness::wait_until;

/// What is read at the start cannot be read: the node says which file it is, and leaves it as it is for the next start.
fn every_call_at_the_start_fails(home: &Home, arguments: &[&str], needed: &[&str], set_up: fn(&mut Client)) {
    let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
    let serve = || Node::serve(home, &Under::Real(None), &arguments).expect("it starts");
    let (node, mut client) = serve();
    set_up(&mut client);
    wait_until("it serves", || !matches!(client.call(&["SET", "foo", "value"]), Reply::Error(_)));
    if arguments.iter().all(|argument| argument != "--appendonly") {
        assert!(!matches!(client.call(&["SAVE"]), Reply::Error(_)));
    }
    drop(node);
    let (mut node, _) = serve();
    let mut points = node.met();
    drop(node);
    points.retain(|point| {
        needed.contains(&&*point.file) && [Call::Open, Call::Read, Call::Lock].contains(&point.call)
    });
    for file in needed {
        assert!(points.iter().any(|point| point.file == *file), "{file} is not read");
    }
    let mut count = 0;
    for point in &points {
        for &fault in Fault::of(point.call) {
            home.forget_log();
            let failed = Node::serve(home, &Under::Real(Some((point.clone(), fault))), &arguments);
            assert!(failed.is_none(), "{point} with {fault}: it starts without what it should have");
            let log = home.log();
            let says_it =
                |line: &str| !line.contains(" INFO ") && without_numbers(line).contains(&point.file);
            assert!(log.lines().any(says_it), "{point} with {fault}: {log}");
            let (_node, mut client) = serve();
            let served = || client.call(&["GET", "foo"]) == Reply::Bulk(b"value".to_vec());
            wait_until("what was saved is there", served);
            count += 1;
        }
    }
    println!("start: {} calls on the way from the disk, failed in {count} ways", points.len());
}

#[test]
fn start() {
    let home = Home::new();
    let users = home.data().join("users.acl").into_os_string().into_string().unwrap();
    std::fs::write(&users, "user default on nopass ~* &* +@all\n").unwrap();
    every_call_at_the_start_fails(
        &home,
        &["--save", "", "--cluster-enabled", "yes", "--aclfile", &users],
        &["dump.rdb", "nodes.conf", "nodes.conf.lock", "users.acl"],
        |client| {
            assert!(!matches!(client.call(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]), Reply::Error(_)))
        },
    );
}

#[test]
fn start_with_an_append_only_file() {
    every_call_at_the_start_fails(
        &Home::new(),
        &["--save", "", "--appendonly", "yes", "--appendfsync", "always"],
        &["appendonly.aof.manifest", "appendonly.aof.#.base.rdb", "appendonly.aof.#.incr.aof"],
        |client| assert_eq!(client.call(&["SET", "foo", "old"]), Reply::Simple("OK".into())),
    );
}
