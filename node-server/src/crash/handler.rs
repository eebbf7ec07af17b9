//! The handler of the signals that end a process: what can be told on the crashed thread itself.
//!
//! Nothing here takes a lock or memory, for whoever crashed may have been changing what both rely on: lines are made in place
//! and written at once. Rust gives each of its threads a small stack beside for such handlers, so that a stack that is full is
//! reported, too.

use std::ffi::c_void;
use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::{self, PipeWriter, Write as _};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Duration;

use libc::{c_int, siginfo_t};

use super::stack::Stack;
use super::threads;

/// Whose default action is an end with a core, and which tell of a fault of the program.
const FATAL: [(c_int, &str); 5] = [
    (libc::SIGSEGV, "SIGSEGV"),
    (libc::SIGBUS, "SIGBUS"),
    (libc::SIGFPE, "SIGFPE"),
    (libc::SIGILL, "SIGILL"),
    (libc::SIGABRT, "SIGABRT"),
];

/// How long the reporter is waited for, looking so often. It may need to read hundreds of megabytes of debug information,
/// or wait for a lock that is never released.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// An address so little below the stack's end is a stack that grew beyond it.
const NEAR: usize = 1 << 20;

/// `crash-log-enabled`.
pub static IS_ENABLED: AtomicBool = AtomicBool::new(true);

/// The thread that crashed first; 0 for none.
pub static CRASHED: AtomicI32 = AtomicI32::new(0);
pub static STACK: Stack = Stack::new();
/// Who is woken for the second half, and whether it is written.
pub static REPORTER: OnceLock<PipeWriter> = OnceLock::new();
pub static IS_REPORTED: AtomicBool = AtomicBool::new(false);

static PARTS: OnceLock<Parts> = OnceLock::new();

struct Parts {
    log: File,
    /// Where the executable lies in memory: what is beyond is the same in each run.
    base: usize,
}

pub fn install(log: File) -> io::Result<()> {
    // In a test several nodes share a process: the first one's log stays.
    let _ = PARTS.set(Parts { log, base: base_of_executable().unwrap_or(0) });
    FATAL.iter().try_for_each(|&(signal, _)| threads::catch(signal, on_fatal, libc::SA_ONSTACK))
}

fn base_of_executable() -> Option<usize> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    usize::from_str_radix(maps.split('-').next()?, 16).ok()
}

extern "C" fn on_fatal(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let thread = threads::own_id();
    match CRASHED.compare_exchange(0, thread, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) if IS_ENABLED.load(Ordering::Relaxed) => {
            // SAFETY: the kernel gives each handler of this kind what it knows of the signal.
            let info = unsafe { &*info };
            if let Some(parts) = PARTS.get() {
                report(&parts.log, parts.base, signal, info, threads::interrupted(context));
            }
        }
        // No report is wanted, or it is the report itself that failed.
        Ok(_) => {}
        Err(first) if first == thread => {}
        // The process ends when the first one's report is there.
        Err(_) => loop {
            std::thread::sleep(PATIENCE);
        },
    }
    // As if nobody had caught it. While this handler runs the signal is held back, so it ends the process when this returns.
    // SAFETY: the default action runs no code of ours.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
    raise(signal);
}

/// The signal comes to this thread.
pub fn raise(signal: c_int) {
    // SAFETY: to send a signal to oneself touches no memory, and each handler of this process is made for any moment.
    unsafe { libc::raise(signal) };
}

