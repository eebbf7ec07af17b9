//! The table `redis` that scripts see, and the smaller one that a library of functions sees while it is loaded.

use mlua::{Lua, MultiValue, Result, Table, Value};

use super::call::{self, check_words};
use super::debugger;
use super::digest;
use super::exposed::{
    Answer, Named, Raised, bytes_of, error_table, expose, expose_with_words, nothing, number_of, one,
};
use super::glue;
use super::run::with_current;
use crate::command::{CommandError, Lookup, replicated};
use crate::executor::Request;

const NOT_IN_A_SCRIPT: CommandError = CommandError::fixed(call::NOT_IN_A_SCRIPT);

type OfValues = fn(&Lua, MultiValue) -> Answer;

pub fn redis_table(lua: &Lua) -> Result<Table> {
    let table = lua.create_table()?;
    fill_common(lua, &table)?;
    table.raw_set("call", glue::command(lua, true)?)?;
    table.raw_set("pcall", glue::command(lua, false)?)?;
    table.raw_set("acl_check_cmd", expose_with_words(lua, acl_check_cmd)?)?;
    table.raw_set("debug", glue::debug(lua)?)?;
    let functions: [Named<OfValues>; 7] = [
        ("error_reply", error_reply),
        ("status_reply", status_reply),
        ("sha1hex", sha1hex),
        ("setresp", setresp),
        ("set_repl", set_repl),
        ("breakpoint", |_, _| one(Value::Boolean(debugger::stop_at_next_line()))),
        ("replicate_commands", |_, _| one(Value::Boolean(true))),
    ];
    for (name, function) in functions {
        table.raw_set(name, expose(lua, function)?)?;
    }
    for (name, bits) in [
        ("REPL_NONE", replicated::NONE),
        ("REPL_AOF", replicated::FILE),
        ("REPL_SLAVE", replicated::REPLICAS),
        ("REPL_REPLICA", replicated::REPLICAS),
        ("REPL_ALL", replicated::ALL),
    ] {
        table.raw_set(name, bits)?;
    }
    Ok(table)
}

/// What scripts and libraries both see.
pub fn fill_common(lua: &Lua, table: &Table) -> Result<()> {
    table.raw_set("log", expose(lua, log)?)?;
    for (level, name) in ["LOG_DEBUG", "LOG_VERBOSE", "LOG_NOTICE", "LOG_WARNING"].into_iter().enumerate() {
        table.raw_set(name, level)?;
    }
    table.raw_set("REDIS_VERSION", crate::REDIS_VERSION)?;
    table.raw_set("REDIS_VERSION_NUM", version_number(crate::REDIS_VERSION))
}

/// `0x00MMmmpp`
fn version_number(version: &str) -> u32 {
    version.split('.').fold(0, |number, part| number << 8 | part.parse().unwrap_or(0))
}

fn raise(lua: &Lua, text: &'static str) -> Answer {
    Err(Raised::table(lua, &CommandError::fixed(text)))
}

fn log(lua: &Lua, arguments: MultiValue) -> Answer {
    if arguments.len() < 2 {
        return raise(lua, "ERR redis.log() requires two arguments or more.");
    }
    let Some(level) = arguments.front().and_then(number_of) else {
        return raise(lua, "ERR First argument must be a number (log level).");
    };
    let parts: Vec<String> = arguments
        .iter()
        .skip(1)
        .filter_map(bytes_of)
        .map(|part| String::from_utf8_lossy(&part).into_owned())
        .collect();
    let message = parts.join(" ");
    match level as i64 {
        0 => tracing::trace!("{message}"),
        1 => tracing::debug!("{message}"),
        2 => tracing::info!("{message}"),
        3 => tracing::warn!("{message}"),
        _ => return raise(lua, "ERR Invalid debug level."),
    }
    nothing()
}

/// A table with one text, by which a script answers with an error or a status.
fn error_reply(lua: &Lua, arguments: MultiValue) -> Answer {
    let (1, Some(Value::String(text))) = (arguments.len(), arguments.front()) else {
        return wrong_arguments(lua);
    };
    let bytes = text.as_bytes();
    let shown = String::from_utf8_lossy(&bytes);
    debugger::error_made(&format!("-{}", shown.strip_prefix('-').unwrap_or(&shown)));
    one(Value::Table(error_table(lua, &with_code(&bytes))?))
}

