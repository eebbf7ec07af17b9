//! Planners against a model of the cluster: any topology and wish gives a plan that can be carried out, ends in what was wished, and
//! moves no more than it must.
//!
//! ```text
//! model    nodes, slots, roles; a step is carried out by the rules of real nodes, or refused
//! cases    clusters and wishes, drawn
//! slots    what holds of wishes about slots: where they end, how many move, whom they fill
//! loads    what holds of balance by what slots weigh
//! roles    what holds of wishes about nodes: who follows whom, who is in the cluster
//! killed   what holds of plans that are killed on their way, and resumed or undone
//! ```
//!
//! Bounds are computed here by other ways than the planners'. `RCL_PLAN_CASES` says how many are drawn (`make plan-props CASES=100000`).

mod cases;
mod killed;
mod loads;
mod model;
mod roles;
mod slots;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use self::cases::{Case, Wish};
use self::model::Model;
use super::{Plan, PlanError, create, drain, rebalance, replace, reshard, room, scale_down};
use crate::topology::Topology;

const USUAL_CASES: u32 = 400;

fn cases() -> u32 {
    std::env::var("RCL_PLAN_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(USUAL_CASES)
}

#[test]
fn every_wish_comes_true_with_the_fewest_moves() {
    let tally = std::cell::RefCell::new(std::collections::BTreeMap::<String, [u64; 2]>::new());
    run(&cases::case(), |case| {
        let planned = judge(&case)?;
        tally.borrow_mut().entry(case.wish.name()).or_default()[usize::from(planned)] += 1;
        Ok(())
    });
    // Where most were refused, little would be said of plans.
    let tally = tally.into_inner();
    let [refused, planned] = tally.values().fold([0, 0], |sum, one| [sum[0] + one[0], sum[1] + one[1]]);
    assert!(planned > refused, "refused and planned, by wish: {tally:?}");
}

fn run<Drawn: Strategy>(drawn: &Drawn, judge: impl Fn(Drawn::Value) -> Result<(), TestCaseError>) {
    let config =
        Config { cases: cases(), failure_persistence: None, max_shrink_iters: 3000, ..Config::default() };
    // The usual ones are the same each time: a rare case that fails is for `make plan-props` to find.
    let mut runner = match std::env::var_os("RCL_PLAN_CASES") {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    };
    if let Err(error) = runner.run(drawn, judge) {
        panic!("{error}");
    }
}

/// What is known before and after a plan was carried out on the model.
struct Told<'a> {
    before: &'a Model,
    plan: &'a Plan,
    after: &'a Model,
}

/// False when it was refused, for a reason that there is.
fn judge(case: &Case) -> Result<bool, TestCaseError> {
    let before = case.model();
    let topology = before.topology();
    let plan = match plan(case, &before, &topology) {
        Ok(plan) => plan,
        Err(why) => {
            roles::refused_for_a_reason(case, &before, &why)?;
            return Ok(false);
        }
    };
    let mut after = before.clone();
    if let Err(why) = after.carry_out(&plan, case.seed) {
        return Err(TestCaseError::fail(format!("{why}\n{:#?}", plan.steps)));
    }
    let told = Told { before: &before, plan: &plan, after: &after };
    slots::hold(case, &told)?;
    roles::hold(case, &told)?;
    if room::check(&plan, &topology).is_ok() {
        slots::fit(&told)?;
    }
    if let Wish::Rebalance(wish) = &case.wish {
        loads::hold(wish, &told)?;
        settles(case, &after)?;
    }
    Ok(true)
}

fn plan(case: &Case, model: &Model, topology: &Topology) -> Result<Plan, PlanError> {
    match &case.wish {
        Wish::Create { replicas } => create::plan(&model.lone_nodes(), *replicas, &model.zones()),
        Wish::Reshard { from, to, count } => {
            reshard::plan(topology, from, *to, &reshard::Wish::Count(*count))
        }
        Wish::MoveSlots { slots, to } => {
            reshard::plan(topology, &[], *to, &reshard::Wish::These(slots.clone()))
        }
        Wish::MoveAll { from, to } => {
            let slots = Box::new(model.nodes[from].slots.clone());
            reshard::plan(topology, &[*from], *to, &reshard::Wish::These(slots))
        }
        Wish::Rebalance(wish) => rebalance::plan(topology, wish),
        Wish::ScaleDown(node) => scale_down::plan(topology, *node),
        Wish::Drain(node) => drain::plan(topology, *node),
        Wish::Replace { old, new } => {
            let (topology, new, meeting) = model.with_newcomer(topology, *new);
            replace::plan(&topology, *old, &new, Some(meeting))
        }
    }
}

/// Asked again and again, a balance comes to rest.
fn settles(case: &Case, after: &Model) -> Result<(), TestCaseError> {
    let mut model = after.clone();
    for round in 0..20 {
        let topology = model.topology();
        let again = match plan(case, &model, &topology) {
            Ok(again) => again,
            // Weights may name a master that is none any more.
            Err(why) => return Err(TestCaseError::fail(format!("round {round}: {why:?}"))),
        };
        if again.moves().next().is_none() {
            return Ok(());
        }
        model.carry_out(&again, case.seed).map_err(TestCaseError::fail)?;
    }
    Err(TestCaseError::fail("it does not come to rest"))
}
