//! How much room clients have for what they send and for their replies, and how that follows what they use.
//!
//! ```text
//!              where                               grows                              shrinks, as the cron sees it
//!   requests   in the thread's buffer; in the      as a request comes that is not     when the client was silent for 2 s, or has
//!              client's own for what is left over  whole, by what it announced        over 32 KB and twice what it held lately
//!   replies    in the thread's buffer, made        is doubled when replies filled     to what replies took lately when that is
//!              before the requests run             it, up to 16 KB                    less than half of it, 1 KB at least
//! ```
//!
//! CLIENT LIST shows it: `qbuf-free` is room for requests (of an active client without a buffer of its own: what its thread has for it
//! at least), `rbs` is room for replies, `rbp` the most bytes of replies at once since the peak was reset. `tot-mem` counts only what
//! is the client's own. The rules and their figures are Redis's (`clientsCronResizeQueryBuffer`, `clientsCronResizeOutputBuffer`).

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use super::{ClientHandle, ClientKind, Message};
use crate::net::LEAST_ROOM_BYTES;
use crate::node::Node;

/// A client that sent nothing for so long gives its room back.
const SILENT_MS: i64 = 2000;
/// So much unused room may stay.
pub const SPARE_INPUT_BYTES: usize = 4 * 1024;
/// Room for requests up to this follows no peak.
const SMALL_INPUT_BYTES: usize = 32 * 1024;

const LEAST_REPLY_BYTES: usize = 1024;
pub(super) const MOST_REPLY_BYTES: usize = 16 * 1024;
const PEAK_RESET_MS: i64 = 5000;

/// What DEBUG REPLYBUFFER changes.
#[derive(Debug)]
pub struct ReplyRooms {
    pub follow_use: AtomicBool,
    /// Negative: the peaks stay.
    peak_reset_ms: AtomicI64,
}

impl Default for ReplyRooms {
    fn default() -> ReplyRooms {
        ReplyRooms { follow_use: AtomicBool::new(true), peak_reset_ms: AtomicI64::new(PEAK_RESET_MS) }
    }
}

impl ReplyRooms {
    /// Peaks are of the last so many milliseconds. `None`: of all time.
    pub fn reset_peaks_after(&self, milliseconds: Option<i64>) {
        self.peak_reset_ms.store(milliseconds.unwrap_or(-1), Ordering::Relaxed);
    }

    pub fn reset_peaks_as_usual(&self) {
        self.reset_peaks_after(Some(PEAK_RESET_MS));
    }
}

impl ClientHandle {
    /// So many bytes of requests are held; the one that is coming will have so many, if that is known.
    pub fn note_input(&self, held: usize, awaited: usize) {
        self.input_awaited.store(awaited, Ordering::Relaxed);
        let bytes = held.max(awaited);
        if bytes > self.input_peak.load(Ordering::Relaxed) {
            self.input_peak.store(bytes, Ordering::Relaxed);
        }
    }

    /// A batch was answered with so many bytes.
    #[inline]
    pub fn note_reply(&self, bytes: usize) {
        if bytes > self.reply_peak.load(Ordering::Relaxed) {
            self.reply_peak.store(bytes, Ordering::Relaxed);
        }
    }

    /// Room for what it sends next, beyond `held` bytes that wait already.
    pub fn input_room(&self, held: usize, now_ms: i64) -> usize {
        let own = self.input_capacity.load(Ordering::Relaxed);
        let lent = own == 0 && !self.is_silent(now_ms) && self.is_read_by_a_worker();
        (if lent { LEAST_ROOM_BYTES } else { own }).saturating_sub(held)
    }

    fn is_silent(&self, now_ms: i64) -> bool {
        now_ms - self.last_active_ms.load(Ordering::Relaxed) > SILENT_MS
    }

    fn is_read_by_a_worker(&self) -> bool {
        matches!(self.kind(), ClientKind::Normal | ClientKind::PubSub)
    }
}

