//! Who is asked about a key: the owner of its slot in a cluster, or the one server there is.
//!
//! A question is a few commands about one key. Many are asked at once, those of one node in one write. As a good client does, it
//! follows MOVED and ASK, asks again on TRYAGAIN, CLUSTERDOWN, LOADING and READONLY, and after a lost connection looks who owns
//! the slot now, for as long as a failover may take.
//!
//! ```text
//! questions ──► by owner ──► one pipeline a node ──► answers
//!                  ▲                                   │ redirected, or no answer
//!                  └──────────── the cluster again ◄───┘
//! ```

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rcl_proto::resp::Reply;
use rcl_proto::{Address, key_slot};
use tokio::task::JoinSet;

use crate::cli::{Failure, Kind};
use crate::connect::{Cluster, Connector, Fields, Link, LinkError, Pipeline, Words};

/// How long questions are asked again, at least: a failover takes less.
const PATIENCE: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Commands about one key, in their order.
#[derive(Clone, Debug)]
pub struct Question {
    pub key: Vec<u8>,
    pub commands: Vec<Words>,
}

/// One reply for each command.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub replies: Vec<Reply>,
    /// The commands may have been carried out before, by a node whose answer was lost.
    pub repeated: bool,
}

/// A node whose keys are walked.
#[derive(Clone, Debug)]
pub struct Holder {
    pub name: String,
    /// Its node id; of one server, its address.
    pub id: String,
    pub link: Link,
    pub keys: u64,
}

#[derive(Debug)]
pub struct Keyspace {
    pub entry: Address,
    connector: Connector,
    /// Of one server; a cluster has only 0.
    database: u32,
    /// How many keys that database had.
    alone_keys: u64,
    nodes: RwLock<Nodes>,
}

#[derive(Clone, Debug)]
enum Nodes {
    One(Link),
    Many(Arc<Cluster>),
}

impl Keyspace {
    /// A cluster, or database `database` of one server.
    pub async fn open(connector: &Connector, entry: &Address, database: u32) -> Result<Keyspace, Failure> {
        let link = connector.enter(entry).await?;
        select(&link, database).await?;
        let info = Fields::of(&link.call(Words::of(&["INFO"])).await?);
        let mut alone_keys = 0;
        let nodes = if info.get("cluster_enabled") == Some("1") {
            Nodes::Many(Arc::new(Cluster::observe(connector, entry).await?))
        } else {
            if let Reply::Integer(count) = link.call(Words::of(&["DBSIZE"])).await? {
                alone_keys = u64::try_from(count).unwrap_or(0);
            }
            Nodes::One(link)
        };
        let (entry, connector) = (entry.clone(), connector.clone());
        Ok(Keyspace { entry, connector, database, alone_keys, nodes: RwLock::new(nodes) })
    }

    /// Of a cluster that was observed already.
    pub fn of(cluster: Arc<Cluster>) -> Keyspace {
        let (entry, connector) = (cluster.entry.clone(), cluster.connector.clone());
        let nodes = RwLock::new(Nodes::Many(cluster));
        Keyspace { entry, connector, database: 0, alone_keys: 0, nodes }
    }

