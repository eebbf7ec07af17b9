//! `rcl replace-node`: an empty node takes another's place.

use rcl_proto::Address;

use super::add_node::meeting;
use super::change::{carry_out, entry_for};
use super::newcomer::{Admission, admit, liken};
use crate::apply::Settings;
use crate::cli::{Failure, Manners, Session};
use crate::connect::Cluster;
use crate::plan::{NodeRef, replace};

/// Puts an empty node in another's place
///
/// The new node copies the data as a replica, is promoted where the old one was a master (no write is lost), and the
/// old one leaves, reset to an empty node of its own. Works between Redis, Valkey and our nodes, both ways. Run again
/// after an interruption it goes on from what is done.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The node to replace: host:port, or its id or the id's unique beginning (with --entry)
    #[arg(value_name = "OLD")]
    pub old: String,

    /// The empty node that takes its place
    #[arg(value_name = "NEW_HOST:PORT")]
    pub new: Address,

    #[command(flatten)]
    pub admission: Admission,
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let entry = entry_for(session, &args.old)?;
    let mut cluster = Cluster::observe(&session.connector, &entry).await?;
    let old = cluster.find(&args.old)?.id;
    let known = cluster.topology.nodes.values().find(|node| node.is_at(&args.new) && node.answers());
    let (new, meeting) = match known.map(NodeRef::of) {
        Some(known) => (known, None),
        None => {
            let new = admit(session, &mut cluster, &args.new, &args.admission).await?;
            let meeting = meeting(&cluster, &new);
            (new, Some(meeting))
        }
    };
    let model = cluster.topology.node(old).filter(|node| node.answers()).map(NodeRef::of);
    let joins = meeting.is_some();
    let mut plan = replace::plan(&cluster.topology, old, &new, meeting)?;
    if let Some(model) = model.filter(|_| joins) {
        liken(&cluster, &mut plan, &new, &model, &args.admission).await?;
    }
    carry_out(session, &cluster, &plan, Manners::AskOnTerminal, Settings::default()).await
}
