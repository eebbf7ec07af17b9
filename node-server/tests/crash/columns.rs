//! What is written: columns of numbered writes, each in a key (or a few) of its own, in all types and in many ways.
//!
//! Write `n` of a column leaves a state that tells `n`. So whoever reads the column after a crash knows how many of its writes
//! are there; a state that no number of writes makes is told as such.

use rcl_proto::resp::Reply;

use crate::harness::server::Client;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Counter,
    Grown,
    List,
    Hash,
    FieldExpiry,
    ScriptedSet,
    SortedSet,
    Stream,
    Transaction,
    Script,
    LongLived,
    /// Gone again with each second write.
    Deleted,
    /// Gone after a moment.
    ShortLived,
    Popped,
    Bits,
    Renamed,
    Function,
    OtherDatabase,
}

pub const KINDS: [Kind; 19] = [
    Kind::Text,
    Kind::Counter,
    Kind::Grown,
    Kind::List,
    Kind::Hash,
    Kind::FieldExpiry,
    Kind::ScriptedSet,
    Kind::SortedSet,
    Kind::Stream,
    Kind::Transaction,
    Kind::Script,
    Kind::LongLived,
    Kind::Deleted,
    Kind::ShortLived,
    Kind::Popped,
    Kind::Bits,
    Kind::Renamed,
    Kind::Function,
    Kind::OtherDatabase,
];

#[derive(Clone, Debug)]
pub struct Column {
    pub kind: Kind,
    /// Those of one writer have a hash tag in common.
    pub key: String,
}

/// How many writes a column shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    Exactly(u64),
    /// It shows nothing: an even number.
    AnyEven,
    /// It shows nothing, which it does after a moment in any case.
    Any,
}

type Words = Vec<String>;

/// Year 2100.
const FAR_MS: u64 = 4_102_444_800_000;

impl Column {
    pub fn new(kind: Kind, writer: usize) -> Column {
        Column { kind, key: format!("{{w{writer}}}{kind:?}") }
    }

    /// The commands of write `n`, from 1. They get an answer each, and none is an error.
    pub fn write(&self, n: u64) -> Vec<Words> {
        let key = self.key.as_str();
        let (other, number) = (format!("{key}:2"), n.to_string());
        let (other, number) = (other.as_str(), number.as_str());
        match self.kind {
            Kind::Text => vec![words(&["SET", key, &text(n)])],
            Kind::Counter => vec![words(&["INCR", key])],
            Kind::Grown if n.is_multiple_of(50) => vec![words(&["SET", key, &format!("{n},")])],
            Kind::Grown => vec![words(&["APPEND", key, &format!("{n},")])],
            Kind::List if n.is_multiple_of(20) => {
                transaction(&[&["RPUSH", key, number], &["LTRIM", key, "-30", "-1"]])
            }
            Kind::List => vec![words(&["RPUSH", key, number])],
            Kind::Hash => vec![words(&["HSET", key, &field(n), number])],
            Kind::FieldExpiry => transaction(&[
                &["HSET", key, "n", number],
                &["HPEXPIREAT", key, &(FAR_MS + n).to_string(), "FIELDS", "1", "n"],
            ]),
            Kind::ScriptedSet => {
                let script =
                    "redis.call('SADD', KEYS[1], ARGV[1]) redis.call('SREM', KEYS[1], ARGV[2]) return 1";
                vec![words(&["EVAL", script, "1", key, number, &n.saturating_sub(16).to_string()])]
            }
            Kind::SortedSet => vec![words(&["ZADD", key, number, &field(n)])],
            Kind::Stream => {
                vec![words(&["XADD", key, "MAXLEN", "=", "40", &format!("{n}-1"), "n", number])]
            }
            Kind::Transaction => transaction(&[&["SET", key, number], &["INCR", other]]),
            Kind::Script => {
                let script =
                    "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('HSET', KEYS[2], 'n', ARGV[1])";
                vec![words(&["EVAL", script, "2", key, other, number])]
            }
            Kind::LongLived => vec![words(&["SET", key, number, "PXAT", &(FAR_MS + n).to_string()])],
            Kind::Deleted if n.is_multiple_of(2) => vec![words(&["DEL", key])],
            Kind::Deleted => vec![words(&["SET", key, number])],
            Kind::ShortLived => vec![words(&["SET", key, number, "PX", "30"])],
            Kind::Popped if n.is_multiple_of(100) => transaction(&[&["INCR", other], &["DEL", key]]),
            Kind::Popped if n.is_multiple_of(2) => transaction(&[&["INCR", other], &["SPOP", key]]),
            Kind::Popped => {
                transaction(&[&["INCR", other], &["SADD", key, &format!("{n}a"), &format!("{n}b")]])
            }
            Kind::Bits => vec![words(&["SETBIT", key, number, "1"])],
            Kind::Renamed => transaction(&[&["SET", other, number], &["RENAME", other, key]]),
            Kind::Function => vec![words(&["FUNCTION", "LOAD", "REPLACE", &self.library(n)])],
            Kind::OtherDatabase => {
                vec![words(&["SELECT", "1"]), words(&["SET", key, number]), words(&["SELECT", "0"])]
            }
        }
    }

