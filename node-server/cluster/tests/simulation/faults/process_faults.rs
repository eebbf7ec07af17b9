//! Faults of processes, their hosts, clocks and disks; and of a member that lies.

use rand::RngExt;

use super::{Fault, Faults};
use crate::world::World;

const MOST_DRIFT_PPM: i64 = 5_000;
pub const LONGEST_FREEZE_MS: u64 = 4_000;

pub fn strike(faults: &mut Faults, world: &mut World, kind: Fault) {
    let count = world.machines.len();
    let a = world.rng.random_range(0..count);
    let enough = world.up().count() > count / 2;
    match kind {
        Fault::Crash if enough => world.end(a, false),
        Fault::FlushedCrash if enough => world.end(a, true),
        Fault::Unplug if enough => world.unplug(a),
        Fault::NewAddress if world.machines[a].is_up() && enough => {
            world.end(a, false);
            let down_ms = world.rng.random_range(1..500);
            world.run_for(down_ms);
            restart(faults, world, a);
        }
        Fault::Slow => {
            let most_ms = [30, 300, 300, LONGEST_FREEZE_MS][world.rng.random_range(0..4)];
            let for_ms = world.rng.random_range(1..=most_ms);
            world.freeze(a, for_ms);
        }
        Fault::Drift => {
            let by_ppm = world.rng.random_range(-MOST_DRIFT_PPM..=MOST_DRIFT_PPM);
            world.machines[a].clock.run_fast(world.now_ms, by_ppm);
            world.wake_anew(a);
        }
        Fault::Jump => {
            let by_ms = world.rng.random_range(-500..=2_000);
            world.machines[a].clock.jump(world.now_ms, by_ms);
            world.checkers.due.is_ill(a, world.now_ms);
            world.wake_anew(a);
        }
        Fault::DiskFull => world.machines[a].disk.is_full = true,
        Fault::DiskSlow => world.disk_ms = [1, 60, 400][world.rng.random_range(0..3)],
        Fault::Liar => world.liar = Some(a),
        _ => {}
    }
}

/// With the fault "new address", it may be somewhere else then.
pub fn restart(faults: &mut Faults, world: &mut World, index: usize) {
    if faults.has(Fault::NewAddress) && world.rng.random_range(0..3) == 0 {
        let port = world.machines[index].config.port;
        let ip = world.machines[index].ip.clone();
        let other = world.rng.random_range(0..world.machines.len());
        match world.rng.random_range(0..3) {
            0 => world.move_to(index, ip, port % 7_900 + 1),
            1 if other != index && !world.machines[other].is_up() => {
                // They change places.
                let (other_ip, other_port) =
                    (world.machines[other].ip.clone(), world.machines[other].config.port);
                world.move_to(index, other_ip, other_port);
                world.move_to(other, ip, port);
            }
            _ => {
                let ip = faults.fresh_ip();
                world.move_to(index, ip, port);
            }
        }
    }
    world.checkers.due.is_ill(index, world.now_ms);
    world.start(index);
}

pub fn take_back(world: &mut World) {
    world.liar = None;
    world.disk_ms = 5;
    world.machines.iter_mut().for_each(|machine| machine.disk.is_full = false);
}
