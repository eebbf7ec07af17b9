//! Ctrl-C: the first asks the executor to stop at a clean place, the second ends the program at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::cli::{Failure, Kind};

const POLL: Duration = Duration::from_millis(20);

#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Must be called within the runtime.
    pub fn on_ctrl_c() -> Stop {
        let stop = Stop::default();
        let flag = stop.clone();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_err() {
                return;
            }
            flag.0.store(true, Ordering::Relaxed);
            anstream::eprintln!("stopping at a clean place; press Ctrl-C again to stop at once");
            if tokio::signal::ctrl_c().await.is_ok() {
                anstream::eprintln!(
                    "stopped at once: slots may be open; rcl check names them, rcl fix closes them"
                );
                std::process::exit(i32::from(Kind::Interrupted.code()));
            }
        });
        stop
    }

    /// What waits ends with an error when it is asked to stop; nothing may be half done when it is dropped.
    pub async fn or<T>(&self, waits: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        tokio::select! {
            done = waits => done,
            () = self.asked() => Err(Failure::new(Kind::Interrupted, "interrupted")),
        }
    }

    async fn asked(&self) {
        while !self.requested() {
            tokio::time::sleep(POLL).await;
        }
    }

    pub fn requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
