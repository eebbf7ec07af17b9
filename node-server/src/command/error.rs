//! Why a command failed, as the text that the client gets.

use std::borrow::Cow;
use std::fmt;

/// An error reply, its code first (`ERR …`, `WRONGTYPE …`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandError(Cow<'static, str>);

impl CommandError {
    pub const SYNTAX: CommandError = CommandError::fixed("ERR syntax error");
    pub const WRONG_TYPE: CommandError =
        CommandError::fixed("WRONGTYPE Operation against a key holding the wrong kind of value");
    pub const NOT_INTEGER: CommandError = CommandError::fixed("ERR value is not an integer or out of range");
    pub const NOT_FLOAT: CommandError = CommandError::fixed("ERR value is not a valid float");
    pub const NO_SUCH_KEY: CommandError = CommandError::fixed("ERR no such key");
    pub const INDEX_OUT_OF_RANGE: CommandError = CommandError::fixed("ERR index out of range");
    pub const OUT_OF_RANGE: CommandError = CommandError::fixed("ERR value is out of range");
    pub const MUST_BE_POSITIVE: CommandError =
        CommandError::fixed("ERR value is out of range, must be positive");
    pub const STRING_TOO_LONG: CommandError =
        CommandError::fixed("ERR string exceeds maximum allowed size (proto-max-bulk-len)");

    pub const fn fixed(text: &'static str) -> CommandError {
        CommandError(Cow::Borrowed(text))
    }

    pub fn new(text: impl Into<String>) -> CommandError {
        CommandError(Cow::Owned(text.into()))
    }

    /// Redis's text for a command whose number of arguments is wrong.
    pub fn wrong_arity(full_name: &str) -> CommandError {
        CommandError::new(format!("ERR wrong number of arguments for '{full_name}' command"))
    }

    pub fn text(&self) -> &str {
        &self.0
    }

    /// The first word: `ERR`, `WRONGTYPE`, `MOVED`, …
    pub fn code(&self) -> &str {
        self.0.split(' ').next().unwrap_or_default()
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CommandError {}
