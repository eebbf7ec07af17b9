//! The text of `CLUSTER NODES`, which nodes.conf shares.
//!
//! ```text
//! <id> <host:port@bus[,hostname][,aux=value…]> <flags> <master id|-> <ping-sent> <pong-recv> <config-epoch> <link-state> <slot>…
//! ```
//!
//! A `<slot>` is `n`, `first-last`, `[n->-target]` (migrating, only on the myself line) or `[n-<-source]`
//! (importing, likewise). Source: the documentation of `CLUSTER NODES`; nodes.conf adds a last line
//! `vars currentEpoch N lastVoteEpoch M`, which is not parsed here.

use std::fmt;
use std::str::FromStr;

use crate::{NodeId, Slot, SlotRange, SlotSet};

/// One line: one node as another one sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeLine {
    pub id: NodeId,
    pub endpoint: Endpoint,
    pub flags: NodeFlags,
    /// The node that this one replicates; `None` for a master.
    pub master: Option<NodeId>,
    /// When the pending ping was sent, Unix time in milliseconds; 0 when none is pending.
    pub ping_sent_ms: u64,
    /// When the last pong came, Unix time in milliseconds.
    pub pong_received_ms: u64,
    pub config_epoch: u64,
    pub link_connected: bool,
    pub slots: SlotSet,
    pub migrating: Vec<(Slot, NodeId)>,
    pub importing: Vec<(Slot, NodeId)>,
}

/// Where a node says it is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// An IP address; empty while a node does not know its own.
    pub ip: String,
    pub port: u16,
    /// The cluster bus; 0 when the text has none (very old servers).
    pub bus_port: u16,
    /// The announced host name, if any.
    pub hostname: String,
    /// What follows as `name=value` (`tls-port`, `shard-id`, …), in order.
    pub aux: Vec<(String, String)>,
}

/// The flags of a node, one bit a word of the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeFlags(u16);

impl NodeFlags {
    pub const NONE: NodeFlags = NodeFlags(0);
    pub const MYSELF: NodeFlags = NodeFlags(1 << 0);
    pub const MASTER: NodeFlags = NodeFlags(1 << 1);
    pub const REPLICA: NodeFlags = NodeFlags(1 << 2);
    /// Suspected by the one node that says so.
    pub const PFAIL: NodeFlags = NodeFlags(1 << 3);
    /// Failed by the word of a majority of masters.
    pub const FAIL: NodeFlags = NodeFlags(1 << 4);
    pub const HANDSHAKE: NodeFlags = NodeFlags(1 << 5);
    pub const NOADDR: NodeFlags = NodeFlags(1 << 6);
    pub const NOFAILOVER: NodeFlags = NodeFlags(1 << 7);

    /// In the order in which Redis writes them.
    const WORDS: [(NodeFlags, &'static str); 8] = [
        (NodeFlags::MYSELF, "myself"),
        (NodeFlags::MASTER, "master"),
        (NodeFlags::REPLICA, "slave"),
        (NodeFlags::PFAIL, "fail?"),
        (NodeFlags::FAIL, "fail"),
        (NodeFlags::HANDSHAKE, "handshake"),
        (NodeFlags::NOADDR, "noaddr"),
        (NodeFlags::NOFAILOVER, "nofailover"),
    ];

    pub const fn contains(self, flag: NodeFlags) -> bool {
        self.0 & flag.0 == flag.0
    }

    pub const fn intersects(self, flags: NodeFlags) -> bool {
        self.0 & flags.0 != 0
    }

    #[must_use]
    pub const fn with(self, flag: NodeFlags) -> NodeFlags {
        NodeFlags(self.0 | flag.0)
    }

    #[must_use]
    pub const fn without(self, flag: NodeFlags) -> NodeFlags {
        NodeFlags(self.0 & !flag.0)
    }
}

impl fmt::Display for NodeFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == NodeFlags::NONE {
            return f.write_str("noflags");
        }
        let mut comma = "";
        for (flag, word) in NodeFlags::WORDS {
            if self.contains(flag) {
                write!(f, "{comma}{word}")?;
                comma = ",";
            }
        }
        Ok(())
    }
}

/// What is wrong with a text, and in which line (from 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodesTextError {
    pub line: usize,
    pub reason: String,
}

impl fmt::Display for NodesTextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} of the nodes text: {}", self.line, self.reason)
    }
}

impl std::error::Error for NodesTextError {}

/// All lines of a `CLUSTER NODES` reply.
pub fn parse(text: &str) -> Result<Vec<NodeLine>, NodesTextError> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| line.parse().map_err(|reason| NodesTextError { line: index + 1, reason }))
        .collect()
}

impl FromStr for NodeLine {
    type Err = String;

    fn from_str(line: &str) -> Result<NodeLine, String> {
        let mut words = line.split_ascii_whitespace();
        let mut field = |name: &str| words.next().ok_or_else(|| format!("no {name}"));
        let id = parse_id(field("node id")?)?;
        let endpoint = field("address")?.parse()?;
        let flags = parse_flags(field("flags")?)?;
        let master = match field("master")? {
            "-" => None,
            id => Some(parse_id(id)?),
        };
        let ping_sent_ms = parse_number(field("ping-sent")?, "ping-sent")?;
        let pong_received_ms = parse_number(field("pong-recv")?, "pong-recv")?;
        let config_epoch = parse_number(field("config-epoch")?, "config-epoch")?;
        let link_connected = field("link-state")? == "connected";
        let mut node = NodeLine {
            id,
            endpoint,
            flags,
            master,
            ping_sent_ms,
            pong_received_ms,
            config_epoch,
            link_connected,
            slots: SlotSet::EMPTY,
            migrating: Vec::new(),
            importing: Vec::new(),
        };
        words.try_for_each(|word| node.add_slot_word(word))?;
        Ok(node)
    }
}

