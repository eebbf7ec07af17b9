//! Ending nodes: by SIGTERM, which lets them save, or by SIGKILL, as a crash would.

use std::time::Duration;

use super::layout::Lab;
use super::process::{Process, Signal};
use crate::cli::{Failure, Kind};

/// How long a node may take to save and end.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// Ends all nodes at once, then says which did not.
pub fn all(lab: &mut Lab) -> Result<(), Failure> {
    let numbers: Vec<u16> = lab.record.nodes.iter().map(|node| node.number).collect();
    end(lab, &numbers, Signal::Terminate)
}

/// Ends these nodes, which the lab must have.
pub fn some(lab: &mut Lab, numbers: &[u16]) -> Result<(), Failure> {
    numbers.iter().try_for_each(|&number| lab.node(number).map(|_| ()))?;
    end(lab, numbers, Signal::Terminate)
}

/// Kills a node that runs; there is nothing to kill of one that does not, and that is said.
pub fn kill(lab: &mut Lab, number: u16) -> Result<(), Failure> {
    if !lab.runs(lab.node(number)?) {
        return Err(
            Failure::refused(format!("node {number} does not run")).next("rcl lab status shows which do")
        );
    }
    end(lab, &[number], Signal::Kill)
}

fn end(lab: &mut Lab, numbers: &[u16], signal: Signal) -> Result<(), Failure> {
    let mut troubles = Vec::new();
    let processes = running(lab, numbers);
    for (number, process) in &processes {
        if let Err(error) = process.signal(signal) {
            troubles.push(format!("node {number} (pid {}) cannot be signalled: {error}", process.pid));
        }
    }
    for (number, process) in processes {
        if !process.wait_until_gone(TIME_LIMIT) {
            let seconds = TIME_LIMIT.as_secs();
            troubles.push(format!("node {number} (pid {}) did not end within {seconds} s", process.pid));
        }
    }
    let still_running: Vec<u16> = running(lab, numbers).into_iter().map(|(number, _)| number).collect();
    for node in &mut lab.record.nodes {
        if numbers.contains(&node.number) && !still_running.contains(&node.number) {
            node.pid = None;
        }
    }
    lab.save()?;
    if troubles.is_empty() {
        return Ok(());
    }
    Err(Failure::new(Kind::Stopped, troubles.join("\n       "))
        .next("its log says what it waits for; rcl lab kill N ends it at once"))
}

/// The processes of those of `numbers` that run.
fn running(lab: &Lab, numbers: &[u16]) -> Vec<(u16, Process)> {
    let nodes = lab.record.nodes.iter().filter(|node| numbers.contains(&node.number));
    let processes = nodes.filter_map(|node| Some((node.number, lab.process(node)?)));
    processes.filter(|(_, process)| process.is_running()).collect()
}
