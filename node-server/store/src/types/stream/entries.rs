//! Walking the live entries of a log between two ids, from either end.

use super::StreamId;
use super::log::Log;
use super::node::{Backward, Forward, Node, Pairs, Raw};

/// One entry of a stream.
#[derive(Clone)]
pub struct StreamEntry<'a> {
    pub id: StreamId,
    pub pairs: Pairs<'a>,
}

impl<'a> From<Raw<'a>> for StreamEntry<'a> {
    fn from(raw: Raw<'a>) -> StreamEntry<'a> {
        StreamEntry { id: raw.id, pairs: raw.pairs }
    }
}

/// From `start` to `end`, both included.
pub(super) struct Entries<'a> {
    log: &'a Log,
    start: StreamId,
    end: StreamId,
    next_node: usize,
    within: Option<Forward<'a>>,
}

impl<'a> Entries<'a> {
    pub(super) fn new(log: &'a Log, start: StreamId, end: StreamId) -> Entries<'a> {
        Entries { log, start, end, next_node: log.node_index(start), within: None }
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = StreamEntry<'a>;

    fn next(&mut self) -> Option<StreamEntry<'a>> {
        loop {
            let Some(raw) = self.within.as_mut().and_then(Iterator::next) else {
                self.within = Some(self.log.node(self.next_node).map(Node::entries)?);
                self.next_node += 1;
                continue;
            };
            if raw.is_deleted || raw.id < self.start {
                continue;
            }
            if raw.id > self.end {
                self.next_node = usize::MAX;
                self.within = None;
                return None;
            }
            return Some(raw.into());
        }
    }
}

/// From `end` back to `start`, both included.
pub(super) struct EntriesBack<'a> {
    log: &'a Log,
    start: StreamId,
    end: StreamId,
    nodes_left: usize,
    within: Option<Backward<'a>>,
}

impl<'a> EntriesBack<'a> {
    pub(super) fn new(log: &'a Log, start: StreamId, end: StreamId) -> EntriesBack<'a> {
        EntriesBack { log, start, end, nodes_left: log.node_index(end) + 1, within: None }
    }
}

impl<'a> Iterator for EntriesBack<'a> {
    type Item = StreamEntry<'a>;

    fn next(&mut self) -> Option<StreamEntry<'a>> {
        loop {
            let Some(raw) = self.within.as_mut().and_then(Iterator::next) else {
                self.nodes_left = self.nodes_left.checked_sub(1)?;
                self.within = self.log.node(self.nodes_left).map(Node::entries_back);
                continue;
            };
            if raw.is_deleted || raw.id > self.end {
                continue;
            }
            if raw.id < self.start {
                self.nodes_left = 0;
                self.within = None;
                return None;
            }
            return Some(raw.into());
        }
    }
}
