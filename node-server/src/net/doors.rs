//! TCP doors that are served, and can be changed while they are: `CONFIG SET port` and `bind`.
//!
//! A change opens all new doors before it closes one. Where a door that is to go is in the way of a new one (`*` and
//! an address of this machine can't both be listened at), it is closed first, and opened again if the change fails: so
//! after a change all doors are the new ones, or all are the old ones. Connections that came through a closed door stay.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::listener::{BindError, Place};

/// What is done with who comes in; the next one is let in when it is done.
pub type Welcome =
    Box<dyn Fn(TcpStream, SocketAddr) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

pub struct TcpDoors {
    runtime: Handle,
    welcome: Arc<Welcome>,
    backlog: i32,
    open: Mutex<Vec<Door>>,
}

/// One that is open until it is dropped.
#[derive(Debug)]
struct Door {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: AbortHandle,
}

#[derive(Debug)]
struct Shared {
    listener: TcpListener,
    is_closed: AtomicBool,
}

impl TcpDoors {
    /// Lets in whoever comes to these sockets, by tasks of the runtime.
    pub fn serve(
        listeners: Vec<std::net::TcpListener>,
        backlog: i32,
        runtime: Handle,
        welcome: Welcome,
    ) -> io::Result<TcpDoors> {
        let doors = TcpDoors { runtime, welcome: Arc::new(welcome), backlog, open: Mutex::default() };
        let open = listeners.into_iter().map(|listener| doors.door(listener)).collect::<io::Result<_>>()?;
        *doors.lock() = open;
        Ok(doors)
    }

    /// From now on the doors are at these places, or, after an error, where they were.
    pub fn change(&self, places: &[Place]) -> Result<(), BindError> {
        let mut open = self.lock();
        let has = |doors: &[Door], place: &Place| doors.iter().any(|door| door.address == place.address);
        let new: Vec<Place> = places.iter().filter(|place| !has(&open, place)).copied().collect();
        let is_leaving = |door: &Door| !places.iter().any(|place| place.address == door.address);
        match self.open_all(&new) {
            Ok(doors) => {
                open.retain(|door| !is_leaving(door));
                open.extend(doors);
                return Ok(());
            }
            Err(error) if error.error.kind() == io::ErrorKind::AddrInUse && open.iter().any(is_leaving) => {}
            Err(error) => return Err(error),
        }
        let leaving: Vec<Place> = open
            .extract_if(.., |door| is_leaving(door))
            .map(|door| Place { address: door.address, is_optional: false })
            .collect();
        let changed = self.open_all(&new);
        let back = changed.as_ref().err().map(|_| self.open_all(&leaving));
        if let Some(Err(error)) = &back {
            tracing::error!("a door could not be opened again: {error}");
        }
        open.extend(back.into_iter().flatten().flatten());
        open.extend(changed?);
        Ok(())
    }

    fn open_all(&self, places: &[Place]) -> Result<Vec<Door>, BindError> {
        let open = |place: &Place| {
            let fail = |error| BindError { place: place.address.to_string(), error };
            let listener = place.listen(self.backlog)?;
            listener.map(|listener| self.door(listener).map_err(fail)).transpose()
        };
        places.iter().filter_map(|place| open(place).transpose()).collect()
    }

    fn door(&self, listener: std::net::TcpListener) -> io::Result<Door> {
        let _on_it = self.runtime.enter();
        let address = listener.local_addr()?;
        let listener = TcpListener::from_std(listener)?;
        let shared = Arc::new(Shared { listener, is_closed: AtomicBool::new(false) });
        let task = self.runtime.spawn(accept(shared.clone(), self.welcome.clone()));
        Ok(Door { address, shared, task: task.abort_handle() })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Door>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for TcpDoors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.lock().iter().map(|door| door.address)).finish()
    }
}

impl Drop for Door {
    /// Nobody comes in from now on. The task ends a moment later.
    fn drop(&mut self) {
        self.shared.is_closed.store(true, Ordering::Release);
        if let Err(error) = SockRef::from(&self.shared.listener).shutdown(Shutdown::Both) {
            tracing::debug!(address = %self.address, %error, "a door closes with its task only");
        }
        self.task.abort();
    }
}

async fn accept(door: Arc<Shared>, welcome: Arc<Welcome>) {
    while !door.is_closed.load(Ordering::Acquire) {
        match door.listener.accept().await {
            Ok((stream, peer)) => welcome(stream, peer).await,
            Err(_) if door.is_closed.load(Ordering::Acquire) => return,
            Err(error) => pause_after(&error).await,
        }
    }
}

/// Out of file descriptors, most likely: trying again at once would only burn the processor.
pub async fn pause_after(error: &io::Error) {
    tracing::warn!(%error, "accepting a connection failed");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::listener::places;
    use std::net::{TcpListener as StdListener, TcpStream as StdStream};

    fn at(binds: &[&str], port: u16) -> Vec<Place> {
        places(&binds.iter().map(|&bind| bind.to_owned()).collect::<Vec<_>>(), port).unwrap()
    }

    fn is_open(port: u16) -> bool {
        StdStream::connect(("127.0.0.1", port)).is_ok()
    }

    /// Two ports of this machine that nobody listens at.
    fn free_ports() -> [u16; 2] {
        let sockets = [(); 2].map(|()| StdListener::bind("127.0.0.1:0").unwrap());
        sockets.map(|socket| socket.local_addr().unwrap().port())
    }

    fn doors(places: &[Place]) -> TcpDoors {
        let listeners = super::super::listener::listen_at(places, 16).unwrap();
        TcpDoors::serve(listeners, 16, Handle::current(), Box::new(|_, _| Box::pin(async {}))).unwrap()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_change_opens_and_closes() {
        let [first, second] = free_ports();
        let doors = doors(&at(&["127.0.0.1"], first));
        assert!(is_open(first) && !is_open(second));
        doors.change(&at(&["127.0.0.1"], second)).unwrap();
        assert!(!is_open(first) && is_open(second));
        doors.change(&[]).unwrap();
        assert!(!is_open(second));
        doors.change(&at(&["127.0.0.1"], second)).unwrap();
        assert!(is_open(second), "{doors:?}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn after_an_error_the_doors_are_the_old_ones() {
        let [port, _] = free_ports();
        let doors = doors(&at(&["127.0.0.1"], port));
        let others = [("127.0.0.2", port), ("127.0.0.1", 0)].map(|at| StdListener::bind(at).unwrap());
        let taken = others[1].local_addr().unwrap().port();
        // The first place would do, the second is taken; taken; taken in a part, and for the rest by the old door.
        for wanted in [at(&["127.0.0.3", "127.0.0.2"], port), at(&["127.0.0.1"], taken), at(&["*"], port)] {
            let error = doors.change(&wanted).unwrap_err();
            assert_eq!(error.error.kind(), io::ErrorKind::AddrInUse, "{wanted:?}");
            assert!(is_open(port), "{wanted:?}");
            assert!(StdStream::connect(("127.0.0.3", port)).is_err(), "{wanted:?}");
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_door_that_is_in_the_way_of_its_follower_goes_first() {
        let [port, _] = free_ports();
        let doors = doors(&at(&["127.0.0.1"], port));
        doors.change(&at(&["*"], port)).unwrap();
        assert!(StdStream::connect(("127.0.0.2", port)).is_ok());
        doors.change(&at(&["127.0.0.1"], port)).unwrap();
        assert!(is_open(port) && StdStream::connect(("127.0.0.2", port)).is_err());
    }
}
