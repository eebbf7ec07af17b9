//! Letting fields of a hash end: HEXPIRE and its kin, by Redis 7.4.
//!
//! Whatever form the time is given in, the log gets HPEXPIREAT with the fields that it holds for, and HDEL for those whose
//! time was over already.

use rcl_proto::resp::{Args, OwnedArgs};
use rcl_store::types::{Hash, Limits};

use super::fields::{FIELDS, fields};
use crate::command::arguments::{EXPIRY_CONDITION, KEY};
use crate::command::parse::{self, TimeForm, invalid_expire, is};
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Data, Handler, Outcome};
use crate::pubsub::EventClass;

pub const HEXPIRE: CommandSpec = CommandSpec {
    name: "hexpire",
    arity: -6,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    categories: category::HASH,
    keys: &[KeySpec::first(key_flag::RW | key_flag::UPDATE)],
    since: "7.4.0",
    group: Group::Hash,
    complexity: "O(N) where N is the number of specified fields",
    summary: "Sets the time after which fields of a hash are gone, in seconds.",
    arguments: &[
        KEY,
        Argument { name: "seconds", kind: Kind::Integer, ..ARGUMENT },
        Argument { since: "", ..EXPIRY_CONDITION },
        FIELDS,
    ],
    handler: Handler::Run(hexpire),
    ..COMMAND
};
fn hexpire(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    set_expiries(context, args, TimeForm::EX, "hexpire")
}

pub const HPEXPIRE: CommandSpec = CommandSpec {
    name: "hpexpire",
    arity: -6,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    categories: category::HASH,
    keys: &[KeySpec::first(key_flag::RW | key_flag::UPDATE)],
    since: "7.4.0",
    group: Group::Hash,
    complexity: "O(N) where N is the number of specified fields",
    summary: "Sets the time after which fields of a hash are gone, in milliseconds.",
    arguments: &[
        KEY,
        Argument { name: "milliseconds", kind: Kind::Integer, ..ARGUMENT },
        Argument { since: "", ..EXPIRY_CONDITION },
        FIELDS,
    ],
    handler: Handler::Run(hpexpire),
    ..COMMAND
};
fn hpexpire(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    set_expiries(context, args, TimeForm::PX, "hpexpire")
}

pub const HEXPIREAT: CommandSpec = CommandSpec {
    name: "hexpireat",
    arity: -6,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    categories: category::HASH,
    keys: &[KeySpec::first(key_flag::RW | key_flag::UPDATE)],
    since: "7.4.0",
    group: Group::Hash,
    complexity: "O(N) where N is the number of specified fields",
    summary: "Sets the moment at which fields of a hash are gone, in seconds of Unix time.",
    arguments: &[
        KEY,
        Argument { name: "unix-time-seconds", kind: Kind::UnixTime, ..ARGUMENT },
        Argument { since: "", ..EXPIRY_CONDITION },
        FIELDS,
    ],
    handler: Handler::Run(hexpireat),
    ..COMMAND
};
fn hexpireat(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    set_expiries(context, args, TimeForm::EXAT, "hexpireat")
}

pub const HPEXPIREAT: CommandSpec = CommandSpec {
    name: "hpexpireat",
    arity: -6,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    categories: category::HASH,
    keys: &[KeySpec::first(key_flag::RW | key_flag::UPDATE)],
    since: "7.4.0",
    group: Group::Hash,
    complexity: "O(N) where N is the number of specified fields",
    summary: "Sets the moment at which fields of a hash are gone, in milliseconds of Unix time.",
    arguments: &[
        KEY,
        Argument { name: "unix-time-milliseconds", kind: Kind::UnixTime, ..ARGUMENT },
        Argument { since: "", ..EXPIRY_CONDITION },
        FIELDS,
    ],
    handler: Handler::Run(hpexpireat),
    ..COMMAND
};
fn hpexpireat(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    set_expiries(context, args, TimeForm::PXAT, "hpexpireat")
}

/// Which fields get the expiry, by the one they have.
#[derive(Clone, Copy)]
enum Condition {
    Always,
    IfNone,
    IfAny,
    IfLater,
    IfSooner,
}

impl Condition {
    fn parse(word: &[u8]) -> Condition {
        match () {
            () if is(word, "NX") => Condition::IfNone,
            () if is(word, "XX") => Condition::IfAny,
            () if is(word, "GT") => Condition::IfLater,
            () if is(word, "LT") => Condition::IfSooner,
            () => Condition::Always,
        }
    }

