//! The connection itself: PING, ECHO, AUTH, HELLO, SELECT, QUIT, RESET.

use rcl_proto::resp::{Args, Protocol};

use crate::access;
use crate::client::{ClientKind, ReplyMode, client_flag};
use crate::command::secrets;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, Kind, category, flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome};
use crate::executor;
use crate::tracking;

pub const COMMANDS: &[CommandSpec] = &[PING, ECHO, AUTH, HELLO, SELECT, QUIT, RESET];

const PING: CommandSpec = CommandSpec {
    name: "ping",
    arity: -1,
    flags: flag::FAST,
    categories: category::CONNECTION,
    since: "1.0.0",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Answers PONG, or the given message.",
    arguments: &[Argument { name: "message", optional: true, ..ARGUMENT }],
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    handler: Handler::Run(ping),
    ..COMMAND
};

fn ping(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if args.len() > 2 {
        return Err(CommandError::wrong_arity("ping"));
    }
    let message = args.get(1);
    if context.session.in_resp2_pubsub() {
        context.reply.array(2);
        context.reply.bulk(b"pong");
        context.reply.bulk(message.unwrap_or_default());
    } else if let Some(message) = message {
        context.reply.bulk(message);
    } else {
        context.reply.raw(b"+PONG\r\n");
    }
    Ok(Outcome::Done)
}

const ECHO: CommandSpec = CommandSpec {
    name: "echo",
    arity: 2,
    flags: flag::LOADING | flag::STALE | flag::FAST,
    categories: category::CONNECTION,
    since: "1.0.0",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Answers the given message.",
    arguments: &[Argument { name: "message", ..ARGUMENT }],
    handler: Handler::Run(echo),
    ..COMMAND
};

fn echo(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    context.reply.bulk(&args[1]);
    Ok(Outcome::Done)
}

const AUTH: CommandSpec = CommandSpec {
    name: "auth",
    arity: -2,
    flags: flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::FAST | flag::NO_AUTH | flag::ALLOW_BUSY,
    categories: category::CONNECTION,
    secrets: Some(secrets::of_auth),
    since: "1.0.0",
    group: Group::Connection,
    complexity: "O(N) where N is the number of passwords defined for the user",
    summary: "Authenticates the connection.",
    arguments: &[
        Argument { name: "username", optional: true, since: "6.0.0", ..ARGUMENT },
        Argument { name: "password", ..ARGUMENT },
    ],
    handler: Handler::Run(auth),
    ..COMMAND
};

const WRONG_PASSWORD: CommandError =
    CommandError::fixed("WRONGPASS invalid username-password pair or user is disabled.");

fn auth(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (name, password): (&[u8], &[u8]) = match args.len() {
        2 => (b"default", &args[1]),
        3 => (&args[1], &args[2]),
        _ => return Err(CommandError::SYNTAX),
    };
    if args.len() == 2 && context.node.access.default_user().rules().no_password {
        return Err(CommandError::fixed(
            "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
        ));
    }
    log_in(context, args, name, password)?;
    context.reply.ok();
    Ok(Outcome::Done)
}

fn log_in(
    context: &mut Context<'_>,
    args: Args<'_>,
    name: &[u8],
    password: &[u8],
) -> Result<(), CommandError> {
    let session = &mut *context.session;
    if context.node.access.log_in(name, password, |user| session.set_user(user.clone())) {
        return Ok(());
    }
    access::note_failed_log_in(context.node, context.session, name, args.name());
    Err(WRONG_PASSWORD)
}

const HELLO: CommandSpec = CommandSpec {
    name: "hello",
    arity: -1,
    flags: flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::FAST | flag::NO_AUTH | flag::ALLOW_BUSY,
    categories: category::CONNECTION,
    secrets: Some(secrets::of_hello),
    since: "6.0.0",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Chooses the version of the protocol, and may authenticate and name the connection.",
    arguments: &[Argument {
        name: "arguments",
        kind: Kind::Block,
        optional: true,
        arguments: &[
            Argument { name: "protover", kind: Kind::Integer, ..ARGUMENT },
            Argument {
                name: "auth",
                kind: Kind::Block,
                token: "AUTH",
                optional: true,
                arguments: &[
                    Argument { name: "username", ..ARGUMENT },
                    Argument { name: "password", ..ARGUMENT },
                ],
                ..ARGUMENT
            },
            Argument { name: "clientname", token: "SETNAME", optional: true, ..ARGUMENT },
        ],
        ..ARGUMENT
    }],
    handler: Handler::Run(hello),
    ..COMMAND
};

fn hello(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let protocol = args.get(1).map(protocol_version).transpose()?;
    let mut name = None;
    let mut credentials: Option<(&[u8], &[u8])> = None;
    let mut index = 2;
    while index < args.len() {
        let left = args.len() - index - 1;
        let word = &args[index];
        if word.eq_ignore_ascii_case(b"auth") && left >= 2 {
            credentials = Some((&args[index + 1], &args[index + 2]));
            index += 3;
        } else if word.eq_ignore_ascii_case(b"setname") && left >= 1 {
            name = Some(client_name(&args[index + 1])?);
            index += 2;
        } else {
            let word = String::from_utf8_lossy(word);
            return Err(CommandError::new(format!("ERR Syntax error in HELLO option '{word}'")));
        }
    }
    if let Some((user, password)) = credentials {
        log_in(context, args, user, password)?;
    }
    if !context.session.authenticated {
        return Err(CommandError::fixed(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
        ));
    }
    if let Some(name) = name {
        context.session.handle.with_texts(|texts| texts.name = name);
    }
    if let Some(protocol) = protocol {
        context.set_protocol(protocol);
    }
    introduce(context);
    Ok(Outcome::Done)
}

