//! Planned failovers between our nodes and redis-server, under a load that knows every acknowledged write.

use rcl_proto::resp::Reply;

use crate::harness::has_redis;
use crate::load::{Load, Size};
use crate::server::{Kind, Server, cluster};
use Kind::{Ours, Redis};

/// Enough that some write is always on its way, and little enough for several tests at a time.
const SMALL: Size = Size { items_per_worker: 50, rate: 800 };

/// A load that has written all its keys once, with every answer clean.
pub fn start_load(servers: &[Server]) -> Load {
    let load = Load::start_of(SMALL, &servers.iter().map(|server| server.port).collect::<Vec<_>>());
    load.end_phase().assert_clean("before");
    load
}

/// Waits until the replica leads, the old master follows it with its data, and all say so.
fn wait_for_the_change(servers: &mut [Server], old: usize, new: usize) {
    let (old_id, new_id) = (servers[old].id(), servers[new].id());
    for server in servers.iter_mut() {
        server.wait_for_node(&new_id, |line| line.contains("master") && line.contains(" 0-5460"));
        server.wait_for_node(&old_id, |line| line.contains(&format!("slave {new_id}")));
        server.wait_for("CLUSTER INFO", |text| text.contains("cluster_state:ok"));
    }
    servers[old].wait_for_master_link();
}

fn hand_over(servers: &mut [Server], old: usize, new: usize, command: &str) {
    servers[new].must(command);
    wait_for_the_change(servers, old, new);
}

/// There and back, one right after the other. Ours vote for an operator's request whenever it comes, so each works at
/// once.
///
/// Redis is asked to win votes only once: within two node timeouts it counts those of its last election again, calls
/// itself a master of that old epoch, steps down, and the pause of its master goes on for 5 s.
fn every_mode(master: Kind, replica: Kind) {
    let mut servers = cluster(&[master, Ours, Ours], &[(replica, 0)]);
    let load = start_load(&servers);
    let mut planned = vec![(0, 3), (3, 0)];
    if replica == Ours {
        planned.push((0, 3));
    }
    for (old, new) in planned {
        hand_over(&mut servers, old, new, "CLUSTER FAILOVER");
        load.end_phase().assert_clean(&format!("planned, from {old} to {new}"));
    }
    // These promise less: writes that the replica didn't have yet may be gone, and nothing else.
    let (ours, theirs) = if replica == Ours { (3, 0) } else { (0, 3) };
    hand_over(&mut servers, ours, theirs, "CLUSTER FAILOVER TAKEOVER");
    load.end_phase().assert_right("taken over by Redis");
    hand_over(&mut servers, theirs, ours, "CLUSTER FAILOVER FORCE");
    load.end_phase().assert_right("forced by ours");
    load.stop().0.assert_clean("after all of them");
}

#[test]
fn ours_takes_over_from_redis_in_every_mode_and_gives_back() {
    if has_redis("ours_takes_over_from_redis_in_every_mode_and_gives_back") {
        every_mode(Redis, Ours);
    }
}

#[test]
fn redis_takes_over_from_ours_in_every_mode_and_gives_back() {
    if has_redis("redis_takes_over_from_ours_in_every_mode_and_gives_back") {
        every_mode(Ours, Redis);
    }
}

/// With Redis's votes needed: they come once in two node timeouts about one master. Ours says so instead of pausing
/// its master for nothing.
fn with_redis_voters(master: Kind, replica: Kind) {
    let mut servers = cluster(&[master, Ours, Redis], &[(replica, 0)]);
    let load = start_load(&servers);
    let (ours, theirs) = if replica == Ours { (3, 0) } else { (0, 3) };
    match replica {
        Ours => hand_over(&mut servers, 0, 3, "CLUSTER FAILOVER"),
        _ => hand_over(&mut servers, 0, 3, "CLUSTER FAILOVER FORCE"),
    }
    load.end_phase().assert_right("there");
    hand_over(&mut servers, 3, 0, "CLUSTER FAILOVER");
    load.end_phase().assert_clean("and back");
    if theirs == 3 {
        // The one of Redis is the replica: it would stand still now, so an operator takes the slots without votes.
        hand_over(&mut servers, 0, 3, "CLUSTER FAILOVER TAKEOVER");
    }
    load.end_phase().assert_right("before the refusal");
    // Ours is the replica now. The masters voted about its master a moment ago.
    let mut refusals = 0;
    let start = std::time::Instant::now();
    loop {
        match servers[ours].ask("CLUSTER FAILOVER") {
            Reply::Error(reason) => {
                assert!(reason.contains("were asked about this master"), "{reason}");
                refusals += 1;
            }
            answer => break assert_eq!(answer, Reply::Simple("OK".into())),
        }
        assert!(start.elapsed() < crate::harness::PATIENCE, "refused for ever");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    eprintln!("refused {refusals} times, for {} ms", start.elapsed().as_millis());
    wait_for_the_change(&mut servers, theirs, ours);
    load.stop().0.assert_clean("once the voters may vote again");
}

#[test]
fn ours_takes_over_from_redis_with_votes_of_both_kinds() {
    if has_redis("ours_takes_over_from_redis_with_votes_of_both_kinds") {
        with_redis_voters(Redis, Ours);
    }
}

#[test]
fn redis_takes_over_from_ours_with_votes_of_both_kinds() {
    if has_redis("redis_takes_over_from_ours_with_votes_of_both_kinds") {
        with_redis_voters(Ours, Redis);
    }
}
