//! What a command is: its facts ([`CommandSpec`]), the table of all of them, what it may do while it runs
//! ([`Context`]) and what comes of it ([`Outcome`], [`CommandError`]).
//!
//! The handlers themselves, each beside its literal, are in `commands`. Nothing in here does I/O.

pub mod arguments;
mod context;
pub mod counts;
mod data;
mod effects;
mod error;
mod keys;
mod later;
mod long_double;
mod outcome;
pub mod parse;
pub mod reply;
pub mod secrets;
pub mod spec;
mod table;
pub mod waiting;

pub use context::{Context, script_failed};
pub use data::Data;
pub use effects::{Effects, Leftovers, Logged, Propagation, replicated};
pub use error::CommandError;
pub use keys::{KeyPosition, KeysError, find_keys};
pub use later::{LaterReplies, LaterReply};
pub use long_double::LongDouble;
pub use outcome::{KeyWait, Outcome, Park};
pub use spec::{Argument, CommandSpec, Handler, Locks};
pub use table::{
    CommandId, CommandNames, Known, Lookup, all, by_full_name, by_id, by_name, each_known, find,
};

/// What a handler gives back.
pub type CommandResult = Result<Outcome, CommandError>;
