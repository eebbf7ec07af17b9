//! Several keys of one command at once, and what the …STORE commands do with their result.

use rcl_proto::resp::Args;
use rcl_store::entry::Entry;
use rcl_store::types::{SetRef, Value, ValueRef};

use super::{CommandError, Data};
use crate::pubsub::EventClass;

impl Data<'_> {
    /// The values of several keys, in order, for reading; each is counted as a hit or a miss, and noted as an access. A key
    /// of another type is an error: those behind it are not read then.
    pub fn find_all(
        &mut self,
        keys: Args<'_>,
        fits: impl Fn(ValueRef<'_>) -> bool,
    ) -> Result<Vec<Option<&Entry>>, CommandError> {
        // First what changes something (expiry, access bits), then one look with nothing borrowed for change.
        let is_present = |key| match self.find(key).map(Entry::value) {
            Some(value) if !fits(value) => Err(CommandError::WRONG_TYPE),
            found => Ok(found.is_some()),
        };
        let present: Vec<bool> = keys.iter().map(is_present).collect::<Result<_, _>>()?;
        let database = self.database;
        let wanted: Vec<_> = keys.iter().map(|key| self.key(key)).collect();
        let Some(keyspace) = self.keyspace() else { return Ok(present.iter().map(|_| None).collect()) };
        let keyspace = &*keyspace;
        let entries = wanted
            .iter()
            .zip(present)
            .map(|(key, present)| if present { keyspace.find(database, key) } else { None });
        Ok(entries.collect())
    }

    /// The sets at several keys, in order; a key of another type is an error.
    pub fn sets(&mut self, keys: Args<'_>) -> Result<Vec<Option<SetRef<'_>>>, CommandError> {
        let entries = self.find_all(keys, |value| matches!(value, ValueRef::Set(_)))?;
        entries
            .into_iter()
            .map(|entry| match entry.map(Entry::value) {
                None => Ok(None),
                Some(ValueRef::Set(set)) => Ok(Some(set)),
                Some(_) => Err(CommandError::WRONG_TYPE),
            })
            .collect()
    }

    /// The result of a …STORE command replaces the destination: then `event` happened to it. An empty one, which is
    /// `None`, deletes it.
    pub fn store_result(
        &mut self,
        destination: &[u8],
        result: Option<Value>,
        class: EventClass,
        event: &str,
    ) {
        match result {
            Some(value) => {
                self.put(destination, value, None);
                self.changed(destination);
                self.notify(class, event, destination);
            }
            None => self.store_nothing(destination),
        }
    }

    /// The result of a command that stores it is empty. What was there is deleted for that, even where its time was over.
    pub fn store_nothing(&mut self, destination: &[u8]) {
        let key = self.key(destination);
        if self.remove_as_it_is(&key, |settings| settings.lazyfree_lazy_server_del) {
            self.changed(destination);
            self.notify(EventClass::Generic, "del", destination);
        }
    }

    /// The key changed in `count` places. With none, whoever watches it is still told, as Redis does where it
    /// does not look whether anything came of a write.
    pub fn changed_times(&mut self, key: &[u8], count: u64) {
        self.changed(key);
        self.effects.changes = self.effects.changes + count - 1;
    }
}
