//! When a target will next be busy with work of its own.
//!
//! Ten times a second Redis serves nobody for as long as its periodic work takes: 2 ms while a hash table grows, as that of a node that is being
//! given keys does. A source whose MIGRATE waits for that answer serves nobody either, and a client that is sent from one to the other
//! waits for both. The next time is known, for Redis counts a tenth of a second from the end of the last:
//!
//! ```text
//! a write that took long      its end was the end of such work, perhaps
//! a tenth of a second later   nothing is written; the target is asked PING after PING until one takes long: that was it
//! none took long              it was something else, or the work is done
//! ```
//!
//! What is waited counts as the source's rest (turn.rs). Only where the user limits what a write may take.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::connect::{Link, Words};

/// `hz 10`, which Redis has unless it is told otherwise. With another one nothing is met a second time, and little waited.
const PERIOD: Duration = Duration::from_millis(100);
/// A write begins no later than so long before it, and the end that was seen is a little later than the end that was.
const EARLY: Duration = Duration::from_micros(700);
/// Its timer is no finer than a ms.
const LATE: Duration = Duration::from_micros(1500);
/// A write that took as many times what it is to take took long.
const LONG_WRITE: u32 = 8;
/// Of the time of a long write.
const LONG_PING: u32 = 2;

/// Of one target.
#[derive(Debug)]
pub struct Beat {
    long: Duration,
    ended: Mutex<Option<Instant>>,
}

impl Beat {
    /// `aim`: what a write is to take.
    pub fn new(aim: Duration) -> Beat {
        Beat { long: aim * LONG_WRITE, ended: Mutex::default() }
    }

    fn ended(&self) -> MutexGuard<'_, Option<Instant>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A write was sent and answered then.
    pub fn written(&self, sent: Instant, answered: Instant) {
        if answered - sent >= self.long {
            // What was foretold and has not come yet is the better guess.
            self.ended().get_or_insert(answered);
        }
    }

    /// Nothing is to be written now.
    fn is_near(&self, now: Instant) -> bool {
        let mut ended = self.ended();
        let Some(due) = ended.map(|ended| ended + PERIOD) else { return false };
        if now > due + LATE {
            *ended = None;
        }
        due <= now + EARLY && ended.is_some()
    }

    /// True when that was it: so the next is known.
    fn asked(&self, sent: Instant, answered: Instant) -> bool {
        let is_it = answered - sent >= self.long / LONG_PING;
        if is_it {
            *self.ended() = Some(answered);
        }
        is_it
    }

    /// Waits until it is over, when it is near.
    pub async fn pass(&self, target: &Link) {
        while self.is_near(Instant::now()) {
            let sent = Instant::now();
            // Whose target is gone the source will tell of it.
            if target.raw(&Words::of(&["PING"])).await.is_err() || self.asked(sent, Instant::now()) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_once_is_waited_for_a_tenth_of_a_second_later_and_so_on_until_it_does_not_come() {
        let began = Instant::now();
        let at = |ms: f64| began + Duration::from_secs_f64(ms / 1e3);
        let beat = Beat::new(Duration::from_micros(125));
        assert!(!beat.is_near(at(0.0)));
        beat.written(at(0.0), at(0.9));
        assert!(!beat.is_near(at(100.5)), "a write as others");
        beat.written(at(1.0), at(3.0));
        assert_eq!([3.0, 50.0, 102.2].map(|ms| beat.is_near(at(ms))), [false; 3]);
        beat.written(at(50.0), at(53.0));
        assert_eq!([102.4, 103.0, 104.4].map(|ms| beat.is_near(at(ms))), [true; 3], "the first one counts");
        assert!(!beat.asked(at(103.0), at(103.1)));
        assert!(beat.asked(at(103.5), at(105.0)));
        assert_eq!([105.0, 203.0, 204.5].map(|ms| beat.is_near(at(ms))), [false, false, true]);
        assert!(!beat.is_near(at(206.6)), "it did not come");
        assert!(!beat.is_near(at(205.0)), "nor is it waited for again");
    }
}
