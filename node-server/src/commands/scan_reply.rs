//! The reply of HSCAN, SSCAN and ZSCAN: where to go on, and what was found.

use rcl_proto::resp::ReplyWriter;

/// Writes `[cursor, [elements…]]`. `scan` writes the elements, and says how many and where to go on.
pub fn write(reply: &mut ReplyWriter<'_>, scan: impl FnOnce(&mut ReplyWriter<'_>) -> (u64, usize)) {
    reply.array(2);
    let start = reply.position();
    let (next, count) = scan(reply);
    // The cursor is known last and stands first.
    let elements = reply.written_since(start).to_vec();
    reply.rewind(start);
    reply.bulk(next.to_string().as_bytes());
    reply.array(count);
    reply.raw(&elements);
}

/// What is found at a key that is not there.
pub fn write_empty(reply: &mut ReplyWriter<'_>) {
    write(reply, |_| (0, 0));
}
