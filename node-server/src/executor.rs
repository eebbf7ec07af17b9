//! From a request to its reply: look up, gate, lock, run, act on the effects.
//!
//! The gate's order is Redis's: known, arity, authenticated, allowed, ours (cluster), memory and disk, replica
//! and loading states, MULTI's queue, paused. Ownership and pause are looked at under the lock of the slot's
//! shard, which is held until the effects are logged.

mod gate;
pub mod in_memory;
pub mod internal;
#[cfg(test)]
mod kept_tests;
mod lock;
mod propagate;
#[cfg(test)]
mod rename_tests;
mod serve;
mod slot_use;
mod transaction;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use rcl_proto::Slot;
use rcl_proto::resp::{Args, ReplyWriter};

pub use gate::{
    MASTER_DOWN, OUT_OF_MEMORY, READ_ONLY, SAVE_FAILED, TOO_FEW_REPLICAS, node_state, slot_of_keys,
};
pub use lock::{Held, Wanted};
use propagate::publish;
pub use propagate::{append_effects, log_what_was_done};
pub use serve::end_wait;
pub use transaction::{discard, unwatch_all};

use crate::client::{LateReply, Message, NO_COMMAND, NO_SHARD, ReplyMode, Session, client_flag};
use crate::clock::{self, BatchClock};
use crate::command::spec::{Flags, flag};
use crate::command::{
    self, CommandError, CommandId, CommandSpec, Context, Known, Leftovers, Locks, Lookup, Outcome, Park,
};
use crate::commands::scripting;
use crate::net::DetachedConnection;
use crate::node::Node;

use crate::stats::BatchStats;
use crate::tracking;
use crate::watchdog::Pulse;

/// What a request asks of its connection.
pub enum Flow {
    Next,
    Close,
    Park(Park),
    HandOver(Box<dyn FnOnce(DetachedConnection) + Send>),
}

/// What the requests of one batch share.
pub struct Batch {
    pub stats: BatchStats,
    pub clock: BatchClock,
    /// How many bytes the request that runs now came as.
    pub request_bytes: usize,
    /// Where its reply begins in the output.
    reply_start: usize,
    /// Of the thread that runs it.
    pub pulse: Arc<Pulse>,
    left: Leftovers,
}

impl Batch {
    pub fn start(pulse: Arc<Pulse>) -> Batch {
        let stats = BatchStats::default();
        Batch {
            stats,
            clock: BatchClock::start(),
            request_bytes: 0,
            reply_start: 0,
            pulse,
            left: Leftovers::default(),
        }
    }
}

/// A request whose command is known.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    pub id: CommandId,
    pub spec: &'static CommandSpec,
    /// The command that `spec` is a subcommand of.
    pub container: Option<&'static CommandSpec>,
    pub args: Args<'a>,
    /// Those of `spec`; for a command that runs a script, what that says of itself.
    pub flags: Flags,
}

impl<'a> Request<'a> {
    pub fn new(known: Known, args: Args<'a>) -> Request<'a> {
        let Known { id, spec, container } = known;
        Request { id, spec, container, args, flags: spec.flags }
    }

    pub fn has(&self, flags: Flags) -> bool {
        self.flags & flags != 0
    }

    pub fn known(&self) -> Known {
        Known { id: self.id, spec: self.spec, container: self.container }
    }

    /// `get`, `client|list`.
    pub fn full_name(&self) -> String {
        self.known().full_name()
    }
}

/// Runs one request of a client; its reply is appended to `output`.
pub fn process(
    node: &Arc<Node>,
    session: &mut Session,
    args: Args<'_>,
    output: &mut Vec<u8>,
    batch: &mut Batch,
) -> Flow {
    process_found(node, session, args, node.commands.find(args), output, batch, &mut Held::None)
}

/// The same, if its command was looked up already. The shard that a quick command held is left in `kept`, for the next request of
/// the batch, which mostly is about the same one; before anything else is done, the caller lets it go.
///
/// Inlined down to the handler's call, since what goes through here for every command (arguments, request, shards) would else be
/// copied in bigger pieces than it was just written in, for which the processor has to wait each time.
#[inline(always)]
pub fn process_found<'a>(
    node: &'a Arc<Node>,
    session: &mut Session,
    args: Args<'_>,
    lookup: Lookup,
    output: &mut Vec<u8>,
    batch: &mut Batch,
    kept: &mut Held<'a>,
) -> Flow {
    batch.reply_start = output.len();
    batch.stats.commands += 1;
    let flow = match lookup {
        Lookup::Found(known) if known.spec.accepts(args.len()) => {
            let mut request = Request::new(known, args);
            if request.spec.locks == Locks::Script {
                request.flags = scripting::flags_of(node, &request);
            }
            dispatch(node, session, &request, output, batch, kept)
        }
        _ => {
            *kept = Held::None;
            // Not the same value, which would else have to lie in memory for the others, too.
            process_unfound(node, session, args.from(0), lookup, output, batch)
        }
    };
    // What a parked request answers comes later, and is left out or not by then.
    if !matches!(&flow, Flow::Park(park) if !park.pipelined) {
        silence(session, output, batch.reply_start);
    }
    flow
}

