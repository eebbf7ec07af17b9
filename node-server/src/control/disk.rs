//! The disk thread: keeps nodes.conf as the core wants it.
//!
//! Only what is really on the disk is acknowledged. Of states that wait in a row the newest is written. When
//! writing fails (a full disk), the log says so with the path and the reason, the control thread is told, and the
//! newest state is tried again until it works; the node goes on, it only makes no promises meanwhile.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::{Acknowledgement, NodesFile};

/// A content of nodes.conf, and its number.
#[derive(Debug)]
pub struct State {
    pub seq: u64,
    pub text: String,
}

const RETRY: Duration = Duration::from_millis(500);
/// A failure that lasts is logged again after so many attempts.
const LOG_EVERY: u64 = 60;

/// The thread ends when the sender is dropped, after a last attempt to write what waits.
pub fn start(file: NodesFile, acknowledge: UnboundedSender<Acknowledgement>) -> io::Result<Sender<State>> {
    let (sender, states) = mpsc::channel();
    let writer = Writer { file, acknowledge, failures: 0 };
    super::start_thread("nodes-conf", move || writer.run(&states))?;
    Ok(sender)
}

struct Writer {
    file: NodesFile,
    acknowledge: UnboundedSender<Acknowledgement>,
    /// Attempts that failed since the last that did not.
    failures: u64,
}

impl Writer {
    fn run(mut self, states: &Receiver<State>) {
        let mut unwritten: Option<State> = None;
        loop {
            let next = match &unwritten {
                None => states.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(_) => states.recv_timeout(RETRY),
            };
            match next {
                Ok(state) => unwritten = Some(states.try_iter().last().unwrap_or(state)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if let Some(state) = unwritten.take() {
                unwritten = self.write(state);
            }
        }
    }

    /// Gives the state back when it could not be written.
    fn write(&mut self, state: State) -> Option<State> {
        let path = self.file.path().display().to_string();
        match self.file.replace(&state.text) {
            Ok(()) => {
                if self.failures > 0 {
                    tracing::warn!(path, "the cluster config file is written again");
                }
                self.failures = 0;
                // Fails only when the control thread has ended.
                let _ = self.acknowledge.send(Acknowledgement::Persisted { seq: state.seq });
                None
            }
            Err(error) => {
                if self.failures.is_multiple_of(LOG_EVERY) {
                    tracing::error!(
                        path,
                        %error,
                        "the cluster config file cannot be written: this node makes no promises (votes, slots, epochs) until it can"
                    );
                }
                self.failures += 1;
                let _ = self.acknowledge.send(Acknowledgement::NotPersisted { reason: error.to_string() });
                Some(state)
            }
        }
    }
}
