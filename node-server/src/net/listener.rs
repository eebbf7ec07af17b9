//! The doors for clients: TCP on each `bind` address, and a unix socket. One thread accepts, turns away whom it
//! must, and hands the others to the workers in turn.

use std::fmt;
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, UnixListener};

use super::stream::DetachedStream;
use super::worker::Workers;
use crate::client::{ClientHandle, Session};
use crate::clock;
use crate::node::Node;

/// A door that could not be opened.
#[derive(Debug)]
pub struct BindError {
    pub place: String,
    pub error: io::Error,
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hint = match self.error.kind() {
            io::ErrorKind::AddrInUse => "; another process listens there: stop it or choose another port",
            io::ErrorKind::AddrNotAvailable => "; this machine does not have that address: see 'bind'",
            io::ErrorKind::PermissionDenied => "; this user may not listen there",
            _ => "",
        };
        write!(f, "cannot listen on {}: {}{hint}", self.place, self.error)
    }
}

impl std::error::Error for BindError {}

#[derive(Debug)]
pub struct Listeners {
    tcp: Vec<std::net::TcpListener>,
    unix: Option<(std::os::unix::net::UnixListener, PathBuf)>,
}

impl Listeners {
    /// Opens the doors of `binds` (as the directive `bind` has them; `-` before one makes it optional).
    pub fn open(
        binds: &[String],
        port: u16,
        backlog: i32,
        unix: Option<(&Path, Option<u32>)>,
    ) -> Result<Listeners, BindError> {
        let tcp = open_tcp_doors(if port == 0 { &[] } else { binds }, port, backlog)?;
        let unix = unix.map(|(path, mode)| open_unix(path, mode)).transpose()?;
        Ok(Listeners { tcp, unix })
    }

    pub fn is_empty(&self) -> bool {
        self.tcp.is_empty() && self.unix.is_none()
    }

    /// Accepts until the runtime ends. Must be called on a runtime.
    pub fn serve(self, node: Arc<Node>, workers: Arc<Workers>) -> io::Result<()> {
        for listener in self.tcp {
            let listener = TcpListener::from_std(listener)?;
            tokio::spawn(accept_tcp(listener, node.clone(), workers.clone()));
        }
        if let Some((listener, path)) = self.unix {
            let listener = UnixListener::from_std(listener)?;
            tokio::spawn(accept_unix(listener, path, node, workers));
        }
        Ok(())
    }
}

/// A door on each of `binds`, but for the optional ones whose address this machine does not have.
pub fn open_tcp_doors(
    binds: &[String],
    port: u16,
    backlog: i32,
) -> Result<Vec<std::net::TcpListener>, BindError> {
    let mut doors = Vec::new();
    for bind in binds {
        let optional = bind.starts_with('-');
        match open_tcp(bind.trim_start_matches('-'), port, backlog) {
            Ok(listener) => doors.push(listener),
            Err(error) if optional && is_absent(&error.error) => {
                tracing::info!(address = %bind, "optional bind address is not there");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(doors)
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
}

fn open_tcp(host: &str, port: u16, backlog: i32) -> Result<std::net::TcpListener, BindError> {
    let fail = |error| BindError { place: format!("{host}:{port}"), error };
    let ip: IpAddr = match host {
        "*" => IpAddr::from([0, 0, 0, 0]),
        "::*" => IpAddr::from([0u16; 8]),
        _ => host.parse().map_err(|_| fail(io::Error::other("'bind' takes IP addresses, * or ::*")))?,
    };
    listen(SocketAddr::new(ip, port), backlog).map_err(fail)
}

fn listen(address: SocketAddr, backlog: i32) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    Ok(socket.into())
}

fn open_unix(
    path: &Path,
    mode: Option<u32>,
) -> Result<(std::os::unix::net::UnixListener, PathBuf), BindError> {
    let fail = |error| BindError { place: path.display().to_string(), error };
    // A socket file that nobody listens on is left over from a process that was killed.
    if std::os::unix::net::UnixStream::connect(path)
        .is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused)
    {
        std::fs::remove_file(path).map_err(fail)?;
    }
    let listener = std::os::unix::net::UnixListener::bind(path).map_err(fail)?;
    listener.set_nonblocking(true).map_err(fail)?;
    if let Some(mode) = mode {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(fail)?;
    }
    Ok((listener, path.to_owned()))
}

async fn accept_tcp(listener: TcpListener, node: Arc<Node>, workers: Arc<Workers>) {
    loop {
        let accepted = listener.accept().await.and_then(|(stream, peer)| Ok((stream.into_std()?, peer)));
        match accepted {
            Ok((stream, peer)) => {
                let local = stream.local_addr().map(|address| address.to_string()).unwrap_or_default();
                set_options(&stream, node.settings().tcp_keepalive_s);
                admit(DetachedStream::Tcp(stream), Some(peer), local, &node, &workers);
            }
            Err(error) => pause_after(&error).await,
        }
    }
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

/// Out of file descriptors, most likely: trying again at once would only burn the processor.
async fn pause_after(error: &io::Error) {
    tracing::warn!(%error, "accepting a connection failed");
    tokio::time::sleep(Duration::from_millis(100)).await;
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
