//! What `rcl plan` and `rcl apply` share: a file read, the cluster that it is about observed, and what differs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rcl_proto::{Address, NodeId};
use serde::Serialize;

use super::create;
use super::newcomer::{Admission, admit};
use crate::cli::{Failure, Session};
use crate::connect::{Cluster, view};
use crate::describe::{Description, Source, read};
use crate::output::{Paint, Report, count, paint};
use crate::plan::described::{self, Difference, Shard, Share, Wish};
use crate::plan::settings::Known;
use crate::plan::{NodeRef, Plan};
use crate::topology::{Node, Topology};

/// What differs, and the plan that ends it.
#[derive(Debug, Serialize)]
pub struct Comparison {
    pub file: String,
    pub differences: Vec<Difference>,
    /// Nodes that the file does not name, and that stay.
    pub unlisted: Vec<NodeRef>,
    pub plan: Plan,
}

impl Comparison {
    /// Without the plan.
    pub fn difference_text(&self) -> String {
        let mut lines: Vec<String> = self.differences.iter().map(line).collect();
        lines.extend(self.unlisted.iter().map(|node| {
            let mark = paint(Paint::Warn, "!");
            format!("{mark} {} is not described, and stays; --remove-unlisted takes it out", node.name())
        }));
        lines.push(match self.differences.len() {
            0 => format!("the cluster is what {} describes", self.file),
            1 => format!("1 difference from {}", self.file),
            many => format!("{} differences from {}", count(many as u64), self.file),
        });
        lines.join("\n")
    }
}

fn line(difference: &Difference) -> String {
    match difference {
        Difference::Add { node, role } => {
            format!("{} {} joins as {role}", paint(Paint::Good, "+"), node.name())
        }
        Difference::Remove { node } => format!("{} {} leaves", paint(Paint::Bad, "-"), node.name()),
        Difference::Change { node, what, from, to } => {
            let (from, to) = (shortened(from), shortened(to));
            format!("{} {} {what}: {from} -> {to}", paint(Paint::Warn, "~"), node.name())
        }
    }
}

/// Many ranges of slots would fill the screen; the JSON has them all.
fn shortened(value: &str) -> String {
    const MOST: usize = 40;
    let value = crate::plan::shown(value);
    match value.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", &value[..at]),
        None => value,
    }
}

impl Report for Comparison {
    fn text(&self) -> String {
        if self.differences.is_empty() {
            return self.difference_text();
        }
        format!("{}\n\n{}", self.difference_text(), self.plan.text())
    }
}

pub async fn compare(
    session: &Session,
    path: &Path,
    remove_unlisted: bool,
) -> Result<(Cluster, Comparison), Failure> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| Failure::usage(format!("{name}: {error}")))?;
    let source = Source { name, text };
    let description = read(&source)?;
    let (cluster, newcomers) = observe(session, &source, &description).await?;
    let names = description.directives();
    let ids: Vec<NodeId> = description
        .nodes()
        .filter_map(|place| find(&cluster.topology, place.node))
        .map(|node| node.id)
        .collect();
    let known = if names.is_empty() { Known::new() } else { cluster.directives(ids, &names).await? };
    let mut wish = wish(&source, &description, &cluster.topology, &known)?;
    wish.newcomers = newcomers;
    wish.remove_unlisted |= remove_unlisted;
    let described = described::plan(&cluster.topology, &known, &wish)?;
    let mut plan = described.plan;
    plan.title = format!("make the cluster what {} describes", source.name);
    let (differences, unlisted) = (described.differences, described.unlisted);
    Ok((cluster, Comparison { file: source.name, differences, unlisted, plan }))
}

/// The cluster, and which of the described nodes are to become part of it. Where none is in a cluster, all of them alone.
async fn observe(
    session: &Session,
    source: &Source,
    description: &Description,
) -> Result<(Cluster, BTreeSet<NodeId>), Failure> {
    let addresses: Vec<Address> = description.nodes().map(|place| place.node.clone()).collect();
    let Some(entry) = member(session, source, &addresses).await? else {
        let cluster = create::observe(session, &addresses).await?;
        let all = cluster.topology.nodes.keys().copied().collect();
        return Ok((cluster, all));
    };
    let mut cluster = Cluster::observe(&session.connector, &entry).await?;
    let mut newcomers = BTreeSet::new();
    for address in &addresses {
        if find(&cluster.topology, address).is_none() {
            let new = admit(session, &mut cluster, address, &Admission::default())
                .await
                .map_err(|failure| at(source, address, failure))?;
            newcomers.insert(new.id);
        }
    }
    Ok((cluster, newcomers))
}

