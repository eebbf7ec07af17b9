//! How bytes get to a node and back: by TCP, with or without TLS, or through a unix socket of this machine.
//!
//! ```text
//! announced address ── map ──► host:port ── all its addresses, one after the other ──► TCP ──► TLS
//!                         └──► unix:/path ────────────────────────────────────────► socket
//! ```
//!
//! Twice the same: for what talks to many nodes at once, and, blocking, for what has a thread of its own.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use rcl_proto::Address;
use tokio::io::{AsyncRead, AsyncWrite};

use super::address::UNIX;
use super::address_map::AddressMap;
use super::tls::Tls;

/// How long a connection may take to come up when nobody says otherwise.
pub const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Clones share what was read from files.
#[derive(Clone, Debug, PartialEq)]
pub struct Transport {
    pub tls: Option<Tls>,
    pub map: Arc<AddressMap>,
    pub connect_limit: Duration,
}

/// Plain TCP to where nodes say they are.
impl Default for Transport {
    fn default() -> Transport {
        Transport { tls: None, map: Arc::default(), connect_limit: CONNECT_LIMIT }
    }
}

/// A connection's bytes, whatever carries them.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

impl Transport {
    /// A connection within `limit`, all addresses of a name and the handshake included.
    pub async fn open(&self, address: &Address, limit: Duration) -> io::Result<Box<dyn Duplex>> {
        let limit = limit.min(self.connect_limit);
        let opened = tokio::time::timeout(limit, self.open_without_limit(address, limit)).await;
        opened.unwrap_or_else(|_| Err(timed_out()))
    }

    async fn open_without_limit(&self, address: &Address, limit: Duration) -> io::Result<Box<dyn Duplex>> {
        let place = self.map.reachable(address);
        if let Some(path) = place.host.strip_prefix(UNIX) {
            return Ok(Box::new(tokio::net::UnixStream::connect(path).await?));
        }
        let found: Vec<SocketAddr> =
            tokio::net::lookup_host((place.host.as_str(), place.port)).await?.collect();
        let stream = connect_any(&found, limit).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => Ok(Box::new(stream)),
            Some(tls) => {
                let connector = tokio_rustls::TlsConnector::from(Arc::clone(&tls.config));
                Ok(Box::new(connector.connect(tls.name_at(&place.host)?, stream).await?))
            }
        }
    }

    /// A blocking connection. `timeout` bounds each of its reads and writes, and with [`Transport::connect_limit`] the connect; without it
    /// reads wait for ever.
    pub fn open_blocking(&self, address: &Address, timeout: Option<Duration>) -> io::Result<BlockingStream> {
        let place = self.map.reachable(address);
        if let Some(path) = place.host.strip_prefix(UNIX) {
            let stream = BlockingStream::Unix(UnixStream::connect(path)?);
            stream.set_timeouts(timeout)?;
            return Ok(stream);
        }
        let limit = timeout.unwrap_or(self.connect_limit).min(self.connect_limit);
        let stream = connect_blocking(&place, limit)?;
        let Some(tls) = &self.tls else {
            let stream = BlockingStream::Tcp(stream);
            stream.set_timeouts(timeout)?;
            return Ok(stream);
        };
        let session = rustls::ClientConnection::new(Arc::clone(&tls.config), tls.name_at(&place.host)?);
        let mut stream = rustls::StreamOwned::new(session.map_err(io::Error::other)?, stream);
        // The handshake now, while what goes wrong in it is known to be its fault.
        stream.sock.set_read_timeout(Some(limit))?;
        stream.sock.set_write_timeout(Some(limit))?;
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        let stream = BlockingStream::Tls(Box::new(stream));
        stream.set_timeouts(timeout)?;
        Ok(stream)
    }
}

/// The first that answers; each gets its share of the time.
async fn connect_any(places: &[SocketAddr], limit: Duration) -> io::Result<tokio::net::TcpStream> {
    let mut last = no_address();
    for place in places {
        match tokio::time::timeout(share(limit, places), tokio::net::TcpStream::connect(place)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = timed_out(),
        }
    }
    Err(last)
}

fn connect_blocking(address: &Address, limit: Duration) -> io::Result<TcpStream> {
    let places: Vec<SocketAddr> = (address.host.as_str(), address.port).to_socket_addrs()?.collect();
    let mut last = no_address();
    for place in &places {
        match TcpStream::connect_timeout(place, share(limit, &places)) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn share(limit: Duration, places: &[SocketAddr]) -> Duration {
    (limit / u32::try_from(places.len().max(1)).unwrap_or(1)).max(Duration::from_millis(1))
}

fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the name has no address")
}

fn timed_out() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "no connection within the time limit (--connect-timeout)")
}

/// A connection of which one thread reads and writes.
#[derive(Debug)]
pub enum BlockingStream {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<rustls::StreamOwned<rustls::ClientConnection, TcpStream>>),
}

impl BlockingStream {
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        match self {
            BlockingStream::Tcp(stream) => stream.set_read_timeout(timeout),
            BlockingStream::Unix(stream) => stream.set_read_timeout(timeout),
            BlockingStream::Tls(stream) => stream.sock.set_read_timeout(timeout),
        }
    }

    pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        match self {
            BlockingStream::Tcp(stream) => stream.set_write_timeout(timeout),
            BlockingStream::Unix(stream) => stream.set_write_timeout(timeout),
            BlockingStream::Tls(stream) => stream.sock.set_write_timeout(timeout),
        }
    }

    fn set_timeouts(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.set_read_timeout(timeout)?;
        self.set_write_timeout(timeout)
    }
}

impl BlockingStream {
    /// A second hand on the connection, which writes while this one reads. TLS has none: its two directions are one state.
    pub fn writer(&self) -> io::Result<Box<dyn Write + Send>> {
        match self {
            BlockingStream::Tcp(stream) => Ok(Box::new(stream.try_clone()?)),
            BlockingStream::Unix(stream) => Ok(Box::new(stream.try_clone()?)),
            BlockingStream::Tls(_) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "through TLS it cannot be written and read at once",
            )),
        }
    }
}

impl AsRawFd for BlockingStream {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            BlockingStream::Tcp(stream) => stream.as_raw_fd(),
            BlockingStream::Unix(stream) => stream.as_raw_fd(),
            BlockingStream::Tls(stream) => stream.sock.as_raw_fd(),
        }
    }
}

impl Read for BlockingStream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            BlockingStream::Tcp(stream) => stream.read(into),
            BlockingStream::Unix(stream) => stream.read(into),
            BlockingStream::Tls(stream) => stream.read(into),
        }
    }
}

impl Write for BlockingStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            BlockingStream::Tcp(stream) => stream.write(bytes),
            BlockingStream::Unix(stream) => stream.write(bytes),
            BlockingStream::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            BlockingStream::Tcp(stream) => stream.flush(),
            BlockingStream::Unix(stream) => stream.flush(),
            BlockingStream::Tls(stream) => stream.flush(),
        }
    }
}