impl NodeLine {
    fn add_slot_word(&mut self, word: &str) -> Result<(), String> {
        let bad = || format!("'{word}' is no slot");
        let Some(open) = word.strip_prefix('[') else {
            self.slots.insert_range(word.parse::<SlotRange>().map_err(|_| bad())?);
            return Ok(());
        };
        let open = open.strip_suffix(']').ok_or_else(bad)?;
        let (slot, id, list) = if let Some((slot, id)) = open.split_once("->-") {
            (slot, id, &mut self.migrating)
        } else if let Some((slot, id)) = open.split_once("-<-") {
            (slot, id, &mut self.importing)
        } else {
            return Err(bad());
        };
        list.push((slot.parse().map_err(|_| bad())?, parse_id(id)?));
        Ok(())
    }
}

fn parse_id(text: &str) -> Result<NodeId, String> {
    text.parse().map_err(|error: crate::NodeIdError| error.to_string())
}

fn parse_number(text: &str, name: &str) -> Result<u64, String> {
    // Redis prints these signed; a negative one has never meant anything but "none".
    match text.parse::<i64>() {
        Ok(number) => Ok(number.max(0) as u64),
        Err(_) => text.parse().map_err(|_| format!("'{text}' is no {name}")),
    }
}

fn parse_flags(text: &str) -> Result<NodeFlags, String> {
    if text == "noflags" {
        return Ok(NodeFlags::NONE);
    }
    // Words that later servers add are no reason to refuse the line.
    let known = |word: &str| NodeFlags::WORDS.iter().find(|(_, name)| *name == word).map(|(flag, _)| *flag);
    Ok(text.split(',').filter_map(known).fold(NodeFlags::NONE, NodeFlags::with))
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Endpoint, String> {
        let bad = || format!("'{text}' is no node address");
        let mut parts = text.split(',');
        let address = parts.next().unwrap_or_default();
        let (client, bus) = address.split_once('@').unwrap_or((address, "0"));
        let (ip, port) = client.rsplit_once(':').ok_or_else(bad)?;
        let mut endpoint = Endpoint {
            ip: ip.to_owned(),
            port: port.parse().map_err(|_| bad())?,
            bus_port: bus.parse().map_err(|_| bad())?,
            ..Endpoint::default()
        };
        for part in parts {
            match part.split_once('=') {
                Some((name, value)) => endpoint.aux.push((name.to_owned(), value.to_owned())),
                None => endpoint.hostname = part.to_owned(),
            }
        }
        Ok(endpoint)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}@{}", self.ip, self.port, self.bus_port)?;
        if !self.hostname.is_empty() || !self.aux.is_empty() {
            write!(f, ",{}", self.hostname)?;
        }
        self.aux.iter().try_for_each(|(name, value)| write!(f, ",{name}={value}"))
    }
}

/// The line without its newline, as Redis writes it.
impl fmt::Display for NodeLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} ", self.id, self.endpoint, self.flags)?;
        match &self.master {
            Some(master) => write!(f, "{master}")?,
            None => f.write_str("-")?,
        }
        let link = if self.link_connected { "connected" } else { "disconnected" };
        write!(f, " {} {} {} {link}", self.ping_sent_ms, self.pong_received_ms, self.config_epoch)?;
        self.slots.ranges().iter().try_for_each(|range| write!(f, " {range}"))?;
        self.migrating.iter().try_for_each(|(slot, id)| write!(f, " [{slot}->-{id}]"))?;
        self.importing.iter().try_for_each(|(slot, id)| write!(f, " [{slot}-<-{id}]"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
07c37dfeb235213a872192d90877d0cd55635b91 127.0.0.1:30004@31004,host-4 slave e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca 0 1426238317239 4 connected
e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca 127.0.0.1:30001@31001,,shard-id=69bc080733d1355567173199cff4a6a039a2f024 myself,master - 0 0 1 connected 0-5460 9000 [93-<-292f8b365bb7edb5e285caf0b7e6ddc7265d2f4f] [77->-e7d1eecce10fd6bb5eb35b9f99a514335d9ba9cc]
292f8b365bb7edb5e285caf0b7e6ddc7265d2f4f :0@0 master,fail?,noaddr - 1426238317000 1426238316232 2 disconnected
";

    #[test]
    fn reads_and_writes_the_same_text() {
        let nodes = parse(TEXT).unwrap();
        let again: String = nodes.iter().map(|node| format!("{node}\n")).collect();
        // Migrating slots come before importing ones, as Redis orders them by slot we only compare the values.
        assert_eq!(parse(&again).unwrap(), nodes);
        assert_eq!(nodes[0].endpoint.hostname, "host-4");
        assert_eq!(nodes[1].endpoint.aux[0].0, "shard-id");
        assert_eq!(nodes[1].slots.to_string(), "0-5460 9000");
        assert_eq!((nodes[1].migrating.len(), nodes[1].importing.len()), (1, 1));
        assert!(nodes[2].flags.contains(NodeFlags::PFAIL) && !nodes[2].flags.contains(NodeFlags::FAIL));
        assert!(again.starts_with(TEXT.lines().next().unwrap()));
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        let error = parse("\nnonsense 1").unwrap_err();
        assert_eq!(error.line, 2);
        assert!(error.to_string().contains("'nonsense' is not a node id"), "{error}");
        let cut = TEXT.lines().next().unwrap().rsplit_once(' ').unwrap().0;
        assert_eq!(parse(cut).unwrap_err().reason, "no link-state");
    }
}
