//! A directive's value, and how it is parsed from words by its `Kind`. How it is printed: `print.rs`.
//!
//! The error texts are Redis's own, since clients see them behind "CONFIG SET failed …". Two inputs are refused that
//! Redis takes for a number: a memory size without digits (which it reads as 0) and one that overflows.

use super::directive::{Kind, Notation};
use crate::pubsub::EventClasses;
use std::borrow::Cow;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    YesNo(bool),
    /// Every number of the table fits, the unsigned 64-bit ones too.
    Number(i128),
    Percent(u64),
    Choice(&'static str),
    /// In the table's order; empty stands for the first word.
    Flags(Vec<&'static str>),
    Text(Vec<u8>),
    Save(Vec<SavePoint>),
    Bind(Vec<Vec<u8>>),
    OutputBufferLimit([OutputBufferLimit; 3]),
    OomScores([i64; 3]),
    ReplicaOf(Option<(Vec<u8>, u16)>),
    Percentiles(Vec<f64>),
}

/// Save when at least `changes` keys changed and `seconds` went by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavePoint {
    pub seconds: u64,
    pub changes: u64,
}

/// A client is closed above `hard_bytes`, or when above `soft_bytes` for `soft_seconds`; 0 bytes is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct OutputBufferLimit {
    pub hard_bytes: u64,
    pub soft_bytes: u64,
    pub soft_seconds: u64,
}

/// The classes of client-output-buffer-limit: as CONFIG GET names them, and as CONFIG REWRITE does.
pub(super) const CLASSES: [(&str, &str); 3] =
    [("normal", "normal"), ("slave", "replica"), ("pubsub", "pubsub")];
const BIND_ADDRESSES_MAX: usize = 16;

/// What parsing looks at besides the words.
pub struct ParseContext<'a> {
    /// The value so far: a directive may set a part of it.
    pub current: &'a Value,
    /// What a relative `dir` is relative to.
    pub directory: &'a Path,
}

type Parsed = Result<Value, Cow<'static, str>>;

/// Parses the words of one line (or the split value of a CONFIG SET).
pub fn parse(kind: Kind, words: &[Vec<u8>], context: &ParseContext) -> Parsed {
    match kind {
        Kind::Flags(known) => parse_flags(known, words),
        Kind::Save => parse_save(words),
        Kind::Bind => parse_bind(words),
        Kind::OutputBufferLimit => parse_output_limits(words, context.current),
        Kind::OomScores => parse_oom_scores(words),
        Kind::ReplicaOf => parse_replica_of(words),
        Kind::Percentiles => parse_percentiles(words),
        _ => match words {
            [word] => parse_word(kind, word, context),
            _ => Err("wrong number of arguments".into()),
        },
    }
}

fn parse_word(kind: Kind, word: &[u8], context: &ParseContext) -> Parsed {
    match kind {
        Kind::YesNo if word.eq_ignore_ascii_case(b"yes") => Ok(Value::YesNo(true)),
        Kind::YesNo if word.eq_ignore_ascii_case(b"no") => Ok(Value::YesNo(false)),
        Kind::YesNo => Err("argument must be 'yes' or 'no'".into()),
        Kind::Number { notation, low, high } => parse_number(notation, low, high, word),
        Kind::Choice(known) => find_word(known, word).map(Value::Choice).ok_or_else(|| one_of(known)),
        Kind::Text(check) => check(word).map(|()| Value::Text(word.to_vec())).map_err(Cow::Borrowed),
        Kind::KeyspaceEvents => parse_keyspace_events(word),
        Kind::Directory => parse_directory(word, context.directory),
        _ => Err("wrong number of arguments".into()),
    }
}

