//! `rcl key-slot`: where keys live, and why.
//!
//! The slot is CRC16 of what is hashed (the hash tag, or the whole key) modulo 16384; no cluster is needed to
//! know it. With a cluster at hand (`--entry`, RCL_ENTRY) the slot's owner is named too.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use rcl_proto::nodes_text::{self, NodeFlags, NodeLine};
use rcl_proto::{Address, NodeId, Slot, hash_tag, key_hash, key_slot};
use serde::Serialize;

use crate::cli::{Failure, Kind, Session};
use crate::connect::Connector;
use crate::output::{Report, table};

/// Shows the slot of keys, and what of each key is hashed
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The keys, as they are (quote what the shell would change: '{user:1}:name')
    #[arg(required = true, value_name = "KEY")]
    pub keys: Vec<OsString>,
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let owners = match &session.entry {
        Some(entry) => Some(Owners::ask(&session.connector, entry).await?),
        None => None,
    };
    let keys = args.keys.iter().map(|key| KeySlot::of(key.as_bytes(), owners.as_ref())).collect();
    session.output.print(&KeySlots(keys));
    Ok(())
}

/// Where one key lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeySlot {
    /// Bytes that are not UTF-8 are escaped.
    pub key: String,
    /// The part between braces that is hashed in the key's place.
    pub hash_tag: Option<String>,
    pub crc16: u16,
    pub slot: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
}

/// The master that serves a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Owner {
    pub address: String,
    pub id: String,
}

impl KeySlot {
    pub fn of(key: &[u8], owners: Option<&Owners>) -> KeySlot {
        let slot = key_slot(key);
        KeySlot {
            key: readable(key),
            hash_tag: hash_tag(key).map(readable),
            crc16: key_hash(key),
            slot: slot.number(),
            owner: owners
                .and_then(|owners| owners.of(slot))
                .map(|line| Owner { address: line.address.to_string(), id: line.id.to_string() }),
        }
    }
}

fn readable(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap_or_else(|_| bytes.escape_ascii().to_string())
}

/// Several keys, and whether one command may name them all.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct KeySlots(pub Vec<KeySlot>);

impl Report for KeySlots {
    const LIST: &'static str = "keys";

    fn text(&self) -> String {
        let mut text = self.rows();
        if let [first, rest @ ..] = self.0.as_slice()
            && !rest.is_empty()
        {
            let together = rest.iter().all(|key| key.slot == first.slot);
            text.push_str(if together {
                "\n\nOne slot: one command, transaction or script may use all of them."
            } else {
                "\n\nSeveral slots: a command that names them all is answered with CROSSSLOT."
            });
        }
        text
    }
}

impl KeySlots {
    /// The keys, and nothing said of them together.
    pub fn rows(&self) -> String {
        let has_owners = self.0.iter().any(|key| key.owner.is_some());
        let mut headings = vec!["key", "hashed", ">CRC16", ">slot"];
        if has_owners {
            headings.push("owner");
        }
        let rows = self.0.iter().map(|key| {
            let hashed = match &key.hash_tag {
                Some(tag) => format!("tag {tag}"),
                None => "all of it".into(),
            };
            let mut row = vec![key.key.clone(), hashed, key.crc16.to_string(), key.slot.to_string()];
            if has_owners {
                row.push(key.owner.as_ref().map_or_else(|| "nobody".into(), |owner| owner.address.clone()));
            }
            row
        });
        table(&headings, rows)
    }
}

/// Who serves which slot, as one node of the cluster sees it.
#[derive(Clone, Debug)]
pub struct Owners(Vec<Master>);

#[derive(Clone, Debug)]
pub struct Master {
    pub address: Address,
    pub id: NodeId,
    line: NodeLine,
}

