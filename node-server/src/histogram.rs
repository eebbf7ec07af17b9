//! How long things took: counts in buckets of 1/32 of a power of two, in nanoseconds up to a second, which is as far as Redis's go.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const SUB_BITS: u32 = 5;
const SUB_BUCKETS: u64 = 1 << SUB_BITS;
/// Nothing is told apart beyond it.
const LONGEST_NS: u64 = 1_000_000_000;
pub const BUCKETS: usize = bucket_of(LONGEST_NS) + 1;

pub const fn bucket_of(nanoseconds: u64) -> usize {
    let ns = if nanoseconds > LONGEST_NS { LONGEST_NS } else { nanoseconds };
    if ns < SUB_BUCKETS {
        return ns as usize;
    }
    let power = 63 - ns.leading_zeros();
    let octave = (power - SUB_BITS + 1) as u64;
    (octave * SUB_BUCKETS + (ns >> (power - SUB_BITS)) - SUB_BUCKETS) as usize
}

/// The longest duration that falls into a bucket.
fn longest_of(bucket: usize) -> u64 {
    let (octave, within) = (bucket as u64 / SUB_BUCKETS, bucket as u64 % SUB_BUCKETS);
    match octave {
        0 => within,
        _ => ((within + SUB_BUCKETS + 1) << (octave - 1)) - 1,
    }
}

/// So many percent of what was counted in these buckets took no longer than this, in microseconds.
pub fn percentile_us(counts: &[u64], percent: f64) -> f64 {
    let all: u64 = counts.iter().sum();
    let wanted = ((all as f64 * percent / 100.0).round() as u64).max(1);
    let mut seen = 0;
    let bucket = counts.iter().position(|count| {
        seen += count;
        seen >= wanted
    });
    longest_of(bucket.unwrap_or(0)) as f64 / 1000.0
}

/// One kind of thing. One thread notes at a time; any may read.
#[derive(Debug)]
pub struct Histogram {
    buckets: Box<[AtomicU64]>,
    longest_ns: AtomicU64,
}

/// In microseconds; all 0 when nothing was noted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Summary {
    pub count: u64,
    pub p99_us: f64,
    pub p999_us: f64,
    pub longest_us: f64,
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Summary { count, p99_us, p999_us, longest_us } = self;
        write!(f, "count={count},p99={p99_us:.1},p99.9={p999_us:.1},longest={longest_us:.1}")
    }
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram {
            buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
            longest_ns: AtomicU64::new(0),
        }
    }
}

impl Histogram {
    pub fn note(&self, took: Duration) {
        let nanoseconds = took.as_nanos() as u64;
        self.longest_ns.fetch_max(nanoseconds, Ordering::Relaxed);
        if let Some(bucket) = self.buckets.get(bucket_of(nanoseconds)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn clear(&self) {
        self.buckets.iter().chain([&self.longest_ns]).for_each(|cell| cell.store(0, Ordering::Relaxed));
    }

    pub fn summary(&self) -> Summary {
        let counts: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        let longest_us = self.longest_ns.load(Ordering::Relaxed) as f64 / 1000.0;
        // A bucket's end may lie beyond what was noted.
        let percentile = |percent| percentile_us(&counts, percent).min(longest_us);
        Summary {
            count: counts.iter().sum(),
            p99_us: percentile(99.0),
            p999_us: percentile(99.9),
            longest_us,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_fine_and_without_gaps() {
        assert!((0..BUCKETS).all(|bucket| bucket_of(longest_of(bucket).min(LONGEST_NS)) == bucket));
        for ns in [0, 1, 31, 32, 33, 63, 64, 1000, 123_456, 999_999_999, LONGEST_NS, u64::MAX] {
            let longest = longest_of(bucket_of(ns));
            let known = ns.min(LONGEST_NS);
            assert!(longest >= known && longest <= known + known / 32 + 1, "{ns}: {longest}");
        }
    }

    #[test]
    fn the_longest_is_exact_and_the_rest_is_near() {
        let histogram = Histogram::default();
        assert_eq!(histogram.summary(), Summary::default());
        (1..=10_000).for_each(|number| histogram.note(Duration::from_nanos(number * 100)));
        let Summary { count, p99_us, p999_us, longest_us } = histogram.summary();
        assert_eq!((count, longest_us), (10_000, 1000.0));
        assert!((990.0..=1000.0).contains(&p99_us), "{p99_us}");
        assert!((999.0..=1000.0).contains(&p999_us), "{p999_us}");
        histogram.clear();
        assert_eq!(histogram.summary().to_string(), "count=0,p99=0.0,p99.9=0.0,longest=0.0");
    }
}
