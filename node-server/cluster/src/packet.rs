//! The bus packet: how it is cut out of a stream, read and written.
//!
//! Every packet is a header and a body, all numbers big-endian, all texts padded with zeros:
//!
//! ```text
//!    0  4  "RCmb"             2128 40  id of the sender's master, or zeros
//!    4  4  total length       2168 46  the sender's announced IP, or zeros
//!    8  2  version, 1         2214  2  number of extensions
//!   10  2  client port        2216 30  zeros
//!   12  2  kind               2246  2  second client port (plaintext beside TLS)
//!   14  2  gossip entries     2248  2  bus port
//!   16  8  current epoch      2250  2  flags of the sender
//!   24  8  config epoch       2252  1  0 when the sender finds the cluster ok, else 1
//!   32  8  replication offset 2253  3  message flags: 1 paused, 2 force ack, 4 has extensions
//!   40 40  id of the sender   2256     the body
//!   80 2048 slot bitmap
//!
//! Of the message flags only the first byte means something to Redis and Valkey; the others are zero there. A node
//! of our own kind says so by 0x72 and then a number that is not zero.
//!
//! ping, pong, meet   gossip entries of 104 bytes, then extensions
//!     gossip entry   id 40, ping sent 4 (s), pong received 4 (s), ip 46, port 2, bus port 2, flags 2, second port 2, zeros 2
//!     extension      length 4 (with these 8 bytes; a multiple of 8), type 2, zeros 2, data
//!                    type 0 host name, 1 node name, 2 forgotten node (id 40, seconds 8), 3 shard id (40);
//!                    among our own kind 0x7200 availability zone (Valkey 9.1 has one too, by a number of its own)
//! fail               id 40
//! publish(-shard)    channel length 4, message length 4, channel, message
//! update             config epoch 8, id 40, slot bitmap 2048
//! module             module's id 8, length 4, type 1, data
//! auth-req, auth-ack, mfstart   nothing
//! ```
//!
//! A published message may also come behind a shorter header, see [`light`].
//!
//! Source: the wire structures of Redis 7.0 and 7.2; the tests hold this against packets that redis-server
//! sent.

pub mod light;

use std::fmt;

use rcl_proto::{NodeId, SlotSet};

/// The size of the header that every packet starts with.
pub const HEADER_BYTES: usize = 2256;
/// The size of one entry of the gossip section.
pub const GOSSIP_BYTES: usize = 104;
/// The longest packet taken: a published message of 512 MB, its channel and the header.
pub const LONGEST_BYTES: u32 = 600 * 1024 * 1024;
const IP_BYTES: usize = 46;
const VERSION: u16 = 1;

/// Why a stream of bytes can't be the bus's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// It does not start with `RCmb`.
    BadSignature,
    /// The length it gives is below the header's.
    TooShort(u32),
    /// The length is above what any packet of ours or of Redis's has.
    TooLong(u32),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::BadSignature => f.write_str("not a cluster bus packet"),
            FrameError::TooShort(length) => write!(f, "a bus packet of {length} bytes is too short"),
            FrameError::TooLong(length) => write!(f, "a bus packet of {length} bytes is too long"),
        }
    }
}

impl std::error::Error for FrameError {}

/// How long the packet is that `stream` starts with; `None` when the first bytes (8, of a short one 14) are not there yet.
pub fn frame_length(stream: &[u8]) -> Result<Option<usize>, FrameError> {
    let Some((head, _)) = stream.split_first_chunk::<8>() else { return Ok(None) };
    let [b'R', b'C', b'm', b'b', a, b, c, d] = *head else { return Err(FrameError::BadSignature) };
    match u32::from_be_bytes([a, b, c, d]) {
        short if (short as usize) < light::LIGHT_HEADER_BYTES => Err(FrameError::TooShort(short)),
        short if (short as usize) < HEADER_BYTES => match light::is_light(stream) {
            Some(true) => Ok(Some(short as usize)),
            Some(false) => Err(FrameError::TooShort(short)),
            None => Ok(None),
        },
        long if long > LONGEST_BYTES => Err(FrameError::TooLong(long)),
        length => Ok(Some(length as usize)),
    }
}

