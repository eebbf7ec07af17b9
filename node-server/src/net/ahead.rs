//! Requests that came together, found before the first of them runs.
//!
//! A pipeline's requests mostly are about different keys, and in a big keyspace each search waits for memory. So the memory
//! that all of them need is asked for first, at once, and is there when they run.

use std::ops::Range;

use rcl_proto::resp::{Args, Limits, Parsed, ProtocolError, RequestParser, Span};
use rcl_store::keyspace::KeyPlace;

use crate::command::spec::{Begin, Find};
use crate::command::{CommandNames, Lookup};
use crate::node::Node;

/// So many requests are looked at together.
const MOST_REQUESTS: usize = 16;
/// So many keys are asked for at once: the cache takes no more at a time.
const MOST_KEYS: usize = 32;

/// Room for more arguments than this is given back: one request with a hundred thousand of them must not cost each thread
/// megabytes from then on.
const KEPT_SPANS: usize = 4096;

#[derive(Debug, Default)]
pub struct Ahead {
    spans: Vec<Span>,
    requests: Vec<Found>,
    places: Vec<KeyPlace>,
    /// Where the key of a collection lies, and where the member is in the input.
    members: Vec<(KeyPlace, Range<usize>)>,
    next: usize,
    /// The command that was looked up last, and its name as it was said. (None that has subcommands.)
    known: Option<Lookup>,
    known_name: Vec<u8>,
    /// The edition of the names in which that was looked up: a thread may serve several nodes.
    known_in: u64,
    /// Some of the requests are about keys.
    have_keys: bool,
}

#[derive(Debug)]
struct Found {
    /// Where it lies in the input.
    bytes: Range<usize>,
    /// Where its arguments are in `Ahead::spans`.
    spans: Range<usize>,
    /// They lie in the parser's own words. Such a request is the last one.
    is_inline: bool,
    lookup: Lookup,
}

/// A request that is to run next.
pub struct Next<'a> {
    bytes: &'a [u8],
    spans: &'a [Span],
    pub lookup: Lookup,
    /// Where the next one begins in the input.
    pub end: usize,
    /// How many bytes it came as.
    pub request_bytes: usize,
}

impl Ahead {
    pub fn is_empty(&self) -> bool {
        self.next >= self.requests.len()
    }

    /// What was found is forgotten.
    pub fn clear(&mut self) {
        if self.spans.capacity() > KEPT_SPANS {
            self.spans = Vec::new();
        }
        self.spans.clear();
        self.requests.clear();
        self.next = 0;
        self.have_keys = false;
    }

    /// True when a request was found and not run, all before `used` having been run.
    pub fn was_left(&self, used: usize) -> bool {
        self.requests.last().is_some_and(|last| last.bytes.end > used)
    }

    /// Finds requests in `input` from `from` on. If the last of them is not complete: how many bytes it will take at least. An error
    /// only if there is nothing before it.
    pub fn find(
        &mut self,
        parser: &mut RequestParser,
        names: &CommandNames,
        input: &[u8],
        from: usize,
        limits: Limits,
    ) -> Result<Option<usize>, ProtocolError> {
        self.clear();
        if self.known_in != names.edition() {
            (self.known, self.known_in) = (None, names.edition());
        }
        let mut start = from;
        // What comes behind AUTH may be longer than what comes before it.
        let most = if limits.authenticated { MOST_REQUESTS } else { 1 };
        while self.requests.len() < most {
            let buffer = input.get(start..).unwrap_or_default();
            let consumed = match parser.parse(buffer, limits) {
                Ok(Parsed::Request { consumed }) => consumed,
                Ok(Parsed::Incomplete { needed }) => return Ok(Some(needed)),
                Err(error) if self.requests.is_empty() => return Err(error),
                Err(_) => {
                    parser.restart();
                    return Ok(None);
                }
            };
            let spans = self.spans.len()..self.spans.len() + parser.spans().len();
            // Most are few: one by one they cost less than a call that copies them together.
            self.spans.reserve(parser.spans().len());
            self.spans.extend(parser.spans().iter().copied());
            let args = parser.args(buffer);
            let lookup = match self.known {
                // A pipeline often says the same command again and again.
                Some(known) if are_same(&self.known_name, args.name()) => known,
                _ => self.look_up(names, args),
            };
            self.have_keys |= matches!(lookup, Lookup::Found(known) if !known.spec.keys.is_empty());
            let is_inline = parser.inline_words().is_some();
            self.requests.push(Found { bytes: start..start + consumed, spans, is_inline, lookup });
            if is_inline {
                break;
            }
            start += consumed;
        }
        Ok(None)
    }

