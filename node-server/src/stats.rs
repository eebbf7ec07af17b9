//! Counters that INFO shows.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

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
    pub connections_received: Counter,
    pub connections_rejected: Counter,
    pub expired_keys: Counter,
    pub evicted_keys: Counter,
    pub evicted_clients: Counter,
    /// Ticks of the expiry that ended because their time was used up.
    pub expired_time_cap_reached: Counter,
    pub expire_cycle_us: Counter,
    /// The share of keys with an expiry that are over and still there, in millionths; as sampled.
    pub expired_stale_ppm: Counter,
    pub keyspace_hits: Counter,
    pub keyspace_misses: Counter,
    pub commands_processed: Counter,
    pub input_bytes: Counter,
    pub output_bytes: Counter,
    pub replication_input_bytes: Counter,
    pub replication_output_bytes: Counter,
    pub error_replies: Counter,
    pub full_syncs: Counter,
    pub partial_syncs: Counter,
    pub partial_syncs_refused: Counter,
    pub client_output_limit_disconnections: Counter,
    pub client_query_limit_disconnections: Counter,
    /// Changes since the last save, and all there ever were.
    pub dirty: Counter,
    pub ops_per_second: Counter,
    pub input_kib_per_second: Counter,
    pub output_kib_per_second: Counter,
}

impl Stats {
    /// CONFIG RESETSTAT.
    pub fn reset(&self) {
        for counter in [
            &self.connections_received,
            &self.connections_rejected,
            &self.expired_keys,
            &self.evicted_keys,
            &self.evicted_clients,
            &self.expired_time_cap_reached,
            &self.expire_cycle_us,
            &self.expired_stale_ppm,
            &self.keyspace_hits,
            &self.keyspace_misses,
            &self.commands_processed,
            &self.input_bytes,
            &self.output_bytes,
            &self.replication_input_bytes,
            &self.replication_output_bytes,
            &self.error_replies,
            &self.full_syncs,
            &self.partial_syncs,
            &self.partial_syncs_refused,
            &self.client_output_limit_disconnections,
            &self.client_query_limit_disconnections,
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

/// What one batch of commands of one connection counted; added to [`Stats`] once at its end, so that the
/// hot path touches no shared cache line.
#[derive(Clone, Copy, Debug, Default)]
pub struct BatchStats {
    pub commands: u64,
    pub hits: u64,
    pub misses: u64,
    pub errors: u64,
    pub input_bytes: u64,
    pub output_bytes: u64,
}

impl BatchStats {
    pub fn flush_into(&mut self, stats: &Stats) {
        let add = |counter: &Counter, amount: u64| {
            if amount > 0 {
                counter.add(amount);
            }
        };
        add(&stats.commands_processed, self.commands);
        add(&stats.keyspace_hits, self.hits);
        add(&stats.keyspace_misses, self.misses);
        add(&stats.error_replies, self.errors);
        add(&stats.input_bytes, self.input_bytes);
        add(&stats.output_bytes, self.output_bytes);
        *self = BatchStats::default();
    }
}
