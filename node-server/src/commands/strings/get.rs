//! Reading strings: GET, MGET, STRLEN, and reading with a change to the key: GETDEL, GETEX.

use rcl_proto::resp::{Args, OwnedArgs};
use rcl_store::types::Element;

use crate::command::arguments::{EX, EXAT, KEY, KEYS, PX, PXAT, word};
use crate::command::parse::{self, TimeForm, is};
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome};
use crate::executor::internal;
use crate::pubsub::EventClass;

pub const GET: CommandSpec = CommandSpec {
    name: "get",
    arity: 2,
    flags: flag::READONLY | flag::FAST,
    categories: category::STRING,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "1.0.0",
    group: Group::String,
    complexity: "O(1)",
    summary: "Returns the string at a key.",
    arguments: &[KEY],
    handler: Handler::Run(get),
    ..COMMAND
};

fn get(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    match context.data.string(&args[1])? {
        Some(value) => reply_element(&mut context.reply, value),
        None => context.reply.null(),
    }
    Ok(Outcome::Done)
}

/// A string as a bulk reply, a number without a copy.
pub fn reply_element(reply: &mut rcl_proto::resp::ReplyWriter<'_>, value: Element<'_>) {
    match value {
        Element::Int(number) => reply.bulk_integer(number),
        Element::Bytes(bytes) => reply.bulk(bytes),
    }
}

pub const MGET: CommandSpec = CommandSpec {
    name: "mget",
    arity: -2,
    flags: flag::READONLY | flag::FAST,
    categories: category::STRING,
    keys: &[KeySpec::range(1, -1, 1, key_flag::RO | key_flag::ACCESS)],
    since: "1.0.0",
    group: Group::String,
    complexity: "O(N) where N is the number of keys to retrieve.",
    summary: "Returns the strings at several keys, null for those that hold none.",
    arguments: &[KEYS],
    tips: &["request_policy:multi_shard"],
    handler: Handler::Run(mget),
    ..COMMAND
};

fn mget(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    context.reply.array(args.len() - 1);
    for key in args.from(1).iter() {
        // A key of another type reads as none.
        match context.data.string(key) {
            Ok(Some(value)) => reply_element(&mut context.reply, value),
            Ok(None) | Err(_) => context.reply.null(),
        }
    }
    Ok(Outcome::Done)
}

pub const STRLEN: CommandSpec = CommandSpec {
    name: "strlen",
    arity: 2,
    flags: flag::READONLY | flag::FAST,
    categories: category::STRING,
    keys: &[KeySpec::first(key_flag::RO)],
    since: "2.2.0",
    group: Group::String,
    complexity: "O(1)",
    summary: "Returns the length of the string at a key, 0 when there is none.",
    arguments: &[KEY],
    handler: Handler::Run(strlen),
    ..COMMAND
};

fn strlen(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let length = context.data.string(&args[1])?.map_or(0, |value| value.len());
    context.reply.integer(length as i64);
    Ok(Outcome::Done)
}

pub const GETDEL: CommandSpec = CommandSpec {
    name: "getdel",
    arity: 2,
    flags: flag::WRITE | flag::FAST,
    categories: category::STRING,
    keys: &[KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::DELETE)],
    since: "6.2.0",
    group: Group::String,
    complexity: "O(1)",
    summary: "Returns the string at a key and deletes the key.",
    arguments: &[KEY],
    handler: Handler::Run(getdel),
    ..COMMAND
};

fn getdel(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let key = &args[1];
    match context.data.string(key)? {
        Some(value) => reply_element(&mut context.reply, value),
        None => {
            context.reply.null();
            return Ok(Outcome::Done);
        }
    }
    context.data.remove(key);
    context.data.changed(key);
    context.data.notify(EventClass::Generic, "del", key);
    context.data.effects.propagate_instead(OwnedArgs::new([b"DEL".as_slice(), key]));
    Ok(Outcome::Done)
}

pub const GETEX: CommandSpec = CommandSpec {
    name: "getex",
    arity: -2,
    flags: flag::WRITE | flag::FAST,
    categories: category::STRING,
    keys: &[KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)],
    since: "6.2.0",
    group: Group::String,
    complexity: "O(1)",
    summary: "Returns the string at a key and sets or clears its expiry.",
    arguments: &[
        KEY,
        Argument {
            name: "expiration",
            kind: Kind::OneOf,
            optional: true,
            arguments: &[EX, PX, EXAT, PXAT, word("persist", "PERSIST")],
            ..ARGUMENT
        },
    ],
    handler: Handler::Run(getex),
    ..COMMAND
};

fn getex(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let key = &args[1];
    let now_ms = context.data.now_ms;
    let option = getex_option(args)?;
    // An expiry that cannot be is complained of only where there is a key.
    let Some(value) = context.data.string(key)? else {
        context.reply.null();
        return Ok(Outcome::Done);
    };
    reply_element(&mut context.reply, value);
    let change = match option {
        GetexOption::None => ExpiryChange::None,
        GetexOption::Persist => ExpiryChange::Clear,
        GetexOption::Expire(form, number) => {
            ExpiryChange::At(parse::expiry_option(form, number, now_ms, "getex")?)
        }
    };
    let event = match change {
        ExpiryChange::None => return Ok(Outcome::Done),
        ExpiryChange::Clear => {
            if context.data.peek(key).is_none_or(|entry| entry.expiry().is_none()) {
                return Ok(Outcome::Done);
            }
            context.data.set_expiry(key, None);
            context.data.effects.propagate_instead(OwnedArgs::new([b"PERSIST".as_slice(), key]));
            "persist"
        }
        ExpiryChange::At(moment) if moment <= now_ms => {
            context.data.remove(key);
            let command = internal::deletion(context.node.settings().lazyfree_lazy_expire);
            context.data.effects.propagate_instead(OwnedArgs::new([command, key]));
            "del"
        }
        ExpiryChange::At(moment) => {
            context.data.set_expiry(key, Some(moment));
            let moment = moment.to_string();
            context.data.effects.propagate_instead(OwnedArgs::new([
                b"PEXPIREAT".as_slice(),
                key,
                moment.as_bytes(),
            ]));
            "expire"
        }
    };
    context.data.changed(key);
    context.data.notify(EventClass::Generic, event, key);
    Ok(Outcome::Done)
}

enum ExpiryChange {
    None,
    Clear,
    At(i64),
}

enum GetexOption<'a> {
    None,
    Persist,
    Expire(TimeForm, &'a [u8]),
}

fn getex_option(args: Args<'_>) -> Result<GetexOption<'_>, CommandError> {
    match (args.len(), args.get(2), args.get(3)) {
        (2, ..) => Ok(GetexOption::None),
        (3, Some(word), _) if is(word, "PERSIST") => Ok(GetexOption::Persist),
        (4, Some(word), Some(number)) => {
            Ok(GetexOption::Expire(TimeForm::named(word).ok_or(CommandError::SYNTAX)?, number))
        }
        _ => Err(CommandError::SYNTAX),
    }
}
