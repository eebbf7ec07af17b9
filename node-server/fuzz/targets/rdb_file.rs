//! Any bytes as a whole RDB file, as they are and with a checksum that is right: an error, or data that can be walked. Whether
//! a file is taken does not depend on how it is read: item by item as it comes, or cut into runs.
#![no_main]

use std::cell::RefCell;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use rcl_node::executor::in_memory::{Client, node_with};
use rcl_node::node::Node;
use rcl_node::persistence::load::{LoadError, Loader};
use rcl_store::encoding::crc64::crc64;
use rcl_store::rdb::{FileDecoder, Item, RdbError};
use rcl_store::types::Limits;

thread_local! {
    static CLIENT: RefCell<(Arc<Node>, Client)> = {
        let node = node_with(&["--proto-max-bulk-len", "1mb"], "");
        RefCell::new((node.clone(), Client::new(&node)))
    };
}

/// How many keys there are, read as they come.
fn keys_of(file: &[u8]) -> Result<u64, RdbError> {
    let mut decoder = FileDecoder::new(file, Limits::default());
    let mut keys = 0;
    loop {
        match decoder.next_item()? {
            Item::End => return Ok(keys),
            Item::Key(_) => keys += 1,
            _ => {}
        }
    }
}

fn check(file: &[u8]) {
    let expected = keys_of(file);
    CLIENT.with_borrow_mut(|(node, client)| {
        node.persistence.loading.begin(file.len() as u64);
        match (Loader::new(node, file, false).load_all(|| Ok(())), expected) {
            (Ok(loaded), Ok(keys)) => {
                assert_eq!(loaded.keys, keys);
                client.request(&[&b"DEBUG"[..], b"DIGEST"]);
                client.request(&[&b"KEYS"[..], b"*"]);
            }
            // Two errors may be in a file, of which each way tells the first that it comes to.
            (Err(_), Err(_)) => {}
            (Err(LoadError::Rdb { error, .. }), Ok(_)) => {
                panic!("read as it comes, but not in runs: {error}")
            }
            // A key twice, a library that is none, a database that there is not.
            (Err(_), Ok(_)) => {}
            (Ok(_), Err(error)) => panic!("in runs, but not read as it comes: {error}"),
        }
        client.request(&[b"FLUSHALL"]);
        client.request(&[&b"FUNCTION"[..], b"FLUSH"]);
    });
}

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    let mut signed = bytes.to_vec();
    signed.push(0xFF);
    let checksum = crc64(0, &signed);
    signed.extend_from_slice(&checksum.to_le_bytes());
    check(&signed);
});
