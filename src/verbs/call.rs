//! `rcl call`: one command to every node.

use rcl_proto::Address;
use rcl_proto::resp::Reply;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::cli::{Failure, Kind, Session};
use crate::connect::{Cluster, Words};
use crate::output::{Paint, Report, paint};

/// Sends one command to every node and shows each answer
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
                Ok(link) => link.raw(&command).await.map_err(Failure::from),
                Err(failure) => Err(failure),
            };
            let (ok, reply) = match reply {
                Ok(Reply::Error(error)) => (false, serde_json::Value::String(error)),
                Ok(reply) => (true, json(&reply)),
                Err(failure) => (false, serde_json::Value::String(failure.what)),
            };
            Answer { id, address, ok, reply }
        });
    }
    let mut answers = asked.join_all().await;
    answers.sort_by(|a, b| a.address.cmp(&b.address));
    let failed = answers.iter().filter(|answer| !answer.ok).count();
    session.output.print(&Answers(answers));
    if failed == 0 {
        return Ok(());
    }
    Err(Failure::new(Kind::Stopped, format!("{failed} nodes answered with an error, or not at all")))
}

fn json(reply: &Reply) -> serde_json::Value {
    use serde_json::Value;
    let text = |bytes: &[u8]| Value::String(String::from_utf8_lossy(bytes).into_owned());
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
        Reply::Map(pairs) => {
            Value::Array(pairs.iter().map(|(k, v)| Value::Array(vec![json(k), json(v)])).collect())
        }
        Reply::Double(number) => Value::from(*number),
        Reply::Boolean(truth) => Value::Bool(*truth),
    }
}
