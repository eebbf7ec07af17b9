//! Which commands a selector allows.
//!
//! Two pictures of the same: a bit for each command's number, which the gate looks at, and the rules in their order,
//! which ACL LIST prints and ACL SAVE keeps. A rule takes the older ones about the same command (and its subcommands) out of
//! the text, as Redis 7.2 does; so the text gives the bits again when it is read.

use std::collections::BTreeMap;

use super::RuleError;
use crate::command::spec::category;
use crate::command::{self, CommandId, Known};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedCommands {
    /// No command was ever taken away since `+@all`.
    all: bool,
    bits: Vec<u64>,
    /// What the text begins with: `+@all`, or else `-@all`.
    begins_with_all: bool,
    /// `+get`, `-@admin`, `+config|get`, …
    rules: Vec<String>,
    /// Commands that are allowed only with one of these first arguments (lower case).
    first_arguments: BTreeMap<CommandId, Vec<Vec<u8>>>,
}

impl AllowedCommands {
    pub fn none() -> AllowedCommands {
        AllowedCommands {
            all: false,
            bits: vec![0; command::each_known().count().div_ceil(64)],
            begins_with_all: false,
            rules: Vec::new(),
            first_arguments: BTreeMap::new(),
        }
    }

    pub fn all() -> AllowedCommands {
        let none = AllowedCommands::none();
        AllowedCommands { all: true, bits: vec![u64::MAX; none.bits.len()], begins_with_all: true, ..none }
    }

    pub fn are_all(&self) -> bool {
        self.all
    }

    /// Whether the command may be run, with this as its first argument.
    pub fn contain(&self, id: CommandId, first_argument: Option<&[u8]>) -> bool {
        if self.all || self.bit(id) {
            return true;
        }
        let (Some(given), Some(allowed)) = (first_argument, self.first_arguments.get(&id)) else {
            return false;
        };
        allowed.iter().any(|word| given.eq_ignore_ascii_case(word))
    }

    /// `name` or `container|name`: that command, with all its subcommands, is allowed or not.
    pub fn set_command(&mut self, name: &[u8], allow: bool) -> Result<(), RuleError> {
        let known = command::by_full_name(name).ok_or(RuleError::UnknownCommand)?;
        self.set(known, allow);
        self.note(&known.full_name(), allow);
        Ok(())
    }

    /// `+name|word`: a subcommand, or else a command only with that first argument.
    pub fn allow_one(&mut self, name: &[u8], word: &[u8]) -> Result<(), RuleError> {
        let known = command::by_full_name(name).ok_or(RuleError::UnknownCommand)?;
        if known.container.is_some() {
            return Err(RuleError::FirstArgumentOfSubcommand);
        }
        if word.is_empty() {
            return Err(RuleError::Syntax);
        }
        let rule = [name, b"|", word].concat();
        if !known.spec.subcommands.is_empty() {
            let sub = command::by_full_name(&rule).ok_or(RuleError::UnknownCommand)?;
            self.set(sub, true);
        } else {
            let words = self.first_arguments.entry(known.id).or_default();
            let word = word.to_ascii_lowercase();
            if !words.contains(&word) {
                words.push(word);
            }
        }
        self.note(&String::from_utf8_lossy(&rule), true);
        Ok(())
    }

    /// `@name`: all commands of the category.
    pub fn set_category(&mut self, name: &[u8], allow: bool) -> Result<(), RuleError> {
        let category = category::by_name(name).ok_or(RuleError::UnknownCommand)?;
        for known in command::each_known().filter(|known| category::of(known.spec) & category != 0) {
            self.set(known, allow);
        }
        self.note(&format!("@{}", String::from_utf8_lossy(name)), allow);
        Ok(())
    }

    /// A command is set with its subcommands.
    fn set(&mut self, known: Known, allow: bool) {
        self.first_arguments.remove(&known.id);
        self.all &= allow;
        for known in std::iter::once(known).chain(known.subcommands()) {
            let (word, bit) = (usize::from(known.id / 64), 1 << (known.id % 64));
            if let Some(word) = self.bits.get_mut(word) {
                *word = if allow { *word | bit } else { *word & !bit };
            }
        }
    }

    fn bit(&self, id: CommandId) -> bool {
        let word = self.bits.get(usize::from(id / 64)).copied().unwrap_or(0);
        word >> (id % 64) & 1 == 1
    }

    fn note(&mut self, what: &str, allow: bool) {
        let what = what.to_ascii_lowercase();
        self.rules.retain(|rule| {
            let about = rule.get(1..).unwrap_or_default();
            about.strip_prefix(&what).is_none_or(|rest| !rest.is_empty() && !rest.starts_with('|'))
        });
        self.rules.push(format!("{}{what}", if allow { '+' } else { '-' }));
    }
}

/// As ACL LIST prints it.
impl std::fmt::Display for AllowedCommands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.begins_with_all { "+@all" } else { "-@all" })?;
        self.rules.iter().try_for_each(|rule| write!(f, " {rule}"))
    }
}
