//! A replica takes its master's place.
//!
//! What Redis's nodes do decides how it is asked for (`cluster.c` of 7.0 and 7.2 alike):
//!
//! - A master ignores a replica that it does not know as its own, a voter refuses one that it does not know as a replica of that
//!   master, and a vote needs the voter's own link to the replica: a node that just came back may lack either. So all of
//!   them are waited for before anything is asked.
//! - A node that takes slots while it still calls the cluster down, as one does that came back a moment ago, answers its clients
//!   with CLUSTERDOWN for up to two seconds more. Where the masters call it up, it is waited until the replica does.
//! - A voter refuses a second vote about one master for twice the node timeout.
//! - A replica begins no election for four node timeouts after its last one, however often it is asked, while its master holds
//!   writes back each time. So the second attempt is made when that time is over, and not before.
//! - What was ordered may happen up to five seconds later, though nobody waits for it any more: an `rcl` that was killed has left it behind.
//!   So who is master already was promoted.
//! - One that won an election less than two node timeouts ago, and is a replica again, takes the votes of then for new ones: it
//!   calls itself a master, in an old epoch, until the others tell it otherwise a moment later. So a promotion counts when the
//!   other masters see it.

use std::time::{Duration, Instant};

use rcl_proto::nodes_text::NodeLine;
use rcl_proto::resp::Reply;
use tokio::time::sleep;

use super::join::{announce, view_lines};
use super::membership::{own_master, wait};
use crate::cli::{Failure, Kind, Session};
use crate::connect::{Cluster, Link, Words};
use crate::plan::{FailoverMode, NodeRef, Step};
use crate::topology::Node;

const POLL: Duration = Duration::from_millis(10);
/// How long the old master may take to follow.
const LIMIT: Duration = Duration::from_secs(30);
/// How long the voters may take to know the replica, and then the new master.
const ACQUAINTANCE_LIMIT: Duration = Duration::from_secs(10);
/// A node gives up a manual failover after 5 s by itself. Until then one that was ordered may happen, whoever ordered it.
pub const ATTEMPT_LIMIT: Duration = Duration::from_secs(7);
/// What a node has for `cluster-node-timeout` when nobody set it.
const USUAL_NODE_TIMEOUT: Duration = Duration::from_secs(15);

/// Promotions of different shards. Each is an election, and those are held one after the other: two that begin in one epoch split the
/// votes, and who loses may not ask again for four node timeouts. An election takes some dozen milliseconds; that the old masters
/// follow, which may take longer, is waited for behind the last.
pub async fn all(
    session: &Session,
    cluster: &Cluster,
    steps: &[Step],
    notes: &mut Vec<String>,
) -> Result<(), Failure> {
    let mut promoted = Vec::new();
    let mut failed = Ok(());
    for step in steps {
        let Step::Failover { replica, master, mode } = step else { continue };
        match promote(session, cluster, replica, master.as_ref(), *mode).await {
            Ok(said) => promoted.push((replica, master.as_ref(), said)),
            Err(failure) => {
                failed = Err(failure);
                break;
            }
        }
    }
    for (replica, master, said) in promoted {
        notes.push(old_master_follows(cluster, replica, master, said).await?);
    }
    failed
}

/// Sends CLUSTER FAILOVER and waits for the change of roles; says what happened.
async fn promote(
    session: &Session,
    cluster: &Cluster,
    replica: &NodeRef,
    master: Option<&NodeRef>,
    mode: FailoverMode,
) -> Result<String, Failure> {
    let words = Words::of(&["CLUSTER", "FAILOVER"]);
    let words = match mode {
        FailoverMode::Graceful => words,
        FailoverMode::Force => words.and("FORCE"),
        FailoverMode::Takeover => words.and("TAKEOVER"),
    };
    if mode != FailoverMode::Takeover {
        await_acquaintance(cluster, replica, master).await?;
    }
    let started = Instant::now();
    let mut promoted = attempt(cluster, replica, &words).await?;
    if !promoted && mode != FailoverMode::Takeover {
        let pause = election_pause(cluster.link(replica.id)?).await?.saturating_sub(started.elapsed());
        session.output.status(&format!(
            "{} was not elected; it may ask for votes again in {:.0} s",
            replica.name(),
            pause.as_secs_f64().ceil()
        ));
        sleep(pause).await;
        promoted = attempt(cluster, replica, &words).await?;
    }
    if !promoted {
        let what = format!("{} was not promoted within {} s", replica.name(), started.elapsed().as_secs());
        return Err(Failure::new(Kind::Stopped, what)
            .next("is it in sync (rcl info)? can it reach a majority of the masters? rcl check says"));
    }
    Ok(format!("{} is master now, after {} ms", replica.name(), started.elapsed().as_millis()))
}

async fn old_master_follows(
    cluster: &Cluster,
    replica: &NodeRef,
    master: Option<&NodeRef>,
    mut said: String,
) -> Result<String, Failure> {
    let old = master.and_then(|master| Some((master, cluster.links.get(&master.id)?)));
    if let Some((master, link)) = old {
        let follows = wait(LIMIT, || async { Ok(own_master(link).await? == Some(replica.id)) }).await;
        match follows {
            Ok(Some(())) => {
                said.push_str(&format!("; {} replicates it", master.name()));
                announce(cluster, master).await?;
            }
            Ok(None) => said.push_str(&format!("; {} does not follow it yet", master.name())),
            Err(failure) => said.push_str(&format!("; its old master: {}", failure.what)),
        }
    }
    Ok(said)
}

