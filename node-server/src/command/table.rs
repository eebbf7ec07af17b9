//! The table: the one list of all commands, and looking them up by name.
//!
//! A node may know some under other names, or not at all (`rename-command`); ACL rules always say the names of the table.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use rcl_proto::resp::Args;

use super::CommandSpec;
use crate::commands;

/// A command's number: its place in the table, where subcommands come right after their container.
pub type CommandId = u16;

/// A command that was looked up.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    pub id: CommandId,
    pub spec: &'static CommandSpec,
    /// The command that `spec` is a subcommand of.
    pub container: Option<&'static CommandSpec>,
}

impl Known {
    /// `get`, `client|list`.
    pub fn full_name(&self) -> String {
        match self.container {
            Some(container) => format!("{}|{}", container.name, self.spec.name),
            None => self.spec.name.to_owned(),
        }
    }

    /// Its subcommands.
    pub fn subcommands(self) -> impl Iterator<Item = Known> {
        let (first, container) = (self.id + 1, self.spec);
        (first..).zip(container.subcommands).map(|(id, spec)| Known { id, spec, container: Some(container) })
    }

    fn subcommand(&self, word: &[u8]) -> Option<Known> {
        self.subcommands().find(|sub| word.eq_ignore_ascii_case(sub.spec.name.as_bytes()))
    }
}

/// What a request's first words name.
#[derive(Clone, Copy, Debug)]
pub enum Lookup {
    Found(Known),
    UnknownSubcommand(&'static CommandSpec),
    Unknown,
}

/// All commands, in the order of the families.
pub fn all() -> impl Iterator<Item = &'static CommandSpec> {
    commands::FAMILIES.iter().flat_map(|family| family.iter())
}

/// All commands with their numbers, without the subcommands.
pub fn all_known() -> impl Iterator<Item = Known> {
    let mut next = 0;
    all().map(move |spec| {
        let known = Known { id: next, spec, container: None };
        next += 1 + spec.subcommands.len() as CommandId;
        known
    })
}

/// All commands and subcommands, in the order of their numbers.
pub fn each_known() -> impl Iterator<Item = Known> {
    all_known().flat_map(|known| std::iter::once(known).chain(known.subcommands()))
}

/// The command or subcommand of this number.
pub fn by_id(id: CommandId) -> Option<Known> {
    let container = all_known().take_while(|known| known.id <= id).last()?;
    std::iter::once(container).chain(container.subcommands()).find(|known| known.id == id)
}

/// The command of this name in the table, whatever its case.
pub fn by_name(name: &[u8]) -> Option<Known> {
    table_names().by_name(name)
}

/// The command that a request names in the words of the table.
pub fn find(args: Args<'_>) -> Lookup {
    table_names().find(args)
}

/// A command or subcommand of the table by `name` or `container|name`.
pub fn by_full_name(name: &[u8]) -> Option<Known> {
    table_names().by_full_name(name)
}

fn table_names() -> &'static CommandNames {
    static NAMES: OnceLock<CommandNames> = OnceLock::new();
    NAMES.get_or_init(CommandNames::default)
}

/// Most names are no longer than this, and found without memory of their own.
const USUAL_NAME_BYTES: usize = 24;

/// The names under which a node takes its commands.
#[derive(Clone)]
pub struct CommandNames {
    /// Lower case.
    index: HashMap<Box<[u8]>, Known, foldhash::fast::FixedState>,
    longest: usize,
    edition: u64,
}

/// Counts the editions of names that were made.
static EDITIONS: AtomicU64 = AtomicU64::new(1);

fn new_edition() -> u64 {
    EDITIONS.fetch_add(1, Ordering::Relaxed)
}

impl std::fmt::Debug for CommandNames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CommandNames({})", self.index.len())
    }
}

impl Default for CommandNames {
    /// Those of the table.
    fn default() -> CommandNames {
        let index = all_known().map(|known| (known.spec.name.as_bytes().into(), known)).collect();
        CommandNames { index, longest: USUAL_NAME_BYTES, edition: new_edition() }
    }
}

impl CommandNames {
    /// Names of one edition mean the same; it is never 0.
    pub fn edition(&self) -> u64 {
        self.edition
    }

