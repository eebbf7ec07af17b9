//! Connections to nodes: one place where commands leave and replies come back.
//!
//! A [`Link`] is one connection to one node. It never follows a redirect and never retries: a tool that
//! inspects a cluster must see what each node itself says.

pub mod address;
mod address_map;
mod cluster;
mod configuration;
mod ground;
mod link;
mod tls;
mod transport;

use std::time::Duration;

use rcl_proto::Address;

pub use address_map::{AddressMap, Rule};
pub use cluster::{Cluster, Fields, view};
pub use ground::{answers_as, door, ground, keys_in, settings, strays};
pub use link::{Link, LinkError, Pipeline, Words};
pub use tls::{Tls, TlsSettings, explain};
pub use transport::{BlockingStream, CONNECT_LIMIT, Transport};

/// As whom we log in. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub user: Option<String>,
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials of {}", self.user.as_deref().unwrap_or("the default user"))
    }
}

/// Opens connections to the nodes of one cluster: all with the same credentials, time limit and way to get there.
#[derive(Clone, Debug)]
pub struct Connector {
    pub credentials: Option<Credentials>,
    /// How long a reply may take to come, and at most a connection to come up.
    pub time_limit: Duration,
    pub transport: Transport,
    /// Where the cluster may be entered: when the first does not answer, the next is tried.
    pub entries: Vec<Address>,
}

impl Connector {
    /// By plain TCP, to where nodes say they are.
    pub fn new(credentials: Option<Credentials>, time_limit: Duration) -> Connector {
        Connector { credentials, time_limit, transport: Transport::default(), entries: Vec::new() }
    }

    /// The same with another login, as for another data set that is reached alike.
    #[must_use]
    pub fn logged_in_as(&self, credentials: Option<Credentials>) -> Connector {
        Connector { credentials, ..self.clone() }
    }

    #[must_use]
    pub fn within(&self, time_limit: Duration) -> Connector {
        Connector { time_limit, ..self.clone() }
    }

    /// For what carries values of any length: a node needs its time for a long one.
    #[must_use]
    pub fn patient(&self) -> Connector {
        const PATIENCE: Duration = Duration::from_secs(120);
        self.within(self.time_limit.max(PATIENCE))
    }

    pub async fn connect(&self, address: &Address) -> Result<Link, LinkError> {
        Link::open(address, self.credentials.as_ref(), self.time_limit, &self.transport).await
    }

    /// A connection to the entry that was named, or to another entry of the same cluster when that one cannot be reached.
    pub async fn enter(&self, entry: &Address) -> Result<Link, LinkError> {
        let first = self.connect(entry).await;
        if !matches!(first, Err(LinkError::Unreachable { .. })) || !self.entries.contains(entry) {
            return first;
        }
        for other in self.entries.iter().filter(|other| *other != entry) {
            if let Ok(link) = self.connect(other).await {
                return Ok(link);
            }
        }
        first
    }

    /// A blocking connection that is not logged in yet, for what has a thread of its own.
    pub fn open_blocking(&self, address: &Address) -> std::io::Result<BlockingStream> {
        self.transport.open_blocking(address, Some(self.time_limit))
    }
}
