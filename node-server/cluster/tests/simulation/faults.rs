//! What goes wrong, each fault by its name.
//!
//! A fault either lasts until it is taken back (a partition, a slow network) or is over when it has struck (a crash, an
//! operator's command). [`Faults::strike`] does one of a kind; [`Faults::take_back`] ends what lasts.

pub mod network_faults;
pub mod operators;
mod process_faults;

use rand::RngExt;

pub use network_faults::reset_pair;
pub use process_faults::LONGEST_FREEZE_MS;

use crate::world::World;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    Loss,
    Delay,
    Reorder,
    Duplicates,
    Break,
    Partition,
    OneWay,
    Flapping,
    Reset,
    Refuse,
    FullQueue,
    Crash,
    FlushedCrash,
    Unplug,
    NewAddress,
    Slow,
    Drift,
    Jump,
    DiskFull,
    DiskSlow,
    Liar,
    Failover,
    Force,
    Takeover,
    Meet,
    Forget,
    SetSlot,
    Slots,
    Replicate,
    BumpEpoch,
    ResetSoft,
    ResetHard,
}

impl Fault {
    /// Every fault with its name and what it does.
    pub const ALL: [(Fault, &'static str, &'static str); 32] = [
        (Fault::Loss, "loss", "packets get lost, so that TCP sends them again, later and later"),
        (Fault::Delay, "delay", "packets take constant, uniform or heavily tailed times"),
        (Fault::Reorder, "reorder", "of the two links of a pair one is much slower than the other"),
        (Fault::Duplicates, "duplicates", "packets come twice, the second time up to a second later"),
        (Fault::Break, "break", "single connections break"),
        (
            Fault::Partition,
            "partition",
            "two machines, or a minority and the rest, are cut off from each other",
        ),
        (Fault::OneWay, "one-way", "bytes from one machine, or from some to some, get lost"),
        (Fault::Flapping, "flapping", "a machine is cut off and not, again and again"),
        (Fault::Reset, "reset", "a firewall resets all connections of some machines and refuses new ones"),
        (Fault::Refuse, "refuse", "a living process refuses connections"),
        (Fault::FullQueue, "full-queue", "a living process takes no new connections, without a word"),
        (Fault::Crash, "crash", "a process is killed, and what its disk had not finished is lost"),
        (Fault::FlushedCrash, "crash-flushed", "a process is killed, and its disk finishes"),
        (Fault::Unplug, "unplug", "a process and its host are gone without a word"),
        (
            Fault::NewAddress,
            "new-address",
            "who restarts may have another port, another ip, or another's address",
        ),
        (Fault::Slow, "slow", "a machine stands still, for milliseconds or for seconds"),
        (Fault::Drift, "drift", "clocks run fast or slow by up to five per mille"),
        (Fault::Jump, "jump", "clocks are set forward by up to two seconds, or back by up to half of one"),
        (Fault::DiskFull, "disk-full", "nothing is persisted for a while"),
        (Fault::DiskSlow, "disk-slow", "the disk takes up to 400 ms"),
        (Fault::Liar, "liar", "one member gossips that healthy nodes are failing"),
        (Fault::Failover, "failover", "CLUSTER FAILOVER"),
        (Fault::Force, "force", "CLUSTER FAILOVER FORCE"),
        (Fault::Takeover, "takeover", "CLUSTER FAILOVER TAKEOVER"),
        (Fault::Meet, "meet", "CLUSTER MEET, of members, of oneself, of nobody"),
        (Fault::Forget, "forget", "CLUSTER FORGET of a live member, on one node or on all"),
        (Fault::SetSlot, "setslot", "a slot is moved, or the move is broken off halfway"),
        (Fault::Slots, "slots", "CLUSTER ADDSLOTS and DELSLOTS"),
        (Fault::Replicate, "replicate", "CLUSTER REPLICATE"),
        (Fault::BumpEpoch, "bumpepoch", "CLUSTER BUMPEPOCH"),
        (Fault::ResetSoft, "reset-soft", "CLUSTER RESET SOFT"),
        (Fault::ResetHard, "reset-hard", "CLUSTER RESET HARD"),
    ];

    pub fn name(self) -> &'static str {
        Fault::ALL.iter().find(|(fault, ..)| *fault == self).map_or("", |(_, name, _)| name)
    }

    pub fn all() -> Vec<Fault> {
        Fault::ALL.iter().map(|(fault, ..)| *fault).collect()
    }

    /// Makes epochs, or gives slots away, without asking the majority.
    pub fn is_without_consensus(self) -> bool {
        const THOSE: [Fault; 7] = [
            Fault::Takeover,
            Fault::Forget,
            Fault::SetSlot,
            Fault::Slots,
            Fault::BumpEpoch,
            Fault::ResetSoft,
            Fault::ResetHard,
        ];
        THOSE.contains(&self)
    }

    /// Leaves the cluster in a state that only an operator can mend.
    pub fn needs_repair(self) -> bool {
        const THOSE: [Fault; 6] = [
            Fault::Forget,
            Fault::SetSlot,
            Fault::Slots,
            Fault::Replicate,
            Fault::ResetSoft,
            Fault::ResetHard,
        ];
        THOSE.contains(&self)
    }
}

