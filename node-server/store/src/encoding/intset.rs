//! Intset: a sorted array of integers, all as wide as the widest needs.
//!
//! ```text
//! width u32 LE (2, 4 or 8) | length u32 LE | integers LE, ascending, no two equal
//! ```

use super::Malformed;

const HEADER: usize = 8;

#[derive(Clone, PartialEq, Eq)]
pub struct Intset {
    bytes: Vec<u8>,
}

/// A borrowed intset, wherever its bytes lie.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IntsetRef<'a> {
    bytes: &'a [u8],
}

impl<'a> IntsetRef<'a> {
    /// Only for the bytes of an [`Intset`]: they are trusted to be well-formed.
    pub(crate) fn of_trusted(bytes: &'a [u8]) -> IntsetRef<'a> {
        IntsetRef { bytes }
    }

    /// Takes bytes from outside, after looking at every one of them.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<IntsetRef<'a>, Malformed> {
        let malformed = |offset, expected| Err(Malformed { offset, expected });
        let [w0, w1, w2, w3, l0, l1, l2, l3, ref numbers @ ..] = *bytes else {
            return malformed(0, "an intset header of 8 bytes");
        };
        let width = u32::from_le_bytes([w0, w1, w2, w3]) as usize;
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        if !matches!(width, 2 | 4 | 8) {
            return malformed(0, "an intset of width 2, 4 or 8");
        }
        if length.checked_mul(width) != Some(numbers.len()) {
            return malformed(4, "the intset's own length");
        }
        let disorder = match width {
            2 => first_not_above(numbers, |number| i16::from_le_bytes(number).into()),
            4 => first_not_above(numbers, |number| i32::from_le_bytes(number).into()),
            _ => first_not_above(numbers, i64::from_le_bytes),
        };
        match disorder {
            Some(index) => malformed(HEADER + index * width, "an intset in ascending order"),
            None => Ok(IntsetRef { bytes }),
        }
    }

    pub fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    pub fn len(self) -> usize {
        (self.bytes.len() - HEADER) / self.width()
    }

    pub fn is_empty(self) -> bool {
        self.bytes.len() == HEADER
    }

    pub fn get(self, index: usize) -> Option<i64> {
        (index < self.len()).then(|| self.at(index))
    }

    pub fn contains(self, number: i64) -> bool {
        self.search(number).is_ok()
    }

    pub fn iter(self) -> impl DoubleEndedIterator<Item = i64> + ExactSizeIterator + 'a {
        (0..self.len()).map(move |index| self.at(index))
    }

    fn width(self) -> usize {
        usize::from(self.bytes[0])
    }

    fn at(self, index: usize) -> i64 {
        let width = self.width();
        let start = HEADER + index * width;
        let mut wide = [0; 8];
        wide[8 - width..].copy_from_slice(&self.bytes[start..start + width]);
        i64::from_le_bytes(wide) >> (64 - 8 * width as u32)
    }

    /// Where the number is, or where it would be.
    fn search(self, number: i64) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.at(middle).cmp(&number) {
                std::cmp::Ordering::Equal => return Ok(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }
}

impl Default for Intset {
    fn default() -> Intset {
        Intset::new()
    }
}

impl Intset {
    pub fn new() -> Intset {
        Intset { bytes: vec![2, 0, 0, 0, 0, 0, 0, 0] }
    }

