//! Changing a collection: where it is, if it lies apart from its entry; a flat one in a buffer of this thread, from which it goes back into
//! its entry at the end. So a command that changes much reallocates its entry once, and the types know one way to change.
//!
//! What the most common commands come to, and what leaves all bytes of a flat collection where they are, is done without
//! a copy: a field's value is replaced by one of the same length, a member is there already.

use super::Entry;
use crate::types::{
    AddCondition, AddError, AddOutcome, Collection, Flat, Hash, Limits, Set, SortedSet, Value, ValueRef,
};
use std::cell::{Cell, OnceCell};
use std::ops::{Deref, DerefMut};

/// A buffer that grew beyond this is not kept.
const BUFFER_MAX: usize = 16 * 1024;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A collection that is being changed. It is the entry's value again when this is dropped.
pub struct Edit<'a, C: Collection>(Place<'a, C>);

enum Place<'a, C> {
    Apart(&'a mut C),
    Flat {
        entry: &'a mut Entry,
        /// Made when it is needed. It is a `C`.
        copy: OnceCell<Value>,
    },
}

impl<'a, C: Collection> Edit<'a, C> {
    /// `None` if the value is no `C`.
    pub(super) fn new(entry: &'a mut Entry) -> Option<Edit<'a, C>> {
        match entry.block.flat() {
            None => {
                // What is of another type is not copied for nothing.
                entry.block.shared().and_then(C::of)?;
                entry.block.shared_mut().and_then(C::of_mut).map(|apart| Edit(Place::Apart(apart)))
            }
            Some(flat) => C::is(flat.value()).then_some(Edit(Place::Flat { entry, copy: OnceCell::new() })),
        }
    }

    /// A flat collection of which there is no copy yet.
    fn untouched(&mut self) -> Option<&mut Entry> {
        match &mut self.0 {
            Place::Flat { entry, copy } if copy.get().is_none() => Some(entry),
            _ => None,
        }
    }
}

impl Edit<'_, Hash> {
    /// As [`Hash::set`].
    pub fn set(&mut self, field: &[u8], value: &[u8], limits: &Limits) -> bool {
        let flat = self.untouched().and_then(|entry| entry.block.flat_mut());
        if flat.is_some_and(|pairs| Hash::overwrite(pairs, field, value, limits)) {
            return false;
        }
        (**self).set(field, value, limits)
    }
}

impl Edit<'_, Set> {
    /// As [`Set::add`].
    pub fn add(&mut self, member: &[u8], limits: &Limits) -> bool {
        if let Some(entry) = self.untouched()
            && let ValueRef::Set(set) = entry.value()
            && set.contains(member)
        {
            return false;
        }
        (**self).add(member, limits)
    }
}

impl Edit<'_, SortedSet> {
    /// As [`SortedSet::add`].
    pub fn add(
        &mut self,
        score: f64,
        member: &[u8],
        condition: AddCondition,
        limits: &Limits,
    ) -> Result<AddOutcome, AddError> {
        if let Some(entry) = self.untouched()
            && let ValueRef::SortedSet(sorted_set) = entry.value()
            && let Some(outcome) = condition.outcome_without_change(sorted_set.score(member), score)?
        {
            return Ok(outcome);
        }
        (**self).add(score, member, condition, limits)
    }
}

impl<C: Collection> Deref for Edit<'_, C> {
    type Target = C;

    fn deref(&self) -> &C {
        match &self.0 {
            Place::Apart(collection) => collection,
            Place::Flat { entry, copy } => match C::of(copy.get_or_init(|| copy_of(entry))) {
                Some(collection) => collection,
                None => unreachable!("`new` has looked at the type, and nothing changes it"),
            },
        }
    }
}

impl<C: Collection> DerefMut for Edit<'_, C> {
    fn deref_mut(&mut self) -> &mut C {
        match &mut self.0 {
            Place::Apart(collection) => collection,
            Place::Flat { entry, copy } => {
                copy.get_or_init(|| copy_of(entry));
                match copy.get_mut().and_then(C::of_mut) {
                    Some(collection) => collection,
                    None => unreachable!("`new` has looked at the type, and nothing changes it"),
                }
            }
        }
    }
}

fn copy_of(entry: &Entry) -> Value {
    entry.block.flat().map_or(Value::Int(0), |flat| flat.copy_into(BUFFER.take()))
}

impl<C: Collection> Drop for Edit<'_, C> {
    fn drop(&mut self) {
        let Place::Flat { entry, copy } = &mut self.0 else { return };
        let Some(copy) = copy.take() else { return };
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
