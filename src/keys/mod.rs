//! The keys of a living cluster, or of one server: found, asked about, and shown.
//!
//! ```text
//! keyspace   who is asked about a key; follows redirects, waits through failovers
//! walk       all keys of one node, a batch at a time
//! size       how big keys are
//! slot_use   what lies in each slot, and what it costs its owner
//! monitor    which keys clients use just now
//! rate       no more than so many keys a second
//! text       a key as people and JSON see it
//! ```
//!
//! What is done with keys in the large is in `backup`, `verify` and `import`.

mod keyspace;
mod monitor;
mod rate;
mod size;
pub mod slot_use;
mod text;
mod walk;

pub use keyspace::{Answer, Holder, Keyspace, Question, is_redirect};
pub use monitor::{KeyPlaces, Usage, listen};
pub use rate::Rate;
pub use size::{Measured, Tally, TypeTally, length_command, measure};
pub use text::{key_text, shortened};
pub use walk::{Filter, Walk};
