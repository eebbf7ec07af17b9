//! A slot with keys on both sides, as a move leaves it that died.

use rcl_proto::key_slot;

use super::{Server, ok};

/// Its twenty keys are `{half}0` to `{half}19`, each with its number as the value.
pub struct HalfMoved {
    pub slot: String,
    /// Of the servers: who owns the slot, and to whom the first seven keys went.
    pub source: usize,
    pub target: usize,
}

pub const KEYS: usize = 20;

pub fn key(index: usize) -> String {
    format!("{{half}}{index}")
}

pub fn leave_half_moved(servers: &[Server]) -> HalfMoved {
    let slot = key_slot(b"{half}").number().to_string();
    let takes_it = |server: &Server| server.link().call(&["SET", &key(0), "0"]) == ok();
    let source = servers.iter().position(takes_it).unwrap();
    let target = (source + 1) % servers.len();
    let (mut from, mut to) = (servers[source].link(), servers[target].link());
    for index in 0..KEYS {
        assert_eq!(from.call(&["SET", &key(index), &index.to_string()]), ok());
    }
    assert_eq!(to.call(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &servers[source].id()]), ok());
    assert_eq!(from.call(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &servers[target].id()]), ok());
    let port = servers[target].port.to_string();
    for index in 0..7 {
        assert_eq!(from.call(&["MIGRATE", "127.0.0.1", &port, &key(index), "0", "5000"]), ok());
    }
    HalfMoved { slot, source, target }
}
