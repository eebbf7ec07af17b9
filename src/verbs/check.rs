//! `rcl check`: what is wrong, how bad it is, and what mends it.

use rcl_proto::Address;
use serde::Serialize;

use crate::cli::{Failure, Kind, Session};
use crate::connect::Cluster;
use crate::output::{Paint, Report, paint};
use crate::topology::{Finding, Severity, findings};

/// Checks the cluster as all its nodes see it
///
/// Coverage, open slots, differences between the nodes' views, dead nodes, masters without replicas, links
/// that are down, shared epochs. Each finding says what mends it. Exits with 1 when there are errors.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Any node of the cluster
    #[arg(value_name = "HOST:PORT", env = "RCL_ENTRY")]
    pub entry: Address,
}

#[derive(Debug, Serialize)]
struct Verdict {
    healthy: bool,
    nodes: usize,
    masters: usize,
    slots_covered: usize,
    findings: Vec<Finding>,
}

impl Report for Verdict {
    fn text(&self) -> String {
        let mut lines = Vec::new();
        for finding in &self.findings {
            let (mark, style) = match finding.severity {
                Severity::Error => ("error", Paint::Bad),
                Severity::Warning => ("warning", Paint::Warn),
            };
            lines.push(format!("{}  {}: {}", paint(style, mark), finding.code, finding.what));
            lines.push(format!("  mend: {}", finding.mend));
        }
        let verdict = if self.healthy { paint(Paint::Good, "ok") } else { paint(Paint::Bad, "not ok") };
        lines.push(format!(
            "{verdict}: {} nodes, {} masters, {} of 16384 slots covered",
            self.nodes, self.masters, self.slots_covered
        ));
        lines.join("\n")
    }
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let cluster = Cluster::observe(&session.connector, &args.entry).await?;
    let topology = &cluster.topology;
    let findings = findings(topology, &args.entry.to_string());
    let healthy = findings.iter().all(|finding| finding.severity != Severity::Error);
    session.output.print(&Verdict {
        healthy,
        nodes: topology.nodes.len(),
        masters: topology.masters().len(),
        slots_covered: rcl_proto::SLOT_COUNT - topology.uncovered().len(),
        findings,
    });
    if healthy { Ok(()) } else { Err(Failure::new(Kind::Unhealthy, "")) }
}
