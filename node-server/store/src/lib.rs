//! Placeholder header, replaced by the crate's first commit.
pub mod types;
pub mod encoding;
pub mod entry;
pub mod table;
