//! All nodes restarted, one after the other, so that clients see nothing but redirects.
//!
//! ```text
//! agree                          nothing is begun while something is wrong
//! each replica                   restart → in sync → agree
//! each master                    a replica in sync takes over → clients have learnt of it → restart, as a replica → in sync → agree
//!                                → takes over again
//! ```
//!
//! A master whose place nobody can take is restarted only where that is asked for by name. What happens between two nodes is waited
//! for; the first trouble ends it.

use std::collections::BTreeSet;

use rcl_proto::{NodeId, words};

use super::{FailoverMode, NodeRef, Plan, PlanError, Step};
use crate::output::number_of;
use crate::topology::{Node, Topology};

#[derive(Clone, Debug)]
pub struct Wish {
    pub hook: Hook,
    /// None but these; empty: all.
    pub only: BTreeSet<NodeId>,
    /// Masters are masters again afterwards.
    pub failback: bool,
    /// Masters without a replica are restarted, too.
    pub downtime: bool,
    pub hook_limit_s: u64,
    pub back_limit_s: u64,
}

/// The command that restarts a node: words as on a shell's line, with placeholders for the node's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook(Vec<String>);

const PLACEHOLDERS: [&str; 4] = ["{host}", "{port}", "{address}", "{id}"];

impl Hook {
    pub fn parse(text: &str) -> Result<Hook, String> {
        let words = words::split(text.as_bytes()).ok_or("its quotes are not balanced")?;
        let words: Vec<String> =
            words.into_iter().map(|word| String::from_utf8_lossy(&word).into_owned()).collect();
        if words.is_empty() {
            return Err("it is empty".into());
        }
        let mut rest = text;
        while let Some((_, inside)) = rest.split_once('{') {
            let Some((name, behind)) = inside.split_once('}') else { break };
            let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase());
            if is_name && !PLACEHOLDERS.contains(&format!("{{{name}}}").as_str()) {
                return Err(format!("there is no {{{name}}}; there are {}", PLACEHOLDERS.join(" ")));
            }
            rest = if is_name { behind } else { inside };
        }
        if !PLACEHOLDERS.iter().any(|placeholder| text.contains(placeholder)) {
            return Err(format!(
                "it would do the same for every node; name one of {}",
                PLACEHOLDERS.join(" ")
            ));
        }
        Ok(Hook(words))
    }

    /// A host is others' word, and a shell, or ssh, may read it.
    fn of(&self, node: &NodeRef) -> Result<Vec<String>, PlanError> {
        let host = &node.address.host;
        if host.starts_with('-') || !host.chars().all(|c| c.is_ascii_alphanumeric() || ".:-_".contains(c)) {
            return Err(PlanError::new(
                format!("'{}' is no host's name that a command could be given", host.escape_debug()),
                "look at what the node announces (cluster-announce-ip)",
            ));
        }
        let own =
            [host.clone(), node.address.port.to_string(), node.address.to_string(), node.id.to_string()];
        let fill = |word: &String| {
            PLACEHOLDERS
                .iter()
                .zip(&own)
                .fold(word.clone(), |word, (placeholder, own)| word.replace(placeholder, own))
        };
        Ok(self.0.iter().map(fill).collect())
    }
}

pub fn plan(topology: &Topology, wish: &Wish) -> Result<Plan, PlanError> {
    refuse_a_sick_cluster(topology)?;
    let is_meant = |node: &Node| wish.only.is_empty() || wish.only.contains(&node.id);
    let agree = || Step::AwaitAgreement { except: Vec::new(), state_ok: true };
    let mut steps = vec![agree()];
    let masters = topology.masters();
    for replica in
        masters.iter().flat_map(|master| topology.replicas_of(master.id)).filter(|node| is_meant(node))
    {
        let master = replica.master().and_then(|master| topology.node(master)).map(NodeRef::of);
        let node = NodeRef::of(replica);
        steps.push(restart(wish, &node, false)?);
        steps.extend(master.map(|master| Step::AwaitInSync { replica: node, master }));
        steps.push(agree());
    }
    let mut down = Vec::new();
    for master in masters.iter().filter(|node| is_meant(node)) {
        let node = NodeRef::of(master);
        match successor(topology, master) {
            _ if master.slots.is_empty() => steps.extend([restart(wish, &node, false)?, agree()]),
            Some(successor) => steps.extend(in_turn(wish, &node, &NodeRef::of(successor))?),
            None => {
                steps.extend([restart(wish, &node, true)?, agree()]);
                down.push(master.name());
            }
        }
    }
    if !down.is_empty() && !wish.downtime {
        return Err(PlanError::new(
            format!("nobody can take the place of {}", down.join(", ")),
            "give it a replica (rcl add-replica), or accept with --downtime that its slots are not served meanwhile",
        ));
    }
    let count = steps.iter().filter(|step| matches!(step, Step::Restart { .. })).count();
    let mut plan =
        Plan::new(format!("restart {}, one after the other", number_of(count, "node")), steps, topology);
    plan.warnings = down
        .into_iter()
        .map(|name| format!("the slots of {name} are not served while it restarts"))
        .collect();
    Ok(plan)
}

