//! ACL: who may do what. The rules themselves are in `access`.

mod files;
mod log;
mod users;

use rcl_proto::resp::Args;

use crate::command::arguments::word;
use crate::command::secrets;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, Kind, category, flag};
use crate::command::{self, CommandError, CommandResult, CommandSpec, Context, Handler, Outcome, parse};

pub const COMMANDS: &[CommandSpec] = &[ACL];

const ACL: CommandSpec = CommandSpec {
    name: "acl",
    arity: -2,
    since: "6.0.0",
    group: Group::Server,
    complexity: "Depends on subcommand.",
    summary: "Rules who may do what.",
    subcommands: &[
        CommandSpec {
            name: "cat",
            arity: -2,
            flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
            since: "6.0.0",
            group: Group::Server,
            complexity: "O(1) since the categories and commands are a fixed set.",
            summary: "Returns the categories of commands, or the commands of one.",
            arguments: &[Argument { name: "category", optional: true, ..ARGUMENT }],
            handler: Handler::Run(cat),
            ..COMMAND
        },
        CommandSpec {
            name: "deluser",
            arity: -3,
            flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
            since: "6.0.0",
            group: Group::Server,
            complexity: "O(1) amortized time considering the typical user.",
            summary: "Deletes users, and ends their connections.",
            arguments: &[Argument { name: "username", multiple: true, ..ARGUMENT }],
            tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
            handler: Handler::Run(users::deluser),
            ..COMMAND
        },
        CommandSpec {
            name: "dryrun",
            arity: -4,
            flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
            since: "7.0.0",
            group: Group::Server,
            complexity: "O(1).",
            summary: "Tells whether a user may run a request, without running it.",
            arguments: &[
                Argument { name: "username", ..ARGUMENT },
                Argument { name: "command", ..ARGUMENT },
                Argument { name: "arg", optional: true, multiple: true, ..ARGUMENT },
            ],
            handler: Handler::Run(users::dryrun),
            ..COMMAND
        },
        CommandSpec {
            name: "genpass",
            arity: -2,
            flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
            since: "6.0.0",
            group: Group::Server,
            complexity: "O(1)",
            summary: "Returns a random password.",
            arguments: &[Argument { name: "bits", kind: Kind::Integer, optional: true, ..ARGUMENT }],
            handler: Handler::Run(genpass),
            ..COMMAND
        },
        CommandSpec {
            name: "getuser",
            arity: 3,
            flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
            since: "6.0.0",
            group: Group::Server,
            complexity: "O(N). Where N is the number of password, command and pattern rules that the user has.",
            summary: "Returns what a user may do.",
            arguments: &[Argument { name: "username", ..ARGUMENT }],
            handler: Handler::Run(users::getuser),
            ..COMMAND
        },
        CommandSpec {
            name: "help",
            arity: 2,
            flags: flag::LOADING | flag::STALE,
            since: "6.0.0",
            group: Group::Server,
            complexity: "O(1)",
            summary: "Explains ACL.",
            handler: Handler::Run(help),
            ..COMMAND
        },
        CommandSpec {
            name: "list",
            arity: 2,
            flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
            since: "6.0.0",
            group: Group::Server,
            complexity: "O(N). Where N is the number of configured users.",
            summary: "Returns all users as lines of rules.",
            handler: Handler::Run(users::list),
            ..COMMAND
        },
        CommandSpec {
            name: "load",
            arity: 2,
            flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
            since: "6.0.0",
            group: Group::Server,
            complexity: "O(N). Where N is the number of configured users.",
            summary: "Reads the users from the ACL file anew.",
            handler: Handler::Run(files::load),
            ..COMMAND
        },
        CommandSpec {
            name: "log",
            arity: -2,
            flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
            since: "6.0.0",
            group: Group::Server,
            complexity: "O(N) with N being the number of entries shown.",
            summary: "Returns what was denied of late, the newest first, or forgets it.",
            arguments: &[Argument {
                name: "operation",
                kind: Kind::OneOf,
                optional: true,
                arguments: &[
                    Argument { name: "count", kind: Kind::Integer, ..ARGUMENT },
                    word("reset", "RESET"),
                ],
                ..ARGUMENT
            }],
            handler: Handler::Run(log::log),
            ..COMMAND
        },
        CommandSpec {
            name: "save",
            arity: 2,
            flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
            since: "6.0.0",
            group: Group::Server,
            complexity: "O(N). Where N is the number of configured users.",
            summary: "Writes the users into the ACL file.",
            tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
            handler: Handler::Run(files::save),
            ..COMMAND
        },
        CommandSpec {
            name: "setuser",
            arity: -3,
            flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
            secrets: Some(secrets::of_setuser),
            since: "6.0.0",
            group: Group::Server,
            complexity: "O(N). Where N is the number of rules provided.",
            summary: "Makes a user, or changes its rules: all of those given, or none.",
            arguments: &[
                Argument { name: "username", ..ARGUMENT },
                Argument { name: "rule", optional: true, multiple: true, ..ARGUMENT },
            ],
            tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
            handler: Handler::Run(users::setuser),
            ..COMMAND
        },
        CommandSpec {
            name: "users",
            arity: 2,
            flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
            since: "6.0.0",
            group: Group::Server,
            complexity: "O(N). Where N is the number of configured users.",
            summary: "Returns the names of all users.",
            handler: Handler::Run(users::users),
            ..COMMAND
        },
        CommandSpec {
            name: "whoami",
            arity: 2,
            flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
            since: "6.0.0",
            group: Group::Server,
            complexity: "O(1)",
            summary: "Returns the name of the user that the connection acts as.",
            handler: Handler::Run(users::whoami),
            ..COMMAND
        },
    ],
    ..COMMAND
};

