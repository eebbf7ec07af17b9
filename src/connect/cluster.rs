//! All nodes of a cluster at once: connects to each, asks each for its view.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rcl_proto::nodes_text::{self, NodeFlags};
use rcl_proto::resp::Reply;
use rcl_proto::{Address, NodeId};
use tokio::task::JoinSet;

use super::{Connector, Link, LinkError, Pipeline, Words, address};
use crate::cli::{Failure, Kind};
use crate::topology::{self, Facts, Node, Topology, View};

/// A topology, and the connections over which it was seen.
#[derive(Debug)]
pub struct Cluster {
    pub topology: Topology,
    pub links: BTreeMap<NodeId, Link>,
    pub connector: Connector,
    pub entry: Address,
}

impl Cluster {
    /// Asks `entry` who is there, then all of them at once, and whomever these name besides. A node that does not answer is part of the
    /// topology; an entry that does not is an error.
    pub async fn observe(connector: &Connector, entry: &Address) -> Result<Cluster, Failure> {
        let link = connector.enter(entry).await?;
        Cluster::observe_over(connector, link, BTreeMap::new()).await
    }

    /// The same cluster, asked again over the same connections.
    pub async fn again(&self) -> Result<Cluster, Failure> {
        let entry = self.links.values().find(|link| *link.address() == self.entry);
        match entry.or_else(|| self.links.values().next()) {
            Some(link) => Cluster::observe_over(&self.connector, link.clone(), self.links.clone()).await,
            None => Cluster::observe(&self.connector, &self.entry).await,
        }
    }

    async fn observe_over(
        connector: &Connector,
        entry: Link,
        known: BTreeMap<NodeId, Link>,
    ) -> Result<Cluster, Failure> {
        let first = view(&entry).await?;
        let mut asked = JoinSet::new();
        let mut named = BTreeSet::from([first.viewer]);
        let mut ask_who_is_new = |view: &View, asked: &mut JoinSet<_>| {
            for line in &view.lines {
                let has_address = !line.flags.contains(NodeFlags::HANDSHAKE) && line.endpoint.port != 0;
                if !has_address || !named.insert(line.id) {
                    continue;
                }
                let address = Address::new(line.endpoint.ip.clone(), line.endpoint.port);
                let (id, connector, known) = (line.id, connector.clone(), known.get(&line.id).cloned());
                asked.spawn(async move { (id, ask(&connector, &address, known).await) });
            }
        };
        ask_who_is_new(&first, &mut asked);
        let mut links = BTreeMap::from([(first.viewer, entry.clone())]);
        let mut views = vec![first];
        let mut silent = BTreeMap::new();
        while let Some(answer) = asked.join_next().await {
            let Ok((id, answer)) = answer else { continue };
            match answer {
                Ok((link, view)) if view.viewer == id => {
                    // It may know of nodes that the entry has forgotten.
                    ask_who_is_new(&view, &mut asked);
                    links.insert(id, link);
                    views.push(view);
                }
                Ok((link, view)) => {
                    let why = format!("at {} another node answers, {:.8}", link.address(), view.viewer);
                    silent.insert(id, why);
                }
                Err(failure) => {
                    silent.insert(id, failure.what);
                }
            }
        }
        let topology = topology::merge(&views, &silent);
        Ok(Cluster { topology, links, connector: connector.clone(), entry: entry.address().clone() })
    }

    pub fn link(&self, id: NodeId) -> Result<&Link, Failure> {
        self.links.get(&id).ok_or_else(|| {
            let why = self.topology.node(id).and_then(|node| node.silence.clone()).unwrap_or_default();
            Failure::new(Kind::Unreachable, format!("{} does not answer: {why}", self.topology.name(id)))
                .next(format!("start it again, or see rcl check {}", self.entry))
        })
    }

    /// The node with this address, id, or unique beginning of an id.
    pub fn find(&self, text: &str) -> Result<&Node, Failure> {
        let nodes = &self.topology.nodes;
        let map = &self.connector.transport.map;
        // A host without a port may be the beginning of an id; an id is no address.
        let mut found: Vec<&Node> = match address::read(text) {
            Ok(address) => nodes
                .values()
                .filter(|node| node.is_at(&address) || map.reachable(&node.address) == address)
                .collect(),
            Err(_) => Vec::new(),
        };
        if found.is_empty() {
            let text = text.to_ascii_lowercase();
            let fits = |node: &&Node| !text.is_empty() && node.id.to_string().starts_with(&text);
            found = nodes.values().filter(fits).collect();
        }
        match found.as_slice() {
            [node] => Ok(node),
            [] => Err(Failure::refused(format!("no node '{text}' in the cluster of {}", self.entry))
                .next(format!("rcl nodes {} shows the nodes and their ids", self.entry))),
            many => {
                Err(Failure::refused(format!("'{text}' fits {} nodes", many.len()))
                    .next("give more of the id"))
            }
        }
    }
}

