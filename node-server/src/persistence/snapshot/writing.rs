//! What the walk brings becomes bytes, and the bytes go to the sinks. No lock is held meanwhile.
//!
//! They go also in the middle of a value ([`Outlet`]): of a list that is longer than the memory that is left no copy is made.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use rcl_store::aof;
use rcl_store::entry::Entry;
use rcl_store::outlet::Outlet;
use rcl_store::rdb::{FileEncoder, FileInfo, FileSum, KeyInfo, ReplicationInfo};
use rcl_store::snapshot::{Handed, Room};

use super::{Format, Sink, SinkState, SnapshotError, Summary};
use crate::clock;
use crate::config::Settings;
use crate::eviction;
use crate::node::Node;
use crate::persistence;
use crate::replication::LogPoint;
use crate::scheduling;
use crate::scripting::functions::Functions;

/// Sinks get pieces of about this size.
const CHUNK_BYTES: usize = 64 * 1024;
/// After so much, which takes some dozen microseconds, others get the processor if they wait for it.
const TURN_BYTES: u64 = 2 * 1024;
const FULL_SINK_PAUSE: Duration = Duration::from_millis(1);
/// A longer one is made in pieces.
const LONGEST_DELAY_US: i64 = 10_000;

/// What is known of the point in time.
pub(super) struct AtPoint {
    pub(super) log: LogPoint,
    pub(super) dirty: u64,
    /// How often all data had been flushed, if the snapshot is called off by the next time.
    pub(super) flushes: Option<u64>,
    pub(super) functions: Arc<Functions>,
    /// Fields of hashes had expiries.
    pub(super) field_expiries: bool,
    /// How many keys each database had, and how many of them expire.
    pub(super) sizes: Vec<(u64, u64)>,
}

pub(super) struct Writing {
    node: Arc<Node>,
    settings: Arc<Settings>,
    format: Format,
    at_point: AtPoint,
    /// Of the walk's beginning: that is near enough for idle times.
    now_ms: i64,
    encoder: Encoder,
    outflow: Outflow,
    /// Whose keys come.
    database: Option<usize>,
    keys: u64,
}

impl Writing {
    pub(super) fn start(
        node: &Arc<Node>,
        format: Format,
        at_point: AtPoint,
        room: Arc<Room>,
        sinks: Vec<Box<dyn Sink>>,
    ) -> Writing {
        let settings = node.settings().clone();
        let mut out = Vec::with_capacity(CHUNK_BYTES * 2);
        let encoder = match format {
            Format::Commands => Encoder::Commands,
            Format::Rdb | Format::AofBase => {
                let is_base = format == Format::AofBase;
                let info = file_info(node, is_base, at_point.field_expiries, &at_point.log);
                Encoder::Rdb(FileEncoder::start(settings.rdbcompression, &info, &mut out))
            }
        };
        if format == Format::Commands && settings.aof_timestamp_enabled {
            aof::timestamp(clock::now_ms() / 1000, &mut out);
        }
        for library in at_point.functions.libraries() {
            encoder.function(&library.code, &mut out);
        }
        let outflow = Outflow {
            node: node.clone(),
            flushes: at_point.flushes,
            room,
            sinks,
            last_error: None,
            sum: (format != Format::Commands).then(FileSum::default),
            out,
            bytes: 0,
            turn_began: 0,
        };
        let (node, now_ms) = (node.clone(), clock::now_ms());
        Writing { node, settings, format, at_point, now_ms, encoder, outflow, database: None, keys: 0 }
    }

    /// Replicas wait for it, and not only a disk.
    pub(super) fn is_waited_for(&self) -> bool {
        self.outflow.sinks.iter().any(|sink| sink.is_waited_for())
    }

    pub(super) fn add(&mut self, handed: &Handed) -> Result<(), SnapshotError> {
        for piece in handed.iter() {
            for entry in piece.entries() {
                self.key(piece.db, entry);
                self.slow_down();
                self.outflow.piece();
                self.outflow.check()?;
            }
        }
        self.node.persistence.progress.note_keys(self.keys);
        Ok(())
    }

