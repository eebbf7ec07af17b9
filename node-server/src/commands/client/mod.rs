//! CLIENT: what a connection says of itself, and what is done to connections.

mod about;
mod control;
mod tracking;

use rcl_proto::resp::Args;

use crate::command::arguments::word;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, Kind, Locks, category, flag};
use crate::command::{CommandResult, CommandSpec, Context, Handler, Outcome};

pub const COMMANDS: &[CommandSpec] = &[CLIENT];

const CLIENT: CommandSpec = CommandSpec {
    name: "client",
    arity: -2,
    since: "2.4.0",
    group: Group::Connection,
    complexity: "Depends on subcommand.",
    summary: "Tells of connections and rules them.",
    subcommands: &[
        tracking::CACHING,
        CommandSpec {
            name: "getname",
            arity: 2,
            flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
            categories: category::CONNECTION,
            since: "2.6.9",
            group: Group::Connection,
            complexity: "O(1)",
            summary: "Returns the name of the connection.",
            handler: Handler::Run(about::getname),
            ..COMMAND
        },
        tracking::GETREDIR,
        CommandSpec {
            name: "help",
            arity: 2,
            flags: flag::LOADING | flag::STALE,
            categories: category::CONNECTION,
            since: "5.0.0",
            group: Group::Connection,
            complexity: "O(1)",
            summary: "Explains CLIENT.",
            handler: Handler::Run(help),
            ..COMMAND
        },
        CommandSpec {
            name: "id",
            arity: 2,
            flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
            categories: category::CONNECTION,
            since: "5.0.0",
            group: Group::Connection,
            complexity: "O(1)",
            summary: "Returns the number of the connection.",
            handler: Handler::Run(about::id),
            ..COMMAND
        },
        CommandSpec {
            name: "info",
            arity: 2,
            flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
            categories: category::CONNECTION,
            since: "6.2.0",
            group: Group::Connection,
            complexity: "O(1)",
            summary: "Returns the line of this connection in the list of all.",
            tips: &["nondeterministic_output"],
            handler: Handler::Run(about::info),
            ..COMMAND
        },
        CommandSpec {
            name: "kill",
            arity: -3,
            flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
            categories: category::CONNECTION,
            since: "2.4.0",
            group: Group::Connection,
            complexity: "O(N) where N is the number of client connections",
            summary: "Closes connections.",
            arguments: &[Argument {
                name: "filter",
                kind: Kind::OneOf,
                arguments: &[
                    Argument { name: "old-format", display: "ip:port", ..ARGUMENT },
                    Argument {
                        name: "new-format",
                        kind: Kind::OneOf,
                        multiple: true,
                        arguments: &[
                            Argument {
                                name: "client-id",
                                kind: Kind::Integer,
                                token: "ID",
                                since: "2.8.12",
                                optional: true,
                                ..ARGUMENT
                            },
                            Argument {
                                name: "client-type",
                                kind: Kind::OneOf,
                                token: "TYPE",
                                since: "2.8.12",
                                optional: true,
                                arguments: &[
                                    word("normal", "normal"),
                                    Argument {
                                        name: "master",
                                        kind: Kind::PureToken,
                                        token: "master",
                                        since: "3.2.0",
                                        ..ARGUMENT
                                    },
                                    word("slave", "slave"),
                                    Argument {
                                        name: "replica",
                                        kind: Kind::PureToken,
                                        token: "replica",
                                        since: "5.0.0",
                                        ..ARGUMENT
                                    },
                                    word("pubsub", "pubsub"),
                                ],
                                ..ARGUMENT
                            },
                            Argument { name: "username", token: "USER", optional: true, ..ARGUMENT },
                            Argument {
                                name: "addr",
                                display: "ip:port",
                                token: "ADDR",
                                optional: true,
                                ..ARGUMENT
                            },
                            Argument {
                                name: "laddr",
                                display: "ip:port",
                                token: "LADDR",
                                since: "6.2.0",
                                optional: true,
                                ..ARGUMENT
                            },
                            Argument {
                                name: "skipme",
                                kind: Kind::OneOf,
                                token: "SKIPME",
                                optional: true,
                                arguments: &[word("yes", "YES"), word("no", "NO")],
                                ..ARGUMENT
                            },
                        ],
                        ..ARGUMENT
                    },
                ],
                ..ARGUMENT
            }],
            handler: Handler::Run(control::kill),
            ..COMMAND
        },
        CommandSpec {
            name: "list",
            arity: -2,
            flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
            categories: category::CONNECTION,
            since: "2.4.0",
            group: Group::Connection,
            complexity: "O(N) where N is the number of client connections",
            summary: "Lists connections.",
            arguments: &[
                Argument {
                    name: "client-type",
                    kind: Kind::OneOf,
                    token: "TYPE",
                    since: "5.0.0",
                    optional: true,
                    arguments: &[
                        word("normal", "normal"),
                        word("master", "master"),
                        word("replica", "replica"),
                        word("pubsub", "pubsub"),
                    ],
                    ..ARGUMENT
                },
                Argument {
                    name: "client-id",
                    kind: Kind::Integer,
                    token: "ID",
                    since: "6.2.0",
                    optional: true,
                    multiple: true,
                    ..ARGUMENT
                },
            ],
            tips: &["nondeterministic_output"],
            handler: Handler::Run(about::list),
            ..COMMAND
        },
        CommandSpec {
            name: "no-evict",
            arity: 3,
            flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
            categories: category::CONNECTION,
            since: "7.0.0",
            group: Group::Connection,
            complexity: "O(1)",
            summary: "Spares the connection when memory for clients runs out.",
            arguments: &[Argument {
                name: "enabled",
                kind: Kind::OneOf,
                arguments: &[word("on", "ON"), word("off", "OFF")],
                ..ARGUMENT
            }],
            handler: Handler::Run(about::no_evict),
            ..COMMAND
        },
        CommandSpec {
            name: "no-touch",
            arity: 3,
            flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
            categories: category::CONNECTION,
            since: "7.2.0",
            group: Group::Connection,
            complexity: "O(1)",
            summary: "Lets the connection read keys without that counting as a use.",
            arguments: &[Argument {
                name: "enabled",
                kind: Kind::OneOf,
                arguments: &[word("on", "ON"), word("off", "OFF")],
                ..ARGUMENT
            }],
            handler: Handler::Run(about::no_touch),
            ..COMMAND
        },
        CommandSpec {
            name: "pause",
            arity: -3,
            flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
            categories: category::CONNECTION,
            since: "3.0.0",
            group: Group::Connection,
            complexity: "O(1)",
            summary: "Holds back clients for a while.",
            arguments: &[
                Argument { name: "timeout", kind: Kind::Integer, ..ARGUMENT },
                Argument {
                    name: "mode",
                    kind: Kind::OneOf,
                    since: "6.2.0",
                    optional: true,
                    arguments: &[word("write", "WRITE"), word("all", "ALL")],
                    ..ARGUMENT
                },
            ],
            locks: Locks::EachShard,
            handler: Handler::Run(control::pause),
            ..COMMAND
        },
        CommandSpec {
            name: "reply",
            arity: 3,
            flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
            categories: category::CONNECTION,
            since: "3.2.0",
            group: Group::Connection,
            complexity: "O(1)",
            summary: "Switches replies off and on.",
            arguments: &[Argument {
                name: "action",
                kind: Kind::OneOf,
                arguments: &[word("on", "ON"), word("off", "OFF"), word("skip", "SKIP")],
                ..ARGUMENT
            }],
            handler: Handler::Run(about::reply),
            ..COMMAND
        },
        CommandSpec {
            name: "setinfo",
            arity: 4,
            flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
            categories: category::CONNECTION,
            since: "7.2.0",
            group: Group::Connection,
            complexity: "O(1)",
            summary: "Says which library the client uses.",
            arguments: &[Argument {
                name: "attr",
                kind: Kind::OneOf,
                arguments: &[
                    Argument { name: "libname", token: "lib-name", ..ARGUMENT },
                    Argument { name: "libver", token: "lib-ver", ..ARGUMENT },
                ],
                ..ARGUMENT
            }],
            tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
            handler: Handler::Run(about::setinfo),
            ..COMMAND
        },
        CommandSpec {
            name: "setname",
            arity: 3,
            flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
            categories: category::CONNECTION,
            since: "2.6.9",
            group: Group::Connection,
            complexity: "O(1)",
            summary: "Names the connection.",
            arguments: &[Argument { name: "connection-name", ..ARGUMENT }],
            tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
            handler: Handler::Run(about::setname),
            ..COMMAND
        },
        tracking::TRACKING,
        tracking::TRACKINGINFO,
        CommandSpec {
            name: "unblock",
            arity: -3,
            flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
            categories: category::CONNECTION,
            since: "5.0.0",
            group: Group::Connection,
            complexity: "O(log N) where N is the number of client connections",
            summary: "Ends the wait of a client.",
            arguments: &[
                Argument { name: "client-id", kind: Kind::Integer, ..ARGUMENT },
                Argument {
                    name: "unblock-type",
                    kind: Kind::OneOf,
                    optional: true,
                    arguments: &[word("timeout", "TIMEOUT"), word("error", "ERROR")],
                    ..ARGUMENT
                },
            ],
            locks: Locks::EachShard,
            handler: Handler::Run(control::unblock),
            ..COMMAND
        },
        CommandSpec {
            name: "unpause",
            arity: 2,
            flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
            categories: category::CONNECTION,
            since: "6.2.0",
            group: Group::Connection,
            complexity: "O(N) Where N is the number of paused clients",
            summary: "Ends a pause.",
            locks: Locks::EachShard,
            handler: Handler::Run(control::unpause),
            ..COMMAND
        },
    ],
    ..COMMAND
};

