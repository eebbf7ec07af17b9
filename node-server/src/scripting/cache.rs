//! The scripts that were run or loaded, by their digest. All threads share it; each compiles for itself what it runs.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::digest::Digest;
use super::flags::ScriptFlags;

#[derive(Debug)]
pub struct Script {
    pub digest: Digest,
    pub body: Box<[u8]>,
    pub flags: ScriptFlags,
    /// It was seen to touch keys that it had not declared, in other slots: it runs with all shards locked.
    pub is_wide: AtomicBool,
}

#[derive(Debug)]
pub struct ScriptCache {
    scripts: Mutex<HashMap<Digest, Arc<Script>>>,
    /// Another one after each flush, and another one for each node of the process.
    generation: AtomicU64,
    bytes: AtomicU64,
    /// There is, or was, one that says in its first line what it may do.
    has_declared: AtomicBool,
}

fn next_generation() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

impl Default for ScriptCache {
    fn default() -> ScriptCache {
        ScriptCache {
            scripts: Mutex::default(),
            generation: AtomicU64::new(next_generation()),
            bytes: AtomicU64::new(0),
            has_declared: AtomicBool::new(false),
        }
    }
}

impl ScriptCache {
    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, Arc<Script>>> {
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn get(&self, digest: &Digest) -> Option<Arc<Script>> {
        self.lock().get(digest).cloned()
    }

    /// Keeps a script. One that is there already stays.
    pub fn insert(&self, digest: Digest, body: &[u8], flags: ScriptFlags) -> Arc<Script> {
        let mut scripts = self.lock();
        let script = scripts.entry(digest).or_insert_with(|| {
            self.bytes.fetch_add(bytes_of(body), Ordering::Relaxed);
            Arc::new(Script { digest, body: body.into(), flags, is_wide: AtomicBool::new(false) })
        });
        if !flags.has(ScriptFlags::UNDECLARED) {
            self.has_declared.store(true, Ordering::Release);
        }
        script.clone()
    }

    /// What was compiled before the generation changed is not to be used any more.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub fn flush(&self) {
        let mut scripts = self.lock();
        scripts.clear();
        self.bytes.store(0, Ordering::Relaxed);
        self.generation.store(next_generation(), Ordering::Release);
    }

    pub fn count(&self) -> usize {
        self.lock().len()
    }

    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub fn has_declared(&self) -> bool {
        self.has_declared.load(Ordering::Acquire)
    }
}

fn bytes_of(body: &[u8]) -> u64 {
    (body.len() + size_of::<Script>() + size_of::<Digest>()) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripting::digest;

    #[test]
    fn scripts_are_kept_until_a_flush() {
        let cache = ScriptCache::default();
        let digest = digest::of(b"return 1");
        let script = cache.insert(digest, b"return 1", ScriptFlags::UNDECLARED);
        assert!(Arc::ptr_eq(&script, &cache.insert(digest, b"return 1", ScriptFlags::UNDECLARED)));
        assert!(cache.get(&digest).is_some() && cache.count() == 1 && cache.bytes() > 8);
        assert!(!cache.has_declared());
        let before = cache.generation();
        cache.flush();
        assert!(cache.get(&digest).is_none() && cache.count() == 0 && cache.bytes() == 0);
        assert_ne!(cache.generation(), before);
        assert_ne!(ScriptCache::default().generation(), cache.generation());
    }
}
