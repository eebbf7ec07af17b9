//! Counters that INFO shows.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::allocator::{OWNED, owned_cell};

/// A number that only grows (until CONFIG RESETSTAT), or a gauge.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }
}

/// Of the whole node.
#[derive(Debug, Default)]
pub struct Stats {
    batches: BatchCells,
    /// The longest batch, and the most commands in one.
    pub longest_batch_us: Counter,
    pub most_commands_a_batch: Counter,
    /// What the cron's ticks took, and how many there were.
    pub cron_us: Counter,
    pub cron_ticks: Counter,
    pub connections_received: Counter,
    pub connections_rejected: Counter,
    pub expired_keys: Counter,
    /// Fields of hashes.
    pub expired_subkeys: Counter,
    pub evicted_keys: Counter,
    pub evicted_clients: Counter,
    /// Ticks of the expiry that ended because their time was used up.
    pub expired_time_cap_reached: Counter,
    pub expire_cycle_us: Counter,
    /// The share of keys with an expiry that are over and still there, in millionths; as sampled.
    pub expired_stale_ppm: Counter,
    pub replication_input_bytes: Counter,
    pub replication_output_bytes: Counter,
    pub full_syncs: Counter,
    pub partial_syncs: Counter,
    pub partial_syncs_refused: Counter,
    pub client_output_limit_disconnections: Counter,
    pub client_query_limit_disconnections: Counter,
    /// Room for a client's replies was cut back, or doubled.
    pub reply_buffer_shrinks: Counter,
    pub reply_buffer_expands: Counter,
    /// Points in time that were taken, each for any number of files and replicas.
    pub snapshots: Counter,
    /// Packed values in payloads of RESTORE that were checked in depth because `sanitize-dump-payload` asks for it.
    pub dump_payload_sanitizations: Counter,
    /// All changes there ever were.
    pub dirty: Changes,
    pub ops_per_second: Counter,
    pub input_kib_per_second: Counter,
    pub output_kib_per_second: Counter,
    pub replication_input_kib_per_second: Counter,
    pub replication_output_kib_per_second: Counter,
    pub cycles_per_second: Counter,
    pub cycle_us: Counter,
}

impl Stats {
    /// What all batches counted.
    pub fn batches(&self) -> BatchStats {
        self.batches.since_reset()
    }

    /// An error was answered outside of a batch's own requests.
    pub fn note_error(&self) {
        self.batches.add(&BatchStats { errors: 1, ..BatchStats::default() });
    }

    /// CONFIG RESETSTAT.
    pub fn reset(&self) {
        self.batches.reset();
        for counter in [
            &self.longest_batch_us,
            &self.most_commands_a_batch,
            &self.cron_us,
            &self.cron_ticks,
            &self.connections_received,
            &self.connections_rejected,
            &self.expired_keys,
            &self.expired_subkeys,
            &self.evicted_keys,
            &self.evicted_clients,
            &self.expired_time_cap_reached,
            &self.expire_cycle_us,
            &self.expired_stale_ppm,
            &self.replication_input_bytes,
            &self.replication_output_bytes,
            &self.full_syncs,
            &self.partial_syncs,
            &self.partial_syncs_refused,
            &self.client_output_limit_disconnections,
            &self.client_query_limit_disconnections,
            &self.ops_per_second,
            &self.input_kib_per_second,
            &self.output_kib_per_second,
            &self.replication_input_kib_per_second,
            &self.replication_output_kib_per_second,
            &self.cycles_per_second,
            &self.cycle_us,
            &self.reply_buffer_shrinks,
            &self.reply_buffer_expands,
            &self.snapshots,
            &self.dump_payload_sanitizations,
        ] {
            counter.set(0);
        }
    }
}

/// How often each kind of error was answered, by its first word.
#[derive(Debug, Default)]
pub struct ErrorCounts(Mutex<BTreeMap<String, u64>>);

impl ErrorCounts {
    /// More kinds are not told apart: some texts come from outside.
    const MOST: usize = 128;

    pub fn note(&self, code: &str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(code) {
            *count += 1;
        } else if counts.len() < ErrorCounts::MOST {
            counts.insert(code.to_owned(), 1);
        }
    }

    pub fn all(&self) -> Vec<(String, u64)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|(code, count)| (code.clone(), *count)).collect()
    }

    pub fn reset(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// What one batch of commands of one connection counted; added to [`Stats`] once at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchStats {
    pub batches: u64,
    pub commands: u64,
    pub hits: u64,
    pub misses: u64,
    pub errors: u64,
    pub input_bytes: u64,
    pub output_bytes: u64,
    /// How long its requests took, from the first one's beginning to the last one's end.
    pub busy_us: u64,
}

const BATCH_FIELDS: usize = 8;

impl BatchStats {
    fn fields(&self) -> [u64; BATCH_FIELDS] {
        let BatchStats { batches, commands, hits, misses, errors, input_bytes, output_bytes, busy_us } =
            *self;
        [batches, commands, hits, misses, errors, input_bytes, output_bytes, busy_us]
    }

