//! A node as a process: from the command line to its end.
//!
//! ```text
//! configuration → log → doors → control thread and bus → data (RDB or append-only file) → workers → serve → shutdown
//! ```
//!
//! What cannot work is said before anything is changed: the configuration and the doors come first.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use anyhow::Context as _;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

use crate::config::{self, Settings};
use crate::cron;
use crate::disk::{self, Disk, RealDisk};
use crate::executor::node_state;
use crate::net::{Listeners, Workers};
use crate::node::{Node, ShutdownRequest};
use crate::persistence::aof::Unloadable;
use crate::{
    access, control, crash, eviction, logging, oom_score, persistence, process_title, replication, shutdown,
    watchdog,
};

/// Runs a node by Redis's command line (without the program's name): a configuration file or `-`, then
/// directives as `--name value`. Returns when the node has ended.
pub fn main_with_args(arguments: Vec<OsString>) -> ExitCode {
    main_on_disk(arguments, Arc::new(RealDisk))
}

/// The same with what it keeps on another disk than the system's.
pub fn main_on_disk(arguments: Vec<OsString>, disk: Arc<dyn Disk>) -> ExitCode {
    if arguments.iter().any(|argument| argument == "--version" || argument == "-v") {
        println!("rcl-node {} (speaks as Redis {})", env!("CARGO_PKG_VERSION"), crate::REDIS_VERSION);
        return ExitCode::SUCCESS;
    }
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match run(&arguments, disk) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rcl-node: {error:#}");
            ExitCode::FAILURE
        }
    }
}

const USAGE: &str = "\
A Redis Cluster node.

Usage: rcl-node [FILE | -] [--directive value...]...

  FILE              a configuration file, as redis.conf; - reads it from standard input
  --name value...   a directive, as in the file; overrides the file

Examples:
  rcl-node --port 7001 --cluster-enabled yes
  rcl-node /etc/redis/redis.conf --loglevel verbose
";

fn run(arguments: &[OsString], disk: Arc<dyn Disk>) -> anyhow::Result<()> {
    let directory = std::env::current_dir().context("the current folder cannot be told")?;
    let loaded = config::load(arguments, &directory, &mut std::io::stdin())?;
    let settings = loaded.config.settings();
    // While there is but this thread.
    let process_title = settings.set_proc_title.then(process_title::prepare);
    logging::start(
        settings.loglevel,
        settings.logfile.as_deref().map(|path| settings.resolve(path)).as_deref(),
    )?;
    // Its failure costs but the report.
    if let Err(error) = crash::install(&settings) {
        tracing::warn!(%error, "a crash will leave no report in the log");
    }
    for directive in &loaded.without_effect {
        tracing::info!(directive = directive.name, "accepted, without effect here: {}", directive.why);
    }
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    if let Err(possible) = raise_open_files_limit(settings.maxclients) {
        let wanted = settings.maxclients;
        tracing::warn!(wanted, possible, "fewer files may be open than maxclients needs (ulimit -n)");
    }
    outlive_full_files();
    let listeners = open_doors(&settings)?;
    let control = settings.cluster_enabled.then(|| control::Prepared::open(&settings, &disk)).transpose()?;
    if settings.cluster_enabled {
        tracing::warn!(
            "the cluster bus port is not authenticated: only hosts that may join the cluster should reach it"
        );
    }
    std::env::set_current_dir(&settings.dir)
        .with_context(|| format!("cannot use the folder '{}' (directive dir)", settings.dir.display()))?;
    let pid_file = write_pid_file(&settings);
    let threads = settings.worker_thread_count();
    let mut node = Node::new(loaded.config, loaded.file, random_id()?, random_seed()?, threads);
    node.disk = disk;
    node.process_title = process_title;
    node.commands = loaded.commands;
    node.access.add_all(loaded.users);
    if let Some(path) = &settings.aclfile {
        let users = access::file::load(&*node.disk, path, settings.acl_pubsub_default_all)
            .map_err(|errors| anyhow::anyhow!("Aborting startup because of ACL errors: {errors}"))?;
        node.access.replace_all(users);
    }
    remove_leftovers(&node, &settings);
    let node = Arc::new(node);
    let result = serve(&node, &settings, listeners, control, threads);
    if let Some(path) = pid_file {
        let _ = std::fs::remove_file(path);
    }
    if let Some(path) = &settings.unixsocket {
        let _ = std::fs::remove_file(settings.resolve(path));
    }
    result
}

