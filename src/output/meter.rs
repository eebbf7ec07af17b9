//! How far a move of slots is, and how fast its keys go: a bar on a terminal, elsewhere a line every ten seconds.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::progress::BETWEEN_LINES;
use super::{Output, Progress, bytes, count};

/// Over which time the rates are taken.
const SPAN: Duration = Duration::from_secs(3);

/// Clones count together.
#[derive(Clone, Debug)]
pub struct Meter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    output: Output,
    is_drawn: bool,
    slots: AtomicU64,
    keys: AtomicU64,
    bytes: AtomicU64,
    under_way: Mutex<Option<UnderWay>>,
}

#[derive(Debug)]
struct UnderWay {
    total: u64,
    began: Instant,
    said: Instant,
    rates: Rates,
    progress: Progress,
}

impl Meter {
    pub(super) fn new(output: Output, is_drawn: bool) -> Meter {
        let [slots, keys, bytes] = [const { AtomicU64::new(0) }; 3];
        Meter(Arc::new(Inner { output, is_drawn, slots, keys, bytes, under_way: Mutex::default() }))
    }

    /// So many slots are to be moved, from now on.
    pub fn start(&self, total: u64) {
        let now = Instant::now();
        // Its lines are said below.
        let progress = match self.0.is_drawn {
            true => Progress::bar(total, "slots"),
            false => Progress::lines(total, "slots", None),
        };
        let under_way = UnderWay { total, began: now, said: now, rates: Rates::default(), progress };
        self.0.slots.store(0, Ordering::Relaxed);
        *self.under_way() = Some(under_way);
    }

    pub fn add_slots(&self, slots: u64) {
        self.0.slots.fetch_add(slots, Ordering::Relaxed);
        if let Some(under_way) = self.under_way().as_ref() {
            under_way.progress.add(slots);
        }
    }

    pub fn add_keys(&self, keys: u64, bytes: u64) {
        self.0.keys.fetch_add(keys, Ordering::Relaxed);
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// In their source's memory, of all keys so far.
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// Brings what is shown up to date; to be called a few times a second.
    pub fn show(&self, is_held: bool, now: Instant) {
        let (keys, moved_bytes) = (self.0.keys.load(Ordering::Relaxed), self.bytes());
        let slots = self.0.slots.load(Ordering::Relaxed);
        let mut under_way = self.under_way();
        let Some(under_way) = under_way.as_mut() else { return };
        under_way.rates.add(now, keys, moved_bytes);
        let pace = if is_held { "paused".to_owned() } else { under_way.rates.text() };
        if !self.0.is_drawn && now.duration_since(under_way.said) >= BETWEEN_LINES {
            under_way.said = now;
            let left = left(slots, under_way.total, now.duration_since(under_way.began));
            let line = format!("moved {} of {} slots, {pace}{left}", count(slots), count(under_way.total));
            self.0.output.status(&line);
        }
        under_way.progress.message(pace);
    }

    pub fn finish(&self) {
        if let Some(under_way) = self.under_way().take() {
            under_way.progress.finish();
        }
    }

    fn under_way(&self) -> std::sync::MutexGuard<'_, Option<UnderWay>> {
        self.0.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// By how long the slots so far took.
fn left(done: u64, total: u64, took: Duration) -> String {
    if done == 0 || done > total {
        return String::new();
    }
    format!(", about {:.0} s left", took.as_secs_f64() * (total - done) as f64 / done as f64)
}

/// Counts as they were, for a while back.
#[derive(Debug, Default)]
struct Rates(VecDeque<(Instant, u64, u64)>);

impl Rates {
    fn add(&mut self, now: Instant, keys: u64, bytes: u64) {
        self.0.push_back((now, keys, bytes));
        // The one before the span stays, as what the rate is taken from.
        while self.0.get(1).is_some_and(|(at, ..)| now.duration_since(*at) >= SPAN) {
            self.0.pop_front();
        }
    }

    fn text(&self) -> String {
        let (Some(first), Some(last)) = (self.0.front(), self.0.back()) else { return String::new() };
        let seconds = last.0.duration_since(first.0).as_secs_f64().max(0.001);
        let rate = |from: u64, to: u64| (to.saturating_sub(from) as f64 / seconds) as u64;
        format!("{} keys/s, {}/s", count(rate(first.1, last.1)), bytes(rate(first.2, last.2)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_the_last_seconds() {
        let start = Instant::now();
        let mut rates = Rates::default();
        for half_second in 0..20u64 {
            // Slow at first, then 2000 keys of a KiB a second.
            let keys = half_second.saturating_sub(10) * 1000;
            rates.add(start + Duration::from_millis(half_second * 500), keys, keys * 1024);
        }
        assert_eq!(rates.text(), "2,000 keys/s, 2.0 MiB/s");
        assert!(rates.0.len() < 9);
        assert_eq!(left(100, 400, Duration::from_secs(10)), ", about 30 s left");
        assert_eq!(left(0, 400, Duration::from_secs(10)), "");
    }
}
