//! A node is restarted by the user's command, and waited for.
//!
//! ```text
//! INFO run_id ─▶ the hook runs, within its time ─▶ another run_id at the same address ─▶ the link speaks to that one
//! ```
//!
//! Who restarts the node, and how long that takes, is the hook's affair: it may come back long after the hook has ended. A node that
//! owns slots by now is not touched: it was to be a replica.

use std::process::Stdio;
use std::time::{Duration, Instant};

use rcl_proto::nodes_text::NodeFlags;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::Stop;
use super::join::view_lines;
use crate::cli::{Failure, Kind, Session};
use crate::connect::{Cluster, Fields, Link};
use crate::output::Output;
use crate::plan::NodeRef;

const POLL: Duration = Duration::from_millis(50);
/// What a process that the hook left behind may still say.
const LAST_WORDS: Duration = Duration::from_millis(200);

#[derive(Clone, Copy, Debug)]
pub struct Hook<'a> {
    pub words: &'a [String],
    pub limit: Duration,
}

/// Says what happened.
pub async fn restart(
    session: &Session,
    cluster: &Cluster,
    node: &NodeRef,
    hook: Hook<'_>,
    back_limit: Duration,
    serving: bool,
    stop: &Stop,
) -> Result<String, Failure> {
    let link = cluster.link(node.id)?;
    let lines = view_lines(link).await?;
    let own = lines.iter().find(|line| line.flags.contains(NodeFlags::MYSELF));
    if !serving && own.is_some_and(|own| own.master.is_none() && !own.slots.is_empty()) {
        return Err(Failure::new(
            Kind::Stopped,
            format!("{} owns slots by now, and is not restarted", node.name()),
        )
        .next("rcl rolling-restart plans anew"));
    }
    let before = run_id(link).await?;
    let started = Instant::now();
    run(session.output, node, hook).await?;
    while started.elapsed() < back_limit {
        if stop.requested() {
            return Err(Failure::new(
                Kind::Interrupted,
                format!("interrupted while {} restarts", node.name()),
            ));
        }
        if let Ok(fresh) = session.connector.connect(link.address()).await
            && run_id(&fresh).await.is_ok_and(|now| now != before)
        {
            link.renew(&fresh);
            return Ok(format!("{} is back after {:.1} s", node.name(), started.elapsed().as_secs_f64()));
        }
        sleep(POLL).await;
    }
    Err(Failure::new(
        Kind::Stopped,
        format!("{} did not restart within {} s", node.name(), back_limit.as_secs()),
    )
    .next("look at the node's log, and whether the hook restarts this node; --back-within gives it longer"))
}

/// Every process has its own.
async fn run_id(link: &Link) -> Result<String, Failure> {
    let info = Fields::of_section(link, "server").await?;
    Ok(info.get("run_id").unwrap_or_default().to_owned())
}

async fn run(output: Output, node: &NodeRef, hook: Hook<'_>) -> Result<(), Failure> {
    let failed = |what: String| {
        Failure::new(Kind::Stopped, format!("the hook of {} {what}: {}", node.name(), hook.words.join(" ")))
            .next("run it by hand to see why; then rcl resume goes on with this node")
    };
    let (program, arguments) = hook.words.split_first().ok_or_else(|| failed("is empty".into()))?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(format!("does not start ({error})")))?;
    let said = [
        child.stdout.take().map(|stream| show(output, node, stream)),
        child.stderr.take().map(|stream| show(output, node, stream)),
    ];
    let ended = timeout(hook.limit, child.wait()).await;
    for shown in said.into_iter().flatten() {
        // What the hook has left running may keep its output open for ever.
        let abort = shown.abort_handle();
        if timeout(LAST_WORDS, shown).await.is_err() {
            abort.abort();
        }
    }
    match ended {
        Err(_) => Err(failed(format!("did not end within {} s", hook.limit.as_secs()))),
        Ok(Err(error)) => Err(failed(format!("was lost ({error})"))),
        Ok(Ok(status)) if !status.success() => Err(failed(format!("ended with {status}"))),
        Ok(Ok(_)) => Ok(()),
    }
}

/// Line by line, as it comes.
fn show(output: Output, node: &NodeRef, stream: impl AsyncRead + Unpin + Send + 'static) -> JoinHandle<()> {
    let address = node.address.to_string();
    tokio::spawn(async move {
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            output.status(&format!("{address} | {line}"));
        }
    })
}
