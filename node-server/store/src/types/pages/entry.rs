//! The bytes of an entry in a page: a key, and a value where the format has one.
//!
//! ```text
//! entry   key [value]
//! text    length u8, below 255 | bytes           or  255 | number u32 LE   of what lies outside the page
//! value   nothing, so many bytes, or a text: as the format says
//! ```

use super::outside::Outside;
use std::sync::Arc;

/// What kind of entries a page has.
pub(in crate::types) trait Format: Clone {
    /// Bytes that each entry has in the column: a tag of its hash, or a score.
    const COLUMN: usize;
    const VALUE: ValueSize;
    /// A longer key or value lies outside. At most 254.
    const INLINE_MAX: usize;
}

pub(in crate::types) enum ValueSize {
    None,
    Bytes(usize),
    Text,
}

/// A key or a value on its way into a page.
#[derive(Clone)]
pub(in crate::types) enum Text<'a> {
    Inline(&'a [u8]),
    Outside(Arc<[u8]>),
}

impl<'a> Text<'a> {
    /// What is long is copied here, once: pages share it.
    pub(in crate::types) fn new<F: Format>(bytes: &'a [u8]) -> Text<'a> {
        if bytes.len() <= F::INLINE_MAX { Text::Inline(bytes) } else { Text::Outside(bytes.into()) }
    }

    #[inline]
    pub(in crate::types) fn bytes(&self) -> &[u8] {
        match self {
            Text::Inline(bytes) => bytes,
            Text::Outside(bytes) => bytes,
        }
    }

    /// The bytes to be kept elsewhere too; what lies outside is shared with that.
    pub(in crate::types) fn to_shared(&self) -> Arc<[u8]> {
        match self {
            Text::Inline(bytes) => (*bytes).into(),
            Text::Outside(bytes) => Arc::clone(bytes),
        }
    }

    pub(super) fn stored_len(&self) -> usize {
        match self {
            Text::Inline(bytes) => 1 + bytes.len(),
            Text::Outside(_) => OUTSIDE_LEN,
        }
    }
}

const OUTSIDE: u8 = 255;
const OUTSIDE_LEN: usize = 5;

/// How many bytes the text takes that begins here.
#[inline]
pub(super) fn text_len(bytes: &[u8]) -> usize {
    match bytes.first() {
        None => 0,
        Some(&OUTSIDE) => OUTSIDE_LEN,
        Some(&length) => 1 + usize::from(length),
    }
}

/// How many bytes the entry takes that begins here.
#[inline]
pub(super) fn entry_len<F: Format>(bytes: &[u8]) -> usize {
    let key_len = text_len(bytes);
    key_len
        + match F::VALUE {
            ValueSize::None => 0,
            ValueSize::Bytes(count) => count,
            ValueSize::Text => text_len(bytes.get(key_len..).unwrap_or(&[])),
        }
}

pub(super) fn stored_len<F: Format>(key: &Text<'_>, value: &Text<'_>) -> usize {
    key.stored_len() + value_len::<F>(value.stored_len())
}

/// What an entry takes whose key and value have so many bytes.
pub(in crate::types) fn stored_len_of<F: Format>(key: usize, value: usize) -> usize {
    let text = |length: usize| if length <= F::INLINE_MAX { 1 + length } else { OUTSIDE_LEN };
    text(key) + value_len::<F>(text(value))
}

/// Of a value that as a text would take so many bytes.
fn value_len<F: Format>(as_text: usize) -> usize {
    match F::VALUE {
        ValueSize::None => 0,
        ValueSize::Bytes(count) => count,
        ValueSize::Text => as_text,
    }
}

/// The text that begins here.
#[inline]
pub(super) fn read_text<'a>(bytes: &'a [u8], outside: Option<&'a Outside>) -> &'a [u8] {
    match *bytes {
        [OUTSIDE, b0, b1, b2, b3, ..] => {
            outside.map_or(&[], |outside| outside.get(u32::from_le_bytes([b0, b1, b2, b3])))
        }
        [length, ref rest @ ..] => rest.get(..usize::from(length)).unwrap_or(rest),
        [] => &[],
    }
}

/// Whether the text that begins here has these bytes.
#[inline]
pub(super) fn text_is(bytes: &[u8], outside: Option<&Outside>, wanted: &[u8]) -> bool {
    match bytes.split_first() {
        Some((&OUTSIDE, _)) => read_text(bytes, outside) == wanted,
        Some((&length, rest)) => usize::from(length) == wanted.len() && rest.starts_with(wanted),
        None => false,
    }
}

/// The number of what lies outside, if the text that begins here does.
pub(super) fn outside_number(bytes: &[u8]) -> Option<u32> {
    match *bytes {
        [OUTSIDE, b0, b1, b2, b3, ..] => Some(u32::from_le_bytes([b0, b1, b2, b3])),
        _ => None,
    }
}

/// Where in an entry the texts begin that lie outside.
pub(super) fn texts_outside<F: Format>(entry: &[u8]) -> impl Iterator<Item = usize> {
    let value = matches!(F::VALUE, ValueSize::Text).then(|| text_len(entry));
    let is_outside = |at: &usize| entry.get(*at) == Some(&OUTSIDE);
    [Some(0), value].into_iter().flatten().filter(is_outside)
}

pub(super) fn write_number(bytes: &mut [u8], number: u32) {
    bytes[0] = OUTSIDE;
    bytes[1..OUTSIDE_LEN].copy_from_slice(&number.to_le_bytes());
}

/// Returns how many bytes it took.
#[inline]
pub(super) fn write_text(bytes: &mut [u8], text: Text<'_>, outside: &mut Option<Arc<Outside>>) -> usize {
    match text {
        Text::Inline(text) => {
            bytes[0] = text.len() as u8;
            bytes[1..=text.len()].copy_from_slice(text);
            1 + text.len()
        }
        Text::Outside(text) => {
            write_number(bytes, Outside::put(outside, text));
            OUTSIDE_LEN
        }
    }
}
