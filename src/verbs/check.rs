//! `rcl check`: what is wrong, how bad it is, and what mends it.

use rcl_proto::Address;
use serde::Serialize;

use crate::cli::{Failure, Kind, Session};
use crate::connect::{self, Cluster};
use crate::health::{self, Code, Finding, Severity, Strays};
use crate::output::{Paint, Report, number_of, paint};

const EXAMPLES: &str = "\
Examples:
  rcl check 10.0.0.1:6379
  rcl check 10.0.0.1:6379 --ignore no-replica --strict     for CI: a warning fails, too
  rcl -o json check 10.0.0.1:6379 | jq '.findings[].code'";

/// Checks the cluster as all its nodes see it
///
/// Coverage, open slots, slots with two owners, differences between the nodes' views, dead and half-forgotten nodes, masters
/// without replicas or with all of them on their own host, links that are down, shared epochs, keys on nodes that do not own
/// them. Each finding says who says so and what mends it. Exits with 1 when there are errors. rcl doctor looks at settings,
/// ports and versions, too.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Any node of the cluster
    #[arg(value_name = "HOST:PORT", env = "RCL_ENTRY")]
    pub entry: Address,

    #[command(flatten)]
    pub shown: Shown,

    /// Does not count keys on nodes that do not own them, which asks each node for all slots
    #[arg(long)]
    pub no_orphans: bool,
}

/// What of the findings is wanted.
#[derive(Debug, clap::Args)]
pub struct Shown {
    /// Leaves findings of this kind out
    #[arg(long, value_name = "CODE", value_enum, hide_possible_values = true)]
    pub ignore: Vec<Code>,

    /// Exits with 1 when there are warnings, too
    #[arg(long)]
    pub strict: bool,
}

#[derive(Debug, Serialize)]
pub struct Verdict {
    healthy: bool,
    nodes: usize,
    masters: usize,
    slots_covered: usize,
    findings: Vec<Finding>,
    /// What no client can see from afar.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    not_seen: &'static [&'static str],
}

impl Report for Verdict {
    fn text(&self) -> String {
        let mut lines = Vec::new();
        for finding in &self.findings {
            let (mark, style) = match finding.severity {
                Severity::Error => ("error", Paint::Bad),
                Severity::Warning => ("warning", Paint::Warn),
                Severity::Notice => ("notice", Paint::Strong),
            };
            lines.push(format!("{}  {}: {}", paint(style, mark), word(finding.code), finding.what));
            lines.extend(finding.evidence.iter().map(|said| format!("  {}: {}", said.node, said.says)));
            lines.push(format!("  mend: {}", finding.mend));
        }
        lines.extend(self.not_seen.iter().map(|what| format!("not seen from here: {what}")));
        let verdict = if self.healthy { paint(Paint::Good, "ok") } else { paint(Paint::Bad, "not ok") };
        lines.push(format!(
            "{verdict}: {}, {}, {} of 16384 slots covered",
            number_of(self.nodes, "node"),
            number_of(self.masters, "master"),
            self.slots_covered
        ));
        lines.join("\n")
    }
}

fn word(code: Code) -> String {
    clap::ValueEnum::to_possible_value(&code).map(|value| value.get_name().to_owned()).unwrap_or_default()
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let cluster = Cluster::observe(&session.connector, &args.entry).await?;
    let strays = if args.no_orphans { Strays::default() } else { connect::strays(&cluster).await? };
    let findings = health::structure(&cluster.topology, &strays, &args.entry.to_string());
    tell(session, &cluster, findings, &args.shown, &[])
}

/// Prints the findings, and ends as they are.
pub fn tell(
    session: &Session,
    cluster: &Cluster,
    mut findings: Vec<Finding>,
    shown: &Shown,
    not_seen: &'static [&'static str],
) -> Result<(), Failure> {
    findings.retain(|finding| !shown.ignore.contains(&finding.code));
    let worst = if shown.strict { Severity::Warning } else { Severity::Error };
    let healthy = findings.iter().all(|finding| finding.severity > worst);
    let topology = &cluster.topology;
    session.output.print(&Verdict {
        healthy,
        nodes: topology.nodes.len(),
        masters: topology.masters().len(),
        slots_covered: rcl_proto::SLOT_COUNT - topology.uncovered().len(),
        findings,
        not_seen,
    });
    if healthy { Ok(()) } else { Err(Failure::new(Kind::Unhealthy, "")) }
}
