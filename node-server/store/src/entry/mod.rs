//! One key with its value, expiry and access bits: a thin pointer to one allocation (drawn in block.rs).
//!
//! Small strings and numbers live in that allocation. Longer strings and collections are a boxed [`Value`] it points to.
//! Whoever holds an entry may change its value here; its expiry only the keyspace changes, which counts it.

pub mod access;
mod block;

use crate::types::{Encoding, Hash, List, Set, SortedSet, Stream, Value, ValueRef, parse_integer};
use block::{Block, Content, Header, INLINE_MAX, Kind};

/// Redis reports a string up to this length as embstr, unless it was changed in place.
const EMBSTR_MAX: usize = 44;
/// An integer's text is never longer.
const INTEGER_TEXT_MAX: usize = 20;

#[derive(Debug)]
pub struct Entry {
    block: Block,
}

impl Entry {
    /// A string as SET stores it: as a number if it is the canonical text of one.
    pub fn new_string(key: &[u8], value: &[u8], expiry: Option<i64>) -> Entry {
        Entry { block: Block::new(key, expiry, string_content(value), Header::default()) }
    }

    pub fn new(key: &[u8], value: Value, expiry: Option<i64>) -> Entry {
        match value {
            Value::Int(number) => {
                Entry { block: Block::new(key, expiry, Content::Int(number), Header::default()) }
            }
            Value::String(bytes) if bytes.len() <= INLINE_MAX => Entry::new_string(key, &bytes, expiry),
            value => {
                Entry { block: Block::new(key, expiry, Content::Boxed(Box::new(value)), Header::default()) }
            }
        }
    }

    pub fn key(&self) -> &[u8] {
        self.block.key()
    }