    /// `rename-command`: a command gets another name; an empty one takes it away.
    pub fn rename(&mut self, name: &[u8], new_name: &[u8]) -> Result<(), &'static str> {
        self.edition = new_edition();
        let Some(known) = self.index.remove(&*name.to_ascii_lowercase()) else {
            return Err("No such command in rename-command");
        };
        if new_name.is_empty() {
            return Ok(());
        }
        let new_name = new_name.to_ascii_lowercase();
        self.longest = self.longest.max(new_name.len());
        match self.index.insert(new_name.into(), known) {
            Some(_) => Err("Target command name already exists"),
            None => Ok(()),
        }
    }

    /// The commands that a client can reach, in the order of the table.
    pub fn all(&self) -> Vec<Known> {
        let mut all: Vec<Known> = self.index.values().copied().collect();
        all.sort_unstable_by_key(|known| known.id);
        all
    }

    /// The command of this name, whatever its case.
    pub fn by_name(&self, name: &[u8]) -> Option<Known> {
        let mut lower = [0; USUAL_NAME_BYTES];
        let Some(lower) = lower.get_mut(..name.len()) else { return self.by_long_name(name) };
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        self.index.get(&*lower).copied()
    }

    #[cold]
    fn by_long_name(&self, name: &[u8]) -> Option<Known> {
        (name.len() <= self.longest).then(|| self.index.get(&*name.to_ascii_lowercase()).copied())?
    }

    /// The command that a request names, its subcommand where it has some.
    pub fn find(&self, args: Args<'_>) -> Lookup {
        let Some(known) = self.by_name(args.name()) else { return Lookup::Unknown };
        if known.spec.subcommands.is_empty() {
            return Lookup::Found(known);
        }
        let Some(word) = args.get(1) else { return Lookup::Found(known) };
        match known.subcommand(word) {
            Some(sub) => Lookup::Found(sub),
            None => Lookup::UnknownSubcommand(known.spec),
        }
    }

    /// A command or subcommand by `name` or `container|name`.
    pub fn by_full_name(&self, name: &[u8]) -> Option<Known> {
        match name.iter().position(|&byte| byte == b'|') {
            None => self.by_name(name),
            Some(bar) => self.by_name(&name[..bar])?.subcommand(&name[bar + 1..]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_there_once() {
        for spec in all() {
            assert!(
                std::ptr::eq(by_name(spec.name.to_uppercase().as_bytes()).unwrap().spec, spec),
                "{} is there twice",
                spec.name
            );
            assert!(spec.name.len() <= USUAL_NAME_BYTES);
        }
        assert!(by_name(b"nosuchcommand").is_none());
        assert!(by_name(&[b'x'; 100]).is_none());
    }

    #[test]
    fn numbers_go_through_without_a_gap() {
        for (place, known) in each_known().enumerate() {
            assert_eq!(usize::from(known.id), place);
            assert!(std::ptr::eq(by_id(known.id).unwrap().spec, known.spec));
            let name = known.full_name();
            assert_eq!(by_full_name(name.as_bytes()).unwrap().id, known.id, "{name}");
        }
    }

    #[test]
    fn there_is_no_number_beyond_the_last() {
        assert!(by_id(each_known().count() as CommandId).is_none());
        assert!(by_id(CommandId::MAX).is_none());
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

    #[test]
    fn renamed_commands_are_found_by_their_new_names_only() {
        let mut names = CommandNames::default();
        let count = names.all().len();
        let long = "b840fc02d524045429941cc15f59e41cb7be6c52";
        names.rename(b"CONFIG", long.as_bytes()).unwrap();
        names.rename(b"flushall", b"").unwrap();
        names.rename(b"get", b"Fetch").unwrap();
        assert_eq!(names.by_name(b"fetch").unwrap().spec.name, "get");
        assert_eq!(names.by_full_name(format!("{long}|set").as_bytes()).unwrap().full_name(), "config|set");
        for gone in ["get", "config", "flushall", &"x".repeat(50)] {
            assert!(names.by_name(gone.as_bytes()).is_none(), "{gone}");
        }
        assert_eq!(names.all().len(), count - 1);
        assert_eq!(names.rename(b"get", b"x"), Err("No such command in rename-command"));
        assert_eq!(names.rename(b"config|get", b"x"), Err("No such command in rename-command"));
        assert_eq!(names.rename(b"set", b"Del"), Err("Target command name already exists"));
    }
}
