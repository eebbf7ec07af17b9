//! What kind of conversation a command begins, by its name.

/// How a command's reply is read and printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Plain,
    /// The server's text for people, printed as it is.
    Text,
    /// Messages come from here on.
    Subscribe,
    Unsubscribe,
    /// The commands of all clients keep coming.
    Monitor,
    /// The connection ends without a reply.
    Shutdown,
    /// The server sends its data, and then what is written.
    Replication,
}

impl Kind {
    pub fn of(command: &[Vec<u8>]) -> Kind {
        let lower =
            |index: usize| command.get(index).map(|word| word.to_ascii_lowercase()).unwrap_or_default();
        let (name, subcommand) = (lower(0), lower(1));
        match (name.as_slice(), subcommand.as_slice(), command.len()) {
            (b"info" | b"lolwut", _, _)
            | (b"debug", b"htstats" | b"htstats-key" | b"client-eviction", _)
            | (b"memory", b"malloc-stats" | b"doctor", _)
            | (b"cluster", b"nodes" | b"info", 2)
            | (b"client", b"list" | b"info", _)
            | (b"latency", b"graph", 3)
            | (b"latency", b"doctor", 2)
            | (b"proxy", b"info", _) => Kind::Text,
            (b"subscribe" | b"psubscribe" | b"ssubscribe", _, _) => Kind::Subscribe,
            (b"unsubscribe" | b"punsubscribe" | b"sunsubscribe", _, _) => Kind::Unsubscribe,
            (b"sync" | b"psync", _, _) => Kind::Replication,
            (b"monitor", _, _) => Kind::Monitor,
            (b"shutdown", _, _) => Kind::Shutdown,
            _ => Kind::Plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_for_people_are_known_by_their_command() {
        let kind = |line: &str| {
            let words: Vec<Vec<u8>> = line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
            Kind::of(&words)
        };
        assert_eq!(kind("info"), Kind::Text);
        assert_eq!(kind("CLUSTER nodes"), Kind::Text);
        assert_eq!(kind("cluster slots"), Kind::Plain);
        assert_eq!(kind("latency graph"), Kind::Plain);
        assert_eq!(kind("SUBSCRIBE a"), Kind::Subscribe);
        assert_eq!(kind("get info"), Kind::Plain);
    }
}
