//! Reading a stream for a consumer of a group.

use rcl_proto::resp::{OwnedArgs, ReplyWriter};
use rcl_store::types::{Group, Log, StreamId};

use super::{claim_to_propagate, count_changes, ids, last_id_to_propagate, write_entry};
use crate::command::Data;
use crate::pubsub::EventClass;

/// For whom it is read, and whether what is read counts as acknowledged at once.
pub struct GroupRead<'a> {
    pub name: &'a [u8],
    pub consumer: &'a [u8],
    pub is_acknowledged: bool,
}

/// What one stream has for the consumer: from the group's place on when `after` is the highest id, else of what it has
/// pending. False, and nothing written, when there is nothing new.
pub fn read(
    data: &mut Data<'_>,
    reply: &mut ReplyWriter<'_>,
    key: &[u8],
    request: &GroupRead<'_>,
    after: StreamId,
    count: usize,
) -> bool {
    let (now_ms, is_logging) = (data.now_ms, data.is_logging());
    let Ok(Some(stream)) = data.stream_mut(key) else { return false };
    let Some((log, group)) = stream.log_and_group(request.name) else { return false };
    let is_new = group.note_seen(request.consumer, now_ms);
    let mut effects = Vec::new();
    if is_new && request.is_acknowledged && is_logging {
        effects.push(OwnedArgs::new([
            &b"XGROUP"[..],
            b"CREATECONSUMER",
            key,
            request.name,
            request.consumer,
        ]));
    }
    let has_some = if after != StreamId::MAX {
        write_history(reply, log, group, request.consumer, after, count, now_ms);
        true
    } else if log.top_id().is_some_and(|top| top > group.last_id) {
        let mut delivery = Delivery { key, request, now_ms, is_logging, effects: &mut effects };
        delivery.write_new(reply, log, group, count);
        true
    } else {
        false
    };
    effects.into_iter().for_each(|effect| data.effects.propagate_instead(effect));
    count_changes(data, u64::from(is_new) + u64::from(has_some));
    if is_new {
        data.notify(EventClass::Stream, "xgroup-createconsumer", key);
    }
    has_some
}

struct Delivery<'a> {
    key: &'a [u8],
    request: &'a GroupRead<'a>,
    now_ms: i64,
    is_logging: bool,
    effects: &'a mut Vec<OwnedArgs>,
}

impl Delivery<'_> {
    /// What nobody of the group has got yet.
    fn write_new(&mut self, reply: &mut ReplyWriter<'_>, log: &Log, group: &mut Group, count: usize) {
        let (name, consumer) = (self.request.name, self.request.consumer);
        let place = reply.deferred_array();
        let mut written = 0;
        let start = group.last_id.next().unwrap_or(StreamId::MAX);
        for entry in log.range(start, StreamId::MAX).take(count) {
            let id = entry.id;
            log.note_read(group, id);
            write_entry(reply, entry);
            written += 1;
            if self.request.is_acknowledged {
                continue;
            }
            group.assign(id, consumer, self.now_ms, 1);
            group.note_active(consumer, self.now_ms);
            if self.is_logging
                && let Some(pending) = group.pending(id)
            {
                self.effects.push(claim_to_propagate(self.key, name, group, pending));
            }
        }
        reply.set_length(place, written);
        if self.request.is_acknowledged && self.is_logging {
            self.effects.push(last_id_to_propagate(self.key, name, group));
        }
    }
}

/// What the consumer has pending after this id; an entry that is gone is told by its id alone.
fn write_history(
    reply: &mut ReplyWriter<'_>,
    log: &Log,
    group: &mut Group,
    consumer: &[u8],
    after: StreamId,
    count: usize,
    now_ms: i64,
) {
    let start = after.next().unwrap_or(StreamId::MAX);
    let of_consumer =
        group.consumer(consumer).map(|consumer| consumer.pending_from(start).take(count).collect());
    let pending: Vec<StreamId> = of_consumer.unwrap_or_default();
    reply.array(pending.len());
    for id in pending {
        match log.get(id) {
            Some(entry) => {
                write_entry(reply, entry);
                group.deliver_again(id, now_ms);
            }
            None => {
                reply.array(2);
                ids::write(reply, id);
                reply.null_array();
            }
        }
    }
}
