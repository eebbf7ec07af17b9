//! The memory of one entry: a single allocation behind a thin pointer. All unsafe code of the store but the hint
//! of prefetch.rs.
//!
//! ```text
//!   0   u64   header, see Header
//!   8   i64   expiry, unix time in ms                 only with the EXPIRES bit
//!   +   u64   number (Int) or pointer (Shared)        not for a flat value
//!   +   u32   key length                              only with the WIDE bit
//!   +   key bytes, then the bytes of a flat value     rounded up to 8 in sum
//! ```
//!
//! So a 16-byte key with a 64-byte value takes 88 bytes. The header holds all lengths, so the size of the
//! allocation is known from it and nothing else stores it. What a flat value is, `types/flat.rs` says.
//!
//! What is too big for a block is shared by the entry's copies, whatever it is, until one of them is written to: so a copy
//! costs its block.

use crate::prefetch::prefetch;
use crate::types::{Flat, FlatForm, Value};
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use triomphe::Arc;

/// ```text
///   63           40 39     32 31        19 18        7   6     5      4       3   2    0
///   access clock 24 | epoch 8 | value len 13 | key len 12 | - | WIDE | EXPIRES | RAW | kind
/// ```
/// The lengths are 0 where they are not used: the value's unless it is flat, the key's with WIDE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Header(u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A number in the block.
    Int,
    /// A string or packed collection in the block.
    Flat(FlatForm),
    /// Anything else, in a `Value` that copies share.
    Shared,
}

/// The longest flat value that the header has a length for.
pub(super) const FLAT_MAX: usize = 4096;
const NARROW_KEY_MAX: usize = (1 << 12) - 1;

const KIND: u64 = 7;
const INT: u64 = 0;
const SHARED: u64 = 1;
/// Flat forms are counted from here.
const FLAT: u64 = 2;
const RAW: u64 = 1 << 3;
const EXPIRES: u64 = 1 << 4;
const WIDE: u64 = 1 << 5;
const KEY_SHIFT: u32 = 7;
const VALUE_SHIFT: u32 = 19;
const VALUE_MASK: u64 = (1 << 13) - 1;
const EPOCH_SHIFT: u32 = 32;
const CLOCK_SHIFT: u32 = 40;

impl Header {
    pub(super) fn kind(self) -> Kind {
        match self.0 & KIND {
            INT => Kind::Int,
            SHARED => Kind::Shared,
            2 => Kind::Flat(FlatForm::String),
            3 => Kind::Flat(FlatForm::List),
            4 => Kind::Flat(FlatForm::Hash),
            5 => Kind::Flat(FlatForm::Intset),
            6 => Kind::Flat(FlatForm::Set),
            _ => Kind::Flat(FlatForm::SortedSet),
        }
    }

    fn is_flat(self) -> bool {
        self.0 & KIND >= FLAT
    }

    fn flat_form(self) -> Option<FlatForm> {
        match self.kind() {
            Kind::Flat(form) => Some(form),
            _ => None,
        }
    }

    pub(super) fn is_raw(self) -> bool {
        self.0 & RAW != 0
    }

    pub(super) fn with_raw(self, raw: bool) -> Header {
        Header(if raw { self.0 | RAW } else { self.0 & !RAW })
    }

    pub(super) fn epoch(self) -> u8 {
        (self.0 >> EPOCH_SHIFT) as u8
    }

    pub(super) fn with_epoch(self, epoch: u8) -> Header {
        Header(self.0 & !(0xff << EPOCH_SHIFT) | u64::from(epoch) << EPOCH_SHIFT)
    }

    /// 24 bits.
    pub(super) fn clock(self) -> u32 {
        (self.0 >> CLOCK_SHIFT) as u32
    }

    pub(super) fn with_clock(self, clock: u32) -> Header {
        Header(self.0 & ((1 << CLOCK_SHIFT) - 1) | u64::from(clock) << CLOCK_SHIFT)
    }

    fn expires(self) -> bool {
        self.0 & EXPIRES != 0
    }

    fn is_wide(self) -> bool {
        self.0 & WIDE != 0
    }

