//! CONFIG: GET, SET, REWRITE, RESETSTAT.

use std::io::Read as _;

use rcl_cluster::Command;
use rcl_proto::resp::Args;

use crate::command::secrets;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, Kind, Locks, flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome};

use crate::commands::cluster;
use crate::config::{ClientOrigin, SetError};
use crate::disk::{self, Open};
use crate::eviction;
use crate::executor::node_state;
use crate::reconfigure;

pub const CONFIG: CommandSpec = CommandSpec {
    name: "config",
    arity: -2,
    since: "2.0.0",
    group: Group::Server,
    complexity: "Depends on subcommand.",
    summary: "Reads and changes the configuration.",
    subcommands: &[
        CommandSpec {
            name: "get",
            arity: -3,
            flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
            since: "2.0.0",
            group: Group::Server,
            complexity: "O(N) when N is the number of configuration parameters provided",
            summary: "Returns the values of directives.",
            arguments: &[Argument { name: "parameter", multiple: true, ..ARGUMENT }],
            handler: Handler::Run(get),
            ..COMMAND
        },
        CommandSpec {
            name: "help",
            arity: 2,
            flags: flag::LOADING | flag::STALE,
            since: "5.0.0",
            group: Group::Server,
            complexity: "O(1)",
            summary: "Explains CONFIG.",
            handler: Handler::Run(help),
            ..COMMAND
        },
        CommandSpec {
            name: "resetstat",
            arity: 2,
            flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
            since: "2.0.0",
            group: Group::Server,
            complexity: "O(1)",
            summary: "Sets the counters of INFO back to zero.",
            tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
            locks: Locks::EachShard,
            handler: Handler::Run(resetstat),
            ..COMMAND
        },
        CommandSpec {
            name: "rewrite",
            arity: 2,
            flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
            since: "2.8.0",
            group: Group::Server,
            complexity: "O(1)",
            summary: "Writes the configuration in force into the configuration file.",
            tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
            handler: Handler::Run(rewrite),
            ..COMMAND
        },
        CommandSpec {
            name: "set",
            arity: -4,
            flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
            secrets: Some(secrets::of_config_set),
            since: "2.0.0",
            group: Group::Server,
            complexity: "O(N) when N is the number of configuration parameters provided",
            summary: "Changes directives, all of them or none.",
            arguments: &[Argument {
                name: "data",
                kind: Kind::Block,
                multiple: true,
                arguments: &[
                    Argument { name: "parameter", ..ARGUMENT },
                    Argument { name: "value", ..ARGUMENT },
                ],
                ..ARGUMENT
            }],
            tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
            handler: Handler::Run(set),
            ..COMMAND
        },
    ],
    ..COMMAND
};

fn get(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let config = context.node.lock_config();
    let mut found: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    for pattern in args.from(2).iter() {
        for pair in config.get(pattern) {
            if !found.iter().any(|(name, _)| *name == pair.0) {
                found.push(pair);
            }
        }
    }
    drop(config);
    context.reply.map(found.len());
    for (name, value) in &found {
        context.reply.bulk(name);
        context.reply.bulk(value);
    }
    Ok(Outcome::Done)
}

