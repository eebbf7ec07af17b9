//! Faults on order, for who tests a cluster: links that break, packets that are not heard. By the DEBUG command only.
//!
//! Source: DEBUG CLUSTERLINK, DROP-CLUSTER-PACKET-FILTER and CLOSE-CLUSTER-LINK-ON-PACKET-DROP of Redis 7.2 and Valkey
//! 8.0.

use crate::command::{LinkDirection, Reply};
use crate::member::Member;
use crate::packet::Kind;

/// What is to go wrong.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// The wire's number of the kind of packets that are dropped as they come.
    pub dropped_kind: Option<i64>,
    /// And the link that one came on is closed.
    pub closes_link: bool,
}

impl Faults {
    pub fn drops(&self, kind: Kind) -> bool {
        self.dropped_kind == Some(kind as i64)
    }
}

impl Member {
    /// Breaks our links with a node. The one to it is opened again by the next periodic run.
    pub(crate) fn kill_links(&mut self, node: &[u8], direction: LinkDirection) -> Result<Reply, String> {
        let at = self.known(node)?;
        let (to, from) = (self.nodes[at].link, self.nodes[at].inbound);
        let killed = match direction {
            LinkDirection::To => [to, None],
            LinkDirection::From => [None, from],
            LinkDirection::All => [to, from],
        };
        killed.into_iter().flatten().for_each(|link| self.close(link));
        Ok(Reply::Ok)
    }
}
