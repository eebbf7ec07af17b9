//! The loop of the control thread: one input to the core, then all its outputs, then the next input.
//!
//! Outputs that need a shard go to the applier, those that need the disk to the disk thread, both in order. One
//! thing is moved within a step: the order to follow a master goes after the step's map, so that a client of a
//! master that was replaced is sent on (MOVED) before the node becomes a replica that refuses writes.

use std::collections::HashMap;
use std::sync::{Arc, mpsc as std_mpsc};
use std::time::Duration;

use rcl_cluster::{Command, Input, LinkEnd, LinkId, LogLevel, Member, Output, ReplicationFacts, Reply};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::applier::Job;
use super::bus::{BusEvent, Closed, EVENTS_WAITING, LinkTable};
use super::byte_gauge::ByteGauge;
use super::delivery::Published;
use super::disk::State;
use super::{Acknowledgement, Answer, ControlMessage, Inbox, replicating, settings};
use crate::clock::SteadyClock;
use crate::node::Node;
use crate::watchdog::Pulse;

/// How often the core hears of replication.
const FACTS_EVERY_MS: u64 = 100;
/// The same while writes stand still until this node has applied the last of them.
const HURRIED_FACTS_EVERY_MS: u64 = 1;

const STRANGE_LOGGED_EVERY_MS: u64 = 10_000;

/// What the driver is made of.
pub struct Parts {
    pub node: Arc<Node>,
    pub member: Member,
    pub clock: SteadyClock,
    pub applier: std_mpsc::Sender<Job>,
    pub disk: std_mpsc::Sender<State>,
    pub delivery: std_mpsc::Sender<Published>,
    pub bus_memory: ByteGauge,
}

pub struct Driver {
    parts: Parts,
    links: LinkTable,
    bus: mpsc::Receiver<BusEvent>,
    bus_events: mpsc::Sender<BusEvent>,
    last_inbound: u64,
    answers: HashMap<u64, Answer>,
    last_token: u64,
    facts: Option<ReplicationFacts>,
    facts_told_ms: u64,
    strange_logged_ms: u64,
    pulse: Arc<Pulse>,
    /// Told when the data are there and the slots with keys are ours.
    loaded: Option<Answer>,
    /// Told when the first map is in all shards.
    ready: Option<std_mpsc::Sender<()>>,
}

impl Driver {
    pub fn new(parts: Parts, ready: std_mpsc::Sender<()>) -> Driver {
        let (bus_events, bus) = mpsc::channel(EVENTS_WAITING);
        Driver {
            links: LinkTable::new(bus_events.clone(), parts.bus_memory.clone()),
            bus,
            bus_events,
            last_inbound: 0,
            answers: HashMap::new(),
            last_token: 0,
            facts: None,
            facts_told_ms: 0,
            strange_logged_ms: 0,
            pulse: parts.node.watchdog.watch("control"),
            loaded: None,
            ready: Some(ready),
            parts,
        }
    }

    /// Where what happens on the bus is told.
    pub fn bus_events(&self) -> mpsc::Sender<BusEvent> {
        self.bus_events.clone()
    }

    /// Runs until the node drops its handle.
    pub async fn run(mut self, mut inbox: Inbox) {
        self.perform_outputs();
        loop {
            self.tell_facts();
            let wait =
                Duration::from_millis(self.next_deadline_ms().saturating_sub(self.parts.clock.now_ms()));
            tokio::select! {
                () = sleep(wait) => self.step(Input::Tick),
                Some(acknowledgement) = inbox.acknowledgements.recv() => self.acknowledged(acknowledgement),
                Some(event) = self.bus.recv() => self.bus_event(event),
                message = inbox.messages.recv() => match message {
                    Some(message) => self.message(message),
                    None => return,
                },
            }
        }
    }

    fn next_deadline_ms(&self) -> u64 {
        let facts_due_ms = self.facts_due_ms();
        self.parts.member.next_deadline().map_or(facts_due_ms, |deadline| deadline.min(facts_due_ms))
    }

    fn facts_due_ms(&self) -> u64 {
        let hurried = self.parts.member.is_catching_up();
        self.facts_told_ms + if hurried { HURRIED_FACTS_EVERY_MS } else { FACTS_EVERY_MS }
    }

