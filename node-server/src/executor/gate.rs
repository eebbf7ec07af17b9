//! What stands between a known command and its handler.

use std::sync::Arc;

use rcl_proto::resp::Args;
use rcl_proto::{Slot, key_slot};

use super::lock::{Held, Wanted};
use super::{Request, slot_use, transaction};
use crate::access::{self, log::Place};
use crate::client::{Session, Transaction};
use crate::clock;
use crate::command::spec::{Begin, Find, Flags, KeySpec, flag};
use crate::command::{CommandError, CommandSpec, Locks, Park, find_keys};
use crate::commands::scripting::is_wide;
use crate::eviction::{self, Room};
use crate::node::Node;
use crate::pause::PauseLevel;
use crate::routing::{self, Asker, Question};
use crate::scripting::debugger::Mode;
use crate::shard::{HeldLong, Shard};

/// Facts about the node for which some commands are refused. None of them holds on a healthy master, so that
/// one look at their sum is enough.
pub mod node_state {
    pub const LOADING: u32 = 1 << 0;
    /// This node is a replica, and `replica-read-only` holds.
    pub const READ_ONLY_REPLICA: u32 = 1 << 1;
    /// This node is a replica without its master, and may not answer from old data.
    pub const STALE: u32 = 1 << 2;
    /// The last save failed, and `stop-writes-on-bgsave-error` holds.
    pub const SAVE_FAILED: u32 = 1 << 3;
    /// Fewer good replicas than `min-replicas-to-write`.
    pub const TOO_FEW_REPLICAS: u32 = 1 << 4;
    /// A script runs for longer than `busy-reply-threshold`.
    pub const BUSY: u32 = 1 << 5;
    /// DEBUG SLEEP: every request waits.
    pub const ASLEEP: u32 = 1 << 6;
    /// A copy of the master's data is loaded beside those that serve.
    pub const ASYNC_LOADING: u32 = 1 << 7;
    /// The append-only file cannot be written.
    pub const AOF_FAILED: u32 = 1 << 8;
}

const NO_AUTH: CommandError = CommandError::fixed("NOAUTH Authentication required.");
const LOADING: CommandError = CommandError::fixed("LOADING Redis is loading the dataset in memory");
pub const READ_ONLY: CommandError =
    CommandError::fixed("READONLY You can't write against a read only replica.");
pub const MASTER_DOWN: CommandError =
    CommandError::fixed("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.");
pub const SAVE_FAILED: CommandError = CommandError::fixed(
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that \
     may modify the data set are disabled, because this instance is configured to report errors during writes if RDB \
     snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.",
);
pub const OUT_OF_MEMORY: CommandError =
    CommandError::fixed("OOM command not allowed when used memory > 'maxmemory'.");
pub const TOO_FEW_REPLICAS: CommandError =
    CommandError::fixed("NOREPLICAS Not enough good replicas to write.");
const NOT_IN_TRANSACTION: CommandError = CommandError::fixed("ERR Command not allowed inside a transaction");

/// What the gate decided.
pub enum Admitted<'a> {
    /// Run it, with these shards locked; its keys, if it has any, lie in `slot`.
    Run {
        held: Held<'a>,
        slot: Option<Slot>,
    },
    /// It goes into the open transaction.
    Queue {
        slot: Option<Slot>,
    },
    Park(Park),
}

