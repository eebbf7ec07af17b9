//! FUNCTION LIST and FUNCTION STATS.

use rcl_proto::resp::Args;

use crate::command::{CommandError, CommandResult, Context, Outcome, parse};
use crate::config::glob;
use crate::scripting::flags::ScriptFlags;
use crate::scripting::functions::{FunctionInfo, Library};
use crate::scripting::run::RunKind;
use crate::scripting::slow::BUSY_SCRIPT;

pub fn list(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (mut with_code, mut pattern) = (false, None);
    let mut words = args.from(2).iter();
    while let Some(word) = words.next() {
        if !with_code && parse::is(word, "withcode") {
            with_code = true;
        } else if pattern.is_none() && parse::is(word, "libraryname") {
            let given = words.next();
            pattern = Some(given.ok_or(CommandError::fixed("ERR library name argument was not given"))?);
        } else {
            let word = String::from_utf8_lossy(word);
            return Err(CommandError::new(format!("ERR Unknown argument {word}")));
        }
    }
    let functions = context.node.scripting.functions();
    let fits = |library: &&std::sync::Arc<Library>| {
        pattern.is_none_or(|pattern| glob::matches_ignoring_case(pattern, library.name.as_bytes()))
    };
    let place = context.reply.deferred_array();
    let mut count = 0;
    for library in functions.libraries().filter(fits) {
        count += 1;
        write_library(context, library, with_code);
    }
    context.reply.set_length(place, count);
    Ok(Outcome::Done)
}

fn write_library(context: &mut Context<'_>, library: &Library, with_code: bool) {
    let reply = &mut context.reply;
    reply.map(if with_code { 4 } else { 3 });
    reply.bulk(b"library_name");
    reply.bulk(library.name.as_bytes());
    reply.bulk(b"engine");
    reply.bulk(b"LUA");
    reply.bulk(b"functions");
    reply.array(library.functions.len());
    library.functions.iter().for_each(|function| write_function(context, function));
    if with_code {
        context.reply.bulk(b"library_code");
        context.reply.bulk(&library.code);
    }
}

fn write_function(context: &mut Context<'_>, function: &FunctionInfo) {
    let reply = &mut context.reply;
    reply.map(3);
    reply.bulk(b"name");
    reply.bulk(&function.name);
    reply.bulk(b"description");
    match &function.description {
        Some(text) => reply.bulk(text),
        None => reply.null(),
    }
    reply.bulk(b"flags");
    let flags = || ScriptFlags::NAMES.iter().filter(|(flag, _)| function.flags.has(*flag));
    reply.set(flags().count());
    flags().for_each(|(_, name)| reply.simple(name));
}

pub fn stats(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    let running = context.node.scripting.slow.first();
    if running.as_ref().is_some_and(|script| script.kind == RunKind::Script) {
        return Err(BUSY_SCRIPT);
    }
    let reply = &mut context.reply;
    reply.map(2);
    reply.bulk(b"running_script");
    match &running {
        None => reply.null(),
        Some(script) => {
            reply.map(3);
            reply.bulk(b"name");
            reply.bulk(script.name.as_bytes());
            reply.bulk(b"command");
            let request = script.request.as_args();
            reply.array(request.len());
            request.iter().for_each(|argument| reply.bulk(argument));
            reply.bulk(b"duration_ms");
            reply.integer(script.began.elapsed().as_millis() as i64);
        }
    }
    let functions = context.node.scripting.functions();
    reply.bulk(b"engines");
    reply.map(1);
    reply.bulk(b"LUA");
    reply.map(2);
    reply.bulk(b"libraries_count");
    reply.integer(functions.library_count() as i64);
    reply.bulk(b"functions_count");
    reply.integer(functions.function_count() as i64);
    Ok(Outcome::Done)
}
