//! What directives are on nodes: CONFIG GET of many, on many.

use std::collections::BTreeMap;

use rcl_proto::NodeId;
use rcl_proto::resp::Reply;
use tokio::task::JoinSet;

use super::{Cluster, Link, Pipeline, Words};
use crate::cli::{Failure, Kind};

impl Cluster {
    /// By node and name; `*` asks for all of them. A name that a node does not know is not in its map.
    pub async fn directives(
        &self,
        nodes: impl IntoIterator<Item = NodeId>,
        names: &[String],
    ) -> Result<BTreeMap<NodeId, BTreeMap<String, String>>, Failure> {
        let questions: Pipeline = names.iter().map(|name| Words::of(&["CONFIG", "GET", name])).collect();
        let mut asked = JoinSet::new();
        for node in nodes {
            let (link, questions) = (self.link(node)?.clone(), questions.clone());
            asked.spawn(async move { Ok::<_, Failure>((node, answers(&link, &questions).await?)) });
        }
        let mut known = BTreeMap::new();
        while let Some(answer) = asked.join_next().await {
            let (node, values) =
                answer.map_err(|error| Failure::new(Kind::Internal, error.to_string()))??;
            known.insert(node, values);
        }
        Ok(known)
    }
}

async fn answers(link: &Link, questions: &Pipeline) -> Result<BTreeMap<String, String>, Failure> {
    let mut values = BTreeMap::new();
    let text = |reply: &Reply| String::from_utf8_lossy(reply.as_bytes().unwrap_or_default()).into_owned();
    for reply in link.all(questions).await? {
        if let Reply::Array(words) = reply {
            let pairs = words.chunks_exact(2);
            values.extend(pairs.map(|pair| (text(&pair[0]).to_ascii_lowercase(), text(&pair[1]))));
        }
    }
    Ok(values)
}
