//! MurmurHash64A, Austin Appleby's 64-bit hash for 64-bit machines, reading words as little-endian.

const MULTIPLIER: u64 = 0xc6a4_a793_5bd1_e995;
const SHIFT: u32 = 47;

pub(super) fn hash(bytes: &[u8], seed: u32) -> u64 {
    let mut hash = u64::from(seed) ^ (bytes.len() as u64).wrapping_mul(MULTIPLIER);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        hash = (hash ^ mixed(u64::from_le_bytes(*word).wrapping_mul(MULTIPLIER))).wrapping_mul(MULTIPLIER);
    }
    if !rest.is_empty() {
        let last = rest.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
        hash = (hash ^ last).wrapping_mul(MULTIPLIER);
    }
    let hash = mixed(hash);
    hash ^ hash >> SHIFT
}

fn mixed(word: u64) -> u64 {
    (word ^ word >> SHIFT).wrapping_mul(MULTIPLIER)
}
