//! Where a node is reached that announces another address: behind NAT, in containers, through tunnels.
//!
//! A rule is `ANNOUNCED=REACHABLE`, the first that fits counts, and what none fits is reached where it says it is. A part without a port
//! stands for every port, which is kept. A `*` stands for any text, and on the right for what its like on the left stood for:
//!
//! ```text
//! 10.0.0.5:6379=127.0.0.1:16379     one node
//! 172.18.0.2=203.0.113.7            one host, its ports as they are
//! *=localhost                       all hosts: ports that were published as they are
//! *.svc.local=*.example.com         names
//! 10.0.0.*:6379=127.0.0.1:1637*     the last number becomes a part of the port
//! *:70*=127.0.0.1:80*               ports 7001, 7002, … are 8001, 8002, …
//! 10.0.0.5:6379=unix:/run/a.sock    through a socket of this machine
//! ```
//!
//! Only `rcl`'s own connections are mapped: what nodes are told of each other (MEET, MIGRATE, REPLICATE) are the announced addresses.

use std::fmt;
use std::str::FromStr;

use rcl_proto::Address;

use super::address::UNIX;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressMap(Vec<Rule>);

impl AddressMap {
    pub fn new(rules: Vec<Rule>) -> AddressMap {
        AddressMap(rules)
    }

    pub fn reachable(&self, announced: &Address) -> Address {
        self.0.iter().find_map(|rule| rule.apply(announced)).unwrap_or_else(|| announced.clone())
    }
}

/// One `ANNOUNCED=REACHABLE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    from: Place,
    to: Place,
}

/// A host and a port as patterns; no port is any port.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    host: String,
    port: Option<String>,
}

impl Rule {
    fn apply(&self, announced: &Address) -> Option<Address> {
        if announced.host.starts_with(UNIX) {
            return None;
        }
        let port = announced.port.to_string();
        let mut of_host = captures(&self.from.host, &announced.host)?.into_iter();
        let of_port = match &self.from.port {
            Some(pattern) => captures(pattern, &port)?,
            None => Vec::new(),
        };
        let host = filled(&self.to.host, &mut of_host);
        if host.starts_with(UNIX) {
            return Some(Address::new(host, 0));
        }
        let port = match &self.to.port {
            Some(pattern) if of_port.is_empty() => filled(pattern, &mut of_host),
            Some(pattern) => filled(pattern, &mut of_port.into_iter()),
            None => port,
        };
        // A rule that makes no port of this address is not about it.
        Some(Address::new(host, port.parse().ok().filter(|&port| port > 0)?))
    }
}

/// What each `*` of the pattern stands for in `text`, as little as possible, the first first.
fn captures<'a>(pattern: &str, text: &'a str) -> Option<Vec<&'a str>> {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern.eq_ignore_ascii_case(text).then(Vec::new);
    };
    let beginning = text.get(..head.len()).filter(|beginning| beginning.eq_ignore_ascii_case(head))?;
    let text = &text[beginning.len()..];
    let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    ends.into_iter().find_map(|end| {
        let mut found = vec![&text[..end]];
        found.extend(captures(rest, &text[end..])?);
        Some(found)
    })
}

fn filled<'a>(pattern: &str, captured: &mut impl Iterator<Item = &'a str>) -> String {
    let mut parts = pattern.split('*');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(captured.next().unwrap_or_default());
        text.push_str(part);
    }
    text
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Rule, String> {
        let wrong = |why: &str| format!("'{text}' is no ANNOUNCED=REACHABLE: {why}");
        let (from, to) = text.split_once('=').ok_or_else(|| wrong("there is no ="))?;
        let read =
            |side: &str| Place::read(side).ok_or_else(|| wrong(&format!("'{side}' is no host or host:port")));
        let (from, to) = (read(from.trim())?, read(to.trim())?);
        if from.host.starts_with(UNIX) {
            return Err(wrong("no node announces a unix socket"));
        }
        let stars = |text: &str| text.matches('*').count();
        let of_port = from.port.as_deref().map_or(0, stars);
        let for_port = to.port.as_deref().map_or(0, stars);
        let left = match of_port {
            0 => stars(&from.host).checked_sub(stars(&to.host) + for_port),
            _ => stars(&from.host).checked_sub(stars(&to.host)).and(of_port.checked_sub(for_port)),
        };
        if left.is_none() {
            return Err(wrong("there are more * on the right than on the left"));
        }
        Ok(Rule { from, to })
    }
}

