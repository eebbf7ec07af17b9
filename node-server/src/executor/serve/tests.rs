//! A node in memory and a few clients of it: who is served when, with what, and what the log says of it.

use std::sync::atomic::Ordering;

use rcl_proto::Slot;

use crate::client::Message;
use crate::executor::client_gone;
use crate::executor::in_memory::{WAITS, clients, logged};

#[test]
fn who_came_first_is_served_first_and_the_log_has_what_was_done() {
    clients!(node: one, two, three, pusher);
    assert_eq!(one.ask("BLPOP k 0"), WAITS);
    assert_eq!(two.ask("BRPOP other k 0"), WAITS);
    assert_eq!(three.ask("BLMPOP 0 2 k other LEFT COUNT 5"), WAITS);
    assert_eq!(pusher.ask("RPUSH k a b c d"), ":4");
    assert_eq!(one.got(), "*2 $1 k $1 a");
    assert_eq!(two.got(), "*2 $1 k $1 d");
    assert_eq!(three.got(), "*2 $1 k *2 $1 b $1 c");
    assert_eq!(pusher.ask("EXISTS k"), ":0");
    assert_eq!(logged(&node, 0), ["RPUSH k a b c d", "LPOP k", "RPOP k", "LPOP k 2"]);
}

#[test]
fn what_is_there_is_taken_at_once() {
    clients!(node: one);
    one.ask("RPUSH k a b c d e f");
    one.ask("ZADD z 1 x 2 y 3 w");
    assert_eq!(one.ask("BLPOP none k 0"), "*2 $1 k $1 a");
    assert_eq!(one.ask("BRPOP k 0"), "*2 $1 k $1 f");
    assert_eq!(one.ask("BLMPOP 0 2 none k RIGHT COUNT 2"), "*2 $1 k *2 $1 e $1 d");
    assert_eq!(one.ask("BLMOVE k t LEFT RIGHT 0"), "$1 b");
    assert_eq!(one.ask("BRPOPLPUSH k t 0"), "$1 c");
    assert_eq!(one.ask("BZPOPMIN none z 0"), "*3 $1 z $1 x $1 1");
    assert_eq!(one.ask("BZPOPMAX z 0"), "*3 $1 z $1 w $1 3");
    assert_eq!(one.ask("BZMPOP 0 1 z MIN COUNT 9"), "*2 $1 z *1 *2 $1 y $1 2");
    assert_eq!(one.ask("EXISTS k z"), ":0");
    let expected = [
        "LPOP k",
        "RPOP k",
        "RPOP k 2",
        "LMOVE k t LEFT RIGHT",
        "RPOPLPUSH k t",
        "ZPOPMIN z",
        "ZPOPMAX z",
        "ZPOPMIN z 1",
    ];
    assert_eq!(logged(&node, 0)[2..], expected);
}

#[test]
fn a_transaction_serves_when_it_is_through_by_the_order_in_which_keys_came() {
    clients!(node: both, gone, pusher);
    assert_eq!(both.ask("BLPOP one two 0"), WAITS);
    assert_eq!(gone.ask("BLPOP short 0"), WAITS);
    for line in ["MULTI", "RPUSH short x", "DEL short", "RPUSH two b", "LPUSH two a", "RPUSH one c"] {
        pusher.ask(line);
        assert_eq!((both.got(), gone.got()), (String::new(), String::new()));
    }
    assert_eq!(pusher.ask("EXEC"), "*5 :1 :1 :1 :2 :1");
    assert_eq!(both.got(), "*2 $3 two $1 a");
    assert_eq!(gone.got(), "");
    let log = logged(&node, 0);
    assert_eq!(log[log.len() - 2..], ["EXEC", "LPOP two"]);
    assert_eq!(pusher.ask("RPUSH short y"), ":1");
    assert_eq!(gone.got(), "*2 $5 short $1 y");
}

