//! The text that Prometheus reads, version 0.0.4.
//!
//! ```text
//! # HELP rcl_node_keys Keys of the node.
//! # TYPE rcl_node_keys gauge
//! rcl_node_keys{node="127.0.0.1:7001",id="…"} 4000
//! ```

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Serialize, Serializer};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    Gauge,
    Counter,
}

/// Figures of one name.
#[derive(Clone, Debug, Serialize)]
pub struct Family {
    name: &'static str,
    help: &'static str,
    #[serde(rename = "type")]
    kind: Type,
    samples: Vec<Sample>,
}

#[derive(Clone, Debug, Serialize)]
struct Sample {
    #[serde(serialize_with = "as_map")]
    labels: Vec<(&'static str, String)>,
    value: f64,
}

fn as_map<S: Serializer>(labels: &[(&'static str, String)], serializer: S) -> Result<S::Ok, S::Error> {
    labels.iter().cloned().collect::<BTreeMap<_, _>>().serialize(serializer)
}

impl Family {
    pub fn gauge(name: &'static str, help: &'static str) -> Family {
        Family { name, help, kind: Type::Gauge, samples: Vec::new() }
    }

    pub fn counter(name: &'static str, help: &'static str) -> Family {
        Family { kind: Type::Counter, ..Family::gauge(name, help) }
    }

    pub fn add(&mut self, labels: Vec<(&'static str, String)>, value: f64) {
        self.samples.push(Sample { labels, value });
    }

    /// A figure without labels.
    #[must_use]
    pub fn of(mut self, value: f64) -> Family {
        self.add(Vec::new(), value);
        self
    }
}

pub fn render(families: &[Family]) -> String {
    let mut text = String::new();
    for family in families.iter().filter(|family| !family.samples.is_empty()) {
        let kind = match family.kind {
            Type::Gauge => "gauge",
            Type::Counter => "counter",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# HELP {} {}\n# TYPE {} {kind}", family.name, family.help, family.name);
        for Sample { labels, value } in &family.samples {
            let labels: Vec<String> =
                labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(text, "{}{labels} {value}", family.name);
        }
    }
    text
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_as_the_format_says() {
        let mut keys = Family::gauge("keys", "Keys.");
        keys.add(vec![("node", "a\"b\\c\nd".into()), ("id", "1".into())], 1_234_567_890_123.0);
        let text =
            render(&[Family::counter("seen_total", "Seen.").of(0.5), Family::gauge("none", "No."), keys]);
        assert_eq!(
            text,
            "# HELP seen_total Seen.\n# TYPE seen_total counter\nseen_total 0.5\n\
             # HELP keys Keys.\n# TYPE keys gauge\nkeys{node=\"a\\\"b\\\\c\\nd\",id=\"1\"} 1234567890123\n"
        );
    }
}
