//! The replication log: effects as commands, in the order in which they happened.
//!
//! ```text
//!          start                                   end
//!   history  │ block │ block  │ block        │ tail ▏  ← append, under the lock of the slot's shard
//!                 ▲                   ▲
//!              replica             replica            each reads on its own; blocks are shared, never copied
//! ```
//!
//! A record is one contiguous append: a command, or a transaction from MULTI to EXEC. What lies before both the backlog's size and
//! the slowest reader's place is dropped.
//!
//! The log is idle until the first replica asks ([`ReplicationLog::begin`]) or the append-only file reads it
//! ([`ReplicationLog::attach_file`]): before, nothing is written and the offset stands still, as with Redis. What is written
//! for the file alone is of no history: one that begins later always gets a new id, and nothing is kept beyond what the
//! file's writer needs.
//!
//! What the file gets is not all that replicas get, and more (`for_file`).

mod for_file;

use std::collections::{HashMap, VecDeque};
use std::ops::Range;

use bytes::Bytes;
use rcl_proto::resp::{Args, encode_request};

use super::history::{History, ReplicationId};
use crate::allocator::block_bytes;

use for_file::{Alone, encode};
pub use for_file::{DataPiece, FILE_READER, FilePlace};

/// A place in the log: bytes since the beginning of its history.
pub type LogPosition = u64;

/// A block is closed at about this size. (Readers close the last one earlier, to share it.)
const BLOCK_BYTES: usize = 16 * 1024;

/// The backlog is cut off at a block's end, so a block is at most such a part of it, or this many bytes.
const BACKLOG_PARTS: u64 = 16;
const SMALLEST_BLOCK_BYTES: usize = 1024;

/// What the count of who shares a block takes, which is there once it is read.
const SHARED_BYTES: usize = block_bytes(3 * size_of::<usize>());

/// Places for blocks that are kept although there are none.
const KEPT_PLACES: usize = 1024;

#[derive(Debug)]
struct Block {
    start: LogPosition,
    bytes: Bytes,
    /// It was read, so that there is a count of who shares it.
    is_shared: bool,
}

impl Block {
    fn end(&self) -> LogPosition {
        self.start + self.bytes.len() as u64
    }

    /// What it takes in memory, itself aside.
    fn memory_bytes(&self) -> usize {
        block_bytes(self.bytes.len()) + if self.is_shared { SHARED_BYTES } else { 0 }
    }
}

#[derive(Debug)]
pub struct ReplicationLog {
    history: History,
    /// A history goes on by it, for replicas.
    active: bool,
    /// The append-only file reads it.
    for_file: bool,
    /// Of what is kept: records that the file does not get.
    apart: VecDeque<Range<FilePlace>>,
    /// Of what is kept: records that only the file gets.
    alone: VecDeque<Alone>,
    /// How many of these there were ever.
    alone_count: u64,
    /// Where seconds began, if the file tells times.
    seconds: Option<VecDeque<(FilePlace, i64)>>,
    blocks: VecDeque<Block>,
    tail: Vec<u8>,
    /// What all blocks take in memory.
    memory_bytes: usize,
    end: LogPosition,
    /// Where the last SETSLOT ends, which old replicas must not see; 0 when there is none.
    setslot_end: LogPosition,
    /// The database that the last record selected; the next one says it anew when this is `None`.
    database: Option<usize>,
    backlog_bytes: u64,
    /// How far each reader has come: what lies behind stays.
    readers: HashMap<u64, LogPosition>,
    /// Commands are encoded here first.
    scratch: Vec<u8>,
}

impl ReplicationLog {
    pub fn new(id: ReplicationId, backlog_bytes: u64) -> ReplicationLog {
        ReplicationLog {
            history: History::new(id),
            active: false,
            for_file: false,
            apart: VecDeque::new(),
            alone: VecDeque::new(),
            alone_count: 0,
            seconds: None,
            blocks: VecDeque::new(),
            tail: Vec::new(),
            memory_bytes: 0,
            end: 0,
            setslot_end: 0,
            database: None,
            backlog_bytes,
            readers: HashMap::new(),
            scratch: Vec::new(),
        }
    }

    pub fn history(&self) -> &History {
        &self.history
    }

    /// A history goes on by it: replicas may ask for what is kept.
    pub fn is_active(&self) -> bool {
        self.active
    }

