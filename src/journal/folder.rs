//! The folder of the journals: finding jobs, beginning one, taking one up again.
//!
//! A job is *held* while an `rcl` works at it: it has a lock on the job's file, which the system takes back when the process
//! ends, however it ends. Who looks whether a job is held, or begins one, has the folder's own lock meanwhile; so of two
//! that begin on one cluster the second sees the first.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use rcl_proto::Address;

use super::job::{Job, State};
use super::record::{Member, Record, VERSION};
use super::sole::Soles;
use super::time::{name_of, now_ms};
use super::writer::Journal;
use crate::cli::{Failure, Kind};
use crate::topology::Topology;

/// So many finished jobs are kept, the newest.
const KEPT: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateFolder {
    path: PathBuf,
    is_named: bool,
}

/// A job that was found in the folder.
#[derive(Clone, Debug)]
pub struct Found {
    pub id: String,
    pub path: PathBuf,
    /// Or why it cannot be read.
    pub job: Result<(Job, State), String>,
}

/// A job that begins, and the unfinished ones of the same cluster whose place it takes.
#[derive(Debug)]
pub struct Begun {
    pub journal: Journal,
    pub superseded: Vec<String>,
}

impl StateFolder {
    /// As the user named it.
    pub fn at(path: impl Into<PathBuf>) -> StateFolder {
        StateFolder { path: path.into(), is_named: true }
    }

    /// Where the user's programs keep their state; `None` when neither XDG_STATE_HOME nor HOME is set.
    pub fn usual() -> Option<StateFolder> {
        let absolute =
            |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
        Some(StateFolder { path: state.join("rcl"), is_named: false })
    }

    pub fn is_named(&self) -> bool {
        self.is_named
    }

    /// Makes it, if it is not there; an error when nothing can be written in it.
    pub fn prepare(&self) -> Result<(), Failure> {
        fs::create_dir_all(self.path.join("jobs")).map_err(|error| self.failure("write to", &error))?;
        self.lock().map(|_| ())
    }

    /// All jobs, the newest first; none where there is no folder yet.
    pub fn jobs(&self) -> Result<Vec<Found>, Failure> {
        if !self.path.exists() {
            return Ok(Vec::new());
        }
        let _lock = self.lock()?;
        self.look_through().map_err(|error| self.failure("read", &error))
    }

    /// Begins a job; refused while another works at a cluster that has a node of this one.
    pub fn begin(&self, title: &str, topology: &Topology, entry: &Address) -> Result<Begun, Failure> {
        let failed = |error: io::Error| self.failure("write to", &error);
        self.prepare()?;
        let _lock = self.lock()?;
        let jobs = self.look_through().map_err(|error| self.failure("read", &error))?;
        let same_cluster = |job: &Job| topology.nodes.keys().any(|node| job.is_about(*node));
        let known = || jobs.iter().filter_map(|found| Some((found, found.job.as_ref().ok()?)));
        if let Some((_, (job, _))) =
            known().find(|(_, (job, state))| *state == State::Running && same_cluster(job))
        {
            return Err(held(job));
        }
        let at_ms = now_ms();
        let (id, path, file) = self.new_file(at_ms).map_err(failed)?;
        let journal = Journal::open(id.clone(), path, file, Soles::default());
        let nodes = Member::all(topology);
        let (title, entry) = (title.to_owned(), entry.clone());
        journal
            .write(&Record::Job { version: VERSION, job: id.clone(), title, entry, nodes, at_ms }, true)?;
        File::open(self.path.join("jobs")).and_then(|folder| folder.sync_all()).map_err(failed)?;
        let mut superseded = Vec::new();
        for (found, (_, _)) in known().filter(|(_, (job, state))| state.is_open() && same_cluster(job)) {
            let (old, _) = self.open(&found.path)?;
            let old = Journal::open(found.id.clone(), found.path.clone(), old, Soles::default());
            old.write(&Record::Superseded { by: id.clone(), at_ms }, true)?;
            superseded.push(found.id.clone());
        }
        self.prune(&jobs);
        Ok(Begun { journal, superseded })
    }

