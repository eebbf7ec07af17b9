//! A stream: entries in the order of their ids, each a list of fields with values, and the groups that consume them.
//!
//! A big stream shares its nodes, and groups what is pending, with its clones until one of them writes.

mod entries;
mod group;
mod id;
mod load;
mod log;
mod node;
mod progress;
mod radix;
mod trim;

use super::Encoding;
use std::collections::BTreeMap;
use triomphe::Arc;

pub use entries::StreamEntry;
pub use group::{Consumer, ConsumerName, Group, Pending};
pub use id::StreamId;
pub use load::{SavedConsumer, SavedGroup, SavedIds, StreamLoader};
pub use log::{AppendError, Log, NewId, SetIdError};
pub use node::Pairs;
pub use trim::{Trim, TrimTo};

type Groups = BTreeMap<Box<[u8]>, Arc<Group>>;

#[derive(Clone, Default)]
pub struct Stream {
    pub log: Log,
    /// `None` where there never was one.
    groups: Option<Arc<Groups>>,
}

impl Stream {
    pub fn new() -> Stream {
        Stream::default()
    }

    pub fn group(&self, name: &[u8]) -> Option<&Group> {
        self.groups.as_ref()?.get(name).map(|group| &**group)
    }

    pub fn group_mut(&mut self, name: &[u8]) -> Option<&mut Group> {
        self.log_and_group(name).map(|(_, group)| group)
    }

    /// The log beside a group that changes.
    pub fn log_and_group(&mut self, name: &[u8]) -> Option<(&Log, &mut Group)> {
        self.group(name)?;
        let groups = Arc::make_mut(self.groups.as_mut()?);
        groups.get_mut(name).map(|group| (&self.log, Arc::make_mut(group)))
    }

    /// All groups by name.
    pub fn groups(&self) -> impl Iterator<Item = (&[u8], &Group)> {
        self.groups.iter().flat_map(|groups| groups.iter()).map(|(name, group)| (&**name, &**group))
    }

    pub fn group_count(&self) -> usize {
        self.groups.as_ref().map_or(0, |groups| groups.len())
    }

    /// False when there is one of this name.
    pub fn create_group(&mut self, name: &[u8], group: Group) -> bool {
        if self.group(name).is_some() {
            return false;
        }
        Arc::make_mut(self.groups.get_or_insert_default()).insert(name.into(), Arc::new(group));
        true
    }

    pub fn destroy_group(&mut self, name: &[u8]) -> bool {
        self.group(name).is_some()
            && self.groups.as_mut().is_some_and(|groups| Arc::make_mut(groups).remove(name).is_some())
    }

    pub fn encoding(&self) -> Encoding {
        Encoding::Stream
    }

    /// About how many steps it takes to free it: its nodes, and as much for every group as the first one takes.
    pub fn free_effort(&self) -> usize {
        let of_a_group = self.groups().next().map_or(0, |(_, group)| 1 + group.pending_count());
        self.log.node_count() + self.group_count() * of_a_group
    }

    /// Bytes allocated, about.
    pub fn memory_usage(&self) -> usize {
        let groups = self.groups().map(|(name, group)| name.len() + group.memory_usage());
        size_of::<Stream>() + self.log.memory_usage() + groups.sum::<usize>()
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let entries = self.log.range(StreamId::MIN, StreamId::MAX);
        formatter
            .debug_map()
            .entries(entries.map(|entry| (entry.id, entry.pairs.collect::<Vec<_>>())))
            .finish()
    }
}

#[cfg(test)]
mod tests;
