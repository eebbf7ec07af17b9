//! Keys of all types, as a busy node has them: most are small, a few are big, each seventh ends one day.
//!
//! ```text
//! of 100 keys   40 strings of 64 bytes, 5 numbers, 5 texts of 600 bytes
//!               16 hashes of 8 fields, 2 of 100, 8 lists of 10 elements, 1 of 200
//!               6 sets of 10 integers, 6 of 10 words, 6 sorted sets of 10 members, 1 of 200, 4 streams, which several share
//! of 1000       1 hash of 500 long values, 1 set of 1000 words
//! ```

/// The words of one request.
pub type Words = Vec<Vec<u8>>;

/// The requests that make key number `index`.
pub fn requests(index: usize) -> Vec<Words> {
    let name = format!("mixed:{index:09}");
    let words = match (index % 1000, index % 100) {
        (500, _) => {
            pairs("HSET", &name, 500, |n| [field(n), format!("{}{}", long(index, n), long(n, index))])
        }
        (501, _) => singles("SADD", &name, 1000, |n| format!("member:{:x}", mixed(index, n))),
        (_, 0..40) => vec!["SET".into(), name.clone(), long(index, 0)],
        (_, 40..45) => vec!["SET".into(), name.clone(), (mixed(index, 0) >> 40).to_string()],
        (_, 45..50) => vec!["SET".into(), name.clone(), text(index)],
        (_, 50..66) => pairs("HSET", &name, 8, |n| [field(n), short(index, n)]),
        (_, 66..68) => {
            pairs("HSET", &name, 100, |n| [field(n), format!("{}:{}", short(index, n), short(n, index))])
        }
        (_, 68..76) => singles("RPUSH", &name, 10, |n| short(index, n)),
        (_, 76) => singles("RPUSH", &name, 200, |n| format!("{}:{}", short(index, n), short(n, index))),
        (_, 77..83) => singles("SADD", &name, 10, |n| (mixed(index, n) >> 44).to_string()),
        (_, 83..89) => singles("SADD", &name, 10, |n| format!("member:{:x}", mixed(index, n) >> 32)),
        (_, 89..95) => pairs("ZADD", &name, 10, |n| [score(index, n), short(n, index)]),
        (_, 95) => pairs("ZADD", &name, 200, |n| [score(index, n), short(n, index)]),
        _ => return vec![entry(index)],
    };
    let mut requests = vec![bytes(words)];
    if index.is_multiple_of(7) {
        requests.push(bytes(vec!["PEXPIREAT".into(), name, END_MS.into()]));
    }
    requests
}

/// In the year 2100.
const END_MS: &str = "4102444800000";

/// Streams have some ten entries each.
fn entry(index: usize) -> Words {
    let id = format!("{}-1", index + 1);
    let name = format!("stream:{:06}", index / 250);
    bytes(vec!["XADD".into(), name, id, "field".into(), short(index, 1), "other".into(), short(index, 2)])
}

fn bytes(words: Vec<String>) -> Words {
    words.into_iter().map(String::into_bytes).collect()
}

fn singles(command: &str, name: &str, count: usize, element: impl Fn(usize) -> String) -> Vec<String> {
    [command.to_owned(), name.to_owned()].into_iter().chain((0..count).map(element)).collect()
}

fn pairs(command: &str, name: &str, count: usize, pair: impl Fn(usize) -> [String; 2]) -> Vec<String> {
    [command.to_owned(), name.to_owned()].into_iter().chain((0..count).flat_map(pair)).collect()
}

fn field(number: usize) -> String {
    format!("field:{number}")
}

fn score(index: usize, number: usize) -> String {
    let score = mixed(index, number) >> 40;
    if number.is_multiple_of(3) { score.to_string() } else { format!("{score}.25") }
}

/// Of 16 bytes.
fn short(index: usize, number: usize) -> String {
    format!("{:016x}", mixed(index, number))
}

/// Of 64 bytes.
fn long(index: usize, number: usize) -> String {
    (0..4).map(|part| short(index, 4 * number + part)).collect()
}

/// 600 bytes that can be compressed.
fn text(index: usize) -> String {
    let words = ["redis", "cluster", "node", "slot", "replica", "epoch", "failover", "key"];
    let mut text = String::new();
    for number in 0.. {
        if text.len() >= 600 {
            break;
        }
        text += words[mixed(index, number) as usize % words.len()];
        text += " ";
    }
    text
}

/// The generator splitmix64, at a place of its own for each two numbers.
fn mixed(index: usize, number: usize) -> u64 {
    let state = (index as u64) << 20 ^ number as u64;
    let state = state.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}
