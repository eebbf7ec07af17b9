//! Where nodes are, and which master a replica goes to: away from its host, and from its zone where zones are known.
//!
//! A host is a node's address without the port. A zone is what the node says (Valkey's `availability-zone`) or what the user says of
//! its host. A node whose zone nobody knows is taken to be in a zone of its host's own.

use std::collections::BTreeMap;
use std::str::FromStr;

use rcl_proto::{Address, NodeId};

use super::assignment::cheapest;
use super::{Move, NodeRef, PlanError, Step};
use crate::topology::{Node, Topology};

/// How much would go with one dead host or zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Closeness {
    Apart,
    SameZone,
    SameHost,
}

/// The zones of nodes, as far as they are known.
#[derive(Clone, Debug, Default)]
pub struct Zones(BTreeMap<NodeId, String>);

impl Zones {
    pub fn of(topology: &Topology) -> Zones {
        let known = |node: &Node| Some((node.id, node.zone()?.to_owned()));
        Zones(topology.nodes.values().filter_map(known).collect())
    }

    pub fn closeness(&self, one: &NodeRef, other: &NodeRef) -> Closeness {
        let (here, there) = (self.0.get(&one.id), self.0.get(&other.id));
        if one.address.host == other.address.host {
            Closeness::SameHost
        } else if here.is_some() && here == there {
            Closeness::SameZone
        } else {
            Closeness::Apart
        }
    }

    /// The zone, or what stands for it.
    pub fn domain<'a>(&'a self, node: &'a NodeRef) -> (bool, &'a str) {
        match self.0.get(&node.id) {
            Some(zone) => (true, zone),
            None => (false, &node.address.host),
        }
    }

    /// What to know of a replica that is not apart from its master.
    pub fn warning(&self, replica: &NodeRef, master: &NodeRef) -> Option<String> {
        let (replica_at, master_at) = (&replica.address, &master.address);
        match self.closeness(replica, master) {
            Closeness::Apart => None,
            Closeness::SameZone => Some(format!(
                "replica {replica_at} is in zone {} like its master {master_at}: one dead zone would take both",
                self.domain(replica).1
            )),
            Closeness::SameHost => Some(format!(
                "replica {replica_at} is on the host of its master {master_at}: one dead host would take both"
            )),
        }
    }
}

/// `HOST=ZONE` or `HOST:PORT=ZONE`, as a user says where nodes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneOf {
    host: String,
    port: Option<u16>,
    zone: String,
}

impl FromStr for ZoneOf {
    type Err = String;

    fn from_str(text: &str) -> Result<ZoneOf, String> {
        let parts = text.rsplit_once('=').filter(|(place, zone)| !place.is_empty() && !zone.is_empty());
        let (place, zone) =
            parts.ok_or_else(|| "expected HOST=ZONE or HOST:PORT=ZONE, as 10.0.0.7=eu-1a".to_owned())?;
        // An IPv6 address with a port is in brackets.
        let is_bare = place.matches(':').count() > 1 && !place.starts_with('[');
        let (host, port) = match place.parse::<Address>() {
            Ok(address) if !is_bare => (address.host, Some(address.port)),
            _ => (place.trim_matches(['[', ']']).to_owned(), None),
        };
        Ok(ZoneOf { host, port, zone: zone.to_owned() })
    }
}

/// Puts what the user says of zones over what the nodes say. A name that fits no node is refused: a typing error would
/// place replicas badly without a word.
pub fn tell_zones(topology: &mut Topology, told: &[ZoneOf]) -> Result<(), PlanError> {
    for one in told {
        let mut fits = false;
        for node in topology.nodes.values_mut() {
            let is_at = |address: &Address| {
                address.host == one.host && one.port.is_none_or(|port| port == address.port)
            };
            if is_at(&node.address) || node.reached.as_ref().is_some_and(is_at) {
                fits = true;
                if let Some(facts) = &mut node.facts {
                    facts.zone = Some(one.zone.clone());
                }
            }
        }
        if !fits {
            return Err(PlanError::new(
                format!("--zone names {}, and no node is there", one.host),
                "name hosts as the nodes' addresses have them (rcl nodes shows them)",
            ));
        }
    }
    Ok(())
}

/// A master for each of `replicas`, out of `masters`, which must not be empty. Masters without any replica get one first; then
/// replicas are kept off their master's host, then off its zone, then where the fewest are. Of equal masters the first.
pub fn homes<'a>(
    topology: &Topology,
    zones: &Zones,
    replicas: &[&NodeRef],
    masters: &[&'a Node],
) -> Vec<&'a Node> {
    let going = |node: &Node| replicas.iter().any(|replica| replica.id == node.id);
    let has = |master: &&Node| {
        topology.replicas_of(master.id).iter().filter(|node| node.answers() && !going(node)).count()
    };
    let counts: Vec<usize> = masters.iter().map(has).collect();
    let places: Vec<NodeRef> = masters.iter().map(|master| NodeRef::of(master)).collect();
    // Each of these outweighs all below it, whatever the replicas get of them.
    let number = replicas.len();
    let of_level = 1;
    let of_zone = (number * (counts.iter().max().unwrap_or(&0) + number) + 1) as i64;
    let of_host = of_zone * (number as i64 + 1);
    let of_need = of_host * (number as i64 + 1);
    // A column is one more replica for a master.
    let cost = |row: usize, column: usize| {
        let master = column / number;
        let level = counts[master] + column % number;
        let need = if level > 0 { of_need } else { 0 };
        let closeness = match zones.closeness(replicas[row], &places[master]) {
            Closeness::Apart => 0,
            Closeness::SameZone => of_zone,
            Closeness::SameHost => of_host,
        };
        need + closeness + of_level * level as i64
    };
    let given = cheapest(number, masters.len() * number, cost);
    given.into_iter().map(|column| masters[column / number]).collect()
}

