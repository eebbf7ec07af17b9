//! Carries the steps of a plan out.
//!
//! Every step can be done again: a run that was interrupted is followed by a new plan from the new topology, and
//! what was done already is not in it, or does nothing. Neighbouring steps of one kind are done side by side. Before they
//! begin, the journal has them on disk.

mod beat;
mod conduct;
mod dissolve;
mod epochs;
mod failover;
mod handover;
mod history;
mod join;
mod keys;
mod last_slot;
mod likeness;
mod membership;
mod mover;
mod pace;
mod patience;
mod pause;
mod place;
mod restart;
mod settings;
mod settle;
mod slots;
mod stop;
mod strays;
pub(crate) mod survey;
mod sync;
mod turn;
mod window;

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::cli::{Failure, Kind, Session};
use crate::connect::Cluster;
use crate::journal::Journal;
use crate::output::{Report, bytes, count, number_of};
use crate::plan::{Move, Plan, Step};

use conduct::Conduct;
pub use conduct::{BigKeys, Limits, Method, Settings};
pub use dissolve::dissolve;
pub use failover::ATTEMPT_LIMIT as PROMOTION_LIMIT;
pub use likeness::users;
pub use stop::Stop;
pub use window::Weighed;

/// What was done.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Outcome {
    pub title: String,
    pub seconds: f64,
    pub moved_slots: u64,
    pub moved_keys: u64,
    /// In their source's memory, as MEMORY USAGE counts.
    pub moved_bytes: u64,
    /// The job in the journal, for rcl undo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// What happened on the way that a user should know.
    pub notes: Vec<String>,
}

const NOTHING: &str = "nothing to do";

impl Outcome {
    /// Before anything is done.
    pub fn of(plan: &Plan, journal: &Journal) -> Outcome {
        Outcome { title: plan.title.clone(), job: journal.id().map(str::to_owned), ..Outcome::default() }
    }

    pub fn is_nothing(&self) -> bool {
        self.seconds == 0.0
    }

    /// With what was done after it.
    pub fn add(&mut self, more: Outcome) {
        self.seconds += more.seconds;
        self.moved_slots += more.moved_slots;
        self.moved_keys += more.moved_keys;
        self.moved_bytes += more.moved_bytes;
        self.notes.extend(more.notes);
    }

    pub fn nothing(title: &str) -> Outcome {
        Outcome { title: title.to_owned(), notes: vec![NOTHING.to_owned()], ..Outcome::default() }
    }
}

impl Report for Outcome {
    fn text(&self) -> String {
        if self.notes == [NOTHING] {
            return format!("{}: {NOTHING}", self.title);
        }
        let mut text = format!("done: {}, in {:.2} s", self.title, self.seconds);
        if self.moved_slots > 0 {
            let rate = self.moved_keys as f64 / self.seconds.max(0.001);
            text.push_str(&format!(
                "\n  {} with {} ({}) moved, {} keys/s",
                number_of(self.moved_slots, "slot"),
                number_of(self.moved_keys, "key"),
                bytes(self.moved_bytes),
                count(rate as u64)
            ));
        }
        for note in &self.notes {
            text.push_str(&format!("\n  {note}"));
        }
        text
    }
}

/// How long nodes get to come to know each other and to agree.
pub const AGREEMENT_LIMIT: Duration = Duration::from_secs(60);

/// Does all steps in order, each written down before it begins. An error says what was done before it.
pub async fn run(
    session: &Session,
    cluster: &Cluster,
    plan: &Plan,
    settings: Settings,
    journal: &Journal,
) -> Result<Outcome, Failure> {
    let started = Instant::now();
    let conduct = Conduct::new(session, settings.limits, journal.clone());
    let mut outcome = Outcome::of(plan, journal);
    let mut rest = plan.steps.as_slice();
    // The same cluster, looked at anew when roles have changed: who moves slots tells all masters of it.
    let mut renewed: Option<Cluster> = None;
    let mut is_stale = false;
    while let Some(first) = rest.first() {
        if conduct.stop.requested() {
            return Err(stopped(&outcome, rest.len(), &Failure::new(Kind::Interrupted, "interrupted")));
        }
        let kind = std::mem::discriminant(first);
        let together = rest.iter().take_while(|step| alike(first, step, kind)).count();
        let (group, left) = rest.split_at(together);
        let done = plan.steps.len() - rest.len();
        let mut carried = journal.step(done, together);
        if is_stale && matches!(first, Step::MoveSlots(_)) && carried.is_ok() {
            carried = cluster.again().await.map(|again| renewed = Some(again));
            is_stale = false;
        }
        let known = renewed.as_ref().unwrap_or(cluster);
        if carried.is_ok() {
            carried = run_group(session, known, group, settings, &conduct, &mut outcome).await;
        }
        is_stale |= matches!(first, Step::Failover { .. } | Step::Replicate { .. } | Step::Meet { .. });
        outcome.moved_bytes = conduct.meter.bytes();
        if let Err(failure) = carried.and_then(|()| journal.done(done + together)) {
            return Err(stopped(&outcome, rest.len(), &failure));
        }
        rest = left;
    }
    outcome.seconds = started.elapsed().as_secs_f64();
    Ok(outcome)
}

