use super::*;
use crate::outlet::tests::Spilling;
use crate::outlet::{Outlet as _, PIECE_BYTES};
use crate::types::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn info() -> FileInfo<'static> {
    FileInfo {
        redis_version: "7.0.15",
        created_at_s: 1_700_000_000,
        used_memory_bytes: 12_345_678,
        field_expiries: false,
        aof_base: false,
        replication: Some(ReplicationInfo { stream_database: 3, id: &[b'a'; 40], offset: 1 << 40 }),
    }
}

/// What two values must share to be the same: the type, and the content in an order of its own.
fn content(value: ValueRef<'_>) -> (String, Vec<String>) {
    let mut parts: Vec<String> = match value {
        ValueRef::Int(number) => vec![format!("{:?}", number.to_string())],
        ValueRef::String(bytes) => vec![format!("\"{}\"", bytes.escape_ascii())],
        ValueRef::List(list) => {
            list.iter().enumerate().map(|(i, e)| format!("{i:09} {:?}", e.to_vec())).collect()
        }
        ValueRef::Hash(hash) => {
            let shown = |f: Vec<u8>, v: Vec<u8>| format!("{f:?} {v:?} {:?}", hash.expiry(&f));
            hash.iter().map(|(f, v)| shown(f.to_vec(), v.to_vec())).collect()
        }
        ValueRef::Set(set) => set.iter().map(|member| format!("{:?}", member.to_vec())).collect(),
        ValueRef::SortedSet(set) => set.iter().map(|(m, s)| format!("{:?} {s:?}", m.to_vec())).collect(),
        ValueRef::Stream(stream) => stream_content(stream),
    };
    parts.sort();
    (value.type_name().to_string(), parts)
}

fn stream_content(stream: &Stream) -> Vec<String> {
    let log = &stream.log;
    let ids = [log.first_id(), log.last_id(), log.max_deleted_id()];
    let mut parts = vec![format!("{stream:?} {ids:?} {} {}", log.len(), log.entries_added())];
    for (name, group) in stream.groups() {
        parts.push(format!("{name:?} {} {:?}", group.last_id, group.entries_read));
        parts.extend(group.pending_from(StreamId::MIN).map(|pending| format!("{name:?} {pending:?}")));
        for (consumer, of) in group.consumers() {
            let pending: Vec<StreamId> = of.pending_from(StreamId::MIN).collect();
            parts.push(format!("{name:?} {consumer:?} {} {pending:?}", of.seen_time_ms));
        }
    }
    parts
}

/// Entries of which some are deleted, and a group that has read some of them.
fn stream(values: &[Vec<u8>]) -> Stream {
    let mut stream = Stream::new();
    let limits = Limits { stream_node_max_entries: 3, ..Limits::default() };
    for (value, ms) in values.iter().zip(1..) {
        let name = &values[values.len() / 2];
        let pairs = [(&name[..], &value[..]), (&value[..], &b"v"[..])];
        stream
            .log
            .append(StreamId::new(ms * 70, ms), pairs.into_iter().take(1 + value.len() % 2), &limits)
            .unwrap();
    }
    stream.log.delete(&[StreamId::new(140, 2)]);
    for name in values.iter().take(3) {
        let mut group = Group::new(StreamId::new(210, 3), (name.len() % 2 == 0).then_some(3));
        group.create_consumer(b"idle", 1 << 50);
        group.create_consumer(name, -5);
        group.assign(StreamId::new(70, 1), b"idle", 1 << 41, 70_000);
        group.assign(StreamId::new(210, 3), name, -1, u64::MAX);
        stream.create_group(name, group);
    }
    stream
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        any::<i64>().prop_map(|number| number.to_string().into_bytes()),
        (-300i64..300).prop_map(|number| number.to_string().into_bytes()),
        (60usize..20_000).prop_map(|length| b"abcab".repeat(length / 5)),
    ]
}

pub(super) fn limits() -> Limits {
    LIMITS
}

