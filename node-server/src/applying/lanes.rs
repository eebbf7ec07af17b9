//! The threads that apply chunks, and the chunks that are not full yet.
//!
//! ```text
//!   shard 0 │ waiting ─┐                    ┌─▶ lane 0 ─┐
//!   shard 1 │ waiting ─┼─ full, or drained ─┤           ├─▶ done: empty again, for what comes
//!   shard 2 │ waiting ─┘                    └─▶ lane 1 ─┘
//! ```
//!
//! The threads are started with the first chunk that is full: a stream of few commands is applied by whoever drains it, which is
//! quicker than waking somebody up.

use std::mem;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};

use rcl_proto::resp::Args;

use super::chunk::{Chunk, Command};
use super::runner::Runner;
use super::{Shape, Source};
use crate::allocator;
use crate::client::ClientHandle;
use crate::clock;
use crate::node::Node;

/// So many chunks may wait for a lane.
const CHUNKS_WAITING: usize = 8;
/// So few commands are applied by who drains them.
const FEW_COMMANDS: usize = 32;

pub struct Lanes {
    node: Arc<Node>,
    source: Source,
    shape: Shape,
    /// By the number of the shard.
    waiting: Vec<Chunk>,
    /// The shards that have something waiting.
    filled: Vec<usize>,
    waiting_commands: usize,
    /// Empty ones, with room.
    spare: Vec<Chunk>,
    /// For what is applied by the caller.
    here: Runner,
    threads: Option<Threads>,
    /// Chunks that were given to a lane and are not done.
    in_flight: usize,
}

struct Threads {
    to_lanes: Vec<SyncSender<Chunk>>,
    done: Receiver<Chunk>,
    handles: Vec<JoinHandle<()>>,
}

impl Lanes {
    pub fn new(node: Arc<Node>, source: Source, shape: Shape) -> Lanes {
        let here = runner(&node, source);
        let waiting = (0..node.shards.count()).map(|_| Chunk::default()).collect();
        Lanes {
            node,
            source,
            shape,
            waiting,
            filled: Vec::new(),
            waiting_commands: 0,
            spare: Vec::new(),
            here,
            threads: None,
            in_flight: 0,
        }
    }

    /// Behind all that was pushed for the same shard.
    pub fn push(&mut self, shard: usize, command: Command, args: Args<'_>) {
        self.add(shard, 1, |chunk| chunk.push(command, args));
    }

    /// Several commands, between which nothing comes.
    pub fn append(&mut self, shard: usize, commands: &Chunk) {
        self.add(shard, commands.command_count(), |chunk| chunk.append(commands));
    }

    fn add(&mut self, shard: usize, count: usize, add: impl FnOnce(&mut Chunk)) {
        let Some(chunk) = self.waiting.get_mut(shard) else { unreachable!("the node has this shard") };
        if chunk.is_empty() {
            self.filled.push(shard);
        }
        add(chunk);
        self.waiting_commands += count;
        if chunk.is_full(self.shape.commands_a_chunk) {
            self.filled.retain(|other| *other != shard);
            self.send(shard);
        }
    }

    /// All that was pushed is applied when this returns.
    pub fn drain(&mut self) {
        let by_lanes = self.in_flight > 0 || self.waiting_commands > FEW_COMMANDS;
        for shard in mem::take(&mut self.filled) {
            if by_lanes { self.send(shard) } else { self.apply_here(shard) }
        }
        while self.in_flight > 0 {
            self.wait_for_one();
        }
    }

    fn send(&mut self, shard: usize) {
        if self.threads.is_none() {
            self.threads = self.start();
        }
        let lanes = self.threads.as_ref().map_or(0, |threads| threads.to_lanes.len());
        if lanes == 0 {
            return self.apply_here(shard);
        }
        let chunk = self.take(shard);
        let Some(Threads { to_lanes, done, .. }) = &self.threads else { return };
        if to_lanes[shard % lanes].send(chunk).is_err() {
            panic!("a thread that applies commands has ended");
        }
        self.in_flight += 1;
        for chunk in done.try_iter() {
            self.in_flight -= 1;
            self.spare.push(chunk);
        }
    }

    fn apply_here(&mut self, shard: usize) {
        let mut chunk = self.take(shard);
        self.here.run_chunk(&chunk);
        chunk.clear();
        self.spare.push(chunk);
    }

    fn take(&mut self, shard: usize) -> Chunk {
        let empty = self.spare.pop().unwrap_or_default();
        let chunk = self.waiting.get_mut(shard).map(|chunk| mem::replace(chunk, empty)).unwrap_or_default();
        self.waiting_commands -= chunk.command_count();
        chunk
    }

    fn wait_for_one(&mut self) {
        let Some(Threads { done, .. }) = &self.threads else { return };
        let Ok(chunk) = done.recv() else { panic!("the threads that apply commands have ended") };
        self.in_flight -= 1;
        self.spare.push(chunk);
    }

    /// With fewer threads it takes longer.
    fn start(&self) -> Option<Threads> {
        let (to_done, done) = channel();
        let (mut to_lanes, mut handles) = (Vec::new(), Vec::new());
        for _ in 0..self.shape.lanes {
            let (to_lane, chunks) = sync_channel(CHUNKS_WAITING);
            let (runner, to_done) = (runner(&self.node, self.source), to_done.clone());
            let thread = thread::Builder::new().name("apply".to_owned());
            if let Ok(handle) = thread.spawn(move || work(runner, &chunks, &to_done)) {
                to_lanes.push(to_lane);
                handles.push(handle);
            }
        }
        Some(Threads { to_lanes, done, handles })
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        let Some(Threads { to_lanes, done, handles }) = self.threads.take() else { return };
        // Nothing comes any more: they end when they are through.
        drop(to_lanes);
        for handle in handles {
            if handle.join().is_err() {
                tracing::error!("a thread that applies commands ended by a fault");
            }
        }
        drop(done);
    }
}

/// Its client is nobody that others could see.
fn runner(node: &Arc<Node>, source: Source) -> Runner {
    let handle = ClientHandle::new(node.clients.next_id(), None, String::new(), -1, clock::now_ms());
    Runner::new(node.clone(), Arc::new(handle), source)
}

fn work(mut runner: Runner, chunks: &Receiver<Chunk>, to_done: &Sender<Chunk>) {
    let _cell = allocator::borrow_cell();
    for mut chunk in chunks {
        runner.run_chunk(&chunk);
        chunk.clear();
        // Nobody may wait for it any more.
        let _ = to_done.send(chunk);
    }
}
