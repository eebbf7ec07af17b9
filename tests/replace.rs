//! `rcl replace-node`, and with it the way over: a cluster of Redis's servers becomes one of ours node by node while clients
//! write, and goes back.

use std::ops::Range;
use std::time::Instant;

use crate::harness::load::{Load, Size};
use crate::harness::*;
use rcl_proto::resp::Reply;

/// Keys that nobody writes to meanwhile. `RCL_WAY_OVER_KEYS` says how many instead.
const KEYS: usize = 12_000;
/// Of so many all requests are on their way at once.
const KEYS_A_FLIGHT: usize = 1000;

#[test]
fn a_cluster_of_redis_becomes_one_of_ours_under_load_and_goes_back() {
    if !have_server() {
        return;
    }
    let keys = std::env::var("RCL_WAY_OVER_KEYS").ok().and_then(|text| text.parse().ok()).unwrap_or(KEYS);
    // With many keys the machine is at work for long: nodes wait for each other as long as they do where nobody set it.
    let timeout: &[&str] = if keys > KEYS { &["--cluster-node-timeout", "15000"] } else { &[] };
    let redis = Server::start_many(Kind::Redis, 6, timeout);
    let ours = Server::start_many(Kind::Ours, 6, timeout);
    create(&redis, 1);
    let started = Instant::now();
    write_all(redis[0].port, keys);
    println!("{keys} keys written in {:.1} s", started.elapsed().as_secs_f64());
    let ports = |servers: &[Server]| servers.iter().map(|server| server.port).collect::<Vec<_>>();
    let load = Load::start_of(Size::USUAL, &[ports(&redis), ports(&ours)].concat());
    for (from, to) in [(&redis, &ours), (&ours, &redis)] {
        for (old, new) in from.iter().zip(to) {
            rcl_ok(&["replace-node", &old.address(), &new.address()]);
            let left = text(&old.link().call(&["CLUSTER", "NODES"]));
            assert_eq!(left.lines().count(), 1, "it is out, and alone: {left}");
        }
        eventually("all is well", || findings(&to[0]) == (0, vec![]));
        assert_eq!(rcl_json(&["nodes", &to[0].address()]).as_array().unwrap().len(), 6);
        let phase = load.end_phase();
        println!("six of {:?} replaced by six of {:?}: {phase}", from[0].kind, to[0].kind);
        assert!(phase.errors.is_empty() && phase.lost == 0 && phase.wrong == 0, "{phase}");
        assert!(phase.writes > 0 && phase.ambiguous == 0, "{phase}");
        let started = Instant::now();
        check_all(to[0].port, keys);
        println!("{keys} keys found as they were in {:.1} s", started.elapsed().as_secs_f64());
    }
    let (phase, _) = load.stop();
    assert!(phase.errors.is_empty() && phase.lost == 0 && phase.wrong == 0, "{phase}");
}

fn flights(keys: usize) -> impl Iterator<Item = Range<usize>> {
    (0..keys).step_by(KEYS_A_FLIGHT).map(move |first| first..keys.min(first + KEYS_A_FLIGHT))
}

fn write_all(entry: u16, keys: usize) {
    let mut client = Client::new(entry);
    for flight in flights(keys) {
        let requests: Vec<_> = flight.flat_map(writes).collect();
        for (reply, request) in client.call_all(&requests).into_iter().zip(&requests) {
            assert!(!matches!(reply, Reply::Error(_)), "{request:?}: {reply:?}");
        }
    }
}

/// A key of one of the six types; each seventh ends in the year 2100.
fn writes(number: usize) -> Vec<Vec<String>> {
    let (key, value, score) = (format!("key:{number}"), format!("value {number}"), number.to_string());
    let words: &[&str] = match number % 6 {
        0 => &["SET", &key, &value],
        1 => &["RPUSH", &key, "first", &value, &score],
        2 => &["SADD", &key, &value, &score],
        3 => &["HSET", &key, "field", &value, &score, "x"],
        4 => &["ZADD", &key, &score, &value, "1.5", "other"],
        _ => &["XADD", &key, "5-1", "field", &value],
    };
    let mut requests = vec![owned(words)];
    if ends(number) {
        requests.push(owned(&["PEXPIREAT", &key, END_MS]));
    }
    requests
}

