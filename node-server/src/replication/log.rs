//! The replication log: effects as commands, in the order in which they happened.
//!
//! ```text
//!          start                                   end
//!   history  │ block │ block  │ block        │ tail ▏  ← append, under the lock of the slot's shard
//!                 ▲                   ▲
//!              replica             replica            each reads on its own; blocks are shared, never copied
//! ```
//!
//! A record is one contiguous append: a command, or a transaction from MULTI to EXEC. Beside the bytes stands
//! where each record ends and which slot it is about. What lies before both the backlog's size and the slowest
//! reader's place is dropped.
//!
//! The log is idle until the first replica asks ([`ReplicationLog::begin`]) or the append-only file reads it
//! ([`ReplicationLog::attach_file`]): before, nothing is written and the offset stands still, as with Redis. What is written
//! for the file alone is of no history: one that begins later always gets a new id, and nothing is kept beyond what the
//! file's writer needs.
//!
//! Some records are about no data (PING, REPLCONF GETACK, SETSLOT): replicas get them, the file does not. And where the
//! file tells times, the log remembers where each second began.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;

use bytes::Bytes;
use rcl_proto::Slot;
use rcl_proto::resp::{Args, encode_request};

use super::history::{History, ReplicationId};
use crate::allocator::block_bytes;
use crate::clock;

/// A place in the log: bytes since the beginning of its history.
pub type LogPosition = u64;

/// A block is closed at about this size. (Readers close the last one earlier, to share it.)
const BLOCK_BYTES: usize = 16 * 1024;

/// What the count of who shares a block takes, which is there once it is read.
const SHARED_BYTES: usize = block_bytes(3 * size_of::<usize>());

/// Places for blocks that are kept although there are none.
const KEPT_PLACES: usize = 1024;

/// The writer of the append-only file, as a reader of the log. Others have their client's number.
pub const FILE_READER: u64 = u64::MAX;

/// What the append-only file gets next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataPiece {
    Bytes(Bytes),
    /// What follows was written from this second on, Unix time.
    Second(i64),
}

/// Where a record ends, and what it is about: one slot, or the whole node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    pub end: LogPosition,
    pub slot: Option<Slot>,
}

#[derive(Debug)]
struct Block {
    start: LogPosition,
    bytes: Bytes,
    records: Box<[Record]>,
}

impl Block {
    fn end(&self) -> LogPosition {
        self.start + self.bytes.len() as u64
    }

