//! Faults of the network.

use rand::RngExt;

use super::Fault;
use crate::network::Delay;
use crate::world::World;

pub fn strike(world: &mut World, kind: Fault) {
    let count = world.machines.len();
    let (a, b) = (world.rng.random_range(0..count), world.rng.random_range(0..count));
    match kind {
        Fault::Loss => world.network.loss = [0, 5, 30, 100][world.rng.random_range(0..4)],
        Fault::Delay => {
            let most_ms = [2, 20, 80, 200, 600][world.rng.random_range(0..5)];
            world.network.delay = match world.rng.random_range(0..3) {
                0 => Delay::Constant(most_ms / 2),
                1 => Delay::Uniform(most_ms),
                _ => Delay::HeavyTail(most_ms * 4),
            };
        }
        Fault::Reorder => {
            world.network.skew_ms = [0, 50, 400][world.rng.random_range(0..3)];
            (0..count).for_each(|_| world.break_a_connection());
        }
        Fault::Duplicates => world.network.duplicates = [0, 20, 200][world.rng.random_range(0..3)],
        Fault::Break => (0..5).for_each(|_| world.break_a_connection()),
        Fault::Partition => {
            partition(world, |world, inside, outside| world.network.cut_both(inside, outside))
        }
        Fault::OneWay => {
            let outwards: bool = world.rng.random();
            partition(world, |world, inside, outside| {
                world.network.cut.insert(if outwards { (inside, outside) } else { (outside, inside) });
            });
        }
        Fault::Flapping => flap(world, a),
        Fault::Reset => partition(world, reset_pair),
        Fault::Refuse => {
            world.network.refusing.insert(a);
            if a != b {
                world.reset_connections(a, b);
            }
        }
        Fault::FullQueue => {
            world.network.full.insert(a);
            if a != b {
                world.reset_connections(a, b);
            }
        }
        other => unreachable!("{other:?} is no fault of the network"),
    }
}

/// A firewall between two machines begins to reset.
pub fn reset_pair(world: &mut World, a: usize, b: usize) {
    world.network.reset.insert((a, b));
    world.network.reset.insert((b, a));
    world.reset_connections(a, b);
}

/// Two machines, one machine and the rest, or a minority and the rest.
fn partition(world: &mut World, mut part: impl FnMut(&mut World, usize, usize)) {
    let count = world.machines.len();
    let start = world.rng.random_range(0..count);
    let at = |step: usize| (start + step) % count;
    let inside = match world.rng.random_range(0..3) {
        0 => return part(world, start, at(1)),
        1 => 1,
        _ => world.rng.random_range(1..=count / 2),
    };
    for one in (0..inside).map(at) {
        for other in (inside..count).map(at) {
            part(world, one, other);
        }
    }
}

fn flap(world: &mut World, machine: usize) {
    let others: Vec<usize> = (0..world.machines.len()).filter(|&other| other != machine).collect();
    for _ in 0..world.rng.random_range(2..6) {
        others.iter().for_each(|&other| world.network.cut_both(machine, other));
        let off_ms = world.rng.random_range(20..900);
        world.run_for(off_ms);
        for &other in &others {
            world.network.cut.remove(&(machine, other));
            world.network.cut.remove(&(other, machine));
        }
        world.checkers.due.is_ill(machine, world.now_ms);
        let on_ms = world.rng.random_range(20..900);
        world.run_for(on_ms);
    }
}

pub fn take_back(world: &mut World) {
    let network = &mut world.network;
    network.cut.clear();
    network.reset.clear();
    network.refusing.clear();
    network.full.clear();
    network.delay = Delay::Uniform(10);
    (network.loss, network.duplicates, network.skew_ms) = (0, 0, 0);
}
