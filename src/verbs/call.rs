//! `rcl call`: one command to every node.

use rcl_proto::Address;
use rcl_proto::resp::Reply;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::cli::{Failure, Kind, Session};
use crate::connect::{Cluster, Link, Words};
use crate::output::{Paint, Report, number_of, paint};

/// Sends one command to every node and shows each answer
///
/// All nodes are asked side by side. With -o json or yaml an answer has the type that RESP3 gives it (`type`), and its value
/// (`reply`): maps are objects where their keys are texts, else lists of pairs; bytes that are no text are `{"hex": …}`.
/// Exits with 5 when a node answered with an error, or not at all; each answer says which (`ok`).
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Any node of the cluster
    #[arg(value_name = "HOST:PORT", env = "RCL_ENTRY")]
    pub entry: Address,

    /// Only to masters
    #[arg(long, conflicts_with = "only_replicas")]
    pub only_masters: bool,

    /// Only to replicas
    #[arg(long)]
    pub only_replicas: bool,

    /// Only to this node: host:port, a node id, or its unique beginning
    #[arg(long, value_name = "NODE")]
    pub only: Option<String>,

    /// The command and its arguments
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Answers(Vec<Answer>);

#[derive(Debug, Serialize)]
struct Answer {
    id: String,
    address: String,
    ok: bool,
    /// RESP3's name for it; of a node that did not answer, none.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    reply: serde_json::Value,
}

impl Report for Answers {
    const LIST: &'static str = "answers";

    fn text(&self) -> String {
        let line = |answer: &Answer| {
            let text = match &answer.reply {
                serde_json::Value::String(text) => text.trim_end().to_owned(),
                other => other.to_string(),
            };
            let text = if answer.ok { text } else { paint(Paint::Bad, text) };
            let separator = if text.contains('\n') { "\n" } else { " " };
            format!("{}:{separator}{text}", answer.address)
        };
        self.0.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let cluster = Cluster::observe(&session.connector, &args.entry).await?;
    let only = args.only.as_ref().map(|name| cluster.find(name)).transpose()?.map(|node| node.id);
    let mut asked = JoinSet::new();
    for node in cluster.topology.nodes.values() {
        let wanted = match (only, args.only_masters, args.only_replicas) {
            (Some(only), ..) => node.id == only,
            (None, true, _) => node.is_master(),
            (None, _, true) => !node.is_master(),
            _ => true,
        };
        if !wanted {
            continue;
        }
        let link = cluster.link(node.id).cloned();
        let (id, address) = (node.id.to_string(), node.address.to_string());
        let command = args.command.iter().fold(Words::default(), |words, word| words.and(word));
        asked.spawn(async move {
            let reply = match link {
                Ok(link) => ask(&link, &command).await,
                Err(failure) => Err(failure),
            };
            match reply {
                Ok(reply) => {
                    let ok = !matches!(reply, Reply::Error(_));
                    Answer { id, address, ok, kind: Some(kind(&reply)), reply: json(&reply) }
                }
                Err(failure) => Answer { id, address, ok: false, kind: None, reply: failure.what.into() },
            }
        });
    }
    let mut answers = asked.join_all().await;
    answers.sort_by(|a, b| a.address.cmp(&b.address));
    let failed = answers.iter().filter(|answer| !answer.ok).count();
    session.output.print(&Answers(answers));
    if failed == 0 {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Stopped,
        format!("{} answered with an error, or not at all", number_of(failed, "node")),
    ))
}

/// In RESP3 where the node speaks it, since RESP2 has a map as a list and a number as a text.
async fn ask(link: &Link, command: &Words) -> Result<Reply, Failure> {
    link.raw(&Words::of(&["HELLO", "3"])).await?;
    Ok(link.raw(command).await?)
}

fn kind(reply: &Reply) -> &'static str {
    match reply {
        Reply::Simple(_) => "simple-string",
        Reply::Error(_) => "error",
        Reply::Integer(_) => "integer",
        Reply::Bulk(_) => "string",
        Reply::Verbatim { .. } => "verbatim-string",
        Reply::Null => "null",
        Reply::Array(_) => "array",
        Reply::Set(_) => "set",
        Reply::Push(_) => "push",
        Reply::Map(_) => "map",
        Reply::Double(_) => "double",
        Reply::Boolean(_) => "boolean",
        Reply::BigNumber(_) => "big-number",
    }
}

fn json(reply: &Reply) -> serde_json::Value {
    use serde_json::Value;
    match reply {
        Reply::Simple(string) | Reply::Error(string) | Reply::BigNumber(string) => {
            Value::String(string.clone())
        }
        Reply::Integer(number) => Value::from(*number),
        Reply::Bulk(bytes) | Reply::Verbatim { text: bytes, .. } => text(bytes),
        Reply::Null => Value::Null,
        Reply::Array(replies) | Reply::Set(replies) | Reply::Push(replies) => {
            Value::Array(replies.iter().map(json).collect())
        }
        Reply::Map(pairs) => map(pairs),
        // JSON has no infinity.
        Reply::Double(number) if !number.is_finite() => Value::String(number.to_string()),
        Reply::Double(number) => Value::from(*number),
        Reply::Boolean(truth) => Value::Bool(*truth),
    }
}

fn text(bytes: &[u8]) -> serde_json::Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            serde_json::json!({ "hex": hex })
        }
    }
}

fn map(pairs: &[(Reply, Reply)]) -> serde_json::Value {
    let key = |key: &Reply| key.as_bytes().and_then(|key| String::from_utf8(key.to_vec()).ok());
    let named: Option<serde_json::Map<_, _>> =
        pairs.iter().map(|(name, value)| Some((key(name)?, json(value)))).collect();
    match named {
        Some(object) if object.len() == pairs.len() => object.into(),
        _ => pairs.iter().map(|(key, value)| serde_json::json!([json(key), json(value)])).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json as expected;

    use super::*;

    #[test]
    fn each_type_of_resp_has_its_json() {
        let bulk = |bytes: &[u8]| Reply::Bulk(bytes.to_vec());
        for (reply, name, value) in [
            (Reply::Simple("OK".into()), "simple-string", expected!("OK")),
            (Reply::Integer(-7), "integer", expected!(-7)),
            (bulk("grün".as_bytes()), "string", expected!("grün")),
            (bulk(b"\xff\x00"), "string", expected!({"hex": "ff00"})),
            (Reply::Null, "null", expected!(null)),
            (Reply::Double(1.5), "double", expected!(1.5)),
            (Reply::Double(f64::INFINITY), "double", expected!("inf")),
            (Reply::Boolean(true), "boolean", expected!(true)),
            (Reply::Set(vec![Reply::Integer(1)]), "set", expected!([1])),
            (Reply::Map(vec![(bulk(b"a"), Reply::Integer(1))]), "map", expected!({"a": 1})),
            (Reply::Map(vec![(Reply::Integer(5), bulk(b"x"))]), "map", expected!([[5, "x"]])),
            (
                Reply::Map(vec![(bulk(b"a"), Reply::Null), (bulk(b"a"), Reply::Null)]),
                "map",
                expected!([["a", null], ["a", null]]),
            ),
        ] {
            assert_eq!((kind(&reply), json(&reply)), (name, value), "{reply:?}");
        }
    }
}
