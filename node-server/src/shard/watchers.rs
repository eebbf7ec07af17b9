//! Who WATCHes which key of a shard.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Set when a key that its client watches changes.
type BrokenFlag = Arc<AtomicBool>;

/// For each watched key the flags of its watchers; a change of the key sets them.
#[derive(Debug, Default)]
pub struct Watchers {
    keys: HashMap<(usize, Box<[u8]>), Vec<BrokenFlag>>,
}

impl Watchers {
    pub fn add(&mut self, database: usize, key: &[u8], flag: Arc<AtomicBool>) {
        self.keys.entry((database, key.into())).or_default().push(flag);
    }

    pub fn remove(&mut self, database: usize, key: &[u8], flag: &Arc<AtomicBool>) {
        let place = (database, key.into());
        if let Some(flags) = self.keys.get_mut(&place) {
            flags.retain(|other| !Arc::ptr_eq(other, flag));
            if flags.is_empty() {
                self.keys.remove(&place);
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// `key` changed.
    pub fn touch(&mut self, database: usize, key: &[u8]) {
        if self.keys.is_empty() {
            return;
        }
        if let Some(flags) = self.keys.get(&(database, key.into())) {
            flags.iter().for_each(|flag| flag.store(true, Ordering::Release));
        }
    }

    /// All keys for which `is_affected` holds changed (a flush, a swap of databases).
    pub fn touch_where(&mut self, is_affected: impl Fn(usize, &[u8]) -> bool) {
        for ((database, key), flags) in &self.keys {
            if is_affected(*database, key) {
                flags.iter().for_each(|flag| flag.store(true, Ordering::Release));
            }
        }
    }
}
