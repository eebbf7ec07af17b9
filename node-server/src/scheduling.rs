//! Which threads of this process, and of others on its machine, get a processor before which.
//!
//! ```text
//!   smaller_share  less of it than who wants one too, though never nothing       who loads what others serve meanwhile
//!   long_slices    who has ordinary ones goes first when he wakes up             who loads and frees: nobody waits for that by the ms
//!   ShortWork      soon after it wakes up, and it keeps it for what is short     who takes locks that clients wait for
//!   undisturbed    until it is done, whoever wakes up meanwhile                  who holds such a lock
//! ```
//!
//! Besides, who works for long without a rest lets others run every few dozen microseconds ([`let_others_run`]). A system that does not
//! interrupt what runs before its next tick lets who wakes up wait for as long as that, 4 ms where there are 250 a second. The idle
//! scheduling of Linux, which promises more, does not help there.
//!
//! Slices are as long as Linux (from 6.12 on) is asked for, and say nothing of how much of the processor a thread gets in all: who asks for
//! short ones is sooner on, and sooner off. Older systems and other ones know one length for all; there, all is as if nobody
//! had asked. To be undisturbed takes a right (`CAP_SYS_NICE`, or a limit for real-time priorities); who has none is disturbed now and then.

use std::io;
use std::marker::PhantomData;
use std::time::Duration;

const SHORT: Duration = Duration::from_micros(100);
/// Each step of niceness is about a fifth less.
const SMALLER: i32 = 10;
const LONG: Duration = Duration::from_millis(20);

/// Who waits for this processor gets it first. It costs less than a microsecond where nobody does.
pub fn let_others_run() {
    std::thread::yield_now();
}

/// The calling thread gets about a tenth of what another one gets that wants the same processor. It can't be taken back.
pub fn smaller_share() {
    // SAFETY: the calls have numbers for arguments; on Linux 0 stands for the calling thread.
    let refused = unsafe {
        let nice = libc::getpriority(libc::PRIO_PROCESS, 0);
        libc::setpriority(libc::PRIO_PROCESS, 0, nice + SMALLER) != 0
    };
    if refused {
        tracing::debug!(error = %io::Error::last_os_error(), "a thread keeps the share that all have");
    }
}

/// The calling thread works for long at a time, and lets others go first who have just woken up.
pub fn long_slices() {
    ask_for_slices(LONG);
}

/// The same for the time of this work.
pub fn with_long_slices<T>(work: impl FnOnce() -> T) -> T {
    long_slices();
    let result = work();
    ask_for_slices(Duration::ZERO);
    result
}

/// The calling thread does little at a time, and soon; and nobody of the ordinary kind takes the processor from it while it says so, if
/// the system lets this process.
#[derive(Debug)]
pub struct ShortWork {
    may_be_undisturbed: bool,
}

impl ShortWork {
    pub fn begin() -> ShortWork {
        ask_for_slices(SHORT);
        ShortWork { may_be_undisturbed: true }
    }

    /// Until what is returned goes. For some dozen microseconds at a time: who wants the processor waits as long.
    pub fn undisturbed(&mut self) -> Option<Undisturbed> {
        if !self.may_be_undisturbed {
            return None;
        }
        match set_scheduling(&Scheduling::FirstOfAll) {
            Ok(()) => Some(Undisturbed { _here: PhantomData }),
            Err(error) => {
                tracing::debug!(%error, "others may take the processor from who holds a lock");
                self.may_be_undisturbed = false;
                None
            }
        }
    }
}

/// The calling thread is.
#[derive(Debug)]
pub struct Undisturbed {
    _here: PhantomData<*const ()>,
}

impl Drop for Undisturbed {
    fn drop(&mut self) {
        // Who woke up meanwhile is on at once.
        ask_for_slices(SHORT);
    }
}

fn ask_for_slices(length: Duration) {
    if let Err(error) = set_scheduling(&Scheduling::Slices(length)) {
        tracing::debug!(%error, "a thread keeps the slices that all have");
    }
}

enum Scheduling {
    /// As all have, with slices of this length. None is what all have.
    Slices(Duration),
    /// Before all that is scheduled so.
    FirstOfAll,
}

#[cfg(target_os = "linux")]
fn set_scheduling(scheduling: &Scheduling) -> io::Result<()> {
    let (policy, priority, length) = match scheduling {
        Scheduling::Slices(length) => (libc::SCHED_OTHER, 0, *length),
        Scheduling::FirstOfAll => (libc::SCHED_FIFO, 1, Duration::ZERO),
    };
    // SAFETY: the call has numbers for arguments; on Linux 0 stands for the calling thread.
    let nice = unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
    let attributes = libc::sched_attr {
        size: size_of::<libc::sched_attr>() as u32,
        sched_policy: policy as u32,
        sched_flags: 0,
        sched_nice: nice,
        sched_priority: priority,
        sched_runtime: length.as_nanos() as u64,
        sched_deadline: 0,
        sched_period: 0,
    };
    // SAFETY: the call reads the structure, whose size it was told; 0 stands for the calling thread.
    match unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(not(target_os = "linux"))]
fn set_scheduling(_scheduling: &Scheduling) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn attributes() -> libc::sched_attr {
        let mut attributes = libc::sched_attr {
            size: 0,
            sched_policy: 0,
            sched_flags: 0,
            sched_nice: 0,
            sched_priority: 0,
            sched_runtime: 0,
            sched_deadline: 0,
            sched_period: 0,
        };
        let size = size_of::<libc::sched_attr>();
        // SAFETY: the call writes no more of the structure than the size it was told; 0 stands for the calling thread.
        let refused = unsafe { libc::syscall(libc::SYS_sched_getattr, 0, &raw mut attributes, size, 0) };
        assert_eq!(refused, 0);
        attributes
    }

    #[test]
    fn a_thread_asks_for_its_own_slices_and_keeps_all_else() {
        std::thread::spawn(|| {
            let before = attributes();
            let mut short_work = ShortWork::begin();
            let short = attributes();
            let undisturbed = short_work.undisturbed();
            let at_once = attributes();
            let expected = if undisturbed.is_some() { libc::SCHED_FIFO as u32 } else { before.sched_policy };
            assert_eq!(at_once.sched_policy, expected);
            drop(undisturbed);
            let disturbed = attributes();
            assert_eq!(disturbed.sched_runtime, short.sched_runtime);
            let long = with_long_slices(attributes);
            let after = attributes();
            for others in [&short, &disturbed, &long, &after] {
                assert_eq!(others.sched_policy, before.sched_policy);
                assert_eq!(others.sched_nice, before.sched_nice);
            }
            // A system that does not tell has one length for all.
            if before.sched_runtime != 0 {
                assert_eq!(Duration::from_nanos(short.sched_runtime), SHORT);
                assert_eq!(Duration::from_nanos(long.sched_runtime), LONG);
                assert_eq!(after.sched_runtime, before.sched_runtime);
            }
        })
        .join()
        .unwrap();
    }

    #[test]
    fn a_smaller_share_is_for_one_thread() {
        let before = attributes();
        let nice = std::thread::spawn(|| {
            smaller_share();
            attributes().sched_nice
        });
        assert_eq!(nice.join().unwrap(), (before.sched_nice + SMALLER).min(19));
        assert_eq!(attributes().sched_nice, before.sched_nice);
    }
}
