//! Trimming a log at its head: to a length, or below an id; entry by entry, or only by whole nodes.

use super::StreamId;
use super::log::Log;
use super::node::Raw;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrimTo {
    /// At most so many entries stay.
    Length(u64),
    /// No entry below it stays.
    Id(StreamId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trim {
    pub to: TrimTo,
    /// Only whole nodes go.
    pub is_approximate: bool,
    /// How many entries may go, 0 for any number.
    pub limit: u64,
}

impl Log {
    /// How many entries went.
    pub fn trim(&mut self, trim: &Trim) -> u64 {
        let before = self.length;
        while let Some(node) = self.node(0) {
            if matches!(trim.to, TrimTo::Length(most) if self.length <= most) {
                break;
            }
            let live = u64::try_from(node.header().live).unwrap_or(0);
            if trim.limit > 0 && before - self.length + live > trim.limit {
                break;
            }
            let goes = match trim.to {
                TrimTo::Length(most) => self.length - live >= most,
                TrimTo::Id(lowest) => node.entries_back().next().is_none_or(|last| last.id < lowest),
            };
            if goes {
                self.remove_node(0);
                self.length -= live;
                continue;
            }
            if !trim.is_approximate {
                self.trim_within_first_node(trim.to);
            }
            break;
        }
        let deleted = before - self.length;
        if deleted > 0 || self.is_empty() {
            self.find_first_id();
        }
        deleted
    }

    fn trim_within_first_node(&mut self, to: TrimTo) {
        let Some(node) = self.node(0) else { return };
        let is_live = |entry: &Raw<'_>| !entry.is_deleted;
        let positions: Vec<usize> = match to {
            TrimTo::Length(most) => {
                let excess = usize::try_from(self.length.saturating_sub(most)).unwrap_or(usize::MAX);
                node.entries().filter(is_live).take(excess).map(|entry| entry.position).collect()
            }
            TrimTo::Id(lowest) => {
                let below = node.entries().take_while(|entry| entry.id < lowest);
                below.filter(is_live).map(|entry| entry.position).collect()
            }
        };
        self.length -= positions.len() as u64;
        self.change_node(0, |node| node.mark_deleted(&positions));
    }
}
