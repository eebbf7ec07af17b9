//! Files of every version, byte by byte.

use super::tests::{limits, read, read_in_runs, saved_stream};
use super::*;
use crate::types::{Value, ValueRef};

/// A key with its value, in a form that came with a version, and what is in it.
pub(super) fn forms() -> Vec<(u16, Vec<u8>, &'static str)> {
    let of = |kind: u8, key: &str, value: &[u8]| [&[kind, key.len() as u8], key.as_bytes(), value].concat();
    let run = crate::encoding::lzf::compress(&[b'a'; 60]).unwrap();
    let lzf = [&[0xC3, run.len() as u8, 60][..], &run].concat();
    let seconds = [&b"\xFD\x10\0\0\0"[..], &of(0, "s", b"\x01v")].concat();
    let milliseconds = [&b"\xFC\x11\0\0\0\0\0\0\0"[..], &of(0, "ms", b"\x01v")].concat();
    let idle = [&b"\xF8\x05"[..], &of(0, "idle", b"\x01v")].concat();
    let used = [&b"\xF9\x05"[..], &of(0, "used", b"\x01v")].concat();
    let slot = [&b"\xF4\x09\x01\x00"[..], &of(0, "slot", b"\x01v")].concat();
    let pair = b"\x11\x11\0\0\0\x0D\0\0\0\x02\0\0\x01f\x03\x01v\xFF";
    let scored = b"\x10\x10\0\0\0\x0D\0\0\0\x02\0\0\x01m\x03\xF2\xFF";
    let ziplist = b"\x0F\x0F\0\0\0\x0A\0\0\0\x01\0\0\x02hi\xFF";
    let listpack = b"\x0B\x0B\0\0\0\x01\0\x82hi\x03\xFF";
    let half = 0.5_f64.to_le_bytes();
    let stream = |kind: u8, key: &str| of(kind, key, &saved_stream(kind)[1..]);
    vec![
        (1, of(0, "string", b"\x05value"), r#"String("value")"#),
        (1, of(0, "int8", b"\xC0\x80"), "Int(-128)"),
        (1, of(0, "int16", b"\xC1\x00\x80"), "Int(-32768)"),
        (1, of(0, "int32", b"\xC2\x00\x00\x00\x80"), "Int(-2147483648)"),
        (1, of(0, "lzf", &lzf), r#"String("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")"#),
        (1, of(1, "list", b"\x02\x01a\xC0\x07"), r#"List(["a", 7])"#),
        (1, of(2, "set", b"\x01\x01a"), r#"Set({"a"})"#),
        (1, of(3, "zset", b"\x02\x01m\x031.5\x01n\xFF"), r#"SortedSet({"n": -inf, "m": 1.5})"#),
        (1, seconds, r#"String("v") until 16000"#),
        (2, of(4, "hash", b"\x01\x01f\x01v"), r#"Hash({"f": "v"})"#),
        (2, of(9, "zipmap", b"\x07\x01\x01f\x01\x00v\xFF"), r#"Hash({"f": "v"})"#),
        (2, of(10, "ziplist", ziplist), r#"List(["hi"])"#),
        (2, of(11, "intset", b"\x0C\x02\0\0\0\x02\0\0\0\x05\0\x07\0"), "Set({5, 7})"),
        (2, of(12, "zset of a ziplist", scored), r#"SortedSet({"m": 1.0})"#),
        (3, milliseconds, r#"String("v") until 17"#),
        (4, of(13, "hash of a ziplist", pair), r#"Hash({"f": "v"})"#),
        (7, of(14, "quicklist", &[b"\x01", &ziplist[..]].concat()), r#"List(["hi"])"#),
        (8, of(5, "binary zset", &[b"\x01\x01m", &half[..]].concat()), r#"SortedSet({"m": 0.5})"#),
        (9, stream(15, "stream"), r#"Stream({StreamId { ms: 9, seq: 7 }: [("f", "v")]})"#),
        (9, idle, r#"String("v") idle 5"#),
        (9, used, r#"String("v") used 5"#),
        (10, of(16, "listpack", b"\x0D\x0D\0\0\0\x02\0\x81f\x02\x81v\x02\xFF"), r#"Hash({"f": "v"})"#),
        (10, of(17, "packed", b"\x0C\x0C\0\0\0\x02\0\x81m\x02\x01\x01\xFF"), r#"SortedSet({"m": 1.0})"#),
        (10, of(18, "nodes", &[b"\x02\x01\x01a\x02", &listpack[..]].concat()), r#"List(["a", "hi"])"#),
        (10, stream(19, "stream 2"), r#"Stream({StreamId { ms: 9, seq: 7 }: [("f", "v")]})"#),
        (11, of(20, "packed set", b"\x0A\x0A\0\0\0\x01\0\x81a\x02\xFF"), r#"Set({"a"})"#),
        (11, stream(21, "stream 3"), r#"Stream({StreamId { ms: 9, seq: 7 }: [("f", "v")]})"#),
        (12, slot, r#"String("v")"#),
    ]
}

/// A file of this version with all forms that it knew, and a checksum if it knew that.
pub(super) fn file_of(version: u16) -> Vec<u8> {
    let mut file = format!("REDIS{version:04}").into_bytes();
    file.extend_from_slice(&[opcode::SELECT_DATABASE, 0]);
    if version >= 7 {
        file.extend_from_slice(b"\xFA\x01a\x01b\xFB\x09\x02");
    }
    for (_, bytes, _) in forms().iter().filter(|(since, ..)| *since <= version) {
        file.extend_from_slice(bytes);
    }
    file.push(opcode::END);
    if version >= 5 {
        let checksum = crate::encoding::crc64::crc64(0, &file);
        file.extend_from_slice(&checksum.to_le_bytes());
    }
    file
}

pub(super) fn described_value(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::String(bytes) => format!("String(\"{}\")", bytes.escape_ascii()),
        value => format!("{value:?}"),
    }
}

fn described(key: &KeyItem) -> String {
    let entry = &key.entry;
    let mut text = described_value(entry.value());
    for (word, number) in [
        ("until", entry.expiry()),
        ("idle", key.idle_s.map(|idle| idle as i64)),
        ("used", key.frequency.map(i64::from)),
    ] {
        if let Some(number) = number {
            text = format!("{text} {word} {number}");
        }
    }
    text
}

#[test]
fn each_version_is_read_with_all_that_it_knew() {
    for version in 1..=NEWEST_READ {
        let file = file_of(version);
        let expected: Vec<_> = forms().into_iter().filter(|(since, ..)| *since <= version).collect();
        for items in [read(&file), read_in_runs(&file, 7, 3), read_in_runs(&file, 4096, 1000)] {
            let items = items.unwrap_or_else(|error| panic!("version {version}: {error}"));
            let keys: Vec<&KeyItem> = items
                .iter()
                .filter_map(|item| if let Item::Key(key) = item { Some(key) } else { None })
                .collect();
            assert_eq!(keys.len(), expected.len());
            for (key, (_, bytes, content)) in keys.iter().zip(&expected) {
                assert_eq!(described(key), *content, "version {version}, {}", bytes.escape_ascii());
            }
        }
    }
}

/// Torn anywhere, a file of any version is refused with the place where it ends. With a checksum, so is one with any bit wrong (but in
/// the version: one without checksums is a possible one).
#[test]
fn a_torn_file_of_any_version_is_refused() {
    for version in 1..=NEWEST_READ {
        let file = file_of(version);
        for length in 0..file.len() {
            let torn = &file[..length];
            for result in [read(torn), read_in_runs(torn, 64, 3)] {
                let end = length as u64;
                assert!(matches!(result, Err(RdbError::Truncated { offset }) if offset == end), "{result:?}");
            }
        }
        if version < 5 {
            continue;
        }
        for index in HEADER_BYTES..file.len() {
            let mut damaged = file.clone();
            damaged[index] ^= 1 << (index % 8);
            assert!(read(&damaged).is_err() && read_in_runs(&damaged, 64, 3).is_err(), "byte {index}");
        }
    }
}

/// Old servers wrote some by mistake.
#[test]
fn an_empty_collection_is_said_to_be_one() {
    let file = b"REDIS0003\x01\x05empty\x00\xFF";
    for items in [read(file), read_in_runs(file, 9, 9)] {
        assert!(matches!(&items.unwrap()[..], [Item::EmptyKey { key, .. }] if key == b"empty"));
    }
}

/// A hash whose field `f` ends at 5000 and whose field `g` does not; before it slots of a migration that was under way, and how
/// much is in a slot.
#[test]
fn what_valkey_numbers_otherwise() {
    let hash = b"\x16\x01h\x02\x01f\x01v\x88\x13\0\0\0\0\0\0\x01g\x01w\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF";
    let file = [
        &b"VALKEY080\xFE\x00\xF3\x04name\x02\x00\x05\x07\x41\x00\xF4\x09\x01\x00"[..],
        hash,
        b"\xF4\x0A\x01\x00\x00\x01k\x01v\xFF\0\0\0\0\0\0\0\0",
    ]
    .concat();
    for items in [read(&file), read_in_runs(&file, 3, 1), read_in_runs(&file, 100, 9)] {
        let items = items.unwrap();
        let [Item::Key(hash), Item::Key(_)] = &items[..] else { panic!("{items:?}") };
        let ValueRef::Hash(hash) = hash.entry.value() else { panic!("{hash:?}") };
        assert_eq!((hash.expiry(b"f"), hash.expiry(b"g"), hash.len()), (Some(5000), None, 2));
    }
    let mut payload = [&hash[..1], &hash[3..]].concat();
    let signed = |payload: &mut Vec<u8>, version: u16| {
        payload.extend_from_slice(&version.to_le_bytes());
        payload.extend_from_slice(&crate::encoding::crc64::crc64(0, payload).to_le_bytes());
    };
    signed(&mut payload, 80);
    let Value::Hash(hash) = restore(&payload, &limits()).unwrap() else { panic!() };
    assert_eq!((hash.expiry(b"f"), hash.expiry(b"g")), (Some(5000), None));
    let mut of_neither = b"\0\x01v".to_vec();
    signed(&mut of_neither, 79);
    assert!(matches!(restore(&of_neither, &limits()), Err(RestoreError::VersionOrChecksum)));
}