    fn key(&mut self, database: usize, entry: &Entry) {
        if self.database != Some(database) {
            let (keys, volatile) = self.at_point.sizes.get(database).copied().unwrap_or_default();
            self.encoder.database(database as u64, keys, volatile, &mut self.outflow.out);
            self.database = Some(database);
        }
        let (idle_s, frequency) = eviction::kept_access(&self.settings, entry, self.now_ms);
        let info = KeyInfo { expiry_ms: entry.expiry(), idle_s, frequency };
        self.encoder.key(entry, info, &mut self.outflow);
        self.keys += 1;
    }

    /// `rdb-key-save-delay`. A long one is none for who calls the snapshot off, and is over when the directive says so.
    fn slow_down(&self) {
        if self.settings.rdb_key_save_delay_us == 0 {
            return;
        }
        let delay_us = || self.node.settings().rdb_key_save_delay_us;
        let mut slept_us = 0;
        while delay_us() - slept_us > LONGEST_DELAY_US
            && !self.outflow.is_called_off()
            && self.outflow.is_wanted()
        {
            persistence::slow_down(LONGEST_DELAY_US, self.keys);
            slept_us += LONGEST_DELAY_US;
        }
        let left_us = (delay_us() - slept_us).min(LONGEST_DELAY_US);
        if slept_us == 0 || left_us > 0 {
            persistence::slow_down(left_us, self.keys);
        }
    }

    pub(super) fn end(self) -> Result<Summary, SnapshotError> {
        let mut outflow = self.outflow;
        if outflow.is_called_off() {
            return Err(SnapshotError::CalledOff);
        }
        self.encoder.finish(outflow.sum.unwrap_or_default(), &mut outflow.out);
        if self.format != Format::Commands {
            leave_checksum_out(&self.settings, &mut outflow.out);
        }
        outflow.flush();
        outflow.check()?;
        let mut finished = 0;
        for sink in std::mem::take(&mut outflow.sinks) {
            match sink.finish() {
                Ok(()) => finished += 1,
                Err(error) => outflow.last_error = Some(error),
            }
        }
        if finished == 0 {
            return Err(outflow.no_sink_left());
        }
        Ok(Summary { keys: self.keys, bytes: outflow.bytes, dirty: self.at_point.dirty })
    }
}

/// What is written, on its way to the sinks.
struct Outflow {
    node: Arc<Node>,
    /// As of [`AtPoint`].
    flushes: Option<u64>,
    /// For what writers hand over.
    room: Arc<Room>,
    sinks: Vec<Box<dyn Sink>>,
    last_error: Option<io::Error>,
    /// Of what the sinks got, if it is an RDB file.
    sum: Option<FileSum>,
    out: Vec<u8>,
    bytes: u64,
    /// At how many bytes others had the processor last.
    turn_began: u64,
}

impl Outlet for Outflow {
    fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    fn piece(&mut self) {
        if self.out.len() >= CHUNK_BYTES {
            self.flush();
        }
        let bytes = self.bytes + self.out.len() as u64;
        if bytes - self.turn_began >= TURN_BYTES {
            self.turn_began = bytes;
            scheduling::let_others_run();
        }
    }
}

impl Outflow {
    fn is_called_off(&self) -> bool {
        let flushes = &self.node.persistence.flushes;
        self.flushes.is_some_and(|before| flushes.load(Ordering::Acquire) != before)
    }

    fn is_wanted(&self) -> bool {
        !self.sinks.iter().all(|sink| sink.is_called_off())
    }

    /// To all sinks. Where none is left, what comes goes nowhere.
    fn flush(&mut self) {
        if self.out.is_empty() {
            return;
        }
        if !self.is_wanted() {
            self.sinks.clear();
        }
        if let Some(sum) = &mut self.sum {
            sum.add(&self.out);
        }
        let chunk = Bytes::from(std::mem::take(&mut self.out));
        self.bytes += chunk.len() as u64;
        for mut sink in std::mem::take(&mut self.sinks) {
            match self.feed(sink.as_mut(), &chunk) {
                Ok(()) => self.sinks.push(sink),
                Err(error) => self.last_error = Some(error),
            }
        }
        // Its memory is used again where no sink keeps it.
        self.out = if chunk.is_unique() { Vec::from(chunk) } else { Vec::with_capacity(CHUNK_BYTES * 2) };
        self.out.clear();
    }