    pub fn value(&self) -> ValueRef<'_> {
        match self.block.header().kind() {
            Kind::Int => ValueRef::Int(self.block.int().unwrap_or(0)),
            Kind::Inline => ValueRef::String(self.block.inline().unwrap_or(&[])),
            Kind::Boxed => self.block.boxed().map_or(ValueRef::Int(0), Value::as_ref),
        }
    }

    /// Unix time in milliseconds.
    pub fn expiry(&self) -> Option<i64> {
        self.block.expiry()
    }

    /// Redis's rule: a key whose time has come exactly is expired only a millisecond later.
    pub fn is_expired(&self, now_ms: i64) -> bool {
        self.expiry().is_some_and(|expiry| now_ms > expiry)
    }

    pub fn type_name(&self) -> &'static str {
        self.value().type_name()
    }

    /// What OBJECT ENCODING says.
    pub fn encoding(&self) -> Encoding {
        match self.value() {
            ValueRef::Int(_) => Encoding::Int,
            ValueRef::String(bytes) if bytes.len() <= EMBSTR_MAX && !self.block.header().is_raw() => {
                Encoding::Embstr
            }
            ValueRef::String(_) => Encoding::Raw,
            ValueRef::List(list) => list.encoding(),
            ValueRef::Hash(hash) => hash.encoding(),
            ValueRef::Set(set) => set.encoding(),
            ValueRef::SortedSet(sorted_set) => sorted_set.encoding(),
            ValueRef::Stream(stream) => stream.encoding(),
        }
    }

    /// The 24 access bits; what they mean is up to the eviction policy, see [`access`].
    pub fn access_clock(&self) -> u32 {
        self.block.header().clock()
    }

    pub fn set_access_clock(&mut self, clock: u32) {
        let header = self.block.header();
        self.block.set_header(header.with_clock(clock));
    }

    /// Bytes on the heap: this entry's block and what it points to.
    pub fn memory_usage(&self) -> usize {
        let boxed = match self.block.boxed() {
            None => 0,
            Some(value) => {
                size_of::<Value>()
                    + match value {
                        Value::Int(_) => 0,
                        Value::String(bytes) => bytes.capacity(),
                        Value::List(list) => list.memory_usage(),
                        Value::Hash(hash) => hash.memory_usage(),
                        Value::Set(set) => set.memory_usage(),
                        Value::SortedSet(sorted_set) => sorted_set.memory_usage(),
                        Value::Stream(stream) => stream.memory_usage(),
                    }
            }
        };
        size_of::<Entry>() + self.block.allocated_bytes() + boxed
    }

    /// Replaces the value by a string, as SET does. Reuses the allocation where the size allows.
    pub fn set_string(&mut self, value: &[u8]) {
        let header = self.block.header().with_raw(false);
        match string_content(value) {
            Content::Int(number) if self.block.set_int_in_place(number) => self.block.set_header(header),
            Content::Inline(bytes) if self.block.set_inline_in_place(bytes) => self.block.set_header(header),
            content => self.rebuild(content, self.expiry(), header),
        }
    }

    pub fn set_int(&mut self, number: i64) {
        let header = self.block.header().with_raw(false);
        if self.block.set_int_in_place(number) {
            self.block.set_header(header);
        } else {
            self.rebuild(Content::Int(number), self.expiry(), header);
        }
    }

    /// Replaces the value by any other.
    pub fn set_value(&mut self, value: Value) {
        match value {
            Value::Int(number) => self.set_int(number),
            Value::String(bytes) if bytes.len() <= INLINE_MAX => self.set_string(&bytes),
            value => {
                let header = self.block.header().with_raw(false);
                self.rebuild(Content::Boxed(Box::new(value)), self.expiry(), header);
            }
        }
    }

    /// Lets `change` edit the bytes of a string in place, as APPEND, SETRANGE and SETBIT do; a number becomes its text
    /// first. The string is raw from then on. `None`, and no call, if the value is no string.
    pub fn edit_string<T>(&mut self, change: impl FnOnce(&mut Vec<u8>) -> T) -> Option<T> {
        let raw = self.block.header().with_raw(true);
        if let Some(Value::String(bytes)) = self.block.boxed_mut() {
            let answer = change(bytes);
            self.block.set_header(raw);
            return Some(answer);
        }
        let mut buffer = itoa::Buffer::new();
        let text: &[u8] = match self.value() {
            ValueRef::Int(number) => buffer.format(number).as_bytes(),
            ValueRef::String(bytes) => bytes,
            _ => return None,
        };
        let mut bytes = text.to_vec();
        let answer = change(&mut bytes);
        if !self.block.set_inline_in_place(&bytes) {
            let content = if bytes.len() <= INLINE_MAX {
                Content::Inline(&bytes)
            } else {
                Content::Boxed(Box::new(Value::String(bytes)))
            };
            self.rebuild(content, self.expiry(), raw);
        }
        self.block.set_header(raw);
        Some(answer)
    }

    /// The bytes of a string that keeps its length, to overwrite some. `None` for numbers and collections.
    pub fn string_bytes_mut(&mut self) -> Option<&mut [u8]> {
        let raw = self.block.header().with_raw(true);
        match self.block.header().kind() {
            Kind::Int => None,
            Kind::Inline => {
                self.block.set_header(raw);
                self.block.inline_mut()
            }
            Kind::Boxed => match self.block.boxed_mut() {
                Some(Value::String(bytes)) => Some(bytes),
                _ => None,
            },
        }
    }

    pub fn list_mut(&mut self) -> Option<&mut List> {
        match self.block.boxed_mut() {
            Some(Value::List(list)) => Some(list),
            _ => None,
        }
    }

    pub fn hash_mut(&mut self) -> Option<&mut Hash> {
        match self.block.boxed_mut() {
            Some(Value::Hash(hash)) => Some(hash),
            _ => None,
        }
    }

    pub fn set_mut(&mut self) -> Option<&mut Set> {
        match self.block.boxed_mut() {
            Some(Value::Set(set)) => Some(set),
            _ => None,
        }
    }

    pub fn sorted_set_mut(&mut self) -> Option<&mut SortedSet> {
        match self.block.boxed_mut() {
            Some(Value::SortedSet(sorted_set)) => Some(sorted_set),
            _ => None,
        }
    }

    pub fn stream_mut(&mut self) -> Option<&mut Stream> {
        match self.block.boxed_mut() {
            Some(Value::Stream(stream)) => Some(stream),
            _ => None,
        }
    }

    /// Moves a collection or long string out, for who frees it; the number 0 takes its place.
    pub(crate) fn take_boxed(&mut self) -> Option<Box<Value>> {
        self.block.take_boxed()
    }

    /// The value alone. A collection or long string is moved, a short string copied.
    pub fn into_value(mut self) -> Value {
        if let Some(value) = self.block.take_boxed() {
            return *value;
        }
        match self.value() {
            ValueRef::String(bytes) => Value::String(bytes.to_vec()),
            _ => Value::Int(self.block.int().unwrap_or(0)),
        }
    }

    /// The same value under another key, the access bits, raw flag and expiry kept.
    pub fn with_key(mut self, key: &[u8]) -> Entry {
        let (header, expiry) = (self.block.header(), self.expiry());
        let boxed = self.block.take_boxed();
        let content = match (boxed, self.value()) {
            (Some(value), _) => Content::Boxed(value),
            (None, ValueRef::String(bytes)) => Content::Inline(bytes),
            (None, _) => Content::Int(self.block.int().unwrap_or(0)),
        };
        Entry { block: Block::new(key, expiry, content, header) }
    }

    pub(crate) fn set_expiry(&mut self, expiry: Option<i64>) {
        match expiry {
            Some(expiry) if self.block.set_expiry_in_place(expiry) => {}
            None if self.expiry().is_none() => {}
            expiry => {
                let header = self.block.header();
                let boxed = self.block.take_boxed();
                let content = match (boxed, self.value()) {
                    (Some(value), _) => Content::Boxed(value),
                    (None, ValueRef::String(bytes)) => Content::Inline(bytes),
                    (None, _) => Content::Int(self.block.int().unwrap_or(0)),
                };
                self.block = Block::new(self.key(), expiry, content, header);
            }
        }
    }

    pub(crate) fn epoch(&self) -> u8 {
        self.block.header().epoch()
    }

    pub(crate) fn set_epoch(&mut self, epoch: u8) {
        let header = self.block.header();
        self.block.set_header(header.with_epoch(epoch));
    }

    fn rebuild(&mut self, content: Content<'_>, expiry: Option<i64>, header: Header) {
        self.block = Block::new(self.key(), expiry, content, header);
    }
}

/// A copy, whose big collections share their nodes with the original until one side writes.
impl Clone for Entry {
    fn clone(&self) -> Entry {
        let content = match (self.block.boxed(), self.value()) {
            (Some(value), _) => Content::Boxed(Box::new(value.clone())),
            (None, ValueRef::String(bytes)) => Content::Inline(bytes),
            (None, _) => Content::Int(self.block.int().unwrap_or(0)),
        };
        Entry { block: Block::new(self.key(), self.expiry(), content, self.block.header()) }
    }
}

fn string_content(value: &[u8]) -> Content<'_> {
    if value.len() <= INTEGER_TEXT_MAX
        && let Some(number) = parse_integer(value)
    {
        Content::Int(number)
    } else if value.len() <= INLINE_MAX {
        Content::Inline(value)
    } else {
        Content::Boxed(Box::new(Value::String(value.to_vec())))
    }
}

#[cfg(test)]
mod tests;
