//! What a key costs: nanoseconds per operation and bytes per key, for small strings spread over all 16384 slots.
//!
//! ```text
//! cargo run --release -p rcl-store --example keyspace_cost [KEYS] [VALUE_BYTES]
//! ```
//! Times are CPU times of this process (Linux), so that other work on the machine disturbs them little. For comparison, the same is done to
//! the standard library's map with a box for the key and one for the value. Bytes are the growth of the process's resident memory (Linux), so the allocator's overhead is in it. Times include hashing and
//! the slot's CRC16, for keys in random order.

#![allow(
    clippy::disallowed_methods,
    reason = "a measurement reads clock and files; the crate itself does not"
)]

use rcl_store::keyspace::{KeyHasher, Keyspace, Layout, ScanCursor, SetExpiry};
use rcl_store::snapshot::{Handed, Room, WalkBudget, WalkState};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse::<u64>().ok());
    let keys = arguments.next().unwrap_or(1_000_000);
    let value = vec![b'v'; arguments.next().unwrap_or(64) as usize];
    let hasher = KeyHasher::new(1);
    let layout = Layout::Shard { shard_index: 0, shard_count: 1 };
    let mut keyspace = Keyspace::new(layout, 1, hasher.clone());

    let before = resident_bytes();
    measure("hash and slot alone", keys, |number| hasher.key(&name(number)).slot().index() > 0);
    measure("set, new", keys, |number| {
        let name = name(number);
        keyspace.upsert_string(0, &hasher.key(&name), &value, SetExpiry::Clear, |_| true);
        true
    });
    let per_key = |bytes: usize| bytes as f64 / keys as f64;
    println!("{:<24}{:>10.1} bytes per key", "resident", per_key(resident_bytes().saturating_sub(before)));
    println!("{:<24}{:>10.1} bytes per key", "of it tables", per_key(keyspace.table_bytes(0)));
    let shuffled = |number: u64| (number * 2_654_435_761) % keys;
    measure("get, found", keys, |number| keyspace.find(0, &hasher.key(&name(shuffled(number)))).is_some());
    measure("get, absent", keys, |number| keyspace.find(0, &hasher.key(&name(number + keys))).is_none());
    measure("get and touch", keys, |number| {
        keyspace.find_and_touch(0, &hasher.key(&name(shuffled(number))), |clock| clock + 1).is_some()
    });
    measure("set, again", keys, |number| {
        let name = name(shuffled(number));
        keyspace.upsert_string(0, &hasher.key(&name), &value, SetExpiry::Clear, |_| true);
        true
    });
    let start_ns = cpu_time_ns();
    let (mut cursor, mut seen) = (Some(ScanCursor::START), 0u64);
    while let Some(at) = cursor {
        cursor = keyspace.scan(0, at, 10, |_| seen += 1);
    }
    report("scan, ten at a time", seen, start_ns);
    let start_ns = cpu_time_ns();
    let (mut handed, mut pieces, mut longest) = (Handed::default(), 0, 0);
    assert!(keyspace.begin_snapshot(Arc::new(Room::new(0))).is_ok());
    loop {
        let call = Instant::now();
        let state = keyspace.walk_snapshot(WalkBudget { entries: 256, bytes: 1 << 20 }, &mut handed);
        longest = longest.max(call.elapsed().as_micros());
        pieces += handed.len() as u64;
        handed.clear();
        if state.map(|walked| walked.state) != Ok(WalkState::More) {
            break;
        }
    }
    report("snapshot, 256 at a time", pieces, start_ns);
    println!("{:<24}{longest:>10} µs", "longest walk call");
    measure("remove", keys, |number| keyspace.remove(0, &hasher.key(&name(shuffled(number)))).existed());
    drop(keyspace);
    compare(keys, &value);
}

fn compare(keys: u64, value: &[u8]) {
    let mut map: HashMap<Box<[u8]>, Box<[u8]>> = HashMap::new();
    measure("HashMap: set, new", keys, |number| map.insert(name(number).into(), value.into()).is_none());
    let shuffled = |number: u64| (number * 2_654_435_761) % keys;
    measure("HashMap: get, found", keys, |number| map.contains_key(&name(shuffled(number))[..]));
    measure("HashMap: get, absent", keys, |number| !map.contains_key(&name(number + keys)[..]));
}

/// Sixteen bytes.
fn name(number: u64) -> [u8; 16] {
    let mut name = *b"key:000000000000";
    let mut left = number;
    for digit in name.iter_mut().rev().take(12) {
        *digit = b'0' + (left % 10) as u8;
        left /= 10;
    }
    name
}

fn measure(what: &str, count: u64, mut operation: impl FnMut(u64) -> bool) {
    let start_ns = cpu_time_ns();
    let done = (0..count).filter(|&number| operation(number)).count();
    report(what, count, start_ns);
    if done as u64 * 1000 < count * 999 {
        println!("    of which only {done} succeeded");
    }
}

fn report(what: &str, count: u64, start_ns: u64) {
    println!("{what:<24}{:>10.1} ns each", (cpu_time_ns() - start_ns) as f64 / count.max(1) as f64);
}

/// Nanoseconds that this process has spent on a processor.
fn cpu_time_ns() -> u64 {
    let schedstat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    schedstat.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
}

fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}
