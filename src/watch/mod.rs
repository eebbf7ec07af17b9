//! `rcl watch`: the cluster as it changes.
//!
//! Every interval all nodes are asked for their view ([`sample`]); what changed since the last time are the
//! [`events`]. On a terminal a [`frame`] is repainted in place; in a pipe each sample is a line, each event
//! too, and with `-o json` a document a line; `--plain` says only what happens, in whole sentences. A node that does not answer costs a sample at most the
//! time limit below, and is shown as silent; the entry may die too, any other node then serves as one.

mod events;
mod frame;
mod history;
#[cfg(test)]
mod pictures;
mod sample;
mod screen;
mod slot_map;

use std::io::{IsTerminal, Write};
use std::time::Duration;

use rcl_proto::Address;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::MissedTickBehavior;

use crate::cli::{Failure, Kind, Session};
use crate::output::{self, Format, Output};
use events::Event;
use frame::Content;
use history::History;
use sample::{Sample, Sampler};
use screen::Screen;

/// A node that takes longer to answer is shown as silent.
const TIME_LIMIT: Duration = Duration::from_secs(2);

/// As many events are kept as the highest terminal could show.
const KEPT_EVENTS: usize = 200;

/// Shows the cluster live: nodes, roles, slots, keys, traffic, replication, and events as they happen
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Any node of the cluster
    #[arg(value_name = "HOST:PORT")]
    entry: Option<Address>,

    /// Seconds between two looks
    #[arg(short, long, value_name = "SECONDS", default_value_t = 1.0, value_parser = seconds)]
    interval: f64,

    /// Looks once and ends
    #[arg(long)]
    once: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.1..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("expected a number of seconds from 0.1 to 3600".into()),
    }
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let entry = args.entry.as_ref().or(session.entry.as_ref()).ok_or_else(|| {
        Failure::usage("rcl watch needs a node of the cluster").next("rcl watch HOST:PORT, or set RCL_ENTRY")
    })?;
    let mut sampler = Sampler::new(&session.connector, TIME_LIMIT, entry).await?;
    let first = sampler.sample().await?;
    let mut display = Display::new(session.output, args.once);
    display.show(&first, &[])?;
    if args.once {
        return Ok(());
    }
    let outcome = follow(&mut sampler, &mut display, first, Duration::from_secs_f64(args.interval)).await;
    display.finish();
    outcome
}

/// Samples until a signal ends it, or nobody reads any more.
async fn follow(
    sampler: &mut Sampler,
    display: &mut Display,
    mut last: Sample,
    interval: Duration,
) -> Result<(), Failure> {
    let listen =
        |kind| signal(kind).map_err(|error| Failure::new(Kind::Internal, format!("no signals: {error}")));
    let (mut interrupted, mut terminated) =
        (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let mut resized = listen(SignalKind::window_change())?;
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        tokio::select! {
            _ = interrupted.recv() => return Ok(()),
            _ = terminated.recv() => return Ok(()),
            _ = resized.recv() => display.repaint()?,
            _ = ticks.tick() => {
                // A sample in progress is dropped by a signal: it changes nothing.
                let sample = tokio::select! {
                    sample = sampler.sample() => sample,
                    _ = interrupted.recv() => return Ok(()),
                    _ = terminated.recv() => return Ok(()),
                };
                match sample {
                    Ok(sample) => {
                        display.show(&sample, &events::between(&last, &sample))?;
                        last = sample;
                    }
                    Err(failure) => display.show_failure(&failure)?,
                }
            }
        }
    }
}

/// Where samples and events go.
enum Display {
    /// Repainted in place.
    Screen {
        screen: Screen,
        sample: Option<Sample>,
        history: History,
        events: Vec<(u64, Event)>,
        trouble: Option<String>,
    },
    /// Once, as it would stand on the screen.
    Page,
    /// A line for each sample and each event.
    Lines,
    /// How it is at first, and then only what happens.
    Events { is_begun: bool },
    /// A document for each sample.
    Documents(Output),
}