    fn library(&self, n: u64) -> String {
        let name: String = self.key.chars().filter(char::is_ascii_alphanumeric).collect();
        format!("#!lua name={name}\nredis.register_function('{name}', function() return '{n}' end)")
    }

    /// How many writes it shows.
    pub fn read(&self, client: &mut Client) -> Result<Found, String> {
        let key = self.key.as_str();
        let other = format!("{key}:2");
        let mut ask = |line: &[&str]| flat(&client.call(line));
        let n = match self.kind {
            Kind::Deleted => {
                let shown = ask(&["GET", key]);
                if shown.is_empty() {
                    return Ok(Found::AnyEven);
                }
                let n = single(&shown)?;
                expect(n % 2 == 1, &shown)?;
                n
            }
            Kind::ShortLived => {
                let shown = ask(&["GET", key]);
                if shown.is_empty() {
                    return Ok(Found::Any);
                }
                single(&shown)?
            }
            Kind::Text => {
                let shown = ask(&["GET", key]);
                let n = shown.first().and_then(|text| text.split(' ').next()).map_or(Ok(0), number)?;
                expect(n == 0 || shown == [text(n)], &shown)?;
                n
            }
            Kind::Counter => single(&ask(&["GET", key]))?,
            Kind::Grown => {
                let shown = ask(&["GET", key]).concat();
                let n = shown.split_terminator(',').next_back().map_or(Ok(0), number)?;
                let expected: String = ((n - n % 50).max(1)..=n).map(|n| format!("{n},")).collect();
                expect(shown == expected, &[shown])?;
                n
            }
            Kind::List => {
                let shown = ask(&["LRANGE", key, "0", "-1"]);
                let n = shown.last().map_or(Ok(0), |last| number(last))?;
                let first = (n - n % 20).saturating_sub(29).max(1);
                expect(shown == (first..=n).map(|n| n.to_string()).collect::<Vec<_>>(), &shown)?;
                n
            }
            Kind::Hash => latest_of_each(&ask(&["HGETALL", key]))?,
            Kind::SortedSet => latest_of_each(&ask(&["ZRANGE", key, "0", "-1", "WITHSCORES"]))?,
            Kind::FieldExpiry => {
                let n = single(&ask(&["HGET", key, "n"]))?;
                let ends = ask(&["HPEXPIRETIME", key, "FIELDS", "1", "n"]);
                expect(n == 0 || ends == [(FAR_MS + n).to_string()], &ends)?;
                n
            }
            Kind::ScriptedSet => {
                let shown = ask(&["SMEMBERS", key]);
                let mut numbers = shown.iter().map(|n| number(n)).collect::<Result<Vec<_>, _>>()?;
                numbers.sort_unstable();
                let n = numbers.last().copied().unwrap_or(0);
                expect(numbers == (n.saturating_sub(15).max(1)..=n).collect::<Vec<_>>(), &shown)?;
                n
            }
            Kind::Stream => {
                let shown = ask(&["XREVRANGE", key, "+", "-", "COUNT", "1"]);
                let n = shown.last().map_or(Ok(0), |last| number(last))?;
                let length = ask(&["XLEN", key]);
                expect(length == [n.min(40).to_string()], &[shown, length].concat())?;
                n
            }
            Kind::Transaction => {
                let (one, two) = (single(&ask(&["GET", key]))?, single(&ask(&["GET", &other]))?);
                expect(one == two, &[format!("{one} and {two}")])?;
                one
            }
            Kind::Script => {
                let (one, two) = (single(&ask(&["GET", key]))?, single(&ask(&["HGET", &other, "n"]))?);
                expect(one == two, &[format!("{one} and {two}")])?;
                one
            }
            Kind::LongLived => {
                let (n, end) = (single(&ask(&["GET", key]))?, ask(&["PEXPIRETIME", key]));
                expect(n == 0 || end == [(FAR_MS + n).to_string()], &end)?;
                n
            }
            Kind::Popped => {
                let (n, size) = (single(&ask(&["GET", &other]))?, single(&ask(&["SCARD", key]))?);
                let since = n % 100;
                let expected = since.div_ceil(2) + since % 2;
                expect(size == expected, &[format!("{size} members after {n} writes")])?;
                n
            }
            Kind::Bits => {
                let (n, size) = (single(&ask(&["BITCOUNT", key]))?, ask(&["STRLEN", key]));
                expect(n == 0 || size == [(n / 8 + 1).to_string()], &size)?;
                n
            }
            Kind::Renamed => {
                let left = ask(&["EXISTS", &other]);
                expect(left == ["0"], &left)?;
                single(&ask(&["GET", key]))?
            }
            Kind::Function => {
                let name = key.replace(['{', '}'], "");
                let shown = ask(&["FCALL", &name, "0"]);
                if shown.iter().any(|text| text.contains("Function not found")) { 0 } else { single(&shown)? }
            }
            Kind::OtherDatabase => {
                ask(&["SELECT", "1"]);
                let n = single(&ask(&["GET", key]))?;
                ask(&["SELECT", "0"]);
                n
            }
        };
        Ok(Found::Exactly(n))
    }
}

