//! One client's connection: bytes in, requests run in order, bytes out.
//!
//! A connection is data that a small future drives: at each turn it takes its mailbox, sends what is left to
//! send, reads once, runs all requests that came, and writes all their replies at once. Between turns it
//! belongs to nobody, and could be driven by another thread.
//!
//! While a client is parked (it waits in a blocking command, or for a pause to end) no request of its is run;
//! what it sends meanwhile is kept.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use rcl_proto::resp::{Limits, OwnedArgs, ReplyWriter, RequestParser};
use tokio::time::Sleep;

use super::ahead::Ahead;
use super::buffers::{KEEP_BYTES, LEAST_ROOM_BYTES, READ_BYTES, ThreadBuffers, with_buffers};
use super::held_back::{self, HeldBack};
use super::ordered::OrderedReplies;
use super::stream::{DetachedStream, Stream};
use crate::client::{self, LateReply, Message, NO_SHARD, Session, client_flag};
use crate::clock::{self, BatchClock};
use crate::command::Park;
use crate::config::Settings;
use crate::executor::{self, Batch, Flow, Held};
use crate::node::Node;
use crate::watchdog::Pulse;

/// So much is reserved for an announced argument at least.
const READ_AHEAD_BYTES: usize = 1024 * 1024;

/// A thread keeps room for so much mail; more is given back at once, so that telling clients of evicted keys makes no key go.
const KEEP_MAIL_BYTES: usize = 32 * 1024;

/// What a batch answers is looked at each time that so much more came.
const MUCH_OUTPUT_BYTES: usize = 128 * 1024;

/// So many bytes of answers are written at once: copying them would cost more than waking the client up.
const MUCH_TO_KEEP_BYTES: usize = 16 * 1024;

/// So many reads in one turn, then the thread's other connections get theirs.
const READS_A_TURN: usize = 4;

pub struct Connection {
    pub node: Arc<Node>,
    pub session: Session,
    stream: Option<Stream>,
    parser: RequestParser,
    /// What was read and not run yet: half a request, or requests behind a parked one.
    input: Vec<u8>,
    /// How long half a request will be at least, once that is known; 0 before.
    awaited_bytes: usize,
    /// It sent nothing for a while: no room is kept for what it announced.
    gave_room_back: bool,
    /// What the socket did not take yet, from `sent` on.
    output: Vec<u8>,
    sent: usize,
    /// Parts of it that wait for the append-only file.
    held_back: HeldBack,
    parked: Option<Parked>,
    ordered: OrderedReplies,
    closing: bool,
    owner: Option<Waker>,
    batch: Batch,
}

/// A request that waits.
struct Parked {
    request: OwnedArgs,
    wait: u64,
    since: Instant,
    /// It waits on keys, in that shard.
    shard: Option<usize>,
    timer: Option<Pin<Box<Sleep>>>,
    request_bytes: usize,
}

/// A connection that left its worker, for example to become a replica's link.
pub struct DetachedConnection {
    pub stream: DetachedStream,
    pub session: Session,
    /// What it had sent beyond the request that handed it over.
    pub input: Vec<u8>,
}

/// Why a turn of a connection ended it.
enum End {
    Closed,
    HandOver(Box<dyn FnOnce(DetachedConnection) + Send>),
}

impl Connection {
    pub fn new(node: Arc<Node>, stream: Stream, session: Session, pulse: Arc<Pulse>) -> Connection {
        Connection {
            node,
            session,
            stream: Some(stream),
            parser: RequestParser::new(),
            input: Vec::new(),
            awaited_bytes: 0,
            gave_room_back: false,
            output: Vec::new(),
            sent: 0,
            held_back: HeldBack::default(),
            parked: None,
            ordered: OrderedReplies::default(),
            closing: false,
            owner: None,
            batch: Batch::start(pulse),
        }
    }

    /// The driver: ends with the connection.
    pub async fn run(mut self) {
        // Its requests borrow the node beside the connection. A count for each batch would go from thread to thread.
        let node = self.node.clone();
        let end = std::future::poll_fn(|cx| with_buffers(|buffers| self.poll_turn(&node, cx, buffers))).await;
        if let End::HandOver(adopt) = end {
            let Some(Ok(stream)) = self.stream.take().map(Stream::detach) else { return };
            let input = std::mem::take(&mut self.input);
            executor::forget_subscriptions(&self.node, &mut self.session);
            let session = std::mem::replace(&mut self.session, Session::nobody());
            adopt(DetachedConnection { stream, session, input });
        }
    }