/// Its time comes while the transaction runs.
#[test]
fn a_key_whose_time_has_come_serves_nobody() {
    clients!(node: one, pusher);
    assert_eq!(one.ask("BLPOP k 0"), WAITS);
    for line in ["MULTI", "RPUSH k gone", "PEXPIRE k 1", "DEBUG SLEEP 0.01"] {
        pusher.ask(line);
    }
    assert_eq!(pusher.ask("EXEC"), "*3 :1 :1 +OK");
    assert_eq!((one.got(), pusher.ask("EXISTS k")), (String::new(), ":0".to_owned()));
    pusher.ask("RPUSH k there");
    assert_eq!(one.got(), "*2 $1 k $5 there");
    let log = logged(&node, 0);
    assert_eq!(log[log.len() - 3..], ["DEL k", "RPUSH k there", "LPOP k"]);
}

#[test]
fn in_a_transaction_nobody_waits() {
    clients!(node: one, pusher);
    for line in ["MULTI", "BLPOP k 0", "BLMOVE k t LEFT LEFT 0", "BZPOPMIN z 0", "BLMPOP 0 1 k LEFT"] {
        one.ask(line);
    }
    assert_eq!(one.ask("EXEC"), "*4 *-1 $-1 *-1 *-1");
    assert_eq!(pusher.ask("RPUSH k a"), ":1");
    assert_eq!((one.got(), pusher.ask("LLEN k")), (String::new(), ":1".to_owned()));
    assert!(node.shards.lock(0).waiters.is_empty());
}

#[test]
fn a_move_brings_keys_that_others_wait_for() {
    clients!(node: first, second, third, pusher);
    assert_eq!(third.ask("BLPOP c 0"), WAITS);
    assert_eq!(second.ask("BRPOPLPUSH b c 0"), WAITS);
    assert_eq!(first.ask("BLMOVE a b LEFT RIGHT 0"), WAITS);
    assert_eq!(pusher.ask("RPUSH a x"), ":1");
    assert_eq!((first.got(), second.got()), ("$1 x".to_owned(), "$1 x".to_owned()));
    assert_eq!(third.got(), "*2 $1 c $1 x");
    assert_eq!(logged(&node, 0), ["RPUSH a x", "LMOVE a b LEFT RIGHT", "RPOPLPUSH b c", "LPOP c"]);
    assert_eq!(pusher.ask("EXISTS a b c"), ":0");
}

#[test]
fn moves_in_a_circle_end() {
    clients!(node: one, two, pusher);
    assert_eq!(one.ask("BRPOPLPUSH a b 0"), WAITS);
    assert_eq!(two.ask("BRPOPLPUSH b a 0"), WAITS);
    assert_eq!(pusher.ask("RPUSH a x"), ":1");
    assert_eq!(
        (one.got(), two.got(), pusher.ask("LRANGE a 0 -1")),
        ("$1 x".into(), "$1 x".into(), "*1 $1 x".into())
    );
    assert_eq!(one.ask("BRPOPLPUSH self self 0"), WAITS);
    assert_eq!(pusher.ask("RPUSH self y z"), ":2");
    assert_eq!((one.got(), pusher.ask("LRANGE self 0 -1")), ("$1 z".into(), "*2 $1 z $1 y".into()));
}

#[test]
fn a_value_of_another_type_leaves_its_waiters_alone() {
    clients!(node: list, sorted, late, pusher);
    assert_eq!(sorted.ask("BZPOPMIN k 0"), WAITS);
    assert_eq!(list.ask("BLPOP k 0"), WAITS);
    assert_eq!(late.ask("BZPOPMAX k 0"), WAITS);
    for line in ["SET k v", "DEL k", "SADD k m", "DEL k", "HSET k f v", "DEL k"] {
        pusher.ask(line);
    }
    assert_eq!((list.got(), sorted.got()), (String::new(), String::new()));
    pusher.ask("RPUSH k a");
    assert_eq!((list.got(), sorted.got()), ("*2 $1 k $1 a".to_owned(), String::new()));
    pusher.ask("ZADD k 1 m");
    assert_eq!((sorted.got(), late.got()), ("*3 $1 k $1 m $1 1".to_owned(), String::new()));
    pusher.ask("ZADD k 2 n");
    assert_eq!(late.got(), "*3 $1 k $1 n $1 2");
}