fn help(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    super::help(
        context,
        "CLIENT",
        &[
            (
                "CACHING (YES|NO)",
                "Say whether the keys of the next command are tracked, with OPTIN or OPTOUT.",
            ),
            ("GETREDIR", "Return the number of the connection that gets this one's messages of tracking."),
            ("GETNAME", "Return the name of this connection."),
            ("ID", "Return the number of this connection."),
            ("INFO", "Return this connection's line of CLIENT LIST."),
            ("KILL <ip:port>", "Close the connection from <ip:port>."),
            (
                "KILL <option> <value> [<option> <value> ...]",
                "Close the connections that fit all options: ADDR, LADDR, TYPE, USER, SKIPME, ID, MAXAGE.",
            ),
            ("LIST [TYPE <type> | ID <id> ...]", "List connections."),
            ("NO-EVICT (ON|OFF)", "Spare this connection when memory for clients runs out."),
            ("NO-TOUCH (ON|OFF)", "Let reads of this connection not count as a use of the key."),
            (
                "PAUSE <timeout> [WRITE|ALL]",
                "Hold back all requests, or those that write, for <timeout> milliseconds.",
            ),
            ("REPLY (ON|OFF|SKIP)", "Switch replies off and on."),
            ("SETINFO (LIB-NAME|LIB-VER) <value>", "Say which library the client uses."),
            ("SETNAME <name>", "Name this connection."),
            (
                "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> ...] [OPTIN] [OPTOUT] [NOLOOP]",
                "Be told of changes of keys that were read, or that begin with a prefix.",
            ),
            ("TRACKINGINFO", "Tell how this connection tracks keys."),
            ("UNBLOCK <id> [TIMEOUT|ERROR]", "End the wait of a client."),
            ("UNPAUSE", "End a pause."),
        ],
    );
    Ok(Outcome::Done)
}