    /// Takes a job up again, as it is now; refused while another works at it or at its cluster.
    pub fn take_up(&self, id: &str) -> Result<(Job, Journal), Failure> {
        let _lock = self.lock()?;
        let jobs = self.look_through().map_err(|error| self.failure("read", &error))?;
        let unknown = || {
            Failure::refused(format!("no job '{id}' in {}", self.path.display())).next("rcl jobs lists them")
        };
        let found = jobs.iter().find(|found| found.id == id).ok_or_else(unknown)?;
        let (job, _) = found.job.as_ref().map_err(|why| unreadable(found, why))?;
        for (other, state) in jobs.iter().filter_map(|found| found.job.as_ref().ok()) {
            if *state == State::Running && other.members.iter().any(|member| job.is_about(member.id)) {
                return Err(held(other));
            }
        }
        let (file, job) = self.open(&found.path)?;
        let journal = Journal::open(found.id.clone(), found.path.clone(), file, job.soles.clone());
        Ok((job, journal))
    }

    fn look_through(&self) -> io::Result<Vec<Found>> {
        let mut jobs = Vec::new();
        let folder = match fs::read_dir(self.path.join("jobs")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(jobs),
            folder => folder?,
        };
        for entry in folder {
            let path = entry?.path();
            let name =
                path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".jsonl"));
            let Some(id) = name.map(str::to_owned) else { continue };
            let job = read(&path);
            jobs.push(Found { id, path, job });
        }
        jobs.sort_by(|a, b| b.id.cmp(&a.id));
        Ok(jobs)
    }

    /// Held by the returned file.
    fn new_file(&self, at_ms: u64) -> io::Result<(String, PathBuf, File)> {
        let mut salt = std::process::id();
        loop {
            let id = format!("{}-{:04x}", name_of(at_ms), salt & 0xffff);
            let path = self.path.join("jobs").join(format!("{id}.jsonl"));
            match OpenOptions::new().append(true).create_new(true).open(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => salt = salt.wrapping_add(1),
                file => {
                    let file = file?;
                    file.lock()?;
                    return Ok((id, path, file));
                }
            }
        }
    }

    /// For appending behind its last whole line, and held.
    fn open(&self, path: &Path) -> Result<(File, Job), Failure> {
        let failed = |error: io::Error| self.failure("write to", &error);
        let mut file = OpenOptions::new().read(true).append(true).open(path).map_err(failed)?;
        file.lock().map_err(failed)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        let job = Job::read(&String::from_utf8_lossy(&bytes[..whole]));
        let job = job.map_err(|why| Failure::refused(format!("{}: {why}", path.display())))?;
        Ok((file, job))
    }

    fn lock(&self) -> Result<File, Failure> {
        let open = || {
            let file =
                OpenOptions::new().create(true).truncate(false).write(true).open(self.path.join("lock"))?;
            file.lock()?;
            Ok(file)
        };
        open().map_err(|error| self.failure("write to", &error))
    }

    /// What cannot be removed stays; it does no harm.
    fn prune(&self, jobs: &[Found]) {
        let finished = jobs.iter().filter(|found| {
            found.job.as_ref().is_ok_and(|(_, state)| !state.is_open() && *state != State::Running)
        });
        for found in finished.skip(KEPT) {
            let _ = fs::remove_file(&found.path);
        }
    }

    fn failure(&self, what: &str, error: &io::Error) -> Failure {
        Failure::refused(format!("cannot {what} the journals' folder {}: {error}", self.path.display()))
            .next("name another one with --state-dir, or work without (--no-journal)")
    }
}

fn read(path: &Path) -> Result<(Job, State), String> {
    let read = || {
        let mut file = File::open(path)?;
        let is_held = match file.try_lock_shared() {
            Ok(()) => false,
            Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Error(error)) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok((String::from_utf8_lossy(&bytes).into_owned(), is_held))
    };
    let (text, is_held) = read().map_err(|error: io::Error| error.to_string())?;
    let job = Job::read(&text)?;
    let state = job.state(is_held);
    Ok((job, state))
}

fn held(job: &Job) -> Failure {
    let pid = job.runs.last().map_or_else(String::new, |run| format!(" (process {})", run.pid));
    Failure::refused(format!("another rcl{pid} is changing this cluster: job {}, {}", job.id, job.title))
        .next("wait until it is done, or stop it with Ctrl-C; rcl jobs shows it")
}

