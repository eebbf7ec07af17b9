//! Our bytes against Redis's own: DUMP and RESTORE both ways, and whole files both ways, with a real `redis-server`.
//! Without one on the machine these tests say so and pass.
#![allow(
    clippy::disallowed_methods,
    reason = "this test runs a server: it needs processes, sockets, files and waiting"
)]

use rcl_proto::resp::{Reply, encode_request};
use rcl_store::rdb::{FileDecoder, FileEncoder, FileInfo, FileSum, Item, KeyInfo, dump, restore};
use rcl_store::types::*;
use std::collections::BTreeMap;
use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

struct Redis {
    process: Child,
    stream: TcpStream,
    folder: PathBuf,
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Redis {
    /// A server in a folder of its own, which loads `file` if given. `None` when there is no redis-server.
    fn start(file: Option<&[u8]>) -> Option<Redis> {
        if Command::new("redis-server").arg("--version").output().is_err() {
            let _ =
                writeln!(std::io::stderr(), "SKIPPED: {}: no redis-server on this machine", module_path!());
            return None;
        }
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let folder = std::env::temp_dir().join(format!("rcl-store-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        if let Some(file) = file {
            std::fs::write(folder.join("dump.rdb"), file).unwrap();
        }
        let mut process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
            .arg(&folder)
            .args(["--sanitize-dump-payload", "yes"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let stream = loop {
            match TcpStream::connect(("127.0.0.1", port)) {
                Ok(stream) => break stream,
                Err(_) if process.try_wait().unwrap().is_none() => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(error) => panic!("redis-server ended at its start: {error}"),
            }
        };
        let mut redis = Redis { process, stream, folder };
        while matches!(redis.call(&["PING"]), Reply::Error(text) if text.starts_with("LOADING")) {
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(redis)
    }

    fn call<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> Reply {
        let mut request = Vec::new();
        encode_request(&mut request, arguments.iter().map(AsRef::as_ref));
        self.stream.write_all(&request).unwrap();
        let mut received = Vec::new();
        let mut buffer = [0; 65_536];
        loop {
            let count = self.stream.read(&mut buffer).unwrap();
            assert!(count > 0, "redis-server closed the connection");
            received.extend_from_slice(&buffer[..count]);
            if let Some((reply, _)) = Reply::parse(&received).unwrap() {
                return reply;
            }
        }
    }

    fn bytes<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> Vec<u8> {
        let reply = self.call(arguments);
        reply.as_bytes().unwrap_or_else(|| panic!("{reply:?}")).to_vec()
    }

    /// The content of a key by the server's own reading commands, comparable with `content`.
    fn content(&mut self, key: &str) -> Vec<Vec<u8>> {
        let kind = self.bytes(&["TYPE", key]);
        let arguments: &[&str] = match &kind[..] {
            b"string" => &["GET", key],
            b"list" => &["LRANGE", key, "0", "-1"],
            b"hash" => &["HGETALL", key],
            b"set" => &["SMEMBERS", key],
            b"zset" => &["ZRANGE", key, "0", "-1"],
            b"stream" => &["XRANGE", key, "-", "+"],
            other => panic!("{key}: {}", other.escape_ascii()),
        };
        let mut parts: Vec<Vec<u8>> = match self.call(arguments) {
            Reply::Array(parts) => parts.iter().map(joined).collect(),
            reply => vec![reply.as_bytes().unwrap().to_vec()],
        };
        if &kind[..] == b"hash" {
            parts = parts.chunks(2).map(|pair| pair.join(&b'=')).collect();
        }
        if matches!(&kind[..], b"hash" | b"set") {
            parts.sort();
        }
        parts
    }
}

/// An element; of an entry, its id and its fields with their values.
fn joined(reply: &Reply) -> Vec<u8> {
    match reply {
        Reply::Array(parts) => parts.iter().map(joined).collect::<Vec<_>>().join(&b'='),
        reply => reply.as_bytes().unwrap().to_vec(),
    }
}

fn content(value: &Value) -> Vec<Vec<u8>> {
    let mut parts: Vec<Vec<u8>> = match value {
        Value::Int(number) => vec![number.to_string().into_bytes()],
        Value::String(bytes) => vec![bytes.clone()],
        Value::List(list) => list.view().iter().map(|element| element.to_vec()).collect(),
        Value::Hash(hash) => {
            hash.view().iter().map(|(field, value)| [field.to_vec(), value.to_vec()].join(&b'=')).collect()
        }
        Value::Set(set) => set.view().iter().map(|member| member.to_vec()).collect(),
        Value::SortedSet(members) => members.view().iter().map(|(member, _)| member.to_vec()).collect(),
        Value::Stream(stream) => {
            let entries = stream.log.range(StreamId::MIN, StreamId::MAX);
            let words = entries.map(|entry| {
                let pairs = entry.pairs.flat_map(|(field, value)| [field.to_vec(), value.to_vec()]);
                std::iter::once(entry.id.to_string().into_bytes()).chain(pairs).collect::<Vec<_>>()
            });
            words.map(|words| words.join(&b'=')).collect()
        }
    };
    if matches!(value, Value::Hash(_) | Value::Set(_)) {
        parts.sort();
    }
    parts
}

/// Some entries are deleted, some have fields of their own; a group has read and acknowledged some of them.
fn stream(count: u64) -> Stream {
    let limits = Limits::default();
    let mut stream = Stream::new();
    let id = |index| StreamId::new(1_700_000_000_000 + index * index, index % 3);
    for index in 1..=count {
        let (own, value) = (format!("field {index}"), (index * 12_345).to_string());
        let first = if index % 50 == 0 { own.as_str() } else { "field" };
        let pairs = [(first.as_bytes(), value.as_bytes()), (b"other", b"v"), (b"17", &[b'x'; 20])];
        stream
            .log
            .append(id(index), pairs.into_iter().take(1 + index as usize % 400 / 100), &limits)
            .unwrap();
    }
    let deleted: Vec<StreamId> = (1..count).step_by(7).chain(101..201).map(id).collect();
    stream.log.delete(&deleted);
    let mut group = Group::new(id(count / 2), Some(count as i64 / 2));
    for (name, index) in [("first", 0), ("second", 1), ("idle", 2)] {
        group.create_consumer(name.as_bytes(), 1_600_000_000_000 + index);
    }
    for index in 1..=count / 2 {
        let name: &[u8] = if index % 2 == 0 { b"first" } else { b"second" };
        group.assign(id(index), name, 1_600_000_000_000 + index as i64, index);
    }
    group.acknowledge(id(3));
    stream.create_group(b"group", group);
    stream.create_group(b"12", Group::new(StreamId::MIN, None));
    stream
}

/// Values of every type and encoding, at the borders of what is packed.
fn values() -> BTreeMap<String, Value> {
    let mut values = BTreeMap::new();
    let limits = Limits::default();
    for number in [0, 1, -1, 127, 128, -128, -129, 32_767, 32_768, i32::MAX.into(), i64::MAX, i64::MIN] {
        values.insert(format!("int:{number}"), Value::Int(number));
    }
    for length in [0, 1, 20, 21, 44, 45, 63, 64, 16_383, 16_384, 100_000] {
        let text: Vec<u8> = (0..length).map(|index: usize| b'a' + (index * index % 7) as u8).collect();
        values.insert(format!("string:{length}"), Value::String(text));
    }
    for count in [1usize, 3, 127, 128, 129, 511, 512, 513, 3000] {
        let element = |index: usize| match index % 5 {
            0 => (index as i64 * 37 - 2000).to_string(),
            1 => format!("element {index}"),
            2 => (index as i64 * 1_000_000_007 - 5_000_000_000).to_string(),
            3 => format!("{index}:{}", "x".repeat(index % 50)),
            _ => format!("{index}.5"),
        };
        let (mut list, mut hash, mut set, mut integers, mut sorted_set) =
            (List::new(), Hash::new(), Set::new(), Set::new(), SortedSet::new());
        for index in 0..count {
            let text = element(index);
            list.push(End::Tail, text.as_bytes(), &limits);
            hash.set(text.as_bytes(), element(index + 1).as_bytes(), &limits);
            set.add(text.as_bytes(), &limits);
            integers.add((index as i64 * 12_345 - 40_000).to_string().as_bytes(), &limits);
            let score = if index % 3 == 0 { index as f64 } else { index as f64 * 0.37 - 20.0 };
            sorted_set.add(score, text.as_bytes(), AddCondition::default(), &limits).unwrap();
        }
        values.insert(format!("list:{count}"), Value::List(list));
        values.insert(format!("hash:{count}"), Value::Hash(hash));
        values.insert(format!("set:{count}"), Value::Set(set));
        values.insert(format!("integers:{count}"), Value::Set(integers));
        values.insert(format!("sorted_set:{count}"), Value::SortedSet(sorted_set));
        values.insert(format!("stream:{count}"), Value::Stream(Box::new(stream(count as u64))));
    }
    let mut long = Hash::new();
    long.set(b"field", &[b'v'; 65], &limits);
    values.insert("hash:long".into(), Value::Hash(long));
    let mut infinite = SortedSet::new();
    for (score, member) in
        [(f64::INFINITY, "up"), (f64::NEG_INFINITY, "down"), (1e300, "far"), (-0.1, "near")]
    {
        infinite.add(score, member.as_bytes(), AddCondition::default(), &limits).unwrap();
    }
    values.insert("sorted_set:infinite".into(), Value::SortedSet(infinite));
    let mut wide = List::new();
    [10, 9000, 70_000, 3].iter().for_each(|&length| wide.push(End::Tail, &vec![b'w'; length], &limits));
    values.insert("list:wide".into(), Value::List(wide));
    values
}

/// What is written in one way only: neither the order of a hash table nor the tree's scores come in.
fn has_one_form(value: &Value) -> bool {
    match value {
        Value::Hash(hash) => hash.encoding() == Encoding::Listpack,
        Value::Set(set) => set.encoding() == Encoding::Intset,
        _ => true,
    }
}

#[test]
fn redis_takes_our_dump_and_we_take_its() {
    let Some(mut redis) = Redis::start(None) else { return };
    // Compression may choose other matches; without it the bytes are the same.
    redis.call(&["CONFIG", "SET", "rdbcompression", "no"]);
    for (key, value) in values() {
        for compress in [false, true] {
            let payload = dump(value.as_ref(), compress);
            let reply = redis.call(&[b"RESTORE", key.as_bytes(), b"0", &payload, b"REPLACE"]);
            assert_eq!(reply.as_bytes(), Some(&b"OK"[..]), "{key}: {reply:?}");
            assert_eq!(redis.content(&key), content(&value), "{key}");
        }
        let theirs = redis.bytes(&["DUMP", &key]);
        if has_one_form(&value) {
            assert_eq!(
                theirs.escape_ascii().to_string(),
                dump(value.as_ref(), false).escape_ascii().to_string(),
                "{key}"
            );
        }
        assert_eq!(content(&restore(&theirs, &Limits::default()).unwrap()), content(&value), "{key}");
    }
}

#[test]
fn what_redis_compressed_is_read() {
    let Some(mut redis) = Redis::start(None) else { return };
    for (key, value) in values() {
        redis.call(&[b"RESTORE", key.as_bytes(), b"0", &dump(value.as_ref(), false)]);
        let theirs = redis.bytes(&["DUMP", &key]);
        assert_eq!(content(&restore(&theirs, &Limits::default()).unwrap()), content(&value), "{key}");
        let ours = dump(value.as_ref(), true);
        let most = theirs.len() + theirs.len() / 10 + 16;
        assert!(ours.len() <= most, "{key}: {} bytes, theirs {}", ours.len(), theirs.len());
    }
}

/// The encodings that a server reports for what it was sent are those that we have.
#[test]
fn encodings_are_those_of_redis() {
    let Some(mut redis) = Redis::start(None) else { return };
    for (key, value) in values() {
        redis.call(&[b"RESTORE", key.as_bytes(), b"0", &dump(value.as_ref(), true)]);
        let theirs = redis.bytes(&["OBJECT", "ENCODING", &key]);
        let ours = match &value {
            // 7.0 has no listpack for lists and sets.
            Value::List(_) => Encoding::Quicklist,
            Value::Set(set) if set.encoding() == Encoding::Listpack => Encoding::Hashtable,
            Value::Set(set) => set.encoding(),
            Value::Hash(hash) => hash.encoding(),
            Value::SortedSet(members) => members.encoding(),
            Value::Stream(stream) => stream.encoding(),
            Value::Int(_) | Value::String(_) => continue,
        };
        assert_eq!(theirs.escape_ascii().to_string(), ours.name(), "{key}");
    }
}

fn our_file(compress: bool) -> Vec<u8> {
    let info = FileInfo {
        redis_version: "7.0.15",
        created_at_s: 1_700_000_000,
        used_memory_bytes: 1 << 20,
        field_expiries: false,
        aof_base: false,
        replication: None,
    };
    let mut file = Vec::new();
    let encoder = FileEncoder::start(compress, &info, &mut file);
    encoder.function(b"#!lua name=mylib\nredis.register_function('f', function() return 7 end)", &mut file);
    let values = values();
    encoder.database(0, values.len() as u64, 0, &mut file);
    for (key, value) in &values {
        encoder.key(key.as_bytes(), value.as_ref(), KeyInfo::default(), &mut file);
    }
    encoder.database(9, 3, 1, &mut file);
    let far_ms = 4_000_000_000_000;
    let expiring = KeyInfo { expiry_ms: Some(far_ms), ..KeyInfo::default() };
    encoder.key(b"expiring", ValueRef::String(b"value"), expiring, &mut file);
    let idle = KeyInfo { idle_s: Some(5), ..KeyInfo::default() };
    encoder.key(b"idle", ValueRef::Int(5), idle, &mut file);
    let frequent = KeyInfo { frequency: Some(200), ..KeyInfo::default() };
    encoder.key(b"frequent", ValueRef::Int(5), frequent, &mut file);
    encoder.finish(FileSum::default(), &mut file);
    file
}

#[test]
fn redis_loads_our_file_and_we_load_its() {
    for compress in [false, true] {
        let Some(mut redis) = Redis::start(Some(&our_file(compress))) else { return };
        let values = values();
        assert_eq!(redis.call(&["DBSIZE"]), Reply::Integer(values.len() as i64));
        for (key, value) in &values {
            assert_eq!(redis.content(key), content(value), "{key}");
        }
        assert_eq!(redis.call(&["FCALL", "f", "0"]), Reply::Integer(7));
        redis.call(&["SELECT", "9"]);
        assert_eq!(redis.call(&["PEXPIRETIME", "expiring"]), Reply::Integer(4_000_000_000_000));
        assert_eq!(redis.call(&["DBSIZE"]), Reply::Integer(3));
        assert_eq!(redis.bytes(&["SAVE"]), b"OK");
        let file = std::fs::File::open(redis.folder.join("dump.rdb")).unwrap();
        check_their_file(FileDecoder::new(BufReader::new(file), Limits::default()), &values);
    }
}

fn check_their_file<R: Read>(mut decoder: FileDecoder<R>, values: &BTreeMap<String, Value>) {
    let (mut found, mut functions, mut expiry_ms) = (0, 0, None);
    loop {
        match decoder.next_item().unwrap() {
            Item::End => break,
            Item::Function(_) => functions += 1,
            Item::Key(key) if key.database == 0 => {
                let name = String::from_utf8(key.entry.key().to_vec()).unwrap();
                assert_eq!(content(&key.entry.into_value()), content(&values[&name]), "{name}");
                found += 1;
            }
            Item::Key(key) if key.entry.key() == b"expiring" => expiry_ms = key.entry.expiry(),
            _ => {}
        }
    }
    assert_eq!((found, functions, expiry_ms), (values.len(), 1, Some(4_000_000_000_000)));
}

#[test]
fn redis_check_rdb_passes_our_file() {
    if Command::new("redis-check-rdb").arg("--version").output().is_err() {
        let _ =
            writeln!(std::io::stderr(), "SKIPPED: {}: no redis-check-rdb on this machine", module_path!());
        return;
    }
    let path = std::env::temp_dir().join(format!("rcl-store-check-{}.rdb", std::process::id()));
    std::fs::write(&path, our_file(true)).unwrap();
    let output = Command::new("redis-check-rdb").arg(Path::new(&path)).output().unwrap();
    std::fs::remove_file(&path).unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("Checksum OK"), "{text}");
}

/// What the same commands leave, tombstones and all, is the same to the byte.
#[test]
fn entries_are_laid_out_as_redis_lays_them_out() {
    let Some(mut redis) = Redis::start(None) else { return };
    redis.call(&["CONFIG", "SET", "rdbcompression", "no"]);
    let limits = Limits::default();
    let mut stream = Stream::new();
    let id = |index: u64| StreamId::new(1_700_000_000_000 + index * 40, index % 2);
    let texts =
        ["v", "", "127", "128", "-4097", "40000", "9999999", "-1", "a text of some length that is no number"];
    for index in 1..=500u64 {
        let value = texts[index as usize % texts.len()].repeat(1 + index as usize % 3 * 20);
        let field = if index % 7 == 0 { "of its own" } else { "field" };
        let pairs = [(field.as_bytes(), value.as_bytes()), (b"second", b"12")];
        let given = pairs.into_iter().take(1 + usize::from(index % 11 == 0));
        let at = id(index).to_string();
        let words = given.clone().flat_map(|(field, value)| [field, value]);
        let request: Vec<&[u8]> = [&b"XADD"[..], b"s", at.as_bytes()].into_iter().chain(words).collect();
        assert_eq!(redis.bytes(&request), at.as_bytes());
        stream.log.append(id(index), given, &limits).unwrap();
    }
    let steps = [
        ("XLEN s", TrimTo::Length(500), false),
        ("XTRIM s MAXLEN = 470", TrimTo::Length(470), false),
        ("XTRIM s MAXLEN ~ 400", TrimTo::Length(400), true),
    ];
    for (request, to, is_approximate) in steps {
        redis.call(&request.split(' ').collect::<Vec<_>>());
        stream.log.trim(&Trim { to, is_approximate, limit: 0 });
        let deleted: &[u64] = if is_approximate { &[100, 499, 321, 322, 1, 77] } else { &[] };
        for &index in deleted {
            redis.call(&["XDEL", "s", &id(index).to_string()]);
            stream.log.delete(&[id(index)]);
        }
        let theirs = redis.bytes(&["DUMP", "s"]);
        let ours = dump(ValueRef::Stream(&stream), false);
        assert_eq!(theirs.escape_ascii().to_string(), ours.escape_ascii().to_string(), "{request}");
    }
}