/// Small enough for each form to occur.
const LIMITS: Limits = Limits {
    hash_max_listpack_entries: 6,
    hash_max_listpack_value: 64,
    list_max_listpack_size: 5,
    list_packed_threshold: LIST_PACKED_THRESHOLD,
    set_max_intset_entries: 9,
    set_max_listpack_entries: 6,
    set_max_listpack_value: 64,
    zset_max_listpack_entries: 6,
    zset_max_listpack_value: 64,
    stream_node_max_bytes: 4096,
    stream_node_max_entries: 100,
    hash_seed: 0,
};

fn value() -> impl Strategy<Value = Value> {
    let many = || proptest::collection::vec(bytes(), 1..14);
    let numbers = proptest::collection::vec(any::<i32>(), 1..14);
    prop_oneof![
        any::<i64>().prop_map(Value::Int),
        bytes().prop_map(Value::String),
        many().prop_map(|values| {
            let mut list = List::new();
            values.iter().for_each(|value| list.push(End::Tail, value, &limits()));
            Value::List(list)
        }),
        many().prop_map(|values| {
            let mut hash = Hash::new();
            values.iter().rev().zip(&values).for_each(|(field, value)| {
                hash.set(field, value, &limits());
            });
            Value::Hash(hash)
        }),
        (many(), proptest::collection::vec((any::<usize>(), 1i64..1 << 47), 1..9)).prop_map(
            |(fields, expiries)| {
                let mut hash = Hash::new();
                for field in &fields {
                    hash.set(field, b"value", &limits());
                }
                for (index, expiry) in expiries {
                    hash.set_expiry(&fields[index % fields.len()], expiry, &limits());
                }
                Value::Hash(hash)
            }
        ),
        many().prop_map(|values| {
            let mut set = Set::new();
            values.iter().for_each(|value| {
                set.add(value, &limits());
            });
            Value::Set(set)
        }),
        numbers.prop_map(|values| {
            let mut set = Set::new();
            values.iter().for_each(|value| {
                set.add(value.to_string().as_bytes(), &limits());
            });
            Value::Set(set)
        }),
        (many(), proptest::collection::vec(-1e9f64..1e9, 14)).prop_map(|(values, scores)| {
            let mut sorted_set = SortedSet::new();
            for (member, score) in values.iter().zip(scores) {
                sorted_set.add(score, member, AddCondition::default(), &limits()).unwrap();
            }
            Value::SortedSet(sorted_set)
        }),
        many().prop_map(|values| Value::Stream(Box::new(stream(&values)))),
    ]
}

fn key_info() -> impl Strategy<Value = (Option<i64>, Option<u64>, Option<u8>)> {
    (any::<Option<i64>>(), any::<Option<u64>>(), any::<Option<u8>>())
}

type Keys = BTreeMap<(u64, Vec<u8>), (Value, (Option<i64>, Option<u64>, Option<u8>))>;

fn file(keys: &Keys, compress: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let encoder = FileEncoder::start(compress, &info(), &mut out);
    encoder.function(b"#!lua name=lib", &mut out);
    let mut current = None;
    for ((database, key), (value, (expiry_ms, idle_s, frequency))) in keys {
        if current != Some(database) {
            encoder.database(*database, 1, 2, &mut out);
            current = Some(database);
        }
        let info = KeyInfo { expiry_ms: *expiry_ms, idle_s: *idle_s, frequency: *frequency };
        encoder.key(key, value.as_ref(), info, &mut out);
    }
    encoder.finish(FileSum::default(), &mut out);
    out
}

#[test]
fn a_long_value_is_never_in_the_buffer_as_a_whole() {
    let long = |number: usize| vec![number as u8; 3 * PIECE_BYTES + number];
    let mut list = List::new();
    let mut hash = Hash::new();
    for number in 0..40 {
        list.push(End::Tail, &long(number), &limits());
        hash.set(format!("field:{number}").as_bytes(), &long(number), &limits());
    }
    for value in [Value::List(list), Value::Hash(hash), Value::String(long(200))] {
        for compress in [false, true] {
            let encoder = FileEncoder::start(compress, &info(), &mut Vec::new());
            let (mut whole, mut spilling) = (Vec::new(), Spilling::default());
            encoder.key(b"key", value.as_ref(), KeyInfo::default(), &mut whole);
            encoder.key(b"key", value.as_ref(), KeyInfo::default(), &mut spilling);
            assert!(spilling.most < PIECE_BYTES + 100, "{} bytes were there", spilling.most);
            spilling.piece();
            assert!(spilling.spilt == whole, "it is the same");
        }
    }
}

