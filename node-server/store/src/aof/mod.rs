//! The append-only file: which files it consists of, and what is in them.
//!
//! ```text
//! appendonlydir/appendonly.aof.manifest        names the others, in the order in which they are read   [`manifest`]
//!               appendonly.aof.2.base.rdb      all data at one moment: an RDB file, or …
//!               appendonly.aof.2.base.aof      … the commands that make them                           [`commands`]
//!               appendonly.aof.5.incr.aof      what came since, as commands                            [`reader`]
//! ```
//!
//! As Redis 7.0 and later keep it, so that either reads what the other wrote. Bytes in, bytes out: files are elsewhere.

pub mod commands;
pub mod manifest;
pub mod reader;

pub use manifest::{FileEntry, Manifest, ManifestError};
pub use reader::{CommandReader, ReadError};

/// A comment between commands that says when what follows was written, Unix time in seconds: redis-check-aof can cut a
/// file off at such a time.
pub fn timestamp(unix_s: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(b"#TS:");
    out.extend_from_slice(itoa::Buffer::new().format(unix_s).as_bytes());
    out.extend_from_slice(b"\r\n");
}