    /// What it takes in memory, itself aside.
    fn memory_bytes(&self) -> usize {
        block_bytes(self.bytes.len()) + block_bytes(size_of_val(&*self.records)) + SHARED_BYTES
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
    apart: VecDeque<Range<LogPosition>>,
    /// Where seconds began, if the file tells times.
    seconds: Option<VecDeque<(LogPosition, i64)>>,
    blocks: VecDeque<Block>,
    tail: Vec<u8>,
    tail_records: Vec<Record>,
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
            seconds: None,
            blocks: VecDeque::new(),
            tail: Vec::new(),
            tail_records: Vec::new(),
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

    /// What a replica may ask for.
    pub fn kept(&self) -> Option<std::ops::RangeInclusive<LogPosition>> {
        self.active.then(|| self.start()..=self.end)
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

    /// The append-only file is written from here on, with the times of what is written if it tells them.
    pub fn attach_file(&mut self, tells_times: bool) {
        if !self.is_written() {
            self.database = None;
        }
        self.for_file = true;
        self.apart.clear();
        self.seconds = tells_times.then(VecDeque::new);
        self.pin(FILE_READER, self.end);
    }

    /// The append-only file is written no more.
    pub fn detach_file(&mut self) {
        self.for_file = false;
        self.apart = VecDeque::new();
        self.seconds = None;
        self.unpin(FILE_READER);
        if !self.active {
            self.drop_all();
        }
    }

    /// Whether the file tells times from now on.
    pub fn tell_times(&mut self, tells_times: bool) {
        if tells_times != self.seconds.is_some() {
            self.seconds = tells_times.then(VecDeque::new);
        }
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
        self.append(database, None, std::iter::once(setslot));
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
    pub fn append<'a>(
        &mut self,
        database: usize,
        slot: Option<Slot>,
        commands: impl Iterator<Item = Args<'a>>,
    ) -> LogPosition {
        self.append_each(slot, commands.map(|command| (Some(database), command)))
    }

    /// The same, each command in a database of its own, or in any.
    pub fn append_each<'a>(
        &mut self,
        slot: Option<Slot>,
        commands: impl Iterator<Item = (Option<usize>, Args<'a>)>,
    ) -> LogPosition {
        if !self.is_written() {
            return self.end;
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        for (database, command) in commands {
            if let Some(database) = database
                && self.database != Some(database)
            {
                let mut number = itoa::Buffer::new();
                encode_request(&mut scratch, [b"SELECT".as_slice(), number.format(database).as_bytes()]);
                self.database = Some(database);
            }
            encode_request(&mut scratch, command.iter());
        }
        self.write(&scratch, slot);
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
            self.write(&bytes, None);
            self.keep_apart(start..self.end);
        }
        self.end
    }

    /// What a replica applied, as its master sent it; and where in it records stand that are about no data.
    pub fn append_stream(&mut self, bytes: &[u8], database: usize, apart: &[Range<usize>]) -> LogPosition {
        self.database = Some(database);
        let start = self.end;
        self.write(bytes, None);
        for range in apart {
            self.keep_apart(start + range.start as u64..start + range.end as u64);
        }
        self.end
    }

    /// The append-only file does not get this.
    fn keep_apart(&mut self, range: Range<LogPosition>) {
        if !self.for_file || range.is_empty() {
            return;
        }
        match self.apart.back_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.apart.push_back(range),
        }
    }

    fn write(&mut self, bytes: &[u8], slot: Option<Slot>) {
        if bytes.is_empty() {
            return;
        }
        if self.seconds.is_some() {
            self.note_second();
        }
        self.tail.extend_from_slice(bytes);
        self.end += bytes.len() as u64;
        self.tail_records.push(Record { end: self.end, slot });
        if self.tail.len() >= BLOCK_BYTES {
            self.close_tail();
            self.trim();
        }
    }

    fn note_second(&mut self) {
        let now_s = clock::now_ms() / 1000;
        if let Some(seconds) = &mut self.seconds
            && seconds.back().is_none_or(|(_, last)| *last != now_s)
        {
            seconds.push_back((self.end, now_s));
        }
    }

    /// Makes the tail a block, to be shared with readers.
    fn close_tail(&mut self) {
        if self.tail.is_empty() {
            return;
        }
        let start = self.end - self.tail.len() as u64;
        // Copied, so that a block takes no more than what is in it.
        let block = Block {
            start,
            bytes: Bytes::copy_from_slice(&self.tail),
            records: self.tail_records.as_slice().into(),
        };
        self.tail.clear();
        self.tail.shrink_to(BLOCK_BYTES * 2);
        self.tail_records.clear();
        self.memory_bytes += block.memory_bytes();
        self.blocks.push_back(block);
    }

    /// What is kept takes so much in memory.
    pub fn memory_bytes(&self) -> usize {
        let tail = self.tail.capacity() + self.tail_records.capacity() * size_of::<Record>();
        self.memory_bytes + self.blocks.capacity() * size_of::<Block>() + tail
    }

    fn trim(&mut self) {
        // Without a history nobody but the file's writer comes.
        let backlog_bytes = if self.active { self.backlog_bytes } else { 0 };
        let backlog = self.end.saturating_sub(backlog_bytes);
        let wanted = self.readers.values().copied().min().unwrap_or(u64::MAX).min(backlog);
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
        self.tail_records.clear();
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
        }
        if reader == FILE_READER {
            while self.apart.front().is_some_and(|range| range.end <= position) {
                self.apart.pop_front();
            }
            if let Some(seconds) = &mut self.seconds {
                // The last one stays: what follows may be of the same second.
                while seconds.len() > 1 && seconds.front().is_some_and(|(start, _)| *start < position) {
                    seconds.pop_front();
                }
            }
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
        for block in self.blocks.range(first..) {
            if left == 0 {
                break;
            }
            let skip = position.saturating_sub(block.start) as usize;
            let piece = block.bytes.slice(skip.min(block.bytes.len())..);
            let piece = piece.slice(..piece.len().min(left));
            left -= piece.len();
            pieces.push(piece);
        }
        Some(pieces)
    }

    /// The same for the append-only file, up to `until` at the most: without what is kept apart, and with the seconds. Also
    /// where it goes on.
    pub fn read_data(
        &mut self,
        position: LogPosition,
        until: LogPosition,
        limit: usize,
    ) -> Option<(Vec<DataPiece>, LogPosition)> {
        let room = usize::try_from(until.saturating_sub(position)).unwrap_or(usize::MAX);
        let raw = self.read(position, limit.min(room))?;
        let mut pieces = Vec::with_capacity(raw.len());
        let mut apart = self.apart.iter().skip_while(|range| range.end <= position).peekable();
        let seconds = self.seconds.iter().flatten().skip_while(|(start, _)| *start < position);
        let mut seconds = seconds.copied().peekable();
        let mut place = position;
        for mut bytes in raw {
            while !bytes.is_empty() {
                while apart.next_if(|range| range.end <= place).is_some() {}
                let next = apart.peek().map(|range| range.start).unwrap_or(u64::MAX);
                let is_apart = next <= place;
                let turn = if is_apart { apart.peek().map_or(place, |range| range.end) } else { next };
                let mut length = bytes.len().min(usize::try_from(turn - place).unwrap_or(usize::MAX));
                if !is_apart {
                    if let Some((_, second)) = seconds.next_if(|(start, _)| *start <= place) {
                        pieces.push(DataPiece::Second(second));
                        continue;
                    }
                    if let Some((start, _)) = seconds.peek() {
                        length = length.min(usize::try_from(start - place).unwrap_or(usize::MAX));
                    }
                    pieces.push(DataPiece::Bytes(bytes.slice(..length)));
                }
                bytes = bytes.slice(length..);
                place += length as u64;
            }
        }
        Some((pieces, place))
    }

    /// The records that end after `position`.
    pub fn records_after(&self, position: LogPosition) -> impl Iterator<Item = Record> {
        let closed = self.blocks.iter().flat_map(|block| block.records.iter());
        closed.chain(&self.tail_records).copied().filter(move |record| record.end > position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rcl_proto::resp::OwnedArgs;

    fn id(letter: u8) -> ReplicationId {
        ReplicationId::parse(&[letter; 40]).unwrap()
    }

    /// What the append-only file gets from `position` on.
    fn data_from(log: &mut ReplicationLog, position: u64) -> String {
        let (pieces, end) = log.read_data(position, u64::MAX, usize::MAX).unwrap();
        assert_eq!(end, log.end());
        let text = |piece: DataPiece| match piece {
            DataPiece::Bytes(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
            DataPiece::Second(second) => format!("<{second}>"),
        };
        pieces.into_iter().map(text).collect()
    }

    #[test]
    fn for_the_file_alone_nothing_is_kept_that_it_has() {
        let mut log = ReplicationLog::new(id(b'a'), 1 << 20);
        log.attach_file(false);
        assert!(log.is_written() && !log.is_active());
        let value = "x".repeat(BLOCK_BYTES);
        let first = append(&mut log, 0, None, &format!("SET k {value}"));
        log.move_pin(FILE_READER, first);
        append(&mut log, 0, None, &format!("SET k {value}"));
        assert_eq!((log.start(), log.kept()), (first, None));
        // A history that begins is a new one, and keeps what comes.
        log.begin(id(b'b'));
        let place = log.end();
        append(&mut log, 0, None, "DEL a");
        assert_eq!(log.history().id, id(b'b'));
        assert!(data_from(&mut log, place).starts_with("*2\r\n$6\r\nSELECT"));
        // It may end, and the file goes on.
        log.retire(id(b'c'));
        assert_eq!(log.kept(), None);
        assert!(data_from(&mut log, place).ends_with("$1\r\na\r\n"));
        log.detach_file();
        assert_eq!((log.is_written(), log.read(place, 10)), (false, None));
    }

    #[test]
    fn what_is_about_no_data_does_not_come_into_the_file() {
        let mut log = active(1024);
        log.attach_file(false);
        log.append_notice(&[b"PING"]);
        append(&mut log, 0, None, "DEL a");
        log.append_notice(&[b"PING"]);
        log.append_notice(&[b"PING"]);
        let setslot = OwnedArgs::new(["CLUSTER", "SETSLOT"].map(str::as_bytes));
        let place = log.end();
        log.append_setslot(0, setslot.as_args());
        assert_eq!(log.setslot_end(), log.end());
        append(&mut log, 0, None, "DEL b");
        let select = "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n";
        let deletion = |key: &str| format!("{select}*2\r\n$3\r\nDEL\r\n$1\r\n{key}\r\n");
        assert_eq!(data_from(&mut log, 0), deletion("a") + &deletion("b"));
        assert_eq!(data_from(&mut log, place + 5), deletion("b"));
        let place = log.end();
        log.append_stream(b"\n*1\r\n$4\r\nPING\r\nDATAmore\n", 3, &[0..1, 1..15, 23..24]);
        assert_eq!(data_from(&mut log, place), "DATAmore");
        log.move_pin(FILE_READER, log.end());
        assert!(log.apart.is_empty());
    }

    #[test]
    fn seconds_stand_before_what_was_written_in_them() {
        let mut log = active(1024);
        log.attach_file(true);
        append(&mut log, 0, None, "DEL a");
        let place = log.end();
        append(&mut log, 0, None, "DEL b");
        assert!(log.seconds.as_ref().is_some_and(|seconds| seconds[0].0 == 0));
        log.seconds = Some([(0, 7), (place, 8)].into());
        let text = data_from(&mut log, 0);
        assert!(text.starts_with("<7>*2\r\n$6\r\nSELECT"), "{text}");
        assert!(text.contains("a\r\n<8>*2\r\n$3\r\nDEL\r\n$1\r\nb\r\n"), "{text}");
        log.move_pin(FILE_READER, place);
        assert!(data_from(&mut log, place).starts_with("<8>"));
    }

    fn active(backlog_bytes: u64) -> ReplicationLog {
        let mut log = ReplicationLog::new(id(b'a'), backlog_bytes);
        log.begin(id(b'b'));
        log
    }

    fn append(log: &mut ReplicationLog, database: usize, slot: Option<Slot>, line: &str) -> u64 {
        let args = OwnedArgs::new(line.split(' ').map(str::as_bytes));
        log.append(database, slot, std::iter::once(args.as_args()))
    }

    #[test]
    fn a_transaction_selects_its_database_inside() {
        let mut log = active(100_000);
        let commands = [(None, ["MULTI"]), (Some(2), ["PING"]), (None, ["EXEC"])];
        let commands = commands.map(|(database, words)| (database, OwnedArgs::new(words.map(str::as_bytes))));
        log.append_each(None, commands.iter().map(|(database, command)| (*database, command.as_args())));
        let expected =
            "*1\r\n$5\r\nMULTI\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nEXEC\r\n";
        assert_eq!(String::from_utf8(everything_from(&mut log, 0)).unwrap(), expected);
    }

    #[test]
    fn what_it_takes_in_memory_follows_what_it_keeps() {
        let mut log = active(100_000);
        log.pin(1, 0);
        let value = "x".repeat(1000);
        (0..1000).for_each(|_| _ = append(&mut log, 0, None, &format!("SET key {value}")));
        let kept = log.memory_bytes() as u64;
        assert!((log.end()..log.end() * 11 / 10).contains(&kept), "{kept} for {}", log.end());
        log.unpin(1);
        assert!(log.memory_bytes() < 250_000, "{}", log.memory_bytes());
        log.retire(id(b'c'));
        assert!(log.memory_bytes() < 50_000);
    }

    fn everything_from(log: &mut ReplicationLog, position: u64) -> Vec<u8> {
        log.read(position, usize::MAX).unwrap().concat()
    }

    #[test]
    fn an_idle_log_stands_still() {
        let mut log = ReplicationLog::new(id(b'a'), 1024);
        append(&mut log, 0, None, "SET k v");
        assert_eq!((log.end(), log.kept(), log.read(0, 10)), (0, None, None));
        log.begin(id(b'b'));
        assert_eq!(log.history().id, id(b'b'));
        append(&mut log, 0, None, "SET k v");
        let expected = "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";
        assert_eq!(everything_from(&mut log, 0), expected.as_bytes());
    }

    #[test]
    fn the_database_is_said_when_it_changes() {
        let mut log = active(1024);
        append(&mut log, 0, None, "DEL a");
        let place = append(&mut log, 0, None, "DEL b");
        append(&mut log, 3, None, "DEL c");
        assert_eq!(
            everything_from(&mut log, place),
            b"*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*2\r\n$3\r\nDEL\r\n$1\r\nc\r\n"
        );
        let place = log.end();
        log.append_notice(&[b"PING"]);
        append(&mut log, 3, None, "DEL d");
        log.forget_database();
        append(&mut log, 3, None, "DEL e");
        let expected = "*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nDEL\r\n$1\r\nd\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*2\r\n$3\r\nDEL\r\n$1\r\ne\r\n";
        assert_eq!(everything_from(&mut log, place), expected.as_bytes());
    }

    #[test]
    fn records_carry_their_slot() {
        let mut log = active(1024);
        let slot = Slot::new(7);
        let first = append(&mut log, 0, slot, "DEL a");
        let _ = log.read(0, 10);
        let second = append(&mut log, 0, None, "FLUSHALL");
        let records: Vec<Record> = log.records_after(0).collect();
        assert_eq!(records, [Record { end: first, slot }, Record { end: second, slot: None }]);
        assert_eq!(log.records_after(first).count(), 1);
    }

    #[test]
    fn a_reader_holds_what_it_has_not_read() {
        let mut log = active(1000);
        log.pin(1, 0);
        let value = "x".repeat(5000);
        for _ in 0..20 {
            append(&mut log, 0, None, &format!("SET k {value}"));
        }
        assert_eq!(log.start(), 0);
        log.pin(1, 60_000);
        append(&mut log, 0, None, &format!("SET k {}", "x".repeat(BLOCK_BYTES)));
        assert!(log.start() > 30_000 && log.start() <= 60_000, "{}", log.start());
        log.unpin(1);
        assert!(log.end() - log.start() < 1000 + 2 * BLOCK_BYTES as u64);
        assert_eq!(log.read(log.start() - 1, 10), None);
        assert_eq!(log.read(log.end() + 1, 10), None);
        assert_eq!(log.read(log.end(), 10), Some(Vec::new()));
    }

    #[test]
    fn who_is_no_reader_any_more_holds_nothing_by_reading_on() {
        let mut log = active(1000);
        log.pin(1, 0);
        log.move_pin(1, 500);
        log.unpin(1);
        log.move_pin(1, 600);
        assert_eq!(log.reader_count(), 0);
    }

    #[test]
    fn following_another_log() {
        let mut log = active(1000);
        append(&mut log, 0, None, "DEL a");
        log.restart_at(History::new(id(b'c')), 5000, Some(2));
        assert_eq!(log.kept(), Some(5000..=5000));
        log.append_stream(b"*1\r\n$4\r\nPING\r\n", 2, &[]);
        assert_eq!(log.end(), 5014);
        assert_eq!(everything_from(&mut log, 5000), b"*1\r\n$4\r\nPING\r\n");
    }

    proptest! {
        #[test]
        fn reads_are_what_was_written(
            writes in proptest::collection::vec((0usize..3, 1usize..9000), 1..60),
            reads in proptest::collection::vec((0usize..60, 1usize..40_000), 0..60),
        ) {
            let mut log = active(u64::MAX);
            let mut model = Vec::new();
            let mut place = 0u64;
            let mut read = Vec::new();
            for (turn, (database, length)) in writes.iter().enumerate() {
                let before = log.end();
                append(&mut log, *database, None, &"y".repeat(*length));
                model.extend(everything_from(&mut log, before));
                for (_, limit) in reads.iter().filter(|(at, _)| *at == turn) {
                    let piece = log.read(place, *limit).unwrap().concat();
                    prop_assert!(piece.len() <= *limit);
                    place += piece.len() as u64;
                    read.extend(piece);
                }
            }
            prop_assert_eq!(log.end(), model.len() as u64);
            read.extend(everything_from(&mut log, place));
            prop_assert!(read == model);
        }
    }
}
