//! Changing a collection: where it is, if it is boxed; a flat one in a buffer of this thread, from which it goes back into
//! its entry at the end. So a command that changes much reallocates its entry once, and the types know one way to change.

use super::Entry;
use crate::types::{Collection, Flat, Value};
use std::cell::Cell;
use std::ops::{Deref, DerefMut};

/// A buffer that grew beyond this is not kept.
const BUFFER_MAX: usize = 16 * 1024;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A collection that is being changed. It is the entry's value again when this is dropped.
pub struct Edit<'a, C: Collection>(Place<'a, C>);

enum Place<'a, C> {
    Boxed(&'a mut C),
    /// With a copy of the value, which is a `C`.
    Flat(&'a mut Entry, Value),
}

impl<'a, C: Collection> Edit<'a, C> {
    /// `None` if the value is no `C`.
    pub(super) fn new(entry: &'a mut Entry) -> Option<Edit<'a, C>> {
        match entry.block.flat() {
            None => entry.block.boxed_mut().and_then(C::of_mut).map(|boxed| Edit(Place::Boxed(boxed))),
            Some(flat) => {
                let copy = flat.copy_into(BUFFER.take());
                C::of(&copy)?;
                Some(Edit(Place::Flat(entry, copy)))
            }
        }
    }
}

impl<C: Collection> Deref for Edit<'_, C> {
    type Target = C;

    #[inline]
    fn deref(&self) -> &C {
        match &self.0 {
            Place::Boxed(boxed) => boxed,
            Place::Flat(_, copy) => match C::of(copy) {
                Some(collection) => collection,
                None => unreachable!("`new` has looked at the type, and nothing changes it"),
            },
        }
    }
}

impl<C: Collection> DerefMut for Edit<'_, C> {
    #[inline]
    fn deref_mut(&mut self) -> &mut C {
        match &mut self.0 {
            Place::Boxed(boxed) => boxed,
            Place::Flat(_, copy) => match C::of_mut(copy) {
                Some(collection) => collection,
                None => unreachable!("`new` has looked at the type, and nothing changes it"),
            },
        }
    }
}

impl<C: Collection> Drop for Edit<'_, C> {
    fn drop(&mut self) {
        let Place::Flat(entry, copy) = &mut self.0 else { return };
        let copy = std::mem::replace(copy, Value::Int(0));
        match Flat::of(copy.as_ref()) {
            None => entry.set_value(copy),
            Some(flat) => {
                entry.set_flat(flat);
                let buffer = copy.into_buffer().unwrap_or_default();
                if buffer.capacity() <= BUFFER_MAX {
                    BUFFER.set(buffer);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