fn restart(wish: &Wish, node: &NodeRef, serving: bool) -> Result<Step, PlanError> {
    let (hook_limit_s, back_limit_s) = (wish.hook_limit_s, wish.back_limit_s);
    Ok(Step::Restart { node: node.clone(), hook: wish.hook.of(node)?, hook_limit_s, back_limit_s, serving })
}

fn in_turn(wish: &Wish, master: &NodeRef, successor: &NodeRef) -> Result<Vec<Step>, PlanError> {
    let agree = || Step::AwaitAgreement { except: Vec::new(), state_ok: true };
    let follows = |replica: &NodeRef, master: &NodeRef| Step::AwaitInSync {
        replica: replica.clone(),
        master: master.clone(),
    };
    let promote = |replica: &NodeRef, master: &NodeRef| Step::Failover {
        replica: replica.clone(),
        master: Some(master.clone()),
        mode: FailoverMode::Graceful,
    };
    let mut steps = vec![
        follows(successor, master),
        promote(successor, master),
        agree(),
        Step::AwaitQuiet { node: master.clone() },
        follows(master, successor),
        restart(wish, master, false)?,
        follows(master, successor),
        agree(),
    ];
    if wish.failback {
        steps.extend([promote(master, successor), agree()]);
    }
    Ok(steps)
}

/// In sync, on another host where there is one.
fn successor<'a>(topology: &'a Topology, master: &Node) -> Option<&'a Node> {
    let in_sync = |node: &&Node| node.facts.as_ref().is_some_and(|facts| facts.link_up);
    let replicas = topology.replicas_of(master.id).into_iter().filter(in_sync);
    replicas.min_by_key(|replica| replica.address.host == master.address.host)
}

