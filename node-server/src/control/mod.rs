//! The control thread: it runs the cluster core, the bus and the cron, and never waits for a shard or a disk.

use rcl_cluster::{Command, Reply};
use rcl_proto::resp::{Protocol, ReplyWriter};

use crate::client::WakeHandle;

/// The way to the control thread.
#[derive(Clone, Debug)]
pub struct ControlHandle {
    sender: tokio::sync::mpsc::UnboundedSender<ControlMessage>,
}

/// What other threads tell it.
pub enum ControlMessage {
    /// Run a CLUSTER command, and give its answer to `answer`.
    Command { command: Command, answer: Answer },
    /// PUBLISH or SPUBLISH was called here.
    Publish { channel: Vec<u8>, payload: Vec<u8>, sharded: bool },
    /// CONFIG SET changed something.
    SettingsChanged,
}

/// What is done with a command's answer, on the control thread: it must not wait.
pub type Answer = Box<dyn FnOnce(Reply) + Send>;

impl ControlHandle {
    pub fn new(sender: tokio::sync::mpsc::UnboundedSender<ControlMessage>) -> ControlHandle {
        ControlHandle { sender }
    }

    /// False when the control thread has ended.
    pub fn send(&self, message: ControlMessage) -> bool {
        self.sender.send(message).is_ok()
    }

    /// Runs a CLUSTER command whose answer ends `wait`, written by `render`.
    pub fn run(
        &self,
        command: Command,
        protocol: Protocol,
        wait: WakeHandle,
        render: impl FnOnce(&Reply, &mut ReplyWriter<'_>) + Send + 'static,
    ) -> bool {
        let answer: Answer = Box::new(move |reply| {
            let mut bytes = Vec::new();
            render(&reply, &mut ReplyWriter::new(&mut bytes, protocol));
            wait.reply(bytes);
        });
        self.send(ControlMessage::Command { command, answer })
    }
}
