//! Strangers at the bus port.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::server::{Kind, Server, meet_all, share_slots};

fn knock(server: &Server, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", server.bus_port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    // The node may close while we still write.
    let _ = stream.write_all(bytes);
    stream
}

/// Reads to the end; a reset is an end, too.
fn is_closed(mut stream: TcpStream) -> bool {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => true,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

#[test]
fn garbage_is_closed_and_changes_nothing() {
    let mut servers: Vec<Server> = (0..2).map(|_| Server::start(Kind::Ours)).collect();
    meet_all(&mut servers);
    share_slots(&mut servers, 2);
    let before = servers[0].nodes_conf();
    let mut too_short = b"RCmb\0\0\0\x10".to_vec();
    too_short.extend([0; 100]);
    let mut too_long = b"RCmb\xff\xff\xff\xff".to_vec();
    too_long.extend([0; 100]);
    for bytes in [b"PING\r\n\r\n\r\n".as_slice(), &[0; 4096], &too_short, &too_long] {
        assert!(is_closed(knock(&servers[0], bytes)));
    }
    // A whole frame that is no packet of a known kind or version: read, and nothing comes of it.
    let mut frame = vec![0; 2256];
    frame[..8].copy_from_slice(b"RCmb\0\0\x08\xd0");
    for (version, kind) in [(0u8, 0u8), (1, 200), (9, 1), (1, 1)] {
        frame[9] = version;
        frame[13] = kind;
        drop(knock(&servers[0], &frame));
    }
    // Half a frame, held open: nobody waits for it.
    let half = knock(&servers[0], &frame[..1000]);
    servers[0].must("CLUSTER SAVECONFIG");
    assert_eq!(servers[0].info("cluster_state"), "ok");
    assert_eq!(servers[0].info("cluster_known_nodes"), "2");
    let ids =
        |text: &str| text.lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(ids(&servers[0].nodes_conf()), ids(&before));
    drop(half);
}