    fn of_fields(fields: [u64; BATCH_FIELDS]) -> BatchStats {
        let [batches, commands, hits, misses, errors, input_bytes, output_bytes, busy_us] = fields;
        BatchStats { batches, commands, hits, misses, errors, input_bytes, output_bytes, busy_us }
    }

    pub fn flush_into(&mut self, stats: &Stats) {
        stats.batches.add(self);
        let raise = |most: &Counter, value: u64| {
            if value > most.get() {
                most.set(value);
            }
        };
        raise(&stats.longest_batch_us, self.busy_us);
        raise(&stats.most_commands_a_batch, self.commands);
        *self = BatchStats::default();
    }
}

/// Sums by thread: a worker adds to a cell that no other thread writes to, so that the hot path touches no shared cache line, and
/// needs no atomic addition, for which the processor would wait until all that was written before is out (see [`crate::allocator`]).
#[derive(Debug)]
struct Cells<const FIELDS: usize> {
    threads: Box<[Cell<FIELDS>]>,
}

#[derive(Debug)]
#[repr(align(128))]
struct Cell<const FIELDS: usize>([AtomicU64; FIELDS]);

impl<const FIELDS: usize> Default for Cells<FIELDS> {
    fn default() -> Cells<FIELDS> {
        let cell = |_| Cell(std::array::from_fn(|_| AtomicU64::new(0)));
        Cells { threads: (0..=OWNED).map(cell).collect() }
    }
}

impl<const FIELDS: usize> Cells<FIELDS> {
    #[inline]
    fn add(&self, amounts: [u64; FIELDS]) {
        let owned = owned_cell();
        let Cell(cell) = &self.threads[owned.unwrap_or(OWNED)];
        for (counter, amount) in cell.iter().zip(amounts).filter(|(_, amount)| *amount > 0) {
            if owned.is_some() {
                counter.store(counter.load(Ordering::Relaxed) + amount, Ordering::Relaxed);
            } else {
                counter.fetch_add(amount, Ordering::Relaxed);
            }
        }
    }

    fn sums(&self) -> [u64; FIELDS] {
        let mut sums = [0; FIELDS];
        for Cell(cell) in &self.threads {
            sums.iter_mut().zip(cell).for_each(|(sum, counter)| *sum += counter.load(Ordering::Relaxed));
        }
        sums
    }
}

/// How many changes there were. Who asks while it holds all shards gets all that were made.
#[derive(Debug, Default)]
pub struct Changes(Cells<1>);

impl Changes {
    #[inline]
    pub fn add(&self, amount: u64) {
        self.0.add([amount]);
    }

    pub fn get(&self) -> u64 {
        let [sum] = self.0.sums();
        sum
    }
}

#[derive(Debug, Default)]
struct BatchCells {
    cells: Cells<BATCH_FIELDS>,
    forgotten: Mutex<[u64; BATCH_FIELDS]>,
}

impl BatchCells {
    fn add(&self, batch: &BatchStats) {
        self.cells.add(batch.fields());
    }

    fn since_reset(&self) -> BatchStats {
        let mut sums = self.cells.sums();
        let forgotten = self.forgotten.lock().unwrap_or_else(PoisonError::into_inner);
        sums.iter_mut().zip(forgotten.iter()).for_each(|(sum, before)| *sum -= before);
        BatchStats::of_fields(sums)
    }

    /// Nobody's cell is written to: what was counted so far is taken off from now on.
    fn reset(&self) {
        *self.forgotten.lock().unwrap_or_else(PoisonError::into_inner) = self.cells.sums();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_of_all_threads_are_added_up_and_forgotten_with_a_reset() {
        let stats = Stats::default();
        let count = |commands, claim: bool| {
            if claim {
                crate::allocator::claim_cell();
            }
            let busy_us = commands * 10;
            BatchStats { batches: 1, commands, busy_us, ..BatchStats::default() }.flush_into(&stats);
        };
        std::thread::scope(|scope| {
            scope.spawn(|| count(3, true));
            scope.spawn(|| count(4, false));
        });
        stats.note_error();
        let all = stats.batches();
        assert_eq!((all.batches, all.commands, all.errors, all.busy_us), (2, 7, 1, 70));
        assert_eq!((stats.longest_batch_us.get(), stats.most_commands_a_batch.get()), (40, 4));
        stats.reset();
        assert_eq!(stats.batches(), BatchStats::default());
        count(1, false);
        assert_eq!(stats.batches().commands, 1);
    }

    #[test]
    fn changes_of_all_threads_are_seen_by_who_comes_after_them() {
        let (stats, turn) = (Stats::default(), Mutex::new(()));
        std::thread::scope(|scope| {
            for claims in [true, true, false, false] {
                let (stats, turn) = (&stats, &turn);
                scope.spawn(move || {
                    if claims {
                        crate::allocator::claim_cell();
                    }
                    for _ in 0..1000 {
                        let _mine = turn.lock().unwrap();
                        let before = stats.dirty.get();
                        stats.dirty.add(3);
                        assert_eq!(stats.dirty.get(), before + 3);
                    }
                });
            }
        });
        assert_eq!(stats.dirty.get(), 12_000);
    }
}
