//! The options of XADD and XTRIM.

use rcl_proto::resp::{Args, OwnedArgs};
use rcl_store::types::{Limits, Log, NewId, StreamId, Trim, TrimTo};

use super::ids;
use crate::command::spec::{ARGUMENT, Argument, Kind};
use crate::command::{CommandError, arguments::word, parse};

pub const TRIM: Argument = Argument {
    name: "trim",
    kind: Kind::Block,
    arguments: &[
        Argument {
            name: "strategy",
            kind: Kind::OneOf,
            arguments: &[word("maxlen", "MAXLEN"), Argument { since: "6.2.0", ..word("minid", "MINID") }],
            ..ARGUMENT
        },
        Argument {
            name: "operator",
            kind: Kind::OneOf,
            optional: true,
            arguments: &[word("equal", "="), word("approximately", "~")],
            ..ARGUMENT
        },
        Argument { name: "threshold", ..ARGUMENT },
        Argument {
            name: "count",
            kind: Kind::Integer,
            token: "LIMIT",
            since: "6.2.0",
            optional: true,
            ..ARGUMENT
        },
    ],
    ..ARGUMENT
};

#[derive(Debug)]
pub struct TrimOptions {
    pub trim: Trim,
    /// Which argument the threshold is.
    threshold_at: usize,
}

#[derive(Debug)]
pub struct AddOptions {
    pub id: NewId,
    pub id_at: usize,
    pub only_existing: bool,
    pub trim: Option<TrimOptions>,
}

/// `key [options] id …`; `obeys` as for XTRIM.
pub fn parse_add(
    args: Args<'_>,
    now_ms: i64,
    obeys: bool,
    limits: &Limits,
) -> Result<AddOptions, CommandError> {
    let mut options = Options::default();
    let mut at = 2;
    let mut only_existing = false;
    let id = loop {
        let Some(word) = args.get(at) else {
            options.finish(obeys, limits)?;
            return Err(CommandError::wrong_arity("xadd"));
        };
        if word == b"*" {
            break NewId::At(u64::try_from(now_ms).unwrap_or(0));
        } else if let Some(taken) = options.take(args.from(at), at)? {
            at += taken;
        } else if parse::is(word, "nomkstream") {
            only_existing = true;
            at += 1;
        } else {
            break match ids::exact_or_within(word)? {
                Ok(id) => NewId::Exact(id),
                Err(ms) => NewId::Within(ms),
            };
        }
    };
    Ok(AddOptions { id, id_at: at, only_existing, trim: options.finish(obeys, limits)? })
}

/// `key options`. What comes from the master is obeyed: it has been limited already, whatever it says.
pub fn parse_trim(args: Args<'_>, obeys: bool, limits: &Limits) -> Result<TrimOptions, CommandError> {
    let mut options = Options::default();
    let mut at = 2;
    while at < args.len() {
        at += options.take(args.from(at), at)?.ok_or(CommandError::SYNTAX)?;
    }
    options
        .finish(obeys, limits)?
        .ok_or(CommandError::fixed("ERR syntax error, XTRIM must be called with a trimming strategy"))
}

#[derive(Default)]
struct Options {
    trim: Option<(TrimTo, bool, usize)>,
    limit: Option<i64>,
}

impl Options {
    /// Takes an option with its arguments from the front of `words`, the first of which is argument `at`. `None` when
    /// it is none.
    fn take(&mut self, words: Args<'_>, at: usize) -> Result<Option<usize>, CommandError> {
        let (Some(name), Some(next)) = (words.get(0), words.get(1)) else { return Ok(None) };
        let by_length = parse::is(name, "maxlen");
        if by_length || parse::is(name, "minid") {
            if self.trim.is_some() {
                return Err(CommandError::fixed(
                    "ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
                ));
            }
            let (operator, threshold) = match (next, words.get(2)) {
                (b"~" | b"=", Some(threshold)) => (Some(next), threshold),
                _ => (None, next),
            };
            let to = if by_length {
                let length = parse::integer(threshold)?;
                let length = u64::try_from(length)
                    .map_err(|_| CommandError::fixed("ERR The MAXLEN argument must be >= 0."))?;
                TrimTo::Length(length)
            } else {
                TrimTo::Id(ids::exact(threshold)?)
            };
            let taken = if operator.is_some() { 3 } else { 2 };
            self.trim = Some((to, operator == Some(b"~"), at + taken - 1));
            return Ok(Some(taken));
        }
        if parse::is(name, "limit") {
            let limit = parse::integer(next)?;
            if limit < 0 {
                return Err(CommandError::fixed("ERR The LIMIT argument must be >= 0."));
            }
            self.limit = Some(limit);
            return Ok(Some(2));
        }
        Ok(None)
    }

    fn finish(self, obeys: bool, limits: &Limits) -> Result<Option<TrimOptions>, CommandError> {
        let Some((to, is_approximate, threshold_at)) = self.trim else {
            return match self.limit {
                Some(1..) => Err(CommandError::fixed(
                    "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
                )),
                _ => Ok(None),
            };
        };
        let limit = match self.limit {
            _ if obeys => 0,
            Some(_) if !is_approximate => {
                return Err(CommandError::fixed(
                    "ERR syntax error, LIMIT cannot be used without the special ~ option",
                ));
            }
            Some(limit) => limit,
            None if is_approximate => usual_limit(limits),
            None => 0,
        };
        Ok(Some(TrimOptions { trim: Trim { to, is_approximate, limit: limit.unsigned_abs() }, threshold_at }))
    }
}

/// A hundred nodes' worth, so that trimming a little at a time never takes long.
fn usual_limit(limits: &Limits) -> i64 {
    match limits.stream_node_max_entries.wrapping_mul(100) {
        ..=0 => 10_000,
        entries => entries.min(1_000_000),
    }
}

impl TrimOptions {
    /// What trimming whole nodes came to, as an exact threshold: other servers' nodes may be others.
    pub fn make_exact(&self, log: &Log, words: &mut [Vec<u8>]) {
        if !self.trim.is_approximate {
            return;
        }
        let threshold = match self.trim.to {
            TrimTo::Length(_) => log.len().to_string(),
            TrimTo::Id(_) => log.lowest_stored_id().unwrap_or(StreamId::MAX).to_string(),
        };
        if let Some([operator, place]) = words.get_mut(self.threshold_at - 1..=self.threshold_at) {
            (*operator, *place) = (b"=".to_vec(), threshold.into_bytes());
        }
    }
}

/// The words of a request, for one that is to be propagated with some of them changed.
pub fn words(args: Args<'_>) -> Vec<Vec<u8>> {
    args.iter().map(<[u8]>::to_vec).collect()
}

pub fn request(words: &[Vec<u8>]) -> OwnedArgs {
    OwnedArgs::new(words.iter().map(Vec::as_slice))
}
