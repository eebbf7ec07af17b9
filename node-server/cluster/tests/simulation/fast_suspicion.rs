//! `cluster-fast-suspicion`: what it must not do, beside [`crate::refusals`]. A restart within the grace, a firewall that
//! resets for a moment or towards few, and a node that gossips lies are no failovers; and clients are not let write to two
//! masters for longer than without it.

use rcl_cluster::Config;

use crate::faults::reset_pair;
use crate::world::World;

const TIMEOUT_MS: u64 = 5_000;
/// A tenth of the timeout.
const GRACE_MS: u64 = 500;

fn cluster(seed: u64, fast_suspicion: bool) -> World {
    let config = Config { node_timeout_ms: TIMEOUT_MS, fast_suspicion, ..Config::default() };
    let mut world = World::new(seed, 6, &config);
    world.create(3);
    world.run_for(3_000);
    world
}

/// Nobody found that anybody failed, and the first three are the masters still.
fn assert_no_failover(world: &mut World, seed: u64) {
    assert_eq!(world.checkers.fails_seen(), 0, "seed {seed}");
    assert_eq!(world.full_disagreement(), None, "seed {seed}");
    assert!((0..3).all(|master| world.machines[master].following.is_none()), "seed {seed}");
    world.checkers.assert_clean(seed);
}

#[test]
fn a_restart_within_the_grace_is_no_failover() {
    for seed in 1..=10 {
        let mut world = cluster(seed, true);
        world.liar = [None, Some(1), Some(4)][seed as usize % 3];
        for index in [0, 3, 0, 1] {
            world.crash(index);
            world.run_for(GRACE_MS - 20);
            world.start(index);
            world.run_for(2_500);
        }
        world.liar = None;
        world.run_for(3 * TIMEOUT_MS);
        assert_no_failover(&mut world, seed);
    }
}

#[test]
fn a_firewall_that_resets_for_a_moment_or_towards_a_minority_is_no_failover() {
    for seed in 1..=10 {
        for (others, for_ms) in [(1..6, GRACE_MS - 20), (1..2, 3 * TIMEOUT_MS), (3..6, 3 * TIMEOUT_MS)] {
            let mut world = cluster(seed, true);
            others.clone().for_each(|other| reset_pair(&mut world, 0, other));
            world.run_for(for_ms);
            world.network.reset.clear();
            world.run_for(3 * TIMEOUT_MS);
            assert_no_failover(&mut world, seed);
        }
    }
}

#[test]
fn lies_are_no_failover() {
    for seed in 1..=10 {
        let mut world = cluster(seed, true);
        world.liar = Some(seed as usize % 6);
        world.run_for(10 * TIMEOUT_MS);
        world.liar = None;
        world.run_for(3 * TIMEOUT_MS);
        assert_no_failover(&mut world, seed);
    }
}

/// A firewall cuts a master off from the other masters and its replica. How long it goes on to write after it was cut
/// off, and after it was replaced.
fn cut_off(seed: u64, fast_suspicion: bool, resets: bool) -> (u64, u64) {
    let mut world = cluster(seed, fast_suspicion);
    let cut_ms = world.now_ms;
    for other in 1..6 {
        match resets {
            true => reset_pair(&mut world, 0, other),
            false => world.network.cut_both(0, other),
        }
    }
    assert!(world.run_until_true(20_000, |world| world.machines[3].following.is_none()), "seed {seed}");
    world.run_for(2 * TIMEOUT_MS);
    let last = world.ledger.writes.iter().rev().find(|write| write.machine == 0).map(|write| write.at_ms);
    let wrote_for_ms = last.unwrap_or_default().saturating_sub(cut_ms);
    let both_ms = world.checkers.lost_writes.longest_ms;
    world.network.reset.clear();
    world.network.cut.clear();
    assert!(world.run_until_true(30_000, |world| world.disagreement().is_none()), "seed {seed}");
    world.run_for(1_000);
    let (_, faults) = world.checkers.lost_writes.judge(&world.ledger, world.held_by_owners());
    assert!(faults.is_empty(), "seed {seed}: {faults:?}");
    world.checkers.assert_clean(seed);
    (wrote_for_ms, both_ms)
}

#[test]
fn a_master_that_the_majority_refuses_stops_writing_within_the_grace() {
    let longest = |fast_suspicion: bool, resets: bool| {
        let runs = (1..=8).map(|seed| cut_off(seed, fast_suspicion, resets));
        runs.fold((0, 0), |most, run| (most.0.max(run.0), most.1.max(run.1)))
    };
    let (fast_ms, fast_both_ms) = longest(true, true);
    let (slow_ms, slow_both_ms) = longest(false, true);
    println!(
        "refused: wrote on for {fast_ms} ms ({slow_ms} without), {fast_both_ms} ({slow_both_ms}) as one of two"
    );
    // The grace, and the next periodic run.
    assert!(fast_ms <= GRACE_MS + 250, "it wrote on for {fast_ms} ms");
    assert!(
        fast_both_ms <= slow_both_ms.max(100),
        "two masters for {fast_both_ms} ms, {slow_both_ms} without"
    );
    assert!(fast_ms < slow_ms);
    // And in silence nothing is different.
    let (_, fast_both_ms) = longest(true, false);
    let (_, slow_both_ms) = longest(false, false);
    println!("cut off: {fast_both_ms} ms as one of two ({slow_both_ms} without)");
    assert!(fast_both_ms <= slow_both_ms + 250);
}