fn serve(
    node: &Arc<Node>,
    settings: &Settings,
    listeners: Listeners,
    control: Option<control::Prepared>,
    threads: usize,
) -> anyhow::Result<()> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the main thread's runtime")?;
    let workers =
        Arc::new(Workers::start(threads, &node.watchdog).context("cannot start the worker threads")?);
    // Set just here, once.
    let _ = node.workers.set(workers.clone());
    let (sender, requests) = mpsc::unbounded_channel();
    node.on_shutdown(sender);
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        port = settings.port,
        threads,
        cluster = node.is_cluster(),
        "node starts, PID: {}",
        std::process::id(),
    );
    let result = runtime.block_on(async {
        watchdog::start(node).context("cannot start the watchdog")?;
        node.replication.start(node).context("cannot start the replication thread")?;
        crash::start_reporter(node).context("cannot start the thread that reports a crash")?;
        tokio::spawn(tell_of_threads_on_alarm());
        replication::refresh_state(node);
        // Their failure is in the log; the node can do without.
        let _ = oom_score::adjust(node, settings);
        let _ = process_title::show(node, settings);
        node.set_state(node_state::LOADING, true);
        node.startup_memory_bytes.store(crate::allocator::used_bytes(), Ordering::Relaxed);
        // Before the data are there: a node that loads is not a dead one.
        if let Some(control) = control {
            // Set just here, once.
            let _ = node.control.set(control.start(node)?);
        }
        // In Redis's words, and where it says so: scripts, and its own test suite, wait for them in the log. The doors listen
        // already, and who comes now is let in when the data are there.
        tracing::info!("Server initialized");
        let mut load = std::pin::pin!(load(node));
        // A small data set is there before anybody is let in; while a large one is loaded, clients are told so.
        let early = early(node, load.as_mut()).await;
        let open = || listeners.serve(node, &workers).context("cannot accept connections");
        let open = match early {
            Some(loaded) => {
                loaded?;
                Some(open)
            }
            None => {
                open()?;
                load.await?;
                None
            }
        };
        if let Some(control) = node.control.get() {
            control.data_are_there().await;
        }
        node.set_state(node_state::LOADING, false);
        if let Some(open) = open {
            open()?;
        }
        if let (Some((host, port)), false) = (&settings.replicaof, node.is_cluster()) {
            node.replication.follow(node, host, *port);
        }
        let _housekeeping =
            keep_house(node).context("cannot start the thread for what is done from time to time")?;
        tracing::info!("Ready to accept connections");
        wait_for_the_end(node, requests).await
    });
    // Before the first client is let go: who finds its connection closed comes back, and is to find nobody.
    if let Some(Err(error)) = node.doors.get().map(|doors| doors.change(&[])) {
        tracing::debug!(%error, "the doors close with the process");
    }
    node.is_shutting_down.store(true, Ordering::Release);
    // A save that was given up is not waited for.
    runtime.shutdown_background();
    node.persistence.remove_temporary_file(&*node.disk);
    result
}

/// What is done from time to time, on a thread of its own until the sender is dropped: it locks shards, which a script may
/// hold for long, and the main thread lets clients in meanwhile.
fn keep_house(node: &Arc<Node>) -> std::io::Result<oneshot::Sender<()>> {
    let (stop, stopped) = oneshot::channel();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let node = node.clone();
    let body = move || {
        runtime.block_on(async {
            tokio::select! {
                () = cron::run(node.clone()) => {}
                () = eviction::run(node.clone()) => {}
                _ = stopped => {}
            }
        });
    };
    thread::Builder::new().name("cron".to_owned()).spawn(body)?;
    Ok(stop)
}

async fn tell_of_threads_on_alarm() {
    if let Err(error) = crash::tell_of_threads_on_alarm().await {
        tracing::warn!(%error, "cannot watch for SIGALRM");
    }
}

/// What comes of a load that is soon over. Where there is nothing to load it is waited for its end, however long the disk takes to
/// begin new files: no client is told that data are loaded then.
async fn early<T>(node: &Node, mut load: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    loop {
        match tokio::time::timeout(persistence::SHORT_LOAD, load.as_mut()).await {
            Ok(loaded) => return Some(loaded),
            Err(_) if node.persistence.loading.total_bytes.load(Ordering::Relaxed) > 0 => return None,
            Err(_) => {}
        }
    }
}

/// The data that the node had. Clients that come meanwhile are told that the node is loading.
async fn load(node: &Arc<Node>) -> anyhow::Result<()> {
    let loading_node = node.clone();
    let loaded = tokio::task::spawn_blocking(move || persistence::load_data(&loading_node)).await;
    let loaded = loaded.context("loading the data was interrupted")?;
    // Why an append-only file cannot be loaded is in the log already, and is looked for in its last line.
    if let Err(error) = &loaded
        && !error.is::<Unloadable>()
    {
        // Standard error, where it is told too, may lead nowhere.
        tracing::error!("Fatal error loading the DB: {error:#}. Exiting.");
    }
    loaded
}