fn refuse_a_sick_cluster(topology: &Topology) -> Result<(), PlanError> {
    let ill = |node: &&Node| node.facts.as_ref().is_none_or(|facts| !facts.state_ok || !facts.link_up);
    let why = match topology.nodes.values().find(ill) {
        Some(node) if !node.answers() => format!("{} does not answer", node.name()),
        Some(node) if !node.is_master() => format!("{} is not in sync with its master", node.name()),
        Some(node) => format!("{} does not say that the cluster is ok", node.name()),
        None if !topology.open_slots().is_empty() => "slots are on their way".to_owned(),
        None => return Ok(()),
    };
    Err(PlanError::new(why, "rcl check shows what is wrong; nothing is restarted before it is mended"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::past::{Past, Roles};
    use crate::plan::rebalance::tests::{id, topology};
    use crate::plan::{resume, undo};
    use crate::topology::Role;

    /// Masters 1 to 3; 4 replicates 1 on its host, 5 replicates 1 and 6 replicates 2 on another; 3 has nobody.
    fn cluster() -> Topology {
        let mut cluster = topology(&[5462, 5461, 5461, 0, 0, 0]);
        for (number, host, master) in [(4, "127.0.0.1", 1), (5, "h", 1), (6, "h", 2)] {
            let node = cluster.nodes.get_mut(&id(number)).unwrap();
            node.role = Role::ReplicaOf(id(master));
            node.address.host = host.into();
        }
        for node in cluster.nodes.values_mut() {
            let facts = node.facts.as_mut().unwrap();
            (facts.state_ok, facts.link_up) = (true, true);
        }
        cluster
    }

    fn wish() -> Wish {
        let hook = Hook::parse("ssh {host} 'systemctl restart redis@{port}'").unwrap();
        let only = (1..=6).filter(|number| *number != 3).map(id).collect();
        Wish { hook, only, failback: true, downtime: false, hook_limit_s: 60, back_limit_s: 300 }
    }

    /// `r4` restarts 4, `5>1` promotes 5 in place of 1.
    fn story(steps: &[Step]) -> Vec<String> {
        let number = |node: &NodeRef| u32::from(node.address.port) - 7000;
        let tell = |step: &Step| match step {
            Step::Restart { node, .. } => Some(format!("r{}", number(node))),
            Step::Failover { replica, master: Some(master), .. } => {
                Some(format!("{}>{}", number(replica), number(master)))
            }
            _ => None,
        };
        steps.iter().filter_map(tell).collect()
    }

    #[test]
    fn replicas_come_first_and_a_master_is_a_replica_while_it_restarts() {
        let rolling = plan(&cluster(), &wish()).unwrap();
        let whole = ["r4", "r5", "r6", "5>1", "r1", "1>5", "6>2", "r2", "2>6"];
        assert_eq!(story(&rolling.steps), whole);
        let Step::Restart { hook, .. } = &rolling.steps[1] else { panic!("{:?}", rolling.steps[1]) };
        assert_eq!(hook[..], ["ssh", "127.0.0.1", "systemctl restart redis@7004"]);
        let stay = plan(&cluster(), &Wish { failback: false, ..wish() }).unwrap();
        assert_eq!(story(&stay.steps), ["r4", "r5", "r6", "5>1", "r1", "6>2", "r2"]);
        let all = Wish { only: BTreeSet::new(), ..wish() };
        assert!(plan(&cluster(), &all).unwrap_err().what.contains("7003"));
        let down = plan(&cluster(), &Wish { downtime: true, ..all }).unwrap();
        assert_eq!(story(&down.steps).last().unwrap(), "r3", "{:?}", down.warnings);
    }

    #[test]
    fn what_is_left_is_known_at_every_step_and_taking_back_leaves_all_where_they_were() {
        let rolling = plan(&cluster(), &wish()).unwrap();
        let roles = Roles::new();
        let mut now = cluster();
        for (done, step) in (1..).zip(&rolling.steps) {
            let swap = |now: &mut Topology, up: NodeId, down: NodeId| {
                let slots = std::mem::take(&mut now.nodes.get_mut(&down).unwrap().slots);
                let new = now.nodes.get_mut(&up).unwrap();
                (new.role, new.slots) = (Role::Master, slots);
                now.nodes.get_mut(&down).unwrap().role = Role::ReplicaOf(up);
            };
            if let Step::Failover { replica, master: Some(master), .. } = step {
                swap(&mut now, replica.id, master.id);
            }
            let past = Past { plan: &rolling, done, roles: &roles };
            let left = resume::plan(&now, &past).unwrap();
            assert_eq!(story(&left.steps), story(&rolling.steps[done..]), "after {done} steps");
            // Killed just before it was written down: a promotion that was made is not made once more.
            let left = resume::plan(&now, &Past { done: done - 1, ..past }).unwrap();
            let expected = if matches!(step, Step::Failover { .. }) { done } else { done - 1 };
            assert_eq!(
                story(&left.steps),
                story(&rolling.steps[expected..]),
                "{done} steps, the last not noted"
            );
            let back = undo::plan(&now, &past).unwrap();
            let is_away = now.nodes[&id(1)].slots.is_empty() || now.nodes[&id(2)].slots.is_empty();
            assert_eq!(story(&back.steps).len(), usize::from(is_away), "{:?}", story(&back.steps));
        }
    }

    #[test]
    fn nothing_is_begun_on_a_sick_cluster() {
        let mut sick = cluster();
        sick.nodes.get_mut(&id(6)).unwrap().facts.as_mut().unwrap().link_up = false;
        assert!(plan(&sick, &wish()).unwrap_err().what.contains("not in sync"));
        sick.nodes.get_mut(&id(6)).unwrap().facts = None;
        assert!(plan(&sick, &wish()).unwrap_err().what.contains("does not answer"));
    }

    #[test]
    fn a_hook_has_words_and_known_placeholders() {
        assert!(Hook::parse("ssh {hosts} x").unwrap_err().contains("{hosts}"));
        assert!(Hook::parse("systemctl restart redis").unwrap_err().contains("the same for every node"));
        assert!(Hook::parse("ssh {host} 'a").is_err() && Hook::parse("").is_err());
        assert!(Hook::parse("ssh {host} awk '{print $1}' {}").is_ok());
        let node = |host: &str| NodeRef { id: id(1), address: rcl_proto::Address::new(host, 1) };
        let hook = Hook::parse("ssh {address}").unwrap();
        assert_eq!(hook.of(&node("::1")).unwrap(), ["ssh", "::1:1"]);
        for bad in ["-oProxyCommand=x", "h;reboot", "$(x)"] {
            assert!(hook.of(&node(bad)).is_err(), "{bad}");
        }
    }
}
