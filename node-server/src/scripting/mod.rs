//! Scripts and functions: Lua code that clients send, and that runs beside the data.
//!
//! ```text
//!  cache  functions   what there is: scripts by digest, libraries by name; shared by all threads
//!  engines  engine    a Lua with what it has compiled, and who has how many of them
//!    sandbox.lua      what scripts may see of it
//!    glue/            what works on Lua's own stack
//!    redis_table  call  libraries/   what they are given
//!  run                one script at work: what it may do, what it did
//!  debugger/          one script at work, step by step, under its client's eyes
//!  slow               those that run too long, and how they are ended
//! ```
//!
//! A script runs on the thread of its client, under the locks of its declared keys, and what it changed is logged as a
//! transaction when it is through. The commands are in `commands/scripting`.

pub mod cache;
mod call;
pub mod debugger;
pub mod digest;
pub mod engine;
pub mod engines;
mod exposed;
pub mod flags;
pub mod functions;
mod glue;
mod libraries;
pub mod loaded;
mod redis_table;
pub mod run;
pub mod slow;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;

pub use exposed::text_of;
pub use glue::Returned;

use crate::command::CommandError;
use crate::node::Node;
use engines::{Of, with_engine};
use functions::Functions;

/// What a node has of them.
#[derive(Default)]
pub struct Scripting {
    pub cache: cache::ScriptCache,
    functions: ArcSwap<Functions>,
    pub slow: slow::SlowScripts,
    pub engines: engines::Engines,
    /// DEBUG lets scripts call what they may not call.
    pub allows_all_commands: AtomicBool,
    has_wide: AtomicBool,
}

impl Scripting {
    pub fn functions(&self) -> arc_swap::Guard<Arc<Functions>> {
        self.functions.load()
    }

    /// Adds the library with this code, from a file or from the master.
    pub fn load(&self, node: &Node, code: &[u8], replace: bool) -> Result<(), CommandError> {
        self.set_functions(self.with_library(node, &self.functions(), code, replace)?);
        Ok(())
    }

    /// `functions` with the library that has this code.
    pub fn with_library(
        &self,
        node: &Node,
        functions: &Functions,
        code: &[u8],
        replace: bool,
    ) -> Result<Functions, CommandError> {
        let library = with_engine(node, Of::Functions, |engine| {
            engine.create_library(functions::Header::of(code)?, code, None)
        })?;
        functions.with(library, replace)
    }

    /// A script or library was seen to need all shards.
    pub fn note_wide(&self) {
        self.has_wide.store(true, Ordering::Release);
    }

    pub fn has_wide(&self) -> bool {
        self.has_wide.load(Ordering::Acquire)
    }

    /// Puts others in their place. Whoever does holds all shards, so that a snapshot has the one or the other.
    pub fn set_functions(&self, functions: Functions) {
        self.functions.store(Arc::new(functions));
    }
}
