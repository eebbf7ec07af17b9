//! A job, as its records tell it.

use rcl_proto::{Address, NodeId, SlotSet};
use serde::Serialize;

use super::record::{Deed, Ending, Member, Record, VERSION};
use super::sole::Soles;
use crate::plan::past::{Past, Roles};
use crate::plan::{Move, Plan, Step};

#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub id: String,
    pub title: String,
    pub entry: Address,
    pub members: Vec<Member>,
    pub began_ms: u64,
    /// The first is what the user asked for.
    pub runs: Vec<Run>,
    pub superseded_by: Option<String>,
    pub(super) soles: Soles,
}

/// One run at a job's plan, or at what is left of it, or at taking it back.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub deed: Deed,
    pub plan: Plan,
    pub pid: u32,
    pub began_ms: u64,
    /// How many steps of its plan are done.
    pub done: usize,
    /// How many from there on were begun, and not said to be done.
    begun: usize,
    /// With those that were opened, and that the run that goes on found to have arrived: an `rcl` that is killed between the two
    /// has not said so. Their keys are not known.
    pub moved_slots: u64,
    pub moved_keys: u64,
    /// Opened, and not said to have moved.
    opened: SlotSet,
    pub end: Option<(Ending, Option<String>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Running,
    /// Its `rcl` ended without a word.
    Interrupted,
    Stopped,
    Done,
    Undone,
    /// It was not finished, and another job began on its cluster.
    Superseded,
}

impl State {
    pub fn word(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Interrupted => "interrupted",
            State::Stopped => "stopped",
            State::Done => "done",
            State::Undone => "undone",
            State::Superseded => "superseded",
        }
    }

    /// There is something to go on with.
    pub fn is_open(self) -> bool {
        matches!(self, State::Interrupted | State::Stopped)
    }
}

/// Whether a run goes on with what the one before it did.
fn goes_on(before: Deed, now: Deed) -> bool {
    now == Deed::Resume || before == Deed::Undo && now == Deed::Undo
}

impl Run {
    /// What the rest does not move has arrived.
    fn note_arrived(&mut self, rest: &Plan) {
        let left = rest.moves().fold(SlotSet::EMPTY, |left, part| left.union(&part.slots));
        self.moved_slots += std::mem::take(&mut self.opened).difference(&left).len() as u64;
    }
}

impl Job {
    /// From the text of its file; or why it cannot be read.
    pub fn read(text: &str) -> Result<Job, String> {
        let mut job: Option<Job> = None;
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        for (number, line) in whole.lines().enumerate() {
            let record: Record =
                serde_json::from_str(line).map_err(|error| format!("line {}: {error}", number + 1))?;
            match (&mut job, record) {
                (None, Record::Job { version, .. }) if version > VERSION => {
                    return Err(format!("it is of version {version}, of a newer rcl"));
                }
                (None, Record::Job { job: id, title, entry, nodes: members, at_ms, .. }) => {
                    let (runs, superseded_by, soles) = (Vec::new(), None, Soles::default());
                    job =
                        Some(Job { id, title, entry, members, began_ms: at_ms, runs, superseded_by, soles });
                }
                (None, _) => return Err("it does not begin with its job".to_owned()),
                (Some(job), record) => job.take(record),
            }
        }
        job.ok_or_else(|| "it is empty".to_owned())
    }

    fn take(&mut self, record: Record) {
        if let Record::Begin { deed, plan, pid, at_ms, .. } = record {
            self.superseded_by = None;
            if let Some(before) = self.runs.last_mut().filter(|before| goes_on(before.deed, deed)) {
                before.note_arrived(&plan);
            }
            let (done, begun, moved_slots, moved_keys, opened, end) = (0, 0, 0, 0, SlotSet::EMPTY, None);
            let began_ms = at_ms;
            self.runs.push(Run {
                deed,
                plan,
                pid,
                began_ms,
                done,
                begun,
                moved_slots,
                moved_keys,
                opened,
                end,
            });
            return;
        }
        if let Record::Superseded { by, .. } = record {
            self.superseded_by = Some(by);
            return;
        }
        let Some(run) = self.runs.last_mut() else { return };
        match record {
            Record::Step { count, .. } => run.begun = count,
            Record::Done { steps, .. } => (run.done, run.begun) = (steps, 0),
            Record::Opening { slots, sole, .. } => {
                run.opened = run.opened.union(&slots.slots);
                self.soles.opened(&slots, sole.as_deref());
            }
            Record::Moved { slots, keys, .. } => {
                self.soles.moved(&slots.slots);
                run.opened = run.opened.difference(&slots.slots);
                run.moved_slots += slots.slots.len() as u64;
                run.moved_keys += keys;
            }
            Record::End { ending, why, .. } => run.end = Some((ending, why)),
            _ => {}
        }
    }

