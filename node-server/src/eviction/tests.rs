//! The limit is about the whole process, so these tests run one at a time, and put in far more than other tests allocate.

use super::*;
use crate::allocator::measured_alone;
use crate::executor::in_memory::{Client, clients};

/// Room for `bytes` more than is used now; the policy with it.
fn limit(client: &mut Client, policy: &str, bytes: u64) {
    client.ask(&format!("config set maxmemory-policy {policy}"));
    client.ask("config set maxmemory-eviction-tenacity 100");
    client.ask(&format!("config set maxmemory {}", used_bytes() + bytes));
}

const BIG: usize = 4 << 20;

fn fill(client: &mut Client, names: std::ops::Range<usize>, expiry: &str) -> Vec<String> {
    let value = "x".repeat(BIG);
    names.map(|name| client.ask(&format!("set key:{name} {value}{expiry}"))).collect()
}

#[test]
fn every_policy_makes_room_and_the_volatile_ones_spare_what_has_no_expiry() {
    let _alone = measured_alone();
    for policy in MaxmemoryPolicy::ALL.iter().filter(|policy| **policy != MaxmemoryPolicy::Noeviction) {
        clients!(node: client);
        client.ask("set stays x");
        limit(&mut client, policy.word(), 20 * BIG as u64);
        let replies = fill(&mut client, 0..60, " EX 1000");
        assert!(replies.iter().all(|reply| reply == "+OK"), "{policy:?}: {replies:?}");
        let evicted = node.stats.evicted_keys.get();
        assert!((35..60).contains(&evicted), "{policy:?}: {evicted}");
        if policy.spares_persistent_keys() {
            assert_eq!(client.ask("exists stays"), ":1");
        }
    }
}

#[test]
fn nothing_that_may_go_means_out_of_memory_for_who_wants_more() {
    let _alone = measured_alone();
    for policy in ["noeviction", "volatile-lru", "volatile-ttl", "volatile-random"] {
        clients!(_node: client);
        client.ask("set key value");
        limit(&mut client, policy, 0);
        client.ask("config set maxmemory 1");
        assert!(client.ask("set other value").starts_with("-OOM command not allowed"), "{policy}");
        assert_eq!(client.ask("get key"), "$5 value");
        assert_eq!(client.ask("del key"), ":1");
        client.ask("multi");
        assert!(client.ask("get key").starts_with("-OOM"), "{policy}: what is queued takes memory");
    }
}

#[test]
fn the_least_recently_and_the_least_often_used_go_first() {
    let _alone = measured_alone();
    for policy in ["allkeys-lru", "allkeys-lfu", "volatile-ttl"] {
        clients!(node: client);
        client.ask("config set maxmemory-samples 1000");
        client.ask(&format!("config set maxmemory-policy {policy}"));
        // Older, rarer and nearer to their end the smaller the number.
        for name in 0..16usize {
            fill(&mut client, name..name + 1, &format!(" EX {}", 1000 + name));
            let bits = if policy == "allkeys-lfu" {
                lfu_pack(clock::now_ms(), 100 + name as u8)
            } else {
                lru_clock(clock::now_ms() - 100_000 + name as i64 * 1000)
            };
            let name = format!("key:{name}");
            let key = node.hasher.key_in_slot(name.as_bytes(), Slot::MIN);
            node.shards.lock(0).keyspace.find_mut(0, &key).unwrap().set_access_clock(bits);
        }
        limit(&mut client, policy, 0);
        let target = used_bytes() - 4 * BIG as u64 - BIG as u64 / 2;
        client.ask(&format!("config set maxmemory {target}"));
        client.ask("ping");
        let left: Vec<usize> =
            (0..16).filter(|name| client.ask(&format!("exists key:{name}")) == ":1").collect();
        assert!(left.len() < 16 && left == (16 - left.len()..16).collect::<Vec<_>>(), "{policy}: {left:?}");
    }
}

#[test]
fn what_was_evicted_is_logged_and_told_and_counted() {
    let _alone = measured_alone();
    clients!(node: client, listener);
    client.ask("config set notify-keyspace-events Ee");
    listener.ask("subscribe __keyevent@0__:evicted");
    let mut watcher = Client::new(&node);
    client.ask("set key value");
    watcher.ask("watch key");
    watcher.ask("multi");
    watcher.ask("ping");
    let before = node.replication.offset();
    limit(&mut client, "allkeys-random", 0);
    client.ask("config set maxmemory 1");
    assert_eq!(client.ask("exists key"), ":0");
    assert_eq!(node.stats.evicted_keys.get(), 1);
    assert!(node.replication.offset() > before);
    assert_eq!(listener.pushed(), ["*3 $7 message $22 __keyevent@0__:evicted $3 key"]);
    client.ask("config set maxmemory 0");
    assert_eq!(watcher.ask("exec"), "*-1");
}

