//! Runs seeds on all cores: `make sim SEEDS=… NODES=… FAULTS=…`, and `make sim SEED=…` to replay one.
//!
//! | variable | means | default |
//! |---|---|---|
//! | `SEED` | this one only, with the members' logs | |
//! | `SEEDS` | how many, from 1 on; or from–to: `501-1000` | a few |
//! | `FRESH` | so many more that nobody knows yet, each printed | 0 |
//! | `NODES` | how many machines, or from–to | 5-15 |
//! | `FAULTS` | a comma list of names, see [`crate::faults`] | all |

use std::hash::{BuildHasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcl_cluster::Config;

use crate::faults::{self, Fault};
use crate::life::{self, Lot, Outcome};
use crate::world::World;

/// So many run in each `cargo test`.
const FEW: u64 = 30;
/// Of a failing seed's logs, so many of the last lines are shown.
const LOG_TAIL: usize = 120;
const PROGRESS_EVERY: usize = 500;
const NODES: (usize, usize) = (5, 15);

pub struct Failure {
    lot: Lot,
    text: String,
}

/// Lives a seed and says what was broken.
pub fn run(lot: &Lot, log_lines: usize) -> Result<Outcome, Failure> {
    let mut world = World::new(lot.seed, 0, &Config::default());
    world.tells_story = log_lines == usize::MAX;
    let outcome = catch_unwind(AssertUnwindSafe(|| life::live(&mut world, lot)));
    if outcome.is_err() {
        world.checkers.violations.push("something panicked, see above".to_owned());
    }
    match outcome {
        Ok(outcome) if world.checkers.violations.is_empty() => Ok(outcome),
        _ => {
            let log = log_tail(&world, log_lines).join("\n");
            let violations = world.checkers.violations.join("\n");
            let disks = if world.tells_story { disks(&world) } else { String::new() };
            Err(Failure { lot: lot.clone(), text: format!("{log}\n{disks}{violations}") })
        }
    }
}

fn disks(world: &World) -> String {
    let disks = world.machines.iter().enumerate().map(|(index, machine)| {
        let stored = machine.disk.stored.as_deref().unwrap_or_default();
        format!("the disk of {index}, {:?}:\n{stored}", machine.config)
    });
    disks.collect::<Vec<_>>().join("\n")
}

/// The last lines of all members, in order of time.
fn log_tail(world: &World, most: usize) -> Vec<String> {
    let lines = world.machines.iter().enumerate().flat_map(|(index, machine)| {
        machine.logs.iter().map(move |(at_ms, line)| (*at_ms, format!("{at_ms:>7} {index:>2}: {line}")))
    });
    let story = world.story.iter().map(|(at_ms, line)| (*at_ms, format!("{at_ms:>7} --: {line}")));
    let mut lines: Vec<(u64, String)> = lines.chain(story).collect();
    lines.sort_by_key(|(at_ms, _)| *at_ms);
    let skipped = lines.len().saturating_sub(most);
    lines.into_iter().skip(skipped).map(|(_, line)| line).collect()
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Lot { seed, nodes: (least, most), faults } = &self.lot;
        writeln!(f, "seed {seed} failed:\n{}", self.text)?;
        write!(f, "replay with: make sim SEED={seed} NODES={least}-{most}")?;
        if *faults != Fault::all() {
            let names: Vec<&str> = faults.iter().map(|fault| fault.name()).collect();
            write!(f, " FAULTS={}", names.join(","))?;
        }
        Ok(())
    }
}

/// What the seeds saw, added up.
#[derive(Default)]
struct Sum {
    seeds: usize,
    packets: u64,
    fails: u64,
    votes: u64,
    acknowledged: usize,
    lost: usize,
    longest_double_ms: u64,
    slowest_recovery_ms: u64,
}

impl Sum {
    fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.packets += outcome.packets;
        self.fails += outcome.fails;
        self.votes += outcome.votes;
        self.acknowledged += outcome.acknowledged;
        self.lost += outcome.lost;
        self.longest_double_ms = self.longest_double_ms.max(outcome.longest_double_ms);
        self.slowest_recovery_ms = self.slowest_recovery_ms.max(outcome.recovered_in_ms);
    }
}

