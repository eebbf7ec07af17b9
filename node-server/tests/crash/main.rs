//! What is on disk when something goes wrong: a call that fails, a process that is killed, power that goes.
//!
//! - `points`: every call on the way to the disk fails in turn, in every way it can.
//! - `rounds`: a node under a mixed load of writes is killed, or loses power, at random moments; the next one on its folder has
//!   every write that was acknowledged, and nothing that was never sent. `make crash ROUNDS=500` runs many.
//!
//! Nodes are processes of this very program (`child`), on the disks in `disks`.

mod child;
mod columns;
mod disks;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "../harness/mod.rs"]
mod harness;
mod ledger;
mod load;
mod points;
mod rounds;
