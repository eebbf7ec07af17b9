//! CLIENT TRACKING and what belongs to it. What it does is in the module `tracking`.

use rcl_proto::resp::Args;

use crate::client::{Session, client_flag};
use crate::command::arguments::word;
use crate::command::parse::{self, is};
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, Kind, category, flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome};
use crate::tracking::{self, TrackingMode};

pub const TRACKING: CommandSpec = CommandSpec {
    name: "tracking",
    arity: -3,
    flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
    categories: category::CONNECTION,
    since: "6.0.0",
    group: Group::Connection,
    complexity: "O(1). Some options may introduce additional complexity.",
    summary: "Tells the connection of changes of keys that it read, so that it can keep them.",
    arguments: &[
        Argument {
            name: "status",
            kind: Kind::OneOf,
            arguments: &[word("on", "ON"), word("off", "OFF")],
            ..ARGUMENT
        },
        Argument { name: "client-id", kind: Kind::Integer, token: "REDIRECT", optional: true, ..ARGUMENT },
        Argument {
            name: "prefix",
            token: "PREFIX",
            optional: true,
            multiple: true,
            multiple_token: true,
            ..ARGUMENT
        },
        Argument { optional: true, ..word("BCAST", "BCAST") },
        Argument { optional: true, ..word("OPTIN", "OPTIN") },
        Argument { optional: true, ..word("OPTOUT", "OPTOUT") },
        Argument { optional: true, ..word("NOLOOP", "NOLOOP") },
    ],
    handler: Handler::Run(tracking),
    ..COMMAND
};

fn tracking(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (mode, prefixes) = options(context, args.from(3))?;
    if is(&args[2], "ON") {
        let mode = merged(context.session, mode, &prefixes)?;
        tracking::start(context.node, context.session, mode);
    } else if is(&args[2], "OFF") {
        tracking::stop(context.node, context.session);
    } else {
        return Err(CommandError::SYNTAX);
    }
    context.reply.ok();
    Ok(Outcome::Done)
}

fn options<'a>(context: &Context<'_>, args: Args<'a>) -> Result<(TrackingMode, Vec<&'a [u8]>), CommandError> {
    let mut mode = TrackingMode::default();
    let mut prefixes = Vec::new();
    let mut words = args.iter();
    while let Some(word) = words.next() {
        if is(word, "BCAST") {
            mode.broadcast = true;
        } else if is(word, "OPTIN") {
            mode.opt_in = true;
        } else if is(word, "OPTOUT") {
            mode.opt_out = true;
        } else if is(word, "NOLOOP") {
            mode.no_loop = true;
        } else if is(word, "REDIRECT") {
            let id = words.next().ok_or(CommandError::SYNTAX)?;
            if mode.redirect != 0 {
                return Err(CommandError::fixed("ERR A client can only redirect to a single other client"));
            }
            mode.redirect = redirect(context, id)?;
        } else if is(word, "PREFIX") {
            prefixes.push(words.next().ok_or(CommandError::SYNTAX)?);
        } else {
            return Err(CommandError::SYNTAX);
        }
    }
    Ok((mode, prefixes))
}

fn redirect(context: &Context<'_>, id: &[u8]) -> Result<u64, CommandError> {
    let id = u64::try_from(parse::integer(id)?).ok();
    id.filter(|&id| context.node.clients.get(id).is_some())
        .ok_or(CommandError::fixed("ERR The client ID you want redirect to does not exist"))
}

/// What is said now, with the prefixes of before; refused where the two do not go together.
fn merged(session: &Session, mode: TrackingMode, prefixes: &[&[u8]]) -> Result<TrackingMode, CommandError> {
    let error = |text| Err(CommandError::fixed(text));
    let before = session.tracking.as_deref();
    if !mode.broadcast && !prefixes.is_empty() {
        return error("ERR PREFIX option requires BCAST mode to be enabled");
    }
    if before.is_some_and(|before| before.broadcast != mode.broadcast) {
        return error(
            "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it \
             with a different mode.",
        );
    }
    if mode.broadcast && (mode.opt_in || mode.opt_out) {
        return error("ERR OPTIN and OPTOUT are not compatible with BCAST");
    }
    if mode.opt_in && mode.opt_out {
        return error("ERR You can't specify both OPTIN mode and OPTOUT mode");
    }
    if before.is_some_and(|before| mode.opt_in && before.opt_out || mode.opt_out && before.opt_in) {
        return error(
            "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it \
             with a different mode.",
        );
    }
    let mut mode = mode;
    if mode.broadcast {
        mode.prefixes = before.map(|before| before.prefixes.clone()).unwrap_or_default();
        check_prefixes(&mode, prefixes)?;
        mode.prefixes.extend(prefixes.iter().map(|&prefix| prefix.into()));
        if prefixes.is_empty() {
            mode.prefixes.insert(Box::default());
        }
    }
    mode.caching = before.is_some_and(|before| before.caching);
    Ok(mode)
}

