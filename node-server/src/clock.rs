//! The one place that reads clocks. Everything else takes `now` as an argument, or asks here at the edge.

use std::cell::Cell;
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

/// A duration in nanoseconds.
pub fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// How long this thread has had a processor. `None` where the system does not say.
pub fn thread_cpu() -> Option<Duration> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes one timespec, which is there.
    let answer = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    let seconds = u64::try_from(time.tv_sec).ok()?;
    (answer == 0).then(|| Duration::new(seconds, time.tv_nsec as u32))
}

/// The time within one batch of requests: it has the time at its start, and one clock is read after each
/// request, which gives its duration and the next one's time. That one is the processor's own counter where it is steady.
#[derive(Debug)]
pub struct BatchClock {
    counter: &'static Counter,
    last: u64,
    /// From the batch's beginning to the last lap.
    elapsed_ns: u64,
    now_ms: i64,
    /// When `now_ms` is one more, in terms of `elapsed_ns`.
    next_ms_ns: u64,
}

const MS_IN_NS: u64 = 1_000_000;

static COUNTER: LazyLock<Counter> = LazyLock::new(Counter::new);

/// Measures how fast the processor's counter goes, which takes some milliseconds: so the first client need not wait for it.
pub fn measure_counter() {
    LazyLock::force(&COUNTER);
}

thread_local! {
    /// What the processor's counter and the clock said when this thread last asked the clock for a batch.
    static ASKED: Cell<Option<(u64, i64)>> = const { Cell::new(None) };
}

/// Unix time in microseconds when the counter is at `now`. The clock is asked once in a millisecond; till then time is what it said
/// and what was counted since.
fn us_at(counter: &Counter, now: u64) -> i64 {
    if let Some((then, us)) = ASKED.get().filter(|(then, _)| now >= *then) {
        let passed_ns = counter.delta_as_nanos(then, now);
        if passed_ns < MS_IN_NS {
            return us + (passed_ns / 1000) as i64;
        }
    }
    let us = now_us();
    ASKED.set(Some((now, us)));
    us
}

impl BatchClock {
    pub fn start() -> BatchClock {
        let counter = &*COUNTER;
        let last = counter.raw();
        let now_us = us_at(counter, last);
        let next_ms_ns = MS_IN_NS - now_us.rem_euclid(1000) as u64 * 1000;
        BatchClock { counter, last, elapsed_ns: 0, now_ms: now_us.div_euclid(1000), next_ms_ns }
    }

    /// Unix time in milliseconds, as of the last lap.
    #[inline]
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// From the batch's beginning to the last lap.
    pub fn elapsed_us(&self) -> u64 {
        self.elapsed_ns / 1000
    }

    /// Nanoseconds since the last lap; a new lap begins.
    #[inline]
    pub fn lap_ns(&mut self) -> u64 {
        let now = self.counter.raw();
        let lap_ns = self.counter.delta_as_nanos(self.last, now);
        self.last = now;
        self.elapsed_ns += lap_ns;
        if self.elapsed_ns >= self.next_ms_ns {
            self.count_ms();
        }
        lap_ns
    }

    #[cold]
    fn count_ms(&mut self) {
        let passed = (self.elapsed_ns - self.next_ms_ns) / MS_IN_NS + 1;
        self.now_ms += passed as i64;
        self.next_ms_ns += passed * MS_IN_NS;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_begins_when_the_clock_says_so() {
        measure_counter();
        let until = monotonic() + Duration::from_millis(20);
        while monotonic() < until {
            let before = now_us();
            let batch = us_at(&COUNTER, COUNTER.raw());
            // The counter is measured, not known: in a millisecond it is off by a thousandth of that at most.
            assert!(batch >= before - 2 && batch <= now_us() + 2, "{before} {batch}");
        }
    }

    #[test]
    fn a_thread_at_work_uses_processor_time() {
        let before = thread_cpu().unwrap();
        while thread_cpu().unwrap() == before {}
        // Another's is its own.
        let other = std::thread::spawn(|| thread_cpu().unwrap()).join().unwrap();
        assert!(other > Duration::ZERO);
    }
}