    /// `is_held`: some `rcl` works at it.
    pub fn state(&self, is_held: bool) -> State {
        if is_held {
            return State::Running;
        }
        if self.superseded_by.is_some() {
            return State::Superseded;
        }
        match self.runs.last().map(|run| (run.deed, run.end.as_ref().map(|end| end.0))) {
            Some((Deed::Undo, Some(Ending::Done))) => State::Undone,
            Some((_, Some(Ending::Done))) => State::Done,
            Some((_, Some(Ending::Stopped))) => State::Stopped,
            Some((_, None)) => State::Interrupted,
            // It ended before it did anything.
            None => State::Undone,
        }
    }

    pub fn is_about(&self, node: NodeId) -> bool {
        self.members.iter().any(|member| member.id == node)
    }

    pub fn roles(&self) -> Roles {
        self.members.iter().map(|member| (member.id, member.master.map(|master| master.0))).collect()
    }

    /// All that its runs were to move.
    pub fn moves(&self) -> impl Iterator<Item = &Move> {
        self.runs.iter().flat_map(|run| run.plan.moves())
    }

    /// The steps that its last run had begun when it ended, and of which nobody said that they are done.
    pub fn under_way(&self) -> &[Step] {
        let Some(run) = self.runs.last() else { return &[] };
        run.plan.steps.get(run.done..run.done.saturating_add(run.begun)).unwrap_or_default()
    }

    /// What was under way last: for going on with it.
    pub fn last<'a>(&'a self, roles: &'a Roles) -> Option<Past<'a>> {
        self.runs.last().map(|run| Past { plan: &run.plan, done: run.done, roles })
    }