/// Brings all clients' room in line with what they use.
pub fn fit_rooms(node: &Node, now_ms: i64) {
    for client in node.clients.all() {
        fit_input(&client, now_ms);
        fit_replies(&client, node, now_ms);
    }
}

fn fit_input(client: &ClientHandle, now_ms: i64) {
    let held = client.argument_bytes.load(Ordering::Relaxed) + client.input_bytes.load(Ordering::Relaxed);
    let room = client.input_capacity.load(Ordering::Relaxed);
    let needed = held.max(client.input_awaited.load(Ordering::Relaxed));
    let peak = client.input_peak.swap(needed, Ordering::Relaxed);
    if room > held + SPARE_INPUT_BYTES && (client.is_silent(now_ms) || is_too_much(room, peak)) {
        client.mailbox.post(Message::GiveMemoryBack);
    }
}

fn is_too_much(room: usize, peak: usize) -> bool {
    room > SMALL_INPUT_BYTES && room / 2 > peak
}

fn fit_replies(client: &ClientHandle, node: &Node, now_ms: i64) {
    let rooms = &node.clients.reply_rooms;
    if !rooms.follow_use.load(Ordering::Relaxed) {
        return;
    }
    let room = client.reply_room.load(Ordering::Relaxed);
    let fitting = fitting_reply_room(room, client.reply_peak.load(Ordering::Relaxed));
    client.reply_room.store(fitting, Ordering::Relaxed);
    if fitting < room {
        node.stats.reply_buffer_shrinks.add(1);
    } else if fitting > room {
        node.stats.reply_buffer_expands.add(1);
    }
    let after_ms = rooms.peak_reset_ms.load(Ordering::Relaxed);
    if after_ms >= 0 && now_ms - client.reply_peak_reset_ms.load(Ordering::Relaxed) >= after_ms {
        client.reply_peak.store(0, Ordering::Relaxed);
        client.reply_peak_reset_ms.store(now_ms, Ordering::Relaxed);
    }
}