/// What is wrong with a whole packet. The link can stay: Redis skips such a packet, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketError {
    Frame(FrameError),
    Version(u16),
    /// The length in the header, and what the content needs.
    Length {
        kind: u16,
        stated: usize,
    },
    /// The sender's id is no node id.
    Sender,
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PacketError::Frame(error) => error.fmt(f),
            PacketError::Version(version) => write!(f, "bus protocol version {version}, not {VERSION}"),
            PacketError::Length { kind, stated } => {
                write!(f, "a {} packet can't have {stated} bytes", Kind::name(*kind))
            }
            PacketError::Sender => f.write_str("the sender's id is malformed"),
        }
    }
}

impl std::error::Error for PacketError {}

/// What a packet is for; the numbers are the wire's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Ping = 0,
    Pong = 1,
    Meet = 2,
    Fail = 3,
    Publish = 4,
    AuthRequest = 5,
    AuthAck = 6,
    Update = 7,
    ManualFailoverStart = 8,
    Module = 9,
    PublishShard = 10,
}

impl Kind {
    pub const COUNT: usize = 11;
    const ALL: [Kind; Kind::COUNT] = [
        Kind::Ping,
        Kind::Pong,
        Kind::Meet,
        Kind::Fail,
        Kind::Publish,
        Kind::AuthRequest,
        Kind::AuthAck,
        Kind::Update,
        Kind::ManualFailoverStart,
        Kind::Module,
        Kind::PublishShard,
    ];

    fn from_wire(number: u16) -> Option<Kind> {
        Kind::ALL.get(usize::from(number)).copied()
    }

    /// The name in the statistics of CLUSTER INFO.
    pub fn name(number: u16) -> &'static str {
        match Kind::from_wire(number) {
            Some(Kind::Ping) => "ping",
            Some(Kind::Pong) => "pong",
            Some(Kind::Meet) => "meet",
            Some(Kind::Fail) => "fail",
            Some(Kind::Publish) => "publish",
            Some(Kind::AuthRequest) => "auth-req",
            Some(Kind::AuthAck) => "auth-ack",
            Some(Kind::Update) => "update",
            Some(Kind::ManualFailoverStart) => "mfstart",
            Some(Kind::Module) => "module",
            Some(Kind::PublishShard) => "publishshard",
            None => "unknown",
        }
    }
}

/// A node's flags in the wire's bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub u16);

impl Flags {
    pub const MASTER: Flags = Flags(1);
    pub const REPLICA: Flags = Flags(2);
    pub const PFAIL: Flags = Flags(4);
    pub const FAIL: Flags = Flags(8);
    pub const MYSELF: Flags = Flags(16);
    pub const HANDSHAKE: Flags = Flags(32);
    pub const NOADDR: Flags = Flags(64);
    /// A MEET is still to be sent to it.
    pub const MEET: Flags = Flags(128);
    /// A master that replicas may migrate to.
    pub const MIGRATE_TO: Flags = Flags(256);
    pub const NOFAILOVER: Flags = Flags(512);
    /// It takes published messages in [`light`] packets.
    pub const TAKES_LIGHT: Flags = Flags(2048);

    /// Whether any of `flags` is set.
    pub const fn any(self, flags: Flags) -> bool {
        self.0 & flags.0 != 0
    }

    #[must_use]
    pub const fn or(self, flags: Flags) -> Flags {
        Flags(self.0 | flags.0)
    }

    #[must_use]
    pub const fn and(self, flags: Flags) -> Flags {
        Flags(self.0 & flags.0)
    }

    pub fn set(&mut self, flags: Flags) {
        self.0 |= flags.0;
    }

    pub fn clear(&mut self, flags: Flags) {
        self.0 &= !flags.0;
    }
}

/// The sender is a master and has paused its writes: `offset` is final.
pub const MESSAGE_PAUSED: u8 = 1;
/// Vote even though the master is up: an operator asked for this failover.
pub const MESSAGE_FORCE_ACK: u8 = 2;
/// Extensions follow the gossip section.
pub const MESSAGE_EXTENSIONS: u8 = 4;

/// The number of the extension that carries an availability zone.
const ZONE: u16 = 0x7200;

