//! Whole screens, held as files in `pictures/`: a failover, and slots that move. `make snapshots` writes them anew.

use std::path::Path;

use super::events::{self, Event};
use super::frame::{self, Content};
use super::history::History;
use super::sample::{Sample, State};

/// 2023-11-14 22:13:20
const BEGIN_MS: u64 = 1_700_000_000_000;

/// What a watch has seen by its last look, taken once a second.
struct Story {
    looks: Vec<Sample>,
}

/// With the slots that each master owns.
fn six() -> Sample {
    let mut sample = frame::tests::six();
    for (index, slots) in [(0, "0-5460"), (2, "5461-10922"), (4, "10923-16383")] {
        sample.nodes[index].owned = slots.parse().unwrap();
    }
    sample
}

impl Story {
    fn new() -> Story {
        let mut story = Story { looks: Vec::new() };
        for second in 0..20u64 {
            story.add(|look| {
                look.nodes.iter_mut().for_each(|node| node.ops = 300 + 40 * (second % 7));
            });
        }
        story
    }

    /// One more look: the last, changed.
    fn add(&mut self, change: impl FnOnce(&mut Sample)) {
        let mut look = self.looks.last().cloned().unwrap_or_else(six);
        look.unix_ms = BEGIN_MS + 1000 * self.looks.len() as u64;
        change(&mut look);
        self.looks.push(look);
    }

    fn picture(&self, columns: usize, rows: usize) -> String {
        let (mut history, mut events) = (History::default(), Vec::<(u64, Event)>::new());
        for (index, look) in self.looks.iter().enumerate() {
            history.add(look);
            let before = &self.looks[index.saturating_sub(1)];
            events.extend(events::between(before, look).into_iter().map(|event| (look.unix_ms, event)));
        }
        let sample = self.looks.last().unwrap();
        let content = Content { sample, history: &history, events: &events, trouble: None };
        let page = frame::page(content, columns, rows);
        let lines = page.iter().map(|line| frame::render(line, columns, false).trim_end().to_owned() + "\n");
        lines.collect()
    }
}

#[track_caller]
fn hold(name: &str, story: &Story) {
    for (columns, rows) in [(80, 24), (160, 50)] {
        let picture = story.picture(columns, rows);
        assert!(
            picture.lines().count() <= rows && picture.lines().all(|line| line.chars().count() <= columns)
        );
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/watch/pictures");
        let path = folder.join(format!("{name}-{columns}x{rows}.txt"));
        if std::env::var_os("RCL_BLESS").is_some() {
            std::fs::write(&path, &picture).unwrap();
        }
        let held = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(picture, held, "{} (make snapshots writes it anew)", path.display());
    }
}

/// The first master dies; nobody has its slots yet.
fn died() -> Story {
    let mut story = Story::new();
    story.add(|look| {
        look.nodes[0].state = State::Silent;
        look.nodes[1].state = State::LinkDown;
        (look.nodes[1].lag, look.nodes[1].ops) = (None, 0);
    });
    story.add(|look| {
        look.nodes[0].state = State::Down;
        look.state_ok = false;
    });
    story
}

#[test]
fn a_master_died() {
    hold("died", &died());
}

#[test]
fn its_replica_took_over() {
    let mut story = died();
    story.add(|look| {
        let mut dead = look.nodes.remove(0);
        let heir = &mut look.nodes[0];
        (heir.slots, heir.owned, heir.replica_of) = (dead.slots, dead.owned, None);
        (heir.config_epoch, heir.state) = (7, State::Ok);
        (dead.slots, dead.owned) = (0, Default::default());
        (look.epoch, look.state_ok) = (7, true);
        look.nodes.push(dead);
    });
    hold("failed-over", &story);
}

#[test]
fn slots_move() {
    let mut story = Story::new();
    for batch in 0..10u16 {
        story.add(|look| {
            let (moved, next) = (64 * batch, 64 * (batch + 1));
            let owned = |from: u16, to: u16| format!("{from}-{to}").parse().unwrap();
            look.nodes[2].owned = owned(5461 + moved, 10_922);
            look.nodes[0].owned = owned(0, 5460 + moved);
            for index in [0, 2] {
                look.nodes[index].moving = owned(5461 + moved, 5460 + next);
                look.nodes[index].moving_slots = 64;
                look.nodes[index].slots = look.nodes[index].owned.len();
                look.nodes[index + 1].lag = Some(1200 * u64::from(batch));
            }
        });
    }
    hold("moving", &story);
}
