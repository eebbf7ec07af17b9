//! Whether nodes can become a cluster, asked before anything is touched.
//!
//! ```text
//! visit.rs   asks all nodes at once, within three seconds     the edge
//! judge.rs   what keeps them from it, and what helps          pure
//! ```

mod judge;
mod visit;

pub use judge::{Allow, Fault, Judgement, judge};
pub use visit::{Answer, Seen, Speech, Visit, visit_all};