fn parse_number(notation: Notation, low: i128, high: i128, word: &[u8]) -> Parsed {
    let memory = matches!(notation, Notation::Memory | Notation::MemoryOrPercent);
    let number = match notation {
        Notation::Decimal => parse_integer(word).map(i128::from),
        Notation::Octal => {
            std::str::from_utf8(word).ok().and_then(|text| i64::from_str_radix(text, 8).ok()).map(i128::from)
        }
        Notation::Memory | Notation::MemoryOrPercent => parse_memory(word).map(i128::from),
    };
    if number.is_none()
        && notation == Notation::MemoryOrPercent
        && let Some(percent) = word.strip_suffix(b"%").and_then(parse_integer).filter(|percent| *percent >= 0)
    {
        return if percent > 100 {
            Err("percentage argument must be less or equal to 100".into())
        } else {
            Ok(Value::Percent(percent.unsigned_abs()))
        };
    }
    let number = number.ok_or(match notation {
        Notation::Decimal => "argument couldn't be parsed into an integer",
        Notation::Octal => "argument couldn't be parsed as an octal number",
        Notation::Memory => "argument must be a memory value",
        Notation::MemoryOrPercent => "argument must be a memory or percent value",
    })?;
    if (low..=high).contains(&number) {
        return Ok(Value::Number(number));
    }
    let low = if memory { low.max(0) } else { low };
    Err(match notation {
        Notation::Octal => format!("argument must be between {low:o} and {high:o} inclusive"),
        _ => format!("argument must be between {low} and {high} inclusive"),
    }
    .into())
}

/// An integer as Redis reads it: no plus sign, no leading zero, no white space, no `-0`.
pub fn parse_integer(word: &[u8]) -> Option<i64> {
    let digits = word.strip_prefix(b"-").unwrap_or(word);
    let plain = match digits {
        [b'0'] => word.len() == 1,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if !plain {
        return None;
    }
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// Bytes with an optional unit: `100`, `1k` (1000), `1kb` (1024), and so for m and g; the case doesn't matter.
pub fn parse_memory(word: &[u8]) -> Option<u64> {
    let digits = word.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, unit) = word.split_at_checked(digits)?;
    let factor: u64 = match unit.to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1000,
        b"kb" => 1 << 10,
        b"m" => 1_000_000,
        b"mb" => 1 << 20,
        b"g" => 1_000_000_000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    std::str::from_utf8(number).ok()?.parse::<u64>().ok()?.checked_mul(factor)
}

/// The first spelling of the choice that the word is.
fn find_word(known: &'static [&'static str], word: &[u8]) -> Option<&'static str> {
    let choice = known
        .iter()
        .find(|choice| choice.split('|').any(|name| name.as_bytes().eq_ignore_ascii_case(word)))?;
    choice.split('|').next()
}

fn one_of(known: &[&str]) -> Cow<'static, str> {
    let names: Vec<&str> = known.iter().flat_map(|choice| choice.split('|')).collect();
    format!("argument(s) must be one of the following: {}", names.join(", ")).into()
}

fn parse_flags(known: &'static [&'static str], words: &[Vec<u8>]) -> Parsed {
    if words.is_empty() {
        return Err(one_of(known));
    }
    for word in words {
        find_word(known, word).ok_or_else(|| one_of(known))?;
    }
    let is_set = |name: &&str| words.iter().any(|word| name.as_bytes().eq_ignore_ascii_case(word));
    let flags: Vec<&'static str> = known.iter().skip(1).copied().filter(is_set).collect();
    if flags.contains(&"save") && flags.contains(&"nosave") {
        return Err("shutdown options SAVE and NOSAVE can't be used simultaneously".into());
    }
    Ok(Value::Flags(flags))
}

fn parse_save(words: &[Vec<u8>]) -> Parsed {
    const INVALID: &str = "Invalid save parameters";
    if let [only] = words
        && only.is_empty()
    {
        return Ok(Value::Save(Vec::new()));
    }
    let mut points = Vec::new();
    for pair in words.chunks(2) {
        let [seconds, changes] = pair else { return Err(INVALID.into()) };
        let seconds = parse_integer(seconds).filter(|seconds| *seconds >= 1).ok_or(INVALID)?;
        let changes = parse_integer(changes).filter(|changes| *changes >= 0).ok_or(INVALID)?;
        points.push(SavePoint { seconds: seconds.unsigned_abs(), changes: changes.unsigned_abs() });
    }
    Ok(Value::Save(points))
}

fn parse_bind(words: &[Vec<u8>]) -> Parsed {
    match words {
        [only] if only.is_empty() => Ok(Value::Bind(Vec::new())),
        _ if words.len() > BIND_ADDRESSES_MAX => Err("Too many bind addresses specified.".into()),
        // Redis takes it, and then fails to listen on it.
        _ if !words.iter().all(is_bare_word) => {
            Err("an address has no blanks or quotes and is not empty".into())
        }
        _ => Ok(Value::Bind(words.to_vec())),
    }
}

