//! The few fields of a packet's header that the checkers look at each time, read in place: see
//! [`rcl_cluster::packet`] for where they stand.

use rcl_cluster::packet::{Flags, GOSSIP_BYTES, HEADER_BYTES, Kind};
use rcl_proto::{NodeId, SlotSet};

/// A packet of at least a header's length; of a shorter one all is zero.
#[derive(Clone, Copy)]
pub struct Peek<'a>(pub &'a [u8]);

impl<'a> Peek<'a> {
    fn field<const N: usize>(&self, at: usize) -> &'a [u8; N] {
        self.0.get(at..).and_then(|rest| rest.first_chunk()).unwrap_or(const { &[0; N] })
    }

    fn number(&self, at: usize) -> u16 {
        u16::from_be_bytes(*self.field(at))
    }

    pub fn kind(&self) -> Option<Kind> {
        const KINDS: [Kind; 7] =
            [Kind::Ping, Kind::Pong, Kind::Meet, Kind::Fail, Kind::AuthRequest, Kind::AuthAck, Kind::Update];
        KINDS.into_iter().find(|&kind| kind as u16 == self.number(12))
    }

    pub fn current_epoch(&self) -> u64 {
        u64::from_be_bytes(*self.field(16))
    }

    pub fn config_epoch(&self) -> u64 {
        u64::from_be_bytes(*self.field(24))
    }

    pub fn sender(&self) -> Option<NodeId> {
        NodeId::from_text(self.field::<40>(40))
    }

    pub fn slot_bytes(&self) -> &'a [u8; SlotSet::BYTES] {
        self.field(80)
    }

    pub fn slots(&self) -> SlotSet {
        SlotSet::from_bytes(self.slot_bytes())
    }

    pub fn flags(&self) -> Flags {
        Flags(self.number(2250))
    }

    pub fn offset(&self) -> u64 {
        u64::from_be_bytes(*self.field(32))
    }

    /// Whom a FAIL is about.
    pub fn failing(&self) -> Option<NodeId> {
        NodeId::from_text(self.field::<40>(HEADER_BYTES))
    }

    pub fn message_flags(&self) -> u8 {
        self.field::<1>(2253)[0]
    }

    /// Its sender says that it is a master with slots. Peers believe so in heartbeats; what waited for the disk (a vote)
    /// may show an older state.
    pub fn is_claim(&self) -> bool {
        let is_heartbeat = matches!(self.kind(), Some(Kind::Ping | Kind::Pong | Kind::Meet));
        is_heartbeat && self.flags().any(Flags::MASTER) && self.slot_bytes().iter().any(|&byte| byte != 0)
    }

    pub fn gossip_count(&self) -> usize {
        let is_heartbeat = matches!(self.kind(), Some(Kind::Ping | Kind::Pong | Kind::Meet));
        if is_heartbeat { usize::from(self.number(14)) } else { 0 }
    }

    /// Whom the gossip is about, and the flags that it gives.
    pub fn gossip(&self) -> impl Iterator<Item = (NodeId, Flags)> + use<'a> {
        let section = self.0.get(HEADER_BYTES..).unwrap_or_default();
        let entries = section.chunks_exact(GOSSIP_BYTES).take(self.gossip_count());
        entries.filter_map(|entry| {
            let peek = Peek(entry);
            Some((NodeId::from_text(peek.field::<40>(0))?, Flags(peek.number(98))))
        })
    }
}