fn unreadable(found: &Found, why: &str) -> Failure {
    Failure::new(Kind::Refused, format!("the journal {} cannot be read: {why}", found.path.display()))
        .next("rcl check says how the cluster is, and rcl fix closes open slots without a journal")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Deed, Ending};
    use crate::plan::rebalance::tests::{id, topology};
    use crate::plan::reshard;

    struct Folder(StateFolder);

    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir().join(format!("rcl-journal-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            Folder(StateFolder::at(path))
        }

        fn states(&self) -> Vec<State> {
            self.0.jobs().unwrap().into_iter().map(|found| found.job.unwrap().1).collect()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0.path);
        }
    }

    #[test]
    fn a_second_job_on_a_cluster_waits_its_turn_and_takes_the_place_of_a_dead_one() {
        let folder = Folder::new("turns");
        assert!(folder.0.jobs().unwrap().is_empty());
        let (cluster, entry) = (topology(&[8192, 8192]), "127.0.0.1:7001".parse().unwrap());
        let plan = reshard::plan(&cluster, &[], id(2), &reshard::Wish::Count(5)).unwrap();
        let first = folder.0.begin("first", &cluster, &entry).unwrap();
        first.journal.begin(Deed::Do, &plan).unwrap();
        assert_eq!(folder.states(), [State::Running]);
        let refused = folder.0.begin("second", &cluster, &entry).unwrap_err();
        assert!(refused.what.contains(first.journal.id().unwrap()), "{refused:?}");
        assert!(folder.0.take_up(first.journal.id().unwrap()).is_err());
        // Its rcl dies.
        let id_of_first = first.journal.id().unwrap().to_owned();
        drop(first);
        assert_eq!(folder.states(), [State::Interrupted]);
        let second = folder.0.begin("second", &cluster, &entry).unwrap();
        assert_eq!(second.superseded, std::slice::from_ref(&id_of_first));
        second.journal.begin(Deed::Do, &plan).unwrap();
        second.journal.end(Ending::Done, None).unwrap();
        drop(second);
        let mut states = folder.states();
        states.sort_by_key(|state| state.word());
        assert_eq!(states, [State::Done, State::Superseded]);
        // It can be taken up all the same, by name.
        let (job, journal) = folder.0.take_up(&id_of_first).unwrap();
        assert_eq!(job.runs[0].plan, plan);
        journal.begin(Deed::Undo, &plan).unwrap();
        journal.end(Ending::Done, None).unwrap();
        drop(journal);
        assert!(folder.states().contains(&State::Undone));
    }

    #[test]
    fn a_torn_line_is_cut_off_before_the_next_is_written_and_a_damaged_journal_is_named() {
        let folder = Folder::new("torn");
        let (cluster, entry) = (topology(&[8192, 8192]), "127.0.0.1:7001".parse().unwrap());
        let plan = reshard::plan(&cluster, &[], id(2), &reshard::Wish::Count(5)).unwrap();
        let begun = folder.0.begin("torn", &cluster, &entry).unwrap();
        begun.journal.begin(Deed::Do, &plan).unwrap();
        drop(begun);
        let found = folder.0.jobs().unwrap().remove(0);
        let mut text = fs::read_to_string(&found.path).unwrap();
        text.push_str("{\"record\":\"done\",\"ste");
        fs::write(&found.path, &text).unwrap();
        let (_, journal) = folder.0.take_up(&found.id).unwrap();
        journal.done(1).unwrap();
        drop(journal);
        assert_eq!(folder.0.jobs().unwrap()[0].job.as_ref().unwrap().0.runs[0].done, 1);
        fs::write(&found.path, "rubbish\n").unwrap();
        let why = folder.0.take_up(&found.id).unwrap_err();
        assert!(why.what.contains("cannot be read"), "{why:?}");
        // Another job begins all the same.
        folder.0.begin("next", &cluster, &entry).unwrap();
    }

    #[test]
    fn other_clusters_are_changed_at_the_same_time() {
        let folder = Folder::new("others");
        let cluster = topology(&[8192, 8192]);
        let mut other = cluster.clone();
        let nodes: Vec<_> = std::mem::take(&mut other.nodes).into_values().collect();
        for (number, mut node) in (7..).zip(nodes) {
            node.id = id(number);
            other.nodes.insert(node.id, node);
        }
        let entry = "127.0.0.1:7001".parse().unwrap();
        let first = folder.0.begin("first", &cluster, &entry).unwrap();
        let second = folder.0.begin("second", &other, &entry).unwrap();
        assert_ne!(first.journal.id(), second.journal.id());
        assert_eq!(folder.states(), [State::Running, State::Running]);
    }
}
