//! What is asked of nodes beyond their view of the cluster: keys where they should not be, settings, ports.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rcl_proto::resp::Reply;
use rcl_proto::{Address, NodeId, Slot};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::{Cluster, Connector, Fields, Link, LinkError, Pipeline, Words};
use crate::cli::{Failure, Kind, system_words};
use crate::health::{Door, Ground, NodeGround, Strays};
use crate::topology::Node;

/// A node counts so many slots in one go: a few hundred microseconds.
const SLOTS_PER_WRITE: usize = 1024;
/// How often strays are counted before they are believed: a replica hears of a move a moment later.
const COUNTS: usize = 3;
const BETWEEN_COUNTS: Duration = Duration::from_millis(200);
/// A port that takes longer than this is as good as shut.
const DOOR_LIMIT: Duration = Duration::from_secs(2);
const PINGS: usize = 10;
/// How long is looked at how much is written.
const WRITES_WATCHED: Duration = Duration::from_millis(500);
/// What rcl sends to move slots and to repair.
const NEEDED_COMMANDS: &[&str] = &[
    "cluster",
    "migrate",
    "asking",
    "restore",
    "dump",
    "config",
    "info",
    "dbsize",
    "replicaof",
    "readonly",
    "memory",
];

/// Keys that nodes hold in slots that are not theirs, as they lie there for a while.
pub async fn strays(cluster: &Cluster) -> Result<Strays, Failure> {
    let mut strays = Strays::default();
    let mut asked = JoinSet::new();
    for node in cluster.topology.nodes.values().filter(|node| node.keys() > 0) {
        let slots: Vec<Slot> = Strays::foreign(&cluster.topology, node).iter().collect();
        let (id, link) = (node.id, cluster.link(node.id)?.clone());
        asked.spawn(async move { (id, lasting_keys(&link, slots).await) });
    }
    while let Some(counted) = asked.join_next().await {
        let (id, counts) = counted.map_err(|error| Failure::new(Kind::Internal, error.to_string()))?;
        let counts = counts?;
        if !counts.is_empty() {
            strays.0.insert(id, counts);
        }
    }
    Ok(strays)
}

/// Those of `slots` that have keys, each time they are counted.
async fn lasting_keys(link: &Link, mut slots: Vec<Slot>) -> Result<BTreeMap<Slot, u64>, LinkError> {
    let mut counts = BTreeMap::new();
    for attempt in 0..COUNTS {
        if attempt > 0 {
            tokio::time::sleep(BETWEEN_COUNTS).await;
        }
        counts = keys_in(link, &slots).await?;
        slots = counts.keys().copied().collect();
        if slots.is_empty() {
            break;
        }
    }
    Ok(counts)
}

/// How many keys each of `slots` has on a node; those with none are left out.
pub async fn keys_in(link: &Link, slots: &[Slot]) -> Result<BTreeMap<Slot, u64>, LinkError> {
    let ask = |slot: &Slot| Words::of(&["CLUSTER", "COUNTKEYSINSLOT"]).and(slot.to_string());
    let mut counts = BTreeMap::new();
    for part in slots.chunks(SLOTS_PER_WRITE) {
        let replies = link.all(&part.iter().map(ask).collect::<Pipeline>()).await?;
        for (slot, reply) in part.iter().zip(replies) {
            if let Reply::Integer(count @ 1..) = reply {
                counts.insert(*slot, count.unsigned_abs());
            }
        }
    }
    Ok(counts)
}

/// Asks and tries all nodes that answer, at once.
pub async fn ground(cluster: &Cluster) -> Result<Ground, Failure> {
    let mut asked = JoinSet::new();
    for node in cluster.topology.nodes.values().filter(|node| node.answers()) {
        let (link, node, connector) =
            (cluster.link(node.id)?.clone(), node.clone(), cluster.connector.clone());
        asked.spawn(async move { (node.id, node_ground(&connector, &link, &node).await) });
    }
    let mut ground = Ground::default();
    while let Some(answer) = asked.join_next().await {
        let (id, here) = answer.map_err(|error| Failure::new(Kind::Internal, error.to_string()))?;
        ground.0.insert(id, here?);
    }
    Ok(ground)
}

