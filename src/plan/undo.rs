//! Taking back what a job did, as far as that can be.
//!
//! | what was done                            | how it is taken back                                             |
//! |------------------------------------------|------------------------------------------------------------------|
//! | slots moved                              | a half-moved slot is finished first, then all go back; who gave its last one is master again |
//! | a replica given to another master        | given back                                                        |
//! | a master made a replica                  | it is released                                                    |
//! | a replica promoted                       | the old master is promoted, if it follows                         |
//! | a node restarted                         | there is nothing to take back                                     |
//! | a node released                          | what was a replica is one again                                   |
//! | nodes joined                             | they leave, if they own nothing but what the job gave them; who follows one follows another first (`followers.rs`) |
//! | a new cluster                            | its nodes are reset, if it has no keys                            |
//! | a node forgotten, reset or emptied       | not at all: what it was is gone                                   |
//! | directives set                           | set to what they were                                             |
//! | keys returned or deleted, marks, owners, epochs (fix) | not at all: what was before was no good state        |
//! | settings and users copied to a newcomer  | they stay: it leaves, and is nobody's                             |
//!
//! A slot is finished before it goes back since keys that are on their way cannot be called back without clients missing
//! them for a moment: its owner would have to serve a slot of which it does not have all.

use rcl_proto::{NodeId, SlotSet};

use super::followers::let_go;
use super::marks::left_behind;
use super::past::{Past, Standing, left_alone, on_their_way};
use super::{FailoverMode, Move, NodeRef, Plan, PlanError, Setting, Step, emptied, move_steps, scale_down};
use crate::output::number_of;
use crate::topology::{Node, Topology};

pub fn plan(topology: &Topology, past: &Past<'_>) -> Result<Plan, PlanError> {
    let is_new = past.plan.steps.iter().any(|step| matches!(step, Step::AddSlots { .. }));
    let steps = if is_new { dissolve(topology, past)? } else { take_back(topology, past)? };
    let mut plan = Plan::new(format!("take back: {}", past.plan.title), steps.0, topology);
    plan.warnings = steps.1;
    Ok(plan)
}

type Steps = (Vec<Step>, Vec<String>);

fn take_back(topology: &Topology, past: &Past<'_>) -> Result<Steps, PlanError> {
    let mut back = Back {
        topology,
        before: Vec::new(),
        steps: Vec::new(),
        finish: Vec::new(),
        back: Vec::new(),
        warnings: Vec::new(),
    };
    for (index, step) in past.plan.steps.iter().enumerate().rev() {
        back.take(step, past, index)?;
    }
    Ok(back.into_steps(past))
}

struct Back<'a> {
    topology: &'a Topology,
    /// Nodes that come back to their place before anything moves.
    before: Vec<Step>,
    steps: Vec<Step>,
    finish: Vec<Move>,
    back: Vec<Move>,
    warnings: Vec<String>,
}

