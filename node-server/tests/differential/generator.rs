//! Random requests, by what the command table says of each command's arguments.

use std::collections::BTreeSet;
use std::fmt;

use crate::choices;
use crate::judge::is_known_difference;
use crate::streams::{self, Ids};
use rand::RngExt;
use rand::rngs::StdRng;
use rcl_node::command::spec::{Argument, Group, Kind, flag};
use rcl_node::command::{self, CommandSpec};

#[derive(Clone, Debug)]
pub struct Request {
    pub words: Vec<Vec<u8>>,
}

impl Request {
    pub fn new(words: Vec<Vec<u8>>) -> Request {
        Request { words }
    }

    pub fn of(words: &[&str]) -> Request {
        Request { words: words.iter().map(|word| word.as_bytes().to_vec()).collect() }
    }

    pub fn name(&self) -> String {
        String::from_utf8_lossy(self.words.first().map_or(b"", Vec::as_slice)).to_ascii_lowercase()
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self
            .words
            .iter()
            .map(|word| if word.is_empty() { "\"\"".to_owned() } else { word.escape_ascii().to_string() })
            .collect();
        f.write_str(&words.join(" "))
    }
}

/// Not compared: what waits, what is about the node or the time, and what is compared elsewhere.
const LEFT_OUT: &[&str] =
    &["migrate", "wait", "waitaof", "dump", "restore", "restore-asking", "scan", "object", "pfselftest"];

/// What stands in another place would be taken for an id of the clock's, or set an id that 7.2 alone refuses.
const NOT_MANGLED: &[&str] = &["xadd", "xsetid", "xreadgroup"];

/// How a range is given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RangeStyle {
    Rank,
    Score,
    Lex,
}

pub struct Generator {
    rng: StdRng,
    /// With the command that each is a subcommand of.
    commands: Vec<(Option<&'static str>, &'static CommandSpec)>,
    used: BTreeSet<String>,
    keeps_what_is_left: bool,
    stream_ids: Ids,
}

