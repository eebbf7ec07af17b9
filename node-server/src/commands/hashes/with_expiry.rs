//! Reading and setting fields together with what becomes of them: HGETDEL, HGETEX, HSETEX. By Redis 8.0.

use rcl_proto::resp::{Args, OwnedArgs};
use rcl_store::types::Hash;

use super::field_expiry::{self, give, is_over, moment, tell_given};
use super::fields::{BAD_COUNT, FIELDS, fields};
use crate::command::arguments::{EX, EXAT, KEY, PX, PXAT, word};
use crate::command::parse::{TimeForm, is};
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome, reply};
use crate::pubsub::EventClass;

pub const HGETDEL: CommandSpec = CommandSpec {
    name: "hgetdel",
    arity: -5,
    flags: flag::WRITE | flag::FAST,
    categories: category::HASH,
    keys: &[KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::DELETE)],
    since: "8.0.0",
    group: Group::Hash,
    complexity: "O(N) where N is the number of specified fields",
    summary: "Returns the values of fields, and deletes the fields.",
    arguments: &[KEY, FIELDS],
    handler: Handler::Run(hgetdel),
    ..COMMAND
};
fn hgetdel(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let key = &args[1];
    context.data.hash_to_change(key)?;
    let fields = fields(args, 2, BAD_COUNT)?;
    context.data.expire_fields(key, fields.iter());
    reply_values(context, key, fields)?;
    let mut deleted = Vec::new();
    if let Some(mut hash) = context.data.hash_mut(key)? {
        deleted.extend(fields.iter().filter(|field| hash.remove(field)));
    }
    if !deleted.is_empty() {
        let data = &mut context.data;
        data.changed_times(key, deleted.len() as u64);
        data.effects.propagate_instead(OwnedArgs::new([b"HDEL".as_slice(), key].into_iter().chain(deleted)));
        data.notify(EventClass::Hash, "hdel", key);
        data.remove_if_empty(key);
    }
    Ok(Outcome::Done)
}

fn reply_values(context: &mut Context<'_>, key: &[u8], fields: Args<'_>) -> Result<(), CommandError> {
    let hash = context.data.hash_to_change(key)?;
    context.reply.array(fields.len());
    for field in fields.iter() {
        reply::element_or_null(&mut context.reply, hash.and_then(|hash| hash.get(field)));
    }
    Ok(())
}

pub const HGETEX: CommandSpec = CommandSpec {
    name: "hgetex",
    arity: -5,
    flags: flag::WRITE | flag::FAST,
    categories: category::HASH,
    keys: &[KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)],
    since: "8.0.0",
    group: Group::Hash,
    complexity: "O(N) where N is the number of specified fields",
    summary: "Returns the values of fields, and sets or clears when the fields end.",
    arguments: &[
        KEY,
        Argument {
            name: "expiration",
            kind: Kind::OneOf,
            optional: true,
            arguments: &[EX, PX, EXAT, PXAT, word("persist", "PERSIST")],
            ..ARGUMENT
        },
        FIELDS,
    ],
    handler: Handler::Run(hgetex),
    ..COMMAND
};
fn hgetex(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let key = &args[1];
    context.data.hash_to_change(key)?;
    let (options, position) = Options::parse(args, "PERSIST", context.data.now_ms, "hgetex")?;
    let fields = fields(args, position, BAD_COUNT)?;
    context.data.expire_fields(key, fields.iter());
    reply_values(context, key, fields)?;
    match options.expiry {
        Expiry::Clear => Ok(Outcome::Done),
        Expiry::Keep => persist(context, key, fields),
        Expiry::At(expiry) => {
            let is_over = is_over(context, expiry);
            let limits = context.data.limits();
            let Some(mut hash) = context.data.hash_mut(key)? else { return Ok(Outcome::Done) };
            let mut given = Vec::new();
            for field in fields.iter() {
                if hash.contains(field) {
                    give(&mut hash, field, expiry, is_over, &limits);
                    given.push(field);
                }
            }
            drop(hash);
            tell_given(&mut context.data, key, expiry, is_over, &given);
            Ok(Outcome::Done)
        }
    }
}