/// The second and the third byte of the message flags when a node of our own kind wrote them.
const KIN: [u8; 2] = [0x72, 1];

/// What every packet says of its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub sender: NodeId,
    pub port: u16,
    pub second_port: u16,
    pub bus_port: u16,
    /// Empty when the sender announces none: then its address is the one that its packets come from.
    pub ip: String,
    pub flags: Flags,
    pub cluster_ok: bool,
    pub message_flags: u8,
    /// It is a node of our own kind: it understands what goes beyond Redis's protocol.
    pub is_kin: bool,
    pub current_epoch: u64,
    /// A replica gives its master's, and its master's slots.
    pub config_epoch: u64,
    pub offset: u64,
    pub slots: SlotSet,
    pub master: Option<NodeId>,
}

/// What a packet carries besides the header.
#[derive(Clone, Copy, Debug)]
pub enum Body<'a> {
    /// Ping, pong or meet.
    Heartbeat {
        gossip: &'a [u8],
        extensions: &'a [u8],
    },
    Fail(Option<NodeId>),
    Publish {
        channel: &'a [u8],
        message: &'a [u8],
    },
    Update {
        config_epoch: u64,
        node: Option<NodeId>,
        slots: &'a [u8; SlotSet::BYTES],
    },
    /// What a module of Redis says to its like on other nodes.
    Module {
        module: u64,
        kind: u8,
        payload: &'a [u8],
    },
    Empty,
    /// A kind that we do not know.
    Unknown,
}

/// A packet read; the body borrows from its bytes.
#[derive(Clone, Debug)]
pub struct Packet<'a> {
    /// The number on the wire, also of a kind that we do not know.
    pub kind_number: u16,
    pub kind: Option<Kind>,
    pub header: Header,
    pub body: Body<'a>,
}

/// One entry of the gossip section; the ip borrows from the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GossipEntry<'a> {
    pub node: NodeId,
    /// Unix seconds.
    pub ping_sent_s: u32,
    /// Unix seconds.
    pub pong_received_s: u32,
    pub ip: &'a str,
    pub port: u16,
    pub second_port: u16,
    pub bus_port: u16,
    pub flags: Flags,
}

/// An extension of a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension<'a> {
    Hostname(&'a str),
    HumanName(&'a str),
    ForgottenNode {
        node: NodeId,
        seconds: u64,
    },
    ShardId(NodeId),
    /// Among our own kind only.
    Zone(&'a str),
    Other(u16),
}

/// Reads fields off the front of a slice whose length was checked; missing bytes read as zeros.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn chunk<const N: usize>(&mut self) -> &'a [u8; N] {
        match self.0.split_first_chunk::<N>() {
            Some((chunk, rest)) => {
                self.0 = rest;
                chunk
            }
            None => {
                self.0 = &[];
                const { &[0; N] }
            }
        }
    }

    fn u8(&mut self) -> u8 {
        u8::from_be_bytes(*self.chunk())
    }

    fn u16(&mut self) -> u16 {
        u16::from_be_bytes(*self.chunk())
    }

    fn u32(&mut self) -> u32 {
        u32::from_be_bytes(*self.chunk())
    }

    fn u64(&mut self) -> u64 {
        u64::from_be_bytes(*self.chunk())
    }

    fn id(&mut self) -> Option<NodeId> {
        NodeId::from_text(self.chunk::<40>())
    }

    fn text<const N: usize>(&mut self) -> &'a str {
        zero_ended(self.chunk::<N>())
    }
}

/// What stands before the first zero byte, if it is printable ASCII; else nothing.
fn zero_ended(bytes: &[u8]) -> &str {
    let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    match std::str::from_utf8(text) {
        Ok(text) if text.bytes().all(|byte| byte.is_ascii_graphic()) => text,
        _ => "",
    }
}

/// The length that a whole packet gives itself.
fn stated_length(bytes: &[u8]) -> Result<usize, PacketError> {
    let too_short = FrameError::TooShort(bytes.len() as u32);
    frame_length(bytes).and_then(|length| length.ok_or(too_short)).map_err(PacketError::Frame)
}

