//! Answers that wait until the append-only file has what they tell of.
//!
//! ```text
//!   output  │ sent │ free to go │ tells of all up to 700 │ … up to 900 │
//! ```

use std::collections::VecDeque;
use std::task::Waker;

use crate::client::Session;
use crate::node::Node;
use crate::persistence::aof::Verdict;
use crate::replication::FilePlace;

/// Parts of a connection's output, in order.
#[derive(Debug, Default)]
pub struct HeldBack {
    /// What comes before this in the output may be sent.
    free_to: usize,
    parts: VecDeque<Part>,
}

#[derive(Clone, Copy, Debug)]
struct Part {
    /// Where it ends in the output.
    end: usize,
    /// All that there was for the file when it was answered.
    seen: FilePlace,
    /// The client's own part of that, at most.
    own: FilePlace,
}

/// Whether what is answered now may tell of something that is not in the file.
#[inline]
pub fn is_called_for(node: &Node) -> bool {
    let aof = &node.persistence.aof;
    aof.withholds() && aof.safe() < node.replication.file_end()
}

impl HeldBack {
    /// The output went on from `start` to `end`; that tells of what there is for the file now.
    pub fn add(&mut self, node: &Node, session: &Session, start: usize, end: usize) {
        if self.parts.is_empty() {
            self.free_to = start;
        }
        let offset = node.replication.offset();
        let seen = node.replication.file_end();
        // The file's place is ahead by what is the file's alone.
        let own = session.last_write + seen.saturating_sub(offset);
        match self.parts.back_mut() {
            Some(last) if last.seen == seen && last.own == own => last.end = end,
            _ => self.parts.push_back(Part { end, seen, own }),
        }
    }

    /// Up to where the output may be sent; the client is woken when that changes. `None` when it may not be answered at all.
    pub fn free(&mut self, node: &Node, session: &Session, length: usize, waker: &Waker) -> Option<usize> {
        while let Some(part) = self.parts.front() {
            match node.persistence.aof.verdict(session.id(), part.seen, part.own, waker) {
                Verdict::Send => self.free_to = part.end,
                Verdict::Wait => return Some(self.free_to),
                Verdict::Close => return None,
            }
            self.parts.pop_front();
        }
        Some(length)
    }

    /// So much of the output is sent, and taken out of it.
    pub fn drained(&mut self, bytes: usize) {
        self.free_to = self.free_to.saturating_sub(bytes);
        self.parts.iter_mut().for_each(|part| part.end = part.end.saturating_sub(bytes));
    }
}
