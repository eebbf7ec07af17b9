//! The operator who comes when the faults are over: what commands broke, a command mends. He does only what the nodes
//! can't do by themselves: who was forgotten is met again, who is gone for good (a node that was reset has another id) is
//! forgotten, slots of nobody are given to somebody, half moved slots are closed.

use rcl_cluster::{ClusterMap, Command, SetSlot, SlotOwner};
use rcl_proto::nodes_text::NodeFlags;
use rcl_proto::{NodeId, Slot, SlotSet};

use crate::world::World;

pub fn help(world: &mut World) {
    let up: Vec<usize> = world.up().collect();
    for index in up {
        let Some(map) = world.machines[index].map.clone() else { continue };
        introduce(world, index, &map);
        forget_ghosts(world, index, &map);
        close_slots(world, index, &map);
    }
    give_away_slots(world);
}

fn introduce(world: &mut World, index: usize, map: &ClusterMap) {
    let knows =
        |id: NodeId| map.nodes.iter().any(|node| node.id == id && !node.flags.contains(NodeFlags::NOADDR));
    let strangers: Vec<usize> = world.up().filter(|&other| !world.id(other).is_some_and(knows)).collect();
    for other in strangers {
        let command = world.meet(other);
        world.order(index, command);
    }
}

/// A replica of a ghost follows somebody else first.
fn forget_ghosts(world: &mut World, index: usize, map: &ClusterMap) {
    for ghost in map.nodes.iter().filter(|node| world.by_id(node.id).is_none()).collect::<Vec<_>>() {
        if map.my_master().and_then(|at| map.node(at)).is_some_and(|master| master.id == ghost.id) {
            let living = |node: &&rcl_cluster::MapNode| {
                node.flags.contains(NodeFlags::MASTER)
                    && !node.flags.contains(NodeFlags::MYSELF)
                    && world.by_id(node.id).is_some()
            };
            if let Some(master) = map.nodes.iter().find(living) {
                let node = master.id.to_string().into_bytes();
                world.order(index, Command::Replicate { node, keyspace_empty: true });
            }
            continue;
        }
        world.order(index, Command::Forget { node: ghost.id.to_string().into_bytes() });
    }
}

/// A replica's marks are its shard's: its master is told, and passes it on.
fn close_slots(world: &mut World, index: usize, map: &ClusterMap) {
    let master = map.my_master().and_then(|at| map.node(at));
    let leader = master.map_or(Some(index), |master| world.by_id(master.id));
    for (slot, _) in map.migrating.iter().chain(&map.importing) {
        if let Some(leader) = leader {
            world.set_slot(leader, *slot, SetSlot::Stable);
        }
    }
}

/// Slots that no master says it has go to a master that finds them free; a master that thinks they are another's is told
/// first that they are not.
fn give_away_slots(world: &mut World) {
    let is_master =
        |index: &usize| world.machines[*index].map.as_ref().is_some_and(|map| map.my_master().is_none());
    let masters: Vec<usize> = world.up().filter(is_master).collect();
    let mut nobodys: SlotSet = Slot::all().collect();
    for &index in &masters {
        if let Some(map) = &world.machines[index].map {
            nobodys = nobodys.difference(&map.my_slots());
        }
    }
    if nobodys.is_empty() {
        return;
    }
    for &index in &masters {
        let Some(map) = world.machines[index].map.clone() else { continue };
        let free: SlotSet = nobodys.iter().filter(|&slot| map.owner(slot) == SlotOwner::Nobody).collect();
        if !free.is_empty() {
            nobodys = nobodys.difference(&free);
            world.order(index, Command::AddSlots(free.ranges()));
        }
    }
    if let Some(&heir) = masters.first().filter(|_| !nobodys.is_empty()) {
        world.order(heir, Command::DelSlots(nobodys.ranges()));
    }
}
