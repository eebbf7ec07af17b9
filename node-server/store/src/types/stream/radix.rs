//! What XINFO tells of the radix tree in which Redis keeps a stream's nodes by their ids. There is none here; how many nodes it
//! would have follows from the ids.
//!
//! ```text
//! a run of bytes that all ids below share    one node
//! a byte in which they differ                one node
//! the rest of an id that is alone            one node, and one at its end
//! ```

use super::log::Log;

/// As many ids are looked at; beyond, the number is scaled up.
const MEASURED: usize = 1000;
const ID_BYTES: usize = 16;

impl Log {
    pub fn radix_node_count(&self) -> usize {
        let ids: Vec<[u8; ID_BYTES]> =
            self.nodes().take(MEASURED).map(|(first, _)| first.to_bytes()).collect();
        if ids.is_empty() {
            return 1;
        }
        let scaled = count(&ids, 0) as u128 * self.node_count() as u128 / ids.len() as u128;
        usize::try_from(scaled).unwrap_or(usize::MAX)
    }
}

/// For ids in their order that are equal in the bytes before `depth`.
fn count(ids: &[[u8; ID_BYTES]], depth: usize) -> usize {
    let (Some(first), Some(last)) = (ids.first(), ids.last()) else { return 0 };
    if ids.len() == 1 {
        return 1 + usize::from(depth < ID_BYTES);
    }
    let shared = first.iter().zip(last).skip(depth).take_while(|(one, other)| one == other).count();
    let at = depth + shared;
    let children = ids.chunk_by(|one, other| one.get(at) == other.get(at));
    usize::from(shared > 0) + 1 + children.map(|child| count(child, at + 1)).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::super::{Stream, StreamId};
    use crate::types::Limits;

    /// As redis-server 7.0.15 says for the same ids, a node each.
    #[test]
    fn as_many_as_redis_has() {
        let limits = Limits { stream_node_max_entries: 1, ..Limits::default() };
        let mut stream = Stream::new();
        let mut counts = vec![stream.log.radix_node_count()];
        for (ms, seq) in [(1, 1), (1, 2), (1, 3), (1, 256), (300, 0), (300, 1), (1 << 40, 0), (1 << 50, 0)] {
            let pair = std::iter::once((&b"f"[..], &b"v"[..]));
            stream.log.append(StreamId::new(ms, seq), pair, &limits).unwrap();
            counts.push(stream.log.radix_node_count());
        }
        assert_eq!(counts, [1, 2, 4, 5, 8, 12, 14, 18, 21]);
    }
}
