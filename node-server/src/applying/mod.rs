//! Applying commands that were logged before, on all cores: those of the append-only file, or of a master's stream.
//!
//! ```text
//!   parsed commands ──▶ what is about one shard ──▶ a chunk of that shard ──▶ lane 0    shards 0, 2, 4 …
//!                 │     (a transaction as a whole)                       └──▶ lane 1    shards 1, 3, 5 …
//!                 └───▶ all else: here, when everything before it is applied
//! ```
//!
//! - What is about the same key is in one shard, and a shard's chunks go to one lane: so it is applied in the order in which it came.
//! - What is about no key, about keys of several slots, a script, a function, what is not known or is no write: a *barrier*. It is
//!   run by the stream's own session, while the lanes are idle. SELECT, and what an open transaction queues, touch nothing but that
//!   session, and wait for nobody.
//! - A transaction goes to its lane when its EXEC has come, if all of it is about one shard. Of one whose EXEC never comes nothing
//!   is applied.
//! - When the stream says something of itself that changes what comes after (AUTH, CLIENT REPLY OFF, WATCH), all is run here.
//!
//! How far the stream is applied is the caller's to count: [`Applier::drain`] returns when all that was taken in is.
//! Without a cluster there is one shard: then one lane applies while the caller reads and parses.

mod chunk;
mod lanes;
mod placing;
mod runner;
#[cfg(test)]
mod tests;

use std::num::NonZero;
use std::sync::Arc;
use std::thread;

use rcl_proto::resp::Args;

use crate::client::ClientHandle;
use crate::command::{Known, Lookup};
use crate::node::Node;
use chunk::{Chunk, Command};
use lanes::Lanes;
use placing::Place;
use runner::Runner;

/// A command with more bytes is not copied into a chunk: it is run from where it was read.
const LONGEST_COPIED: usize = 256 * 1024;
/// Of a transaction so much is kept back until its EXEC comes. One that is longer is queued as it comes.
const LONGEST_KEPT_BACK: usize = 1024 * 1024;
/// More lanes do not help: they would wait for the one that reads.
const MOST_LANES: usize = 8;
const COMMANDS_A_CHUNK: usize = 256;

/// Whose commands they are: in whose words a failure is told, and whether they count as commands that the node processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Master,
    AppendOnlyFile,
}

/// How the work is dealt out.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// 0: everything is applied by the caller's thread.
    pub lanes: usize,
    pub commands_a_chunk: usize,
}

impl Shape {
    /// For all cores of this machine.
    pub fn of(node: &Node) -> Shape {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let lanes = if cores == 1 { 0 } else { cores.min(node.shards.count()).min(MOST_LANES) };
        Shape { lanes, commands_a_chunk: COMMANDS_A_CHUNK }
    }
}

/// A stream's commands on their way into the shards. What is not drained when it goes may or may not be applied.
pub struct Applier {
    node: Arc<Node>,
    /// The stream's own session: what it says of itself, and what is run here.
    own: Runner,
    lanes: Lanes,
    /// A transaction that is about one shard so far.
    open: Option<Open>,
    /// The session is in no state that changes what a command means.
    is_plain: bool,
}

#[derive(Default)]
struct Open {
    chunk: Chunk,
    /// The one that it is about, if it named a key yet.
    shard: Option<usize>,
}

impl Applier {
    /// The handle is the client's that stands for the stream.
    pub fn new(node: &Arc<Node>, handle: Arc<ClientHandle>, source: Source, shape: Shape) -> Applier {
        Applier {
            node: node.clone(),
            own: Runner::new(node.clone(), handle, source),
            lanes: Lanes::new(node.clone(), source, shape),
            open: None,
            is_plain: true,
        }
    }

    /// Takes in the stream's next command, which came as so many bytes.
    pub fn apply(&mut self, args: Args<'_>, lookup: Lookup, request_bytes: usize) {
        let place = if self.is_plain { placing::place(&self.node, lookup, args) } else { Place::Here };
        let is_long = request_bytes > LONGEST_COPIED;
        match (place, &mut self.open) {
            _ if is_long => self.run_here(args, lookup, request_bytes),
            (Place::Shard(shard, known), None) => {
                let command = self.command(known, request_bytes);
                self.lanes.push(shard, command, args);
            }
            (Place::Shard(shard, known), Some(open)) if open.shard.is_none_or(|other| other == shard) => {
                open.shard = Some(shard);
                self.keep_back(known, args, request_bytes);
            }
            (Place::Begin(known), None) => {
                self.open = Some(Open::default());
                self.keep_back(known, args, request_bytes);
            }
            (Place::End(known), Some(Open { shard: Some(shard), .. })) => {
                let shard = *shard;
                self.keep_back(known, args, request_bytes);
                if let Some(Open { chunk, .. }) = self.open.take() {
                    self.lanes.append(shard, &chunk);
                }
            }
            _ => self.run_here(args, lookup, request_bytes),
        }
    }

    /// All that was taken in is applied when this returns, but for an open transaction.
    pub fn drain(&mut self) {
        self.lanes.drain();
    }

    /// MULTI has come, and its EXEC not yet.
    pub fn in_transaction(&self) -> bool {
        self.open.is_some() || self.own.session.in_transaction()
    }

    /// The one that the stream is in.
    pub fn database(&self) -> usize {
        self.own.session.database
    }

    pub fn set_database(&mut self, database: usize) {
        self.own.session.set_database(database);
    }

    fn command(&self, known: Known, request_bytes: usize) -> Command {
        Command { known, database: self.own.session.database, request_bytes }
    }

    /// Part of the open transaction.
    fn keep_back(&mut self, known: Known, args: Args<'_>, request_bytes: usize) {
        let command = self.command(known, request_bytes);
        let Some(open) = &mut self.open else { return };
        open.chunk.push(command, args);
        if open.chunk.byte_count() > LONGEST_KEPT_BACK {
            self.queue_open();
        }
    }

    /// The open transaction is not about one shard alone, or too long: from here on the own session has it.
    fn queue_open(&mut self) {
        let Some(Open { chunk, .. }) = self.open.take() else { return };
        for (command, args) in chunk.iter() {
            self.own.run(args, Lookup::Found(command.known), command.request_bytes);
        }
        self.is_plain = self.own.is_plain();
    }

    /// Runs it here and now, behind all that was taken in: for a command that came alone.
    pub fn run_here(&mut self, args: Args<'_>, lookup: Lookup, request_bytes: usize) {
        self.queue_open();
        if !placing::is_about_the_session(&self.own.session, lookup) {
            self.lanes.drain();
        }
        self.own.run(args, lookup, request_bytes);
        self.is_plain = self.own.is_plain();
    }
}
