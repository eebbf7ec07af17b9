//! What the workshop shows of slots, on a live cluster or without one.
//!
//! A demo is a list of scenes: keys with their slots, commands with the replies to them, and what is to be
//! learnt. On a cluster the commands are really sent, each to the owner of its first key, and the replies
//! are what that node said; the keys have a prefix of their own and are deleted at the end. Without a
//! cluster the replies are those that a cluster gives, and the text says so.

pub mod cross_slot;
pub mod hash_tag;

use std::collections::BTreeMap;

use rcl_proto::resp::Reply;
use rcl_proto::{Address, key_slot};
use serde::Serialize;

use crate::cli::{Failure, Session};
use crate::connect::{Link, Words};
use crate::dialect::format::{self, Delimiters, Form};
use crate::key_slot::{KeySlot, KeySlots, Owners};
use crate::output::{Paint, Report, paint};

/// What a cluster says to keys of several slots.
const CROSS_SLOT: &str = "(error) CROSSSLOT Keys in request don't hash to the same slot";

/// A demo as it was played.
#[derive(Debug, Serialize)]
pub struct Play {
    title: &'static str,
    /// Whether the commands were sent to a cluster, or their replies are from the book.
    live: bool,
    scenes: Vec<Scene>,
}

#[derive(Debug, Default, Serialize)]
struct Scene {
    heading: String,
    keys: Vec<KeySlot>,
    commands: Vec<Exchange>,
    lesson: String,
}

/// A command and the reply to it, as redis-cli shows it.
#[derive(Debug, Serialize)]
struct Exchange {
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<String>,
    command: String,
    reply: String,
}

impl Report for Play {
    fn text(&self) -> String {
        let mut text = paint(Paint::Strong, self.title);
        if !self.live {
            text.push_str("\n(no cluster given: slots are computed, replies are what a cluster says)");
        }
        for (index, scene) in self.scenes.iter().enumerate() {
            let heading = format!("{}. {}", index + 1, scene.heading);
            text.push_str(&format!("\n\n{}\n", paint(Paint::Strong, heading)));
            if !scene.keys.is_empty() {
                // What the scene has to say of its keys stands in its lesson.
                text.push_str(&format!("\n{}\n", indented(&KeySlots(scene.keys.clone()).rows())));
            }
            for exchange in &scene.commands {
                let node =
                    exchange.node.as_ref().map(|node| format!("{node}> ")).unwrap_or_else(|| "> ".into());
                text.push_str(&format!("\n  {}{}\n", paint(Paint::Dim, node), exchange.command));
                let is_error = exchange.reply.starts_with("(error)");
                let reply = indented(exchange.reply.trim_end());
                text.push_str(&if is_error { paint(Paint::Bad, reply) } else { reply });
                text.push('\n');
            }
            text.push_str(&format!("\n{}", scene.lesson));
        }
        text
    }
}

fn indented(text: &str) -> String {
    text.lines()
        .map(|line| if line.is_empty() { String::new() } else { format!("  {line}") })
        .collect::<Vec<_>>()
        .join("\n")
}

/// Where the commands of a demo go.
struct Stage {
    prefix: String,
    cluster: Option<LiveCluster>,
    /// What was written, to be deleted.
    written: Vec<String>,
}

struct LiveCluster {
    owners: Owners,
    links: BTreeMap<Address, Link>,
}

impl Stage {
    /// With `entry` a live stage, else an explained one.
    async fn open(session: &Session, entry: Option<&Address>) -> Result<Stage, Failure> {
        let cluster = match entry {
            None => None,
            Some(entry) => Some(LiveCluster {
                owners: Owners::ask(&session.connector, entry).await?,
                links: BTreeMap::new(),
            }),
        };
        // Unlikely to be anybody's, and short enough for a table; without a cluster none is needed.
        let prefix = match cluster {
            Some(_) => format!("rcl-demo-{}:", std::process::id()),
            None => String::new(),
        };
        Ok(Stage { prefix, cluster, written: Vec::new() })
    }

    fn is_live(&self) -> bool {
        self.cluster.is_some()
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn place(&self, key: &str) -> KeySlot {
        KeySlot::of(key.as_bytes(), self.cluster.as_ref().map(|cluster| &cluster.owners))
    }

    /// Sends `command` to the owner of `key`. Without a cluster the reply is `from_the_book`.
    async fn exchange(
        &mut self,
        session: &Session,
        command: &[&str],
        key: &str,
        from_the_book: &str,
    ) -> Result<Exchange, Failure> {
        let shown = command.join(" ");
        let Some(cluster) = &mut self.cluster else {
            return Ok(Exchange { node: None, command: shown, reply: from_the_book.to_owned() });
        };
        let (address, link) = cluster.link_to_owner(session, key).await?;
        let reply = link.raw(&Words::of(command)).await?;
        Ok(Exchange { node: Some(address.to_string()), command: shown, reply: printed(&reply) })
    }

    /// Like [`Stage::exchange`], for a command that writes `keys`, the first of which is the one it goes by.
    async fn write(
        &mut self,
        session: &Session,
        command: &[&str],
        keys: &[&str],
        from_the_book: &str,
    ) -> Result<Exchange, Failure> {
        self.written.extend(keys.iter().map(|&key| key.to_owned()));
        self.exchange(session, command, keys.first().copied().unwrap_or_default(), from_the_book).await
    }

    /// Deletes what was written, however the demo went.
    async fn clear(&mut self, session: &Session) -> Result<(), Failure> {
        let Some(cluster) = &mut self.cluster else { return Ok(()) };
        for key in self.written.drain(..) {
            let (_, link) = cluster.link_to_owner(session, &key).await?;
            link.call(Words::of(&["DEL"]).and(&key)).await?;
        }
        Ok(())
    }
}

impl LiveCluster {
    async fn link_to_owner(&mut self, session: &Session, key: &str) -> Result<(Address, Link), Failure> {
        let slot = key_slot(key.as_bytes());
        let owner = self.owners.of(slot).ok_or_else(|| {
            Failure::refused(format!("slot {slot} has no owner"))
                .next("rcl check says more, rcl fix mends it")
        })?;
        let address = owner.address.clone();
        if let Some(link) = self.links.get(&address) {
            return Ok((address, link.clone()));
        }
        let link = session.connector.connect(&address).await?;
        self.links.insert(address.clone(), link.clone());
        Ok((address, link))
    }
}

fn printed(reply: &Reply) -> String {
    let mut out = Vec::new();
    let newline = || b"\n".to_vec();
    format::print(&mut out, reply, Form::Standard, &Delimiters { element: newline(), reply: newline() });
    String::from_utf8_lossy(&out).into_owned()
}
