//! Valkey's light packet: a published message behind 16 bytes instead of 2256.
//!
//! ```text
//!    0  4  "RCmb"             10  2  zeros
//!    4  4  total length       12  2  kind, with the bit 0x8000
//!    8  2  version, 1         14  2  zeros          16  the body, as behind the long header
//! ```
//!
//! It does not say whom it is from: the link does. A node that takes such packets says so by the flag
//! [`Flags::TAKES_LIGHT`](super::Flags::TAKES_LIGHT) in its long headers, and gets them from who knows that; Redis looks
//! at neither. Source: the wire structures of Valkey 8.

use super::{Kind, PacketError, Reader, VERSION, stated_length};

pub const LIGHT_HEADER_BYTES: usize = 16;
const BIT: u16 = 0x8000;

/// A message published on another node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LightPublish<'a> {
    /// [`Kind::Publish`] or [`Kind::PublishShard`].
    pub kind: Kind,
    pub channel: &'a [u8],
    pub message: &'a [u8],
}

/// Whether a packet is a light one; `None` when too little of it is there.
pub fn is_light(stream: &[u8]) -> Option<bool> {
    let [.., high, low] = *stream.first_chunk::<14>()?;
    Some(u16::from_be_bytes([high, low]) & BIT != 0)
}

/// Reads a whole light packet.
pub fn decode(bytes: &[u8]) -> Result<LightPublish<'_>, PacketError> {
    let stated = stated_length(bytes)?;
    let mut reader = Reader(bytes);
    reader.u64();
    let (version, _, number, _) = (reader.u16(), reader.u16(), reader.u16(), reader.u16());
    if version != VERSION {
        return Err(PacketError::Version(version));
    }
    let wrong = PacketError::Length { kind: number & !BIT, stated };
    let kind = match Kind::from_wire(number & !BIT) {
        Some(kind @ (Kind::Publish | Kind::PublishShard)) if stated == bytes.len() => kind,
        _ => return Err(wrong),
    };
    let (channel_length, message_length) = (reader.u32() as usize, reader.u32() as usize);
    match reader.0.split_at_checked(channel_length) {
        Some((channel, message)) if message.len() == message_length => {
            Ok(LightPublish { kind, channel, message })
        }
        _ => Err(wrong),
    }
}

/// Writes one; both lengths are below 4 GB.
pub fn encode(publish: LightPublish<'_>) -> Vec<u8> {
    let LightPublish { kind, channel, message } = publish;
    let length = LIGHT_HEADER_BYTES + 8 + channel.len() + message.len();
    let mut bytes = Vec::with_capacity(length);
    bytes.extend_from_slice(b"RCmb");
    bytes.extend_from_slice(&(length as u32).to_be_bytes());
    for number in [VERSION, 0, kind as u16 | BIT, 0] {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    for part in [channel, message] {
        bytes.extend_from_slice(&(part.len() as u32).to_be_bytes());
    }
    bytes.extend_from_slice(channel);
    bytes.extend_from_slice(message);
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::{FrameError, frame_length};
    use super::*;

    #[test]
    fn a_message_comes_back_as_it_was() {
        for (kind, channel, message) in [
            (Kind::Publish, &b"news"[..], &b"hello"[..]),
            (Kind::PublishShard, b"", b""),
            (Kind::Publish, b"c", &[7; 5000]),
        ] {
            let publish = LightPublish { kind, channel, message };
            let bytes = encode(publish);
            assert_eq!(frame_length(&bytes), Ok(Some(bytes.len())));
            assert_eq!(is_light(&bytes), Some(true));
            assert_eq!(decode(&bytes), Ok(publish));
            for cut in 0..bytes.len().min(100) {
                assert!(decode(&bytes[..cut]).is_err(), "{cut} bytes of it");
            }
        }
    }

    #[test]
    fn what_is_no_light_message_is_refused() {
        let good = encode(LightPublish { kind: Kind::Publish, channel: b"c", message: b"m" });
        let changed = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            decode(&bytes).map(|publish| publish.kind)
        };
        assert_eq!(changed(0, b'x'), Err(PacketError::Frame(FrameError::BadSignature)));
        assert_eq!(changed(9, 2), Err(PacketError::Version(2)));
        // A ping, a length that lies, a channel that is longer than all of it.
        for (at, byte) in [(13, 0), (7, 27), (19, 200), (16, 255), (23, 9)] {
            assert!(changed(at, byte).is_err(), "byte {at}");
        }
        // Without the bit it is a packet that is too short for its header.
        assert_eq!(changed(12, 0), Err(PacketError::Frame(FrameError::TooShort(26))));
        assert_eq!(frame_length(b"RCmb\0\0\0\x0f"), Err(FrameError::TooShort(15)));
        assert_eq!(frame_length(&good[..13]), Ok(None));
    }
}
