//! All keys of one node, by SCAN.
//!
//! What is there from the walk's beginning to its end is found, at least once; what comes or goes meanwhile may be.

use rcl_node::config::glob;
use rcl_proto::resp::Reply;

use crate::cli::Failure;
use crate::connect::{Link, Words};

/// Which keys are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub struct Filter {
    /// Only keys like this, as in KEYS: user:*
    #[arg(long, value_name = "PATTERN")]
    pub pattern: Option<String>,

    /// Only keys of this type
    #[arg(long = "type", value_name = "TYPE",
          value_parser = ["string", "list", "set", "zset", "hash", "stream"])]
    pub of_type: Option<String>,
}

impl Filter {
    /// As SCAN decides it.
    pub fn takes(&self, key: &[u8], of_type: &str) -> bool {
        self.takes_name(key) && self.of_type.as_deref().is_none_or(|wanted| wanted == of_type)
    }

    pub fn takes_name(&self, key: &[u8]) -> bool {
        self.pattern.as_ref().is_none_or(|pattern| glob::matches(pattern.as_bytes(), key))
    }
}

#[derive(Debug)]
pub struct Walk {
    link: Link,
    filter: Filter,
    /// How many keys a SCAN looks at.
    count: usize,
    /// `None`: at the end.
    cursor: Option<Vec<u8>>,
}

impl Walk {
    pub fn new(link: Link, filter: Filter, count: usize) -> Walk {
        Walk { link, filter, count, cursor: Some(b"0".to_vec()) }
    }

    /// From where another walk of the same process was.
    #[must_use]
    pub fn from(mut self, cursor: Option<String>) -> Walk {
        self.cursor = cursor.map(String::into_bytes);
        self
    }

    /// Where the next batch begins; `None` at the end.
    pub fn cursor(&self) -> Option<String> {
        self.cursor.as_ref().map(|cursor| String::from_utf8_lossy(cursor).into_owned())
    }

    /// The next keys, which may be none; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<Vec<u8>>>, Failure> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let mut command = Words::of(&["SCAN"]).and(cursor).and("COUNT").and(self.count.to_string());
        if let Some(pattern) = &self.filter.pattern {
            command = command.and("MATCH").and(pattern);
        }
        if let Some(of_type) = &self.filter.of_type {
            command = command.and("TYPE").and(of_type);
        }
        let reply = self.link.call(command.clone()).await?;
        let (cursor, keys) = batch(&reply).ok_or_else(|| self.link.unexpected(&command, &reply))?;
        self.cursor = (cursor != b"0").then_some(cursor);
        Ok(Some(keys))
    }
}

/// The two parts of what SCAN and its like answer.
fn batch(reply: &Reply) -> Option<(Vec<u8>, Vec<Vec<u8>>)> {
    let Reply::Array(parts) = reply else { return None };
    let [cursor, Reply::Array(keys)] = parts.as_slice() else { return None };
    let keys = keys.iter().map(|key| key.as_bytes().map(<[u8]>::to_vec)).collect::<Option<_>>()?;
    Some((cursor.as_bytes()?.to_vec(), keys))
}
