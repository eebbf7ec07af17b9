//! DEBUG SLEEP: the whole node stands still. Redis has one thread that sleeps; here one of several would, so the others wait
//! for it where a request goes through the gate, and what is done from time to time waits too.
//!
//! The cluster's control thread goes on: a node that sleeps is not a dead one.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::executor::node_state;
use crate::node::Node;

#[derive(Debug, Default)]
pub struct Sleep {
    /// How many requests sleep.
    sleepers: Mutex<usize>,
    all_awake: Condvar,
}

impl Sleep {
    fn lock(&self) -> MutexGuard<'_, usize> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The calling thread sleeps, and whoever comes to [`Sleep::wait_until_over`] with it.
    pub fn sleep(node: &Node, duration: Duration) {
        Sleep::begin(node);
        std::thread::sleep(duration);
        let mut sleepers = node.sleep.lock();
        *sleepers -= 1;
        if *sleepers == 0 {
            node.set_state(node_state::ASLEEP, false);
            node.sleep.all_awake.notify_all();
        }
    }

    /// From now on the node sleeps. Who does not end it, as DEBUG SLEEP does, ends the node.
    pub fn begin(node: &Node) {
        *node.sleep.lock() += 1;
        node.set_state(node_state::ASLEEP, true);
    }

    pub fn wait_until_over(&self) {
        let mut sleepers = self.lock();
        while *sleepers > 0 {
            sleepers = self.all_awake.wait(sleepers).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::in_memory::{Client, node};

    #[test]
    fn while_one_sleeps_all_stand_still() {
        let node = node();
        let is_asleep = || node.state() & node_state::ASLEEP != 0;
        std::thread::scope(|scope| {
            scope.spawn(|| Client::new(&node).ask("DEBUG SLEEP 0.2"));
            while !is_asleep() {
                std::thread::yield_now();
            }
            assert_eq!(Client::new(&node).ask("PING"), "+PONG");
            assert!(!is_asleep(), "it was answered while the node slept");
        });
        assert_eq!(Client::new(&node).ask("PING"), "+PONG");
    }
}