#[inline(always)]
pub fn admit<'a>(
    node: &'a Arc<Node>,
    session: &mut Session,
    request: &Request<'_>,
    asking: bool,
    request_bytes: usize,
    kept: &mut Held<'a>,
) -> Result<Admitted<'a>, CommandError> {
    let spec = request.spec;
    let keeps = !kept.is_none() && may_keep(node, session, request);
    if !keeps {
        *kept = Held::None;
    }
    if !session.authenticated && !spec.has(flag::NO_AUTH) && !node.access.default_user().needs_no_log_in() {
        return Err(NO_AUTH);
    }
    if !session.user.is_unrestricted() {
        let place = if session.in_transaction() { Place::Multi } else { Place::TopLevel };
        access::check(node, session, request, place)?;
    }
    let slot = slot_of(node, session, request)?;
    // Before a shard is locked: it locks others.
    let room = if session.is_master_link || keeps { Room::Enough } else { eviction::make_room(node) };
    let queueing = session.in_transaction() && !transaction::acts_at_once(request);
    if !keeps {
        check_busy(node, session, request)?;
    }
    let wanted_shards = wanted(node, session, request, slot, queueing);
    let locked = match wanted_shards {
        Wanted::AllAndRole => {
            check_state(node, session, request)?;
            Held::all_and_role(node).ok_or(LOADING)?
        }
        wanted_shards => kept.or_lock(&node.shards, wanted_shards),
    };
    let mut held = match locked {
        Ok(held) => held,
        // What the master has done is done here, too, when the script is through.
        Err(HeldLong) if session.is_master_link => {
            Held::for_master(&node.shards, wanted(node, session, request, slot, queueing))
        }
        Err(HeldLong) => return Err(busy(node, session, request)),
    };
    if let Some(slot) = slot
        && node.is_cluster()
        && !session.is_master_link
        && let Some(shard) = held.get(node.shards.index_of(slot))
    {
        let route = check_route(node, session, request, slot, asking, shard);
        let is_loading = is_loading(node, spec);
        route.map_err(|error| if is_loading && routing::is_down(&error) { LOADING } else { error })?;
    }
    let allowed = check_state(node, session, request).and_then(|()| check_memory(session, request, room));
    if node.counts_slots()
        && (allowed.is_err() || queueing)
        && let Some(slot) = slot
    {
        slot_use::count_request(node, &mut held, slot, request_bytes);
    }
    allowed?;
    if queueing {
        return if spec.has(flag::NO_MULTI) { Err(NOT_IN_TRANSACTION) } else { Ok(Admitted::Queue { slot }) };
    }
    if !session.is_master_link
        && something_is_held_back(node, slot, &mut held)
        && let Some(park) = wait_for_its_turn(node, session, request, slot, &mut held)
    {
        return Ok(Admitted::Park(park));
    }
    Ok(Admitted::Run { held, slot })
}

/// Whether a request may come to the shard that the one before it held, which is locked while this one is looked at: so nothing
/// may wait, or lock another one.
#[inline]
fn may_keep(node: &Node, session: &Session, request: &Request<'_>) -> bool {
    request.spec.locks == Locks::Keys
        && node.state() == 0
        && node.eviction.limit() == 0
        && session.user.is_unrestricted()
        && !session.in_transaction()
}

/// The slot of the request's keys; `None` when it has none. Without a cluster all keys lie in one place.
#[inline(always)]
fn slot_of(node: &Node, session: &Session, request: &Request<'_>) -> Result<Option<Slot>, CommandError> {
    if request.spec.keys.is_empty() && request.spec.locks != Locks::Transaction {
        Ok(None)
    } else if !node.is_cluster() && request.spec.locks != Locks::Transaction {
        Ok(Some(Slot::MIN))
    } else {
        slot_in_cluster(session, request)
    }
}

/// The same in a cluster, and of a transaction.
fn slot_in_cluster(session: &Session, request: &Request<'_>) -> Result<Option<Slot>, CommandError> {
    if request.spec.locks == Locks::Transaction {
        let Some(transaction) = &session.transaction else { return Ok(None) };
        let may_cross = session.is_master_link || !transaction.cross_slot;
        return if may_cross { Ok(transaction.slot) } else { Err(routing::CROSS_SLOT) };
    }
    slot_of_keys(request.spec, request.args)
}

/// The slot of a command's keys in a cluster. `None` when it has none.
pub fn slot_of_keys(spec: &CommandSpec, args: Args<'_>) -> Result<Option<Slot>, CommandError> {
    match spec.keys {
        [KeySpec { begin: Begin::Index(index), find: Find::Range { last: 0, .. }, .. }] => {
            Ok(args.get(*index as usize).map(key_slot))
        }
        _ => common_slot(spec, args),
    }
}

fn common_slot(spec: &CommandSpec, args: Args<'_>) -> Result<Option<Slot>, CommandError> {
    // A count of keys that lies is the handler's to complain of.
    let keys = find_keys(spec, args).unwrap_or_default();
    let mut slots = keys.iter().map(|key| key_slot(&args[key.index]));
    let Some(first) = slots.next() else { return Ok(None) };
    if slots.all(|slot| slot == first) { Ok(Some(first)) } else { Err(routing::CROSS_SLOT) }
}

