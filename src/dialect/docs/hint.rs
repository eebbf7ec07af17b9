//! The hint behind what is typed: the arguments that are still to come.
//!
//! ```text
//! SCAN 0 COUNT            ->  count [MATCH pattern] [TYPE type]
//! SET k v EX 10           ->  [NX|XX] [GET]
//! ```
//!
//! The words that are there are read against the command's arguments ([`Read`] is how far each has come), and
//! what is left is written ([`write_all`]). Optional arguments that stand together come in any order; one that
//! has begun is shown first, without its brackets. A word that fits nowhere ends the hinting. What is hinted is
//! what redis-cli 7.2 hints; its suite of hints is held against this.

use super::{Argument, CommandDoc, Kind};

/// The hint for what is left of `doc`'s arguments behind `words`; `None` when the words do not fit.
pub fn after<W: AsRef<[u8]>>(doc: &CommandDoc, words: &[W]) -> Option<String> {
    let Some(arguments) = &doc.arguments else {
        return words.is_empty().then(|| doc.usage.clone());
    };
    let words: Vec<&[u8]> = words.iter().map(AsRef::as_ref).collect();
    let (taken, read) = read_sequence(arguments, &words);
    (taken == words.len()).then(|| write_all(arguments, &read, " "))
}

/// All arguments, none of them given yet.
pub fn of_all(arguments: &[Argument]) -> String {
    write_all(arguments, &unread(arguments), " ")
}

/// How much of an argument was read.
#[derive(Clone, Debug, Default)]
struct Read {
    /// Something of it is there.
    begun: bool,
    token: bool,
    value: bool,
    /// Nothing more is to come.
    whole: bool,
    inner: Vec<Read>,
}

fn unread(arguments: &[Argument]) -> Vec<Read> {
    arguments.iter().map(blank).collect()
}

fn blank(argument: &Argument) -> Read {
    Read { inner: unread(&argument.arguments), ..Read::default() }
}

/// Reads words against arguments in their order; how many were taken, 0 when a required one does not fit.
fn read_sequence(arguments: &[Argument], words: &[&[u8]]) -> (usize, Vec<Read>) {
    let mut read = unread(arguments);
    let (mut taken, mut at) = (0, 0);
    while taken < words.len() && at < arguments.len() {
        let optional = arguments[at..].iter().take_while(|argument| argument.optional).count();
        if optional > 0 {
            let group = at..at + optional;
            taken += read_any_order(&arguments[group.clone()], &words[taken..], &mut read[group]);
            at += optional;
        } else {
            let (count, progress) = read_one(&arguments[at], &words[taken..]);
            if count == 0 {
                return (0, unread(arguments));
            }
            read[at] = progress;
            taken += count;
            at += 1;
        }
    }
    (taken, read)
}

/// Optional arguments that stand together, in whatever order they come.
fn read_any_order(arguments: &[Argument], words: &[&[u8]], read: &mut [Read]) -> usize {
    let (mut taken, mut last) = (0, None);
    while taken < words.len() {
        let rest = &words[taken..];
        let fitting = (0..arguments.len()).filter(|&index| !read[index].begun).find_map(|index| {
            let (count, progress) = read_one(&arguments[index], rest);
            (count > 0).then_some((index, count, progress))
        });
        let Some((index, count, progress)) = fitting else { break };
        // Once the next has begun, what the last one could have had besides is not coming any more.
        if let Some(last) = last.replace(index) {
            let last: &mut Read = &mut read[last];
            last.whole = true;
        }
        read[index] = progress;
        taken += count;
    }
    taken
}

/// One argument, as often as it may be repeated; how many words it took.
fn read_one(argument: &Argument, words: &[&[u8]]) -> (usize, Read) {
    let (mut taken, mut read) = read_with_token(argument, words);
    if !argument.multiple {
        return (taken, read);
    }
    while read.whole && taken < words.len() {
        let rest = &words[taken..];
        let (count, again) = match argument.token {
            Some(_) if !argument.multiple_token => {
                // The token stands only before the first.
                let (count, mut again) = read_value(argument, rest);
                again.token = again.begun;
                (count, again)
            }
            _ => read_with_token(argument, rest),
        };
        taken += count;
        read = again;
    }
    // It can always be repeated once more.
    read.whole = false;
    (taken, read)
}

