//! Registers as runs of equal ones, while few are set:
//!
//! ```text
//! 00llllll            1 to 64 registers that are zero
//! 01llllll llllllll   1 to 16384 registers that are zero
//! 1vvvvvll            1 to 4 registers of the value 1 to 32
//! ```
//!
//! All lengths and values are stored less one. A run is split where one of its registers is raised, and neighbours of the
//! same value are joined, just as Redis does it: the bytes are the same after the same commands.

use super::estimate::{Histogram, VALUES};
use super::{Corrupt, HEADER, REGISTERS};

const MAX_VALUE: u8 = 32;
const MAX_VALUE_LENGTH: usize = 4;
const MAX_SHORT_LENGTH: usize = 64;
/// After a change, so many runs from the one before it are looked at for neighbours to join.
const RUNS_TO_JOIN: usize = 5;

#[derive(Clone, Copy, PartialEq, Eq)]
struct Run {
    value: u8,
    length: usize,
    /// In bytes.
    size: usize,
}

impl Run {
    fn read(bytes: &[u8]) -> Option<Run> {
        match *bytes {
            [first, ..] if first & 0x80 != 0 => {
                Some(Run { value: (first >> 2 & 0x1f) + 1, length: usize::from(first & 0x03) + 1, size: 1 })
            }
            [first, ..] if first & 0x40 == 0 => {
                Some(Run { value: 0, length: usize::from(first) + 1, size: 1 })
            }
            [first, second, ..] => {
                let length = usize::from(u16::from_be_bytes([first & 0x3f, second])) + 1;
                Some(Run { value: 0, length, size: 2 })
            }
            _ => None,
        }
    }
}

/// Appends a run, of no registers too.
fn push(out: &mut Vec<u8>, value: u8, length: usize) {
    let Some(less_one) = length.checked_sub(1) else { return };
    match value {
        0 if length <= MAX_SHORT_LENGTH => out.push(less_one as u8),
        0 => out.extend_from_slice(&(0x4000 | less_one as u16).to_be_bytes()),
        value => out.push(0x80 | (value - 1) << 2 | less_one as u8),
    }
}

pub(super) fn push_empty(out: &mut Vec<u8>) {
    push(out, 0, REGISTERS);
}

pub(super) fn registers(bytes: &[u8]) -> &[u8] {
    bytes.get(HEADER..).unwrap_or_default()
}

fn runs(mut registers: &[u8]) -> impl Iterator<Item = Result<Run, Corrupt>> {
    std::iter::from_fn(move || {
        if registers.is_empty() {
            return None;
        }
        let run = Run::read(registers);
        registers = run.and_then(|run| registers.get(run.size..)).unwrap_or_default();
        Some(run.ok_or(Corrupt))
    })
}

/// Shows each register that is not zero. There may be calls before the registers are found corrupt.
pub(super) fn each(registers: &[u8], mut visit: impl FnMut(usize, u8)) -> Result<(), Corrupt> {
    let mut index = 0;
    for run in runs(registers) {
        let run = run?;
        let end = index + run.length;
        if end > REGISTERS {
            return Err(Corrupt);
        }
        if run.value > 0 {
            (index..end).for_each(|index| visit(index, run.value));
        }
        index = end;
    }
    if index == REGISTERS { Ok(()) } else { Err(Corrupt) }
}

pub(super) fn histogram(registers: &[u8]) -> Result<Histogram, Corrupt> {
    let mut histogram = [0; VALUES];
    let mut total = 0;
    for run in runs(registers) {
        let run = run?;
        histogram[usize::from(run.value)] += run.length as u32;
        total += run.length;
        if total > REGISTERS {
            return Err(Corrupt);
        }
    }
    if total == REGISTERS { Ok(histogram) } else { Err(Corrupt) }
}

/// The runs as PFDEBUG DECODE shows them: `Z:length` and `z:length` of zeroes, long and short, `v:value,length`.
pub fn decode(bytes: &[u8]) -> Result<String, Corrupt> {
    let texts = runs(registers(bytes)).map(|run| {
        run.map(|run| match run {
            Run { value: 0, length, size: 1 } => format!("z:{length}"),
            Run { value: 0, length, .. } => format!("Z:{length}"),
            Run { value, length, .. } => format!("v:{value},{length}"),
        })
    });
    Ok(texts.collect::<Result<Vec<String>, Corrupt>>()?.join(" "))
}

pub(super) enum Raised {
    Yes,
    /// It was as high already.
    No,
    /// This form cannot hold it; nothing was changed.
    NoRoom,
}

/// Raises one register.
pub(super) fn raise(
    bytes: &mut Vec<u8>,
    index: usize,
    value: u8,
    max_bytes: usize,
) -> Result<Raised, Corrupt> {
    if value > MAX_VALUE {
        return Ok(Raised::NoRoom);
    }
    let (mut at, mut before, mut first) = (HEADER, HEADER, 0);
    let run = loop {
        let run = bytes.get(at..).and_then(Run::read).ok_or(Corrupt)?;
        if index < first + run.length {
            break run;
        }
        (before, at, first) = (at, at + run.size, first + run.length);
    };
    if run.value >= value {
        return Ok(Raised::No);
    }
    let mut split = Vec::with_capacity(5);
    push(&mut split, run.value, index - first);
    push(&mut split, value, 1);
    push(&mut split, run.value, first + run.length - 1 - index);
    if split.len() > run.size && bytes.len() + split.len() - run.size > max_bytes {
        return Ok(Raised::NoRoom);
    }
    bytes.splice(at..at + run.size, split);
    join(bytes, before);
    Ok(Raised::Yes)
}

/// Joins neighbours of the same value among the runs from this one on.
fn join(bytes: &mut Vec<u8>, mut at: usize) {
    for _ in 0..RUNS_TO_JOIN {
        let Some(run) = bytes.get(at..).and_then(Run::read) else { return };
        let next = bytes.get(at + run.size..).and_then(Run::read);
        match next {
            Some(next)
                if run.value > 0
                    && next.value == run.value
                    && run.length + next.length <= MAX_VALUE_LENGTH =>
            {
                let mut joined = Vec::with_capacity(1);
                push(&mut joined, run.value, run.length + next.length);
                bytes.splice(at..at + run.size + next.size, joined);
            }
            _ => at += run.size,
        }
    }
}
