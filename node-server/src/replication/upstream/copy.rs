//! Taking a copy of the master's data.
//!
//! ```text
//!   $<length>\r\n  RDB of that length
//!   $EOF:<40 bytes>\r\n  RDB  the same 40 bytes again
//! ```
//!
//! The data that are here stay until it is sure that the new ones are whole. How, says `repl-diskless-load`:
//!
//! | here are | directive | the copy goes | a torn copy leaves |
//! |---|---|---|---|
//! | no data | any | straight into the shards; nobody is served meanwhile | nothing |
//! | data | `disabled`, `on-empty-db` | into a file without a name, and from there into the shards once it is whole | the data |
//! | data | `swapdb` | into shards beside those that serve, which take their place at one instant | the data |
//!
//! With `swapdb` clients may read the old data meanwhile if they are of the same history as the copy. Redis takes the
//! file with `disabled` also where there are no data, and makes it its RDB file; here it leaves nothing on the disk.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rcl_store::encoding::crc64::crc64;
use rcl_store::keyspace::Flushed;
use rcl_store::rdb::RdbError;

use super::connection::{Connection, LinkError};
use super::{Phase, Shared};
use crate::config::DisklessLoad;
use crate::disk::DiskFile;
use crate::executor::node_state;
use crate::node::Node;
use crate::persistence::aof;
use crate::persistence::load::{self, LoadError, Loaded, Loader};
use crate::persistence::snapshot::{self, Claim};
use crate::replication::full_sync::Spool;
use crate::replication::history::{History, ReplicationId};

const MARK_BYTES: usize = 40;
const CHECKSUM_BYTES: usize = 8;
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// In Redis's words, which operators' tools look for.
const LOADING_NOW: &str = "MASTER <-> REPLICA sync: Loading DB in memory";

/// How the end of the transfer is known.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Framing {
    Length(u64),
    Mark(String),
}

/// Where the copy goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Straight,
    ByFile,
    Beside,
}

/// Which point of which history the copy is.
#[derive(Clone, Copy)]
struct Place {
    id: ReplicationId,
    offset: u64,
}

pub fn receive(connection: &mut Connection, id: ReplicationId, offset: u64) -> Result<(), LinkError> {
    let node = connection.node.clone();
    let shared = &node.replication.upstream;
    let generation = connection.generation;
    shared.set_phase(generation, Phase::Sync);
    shared.copied_bytes.store(0, Ordering::Relaxed);
    let framing = parse_framing(&connection.line()?)?;
    let total = match framing {
        Framing::Length(length) => Some(length),
        Framing::Mark(_) => None,
    };
    shared.update(generation, |inner| inner.copy_bytes = total);
    let place = Place { id, offset };
    let way = way(&node);
    tracing::info!(%id, offset, ?way, "a copy of the master's data comes");
    match way {
        Way::Straight => load_straight(connection, place, &framing),
        Way::ByFile => load_by_file(connection, place, &framing),
        Way::Beside => load_beside(connection, place, &framing),
    }
}

