//! A hash over every output in order, by which two runs are told apart.

use std::fmt::Write as _;

use rcl_cluster::{ClusterMap, NodeIndex, Output};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputHash(u64);

impl OutputHash {
    pub fn add(&mut self, now_ms: u64, index: usize, output: &Output) {
        self.word(now_ms);
        self.word(index as u64);
        match output {
            Output::Send { link, bytes } => {
                self.word(link.number());
                self.bytes(bytes);
            }
            Output::Persist { seq, text } => {
                self.word(*seq);
                self.bytes(text.as_bytes());
            }
            Output::PublishMap(map) => {
                self.word(map.version);
                self.owners(map);
                let _ = write!(self, "{:?} {:?} {:?}", map.state, map.migrating, map.importing);
                map.nodes.iter().for_each(|node| {
                    self.bytes(node.id.bits());
                    let _ = write!(self, "{} {} {} {:?}", node.ip, node.port, node.flags, node.master);
                });
            }
            other => {
                let _ = write!(self, "{other:?}");
            }
        }
    }

    /// By ids, since each map has its own places for nodes.
    fn owners(&mut self, map: &ClusterMap) {
        let mut last = None;
        for (slot, &owner) in
            map.owners.iter().enumerate().filter(|(_, owner)| last.replace(**owner) != Some(**owner))
        {
            self.word(slot as u64);
            self.bytes(map.node(NodeIndex(owner)).map_or(&[], |node| node.id.bits()));
        }
    }

    fn word(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.word(u64::from_le_bytes(*word)));
        rest.iter().for_each(|&byte| self.word(u64::from(byte)));
        self.word(bytes.len() as u64);
    }
}

/// A hash over who owns what.
pub fn of_owners(map: &ClusterMap) -> u64 {
    let mut hash = OutputHash::default();
    hash.owners(map);
    hash.0
}

/// What is formatted into it is part of the hash.
impl std::fmt::Write for OutputHash {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.bytes(text.as_bytes());
        Ok(())
    }
}
