//! Where a node is reached by clients: a host (an IP address or a name) and a port.

use std::fmt;
use std::str::FromStr;

/// `host:port`. An IPv6 address is written bare before the last colon, as Redis writes it, or in brackets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    pub host: String,
    pub port: u16,
}

impl Address {
    pub fn new(host: impl Into<String>, port: u16) -> Address {
        Address { host: host.into(), port }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// A text that is no address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressError(pub String);

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' is not an address: expected host:port, as 127.0.0.1:7001", self.0)
    }
}

impl std::error::Error for AddressError {}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Address, AddressError> {
        let parse = || {
            let (host, port) = text.rsplit_once(':')?;
            let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
            let port = port.parse().ok().filter(|&port| port > 0)?;
            (!host.is_empty() && !host.contains(char::is_whitespace)).then(|| Address::new(host, port))
        };
        parse().ok_or_else(|| AddressError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_and_both_families() {
        for (text, host) in [
            ("127.0.0.1:7001", "127.0.0.1"),
            ("redis-1:7001", "redis-1"),
            ("::1:7001", "::1"),
            ("[::1]:7001", "::1"),
        ] {
            assert_eq!(text.parse(), Ok(Address::new(host, 7001)), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_address() {
        for bad in ["", "7001", ":7001", "host:", "host:0", "host:70000", "a b:1"] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }
}
