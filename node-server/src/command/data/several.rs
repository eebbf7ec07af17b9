//! Several keys of one command at once, and what the …STORE commands do with their result.

use rcl_proto::resp::Args;
use rcl_store::entry::Entry;
use rcl_store::types::{Set, Value, ValueRef};

use super::{CommandError, Data};

impl Data<'_> {
    /// The values of several keys, in order, for reading; each is counted as a hit or a miss, and noted as an access.
    pub fn find_all(&mut self, keys: Args<'_>) -> Vec<Option<&Entry>> {
        // First what changes something (expiry, access bits), then one look with nothing borrowed for change.
        let present: Vec<bool> = keys.iter().map(|key| self.find(key).is_some()).collect();
        let database = self.database;
        let wanted: Vec<_> = keys.iter().map(|key| self.key(key)).collect();
        let Some(keyspace) = self.keyspace() else { return present.iter().map(|_| None).collect() };
        let keyspace = &*keyspace;
        wanted
            .iter()
            .zip(present)
            .map(|(key, present)| if present { keyspace.find(database, key) } else { None })
            .collect()
    }

    /// The sets at several keys, in order; a key of another type is an error.
    pub fn sets(&mut self, keys: Args<'_>) -> Result<Vec<Option<&Set>>, CommandError> {
        let entries = self.find_all(keys).into_iter();
        entries
            .map(|entry| match entry.map(Entry::value) {
                None => Ok(None),
                Some(ValueRef::Set(set)) => Ok(Some(set)),
                Some(_) => Err(CommandError::WRONG_TYPE),
            })
            .collect()
    }

    /// The result of a …STORE command replaces the destination; an empty one, which is `None`, deletes it.
    pub fn store_result(&mut self, destination: &[u8], result: Option<Value>) {
        match result {
            Some(value) => {
                self.put(destination, value, None);
                self.changed(destination);
            }
            None => {
                if self.remove(destination) {
                    self.changed(destination);
                }
            }
        }
    }

    /// The key changed in `count` places. With none, whoever watches it is still told, as Redis does where it
    /// does not look whether anything came of a write.
    pub fn changed_times(&mut self, key: &[u8], count: u64) {
        self.changed(key);
        self.effects.changes = self.effects.changes + count - 1;
    }
}
