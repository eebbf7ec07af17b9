//! Connections to nodes: one place where commands leave and replies come back.
//!
//! A [`Link`] is one connection to one node. It never follows a redirect and never retries: a tool that
//! inspects a cluster must see what each node itself says.

mod cluster;
mod link;

use std::time::Duration;

use rcl_proto::Address;

pub use cluster::{Cluster, Fields, view};
pub use link::{Link, LinkError, Pipeline, Words};

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

/// Opens connections, all with the same credentials and time limit.
#[derive(Clone, Debug)]
pub struct Connector {
    pub credentials: Option<Credentials>,
    /// How long a connection may take to come up, and a reply to come.
    pub time_limit: Duration,
}

impl Connector {
    pub fn new(credentials: Option<Credentials>, time_limit: Duration) -> Connector {
        Connector { credentials, time_limit }
    }

    /// For what carries values of any length: a node needs its time for a long one.
    #[must_use]
    pub fn patient(&self) -> Connector {
        const PATIENCE: Duration = Duration::from_secs(120);
        Connector { credentials: self.credentials.clone(), time_limit: self.time_limit.max(PATIENCE) }
    }

    pub async fn connect(&self, address: &Address) -> Result<Link, LinkError> {
        Link::open(address, self.credentials.as_ref(), self.time_limit).await
    }
}