/// Which shards the request needs.
fn wanted(
    node: &Node,
    session: &Session,
    request: &Request<'_>,
    slot: Option<Slot>,
    queueing: bool,
) -> Wanted {
    let of_slot =
        |slot: Option<Slot>| slot.map_or(Wanted::None, |slot| Wanted::One(node.shards.index_of(slot)));
    match request.spec.locks {
        _ if queueing => of_slot(slot),
        Locks::Keys => of_slot(slot),
        Locks::EachShard => Wanted::None,
        Locks::AllShards => Wanted::All,
        Locks::Role if node.is_cluster() => Wanted::None,
        Locks::Role => Wanted::AllAndRole,
        // Without a cluster all lies in one shard.
        Locks::Script if !node.is_cluster() => Wanted::One(0),
        // It is not run twice, so it holds all that it may come to.
        Locks::Script if session.debugger != Mode::Off => Wanted::All,
        Locks::Script if is_wide(node, request.spec, request.args) => Wanted::All,
        Locks::Script => of_slot(slot),
        Locks::Transaction => transaction::wanted(node, session, slot),
    }
}

/// Whoever comes while the node sleeps, or has just begun to load, waits.
#[cold]
fn wait_while_all_stands_still(node: &Node, session: &Session, request: &Request<'_>) {
    let state = node.state();
    if state & node_state::ASLEEP != 0 {
        node.sleep.wait_until_over();
    }
    if state & node_state::LOADING != 0 && !session.is_master_link && !request.has(flag::LOADING) {
        node.persistence.loading.wait_for_a_short_one(node);
    }
}

/// While a script runs for long, what it holds is not waited for; without a cluster it holds everything.
fn check_busy(node: &Node, session: &Session, request: &Request<'_>) -> Result<(), CommandError> {
    let state = node.state();
    if state & (node_state::ASLEEP | node_state::LOADING) != 0 {
        wait_while_all_stands_still(node, session, request);
    }
    let is_busy = state & node_state::BUSY != 0
        && !session.is_master_link
        && !request.has(flag::ALLOW_BUSY)
        && (!node.is_cluster() || request.spec.locks == Locks::EachShard);
    if is_busy { Err(busy(node, session, request)) } else { Ok(()) }
}

/// What a request hears that would wait for a script. It may be one that is loaded: then that is what there is to wait for.
#[cold]
fn busy(node: &Node, session: &Session, request: &Request<'_>) -> CommandError {
    let is_loading = node.state() & node_state::LOADING != 0;
    if is_loading && !may_run_while(flag::LOADING, session, request) {
        LOADING
    } else {
        node.scripting.slow.busy()
    }
}

fn check_route(
    node: &Node,
    session: &Session,
    request: &Request<'_>,
    slot: Slot,
    asking: bool,
    shard: &mut Shard,
) -> Result<(), CommandError> {
    // Before the first map nobody knows whose the slot is.
    let map = shard.map.clone().ok_or(routing::DOWN)?;
    let question = Question {
        spec: request.spec,
        is_write: writes(session, request),
        slot,
        is_channel: is_about_channels(session, request),
        asker: Asker { asking, readonly: session.readonly },
        endpoint: node.settings().cluster_preferred_endpoint_type,
    };
    routing::route(&map, &question, || count_keys(session, request, slot, shard))
}

/// True when what lies in the slot is a sharded channel: for EXEC, when nothing else does.
fn is_about_channels(session: &Session, request: &Request<'_>) -> bool {
    let has_channel = |spec: &CommandSpec| spec.keys.iter().any(KeySpec::is_channel);
    match &session.transaction {
        Some(transaction) if request.spec.locks == Locks::Transaction => {
            let mut with_keys =
                transaction.commands.iter().filter(|queued| !queued.command.spec.keys.is_empty());
            with_keys.all(|queued| has_channel(queued.command.spec))
        }
        _ => has_channel(request.spec),
    }
}