impl Owners {
    pub async fn ask(connector: &Connector, entry: &Address) -> Result<Owners, Failure> {
        let link = connector.enter(entry).await?;
        let text = link.text(&["CLUSTER", "NODES"]).await.map_err(|error| match error.server_error() {
            Some(text) => Failure::refused(format!("{entry} is not in cluster mode: {text}"))
                .next("name a node of a cluster, or leave --entry and RCL_ENTRY away"),
            None => error.into(),
        })?;
        Owners::from_text(&text, entry).map_err(|error| {
            Failure::new(Kind::Internal, format!("{entry} answered CLUSTER NODES with {error}"))
        })
    }

    /// From a CLUSTER NODES text. A node that does not know its own address is where we reached it.
    fn from_text(text: &str, entry: &Address) -> Result<Owners, nodes_text::NodesTextError> {
        let masters = nodes_text::parse(text)?.into_iter().filter(|line| !line.slots.is_empty());
        let masters = masters.map(|line| {
            let myself = line.flags.contains(NodeFlags::MYSELF);
            let address = match line.endpoint.ip.as_str() {
                "" if myself => entry.clone(),
                "" => Address::new(line.endpoint.hostname.clone(), line.endpoint.port),
                ip => Address::new(ip, line.endpoint.port),
            };
            Master { address, id: line.id, line }
        });
        Ok(Owners(masters.collect()))
    }

    pub fn of(&self, slot: Slot) -> Option<&Master> {
        self.0.iter().find(|master| master.line.slots.contains(slot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODES: &str = "\
07c37dfeb235213a872192d90877d0cd55635b91 :7001@17001 myself,master - 0 0 1 connected 0-5460
67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1 10.0.0.2:7002@17002 master - 0 1426238316232 2 connected 5461-10922
292f8b365bb7edb5e285caf0b7e6ddc7265d2f4f 10.0.0.3:7003@17003 master - 0 1426238318243 3 connected 10923-16000
6ec23923021cf3ffec47632106199cb7f496ce01 10.0.0.4:7004@17004 slave 07c37dfeb235213a872192d90877d0cd55635b91 0 1426238316232 1 connected
";

    fn owners() -> Owners {
        Owners::from_text(NODES, &Address::new("db.example", 7001)).unwrap()
    }

    #[test]
    fn a_key_s_slot_tag_and_owner() {
        let key = KeySlot::of(b"user:1001", Some(&owners()));
        assert_eq!((key.crc16, key.slot, key.hash_tag), (22096, 5712, None));
        assert_eq!(key.owner.unwrap().address, "10.0.0.2:7002");
        let key = KeySlot::of(b"{test}:data", Some(&owners()));
        assert_eq!((key.slot, key.hash_tag.as_deref()), (6918, Some("test")));
    }

    #[test]
    fn a_node_without_an_address_is_where_we_reached_it_and_a_slot_may_have_no_owner() {
        let owner = |slot| owners().of(Slot::new(slot).unwrap()).map(|master| master.address.to_string());
        assert_eq!(owner(0).as_deref(), Some("db.example:7001"));
        assert_eq!(owner(16383), None);
    }

    #[test]
    fn the_shape_that_scripts_read() {
        let keys = KeySlots(vec![KeySlot::of(b"{a}1", None), KeySlot::of(b"\xff", None)]);
        let json = serde_json::to_value(&keys).unwrap();
        assert_eq!(
            json[0],
            serde_json::json!({"key": "{a}1", "hash_tag": "a", "crc16": 31879, "slot": 15495})
        );
        assert_eq!(json[1]["key"], "\\xff");
        assert_eq!(json[1]["hash_tag"], serde_json::Value::Null);
    }

    #[test]
    fn several_keys_say_whether_they_go_together() {
        let text = |keys: &[&str]| {
            KeySlots(keys.iter().map(|key| KeySlot::of(key.as_bytes(), None)).collect()).text()
        };
        assert!(text(&["{a}1", "{a}2"]).contains("One slot"));
        assert!(text(&["a", "b"]).contains("CROSSSLOT"));
        assert!(!text(&["a"]).contains("slot:"));
    }
}
