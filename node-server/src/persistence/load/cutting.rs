//! A file on its way into the shards: one thread reads it and cuts it into runs, others decode these and insert.
//!
//! ```text
//!   source ─▶ this thread: whole items, by their lengths ─▶ runs ─▶ worker: checksum, decode, hash │ a shard's lock: insert
//!                 │                                            └──▶ worker
//!                 └─▶ what is no key; a key too long for a run, decoded as it comes
//! ```
//!
//! A file of one run is decoded here. Of what fails in several runs, that counts which stands first in the file, whoever found
//! it first.

use std::io::{BufRead, ErrorKind, Read};
use std::num::NonZero;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Scope};

use rcl_store::rdb::{Checksum, Cut, Cutter, HEADER_BYTES, Item, RdbError, RunKey, RunSum};

use super::inserting::{Inserter, Run, Target};
use super::{Failure, LoadError, Refusal};
use crate::node::Node;
use crate::persistence::slow_down;
use crate::scheduling;

/// A run is sent when it is about so long.
const RUN_BYTES: usize = 256 * 1024;
/// A key that is longer is decoded as it comes, so that it is not in memory twice.
const LONGEST_HELD: usize = 8 * 1024 * 1024;
/// So many runs may wait for a worker.
const RUNS_WAITING: usize = 4;
/// Room is made for keys that take at least so much of a file each.
const SHORT_KEY_BYTES: u64 = 8;
/// And for so many at most where it is not known how long the file is.
const MOST_EXPECTED_OF_A_STREAM: u64 = 1 << 22;
/// So often, counted in keys, it is looked whether anything else is to be done.
const LOOK_EVERY: u64 = 1024;
/// More do not help: they would wait for the one that reads.
const MOST_WORKERS: usize = 8;

/// Reads a file and keeps what of it is not cut yet.
pub struct Cutting<R> {
    source: R,
    cutter: Cutter,
    /// As it was at the beginning of the run.
    run_cutter: Cutter,
    /// Run 0, so to say.
    header: RunSum,
    /// The run so far, and what is behind it.
    bytes: Vec<u8>,
    /// How much of that is whole items.
    cut: usize,
    /// Where the run begins in the file.
    offset: u64,
    /// How much of what came last is still the source's.
    unconsumed: usize,
    runs: usize,
    keys: u64,
}

/// What came of [`Cutting::next`].
enum Next {
    Key,
    Item(Item),
    RunIsLong,
    TooLong,
}

impl<R: BufRead> Cutting<R> {
    /// Reads the header: is it wrong, nothing has happened yet.
    pub fn begin(mut source: R) -> Result<Cutting<R>, RdbError> {
        let mut bytes = Vec::new();
        while bytes.len() < HEADER_BYTES {
            let piece = wait_for(&mut source, 0)?;
            let count = piece.len().min(HEADER_BYTES - bytes.len());
            if count == 0 {
                return Err(RdbError::Truncated { offset: bytes.len() as u64 });
            }
            bytes.extend_from_slice(piece.get(..count).unwrap_or_default());
            source.consume(count);
        }
        let cutter = Cutter::new(&bytes)?;
        Ok(Cutting {
            source,
            cutter,
            run_cutter: cutter,
            header: RunSum::of(&bytes),
            bytes: Vec::new(),
            cut: 0,
            offset: HEADER_BYTES as u64,
            unconsumed: 0,
            runs: 1,
            keys: 0,
        })
    }

    /// Where in the file is what comes next.
    pub fn offset(&self) -> u64 {
        self.offset + self.cut as u64
    }

    /// Where the file ends, when all of it was read.
    pub fn end(&self) -> u64 {
        self.offset() + self.cutter.checksum_bytes() as u64
    }

    /// The next item, from what is here and more.
    fn next(&mut self) -> Result<Next, RdbError> {
        loop {
            let rest = self.bytes.get(self.cut..).unwrap_or_default();
            match self.cutter.cut(rest, self.offset())? {
                Cut::Key { bytes } => {
                    self.cut += bytes;
                    return Ok(Next::Key);
                }
                Cut::Item { item, bytes } => {
                    self.cut += bytes;
                    return Ok(Next::Item(item));
                }
                Cut::NeedsMore if self.cut >= RUN_BYTES => return Ok(Next::RunIsLong),
                Cut::NeedsMore if rest.len() >= LONGEST_HELD => return Ok(Next::TooLong),
                Cut::NeedsMore => self.read_more()?,
            }
        }
    }

