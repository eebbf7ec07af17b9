//! `rcl cross-slot-demo`: what a cluster refuses, and the ways out.

use rcl_proto::Address;

use super::{CROSS_SLOT, Play, Scene, Stage};
use crate::cli::{Failure, Session};

/// Shows the CROSSSLOT error and how to avoid it; on a cluster, with commands really sent
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A node of the cluster to play on; without one the demo explains
    #[arg(value_name = "HOST:PORT")]
    pub entry: Option<Address>,
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let entry = args.entry.as_ref().or(session.entry.as_ref());
    let mut stage = Stage::open(session, entry).await?;
    let played = play(session, &mut stage).await;
    let cleared = stage.clear(session).await;
    let scenes = played?;
    cleared?;
    session.output.print(&Play { title: "Commands over several slots", live: stage.is_live(), scenes });
    Ok(())
}

async fn play(session: &Session, stage: &mut Stage) -> Result<Vec<Scene>, Failure> {
    Ok(vec![refused(session, stage).await?, one_by_one(session, stage).await?, tagged(session, stage).await?])
}

async fn refused(session: &Session, stage: &mut Stage) -> Result<Scene, Failure> {
    let [event, seats, waitlist] = plain_keys(stage);
    let set = ["MSET", &event, "concert", &seats, "120", &waitlist, "7"];
    let rename = ["RENAME", &event, &seats];
    let commands = vec![
        stage.write(session, &set, &[&event, &seats, &waitlist], CROSS_SLOT).await?,
        stage.exchange(session, &rename, &event, CROSS_SLOT).await?,
    ];
    Ok(Scene {
        heading: "Keys of several slots in one command are refused".into(),
        keys: [&event, &seats, &waitlist].map(|key| stage.place(key)).into(),
        commands,
        lesson: "The slot counts, not the node: two slots of one master are refused just the same,\n\
                 since either may move tomorrow. Nothing was written."
            .into(),
    })
}

async fn one_by_one(session: &Session, stage: &mut Stage) -> Result<Scene, Failure> {
    let [event, seats, waitlist] = plain_keys(stage);
    let mut commands = Vec::new();
    for (key, value) in [(&event, "concert"), (&seats, "120"), (&waitlist, "7")] {
        commands.push(stage.write(session, &["SET", key, value], &[key], "OK").await?);
    }
    Ok(Scene {
        heading: "First way out: one command a key".into(),
        commands,
        lesson: "Each goes to its own node. Clients pipeline them; what is lost is that all happen at once."
            .into(),
        ..Scene::default()
    })
}

async fn tagged(session: &Session, stage: &mut Stage) -> Result<Scene, Failure> {
    let [event, seats, waitlist] =
        ["", ":seats", ":waitlist"].map(|end| stage.key(&format!("{{event:123}}{end}")));
    let set = ["MSET", &event, "concert", &seats, "120", &waitlist, "7"];
    let get = ["MGET", &event, &seats, &waitlist];
    let rename = ["RENAME", &seats, &waitlist];
    let commands = vec![
        stage.write(session, &set, &[&event, &seats, &waitlist], "OK").await?,
        stage.exchange(session, &get, &event, "1) \"concert\"\n2) \"120\"\n3) \"7\"").await?,
        stage.exchange(session, &rename, &seats, "OK").await?,
    ];
    Ok(Scene {
        heading: "Second way out: a hash tag".into(),
        keys: [&event, &seats, &waitlist].map(|key| stage.place(key)).into(),
        commands,
        lesson:
            "What must change together shares a tag, and so a slot: transactions and scripts need that too."
                .into(),
    })
}

fn plain_keys(stage: &Stage) -> [String; 3] {
    ["event:123", "event:123:seats", "event:123:waitlist"].map(|name| stage.key(name))
}
