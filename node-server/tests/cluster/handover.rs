//! Planned failovers between our nodes and redis-server, under a load that knows every acknowledged write.

use rcl_proto::resp::Reply;

use super::server::{Kind, Server, cluster};
use crate::harness::{has_redis, wait_until};
use crate::load::{Load, Size};
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

/// There and back, one right after the other, with a voter of each kind. Redis's votes once in two node timeouts about one
/// master: until then ours says so instead of pausing its master for nothing.
///
/// Redis is asked to win votes only once: within two node timeouts it counts those of its last election again, calls
/// itself a master of that old epoch, steps down, and the pause of its master goes on for 5 s.
fn every_mode(master: Kind, replica: Kind) {
    let mut servers = cluster(&[master, Ours, Redis], &[(replica, 0)]);
    let load = start_load(&servers);
    for (old, new) in [(0, 3), (3, 0)] {
        hand_over(&mut servers, old, new, "CLUSTER FAILOVER");
        load.end_phase().assert_clean(&format!("planned, from {old} to {new}"));
    }
    // The other two promise less: writes that the replica didn't have yet may be gone, and nothing else.
    let (ours, theirs) = if replica == Ours { (3, 0) } else { (0, 3) };
    let take_over = |servers: &mut [Server]| {
        hand_over(servers, ours, theirs, "CLUSTER FAILOVER TAKEOVER");
        load.end_phase().assert_right("taken over by Redis");
    };
    if replica == Redis {
        take_over(&mut servers);
    }
    wait_until("the voters may vote about this master again", || {
        match servers[ours].ask("CLUSTER FAILOVER FORCE") {
            Reply::Error(reason) => {
                assert!(reason.contains("were asked about this master"), "{reason}");
                false
            }
            answer => answer == Reply::Simple("OK".into()),
        }
    });
    wait_for_the_change(&mut servers, theirs, ours);
    load.end_phase().assert_right("forced by ours");
    if replica == Ours {
        take_over(&mut servers);
    }
    load.stop().0.assert_clean("after all of them");
}

#[test]
fn ours_takes_over_from_redis_in_every_mode_and_gives_back() {
    if has_redis("ours_takes_over_from_redis_in_every_mode_and_gives_back") {
        every_mode(Redis, Ours);
    }
}

#[test]
fn redis_takes_over_from_ours_and_gives_back_in_every_mode() {
    if has_redis("redis_takes_over_from_ours_and_gives_back_in_every_mode") {
        every_mode(Ours, Redis);
    }
}
