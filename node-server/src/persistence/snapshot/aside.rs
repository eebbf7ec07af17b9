//! A thread for work that gives way: it gets a processor when nobody else wants one, and loses it at once to whoever does.
//!
//! Fork's child competes with those who are served as a process like any other. This thread does not: it has the system's idle
//! scheduling. For that it must never hold what others wait for, and where all processors are busy, be it with what other
//! processes do, it may get none for seconds. So work goes there only after it has shown that it gets along:
//!
//! ```text
//!   here ──▶ asked: a little work, which nobody waits for ── done soon ──▶ elsewhere: work goes to the thread
//!    ▲          │ done late                                                    │ it waited for a processor most of the time
//!    └── for a while ◀─────────────────────────────────────────────────────────┘
//! ```
//!
//! In the other states whoever gives the work does it himself.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use super::Pace;
use crate::clock;

/// What it is asked to show: so much time with a processor, and in how long it had it.
const SHOWN: Duration = Duration::from_micros(300);
const SOON: Duration = Duration::from_millis(3);
/// How often it is looked how much the thread has waited.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// With less of its time than this it does not get along, and for so long it isn't asked again.
const LEAST_PERCENT: u32 = 25;
const UNASKED: Duration = Duration::from_millis(200);

pub(super) struct Aside {
    thread: Option<Thread>,
    state: State,
}

struct Thread {
    jobs: Sender<Job>,
    waiting: Waiting,
}

#[derive(Debug)]
enum State {
    Here {
        until: Instant,
    },
    Asked {
        at: Instant,
        /// When it was through.
        answer: Receiver<Instant>,
    },
    Elsewhere(Share),
}

type Job = Box<dyn FnOnce() + Send>;

impl Aside {
    /// Where nothing is to give way, or the system does not say how long a thread waits, there is no thread.
    pub(super) fn start(pace: Pace) -> Aside {
        let thread = match pace {
            Pace::Prompt => None,
            Pace::GivingWay => Thread::start().ok(),
        };
        Aside { thread, state: State::Here { until: clock::monotonic() } }
    }

    /// Does the work, on the thread if it gets along there, and waits until it is done.
    pub(super) fn run<T: Send + 'static>(&mut self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let Some(thread) = &self.thread else { return work() };
        self.state.next(clock::monotonic(), thread);
        let State::Elsewhere(share) = &mut self.state else { return work() };
        let Ok(result) = thread.begin(work).recv() else {
            panic!("what writes a snapshot panicked, and said why")
        };
        let now = clock::monotonic();
        if !share.is_enough(now, || thread.waiting.so_far()) {
            self.state = State::Here { until: now + UNASKED };
        }
        result
    }

    /// Work goes to the thread, and the caller sleeps while it is done.
    pub(super) fn is_elsewhere(&self) -> bool {
        matches!(self.state, State::Elsewhere(_))
    }
}

impl State {
    fn next(&mut self, now: Instant, thread: &Thread) {
        match self {
            State::Here { until } if now >= *until => {
                *self = State::Asked { at: now, answer: thread.begin(work_a_little) };
            }
            State::Asked { at, answer } => {
                if let Ok(done_at) = answer.try_recv() {
                    *self = match done_at.saturating_duration_since(*at) <= SOON {
                        true => State::Elsewhere(Share::new(now, thread.waiting.so_far())),
                        false => State::Here { until: now + UNASKED },
                    };
                }
            }
            State::Here { .. } | State::Elsewhere(_) => {}
        }
    }
}

/// Until it has had a processor for long enough.
fn work_a_little() -> Instant {
    let until = clock::thread_cpu().map(|now| now + SHOWN);
    while clock::thread_cpu() < until {}
    clock::monotonic()
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
}

impl Share {
    fn new(now: Instant, waited: Duration) -> Share {
        Share { looked_at: now, waited }
    }

    /// Asked after each work.
    fn is_enough(&mut self, now: Instant, waited: impl FnOnce() -> Duration) -> bool {
        let since = now.saturating_duration_since(self.looked_at);
        if since < LOOK_EVERY {
            return true;
        }
        let before = std::mem::replace(self, Share::new(now, waited()));
        self.waited.saturating_sub(before.waited) * 100 <= since * (100 - LEAST_PERCENT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gives_way_is_done_by_a_thread_that_does() {
        // SAFETY: the call has no arguments but a number; 0 stands for the calling thread.
        let scheduling = || (unsafe { libc::sched_getscheduler(0) }, std::thread::current().id());
        let thread = Thread::start().unwrap();
        let state = State::Elsewhere(Share::new(clock::monotonic(), thread.waiting.so_far()));
        let mut aside = Aside { thread: Some(thread), state };
        let (policy, thread) = aside.run(scheduling);
        assert_eq!(policy, libc::SCHED_IDLE);
        assert_ne!(thread, std::thread::current().id());
        let mut prompt = Aside::start(Pace::Prompt);
        assert_eq!(prompt.run(scheduling), scheduling());
        assert!(!prompt.is_elsewhere());
    }

    #[test]
    fn work_goes_to_who_was_asked_and_was_soon_through() {
        let thread = Thread::start().unwrap();
        let now = clock::monotonic();
        for (took, is_elsewhere) in [(SOON, true), (SOON + Duration::from_nanos(1), false)] {
            let (through, answer) = mpsc::sync_channel(1);
            let mut state = State::Asked { at: now, answer };
            state.next(now, &thread);
            assert!(matches!(state, State::Asked { .. }), "{state:?}: nothing was heard yet");
            through.send(now + took).unwrap();
            state.next(now, &thread);
            assert_eq!(matches!(state, State::Elsewhere(_)), is_elsewhere, "{state:?}");
        }
        let mut state = State::Here { until: now + UNASKED };
        state.next(now, &thread);
        assert!(matches!(state, State::Here { .. }), "{state:?}");
        state.next(now + UNASKED, &thread);
        let State::Asked { answer, .. } = state else { panic!("{state:?}") };
        assert!(answer.recv().unwrap() >= now);
    }

    #[test]
    fn who_waits_for_a_processor_most_of_the_time_does_not_get_along() {
        let start = clock::monotonic();
        let at = |ms| start + Duration::from_millis(ms);
        let waited = |ms| move || Duration::from_millis(ms);
        let unasked = || -> Duration { panic!("it is not time to look") };
        let mut share = Share::new(start, Duration::from_millis(100));
        assert!(share.is_enough(at(19), unasked));
        // A quarter of the time is enough.
        assert!(share.is_enough(at(40), waited(130)));
        assert!(share.is_enough(at(59), unasked));
        assert!(!share.is_enough(at(80), waited(161)));
    }
}
