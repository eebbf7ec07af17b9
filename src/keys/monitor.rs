//! Which keys clients use, by MONITOR: for a bounded time, since a node that tells of every command does less else.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Write};
use std::time::{Duration, Instant};

use rcl_proto::Address;
use rcl_proto::resp::{Reply, encode_request};

use crate::cli::{Failure, Kind};
use crate::connect::{BlockingStream, Connector, Link, LinkError, Words, explain};

/// How often it is looked whether the time is up.
const GLANCE: Duration = Duration::from_millis(100);
/// A line longer than this is not kept whole: its first words say enough.
const LONGEST_LINE: u64 = 1 << 20;

/// Where a command's keys are, as COMMAND says: first, last (negative: from the end), step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Places {
    first: usize,
    last: i64,
    step: usize,
}

/// The commands of a node whose keys stand at fixed places.
#[derive(Clone, Debug, Default)]
pub struct KeyPlaces(HashMap<String, Places>);

impl KeyPlaces {
    pub async fn ask(link: &Link) -> Result<KeyPlaces, Failure> {
        let reply = link.call(Words::of(&["COMMAND"])).await?;
        let Reply::Array(commands) = &reply else {
            return Err(link.unexpected(&Words::of(&["COMMAND"]), &reply).into());
        };
        Ok(KeyPlaces(commands.iter().filter_map(places).collect()))
    }

    /// The keys of a command; `None` when they stand where only the node can tell, or there are none.
    pub fn of<'a>(&self, words: &'a [Vec<u8>]) -> Option<Vec<&'a [u8]>> {
        let name = String::from_utf8_lossy(words.first()?).to_lowercase();
        let places = self.0.get(&name)?;
        let count = words.len() as i64;
        let last = if places.last < 0 { count + places.last } else { places.last };
        let last = usize::try_from(last).unwrap_or(0).min(words.len().saturating_sub(1));
        let keys = (places.first..=last).step_by(places.step);
        Some(keys.filter_map(|place| words.get(place).map(Vec::as_slice)).collect())
    }
}

/// `name, arity, flags, first key, last key, step, …`; `None` when its keys may stand elsewhere, too.
fn places(command: &Reply) -> Option<(String, Places)> {
    let Reply::Array(parts) = command else { return None };
    let [name, _, flags, Reply::Integer(first), Reply::Integer(last), Reply::Integer(step), ..] =
        parts.as_slice()
    else {
        return None;
    };
    let name = String::from_utf8_lossy(name.as_bytes()?).to_lowercase();
    let is_movable = |flag: &Reply| matches!(flag, Reply::Simple(flag) if flag == "movablekeys");
    if matches!(flags, Reply::Array(flags) if flags.iter().any(is_movable)) {
        return None;
    }
    let (first, step) = (usize::try_from(*first).ok()?, usize::try_from(*step).ok()?);
    (first > 0 && step > 0).then_some((name, Places { first, last: *last, step }))
}

/// How often each key was used.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    pub keys: HashMap<Vec<u8>, u64>,
    pub commands: u64,
}

