//! Ctrl-C: the first asks the executor to stop at a clean place, the second ends the program at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cli::Kind;

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

    pub fn requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
