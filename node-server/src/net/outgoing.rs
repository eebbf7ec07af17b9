//! Connections to other nodes, from the address of `bind-source-addr` where that is set.
//!
//! Where the address cannot be used (it is of the other family, or is gone), the connection is made from the one that the
//! system chooses, as Redis makes it.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpSocket;

/// For a thread that may wait.
pub fn connect_and_wait(to: SocketAddr, source: Option<IpAddr>, patience: Duration) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
    if let Some(source) = source {
        note(source, socket.bind(&SocketAddr::new(source, 0).into()));
    }
    socket.connect_timeout(&to.into(), patience)?;
    Ok(socket.into())
}

/// To the first of the addresses that answers. Must be called on a runtime.
pub async fn connect(host: &str, port: u16, source: Option<IpAddr>) -> io::Result<tokio::net::TcpStream> {
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for to in tokio::net::lookup_host((host, port)).await? {
        match connect_to(to, source).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

async fn connect_to(to: SocketAddr, source: Option<IpAddr>) -> io::Result<tokio::net::TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(source) = source {
        note(source, socket.bind(SocketAddr::new(source, 0)));
    }
    socket.connect(to).await
}

fn note(source: IpAddr, bound: io::Result<()>) {
    if let Err(error) = bound {
        tracing::debug!(%source, %error, "bind-source-addr is not used");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[tokio::test]
    async fn connections_come_from_the_source_address() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        for (source, seen) in [
            (None, "127.0.0.1"),
            (Some("127.0.0.2"), "127.0.0.2"),
            // Of the other family, and of no machine.
            (Some("::1"), "127.0.0.1"),
            (Some("192.0.2.1"), "127.0.0.1"),
        ] {
            let source = source.map(|text: &str| text.parse().unwrap());
            let _waited = connect_and_wait(to, source, Duration::from_secs(10)).unwrap();
            let peer = |listener: &TcpListener| listener.accept().unwrap().1.ip().to_string();
            assert_eq!(peer(&listener), seen, "{source:?}");
            let _asynchronous = connect("127.0.0.1", to.port(), source).await.unwrap();
            assert_eq!(peer(&listener), seen, "{source:?}");
        }
    }
}
