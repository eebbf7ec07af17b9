//! CONFIG SET: several directives in one step, all or none.
//!
//! The texts of the errors are Redis's, and so is their order: first the names are looked at, one after the other
//! (unknown, immutable, protected, denied while loading, given twice), then the values are parsed. A directive under
//! its name and under its alias is no duplicate; the last one counts.

use super::directive::{Directive, Kind, Standing};
use super::table::{self, Row};
use super::value::Value;
use super::{Config, ProtectedAction, WithoutEffect};
use std::fmt;

/// Where the client that asks is connected from; `enable-protected-configs local` looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientOrigin {
    ThisMachine,
    Elsewhere,
}

/// What a CONFIG SET changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Names (never aliases) of the directives whose value is another now, in the order in which they were set.
    pub changed: Vec<&'static str>,
    /// Which of them the node does nothing with; the log should say so.
    pub without_effect: Vec<WithoutEffect>,
}

impl Changes {
    pub fn contains(&self, name: &str) -> bool {
        self.changed.contains(&name)
    }
}

/// Why a CONFIG SET was refused; it prints as the whole error reply, with its code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetError {
    Unknown {
        name: String,
    },
    Loading,
    /// `why` is Redis's text, ours where the node refuses what Redis would do.
    Refused {
        name: String,
        why: String,
    },
}

impl SetError {
    pub fn refused(name: impl Into<String>, why: impl Into<String>) -> SetError {
        SetError::Refused { name: name.into(), why: why.into() }
    }
}

impl fmt::Display for SetError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SetError::Unknown { name } => {
                write!(formatter, "ERR Unknown option or number of arguments for CONFIG SET - '{name}'")
            }
            SetError::Loading => formatter.write_str("LOADING Redis is loading the dataset in memory"),
            SetError::Refused { name, why } => {
                write!(formatter, "ERR CONFIG SET failed (possibly related to argument '{name}') - {why}")
            }
        }
    }
}

impl std::error::Error for SetError {}

const IMMUTABLE: &str = "can't set immutable config";

impl Config {
    /// Sets all pairs or none.
    pub fn set(
        &mut self,
        pairs: &[(&[u8], &[u8])],
        client: ClientOrigin,
        loading: bool,
    ) -> Result<Changes, SetError> {
        let rows = self.check_names(pairs, client, loading)?;
        let mut next = self.clone();
        for ((row, directive), (name, value)) in rows.iter().zip(pairs) {
            let words = split_value(directive.kind, value);
            let name = || String::from_utf8_lossy(name).to_ascii_lowercase();
            next.assign(*row, directive, &words).map_err(|why| SetError::refused(name(), why))?;
            if directive.immutable && next.values.get(*row) != self.values.get(*row) {
                return Err(SetError::refused(name(), IMMUTABLE));
            }
            if let (Standing::RefusedUnlessDefault { why }, false) =
                (directive.standing, next.is_default(*row))
            {
                return Err(SetError::refused(name(), why));
            }
        }
        next.settle();
        let mut changes = self.changes_to(&next);
        changes.changed.sort_by_key(|name| rows.iter().position(|(_, directive)| directive.name == *name));
        *self = next;
        Ok(changes)
    }

    fn check_names(
        &self,
        pairs: &[(&[u8], &[u8])],
        client: ClientOrigin,
        loading: bool,
    ) -> Result<Vec<(Row, &'static Directive)>, SetError> {
        let mut rows = Vec::new();
        let mut names: Vec<Vec<u8>> = Vec::new();
        for (name, _) in pairs {
            let text = String::from_utf8_lossy(name).into_owned();
            let Some((row, directive)) = table::find(name) else {
                return Err(SetError::Unknown { name: text });
            };
            // Redis refuses even what changes nothing; of ours it is taken, so that all that CONFIG GET tells can be set again.
            if directive.immutable && !directive.ours {
                return Err(SetError::refused(text, IMMUTABLE));
            }
            if directive.protected && !self.allows_protected(client) {
                return Err(SetError::refused(text, "can't set protected config"));
            }
            if directive.denied_while_loading && loading {
                return Err(SetError::Loading);
            }
            let lower = name.to_ascii_lowercase();
            if names.contains(&lower) {
                return Err(SetError::refused(text, "duplicate parameter"));
            }
            names.push(lower);
            rows.push((row, directive));
        }
        Ok(rows)
    }

    fn allows_protected(&self, client: ClientOrigin) -> bool {
        match self.value("enable-protected-configs") {
            Some(Value::Choice(word)) if *word == ProtectedAction::Yes.word() => true,
            Some(Value::Choice(word)) if *word == ProtectedAction::Local.word() => {
                client == ClientOrigin::ThisMachine
            }
            _ => false,
        }
    }

    fn changes_to(&self, next: &Config) -> Changes {
        let mut changes = Changes::default();
        let values = self.values.iter().zip(&next.values);
        for (directive, _) in table::directives().iter().zip(values).filter(|(_, (old, new))| old != new) {
            changes.changed.push(directive.name);
            if let Standing::NoEffect { why } = directive.standing {
                changes.without_effect.push(WithoutEffect { name: directive.name, why });
            }
        }
        changes
    }
}

/// A value of several words is split at each single space: here quotes mean nothing, and two spaces hold an empty
/// word.
fn split_value(kind: Kind, value: &[u8]) -> Vec<Vec<u8>> {
    if !kind.takes_words() {
        vec![value.to_vec()]
    } else if value.is_empty() {
        Vec::new()
    } else {
        value.split(|byte| *byte == b' ').map(<[u8]>::to_vec).collect()
    }
}