/// One of the nodes that is in a cluster; an error where none is and one cannot be asked.
async fn member(
    session: &Session,
    source: &Source,
    addresses: &[Address],
) -> Result<Option<Address>, Failure> {
    if let Some(entry) = &session.entry {
        return Ok(Some(entry.clone()));
    }
    let mut unreachable = None;
    for address in addresses {
        let seen = match session.connector.connect(address).await {
            Ok(link) => view(&link).await,
            Err(error) => Err(error.into()),
        };
        match seen {
            Ok(seen) if seen.lines.len() > 1 || seen.lines.iter().any(|line| !line.slots.is_empty()) => {
                return Ok(Some(address.clone()));
            }
            Ok(_) => {}
            Err(failure) => {
                unreachable.get_or_insert_with(|| at(source, address, failure));
            }
        }
    }
    unreachable.map_or(Ok(None), Err)
}

fn at(source: &Source, address: &Address, failure: Failure) -> Failure {
    Failure { what: format!("{}: {}", source.place(&address.to_string(), 0), failure.what), ..failure }
}

/// One that answers, where a ghost has the same address.
fn find<'a>(topology: &'a Topology, address: &Address) -> Option<&'a Node> {
    topology.nodes.values().filter(|node| node.is_at(address)).max_by_key(|node| node.answers())
}

fn wish(
    source: &Source,
    description: &Description,
    topology: &Topology,
    known: &Known,
) -> Result<Wish, Failure> {
    let id = |address: &Address| {
        let missing = || source.refuse(&address.to_string(), 0, &format!("{address} is not found"));
        find(topology, address).map(|node| node.id).ok_or_else(missing)
    };
    let mut masters = Vec::new();
    for master in &description.masters {
        let share = match (&master.slots, master.weight) {
            (Some(slots), _) => Share::Exactly(Box::new(slots.0.clone())),
            (None, weight) => Share::Weight(weight.map_or(1.0, |weight| weight.0)),
        };
        let replicas = master.replicas.iter().map(|replica| id(&replica.node)).collect::<Result<_, _>>()?;
        masters.push(Shard { master: id(&master.node)?, replicas, share });
    }
    let (mut settings, mut zones, mut seen) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
    for place in description.nodes() {
        let node = id(place.node)?;
        if !seen.insert(node) {
            let what = format!("{} is a node that stands here by another address, too", place.node);
            return Err(source.refuse(&place.node.to_string(), 0, &what));
        }
        let wanted = description.settings_of(&place);
        if let Some(name) =
            wanted.keys().find(|name| !known.get(&node).is_some_and(|known| known.contains_key(**name)))
        {
            let near = rcl_node::config::table::nearest_name(name).filter(|near| near != name);
            let failure = source.refuse(name, 0, &format!("{} knows no directive {name}", place.node));
            return Err(match near {
                Some(near) => failure.next(format!("did you mean {near}?")),
                None => failure,
            });
        }
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        settings.insert(node, wanted.into_iter().map(owned).collect());
        let own_zone =
            topology.node(node).and_then(|node| node.facts.as_ref()).and_then(|facts| facts.zone.as_deref());
        if let (Some(zone), Some(own)) = (place.zone, own_zone)
            && zone != own
        {
            let what = format!("{} says that it is in zone {own}, not {zone}", place.node);
            return Err(source.refuse(&place.node.to_string(), 0, &what));
        }
        zones.extend(place.zone.or(own_zone).map(|zone| (node, zone.to_owned())));
    }
    let remove_unlisted = description.remove_unlisted;
    Ok(Wish { masters, settings, newcomers: BTreeSet::new(), zones, remove_unlisted })
}