    fn nodes(&self) -> Nodes {
        self.nodes.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// As it was last seen; `None` is one server.
    pub fn cluster(&self) -> Option<Arc<Cluster>> {
        match self.nodes() {
            Nodes::One(_) => None,
            Nodes::Many(cluster) => Some(cluster),
        }
    }

    /// The cluster as it is now. Not for one server.
    pub async fn observe_again(&self) -> Result<Cluster, Failure> {
        Cluster::observe(&self.connector, &self.entry).await
    }

    /// The masters, or with `from_replicas` a replica in sync of each that has one.
    pub fn holders(&self, from_replicas: bool) -> Result<Vec<Holder>, Failure> {
        let cluster = match self.nodes() {
            Nodes::One(link) => {
                let name = link.address().to_string();
                return Ok(vec![Holder { id: name.clone(), name, link, keys: self.alone_keys }]);
            }
            Nodes::Many(cluster) => cluster,
        };
        let topology = &cluster.topology;
        let mut holders = Vec::new();
        for master in topology.masters() {
            let node = topology.replica_in_sync(master.id).filter(|_| from_replicas).unwrap_or(master);
            let link = cluster.link(node.id)?.clone();
            holders.push(Holder { name: node.name(), id: node.id.to_string(), link, keys: node.keys() });
        }
        Ok(holders)
    }

    /// An answer to each question, in their order.
    pub async fn ask(&self, questions: &[Question]) -> Result<Vec<Answer>, Failure> {
        let mut answers = vec![Answer::default(); questions.len()];
        let mut open: Vec<Open> = (0..questions.len()).map(Open::new).collect();
        let (deadline, mut pause) = (Instant::now() + PATIENCE.max(self.connector.time_limit), FIRST_PAUSE);
        while !open.is_empty() {
            let mut again = Vec::new();
            let mut why = None;
            for (of_node, outcome) in self.round(questions, open).await {
                match outcome {
                    Ok(replies) => {
                        let mut replies = replies.into_iter();
                        for mut question in of_node {
                            let count = questions[question.number].commands.len();
                            let mine = question.without_asking(&mut replies, count);
                            match mine.iter().find_map(redirect) {
                                None => {
                                    let answer = &mut answers[question.number];
                                    *answer = Answer { replies: mine, repeated: question.repeated };
                                }
                                Some(redirect) => {
                                    question.asking = redirect.asking;
                                    why = Some(Failure::new(Kind::Unreachable, redirect.text));
                                    again.push(question);
                                }
                            }
                        }
                    }
                    Err(LinkError::Denied { address, why }) => {
                        return Err(LinkError::Denied { address, why }.into());
                    }
                    Err(error) => {
                        again.extend(of_node.into_iter().map(Open::lost));
                        why = Some(error.into());
                    }
                }
            }
            open = again;
            let Some(why) = why else { continue };
            if Instant::now() > deadline {
                return Err(why);
            }
            // ASK is followed at once; all else takes a moment, and another look at who owns what.
            if !open.iter().all(|question| question.asking.is_some()) {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                self.look_again().await;
            }
        }
        Ok(answers)
    }

    /// Sends each question to the node that should know, and waits for all.
    async fn round(&self, questions: &[Question], open: Vec<Open>) -> Vec<Round> {
        let nodes = self.nodes();
        let mut by_node: BTreeMap<Address, (Link, Vec<Open>, Pipeline)> = BTreeMap::new();
        let mut rounds = Vec::new();
        for question in open {
            let Question { key, commands } = &questions[question.number];
            let link = match nodes.link_for(key, question.asking.as_ref(), &self.connector).await {
                Ok(link) => link,
                Err(error) => {
                    rounds.push((vec![question], Err(error)));
                    continue;
                }
            };
            let (_, open, pipeline) = by_node
                .entry(link.address().clone())
                .or_insert_with(|| (link, Vec::new(), Pipeline::default()));
            for command in commands {
                if question.asking.is_some() {
                    pipeline.add(Words::of(&["ASKING"]));
                }
                pipeline.add(command.clone());
            }
            open.push(question);
        }
        if let (1, Some((_, (link, open, pipeline)))) = (by_node.len(), by_node.first_key_value()) {
            let outcome = link.pipeline(pipeline).await;
            rounds.push((open.clone(), outcome));
            return rounds;
        }
        let mut asked = JoinSet::new();
        for (link, open, pipeline) in by_node.into_values() {
            asked.spawn(async move { (open, link.pipeline(&pipeline).await) });
        }
        rounds.extend(asked.join_all().await);
        rounds
    }

    /// The cluster by any node that still answers, or the server once more. What cannot be seen now is seen next time.
    async fn look_again(&self) {
        let seen = match self.nodes() {
            Nodes::One(_) => connect(&self.connector, &self.entry, self.database).await.ok().map(Nodes::One),
            Nodes::Many(cluster) => {
                let known = cluster.topology.nodes.values().map(|node| node.address.clone());
                let mut seen = None;
                for address in std::iter::once(cluster.entry.clone()).chain(known) {
                    if let Ok(cluster) = Cluster::observe(&self.connector, &address).await {
                        seen = Some(Nodes::Many(Arc::new(cluster)));
                        break;
                    }
                }
                seen
            }
        };
        if let Some(nodes) = seen {
            *self.nodes.write().unwrap_or_else(PoisonError::into_inner) = nodes;
        }
    }
}

async fn connect(connector: &Connector, address: &Address, database: u32) -> Result<Link, LinkError> {
    let link = connector.connect(address).await?;
    select(&link, database).await?;
    Ok(link)
}

async fn select(link: &Link, database: u32) -> Result<(), LinkError> {
    if database != 0 {
        link.call(Words::of(&["SELECT"]).and(database.to_string())).await?;
    }
    Ok(())
}

/// Questions that went to one node, and what came back.
type Round = (Vec<Open>, Result<Vec<Reply>, LinkError>);

/// A question without an answer yet.
#[derive(Clone, Debug)]
struct Open {
    number: usize,
    /// Whom ASK named.
    asking: Option<Address>,
    repeated: bool,
}

impl Open {
    fn new(number: usize) -> Open {
        Open { number, asking: None, repeated: false }
    }