/// True when the replica is a master in the end.
async fn attempt(cluster: &Cluster, replica: &NodeRef, words: &Words) -> Result<bool, Failure> {
    let link = cluster.link(replica.id)?;
    if !owns_slots(&view_lines(link).await?, replica) {
        demand(link, words, replica).await?;
    }
    let is_master = || async { Ok(own_master(link).await?.is_none()) };
    if wait(ATTEMPT_LIMIT, is_master).await?.is_none() {
        return Ok(false);
    }
    // Who does not hear of it in time is the agreement's to complain of: it is a master if it stays one.
    let all_see_or_it_is_over =
        || async { Ok(!is_master().await? || all_voters(cluster, |lines| owns_slots(lines, replica)).await) };
    wait(ACQUAINTANCE_LIMIT, all_see_or_it_is_over).await?;
    is_master().await
}

fn owns_slots(lines: &[NodeLine], replica: &NodeRef) -> bool {
    lines.iter().any(|line| line.id == replica.id && line.master.is_none() && !line.slots.is_empty())
}

/// True when each of the masters that answer sees it so.
async fn all_voters(cluster: &Cluster, sees: impl Fn(&[NodeLine]) -> bool) -> bool {
    let voters = cluster.topology.masters().into_iter().filter(|node| !node.slots.is_empty());
    for voter in voters.filter_map(|node| cluster.links.get(&node.id)) {
        if view_lines(voter).await.is_ok_and(|lines| !sees(&lines)) {
            return false;
        }
    }
    true
}

/// The master answered us, so a replica that calls it down only lost its link to it for a moment.
async fn demand(link: &Link, words: &Words, replica: &NodeRef) -> Result<(), Failure> {
    let started = Instant::now();
    loop {
        match link.call(words.clone()).await {
            Ok(_) => return Ok(()),
            Err(error)
                if started.elapsed() < ATTEMPT_LIMIT
                    && error.server_error().is_some_and(|error| error.contains("Master is down")) =>
            {
                sleep(POLL).await;
            }
            Err(error) => {
                // What was ordered before may have happened just now.
                let is_no_replica = error.server_error().is_some_and(|error| error.contains("to a replica"));
                return match is_no_replica && owns_slots(&view_lines(link).await?, replica) {
                    true => Ok(()),
                    false => Err(error.into()),
                };
            }
        }
    }
}

/// Waits until every master that answers has a link to the replica and knows whose it is. It is asked in the end all the
/// same: a majority may do.
async fn await_acquaintance(
    cluster: &Cluster,
    replica: &NodeRef,
    master: Option<&NodeRef>,
) -> Result<(), Failure> {
    let Some(master) = master else { return Ok(()) };
    let is_its =
        |line: &NodeLine| line.id == replica.id && line.master == Some(master.id) && line.link_connected;
    let calls_it_up = |node: &Node| node.facts.as_ref().is_none_or(|facts| facts.state_ok);
    let is_up = cluster.topology.masters().into_iter().all(calls_it_up);
    let link = cluster.link(replica.id)?;
    wait(ACQUAINTANCE_LIMIT, || async {
        let is_known = all_voters(cluster, |lines| lines.iter().any(is_its)).await;
        Ok(is_known && (!is_up || link.text(&["CLUSTER", "INFO"]).await?.contains("cluster_state:ok")))
    })
    .await?;
    Ok(())
}

/// For how long after an election a replica begins no other.
async fn election_pause(link: &Link) -> Result<Duration, Failure> {
    Ok(pause_after_election(node_timeout(link).await))
}

/// After how long without an answer nodes call each other failed, by the word of one of them.
pub async fn node_timeout(link: &Link) -> Duration {
    let answer = link.call(Words::of(&["CONFIG", "GET", "cluster-node-timeout"])).await;
    // A user may not be allowed to ask; then it is taken for what it usually is.
    let timeout = match answer {
        Ok(Reply::Array(pair)) => pair.last().and_then(Reply::as_bytes).and_then(read_ms),
        _ => None,
    };
    timeout.unwrap_or(USUAL_NODE_TIMEOUT)
}

fn read_ms(text: &[u8]) -> Option<Duration> {
    std::str::from_utf8(text).ok()?.parse().ok().map(Duration::from_millis)
}

fn pause_after_election(node_timeout: Duration) -> Duration {
    // Elections last twice the node timeout, 2 s at least, and are begun after twice that; the half second is for its cron.
    (node_timeout * 2).max(Duration::from_secs(2)) * 2 + Duration::from_millis(500)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_is_four_node_timeouts_and_a_little() {
        for (timeout_ms, pause_ms) in [(200, 4500), (2000, 8500), (15_000, 60_500)] {
            assert_eq!(
                pause_after_election(Duration::from_millis(timeout_ms)),
                Duration::from_millis(pause_ms)
            );
        }
    }
}
