//! The node's log: to standard output or to a file that is appended to.
//!
//! ```text
//! 2026-11-22T19:40:00.123456Z  INFO ready to accept connections
//! ```

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::LogLevel;

pub fn start(level: LogLevel, file: Option<&Path>) -> anyhow::Result<()> {
    let level = match level {
        LogLevel::Debug => LevelFilter::TRACE,
        LogLevel::Verbose => LevelFilter::DEBUG,
        LogLevel::Notice => LevelFilter::INFO,
        LogLevel::Warning => LevelFilter::WARN,
        LogLevel::Nothing => LevelFilter::OFF,
    };
    let builder = tracing_subscriber::fmt().with_max_level(level).with_target(false).with_ansi(false);
    // In a test several nodes share a process: the first one's log stays.
    let _ = match file {
        None => builder.try_init(),
        Some(path) => {
            let open = OpenOptions::new().create(true).append(true).open(path);
            let file = open
                .with_context(|| format!("cannot open the log '{}' (directive logfile)", path.display()))?;
            builder.with_writer(LogFile(Mutex::new(file))).try_init()
        }
    };
    Ok(())
}

struct LogFile(Mutex<File>);

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = LogWriter<'a>;

    fn make_writer(&'a self) -> LogWriter<'a> {
        LogWriter(self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct LogWriter<'a>(std::sync::MutexGuard<'a, File>);

impl std::io::Write for LogWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}