fn cat(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let found: Vec<String> = match (args.get(2), args.len()) {
        (None, _) => category::NAMES.iter().map(|(_, name)| (*name).to_owned()).collect(),
        (Some(name), 3) => {
            let category = category::by_name(name).ok_or_else(|| {
                let name = String::from_utf8_lossy(&name[..name.len().min(128)]).into_owned();
                CommandError::new(format!("ERR Unknown category '{name}'"))
            })?;
            let is_in = |known: &command::Known| category::of(known.spec) & category != 0;
            command::each_known().filter(is_in).map(|known| known.full_name()).collect()
        }
        _ => return Err(usage_error(args)),
    };
    context.reply.array(found.len());
    found.iter().for_each(|name| context.reply.bulk(name.as_bytes()));
    Ok(Outcome::Done)
}

/// Redis's text where the table's arity lets too many arguments through.
fn usage_error(args: Args<'_>) -> CommandError {
    let subcommand = String::from_utf8_lossy(args.get(1).unwrap_or_default());
    CommandError::new(format!(
        "ERR unknown subcommand or wrong number of arguments for '{subcommand}'. Try ACL HELP."
    ))
}

const MAX_PASSWORD_BITS: i64 = 4096;

fn genpass(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if args.len() > 3 {
        return Err(usage_error(args));
    }
    let bits = args.get(2).map(parse::integer).transpose()?.unwrap_or(256);
    if !(1..=MAX_PASSWORD_BITS).contains(&bits) {
        return Err(CommandError::new(format!(
            "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to {MAX_PASSWORD_BITS}"
        )));
    }
    let digits = (bits as usize).div_ceil(4);
    let mut random = vec![0; digits.div_ceil(2)];
    getrandom::fill(&mut random).map_err(|_| CommandError::fixed("ERR the system gives no random bytes"))?;
    let mut password: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    password.truncate(digits);
    context.reply.bulk(password.as_bytes());
    Ok(Outcome::Done)
}

fn help(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    super::help(
        context,
        "ACL",
        &[
            ("CAT [<category>]", "Return the categories of commands, or the commands of one."),
            ("DELUSER <username> [<username> ...]", "Delete users, and end their connections."),
            (
                "DRYRUN <username> <command> [<arg> ...]",
                "Tell whether the user may run the request, without running it.",
            ),
            ("GENPASS [<bits>]", "Return a random password of so many bits, 256 unless told otherwise."),
            ("GETUSER <username>", "Return what a user may do."),
            ("LIST", "Return all users as lines of rules."),
            ("LOAD", "Read the users from the ACL file anew."),
            ("LOG [<count> | RESET]", "Return what was denied of late, or forget it."),
            ("SAVE", "Write the users into the ACL file."),
            (
                "SETUSER <username> [<rule> ...]",
                "Make a user, or change its rules: all of those given, or none.",
            ),
            ("USERS", "Return the names of all users."),
            ("WHOAMI", "Return the name of the user that this connection acts as."),
        ],
    );
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests;
