//! The names that nodes announce, and what may stand in them: they travel in packets, and stand in CLUSTER NODES and
//! nodes.conf, where other bytes would be read as syntax. Source: what Redis 7.2 lets `cluster-announce-hostname` and
//! `cluster-announce-human-nodename` be; of a node name also the comma and the equals sign are refused, which Redis
//! takes and then can't read back.

use std::sync::Arc;

/// A host name is shorter.
pub const HOSTNAME_BYTES: usize = 256;

/// What a node calls itself: nothing, as a rule, and that takes one word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names(Option<Arc<Given>>);

#[derive(Debug, PartialEq, Eq)]
struct Given {
    hostname: Arc<str>,
    human_name: Box<str>,
    zone: Box<str>,
}

impl Names {
    pub fn new(hostname: &str, human_name: &str, zone: &str) -> Names {
        if [hostname, human_name, zone] == [""; 3] {
            return Names(None);
        }
        let (hostname, human_name, zone) = (hostname.into(), human_name.into(), zone.into());
        Names(Some(Arc::new(Given { hostname, human_name, zone })))
    }

    pub fn are(&self, hostname: &str, human_name: &str, zone: &str) -> bool {
        [self.hostname(), self.human_name(), self.zone()] == [hostname, human_name, zone]
    }

    pub fn hostname(&self) -> &str {
        self.0.as_ref().map_or("", |given| &given.hostname)
    }

    pub fn shared_hostname(&self) -> Arc<str> {
        self.0.as_ref().map(|given| Arc::clone(&given.hostname)).unwrap_or_default()
    }

    /// What an operator called it, for logs.
    pub fn human_name(&self) -> &str {
        self.0.as_ref().map_or("", |given| &given.human_name)
    }

    /// The availability zone that it says it is in.
    pub fn zone(&self) -> &str {
        self.0.as_ref().map_or("", |given| &given.zone)
    }
}

/// Whether all of it may stand in a host name; an empty one is none.
pub fn is_hostname(name: &[u8]) -> bool {
    name.len() < HOSTNAME_BYTES
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

/// Whether all of it may stand in a node's human name; an empty one is none.
pub fn is_human_name(name: &[u8]) -> bool {
    name.iter().all(|byte| byte.is_ascii_graphic() && !b"!#$%&()*+:;<>?@[]^{|}~,='\"\\/`".contains(byte))
}

/// Whether all of it may stand in the name of an availability zone; an empty one is none.
pub fn is_zone(name: &[u8]) -> bool {
    name.len() < HOSTNAME_BYTES && name.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_syntax_elsewhere_stands_in_no_name() {
        for name in ["", "a", "host-1.example", &"x".repeat(255)] {
            assert!(is_hostname(name.as_bytes()), "{name}");
        }
        for name in ["a,b", "a b", "a=b", "a_b", "é", "a\0", &"x".repeat(256)] {
            assert!(!is_hostname(name.as_bytes()), "{name}");
        }
        for name in ["", "node_1", "a-b.c"] {
            assert!(is_human_name(name.as_bytes()), "{name}");
        }
        for name in ["a,b", "a b", "a=b", "a'b", "a\n", "é", "a:b"] {
            assert!(!is_human_name(name.as_bytes()), "{name}");
        }
        assert!(is_zone(b"eu-west-1a") && is_zone(b"") && !is_zone(b"a b") && !is_zone(b"a\r\nb"));
    }
}
