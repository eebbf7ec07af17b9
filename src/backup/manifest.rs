//! What a backup says of itself, in `manifest.json`.
//!
//! Fields may be added in the same version; one that means something else makes a new version, which older programs refuse.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cli::Failure;

pub const FORMAT: &str = "rcl-backup";
pub const VERSION: u32 = 1;

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Manifest {
    /// Always `rcl-backup`.
    pub format: String,
    pub version: u32,
    /// Of the program that made it.
    pub rcl_version: String,
    /// Unix milliseconds.
    pub begun_ms: u64,
    pub ended_ms: u64,
    pub keys: u64,
    /// Of all files, as they lie there.
    pub bytes: u64,
    /// All nodes of the cluster.
    pub nodes: Vec<NodeRecord>,
    /// Function libraries, those of all masters.
    pub functions: Vec<FunctionRecord>,
    /// In the order of the masters' first slots.
    pub files: Vec<FileRecord>,
}

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct NodeRecord {
    pub id: String,
    pub address: String,
    /// Of a replica.
    pub master: Option<String>,
    /// As `0-99 300`.
    pub slots: String,
    pub config_epoch: u64,
    /// `None`: it did not answer.
    pub server_version: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
pub struct FunctionRecord {
    pub name: String,
    /// Of its code.
    pub sha256: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct FileRecord {
    /// In the folder.
    pub name: String,
    /// `gzip`, or nothing.
    pub compression: Option<String>,
    /// As it lies there.
    pub bytes: u64,
    /// Of the file as it lies there.
    pub sha256: String,
    /// Of the RDB file, as its server says and the bytes are; a server with `rdbchecksum no` says none.
    pub rdb_crc64: Option<String>,
    pub rdb_version: u16,
    /// Of the RDB file, not compressed.
    pub rdb_bytes: u64,
    /// The master whose slots these are.
    pub node: String,
    /// Who was asked: the master, or a replica of it.
    pub taken_from: String,
    pub slots: String,
    /// The point of the replication stream at which these were the data.
    pub replication_id: String,
    pub replication_offset: u64,
    /// When the node named that point, and when the last byte came; Unix milliseconds.
    pub point_ms: u64,
    pub ended_ms: u64,
    pub keys: u64,
    pub expiring_keys: u64,
    /// Keys of slots that the master did not own, as an aborted move leaves them. They are in the file, and are not restored.
    pub keys_elsewhere: u64,
    /// Keys of databases other than 0, which only Valkey 9 has in a cluster.
    pub keys_in_other_databases: u64,
    pub keys_by_type: BTreeMap<String, u64>,
    /// The newest version of DUMP payloads that a target must read, and a key that needs it.
    pub payload_version: u16,
    pub payload_version_key: Option<String>,
    pub largest_value_bytes: u64,
    pub largest_value_key: Option<String>,
    pub functions: Vec<FunctionRecord>,
    /// `slot:keys`, separated by blanks; slots without keys are left out.
    pub keys_by_slot: String,
}

impl Manifest {
    pub fn parse(text: &str) -> Result<Manifest, Failure> {
        #[derive(Deserialize)]
        struct Head {
            format: String,
            version: u32,
        }
        let bad =
            |error: serde_json::Error| Failure::refused(format!("not the manifest of a backup: {error}"));
        let head: Head = serde_json::from_str(text).map_err(bad)?;
        if head.format != FORMAT {
            return Err(Failure::refused(format!("a manifest of '{}', not of a backup", head.format)));
        }
        if head.version != VERSION {
            return Err(Failure::refused(format!(
                "a backup of version {}, and this program knows version {VERSION}",
                head.version
            ))
            .next("use the rcl that made it, or a newer one"));
        }
        serde_json::from_str(text).map_err(bad)
    }

    pub fn text(&self) -> String {
        // Plain data with text keys always has a JSON form.
        serde_json::to_string_pretty(self).unwrap_or_else(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_a_newer_version_is_refused() {
        let manifest = Manifest {
            format: FORMAT.into(),
            version: VERSION,
            rcl_version: "0".into(),
            begun_ms: 1,
            ended_ms: 2,
            keys: 0,
            bytes: 0,
            nodes: Vec::new(),
            functions: Vec::new(),
            files: Vec::new(),
        };
        assert_eq!(Manifest::parse(&manifest.text()).unwrap(), manifest);
        let newer = Manifest { version: VERSION + 1, ..manifest.clone() };
        assert!(Manifest::parse(&newer.text()).unwrap_err().what.contains("version 2"));
        let other = Manifest { format: "x".into(), ..manifest };
        assert!(Manifest::parse(&other.text()).is_err());
        assert!(Manifest::parse("{}").is_err() && Manifest::parse("").is_err());
    }
}
