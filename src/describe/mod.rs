//! A cluster as a file describes it.
//!
//! ```text
//! file.rs      what stands in the file: masters, replicas, slots or weights, zones, settings
//! read.rs      a text to a description; what is wrong is said with its line
//! export.rs    a living cluster to a description
//! ```
//!
//! Pure: files are read and nodes are asked by the verbs. What has to be done is `plan::described`'s to say.

mod export;
mod file;
mod read;

pub use export::{Export, export};
pub use file::{Description, Master, Replica, Settings};
pub use read::{Source, read};
