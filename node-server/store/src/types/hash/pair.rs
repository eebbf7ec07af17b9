//! A field and its value in one allocation.
//!
//! ```text
//! field length: u8, or 255 and u32 LE | field | value
//! ```

use super::Element;

#[derive(Clone)]
pub(super) struct Pair(Box<[u8]>);

const LONG: u8 = 255;

impl Pair {
    pub(super) fn new(field: &[u8], value: &[u8]) -> Pair {
        let mut bytes = Vec::with_capacity(5 + field.len() + value.len());
        match u8::try_from(field.len()) {
            Ok(length) if length != LONG => bytes.push(length),
            _ => {
                bytes.push(LONG);
                bytes.extend_from_slice(&(field.len() as u32).to_le_bytes());
            }
        }
        bytes.extend_from_slice(field);
        bytes.extend_from_slice(value);
        Pair(bytes.into_boxed_slice())
    }

    pub(super) fn field(&self) -> &[u8] {
        self.parts().0
    }

    pub(super) fn value(&self) -> &[u8] {
        self.parts().1
    }

    pub(super) fn elements(&self) -> (Element<'_>, Element<'_>) {
        let (field, value) = self.parts();
        (Element::Bytes(field), Element::Bytes(value))
    }

    pub(super) fn set_value(&mut self, value: &[u8]) {
        let start = self.0.len() - self.value().len();
        match self.0.get_mut(start..) {
            Some(old) if old.len() == value.len() => old.copy_from_slice(value),
            _ => *self = Pair::new(self.field(), value),
        }
    }

    pub(super) fn allocated_bytes(&self) -> usize {
        self.0.len()
    }

    fn parts(&self) -> (&[u8], &[u8]) {
        match *self.0 {
            [LONG, b0, b1, b2, b3, ref rest @ ..] => {
                rest.split_at(u32::from_le_bytes([b0, b1, b2, b3]) as usize)
            }
            [length, ref rest @ ..] => rest.split_at(usize::from(length)),
            [] => (&[], &[]),
        }
    }
}
