//! The text of nodes.conf: the lines of CLUSTER NODES, and a line of variables.
//!
//! ```text
//! <a line of CLUSTER NODES per node, exactly one with the flag "myself">
//! vars currentEpoch 6 lastVoteEpoch 2 shardId 7b5c…
//! vars nodename:<node id> <its human name>
//! ```
//!
//! A replica's line shows its master's config epoch, so that its own is a variable: `configEpoch 4`. A node that forgot
//! it would, as a master again, claim by a smaller epoch than its peers know of it.
//!
//! Blank lines are skipped and `vars` lines may stand anywhere, as in Redis. A line without `@bus-port`
//! (written by very old servers) means port + 10000.
//!
//! What Redis 7.2 knows of a node beyond its host name (`nodename`, `shard-id`, …) it writes beside the address as
//! `,name=value`, and so we read it. We write it as variables: Redis 7.0 takes all after the first comma of an
//! address for the host name, and would gossip that, while every version skips a variable that it does not know. So
//! a redis-server of any version starts with our file. (What one of 7.2 does not find there, its peers tell it in
//! their first packets.) Of the shard ids only our own is kept: the others' come with their first packets, too.

use rcl_proto::NodeId;
use rcl_proto::nodes_text::{NodeFlags, NodeLine};

use crate::config::{Persistent, PersistentError};

const NAME_OF: &str = "nodename:";

pub(crate) fn parse(text: &str) -> Result<Option<Persistent>, PersistentError> {
    let mut found = Persistent {
        nodes: Vec::new(),
        current_epoch: 0,
        last_vote_epoch: 0,
        shard_id: None,
        config_epoch: None,
    };
    let mut names = Vec::new();
    let mut any = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        any = true;
        let result = match line.split_ascii_whitespace().next() {
            Some(word) if word.eq_ignore_ascii_case("vars") => parse_variables(line, &mut found, &mut names),
            _ => parse_node(line, &mut found),
        };
        result.map_err(|reason| PersistentError { line: index + 1, reason })?;
    }
    if !any {
        return Ok(None);
    }
    for (id, name) in names {
        if let Some(node) = found.nodes.iter_mut().find(|node| node.id == id) {
            node.endpoint.aux.push(("nodename".to_owned(), name));
        }
    }
    match found.nodes.iter().filter(|node| node.flags.contains(NodeFlags::MYSELF)).count() {
        1 => Ok(Some(found)),
        count => {
            Err(PersistentError { line: 0, reason: format!("{count} nodes are marked 'myself', not one") })
        }
    }
}

fn parse_variables(
    line: &str,
    found: &mut Persistent,
    names: &mut Vec<(NodeId, String)>,
) -> Result<(), String> {
    let mut words = line.split_ascii_whitespace().skip(1);
    while let Some(name) = words.next() {
        let value = words.next().ok_or_else(|| format!("no value for '{name}'"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("'{value}' is no {name}"));
        match name.to_ascii_lowercase().as_str() {
            "currentepoch" => found.current_epoch = number()?,
            "lastvoteepoch" => found.last_vote_epoch = number()?,
            "configepoch" => found.config_epoch = Some(number()?),
            "shardid" => found.shard_id = value.parse().ok(),
            // Redis skips what it does not know, too.
            other => {
                if let Some(node) = other.strip_prefix(NAME_OF).and_then(|id| id.parse().ok()) {
                    names.push((node, value.to_owned()));
                }
            }
        }
    }
    Ok(())
}

/// The variable with a node's human name.
pub(crate) fn name_variable(node: NodeId, name: &str) -> String {
    format!("{NAME_OF}{node} {name}")
}

fn parse_node(line: &str, found: &mut Persistent) -> Result<(), String> {
    let mut node: NodeLine = line.parse()?;
    if node.endpoint.bus_port == 0 && !line.contains('@') {
        node.endpoint.bus_port = node.endpoint.port.saturating_add(10_000);
    }
    if found.nodes.iter().any(|other| other.id == node.id) {
        return Err(format!("node {} is listed twice", node.id));
    }
    // Redis 7.2 gives shard ids beside the address.
    if node.flags.contains(NodeFlags::MYSELF)
        && let Some((_, id)) = node.endpoint.aux.iter().find(|(name, _)| name == "shard-id")
    {
        found.shard_id = id.parse().ok();
    }
    found.nodes.push(node);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: &str =
        "07c37dfeb235213a872192d90877d0cd55635b91 127.0.0.1:7001@17001 myself,master - 0 0 3 connected 0-5";

    #[test]
    fn reads_what_redis_writes_of_any_age() {
        let text = format!(
            "\n{ME} [5->-e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca]\n\
             e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca 127.0.0.1:7002 slave 07c37dfeb235213a872192d90877d0cd55635b91 0 1 3 connected\n\
             vars currentEpoch 6 lastVoteEpoch 2 later 7 configEpoch 4\n\n\n"
        );
        let found = parse(&text).unwrap().unwrap();
        assert_eq!((found.current_epoch, found.last_vote_epoch, found.shard_id), (6, 2, None));
        assert_eq!(found.config_epoch, Some(4));
        assert_eq!(found.nodes[1].endpoint.bus_port, 17002, "the oldest ones did not write it");
        assert_eq!(found.nodes[0].migrating.len(), 1);
        let newer =
            ME.replace("@17001", "@17001,,tls-port=0,shard-id=69bc080733d1355567173199cff4a6a039a2f024");
        assert!(parse(&newer).unwrap().unwrap().shard_id.is_some());
        let named = format!("{ME}\nvars nodename:07c37dfeb235213a872192d90877d0cd55635b91 one\n");
        let aux = &parse(&named).unwrap().unwrap().nodes[0].endpoint.aux;
        assert_eq!(*aux, [("nodename".to_owned(), "one".to_owned())]);
        assert_eq!(parse("\n \n"), Ok(None));
    }

    #[test]
    fn says_where_a_damaged_file_is_damaged() {
        for (text, line, part) in [
            ("garbage".to_owned(), 1, "'garbage' is not a node id"),
            (format!("{ME}\nvars currentEpoch"), 2, "no value for 'currentEpoch'"),
            (format!("{ME}\nvars currentEpoch x"), 2, "'x' is no currentEpoch"),
            (format!("{ME}\n{ME}"), 2, "listed twice"),
            (ME.replace("myself,", ""), 0, "0 nodes are marked 'myself'"),
            (ME.replace("0-5", "5-0"), 1, "'5-0' is no slot"),
        ] {
            let error = parse(&text).unwrap_err();
            assert_eq!(error.line, line, "{text}: {error}");
            assert!(error.reason.contains(part), "{text}: {error}");
        }
    }
}