#[test]
fn a_file_that_leaves_in_pieces_is_the_same() {
    let [mut pieces, mut whole, mut out] = [Vec::new(), Vec::new(), Vec::new()];
    let in_one = FileEncoder::start(true, &info(), &mut whole);
    let encoder = FileEncoder::start(true, &info(), &mut out);
    let mut left = FileSum::default();
    for number in 0..100 {
        let key = number.to_string();
        in_one.key(key.as_bytes(), ValueRef::Int(number), KeyInfo::default(), &mut whole);
        encoder.key(key.as_bytes(), ValueRef::Int(number), KeyInfo::default(), &mut out);
        if number % 7 == 0 {
            left.add(&out);
            pieces.append(&mut out);
        }
    }
    in_one.finish(FileSum::default(), &mut whole);
    encoder.finish(left, &mut out);
    pieces.append(&mut out);
    assert_eq!(pieces, whole);
}

/// All items as they are read from a source.
pub(super) fn read(file: &[u8]) -> Result<Vec<Item>, RdbError> {
    let mut decoder = FileDecoder::new(file, limits());
    let mut items = Vec::new();
    loop {
        match decoder.next_item()? {
            Item::End => return Ok(items),
            item => items.push(item),
        }
    }
}

/// All items by way of runs, as many threads read them: cut from bytes that come in pieces, and then decoded.
pub(super) fn read_in_runs(file: &[u8], piece: usize, run_items: usize) -> Result<Vec<Item>, RdbError> {
    let truncated = || RdbError::Truncated { offset: file.len() as u64 };
    let mut cutter = Cutter::new(file.get(..HEADER_BYTES).ok_or_else(truncated)?)?;
    let (mut items, mut sums) = (Vec::new(), vec![RunSum::of(&file[..HEADER_BYTES])]);
    let (mut at, mut there) = (HEADER_BYTES, HEADER_BYTES);
    let mut run = (at, cutter, 0);
    loop {
        let item = match cutter.cut(&file[at..there], at as u64)? {
            Cut::NeedsMore if there == file.len() => return Err(truncated()),
            Cut::NeedsMore => {
                there = file.len().min(there + piece);
                continue;
            }
            Cut::Key { bytes } => {
                at += bytes;
                None
            }
            Cut::Item { item, bytes } => {
                at += bytes;
                Some(item)
            }
        };
        let has_ended = matches!(item, Some(Item::End));
        items.extend(item.filter(|_| !has_ended));
        run.2 += 1;
        if has_ended || run.2 == run_items {
            let bytes = &file[run.0..at];
            sums.push(RunSum::of(bytes));
            let mut decoder = RunDecoder::new(bytes, run.0 as u64, run.1, &LIMITS);
            while let Some(key) = decoder.next_key()? {
                items.push(match key {
                    RunKey::Key(key) => Item::Key(key),
                    RunKey::Empty(key) => Item::EmptyKey { database: 0, key },
                });
            }
            run = (at, cutter, 0);
        }
        if has_ended {
            let stored = file.get(at..at + cutter.checksum_bytes()).ok_or_else(truncated)?;
            return cutter.check(sums.into_iter(), stored, Checksum::Compared).map(|()| items);
        }
    }
}

fn check_keys(items: &[Item], keys: &Keys) {
    let found: Vec<&KeyItem> = items
        .iter()
        .filter_map(|item| match item {
            Item::Key(key) => Some(key),
            _ => None,
        })
        .collect();
    assert_eq!(found.len(), keys.len());
    for (found, ((database, key), (value, info))) in found.iter().zip(keys) {
        assert_eq!((found.database, found.entry.key()), (*database, &key[..]));
        assert_eq!((found.entry.expiry(), found.idle_s, found.frequency), *info);
        assert_eq!(content(found.entry.value()), content(value.as_ref()));
    }
}