/// Reads a whole packet.
pub fn decode(bytes: &[u8]) -> Result<Packet<'_>, PacketError> {
    let stated = stated_length(bytes)?;
    if stated != bytes.len() || stated < HEADER_BYTES {
        return Err(PacketError::Length { kind: u16::MAX, stated });
    }
    let (head, rest) = bytes.split_at(HEADER_BYTES);
    let mut reader = Reader(head);
    reader.u64();
    let version = reader.u16();
    if version != VERSION {
        return Err(PacketError::Version(version));
    }
    let port = reader.u16();
    let kind_number = reader.u16();
    let count = reader.u16();
    let current_epoch = reader.u64();
    let config_epoch = reader.u64();
    let offset = reader.u64();
    let sender = reader.id().ok_or(PacketError::Sender)?;
    let slots = SlotSet::from_bytes(reader.chunk());
    let master = reader.id();
    let ip = reader.text::<IP_BYTES>().to_owned();
    let extension_count = reader.u16();
    reader.chunk::<30>();
    let second_port = reader.u16();
    let bus_port = reader.u16();
    let flags = Flags(reader.u16());
    let cluster_ok = reader.u8() == 0;
    let message_flags = reader.u8();
    let is_kin = matches!(reader.chunk(), [mark, number] if *mark == KIN[0] && *number >= KIN[1]);
    let header = Header {
        sender,
        port,
        second_port,
        bus_port,
        ip,
        flags,
        cluster_ok,
        message_flags,
        is_kin,
        current_epoch,
        config_epoch,
        offset,
        slots,
        master,
    };
    let kind = Kind::from_wire(kind_number);
    let extension_count = if message_flags & MESSAGE_EXTENSIONS != 0 { extension_count } else { 0 };
    let body =
        body(kind, count, extension_count, rest).ok_or(PacketError::Length { kind: kind_number, stated })?;
    Ok(Packet { kind_number, kind, header, body })
}

/// `None` when the length does not fit.
fn body(kind: Option<Kind>, count: u16, extension_count: u16, rest: &[u8]) -> Option<Body<'_>> {
    let exactly = |length: usize| (rest.len() == length).then_some(());
    let mut reader = Reader(rest);
    match kind {
        Some(Kind::Ping | Kind::Pong | Kind::Meet) => {
            let (gossip, extensions) = rest.split_at_checked(usize::from(count) * GOSSIP_BYTES)?;
            let mut left = extensions;
            for _ in 0..extension_count {
                let length = u32::from_be_bytes(*left.first_chunk()?) as usize;
                if length < 8 || !length.is_multiple_of(8) {
                    return None;
                }
                left = left.get(length..)?;
            }
            left.is_empty().then_some(Body::Heartbeat { gossip, extensions })
        }
        Some(Kind::Fail) => {
            exactly(40)?;
            Some(Body::Fail(reader.id()))
        }
        Some(Kind::Publish | Kind::PublishShard) => {
            let channel_length = reader.u32() as usize;
            let message_length = reader.u32() as usize;
            exactly(channel_length.checked_add(message_length)?.checked_add(8)?)?;
            let (channel, message) = reader.0.split_at_checked(channel_length)?;
            Some(Body::Publish { channel, message })
        }
        Some(Kind::Update) => {
            exactly(8 + 40 + SlotSet::BYTES)?;
            Some(Body::Update { config_epoch: reader.u64(), node: reader.id(), slots: reader.chunk() })
        }
        Some(Kind::AuthRequest | Kind::AuthAck | Kind::ManualFailoverStart) => {
            exactly(0)?;
            Some(Body::Empty)
        }
        Some(Kind::Module) => {
            let (module, length, kind) = (reader.u64(), reader.u32() as usize, reader.u8());
            exactly(length.checked_add(13)?)?;
            Some(Body::Module { module, kind, payload: reader.0 })
        }
        None => Some(Body::Unknown),
    }
}

/// The entries of a gossip section; one whose id is malformed is skipped.
pub fn gossip_entries(section: &[u8]) -> impl Iterator<Item = GossipEntry<'_>> {
    raw_gossip_entries(section).filter_map(|entry| entry.read())
}

