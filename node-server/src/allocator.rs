//! The system's allocator, with a count of what it has given out: INFO's `used_memory`, and what `maxmemory` limits.
//!
//! Counted is what a block takes in glibc's heap, its header and rounding included, so the sum is what the data really
//! cost. (Asking glibc itself would walk all its free lists.) Not counted: thread stacks, and what the system's own
//! libraries allocate.
//!
//! Each thread counts in a cell of a cache line of its own: workers, who allocate with every request, in one that nobody
//! else writes to, so it is a plain addition; the others share a few cells. A cell may well be negative: who frees a
//! block need not be who allocated it. Only the sum means something.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Counting;

/// Cells that belong to one thread each, and cells behind them that all others share.
pub const OWNED: usize = 64;
const SHARED: usize = 8;

#[repr(align(128))]
struct CountCell(AtomicI64);

static CELLS: [CountCell; OWNED + SHARED] = [const { CountCell(AtomicI64::new(0)) }; OWNED + SHARED];
/// So many of the owned cells were given to a thread.
static CLAIMED: AtomicUsize = AtomicUsize::new(0);
/// Threads without a cell of their own are dealt out over the shared ones.
static NEXT_SHARED: AtomicUsize = AtomicUsize::new(0);

const NO_CELL: usize = usize::MAX;

thread_local! {
    // Has no destructor and is initialised at compile time: looking at it never allocates, and works until the thread's end.
    static CELL: Cell<usize> = const { Cell::new(NO_CELL) };
}

/// This thread counts in a cell of its own from now on, if one is left. For threads that live as long as the node.
pub fn claim_cell() {
    let index = CLAIMED.fetch_add(1, Ordering::Relaxed);
    if index < OWNED {
        CELL.with(|cell| cell.set(index));
    }
}

/// Cells that were given back. Who takes one sees all that was counted there before.
static GIVEN_BACK: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// The right of this thread to a cell of its own. For threads that come and go.
#[derive(Debug)]
pub struct OwnCell {
    index: usize,
    /// It is this thread's.
    _here: PhantomData<*const ()>,
}

/// Until what is returned goes, this thread counts in a cell of its own, if one is left.
pub fn borrow_cell() -> Option<OwnCell> {
    if owned_cell().is_some() {
        return None;
    }
    let given_back = GIVEN_BACK.lock().unwrap_or_else(PoisonError::into_inner).pop();
    match given_back {
        Some(index) => CELL.with(|cell| cell.set(index)),
        None => claim_cell(),
    }
    owned_cell().map(|index| OwnCell { index, _here: PhantomData })
}

impl Drop for OwnCell {
    fn drop(&mut self) {
        CELL.with(|cell| cell.set(NO_CELL));
        GIVEN_BACK.lock().unwrap_or_else(PoisonError::into_inner).push(self.index);
    }
}

/// The number of this thread's own cell, below [`OWNED`], if it claimed one. Other counters by thread go by it too.
#[inline]
pub fn owned_cell() -> Option<usize> {
    Some(CELL.with(Cell::get)).filter(|index| *index < OWNED)
}

/// Bytes that are given out at this moment.
pub fn used_bytes() -> u64 {
    let owned = &CELLS[..CLAIMED.load(Ordering::Relaxed).min(OWNED)];
    let sum: i64 = owned.iter().chain(&CELLS[OWNED..]).map(|cell| cell.0.load(Ordering::Relaxed)).sum();
    sum.max(0) as u64
}

#[inline]
fn count(bytes: i64) {
    let index = CELL.with(Cell::get);
    match CELLS.get(index) {
        // Nobody else writes here.
        Some(CountCell(count)) if index < OWNED => {
            count.store(count.load(Ordering::Relaxed) + bytes, Ordering::Relaxed);
        }
        Some(CountCell(count)) => _ = count.fetch_add(bytes, Ordering::Relaxed),
        None => count_in_new_cell(bytes),
    }
}

#[cold]
fn count_in_new_cell(bytes: i64) {
    let index = OWNED + NEXT_SHARED.fetch_add(1, Ordering::Relaxed) % SHARED;
    CELL.with(|cell| cell.set(index));
    CELLS[index].0.fetch_add(bytes, Ordering::Relaxed);
}

/// What a block of so many bytes takes in the heap: a word of header, in steps of 16 bytes, 32 at least.
#[inline]
pub const fn block_bytes(size: usize) -> usize {
    let block = size.saturating_add(8 + 15) & !15;
    if block < 32 { 32 } else { block }
}

/// What glibc says of its heap, in bytes. Asking walks its free lists.
#[derive(Clone, Copy, Debug)]
pub struct Heap {
    pub taken: usize,
    pub used: usize,
    pub free: usize,
    pub free_at_end: usize,
    pub mapped: usize,
    pub mappings: usize,
}