#[test]
fn lengths_at_their_borders() {
    for length in [0, 63, 64, 16_383, 16_384, u32::MAX.into(), u64::from(u32::MAX) + 1, u64::MAX] {
        let mut out = Vec::new();
        value_writer::write_length(length, &mut out);
        let mut reader = reader::Reader::new(source::Slice::new(&out, 0));
        assert_eq!(reader.length().unwrap(), length);
        assert_eq!(reader.offset(), out.len() as u64);
    }
}

#[test]
fn the_head_of_a_file() {
    let items = read(&file(&Keys::new(), true)).unwrap();
    let aux: Vec<String> = items
        .iter()
        .filter_map(|item| match item {
            Item::Aux { name, value } => Some(format!("{}={}", name.escape_ascii(), value.escape_ascii())),
            _ => None,
        })
        .collect();
    assert_eq!(aux[..4], ["redis-ver=7.0.15", "redis-bits=64", "ctime=1700000000", "used-mem=12345678"]);
    assert_eq!(aux[4], "repl-stream-db=3");
    assert_eq!(aux[5], format!("repl-id={}", "a".repeat(40)));
    assert_eq!(aux[6..], ["repl-offset=1099511627776", "aof-base=0"]);
    assert!(matches!(items.last(), Some(Item::Function(source)) if source == b"#!lua name=lib"));
}

#[test]
fn versions_from_13_on_are_refused_by_number() {
    for (header, version) in [("REDIS0013", 13), ("REDIS9999", 9999), ("REDIS0000", 0)] {
        let error = read(header.as_bytes()).unwrap_err();
        assert!(matches!(error, RdbError::UnsupportedVersion(found) if found == version), "{error}");
    }
    for (header, version) in [("VALKEY079", 79), ("VALKEY082", 82), ("VALKEY011", 11)] {
        let error = read(header.as_bytes()).unwrap_err();
        assert!(matches!(error, RdbError::UnsupportedVersion(found) if found == version), "{error}");
    }
    for header in ["REDIS 010", "VALKEY+80", "VALKEY80\0", "redis0010", "\0\0\0\0\0\0\0\0\0"] {
        assert!(matches!(read(header.as_bytes()), Err(RdbError::Malformed { offset: 0, .. })), "{header}");
    }
    assert!(matches!(read(b"REDIS00"), Err(RdbError::Truncated { offset: 7 })));
}

#[test]
fn what_is_not_supported_is_named() {
    // Id of the module type `AAAAAAAAB`, version 0.
    let module = [&[7, 1, b'k', 0x81][..], &[0, 0, 0, 0, 0, 0, 4, 0], &[0]].concat();
    for (body, expected) in [
        (&module[..], "a value of the module type 'AAAAAAAAB'"),
        (&[6, 1, b'k'], "modules"),
        (&[26, 1, b'k'], "value type 26"),
        (&[242, 1, b'k'], "value type 242"),
    ] {
        let file = [b"REDIS0010", body].concat();
        for error in [read(&file), read_in_runs(&file, 100, 1)].map(|result| result.unwrap_err().to_string())
        {
            assert!(error.contains(expected) && error.contains("byte 12"), "{error}");
        }
    }
    for (body, expected) in
        [(&b"\x17\x01k"[..], "hash of paths"), (b"\xF2", "without fork"), (b"\x18\x01k", "value type 24")]
    {
        let file = [b"VALKEY080", body].concat();
        for error in [read(&file), read_in_runs(&file, 100, 1)].map(|result| result.unwrap_err().to_string())
        {
            assert!(error.contains(expected), "{error}");
        }
    }
    let error = read(b"REDIS0010\xF6").unwrap_err().to_string();
    assert!(error.contains("release candidates of Redis 7.0") && error.contains("byte 9"), "{error}");
}

#[test]
fn module_data_are_skipped_by_name() {
    // Id of `AAAAAAAAB`, version 0; when 2; a string, a double.
    let file =
        b"REDIS0010\xF7\x81\0\0\0\0\0\0\x04\0\x02\x02\x05\x01x\x04\0\0\0\0\0\0\0\0\x00\xFF\0\0\0\0\0\0\0\0";
    let items = read(file).unwrap();
    assert!(matches!(&items[..], [Item::ModuleAux { module }] if module == "AAAAAAAAB"), "{items:?}");
}

