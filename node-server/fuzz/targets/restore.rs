//! Any bytes as a type and a value, in a payload whose version and checksum are right: an error, or a value that DUMP writes
//! in a way that gives the same value again, and on which every command works that is for its type.
#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use rcl_node::executor::in_memory::{Client, node_with};
use rcl_proto::resp::Reply;
use rcl_store::encoding::crc64::crc64;
use rcl_store::rdb;
use rcl_store::types::{Limits, Value};

/// What is done with what was restored. Those for other types are refused.
const USES: &[&str] = &[
    "TYPE k",
    "OBJECT ENCODING k",
    "MEMORY USAGE k",
    "SORT k ALPHA",
    "COPY k copy REPLACE",
    "GET k",
    "BITCOUNT k",
    "BITPOS k 1",
    "BITFIELD k INCRBY i64 3 5",
    "PFCOUNT k",
    "PFDEBUG DECODE k",
    "PFMERGE other k",
    "PFADD k a b c",
    "PFDEBUG GETREG k",
    "LCS k k LEN",
    "SETRANGE k 5 x",
    "INCRBYFLOAT k 1.5",
    "LRANGE k 0 -1",
    "LPOS k a COUNT 0",
    "LSET k 1 other",
    "LINSERT k BEFORE other more",
    "LREM k 0 a",
    "RPUSH k x 12 99999999999",
    "LMOVE k k LEFT RIGHT",
    "LTRIM k 1 -2",
    "RPOP k 2",
    "HGETALL k",
    "HSCAN k 0",
    "HRANDFIELD k -3 WITHVALUES",
    "HINCRBYFLOAT k a 1",
    "HSET k a 1 new 2",
    "HPEXPIRE k 100000 FIELDS 2 a new",
    "HPTTL k FIELDS 2 a b",
    "HPERSIST k FIELDS 1 a",
    "HDEL k a b",
    "SMEMBERS k",
    "SSCAN k 0",
    "SADD k 5 x 70000 9999999999",
    "SISMEMBER k 5",
    "SINTERSTORE other k k",
    "SRANDMEMBER k -3",
    "SREM k 5 x",
    "SPOP k 1",
    "ZRANGE k 0 -1 WITHSCORES",
    "ZSCAN k 0",
    "ZRANGEBYSCORE k -inf (3",
    "ZRANGEBYLEX k - +",
    "ZADD k 1.5 x 2 y",
    "ZRANK k x",
    "ZINCRBY k 3 x",
    "ZUNIONSTORE other 2 k k",
    "ZRANDMEMBER k -3",
    "GEOSEARCH k FROMLONLAT 0 0 BYRADIUS 20000 km",
    "ZREMRANGEBYRANK k 1 1",
    "ZPOPMAX k",
    "XLEN k",
    "XRANGE k - + COUNT 20",
    "XREVRANGE k + -",
    "XINFO STREAM k FULL",
    "XINFO GROUPS k",
    "XINFO CONSUMERS k g",
    "XADD k * a b",
    "XGROUP CREATE k new 0",
    "XREADGROUP GROUP g c COUNT 3 STREAMS k >",
    "XREADGROUP GROUP g c COUNT 3 STREAMS k 0",
    "XPENDING k g - + 10",
    "XCLAIM k g other 0 1-1 1-0",
    "XAUTOCLAIM k g other 0 0",
    "XACK k g 1-1",
    "XDEL k 1-1 1-0",
    "XTRIM k MAXLEN 1",
    "XGROUP DESTROY k g",
    "DUMP k",
    "RENAME k other",
    "DEL copy",
    "FLUSHALL",
];

thread_local! {
    static CLIENT: RefCell<Client> = RefCell::new(Client::new(&node_with(&["--proto-max-bulk-len", "1mb"], "")));
}

fn payload(body: &[u8]) -> Vec<u8> {
    let mut payload = body.to_vec();
    payload.extend_from_slice(&10_u16.to_le_bytes());
    let checksum = crc64(0, &payload);
    payload.extend_from_slice(&checksum.to_le_bytes());
    payload
}

fn restore(payload: &[u8]) -> Option<Value> {
    rdb::restore(payload, &Limits::default()).ok()
}

fuzz_target!(|bytes: &[u8]| {
    let payload = payload(bytes);
    let Some(value) = restore(&payload) else { return };
    for compress in [false, true] {
        let first = rdb::dump(value.as_ref(), compress);
        let again = restore(&first).expect("what DUMP writes is restored");
        assert_eq!(rdb::dump(again.as_ref(), compress).len(), first.len(), "writing is stable");
    }
    CLIENT.with_borrow_mut(|client| {
        client.request(&[&b"RESTORE"[..], b"k", b"0", &payload]);
        for line in USES {
            let reply = client.request(&line.split(' ').collect::<Vec<_>>()).expect("none of these waits");
            let parsed = Reply::parse(&reply).expect("a reply is well-formed");
            assert_eq!(parsed.map(|(_, length)| length), Some(reply.len()), "{line} answers once");
        }
    });
});
