//! A job that is taken up again: which one, the cluster it is about as it is now, and the way from its plan to its end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rcl_proto::{Address, NodeId};

use super::change::{agreed, ended, say_nothing_to_do};
use crate::apply::{self, AGREEMENT_LIMIT, Outcome, Settings};
use crate::cli::{Failure, Kind, Manners, Session};
use crate::connect::{Cluster, view};
use crate::journal::{Deed, Found, Job, Journal, State, StateFolder};
use crate::output::{Report, number_of};
use crate::plan::marks::left_behind;
use crate::plan::past::Past;
use crate::plan::{Move, Plan, Step, resume};
use crate::topology::{Node, Topology};

/// How long views that differ get to become one, as after a failover.
const SETTLING: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(100);
/// How often what was found left after a job is done, too.
const ROUNDS: usize = 3;

pub fn folder(session: &Session) -> Result<&StateFolder, Failure> {
    session.state.as_ref().ok_or_else(|| {
        Failure::usage("there is no folder with journals")
            .next("name it with --state-dir, or set RCL_STATE_DIR")
    })
}

pub fn never_begun(job: &Job) -> Failure {
    Failure::refused(format!("job {} ended before it did anything", job.id)).next("rcl jobs lists the jobs")
}

/// The job to go on with, where there is just one.
pub fn the_unfinished(session: &Session, folder: &StateFolder) -> Result<String, Failure> {
    let jobs = folder.jobs()?;
    let open: Vec<&Found> = of_entry(session, &jobs)
        .filter(|found| found.job.as_ref().is_ok_and(|(_, state)| state.is_open()))
        .collect();
    match open.as_slice() {
        [one] => Ok(one.id.clone()),
        [] => Err(Failure::refused("no job is unfinished").next("rcl jobs lists them all")),
        many => {
            let ids: Vec<&str> = many.iter().map(|found| found.id.as_str()).collect();
            Err(Failure::refused(format!("{} jobs are unfinished: {}", many.len(), ids.join(", ")))
                .next("name one; rcl jobs says what they are"))
        }
    }
}

pub fn the_newest(session: &Session, folder: &StateFolder) -> Result<String, Failure> {
    let jobs = folder.jobs()?;
    let done_something = |found: &&Found| {
        found.job.as_ref().is_ok_and(|(_, state)| !matches!(state, State::Undone | State::Running))
    };
    let newest = of_entry(session, &jobs).find(done_something).map(|found| found.id.clone());
    newest.ok_or_else(|| Failure::refused("there is no job to take back").next("rcl jobs --all lists them"))
}

/// Those of the cluster that `--entry` is in, where one is named.
fn of_entry<'a>(session: &'a Session, jobs: &'a [Found]) -> impl Iterator<Item = &'a Found> {
    jobs.iter().filter(move |found| match (&session.entry, &found.job) {
        (Some(entry), Ok((job, _))) => {
            job.entry == *entry || job.members.iter().any(|member| member.address == *entry)
        }
        _ => true,
    })
}

/// The cluster that the job is about, once its nodes agree or have had their time; with those nodes of the plan in it that are
/// not (yet, or any more) part of it.
pub async fn observe(session: &Session, job: &Job, plan: &Plan) -> Result<Cluster, Failure> {
    let started = Instant::now();
    let mut cluster = by_any_member(session, job, plan).await?;
    let mut said = false;
    loop {
        if let Some(node) = loads(&cluster.topology) {
            if !std::mem::replace(&mut said, true) {
                session.output.say(&format!("waiting for {}, which loads its data", node.name()));
            }
        } else if unsettled(&cluster.topology).is_none() || started.elapsed() >= SETTLING {
            break;
        }
        tokio::time::sleep(POLL).await;
        cluster = by_any_member(session, job, plan).await?;
    }
    add_outsiders(session, plan, &mut cluster).await;
    Ok(cluster)
}

