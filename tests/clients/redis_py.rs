//! redis-py's RedisCluster on our cluster: the scripts beside this file do what an application does, and check
//! every answer; here the cluster under them is changed meanwhile.

use std::process::{Command, Stdio};

use super::programs::{AtWork, answer, python, succeed};
use crate::harness::lab::Lab;
use crate::harness::{Kind, rcl_ok, skip};

fn have_redis_py(what: &str) -> bool {
    let found = Command::new("python3")
        .args(["-c", "from redis.cluster import RedisCluster"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        skip(what, "no python3 with redis-py on this machine");
    }
    found
}

#[test]
fn redis_py_gets_right_answers_from_our_cluster() {
    if !have_redis_py("redis-py on our cluster") {
        return;
    }
    let lab = Lab::cluster(Kind::Ours);
    assert_eq!(succeed(&mut python("commands.py", lab.port(1))), "ok\n");
}

#[test]
fn redis_py_goes_on_through_a_reshard_and_failovers() {
    if !have_redis_py("redis-py through a reshard and failovers of our cluster") {
        return;
    }
    let lab = Lab::cluster(Kind::Ours);
    let mut client = AtWork::start(&mut python("through_change.py", lab.port(1)));
    assert_eq!(client.line(), "running");
    let ids: Vec<String> =
        (1..=3).map(|number| answer(&lab, number, &["CLUSTER", "MYID"]).trim().to_owned()).collect();
    let entry = lab.address(1);
    for (from, to) in [(0, 1), (1, 2), (2, 0)] {
        rcl_ok(&["reshard", &entry, "--from", &ids[from], "--to", &ids[to], "--slots", "1500", "--yes"]);
    }
    for replica in [4, 5] {
        rcl_ok(&["failover", &lab.address(replica)]);
        assert!(answer(&lab, replica, &["INFO", "replication"]).contains("role:master"));
    }
    client.end_input();
    let outcome = client.line();
    let outcome: serde_json::Value =
        serde_json::from_str(&outcome).unwrap_or_else(|error| panic!("{error}: {outcome}"));
    assert_eq!(outcome["wrong"], serde_json::json!([]), "{outcome}");
    assert_eq!(outcome["error_count"], 0, "{outcome}");
    assert!(outcome["writes"].as_u64().unwrap() > 500, "{outcome}");
}
