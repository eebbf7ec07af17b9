//! Whose turn it is to keep a node busy.
//!
//! A node does what came in one write in one go, and serves nobody meanwhile. So writes are small, and a node has no more than two with keys before it:
//! the second keeps it from idling while the first is answered. What is asked and told beside them (what lies in slots, SETSLOT) has two places of its own: did it wait
//! behind keys, or keys behind it, the node would idle.
//!
//! Where the user limits what a write may take, it is one, whatever it is, and then the node is left alone for twice as long as it was kept busy: who came
//! meanwhile is served, and has a processor for what it does with the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

/// How many writes with keys a node has before it, and how many of the others.
pub const WRITES: usize = 2;
/// Rest, of the time that it was kept busy.
const REST_PERCENT: i64 = 200;
/// A timer is no finer: shorter rests are saved up.
const LEAST_REST_US: i64 = 1000;
/// What a timer rested too long is made up for, but no more of it.
const MOST_CREDIT_US: i64 = 2000;

/// Clones take turns with each other.
#[derive(Clone, Debug)]
pub struct Turn {
    writes: Arc<Semaphore>,
    beside: Arc<Semaphore>,
    /// What the node has yet to be left alone for, in µs; `None`: it gets no rest.
    owed_us: Option<Arc<AtomicI64>>,
}

impl Turn {
    /// `rests`: one write at a time, and rests between them.
    pub fn new(rests: bool) -> Turn {
        let places = |count| Arc::new(Semaphore::new(count));
        let writes = places(if rests { 1 } else { WRITES });
        let beside = if rests { Arc::clone(&writes) } else { places(WRITES) };
        Turn { writes, beside, owed_us: rests.then(Arc::default) }
    }

    /// What is due now, after it was busy for so long.
    fn rest(&self, busy: Duration) -> Option<Duration> {
        let owed_us = self.owed_us.as_ref()?;
        let more = micros(busy).saturating_mul(REST_PERCENT) / 100;
        let due = owed_us.fetch_add(more, Ordering::Relaxed).saturating_add(more);
        (due >= LEAST_REST_US).then(|| Duration::from_micros(due.unsigned_abs()))
    }

    fn rested(&self, rest: Duration) {
        if let Some(owed_us) = &self.owed_us {
            let left = owed_us.load(Ordering::Relaxed).saturating_sub(micros(rest));
            owed_us.store(left.max(-MOST_CREDIT_US), Ordering::Relaxed);
        }
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

/// Moves keys, which keeps all of these busy, as soon as it is its turn and all is `ready`; until then they rest. They are to be named in one
/// order everywhere: sources first.
pub async fn in_turn<T>(
    turns: &[&Turn],
    ready: impl Future<Output = ()>,
    deed: impl Future<Output = T>,
) -> T {
    taking(turns, |turn| &turn.writes, ready, deed).await
}

/// Asks or tells something beside the keys.
pub async fn beside<T>(turns: &[&Turn], deed: impl Future<Output = T>) -> T {
    taking(turns, |turn| &turn.beside, std::future::ready(()), deed).await
}

async fn taking<T>(
    turns: &[&Turn],
    places: impl Fn(&Turn) -> &Semaphore,
    ready: impl Future<Output = ()>,
    deed: impl Future<Output = T>,
) -> T {
    let mut taken = Vec::with_capacity(turns.len());
    for turn in turns {
        // Nobody closes them, so this is no error.
        taken.push(places(turn).acquire().await.ok());
    }
    let came = Instant::now();
    ready.await;
    let started = Instant::now();
    turns.iter().for_each(|turn| turn.rested(started - came));
    let done = deed.await;
    let busy = started.elapsed();
    if let Some(rest) = turns.iter().filter_map(|turn| turn.rest(busy)).max() {
        let began = Instant::now();
        tokio::time::sleep(rest).await;
        let rest = began.elapsed();
        turns.iter().for_each(|turn| turn.rested(rest));
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of so many deeds with keys, and of as many beside them, are under way at once.
    async fn most_at_once(turns: &[&Turn]) -> usize {
        const EACH: usize = 3;
        let under_way = Semaphore::new(2 * EACH);
        let deed = async || {
            let _one = under_way.acquire().await;
            let at_once = 2 * EACH - under_way.available_permits();
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
            at_once
        };
        let keys = || in_turn(turns, std::future::ready(()), deed());
        let other = || beside(turns, deed());
        let (a, b, c, d, e, f) = tokio::join!(keys(), keys(), keys(), other(), other(), other());
        [a, b, c, d, e, f].into_iter().max().unwrap()
    }

    #[tokio::test]
    async fn a_node_has_two_writes_of_each_kind_before_it_or_one_where_it_gets_a_rest() {
        let (free, resting) = (Turn::new(false), Turn::new(true));
        assert_eq!(most_at_once(&[]).await, 6);
        assert_eq!(most_at_once(&[&free]).await, 2 * WRITES);
        assert_eq!(most_at_once(&[&resting]).await, 1);
        assert_eq!(most_at_once(&[&free, &resting]).await, 1);
    }

    #[tokio::test]
    async fn a_node_is_left_alone_for_twice_as_long_as_it_was_busy() {
        let busy = Duration::from_millis(20);
        let started = Instant::now();
        let turn = Turn::new(true);
        in_turn(&[&turn], std::future::ready(()), tokio::time::sleep(busy)).await;
        assert!(started.elapsed() >= busy * 3);
        in_turn(&[&turn], tokio::time::sleep(busy), async {}).await;
        let owed_us = turn.owed_us.as_ref().map(|owed| owed.load(Ordering::Relaxed));
        assert!(
            owed_us.is_some_and(|owed| owed < -1000),
            "{owed_us:?}: to wait until all is ready is a rest"
        );
        let (turn, us) = (Turn::new(true), Duration::from_micros);
        assert_eq!([150, 300].map(|busy| turn.rest(us(busy))), [None, None], "shorter rests are saved up");
        assert_eq!(turn.rest(us(300)), Some(us(1500)));
        turn.rested(us(2000));
        assert_eq!(turn.rest(us(600)), None, "500 too long is made up for");
        turn.rested(us(1_000_000));
        assert_eq!([1050, 450].map(|busy| turn.rest(us(busy))), [None, Some(us(1000))], "two ms at most");
        assert_eq!(Turn::new(false).rest(busy), None);
    }
}
