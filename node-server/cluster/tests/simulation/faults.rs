//! Random faults, by seed: crashes, restarts, partitions, broken connections, slow networks. Whatever
//! happens, the invariants hold; and when the faults stop, all nodes agree again.

use rand::RngExt;
use rcl_cluster::{Command, Config, FailoverMode};

use crate::world::{World, seeds};

fn config() -> Config {
    // A replica may stand for election however old its data are: this is about agreement, not about data.
    Config { node_timeout_ms: 1_000, replica_validity_factor: 0, ..Config::default() }
}

fn one_fault(world: &mut World) {
    let count = world.machines.len();
    let (a, b) = (world.rng.random_range(0..count), world.rng.random_range(0..count));
    match world.rng.random_range(0..10) {
        0 | 1 if world.up().count() > count / 2 => world.crash(a),
        2 | 3 => {
            let down: Vec<usize> =
                (0..count).filter(|&index| world.machines[index].member.is_none()).collect();
            if let Some(&index) = down.first() {
                world.start(index);
            }
        }
        4 if a != b => world.cut_both(a, b),
        5 => {
            // One machine alone, or a minority.
            let size = world.rng.random_range(1..=count / 2);
            for inside in (0..size).map(|step| (a + step) % count) {
                for outside in (size..count).map(|step| (a + step) % count) {
                    world.cut_both(inside, outside);
                }
            }
        }
        6 => world.cut.clear(),
        7 => (0..5).for_each(|_| world.break_a_connection()),
        8 => world.longest_delay_ms = [2, 20, 200, 600][world.rng.random_range(0..4)],
        _ => {
            let modes = [FailoverMode::Graceful, FailoverMode::Force];
            let mode = modes[world.rng.random_range(0..2)];
            world.order(a, Command::Failover(mode));
        }
    }
}

/// Faults for a minute, then none; gives the world once all agree.
fn live_through(seed: u64, lying_disks: bool) -> World {
    let replicas = seed as usize % 3 + 3;
    let mut world = World::new(seed, 3 + replicas, &config());
    world.disk_ms = [1, 5, 60][seed as usize % 3];
    world.create(3);
    world.disk_lies = lying_disks;
    let end_ms = world.now_ms + 40_000;
    while world.now_ms < end_ms {
        one_fault(&mut world);
        let pause_ms = world.rng.random_range(10..2_000);
        world.run_for(pause_ms);
    }
    world.cut.clear();
    world.longest_delay_ms = 10;
    for index in 0..world.machines.len() {
        if world.machines[index].member.is_none() {
            world.start(index);
        }
    }
    world
}

#[test]
fn the_invariants_hold_and_all_agree_in_the_end() {
    let (mut fails, mut votes) = (0, 0);
    for seed in seeds(120) {
        let mut world = live_through(seed, false);
        world.checkers.assert_clean(seed);
        let agreed = world.run_until_true(120_000, |world| world.disagreement().is_none());
        if !agreed {
            for (index, machine) in world.machines.iter().enumerate() {
                machine.logs.iter().for_each(|line| eprintln!("{index}: {line}"));
                eprintln!("{}", world.machines[index].disk.as_deref().unwrap_or_default());
            }
        }
        assert!(agreed, "replay with SEED={seed}: {:?}", world.disagreement());
        world.checkers.assert_clean(seed);
        fails += world.checkers.fails_seen;
        votes += world.checkers.votes_seen;
    }
    assert!(fails > 0 && votes > 0, "the faults led to no failover at all");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = |seed| {
        let world = live_through(seed, false);
        let logs: Vec<Vec<String>> = world.machines.iter().map(|machine| machine.logs.clone()).collect();
        (world.packets, logs)
    };
    assert_eq!(run(7), run(7));
}

/// The planted fault for "one vote an epoch, also across a restart": disks that say they wrote.
#[test]
fn a_disk_that_lies_is_found_out() {
    let found = (1..=40).any(|seed| {
        let world = live_through(seed, true);
        world.checkers.violations.iter().any(|violation| violation.contains("on disk"))
    });
    assert!(found, "votes went out that no disk had, and no checker saw it");
}

/// Damaged and forged packets, on links of known peers and of strangers: nothing panics, and once they stop
/// the cluster is what it was.
#[test]
fn garbage_on_the_bus_crashes_nobody() {
    for seed in seeds(10) {
        let mut world = World::new(seed, 6, &config());
        world.create(3);
        world.keep_packets = true;
        world.run_for(3_000);
        let kept = std::mem::take(&mut world.kept);
        assert!(kept.len() > 50);
        world.keep_packets = false;
        for _ in 0..3_000 {
            let (index, link, bytes) = &kept[world.rng.random_range(0..kept.len())];
            let mut bytes = bytes.to_vec();
            // Into the header's small fields and the body more often than into the slot bitmap.
            for _ in 0..world.rng.random_range(1..6) {
                let length = bytes.len();
                let at = match world.rng.random_range(0..3) {
                    0 => world.rng.random_range(8..80),
                    1 => world.rng.random_range(2128..length),
                    _ => world.rng.random_range(0..length),
                };
                bytes[at] = world.rng.random();
            }
            if world.rng.random_range(0..4) == 0 {
                bytes.truncate(world.rng.random_range(0..bytes.len()));
            }
            world.inject(*index, *link, bytes);
        }
        world.run_for(5_000);
        assert_eq!(world.up().count(), 6);
    }
}
