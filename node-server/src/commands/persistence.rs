//! The data on disk: SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE; and SHUTDOWN.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use rcl_proto::resp::Args;

use crate::command::arguments::word;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, Kind, category, flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome, Park};
use crate::executor::node_state;
use crate::node::ShutdownRequest;
use crate::persistence::{aof, save};

pub const COMMANDS: &[CommandSpec] = &[SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE, SHUTDOWN];

const IN_PROGRESS: CommandError = CommandError::fixed("ERR Background save already in progress");

const SAVE: CommandSpec = CommandSpec {
    name: "save",
    arity: 1,
    flags: flag::NO_ASYNC_LOADING | flag::ADMIN | flag::NOSCRIPT | flag::NO_MULTI,
    since: "1.0.0",
    group: Group::Server,
    complexity: "O(N) where N is the total number of keys in all databases",
    summary: "Writes the data to disk, and answers when that is done.",
    handler: Handler::Run(save_now),
    ..COMMAND
};

/// Other clients are served meanwhile: only this connection's thread waits for the disk.
fn save_now(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    match save::save(context.node) {
        Ok(_) => {
            context.reply.ok();
            Ok(Outcome::Done)
        }
        Err(None) => Err(IN_PROGRESS),
        Err(Some(error)) => Err(CommandError::new(format!("ERR saving failed: {error}"))),
    }
}

const BGSAVE: CommandSpec = CommandSpec {
    name: "bgsave",
    arity: -1,
    flags: flag::NO_ASYNC_LOADING | flag::ADMIN | flag::NOSCRIPT,
    since: "1.0.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Begins to write the data to disk, in the background.",
    arguments: &[Argument {
        name: "schedule",
        kind: Kind::PureToken,
        token: "SCHEDULE",
        since: "3.2.2",
        optional: true,
        ..ARGUMENT
    }],
    handler: Handler::Run(bgsave),
    ..COMMAND
};

fn bgsave(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let schedule = match args.get(1) {
        None => false,
        Some(word) if args.len() == 2 && word.eq_ignore_ascii_case(b"schedule") => true,
        Some(_) => return Err(CommandError::SYNTAX),
    };
    // Inside EXEC the shards are locked, and the snapshot's point needs them: it begins right after.
    if !context.may_park {
        save::schedule(context.node);
        context.reply.simple("Background saving scheduled");
    } else if save::save_in_background(context.node) {
        context.reply.simple("Background saving started");
    } else if schedule {
        save::schedule(context.node);
        context.reply.simple("Background saving scheduled");
    } else {
        return Err(IN_PROGRESS);
    }
    Ok(Outcome::Done)
}

const BGREWRITEAOF: CommandSpec = CommandSpec {
    name: "bgrewriteaof",
    arity: 1,
    flags: flag::NO_ASYNC_LOADING | flag::ADMIN | flag::NOSCRIPT,
    since: "1.0.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Begins to write the append-only file anew, in the background.",
    handler: Handler::Run(bgrewriteaof),
    ..COMMAND
};

fn bgrewriteaof(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    match aof::ask_for_rewrite(context.node, !context.may_park) {
        aof::Asked::Started => context.reply.simple("Background append only file rewriting started"),
        aof::Asked::Scheduled => context.reply.simple("Background append only file rewriting scheduled"),
        aof::Asked::InProgress => {
            return Err(CommandError::fixed("ERR Background append only file rewriting already in progress"));
        }
    }
    Ok(Outcome::Done)
}

const LASTSAVE: CommandSpec = CommandSpec {
    name: "lastsave",
    arity: 1,
    flags: flag::LOADING | flag::STALE | flag::FAST,
    categories: category::ADMIN | category::DANGEROUS,
    since: "1.0.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Says when the data were last written to disk, as a Unix time.",
    tips: &["nondeterministic_output"],
    handler: Handler::Run(lastsave),
    ..COMMAND
};

fn lastsave(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    context.reply.integer(context.node.persistence.last_save_s.get() as i64);
    Ok(Outcome::Done)
}

const NO_CLUSTER_TO_FAIL_OVER_IN: CommandError =
    CommandError::fixed("ERR SHUTDOWN FAILOVER needs cluster mode");

const SHUTDOWN: CommandSpec = CommandSpec {
    name: "shutdown",
    arity: -1,
    flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::NO_MULTI | flag::ALLOW_BUSY,
    since: "1.0.0",
    group: Group::Server,
    complexity: "O(N) when saving, where N is the total number of keys in all databases when saving data, otherwise O(1)",
    summary: "Ends the node: lets replicas catch up, saves as configured, and goes.",
    arguments: &[
        Argument {
            name: "save-selector",
            kind: Kind::OneOf,
            optional: true,
            arguments: &[word("nosave", "NOSAVE"), word("save", "SAVE")],
            ..ARGUMENT
        },
        Argument {
            name: "now",
            kind: Kind::PureToken,
            token: "NOW",
            since: "7.0.0",
            optional: true,
            ..ARGUMENT
        },
        Argument {
            name: "force",
            kind: Kind::PureToken,
            token: "FORCE",
            since: "7.0.0",
            optional: true,
            ..ARGUMENT
        },
        Argument {
            name: "failover",
            kind: Kind::PureToken,
            token: "FAILOVER",
            since: "9.0.0",
            optional: true,
            ..ARGUMENT
        },
        Argument {
            name: "abort",
            kind: Kind::PureToken,
            token: "ABORT",
            since: "7.0.0",
            optional: true,
            ..ARGUMENT
        },
    ],
    handler: Handler::Run(shutdown),
    ..COMMAND
};

fn shutdown(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let failover = context.node.settings().auto_failover_on_shutdown;
    let mut request = ShutdownRequest { save: None, force: false, now: false, failover };
    let mut abort = false;
    for word in args.from(1).iter() {
        match word.to_ascii_lowercase().as_slice() {
            b"nosave" if request.save.is_none() => request.save = Some(false),
            b"save" if request.save.is_none() => request.save = Some(true),
            b"now" => request.now = true,
            b"force" => request.force = true,
            b"failover" if context.node.is_cluster() => request.failover = true,
            b"failover" => return Err(NO_CLUSTER_TO_FAIL_OVER_IN),
            b"abort" => abort = true,
            _ => return Err(CommandError::SYNTAX),
        }
    }
    let persistence = &context.node.persistence;
    if abort {
        if args.len() > 2 {
            return Err(CommandError::SYNTAX);
        }
        if !crate::shutdown::abort(context.node) {
            return Err(CommandError::fixed("ERR No shutdown in progress."));
        }
        context.reply.ok();
        return Ok(Outcome::Done);
    }
    if context.node.state() & node_state::BUSY != 0 {
        if request.save != Some(false) {
            return Err(context.node.scripting.slow.busy());
        }
        context.node.scripting.slow.end_all();
    }
    // Answered only if the node goes on.
    let wait = context.session.begin_wait();
    persistence.shutdown_waiters.lock().unwrap_or_else(PoisonError::into_inner).push(wait.clone());
    persistence.shutdown_aborted.store(false, Ordering::Release);
    if !context.node.request_shutdown(request) {
        persistence.shutdown_waiters.lock().unwrap_or_else(PoisonError::into_inner).clear();
        return Err(CommandError::fixed("ERR this node does not run as a process of its own"));
    }
    Ok(Outcome::Park(Park::until(wait)))
}