    fn read_more(&mut self) -> Result<(), RdbError> {
        self.source.consume(std::mem::take(&mut self.unconsumed));
        let offset = self.offset + self.bytes.len() as u64;
        let piece = wait_for(&mut self.source, offset)?;
        if piece.is_empty() {
            return Err(RdbError::Truncated { offset });
        }
        let piece = piece.get(..RUN_BYTES).unwrap_or(piece);
        self.bytes.extend_from_slice(piece);
        self.unconsumed = piece.len();
        Ok(())
    }

    /// The whole items so far. What is behind them begins the next run.
    fn take_run(&mut self) -> Run {
        let mut rest = Vec::with_capacity(2 * RUN_BYTES);
        rest.extend_from_slice(self.bytes.get(self.cut..).unwrap_or_default());
        self.bytes.truncate(self.cut);
        let run = Run {
            number: self.runs,
            bytes: std::mem::replace(&mut self.bytes, rest),
            offset: self.offset,
            cutter: std::mem::replace(&mut self.run_cutter, self.cutter),
        };
        self.runs += 1;
        self.offset += self.cut as u64;
        self.cut = 0;
        run
    }

    /// The key that is next, however long it is, and where it stands. The run must have been taken.
    fn read_long(&mut self, inserter: &Inserter<'_>) -> Result<(Item, u64), RdbError> {
        self.source.consume(std::mem::take(&mut self.unconsumed));
        let offset = self.offset;
        let mut ahead = self.bytes.as_slice();
        let (item, sum) =
            self.cutter.read_item((&mut ahead).chain(&mut self.source), offset, inserter.limits())?;
        // More than was here was needed, or it would have been cut.
        self.bytes.clear();
        self.run_cutter = self.cutter;
        self.offset += sum.bytes;
        inserter.note_sum(self.runs, sum);
        self.runs += 1;
        Ok((item, offset))
    }

    /// What follows the end: the checksum. Nothing behind it is taken from the source.
    fn read_checksum(&mut self) -> Result<Vec<u8>, RdbError> {
        let end = self.cut + self.cutter.checksum_bytes();
        while self.bytes.len() < end {
            self.read_more()?;
        }
        let behind = self.bytes.len() - end;
        self.source.consume(std::mem::take(&mut self.unconsumed).saturating_sub(behind));
        Ok(self.bytes.get(self.cut..end).unwrap_or_default().to_vec())
    }
}

/// What the source has next; nothing at its end.
fn wait_for(source: &mut impl BufRead, offset: u64) -> Result<&[u8], RdbError> {
    loop {
        match source.fill_buf() {
            Ok(_) => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(RdbError::Read { offset, error }),
        }
    }
    source.fill_buf().map_err(|error| RdbError::Read { offset, error })
}

/// What is to be done with a file beside inserting its keys.
pub trait Watcher {
    /// Of what is no key.
    fn take(&mut self, item: Item) -> Result<(), Refusal>;
    /// Called once, before the first key is looked at.
    fn before_keys(&mut self);
    /// Called now and then; may end it. The file has been cut up to `offset`.
    fn between(&mut self, offset: u64) -> Result<(), RdbError>;
}

/// Everything up to the end and its checksum.
pub fn load_all<R: BufRead>(
    cutting: &mut Cutting<R>,
    target: Target<'_>,
    watcher: &mut impl Watcher,
) -> Result<(), LoadError> {
    let inserter = Inserter::new(target);
    inserter.note_sum(0, cutting.header);
    let stored = thread::scope(|scope| {
        let mut workers = Workers::new(scope, &inserter, target);
        let cut = cut_all(cutting, &inserter, watcher, &mut workers);
        // If that failed, something may be wrong before it.
        workers.last(cutting.take_run());
        cut.unwrap_or_else(|failure| {
            inserter.note_failure(failure);
            Vec::new()
        })
    });
    inserter.finish();
    let node = target.node;
    let checksum = if node.settings().rdbchecksum { node.persistence.checksum() } else { Checksum::Ignored };
    match inserter.take_failure() {
        Some(failure) => Err(failure.error),
        None => Ok(cutting.cutter.check(inserter.sums().into_iter(), &stored, checksum)?),
    }
}

