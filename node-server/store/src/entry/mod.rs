//! One key with its value, expiry and access bits: a thin pointer to one allocation (drawn in block.rs).
//!
//! Numbers, small strings and small packed collections live in that allocation. Anything else is a [`Value`] it points to,
//! which copies of the entry share until one of them is written to.
//! Whoever holds an entry may change its value here; its expiry only the keyspace changes, which counts it.

pub mod access;
mod block;
mod edit;

use crate::prefetch::Step;
use crate::types::{
    Collection, Encoding, Flat, FlatForm, INTEGER_TEXT_MAX, Stream, Value, ValueRef, parse_integer,
};
use block::{Block, Content, FLAT_MAX, Header, Kind};
use triomphe::Arc;

pub use edit::Edit;

/// To raise a count that is in no cache takes as long as to copy so much.
const BYTES_PER_SHARED_PART: usize = 128;

/// Redis reports a string up to this length as embstr, unless it was changed in place.
const EMBSTR_MAX: usize = 44;

#[derive(Debug)]
pub struct Entry {
    block: Block,
}

impl Entry {
    /// Strings up to this length lie in the entry's own allocation.
    pub const LONGEST_STRING_WITHIN: usize = FLAT_MAX;
    /// And packed collections up to this one: each change copies them, so beyond that it would cost more time than it saves
    /// memory.
    pub(crate) const LONGEST_PACKED_WITHIN: usize = 512;

    /// A string as SET stores it: as a number if it is the canonical text of one.
    pub fn new_string(key: &[u8], value: &[u8], expiry: Option<i64>) -> Entry {
        Entry::holding(string_content(value), key, expiry)
    }

    pub fn new(key: &[u8], value: Value, expiry: Option<i64>) -> Entry {
        match value {
            Value::Int(number) => Entry::holding(Content::Int(number), key, expiry),
            Value::String(bytes) if bytes.len() <= FLAT_MAX => Entry::new_string(key, &bytes, expiry),
            value => match Flat::of(value.as_ref()) {
                Some(flat) if is_short(flat) => Entry::holding(Content::Flat(flat), key, expiry),
                _ => Entry::holding(Content::Shared(Arc::new(value)), key, expiry),
            },
        }
    }

    /// Of at most [`LONGEST_PACKED_WITHIN`](Self::LONGEST_PACKED_WITHIN) bytes.
    pub(crate) fn new_flat(key: &[u8], flat: Flat<'_>, expiry: Option<i64>) -> Entry {
        Entry::holding(Content::Flat(flat), key, expiry)
    }

    fn holding(content: Content<'_>, key: &[u8], expiry: Option<i64>) -> Entry {
        Entry { block: Block::new(key, expiry, content, Header::default()) }
    }

    pub fn key(&self) -> &[u8] {
        self.block.key()
    }

    /// Asks the cache for it.
    #[inline]
    pub(crate) fn prefetch(&self) {
        self.block.prefetch();
    }

    /// Asks the cache for what a search for this member of a big collection needs.
    #[inline]
    pub(crate) fn prefetch_member(&self, member: &[u8], step: Step) {
        match self.block.shared() {
            Some(Value::Hash(hash)) => hash.prefetch(member, step),
            Some(Value::Set(set)) => set.prefetch(member, step),
            Some(Value::SortedSet(sorted_set)) => sorted_set.prefetch(member, step),
            _ => {}
        }
    }