#[test]
fn a_target_of_another_type_is_the_waiter_s_error_and_loses_nothing() {
    clients!(node: moving, next, pusher);
    assert_eq!(moving.ask("BLMOVE k string LEFT LEFT 0"), WAITS);
    assert_eq!(next.ask("BLPOP k 0"), WAITS);
    pusher.ask("SET string v");
    pusher.ask("RPUSH k a");
    assert_eq!(moving.got(), "-WRONGTYPE Operation against a key holding the wrong kind of value");
    assert_eq!(next.got(), "*2 $1 k $1 a");
    assert_eq!(logged(&node, 0), ["SET string v", "RPUSH k a", "LPOP k"]);
    assert_eq!(
        next.ask("BLPOP none string 0"),
        "-WRONGTYPE Operation against a key holding the wrong kind of value"
    );
    assert!(node.shards.lock(0).waiters.is_empty());
}

#[test]
fn every_way_in_which_a_key_comes_wakes() {
    for (before, line) in [
        ("RPUSH s a", "RENAME s k"),
        ("RPUSH s a", "RENAMENX s k"),
        ("RPUSH s a", "COPY s k"),
        ("RPUSH s a", "LMOVE s k LEFT LEFT"),
        ("RPUSH s a", "RPOPLPUSH s k"),
        ("ZADD s 1 a", "ZUNIONSTORE k 1 s"),
        ("ZADD s 1 a", "ZINTERSTORE k 1 s"),
        ("ZADD s 1 a", "ZDIFFSTORE k 1 s"),
        ("ZADD s 1 a", "ZRANGESTORE k s 0 -1"),
        ("DEL s", "ZINCRBY k 1 a"),
        ("DEL s", "LPUSH k a"),
    ] {
        clients!(node: list, sorted, pusher);
        assert_eq!((list.ask("BLPOP k 0"), sorted.ask("BZPOPMIN k 0")), (WAITS.into(), WAITS.into()));
        pusher.ask(before);
        pusher.ask(line);
        let (list, sorted) = (list.got(), sorted.got());
        let expected = if line.starts_with('Z') { &sorted } else { &list };
        assert!(expected.contains(" $1 a"), "{line}: {list} {sorted}");
        assert!(list.is_empty() || sorted.is_empty(), "{line}");
        assert_eq!(pusher.ask("EXISTS k"), ":0", "{line}");
        drop(node);
    }
}

#[test]
fn databases_are_waited_in_apart() {
    clients!(node: zero, one, pusher);
    one.ask("SELECT 1");
    assert_eq!((zero.ask("BLPOP k 0"), one.ask("BLPOP k 0")), (WAITS.into(), WAITS.into()));
    pusher.ask("SELECT 2");
    pusher.ask("RPUSH k a");
    assert_eq!((zero.got(), one.got()), (String::new(), String::new()));
    assert_eq!(pusher.ask("MOVE k 1"), ":1");
    assert_eq!((zero.got(), one.got().as_str()), (String::new(), "*2 $1 k $1 a"));
    pusher.ask("RPUSH k b");
    assert_eq!(pusher.ask("SWAPDB 2 0"), "+OK");
    assert_eq!(zero.got(), "*2 $1 k $1 b");
    assert_eq!(logged(&node, 0)[2..], ["LPOP k", "RPUSH k b", "SWAPDB 2 0", "LPOP k"]);
}

