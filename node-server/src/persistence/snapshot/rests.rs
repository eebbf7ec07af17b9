//! When the walk sleeps, where clients are served meanwhile.
//!
//! Half a millisecond of work (less where nobody waits for it: a disk that is written to takes its part, too), then a rest that is a little longer. A client whose own processor is taken for some milliseconds by something
//! else comes to this one then: a system that has nothing left to run here looks for what waits elsewhere. Shorter rests, however
//! many, do not bring it: Linux does not look when it expects work to come back within half a millisecond.

use std::thread;
use std::time::{Duration, Instant};

use crate::clock;

const WORK: Duration = Duration::from_micros(400);
const WORK_WAITED_FOR: Duration = Duration::from_micros(500);
const REST: Duration = Duration::from_micros(600);

pub(super) struct Rests {
    work: Duration,
    rested_at: Instant,
}

impl Rests {
    pub(super) fn new(is_waited_for: bool) -> Rests {
        let work = if is_waited_for { WORK_WAITED_FOR } else { WORK };
        Rests { work, rested_at: clock::monotonic() }
    }

    pub(super) fn rest_when_due(&mut self) {
        if self.is_due(clock::monotonic()) {
            thread::sleep(REST);
            self.rested_at = clock::monotonic();
        }
    }

    fn is_due(&self, now: Instant) -> bool {
        now - self.rested_at >= self.work
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_is_due_after_as_much_work_and_not_before() {
        for (is_waited_for, work) in [(false, WORK), (true, WORK_WAITED_FOR)] {
            let rests = Rests::new(is_waited_for);
            let began = rests.rested_at;
            assert!(!rests.is_due(began));
            assert!(!rests.is_due(began + work - Duration::from_nanos(1)));
            assert!(rests.is_due(began + work));
        }
    }

    #[test]
    fn after_a_rest_there_is_work_again() {
        let mut rests = Rests::new(false);
        let began = rests.rested_at - WORK;
        rests.rested_at = began;
        rests.rest_when_due();
        assert!(rests.rested_at >= began + WORK + REST, "nobody slept");
        assert!(!rests.is_due(rests.rested_at));
    }
}
