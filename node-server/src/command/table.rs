//! The table: the one list of all commands, and looking them up by name.

use std::collections::HashMap;
use std::sync::OnceLock;

use rcl_proto::resp::Args;

use super::CommandSpec;
use crate::commands;

/// What a request's first words name.
#[derive(Clone, Copy, Debug)]
pub enum Lookup {
    Found { spec: &'static CommandSpec, container: Option<&'static CommandSpec> },
    UnknownSubcommand(&'static CommandSpec),
    Unknown,
}

/// All commands, in the order of the families.
pub fn all() -> impl Iterator<Item = &'static CommandSpec> {
    commands::FAMILIES.iter().flat_map(|family| family.iter())
}

/// Names are no longer than this; a longer word is no command.
const MAX_NAME_BYTES: usize = 24;

type Index = HashMap<&'static [u8], &'static CommandSpec, foldhash::fast::FixedState>;

fn index() -> &'static Index {
    static INDEX: OnceLock<Index> = OnceLock::new();
    INDEX.get_or_init(|| all().map(|spec| (spec.name.as_bytes(), spec)).collect())
}

/// The command of this name, whatever its case.
pub fn by_name(name: &[u8]) -> Option<&'static CommandSpec> {
    let mut lower = [0; MAX_NAME_BYTES];
    let lower = lower.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    index().get(&*lower).copied()
}

/// The command that a request names, its subcommand where it has some.
pub fn find(args: Args<'_>) -> Lookup {
    let Some(spec) = by_name(args.name()) else { return Lookup::Unknown };
    if spec.subcommands.is_empty() {
        return Lookup::Found { spec, container: None };
    }
    let Some(word) = args.get(1) else { return Lookup::Found { spec, container: None } };
    match spec.subcommands.iter().find(|sub| word.eq_ignore_ascii_case(sub.name.as_bytes())) {
        Some(sub) => Lookup::Found { spec: sub, container: Some(spec) },
        None => Lookup::UnknownSubcommand(spec),
    }
}

/// A command or subcommand by `name` or `container|name`, and its container.
pub fn by_full_name(name: &[u8]) -> Option<(&'static CommandSpec, Option<&'static CommandSpec>)> {
    let Some(bar) = name.iter().position(|&byte| byte == b'|') else {
        return by_name(name).map(|spec| (spec, None));
    };
    let container = by_name(&name[..bar])?;
    let sub =
        container.subcommands.iter().find(|sub| name[bar + 1..].eq_ignore_ascii_case(sub.name.as_bytes()))?;
    Some((sub, Some(container)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_there_once() {
        for spec in all() {
            assert!(
                std::ptr::eq(by_name(spec.name.to_uppercase().as_bytes()).unwrap(), spec),
                "{} is there twice",
                spec.name
            );
            assert!(spec.name.len() <= MAX_NAME_BYTES);
        }
        assert!(by_name(b"nosuchcommand").is_none());
        assert!(by_name(&[b'x'; 100]).is_none());
    }

    #[test]
    fn every_command_says_what_it_is() {
        for spec in all().flat_map(|spec| std::iter::once(spec).chain(spec.subcommands)) {
            assert!(
                !spec.summary.is_empty() && spec.summary.ends_with('.'),
                "{}: {:?}",
                spec.name,
                spec.summary
            );
            assert!(spec.arity != 0, "{}", spec.name);
        }
    }
}