/// Setting epochs and giving slots go to nodes that do not know each other yet, in any order.
fn alike(first: &Step, step: &Step, kind: std::mem::Discriminant<Step>) -> bool {
    let lone = |step: &Step| matches!(step, Step::SetEpoch { .. } | Step::AddSlots { .. });
    std::mem::discriminant(step) == kind || lone(first) && lone(step)
}

async fn run_group(
    session: &Session,
    cluster: &Cluster,
    group: &[Step],
    settings: Settings,
    conduct: &Conduct,
    outcome: &mut Outcome,
) -> Result<(), Failure> {
    let moves: Vec<Move> = group
        .iter()
        .filter_map(|step| if let Step::MoveSlots(part) = step { Some(part.clone()) } else { None })
        .collect();
    if !moves.is_empty() {
        let moved = mover::move_slots(session, cluster, moves, settings, conduct).await;
        outcome.moved_slots += moved.slots;
        outcome.moved_keys += moved.keys;
        outcome.notes.extend(moved.notes);
        return moved.failure.map_or(Ok(()), Err);
    }
    if matches!(group.first(), Some(Step::SetEpoch { .. } | Step::AddSlots { .. })) {
        return slots::found(cluster, group).await;
    }
    match group.first() {
        Some(Step::Replicate { .. }) => return conduct.stop.or(membership::replicate(cluster, group)).await,
        Some(Step::SetConfig(_)) => {
            outcome.notes.extend(settings::set(cluster, group).await?);
            return Ok(());
        }
        Some(Step::Failover { .. }) => {
            return failover::all(session, cluster, group, &mut outcome.notes).await;
        }
        _ => {}
    }
    for step in group {
        match step {
            Step::Meet { nodes, others } => {
                conduct.stop.or(join::meet(cluster, nodes, others, settings.join_limit)).await?;
            }
            Step::AwaitAgreement { except, state_ok } => {
                conduct.stop.or(join::await_agreement(cluster, except, *state_ok)).await?;
            }
            Step::AwaitInSync { replica, master } => {
                sync::await_in_sync(session, cluster, replica, master, &conduct.stop).await?;
            }
            Step::AwaitReady { node } => conduct.stop.or(join::await_ready(cluster, node)).await?,
            Step::CloseSlots { node, slots } => slots::close(cluster, node, slots).await?,
            Step::SetOwner { node, slots } => slots::set_owner(cluster, node, slots).await?,
            Step::DeleteKeys { node, slots } => {
                let deleted = strays::delete(cluster, node, slots).await?;
                outcome.notes.push(format!("{} deleted on {}", number_of(deleted, "key"), node.name()));
            }
            Step::BumpEpoch { node } => slots::bump_epoch(cluster, node).await?,
            Step::CopySettings { source, target, names } => {
                outcome.notes.extend(likeness::copy_settings(cluster, source, target, names).await?);
            }
            Step::CopyUsers { source, target, names } => {
                outcome.notes.extend(likeness::copy_users(cluster, source, target, names).await?);
            }
            Step::ReturnKeys { source, target, slots } => {
                outcome.moved_keys +=
                    mover::return_keys(session, cluster, source, target, slots, settings, conduct).await?;
            }
            Step::CopyFunctions { source, target } => {
                outcome.notes.extend(membership::copy_functions(cluster, source, target).await?);
            }
            Step::AwaitQuiet { node } => membership::await_quiet(cluster, node).await?,
            Step::Forget { node } => membership::forget(cluster, node).await?,
            Step::Release { node } => membership::release(cluster, node).await?,
            Step::Reset { node } => membership::reset(cluster, node, "HARD").await?,
            Step::Restart { node, hook, hook_limit_s, back_limit_s, serving } => {
                let hook = restart::Hook { words: hook, limit: Duration::from_secs(*hook_limit_s) };
                let back_limit = Duration::from_secs(*back_limit_s);
                let said =
                    restart::restart(session, cluster, node, hook, back_limit, *serving, &conduct.stop)
                        .await?;
                session.output.status(&said);
            }
            Step::SoftReset { node } => membership::reset(cluster, node, "SOFT").await?,
            Step::FlushAll { node } => membership::flush(cluster, node).await?,
            // Done above, side by side.
            Step::MoveSlots(_)
            | Step::SetEpoch { .. }
            | Step::AddSlots { .. }
            | Step::Replicate { .. }
            | Step::SetConfig(_)
            | Step::Failover { .. } => {}
        }
    }
    Ok(())
}

fn stopped(outcome: &Outcome, steps_left: usize, failure: &Failure) -> Failure {
    let mut what = failure.what.clone();
    if outcome.moved_slots > 0 {
        what.push_str(&format!(
            "; {} with {} moved before",
            number_of(outcome.moved_slots, "slot"),
            number_of(outcome.moved_keys, "key")
        ));
    }
    what.push_str(&format!("; of the plan {} left", number_of(steps_left, "step")));
    let kind = if failure.kind == Kind::Interrupted { Kind::Interrupted } else { Kind::Stopped };
    let next = failure.next.clone();
    Failure {
        kind,
        what,
        next: next.or_else(|| Some("run the same command again: it goes on from what is done".into())),
    }
}