#[test]
fn what_clients_are_told_of_evicted_keys_makes_no_further_key_go() {
    let _alone = measured_alone();
    clients!(node: client);
    let mut caching: Vec<Client> = (0..4).map(|_| Client::new(&node)).collect();
    for one in &mut caching {
        one.ask("hello 3");
        one.ask("client tracking on");
    }
    for number in 0..10 {
        let name = format!("{number}{}", "x".repeat(BIG));
        client.ask(&format!("set {name} x"));
        caching.iter_mut().for_each(|one| _ = one.ask(&format!("get {name}")));
    }
    client.ask("config set maxmemory-policy allkeys-random maxmemory-eviction-tenacity 100");
    client.ask(&format!("config set maxmemory {}", used_bytes() - 5 * BIG as u64 / 2));
    let evicted = node.stats.evicted_keys.get();
    assert!((1..4).contains(&evicted), "{evicted}");
    (0..5).for_each(|_| _ = client.ask("ping"));
    assert_eq!(node.stats.evicted_keys.get(), evicted);
    assert!(caching.iter().all(|one| one.pushed().len() as u64 == evicted));
}

#[test]
fn commands_inside_exec_evict_nothing_and_a_use_counts() {
    let _alone = measured_alone();
    clients!(node: client);
    client.ask("config set maxmemory-policy allkeys-lru");
    client.ask("multi");
    client.ask("incr x");
    client.ask("config set maxmemory 1");
    client.ask("incr x");
    assert_eq!(client.ask("exec"), "*3 :1 +OK :2");
    client.ask("ping");
    assert_eq!(node.stats.evicted_keys.get(), 1);
    client.ask("config set maxmemory 0 maxmemory-policy allkeys-lfu lfu-log-factor 0");
    client.ask("set key value");
    assert_eq!(client.ask("object freq key"), ":5");
    client.ask("get key");
    client.ask("set key other");
    assert_eq!(client.ask("object freq key"), ":7");
    assert!(client.ask("object idletime key").starts_with("-ERR An LFU maxmemory policy is selected"));
}

#[test]
fn a_write_is_a_use_of_the_key_too() {
    let _alone = measured_alone();
    clients!(_node: client);
    client.ask("config set maxmemory-policy allkeys-lfu lfu-log-factor 0");
    for (setup, write) in [
        ("SET k 1", "SET k 2"),
        ("SET k 1", "SETNX k 2"),
        ("SET k 1", "MSETNX k 2"),
        ("SET k 1", "INCR k"),
        ("SET k 1", "APPEND k x"),
        ("SET k 1", "EXPIRE k 1000"),
        ("SET k 1", "EXPIRE k 1000 XX"),
        ("SET k 1", "PERSIST k"),
        ("SET other 1", "RENAMENX other k"),
        ("RPUSH k a", "RPUSH k b"),
        ("HSET k a 1", "HSET k a 2"),
        ("HSET k a 1", "HSETNX k a 2"),
        ("HSET k a 1", "HINCRBY k a 2"),
        ("SADD k a", "SADD k a"),
        ("SADD k a", "SREM k b"),
        ("ZADD k 1 a", "ZADD k NX 2 a"),
        ("ZADD k 1 a", "ZINCRBY k 1 a"),
        ("GEOADD k 1 2 a", "GEOADD k 3 4 a"),
        ("XADD k 1-1 a b", "XADD k 2-2 a b"),
    ] {
        client.ask("flushall");
        client.ask(setup);
        client.ask(write);
        assert_eq!(client.ask("object freq k"), ":6", "{setup}, {write}");
    }
}

#[test]
fn tenacity_is_half_a_millisecond_at_ten_and_without_end_at_a_hundred() {
    assert_eq!(time_limit(0), Some(Duration::ZERO));
    assert_eq!(time_limit(10), Some(Duration::from_micros(500)));
    assert!(time_limit(99).is_some_and(|limit| limit > Duration::from_secs(100)));
    assert_eq!(time_limit(100), None);
}

#[test]
fn weights_are_met() {
    let mut rng = rand::rng();
    let mut drawn = [0; 3];
    (0..10_000).for_each(|_| drawn[pick([1, 0, 3].into_iter(), &mut rng).unwrap()] += 1);
    assert!(drawn[1] == 0 && (2000..3000).contains(&drawn[0]), "{drawn:?}");
    assert_eq!(pick([0, 0].into_iter(), &mut rng), None);
}
