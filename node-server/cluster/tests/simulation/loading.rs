//! Masters that come back and load their data: waited for, then replaced, and never taken for dead.

use rcl_cluster::{ClusterState, Config, SlotOwner};
use rcl_proto::Slot;
use rcl_proto::nodes_text::NodeFlags;

use crate::world::World;

const TIMEOUT_MS: u64 = 2_000;

/// Masters 0, 1, 2 with the replicas 3, 4, 5.
fn cluster(seed: u64) -> World {
    let config = Config { node_timeout_ms: TIMEOUT_MS, ..Config::default() };
    let mut world = World::new(seed, 6, &config);
    world.create(3);
    world.run_for(3_000);
    world
}

/// Master 0 is killed, and is back in a moment; but its data are not.
fn comes_back_and_loads(world: &mut World) {
    world.crash(0);
    world.run_for(100);
    world.start(0);
    world.load(0, true);
}

fn owns_slot_0(world: &World, index: usize) -> bool {
    world.machines[index].map.as_ref().is_some_and(|map| map.owner(Slot::MIN) == SlotOwner::Myself)
}

fn serves_slot_0(world: &World, index: usize) -> bool {
    owns_slot_0(world, index)
        && world.machines[index].map.as_ref().is_some_and(|map| map.state == ClusterState::Ok)
}

/// Somebody suspects master 0, or finds that the cluster does not serve.
fn is_disturbed(world: &World) -> bool {
    let id = world.id(0);
    (1..6).filter_map(|index| world.machines[index].map.as_ref()).any(|map| {
        let is_failing =
            |flags: NodeFlags| flags.contains(NodeFlags::PFAIL) || flags.contains(NodeFlags::FAIL);
        let suspected = map.nodes.iter().any(|node| Some(node.id) == id && is_failing(node.flags));
        suspected || map.state != ClusterState::Ok
    })
}

#[test]
fn a_master_whose_load_takes_long_is_replaced_after_the_node_timeout_without_an_outage() {
    for seed in 1..=20 {
        let mut world = cluster(seed);
        comes_back_and_loads(&mut world);
        assert!(!world.run_until_true(TIMEOUT_MS - 10, |world| is_disturbed(world) || owns_slot_0(world, 3)));
        let replaced = |world: &World| serves_slot_0(world, 3);
        assert!(world.run_until_true(1_000, replaced), "seed {seed}: nobody took over");
        let follows = |world: &World| world.machines[0].following == world.id(3);
        assert!(!world.run_until_true(5_000, is_disturbed), "seed {seed}");
        assert!(follows(&world), "seed {seed}: the old master must follow");
        world.load(0, false);
        assert!(!world.run_until_true(5_000, is_disturbed), "seed {seed}");
        world.checkers.assert_clean(seed);
    }
}

#[test]
fn a_master_that_has_loaded_within_the_node_timeout_stays_what_it_is() {
    for seed in 1..=20 {
        let mut world = cluster(seed);
        comes_back_and_loads(&mut world);
        world.run_for(TIMEOUT_MS - 200);
        world.load(0, false);
        assert!(world.run_until_true(TIMEOUT_MS, |world| serves_slot_0(world, 0)), "seed {seed}");
        assert!(!world.run_until_true(10_000, |world| is_disturbed(world) || owns_slot_0(world, 3)));
    }
}

#[test]
fn a_master_that_nobody_could_replace_is_alive_however_long_it_loads() {
    let mut world = cluster(1);
    world.crash(3);
    world.run_for(3 * TIMEOUT_MS);
    comes_back_and_loads(&mut world);
    assert!(!world.run_until_true(20 * TIMEOUT_MS, is_disturbed));
    world.load(0, false);
    world.run_for(100);
    assert!(serves_slot_0(&world, 0));
}

/// Redis's replicas don't take the request; so they must find their master failed.
#[test]
fn a_master_with_a_replica_of_redis_is_silent_when_its_load_takes_long() {
    for seed in 1..=20 {
        let mut world = cluster(seed);
        world.disguised.insert(3);
        world.run_for(TIMEOUT_MS);
        comes_back_and_loads(&mut world);
        assert!(!world.run_until_true(TIMEOUT_MS, is_disturbed), "seed {seed}");
        let replaced = |world: &World| serves_slot_0(world, 3);
        assert!(world.run_until_true(3 * TIMEOUT_MS, replaced), "seed {seed}");
        let follows = |world: &World| world.machines[0].following == world.id(3);
        assert!(world.run_until_true(1_000, follows), "seed {seed}");
        let agreed = |world: &World| world.disagreement().is_none();
        assert!(world.run_until_true(2 * TIMEOUT_MS, agreed), "{:?}", world.disagreement());
        world.checkers.assert_clean(seed);
    }
}

/// It was silent, or asked to be replaced: so it may have been, and first has to hear of it.
#[test]
fn a_master_that_gave_way_and_was_not_replaced_waits_before_it_serves() {
    for disguised in [false, true] {
        let mut world = cluster(1);
        if disguised {
            world.disguised.insert(3);
        }
        world.run_for(TIMEOUT_MS);
        // Its replica can't get the votes.
        [1, 2].into_iter().for_each(|other| world.network.cut_both(3, other));
        comes_back_and_loads(&mut world);
        world.run_for(TIMEOUT_MS + 300);
        assert_eq!(world.machines[0].following, None);
        assert!(!serves_slot_0(&world, 0));
        world.load(0, false);
        assert!(!world.run_until_true(TIMEOUT_MS - 100, |world| serves_slot_0(world, 0)));
        assert!(world.run_until_true(TIMEOUT_MS, |world| serves_slot_0(world, 0)));
    }
}

/// Even where data count as good however old they are: it has none.
#[test]
fn a_replica_that_loads_does_not_stand_for_election() {
    let mut world = cluster(1);
    world.configure(3, |config| config.replica_validity_factor = 0);
    world.crash(3);
    world.start(3);
    world.load(3, true);
    world.run_for(1_000);
    world.crash(0);
    assert!(!world.run_until_true(10 * TIMEOUT_MS, |world| owns_slot_0(world, 3)));
    world.load(3, false);
    assert!(world.run_until_true(3 * TIMEOUT_MS, |world| owns_slot_0(world, 3)));
}