    /// An error when there is no use in going on.
    fn check(&mut self) -> Result<(), SnapshotError> {
        match self.sinks.is_empty() {
            _ if self.is_called_off() => Err(SnapshotError::CalledOff),
            true => Err(self.no_sink_left()),
            false => Ok(()),
        }
    }

    fn no_sink_left(&mut self) -> SnapshotError {
        self.last_error.take().map_or(SnapshotError::NoSink, SnapshotError::Sink)
    }

    /// Waits for a sink that is full, unless what writers hand over meanwhile grows too large.
    fn feed(&self, sink: &mut dyn Sink, chunk: &Bytes) -> io::Result<()> {
        while sink.write(chunk)? == SinkState::Full {
            if self.is_called_off() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            if self.room.used_bytes() > self.room_for_replicas() {
                let text =
                    "a replica took its copy so slowly that what was written meanwhile is over its limit";
                return Err(io::Error::other(text));
            }
            std::thread::sleep(FULL_SINK_PAUSE);
        }
        Ok(())
    }

    /// A replica is given up before the snapshot is.
    fn room_for_replicas(&self) -> usize {
        let half = self.room.limit_bytes() / 2;
        match self.node.settings().output_buffer_limits.replica.hard_bytes {
            0 => half,
            limit => half.min(limit as usize),
        }
    }
}

/// An RDB file of no key: of the functions, if any are given, and of the log's place.
pub fn without_keys(node: &Node, log: &LogPoint, functions: Option<&Functions>) -> Vec<u8> {
    let settings = node.settings();
    let mut out = Vec::new();
    let encoder = FileEncoder::start(settings.rdbcompression, &file_info(node, false, false, log), &mut out);
    for library in functions.into_iter().flat_map(|functions| functions.libraries()) {
        encoder.function(&library.code, &mut out);
    }
    encoder.finish(FileSum::default(), &mut out);
    leave_checksum_out(&settings, &mut out);
    out
}

/// `rdbchecksum no`, in a whole file.
fn leave_checksum_out(settings: &Settings, out: &mut [u8]) {
    if !settings.rdbchecksum
        && let Some(checksum) = out.last_chunk_mut::<8>()
    {
        // Zero says that there is none.
        *checksum = [0; 8];
    }
}

fn file_info<'a>(node: &Node, aof_base: bool, field_expiries: bool, log: &'a LogPoint) -> FileInfo<'a> {
    FileInfo {
        redis_version: crate::REDIS_VERSION,
        created_at_s: clock::now_ms() / 1000,
        used_memory_bytes: node.peak_memory_bytes.load(Ordering::Relaxed),
        field_expiries,
        aof_base,
        replication: log.is_active.then(|| ReplicationInfo {
            stream_database: log.database.unwrap_or(0) as u64,
            id: log.id.as_str().as_bytes(),
            offset: log.offset as i64,
        }),
    }
}

/// Turns what the walk comes to into bytes.
enum Encoder {
    Rdb(FileEncoder),
    Commands,
}

impl Encoder {
    fn function(&self, code: &[u8], out: &mut Vec<u8>) {
        match self {
            Encoder::Rdb(encoder) => encoder.function(code, out),
            Encoder::Commands => aof::commands::function(code, out),
        }
    }

    fn database(&self, number: u64, keys: u64, volatile: u64, out: &mut Vec<u8>) {
        match self {
            Encoder::Rdb(encoder) => encoder.database(number, keys, volatile, out),
            Encoder::Commands => aof::commands::select(number, out),
        }
    }

    fn key(&self, entry: &Entry, info: KeyInfo, out: &mut impl Outlet) {
        match self {
            Encoder::Rdb(encoder) => encoder.key(entry.key(), entry.value(), info, out),
            Encoder::Commands => aof::commands::key(entry.key(), entry.value(), info.expiry_ms, out),
        }
    }

    fn finish(self, left: FileSum, out: &mut Vec<u8>) {
        if let Encoder::Rdb(encoder) = self {
            encoder.finish(left, out);
        }
    }
}
