//! Setting strings: SET with its options, and its older forms.

use rcl_proto::resp::{Args, OwnedArgs};
use rcl_store::keyspace::{SetExpiry, Upserted};

use super::get::reply_element;
use crate::command::arguments::{KEY, word};
use crate::command::parse::{self, TimeForm, is};
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, KeyPosition, Outcome};
use crate::pubsub::EventClass;

pub const SET: CommandSpec = CommandSpec {
    name: "set",
    arity: -3,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::STRING,
    keys: &[KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::UPDATE | key_flag::VARIABLE_FLAGS)],
    own_keys: Some(key_of_set),
    since: "1.0.0",
    group: Group::String,
    complexity: "O(1)",
    summary: "Sets the string at a key, with an optional condition and expiry.",
    arguments: &[
        KEY,
        Argument { name: "value", ..ARGUMENT },
        Argument {
            name: "condition",
            kind: Kind::OneOf,
            since: "2.6.12",
            optional: true,
            arguments: &[word("nx", "NX"), word("xx", "XX")],
            ..ARGUMENT
        },
        Argument {
            name: "get",
            kind: Kind::PureToken,
            token: "GET",
            since: "6.2.0",
            optional: true,
            ..ARGUMENT
        },
        Argument {
            name: "expiration",
            kind: Kind::OneOf,
            optional: true,
            arguments: &[
                Argument { name: "seconds", kind: Kind::Integer, token: "EX", since: "2.6.12", ..ARGUMENT },
                Argument {
                    name: "milliseconds",
                    kind: Kind::Integer,
                    token: "PX",
                    since: "2.6.12",
                    ..ARGUMENT
                },
                Argument {
                    name: "unix-time-seconds",
                    kind: Kind::UnixTime,
                    token: "EXAT",
                    since: "6.2.0",
                    ..ARGUMENT
                },
                Argument {
                    name: "unix-time-milliseconds",
                    kind: Kind::UnixTime,
                    token: "PXAT",
                    since: "6.2.0",
                    ..ARGUMENT
                },
                Argument {
                    name: "keepttl",
                    kind: Kind::PureToken,
                    token: "KEEPTTL",
                    since: "6.0.0",
                    ..ARGUMENT
                },
            ],
            ..ARGUMENT
        },
    ],
    handler: Handler::Run(set),
    ..COMMAND
};

/// Only with GET it reads what was there.
fn key_of_set(args: Args<'_>) -> Vec<KeyPosition> {
    let reads = args.from(3).iter().any(|word| is(word, "GET"));
    let flags = if reads { key_flag::RW | key_flag::ACCESS } else { key_flag::OW } | key_flag::UPDATE;
    vec![KeyPosition { index: 1, flags }]
}

fn set(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if args.len() == 3 {
        return store(context, &args[1], &args[2], SetExpiry::Clear, |context| context.reply.ok());
    }
    let options = SetOptions::parse(args, context.data.now_ms)?;
    set_with_options(context, args, &options)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Always,
    IfAbsent,
    IfPresent,
}

#[derive(Debug)]
struct SetOptions {
    condition: Condition,
    get: bool,
    expiry: SetExpiry,
    /// The expiry was given as PXAT, so that the command is deterministic as it is.
    is_absolute: bool,
}

