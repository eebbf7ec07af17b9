//! Memory, disks, and what is kept for replicas that come back.

use rcl_proto::NodeId;

use super::{Code, Finding, Ground, NodeGround, Severity, names};
use crate::output::bytes;
use crate::topology::Topology;

/// From here on, per cent of maxmemory, somebody should look.
const NEARLY_FULL_PERCENT: u64 = 90;
/// A break in the network that replicas should outlive without a full copy.
const BREAK_SECONDS: u64 = 60;
/// In milliseconds: below, a slow disk or a fork looks like a death; above, a dead master is missed for long.
const NODE_TIMEOUTS: std::ops::RangeInclusive<u64> = 1_000..=60_000;

pub fn look(topology: &Topology, ground: &Ground, entry: &str, found: &mut Vec<Finding>) {
    let mut common = |severity, code, nodes: Vec<NodeId>, what: &str, mend: String| {
        if !nodes.is_empty() {
            found.push(Finding::new(severity, code, format!("{}: {what}", names(topology, &nodes)), mend));
        }
    };
    let set = |directive: &str| format!("rcl set {entry} {directive}");
    common(
        Severity::Warning,
        Code::NoMaxmemory,
        ground.those(|here| here.number("maxmemory") == Some(0)),
        "no maxmemory, so the kernel decides who dies when memory ends",
        set("maxmemory BYTES"),
    );
    common(
        Severity::Notice,
        Code::FullCoverage,
        ground.those(|here| {
            here.says("cluster-require-full-coverage", "yes")
                && here.says("cluster-allow-reads-when-down", "no")
        }),
        "one slot without a master stops the whole cluster (cluster-require-full-coverage yes)",
        set("cluster-require-full-coverage no"),
    );
    common(
        Severity::Warning,
        Code::NodeTimeout,
        ground
            .those(|here| here.number("cluster-node-timeout").is_some_and(|ms| !NODE_TIMEOUTS.contains(&ms))),
        "cluster-node-timeout is below one second or above one minute",
        set("cluster-node-timeout 15000"),
    );
    common(
        Severity::Warning,
        Code::ReplTimeout,
        ground.those(|here| match (here.number("repl-timeout"), here.number("repl-ping-replica-period")) {
            (Some(timeout), Some(period)) => timeout <= period,
            _ => false,
        }),
        "repl-timeout is not above repl-ping-replica-period: a quiet master is taken for a dead one",
        set("repl-timeout 60"),
    );
    common(
        Severity::Notice,
        Code::Keepalive,
        ground.those(|here| here.number("tcp-keepalive") == Some(0) && here.number("timeout") == Some(0)),
        "neither tcp-keepalive nor timeout: connections of clients that died stay for ever",
        set("tcp-keepalive 300"),
    );
    let with_replicas = |id: &NodeId| {
        topology.node(*id).is_some_and(|node| node.is_master()) && !topology.replicas_of(*id).is_empty()
    };
    common(
        Severity::Notice,
        Code::MinReplicas,
        ground
            .those(|here| here.number("min-replicas-to-write") == Some(0))
            .into_iter()
            .filter(with_replicas)
            .collect(),
        "a master that is cut off takes writes for up to a node timeout, which are lost (min-replicas-to-write 0)",
        set("min-replicas-to-write 1"),
    );
    for (id, here) in ground.by_address(topology) {
        nearly_full(topology.name(*id), here, entry, found);
        backlog(topology.name(*id), here, &set, found);
        disk(topology.name(*id), here, found);
    }
    shards_without_a_disk(topology, ground, &set, found);
}

fn nearly_full(name: String, here: &NodeGround, entry: &str, found: &mut Vec<Finding>) {
    let (used, limit) = (here.info_number("used_memory"), here.number("maxmemory").unwrap_or(0));
    if limit == 0 || used.saturating_mul(100) < limit.saturating_mul(NEARLY_FULL_PERCENT) {
        return;
    }
    let policy = here.setting("maxmemory-policy").unwrap_or("unknown");
    let then = if policy == "noeviction" { "then writes fail" } else { "then keys go" };
    let what = format!("{name} uses {} of {}; {then} ({policy})", bytes(used), bytes(limit));
    let mend = format!("raise maxmemory, or add a master and rcl rebalance {entry} --use-empty-masters");
    found.push(Finding::new(Severity::Warning, Code::MemoryNearlyFull, what, mend));
}

