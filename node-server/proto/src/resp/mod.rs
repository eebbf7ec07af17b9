//! RESP, the client protocol: reading requests ([`RequestParser`]), writing replies ([`ReplyWriter`]), and,
//! for a node or a tool that is itself a client, writing requests and reading replies ([`Reply`]).

mod double;
mod reply;
mod request;
mod writer;

pub use double::format_double;
pub use reply::{Reply, ReplyError, encode_request, request_len};
pub use request::{Args, Limits, OwnedArgs, Parsed, ProtocolError, RequestParser, Span};
pub use writer::{Deferred, Protocol, ReplyWriter};