fn set(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if !args.len().is_multiple_of(2) {
        return Err(CommandError::wrong_arity("config|set"));
    }
    let words: Vec<&[u8]> = args.from(2).iter().collect();
    let pairs: Vec<(&[u8], &[u8])> = words.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
    let origin =
        if context.session.handle.is_local() { ClientOrigin::ThisMachine } else { ClientOrigin::Elsewhere };
    let node = context.node;
    let is_loading = node.state() & (node_state::LOADING | node_state::ASYNC_LOADING) != 0;
    let mut config = node.lock_config();
    let mut changed = config.clone();
    let changes =
        changed.set(&pairs, origin, is_loading).map_err(|error| CommandError::new(error.to_string()))?;
    let settings = changed.settings();
    if settings.bus_protection_is_unmet() {
        let why = "can't enable cluster-bus-port-protected-mode while tls-cluster is disabled";
        let error = SetError::refused("cluster-bus-port-protected-mode", why);
        return Err(CommandError::new(error.to_string()));
    }
    reconfigure::apply(node, &changes.changed, &node.settings(), &settings)
        .map_err(|error| CommandError::new(error.to_string()))?;
    *config = changed;
    drop(config);
    node.settings_changed(settings);
    if context.data.holds_nothing() {
        // What is over a lower limit goes before the answer.
        eviction::make_room(node);
    } else {
        node.eviction.look_soon();
    }
    for directive in &changes.without_effect {
        tracing::info!(directive = directive.name, "accepted, without effect here: {}", directive.why);
    }
    let is_clusters = changes.changed.iter().any(|name| name.starts_with("cluster-"));
    if is_clusters && context.may_park && node.control.get().is_some() {
        // OK means that it is in force: some of it is in the map that each shard acts by.
        return cluster::ask_core(context, Command::AwaitMap);
    }
    context.reply.ok();
    Ok(Outcome::Done)
}

fn rewrite(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    rewrite_file(context, false)
}

/// Writes the configuration into its file; all of it, or what is not the default.
pub fn rewrite_file(context: &mut Context<'_>, all: bool) -> CommandResult {
    let node = context.node;
    let Some(path) = &node.config_file else {
        return Err(CommandError::fixed("ERR The server is running without a config file"));
    };
    let failed = |error: std::io::Error| {
        tracing::warn!(path = %path.display(), %error, "CONFIG REWRITE failed");
        CommandError::new(format!("ERR Rewriting config file: {error}"))
    };
    let mut old = Vec::new();
    match node.disk.open(path, Open::Read).and_then(|mut file| file.read_to_end(&mut old)) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let settings = node.settings();
    let users = if settings.aclfile.is_some() { Vec::new() } else { node.access.config_lines(&settings) };
    let config = node.lock_config().clone();
    let new = if all { config.rewrite_all(&old, users) } else { config.rewrite(&old, users) };
    disk::replace(&*node.disk, path, &new).map_err(failed)?;
    tracing::info!(path = %path.display(), "CONFIG REWRITE done");
    context.reply.ok();
    Ok(Outcome::Done)
}

fn resetstat(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    context.node.stats.reset();
    context.node.errors.reset();
    context.data.each_shard(|shard| shard.slot_stats.reset());
    context.node.watchdog.reset();
    context.node.command_stats.reset();
    context.node.eviction.reset_stats();
    context.node.lazy_free.freed().set(0);
    context.reply.ok();
    Ok(Outcome::Done)
}

fn help(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    super::super::help(
        context,
        "CONFIG",
        &[
            (
                "GET <pattern> [<pattern> ...]",
                "Return the directives that fit the patterns, and their values.",
            ),
            ("SET <directive> <value> [<directive> <value> ...]", "Change directives, all of them or none."),
            ("RESETSTAT", "Set the counters of INFO back to zero."),
            ("REWRITE", "Write the configuration in force into the configuration file."),
        ],
    );
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::in_memory::{clients, converse};

    #[test]
    fn while_data_are_loaded_what_the_load_depends_on_stays() {
        clients!(node: one);
        let loading = "-LOADING Redis is loading the dataset in memory";
        for state in [node_state::LOADING, node_state::ASYNC_LOADING] {
            node.set_state(state, true);
            converse(
                &mut one,
                &[
                    ("CONFIG SET appendonly yes", loading),
                    ("CONFIG SET repl-diskless-load swapdb", loading),
                    ("CONFIG SET timeout 1 appendonly yes", loading),
                    ("CONFIG GET timeout", "*2 $7 timeout $1 0"),
                    ("CONFIG SET key-load-delay 0", "+OK"),
                ],
            );
            node.set_state(state, false);
        }
        assert_eq!(one.ask("CONFIG SET repl-diskless-load swapdb"), "+OK");
    }
}