/// True when a line holds the word as it is, without quotes.
fn is_bare_word(word: &Vec<u8>) -> bool {
    rcl_proto::words::split(word).is_some_and(|words| words.iter().eq([word]))
}

fn parse_output_limits(words: &[Vec<u8>], current: &Value) -> Parsed {
    let mut limits = match current {
        Value::OutputBufferLimit(limits) => *limits,
        _ => Default::default(),
    };
    for group in words.chunks(4) {
        let [class, hard, soft, seconds] = group else {
            return Err("Wrong number of arguments in buffer limit configuration.".into());
        };
        let is_class = |(name, written): &(&str, &str)| {
            class.eq_ignore_ascii_case(name.as_bytes()) || class.eq_ignore_ascii_case(written.as_bytes())
        };
        let limit = CLASSES.iter().position(is_class).and_then(|class| limits.get_mut(class));
        let limit = limit.ok_or("Invalid client class specified in buffer limit configuration.")?;
        let parsed = || {
            Some(OutputBufferLimit {
                hard_bytes: parse_memory(hard)?,
                soft_bytes: parse_memory(soft)?,
                soft_seconds: parse_integer(seconds)?.try_into().ok()?,
            })
        };
        *limit =
            parsed().ok_or("Error in hard, soft or soft_seconds setting in buffer limit configuration.")?;
    }
    Ok(Value::OutputBufferLimit(limits))
}

fn parse_oom_scores(words: &[Vec<u8>]) -> Parsed {
    let words: &[Vec<u8>; 3] = words.try_into().map_err(|_| "wrong number of arguments")?;
    let mut scores = [0; 3];
    for (score, word) in scores.iter_mut().zip(words) {
        *score = parse_integer(word)
            .filter(|score| (-2000..=2000).contains(score))
            .ok_or("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")?;
    }
    Ok(Value::OomScores(scores))
}

fn parse_keyspace_events(word: &[u8]) -> Parsed {
    EventClasses::parse(word)
        .map(|classes| Value::Text(classes.text()))
        .ok_or_else(|| "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.".into())
}

fn parse_replica_of(words: &[Vec<u8>]) -> Parsed {
    let [host, port] = words else { return Err("wrong number of arguments".into()) };
    if host.eq_ignore_ascii_case(b"no") && port.eq_ignore_ascii_case(b"one") {
        return Ok(Value::ReplicaOf(None));
    }
    let port = parse_integer(port).and_then(|port| u16::try_from(port).ok()).ok_or("Invalid master port")?;
    Ok(Value::ReplicaOf(Some((host.clone(), port))))
}

fn parse_percentiles(words: &[Vec<u8>]) -> Parsed {
    if let [only] = words
        && only.is_empty()
    {
        return Ok(Value::Percentiles(Vec::new()));
    }
    let mut percentiles = Vec::new();
    for word in words {
        let number = std::str::from_utf8(word).ok().and_then(|text| text.parse::<f64>().ok());
        let number = number
            .filter(|number| !number.is_nan())
            .ok_or("Invalid latency-tracking-info-percentiles parameters")?;
        if !(0.0..=100.0).contains(&number) {
            return Err("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]".into());
        }
        percentiles.push(number);
    }
    Ok(Value::Percentiles(percentiles))
}

/// `dir` is resolved when it is set, as Redis changes its working directory at that moment.
fn parse_directory(word: &[u8], directory: &Path) -> Parsed {
    let path: PathBuf = directory.join(std::ffi::OsStr::from_bytes(word));
    let found = if word.is_empty() {
        Err(std::io::Error::from_raw_os_error(libc::ENOENT))
    } else {
        std::fs::canonicalize(&path)
    };
    match found {
        Ok(path) if path.is_dir() => Ok(Value::Text(path.as_os_str().as_bytes().to_vec())),
        Ok(_) => Err(system_text(&std::io::Error::from_raw_os_error(libc::ENOTDIR)).into()),
        Err(error) => Err(system_text(&error).into()),
    }
}

/// The system's text alone, as strerror gives it.
fn system_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_string()
}
