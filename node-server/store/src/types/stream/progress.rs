//! How far a group has come: how many entries it has read of all that were ever added, and how many are ahead of it.
//!
//! Entries are only counted, so the place of an id is known where no deleted entry lies behind it: at the ends of the log, and
//! from there on as a group reads. Else it is unknown.

use super::StreamId;
use super::group::Group;
use super::log::Log;

impl Log {
    /// How many entries the group has not read yet.
    pub fn lag(&self, group: &Group) -> Option<i64> {
        if self.entries_added == 0 {
            return Some(0);
        }
        let read = match group.entries_read {
            Some(read) if !self.has_tombstone_from(group.last_id) => Some(read),
            _ => self.count_up_to(group.last_id),
        };
        read.map(|read| (self.entries_added as i64).wrapping_sub(read))
    }

    /// The group has read the entry with this id, if it is above what it has read.
    pub fn note_read(&self, group: &mut Group, id: StreamId) -> bool {
        let is_new = id > group.last_id;
        if is_new {
            group.entries_read = match group.entries_read {
                Some(read) if !self.has_tombstone_from(id) => Some(read.wrapping_add(1)),
                read if self.entries_added == 0 => read,
                _ => self.count_up_to(id),
            };
            group.last_id = id;
        }
        is_new
    }

    /// How many entries were added up to this id and with it, where that can be told.
    pub fn count_up_to(&self, id: StreamId) -> Option<i64> {
        let added = self.entries_added as i64;
        if added == 0 || id == self.last_id || (self.is_empty() && id < self.last_id) {
            return Some(added);
        }
        let is_whole = self.max_deleted_id == StreamId::MIN || self.max_deleted_id < self.first_id;
        if id > self.last_id || !is_whole || id > self.first_id {
            return None;
        }
        let before = added.wrapping_sub(self.length as i64);
        Some(if id == self.first_id { before.wrapping_add(1) } else { before })
    }

    /// Whether an entry that XDEL deleted may lie at this id or above it, within the log.
    fn has_tombstone_from(&self, id: StreamId) -> bool {
        !self.is_empty()
            && self.max_deleted_id != StreamId::MIN
            && self.first_id <= self.max_deleted_id
            && id <= self.max_deleted_id
    }
}
