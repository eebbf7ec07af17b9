//! The append-only file as a reader of the log: what it does not get, and what it gets besides.
//!
//! ```text
//!   the log    │ SET a │ PING  │ SET d │ …          offsets, as replicas know them
//!   the file   │ SET a │ SET c │ SET d │ …          places: one a byte of the log, one a record that is the file's alone
//! ```
//!
//! - *Apart* are records that the file does not get: those that are about no data (PING, REPLCONF GETACK, SETSLOT), and what
//!   a script sends to replicas alone.
//! - The file's *alone* is what replicas do not get: by a script's choice, or because this node is a replica and a client has written
//!   to it. No offset moves by it.
//! - Where the file tells times, the beginnings of seconds are remembered.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;

use rcl_proto::resp::{Args, encode_request};

use super::{LogPosition, ReplicationLog};
use crate::clock;

/// A place in what the append-only file gets. Where nothing is the file's alone it is the place in the log.
pub type FilePlace = u64;

/// The writer of the append-only file, as a reader of the log. Others have their client's number.
pub const FILE_READER: u64 = u64::MAX;

/// What the append-only file gets next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataPiece {
    Bytes(Bytes),
    /// What follows was written from this second on, Unix time.
    Second(i64),
}

/// What only the file gets.
#[derive(Debug)]
pub(super) struct Alone {
    /// Before it.
    place: FilePlace,
    bytes: Bytes,
}

impl ReplicationLog {
    /// The append-only file is written from here on, with the times of what is written if it tells them.
    pub fn attach_file(&mut self, tells_times: bool) {
        if !self.is_written() {
            self.database = None;
        }
        self.for_file = true;
        self.apart.clear();
        self.alone.clear();
        self.seconds = tells_times.then(VecDeque::new);
        self.pin(FILE_READER, self.end);
    }

    /// The append-only file is written no more.
    pub fn detach_file(&mut self) {
        self.for_file = false;
        self.apart = VecDeque::new();
        self.alone = VecDeque::new();
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

    /// Where the file is to come to.
    pub fn file_end(&self) -> FilePlace {
        self.end + self.alone_count
    }

    /// What of the log lies before this place of the file.
    fn position_of(&self, place: FilePlace) -> LogPosition {
        let ahead = self.alone.len() - self.alone.partition_point(|record| record.place < place);
        place - (self.alone_count - ahead as u64)
    }

    /// The append-only file does not get this, which was written just now.
    pub(super) fn keep_apart(&mut self, range: Range<LogPosition>) {
        if !self.for_file || range.is_empty() {
            return;
        }
        let range = range.start + self.alone_count..range.end + self.alone_count;
        match self.apart.back_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.apart.push_back(range),
        }
    }

