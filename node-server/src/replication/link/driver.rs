//! A link at work: it sends, it reads acknowledgements, and it looks at its clocks.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use rcl_proto::resp::{Limits, Parsed, RequestParser};
use tokio::sync::{mpsc, oneshot};

use super::end::End;
use super::outgoing::{Outgoing, Sent};
use super::{LinkState, ReplicaLink, SyncRequest};
use crate::clock;
use crate::net::Stream;
use crate::node::Node;
use crate::replication::full_sync::{self, Payload, Start};
use crate::replication::history::FullSyncReason;
use crate::replication::setslot::knows_setslot;
use crate::replication::{LogPosition, ReplicaSession, refresh_state, wait};

/// How often the clocks of a link are looked at.
const TICK: Duration = Duration::from_millis(1000);

pub struct Driver<'a> {
    node: &'a Arc<Node>,
    link: Arc<ReplicaLink>,
    stream: Arc<Stream>,
    input: Vec<u8>,
    parser: RequestParser,
    told: ReplicaSession,
    /// Since when the soft limit on its output is broken.
    slow_since_ms: Option<i64>,
    acknowledgements: u64,
}

/// What happened first.
enum Event {
    /// Something was sent, or is ready to be sent.
    Progress,
    Tick,
    Start(Option<Start>),
    Chunk(Option<Bytes>),
}

