//! The bus's sockets: doors that accept peers, and links in both directions.
//!
//! A link is one task that cuts packets out of what comes and writes what is queued. It talks to the driver by
//! events; the driver talks to it by a queue whose bytes are counted. A peer that reads too slowly
//! (`cluster-link-sendbuf-limit`), that sends what is no bus packet, or that connects and says nothing, is
//! closed; the core connects again where it wants to.
//!
//! Packets come through a channel of fixed size: a peer that floods us is held back by TCP, not by our memory.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::BytesMut;
use rcl_cluster::packet::{FrameError, frame_length};
use rcl_cluster::{LinkEnd, LinkId};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::byte_gauge::{ByteGauge, HeldBytes};
use crate::config::Settings;
use crate::net::{self, BindError, TcpDoors, Welcome, listen_at, places};

/// Events that may wait for the driver before the links are held back.
pub const EVENTS_WAITING: usize = 256;
/// With `cluster-link-sendbuf-limit 0` Redis has no limit; here a peer that does not read may hold so much.
const DEFAULT_QUEUE_BYTES: usize = 256 * 1024 * 1024;
/// A peer that connects sends a packet at once; one that does not within this time is none.
const FIRST_PACKET_S: u64 = 30;
/// It is a greeting (ping or meet): a stranger can't make us hold more than this.
const FIRST_PACKET_BYTES: usize = 1024 * 1024;
const READ_BYTES: usize = 16 * 1024;

/// What happens on the bus.
#[derive(Debug)]
pub enum BusEvent {
    Accepted { stream: TcpStream, peer: IpAddr },
    Opened { link: LinkId, local: IpAddr },
    Packet { link: LinkId, bytes: Vec<u8> },
    Closed { link: LinkId, why: Closed },
}

/// Why a link ended.
#[derive(Debug)]
pub enum Closed {
    ByPeer,
    NotConnected(io::Error),
    Broken(io::Error),
    Garbage(FrameError),
    Silent,
}

impl Closed {
    /// What it tells about the process at the other end.
    pub fn as_link_end(&self) -> LinkEnd {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset};
        match self {
            Closed::ByPeer => LinkEnd::Lost,
            Closed::NotConnected(error) if error.kind() == ConnectionRefused => LinkEnd::Refused,
            Closed::Broken(error)
                if matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset) =>
            {
                LinkEnd::Reset
            }
            Closed::NotConnected(_) | Closed::Broken(_) | Closed::Garbage(_) | Closed::Silent => {
                LinkEnd::Failed
            }
        }
    }
}

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Closed::ByPeer => f.write_str("closed by the peer"),
            Closed::NotConnected(error) => write!(f, "cannot connect: {error}"),
            Closed::Broken(error) => write!(f, "broken: {error}"),
            Closed::Garbage(error) => error.fmt(f),
            Closed::Silent => write!(f, "no packet within {FIRST_PACKET_S} s"),
        }
    }
}

/// Open doors that nobody is let in by yet.
#[derive(Debug)]
pub struct BusListeners {
    tcp: Vec<std::net::TcpListener>,
    backlog: i32,
}

impl BusListeners {
    /// On the same addresses as the clients' doors.
    pub fn open(settings: &Settings, port: u16) -> Result<BusListeners, BindError> {
        let backlog = settings.tcp_backlog as i32;
        Ok(BusListeners { tcp: listen_at(&places(&settings.bind, port)?, backlog)?, backlog })
    }

    /// Accepts until the runtime ends.
    pub fn serve(self, runtime: &Handle, events: mpsc::Sender<BusEvent>) -> io::Result<TcpDoors> {
        let welcome: Welcome = Box::new(move |stream, peer| {
            let events = events.clone();
            Box::pin(async move {
                let event = BusEvent::Accepted { stream, peer: peer.ip().to_canonical() };
                // Fails only when the driver has ended.
                let _ = events.send(event).await;
            })
        });
        TcpDoors::serve(self.tcp, self.backlog, runtime.clone(), welcome)
    }
}

/// The links there are.
#[derive(Debug)]
pub struct LinkTable {
    links: HashMap<LinkId, Link>,
    events: mpsc::Sender<BusEvent>,
    limit_exceeded: u64,
    /// What all links hold.
    memory: ByteGauge,
    /// What was queued last: a message to everybody is one piece of memory.
    last_packet: Weak<Packet>,
}

