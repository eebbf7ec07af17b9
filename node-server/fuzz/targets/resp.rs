//! Any bytes as a client's requests and as a server's replies. However they are cut into reads, the same requests are found
//! in them; and a request that was found is found again in what we would write for it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rcl_proto::resp::{Limits, Parsed, ProtocolError, Reply, RequestParser, encode_request};

const LIMITS: [Limits; 2] = [
    Limits { max_bulk_bytes: 1 << 20, authenticated: true },
    Limits { max_bulk_bytes: 1 << 20, authenticated: false },
];

type Requests = (Vec<Vec<Vec<u8>>>, Option<ProtocolError>);

/// What is found when the bytes come in reads of these lengths, over and over.
fn requests(bytes: &[u8], reads: &[usize], limits: Limits) -> Requests {
    let mut parser = RequestParser::new();
    let (mut start, mut end, mut found) = (0, 0, Vec::new());
    for length in reads.iter().cycle() {
        end = (end + length).min(bytes.len());
        loop {
            match parser.parse(&bytes[start..end], limits) {
                Ok(Parsed::Request { consumed }) => {
                    assert!(consumed > 0 && start + consumed <= end);
                    let args = parser.args(&bytes[start..end]);
                    found.push(args.iter().map(<[u8]>::to_vec).collect());
                    start += consumed;
                }
                Ok(Parsed::Incomplete { needed }) => {
                    assert!(needed > end - start, "it asks for more than there is");
                    break;
                }
                Err(error) => return (found, Some(error)),
            }
        }
        if end == bytes.len() {
            return (found, None);
        }
    }
    (found, None)
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&first, bytes)) = bytes.split_first() else { return };
    for limits in LIMITS {
        let whole = requests(bytes, &[bytes.len().max(1)], limits);
        let pieces = requests(bytes, &[usize::from(first % 16) + 1, usize::from(first / 16) + 1], limits);
        assert_eq!(whole, pieces);
        let mut written = Vec::new();
        let with_words = || whole.0.iter().filter(|request| !request.is_empty());
        for request in with_words() {
            encode_request(&mut written, request.iter().map(Vec::as_slice));
        }
        let (again, error) = requests(&written, &[written.len().max(1)], LIMITS[0]);
        assert!(again.iter().eq(with_words()) && error.is_none());
    }
    let mut rest = bytes;
    while let Ok(Some((_, length))) = Reply::parse(rest) {
        assert!(length > 0);
        rest = &rest[length..];
    }
});