fn speaks_http(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"post") || name.eq_ignore_ascii_case(b"host:")
}

/// A request that names no command, or has the wrong number of arguments for it.
#[cold]
fn process_unfound(
    node: &Arc<Node>,
    session: &mut Session,
    args: Args<'_>,
    lookup: Lookup,
    output: &mut Vec<u8>,
    batch: &mut Batch,
) -> Flow {
    let error = match lookup {
        // A master may log commands by the table's names, whatever its clients call them.
        Lookup::Unknown if session.is_master_link => match command::find(args) {
            Lookup::Found(known) if known.spec.accepts(args.len()) => {
                let request = Request::new(known, args);
                return dispatch(node, session, &request, output, batch, &mut Held::None);
            }
            Lookup::Found(known) => CommandError::wrong_arity(&known.full_name()),
            _ => unknown_command(args),
        },
        Lookup::Found(known) => {
            node.command_stats.rejected(known.spec);
            CommandError::wrong_arity(&known.full_name())
        }
        Lookup::UnknownSubcommand(container) => unknown_subcommand(container, args),
        Lookup::Unknown => unknown_command(args),
    };
    if speaks_http(args.name()) {
        // A browser was made to send a request here, with commands in its body.
        tracing::warn!(client = %session.handle.address(), "possible attack: the client speaks HTTP; closed");
        return Flow::Close;
    }
    session.handle.last_command.store(NO_COMMAND, Ordering::Relaxed);
    if let Some(transaction) = &mut session.transaction {
        transaction.broken = true;
    }
    reply_error(node, session, output, batch, &error);
    Flow::Next
}

/// Redis's text, with as much of what was said as fits into 128 characters.
fn unknown_command(args: Args<'_>) -> CommandError {
    let shown =
        |bytes: &[u8], most: usize| String::from_utf8_lossy(&bytes[..bytes.len().min(most)]).into_owned();
    let mut beginning = String::new();
    for argument in args.from(1).iter() {
        if beginning.len() >= 128 {
            break;
        }
        beginning.push_str(&format!("'{}' ", shown(argument, 128 - beginning.len())));
    }
    CommandError::new(format!(
        "ERR unknown command '{}', with args beginning with: {beginning}",
        shown(args.name(), 128)
    ))
}

fn unknown_subcommand(container: &CommandSpec, args: Args<'_>) -> CommandError {
    let given = args.get(1).unwrap_or_default();
    let given = String::from_utf8_lossy(&given[..given.len().min(128)]).into_owned();
    CommandError::new(format!(
        "ERR unknown subcommand '{given}'. Try {} HELP.",
        container.name.to_ascii_uppercase()
    ))
}

fn reply_error(
    node: &Node,
    session: &Session,
    output: &mut Vec<u8>,
    batch: &mut Batch,
    error: &CommandError,
) {
    batch.stats.errors += 1;
    node.errors.note(error.code());
    ReplyWriter::new(output, session.protocol).error(error.text());
}

/// CLIENT REPLY OFF and SKIP: what was written is taken back.
pub fn silence(session: &mut Session, output: &mut Vec<u8>, start: usize) {
    match session.reply_mode {
        ReplyMode::On => {}
        ReplyMode::Off => output.truncate(start),
        ReplyMode::SkipNext => {
            output.truncate(start);
            session.reply_mode = ReplyMode::Skip;
        }
        ReplyMode::Skip => {
            output.truncate(start);
            session.reply_mode = ReplyMode::On;
        }
    }
}