    /// One input, all its outputs; and then the links that broke on the way.
    fn step(&mut self, input: Input) {
        self.pulse.begin_turn();
        self.parts.member.step(self.parts.clock.now_ms(), input);
        self.perform_outputs();
        self.pulse.end_turn();
    }

    fn perform_outputs(&mut self) {
        let mut broken = Vec::new();
        loop {
            let mut follow = None;
            while let Some(output) = self.parts.member.poll_output() {
                self.perform(output, &mut follow, &mut broken);
            }
            if let Some(job) = follow {
                self.apply(job);
            }
            let Some(link) = broken.pop() else { return };
            let closed = Input::LinkClosed { link, end: LinkEnd::Full };
            self.parts.member.step(self.parts.clock.now_ms(), closed);
        }
    }

    fn perform(&mut self, output: Output, follow: &mut Option<Job>, broken: &mut Vec<LinkId>) {
        match output {
            Output::Connect { link, ip, port } => {
                let source = self.parts.node.settings().bind_source_addr;
                let keepalive = self.keepalive();
                self.links.connect(link, (&ip, port), source, keepalive);
            }
            Output::Send { link, bytes } => {
                let limit = self.parts.node.settings().cluster_link_sendbuf_limit;
                if let Err(too_slow) = self.links.send(link, bytes, limit) {
                    self.close_slow_link(link, too_slow.queued_bytes);
                    broken.push(link);
                }
            }
            Output::Close { link } => self.links.close(link),
            // The disk thread lives as long as this one; the same holds for the two others.
            Output::Persist { seq, text } => drop(self.parts.disk.send(State { seq, text })),
            Output::PublishMap(map) => self.apply(Job::Map(map)),
            Output::ReplicateFrom { ip, port, .. } => *follow = Some(Job::Follow { ip, port }),
            Output::StopReplicating => {
                *follow = None;
                self.apply(Job::Lead);
            }
            Output::PauseWrites { until_ms } => {
                let left_ms = until_ms.saturating_sub(self.parts.clock.now_ms());
                self.apply(Job::PauseWrites { for_ms: left_ms });
            }
            Output::ResumeWrites => self.apply(Job::ResumeWrites),
            Output::DropSlots(slots) => self.apply(Job::DropSlots(slots)),
            Output::FlushData => self.apply(Job::FlushData),
            Output::DeliverPublish { channel, message, sharded } => {
                let _ = self.parts.delivery.send(Published { channel, message, sharded });
            }
            Output::Log { level: LogLevel::Debug, text } => tracing::debug!("{text}"),
            Output::Log { level: LogLevel::Notice, text } => tracing::info!("{text}"),
            Output::Log { level: LogLevel::Warning, text } => tracing::warn!("{text}"),
            Output::CommandReply { token, reply } => {
                if let Some(answer) = self.answers.remove(&token) {
                    answer(&reply, &self.links);
                }
            }
        }
    }

    fn apply(&self, job: Job) {
        let _ = self.parts.applier.send(job);
    }

    /// As Redis: a peer whose machine vanished is noticed within about two node timeouts.
    fn keepalive(&self) -> Duration {
        Duration::from_millis(self.parts.node.settings().cluster_node_timeout_ms.saturating_mul(2))
    }

    fn bus_event(&mut self, event: BusEvent) {
        match event {
            BusEvent::Accepted { stream, peer } => {
                let Ok(local) = stream.local_addr() else { return };
                self.last_inbound += 1;
                let link = LinkId::new(self.last_inbound);
                let keepalive = self.keepalive();
                self.links.adopt(link, stream, peer, keepalive);
                let local_ip = local.ip().to_canonical().to_string();
                self.step(Input::InboundAccepted { link, peer_ip: peer.to_string(), local_ip });
            }
            // An event of a link that was closed meanwhile is late, and means nothing any more.
            BusEvent::Opened { link, local } if self.links.contains(link) => {
                self.step(Input::LinkOpened { link, local_ip: local.to_string() });
            }
            BusEvent::Packet { link, bytes } if self.links.contains(link) => {
                self.step(Input::Packet { link, bytes })
            }
            BusEvent::Closed { link, why } if self.links.contains(link) => {
                self.log_end(link, &why);
                self.links.close(link);
                self.step(Input::LinkClosed { link, end: why.as_link_end() });
            }
            BusEvent::Opened { .. } | BusEvent::Packet { .. } | BusEvent::Closed { .. } => {}
        }
    }

