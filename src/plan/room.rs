//! Whether those who get slots have room for what is in them.
//!
//! A target beyond its maxmemory would refuse the keys in mid-move, or evict others for them. What comes is estimated as
//! the plan's cost is: the source's memory, by the share of its slots that goes.

use std::collections::BTreeMap;

use rcl_proto::NodeId;

use super::{Plan, PlanError, share};
use crate::topology::Topology;

/// Refuses when a target with a memory limit has no room for what the plan moves to it.
pub fn check(plan: &Plan, topology: &Topology) -> Result<(), PlanError> {
    let mut coming: BTreeMap<NodeId, u64> = BTreeMap::new();
    for part in plan.moves() {
        let bytes = coming.entry(part.target.id).or_default();
        *bytes = bytes.saturating_add(share(part, topology).bytes);
    }
    for (target, needed) in coming {
        let Some(node) = topology.node(target) else { continue };
        let Some(limits) = node.facts.as_ref().filter(|facts| facts.max_memory_bytes > 0) else { continue };
        let room = limits.max_memory_bytes.saturating_sub(limits.used_memory_bytes);
        if needed > room {
            return Err(PlanError::new(
                format!(
                    "{} has {room} bytes left below its maxmemory and would get about {needed}",
                    node.name()
                ),
                "raise its maxmemory, or move less; --overfill moves all the same",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::rebalance::tests::{id, topology};
    use crate::plan::scale_down;

    #[test]
    fn who_would_be_overfilled_is_named_with_what_would_come() {
        let mut full = topology(&[4096, 4096, 4096, 4096]);
        full.nodes.get_mut(&id(4)).unwrap().facts.as_mut().unwrap().used_memory_bytes = 90_000;
        let plan = scale_down::plan(&full, id(4)).unwrap();
        assert_eq!(check(&plan, &full), Ok(()), "without a limit there is room");
        let facts = full.nodes.get_mut(&id(2)).unwrap().facts.as_mut().unwrap();
        (facts.max_memory_bytes, facts.used_memory_bytes) = (50_000, 30_000);
        let error = check(&plan, &full).unwrap_err();
        assert!(error.what.contains("20000 bytes left") && error.what.contains(":7002"), "{error:?}");
        full.nodes.get_mut(&id(2)).unwrap().facts.as_mut().unwrap().max_memory_bytes = 70_000;
        assert_eq!(check(&plan, &full), Ok(()));
    }
}
