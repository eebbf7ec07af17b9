//! How far an import has come, in a file, so that an interrupted one goes on.
//!
//! A SCAN's cursor means something to the process that gave it, and to no other: so each is kept with that process's run id, and
//! a node that was restarted is walked from the beginning.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cli::{Failure, Kind};

const FORMAT: &str = "rcl-import";

/// What is imported; another job's file is not gone on from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    pub source: String,
    pub database: u32,
    pub target: String,
    pub pattern: Option<String>,
    pub of_type: Option<String>,
    pub moves: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    format: String,
    job: Job,
    /// By node.
    walks: BTreeMap<String, Walked>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Walked {
    run_id: String,
    /// Where the next batch begins; nothing: the node is done.
    cursor: Option<String>,
    keys: u64,
}

/// Without a path nothing is kept.
#[derive(Debug)]
pub struct Cursor {
    path: Option<PathBuf>,
    kept: Kept,
}

impl Cursor {
    pub fn open(path: Option<&Path>, job: Job) -> Result<Cursor, Failure> {
        let new = Kept { format: FORMAT.to_owned(), job, walks: BTreeMap::new() };
        let Some(path) = path else { return Ok(Cursor { path: None, kept: new }) };
        let bad = |why: String| Failure::refused(format!("{} is no cursor file: {why}", path.display()));
        let kept = match fs::read_to_string(path) {
            Ok(text) => serde_json::from_str::<Kept>(&text).map_err(|error| bad(error.to_string()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => new.clone(),
            Err(error) => return Err(bad(error.to_string())),
        };
        if kept.format != FORMAT {
            return Err(bad(format!("it says to be of {}", kept.format)));
        }
        if kept.job != new.job {
            return Err(Failure::refused(format!(
                "{} is of another import: from {} to {}, or with another filter",
                path.display(),
                kept.job.source,
                kept.job.target
            ))
            .next("give the same arguments as then, or another --cursor"));
        }
        Ok(Cursor { path: Some(path.to_owned()), kept })
    }

    /// Where to begin on this node, `None` when it is done; and how many keys came from there already.
    pub fn start(&self, node: &str, run_id: &str) -> (Option<String>, u64) {
        match self.kept.walks.get(node) {
            Some(walked) if walked.run_id == run_id => (walked.cursor.clone(), walked.keys),
            _ => (Some("0".to_owned()), 0),
        }
    }

    /// All keys before `cursor` are on the target.
    pub fn advance(
        &mut self,
        node: &str,
        run_id: &str,
        cursor: Option<String>,
        keys: u64,
    ) -> Result<(), Failure> {
        let walked = Walked { run_id: run_id.to_owned(), cursor, keys };
        self.kept.walks.insert(node.to_owned(), walked);
        let Some(path) = &self.path else { return Ok(()) };
        let text = serde_json::to_string(&self.kept).unwrap_or_default();
        let part = path.with_extension("part");
        fs::write(&part, text)
            .and_then(|()| fs::rename(&part, path))
            .map_err(|error| Failure::new(Kind::Stopped, format!("cannot write {}: {error}", path.display())))
    }

    /// All is done: the file has no more to say.
    pub fn remove(&self) {
        if let Some(path) = &self.path {
            // Left behind it says that every node is done, which is true.
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(source: &str) -> Job {
        let source = source.to_owned();
        Job { source, database: 0, target: "t:1".into(), pattern: None, of_type: None, moves: false }
    }

    #[test]
    fn a_walk_goes_on_only_with_the_process_and_the_job_that_it_was_of() {
        let path = std::env::temp_dir().join(format!("rcl-cursor-{}", std::process::id()));
        let _ = fs::remove_file(&path);
        let mut cursor = Cursor::open(Some(&path), job("s:1")).unwrap();
        assert_eq!(cursor.start("a", "run"), (Some("0".into()), 0));
        cursor.advance("a", "run", Some("17".into()), 5).unwrap();
        cursor.advance("b", "other", None, 9).unwrap();
        let again = Cursor::open(Some(&path), job("s:1")).unwrap();
        assert_eq!(again.start("a", "run"), (Some("17".into()), 5));
        assert_eq!(again.start("a", "restarted"), (Some("0".into()), 0));
        assert_eq!(again.start("b", "other"), (None, 9));
        assert!(Cursor::open(Some(&path), job("s:2")).unwrap_err().what.contains("another import"));
        fs::write(&path, "{}").unwrap();
        assert!(Cursor::open(Some(&path), job("s:1")).is_err());
        fs::remove_file(&path).unwrap();
    }
}
