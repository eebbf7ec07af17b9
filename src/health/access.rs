//! Who gets in: as a client, over the bus, from a replica.

use rcl_proto::NodeId;

use super::{Code, Finding, Ground, NodeGround, Severity, names};
use crate::topology::Topology;

pub fn look(topology: &Topology, ground: &Ground, entry: &str, found: &mut Vec<Finding>) {
    let hidden = ground.those(|here| here.settings.is_none());
    if !hidden.is_empty() {
        let what =
            format!("{} does not let us see its settings: they are not checked", names(topology, &hidden));
        let mend = "log in as a user that may CONFIG GET (--user)";
        found.push(Finding::new(Severity::Notice, Code::SettingsHidden, what, mend));
    }
    passwords(topology, ground, entry, found);
    let open_bus = ground.those(|here| {
        here.settings.is_some()
            && !here.says("tls-cluster", "yes")
            && !here.says("cluster-bus-port-protected-mode", "yes")
    });
    if !open_bus.is_empty() {
        let local = open_bus.iter().all(|id| ground.0.get(id).is_some_and(NodeGround::is_local));
        let severity = if local { Severity::Notice } else { Severity::Warning };
        let what = format!(
            "whoever reaches the bus port of {} can join the cluster and take slots",
            names(topology, &open_bus)
        );
        let mend = "tls-cluster yes with certificates of your own; newer Redis: cluster-bus-port-protected-mode yes; \
                    at least a firewall that lets only the nodes through";
        found.push(Finding::new(severity, Code::BusUnauthenticated, what, mend));
    }
    for (id, here) in ground.by_address(topology) {
        if !here.missing_commands.is_empty() {
            let commands = here.missing_commands.join(", ");
            let what = format!("{} does not know {commands}", topology.name(*id));
            let mend = "rename-command and module ACLs hide it: slots of this node cannot be moved, nor it be repaired";
            found.push(Finding::new(Severity::Warning, Code::CommandMissing, what, mend));
        }
    }
}

fn passwords(topology: &Topology, ground: &Ground, entry: &str, found: &mut Vec<Finding>) {
    let open = ground.those(|here| here.lets_everybody_in);
    if !open.is_empty() {
        let guarded = |id: &NodeId| {
            ground.0.get(id).is_some_and(|here| here.is_local() || here.says("protected-mode", "yes"))
        };
        let severity = if open.iter().all(guarded) { Severity::Notice } else { Severity::Warning };
        let what = format!(
            "whoever reaches {} may do everything: the default user needs no password",
            names(topology, &open)
        );
        let mend = "requirepass and masterauth on all nodes, or ACL users with the default user off";
        found.push(Finding::new(severity, Code::NoPassword, what, mend));
    }
    let guarded = ground
        .0
        .values()
        .any(|here| here.setting("requirepass").is_some_and(|password| !password.is_empty()));
    let without = ground.those(|here| here.setting("masterauth").is_some_and(str::is_empty));
    if guarded && !without.is_empty() {
        let what = format!("{} has no masterauth, and masters ask for a password", names(topology, &without));
        let mend = format!(
            "CONFIG SET masterauth on it, and CONFIG REWRITE: after a failover it could not follow (rcl call {entry} …)"
        );
        found.push(Finding::new(Severity::Error, Code::MasterauthMissing, what, mend));
    }
}
