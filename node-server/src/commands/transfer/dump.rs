//! DUMP and RESTORE.

use rcl_proto::resp::{Args, OwnedArgs};
use rcl_store::rdb::{self, RestoreError};

use crate::command::arguments::KEY;
use crate::command::parse::{self, is};
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome};
use crate::config::SanitizeDump;
use crate::eviction;
use crate::executor::internal;
use crate::pubsub::EventClass;

pub const DUMP: CommandSpec = CommandSpec {
    name: "dump",
    arity: 2,
    flags: flag::READONLY,
    categories: category::KEYSPACE,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "2.6.0",
    group: Group::Generic,
    complexity: "O(1) to access the key and additional O(N*M) to serialize it, where N is the number of Redis objects composing the value and M their average size. For small string values the time complexity is thus O(1)+O(1*M) where M is small, so simply O(1).",
    summary: "Returns the value at a key as bytes that RESTORE takes.",
    arguments: &[KEY],
    tips: &["nondeterministic_output"],
    handler: Handler::Run(dump),
    ..COMMAND
};

fn dump(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    match context.data.find(&args[1]) {
        Some(entry) => context.reply.bulk(&rdb::dump(entry.value(), false)),
        None => context.reply.null(),
    }
    Ok(Outcome::Done)
}

pub const RESTORE: CommandSpec = CommandSpec {
    name: "restore",
    arity: -4,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::KEYSPACE | category::DANGEROUS,
    keys: &[KeySpec::first(key_flag::OW | key_flag::UPDATE)],
    since: "2.6.0",
    group: Group::Generic,
    complexity: "O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, where N is the number of Redis objects composing the value and M their average size. For small string values the time complexity is thus O(1)+O(1*M) where M is small, so simply O(1). However for sorted set values the complexity is O(N*M*log(N)) because inserting values into sorted sets is O(log(N)).",
    summary: "Puts a value from DUMP under a key.",
    arguments: &[
        KEY,
        Argument { name: "ttl", kind: Kind::Integer, ..ARGUMENT },
        Argument { name: "serialized-value", ..ARGUMENT },
        Argument {
            name: "replace",
            kind: Kind::PureToken,
            token: "REPLACE",
            since: "3.0.0",
            optional: true,
            ..ARGUMENT
        },
        Argument {
            name: "absttl",
            kind: Kind::PureToken,
            token: "ABSTTL",
            since: "5.0.0",
            optional: true,
            ..ARGUMENT
        },
        Argument {
            name: "seconds",
            kind: Kind::Integer,
            token: "IDLETIME",
            since: "5.0.0",
            optional: true,
            ..ARGUMENT
        },
        Argument {
            name: "frequency",
            kind: Kind::Integer,
            token: "FREQ",
            since: "5.0.0",
            optional: true,
            ..ARGUMENT
        },
    ],
    handler: Handler::Run(restore),
    ..COMMAND
};

pub const RESTORE_ASKING: CommandSpec = CommandSpec {
    name: "restore-asking",
    flags: flag::WRITE | flag::DENYOOM | flag::ASKING,
    since: "3.0.0",
    group: Group::Server,
    summary: "Is RESTORE for a slot that is being imported; nodes say it to each other.",
    ..RESTORE
};

#[derive(Debug, Default)]
struct RestoreOptions {
    replace: bool,
    is_absolute: bool,
    idle_s: Option<i64>,
    frequency: Option<u8>,
}

fn restore_options(args: Args<'_>) -> Result<RestoreOptions, CommandError> {
    let mut options = RestoreOptions::default();
    let mut index = 4;
    while let Some(word) = args.get(index) {
        let value = args.get(index + 1);
        index += 1;
        if is(word, "REPLACE") {
            options.replace = true;
        } else if is(word, "ABSTTL") {
            options.is_absolute = true;
        } else if let (true, Some(value), None) = (is(word, "IDLETIME"), value, options.frequency) {
            let idle_s = parse::integer(value)?;
            if idle_s < 0 {
                return Err(CommandError::fixed("ERR Invalid IDLETIME value, must be >= 0"));
            }
            options.idle_s = Some(idle_s);
            index += 1;
        } else if let (true, Some(value), None) = (is(word, "FREQ"), value, options.idle_s) {
            let frequency = u8::try_from(parse::integer(value)?);
            options.frequency = Some(
                frequency
                    .map_err(|_| CommandError::fixed("ERR Invalid FREQ value, must be >= 0 and <= 255"))?,
            );
            index += 1;
        } else {
            return Err(CommandError::SYNTAX);
        }
    }
    Ok(options)
}

