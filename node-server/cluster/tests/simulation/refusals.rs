//! When a refused connection proves that a process is gone, and when it does not; and that a master which is cut off by
//! resets stops as fast as its peers give it up.

use rcl_cluster::{ClusterState, Config, SlotOwner};
use rcl_proto::nodes_text::NodeFlags;
use rcl_proto::{NodeId, Slot};

use crate::faults::network_faults;
use crate::world::World;

const TIMEOUT_MS: u64 = 5_000;
const GRACE_MS: u64 = TIMEOUT_MS / 10;
/// What an election's delay varies by.
const ELECTION_DRAW_MS: u64 = TIMEOUT_MS / 30;
/// Connections are tried, and found refused, as often as this.
const TRIED_EVERY_MS: u64 = 100;

/// `masters`, with a replica each.
fn cluster(seed: u64, masters: usize, fast_suspicion: bool) -> World {
    let config = Config { node_timeout_ms: TIMEOUT_MS, fast_suspicion, ..Config::default() };
    let mut world = World::new(seed, masters * 2, &config);
    world.create(masters);
    world.run_for(3_000);
    world
}

fn serves_slot_0(world: &World, index: usize) -> bool {
    let map = world.machines[index].map.as_ref();
    map.is_some_and(|map| map.state == ClusterState::Ok && map.owner(Slot::MIN) == SlotOwner::Myself)
}

/// Somebody suspects master 0.
fn is_suspected(world: &World, id: NodeId) -> bool {
    (0..world.machines.len()).filter_map(|index| world.machines[index].map.as_ref()).any(|map| {
        let is_failing =
            |flags: NodeFlags| flags.contains(NodeFlags::PFAIL) || flags.contains(NodeFlags::FAIL);
        map.nodes.iter().any(|node| node.id == id && is_failing(node.flags))
    })
}

/// How long two masters serve slot 0 at once, and when the first of them stops, after `cut` took master 0 away from all.
fn double_service_ms(mut world: World, cut: fn(&mut World, usize)) -> (u64, u64) {
    let replica = world.machines.len() / 2;
    (1..world.machines.len()).for_each(|other| cut(&mut world, other));
    let (mut twice_ms, mut stopped_ms) = (0, 0);
    for now_ms in 0..4 * TIMEOUT_MS {
        world.run_for(1);
        if serves_slot_0(&world, 0) {
            stopped_ms = now_ms;
            twice_ms += u64::from(serves_slot_0(&world, replica));
        }
    }
    assert!(serves_slot_0(&world, replica) && !serves_slot_0(&world, 0));
    (twice_ms, stopped_ms)
}

/// Both ends of every connection are reset, and new ones refused, in both directions.
fn reset_all(world: &mut World, other: usize) {
    network_faults::reset_pair(world, 0, other);
}

#[test]
fn a_master_that_is_refused_by_the_majority_stops_before_it_is_replaced() {
    for (seed, masters) in (1..=20).map(|seed| (seed, 3)).chain((1..=10).map(|seed| (seed, 7))) {
        let (twice_ms, stopped_ms) = double_service_ms(cluster(seed, masters, true), reset_all);
        assert_eq!(twice_ms, 0, "seed {seed} with {masters} masters");
        // A second until somebody sends something into the firewall, and then the grace.
        let most_ms = 1_000 + GRACE_MS + 3 * TRIED_EVERY_MS;
        assert!(stopped_ms < most_ms, "seed {seed} with {masters} masters: {stopped_ms} ms");
    }
}

/// A firewall that tells only who sends: then both sides have connections of which they do not know that they are dead.
fn reject_all(world: &mut World, other: usize) {
    world.network.reject.insert((0, other));
    world.network.reject.insert((other, 0));
}

fn drop_all(world: &mut World, other: usize) {
    world.network.cut_both(0, other);
}

