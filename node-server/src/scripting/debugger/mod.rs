//! The debugger of scripts: after SCRIPT DEBUG YES or SYNC, the client's next EVAL is run step by step, under its command.
//!
//! ```text
//!   worker                        a thread of its own
//!     EVAL ── hands the client over ──▶ runs the EVAL again, as any request; its script stops before a line:
//!                                         ◀── * Stopped at 1, stop reason = step over      (an array of such lines)
//!                                         ──▶ *1 $4 step
//!                                         ...
//!                                         ◀── <endsession>, then EVAL's reply; the connection is closed
//! ```
//!
//! - **YES** works on a copy ([`copy`]): other clients go on, and nothing that the script does stays.
//! - **SYNC** works on the data. The script holds all shards, so others wait, however long the user thinks; after
//!   `busy-reply-threshold` they are told BUSY, and SCRIPT KILL ends a script that has written nothing.
//!
//! The words and lines are Redis's, so that `redis-cli --ldb` is the other side. A client that goes away leaves its script to
//! run to its end, and a shutdown aborts it.
//!
//! ```text
//!  request   what the client says: a forgiving parser        source   the script's lines, and where it stops
//!  line      its socket, and the lines for it                shown    replies as people read them
//!  session   one session's state, and what needs no Lua      copy     YES: the data that the script touches
//! ```
//!
//! What looks into the stopped Lua is in `glue/debugging.rs`.

mod copy;
mod line;
mod request;
mod session;
mod shown;
mod source;

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use rcl_proto::resp::{Args, OwnedArgs};

pub use session::{Notes, Wish};

use super::engine::Engine;
use super::glue::{self, Called};
use super::run::Run;
use crate::client::Session as ClientSession;
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Outcome};
use crate::executor::{self, Batch, Flow};
use crate::net::DetachedConnection;
use crate::node::Node;
use session::Session;

/// What SCRIPT DEBUG said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Off,
    /// On a copy: YES.
    Copy,
    /// On the data themselves: SYNC.
    Sync,
}

const IN_TRANSACTION: CommandError = CommandError::fixed("ERR A script is not debugged inside a transaction");

/// A request that had to wait is tried again this soon.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(10);

thread_local! {
    /// The session of this thread.
    static SESSION: RefCell<Option<Session>> = const { RefCell::new(None) };
}

/// This thread is a session's: an EVAL that comes here is the one to be debugged.
pub fn is_at_work() -> bool {
    with_session(|_| ()).is_some()
}

fn with_session<R>(look: impl FnOnce(&mut Session) -> R) -> Option<R> {
    SESSION.with_borrow_mut(|session| session.as_mut().map(look))
}

/// The client leaves its worker for a session with this EVAL.
pub fn hand_over(context: &mut Context<'_>, request: Args<'_>) -> CommandResult {
    if !context.may_park {
        return Err(IN_TRANSACTION);
    }
    // It is asked again.
    context.session.asking = context.asking;
    let (node, request) = (context.node.clone(), request.to_owned());
    Ok(Outcome::HandOver(Box::new(move |connection| {
        let DetachedConnection { stream, session, input } = connection;
        let client = Client { node, session };
        let started = thread::Builder::new().name("debugger".to_owned()).spawn(move || {
            let handle = client.session.handle.clone();
            match line::Line::new(stream, input, handle) {
                Ok(line) => serve(client, line, &request),
                Err(error) => tracing::warn!(%error, "a script's debugger has lost its client"),
            }
        });
        if let Err(error) = started {
            tracing::error!(%error, "no thread for a script's debugger could be started");
        }
    })))
}

/// A client that left its worker: when it ends here, nothing of it stays.
struct Client {
    node: Arc<Node>,
    session: ClientSession,
}

impl Drop for Client {
    fn drop(&mut self) {
        executor::client_gone(&self.node, &mut self.session);
    }
}

fn serve(mut client: Client, line: line::Line, request: &OwnedArgs) {
    tracing::info!("Lua debugging session started");
    let args = request.as_args();
    let node = client.node.clone();
    let mut session = Session::new(line, args.get(1).unwrap_or_default(), node.clone());
    let target = if client.session.debugger == Mode::Copy {
        let copy = Arc::new(copy::node_like(&node));
        session.works_on_copy();
        copy
    } else {
        node.clone()
    };
    SESSION.set(Some(session));
    let reply = run(&target, &mut client.session, args);
    if let Some(session) = SESSION.take() {
        node.replication.forward(&node);
        session.end(&reply);
    }
    tracing::info!("Lua debugging session ended");
}

