//! What keeps nodes from becoming a cluster, each with the node and what helps. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;

use rcl_proto::NodeId;

use super::visit::{Answer, Seen, Speech, Visit};
use crate::cli::{Failure, Kind};
use crate::health::Door;
use crate::output::number_of;

/// What somebody may know better than can be seen from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Allow {
    /// One or two masters: no failover is possible
    FewMasters,
    /// A bus port that cannot be reached from here, but from the other nodes
    BusPortBlocked,
    /// An announced address that is not found from here, but from the other nodes
    AnnouncedAddress,
    /// Nodes named by an address of this machine beside others
    LoopbackAddress,
    /// Nodes of which some are reached by IPv4 only and some by IPv6 only
    MixedFamilies,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub node: String,
    /// A sentence that names the node.
    pub what: String,
    pub mend: String,
    /// Whether it may be gone on in spite of it.
    pub allow: Option<Allow>,
    kind: Kind,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    pub faults: Vec<Fault>,
    /// What the user should know before saying yes.
    pub warnings: Vec<String>,
}

impl Judgement {
    /// All faults in one error.
    pub fn into_failure(self, nodes: usize) -> Option<Failure> {
        let worst = self.faults.first()?;
        // Wrong usage is what has to be mended first; what cannot be reached may hide more.
        let kinds = [Kind::Usage, Kind::Refused, Kind::Unreachable];
        let kind = kinds.into_iter().find(|kind| self.faults.iter().any(|fault| fault.kind == *kind));
        if let [only] = self.faults.as_slice() {
            return Some(Failure::new(only.kind, only.what.clone()).next(only.mend()));
        }
        let mut of: Vec<&str> = self.faults.iter().map(|fault| fault.node.as_str()).collect();
        of.sort_unstable();
        of.dedup();
        let mut text = format!(
            "{} of {} {} not fit for it; nothing was changed",
            of.len(),
            number_of(nodes, "node"),
            if of.len() == 1 { "is" } else { "are" }
        );
        for fault in &self.faults {
            text.push_str(&format!("\n  {}\n    mend: {}", fault.what, fault.mend()));
        }
        Some(
            Failure::new(kind.unwrap_or(worst.kind), text)
                .next("mend these, then run the same command again"),
        )
    }
}

impl Fault {
    fn new(visit: &Visit, kind: Kind, what: &str, mend: &str) -> Fault {
        let what = format!("{} {what}", visit.address);
        Fault { node: visit.address.to_string(), what, mend: mend.into(), allow: None, kind }
    }

    fn unless(mut self, allow: Allow) -> Fault {
        self.allow = Some(allow);
        self
    }

    fn mend(&self) -> String {
        match self.allow.and_then(|allow| clap::ValueEnum::to_possible_value(&allow)) {
            Some(word) => format!("{}; if you know better: --allow {}", self.mend, word.get_name()),
            None => self.mend.clone(),
        }
    }
}

pub fn judge(visits: &[Visit], allowed: &[Allow]) -> Judgement {
    let mut judgement = Judgement::default();
    let speaks = |wanted| {
        visits.iter().any(|visit| matches!(&visit.answer, Answer::OtherSpeech(speech) if *speech == wanted))
    };
    let mixed = visits.iter().any(|visit| matches!(visit.answer, Answer::Node(_)))
        && (speaks(Speech::Tls) || speaks(Speech::Plain));
    for visit in visits {
        match &visit.answer {
            Answer::Node(seen) => fitness(visit, seen, &mut judgement),
            answer => judgement.faults.push(obstacle(visit, answer, mixed)),
        }
    }
    together(visits, &mut judgement);
    judgement.faults.retain(|fault| !fault.allow.is_some_and(|allow| allowed.contains(&allow)));
    judgement
}