pub fn heap() -> Heap {
    // SAFETY: mallinfo2 takes nothing and only reads the allocator's counters, under its own locks.
    let info = unsafe { libc::mallinfo2() };
    Heap {
        taken: info.arena,
        used: info.uordblks,
        free: info.fordblks,
        free_at_end: info.keepcost,
        mapped: info.hblkhd,
        mappings: info.hblks,
    }
}

/// Free memory goes back to the system, as far as glibc can.
pub fn give_free_memory_back() {
    // SAFETY: malloc_trim touches nothing but the allocator's own free memory, under its own locks.
    unsafe { libc::malloc_trim(0) };
}

// SAFETY: every method hands its arguments on to the system's allocator, whose contract is the same, and returns what that
// returns. Counting touches nothing but atomic integers and a thread-local without destructor: it neither allocates nor
// panics.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        let block = unsafe { System.alloc(layout) };
        if !block.is_null() {
            count(block_bytes(layout.size()) as i64);
        }
        block
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        let block = unsafe { System.alloc_zeroed(layout) };
        if !block.is_null() {
            count(block_bytes(layout.size()) as i64);
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(block, layout) };
        count(-(block_bytes(layout.size()) as i64));
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as the caller promises.
        let moved = unsafe { System.realloc(block, layout, new_size) };
        if !moved.is_null() {
            count(block_bytes(new_size) as i64 - block_bytes(layout.size()) as i64);
        }
        moved
    }
}

/// Tests that measure or fill the memory of the whole process hold this, so that there is one at a time.
#[cfg(test)]
pub fn measured_alone() -> std::sync::MutexGuard<'static, ()> {
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What other tests allocate meanwhile is far less than this.
    const MUCH: usize = 1 << 28;

    #[test]
    fn a_block_counts_from_its_birth_to_its_end_whoever_frees_it() {
        let _alone = measured_alone();
        let before = used_bytes();
        let mut block: Vec<u8> = Vec::with_capacity(MUCH);
        assert!(used_bytes() >= before + MUCH as u64 / 2);
        block.reserve_exact(2 * MUCH);
        assert!(used_bytes() >= before + MUCH as u64 * 3 / 2);
        block.shrink_to(MUCH / 4);
        assert!(used_bytes() < before + MUCH as u64);
        std::thread::spawn(move || drop(block)).join().unwrap();
        let zeroed = vec![0u8; MUCH];
        assert!(used_bytes() >= before + MUCH as u64 / 2);
        drop(zeroed);
        assert!(used_bytes() < before + MUCH as u64 / 2);
    }

    #[test]
    fn a_thread_with_its_own_cell_counts_in_the_same_sum() {
        let _alone = measured_alone();
        let before = used_bytes();
        let block = std::thread::spawn(|| {
            claim_cell();
            Vec::<u8>::with_capacity(MUCH)
        });
        let block = block.join().unwrap();
        assert!(used_bytes() >= before + MUCH as u64 / 2);
        drop(block);
        assert!(used_bytes() < before + MUCH as u64 / 2);
    }

    #[test]
    fn a_cell_that_was_given_back_is_another_threads() {
        let _alone = measured_alone();
        let borrowed = || {
            let cell = borrow_cell();
            assert!(cell.is_some() && borrow_cell().is_none());
            let (index, block) = (owned_cell(), Vec::<u8>::with_capacity(MUCH));
            drop(cell);
            assert_eq!(owned_cell(), None);
            (index, block)
        };
        let before = used_bytes();
        let (first, _block) = std::thread::spawn(borrowed).join().unwrap();
        let (second, _other) = std::thread::spawn(borrowed).join().unwrap();
        // Tests that run meanwhile may have taken it.
        assert!(first.is_some() && second.is_some());
        assert!(used_bytes() >= before + MUCH as u64 * 3 / 2);
    }

    #[test]
    fn a_block_takes_what_glibc_gives_it() {
        for size in [0, 1, 24, 25, 40, 41, 1000, 4096] {
            // Where what would be left over is too small for a block, one gets it as well: the smallest of many is what is meant.
            // SAFETY: the blocks are asked for their sizes while they are there, and freed once.
            let usable = unsafe {
                let blocks = [(); 64].map(|()| libc::malloc(size));
                let usable = blocks.map(|block| libc::malloc_usable_size(block)).into_iter().min();
                blocks.into_iter().for_each(|block| libc::free(block));
                usable
            };
            assert_eq!(Some(block_bytes(size)), usable.map(|usable| usable + 8), "{size} bytes");
        }
    }
}