/// Runs the EVAL; its reply.
fn run(node: &Arc<Node>, client: &mut ClientSession, args: Args<'_>) -> Vec<u8> {
    let mut reply = Vec::new();
    loop {
        let mut batch = Batch::start(Arc::default());
        let flow = executor::process(node, client, args, &mut reply, &mut batch);
        batch.stats.flush_into(&node.stats);
        let waits = matches!(flow, Flow::Park(_));
        if !waits || client.handle.mailbox.is_killed() || goes_down(node) {
            return reply;
        }
        thread::sleep(TRY_AGAIN_AFTER);
    }
}

/// A shutdown waits for no user.
fn goes_down(node: &Node) -> bool {
    node.persistence.shutdown_in_progress.load(Ordering::Acquire)
        || node.is_shutting_down.load(Ordering::Acquire)
}

/// Lends a Lua that is used for this session alone, and has its script stop before its lines.
pub fn with_engine(node: &Node, work: impl FnOnce(&mut Engine) -> CommandResult) -> CommandResult {
    let failed = |error: mlua::Error| CommandError::new(format!("ERR Lua cannot be started: {error}"));
    let mut engine = Engine::new(node.scripting.cache.generation()).map_err(failed)?;
    glue::stop_at_lines_in(&engine.lua).map_err(failed)?;
    work(&mut engine)
}

/// The script came to a line (or ran for a while, if `is_late_look`). True when it stops there.
pub fn arrive(line: i64, is_late_look: bool) -> bool {
    with_session(|session| session.arrive(line, is_late_look)).unwrap_or(false)
}

/// What the client wants of the stopped script.
pub fn next_wish() -> Wish {
    with_session(Session::next_wish).unwrap_or(Wish::Resume)
}

/// What was noted is sent.
pub fn send() {
    with_session(Session::send);
}

/// Does `look` with the words of the client's wish, and the place for lines about it.
pub fn answer(look: impl FnOnce(&[Vec<u8>], &mut Notes)) {
    with_session(|session| look(&session.asked, &mut session.notes));
}

/// `redis.debug`: `show` appends its values to the line.
pub fn answer_debug(show: impl FnOnce(&mut Vec<u8>, usize)) {
    with_session(|session| session.note_debug(show));
}

/// Where the code of the wish `eval` lies, as an expression or as a statement. It stays there until the next wish.
pub fn code(as_expression: bool) -> *const [u8] {
    with_session(|session| std::ptr::from_ref(session.code(as_expression))).unwrap_or(&[])
}

/// In the list of callers: this one is at that line.
pub fn note_frame(is_innermost: bool, name: &[u8], line: i64) {
    with_session(|session| session.note_frame(is_innermost, name, line));
}

/// `redis` in the debugger: the command is run and shown as if the script had called it.
pub fn call_command() -> Called {
    let Some(words) = with_session(Session::begin_command) else { return Called::Ends };
    let called = super::call::redis_call(&words);
    with_session(Session::end_command);
    called
}

/// `redis.breakpoint()`: the script stops before its next line. False outside of a session.
pub fn stop_at_next_line() -> bool {
    with_session(|session| session.source.stop_at_next_line()).is_some()
}

/// A script calls a command.
pub fn command_called(args: Args<'_>) {
    with_session(|session| session.note_steps(|notes| notes.command(args)));
}

/// It was answered.
pub fn command_replied(reply: &[u8]) {
    with_session(|session| session.note_steps(|notes| notes.reply(reply)));
}

/// The command failed with this error as its reply.
pub fn command_failed(error: &CommandError) {
    let reply = [b"-", error.text().as_bytes(), b"\r\n"].concat();
    command_replied(&reply);
}

/// A function that scripts see refuses its arguments, or makes an error.
pub fn error_made(text: &str) {
    with_session(|session| session.note_steps(|notes| notes.error(text)));
}

/// A command comes that touches these keys: where the script works on a copy, it has them from here on.
pub fn bring_data(run: &mut Run<'_, '_>, spec: &'static CommandSpec, args: Args<'_>) {
    let copied = with_session(|session| session.copied.take()).flatten();
    let Some(mut copied) = copied else { return };
    copied.bring(&mut run.context.data, spec, args);
    with_session(|session| session.copied = Some(copied));
}

/// Whether the script is to end, asked from time to time while it runs.
pub fn is_to_end() -> bool {
    let on_copy = with_session(|session| session.copied.is_some()).unwrap_or(false);
    !on_copy && super::engine::is_to_end()
}
