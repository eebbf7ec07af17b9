//! Ctrl-C: it ends the program, unless somebody catches it in order to end just what goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<State>);

#[derive(Debug, Default)]
struct State {
    catchers: AtomicUsize,
    came: AtomicBool,
}

impl Interrupt {
    /// Listens from now on. Where the system does not let us, Ctrl-C ends the program in any case.
    pub fn listen() -> Interrupt {
        let interrupt = Interrupt::default();
        let state = Arc::clone(&interrupt.0);
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let Ok(runtime) = runtime else { return };
            runtime.block_on(async {
                while tokio::signal::ctrl_c().await.is_ok() {
                    if state.catchers.load(Ordering::SeqCst) == 0 {
                        std::process::exit(1);
                    }
                    state.came.store(true, Ordering::SeqCst);
                }
            });
        });
        interrupt
    }

    /// Until what is given back is dropped, Ctrl-C does not end the program.
    pub fn catch(&self) -> Caught {
        self.0.came.store(false, Ordering::SeqCst);
        self.0.catchers.fetch_add(1, Ordering::SeqCst);
        Caught(Arc::clone(&self.0))
    }
}

#[derive(Debug)]
pub struct Caught(Arc<State>);

impl Caught {
    pub fn came(&self) -> bool {
        self.0.came.load(Ordering::SeqCst)
    }
}

impl Drop for Caught {
    fn drop(&mut self) {
        self.0.catchers.fetch_sub(1, Ordering::SeqCst);
    }
}