fn way(node: &Node) -> Way {
    let has_keys = |index| {
        let shard = node.shards.lock(index);
        (0..shard.keyspace.database_count()).any(|database| shard.keyspace.key_count(database) > 0)
    };
    let is_empty = node.scripting.functions().library_count() == 0 && !(0..node.shards.count()).any(has_keys);
    match node.settings().repl_diskless_load {
        _ if is_empty => Way::Straight,
        DisklessLoad::Swapdb => Way::Beside,
        DisklessLoad::Disabled | DisklessLoad::OnEmptyDb => Way::ByFile,
    }
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

fn load_straight(connection: &mut Connection, place: Place, framing: &Framing) -> Result<(), LinkError> {
    let (node, generation) = (connection.node.clone(), connection.generation);
    let mut payload = Payload::new(connection, framing);
    node.persistence.loading.begin(payload.left.unwrap_or(0));
    tracing::info!("{LOADING_NOW}");
    let loader = Loader::from_master(&node, &mut payload);
    let result = replace_all(&node, generation, place, loader);
    payload.end(result)?;
    let finished = finish_framing(connection, framing);
    if finished.is_err() {
        node.replication.upstream.set_in_sync(false);
    }
    finished
}

/// All of it goes into a file first; the old data are served until it is there.
fn load_by_file(connection: &mut Connection, place: Place, framing: &Framing) -> Result<(), LinkError> {
    let (node, generation) = (connection.node.clone(), connection.generation);
    let on_disk = |error: io::Error| LinkError::Copy(format!("it cannot be kept in a file: {error}"));
    let Spool { file, mut copies } = Spool::create(&*node.disk, 1).map_err(on_disk)?;
    let mut intake = Intake { file, bytes: 0, crc: 0, last: Vec::new() };
    match framing {
        Framing::Length(length) => intake.take_length(connection, *length)?,
        Framing::Mark(mark) => intake.take_to_mark(connection, mark.as_bytes())?,
    }
    intake.check()?;
    node.persistence.loading.begin(intake.bytes);
    tracing::info!("{LOADING_NOW}");
    let file = copies.pop().ok_or_else(|| on_disk(io::ErrorKind::NotFound.into()))?;
    let source = BufReader::with_capacity(256 * 1024, WhileItLives { file, connection });
    replace_all(&node, generation, place, Loader::from_master(&node, source))
}

/// A copy on its way into a file, and its checksum: what comes wrong shall not cost the data that are here.
struct Intake {
    file: Box<dyn DiskFile>,
    bytes: u64,
    /// Of all that came but `last`.
    crc: u64,
    last: Vec<u8>,
}

impl Intake {
    fn take_length(&mut self, connection: &mut Connection, length: u64) -> Result<(), LinkError> {
        while self.bytes < length {
            wait_for_input(connection, 1)?;
            let left = usize::try_from(length - self.bytes).unwrap_or(usize::MAX);
            self.take(connection, connection.input.len().min(left))?;
        }
        Ok(())
    }

    /// The mark ends the copy, and the stream comes only after this node has acknowledged it: so it is the last that comes.
    fn take_to_mark(&mut self, connection: &mut Connection, mark: &[u8]) -> Result<(), LinkError> {
        loop {
            wait_for_input(connection, MARK_BYTES)?;
            let is_whole = connection.input.ends_with(mark);
            // What is kept back may be the beginning of the mark.
            self.take(connection, connection.input.len() - MARK_BYTES)?;
            if is_whole {
                connection.input.clear();
                return Ok(());
            }
            connection.fill()?;
            connection.keep_alive()?;
        }
    }

    fn take(&mut self, connection: &mut Connection, count: usize) -> Result<(), LinkError> {
        let piece = connection.input.get(..count).unwrap_or_default();
        self.file
            .write_all(piece)
            .map_err(|error| LinkError::Copy(format!("it cannot be kept in a file: {error}")))?;
        self.last.extend_from_slice(piece);
        let summed = self.last.len().saturating_sub(CHECKSUM_BYTES);
        self.crc = crc64(self.crc, self.last.get(..summed).unwrap_or_default());
        self.last.drain(..summed);
        self.bytes += count as u64;
        connection.input.drain(..count);
        note_copied(connection, count);
        Ok(())
    }

    /// An RDB file ends with its checksum, or zeros where its writer makes none.
    fn check(&self) -> Result<(), LinkError> {
        let stored = self.last.as_slice().try_into().map(u64::from_le_bytes);
        match stored {
            Ok(stored) if stored == 0 || stored == self.crc => Ok(()),
            _ => Err(LinkError::Copy("its checksum is wrong: it is not loaded".to_owned())),
        }
    }
}

fn note_copied(connection: &Connection, count: usize) {
    connection.node.replication.upstream.copied_bytes.fetch_add(count as u64, Ordering::Relaxed);
}

/// Until so many bytes are there.
fn wait_for_input(connection: &mut Connection, count: usize) -> Result<(), LinkError> {
    while connection.input.len() < count {
        connection.fill()?;
        connection.keep_alive()?;
    }
    Ok(())
}

/// The spooled copy as it is read: the master hears that we live meanwhile, and an order to do something else is heard.
struct WhileItLives<'a> {
    file: Box<dyn DiskFile>,
    connection: &'a mut Connection,
}

impl Read for WhileItLives<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.connection.is_current() {
            return Err(superseded());
        }
        // A link that broke meanwhile is found out when the stream is read.
        let _ = self.connection.keep_alive();
        self.file.read(buffer)
    }
}

/// The data set is replaced under the `applying` lock: until it is whole, nobody takes a snapshot of it, and no
/// role change comes in between.
fn replace_all<R: BufRead>(
    node: &Arc<Node>,
    generation: u64,
    place: Place,
    mut loader: Loader<'_, R>,
) -> Result<(), LinkError> {
    let shared = &node.replication.upstream;
    let first = loader.first().map_err(copy_error)?;
    let _applying = node.replication.lock_applying();
    if !shared.is_current(generation) {
        return Err(LinkError::Superseded);
    }
    node.set_state(node_state::LOADING, true);
    shared.set_in_sync(false);
    node.replication.disconnect_replicas();
    // The log goes on elsewhere. The file stays as it is until there is a base with the new data.
    aof::stop(node);
    free(node, load::flush(node));
    node.replica_keys.forget();
    let loaded = loader.load_from(first, || still_wanted(shared, generation));
    if loaded.is_err() {
        free(node, load::flush(node));
    }
    node.set_state(node_state::LOADING, false);
    go_on_from(node, generation, place, &loaded.map_err(copy_error)?);
    Ok(())
}

/// `replica-lazy-flush`: on a thread of its own, so that the copy can be loaded at once.
fn free(node: &Node, flushed: Vec<Flushed>) {
    if node.settings().replica_lazy_flush {
        let keys = flushed.iter().map(|flushed| flushed.keys).sum();
        node.lazy_free.elsewhere(keys, Box::new(flushed));
    }
}

fn copy_error(error: LoadError) -> LinkError {
    LinkError::Copy(error.to_string())
}

fn still_wanted(shared: &Shared, generation: u64) -> Result<(), RdbError> {
    let offset = shared.copied_bytes.load(Ordering::Relaxed);
    if shared.is_current(generation) { Ok(()) } else { Err(RdbError::Read { offset, error: superseded() }) }
}

