//! A sample as lines for a terminal. Pure: the size is an argument.
//!
//! ```text
//! cluster ok  16384/16384 slots  3 masters  3 replicas  12,000 keys  430 ops/s
//! ops/s      ▁▂▃▅▇ 430      lag      ▁▁▁▁▁ 0         19:40:05 UTC
//!
//! AAAAAAAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCCCCCCCC      the slots, see slot_map
//!
//!   node           role    slots        keys   ops/s       offset     lag state
//! A 127.0.0.1:7001 master   5461 █     4,000     140        52010         ok
//!   127.0.0.1:7004 replica             4,000       1        52010       0 ok
//! …
//! 19:40:02 127.0.0.1:7004 is promoted: it was a replica of 127.0.0.1:7001
//! ```
//!
//! What does not fit is cut: columns at the right edge, nodes with a line that says how many more there are,
//! events from the oldest; a low terminal has neither map nor curves, a wide one a curve for each node.

use rcl_proto::SLOT_COUNT;

use super::events::{Event, EventKind};
use super::history::History;
use super::sample::{NodeSample, Sample, State};
use super::slot_map::{self, Letters};
use crate::output::{Paint, bar, count, paint, table};

/// Pieces of text, each in its colour.
pub type Line = Vec<(Option<Paint>, String)>;

/// The least that is kept for events when there are many nodes.
const EVENT_ROWS: usize = 5;

/// From so many rows on there is room for the map and the curves.
const ROWS_WITH_MAP: usize = 20;
/// From so many columns on each node has a curve of its own.
const COLUMNS_WITH_CURVES: usize = 110;

/// What a page shows.
#[derive(Clone, Copy)]
pub struct Content<'a> {
    pub sample: &'a Sample,
    pub history: &'a History,
    /// When, and what; the newest last.
    pub events: &'a [(u64, Event)],
    /// Why nobody can be asked, while nobody can.
    pub trouble: Option<&'a str>,
}

/// The whole page, at most `rows` lines.
pub fn page(content: Content<'_>, columns: usize, rows: usize) -> Vec<Line> {
    let Content { sample, history, events, trouble } = content;
    let mut lines = vec![head(sample)];
    if let Some(trouble) = trouble {
        lines.push(vec![(Some(Paint::Bad), format!("no node answers, this is the last look: {trouble}"))]);
    }
    if rows >= ROWS_WITH_MAP {
        lines.push(curves(sample, history, columns));
        lines.push(Line::new());
        let map_rows = if rows >= 2 * ROWS_WITH_MAP { 4 } else { 2 };
        lines.extend(slot_map::lines(sample, &history.letters, columns.min(128), map_rows));
    }
    lines.push(Line::new());
    let used = lines.len() + 1;
    let room = rows.saturating_sub(used + EVENT_ROWS).max(rows.saturating_sub(used) / 2);
    lines.extend(nodes(sample, columns, room, Some(history)));
    lines.push(Line::new());
    let room = rows.saturating_sub(lines.len());
    let newest = events.get(events.len().saturating_sub(room)..).unwrap_or_default();
    lines.extend(newest.iter().map(|(unix_ms, event)| event_line(*unix_ms, event)));
    if events.is_empty() {
        lines.push(vec![(Some(Paint::Dim), "nothing has happened yet; Ctrl-C ends".into())]);
    }
    lines.truncate(rows);
    lines
}

/// `ops/s ▁▂▃ 430   lag ▁▁▁ 0   19:40:05 UTC`
fn curves(sample: &Sample, history: &History, columns: usize) -> Line {
    let width = columns.saturating_sub(44).clamp(8, 160) / 2;
    let lag = sample.nodes.iter().filter_map(|node| node.lag).max().unwrap_or(0);
    let dim = |text: &str| (Some(Paint::Dim), text.to_owned());
    vec![
        dim("ops/s "),
        (Some(Paint::Good), history.ops.sparkline(width)),
        (None, format!(" {:<7}  ", short(sample.ops()))),
        dim("lag "),
        (Some(Paint::Warn), history.lag.sparkline(width)),
        (None, format!(" {:<7}  ", short(lag))),
        (Some(Paint::Dim), format!("{} UTC", time_of_day(sample.unix_ms))),
    ]
}

