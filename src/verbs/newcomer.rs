//! Nodes that are to become part of a cluster: they must be reachable, in cluster mode, alone and empty; and how they differ
//! from those that are there.

use std::collections::BTreeMap;

use rcl_proto::{Address, NodeId};

use crate::apply::users;
use crate::cli::{Failure, Session};
use crate::connect::{self, Cluster, Link};
use crate::plan::likeness::{Likeness, Manner, compare};
use crate::plan::{NodeRef, Plan, Step};
use crate::preflight::{self, Allow, Answer};

/// What all verbs take that let a node in.
#[derive(Debug, Default, clap::Args)]
pub struct Admission {
    /// Gives it the cluster's ACL users, with their passwords' hashes
    #[arg(long)]
    pub copy_acl: bool,

    /// Sets its memory limit, persistence, passwords, timeouts and the like as the cluster has them
    #[arg(long)]
    pub copy_settings: bool,

    /// Goes on in spite of what is found so; may be given several times
    #[arg(long, value_name = "WHAT", value_enum, hide_possible_values = true)]
    pub allow: Vec<Allow>,
}

/// Takes a node that is fit to join into the picture, as a lone master.
pub async fn admit(
    session: &Session,
    cluster: &mut Cluster,
    new: &Address,
    admission: &Admission,
) -> Result<NodeRef, Failure> {
    if let Some(node) = cluster.topology.nodes.values().find(|node| node.is_at(new) && node.answers()) {
        return Err(Failure::refused(format!("{} is in this cluster already", node.name()))
            .next(format!("rcl nodes {}", cluster.entry)));
    }
    let mut visits = preflight::visit_all(&session.connector, std::slice::from_ref(new)).await;
    if let Some(failure) = preflight::judge(&visits, &admission.allow).into_failure(1) {
        return Err(failure);
    }
    let unfit = || Failure::refused(format!("{new} did not say what it is"));
    let visit = visits.pop().ok_or_else(unfit)?;
    let (Answer::Node(seen), Some(link)) = (visit.answer, visit.link) else { return Err(unfit()) };
    let id = seen.view.viewer;
    let lone = crate::topology::merge(&[seen.view], &BTreeMap::new());
    cluster.topology.nodes.extend(lone.nodes);
    cluster.links.insert(id, link);
    Ok(NodeRef { id, address: new.clone() })
}

/// Puts into a plan what makes the newcomer like a node that is there, or what stays different.
pub async fn liken(
    cluster: &Cluster,
    plan: &mut Plan,
    new: &NodeRef,
    model: &NodeRef,
    admission: &Admission,
) -> Result<(), Failure> {
    let likeness = likeness(cluster, new.id, model.id).await?;
    let (settings, acl) = (admission.copy_settings, admission.copy_acl);
    plan.warnings.extend(likeness.warnings(new, model, settings, acl));
    let steps: Vec<Step> = likeness.steps(new, model, settings, acl);
    plan.steps.splice(0..0, steps);
    Ok(())
}

async fn likeness(cluster: &Cluster, new: NodeId, model: NodeId) -> Result<Likeness, Failure> {
    Ok(compare(&manner(cluster.link(new)?).await?, &manner(cluster.link(model)?).await?))
}

async fn manner(link: &Link) -> Result<Manner, Failure> {
    Ok(Manner { settings: connect::settings(link).await?, users: users(link).await? })
}
