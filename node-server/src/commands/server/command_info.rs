//! COMMAND: the command table, as clients read it.

use rcl_proto::resp::{Args, ReplyWriter};

use crate::command::parse::is;
use crate::command::spec::{
    ARGUMENT, Argument, Begin, COMMAND, Find, Group, KeySpec, Kind, category, flag, key_flag,
};
use crate::command::{
    self, CommandError, CommandNames, CommandResult, CommandSpec, Context, Handler, Known, Lookup, Outcome,
};
use crate::config::glob;

pub const COMMAND_COMMAND: CommandSpec = CommandSpec {
    name: "command",
    arity: -1,
    flags: flag::LOADING | flag::STALE,
    categories: category::CONNECTION,
    since: "2.8.13",
    group: Group::Server,
    complexity: "O(N) where N is the total number of Redis commands",
    summary: "Describes all commands.",
    tips: &["nondeterministic_output_order"],
    handler: Handler::Run(describe_all),
    subcommands: &[
        CommandSpec {
            name: "count",
            arity: 2,
            flags: flag::LOADING | flag::STALE,
            categories: category::CONNECTION,
            since: "2.8.13",
            group: Group::Server,
            complexity: "O(1)",
            summary: "Returns how many commands there are.",
            handler: Handler::Run(count),
            ..COMMAND
        },
        CommandSpec {
            name: "docs",
            arity: -2,
            flags: flag::LOADING | flag::STALE,
            categories: category::CONNECTION,
            since: "7.0.0",
            group: Group::Server,
            complexity: "O(N) where N is the number of commands to look up",
            summary: "Documents commands.",
            arguments: &[Argument { name: "command-name", optional: true, multiple: true, ..ARGUMENT }],
            tips: &["nondeterministic_output_order"],
            handler: Handler::Run(docs),
            ..COMMAND
        },
        CommandSpec {
            name: "getkeys",
            arity: -3,
            flags: flag::LOADING | flag::STALE,
            categories: category::CONNECTION,
            since: "2.8.13",
            group: Group::Server,
            complexity: "O(N) where N is the number of arguments to the command",
            summary: "Returns the keys of a request.",
            arguments: &[
                Argument { name: "command", ..ARGUMENT },
                Argument { name: "arg", optional: true, multiple: true, ..ARGUMENT },
            ],
            handler: Handler::Run(getkeys),
            ..COMMAND
        },
        CommandSpec {
            name: "getkeysandflags",
            arity: -3,
            flags: flag::LOADING | flag::STALE,
            categories: category::CONNECTION,
            since: "7.0.0",
            group: Group::Server,
            complexity: "O(N) where N is the number of arguments to the command",
            summary: "Returns the keys of a request and what is done with them.",
            arguments: &[
                Argument { name: "command", ..ARGUMENT },
                Argument { name: "arg", optional: true, multiple: true, ..ARGUMENT },
            ],
            handler: Handler::Run(getkeysandflags),
            ..COMMAND
        },
        CommandSpec {
            name: "help",
            arity: 2,
            flags: flag::LOADING | flag::STALE,
            categories: category::CONNECTION,
            since: "5.0.0",
            group: Group::Server,
            complexity: "O(1)",
            summary: "Explains COMMAND.",
            handler: Handler::Run(help),
            ..COMMAND
        },
        CommandSpec {
            name: "info",
            arity: -2,
            flags: flag::LOADING | flag::STALE,
            categories: category::CONNECTION,
            since: "2.8.13",
            group: Group::Server,
            complexity: "O(N) where N is the number of commands to look up",
            summary: "Describes commands.",
            arguments: &[Argument { name: "command-name", optional: true, multiple: true, ..ARGUMENT }],
            tips: &["nondeterministic_output_order"],
            handler: Handler::Run(info),
            ..COMMAND
        },
        CommandSpec {
            name: "list",
            arity: -2,
            flags: flag::LOADING | flag::STALE,
            categories: category::CONNECTION,
            since: "7.0.0",
            group: Group::Server,
            complexity: "O(N) where N is the total number of Redis commands",
            summary: "Lists the names of commands.",
            arguments: &[Argument {
                name: "filterby",
                kind: Kind::OneOf,
                token: "FILTERBY",
                optional: true,
                arguments: &[
                    Argument { name: "module-name", token: "MODULE", ..ARGUMENT },
                    Argument { name: "category", token: "ACLCAT", ..ARGUMENT },
                    Argument { name: "pattern", kind: Kind::Pattern, token: "PATTERN", ..ARGUMENT },
                ],
                ..ARGUMENT
            }],
            tips: &["nondeterministic_output_order"],
            handler: Handler::Run(list),
            ..COMMAND
        },
    ],
    ..COMMAND
};

