//! Directives set on nodes of a living cluster: what differs becomes a step.
//!
//! What a directive is (how its values are written, what it is by default, whether it is a secret) is known from the node's own
//! table of Redis's directives. Of one that is not in there the server's word is taken, and values are compared as text.

use std::collections::BTreeMap;
use std::path::Path;

use rcl_node::config::directive::Directive;
use rcl_node::config::value::{self, ParseContext, Value};
use rcl_node::config::{Config, table};
use rcl_proto::{NodeId, words};

use super::{NodeRef, Plan, PlanError, Setting, Step};
use crate::topology::Topology;

/// What nodes say that directives are, by name; one that a node does not know is not in its map.
pub type Known = BTreeMap<NodeId, BTreeMap<String, String>>;

#[derive(Clone, Debug)]
pub struct Wish {
    pub settings: Vec<(String, String)>,
    /// Also in the nodes' configuration files.
    pub rewrite: bool,
}

/// Names in lower case; refused where one is no directive's, or is to be kept from logs and journals.
pub fn check_names(names: &[&str]) -> Result<Vec<String>, PlanError> {
    let mut checked = Vec::new();
    for name in names {
        let name = name.to_ascii_lowercase();
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
            return Err(PlanError::new(
                format!("'{}' is no directive's name", name.escape_debug()),
                "name it as in redis.conf, as maxmemory",
            ));
        }
        if is_secret(&name) {
            return Err(PlanError::new(
                format!("{name} is a secret: arguments, plans and journals can be read by others"),
                "set it in each node's configuration file, or with CONFIG SET in rcl cli",
            ));
        }
        if checked.contains(&name) {
            return Err(PlanError::new(format!("{name} is set twice"), "give it one value"));
        }
        checked.push(name);
    }
    Ok(checked)
}

/// The steps for those of `nodes` where a directive is something else.
pub fn plan(topology: &Topology, nodes: &[NodeRef], known: &Known, wish: &Wish) -> Result<Plan, PlanError> {
    let mut steps = Vec::new();
    for (name, value) in &wish.settings {
        for node in nodes {
            let before = known.get(&node.id).and_then(|settings| settings.get(name));
            let before = before.ok_or_else(|| unknown(name, node))?;
            if !same(name, before, value) {
                let (node, name, before) = (node.clone(), name.clone(), before.clone());
                let (value, rewrite) = (value.clone(), wish.rewrite);
                steps.push(Step::SetConfig(Setting { node, name, before, value, rewrite }));
            }
        }
    }
    let what: Vec<String> =
        wish.settings.iter().map(|(name, value)| format!("{name} {}", super::text::shown(value))).collect();
    let nodes = if nodes.len() == 1 { nodes[0].name() } else { format!("{} nodes", nodes.len()) };
    Ok(Plan::new(format!("set {} on {nodes}", what.join(", ")), steps, topology))
}

fn unknown(name: &str, node: &NodeRef) -> PlanError {
    let next = match table::nearest_name(name) {
        Some(near) if near != name => {
            format!("did you mean {near}? rcl call {0} --only {0} CONFIG GET '*'", node.address)
        }
        _ => format!("rcl call {0} --only {0} CONFIG GET '*' lists what it knows", node.address),
    };
    PlanError::new(format!("{} knows no directive {name}", node.name()), next)
}

pub fn is_secret(name: &str) -> bool {
    directive(name).is_some_and(|directive| directive.sensitive)
}

/// A node that runs does not take another value.
pub fn is_fixed(name: &str) -> bool {
    directive(name).is_some_and(|directive| directive.immutable)
}

/// It is the node's own affair: where it listens, what its files are, what it announces; or cannot be set while it runs.
pub fn is_of_the_node(name: &str) -> bool {
    const OWN: [&str; 3] = ["bind", "dir", "replicaof"];
    const BEGINNINGS: [&str; 4] = ["cluster-announce", "tls-", "replica-announce", "slave-announce"];
    directive(name).is_none_or(|known| {
        // CONFIG GET says what it has by an alias, too.
        known.name != name || known.immutable || known.protected || known.sensitive
    }) || OWN.contains(&name)
        || name.contains("port")
        || name.ends_with("file")
        || BEGINNINGS.iter().any(|begin| name.starts_with(begin))
}

