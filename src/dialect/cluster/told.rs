//! redis-cli's words around what a verb does: before it, for its plan, at its end.
//!
//! Colours are redis-cli's, where stdout is a terminal.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};

use rcl_proto::{Address, NodeId};

use super::ClusterCommand;
use super::show::{self, ranges};
use crate::cli::{Failure, Kind, Session};
use crate::connect::Cluster;
use crate::dialect::options::{Refusal, text};
use crate::plan::{Move, NodeRef, Plan, Step};
use crate::topology::Node;

pub fn info(text: &str) -> String {
    coloured("29;1", text)
}

pub fn good(text: &str) -> String {
    coloured("32;1", text)
}

pub fn warning(text: &str) -> String {
    coloured("33;1", text)
}

pub fn bad(text: &str) -> String {
    coloured("31;1", text)
}

fn coloured(code: &str, text: &str) -> String {
    let line = text.trim_end_matches('\n');
    format!("\x1b[{code}m{line}\x1b[0m{}", &text[line.len()..])
}

/// To stdout, at once. A reader that went away is no error.
pub fn say(text: &str) {
    let mut out = anstream::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

pub fn say_bad(text: &str) {
    say(&bad(text));
}

pub fn failure(failure: &Failure) {
    if !failure.what.is_empty() {
        say(&bad(&format!("[ERR] {}\n", failure.what)));
    }
    if let Some(next) = &failure.next {
        say(&format!("  next: {next}\n"));
    }
}

/// What is said before anything is looked at.
pub fn opening(command: &ClusterCommand) -> Result<String, Refusal> {
    let entry = command.first_node()?;
    let line = match command.name.as_str() {
        "create" => {
            let count = command.arguments.len();
            format!(">>> Performing hash slots allocation on {count} nodes...\n")
        }
        "add-node" => format!(">>> Adding node {} to cluster {entry}\n", text(&command.arguments[0])?),
        "del-node" => format!(">>> Removing node {} from cluster {entry}\n", command.removed_node()?),
        "import" => {
            let source = command.value("from").unwrap_or_default();
            format!(">>> Importing data from {source} to cluster {entry}\n")
        }
        _ => return Ok(String::new()),
    };
    Ok(info(&line))
}

/// What is said when it is done.
pub fn closing(command: &ClusterCommand) -> String {
    match command.name.as_str() {
        "add-node" => good("[OK] New node added correctly.\n"),
        "backup" => {
            let folder = command.arguments.last().map(|word| String::from_utf8_lossy(word).into_owned());
            good(&format!("[OK] Backup created into: {}\n", folder.unwrap_or_default()))
        }
        _ => String::new(),
    }
}

/// Tells the plan and asks; true when it is to be carried out.
pub fn agreed(
    session: &Session,
    cluster: &Cluster,
    plan: &Plan,
    rebalances: bool,
    verbose: bool,
) -> Result<bool, Failure> {
    let shown = Shown { cluster };
    let creates = plan.steps.iter().any(|step| matches!(step, Step::SetEpoch { .. }));
    let question = if creates {
        say(&shown.creation(plan));
        "Can I set the above configuration? (type 'yes' to accept): "
    } else if rebalances {
        say(&shown.rebalancing(plan, verbose));
        ""
    } else if plan.moves().next().is_some() {
        say(&shown.resharding(plan));
        "Do you want to proceed with the proposed reshard plan (yes/no)? "
    } else {
        say(&shown.joining(plan));
        "Do you want to proceed? (type 'yes' to accept): "
    };
    for text in &plan.warnings {
        say(&warning(&format!("[WARNING] {text}\n")));
    }
    if session.is_dry_run() {
        return Ok(false);
    }
    if !session.says_yes() && !says_yes(question) {
        return Err(Failure::new(Kind::NotConfirmed, "not confirmed, nothing was changed"));
    }
    if creates {
        say(&info(">>> Assign a different config epoch to each node\n"));
        say(&info(">>> Sending CLUSTER MEET messages to join the cluster\n"));
        say("Waiting for the cluster to join\n");
    }
    Ok(true)
}

pub fn needs_no_rebalancing() {
    say(&warning("*** No rebalancing needed! All nodes are within the threshold.\n"));
}

/// What was written, or typed, behind the question.
pub fn answer(question: &str) -> String {
    say(question);
    let mut line = String::new();
    let _ = io::stdin().lock().read_line(&mut line);
    line.trim().to_owned()
}

fn says_yes(question: &str) -> bool {
    answer(question) == "yes"
}

struct Shown<'a> {
    cluster: &'a Cluster,
}

