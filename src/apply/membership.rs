//! Who belongs to the cluster and who replicates whom.

use std::time::{Duration, Instant};

use rcl_proto::NodeId;
use rcl_proto::nodes_text::NodeFlags;
use rcl_proto::resp::Reply;
use tokio::task::JoinSet;

use super::join::{announce, meet, once_loaded, view_lines};
use crate::cli::{Failure, Kind};
use crate::connect::{Cluster, Fields, Link, Words};
use crate::output::number_of;
use crate::plan::{NodeRef, Step};

const POLL: Duration = Duration::from_millis(10);
const LIMIT: Duration = Duration::from_secs(30);

/// Makes nodes replicas, all at once, and waits until each says so.
pub async fn replicate(cluster: &Cluster, steps: &[Step]) -> Result<(), Failure> {
    let mut calls = JoinSet::new();
    for step in steps {
        let Step::Replicate { replica, master } = step else { continue };
        let (link, replica, master) = (cluster.link(replica.id)?.clone(), replica.clone(), master.clone());
        calls.spawn(async move { replicate_one(&link, &replica, &master).await });
    }
    while let Some(done) = calls.join_next().await {
        done.map_err(|error| Failure::new(Kind::Internal, error.to_string()))??;
    }
    for step in steps {
        if let Step::Replicate { replica, .. } = step {
            announce(cluster, replica).await?;
        }
    }
    Ok(())
}

