//! What a walker finds is what the decoders find, and what it hands on is what RESTORE takes.

use super::tests::limits;
use super::version_tests::{described_value, file_of, forms};
use super::*;

fn walk(file: &[u8], with_payloads: bool) -> Result<Vec<RawKey>, RdbError> {
    let mut walker = FileWalker::new(file);
    if with_payloads {
        walker = walker.with_payloads();
    }
    let mut keys = Vec::new();
    loop {
        match walker.next_step()? {
            Step::Key(key) => keys.push(key),
            Step::Other(Item::End) => {
                assert_eq!(walker.offset(), file.len() as u64);
                return Ok(keys);
            }
            Step::Other(_) => {}
        }
    }
}

#[test]
fn each_form_of_each_version_is_handed_on_as_a_payload() {
    for version in 1..=NEWEST_READ {
        let expected: Vec<_> = forms().into_iter().filter(|(since, ..)| *since <= version).collect();
        let file = file_of(version);
        let keys = walk(&file, true).unwrap();
        assert_eq!(keys.len(), expected.len());
        for (key, (since, bytes, content)) in keys.iter().zip(&expected) {
            let payload = key.payload.as_ref().unwrap();
            let value = restore(payload, &limits()).unwrap();
            let mut found = described_value(value.as_ref());
            for (word, number) in [
                ("until", key.expiry_ms),
                ("idle", key.idle_s.map(|idle| idle as i64)),
                ("used", key.frequency.map(i64::from)),
            ] {
                if let Some(number) = number {
                    found = format!("{found} {word} {number}");
                }
            }
            assert_eq!(found, *content, "version {version}, {}", bytes.escape_ascii());
            assert_eq!(key.form.type_name(), value.as_ref().type_name());
            assert_eq!(key.value_bytes, payload.len() as u64 - 11);
            // What came with version 12 is no type, but what stands before a key.
            let knows_type = if *since == 12 { VERSION } else { (*since).max(VERSION) };
            assert_eq!(key.form.payload_version(), knows_type, "{content}");
        }
        let without = walk(&file, false).unwrap();
        let seen = |key: &RawKey| (key.database, key.key.clone(), key.expiry_ms, key.form, key.value_bytes);
        assert_eq!(without.iter().map(seen).collect::<Vec<_>>(), keys.iter().map(seen).collect::<Vec<_>>());
        assert!(without.iter().all(|key| key.payload.is_none()));
    }
}

#[test]
fn a_torn_file_is_refused_wherever_it_ends_and_so_is_a_wrong_bit() {
    let file = file_of(12);
    for length in 0..file.len() {
        assert!(walk(&file[..length], true).is_err(), "{length} bytes");
    }
    let key = file.windows(6).position(|window| window == b"string").unwrap();
    let mut wrong = file.clone();
    wrong[key] ^= 1;
    assert!(matches!(walk(&wrong, false), Err(RdbError::Checksum { .. })));
}

#[test]
fn a_module_s_value_and_a_version_to_come_are_passed_on() {
    // Id of the module type `AAAAAAAAB`, version 0; a number, a string, the end.
    let value = b"\x81\0\0\0\0\0\0\x04\0\x02\x09\x05\x02hi\0";
    let file = [b"REDIS0013\x07\x01k", &value[..], b"\x00\x01s\x01v\xFF", &[0; 8]].concat();
    let keys = walk(&file, true).unwrap();
    assert_eq!(keys.len(), 2);
    assert_eq!((keys[0].form.type_name(), keys[0].value_bytes), ("module", value.len() as u64));
    let payload = keys[0].payload.as_ref().unwrap();
    assert_eq!(payload[..value.len() + 1], [b"\x07", &value[..]].concat());
    let error = walk(b"REDIS0013\x63\x01k", true).unwrap_err().to_string();
    assert!(error.contains("value type 99"), "{error}");
}

#[test]
fn a_payload_of_a_newer_version_is_made_one_of_the_oldest_that_knows_its_type() {
    let newer = |kind: u8, version: u16| {
        let mut payload = [&[kind][..], b"\x01a"].concat();
        dump::footer(version, &mut payload);
        payload
    };
    let version_of = |payload: Vec<u8>| {
        let older = oldest_payload(&payload).unwrap();
        u16::from_le_bytes([older[3], older[4]])
    };
    assert_eq!(version_of(newer(0, 12)), 10);
    assert_eq!(version_of(newer(20, 12)), 11);
    assert_eq!(version_of(newer(0, 80)), 10);
    assert_eq!(version_of(newer(22, 81)), 80);
    assert!(restore(&oldest_payload(&newer(0, 99)).unwrap(), &limits()).is_ok());
    assert!(oldest_payload(b"short").is_none());
}

#[test]
fn a_probe_tells_who_can_read_its_version() {
    assert!(matches!(restore(&probe_payload(VERSION), &limits()), Err(RestoreError::Value(_))));
    assert!(matches!(restore(&probe_payload(13), &limits()), Err(RestoreError::VersionOrChecksum)));
}
