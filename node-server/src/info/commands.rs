//! INFO's sections about what commands were called for, and how long they took.

use super::KeyspaceCounts;
use crate::command;
use crate::command_stats::CommandTotals;
use crate::node::Node;

/// `cmdstat_get:calls=…`
pub fn command_stats(node: &Node, _counts: &KeyspaceCounts) -> String {
    let line = |name: String, totals: CommandTotals| {
        let (calls, usec) = (totals.calls, totals.microseconds());
        let each = if calls > 0 { totals.nanoseconds as f64 / 1000.0 / calls as f64 } else { 0.0 };
        let (rejected, failed) = (totals.rejected, totals.failed);
        format!(
            "cmdstat_{name}:calls={calls},usec={usec},usec_per_call={each:.2},rejected_calls={rejected},failed_calls={failed}\r\n"
        )
    };
    used(node).filter(|(_, totals)| !totals.is_nothing()).map(|(name, totals)| line(name, totals)).collect()
}

/// `latency_percentiles_usec_get:p50=…`
pub fn latency_stats(node: &Node, _counts: &KeyspaceCounts) -> String {
    let wanted = node.settings().latency_tracking_info_percentiles.clone();
    let line = |name: String, totals: CommandTotals| {
        let percentiles: Vec<String> = wanted
            .iter()
            .map(|percent| format!("p{percent}={:.3}", totals.percentile_us(*percent)))
            .collect();
        format!("latency_percentiles_usec_{name}:{}\r\n", percentiles.join(","))
    };
    used(node)
        .filter(|(_, totals)| totals.remembered() > 0)
        .map(|(name, totals)| line(name, totals))
        .collect()
}

pub fn errors(node: &Node, _counts: &KeyspaceCounts) -> String {
    node.errors.all().iter().map(|(code, count)| format!("errorstat_{code}:count={count}\r\n")).collect()
}

fn used(node: &Node) -> impl Iterator<Item = (String, CommandTotals)> {
    command::each_known().map(|known| (known.full_name(), node.command_stats.totals(known.spec)))
}