#[test]
fn restore_wants_version_and_checksum() {
    let good = dump(ValueRef::String(b"hello"), true);
    assert!(matches!(restore(&good, &limits()), Ok(Value::String(bytes)) if bytes == b"hello"));
    let mut newer = good[..good.len() - 10].to_vec();
    newer.extend_from_slice(&13u16.to_le_bytes());
    newer.extend_from_slice(&crate::encoding::crc64::crc64(0, &newer).to_le_bytes());
    assert!(matches!(restore(&newer, &limits()), Err(RestoreError::VersionOrChecksum)));
    for end in 0..good.len() {
        assert!(matches!(restore(&good[..end], &limits()), Err(RestoreError::VersionOrChecksum)));
    }
}

/// Deletes, trims and acknowledges all there is.
fn empty(mut stream: Stream) {
    let ids =
        |stream: &Stream| stream.log.range_back(StreamId::MIN, StreamId::MAX).map(|entry| entry.id).collect();
    let all: Vec<StreamId> = ids(&stream);
    stream.log.delete(&all[..all.len() / 2]);
    stream.log.trim(&Trim { to: TrimTo::Length(1), is_approximate: false, limit: 0 });
    assert!(stream.log.len() <= 1 && stream.log.len() == ids(&stream).len() as u64);
    let names: Vec<Vec<u8>> = stream.groups().map(|(name, _)| name.to_vec()).collect();
    for group in names.iter().map(|name| stream.group(name).unwrap().clone()) {
        let mut group = group;
        let pending: Vec<StreamId> = group.pending_from(StreamId::MIN).map(|pending| pending.id).collect();
        assert!(pending.iter().all(|&id| group.acknowledge(id)));
        assert!(group.consumers().all(|(_, consumer)| consumer.pending_count() == 0));
    }
}

/// A stream with an entry that a consumer has, as the type byte says.
pub(super) fn saved_stream(kind: u8) -> Vec<u8> {
    let id = [[0, 0, 0, 0, 0, 0, 0, 9], [0, 0, 0, 0, 0, 0, 0, 7]].concat();
    let entries =
        b"\x1D\0\0\0\x0A\0\x01\x01\0\x01\x01\x01\x81f\x02\0\x01\x02\x01\0\x01\0\x01\x81v\x02\x04\x01\xFF";
    let mut body = [&[kind, 1, 16][..], &id, &[entries.len() as u8], entries, &[1, 9, 7]].concat();
    if kind >= 19 {
        body.extend_from_slice(&[9, 7, 0, 0, 1]);
    }
    body.extend_from_slice(b"\x01\x01g\x09\x07");
    if kind >= 19 {
        body.push(1);
    }
    body.extend_from_slice(
        &[&[1][..], &id, &1000i64.to_le_bytes(), &[2], b"\x01\x01c", &2000i64.to_le_bytes()].concat(),
    );
    if kind >= 21 {
        body.extend_from_slice(&3000i64.to_le_bytes());
    }
    [&body[..], &[1], &id].concat()
}

#[test]
fn streams_of_all_versions() {
    for (kind, active_ms) in [(15, 2000), (19, 2000), (21, 3000)] {
        let Value::Stream(stream) = restore(&signed(&saved_stream(kind)), &limits()).unwrap() else {
            panic!()
        };
        let parts = stream_content(&stream);
        let first = StreamId::new(9, 7);
        let ids = [first, first, StreamId::MIN];
        assert_eq!(parts[0], format!("{{StreamId {{ ms: 9, seq: 7 }}: [(\"f\", \"v\")]}} {ids:?} 1 1"));
        let group = stream.group(b"g").unwrap();
        assert_eq!((group.last_id, group.entries_read, group.pending_count()), (first, Some(1), 1));
        let consumer = group.consumer(b"c").unwrap();
        assert_eq!((consumer.seen_time_ms, consumer.active_time_ms), (2000, Some(active_ms)));
        assert_eq!(consumer.pending_from(StreamId::MIN).collect::<Vec<_>>(), [first]);
        assert_eq!(
            group.pending(first).map(|pending| (pending.delivery_time_ms, pending.delivery_count)),
            Some((1000, 2))
        );
    }
}

