//! Wakes the one thread that sleeps until the log grows, at next to no cost while it is awake.

use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

#[derive(Debug, Default)]
pub struct Bell {
    /// Somebody sleeps, or is about to.
    sleeps: AtomicBool,
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    /// What the sleeper looks at was changed before this.
    #[inline]
    pub fn ring(&self) {
        // The change comes before the look at who sleeps; the sleeper does it the other way round.
        fence(Ordering::SeqCst);
        if self.sleeps.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        self.sleeps.store(false, Ordering::Relaxed);
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_one();
    }

    /// Returns when it was rung, or after `at_most`; at once if there is something to do already.
    pub fn sleep(&self, at_most: Duration, has_something_to_do: impl FnOnce() -> bool) {
        self.sleeps.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        if !has_something_to_do() && !*rung {
            let waited = self.changed.wait_timeout_while(rung, at_most, |rung| !*rung);
            rung = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        *rung = false;
        self.sleeps.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;

    #[test]
    fn nothing_is_slept_over() {
        let (bell, count) = (Arc::new(Bell::default()), Arc::new(AtomicU64::new(0)));
        let ringer = {
            let (bell, count) = (bell.clone(), count.clone());
            std::thread::spawn(move || {
                for _ in 0..20_000 {
                    count.fetch_add(1, Ordering::Release);
                    bell.ring();
                }
            })
        };
        let mut seen = 0;
        while seen < 20_000 {
            // Without a time limit: a ring that is missed is a test that hangs.
            bell.sleep(Duration::MAX, || count.load(Ordering::Acquire) != seen);
            seen = count.load(Ordering::Acquire);
        }
        ringer.join().unwrap();
    }
}
