//! The time a key has left: setting, asking, clearing.
//!
//! Whatever form the time is given in, the log gets PEXPIREAT, so that a replica sets the same moment.

use rcl_proto::resp::{Args, OwnedArgs};

use crate::command::arguments::{EXPIRY_CONDITION, KEY};
use crate::command::parse::{self, TimeForm, is};
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome};
use crate::executor::internal;
use crate::pubsub::EventClass;

pub const EXPIRE: CommandSpec = CommandSpec {
    name: "expire",
    arity: -3,
    flags: flag::WRITE | flag::FAST,
    categories: category::KEYSPACE,
    keys: &[KeySpec::first(key_flag::RW | key_flag::UPDATE)],
    since: "1.0.0",
    group: Group::Generic,
    complexity: "O(1)",
    summary: "Sets the time after which a key is gone, in seconds.",
    arguments: &[KEY, Argument { name: "seconds", kind: Kind::Integer, ..ARGUMENT }, EXPIRY_CONDITION],
    handler: Handler::Run(expire),
    ..COMMAND
};

fn expire(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    set_expiry(context, args, TimeForm::EX, "expire")
}

pub const PEXPIRE: CommandSpec = CommandSpec {
    name: "pexpire",
    arity: -3,
    flags: flag::WRITE | flag::FAST,
    categories: category::KEYSPACE,
    keys: &[KeySpec::first(key_flag::RW | key_flag::UPDATE)],
    since: "2.6.0",
    group: Group::Generic,
    complexity: "O(1)",
    summary: "Sets the time after which a key is gone, in milliseconds.",
    arguments: &[KEY, Argument { name: "milliseconds", kind: Kind::Integer, ..ARGUMENT }, EXPIRY_CONDITION],
    handler: Handler::Run(pexpire),
    ..COMMAND
};

fn pexpire(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    set_expiry(context, args, TimeForm::PX, "pexpire")
}

pub const EXPIREAT: CommandSpec = CommandSpec {
    name: "expireat",
    arity: -3,
    flags: flag::WRITE | flag::FAST,
    categories: category::KEYSPACE,
    keys: &[KeySpec::first(key_flag::RW | key_flag::UPDATE)],
    since: "1.2.0",
    group: Group::Generic,
    complexity: "O(1)",
    summary: "Sets the moment at which a key is gone, in seconds of Unix time.",
    arguments: &[
        KEY,
        Argument { name: "unix-time-seconds", kind: Kind::UnixTime, ..ARGUMENT },
        EXPIRY_CONDITION,
    ],
    handler: Handler::Run(expireat),
    ..COMMAND
};

fn expireat(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    set_expiry(context, args, TimeForm::EXAT, "expireat")
}

pub const PEXPIREAT: CommandSpec = CommandSpec {
    name: "pexpireat",
    arity: -3,
    flags: flag::WRITE | flag::FAST,
    categories: category::KEYSPACE,
    keys: &[KeySpec::first(key_flag::RW | key_flag::UPDATE)],
    since: "2.6.0",
    group: Group::Generic,
    complexity: "O(1)",
    summary: "Sets the moment at which a key is gone, in milliseconds of Unix time.",
    arguments: &[
        KEY,
        Argument { name: "unix-time-milliseconds", kind: Kind::UnixTime, ..ARGUMENT },
        EXPIRY_CONDITION,
    ],
    handler: Handler::Run(pexpireat),
    ..COMMAND
};

fn pexpireat(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    set_expiry(context, args, TimeForm::PXAT, "pexpireat")
}

#[derive(Clone, Copy, Debug, Default)]
struct Conditions {
    if_none: bool,
    if_some: bool,
    if_greater: bool,
    if_less: bool,
}

impl Conditions {
    fn parse(words: Args<'_>) -> Result<Conditions, CommandError> {
        let mut conditions = Conditions::default();
        for word in words.iter() {
            let place = if is(word, "NX") {
                &mut conditions.if_none
            } else if is(word, "XX") {
                &mut conditions.if_some
            } else if is(word, "GT") {
                &mut conditions.if_greater
            } else if is(word, "LT") {
                &mut conditions.if_less
            } else {
                let word = String::from_utf8_lossy(word);
                return Err(CommandError::new(format!("ERR Unsupported option {word}")));
            };
            *place = true;
        }
        if conditions.if_none && (conditions.if_some || conditions.if_greater || conditions.if_less) {
            return Err(CommandError::fixed(
                "ERR NX and XX, GT or LT options at the same time are not compatible",
            ));
        }
        if conditions.if_greater && conditions.if_less {
            return Err(CommandError::fixed("ERR GT and LT options at the same time are not compatible"));
        }
        Ok(conditions)
    }

    /// A key without an expiry lives for ever: no moment is greater than that.
    fn allow(self, current: Option<i64>, wanted: i64) -> bool {
        !(self.if_none && current.is_some()
            || self.if_some && current.is_none()
            || self.if_greater && current.is_none_or(|current| wanted <= current)
            || self.if_less && current.is_some_and(|current| wanted >= current))
    }
}

