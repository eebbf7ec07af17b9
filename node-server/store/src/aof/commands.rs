//! A key as the commands that make it, for a base that is no RDB file.
//!
//! | type | commands |
//! |---|---|
//! | string | `SET` |
//! | list, set, sorted set, hash | `RPUSH`, `SADD`, `ZADD`, `HMSET`, at most 64 elements each, fewer of long ones; `HPEXPIREAT` for fields that end |
//! | stream | `XADD` for each entry, `XSETID`, `XGROUP CREATE`, `XCLAIM … FORCE JUSTID` for what is pending |
//! | any | `PEXPIREAT` when it ends |
//!
//! These are the commands that Redis writes. What commands cannot make (something is pending whose entry was deleted) is
//! written as `RESTORE`. Not in here, as with Redis: when a key was last used, and when a consumer was last active.

use std::ops::RangeInclusive;

use rcl_proto::resp::{encode_request, format_double};

use crate::outlet::{Outlet, PIECE_BYTES};
use crate::rdb;
use crate::types::{Element, Group, HashRef, Stream, StreamId, ValueRef};

/// As many as Redis puts into one command.
const ITEMS_A_COMMAND: usize = 64;
const ALL: RangeInclusive<StreamId> = StreamId::MIN..=StreamId::MAX;

/// From here on keys are of this database.
pub fn select(database: u64, out: &mut Vec<u8>) {
    encode_request(out, [b"SELECT".as_slice(), itoa::Buffer::new().format(database).as_bytes()]);
}

pub fn function(code: &[u8], out: &mut Vec<u8>) {
    encode_request(out, [b"FUNCTION".as_slice(), b"LOAD", code]);
}

pub fn key(key: &[u8], value: ValueRef<'_>, expiry_ms: Option<i64>, out: &mut impl Outlet) {
    match value {
        ValueRef::Int(number) => {
            encode_request(out.buffer(), [b"SET", key, itoa::Buffer::new().format(number).as_bytes()])
        }
        ValueRef::String(bytes) if bytes.len() > PIECE_BYTES => set_long(key, bytes, out),
        ValueRef::String(bytes) => encode_request(out.buffer(), [b"SET", key, bytes]),
        ValueRef::List(list) => items(b"RPUSH", key, list.iter().map(|element| [element.to_vec()]), out),
        ValueRef::Set(set) => items(b"SADD", key, set.iter().map(|element| [element.to_vec()]), out),
        ValueRef::SortedSet(sorted_set) => {
            let pairs = sorted_set.iter().map(|(member, score)| [score_text(score), member.to_vec()]);
            items(b"ZADD", key, pairs, out);
        }
        ValueRef::Hash(hash) => write_hash(key, hash, out),
        ValueRef::Stream(stream) => write_stream(key, stream, out),
    }
    if let Some(expiry_ms) = expiry_ms {
        encode_request(out.buffer(), [b"PEXPIREAT", key, itoa::Buffer::new().format(expiry_ms).as_bytes()]);
    }
}

/// SET of a string that is not to be in the buffer as a whole.
fn set_long(key: &[u8], bytes: &[u8], out: &mut impl Outlet) {
    const EMPTY: &[u8] = b"$0\r\n\r\n";
    let buffer = out.buffer();
    encode_request(buffer, [b"SET".as_slice(), key, b""]);
    buffer.truncate(buffer.len() - EMPTY.len());
    buffer.push(b'$');
    buffer.extend_from_slice(itoa::Buffer::new().format(bytes.len()).as_bytes());
    buffer.extend_from_slice(b"\r\n");
    out.write(bytes);
    out.buffer().extend_from_slice(b"\r\n");
}

/// The items of a collection, `N` words each, in commands of a bearable length.
fn items<const N: usize>(
    command: &[u8],
    key: &[u8],
    all: impl Iterator<Item = [Vec<u8>; N]>,
    out: &mut impl Outlet,
) {
    let mut some: Vec<[Vec<u8>; N]> = Vec::with_capacity(ITEMS_A_COMMAND);
    let mut all = all.peekable();
    while all.peek().is_some() {
        some.clear();
        let mut bytes = 0;
        while some.len() < ITEMS_A_COMMAND
            && bytes < PIECE_BYTES
            && let Some(item) = all.next()
        {
            bytes += item.iter().map(Vec::len).sum::<usize>();
            some.push(item);
        }
        let words = some.iter().flatten().map(Vec::as_slice);
        let words: Vec<&[u8]> = [command, key].into_iter().chain(words).collect();
        encode_request(out.buffer(), words);
        out.piece();
    }
}

fn score_text(score: f64) -> Vec<u8> {
    let mut text = Vec::new();
    format_double(score, &mut text);
    text
}

