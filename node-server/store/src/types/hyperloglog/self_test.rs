//! What PFSELFTEST does: registers hold what is put into them, both forms count alike, and the count is near the truth.

use rand::Rng;
use rand::RngExt;

use super::{REGISTERS, add, count, dense, make_dense, new};
use crate::types::hyperloglog::{Form, form};

/// How many elements are counted at most.
const ELEMENTS: u64 = 1_000_000;
/// Times the standard error: a good estimate is hardly ever that far off.
const TOLERANCE: f64 = 6.0;

/// Why it failed, in words.
pub fn self_test(max_sparse_bytes: usize, rng: &mut dyn Rng) -> Result<(), String> {
    registers_keep_their_values(rng)?;
    let seed: u64 = rng.random();
    let (mut plain, mut dense) = (new(), new());
    let corrupt = |_| "corrupt registers".to_owned();
    make_dense(&mut dense).map_err(corrupt)?;
    let mut checkpoint = 1;
    for number in 1..=ELEMENTS {
        let element = (number ^ seed).to_le_bytes();
        add(&mut plain, &element, max_sparse_bytes).map_err(corrupt)?;
        add(&mut dense, &element, max_sparse_bytes).map_err(corrupt)?;
        if number < checkpoint {
            continue;
        }
        if number < max_sparse_bytes as u64 / 2 && form(&plain) != Some(Form::Sparse) {
            return Err("sparse encoding not used".to_owned());
        }
        let counted = count(&dense).map_err(corrupt)?;
        if count(&plain) != Ok(counted) {
            return Err("dense/sparse disagree".to_owned());
        }
        check_error(number, counted)?;
        checkpoint *= 10;
    }
    Ok(())
}

fn registers_keep_their_values(rng: &mut dyn Rng) -> Result<(), String> {
    let mut registers = vec![0; dense::SIZE];
    let values: Vec<u8> = (0..REGISTERS).map(|_| rng.random_range(0..64)).collect();
    for (index, &value) in values.iter().enumerate() {
        dense::raise(&mut registers, index, value);
    }
    for (index, (found, value)) in dense::iter(&registers).zip(values).enumerate() {
        if found != value {
            return Err(format!("Register {index} should be {value} but is {found}"));
        }
    }
    Ok(())
}

fn check_error(truth: u64, counted: u64) -> Result<(), String> {
    let standard_error = 1.04 / (REGISTERS as f64).sqrt();
    let allowed = (standard_error * TOLERANCE * truth as f64).ceil() as u64;
    let error = truth.abs_diff(counted);
    if error > allowed { Err(format!("Too big error. card:{truth} abserr:{error}")) } else { Ok(()) }
}
