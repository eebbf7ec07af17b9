//! Other people's clients on our nodes: redis-cli, redis-py and redis-benchmark, and programs that use such a client, each as
//! its users run it. What is not on this machine is skipped, loudly.

mod applications;
mod programs;
mod redis_cli;
mod redis_py;

use std::collections::BTreeSet;
use std::process::Command;

use self::programs::{answer, have, said};
use crate::harness::Kind;
use crate::harness::lab::Lab;

/// The tests that redis-benchmark 7.0 runs when it is asked for none in particular, by the first word of their
/// names.
const DEFAULT_TESTS: [&str; 17] = [
    "PING_INLINE",
    "PING_MBULK",
    "SET",
    "GET",
    "INCR",
    "LPUSH",
    "RPUSH",
    "LPOP",
    "RPOP",
    "SADD",
    "HSET",
    "SPOP",
    "ZADD",
    "ZPOPMIN",
    "LRANGE_100",
    "LRANGE_600",
    "MSET",
];

#[test]
fn redis_benchmark_runs_its_default_tests_without_an_error() {
    if !have("redis-benchmark", "redis-benchmark on our cluster") {
        return;
    }
    let lab = Lab::cluster(Kind::Ours);
    // One key of each kind; then keys over all slots, pipelined; then in RESP3.
    for more in [&[][..], &["-r", "10000", "-P", "16"], &["-3", "-t", "set,get,mset"]] {
        let mut command = Command::new("redis-benchmark");
        command
            .args(["--cluster", "-p", &lab.port(2).to_string(), "-n", "600", "-c", "12", "--csv"])
            .args(more);
        let (stdout, stderr) = said(&command.output().unwrap(), &command);
        let all = format!("{stdout}{stderr}");
        for bad in ["rror", "WARNING", "CLUSTERDOWN", "failed"] {
            assert!(!all.contains(bad), "{command:?} says {bad}:\n{all}");
        }
        // "SET","7017.54",… ; LRANGE's names go on with what they do.
        let ran: BTreeSet<&str> =
            stdout.lines().filter_map(|line| line.strip_prefix('"')?.split(['"', ' ']).next()).collect();
        let expected = match more.contains(&"-t") {
            true => &["SET", "GET", "MSET"][..],
            false => &DEFAULT_TESTS,
        };
        for test in expected {
            assert!(ran.contains(test), "{test} did not run: {ran:?}\n{all}");
        }
    }
    assert_ne!(answer(&lab, 1, &["DBSIZE"]).trim(), "0", "the keys were written");
}