impl Place {
    fn read(text: &str) -> Option<Place> {
        let place = |host: &str, port: Option<&str>| {
            let is_port =
                |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit() || b == b'*');
            let is_host =
                !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c == '[' || c == ']');
            let is_good = is_host && port.is_none_or(is_port);
            is_good.then(|| Place { host: host.to_owned(), port: port.map(str::to_owned) })
        };
        if text.starts_with(UNIX) {
            return place(text, None).filter(|place| place.host.len() > UNIX.len());
        }
        if let Some(inside) = text.strip_prefix('[') {
            let (host, rest) = inside.split_once(']').filter(|(host, _)| !host.starts_with(UNIX))?;
            return if rest.is_empty() {
                place(host, None)
            } else {
                place(host, Some(rest.strip_prefix(':')?))
            };
        }
        match text.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') => place(host, Some(port)),
            // A bare IPv6 address.
            _ => place(text, None),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.from, self.to)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.port, self.host.contains(':') && !self.host.starts_with(UNIX)) {
            (None, _) => f.write_str(&self.host),
            (Some(port), true) => write!(f, "[{}]:{port}", self.host),
            (Some(port), false) => write!(f, "{}:{port}", self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::address::{self, DEFAULT_PORT};
    use super::*;

    fn mapped(rules: &[&str], announced: &str) -> String {
        let map = AddressMap::new(rules.iter().map(|rule| rule.parse().unwrap()).collect());
        map.reachable(&address::read(announced).unwrap()).to_string()
    }

    #[test]
    fn each_kind_of_rule_leads_where_it_says() {
        for (rule, announced, reachable) in [
            ("10.0.0.5:6379=127.0.0.1:16379", "10.0.0.5:6379", "127.0.0.1:16379"),
            ("10.0.0.5:6379=127.0.0.1:16379", "10.0.0.5:6380", "10.0.0.5:6380"),
            ("172.18.0.2=203.0.113.7", "172.18.0.2:7001", "203.0.113.7:7001"),
            ("*=localhost", "172.18.0.2:7001", "localhost:7001"),
            ("*.svc.local=*.example.com", "redis-1.svc.local:7001", "redis-1.example.com:7001"),
            ("10.0.0.*:6379=127.0.0.1:1637*", "10.0.0.2:6379", "127.0.0.1:16372"),
            ("*:70*=127.0.0.1:80*", "10.0.0.2:7003", "127.0.0.1:8003"),
            ("*:*=*.example:1*", "a:7003", "a.example:17003"),
            ("[fd00::5]:6379=[::1]:7001", "[fd00::5]:6379", "::1:7001"),
            ("fd00::5=::1", "[fd00::5]:7009", "::1:7009"),
            ("Redis-*=x-*", "redis-A:1", "x-A:1"),
            ("10.0.0.5:6379=unix:/run/a.sock", "10.0.0.5:6379", "unix:/run/a.sock:0"),
            // No port comes of it.
            ("*:6379=127.0.0.1:99*", "abc:6379", "abc:6379"),
        ] {
            assert_eq!(mapped(&[rule], announced), reachable, "{rule}");
        }
    }

    #[test]
    fn the_first_that_fits_counts() {
        let rules = ["10.0.0.1=a", "10.0.0.*=b", "*=c"];
        for (announced, host) in [("10.0.0.1", "a"), ("10.0.0.2", "b"), ("10.0.1.2", "c")] {
            assert_eq!(mapped(&rules, announced), format!("{host}:{DEFAULT_PORT}"));
        }
    }

    #[test]
    fn a_rule_that_says_nothing_is_refused() {
        for bad in [
            "",
            "a",
            "a=",
            "=a",
            "a:x=b",
            "a=b:x",
            "a=*",
            "*:6379=*:*",
            "*=a:* b",
            "unix:/a=b",
            "a=unix:",
            "[::1=a",
        ] {
            assert!(bad.parse::<Rule>().is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_rule_reads_what_it_writes(text in "[a-z0-9.*:\\[\\]]{1,12}=[a-z0-9.*:\\[\\]]{1,12}") {
            if let Ok(rule) = text.parse::<Rule>() {
                proptest::prop_assert_eq!(rule.to_string().parse::<Rule>(), Ok(rule));
            }
        }
    }
}
