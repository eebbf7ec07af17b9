//! Balance by what slots cost, where the nodes tell it. All of it is in six slots of the first of three nodes.

use super::peer::{Dialect, Peers};
use crate::harness::{rcl_json, rcl_refused};

fn planned(peers: &Peers, by: &str) -> serde_json::Value {
    rcl_json(&["rebalance", &peers.address(0), "--by", by, "--over", "20ms", "--dry-run"])
}

#[test]
fn what_slots_cost_is_looked_at_twice_and_evened_out() {
    for dialect in [Dialect::Redis, Dialect::Valkey] {
        for by in ["cpu", "traffic"] {
            let peers = Peers::start(dialect);
            let plan = planned(&peers, by);
            assert_eq!(plan["cost"]["slots"], 4, "two of the six to each of the others: {plan}");
            let after = |node: usize| plan["balance"]["masters"][node]["after"].as_u64().unwrap();
            assert!(after(0) > 0 && [1, 2].iter().all(|&node| after(node) == after(0)), "{plan}");
            assert_eq!(
                plan["balance"]["masters"][1]["before"], 0,
                "what does not grow is not counted: {plan}"
            );
            assert_eq!(plan["balance"]["by"], by);
        }
    }
}

#[test]
fn memory_is_what_the_node_says_or_follows_from_a_sample() {
    for dialect in [Dialect::Redis, Dialect::Valkey, Dialect::Neither] {
        let peers = Peers::start(dialect);
        let plan = planned(&peers, "memory");
        let masters = plan["balance"]["masters"].as_array().unwrap();
        let (before, after) =
            (|node: usize| masters[node]["before"].as_u64(), |node: usize| masters[node]["after"].as_u64());
        assert_eq!(before(0), Some(6 * 2_000_000 + 5455 * 200), "{dialect:?}: {plan}");
        assert_eq!(before(1), Some(5461 * 200), "{dialect:?}: {plan}");
        let total: u64 = (0..3).filter_map(before).sum();
        for node in 0..3 {
            let off = after(node).unwrap().abs_diff(total / 3) as f64 * 300.0 / total as f64;
            assert!(off <= 2.0, "{dialect:?}, {node}: {plan}");
        }
    }
}

#[test]
fn who_does_not_count_is_named_with_what_to_do() {
    let peers = Peers::start(Dialect::Neither);
    let rebalance = |peers: &Peers, word| {
        rcl_refused(3, word, &["rebalance", &peers.address(0), "--by", "cpu", "--over", "20ms", "--yes"]);
    };
    rebalance(&peers, "it knows no CLUSTER SLOT-STATS");
    rebalance(&peers, "--by keys or --by memory");
    let peers = Peers::start(Dialect::Valkey);
    peers.count_no_more();
    rebalance(&peers, "CONFIG SET cluster-slot-stats-enabled yes");
}
