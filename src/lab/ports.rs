//! Who is on a port that a node wants.

use std::net::TcpListener;
use std::time::Duration;

use rcl_proto::Address;

use super::layout::{BUS_PORT_OFFSET, HOST};
use crate::wire::{Endpoint, Wire, WireError};

/// Long for a machine's own loopback.
const TIME_LIMIT: Duration = Duration::from_secs(1);

/// What keeps a node from listening on `port` and on its bus port, in words; `None` when nothing does.
pub fn obstacle(port: u16) -> Option<String> {
    let bus_port = port.checked_add(BUS_PORT_OFFSET)?;
    if !is_free(port) {
        return Some(match answer(port) {
            Answer::Redis => format!("port {port} is taken by a Redis server that is not of this lab"),
            Answer::Nothing => {
                format!("port {port} is taken by a program that does not speak Redis's protocol")
            }
        });
    }
    (!is_free(bus_port))
        .then(|| format!("port {bus_port}, for the cluster bus of {port}, is taken by another program"))
}

/// Whether a node answers PING: with a reply that is not an error (as LOADING is).
pub fn answers_ping(port: u16) -> bool {
    ping(port).is_ok_and(|reply| !matches!(reply, rcl_proto::resp::Reply::Error(_)))
}

enum Answer {
    Redis,
    Nothing,
}

fn answer(port: u16) -> Answer {
    match ping(port) {
        Ok(_) => Answer::Redis,
        Err(_) => Answer::Nothing,
    }
}

fn ping(port: u16) -> Result<rcl_proto::resp::Reply, WireError> {
    let endpoint = Endpoint::Tcp(Address::new(HOST, port));
    Wire::connect(&endpoint, Some(TIME_LIMIT))?.call(&["PING"])
}

/// std's listener sets SO_REUSEADDR, as servers do, so that a connection in TIME_WAIT does not count.
fn is_free(port: u16) -> bool {
    TcpListener::bind((HOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_said_and_so_is_a_taken_bus_port() {
        // The system gives none of these, nor of their bus ports, to whoever asks for any.
        let (listener, port) =
            (17_800..17_900).find_map(|port| Some((TcpListener::bind((HOST, port)).ok()?, port))).unwrap();
        let said = obstacle(port).unwrap();
        assert!(said.contains("does not speak"), "{said}");
        let said = obstacle(port - BUS_PORT_OFFSET).unwrap();
        assert!(said.contains("for the cluster bus"), "{said}");
        drop(listener);
        assert_eq!(obstacle(port), None);
        assert!(!answers_ping(port));
    }
}
