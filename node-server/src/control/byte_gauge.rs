//! Counting bytes that are held somewhere: what the bus's links have in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many bytes are held, to be read from any thread.
#[derive(Clone, Debug, Default)]
pub struct ByteGauge(Arc<AtomicUsize>);

impl ByteGauge {
    /// They count until the answer is dropped.
    pub fn hold(&self, bytes: usize) -> HeldBytes {
        self.0.fetch_add(bytes, Ordering::Relaxed);
        HeldBytes { gauge: self.clone(), bytes }
    }

    pub fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Bytes that count in a gauge.
#[derive(Debug)]
pub struct HeldBytes {
    gauge: ByteGauge,
    bytes: usize,
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        self.gauge.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
