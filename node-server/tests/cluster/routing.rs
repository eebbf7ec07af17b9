//! Who is sent where, and who is refused, beside redis-server.

use rcl_proto::key_slot;
use rcl_proto::resp::Reply;

use super::both::Both;
use crate::harness::has_redis;

/// Different keys of one slot.
fn keys_of(slot: u16) -> [String; 3] {
    let tag =
        (0..).map(|number| format!("{{{number}}}")).find(|tag| key_slot(tag.as_bytes()).number() == slot);
    let tag = tag.unwrap();
    ["a", "b", "c"].map(|name| format!("{tag}{name}"))
}

#[test]
fn open_slots_send_clients_where_redis_sends_them() {
    if !has_redis("open_slots_send_clients_where_redis_sends_them") {
        return;
    }
    let mut both = Both::start(2, 0);
    let [a, b, c] = keys_of(7);
    let [other, ..] = keys_of(9000);
    both.same(0, &format!("SET {a} 1"));
    let before = format!(
        "GET {a}
         GET {other}
         MGET {a} {other}
         MGET {a} {b}
         DEL {other} {a}
         MSET {a} 1 {other} 2
         RENAME {a} {other}
         ASKING
         GET {other}
         MULTI
         GET {a}
         GET {other}
         EXEC
         MULTI
         GET {a}
         SET {b} 1
         MGET {a} {other}
         EXEC"
    );
    both.same(0, &before);
    both.same(1, "CLUSTER SETSLOT 7 IMPORTING @0");
    both.same(0, "CLUSTER SETSLOT 7 MIGRATING @1");
    let leaving = format!(
        "GET {a}
         GET {b}
         SET {b} 1
         MGET {a} {b}
         MGET {b} {c}
         MGET {b} {b}
         EXISTS {a} {a}
         DEL {b}
         MULTI
         GET {a}
         GET {b}
         EXEC
         MULTI
         GET {a}
         SET {a} 2
         EXEC
         SPUBLISH {a} x
         GET {a}"
    );
    both.same(0, &leaving);
    let coming = format!(
        "GET {a}
         ASKING
         GET {a}
         GET {a}
         ASKING
         MGET {a} {b}
         ASKING
         MGET {a} {a}
         ASKING
         SET {c} 1
         ASKING
         MGET {a} {c}
         ASKING
         MGET {c} {c}
         ASKING
         MULTI
         GET {c}
         EXEC
         ASKING
         MULTI
         ASKING
         GET {c}
         EXEC
         MULTI
         ASKING
         GET {c}
         EXEC
         ASKING
         PING
         GET {c}
         SPUBLISH {c} x
         ASKING
         SPUBLISH {c} x"
    );
    both.same(1, &coming);
}

#[test]
fn a_replica_reads_for_who_said_readonly_as_redis_does() {
    if !has_redis("a_replica_reads_for_who_said_readonly_as_redis_does") {
        return;
    }
    let mut both = Both::start(2, 1);
    let [a, b, _] = keys_of(7);
    let [other, ..] = keys_of(9000);
    both.same(0, &format!("SET {a} 1"));
    both.wait_for(2, "INFO keyspace", "keys=1");
    let steps = format!(
        "GET {a}
         SET {a} 2
         READONLY
         GET {a}
         GET {b}
         GET {other}
         SET {a} 2
         MGET {a} {b}
         MULTI
         GET {a}
         EXEC
         MULTI
         SET {a} 2
         EXEC
         MULTI
         READWRITE
         GET {a}
         EXEC
         GET {a}
         READONLY
         READONLY x
         SPUBLISH {a} x"
    );
    both.same(2, &steps);
    // Redis 7.0 and 7.2 send this one on; since 7.4, and in Valkey 8.0, it is served as outside of MULTI.
    let replica = &mut both.ours.servers[2];
    for line in ["READWRITE", "MULTI", &format!("SPUBLISH {a} x")] {
        replica.ask(line);
    }
    assert_eq!(replica.ask("EXEC"), Reply::Array(vec![Reply::Integer(0)]));
    both.same(2, "READONLY");
    assert_eq!(both.flags(2), ["r", "r"]);
    both.same(2, &format!("READWRITE\nGET {a}\nREADONLY\nRESET\nGET {a}"));
    assert_eq!(both.flags(2), ["N", "N"]);
    both.same(2, "MULTI");
    both.same(2, "CLUSTER INFO x");
    both.same(2, "EXEC");
}

#[test]
fn a_cluster_that_is_down_says_why_as_redis_does() {
    if !has_redis("a_cluster_that_is_down_says_why_as_redis_does") {
        return;
    }
    let mut both = Both::start(2, 0);
    let ([a, ..], [lost, ..], [other, ..]) = (keys_of(7), keys_of(5), keys_of(9000));
    both.same(0, "CLUSTER DELSLOTS 5");
    both.wait_for(0, "CLUSTER INFO", "cluster_state:fail");
    let asked = format!(
        "GET {a}
         SET {a} 1
         GET {lost}
         GET {other}
         PING
         SPUBLISH {a} x
         SPUBLISH {lost} x
         MULTI
         GET {a}
         EXEC
         DBSIZE
         RANDOMKEY"
    );
    both.same(0, &asked);
    both.set(0, "cluster-allow-reads-when-down yes", &format!("GET {a}"), "Null");
    both.same(0, &asked);
    both.set(0, "cluster-allow-pubsubshard-when-down no", &format!("SPUBLISH {a} x"), "CLUSTERDOWN");
    both.same(0, &asked);
    both.set(0, "cluster-allow-pubsubshard-when-down yes", &format!("SPUBLISH {a} x"), "Integer");
    both.set(0, "cluster-require-full-coverage no", "CLUSTER INFO", "cluster_state:ok");
    both.same(0, &asked);
}
