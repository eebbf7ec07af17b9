//! The answers of the CLUSTER subcommands, as Redis 7.2 writes them in RESP2 and RESP3.

use rcl_cluster::{LinkView, NodeView, Reply, ShardView, SlotsEntry};
use rcl_proto::resp::ReplyWriter;

use crate::config::EndpointType;
use crate::control::LinkTable;

pub fn reply(reply: &Reply, links: &LinkTable, endpoint: EndpointType, out: &mut ReplyWriter<'_>) {
    match reply {
        Reply::Ok => out.ok(),
        Reply::Integer(number) => out.integer(i64::try_from(*number).unwrap_or(i64::MAX)),
        Reply::Status(text) => out.simple(text),
        Reply::Text(text) => out.verbatim("txt", with_link_count(text, links).as_bytes()),
        Reply::Lines(lines) => {
            out.array(lines.len());
            lines.iter().for_each(|line| out.bulk(line.as_bytes()));
        }
        Reply::Id(id) => out.bulk(id.to_string().as_bytes()),
        Reply::Slots(entries) => slots(entries, endpoint, out),
        Reply::Shards(shards) => {
            out.array(shards.len());
            shards.iter().for_each(|view| shard(view, endpoint, out));
        }
        Reply::Links(views) => {
            out.array(views.len());
            views.iter().for_each(|view| link(view, links, out));
        }
        Reply::Error(text) => out.error(text),
    }
}

/// The core does not know the links' queues; how often one was too long is filled in here.
fn with_link_count(text: &str, links: &LinkTable) -> String {
    const FIELD: &str = "total_cluster_links_buffer_limit_exceeded:";
    text.replace(&format!("{FIELD}0\r\n"), &format!("{FIELD}{}\r\n", links.limit_exceeded()))
}

fn slots(entries: &[SlotsEntry], endpoint: EndpointType, out: &mut ReplyWriter<'_>) {
    out.array(entries.len());
    for entry in entries {
        out.array(2 + entry.nodes.len());
        out.integer(i64::from(entry.range.start().number()));
        out.integer(i64::from(entry.range.end().number()));
        entry.nodes.iter().for_each(|node| slots_node(node, endpoint, out));
    }
}

/// As Valkey 9.1 calls it in SLOTS and SHARDS; shown of nodes that say one.
const ZONE: &str = "availability-zone";

fn slots_node(node: &NodeView, endpoint: EndpointType, out: &mut ReplyWriter<'_>) {
    out.array(4);
    match endpoint {
        EndpointType::UnknownEndpoint => out.null(),
        _ => out.bulk(preferred(node, endpoint).as_bytes()),
    }
    out.integer(i64::from(node.port));
    out.bulk(node.id.to_string().as_bytes());
    // What is not the preferred endpoint is said beside it.
    let ip = (endpoint != EndpointType::Ip).then_some(("ip", &node.ip));
    let hostname = (endpoint != EndpointType::Hostname && !node.hostname.is_empty())
        .then_some(("hostname", &node.hostname));
    let zone = (!node.zone.is_empty()).then_some((ZONE, &node.zone));
    let others: Vec<_> = ip.into_iter().chain(hostname).chain(zone).collect();
    out.map(others.len());
    for (name, value) in others {
        out.bulk(name.as_bytes());
        out.bulk(value.as_bytes());
    }
}

fn preferred(node: &NodeView, endpoint: EndpointType) -> &str {
    match endpoint {
        EndpointType::Ip => &node.ip,
        EndpointType::Hostname if node.hostname.is_empty() => "?",
        EndpointType::Hostname => &node.hostname,
        EndpointType::UnknownEndpoint => "",
    }
}

fn shard(shard: &ShardView, endpoint: EndpointType, out: &mut ReplyWriter<'_>) {
    out.map(2);
    out.bulk(b"slots");
    let ranges = shard.slots.ranges();
    out.array(ranges.len() * 2);
    for range in ranges {
        out.integer(i64::from(range.start().number()));
        out.integer(i64::from(range.end().number()));
    }
    out.bulk(b"nodes");
    out.array(shard.nodes.len());
    shard.nodes.iter().for_each(|node| shard_node(node, endpoint, out));
}

fn shard_node(node: &NodeView, endpoint: EndpointType, out: &mut ReplyWriter<'_>) {
    let (has_hostname, has_second_port) = (!node.hostname.is_empty(), node.second_port != 0);
    let text = |out: &mut ReplyWriter<'_>, name: &str, value: &str| {
        out.bulk(name.as_bytes());
        out.bulk(value.as_bytes());
    };
    let has_zone = !node.zone.is_empty();
    out.map(7 + usize::from(has_hostname) + usize::from(has_second_port) + usize::from(has_zone));
    text(out, "id", &node.id.to_string());
    out.bulk(b"port");
    out.integer(i64::from(node.port));
    if has_second_port {
        out.bulk(b"tls-port");
        out.integer(i64::from(node.second_port));
    }
    text(out, "ip", &node.ip);
    text(out, "endpoint", preferred(node, endpoint));
    if has_hostname {
        text(out, "hostname", &node.hostname);
    }
    text(out, "role", if node.is_master { "master" } else { "replica" });
    out.bulk(b"replication-offset");
    out.integer(i64::try_from(node.replication_offset).unwrap_or(i64::MAX));
    text(out, "health", node.health);
    if has_zone {
        text(out, ZONE, &node.zone);
    }
}

fn link(view: &LinkView, links: &LinkTable, out: &mut ReplyWriter<'_>) {
    let used = links.buffers(view.link).map_or(0, |buffers| buffers.used);
    let used = i64::try_from(used).unwrap_or(i64::MAX);
    out.map(6);
    out.bulk(b"direction");
    out.bulk(if view.outbound { b"to" } else { b"from" });
    out.bulk(b"node");
    out.bulk(view.node.to_string().as_bytes());
    out.bulk(b"create-time");
    out.integer(i64::try_from(view.created_ms).unwrap_or(i64::MAX));
    out.bulk(b"events");
    out.bulk(if used > 0 { b"rw" } else { b"r" });
    // What is queued is all that is allocated.
    out.bulk(b"send-buffer-allocated");
    out.integer(used);
    out.bulk(b"send-buffer-used");
    out.integer(used);
}
