//! `rcl watch`: the cluster as it changes.
//!
//! Every interval all nodes are asked for their view ([`sample`]); what changed since the last time are the
//! [`events`]. On a terminal a [`frame`] is repainted in place; in a pipe each sample is a line, each event
//! too, and with `-o json` a JSON object a line. A node that does not answer costs a sample at most the
//! time limit below, and is shown as silent; the entry may die too, any other node then serves as one.

mod events;
mod frame;
mod sample;
mod screen;

use std::io::{IsTerminal, Write};
use std::time::Duration;

use rcl_proto::Address;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::MissedTickBehavior;

use crate::cli::{Failure, Kind, Session};
use crate::output::Format;
use events::Event;
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
    let mut display = Display::new(session.output.format(), args.once);
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
        events: Vec<(u64, Event)>,
        trouble: Option<String>,
    },
    /// Once, as it would stand on the screen.
    Page,
    /// A line for each sample and each event.
    Lines,
    Json,
    Yaml,
}

impl Display {
    fn new(format: Format, once: bool) -> Display {
        match format {
            Format::Json => Display::Json,
            Format::Yaml => Display::Yaml,
            Format::Table if once => Display::Page,
            Format::Table if std::io::stdout().is_terminal() => {
                Display::Screen { screen: Screen::enter(), sample: None, events: Vec::new(), trouble: None }
            }
            Format::Table => Display::Lines,
        }
    }

    fn show(&mut self, sample: &Sample, news: &[Event]) -> Result<(), Failure> {
        match self {
            Display::Screen { sample: shown, events, trouble, .. } => {
                *shown = Some(sample.clone());
                *trouble = None;
                events.extend(news.iter().map(|event| (sample.unix_ms, event.clone())));
                let surplus = events.len().saturating_sub(KEPT_EVENTS);
                events.drain(..surplus);
                self.repaint()
            }
            Display::Page => {
                let width = screen::size().map_or(usize::MAX, |(columns, _)| columns);
                let lines = frame::nodes(sample, usize::MAX);
                let mut text = frame::render(&frame::head(sample), width, screen::has_colour());
                for line in &lines {
                    text.push('\n');
                    text.push_str(&frame::render(line, width, screen::has_colour()));
                }
                write_out(&format!("{text}\n"))
            }
            Display::Lines => {
                let time = frame::timestamp(sample.unix_ms);
                let mut text = String::new();
                for event in news {
                    text.push_str(&format!("{time} event {}\n", event.text));
                }
                text.push_str(&format!("{time} {}\n", frame::summary(sample)));
                write_out(&text)
            }
            Display::Json => {
                let document = serde_json::json!({ "sample": sample, "events": news });
                write_out(&format!("{document}\n"))
            }
            Display::Yaml => {
                let document = serde_json::json!({ "sample": sample, "events": news });
                let text = serde_yaml::to_string(&document).unwrap_or_else(|error| error.to_string());
                write_out(&format!("---\n{text}"))
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
        let Display::Screen { screen, sample: Some(sample), events, trouble } = self else { return Ok(()) };
        let (columns, rows) = screen::size().unwrap_or((80, 24));
        let lines = frame::page(sample, events, trouble.as_deref(), rows);
        let colour = screen::has_colour();
        let lines: Vec<String> = lines.iter().map(|line| frame::render(line, columns, colour)).collect();
        screen.paint(&lines).map_err(|_| gone())
    }

    /// Gives the terminal back, with the last page left to read.
    fn finish(&mut self) {
        if let Display::Screen { screen, sample: Some(sample), events, trouble } = self {
            let (columns, rows) = screen::size().unwrap_or((80, 24));
            let lines = frame::page(sample, events, trouble.as_deref(), rows);
            screen.leave();
            for line in &lines {
                println!("{}", frame::render(line, columns, screen::has_colour()));
            }
        }
    }
}

fn write_out(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|_| gone())
}

/// Nobody reads what we write: there is nobody to tell either.
fn gone() -> Failure {
    Failure::new(Kind::Unhealthy, "")
}
