//! docs/output.md: an example for each verb's document, made from what the verb printed for its snapshot. Of lists only the first
//! element is shown.

use std::path::Path;

// Its maps keep their order.
use serde_yaml::Value;

use super::snapshot::folder;

/// Verbs whose document is another's, or that have none: the heading says so.
const WITHOUT_EXAMPLE: &[&str] =
    &["help", "lab-start", "lab-stop", "lab-clean", "lab-kill", "lab-restart", "lab-add"];

#[test]
fn each_document_has_its_example() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/output.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (mut made, mut seen) = (String::new(), Vec::new());
    for (index, section) in text.split("\n### `").enumerate() {
        if index == 0 {
            made.push_str(section);
            continue;
        }
        let verb = section.split('`').next().unwrap().replace(' ', "-");
        made.push_str("\n### `");
        made.push_str(&with_example(section, example(&verb).as_deref()));
        seen.push(verb);
    }
    for verb in super::verbs() {
        let is_excused =
            super::WITHOUT.iter().any(|(name, _)| *name == verb) || WITHOUT_EXAMPLE.contains(&&*verb);
        assert!(verb == "complete-words" || seen.contains(&verb), "docs/output.md has no heading for {verb}");
        assert!(is_excused || example(&verb).is_some(), "no snapshot has a document of {verb}");
    }
    if std::env::var_os("RCL_BLESS").is_some() {
        return std::fs::write(&path, made).unwrap();
    }
    assert!(
        made == text,
        "the examples in docs/output.md are not what the verbs print: make snapshots writes them"
    );
}

/// What the verb printed; of one that changes something, its plan where that was taken and no outcome.
fn example(verb: &str) -> Option<String> {
    let printed = [verb.to_owned(), format!("{verb}-plan")]
        .iter()
        .find_map(|name| std::fs::read_to_string(folder().join(format!("{name}.json.txt"))).ok())?;
    let document = printed.split_once('\n')?.1.split("--- ").next()?;
    let mut value: Value = serde_yaml::from_str(document).unwrap();
    shorten(&mut value);
    Some(serde_json::to_string_pretty(&value).unwrap())
}

fn shorten(value: &mut Value) {
    match value {
        Value::Sequence(elements) => {
            elements.truncate(1);
            elements.iter_mut().for_each(shorten);
        }
        Value::Mapping(members) => members.values_mut().for_each(shorten),
        _ => {}
    }
}

/// The section with this as its block of JSON, behind its prose.
fn with_example(section: &str, example: Option<&str>) -> String {
    let Some(example) = example else { return section.to_owned() };
    let block = format!("```json\n{example}\n```\n");
    if let Some((before, rest)) = section.split_once("```json\n") {
        let after = rest.split_once("```\n").map_or("", |(_, after)| after);
        return format!("{before}{block}{after}");
    }
    // What follows the prose is a heading of the level above, or nothing.
    match section.split_once("\n## ") {
        Some((prose, rest)) => format!("{}\n\n{block}\n## {rest}", prose.trim_end()),
        None => format!("{}\n\n{block}", section.trim_end()),
    }
}
