//! The commands: each a const literal beside its handler, in families.

use crate::command::{CommandSpec, Context};

pub mod acl;
pub mod bitmaps;
pub mod client;
pub mod cluster;
pub mod connection;
pub mod geo;
pub mod hashes;
pub mod hyperloglog;
pub mod keys;
pub mod lists;
pub mod persistence;
pub mod pubsub;
pub mod replication;
mod scan_reply;
pub mod scripting;
pub mod server;
pub mod sets;
pub mod sorted_sets;
pub mod streams;
pub mod strings;
pub mod transactions;
pub mod transfer;

/// All commands. A new family is added here, and nowhere else. A static, since commands are told apart by where they lie,
/// and each use of a constant may lie elsewhere.
pub static FAMILIES: &[&[CommandSpec]] = &[
    acl::COMMANDS,
    client::COMMANDS,
    cluster::COMMANDS,
    connection::COMMANDS,
    keys::COMMANDS,
    pubsub::COMMANDS,
    strings::COMMANDS,
    bitmaps::COMMANDS,
    hyperloglog::COMMANDS,
    hashes::COMMANDS,
    lists::COMMANDS,
    sets::COMMANDS,
    sorted_sets::COMMANDS,
    geo::COMMANDS,
    streams::COMMANDS,
    transactions::COMMANDS,
    scripting::COMMANDS,
    transfer::COMMANDS,
    server::COMMANDS,
    replication::COMMANDS,
    persistence::COMMANDS,
];

/// The answer to a container's HELP: a line for each subcommand, and one below that explains it.
pub fn help(context: &mut Context<'_>, container: &str, subcommands: &[(&str, &str)]) {
    context.reply.array(subcommands.len() * 2 + 3);
    let title = format!("{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
    context.reply.simple(&title);
    for (usage, explanation) in subcommands.iter().chain(&[("HELP", "Print this help.")]) {
        context.reply.simple(usage);
        context.reply.simple(&format!("    {explanation}"));
    }
}

#[cfg(test)]
mod tests;
