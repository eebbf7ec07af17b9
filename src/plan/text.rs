//! A plan as text for a terminal: identical steps are put together, a plan of a hundred moves stays readable.

use super::{FailoverMode, Plan, Setting, Step};
use crate::output::{Paint, Report, bytes, number_of, paint};

impl Report for Plan {
    fn text(&self) -> String {
        let mut lines = vec![paint(Paint::Strong, &self.title)];
        if self.steps.is_empty() {
            lines.push("  nothing to do".into());
        }
        lines.extend(
            self.steps.iter().flat_map(|step| step_text(step).into_iter().map(|text| format!("  {text}"))),
        );
        if self.cost.slots > 0 {
            lines.push(format!(
                "  in all {}, about {}, {}",
                number_of(self.cost.slots, "slot"),
                number_of(self.cost.keys, "key"),
                bytes(self.cost.bytes)
            ));
        }
        if let Some(balance) = &self.balance {
            lines.extend(balance.text().lines().map(|line| format!("  {line}")));
        }
        lines.extend(self.warnings.iter().map(|text| format!("{} {text}", paint(Paint::Warn, "warning:"))));
        lines.join("\n")
    }
}

fn step_text(step: &Step) -> Vec<String> {
    let line = match step {
        // One line a master is enough; the epochs are in the JSON.
        Step::SetEpoch { .. } => return Vec::new(),
        Step::AddSlots { node, slots } => format!("give     {}  slots {slots}", node.name()),
        Step::CopyFunctions { source, target } => {
            format!("copy     functions from {} to {}", source.address, target.address)
        }
        Step::Meet { nodes, others } => {
            let joined: Vec<String> = nodes.iter().map(|node| node.address.to_string()).collect();
            match others.first() {
                Some(entry) => format!("join     {} to the cluster of {}", joined.join(" "), entry.address),
                None => format!("join     {} nodes into one cluster", nodes.len()),
            }
        }
        Step::Replicate { replica, master } => format!("replica  {}  of {}", replica.name(), master.name()),
        Step::AwaitInSync { replica, master } => {
            format!("wait     until {} has the data of {}", replica.name(), master.name())
        }
        Step::AwaitAgreement { .. } => "wait     until all nodes agree".into(),
        Step::AwaitReady { node } => format!("wait     until {} is ready to serve", node.name()),
        Step::MoveSlots(part) => {
            format!(
                "move     {}  {} -> {}",
                number_of(part.slots.len(), "slot"),
                part.source.name(),
                part.target.name()
            )
        }
        Step::ReturnKeys { source, target, slots } => {
            format!("return   keys of slots {slots}  {} -> {}", source.name(), target.name())
        }
        Step::CloseSlots { node, slots } => format!("close    slots {slots} on {}", node.name()),
        Step::SetOwner { node, slots } => format!("assign   slots {slots} to {}", node.name()),
        Step::DeleteKeys { node, slots } => format!("delete   keys of slots {slots} on {}", node.name()),
        Step::BumpEpoch { node } => format!("epoch    a new one for {}", node.name()),
        Step::CopySettings { source, target, names } => {
            format!("set      {} on {} as on {}", names.join(", "), target.address, source.address)
        }
        Step::CopyUsers { source, target, names } => {
            format!("copy     ACL users {} from {} to {}", names.join(", "), source.address, target.address)
        }
        Step::AwaitQuiet { node } => {
            format!("wait     until {} has no clients left to redirect", node.name())
        }
        Step::Forget { node } => format!("forget   {} on all other nodes", node.name()),
        Step::Release { node } => {
            format!("release  {}: it will be a master without slots and without data", node.name())
        }
        Step::Reset { node } => format!("reset    {}: it will be empty and alone", node.name()),
        Step::SoftReset { node } => format!("reset    {}: alone, with its id kept", node.name()),
        Step::FlushAll { node } => format!("delete   all keys of {}", node.name()),
        Step::Restart { node, hook, .. } => format!("restart  {}  by {}", node.name(), hook.join(" ")),
        Step::SetConfig(Setting { node, name, before, value, .. }) => {
            format!("set      {}  {name} {} -> {}", node.name(), shown(before), shown(value))
        }
        Step::Failover { replica, master, mode } => {
            let how = match mode {
                FailoverMode::Graceful => "no write is lost",
                FailoverMode::Force => "without asking the master: writes it did not replicate are lost",
                FailoverMode::Takeover => "without asking anybody: writes that were not replicated are lost",
            };
            let master = master.as_ref().map_or_else(|| "its master".to_owned(), |master| master.name());
            format!("promote  {} in place of {master}; {how}", replica.name())
        }
    };
    vec![line]
}

/// A directive's value, of which nothing can disturb a terminal.
pub fn shown(value: &str) -> String {
    if value.is_empty() { "\"\"".to_owned() } else { value.escape_debug().to_string() }
}