    pub fn value(&self) -> ValueRef<'_> {
        match self.block.header().kind() {
            Kind::Int => ValueRef::Int(self.block.int().unwrap_or(0)),
            Kind::Flat(_) => self.block.flat().map_or(ValueRef::Int(0), Flat::value),
            Kind::Shared => self.block.shared().map_or(ValueRef::Int(0), Value::as_ref),
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
        let shared = match self.block.shared() {
            None => 0,
            Some(value) => {
                size_of::<usize>()
                    + size_of::<Value>()
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
        size_of::<Entry>() + self.block.allocated_bytes() + shared
    }

    /// What a clone copies. What does not lie in the block is shared: that costs a reference count.
    pub(crate) fn clone_bytes(&self) -> usize {
        let shared = if self.block.shared().is_some() { BYTES_PER_SHARED_PART } else { 0 };
        self.block.allocated_bytes() + shared
    }

    /// The length of what a clone shares and a write would copy whole: who holds the clone may be the last who needs it.
    pub(crate) fn shared_in_one_piece_bytes(&self) -> usize {
        self.block.shared().and_then(|value| Flat::of(value.as_ref())).map_or(0, |flat| flat.bytes.len())
    }

    /// Where what copies of this entry share lies.
    #[cfg(test)]
    pub(crate) fn shared_place(&self) -> Option<*const Value> {
        self.block.shared().map(std::ptr::from_ref)
    }

    /// What a clone and the first write after it copy, before the pages and nodes that are written to: of what lies in one
    /// piece all, of a big collection a reference count for some hundred elements.
    pub(crate) fn unshare_bytes(&self) -> usize {
        let shared = match self.block.shared() {
            None => 0,
            Some(value) => match Flat::of(value.as_ref()) {
                Some(flat) => flat.bytes.len(),
                None => shared_parts(value) * BYTES_PER_SHARED_PART,
            },
        };
        self.block.allocated_bytes() + shared
    }

    /// Replaces the value by a string, as SET does. Reuses the allocation where the size allows.
    pub fn set_string(&mut self, value: &[u8]) {
        self.put(string_content(value), false);
    }

    pub fn set_int(&mut self, number: i64) {
        self.put(Content::Int(number), false);
    }

    /// Replaces the value by any other.
    pub fn set_value(&mut self, value: Value) {
        match value {
            Value::Int(number) => self.set_int(number),
            Value::String(bytes) if bytes.len() <= FLAT_MAX => self.set_string(&bytes),
            value => match Flat::of(value.as_ref()) {
                Some(flat) if is_short(flat) => self.put(Content::Flat(flat), false),
                _ => self.put(Content::Shared(Arc::new(value)), false),
            },
        }
    }

    /// As [`set_value`](Self::set_value), for bytes that the caller keeps.
    fn set_flat(&mut self, flat: Flat<'_>) {
        if is_short(flat) {
            self.put(Content::Flat(flat), false);
        } else {
            self.put(Content::Shared(Arc::new(flat.to_value())), false);
        }
    }

    /// For changing a list, hash, set or sorted set; `None` if the value is none.
    pub fn edit<C: Collection>(&mut self) -> Option<Edit<'_, C>> {
        Edit::new(self)
    }

    /// Lets `change` edit the bytes of a string in place, as APPEND, SETRANGE and SETBIT do; a number becomes its text
    /// first. The string is raw from then on. `None`, and no call, if the value is no string.
    pub fn edit_string<T>(&mut self, change: impl FnOnce(&mut Vec<u8>) -> T) -> Option<T> {
        let raw = self.block.header().with_raw(true);
        if let Some(bytes) = self.long_string_mut() {
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
        let flat = Flat { form: FlatForm::String, bytes: &bytes };
        if is_short(flat) {
            self.put(Content::Flat(flat), true);
        } else {
            self.put(Content::Shared(Arc::new(Value::String(bytes))), true);
        }
        Some(answer)
    }

    /// The bytes of a string that keeps its length, to overwrite some. `None` for numbers and collections.
    pub fn string_bytes_mut(&mut self) -> Option<&mut [u8]> {
        let raw = self.block.header().with_raw(true);
        match self.block.header().kind() {
            Kind::Flat(FlatForm::String) => {
                self.block.set_header(raw);
                self.block.flat_mut()
            }
            Kind::Shared => self.long_string_mut().map(Vec::as_mut_slice),
            Kind::Int | Kind::Flat(_) => None,
        }
    }

    fn long_string_mut(&mut self) -> Option<&mut Vec<u8>> {
        // What is of another type is not copied for nothing.
        match self.block.shared() {
            Some(Value::String(_)) => match self.block.shared_mut() {
                Some(Value::String(bytes)) => Some(bytes),
                _ => None,
            },
            _ => None,
        }
    }

    pub fn stream_mut(&mut self) -> Option<&mut Stream> {
        match self.block.shared() {
            Some(Value::Stream(_)) => match self.block.shared_mut() {
                Some(Value::Stream(stream)) => Some(stream),
                _ => None,
            },
            _ => None,
        }
    }

    /// Moves a collection or long string out, for who frees it; the number 0 takes its place.
    pub(crate) fn take_shared(&mut self) -> Option<Arc<Value>> {
        self.block.take_shared()
    }

    /// The value alone. What does not lie in the block is moved if no copy shares it, the rest copied.
    pub fn into_value(mut self) -> Value {
        match (self.block.take_shared(), self.block.flat()) {
            (Some(value), _) => Arc::unwrap_or_clone(value),
            (None, Some(flat)) => flat.to_value(),
            (None, None) => Value::Int(self.block.int().unwrap_or(0)),
        }
    }

    /// The same value under another key, the access bits, raw flag and expiry kept.
    pub fn with_key(mut self, key: &[u8]) -> Entry {
        let shared = self.block.take_shared();
        Entry { block: Block::new(key, self.expiry(), self.content(shared), self.block.header()) }
    }

    pub(crate) fn set_expiry(&mut self, expiry: Option<i64>) {
        match expiry {
            Some(expiry) if self.block.set_expiry_in_place(expiry) => {}
            None if self.expiry().is_none() => {}
            expiry => {
                let shared = self.block.take_shared();
                self.block = Block::new(self.key(), expiry, self.content(shared), self.block.header());
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

    /// Puts other content into the block, in place where the size allows.
    fn put(&mut self, content: Content<'_>, raw: bool) {
        let header = self.block.header().with_raw(raw);
        let is_in_place = match content {
            Content::Int(number) => self.block.set_int_in_place(number),
            Content::Flat(flat) => self.block.set_flat_in_place(flat),
            Content::Shared(_) => false,
        };
        if is_in_place {
            self.block.set_header(header);
        } else {
            self.block = Block::new(self.key(), self.expiry(), content, header);
        }
    }

    /// What is in the block, to go into another; `shared` is the value that does not lie in it, if there is one.
    fn content(&self, shared: Option<Arc<Value>>) -> Content<'_> {
        match (shared, self.block.flat()) {
            (Some(value), _) => Content::Shared(value),
            (None, Some(flat)) => Content::Flat(flat),
            (None, None) => Content::Int(self.block.int().unwrap_or(0)),
        }
    }
}

/// A copy that shares what does not lie in the block until one side writes.
impl Clone for Entry {
    fn clone(&self) -> Entry {
        let content = self.content(self.block.share());
        Entry { block: Block::new(self.key(), self.expiry(), content, self.block.header()) }
    }
}

/// How many reference counts it takes to write to a shared value that is not packed, about.
fn shared_parts(value: &Value) -> usize {
    const ELEMENTS_PER_PART: usize = 512;
    let elements = match value {
        Value::Int(_) | Value::String(_) | Value::List(_) | Value::Stream(_) => 0,
        Value::Hash(hash) => hash.len(),
        Value::Set(set) => set.len(),
        Value::SortedSet(sorted_set) => sorted_set.len(),
    };
    1 + elements / ELEMENTS_PER_PART
}

/// Whether a flat value lives in its entry's allocation.
fn is_short(flat: Flat<'_>) -> bool {
    let most = if flat.form == FlatForm::String { FLAT_MAX } else { Entry::LONGEST_PACKED_WITHIN };
    flat.bytes.len() <= most
}

fn string_content(value: &[u8]) -> Content<'_> {
    if value.len() <= INTEGER_TEXT_MAX
        && let Some(number) = parse_integer(value)
    {
        Content::Int(number)
    } else if value.len() <= FLAT_MAX {
        Content::Flat(Flat { form: FlatForm::String, bytes: value })
    } else {
        Content::Shared(Arc::new(Value::String(value.to_vec())))
    }
}

#[cfg(test)]
mod tests;
