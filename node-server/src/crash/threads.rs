//! The threads of this process, and their stacks while they run.
//!
//! Only a thread itself can walk its stack, so it is interrupted for that by SIGUSR2. One is asked at a time, and the
//! answer is taken from a place that both know:
//!
//! ```text
//!  asks: WANTED ──▶ its handler: WRITING ──▶ DONE ──▶ reads: IDLE
//!           └──▶ IDLE: no answer came in time
//! ```
//!
//! A handler that comes late finds that it is not wanted any more.

use std::ffi::c_void;
use std::io;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use libc::{c_int, siginfo_t};

use super::handler;
use super::stack::{self, Stack};

const SIGNAL: c_int = libc::SIGUSR2;
/// How often it is looked whether the answer is there, and how many times.
const LOOK_EVERY: Duration = Duration::from_millis(1);
const LOOKS: u32 = 200;

const IDLE: u32 = 0;
const WANTED: u32 = 1;
const WRITING: u32 = 2;
const DONE: u32 = 3;

static STATE: AtomicU32 = AtomicU32::new(IDLE);
/// Who is asked.
static THREAD: AtomicI32 = AtomicI32::new(0);
static ANSWER: Stack = Stack::new();

/// The stacks of all threads, but of the one that asks, and of the one that crashed.
pub fn all_stacks() -> String {
    stacks(|_| true)
}

/// The stacks of the threads of these names.
pub fn stacks_of(names: &[&str]) -> String {
    stacks(|name| names.contains(&name))
}

fn stacks(is_wanted: impl Fn(&str) -> bool) -> String {
    let not_asked = [own_id(), handler::CRASHED.load(Ordering::Acquire)];
    let mut text = String::new();
    for (id, name) in threads().into_iter().filter(|(id, name)| !not_asked.contains(id) && is_wanted(name)) {
        text.push_str(&format!("thread {name} ({id})\n"));
        text.push_str(&stack_of(id).unwrap_or_else(|| "  does not answer\n".to_owned()));
    }
    stack::forget_names();
    text
}

/// Each with the name that the kernel has for it.
fn threads() -> Vec<(i32, String)> {
    let Ok(folder) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    let thread = |entry: io::Result<std::fs::DirEntry>| {
        let entry = entry.ok()?;
        let name = std::fs::read_to_string(entry.path().join("comm")).ok()?;
        Some((entry.file_name().to_str()?.parse().ok()?, name.trim_end().to_owned()))
    };
    let mut threads: Vec<(i32, String)> = folder.filter_map(thread).collect();
    threads.sort();
    threads
}

