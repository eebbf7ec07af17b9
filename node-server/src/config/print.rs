//! A directive's value as CONFIG GET prints it, and as the line (or lines) that CONFIG REWRITE writes.

use super::directive::{Directive, Kind, Notation};
use super::value::{CLASSES, OutputBufferLimit, Value};
use rcl_proto::words::quote;

impl Value {
    /// As CONFIG GET prints it.
    pub fn print(&self, kind: Kind) -> Vec<u8> {
        match self {
            Value::YesNo(yes) => if *yes { "yes" } else { "no" }.into(),
            Value::Number(number) => print_number(*number, kind, false).into(),
            Value::Percent(percent) => format!("{percent}%").into(),
            Value::Choice(word) => (*word).into(),
            Value::Flags(flags) => print_flags(flags, kind).into(),
            Value::Text(text) => text.clone(),
            Value::Save(points) => {
                let texts = points.iter().map(|point| format!("{} {}", point.seconds, point.changes));
                texts.collect::<Vec<_>>().join(" ").into()
            }
            Value::Bind(addresses) => addresses.join(&b' '),
            Value::OutputBufferLimit(limits) => print_output_limits(limits).into(),
            Value::OomScores([master, replica, child]) => format!("{master} {replica} {child}").into(),
            Value::ReplicaOf(None) => Vec::new(),
            Value::ReplicaOf(Some((host, port))) => [host, format!(" {port}").as_bytes()].concat(),
            Value::Percentiles(percentiles) => print_percentiles(percentiles).into(),
        }
    }

    /// The lines that CONFIG REWRITE writes for this value, each with whether it must be written even when the file
    /// has no such line. None: the directive must not be in the file.
    pub fn lines(&self, directive: &Directive, default: &Value) -> Vec<(Vec<u8>, bool)> {
        let name = directive.name;
        // A relative place to start from differs from one start to the next, so `dir` is always written.
        let must = self != default || matches!(directive.kind, Kind::Directory);
        let line = |value: &str| vec![(format!("{name} {value}").into_bytes(), must)];
        match self {
            Value::Number(number) => line(&print_number(*number, directive.kind, true)),
            Value::Text(text) if text.is_empty() && *default == *self && directive.default.is_empty() => {
                Vec::new()
            }
            Value::Text(text) => line(&quote(text)),
            Value::Save(points) if points.is_empty() => vec![(b"save \"\"".to_vec(), true)],
            Value::Save(points) => points
                .iter()
                .map(|p| (format!("save {} {}", p.seconds, p.changes).into_bytes(), true))
                .collect(),
            Value::Bind(_) if !must => Vec::new(),
            Value::Bind(addresses) if addresses.is_empty() => line("\"\""),
            Value::OutputBufferLimit(limits) => output_limit_lines(name, limits, default),
            Value::ReplicaOf(None) => Vec::new(),
            Value::Percentiles(percentiles) if percentiles.is_empty() => line("\"\""),
            _ => vec![([name.as_bytes(), b" ", &self.print(directive.kind)].concat(), must)],
        }
    }
}

fn print_number(number: i128, kind: Kind, short: bool) -> String {
    match kind {
        Kind::Number { notation: Notation::Octal, .. } => format!("{number:o}"),
        Kind::Number { notation: Notation::Memory | Notation::MemoryOrPercent, .. } if short => {
            short_memory(number)
        }
        _ => number.to_string(),
    }
}

/// With the biggest unit that divides it.
fn short_memory(bytes: i128) -> String {
    for (factor, unit) in [(1 << 30, "gb"), (1 << 20, "mb"), (1 << 10, "kb")] {
        if bytes != 0 && bytes % factor == 0 {
            return format!("{}{unit}", bytes / factor);
        }
    }
    bytes.to_string()
}

fn print_flags(flags: &[&str], kind: Kind) -> String {
    match kind {
        Kind::Flags([none, ..]) if flags.is_empty() => none.to_string(),
        _ => flags.join(" "),
    }
}

fn print_output_limits(limits: &[OutputBufferLimit; 3]) -> String {
    let groups = CLASSES.iter().zip(limits).map(|((class, _), limit)| {
        format!("{class} {} {} {}", limit.hard_bytes, limit.soft_bytes, limit.soft_seconds)
    });
    groups.collect::<Vec<_>>().join(" ")
}

fn output_limit_lines(name: &str, limits: &[OutputBufferLimit; 3], default: &Value) -> Vec<(Vec<u8>, bool)> {
    let defaults = match default {
        Value::OutputBufferLimit(defaults) => *defaults,
        _ => Default::default(),
    };
    let lines = CLASSES.iter().zip(limits).zip(defaults).map(|(((_, class), limit), default)| {
        let hard = short_memory(limit.hard_bytes.into());
        let soft = short_memory(limit.soft_bytes.into());
        (format!("{name} {class} {hard} {soft} {}", limit.soft_seconds).into_bytes(), *limit != default)
    });
    lines.collect()
}

fn print_percentiles(percentiles: &[f64]) -> String {
    let print = |number: &f64| {
        let text = format!("{number:.6}");
        text.trim_end_matches('0').trim_end_matches('.').to_string()
    };
    percentiles.iter().map(print).collect::<Vec<_>>().join(" ")
}