    /// What the user asked for, with how far it ever came: for taking it back.
    pub fn whole<'a>(&'a self, roles: &'a Roles) -> Option<Past<'a>> {
        let first = self.runs.first()?;
        // A resumed run has its own, shorter plan: how far that came is said from its end.
        let left = |run: &Run| run.plan.steps.len().saturating_sub(run.done);
        let resumed = self.runs.iter().skip(1).filter(|run| run.deed == Deed::Resume).map(left).min();
        let done =
            resumed.map_or(first.done, |left| first.done.max(first.plan.steps.len().saturating_sub(left)));
        Some(Past { plan: &first.plan, done, roles })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::record::Batch;
    use crate::plan::rebalance::tests::{id, topology};
    use crate::plan::scale_down;

    fn records() -> Vec<Record> {
        let topology = topology(&[4096, 4096, 4096, 4096]);
        let plan = scale_down::plan(&topology, id(4)).unwrap();
        let slots = Batch {
            source: id(4),
            target: id(1),
            slots: topology.nodes[&id(4)].slots.iter().take(64).collect(),
        };
        let (pid, at_ms) = (7, 1000);
        vec![
            Record::Job {
                version: VERSION,
                job: "j1".into(),
                title: plan.title.clone(),
                entry: "127.0.0.1:7001".parse().unwrap(),
                nodes: Member::all(&topology),
                at_ms,
            },
            Record::Begin { deed: Deed::Do, plan, rcl: "1".into(), pid, at_ms },
            Record::Step { first: 0, count: 3, at_ms },
            Record::Opening { slots: slots.clone(), sole: None, at_ms },
            Record::Moved { slots, keys: 9, at_ms },
            Record::Done { steps: 3, at_ms },
            Record::End { ending: Ending::Stopped, why: Some("a fault".into()), at_ms },
        ]
    }

    fn text(records: &[Record]) -> String {
        let line = |record: &Record| serde_json::to_string(record).unwrap() + "\n";
        records.iter().map(line).collect()
    }

    #[test]
    fn a_job_is_read_as_it_was_written_and_a_torn_end_was_not() {
        let records = records();
        for (line, record) in text(&records).lines().zip(&records) {
            assert_eq!(&serde_json::from_str::<Record>(line).unwrap(), record);
        }
        let whole = text(&records);
        let job = Job::read(&whole).unwrap();
        assert_eq!((job.runs[0].done, job.runs[0].moved_slots, job.runs[0].moved_keys), (3, 64, 9));
        assert_eq!(job.under_way(), [], "all that was begun is done");
        let begun = Job::read(&text(&records[..3])).unwrap();
        assert_eq!(begun.under_way(), &begun.runs[0].plan.steps[..3]);
        assert_eq!(job.state(false), State::Stopped);
        assert_eq!(job.state(true), State::Running);
        assert_eq!(Job::read(&text(&records[..1])).unwrap().state(false), State::Undone);
        let torn = &whole[..whole.len() - 5];
        assert_eq!(Job::read(torn).unwrap().state(false), State::Interrupted);
        assert_eq!(Job::read(torn).unwrap().runs[0].done, 3);
        for bad in ["", "{}\n", "x\n", &text(&records[1..])] {
            assert!(Job::read(bad).is_err(), "{bad}");
        }
        let newer = whole.replacen("\"version\":1", "\"version\":2", 1);
        assert!(Job::read(&newer).unwrap_err().contains("newer rcl"));
        assert_eq!(Job::read(&(whole.clone() + "{\"record\":\"of-tomorrow\",\"x\":1}\n")).unwrap(), job);
    }

    #[test]
    fn what_had_arrived_when_its_rcl_was_killed_is_counted_when_the_rest_is_known() {
        let mut records = records();
        let Record::Moved { slots, .. } = records[4].clone() else { panic!() };
        records.truncate(4);
        assert_eq!(Job::read(&text(&records)).unwrap().runs[0].moved_slots, 0, "nobody has said so");
        let Record::Begin { plan, .. } = &records[1] else { panic!() };
        let moves = |slots: SlotSet| {
            let part = Move { slots, ..plan.moves().next().unwrap().clone() };
            Plan { steps: vec![Step::MoveSlots(part)], ..plan.clone() }
        };
        let half: SlotSet = slots.slots.iter().take(32).collect();
        for (rest, arrived) in [(SlotSet::EMPTY, 64), (half, 32), (slots.slots.clone(), 0)] {
            for (deed, counted) in [(Deed::Resume, arrived), (Deed::Undo, 0)] {
                let (rcl, pid, at_ms) = ("1".into(), 8, 1);
                let next = Record::Begin { deed, plan: moves(rest.clone()), rcl, pid, at_ms };
                let job = Job::read(&(text(&records) + &text(&[next]))).unwrap();
                assert_eq!(job.runs[0].moved_slots, counted, "{deed:?}");
            }
        }
    }

    #[test]
    fn how_far_it_came_is_known_over_all_its_runs() {
        let mut records = records();
        let roles = Roles::new();
        let Record::Begin { plan, .. } = &records[1] else { panic!() };
        let steps = plan.steps.len();
        let rest = Plan { steps: plan.steps[2..].to_vec(), ..plan.clone() };
        records.push(Record::Begin { deed: Deed::Resume, plan: rest, rcl: "1".into(), pid: 8, at_ms: 1 });
        let job = Job::read(&text(&records)).unwrap();
        assert_eq!(job.whole(&roles).unwrap().done, 3, "nothing of the rest is done yet");
        assert_eq!(job.last(&roles).unwrap().done, 0);
        records.push(Record::Done { steps: steps - 3, at_ms: 2 });
        let job = Job::read(&text(&records)).unwrap();
        assert_eq!(job.whole(&roles).unwrap().done, steps - 1);
        records.push(Record::Superseded { by: "j2".into(), at_ms: 3 });
        assert_eq!(Job::read(&text(&records)).unwrap().state(false), State::Superseded);
    }
}