fn backlog(name: String, here: &NodeGround, set: &dyn Fn(&str) -> String, found: &mut Vec<Finding>) {
    let (size, rate) = (here.number("repl-backlog-size"), here.written_bytes_per_second);
    let needed = rate.saturating_mul(BREAK_SECONDS);
    if let Some(size) = size.filter(|size| *size < needed) {
        let seconds = size / rate.max(1);
        let what = format!(
            "{name} writes {} a second: its backlog of {} holds {seconds} s, and a longer break costs a full copy",
            bytes(rate),
            bytes(size)
        );
        let mend = set(&format!("repl-backlog-size {}", needed.next_power_of_two()));
        found.push(Finding::new(Severity::Warning, Code::BacklogSmall, what, mend));
    }
    let limit = here.setting("client-output-buffer-limit").and_then(replica_limit).filter(|limit| *limit > 0);
    if let (Some(limit), Some(size)) = (limit, size)
        && limit < size.max(needed)
    {
        let what =
            format!("{name} cuts a replica off at {} of output, which its full copy may need", bytes(limit));
        let mend = set("client-output-buffer-limit \"replica 256mb 64mb 60\"");
        found.push(Finding::new(Severity::Warning, Code::ReplicaBufferSmall, what, mend));
    }
}

/// The hard limit of replicas, from `normal 0 0 0 slave 268435456 67108864 60 …`.
fn replica_limit(text: &str) -> Option<u64> {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.chunks(4).find(|class| matches!(class.first(), Some(&("slave" | "replica"))))?.get(1)?.parse().ok()
}

fn disk(name: String, here: &NodeGround, found: &mut Vec<Finding>) {
    let failed = |field: &str| here.info.get(field).is_some_and(|status| status == "err");
    for (field, what) in [
        ("rdb_last_bgsave_status", "its last snapshot"),
        ("aof_last_write_status", "its append-only file"),
        ("aof_last_bgrewrite_status", "its last rewrite of the append-only file"),
    ] {
        if failed(field) {
            let what = format!("{name} could not write {what}");
            let finding = Finding::new(
                Severity::Error,
                Code::PersistenceFailed,
                what,
                "look at its log and its disk's room",
            );
            found.push(finding.said(name.clone(), format!("{field}:err")));
        }
    }
}

/// A master that keeps nothing and is started again by its supervisor comes back empty, and its replicas with it.
fn shards_without_a_disk(
    topology: &Topology,
    ground: &Ground,
    set: &dyn Fn(&str) -> String,
    found: &mut Vec<Finding>,
) {
    let keeps_nothing =
        |id: NodeId| ground.0.get(&id).map(|here| here.says("save", "") && here.says("appendonly", "no"));
    let mut shards = Vec::new();
    for master in topology.masters().iter().filter(|node| !node.slots.is_empty()) {
        let mut nodes = vec![master.id];
        nodes.extend(topology.replicas_of(master.id).iter().map(|node| node.id));
        let known: Vec<bool> = nodes.iter().filter_map(|id| keeps_nothing(*id)).collect();
        if !known.is_empty() && known.iter().all(|nothing| *nothing) {
            shards.push(master.id);
        }
    }
    if !shards.is_empty() {
        let what = format!(
            "the shards of {} keep nothing on disk, on no node: started again at once, a master is empty, and so are its replicas then",
            names(topology, &shards)
        );
        found.push(Finding::new(Severity::Warning, Code::NoPersistence, what, set("appendonly yes")));
    }
}

#[cfg(test)]
mod tests {
    use super::replica_limit;

    #[test]
    fn the_limit_of_replicas_is_found_by_either_name() {
        assert_eq!(replica_limit("normal 0 0 0 slave 268435456 67108864 60 pubsub 1 2 3"), Some(268_435_456));
        assert_eq!(replica_limit("normal 0 0 0 replica 5 4 60"), Some(5));
        assert_eq!(replica_limit("normal 0 0 0"), None);
    }
}
