//! What a handler may see and do while it runs.
//!
//! Its parts are fields, so that a handler can hold a value of the data while it writes the reply. Nothing in
//! here waits, and nothing in here does I/O.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rcl_proto::Slot;
use rcl_proto::resp::{Args, OwnedArgs, Protocol, ReplyWriter};

use super::data::Data;
use super::effects::{Effects, Leftovers, Logged, Propagation, replicated};
use super::spec::{CommandSpec, Group, Handler, Locks};
use super::{CommandError, CommandResult, LaterReplies, LaterReply};
use crate::client::Session;
use crate::clock;
use crate::control::ControlMessage;
use crate::executor::Held;
use crate::monitor;
use crate::node::Node;
use crate::tracking;

pub struct Context<'a> {
    pub node: &'a Arc<Node>,
    pub session: &'a mut Session,
    pub reply: ReplyWriter<'a>,
    /// The keys, behind the shards that are locked.
    pub data: Data<'a>,
    /// Inside EXEC or a script nobody can be parked: a command that would wait answers at once.
    pub may_park: bool,
    /// A script runs: what is run now is one of its commands.
    pub in_script: bool,
    /// ASKING came before it.
    pub asking: bool,
    /// The slot of its keys, in a cluster.
    pub declared_slot: Option<Slot>,
    /// Where what it changes goes; a script may say so.
    pub replicated: u8,
    /// Where EXEC's reply starts, while it runs its commands.
    pub exec_start: Option<usize>,
    /// Replies of its commands that come when EXEC is through.
    pub later: Option<LaterReplies>,
    /// The connection is closed once the reply is sent.
    pub close: bool,
    /// What goes into the replication log when the command ends.
    pub log: &'a mut Vec<Logged>,
    /// What goes to other nodes' subscribers when the command ends.
    pub publications: &'a mut Vec<ControlMessage>,
}

impl<'a> Context<'a> {
    pub fn new(
        node: &'a Arc<Node>,
        session: &'a mut Session,
        held: Held<'a>,
        slot: Slot,
        output: &'a mut Vec<u8>,
        now_ms: i64,
        left: &'a mut Leftovers,
    ) -> Context<'a> {
        let Leftovers { log, publications, new_keys } = left;
        let mut reply = ReplyWriter::new(output, session.protocol);
        reply.set_limit(session.output_limit);
        let data = Data::new(node, held, slot, session, now_ms, new_keys);
        Context {
            node,
            session,
            reply,
            data,
            may_park: true,
            in_script: false,
            asking: false,
            declared_slot: None,
            replicated: replicated::ALL,
            exec_start: None,
            later: None,
            close: false,
            log,
            publications,
        }
    }

    /// Runs a command that another one consists of (EXEC, a script), and counts it as one of its own.
    pub fn call(&mut self, spec: &'static CommandSpec, args: Args<'_>) -> CommandResult {
        let started = clock::monotonic();
        let start = self.reply.position();
        let result = self.run(spec, args);
        if let Err(error) = &result {
            self.node.errors.note(error.code());
            self.node.stats.note_error();
        }
        let took = clock::monotonic() - started;
        let failed = result.is_err() || script_failed(spec, self.reply.written_since(start));
        self.node.note_call(self.session, spec, args, clock::nanoseconds(took), failed);
        result
    }

    /// Runs a command's handler, and keeps what is to be logged of it.
    pub fn run(&mut self, spec: &'static CommandSpec, args: Args<'_>) -> CommandResult {
        let Handler::Run(handler) = spec.handler else {
            return Err(CommandError::wrong_arity(spec.name));
        };
        let watched = !self.node.monitors.is_empty();
        if watched {
            monitor::before(self, spec, args);
        }
        let in_script = self.in_script;
        self.in_script |= spec.group == Group::Scripting;
        let result = handler(self, args);
        self.in_script = in_script;
        if watched {
            monitor::after(self, spec, args);
        }
        if self.session.tracking.is_some() {
            tracking::remember_keys(self, spec, args);
        }
        self.keep_effects(args);
        result
    }

    /// Keeps what a command left, for the log.
    #[inline]
    pub fn keep_effects(&mut self, args: Args<'_>) {
        let effects = &mut self.data.effects;
        if effects.is_nothing() {
            return;
        }
        if effects.is_plain() && !self.node.replication.is_logging() {
            self.node.stats.dirty.add(std::mem::take(&mut effects.changes));
            effects.always = false;
            return;
        }
        self.keep_some_effects(args);
    }

    fn keep_some_effects(&mut self, args: Args<'_>) {
        let mut effects = std::mem::take(&mut self.data.effects);
        if self.replicated == replicated::NONE {
            effects.propagate_nothing();
        }
        if effects.changes > 0 || effects.always || !effects.before.is_empty() {
            self.keep_for_log(effects, args);
        } else if let Propagation::Instead(commands) = effects.propagation
            && self.node.replication.is_logging()
            && !self.session.is_master_link
        {
            self.log_all(commands);
        }
    }

    /// For a command in a transaction: its reply will be given later, and EXEC's with it. `None` outside EXEC.
    pub fn reply_later(&mut self) -> Option<LaterReply> {
        let position = self.reply.position() - self.exec_start?;
        let session = &mut *self.session;
        let later = self.later.get_or_insert_with(|| LaterReplies::new(session.begin_wait()));
        Some(later.keep_place(position, session.protocol))
    }

    /// The reply to this very command is in the new version already.
    pub fn set_protocol(&mut self, protocol: Protocol) {
        self.session.set_protocol(protocol);
        self.reply.set_protocol(protocol);
    }

    /// The command goes into the log although it changed no key.
    pub fn propagate_as_received(&mut self) {
        self.data.effects.always = true;
    }

    /// Ends the watches of a client whose shards are held (as EXEC holds them).
    pub fn unwatch_held(&mut self) {
        for watched in std::mem::take(&mut self.session.watched) {
            let flag = &self.session.watch_broken;
            let index = self.node.shards.index_of(watched.slot);
            self.data.with_shard(index, |shard| shard.watchers.remove(watched.database, &watched.key, flag));
        }
        self.session.watch_broken.store(false, Ordering::Relaxed);
        self.session.show_state();
    }

    /// A script is through: whatever its commands chose holds no longer.
    pub fn end_script(&mut self, database: usize) {
        self.session.set_database(database);
        self.data.database = database;
    }

    fn log_all(&mut self, commands: Vec<OwnedArgs>) {
        let (database, replicated) = (self.data.database, self.replicated);
        self.log.extend(commands.into_iter().map(|command| Logged { database, command, replicated }));
    }

    fn keep_for_log(&mut self, effects: Effects, args: Args<'_>) {
        self.node.stats.dirty.add(effects.changes);
        if !self.node.replication.is_logging() || self.session.is_master_link {
            return;
        }
        let for_all = |(database, command)| Logged { database, command, replicated: replicated::ALL };
        self.log.extend(effects.before.into_iter().map(for_all));
        match effects.propagation {
            Propagation::AsReceived if effects.changes > 0 || effects.always => {
                let (database, replicated) = (self.data.database, self.replicated);
                self.log.push(Logged { database, command: args.to_owned(), replicated });
            }
            Propagation::AsReceived | Propagation::Nothing => {}
            Propagation::Instead(commands) => self.log_all(commands),
        }
    }
}

/// A script whose command failed answers with that error, which was counted then, as with any reply; but it failed too.
pub fn script_failed(spec: &CommandSpec, reply: &[u8]) -> bool {
    spec.locks == Locks::Script && reply.first() == Some(&b'-')
}
