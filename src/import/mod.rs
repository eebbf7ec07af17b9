//! Keys from elsewhere into a cluster: from a standalone server or another cluster, while both serve.
//!
//! ```text
//! SCAN on each node of the source ──► DUMP, PTTL ──► RESTORE on the owner ──► [--move: delete at the source, if still the same]
//!                                                          │
//!                                                          └─► the cursor file: how far each node's walk has come
//! ```
//!
//! Interrupted, it goes on from the cursor file. A key that the target has already is compared: the same value is taken as copied,
//! so that repeating does no harm; another one ends the work, unless it was said what becomes of it.
//!
//! ```text
//! copy       a batch of keys
//! cursor     the cursor file
//! stream     which keys are written at the source meanwhile
//! follow     these once more, until nothing is behind
//! ```

mod copy;
mod cursor;
mod follow;
mod stream;

pub use copy::{Conflict, Copied, Copier};
pub use cursor::{Cursor, Job};
pub use follow::Follower;
