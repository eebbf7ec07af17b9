//! The append-only file as a reader of the log: what it does not get, and what it gets besides.
//!
//! Records that are about no data (PING, REPLCONF GETACK, SETSLOT) are remembered as ranges *apart*, which it does not get; where it
//! tells times, the beginnings of seconds are remembered.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;

use super::{LogPosition, ReplicationLog};
use crate::clock;

/// The writer of the append-only file, as a reader of the log. Others have their client's number.
pub const FILE_READER: u64 = u64::MAX;

/// What the append-only file gets next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataPiece {
    Bytes(Bytes),
    /// What follows was written from this second on, Unix time.
    Second(i64),
}

impl ReplicationLog {
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

    /// The append-only file does not get this.
    pub(super) fn keep_apart(&mut self, range: Range<LogPosition>) {
        if !self.for_file || range.is_empty() {
            return;
        }
        match self.apart.back_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.apart.push_back(range),
        }
    }

    /// Where the second began that it is now.
    pub(super) fn note_second(&mut self) {
        let now_s = clock::now_ms() / 1000;
        if let Some(seconds) = &mut self.seconds
            && seconds.back().is_none_or(|(_, last)| *last != now_s)
        {
            seconds.push_back((self.end, now_s));
        }
    }

    /// The file has all before `position`.
    pub(super) fn forget_before(&mut self, position: LogPosition) {
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

    /// As [`read`](Self::read) for the append-only file, up to `until` at the most: without what is kept apart, and with the seconds. Also
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
}
