//! Planned operations under writes: nothing goes wrong but what operators order, and not one acknowledged write is lost.

use rand::RngExt;
use rcl_cluster::{Command, Config, FailoverMode, Reply, SetSlot};
use rcl_proto::Slot;

use crate::data::{HOT_SLOTS, hot_slot};
use crate::faults::operators::name;
use crate::world::World;

/// As a resharding tool does it, each step acknowledged before the next.
fn move_slot(world: &mut World, slot: Slot, from: usize, to: usize) {
    let (source, target) = (name(world, from).unwrap(), name(world, to).unwrap());
    let set = |world: &mut World, index: usize, what: SetSlot| {
        let token = world.set_slot(index, slot, what);
        assert_eq!(world.answer(index, token), Reply::Ok);
    };
    set(world, to, SetSlot::Importing(source));
    set(world, from, SetSlot::Migrating(target.clone()));
    let pause_ms = world.rng.random_range(1..50);
    world.run_for(pause_ms);
    world.migrate_keys(slot, from, to);
    set(world, to, SetSlot::Node(target.clone()));
    set(world, from, SetSlot::Node(target));
}

#[test]
fn planned_operations_lose_nothing() {
    let mut moved = 0;
    for seed in 1..=15 {
        let mut world = World::new(seed, 8, &Config { node_timeout_ms: 2_000, ..Config::default() });
        world.create(4);
        world.client_period_ms = 2;
        let mut promoted = None;
        for _ in 0..12 {
            // Who moves slots waits until the failover before is through; if it is not, there is no move now.
            let is_through = |world: &World| {
                let leads = |replica: usize| world.machines[replica].following.is_none();
                promoted.is_none_or(leads) && world.disagreement().is_none()
            };
            let moves = world.rng.random() && world.run_until_true(5_000, is_through);
            let masters: Vec<usize> =
                world.up().filter(|&index| world.machines[index].following.is_none()).collect();
            let (from, to) = (
                masters[world.rng.random_range(0..masters.len())],
                masters[world.rng.random_range(0..masters.len())],
            );
            if moves && from != to {
                let owned = |slot: &Slot| {
                    world.machines[from].map.as_ref().is_some_and(|map| map.my_slots().contains(*slot))
                };
                let hot: Vec<Slot> = (0..HOT_SLOTS).map(hot_slot).filter(owned).collect();
                if !hot.is_empty() {
                    let slot = hot[world.rng.random_range(0..hot.len())];
                    move_slot(&mut world, slot, from, to);
                    moved += 1;
                }
            } else {
                let replica = world.up().find(|&index| world.machines[index].following == world.id(from));
                if let Some(replica) = replica {
                    world.command(replica, Command::Failover(FailoverMode::Graceful));
                    promoted = Some(replica);
                }
            }
            let pause_ms = world.rng.random_range(1..800);
            world.run_for(pause_ms);
        }
        assert!(world.run_until_true(30_000, |world| world.disagreement().is_none()), "seed {seed}");
        world.run_for(500);
        let (lost, faults) = world.checkers.lost_writes.judge(&world.ledger, world.held_by_owners());
        assert_eq!((lost, faults), (0, Vec::new()), "seed {seed}");
        world.checkers.assert_clean(seed);
    }
    assert!(moved > 30, "only {moved} slots moved");
}

/// The source of a move hands its place to its replica just when the target is made the owner. The keys are there already,
/// and the replica asks for votes without having heard of it; both make an epoch, and it may be the same one.
#[test]
fn a_source_that_is_failed_over_while_the_target_takes_over_loses_nothing() {
    let mut took_over = 0;
    for seed in 1..=60 {
        let mut world = World::new(seed, 6, &Config { node_timeout_ms: 2_000, ..Config::default() });
        world.create(3);
        world.checkers.without_consensus(true);
        world.client_period_ms = 2;
        world.run_for(1_000);
        let (slot, asked) = (hot_slot(0), world.checkers.last_election(3));
        let (source, target) = (name(&world, 0).unwrap(), name(&world, 1).unwrap());
        let set = |world: &mut World, index: usize, what: SetSlot| {
            let token = world.set_slot(index, slot, what);
            assert_eq!(world.answer(index, token), Reply::Ok);
        };
        set(&mut world, 1, SetSlot::Importing(source));
        set(&mut world, 0, SetSlot::Migrating(target.clone()));
        world.migrate_keys(slot, 0, 1);
        world.order(3, Command::Failover(FailoverMode::Graceful));
        while world.checkers.last_election(3) == asked {
            world.run_for(1);
        }
        let pause_ms = world.rng.random_range(0..4);
        world.run_for(pause_ms);
        set(&mut world, 1, SetSlot::Node(target));
        // Voters that know of the new owner refuse who does not: then it stays as it was.
        world.run_for(6_000);
        let agreed = world.run_until_true(30_000, |world| world.disagreement().is_none());
        assert!(agreed, "seed {seed}: {:?}", world.disagreement());
        took_over += usize::from(world.machines[3].following.is_none());
        let (lost, _) = world.checkers.lost_writes.judge(&world.ledger, world.held_by_owners());
        let owns = world.machines[1].map.as_ref().is_some_and(|map| map.my_slots().contains(slot));
        assert_eq!((lost, owns), (0, true), "seed {seed}");
        world.checkers.assert_clean(seed);
    }
    assert!(took_over > 20, "the replica took over {took_over} times");
}