fn restore(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let key = &args[1];
    let options = restore_options(args)?;
    if !options.replace && context.data.exists(key) {
        return Err(CommandError::fixed("BUSYKEY Target key name already exists."));
    }
    let ttl = parse::integer(&args[2])?;
    if ttl < 0 {
        return Err(CommandError::fixed("ERR Invalid TTL value, must be >= 0"));
    }
    if is_distrusted(context) {
        context.node.stats.dump_payload_sanitizations.add(rdb::packed_count(&args[3]));
    }
    let checksum = context.node.persistence.checksum();
    let value = rdb::restore_with(&args[3], checksum, &context.data.limits()).map_err(|error| {
        if let RestoreError::Value(error) = &error {
            let form = args[3].first().map_or("value", |kind| rdb::form_name(*kind));
            tracing::warn!("RESTORE refused a payload: {form} integrity check failed: {error}");
        }
        CommandError::new(format!("ERR {error}"))
    })?;
    let now_ms = context.data.now_ms;
    let expiry = match (ttl, options.is_absolute) {
        (0, _) => None,
        (moment, true) => Some(moment),
        (remaining, false) => Some(remaining.checked_add(now_ms).ok_or(CommandError::NOT_INTEGER)?),
    };
    if expiry.is_some_and(|moment| moment <= now_ms) && !context.session.is_master_link {
        // It is over already: what was there is gone all the same.
        if context.data.remove(key) {
            context.data.changed(key);
            context.data.notify(EventClass::Generic, "del", key);
            let command = internal::deletion(context.node.settings().lazyfree_lazy_server_del);
            context.data.effects.propagate_instead(OwnedArgs::new([command, key]));
        }
        context.reply.ok();
        return Ok(Outcome::Done);
    }
    // Whatever was there goes first: the key is a new one.
    context.data.remove(key);
    context.data.put(key, value, expiry);
    let (idle_s, frequency) = (options.idle_s.map(i64::unsigned_abs), options.frequency);
    let clock = eviction::restored_clock(&context.node.settings(), idle_s, frequency, now_ms);
    if let (Some(clock), Some(entry)) = (clock, context.data.find_mut(key)) {
        entry.set_access_clock(clock);
    }
    context.data.changed(key);
    context.data.notify(EventClass::Generic, "restore", key);
    context.data.effects.propagate_instead(restore_effect(args, expiry, options.is_absolute));
    context.reply.ok();
    Ok(Outcome::Done)
}

/// What is checked in depth is counted for whom `sanitize-dump-payload` does not trust; everybody's is.
fn is_distrusted(context: &Context<'_>) -> bool {
    match context.node.settings().sanitize_dump_payload {
        SanitizeDump::No => false,
        SanitizeDump::Yes => true,
        SanitizeDump::Clients => {
            let session = &context.session;
            !session.is_master_link && !session.user.rules().skip_sanitize_payload
        }
    }
}

/// The same for every replica: a moment instead of a time that is left, and all options.
fn restore_effect(args: Args<'_>, expiry: Option<i64>, is_absolute: bool) -> OwnedArgs {
    let moment = expiry.unwrap_or(0).to_string();
    let words = [b"RESTORE", &args[1], moment.as_bytes(), &args[3]].into_iter().chain(args.from(4).iter());
    OwnedArgs::new(words.chain((expiry.is_some() && !is_absolute).then_some(&b"ABSTTL"[..])))
}

#[cfg(test)]
mod tests {
    use crate::executor::in_memory::clients;

    #[test]
    fn what_the_directive_distrusts_is_counted() {
        clients!(node: client);
        client.ask("HSET hash field value");
        client.ask("SET string value");
        let mut payload = |key: &str| {
            let reply = client.request(&["DUMP", key]).unwrap();
            let start = reply.iter().position(|&byte| byte == b'\n').unwrap() + 1;
            reply[start..reply.len() - 2].to_vec()
        };
        let payloads = [payload("hash"), payload("string")];
        for (trust, counted) in [("no", 0), ("yes", 1), ("clients", 2)] {
            assert_eq!(client.ask(&format!("CONFIG SET sanitize-dump-payload {trust}")), "+OK");
            for payload in &payloads {
                let request = [&b"RESTORE"[..], b"copy", b"0", payload, b"REPLACE"];
                assert_eq!(client.request(&request).as_deref(), Some(&b"+OK\r\n"[..]));
            }
            assert_eq!(node.stats.dump_payload_sanitizations.get(), counted, "{trust}");
        }
    }
}
