//! The workers: each runs a runtime of its own, on one thread, and drives the connections given to it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::runtime::{Builder, Runtime};

use super::connection::Connection;
use super::stream::DetachedStream;
use crate::allocator;
use crate::client::Session;
use crate::node::Node;
use crate::watchdog::{Pulse, Watchdog};

pub struct Workers {
    runtimes: Vec<Runtime>,
    pulses: Vec<Arc<Pulse>>,
    next: AtomicUsize,
}

impl Workers {
    pub fn start(count: usize, watchdog: &Watchdog) -> io::Result<Workers> {
        let mut workers = Workers { runtimes: Vec::new(), pulses: Vec::new(), next: AtomicUsize::new(0) };
        for number in 0..count.max(1) {
            let name = format!("worker-{number}");
            // The cells are for those that stay.
            let is_first = AtomicBool::new(true);
            let claim_first = move || {
                if is_first.swap(false, Ordering::Relaxed) {
                    allocator::claim_cell();
                }
            };
            // One thread, and another in its place when it is busy for long (see `stand_in`).
            let runtime = Builder::new_multi_thread()
                .worker_threads(1)
                .thread_name(&name)
                .enable_io()
                .enable_time()
                .event_interval(256)
                .on_thread_start(claim_first)
                .build()?;
            workers.runtimes.push(runtime);
            workers.pulses.push(watchdog.watch(&name));
        }
        Ok(workers)
    }

    pub fn count(&self) -> usize {
        self.runtimes.len()
    }

    /// The connection is driven by one of the workers, in turn.
    pub fn adopt(&self, node: Arc<Node>, stream: DetachedStream, session: Session) {
        let index = self.next.fetch_add(1, Ordering::Relaxed) % self.runtimes.len();
        let pulse = self.pulses[index].clone();
        self.runtimes[index].spawn(async move {
            match stream.attach() {
                Ok(stream) => Connection::new(node, stream, session, pulse).run().await,
                Err(error) => tracing::warn!(%error, "a connection could not be given to a worker"),
            }
        });
    }
}

/// Ends all connections and the threads. It may be one of these threads that lets the last of them go, so none is waited for.
impl Drop for Workers {
    fn drop(&mut self) {
        self.runtimes.drain(..).for_each(Runtime::shutdown_background);
    }
}
