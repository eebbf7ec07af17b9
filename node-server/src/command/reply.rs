//! Writing what collections hold: elements, and elements with a score or value beside them.
//!
//! ```text
//!                 RESP2                   RESP3
//! WITHSCORES      [m1, s1, m2, s2]        [[m1, s1], [m2, s2]]
//! ```

use rcl_proto::resp::{Protocol, ReplyWriter};
use rcl_store::types::Element;

use super::CommandError;

/// A reply that grows beyond this is given up, with an error in its place: a negative count of HRANDFIELD and its
/// kin asks for as many elements as the client likes, however few there are.
const MAX_REPLY_BYTES: usize = 1 << 30;

const TOO_LARGE: CommandError = CommandError::fixed("ERR the reply would be too large");

pub fn element(reply: &mut ReplyWriter<'_>, element: Element<'_>) {
    match element {
        Element::Int(number) => reply.bulk_integer(number),
        Element::Bytes(bytes) => reply.bulk(bytes),
    }
}

pub fn element_or_null(reply: &mut ReplyWriter<'_>, found: Option<Element<'_>>) {
    match found {
        Some(found) => element(reply, found),
        None => reply.null(),
    }
}

/// The head of an array of `count` elements that have a second part each if `paired`.
pub fn pairs(reply: &mut ReplyWriter<'_>, count: usize, paired: bool) {
    let flat = paired && reply.protocol() == Protocol::Resp2;
    reply.array(if flat { count.saturating_mul(2) } else { count });
}

/// What comes before each element of an array begun with [`pairs`].
pub fn begin_pair(reply: &mut ReplyWriter<'_>, paired: bool) {
    if paired && reply.protocol() == Protocol::Resp3 {
        reply.array(2);
    }
}

/// A member, with its score if wanted, in an array begun with [`pairs`].
pub fn member(reply: &mut ReplyWriter<'_>, member: Element<'_>, score: f64, with_score: bool) {
    begin_pair(reply, with_score);
    element(reply, member);
    if with_score {
        reply.double(score);
    }
}

/// Writes `count` times what `write` writes, as long as the reply stays within bounds.
pub fn repeat(
    reply: &mut ReplyWriter<'_>,
    count: u64,
    mut write: impl FnMut(&mut ReplyWriter<'_>),
) -> Result<(), CommandError> {
    let start = reply.position();
    for _ in 0..count {
        write(reply);
        if reply.is_over_limit() {
            // The client is closed for it.
            break;
        }
        if reply.position() - start > MAX_REPLY_BYTES {
            return Err(TOO_LARGE);
        }
    }
    Ok(())
}