    /// A field without an expiry lives for ever.
    fn allows(self, before: Option<i64>, expiry: i64) -> bool {
        match self {
            Condition::Always => true,
            Condition::IfNone => before.is_none(),
            Condition::IfAny => before.is_some(),
            Condition::IfLater => before.is_some_and(|before| expiry > before),
            Condition::IfSooner => before.is_none_or(|before| expiry < before),
        }
    }
}

const NO_FIELD: i64 = -2;
const NOT_ALLOWED: i64 = 0;
const SET: i64 = 1;
const DELETED: i64 = 2;

fn set_expiries(context: &mut Context<'_>, args: Args<'_>, form: TimeForm, command: &str) -> CommandResult {
    let key = &args[1];
    // A key of another type is complained of first.
    context.data.hash_to_change(key)?;
    let expiry = moment(form, &args[2], context.data.now_ms, command)?;
    let condition = Condition::parse(&args[3]);
    let position = if matches!(condition, Condition::Always) { 3 } else { 4 };
    let fields = fields(args, position, "Parameter `numFields` should be greater than 0")?;
    context.data.expire_fields(key, fields.iter());
    let is_over = is_over(context, expiry);
    let limits = context.data.limits();
    let Some(mut hash) = context.data.hash_mut(key)? else {
        context.reply.array(fields.len());
        fields.iter().for_each(|_| context.reply.integer(NO_FIELD));
        return Ok(Outcome::Done);
    };
    context.reply.array(fields.len());
    let mut affected = Vec::new();
    for field in fields.iter() {
        let answer = if !hash.contains(field) {
            NO_FIELD
        } else if !condition.allows(hash.expiry(field), expiry) {
            NOT_ALLOWED
        } else {
            affected.push(field);
            give(&mut hash, field, expiry, is_over, &limits)
        };
        context.reply.integer(answer);
    }
    drop(hash);
    tell_given(&mut context.data, key, expiry, is_over, &affected);
    Ok(Outcome::Done)
}

/// When fields are to end, within what Redis can store.
pub fn moment(form: TimeForm, text: &[u8], now_ms: i64, command: &str) -> Result<i64, CommandError> {
    let number = parse::integer(text)?;
    if number < 0 {
        return Err(CommandError::fixed("ERR invalid expire time, must be >= 0"));
    }
    let moment = form.moment(number, now_ms).filter(|moment| *moment <= Hash::MAX_EXPIRY_MS);
    moment.ok_or_else(|| invalid_expire(command))
}

/// A moment that is over deletes the fields, but for a replica: its master decides.
pub fn is_over(context: &Context<'_>, expiry: i64) -> bool {
    expiry <= context.data.now_of_fields()
}

/// Gives a field that is there its expiry, or deletes it; what HEXPIRE answers.
pub fn give(hash: &mut Hash, field: &[u8], expiry: i64, is_over: bool, limits: &Limits) -> i64 {
    if is_over {
        hash.remove(field);
        return DELETED;
    }
    hash.set_expiry(field, expiry, limits);
    SET
}

/// Counts, logs and tells that these fields were given an expiry, or were deleted by one that is over.
pub fn tell_given(data: &mut Data<'_>, key: &[u8], expiry: i64, is_over: bool, fields: &[&[u8]]) {
    if fields.is_empty() {
        return;
    }
    data.changed_times(key, fields.len() as u64);
    let command = if is_over {
        OwnedArgs::new([b"HDEL".as_slice(), key].into_iter().chain(fields.iter().copied()))
    } else {
        data.note_field_expiries(key);
        as_command(key, expiry, fields.iter().copied())
    };
    data.effects.propagate_instead(command);
    data.notify(EventClass::Hash, if is_over { "hdel" } else { "hexpire" }, key);
    data.remove_if_empty(key);
}

/// The expiry of fields as it goes into the log.
pub fn as_command<'f>(key: &[u8], expiry: i64, fields: impl Iterator<Item = &'f [u8]>) -> OwnedArgs {
    let fields: Vec<&[u8]> = fields.collect();
    let (expiry, count) = (expiry.to_string(), fields.len().to_string());
    let words = [b"HPEXPIREAT".as_slice(), key, expiry.as_bytes(), b"FIELDS", count.as_bytes()];
    OwnedArgs::new(words.into_iter().chain(fields))
}