pub fn head(sample: &Sample) -> Line {
    let state = if sample.state_ok {
        (Some(Paint::Good), "cluster ok".to_owned())
    } else {
        (Some(Paint::Bad), "cluster down".to_owned())
    };
    let covered = format!("{}/{SLOT_COUNT} slots", sample.slots_covered);
    let slots = (if sample.slots_covered == SLOT_COUNT { None } else { Some(Paint::Bad) }, covered);
    let rest = format!(
        "{} masters  {} replicas  {} keys  {} ops/s",
        sample.masters(),
        sample.replicas(),
        short(sample.keys()),
        short(sample.ops())
    );
    vec![state, (None, "  ".into()), slots, (None, format!("  {rest}"))]
}

/// The heading and a line for each node, at most `rows` lines.
pub fn nodes(sample: &Sample, columns: usize, rows: usize, history: Option<&History>) -> Vec<Line> {
    let width = sample.nodes.iter().map(|node| node.address.chars().count() + 2).max().unwrap_or(0).max(8);
    let heading = format!(
        "{:<width$} {:<7} {:<9} {:>7} {:>7} {:>12} {:>7} state",
        "  node", "role", "slots", "keys", "ops/s", "offset", "lag"
    );
    let curve = columns.saturating_sub(COLUMNS_WITH_CURVES - 30).min(60);
    let fit = rows.saturating_sub(1);
    let shown = if sample.nodes.len() > fit { fit.saturating_sub(1) } else { sample.nodes.len() };
    let own = Letters::of(sample);
    let letters = history.map_or(&own, |history| &history.letters);
    let history = history.filter(|_| columns >= COLUMNS_WITH_CURVES);
    let heading = if history.is_some() { format!("{heading:<79} ops/s over time") } else { heading };
    let mut lines = vec![vec![(Some(Paint::Dim), heading)]];
    for (place, node) in by_letter(sample, letters).into_iter().take(shown) {
        let mut line = node_line(node, width, place);
        if let Some(series) = history.and_then(|history| history.ops_of.get(&node.id)) {
            let used: usize = line.iter().map(|(_, piece)| piece.chars().count()).sum();
            line.push((None, " ".repeat(80usize.saturating_sub(used))));
            line.push((Some(Paint::Good), series.sparkline(curve)));
        }
        lines.push(line);
    }
    let left = sample.nodes.len() - shown;
    if left > 0 {
        lines.push(vec![(Some(Paint::Dim), format!("and {left} more nodes; a higher terminal shows them"))]);
    }
    lines
}

/// Each master with its replicas behind it, in the order of their letters; who has none comes last.
fn by_letter<'a>(sample: &'a Sample, letters: &Letters) -> Vec<(Option<usize>, &'a NodeSample)> {
    let mut groups: Vec<Vec<(Option<usize>, &NodeSample)>> = Vec::new();
    for node in &sample.nodes {
        match groups.last_mut() {
            Some(group) if node.replica_of.as_ref() == Some(&group[0].1.address) => group.push((None, node)),
            _ => groups.push(vec![(letters.place(node.id), node)]),
        }
    }
    groups.sort_by_key(|group| group[0].0.unwrap_or(usize::MAX));
    groups.into_iter().flatten().collect()
}

/// `master` is its place among the masters with slots, which gives it its letter in the map.
fn node_line(node: &NodeSample, width: usize, master: Option<usize>) -> Line {
    let role = if node.replica_of.is_some() { "replica" } else { "master" };
    let slots = match (node.slots, node.replica_of.is_some()) {
        (0, true) => String::new(),
        (slots, _) => format!("{slots:>5} {}", bar(slots as f64 / SLOT_COUNT as f64, 3)),
    };
    let letter = match master {
        Some(number) => (Some(slot_map::paint(number)), format!("{} ", slot_map::letter(number))),
        None => (None, "  ".to_owned()),
    };
    let width = width.saturating_sub(2);
    let name = format!("{:<width$} {role:<7} {slots:<9} ", node.address);
    let (colour, state) = state(node);
    let answers = !matches!(node.state, State::Silent | State::Down);
    let figures = if answers {
        format!(
            "{:>7} {:>7} {:>12} {:>7} ",
            short(node.keys),
            short(node.ops),
            node.offset,
            node.lag.map(short).unwrap_or_default()
        )
    } else {
        " ".repeat(37)
    };
    vec![letter, (None, name), (None, figures), (Some(colour), state.to_owned())]
}