fn report(
    log: &File,
    base: usize,
    signal: c_int,
    info: &siginfo_t,
    interrupted: Option<threads::Interrupted>,
) {
    let say = |line: fmt::Arguments<'_>| Line::write(log, line);
    let name = FATAL.iter().find(|(number, _)| *number == signal).map_or("?", |(_, name)| name);
    // In Redis's words where its operators' tools look for them.
    say(format_args!("=== REDIS BUG REPORT START: what follows up to its end belongs together ==="));
    say(format_args!(
        "rcl-node {} (speaks as Redis {}) crashed by signal: {signal}, {name}, code {}",
        env!("CARGO_PKG_VERSION"),
        crate::REDIS_VERSION,
        info.si_code
    ));
    // SAFETY: these fields are there for signals of such an origin: sent by a process, or raised by an instruction.
    let (sender, user, address) = unsafe { (info.si_pid(), info.si_uid(), info.si_addr().addr()) };
    if info.si_code <= 0 {
        say(format_args!("Killed by PID: {sender}, UID: {user}"));
    } else {
        say(format_args!("Accessing address: {address:#x}"));
    }
    let mut bytes = [0; 16];
    say(format_args!("in thread {} ({})", threads::own_name(&mut bytes), threads::own_id()));
    if let Some(threads::Interrupted { instruction, stack }) = interrupted {
        say(format_args!("at instruction {instruction:#x}, with its stack at {stack:#x}"));
        if info.si_code > 0 && address.abs_diff(stack) < NEAR {
            say(format_args!("That is about where the stack is: it has most likely outgrown its room."));
        }
    }
    say(format_args!("------ STACK TRACE ------"));
    say(format_args!("(addresses in memory, where the executable begins at {base:#x})"));
    STACK.take(interrupted.map(|interrupted| interrupted.instruction));
    for address in STACK.addresses() {
        say(format_args!("{address:#x}"));
    }
    wait_for_the_rest();
    say(format_args!("=== REDIS BUG REPORT END. The core, if the system keeps one, has the rest. ==="));
}

fn wait_for_the_rest() {
    let Some(mut reporter) = REPORTER.get() else { return };
    if reporter.write_all(&[1]).is_err() {
        return;
    }
    for _ in 0..PATIENCE.as_millis() / LOOK_EVERY.as_millis() {
        if IS_REPORTED.load(Ordering::Acquire) {
            return;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// A line that is made in place and written at once; one that is too long is cut off.
struct Line {
    bytes: [u8; 240],
    length: usize,
}

impl Line {
    fn write(mut log: &File, text: fmt::Arguments<'_>) {
        let mut line = Line { bytes: [0; 240], length: 0 };
        // It never fails: see below.
        let _ = line.write_fmt(text);
        line.bytes[line.length] = b'\n';
        // There is nobody left to tell.
        let _ = log.write_all(&line.bytes[..=line.length]);
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes.len() - 1 - self.length;
        let text = &text.as_bytes()[..text.len().min(room)];
        self.bytes[self.length..][..text.len()].copy_from_slice(text);
        self.length += text.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logging;
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    const IS_CHILD: &str = "RCL_NODE_TEST_OUTGROWS_ITS_STACK";

    /// The other test runs this in a process of its own.
    #[test]
    #[ignore = "it ends its process"]
    fn outgrows_its_stack() {
        #[inline(never)]
        fn descend(depth: u64) -> u64 {
            let room = std::hint::black_box([depth; 64]);
            if depth == u64::MAX { 0 } else { descend(depth + 1) + room[0] }
        }
        if std::env::var_os(IS_CHILD).is_some() {
            install(logging::own_handle().unwrap()).unwrap();
            std::hint::black_box(descend(0));
        }
    }

    #[test]
    fn a_stack_that_is_outgrown_is_reported() {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "crash::handler::tests::outgrows_its_stack", "--ignored", "--nocapture"]);
        let output = child.env(IS_CHILD, "yes").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.signal(), Some(libc::SIGSEGV), "{text}");
        let is_line = |start: &str| text.lines().any(|line| line.starts_with(start));
        for start in ["Accessing address: 0x", "That is about where the stack is", "=== REDIS BUG REPORT END"]
        {
            assert!(is_line(start), "no '{start}' in {text}");
        }
        assert_eq!(text.lines().filter(|line| line.starts_with("0x")).count(), 128, "{text}");
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_off() {
        let (mut reader, writer) = io::pipe().unwrap();
        let log = File::from(std::os::fd::OwnedFd::from(writer));
        Line::write(&log, format_args!("{}{}", "ab".repeat(110), "c".repeat(100)));
        Line::write(&log, format_args!("short"));
        drop(log);
        let text = io::read_to_string(&mut reader).unwrap();
        assert_eq!(text, format!("{}{}\nshort\n", "ab".repeat(110), "c".repeat(19)));
    }
}