/// The same as they lie in the packet, for who needs a part of each.
pub(crate) fn raw_gossip_entries(section: &[u8]) -> impl Iterator<Item = RawGossipEntry<'_>> {
    section.as_chunks().0.iter().map(RawGossipEntry)
}

/// One entry of the gossip section, unread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawGossipEntry<'a>(&'a [u8; GOSSIP_BYTES]);

impl<'a> RawGossipEntry<'a> {
    pub fn node(self) -> Option<NodeId> {
        NodeId::from_text(self.0.first_chunk::<40>()?)
    }

    pub fn pong_received_s(self) -> u32 {
        let [.., a, b, c, d] = *self.0.first_chunk::<48>().unwrap_or(&[0; 48]);
        u32::from_be_bytes([a, b, c, d])
    }

    pub fn flags(self) -> Flags {
        let [.., high, low] = *self.0.first_chunk::<100>().unwrap_or(&[0; 100]);
        Flags(u16::from_be_bytes([high, low]))
    }

    /// `None` when the id is malformed.
    pub fn read(self) -> Option<GossipEntry<'a>> {
        let mut reader = Reader(self.0);
        let node = reader.id()?;
        let (ping_sent_s, pong_received_s) = (reader.u32(), reader.u32());
        let ip = reader.text::<IP_BYTES>();
        let (port, bus_port) = (reader.u16(), reader.u16());
        let (flags, second_port) = (Flags(reader.u16()), reader.u16());
        Some(GossipEntry { node, ping_sent_s, pong_received_s, ip, port, second_port, bus_port, flags })
    }
}

/// The extensions of a heartbeat, whose lengths [`decode`] checked.
pub fn extensions(mut section: &[u8]) -> impl Iterator<Item = Extension<'_>> {
    std::iter::from_fn(move || {
        let length = u32::from_be_bytes(*section.first_chunk()?) as usize;
        let (this, rest) = section.split_at_checked(length.max(8))?;
        section = rest;
        let mut reader = Reader(this.get(4..)?);
        let kind = reader.u16();
        reader.u16();
        Some(match kind {
            0 => Extension::Hostname(zero_ended(reader.0)),
            1 => Extension::HumanName(zero_ended(reader.0)),
            2 => match reader.id() {
                Some(node) => Extension::ForgottenNode { node, seconds: reader.u64() },
                None => Extension::Other(kind),
            },
            3 => reader.id().map_or(Extension::Other(kind), Extension::ShardId),
            ZONE => Extension::Zone(zero_ended(reader.0)),
            _ => Extension::Other(kind),
        })
    })
}

/// A packet being written: the header, then parts of the body in the order of the calls.
#[derive(Debug)]
pub struct Writer {
    bytes: Vec<u8>,
    gossip_count: u16,
    extension_count: u16,
    message_flags: u8,
}

