//! The edge to clients: doors, worker threads, and the connections they drive; and how this node connects to others.

mod admission;
mod ahead;
mod buffers;
mod connection;
mod doors;
mod held_back;
mod listener;
mod ordered;
mod outgoing;
mod stand_in;
mod stream;
mod worker;

pub use admission::Listeners;
pub use buffers::LEAST_ROOM_BYTES;
pub use connection::{Connection, DetachedConnection};
pub use doors::{TcpDoors, Welcome};
pub use listener::{BindError, listen_at, places};
pub use outgoing::{connect, connect_and_wait};
pub use stand_in::let_others_work;
pub use stream::{DetachedStream, Stream};
pub use worker::Workers;
