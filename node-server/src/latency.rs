//! The latency monitor: what took at least `latency-monitor-threshold`, by event; LATENCY shows it.
//!
//! Of each event the last [`KEPT`] seconds in which it happened are kept, with the worst of that second.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock;

/// As Redis keeps.
pub const KEPT: usize = 160;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Unix time in seconds.
    pub time_s: i64,
    pub latency_ms: u64,
}

/// One kind of event.
#[derive(Clone, Debug, Default)]
pub struct Series {
    pub samples: VecDeque<Sample>,
    /// The worst ever, samples that are kept no more included.
    pub worst_ms: u64,
}

#[derive(Debug, Default)]
pub struct LatencyMonitor {
    /// 0: off.
    threshold_ms: AtomicU64,
    events: Mutex<BTreeMap<&'static str, Series>>,
}

impl LatencyMonitor {
    pub fn set_threshold(&self, threshold_ms: u64) {
        self.threshold_ms.store(threshold_ms, Ordering::Relaxed);
    }

    pub fn threshold_ms(&self) -> u64 {
        self.threshold_ms.load(Ordering::Relaxed)
    }

    #[inline]
    pub fn note(&self, event: &'static str, took: Duration) {
        self.note_ns(event, clock::nanoseconds(took));
    }

    #[inline]
    pub fn note_ns(&self, event: &'static str, took_ns: u64) {
        let threshold_ms = self.threshold_ms();
        if threshold_ms > 0 && took_ns / 1_000_000 >= threshold_ms {
            self.record(event, clock::now_ms() / 1000, took_ns / 1_000_000);
        }
    }

    fn record(&self, event: &'static str, time_s: i64, latency_ms: u64) {
        let mut events = self.lock();
        let series = events.entry(event).or_default();
        series.worst_ms = series.worst_ms.max(latency_ms);
        match series.samples.back_mut() {
            Some(last) if last.time_s == time_s => last.latency_ms = last.latency_ms.max(latency_ms),
            _ => series.samples.push_back(Sample { time_s, latency_ms }),
        }
        if series.samples.len() > KEPT {
            series.samples.pop_front();
        }
    }

    pub fn events(&self) -> Vec<(&'static str, Series)> {
        self.lock().iter().map(|(event, series)| (*event, series.clone())).collect()
    }

    pub fn event(&self, name: &[u8]) -> Option<(&'static str, Series)> {
        let events = self.lock();
        let (event, series) = events.iter().find(|(event, _)| name.eq_ignore_ascii_case(event.as_bytes()))?;
        Some((event, series.clone()))
    }

    /// Forgets an event, all of them with `None`; how many were forgotten.
    pub fn reset(&self, name: Option<&[u8]>) -> usize {
        let mut events = self.lock();
        let before = events.len();
        match name {
            None => events.clear(),
            Some(name) => events.retain(|event, _| !name.eq_ignore_ascii_case(event.as_bytes())),
        }
        before - events.len()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Series>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_slow_enough_is_noted_and_of_a_second_the_worst() {
        let monitor = LatencyMonitor::default();
        monitor.note("command", Duration::from_secs(9));
        assert!(monitor.events().is_empty());
        monitor.set_threshold(20);
        monitor.note("command", Duration::from_millis(19));
        assert!(monitor.events().is_empty());
        for (time_s, latency_ms) in [(1, 30), (1, 50), (1, 40), (2, 20)] {
            monitor.record("command", time_s, latency_ms);
        }
        let (_, series) = monitor.event(b"COMMAND").unwrap();
        let expected = [Sample { time_s: 1, latency_ms: 50 }, Sample { time_s: 2, latency_ms: 20 }];
        assert_eq!((series.samples, series.worst_ms), (expected.into(), 50));
        assert!(monitor.event(b"fork").is_none());
    }

    #[test]
    fn the_newest_are_kept_and_a_reset_forgets() {
        let monitor = LatencyMonitor::default();
        monitor.record("fast-command", 0, 1000);
        (1..=200).for_each(|time_s| monitor.record("fast-command", time_s, 1));
        let (_, series) = monitor.event(b"fast-command").unwrap();
        assert_eq!((series.samples.len(), series.samples[0].time_s, series.worst_ms), (KEPT, 41, 1000));
        monitor.record("command", 1, 1);
        assert_eq!(monitor.reset(Some(b"nothing")), 0);
        assert_eq!(monitor.reset(Some(b"Command")), 1);
        assert_eq!(monitor.reset(None), 1);
    }
}
