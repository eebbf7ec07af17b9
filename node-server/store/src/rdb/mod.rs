//! RDB: Redis's file of a whole data set, and the same bytes for one value in DUMP.
//!
//! ```text
//! file:    "REDIS" version as 4 digits | item … | 0xFF | CRC-64 LE of all before (0: none; from version 5 on)
//!          (of Valkey 9 and later: "VALKEY" version as 3 digits)
//! item:    0xFA name value                 aux field
//!          0xF3 name, slots                a slot migration that was under way (Valkey's)
//!          0xF4 slot, keys, expiring keys  the size of a slot, a hint (version 12)
//!          0xF5 source                     function library
//!          0xF7 module id, fields, 0       module data
//!          0xFE number                     the keys that follow are in this database
//!          0xFB keys, expiring keys        its size, a hint
//!          [0xFC ms i64 LE | 0xFD s i32 LE] [0xF8 idle seconds | 0xF9 frequency u8]  type, key, value
//! length:  00llllll | 01llllll llllllll | 0x80 u32 BE | 0x81 u64 BE
//! string:  length bytes | 0xC0 i8 | 0xC1 i16 LE | 0xC2 i32 LE | 0xC3 compressed length, length, LZF
//! DUMP:    type, value | version u16 LE | CRC-64 LE of all before
//! ```
//!
//! Written is version 10, as Redis 7.0 writes it, so that every server from 7.0 on can read it; only where fields of hashes have
//! expiries it is version 12, Redis 7.4's, which an older server refuses. Read are versions 1 to 12 of Redis, and 80 and 81 of
//! Valkey, which took numbers of its own for what came after Redis 7.2. Module values are refused by name. Sources of the facts:
//! rdb.h and rdb.c of Redis 7.0.15, 7.2.6 and 8.0, and of Valkey 9, and 7.0.15's files and DUMPs, which the tests hold ours against.

mod dump;
mod entry_reader;
mod error;
mod file_reader;
mod file_writer;
mod functions;
mod items;
mod reader;
mod runs;
mod skip;
mod source;
mod stream_reader;
mod stream_writer;
mod value_reader;
mod value_writer;
mod walker;

pub use dump::{Checksum, RestoreError, dump, packed_count, restore, restore_with};
pub use error::RdbError;
pub use file_reader::FileDecoder;
pub use file_writer::{FileEncoder, FileInfo, FileSum, KeyInfo, ReplicationInfo};
pub use functions::{FunctionsError, dump_functions, restore_functions};
pub use items::{Item, KeyItem};
pub use runs::{Cut, Cutter, HEADER_BYTES, RunDecoder, RunKey, RunSum};
pub use walker::{FileWalker, RawKey, Step, ValueForm, oldest_payload, probe_payload};

/// The version that is written.
pub const VERSION: u16 = 10;
/// The version that is written when fields of hashes have expiries.
pub const VERSION_WITH_FIELD_EXPIRIES: u16 = 12;
/// The newest version that is read.
const NEWEST_READ: u16 = 12;
/// Valkey's own versions that are read.
const OLDEST_OF_VALKEY: u16 = 80;
const NEWEST_OF_VALKEY: u16 = 81;

/// Whose numbers value types and opcodes have: what came after Redis 7.2 has other ones in Valkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Numbering {
    Redis,
    Valkey,
}

mod opcode {
    /// What is below is a value's type.
    pub const FIRST: u8 = 242;
    /// Valkey's, as is the next.
    pub const UPDATE: u8 = 242;
    pub const SLOT_IMPORT: u8 = 243;
    pub const SLOT_INFO: u8 = 244;
    pub const FUNCTION: u8 = 245;
    pub const FUNCTION_BEFORE_RELEASE: u8 = 246;
    pub const MODULE_AUX: u8 = 247;
    pub const IDLE: u8 = 248;
    pub const FREQUENCY: u8 = 249;
    pub const AUX: u8 = 250;
    pub const RESIZE_DATABASE: u8 = 251;
    pub const EXPIRY_MS: u8 = 252;
    pub const EXPIRY_S: u8 = 253;
    pub const SELECT_DATABASE: u8 = 254;
    pub const END: u8 = 255;
}

mod value_type {
    pub const STRING: u8 = 0;
    pub const LIST: u8 = 1;
    pub const SET: u8 = 2;
    /// Scores as text.
    pub const SORTED_SET_TEXT: u8 = 3;
    pub const HASH: u8 = 4;
    /// Scores as binary doubles.
    pub const SORTED_SET: u8 = 5;
    pub const MODULE_BEFORE_RELEASE: u8 = 6;
    pub const MODULE: u8 = 7;
    pub const HASH_ZIPMAP: u8 = 9;
    pub const LIST_ZIPLIST: u8 = 10;
    pub const SET_INTSET: u8 = 11;
    pub const SORTED_SET_ZIPLIST: u8 = 12;
    pub const HASH_ZIPLIST: u8 = 13;
    pub const LIST_QUICKLIST_ZIPLISTS: u8 = 14;
    pub const STREAM: u8 = 15;
    pub const HASH_LISTPACK: u8 = 16;
    pub const SORTED_SET_LISTPACK: u8 = 17;
    pub const LIST_QUICKLIST: u8 = 18;
    pub const STREAM_2: u8 = 19;
    pub const SET_LISTPACK: u8 = 20;
    pub const STREAM_3: u8 = 21;
    /// Expiries absolute; of 7.4's release candidates.
    pub const TIMED_HASH_BEFORE_RELEASE: u8 = 22;
    pub const TIMED_HASH_LISTPACK_BEFORE_RELEASE: u8 = 23;
    /// Soonest expiry, and each one relative to it.
    pub const TIMED_HASH: u8 = 24;
    /// Soonest expiry, and a listpack of fields, values and expiries.
    pub const TIMED_HASH_LISTPACK: u8 = 25;
}

/// Valkey's, where its numbers are other ones.
mod valkey_type {
    /// Expiries absolute, behind each value.
    pub const TIMED_HASH: u8 = 22;
    pub const PATH_HASH: u8 = 23;
}

/// What logs call the form of a value with this type byte.
pub fn form_name(kind: u8) -> &'static str {
    match kind {
        value_type::HASH_ZIPMAP => "Zipmap",
        value_type::LIST_ZIPLIST => "List ziplist",
        value_type::SET_INTSET => "Intset",
        value_type::SET_LISTPACK => "Set listpack",
        value_type::SORTED_SET_ZIPLIST => "Zset ziplist",
        value_type::SORTED_SET_LISTPACK => "Zset listpack",
        value_type::HASH_ZIPLIST => "Hash ziplist",
        value_type::HASH_LISTPACK => "Hash listpack",
        value_type::LIST_QUICKLIST_ZIPLISTS => "Quicklist ziplist",
        value_type::LIST_QUICKLIST => "Quicklist listpack",
        value_type::STREAM | value_type::STREAM_2 | value_type::STREAM_3 => "Stream listpack",
        _ => "Value",
    }
}

/// How a quicklist node is stored.
mod container {
    pub const PLAIN: u64 = 1;
    pub const PACKED: u64 = 2;
}

mod string_encoding {
    pub const INT8: u8 = 0;
    pub const INT16: u8 = 1;
    pub const INT32: u8 = 2;
    pub const LZF: u8 = 3;
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod version_tests;
#[cfg(test)]
mod walker_tests;
