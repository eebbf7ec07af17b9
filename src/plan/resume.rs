//! What is left of a job that stopped on its way.
//!
//! | the step                       | what is left of it                                                       |
//! |--------------------------------|--------------------------------------------------------------------------|
//! | moves slots                    | the slots that are still with the source, those still open, marks that nobody goes on with |
//! | first epochs, first slots      | for nodes without an epoch; the slots that the node does not own          |
//! | makes a replica, promotes one  | nothing where the node is that already; there and back: by the journal   |
//! | forgets a node                 | who came to follow it follows another first (`followers.rs`); refused while it owns slots that the job does not move |
//! | releases a node                | likewise; nothing where it is a master without slots that all know        |
//! | resets a node                  | nothing where nobody answers by its id any more                          |
//! | waits, and what can be repeated | all of it, unless the journal says that it is done                      |
//!
//! Slots that belong to a third node by now are somebody's later will, and left alone.

use std::collections::BTreeMap;

use rcl_proto::{NodeId, SlotSet};

use super::followers::let_go;
use super::marks::left_behind;
use super::past::{Past, Standing, left_alone, on_their_way};
use super::{Move, NodeRef, Plan, PlanError, Step, move_steps};
use crate::output::number_of;
use crate::topology::{Node, Role, Topology};

pub fn plan(topology: &Topology, past: &Past<'_>) -> Result<Plan, PlanError> {
    let mut rest = Rest {
        topology,
        steps: Vec::new(),
        warnings: Vec::new(),
        going: BTreeMap::new(),
        serving: BTreeMap::new(),
    };
    for (index, step) in past.plan.steps.iter().enumerate() {
        rest.take(step, past, index)?;
    }
    rest.await_targets(past);
    if !rest.steps.iter().any(changes) {
        rest.steps.clear();
    }
    let mut plan = Plan::new(format!("go on: {}", past.plan.title), rest.steps, topology);
    plan.warnings = rest.warnings;
    Ok(plan)
}

fn changes(step: &Step) -> bool {
    !matches!(
        step,
        Step::AwaitAgreement { .. }
            | Step::AwaitReady { .. }
            | Step::AwaitInSync { .. }
            | Step::AwaitQuiet { .. }
    )
}

struct Rest<'a> {
    topology: &'a Topology,
    steps: Vec<Step>,
    warnings: Vec<String>,
    /// What the steps so far take from whom.
    going: BTreeMap<NodeId, SlotSet>,
    /// By the promotions so far: who is a master with slots, and who is none any more.
    serving: BTreeMap<NodeId, bool>,
}

