//! Runs `rcl` and redis-cli, with a limit: redis-cli waits without end for a cluster that does not form.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

const LIMIT: Duration = Duration::from_secs(300);

pub fn rcl(arguments: &[&str]) -> anyhow::Result<Duration> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rcl"));
    command.args(arguments).env_remove("REDISCLI_AUTH").env_remove("RCL_ENTRY");
    run(command)
}

pub fn redis_cli(arguments: &[&str]) -> anyhow::Result<Duration> {
    let mut command = Command::new("redis-cli");
    command.args(arguments);
    run(command)
}

/// How long it took; what it says is shown only when it fails.
pub fn run(mut command: Command) -> anyhow::Result<Duration> {
    let path = std::env::temp_dir().join(format!("rcl-bench-{}-output", std::process::id()));
    let output = std::fs::File::create(&path)?;
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    let started = Instant::now();
    let mut process = command.spawn().with_context(|| format!("{command:?}"))?;
    let status = loop {
        if let Some(status) = process.try_wait()? {
            break status;
        }
        if started.elapsed() > LIMIT {
            process.kill()?;
            process.wait()?;
            bail!("{command:?} does not end");
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let took = started.elapsed();
    let said = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
    let _ = std::fs::remove_file(&path);
    // redis-benchmark and redis-cli end well after an error that they only print.
    let refused = said.lines().find(|line| line.contains("Error from server") || line.starts_with("[ERR]"));
    ensure!(status.success() && refused.is_none(), "{command:?}: {status}\n{said}");
    Ok(took)
}