fn fitting_reply_room(room: usize, peak: usize) -> usize {
    if room / 2 >= LEAST_REPLY_BYTES && peak < room / 2 {
        LEAST_REPLY_BYTES.max(peak + 1)
    } else if room < MOST_REPLY_BYTES && peak >= room {
        MOST_REPLY_BYTES.min(room * 2)
    } else {
        room
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::in_memory::{Client, clients};

    #[test]
    fn room_for_replies_follows_what_they_took() {
        assert_eq!(fitting_reply_room(16 * 1024, 16 * 1024), 16 * 1024);
        assert_eq!(fitting_reply_room(16 * 1024, 8 * 1024 - 1), 8 * 1024);
        assert_eq!(fitting_reply_room(16 * 1024, 0), 1024);
        assert_eq!(fitting_reply_room(1500, 0), 1500);
        assert_eq!(fitting_reply_room(1024, 1023), 1024);
        assert_eq!(fitting_reply_room(1024, 1024), 2048);
        assert_eq!(fitting_reply_room(9000, 1 << 30), 16 * 1024);
    }

    fn figures(client: &Client) -> [usize; 2] {
        [&client.session.handle.reply_room, &client.session.handle.reply_peak]
            .map(|figure| figure.load(Ordering::Relaxed))
    }

    #[test]
    fn a_silent_clients_room_for_replies_shrinks_and_grows_again() {
        clients!(node: client);
        client.ask("PING");
        assert_eq!(figures(&client), [16_384, 16_384]);
        fit_rooms(&node, 4999);
        assert_eq!(figures(&client), [16_384, 16_384]);
        fit_rooms(&node, 5000);
        fit_rooms(&node, 5100);
        assert_eq!(figures(&client), [1024, 0]);
        client.session.handle.note_reply(100_000);
        client.session.handle.note_reply(10);
        (0..5).for_each(|_| fit_rooms(&node, 5200));
        assert_eq!(figures(&client), [16_384, 100_000]);
        assert_eq!((node.stats.reply_buffer_shrinks.get(), node.stats.reply_buffer_expands.get()), (1, 4));
    }

    #[test]
    fn debug_says_whether_and_when() {
        clients!(node: client);
        assert_eq!(client.ask("DEBUG REPLYBUFFER RESIZING 0"), "+OK");
        (0..9).for_each(|_| fit_rooms(&node, 100_000));
        assert_eq!(figures(&client), [16_384, 16_384]);
        assert_eq!(client.ask("DEBUG REPLYBUFFER RESIZING 1"), "+OK");
        assert_eq!(client.ask("DEBUG REPLYBUFFER PEAK-RESET-TIME never"), "+OK");
        (0..9).for_each(|_| fit_rooms(&node, 100_000));
        assert_eq!(figures(&client), [16_384, 16_384]);
        assert_eq!(client.ask("DEBUG REPLYBUFFER PEAK-RESET-TIME 100"), "+OK");
        fit_rooms(&node, 100);
        fit_rooms(&node, 101);
        assert_eq!(figures(&client), [1024, 0]);
        client.session.handle.note_reply(7);
        assert_eq!(client.ask("DEBUG REPLYBUFFER PEAK-RESET-TIME reset"), "+OK");
        fit_rooms(&node, 5099);
        assert_eq!(figures(&client), [1024, 7]);
        fit_rooms(&node, 5100);
        assert_eq!(figures(&client), [1024, 0]);
        assert!(
            client.ask("DEBUG REPLYBUFFER PEAK-RESET-TIME soon").starts_with("-ERR value is not an integer")
        );
        assert!(client.ask("DEBUG REPLYBUFFER nosuch 1").starts_with("-ERR unknown subcommand"));
    }

    /// Whether the client is told to give room back, with these figures.
    fn gives_back(client: &Client, room: usize, held: usize, now_ms: i64) -> bool {
        client.session.handle.input_capacity.store(room, Ordering::Relaxed);
        client.session.handle.input_bytes.store(held, Ordering::Relaxed);
        fit_input(&client.session.handle, now_ms);
        matches!(client.session.handle.mailbox.take().as_slice(), [Message::GiveMemoryBack])
    }

    #[test]
    fn room_for_requests_goes_when_the_client_is_silent_or_holds_far_less() {
        clients!(_node: client);
        client.ask("PING");
        let handle = client.session.handle.clone();
        handle.note_input(400_000, 0);
        handle.note_input(0, 0);
        assert!(!gives_back(&client, 400_000, 0, 100));
        assert!(gives_back(&client, 400_000, 0, 200));
        // In the middle of a long request.
        handle.note_input(10, 1_000_000);
        assert!(!gives_back(&client, 1_000_000, 10, 300));
        assert!(!gives_back(&client, 1_000_000, 10, 400));
        assert!(gives_back(&client, 1_000_000, 10, 2001));
        handle.note_input(0, 0);
        // Little may stay.
        assert!(!gives_back(&client, 32_768, 0, 400));
        assert!(gives_back(&client, 32_768, 0, 2001));
        assert!(!gives_back(&client, 4096, 0, 2001));
    }

    #[test]
    fn an_active_client_has_room_in_its_threads_buffer() {
        clients!(_node: client);
        client.ask("PING");
        let handle = &client.session.handle;
        assert_eq!((handle.input_room(10, 2000), handle.input_room(10, 2001)), (16_384 - 10, 0));
        handle.input_capacity.store(100, Ordering::Relaxed);
        assert_eq!((handle.input_room(10, 2000), handle.input_room(10, 2001)), (90, 90));
        assert!(handle.line(0).contains(" qbuf=0 qbuf-free=100 argv-mem=0 multi-mem=0 rbs=16384 rbp=16384 "));
    }
}
