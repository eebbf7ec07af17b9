//! What an RDB file is made of, read from any source.

use super::entry_reader::{Name, read_entry};
use super::reader::Reader;
use super::source::Source;
use super::{NEWEST_OF_VALKEY, NEWEST_READ, Numbering, OLDEST_OF_VALKEY, RdbError, opcode};
use crate::entry::Entry;
use crate::types::Limits;

/// One thing in a file, in the file's order.
#[derive(Clone, Debug)]
pub enum Item {
    Aux {
        name: Vec<u8>,
        value: Vec<u8>,
    },
    /// The source of a function library, opaque here.
    Function(Vec<u8>),
    /// A module's data beside the keys; they are skipped.
    ModuleAux {
        module: String,
    },
    /// How many keys, and keys with an expiry, a database is said to have.
    DatabaseSize {
        database: u64,
        keys: u64,
        expiring_keys: u64,
    },
    Key(KeyItem),
    /// A key with an empty collection, which old servers wrote by mistake. Not to be kept.
    EmptyKey {
        database: u64,
        key: Vec<u8>,
    },
    /// The file ended.
    End,
}

/// A key as it was saved, as the keyspace holds it. Whether it has expired is for the caller to say.
#[derive(Clone, Debug)]
pub struct KeyItem {
    pub database: u64,
    pub entry: Entry,
    pub idle_s: Option<u64>,
    pub frequency: Option<u8>,
}

/// What is known between two items.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) version: u16,
    pub(super) numbering: Numbering,
    pub(super) database: u64,
}

/// What stands before a key, or before anything else, and what that is.
pub(super) struct Head {
    /// A type or an opcode.
    pub(super) kind: u8,
    /// Where that stands.
    offset: u64,
    pub(super) expiry_ms: Option<i64>,
    pub(super) idle_s: Option<u64>,
    pub(super) frequency: Option<u8>,
}

/// The file's header, of a version whose values can be read.
pub(super) fn read_header<S: Source>(reader: &mut Reader<S>) -> Result<Place, RdbError> {
    let place = read_any_header(reader)?;
    let readable = match place.numbering {
        Numbering::Redis => 1..=NEWEST_READ,
        Numbering::Valkey => OLDEST_OF_VALKEY..=NEWEST_OF_VALKEY,
    };
    if !readable.contains(&place.version) {
        return Err(RdbError::UnsupportedVersion(place.version));
    }
    Ok(place)
}

/// The file's header, whatever its version.
pub(super) fn read_any_header<S: Source>(reader: &mut Reader<S>) -> Result<Place, RdbError> {
    let header: [u8; 9] = reader.array()?;
    let (magic, numbering) = match &header {
        [magic @ .., _, _, _] if magic == b"VALKEY" => (&magic[..], Numbering::Valkey),
        _ => (&b"REDIS"[..], Numbering::Redis),
    };
    let digits = header.strip_prefix(magic).and_then(|digits| std::str::from_utf8(digits).ok());
    let all_digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let Some(version) = all_digits.and_then(|digits| digits.parse::<u16>().ok()) else {
        return Err(RdbError::malformed(0, "an RDB file's header, `REDIS` and four digits"));
    };
    Ok(Place { version, numbering, database: 0 })
}

/// Up to what is more than an announcement.
pub(super) fn read_head<S: Source>(reader: &mut Reader<S>, place: &mut Place) -> Result<Head, RdbError> {
    let (mut expiry_ms, mut idle_s, mut frequency) = (None, None, None);
    loop {
        let offset = reader.offset();
        match reader.byte()? {
            opcode::EXPIRY_MS => expiry_ms = Some(i64::from_le_bytes(reader.array()?)),
            opcode::EXPIRY_S => {
                expiry_ms = Some(i64::from(i32::from_le_bytes(reader.array()?)).saturating_mul(1000));
            }
            opcode::IDLE => idle_s = Some(reader.length()?),
            opcode::FREQUENCY => frequency = Some(reader.byte()?),
            opcode::SELECT_DATABASE => place.database = reader.length()?,
            opcode::SLOT_INFO => {
                for _ in 0..3 {
                    reader.length()?;
                }
            }
            opcode::SLOT_IMPORT if place.numbering == Numbering::Valkey => skip_slot_import(reader)?,
            kind => return Ok(Head { kind, offset, expiry_ms, idle_s, frequency }),
        }
    }
}

