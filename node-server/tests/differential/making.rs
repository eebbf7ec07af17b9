//! One request, made by what the command table says of the command's arguments.

use rcl_node::command::CommandSpec;
use rcl_node::command::spec::{Argument, Group, Kind};

use super::generator::Generator;
use super::{choices, payloads, words};

/// How a range is given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RangeStyle {
    Rank,
    Score,
    Lex,
}

/// They draw as many as they are told to, or fill up as much space.
const DOES_AS_MUCH: &[&str] = &["srandmember", "hrandfield", "zrandmember", "setrange"];

/// Redis takes a time to live that does not fit for one that is over; ours refuses it.
const TIMES_OUT: &[&str] = &["restore"];

pub struct Making<'g> {
    generator: &'g mut Generator,
    spec: &'static CommandSpec,
    style: RangeStyle,
    in_transaction: bool,
    /// Very many elements at once: they are numbered.
    has_many: bool,
    words: Vec<Vec<u8>>,
}

impl Making<'_> {
    /// `name` is the command's, in front of it that of its container.
    pub fn request(
        generator: &mut Generator,
        spec: &'static CommandSpec,
        name: &[&str],
        in_transaction: bool,
    ) -> Vec<Vec<u8>> {
        let style = style_of(spec.name, generator);
        let mut making =
            Making { generator, spec, style, in_transaction, has_many: false, words: Vec::new() };
        name.iter().for_each(|word| making.word(word));
        spec.arguments.iter().for_each(|argument| making.argument(argument, spec.arguments));
        making.words
    }

    fn argument(&mut self, argument: &'static Argument, siblings: &'static [Argument]) {
        let is_newer = !is_in_7_0(argument.since) || argument.name == "withscore";
        if is_newer || (argument.optional && !self.wants(argument)) {
            return;
        }
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
            () if argument.multiple => self.how_many(argument),
            () => 1,
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

    fn how_many(&mut self, argument: &Argument) -> usize {
        let may_be_many =
            argument.kind != Kind::Key && !matches!(self.spec.name, "sort" | "sort_ro" | "mset" | "msetnx");
        self.has_many = may_be_many && self.generator.chance(60);
        if self.has_many {
            return words::COUNTS[self.generator.below(words::COUNTS.len())];
        }
        1 + self.generator.below(4)
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
        let is_one_word = !matches!(argument.kind, Kind::PureToken | Kind::OneOf | Kind::Block);
        if self.spec.group == Group::Stream && is_one_word && argument.kind != Kind::Key {
            let name = self.spec.name;
            if let Some(word) = self.generator.ids(|ids, below| ids.word(name, argument.name, below)) {
                return self.word(&word);
            }
        }
        if is_one_word && let Some(words) = choices::for_argument(self.spec, argument.name) {
            let word = self.generator.pick(words);
            self.words.push(word);
            return;
        }
        let word = match argument.kind {
            Kind::Block => {
                return argument.arguments.iter().for_each(|inner| self.argument(inner, argument.arguments));
            }
            Kind::OneOf => return self.one_of(argument),
            Kind::PureToken => argument.token.as_bytes().to_vec(),
            Kind::Key => self.key(),
            Kind::Integer => self.integer(argument.name),
            Kind::Double if argument.name == "timeout" => {
                self.generator.pick(&["0", "0", "1", "0.1", "1e3", "-1", "abc"])
            }
            Kind::Double => self.score(),
            // Far ahead, whichever unit is meant, or long ago.
            Kind::UnixTime => {
                self.generator.pick(&["99999999999", "9999999999999", "99999999999", "1", "0", "-1"])
            }
            Kind::Pattern => self.generator.pick(words::PATTERNS),
            Kind::String => self.text(argument.name),
        };
        self.words.push(word);
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
            let word = self.generator.ids(|ids, below| ids.word_after(for_group, only_new, below));
            self.word(&word);
        }
    }

    fn counted_keys(&mut self, siblings: &'static [Argument]) {
        let has_keys = siblings.iter().any(|other| other.kind == Kind::Key && other.multiple);
        let count = if has_keys { 1 + self.generator.below(3) } else { 0 };
        if self.generator.chance(60) {
            let other = self.generator.pick(words::EDGE_NUMBERS);
            self.words.push(other);
        } else {
            self.word(&count.to_string());
        }
        for _ in 0..count {
            let key = self.key();
            self.words.push(key);
        }
    }

    /// How many keys were counted: the last word that is a number before them.
    fn key_count(&self) -> usize {
        let is_number = |word: &&Vec<u8>| word.iter().all(u8::is_ascii_digit) && !word.is_empty();
        let count = self.words.iter().find(is_number);
        count.and_then(|word| std::str::from_utf8(word).ok()?.parse().ok()).unwrap_or(1).min(10)
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
        if self.generator.chance(12) {
            return self.generator.pick(words::OTHER_KEYS);
        }
        self.generator.pick(words::keys(self.spec.group))
    }

    fn is_for_lex(&self) -> bool {
        self.words.get(1).is_some_and(|key| key.starts_with(b"x"))
    }

    fn integer(&mut self, name: &str) -> Vec<u8> {
        let is_fixed = name == "cursor"
            || (name == "count" && self.spec.name.ends_with("scan"))
            || TIMES_OUT.contains(&self.spec.name);
        if !is_fixed && self.generator.chance(25) {
            let is_harmless = !DOES_AS_MUCH.contains(&self.spec.name);
            return self.generator.pick(if is_harmless {
                words::EDGE_NUMBERS
            } else {
                words::HARMLESS_EDGE_NUMBERS
            });
        }
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
            _ => self.generator.pick(words::NUMBERS),
        }
    }

    fn score(&mut self) -> Vec<u8> {
        if self.is_for_lex() {
            return b"0".to_vec();
        }
        match self.generator.below(30) {
            0 => self.generator.pick(words::EDGE_SCORES),
            _ if self.has_many => (self.generator.below(2000) as f64 / 4.0).to_string().into_bytes(),
            _ => self.generator.pick(words::SCORES),
        }
    }

    fn text(&mut self, name: &str) -> Vec<u8> {
        match (name, self.style) {
            ("min" | "max" | "start" | "stop", RangeStyle::Score) => self.generator.pick(&[
                "-inf", "+inf", "0", "1", "2", "(1", "(2", "1.5", "(0.1", "3", "(inf", "nan", "(", "100",
            ]),
            ("min" | "max" | "start" | "stop", RangeStyle::Lex) => self
                .generator
                .pick(&["-", "+", "[a", "(a", "[b", "(c", "[foo", "[1", "(", "[", "[\x00", "[n5", "x", ""]),
            ("min" | "max" | "start" | "stop", RangeStyle::Rank) => self.integer(name),
            ("increment", _) => self.generator.pick(words::INCREMENTS),
            ("serialized-value", _) => {
                let which = self.generator.below(payloads::BODIES.len());
                let is_spoilt = self.generator.chance(10);
                payloads::payload(payloads::BODIES[which], is_spoilt)
            }
            ("element", _) if self.spec.group == Group::HyperLogLog => {
                self.generator.below(1000).to_string().into_bytes()
            }
            _ if self.has_many => {
                let number = self.generator.below(1500);
                let is_text = self.words.len().is_multiple_of(3)
                    || self.words.last().is_some_and(|word| word.starts_with(b"n"));
                format!("{}{number}", if is_text { "n" } else { "" }).into_bytes()
            }
            _ => self.plain_text(),
        }
    }

    fn plain_text(&mut self) -> Vec<u8> {
        let length = match self.generator.below(400) {
            // Two strings of which the longest common part is looked for, are not to be too long.
            0 if self.spec.group != Group::String => {
                words::BIG_LENGTHS[self.generator.below(words::BIG_LENGTHS.len())]
            }
            1..16 => words::LENGTHS[self.generator.below(words::LENGTHS.len())],
            16..40 => return self.generator.pick(words::EDGE_TEXTS),
            40..60 => return self.generator.below(2000).to_string().into_bytes(),
            _ => return self.generator.pick(words::TEXTS),
        };
        vec![b'v'; length]
    }
}

fn style_of(command: &str, generator: &mut Generator) -> RangeStyle {
    if command.ends_with("bylex") || command == "zlexcount" {
        RangeStyle::Lex
    } else if command.ends_with("byscore") || command == "zcount" {
        RangeStyle::Score
    } else if matches!(command, "zrange" | "zrangestore") {
        [RangeStyle::Rank, RangeStyle::Score, RangeStyle::Lex][generator.below(3)]
    } else {
        RangeStyle::Rank
    }
}

pub fn is_in_7_0(since: &str) -> bool {
    let mut numbers = since.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) <= (7, 0)
}
