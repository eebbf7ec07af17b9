//! Sockets that listen: at each `bind` address, and a unix socket.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use socket2::{Domain, Protocol, Socket, Type};

/// A place that could not be listened at.
#[derive(Debug)]
pub struct BindError {
    pub place: String,
    pub error: io::Error,
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hint = match self.error.kind() {
            io::ErrorKind::AddrInUse => "; another process listens there: stop it or choose another port",
            io::ErrorKind::AddrNotAvailable => "; this machine does not have that address: see 'bind'",
            io::ErrorKind::PermissionDenied => "; this user may not listen there",
            _ => "",
        };
        write!(f, "cannot listen on {}: {}{hint}", self.place, self.error)
    }
}

impl std::error::Error for BindError {}

/// An address to listen at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub address: SocketAddr,
    /// This machine may not have it.
    pub is_optional: bool,
}

/// The places of `binds` (as the directive has them: `-` before one makes it optional) at a port; none at port 0.
pub fn places(binds: &[String], port: u16) -> Result<Vec<Place>, BindError> {
    let mut places: Vec<Place> = Vec::new();
    for bind in binds.iter().filter(|_| port != 0) {
        let host = bind.strip_prefix('-').unwrap_or(bind);
        let ip = match host {
            "*" => IpAddr::from([0, 0, 0, 0]),
            "::*" => IpAddr::from([0u16; 8]),
            _ => host.parse().map_err(|_| BindError {
                place: format!("{host}:{port}"),
                error: io::Error::other("'bind' takes IP addresses, * or ::*"),
            })?,
        };
        let place = Place { address: SocketAddr::new(ip, port), is_optional: bind.starts_with('-') };
        if !places.iter().any(|other| other.address == place.address) {
            places.push(place);
        }
    }
    Ok(places)
}

impl Place {
    /// `None` when it is an optional address that this machine does not have.
    pub fn listen(&self, backlog: i32) -> Result<Option<TcpListener>, BindError> {
        match listen(self.address, backlog) {
            Ok(listener) => Ok(Some(listener)),
            Err(error) if self.is_optional && is_absent(&error) => {
                tracing::info!(address = %self.address, "optional bind address is not there");
                Ok(None)
            }
            Err(error) => Err(BindError { place: self.address.to_string(), error }),
        }
    }
}

/// Listens at all of the places, but for the optional ones that are not there.
pub fn listen_at(places: &[Place], backlog: i32) -> Result<Vec<TcpListener>, BindError> {
    places.iter().filter_map(|place| place.listen(backlog).transpose()).collect()
}

fn is_absent(error: &io::Error) -> bool {
    let no_such_family = error.raw_os_error() == Some(libc::EAFNOSUPPORT);
    no_such_family || matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
}

fn listen(address: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    Ok(socket.into())
}

/// Listens on a unix socket, whose file gets this mode.
pub fn listen_unix(path: &Path, mode: Option<u32>) -> Result<UnixListener, BindError> {
    let fail = |error| BindError { place: path.display().to_string(), error };
    // A socket file that nobody listens on is left over from a process that was killed.
    if UnixStream::connect(path).is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused) {
        std::fs::remove_file(path).map_err(fail)?;
    }
    let listener = UnixListener::bind(path).map_err(fail)?;
    listener.set_nonblocking(true).map_err(fail)?;
    if let Some(mode) = mode {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(fail)?;
    }
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binds(words: &str) -> Vec<String> {
        words.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn bind_addresses_are_places() {
        let found = places(&binds("* -::* 127.0.0.1 -::1 127.0.0.1"), 7000).unwrap();
        let shown: Vec<String> = found.iter().map(|place| place.address.to_string()).collect();
        assert_eq!(shown, ["0.0.0.0:7000", "[::]:7000", "127.0.0.1:7000", "[::1]:7000"]);
        let optional: Vec<bool> = found.iter().map(|place| place.is_optional).collect();
        assert_eq!(optional, [false, true, false, true]);
        assert_eq!(places(&binds("127.0.0.1"), 0).unwrap(), []);
        assert_eq!(places(&[], 7000).unwrap(), []);
    }

    #[test]
    fn what_is_no_address_is_no_place() {
        let error = places(&binds("999.999.999.999"), 7000).unwrap_err().to_string();
        assert_eq!(error, "cannot listen on 999.999.999.999:7000: 'bind' takes IP addresses, * or ::*");
    }

    #[test]
    fn only_an_optional_address_may_be_missing() {
        // Kept for documentation: no machine has it.
        let missing = |is_optional| Place { address: SocketAddr::from(([192, 0, 2, 1], 7000)), is_optional };
        assert!(listen_at(&[missing(true)], 1).unwrap().is_empty());
        assert!(listen_at(&[missing(false)], 1).is_err());
    }
}