/// `None` when it does not come to answering, as when it waits for a disk.
fn stack_of(thread: i32) -> Option<String> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    static READY: Once = Once::new();
    READY.call_once(|| {
        if let Err(error) = catch(SIGNAL, on_asked, libc::SA_RESTART) {
            tracing::warn!(%error, "the threads cannot be asked for their stacks");
        }
    });
    // One that was interrupted while it wrote has still not come back.
    if STATE.load(Ordering::Acquire) != IDLE {
        return None;
    }
    THREAD.store(thread, Ordering::Relaxed);
    STATE.store(WANTED, Ordering::Release);
    // SAFETY: sends a signal, whose handler is there, to a thread of this process; one that is gone is an error.
    let asked = unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), thread, SIGNAL) } == 0;
    for _ in 0..if asked { LOOKS } else { 0 } {
        if STATE.load(Ordering::Acquire) == DONE {
            break;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    let _ = STATE.compare_exchange(WANTED, IDLE, Ordering::AcqRel, Ordering::Acquire);
    if STATE.load(Ordering::Acquire) != DONE {
        return None;
    }
    let text = stack::named(ANSWER.addresses());
    STATE.store(IDLE, Ordering::Release);
    Some(text)
}

/// Takes no lock and no memory, and leaves `errno` alone.
extern "C" fn on_asked(_signal: c_int, _info: *mut siginfo_t, context: *mut c_void) {
    // Who it is for is written before it is wanted.
    if STATE.load(Ordering::Acquire) == WANTED
        && THREAD.load(Ordering::Relaxed) == own_id()
        && STATE.compare_exchange(WANTED, WRITING, Ordering::AcqRel, Ordering::Acquire).is_ok()
    {
        ANSWER.take(interrupted(context).map(|interrupted| interrupted.instruction));
        STATE.store(DONE, Ordering::Release);
    }
}

/// A signal's handler of the kind that is told about its origin.
pub type SignalHandler = extern "C" fn(c_int, *mut siginfo_t, *mut c_void);

/// This handler runs when the signal comes.
pub fn catch(signal: c_int, handler: SignalHandler, flags: c_int) -> io::Result<()> {
    // SAFETY: all zeros is a valid value of this plain C structure.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler as *const () as usize;
    action.sa_flags = flags | libc::SA_SIGINFO;
    // A handler that runs on the small stack has no room for another one: who crashed is not asked.
    // SAFETY: `sa_mask` is a valid, empty set.
    unsafe { libc::sigaddset(&mut action.sa_mask, SIGNAL) };
    // SAFETY: `action` lives through the call, and both handlers that are given to this take neither locks nor memory
    // where they return to what they interrupted.
    if unsafe { libc::sigaction(signal, &action, std::ptr::null_mut()) } == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Where a thread was when a signal interrupted it.
#[derive(Clone, Copy, Debug)]
pub struct Interrupted {
    pub instruction: usize,
    /// The end of its stack.
    pub stack: usize,
}

/// From what the kernel gives to a handler; `None` where it is not known how that looks.
pub fn interrupted(context: *mut c_void) -> Option<Interrupted> {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: the third argument of such a handler is the interrupted thread's context.
        let registers = unsafe { &(*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
        let register = |index: c_int| registers[index as usize] as usize;
        Some(Interrupted { instruction: register(libc::REG_RIP), stack: register(libc::REG_RSP) })
    }
    #[cfg(target_arch = "aarch64")]
    {
        // SAFETY: the third argument of such a handler is the interrupted thread's context.
        let machine = unsafe { &(*context.cast::<libc::ucontext_t>()).uc_mcontext };
        Some(Interrupted { instruction: machine.pc as usize, stack: machine.sp as usize })
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        let _ = context;
        None
    }
}

/// The kernel's number of this thread.
pub fn own_id() -> i32 {
    // SAFETY: it takes nothing and touches no memory.
    unsafe { libc::gettid() }
}

/// The kernel's name of this thread, read into `bytes`.
pub fn own_name(bytes: &mut [u8; 16]) -> &str {
    // SAFETY: it writes at most 16 bytes, and there are 16.
    unsafe { libc::prctl(libc::PR_GET_NAME, bytes.as_mut_ptr()) };
    let length = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    std::str::from_utf8(&bytes[..length]).unwrap_or("?")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[inline(never)]
    fn waits_for_the_end(end: &mpsc::Receiver<()>) {
        let _ = end.recv();
        std::hint::black_box(end);
    }

    #[test]
    fn a_thread_tells_where_it_is_and_goes_on() {
        let (end, ended) = mpsc::channel::<()>();
        let (begun, begins) = mpsc::channel();
        let body = move || {
            let mut bytes = [0; 16];
            begun.send((own_id(), own_name(&mut bytes).to_owned())).unwrap();
            waits_for_the_end(&ended);
        };
        let thread = std::thread::Builder::new().name("who-waits".to_owned()).spawn(body).unwrap();
        let (id, name) = begins.recv().unwrap();
        assert_eq!(name, "who-waits");
        // It may not have got that far yet.
        let mut text = String::new();
        while !text.contains("waits_for_the_end") {
            text = stacks_of(&["who-waits"]);
            assert!(text.starts_with(&format!("thread who-waits ({id})\n")), "{text}");
        }
        assert!(!text.contains("on_asked"), "the handler's own frames are left out: {text}");
        // SAFETY: the handler is there since a thread has been asked; nobody asked this one.
        unsafe { libc::raise(SIGNAL) };
        end.send(()).unwrap();
        thread.join().unwrap();
        assert_eq!(stack_of(id), None, "it is gone");
        assert_eq!(stacks_of(&["who-waits"]), "");
    }

    #[test]
    fn who_asks_is_not_asked() {
        let mut bytes = [0; 16];
        let own = (own_id(), own_name(&mut bytes).to_owned());
        assert!(threads().contains(&own));
        let other_of_its_name = threads().iter().any(|(id, name)| *name == own.1 && *id != own.0);
        assert!(other_of_its_name || stacks_of(&[&own.1]).is_empty());
    }
}