    fn poll_turn(
        &mut self,
        node: &Arc<Node>,
        cx: &mut Context<'_>,
        buffers: &mut ThreadBuffers,
    ) -> Poll<End> {
        self.batch.pulse.begin_turn();
        let result = self.poll_work(node, cx, buffers);
        self.show_memory();
        self.batch.pulse.end_turn();
        result
    }

    fn poll_work(
        &mut self,
        node: &Arc<Node>,
        cx: &mut Context<'_>,
        buffers: &mut ThreadBuffers,
    ) -> Poll<End> {
        if self.owner.as_ref().is_none_or(|owner| !owner.will_wake(cx.waker())) {
            self.session.handle.mailbox.set_owner(cx.waker());
            self.owner = Some(cx.waker().clone());
        }
        for _ in 0..READS_A_TURN {
            if self.session.handle.mailbox.is_killed() {
                return Poll::Ready(End::Closed);
            }
            if let Some(end) = self.take_mail(node, cx, buffers) {
                return Poll::Ready(end);
            }
            // What the client does not take yet is kept, and its requests are read all the same: it may send a long pipeline
            // before it reads the first answer.
            let is_blocked = match self.poll_send(cx) {
                Poll::Ready(Ok(())) if self.closing => return Poll::Ready(End::Closed),
                Poll::Ready(Ok(())) => false,
                Poll::Ready(Err(_)) => return Poll::Ready(End::Closed),
                Poll::Pending if self.closing => return Poll::Pending,
                Poll::Pending => true,
            };
            match self.poll_read_and_run(node, cx, buffers) {
                Poll::Ready(None) if self.defers_answers() => break,
                Poll::Ready(None) => {}
                Poll::Ready(Some(end)) => return Poll::Ready(end),
                Poll::Pending
                    if self.session.handle.mailbox.is_empty()
                        && (is_blocked || self.sent == self.output.len()) =>
                {
                    return Poll::Pending;
                }
                Poll::Pending => {}
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Messages, and the deadline of a parked request.
    fn take_mail(
        &mut self,
        node: &Arc<Node>,
        cx: &mut Context<'_>,
        buffers: &mut ThreadBuffers,
    ) -> Option<End> {
        let mut messages = self.session.handle.mailbox.take();
        if self.parked.is_some() {
            // What was changed in the client's name is told behind the reply that says so.
            let is_reply = |message: &Message| matches!(message, Message::Reply { wait, .. } if self.is_parked_in(*wait));
            messages.sort_by_key(|message| !is_reply(message));
        }
        for message in messages {
            match message {
                Message::Push(bytes) => buffers.output.extend_from_slice(&bytes),
                Message::ShardUnsubscribed(channel) => {
                    executor::shard_unsubscribed(&mut self.session, &channel, &mut buffers.output);
                }
                Message::Reply { wait, reply } if self.is_parked_in(wait) => self.end_wait(&reply, buffers),
                Message::Retry { wait } if self.is_parked_in(wait) => {
                    if let Some(end) = self.run_parked_again(buffers) {
                        return Some(end);
                    }
                }
                Message::Reply { wait, reply } => {
                    // Else it is for a wait that is over.
                    if let Some(begun) = self.ordered.complete(wait, &reply.bytes) {
                        executor::note_answer(&self.node, begun.spec, begun.since, &reply.bytes);
                        self.ordered.flush(&mut buffers.output);
                    }
                }
                Message::Retry { .. } => {}
                Message::GiveMemoryBack => {
                    self.gave_room_back = true;
                    self.input.shrink_to_fit();
                }
            }
        }
        self.look_at_the_clock(cx);
        let end = if self.parked.is_none() && !self.input.is_empty() {
            self.run_kept_input(node, buffers)
        } else {
            None
        };
        let much_mail = buffers.output.len() > KEEP_MAIL_BYTES;
        self.keep_output(buffers);
        if much_mail {
            buffers.output.shrink_to(KEEP_MAIL_BYTES);
        }
        end
    }

    fn is_parked_in(&self, wait: u64) -> bool {
        self.parked.as_ref().is_some_and(|parked| parked.wait == wait)
    }

    fn unpark(&mut self) -> Option<Parked> {
        self.session.handle.set_flag(client_flag::BLOCKED, false);
        self.session.handle.waits_in_shard.store(NO_SHARD, Ordering::Relaxed);
        self.session.handle.has_deadline.store(false, Ordering::Relaxed);
        self.parked.take()
    }

    /// What the parked request waited for has come.
    fn end_wait(&mut self, reply: &LateReply, buffers: &mut ThreadBuffers) {
        if let Some(parked) = &self.parked {
            let args = parked.request.as_args();
            executor::note_answered(&self.node, &self.session, args, parked.since, reply);
        }
        self.unpark();
        let start = buffers.output.len();
        buffers.output.extend_from_slice(&reply.bytes);
        executor::silence(&mut self.session, &mut buffers.output, start);
        self.ordered.take_turn(&mut buffers.output, start);
        self.session.last_write = reply.last_write.unwrap_or(self.session.last_write);
        self.closing |= reply.closes;
    }

    /// Ends a wait whose time is up: the reply comes by mail, or another one that came before it.
    fn look_at_the_clock(&mut self, cx: &mut Context<'_>) {
        let Some(parked) = &mut self.parked else { return };
        let Some(shard) = parked.shard else { return };
        if parked.timer.as_mut().is_none_or(|timer| timer.as_mut().poll(cx).is_pending()) {
            return;
        }
        parked.timer = None;
        let mut shard = self.node.shards.lock(shard);
        executor::end_wait(&self.node, &mut shard, self.session.id(), None);
    }

    fn run_parked_again(&mut self, buffers: &mut ThreadBuffers) -> Option<End> {
        let parked = self.unpark()?;
        let args = parked.request.as_args();
        let start = buffers.output.len();
        // The wait is none of its time.
        self.batch.clock = BatchClock::start();
        self.batch.request_bytes = parked.request_bytes;
        let flow =
            executor::process(&self.node, &mut self.session, args, &mut buffers.output, &mut self.batch);
        self.ordered.take_turn(&mut buffers.output, start);
        self.follow(flow, || parked.request.clone())
    }

    fn run_kept_input(&mut self, node: &Arc<Node>, buffers: &mut ThreadBuffers) -> Option<End> {
        let mut kept = std::mem::take(&mut self.input);
        let (used, end) = self.run_requests(node, &kept, &mut buffers.ahead, &mut buffers.output);
        kept.drain(..used);
        self.input = kept;
        end
    }

    /// Writes what is left to write.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.sent < self.output.len() {
            self.forward_effects();
        }
        let Some(free) = self.held_back.free(&self.node, &self.session, self.output.len(), cx.waker()) else {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        };
        while self.sent < free {
            let Some(stream) = &mut self.stream else { return Poll::Ready(Ok(())) };
            match stream.poll_write(cx, &self.output[self.sent..free]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => self.sent += written,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    return if self.output_is_over_limit() {
                        Poll::Ready(Err(io::ErrorKind::OutOfMemory.into()))
                    } else {
                        Poll::Pending
                    };
                }
            }
        }
        if self.sent < self.output.len() {
            return if self.output_is_over_limit() {
                Poll::Ready(Err(io::ErrorKind::OutOfMemory.into()))
            } else {
                Poll::Pending
            };
        }
        if !self.output.is_empty() {
            if self.output.capacity() <= client::KEPT_OUTPUT_BYTES {
                self.output.clear();
            } else {
                self.output = Vec::new();
            }
            self.held_back.drained(self.sent);
            self.sent = 0;
        }
        Poll::Ready(Ok(()))
    }

