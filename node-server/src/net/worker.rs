//! The worker threads: each runs a runtime of its own and drives the connections given to it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use super::connection::Connection;
use super::stream::DetachedStream;
use crate::allocator;
use crate::client::Session;
use crate::node::Node;
use crate::watchdog::{Pulse, Watchdog};

pub struct Workers {
    handles: Vec<Handle>,
    pulses: Vec<Arc<Pulse>>,
    threads: Vec<thread::JoinHandle<()>>,
    stops: Vec<oneshot::Sender<()>>,
    next: AtomicUsize,
}

impl Workers {
    pub fn start(count: usize, watchdog: &Watchdog) -> io::Result<Workers> {
        let mut workers = Workers {
            handles: Vec::new(),
            pulses: Vec::new(),
            threads: Vec::new(),
            stops: Vec::new(),
            next: AtomicUsize::new(0),
        };
        for number in 0..count.max(1) {
            let runtime = Builder::new_current_thread().enable_all().event_interval(256).build()?;
            workers.handles.push(runtime.handle().clone());
            let (stop, stopped) = oneshot::channel::<()>();
            let body = move || {
                allocator::claim_cell();
                // Ends when asked to, or when nobody is left who could ask.
                let _ = runtime.block_on(stopped);
            };
            let name = format!("worker-{number}");
            workers.pulses.push(watchdog.watch(&name));
            workers.threads.push(thread::Builder::new().name(name).spawn(body)?);
            workers.stops.push(stop);
        }
        Ok(workers)
    }

    pub fn count(&self) -> usize {
        self.handles.len()
    }

    /// The connection is driven by one of the workers, in turn.
    pub fn adopt(&self, node: Arc<Node>, stream: DetachedStream, session: Session) {
        let index = self.next.fetch_add(1, Ordering::Relaxed) % self.handles.len();
        let pulse = self.pulses[index].clone();
        self.handles[index].spawn(async move {
            match stream.attach() {
                Ok(stream) => Connection::new(node, stream, session, pulse).run().await,
                Err(error) => tracing::warn!(%error, "a connection could not be given to a worker"),
            }
        });
    }

    /// Ends all connections and the threads.
    pub fn stop(&mut self) {
        self.stops.clear();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
