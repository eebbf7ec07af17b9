//! The lines of a journal.

use rcl_proto::{Address, NodeId, SlotSet};
use serde::{Deserialize, Serialize};

use super::sole::Sole;
use crate::plan::{Plan, text_form};
use crate::topology::Topology;

/// Of the shape below. It goes up when an older `rcl` would misread a journal; records that it does not know it skips.
pub const VERSION: u32 = 1;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "kebab-case")]
pub enum Record {
    Job {
        version: u32,
        job: String,
        title: String,
        #[serde(with = "text_form")]
        entry: Address,
        nodes: Vec<Member>,
        at_ms: u64,
    },
    Begin {
        deed: Deed,
        plan: Plan,
        rcl: String,
        pid: u32,
        at_ms: u64,
    },
    Step {
        first: usize,
        count: usize,
        at_ms: u64,
    },
    Opening {
        #[serde(flatten)]
        slots: Batch,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sole: Option<Box<Sole>>,
        at_ms: u64,
    },
    Moved {
        #[serde(flatten)]
        slots: Batch,
        keys: u64,
        at_ms: u64,
    },
    Done {
        steps: usize,
        at_ms: u64,
    },
    End {
        ending: Ending,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
        at_ms: u64,
    },
    Superseded {
        by: String,
        at_ms: u64,
    },
    /// Of a newer `rcl`.
    #[serde(other)]
    Unknown,
}

/// Slots on their way from one node to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    #[serde(with = "text_form")]
    pub source: NodeId,
    #[serde(with = "text_form")]
    pub target: NodeId,
    #[serde(with = "text_form")]
    pub slots: SlotSet,
}

/// A node of the cluster when the job began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    #[serde(with = "text_form")]
    pub id: NodeId,
    #[serde(with = "text_form")]
    pub address: Address,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master: Option<Id>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(#[serde(with = "text_form")] pub NodeId);

impl Member {
    pub fn all(topology: &Topology) -> Vec<Member> {
        let member = |node: &crate::topology::Node| Member {
            id: node.id,
            address: node.address.clone(),
            master: node.master().map(Id),
        };
        topology.nodes.values().map(member).collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Deed {
    /// As the user asked.
    Do,
    /// What was left of it.
    Resume,
    /// Taking it back.
    Undo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    Done,
    /// By a failure, or by the user.
    Stopped,
}