/// No key may begin with two prefixes of one client.
fn check_prefixes(mode: &TrackingMode, prefixes: &[&[u8]]) -> Result<(), CommandError> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let overlap = |one: &[u8], other: &[u8]| one.starts_with(other) || other.starts_with(one);
    for (index, prefix) in prefixes.iter().enumerate() {
        let existing = mode.prefixes.iter().find(|existing| overlap(existing, prefix));
        let provided = prefixes[index + 1..].iter().find(|other| overlap(other, prefix));
        let (what, other): (_, &[u8]) = match (existing, provided) {
            (Some(existing), _) => ("an existing prefix", existing),
            (None, Some(provided)) => ("another provided prefix", provided),
            (None, None) => continue,
        };
        return Err(CommandError::new(format!(
            "ERR Prefix '{}' overlaps with {what} '{}'. Prefixes for a single client must not overlap.",
            text(prefix),
            text(other)
        )));
    }
    Ok(())
}

pub const CACHING: CommandSpec = CommandSpec {
    name: "caching",
    arity: 3,
    flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
    categories: category::CONNECTION,
    since: "6.0.0",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Says whether the keys of the next command are tracked.",
    arguments: &[Argument {
        name: "mode",
        kind: Kind::OneOf,
        arguments: &[word("yes", "YES"), word("no", "NO")],
        ..ARGUMENT
    }],
    handler: Handler::Run(caching),
    ..COMMAND
};

fn caching(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let Some(mode) = &mut context.session.tracking else {
        return Err(CommandError::fixed(
            "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled",
        ));
    };
    let (fits, otherwise) = if is(&args[2], "YES") {
        (mode.opt_in, "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.")
    } else if is(&args[2], "NO") {
        (mode.opt_out, "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.")
    } else {
        return Err(CommandError::SYNTAX);
    };
    if !fits {
        return Err(CommandError::fixed(otherwise));
    }
    mode.caching = true;
    context.reply.ok();
    Ok(Outcome::Done)
}

pub const GETREDIR: CommandSpec = CommandSpec {
    name: "getredir",
    arity: 2,
    flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
    categories: category::CONNECTION,
    since: "6.0.0",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Returns the number of the connection that gets the messages of this one's tracking.",
    handler: Handler::Run(getredir),
    ..COMMAND
};

fn getredir(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    context.reply.integer(context.session.handle.redirects_to());
    Ok(Outcome::Done)
}

pub const TRACKINGINFO: CommandSpec = CommandSpec {
    name: "trackinginfo",
    arity: 2,
    flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
    categories: category::CONNECTION,
    since: "6.2.0",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Tells how the connection tracks keys.",
    handler: Handler::Run(trackinginfo),
    ..COMMAND
};

fn trackinginfo(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    let session = &*context.session;
    let off = TrackingMode::default();
    let mode = session.tracking.as_deref();
    let TrackingMode { broadcast, opt_in, opt_out, no_loop, caching, prefixes, .. } = mode.unwrap_or(&off);
    let flags = [
        (if mode.is_some() { "on" } else { "off" }, true),
        ("bcast", *broadcast),
        ("optin", *opt_in),
        ("caching-yes", *opt_in && *caching),
        ("optout", *opt_out),
        ("caching-no", *opt_out && *caching),
        ("noloop", *no_loop),
        ("broken_redirect", session.handle.has_flag(client_flag::TRACKING_BROKEN_REDIRECT)),
    ];
    let flags: Vec<&str> = flags.into_iter().filter(|(_, holds)| *holds).map(|(name, _)| name).collect();
    let reply = &mut context.reply;
    reply.map(3);
    reply.bulk(b"flags");
    reply.set(flags.len());
    flags.iter().for_each(|flag| reply.bulk(flag.as_bytes()));
    reply.bulk(b"redirect");
    reply.integer(session.handle.redirects_to());
    reply.bulk(b"prefixes");
    reply.array(prefixes.len());
    prefixes.iter().for_each(|prefix| reply.bulk(prefix));
    Ok(Outcome::Done)
}
