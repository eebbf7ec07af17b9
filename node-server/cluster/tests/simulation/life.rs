//! The life of one seed: a cluster is made, faults strike it for a while, then they stop; and then, in bounded time, all
//! is as it should be.

use rand::RngExt;
use rcl_cluster::Config;

use crate::faults::{Fault, Faults, LONGEST_FREEZE_MS};
use crate::hash::OutputHash;
use crate::repair;
use crate::world::World;

/// How long faults strike, and how long the cluster may take to agree after that.
const TROUBLED_MS: u64 = 30_000;
const RECOVERY_MS: u64 = 120_000;
/// How often agreement is looked for, and how long it must last.
const STEP_MS: u64 = 500;
const STAYS_MS: u64 = 2_000;

/// What a clock that is slow by five per mille makes of two node timeouts, and what being set back now and then does.
const CLOCK_DRIFT_MS: u64 = 60;
const CLOCK_JUMPS_MS: u64 = 1_000;

/// What is drawn for a seed.
#[derive(Clone, Debug)]
pub struct Lot {
    pub seed: u64,
    /// The least and the most machines.
    pub nodes: (usize, usize),
    pub faults: Vec<Fault>,
}

/// What came of it, but for violations.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    pub hash: OutputHash,
    pub packets: u64,
    pub fails: u64,
    pub votes: u64,
    pub acknowledged: usize,
    pub lost: usize,
    /// The longest that two masters wrote to one slot.
    pub longest_double_ms: u64,
    /// How long it took until all agreed again.
    pub recovered_in_ms: u64,
}

/// A whole life; what was broken is in the world's checkers then.
pub fn live(world: &mut World, lot: &Lot) -> Outcome {
    live_with(world, lot, |_| {})
}

/// The same, in a world that is prepared once its cluster is made.
pub fn live_with(world: &mut World, lot: &Lot, prepare: impl FnOnce(&mut World)) -> Outcome {
    make(world, lot);
    prepare(world);
    let mut faults = trouble(world, lot);
    faults.take_back(world);
    let recovered_in_ms = recover(world, &faults);
    let (lost, faults) = world.checkers.lost_writes.judge(&world.ledger, world.held_by_owners());
    world.checkers.violations.extend(faults);
    Outcome {
        hash: world.hash,
        packets: world.packets,
        fails: world.checkers.fails_seen(),
        votes: world.checkers.votes_seen(),
        acknowledged: world.ledger.writes.len(),
        lost,
        longest_double_ms: world.checkers.lost_writes.longest_ms,
        recovered_in_ms,
    }
}

/// A replica may stand for election however old its data are, or not.
fn draw_config(world: &mut World) -> Config {
    let mut draw = |choices: [u64; 3]| choices[world.rng.random_range(0..3)];
    Config {
        node_timeout_ms: draw([1_000, 2_000, 5_000]),
        replica_validity_factor: draw([0, 1, 10]),
        fast_suspicion: draw([0, 1, 1]) == 1,
        require_full_coverage: draw([0, 1, 1]) == 1,
        ..Config::default()
    }
}

fn make(world: &mut World, lot: &Lot) {
    let count = world.rng.random_range(lot.nodes.0..=lot.nodes.1);
    let config = draw_config(world);
    world.checkers.set_node_timeout(config.node_timeout_ms);
    (0..count).for_each(|_| world.add_machine(&config));
    let masters = world.rng.random_range(3..=(count / 2).max(3));
    world.note(|_| format!("{masters} masters of {count}"));
    world.create(masters.min(count));
}

/// Lets faults strike.
fn trouble(world: &mut World, lot: &Lot) -> Faults {
    world.checkers.due.is_on = true;
    let mut faults = Faults::draw(world, &lot.faults);
    if faults.has(Fault::Slow) {
        world.checkers.lost_writes.bound_ms += LONGEST_FREEZE_MS;
    }
    let drift_ms = if faults.has(Fault::Drift) { CLOCK_DRIFT_MS } else { 0 };
    let jump_ms = if faults.has(Fault::Jump) { CLOCK_JUMPS_MS } else { 0 };
    world.checkers.allow_for_clocks(drift_ms + jump_ms);
    world.note(|_| format!("{:?}", faults.kinds));
    world.checkers.without_consensus(faults.kinds.iter().any(|kind| kind.is_without_consensus()));
    let end_ms = world.now_ms + TROUBLED_MS;
    while world.now_ms < end_ms {
        faults.strike(world);
        faults.relent(world);
        world.machines.iter_mut().for_each(|machine| machine.replies.clear());
        world.note_who_is_ill();
        let pause_ms = world.rng.random_range(10..1_500);
        world.run_for(pause_ms);
        world.note_who_is_ill();
    }
    faults
}

/// Runs until all agree and go on to agree; an operator helps where operators did damage.
fn recover(world: &mut World, faults: &Faults) -> u64 {
    let needs_repair = faults.kinds.iter().any(|kind| kind.needs_repair());
    let start_ms = world.now_ms;
    loop {
        let took_ms = world.now_ms - start_ms;
        let Some(why) = world.full_disagreement() else {
            world.run_for(STAYS_MS);
            match world.full_disagreement() {
                None => return took_ms,
                Some(_) => continue,
            }
        };
        if took_ms > RECOVERY_MS {
            world.checkers.violations.push(format!("no agreement after {took_ms} ms: {why}"));
            return took_ms;
        }
        if needs_repair {
            repair::help(world);
        }
        world.run_for(STEP_MS);
    }
}