/// Redis has it without anybody's having set it.
pub fn is_usual(name: &str, value: &str) -> bool {
    let usual = Config::new(Path::new("/")).get(name.as_bytes()).pop();
    usual.is_some_and(|(_, usual)| same(name, &String::from_utf8_lossy(&usual), value))
}

/// The same value, however it is written: 1gb and 1073741824.
pub fn same(name: &str, one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let Some(directive) = directive(name) else { return false };
    match (read(directive, one, &Value::YesNo(false)), read(directive, other, &Value::YesNo(false))) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

/// Some directives are set in part: what is not said stays as it is `current`ly.
fn read(directive: &Directive, text: &str, current: &Value) -> Option<Value> {
    let words = if directive.kind.takes_words() {
        words::split(text.as_bytes())?
    } else {
        vec![text.as_bytes().to_vec()]
    };
    value::parse(directive.kind, &words, &ParseContext { current, directory: Path::new("/") }).ok()
}

fn directive(name: &str) -> Option<&'static Directive> {
    table::find(name.as_bytes()).map(|(_, directive)| directive)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::rebalance::tests::{id, topology};

    #[test]
    fn values_are_compared_by_what_they_mean() {
        for (name, one, other) in [
            ("maxmemory", "2gb", "2147483648"),
            ("appendonly", "YES", "yes"),
            ("save", "3600 1 300 100", "3600 1  300 100"),
            ("notify-keyspace-events", "KEA", "AKE"),
            (
                "client-output-buffer-limit",
                "normal 0 0 0 slave 256mb 64mb 60 pubsub 32mb 8mb 60",
                "normal 0 0 0 replica 268435456 67108864 60 pubsub 33554432 8388608 60",
            ),
            ("a-module.thing", "x", "x"),
        ] {
            assert!(same(name, one, other), "{name}: {one} and {other}");
        }
        assert!(!same("maxmemory", "2gb", "2g") && !same("maxmemory-policy", "noeviction", "allkeys-lru"));
        assert!(!same("a-module.thing", "1gb", "1073741824"), "nobody knows what it means");
        assert!(is_usual("maxmemory", "0") && is_usual("cluster-node-timeout", "15000"));
        assert!(!is_usual("maxmemory", "1gb") && !is_usual("a-module.thing", "x"));
    }

    #[test]
    fn what_is_a_node_s_own_is_told_from_what_a_cluster_has_in_common() {
        for own in [
            "port",
            "bind",
            "dir",
            "requirepass",
            "logfile",
            "cluster-announce-ip",
            "databases",
            "tls-cert-file",
        ] {
            assert!(is_of_the_node(own), "{own}");
        }
        for common in ["maxmemory", "maxmemory-policy", "appendonly", "save", "cluster-node-timeout", "hz"] {
            assert!(!is_of_the_node(common), "{common}");
        }
    }

    #[test]
    fn only_what_differs_is_set_and_each_node_must_know_it() {
        let cluster = topology(&[8192, 8192]);
        let nodes: Vec<NodeRef> = cluster.nodes.values().map(NodeRef::of).collect();
        let with = |values: [&str; 2]| -> Known {
            let map = |value: &str| BTreeMap::from([("maxmemory".to_owned(), value.to_owned())]);
            Known::from([(id(1), map(values[0])), (id(2), map(values[1]))])
        };
        let wish = Wish { settings: vec![("maxmemory".into(), "1gb".into())], rewrite: true };
        let both = plan(&cluster, &nodes, &with(["0", "5"]), &wish).unwrap();
        assert_eq!(both.steps.len(), 2);
        let one = plan(&cluster, &nodes, &with(["1073741824", "0"]), &wish).unwrap();
        assert!(
            matches!(&one.steps[..], [Step::SetConfig(setting)] if setting.node.id == id(2) && setting.before == "0"),
            "{:?}",
            one.steps
        );
        let wish = Wish { settings: vec![("maxmemroy".into(), "1gb".into())], rewrite: true };
        let error = plan(&cluster, &nodes, &with(["0", "0"]), &wish).unwrap_err();
        assert!(error.what.contains("knows no directive") && error.next.contains("maxmemory?"), "{error:?}");
        assert!(check_names(&["requirepass"]).unwrap_err().what.contains("secret"));
        assert!(check_names(&["max*"]).is_err() && check_names(&["HZ", "hz"]).is_err());
        assert_eq!(check_names(&["MaxMemory"]).unwrap(), ["maxmemory"]);
    }
}
