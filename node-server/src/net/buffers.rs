//! Buffers that belong to a thread, not to a connection: an idle connection holds no memory for them.
//!
//! A connection reads into its thread's input buffer and writes its replies into its thread's output buffer.
//! Only what is left over (half a request, bytes that the socket did not take) moves into buffers of its own.

use std::cell::Cell;

use super::ahead::Ahead;

/// How much is read at once.
pub const READ_BYTES: usize = 64 * 1024;
/// There is room for so much at least when a connection reads.
pub const LEAST_ROOM_BYTES: usize = READ_BYTES / 4;
/// A buffer beyond this is given back to the allocator once it is empty.
pub const KEEP_BYTES: usize = 1024 * 1024;

#[derive(Debug, Default)]
pub struct ThreadBuffers {
    pub input: Vec<u8>,
    pub output: Vec<u8>,
    pub ahead: Ahead,
}

thread_local! {
    static BUFFERS: Cell<Option<Box<ThreadBuffers>>> = const { Cell::new(None) };
}

/// Runs `work` with the thread's buffers, both empty.
pub fn with_buffers<R>(work: impl FnOnce(&mut ThreadBuffers) -> R) -> R {
    let mut buffers = BUFFERS.take().unwrap_or_default();
    buffers.input.reserve(READ_BYTES);
    let result = work(&mut buffers);
    buffers.input.clear();
    buffers.output.clear();
    if buffers.output.capacity() > KEEP_BYTES {
        buffers.output = Vec::new();
    }
    BUFFERS.set(Some(buffers));
    result
}