fn read_with_token(argument: &Argument, words: &[&[u8]]) -> (usize, Read) {
    let Some(token) = &argument.token else { return read_value(argument, words) };
    if !words.first().is_some_and(|word| word.eq_ignore_ascii_case(token.as_bytes())) {
        return (0, blank(argument));
    }
    let rest = &words[1..];
    let only_token = Read { begun: true, token: true, ..blank(argument) };
    if argument.kind == Kind::PureToken {
        return (1, Read { whole: true, ..only_token });
    }
    if rest.is_empty() {
        return (1, only_token);
    }
    match read_value(argument, rest) {
        (0, _) => (0, blank(argument)),
        (count, read) => (1 + count, Read { token: true, ..read }),
    }
}

fn read_value(argument: &Argument, words: &[&[u8]]) -> (usize, Read) {
    let mut read = blank(argument);
    let Some(word) = words.first() else { return (0, read) };
    let taken = match argument.kind {
        Kind::Block => {
            let (taken, inner) = read_sequence(&argument.arguments, words);
            read.whole = inner.iter().all(|part| part.whole);
            read.inner = inner;
            taken
        }
        Kind::OneOf => {
            let choice = argument.arguments.iter().enumerate().find_map(|(index, choice)| {
                let (taken, progress) = read_one(choice, words);
                (taken > 0).then_some((index, taken, progress))
            });
            let Some((index, taken, progress)) = choice else { return (0, read) };
            read.whole = progress.whole;
            read.inner[index] = progress;
            taken
        }
        Kind::Integer => usize::from(begins_a_number(word, false)),
        Kind::Double => usize::from(begins_a_number(word, true)),
        Kind::Word | Kind::PureToken => 1,
    };
    read.begun = taken > 0;
    if !matches!(argument.kind, Kind::Block | Kind::OneOf) {
        (read.value, read.whole) = (read.begun, read.begun);
    }
    (taken, read)
}

/// What may become a number as it is typed on: what follows the first digits does not matter.
fn begins_a_number(word: &[u8], or_fraction: bool) -> bool {
    let digits = word.strip_prefix(b"-").or(word.strip_prefix(b"+")).unwrap_or(word);
    let lower = digits.to_ascii_lowercase();
    match lower.as_slice() {
        [b'0'..=b'9', ..] => true,
        [b'.', b'0'..=b'9', ..] => or_fraction,
        _ => or_fraction && (lower.starts_with(b"inf") || lower.starts_with(b"nan")),
    }
}

/// What is left of these arguments.
fn write_all(arguments: &[Argument], read: &[Read], separator: &str) -> String {
    let mut parts = Vec::new();
    let mut at = 0;
    while at < arguments.len() {
        let optional = arguments[at..].iter().take_while(|argument| argument.optional).count();
        if optional == 0 {
            parts.push(write_one(&arguments[at], &read[at]));
            at += 1;
            continue;
        }
        let group = at..at + optional;
        let begun = group.clone().find(|&index| read[index].begun && !read[index].whole);
        parts.extend(begun.map(|index| write_one(&arguments[index], &read[index])));
        // Once the required argument behind them has begun, none of them can come any more.
        if read.get(group.end).is_none_or(|next| !next.begun) {
            let others = group.clone().filter(|index| Some(*index) != begun);
            parts.extend(others.map(|index| write_one(&arguments[index], &read[index])));
        }
        at += optional;
    }
    parts.retain(|part| !part.is_empty());
    parts.join(separator)
}

fn write_one(argument: &Argument, read: &Read) -> String {
    if read.whole {
        return String::new();
    }
    let mut parts = Vec::new();
    if let Some(token) = &argument.token
        && !read.token
    {
        parts.push(quoted_if_empty(token));
    }
    let begun_choice = || argument.arguments.iter().zip(&read.inner).find(|(_, inner)| inner.begun);
    parts.push(match argument.kind {
        Kind::OneOf if read.begun => {
            begun_choice().map(|(choice, inner)| write_one(choice, inner)).unwrap_or_default()
        }
        Kind::OneOf => write_all(&argument.arguments, &read.inner, "|"),
        Kind::Block => write_all(&argument.arguments, &read.inner, " "),
        Kind::PureToken => String::new(),
        _ if read.value => String::new(),
        _ => quoted_if_empty(&argument.shown),
    });
    if argument.multiple {
        parts.push(repetition(argument));
    }
    parts.retain(|part| !part.is_empty());
    let text = parts.join(" ");
    match argument.optional {
        true if !read.begun => format!("[{text}]"),
        // As redis-cli has it: the bracket of one that can be repeated is closed though it was not opened.
        true if argument.multiple => format!("{text}]"),
        _ => text,
    }
}