fn describe_all(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    let all = context.node.commands.all();
    context.reply.array(all.len());
    all.iter().for_each(|command| describe(&mut context.reply, command));
    Ok(Outcome::Done)
}

fn count(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    context.reply.integer(context.node.commands.all().len() as i64);
    Ok(Outcome::Done)
}

fn info(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if args.len() == 2 {
        return describe_all(context, args);
    }
    context.reply.array(args.len() - 2);
    for name in args.from(2).iter() {
        match context.node.commands.by_full_name(name) {
            Some(command) => describe(&mut context.reply, &command),
            None => context.reply.null_array(),
        }
    }
    Ok(Outcome::Done)
}

/// Ten elements, as Redis 7 has them.
fn describe(reply: &mut ReplyWriter<'_>, command: &Known) {
    let spec = command.spec;
    let (first, last, step) = old_style_keys(spec);
    reply.array(10);
    reply.bulk(command.full_name().as_bytes());
    reply.integer(i64::from(spec.arity));
    let mut flags = spec.flags;
    if has_movable_keys(spec) {
        flags |= flag::MOVABLE_KEYS;
    }
    names(reply, flags, &flag::NAMES, "");
    reply.integer(first);
    reply.integer(last);
    reply.integer(step);
    names(reply, category::of(spec), &category::NAMES, "@");
    reply.array(spec.tips.len());
    spec.tips.iter().for_each(|tip| reply.bulk(tip.as_bytes()));
    reply.array(spec.keys.len());
    spec.keys.iter().for_each(|key_spec| describe_keys(reply, key_spec));
    reply.array(spec.subcommands.len());
    command.subcommands().for_each(|sub| describe(reply, &sub));
}

fn names(reply: &mut ReplyWriter<'_>, bits: u32, table: &[(u32, &str)], prefix: &str) {
    let set = table.iter().filter(|(bit, _)| bits & bit != 0);
    reply.set(set.clone().count());
    set.for_each(|(_, name)| reply.simple(&format!("{prefix}{name}")));
}

/// First key, last key and step, for clients that know only these.
fn old_style_keys(spec: &CommandSpec) -> (i64, i64, i64) {
    let mut bounds: Option<(i64, i64, i64)> = None;
    for key_spec in spec.keys {
        let (Begin::Index(first), Find::Range { last, step, limit: 0 | 1 }) = (key_spec.begin, key_spec.find)
        else {
            continue;
        };
        let first = i64::from(first);
        let last = if last >= 0 { first + i64::from(last) } else { i64::from(last) };
        bounds = Some(match bounds {
            None => (first, last, i64::from(step)),
            // Ranges that follow each other read as one.
            Some((start, end, 1)) if step == 1 && end >= 0 && first == end + 1 => (start, last, 1),
            Some(other) => other,
        });
    }
    bounds.unwrap_or((0, 0, 0))
}

/// The old style does not tell all of its keys.
fn has_movable_keys(spec: &CommandSpec) -> bool {
    spec.keys.iter().any(|key_spec| {
        !matches!((key_spec.begin, key_spec.find), (Begin::Index(_), Find::Range { limit: 0 | 1, .. }))
    })
}

