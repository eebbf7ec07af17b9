//! Registers of six bits each, packed from the lowest bit of the first byte on: four in three bytes.
//!
//! ```text
//! 11000000 22221111 33333322
//! ```

use super::estimate::{Histogram, VALUES};
use super::{HEADER, REGISTERS};

pub(super) const SIZE: usize = REGISTERS * 6 / 8;
const MASK: u32 = 0x3f;

pub(super) fn registers(bytes: &[u8]) -> &[u8] {
    bytes.get(HEADER..).unwrap_or_default()
}

/// Sets a register that is lower than `value`; true when it was.
pub(super) fn raise(registers: &mut [u8], index: usize, value: u8) -> bool {
    let Some(group) = registers.get_mut(index / 4 * 3..).and_then(<[u8]>::first_chunk_mut::<3>) else {
        return false;
    };
    let shift = index % 4 * 6;
    let (packed, value) = (pack(group), u32::from(value) & MASK);
    if value <= packed >> shift & MASK {
        return false;
    }
    let [b0, b1, b2, _] = (packed & !(MASK << shift) | value << shift).to_le_bytes();
    *group = [b0, b1, b2];
    true
}

pub(super) fn iter(registers: &[u8]) -> impl Iterator<Item = u8> {
    let groups = registers.as_chunks::<3>().0.iter().map(pack);
    groups.flat_map(|packed| [0, 6, 12, 18].map(|shift| (packed >> shift & MASK) as u8))
}

pub(super) fn histogram(registers: &[u8]) -> Histogram {
    let mut histogram = [0; VALUES];
    for packed in registers.as_chunks::<3>().0.iter().map(pack) {
        for shift in [0, 6, 12, 18] {
            histogram[(packed >> shift & MASK) as usize] += 1;
        }
    }
    histogram
}

fn pack(group: &[u8; 3]) -> u32 {
    let [b0, b1, b2] = *group;
    u32::from_le_bytes([b0, b1, b2, 0])
}