    /// The append-only file reads it.
    pub fn has_file(&self) -> bool {
        self.for_file
    }

    /// What happens is to be written, for whoever reads it.
    pub fn is_written(&self) -> bool {
        self.active || self.for_file
    }

    /// The first byte that is kept.
    pub fn start(&self) -> LogPosition {
        self.blocks.front().map_or(self.end - self.tail.len() as u64, |block| block.start)
    }

    pub fn end(&self) -> LogPosition {
        self.end
    }

    /// The database that the stream is in, as a reader that follows from the end must know it.
    pub fn database(&self) -> Option<usize> {
        self.database
    }

    /// What a replica may ask for: what is kept for replicas, and the backlog. What only the append-only file still has to read
    /// comes and goes with the disk, and is nothing to rely on.
    pub fn kept(&self) -> Option<std::ops::RangeInclusive<LogPosition>> {
        self.active.then(|| {
            let wanted = self.wanted_by_replicas();
            let first = self.blocks.partition_point(|block| block.end() <= wanted);
            let tail = self.end - self.tail.len() as u64;
            self.blocks.get(first).map_or(tail, |block| block.start)..=self.end
        })
    }

    /// All before this is of no use to a replica, one that is there or one that may come.
    fn wanted_by_replicas(&self) -> LogPosition {
        // Without a history none comes.
        let backlog_bytes = if self.active { self.backlog_bytes } else { 0 };
        let of_replicas = self.readers.iter().filter(|(reader, _)| **reader != FILE_READER);
        let slowest = of_replicas.map(|(_, place)| *place).min();
        slowest.unwrap_or(u64::MAX).min(self.end.saturating_sub(backlog_bytes))
    }

    /// Begins to keep what is written, as a new history. What happened before was not written.
    pub fn begin(&mut self, id: ReplicationId) {
        if !self.active {
            self.active = true;
            self.history = History::new(id);
            self.database = None;
        }
    }

    /// Ends the history: nobody goes on by it any more. Without the append-only file the log stands still from now on.
    pub fn retire(&mut self, id: ReplicationId) {
        self.active = false;
        self.history = History::new(id);
        if self.for_file { self.trim() } else { self.drop_all() }
    }

    /// The log of another node is followed from `end` on; what was kept here is of no use.
    pub fn restart_at(&mut self, history: History, end: LogPosition, database: Option<usize>) {
        self.drop_all();
        self.active = true;
        self.history = history;
        self.end = end;
        self.database = database;
    }

    /// The history goes on under a new id.
    pub fn continue_as(&mut self, history: History) {
        self.history = history;
    }

    /// The next record says its database.
    pub fn forget_database(&mut self) {
        self.database = None;
    }

    /// What was written last holds a SETSLOT.
    pub fn note_setslot(&mut self) {
        self.setslot_end = self.end;
    }

    /// A SETSLOT, which is about no data. Returns the log's new end.
    pub fn append_setslot(&mut self, database: usize, setslot: Args<'_>) -> LogPosition {
        let start = self.end;
        self.append(database, std::iter::once(setslot));
        self.keep_apart(start..self.end);
        if self.for_file {
            // It may have selected the database, which the file does not hear.
            self.database = None;
        }
        self.note_setslot();
        self.end
    }

    pub fn setslot_end(&self) -> LogPosition {
        self.setslot_end
    }

    pub fn set_backlog_bytes(&mut self, bytes: u64) {
        self.backlog_bytes = bytes;
        self.trim();
    }

