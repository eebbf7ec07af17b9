//! Placeholder header, replaced by the crate's first commit.
pub mod types;
#[derive(Debug)]
pub struct Keyspace;
impl Keyspace {
    pub fn cluster(_: usize, _: usize) -> Keyspace { Keyspace }
    pub fn standalone(_: usize) -> Keyspace { Keyspace }
}
