//! What is read at the start.

use rcl_proto::resp::Reply;

use crate::child::{Home, Node, Under};
use crate::disks::faulty::{Call, Fault};
use crate::harness::wait_until;

/// What is read at the start cannot be read: the node says which file it is, and leaves it as it is for the next start.
#[test]
fn start() {
    let home = Home::new();
    let users = home.data().join("users.acl").into_os_string().into_string().unwrap();
    std::fs::write(&users, "user default on nopass ~* &* +@all\n").unwrap();
    let arguments = ["--save", "", "--cluster-enabled", "yes", "--aclfile", &users].map(str::to_owned);
    let serve = || Node::serve(&home, &Under::Real(None), &arguments).expect("it starts");
    let (node, mut client) = serve();
    assert!(!matches!(client.call(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]), Reply::Error(_)));
    wait_until("it serves", || !matches!(client.call(&["SET", "foo", "value"]), Reply::Error(_)));
    assert!(!matches!(client.call(&["SAVE"]), Reply::Error(_)));
    drop(node);
    let (mut node, _) = serve();
    let mut points = node.met();
    drop(node);
    points.retain(|point| {
        let is_needed = ["dump.rdb", "nodes.conf", "nodes.conf.lock", "users.acl"].contains(&&*point.file);
        is_needed && [Call::Open, Call::Read, Call::Lock].contains(&point.call)
    });
    let mut count = 0;
    for point in &points {
        for &fault in Fault::of(point.call) {
            let failed = Node::serve(&home, &Under::Real(Some((point.clone(), fault))), &arguments);
            assert!(failed.is_none(), "{point} with {fault}: it starts without what it should have");
            let log = home.log();
            assert!(log.lines().last().unwrap().contains(&point.file), "{point} with {fault}: {log}");
            let (_node, mut client) = serve();
            let served = || client.call(&["GET", "foo"]) == Reply::Bulk(b"value".to_vec());
            wait_until("what was saved is there", served);
            count += 1;
        }
    }
    println!("start: {} calls on the way from the disk, failed in {count} ways", points.len());
}
