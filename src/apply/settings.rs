//! Directives set on nodes: on all of those named, or on none.
//!
//! 1. All nodes are asked to set theirs, side by side.
//! 2. Where one refuses, those that were set get back what they had.
//! 3. Each node writes its configuration file, if it has one and it was asked for.

use std::collections::BTreeMap;

use rcl_proto::NodeId;
use tokio::task::JoinSet;

use crate::cli::{Failure, Kind};
use crate::connect::{Cluster, Link, LinkError, Words};
use crate::plan::{Setting, Step};

/// What one node was asked to set, how much of it is set, and why not all.
struct Asked {
    link: Link,
    settings: Vec<Setting>,
    set: usize,
    failure: Option<LinkError>,
}

/// Says what a user should know.
pub async fn set(cluster: &Cluster, steps: &[Step]) -> Result<Option<String>, Failure> {
    let mut by_node: BTreeMap<NodeId, Vec<Setting>> = BTreeMap::new();
    for step in steps {
        let Step::SetConfig(setting) = step else { continue };
        by_node.entry(setting.node.id).or_default().push(setting.clone());
    }
    let mut calls = JoinSet::new();
    for (id, settings) in by_node {
        let link = cluster.link(id)?.clone();
        calls.spawn(set_on(link, settings));
    }
    let asked = calls.join_all().await;
    match asked.iter().find_map(|node| node.failure.clone()) {
        None => rewrite(asked).await,
        Some(failure) => Err(put_back(&asked, failure).await),
    }
}

async fn set_on(link: Link, settings: Vec<Setting>) -> Asked {
    let (mut set, mut failure) = (0, None);
    for setting in &settings {
        match link.call(config_set(&setting.name, &setting.value)).await {
            Ok(_) => set += 1,
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    Asked { link, settings, set, failure }
}

fn config_set(name: &str, value: &str) -> Words {
    Words::of(&["CONFIG", "SET", name, value])
}

/// What the user hears of a directive that one node did not take.
async fn put_back(asked: &[Asked], failure: LinkError) -> Failure {
    let (mut back, mut stuck) = (0, Vec::new());
    for node in asked {
        for setting in node.settings[..node.set].iter().rev() {
            match node.link.call(config_set(&setting.name, &setting.before)).await {
                Ok(_) => back += 1,
                Err(error) => stuck.push(format!(
                    "{} keeps {} {}: {error}",
                    setting.node.name(),
                    setting.name,
                    setting.value
                )),
            }
        }
    }
    let mut what = failure.to_string();
    if back > 0 {
        what.push_str(&format!("; what others had set was put back ({back})"));
    }
    if !stuck.is_empty() {
        what.push_str(&format!("; {}", stuck.join("; ")));
    }
    Failure::new(Kind::Stopped, what).next("mend the value, or name the nodes that take it with --node")
}

async fn rewrite(asked: Vec<Asked>) -> Result<Option<String>, Failure> {
    let mut calls = JoinSet::new();
    for node in asked {
        if node.settings.iter().any(|setting| setting.rewrite) {
            calls.spawn(async move { node.link.call(Words::of(&["CONFIG", "REWRITE"])).await.err() });
        }
    }
    let (mut without_file, mut failed) = (Vec::new(), Vec::new());
    for error in calls.join_all().await.into_iter().flatten() {
        match &error {
            LinkError::Server { address, error, .. } if error.contains("without a config file") => {
                without_file.push(address.to_string());
            }
            _ => failed.push(error.to_string()),
        }
    }
    if !failed.is_empty() {
        let what = format!("set, but not in all configuration files: {}", failed.join("; "));
        return Err(Failure::new(Kind::Stopped, what)
            .next("until these are mended, a restart brings the old values back"));
    }
    without_file.sort();
    Ok((!without_file.is_empty()).then(|| {
        format!(
            "run without a configuration file, so that a restart brings the old values back: {}",
            without_file.join(" ")
        )
    }))
}