impl Display {
    fn new(output: Output, once: bool) -> Display {
        match output.format() {
            Format::Json | Format::Yaml => Display::Documents(output),
            Format::Text if once => Display::Page,
            Format::Text if output::is_plain() => Display::Events { is_begun: false },
            Format::Text if std::io::stdout().is_terminal() => Display::Screen {
                screen: Screen::enter(),
                sample: None,
                history: History::default(),
                events: Vec::new(),
                trouble: None,
            },
            Format::Text => Display::Lines,
        }
    }

    fn show(&mut self, sample: &Sample, news: &[Event]) -> Result<(), Failure> {
        match self {
            Display::Screen { sample: shown, history, events, trouble, .. } => {
                history.add(sample);
                *shown = Some(sample.clone());
                *trouble = None;
                events.extend(news.iter().map(|event| (sample.unix_ms, event.clone())));
                let surplus = events.len().saturating_sub(KEPT_EVENTS);
                events.drain(..surplus);
                self.repaint()
            }
            Display::Page if output::is_plain() => write_out(&format!("{}\n", frame::told(sample))),
            Display::Page => {
                let width = screen::size().map_or(usize::MAX, |(columns, _)| columns);
                let lines = frame::nodes(sample, 80, usize::MAX, None);
                let mut text = frame::render(&frame::head(sample), width, screen::has_colour());
                for line in &lines {
                    text.push('\n');
                    text.push_str(&frame::render(line, width, screen::has_colour()));
                }
                write_out(&format!("{text}\n"))
            }
            Display::Events { is_begun } => {
                let time = frame::timestamp(sample.unix_ms);
                let first = (!std::mem::replace(is_begun, true))
                    .then(|| format!("{time} {}\n", frame::sentence(sample)));
                write_out(&format!("{}{}", first.unwrap_or_default(), event_lines(&time, "", news)))
            }
            Display::Lines => {
                let time = frame::timestamp(sample.unix_ms);
                let mut text = event_lines(&time, "event ", news);
                text.push_str(&format!("{time} {}\n", frame::summary(sample)));
                write_out(&text)
            }
            Display::Documents(output) => {
                let document = serde_json::json!({ "sample": sample, "events": news });
                write_out(&output.one_of_many(&document))
            }
        }
    }

    /// No node answers: said, while the last sample stays on the screen.
    fn show_failure(&mut self, failure: &Failure) -> Result<(), Failure> {
        if let Display::Screen { trouble, .. } = self {
            *trouble = Some(failure.what.clone());
            return self.repaint();
        }
        eprintln!("{} no node answers: {}", frame::timestamp(sample::unix_ms()), failure.what);
        Ok(())
    }

    fn repaint(&mut self) -> Result<(), Failure> {
        match (self.page(), self) {
            (Some(lines), Display::Screen { screen, .. }) => screen.paint(&lines).map_err(|_| gone()),
            _ => Ok(()),
        }
    }

    /// Gives the terminal back, with the last page left to read.
    fn finish(&mut self) {
        if let (Some(lines), Display::Screen { screen, .. }) = (self.page(), self) {
            screen.leave();
            lines.iter().for_each(|line| println!("{line}"));
        }
    }

    /// What stands on the screen, for a terminal of its size.
    fn page(&self) -> Option<Vec<String>> {
        let Display::Screen { sample: Some(sample), history, events, trouble, .. } = self else {
            return None;
        };
        let (columns, rows) = screen::size().unwrap_or((80, 24));
        let content = Content { sample, history, events, trouble: trouble.as_deref() };
        let colour = screen::has_colour();
        let lines = frame::page(content, columns, rows);
        Some(lines.iter().map(|line| frame::render(line, columns, colour)).collect())
    }
}

fn event_lines(time: &str, word: &str, events: &[Event]) -> String {
    events.iter().map(|event| format!("{time} {word}{}\n", event.text)).collect()
}

fn write_out(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|_| gone())
}

/// Nobody reads what we write: there is nobody to tell either.
fn gone() -> Failure {
    Failure::new(Kind::Unhealthy, "")
}
