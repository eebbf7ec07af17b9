//! Keys that are on their way to another node: MIGRATE has sent them, and until the target's answer they may be
//! read here but not written. Who wants to write one waits here.

use std::collections::HashMap;

use crate::client::WakeHandle;

#[derive(Debug, Default)]
pub struct Departing {
    keys: HashMap<(usize, Box<[u8]>), Vec<WakeHandle>>,
}

impl Departing {
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// False when the key is marked already, by another MIGRATE.
    pub fn mark(&mut self, database: usize, key: &[u8]) -> bool {
        let place = (database, key.into());
        if self.keys.contains_key(&place) {
            return false;
        }
        self.keys.insert(place, Vec::new());
        true
    }

    pub fn contains(&self, database: usize, key: &[u8]) -> bool {
        !self.keys.is_empty() && self.keys.contains_key(&(database, key.into()))
    }

    /// `wait` ends when the key is free again, one way or the other.
    pub fn wait_for(&mut self, database: usize, key: &[u8], wait: WakeHandle) {
        if let Some(waiting) = self.keys.get_mut(&(database, key.into())) {
            waiting.push(wait);
        }
    }

    /// The key is here or gone, but free: who waited runs its request again.
    pub fn unmark(&mut self, database: usize, key: &[u8]) {
        if let Some(waiting) = self.keys.remove(&(database, key.into())) {
            waiting.iter().for_each(WakeHandle::retry);
        }
    }
}
