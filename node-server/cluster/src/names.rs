//! The names that nodes announce, and what may stand in them: they travel in packets, and stand in CLUSTER NODES and
//! nodes.conf, where other bytes would be read as syntax. Source: what Redis 7.2 lets `cluster-announce-hostname` and
//! `cluster-announce-human-nodename` be; of a node name also the comma and the equals sign are refused, which Redis
//! takes and then can't read back.

/// A host name is shorter.
pub const HOSTNAME_BYTES: usize = 256;

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