#[derive(Debug)]
struct Link {
    peer: String,
    queue: UnboundedSender<Queued>,
    queued: ByteGauge,
    task: AbortHandle,
    _memory: HeldBytes,
}

/// What waits to be sent on one or several links.
#[derive(Debug)]
struct Packet {
    bytes: Arc<[u8]>,
    _memory: HeldBytes,
}

/// A packet's place in a link's queue.
#[derive(Debug)]
struct Queued {
    packet: Arc<Packet>,
    _of_link: HeldBytes,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What CLUSTER LINKS shows of a link's send queue, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkBuffers {
    pub used: usize,
}

/// The link's queue is over the limit: it is to be closed.
#[derive(Debug, PartialEq, Eq)]
pub struct TooSlow {
    pub queued_bytes: usize,
}

impl LinkTable {
    pub fn new(events: mpsc::Sender<BusEvent>, memory: ByteGauge) -> LinkTable {
        LinkTable { links: HashMap::new(), events, limit_exceeded: 0, memory, last_packet: Weak::new() }
    }

    pub fn contains(&self, link: LinkId) -> bool {
        self.links.contains_key(&link)
    }

    /// Starts to connect; the outcome comes as an event. Whoever wants it no longer calls [`close`](Self::close).
    pub fn connect(
        &mut self,
        link: LinkId,
        (ip, port): (&str, u16),
        source: Option<IpAddr>,
        keepalive: Duration,
    ) {
        // A node may announce a name as its address, as Redis allows; the look-up is done aside.
        let host = ip.to_owned();
        self.add(link, format!("{ip}:{port}"), move |queue, events| async move {
            match connect(&host, port, source).await {
                Ok((stream, local)) => {
                    set_options(&stream, keepalive);
                    if events.send(BusEvent::Opened { link, local }).await.is_err() {
                        return Closed::ByPeer;
                    }
                    run(link, stream, queue, &events, None).await
                }
                Err(error) => Closed::NotConnected(error),
            }
        });
    }

    pub fn adopt(&mut self, link: LinkId, stream: TcpStream, peer: IpAddr, keepalive: Duration) {
        set_options(&stream, keepalive);
        let patience = Some(Duration::from_secs(FIRST_PACKET_S));
        self.add(link, peer.to_string(), |queue, events| async move {
            run(link, stream, queue, &events, patience).await
        });
    }

    fn add<F>(
        &mut self,
        link: LinkId,
        peer: String,
        body: impl FnOnce(LinkQueue, mpsc::Sender<BusEvent>) -> F,
    ) where
        F: Future<Output = Closed> + Send + 'static,
    {
        let (queue, packets) = mpsc::unbounded_channel();
        let events = self.events.clone();
        let body = body(packets, events.clone());
        let task = tokio::spawn(async move {
            let why = body.await;
            // Fails only when the driver has ended.
            let _ = events.send(BusEvent::Closed { link, why }).await;
        });
        let (queued, task) = (ByteGauge::default(), task.abort_handle());
        let memory = self.memory.hold(size_of::<Link>() + READ_BYTES);
        self.links.insert(link, Link { peer, queue, queued, task, _memory: memory });
    }

    /// Queues a packet. An error when more than `limit` bytes (0: our own limit) were waiting already.
    pub fn send(&mut self, link: LinkId, bytes: Arc<[u8]>, limit: u64) -> Result<(), TooSlow> {
        let Some(link) = self.links.get(&link) else { return Ok(()) };
        let queued_bytes = link.queued.bytes();
        if queued_bytes > queue_limit(limit) {
            self.limit_exceeded += 1;
            return Err(TooSlow { queued_bytes });
        }
        let of_link = link.queued.hold(bytes.len());
        let last = self.last_packet.upgrade().filter(|last| Arc::ptr_eq(&last.bytes, &bytes));
        let packet = last.unwrap_or_else(|| {
            let memory = self.memory.hold(bytes.len());
            Arc::new(Packet { bytes, _memory: memory })
        });
        self.last_packet = Arc::downgrade(&packet);
        // Fails when the link's task has ended; its event is on the way.
        let _ = link.queue.send(Queued { packet, _of_link: of_link });
        Ok(())
    }

    /// The links whose queue is over the limit, although nothing is to be sent on them now.
    pub fn too_slow(&mut self, limit: u64) -> Vec<LinkId> {
        let limit = queue_limit(limit);
        let over: Vec<LinkId> =
            self.links.iter().filter(|(_, link)| link.queued.bytes() > limit).map(|(id, _)| *id).collect();
        self.limit_exceeded += over.len() as u64;
        over
    }

