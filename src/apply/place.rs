//! Whether the target of a move is still in its place, asked before it gets anything more after it had said nothing.
//!
//! A master that was cut off for long enough is replaced, and does not know it in the moment in which it is back: it takes a key and says so, the
//! source deletes the key, and then the target becomes a replica of who replaced it, and throws the key away. So after an I/O error between source and
//! target nothing is sent once more before
//!
//! 1. the target has answered, which it does only when it is back;
//! 2. and, after that, the others: none of them sees a failed node in it, nor anybody else with its slots by an epoch that is its own or newer.
//!
//! The first attempt needs no such question as long as it ends before a failover can begin: see how `keys.rs` shares out the time of a MIGRATE.

use rcl_proto::nodes_text::{self, NodeFlags, NodeLine};
use rcl_proto::{Address, NodeId};

use super::epochs::views;
use crate::connect::{Cluster, Link};

/// Who is to be in its place, and who is asked.
#[derive(Debug)]
pub struct Place {
    source: NodeId,
    target: NodeId,
    others: Vec<Link>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Somebody else has its place.
    Replaced(String),
    /// It may be so yet.
    Unclear(String),
}

impl Place {
    pub fn new(cluster: &Cluster, source: NodeId, target: NodeId) -> Place {
        let others = cluster.links.iter().filter(|(id, _)| ![source, target].contains(id));
        Place { source, target, others: others.map(|(_, link)| link.clone()).collect() }
    }

    pub async fn ask(&self, target: &Link) -> Result<(), Doubt> {
        let own = lines(target).await.map_err(Doubt::Unclear)?;
        // Who does not answer bears no witness.
        let views: Vec<_> = views(self.others.clone()).await.into_values().collect();
        self.judge(&own, &views)
    }

    fn judge(&self, own: &[NodeLine], views: &[Vec<NodeLine>]) -> Result<(), Doubt> {
        let Some(me) = line_of(own, self.target) else {
            return Err(Doubt::Replaced("another node".to_owned()));
        };
        let name = |view: &[NodeLine], id: NodeId| {
            let line = line_of(view, id).map(|line| Address::new(&line.endpoint.ip, line.endpoint.port));
            line.map_or_else(|| format!("{id:.8}"), |address| address.to_string())
        };
        if let Some(master) = me.master {
            return Err(Doubt::Replaced(name(own, master)));
        }
        let mut suspects = 0;
        for view in views {
            let Some(seen) = line_of(view, self.target) else { continue };
            if let Some(master) = seen.master {
                return Err(Doubt::Replaced(name(view, master)));
            }
            // Slots that it has just got are their giver's, for who has not heard.
            let has_its_place = |line: &&NodeLine| {
                ![self.source, self.target].contains(&line.id)
                    && line.config_epoch >= me.config_epoch
                    && !line.slots.intersection(&me.slots).is_empty()
            };
            if let Some(successor) = view.iter().find(has_its_place) {
                return Err(Doubt::Replaced(name(view, successor.id)));
            }
            if seen.flags.contains(NodeFlags::FAIL) {
                return Err(Doubt::Unclear("it is called failed".to_owned()));
            }
            suspects += usize::from(seen.flags.contains(NodeFlags::PFAIL));
        }
        if suspects > 0 && suspects * 2 >= views.len() {
            return Err(Doubt::Unclear("it is suspected to have failed".to_owned()));
        }
        Ok(())
    }
}

async fn lines(link: &Link) -> Result<Vec<NodeLine>, String> {
    let text = link.text(&["CLUSTER", "NODES"]).await.map_err(|error| error.to_string())?;
    nodes_text::parse(&text).map_err(|error| error.to_string())
}

fn line_of(view: &[NodeLine], id: NodeId) -> Option<&NodeLine> {
    view.iter().find(|line| line.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::tests_of_merge::{id, view};

    /// Node 1 gives to node 2, whose replica is node 3; node 4 looks on.
    fn judge(own: &[&str], others: &[(u8, &[&str])]) -> Result<(), Doubt> {
        let place = Place { source: id(1), target: id(2), others: Vec::new() };
        let views: Vec<_> = others.iter().map(|(viewer, lines)| view(*viewer, lines).lines).collect();
        place.judge(&view(2, own).lines, &views)
    }

    const OWN: [&str; 4] = [
        "1 7001 master - 1 1-5000",
        "2 7002 master - 5 0 5001-10000",
        "3 7003 slave 2 5",
        "4 7004 master - 4 10001-16383",
    ];
    const BEFORE: [&str; 4] = [
        "1 7001 master - 1 0-5000",
        "2 7002 master - 2 5001-10000",
        "3 7003 slave 2 2",
        "4 7004 master - 4 10001-16383",
    ];

    #[test]
    fn a_target_that_others_see_as_it_does_itself_is_in_its_place() {
        assert_eq!(judge(&OWN, &[(3, &OWN), (4, &OWN)]), Ok(()));
        assert_eq!(judge(&OWN, &[(3, &BEFORE), (4, &BEFORE)]), Ok(()), "they have not heard of its slot yet");
        assert_eq!(judge(&OWN, &[]), Ok(()), "there is nobody else");
    }

    #[test]
    fn one_whose_replica_has_its_slots_was_replaced_though_it_does_not_know() {
        let seen = [
            "1 7001 master - 1 0-5000",
            "2 7002 master,fail - 2",
            "3 7003 master - 5 5001-10000",
            "4 7004 master - 4 10001-16383",
        ];
        let replaced = Err(Doubt::Replaced("127.0.0.1:7003".to_owned()));
        assert_eq!(judge(&OWN, &[(4, &seen)]), replaced);
        assert_eq!(judge(&OWN, &[(3, &seen), (4, &OWN)]), replaced, "one who has heard is enough");
        let follows = ["1 7001 master - 1 0-5000", "2 7002 slave 3 5", "3 7003 master - 5 5001-10000"];
        assert_eq!(judge(&OWN, &[(3, &follows)]), replaced);
        assert_eq!(judge(&follows, &[]), replaced, "it knows itself");
    }

    #[test]
    fn who_owned_its_slots_before_has_an_older_epoch() {
        let late = ["1 7001 master - 1 0-5000", "2 7002 master - 2", "4 7004 master - 4 5001-16383"];
        assert_eq!(judge(&OWN, &[(4, &late)]), Ok(()));
    }

    #[test]
    fn one_that_is_called_failed_is_waited_for() {
        let of = |flags: &str| {
            let line = BEFORE[1].replace("master", flags);
            [BEFORE[0].to_owned(), line, BEFORE[2].to_owned(), BEFORE[3].to_owned()]
        };
        let judge = |flags: &str, others: &[(u8, &[&str])]| {
            let lines = of(flags);
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let mut views = vec![(4, lines.as_slice())];
            views.extend_from_slice(others);
            self::judge(&OWN, &views)
        };
        assert!(matches!(judge("master,fail", &[(3, &OWN)]), Err(Doubt::Unclear(_))));
        assert!(matches!(judge("master,fail?", &[(3, &OWN)]), Err(Doubt::Unclear(_))));
        assert_eq!(judge("master,fail?", &[(3, &OWN), (1, &OWN)]), Ok(()), "one of three suspects it");
    }
}
