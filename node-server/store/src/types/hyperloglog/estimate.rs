//! The count that registers stand for: Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches"
//! (arXiv:1702.01284), algorithm 6. In the order of operations that Redis has, so that the numbers are the same.

use super::{INDEX_BITS, REGISTERS};

/// A register has one of so many values.
pub(super) const VALUES: usize = 64;
/// How many registers have each value.
pub(super) type Histogram = [u32; VALUES];

/// The bits of a hash that do not name the register.
const RUN_BITS: usize = 64 - INDEX_BITS as usize;
/// 0.5 / ln 2
const ALPHA: f64 = 0.721_347_520_444_481_7;

pub(super) fn count(histogram: &Histogram) -> u64 {
    let registers = REGISTERS as f64;
    let with = |value: usize| f64::from(histogram[value]);
    let mut sum = registers * tau((registers - with(RUN_BITS + 1)) / registers);
    for value in (1..=RUN_BITS).rev() {
        sum += with(value);
        sum *= 0.5;
    }
    sum += registers * sigma(with(0) / registers);
    let estimate = (ALPHA * registers * registers / sum).round();
    // All registers beyond what a hash can give: Redis's conversion of infinity.
    if estimate.is_infinite() { 1 << 63 } else { estimate as u64 }
}

fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if before == z {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x).powi(2) * y;
        if before == z {
            return z / 3.0;
        }
    }
}