async fn node_ground(connector: &Connector, link: &Link, node: &Node) -> Result<NodeGround, LinkError> {
    let before = (Fields::of(&link.raw(&Words::of(&["INFO"])).await?), Instant::now());
    let settings = settings(link).await?;
    let announced = announced(node, settings.as_ref());
    let bus = bus_address(node);
    let (client_door, bus_door) = tokio::join!(
        client_door(connector, link, node, &announced),
        door(connector, bus.as_ref(), DOOR_LIMIT)
    );
    let lets_everybody_in = lets_everybody_in(link).await?;
    let missing_commands = missing_commands(link).await?;
    let slowest_ping_ms = slowest_ping_ms(link).await?;
    tokio::time::sleep(WRITES_WATCHED.saturating_sub(before.1.elapsed())).await;
    let info = Fields::of(&link.raw(&Words::of(&["INFO"])).await?);
    let written = info.number("master_repl_offset").saturating_sub(before.0.number("master_repl_offset"));
    let elapsed_ms = before.1.elapsed().as_millis().max(1) as u64;
    Ok(NodeGround {
        settings,
        info: info.into_map(),
        lets_everybody_in,
        missing_commands,
        client_door,
        bus_door,
        slowest_ping_ms,
        written_bytes_per_second: written.saturating_mul(1000) / elapsed_ms,
    })
}

/// All of them; `None` when it does not let us see them.
pub async fn settings(link: &Link) -> Result<Option<BTreeMap<String, String>>, LinkError> {
    let text = |reply: &Reply| reply.as_bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let pairs: Vec<String> = match link.raw(&Words::of(&["CONFIG", "GET", "*"])).await? {
        Reply::Array(words) => words.iter().filter_map(text).collect(),
        Reply::Map(pairs) => {
            pairs.iter().flat_map(|(name, value)| [text(name), text(value)]).flatten().collect()
        }
        _ => return Ok(None),
    };
    Ok(Some(pairs.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()))
}

async fn lets_everybody_in(link: &Link) -> Result<bool, LinkError> {
    let Reply::Array(fields) = link.raw(&Words::of(&["ACL", "GETUSER", "default"])).await? else {
        return Ok(false);
    };
    let field = |name: &str| {
        fields.chunks_exact(2).find(|pair| pair[0].as_bytes() == Some(name.as_bytes())).map(|pair| &pair[1])
    };
    let flag = |word: &str| match field("flags") {
        Some(Reply::Array(flags) | Reply::Set(flags)) => {
            flags.iter().any(|flag| flag.as_bytes() == Some(word.as_bytes()))
        }
        _ => false,
    };
    let commands = field("commands").and_then(Reply::as_bytes).unwrap_or_default();
    Ok(flag("on") && flag("nopass") && commands.starts_with(b"+@all"))
}

async fn missing_commands(link: &Link) -> Result<Vec<String>, LinkError> {
    let ask = NEEDED_COMMANDS.iter().fold(Words::of(&["COMMAND", "INFO"]), |words, name| words.and(name));
    let Reply::Array(known) = link.raw(&ask).await? else { return Ok(Vec::new()) };
    let missing = NEEDED_COMMANDS.iter().zip(&known).filter(|(_, reply)| matches!(reply, Reply::Null));
    Ok(missing.map(|(name, _)| (*name).to_ascii_uppercase()).collect())
}

async fn slowest_ping_ms(link: &Link) -> Result<u64, LinkError> {
    let mut slowest = Duration::ZERO;
    for _ in 0..PINGS {
        let started = Instant::now();
        link.raw(&Words::of(&["PING"])).await?;
        slowest = slowest.max(started.elapsed());
    }
    Ok(slowest.as_millis() as u64)
}