/// How many keys the request has, and how many of them are not here. The first one counts once, however often it is
/// named.
fn count_keys(session: &Session, request: &Request<'_>, slot: Slot, shard: &Shard) -> (usize, usize) {
    let now_ms = clock::now_ms();
    let mut first: Option<Box<[u8]>> = None;
    let mut counts = (0, 0);
    each_key(session, request, |key| {
        match &first {
            Some(first) if **first == *key => return,
            Some(_) => {}
            None => first = Some(key.into()),
        }
        counts.0 += 1;
        if !shard.holds(session.database, slot, key, now_ms) {
            counts.1 += 1;
        }
    });
    counts
}

/// Shows `visit` all keys of the request: for EXEC, those of the queued commands.
fn each_key(session: &Session, request: &Request<'_>, mut visit: impl FnMut(&[u8])) {
    let mut visit_keys = |spec: &'static CommandSpec, args: Args<'_>| {
        find_keys(spec, args).unwrap_or_default().iter().for_each(|key| visit(&args[key.index]));
    };
    match &session.transaction {
        Some(transaction) if request.spec.locks == Locks::Transaction => {
            transaction
                .commands
                .iter()
                .for_each(|queued| visit_keys(queued.command.spec, queued.args.as_args()));
        }
        _ => visit_keys(request.spec, request.args),
    }
}

/// True when the request may change data: for EXEC, when a queued command may.
fn writes(session: &Session, request: &Request<'_>) -> bool {
    match &session.transaction {
        Some(transaction) if request.spec.locks == Locks::Transaction => transaction.writes(),
        _ => request.has(flag::WRITE),
    }
}

/// True when the request may add data: for EXEC, when a queued command may.
fn wants_memory(session: &Session, request: &Request<'_>) -> bool {
    match &session.transaction {
        Some(transaction) if request.spec.locks == Locks::Transaction => {
            transaction.commands.iter().any(|queued| queued.flags & flag::DENYOOM != 0)
        }
        _ => request.has(flag::DENYOOM),
    }
}

#[inline]
fn check_state(node: &Node, session: &Session, request: &Request<'_>) -> Result<(), CommandError> {
    if node.state() == 0 && !session.in_resp2_pubsub() {
        return Ok(());
    }
    check_some_state(node, session, request)
}

fn check_some_state(node: &Node, session: &Session, request: &Request<'_>) -> Result<(), CommandError> {
    let spec = request.spec;
    if session.in_resp2_pubsub() && !allowed_while_subscribed(spec.name, request.container.is_some()) {
        let name = request.full_name();
        return Err(CommandError::new(format!(
            "ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"
        )));
    }
    let state = node.state();
    if state == 0 || session.is_master_link {
        return Ok(());
    }
    let is = |bit| state & bit != 0;
    let is_write = writes(session, request);
    if is(node_state::SAVE_FAILED) && is_write && !is(node_state::READ_ONLY_REPLICA) {
        return Err(SAVE_FAILED);
    }
    if is(node_state::AOF_FAILED) && is_write && !is(node_state::READ_ONLY_REPLICA) {
        return Err(CommandError::new(node.persistence.aof.failure_text()));
    }
    if is(node_state::TOO_FEW_REPLICAS) && is_write && !is(node_state::READ_ONLY_REPLICA) {
        return Err(TOO_FEW_REPLICAS);
    }
    if is(node_state::READ_ONLY_REPLICA) && is_write {
        return Err(READ_ONLY);
    }
    if is(node_state::STALE) && !may_run_while(flag::STALE, session, request) {
        return Err(MASTER_DOWN);
    }
    if is(node_state::LOADING) && !may_run_while(flag::LOADING, session, request) {
        return Err(LOADING);
    }
    if is(node_state::ASYNC_LOADING) && refused_beside_a_load(session, request) {
        return Err(LOADING);
    }
    Ok(())
}

/// Some requests would disturb the load although the data that serve are others; for EXEC, if a queued command would.
fn refused_beside_a_load(session: &Session, request: &Request<'_>) -> bool {
    let queued = match &session.transaction {
        Some(transaction) if request.spec.locks == Locks::Transaction => &*transaction.commands,
        _ => &[],
    };
    request.has(flag::NO_ASYNC_LOADING)
        || queued.iter().any(|queued| queued.flags & flag::NO_ASYNC_LOADING != 0)
}

