//! What each command on keys answers.

use crate::executor::in_memory::{clients, converse};

#[test]
fn when_a_key_is_gone() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("SET k v", "+OK"),
            ("TTL k", ":-1"),
            ("TTL none", ":-2"),
            ("EXPIREAT k 33177117420", ":1"),
            ("TTL none", ":-2"),
            ("EXPIRETIME k", ":33177117420"),
            ("EXPIRETIME none", ":-2"),
            ("PERSIST k", ":1"),
            ("PERSIST k", ":0"),
            ("PERSIST none", ":0"),
            ("EXPIRETIME k", ":-1"),
            ("EXPIREAT k 33177117420 XX", ":0"),
            ("EXPIREAT k 33177117420 NX", ":1"),
            ("EXPIREAT k 33177117421 GT", ":1"),
            ("EXPIREAT k 33177117420 GT", ":0"),
            ("EXPIREAT k x", "-ERR value is not an integer or out of range"),
            ("EXPIREAT k 1", ":1"),
            ("EXISTS k", ":0"),
        ],
    );
}

#[test]
fn looking_at_keys() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("MSET a 1 b 2", "+OK"),
            ("TOUCH a b none", ":2"),
            ("TOUCH none", ":0"),
            ("OBJECT REFCOUNT none", "$-1"),
            ("OBJECT FREQ none", "$-1"),
        ],
    );
}

#[test]
fn small_integers_are_shared_unless_the_policy_wants_to_know_each_key() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("SET k 9998", "+OK"),
            ("INCR k", ":9999"),
            ("OBJECT REFCOUNT k", ":2147483647"),
            ("INCR k", ":10000"),
            ("OBJECT REFCOUNT k", ":1"),
            ("SET k -1", "+OK"),
            ("OBJECT REFCOUNT k", ":1"),
            ("SET k 0", "+OK"),
            ("OBJECT REFCOUNT k", ":2147483647"),
            ("CONFIG SET maxmemory 1gb maxmemory-policy allkeys-random", "+OK"),
            ("OBJECT REFCOUNT k", ":2147483647"),
            ("CONFIG SET maxmemory-policy allkeys-lru", "+OK"),
            ("OBJECT REFCOUNT k", ":1"),
            ("CONFIG SET maxmemory-policy volatile-lfu", "+OK"),
            ("OBJECT REFCOUNT k", ":1"),
            ("CONFIG SET maxmemory 0", "+OK"),
            ("OBJECT REFCOUNT k", ":2147483647"),
            ("RPUSH l 1", ":1"),
            ("OBJECT REFCOUNT l", ":1"),
        ],
    );
}

#[test]
fn what_was_over_in_another_database_is_logged_there() {
    clients!(node: client);
    for command in ["MOVE k 1", "COPY k k DB 1"] {
        let from = node.replication.offset();
        for line in ["SELECT 1", "SET k old PXAT 1", "SELECT 0", "SET k new", command] {
            client.ask(line);
        }
        let log = node.replication.take_from_log(0, from, usize::MAX).unwrap().concat();
        let log = String::from_utf8_lossy(&log).replace("\r\n", " ");
        let name = command.split(' ').next().unwrap();
        let there = log.find("SELECT $1 1 *2 $3 DEL $1 k *2 $6 SELECT $1 0").expect("DEL is in database 1");
        assert!(log.find(&format!("{name} $1 k")).is_some_and(|at| at > there), "{log}");
    }
}