impl Generator {
    pub fn new(rng: StdRng) -> Generator {
        // FAMILY=stream draws from one group alone.
        let family = std::env::var("FAMILY").ok();
        let is_tested = |spec: &&CommandSpec| {
            let group = matches!(
                spec.group,
                Group::String
                    | Group::Generic
                    | Group::List
                    | Group::Set
                    | Group::SortedSet
                    | Group::Hash
                    | Group::Bitmap
                    | Group::HyperLogLog
                    | Group::Geo
                    | Group::Stream
            );
            let is_wanted = family.as_ref().is_none_or(|family| family == spec.group.name());
            is_wanted && group && is_in_7_0(spec.since) && !LEFT_OUT.contains(&spec.name)
        };
        let expand = |spec: &'static CommandSpec| {
            let subcommands = spec.subcommands.iter().filter(|sub| sub.name != "help");
            let of_container = subcommands.map(|sub| (Some(spec.name), sub));
            spec.subcommands.is_empty().then_some((None, spec)).into_iter().chain(of_container)
        };
        let weigh = |command: (_, &'static CommandSpec)| {
            std::iter::repeat_n(command, streams::weight(command.1.group, command.1.name))
        };
        let commands = command::all().filter(is_tested).flat_map(expand).flat_map(weigh).collect();
        let stream_ids = Ids::default();
        Generator { rng, commands, used: BTreeSet::new(), keeps_what_is_left: false, stream_ids }
    }

    /// For one server alone: what it takes out at random leaves nothing that another would not have.
    pub fn for_one_server(rng: StdRng) -> Generator {
        Generator { keeps_what_is_left: true, ..Generator::new(rng) }
    }

    pub fn kinds(&self) -> usize {
        self.used.len()
    }

    pub fn requests(&mut self, count: usize) -> Vec<Request> {
        let mut requests = Vec::with_capacity(count + 2);
        while requests.len() < count {
            if self.chance(300) {
                requests.push(Request::of(&["FLUSHALL"]));
            }
            if self.chance(60) {
                self.push_transaction(&mut requests);
            } else {
                self.push_requests(&mut requests, false);
            }
        }
        requests
    }

    /// Without what is drawn at random, which is told by the request beside it, and what would be refused by one
    /// server alone, which ends a transaction.
    fn push_transaction(&mut self, requests: &mut Vec<Request>) {
        requests.push(Request::of(&["MULTI"]));
        for _ in 0..self.below(6) {
            let mut made = Vec::new();
            self.push_requests(&mut made, true);
            if let [only] = made.as_slice()
                && !is_known_difference(only)
            {
                requests.append(&mut made);
            }
        }
        requests.push(Request::of(&[if self.chance(5) { "DISCARD" } else { "EXEC" }]));
    }

    /// A command and what tells its result. One that could wait is left out but in a transaction, where it does not.
    fn push_requests(&mut self, requests: &mut Vec<Request>, in_transaction: bool) {
        let index = self.below(self.commands.len());
        let (container, spec) = self.commands[index];
        if streams::destroys(spec.group, spec.name) && !self.chance(8) {
            return;
        }
        // Streams are read without waiting, too.
        if spec.has(flag::BLOCKING) && !in_transaction && spec.group != Group::Stream {
            return;
        }
        let name: Vec<&str> = container.into_iter().chain([spec.name]).collect();
        self.used.insert(name.join(" "));
        let style = self.style_of(spec.name);
        let mut making = Making { style, spec, in_transaction, generator: self, words: Vec::new() };
        name.iter().for_each(|word| making.word(word));
        spec.arguments.iter().for_each(|argument| making.argument(argument, spec.arguments));
        let mut words = making.words;
        let lex_safe = words.iter().all(|word| !word.starts_with(b"x"));
        if self.chance(25) && lex_safe && !NOT_MANGLED.contains(&spec.name) {
            self.mangle(&mut words);
        }
        let key = words.get(1).cloned().unwrap_or_default();
        let around = |name: &str, rest: &[&str]| {
            let mut words = vec![name.as_bytes().to_vec(), key.clone()];
            words.extend(rest.iter().map(|word| word.as_bytes().to_vec()));
            Request::new(words)
        };
        match spec.name {
            "srandmember" => requests.push(around("SMEMBERS", &[])),
            "hrandfield" => requests.push(around("HGETALL", &[])),
            "zrandmember" => requests.push(around("ZRANGE", &["0", "-1", "WITHSCORES"])),
            // 7.2 makes the consumer whatever comes of the command; 7.0 where it gets something.
            "xclaim" | "xautoclaim" | "xreadgroup" => requests.extend(create_consumers(&words)),
            _ => {}
        }
        requests.push(Request::new(words));
        // What was taken at random differs: what is left goes away.
        if spec.name == "spop" && !self.keeps_what_is_left {
            requests.push(around("DEL", &[]));
        }
    }

    fn style_of(&mut self, command: &str) -> RangeStyle {
        if command.ends_with("bylex") || command == "zlexcount" {
            RangeStyle::Lex
        } else if command.ends_with("byscore") || command == "zcount" {
            RangeStyle::Score
        } else if matches!(command, "zrange" | "zrangestore") {
            [RangeStyle::Rank, RangeStyle::Score, RangeStyle::Lex][self.below(3)]
        } else {
            RangeStyle::Rank
        }
    }

    /// One word less, one more, or another one.
    fn mangle(&mut self, words: &mut Vec<Vec<u8>>) {
        let at = 1 + self.below(words.len());
        match self.below(3) {
            0 if at < words.len() => {
                words.remove(at);
            }
            1 => words.insert(at.min(words.len()), self.junk()),
            _ if at < words.len() => words[at] = self.junk(),
            _ => words.push(self.junk()),
        }
    }

    fn junk(&mut self) -> Vec<u8> {
        // No large negative number but one that is refused: a server would go on drawing members for ever.
        self.pick(&[
            "",
            "x y",
            "NX",
            "XX",
            "GT",
            "LT",
            "INCR",
            "CH",
            "LIMIT",
            "COUNT",
            "WITHSCORES",
            "MATCH",
            "*",
            "0",
            "1",
            "-1",
            "007",
            "+1",
            "1.5",
            "abc",
            "nan",
            "inf",
            "(1",
            "[a",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "1e400",
            "0x10",
            "s0",
            "l0",
            "h0",
            "z0",
            "k0",
            "LEFT",
            "KEEPTTL",
            "BYSCORE",
            "REV",
        ])
    }

    fn pick(&mut self, words: &[&str]) -> Vec<u8> {
        words[self.below(words.len())].as_bytes().to_vec()
    }

    fn below(&mut self, limit: usize) -> usize {
        self.rng.random_range(0..limit)
    }

    /// True one time in `times`.
    fn chance(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// For a request that gives something to a consumer, what makes that consumer in each of its streams.
fn create_consumers(words: &[Vec<u8>]) -> Vec<Request> {
    let place_of = |word: &[u8]| words.iter().position(|other| other == word);
    let (keys, names) = match (place_of(b"STREAMS"), place_of(b"GROUP")) {
        (Some(streams), Some(group)) => {
            let streams = words.get(streams + 1..).unwrap_or_default();
            (&streams[..streams.len() / 2], words.get(group + 1..group + 3))
        }
        _ => (words.get(1..2).unwrap_or_default(), words.get(2..4)),
    };
    let create = [b"XGROUP".to_vec(), b"CREATECONSUMER".to_vec()];
    let request = |key: &Vec<u8>| {
        let names = names.unwrap_or_default().to_vec();
        Request::new([&create[..], std::slice::from_ref(key), &names].concat())
    };
    keys.iter().map(request).collect()
}

fn is_in_7_0(since: &str) -> bool {
    let mut numbers = since.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) <= (7, 0)
}

