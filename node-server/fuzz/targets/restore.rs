//! Any bytes as a type and a value, in a payload whose version and checksum are right: an error, or a value that DUMP writes
//! in a way that gives the same value again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rcl_store::encoding::crc64::crc64;
use rcl_store::rdb;
use rcl_store::types::{Limits, Value};

fn restore(body: &[u8], version: u16) -> Option<Value> {
    let mut payload = body.to_vec();
    payload.extend_from_slice(&version.to_le_bytes());
    let checksum = crc64(0, &payload);
    payload.extend_from_slice(&checksum.to_le_bytes());
    rdb::restore(&payload, &Limits::default()).ok()
}

fuzz_target!(|bytes: &[u8]| {
    let Some(value) = restore(bytes, 10) else { return };
    for compress in [false, true] {
        let first = rdb::dump(value.as_ref(), compress);
        let again = rdb::restore(&first, &Limits::default()).expect("what DUMP writes is restored");
        assert_eq!(rdb::dump(again.as_ref(), compress).len(), first.len(), "writing is stable");
    }
});
