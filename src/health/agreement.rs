//! Are versions and settings the same?

use std::collections::BTreeMap;

use rcl_proto::NodeId;

use super::{Code, Finding, Ground, SETTINGS_OF_NOTE, Severity, names};
use crate::topology::Topology;

/// Where a difference between a master and who takes its place loses data or access; others are for somebody to know.
const GRAVE: &[&str] = &[
    "maxmemory",
    "maxmemory-policy",
    "appendonly",
    "save",
    "cluster-node-timeout",
    "cluster-require-full-coverage",
    "tls-cluster",
    "tls-replication",
    "databases",
];

pub fn look(topology: &Topology, ground: &Ground, entry: &str, found: &mut Vec<Finding>) {
    versions(topology, ground, found);
    for name in SETTINGS_OF_NOTE {
        let mut by_value: BTreeMap<&str, Vec<NodeId>> = BTreeMap::new();
        for (id, here) in ground.by_address(topology) {
            if let Some(value) = here.setting(name) {
                by_value.entry(value).or_default().push(*id);
            }
        }
        if by_value.len() < 2 {
            continue;
        }
        let severity = if GRAVE.contains(name) { Severity::Warning } else { Severity::Notice };
        let mend = format!("rcl set {entry} {name} VALUE");
        let mut finding =
            Finding::new(severity, Code::SettingsDiffer, format!("{name} is not the same everywhere"), mend);
        for (value, nodes) in by_value {
            let value = if value.is_empty() { "(empty)" } else { value };
            finding = finding.said(names(topology, &nodes), value);
        }
        found.push(finding);
    }
}

fn versions(topology: &Topology, ground: &Ground, found: &mut Vec<Finding>) {
    let mut by_version: BTreeMap<String, Vec<NodeId>> = BTreeMap::new();
    for (id, here) in ground.by_address(topology) {
        by_version.entry(here.server()).or_default().push(*id);
    }
    if by_version.len() < 2 {
        return;
    }
    let what = format!("the nodes run {} different servers", by_version.len());
    let mend = "finish the upgrade: an older replica may not read what a newer master writes";
    let mut finding = Finding::new(Severity::Warning, Code::VersionSkew, what, mend);
    for (version, nodes) in by_version {
        finding = finding.said(names(topology, &nodes), version);
    }
    found.push(finding);
}