/// Why a node could not be asked.
fn obstacle(visit: &Visit, answer: &Answer, mixed: bool) -> Fault {
    let address = &visit.address;
    let beside = if mixed { ", and the other nodes do not" } else { "" };
    let unreachable = |what: String, mend: &str| Fault::new(visit, Kind::Unreachable, &what, mend);
    let refused = |what: &str, mend: &str| Fault::new(visit, Kind::Refused, what, mend);
    match answer {
        Answer::UnknownHost(why) => unreachable(
            format!("has a name that cannot be looked up: {why}"),
            "is it spelled right, and known here?",
        ),
        Answer::Unreachable(why) => Fault {
            what: format!("cannot reach {address}: {why}"),
            ..unreachable(
                String::new(),
                "is the node running, and is this its address? (redis-cli -h HOST -p PORT PING)",
            )
        },
        Answer::OtherSpeech(Speech::Tls) => unreachable(
            format!("speaks TLS on this port{beside}"),
            "ask all nodes in the same way: name its plain port, or the TLS ports of all, with TLS",
        ),
        Answer::OtherSpeech(_) => unreachable(
            format!("speaks plain text on this port, not TLS{beside}"),
            "name the TLS ports of all nodes, or use no TLS",
        ),
        Answer::Mute => unreachable(
            "takes the connection and does not answer".into(),
            "it may be stopped, or hang in a slow command: look at its process and its log",
        ),
        Answer::Denied(why) => unreachable(
            format!("does not let us in: {why}"),
            "set REDISCLI_AUTH, or use --password-file or --askpass, and --user for an ACL user",
        ),
        Answer::Loading => {
            refused("is loading its data", "wait until it has; a node of a new cluster has none")
        }
        Answer::Busy(why) => {
            refused(&format!("is busy: {why}"), &format!("rcl call {address} --only {address} SCRIPT KILL"))
        }
        Answer::NotInClusterMode => refused("is not in cluster mode", "start it with cluster-enabled yes"),
        Answer::Odd(what) => Fault::new(
            visit,
            Kind::Internal,
            &format!("answers what it should not: {what}"),
            "is it a Redis or Valkey server?",
        ),
        Answer::Node(_) => Fault::new(visit, Kind::Internal, "is fit", "nothing"),
    }
}

/// Whether a node alone is fit: empty, on its own, and where it says it is.
fn fitness(visit: &Visit, seen: &Seen, judgement: &mut Judgement) {
    let address = &visit.address;
    let mut refuse = |what: String, mend: &str| {
        judgement.faults.push(Fault::new(visit, Kind::Refused, &what, mend));
    };
    // To this node only: without --only the whole cluster that it is in would be reset.
    let reset = format!("if it is not needed there: rcl call {address} --only {address} CLUSTER RESET HARD");
    let view = &seen.view;
    let me = view.lines.iter().find(|line| line.id == view.viewer);
    let others = view.lines.len().saturating_sub(1);
    if others > 0 {
        refuse(format!("is already in a cluster, with {others} other nodes"), &reset);
    } else if me.is_some_and(|me| !me.slots.is_empty()) {
        refuse("already owns slots".into(), &reset);
    } else if let Some(epoch) = me.map(|me| me.config_epoch).filter(|epoch| *epoch > 0) {
        refuse(format!("was in a cluster before, and has its configuration epoch {epoch} still"), &reset);
    }
    if view.facts.keys > 0 {
        let flush = format!("if they are not needed: rcl call {address} --only {address} FLUSHALL");
        refuse(format!("is not empty: it holds {}", number_of(view.facts.keys, "key")), &flush);
    }
    if let Door::Shut(why) = &seen.bus_door {
        let what = format!("has its bus at {}, where {why}", seen.bus);
        let mend = "open that port to all nodes (firewall, container's published ports), or mend \
                    cluster-announce-bus-port and cluster-announce-ip";
        judgement.faults.push(Fault::new(visit, Kind::Refused, &what, mend).unless(Allow::BusPortBlocked));
    }
    if let Some(why) = &seen.misplaced {
        let what = format!("says that it is elsewhere, and is not: {why}");
        let mend = "mend cluster-announce-ip, cluster-announce-port or cluster-announce-tls-port of it";
        judgement.faults.push(Fault::new(visit, Kind::Refused, &what, mend).unless(Allow::AnnouncedAddress));
    }
    let setting = |name: &str| seen.settings.get(name).map_or("", String::as_str);
    if !setting("requirepass").is_empty() && setting("masterauth").is_empty() {
        judgement.warnings.push(format!(
            "{address} asks for a password and has no masterauth: as a replica it could not log in"
        ));
    }
}