    fn lost(self) -> Open {
        Open { asking: None, repeated: true, ..self }
    }

    /// The next `count` replies that are not ASKING's.
    fn without_asking(&self, replies: &mut impl Iterator<Item = Reply>, count: usize) -> Vec<Reply> {
        if self.asking.is_none() {
            return replies.take(count).collect();
        }
        replies.take(2 * count).skip(1).step_by(2).collect()
    }
}

impl Nodes {
    async fn link_for(
        &self,
        key: &[u8],
        asking: Option<&Address>,
        connector: &Connector,
    ) -> Result<Link, LinkError> {
        let cluster = match self {
            Nodes::One(link) => return Ok(link.clone()),
            Nodes::Many(cluster) => cluster,
        };
        let slot = key_slot(key);
        let unreachable = |why: String| LinkError::Unreachable { address: cluster.entry.clone(), why };
        let Some(address) = asking else {
            let owner = cluster.topology.owner(slot);
            let owner = owner.ok_or_else(|| unreachable(format!("nobody owns slot {slot}")))?;
            return cluster.link(owner).cloned().map_err(|failure| unreachable(failure.what));
        };
        let node = cluster.topology.nodes.values().find(|node| node.is_at(address));
        match node.and_then(|node| cluster.links.get(&node.id)) {
            Some(link) => Ok(link.clone()),
            None => connector.connect(address).await,
        }
    }
}

struct Redirect {
    asking: Option<Address>,
    text: String,
}

/// Whether a reply says that the question is to be asked again, or elsewhere.
fn redirect(reply: &Reply) -> Option<Redirect> {
    let Reply::Error(text) = reply else { return None };
    if !is_redirect(text) {
        return None;
    }
    let asking = text.strip_prefix("ASK ").and_then(|rest| rest.split(' ').nth(1)?.parse().ok());
    Some(Redirect { asking, text: text.clone() })
}

/// Whether an error says that the question is to be asked again, or elsewhere.
pub fn is_redirect(error: &str) -> bool {
    const WORDS: [&str; 7] =
        ["MOVED ", "ASK ", "TRYAGAIN ", "CLUSTERDOWN ", "LOADING ", "MASTERDOWN ", "READONLY "];
    WORDS.iter().any(|word| error.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ask_names_whom_and_others_do_not() {
        let of = |text: &str| redirect(&Reply::Error(text.into()));
        assert_eq!(of("ASK 5 127.0.0.1:7001").unwrap().asking, Some(Address::new("127.0.0.1", 7001)));
        assert_eq!(of("MOVED 5 127.0.0.1:7001").unwrap().asking, None);
        assert_eq!(of("READONLY You can't write").unwrap().asking, None);
        assert!(of("BUSYKEY Target key name already exists.").is_none());
        assert!(redirect(&Reply::Null).is_none());
    }

    #[test]
    fn asking_s_own_replies_are_not_the_question_s() {
        let mut replies = ["OK", "1", "OK", "2", "3"].map(|text| Reply::Simple(text.into())).into_iter();
        let asking = Open { asking: Some(Address::new("h", 1)), ..Open::new(0) };
        let texts = |replies: Vec<Reply>| replies.iter().map(|r| format!("{r:?}")).collect::<Vec<_>>();
        assert_eq!(texts(asking.without_asking(&mut replies, 2)), ["Simple(\"1\")", "Simple(\"2\")"]);
        assert_eq!(texts(Open::new(0).without_asking(&mut replies, 1)), ["Simple(\"3\")"]);
    }
}
