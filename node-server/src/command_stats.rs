//! What each command was called for: how often, for how long, how often refused or failed. INFO's sections commandstats and
//! latencystats, and LATENCY HISTOGRAM, read it.
//!
//! Worker threads count in cells of their own, which nobody else writes to, so that a command costs plain additions to lines
//! that no other thread has; all other threads share one set of cells. CONFIG RESETSTAT writes to none of them: it keeps the
//! sums as they are, and from then on they are taken off.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::allocator::{OWNED, owned_cell};
use crate::command::{self, CommandSpec};
use crate::histogram::{self, BUCKETS, bucket_of};

type Buckets = Box<[AtomicU64]>;

/// One command's numbers of one thread.
#[derive(Debug, Default)]
struct CommandCell {
    calls: AtomicU64,
    nanoseconds: AtomicU64,
    rejected: AtomicU64,
    failed: AtomicU64,
    /// Allocated with the first call that is to be remembered.
    latencies: OnceLock<Buckets>,
}

type Cells = Box<[CommandCell]>;

#[derive(Debug)]
pub struct CommandStats {
    /// A set for each thread that owns a cell (see [`crate::allocator`]), and one for all others behind them.
    threads: [OnceLock<Cells>; OWNED + 1],
    /// What was counted before the last CONFIG RESETSTAT.
    forgotten: Mutex<HashMap<usize, CommandTotals>>,
    /// `latency-tracking`.
    tracks_latency: AtomicBool,
}

impl Default for CommandStats {
    fn default() -> CommandStats {
        CommandStats {
            threads: [const { OnceLock::new() }; OWNED + 1],
            forgotten: Mutex::default(),
            tracks_latency: AtomicBool::new(true),
        }
    }
}

/// A command's numbers, added up over all threads.
#[derive(Clone, Debug, Default)]
pub struct CommandTotals {
    pub calls: u64,
    pub nanoseconds: u64,
    pub rejected: u64,
    pub failed: u64,
    /// Empty when none was remembered.
    latencies: Vec<u64>,
}

impl CommandStats {
    pub fn track_latency(&self, yes: bool) {
        self.tracks_latency.store(yes, Ordering::Relaxed);
    }

    /// It ran for so long.
    #[inline]
    pub fn ran(&self, spec: &'static CommandSpec, nanoseconds: u64, failed: bool) {
        self.count(spec, |cell, add| {
            add(&cell.calls, 1);
            add(&cell.nanoseconds, nanoseconds);
            if failed {
                add(&cell.failed, 1);
            }
            if self.tracks_latency.load(Ordering::Relaxed) {
                let buckets =
                    cell.latencies.get_or_init(|| (0..BUCKETS).map(|_| AtomicU64::new(0)).collect());
                add(&buckets[bucket_of(nanoseconds)], 1);
            }
        });
    }

    /// It was refused before it could run.
    pub fn rejected(&self, spec: &'static CommandSpec) {
        self.count(spec, |cell, add| add(&cell.rejected, 1));
    }

    #[inline]
    fn count(&self, spec: &'static CommandSpec, change: impl FnOnce(&CommandCell, fn(&AtomicU64, u64))) {
        let Some(number) = number_of(spec) else { return };
        let (thread, add): (usize, fn(&AtomicU64, u64)) = match owned_cell() {
            Some(cell) => (cell, |counter, by| {
                counter.store(counter.load(Ordering::Relaxed) + by, Ordering::Relaxed);
            }),
            None => (OWNED, |counter, by| _ = counter.fetch_add(by, Ordering::Relaxed)),
        };
        let cells = self.threads[thread]
            .get_or_init(|| (0..numbers().len()).map(|_| CommandCell::default()).collect());
        change(&cells[number], add);
    }

    /// The numbers of the command since the last reset.
    pub fn totals(&self, spec: &'static CommandSpec) -> CommandTotals {
        let Some(number) = number_of(spec) else { return CommandTotals::default() };
        let mut totals = self.sum(number);
        let forgotten = self.forgotten.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = forgotten.get(&number) {
            totals.take_off(before);
        }
        totals
    }

    /// CONFIG RESETSTAT.
    pub fn reset(&self) {
        let sums = (0..numbers().len()).map(|number| (number, self.sum(number)));
        let used = sums.filter(|(_, sum)| sum.calls + sum.rejected + sum.failed > 0).collect();
        *self.forgotten.lock().unwrap_or_else(PoisonError::into_inner) = used;
    }

    fn sum(&self, number: usize) -> CommandTotals {
        let mut totals = CommandTotals::default();
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        for cell in self.threads.iter().filter_map(|cells| cells.get()?.get(number)) {
            totals.calls += get(&cell.calls);
            totals.nanoseconds += get(&cell.nanoseconds);
            totals.rejected += get(&cell.rejected);
            totals.failed += get(&cell.failed);
            let Some(latencies) = cell.latencies.get() else { continue };
            totals.latencies.resize(BUCKETS, 0);
            totals.latencies.iter_mut().zip(latencies).for_each(|(sum, count)| *sum += get(count));
        }
        totals
    }
}