/// A promotion that its last run had ordered when it ended may still happen. Who takes back has to see it.
pub async fn await_promotions(session: &Session, job: &Job, plan: &Plan) -> Result<(), Failure> {
    if !job.under_way().iter().any(|step| matches!(step, Step::Failover { .. })) {
        return Ok(());
    }
    let started = Instant::now();
    let mut said = false;
    while started.elapsed() < apply::PROMOTION_LIMIT {
        let cluster = by_any_member(session, job, plan).await?;
        let Some(replica) = to_be_promoted(job.under_way(), &cluster.topology) else { break };
        if !std::mem::replace(&mut said, true) {
            let name = replica.name();
            session.output.say(&format!("waiting whether {name} is promoted, as was ordered before"));
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

fn to_be_promoted<'a>(under_way: &[Step], topology: &'a Topology) -> Option<&'a Node> {
    let ordered = under_way.iter().filter_map(|step| match step {
        Step::Failover { replica, .. } => topology.node(replica.id),
        _ => None,
    });
    let mut ordered = ordered.filter(|node| node.answers());
    ordered.find(|node| !node.is_master())
}

/// Why nothing should be built on what the nodes say.
fn unsettled(topology: &Topology) -> Option<String> {
    if let Some(disagreement) = topology.disagreements.first() {
        return Some(format!("{} does not agree with the others", topology.name(disagreement.viewer())));
    }
    let (one, other) = topology.epoch_collision()?;
    Some(format!("{} and {} share an epoch", one.name(), other.name()))
}

/// A node that will answer soon, as a new replica does once its copy has come. That lasts as long as it lasts.
fn loads(topology: &Topology) -> Option<&Node> {
    topology.nodes.values().find(|node| node.silence.as_ref().is_some_and(|why| why.contains(": LOADING ")))
}

/// Shows, confirms, applies, looks whether it is so now, and writes down how it ended. A plan without steps ends the job, too.
pub async fn carry_out(
    session: &Session,
    job: &Job,
    cluster: &Cluster,
    plan: &Plan,
    settings: Settings,
    deed: Deed,
    journal: &Journal,
) -> Result<(), Failure> {
    let is_nothing = plan.steps.is_empty() && !session.is_dry_run();
    if !is_nothing && !agreed(session, cluster, plan, Manners::MustConfirm, settings)? {
        return Ok(());
    }
    journal.begin(deed, plan)?;
    let mut outcome = Outcome::of(plan, journal);
    let carried = match is_nothing {
        true => Ok(()),
        false => apply::run(session, cluster, plan, settings, journal).await.map(|done| outcome.add(done)),
    };
    let carried = match carried {
        Ok(()) => until_it_is_so(session, job, plan, settings, deed, journal, &mut outcome).await,
        failed => failed,
    };
    ended(journal, carried)?;
    match is_nothing && outcome.is_nothing() {
        true => say_nothing_to_do(session, plan),
        false => session.output.print(&outcome),
    }
    Ok(())
}

/// Whoever was replaced while slots moved may have come back since, and brought marks or slots with it that nobody saw before. So a job is done when
/// all nodes agree, what was to move is where it was to go, and none of the job's marks is left.
async fn until_it_is_so(
    session: &Session,
    job: &Job,
    plan: &Plan,
    settings: Settings,
    deed: Deed,
    journal: &Journal,
    outcome: &mut Outcome,
) -> Result<(), Failure> {
    if job.moves().chain(plan.moves()).next().is_none() {
        return Ok(());
    }
    let (roles, started) = (job.roles(), Instant::now());
    let past = Past { plan, done: plan.steps.len(), roles: &roles };
    let stopped = |what: String, entry: &Address| {
        Failure::new(Kind::Stopped, what).next(format!("rcl check {entry} shows what is wrong"))
    };
    let mut rounds = 0;
    loop {
        let cluster = observe(session, job, plan).await?;
        let left = still_left(job, &cluster.topology, &past)
            .map_err(|failure| Failure { kind: Kind::Stopped, ..failure })?;
        if left.steps.is_empty() {
            match unsettled(&cluster.topology) {
                None => return Ok(()),
                Some(why) if started.elapsed() > AGREEMENT_LIMIT => {
                    let what = format!("after {} s {why}", AGREEMENT_LIMIT.as_secs());
                    return Err(stopped(what, &cluster.entry));
                }
                Some(_) => continue,
            }
        }
        if rounds == ROUNDS {
            let lines: Vec<String> = left.text().lines().skip(1).map(|line| line.trim().to_owned()).collect();
            let what = format!("{} still left: {}", number_of(left.steps.len(), "step"), lines.join("; "));
            return Err(stopped(what, &cluster.entry));
        }
        rounds += 1;
        session.output.status(&format!("what is left by now:\n{}", left.text()));
        journal.begin(deed, &left)?;
        outcome.add(apply::run(session, &cluster, &left, settings, journal).await?);
    }
}

/// Of what was just done, and marks of all that the job ever moved.
fn still_left(job: &Job, topology: &Topology, past: &Past<'_>) -> Result<Plan, Failure> {
    let mut left = resume::plan(topology, past)?;
    let moves: Vec<Move> = left.moves().cloned().collect();
    let all = job.moves().chain(past.plan.moves());
    let marks = left_behind(all, &moves, topology, past.roles);
    let is_new = |step: &Step| !left.steps.contains(step);
    let marks: Vec<Step> = marks.into_iter().filter(is_new).collect();
    left.steps.splice(0..0, marks);
    Ok(left)
}

/// Asks the members in turn until one answers; last those that the plan takes out, which may know of nobody any more.
async fn by_any_member(session: &Session, job: &Job, plan: &Plan) -> Result<Cluster, Failure> {
    let leaves = |id: NodeId| {
        plan.steps
            .iter()
            .any(|step| matches!(step, Step::Forget { node } | Step::Release { node } | Step::Reset { node } | Step::SoftReset { node } if node.id == id))
    };
    let mut members: Vec<_> = job.members.iter().collect();
    members.sort_by_key(|member| (leaves(member.id), member.address != job.entry));
    let entries = session.entry.iter().chain(members.into_iter().map(|member| &member.address));
    let mut why = Failure::refused(format!("job {} knows no node", job.id));
    for entry in entries {
        match Cluster::observe(&session.connector, entry).await {
            // At an address there may be another node by now.
            Ok(cluster) if cluster.topology.nodes.keys().any(|node| job.is_about(*node)) => {
                return Ok(cluster);
            }
            Ok(_) => {
                why =
                    Failure::refused(format!("at {entry} there is no node of the cluster of job {}", job.id))
                        .next("name one of its nodes with --entry");
            }
            Err(failure) => why = failure,
        }
    }
    Err(why)
}

/// Nodes that the plan names, and that answer by the same id though no member knows them.
async fn add_outsiders(session: &Session, plan: &Plan, cluster: &mut Cluster) {
    let named = plan.steps.iter().flat_map(Step::nodes);
    let outside: BTreeMap<NodeId, _> = named
        .filter(|node| !cluster.links.contains_key(&node.id))
        .map(|node| (node.id, node.address.clone()))
        .collect();
    for (id, address) in outside {
        let Ok(link) = session.connector.connect(&address).await else { continue };
        let Ok(seen) = view(&link).await else { continue };
        if seen.viewer == id {
            let lone = crate::topology::merge(&[seen], &BTreeMap::new());
            cluster.topology.nodes.extend(lone.nodes.into_iter().filter(|(node, _)| *node == id));
            cluster.links.insert(id, link);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::LinkError;
    use crate::plan::rebalance::tests::{id, topology};
    use crate::plan::{FailoverMode, NodeRef};
    use crate::topology::Role;

    #[test]
    fn a_node_that_loads_is_told_from_one_that_is_gone() {
        let address = Address::new("127.0.0.1", 7001);
        let loading = LinkError::Server {
            address: address.clone(),
            command: "CLUSTER NODES".into(),
            error: "LOADING Redis is loading the dataset in memory".into(),
        };
        let gone = LinkError::Unreachable { address, why: "connection refused".into() };
        for (error, is_waited_for) in [(loading, true), (gone, false)] {
            let mut topology = topology(&[8192, 8192]);
            let node = topology.nodes.values_mut().next().unwrap();
            (node.facts, node.silence) = (None, Some(Failure::from(error).what));
            assert_eq!(loads(&topology).is_some(), is_waited_for, "{:?}", topology.nodes.values().next());
        }
    }

    #[test]
    fn a_promotion_that_was_ordered_is_waited_for_until_it_has_happened() {
        let mut now = topology(&[8192, 8192, 0]);
        let (replica, master) = (NodeRef::of(&now.nodes[&id(3)]), NodeRef::of(&now.nodes[&id(1)]));
        let ordered = [Step::Failover { replica, master: Some(master), mode: FailoverMode::Graceful }];
        assert!(to_be_promoted(&ordered, &now).is_none(), "it is master");
        now.nodes.get_mut(&id(3)).unwrap().role = Role::ReplicaOf(id(1));
        assert_eq!(to_be_promoted(&ordered, &now).map(|node| node.id), Some(id(3)));
        assert!(to_be_promoted(&[], &now).is_none());
        now.nodes.get_mut(&id(3)).unwrap().facts = None;
        assert!(to_be_promoted(&ordered, &now).is_none(), "it is gone");
    }
}