    /// Commands, each in a database, of which some are for replicas alone and some for the file alone. One record for each of them.
    pub fn append_parted<'a>(
        &mut self,
        for_replicas: impl Iterator<Item = (Option<usize>, Args<'a>)>,
        for_file: impl Iterator<Item = (Option<usize>, Args<'a>)>,
    ) -> LogPosition {
        if !self.active {
            return self.append_each(for_file);
        }
        if self.for_file {
            // Either has a database that the other one does not know, so both are told anew.
            self.append_alone(for_file, None);
        }
        self.database = None;
        let start = self.end;
        self.append_each(for_replicas);
        self.keep_apart(start..self.end);
        self.database = None;
        self.end
    }

    /// The file gets this, and nobody else does. What follows is in the database `then`, if it does not say so itself.
    pub fn append_alone<'a>(
        &mut self,
        commands: impl Iterator<Item = (Option<usize>, Args<'a>)>,
        then: Option<usize>,
    ) {
        let mut bytes = Vec::new();
        let mut database = None;
        encode(&mut bytes, &mut database, commands);
        if !self.for_file || bytes.is_empty() {
            return;
        }
        if then.is_some() {
            select(&mut bytes, &mut database, then);
        }
        if self.seconds.is_some() {
            self.note_second();
        }
        let place = self.file_end();
        self.alone.push_back(Alone { place, bytes: bytes.into() });
        self.alone_count += 1;
    }

    /// Where the second began that it is now.
    pub(super) fn note_second(&mut self) {
        let now_s = clock::now_ms() / 1000;
        let place = self.file_end();
        if let Some(seconds) = &mut self.seconds
            && seconds.back().is_none_or(|(_, last)| *last != now_s)
        {
            seconds.push_back((place, now_s));
        }
    }

    /// The file has all before `place` for good, which is nearer to the end than the last such. Where in the log that is.
    pub fn release_for_file(&mut self, place: FilePlace) -> LogPosition {
        let position = self.position_of(place);
        self.move_pin(FILE_READER, position);
        while self.apart.front().is_some_and(|range| range.end <= place) {
            self.apart.pop_front();
        }
        while self.alone.front().is_some_and(|record| record.place < place) {
            self.alone.pop_front();
        }
        if let Some(seconds) = &mut self.seconds {
            // The last one stays: what follows may be of the same second.
            while seconds.len() > 1 && seconds.front().is_some_and(|(start, _)| *start < place) {
                seconds.pop_front();
            }
        }
        position
    }

    /// What the append-only file gets from `from` on, up to `until` and about `limit` bytes at the most; and where it goes on.
    /// `None` when that is not kept.
    pub fn read_data(
        &mut self,
        from: FilePlace,
        until: FilePlace,
        limit: usize,
    ) -> Option<(Vec<DataPiece>, FilePlace)> {
        let room = usize::try_from(until.saturating_sub(from)).unwrap_or(usize::MAX);
        let mut raw = self.read(self.position_of(from), limit.min(room))?.into_iter();
        let mut pieces = Vec::with_capacity(raw.len());
        let mut apart = self.apart.iter().skip_while(|range| range.end <= from).peekable();
        let mut alone = self.alone.iter().skip_while(|record| record.place < from).peekable();
        let seconds = self.seconds.iter().flatten().skip_while(|(start, _)| *start < from);
        let mut seconds = seconds.copied().peekable();
        let (mut place, mut bytes) = (from, Bytes::new());
        while place < until {
            while apart.next_if(|range| range.end <= place).is_some() {}
            let next_alone = alone.peek().map_or(u64::MAX, |record| record.place);
            if bytes.is_empty() && next_alone > place {
                let Some(more) = raw.next() else { break };
                bytes = more;
                continue;
            }
            let (apart_start, apart_end) =
                apart.peek().map_or((u64::MAX, 0), |range| (range.start, range.end));
            let is_apart = apart_start <= place;
            if !is_apart && let Some((_, second)) = seconds.next_if(|(start, _)| *start <= place) {
                pieces.push(DataPiece::Second(second));
                continue;
            }
            if let Some(record) = alone.next_if(|record| record.place <= place) {
                pieces.push(DataPiece::Bytes(record.bytes.clone()));
                place += 1;
                continue;
            }
            // As far as it goes on in the same way.
            let next_second = seconds.peek().map_or(u64::MAX, |(start, _)| *start);
            let turn = if is_apart { apart_end } else { apart_start.min(next_second) };
            let length = turn.min(next_alone).min(until) - place;
            let piece = bytes.split_to(bytes.len().min(usize::try_from(length).unwrap_or(usize::MAX)));
            place += piece.len() as u64;
            if !is_apart {
                pieces.push(DataPiece::Bytes(piece));
            }
        }
        Some((pieces, place))
    }
}

/// Appends commands to `bytes`, which are in `database` so far.
pub(super) fn encode<'a>(
    bytes: &mut Vec<u8>,
    database: &mut Option<usize>,
    commands: impl Iterator<Item = (Option<usize>, Args<'a>)>,
) {
    for (wanted, command) in commands {
        select(bytes, database, wanted);
        encode_request(bytes, command.iter());
    }
}

/// Where the database matters, it is said if it is another one.
fn select(bytes: &mut Vec<u8>, database: &mut Option<usize>, wanted: Option<usize>) {
    if let Some(number) = wanted
        && *database != wanted
    {
        let mut text = itoa::Buffer::new();
        encode_request(bytes, [b"SELECT".as_slice(), text.format(number).as_bytes()]);
        *database = wanted;
    }
}
