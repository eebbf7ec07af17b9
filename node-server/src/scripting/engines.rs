//! The Luas of a node: one for scripts and one for functions, as Redis has them.
//!
//! Without a cluster only one script runs at a time, so there is one of each, and what a library keeps in its variables is
//! the same for all clients. In a cluster scripts run side by side: each thread has its own two, made when it first needs
//! them. Scripts leave nothing behind, so it does not matter in which Lua they run; what a library keeps in its variables
//! is there once in each thread.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::digest::{self, Digest};
use super::engine::Engine;
use crate::command::CommandError;
use crate::node::Node;

/// Whose Lua it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    Scripts,
    Functions,
}

/// Changes of up to this are not told to INFO: it would be a line of memory that all threads write to.
const TOLD_BYTES: usize = 4096;

type Places = [Option<Box<Engine>>; 2];

thread_local! {
    static OWN: RefCell<Places> = const { RefCell::new([None, None]) };
}

#[derive(Default)]
pub struct Engines {
    /// Of a node without a cluster.
    shared: [Mutex<Option<Parked>>; 2],
    /// What all of a kind take.
    bytes: [AtomicU64; 2],
}

/// One that nobody uses at the moment.
struct Parked(Box<Engine>);

// SAFETY: an engine goes from thread to thread as a whole: all that refers to its Lua is in it (handles, functions, and what
// these share among them), since whoever had it has returned; and neither it nor mlua keeps anything of it in a thread.
unsafe impl Send for Parked {}

impl Engines {
    /// What those of a kind take.
    pub fn bytes(&self, of: Of) -> u64 {
        self.bytes[of as usize].load(Ordering::Relaxed)
    }

    /// What was not taken, or is in use on another thread, is made anew.
    fn take(&self, node: &Node, of: Of) -> Option<Box<Engine>> {
        let engine = if node.is_cluster() {
            OWN.with_borrow_mut(|own| own[of as usize].take())
        } else {
            self.shared[of as usize].lock().take().map(|Parked(engine)| engine)
        };
        let is_old =
            |engine: &Engine| of == Of::Scripts && engine.generation != node.scripting.cache.generation();
        match engine {
            Some(engine) if is_old(&engine) => {
                self.drop_engine(engine, of);
                None
            }
            engine => engine,
        }
    }

    fn put_back(&self, node: &Node, of: Of, mut engine: Box<Engine>) {
        self.tell(of, &mut engine.told_bytes, engine.lua.used_memory());
        if engine.is_spoiled {
            return self.drop_engine(engine, of);
        }
        let other = if node.is_cluster() {
            OWN.with_borrow_mut(|own| own[of as usize].replace(engine))
        } else {
            self.shared[of as usize].lock().replace(Parked(engine)).map(|Parked(engine)| engine)
        };
        // Another one was made while this one was in use.
        if let Some(other) = other {
            self.drop_engine(other, of);
        }
    }

    fn drop_engine(&self, mut engine: Box<Engine>, of: Of) {
        self.tell(of, &mut engine.told_bytes, 0);
    }

    fn tell(&self, of: Of, told: &mut usize, used: usize) {
        if used == 0 || used.abs_diff(*told) > TOLD_BYTES {
            self.bytes[of as usize].fetch_add(used.wrapping_sub(*told) as u64, Ordering::Relaxed);
            *told = used;
        }
    }
}

/// Lends a Lua to `work`.
pub fn with_engine<R>(
    node: &Node,
    of: Of,
    work: impl FnOnce(&mut Engine) -> Result<R, CommandError>,
) -> Result<R, CommandError> {
    let engines = &node.scripting.engines;
    let mut engine = match engines.take(node, of) {
        Some(engine) => engine,
        None => {
            let made = Engine::new(node.scripting.cache.generation());
            made.map(Box::new)
                .map_err(|error| CommandError::new(format!("ERR Lua cannot be started: {error}")))?
        }
    };
    let result = work(&mut engine);
    engines.put_back(node, of, engine);
    result
}

/// Forgets all scripts, and the Lua that has them compiled; other threads' when they next need theirs.
pub fn flush_scripts(node: &Node) {
    node.scripting.cache.flush();
    drop(node.scripting.engines.take(node, Of::Scripts));
}

/// The digest of a script's text, in a cluster. One that this thread has run before is known by its text.
pub fn digest_of(body: &[u8]) -> Digest {
    let known = OWN.with_borrow(|own| own[Of::Scripts as usize].as_ref()?.known_digest(body));
    known.unwrap_or_else(|| digest::of(body))
}