    fn look_up(&mut self, names: &CommandNames, args: Args<'_>) -> Lookup {
        let lookup = names.find(args);
        self.known = match lookup {
            Lookup::Found(known) if known.container.is_none() && known.spec.subcommands.is_empty() => {
                Some(lookup)
            }
            _ => None,
        };
        if self.known.is_some() {
            self.known_name.clear();
            self.known_name.extend_from_slice(args.name());
        }
        lookup
    }

    /// Asks the cache for the keys of the requests that were found, and for members of collections, if that pays.
    pub fn prefetch(&mut self, node: &Node, database: usize, input: &[u8]) {
        if self.requests.len() < 2 || !self.have_keys {
            return;
        }
        self.places.clear();
        self.members.clear();
        let mut last: &[u8] = &[];
        for found in &self.requests {
            let first = self.places.len();
            each_key(found, input, &self.spans, |key| {
                if key != last || self.places.is_empty() {
                    self.places.push(node.key(key).place());
                    last = key;
                }
                self.places.len() < MOST_KEYS
            });
            if let Some(member) = member_of(found, &self.spans)
                && let Some(place) = self.places.get(first).or(self.places.last())
            {
                self.members.push((*place, member));
            }
        }
        if self.places.len() > 1 {
            node.shards.prefetch(database, &self.places);
        }
        if self.members.len() > 1 {
            let bytes_of = |range: &Range<usize>| input.get(range.clone()).unwrap_or_default();
            node.shards.prefetch_members(database, &self.members, bytes_of);
        }
    }

    #[inline(always)]
    pub fn next<'a>(&'a mut self, parser: &'a RequestParser, input: &'a [u8]) -> Option<Next<'a>> {
        let found = self.requests.get(self.next)?;
        self.next += 1;
        let spans = self.spans.get(found.spans.clone()).unwrap_or_default();
        let bytes = match parser.inline_words() {
            Some(words) if found.is_inline => words,
            _ => input.get(found.bytes.clone()).unwrap_or_default(),
        };
        let (end, request_bytes) = (found.bytes.end, found.bytes.len());
        Some(Next { bytes, spans, lookup: found.lookup, end, request_bytes })
    }
}

impl<'a> Next<'a> {
    #[inline(always)]
    pub fn args(&self) -> Args<'a> {
        Args::new(self.bytes, self.spans)
    }
}

impl Found {
    fn args<'a>(&self, input: &'a [u8], spans: &'a [Span]) -> Args<'a> {
        let spans = spans.get(self.spans.clone()).unwrap_or_default();
        Args::new(input.get(self.bytes.clone()).unwrap_or_default(), spans)
    }
}

/// Whether two short texts are the same: byte by byte, which takes less than to call for it.
fn are_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one == other)
}

/// Shows `visit` the keys whose places are plain, until it says false.
fn each_key<'a>(found: &Found, input: &'a [u8], spans: &'a [Span], mut visit: impl FnMut(&'a [u8]) -> bool) {
    let Lookup::Found(known) = found.lookup else { return };
    let [key_spec, ..] = known.spec.keys else { return };
    if found.is_inline {
        return;
    }
    let (Begin::Index(first), Find::Range { last, step, .. }) = (key_spec.begin, key_spec.find) else {
        return;
    };
    let args = found.args(input, spans);
    let (first, step) = (first.max(0) as usize, step.max(1) as usize);
    let end = match usize::try_from(last) {
        Ok(last) => (first + last + 1).min(args.len()),
        Err(_) => args.len(),
    };
    for index in (first..end).step_by(step) {
        if !args.get(index).is_some_and(&mut visit) {
            return;
        }
    }
}

