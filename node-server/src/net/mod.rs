//! The edge to clients: listeners, worker threads, and the connections they drive.

mod ahead;
mod buffers;
mod connection;
mod listener;
mod ordered;
mod stand_in;
mod stream;
mod worker;

pub use connection::{Connection, DetachedConnection};
pub use listener::{BindError, Listeners, open_tcp_doors};
pub use stand_in::let_others_work;
pub use stream::{DetachedStream, Stream};
pub use worker::Workers;
