//! Who runs a stream's commands: a session that is the master's link, through the executor like any other.

use std::ops::Range;
use std::sync::Arc;

use rcl_proto::resp::Args;
use rcl_store::keyspace::KeyPlace;

use super::Source;
use super::chunk::{Chunk, Command};
use crate::access::User;
use crate::client::{ClientHandle, ReplyMode, Session, client_flag};
use crate::clock::BatchClock;
use crate::command::Lookup;
use crate::command::spec::Begin;
use crate::executor::{self, Batch, Flow, Held};
use crate::node::Node;

/// For the keys of so many commands the cache is asked at once.
const ASKED_AHEAD: usize = 16;

pub struct Runner {
    node: Arc<Node>,
    pub session: Session,
    batch: Batch,
    output: Vec<u8>,
    source: Source,
    ahead: Ahead,
}

impl Runner {
    pub fn new(node: Arc<Node>, handle: Arc<ClientHandle>, source: Source) -> Runner {
        let mut session = Session::new(handle, User::superuser(), true);
        session.is_master_link = true;
        let batch = Batch::start(Arc::default());
        Runner { node, session, batch, output: Vec::new(), source, ahead: Ahead::default() }
    }

    /// What it says of itself is of no consequence for the commands that come.
    pub fn is_plain(&self) -> bool {
        const OF_NO_CONSEQUENCE: u32 = client_flag::MASTER | client_flag::UNIX_SOCKET;
        let session = &self.session;
        let flags = session.handle.flags.load(std::sync::atomic::Ordering::Relaxed);
        flags & !OF_NO_CONSEQUENCE == 0
            && session.user.is_unrestricted()
            && session.authenticated
            && session.reply_mode == ReplyMode::On
            && session.watched.is_empty()
            && !session.in_transaction()
    }

    pub fn run(&mut self, args: Args<'_>, lookup: Lookup, request_bytes: usize) {
        self.batch.clock = BatchClock::start();
        self.batch.request_bytes = request_bytes;
        let Runner { node, session, batch, output, source, .. } = self;
        run(node, session, args, lookup, output, batch, *source, &mut Held::None);
        self.count();
    }

    pub fn run_chunk(&mut self, chunk: &Chunk) {
        let Runner { node, session, batch, output, source, ahead, .. } = self;
        batch.clock = BatchClock::start();
        let mut commands = chunk.iter();
        while !ahead.ask(node, commands.clone().take(ASKED_AHEAD)) {
            let mut kept = Held::None;
            for (command, args) in commands.by_ref().take(ASKED_AHEAD) {
                if session.database != command.database {
                    session.set_database(command.database);
                }
                batch.request_bytes = command.request_bytes;
                let lookup = Lookup::Found(command.known);
                run(node, session, args, lookup, output, batch, *source, &mut kept);
            }
        }
        self.count();
    }

    fn count(&mut self) {
        match self.source {
            Source::Master => self.batch.stats.flush_into(&self.node.stats),
            Source::AppendOnlyFile => self.batch.stats = Default::default(),
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        // A stream may have said WATCH, or SUBSCRIBE.
        executor::client_gone(&self.node, &mut self.session);
    }
}

/// Not inlined: the executor is, into it.
#[inline(never)]
#[expect(clippy::too_many_arguments, reason = "as the executor's own")]
fn run<'n>(
    node: &'n Arc<Node>,
    session: &mut Session,
    args: Args<'_>,
    lookup: Lookup,
    output: &mut Vec<u8>,
    batch: &mut Batch,
    source: Source,
    kept: &mut Held<'n>,
) {
    output.clear();
    let flow = executor::process_found(node, session, args, lookup, output, batch, kept);
    if output.first() == Some(&b'-') || !matches!(flow, Flow::Next) {
        complain(source, args, output, &flow);
    }
}

/// A command that was logged failed here.
#[cold]
fn complain(source: Source, args: Args<'_>, output: &[u8], flow: &Flow) {
    let command = String::from_utf8_lossy(args.name()).into_owned();
    let answer = String::from_utf8_lossy(output).trim_end().to_owned();
    match source {
        Source::AppendOnlyFile => tracing::error!(
            "== CRITICAL == This AOF-loading-client is sending an error to its server: '{answer}' after processing the command '{command}'"
        ),
        Source::Master => {
            if output.first() == Some(&b'-') {
                tracing::error!(
                    command,
                    reply = answer,
                    "== CRITICAL == the master's command failed here: this copy may differ from the master"
                );
            }
            if !matches!(flow, Flow::Next) {
                tracing::error!(
                    command,
                    "the master's command would wait or end the link: it was not applied"
                );
            }
        }
    }
}

/// Asks the cache for what the next commands need, all at once.
#[derive(Default)]
struct Ahead {
    places: Vec<KeyPlace>,
    /// Members of collections: where the key lies, and which of `member_bytes` the member is.
    members: Vec<(KeyPlace, Range<usize>)>,
    member_bytes: Vec<u8>,
}

impl Ahead {
    /// True when there are none.
    fn ask<'c>(&mut self, node: &Node, commands: impl Iterator<Item = (Command, Args<'c>)>) -> bool {
        let mut commands = commands.peekable();
        let Some((Command { database, .. }, _)) = commands.peek().copied() else { return true };
        self.places.clear();
        self.members.clear();
        self.member_bytes.clear();
        for (command, args) in commands.filter(|(command, _)| command.database == database) {
            let Some(key) = first_key(command, args) else { continue };
            let place = node.key(key).place();
            self.places.push(place);
            let member = command.known.spec.likely_member(args.len());
            if let Some(member) = member.and_then(|index| args.get(index)) {
                let start = self.member_bytes.len();
                self.member_bytes.extend_from_slice(member);
                self.members.push((place, start..self.member_bytes.len()));
            }
        }
        if self.places.len() > 1 {
            node.shards.prefetch(database, &self.places);
        }
        if self.members.len() > 1 {
            let bytes_of = |range: &Range<usize>| self.member_bytes.get(range.clone()).unwrap_or_default();
            node.shards.prefetch_members(database, &self.members, bytes_of);
        }
        false
    }
}

fn first_key<'a>(command: Command, args: Args<'a>) -> Option<&'a [u8]> {
    match command.known.spec.keys.first()?.begin {
        Begin::Index(index) => args.get(usize::try_from(index).ok()?),
        Begin::Keyword { .. } | Begin::Unknown => None,
    }
}
