//! How much goes into one write of MIGRATE calls.
//!
//! All of a write is done in one go: its source serves nobody meanwhile. So what counts is time, and keys are weighed in it:
//!
//! ```text
//! a call   50 µs      the source waits for the target's answer
//! a key     5 µs      found, serialised, stored, deleted; and a µs for each 64 bytes of its memory
//! ```
//!
//! These were measured on two cores with redis-server 7.0.15; where they are wrong the window corrects them. Writes aim at half a millisecond, for larger
//! ones make nothing faster; where there is a limit, at a fortieth of it, or at 125 µs where that is more and no more than an eighth of it. The window is halved when a write took longer than most of the limit, and grows
//! while writes that filled it stay below the aim. What only held up a write or two (the disk, another program) is grown back from, too: a write takes its own
//! time and that of the one before it, so there twice the aim is quick enough.
//!
//! A call costs as much as ten keys. So a write ends between two slots where it is more than half full: few slots take more calls than they need.

use std::collections::VecDeque;
use std::time::Duration;

use rcl_proto::Slot;

use super::turn::WRITES;

/// A µs.
const BYTES_PER_US: u64 = 64;
const KEY_WEIGHT: u64 = 5 * BYTES_PER_US;
const CALL_WEIGHT: u64 = 50 * BYTES_PER_US;
/// More keys than this in one write gain nothing.
const WRITE_KEYS: usize = 200;
/// What a write is to take.
const USUAL_AIM: Duration = Duration::from_micros(500);
/// What a write may take where the user sets no limit.
const USUAL_LIMIT: Duration = Duration::from_millis(10);
/// Of the limit. Whoever asks just then waits for more than the write: for questions, for files that the node writes, for its hash table that
/// grows, for a processor.
const SHARE: u32 = 40;
/// Smaller writes are mostly the call's own time, where the limit leaves room for these.
const SMALL_AIM: Duration = Duration::from_micros(125);
const MOST_OF_THE_LIMIT: u32 = 8;

/// A key, and what it takes of its node's memory; 0 where that is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weighed {
    pub name: Vec<u8>,
    pub bytes: u64,
}

impl Weighed {
    fn weight(&self) -> u64 {
        self.bytes.saturating_add(KEY_WEIGHT)
    }

    /// How long its node will serve nobody while it goes.
    pub fn stall(&self) -> Duration {
        Duration::from_micros(self.weight().saturating_add(CALL_WEIGHT) / BYTES_PER_US)
    }
}

/// The keys of one MIGRATE, all of one slot.
pub type Call<'a> = (Slot, &'a [Weighed]);

#[derive(Clone, Debug)]
pub struct Window {
    weight: u64,
    start: u64,
    aim: Duration,
    limit: Duration,
}

impl Window {
    pub fn new(limit: Option<Duration>) -> Window {
        let aim = limit.map_or(USUAL_AIM, |limit| {
            (limit / SHARE).clamp(SMALL_AIM, USUAL_AIM).min(limit / MOST_OF_THE_LIMIT)
        });
        let weight = u64::try_from(aim.as_micros()).unwrap_or(u64::MAX).saturating_mul(BYTES_PER_US);
        Window { weight, start: weight, aim, limit: limit.unwrap_or(USUAL_LIMIT) }
    }

    pub fn weight(&self) -> u64 {
        self.weight
    }

    /// What a write is to take.
    pub fn aim(&self) -> Duration {
        self.aim
    }

