//! How an operator may write where a node is.
//!
//! ```text
//! 10.0.0.1:7001   redis-1.example:7001    host and port
//! 10.0.0.1        redis-1.example         the port is 6379
//! [::1]:7001      [::1]                   IPv6 in brackets
//! ::1:7001                                IPv6 as Redis writes it: the port is behind the last colon
//! ::1             2001:db8::5             a whole IPv6 address that Redis's way cannot be read from
//! unix:/run/redis.sock                    a socket of this machine, where one node is meant
//! ```
//!
//! `fe80::1:7001` may be either; Redis's way wins, since CLUSTER NODES and redis-cli print it. With brackets nothing is
//! left open.

use std::net::Ipv6Addr;

use rcl_proto::Address;

pub const DEFAULT_PORT: u16 = 6379;
/// What the host of an [`Address`] begins with that is a socket's path; its port is 0.
pub const UNIX: &str = "unix:";

/// Also what clap reads every address of the command line with.
pub fn read(text: &str) -> Result<Address, String> {
    if let Some(path) = text.strip_prefix(UNIX) {
        return match path {
            "" => Err(format!("'{text}' names no socket")),
            _ => Ok(Address::new(text, 0)),
        };
    }
    if let Some(inside) = text.strip_prefix('[') {
        return in_brackets(inside).ok_or_else(|| wrong(text));
    }
    let is_ip6 = |text: &str| text.parse::<Ipv6Addr>().is_ok();
    match text.rsplit_once(':') {
        Some((host, _)) if host.contains(':') && !is_ip6(host) => match is_ip6(text) {
            true => Ok(Address::new(text, DEFAULT_PORT)),
            false => Err(wrong(text)),
        },
        Some((host, port)) => match read_port(port) {
            Some(port) => host_and_port(host, port).ok_or_else(|| wrong(text)),
            None if is_ip6(text) => Ok(Address::new(text, DEFAULT_PORT)),
            None => Err(wrong(text)),
        },
        None => host_and_port(text, DEFAULT_PORT).ok_or_else(|| wrong(text)),
    }
}

fn in_brackets(inside: &str) -> Option<Address> {
    let (host, rest) = inside.split_once(']')?;
    host.parse::<Ipv6Addr>().ok()?;
    match rest {
        "" => Some(Address::new(host, DEFAULT_PORT)),
        _ => Some(Address::new(host, read_port(rest.strip_prefix(':')?)?)),
    }
}

fn read_port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|&port| port > 0)
}

/// A word of digits alone is a port without a host, which is a slip of the pen.
fn host_and_port(host: &str, port: u16) -> Option<Address> {
    let is_host = !host.is_empty()
        && !host.contains(|character: char| character.is_whitespace() || "/@[]".contains(character))
        && !host.bytes().all(|byte| byte.is_ascii_digit());
    is_host.then(|| Address::new(host, port))
}

fn wrong(text: &str) -> String {
    format!("'{text}' is not an address: expected host:port, as 127.0.0.1:7001 or [::1]:7001")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_an_address_is_read() {
        for (text, host, port) in [
            ("127.0.0.1:7001", "127.0.0.1", 7001),
            ("127.0.0.1", "127.0.0.1", 6379),
            ("redis-1", "redis-1", 6379),
            ("redis-1.example:7001", "redis-1.example", 7001),
            ("[::1]:7001", "::1", 7001),
            ("[::1]", "::1", 6379),
            ("::1:7001", "::1", 7001),
            ("::1", "::1", 6379),
            ("2001:db8::5", "2001:db8::5", 6379),
            ("2001:db8::5:7001", "2001:db8::5", 7001),
            ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", 6379),
            ("1:2:3:4:5:6:7:8:7001", "1:2:3:4:5:6:7:8", 7001),
            ("2001:db8::1:beef", "2001:db8::1:beef", 6379),
            ("unix:/run/redis.sock", "unix:/run/redis.sock", 0),
        ] {
            assert_eq!(read(text), Ok(Address::new(host, port)), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for bad in [
            "",
            "7001",
            ":7001",
            "host:",
            "host:0",
            "host:70000",
            "a b:1",
            "[::1",
            "[::1]7001",
            "[x]:1",
            "a:b:1",
            "unix:",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        /// What Redis prints and what brackets say is read as it was meant.
        #[test]
        fn an_ipv6_address_and_a_port_are_told_apart(ip in proptest::prelude::any::<u128>(), port in 1u16..) {
            let host = Ipv6Addr::from_bits(ip).to_string();
            for text in [format!("[{host}]:{port}"), format!("{host}:{port}")] {
                proptest::prop_assert_eq!(read(&text), Ok(Address::new(host.clone(), port)));
            }
        }
    }
}
