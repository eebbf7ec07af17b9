//! A page's bytes, which copies of the page share until one of them is written to.

use std::ops::Deref;
use triomphe::Arc;

/// Nothing is allocated while there are none.
#[derive(Clone, Default)]
pub(super) struct SharedBytes(Option<Arc<[u8]>>);

/// Most pages are smaller, and are made from this in one go.
static ZEROS: [u8; 8192] = [0; 8192];

impl SharedBytes {
    pub(super) fn zeroed(len: usize) -> SharedBytes {
        SharedBytes(Some(match ZEROS.get(..len) {
            Some(zeros) => zeros.into(),
            None => vec![0; len].into(),
        }))
    }

    /// To write to them: they are this page's own from now on.
    #[inline]
    pub(super) fn own(&mut self) -> &mut [u8] {
        let Some(bytes) = &mut self.0 else { return &mut [] };
        if !bytes.is_unique() {
            *bytes = Arc::from(&**bytes);
        }
        Arc::get_mut(bytes).unwrap_or(&mut [])
    }

    pub(super) fn allocated_bytes(&self) -> usize {
        if self.0.is_none() { 0 } else { size_of::<usize>() + self.len() }
    }
}

impl Deref for SharedBytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.0.as_deref().unwrap_or(&[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_keeps_what_it_has() {
        let mut bytes = SharedBytes::zeroed(10_000);
        bytes.own()[9_999] = 1;
        let copy = bytes.clone();
        bytes.own()[9_999] = 2;
        assert_eq!((copy[9_999], bytes[9_999], copy.len()), (1, 2, 10_000));
        let place = bytes.as_ptr();
        bytes.own()[0] = 3;
        assert_eq!(bytes.as_ptr(), place, "what nobody shares is not copied");
        assert_eq!(SharedBytes::default().own().len(), 0);
        assert_eq!(
            (SharedBytes::default().allocated_bytes(), SharedBytes::zeroed(8).allocated_bytes()),
            (0, 16)
        );
    }
}
