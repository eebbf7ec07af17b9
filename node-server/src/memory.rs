//! How much memory is in use, and whether that is more than `maxmemory`.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use crate::clock;

/// Bytes that the allocator has given out.
pub fn used_bytes() -> u64 {
    // SAFETY: mallinfo2 takes nothing and only reads the allocator's counters, under its own locks.
    let info = unsafe { libc::mallinfo2() };
    (info.uordblks + info.hblkhd) as u64
}

/// Asks the allocator at most once a millisecond: that is often enough for a limit, and costs nothing.
#[derive(Debug)]
pub struct MemoryGuard {
    born: Instant,
    asked_ms: AtomicU64,
    is_over: AtomicBool,
}

impl Default for MemoryGuard {
    fn default() -> MemoryGuard {
        MemoryGuard {
            born: clock::monotonic(),
            asked_ms: AtomicU64::new(u64::MAX),
            is_over: AtomicBool::new(false),
        }
    }
}

impl MemoryGuard {
    pub fn is_over(&self, limit: u64) -> bool {
        let now_ms = (clock::monotonic() - self.born).as_millis() as u64;
        if self.asked_ms.swap(now_ms, Ordering::Relaxed) != now_ms {
            self.is_over.store(used_bytes() > limit, Ordering::Relaxed);
        }
        self.is_over.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_below_what_is_used_is_over() {
        let held = vec![1u8; 1 << 20];
        assert!(used_bytes() >= held.len() as u64);
        assert!(MemoryGuard::default().is_over(1));
        assert!(!MemoryGuard::default().is_over(u64::MAX));
    }
}
