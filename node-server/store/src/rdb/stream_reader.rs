//! Streams of all versions, from untrusted bytes.
//!
//! ```text
//! stream:    nodes n | (first id as 16 bytes BE in a string, listpack in a string) …
//!            length | last id | [first id | highest deleted id | entries ever added] | groups n | group …
//! group:     name | last id | [entries read, all bits set: unknown] | pending n | (id 16 bytes, ms i64 LE, deliveries) …
//!            consumers n | consumer …
//! consumer:  name | seen, ms i64 LE | <active, ms i64 LE> | pending n | id 16 bytes …
//! id:        milliseconds | number, both as lengths
//! [ ]: from version two (Redis 7.0) on, < >: from version three (7.2) on
//! ```

use super::RdbError;
use super::reader::Reader;
use super::source::Source;
use crate::encoding::Listpack;
use crate::types::{SavedConsumer, SavedGroup, SavedIds, Stream, StreamId, StreamLoader, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum StreamVersion {
    One,
    Two,
    Three,
}

pub(super) fn read_stream<S: Source>(
    reader: &mut Reader<S>,
    version: StreamVersion,
) -> Result<Value, RdbError> {
    let mut loader = StreamLoader::default();
    for _ in 0..reader.length()? {
        let offset = reader.offset();
        let first = <[u8; 16]>::try_from(reader.string()?)
            .map_err(|_| RdbError::malformed(offset, "a stream id of 16 bytes"))?;
        let offset = reader.offset();
        Listpack::from_bytes(reader.string()?)
            .and_then(|entries| loader.push_node(StreamId::from_bytes(first), entries))
            .map_err(|malformed| RdbError::packed(offset, malformed))?;
    }
    let offset = reader.offset();
    let ids = read_ids(reader, version)?;
    let mut stream =
        loader.finish(ids).map_err(|malformed| RdbError::malformed(offset, malformed.expected))?;
    for _ in 0..reader.length()? {
        let offset = reader.offset();
        let name = reader.string()?;
        let group = read_group(reader, version)?;
        stream
            .load_group(&name, group)
            .map_err(|malformed| RdbError::malformed(offset, malformed.expected))?;
    }
    Ok(Value::Stream(Box::<Stream>::new(stream)))
}

/// Passes over what stands behind a stream's nodes.
pub(super) fn skip_behind_nodes<S: Source>(
    reader: &mut Reader<S>,
    version: StreamVersion,
) -> Result<(), RdbError> {
    read_ids(reader, version)?;
    for _ in 0..reader.length()? {
        reader.skip_string()?;
        read_group(reader, version)?;
    }
    Ok(())
}

fn read_ids<S: Source>(reader: &mut Reader<S>, version: StreamVersion) -> Result<SavedIds, RdbError> {
    let (length, last_id) = (reader.length()?, read_id(reader)?);
    let since_version_10 = if version >= StreamVersion::Two {
        // The first id follows from the entries.
        read_id(reader)?;
        Some((read_id(reader)?, reader.length()?))
    } else {
        None
    };
    Ok(SavedIds { length, last_id, since_version_10 })
}

fn read_group<S: Source>(reader: &mut Reader<S>, version: StreamVersion) -> Result<SavedGroup, RdbError> {
    let mut group = SavedGroup { last_id: read_id(reader)?, ..SavedGroup::default() };
    if version >= StreamVersion::Two {
        let read = reader.length()?;
        group.entries_read = Some((read != u64::MAX).then_some(read as i64));
    }
    for _ in 0..reader.length()? {
        let id = StreamId::from_bytes(reader.array()?);
        group.pending.push((id, i64::from_le_bytes(reader.array()?), reader.length()?));
    }
    for _ in 0..reader.length()? {
        group.consumers.push(read_consumer(reader, version)?);
    }
    Ok(group)
}

fn read_consumer<S: Source>(
    reader: &mut Reader<S>,
    version: StreamVersion,
) -> Result<SavedConsumer, RdbError> {
    let name = reader.string()?;
    let seen_time_ms = i64::from_le_bytes(reader.array()?);
    // Before that was kept, who was seen was active.
    let active_ms =
        if version >= StreamVersion::Three { i64::from_le_bytes(reader.array()?) } else { seen_time_ms };
    let active_time_ms = (active_ms != -1).then_some(active_ms);
    let mut pending = Vec::new();
    for _ in 0..reader.length()? {
        pending.push(StreamId::from_bytes(reader.array()?));
    }
    Ok(SavedConsumer { name, seen_time_ms, active_time_ms, pending })
}

fn read_id<S: Source>(reader: &mut Reader<S>) -> Result<StreamId, RdbError> {
    Ok(StreamId::new(reader.length()?, reader.length()?))
}
