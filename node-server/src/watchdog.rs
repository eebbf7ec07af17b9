//! The watchdog: says when the data plane itself is stuck.
//!
//! It looks at each worker thread, at the control thread, and at each shard's lock several times within
//! `watchdog-period` (0: never). Who has not come back to its loop, or has been locked by the same holder, for that
//! long is stalled: the log says who and with which command, INFO stats how often and for how long.
//!
//! - A thread counts its turns in a [`Pulse`]: odd while it is at work. So it reads no clock and shares no cache line with
//!   another thread; the watchdog measures how long it has seen the same odd number.
//! - A shard counts how often it was taken ([`crate::shard::Shards::hold`]); locked with the same count is held by the same.
//!
//! Where the threads are that it told of, their stacks, is told too, more seldom.
//!
//! A stall is the clients' trouble, not the cluster's: the control thread answers the bus meanwhile.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use std::{io, thread};

use crate::clock;
use crate::command::{self, CommandSpec};
use crate::crash;
use crate::node::Node;
use crate::stats::Counter;

/// Lines in the log about new stalls of threads, and those about locks, are at least so far apart.
const TOLD_EVERY_MS: u64 = 5_000;
/// And stacks: to name their functions takes a processor for a while.
const STACKS_TOLD_EVERY_MS: u64 = 60_000;
/// How often it is looked within a period, and the bounds of the time between two looks.
const LOOKS_A_PERIOD: u64 = 5;
const LOOK_EVERY_MS: std::ops::RangeInclusive<u64> = 10..=1_000;

/// A thread's sign of life.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Pulse {
    /// Odd during a turn.
    turns: AtomicU64,
    /// The address of the command that runs, or ran last in this turn; 0 for none.
    command: AtomicUsize,
}

impl Pulse {
    // Only the thread itself writes.

    pub fn begin_turn(&self) {
        self.command.store(0, Ordering::Relaxed);
        self.turns.store(self.turns.load(Ordering::Relaxed) | 1, Ordering::Relaxed);
    }

    pub fn end_turn(&self) {
        self.turns.store((self.turns.load(Ordering::Relaxed) | 1) + 1, Ordering::Relaxed);
    }

    pub fn runs(&self, spec: &'static CommandSpec) {
        self.command.store(std::ptr::from_ref(spec).addr(), Ordering::Relaxed);
    }

    /// The number of the turn that is going on.
    fn turn(&self) -> Option<u64> {
        Some(self.turns.load(Ordering::Relaxed)).filter(|turns| turns % 2 == 1)
    }

    /// The name of the command, as `get` or `client|list`.
    fn command(&self) -> Option<String> {
        let address = self.command.load(Ordering::Relaxed);
        let is_it = |spec: &CommandSpec| std::ptr::from_ref(spec).addr() == address;
        let name = |spec: &'static CommandSpec| match spec.subcommands.iter().find(|sub| is_it(sub)) {
            Some(sub) => Some(format!("{}|{}", spec.name, sub.name)),
            None => is_it(spec).then(|| spec.name.to_owned()),
        };
        command::all().find_map(name)
    }
}

/// Whom it watches, and what it saw.
#[derive(Debug, Default)]
pub struct Watchdog {
    threads: Mutex<Vec<(String, Arc<Pulse>)>>,
    /// How many stalls there were.
    pub stalls: Counter,
    pub longest_stall_ms: Counter,
    /// The longest of those that last; 0 when there is none.
    pub current_stall_ms: Counter,
}

impl Watchdog {
    /// A thread of this name is to be watched from now on.
    pub fn watch(&self, name: &str) -> Arc<Pulse> {
        let pulse = Arc::new(Pulse::default());
        self.lock_threads().push((name.to_owned(), pulse.clone()));
        pulse
    }

    /// The threads that are in a turn now, with the command that each runs, or ran last.
    pub fn at_work(&self) -> Vec<(String, Option<String>)> {
        let threads = self.lock_threads();
        let at_work = threads.iter().filter(|(_, pulse)| pulse.turn().is_some());
        at_work.map(|(name, pulse)| (name.clone(), pulse.command())).collect()
    }

