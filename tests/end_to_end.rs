//! The whole workshop, while a checked load writes and reads: on our nodes, on `redis-server` processes, and on a
//! cluster of both, in which every master has a replica of the other kind.
//!
//! ```text
//! start, create     3 masters, a replica each                  (mixed: 1 2 3 ← 4 5 6, odd ones are ours)
//! scale up          node 7 joins; 4096 slots each               nothing but redirects
//! add a replica     node 8 follows node 7                       nothing but redirects
//! kill -9           its replica takes over                      outage and lost writes are printed
//! recover           it comes back as a replica, catches up      nothing but redirects
//! fail over back    planned                                     nothing but redirects
//! scale down        8 and 7 leave                               nothing but redirects
//! at the end        everything is read back, from masters and from replicas
//! ```

use std::sync::Mutex;
use std::time::Instant;

use crate::harness::lab::Lab;
use crate::harness::load::{self, Item, Load, Phase};
use crate::harness::{Kind, have_server, rcl_json, rcl_ok};
use rcl_proto::resp::Reply;

use Kind::{Ours, Redis};

/// One walk at a time: each has eight servers and a load, and a machine may have two cores.
static TURN: Mutex<()> = Mutex::new(());

#[test]
fn the_workshop_on_our_nodes() {
    walk("ours", &[Ours; 8], &[1]);
}

#[test]
fn the_workshop_on_redis() {
    if have_server() {
        walk("redis", &[Redis; 8], &[1]);
    }
}

/// A failover in each direction: node 1 is ours and its replica Redis's, node 2 is Redis's and its replica ours.
#[test]
fn the_workshop_on_a_mixed_cluster() {
    if have_server() {
        walk("mixed", &[Ours, Redis, Ours, Redis, Ours, Redis, Ours, Redis], &[1, 2]);
    }
}

/// `victims` are the masters to be killed, one after another.
fn walk(name: &str, kinds: &[Kind; 8], victims: &[usize]) {
    let _turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut story = Story { name, started: Instant::now() };
    let lab = Lab::start(kinds, 6);
    create(&lab);
    story.tell("created");
    let load = Load::start(&[lab.port(1), lab.port(2), lab.port(3)]);
    story.end(&load, "first writes").assert_clean("first writes");

    scale_up(&lab);
    story.end(&load, "scale up").assert_clean("scale up");
    add_replica(&lab);
    story.end(&load, "add a replica").assert_clean("add a replica");
    for &victim in victims {
        let heir = fail_over(&lab, victim);
        let phase = story.end(&load, &format!("node {victim} ({:?}) is killed", lab.kind(victim)));
        assert_only_an_outage(&phase);
        recover(&lab, victim, heir);
        story.end(&load, "it is back as a replica").assert_clean("recover");
        rcl_ok(&["failover", &lab.address(victim)]);
        assert!(lab.is_master(victim) && !lab.is_master(heir));
        story.end(&load, "it is master again, as planned").assert_clean("planned failover");
        lab.await_health(1);
    }
    scale_down(&lab);
    let (phase, items) = load.stop();
    story.tell(&format!("scale down: {phase}"));
    phase.assert_clean("scale down");

    replicas_hold_everything(&lab, &items);
    story.tell("replicas hold everything");
    lab.stop();
}

struct Story<'a> {
    name: &'a str,
    started: Instant,
}

impl Story<'_> {
    fn tell(&mut self, what: &str) {
        eprintln!("[{} {:5.1} s] {what}", self.name, self.started.elapsed().as_secs_f64());
    }

    fn end(&mut self, load: &Load, what: &str) -> Phase {
        let phase = load.end_phase();
        self.tell(&format!("{what}: {phase}"));
        phase
    }
}

/// Six nodes become a cluster, and each replica is under the master that the walk is told with.
fn create(lab: &Lab) {
    let addresses: Vec<String> = (1..=6).map(|number| lab.address(number)).collect();
    let mut arguments = vec!["create", "--replicas", "1", "--yes"];
    arguments.extend(addresses.iter().map(String::as_str));
    rcl_ok(&arguments);
    lab.await_health(1);
    for number in 1..=3 {
        assert!(lab.is_master(number));
        assert_eq!(lab.master_of(number + 3), Some(number));
    }
}

