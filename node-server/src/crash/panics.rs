//! A panic, which is a bug of ours, goes to the log with its stack, and to the standard error as ever.
//!
//! In a release build it then ends the process by SIGABRT, with a report.

use std::backtrace::Backtrace;
use std::panic::{self, PanicHookInfo};

pub fn tell_in_the_log() {
    let as_before = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        tell(panic);
        as_before(panic);
    }));
}

fn tell(panic: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let stack = Backtrace::force_capture();
    tracing::error!("thread '{}': {panic}\n{stack}", thread.name().unwrap_or("without a name"));
}