fn protocol_version(text: &[u8]) -> Result<Protocol, CommandError> {
    let number: i64 = std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| CommandError::fixed("ERR Protocol version is not an integer or out of range"))?;
    match number {
        2 => Ok(Protocol::Resp2),
        3 => Ok(Protocol::Resp3),
        _ => Err(CommandError::fixed("NOPROTO unsupported protocol version")),
    }
}

/// A name shows in CLIENT LIST, whose fields are parted by spaces.
pub fn client_name(name: &[u8]) -> Result<String, CommandError> {
    if name.iter().all(u8::is_ascii_graphic) {
        // Just checked: it is ASCII.
        return Ok(String::from_utf8_lossy(name).into_owned());
    }
    Err(CommandError::fixed("ERR Client names cannot contain spaces, newlines or special characters."))
}

fn introduce(context: &mut Context<'_>) {
    let node = context.node;
    let mode = if node.is_cluster() { "cluster" } else { "standalone" };
    let role = if node.replication.is_replica() { "replica" } else { "master" };
    let protocol = if context.session.protocol == Protocol::Resp3 { 3 } else { 2 };
    let reply = &mut context.reply;
    let settings = node.settings();
    reply.map(7 + usize::from(settings.availability_zone.is_some()));
    reply.bulk(b"server");
    reply.bulk(b"redis");
    reply.bulk(b"version");
    reply.bulk(crate::REDIS_VERSION.as_bytes());
    reply.bulk(b"proto");
    reply.integer(protocol);
    reply.bulk(b"id");
    reply.integer(context.session.handle.id as i64);
    reply.bulk(b"mode");
    reply.bulk(mode.as_bytes());
    reply.bulk(b"role");
    reply.bulk(role.as_bytes());
    reply.bulk(b"modules");
    reply.array(0);
    if let Some(zone) = &settings.availability_zone {
        reply.bulk(b"availability_zone");
        reply.bulk(zone.as_bytes());
    }
}

const SELECT: CommandSpec = CommandSpec {
    name: "select",
    arity: 2,
    flags: flag::LOADING | flag::STALE | flag::FAST,
    categories: category::CONNECTION,
    since: "1.0.0",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Chooses the database of the connection.",
    arguments: &[Argument { name: "index", kind: Kind::Integer, ..ARGUMENT }],
    handler: Handler::Run(select),
    ..COMMAND
};

fn select(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let index = database_index(&args[1])?;
    if context.node.is_cluster() && index != 0 {
        return Err(CommandError::fixed("ERR SELECT is not allowed in cluster mode"));
    }
    if index >= context.node.settings().databases as usize {
        return Err(CommandError::fixed("ERR DB index is out of range"));
    }
    context.session.set_database(index);
    context.data.database = index;
    context.reply.ok();
    Ok(Outcome::Done)
}

/// A database's number; whether it is there is the caller's to check.
pub fn database_index(text: &[u8]) -> Result<usize, CommandError> {
    let number = rcl_store::types::parse_integer(text).ok_or(CommandError::NOT_INTEGER)?;
    if i32::try_from(number).is_err() {
        let (least, most) = (i32::MIN, i32::MAX);
        let text = format!("ERR value is out of range, value must between {least} and {most}");
        return Err(CommandError::new(text));
    }
    usize::try_from(number).map_err(|_| CommandError::fixed("ERR DB index is out of range"))
}

const QUIT: CommandSpec = CommandSpec {
    name: "quit",
    arity: -1,
    flags: flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::FAST | flag::NO_AUTH | flag::ALLOW_BUSY,
    categories: category::CONNECTION,
    since: "1.0.0",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Closes the connection.",
    deprecated: Some(("7.2.0", "just closing the connection")),
    handler: Handler::Run(quit),
    ..COMMAND
};

fn quit(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    context.reply.ok();
    context.close = true;
    Ok(Outcome::Done)
}

const RESET: CommandSpec = CommandSpec {
    name: "reset",
    arity: 1,
    flags: flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::FAST | flag::NO_AUTH | flag::ALLOW_BUSY,
    categories: category::CONNECTION,
    since: "6.2.0",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Puts the connection back to how it was when it was opened.",
    handler: Handler::Run(reset),
    ..COMMAND
};

fn reset(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    if matches!(context.session.handle.kind(), ClientKind::Replica | ClientKind::Master) {
        return Err(CommandError::fixed("ERR can only reset normal client connections"));
    }
    executor::discard(context.node, context.session);
    executor::forget_subscriptions(context.node, context.session);
    context.node.monitors.remove(context.session);
    tracking::stop(context.node, context.session);
    let user = context.node.default_user();
    let session = &mut *context.session;
    session.set_database(0);
    session.asking = false;
    session.readonly = false;
    session.reply_mode = ReplyMode::On;
    session.handle.with_texts(|texts| texts.name.clear());
    session.handle.set_flag(client_flag::NO_EVICT | client_flag::NO_TOUCH, false);
    let authenticated = user.needs_no_log_in();
    session.set_user(user);
    session.authenticated = authenticated;
    session.show_state();
    context.set_protocol(Protocol::Resp2);
    context.reply.simple("RESET");
    Ok(Outcome::Done)
}
