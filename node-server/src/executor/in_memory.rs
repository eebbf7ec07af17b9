//! For tests, fuzzing and benchmarks: a node in memory, and clients of it without sockets.

use std::sync::Arc;

use rcl_proto::resp::OwnedArgs;

use crate::client::{ClientHandle, Message, Session};
use crate::executor::{Batch, Flow, end_wait, process};
use crate::node::Node;
use crate::replication::ReplicationId;

/// What [`Client::ask`] gives for a request that waits.
pub const WAITS: &str = "waits";

pub struct Client {
    pub node: Arc<Node>,
    pub session: Session,
    /// A reply said that the connection ends.
    pub closed: bool,
}

pub fn node() -> Arc<Node> {
    node_with(&[], "")
}

/// With these further words on its command line, and this redis.conf.
pub fn node_with(arguments: &[&str], conf: &str) -> Arc<Node> {
    let folder = std::env::temp_dir();
    // It saves nothing by itself.
    let words = ["-", "--enable-debug-command", "yes", "--save", ""].iter().chain(arguments);
    let words: Vec<_> = words.map(Into::into).collect();
    let loaded = crate::config::load(&words, &folder, &mut conf.as_bytes()).unwrap();
    let mut node = Node::new(loaded.config, None, "0".repeat(40), 0, 1);
    node.commands = loaded.commands;
    node.access.add_all(loaded.users);
    node.replication.resume(ReplicationId::parse(&[b'a'; 40]).unwrap(), 0, 0);
    Arc::new(node)
}

impl Client {
    pub fn new(node: &Arc<Node>) -> Client {
        let handle = ClientHandle::new(node.clients.next_id(), None, String::new(), -1, 0);
        let session = Session::new(Arc::new(handle), node.default_user(), true);
        node.clients.add(session.handle.clone());
        Client { node: node.clone(), session, closed: false }
    }

    /// The words of a command, parted by spaces; the reply's bytes, with spaces for the ends of lines.
    pub fn ask(&mut self, line: &str) -> String {
        self.ask_words(&line.split(' ').collect::<Vec<_>>())
    }

    pub fn ask_words(&mut self, words: &[&str]) -> String {
        self.request(words).map_or_else(|| WAITS.to_owned(), |output| readable(&output))
    }

    /// The reply's bytes; `None` when it waits.
    pub fn request<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Option<Vec<u8>> {
        let request = OwnedArgs::new(words.iter().map(AsRef::as_ref));
        let mut output = Vec::new();
        let mut batch = Batch::start(Arc::default());
        match process(&self.node, &mut self.session, request.as_args(), &mut output, &mut batch) {
            Flow::Park(park) => {
                assert!(output.is_empty());
                assert_eq!(park.wait.wait(), self.session.current_wait());
                None
            }
            flow => {
                self.closed |= matches!(flow, Flow::Close);
                Some(output)
            }
        }
    }

    /// Its time is up; false when it was served before.
    pub fn time_out(&self) -> bool {
        end_wait(&self.node, &mut self.node.shards.lock(0), self.session.id(), None)
    }

    pub fn is_killed(&self) -> bool {
        self.session.handle.mailbox.is_killed()
    }

    /// What was pushed to it is as good as read.
    pub fn forget_pushed(&self) {
        self.session.handle.mailbox.take();
    }

    /// What was pushed to it since it was last asked, one message in each element.
    pub fn pushed(&self) -> Vec<String> {
        let messages = self.session.handle.mailbox.take();
        let pushed = |message: &Message| match message {
            Message::Push(bytes) => readable(bytes),
            other => panic!("{other:?}"),
        };
        messages.iter().map(pushed).collect()
    }

    /// What came for the wait.
    pub fn got(&mut self) -> String {
        let messages = self.session.handle.mailbox.take();
        let wait = self.session.current_wait();
        match messages.as_slice() {
            [] => String::new(),
            [Message::Reply { wait: of, reply }] if *of == wait => readable(&reply.bytes),
            [Message::Retry { wait: of }] if *of == wait => "run it again".to_owned(),
            other => panic!("{other:?}"),
        }
    }
}

fn readable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end().replace("\r\n", " ")
}

/// The commands that the log got since `from`, one in each element.
pub fn logged(node: &Node, from: u64) -> Vec<String> {
    let bytes = node.replication.take_from_log(0, from, usize::MAX).unwrap().concat();
    let mut commands = Vec::new();
    let mut rest = bytes.as_slice();
    let mut parser = rcl_proto::resp::RequestParser::new();
    let limits = rcl_proto::resp::Limits { max_bulk_bytes: 1 << 20, authenticated: true };
    while let Ok(rcl_proto::resp::Parsed::Request { consumed }) = parser.parse(rest, limits) {
        let words: Vec<_> =
            parser.args(rest).iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        commands.push(words.join(" "));
        rest = &rest[consumed..];
    }
    commands.retain(|command| !command.starts_with("SELECT"));
    commands
}

/// Runs the rest of the test with a node and clients of these names.
#[cfg(test)]
macro_rules! clients {
    ($node:ident: $($name:ident),*) => {
        let $node = $crate::executor::in_memory::node();
        $(let mut $name = $crate::executor::in_memory::Client::new(&$node);)*
    };
}

#[cfg(test)]
pub(crate) use clients;

/// Asks line by line, and compares the replies.
pub fn converse(client: &mut Client, lines: &[(&str, &str)]) {
    for (line, expected) in lines {
        assert_eq!(client.ask(line), *expected, "{line}");
    }
}
