//! The connection to the master: a blocking socket that looks up ten times a second.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Weak};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use super::Phase;
use crate::client::{ClientHandle, Mailbox, client_flag};
use crate::clock;
use crate::net;
use crate::node::Node;

/// Why the link ended, or never came to be.
#[derive(Debug)]
pub enum LinkError {
    /// Another order was given meanwhile.
    Superseded,
    /// A client asked for it (CLIENT KILL).
    Killed,
    Connect {
        address: String,
        error: io::Error,
    },
    Io(io::Error),
    Closed,
    Silent {
        seconds: u64,
        phase: Phase,
    },
    /// The master said no.
    Refused {
        to: &'static str,
        reply: String,
    },
    Protocol(String),
    Copy(String),
    /// The link broke while a copy was loaded straight from it.
    Torn {
        offset: u64,
        failure: Box<LinkError>,
    },
}

impl std::fmt::Display for LinkError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LinkError::Superseded => f.write_str("another master is followed"),
            LinkError::Killed => f.write_str("the link was closed by a client of this node"),
            LinkError::Connect { address, error } => {
                write!(f, "cannot connect to the master at {address}: {error}")
            }
            LinkError::Io(error) => write!(f, "the link to the master broke: {error}"),
            LinkError::Closed => f.write_str("the master closed the link"),
            LinkError::Silent { seconds, phase } => {
                // In Redis's words.
                let what = match phase {
                    Phase::Connected => "MASTER timeout: no data nor PING received",
                    Phase::Sync => "Timeout receiving bulk data from MASTER",
                    Phase::Connect | Phase::Connecting | Phase::Handshake => {
                        "Timeout connecting to the MASTER"
                    }
                };
                write!(f, "{what}: it has been silent for {seconds} s (repl-timeout)")
            }
            LinkError::Refused { to, reply } => write!(f, "the master's answer to {to}: {reply}"),
            LinkError::Protocol(what) => write!(f, "the master does not speak the protocol: {what}"),
            LinkError::Copy(what) => write!(f, "the copy of the master's data failed: {what}"),
            LinkError::Torn { offset, failure } => {
                // Redis's words, and what they stand for.
                write!(f, "Internal error in RDB reading offset {offset}: its end did not come: {failure}")
            }
        }
    }
}

impl From<io::Error> for LinkError {
    fn from(error: io::Error) -> LinkError {
        LinkError::Io(error)
    }
}

const LOOK_UP: Duration = Duration::from_millis(100);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// So much is read at once, and more where more waits.
const READ_BYTES: usize = 64 * 1024;
const MOST_READ_BYTES: usize = 1024 * 1024;
const MAX_LINE_BYTES: usize = 4096;

pub struct Connection {
    pub node: Arc<Node>,
    pub generation: u64,
    socket: TcpStream,
    /// What came and was not used.
    pub input: Vec<u8>,
    /// What is read comes here first.
    buffer: Vec<u8>,
    /// It shows among the clients, as `M`.
    pub handle: Arc<ClientHandle>,
    heard: Instant,
    said: Instant,
}

impl Connection {
    pub fn open(node: &Arc<Node>, host: &str, port: u16, generation: u64) -> Result<Connection, LinkError> {
        let socket = connect(host, port, node.settings().bind_source_addr)?;
        let set_up = || {
            socket.set_nodelay(true)?;
            socket.set_read_timeout(Some(LOOK_UP))?;
            let timeout_s = node.settings().repl_timeout_s.max(1);
            socket.set_write_timeout(Some(Duration::from_secs(timeout_s)))?;
            Ok::<_, io::Error>((socket.try_clone()?, socket.try_clone()?))
        };
        let (to_stop, to_kill) = set_up()?;
        node.replication.upstream.update(generation, |inner| inner.socket = Some(to_stop));
        let local = socket.local_addr().map(|address| address.to_string()).unwrap_or_default();
        let peer = socket.peer_addr().ok();
        let descriptor = std::os::fd::AsRawFd::as_raw_fd(&socket);
        let handle =
            Arc::new(ClientHandle::new(node.clients.next_id(), peer, local, descriptor, clock::now_ms()));
        handle.set_flag(client_flag::MASTER, true);
        let cut = CutWhenKilled { socket: to_kill, mailbox: Arc::downgrade(&handle.mailbox) };
        handle.mailbox.set_owner(&Waker::from(Arc::new(cut)));
        node.clients.add(handle.clone());
        let now = clock::monotonic();
        Ok(Connection {
            node: node.clone(),
            generation,
            socket,
            input: Vec::new(),
            buffer: vec![0; READ_BYTES],
            handle,
            heard: now,
            said: now,
        })
    }