fn persist(context: &mut Context<'_>, key: &[u8], fields: Args<'_>) -> CommandResult {
    let data = &mut context.data;
    let Some(mut hash) = data.hash_mut(key)? else { return Ok(Outcome::Done) };
    let cleared: Vec<&[u8]> = fields.iter().filter(|field| hash.clear_expiry(field)).collect();
    drop(hash);
    if !cleared.is_empty() {
        data.changed_times(key, cleared.len() as u64);
        let count = cleared.len().to_string();
        let words = [b"HPERSIST".as_slice(), key, b"FIELDS", count.as_bytes()];
        data.effects.propagate_instead(OwnedArgs::new(words.into_iter().chain(cleared)));
        data.notify(EventClass::Hash, "hpersist", key);
    }
    Ok(Outcome::Done)
}

pub const HSETEX: CommandSpec = CommandSpec {
    name: "hsetex",
    arity: -6,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    categories: category::HASH,
    keys: &[KeySpec::first(key_flag::RW | key_flag::UPDATE)],
    since: "8.0.0",
    group: Group::Hash,
    complexity: "O(N) where N is the number of fields being set.",
    summary: "Sets fields of a hash, with an optional condition and the time when they end.",
    arguments: &[
        KEY,
        Argument {
            name: "condition",
            kind: Kind::OneOf,
            optional: true,
            arguments: &[word("fnx", "FNX"), word("fxx", "FXX")],
            ..ARGUMENT
        },
        Argument {
            name: "expiration",
            kind: Kind::OneOf,
            optional: true,
            arguments: &[EX, PX, EXAT, PXAT, word("keepttl", "KEEPTTL")],
            ..ARGUMENT
        },
        Argument {
            arguments: &[
                Argument { name: "numfields", kind: Kind::Integer, ..ARGUMENT },
                Argument {
                    name: "data",
                    kind: Kind::Block,
                    multiple: true,
                    arguments: &[
                        Argument { name: "field", ..ARGUMENT },
                        Argument { name: "value", ..ARGUMENT },
                    ],
                    ..ARGUMENT
                },
            ],
            ..FIELDS
        },
    ],
    handler: Handler::Run(hsetex),
    ..COMMAND
};
fn hsetex(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let key = &args[1];
    context.data.hash_to_change(key)?;
    let (options, position) = Options::parse(args, "KEEPTTL", context.data.now_ms, "hsetex")?;
    let pairs = pairs(args, position)?;
    let names = || pairs.iter().step_by(2);
    context.data.expire_fields(key, names());
    let hash = context.data.hash_to_change(key)?;
    let exists = |field| hash.is_some_and(|hash| hash.contains(field));
    let allowed = match options.only_if {
        None => true,
        Some(Existing::None) => !names().any(exists),
        Some(Existing::All) => names().all(exists),
    };
    if allowed {
        set_pairs(context, key, pairs, options.expiry)?;
    }
    context.reply.integer(i64::from(allowed));
    Ok(Outcome::Done)
}

