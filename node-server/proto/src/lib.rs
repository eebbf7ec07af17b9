//! The words that every layer shares: the client protocol (RESP), slots and sets of slots, node ids,
//! addresses, the text of `CLUSTER NODES`, and how a line is split into words.
//!
//! Nothing here does I/O or reads a clock, and nothing here knows of a server or of a tool: both
//! `rcl` and the node stand on it.

mod address;
mod node_id;
pub mod nodes_text;
pub mod resp;
mod slot;
mod slot_set;
mod slot_span;
pub mod words;

pub use address::{Address, AddressError};
pub use node_id::{NodeId, NodeIdError};
pub use slot::{SLOT_COUNT, Slot, SlotError, hash_tag, key_hash, key_slot};
pub use slot_set::{SlotRange, SlotRangeError, SlotSet};
pub use slot_span::SlotSpan;