/// How many slots each master has, in the order of their slots.
fn shares(lab: &Lab) -> Vec<u64> {
    let shares = rcl_json(&["slot-info", &lab.address(2)]);
    shares["masters"].as_array().unwrap().iter().map(|share| share["slots"].as_u64().unwrap()).collect()
}

fn scale_up(lab: &Lab) {
    lab.add(7);
    rcl_ok(&["add-node", &lab.address(7), &lab.address(2)]);
    rcl_ok(&["rebalance", &lab.address(2), "--use-empty-masters", "--yes"]);
    assert_eq!(shares(lab), [4096; 4]);
}

fn add_replica(lab: &Lab) {
    lab.add(8);
    rcl_ok(&["add-replica", &lab.address(8), &lab.address(2), "--master", &lab.address(7)]);
    lab.await_in_sync(8);
    lab.await_health(2);
}

/// Kills a master; returns its replica, once that has taken over and everybody knows.
fn fail_over(lab: &Lab, victim: usize) -> usize {
    let heir = victim + 3;
    lab.kill(victim);
    lab.wait_for(&format!("node {heir} takes over from node {victim}"), || {
        lab.myself(heir).is_some_and(|line| line.master.is_none() && line.slots.len() == 4096)
    });
    for number in (1..=8).filter(|&number| number != victim) {
        lab.wait_for(&format!("node {number} says that all is well"), || lab.state_is_ok(number));
    }
    heir
}

/// Around a kill there is an outage: connections break, the cluster may call itself down, and replication being
/// asynchronous, the last acknowledged writes may be gone. Nothing else.
fn assert_only_an_outage(phase: &Phase) {
    phase.assert_right("kill");
    let expected = |error: &String| error.starts_with("CLUSTERDOWN") || error.starts_with("connection:");
    assert!(phase.errors.keys().all(expected), "other errors than of an outage: {phase}");
    let outage = (0..load::LANES).map(|lane| phase.longest_gap(lane)).max().unwrap();
    eprintln!("    write outage {} ms, acknowledged writes lost {}", outage.as_millis(), phase.lost);
}

fn recover(lab: &Lab, victim: usize, heir: usize) {
    lab.restart(victim);
    lab.wait_for(&format!("node {victim} replicates node {heir}"), || lab.master_of(victim) == Some(heir));
    lab.await_in_sync(victim);
    lab.await_health(2);
}

fn scale_down(lab: &Lab) {
    for number in [8, 7] {
        rcl_ok(&["scale-down", &lab.address(number), "--entry", &lab.address(2), "--yes"]);
        assert_eq!(lab.view(number).len(), 1, "node {number} is on its own");
    }
    let shares = shares(lab);
    assert_eq!((shares.len(), shares.iter().sum::<u64>()), (3, 16384));
    lab.await_health(2);
}

/// What clients were told is written is on the replicas too.
fn replicas_hold_everything(lab: &Lab, items: &[Item]) {
    let mut read = 0;
    for replica in 4..=6 {
        lab.await_in_sync(replica);
        let master = lab.master_of(replica).unwrap();
        let slots = lab.myself(master).unwrap().slots;
        let (mut link, mut of_master) = (lab.link(replica), lab.link(master));
        assert_eq!(link.call(&["READONLY"]), Reply::Simple("OK".into()));
        assert_eq!(link.call(&["DBSIZE"]), of_master.call(&["DBSIZE"]), "node {replica}");
        for item in items.iter().filter(|item| slots.contains(item.slot)) {
            let values = item.keys.iter().map(|key| match link.call(&["GET", key]) {
                Reply::Bulk(value) => Some(value),
                Reply::Null => None,
                other => panic!("GET {key} on node {replica}: {other:?}"),
            });
            let values: Vec<Option<Vec<u8>>> = values.collect();
            assert_eq!(item.clone().judge(&values), load::Verdict::Right, "node {replica}");
            read += 1;
        }
    }
    assert_eq!(read, items.len(), "each item is on one replica");
}
