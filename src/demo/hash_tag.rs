//! `rcl hash-tag-demo`: keys that belong together, first scattered, then brought together by a tag.

use rcl_proto::Address;

use super::{CROSS_SLOT, Play, Scene, Stage};
use crate::cli::{Failure, Session};

/// Shows how hash tags bring keys into one slot; on a cluster, with commands really sent
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A node of the cluster to play on; without one the demo explains
    #[arg(value_name = "HOST:PORT")]
    pub entry: Option<Address>,
}

const NAMES: [&str; 3] = ["profile", "cart", "orders"];

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let entry = args.entry.as_ref().or(session.entry.as_ref());
    let mut stage = Stage::open(session, entry).await?;
    let played = play(session, &mut stage).await;
    let cleared = stage.clear(session).await;
    let scenes = played?;
    cleared?;
    session.output.print(&Play { title: "Hash tags", live: stage.is_live(), scenes });
    Ok(())
}

async fn play(session: &Session, stage: &mut Stage) -> Result<Vec<Scene>, Failure> {
    Ok(vec![scattered(session, stage).await?, together(session, stage).await?, rules(stage)])
}

async fn scattered(session: &Session, stage: &mut Stage) -> Result<Scene, Failure> {
    let keys = NAMES.map(|name| stage.key(&format!("user:1001:{name}")));
    let [first, second, third] = keys.each_ref().map(String::as_str);
    let command = ["MSET", first, "Ada", second, "3-books", third, "12"];
    let commands = vec![stage.write(session, &command, &[first, second, third], CROSS_SLOT).await?];
    Ok(Scene {
        heading: "Without a tag all of a key is hashed".into(),
        keys: keys.iter().map(|key| stage.place(key)).collect(),
        commands,
        lesson: "The keys of one user lie in several slots, so no single command may use them all.".into(),
    })
}

async fn together(session: &Session, stage: &mut Stage) -> Result<Scene, Failure> {
    let keys = NAMES.map(|name| stage.key(&format!("{{user:1001}}:{name}")));
    let [first, second, third] = keys.each_ref().map(String::as_str);
    let set = ["MSET", first, "Ada", second, "3-books", third, "12"];
    let get = ["MGET", first, second, third];
    let commands = vec![
        stage.write(session, &set, &[first, second, third], "OK").await?,
        stage.exchange(session, &get, first, "1) \"Ada\"\n2) \"3-books\"\n3) \"12\"").await?,
    ];
    Ok(Scene {
        heading: "With a tag only what stands between { and } is hashed".into(),
        keys: keys.iter().map(|key| stage.place(key)).collect(),
        commands,
        lesson: "One slot, one node: MSET, MGET, MULTI and scripts work on the user's keys.".into(),
    })
}

/// Which braces count: the first `{`, and the first `}` after it, with something between them.
fn rules(stage: &Stage) -> Scene {
    let keys = ["user:1001", "{user:1001}", "a{user:1001}b{other}", "{}{user:1001}", "{{user:1001}}"];
    Scene {
        heading: "Which braces count".into(),
        keys: keys.iter().map(|key| stage.place(key)).collect(),
        commands: Vec::new(),
        lesson: "The first { and the first } after it, if something stands between them; else all of it.\n\
                 A tag that very many keys share makes one slot, and so one node, hot."
            .into(),
    }
}