fn describe_keys(reply: &mut ReplyWriter<'_>, key_spec: &KeySpec) {
    reply.map(if key_spec.notes.is_empty() { 3 } else { 4 });
    if !key_spec.notes.is_empty() {
        reply.bulk(b"notes");
        reply.bulk(key_spec.notes.as_bytes());
    }
    reply.bulk(b"flags");
    names(reply, key_spec.flags, &key_flag::NAMES, "");
    reply.bulk(b"begin_search");
    reply.map(2);
    reply.bulk(b"type");
    match key_spec.begin {
        Begin::Index(index) => {
            reply.bulk(b"index");
            integers(reply, &[("index", index)]);
        }
        Begin::Keyword { word, from } => {
            reply.bulk(b"keyword");
            reply.bulk(b"spec");
            reply.map(2);
            reply.bulk(b"keyword");
            reply.bulk(word.as_bytes());
            reply.bulk(b"startfrom");
            reply.integer(i64::from(from));
        }
        Begin::Unknown => {
            reply.bulk(b"unknown");
            integers(reply, &[]);
        }
    }
    reply.bulk(b"find_keys");
    reply.map(2);
    reply.bulk(b"type");
    match key_spec.find {
        Find::Range { last, step, limit } => {
            reply.bulk(b"range");
            integers(reply, &[("lastkey", last), ("keystep", step), ("limit", limit)]);
        }
        Find::KeyNumber { number, first, step } => {
            reply.bulk(b"keynum");
            integers(reply, &[("keynumidx", number), ("firstkey", first), ("keystep", step)]);
        }
        Find::Unknown => {
            reply.bulk(b"unknown");
            integers(reply, &[]);
        }
    }
}

fn integers(reply: &mut ReplyWriter<'_>, pairs: &[(&str, i32)]) {
    reply.bulk(b"spec");
    reply.map(pairs.len());
    for (name, number) in pairs {
        reply.bulk(name.as_bytes());
        reply.integer(i64::from(*number));
    }
}

fn list(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    type Filter = Box<dyn Fn(&CommandSpec, &str) -> bool>;
    let fits: Filter = match (args.len(), args.get(2), args.get(3), args.get(4)) {
        (2, ..) => Box::new(|_, _| true),
        (5, Some(word), Some(by), Some(value)) if is(word, "FILTERBY") => {
            let value = value.to_ascii_lowercase();
            if is(by, "PATTERN") {
                Box::new(move |_, name| glob::matches(&value, name.as_bytes()))
            } else if is(by, "ACLCAT") {
                let wanted = category::NAMES
                    .iter()
                    .find(|(_, name)| name.as_bytes() == value)
                    .map_or(0, |(bit, _)| *bit);
                Box::new(move |spec, _| category::of(spec) & wanted != 0)
            } else if is(by, "MODULE") {
                Box::new(|_, _| false)
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        _ => return Err(CommandError::SYNTAX),
    };
    let mut found: Vec<String> = Vec::new();
    for command in context.node.commands.all() {
        let all = std::iter::once(command)
            .chain(command.subcommands())
            .map(|known| (known.spec, known.full_name()));
        found.extend(all.filter(|(spec, name)| fits(spec, name)).map(|(_, name)| name));
    }
    context.reply.set(found.len());
    found.iter().for_each(|name| context.reply.bulk(name.as_bytes()));
    Ok(Outcome::Done)
}

fn getkeys(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (request, keys) = keys_of(&context.node.commands, args)?;
    context.reply.array(keys.len());
    keys.iter().for_each(|key| context.reply.bulk(&request[key.index]));
    Ok(Outcome::Done)
}

fn getkeysandflags(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (request, keys) = keys_of(&context.node.commands, args)?;
    context.reply.array(keys.len());
    for key in keys {
        context.reply.array(2);
        context.reply.bulk(&request[key.index]);
        names(&mut context.reply, key.flags, &key_flag::NAMES, "");
    }
    Ok(Outcome::Done)
}

fn keys_of<'a>(
    commands: &CommandNames,
    args: Args<'a>,
) -> Result<(Args<'a>, Vec<command::KeyPosition>), CommandError> {
    let request = args.from(2);
    let Lookup::Found(Known { spec, .. }) = commands.find(request) else {
        return Err(CommandError::fixed("ERR Invalid command specified"));
    };
    if spec.keys.is_empty() {
        return Err(CommandError::fixed("ERR The command has no key arguments"));
    }
    if !spec.accepts(request.len()) {
        return Err(CommandError::fixed("ERR Invalid number of arguments specified for command"));
    }
    let keys = command::find_keys(spec, request).unwrap_or_default();
    if keys.is_empty() && !spec.has(flag::NO_MANDATORY_KEYS) {
        return Err(CommandError::fixed("ERR Invalid arguments specified for command"));
    }
    Ok((request, keys))
}

fn docs(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let wanted: Vec<_> = if args.len() == 2 {
        context.node.commands.all()
    } else {
        args.from(2).iter().filter_map(|name| context.node.commands.by_full_name(name)).collect()
    };
    context.reply.map(wanted.len());
    wanted.iter().for_each(|command| document(&mut context.reply, command));
    Ok(Outcome::Done)
}

fn document(reply: &mut ReplyWriter<'_>, command: &Known) {
    let spec = command.spec;
    reply.bulk(command.full_name().as_bytes());
    let place = reply.deferred_map();
    let mut pairs = 0;
    let mut text = |reply: &mut ReplyWriter<'_>, name: &str, value: &str| {
        if !value.is_empty() {
            reply.bulk(name.as_bytes());
            reply.bulk(value.as_bytes());
            pairs += 1;
        }
    };
    text(reply, "summary", spec.summary);
    text(reply, "since", spec.since);
    text(reply, "group", spec.group.name());
    text(reply, "complexity", spec.complexity);
    if let Some((since, instead)) = spec.deprecated {
        text(reply, "deprecated_since", since);
        text(reply, "replaced_by", instead);
        reply.bulk(b"doc_flags");
        reply.set(1);
        reply.simple("deprecated");
        pairs += 1;
    }
    if !spec.arguments.is_empty() {
        reply.bulk(b"arguments");
        arguments(reply, spec.arguments);
        pairs += 1;
    }
    if !spec.subcommands.is_empty() {
        reply.bulk(b"subcommands");
        reply.map(spec.subcommands.len());
        command.subcommands().for_each(|sub| document(reply, &sub));
        pairs += 1;
    }
    reply.set_length(place, pairs);
}