/// What master 0 sends gets lost, and what is sent to it is rejected: it hears nothing, while its peers are refused.
fn reject_and_drop_all(world: &mut World, other: usize) {
    world.network.reject.insert((other, 0));
    world.network.cut.insert((0, other));
}

#[test]
fn a_master_that_is_cut_off_is_never_served_beside_for_longer_than_without_fast_suspicion() {
    for cut in [reset_all, reject_all, drop_all, reject_and_drop_all] {
        for seed in 1..=8 {
            let (twice_ms, stopped_ms) = double_service_ms(cluster(seed, 3, true), cut);
            let (without_ms, without_stopped_ms) = double_service_ms(cluster(seed, 3, false), cut);
            // Each life draws the delay of its election anew.
            let most_ms = without_ms + ELECTION_DRAW_MS;
            assert!(twice_ms <= most_ms, "seed {seed}: {twice_ms} ms, without {without_ms} ms");
            assert!(stopped_ms <= without_stopped_ms, "seed {seed}");
        }
    }
}

/// A reset may be a firewall's; and what is behind it may serve on.
#[test]
fn a_node_behind_a_firewall_that_resets_has_the_node_timeout() {
    for cut in [reset_all, reject_all, reject_and_drop_all] {
        for seed in 1..=8 {
            let mut world = cluster(seed, 3, true);
            let id = world.id(0).unwrap();
            (1..6).for_each(|other| cut(&mut world, other));
            assert!(!world.run_until_true(TIMEOUT_MS / 2, |world| is_suspected(world, id)), "seed {seed}");
            assert!(world.run_until_true(2 * TIMEOUT_MS, |world| is_suspected(world, id)), "seed {seed}");
        }
    }
}

#[test]
fn a_restart_within_the_grace_is_nobody_s_failure() {
    for seed in 1..=20 {
        let mut world = cluster(seed, 3, true);
        let id = world.id(0).unwrap();
        world.crash(0);
        world.run_for(GRACE_MS - TRIED_EVERY_MS);
        world.start(0);
        assert!(!world.run_until_true(4 * TIMEOUT_MS, |world| is_suspected(world, id)), "seed {seed}");
    }
}

/// The same again and again: each life is a new proof.
#[test]
fn a_node_that_restarts_all_the_time_is_suspected_when_it_stays_away() {
    let mut world = cluster(1, 3, true);
    let id = world.id(0).unwrap();
    for _ in 0..10 {
        world.crash(0);
        world.run_for(GRACE_MS - TRIED_EVERY_MS);
        world.start(0);
        assert!(!world.run_until_true(200, |world| is_suspected(world, id)));
    }
    world.crash(0);
    assert!(world.run_until_true(GRACE_MS + 2 * TRIED_EVERY_MS, |world| is_suspected(world, id)));
}

/// A host that does not answer proves nothing; neither does a full queue, which looks the same.
#[test]
fn a_node_whose_queue_is_full_has_the_node_timeout() {
    for seed in 1..=10 {
        let mut world = cluster(seed, 3, true);
        let id = world.id(0).unwrap();
        world.network.full.insert(0);
        world.crash(0);
        assert!(!world.run_until_true(TIMEOUT_MS - 100, |world| is_suspected(world, id)), "seed {seed}");
        assert!(world.run_until_true(TIMEOUT_MS, |world| is_suspected(world, id)), "seed {seed}");
    }
}

/// It lives, and shows it by the connections that it opens; only its own door is shut.
#[test]
fn a_node_whose_bus_port_is_closed_but_that_comes_to_us_is_not_suspected() {
    for seed in 1..=10 {
        let mut world = cluster(seed, 3, true);
        let id = world.id(0).unwrap();
        world.network.refusing.insert(0);
        (0..40).for_each(|_| world.break_a_connection());
        assert!(!world.run_until_true(2 * TIMEOUT_MS, |world| is_suspected(world, id)), "seed {seed}");
        assert!(serves_slot_0(&world, 0));
    }
}