/// In one word, as short as fits at the end of a line.
fn state(node: &NodeSample) -> (Paint, &'static str) {
    match node.state {
        State::Ok if node.suspected => (Paint::Warn, "PFAIL"),
        State::Ok if node.moving_slots > 0 => (Paint::Warn, "moving"),
        State::Ok => (Paint::Good, "ok"),
        State::LinkDown => (Paint::Warn, "link"),
        State::Failed => (Paint::Bad, "FAIL"),
        State::Silent if node.suspected => (Paint::Warn, "PFAIL"),
        State::Silent => (Paint::Warn, "silent"),
        State::Down => (Paint::Bad, "down"),
    }
}

/// A figure of at most seven characters.
fn short(number: u64) -> String {
    match number {
        0..=99_999 => count(number),
        100_000..=99_999_999 => format!("{}k", count(number / 1000)),
        _ => format!("{}M", number / 1_000_000),
    }
}

fn event_line(unix_ms: u64, event: &Event) -> Line {
    let colour = match event.kind {
        EventKind::Good => Paint::Good,
        EventKind::Change => Paint::Strong,
        EventKind::Bad => Paint::Bad,
    };
    vec![(Some(Paint::Dim), format!("{} ", time_of_day(unix_ms))), (Some(colour), event.text.clone())]
}

/// `state=ok slots=16384 …`, for a pipe.
pub fn summary(sample: &Sample) -> String {
    format!(
        "state={} slots={} masters={} replicas={} healthy={}/{} keys={} ops={}",
        if sample.state_ok { "ok" } else { "down" },
        sample.slots_covered,
        sample.masters(),
        sample.replicas(),
        sample.nodes.iter().filter(|node| node.state == State::Ok).count(),
        sample.nodes.len(),
        sample.keys(),
        sample.ops()
    )
}

/// The same to be read aloud.
pub fn sentence(sample: &Sample) -> String {
    format!(
        "the cluster is {}: {} masters and {} replicas, {} of {SLOT_COUNT} slots have an owner, {} of {} nodes are well",
        if sample.state_ok { "ok" } else { "down" },
        sample.masters(),
        sample.replicas(),
        sample.slots_covered,
        sample.nodes.iter().filter(|node| node.state == State::Ok).count(),
        sample.nodes.len()
    )
}

/// The whole sample for who listens.
pub fn told(sample: &Sample) -> String {
    let rows = sample.nodes.iter().map(|node| {
        let role = match &node.replica_of {
            Some(master) => format!("replica of {master}"),
            None => "master".to_owned(),
        };
        let slots = if node.replica_of.is_none() { node.slots.to_string() } else { String::new() };
        let (_, state) = state(node);
        let lag = node.lag.map(count).unwrap_or_default();
        [node.address.clone(), role, slots, count(node.keys), count(node.ops), lag, state.to_owned()]
    });
    let nodes = table(&["node", "role", "slots", "keys", "ops/s", "lag in bytes", "state"], rows);
    format!("{}\n\n{nodes}", sentence(sample))
}

/// The line in at most `columns` characters.
pub fn render(line: &Line, columns: usize, colour: bool) -> String {
    let mut left = columns;
    let mut text = String::new();
    for (style, piece) in line {
        let cut: String = piece.chars().take(left).collect();
        left -= cut.chars().count();
        match style {
            Some(style) if colour && !cut.is_empty() => text.push_str(&paint(*style, cut)),
            _ => text.push_str(&cut),
        }
    }
    text
}