impl CommandTotals {
    pub fn is_nothing(&self) -> bool {
        self.calls == 0 && self.rejected == 0 && self.failed == 0
    }

    pub fn microseconds(&self) -> u64 {
        self.nanoseconds / 1000
    }

    /// How many calls there were whose latency was remembered.
    pub fn remembered(&self) -> u64 {
        self.latencies.iter().sum()
    }

    /// So many percent of the calls took no longer than this, in microseconds.
    pub fn percentile_us(&self, percent: f64) -> f64 {
        histogram::percentile_us(&self.latencies, percent)
    }

    /// How many calls took less than each power of two, of 1024 nanoseconds on, as microseconds; only those powers below which
    /// there are more than below the one before.
    pub fn powers_us(&self) -> Vec<(u64, u64)> {
        let mut powers = Vec::new();
        let (mut seen, mut told, mut bucket) = (0, 0, 0);
        for power in 10..=30 {
            let end = bucket_of(1 << power);
            seen += self.latencies.iter().take(end).skip(bucket).sum::<u64>();
            bucket = end;
            if power == 30 {
                seen = self.remembered();
            }
            if seen > told {
                powers.push(((1u64 << power) / 1000, seen));
                told = seen;
            }
        }
        powers
    }

    fn take_off(&mut self, before: &CommandTotals) {
        self.calls -= before.calls;
        self.nanoseconds -= before.nanoseconds;
        self.rejected -= before.rejected;
        self.failed -= before.failed;
        self.latencies.iter_mut().zip(&before.latencies).for_each(|(sum, before)| *sum -= before);
    }
}

/// The numbers of all commands and subcommands, by where they are.
fn numbers() -> &'static HashMap<usize, usize, foldhash::fast::FixedState> {
    static NUMBERS: OnceLock<HashMap<usize, usize, foldhash::fast::FixedState>> = OnceLock::new();
    NUMBERS.get_or_init(|| {
        let address = |spec: &'static CommandSpec| std::ptr::from_ref(spec).addr();
        command::each_known().map(|known| (address(known.spec), usize::from(known.id))).collect()
    })
}

thread_local! {
    /// The address and the number of the command that was counted last: nearly always it is the next one, too.
    static LAST: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

#[inline]
fn number_of(spec: &'static CommandSpec) -> Option<usize> {
    let address = std::ptr::from_ref(spec).addr();
    let (last, number) = LAST.get();
    if last == address {
        return Some(number);
    }
    let number = *numbers().get(&address)?;
    LAST.set((address, number));
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(name: &str) -> &'static CommandSpec {
        command::by_full_name(name.as_bytes()).unwrap().spec
    }

    #[test]
    fn calls_of_all_threads_are_added_up_and_forgotten_with_a_reset() {
        let stats = CommandStats::default();
        stats.ran(spec("get"), 3 * 1000, false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                crate::allocator::claim_cell();
                stats.ran(spec("get"), 5 * 1000, true);
                stats.rejected(spec("client|list"));
            });
        });
        let get = stats.totals(spec("get"));
        assert_eq!((get.calls, get.microseconds(), get.failed, get.rejected), (2, 8, 1, 0));
        assert_eq!(stats.totals(spec("client|list")).rejected, 1);
        assert!(stats.totals(spec("client|id")).is_nothing());
        stats.reset();
        assert!(stats.totals(spec("get")).is_nothing());
        stats.ran(spec("get"), 7 * 1000, false);
        let get = stats.totals(spec("get"));
        assert_eq!((get.calls, get.microseconds(), get.remembered()), (1, 7, 1));
    }

    #[test]
    fn percentiles_and_powers_follow_what_was_measured() {
        let stats = CommandStats::default();
        (1..=100).for_each(|number| stats.ran(spec("set"), number * 1000, false));
        let set = stats.totals(spec("set"));
        for percent in [1.0, 50.0, 99.0, 100.0] {
            let found = set.percentile_us(percent);
            assert!(found >= percent * 0.999 && found <= percent * 1.04, "p{percent}: {found}");
        }
        assert!(set.percentile_us(0.0) < 1.1);
        let powers = set.powers_us();
        assert_eq!(powers.first(), Some(&(1, 1)));
        assert_eq!(powers.last(), Some(&(131, 100)));
        assert!(powers.is_sorted_by(|one, next| one.0 < next.0 && one.1 < next.1));
        stats.track_latency(false);
        stats.ran(spec("get"), 1000, false);
        assert_eq!(stats.totals(spec("get")).remembered(), 0);
    }
}
