//! A stream as Redis 7.0 writes it; `stream_reader` draws the format. When a consumer was last active is not in it: that came
//! with 7.2, and 7.0 would not read it.

use super::value_writer::{write_length, write_text};
use crate::outlet::Outlet;
use crate::types::{Group, Stream, StreamId};

pub(super) fn write_stream(stream: &Stream, compress: bool, out: &mut impl Outlet) {
    let log = &stream.log;
    write_length(log.node_count() as u64, out.buffer());
    for (first, entries) in log.nodes() {
        write_text(&first.to_bytes(), compress, out);
        write_text(entries.as_bytes(), compress, out);
    }
    let buffer = out.buffer();
    write_length(log.len(), buffer);
    for id in [log.last_id(), log.first_id(), log.max_deleted_id()] {
        write_id(id, buffer);
    }
    write_length(log.entries_added(), buffer);
    write_length(stream.group_count() as u64, buffer);
    for (name, group) in stream.groups() {
        write_text(name, compress, out);
        write_group(group, compress, out);
    }
}

fn write_group(group: &Group, compress: bool, out: &mut impl Outlet) {
    let buffer = out.buffer();
    write_id(group.last_id, buffer);
    write_length(group.entries_read.map_or(u64::MAX, |read| read as u64), buffer);
    write_length(group.pending_count() as u64, buffer);
    for pending in group.pending_from(StreamId::MIN) {
        let buffer = out.buffer();
        buffer.extend_from_slice(&pending.id.to_bytes());
        buffer.extend_from_slice(&pending.delivery_time_ms.to_le_bytes());
        write_length(pending.delivery_count, buffer);
        out.piece();
    }
    write_length(group.consumers().len() as u64, out.buffer());
    for (name, consumer) in group.consumers() {
        write_text(name, compress, out);
        out.buffer().extend_from_slice(&consumer.seen_time_ms.to_le_bytes());
        write_length(consumer.pending_count() as u64, out.buffer());
        for id in consumer.pending_from(StreamId::MIN) {
            out.buffer().extend_from_slice(&id.to_bytes());
            out.piece();
        }
    }
}

fn write_id(id: StreamId, out: &mut Vec<u8>) {
    write_length(id.ms, out);
    write_length(id.seq, out);
}
