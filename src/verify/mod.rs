//! Whether two data sets are the same, key by key: two clusters, two servers, or a backup and a cluster.
//!
//! ```text
//! look ──► type, time to live and size of each key on both sides, one write each
//!      ──► small values: DUMP of both; other bytes may still be the same value, in another encoding, so they are decoded
//!      ──► big values: piece by piece, by the commands of their type, into a fingerprint
//! differs ──► looked at again a moment later: on living data one side may have been read before a write and the other behind it
//! ```
//!
//! The second way round finds keys that only the other side has.
//!
//! ```text
//! fingerprint   a value as 32 bytes, whatever its encoding
//! live          values of a living data set
//! pieces        big values, piece by piece
//! compare       a batch of keys
//! outcome       what was found
//! sample        which keys are looked at when not all are
//! ```

mod compare;
mod fingerprint;
mod live;
mod outcome;
mod pieces;
mod sample;

pub use compare::{Comparison, Given};
pub use live::{BIG_BYTES, Contents, Head};
pub use outcome::{Difference, Found, Outcome};
pub use sample::{Sample, hash_of};
