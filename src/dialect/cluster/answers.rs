//! What `--cluster reshard` asks for when its options do not say it.

use rcl_proto::SLOT_COUNT;

use super::ClusterCommand;
use super::told::{answer, say};
use crate::dialect::options::Refusal;

/// How many times a wrong answer is asked for again: stdin may be a pipe that has nothing better.
const TRIES: usize = 5;

pub fn ask_for_what_is_missing(command: &mut ClusterCommand) -> Result<(), Refusal> {
    if command.value("slots").is_none() {
        let question = format!("How many slots do you want to move (from 1 to {SLOT_COUNT})? ");
        let count = until_good(&question, |text| {
            text.parse::<usize>().is_ok_and(|count| (1..=SLOT_COUNT).contains(&count))
        })?;
        command.set("slots", count);
    }
    if command.value("to").is_none() {
        let target = until_good("What is the receiving node ID? ", |text| !text.is_empty())?;
        command.set("to", target);
    }
    if command.value("from").is_none() {
        command.set("from", sources()?);
    }
    Ok(())
}

fn sources() -> Result<String, Refusal> {
    say("Please enter all the source node IDs.\n\
         \x20 Type 'all' to use all the nodes as source nodes for the hash slots.\n\
         \x20 Type 'done' once you entered all the source nodes IDs.\n");
    let mut sources: Vec<String> = Vec::new();
    loop {
        match answer(&format!("Source node #{}: ", sources.len() + 1)).as_str() {
            "all" => return Ok("all".into()),
            "done" | "" if !sources.is_empty() => return Ok(sources.join(",")),
            "done" | "" => {
                return Err(Refusal::Wrong("*** No source nodes given, operation aborted.".into()));
            }
            id => sources.push(id.to_owned()),
        }
    }
}

fn until_good(question: &str, good: impl Fn(&str) -> bool) -> Result<String, Refusal> {
    for _ in 0..TRIES {
        let text = answer(question);
        if good(&text) {
            return Ok(text);
        }
    }
    Err(Refusal::Wrong("*** No answer, operation aborted.".into()))
}
