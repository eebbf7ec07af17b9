//! FAILOVER: a master hands its part over to a replica that has everything.
//!
//! ```text
//!   no-failover ── FAILOVER ──▶ waiting-for-sync ── a replica has all, or FORCE and the time is up ──▶ failover-in-progress
//!        ▲                            │                                                                       │
//!        │         ABORT, the time is up                 the replica goes on with us as its replica (PSYNC … FAILOVER),
//!        └────────────────────────────┴──────────────────── or says no, or ABORT: this node leads again ──────┘
//! ```
//!
//! 1. Writes are held back, so that the log ends where it ends; replicas are asked how far they are.
//! 2. Once one has all, this node follows it: from then on there is no master until it answers.
//! 3. PSYNC with the word FAILOVER makes it a master. The clients that were held back hear that this node is none.
//!
//! As Redis does it since 6.2. Ours asks its replicas at once instead of waiting for what they say each second, and what
//! is on its way to the replica that takes over is applied there first, also when it is forced to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::role::lock_role;
use super::{ReplicaLink, Replication, lead, role};
use crate::clock;
use crate::command::CommandError;
use crate::node::Node;
use crate::pause::{PauseLevel, PauseReason};

const LOOK_EVERY: Duration = Duration::from_millis(5);
/// So long a replica that takes over waits for what it has not received yet.
const CATCH_UP: Duration = Duration::from_secs(1);

/// What FAILOVER was told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailoverOrder {
    /// The replica that is to take over; any that has everything otherwise.
    pub target: Option<(String, u16)>,
    /// When the time is up it takes over whatever it has.
    pub force: bool,
    pub timeout_ms: Option<u64>,
}

#[derive(Debug, Default)]
pub struct Failover {
    step: Mutex<Step>,
    /// Another number with each that begins, so that an older one's task ends.
    round: AtomicU64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Step {
    #[default]
    None,
    WaitingForSync {
        order: FailoverOrder,
        until_ms: Option<i64>,
    },
    InProgress {
        target: (String, u16),
    },
}

impl Failover {
    fn lock(&self) -> MutexGuard<'_, Step> {
        self.step.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_idle(&self) -> bool {
        *self.lock() == Step::None
    }

    /// This node follows the replica that is to be the master.
    pub fn is_in_progress(&self) -> bool {
        matches!(*self.lock(), Step::InProgress { .. })
    }

    /// As INFO says it.
    pub fn state_name(&self) -> &'static str {
        match *self.lock() {
            Step::None => "no-failover",
            Step::WaitingForSync { .. } => "waiting-for-sync",
            Step::InProgress { .. } => "failover-in-progress",
        }
    }
}

/// Begins one. The caller holds no shard.
pub fn begin(node: &Arc<Node>, order: FailoverOrder) -> Result<(), CommandError> {
    let replication = &node.replication;
    let _role = lock_role(replication);
    check(replication, &order)?;
    match &order.target {
        Some((host, port)) => tracing::info!("FAILOVER requested to {host}:{port}."),
        None => tracing::info!("FAILOVER requested to any replica."),
    }
    let until_ms = order.timeout_ms.map(|timeout_ms| clock::now_ms().saturating_add_unsigned(timeout_ms));
    *replication.failover.lock() = Step::WaitingForSync { order, until_ms };
    let round = replication.failover.round.fetch_add(1, Ordering::AcqRel) + 1;
    node.pause.pause(&node.shards, PauseReason::Failover, PauseLevel::Writes, i64::MAX);
    // The last record: nothing is written from here on.
    if replication.writes_its_own_log() {
        replication.with_log(|log| log.append_notice(&[b"REPLCONF", b"GETACK", b"*"]));
    }
    let task_node = node.clone();
    let started = replication.spawn(async move {
        while look(&task_node, round) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    });
    if !started {
        abort_locked(node, "this node does not replicate");
    }
    Ok(())
}

fn check(replication: &Replication, order: &FailoverOrder) -> Result<(), CommandError> {
    let refuse = |text| Err(CommandError::fixed(text));
    if !replication.failover.is_idle() {
        return refuse("ERR FAILOVER already in progress.");
    }
    if replication.is_replica() {
        return refuse("ERR FAILOVER is not valid when server is a replica.");
    }
    let links = replication.links();
    if links.is_empty() {
        return refuse("ERR FAILOVER requires connected replicas.");
    }
    if order.force && (order.timeout_ms.is_none() || order.target.is_none()) {
        return refuse("ERR FAILOVER with force option requires both a timeout and target HOST and IP.");
    }
    if let Some((host, port)) = &order.target {
        match links.iter().find(|link| link.is_at(host, *port)) {
            None => return refuse("ERR FAILOVER target HOST and PORT is not a replica."),
            Some(link) if !link.is_online() => return refuse("ERR FAILOVER target replica is not online."),
            Some(_) => {}
        }
    }
    Ok(())
}

