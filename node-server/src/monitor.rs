//! MONITOR: clients that are shown what all clients do, a line for each command.
//!
//! ```text
//! +1339518083.107412 [0 127.0.0.1:60866] "set" "k" "v\n"
//! +1339518083.107413 [0 lua] "set" "k" "v"                    by a script
//! ```
//!
//! A command is shown when it has run, whatever it answered, and before its shard is let go: lines about one key are in the order
//! of what happened to it. A script is shown before its commands. Not shown are commands for administrators and those that
//! say so (`skip_monitor`); what an argument is that nobody else may know, its command says (`CommandSpec::secrets`).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rcl_proto::resp::{Args, OwnedArgs};

use crate::client::{ClientHandle, Message, Session, client_flag};
use crate::clock;
use crate::command::secrets;
use crate::command::spec::{Group, flag};
use crate::command::{CommandSpec, Context};
use crate::executor::node_state;
use crate::node::Node;
use crate::scripting::debugger;

/// Who is shown.
#[derive(Debug, Default)]
pub struct Monitors {
    clients: Mutex<BTreeMap<u64, Arc<ClientHandle>>>,
    count: AtomicUsize,
}

impl Monitors {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<ClientHandle>>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.count.load(Ordering::Relaxed) == 0
    }

    /// False when the client is shown already, or is a replica.
    pub fn add(&self, session: &mut Session) -> bool {
        if session.monitors || session.handle.is_replica() {
            return false;
        }
        session.monitors = true;
        session.handle.set_flag(client_flag::MONITOR, true);
        let mut clients = self.lock();
        clients.insert(session.id(), session.handle.clone());
        self.count.store(clients.len(), Ordering::Relaxed);
        true
    }

    pub fn remove(&self, session: &mut Session) {
        if !std::mem::take(&mut session.monitors) {
            return;
        }
        session.handle.set_flag(client_flag::MONITOR, false);
        let mut clients = self.lock();
        clients.remove(&session.id());
        self.count.store(clients.len(), Ordering::Relaxed);
    }

    fn show(&self, line: &Arc<[u8]>) {
        for client in self.lock().values() {
            client.mailbox.post(Message::Push(line.clone()));
        }
    }
}

/// A command is about to run: a script is shown now. One that is debugged was shown when its client left for that.
pub fn before(context: &Context<'_>, spec: &CommandSpec, args: Args<'_>) {
    if is_script(spec) && !debugger::is_at_work() {
        show(context.node, context.session, context.data.database, context.in_script, spec, args);
    }
}

/// A command has run.
pub fn after(context: &Context<'_>, spec: &CommandSpec, args: Args<'_>) {
    if !spec.has(flag::SKIP_MONITOR) && !spec.has(flag::ADMIN) {
        show(context.node, context.session, context.data.database, context.in_script, spec, args);
    }
}

/// EXEC was refused, and so did not run.
pub fn aborted(node: &Node, session: &Session, exec: &CommandSpec, args: Args<'_>) {
    show(node, session, session.database, false, exec, args);
}

/// What says that it is not shown after it ran because it is before.
fn is_script(spec: &CommandSpec) -> bool {
    spec.group == Group::Scripting && spec.has(flag::SKIP_MONITOR)
}

fn show(
    node: &Node,
    session: &Session,
    database: usize,
    in_script: bool,
    spec: &CommandSpec,
    args: Args<'_>,
) {
    if node.state() & node_state::LOADING != 0 {
        return;
    }
    let now_us = clock::now_us();
    let (seconds, micros) = (now_us / 1_000_000, now_us % 1_000_000);
    let mut line = format!("+{seconds}.{micros:06} [{database} ").into_bytes();
    let handle = &session.handle;
    if in_script {
        line.extend_from_slice(b"lua");
    } else if handle.has_flag(client_flag::UNIX_SOCKET) {
        line.extend_from_slice(b"unix:");
        line.extend_from_slice(handle.local.as_bytes());
    } else {
        line.extend_from_slice(handle.address().as_bytes());
    }
    line.push(b']');
    let redacted = secrets::redacted(spec, args);
    for argument in redacted.as_ref().map_or(args, OwnedArgs::as_args).iter() {
        line.push(b' ');
        quote(&mut line, argument);
    }
    line.extend_from_slice(b"\r\n");
    node.monitors.show(&line.into());
}