    /// Strangers at the door must not fill the log.
    fn log_end(&mut self, link: LinkId, why: &Closed) {
        let peer = self.links.peer(link);
        let now_ms = self.parts.clock.now_ms();
        let is_strange = matches!(why, Closed::Garbage(_) | Closed::Silent);
        if is_strange && now_ms.saturating_sub(self.strange_logged_ms) >= STRANGE_LOGGED_EVERY_MS {
            self.strange_logged_ms = now_ms;
            tracing::warn!(peer, "a link of the cluster bus is closed: {why}");
        } else {
            tracing::debug!(peer, "a link of the cluster bus ended: {why}");
        }
    }

    fn acknowledged(&mut self, acknowledgement: Acknowledgement) {
        match acknowledgement {
            Acknowledgement::Applied { version } => {
                self.step(Input::Applied { version });
                if let Some(ready) = self.ready.take() {
                    let _ = ready.send(());
                }
            }
            Acknowledgement::Loaded { slots } => {
                self.step(Input::Loading(false));
                if let Some(answer) = self.loaded.take() {
                    self.command(Command::AdoptSlotsWithKeys(slots), answer);
                }
            }
            Acknowledgement::WritesPaused { offset } => self.step(Input::WritesPaused { offset }),
            Acknowledgement::Persisted { seq } => self.step(Input::Persisted { seq }),
            Acknowledgement::NotPersisted { reason } => self.refuse_waiting(&reason),
        }
    }

    /// Commands whose change can't be made durable are told so; the change itself holds, and is written as soon
    /// as the disk allows.
    fn refuse_waiting(&mut self, reason: &str) {
        let error = Reply::Error(format!("ERR error saving the cluster node config: {reason}"));
        for (_, answer) in std::mem::take(&mut self.answers) {
            answer(&error, &self.links);
        }
    }

    fn message(&mut self, message: ControlMessage) {
        match message {
            ControlMessage::Command { command, answer } => self.command(command, answer),
            ControlMessage::Loaded { answer } => {
                self.loaded = Some(answer);
                self.apply(Job::Loaded);
            }
            ControlMessage::Publish { channel, payload, sharded, held } => {
                self.step(Input::Publish { channel, message: payload, sharded });
                // Now it counts on the links.
                drop(held);
            }
            ControlMessage::SettingsChanged => {
                let config = settings::core_config(&self.parts.node.settings());
                self.step(Input::Configure(config));
            }
        }
    }

    fn command(&mut self, command: Command, answer: Answer) {
        self.last_token += 1;
        let token = self.last_token;
        self.answers.insert(token, answer);
        self.facts_told_ms = 0;
        self.tell_facts();
        self.step(Input::Command { token, command: command.into() });
    }

    fn tell_facts(&mut self) {
        let now_ms = self.parts.clock.now_ms();
        if now_ms < self.facts_due_ms() {
            return;
        }
        self.facts_told_ms = now_ms;
        self.close_slow_links();
        let facts = replicating::facts(&self.parts.node, &self.parts.clock);
        if self.facts.replace(facts) != Some(facts) {
            self.step(Input::Replication(facts));
        }
    }

    /// Where the limit was lowered, or nothing more is sent to a peer that does not read.
    fn close_slow_links(&mut self) {
        for link in self.links.too_slow(self.parts.node.settings().cluster_link_sendbuf_limit) {
            let queued_bytes = self.links.buffers(link).map_or(0, |buffers| buffers.used);
            self.close_slow_link(link, queued_bytes);
            self.step(Input::LinkClosed { link, end: LinkEnd::Full });
        }
    }

    fn close_slow_link(&mut self, link: LinkId, queued_bytes: usize) {
        tracing::warn!(bytes = queued_bytes, "a peer of the cluster bus is too slow: link closed");
        self.links.close(link);
    }
}
