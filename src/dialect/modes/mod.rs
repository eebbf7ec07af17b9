//! What redis-cli does with a connection besides sending commands; a file each.

mod big_keys;
mod hints;
mod hot_keys;
mod intrinsic;
mod latency;
mod latency_dist;
mod lru;
mod pipe;
mod rdb;
pub mod replica;
mod scan;
mod stat;

use std::io::{self, Write};

use super::interrupt::Interrupt;
use super::options::{Mode, Options};
use super::session::{Session, Trouble};

/// Carries out the mode; `None` when commands are to be sent.
pub fn run(session: Session<'_>, options: &Options) -> Option<Result<(), Trouble>> {
    Some(match &options.mode {
        Mode::Commands => return None,
        Mode::Scan => scan::run(session, options, &Interrupt::listen()),
        Mode::BigKeys => big_keys::run(session, options, big_keys::Measure::Elements),
        Mode::MemKeys { samples } => {
            big_keys::run(session, options, big_keys::Measure::Memory { samples: *samples })
        }
        Mode::HotKeys => hot_keys::run(session, options),
        Mode::Pipe => pipe::run(session, options.pipe_limit),
        Mode::Latency { history } => latency::run(session, options, *history),
        Mode::LatencyDist => latency_dist::run(session, options),
        Mode::Stat => stat::run(session, options),
        Mode::LruTest { keys } => lru::run(session, *keys),
        Mode::IntrinsicLatency { seconds } => intrinsic::run(*seconds),
        Mode::Replica => replica::run(session),
        Mode::Rdb { file, functions_only } => rdb::run(session, file, *functions_only),
        Mode::Hint(line) => hints::show(session, line),
        Mode::HintFile(path) => hints::hold_against(session, path, options.verbose),
    })
}

/// Writes to stdout at once: a reader may wait for each line.
fn emit(text: &str) -> Result<(), Trouble> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|_| Trouble::OutputClosed)
}