impl std::fmt::Display for Sum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} seeds held: {} packets, {} FAILs, {} votes; {} writes acknowledged, {} of them lost as asynchronous \
             replication allows; a replaced master wrote on for at most {} ms; all agreed at most {} ms after the faults",
            self.seeds,
            self.packets,
            self.fails,
            self.votes,
            self.acknowledged,
            self.lost,
            self.longest_double_ms,
            self.slowest_recovery_ms
        )
    }
}

/// Runs all lots; gives those that failed.
fn run_all(lots: &[Lot], log_lines: usize) -> (Sum, Vec<Failure>) {
    let next = AtomicUsize::new(0);
    let results = Mutex::new((Sum::default(), Vec::new()));
    let work = || {
        while let Some(lot) = lots.get(next.fetch_add(1, Ordering::Relaxed)) {
            let result = run(lot, log_lines);
            let mut results = results.lock().expect("nobody panics with it");
            match result {
                Ok(outcome) => results.0.add(&outcome),
                Err(failure) => {
                    println!("{failure}");
                    results.1.push(failure);
                }
            }
            let done = results.0.seeds + results.1.len();
            if done.is_multiple_of(PROGRESS_EVERY) && done < lots.len() {
                println!("{done} of {} seeds, {} failed", lots.len(), results.1.len());
            }
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        (0..cores.min(lots.len())).for_each(|_| {
            scope.spawn(work);
        });
    });
    results.into_inner().expect("nobody panics with it")
}

#[allow(clippy::disallowed_methods, reason = "what to run is asked for by the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// `5` or `5-15`.
fn range(name: &str) -> Option<(u64, u64)> {
    let text = variable(name)?;
    let number = |text: &str| text.parse::<u64>().unwrap_or_else(|_| panic!("{name}={text} is no number"));
    let (first, last) = text.split_once('-').unwrap_or((&text, &text));
    Some((number(first), number(last)))
}

fn asked_for() -> Vec<Lot> {
    let (least, most) = range("NODES").map_or(NODES, |(least, most)| (least as usize, most as usize));
    assert!((3..=most).contains(&least), "NODES={least}-{most}: from 3 on, and in order");
    let faults = match variable("FAULTS").map(|text| faults::parse(&text)) {
        None => Fault::all(),
        Some(Ok(faults)) => faults,
        Some(Err(error)) => panic!("FAULTS: {error}"),
    };
    let seeds = match (range("SEED"), range("SEEDS")) {
        (Some((seed, _)), _) => vec![seed],
        (None, Some((count, last))) if count == last => (1..=count).collect(),
        (None, Some((first, last))) => (first..=last).collect(),
        (None, None) => (1..=FEW).collect(),
    };
    let fresh = range("FRESH").map_or(0, |(count, _)| count);
    let fresh: Vec<u64> = (0..fresh).map(|_| RandomState::new().hash_one(0) >> 24).collect();
    if !fresh.is_empty() {
        let list: Vec<String> = fresh.iter().map(u64::to_string).collect();
        println!("fresh seeds: {}", list.join(" "));
    }
    let lot = |seed| Lot { seed, nodes: (least, most), faults: faults.clone() };
    seeds.into_iter().chain(fresh).map(lot).collect()
}

#[test]
fn seeds() {
    let lots = asked_for();
    let log_lines = if lots.len() == 1 { usize::MAX } else { LOG_TAIL };
    let (sum, failures) = run_all(&lots, log_lines);
    println!("{sum}");
    if !failures.is_empty() {
        let seeds: Vec<u64> = failures.iter().map(|failure| failure.lot.seed).collect();
        panic!("{} of {} seeds failed: {seeds:?}", failures.len(), lots.len());
    }
    assert!(sum.packets > 0, "nothing was run");
}

#[test]
fn the_same_seed_gives_the_same_outputs() {
    for seed in [7, 8] {
        let lot = Lot { seed, nodes: NODES, faults: Fault::all() };
        let hash = || run(&lot, LOG_TAIL).map(|outcome| outcome.hash).map_err(|failure| failure.text);
        assert_eq!(hash(), hash());
    }
    let lot = |seed| Lot { seed, nodes: NODES, faults: Fault::all() };
    let other = |seed| run(&lot(seed), LOG_TAIL).map(|outcome| outcome.hash).map_err(|failure| failure.text);
    assert_ne!(other(7), other(8));
}
