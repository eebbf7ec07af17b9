//! A key as the keyspace takes it: its bytes with what follows from them, computed once and before any lock is taken.

use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;
use rcl_proto::{Slot, key_slot};
use std::hash::{BuildHasher, Hasher};

/// Hashes keys. One for all shards of a node, seeded by the edge, so that clients cannot know it.
#[derive(Clone, Debug)]
pub struct KeyHasher {
    state: SeedableRandomState,
}

static SHARED_SEED: SharedSeed = SharedSeed::from_u64(0x5ca1_ab1e_0dd5_eed5);

impl KeyHasher {
    pub fn new(seed: u64) -> KeyHasher {
        KeyHasher { state: SeedableRandomState::with_seed(seed, &SHARED_SEED) }
    }

    /// A key of cluster mode.
    pub fn key<'a>(&self, bytes: &'a [u8]) -> Key<'a> {
        self.key_in_slot(bytes, key_slot(bytes))
    }

    /// A key whose slot the router has computed already, or of standalone mode, where all keys are in slot 0.
    pub fn key_in_slot<'a>(&self, bytes: &'a [u8], slot: Slot) -> Key<'a> {
        Key { bytes, hash: self.hash(bytes), slot }
    }

    /// Where a key lies.
    #[inline]
    pub fn place_in_slot(&self, bytes: &[u8], slot: Slot) -> KeyPlace {
        KeyPlace { slot, hash: self.hash(bytes) }
    }

    #[inline]
    pub fn hash(&self, bytes: &[u8]) -> u64 {
        let mut hasher = self.state.build_hasher();
        hasher.write(bytes);
        hasher.finish()
    }
}

/// Made by a [`KeyHasher`].
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) hash: u64,
    pub(crate) slot: Slot,
}

/// Where a key lies, whatever its bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPlace {
    pub(crate) slot: Slot,
    pub(crate) hash: u64,
}

impl KeyPlace {
    pub fn slot(self) -> Slot {
        self.slot
    }
}

impl<'a> Key<'a> {
    pub fn place(&self) -> KeyPlace {
        KeyPlace { slot: self.slot, hash: self.hash }
    }

    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub fn slot(&self) -> Slot {
        self.slot
    }
}
