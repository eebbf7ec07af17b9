//! Asking the control thread.

use std::sync::mpsc;
use std::time::Duration;

use rcl_cluster::{Command, Reply};
use rcl_proto::resp::{OwnedArgs, Protocol, ReplyWriter};

use super::{NO_CLUSTER, render};
use crate::client::WakeHandle;
use crate::command::{CommandError, CommandResult, Context, Outcome, Park};
use crate::config::EndpointType;
use crate::control::{Answer, ControlHandle, ControlMessage, LinkTable};
use crate::executor::node_state;
use crate::replication;

const NOT_RUNNING: CommandError = CommandError::fixed("ERR The cluster's control thread is not running");
const LOADING: CommandError = CommandError::fixed("LOADING Redis is loading the dataset in memory");
const NO_ANSWER: CommandError = CommandError::fixed("ERR The cluster's control thread does not answer");
const CANNOT_WAIT: CommandError = CommandError::fixed(
    "ERR This command waits for the disk and for all keys: it is not allowed where nothing can wait",
);
/// The control thread waits for nobody, so this is for a machine in trouble.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Asks something that the control thread answers at once.
pub fn read(context: &mut Context<'_>, command: Command) -> CommandResult {
    if context.may_park { park(context, command) } else { wait(context, command) }
}

/// Asks for a change: answered when it is durable and applied. In a transaction that is after EXEC, which holds
/// shards; what is asked of the control thread later finds the change made.
pub fn change(context: &mut Context<'_>, command: Command) -> CommandResult {
    if context.may_park { park(context, command) } else { answer_later(context, command) }
}

/// Asks for a change that this node's replicas are to make first: it is checked, `command` is sent down the replication
/// stream, and the change is made when they have acknowledged it.
pub fn change_after_replicas(
    context: &mut Context<'_>,
    check: Command,
    run: Command,
    command: OwnedArgs,
    timeout_ms: u64,
) -> CommandResult {
    let control = control(context)?;
    let (node, client) = (context.node.clone(), context.session.id());
    let endpoint = node.settings().cluster_preferred_endpoint_type;
    let protocol = context.session.protocol;
    let wait = context.session.begin_wait();
    let parked = wait.clone();
    let answer: Answer = Box::new(move |reply, links| {
        if *reply != Reply::Ok {
            return end_wait(&wait, protocol, |out| writer(endpoint)(reply, links, out));
        }
        let then_control = node.control.get().cloned();
        replication::setslot::replicate(
            &node,
            (client, wait.clone()),
            command,
            timeout_ms,
            move |replicated| {
                let ran = match replicated {
                    Ok(()) => then_control
                        .ok_or(NOT_RUNNING)
                        .map(|control| control.run(run, protocol, wait.clone(), writer(endpoint))),
                    Err(error) => Err(error),
                };
                match ran {
                    Ok(true) => {}
                    Ok(false) => end_wait(&wait, protocol, |out| out.error(NOT_RUNNING.text())),
                    Err(error) => end_wait(&wait, protocol, |out| out.error(error.text())),
                }
            },
        );
    });
    if !control.send(ControlMessage::Command { command: check, answer }) {
        return Err(NOT_RUNNING);
    }
    Ok(Outcome::Park(Park::pipelined(parked)))
}

fn end_wait(wait: &WakeHandle, protocol: Protocol, write: impl FnOnce(&mut ReplyWriter<'_>)) {
    let mut bytes = Vec::new();
    write(&mut ReplyWriter::new(&mut bytes, protocol));
    wait.reply(bytes);
}

/// Every subcommand begins with this.
pub fn must_be_cluster(context: &Context<'_>) -> Result<(), CommandError> {
    if context.node.is_cluster() { Ok(()) } else { Err(NO_CLUSTER) }
}

fn control<'a>(context: &Context<'a>) -> Result<&'a ControlHandle, CommandError> {
    let is_loading = context.node.state() & node_state::LOADING != 0;
    // It starts when the data set is there.
    context.node.control.get().ok_or(if is_loading { LOADING } else { NOT_RUNNING })
}

fn writer(endpoint: EndpointType) -> impl FnOnce(&Reply, &LinkTable, &mut ReplyWriter<'_>) + Send + 'static {
    move |reply, links, out| render::reply(reply, links, endpoint, out)
}

fn park(context: &mut Context<'_>, command: Command) -> CommandResult {
    let control = control(context)?;
    let endpoint = context.node.settings().cluster_preferred_endpoint_type;
    let wait = context.session.begin_wait();
    let protocol = context.session.protocol;
    if !control.run(command, protocol, wait.clone(), writer(endpoint)) {
        return Err(NOT_RUNNING);
    }
    Ok(Outcome::Park(Park::pipelined(wait)))
}

fn answer_later(context: &mut Context<'_>, command: Command) -> CommandResult {
    let control = control(context)?;
    let endpoint = context.node.settings().cluster_preferred_endpoint_type;
    let protocol = context.session.protocol;
    let later = context.reply_later().ok_or(CANNOT_WAIT)?;
    let answer: Answer = Box::new(move |reply, links| {
        later.give(rendered(|out| writer(endpoint)(reply, links, out), protocol));
    });
    // When the control thread has ended, the place is filled with an error as the message is dropped.
    control.send(ControlMessage::Command { command, answer });
    Ok(Outcome::Done)
}

fn rendered(write: impl FnOnce(&mut ReplyWriter<'_>), protocol: Protocol) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut ReplyWriter::new(&mut bytes, protocol));
    bytes
}

fn wait(context: &mut Context<'_>, command: Command) -> CommandResult {
    let control = control(context)?;
    let endpoint = context.node.settings().cluster_preferred_endpoint_type;
    let protocol = context.session.protocol;
    let (sender, answered) = mpsc::sync_channel(1);
    let answer: Answer = Box::new(move |reply, links| {
        // Fails when nobody waits any more.
        let _ = sender.try_send(rendered(|out| writer(endpoint)(reply, links, out), protocol));
    });
    if !control.send(ControlMessage::Command { command, answer }) {
        return Err(NOT_RUNNING);
    }
    let bytes = answered.recv_timeout(ANSWER_WITHIN).map_err(|_| NO_ANSWER)?;
    context.reply.raw(&bytes);
    Ok(Outcome::Done)
}
