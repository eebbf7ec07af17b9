//! A newcomer gets the settings and the ACL users of a node that is there. Values go from node to node, and stand in no plan, journal or log.

use std::collections::BTreeMap;

use rcl_proto::resp::Reply;

use crate::cli::Failure;
use crate::connect::{self, Cluster, Link, LinkError, Words};
use crate::plan::NodeRef;

/// What could not be set while the node runs is told, and no error.
pub async fn copy_settings(
    cluster: &Cluster,
    source: &NodeRef,
    target: &NodeRef,
    names: &[String],
) -> Result<Vec<String>, Failure> {
    let settings =
        connect::settings(cluster.link(source.id)?).await?.ok_or_else(|| unseen(source, "settings"))?;
    let link = cluster.link(target.id)?;
    let mut notes = Vec::new();
    // What a login needs goes last: from then on the node asks for it.
    let mut names: Vec<&String> = names.iter().collect();
    names.sort_by_key(|name| name.as_str() == "requirepass");
    for name in names {
        let Some(value) = settings.get(name) else { continue };
        match link.call(Words::of(&["CONFIG", "SET"]).and(name).and(value)).await {
            Ok(_) => {}
            Err(LinkError::Server { error, .. }) => {
                notes.push(format!("{name} stays as it is on {}: {error}", target.address))
            }
            Err(error) => return Err(error.into()),
        }
    }
    notes.extend(kept(link, &["CONFIG", "REWRITE"], target).await?);
    Ok(notes)
}

/// Users that only the target knows stay.
pub async fn copy_users(
    cluster: &Cluster,
    source: &NodeRef,
    target: &NodeRef,
    names: &[String],
) -> Result<Vec<String>, Failure> {
    let users = users(cluster.link(source.id)?).await?.ok_or_else(|| unseen(source, "ACL users"))?;
    let link = cluster.link(target.id)?;
    for name in names {
        let Some(rules) = users.get(name) else { continue };
        let words = Words::of(&["ACL", "SETUSER"]).and(name).and("reset");
        link.call(
            rules.split(' ').filter(|rule| !rule.is_empty()).fold(words, |words, rule| words.and(rule)),
        )
        .await?;
    }
    let in_file = connect::settings(link)
        .await?
        .is_some_and(|settings| settings.get("aclfile").is_some_and(|path| !path.is_empty()));
    let keep: &[&str] = if in_file { &["ACL", "SAVE"] } else { &["CONFIG", "REWRITE"] };
    Ok(kept(link, keep, target).await?.into_iter().collect())
}

/// By name, the rules; `None` when it does not let us see them.
pub async fn users(link: &Link) -> Result<Option<BTreeMap<String, String>>, LinkError> {
    let Reply::Array(lines) = link.raw(&Words::of(&["ACL", "LIST"])).await? else { return Ok(None) };
    let line = |reply: &Reply| reply.as_bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let user = |line: String| {
        let (name, rules) = line.strip_prefix("user ")?.split_once(' ')?;
        Some((name.to_owned(), rules.to_owned()))
    };
    Ok(Some(lines.iter().filter_map(line).filter_map(user).collect()))
}

/// A node that was started without a file has nothing to write to: then it is said that a restart forgets it.
async fn kept(link: &Link, command: &[&str], target: &NodeRef) -> Result<Option<String>, LinkError> {
    match link.call(Words::of(command)).await {
        Ok(_) => Ok(None),
        Err(LinkError::Server { error, .. }) => Ok(Some(format!(
            "{} has it until it is started again, and not in a file: {error}",
            target.address
        ))),
        Err(error) => Err(error),
    }
}

fn unseen(node: &NodeRef, what: &str) -> Failure {
    Failure::refused(format!("{} does not let us see its {what}", node.name()))
        .next("log in as a user that may (--user)")
}
