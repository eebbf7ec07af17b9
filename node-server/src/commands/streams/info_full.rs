//! XINFO STREAM FULL: the entries, the groups, and all that is pending.

use rcl_proto::resp::ReplyWriter;
use rcl_store::types::{Consumer, Group, Stream, StreamId};

use super::{ids, write_entry, write_or_null};

/// What comes after the numbers and ids: at most `count` of each kind.
pub fn write(reply: &mut ReplyWriter<'_>, stream: &Stream, count: usize) {
    reply.bulk(b"entries");
    let place = reply.deferred_array();
    let mut written = 0;
    for entry in stream.log.range(StreamId::MIN, StreamId::MAX).take(count) {
        write_entry(reply, entry);
        written += 1;
    }
    reply.set_length(place, written);
    reply.bulk(b"groups");
    reply.array(stream.group_count());
    for (name, group) in stream.groups() {
        write_group(reply, name, group, stream.log.lag(group), count);
    }
}

fn write_group(reply: &mut ReplyWriter<'_>, name: &[u8], group: &Group, lag: Option<i64>, count: usize) {
    reply.map(7);
    reply.bulk(b"name");
    reply.bulk(name);
    reply.bulk(b"last-delivered-id");
    ids::write(reply, group.last_id);
    reply.bulk(b"entries-read");
    write_or_null(reply, group.entries_read);
    reply.bulk(b"lag");
    write_or_null(reply, lag);
    reply.bulk(b"pel-count");
    reply.integer(group.pending_count() as i64);
    reply.bulk(b"pending");
    reply.array(group.pending_count().min(count));
    for pending in group.pending_from(StreamId::MIN).take(count) {
        reply.array(4);
        ids::write(reply, pending.id);
        reply.bulk(&pending.consumer);
        reply.integer(pending.delivery_time_ms);
        reply.integer(pending.delivery_count as i64);
    }
    reply.bulk(b"consumers");
    reply.array(group.consumers().len());
    for (name, consumer) in group.consumers() {
        write_consumer(reply, name, consumer, group, count);
    }
}

fn write_consumer(
    reply: &mut ReplyWriter<'_>,
    name: &[u8],
    consumer: &Consumer,
    group: &Group,
    count: usize,
) {
    reply.map(5);
    reply.bulk(b"name");
    reply.bulk(name);
    reply.bulk(b"seen-time");
    reply.integer(consumer.seen_time_ms);
    reply.bulk(b"active-time");
    reply.integer(consumer.active_time_ms.unwrap_or(-1));
    reply.bulk(b"pel-count");
    reply.integer(consumer.pending_count() as i64);
    reply.bulk(b"pending");
    let place = reply.deferred_array();
    let mut written = 0;
    for pending in consumer.pending_from(StreamId::MIN).take(count).filter_map(|id| group.pending(id)) {
        reply.array(3);
        ids::write(reply, pending.id);
        reply.integer(pending.delivery_time_ms);
        reply.integer(pending.delivery_count as i64);
        written += 1;
    }
    reply.set_length(place, written);
}