    fn flat_len(self) -> usize {
        (self.0 >> VALUE_SHIFT & VALUE_MASK) as usize
    }

    fn with_flat(self, flat: Flat<'_>) -> Header {
        let rest = self.0 & !(VALUE_MASK << VALUE_SHIFT) & !KIND;
        Header(rest | flat_bits(flat))
    }

    fn expiry_at(self) -> usize {
        8
    }

    fn word_at(self) -> usize {
        if self.expires() { 16 } else { 8 }
    }

    fn wide_at(self) -> usize {
        self.word_at() + if self.is_flat() { 0 } else { 8 }
    }

    fn key_at(self) -> usize {
        self.wide_at() + if self.is_wide() { 4 } else { 0 }
    }
}

/// Kind and length.
fn flat_bits(flat: Flat<'_>) -> u64 {
    (FLAT + flat.form as u64) | (flat.bytes.len() as u64 & VALUE_MASK) << VALUE_SHIFT
}

/// What goes into a block.
pub(super) enum Content<'a> {
    Int(i64),
    /// At most `FLAT_MAX` bytes; longer ones are shared.
    Flat(Flat<'a>),
    Shared(Arc<Value>),
}

#[derive(Debug)]
pub(super) struct Block {
    start: NonNull<u8>,
}

// SAFETY: a block owns its memory alone and its value as any other `Arc` does, and gives out only borrows bound to its own;
// so it may go where `Arc<Value>` may. `assert_value_is_send_and_sync` below fails to compile if `Value` ever may not.
unsafe impl Send for Block {}
// SAFETY: as above; there is no interior mutability.
unsafe impl Sync for Block {}

const _: () = {
    const fn assert_value_is_send_and_sync<T: Send + Sync>() {}
    assert_value_is_send_and_sync::<Value>();
};

impl Block {
    /// `like` gives the epoch, the clock and the raw flag.
    pub(super) fn new(key: &[u8], expiry: Option<i64>, content: Content<'_>, like: Header) -> Block {
        let kept = like.0 & (RAW | !((1 << EPOCH_SHIFT) - 1));
        let wide = key.len() > NARROW_KEY_MAX;
        let (content_bits, flat): (u64, &[u8]) = match &content {
            Content::Int(_) => (INT, &[]),
            Content::Flat(flat) => (flat_bits(*flat), flat.bytes),
            Content::Shared(_) => (SHARED, &[]),
        };
        assert!(flat.len() <= FLAT_MAX, "the caller shares longer values");
        assert!(key.len() <= u32::MAX as usize, "the protocol allows no key over 512 MB");
        let mut bits = kept | content_bits;
        bits |= if wide { WIDE } else { (key.len() as u64) << KEY_SHIFT };
        bits |= if expiry.is_some() { EXPIRES } else { 0 };
        let header = Header(bits);

        let layout = layout_of(header.key_at() + key.len() + flat.len());
        // SAFETY: the layout is never empty: it has at least a header.
        let memory = unsafe { alloc(layout) };
        let Some(start) = NonNull::new(memory) else { handle_alloc_error(layout) };
        let at = |offset: usize| start.as_ptr().wrapping_add(offset);
        // SAFETY: all offsets follow the drawing above, of which `layout` is the size: the last write ends at
        // key_at + key + flat ≤ layout.size(). `start` is 8-aligned, and so are the header, expiry and word offsets
        // (8 or 16); the wide length is 4-aligned. Nothing else refers to the new memory.
        unsafe {
            start.cast::<u64>().write(header.0);
            if let Some(expiry) = expiry {
                at(header.expiry_at()).cast::<i64>().write(expiry);
            }
            if wide {
                at(header.wide_at()).cast::<u32>().write(key.len() as u32);
            }
            at(header.key_at()).copy_from_nonoverlapping(key.as_ptr(), key.len());
            at(header.key_at() + key.len()).copy_from_nonoverlapping(flat.as_ptr(), flat.len());
            match content {
                Content::Int(number) => at(header.word_at()).cast::<i64>().write(number),
                Content::Shared(value) => {
                    at(header.word_at()).cast::<*const Value>().write(Arc::into_raw(value))
                }
                Content::Flat(_) => {}
            }
        }
        Block { start }
    }