impl<'a> Driver<'a> {
    pub fn new(
        node: &'a Arc<Node>,
        link: Arc<ReplicaLink>,
        stream: Arc<Stream>,
        input: Vec<u8>,
        told: ReplicaSession,
    ) -> Driver<'a> {
        Driver {
            node,
            link,
            stream,
            input,
            parser: RequestParser::new(),
            told,
            slow_since_ms: None,
            acknowledgements: 0,
        }
    }

    fn out(&self) -> &Outgoing {
        &self.link.outgoing
    }

    /// Ends with the link.
    pub async fn serve(mut self, request: SyncRequest) -> End {
        match self.serve_until_the_end(request).await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn serve_until_the_end(&mut self, request: SyncRequest) -> Result<Infallible, End> {
        self.take_acknowledgements()?;
        let position = match self.place_of(&request) {
            Ok((position, greeting)) => {
                self.node.stats.partial_syncs.add(1);
                self.out().queue(greeting.into());
                self.link.acknowledged.store(position, Ordering::Release);
                position
            }
            Err(reason) => {
                if matches!(request, SyncRequest::Psync { .. }) && reason != FullSyncReason::Requested {
                    self.node.stats.partial_syncs_refused.add(1);
                }
                tracing::info!(replica = %self.link.ip, port = self.link.port, "replica gets a full copy: {reason}");
                self.node.stats.full_syncs.add(1);
                self.full_sync().await?
            }
        };
        self.link.set_state(LinkState::Online);
        self.link.acknowledged_at_ms.store(clock::now_ms(), Ordering::Release);
        refresh_state(self.node);
        tracing::info!(replica = %self.link.ip, port = self.link.port, position, "replica is online");
        self.out().set_position(position);
        self.out().follow_log();
        self.stream().await
    }

    /// A partial resync if the log allows it; then what comes next stays in the log for this link.
    fn place_of(&self, request: &SyncRequest) -> Result<(LogPosition, String), FullSyncReason> {
        let SyncRequest::Psync { id, offset, .. } = request else { return Err(FullSyncReason::Requested) };
        let mut log = self.node.replication.lock_log();
        let position = log.history().place_of(id, *offset, log.kept())?;
        if position < log.setslot_end() && !knows_setslot(self.link.version) {
            return Err(FullSyncReason::UnknownCommand);
        }
        log.pin(self.link.id, position);
        tracing::info!(replica = %self.link.ip, port = self.link.port, bytes = log.end() - position, "partial resync");
        Ok((
            position,
            if self.told.understands_psync2 {
                format!("+CONTINUE {}\r\n", log.history().id)
            } else {
                "+CONTINUE\r\n".to_owned()
            },
        ))
    }

    /// A copy of the data; returns where the stream goes on.
    async fn full_sync(&mut self) -> Result<LogPosition, End> {
        let mut start = full_sync::join(self.node, &self.link, &self.told);
        let started = loop {
            match self.next(Some(&mut start), None).await? {
                Event::Start(Some(started)) => break started,
                Event::Start(None) => return Err(End::NoSnapshot),
                Event::Tick if self.out().waiting() == 0 => self.out().queue(Bytes::from_static(b"\n")),
                Event::Tick | Event::Progress | Event::Chunk(_) => {}
            }
        };
        self.out().set_position(started.offset);
        if !self.link.is_legacy {
            self.out().queue(format!("+FULLRESYNC {} {}\r\n", started.id, started.offset).into());
        }
        let acknowledges_first = match started.payload {
            Payload::Stream { mark, chunks } => {
                self.out().queue(format!("$EOF:{mark}\r\n").into());
                self.send_chunks(chunks, false).await?;
                self.out().queue(mark.into_bytes().into());
                self.link.set_state(LinkState::ReceivesSnapshot);
                true
            }
            Payload::File(chunks) => {
                self.send_chunks(chunks, true).await?;
                false
            }
        };
        self.flush().await?;
        if self.told.rdb_only {
            self.link.set_state(LinkState::HasSnapshot);
            return self.wait_for_its_end().await;
        }
        if acknowledges_first && !self.link.is_legacy {
            self.wait_for_acknowledgement().await?;
        }
        Ok(started.offset)
    }

    /// The snapshot's bytes as they come, or from a file when that is there: until then the replica is kept alive. An empty chunk
    /// says that all is there.
    async fn send_chunks(&mut self, mut chunks: mpsc::Receiver<Bytes>, by_file: bool) -> Result<(), End> {
        let mut nothing_sent = true;
        loop {
            // Another chunk only when the last one is gone: a slow replica holds its own snapshot back.
            let source = if self.out().waiting() < 4 { Some(&mut chunks) } else { None };
            match self.next(None, source).await? {
                Event::Chunk(None) => return Err(End::NoSnapshot),
                Event::Chunk(Some(chunk)) if chunk.is_empty() => return Ok(()),
                Event::Chunk(Some(chunk)) => {
                    if by_file && nothing_sent {
                        self.link.set_state(LinkState::ReceivesSnapshot);
                    }
                    nothing_sent = false;
                    self.out().queue(chunk);
                }
                Event::Tick if by_file && nothing_sent && self.out().waiting() == 0 => {
                    self.out().queue(Bytes::from_static(b"\n"));
                }
                Event::Tick | Event::Progress | Event::Start(_) => {
                    self.check_progress()?;
                    self.check_distance()?;
                }
            }
        }
    }

    async fn flush(&mut self) -> Result<(), End> {
        while self.out().waiting() > 0 {
            self.next(None, None).await?;
            self.check_progress()?;
        }
        Ok(())
    }

    /// A replica that loads says so by empty lines; its first acknowledgement says that it is done.
    async fn wait_for_acknowledgement(&mut self) -> Result<(), End> {
        let before = self.acknowledgements;
        self.link.acknowledged_at_ms.store(clock::now_ms(), Ordering::Release);
        while self.acknowledgements == before {
            self.next(None, None).await?;
            self.check_alive()?;
            self.check_distance()?;
        }
        Ok(())
    }

    async fn wait_for_its_end(&mut self) -> Result<LogPosition, End> {
        let since = clock::now_ms();
        loop {
            self.next(None, None).await?;
            if clock::now_ms() - since > self.timeout_ms() {
                return Err(self.silent());
            }
        }
    }

    async fn stream(&mut self) -> Result<Infallible, End> {
        let node = self.node;
        loop {
            let grew = node.replication.grew.notified();
            tokio::pin!(grew);
            // Registered before the look, so that nothing appended in between is slept over.
            grew.as_mut().enable();
            tokio::select! {
                event = self.next(None, None) => { event?; }
                () = grew => {}
            }
            self.check_distance()?;
            self.check_alive()?;
        }
    }

    /// Sends, reads, and waits for a tick, whichever comes first; and for a snapshot when there is one to come. Nothing of it
    /// while DEBUG SLEEP lasts.
    async fn next(
        &mut self,
        start: Option<&mut oneshot::Receiver<Start>>,
        chunks: Option<&mut mpsc::Receiver<Bytes>>,
    ) -> Result<Event, End> {
        self.node.sleep.wait_until_over();
        if self.link.handle.mailbox.is_killed() {
            return Err(End::Killed);
        }
        let waited = self.out().waiting() > 0;
        let sent = self.out().send(self.node)?;
        if sent == Sent::Overrun {
            return Err(End::Overrun);
        }
        if waited && sent == Sent::All {
            return Ok(Event::Progress);
        }
        let mailbox = &self.link.handle.mailbox;
        let killed = poll_fn(|cx| {
            mailbox.set_owner(cx.waker());
            if mailbox.is_killed() { Poll::Ready(()) } else { Poll::Pending }
        });
        let has_start = start.is_some();
        let has_chunks = chunks.is_some();
        let event = tokio::select! {
            biased;
            () = killed => return Err(End::Killed),
            ready = self.stream.readable() => {
                ready?;
                match self.stream.try_read(&mut self.input) {
                    Ok(0) => return Err(End::Closed),
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error.into()),
                }
                Event::Progress
            }
            ready = self.stream.writable(), if sent == Sent::Blocked => {
                ready?;
                Event::Progress
            }
            started = async { match start { Some(start) => start.await.ok(), None => None } }, if has_start => Event::Start(started),
            chunk = async { match chunks { Some(chunks) => chunks.recv().await, None => None } }, if has_chunks => Event::Chunk(chunk),
            () = tokio::time::sleep(TICK) => Event::Tick,
        };
        // Nobody posts to a replica; what an earlier life of the client still gets is dropped.
        mailbox.take();
        self.take_acknowledgements()?;
        Ok(event)
    }

    /// What the replica said.
    fn take_acknowledgements(&mut self) -> Result<(), End> {
        let limits = Limits { max_bulk_bytes: 64 * 1024, authenticated: true };
        let mut used = 0;
        let mut acknowledged = false;
        loop {
            let rest = self.input.get(used..).unwrap_or_default();
            match self.parser.parse(rest, limits) {
                Ok(Parsed::Incomplete { .. }) => break,
                Err(error) => return Err(End::Protocol(error.to_string())),
                Ok(Parsed::Request { consumed }) => {
                    let args = self.parser.args(rest);
                    let is_replconf = args.name().eq_ignore_ascii_case(b"replconf");
                    let is_ack =
                        is_replconf && args.get(1).is_some_and(|word| word.eq_ignore_ascii_case(b"ack"));
                    if let Some(offset) =
                        args.get(2).filter(|_| is_ack).and_then(rcl_store::types::parse_integer)
                    {
                        self.link.acknowledged.fetch_max(offset.max(0) as u64, Ordering::AcqRel);
                        let in_file = args.get(3).filter(|word| word.eq_ignore_ascii_case(b"fack"));
                        let in_file = in_file.and(args.get(4)).and_then(rcl_store::types::parse_integer);
                        let in_file = in_file.unwrap_or(0).max(0) as u64;
                        self.link.acknowledged_in_file.fetch_max(in_file, Ordering::AcqRel);
                        acknowledged = true;
                    } else if !args.is_empty() && !is_replconf {
                        return Err(End::asked(self.node, &self.link, args));
                    }
                    used += consumed;
                }
            }
        }
        if used > 0 {
            self.input.drain(..used);
            self.link.acknowledged_at_ms.store(clock::now_ms(), Ordering::Release);
        }
        if acknowledged {
            self.acknowledgements += 1;
            self.link.handle.last_active_ms.store(clock::now_ms(), Ordering::Relaxed);
            wait::acknowledged(self.node);
        }
        Ok(())
    }

    fn silent(&self) -> End {
        End::Silent { in_copy: !self.link.is_online() }
    }

    fn timeout_ms(&self) -> i64 {
        self.node.settings().repl_timeout_s as i64 * 1000
    }

    /// While the snapshot is sent: it must take something from time to time.
    fn check_progress(&self) -> Result<(), End> {
        let stuck =
            self.out().waiting() > 0 && clock::now_ms() - self.out().last_progress_ms() > self.timeout_ms();
        if stuck { Err(self.silent()) } else { Ok(()) }
    }

    /// While it follows the stream: it must acknowledge from time to time.
    fn check_alive(&self) -> Result<(), End> {
        let silent_ms = clock::now_ms() - self.link.acknowledged_at_ms();
        if !self.link.is_legacy && silent_ms > self.timeout_ms() {
            Err(self.silent())
        } else {
            self.check_progress()
        }
    }

    fn check_distance(&mut self) -> Result<(), End> {
        let end = self.node.replication.offset();
        let behind = self.out().behind(end);
        self.link.handle.output_bytes.store(behind as usize, Ordering::Relaxed);
        let settings = self.node.settings();
        let limit = settings.output_buffer_limits.replica;
        // A replica that may go on from somewhere in the backlog must not be cut off for having done so.
        let hard_bytes = if limit.hard_bytes == 0 { u64::MAX } else { limit.hard_bytes };
        let hard_bytes = hard_bytes.max(settings.repl_backlog_size as u64);
        let now_ms = clock::now_ms();
        let over_soft = limit.soft_bytes > 0 && behind > limit.soft_bytes;
        self.slow_since_ms = if over_soft { self.slow_since_ms.or(Some(now_ms)) } else { None };
        let too_long =
            self.slow_since_ms.is_some_and(|since| now_ms - since > limit.soft_seconds as i64 * 1000);
        if too_long || behind > hard_bytes {
            self.node.stats.client_output_limit_disconnections.add(1);
            return Err(End::TooSlow { behind });
        }
        Ok(())
    }
}