fn words(words: &[&str]) -> Words {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn transaction(commands: &[&[&str]]) -> Vec<Words> {
    let inside = commands.iter().map(|command| words(command));
    std::iter::once(words(&["MULTI"])).chain(inside).chain([words(&["EXEC"])]).collect()
}

/// Of many sizes.
fn text(n: u64) -> String {
    format!("{n} {}", "x".repeat((n % 7 * n % 301) as usize))
}

fn field(n: u64) -> String {
    format!("f{}", n % 16)
}

/// All texts in an answer, in their order; nothing for nothing.
fn flat(reply: &Reply) -> Vec<String> {
    match reply {
        Reply::Array(elements) => elements.iter().flat_map(flat).collect(),
        Reply::Bulk(bytes) => vec![String::from_utf8_lossy(bytes).into_owned()],
        Reply::Simple(text) | Reply::Error(text) => vec![text.clone()],
        Reply::Integer(number) => vec![number.to_string()],
        _ => Vec::new(),
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("'{text}' was never written"))
}

fn single(shown: &[String]) -> Result<u64, String> {
    match shown {
        [] => Ok(0),
        [one] => number(one),
        more => Err(format!("{more:?} was never there")),
    }
}

fn expect(holds: bool, shown: &[String]) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("{shown:?} was never there")) }
}

/// Of fields and numbers: each field has the last number that went to it.
fn latest_of_each(shown: &[String]) -> Result<u64, String> {
    let mut pairs = Vec::new();
    for pair in shown.chunks(2) {
        let [field, n] = pair else { return Err(format!("{shown:?} was never there")) };
        pairs.push((number(n)?, field.clone()));
    }
    pairs.sort();
    let n = pairs.last().map_or(0, |(n, _)| *n);
    let expected: Vec<_> = (n.saturating_sub(15).max(1)..=n).map(|n| (n, field(n))).collect();
    expect(pairs == expected, shown)?;
    Ok(n)
}