#[test]
fn each_end_of_a_wait_leaves_nothing_behind() {
    clients!(node: unblocked, failed, late, gone, killed, admin);
    let ids = [&unblocked, &failed, &gone, &killed].map(|client| client.session.id());
    for client in [&mut unblocked, &mut failed, &mut late, &mut gone, &mut killed] {
        assert_eq!(client.ask("BLPOP k k2 0"), WAITS);
    }
    assert_eq!(node.shards.lock(0).waiters.key_count(), 2);
    assert_eq!(admin.ask(&format!("CLIENT UNBLOCK {}", ids[0])), ":1");
    assert_eq!(admin.ask(&format!("CLIENT UNBLOCK {}", ids[0])), ":0");
    assert_eq!(admin.ask(&format!("CLIENT UNBLOCK {} ERROR", ids[1])), ":1");
    assert_eq!(
        (unblocked.got().as_str(), failed.got().as_str()),
        ("*-1", "-UNBLOCKED client unblocked via CLIENT UNBLOCK")
    );
    assert!(late.time_out());
    assert_eq!(late.got(), "*-1");
    assert!(!late.time_out());
    client_gone(&node, &mut gone.session);
    assert_eq!(admin.ask(&format!("CLIENT KILL ID {}", ids[3])), ":1");
    assert_eq!(admin.ask("RPUSH k a"), ":1");
    assert_eq!((late.got(), gone.got(), killed.got()), (String::new(), String::new(), String::new()));
    assert_eq!(admin.ask("LRANGE k 0 -1"), "*1 $1 a");
    assert!(node.shards.lock(0).waiters.is_empty());
}

#[test]
fn a_time_out_after_the_reply_does_not_take_it_back() {
    clients!(node: one, pusher);
    assert_eq!(one.ask("BLPOP k 1"), WAITS);
    pusher.ask("RPUSH k a");
    assert!(!one.time_out());
    assert_eq!(one.got(), "*2 $1 k $1 a");
}

#[test]
fn each_is_answered_in_its_own_protocol() {
    clients!(node: old, new, pusher);
    new.ask("HELLO 3");
    assert_eq!((old.ask("BZMPOP 0 1 z MIN"), new.ask("BZMPOP 0 1 z MIN")), (WAITS.into(), WAITS.into()));
    pusher.ask("ZADD z 1 a 2 b");
    assert_eq!(old.got(), "*2 $1 z *1 *2 $1 a $1 1");
    assert_eq!(new.got(), "*2 $1 z *1 *2 $1 b ,2");
    assert_eq!(new.ask("BLPOP k 1"), WAITS);
    assert!(new.time_out());
    assert_eq!(new.got(), "_");
}

/// WAIT after it waits for the pop, not only for what the client wrote before.
#[test]
fn what_was_done_for_a_waiter_is_its_last_write() {
    clients!(node: one, pusher);
    assert_eq!(one.ask("BLPOP k 0"), WAITS);
    pusher.ask("RPUSH k a");
    let end = node.replication.offset();
    assert!(pusher.session.last_write < end);
    let messages = one.session.handle.mailbox.take();
    let [Message::Reply { reply, .. }] = messages.as_slice() else { panic!("{messages:?}") };
    assert_eq!(reply.last_write, Some(end));
}

/// Else it would be deleted with the key when MIGRATE is through.
#[test]
fn nothing_is_moved_to_a_key_that_is_on_its_way_to_another_node() {
    clients!(node: one, pusher);
    assert_eq!(one.ask("BLMOVE k departing LEFT LEFT 0"), WAITS);
    pusher.ask("RPUSH departing old");
    assert!(node.shards.lock_slot(Slot::MIN).departing.mark(0, b"departing"));
    pusher.ask("RPUSH k a");
    assert_eq!(one.got(), "run it again");
    assert_eq!(one.ask("BLMOVE k departing LEFT LEFT 0"), WAITS);
    node.shards.lock_slot(Slot::MIN).departing.unmark(0, b"departing");
    assert_eq!(one.got(), "run it again");
    assert_eq!(one.ask("BLMOVE k departing LEFT LEFT 0"), "$1 a");
}

#[test]
fn clients_and_keys_that_wait_are_shown() {
    clients!(node: one, two, admin);
    one.ask("BLPOP a b 0");
    two.ask("BLPOP b 0");
    assert!(admin.ask("INFO clients").ends_with("total_blocking_keys:2 total_blocking_keys_on_nokey:0"));
    assert_eq!(one.session.handle.waits_in_shard.load(Ordering::Relaxed), 0);
    drop(node);
}