impl Writer {
    pub fn new(kind: Kind, header: &Header) -> Writer {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + 4 * GOSSIP_BYTES);
        bytes.extend_from_slice(b"RCmb\0\0\0\0");
        bytes.extend_from_slice(&VERSION.to_be_bytes());
        bytes.extend_from_slice(&header.port.to_be_bytes());
        bytes.extend_from_slice(&(kind as u16).to_be_bytes());
        bytes.extend_from_slice(&[0; 2]);
        bytes.extend_from_slice(&header.current_epoch.to_be_bytes());
        bytes.extend_from_slice(&header.config_epoch.to_be_bytes());
        bytes.extend_from_slice(&header.offset.to_be_bytes());
        bytes.extend_from_slice(&header.sender.text());
        bytes.extend_from_slice(&header.slots.to_bytes());
        bytes.extend_from_slice(&header.master.map_or([0; 40], |master| master.text()));
        push_text::<IP_BYTES>(&mut bytes, &header.ip);
        bytes.extend_from_slice(&[0; 32]);
        bytes.extend_from_slice(&header.second_port.to_be_bytes());
        bytes.extend_from_slice(&header.bus_port.to_be_bytes());
        bytes.extend_from_slice(&header.flags.0.to_be_bytes());
        bytes.extend_from_slice(&[u8::from(!header.cluster_ok), 0]);
        bytes.extend_from_slice(if header.is_kin { &KIN } else { &[0, 0] });
        debug_assert_eq!(bytes.len(), HEADER_BYTES);
        Writer { bytes, gossip_count: 0, extension_count: 0, message_flags: header.message_flags }
    }

    pub fn gossip(&mut self, entry: &GossipEntry<'_>) {
        self.bytes.extend_from_slice(&entry.node.text());
        self.bytes.extend_from_slice(&entry.ping_sent_s.to_be_bytes());
        self.bytes.extend_from_slice(&entry.pong_received_s.to_be_bytes());
        push_text::<IP_BYTES>(&mut self.bytes, entry.ip);
        for number in [entry.port, entry.bus_port, entry.flags.0, entry.second_port, 0] {
            self.bytes.extend_from_slice(&number.to_be_bytes());
        }
        self.gossip_count += 1;
    }

    pub fn extension(&mut self, extension: &Extension<'_>) {
        let mut data = Vec::new();
        let kind: u16 = match extension {
            Extension::Hostname(name) | Extension::HumanName(name) | Extension::Zone(name) => {
                data.extend_from_slice(name.as_bytes());
                data.push(0);
                match extension {
                    Extension::Hostname(_) => 0,
                    Extension::HumanName(_) => 1,
                    _ => ZONE,
                }
            }
            Extension::ForgottenNode { node, seconds } => {
                data.extend_from_slice(&node.text());
                data.extend_from_slice(&seconds.to_be_bytes());
                2
            }
            Extension::ShardId(shard) => {
                data.extend_from_slice(&shard.text());
                3
            }
            Extension::Other(_) => return,
        };
        data.resize(data.len().next_multiple_of(8), 0);
        self.bytes.extend_from_slice(&(data.len() as u32 + 8).to_be_bytes());
        self.bytes.extend_from_slice(&kind.to_be_bytes());
        self.bytes.extend_from_slice(&[0; 2]);
        self.bytes.extend_from_slice(&data);
        self.extension_count += 1;
        self.message_flags |= MESSAGE_EXTENSIONS;
    }

    /// The body of a FAIL packet.
    pub fn fail(&mut self, node: NodeId) {
        self.bytes.extend_from_slice(&node.text());
    }

    /// The body of an UPDATE packet.
    pub fn update(&mut self, config_epoch: u64, node: NodeId, slots: &SlotSet) {
        self.bytes.extend_from_slice(&config_epoch.to_be_bytes());
        self.bytes.extend_from_slice(&node.text());
        self.bytes.extend_from_slice(&slots.to_bytes());
    }

    /// The body of a PUBLISH packet; both lengths are below 4 GB.
    pub fn publish(&mut self, channel: &[u8], message: &[u8]) {
        self.bytes.extend_from_slice(&(channel.len() as u32).to_be_bytes());
        self.bytes.extend_from_slice(&(message.len() as u32).to_be_bytes());
        self.bytes.extend_from_slice(channel);
        self.bytes.extend_from_slice(message);
    }

    /// The body of a MODULE packet; the payload is below 4 GB.
    pub fn module(&mut self, module: u64, kind: u8, payload: &[u8]) {
        self.bytes.extend_from_slice(&module.to_be_bytes());
        self.bytes.extend_from_slice(&(payload.len() as u32).to_be_bytes());
        self.bytes.push(kind);
        self.bytes.extend_from_slice(payload);
    }

    pub fn finish(mut self) -> Vec<u8> {
        let length = self.bytes.len() as u32;
        self.bytes[4..8].copy_from_slice(&length.to_be_bytes());
        self.bytes[14..16].copy_from_slice(&self.gossip_count.to_be_bytes());
        self.bytes[2214..2216].copy_from_slice(&self.extension_count.to_be_bytes());
        self.bytes[2253] = self.message_flags;
        self.bytes
    }
}

/// `text` in a field of N bytes with at least one zero at its end.
fn push_text<const N: usize>(bytes: &mut Vec<u8>, text: &str) {
    let kept = &text.as_bytes()[..text.len().min(N - 1)];
    bytes.extend_from_slice(kept);
    bytes.resize(bytes.len() + N - kept.len(), 0);
}