/// Each byte of the structure is looked at: with any other value it is refused, or says something else.
#[test]
fn streams_whose_parts_contradict_each_other_are_refused() {
    let good = saved_stream(19);
    let refused = |at: usize, byte: u8| {
        let mut body = good.clone();
        body[at] = byte;
        restore(&signed(&body), &limits()).is_err()
    };
    let entries = 1 + 1 + 17 + 1;
    for (within, byte, what) in [
        (6, 2, "entries that are not there"),
        (6, 0, "more entries than said"),
        (8, 1, "tombstones that are not there"),
        (10, 2, "field names that are not there"),
        (10, 0, "fewer field names"),
        (15, 1, "a header without its end"),
        (17, 3, "a tombstone among the live"),
        (17, 0, "an entry with names of its own, which are not there"),
        (19, 0x81, "an id that is no number"),
        (26, 5, "more elements than the entry has"),
        (26, 3, "fewer"),
    ] {
        assert!(refused(entries + within, byte), "{what}");
    }
    let after = entries + 29;
    assert!(refused(after, 2) && refused(after, 0), "another length");
    assert!(refused(after + 1, 8), "a last id below the last entry");
    let pending = after + 8 + 5 + 1;
    assert!(refused(pending + 15, 1), "a consumer's id that is not pending");
    assert!(refused(good.len() - 1, 1), "a pending id that no consumer has");
}

#[test]
fn a_set_in_a_listpack_as_7_2_writes_it() {
    let body = b"\x14\x0C\x0C\0\0\0\x02\0\x81a\x02\x05\x01\xFF";
    let set = restore(&signed(body), &limits()).unwrap();
    assert_eq!(content(set.as_ref()), ("set".to_owned(), vec!["[53]".to_owned(), "[97]".to_owned()]));
    assert!(restore(&signed(b"\x14\x0B\x0B\0\0\0\x02\0\x05\x01\x05\x01\xFF"), &limits()).is_err());
}

/// A payload whose checksum is right, whatever its body.
fn signed(body: &[u8]) -> Vec<u8> {
    let mut payload = body.to_vec();
    payload.extend_from_slice(&NEWEST_READ.to_le_bytes());
    payload.extend_from_slice(&crate::encoding::crc64::crc64(0, &payload).to_le_bytes());
    payload
}

#[test]
fn hostile_payloads() {
    for body in [
        &b""[..],
        b"\x01\x00",
        b"\x00\x81\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
        b"\x00\x80\xFF\xFF\xFF\xFFabc",
        b"\x04\x81\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01a\x01b",
        b"\x00\xC3\x02\x80\xFF\xFF\xFF\xFF\x00a",
        b"\x02\x02\x01a\x01a",
        b"\x05\x01\x01m\x00\x00\x00\x00\x00\x00\xF8\x7F",
        b"\x12\x01\x03\x01a",
        b"\x00\x01ab",
    ] {
        let result = restore(&signed(body), &limits());
        assert!(matches!(result, Err(RestoreError::Value(_))), "{body:?} {result:?}");
    }
}

