//! Whose turn it is to keep a node busy.
//!
//! A node does what came in one write in one go, and serves nobody meanwhile. So writes are small, and a node has no more than two before it:
//! the second keeps it from idling while the first is answered, and between the two it serves whom it finds waiting.
//!
//! Where the user limits what a write may take, it is one, and then the node is left alone for as long as it was kept busy: who came
//! meanwhile is served, and has a processor for what it does with the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

/// How many writes a node has before it.
pub const WRITES: usize = 2;
/// A timer is no finer: shorter rests are saved up.
const LEAST_REST: Duration = Duration::from_millis(1);

/// Clones take turns with each other.
#[derive(Clone, Debug)]
pub struct Turn {
    writes: Arc<Semaphore>,
    /// What the node has yet to be left alone for, in µs; `None`: it gets no rest.
    owed: Option<Arc<AtomicU64>>,
}

impl Turn {
    /// `rests`: one write at a time, and rests between them.
    pub fn new(rests: bool) -> Turn {
        let writes = Arc::new(Semaphore::new(if rests { 1 } else { WRITES }));
        Turn { writes, owed: rests.then(Arc::default) }
    }

    /// What is due now, after it was busy for so long.
    fn rest(&self, busy: Duration) -> Option<Duration> {
        let (owed, busy) = (self.owed.as_ref()?, u64::try_from(busy.as_micros()).unwrap_or(u64::MAX));
        let due = Duration::from_micros(owed.fetch_add(busy, Ordering::Relaxed).saturating_add(busy));
        if due < LEAST_REST {
            return None;
        }
        owed.store(0, Ordering::Relaxed);
        Some(due)
    }
}

/// Does what keeps all of these busy. They are to be named in one order everywhere: sources first.
pub async fn in_turn<T>(turns: &[&Turn], deed: impl Future<Output = T>) -> T {
    let mut taken = Vec::with_capacity(turns.len());
    for turn in turns {
        // Nobody closes them, so this is no error.
        taken.push(turn.writes.acquire().await.ok());
    }
    let started = Instant::now();
    let done = deed.await;
    let busy = started.elapsed();
    if let Some(rest) = turns.iter().filter_map(|turn| turn.rest(busy)).max() {
        tokio::time::sleep(rest).await;
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of four deeds are under way at once.
    async fn most_at_once(turns: &[&Turn]) -> usize {
        let under_way = Semaphore::new(4);
        let deed = || {
            in_turn(turns, async {
                let _one = under_way.acquire().await;
                let at_once = 4 - under_way.available_permits();
                for _ in 0..8 {
                    tokio::task::yield_now().await;
                }
                at_once
            })
        };
        let (a, b, c, d) = tokio::join!(deed(), deed(), deed(), deed());
        a.max(b).max(c).max(d)
    }

    #[tokio::test]
    async fn a_node_has_two_writes_before_it_or_one_where_it_gets_a_rest() {
        let (free, resting) = (Turn::new(false), Turn::new(true));
        assert_eq!(most_at_once(&[]).await, 4);
        assert_eq!(most_at_once(&[&free]).await, WRITES);
        assert_eq!(most_at_once(&[&resting]).await, 1);
        assert_eq!(most_at_once(&[&free, &resting]).await, 1);
    }

    #[tokio::test]
    async fn a_node_is_left_alone_for_as_long_as_it_was_busy() {
        let busy = Duration::from_millis(20);
        let started = Instant::now();
        in_turn(&[&Turn::new(true)], tokio::time::sleep(busy)).await;
        assert!(started.elapsed() >= busy * 2);
        let (turn, us) = (Turn::new(true), Duration::from_micros);
        let rests = [400, 500, 600, 100, 5000].map(|busy| turn.rest(us(busy)));
        assert_eq!(rests, [None, None, Some(us(1500)), None, Some(us(5100))], "shorter rests are saved up");
        assert_eq!(Turn::new(false).rest(busy), None);
    }
}
