//! Taking a copy of the master's data.
//!
//! ```text
//!   $<length>\r\n  RDB of that length
//!   $EOF:<40 bytes>\r\n  RDB  the same 40 bytes again
//! ```
//!
//! The data that were here are kept until the head of the new ones has come and is right. From then on this node
//! loads: if the transfer is torn it has no data, says so (its history is gone, so the next PSYNC asks for a
//! copy), and tries again.

use std::io::{self, Read};

use super::connection::{Connection, LinkError};
use super::{Phase, Shared};
use crate::executor::node_state;
use crate::persistence::load::{self, LoadError, Loader};
use crate::replication::history::{History, ReplicationId};

const MARK_BYTES: usize = 40;

/// How the end of the transfer is known.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Framing {
    Length(u64),
    Mark(String),
}

pub fn receive(connection: &mut Connection, id: ReplicationId, offset: u64) -> Result<(), LinkError> {
    let node = connection.node.clone();
    let shared = &node.replication.upstream;
    let generation = connection.generation;
    shared.set_phase(generation, Phase::Sync);
    shared.copied_bytes.store(0, std::sync::atomic::Ordering::Relaxed);
    let framing = parse_framing(&connection.line()?)?;
    let total = match framing {
        Framing::Length(length) => Some(length),
        Framing::Mark(_) => None,
    };
    shared.update(generation, |inner| inner.copy_bytes = total);
    node.persistence.loading.begin(total.unwrap_or(0));
    tracing::info!(%id, offset, "a copy of the master's data comes");

    let mut payload = Payload { connection: &mut *connection, used: 0, left: total, failure: None };
    let result = load(&mut payload, shared, id, offset);
    payload.drop_used();
    let failure = payload.failure.take();
    result.map_err(|error| failure.unwrap_or(error))?;
    finish_framing(connection, &framing)
}

fn parse_framing(line: &str) -> Result<Framing, LinkError> {
    let wrong = || LinkError::Protocol(format!("before the copy came '{line}'"));
    if line.starts_with('-') {
        return Err(LinkError::Refused { to: "PSYNC (the copy)", reply: line.to_owned() });
    }
    let announced = line.strip_prefix('$').ok_or_else(wrong)?;
    match announced.strip_prefix("EOF:") {
        Some(mark) if mark.len() == MARK_BYTES => Ok(Framing::Mark(mark.to_owned())),
        Some(_) => Err(wrong()),
        None => announced.parse().map(Framing::Length).map_err(|_| wrong()),
    }
}

/// The data set is replaced under the `applying` lock: until it is whole, nobody takes a snapshot of it, and no
/// role change comes in between.
fn load(payload: &mut Payload<'_>, shared: &Shared, id: ReplicationId, offset: u64) -> Result<(), LinkError> {
    let node = payload.connection.node.clone();
    let generation = payload.connection.generation;
    let copy_error = |error: LoadError| LinkError::Copy(error.to_string());
    let mut loader = Loader::new(&node, payload, false);
    let first = loader.first().map_err(copy_error)?;
    let _applying = node.replication.lock_applying();
    if !shared.is_current(generation) {
        return Err(LinkError::Superseded);
    }
    node.set_state(node_state::LOADING, true);
    shared.set_in_sync(false);
    node.replication.disconnect_replicas();
    load::flush(&node);
    node.replica_keys.forget();
    let loaded = loader.load_from(first, || Ok(()));
    if loaded.is_err() {
        load::flush(&node);
    }
    node.set_state(node_state::LOADING, false);
    let loaded = loaded.map_err(copy_error)?;
    let database = loaded.stream_database.unwrap_or(0);
    node.replication.with_log(|log| log.restart_at(History::new(id), offset, Some(database)));
    shared.update(generation, |inner| inner.database = database);
    shared.set_in_sync(true);
    tracing::info!(keys = loaded.keys, "the copy of the master's data is loaded");
    Ok(())
}

/// After the data: what was announced must be used up, or the mark must stand there.
fn finish_framing(connection: &mut Connection, framing: &Framing) -> Result<(), LinkError> {
    let Framing::Mark(mark) = framing else { return Ok(()) };
    while connection.input.len() < MARK_BYTES {
        connection.fill()?;
    }
    let found: Vec<u8> = connection.input.drain(..MARK_BYTES).collect();
    if found == mark.as_bytes() {
        return Ok(());
    }
    connection.node.replication.upstream.set_in_sync(false);
    Err(LinkError::Copy("the mark at its end is missing".to_owned()))
}

/// The RDB's bytes, as the decoder wants them.
struct Payload<'a> {
    connection: &'a mut Connection,
    /// How much of the connection's input was read already; dropped when all of it was.
    used: usize,
    /// Where the length is known: how much of it is to come.
    left: Option<u64>,
    /// Why the link ended, which an I/O error cannot say.
    failure: Option<LinkError>,
}

impl Read for &mut Payload<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == Some(0) || buffer.is_empty() {
            return Ok(0);
        }
        if self.used == self.connection.input.len()
            && let Err(failure) = self.wait_for_more()
        {
            self.failure = Some(failure);
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(self.copy_to(buffer))
    }
}

impl Payload<'_> {
    fn wait_for_more(&mut self) -> Result<(), LinkError> {
        self.drop_used();
        while self.connection.input.is_empty() {
            self.connection.fill()?;
            self.connection.keep_alive()?;
        }
        Ok(())
    }

    fn drop_used(&mut self) {
        self.connection.input.drain(..self.used);
        let copied = &self.connection.node.replication.upstream.copied_bytes;
        copied.fetch_add(self.used as u64, std::sync::atomic::Ordering::Relaxed);
        self.used = 0;
    }

    fn copy_to(&mut self, buffer: &mut [u8]) -> usize {
        let input = self.connection.input.get(self.used..).unwrap_or_default();
        let most = self.left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
        let count = buffer.len().min(input.len()).min(most);
        buffer[..count].copy_from_slice(&input[..count]);
        self.used += count;
        if let Some(left) = &mut self.left {
            *left -= count as u64;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_copy_is_announced() {
        let mark = "m".repeat(40);
        assert_eq!(parse_framing("$17").unwrap(), Framing::Length(17));
        assert_eq!(parse_framing(&format!("$EOF:{mark}")).unwrap(), Framing::Mark(mark));
        for wrong in ["$EOF:short", "$x", "$-1", "17", "+OK"] {
            assert!(matches!(parse_framing(wrong), Err(LinkError::Protocol(_))), "{wrong}");
        }
        assert!(matches!(parse_framing("-ERR no"), Err(LinkError::Refused { .. })));
    }
}
