//! The replication log: effects as commands, in the order in which they happened.

use rcl_proto::Slot;
use rcl_proto::resp::{Args, encode_request};

/// A place in the log: bytes since the beginning of its history.
pub type LogPosition = u64;

#[derive(Debug, Default)]
pub struct ReplicationLog {
    bytes: Vec<u8>,
    database: Option<usize>,
}

impl ReplicationLog {
    pub fn append<'a>(
        &mut self,
        database: usize,
        _slot: Option<Slot>,
        commands: impl Iterator<Item = Args<'a>>,
    ) {
        if self.database != Some(database) {
            let number = database.to_string();
            encode_request(&mut self.bytes, [b"SELECT".as_slice(), number.as_bytes()]);
            self.database = Some(database);
        }
        for command in commands {
            encode_request(&mut self.bytes, command.iter());
        }
    }
}