/// Field `f` with value `v` that ends at 5000, and field `g` that does not, as Redis 7.4's source says that its types are.
#[test]
fn each_form_of_a_hash_whose_fields_have_expiries() {
    let triples = b"\x19\x00\x00\x00\x06\x00\x81f\x02\x81v\x02\xf1\x88\x13\x03\x81g\x02\x81w\x02\x00\x01\xff";
    let soonest = 5000_i64.to_le_bytes();
    let (length, fields) = (&[triples.len() as u8][..], &b"\x02"[..]);
    for body in [
        [b"\x16", fields, b"\x53\x88\x01f\x01v", b"\x00\x01g\x01w"].concat(),
        [b"\x17", length, triples].concat(),
        [b"\x18", &soonest[..], fields, b"\x01\x01f\x01v", b"\x00\x01g\x01w"].concat(),
        [b"\x19", &soonest[..], length, triples].concat(),
    ] {
        let value = restore(&signed(&body), &Limits::default()).unwrap();
        let Value::Hash(hash) = &value else { panic!("{value:?}") };
        assert_eq!((hash.expiry(b"f"), hash.expiry(b"g"), hash.len()), (Some(5000), None, 2), "{body:?}");
        let dumped = dump(value.as_ref(), false);
        assert_eq!(dumped[..dumped.len() - 10], [b"\x19", &soonest[..], length, triples].concat());
        assert_eq!(dumped[dumped.len() - 10..][..2], [12, 0]);
    }
    for body in [
        [b"\x18", &soonest[..], b"\x01\x81\xff\xff\xff\xff\xff\xff\xff\xff\x01f\x01v"].concat(),
        [b"\x18", &[0xff; 8][..], b"\x01\x02\x01f\x01v"].concat(),
        [b"\x18", &soonest[..], b"\x02\x01\x01f\x01v\x00\x01f\x01w"].concat(),
    ] {
        assert!(
            matches!(restore(&signed(&body), &Limits::default()), Err(RestoreError::Value(_))),
            "{body:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn dump_and_restore(value in value(), compress: bool) {
        let restored = restore(&dump(value.as_ref(), compress), &limits()).unwrap();
        // A string that reads as an integer comes back as one.
        prop_assert_eq!(content(restored.as_ref()).0, content(value.as_ref()).0);
        let text = |value: &Value| value.as_ref().as_string().map(|element| element.to_vec());
        prop_assert_eq!(text(&restored), text(&value));
        if text(&value).is_none() {
            prop_assert_eq!(content(restored.as_ref()), content(value.as_ref()));
        }
    }

    #[test]
    fn damaged_payloads_never_panic(value in value(), compress: bool, damage in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..4)) {
        let payload = dump(value.as_ref(), compress);
        let mut body = payload[..payload.len() - 10].to_vec();
        for (index, byte) in damage {
            let index = index % body.len();
            body[index] = byte;
        }
        // What is taken for good is good: it can be walked, written again, and changed.
        if let Ok(value) = restore(&signed(&body), &limits()) {
            content(value.as_ref());
            restore(&dump(value.as_ref(), compress), &limits()).unwrap();
            if let Value::Stream(stream) = value {
                empty(*stream);
            }
        }
    }

    #[test]
    fn files_round_trip(
        keys in proptest::collection::btree_map((0u64..3, bytes()), (value(), key_info()), 0..8),
        compress: bool,
        piece in 1usize..5000,
        run_items in 1usize..6,
        damage in (any::<usize>(), 1u8..),
    ) {
        let bytes = file(&keys, compress);
        check_keys(&read(&bytes).unwrap(), &keys.iter().map(|(k, (v, i))| (k.clone(), (as_read(v), *i))).collect());
        let by_runs = read_in_runs(&bytes, piece, run_items).unwrap();
        check_keys(&by_runs, &keys.iter().map(|(k, (v, i))| (k.clone(), (as_read(v), *i))).collect());
        // One wrong byte anywhere is noticed, save where the checksum becomes the zero that says there is none.
        let mut damaged = bytes.clone();
        let index = damage.0 % damaged.len();
        damaged[index] ^= damage.1;
        prop_assert!(read(&damaged).is_err());
        prop_assert!(read_in_runs(&damaged, piece, run_items).is_err());
        let cut = &bytes[..damage.0 % bytes.len()];
        prop_assert!(is_truncated(read(cut)));
        prop_assert!(is_truncated(read_in_runs(cut, piece, run_items)));
    }
}

/// Strings that are integers are read as integers.
fn as_read(value: &Value) -> Value {
    match value {
        Value::String(bytes) => match parse_integer(bytes) {
            Some(number) => Value::Int(number),
            None => value.clone(),
        },
        other => other.clone(),
    }
}

fn is_truncated(result: Result<Vec<Item>, RdbError>) -> bool {
    matches!(result, Err(RdbError::Truncated { .. }))
}