    /// One record: `commands`, in this database. Returns the log's new end.
    pub fn append<'a>(&mut self, database: usize, commands: impl Iterator<Item = Args<'a>>) -> LogPosition {
        self.append_each(commands.map(|command| (Some(database), command)))
    }

    /// The same, each command in a database of its own, or in any.
    pub fn append_each<'a>(
        &mut self,
        commands: impl Iterator<Item = (Option<usize>, Args<'a>)>,
    ) -> LogPosition {
        if !self.is_written() {
            return self.end;
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        encode(&mut scratch, &mut self.database, commands);
        self.write(&scratch);
        scratch.shrink_to(BLOCK_BYTES);
        self.scratch = scratch;
        self.end
    }

    /// A record that is about no data (PING, REPLCONF GETACK), so that its database does not matter.
    pub fn append_notice(&mut self, command: &[&[u8]]) -> LogPosition {
        if self.active {
            let start = self.end;
            let mut bytes = Vec::new();
            encode_request(&mut bytes, command.iter().copied());
            self.write(&bytes);
            self.keep_apart(start..self.end);
        }
        self.end
    }

    /// What a replica applied, as its master sent it; and where in it records stand that are about no data.
    pub fn append_stream(&mut self, bytes: &[u8], database: usize, apart: &[Range<usize>]) -> LogPosition {
        self.database = Some(database);
        let start = self.end;
        self.write(bytes);
        for range in apart {
            self.keep_apart(start + range.start as u64..start + range.end as u64);
        }
        self.end
    }

    fn write(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.seconds.is_some() {
            self.note_second();
        }
        self.tail.extend_from_slice(bytes);
        self.end += bytes.len() as u64;
        if self.tail.len() >= BLOCK_BYTES {
            self.close_tail();
            self.trim();
        }
    }

    /// Makes the tail a block, or several, to be shared with readers.
    fn close_tail(&mut self) {
        let largest = usize::try_from(self.backlog_bytes / BACKLOG_PARTS).unwrap_or(usize::MAX);
        let mut start = self.end - self.tail.len() as u64;
        for bytes in self.tail.chunks(largest.max(SMALLEST_BLOCK_BYTES)) {
            // Copied, so that a block takes no more than what is in it.
            let block = Block { start, bytes: Bytes::copy_from_slice(bytes), is_shared: false };
            self.memory_bytes += block.memory_bytes();
            self.blocks.push_back(block);
            start += bytes.len() as u64;
        }
        self.tail.clear();
        self.tail.shrink_to(BLOCK_BYTES * 2);
    }

    /// What is kept takes so much in memory.
    pub fn memory_bytes(&self) -> usize {
        self.memory_bytes + self.blocks.capacity() * size_of::<Block>() + self.tail.capacity()
    }

    fn trim(&mut self) {
        let of_file = self.readers.get(&FILE_READER).copied().unwrap_or(u64::MAX);
        let wanted = self.wanted_by_replicas().min(of_file);
        while self.blocks.front().is_some_and(|block| block.end() <= wanted) {
            if let Some(block) = self.blocks.pop_front() {
                self.memory_bytes -= block.memory_bytes();
            }
        }
        if self.blocks.capacity() > 4 * self.blocks.len() + KEPT_PLACES {
            self.blocks.shrink_to(2 * self.blocks.len() + KEPT_PLACES);
        }
    }

    fn drop_all(&mut self) {
        self.blocks = VecDeque::new();
        self.memory_bytes = 0;
        self.tail.clear();
        self.setslot_end = 0;
    }

    /// From now on nothing from `position` on is dropped for reader `reader`.
    pub fn pin(&mut self, reader: u64, position: LogPosition) {
        self.readers.insert(reader, position);
    }

    /// The reader has come so far, if it is one still.
    pub fn move_pin(&mut self, reader: u64, position: LogPosition) {
        if let Some(pinned) = self.readers.get_mut(&reader) {
            *pinned = position;
            self.trim();
        }
    }

    pub fn unpin(&mut self, reader: u64) {
        self.readers.remove(&reader);
        self.trim();
    }

    /// How many replicas read it.
    pub fn reader_count(&self) -> usize {
        self.readers.keys().filter(|reader| **reader != FILE_READER).count()
    }

    /// The bytes from `position` on: at most about `limit` of them. `None` when they are not kept (any more).
    pub fn read(&mut self, position: LogPosition, limit: usize) -> Option<Vec<Bytes>> {
        if !self.is_written() || position < self.start() || position > self.end {
            return None;
        }
        self.close_tail();
        let first = self.blocks.partition_point(|block| block.end() <= position);
        let mut pieces = Vec::new();
        let mut left = limit;
        for block in self.blocks.range_mut(first..) {
            if left == 0 {
                break;
            }
            if !std::mem::replace(&mut block.is_shared, true) {
                self.memory_bytes += SHARED_BYTES;
            }
            let skip = position.saturating_sub(block.start) as usize;
            let piece = block.bytes.slice(skip.min(block.bytes.len())..);
            let piece = piece.slice(..piece.len().min(left));
            left -= piece.len();
            pieces.push(piece);
        }
        Some(pieces)
    }
}

#[cfg(test)]
mod tests;