fn arguments(reply: &mut ReplyWriter<'_>, list: &[Argument]) {
    reply.array(list.len());
    for argument in list {
        let place = reply.deferred_map();
        let mut pairs = 2;
        reply.bulk(b"name");
        reply.bulk(argument.name.as_bytes());
        reply.bulk(b"type");
        reply.bulk(argument.kind.name().as_bytes());
        let has_display = !matches!(argument.kind, Kind::OneOf | Kind::Block);
        let display = if argument.display.is_empty() { argument.name } else { argument.display };
        // As Redis since 7.2: in capitals, also where its descriptions are not.
        let token = argument.token.to_ascii_uppercase();
        for (name, value, is_there) in [
            ("display_text", display, has_display),
            ("token", &token, !token.is_empty()),
            ("since", argument.since, !argument.since.is_empty()),
        ] {
            if is_there {
                reply.bulk(name.as_bytes());
                reply.bulk(value.as_bytes());
                pairs += 1;
            }
        }
        if let Some(index) = argument.key_spec {
            reply.bulk(b"key_spec_index");
            reply.integer(index as i64);
            pairs += 1;
        }
        let flags = [
            ("optional", argument.optional),
            ("multiple", argument.multiple),
            ("multiple_token", argument.multiple_token),
        ];
        let set: Vec<&str> = flags.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
        if !set.is_empty() {
            reply.bulk(b"flags");
            reply.set(set.len());
            set.iter().for_each(|name| reply.simple(name));
            pairs += 1;
        }
        if !argument.arguments.is_empty() {
            reply.bulk(b"arguments");
            arguments(reply, argument.arguments);
            pairs += 1;
        }
        reply.set_length(place, pairs);
    }
}

fn help(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    super::super::help(
        context,
        "COMMAND",
        &[
            ("(no subcommand)", "Describe all commands."),
            ("COUNT", "Return how many commands there are."),
            (
                "LIST [FILTERBY (MODULE <name> | ACLCAT <category> | PATTERN <pattern>)]",
                "List the names of commands.",
            ),
            ("INFO [<command> ...]", "Describe commands."),
            ("DOCS [<command> ...]", "Document commands."),
            ("GETKEYS <full-request>", "Return the keys of a request."),
            ("GETKEYSANDFLAGS <full-request>", "Return the keys of a request and what is done with them."),
        ],
    );
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use crate::executor::in_memory::clients;

    #[test]
    fn tokens_are_in_capitals() {
        clients!(_node: client);
        for (name, token) in [("geodist", "$5 token $2 KM"), ("client|setinfo", "$5 token $8 LIB-NAME")] {
            let answer = client.ask(&format!("COMMAND DOCS {name}"));
            assert!(answer.contains(token), "{answer}");
        }
    }
}
