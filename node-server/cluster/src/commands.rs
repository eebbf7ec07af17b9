//! CLUSTER's subcommands: their preconditions, with the error texts as Redis 7.0 words them, and what each
//! sets going.
//!
//! A subcommand that changes something is answered when the change is on disk and in every shard, see
//! [`crate::durability`]; one that only reads, and every error, at once.

use rcl_proto::{NodeId, Slot, SlotRange, SlotSet};

use crate::command::{Command, FailoverMode, Reply};
use crate::handshake::MeetError;
use crate::io::{LogLevel, Output};
use crate::member::Member;
use crate::node::NodeRef;

pub(crate) type Outcome = Result<Reply, String>;

pub(crate) fn fail(text: impl Into<String>) -> Outcome {
    Err(text.into())
}

pub(crate) fn shown(node: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(node)
}

impl Member {
    pub(crate) fn command(&mut self, token: u64, command: Command) {
        let reply = self.run(command).unwrap_or_else(|text| Reply::Error(format!("ERR {text}")));
        self.reply_when_done(token, reply);
    }

    fn run(&mut self, command: Command) -> Outcome {
        match command {
            Command::Info => Ok(Reply::Text(self.info_text())),
            Command::Nodes => Ok(Reply::Text(self.nodes_text())),
            Command::Slots => Ok(Reply::Slots(self.slots_view())),
            Command::Shards => Ok(Reply::Shards(self.shards_view())),
            Command::Links => Ok(Reply::Links(self.links_view())),
            Command::MyId => Ok(Reply::Id(self.id())),
            Command::MyShardId => Ok(Reply::Id(self.shard_id)),
            Command::Replicas { node } => self.replicas(&node),
            Command::CountFailureReports { node } => {
                let at = self.known(&node)?;
                Ok(Reply::Integer(self.count_failure_reports(at) as u64))
            }
            Command::Meet { ip, port, bus_port } => self.meet(&ip, port, bus_port),
            Command::Forget { node } => self.forget_command(&node),
            Command::AddSlots(ranges) => self.add_slots(&ranges),
            Command::DelSlots(ranges) => self.delete_slots(&ranges),
            Command::FlushSlots { keyspace_empty } => self.flush_slots(keyspace_empty),
            Command::SetSlot { slot, what, facts, stage } => self.set_slot(slot, what, facts, stage),
            Command::Replicate { node, keyspace_empty } => self.replicate(&node, keyspace_empty),
            Command::Failover(mode) => self.failover(mode),
            Command::Reset { hard, keyspace_empty } => self.reset(hard, keyspace_empty),
            Command::BumpEpoch => {
                let word = if self.bump_epoch_alone() { "BUMPED" } else { "STILL" };
                Ok(Reply::Status(format!("{word} {}", self.myself().config_epoch)))
            }
            Command::SetConfigEpoch(epoch) => self.set_config_epoch(epoch),
            Command::SaveConfig => {
                self.due.save = true;
                Ok(Reply::Ok)
            }
            Command::AwaitMap => {
                self.due.map = true;
                Ok(Reply::Ok)
            }
            Command::KillLinks { node, direction } => self.kill_links(&node, direction),
            Command::DropPackets(kind) => {
                self.faults.dropped_kind = Some(kind);
                Ok(Reply::Ok)
            }
            Command::CloseLinkOnDrop(closes) => {
                self.faults.closes_link = closes;
                Ok(Reply::Ok)
            }
            Command::AdoptSlotsWithKeys(slots) => self.adopt_slots(&slots),
        }
    }

    pub(crate) fn find_text(&self, node: &[u8]) -> Option<NodeRef> {
        NodeId::from_text(node).and_then(|id| self.nodes.find(id))
    }

    pub(crate) fn known(&self, node: &[u8]) -> Result<NodeRef, String> {
        self.find_text(node).ok_or_else(|| format!("Unknown node {}", shown(node)))
    }

    fn replicas(&mut self, node: &[u8]) -> Outcome {
        let at = self.known(node)?;
        if self.nodes[at].is_replica() {
            return fail("The specified node is not a master");
        }
        let replicas = self.nodes[at].replicas.iter();
        Ok(Reply::Lines(replicas.map(|&replica| self.node_line(replica).to_string()).collect()))
    }

    fn meet(&mut self, ip: &str, port: u16, bus_port: Option<u16>) -> Outcome {
        let default_bus_port = port.checked_add(10_000);
        let Some(bus_port) = bus_port.or(default_bus_port) else {
            return fail(format!("Invalid node address specified: {ip}:{port}"));
        };
        match self.start_handshake(ip, port, bus_port) {
            Ok(()) | Err(MeetError::InProgress) => Ok(Reply::Ok),
            Err(MeetError::BadAddress) => fail(format!("Invalid node address specified: {ip}:{port}")),
        }
    }

    fn forget_command(&mut self, node: &[u8]) -> Outcome {
        // Another node passed the word on already: whoever tells all nodes one by one need not care.
        if self.find_text(node).is_none() && NodeId::from_text(node).is_some_and(|id| self.is_barred(id)) {
            return Ok(Reply::Ok);
        }
        let at = self.known(node)?;
        if at == self.me {
            return fail("I tried hard but I can't forget myself...");
        }
        if self.myself().master == Some(at) {
            return fail("Can't forget my master!");
        }
        self.forget_by_command(at);
        Ok(Reply::Ok)
    }

    /// The slots of all ranges, each named once.
    fn named_once(
        &self,
        ranges: &[SlotRange],
        check: impl Fn(Slot) -> Result<(), String>,
    ) -> Result<SlotSet, String> {
        let mut slots = SlotSet::EMPTY;
        for slot in ranges.iter().flat_map(|range| range.slots()) {
            check(slot)?;
            if !slots.insert(slot) {
                return Err(format!("Slot {slot} specified multiple times"));
            }
        }
        Ok(slots)
    }