    /// Asks the cache for the beginning of the block: header, key, and a short value.
    #[inline]
    pub(super) fn prefetch(&self) {
        prefetch(self.start.as_ptr());
        prefetch(self.start.as_ptr().wrapping_add(64));
    }

    pub(super) fn header(&self) -> Header {
        // SAFETY: the block begins with its header, aligned, written by `new`.
        Header(unsafe { self.start.cast::<u64>().read() })
    }

    /// Changes epoch, clock and raw flag; what describes the layout stays.
    pub(super) fn set_header(&mut self, header: Header) {
        let layout_bits = ((1u64 << EPOCH_SHIFT) - 1) & !RAW;
        let merged = self.header().0 & layout_bits | header.0 & !layout_bits;
        // SAFETY: as in `header`; `&mut self` makes it the only access.
        unsafe { self.start.cast::<u64>().write(merged) }
    }

    pub(super) fn expiry(&self) -> Option<i64> {
        let header = self.header();
        // SAFETY: with the EXPIRES bit, `new` wrote an aligned i64 there.
        header.expires().then(|| unsafe { self.at(header.expiry_at()).cast::<i64>().read() })
    }

    /// Changes the expiry of a block that has one. False if it has none.
    pub(super) fn set_expiry_in_place(&mut self, expiry: i64) -> bool {
        let header = self.header();
        if header.expires() {
            // SAFETY: as in `expiry`; `&mut self` makes it the only access.
            unsafe { self.at(header.expiry_at()).cast::<i64>().write(expiry) }
        }
        header.expires()
    }

    pub(super) fn int(&self) -> Option<i64> {
        let header = self.header();
        // SAFETY: in an Int block, `new` wrote an aligned i64 there.
        (header.kind() == Kind::Int).then(|| unsafe { self.at(header.word_at()).cast::<i64>().read() })
    }

    /// Changes the number of an Int block. False if it is none.
    pub(super) fn set_int_in_place(&mut self, number: i64) -> bool {
        let header = self.header();
        if header.kind() == Kind::Int {
            // SAFETY: as in `int`; `&mut self` makes it the only access.
            unsafe { self.at(header.word_at()).cast::<i64>().write(number) }
        }
        header.kind() == Kind::Int
    }

    pub(super) fn shared(&self) -> Option<&Value> {
        // SAFETY: the pointer came from an `Arc` whose count this block has a part in, until `drop`, `take_shared` or
        // `shared_mut`, which need the block itself; the borrow of `self` keeps them away. Others who have a part only read.
        self.shared_pointer().map(|pointer| unsafe { &*pointer })
    }

    /// A copy of it, for a reference count.
    pub(super) fn share(&self) -> Option<Arc<Value>> {
        // SAFETY: as in `shared`; the block's own part in the count stays, since the `Arc` that stands for it isn't dropped.
        self.shared_pointer().map(|pointer| unsafe { Arc::clone(&ManuallyDrop::new(Arc::from_raw(pointer))) })
    }

    /// To write to it: what copies share is copied first.
    pub(super) fn shared_mut(&mut self) -> Option<&mut Value> {
        let pointer = self.shared_pointer()?;
        let word_at = self.header().word_at();
        // SAFETY: as in `share`. Where others have a part, `make_mut` gives the block's up for one in a copy, whose pointer is
        // written in its place; if the copying panics nothing has changed. Then the block's is the only part, and `&mut self`
        // makes this the only borrow.
        unsafe {
            let mut value = ManuallyDrop::new(Arc::from_raw(pointer));
            if !value.is_unique() {
                Arc::make_mut(&mut value);
                self.at(word_at).cast::<*const Value>().write(Arc::as_ptr(&value));
            }
            Some(&mut *Arc::as_ptr(&value).cast_mut())
        }
    }

