//! A client, as data: what it said about itself ([`Session`]), what other threads may see of it and post to
//! it ([`ClientHandle`], [`Mailbox`]), and the register of all of them ([`ClientRegistry`]).
//!
//! The sockets are in `net`; nothing in here does I/O.

mod handle;
mod mailbox;
mod memory;
mod registry;
mod rooms;
mod session;

pub use handle::{ClientHandle, ClientKind, NO_COMMAND, NO_SHARD, client_flag};
pub use mailbox::{LateReply, Mailbox, Message, WakeHandle, invalidation_bytes_under_way};
pub use memory::{KEPT_OUTPUT_BYTES, evict_clients};
pub use registry::ClientRegistry;
pub use rooms::{ReplyRooms, SPARE_INPUT_BYTES, fit_rooms};
pub use session::{Queued, ReplyMode, Session, Transaction, WatchedKey};
