//! How long each MIGRATE waits for the target.
//!
//! A Redis that waits serves nobody, and does what came to it one call after the other. So where a target falls silent, its source is held up for as long
//! as all calls before it wait together; beyond the node timeout its peers would call it failed, too, and its replica would take its place.
//!
//! ```text
//! all calls that a source has before it    half of the node timeout, and half of our own patience: so it can still say who was silent
//! a write                                  its share of that: a source has two writes before it (turn.rs)
//! a call                                   its share of the write's; no less than 20 ms, nor four times what it should take
//! ```
//!
//! MIGRATE's time limit is for each answer of the target's, not for the whole. On a slow network writes have few calls (window.rs), each of which has
//! much time. What that was too short for goes once more, a call a write, with the write's whole time.

use std::time::Duration;

use super::turn::WRITES;
use super::window::{Call, stall_of};

/// Longer than what a healthy target is away for in between.
const LEAST: Duration = Duration::from_millis(20);
const LEAST_OF_OURS: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug)]
pub struct Patience {
    of_a_write: Duration,
    /// What the user said, for each call.
    told_ms: Option<u64>,
}

impl Patience {
    /// `ours`: how long we wait for an answer ourselves.
    pub fn new(told_ms: Option<u64>, ours: Duration, node_timeout: Duration) -> Patience {
        let of_all = (ours / 2).max(LEAST_OF_OURS).min(node_timeout / 2);
        Patience { of_a_write: of_all / WRITES as u32, told_ms }
    }

    /// With more in one write none of them would have time enough.
    pub fn most_calls(&self) -> usize {
        match self.told_ms {
            Some(_) => usize::MAX,
            None => (self.of_a_write.as_millis() / LEAST.as_millis()).max(1) as usize,
        }
    }

    /// The time limit of `call`, in a write of so many.
    pub fn timeout_ms(&self, call: &Call<'_>, calls: usize) -> u64 {
        let share = self.of_a_write / u32::try_from(calls.max(1)).unwrap_or(u32::MAX);
        let limit = share.max(LEAST).max(stall_of(call).saturating_mul(4));
        self.told_ms.unwrap_or(u64::try_from(limit.as_millis()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use rcl_proto::Slot;

    use super::*;
    use crate::apply::Weighed;

    fn patience(told_ms: Option<u64>, ours_s: u64, node_timeout_ms: u64) -> Patience {
        Patience::new(told_ms, Duration::from_secs(ours_s), Duration::from_millis(node_timeout_ms))
    }

    #[test]
    fn all_calls_before_a_source_wait_for_less_than_the_node_timeout() {
        let keys = [Weighed { name: vec![1], bytes: 100 }];
        let call: Call = (Slot::MIN, &keys);
        for node_timeout_ms in [200, 500, 2000, 15_000, 60_000] {
            for ours_s in [1, 3, 10, 600] {
                let patience = patience(None, ours_s, node_timeout_ms);
                for calls in 1..=patience.most_calls().min(100) {
                    let all_ms = patience.timeout_ms(&call, calls) * (calls * WRITES) as u64;
                    assert!(all_ms <= node_timeout_ms / 2, "{node_timeout_ms} {ours_s} {calls}: {all_ms}");
                }
            }
        }
        let usual = patience(None, 5, 15_000);
        assert_eq!((usual.timeout_ms(&call, 1), usual.timeout_ms(&call, 25)), (1250, 50));
        assert!(usual.most_calls() >= 40, "as many as a write ever has");
        assert_eq!(patience(None, 5, 2000).most_calls(), 25);
    }

    #[test]
    fn a_key_that_takes_long_gets_the_time_for_it_and_what_the_user_says_holds() {
        let keys = [Weighed { name: vec![1], bytes: 64_000_000 }];
        let call: Call = (Slot::MIN, &keys);
        assert!((4000..4100).contains(&patience(None, 5, 15_000).timeout_ms(&call, 1)), "it takes a second");
        assert_eq!(patience(Some(77), 5, 15_000).timeout_ms(&call, 30), 77);
        assert_eq!(patience(Some(77), 5, 15_000).most_calls(), usize::MAX);
    }
}