fn write_hash(key: &[u8], hash: HashRef<'_>, out: &mut impl Outlet) {
    items(b"HMSET", key, hash.iter().map(|(field, value)| [field.to_vec(), value.to_vec()]), out);
    for (field, expiry_ms) in hash.expiries() {
        let at = expiry_ms.to_string();
        encode_request(out.buffer(), [b"HPEXPIREAT", key, at.as_bytes(), b"FIELDS", b"1", &field.to_vec()]);
        out.piece();
    }
}

fn write_stream(key: &[u8], stream: &Stream, out: &mut impl Outlet) {
    let log = &stream.log;
    let is_gone =
        |group: &Group| group.pending_from(StreamId::MIN).any(|pending| log.get(pending.id).is_none());
    if stream.groups().any(|(_, group)| is_gone(group)) {
        let payload = rdb::dump(ValueRef::Stream(stream), false);
        return encode_request(out.buffer(), [b"RESTORE", key, b"0", &payload]);
    }
    for entry in log.range(*ALL.start(), *ALL.end()) {
        let mut words: Vec<Vec<u8>> = vec![b"XADD".to_vec(), key.to_vec(), entry.id.to_string().into_bytes()];
        let push = |element: Element<'_>| element.to_vec();
        entry.pairs.for_each(|(field, value)| words.extend([push(field), push(value)]));
        encode_request(out.buffer(), words.iter().map(Vec::as_slice).collect::<Vec<_>>());
        out.piece();
    }
    if log.is_empty() {
        // An entry that goes away at once: the only way to a stream that has none.
        encode_request(out.buffer(), [b"XADD".as_slice(), key, b"MAXLEN", b"0", b"0-1", b"x", b"y"]);
    }
    let (last_id, deleted) = (log.last_id().to_string(), log.max_deleted_id().to_string());
    let added = log.entries_added().to_string();
    let words = [last_id.as_bytes(), b"ENTRIESADDED", added.as_bytes(), b"MAXDELETEDID", deleted.as_bytes()];
    encode_request(out.buffer(), [b"XSETID".as_slice(), key].into_iter().chain(words).collect::<Vec<_>>());
    stream.groups().for_each(|(name, group)| write_group(key, name, group, out));
}

fn write_group(key: &[u8], name: &[u8], group: &Group, out: &mut impl Outlet) {
    let last_id = group.last_id.to_string();
    let read = group.entries_read.unwrap_or(-1).to_string();
    let words: [&[u8]; 7] =
        [b"XGROUP", b"CREATE", key, name, last_id.as_bytes(), b"ENTRIESREAD", read.as_bytes()];
    encode_request(out.buffer(), words);
    for (consumer, about) in group.consumers() {
        if about.pending_count() == 0 {
            encode_request(out.buffer(), [b"XGROUP".as_slice(), b"CREATECONSUMER", key, name, consumer]);
        }
    }
    for pending in group.pending_from(StreamId::MIN) {
        let (id, time) = (pending.id.to_string(), pending.delivery_time_ms.to_string());
        let count = pending.delivery_count.to_string();
        let words: [&[u8]; 12] = [
            b"XCLAIM",
            key,
            name,
            &pending.consumer,
            b"0",
            id.as_bytes(),
            b"TIME",
            time.as_bytes(),
            b"RETRYCOUNT",
            count.as_bytes(),
            b"JUSTID",
            b"FORCE",
        ];
        encode_request(out.buffer(), words);
        out.piece();
    }
}

#[cfg(test)]
mod tests {
    use rcl_proto::resp::Args;

    use super::*;
    use crate::aof::CommandReader;
    use crate::outlet::tests::Spilling;
    use crate::types::{End, Limits, List, Value};

    fn lengths(args: Args<'_>) -> Vec<usize> {
        args.iter().map(<[u8]>::len).collect()
    }

    #[test]
    fn a_long_value_comes_in_pieces_and_in_shorter_commands() {
        let long = vec![b'x'; 3 * PIECE_BYTES + 7];
        let mut list = List::new();
        (0..3).for_each(|_| list.push(End::Tail, &long, &Limits::default()));
        (0..100).for_each(|_| list.push(End::Tail, b"short", &Limits::default()));
        let mut out = Spilling::default();
        key(b"string", ValueRef::String(&long), Some(7), &mut out);
        key(b"list", Value::List(list).as_ref(), None, &mut out);
        assert!(out.most < long.len() + 100, "{} bytes were there", out.most);
        out.piece();
        let mut reader = CommandReader::new(&out.spilt[..], 0);
        for expected in [vec![3, 6, long.len()], vec![9, 6, 1]] {
            assert!(reader.advance().unwrap());
            assert_eq!(lengths(reader.args()), expected);
        }
        let mut elements = Vec::new();
        while reader.advance().unwrap() {
            elements.push(reader.args().len() - 2);
        }
        assert_eq!(elements, [1, 1, 1, 64, 36]);
    }
}
