//! A backup of a cluster: one RDB file of each master, and a manifest that says what they are.
//!
//! ```text
//! DIR/
//!   manifest.json          written last, by renaming: where it is, the backup is whole
//!   node-07c37dfe.rdb      what the master would give a replica, byte for byte (with --compress: .rdb.gz)
//!   INCOMPLETE             from the first moment until the manifest is there
//! ```
//!
//! **What moment it is of.** A file is its master's data at one point of its replication stream, which the manifest names (id and
//! offset). The masters are asked at the same time, but each has its own point: a cluster has no moment that all share, and writes
//! to keys of different masters may be in one file and not in the other. Within a slot nothing is torn. Slots that move meanwhile
//! could be in two files or in none; so open slots are refused before, and the owners of all slots are compared afterwards.
//!
//! ```text
//! full_copy   a replica's handshake with a master, and the bytes that follow
//! take        one master's copy into one file, counted and checked as it comes
//! folder      files that are whole or not there
//! manifest    what is in the folder
//! open        files back, checked
//! target      what a cluster must be able to take before a key is sent to it
//! load        the keys of files, each to the owner of its slot
//! ```

mod folder;
mod full_copy;
mod load;
mod manifest;
mod open;
mod take;
mod target;

pub use folder::{Folder, INCOMPLETE, MANIFEST};
pub use full_copy::{FullCopy, Patient, Wanted, lost};
pub use load::{Existing, Loaded, Loader, slots_of};
pub use manifest::{FORMAT, FileRecord, FunctionRecord, Manifest, NodeRecord, VERSION};
pub use open::{BackupFile, check_sum, functions, open_file};
pub use take::{Source, take};
pub use target::{Libraries, Readable, refuse_too_long};

/// Unix milliseconds.
pub fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