/// `FIELDS numfields field value …` at the end.
fn pairs(args: Args<'_>, position: usize) -> Result<Args<'_>, CommandError> {
    let words = args.from(position + 2);
    let count = args.get(position + 1).and_then(|count| crate::command::parse::integer(count).ok());
    match count {
        Some(1..) if !args.get(position).is_some_and(|word| is(word, "FIELDS")) => {
            Err(CommandError::fixed("ERR missing FIELDS argument"))
        }
        Some(count @ 1..) if count.checked_mul(2) == Some(words.len() as i64) => Ok(words),
        Some(1..) => Err(CommandError::wrong_arity("hsetex")),
        _ => Err(CommandError::fixed("ERR invalid number of fields")),
    }
}

/// In the log these are older commands: one that sets, and one for each moment at which fields end.
fn set_pairs(
    context: &mut Context<'_>,
    key: &[u8],
    pairs: Args<'_>,
    expiry: Expiry,
) -> Result<(), CommandError> {
    let names: Vec<&[u8]> = pairs.iter().step_by(2).collect();
    let over = match expiry {
        Expiry::At(expiry) => is_over(context, expiry),
        _ => false,
    };
    let data = &mut context.data;
    let limits = data.limits();
    if let (true, Expiry::At(expiry)) = (over, expiry) {
        // Set and over at once: what was there is gone.
        let Some(mut hash) = data.hash_mut(key)? else { return Ok(()) };
        let there: Vec<&[u8]> = names.into_iter().filter(|field| hash.remove(field)).collect();
        drop(hash);
        tell_given(data, key, expiry, true, &there);
        return Ok(());
    }
    let mut hash = data.hash_or_new(key)?;
    for (field, value) in names.iter().zip(pairs.iter().skip(1).step_by(2)) {
        match expiry {
            Expiry::Keep => hash.set_keeping_expiry(field, value, &limits),
            _ => hash.set(field, value, &limits),
        };
        if let Expiry::At(expiry) = expiry {
            hash.set_expiry(field, expiry, &limits);
        }
    }
    let kept = kept_expiries(&hash, &names, expiry);
    drop(hash);
    data.changed_times(key, names.len() as u64);
    let words = [b"HSET".as_slice(), key].into_iter().chain(pairs.iter());
    data.effects.propagate_instead(OwnedArgs::new(words));
    data.notify(EventClass::Hash, "hset", key);
    match expiry {
        Expiry::At(expiry) => {
            data.note_field_expiries(key);
            data.effects.propagate_instead(field_expiry::as_command(key, expiry, names.into_iter()));
            data.notify(EventClass::Hash, "hexpire", key);
        }
        _ => {
            for (field, expiry) in kept {
                let again = field_expiry::as_command(key, expiry, std::iter::once(field));
                data.effects.propagate_instead(again);
            }
        }
    }
    Ok(())
}

fn kept_expiries<'f>(hash: &Hash, names: &[&'f [u8]], expiry: Expiry) -> Vec<(&'f [u8], i64)> {
    let of = |field: &'f [u8]| Some((field, hash.expiry(field)?));
    if matches!(expiry, Expiry::Keep) {
        names.iter().filter_map(|field| of(field)).collect()
    } else {
        Vec::new()
    }
}

/// What becomes of the fields' expiries.
#[derive(Clone, Copy)]
enum Expiry {
    /// Nothing was said: HSETEX clears them, HGETEX leaves them.
    Clear,
    /// KEEPTTL, or PERSIST.
    Keep,
    At(i64),
}

/// FNX, FXX
#[derive(Clone, Copy)]
enum Existing {
    None,
    All,
}

struct Options {
    expiry: Expiry,
    only_if: Option<Existing>,
}

impl Options {
    /// The options before FIELDS, and where that stands. `keyword` is what can be said instead of a time.
    fn parse(
        args: Args<'_>,
        keyword: &str,
        now_ms: i64,
        command: &str,
    ) -> Result<(Options, usize), CommandError> {
        let mut options = Options { expiry: Expiry::Clear, only_if: None };
        let mut index = 2;
        while let Some(option) = args.get(index).filter(|option| !is(option, "FIELDS")) {
            let form = TimeForm::named(option);
            let is_known = form.is_some() || is(option, keyword);
            // HGETEX takes one option, and says of whatever stands in the place of FIELDS that it is not that.
            if command == "hgetex" && !(is_known && matches!(options.expiry, Expiry::Clear)) {
                break;
            }
            index += 1;
            let existing = match () {
                () if command == "hsetex" && is(option, "FNX") => Some(Existing::None),
                () if command == "hsetex" && is(option, "FXX") => Some(Existing::All),
                () => None,
            };
            if existing.is_some() {
                if options.only_if.is_some() {
                    return Err(CommandError::fixed("ERR Only one of FXX or FNX arguments can be specified"));
                }
                options.only_if = existing;
                continue;
            }
            if !is_known {
                let option = String::from_utf8_lossy(option);
                return Err(CommandError::new(format!("ERR unknown argument: {option}")));
            }
            if !matches!(options.expiry, Expiry::Clear) {
                return Err(CommandError::new(format!(
                    "ERR Only one of EX, PX, EXAT, PXAT or {keyword} arguments can be specified"
                )));
            }
            options.expiry = match (form, args.get(index)) {
                (None, _) => Expiry::Keep,
                (Some(form), Some(number)) => {
                    index += 1;
                    Expiry::At(moment(form, number, now_ms, command)?)
                }
                (Some(_), None) => return Err(CommandError::SYNTAX),
            };
        }
        Ok((options, index))
    }
}
