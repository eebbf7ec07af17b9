//! Every seed that ever failed, run again each time: see `regressions.txt`.

use crate::faults::{self, Fault};
use crate::life::Lot;
use crate::runner;

const CASES: &str = include_str!("regressions.txt");

/// `seed nodes faults: what it showed`
fn parse(line: &str) -> Lot {
    let (words, _) = line.split_once(": ").unwrap_or_else(|| panic!("'{line}' says not what it showed"));
    let [seed, nodes, faults] = words.split(' ').collect::<Vec<_>>()[..] else {
        panic!("'{line}' is no case")
    };
    let (least, most) = nodes.split_once('-').unwrap_or((nodes, nodes));
    let number =
        |text: &str| text.parse::<u64>().unwrap_or_else(|_| panic!("'{text}' is no number in '{line}'"));
    let faults = match faults {
        "all" => Fault::all(),
        names => faults::parse(names).unwrap_or_else(|error| panic!("'{line}': {error}")),
    };
    Lot { seed: number(seed), nodes: (number(least) as usize, number(most) as usize), faults }
}

#[test]
fn every_seed_that_ever_failed_holds() {
    let cases = CASES.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    for lot in cases.map(parse) {
        if let Err(failure) = runner::run(&lot, 120) {
            panic!("{failure}");
        }
    }
}