/// `[key ...]`: what can be given once more.
fn repetition(argument: &Argument) -> String {
    let token =
        argument.token.as_ref().filter(|_| argument.multiple_token).map(|token| quoted_if_empty(token));
    let value = match argument.kind {
        Kind::OneOf => write_all(&argument.arguments, &unread(&argument.arguments), "|"),
        Kind::Block => write_all(&argument.arguments, &unread(&argument.arguments), " "),
        Kind::PureToken => String::new(),
        _ => quoted_if_empty(&argument.shown),
    };
    let parts: Vec<String> = token.into_iter().chain([value]).filter(|part| !part.is_empty()).collect();
    format!("[{} ...]", parts.join(" "))
}

fn quoted_if_empty(text: &str) -> String {
    if text.is_empty() { "\"\"".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::built_in;
    use super::*;

    /// Lines as they are typed (what follows the last blank is being typed), and what is hinted.
    const HINTS: &[(&str, &str)] = &[
        ("GET ", "key"),
        ("LPOP key 3 ", ""),
        ("XRANGE k 4 2 COUNT ", "count"),
        ("SCAN 2 COUNT ", "count [MATCH pattern] [TYPE type]"),
        ("MGET k k ", "[key ...]"),
        ("CONFIG SET param val p ", "value [parameter value ...]"),
        ("BITFIELD_RO k GET xyz ", "offset [GET encoding offset ...]]"),
        ("SET key value EX ", "seconds [NX|XX] [GET]"),
        ("SET key value PX 5 ", "[NX|XX] [GET]"),
        ("ZRANGE k 1 2 limit 2 4 ", "[BYSCORE|BYLEX] [REV] [WITHSCORES]"),
        ("ZADD key ", "[NX|XX] [GT|LT] [CH] [INCR] score member [score member ...]"),
        ("ZADD key 0 ", "member [score member ...]"),
        ("ZRANDMEMBER k 3 ", "[WITHSCORES]"),
        ("BLMOVE src dst LEFT ", "LEFT|RIGHT timeout"),
    ];

    #[test]
    fn what_is_still_to_come_is_hinted() {
        let docs = built_in(None);
        for (line, expected) in HINTS {
            let words: Vec<&str> = line.split_terminator(' ').collect();
            let doc = docs.find(&words).unwrap();
            assert_eq!(after(doc, &words[doc.words().count()..]).as_deref(), Some(*expected), "{line}");
        }
    }

    #[test]
    fn a_word_that_fits_nowhere_ends_the_hinting() {
        let docs = built_in(None);
        for line in
            ["SET key value FOOBAR", "SET key value EX sec", "ZRANDMEMBER k cnt", "GET a b", "DECRBY k x"]
        {
            let words: Vec<&str> = line.split(' ').collect();
            let doc = docs.find(&words).unwrap();
            assert_eq!(after(doc, &words[1..]), None, "{line}");
        }
    }

    #[test]
    fn every_argument_of_every_command_can_be_written() {
        for doc in built_in(None).commands {
            let text = doc.parameters();
            let count = |bracket| text.matches(bracket).count();
            assert_eq!(count('['), count(']'), "{}: {text}", doc.name);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_words_break_it(line in "(SET|ZADD|GEOSEARCH|BITFIELD|XADD|MIGRATE)( (k|1|EX|NX|KEYS|GET|\\*|COUNT|BYRADIUS|x)){0,8}") {
            let docs = built_in(None);
            let words: Vec<&str> = line.split(' ').collect();
            let doc = docs.find(&words).unwrap();
            after(doc, &words[1..]);
        }
    }
}
