//! Where values are written to: a buffer, or one that is emptied while a value is written.
//!
//! A list may be longer than the memory that is left. Who writes one says [`Outlet::piece`] after each of its elements, and a long
//! string is written in pieces, too: so an outlet that gives its bytes away at these places never has more of them than it likes and
//! one piece of [`PIECE_BYTES`] at the most. What is compressed is an exception: its compressed bytes are there as a whole.

/// A longer string comes in pieces.
pub const PIECE_BYTES: usize = 256 * 1024;

pub trait Outlet {
    /// To be appended to.
    fn buffer(&mut self) -> &mut Vec<u8>;

    /// What is in the buffer may go. Called often, so what it does most often must cost nothing.
    fn piece(&mut self) {}

    /// As many bytes as there are, in pieces.
    fn write(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(PIECE_BYTES) {
            self.buffer().extend_from_slice(piece);
            self.piece();
        }
    }
}

/// Nothing goes.
impl Outlet for Vec<u8> {
    fn buffer(&mut self) -> &mut Vec<u8> {
        self
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::Outlet;

    /// Whose bytes go at each place where they may.
    #[derive(Default)]
    pub(crate) struct Spilling {
        buffer: Vec<u8>,
        pub(crate) spilt: Vec<u8>,
        /// The most that there ever was in the buffer.
        pub(crate) most: usize,
    }

    impl Outlet for Spilling {
        fn buffer(&mut self) -> &mut Vec<u8> {
            &mut self.buffer
        }

        fn piece(&mut self) {
            self.most = self.most.max(self.buffer.len());
            self.spilt.append(&mut self.buffer);
        }
    }
}
