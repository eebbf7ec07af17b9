//! Placeholder header, replaced by the crate's first commit.
pub mod encoding;
pub mod entry;
pub mod table;
pub mod types;
pub use entry::Entry;
use rcl_proto::Slot;
use std::collections::HashMap;
#[derive(Debug)]
pub struct Keyspace { dbs: Vec<HashMap<Vec<u8>, Entry>> }
impl Keyspace {
    pub fn cluster(_: usize, _: usize) -> Keyspace { Keyspace { dbs: vec![HashMap::new()] } }
    pub fn standalone(n: usize) -> Keyspace { Keyspace { dbs: (0..n).map(|_| HashMap::new()).collect() } }
    pub fn find(&self, db: usize, _slot: Slot, key: &[u8]) -> Option<&Entry> { self.dbs[db].get(key) }
    pub fn find_mut(&mut self, db: usize, _slot: Slot, key: &[u8]) -> Option<&mut Entry> { self.dbs[db].get_mut(key) }
    pub fn insert(&mut self, db: usize, _slot: Slot, entry: Entry) -> Option<Entry> { self.dbs[db].insert(entry.key().to_vec(), entry) }
    pub fn remove(&mut self, db: usize, _slot: Slot, key: &[u8]) -> Option<Entry> { self.dbs[db].remove(key) }
}