fn bus_address(node: &Node) -> Option<Address> {
    (node.bus_port != 0).then(|| Address::new(node.address.host.clone(), node.bus_port))
}

/// Where clients are sent: the address, or the name where the node prefers that.
fn announced(node: &Node, settings: Option<&BTreeMap<String, String>>) -> Address {
    let setting =
        |name: &str| settings.and_then(|settings| settings.get(name)).map(String::as_str).unwrap_or_default();
    let hostname = setting("cluster-announce-hostname");
    if setting("cluster-preferred-endpoint-type") == "hostname" && !hostname.is_empty() {
        return Address::new(hostname, node.address.port);
    }
    node.address.clone()
}

/// Where clients are sent, the node itself has to answer.
async fn client_door(connector: &Connector, link: &Link, node: &Node, announced: &Address) -> Door {
    if announced == link.address() {
        return Door::Open;
    }
    answers_as(connector, announced, node.id, DOOR_LIMIT).await.map_or_else(Door::Shut, |()| Door::Open)
}

/// Whether somebody listens there.
pub async fn door(connector: &Connector, address: Option<&Address>, limit: Duration) -> Door {
    let Some(address) = address else { return Door::Unknown };
    let address = connector.transport.map.reachable(address);
    match tokio::time::timeout(limit, TcpStream::connect((address.host.as_str(), address.port))).await {
        Ok(Ok(_)) => Door::Open,
        Ok(Err(error)) => Door::Shut(reason(&error)),
        Err(_) => Door::Shut("no answer, as behind a firewall".into()),
    }
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => "the connection is refused: nobody listens there".into(),
        _ => system_words(&error.to_string()),
    }
}

/// That the node with this id answers at `address`. Who does not let us ask may be it.
pub async fn answers_as(
    connector: &Connector,
    address: &Address,
    id: NodeId,
    limit: Duration,
) -> Result<(), String> {
    if let Door::Shut(why) = door(connector, Some(address), limit).await {
        return Err(format!("{address}: {why}"));
    }
    let asked = async { connector.connect(address).await?.text(&["CLUSTER", "MYID"]).await };
    match tokio::time::timeout(limit, asked).await {
        Ok(Ok(answer)) if answer == id.to_string() => Ok(()),
        Ok(Ok(answer)) => Err(format!("{address}: another node answers there, {answer:.8}")),
        Ok(Err(LinkError::Denied { .. } | LinkError::Server { .. })) => Ok(()),
        Ok(Err(LinkError::Unreachable { why, .. } | LinkError::Unexpected { reply: why, .. })) => {
            Err(format!("{address}: somebody listens there who does not speak as this node does ({why})"))
        }
        Err(_) => Err(format!("{address}: somebody listens there who does not answer")),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// What is found of a place where each request gets this answer.
    async fn found(answer: &'static str) -> Result<(), String> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = Address::new("127.0.0.1", listener.local_addr().unwrap().port());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut bytes = [0; 4096];
                    while let Ok(length @ 1..) = stream.read(&mut bytes).await {
                        let requests = bytes[..length].iter().filter(|byte| **byte == b'*').count();
                        let _ = stream.write_all(answer.repeat(requests).as_bytes()).await;
                    }
                });
            }
        });
        let connector = Connector::new(None, Duration::from_secs(5));
        let id = "a".repeat(40).parse().unwrap();
        answers_as(&connector, &address, id, Duration::from_millis(500)).await
    }

    #[tokio::test]
    async fn only_the_node_itself_is_where_it_says_it_is() {
        assert_eq!(found("+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n").await, Ok(()));
        assert_eq!(found("-NOAUTH Authentication required.\r\n").await, Ok(()));
        let refused = [
            ("+bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n", "another node answers there, bbbbbbbb"),
            ("HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak as this node does"),
            ("", "does not answer"),
        ];
        for (answer, why) in refused {
            let found = found(answer).await.unwrap_err();
            assert!(found.contains(why), "{answer:?}: {found}");
        }
    }
}
