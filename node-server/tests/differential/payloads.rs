//! What RESTORE is given: a value of each way in which Redis writes values, as DUMP wraps it.

use rcl_store::encoding::crc64::crc64;

/// Types and values, without what is behind them. The fuzzer begins with the same.
pub const BODIES: &[&[u8]] = &[
    include_bytes!("../../fuzz/seeds/restore/str"),
    include_bytes!("../../fuzz/seeds/restore/int"),
    include_bytes!("../../fuzz/seeds/restore/lzf"),
    include_bytes!("../../fuzz/seeds/restore/list"),
    include_bytes!("../../fuzz/seeds/restore/set"),
    include_bytes!("../../fuzz/seeds/restore/intset"),
    include_bytes!("../../fuzz/seeds/restore/hash"),
    include_bytes!("../../fuzz/seeds/restore/bighash"),
    include_bytes!("../../fuzz/seeds/restore/zset"),
    include_bytes!("../../fuzz/seeds/restore/bigzset"),
    include_bytes!("../../fuzz/seeds/restore/stream"),
];

const VERSION: u16 = 10;

/// The value with version and checksum behind it; `is_spoilt` changes a byte of it afterwards.
pub fn payload(body: &[u8], is_spoilt: bool) -> Vec<u8> {
    let mut payload = body.to_vec();
    payload.extend_from_slice(&VERSION.to_le_bytes());
    let checksum = crc64(0, &payload);
    payload.extend_from_slice(&checksum.to_le_bytes());
    if is_spoilt {
        let middle = payload.len() / 2;
        payload[middle] ^= 1;
    }
    payload
}
