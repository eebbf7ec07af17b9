//! Commands that wait on keys: they take what is there, or wait for it to come.
//!
//! A family gives a function that serves a request from one key. It is tried with each key when the request comes; when none
//! has anything, the client waits in the shard of its keys, and the command that brings one of them ends with serving it
//! there (`executor/serve.rs`), by the same function.

use std::sync::atomic::Ordering;

use rcl_proto::resp::{Args, OwnedArgs, ReplyWriter};

use super::{CommandError, CommandResult, CommandSpec, Context, Data, KeyWait, Outcome, Park, parse};
use crate::client::ReplyMode;
use crate::shard::{KeyWaiter, Wanted};

/// Serves a request with what lies at one of its keys, and says how that is to be replicated. False when nothing is there.
pub type Serve = fn(&mut Data<'_>, &mut ReplyWriter<'_>, &[u8], Args<'_>) -> Result<bool, CommandError>;

/// What a client gets that waits for something that went away with its key, by the key and its request.
pub type Gone = fn(&[u8], Args<'_>) -> CommandError;

/// What a request waits for.
pub struct Waiting<'a> {
    pub spec: &'static CommandSpec,
    pub keys: Args<'a>,
    /// In seconds.
    pub timeout: &'a [u8],
    pub wanted: Wanted,
    pub serve: Serve,
    /// The reply where nothing is there and nobody may wait (in a transaction).
    pub nothing: fn(&mut ReplyWriter<'_>),
}

/// What a request waits for that nothing was there for.
pub struct KeysWait<'a> {
    pub spec: &'static CommandSpec,
    pub keys: Args<'a>,
    pub deadline_ms: Option<i64>,
    pub wanted: Wanted,
    pub serve: Serve,
    /// Given where the wait ends with an error when a key goes away or becomes one of another type.
    pub gone: Option<Gone>,
    pub nothing: fn(&mut ReplyWriter<'_>),
}

pub const NULL_ARRAY: fn(&mut ReplyWriter<'_>) = |reply| reply.null_array();

impl Context<'_> {
    /// `key [key …] timeout`: from the first key that has something, now or later.
    pub fn pop_or_wait(
        &mut self,
        args: Args<'_>,
        spec: &'static CommandSpec,
        wanted: Wanted,
        serve: Serve,
    ) -> CommandResult {
        let last = args.len() - 1;
        let (keys, timeout) = (args.from(1).first(last - 1), &args[last]);
        self.serve_or_wait(args, Waiting { spec, keys, timeout, wanted, serve, nothing: NULL_ARRAY })
    }

    /// Serves the request from the first key that has something, or parks the client until one has.
    pub fn serve_or_wait(&mut self, args: Args<'_>, waiting: Waiting<'_>) -> CommandResult {
        let deadline_ms = deadline(waiting.timeout, self.data.now_ms)?;
        for key in waiting.keys.iter() {
            if (waiting.serve)(&mut self.data, &mut self.reply, key, args)? {
                return Ok(Outcome::Done);
            }
        }
        let Waiting { spec, keys, wanted, serve, nothing, .. } = waiting;
        self.wait_for_keys(
            args.to_owned(),
            KeysWait { spec, keys, deadline_ms, wanted, serve, gone: None, nothing },
        )
    }

    /// Parks the client until a key brings something; `args` are its request as it is to be served then.
    pub fn wait_for_keys(&mut self, args: OwnedArgs, waiting: KeysWait<'_>) -> CommandResult {
        let may_wait = self.may_park && !self.session.is_master_link;
        let slot = self.data.slot;
        let shard = self.node.shards.index_of(slot);
        let Some(place) = self.data.shard().filter(|_| may_wait) else {
            (waiting.nothing)(&mut self.reply);
            return Ok(Outcome::Done);
        };
        let wait = self.session.begin_wait();
        place.waiters.add(KeyWaiter {
            client: self.session.id(),
            user: self.session.user.clone(),
            wait: wait.clone(),
            protocol: self.session.protocol,
            is_heard: self.session.reply_mode == ReplyMode::On,
            slot,
            database: self.session.database,
            keys: waiting.keys.iter().map(Box::from).collect(),
            wanted: waiting.wanted,
            serve: waiting.serve,
            gone: waiting.gone,
            spec: waiting.spec,
            args,
        });
        self.session.handle.waits_in_shard.store(shard, Ordering::Relaxed);
        let keys = Some(KeyWait { shard, deadline_ms: waiting.deadline_ms });
        Ok(Outcome::Park(Park { wait, keys, pipelined: false }))
    }
}

const OUT_OF_RANGE: CommandError = CommandError::fixed("ERR timeout is out of range");
const NEGATIVE: CommandError = CommandError::fixed("ERR timeout is negative");

/// The same for a time-out in milliseconds.
pub fn deadline_ms(text: &[u8], now_ms: i64) -> Result<Option<i64>, CommandError> {
    let ms = parse::integer(text)
        .map_err(|_| CommandError::fixed("ERR timeout is not an integer or out of range"))?;
    match ms {
        ..0 => Err(NEGATIVE),
        0 => Ok(None),
        1.. => now_ms.checked_add(ms).map(Some).ok_or(OUT_OF_RANGE),
    }
}

/// A time-out in seconds, rounded up to milliseconds, as the moment when it is over; `None` for 0, which is never.
fn deadline(text: &[u8], now_ms: i64) -> Result<Option<i64>, CommandError> {
    let seconds =
        parse::read_double(text).ok_or(CommandError::fixed("ERR timeout is not a float or out of range"))?;
    let ms = (seconds * 1000.0).ceil();
    if ms < 0.0 {
        return Err(NEGATIVE);
    }
    if ms >= i64::MAX as f64 {
        return Err(OUT_OF_RANGE);
    }
    match ms as i64 {
        0 => Ok(None),
        ms => now_ms.checked_add(ms).map(Some).ok_or(OUT_OF_RANGE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_outs_in_milliseconds() {
        let of = |text: &str| deadline_ms(text.as_bytes(), 1000).map_err(|error| error.text().to_owned());
        assert_eq!((of("0"), of("1"), of("250")), (Ok(None), Ok(Some(1001)), Ok(Some(1250))));
        for (text, error) in [
            ("-1", "ERR timeout is negative"),
            ("1.5", "ERR timeout is not an integer or out of range"),
            ("", "ERR timeout is not an integer or out of range"),
            ("9223372036854775807", "ERR timeout is out of range"),
        ] {
            assert_eq!(of(text), Err(error.to_owned()), "{text}");
        }
    }

    #[test]
    fn time_outs_are_rounded_up_to_milliseconds() {
        let of = |text: &str| deadline(text.as_bytes(), 1000).map_err(|error| error.text().to_owned());
        for (text, expected) in [
            ("0", None),
            ("0.0", None),
            ("-0.0001", None),
            ("0.0001", Some(1001)),
            ("0.1", Some(1100)),
            ("2", Some(3000)),
            ("0x10", Some(17_000)),
        ] {
            assert_eq!(of(text), Ok(expected), "{text}");
        }
        for (text, error) in [
            ("-1", "ERR timeout is negative"),
            ("-inf", "ERR timeout is negative"),
            ("x", "ERR timeout is not a float or out of range"),
            ("", "ERR timeout is not a float or out of range"),
            ("nan", "ERR timeout is not a float or out of range"),
            ("inf", "ERR timeout is out of range"),
            ("1e400", "ERR timeout is out of range"),
            ("9223372036854776", "ERR timeout is out of range"),
        ] {
            assert_eq!(of(text), Err(error.to_owned()), "{text}");
        }
        assert_eq!(deadline(b"9223372036854775", 2_000_000), Err(OUT_OF_RANGE));
    }
}
