//! The node's log: to standard output or to a file that is appended to.
//!
//! ```text
//! 2026-11-22T19:40:00.123456Z  INFO Ready to accept connections
//! ```

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::Context as _;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Registry, reload};

use crate::config::LogLevel;

/// Where the log is, when that is a file.
static FILE: OnceLock<File> = OnceLock::new();
static LEVEL: OnceLock<reload::Handle<LevelFilter, Registry>> = OnceLock::new();

pub fn start(level: LogLevel, file: Option<&Path>) -> anyhow::Result<()> {
    let (filter, handle) = reload::Layer::new(filter(level));
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_target(false).with_ansi(false);
    let started = match file {
        None => registry.with(lines).try_init(),
        Some(path) => {
            let open = OpenOptions::new().create(true).append(true).open(path);
            let file = open
                .with_context(|| format!("cannot open the log '{}' (directive logfile)", path.display()))?;
            if let Ok(file) = file.try_clone() {
                let _ = FILE.set(file);
            }
            registry.with(lines.with_writer(LogFile(Mutex::new(file)))).try_init()
        }
    };
    // In a test several nodes share a process: the first one's log stays.
    if started.is_ok() {
        let _ = LEVEL.set(handle);
    }
    Ok(())
}

/// The log itself, for what is written past its lines.
pub fn own_handle() -> io::Result<File> {
    match FILE.get() {
        Some(file) => file.try_clone(),
        None => Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?)),
    }
}

/// CONFIG SET loglevel.
pub fn set_level(level: LogLevel) {
    if let Some(handle) = LEVEL.get() {
        // Fails only when the log is gone.
        let _ = handle.modify(|filter_now| *filter_now = filter(level));
    }
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Debug => LevelFilter::TRACE,
        LogLevel::Verbose => LevelFilter::DEBUG,
        LogLevel::Notice => LevelFilter::INFO,
        LogLevel::Warning => LevelFilter::WARN,
        LogLevel::Nothing => LevelFilter::OFF,
    }
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
