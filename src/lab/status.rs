//! What a lab's nodes are doing.

use serde::Serialize;

use super::layout::{Lab, NodeRecord};
use super::ports;
use super::process::Fate;
use crate::output::{Paint, Report, paint, table};

#[derive(Debug, Serialize)]
pub struct Status {
    nodes: Vec<NodeStatus>,
}

#[derive(Debug, Serialize)]
struct NodeStatus {
    node: u16,
    address: String,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<i32>,
    /// The program it runs.
    server: String,
    /// What else there is to know of a node that does not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    /// Its process lives and answers PING.
    Running,
    /// Its process lives and does not answer.
    Silent,
    /// It was ended by a verb of the lab.
    Stopped,
    /// Its process is gone, and not by us.
    Gone,
}

pub fn of(lab: &Lab) -> Status {
    Status { nodes: lab.record.nodes.iter().map(|node| status(lab, node)).collect() }
}

fn status(lab: &Lab, node: &NodeRecord) -> NodeStatus {
    let port = lab.port(node.number).ok();
    let fate = lab.process(node).map(|process| process.fate());
    let pid = node.pid;
    let taken = || port.and_then(ports::obstacle);
    let (state, pid, note) = match fate {
        Some(Fate::Running) if port.is_some_and(ports::answers_ping) => (State::Running, pid, None),
        Some(Fate::Running) => (State::Silent, pid, None),
        Some(Fate::Gone) => (State::Gone, None, taken()),
        Some(Fate::Replaced(name)) => {
            let pid = pid.unwrap_or_default();
            (State::Gone, None, Some(format!("its pid {pid} is now another process, {name}")))
        }
        None => (State::Stopped, None, taken()),
    };
    NodeStatus {
        node: node.number,
        address: lab.address(node.number).map(|address| address.to_string()).unwrap_or_default(),
        state,
        pid,
        server: node.server.as_ref().map_or_else(|| "rcl node".into(), |path| path.display().to_string()),
        note,
    }
}

impl Report for Status {
    fn text(&self) -> String {
        if self.nodes.is_empty() {
            return "the lab has no nodes".into();
        }
        let rows = self.nodes.iter().map(|node| {
            let (colour, word) = match node.state {
                State::Running => (Paint::Good, "running"),
                State::Silent => (Paint::Warn, "does not answer"),
                State::Stopped => (Paint::Dim, "stopped"),
                State::Gone => (Paint::Bad, "gone"),
            };
            let pid = node.pid.map(|pid| pid.to_string()).unwrap_or_default();
            let note = node.note.as_deref().map(|note| format!(": {note}")).unwrap_or_default();
            let state = format!("{}{note}", paint(colour, word));
            vec![node.node.to_string(), node.address.clone(), pid, node.server.clone(), state]
        });
        table(&[">node", "address", ">pid", "server", "state"], rows)
    }
}