/// FAILOVER ABORT; false when there is nothing to abort. The caller holds no shard.
pub fn abort(node: &Arc<Node>, why: &str) -> bool {
    let _role = lock_role(&node.replication);
    abort_locked(node, why)
}

fn abort_locked(node: &Arc<Node>, why: &str) -> bool {
    let failover = &node.replication.failover;
    let step = failover.lock().clone();
    let target = match &step {
        Step::None => return false,
        Step::WaitingForSync { order, .. } => order.target.as_ref(),
        Step::InProgress { target } => Some(target),
    };
    match target {
        Some((host, port)) => tracing::warn!("FAILOVER to {host}:{port} aborted: {why}"),
        None => tracing::warn!("FAILOVER to any replica aborted: {why}"),
    }
    if matches!(step, Step::InProgress { .. }) {
        role::lead_locked(node);
    }
    end(node);
    true
}

/// The replica that was to take over answered PSYNC; `granted` if it goes on as the master. From the thread that follows it.
pub fn answered(node: &Arc<Node>, granted: bool) {
    let failover = &node.replication.failover;
    if !failover.is_in_progress() {
        return;
    }
    if granted {
        end(node);
    } else {
        abort(node, "Failover target rejected psync request");
    }
}

fn end(node: &Node) {
    *node.replication.failover.lock() = Step::None;
    node.pause.resume(&node.shards, PauseReason::Failover);
}

/// Goes on once a replica has everything, or the time is up. False when there is nothing to wait for any more.
fn look(node: &Arc<Node>, round: u64) -> bool {
    let replication = &node.replication;
    let _role = lock_role(replication);
    if replication.failover.round.load(Ordering::Acquire) != round {
        return false;
    }
    let Step::WaitingForSync { order, until_ms } = replication.failover.lock().clone() else { return false };
    if replication.is_replica() {
        abort_locked(node, "this node follows another one");
        return false;
    }
    let target = if until_ms.is_some_and(|until_ms| clock::now_ms() >= until_ms) {
        let Some((host, port)) = order.target.filter(|_| order.force) else {
            abort_locked(node, "Replica never caught up before timeout");
            return false;
        };
        tracing::warn!("FAILOVER to {host}:{port} time out exceeded, failing over.");
        (host, port)
    } else {
        let Some((host, port)) = in_sync(replication, &order) else { return true };
        tracing::info!("Failover target {host}:{port} is synced, failing over.");
        (host, port)
    };
    *replication.failover.lock() = Step::InProgress { target: target.clone() };
    role::follow_locked(node, &target.0, target.1);
    false
}

/// A replica that may take over and has everything.
fn in_sync(replication: &Replication, order: &FailoverOrder) -> Option<(String, u16)> {
    let end = replication.offset();
    let links = replication.links();
    let may_take_over = |link: &ReplicaLink| match &order.target {
        Some((host, port)) => link.is_at(host, *port),
        None => link.port != 0,
    };
    let mut in_sync = links.iter().filter(|link| link.is_online() && link.acknowledged() == end);
    in_sync.find(|link| may_take_over(link)).map(|link| (link.ip.clone(), link.port))
}

/// PSYNC FAILOVER may be heeded: this node is a replica of the one that says it, in the same history.
pub fn check_request(node: &Node, id: &[u8]) -> Result<(), CommandError> {
    if node.is_cluster() {
        return Err(CommandError::fixed("ERR PSYNC FAILOVER is not for a cluster: CLUSTER FAILOVER is."));
    }
    if !node.replication.is_replica() {
        return Err(CommandError::fixed("ERR PSYNC FAILOVER can't be sent to a master."));
    }
    let ours = node.replication.lock_log().history().id;
    if !id.eq_ignore_ascii_case(ours.as_str().as_bytes()) {
        return Err(CommandError::fixed("ERR PSYNC FAILOVER replid must match my replid."));
    }
    Ok(())
}

/// This node takes over from its master, whose log ends before `offset`. What of it is on its way is applied first.
pub async fn take_over(node: &Arc<Node>, offset: i64) {
    let replication = &node.replication;
    let until = clock::monotonic() + CATCH_UP;
    let is_behind = || i64::try_from(replication.offset()).is_ok_and(|ours| ours + 1 < offset);
    while is_behind() && replication.standing().link_up && clock::monotonic() < until {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    tracing::info!("MASTER MODE enabled (failover request of the master)");
    lead(node);
}
