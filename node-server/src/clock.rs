//! The one place that reads clocks. Everything else takes `now` as an argument, or asks here at the edge.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use quanta::Clock as Counter;

/// Unix time in milliseconds.
pub fn now_ms() -> i64 {
    now_us() / 1000
}

/// Unix time in microseconds.
pub fn now_us() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64)
}

/// A clock that never goes back, for durations.
pub fn monotonic() -> Instant {
    Instant::now()
}

/// The time within one batch of requests: both clocks are read once at its start, and one of them after each
/// request, which gives its duration and the next one's time. That one is the processor's own counter where it is steady.
#[derive(Debug)]
pub struct BatchClock {
    counter: &'static Counter,
    started: u64,
    started_ms: i64,
    last: u64,
}

static COUNTER: LazyLock<Counter> = LazyLock::new(Counter::new);

/// Measures how fast the processor's counter goes, which takes some milliseconds: so the first client need not wait for it.
pub fn measure_counter() {
    LazyLock::force(&COUNTER);
}

impl BatchClock {
    pub fn start() -> BatchClock {
        let counter = &*COUNTER;
        let now = counter.raw();
        BatchClock { counter, started: now, started_ms: now_ms(), last: now }
    }

    /// Unix time in milliseconds, as of the last lap.
    #[inline]
    pub fn now_ms(&self) -> i64 {
        self.started_ms + (self.counter.delta_as_nanos(self.started, self.last) / 1_000_000) as i64
    }

    /// From the batch's beginning to the last lap.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.counter.delta_as_nanos(self.started, self.last))
    }

    /// The time since the last lap; a new lap begins.
    #[inline]
    pub fn lap(&mut self) -> Duration {
        let now = self.counter.raw();
        let lap = self.counter.delta_as_nanos(self.last, now);
        self.last = now;
        Duration::from_nanos(lap)
    }
}

/// Unix time as it was at the start, plus the time that has passed since: it never goes back and never jumps,
/// whatever is done to the machine's clock. Failure detection goes by it.
#[derive(Clone, Copy, Debug)]
pub struct SteadyClock {
    started: Instant,
    started_ms: u64,
}

impl SteadyClock {
    pub fn start() -> SteadyClock {
        SteadyClock { started: monotonic(), started_ms: u64::try_from(now_ms()).unwrap_or(0) }
    }

    pub fn now_ms(&self) -> u64 {
        self.started_ms + u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX / 2)
    }
}