impl<'a> Back<'a> {
    fn take(&mut self, step: &Step, past: &Past<'_>, index: usize) -> Result<(), PlanError> {
        // The journal does not say that it was not.
        let begun = index <= past.done;
        let node = |node: &NodeRef| self.topology.node(node.id);
        match step {
            Step::MoveSlots(part) => return self.take_move(part, past),
            Step::Forget { node: gone }
            | Step::Reset { node: gone }
            | Step::SoftReset { node: gone }
            | Step::FlushAll { node: gone }
                if begun =>
            {
                return Err(PlanError::new(
                    format!("{} was taken out of the cluster: what it was is gone", gone.name()),
                    "add it anew (rcl add-node or add-replica), then rebalance",
                ));
            }
            Step::ReturnKeys { .. }
            | Step::CloseSlots { .. }
            | Step::SetOwner { .. }
            | Step::DeleteKeys { .. }
            | Step::BumpEpoch { .. }
                if begun =>
            {
                return Err(PlanError::new(
                    "what fix mended is not broken again",
                    "rcl check shows how the cluster is",
                ));
            }
            // Where it was not set yet, this changes nothing.
            Step::SetConfig(_) => self.steps.extend(set_back(step)),
            Step::Replicate { replica, master } => self.give_back(replica, master, past),
            // What was given back already is not promoted once more.
            Step::Failover { replica, master: Some(master), .. } if !past.gives_back(index) => {
                let swapped = node(replica).is_some_and(Node::is_master)
                    && node(master).is_some_and(|node| node.master() == Some(replica.id));
                if swapped {
                    let (replica, master) = (master.clone(), Some(replica.clone()));
                    self.steps.push(Step::Failover { replica, master, mode: FailoverMode::Graceful });
                    self.steps.push(agree());
                }
            }
            Step::Release { node: released } if begun => self.hold_again(released, past),
            Step::Meet { nodes, .. } => {
                // Replicas before their masters, which they would not forget.
                let mut nodes: Vec<&NodeRef> = nodes.iter().collect();
                nodes.sort_by_key(|new| node(new).is_none_or(Node::is_master));
                for new in nodes {
                    self.send_away(new, past)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A replica goes back to its master of before; and what was a master of the cluster is one again.
    fn give_back(&mut self, replica: &NodeRef, master: &NodeRef, past: &Past<'_>) {
        let follows = self.topology.node(replica.id).filter(|node| node.master() == Some(master.id));
        let (Some(node), Some(was)) = (follows, past.roles.get(&replica.id)) else { return };
        match was {
            Some(before) => {
                if let Some(before) = self.topology.node(*before).filter(|before| before.id != master.id) {
                    let (replica, master) = (replica.clone(), NodeRef::of(before));
                    self.steps.extend([Step::Replicate { replica, master }, agree()]);
                }
            }
            None if past.is_newcomer(replica.id) || past.is_replaced(replica.id) => {}
            None => self.hold_anew(node, past),
        }
    }

    /// What was a replica becomes one again. A master gets its slots back, and nothing else is to be done.
    fn hold_again(&mut self, released: &NodeRef, past: &Past<'_>) {
        let Some(node) = self.topology.node(released.id) else { return };
        if self.topology.is_stranger(node.id) {
            let others = self.topology.nodes.values().filter(|other| other.id != node.id && other.answers());
            let (nodes, others) = (vec![released.clone()], others.map(NodeRef::of).collect());
            self.before.push(Step::Meet { nodes, others });
        }
        let before = past.roles.get(&node.id).copied().flatten().and_then(|id| self.topology.node(id));
        if let Some(before) = before
            && node.is_master()
        {
            let (replica, master) = (released.clone(), NodeRef::of(before));
            self.steps.extend([Step::Replicate { replica, master }, agree()]);
        }
    }

    fn take_move(&mut self, part: &Move, past: &Past<'_>) -> Result<(), PlanError> {
        let standing = Standing::of(part, self.topology, past.roles);
        self.warnings.extend(left_alone(&standing.elsewhere));
        let slots = standing.there.union(&standing.open);
        // Who has given all of them back follows who has them.
        let is_back = standing.target.is_some_and(|target| target.id == part.source.id);
        if slots.is_empty() || is_back {
            return Ok(());
        }
        let (source, target) = match (self.gave_its_last(part, past), standing.target) {
            (Some(source), Some(target)) => {
                self.hold_anew(source, past);
                (source, target)
            }
            _ => standing.ends(part)?,
        };
        let (source, target) = (NodeRef::of(source), NodeRef::of(target));
        // An undo that was killed has begun to move these back.
        let back = on_their_way(part.target.id, part.source.id, self.topology, past.roles);
        let (mut open, mut slots) = (standing.open.difference(&back), slots);
        for (heir, diverted) in standing.diverted {
            (open, slots) = (open.difference(&diverted), slots.difference(&diverted));
            self.there_and_back(&source, &NodeRef::of(heir), &diverted, &diverted);
        }
        self.there_and_back(&source, &target, &open, &slots);
        Ok(())
    }

    fn there_and_back(&mut self, source: &NodeRef, target: &NodeRef, open: &SlotSet, slots: &SlotSet) {
        let part = |source: &NodeRef, target: &NodeRef, slots: &SlotSet| Move {
            source: source.clone(),
            target: target.clone(),
            slots: slots.clone(),
        };
        if !open.is_empty() {
            self.finish.push(part(source, target, open));
        }
        if !slots.is_empty() {
            self.back.push(part(target, source, slots));
        }
    }

    /// The source, when it follows a master of before by now, as one that gave its last slot does.
    fn gave_its_last(&self, part: &Move, past: &Past<'_>) -> Option<&'a Node> {
        let was_master = |id: NodeId| past.roles.get(&id) == Some(&None);
        let source = self.topology.node(part.source.id).filter(|source| source.answers())?;
        let follows = source.master()?;
        let is_freed = || self.is_freed(&NodeRef::of(source));
        (was_master(source.id) && (was_master(follows) || is_freed())).then_some(source)
    }

    /// It is released from that, to get its slots again; and those who followed it when the job began follow it again.
    fn hold_anew(&mut self, source: &Node, past: &Past<'_>) {
        let node = NodeRef::of(source);
        if self.is_freed(&node) {
            return;
        }
        self.before.extend(freed(&node));
        for replica in self.topology.nodes.values().filter(|replica| replica.answers()) {
            let was_its = past.roles.get(&replica.id) == Some(&Some(source.id));
            let back = Step::Replicate { replica: NodeRef::of(replica), master: node.clone() };
            if was_its && !replica.is_master() && !self.steps.contains(&back) {
                self.steps.extend([back, agree()]);
            }
        }
    }

    fn send_away(&mut self, new: &NodeRef, past: &Past<'_>) -> Result<(), PlanError> {
        let Some(node) = self.topology.node(new.id) else { return Ok(()) };
        // Promoted by the job, it gives that back first.
        let returns = self
            .steps
            .iter()
            .any(|step| matches!(step, Step::Failover { master: Some(master), .. } if master.id == new.id));
        let given = self.back.iter().filter(|part| part.source.id == new.id);
        let stays = given.fold(node.slots.clone(), |left, part| left.difference(&part.slots));
        if !stays.is_empty() && !returns {
            return Err(PlanError::new(
                format!("{} joined, and owns {} by now", node.name(), number_of(stays.len(), "slot")),
                format!("rcl scale-down {} takes it out", node.address),
            ));
        }
        let before = let_go(new.id, self.before.iter().chain(&self.steps), self.topology, past.roles);
        self.steps.extend(before);
        let (leaving, warning) = scale_down::leave(self.topology, node);
        self.steps.extend(leaving);
        self.warnings.extend(warning);
        Ok(())
    }

    /// Half-moved slots are finished before anything else. Then what was done last is taken back first.
    fn into_steps(self, past: &Past<'_>) -> Steps {
        let goes_on = [self.finish.as_slice(), &self.back].concat();
        let marks = left_behind(past.plan.moves(), &goes_on, self.topology, past.roles);
        // Whose last slot is half moved follows who gets it, as do its replicas (since Redis 7).
        let mut emptied = emptied(&self.finish, self.topology);
        emptied.retain(|source| self.back.iter().any(|part| part.target.id == source.id));
        let followers = self.followers_again(&emptied, past);
        let mut steps = self.before;
        steps.extend(marks);
        steps.extend(move_steps(self.finish, self.topology));
        steps.extend(emptied.into_iter().flat_map(|source| freed(&NodeRef::of(source))));
        steps.extend(move_steps(self.back, self.topology));
        steps.extend(followers);
        steps.extend(self.steps);
        (steps, self.warnings)
    }

    /// Replicas that went with slots follow their masters again: those of `emptied`, and those of whoever has its slots, or gets them.
    fn followers_again(&self, emptied: &[&Node], past: &Past<'_>) -> Vec<Step> {
        let mut again = Vec::new();
        let mut follow = |replica: &Node, master: &NodeRef| {
            let step = Step::Replicate { replica: NodeRef::of(replica), master: master.clone() };
            if replica.answers() && !self.steps.contains(&step) && !again.contains(&step) {
                again.push(step);
            }
        };
        for source in emptied {
            for replica in self.topology.replicas_of(source.id) {
                follow(replica, &NodeRef::of(source));
            }
        }
        let is_master = |owner: &NodeRef| {
            self.topology.node(owner.id).is_some_and(Node::is_master) || self.is_freed(owner)
        };
        for part in past.plan.moves().filter(|part| is_master(&part.source)) {
            let replicas = self.topology.replicas_of(part.target.id).into_iter();
            let was_its = |id: NodeId| past.roles.get(&id) == Some(&Some(part.source.id));
            replicas.filter(|replica| was_its(replica.id)).for_each(|replica| follow(replica, &part.source));
        }
        if !again.is_empty() {
            again.push(agree());
        }
        again
    }

    /// Before anything is moved.
    fn is_freed(&self, node: &NodeRef) -> bool {
        self.before.iter().any(|step| matches!(step, Step::Release { node: freed } if freed.id == node.id))
    }
}

/// Of a replica, a master without slots that may get some.
fn freed(node: &NodeRef) -> [Step; 2] {
    [Step::Release { node: node.clone() }, Step::AwaitReady { node: node.clone() }]
}

fn set_back(step: &Step) -> Option<Step> {
    let Step::SetConfig(setting) = step else { return None };
    let (before, value) = (setting.value.clone(), setting.before.clone());
    Some(Step::SetConfig(Setting { before, value, ..setting.clone() }))
}

fn agree() -> Step {
    Step::AwaitAgreement { except: Vec::new(), state_ok: false }
}

/// All nodes of a cluster that was just made become lone and empty again.
fn dissolve(topology: &Topology, past: &Past<'_>) -> Result<Steps, PlanError> {
    let named: Vec<&NodeRef> = past.plan.steps.iter().flat_map(Step::nodes).collect();
    let others = topology.nodes.values().filter(|node| !named.iter().any(|other| other.id == node.id));
    if let Some(other) = others.into_iter().next() {
        return Err(PlanError::new(
            format!("{} joined the cluster since: it is no new one any more", other.name()),
            "take it out first (rcl scale-down)",
        ));
    }
    if let Some(node) = topology.nodes.values().find(|node| node.keys() > 0) {
        return Err(PlanError::new(
            format!("{} holds {} by now", node.name(), number_of(node.keys(), "key")),
            "the cluster stays as it is; where nobody needs the keys: FLUSHALL on its masters, then rcl undo again",
        ));
    }
    let (mut steps, mut warnings) = (Vec::new(), Vec::new());
    let set_before = past.plan.steps.iter().rev().filter_map(set_back);
    steps.extend(set_before.filter(|step| topology.node(step.nodes()[0].id).is_some_and(Node::answers)));
    let touched = |node: &&Node| {
        !node.slots.is_empty() || node.config_epoch > 0 || !node.is_master() || topology.nodes.len() > 1
    };
    for node in topology.nodes.values().filter(touched) {
        if node.answers() {
            steps.push(Step::Reset { node: NodeRef::of(node) });
        } else {
            warnings.push(format!("{} does not answer and is not reset", node.name()));
        }
    }
    Ok((steps, warnings))
}

#[cfg(test)]
mod tests {
    use rcl_proto::Slot;

    use super::*;
    use crate::plan::past::Roles;
    use crate::plan::rebalance::tests::{id, topology, topology_of};
    use crate::plan::{create, drain, replace, reshard};
    use crate::topology::{Disagreement, Role};

    fn slots(from: usize, to: usize) -> SlotSet {
        (from..to).filter_map(|number| Slot::new(number as u16)).collect()
    }

    fn roles() -> Roles {
        (1..=5).map(|number| (id(number), None)).collect()
    }

    fn undone(topology: &Topology, plan: &Plan, done: usize) -> Result<Plan, PlanError> {
        super::plan(topology, &Past { plan, done, roles: &roles() })
    }

    fn moved(plan: &Plan) -> Vec<(u16, u16, String)> {
        let one = |part: &Move| (part.source.address.port, part.target.address.port, part.slots.to_string());
        plan.moves().map(one).collect()
    }

    #[test]
    fn what_is_half_moved_is_finished_before_all_goes_back() {
        let before = topology(&[8192, 8192]);
        let plan = reshard::plan(&before, &[id(1)], id(2), &reshard::Wish::Count(100)).unwrap();
        assert_eq!(undone(&before, &plan, 0).unwrap().steps, [], "nothing was done");
        let mut now = topology_of(&[slots(60, 8192), slots(8192, 16384).union(&slots(0, 60))]);
        let slot = Slot::new(60).unwrap();
        now.nodes.get_mut(&id(1)).unwrap().migrating = vec![(slot, id(2))];
        now.nodes.get_mut(&id(2)).unwrap().importing = vec![(slot, id(1))];
        assert_eq!(
            moved(&undone(&now, &plan, 0).unwrap()),
            [(7001, 7002, "60".to_owned()), (7002, 7001, "0-60".to_owned())]
        );
        // It is the last one of its source.
        let mut now = topology_of(&[slots(60, 61), slots(61, 16384).union(&slots(0, 60))]);
        now.nodes.get_mut(&id(1)).unwrap().migrating = vec![(Slot::new(60).unwrap(), id(2))];
        now.nodes.get_mut(&id(2)).unwrap().importing = vec![(Slot::new(60).unwrap(), id(1))];
        let back = undone(&now, &plan, 0).unwrap().steps;
        let freed = back.iter().position(|step| matches!(step, Step::Release { node } if node.id == id(1)));
        let moves: Vec<usize> =
            (0..back.len()).filter(|index| matches!(back[*index], Step::MoveSlots(_))).collect();
        assert!(freed > Some(moves[0]) && freed < Some(moves[1]), "{back:?}");
        // An undo was killed that had begun to move 30 back.
        let mut now = topology_of(&[slots(100, 8192), slots(8192, 16384).union(&slots(0, 100))]);
        let slot = Slot::new(30).unwrap();
        now.nodes.get_mut(&id(2)).unwrap().migrating = vec![(slot, id(1))];
        now.nodes.get_mut(&id(1)).unwrap().importing = vec![(slot, id(2))];
        let back = undone(&now, &plan, 0).unwrap();
        assert_eq!(moved(&back), [(7002, 7001, "0-99".to_owned())]);
        let takes_off = back.steps.iter().any(|step| matches!(step, Step::CloseSlots { .. }));
        assert!(!takes_off, "its marks stay: {:?}", back.steps);
    }

    #[test]
    fn a_promotion_is_given_back_before_the_new_one_leaves_and_a_reset_is_final() {
        let before = topology(&[5462, 5461, 5461, 0]);
        let new = NodeRef::of(before.node(id(4)).unwrap());
        let meeting = Step::Meet { nodes: vec![new.clone()], others: Vec::new() };
        let plan = replace::plan(&before, id(1), &new, Some(meeting)).unwrap();
        let mut now = before.clone();
        let slots = now.nodes[&id(1)].slots.clone();
        let node = now.nodes.get_mut(&id(1)).unwrap();
        (node.role, node.slots) = (Role::ReplicaOf(id(4)), SlotSet::EMPTY);
        now.nodes.get_mut(&id(4)).unwrap().slots = slots;
        let back = undone(&now, &plan, 5).unwrap();
        assert!(
            matches!(&back.steps[0], Step::Failover { replica, master: Some(master), .. }
                if replica.id == id(1) && master.id == id(4)),
            "{:?}",
            back.steps
        );
        assert!(back.steps.iter().any(|step| matches!(step, Step::Reset { node } if node.id == id(4))));
        let forgotten = plan.steps.iter().position(|step| matches!(step, Step::Forget { .. })).unwrap();
        let error = undone(&now, &plan, forgotten).unwrap_err();
        assert!(error.what.contains("what it was is gone"), "{error:?}");
    }

    fn place(steps: &[Step], is_it: impl Fn(&Step) -> bool) -> usize {
        steps.iter().position(is_it).unwrap_or_else(|| panic!("{steps:?}"))
    }

    /// Node 4 joined in place of 1 and was not promoted; meanwhile others came to follow it.
    #[test]
    fn whoever_came_to_follow_a_newcomer_follows_another_before_that_one_is_forgotten() {
        let before = topology(&[5462, 5461, 5461, 0, 0, 0]);
        let new = NodeRef::of(before.node(id(4)).unwrap());
        let meeting = Step::Meet { nodes: vec![new.clone()], others: Vec::new() };
        let plan = replace::plan(&before, id(1), &new, Some(meeting)).unwrap();
        let mut now = before.clone();
        for number in [5, 6] {
            now.nodes.get_mut(&id(number)).unwrap().role = Role::ReplicaOf(id(4));
        }
        let roles: Roles = [(1, None), (2, None), (3, None), (4, None), (5, None), (6, Some(id(2)))]
            .map(|(number, master)| (id(number), master))
            .into();
        let back = super::plan(&now, &Past { plan: &plan, done: 2, roles: &roles }).unwrap().steps;
        let forgotten = place(&back, |step| matches!(step, Step::Forget { node } if node.id == id(4)));
        let freed = place(&back, |step| matches!(step, Step::Release { node } if node.id == id(5)));
        let given = place(
            &back,
            |step| matches!(step, Step::Replicate { replica, master } if replica.id == id(6) && master.id == id(2)),
        );
        assert!(freed < forgotten && given < forgotten, "{back:?}");
    }

    #[test]
    fn a_newcomer_gives_back_what_the_job_gave_it_and_its_replicas_leave_before_it() {
        let before = topology(&[8192, 8192, 0, 0]);
        let node = |number| NodeRef::of(&before.nodes[&id(number)]);
        let steps = vec![
            Step::Meet { nodes: vec![node(3), node(4)], others: vec![node(1), node(2)] },
            Step::Replicate { replica: node(4), master: node(3) },
            Step::MoveSlots(Move { source: node(1), target: node(3), slots: slots(0, 100) }),
        ];
        let plan = Plan::new("apply".to_owned(), steps, &before);
        let mut now = topology_of(&[slots(100, 8192), slots(8192, 16384), slots(0, 100), SlotSet::EMPTY]);
        now.nodes.get_mut(&id(4)).unwrap().role = Role::ReplicaOf(id(3));
        let back = undone(&now, &plan, 3).unwrap();
        assert_eq!(moved(&back), [(7003, 7001, "0-99".to_owned())]);
        let forgotten = |number| {
            place(&back.steps, |step| matches!(step, Step::Forget { node } if node.id == id(number)))
        };
        let moves = place(&back.steps, |step| matches!(step, Step::MoveSlots(_)));
        assert!(moves < forgotten(4) && forgotten(4) < forgotten(3), "{:?}", back.steps);
        assert!(!back.steps.iter().any(|step| matches!(step, Step::Release { .. })), "{:?}", back.steps);
        // It got others, too.
        let now = topology_of(&[slots(101, 8192), slots(8192, 16384), slots(0, 101), SlotSet::EMPTY]);
        let error = undone(&now, &plan, 3).unwrap_err();
        assert!(error.what.contains("owns 1 slot by now"), "{error:?}");
    }

    #[test]
    fn a_master_that_was_made_a_replica_is_a_master_again_and_has_its_slots_back() {
        let before = topology(&[8092, 8192, 100]);
        let node = |number| NodeRef::of(&before.nodes[&id(number)]);
        let steps = vec![
            Step::MoveSlots(Move { source: node(3), target: node(2), slots: slots(16284, 16384) }),
            Step::Replicate { replica: node(3), master: node(1) },
        ];
        let plan = Plan::new("apply".to_owned(), steps, &before);
        let mut now = topology_of(&[slots(0, 8092), slots(8092, 16384), SlotSet::EMPTY]);
        now.nodes.get_mut(&id(3)).unwrap().role = Role::ReplicaOf(id(1));
        let back = undone(&now, &plan, 2).unwrap();
        assert!(matches!(&back.steps[0], Step::Release { node } if node.id == id(3)), "{:?}", back.steps);
        assert_eq!(moved(&back), [(7002, 7003, "16284-16383".to_owned())]);
        assert_eq!(undone(&before, &plan, 0).unwrap().steps, []);
    }

    #[test]
    fn who_gave_its_last_slot_is_master_again_before_it_gets_them_back() {
        let before = topology(&[100, 8192, 8092, 0]);
        let given = reshard::Wish::These(Box::new(slots(0, 100)));
        let plan = reshard::plan(&before, &[id(1)], id(2), &given).unwrap();
        let mut now = topology_of(&[SlotSet::EMPTY, slots(0, 8292), slots(8292, 16384), SlotSet::EMPTY]);
        now.nodes.get_mut(&id(1)).unwrap().role = Role::ReplicaOf(id(2));
        now.nodes.get_mut(&id(4)).unwrap().role = Role::ReplicaOf(id(2));
        let roles: Roles = [(id(1), None), (id(2), None), (id(3), None), (id(4), Some(id(1)))].into();
        let back = super::plan(&now, &Past { plan: &plan, done: 1, roles: &roles }).unwrap();
        assert!(matches!(&back.steps[0], Step::Release { node } if node.id == id(1)), "{:?}", back.steps);
        assert_eq!(moved(&back), [(7002, 7001, "0-99".to_owned())]);
        let follows = back.steps.iter().any(|step| {
            matches!(step, Step::Replicate { replica, master } if replica.id == id(4) && master.id == id(1))
        });
        assert!(follows, "its replica comes back, too: {:?}", back.steps);
        // It has them again, and who was lent them follows it.
        let mut again = topology_of(&[slots(0, 100), SlotSet::EMPTY, slots(100, 16384), SlotSet::EMPTY]);
        again.nodes.get_mut(&id(2)).unwrap().role = Role::ReplicaOf(id(1));
        let nothing = super::plan(&again, &Past { plan: &plan, done: 1, roles: &roles }).unwrap();
        assert_eq!(moved(&nothing), []);
        // A replica that took over is another matter: it stands for the source.
        let roles: Roles = [(id(1), None), (id(2), Some(id(1))), (id(3), None)].into();
        let error = super::plan(&now, &Past { plan: &plan, done: 1, roles: &roles }).unwrap_err();
        assert!(error.what.contains("is no master of its own any more"), "{error:?}");
    }

    #[test]
    fn a_replica_that_was_released_follows_again_and_is_met_first_where_nobody_knows_it() {
        let mut before = topology(&[8192, 8192, 0]);
        before.nodes.get_mut(&id(3)).unwrap().role = Role::ReplicaOf(id(1));
        let plan = drain::plan(&before, id(3)).unwrap();
        let roles: Roles = [(id(1), None), (id(2), None), (id(3), Some(id(1)))].into();
        let mut now = topology(&[8192, 8192, 0]);
        let back =
            |now: &Topology| super::plan(now, &Past { plan: &plan, done: 2, roles: &roles }).unwrap().steps;
        let first = &back(&now)[0];
        assert!(
            matches!(first, Step::Replicate { replica, master } if replica.id == id(3) && master.id == id(1))
        );
        now.disagreements = vec![Disagreement::Unknown { viewer: id(3), node: id(1) }];
        let first = &back(&now)[0];
        assert!(matches!(first, Step::Meet { nodes, others } if nodes[0].id == id(3) && others.len() == 2));
        assert_eq!(back(&before), [], "it never was");
    }

    #[test]
    fn a_new_cluster_is_dissolved_while_it_is_empty() {
        let mut now = topology(&[5462, 5461, 5461]);
        let nodes: Vec<NodeRef> = now.nodes.values().map(NodeRef::of).collect();
        let plan = create::plan(&nodes, 0, &Default::default()).unwrap();
        assert!(undone(&now, &plan, 9).unwrap_err().what.contains("holds 1,000 keys"));
        now.nodes.values_mut().for_each(|node| node.facts.as_mut().unwrap().keys = 0);
        let back = undone(&now, &plan, 9).unwrap();
        assert_eq!(back.steps.len(), 3);
        assert!(back.steps.iter().all(|step| matches!(step, Step::Reset { .. })));
        let other = topology(&[5462, 5461, 5461, 0]).nodes.remove(&id(4)).unwrap();
        now.nodes.insert(other.id, other);
        assert!(undone(&now, &plan, 9).unwrap_err().what.contains("joined the cluster since"));
    }
}