#[inline(always)]
fn dispatch<'a>(
    node: &'a Arc<Node>,
    session: &mut Session,
    request: &Request<'_>,
    output: &mut Vec<u8>,
    batch: &mut Batch,
    kept: &mut Held<'a>,
) -> Flow {
    batch.pulse.runs(request.spec);
    session.handle.last_command.store(request.id, Ordering::Relaxed);
    let asking = std::mem::take(&mut session.asking);
    let flow = admit_and_run(node, session, request, asking, output, batch, kept);
    // ASKING holds for one command; said before MULTI, for the whole transaction.
    if session.in_transaction() {
        session.asking = asking;
    } else if request.spec.locks == Locks::Transaction {
        session.asking = false;
    }
    if session.tracking.is_some() && !session.in_transaction() {
        end_caching(session, request);
    }
    flow
}

/// CLIENT CACHING holds for one command; said before MULTI, for the whole transaction.
fn end_caching(session: &mut Session, request: &Request<'_>) {
    let is_about_client = request.container.is_some_and(|container| container.name == "client");
    if let Some(mode) = &mut session.tracking
        && !is_about_client
    {
        mode.caching = false;
    }
}

#[inline(always)]
fn admit_and_run<'a>(
    node: &'a Arc<Node>,
    session: &mut Session,
    request: &Request<'_>,
    asking: bool,
    output: &mut Vec<u8>,
    batch: &mut Batch,
    kept: &mut Held<'a>,
) -> Flow {
    let admitted = gate::admit(node, session, request, asking, batch.request_bytes, kept);
    if session.gets_messages() {
        // That a key was evicted to make room for this command is told before its reply, which may be about the same key.
        take_pushes(session, output);
        batch.reply_start = output.len();
    }
    match admitted {
        Ok(gate::Admitted::Run { held, slot }) => {
            run(node, session, request, Place { asking, held, slot }, output, batch, kept)
        }
        Ok(gate::Admitted::Queue { slot }) => {
            transaction::queue(session, request, slot);
            ReplyWriter::new(output, session.protocol).simple("QUEUED");
            Flow::Next
        }
        Ok(gate::Admitted::Park(park)) => {
            session.asking = asking;
            Flow::Park(park)
        }
        Err(error) => {
            node.command_stats.rejected(request.spec);
            transaction::refused(node, session, request);
            let error = transaction::refusal(request, error);
            reply_error(node, session, output, batch, &error);
            Flow::Next
        }
    }
}

/// Where a request runs.
struct Place<'a> {
    /// ASKING came before it.
    asking: bool,
    held: Held<'a>,
    slot: Option<Slot>,
}

#[inline(always)]
fn run<'a>(
    node: &'a Arc<Node>,
    session: &mut Session,
    request: &Request<'_>,
    place: Place<'a>,
    output: &mut Vec<u8>,
    batch: &mut Batch,
    kept: &mut Held<'a>,
) -> Flow {
    let Place { asking, mut held, slot } = place;
    let is_quick = request.has(flag::FAST);
    let given = if is_quick { held.lend() } else { std::mem::take(&mut held) };
    let counted = slot.filter(|_| node.counts_slots());
    let start = output.len();
    let now_ms = batch.clock.now_ms();
    // The context ends where it lies: as an argument of `drop` it would be copied first.
    let (result, lap_ns, close) = {
        let first_slot = slot.unwrap_or(Slot::MIN);
        let mut context = Context::new(node, session, given, first_slot, output, now_ms, &mut batch.left);
        context.asking = asking;
        context.declared_slot = slot;
        let result = context.run(request.spec, request.args);
        let logged = append_effects(&mut context, counted.is_some());
        if let Some(logged) = &logged {
            context.session.last_write = logged.end;
        }
        publish(&mut context);
        let lap_ns = counted.map(|slot| {
            let lap_ns = batch.clock.lap_ns();
            let logged_bytes = logged.map_or(0, |logged| logged.bytes);
            let answered = slot_use::Answered { result: &result, start, lap_ns, logged_bytes };
            slot_use::count(&mut context, slot, request.spec, batch.request_bytes, &answered);
            lap_ns
        });
        serve::serve_waiters(&mut context, counted.and(Some(&mut batch.clock)));
        batch.stats.hits += context.data.hits;
        batch.stats.misses += context.data.misses;
        (result, lap_ns, context.close)
    };
    if is_quick && matches!(result, Ok(Outcome::Done)) && node.tracking.broadcasts.is_empty() {
        *kept = held;
    } else {
        drop(held);
        node.tracking.broadcasts.tell(node);
    }
    // Who waits has not been answered: its connection counts it when it is. A script that is debugged has not run yet.
    let is_over = match &result {
        Ok(Outcome::Park(_)) => false,
        Ok(Outcome::HandOver(_)) => request.spec.locks != Locks::Script,
        _ => true,
    };
    if is_over {
        let took_ns = lap_ns.unwrap_or_else(|| batch.clock.lap_ns());
        let failed =
            result.is_err() || command::script_failed(request.spec, output.get(start..).unwrap_or_default());
        node.note_call(session, request.spec, request.args, took_ns, failed);
    } else if matches!(&result, Ok(Outcome::Park(park)) if park.pipelined) {
        let took_ns = lap_ns.unwrap_or_else(|| batch.clock.lap_ns());
        node.note_slow(session, request.spec, request.args, took_ns);
    }
    match result {
        Ok(Outcome::Done) if close => {
            // Others take it for gone from here on: whoever has read its last reply knows that it is.
            session.handle.set_flag(client_flag::CLOSE_AFTER_REPLY, true);
            Flow::Close
        }
        Ok(Outcome::Done) => Flow::Next,
        Ok(Outcome::Park(park)) => Flow::Park(park),
        Ok(Outcome::HandOver(adopt)) => Flow::HandOver(adopt),
        Err(error) => {
            output.truncate(start);
            reply_error(node, session, output, batch, &error);
            Flow::Next
        }
    }
}

