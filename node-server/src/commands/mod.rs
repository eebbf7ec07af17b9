//! The commands: each a const literal beside its handler, in families.

use crate::command::{CommandSpec, Context};

pub mod connection;
pub mod keys;
pub mod persistence;
pub mod replication;
pub mod strings;

/// All commands. A new family is added here, and nowhere else.
pub const FAMILIES: &[&[CommandSpec]] = &[
    connection::COMMANDS,
    keys::COMMANDS,
    strings::COMMANDS,
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
