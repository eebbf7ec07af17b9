//! The shard that a quick command leaves locked for the next request of its batch: it is let go before anything that could wait for it.

use std::sync::Arc;

use rcl_proto::resp::OwnedArgs;

use super::in_memory::{Client, node, node_with};
use super::{Batch, Held, process_found};
use crate::node::Node;

/// Runs these requests as one batch; whether a shard was kept after each, and the replies.
fn run_batch(node: &Arc<Node>, client: &mut Client, lines: &[&str]) -> (Vec<bool>, String) {
    let (mut output, mut batch, mut kept) = (Vec::new(), Batch::start(Arc::default()), Held::None);
    let mut run = |line: &&str| {
        let request = OwnedArgs::new(line.split(' ').map(str::as_bytes));
        let args = request.as_args();
        let lookup = node.commands.find(args);
        process_found(node, &mut client.session, args, lookup, &mut output, &mut batch, &mut kept);
        assert_eq!(kept.is_none(), node.shards.hold(0).is_none(), "{line}");
        !kept.is_none()
    };
    let held = lines.iter().map(&mut run).collect();
    (held, String::from_utf8_lossy(&output).replace("\r\n", " "))
}

#[test]
fn quick_commands_pass_their_shard_on() {
    let node = node();
    let mut client = Client::new(&node);
    let (held, replies) =
        run_batch(&node, &mut client, &["SET a 1", "GET a", "INCR a", "LPUSH a x", "GET b"]);
    assert_eq!(
        replies,
        "+OK $1 1 :2 -WRONGTYPE Operation against a key holding the wrong kind of value $-1 "
    );
    // SET is none of the quick ones by Redis's table, and an error ends it.
    assert_eq!(held, [false, true, true, false, true]);
    assert!(node.shards.hold(0).is_none(), "the batch is over");
}

/// Each of them locks what it needs itself: with the shard kept it would wait for ever.
#[test]
fn who_needs_more_than_the_shard_comes_with_nothing_held() {
    let node = node();
    let mut client = Client::new(&node);
    let lines = "DBSIZE|FLUSHALL|SCAN 0|KEYS *|SWAPDB 0 1|RANDOMKEY|EVAL return(redis.call('dbsize')) 0|INFO|MEMORY STATS|\
        DEBUG OBJECT a|OBJECT ENCODING a|CONFIG SET maxmemory 0|SAVE|DEBUG RELOAD|CLIENT LIST|PING|COPY a b|MOVE a 1|SORT a|\
        WATCH a|MULTI|GET a|EXEC|UNWATCH|SUBSCRIBE a|UNSUBSCRIBE a|CLIENT PAUSE 0|RESET|NOSUCH|GET|ACL WHOAMI";
    for line in lines.split('|') {
        run_batch(&node, &mut client, &["GET a", line, "GET a"]);
        assert!(node.shards.hold(0).is_none(), "{line}");
    }
}

#[test]
fn where_memory_has_a_limit_nothing_is_kept_while_room_is_made() {
    let node = node_with(&["--maxmemory", "1mb", "--maxmemory-policy", "allkeys-lru"], "");
    let mut client = Client::new(&node);
    for number in 0..200 {
        let value = "x".repeat(20_000);
        let lines = [format!("GET {number}"), format!("APPEND {number} {value}"), format!("GET {number}")];
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        run_batch(&node, &mut client, &lines);
    }
    assert!(node.shards.lock(0).keyspace.key_count(0) < 200, "some were evicted");
}

#[test]
fn in_a_cluster_each_shard_is_let_go_for_the_next() {
    let node = node_with(&["--cluster-enabled", "yes", "--cluster-require-full-coverage", "no"], "");
    let mut client = Client::new(&node);
    // Without a map nobody is served, and nothing is kept.
    assert_eq!(run_batch(&node, &mut client, &["GET a", "GET b"]).0, [false, false]);
}