/// Sends what was posted to the client, most of it by its own command just now: behind that command's reply.
pub fn take_pushes(session: &mut Session, output: &mut Vec<u8>) {
    if session.handle.mailbox.is_empty() {
        return;
    }
    for message in session.handle.mailbox.take_pushes() {
        match message {
            Message::Push(bytes) => output.extend_from_slice(&bytes),
            Message::ShardUnsubscribed(channel) => shard_unsubscribed(session, &channel, output),
            Message::Reply { .. } | Message::Retry { .. } | Message::GiveMemoryBack => {}
        }
    }
}

/// A client that waited since then was answered. The request counts from its beginning to now, but whether it was slow is
/// asked of its work alone.
pub fn note_answered(node: &Node, session: &Session, args: Args<'_>, since: Instant, reply: &LateReply) {
    let spec = spec_of(node, args);
    note_answer(node, spec, since, &reply.bytes);
    if let Some(spec) = spec {
        node.note_slow(session, spec, args, clock::nanoseconds(reply.took));
    }
}

/// Counts a request that was answered late by these bytes.
pub fn note_answer(node: &Node, spec: Option<&'static CommandSpec>, since: Instant, reply: &[u8]) {
    let failed = reply.first() == Some(&b'-');
    if failed {
        let line = reply.get(1..).unwrap_or_default();
        let word = line.split(|byte| byte.is_ascii_whitespace()).next().unwrap_or_default();
        node.errors.note(&String::from_utf8_lossy(word));
        node.stats.note_error();
    }
    if let Some(spec) = spec {
        node.command_stats.ran(spec, clock::nanoseconds(clock::monotonic() - since), failed);
    }
}

pub fn spec_of(node: &Node, args: Args<'_>) -> Option<&'static CommandSpec> {
    match node.commands.find(args) {
        Lookup::Found(known) => Some(known.spec),
        _ => None,
    }
}

/// The sharded channel left with its slot.
pub fn shard_unsubscribed(session: &mut Session, channel: &[u8], output: &mut Vec<u8>) {
    if session.subscriptions.shard_channels.remove(channel) {
        session.show_subscriptions();
        let mut reply = ReplyWriter::new(output, session.protocol);
        reply.push(3);
        reply.bulk(b"sunsubscribe");
        reply.bulk(channel);
        reply.integer(session.subscriptions.shard_channels.len() as i64);
    }
}

pub fn forget_subscriptions(node: &Node, session: &mut Session) {
    let subscriptions = std::mem::take(&mut session.subscriptions);
    if !subscriptions.is_empty() {
        node.pubsub.forget(session.id(), &subscriptions);
    }
    session.show_subscriptions();
}

/// The connection ended: nothing of the client stays behind.
pub fn client_gone(node: &Node, session: &mut Session) {
    let shard = session.handle.waits_in_shard.load(Ordering::Relaxed);
    if shard != NO_SHARD {
        node.shards.lock(shard).waiters.remove(session.id());
    }
    unwatch_all(node, session);
    forget_subscriptions(node, session);
    tracking::stop(node, session);
    node.monitors.remove(session);
    node.clients.remove(session.id());
}