const END_MS: &str = "4102444800000";

fn ends(number: usize) -> bool {
    number.is_multiple_of(7)
}

fn check_all(entry: u16, keys: usize) {
    let mut client = Client::new(entry);
    for flight in flights(keys) {
        let requests: Vec<_> = flight.clone().flat_map(reads).collect();
        let mut replies = client.call_all(&requests).into_iter();
        for number in flight {
            check(number, &replies.next().unwrap());
            if ends(number) {
                let end = Reply::Integer(END_MS.parse().unwrap());
                assert_eq!(replies.next().unwrap(), end, "key:{number}");
            }
        }
    }
}

fn reads(number: usize) -> Vec<Vec<String>> {
    let key = format!("key:{number}");
    let words: &[&str] = match number % 6 {
        0 => &["GET", &key],
        1 => &["LRANGE", &key, "0", "-1"],
        2 => &["SMEMBERS", &key],
        3 => &["HGETALL", &key],
        4 => &["ZRANGE", &key, "0", "-1", "WITHSCORES"],
        _ => &["XRANGE", &key, "-", "+"],
    };
    let mut requests = vec![owned(words)];
    if ends(number) {
        requests.push(owned(&["PEXPIRETIME", &key]));
    }
    requests
}

fn check(number: usize, reply: &Reply) {
    let mut found = words_of(reply);
    let (value, score) = (format!("value {number}"), number.to_string());
    let mut expected = match number % 6 {
        0 => vec![value],
        1 => vec!["first".to_owned(), value, score],
        2 => vec![value, score],
        3 => vec!["field".to_owned(), value, score, "x".to_owned()],
        4 => vec!["other".to_owned(), "1.5".to_owned(), value, score],
        _ => vec!["5-1".to_owned(), "field".to_owned(), value],
    };
    if number % 6 == 2 {
        // A set has no order.
        found.sort();
        expected.sort();
    }
    assert_eq!(found, expected, "key:{number}");
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn words_of(reply: &Reply) -> Vec<String> {
    match reply {
        Reply::Array(parts) => parts.iter().flat_map(words_of).collect(),
        word => vec![text(word)],
    }
}

#[test]
fn a_plan_is_shown_and_an_interrupted_run_is_taken_up() {
    with_each_kind(|kind| {
        let servers = Server::start_many(kind, 5, &[]);
        create(&servers[..3], 0);
        fill(servers[0].port, 300);
        let (old, new) = (servers[1].address(), servers[3].address());
        let plan = rcl_json(&["replace-node", &old, &new, "--dry-run"]);
        let steps = plan["steps"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap());
        let expected = "meet replicate await-in-sync await-agreement failover await-agreement await-quiet forget reset await-agreement";
        assert_eq!(steps.collect::<Vec<_>>().join(" "), expected);
        assert_eq!(
            servers[3]
                .link()
                .call(&["CLUSTER", "NODES"])
                .as_bytes()
                .unwrap()
                .iter()
                .filter(|byte| **byte == b'\n')
                .count(),
            1
        );
        // As a run leaves it that was interrupted behind its second step.
        rcl_ok(&["add-replica", &new, &old, "--master", &old]);
        rcl_ok(&["replace-node", &old, &new]);
        assert_eq!(findings(&servers[3]).0, 0);
        verify(servers[3].port, 300);
        // What is empty and out may come back in another's place.
        rcl_ok(&["replace-node", &new, &old, "--entry", &servers[0].address()]);
        verify(servers[0].port, 300);
        rcl_refused(3, "cannot replace itself", &["replace-node", &old, &old]);
        rcl_refused(3, "is in the cluster already", &["replace-node", &old, &servers[2].address()]);
        rcl_refused(
            3,
            "already owns slots",
            &["replace-node", &old, &{
                servers[4].link().call(&["CLUSTER", "ADDSLOTS", "1"]);
                servers[4].address()
            }],
        );
    });
}
