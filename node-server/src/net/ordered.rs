//! Replies that come later than they were asked for, kept in the order of their requests.
//!
//! A request such as CLUSTER SETSLOT is answered when what it changed is on disk; MIGRATE when the other node has
//! the keys. A client that pipelines sixty of them should wait for one disk write, not for sixty. So while such a
//! request waits, the following ones *of the same command* are run already; whatever else follows waits for all of
//! them.

use std::collections::VecDeque;
use std::time::Instant;

use rcl_proto::resp::Args;

use crate::clock;
use crate::command::CommandSpec;

/// More are not begun; the rest of the pipeline waits its turn.
const MOST: usize = 1024;

#[derive(Debug, Default)]
pub struct OrderedReplies {
    /// Lower-cased: the command and, for a container, the subcommand that all of them are.
    command: Vec<u8>,
    waiting: VecDeque<Pending>,
}

#[derive(Debug)]
enum Pending {
    /// Wait number so-and-so has not ended.
    Wait(u64, Begun),
    Done(Vec<u8>),
}

/// A request that began to wait.
#[derive(Clone, Copy, Debug)]
pub struct Begun {
    /// `None`: nobody knows such a command any more.
    pub spec: Option<&'static CommandSpec>,
    pub since: Instant,
}

impl OrderedReplies {
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// True when a request may be run now.
    pub fn admits(&self, args: Args<'_>) -> bool {
        self.is_empty() || (self.waiting.len() < MOST && command_of(args) == self.command)
    }

    /// A request began to wait.
    pub fn push_wait(&mut self, args: Args<'_>, spec: Option<&'static CommandSpec>, wait: u64) {
        if self.is_empty() {
            self.command = command_of(args);
        }
        self.waiting.push_back(Pending::Wait(wait, Begun { spec, since: clock::monotonic() }));
    }

    /// A request was answered by what stands in `output` from `start` on; while others before it wait, that waits too.
    pub fn take_turn(&mut self, output: &mut Vec<u8>, start: usize) {
        if !self.is_empty() && output.len() > start {
            self.waiting.push_back(Pending::Done(output.split_off(start)));
        }
    }

    /// The reply of wait number `wait`, and what waited for it; `None`: that is none of these.
    pub fn complete(&mut self, wait: u64, reply: &[u8]) -> Option<Begun> {
        self.waiting.iter_mut().find_map(|pending| match pending {
            Pending::Wait(number, begun) if *number == wait => {
                let begun = *begun;
                *pending = Pending::Done(reply.to_vec());
                Some(begun)
            }
            _ => None,
        })
    }

    /// Appends the replies whose turn has come.
    pub fn flush(&mut self, output: &mut Vec<u8>) {
        while let Some(Pending::Done(reply)) = self.waiting.front() {
            output.extend_from_slice(reply);
            self.waiting.pop_front();
        }
    }
}

fn command_of(args: Args<'_>) -> Vec<u8> {
    let mut name = args.name().to_ascii_lowercase();
    if name == b"cluster" {
        name.push(b' ');
        name.extend(args.get(1).unwrap_or_default().iter().map(u8::to_ascii_lowercase));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcl_proto::resp::OwnedArgs;

    fn args(line: &str) -> OwnedArgs {
        OwnedArgs::new(line.split(' ').map(str::as_bytes))
    }

    #[test]
    fn replies_keep_the_order_of_their_requests() {
        let mut replies = OrderedReplies::default();
        replies.push_wait(args("CLUSTER SETSLOT 1 STABLE").as_args(), None, 7);
        let mut output = b"-ERR\r\n".to_vec();
        replies.take_turn(&mut output, 0);
        replies.push_wait(args("cluster setslot 2 STABLE").as_args(), None, 8);
        assert!(replies.complete(8, b"+8\r\n").is_some());
        replies.flush(&mut output);
        assert!(output.is_empty(), "the first one still waits");
        assert!(replies.complete(7, b"+7\r\n").is_some());
        assert!(replies.complete(9, b"+9\r\n").is_none());
        replies.flush(&mut output);
        assert_eq!(output, b"+7\r\n-ERR\r\n+8\r\n");
        assert!(replies.is_empty());
    }

    #[test]
    fn only_the_same_command_goes_ahead() {
        let mut replies = OrderedReplies::default();
        assert!(replies.admits(args("get k").as_args()));
        replies.push_wait(args("CLUSTER SETSLOT 1 STABLE").as_args(), None, 1);
        assert!(replies.admits(args("cluster SetSlot 2 STABLE").as_args()));
        for other in ["get k", "cluster nodes", "cluster", "migrate h 1 k 0 1"] {
            assert!(!replies.admits(args(other).as_args()), "{other}");
        }
    }
}
