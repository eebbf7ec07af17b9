//! Disks for tests, under a node that runs in a process of its own: one that fails a call, one that loses power.

pub mod faulty;
pub mod power;

use std::path::Path;

/// What a file is for, by its name: numbers in it, as of processes and generations, are `#`.
pub fn kind_of(path: &Path) -> String {
    without_numbers(&path.file_name().unwrap_or(path.as_os_str()).to_string_lossy())
}

pub fn without_numbers(text: &str) -> String {
    let mut kind = String::new();
    for letter in text.chars() {
        match letter {
            '0'..='9' if kind.ends_with('#') => {}
            '0'..='9' => kind.push('#'),
            ' ' => kind.push('_'),
            other => kind.push(other),
        }
    }
    kind
}

/// The next of a row of numbers that a seed gives.
pub fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Below `end`, which is not 0.
pub fn random_below(state: &mut u64, end: u64) -> u64 {
    next_random(state) % end
}
