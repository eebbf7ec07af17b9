//! What holds of plans about nodes: who is in the cluster in the end, and whom replicas follow.

use proptest::prelude::*;
use rcl_proto::NodeId;

use super::Told;
use super::cases::{Case, Wish};
use super::model::{Model, ModelNode};
use super::slots::once_finished;
use crate::plan::{PlanError, Step};

pub fn hold(case: &Case, told: &Told<'_>) -> Result<(), TestCaseError> {
    match &case.wish {
        Wish::Create { replicas } => return created(told, *replicas),
        Wish::ScaleDown(node) => {
            for (id, other) in &told.after.nodes {
                prop_assert!(id == node || !other.knows.contains(node), "{} knows it still", id);
            }
            prop_assert!(told.after.nodes[node].knows.is_empty());
        }
        Wish::Drain(node) => {
            prop_assert_eq!(told.after.nodes[node].master, None, "it has no role");
            prop_assert_eq!(told.after.replicas_of(*node), Vec::<NodeId>::new());
            prop_assert_eq!(&told.after.nodes[node].knows, &told.before.nodes[node].knows, "it stays");
        }
        Wish::Replace { old, new } => {
            let was = &told.before.nodes[old];
            prop_assert_eq!(&told.after.nodes[new].slots, &was.slots);
            prop_assert_eq!(told.after.nodes[new].master, was.master);
            prop_assert!(told.after.nodes[old].knows.is_empty());
            if was.master.is_none() {
                prop_assert_eq!(told.after.replicas_of(*new), told.before.replicas_of(*old));
            }
            return Ok(());
        }
        _ => {}
    }
    homes_are_the_best(told)
}

/// What is wrong with where replicas are: masters without any, replicas on their master's host, in its zone. Less is better.
type Wrongs = (usize, usize, usize);

fn closeness(one: &ModelNode, other: &ModelNode) -> (usize, usize) {
    let same_host = one.address.host == other.address.host;
    let same_zone = !same_host && !one.zone.is_empty() && one.zone == other.zone;
    (usize::from(same_host), usize::from(same_zone))
}

/// Of all ways to give those replicas that a plan moves to masters, none is better.
fn homes_are_the_best(told: &Told<'_>) -> Result<(), TestCaseError> {
    let pairs: Vec<(NodeId, NodeId)> = told
        .plan
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Replicate { replica, master } => Some((replica.id, master.id)),
            _ => None,
        })
        .collect();
    for (replica, master) in &pairs {
        prop_assert_eq!(told.after.nodes[replica].master, Some(*master));
    }
    // Those who own nothing in the end have lost all their replicas.
    for (id, node) in told.before.masters().filter(|(_, node)| !node.slots.is_empty()) {
        if told.after.nodes[id].slots.is_empty() && told.plan.moves().any(|part| part.source.id == *id) {
            let left = told
                .before
                .replicas_of(*id)
                .into_iter()
                .find(|old| told.after.nodes[old].master == Some(*id));
            prop_assert_eq!(left, None, "{} replicas, and {} owns nothing", node.slots.len(), id);
        }
    }
    if pairs.is_empty() || pairs.len() > 3 {
        return Ok(());
    }
    let masters: Vec<NodeId> =
        told.after.masters().filter(|(_, node)| !node.slots.is_empty()).map(|(id, _)| *id).collect();
    let found: Vec<NodeId> = pairs.iter().map(|(_, master)| *master).collect();
    let ours = wrongs(told, &pairs, &found, &masters);
    let ways = masters.len().pow(pairs.len() as u32);
    for way in 0..ways {
        let pick = |place: usize| masters[way / masters.len().pow(place as u32) % masters.len()];
        let other: Vec<NodeId> = (0..pairs.len()).map(pick).collect();
        prop_assert!(
            wrongs(told, &pairs, &other, &masters) >= ours,
            "{:?} is better than {:?}",
            other,
            found
        );
    }
    Ok(())
}

fn wrongs(told: &Told<'_>, pairs: &[(NodeId, NodeId)], homes: &[NodeId], masters: &[NodeId]) -> Wrongs {
    let going = |id: &NodeId| pairs.iter().any(|(replica, _)| replica == id);
    // A master that was emptied follows somebody now, and is no replica that was given a home.
    let model = told.after;
    let was_master = |replica: &NodeId| told.before.nodes[replica].master.is_none();
    let stays = |master: &NodeId| {
        model.replicas_of(*master).iter().any(|replica| !going(replica) && !was_master(replica))
    };
    let bare = masters.iter().filter(|master| !homes.contains(master) && !stays(master)).count();
    let mut wrongs = (bare, 0, 0);
    for ((replica, _), home) in pairs.iter().zip(homes) {
        let (host, zone) = closeness(&model.nodes[replica], &model.nodes[home]);
        wrongs.1 += host;
        wrongs.2 += zone;
    }
    wrongs
}