    /// Moves the value out and leaves the number 0 in its place.
    pub(super) fn take_shared(&mut self) -> Option<Arc<Value>> {
        let pointer = self.shared_pointer()?;
        let header = self.header();
        // SAFETY: the word is 8 bytes and aligned for both kinds. From here on the block is an Int block, so that nothing
        // reads the pointer again and what is returned has the block's part in the count.
        unsafe {
            self.at(header.word_at()).cast::<i64>().write(0);
            self.start.cast::<u64>().write(header.0 & !KIND | INT);
            Some(Arc::from_raw(pointer))
        }
    }

    fn shared_pointer(&self) -> Option<*const Value> {
        let header = self.header();
        // SAFETY: in a Shared block, `new` wrote an aligned pointer there.
        (header.kind() == Kind::Shared)
            .then(|| unsafe { self.at(header.word_at()).cast::<*const Value>().read() })
    }

    pub(super) fn key(&self) -> &[u8] {
        let header = self.header();
        // SAFETY: `new` copied that many bytes there; they live as long as the block and change with `&mut` only.
        unsafe { std::slice::from_raw_parts(self.at(header.key_at()), self.key_len(header)) }
    }

    #[inline]
    pub(super) fn flat(&self) -> Option<Flat<'_>> {
        let header = self.header();
        let start = self.at(header.key_at() + self.key_len(header));
        header.flat_form().map(|form| {
            // SAFETY: in a block of a flat value its bytes follow the key's, as many as the header says; they live as long
            // as the block and change with `&mut` only.
            let bytes = unsafe { std::slice::from_raw_parts(start, header.flat_len()) };
            Flat { form, bytes }
        })
    }

    /// The bytes of a flat value. Who writes keeps them what the form says they are.
    pub(super) fn flat_mut(&mut self) -> Option<&mut [u8]> {
        let header = self.header();
        let start = self.at(header.key_at() + self.key_len(header));
        // SAFETY: as in `flat`, and `&mut self` makes it the only borrow.
        header.is_flat().then(|| unsafe { std::slice::from_raw_parts_mut(start, header.flat_len()) })
    }

    /// Overwrites a flat value by another when that needs an allocation of the same size. False if it does not fit.
    pub(super) fn set_flat_in_place(&mut self, flat: Flat<'_>) -> bool {
        let header = self.header();
        let value_at = header.key_at() + self.key_len(header);
        let fits = header.is_flat()
            && flat.bytes.len() <= FLAT_MAX
            && layout_of(value_at + flat.bytes.len()).size() == self.allocated_bytes();
        if fits {
            // SAFETY: the new value ends within the allocation, whose size stays what the new header gives: all flat values
            // begin at the same place. The bytes cannot overlap it, since `&mut self` is the only access.
            unsafe {
                self.at(value_at).copy_from_nonoverlapping(flat.bytes.as_ptr(), flat.bytes.len());
                self.start.cast::<u64>().write(header.with_flat(flat).0);
            }
        }
        fits
    }

    pub(super) fn allocated_bytes(&self) -> usize {
        let header = self.header();
        layout_of(header.key_at() + self.key_len(header) + header.flat_len()).size()
    }

    fn key_len(&self, header: Header) -> usize {
        if header.is_wide() {
            // SAFETY: with the WIDE bit, `new` wrote an aligned u32 there.
            unsafe { self.at(header.wide_at()).cast::<u32>().read() as usize }
        } else {
            (header.0 >> KEY_SHIFT) as usize & NARROW_KEY_MAX
        }
    }

    /// The address of an offset within the block.
    fn at(&self, offset: usize) -> *mut u8 {
        self.start.as_ptr().wrapping_add(offset)
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        drop(self.take_shared());
        let layout = layout_of(self.allocated_bytes());
        // SAFETY: allocated by `new` with this very layout: it follows from the header, whose layout bits change only in
        // `set_flat_in_place`, which keeps the size, and `take_shared`, between kinds of one size.
        unsafe { dealloc(self.start.as_ptr(), layout) }
    }
}

fn layout_of(bytes: usize) -> Layout {
    match Layout::from_size_align(bytes.next_multiple_of(8), 8) {
        Ok(layout) => layout,
        // A key is under 4 GiB and a flat value under 4 KiB, so this is our own bug.
        Err(_) => unreachable!("an entry of {bytes} bytes"),
    }
}
