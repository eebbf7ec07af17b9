//! What `rcl` writes down while it changes a cluster, so that a run which ends anywhere can be gone on with or taken back.
//!
//! ```text
//! ~/.local/state/rcl/                     --state-dir, RCL_STATE_DIR, $XDG_STATE_HOME/rcl
//!   lock                                  held for a moment, while jobs are looked through or begun
//!   jobs/20261126-061500-3fa9.jsonl       a job, a record a line; locked by the rcl that works at it
//! ```
//!
//! | record       | written                                          | on disk before rcl goes on           |
//! |--------------|--------------------------------------------------|--------------------------------------|
//! | `job`        | first: its id, title, and the nodes with their roles | yes                              |
//! | `begin`      | when it is run, resumed or undone: the plan       | yes                                  |
//! | `step`       | before a step, or several alike, of the plan     | yes                                  |
//! | `opening`    | before slots are opened, with `sole.rs`'s facts  | with the system: a killed rcl loses none |
//! | `moved`      | when they are closed again                       | likewise                              |
//! | `done`       | so many steps of the plan are done               | yes                                  |
//! | `end`        | how the run ended                                | yes                                  |
//! | `superseded` | when another job begins on a cluster on which this one stopped | yes                     |
//!
//! The shape has a version, in the `job` record. A last line that is torn is a record that was not written.
//!
//! The journal says what was meant, never how things are: whoever goes on or takes back looks at the cluster first
//! (`plan::resume`, `plan::undo`). So a record that was lost with a machine's power costs nothing but its line in `rcl jobs`.

mod folder;
mod job;
mod record;
mod sole;
mod time;
mod writer;

pub use folder::{Begun, Found, StateFolder};
pub use job::{Job, Run, State};
pub use record::{Deed, Ending, Member, Record};
pub use sole::{History, Sole};
pub use time::{minute_text, now_ms};
pub use writer::Journal;
