//! HyperLogLog: how many different elements were added, with an error of 0.81 %, in at most 12 kB. It lives in a string
//! whose bytes are Redis's own:
//!
//! ```text
//! "HYLL" | encoding: u8 (0 dense, 1 sparse) | 0 0 0 | cached count: u64 LE | registers
//! ```
//!
//! The highest bit of the cached count says that it is out of date. There are 16384 registers; an element's hash names one of
//! them with its lowest 14 bits, which keeps the longest run of zeroes (and the one behind them) seen in the other 50.
//!
//! Such a string may come from outside: what does not look like one is told apart by [`form`], and what turns out to be
//! broken further inside is [`Corrupt`].

mod dense;
mod estimate;
mod murmur;
mod self_test;
mod sparse;

pub use self_test::self_test;
pub use sparse::decode;

pub const REGISTERS: usize = 1 << INDEX_BITS;
const INDEX_BITS: u32 = 14;
const HASH_SEED: u32 = 0xadc8_3b19;

const HEADER: usize = 16;
const MAGIC: &[u8] = b"HYLL";
const DENSE: u8 = 0;
const SPARSE: u8 = 1;
/// The byte of the cached count that has the bit saying that it is out of date.
const CACHE_STATE: usize = 15;
const OUT_OF_DATE: u8 = 0x80;

/// How the registers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Dense,
    Sparse,
}

/// The header is in order, but the registers are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt;

/// Without elements.
pub fn new() -> Vec<u8> {
    let mut bytes = [MAGIC, &[SPARSE, 0, 0, 0], &[0; 8]].concat();
    sparse::push_empty(&mut bytes);
    bytes
}

/// `None` when the string is no HyperLogLog.
pub fn form(bytes: &[u8]) -> Option<Form> {
    let (header, registers) = bytes.split_at_checked(HEADER)?;
    let [b'H', b'Y', b'L', b'L', encoding, ..] = *header else { return None };
    match encoding {
        DENSE => (registers.len() == dense::SIZE).then_some(Form::Dense),
        SPARSE => Some(Form::Sparse),
        _ => None,
    }
}

/// Adds an element; true when the estimate may have changed. `max_sparse_bytes` is the size beyond which the registers are
/// stored densely.
pub fn add(bytes: &mut Vec<u8>, element: &[u8], max_sparse_bytes: usize) -> Result<bool, Corrupt> {
    let hash = murmur::hash(element, HASH_SEED);
    let index = hash as usize % REGISTERS;
    let run = ((hash >> INDEX_BITS) | 1 << (64 - INDEX_BITS)).trailing_zeros() + 1;
    raise(bytes, index, run as u8, max_sparse_bytes)
}

/// Sets a register that is lower than `value`; true when it was.
fn raise(bytes: &mut Vec<u8>, index: usize, value: u8, max_sparse_bytes: usize) -> Result<bool, Corrupt> {
    if form(bytes).ok_or(Corrupt)? == Form::Sparse {
        match sparse::raise(bytes, index, value, max_sparse_bytes)? {
            sparse::Raised::No => return Ok(false),
            sparse::Raised::Yes => {
                invalidate(bytes);
                return Ok(true);
            }
            sparse::Raised::NoRoom => drop(make_dense(bytes)?),
        }
    }
    Ok(dense::raise(registers_mut(bytes), index, value))
}

/// Stores the registers densely; true when they were not.
pub fn make_dense(bytes: &mut Vec<u8>) -> Result<bool, Corrupt> {
    if form(bytes).ok_or(Corrupt)? == Form::Dense {
        return Ok(false);
    }
    let mut registers = vec![0; dense::SIZE];
    sparse::each(sparse::registers(bytes), |index, value| {
        dense::raise(&mut registers, index, value);
    })?;
    bytes.truncate(HEADER);
    bytes.extend_from_slice(&registers);
    if let Some(encoding) = bytes.get_mut(MAGIC.len()) {
        *encoding = DENSE;
    }
    Ok(true)
}

/// The count that was stored, if nothing changed since.
pub fn cached_count(bytes: &[u8]) -> Option<u64> {
    let cached = u64::from_le_bytes(bytes.get(HEADER - 8..)?.first_chunk().copied()?);
    (cached >> 63 == 0).then_some(cached)
}

pub fn cache_count(bytes: &mut [u8], count: u64) {
    if let Some(place) = bytes.get_mut(HEADER - 8..HEADER) {
        place.copy_from_slice(&count.to_le_bytes());
    }
}

/// The cached count is out of date.
pub fn invalidate(bytes: &mut [u8]) {
    if let Some(state) = bytes.get_mut(CACHE_STATE) {
        *state |= OUT_OF_DATE;
    }
}

/// About how many different elements were added, computed anew.
pub fn count(bytes: &[u8]) -> Result<u64, Corrupt> {
    let histogram = match form(bytes).ok_or(Corrupt)? {
        Form::Dense => dense::histogram(dense::registers(bytes)),
        Form::Sparse => sparse::histogram(sparse::registers(bytes))?,
    };
    Ok(estimate::count(&histogram))
}

/// Each register, for PFDEBUG; of a dense one.
pub fn dense_registers(bytes: &[u8]) -> impl Iterator<Item = u8> {
    dense::iter(dense::registers(bytes))
}

fn registers_mut(bytes: &mut [u8]) -> &mut [u8] {
    bytes.get_mut(HEADER..).unwrap_or_default()
}

/// What several together have seen: of each register the highest.
pub struct Union {
    registers: Vec<u8>,
    any_dense: bool,
}

impl Default for Union {
    fn default() -> Union {
        Union { registers: vec![0; REGISTERS], any_dense: false }
    }
}

impl Union {
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), Corrupt> {
        match form(bytes).ok_or(Corrupt)? {
            Form::Dense => {
                self.any_dense = true;
                let pairs = self.registers.iter_mut().zip(dense_registers(bytes));
                pairs.for_each(|(register, value)| *register = value.max(*register));
                Ok(())
            }
            Form::Sparse => sparse::each(sparse::registers(bytes), |index, value| {
                if let Some(register) = self.registers.get_mut(index) {
                    *register = value.max(*register);
                }
            }),
        }
    }

    pub fn count(&self) -> u64 {
        let mut histogram = [0; estimate::VALUES];
        for &value in &self.registers {
            histogram[usize::from(value) % estimate::VALUES] += 1;
        }
        estimate::count(&histogram)
    }

    /// Raises the registers of a HyperLogLog to these; it becomes dense when one that was added is.
    pub fn store(&self, bytes: &mut Vec<u8>, max_sparse_bytes: usize) -> Result<(), Corrupt> {
        if self.any_dense {
            make_dense(bytes)?;
        }
        for (index, &value) in self.registers.iter().enumerate().filter(|(_, value)| **value > 0) {
            raise(bytes, index, value, max_sparse_bytes)?;
        }
        invalidate(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