fn created(told: &Told<'_>, replicas: usize) -> Result<(), TestCaseError> {
    let masters: Vec<(&NodeId, &ModelNode)> = told.after.masters().collect();
    prop_assert_eq!(masters.len(), told.after.nodes.len() / (replicas + 1));
    let counts: Vec<usize> = masters.iter().map(|(_, node)| node.slots.len()).collect();
    prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
    let followers: Vec<usize> = masters.iter().map(|(id, _)| told.after.replicas_of(**id).len()).collect();
    prop_assert!(followers.iter().all(|count| *count >= replicas));
    prop_assert!(followers.iter().max().unwrap() - followers.iter().min().unwrap() <= 1);
    let epochs: std::collections::BTreeSet<u64> = told.after.nodes.values().map(|node| node.epoch).collect();
    prop_assert_eq!(epochs.len(), told.after.nodes.len(), "no two have the same epoch");
    // Whatever two replicas of different masters changed places: none of that is better.
    let pairs: Vec<(NodeId, NodeId)> =
        told.after.nodes.iter().filter_map(|(id, node)| Some((*id, node.master?))).collect();
    let wrong = |homes: &[NodeId]| {
        let each = pairs.iter().zip(homes);
        each.fold((0, 0), |sum, ((replica, _), home)| {
            let (host, zone) = closeness(&told.after.nodes[replica], &told.after.nodes[home]);
            (sum.0 + host, sum.1 + zone)
        })
    };
    let mut homes: Vec<NodeId> = pairs.iter().map(|(_, master)| *master).collect();
    let ours = wrong(&homes);
    if pairs.len() > 6 {
        for first in 0..homes.len() {
            for second in first + 1..homes.len() {
                homes.swap(first, second);
                prop_assert!(wrong(&homes) >= ours, "{} and {} should change places", first, second);
                homes.swap(first, second);
            }
        }
        return Ok(());
    }
    prop_assert_eq!(best(&mut homes, 0, &wrong), ours);
    Ok(())
}

/// The least that any order of `homes` gives.
fn best(
    homes: &mut Vec<NodeId>,
    from: usize,
    wrong: &impl Fn(&[NodeId]) -> (usize, usize),
) -> (usize, usize) {
    if from + 1 >= homes.len() {
        return wrong(homes);
    }
    let mut least = (usize::MAX, usize::MAX);
    for place in from..homes.len() {
        homes.swap(from, place);
        least = least.min(best(homes, from + 1, wrong));
        homes.swap(from, place);
    }
    least
}

/// Planners refuse only what cannot be.
pub fn refused_for_a_reason(case: &Case, model: &Model, why: &PlanError) -> Result<(), TestCaseError> {
    let finished = once_finished(model);
    let with_slots = model.masters().filter(|(_, node)| !node.slots.is_empty());
    let others_with_slots = |node: &NodeId| with_slots.clone().filter(|(id, _)| *id != node).count();
    let is_open = |node: &NodeId| model.open.iter().any(|(_, from, to)| from == node || to == node);
    let has_reason = match &case.wish {
        Wish::Create { replicas } => model.nodes.len() / (replicas + 1) < 3,
        Wish::Reshard { from, to, count } => {
            let is_source = |id: &NodeId| id != to && (from.is_empty() || from.contains(id));
            let owned: usize =
                model.masters().filter(|(id, _)| is_source(id)).map(|(_, node)| node.slots.len()).sum();
            *count == 0 || *count > owned.saturating_sub(model.open.len())
        }
        Wish::MoveSlots { slots, to } => {
            model.open.iter().any(|(slot, _, other)| slots.contains(*slot) && other != to)
        }
        Wish::MoveAll { from, to } => {
            let elsewhere = model.open.iter().any(|(_, source, other)| source == from && other != to);
            from == to || elsewhere
        }
        Wish::Rebalance(wish) => finished.iter().all(|(id, slots)| match wish.weights.get(id) {
            Some(weight) => *weight == 0.0,
            None => slots.is_empty() && !wish.use_empty_masters,
        }),
        Wish::ScaleDown(node) | Wish::Drain(node) => {
            let comes = model.open.iter().any(|(_, _, to)| to == node);
            let too_few = !model.nodes[node].slots.is_empty() && others_with_slots(node) < 3;
            let nobody = model.nodes[node].master.is_none() && others_with_slots(node) == 0;
            comes || too_few || nobody
        }
        Wish::Replace { old, .. } => {
            let was = &model.nodes[old];
            let nothing = was.master.is_none() && was.slots.is_empty();
            is_open(old) || nothing
        }
    };
    prop_assert!(has_reason, "refused: {:?}", why);
    Ok(())
}