/// The first word is the code; a single word is a text without one.
fn with_code(text: &[u8]) -> Vec<u8> {
    let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
    let text = text.strip_prefix(b"-").unwrap_or(text);
    match text.iter().position(|&byte| byte == b' ') {
        None => [b"ERR ", trimmed(text)].concat(),
        Some(space) => [&text[..=space], trimmed(&text[space + 1..])].concat(),
    }
}

/// Without the ends of lines around it.
pub fn trimmed(mut text: &[u8]) -> &[u8] {
    while let [rest @ .., b'\r' | b'\n'] | [b'\r' | b'\n', rest @ ..] = text {
        text = rest;
    }
    text
}

fn status_reply(lua: &Lua, arguments: MultiValue) -> Answer {
    let (1, Some(text @ Value::String(_))) = (arguments.len(), arguments.front()) else {
        return wrong_arguments(lua);
    };
    let table = lua.create_table_with_capacity(0, 1)?;
    table.raw_set("ok", text)?;
    one(Value::Table(table))
}

fn wrong_arguments(lua: &Lua) -> Answer {
    let text = "ERR wrong number or type of arguments";
    debugger::error_made(text);
    one(Value::Table(error_table(lua, text.as_bytes())?))
}

fn sha1hex(lua: &Lua, arguments: MultiValue) -> Answer {
    if arguments.len() != 1 {
        return raise(lua, "ERR wrong number of arguments");
    }
    let text = bytes_of(&arguments[0]).unwrap_or_default();
    one(Value::String(lua.create_string(digest::hex(&digest::of(&text)))?))
}

fn setresp(lua: &Lua, arguments: MultiValue) -> Answer {
    if arguments.len() != 1 {
        return raise(lua, "ERR redis.setresp() requires one argument.");
    }
    let version = number_of(&arguments[0]).and_then(call::protocol);
    let Some(version) = version else { return raise(lua, "ERR RESP version must be 2 or 3.") };
    match with_current(|run| run.protocol = version) {
        Some(()) => nothing(),
        None => Err(Raised::table(lua, &NOT_IN_A_SCRIPT)),
    }
}

fn set_repl(lua: &Lua, arguments: MultiValue) -> Answer {
    if arguments.len() != 1 {
        return raise(lua, "ERR redis.set_repl() requires one argument.");
    }
    let bits = number_of(&arguments[0]).unwrap_or(0.0) as i64;
    if bits & !i64::from(replicated::ALL) != 0 {
        return raise(
            lua,
            "ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.",
        );
    }
    match with_current(|run| run.replicated = bits as u8) {
        Some(()) => nothing(),
        None => Err(Raised::table(lua, &NOT_IN_A_SCRIPT)),
    }
}

fn acl_check_cmd(lua: &Lua) -> Answer {
    let words = glue::take_words();
    let allowed = check_words(&words).map_err(CommandError::fixed).and_then(|args| {
        let allowed = with_current(|run| match run.context.node.commands.find(args) {
            Lookup::Found(known) => Ok(run.context.session.user.may(&Request::new(known, args)).is_ok()),
            _ => Err(CommandError::fixed("ERR Invalid command passed to redis.acl_check_cmd()")),
        });
        allowed.unwrap_or(Err(NOT_IN_A_SCRIPT))
    });
    glue::put_back_words(words);
    one(Value::Boolean(allowed.map_err(|error| Raised::table(lua, &error))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_errors() {
        for (text, expected) in [
            ("My Err", "My Err"),
            ("-My Err", "My Err"),
            ("MyErr", "ERR MyErr"),
            ("-", "ERR "),
            ("ERR broken\r\n", "ERR broken"),
        ] {
            assert_eq!(with_code(text.as_bytes()), expected.as_bytes(), "{text}");
        }
    }

    #[test]
    fn the_version_as_a_number() {
        assert_eq!(version_number("7.2.6"), 0x0007_0206);
    }
}