    fn add_slots(&mut self, ranges: &[SlotRange]) -> Outcome {
        let slots = self.named_once(ranges, |slot| match self.slots.owner(slot) {
            Some(_) => Err(format!("Slot {slot} is already busy")),
            None => Ok(()),
        })?;
        for slot in slots.iter() {
            self.slots.importing.remove(&slot);
            self.assign_slot(slot, self.me);
        }
        self.changed();
        Ok(Reply::Ok)
    }

    fn delete_slots(&mut self, ranges: &[SlotRange]) -> Outcome {
        let slots = self.named_once(ranges, |slot| match self.slots.owner(slot) {
            None => Err(format!("Slot {slot} is already unassigned")),
            Some(_) => Ok(()),
        })?;
        for slot in slots.iter() {
            self.slots.importing.remove(&slot);
            self.slots.migrating.remove(&slot);
            self.release_slot(slot);
        }
        self.changed();
        Ok(Reply::Ok)
    }

    fn flush_slots(&mut self, keyspace_empty: bool) -> Outcome {
        if !keyspace_empty {
            return fail("DB must be empty to perform CLUSTER FLUSHSLOTS.");
        }
        self.release_slots_of(self.me);
        self.slots.migrating.clear();
        self.changed();
        Ok(Reply::Ok)
    }

    fn replicate(&mut self, node: &[u8], keyspace_empty: bool) -> Outcome {
        let at = self.known(node)?;
        if at == self.me {
            return fail("Can't replicate myself");
        }
        if self.nodes[at].is_replica() {
            return fail("I can only replicate a master, not a replica.");
        }
        if self.is_master() && (!self.myself().slots.is_empty() || !keyspace_empty) {
            return fail("To set a master the node must be empty and without assigned slots.");
        }
        if self.myself().master != Some(at) {
            // Another shard's moves.
            self.slots.close_all();
        }
        self.follow(at);
        Ok(Reply::Ok)
    }

    fn failover(&mut self, mode: FailoverMode) -> Outcome {
        if self.is_master() {
            return fail("You should send CLUSTER FAILOVER to a replica");
        }
        let Some(master) = self.myself().master else {
            return fail("I'm a replica but my master is unknown to me");
        };
        let unreachable = self.nodes[master].is_failed() || self.open_link_to(master).is_none();
        if mode == FailoverMode::Graceful && unreachable {
            return fail("Master is down or failed, please use CLUSTER FAILOVER FORCE");
        }
        if mode != FailoverMode::Takeover
            && let Some(left_ms) = self.votes_are_refused_for_ms(master)
        {
            return fail(format!(
                "The masters were asked about this master already and may not vote about it again for {left_ms} ms. \
                 Try again then, or use CLUSTER FAILOVER TAKEOVER"
            ));
        }
        self.start_manual_failover(mode);
        Ok(Reply::Ok)
    }

    fn reset(&mut self, hard: bool, keyspace_empty: bool) -> Outcome {
        if self.is_master() && !keyspace_empty {
            return fail("CLUSTER RESET can't be called with master nodes containing keys");
        }
        if !self.is_master() {
            self.make_master(self.me);
            self.stop_following();
            self.outputs.push_back(Output::FlushData);
            self.shard_id = self.random_id();
        }
        self.slots.close_all();
        self.successor = None;
        self.reset_manual_failover();
        self.election = Default::default();
        self.release_slots_of(self.me);
        self.nodes.refs().into_iter().for_each(|at| self.remove_node(at));
        self.blacklist.clear();
        if hard {
            self.current_epoch = 0;
            self.last_vote_epoch = 0;
            self.myself_mut().config_epoch = 0;
            let id = self.random_id();
            self.shard_id = self.random_id();
            self.nodes.rename(self.me, id);
            self.log(LogLevel::Notice, format!("Node hard reset, now I'm {id}"));
        }
        // We claim nothing any more: that needs no disk.
        self.freeze_face();
        self.changed();
        Ok(Reply::Ok)
    }

    fn set_config_epoch(&mut self, epoch: u64) -> Outcome {
        if self.nodes.len() > 1 {
            return fail(
                "The user can assign a config epoch only when the node does not know any other node.",
            );
        }
        if self.myself().config_epoch != 0 {
            return fail("Node config epoch is already non-zero");
        }
        self.myself_mut().config_epoch = epoch;
        self.current_epoch = self.current_epoch.max(epoch);
        self.log(LogLevel::Notice, format!("configEpoch set to {epoch} via CLUSTER SET-CONFIG-EPOCH"));
        self.changed();
        Ok(Reply::Ok)
    }

    fn adopt_slots(&mut self, slots: &SlotSet) -> Outcome {
        if !self.is_master() {
            return Ok(Reply::Ok);
        }
        for slot in slots.iter() {
            match self.slots.owner(slot) {
                Some(owner) if owner == self.me => continue,
                _ if self.slots.importing.contains_key(&slot) || self.durability.is_dropping(slot) => {
                    continue;
                }
                None => {
                    let line =
                        format!("I have keys for unassigned slot {slot}. Taking responsibility for it.");
                    self.log(LogLevel::Warning, line);
                    self.assign_slot(slot, self.me);
                }
                Some(owner) => {
                    let line = format!(
                        "I have keys for slot {slot}, but the slot is assigned to another node. Setting it to \
                         importing state."
                    );
                    self.log(LogLevel::Warning, line);
                    self.slots.importing.insert(slot, owner);
                }
            }
            self.changed();
        }
        Ok(Reply::Ok)
    }
}
