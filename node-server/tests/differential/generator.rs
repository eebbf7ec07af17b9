//! Random requests: of the command table's commands one by one, in transactions, in scripts, and around watched keys.

use std::collections::BTreeSet;

use rand::RngExt;
use rand::rngs::StdRng;
use rcl_node::command::spec::{Group, flag};
use rcl_node::command::{self, CommandSpec};

use super::judge::is_known_difference;
use super::making::{Making, is_in_7_0};
use super::request::Request;
use super::streams::{self, Ids};
use super::{scripts, words};

/// Not compared: what waits, what is about the node or the time, and what is compared elsewhere.
const LEFT_OUT: &[&str] = &["migrate", "wait", "waitaof", "restore-asking", "pfselftest"];

/// What stands in another place would be taken for an id of the clock's, or set an id that 7.2 alone refuses.
const NOT_MANGLED: &[&str] = &["xadd", "xsetid", "xreadgroup"];

const BETWEEN_FLUSHES: usize = 300;

pub struct Generator {
    rng: StdRng,
    /// With the command that each is a subcommand of.
    commands: Vec<(Option<&'static str>, &'static CommandSpec)>,
    used: BTreeSet<String>,
    pub keeps_what_is_left: bool,
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
            match self.below(600) {
                _ if self.chance(BETWEEN_FLUSHES) => requests.push(Request::of(&["FLUSHALL"])),
                0..10 => self.push_transaction(&mut requests),
                10..15 => self.push_watched(&mut requests),
                15..35 => self.push_script(&mut requests),
                35..37 => self.push_elsewhere(&mut requests),
                37 => requests.push(Request::of(&["SWAPDB", "0", "1"])),
                _ => self.push_requests(&mut requests, false),
            }
        }
        requests
    }

    /// Without what is drawn at random, which is told by the request beside it, and what would be refused by one
    /// server alone, which ends a transaction.
    fn push_transaction(&mut self, requests: &mut Vec<Request>) {
        requests.push(Request::of(&["MULTI"]));
        for _ in 0..self.below(6) {
            match self.below(40) {
                0 => self.push_script(requests),
                1 => requests.push(Request::on("WATCH", b"k0", &[])),
                2 => requests.push(Request::of(&["SWAPDB", "0", "1"])),
                _ => requests.extend(self.single(true)),
            }
        }
        requests.push(Request::of(&[if self.chance(5) { "DISCARD" } else { "EXEC" }]));
    }

    /// Watched keys, some changed or past their time, before a transaction.
    fn push_watched(&mut self, requests: &mut Vec<Request>) {
        let key = self.any_key();
        if self.chance(4) {
            requests.push(Request::on("SET", &key, &["v", "PXAT", "1"]));
        }
        requests.push(Request::on("WATCH", &key, &["h0", "z0"][..self.below(3)]));
        match self.below(8) {
            0 => requests.push(Request::on("PEXPIREAT", &key, &["1"])),
            1 => requests.push(Request::on("EXISTS", &key, &[])),
            2 => requests.push(Request::of(&["FLUSHDB"])),
            3 => requests.push(Request::of(&["SWAPDB", "0", "1"])),
            4 => requests.push(Request::of(&["UNWATCH"])),
            5 => requests.extend(self.single(false)),
            _ => {}
        }
        self.push_transaction(requests);
    }

    fn push_script(&mut self, requests: &mut Vec<Request>) {
        let count = 1 + self.below(3);
        let calls: Vec<Request> = (0..count).filter_map(|_| self.single(false)).collect();
        let Some(first) = calls.first().cloned() else { return };
        let has_end = self.chance(4);
        let mut below = |limit| self.rng.random_range(0..limit);
        if has_end {
            requests.extend(scripts::end(&first, &mut below));
        } else {
            requests.extend(scripts::script(calls, &mut below));
        }
    }

    /// In the second database, which the other one meets by MOVE, COPY and SWAPDB.
    fn push_elsewhere(&mut self, requests: &mut Vec<Request>) {
        requests.push(Request::of(&["SELECT", "1"]));
        (0..self.below(10)).for_each(|_| self.push_requests(requests, false));
        requests.push(Request::of(&["SELECT", "0"]));
    }

    /// A request that stands for itself, and that both servers understand alike.
    fn single(&mut self, in_transaction: bool) -> Option<Request> {
        let mut made = Vec::new();
        self.push_requests(&mut made, in_transaction);
        let only = if made.len() == 1 { made.pop() } else { None };
        only.filter(|request| !is_known_difference(request))
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
        let mut words = Making::request(self, spec, &name, in_transaction);
        let lex_safe = words.iter().all(|word| !word.starts_with(b"x"));
        if self.chance(25) && lex_safe && !NOT_MANGLED.contains(&spec.name) {
            self.mangle(&mut words);
        }
        if lives_briefly(&words) {
            return;
        }
        let key = words.get(1).cloned().unwrap_or_default();
        match spec.name {
            "srandmember" => requests.push(Request::on("SMEMBERS", &key, &[])),
            "hrandfield" => requests.push(Request::on("HGETALL", &key, &[])),
            "zrandmember" => requests.push(Request::on("ZRANGE", &key, &["0", "-1", "WITHSCORES"])),
            // C's errno that something left behind would be taken for the sort's: reading a score clears it.
            "sort" if words.iter().any(|word| word == b"STORE") => {
                requests.push(Request::on("ZADD", b"none", &["XX", "0", "a"]));
            }
            // 7.2 makes the consumer whatever comes of the command; 7.0 where it gets something.
            "xclaim" | "xautoclaim" | "xreadgroup" => requests.extend(create_consumers(&words)),
            _ => {}
        }
        requests.push(Request::new(words));
        // What was taken at random differs: what is left goes away.
        if spec.name == "spop" && !self.keeps_what_is_left {
            requests.push(Request::on("DEL", &key, &[]));
        }
        if container.is_none() && !in_transaction && self.chance(8) {
            requests.push(Request::on("OBJECT ENCODING", &key, &[]));
        }
    }

    /// One word less, one more, or another one.
    fn mangle(&mut self, words: &mut Vec<Vec<u8>>) {
        let at = 1 + self.below(words.len());
        match self.below(3) {
            0 if at < words.len() => {
                words.remove(at);
            }
            1 => words.insert(at.min(words.len()), self.pick(words::JUNK)),
            _ if at < words.len() => words[at] = self.pick(words::JUNK),
            _ => words.push(self.pick(words::JUNK)),
        }
    }

    fn any_key(&mut self) -> Vec<u8> {
        self.pick(words::keys(Group::Generic))
    }

    pub fn pick<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Vec<u8> {
        words[self.below(words.len())].as_ref().to_vec()
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.rng.random_range(0..limit)
    }

    /// True one time in `times`.
    pub fn chance(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// The stream ids, and what draws numbers for them.
    pub fn ids<R>(&mut self, ask: impl FnOnce(&mut Ids, &mut dyn FnMut(usize) -> usize) -> R) -> R {
        let Generator { rng, stream_ids, .. } = self;
        ask(stream_ids, &mut |limit| rng.random_range(0..limit))
    }
}

const BRIEF_MS: i64 = 100_000;

/// Whether a key is to expire so soon that the two servers could disagree whether it has.
fn lives_briefly(words: &[Vec<u8>]) -> bool {
    let is_brief = |word: &Vec<u8>| {
        let number = std::str::from_utf8(word).ok().and_then(|text| text.parse::<i64>().ok());
        number.is_some_and(|number| (1..BRIEF_MS).contains(&number))
    };
    let is_unit = |word: &Vec<u8>| word.eq_ignore_ascii_case(b"EX") || word.eq_ignore_ascii_case(b"PX");
    match words[0].to_ascii_lowercase().as_slice() {
        b"setex" | b"psetex" | b"expire" | b"pexpire" | b"restore" => words.get(2).is_some_and(is_brief),
        b"set" | b"getex" => words.windows(2).any(|two| is_unit(&two[0]) && is_brief(&two[1])),
        _ => false,
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
