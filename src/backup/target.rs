//! What a target must be able to take, asked before a key is sent to it. Nothing here writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rcl_proto::resp::Reply;
use rcl_proto::{SlotSet, key_slot};
use rcl_store::rdb::probe_payload;

use super::load::Existing;
use super::manifest::FileRecord;
use super::take::function_record;
use crate::cli::Failure;
use crate::connect::{Cluster, Link, Words};
use crate::topology::Node;

/// What a server takes of one string, unless it is configured otherwise.
const USUAL_BULK_LIMIT: u64 = 512 << 20;
/// What stands around a payload in a request.
const AROUND: u64 = 1 << 10;

/// Which versions of DUMP payloads all masters of the target can read.
#[derive(Clone, Debug, Default)]
pub struct Readable {
    /// A version, and a master that cannot read it.
    unreadable: BTreeMap<u16, String>,
}

impl Readable {
    /// Asks every master that owns slots with payloads that have a version and nothing else, which no server takes.
    pub async fn ask(cluster: &Arc<Cluster>, versions: &BTreeSet<u16>) -> Result<Readable, Failure> {
        let mut readable = Readable::default();
        for node in owners(cluster) {
            let (link, key) = (cluster.link(node.id)?, key_in(&node.slots));
            for version in versions {
                let probe = Words::of(&["RESTORE"]).and(&key).and("0").and(probe_payload(*version));
                match link.raw(&probe).await? {
                    Reply::Error(error) if error.contains("Bad data format") => {}
                    Reply::Error(error) if error.contains("version or checksum") => {
                        let version_of = node.facts.as_ref().map_or("", |facts| facts.version.as_str());
                        let name = format!("{} (version {version_of})", node.address);
                        readable.unreadable.insert(*version, name);
                    }
                    Reply::Error(error) => {
                        let what = format!("{} does not let us restore keys: {error}", node.name());
                        return Err(Failure::refused(what));
                    }
                    other => return Err(link.unexpected(&Words::of(&["RESTORE"]), &other).into()),
                }
            }
        }
        Ok(readable)
    }

    /// A master that cannot read this version.
    pub fn who_cannot(&self, version: u16) -> Option<&str> {
        self.unreadable.get(&version).map(String::as_str)
    }
}

fn owners(cluster: &Cluster) -> impl Iterator<Item = &Node> {
    cluster.topology.masters().into_iter().filter(|node| !node.slots.is_empty())
}

/// A name whose slot is one of these.
fn key_in(slots: &SlotSet) -> String {
    let names = (0u64..).map(|number| format!("rcl:probe:{number}"));
    // Some name falls into each slot, so that the search ends.
    names.into_iter().find(|name| slots.contains(key_slot(name.as_bytes()))).unwrap_or_default()
}

/// A value that is longer than what a master takes at once is refused by its name.
pub async fn refuse_too_long(cluster: &Cluster, files: &[FileRecord]) -> Result<(), Failure> {
    let Some(file) = files.iter().max_by_key(|file| file.largest_value_bytes) else { return Ok(()) };
    for node in owners(cluster) {
        let link = cluster.link(node.id)?;
        let limit = bulk_limit(link).await?;
        if file.largest_value_bytes + AROUND > limit {
            let key = file.largest_value_key.as_deref().unwrap_or_default();
            return Err(Failure::refused(format!(
                "the value of '{key}' takes {} bytes, and {} takes no more than {limit} at once",
                file.largest_value_bytes,
                node.name()
            ))
            .next(format!(
                "raise proto-max-bulk-len: rcl call {} CONFIG SET proto-max-bulk-len …",
                cluster.entry
            )));
        }
    }
    Ok(())
}

async fn bulk_limit(link: &Link) -> Result<u64, Failure> {
    let reply = link.raw(&Words::of(&["CONFIG", "GET", "proto-max-bulk-len"])).await?;
    let Reply::Array(parts) = reply else { return Ok(USUAL_BULK_LIMIT) };
    let text = parts.get(1).and_then(Reply::as_bytes).map(String::from_utf8_lossy);
    Ok(text.and_then(|text| text.parse().ok()).unwrap_or(USUAL_BULK_LIMIT))
}

/// Function libraries, and which masters need them.
#[derive(Debug, Default)]
pub struct Libraries {
    missing: Vec<(Link, Vec<u8>)>,
}

impl Libraries {
    /// Compares the libraries with those of each master. One that has the same name and other code is refused, unless what is
    /// there is to be replaced.
    pub async fn compare(
        cluster: &Cluster,
        codes: &[Vec<u8>],
        existing: Existing,
    ) -> Result<Libraries, Failure> {
        let mut libraries = Libraries::default();
        for node in owners(cluster) {
            let link = cluster.link(node.id)?;
            for code in codes {
                let name = function_record(code).name;
                let list = Words::of(&["FUNCTION", "LIST", "LIBRARYNAME", &name, "WITHCODE"]);
                let found = library_code(&link.call(list).await?);
                match (found, existing) {
                    (Some(found), _) if found == *code => {}
                    (Some(_), Existing::Keep) => {}
                    (Some(_), Existing::Refuse) => {
                        return Err(Failure::refused(format!(
                            "{} has another function library '{name}' than the backup",
                            node.name()
                        ))
                        .next("--replace takes that of the backup, --into-non-empty leaves the one that is there"));
                    }
                    _ => libraries.missing.push((link.clone(), code.clone())),
                }
            }
        }
        Ok(libraries)
    }

    /// Loads what is missing; how many times.
    pub async fn load(&self) -> Result<usize, Failure> {
        for (link, code) in &self.missing {
            link.call(Words::of(&["FUNCTION", "LOAD", "REPLACE"]).and(code)).await?;
        }
        Ok(self.missing.len())
    }
}

/// The code in the answer of FUNCTION LIST, which has at most one library here.
fn library_code(reply: &Reply) -> Option<Vec<u8>> {
    let Reply::Array(libraries) = reply else { return None };
    let Reply::Array(fields) = libraries.first()? else { return None };
    let name = fields.iter().position(|field| field.as_bytes() == Some(b"library_code"))?;
    fields.get(name + 1)?.as_bytes().map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcl_proto::Slot;

    #[test]
    fn a_name_is_found_for_any_slot() {
        for number in [0, 1, 9999, 16383] {
            let slots: SlotSet = Slot::new(number).into_iter().collect();
            assert_eq!(key_slot(key_in(&slots).as_bytes()).number(), number);
        }
    }

    #[test]
    fn the_code_is_found_in_the_list() {
        let text = |text: &str| Reply::Bulk(text.into());
        let list = Reply::Array(vec![Reply::Array(vec![
            text("library_name"),
            text("lib"),
            text("engine"),
            text("LUA"),
            text("functions"),
            Reply::Array(vec![]),
            text("library_code"),
            text("#!lua name=lib\n"),
        ])]);
        assert_eq!(library_code(&list).unwrap(), b"#!lua name=lib\n");
        assert_eq!(library_code(&Reply::Array(vec![])), None);
    }
}