async fn replicate_one(link: &Link, replica: &NodeRef, master: &NodeRef) -> Result<(), Failure> {
    let command = Words::of(&["CLUSTER", "REPLICATE"]).and(master.id.to_string());
    let started = Instant::now();
    loop {
        match link.call(command.clone()).await {
            Ok(_) => break,
            // It may not have heard of the master yet, or not that it is a master, or have moved to another
            // master by itself and be loading that one's data.
            Err(error) if started.elapsed() < LIMIT && not_yet(error.server_error()) => {
                tokio::time::sleep(POLL).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    let is_replica = |master_seen| master_seen == Some(master.id);
    wait(LIMIT, || async { Ok(is_replica(own_master(link).await?)) }).await?.ok_or_else(|| {
        Failure::new(
            Kind::Stopped,
            format!("{} does not become a replica of {}", replica.name(), master.name()),
        )
    })
}

fn not_yet(error: Option<&str>) -> bool {
    error.is_some_and(|error| {
        ["Unknown node", "only replicate a master", "LOADING "].iter().any(|word| error.contains(word))
    })
}

pub async fn own_master(link: &Link) -> Result<Option<NodeId>, Failure> {
    let lines = view_lines(link).await?;
    Ok(lines.iter().find(|line| line.flags.contains(NodeFlags::MYSELF)).and_then(|line| line.master))
}

/// `None` when `done` did not become true in time.
pub async fn wait<F, D>(limit: Duration, done: D) -> Result<Option<()>, Failure>
where
    F: Future<Output = Result<bool, Failure>>,
    D: Fn() -> F,
{
    let started = Instant::now();
    while !done().await? {
        if started.elapsed() > limit {
            return Ok(None);
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(Some(()))
}

/// Scripts that live on every node; a new one has none. Servers before 7.0 have no functions.
pub async fn copy_functions(
    cluster: &Cluster,
    source: &NodeRef,
    target: &NodeRef,
) -> Result<Option<String>, Failure> {
    let dump = match cluster.link(source.id)?.call(Words::of(&["FUNCTION", "DUMP"])).await {
        Ok(Reply::Bulk(dump)) => dump,
        Ok(_) => return Ok(None),
        Err(error) if error.server_error().is_some_and(|error| error.contains("unknown command")) => {
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    // With no library in it, it ends where it begins: and the target need not know functions at all.
    if dump.len() <= FOOTER_BYTES {
        return Ok(None);
    }
    // An interrupted run may have loaded them already.
    let restore = Words::of(&["FUNCTION", "RESTORE"]).and(dump).and("REPLACE");
    match cluster.link(target.id)?.call(restore).await {
        Err(error) if error.server_error().is_some_and(|error| error.contains("unknown command")) => {
            let what = format!("{} has functions, and {} knows none", source.name(), target.name());
            Err(Failure::refused(what).next("add a server of the same kind, or delete the functions first"))
        }
        answer => Ok(answer.map(|_| None)?),
    }
}

/// What ends every dump: two bytes of version and eight of checksum.
const FOOTER_BYTES: usize = 10;

/// Until the node sent no client elsewhere for two seconds, at most ten: from its reset on it would answer
/// CLUSTERDOWN instead. Servers that do not count redirects (before Redis 6.2) get just the two seconds.
pub async fn await_quiet(cluster: &Cluster, node: &NodeRef) -> Result<(), Failure> {
    const QUIET: Duration = Duration::from_secs(2);
    const LIMIT: Duration = Duration::from_secs(10);
    let link = cluster.link(node.id)?;
    let started = Instant::now();
    let (mut count, mut since) = (String::new(), Instant::now());
    while started.elapsed() < LIMIT && since.elapsed() < QUIET {
        let errors = Fields::of_section(link, "errorstats").await?;
        let now = errors.get("errorstat_MOVED").unwrap_or_default().to_owned();
        if now != count {
            (count, since) = (now, Instant::now());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// How long the nodes get to be rid of one that they were told to forget.
const FORGETTING_LIMIT: Duration = Duration::from_secs(10);

/// All other nodes that answer forget it, at once: who forgets late would tell the others again. A node of Redis shuns for a
/// minute whom it was told to forget; who heard of it once more before it was told is told again. Where one would refuse, or
/// slots would be without their owner, none is told.
pub async fn forget(cluster: &Cluster, node: &NodeRef) -> Result<(), Failure> {
    await_needless(cluster, node).await?;
    let mut calls = JoinSet::new();
    for (id, link) in &cluster.links {
        if *id != node.id {
            let (link, node) = (link.clone(), node.clone());
            calls.spawn(async move {
                let forgotten = forget_and_look(&link, &node).await;
                forgotten.map_err(|failure| format!("{}: {}", link.address(), failure.what))
            });
        }
    }
    // One that fails does not keep the others from being told.
    let told = calls.join_all().await;
    let failures: Vec<&str> =
        told.iter().filter_map(|told| told.as_ref().err().map(String::as_str)).collect();
    if failures.is_empty() {
        return Ok(());
    }
    let what = format!(
        "{} of {} nodes forgot {}; not so {}",
        told.len() - failures.len(),
        told.len(),
        node.name(),
        failures.join("; ")
    );
    Err(Failure::new(Kind::Stopped, what).next(format!(
        "within a minute: rcl forget {} --entry {}; later those that forgot it may have heard of it again",
        node.id, cluster.entry
    )))
}

/// Waits until nobody follows the node; its replicas may have been given another master just now. It may have got slots since it was
/// looked at, as when it was promoted late: then it stays.
async fn await_needless(cluster: &Cluster, node: &NodeRef) -> Result<(), Failure> {
    let stopped = |what: String| {
        Failure::new(Kind::Stopped, format!("{what}; no node was told to forget it"))
            .next(format!("rcl nodes {} shows how things are", cluster.entry))
    };
    let started = Instant::now();
    loop {
        let mut follower = None;
        for (id, link) in &cluster.links {
            // Who does not answer is complained of when it is told.
            let Ok(lines) = view_lines(link).await else { continue };
            let own = lines.into_iter().find(|line| line.flags.contains(NodeFlags::MYSELF));
            let Some(own) = own else { continue };
            let had = || cluster.topology.node(node.id).map(|node| node.slots.clone()).unwrap_or_default();
            if *id == node.id && own.id == *id && !own.slots.is_subset(&had()) {
                let owned = number_of(own.slots.len(), "slot");
                return Err(stopped(format!("{} owns {owned} by now", node.name())));
            }
            if own.master == Some(node.id) {
                follower = Some(link.address().clone());
            }
        }
        let Some(follower) = follower else { return Ok(()) };
        if started.elapsed() > FORGETTING_LIMIT {
            return Err(stopped(format!("{follower} follows {}", node.name())));
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn forget_and_look(link: &Link, node: &NodeRef) -> Result<(), Failure> {
    forget_on(link, node).await?;
    let is_rid_of_it = || async {
        let knows = view_lines(link).await?.iter().any(|line| line.id == node.id);
        if knows {
            forget_on(link, node).await?;
        }
        Ok(!knows)
    };
    wait(FORGETTING_LIMIT, is_rid_of_it).await?.ok_or_else(|| {
        Failure::new(Kind::Stopped, "it hears of it again and again: some other node was not told")
    })
}

async fn forget_on(link: &Link, node: &NodeRef) -> Result<(), Failure> {
    let command = Words::of(&["CLUSTER", "FORGET"]).and(node.id.to_string());
    let started = Instant::now();
    loop {
        match link.call(command.clone()).await {
            Ok(_) => return Ok(()),
            Err(error) if error.server_error().is_some_and(|error| error.contains("Unknown node")) => {
                return Ok(());
            }
            // Its replicas were just given another master.
            Err(error)
                if started.elapsed() < LIMIT
                    && error.server_error().is_some_and(|error| error.contains("forget my master")) =>
            {
                tokio::time::sleep(POLL).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// A replica becomes a master without slots and data. It keeps its name, by which the others know it still, and meets them again at
/// once. One that is such a master already, as before Redis 7 after its last slot went, just meets them.
pub async fn release(cluster: &Cluster, node: &NodeRef) -> Result<(), Failure> {
    let link = cluster.link(node.id)?;
    let lines = view_lines(link).await?;
    let own = lines.iter().find(|line| line.flags.contains(NodeFlags::MYSELF));
    let stopped = |what: &str| Failure::new(Kind::Stopped, format!("{} {what}", node.name()));
    if own.is_some_and(|own| !own.slots.is_empty()) {
        return Err(stopped("owns slots by now and is not released").next("rcl drain it again"));
    }
    if own.is_some_and(|own| own.master.is_some()) {
        // It may be loading its first copy.
        once_loaded(|| link.call(Words::of(&["CLUSTER", "RESET", "SOFT"]))).await?;
    } else if link.call(Words::of(&["DBSIZE"])).await? != Reply::Integer(0) {
        return Err(stopped("owns no slot, but holds keys")
            .next(format!("rcl fix {} gives them back to the owners of their slots", cluster.entry)));
    }
    let others =
        cluster.links.keys().filter(|id| **id != node.id).filter_map(|id| cluster.topology.node(*id));
    let others: Vec<NodeRef> = others.map(NodeRef::of).collect();
    meet(cluster, std::slice::from_ref(node), &others, super::Settings::default().join_limit).await
}

/// After a hard one it has a new id, so that it can join again at once (the others shun the old id for a minute).
pub async fn reset(cluster: &Cluster, node: &NodeRef, how: &str) -> Result<(), Failure> {
    let link = cluster.link(node.id)?;
    // A master that lost its last slot became a replica, which may be loading its first copy.
    match once_loaded(|| link.call(Words::of(&["CLUSTER", "RESET", how]))).await {
        Ok(_) => Ok(()),
        Err(error) if error.server_error().is_some_and(|error| error.contains("contains keys")) => {
            Err(Failure::new(
                Kind::Stopped,
                format!(
                    "{} is out of the cluster, but still holds keys that belong to no slot of its",
                    node.name()
                ),
            )
            .next(format!(
                "look at them (redis-cli, SCAN); then send FLUSHALL and CLUSTER RESET HARD to {} alone",
                node.address
            )))
        }
        Err(error) => Err(error.into()),
    }
}

pub async fn flush(cluster: &Cluster, node: &NodeRef) -> Result<(), Failure> {
    cluster.link(node.id)?.call(Words::of(&["FLUSHALL"])).await?;
    Ok(())
}