/// Whether nodes that are fit each can be one cluster.
fn together(visits: &[Visit], judgement: &mut Judgement) {
    let seen: Vec<(&Visit, &Seen)> = visits
        .iter()
        .filter_map(
            |visit| if let Answer::Node(seen) = &visit.answer { Some((visit, seen.as_ref())) } else { None },
        )
        .collect();
    let mut by_id: BTreeMap<NodeId, &Visit> = BTreeMap::new();
    let mut versions: BTreeMap<&str, usize> = BTreeMap::new();
    for (visit, seen) in &seen {
        if let Some(first) = by_id.insert(seen.view.viewer, visit) {
            let what = format!("is a node that is named by another address too, {}", first.address);
            judgement.faults.push(Fault::new(visit, Kind::Usage, &what, "name each node once"));
        }
        *versions.entry(&seen.view.facts.version).or_default() += 1;
    }
    if versions.len() > 1 {
        let text: Vec<String> =
            versions.iter().map(|(version, count)| format!("{count} of {version}")).collect();
        judgement.warnings.push(format!(
            "the nodes are of different versions ({}): an older replica may not read what a newer master writes",
            text.join(", ")
        ));
    }
    buses(&seen, judgement);
    families(&seen, judgement);
    loopback(&seen, judgement);
}

fn buses(seen: &[(&Visit, &Seen)], judgement: &mut Judgement) {
    let tls = |seen: &Seen| seen.settings.get("tls-cluster").is_some_and(|value| value == "yes");
    let with = seen.iter().filter(|(_, seen)| tls(seen)).count();
    if with == 0 || with == seen.len() {
        return;
    }
    for (visit, _) in seen.iter().filter(|(_, seen)| !tls(seen)) {
        let what = format!("has a plain bus, and {with} others speak TLS on theirs");
        let mend = "tls-cluster is to be the same on all nodes";
        judgement.faults.push(Fault::new(visit, Kind::Refused, &what, mend));
    }
}

fn families(seen: &[(&Visit, &Seen)], judgement: &mut Judgement) {
    let reached =
        |visit: &Visit, fits: fn(&IpAddr) -> bool| visit.addresses.iter().any(|(ip, open)| *open && fits(ip));
    let only_v6 = |visit: &Visit| reached(visit, IpAddr::is_ipv6) && !reached(visit, IpAddr::is_ipv4);
    let only_v4 = |visit: &Visit| reached(visit, IpAddr::is_ipv4) && !reached(visit, IpAddr::is_ipv6);
    let others = seen.iter().filter(|(visit, _)| only_v4(visit)).count();
    if others == 0 {
        return;
    }
    for (visit, _) in seen.iter().filter(|(visit, _)| only_v6(visit)) {
        let what = format!("is reached by IPv6 only, and {others} others by IPv4 only");
        let mend = "name all nodes by addresses of one family, and have them listen there (bind)";
        judgement.faults.push(Fault::new(visit, Kind::Refused, &what, mend).unless(Allow::MixedFamilies));
    }
}

/// A node on another machine that is told of 127.0.0.1 looks for the node on itself.
fn loopback(seen: &[(&Visit, &Seen)], judgement: &mut Judgement) {
    let local =
        |visit: &Visit| visit.addresses.iter().filter(|(_, open)| *open).all(|(ip, _)| ip.is_loopback());
    let elsewhere = seen.iter().filter(|(visit, _)| !local(visit)).count();
    if elsewhere == 0 {
        return;
    }
    for (visit, _) in seen.iter().filter(|(visit, _)| local(visit)) {
        let what = format!(
            "is named by an address of this machine, which {elsewhere} others would look for on theirs"
        );
        let mend = "name it by the address that the others reach it at";
        judgement.faults.push(Fault::new(visit, Kind::Refused, &what, mend).unless(Allow::LoopbackAddress));
    }
}

#[cfg(test)]
mod tests;
