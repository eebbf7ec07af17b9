//! A member that gossips lies: of some healthy nodes it says that they are failing.

use std::sync::Arc;

use rand::RngExt;
use rand::rngs::StdRng;
use rcl_cluster::packet::{Flags, GOSSIP_BYTES, HEADER_BYTES, Kind};

use crate::checkers::peek::Peek;

/// Where an entry of the gossip section has its flags.
const FLAGS_AT: usize = 98;

pub fn lie(rng: &mut StdRng, bytes: Arc<[u8]>) -> Arc<[u8]> {
    let peek = Peek(&bytes);
    if !matches!(peek.kind(), Some(Kind::Ping | Kind::Pong)) {
        return bytes;
    }
    let count = peek.gossip_count();
    let mut lies = bytes.to_vec();
    for entry in lies[HEADER_BYTES..].chunks_exact_mut(GOSSIP_BYTES).take(count) {
        if rng.random() {
            let flag = if rng.random() { Flags::PFAIL } else { Flags::FAIL };
            entry[FLAGS_AT + 1] |= flag.0 as u8;
        }
    }
    lies.into()
}