fn superseded() -> io::Error {
    io::Error::other("another order was given meanwhile")
}

/// The data are the master's at this place from here on.
fn go_on_from(node: &Arc<Node>, generation: u64, place: Place, loaded: &Loaded) {
    let shared = &node.replication.upstream;
    let database = loaded.stream_database.unwrap_or(0);
    let history = History::new(place.id);
    node.replication.with_log(|log| log.restart_at(history, place.offset, Some(database)));
    shared.update(generation, |inner| inner.database = database);
    shared.set_in_sync(true);
    aof::restart_after_copy(node);
    // In Redis's words.
    tracing::info!(keys = loaded.keys, "MASTER <-> REPLICA sync: Finished with success");
}

/// Loaded beside the data that are there, which it replaces at one instant; if anything fails before, nothing has changed.
fn load_beside(connection: &mut Connection, place: Place, framing: &Framing) -> Result<(), LinkError> {
    let node = connection.node.clone();
    let same_history = {
        let log = node.replication.lock_log();
        log.history().is_of(place.id, log.end())
    };
    let state = if same_history { node_state::ASYNC_LOADING } else { node_state::LOADING };
    node.set_state(state, true);
    let result = load_beside_and_swap(connection, place, framing);
    node.set_state(state, false);
    result
}

fn load_beside_and_swap(
    connection: &mut Connection,
    place: Place,
    framing: &Framing,
) -> Result<(), LinkError> {
    let (node, generation) = (connection.node.clone(), connection.generation);
    let shared = &node.replication.upstream;
    let beside = node.shards.empty_copy();
    let mut payload = Payload::new(connection, framing);
    node.persistence.loading.begin(payload.left.unwrap_or(0));
    tracing::info!("{LOADING_NOW}");
    let mut loader = Loader::beside(&node, &beside, &mut payload);
    let loaded = loader.load_all(|| still_wanted(shared, generation)).map_err(copy_error);
    let functions = loader.functions();
    let loaded = payload.end(loaded)?;
    finish_framing(connection, framing)?;
    let _claim = wait_for_snapshot(connection)?;
    let _applying = node.replication.lock_applying();
    if !shared.is_current(generation) {
        return Err(LinkError::Superseded);
    }
    node.replication.disconnect_replicas();
    aof::stop(&node);
    load::swap(&node, beside, functions);
    node.replica_keys.forget();
    go_on_from(&node, generation, place, &loaded);
    Ok(())
}

/// A snapshot that runs walks through the data that are to go; it ends first, and none begins.
fn wait_for_snapshot(connection: &mut Connection) -> Result<Claim, LinkError> {
    loop {
        if !connection.is_current() {
            return Err(LinkError::Superseded);
        }
        if let Some(claim) = snapshot::claim(&connection.node) {
            return Ok(claim);
        }
        std::thread::sleep(LOOK_EVERY);
        connection.keep_alive()?;
    }
}

/// After the data: what was announced must be used up, or the mark must stand there.
fn finish_framing(connection: &mut Connection, framing: &Framing) -> Result<(), LinkError> {
    let Framing::Mark(mark) = framing else { return Ok(()) };
    wait_for_input(connection, MARK_BYTES)?;
    let found: Vec<u8> = connection.input.drain(..MARK_BYTES).collect();
    if found == mark.as_bytes() {
        return Ok(());
    }
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
        let piece = self.fill_buf()?;
        let count = buffer.len().min(piece.len());
        buffer[..count].copy_from_slice(&piece[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for &mut Payload<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left != Some(0)
            && self.used == self.connection.input.len()
            && let Err(failure) = self.wait_for_more()
        {
            self.failure = Some(failure);
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let input = self.connection.input.get(self.used..).unwrap_or_default();
        let most = self.left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
        Ok(input.get(..most).unwrap_or(input))
    }

    fn consume(&mut self, count: usize) {
        self.used += count;
        if let Some(left) = &mut self.left {
            *left -= count as u64;
        }
    }
}

impl<'a> Payload<'a> {
    fn new(connection: &'a mut Connection, framing: &Framing) -> Payload<'a> {
        let left = match framing {
            Framing::Length(length) => Some(*length),
            Framing::Mark(_) => None,
        };
        Payload { connection, used: 0, left, failure: None }
    }

    /// What came of it; where the link is why it failed, that is said.
    fn end<T>(mut self, result: Result<T, LinkError>) -> Result<T, LinkError> {
        self.drop_used();
        let offset = self.connection.node.replication.upstream.copied_bytes.load(Ordering::Relaxed);
        let failure =
            self.failure.take().map(|failure| LinkError::Torn { offset, failure: Box::new(failure) });
        result.map_err(|error| failure.unwrap_or(error))
    }

    fn wait_for_more(&mut self) -> Result<(), LinkError> {
        self.drop_used();
        wait_for_input(self.connection, 1)
    }

    fn drop_used(&mut self) {
        self.connection.input.drain(..self.used);
        note_copied(self.connection, self.used);
        self.used = 0;
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
