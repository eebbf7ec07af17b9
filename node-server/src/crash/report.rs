//! The second half of a report: what takes memory and locks. It is written by a thread that waits for a crash.

use std::fmt::Write as _;
use std::io::{self, Read};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::thread;

use super::{handler, stack, threads};
use crate::info::{self, KeyspaceCounts};
use crate::logging;
use crate::node::Node;
use crate::sleep::Sleep;

pub fn start(node: &Arc<Node>) -> io::Result<()> {
    let (mut asked, ask) = io::pipe()?;
    let mut log = logging::own_handle()?;
    let node = Arc::downgrade(node);
    thread::Builder::new().name("crash-report".to_owned()).spawn(move || {
        // Its other end is never closed once it is known.
        if asked.read_exact(&mut [0]).is_ok() {
            write(&node, &mut log);
            handler::IS_REPORTED.store(true, Ordering::Release);
        }
    })?;
    // In a test several nodes share a process: the first one is told of.
    let _ = handler::REPORTER.set(ask);
    Ok(())
}

/// What is surest to come through is first, and each part is written when it is there.
fn write(node: &Weak<Node>, log: &mut impl io::Write) {
    let mut say = |title: &str, text: &str| {
        // There is nobody left to tell.
        let _ = log.write_all(format!("------ {title} ------\n{text}").as_bytes());
    };
    let node = node.upgrade();
    if let Some(node) = &node {
        // Who knows what memory the crashed thread wrote to: nothing is done with it any more.
        Sleep::begin(node);
    }
    say("STACK TRACE, NAMED", &stack::named(handler::STACK.addresses()));
    if let Some(node) = &node {
        say("COMMANDS IN HAND", &commands_in_hand(node));
    }
    say("OTHER THREADS", &threads::all_stacks());
    if let Some(node) = &node {
        // What lies in the shards is behind locks that may never be free again.
        let text = info::text(node, &["everything".to_owned()], &KeyspaceCounts::default());
        say("INFO OUTPUT", &text.replace('\r', ""));
    }
}

fn commands_in_hand(node: &Node) -> String {
    node.watchdog.at_work().into_iter().fold(String::new(), |mut text, (thread, command)| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{thread}: {}", command.as_deref().unwrap_or("no command"));
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::in_memory::node;

    #[test]
    fn who_is_at_work_is_named_with_its_command() {
        let node = node();
        let [at_work, idle] = ["worker-7", "worker-8"].map(|name| node.watchdog.watch(name));
        for pulse in [&at_work, &idle] {
            pulse.begin_turn();
            pulse.runs(crate::command::by_full_name(b"get").unwrap().spec);
        }
        idle.end_turn();
        assert_eq!(commands_in_hand(&node), "worker-7: get\n");
    }
}
