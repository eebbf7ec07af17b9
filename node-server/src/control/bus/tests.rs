//! Links on real sockets of this machine.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener as StdListener, TcpStream as StdStream};

use socket2::{Domain, Socket, Type};

use super::*;

const LINK: LinkId = LinkId::new(1);

/// A frame that is a bus packet as far as its frame goes.
fn packet(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    bytes[..4].copy_from_slice(b"RCmb");
    bytes[4..8].copy_from_slice(&(length as u32).to_be_bytes());
    bytes
}

/// A link that a peer opened, and the peer's end.
async fn accepted() -> (LinkTable, mpsc::Receiver<BusEvent>, StdStream) {
    accepted_with(ByteGauge::default()).await
}

async fn accepted_with(memory: ByteGauge) -> (LinkTable, mpsc::Receiver<BusEvent>, StdStream) {
    let door = StdListener::bind("127.0.0.1:0").unwrap();
    let peer = StdStream::connect(door.local_addr().unwrap()).unwrap();
    let (stream, _) = door.accept().unwrap();
    stream.set_nonblocking(true).unwrap();
    let (sender, events) = mpsc::channel(EVENTS_WAITING);
    let mut links = LinkTable::new(sender, memory);
    links.adopt(LINK, TcpStream::from_std(stream).unwrap(), [127, 0, 0, 1].into(), Duration::from_secs(60));
    (links, events, peer)
}

#[tokio::test]
async fn packets_are_cut_out_of_the_stream() {
    let (_links, mut events, mut peer) = accepted().await;
    let sent = [packet(2256), packet(3000), packet(2256)].concat();
    for piece in sent.chunks(1500) {
        peer.write_all(piece).unwrap();
    }
    for length in [2256, 3000, 2256] {
        match events.recv().await {
            Some(BusEvent::Packet { link: LINK, bytes }) => assert_eq!(bytes, packet(length)),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn garbage_ends_the_link() {
    let (_links, mut events, mut peer) = accepted().await;
    peer.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let event = events.recv().await;
    assert!(matches!(event, Some(BusEvent::Closed { link: LINK, why: Closed::Garbage(_) })), "{event:?}");
}

#[tokio::test]
async fn a_length_that_no_packet_has_ends_the_link() {
    // The last is one that a packet may have, but no greeting.
    for length in [0u32, 100, u32::MAX, 2_000_000] {
        let (_links, mut events, mut peer) = accepted().await;
        // As far as the kind: a published message may be shorter than a header.
        peer.write_all(&[b"RCmb".as_slice(), &length.to_be_bytes(), &[0; 6]].concat()).unwrap();
        let event = events.recv().await;
        assert!(
            matches!(event, Some(BusEvent::Closed { why: Closed::Garbage(_), .. })),
            "{length}: {event:?}"
        );
    }
}

#[tokio::test]
async fn the_peers_end_is_told() {
    let (_links, mut events, peer) = accepted().await;
    drop(peer);
    let event = events.recv().await;
    assert!(matches!(event, Some(BusEvent::Closed { link: LINK, why: Closed::ByPeer })), "{event:?}");
}

#[tokio::test]
async fn what_is_queued_arrives_in_order() {
    let (mut links, _events, mut peer) = accepted().await;
    for byte in 0..100u8 {
        links.send(LINK, vec![byte; 1000].into(), 0).unwrap();
    }
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = vec![0; 100_000];
        peer.read_exact(&mut bytes).map(|()| bytes)
    });
    let bytes = read.await.unwrap().unwrap();
    assert!(
        bytes.chunks(1000).enumerate().all(|(at, chunk)| chunk.iter().all(|&byte| usize::from(byte) == at))
    );
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_found_too_slow() {
    let memory = ByteGauge::default();
    let (mut links, _events, _peer) = accepted_with(memory.clone()).await;
    let limit = 1_000_000;
    let packet: Arc<[u8]> = vec![0; 100_000].into();
    let mut sent = 0;
    let too_slow = loop {
        // Lets the link's task write what the socket takes.
        tokio::task::yield_now().await;
        match links.send(LINK, packet.clone(), limit) {
            Ok(()) => sent += packet.len(),
            Err(too_slow) => break too_slow,
        }
        assert!(sent < 1_000_000_000, "nothing was held back");
    };
    assert!(too_slow.queued_bytes as u64 > limit);
    assert_eq!(links.limit_exceeded(), 1);
    assert_eq!(links.buffers(LINK), Some(LinkBuffers { used: too_slow.queued_bytes }));
    // Also when nothing more is to be sent, and the limit is another one by now.
    assert_eq!(links.too_slow(0), []);
    assert_eq!(links.too_slow(limit), [LINK]);
    assert_eq!(links.limit_exceeded(), 2);
    assert!(memory.bytes() > packet.len() && memory.bytes() < 2 * packet.len(), "one packet, queued often");
    links.close(LINK);
    drop(packet);
    while memory.bytes() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_door_that_is_shut_is_told() {
    let (sender, mut events) = mpsc::channel(EVENTS_WAITING);
    let mut links = LinkTable::new(sender, ByteGauge::default());
    let door = StdListener::bind("127.0.0.1:0").unwrap();
    let port = door.local_addr().unwrap().port();
    drop(door);
    for (ip, end) in [("127.0.0.1", LinkEnd::Refused), ("not an address", LinkEnd::Failed)] {
        links.connect(LINK, (ip, port), None, Duration::from_secs(60));
        let Some(BusEvent::Closed { why, .. }) = events.recv().await else { panic!("it cannot open") };
        assert!(matches!(why, Closed::NotConnected(_)), "{why}");
        assert_eq!(why.as_link_end(), end);
    }
}

/// Whose queue of connections is full drops the requests for more, and takes one that is sent again.
#[tokio::test]
async fn a_door_with_a_full_queue_is_not_shut() {
    let door = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    door.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    door.listen(0).unwrap();
    let address = door.local_addr().unwrap().as_socket().unwrap();
    let mut queue = Vec::new();
    while let Ok(stream) = StdStream::connect_timeout(&address, Duration::from_millis(200)) {
        queue.push(stream);
    }
    let (sender, mut events) = mpsc::channel(EVENTS_WAITING);
    let mut links = LinkTable::new(sender, ByteGauge::default());
    links.connect(LINK, ("127.0.0.1", address.port()), None, Duration::from_secs(60));
    // Long enough for an answer, if there were one.
    assert!(timeout(Duration::from_millis(200), events.recv()).await.is_err());
    for _ in 0..queue.len() {
        door.accept().unwrap();
    }
    let event = events.recv().await;
    assert!(matches!(event, Some(BusEvent::Opened { link: LINK, .. })), "{event:?}");
}

#[tokio::test]
async fn a_closed_link_says_nothing_more() {
    let (mut links, mut events, mut peer) = accepted().await;
    links.close(LINK);
    let mut rest = Vec::new();
    // The peer sees the end, and no event comes: the table holds the only other sender.
    let read = tokio::task::spawn_blocking(move || peer.read_to_end(&mut rest));
    assert_eq!(read.await.unwrap().unwrap(), 0);
    drop(links);
    assert!(events.recv().await.is_none());
}