/// True when the request has this flag, for a state in which others are refused; for EXEC, when the queued commands have it.
fn may_run_while(flag: Flags, session: &Session, request: &Request<'_>) -> bool {
    let has = match &session.transaction {
        Some(transaction) if request.spec.locks == Locks::Transaction => {
            transaction.commands.iter().all(|queued| queued.flags & flag != 0)
        }
        _ => true,
    };
    has && request.has(flag)
}

/// Without room what wants memory is refused, and so is what would be queued: that takes memory, too.
fn check_memory(session: &Session, request: &Request<'_>, room: Room) -> Result<(), CommandError> {
    let is_queued = || session.in_transaction() && !transaction::acts_at_once(request);
    let refused = room == Room::None && (wants_memory(session, request) || is_queued());
    if refused { Err(OUT_OF_MEMORY) } else { Ok(()) }
}

/// While the node loads it may not know yet how the cluster is either; that it loads is the better reason.
fn is_loading(node: &Node, spec: &CommandSpec) -> bool {
    node.state() & node_state::LOADING != 0 && !spec.has(flag::LOADING)
}

fn allowed_while_subscribed(name: &str, is_subcommand: bool) -> bool {
    const ALLOWED: [&str; 9] = [
        "ping",
        "subscribe",
        "ssubscribe",
        "unsubscribe",
        "sunsubscribe",
        "psubscribe",
        "punsubscribe",
        "quit",
        "reset",
    ];
    !is_subcommand && ALLOWED.contains(&name)
}

/// Whether there is a pause, or a key of these shards is on its way to another node.
#[inline]
fn something_is_held_back(node: &Node, slot: Option<Slot>, held: &mut Held<'_>) -> bool {
    held.any(|shard| shard.pause != PauseLevel::None)
        || node.pause.level() != PauseLevel::None
        || slot
            .and_then(|slot| held.get(node.shards.index_of(slot)))
            .is_some_and(|shard| !shard.departing.is_empty())
}

/// A request that comes during a pause, or wants to write a key that is on its way to another node, waits.
fn wait_for_its_turn(
    node: &Node,
    session: &mut Session,
    request: &Request<'_>,
    slot: Option<Slot>,
    held: &mut Held<'_>,
) -> Option<Park> {
    let may_write = writes(session, request) || request.has(flag::MAY_REPLICATE);
    let held_back_at = if may_write { PauseLevel::Writes } else { PauseLevel::All };
    // Set in each shard under its lock before a pause counts as begun, so no write slips in behind its barrier.
    let paused = held.any(|shard| shard.pause >= held_back_at) || node.pause.level() >= held_back_at;
    if paused && !session.handle.is_replica() && request.spec.name != "unpause" {
        let wait = session.begin_wait();
        if node.pause.wait_for_end(&wait, held_back_at) {
            return Some(Park::until(wait));
        }
        // It ended just now; this shard will hear of it in a moment.
    }
    let shard = held.get(node.shards.index_of(slot?))?;
    if shard.departing.is_empty() || !may_write {
        return None;
    }
    let mut departing: Option<Box<[u8]>> = None;
    each_key(session, request, |key| {
        if departing.is_none() && shard.departing.contains(session.database, key) {
            departing = Some(key.into());
        }
    });
    let departing = departing?;
    let wait = session.begin_wait();
    shard.departing.wait_for(session.database, &departing, wait.clone());
    Some(Park::until(wait))
}

impl Transaction {
    pub fn writes(&self) -> bool {
        self.commands.iter().any(|queued| queued.flags & flag::WRITE != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::in_memory::clients;

    #[test]
    fn while_data_are_loaded_a_slow_script_among_them_is_not_what_there_is_to_wait_for() {
        clients!(node: client);
        let held = node.shards.lock(0);
        node.shards.set_held_long(0, true);
        let mut answers = || ["GET a", "PING", "SCRIPT KILL"].map(|line| client.ask(line));
        let first_word = |answer: String| answer.split(' ').next().unwrap_or_default().to_owned();
        node.set_state(node_state::BUSY, true);
        assert_eq!(answers().map(first_word), ["-BUSY", "-BUSY", "-NOTBUSY"]);
        node.set_state(node_state::LOADING, true);
        assert_eq!(answers().map(first_word), ["-LOADING", "-LOADING", "-LOADING"]);
        drop(held);
    }
}