impl Shown<'_> {
    fn creation(&self, plan: &Plan) -> String {
        let mut text = String::new();
        let given = plan.steps.iter().filter_map(|step| match step {
            Step::AddSlots { node, slots } => Some((node, slots)),
            _ => None,
        });
        let given: Vec<_> = given.collect();
        for (index, (_, slots)) in given.iter().enumerate() {
            let (first, last) = (slots.iter().next(), slots.iter().last());
            if let (Some(first), Some(last)) = (first, last) {
                text.push_str(&format!("Master[{index}] -> Slots {first} - {last}\n"));
            }
        }
        let replicas: Vec<(&NodeRef, &NodeRef)> = plan
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Replicate { replica, master } => Some((replica, master)),
                _ => None,
            })
            .collect();
        for (replica, master) in &replicas {
            text.push_str(&format!("Adding replica {} to {}\n", replica.address, master.address));
        }
        for (node, slots) in &given {
            let count = slots.len();
            text.push_str(&format!(
                "M: {}\n   slots:{} ({count} slots) master\n",
                show::named(node),
                ranges(slots)
            ));
        }
        for (replica, master) in &replicas {
            text.push_str(&format!("S: {}\n   replicates {}\n", show::named(replica), master.id));
        }
        text
    }

    fn resharding(&self, plan: &Plan) -> String {
        let moves: Vec<&Move> = plan.moves().collect();
        let slots: usize = moves.iter().map(|part| part.slots.len()).sum();
        let mut text = format!("\nReady to move {slots} slots.\n  Source nodes:\n");
        for source in distinct(moves.iter().map(|part| &part.source)) {
            text.push_str(&(self.node(source) + "\n"));
        }
        text.push_str("  Destination node:\n");
        for target in distinct(moves.iter().map(|part| &part.target)) {
            text.push_str(&(self.node(target) + "\n"));
        }
        text.push_str("  Resharding plan:\n");
        for part in &moves {
            for slot in part.slots.iter() {
                text.push_str(&format!("    Moving slot {slot} from {}\n", part.source.id));
            }
        }
        text
    }

    fn rebalancing(&self, plan: &Plan, verbose: bool) -> String {
        let mut balance: BTreeMap<NodeId, i64> = BTreeMap::new();
        let mut text = String::new();
        for part in plan.moves() {
            let count = part.slots.len() as i64;
            *balance.entry(part.source.id).or_default() += count;
            *balance.entry(part.target.id).or_default() -= count;
        }
        text.push_str(&info(&format!(">>> Rebalancing across {} nodes.\n", balance.len())));
        if verbose {
            for (id, slots) in &balance {
                text.push_str(&format!("{} balance is {slots} slots\n", self.address(*id)));
            }
        }
        for part in plan.moves() {
            let count = part.slots.len();
            text.push_str(&format!(
                "Moving {count} slots from {} to {}\n",
                part.source.address, part.target.address
            ));
        }
        text
    }

    /// Whatever else: nodes that come and go, slots that are mended.
    fn joining(&self, plan: &Plan) -> String {
        let mut text = String::new();
        for step in &plan.steps {
            let line = match step {
                Step::CopyFunctions { target, .. } => {
                    format!(
                        ">>> Getting functions from cluster\n>>> Send FUNCTION RESTORE to {}\n",
                        target.address
                    )
                }
                Step::Meet { nodes, .. } => nodes
                    .iter()
                    .map(|node| {
                        format!(
                            ">>> Send CLUSTER MEET to node {} to make it join the cluster.\n",
                            node.address
                        )
                    })
                    .collect(),
                Step::Replicate { master, .. } => {
                    format!(">>> Configure node as replica of {}.\n", master.address)
                }
                Step::Forget { .. } => ">>> Sending CLUSTER FORGET messages to the cluster...\n".to_owned(),
                Step::Reset { .. } => ">>> Sending CLUSTER RESET to the deleted node.\n".to_owned(),
                Step::AddSlots { node, slots } => {
                    format!(">>> Covering slots {} with {}\n", ranges(slots), node.address)
                }
                Step::SetOwner { node, slots } => {
                    format!(">>> Setting {} as the owner of slots {}\n", node.address, ranges(slots))
                }
                Step::CloseSlots { node, slots } => {
                    format!(">>> Closing slots {} on {}\n", ranges(slots), node.address)
                }
                Step::ReturnKeys { source, target, slots } => format!(
                    ">>> Moving the keys of slots {} from {} to {}\n",
                    ranges(slots),
                    source.address,
                    target.address
                ),
                _ => continue,
            };
            text.push_str(&info(&line));
        }
        text
    }

    fn node(&self, node: &NodeRef) -> String {
        let Some(known) = self.cluster.topology.node(node.id) else {
            return format!("    {}", show::named(node));
        };
        let replicas = self.cluster.topology.replicas_of(node.id).len();
        let mut text = format!(
            "    M: {}\n       slots:{} ({} slots) master",
            show::named(node),
            ranges(&known.slots),
            known.slots.len()
        );
        if replicas > 0 {
            text.push_str(&format!("\n       {replicas} additional replica(s)"));
        }
        text
    }

    fn address(&self, id: NodeId) -> String {
        let node: Option<&Node> = self.cluster.topology.node(id);
        node.map(|node| &node.address).map_or_else(|| id.to_string(), Address::to_string)
    }
}

fn distinct<'a>(nodes: impl Iterator<Item = &'a NodeRef>) -> Vec<&'a NodeRef> {
    let mut seen: Vec<&NodeRef> = Vec::new();
    for node in nodes {
        if !seen.contains(&node) {
            seen.push(node);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_s_end_stays_outside_of_its_colour() {
        assert_eq!(good("[OK] x\n"), "\x1b[32;1m[OK] x\x1b[0m\n");
    }
}
