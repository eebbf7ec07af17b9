//! Replies inside a transaction that come after EXEC.
//!
//! A CLUSTER subcommand that changes something is answered when the change is on the disk and in every shard, and
//! EXEC holds shards while it runs. So it only asks for the change, keeps a place for the answer, and goes on; when
//! EXEC has let its shards go, its client is parked until all places are filled, and gets the whole reply at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rcl_proto::resp::{Protocol, ReplyWriter};

use crate::client::WakeHandle;

/// The places that EXEC keeps.
#[derive(Debug)]
pub struct LaterReplies {
    wait: WakeHandle,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// EXEC's reply as far as it is known; `None` until EXEC is through.
    known: Option<Vec<u8>>,
    /// Where in `known` each reply belongs, and the reply once it is there.
    places: Vec<(usize, Option<Vec<u8>>)>,
}

/// The right and the duty to fill one place.
#[derive(Debug)]
pub struct LaterReply {
    wait: WakeHandle,
    shared: Arc<Mutex<Shared>>,
    place: usize,
    protocol: Protocol,
    is_given: bool,
}

impl LaterReplies {
    /// `wait` is the one that EXEC will park its client in.
    pub fn new(wait: WakeHandle) -> LaterReplies {
        LaterReplies { wait, shared: Arc::default() }
    }

    /// Keeps a place behind the first `position` bytes of EXEC's reply.
    pub fn keep_place(&self, position: usize, protocol: Protocol) -> LaterReply {
        let mut shared = lock(&self.shared);
        shared.places.push((position, None));
        let place = shared.places.len() - 1;
        drop(shared);
        LaterReply { wait: self.wait.clone(), shared: self.shared.clone(), place, protocol, is_given: false }
    }

    /// EXEC is through: this is what it knows of its reply. The wait to park in.
    pub fn finish(self, known: Vec<u8>) -> WakeHandle {
        let mut shared = lock(&self.shared);
        shared.known = Some(known);
        answer_if_complete(&mut shared, &self.wait);
        drop(shared);
        self.wait
    }
}

impl LaterReply {
    pub fn give(mut self, reply: Vec<u8>) {
        self.fill(reply);
    }

    fn fill(&mut self, reply: Vec<u8>) {
        self.is_given = true;
        let mut shared = lock(&self.shared);
        if let Some((_, place)) = shared.places.get_mut(self.place) {
            *place = Some(reply);
        }
        answer_if_complete(&mut shared, &self.wait);
    }
}

/// Nobody is left who could answer: the client must not wait for ever.
impl Drop for LaterReply {
    fn drop(&mut self) {
        if !self.is_given {
            let mut reply = Vec::new();
            ReplyWriter::new(&mut reply, self.protocol)
                .error("ERR The command was given up without an answer");
            self.fill(reply);
        }
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer_if_complete(shared: &mut Shared, wait: &WakeHandle) {
    if shared.places.iter().any(|(_, reply)| reply.is_none()) {
        return;
    }
    let Some(known) = shared.known.take() else { return };
    let mut whole = Vec::new();
    let mut used = 0;
    for (position, reply) in &shared.places {
        whole.extend_from_slice(&known[used..*position]);
        whole.extend_from_slice(reply.as_deref().unwrap_or_default());
        used = *position;
    }
    whole.extend_from_slice(&known[used..]);
    wait.reply(whole);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Mailbox, Message};

    fn started() -> (Arc<Mailbox>, LaterReplies) {
        let mailbox = Arc::<Mailbox>::default();
        (mailbox.clone(), LaterReplies::new(WakeHandle::new(mailbox, 1)))
    }

    fn answer(mailbox: &Mailbox) -> Option<Vec<u8>> {
        match mailbox.take().pop()? {
            Message::Reply { wait: 1, reply } => Some(reply.bytes),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_whole_reply_comes_when_every_part_is_there() {
        let (mailbox, later) = started();
        let (first, second) = (later.keep_place(4, Protocol::Resp2), later.keep_place(9, Protocol::Resp2));
        second.give(b"+2\r\n".to_vec());
        later.finish(b"*3\r\n+GET\n".to_vec());
        assert_eq!(answer(&mailbox), None);
        first.give(b"+1\r\n".to_vec());
        assert_eq!(answer(&mailbox).unwrap(), b"*3\r\n+1\r\n+GET\n+2\r\n");
    }

    #[test]
    fn answers_may_come_before_exec_is_through_and_may_never_come() {
        let (mailbox, later) = started();
        later.keep_place(4, Protocol::Resp2).give(b"+1\r\n".to_vec());
        drop(later.keep_place(4, Protocol::Resp2));
        assert_eq!(answer(&mailbox), None);
        later.finish(b"*2\r\n".to_vec());
        let expected = b"*2\r\n+1\r\n-ERR The command was given up without an answer\r\n";
        assert_eq!(answer(&mailbox).unwrap(), expected);
    }
}
