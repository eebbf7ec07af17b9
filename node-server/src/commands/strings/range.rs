//! Parts of strings: APPEND, SETRANGE, GETRANGE.

use rcl_proto::resp::Args;
use rcl_store::keyspace::SetExpiry;
use rcl_store::types::Value;

use crate::command::arguments::KEY;
use crate::command::parse;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome};
use crate::pubsub::EventClass;

pub const APPEND: CommandSpec = CommandSpec {
    name: "append",
    arity: 3,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    categories: category::STRING,
    keys: &[KeySpec::first(key_flag::RW | key_flag::INSERT)],
    since: "2.0.0",
    group: Group::String,
    complexity: "O(1). The amortized time complexity is O(1) assuming the appended value is small and the already present value is of any size, since the dynamic string library used by Redis will double the free space available on every reallocation.",
    summary: "Appends to the string at a key, and returns its new length.",
    arguments: &[KEY, Argument { name: "value", ..ARGUMENT }],
    handler: Handler::Run(append),
    ..COMMAND
};

fn append(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, tail) = (&args[1], &args[2]);
    let old_length = context.data.string_to_change(key)?.map(|value| value.len());
    let length = old_length.unwrap_or(0) + tail.len();
    check_length(context, length)?;
    if old_length.is_none() {
        context.data.set_string(key, tail, SetExpiry::Clear, |_| true);
    } else if let Some(entry) = context.data.find_mut(key) {
        entry.edit_string(|bytes| bytes.extend_from_slice(tail));
    }
    context.data.changed(key);
    context.data.notify(EventClass::String, "append", key);
    context.reply.integer(length as i64);
    Ok(Outcome::Done)
}

fn check_length(context: &Context<'_>, length: usize) -> Result<(), CommandError> {
    let limit = context.node.settings().proto_max_bulk_len;
    if length > limit && !context.session.is_master_link {
        Err(CommandError::STRING_TOO_LONG)
    } else {
        Ok(())
    }
}

pub const SETRANGE: CommandSpec = CommandSpec {
    name: "setrange",
    arity: 4,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::STRING,
    keys: &[KeySpec::first(key_flag::RW | key_flag::UPDATE)],
    since: "2.2.0",
    group: Group::String,
    complexity: "O(1), not counting the time taken to copy the new string in place. Usually, this string is very small so the amortized complexity is O(1). Otherwise, complexity is O(M) with M being the length of the value argument.",
    summary: "Overwrites a part of the string at a key, from an offset on.",
    arguments: &[
        KEY,
        Argument { name: "offset", kind: Kind::Integer, ..ARGUMENT },
        Argument { name: "value", ..ARGUMENT },
    ],
    handler: Handler::Run(setrange),
    ..COMMAND
};

fn setrange(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, part) = (&args[1], &args[3]);
    let offset = parse::integer(&args[2])?;
    let offset = usize::try_from(offset).map_err(|_| CommandError::fixed("ERR offset is out of range"))?;
    let old_length = context.data.string_to_change(key)?.map(|value| value.len());
    if part.is_empty() {
        context.reply.integer(old_length.unwrap_or(0) as i64);
        return Ok(Outcome::Done);
    }
    let end = offset.checked_add(part.len()).ok_or(CommandError::STRING_TOO_LONG)?;
    check_length(context, end)?;
    if old_length.is_none() {
        context.data.put(key, Value::String(Vec::new()), None);
    }
    let length = context.data.find_mut(key).and_then(|entry| {
        entry.edit_string(|bytes| {
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[offset..end].copy_from_slice(part);
            bytes.len()
        })
    });
    context.data.changed(key);
    context.data.notify(EventClass::String, "setrange", key);
    context.reply.integer(length.unwrap_or(0) as i64);
    Ok(Outcome::Done)
}

pub const GETRANGE: CommandSpec = CommandSpec {
    name: "getrange",
    arity: 4,
    flags: flag::READONLY,
    categories: category::STRING,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "2.4.0",
    group: Group::String,
    complexity: "O(N) where N is the length of the returned string. The complexity is ultimately determined by the returned length, but because creating a substring from an existing string is very cheap, it can be considered O(1) for small strings.",
    summary: "Returns a part of the string at a key.",
    arguments: &[
        KEY,
        Argument { name: "start", kind: Kind::Integer, ..ARGUMENT },
        Argument { name: "end", kind: Kind::Integer, ..ARGUMENT },
    ],
    handler: Handler::Run(getrange),
    ..COMMAND
};

fn getrange(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (start, end) = (parse::integer(&args[2])?, parse::integer(&args[3])?);
    let value = context.data.string(&args[1])?;
    let mut buffer = itoa::Buffer::new();
    let bytes = value.as_ref().map_or(&[][..], |value| value.as_bytes(&mut buffer));
    context.reply.bulk(part(bytes, start, end));
    Ok(Outcome::Done)
}

/// From `start` to `end`, both included and counted from the end when negative.
fn part(bytes: &[u8], start: i64, end: i64) -> &[u8] {
    let length = bytes.len() as i64;
    if start < 0 && end < 0 && start > end {
        return &[];
    }
    let from_end = |index: i64| if index < 0 { (length.saturating_add(index)).max(0) } else { index };
    let (start, end) = (from_end(start), from_end(end).min(length - 1));
    if start > end || length == 0 { &[] } else { &bytes[start as usize..=end as usize] }
}

pub const SUBSTR: CommandSpec = CommandSpec {
    name: "substr",
    arity: 4,
    flags: flag::READONLY,
    categories: category::STRING,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "1.0.0",
    group: Group::String,
    complexity: "O(N) where N is the length of the returned string. The complexity is ultimately determined by the returned length, but because creating a substring from an existing string is very cheap, it can be considered O(1) for small strings.",
    summary: "Returns a part of the string at a key.",
    arguments: &[
        KEY,
        Argument { name: "start", kind: Kind::Integer, ..ARGUMENT },
        Argument { name: "end", kind: Kind::Integer, ..ARGUMENT },
    ],
    deprecated: Some(("2.0.0", "`GETRANGE`")),
    handler: Handler::Run(getrange),
    ..COMMAND
};

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn parts_as_redis_cuts_them() {
        let text = b"Hello World";
        for (start, end, expected) in [
            (0, 4, "Hello"),
            (-5, -1, "World"),
            (0, -1, "Hello World"),
            (5, 3, ""),
            (-1, -5, ""),
            (0, 100, "Hello World"),
            (-100, 0, "H"),
            (100, 200, ""),
            (i64::MIN, i64::MAX, "Hello World"),
        ] {
            assert_eq!(part(text, start, end), expected.as_bytes(), "{start} {end}");
        }
        assert_eq!(part(b"", 0, -1), b"");
    }
}
