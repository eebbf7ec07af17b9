//! Writes an RDB file piece by piece into buffers that the caller empties as it likes, also in the middle of a key.

use super::value_writer::{type_of, write_length, write_string, write_text, write_value};
use super::{VERSION, VERSION_WITH_FIELD_EXPIRIES, opcode};
use crate::encoding::crc64::crc64;
use crate::outlet::Outlet;
use crate::types::ValueRef;

/// What the head of a file says about its writer.
#[derive(Clone, Copy, Debug)]
pub struct FileInfo<'a> {
    pub redis_version: &'a str,
    pub created_at_s: i64,
    pub used_memory_bytes: u64,
    /// Whether fields of hashes have expiries: only a server of version 7.4 or later can read such a file.
    pub field_expiries: bool,
    /// Whether this file is the base of an append-only file.
    pub aof_base: bool,
    /// Where the data stand in the replication stream, so that a replica may go on from there.
    pub replication: Option<ReplicationInfo<'a>>,
}

#[derive(Clone, Copy, Debug)]
pub struct ReplicationInfo<'a> {
    /// The database that the stream has selected.
    pub stream_database: u64,
    /// 40 hex digits.
    pub id: &'a [u8],
    pub offset: i64,
}

/// What stands before a key. Of idle time and frequency at most one is given, by the eviction policy.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyInfo {
    pub expiry_ms: Option<i64>,
    pub idle_s: Option<u64>,
    pub frequency: Option<u8>,
}

/// Each call appends to `out`. Before it is emptied it is shown to a [`FileSum`].
pub struct FileEncoder {
    compress: bool,
}

/// The checksum of what has left the buffer.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileSum(u64);

impl FileSum {
    /// All that was appended so far leaves the buffer.
    pub fn add(&mut self, out: &[u8]) {
        self.0 = crc64(self.0, out);
    }
}

impl FileEncoder {
    /// Starts a file. `compress`: strings of more than 20 bytes are compressed where that shortens them.
    pub fn start(compress: bool, info: &FileInfo<'_>, out: &mut Vec<u8>) -> FileEncoder {
        let encoder = FileEncoder { compress };
        let version = if info.field_expiries { VERSION_WITH_FIELD_EXPIRIES } else { VERSION };
        out.extend_from_slice(format!("REDIS{version:04}").as_bytes());
        encoder.aux(b"redis-ver", info.redis_version.as_bytes(), out);
        encoder.aux_number(b"redis-bits", usize::BITS.into(), out);
        encoder.aux_number(b"ctime", info.created_at_s, out);
        encoder.aux_number(b"used-mem", i64::try_from(info.used_memory_bytes).unwrap_or(i64::MAX), out);
        if let Some(replication) = &info.replication {
            let database = i64::try_from(replication.stream_database).unwrap_or(i64::MAX);
            encoder.aux_number(b"repl-stream-db", database, out);
            encoder.aux(b"repl-id", replication.id, out);
            encoder.aux_number(b"repl-offset", replication.offset, out);
        }
        encoder.aux_number(b"aof-base", info.aof_base.into(), out);
        encoder
    }

    pub fn aux(&self, name: &[u8], value: &[u8], out: &mut Vec<u8>) {
        out.push(opcode::AUX);
        write_string(name, self.compress, out);
        write_string(value, self.compress, out);
    }

    /// A function library. All of them come before the first key.
    pub fn function(&self, source: &[u8], out: &mut Vec<u8>) {
        out.push(opcode::FUNCTION);
        write_string(source, self.compress, out);
    }

    /// Starts a database; how many keys, and keys with an expiry, will come, is a hint for the reader.
    pub fn database(&self, number: u64, keys: u64, expiring_keys: u64, out: &mut Vec<u8>) {
        out.push(opcode::SELECT_DATABASE);
        write_length(number, out);
        out.push(opcode::RESIZE_DATABASE);
        write_length(keys, out);
        write_length(expiring_keys, out);
    }

    /// A key of the database started last. Database 0 need not be started.
    pub fn key(&self, key: &[u8], value: ValueRef<'_>, info: KeyInfo, out: &mut impl Outlet) {
        let buffer = out.buffer();
        if let Some(expiry_ms) = info.expiry_ms {
            buffer.push(opcode::EXPIRY_MS);
            buffer.extend_from_slice(&expiry_ms.to_le_bytes());
        }
        if let Some(idle_s) = info.idle_s {
            buffer.push(opcode::IDLE);
            write_length(idle_s, buffer);
        }
        if let Some(frequency) = info.frequency {
            buffer.extend_from_slice(&[opcode::FREQUENCY, frequency]);
        }
        buffer.push(type_of(value));
        write_text(key, self.compress, out);
        write_value(value, self.compress, out);
    }

    /// `left` is of all that has left the buffer.
    pub fn finish(self, mut left: FileSum, out: &mut Vec<u8>) {
        out.push(opcode::END);
        left.add(out);
        out.extend_from_slice(&left.0.to_le_bytes());
    }

    fn aux_number(&self, name: &[u8], number: i64, out: &mut Vec<u8>) {
        self.aux(name, itoa::Buffer::new().format(number).as_bytes(), out);
    }
}
