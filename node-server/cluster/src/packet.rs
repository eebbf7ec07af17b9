//! The bus packet's frame. (The fields follow.)

/// Why a stream of bytes can't be the bus's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// It does not start with `RCmb`.
    BadSignature,
    /// The length it gives is below the header's.
    TooShort(u32),
    /// The length is above what any packet of ours or of Redis's has.
    TooLong(u32),
}

impl std::fmt::Display for FrameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FrameError::BadSignature => f.write_str("not a cluster bus packet"),
            FrameError::TooShort(length) => write!(f, "a bus packet of {length} bytes is too short"),
            FrameError::TooLong(length) => write!(f, "a bus packet of {length} bytes is too long"),
        }
    }
}

impl std::error::Error for FrameError {}

/// The size of the header that every packet starts with.
pub const HEADER_BYTES: usize = 2256;
/// The longest packet taken: a published message of 512 MB, its channel and the header.
pub const LONGEST_BYTES: u32 = 600 * 1024 * 1024;

/// How long the packet is that `stream` starts with; `None` when the first 8 bytes are not there yet.
pub fn frame_length(stream: &[u8]) -> Result<Option<usize>, FrameError> {
    let Some((head, _)) = stream.split_first_chunk::<8>() else { return Ok(None) };
    let [b'R', b'C', b'm', b'b', a, b, c, d] = *head else { return Err(FrameError::BadSignature) };
    match u32::from_be_bytes([a, b, c, d]) {
        short if short < 16 => Err(FrameError::TooShort(short)),
        long if long > LONGEST_BYTES => Err(FrameError::TooLong(long)),
        length => Ok(Some(length as usize)),
    }
}
