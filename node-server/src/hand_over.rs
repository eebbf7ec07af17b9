//! Before a master of a cluster goes down, a replica takes its place: nothing is lost, and no slot is without a master
//! until its death is found out. With `auto-failover-on-shutdown`, or SHUTDOWN FAILOVER.
//!
//! ```text
//!   this master                               the online replica that acknowledged most
//!     connects to its client port, AUTH by masterauth if there is one
//!     CLUSTER FAILOVER ───────────────────────▶  an ordinary manual failover: it asks us to pause, catches up to
//!     waits until no shard is a master's any more   our last offset, is elected, and says so
//! ```
//!
//! Any server that knows CLUSTER FAILOVER will do: Redis and Valkey as well as our own. (Valkey 9 sends the command down
//! the replication link, which only its own replicas understand.) Writes go on until the replica asks for the pause.
//! Whatever goes wrong, the node goes down as it would have: after `shutdown-timeout`, at most [`LONGEST`].

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rcl_proto::resp::{Reply, encode_request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::node::Node;
use crate::replication::ReplicaLink;

/// A manual failover that takes longer has been given up.
const LONGEST: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// For the answers to clients whose requests waited: they are sent on to the new master.
const LAST_WORDS: Duration = Duration::from_millis(50);
/// An answer to AUTH or CLUSTER FAILOVER is shorter.
const MAX_ANSWER_BYTES: usize = 4096;

/// Hands over to a replica, if this node is a master that has one; says in the log what came of it.
pub async fn to_a_replica(node: &Arc<Node>) {
    if !node.is_cluster() || is_replica_everywhere(node) {
        return;
    }
    let within = LONGEST.min(Duration::from_secs(node.settings().shutdown_timeout_s));
    let Some(link) = best_replica(node) else {
        return tracing::warn!("no replica is online that could take over before the end");
    };
    let replica = format!("{}:{}", link.ip, link.port);
    tracing::warn!(replica, "the replica is asked to take over before the end");
    match tokio::time::timeout(within, hand_over(node, &link)).await {
        Ok(Ok(())) => {
            tracing::warn!(replica, "the replica has taken over");
            tokio::time::sleep(LAST_WORDS).await;
        }
        Ok(Err(error)) => tracing::warn!(replica, "the replica does not take over: {error}"),
        Err(_) => tracing::warn!(replica, ?within, "the replica has not taken over in time"),
    }
}

/// The one that has most of the data.
fn best_replica(node: &Node) -> Option<Arc<ReplicaLink>> {
    let links = node.replication.links().into_iter();
    links.filter(|link| link.is_online() && link.port != 0).max_by_key(|link| link.acknowledged())
}

async fn hand_over(node: &Node, link: &ReplicaLink) -> io::Result<()> {
    let mut stream = TcpStream::connect((link.ip.as_str(), link.port)).await?;
    let credentials = {
        let settings = node.settings();
        let secret = |secret: &crate::config::Secret| secret.0.clone();
        settings.masterauth.as_ref().map(|auth| (settings.masteruser.as_ref().map(secret), secret(auth)))
    };
    if let Some((user, password)) = credentials {
        let words = std::iter::once(b"AUTH".as_slice()).chain(user.as_deref()).chain([password.as_slice()]);
        call(&mut stream, &words.collect::<Vec<_>>()).await?;
    }
    call(&mut stream, &[b"CLUSTER", b"FAILOVER"]).await?;
    while !is_replica_everywhere(node) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

async fn call(stream: &mut TcpStream, words: &[&[u8]]) -> io::Result<()> {
    let mut request = Vec::new();
    encode_request(&mut request, words.iter().copied());
    stream.write_all(&request).await?;
    let mut answer = Vec::new();
    loop {
        match Reply::parse(&answer).map_err(io::Error::other)? {
            Some((Reply::Error(text), _)) => return Err(io::Error::other(text)),
            Some(_) => return Ok(()),
            None if answer.len() > MAX_ANSWER_BYTES => return Err(io::ErrorKind::InvalidData.into()),
            None => {}
        }
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// No shard takes a write as a master's any more.
fn is_replica_everywhere(node: &Node) -> bool {
    let is_replica = |index| {
        let map = node.shards.lock(index).map.clone();
        map.is_some_and(|map| map.my_master().is_some())
    };
    (0..node.shards.count()).all(is_replica)
}
