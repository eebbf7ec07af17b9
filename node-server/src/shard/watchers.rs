//! Who WATCHes which key of a shard.
//!
//! A change of the key breaks the watch. A key that was past its time already when it was watched counts as not there: that
//! it is deleted at last breaks nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Debug)]
struct Watch {
    /// Set when a key that its client watches changes.
    broken: Arc<AtomicBool>,
    /// The key was there, but past its time.
    is_stale: bool,
}

/// What becomes of a watched key whose database goes or changes places with another.
#[derive(Clone, Copy, Debug)]
pub struct Fate {
    pub was_there: bool,
    /// What is there then: nothing, or a key that is past its time or is not.
    pub then: Option<Expired>,
}

pub type Expired = bool;

#[derive(Debug, Default)]
pub struct Watchers {
    keys: HashMap<(usize, Box<[u8]>), Vec<Watch>>,
}

impl Watchers {
    pub fn add(&mut self, database: usize, key: &[u8], broken: Arc<AtomicBool>, is_stale: bool) {
        self.keys.entry((database, key.into())).or_default().push(Watch { broken, is_stale });
    }

    pub fn remove(&mut self, database: usize, key: &[u8], flag: &Arc<AtomicBool>) {
        let place = (database, key.into());
        if let Some(watches) = self.keys.get_mut(&place) {
            watches.retain(|watch| !Arc::ptr_eq(&watch.broken, flag));
            if watches.is_empty() {
                self.keys.remove(&place);
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether to this watcher the key is one that is past its time anyway.
    pub fn is_stale(&self, database: usize, key: &[u8], flag: &Arc<AtomicBool>) -> bool {
        let watches = self.keys.get(&(database, key.into()));
        let own = watches.and_then(|watches| watches.iter().find(|watch| Arc::ptr_eq(&watch.broken, flag)));
        own.is_some_and(|watch| watch.is_stale)
    }

    /// `key` changed.
    pub fn touch(&mut self, database: usize, key: &[u8], is_there: impl Fn() -> bool) {
        if self.keys.is_empty() {
            return;
        }
        for watch in self.keys.get_mut(&(database, key.into())).into_iter().flatten() {
            if watch.is_stale && !is_there() {
                watch.is_stale = false;
            } else {
                watch.broken.store(true, Ordering::Release);
            }
        }
    }

    /// All keys for which `is_affected` holds changed.
    pub fn touch_where(&mut self, is_affected: impl Fn(usize, &[u8]) -> bool) {
        for ((database, key), watches) in &self.keys {
            if is_affected(*database, key) {
                watches.iter().for_each(|watch| watch.broken.store(true, Ordering::Release));
            }
        }
    }

    /// Databases are about to be emptied, or to change places: what that does to watched keys, where it does something.
    pub fn touch_by_fate(&mut self, fate_of: impl Fn(usize, &[u8]) -> Option<Fate>) {
        for ((database, key), watches) in &mut self.keys {
            let Some(Fate { was_there, then }) = fate_of(*database, key) else { continue };
            if !was_there && then.is_none() {
                continue;
            }
            for watch in watches {
                match (watch.is_stale, then) {
                    (true, None) => watch.is_stale = false,
                    (true, Some(true)) => {}
                    (false, Some(true)) if !was_there => watch.is_stale = true,
                    _ => watch.broken.store(true, Ordering::Release),
                }
            }
        }
    }
}
