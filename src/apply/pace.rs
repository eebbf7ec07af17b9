//! Not more than so many keys and bytes a second.
//!
//! What is sent is owed, and who owes waits until it is paid off at the rate allowed. A moment's rest may be caught up with,
//! not more.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a rest is caught up with.
const BURST_SECONDS: f64 = 0.1;

/// Shared by all who move; without limits it costs nothing.
#[derive(Debug, Default)]
pub struct Pace {
    keys: Option<Mutex<Budget>>,
    bytes: Option<Mutex<Budget>>,
}

impl Pace {
    pub fn new(keys_per_second: Option<u64>, bytes_per_second: Option<u64>, now: Instant) -> Pace {
        let budget = |rate: Option<u64>| Some(Mutex::new(Budget::new(rate? as f64, now)));
        Pace { keys: budget(keys_per_second), bytes: budget(bytes_per_second) }
    }

    /// Returns when so much may be sent.
    pub async fn take(&self, keys: u64, bytes: u64) {
        let now = Instant::now();
        let wait = |budget: &Option<Mutex<Budget>>, amount: u64| {
            let mut budget = budget.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
            Some(budget.take(amount as f64, now))
        };
        let wait = wait(&self.keys, keys).max(wait(&self.bytes, bytes)).unwrap_or_default();
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }
}

#[derive(Debug)]
struct Budget {
    per_second: f64,
    /// Below 0: owed.
    balance: f64,
    at: Instant,
}

impl Budget {
    fn new(per_second: f64, now: Instant) -> Budget {
        Budget { per_second: per_second.max(1.0), balance: 0.0, at: now }
    }

    /// How long to wait before `amount` may be used.
    fn take(&mut self, amount: f64, now: Instant) -> Duration {
        let earned = now.saturating_duration_since(self.at).as_secs_f64() * self.per_second;
        self.at = now;
        self.balance = (self.balance + earned).min(self.per_second * BURST_SECONDS) - amount;
        Duration::from_secs_f64((-self.balance / self.per_second).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_time_no_more_is_taken_than_allowed() {
        let start = Instant::now();
        let (mut budget, mut now, mut taken) = (Budget::new(1000.0, start), start, 0.0);
        for step in 0..1000u32 {
            let amount = f64::from(step % 50);
            // Who does something else for a while may catch up with a tenth of a second only.
            now += budget.take(amount, now) + Duration::from_millis(u64::from(step == 500) * 3000);
            taken += amount;
        }
        let seconds = now.duration_since(start).as_secs_f64();
        assert!((seconds - 3.0 - taken / 1000.0).abs() < 0.2, "{taken} in {seconds} s");
    }
}