/// Listens to a node until the time is up or so many commands were seen. Blocks.
pub fn listen(
    connector: &Connector,
    address: &Address,
    places: &KeyPlaces,
    time: Duration,
    most_commands: u64,
) -> Result<Usage, Failure> {
    let lost = |error: io::Error| -> Failure {
        let why = explain(&error).unwrap_or_else(|| error.to_string());
        LinkError::Unreachable { address: address.clone(), why }.into()
    };
    let stream = connector.open_blocking(address).map_err(lost)?;
    stream.set_read_timeout(Some(GLANCE)).map_err(lost)?;
    let mut lines = BufReader::new(stream);
    if let Some(credentials) = &connector.credentials {
        let user = credentials.user.as_deref();
        let words: Vec<&str> = ["AUTH"].into_iter().chain(user).chain([&*credentials.password]).collect();
        send(&mut lines, &words).map_err(lost)?;
    }
    send(&mut lines, &["MONITOR"]).map_err(lost)?;
    let (ends, mut usage, mut line) = (Instant::now() + time, Usage::default(), Vec::new());
    while Instant::now() < ends && usage.commands < most_commands {
        // Lines may come in pieces: what was read stays when it is time to look at the clock.
        match io::Read::take(&mut lines, LONGEST_LINE).read_until(b'\n', &mut line) {
            Ok(0) => return Err(lost(io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                continue;
            }
            Err(error) => return Err(lost(error)),
        }
        if let Some(error) = line.strip_prefix(b"-") {
            let error = String::from_utf8_lossy(error).trim_end().to_owned();
            return Err(Failure::new(Kind::Unreachable, format!("{address} answered MONITOR with: {error}")));
        }
        if let Some(words) = words_of(&line) {
            usage.commands += 1;
            for key in places.of(&words).unwrap_or_default() {
                *usage.keys.entry(key.to_vec()).or_default() += 1;
            }
        }
        line.clear();
    }
    Ok(usage)
}

fn send(lines: &mut BufReader<BlockingStream>, words: &[&str]) -> io::Result<()> {
    let mut request = Vec::new();
    encode_request(&mut request, words.iter().map(|word| word.as_bytes()));
    lines.get_mut().write_all(&request)
}

/// The words of `+1339518083.107412 [0 127.0.0.1:60866] "get" "key"`; `None` for other lines.
fn words_of(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let start = line.windows(3).position(|three| three == b"] \"")?;
    let (mut words, mut rest) = (Vec::new(), line.get(start + 2..)?);
    while let Some(after) = rest.strip_prefix(b"\"") {
        let (word, left) = quoted(after)?;
        words.push(word);
        rest = left.strip_prefix(b" ").unwrap_or(left);
    }
    (!words.is_empty()).then_some(words)
}

/// A word behind its first quote, and what follows its last one.
fn quoted(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut word = Vec::new();
    loop {
        let (first, after) = rest.split_first()?;
        rest = after;
        match first {
            b'"' => return Some((word, rest)),
            b'\\' => {
                let (escaped, after) = rest.split_first()?;
                rest = after;
                match escaped {
                    b'n' => word.push(b'\n'),
                    b'r' => word.push(b'\r'),
                    b't' => word.push(b'\t'),
                    b'a' => word.push(7),
                    b'b' => word.push(8),
                    b'x' => {
                        let (digits, after) = rest.split_at_checked(2)?;
                        word.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
                        rest = after;
                    }
                    other => word.push(*other),
                }
            }
            other => word.push(*other),
        }
    }
}

#[cfg(test)]
impl KeyPlaces {
    /// Of SET and MSET.
    pub fn for_tests() -> KeyPlaces {
        let one = Places { first: 1, last: 1, step: 1 };
        let pairs = Places { first: 1, last: -1, step: 2 };
        KeyPlaces(HashMap::from([("set".to_owned(), one), ("mset".to_owned(), pairs)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_s_words_are_unquoted() {
        let line = b"+1339518083.107412 [0 127.0.0.1:60866] \"set\" \"a \\\"b\\\" \\x00\\n\" \"\"\r\n";
        assert_eq!(words_of(line).unwrap(), [b"set".to_vec(), b"a \"b\" \0\n".to_vec(), Vec::new()]);
        assert_eq!(words_of(b"+OK\r\n"), None);
        assert_eq!(words_of(b"+1 [0 lua] \"open"), None);
    }

    #[test]
    fn keys_stand_where_the_node_says() {
        let number = Reply::Integer;
        let command = |name: &str, first, last, step| {
            let head = [Reply::Bulk(name.into()), number(-2), Reply::Array(vec![])];
            Reply::Array(head.into_iter().chain([number(first), number(last), number(step)]).collect())
        };
        let commands = [command("mset", 1, -1, 2), command("get", 1, 1, 1), command("ping", 0, 0, 0)];
        let places = KeyPlaces(commands.iter().filter_map(places).collect());
        let words = |text: &str| text.split(' ').map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>();
        assert_eq!(places.of(&words("MSET a 1 b 2")).unwrap(), [b"a", b"b"]);
        assert_eq!(places.of(&words("get a")).unwrap(), [b"a"]);
        assert!(places.of(&words("ping a")).is_none() && places.of(&words("eval x 1 a")).is_none());
    }
}