fn set_expiry(context: &mut Context<'_>, args: Args<'_>, form: TimeForm, name: &str) -> CommandResult {
    let key = &args[1];
    let conditions = Conditions::parse(args.from(3))?;
    let number = parse::integer(&args[2])?;
    let now_ms = context.data.now_ms;
    let moment = form.moment(number, now_ms).ok_or_else(|| parse::invalid_expire(name))?;
    let Some(current) = context.data.look(key).map(|entry| entry.expiry()) else {
        context.reply.integer(0);
        return Ok(Outcome::Done);
    };
    if !conditions.allow(current, moment) {
        context.reply.integer(0);
        return Ok(Outcome::Done);
    }
    // A replica keeps what its master has not deleted.
    let is_over = moment <= now_ms && !context.session.is_master_link;
    if is_over {
        context.data.remove(key);
        let command = internal::deletion(context.node.settings().lazyfree_lazy_expire);
        context.data.effects.propagate_instead(OwnedArgs::new([command, key]));
    } else {
        context.data.set_expiry(key, Some(moment));
        let moment = moment.to_string();
        context.data.effects.propagate_instead(OwnedArgs::new([
            b"PEXPIREAT".as_slice(),
            key,
            moment.as_bytes(),
        ]));
    }
    context.data.changed(key);
    context.data.notify(EventClass::Generic, if is_over { "del" } else { "expire" }, key);
    context.reply.integer(1);
    Ok(Outcome::Done)
}

pub const TTL: CommandSpec = CommandSpec {
    name: "ttl",
    arity: 2,
    flags: flag::READONLY | flag::FAST,
    categories: category::KEYSPACE,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "1.0.0",
    group: Group::Generic,
    complexity: "O(1)",
    summary: "Returns how long a key has left, in seconds.",
    arguments: &[KEY],
    tips: &["nondeterministic_output"],
    handler: Handler::Run(ttl),
    ..COMMAND
};

fn ttl(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let now_ms = context.data.now_ms;
    reply_expiry(context, args, |moment| moment.saturating_sub(now_ms).max(0).saturating_add(500) / 1000)
}

pub const PTTL: CommandSpec = CommandSpec {
    name: "pttl",
    arity: 2,
    flags: flag::READONLY | flag::FAST,
    categories: category::KEYSPACE,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "2.6.0",
    group: Group::Generic,
    complexity: "O(1)",
    summary: "Returns how long a key has left, in milliseconds.",
    arguments: &[KEY],
    tips: &["nondeterministic_output"],
    handler: Handler::Run(pttl),
    ..COMMAND
};

fn pttl(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let now_ms = context.data.now_ms;
    reply_expiry(context, args, |moment| moment.saturating_sub(now_ms).max(0))
}

pub const EXPIRETIME: CommandSpec = CommandSpec {
    name: "expiretime",
    arity: 2,
    flags: flag::READONLY | flag::FAST,
    categories: category::KEYSPACE,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "7.0.0",
    group: Group::Generic,
    complexity: "O(1)",
    summary: "Returns the moment at which a key is gone, in seconds of Unix time.",
    arguments: &[KEY],
    handler: Handler::Run(expiretime),
    ..COMMAND
};

fn expiretime(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    reply_expiry(context, args, |moment| moment.saturating_add(500) / 1000)
}

pub const PEXPIRETIME: CommandSpec = CommandSpec {
    name: "pexpiretime",
    arity: 2,
    flags: flag::READONLY | flag::FAST,
    categories: category::KEYSPACE,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "7.0.0",
    group: Group::Generic,
    complexity: "O(1)",
    summary: "Returns the moment at which a key is gone, in milliseconds of Unix time.",
    arguments: &[KEY],
    handler: Handler::Run(pexpiretime),
    ..COMMAND
};

fn pexpiretime(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    reply_expiry(context, args, |moment| moment)
}

/// -2 when there is no such key, -1 when it lives for ever.
fn reply_expiry(context: &mut Context<'_>, args: Args<'_>, show: impl FnOnce(i64) -> i64) -> CommandResult {
    let answer = match context.data.glance(&args[1]).map(|entry| entry.expiry()) {
        None => -2,
        Some(None) => -1,
        Some(Some(moment)) => show(moment),
    };
    context.reply.integer(answer);
    Ok(Outcome::Done)
}

pub const PERSIST: CommandSpec = CommandSpec {
    name: "persist",
    arity: 2,
    flags: flag::WRITE | flag::FAST,
    categories: category::KEYSPACE,
    keys: &[KeySpec::first(key_flag::RW | key_flag::UPDATE)],
    since: "2.2.0",
    group: Group::Generic,
    complexity: "O(1)",
    summary: "Lets a key live for ever.",
    arguments: &[KEY],
    handler: Handler::Run(persist),
    ..COMMAND
};

fn persist(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let key = &args[1];
    let has_expiry = context.data.look(key).is_some_and(|entry| entry.expiry().is_some());
    if has_expiry {
        context.data.set_expiry(key, None);
        context.data.changed(key);
        context.data.notify(EventClass::Generic, "persist", key);
    }
    context.reply.integer(i64::from(has_expiry));
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions(words: &str) -> Result<Conditions, String> {
        let words = OwnedArgs::new(words.split(' ').filter(|word| !word.is_empty()).map(str::as_bytes));
        Conditions::parse(words.as_args()).map_err(|error| error.to_string())
    }

    #[test]
    fn conditions_as_documented() {
        for (words, current, wanted, expected) in [
            ("", None, 5, true),
            ("NX", None, 5, true),
            ("NX", Some(3), 5, false),
            ("XX", None, 5, false),
            ("XX", Some(3), 5, true),
            ("GT", None, 5, false),
            ("GT", Some(3), 5, true),
            ("GT", Some(5), 5, false),
            ("LT", None, 5, true),
            ("LT", Some(6), 5, true),
            ("LT", Some(5), 5, false),
            ("XX LT", None, 5, false),
        ] {
            assert_eq!(conditions(words).unwrap().allow(current, wanted), expected, "{words} {current:?}");
        }
        assert!(conditions("NX XX").unwrap_err().contains("NX and XX"));
        assert!(conditions("GT LT").unwrap_err().contains("GT and LT"));
        assert_eq!(conditions("ZZ").unwrap_err(), "ERR Unsupported option ZZ");
    }
}
