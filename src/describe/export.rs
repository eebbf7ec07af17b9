//! A living cluster as a description: held against the cluster it comes from, it differs in nothing.

use std::collections::BTreeMap;

use rcl_proto::SLOT_COUNT;

use super::file::{Description, Master, Replica, Settings, Slots, Weight};
use crate::plan::settings::{Known, is_of_the_node, is_secret, is_usual};
use crate::topology::{Node, Topology};

#[derive(Clone, Debug, Default)]
pub struct Export {
    /// Weights instead of the slots themselves.
    pub weights: bool,
    /// Directives that are described though they are what they usually are.
    pub asked_for: Vec<String>,
    /// None but those.
    pub only_asked_for: bool,
}

/// `known` has the directives of all nodes that answer. Nodes that do not are left out: nothing could be said of them.
pub fn export(topology: &Topology, known: &Known, wish: &Export) -> Description {
    let common = in_common(topology, known, wish);
    let own = |node: &Node| {
        let all = known.get(&node.id).into_iter().flatten();
        let own = all.filter(|(name, value)| is_told(name, value, wish) && !common.0.contains_key(*name));
        Settings(own.map(|(name, value)| (name.clone(), value.clone())).collect())
    };
    let zone = |node: &Node| node.facts.as_ref().and_then(|facts| facts.zone.clone());
    let masters: Vec<&Node> = topology.masters().into_iter().filter(|node| node.answers()).collect();
    let aim = SLOT_COUNT as f64 / masters.iter().filter(|node| !node.slots.is_empty()).count().max(1) as f64;
    let described = masters.iter().map(|master| Master {
        node: master.address.clone(),
        zone: zone(master),
        slots: (!wish.weights).then(|| Slots(master.slots.clone())),
        weight: wish.weights.then(|| weight(master.slots.len() as f64 / aim)),
        settings: own(master),
        replicas: topology
            .replicas_of(master.id)
            .into_iter()
            .filter(|replica| replica.answers())
            .map(|replica| Replica {
                node: replica.address.clone(),
                zone: zone(replica),
                settings: own(replica),
            })
            .collect(),
    });
    Description {
        masters: described.collect(),
        settings: common,
        remove_unlisted: false,
        rcl: Default::default(),
    }
}

/// Rounded, so that rounding in whole slots does not show.
fn weight(exact: f64) -> Weight {
    Weight((exact * 1000.0).round() / 1000.0)
}

fn is_told(name: &str, value: &str, wish: &Export) -> bool {
    if wish.asked_for.iter().any(|asked| asked == name) {
        return !is_secret(name);
    }
    !wish.only_asked_for && !is_of_the_node(name) && !is_usual(name, value)
}

/// What all nodes that answer have alike.
fn in_common(topology: &Topology, known: &Known, wish: &Export) -> Settings {
    let mut nodes = topology.nodes.values().filter(|node| node.answers());
    let Some(first) = nodes.next().and_then(|node| known.get(&node.id)) else { return Settings::default() };
    let mut common: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in first {
        let has_it = |node: &Node| known.get(&node.id).and_then(|own| own.get(name)) == Some(value);
        if is_told(name, value, wish) && nodes.clone().all(has_it) {
            common.insert(name.clone(), value.clone());
        }
    }
    Settings(common)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::rebalance::tests::{id, topology};
    use crate::topology::Role;

    #[test]
    fn what_all_have_is_said_once_and_what_is_usual_not_at_all() {
        let mut cluster = topology(&[8192, 8192, 0, 0]);
        cluster.nodes.get_mut(&id(3)).unwrap().role = Role::ReplicaOf(id(1));
        cluster.nodes.get_mut(&id(4)).unwrap().facts = None;
        let settings = |hz: &str, more: &str| -> BTreeMap<String, String> {
            let pairs = [
                ("hz", hz),
                ("maxmemory", "5"),
                ("port", "7001"),
                ("requirepass", "x"),
                ("appendonly", more),
            ];
            pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        let known = Known::from([
            (id(1), settings("10", "yes")),
            (id(2), settings("10", "no")),
            (id(3), settings("20", "no")),
        ]);
        let description = export(&cluster, &known, &Export::default());
        assert_eq!(description.settings.iter().collect::<Vec<_>>(), [("maxmemory", "5")]);
        assert_eq!(description.masters.len(), 2, "one that is silent is left out");
        assert_eq!(description.masters[0].settings.iter().collect::<Vec<_>>(), [("appendonly", "yes")]);
        assert_eq!(description.masters[0].replicas[0].settings.iter().collect::<Vec<_>>(), [("hz", "20")]);
        assert_eq!(description.masters[0].slots.as_ref().unwrap().0.to_string(), "0-8191");

        let asked = Export {
            asked_for: vec!["maxmemory".into(), "requirepass".into()],
            only_asked_for: true,
            weights: true,
        };
        let description = export(&cluster, &known, &asked);
        assert_eq!(description.directives(), ["maxmemory"]);
        assert_eq!(description.masters[1].weight, Some(Weight(1.0)));
        assert_eq!(description.masters[1].slots, None);
    }
}
