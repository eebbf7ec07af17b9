//! A thread for work that gives way: it gets a processor when nobody else wants one, and loses it at once to whoever does.
//!
//! Fork's child competes with those who are served as a process like any other. This thread does not: it has the system's idle
//! scheduling. For that it must never hold what others wait for, and where all processors are busy, be it with what other
//! processes do, it may get none for seconds. So work goes there only after it has shown that it gets along:
//!
//! ```text
//!   here ──▶ asked: a little work, which nobody waits for ── some times done soon ──▶ elsewhere: work goes to the thread
//!    ▲          │ done late                                       it waited for a processor most of the time │
//!    └── for a while, each time for longer ◀────────────────────────────────────────────────────────────────┘
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
use crate::scheduling::give_way;

/// What it is asked to show: so much time with a processor, in how long it had it, and how often in a row.
const SHOWN: Duration = Duration::from_micros(300);
const SOON: Duration = Duration::from_millis(1);
const TIMES: u32 = 4;
/// How often it is looked how much the thread has waited.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// With less of its time than this it does not get along, and for so long it isn't asked again: at first, and twice as long
/// each time after.
const LEAST_PERCENT: u32 = 25;
const UNASKED: Duration = Duration::from_millis(200);
const MOST_DOUBLINGS: u32 = 8;

pub(super) struct Aside {
    thread: Option<Thread>,
    state: State,
    /// How often it did not get along.
    failures: u32,
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
        /// How often it was soon through already.
        times: u32,
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
        Aside { thread, state: State::Here { until: clock::monotonic() }, failures: 0 }
    }

    /// Does the work, on the thread if it gets along there, and waits until it is done.
    pub(super) fn run<T: Send + 'static>(&mut self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let Some(thread) = &self.thread else { return work() };
        self.state.next(clock::monotonic(), thread, &mut self.failures);
        let State::Elsewhere(share) = &mut self.state else { return work() };
        let Ok(result) = thread.begin(work).recv() else {
            panic!("what writes a snapshot panicked, and said why")
        };
        let now = clock::monotonic();
        if !share.is_enough(now, || thread.waiting.so_far()) {
            self.state = State::here_for_a_while(now, &mut self.failures);
        }
        result
    }

    /// Work goes to the thread, and the caller sleeps while it is done.
    pub(super) fn is_elsewhere(&self) -> bool {
        matches!(self.state, State::Elsewhere(_))
    }
}

impl State {
    fn next(&mut self, now: Instant, thread: &Thread, failures: &mut u32) {
        match self {
            State::Here { until } if now >= *until => *self = State::asked(now, thread, 0),
            State::Asked { at, answer, times } => {
                let Ok(done_at) = answer.try_recv() else { return };
                *self = if done_at.saturating_duration_since(*at) > SOON {
                    State::here_for_a_while(now, failures)
                } else if *times + 1 < TIMES {
                    State::asked(now, thread, *times + 1)
                } else {
                    State::Elsewhere(Share::new(now, thread.waiting.so_far()))
                };
            }
            State::Here { .. } | State::Elsewhere(_) => {}
        }
    }

    fn asked(now: Instant, thread: &Thread, times: u32) -> State {
        State::Asked { at: now, answer: thread.begin(work_a_little), times }
    }

    fn here_for_a_while(now: Instant, failures: &mut u32) -> State {
        let until = now + UNASKED * (1 << (*failures).min(MOST_DOUBLINGS));
        *failures += 1;
        State::Here { until }
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
        let mut aside = Aside { thread: Some(thread), state, failures: 0 };
        let (policy, thread) = aside.run(scheduling);
        assert_eq!(policy, libc::SCHED_IDLE);
        assert_ne!(thread, std::thread::current().id());
        let mut prompt = Aside::start(Pace::Prompt);
        assert_eq!(prompt.run(scheduling), scheduling());
        assert!(!prompt.is_elsewhere());
    }

    #[test]
    fn work_goes_to_who_was_asked_and_was_soon_through_some_times() {
        let thread = Thread::start().unwrap();
        let (now, late) = (clock::monotonic(), SOON + Duration::from_nanos(1));
        for (took, times, is_elsewhere) in
            [(SOON, TIMES - 1, true), (SOON, 0, false), (late, TIMES - 1, false)]
        {
            let ((through, answer), mut failures) = (mpsc::sync_channel(1), 0);
            let mut state = State::Asked { at: now, answer, times };
            state.next(now, &thread, &mut failures);
            assert!(matches!(state, State::Asked { .. }), "{state:?}: nothing was heard yet");
            through.send(now + took).unwrap();
            state.next(now, &thread, &mut failures);
            assert_eq!(matches!(state, State::Elsewhere(_)), is_elsewhere, "{state:?}");
            assert_eq!(matches!(state, State::Here { .. }), took == late, "{state:?}");
            assert_eq!(failures == 1, took == late);
        }
    }

    #[test]
    fn who_does_not_get_along_is_asked_ever_less_often() {
        let (thread, now, mut failures) = (Thread::start().unwrap(), clock::monotonic(), 0);
        for doublings in [0, 1, 2] {
            let until = now + UNASKED * (1 << doublings);
            let mut state = State::here_for_a_while(now, &mut failures);
            state.next(until - Duration::from_nanos(1), &thread, &mut failures);
            assert!(matches!(state, State::Here { .. }), "{state:?}");
            state.next(until, &thread, &mut failures);
            let State::Asked { answer, times: 0, .. } = state else { panic!("{state:?}") };
            assert!(answer.recv().unwrap() >= now);
        }
        (0..100).for_each(|_| _ = State::here_for_a_while(now, &mut failures));
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