    /// What was queued is dropped.
    pub fn close(&mut self, link: LinkId) {
        self.links.remove(&link);
    }

    /// The address at the other end, for the log.
    pub fn peer(&self, link: LinkId) -> &str {
        self.links.get(&link).map_or("", |link| &link.peer)
    }

    pub fn buffers(&self, link: LinkId) -> Option<LinkBuffers> {
        self.links.get(&link).map(|link| LinkBuffers { used: link.queued.bytes() })
    }

    /// How often a link was closed for its full queue.
    pub fn limit_exceeded(&self) -> u64 {
        self.limit_exceeded
    }
}

fn queue_limit(directive: u64) -> usize {
    if directive == 0 { DEFAULT_QUEUE_BYTES } else { usize::try_from(directive).unwrap_or(usize::MAX) }
}

/// A link's end of its send queue.
type LinkQueue = UnboundedReceiver<Queued>;

async fn connect(host: &str, port: u16, source: Option<IpAddr>) -> io::Result<(TcpStream, IpAddr)> {
    let stream = net::connect(host, port, source).await?;
    let local = stream.local_addr()?.ip().to_canonical();
    Ok((stream, local))
}

/// A peer that vanished without a word is noticed by the kernel, even where the core sends nothing (inbound).
fn set_options(stream: &TcpStream, keepalive: Duration) {
    // These fail only for a connection that is gone already.
    let _ = stream.set_nodelay(true);
    let seconds = keepalive.as_secs().max(1);
    let options = TcpKeepalive::new()
        .with_time(Duration::from_secs(seconds))
        .with_interval(Duration::from_secs((seconds / 3).max(1)))
        .with_retries(3);
    let _ = SockRef::from(stream).set_tcp_keepalive(&options);
}

/// Runs an open link to its end.
async fn run(
    link: LinkId,
    stream: TcpStream,
    queue: LinkQueue,
    events: &mpsc::Sender<BusEvent>,
    patience: Option<Duration>,
) -> Closed {
    let (reader, writer) = stream.into_split();
    tokio::select! {
        why = read_packets(link, reader, events, patience) => why,
        error = write_packets(writer, queue) => Closed::Broken(error),
    }
}

async fn read_packets(
    link: LinkId,
    mut reader: OwnedReadHalf,
    events: &mpsc::Sender<BusEvent>,
    patience: Option<Duration>,
) -> Closed {
    let mut buffer = BytesMut::new();
    let mut packet = match patience {
        None => read_packet(&mut reader, &mut buffer, usize::MAX).await,
        Some(patience) => {
            match timeout(patience, read_packet(&mut reader, &mut buffer, FIRST_PACKET_BYTES)).await {
                Ok(packet) => packet,
                Err(_) => return Closed::Silent,
            }
        }
    };
    loop {
        let bytes = match packet {
            Ok(bytes) => bytes,
            Err(why) => return why,
        };
        if events.send(BusEvent::Packet { link, bytes }).await.is_err() {
            return Closed::ByPeer;
        }
        packet = read_packet(&mut reader, &mut buffer, usize::MAX).await;
    }
}

/// The next whole packet. Memory grows with what came, not with the length that the peer says.
async fn read_packet(
    reader: &mut OwnedReadHalf,
    buffer: &mut BytesMut,
    longest: usize,
) -> Result<Vec<u8>, Closed> {
    loop {
        match frame_length(buffer).map_err(Closed::Garbage)? {
            Some(length) if length > longest => {
                let length = u32::try_from(length).unwrap_or(u32::MAX);
                return Err(Closed::Garbage(FrameError::TooLong(length)));
            }
            Some(length) if buffer.len() >= length => return Ok(buffer.split_to(length).to_vec()),
            _ => {}
        }
        buffer.reserve(READ_BYTES);
        match reader.read_buf(buffer).await {
            Ok(0) => return Err(Closed::ByPeer),
            Ok(_) => {}
            Err(error) => return Err(Closed::Broken(error)),
        }
    }
}

async fn write_packets(mut writer: OwnedWriteHalf, mut queue: LinkQueue) -> io::Error {
    while let Some(queued) = queue.recv().await {
        if let Err(error) = writer.write_all(&queued.packet.bytes).await {
            return error;
        }
    }
    io::Error::other("closed by this node")
}

#[cfg(test)]
mod tests;