    pub fn is_current(&self) -> bool {
        self.node.replication.upstream.is_current(self.generation)
    }

    /// Reads what there is, or nothing if nothing comes within a tenth of a second. Ends a link that is over:
    /// closed, superseded, killed, or silent for too long.
    pub fn fill(&mut self) -> Result<usize, LinkError> {
        // DEBUG SLEEP.
        self.node.sleep.wait_until_over();
        if !self.is_current() {
            return Err(LinkError::Superseded);
        }
        if self.handle.mailbox.is_killed() {
            return Err(self.why_closed());
        }
        match self.socket.read(&mut self.buffer) {
            Ok(0) => Err(self.why_closed()),
            Ok(count) => {
                self.keep(count);
                self.heard = clock::monotonic();
                self.handle.last_active_ms.store(clock::now_ms(), std::sync::atomic::Ordering::Relaxed);
                self.node.replication.upstream.note_io();
                self.node.stats.replication_input_bytes.add(count as u64);
                Ok(count)
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                let timeout = Duration::from_secs(self.node.settings().repl_timeout_s.max(1));
                let silent = clock::monotonic() - self.heard;
                if silent <= timeout {
                    return Ok(0);
                }
                let phase = self.node.replication.view().phase;
                Err(LinkError::Silent { seconds: silent.as_secs(), phase })
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// The first bytes of the buffer are what came.
    fn keep(&mut self, count: usize) {
        if self.input.is_empty() && self.input.capacity() > 2 * MOST_READ_BYTES {
            self.input = Vec::new();
        }
        self.input.extend_from_slice(self.buffer.get(..count).unwrap_or_default());
        let length = self.buffer.len();
        if count == length && length < MOST_READ_BYTES {
            self.buffer.resize(2 * length, 0);
        } else if length > READ_BYTES && count < READ_BYTES {
            self.buffer = vec![0; READ_BYTES];
        }
    }

    fn why_closed(&self) -> LinkError {
        match self.handle.mailbox.is_killed() {
            _ if !self.is_current() => LinkError::Superseded,
            true => LinkError::Killed,
            false => LinkError::Closed,
        }
    }

    /// Reads nothing for a tenth of a second.
    pub fn rest(&self) -> Result<(), LinkError> {
        std::thread::sleep(LOOK_UP);
        if self.is_current() { Ok(()) } else { Err(LinkError::Superseded) }
    }

    pub fn send(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        self.said = clock::monotonic();
        Ok(self.socket.write_all(bytes)?)
    }

    /// True when nothing was said for a second.
    pub fn is_time_to_speak(&self) -> bool {
        clock::monotonic() - self.said >= Duration::from_secs(1)
    }

    /// An empty line now and then: the master shall not think that a replica which loads is dead.
    pub fn keep_alive(&mut self) -> Result<(), LinkError> {
        if self.is_time_to_speak() { self.send(b"\n") } else { Ok(()) }
    }

    /// The next line that is not empty, without its end. (Empty ones only say that the master lives.)
    pub fn line(&mut self) -> Result<String, LinkError> {
        loop {
            while let Some(end) = self.input.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.input.drain(..=end).collect();
                let line = line.trim_ascii();
                if !line.is_empty() {
                    return Ok(String::from_utf8_lossy(line).into_owned());
                }
            }
            if self.input.len() > MAX_LINE_BYTES {
                return Err(LinkError::Protocol(format!("a line of more than {MAX_LINE_BYTES} bytes")));
            }
            self.fill()?;
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.node.clients.remove(self.handle.id);
        // Others have copies of it; the master hears of the end now. It may be closed already.
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

/// CLIENT KILL cuts the link at once, whatever its thread is doing; what came and was not applied is sent again.
struct CutWhenKilled {
    socket: TcpStream,
    mailbox: Weak<Mailbox>,
}

impl Wake for CutWhenKilled {
    fn wake(self: Arc<Self>) {
        if self.mailbox.upgrade().is_some_and(|mailbox| mailbox.is_killed()) {
            // It may be closed already.
            let _ = self.socket.shutdown(Shutdown::Both);
        }
    }
}

fn connect(host: &str, port: u16, source: Option<IpAddr>) -> Result<TcpStream, LinkError> {
    let address = format!("{host}:{port}");
    let failed = |error| LinkError::Connect { address: address.clone(), error };
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for candidate in (host, port).to_socket_addrs().map_err(failed)? {
        match net::connect_and_wait(candidate, source, CONNECT_TIMEOUT) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(failed(last))
}
