//! No more than so many keys a second.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Shared by all that work on the same thing.
#[derive(Debug)]
pub struct Rate {
    per_second: Option<u64>,
    /// When the next keys may be taken.
    free_at: Mutex<Instant>,
}

impl Rate {
    /// `None`: as fast as it goes.
    pub fn new(per_second: Option<u64>) -> Rate {
        Rate { per_second: per_second.filter(|rate| *rate > 0), free_at: Mutex::new(Instant::now()) }
    }

    /// Waits until so many keys may be worked on.
    pub async fn take(&self, keys: usize) {
        let Some(per_second) = self.per_second else { return };
        let start = {
            let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
            let start = (*free_at).max(Instant::now());
            *free_at = start + Duration::from_secs_f64(keys as f64 / per_second as f64);
            start
        };
        tokio::time::sleep_until(start.into()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_a_limit_nobody_waits() {
        // With one, this would take thousands of years.
        Rate::new(None).take(1 << 40).await;
        Rate::new(Some(0)).take(1 << 40).await;
    }
}
