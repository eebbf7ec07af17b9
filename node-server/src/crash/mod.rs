//! What a crash leaves behind: a report in the node's log, and a core.
//!
//! ```text
//!  a thread gets SIGSEGV, SIGBUS, SIGFPE, SIGILL or SIGABRT
//!    handler    on that thread, where nothing may be locked or allocated:
//!      │        the signal, the address, the thread, the addresses on its stack
//!      │ wakes, and waits for a while at most
//!    report     on a thread of its own, as any other code:
//!      │        the functions on that stack, what the workers were at, the other threads' stacks, INFO
//!      ▼
//!    handler    ends the process by the same signal, as if nobody had caught it
//! ```
//!
//! While the second half is written the node answers nobody. It may wait in vain for a lock that the crashed thread holds, and
//! the first is there nevertheless. `crash-log-enabled no` leaves the report out. A panic is told with its stack where it
//! happens (`panics`).
//!
//! The same stacks are told of a node that lives: of all threads on SIGALRM, and by the watchdog of those that are stuck.

mod handler;
mod panics;
mod report;
mod stack;
pub mod threads;

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::signal::unix::{SignalKind, signal};

use crate::config::Settings;
use crate::logging;
use crate::node::Node;

/// From now on this process leaves a report when it crashes. Once in a process.
pub fn install(settings: &Settings) -> io::Result<()> {
    follow(settings);
    panics::tell_in_the_log();
    handler::install(logging::own_handle()?)
}

/// The settings have changed.
pub fn follow(settings: &Settings) {
    handler::IS_ENABLED.store(settings.crash_log_enabled, Ordering::Relaxed);
}

/// From now on a report tells of this node, too.
pub fn start_reporter(node: &Arc<Node>) -> io::Result<()> {
    report::start(node)
}

/// DEBUG SEGFAULT: the node crashes.
pub fn crash() {
    handler::raise(libc::SIGSEGV);
}

/// Tells of all threads whenever SIGALRM comes.
pub async fn tell_of_threads_on_alarm() -> io::Result<()> {
    let mut alarm = signal(SignalKind::alarm())?;
    while alarm.recv().await.is_some() {
        // Its failure is a bug of ours, and has been told of as a panic.
        let _ = tokio::task::spawn_blocking(|| {
            tracing::warn!("SIGALRM: the stack traces of all threads\n{}", threads::all_stacks());
        })
        .await;
    }
    Ok(())
}
