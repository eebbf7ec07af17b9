//! One node's state: inputs go to the mechanism they belong to, outputs queue up.

use std::collections::VecDeque;

use rcl_proto::NodeId;

use crate::config::{Config, Persistent};
use crate::io::{Input, Output};

/// One node of a cluster: see the crate's documentation for the contract.
#[derive(Debug)]
pub struct Member {
    config: Config,
    now_ms: u64,
    outputs: VecDeque<Output>,
}

impl Member {
    /// A member that starts at `now_ms` (Unix milliseconds) with what nodes.conf holds (`None` when there is no such file or it
    /// is empty: a new node with an id made from `seed`). `seed` is from the system's entropy, but for tests.
    /// The first outputs wait already: the first map, the state to persist.
    pub fn new(config: Config, persistent: Option<Persistent>, seed: u64, now_ms: u64) -> Member {
        let _ = (persistent, seed);
        Member { config, now_ms, outputs: VecDeque::new() }
    }

    /// Takes one input, at `now_ms` (Unix milliseconds; a clock that goes back is taken as standing still).
    pub fn step(&mut self, now_ms: u64, input: Input) {
        self.now_ms = self.now_ms.max(now_ms);
        let _ = input;
    }

    /// The next thing to do outside; drain it after each step.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Tick`] is due (Unix milliseconds).
    pub fn next_deadline(&self) -> Option<u64> {
        Some(self.now_ms + self.config.node_timeout_ms)
    }

    /// Our id.
    pub fn id(&self) -> NodeId {
        NodeId::from_bits([0; 20])
    }
}