/// Up to the end, or until anything fails; the last run is left. Gives the checksum that the file has.
fn cut_all<R: BufRead>(
    cutting: &mut Cutting<R>,
    inserter: &Inserter<'_>,
    watcher: &mut impl Watcher,
    workers: &mut Workers<'_, '_>,
) -> Result<Vec<u8>, Failure> {
    let node = workers.target.node;
    let mut delay_us = node.settings().key_load_delay_us;
    let mut has_begun = false;
    while !inserter.has_failed() {
        let offset = cutting.offset();
        let next = cutting.next()?;
        if !has_begun && !matches!(next, Next::Item(Item::Aux { .. })) {
            watcher.before_keys();
            has_begun = true;
        }
        match next {
            Next::Key => {
                cutting.keys += 1;
                let is_time = cutting.keys.is_multiple_of(LOOK_EVERY);
                if delay_us != 0 || is_time {
                    delay_us = node.settings().key_load_delay_us;
                }
                if delay_us != 0 || is_time {
                    slow_down(delay_us, cutting.keys);
                    watcher.between(cutting.offset())?;
                }
            }
            Next::Item(Item::End) => return cutting.read_checksum().map_err(Failure::from),
            Next::Item(Item::DatabaseSize { database, keys, .. }) => {
                inserter.expect(database, keys, most_keys_left(node, cutting.offset()));
            }
            Next::Item(item) => {
                watcher.take(item).map_err(|why| Failure::refused(offset, why))?;
            }
            Next::RunIsLong => workers.send(cutting.take_run()),
            Next::TooLong => {
                workers.send(cutting.take_run());
                let (item, offset) = cutting.read_long(inserter)?;
                if let Some(key) = RunKey::of(item) {
                    inserter.insert_key(key, offset)?;
                }
            }
        }
    }
    Ok(Vec::new())
}

/// How many keys are believed to come, whatever the file says: room is made for them.
fn most_keys_left(node: &Node, offset: u64) -> u64 {
    match node.persistence.loading.total_bytes.load(Ordering::Relaxed) {
        0 => MOST_EXPECTED_OF_A_STREAM,
        total => total.saturating_sub(offset) / SHORT_KEY_BYTES,
    }
}

/// The threads that decode runs; there are none before there are two runs.
struct Workers<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    inserter: &'scope Inserter<'scope>,
    target: Target<'scope>,
    to_workers: SyncSender<Run>,
    runs: Arc<Mutex<Receiver<Run>>>,
    started: usize,
    most: usize,
}

impl<'scope, 'env> Workers<'scope, 'env> {
    fn new(
        scope: &'scope Scope<'scope, 'env>,
        inserter: &'scope Inserter<'scope>,
        target: Target<'scope>,
    ) -> Workers<'scope, 'env> {
        let (to_workers, runs) = sync_channel(RUNS_WAITING);
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let most = match target {
            // What gives way to what comes later must come in order.
            Target { replaces_keys: true, .. } => 1,
            Target { gives_way: true, .. } => (cores - 1).clamp(1, MOST_WORKERS),
            _ => cores.min(MOST_WORKERS),
        };
        let runs = Arc::new(Mutex::new(runs));
        Workers { scope, inserter, target, to_workers, runs, started: 0, most }
    }

    fn send(&mut self, run: Run) {
        if self.started < self.most {
            let (inserter, runs, gives_way) = (self.inserter, self.runs.clone(), self.target.gives_way);
            let thread = thread::Builder::new().name("load".to_owned());
            let spawned = thread.spawn_scoped(self.scope, move || {
                scheduling::long_slices();
                if gives_way {
                    scheduling::smaller_share();
                }
                work(inserter, &runs);
            });
            // With fewer it takes longer.
            self.started += usize::from(spawned.is_ok());
        }
        if self.started == 0 {
            self.inserter.insert_run(&run);
        } else if self.to_workers.send(run).is_err() {
            unreachable!("the receiver lives as long as this sender");
        }
    }

    /// The last run; it may be the only one.
    fn last(&mut self, run: Run) {
        if self.started == 0 { self.inserter.insert_run(&run) } else { self.send(run) }
    }
}

/// Until no more runs come. Those behind one that failed are dropped: runs are taken in the file's order, so that all before
/// it are with somebody.
fn work(inserter: &Inserter<'_>, runs: &Mutex<Receiver<Run>>) {
    loop {
        let run = runs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match run {
            Ok(run) if !inserter.has_failed() => inserter.insert_run(&run),
            Ok(_) => {}
            Err(_) => return,
        }
    }
}