    /// CONFIG RESETSTAT.
    pub fn reset(&self) {
        self.stalls.set(0);
        self.longest_stall_ms.set(0);
    }

    fn lock_threads(&self) -> MutexGuard<'_, Vec<(String, Arc<Pulse>)>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts the thread that looks. It ends with the node.
pub fn start(node: &Arc<Node>) -> io::Result<()> {
    let node = Arc::downgrade(node);
    thread::Builder::new().name("watchdog".to_owned()).spawn(move || {
        clock::measure_counter();
        watch(&node);
    })?;
    Ok(())
}

fn watch(node: &Weak<Node>) {
    let started = clock::monotonic();
    let mut sightings = Sightings::default();
    loop {
        let Some(node) = node.upgrade() else { return };
        let period_ms = node.settings().watchdog_period_ms;
        let now_ms = started.elapsed().as_millis() as u64;
        if period_ms == 0 {
            sightings = Sightings::default();
            node.watchdog.current_stall_ms.set(0);
        } else {
            let told = look(&node, &mut sightings, now_ms, period_ms);
            tell_stacks(&told, &mut sightings.stacks_told_ms, now_ms);
        }
        drop(node);
        let between_ms = if period_ms == 0 { *LOOK_EVERY_MS.end() } else { period_ms / LOOKS_A_PERIOD };
        thread::sleep(Duration::from_millis(between_ms.clamp(*LOOK_EVERY_MS.start(), *LOOK_EVERY_MS.end())));
    }
}

/// Returns the threads that the log now says are stuck.
fn look(node: &Node, sightings: &mut Sightings, now_ms: u64, period_ms: u64) -> Vec<String> {
    let mut threads = Vec::new();
    let mut names = Vec::new();
    for (index, (name, pulse)) in node.watchdog.lock_threads().iter().enumerate() {
        let stall = sightings.see(Watched::Thread(index), pulse.turn(), now_ms, period_ms);
        let what = || format!("{name} ({})", pulse.command().as_deref().unwrap_or("no command"));
        threads.extend(stall.map(|stall| (what(), stall)));
        names.extend(stall.map(|_| name.clone()));
    }
    let mut locks = Vec::new();
    for index in 0..node.shards.count() {
        let stall = sightings.see(Watched::Shard(index), node.shards.hold(index), now_ms, period_ms);
        locks.extend(stall.map(|stall| (format!("the lock of shard {index}"), stall)));
    }
    if !tell(&threads, &mut sightings.threads_told_ms, now_ms) {
        names.clear();
    }
    tell(&locks, &mut sightings.locks_told_ms, now_ms);
    count(&node.watchdog, threads.iter().chain(&locks).map(|(_, stall)| *stall));
    names
}

/// The log gets the new ones, if that is not too often. Returns whether it did.
fn tell(stalls: &[(String, Stall)], told_ms: &mut Option<u64>, now_ms: u64) -> bool {
    let new: Vec<&str> =
        stalls.iter().filter(|(_, stall)| stall.is_new).map(|(what, _)| what.as_str()).collect();
    let is_due = !new.is_empty() && is_due(*told_ms, TOLD_EVERY_MS, now_ms);
    if is_due {
        *told_ms = Some(now_ms);
        let ms = stalls.iter().map(|(_, stall)| stall.ms).max();
        tracing::warn!(ms, "watchdog: stuck: {}", new.join(", "));
    }
    is_due
}

fn tell_stacks(threads: &[String], told_ms: &mut Option<u64>, now_ms: u64) {
    if !threads.is_empty() && is_due(*told_ms, STACKS_TOLD_EVERY_MS, now_ms) {
        *told_ms = Some(now_ms);
        let names: Vec<&str> = threads.iter().map(String::as_str).collect();
        tracing::warn!("watchdog: where they are\n{}", crash::threads::stacks_of(&names));
    }
}

fn is_due(told_ms: Option<u64>, every_ms: u64, now_ms: u64) -> bool {
    told_ms.is_none_or(|at| now_ms.saturating_sub(at) >= every_ms)
}

fn count(watchdog: &Watchdog, stalls: impl Iterator<Item = Stall> + Clone) {
    let longest_ms = stalls.clone().map(|stall| stall.ms).max().unwrap_or(0);
    watchdog.stalls.add(stalls.filter(|stall| stall.is_new).count() as u64);
    watchdog.current_stall_ms.set(longest_ms);
    watchdog.longest_stall_ms.set(watchdog.longest_stall_ms.get().max(longest_ms));
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Watched {
    Thread(usize),
    Shard(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stall {
    ms: u64,
    /// It was none yet when last looked.
    is_new: bool,
}

/// What was seen when.
#[derive(Debug, Default)]
struct Sightings {
    seen: HashMap<Watched, Sighting>,
    threads_told_ms: Option<u64>,
    locks_told_ms: Option<u64>,
    stacks_told_ms: Option<u64>,
}

#[derive(Debug)]
struct Sighting {
    number: u64,
    first_ms: u64,
    is_stalled: bool,
}

impl Sightings {
    /// `busy_with`: the number of what it is at, if it is at something. A stall when it has been at the same for `period_ms`.
    fn see(&mut self, who: Watched, busy_with: Option<u64>, now_ms: u64, period_ms: u64) -> Option<Stall> {
        let Some(number) = busy_with else {
            self.seen.remove(&who);
            return None;
        };
        let fresh = Sighting { number, first_ms: now_ms, is_stalled: false };
        let sighting = self.seen.entry(who).or_insert(fresh);
        if sighting.number != number {
            *sighting = Sighting { number, first_ms: now_ms, is_stalled: false };
        }
        let ms = now_ms - sighting.first_ms;
        let is_new = !std::mem::replace(&mut sighting.is_stalled, ms >= period_ms);
        (ms >= period_ms).then_some(Stall { ms, is_new })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_is_the_same_turn_for_a_whole_period() {
        let mut sightings = Sightings::default();
        let mut see = |turn, now_ms| sightings.see(Watched::Thread(0), turn, now_ms, 500);
        assert_eq!(see(Some(1), 1_000), None);
        assert_eq!(see(Some(1), 1_499), None);
        assert_eq!(see(Some(1), 1_500), Some(Stall { ms: 500, is_new: true }));
        assert_eq!(see(Some(1), 1_700), Some(Stall { ms: 700, is_new: false }));
        assert_eq!(see(Some(3), 1_800), None);
        assert_eq!(see(None, 2_300), None);
        assert_eq!(see(Some(3), 2_400), None);
        assert_eq!(see(Some(3), 2_900), Some(Stall { ms: 500, is_new: true }));
    }

    #[test]
    fn a_thread_is_busy_in_its_turns_and_names_its_command() {
        let pulse = Pulse::default();
        assert_eq!(pulse.turn(), None);
        pulse.begin_turn();
        let first = pulse.turn();
        assert!(first.is_some());
        assert_eq!(pulse.command(), None);
        for name in ["keys", "client|list"] {
            pulse.runs(command::by_full_name(name.as_bytes()).unwrap().spec);
            assert_eq!(pulse.command().as_deref(), Some(name));
        }
        pulse.end_turn();
        assert_eq!(pulse.turn(), None);
        pulse.begin_turn();
        assert_ne!(pulse.turn(), first);
        assert_eq!(pulse.command(), None);
    }

    #[test]
    fn what_is_stuck_is_counted_once_and_shown_while_it_lasts() {
        let config = crate::config::Config::new(std::path::Path::new("/"));
        let node = Node::new(config, None, "0".repeat(40), 0, 1);
        let mut sightings = Sightings::default();
        let numbers = || {
            let watchdog = &node.watchdog;
            (watchdog.stalls.get(), watchdog.longest_stall_ms.get(), watchdog.current_stall_ms.get())
        };
        let pulse = node.watchdog.watch("worker-0");
        pulse.begin_turn();
        let shard = node.shards.lock(0);
        let mut told = Vec::new();
        for now_ms in (0..=1_000).step_by(100) {
            told.extend(look(&node, &mut sightings, now_ms, 500));
        }
        assert_eq!(told, ["worker-0"]);
        assert_eq!(numbers(), (2, 1_000, 1_000));
        drop(shard);
        pulse.end_turn();
        look(&node, &mut sightings, 1_100, 500);
        assert_eq!(numbers(), (2, 1_000, 0));
    }
}
