//! Holding a move for a while: `p` on the terminal, SIGUSR1 and SIGUSR2.
//!
//! A pause takes hold before the next MIGRATE. Slots that are open then stay open: clients find all their keys, by ASK.
//! `p` goes on again, as does SIGUSR2. Ctrl-C works meanwhile.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::Stop;
use crate::output::Typing;

const POLL: Duration = Duration::from_millis(50);

#[derive(Clone, Debug, Default)]
pub struct Pause {
    held: Arc<AtomicBool>,
    /// Restores the terminal when the last of all clones goes.
    _keyboard: Option<Arc<Keyboard>>,
}

impl Pause {
    /// Listens for signals and keys. Must be called within the runtime.
    pub fn listen() -> Pause {
        let held = Arc::new(AtomicBool::new(false));
        for (kind, pauses) in [(SignalKind::user_defined1(), true), (SignalKind::user_defined2(), false)] {
            // Where a signal cannot be listened for, the other ways are left.
            let Ok(mut signals) = signal(kind) else { continue };
            let held = Arc::clone(&held);
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    hold(&held, pauses);
                }
            });
        }
        let _keyboard = Keyboard::open(&held).map(Arc::new);
        Pause { held, _keyboard }
    }

    pub fn is_held(&self) -> bool {
        self.held.load(Ordering::Relaxed)
    }

    /// Returns at once where nobody holds; else when it goes on, or is to stop.
    pub async fn wait(&self, stop: &Stop) {
        while self.is_held() && !stop.requested() {
            tokio::time::sleep(POLL).await;
        }
    }
}

fn hold(held: &AtomicBool, pauses: bool) {
    if held.swap(pauses, Ordering::Relaxed) != pauses {
        let how = "p or SIGUSR2 goes on, Ctrl-C stops";
        let text = if pauses { format!("paused; {how}") } else { "going on".to_owned() };
        anstream::eprintln!("{text}");
    }
}

/// The terminal, giving each key as it is pressed.
#[derive(Debug)]
struct Keyboard {
    _by_key: Typing,
    closed: Arc<AtomicBool>,
}

impl Keyboard {
    /// `None` where nobody sits at a terminal.
    fn open(held: &Arc<AtomicBool>) -> Option<Keyboard> {
        if !std::io::stderr().is_terminal() {
            return None;
        }
        let by_key = Typing::by_key()?;
        let closed = Arc::new(AtomicBool::new(false));
        let (held, ends) = (Arc::clone(held), Arc::clone(&closed));
        std::thread::Builder::new()
            .name("keyboard".into())
            .spawn(move || {
                while !ends.load(Ordering::Relaxed) {
                    if next_key() == Some(b'p') {
                        hold(&held, !held.load(Ordering::Relaxed));
                    }
                }
            })
            .ok()?;
        Some(Keyboard { _by_key: by_key, closed })
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
    }
}

/// The key that is pressed within a fifth of a second.
fn next_key() -> Option<u8> {
    const WAIT_MS: i32 = 200;
    let mut stdin = libc::pollfd { fd: libc::STDIN_FILENO, events: libc::POLLIN, revents: 0 };
    let mut key = 0u8;
    // SAFETY: one pollfd is given, and room for one byte; both live through the calls.
    let read = unsafe {
        libc::poll(&mut stdin, 1, WAIT_MS) == 1
            && libc::read(libc::STDIN_FILENO, (&raw mut key).cast(), 1) == 1
    };
    if read {
        return Some(key);
    }
    // A terminal that went away is ready at once, with nothing to read.
    if stdin.revents != 0 {
        std::thread::sleep(Duration::from_millis(WAIT_MS as u64));
    }
    None
}
