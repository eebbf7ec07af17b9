//! Who comes in at the doors for clients: one thread accepts, turns away whom it must, and hands the others to the workers
//! in turn.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, UnixListener};
use tokio::runtime::Handle;

use super::doors::{TcpDoors, Welcome, pause_after};
use super::listener::{BindError, listen_at, listen_unix, places};
use super::stream::DetachedStream;
use super::worker::Workers;
use crate::client::{ClientHandle, Session};
use crate::clock;
use crate::config::Settings;
use crate::node::Node;

/// Sockets for clients that nobody is let in by yet.
#[derive(Debug)]
pub struct Listeners {
    tcp: Vec<std::net::TcpListener>,
    backlog: i32,
    unix: Option<(std::os::unix::net::UnixListener, PathBuf)>,
}

impl Listeners {
    pub fn open(settings: &Settings) -> Result<Listeners, BindError> {
        let backlog = settings.tcp_backlog as i32;
        let tcp = listen_at(&places(&settings.bind, settings.port)?, backlog)?;
        let mode = (settings.unixsocketperm != 0).then_some(settings.unixsocketperm);
        let path = settings.unixsocket.as_deref().map(|path| settings.resolve(path));
        let unix = path.map(|path| listen_unix(&path, mode).map(|listener| (listener, path))).transpose()?;
        Ok(Listeners { tcp, backlog, unix })
    }

    pub fn is_empty(&self) -> bool {
        self.tcp.is_empty() && self.unix.is_none()
    }

    /// Accepts until the runtime ends. Must be called on a runtime. The doors of TCP can be changed from now on
    /// ([`Node::doors`]).
    pub fn serve(self, node: &Arc<Node>, workers: &Arc<Workers>) -> io::Result<()> {
        let doors = TcpDoors::serve(self.tcp, self.backlog, Handle::current(), welcome(node, workers))?;
        // Set just here, once.
        let _ = node.doors.set(doors);
        if let Some((listener, path)) = self.unix {
            let listener = UnixListener::from_std(listener)?;
            tokio::spawn(accept_unix(listener, path, node.clone(), workers.clone()));
        }
        Ok(())
    }
}

/// The node has its doors, so they do not have the node.
fn welcome(node: &Arc<Node>, workers: &Arc<Workers>) -> Welcome {
    let (node, workers) = (Arc::downgrade(node), Arc::downgrade(workers));
    Box::new(move |stream, peer| {
        if let (Some(node), Some(workers)) = (Weak::upgrade(&node), Weak::upgrade(&workers)) {
            admit_tcp(stream, peer, &node, &workers);
        }
        Box::pin(std::future::ready(()))
    })
}

fn admit_tcp(stream: TcpStream, peer: SocketAddr, node: &Arc<Node>, workers: &Workers) {
    let stream = match stream.into_std() {
        Ok(stream) => stream,
        Err(error) => return tracing::warn!(%error, "a connection could not be taken over"),
    };
    let local = stream.local_addr().map(|address| address.to_string()).unwrap_or_default();
    set_options(&stream, node.settings().tcp_keepalive_s);
    admit(DetachedStream::Tcp(stream), Some(peer), local, node, workers);
}

async fn accept_unix(listener: UnixListener, path: PathBuf, node: Arc<Node>, workers: Arc<Workers>) {
    loop {
        match listener.accept().await.and_then(|(stream, _)| stream.into_std()) {
            Ok(stream) => {
                admit(DetachedStream::Unix(stream), None, path.display().to_string(), &node, &workers);
            }
            Err(error) => pause_after(&error).await,
        }
    }
}

fn set_options(stream: &std::net::TcpStream, keepalive_s: u64) {
    // These fail only for a connection that is gone already.
    let _ = stream.set_nodelay(true);
    if keepalive_s > 0 {
        let keepalive = TcpKeepalive::new()
            .with_time(Duration::from_secs(keepalive_s))
            .with_interval(Duration::from_secs((keepalive_s / 3).max(1)))
            .with_retries(3);
        let _ = SockRef::from(stream).set_tcp_keepalive(&keepalive);
    }
}

fn admit(
    stream: DetachedStream,
    peer: Option<SocketAddr>,
    local: String,
    node: &Arc<Node>,
    workers: &Workers,
) {
    node.stats.connections_received.add(1);
    let refusal = refusal(peer, node);
    if let Some(reason) = refusal {
        node.stats.connections_rejected.add(1);
        return refuse(stream, reason);
    }
    let id = node.clients.next_id();
    let handle = Arc::new(ClientHandle::new(id, peer, local, stream.as_raw_fd(), clock::now_ms()));
    let user = node.default_user();
    let authenticated = user.needs_no_log_in();
    let session = Session::new(handle, user, authenticated);
    node.clients.add(session.handle.clone());
    workers.adopt(node.clone(), stream, session);
}

fn refusal(peer: Option<SocketAddr>, node: &Node) -> Option<&'static str> {
    let settings = node.settings();
    if node.clients.count() >= settings.maxclients as usize {
        return Some("-ERR max number of clients reached\r\n");
    }
    let from_outside = peer.is_some_and(|peer| !peer.ip().to_canonical().is_loopback());
    (settings.protected_mode && from_outside && node.access.default_user().rules().no_password).then_some(
        "-DENIED This node runs in protected mode and has no password, so it answers only to this machine. \
         To let others in: set a password (CONFIG SET requirepass), or turn it off (CONFIG SET protected-mode no, \
         from this machine; only where the network is closed to strangers), or start with '--protected-mode no'.\r\n",
    )
}

fn refuse(stream: DetachedStream, reason: &str) {
    // The client may be gone; there is nobody else to tell.
    let _ = match stream {
        DetachedStream::Tcp(mut stream) => stream.write_all(reason.as_bytes()),
        DetachedStream::Unix(mut stream) => stream.write_all(reason.as_bytes()),
    };
}