impl SetOptions {
    fn parse(args: Args<'_>, now_ms: i64) -> Result<SetOptions, CommandError> {
        let mut options = SetOptions {
            condition: Condition::Always,
            get: false,
            expiry: SetExpiry::Clear,
            is_absolute: true,
        };
        // The same word again is no error; the last one counts.
        let mut expiry: Option<(TimeForm, &[u8])> = None;
        let mut index = 3;
        while let Some(word) = args.get(index) {
            index += 1;
            let form = TimeForm::named(word).filter(|form| expiry.is_none_or(|(before, _)| before == *form));
            if is(word, "NX") && options.condition != Condition::IfPresent {
                options.condition = Condition::IfAbsent;
            } else if is(word, "XX") && options.condition != Condition::IfAbsent {
                options.condition = Condition::IfPresent;
            } else if is(word, "GET") {
                options.get = true;
            } else if is(word, "KEEPTTL") && expiry.is_none() {
                options.expiry = SetExpiry::Keep;
            } else if let (Some(form), Some(number)) = (form, args.get(index))
                && options.expiry != SetExpiry::Keep
            {
                expiry = Some((form, number));
                index += 1;
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        // The number is looked at when all words are known to be in order.
        if let Some((form, number)) = expiry {
            options.expiry = SetExpiry::At(parse::expiry_option(form, number, now_ms, "set")?);
            options.is_absolute = form == TimeForm::PXAT;
        }
        Ok(options)
    }

    fn allow(&self, exists: bool) -> bool {
        match self.condition {
            Condition::Always => true,
            Condition::IfAbsent => !exists,
            Condition::IfPresent => exists,
        }
    }
}

fn set_with_options(context: &mut Context<'_>, args: Args<'_>, options: &SetOptions) -> CommandResult {
    let (key, value) = (&args[1], &args[2]);
    let start = context.reply.position();
    if options.get {
        match context.data.string(key)? {
            Some(old) => reply_element(&mut context.reply, old),
            None => context.reply.null(),
        }
    }
    let upserted = context.data.set_string(key, value, options.expiry, |old| options.allow(old.is_some()));
    if upserted == Upserted::Declined {
        if !options.get {
            context.reply.rewind(start);
            context.reply.null();
        }
        return Ok(Outcome::Done);
    }
    if !options.get {
        context.reply.ok();
    }
    tell_set(context, key, options.expiry);
    if let (SetExpiry::At(moment), false) = (options.expiry, options.is_absolute && !options.get) {
        let moment = moment.to_string();
        let command = [b"SET".as_slice(), key, value, b"PXAT", moment.as_bytes()];
        context.data.effects.propagate_instead(OwnedArgs::new(command));
    }
    Ok(Outcome::Done)
}

/// The key was set.
fn tell_set(context: &mut Context<'_>, key: &[u8], expiry: SetExpiry) {
    context.data.changed(key);
    context.data.notify(EventClass::String, "set", key);
    if matches!(expiry, SetExpiry::At(_)) {
        context.data.notify(EventClass::Generic, "expire", key);
    }
}

/// Sets without a condition.
fn store(
    context: &mut Context<'_>,
    key: &[u8],
    value: &[u8],
    expiry: SetExpiry,
    answer: impl FnOnce(&mut Context<'_>),
) -> CommandResult {
    context.data.set_string(key, value, expiry, |_| true);
    tell_set(context, key, expiry);
    answer(context);
    Ok(Outcome::Done)
}

pub const SETNX: CommandSpec = CommandSpec {
    name: "setnx",
    arity: 3,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    categories: category::STRING,
    keys: &[KeySpec::first(key_flag::OW | key_flag::INSERT)],
    since: "1.0.0",
    group: Group::String,
    complexity: "O(1)",
    summary: "Sets the string at a key if there is no such key.",
    arguments: &[KEY, Argument { name: "value", ..ARGUMENT }],
    deprecated: Some(("2.6.12", "`SET` with the `NX` argument")),
    handler: Handler::Run(setnx),
    ..COMMAND
};

fn setnx(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let key = &args[1];
    let upserted = context.data.set_string(key, &args[2], SetExpiry::Clear, |old| old.is_none());
    let created = upserted == Upserted::Created;
    if created {
        tell_set(context, key, SetExpiry::Clear);
    }
    context.reply.integer(i64::from(created));
    Ok(Outcome::Done)
}

pub const SETEX: CommandSpec = CommandSpec {
    name: "setex",
    arity: 4,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::STRING,
    keys: &[KeySpec::first(key_flag::OW | key_flag::UPDATE)],
    since: "2.0.0",
    group: Group::String,
    complexity: "O(1)",
    summary: "Sets the string at a key with an expiry in seconds.",
    arguments: &[
        KEY,
        Argument { name: "seconds", kind: Kind::Integer, ..ARGUMENT },
        Argument { name: "value", ..ARGUMENT },
    ],
    deprecated: Some(("2.6.12", "`SET` with the `EX` argument")),
    handler: Handler::Run(setex),
    ..COMMAND
};

fn setex(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    set_expiring(context, args, TimeForm::EX, "setex")
}

pub const PSETEX: CommandSpec = CommandSpec {
    name: "psetex",
    arity: 4,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::STRING,
    keys: &[KeySpec::first(key_flag::OW | key_flag::UPDATE)],
    since: "2.6.0",
    group: Group::String,
    complexity: "O(1)",
    summary: "Sets the string at a key with an expiry in milliseconds.",
    arguments: &[
        KEY,
        Argument { name: "milliseconds", kind: Kind::Integer, ..ARGUMENT },
        Argument { name: "value", ..ARGUMENT },
    ],
    deprecated: Some(("2.6.12", "`SET` with the `PX` argument")),
    handler: Handler::Run(psetex),
    ..COMMAND
};

fn psetex(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    set_expiring(context, args, TimeForm::PX, "psetex")
}

fn set_expiring(context: &mut Context<'_>, args: Args<'_>, form: TimeForm, name: &str) -> CommandResult {
    let (key, value) = (&args[1], &args[3]);
    let moment = parse::expiry_option(form, &args[2], context.data.now_ms, name)?;
    let text = moment.to_string();
    let command = OwnedArgs::new([b"SET".as_slice(), key, value, b"PXAT", text.as_bytes()]);
    context.data.effects.propagate_instead(command);
    store(context, key, value, SetExpiry::At(moment), |context| context.reply.ok())
}

pub const GETSET: CommandSpec = CommandSpec {
    name: "getset",
    arity: 3,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    categories: category::STRING,
    keys: &[KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)],
    since: "1.0.0",
    group: Group::String,
    complexity: "O(1)",
    summary: "Sets the string at a key and returns the one before.",
    arguments: &[KEY, Argument { name: "value", ..ARGUMENT }],
    deprecated: Some(("6.2.0", "`SET` with the `!GET` argument")),
    handler: Handler::Run(getset),
    ..COMMAND
};

fn getset(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, value) = (&args[1], &args[2]);
    match context.data.string(key)? {
        Some(old) => reply_element(&mut context.reply, old),
        None => context.reply.null(),
    }
    context.data.effects.propagate_instead(OwnedArgs::new([b"SET".as_slice(), key, value]));
    store(context, key, value, SetExpiry::Clear, |_| {})
}

pub const MSET: CommandSpec = CommandSpec {
    name: "mset",
    arity: -3,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::STRING,
    keys: &[KeySpec::range(1, -1, 2, key_flag::OW | key_flag::UPDATE)],
    since: "1.0.1",
    group: Group::String,
    complexity: "O(N) where N is the number of keys to set.",
    summary: "Sets the strings at several keys.",
    arguments: &[Argument {
        name: "data",
        kind: Kind::Block,
        multiple: true,
        arguments: &[KEY, Argument { name: "value", ..ARGUMENT }],
        ..ARGUMENT
    }],
    tips: &["request_policy:multi_shard", "response_policy:all_succeeded"],
    handler: Handler::Run(mset),
    ..COMMAND
};

fn mset(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if args.len().is_multiple_of(2) {
        return Err(CommandError::wrong_arity("mset"));
    }
    set_pairs(context, args);
    context.reply.ok();
    Ok(Outcome::Done)
}

fn set_pairs(context: &mut Context<'_>, args: Args<'_>) {
    for index in (1..args.len()).step_by(2) {
        let key = &args[index];
        context.data.set_string(key, &args[index + 1], SetExpiry::Clear, |_| true);
        tell_set(context, key, SetExpiry::Clear);
    }
}

pub const MSETNX: CommandSpec = CommandSpec {
    name: "msetnx",
    arity: -3,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::STRING,
    keys: &[KeySpec::range(1, -1, 2, key_flag::OW | key_flag::INSERT)],
    since: "1.0.1",
    group: Group::String,
    complexity: "O(N) where N is the number of keys to set.",
    summary: "Sets the strings at several keys if none of the keys is there.",
    arguments: &[Argument {
        name: "data",
        kind: Kind::Block,
        multiple: true,
        arguments: &[KEY, Argument { name: "value", ..ARGUMENT }],
        ..ARGUMENT
    }],
    handler: Handler::Run(msetnx),
    ..COMMAND
};

fn msetnx(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if args.len().is_multiple_of(2) {
        return Err(CommandError::wrong_arity("msetnx"));
    }
    let any = (1..args.len()).step_by(2).any(|index| context.data.exists(&args[index]));
    if !any {
        set_pairs(context, args);
    }
    context.reply.integer(i64::from(!any));
    Ok(Outcome::Done)
}
