//! What operators do at the wrong time: each command as it may be given, with nobody looking at the answer.

use rand::RngExt;
use rcl_cluster::{Command, FailoverMode, SetSlot};

use super::Fault;
use crate::world::{World, range};

pub fn act(world: &mut World, kind: Fault) {
    let count = world.machines.len();
    let (a, b) = (world.rng.random_range(0..count), world.rng.random_range(0..count));
    match kind {
        Fault::Failover => failover(world, FailoverMode::Graceful),
        Fault::Force => failover(world, FailoverMode::Force),
        Fault::Takeover => failover(world, FailoverMode::Takeover),
        Fault::Meet => meet(world, a, b),
        Fault::Forget => forget(world, a, b),
        Fault::SetSlot => move_a_slot(world, a, b),
        Fault::Slots => {
            let first = world.rng.random_range(0..16_384);
            let last = (first + world.rng.random_range(0..200)).min(16_383);
            let ranges = vec![range(first, last)];
            let add: bool = world.rng.random();
            world.order(a, if add { Command::AddSlots(ranges) } else { Command::DelSlots(ranges) });
        }
        Fault::Replicate => {
            if let Some(node) = name(world, b) {
                let keyspace_empty = world.keyspace_is_empty(a);
                world.order(a, Command::Replicate { node, keyspace_empty });
            }
        }
        Fault::BumpEpoch => {
            world.order(a, Command::BumpEpoch);
        }
        Fault::ResetSoft | Fault::ResetHard => {
            let keyspace_empty = world.keyspace_is_empty(a);
            world.order(a, Command::Reset { hard: kind == Fault::ResetHard, keyspace_empty });
        }
        other => unreachable!("{other:?} is no command"),
    }
}

pub fn name(world: &World, index: usize) -> Option<Vec<u8>> {
    world.id(index).map(|id| id.to_string().into_bytes())
}

fn failover(world: &mut World, mode: FailoverMode) {
    let replicas: Vec<usize> =
        world.up().filter(|&index| world.machines[index].following.is_some()).collect();
    if !replicas.is_empty() {
        let index = replicas[world.rng.random_range(0..replicas.len())];
        world.order(index, Command::Failover(mode));
    }
}

fn meet(world: &mut World, a: usize, b: usize) {
    let command = match world.rng.random_range(0..4) {
        0 => Command::Meet { ip: "10.7.7.7".to_owned(), port: 7000, bus_port: None },
        _ => world.meet(b),
    };
    world.order(a, command);
}

/// On one node, or on all as it should be.
fn forget(world: &mut World, a: usize, b: usize) {
    let Some(node) = name(world, b) else { return };
    let everywhere: bool = world.rng.random();
    let those: Vec<usize> = world.up().filter(|&index| everywhere || index == a).collect();
    for index in those {
        world.order(index, Command::Forget { node: node.clone() });
    }
}

/// As resharding tools do it; or it ends after any of the steps.
fn move_a_slot(world: &mut World, a: usize, b: usize) {
    let hot = world.draw_hot_slot(a);
    let any = |world: &World| world.machines[a].map.as_ref().and_then(|map| map.my_slots().iter().next());
    let slot = hot.or_else(|| any(world));
    let (Some(slot), Some(source), Some(target)) = (slot, name(world, a), name(world, b)) else { return };
    let steps = if world.rng.random() { 5 } else { world.rng.random_range(1..5) };
    for step in 0..steps {
        match step {
            0 => _ = world.set_slot(b, slot, SetSlot::Importing(source.clone())),
            1 => _ = world.set_slot(a, slot, SetSlot::Migrating(target.clone())),
            2 => world.migrate_keys(slot, a, b),
            3 => _ = world.set_slot(b, slot, SetSlot::Node(target.clone())),
            _ => _ = world.set_slot(a, slot, SetSlot::Node(target.clone())),
        }
        let pause_ms = world.rng.random_range(1..60);
        world.run_for(pause_ms);
    }
}
