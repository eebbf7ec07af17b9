//! `rcl jobs`: what was changed from this machine, and what is not finished.

use serde::Serialize;

use crate::cli::{Failure, Session};
use crate::journal::{Found, Job, State, minute_text};
use crate::output::{Paint, Report, count, is_plain, paint, table};

/// Lists the changes made from here: running, interrupted, done
///
/// Each change keeps a journal. One that stopped or was killed goes on with rcl resume; what one did is taken back
/// with rcl undo.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Also jobs that are done; else the newest ten, and all that are not finished
    #[arg(long)]
    pub all: bool,
}

const NEWEST: usize = 10;

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Jobs(Vec<Row>);

/// One job, for machines.
#[derive(Debug, Serialize)]
struct Row {
    job: String,
    state: &'static str,
    title: String,
    began_ms: u64,
    entry: Option<String>,
    /// Of the last run: steps that are done, of how many.
    steps_done: usize,
    steps: usize,
    moved_slots: u64,
    moved_keys: u64,
    pid: Option<u32>,
    /// Why it stopped, or why its journal cannot be read.
    why: Option<String>,
    superseded_by: Option<String>,
    journal: String,
}

impl Row {
    fn of(found: &Found) -> Row {
        let (job, journal) = (found.id.clone(), found.path.display().to_string());
        match &found.job {
            Ok((known, state)) => Row { job, journal, ..Row::known(known, *state) },
            Err(why) => Row {
                job,
                state: "unreadable",
                title: String::new(),
                began_ms: 0,
                entry: None,
                steps_done: 0,
                steps: 0,
                moved_slots: 0,
                moved_keys: 0,
                pid: None,
                why: Some(why.clone()),
                superseded_by: None,
                journal,
            },
        }
    }

    fn known(job: &Job, state: State) -> Row {
        let last = job.runs.last();
        Row {
            job: String::new(),
            state: state.word(),
            title: last.map_or_else(|| job.title.clone(), |run| run.plan.title.clone()),
            began_ms: job.began_ms,
            entry: Some(job.entry.to_string()),
            steps_done: last.map_or(0, |run| run.done),
            steps: last.map_or(0, |run| run.plan.steps.len()),
            moved_slots: job.runs.iter().map(|run| run.moved_slots).sum(),
            moved_keys: job.runs.iter().map(|run| run.moved_keys).sum(),
            pid: last.filter(|_| state == State::Running).map(|run| run.pid),
            why: last.and_then(|run| run.end.as_ref()).and_then(|(_, why)| why.clone()),
            superseded_by: job.superseded_by.clone(),
            journal: String::new(),
        }
    }
}

impl Report for Jobs {
    const LIST: &'static str = "jobs";

    fn text(&self) -> String {
        if self.0.is_empty() {
            return "no jobs".to_owned();
        }
        let title = |row: &Row| match &row.why {
            Some(why) => format!("{}: {}", row.title, why.lines().next().unwrap_or_default()),
            None => row.title.clone(),
        };
        let cells = |row: &Row| {
            let style = match row.state {
                "running" => Paint::Strong,
                "interrupted" | "stopped" | "unreadable" => Paint::Warn,
                _ => Paint::Dim,
            };
            [
                row.job.clone(),
                paint(style, row.state),
                format!("{}/{}", row.steps_done, row.steps),
                if row.moved_slots > 0 { count(row.moved_slots) } else { String::new() },
                if row.began_ms > 0 { minute_text(row.began_ms) } else { String::new() },
            ]
        };
        let mut headings = vec!["job", "state", ">steps", ">slots", "began (UTC)"];
        let mut lines = Vec::new();
        if is_plain() {
            headings.push("what");
            let cells = self.0.iter().map(|row| cells(row).into_iter().chain([title(row)]));
            lines.push(format!("{}\n", table(&headings, cells)));
        } else {
            let rows = table(&headings, self.0.iter().map(cells));
            let mut rows = rows.lines();
            lines.extend(rows.next().map(str::to_owned));
            lines.extend(
                rows.zip(&self.0).flat_map(|(line, row)| [line.to_owned(), format!("  {}", title(row))]),
            );
        }
        lines
            .push("rcl resume JOB goes on with one that is not done, rcl undo JOB takes one back".to_owned());
        lines.join("\n")
    }
}

pub fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let jobs = match &session.state {
        Some(folder) => folder.jobs()?,
        None => Vec::new(),
    };
    let unfinished = |found: &Found| {
        found.job.as_ref().is_ok_and(|(_, state)| state.is_open() || *state == State::Running)
    };
    let shown =
        jobs.iter().enumerate().filter(|(index, found)| args.all || *index < NEWEST || unfinished(found));
    session.output.print(&Jobs(shown.map(|(_, found)| Row::of(found)).collect()));
    Ok(())
}
