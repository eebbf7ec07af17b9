//! A thread for work that gives way: it gets a processor when nobody else wants one, and loses it at once to whoever does.
//!
//! Fork's child competes with those who are served as a process like any other. This thread does not: it has the system's idle
//! scheduling. For that it must never hold what others wait for, and it must not be forgotten where all processors are
//! busy for long: when it has waited for one most of the time, who gave it the work does that himself for a while.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use super::Pace;
use crate::clock;

/// How often it is looked how much the thread has waited.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// For so long its work is done by who gave it, when it got less than [`LEAST_PERCENT`] of its time.
const TAKEN_BACK: Duration = Duration::from_millis(200);
const LEAST_PERCENT: u32 = 25;

pub(super) struct Aside {
    thread: Option<Thread>,
    share: Share,
    did_it_elsewhere: bool,
}

struct Thread {
    jobs: Sender<Job>,
    waiting: Waiting,
}

type Job = Box<dyn FnOnce() + Send>;

impl Aside {
    /// Where nothing is to give way, or the system does not say how long a thread waits, there is no thread.
    pub(super) fn start(pace: Pace) -> Aside {
        let thread = match pace {
            Pace::Prompt => None,
            Pace::GivingWay => Thread::start().ok(),
        };
        let share = Share::new(clock::monotonic());
        Aside { thread, share, did_it_elsewhere: false }
    }

    /// Does the work, on the thread if it gets along there, and waits until it is done.
    pub(super) fn run<T: Send + 'static>(&mut self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let thread = self
            .thread
            .as_ref()
            .filter(|thread| self.share.is_enough(clock::monotonic(), || thread.waiting.so_far()));
        self.did_it_elsewhere = thread.is_some();
        let Some(thread) = thread else { return work() };
        let done = thread.begin(work);
        let Ok(result) = done.recv() else { panic!("what writes a snapshot panicked, and said why") };
        self.share.note(clock::monotonic(), || thread.waiting.so_far());
        result
    }

    /// The caller slept while the last work was done.
    pub(super) fn did_it_elsewhere(&self) -> bool {
        self.did_it_elsewhere
    }
}

impl Thread {
    fn start() -> io::Result<Thread> {
        let (jobs, to_do) = mpsc::channel::<Job>();
        let (started, is_started) = mpsc::sync_channel(1);
        let body = move || {
            let _ = started.send(give_way().and_then(|()| Waiting::of_this_thread()));
            while let Ok(job) = to_do.recv() {
                job();
            }
        };
        std::thread::Builder::new().name("snapshot-aside".to_owned()).spawn(body)?;
        let waiting = is_started.recv().map_err(|_| io::ErrorKind::BrokenPipe)??;
        Ok(Thread { jobs, waiting })
    }

    fn begin<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Receiver<T> {
        let (done, result) = mpsc::sync_channel(1);
        let job = Box::new(move || _ = done.send(work()));
        // The thread is there as long as this is; if it were not, the work is done here.
        if let Err(mpsc::SendError(job)) = self.jobs.send(job) {
            job();
        }
        result
    }
}

/// The calling thread gets a processor only where nobody else wants one.
fn give_way() -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: the call reads one structure, which is there; 0 stands for the calling thread.
    match unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const parameters) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// How long a thread was ready to go on and had no processor, by the system's account.
struct Waiting(File);

impl Waiting {
    fn of_this_thread() -> io::Result<Waiting> {
        let waiting = Waiting(File::open("/proc/thread-self/schedstat")?);
        waiting.read().ok_or(io::ErrorKind::Unsupported)?;
        Ok(waiting)
    }

    fn so_far(&self) -> Duration {
        self.read().unwrap_or_default()
    }

    /// Three numbers: nanoseconds with a processor, nanoseconds without, and how often it got one.
    fn read(&self) -> Option<Duration> {
        let mut text = [0; 80];
        let length = self.0.read_at(&mut text, 0).ok()?;
        let text = str::from_utf8(text.get(..length)?).ok()?;
        Some(Duration::from_nanos(text.split_whitespace().nth(1)?.parse().ok()?))
    }
}

/// Whether the thread gets along.
#[derive(Debug)]
struct Share {
    looked_at: Instant,
    /// What the thread had waited by then.
    waited: Duration,
    taken_back_until: Option<Instant>,
}

impl Share {
    fn new(now: Instant) -> Share {
        Share { looked_at: now, waited: Duration::ZERO, taken_back_until: None }
    }

    /// Before work is given to it.
    fn is_enough(&mut self, now: Instant, waited: impl FnOnce() -> Duration) -> bool {
        match self.taken_back_until {
            None => true,
            Some(until) if now < until => false,
            Some(_) => {
                *self = Share { looked_at: now, waited: waited(), taken_back_until: None };
                true
            }
        }
    }

    /// After it has done some.
    fn note(&mut self, now: Instant, waited: impl FnOnce() -> Duration) {
        let since = now.saturating_duration_since(self.looked_at);
        if since < LOOK_EVERY {
            return;
        }
        let waited = waited();
        let is_starved = waited.saturating_sub(self.waited) * 100 > since * (100 - LEAST_PERCENT);
        let taken_back_until = is_starved.then(|| now + TAKEN_BACK);
        *self = Share { looked_at: now, waited, taken_back_until };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gives_way_is_done_by_a_thread_that_does() {
        // SAFETY: the call has no arguments but a number; 0 stands for the calling thread.
        let scheduling = || (unsafe { libc::sched_getscheduler(0) }, std::thread::current().id());
        let mut aside = Aside::start(Pace::GivingWay);
        let (policy, thread) = aside.run(scheduling);
        assert_eq!(policy, libc::SCHED_IDLE);
        assert_ne!(thread, std::thread::current().id());
        assert!(aside.did_it_elsewhere());
        let mut prompt = Aside::start(Pace::Prompt);
        assert_eq!(prompt.run(scheduling), scheduling());
        assert!(!prompt.did_it_elsewhere());
    }

    #[test]
    fn who_waits_for_a_processor_most_of_the_time_is_relieved_for_a_while() {
        let start = clock::monotonic();
        let at = |ms| start + Duration::from_millis(ms);
        let waited = |ms| move || Duration::from_millis(ms);
        let unasked = || -> Duration { panic!("it is not time to look") };
        let mut share = Share::new(start);
        assert!(share.is_enough(at(0), unasked));
        share.note(at(19), unasked);
        // A quarter of the time is enough.
        share.note(at(40), waited(30));
        assert!(share.is_enough(at(41), unasked));
        share.note(at(80), waited(61));
        assert!(!share.is_enough(at(80), unasked));
        assert!(!share.is_enough(at(279), unasked));
        // It gets another try, and what was before does not count.
        assert!(share.is_enough(at(280), waited(61)));
        share.note(at(300), waited(70));
        assert!(share.is_enough(at(301), unasked));
    }
}
