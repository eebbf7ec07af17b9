//! `rcl fix`: mends what can be mended, and asks where that could lose something.

use std::io::{BufRead, IsTerminal, Write};

use rcl_proto::{Address, Slot};

use super::change::carry_out;
use super::moving::MoveArgs;
use crate::cli::{Failure, Manners, Session};
use crate::connect::{self, Cluster};
use crate::plan::fix::{self, Choice, Choices, KeyCounts, LEAVE, Question};

const EXAMPLES: &str = "\
What there is to choose:
  lost-shard=wait|give-up        a master and all its replicas are gone
  master-silent=wait|promote     a master is gone, a replica is there
  uncovered-slots=wait|assign    nobody owns them, and a node that is silent may hold their keys
  orphan-keys=keep|return|delete keys that a node holds and does not own

Examples:
  rcl fix 10.0.0.1:6379 --dry-run
  rcl fix 10.0.0.1:6379 --choose lost-shard=give-up --choose orphan-keys=keep --yes";

/// Mends what rcl check finds, and asks where that could lose something
///
/// A move that was interrupted is finished, other marks are taken off and keys return to their owner, slots with two owners
/// and shared epochs are settled, slots without an owner go to the node that holds their keys, dead nodes that some have
/// forgotten are forgotten by all. A key that two nodes hold with different values is never overwritten: it is named.
///
/// What could lose data is decided by you: on a terminal it asks, else name it with --choose; without, nothing is changed and
/// the choices are listed. --dry-run shows the plan and what is still to decide.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Any node of the cluster
    #[arg(value_name = "HOST:PORT", env = "RCL_ENTRY")]
    pub entry: Address,

    /// What to do about a finding that is yours to decide; may be given several times
    #[arg(long, value_name = "FINDING=CHOICE")]
    pub choose: Vec<Choice>,

    #[command(flatten)]
    pub moving: MoveArgs,
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let cluster = Cluster::observe(&session.connector, &args.entry).await?;
    let keys = count_keys(&cluster).await?;
    let strays = connect::strays(&cluster).await?;
    let mut choices = Choices::new(&args.choose);
    let mut fix = fix::plan(&cluster.topology, &keys, &strays, &choices)?;
    if !fix.questions.is_empty() && session.is_dry_run() {
        fix.plan.warnings.extend(fix.questions.iter().map(|question| format!("to decide: {question}")));
    } else if !fix.questions.is_empty() {
        decide(session, &fix.questions, &mut choices)?;
        fix = fix::plan(&cluster.topology, &keys, &strays, &choices)?;
    }
    carry_out(session, &cluster, &fix.plan, Manners::MustConfirm, args.moving.settings()).await
}

/// Asks on a terminal, and refuses without one.
fn decide(session: &Session, questions: &[Question], choices: &mut Choices) -> Result<(), Failure> {
    let stdin = std::io::stdin();
    if session.says_yes() || !(stdin.is_terminal() && std::io::stderr().is_terminal()) {
        let text: Vec<String> = questions.iter().map(|question| format!("\n  {question}")).collect();
        return Err(Failure::refused(format!(
            "there is something to decide, and nothing was changed:{}",
            text.concat()
        ))
        .next("choose, then run it again; --dry-run shows the plan"));
    }
    for question in questions {
        choices.set(question.code, ask(question, &mut stdin.lock())?);
    }
    Ok(())
}

/// Just Enter leaves it as it is.
fn ask(question: &Question, answers: &mut impl BufRead) -> Result<&'static str, Failure> {
    let options = fix::options(question.code);
    anstream::eprintln!("{question}");
    let words: Vec<&str> = options.iter().map(|option| option.word).collect();
    let usual = options.get(LEAVE).map_or("", |option| option.word);
    loop {
        anstream::eprint!("{} [{usual}] ", words.join(", "));
        let _ = std::io::stderr().flush();
        let mut answer = String::new();
        if answers.read_line(&mut answer).unwrap_or(0) == 0 {
            return Err(Failure::refused("nothing was chosen, nothing was changed"));
        }
        let word = if answer.trim().is_empty() { usual } else { answer.trim() };
        if let Some(option) = options.iter().find(|option| option.word == word) {
            return Ok(option.word);
        }
    }
}

/// Of all slots in question, on all masters that answer.
async fn count_keys(cluster: &Cluster) -> Result<KeyCounts, Failure> {
    let slots: Vec<Slot> = fix::slots_in_question(&cluster.topology).iter().collect();
    let mut counts = KeyCounts::new();
    for node in cluster.topology.nodes.values().filter(|node| node.is_master() && node.answers()) {
        for (slot, keys) in connect::keys_in(cluster.link(node.id)?, &slots).await? {
            counts.entry(slot).or_default().insert(node.id, keys);
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Code;

    #[test]
    fn enter_leaves_it_a_word_chooses_and_nonsense_is_asked_again() {
        let question = Question { code: Code::OrphanKeys, about: vec!["3 keys".into()] };
        let asked = |text: &str| ask(&question, &mut text.as_bytes());
        assert_eq!(asked("\n").unwrap(), "keep");
        assert_eq!(asked("burn\ndelete\n").unwrap(), "delete");
        assert!(asked("burn").is_err());
    }
}