/// What the head is of.
pub(super) fn read_rest<S: Source>(
    reader: &mut Reader<S>,
    head: &Head,
    place: &Place,
    limits: &Limits,
) -> Result<Item, RdbError> {
    let database = place.database;
    match head.kind {
        opcode::RESIZE_DATABASE => {
            let (keys, expiring_keys) = (reader.length()?, reader.length()?);
            Ok(Item::DatabaseSize { database, keys, expiring_keys })
        }
        opcode::AUX => Ok(Item::Aux { name: reader.string()?, value: reader.string()? }),
        opcode::FUNCTION => Ok(Item::Function(reader.string()?)),
        opcode::FUNCTION_BEFORE_RELEASE => {
            let what = "functions as release candidates of Redis 7.0 wrote them are not supported";
            Err(RdbError::unsupported(head.offset, what))
        }
        opcode::MODULE_AUX => skip_module_aux(reader),
        opcode::UPDATE if place.numbering == Numbering::Valkey => {
            let what =
                "commands among the keys, as a save without fork of Valkey writes them, are not supported";
            Err(RdbError::unsupported(head.offset, what))
        }
        opcode::END => Ok(Item::End),
        kind => {
            let key = reader.text()?;
            let mut buffer = itoa::Buffer::new();
            let key = key.as_bytes(&mut buffer);
            let name = Name { key, expiry_ms: head.expiry_ms };
            let entry = read_entry(reader, kind, place.numbering, name, limits)?;
            if entry.value().is_empty_collection() {
                return Ok(Item::EmptyKey { database, key: key.to_vec() });
            }
            Ok(Item::Key(KeyItem { database, entry, idle_s: head.idle_s, frequency: head.frequency }))
        }
    }
}

impl Head {
    pub(super) fn is_of_key(&self) -> bool {
        self.kind < opcode::FIRST
    }
}

/// The checksum at the end; `None` if the file has none.
pub(super) fn read_checksum<S: Source>(
    reader: &mut Reader<S>,
    place: &Place,
) -> Result<Option<u64>, RdbError> {
    if place.version < 5 {
        return Ok(None);
    }
    let stored = u64::from_le_bytes(reader.array()?);
    // 0 is what a server writes whose configuration has `rdbchecksum no`.
    Ok((stored != 0).then_some(stored))
}

/// A slot migration that was under way: `name ranges n | (first slot, last slot) …`. It ended with its node.
fn skip_slot_import<S: Source>(reader: &mut Reader<S>) -> Result<(), RdbError> {
    reader.skip_string()?;
    for _ in 0..reader.length()? {
        reader.length()?;
        reader.length()?;
    }
    Ok(())
}

/// A module's id and its fields: `kind value …` up to kind 0.
fn skip_module_aux<S: Source>(reader: &mut Reader<S>) -> Result<Item, RdbError> {
    let module = module_name(reader.length()?);
    skip_module_fields(reader)?;
    Ok(Item::ModuleAux { module })
}

/// They tell what they are, so that who does not know the module gets over them.
pub(super) fn skip_module_fields<S: Source>(reader: &mut Reader<S>) -> Result<(), RdbError> {
    loop {
        let offset = reader.offset();
        match reader.length()? {
            0 => return Ok(()),
            // Signed, unsigned, float, double, string.
            1 | 2 => drop(reader.length()?),
            3 => drop(reader.array::<4>()?),
            4 => drop(reader.array::<8>()?),
            5 => reader.skip_string()?,
            _ => return Err(RdbError::malformed(offset, "a field of a module's data")),
        }
    }
}

/// A module's id holds its name of nine letters, six bits each, above ten bits of version.
pub(super) fn module_name(id: u64) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let letter = |index: u32| char::from(LETTERS[(id >> (10 + 6 * index) & 0x3F) as usize]);
    (0..9).rev().map(letter).collect()
}