/// In double quotes, as Redis writes it and redis-cli reads it.
pub fn quote(line: &mut Vec<u8>, text: &[u8]) {
    line.push(b'"');
    for &byte in text {
        match byte {
            b'\\' | b'"' => line.extend_from_slice(&[b'\\', byte]),
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            b'\t' => line.extend_from_slice(b"\\t"),
            7 => line.extend_from_slice(b"\\a"),
            8 => line.extend_from_slice(b"\\b"),
            b' '..=b'~' => line.push(byte),
            _ => line.extend_from_slice(format!("\\x{byte:02x}").as_bytes()),
        }
    }
    line.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::client_gone;
    use crate::executor::in_memory::{Client, clients};

    /// What it was shown, without the time.
    fn shown(client: &Client) -> Vec<String> {
        let pushed = client.pushed();
        pushed.iter().map(|line| line.split_once(' ').expect("a time").1.to_owned()).collect()
    }

    #[test]
    fn what_clients_do_is_shown_but_not_their_secrets() {
        clients!(node: one, watcher);
        assert_eq!(watcher.ask("MONITOR"), "+OK");
        assert_eq!(watcher.ask("MONITOR"), "");
        one.ask("SET k \"v\\");
        one.ask("SELECT 3");
        one.ask("GET");
        one.ask("LPOP k x");
        one.ask("CONFIG GET port");
        one.ask("AUTH user password");
        one.ask("HELLO 3 AUTH user password SETNAME name");
        let expected = [
            "[0 unix:] \"SET\" \"k\" \"\\\"v\\\\\"",
            "[3 unix:] \"SELECT\" \"3\"",
            "[3 unix:] \"LPOP\" \"k\" \"x\"",
            "[3 unix:] \"AUTH\" \"(redacted)\" \"(redacted)\"",
            "[3 unix:] \"HELLO\" \"3\" \"AUTH\" \"(redacted)\" \"(redacted)\" \"SETNAME\" \"name\"",
        ];
        assert_eq!(shown(&watcher), expected);
    }

    #[test]
    fn a_transaction_is_shown_as_it_runs() {
        clients!(node: one, watcher);
        watcher.ask("MONITOR");
        one.ask("MULTI");
        one.ask("SET k v");
        assert_eq!(shown(&watcher), ["[0 unix:] \"MULTI\""]);
        one.ask("MONITOR");
        assert!(one.ask("EXEC").contains("MONITOR isn't allowed"));
        assert_eq!(shown(&watcher), ["[0 unix:] \"SET\" \"k\" \"v\"", "[0 unix:] \"EXEC\""]);
        one.ask("MULTI");
        one.ask("NOSUCH");
        one.ask("EXEC");
        assert_eq!(shown(&watcher), ["[0 unix:] \"MULTI\"", "[0 unix:] \"EXEC\""]);
    }

    #[test]
    fn it_ends_with_reset_and_with_the_connection() {
        clients!(node: one, other);
        one.ask("MONITOR");
        other.ask("MONITOR");
        assert!(one.ask("CLIENT INFO").contains("flags=OU"));
        one.ask("RESET");
        assert!(!node.monitors.is_empty());
        client_gone(&node, &mut other.session);
        assert!(node.monitors.is_empty());
        one.ask("PING");
        assert!(one.pushed().iter().all(|line| !line.contains("PING")));
    }

    #[test]
    fn bytes_are_quoted_as_redis_does() {
        let mut line = Vec::new();
        quote(&mut line, b"a \"b\" \\ \n\r\t\x07\x08\x00\x7f\xff");
        assert_eq!(line, br#""a \"b\" \\ \n\r\t\a\b\x00\x7f\xff""#);
    }
}
