//! The one table of what is done, and killed on its way. A verb more is a line here and the words that it gets.

use super::Field;

pub struct Deed {
    pub name: &'static str,
    /// The words of `rcl`: about whom, by the dice.
    pub words: fn(&mut Field) -> Vec<String>,
    pub taken_up: TakenUp,
}

/// How it comes to an end after it was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakenUp {
    /// `rcl resume` or `rcl undo`, by the dice.
    ByItsJob,
    /// The same command again.
    AskedAgain,
}

const fn by_its_job(name: &'static str, words: fn(&mut Field) -> Vec<String>) -> Deed {
    Deed { name, words, taken_up: TakenUp::ByItsJob }
}

pub const DEEDS: &[Deed] = &[
    by_its_job("reshard", |field| {
        let (source, other) = field.two();
        let count = (100 + field.dice.throw(900)).to_string();
        words(&["reshard", &other, "--from", &source, "--to", &other, "--slots", &count])
    }),
    by_its_job("move-slots", |field| {
        let (_, other) = field.two();
        let start = field.dice.throw(15_000);
        let slots = format!("{start}-{},{}", start + field.dice.throw(1000), field.dice.throw(16_384));
        words(&["move-slots", &slots, "--to", &other])
    }),
    by_its_job("rebalance", |field| {
        let (_, other) = field.two();
        let weight = format!("{other}={}.5", 1 + field.dice.throw(3));
        let by = ["slots", "keys", "memory"][field.dice.throw(3) as usize];
        words(&["rebalance", &other, "--by", by, "--weight", &weight])
    }),
    by_its_job("scale-down", |field| {
        let (source, other) = field.two();
        words(&["scale-down", &source, "--entry", &other])
    }),
    by_its_job("drain", |field| {
        let (source, other) = field.two();
        words(&["drain", &source, "--entry", &other])
    }),
    by_its_job("replace-node", |field| {
        let (source, other) = field.two();
        let spare = field.spare();
        words(&["replace-node", &source, &spare, "--entry", &other])
    }),
    by_its_job("apply", |field| {
        let described = field.describe();
        words(&["apply", &described])
    }),
    Deed {
        name: "import",
        words: |field| {
            let (_, other) = field.two();
            let (origin, cursor) = field.origin_of_more();
            words(&["import", &origin, &other, "--move", "--cursor", &cursor])
        },
        taken_up: TakenUp::AskedAgain,
    },
];

fn words(words: &[&str]) -> Vec<String> {
    words.iter().chain(&["--yes"]).map(|word| (*word).to_owned()).collect()
}