/// The replicas of masters that own nothing after `moves` go to the masters that do. Without it all of them follow whoever took
/// their master's last slot, as it does itself (since Redis 7).
pub fn rehome(
    topology: &Topology,
    emptied: &[&Node],
    moves: &[Move],
) -> Result<(Vec<Step>, Vec<String>), PlanError> {
    let gone = |node: &Node| emptied.iter().any(|emptied| emptied.id == node.id);
    let gets = |node: &Node| moves.iter().any(|part| part.target.id == node.id);
    let staying: Vec<&Node> = topology
        .masters()
        .into_iter()
        .filter(|node| !gone(node) && node.answers() && (!node.slots.is_empty() || gets(node)))
        .collect();
    let mut warnings = Vec::new();
    let mut replicas = Vec::new();
    for replica in emptied.iter().flat_map(|master| topology.replicas_of(master.id)) {
        if replica.answers() {
            replicas.push(NodeRef::of(replica));
        } else {
            warnings.push(format!("replica {} does not answer and is left as it is", replica.name()));
        }
    }
    if let (Some(replica), true) = (replicas.first(), staying.is_empty()) {
        return Err(PlanError::new(
            format!("no master is left for replica {}", replica.name()),
            "take it out first",
        ));
    }
    let zones = Zones::of(topology);
    let asked: Vec<&NodeRef> = replicas.iter().collect();
    let homes = homes(topology, &zones, &asked, &staying);
    let mut steps = Vec::new();
    for (replica, master) in replicas.iter().zip(homes) {
        let master = NodeRef::of(master);
        warnings.extend(zones.warning(replica, &master));
        steps.push(Step::Replicate { replica: replica.clone(), master });
    }
    Ok((steps, warnings))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::rebalance::tests::{id, topology};
    use crate::topology::Role;

    fn at(topology: &mut Topology, number: u8, host: &str, zone: &str) {
        let node = topology.nodes.get_mut(&id(number)).unwrap();
        node.address.host = host.to_owned();
        node.facts.as_mut().unwrap().zone = (!zone.is_empty()).then(|| zone.to_owned());
    }

    #[test]
    fn who_has_none_comes_first_then_another_host_then_another_zone() {
        let mut cluster = topology(&[6000, 6000, 4384, 0, 0]);
        for (number, host, zone) in
            [(1, "a", "east"), (2, "b", "east"), (3, "c", "west"), (4, "a", "east"), (5, "d", "east")]
        {
            at(&mut cluster, number, host, zone);
        }
        let home = |cluster: &Topology, number: u8| {
            let zones = Zones::of(cluster);
            let masters: Vec<&Node> = [1, 2, 3].map(|number| &cluster.nodes[&id(number)]).to_vec();
            let replica = NodeRef::of(&cluster.nodes[&id(number)]);
            homes(cluster, &zones, &[&replica], &masters)[0].id
        };
        assert_eq!(home(&cluster, 5), id(3), "the other zone");
        cluster.nodes.get_mut(&id(4)).unwrap().role = Role::ReplicaOf(id(3));
        assert_eq!(home(&cluster, 5), id(1), "in its zone, but without a replica");
        for number in [1, 2] {
            let replica = cluster.nodes[&id(4)].clone();
            let other =
                crate::topology::Node { id: id(number + 10), role: Role::ReplicaOf(id(number)), ..replica };
            cluster.nodes.insert(other.id, other);
        }
        assert_eq!(home(&cluster, 5), id(3), "all have one: apart again");
    }

    #[test]
    fn replicas_that_lose_their_master_are_put_where_all_of_them_fit_best() {
        // Nodes 5 and 6 follow 4. Only one of them may go to 1, on whose host the other is; taken one by one, the first would.
        let mut cluster = topology(&[6000, 6000, 0, 4384, 0, 0]);
        for (number, host) in [(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "e"), (6, "a")] {
            at(&mut cluster, number, host, "");
        }
        for number in [5, 6] {
            cluster.nodes.get_mut(&id(number)).unwrap().role = Role::ReplicaOf(id(4));
        }
        let emptied = &cluster.nodes[&id(4)];
        let (steps, warnings) = rehome(&cluster, &[emptied], &[]).unwrap();
        let pair = |replica: u8, master: u8| Step::Replicate {
            replica: NodeRef::of(&cluster.nodes[&id(replica)]),
            master: NodeRef::of(&cluster.nodes[&id(master)]),
        };
        assert_eq!((steps, warnings), (vec![pair(6, 2), pair(5, 1)], vec![]));
    }

    #[test]
    fn what_the_user_says_of_a_host_counts_and_a_name_that_fits_nobody_is_refused() {
        let mut cluster = topology(&[8192, 8192]);
        let told = ["127.0.0.1=east".parse().unwrap(), "127.0.0.1:7002=west".parse().unwrap()];
        tell_zones(&mut cluster, &told).unwrap();
        let zones: Vec<_> = cluster.nodes.values().map(|node| node.zone().unwrap()).collect();
        assert_eq!(zones, ["east", "west"]);
        let error = tell_zones(&mut cluster, &["10.0.0.9=east".parse().unwrap()]).unwrap_err();
        assert!(error.what.contains("10.0.0.9"), "{error:?}");
        assert_eq!(
            "[::1]:7001=a".parse(),
            Ok(ZoneOf { host: "::1".into(), port: Some(7001), zone: "a".into() })
        );
        assert_eq!("::1=a".parse(), Ok(ZoneOf { host: "::1".into(), port: None, zone: "a".into() }));
        for bad in ["", "a", "=b", "a="] {
            assert!(bad.parse::<ZoneOf>().is_err(), "{bad}");
        }
    }
}