    fn output_is_over_limit(&self) -> bool {
        let over = self.waiting_output() > self.output_limit(&self.node.settings());
        if over {
            self.note_output_over_limit(0);
        }
        over
    }

    /// How much may wait to be sent to the client.
    fn output_limit(&self, settings: &Settings) -> usize {
        let limit = settings.output_buffer_limit(self.session.handle.kind()).hard_bytes;
        if limit == 0 { usize::MAX } else { usize::try_from(limit).unwrap_or(usize::MAX) }
    }

    fn waiting_output(&self) -> usize {
        self.output.len() - self.sent + self.session.handle.mailbox.pending_bytes()
    }

    fn note_output_over_limit(&self, more: usize) {
        self.node.stats.client_output_limit_disconnections.add(1);
        let waiting = self.waiting_output() + more;
        tracing::warn!(client = %self.session.handle.address(), waiting, "client is over its output limit: closed");
    }

    /// One read, and all requests that are complete after it.
    fn poll_read_and_run(
        &mut self,
        node: &Arc<Node>,
        cx: &mut Context<'_>,
        buffers: &mut ThreadBuffers,
    ) -> Poll<Option<End>> {
        let Some(stream) = &mut self.stream else { return Poll::Ready(Some(End::Closed)) };
        let own_buffer = !self.input.is_empty();
        let target = if own_buffer { &mut self.input } else { &mut buffers.input };
        if own_buffer && self.gave_room_back {
            target.reserve_exact(client::SPARE_INPUT_BYTES);
        } else {
            make_room(target, if own_buffer { self.awaited_bytes } else { 0 });
        }
        let read = match stream.poll_read(cx, target) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Some(End::Closed)),
            Poll::Ready(Ok(read)) => read,
        };
        self.gave_room_back = false;
        self.batch.stats.input_bytes += read as u64;
        if own_buffer {
            // What has come so far is in memory until it is run.
            self.show_memory();
            if self.session.handle.mailbox.is_killed() {
                return Poll::Ready(Some(End::Closed));
            }
        }
        let end = self.run_batch(node, own_buffer, buffers);
        if end.is_some() {
            self.keep_output(buffers);
            let _ = self.poll_send(cx);
            return Poll::Ready(end);
        }
        Poll::Ready(self.write_batch(cx, buffers))
    }

    fn run_batch(&mut self, node: &Arc<Node>, own_buffer: bool, buffers: &mut ThreadBuffers) -> Option<End> {
        if self.parked.is_some() || self.closing {
            self.session.handle.last_active_ms.store(clock::now_ms(), Ordering::Relaxed);
            self.keep_input(own_buffer, buffers, 0);
            return self.input_is_over_limit().then_some(End::Closed);
        }
        let input = std::mem::take(if own_buffer { &mut self.input } else { &mut buffers.input });
        self.session.handle.input_bytes.store(input.len(), Ordering::Relaxed);
        let (used, end) = self.run_requests(node, &input, &mut buffers.ahead, &mut buffers.output);
        *(if own_buffer { &mut self.input } else { &mut buffers.input }) = input;
        self.keep_input(own_buffer, buffers, used);
        if self.input_is_over_limit() {
            return Some(End::Closed);
        }
        end
    }

    /// What was not used stays, in the connection's own buffer. An empty one stays for a while too (`client::fit_rooms`).
    fn keep_input(&mut self, own_buffer: bool, buffers: &mut ThreadBuffers, used: usize) {
        if own_buffer {
            self.input.drain(..used);
        } else {
            self.input.extend_from_slice(&buffers.input[used..]);
            buffers.input.clear();
        }
        if self.input.is_empty() && self.input.capacity() > KEEP_BYTES {
            self.input = Vec::new();
        }
        if own_buffer || !self.input.is_empty() {
            self.show_memory();
        }
    }

    /// Brings up to date what others see of what this connection takes, and closes clients if all take too much.
    fn show_memory(&mut self) {
        let handle = &self.session.handle;
        let arguments = self.parser.position().min(self.input.len());
        handle.argument_bytes.store(arguments, Ordering::Relaxed);
        handle.input_bytes.store(self.input.len() - arguments, Ordering::Relaxed);
        handle.input_capacity.store(self.input.capacity(), Ordering::Relaxed);
        handle.note_input(self.input.len(), self.awaited_bytes);
        handle.output_bytes.store(self.output.len() - self.sent, Ordering::Relaxed);
        handle.output_capacity.store(self.output.capacity(), Ordering::Relaxed);
        if self.node.clients.recount(handle) {
            client::evict_clients(&self.node);
        }
    }

    fn input_is_over_limit(&self) -> bool {
        if self.input.is_empty() {
            return false;
        }
        let limit = self.node.settings().client_query_buffer_limit;
        let over = self.input.len() > limit;
        if over {
            self.node.stats.client_query_limit_disconnections.add(1);
            tracing::warn!(client = %self.session.handle.address(), bytes = self.input.len(), limit, "request is over client-query-buffer-limit: closed");
        }
        over
    }

    /// Runs requests until they end, or one parks or closes; how many bytes were used.
    fn run_requests(
        &mut self,
        node: &Arc<Node>,
        input: &[u8],
        ahead: &mut Ahead,
        output: &mut Vec<u8>,
    ) -> (usize, Option<End>) {
        let mut used = 0;
        let mut end = None;
        let mut kept = Held::None;
        self.batch.clock = BatchClock::start();
        self.session.handle.last_active_ms.store(self.batch.clock.now_ms(), Ordering::Relaxed);
        let settings = node.settings();
        let max_bulk_bytes = settings.proto_max_bulk_len;
        // What waits already leaves less for what is answered now.
        self.session.output_limit = self.output_limit(&settings).saturating_sub(self.waiting_output());
        drop(settings);
        let mut look_at = self.session.output_limit.min(MUCH_OUTPUT_BYTES);
        self.awaited_bytes = 0;
        output.reserve(self.session.handle.reply_room.load(Ordering::Relaxed));
        while end.is_none() && self.parked.is_none() && !self.closing {
            if ahead.is_empty() {
                kept = Held::None;
                let limits = Limits { max_bulk_bytes, authenticated: self.session.authenticated };
                match ahead.find(&mut self.parser, &node.commands, input, used, limits) {
                    Ok(Some(needed)) if ahead.is_empty() => {
                        self.awaited_bytes = if needed > input.len() - used + 1 { needed } else { 0 };
                        break;
                    }
                    Ok(_) => ahead.prefetch(node, self.session.database, input),
                    Err(_) if !self.ordered.is_empty() => break,
                    Err(error) => {
                        let mut reply = ReplyWriter::new(output, self.session.protocol);
                        reply.error(&format!("ERR Protocol error: {error}"));
                        self.batch.stats.errors += 1;
                        self.closing = true;
                        break;
                    }
                }
            }
            let Some(next) = ahead.next(&self.parser, input) else { break };
            if !self.ordered.admits(next.args()) {
                // Read again when its turn has come.
                break;
            }
            used = next.end;
            self.batch.request_bytes = next.request_bytes;
            if next.args().is_empty() {
                continue;
            }
            let start = output.len();
            let (session, batch) = (&mut self.session, &mut self.batch);
            let flow =
                executor::process_found(node, session, next.args(), next.lookup, output, batch, &mut kept);
            self.ordered.take_turn(output, start);
            if self.session.gets_messages() {
                executor::take_pushes(&mut self.session, output);
            }
            if !matches!(flow, Flow::Next) {
                let request = next.args().to_owned();
                end = self.follow(flow, || request);
            }
            if output.len() > look_at {
                kept = Held::None;
                look_at = self.session.output_limit.min(output.len() + MUCH_OUTPUT_BYTES);
                if !self.may_hold(output) {
                    *output = Vec::new();
                    end = Some(End::Closed);
                }
            }
        }
        drop(kept);
        if ahead.was_left(used) {
            // The next turn reads again what was found and not run.
            self.parser.restart();
        }
        ahead.clear();
        let stats = &mut self.batch.stats;
        stats.output_bytes += output.len() as u64;
        self.session.handle.note_reply(output.len());
        stats.batches += 1;
        stats.busy_us += self.batch.clock.elapsed_us();
        self.batch.stats.flush_into(&node.stats);
        (used, end)
    }

    /// Whether so much may wait for the client, in the middle of a batch. If all clients take too much, some go now: a key must not
    /// go for their answers.
    fn may_hold(&self, output: &Vec<u8>) -> bool {
        if output.len() > self.session.output_limit {
            self.note_output_over_limit(output.len());
            return false;
        }
        let handle = &self.session.handle;
        handle.output_bytes.store(self.output.len() - self.sent + output.len(), Ordering::Relaxed);
        handle.output_capacity.store(self.output.capacity() + output.capacity(), Ordering::Relaxed);
        if self.node.clients.recount(handle) {
            client::evict_clients(&self.node);
        }
        !handle.mailbox.is_killed()
    }

    /// Does what a request's outcome asks of its connection.
    fn follow(&mut self, flow: Flow, request: impl FnOnce() -> OwnedArgs) -> Option<End> {
        match flow {
            Flow::Next => {}
            Flow::Close => self.closing = true,
            Flow::HandOver(adopt) => return Some(End::HandOver(adopt)),
            Flow::Park(park) if park.pipelined => {
                let request = request();
                let spec = executor::spec_of(&self.node, request.as_args());
                self.ordered.push_wait(request.as_args(), spec, park.wait.wait());
            }
            Flow::Park(park) => self.park(park, request()),
        }
        None
    }

    fn park(&mut self, park: Park, request: OwnedArgs) {
        self.session
            .handle
            .has_deadline
            .store(park.keys.is_some_and(|keys| keys.deadline_ms.is_some()), Ordering::Relaxed);
        let timer = park.keys.and_then(|keys| keys.deadline_ms).map(|deadline| {
            let remaining = deadline.saturating_sub(clock::now_ms()).max(0) as u64;
            Box::pin(tokio::time::sleep(Duration::from_millis(remaining)))
        });
        self.session.handle.set_flag(client_flag::BLOCKED, true);
        let shard = park.keys.map(|keys| keys.shard);
        let request_bytes = self.batch.request_bytes;
        let (wait, since) = (park.wait.wait(), clock::monotonic());
        self.parked = Some(Parked { request, wait, since, shard, timer, request_bytes });
        // The timer has not been polled yet: the next turn does that.
        if let Some(owner) = &self.owner {
            owner.wake_by_ref();
        }
    }

    /// Answers wait until the other connections that are ready had their turn. So a client that has many of them wakes up once for
    /// all their answers, not for each (ARCHITECTURE.md has the measurement), and the effects of all are sent to replicas at once.
    fn defers_answers(&self) -> bool {
        !self.output.is_empty()
    }

    /// No answer leaves before the effects it speaks of are on their way to the replicas.
    fn forward_effects(&self) {
        self.node.replication.forward(&self.node);
    }

    fn write_batch(&mut self, cx: &mut Context<'_>, buffers: &mut ThreadBuffers) -> Option<End> {
        if self.output.is_empty()
            && buffers.output.len() >= MUCH_TO_KEEP_BYTES
            && !self.node.replication.has_effects_to_forward()
            && !held_back::is_called_for(&self.node)
        {
            let Some(stream) = &mut self.stream else { return Some(End::Closed) };
            match stream.poll_write(cx, &buffers.output) {
                Poll::Ready(Ok(written)) if written == buffers.output.len() => buffers.output.clear(),
                Poll::Ready(Ok(written)) => {
                    buffers.output.drain(..written);
                }
                Poll::Ready(Err(_)) => return Some(End::Closed),
                Poll::Pending => {}
            }
        }
        self.keep_output(buffers);
        if self.output.is_empty() {
            // It wants no answers; nothing else reminds us of what it wrote.
            self.forward_effects();
        }
        None
    }

    fn keep_output(&mut self, buffers: &mut ThreadBuffers) {
        if buffers.output.is_empty() {
            return;
        }
        if self.sent > self.output.len() / 2 {
            self.output.drain(..self.sent);
            self.held_back.drained(self.sent);
            self.sent = 0;
        }
        // A client that does not read shall not hold twice of what waits for it.
        let more = buffers.output.len();
        if self.output.capacity() - self.output.len() < more {
            self.output.reserve_exact(more + self.output.len() / 4);
        }
        let start = self.output.len();
        self.output.append(&mut buffers.output);
        if held_back::is_called_for(&self.node) {
            self.held_back.add(&self.node, &self.session, start, self.output.len());
        }
    }
}

/// Room for the next read. Of a long argument that was announced, only so much as was sent already (a megabyte at least)
/// is reserved at once: announcing costs nothing.
fn make_room(input: &mut Vec<u8>, awaited_bytes: usize) {
    let room = input.capacity() - input.len();
    let missing = awaited_bytes.saturating_sub(input.len());
    if missing > 0 {
        if room < missing && room < LEAST_ROOM_BYTES {
            input.reserve_exact(missing.min(input.len().max(READ_AHEAD_BYTES)));
        }
    } else if room < LEAST_ROOM_BYTES {
        input.reserve(READ_BYTES);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.forward_effects();
        self.batch.stats.flush_into(&self.node.stats);
        executor::client_gone(&self.node, &mut self.session);
    }
}
