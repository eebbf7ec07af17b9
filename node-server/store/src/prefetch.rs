//! Asking the cache for a line of memory before it is needed.

/// A search waits for memory more than once: what it will need first, and what it finds its way to then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Way,
    /// Some time after the way was asked for.
    Entry,
}

/// Asks for the line at this address. A hint: nothing changes but how long a later look at it takes.
#[inline]
pub(crate) fn prefetch(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the instruction reads nothing that the program could see, and does not fault whatever the address is.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

#[cfg(test)]
mod tests {
    #[test]
    fn any_address_may_be_asked_for() {
        super::prefetch(std::ptr::null());
        super::prefetch(std::ptr::without_provenance(usize::MAX));
        super::prefetch(&raw const SOMETHING);
        static SOMETHING: u8 = 0;
    }
}