/// Where in the input the member (or field) of a collection is likely named.
fn member_of(found: &Found, spans: &[Span]) -> Option<Range<usize>> {
    let Lookup::Found(known) = found.lookup else { return None };
    if found.is_inline {
        return None;
    }
    let arguments = spans.get(found.spans.clone())?;
    let member = arguments.get(known.spec.likely_member(arguments.len())?)?;
    Some(found.bytes.start + member.start()..found.bytes.start + member.end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::in_memory;

    const LIMITS: Limits = Limits { max_bulk_bytes: 1 << 20, authenticated: true };

    type Rest = Result<Option<usize>, ProtocolError>;

    #[test]
    fn room_for_a_huge_request_is_given_back() {
        let mut ahead = Ahead::default();
        let mut room_after = |words: usize| {
            let input = format!("*{words}\r\n{}", "$1\r\nx\r\n".repeat(words)).into_bytes();
            let rest = ahead.find(&mut RequestParser::new(), &CommandNames::default(), &input, 0, LIMITS);
            assert!(rest.is_ok() && ahead.spans.len() == words);
            ahead.clear();
            ahead.spans.capacity()
        };
        assert!(room_after(100_000) <= KEPT_SPANS);
        let kept = room_after(100);
        assert!(kept >= 100, "room for a usual one stays");
    }

    /// What is found in the input at once, each with where it ends, and what is said of the rest.
    fn found(
        parser: &mut RequestParser,
        input: &[u8],
        from: usize,
        limits: Limits,
    ) -> (Vec<(String, usize)>, Rest) {
        let mut ahead = Ahead::default();
        let rest = ahead.find(parser, &CommandNames::default(), input, from, limits);
        let mut requests = Vec::new();
        while let Some(next) = ahead.next(parser, input) {
            let words: Vec<_> = next.args().iter().map(String::from_utf8_lossy).collect();
            requests.push((words.join(" "), next.end));
        }
        (requests, rest)
    }

    #[test]
    fn all_that_came_is_found_up_to_what_is_not_complete() {
        let input = b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n*2\r\n$3\r\nget\r\n$1\r\nb\r\n*2\r\n$3\r\nGET\r\n$1";
        let mut parser = RequestParser::new();
        let (requests, rest) = found(&mut parser, input, 0, LIMITS);
        assert_eq!(requests, [("GET a".to_owned(), 20), ("get b".to_owned(), 40)]);
        assert_eq!(rest, Ok(Some(input.len() - 40 + 1)));
        // The parser goes on from there when more has come.
        let more = [&input[40..], b"\r\nc\r\n"].concat();
        let (requests, rest) = found(&mut parser, &more, 0, LIMITS);
        assert_eq!(requests, [("GET c".to_owned(), 20)]);
        assert_eq!(rest, Ok(Some(1)));
    }

    #[test]
    fn an_inline_request_is_the_last_that_is_found_at_once() {
        let input = b"*1\r\n$4\r\nPING\r\nECHO 'a b'\r\nPING\r\n";
        let mut parser = RequestParser::new();
        let (requests, rest) = found(&mut parser, input, 0, LIMITS);
        assert_eq!(requests, [("PING".to_owned(), 14), ("ECHO a b".to_owned(), 26)]);
        assert_eq!(rest, Ok(None));
        assert_eq!(found(&mut parser, input, 26, LIMITS).0, [("PING".to_owned(), 32)]);
    }

    #[test]
    fn an_error_is_met_when_its_turn_has_come() {
        let input = b"*1\r\n$4\r\nPING\r\n*1\r\nx\r\n";
        let mut parser = RequestParser::new();
        let (requests, rest) = found(&mut parser, input, 0, LIMITS);
        assert_eq!((requests.len(), rest), (1, Ok(None)));
        assert_eq!(found(&mut parser, input, 14, LIMITS).1, Err(ProtocolError::ExpectedDollar(b'x')));
    }

    #[test]
    fn who_has_not_authenticated_is_read_one_by_one() {
        let input = b"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n";
        let limits = Limits { authenticated: false, ..LIMITS };
        assert_eq!(found(&mut RequestParser::new(), input, 0, limits).0.len(), 1);
    }

    #[test]
    fn what_was_found_and_not_run_is_found_again() {
        let input = b"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nECHO";
        let (mut parser, mut ahead) = (RequestParser::new(), Ahead::default());
        let rest = ahead.find(&mut parser, &CommandNames::default(), input, 0, LIMITS);
        assert_eq!(rest, Ok(Some(14)));
        assert!(ahead.was_left(0) && !ahead.was_left(14));
        parser.restart();
        assert_eq!(found(&mut parser, input, 0, LIMITS).0, [("PING".to_owned(), 14)]);
    }

    #[test]
    fn what_a_name_meant_holds_only_where_it_is_the_same() {
        let usual = CommandNames::default();
        let mut renamed = usual.clone();
        renamed.rename(b"get", b"").unwrap();
        renamed.rename(b"set", b"get").unwrap();
        let input = b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n";
        let mut ahead = Ahead::default();
        let mut meaning = |names: &CommandNames| {
            ahead.find(&mut RequestParser::new(), names, input, 0, LIMITS).unwrap();
            match ahead.requests[0].lookup {
                Lookup::Found(known) => known.spec.name,
                _ => "",
            }
        };
        assert_eq!([&usual, &renamed, &usual, &usual].map(&mut meaning), ["get", "set", "get", "get"]);
    }

    #[test]
    fn keys_are_asked_for_wherever_they_are() {
        let node = in_memory::node();
        let mut client = in_memory::Client::new(&node);
        for number in 0..2000 {
            client.ask(&format!("SET {number} value"));
        }
        let requests: [&[&str]; 6] = [
            &["GET", "7"],
            &["MSET", "1", "a", "2", "b"],
            &["DEL", "1", "2", "3"],
            &["GET"],
            &["PING"],
            &["X"],
        ];
        let mut input = Vec::new();
        for words in requests {
            rcl_proto::resp::encode_request(&mut input, words.iter().map(|word| word.as_bytes()));
        }
        let (mut parser, mut ahead) = (RequestParser::new(), Ahead::default());
        ahead.find(&mut parser, &node.commands, &input, 0, LIMITS).unwrap();
        ahead.prefetch(&node, 0, &input);
        let places = ["7", "1", "2", "1", "2", "3"].map(|key| node.key(key.as_bytes()).place());
        assert_eq!(ahead.places, places);
    }

    #[test]
    fn members_are_asked_for_where_a_command_names_one() {
        let node = in_memory::node();
        let mut client = in_memory::Client::new(&node);
        for number in 0..2000 {
            client.ask(&format!("HSET hash {number} value"));
            client.ask(&format!("SADD set member:{number}"));
            client.ask(&format!("ZADD sorted {number} {number}"));
        }
        let requests: [&[&str]; 7] = [
            &["HGET", "hash", "7"],
            &["SADD", "set", "member:1", "other"],
            &["ZADD", "sorted", "1", "12"],
            &["HGETALL", "hash"],
            &["ZRANGE", "sorted", "0", "1"],
            &["SISMEMBER", "none", "x"],
            &["HGET", "hash"],
        ];
        let mut input = Vec::new();
        for words in requests {
            rcl_proto::resp::encode_request(&mut input, words.iter().map(|word| word.as_bytes()));
        }
        let (mut parser, mut ahead) = (RequestParser::new(), Ahead::default());
        ahead.find(&mut parser, &node.commands, &input, 0, LIMITS).unwrap();
        ahead.prefetch(&node, 0, &input);
        let wanted = [("hash", "7"), ("set", "member:1"), ("sorted", "12"), ("none", "x")];
        let found = ahead.members.iter().map(|(place, range)| (*place, &input[range.clone()]));
        assert!(found.eq(wanted.map(|(key, member)| (node.key(key.as_bytes()).place(), member.as_bytes()))));
    }
}