/// `19:40:02`, in UTC.
fn time_of_day(unix_ms: u64) -> String {
    let seconds = unix_ms / 1000 % 86_400;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// `2026-11-22T19:40:02.123Z`. The date by counting days from March, so that a leap day comes last in its
/// year.
pub fn timestamp(unix_ms: u64) -> String {
    let days = unix_ms / 86_400_000 + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{}.{:03}Z", time_of_day(unix_ms), unix_ms % 1000)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::events::tests::{node, sample};
    use super::*;

    fn page(
        sample: &Sample,
        events: &[(u64, Event)],
        trouble: Option<&str>,
        columns: usize,
        rows: usize,
    ) -> Vec<Line> {
        let mut history = History::default();
        history.add(sample);
        super::page(Content { sample, history: &history, events, trouble }, columns, rows)
    }

    /// Three masters, each before its replica.
    pub fn six() -> Sample {
        sample(vec![
            node("1", None, 5461),
            node("4", Some("1"), 0),
            node("2", None, 5462),
            node("5", Some("2"), 0),
            node("3", None, 5461),
            node("6", Some("3"), 0),
        ])
    }

    #[test]
    fn a_page_of_six_nodes_fits_a_terminal_of_80_by_24() {
        let mut sample = six();
        for node in &mut sample.nodes {
            node.keys = 123_456_789;
            node.ops = 98_765;
            node.offset = 12_345_678_901;
            node.used_memory_bytes = 1_500_000_000;
            node.state = State::Silent;
        }
        sample.nodes[0].state = State::Ok;
        let event = Event { kind: EventKind::Bad, text: "x".repeat(100) };
        let events = vec![(0, event); 50];
        let page = page(&sample, &events, Some("connection refused"), 80, 24);
        assert_eq!(page.len(), 24);
        let lines: Vec<String> = page.iter().map(|line| render(line, usize::MAX, false)).collect();
        let widest = lines.iter().filter(|line| !line.contains("xxx")).map(|line| line.chars().count()).max();
        assert!(widest.unwrap() <= 80, "{lines:#?}");
        assert!(page.iter().all(|line| render(line, 80, false).chars().count() <= 80));
    }

    #[test]
    fn a_low_terminal_shows_fewer_nodes_and_says_so() {
        let page = page(&six(), &[], None, 80, 9);
        let lines: Vec<String> = page.iter().map(|line| render(line, 80, false)).collect();
        assert!(lines.len() <= 9);
        assert!(lines.iter().any(|line| line.contains("more nodes")), "{lines:#?}");
        for rows in 0..9 {
            assert!(self::page(&six(), &[], None, 80, rows).len() <= rows);
        }
    }

    #[test]
    fn a_large_terminal_is_used() {
        let page = page(&six(), &[], None, 160, 50);
        let lines: Vec<String> = page.iter().map(|line| render(line, 160, false)).collect();
        assert!(lines[0].starts_with("cluster ok") && lines[1].starts_with("ops/s"), "{lines:#?}");
        assert!(lines[3].chars().count() == 128, "the map: {lines:#?}");
        assert!(lines.iter().any(|line| line.contains("ops/s over time")), "{lines:#?}");
        assert!(lines.iter().any(|line| line.starts_with("A 127.0.0.1:7001")), "{lines:#?}");
        assert!(lines.iter().all(|line| line.chars().count() <= 160), "{lines:#?}");
    }

    #[test]
    fn a_line_is_cut_by_what_is_seen_and_not_by_its_colours() {
        let line = vec![(Some(Paint::Good), "grün".to_owned()), (None, " and more".to_owned())];
        assert_eq!(render(&line, 6, false), "grün a");
        let coloured = render(&line, 6, true);
        assert!(coloured.contains("\x1b[") && coloured.ends_with(" a"), "{coloured:?}");
    }

    #[test]
    fn dates() {
        assert_eq!(timestamp(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(timestamp(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(timestamp(1_767_225_599_999), "2025-12-31T23:59:59.999Z");
        assert_eq!(timestamp(1_772_323_200_000), "2026-03-01T00:00:00.000Z");
    }

    #[test]
    fn figures_stay_short() {
        for number in [0, 99_999, 100_000, 99_999_999, 100_000_000, 999_999_000_000] {
            assert!(short(number).len() <= 7, "{}", short(number));
        }
    }
}