impl Rest<'_> {
    fn take(&mut self, step: &Step, past: &Past<'_>, index: usize) -> Result<(), PlanError> {
        let done = index < past.done;
        let node = |node: &NodeRef| self.topology.node(node.id);
        let is_left = match step {
            Step::MoveSlots(part) => return self.take_move(&self.of_its_own(part, past, index), past),
            // Who is waited for follows from the moves that are left.
            Step::AwaitReady { .. } => false,
            Step::SetEpoch { node: new, .. } => node(new).is_none_or(|node| node.config_epoch == 0),
            Step::AddSlots { node: new, slots } => {
                let left = slots.difference(&node(new).map(|node| node.slots.clone()).unwrap_or_default());
                if !left.is_empty() {
                    self.steps.push(Step::AddSlots { node: new.clone(), slots: left });
                }
                return Ok(());
            }
            Step::Replicate { replica, master } => node(replica).is_none_or(|node| {
                node.master() != Some(master.id) && (!node.is_master() || node.slots.is_empty())
            }),
            Step::AwaitInSync { replica, .. } => !done && !self.serves(replica),
            Step::Failover { replica, master, .. } => {
                let is_over = done && (past.is_given_back(index) || past.gives_back(index));
                let is_left = !is_over && !self.serves(replica);
                if is_left {
                    self.serving.insert(replica.id, true);
                    self.serving.extend(master.iter().map(|master| (master.id, false)));
                }
                if let Some(master) = master.as_ref().filter(|_| is_left).and_then(node) {
                    self.going.insert(master.id, master.slots.clone());
                }
                is_left
            }
            Step::Forget { node: leaving } => {
                self.refuse_owner(leaving, &SlotSet::EMPTY, "scale-down")?;
                if !done {
                    let first = let_go(leaving.id, self.steps.iter(), self.topology, past.roles);
                    self.steps.extend(first);
                }
                !done
            }
            Step::Release { node: held } => {
                // Undo releases a node and then gives it slots: one that has some of these was released.
                let given = past.plan.moves().filter(|part| part.target.id == held.id);
                let given = given.fold(SlotSet::EMPTY, |all, part| all.union(&part.slots));
                self.refuse_owner(held, &given, "drain")?;
                // What is finished first it has still.
                let going = self.going.get(&held.id).cloned().unwrap_or_default();
                let got = given.difference(&going);
                let has_got = node(held).is_some_and(|node| !node.slots.intersection(&got).is_empty());
                let is_free = |node: &Node| node.is_master() && node.slots.is_empty();
                !done
                    && !has_got
                    && (node(held).is_none_or(|node| !is_free(node)) || self.topology.is_stranger(held.id))
            }
            Step::Reset { node: leaving } => {
                let answers = node(leaving).is_some_and(|node| node.answers());
                if !answers && !done {
                    self.warnings.push(format!(
                        "nobody answers at {} by the id {:.8}: it is reset already, or does not run",
                        leaving.address, leaving.id
                    ));
                }
                answers && !done
            }
            Step::SoftReset { node: leaving } | Step::FlushAll { node: leaving } => {
                !done && node(leaving).is_some_and(|node| node.answers())
            }
            Step::AwaitQuiet { node: leaving } => !done && node(leaving).is_some_and(|node| node.answers()),
            _ => !done,
        };
        if is_left {
            self.steps.push(step.clone());
        }
        Ok(())
    }

    fn serves(&self, node: &NodeRef) -> bool {
        let now =
            || self.topology.node(node.id).is_some_and(|node| node.is_master() && !node.slots.is_empty());
        self.serving.get(&node.id).copied().unwrap_or_else(now)
    }

    /// Without slots that a later move takes, as where undo finished what was half moved and then took it back; but for those that are half moved
    /// still, in this move's direction.
    fn of_its_own(&self, part: &Move, past: &Past<'_>, index: usize) -> Move {
        let later = past.plan.steps[index + 1..].iter().filter_map(|step| match step {
            Step::MoveSlots(part) => Some(&part.slots),
            _ => None,
        });
        let later = later.fold(SlotSet::EMPTY, |all, slots| all.union(slots));
        let open = on_their_way(part.source.id, part.target.id, self.topology, past.roles);
        Move { slots: part.slots.difference(&later.difference(&open)), ..part.clone() }
    }

    fn take_move(&mut self, part: &Move, past: &Past<'_>) -> Result<(), PlanError> {
        // Who is released before is a master by then, whomever it follows now.
        let mut by_then = None;
        if self.steps.iter().any(|step| matches!(step, Step::Release { node } if node.id == part.target.id)) {
            let mut topology = self.topology.clone();
            topology.nodes.entry(part.target.id).and_modify(|node| node.role = Role::Master);
            by_then = Some(topology);
        }
        let standing = Standing::of(part, by_then.as_ref().unwrap_or(self.topology), past.roles);
        self.warnings.extend(left_alone(&standing.elsewhere));
        let closing = standing.there.intersection(&standing.open);
        let slots = standing.left.union(&closing);
        if slots.is_empty() {
            return Ok(());
        }
        if standing.left.is_empty()
            && let (source, Some(target)) = (standing.source, standing.target)
            && source.is_none_or(|source| source.id == target.id)
        {
            // Who gave them is gone, or follows, and just a mark is left, of which nobody goes on.
            return Ok(());
        }
        let (source, target) = standing.ends(part)?;
        let going = self.going.entry(source.id).or_default();
        *going = going.union(&slots);
        let by_then = |node: &Node, planned: &NodeRef| {
            if self.serving.contains_key(&planned.id) { planned.clone() } else { NodeRef::of(node) }
        };
        let source = by_then(source, &part.source);
        let mut slots = slots;
        for (heir, diverted) in &standing.diverted {
            slots = slots.difference(diverted);
            self.warnings.push(format!(
                "{} are on their way to {}, which took the place of {} meanwhile, and stay there: {diverted}",
                number_of(diverted.len(), "slot"),
                heir.name(),
                part.target.name()
            ));
            let (source, target, slots) = (source.clone(), NodeRef::of(heir), diverted.clone());
            self.steps.push(Step::MoveSlots(Move { source, target, slots }));
        }
        if !slots.is_empty() {
            let target = by_then(target, &part.target);
            self.steps.push(Step::MoveSlots(Move { source, target, slots }));
        }
        Ok(())
    }

    /// All moves go side by side, behind the waits for their targets, and behind what keeps nodes from hearing of them.
    fn await_targets(&mut self, past: &Past<'_>) {
        let is_move = |step: &Step| matches!(step, Step::MoveSlots(_));
        let moves = self.steps.iter().filter_map(|step| match step {
            Step::MoveSlots(part) => Some(part.clone()),
            _ => None,
        });
        let moves: Vec<Move> = moves.collect();
        let mut before = left_behind(past.plan.moves(), &moves, self.topology, past.roles);
        let first = self.steps.iter().position(is_move).unwrap_or(0);
        before.extend(move_steps(moves, self.topology).into_iter().filter(|step| !is_move(step)));
        self.steps.splice(first..first, before);
    }

    /// `given`: what the job gives it itself.
    fn refuse_owner(&self, leaving: &NodeRef, given: &SlotSet, verb: &str) -> Result<(), PlanError> {
        let Some(node) = self.topology.node(leaving.id) else { return Ok(()) };
        let going = self.going.get(&node.id).cloned().unwrap_or_default();
        let stays = node.slots.difference(&going).difference(given);
        if stays.is_empty() {
            return Ok(());
        }
        Err(PlanError::new(
            format!(
                "{} was to own nothing, and owns {} slots that the job does not move",
                node.name(),
                stays.len()
            ),
            format!("rcl {verb} {} plans anew", node.address),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::past::Roles;
    use crate::plan::rebalance::tests::{id, topology};
    use crate::plan::{replace, reshard, scale_down};
    use rcl_proto::Slot;

    fn roles() -> Roles {
        (1..=5).map(|number| (id(number), None)).collect()
    }

    fn moved(plan: &Plan) -> Vec<(u16, u16, String)> {
        let one = |part: &Move| (part.source.address.port, part.target.address.port, part.slots.to_string());
        plan.moves().map(one).collect()
    }

    fn rest(topology: &Topology, plan: &Plan, roles: &Roles) -> Result<Plan, PlanError> {
        super::plan(topology, &Past { plan, done: 0, roles })
    }

    #[test]
    fn only_what_is_still_with_the_source_or_open_is_moved() {
        let before = topology(&[8192, 8192]);
        let wish = reshard::Wish::Count(100);
        let plan = reshard::plan(&before, &[id(1)], id(2), &wish).unwrap();
        assert_eq!(moved(&rest(&before, &plan, &roles()).unwrap()), [(7001, 7002, "0-99".to_owned())]);
        // Sixty have arrived, of which one has its mark still.
        let mut now = topology_with_first(60);
        now.nodes.get_mut(&id(1)).unwrap().migrating = vec![(Slot::new(59).unwrap(), id(2))];
        assert_eq!(moved(&rest(&now, &plan, &roles()).unwrap()), [(7001, 7002, "59-99".to_owned())]);
        let now = topology_with_first(100);
        assert_eq!(rest(&now, &plan, &roles()).unwrap().steps, []);
    }

    #[test]
    fn what_was_finished_and_taken_back_is_not_moved_once_more() {
        let before = topology(&[8192, 8192]);
        let there = reshard::plan(&before, &[id(1)], id(2), &reshard::Wish::Count(100)).unwrap();
        let part = there.moves().next().unwrap();
        let back =
            Move { source: part.target.clone(), target: part.source.clone(), slots: part.slots.clone() };
        let steps = vec![Step::MoveSlots(part.clone()), Step::MoveSlots(back)];
        let plan = Plan::new("take back".to_owned(), steps, &before);
        assert_eq!(rest(&before, &plan, &roles()).unwrap().steps, [], "it is back");
        let on_its_way = moved(&rest(&topology_with_first(60), &plan, &roles()).unwrap());
        assert_eq!(on_its_way, [(7002, 7001, "0-59".to_owned())]);
        let mut half = before.clone();
        half.nodes.get_mut(&id(1)).unwrap().migrating = vec![(Slot::new(7).unwrap(), id(2))];
        let finished_first = moved(&rest(&half, &plan, &roles()).unwrap());
        assert_eq!(finished_first, [(7001, 7002, "7".to_owned()), (7002, 7001, "7".to_owned())]);
        let mut going_back = topology_with_first(60);
        going_back.nodes.get_mut(&id(2)).unwrap().migrating = vec![(Slot::new(7).unwrap(), id(1))];
        let going_back = moved(&rest(&going_back, &plan, &roles()).unwrap());
        assert_eq!(going_back, [(7002, 7001, "0-59".to_owned())], "it is on its way back already");
    }

    #[test]
    fn one_that_was_released_and_has_got_slots_of_the_job_is_not_released_again() {
        let now = topology(&[8192, 8192]);
        let part = Move {
            source: NodeRef::of(&now.nodes[&id(1)]),
            target: NodeRef::of(&now.nodes[&id(2)]),
            slots: now.nodes[&id(2)].slots.clone(),
        };
        let release = Step::Release { node: part.target.clone() };
        let plan = |slots: SlotSet| {
            let steps = vec![release.clone(), Step::MoveSlots(Move { slots, ..part.clone() })];
            Plan::new("take back".to_owned(), steps, &now)
        };
        assert_eq!(rest(&now, &plan(part.slots.clone()), &roles()).unwrap().steps, []);
        // It follows who took them still.
        let mut follows = topology(&[16384, 0]);
        follows.nodes.get_mut(&id(2)).unwrap().role = Role::ReplicaOf(id(1));
        let steps = rest(&follows, &plan(part.slots.clone()), &roles()).unwrap().steps;
        assert_eq!(steps[0], release);
        assert_eq!(steps.last(), Some(&Step::MoveSlots(part.clone())));
        let one = std::iter::once(Slot::MAX).collect();
        assert!(rest(&now, &plan(one), &roles()).is_err(), "others are somebody's later will");
    }

    /// Of two masters that had half of the slots each, the first has given its first `count` to the second.
    fn topology_with_first(count: usize) -> Topology {
        let set =
            |from: usize, to: usize| (from..to).filter_map(|n| Slot::new(n as u16)).collect::<SlotSet>();
        crate::plan::rebalance::tests::topology_of(&[
            set(count, 8192),
            set(8192, 16384).union(&set(0, count)),
        ])
    }

    #[test]
    fn who_took_over_stands_for_who_failed() {
        let before = topology(&[8192, 8192, 0]);
        let plan = reshard::plan(&before, &[id(1)], id(2), &reshard::Wish::Count(10)).unwrap();
        let roles = Roles::from([(id(1), None), (id(2), None), (id(3), Some(id(1)))]);
        // Node 3 has what node 1 had, which is gone.
        let mut now = crate::plan::rebalance::tests::topology_of(&[
            SlotSet::EMPTY,
            before.nodes[&id(2)].slots.clone(),
            before.nodes[&id(1)].slots.clone(),
        ]);
        now.nodes.get_mut(&id(1)).unwrap().facts = None;
        assert_eq!(moved(&rest(&now, &plan, &roles).unwrap()), [(7003, 7002, "0-9".to_owned())]);
        // The target had begun to import from who is gone.
        now.nodes.get_mut(&id(2)).unwrap().importing = vec![(Slot::new(7).unwrap(), id(1))];
        let kinds: Vec<_> =
            rest(&now, &plan, &roles).unwrap().steps.iter().map(std::mem::discriminant).collect();
        let node = NodeRef::of(&now.nodes[&id(2)]);
        let marks_off = Step::CloseSlots { node, slots: SlotSet::EMPTY };
        assert_eq!(kinds[0], std::mem::discriminant(&marks_off));
        now.nodes.get_mut(&id(2)).unwrap().importing.clear();
        // It came back as a replica.
        let node = now.nodes.get_mut(&id(1)).unwrap();
        (node.role, node.facts) = (Role::ReplicaOf(id(3)), Some(Default::default()));
        assert_eq!(moved(&rest(&now, &plan, &roles).unwrap()), [(7003, 7002, "0-9".to_owned())]);
        // Or has not stepped down yet.
        now.nodes.get_mut(&id(1)).unwrap().role = Role::Master;
        assert_eq!(moved(&rest(&now, &plan, &roles).unwrap()), [(7003, 7002, "0-9".to_owned())]);
        now.nodes.get_mut(&id(1)).unwrap().role = Role::ReplicaOf(id(3));
        // The target is gone, and nobody stands for it.
        now.nodes.get_mut(&id(2)).unwrap().facts = None;
        let error = rest(&now, &plan, &roles).unwrap_err();
        assert!(error.what.contains("no replica of its has taken over"), "{error:?}");
    }

    #[test]
    fn a_replacement_goes_on_before_and_behind_the_promotion() {
        let mut cluster = topology(&[5462, 5461, 5461, 0]);
        let new = NodeRef::of(&cluster.nodes[&id(4)]);
        let meeting = Step::Meet { nodes: vec![new.clone()], others: Vec::new() };
        let plan = replace::plan(&cluster, id(1), &new, Some(meeting)).unwrap();
        assert_eq!(rest(&cluster, &plan, &roles()).unwrap().steps, plan.steps, "nothing was done");
        cluster.nodes.get_mut(&id(4)).unwrap().role = Role::ReplicaOf(id(1));
        let left = rest(&cluster, &plan, &roles()).unwrap().steps;
        assert!(left.iter().any(|step| matches!(step, Step::Failover { .. })), "{left:?}");
        assert!(!left.iter().any(|step| matches!(step, Step::Replicate { .. })), "{left:?}");
        let slots = std::mem::take(&mut cluster.nodes.get_mut(&id(1)).unwrap().slots);
        cluster.nodes.get_mut(&id(1)).unwrap().role = Role::ReplicaOf(id(4));
        let node = cluster.nodes.get_mut(&id(4)).unwrap();
        (node.role, node.slots) = (Role::Master, slots);
        let left = rest(&cluster, &plan, &roles()).unwrap().steps;
        assert!(!left.iter().any(|step| matches!(step, Step::Failover { .. })), "{left:?}");
        assert!(left.iter().any(|step| matches!(step, Step::Reset { .. })), "{left:?}");
    }

    #[test]
    fn who_came_to_follow_one_that_goes_follows_another_first() {
        let before = topology(&[4096, 4096, 4096, 4096, 0]);
        let plan = scale_down::plan(&before, id(4)).unwrap();
        let mut gone = topology(&[5462, 5461, 5461, 0, 0]);
        gone.nodes.get_mut(&id(5)).unwrap().role = Role::ReplicaOf(id(4));
        let place = |roles: &Roles, is_it: &dyn Fn(&Step) -> bool| {
            rest(&gone, &plan, roles).unwrap().steps.iter().position(is_it)
        };
        let is_forgotten = |step: &Step| matches!(step, Step::Forget { node } if node.id == id(4));
        let is_freed = |step: &Step| matches!(step, Step::Release { node } if node.id == id(5));
        let (freed, forgotten) = (place(&roles(), &is_freed), place(&roles(), &is_forgotten));
        assert!(freed.is_some() && freed < forgotten, "{freed:?} {forgotten:?}");
        let is_given = |step: &Step| matches!(step, Step::Replicate { replica, master } if replica.id == id(5) && master.id == id(3));
        let mut roles = roles();
        roles.insert(id(5), Some(id(3)));
        let (given, forgotten) = (place(&roles, &is_given), place(&roles, &is_forgotten));
        assert!(given.is_some() && given < forgotten, "{given:?} {forgotten:?}");
        // The job has forgotten it already.
        let done = plan.steps.len() - 1;
        let past = Past { plan: &plan, done, roles: &roles };
        assert_eq!(super::plan(&gone, &past).unwrap().steps, []);
    }

    #[test]
    fn slots_of_a_third_are_left_alone_and_an_owner_is_not_forgotten() {
        let before = topology(&[4096, 4096, 4096, 4096]);
        let plan = scale_down::plan(&before, id(4)).unwrap();
        let whole = rest(&before, &plan, &roles()).unwrap();
        assert_eq!(whole.steps, plan.steps, "nothing was done");
        let gone = topology(&[5462, 5461, 5461, 0]);
        let left = rest(&gone, &plan, &roles()).unwrap();
        assert!(left.moves().next().is_none() && left.steps.contains(plan.steps.last().unwrap()));
        // Meanwhile it got others.
        let other = topology(&[4000, 4000, 4000, 4384]);
        let error = rest(&other, &plan, &roles()).unwrap_err();
        assert!(error.what.contains("owns 288 slots"), "{error:?}");
        assert!(error.next.contains("scale-down"));
    }
}