    /// A write of `calls` took so long.
    pub fn learn(&mut self, calls: &[Call<'_>], took: Duration) {
        let sent = weight_of(calls);
        // One key that is larger than the window says nothing of the others.
        if took > self.limit * 7 / 10 && sent <= self.weight {
            self.weight = (sent / 2).max(self.start / 4);
        } else if sent.saturating_mul(2) > self.weight {
            let most = if took < self.aim * 6 / 10 {
                self.start.saturating_mul(4)
            } else if took < self.aim * WRITES as u32 {
                self.start
            } else {
                0
            };
            self.weight = (self.weight + self.weight / 4).min(most).max(self.weight);
        }
    }
}

pub fn weight_of(calls: &[Call<'_>]) -> u64 {
    let of_call = |sum: u64, (_, keys): &Call<'_>| {
        keys.iter().map(Weighed::weight).fold(sum.saturating_add(CALL_WEIGHT), u64::saturating_add)
    };
    calls.iter().fold(0, of_call)
}

/// How long the node will serve nobody while the keys of one call go.
pub fn stall_of(call: &Call<'_>) -> Duration {
    Duration::from_micros(weight_of(std::slice::from_ref(call)) / BYTES_PER_US)
}

/// Takes the next calls, at most so many, that together weigh no more than `window`; one key at least.
pub fn next_write<'a>(
    left: &mut VecDeque<Call<'a>>,
    window: u64,
    keys_per_call: usize,
    most_calls: usize,
) -> Vec<Call<'a>> {
    let mut write: Vec<Call<'a>> = Vec::new();
    let (mut weight, mut count) = (0u64, 0);
    while let Some((slot, keys)) = left.pop_front() {
        let whole = weight.saturating_add(weight_of(&[(slot, keys)]));
        if whole > window && weight > window / 2 {
            left.push_front((slot, keys));
            break;
        }
        weight = weight.saturating_add(CALL_WEIGHT);
        let fits = |key: &&Weighed| {
            weight = weight.saturating_add(key.weight());
            weight <= window
        };
        let room = keys_per_call.min(WRITE_KEYS - count);
        let mut taken = keys.iter().take(room).take_while(fits).count();
        if taken == 0 && write.is_empty() {
            taken = keys.len().min(1);
        }
        let (now, later) = keys.split_at(taken);
        if !later.is_empty() {
            left.push_front((slot, later));
        }
        if now.is_empty() {
            break;
        }
        count += taken;
        write.push((slot, now));
        // What is left of a slot goes with the next call, in this write where there is room.
        if weight > window || count >= WRITE_KEYS || write.len() >= most_calls {
            break;
        }
    }
    write
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(count: usize, bytes: u64) -> Vec<Weighed> {
        (0..count).map(|number| Weighed { name: vec![number as u8], bytes }).collect()
    }

    fn sizes(keys: &[Weighed], window: u64, per_call: usize) -> Vec<Vec<usize>> {
        let mut left: VecDeque<Call> = [(Slot::MIN, &keys[..18]), (Slot::MAX, &keys[18..])].into();
        std::iter::from_fn(|| {
            let write = next_write(&mut left, window, per_call, 4);
            (!write.is_empty()).then(|| write.iter().map(|(_, keys)| keys.len()).collect())
        })
        .collect()
    }

    #[test]
    fn a_write_weighs_no_more_than_its_window_and_makes_progress() {
        let small = keys(36, 100);
        let call = |count: u64| CALL_WEIGHT + count * (KEY_WEIGHT + 100);
        assert_eq!(sizes(&small, call(18) * 2, 100), [[18, 18]]);
        assert_eq!(sizes(&small, call(18), 100), [[18], [18]]);
        assert_eq!(sizes(&small, call(10), 100), [vec![10], vec![8], vec![10], vec![8]]);
        assert_eq!(sizes(&small, u64::MAX, 10), [[10, 8, 10, 8]]);
        assert_eq!(sizes(&small, u64::MAX, 6), [vec![6, 6, 6, 6], vec![6, 6]], "four calls at most");
        assert_eq!(sizes(&keys(20, 1 << 30), 1, 100).len(), 20, "a key a write, however large");
        assert_eq!(sizes(&keys(300, 1), u64::MAX, 100), [vec![18, 100, 82], vec![100]]);
        assert_eq!(sizes(&keys(18, 1), u64::MAX, 100), [[18]], "a slot without keys needs no call");
    }

    #[test]
    fn a_slot_is_cut_only_where_a_write_would_be_half_empty() {
        let small = keys(36, 100);
        let call = |count: u64| CALL_WEIGHT + count * (KEY_WEIGHT + 100);
        assert_eq!(sizes(&small, call(18) + call(17), 100), [[18], [18]]);
        assert_eq!(sizes(&small, call(18) * 2 - 1, 100), [[18], [18]]);
        let ten: Vec<Call> = small.chunks(10).map(|keys| (Slot::MIN, keys)).collect();
        let mut left: VecDeque<Call> = ten.into();
        let mut next = |window| -> Vec<usize> {
            next_write(&mut left, window, 100, 9).iter().map(|(_, keys)| keys.len()).collect()
        };
        assert_eq!(next(call(10) * 3 - 1), [10, 10]);
        assert_eq!(next(call(10) + call(2)), [10], "two more keys would be a call of their own");
        assert_eq!(next(call(4)), [4]);
        assert_eq!(next(u64::MAX), [2]);
    }

    #[test]
    fn the_window_follows_the_time_that_writes_take() {
        let keys = keys(50, 100);
        let calls: [Call; 1] = [(Slot::MIN, &keys)];
        let us = Duration::from_micros;
        let aims = [400, 1000, 5000, 16_000, 60_000].map(|limit| Window::new(Some(us(limit))).weight());
        assert_eq!(aims.map(|weight| weight / BYTES_PER_US), [50, 125, 125, 400, 500]);
        assert_eq!(Window::new(None).weight(), 500 * BYTES_PER_US);
        let mut window = Window::new(Some(us(16_000)));
        let start = window.weight();
        window.learn(&calls, us(14_000));
        assert!(window.weight() <= weight_of(&calls) / 2 && window.weight() < start);
        for _ in 0..100 {
            window.learn(&calls, us(14_000));
        }
        let (slow, one) = (window.weight(), [(Slot::MIN, &keys[..1])]);
        assert!(slow >= start / 4);
        // Two writes are under way, and each takes its aim.
        for _ in 0..100 {
            window.learn(&calls, us(700));
        }
        assert_eq!(window.weight(), start, "grown back");
        window.learn(&calls, us(900));
        assert_eq!(window.weight(), start);
        for _ in 0..100 {
            window.learn(&calls, us(14_000));
        }
        // Quick ones that fill it make it grow, others do not.
        for _ in 0..100 {
            window.learn(&one, us(100));
        }
        assert_eq!(window.weight(), slow);
        for _ in 0..100 {
            window.learn(&calls, us(100));
        }
        assert!(window.weight() > slow && window.weight() <= start * 4);
        let huge = [Weighed { name: vec![1], bytes: 1 << 40 }];
        let before = window.weight();
        window.learn(&[(Slot::MIN, &huge)], us(999_000));
        assert_eq!(window.weight(), before);
    }

    #[test]
    fn a_key_s_stall_is_estimated_by_its_bytes() {
        let stall = |bytes| Weighed { name: Vec::new(), bytes }.stall().as_millis();
        assert_eq!(stall(100), 0);
        assert!(
            (250..330).contains(&stall(18_000_000)),
            "a hash of 200,000 short fields: {}",
            stall(18_000_000)
        );
        assert!(stall(u64::MAX) > 1_000_000);
    }
}
