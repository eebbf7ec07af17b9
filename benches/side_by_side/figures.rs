//! What was measured, held against what is wanted.

use std::fmt;

use rcl::output::table;

/// What the ratio of ours to theirs must be.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    AtMost(f64),
    AtLeast(f64),
}

impl Target {
    fn is_met(self, ratio: f64) -> bool {
        match self {
            Target::AtMost(most) => ratio <= most,
            Target::AtLeast(least) => ratio >= least,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::AtMost(most) => write!(f, "at most {most}"),
            Target::AtLeast(least) => write!(f, "at least {least}"),
        }
    }
}

/// One quantity: a pair of values, ours and theirs, from each round.
#[derive(Debug)]
pub struct Figure {
    /// As in the FIGURES line.
    name: &'static str,
    /// What it is, with its unit.
    title: String,
    target: Target,
    rounds: Vec<(f64, f64)>,
}

impl Figure {
    fn ratio(&self) -> f64 {
        median(self.rounds.iter().map(|(ours, theirs)| ours / theirs))
    }

    fn row(&self) -> [String; 8] {
        let ratios = || self.rounds.iter().map(|(ours, theirs)| ours / theirs);
        [
            self.title.clone(),
            format!("{:.2}", median(self.rounds.iter().map(|(ours, _)| *ours))),
            format!("{:.2}", median(self.rounds.iter().map(|(_, theirs)| *theirs))),
            format!("{:.3}", self.ratio()),
            format!("{:.3}", ratios().fold(f64::INFINITY, f64::min)),
            format!("{:.3}", ratios().fold(0.0, f64::max)),
            self.target.to_string(),
            if self.is_met() { "pass" } else { "FAIL" }.to_owned(),
        ]
    }

    fn is_met(&self) -> bool {
        !self.rounds.is_empty() && self.target.is_met(self.ratio())
    }
}

/// All quantities, in the order in which they were first measured.
#[derive(Debug, Default)]
pub struct Figures {
    figures: Vec<Figure>,
}

impl Figures {
    /// Adds one round's pair.
    pub fn add(&mut self, name: &'static str, title: &str, target: Target, ours: f64, theirs: f64) {
        eprintln!("  {title}: ours {ours:.2}, theirs {theirs:.2}, ratio {:.3}", ours / theirs);
        match self.figures.iter_mut().find(|figure| figure.name == name) {
            Some(figure) => figure.rounds.push((ours, theirs)),
            None => {
                let title = title.to_owned();
                self.figures.push(Figure { name, title, target, rounds: vec![(ours, theirs)] });
            }
        }
    }

    pub fn all_met(&self) -> bool {
        !self.figures.is_empty() && self.figures.iter().all(Figure::is_met)
    }

    /// The table, and one last line for machines.
    pub fn print(&self) {
        let headings =
            ["median of the rounds", ">ours", ">theirs", ">ratio", ">lowest", ">highest", "target", ""];
        println!("{}", table(&headings, self.figures.iter().map(Figure::row)));
        let words: Vec<String> =
            self.figures.iter().map(|figure| format!("{}={:.3}", figure.name, figure.ratio())).collect();
        println!("FIGURES {}", words.join(" "));
    }
}

pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.len() % 2, values.get(middle.saturating_sub(1)), values.get(middle)) {
        (0, Some(low), Some(high)) => (low + high) / 2.0,
        (_, _, Some(value)) => *value,
        _ => f64::NAN,
    }
}
