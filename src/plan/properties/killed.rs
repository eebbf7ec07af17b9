//! What holds of jobs that are killed anywhere: resumed they end as if nothing had happened, undone as if they had never begun.
//!
//! ```text
//! killed     between two groups of steps, or with some of a group done; of a move some of its slots, and one half moved
//! then       resume or undo; one in three of these is killed, too, and resumed, or undone once more
//! ```

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use rcl_proto::{NodeId, Slot, SlotSet};

use super::cases::{self, Case, Wish};
use super::model::Model;
use super::{Told, plan, roles, slots};
use crate::plan::past::{Past, Roles};
use crate::plan::{Move, Plan, PlanError, Step, resume, undo};
use crate::topology::Topology;

#[derive(Clone, Debug)]
struct Killed {
    case: Case,
    /// Of thousand parts of the plan so many are done.
    at: usize,
    undoes: bool,
    /// When what follows is killed, too.
    again: Option<usize>,
    undoes_again: bool,
    seed: u64,
}

fn killed() -> impl Strategy<Value = Killed> {
    let again = proptest::option::weighted(0.33, 0usize..1000);
    let rest = (0usize..1000, any::<bool>(), again, any::<bool>(), any::<u64>());
    (cases::case(), rest).prop_map(|(case, (at, undoes, again, undoes_again, seed))| Killed {
        case,
        at,
        undoes,
        again,
        undoes_again,
        seed,
    })
}

#[test]
fn what_is_killed_anywhere_is_finished_or_taken_back() {
    super::run(&killed(), |killed| judge(&killed));
}

fn judge(killed: &Killed) -> Result<(), TestCaseError> {
    // A new cluster is taken back as a whole, by other rules.
    if matches!(killed.case.wish, Wish::Create { .. }) {
        return Ok(());
    }
    let mut before = killed.case.model();
    before.open.clear();
    let Ok(whole) = plan(&killed.case, &before, &before.topology()) else { return Ok(()) };
    let roles: Roles = before.nodes.iter().map(|(id, node)| (*id, node.master)).collect();
    let mut model = before.clone();
    let done = model.carry_out_until(&whole, killed.at, killed.seed).map_err(TestCaseError::fail)?;
    let past = Past { plan: &whole, done, roles: &roles };
    let stood = model.clone();
    let told = |next: &Plan, why: String| {
        let (whole, next, nodes) = (&whole.steps, &next.steps, &stood.nodes);
        TestCaseError::fail(format!("{why}\n{whole:#?}\n{nodes:#?}\n{:?}\n{next:#?}", stood.open))
    };
    if killed.undoes {
        let back = match undo::plan(&seen(&model, &whole), &past) {
            Ok(back) => back,
            Err(why) => return is_final(&whole, done, &why),
        };
        let carried = match killed.again {
            None => model.carry_out(&back, killed.seed),
            Some(at) => go_on(&mut model, &back, at, killed, &past),
        };
        return carried.and_then(|()| is_as_before(&before, &whole, &model)).map_err(|why| told(&back, why));
    }
    let rest = resume::plan(&seen(&model, &whole), &past)
        .map_err(|why| TestCaseError::fail(format!("{why:?}: {:#?}", whole.steps)))?;
    let carried = match killed.again {
        None => model.carry_out(&rest, killed.seed),
        Some(at) => resumed(&mut model, &rest, at, killed, &roles),
    };
    carried.map_err(|why| told(&rest, why))?;
    let all = Told { before: &before, plan: &whole, after: &model };
    slots::hold(&killed.case, &all)?;
    roles::hold(&killed.case, &all)
}

/// Undo that is killed is resumed, or asked for again.
fn go_on(model: &mut Model, back: &Plan, at: usize, killed: &Killed, past: &Past<'_>) -> Result<(), String> {
    if !killed.undoes_again {
        return resumed(model, back, at, killed, past.roles);
    }
    model.carry_out_until(back, at, killed.seed.rotate_left(9))?;
    let again = undo::plan(&seen(model, past.plan), past).map_err(|why| format!("again: {why:?}"))?;
    model.carry_out(&again, killed.seed).map_err(|why| format!("{why}, again {:#?}", again.steps))
}

fn resumed(model: &mut Model, plan: &Plan, at: usize, killed: &Killed, roles: &Roles) -> Result<(), String> {
    let mut done = model.carry_out_until(plan, at, killed.seed.rotate_left(9))?;
    // Who is released first is seen to be a master then: what is left is looked for once more.
    for _ in 0..2 {
        let rest = resume::plan(&seen(model, plan), &Past { plan, done, roles })
            .map_err(|why| format!("resumed again: {why:?}"))?;
        model.carry_out(&rest, killed.seed).map_err(|why| format!("{why}, resumed {:#?}", rest.steps))?;
        done = plan.steps.len();
    }
    Ok(())
}