/// One request while it is made.
struct Making<'g> {
    generator: &'g mut Generator,
    spec: &'static CommandSpec,
    style: RangeStyle,
    in_transaction: bool,
    words: Vec<Vec<u8>>,
}

impl Making<'_> {
    fn argument(&mut self, argument: &'static Argument, siblings: &'static [Argument]) {
        let is_newer = !is_in_7_0(argument.since) || argument.name == "withscore";
        if is_newer || (argument.optional && !self.wants(argument)) {
            return;
        }
        let most = if argument.multiple { 1 + self.generator.below(4) } else { 1 };
        let times = match () {
            () if argument.name == "numkeys" => return self.counted_keys(siblings),
            () if argument.name == "streams" => return self.streams(),
            // Came with its count already.
            () if argument.kind == Kind::Key
                && siblings.iter().any(|other| other.name == "numkeys")
                && argument.multiple =>
            {
                return;
            }
            () if argument.name == "weight" => self.key_count(),
            () => most,
        };
        if !argument.token.is_empty() && argument.kind != Kind::PureToken && !argument.multiple_token {
            self.word(argument.token);
        }
        for _ in 0..times {
            if argument.multiple_token {
                self.word(argument.token);
            }
            self.value(argument);
        }
    }

    fn wants(&mut self, argument: &Argument) -> bool {
        match argument.name {
            "sortby" => self.style != RangeStyle::Rank,
            "milliseconds" if self.spec.group == Group::Stream => self.in_transaction,
            "limit" if matches!(self.spec.name, "zrange" | "zrangestore") => {
                self.style != RangeStyle::Rank && self.generator.chance(3)
            }
            // With equal texts elsewhere, the order of elements is nobody's promise.
            "sorting" => !self.words.iter().any(|word| word == b"BY") && self.generator.chance(2),
            // What a scan finds is compared whole.
            "count" if self.spec.name.ends_with("scan") => true,
            // Where it ends, a condition or a flag is not the usual case.
            _ => self.generator.chance(if argument.kind == Kind::PureToken { 4 } else { 3 }),
        }
    }

    fn value(&mut self, argument: &'static Argument) {
        if self.spec.group == Group::Stream
            && !matches!(argument.kind, Kind::PureToken | Kind::OneOf | Kind::Block | Kind::Key)
        {
            let Generator { rng, stream_ids, .. } = &mut *self.generator;
            let mut below = |limit| rng.random_range(0..limit);
            if let Some(word) = stream_ids.word(self.spec.name, argument.name, &mut below) {
                return self.word(&word);
            }
        }
        if let Some(words) = choices::for_argument(self.spec.group, argument.name)
            && !matches!(argument.kind, Kind::PureToken | Kind::OneOf | Kind::Block)
        {
            let word = self.generator.pick(words);
            self.words.push(word);
            return;
        }
        match argument.kind {
            Kind::Block => {
                argument.arguments.iter().for_each(|inner| self.argument(inner, argument.arguments))
            }
            Kind::OneOf => self.one_of(argument),
            Kind::PureToken => self.word(argument.token),
            Kind::Key => {
                let key = self.key();
                self.words.push(key);
            }
            Kind::Integer => {
                let number = self.integer(argument.name);
                self.words.push(number);
            }
            Kind::Double => {
                let number = if argument.name == "timeout" {
                    self.generator.pick(&["0", "0", "1", "0.1", "1e3", "-1", "abc"])
                } else {
                    self.score()
                };
                self.words.push(number);
            }
            Kind::UnixTime => {
                // Far ahead, whichever unit is meant, or long ago.
                let times = ["99999999999", "9999999999999", "1"];
                let time = self.generator.pick(&times);
                self.words.push(time);
            }
            Kind::Pattern => {
                let pattern = self.generator.pick(&["*", "a*", "?", "[a-c]", "h*", "nothing"]);
                self.words.push(pattern);
            }
            Kind::String => {
                let text = self.text(argument.name);
                self.words.push(text);
            }
        }
    }

    fn one_of(&mut self, argument: &'static Argument) {
        let choices = argument.arguments;
        let chosen = match (argument.name, self.style) {
            ("sortby", RangeStyle::Score) => 0,
            ("sortby", _) => 1,
            // The clock's ids are compared with nothing.
            ("id-selector", _) if self.spec.name == "xadd" && !self.generator.keeps_what_is_left => 1,
            _ => self.generator.below(choices.len()),
        };
        self.argument(&choices[chosen.min(choices.len() - 1)], choices);
    }

    /// `STREAMS key … id …`
    fn streams(&mut self) {
        self.word("STREAMS");
        let count = 1 + self.generator.below(3) / 2;
        for _ in 0..count {
            let key = self.key();
            self.words.push(key);
        }
        let for_group = self.spec.name == "xreadgroup";
        for _ in 0..count {
            // What is read again is not logged: a replica would not know how often.
            let only_new = for_group && self.generator.keeps_what_is_left;
            let Generator { rng, stream_ids, .. } = &mut *self.generator;
            let word = stream_ids.word_after(for_group, only_new, &mut |limit| rng.random_range(0..limit));
            self.word(&word);
        }
    }

    fn counted_keys(&mut self, siblings: &'static [Argument]) {
        let has_keys = siblings.iter().any(|other| other.kind == Kind::Key && other.multiple);
        let count = if has_keys { 1 + self.generator.below(3) } else { 0 };
        self.word(&count.to_string());
        for _ in 0..count {
            let key = self.key();
            self.words.push(key);
        }
    }

    /// How many keys were counted: the last word that is a number before them.
    fn key_count(&self) -> usize {
        let is_number = |word: &&Vec<u8>| word.iter().all(u8::is_ascii_digit) && !word.is_empty();
        let count = self.words.iter().find(is_number);
        count.and_then(|word| std::str::from_utf8(word).ok()?.parse().ok()).unwrap_or(1)
    }

    fn word(&mut self, word: &str) {
        self.words.push(word.as_bytes().to_vec());
    }

    fn key(&mut self) -> Vec<u8> {
        // Texts are in order only where all scores are equal: such sorted sets have names of their own.
        let name = self.spec.name;
        if self.style == RangeStyle::Lex && self.words.len() < if name == "zrangestore" { 3 } else { 2 } {
            return self.generator.pick(&["x0", "x1"]);
        }
        if name == "zadd" && self.words.len() == 1 && self.generator.chance(3) {
            return self.generator.pick(&["x0", "x1"]);
        }
        let pool: &[&str] = match self.spec.group {
            Group::Hash => &["h0", "h1"],
            Group::List => &["l0", "l1"],
            Group::Set => &["s0", "s1", "s2"],
            Group::SortedSet => &["z0", "z1", "z2"],
            Group::String | Group::Bitmap => &["k0", "k1", "k2"],
            Group::HyperLogLog => &["p0", "p1", "p2"],
            Group::Geo => &["g0", "g1"],
            Group::Stream => &["t0", "t1"],
            _ => &["h0", "l0", "s0", "z0", "k0", "t0"],
        };
        if self.generator.chance(12) {
            return self.generator.pick(&["h0", "h1", "l0", "s0", "z0", "k0", "p0", "t0", "missing"]);
        }
        self.generator.pick(pool)
    }

    fn is_for_lex(&self) -> bool {
        self.words.get(1).is_some_and(|key| key.starts_with(b"x"))
    }

    fn integer(&mut self, name: &str) -> Vec<u8> {
        match name {
            "cursor" => b"0".to_vec(),
            // So far apart that GT and LT do not hang on a millisecond.
            "seconds" | "milliseconds" if self.generator.chance(8) => self.generator.pick(&["0", "-1"]),
            "seconds" | "milliseconds" => {
                (100_000 + 10_000 * self.generator.below(1_000_000)).to_string().into_bytes()
            }
            "count" if self.spec.name.ends_with("scan") => b"10000".to_vec(),
            "destination-db" | "db" => self.generator.pick(&["0", "1", "0", "99"]),
            "weight" => self.generator.pick(&["1", "2", "0.5", "-1", "inf", "0"]),
            _ => self.generator.pick(&["0", "1", "2", "3", "5", "-1", "-2", "-3", "10", "100", "1", "0"]),
        }
    }

    fn score(&mut self) -> Vec<u8> {
        if self.is_for_lex() {
            return b"0".to_vec();
        }
        self.generator.pick(&[
            "0",
            "1",
            "2",
            "3",
            "1.5",
            "-1",
            "0.1",
            "1e3",
            "inf",
            "-inf",
            "3.141592653589793",
            "1",
            "2",
        ])
    }

    fn text(&mut self, name: &str) -> Vec<u8> {
        match (name, self.style) {
            ("min" | "max" | "start" | "stop", RangeStyle::Score) => {
                self.generator.pick(&["-inf", "+inf", "0", "1", "2", "(1", "(2", "1.5", "(0.1", "3"])
            }
            ("min" | "max" | "start" | "stop", RangeStyle::Lex) => {
                self.generator.pick(&["-", "+", "[a", "(a", "[b", "(c", "[foo", "[1", "(", "["])
            }
            ("min" | "max" | "start" | "stop", RangeStyle::Rank) => self.integer(name),
            ("increment", _) => self.generator.pick(&["1", "0.1", "-2.5", "1e2", "3.0", "abc", "inf"]),
            ("element", _) if self.spec.group == Group::HyperLogLog => {
                self.generator.below(1000).to_string().into_bytes()
            }
            _ => {
                if self.generator.chance(40) {
                    let length = 1 + self.generator.below(100);
                    return vec![b'v'; length];
                }
                self.generator.pick(&[
                    "a", "b", "c", "d", "e", "foo", "bar", "1", "2", "3", "10", "-5", "0.5", "007", "",
                ])
            }
        }
    }
}