async fn ask(connector: &Connector, address: &Address, known: Option<Link>) -> Result<(Link, View), Failure> {
    let link = match known {
        Some(link) => link,
        // A node that is down must not hold up the view of the others for long.
        None => {
            tokio::time::timeout(connector.time_limit.min(Duration::from_secs(3)), connector.connect(address))
                .await
                .map_err(|_| LinkError::Unreachable { address: address.clone(), why: "no answer".into() })??
        }
    };
    let view = view(&link).await?;
    Ok((link, view))
}

/// What the node at the other end says of the cluster and of itself.
pub async fn view(link: &Link) -> Result<View, Failure> {
    let questions: Pipeline = [
        Words::of(&["INFO"]),
        Words::of(&["CLUSTER", "NODES"]),
        Words::of(&["CLUSTER", "INFO"]),
        Words::of(&["DBSIZE"]),
    ]
    .into_iter()
    .collect();
    let replies = link.pipeline(&questions).await?;
    let [info, nodes, cluster, keys] = <[Reply; 4]>::try_from(replies)
        .map_err(|_| Failure::new(Kind::Internal, format!("{} lost replies", link.address())))?;
    for reply in [&info, &nodes] {
        if let Reply::Error(error) = reply
            && ["NOAUTH", "NOPERM", "WRONGPASS"].iter().any(|code| error.starts_with(code))
        {
            return Err(LinkError::Denied { address: link.address().clone(), why: error.clone() }.into());
        }
    }
    let info = Fields::of(&info);
    if info.get("cluster_enabled") == Some("0") {
        return Err(Failure::refused(format!("{} is not in cluster mode", link.address()))
            .next("start it with cluster-enabled yes"));
    }
    let nodes = match (&nodes, nodes.as_bytes()) {
        (Reply::Error(error), _) => {
            return Err(Failure::new(
                Kind::Unreachable,
                format!("{} answered CLUSTER NODES with: {error}", link.address()),
            ));
        }
        (_, Some(text)) => String::from_utf8_lossy(text).into_owned(),
        (reply, None) => return Err(link.unexpected(&Words::of(&["CLUSTER", "NODES"]), reply).into()),
    };
    let lines = nodes_text::parse(&nodes)
        .map_err(|error| Failure::new(Kind::Internal, format!("{}: {error}", link.address())))?;
    let viewer =
        lines.iter().find(|line| line.flags.contains(NodeFlags::MYSELF)).map(|line| line.id).ok_or_else(
            || Failure::new(Kind::Internal, format!("{} does not list itself", link.address())),
        )?;
    let facts = facts(&info, &Fields::of(&cluster), &keys);
    Ok(View { viewer, address: link.address().clone(), lines, facts })
}

fn facts(info: &Fields, cluster: &Fields, keys: &Reply) -> Facts {
    let master = info.get("role") == Some("master");
    let offset = if master { "master_repl_offset" } else { "slave_repl_offset" };
    Facts {
        version: info.get("valkey_version").or(info.get("redis_version")).unwrap_or_default().to_owned(),
        // Others say redis_version too, for the clients that look for it, and their own name beside it.
        is_redis: info.get("redis_version").is_some()
            && info.get("valkey_version").is_none()
            && info.get("server_name").is_none_or(|name| name == "redis"),
        is_valkey: info.get("valkey_version").is_some()
            && info.get("server_name").is_none_or(|name| name == "valkey"),
        keys: if let Reply::Integer(keys) = keys { u64::try_from(*keys).unwrap_or(0) } else { 0 },
        used_memory_bytes: info.number("used_memory"),
        max_memory_bytes: info.number("maxmemory"),
        replication_offset: info.number(offset),
        link_up: master || info.get("master_link_status") == Some("up"),
        state_ok: cluster.get("cluster_state") == Some("ok"),
        current_epoch: cluster.number("cluster_current_epoch"),
        zone: info.get("availability_zone").filter(|zone| !zone.is_empty()).map(str::to_owned),
        backlog_bytes: if info.get("repl_backlog_active") == Some("1") {
            info.number("repl_backlog_size")
        } else {
            0
        },
    }
}

/// `name:value` lines, as INFO and CLUSTER INFO have them.
pub struct Fields(BTreeMap<String, String>);

impl Fields {
    pub fn of(reply: &Reply) -> Fields {
        let text = String::from_utf8_lossy(reply.as_bytes().unwrap_or_default()).into_owned();
        let fields = text.lines().filter_map(|line| line.trim_end().split_once(':'));
        Fields(fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// A section of INFO.
    pub async fn of_section(link: &Link, section: &str) -> Result<Fields, LinkError> {
        Ok(Fields::of(&link.call(Words::of(&["INFO", section])).await?))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn into_map(self) -> BTreeMap<String, String> {
        self.0
    }

    /// 0 when there is none.
    pub fn number(&self, name: &str) -> u64 {
        self.get(name).and_then(|value| value.parse().ok()).unwrap_or(0)
    }
}