    /// Of these numbers; `None` where one comes twice.
    pub(crate) fn of_all(mut numbers: Vec<i64>) -> Option<Intset> {
        numbers.sort_unstable();
        if numbers.windows(2).any(|pair| matches!(pair, [left, right] if left == right)) {
            return None;
        }
        // What is widest is lowest or highest.
        let ends = [numbers.first(), numbers.last()];
        let width = ends.into_iter().flatten().map(|number| width_of(*number)).max().unwrap_or(2);
        let mut bytes = Vec::with_capacity(HEADER + numbers.len() * width);
        bytes.extend_from_slice(&(width as u32).to_le_bytes());
        bytes.extend_from_slice(&(numbers.len() as u32).to_le_bytes());
        numbers.iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()[..width]));
        Some(Intset { bytes })
    }

    /// Takes bytes from outside, after looking at every one of them.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Intset, Malformed> {
        IntsetRef::from_bytes(&bytes)?;
        Ok(Intset { bytes })
    }

    /// Only for bytes that [`into_bytes`](Self::into_bytes) gave: they are trusted to be well-formed.
    pub(crate) fn of_trusted(bytes: Vec<u8>) -> Intset {
        Intset { bytes }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// To read it.
    pub fn view(&self) -> IntsetRef<'_> {
        IntsetRef { bytes: &self.bytes }
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn memory_usage(&self) -> usize {
        self.bytes.capacity()
    }

    pub fn len(&self) -> usize {
        self.view().len()
    }

    pub fn is_empty(&self) -> bool {
        self.view().is_empty()
    }

    pub fn contains(&self, number: i64) -> bool {
        self.view().contains(number)
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = i64> + ExactSizeIterator + '_ {
        self.view().iter()
    }

    /// True when it is new.
    pub fn insert(&mut self, number: i64) -> bool {
        let Err(index) = self.view().search(number) else { return false };
        let width = self.view().width();
        if width_of(number) > width {
            self.widen(width_of(number), number);
        } else {
            let start = HEADER + index * width;
            self.bytes.reserve_exact(width);
            self.bytes.splice(start..start, number.to_le_bytes()[..width].iter().copied());
        }
        self.write_length();
        true
    }

    /// True when it was there.
    pub fn remove(&mut self, number: i64) -> bool {
        let Ok(index) = self.view().search(number) else { return false };
        let start = HEADER + index * self.view().width();
        self.bytes.drain(start..start + self.view().width());
        self.write_length();
        true
    }

    /// Rewrites all in `width` bytes, with `number`, which is too wide for what there is: so it is below or above all.
    fn widen(&mut self, width: usize, number: i64) {
        let mut bytes = Vec::with_capacity(HEADER + (self.len() + 1) * width);
        bytes.extend_from_slice(&(width as u32).to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        let (below, above) = if number < 0 { (Some(number), None) } else { (None, Some(number)) };
        for value in below.into_iter().chain(self.iter()).chain(above) {
            bytes.extend_from_slice(&value.to_le_bytes()[..width]);
        }
        self.bytes = bytes;
    }

    fn write_length(&mut self) {
        let length = self.len() as u32;
        self.bytes[4..8].copy_from_slice(&length.to_le_bytes());
    }
}

impl std::fmt::Debug for Intset {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.iter()).finish()
    }
}

/// The index of the first number that is not above the one before it.
fn first_not_above<const WIDTH: usize>(bytes: &[u8], read: impl Fn([u8; WIDTH]) -> i64) -> Option<usize> {
    let (numbers, _) = bytes.as_chunks::<WIDTH>();
    let pair =
        numbers.windows(2).position(|pair| matches!(pair, [left, right] if read(*left) >= read(*right)));
    pair.map(|before| before + 1)
}

fn width_of(number: i64) -> usize {
    if i16::try_from(number).is_ok() {
        2
    } else if i32::try_from(number).is_ok() {
        4
    } else {
        8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn bytes_by_width() {
        let mut intset = Intset::new();
        intset.insert(5);
        intset.insert(-1);
        assert_eq!(intset.as_bytes(), [2, 0, 0, 0, 2, 0, 0, 0, 0xFF, 0xFF, 5, 0]);
        intset.insert(-40_000);
        assert_eq!(intset.as_bytes()[..12], [4, 0, 0, 0, 3, 0, 0, 0, 0xC0, 0x63, 0xFF, 0xFF]);
    }

    #[test]
    fn refuses_what_is_not_sorted_or_cut() {
        let mut bytes = vec![2, 0, 0, 0, 2, 0, 0, 0, 5, 0, 5, 0];
        assert_eq!(Intset::from_bytes(bytes.clone()).unwrap_err().offset, 10);
        bytes.pop();
        assert!(Intset::from_bytes(bytes).is_err());
        assert_eq!(Intset::of_all(vec![7, -1, 7]), None);
        assert!(Intset::from_bytes(vec![3, 0, 0, 0, 0, 0, 0, 0]).is_err());
        assert!(Intset::from_bytes(vec![8, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]).is_err());
    }

    proptest! {
        #[test]
        fn does_what_a_set_does(changes in proptest::collection::vec(
            (any::<bool>(), prop_oneof![-40i64..40, -70_000i64..70_000, any::<i64>()]), 0..80)) {
            let mut intset = Intset::new();
            let mut model = BTreeSet::new();
            for (add, number) in changes {
                if add {
                    prop_assert_eq!(intset.insert(number), model.insert(number));
                } else {
                    prop_assert_eq!(intset.remove(number), model.remove(&number));
                }
            }
            prop_assert!(intset.iter().eq(model.iter().copied()));
            prop_assert!(model.iter().all(|&number| intset.contains(number)));
            prop_assert_eq!(Intset::of_all(model.into_iter().rev().collect()), Some(intset.clone()));
            prop_assert_eq!(Intset::from_bytes(intset.as_bytes().to_vec()), Ok(intset));
        }
    }
}