/// Reads a comma list of names.
pub fn parse(text: &str) -> Result<Vec<Fault>, String> {
    let mut faults = Vec::new();
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let Some((fault, ..)) = Fault::ALL.iter().find(|(_, name, _)| *name == word) else {
            let list: Vec<String> =
                Fault::ALL.iter().map(|(_, name, what)| format!("  {name:14} {what}")).collect();
            return Err(format!("there is no fault '{word}'; there are:\n{}", list.join("\n")));
        };
        faults.push(*fault);
    }
    Ok(faults)
}

/// The faults of one life.
pub struct Faults {
    pub kinds: Vec<Fault>,
    fresh_ips: u8,
}

impl Faults {
    /// Some of `allowed`, so that each life has its own; all, if they are few.
    pub fn draw(world: &mut World, allowed: &[Fault]) -> Faults {
        let few = allowed.len() <= 3;
        let mut kinds: Vec<Fault> =
            allowed.iter().copied().filter(|_| few || world.rng.random_range(0..10) < 6).collect();
        // Half of all lives are without commands that bypass the majority: what they hold is held most strictly.
        if !few && world.rng.random() {
            kinds.retain(|kind| !kind.is_without_consensus());
        }
        Faults { kinds, fresh_ips: 0 }
    }

    pub fn has(&self, fault: Fault) -> bool {
        self.kinds.contains(&fault)
    }

    /// One fault, of a random kind.
    pub fn strike(&mut self, world: &mut World) {
        if self.kinds.is_empty() {
            return;
        }
        let kind = self.kinds[world.rng.random_range(0..self.kinds.len())];
        world.note(|_| format!("strikes: {}", kind.name()));
        match kind {
            Fault::Loss
            | Fault::Delay
            | Fault::Reorder
            | Fault::Duplicates
            | Fault::Break
            | Fault::Partition
            | Fault::OneWay
            | Fault::Flapping
            | Fault::Reset
            | Fault::Refuse
            | Fault::FullQueue => network_faults::strike(world, kind),
            Fault::Crash
            | Fault::FlushedCrash
            | Fault::Unplug
            | Fault::NewAddress
            | Fault::Slow
            | Fault::Drift
            | Fault::Jump
            | Fault::DiskFull
            | Fault::DiskSlow
            | Fault::Liar => process_faults::strike(self, world, kind),
            _ => operators::act(world, kind),
        }
    }

    /// Something gets better: a machine comes back, or a lasting fault of the network ends.
    pub fn relent(&mut self, world: &mut World) {
        let down: Vec<usize> = (0..world.machines.len()).filter(|&at| !world.machines[at].is_up()).collect();
        match world.rng.random_range(0..8) {
            0 => {
                world.note(|_| "the network is well".to_owned());
                network_faults::take_back(world);
            }
            1..=4 if !down.is_empty() => {
                let index = down[world.rng.random_range(0..down.len())];
                process_faults::restart(self, world, index);
            }
            5 => process_faults::take_back(world),
            _ => {}
        }
    }

    /// All is well again, as far as machines and the network go.
    pub fn take_back(&mut self, world: &mut World) {
        world.note(|_| "the faults stop".to_owned());
        network_faults::take_back(world);
        process_faults::take_back(world);
        for index in 0..world.machines.len() {
            if !world.machines[index].is_up() {
                process_faults::restart(self, world, index);
            }
        }
    }

    /// An ip that nobody had yet.
    fn fresh_ip(&mut self) -> String {
        self.fresh_ips += 1;
        format!("10.9.0.{}", self.fresh_ips)
    }
}

impl World {
    /// For the checkers: with whom, or whose ways, something is wrong now.
    pub fn note_who_is_ill(&mut self) {
        let rough = self.network.is_rough();
        for index in 0..self.machines.len() {
            let frozen = self.is_frozen(index);
            if rough || frozen || !self.machines[index].is_up() || self.network.is_troubled(index) {
                self.checkers.due.is_ill(index, self.now_ms);
            }
        }
    }
}

mod tests {
    use super::*;

    #[test]
    fn unknown_names_are_refused_with_the_list() {
        assert_eq!(parse("loss, crash"), Ok(vec![Fault::Loss, Fault::Crash]));
        let error = parse("loss,fire").unwrap_err();
        assert!(error.starts_with("there is no fault 'fire'"), "{error}");
        assert!(Fault::ALL.iter().all(|(_, name, _)| error.contains(name)));
    }
}
