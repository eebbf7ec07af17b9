//! A thread that will be busy for long hands its other connections to a stand-in.
//!
//! A worker's runtime has one thread. Where a request keeps that thread (a script that runs on and on, or a lock that such a
//! script holds), the runtime goes on on another thread with all the worker's other connections, and with new ones. This
//! thread ends when its request is through; the connection of the request goes on on the other.

use std::sync::mpsc;
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};

/// The stand-in has begun long before; if it could not be started, the thread goes on as if nothing were.
const PATIENCE: Duration = Duration::from_secs(1);

/// Called by a request's thread, before it goes on for long. Does nothing on a thread that serves no connections.
pub fn let_others_work() {
    let Ok(handle) = Handle::try_current() else { return };
    if handle.runtime_flavor() != RuntimeFlavor::MultiThread || !is_worker() {
        return;
    }
    tokio::task::block_in_place(|| {
        // While this thread waits, what it is asked for is done by another one: the stand-in.
        let (begun, stand_in) = mpsc::channel();
        handle.spawn(async move {
            let _ = begun.send(());
        });
        if stand_in.recv_timeout(PATIENCE).is_err() {
            tracing::error!("no thread could be started for the connections of one that is busy");
        }
    });
}

/// Only the threads of workers run tasks.
fn is_worker() -> bool {
    tokio::task::try_id().is_some()
}
