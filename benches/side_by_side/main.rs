//! Our node and our tool side by side with Redis's, from one interleaved run: `make bench`.
//!
//! ```text
//! serve      CPU seconds per million requests, bytes per key    rcl node       and redis-server
//! memory     bytes per element of each type                     rcl node       and redis-server
//! commands   CPU seconds per million of each command            rcl node       and redis-server
//! create     from six lone nodes to a cluster in sync           rcl create     and redis-cli --cluster create
//! load       from the start of a process with an RDB file       rcl node       and redis-server
//! snapshot   what BGSAVE and a full sync cost who is served     rcl node       and redis-server
//! snapshot-start  of that only the start of BGSAVE, with many keys
//! aof-replay how long a node with an append-only file starts    rcl node       and redis-server
//! stream     how fast a replica applies what its master sends   rcl node       and redis-server
//! rebalance  keys per second from three masters to four         rcl rebalance  and redis-cli --cluster rebalance
//! ```
//!
//! Both sides of a figure are measured in turn within a round, and who goes first changes from round to round, so
//! that whatever else the machine does meets both. A figure is the median of its rounds' ratios, held against its
//! target; CPU seconds are counted by the kernel and do not depend on how busy the machine is. What was written is
//! read back: a fast wrong answer is a failure.
//!
//! Arguments: `--quick` (fewer rounds, requests and keys; a first look) and names of the parts above (default: all).
//! Exit codes: 0 every target is met, 1 one is missed or something failed, 77 skipped, for want of Redis's programs.

mod client;
mod commands;
mod create;
mod figures;
mod load;
mod memory;
mod mixed;
mod node;
mod rebalance;
mod replay;
mod serve;
mod snapshot;
mod stream;
mod tool;

use std::process::{Command, ExitCode, Stdio};

use figures::Figures;

const SKIPPED: u8 = 77;
const PARTS: [&str; 10] = [
    "serve",
    "memory",
    "commands",
    "load",
    "snapshot",
    "snapshot-start",
    "aof-replay",
    "stream",
    "create",
    "rebalance",
];

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    pub quick: bool,
}

impl Scale {
    pub fn of<T>(self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }
}

fn main() -> ExitCode {
    let (mut scale, mut parts) = (Scale { quick: false }, Vec::new());
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--quick" => scale.quick = true,
            // cargo bench says it to every program.
            "--bench" => {}
            part if PARTS.contains(&part) => parts.push(part.to_owned()),
            other => {
                eprintln!("'{other}' is neither --quick nor one of {}", PARTS.join(", "));
                return ExitCode::from(2);
            }
        }
    }
    let missing =
        ["redis-server", "redis-cli", "redis-benchmark"].into_iter().filter(|program| !runs(program));
    let missing: Vec<&str> = missing.collect();
    if !missing.is_empty() {
        eprintln!(
            "SKIPPED: nothing to measure against, there is no {} on this machine",
            missing.join(", no ")
        );
        return ExitCode::from(SKIPPED);
    }
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|named| named == part);
    say_how_busy("at the start");
    let mut figures = Figures::default();
    let measured = (|| -> anyhow::Result<()> {
        if wanted("serve") {
            serve::measure(scale, &mut figures)?;
        }
        if wanted("memory") {
            memory::measure(scale, &mut figures)?;
        }
        if wanted("commands") {
            commands::measure(scale, &mut figures)?;
        }
        if wanted("load") {
            load::measure(scale, &mut figures)?;
        }
        if wanted("snapshot") {
            snapshot::measure(scale, &mut figures)?;
        }
        if wanted("snapshot") || wanted("snapshot-start") {
            snapshot::measure_start(scale, &mut figures)?;
        }
        if wanted("aof-replay") {
            replay::measure(scale, &mut figures)?;
        }
        if wanted("stream") {
            stream::measure(scale, &mut figures)?;
        }
        if wanted("create") {
            create::measure(scale, &mut figures)?;
        }
        if wanted("rebalance") {
            rebalance::measure(scale, &mut figures)?;
        }
        Ok(())
    })();
    say_how_busy("at the end");
    figures.print();
    if let Err(error) = measured {
        eprintln!("FAILED: {error:#}");
        return ExitCode::FAILURE;
    }
    if figures.all_met() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Times (not CPU times) mean little where others wait for a core too.
fn say_how_busy(when: &str) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    eprintln!("{when}: {cores} cores, load average of the last minute {load}");
}

fn runs(program: &str) -> bool {
    let quiet = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}