/// With the nodes that the plan names and no member knows.
fn seen(model: &Model, plan: &Plan) -> Topology {
    let mut topology = model.topology();
    for node in plan.steps.iter().flat_map(Step::nodes) {
        if topology.node(node.id).is_none() {
            topology = model.with_newcomer(&topology, node.id).0;
        }
    }
    topology
}

fn is_final(whole: &Plan, done: usize, why: &PlanError) -> Result<(), TestCaseError> {
    let ends = |step: &Step| matches!(step, Step::Forget { .. } | Step::Reset { .. });
    let has_ended = whole.steps[..whole.steps.len().min(done + 1)].iter().any(ends);
    prop_assert!(has_ended && why.what.contains("what it was is gone"), "{:?}: {:#?}", why, whole.steps);
    Ok(())
}

/// Who owned nothing, and was lent slots by the job, follows who has them back, with its replicas.
fn is_as_before(before: &Model, whole: &Plan, after: &Model) -> Result<(), String> {
    let was_lent = |id: &NodeId| {
        let was = &before.nodes[id];
        was.master.is_none() && was.slots.is_empty() && whole.moves().any(|part| part.target.id == *id)
    };
    for (id, was) in &before.nodes {
        let now = &after.nodes[id];
        let may_follow = before.follows_last_taker && was_lent(&was.master.unwrap_or(*id));
        let same_role = now.master == was.master || may_follow && now.master.is_some();
        if !same_role || now.slots != was.slots || now.knows != was.knows {
            return Err(format!("{id:.4} was {was:?}\nand is {now:?}"));
        }
    }
    match after.open.is_empty() {
        true => Ok(()),
        false => Err("a slot is open".to_owned()),
    }
}

impl Model {
    /// Carries out a part of the plan; how many of its steps are done by the journal's word.
    fn carry_out_until(&mut self, plan: &Plan, at: usize, seed: u64) -> Result<usize, String> {
        let mut groups: Vec<usize> = vec![0];
        for (index, step) in plan.steps.iter().enumerate().skip(1) {
            if std::mem::discriminant(step) != std::mem::discriminant(&plan.steps[index - 1]) {
                groups.push(index);
            }
        }
        groups.push(plan.steps.len());
        let group = at * (groups.len() - 1) / 1000;
        let (first, end) = (groups[group], groups.get(group + 1).copied().unwrap_or(plan.steps.len()));
        let whole = Plan { steps: plan.steps[..first].to_vec(), ..Plan::default() };
        self.carry_out(&whole, seed)?;
        let mut dice = seed;
        for step in &plan.steps[first..end] {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let throw = (dice >> 33) as usize;
            match step {
                Step::MoveSlots(part) => self.move_some(part, throw)?,
                step if throw.is_multiple_of(2) => {
                    let one = Plan { steps: vec![step.clone()], ..Plan::default() };
                    self.carry_out(&one, seed)?;
                }
                _ => {}
            }
        }
        Ok(first)
    }

    /// The last slot of a source goes when all others are there.
    fn move_some(&mut self, part: &Move, throw: usize) -> Result<(), String> {
        let owned = &self.nodes[&part.source.id].slots;
        // What is finished and taken back goes back when it is there.
        let there: SlotSet = part.slots.iter().filter(|slot| owned.contains(*slot)).collect();
        let mut some: SlotSet = there.iter().take(throw % (there.len() + 1)).collect();
        if let Some(last) = some.iter().last().filter(|_| owned.difference(&some).is_empty()) {
            some.remove(last);
        }
        let rest = part.slots.difference(&some);
        if !some.is_empty() {
            let some = Move { slots: some, ..part.clone() };
            self.carry_out(&Plan { steps: vec![Step::MoveSlots(some)], ..Plan::default() }, 1)?;
        }
        let is_open = |slot: &Slot| self.open.iter().any(|(open, ..)| open == slot);
        let owned = &self.nodes[&part.source.id].slots;
        let next = rest.iter().find(|slot| owned.contains(*slot) && !is_open(slot));
        if let Some(open) = next.filter(|_| throw & 0x100 == 0) {
            self.open.push((open, part.source.id, part.target.id));
        }
        Ok(())
    }
}