/// Ends with the first request to shut down that could be met.
async fn wait_for_the_end(
    node: &Arc<Node>,
    mut requests: mpsc::UnboundedReceiver<ShutdownRequest>,
) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot watch for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot watch for SIGINT")?;
    loop {
        let by_signal = |flags: config::ShutdownFlags| ShutdownRequest {
            save: if flags.save {
                Some(true)
            } else if flags.nosave {
                Some(false)
            } else {
                None
            },
            force: flags.force,
            now: flags.now,
            failover: node.settings().auto_failover_on_shutdown,
        };
        let request = tokio::select! {
            _ = terminate.recv() => {
                tracing::warn!("SIGTERM: shutting down");
                by_signal(node.settings().shutdown_on_sigterm)
            }
            _ = interrupt.recv() => {
                tracing::warn!("SIGINT: shutting down");
                by_signal(node.settings().shutdown_on_sigint)
            }
            request = requests.recv() => match request {
                // Who asked for it was answered with those whose shutdown was given up before its turn came.
                Some(_) if !node.persistence.is_shutdown_awaited() => continue,
                Some(request) => request,
                None => return Ok(()),
            },
        };
        let prepared = tokio::select! {
            prepared = shutdown::prepare(node, request) => prepared,
            _ = interrupt.recv() => anyhow::bail!("a second SIGINT: ended at once, without what was left to do"),
        };
        match prepared {
            Ok(()) => {
                tracing::warn!("ready to exit, bye bye");
                return Ok(());
            }
            Err(error) => tracing::error!("{error:#}"),
        }
    }
}

/// What was half written when an earlier process was killed is of no use to anybody.
fn remove_leftovers(node: &Node, settings: &Settings) {
    let disk = &*node.disk;
    for before in ["temp-", "temp-replication-"] {
        disk::remove_leftovers(disk, &settings.dir, before, ".rdb");
    }
    let users = settings.aclfile.as_ref().map(|path| settings.resolve(path));
    for path in node.config_file.iter().chain(&users) {
        disk::remove_leftovers_of(disk, path);
    }
}

fn open_doors(settings: &Settings) -> anyhow::Result<Listeners> {
    let listeners = Listeners::open(settings)?;
    anyhow::ensure!(
        !listeners.is_empty(),
        "neither 'port' nor 'unixsocket' opens a door: no client could come in"
    );
    Ok(listeners)
}

fn write_pid_file(settings: &Settings) -> Option<std::path::PathBuf> {
    let path = settings.resolve(settings.pidfile.as_deref()?);
    match std::fs::write(&path, format!("{}\n", std::process::id())) {
        Ok(()) => Some(path),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "the pid file could not be written");
            None
        }
    }
}

/// 40 hexadecimal digits nobody else has.
pub fn random_id() -> anyhow::Result<String> {
    let mut bytes = [0u8; 20];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow::anyhow!("the system gives no random bytes: {error}"))?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

fn random_seed() -> anyhow::Result<u64> {
    getrandom::u64().map_err(|error| anyhow::anyhow!("the system gives no random bytes: {error}"))
}

/// A file that may not grow further (ulimit -f) shall be an error of the write, as a full disk is, and not the
/// end of the process.
fn outlive_full_files() {
    // SAFETY: ignoring a signal installs no handler, so nothing runs in its context.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// Each client needs a file descriptor; the node itself a few dozen. An error tells how many clients there is room for.
pub fn raise_open_files_limit(max_clients: u32) -> Result<(), u32> {
    const OWN_FILES: libc::rlim_t = 128;
    let wanted = libc::rlim_t::from(max_clients) + OWN_FILES;
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid place for the answer.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } != 0 || limit.rlim_cur >= wanted {
        return Ok(());
    }
    let set = |rlim_cur, rlim_max| {
        let raised = libc::rlimit { rlim_cur, rlim_max };
        // SAFETY: `raised` is a valid limit that lives through the call.
        unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raised) == 0 }
    };
    // Beyond the hard limit only who may everything can go.
    if set(wanted, wanted.max(limit.rlim_max)) {
        return Ok(());
    }
    let reached = if set(limit.rlim_max, limit.rlim_max) { limit.rlim_max } else { limit.rlim_cur };
    Err(u32::try_from(reached.saturating_sub(OWN_FILES)).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::in_memory;
    use std::time::Duration;

    #[tokio::test]
    async fn the_doors_stay_closed_where_there_is_nothing_to_load() {
        let node = in_memory::node();
        let slow = || async {
            tokio::time::sleep(persistence::SHORT_LOAD + Duration::from_millis(100)).await;
            "begun"
        };
        assert_eq!(early(&node, std::pin::pin!(slow())).await, Some("begun"));
        node.persistence.loading.begin(1);
        assert_eq!(early(&node, std::pin::pin!(std::future::pending::<()>())).await, None);
        assert_eq!(early(&node, std::pin::pin!(std::future::ready("loaded"))).await, Some("loaded"));
    }
}
