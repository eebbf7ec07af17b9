//! The lines of the script that is debugged, and where it stops.

use std::time::Duration;

/// More breakpoints cannot be set.
const MOST_BREAKPOINTS: usize = 64;

const OUT_OF_RANGE: &[u8] = b"<out of range source code line>";

/// Lines are counted from 1.
#[derive(Debug)]
pub struct Source {
    lines: Vec<Vec<u8>>,
    breakpoints: Vec<i64>,
    /// Where it is.
    pub current: i64,
    /// It stops before the next line. What it does until then is told.
    pub steps: bool,
    /// The script called `redis.breakpoint()`.
    breakpoint_called: bool,
}

/// Why a script stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Step,
    Breakpoint,
    BreakpointCalled,
    /// It has not stopped for so long that it may have no end.
    RunsLong,
}

impl Reason {
    pub fn text(self) -> &'static str {
        match self {
            Reason::Step => "step over",
            Reason::Breakpoint => "break point",
            Reason::BreakpointCalled => "redis.breakpoint() called",
            Reason::RunsLong => "timeout reached, infinite loop?",
        }
    }
}

impl Source {
    pub fn new(script: &[u8]) -> Source {
        let end = script.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |last| last + 1);
        let script = &script[..end];
        let lines = if script.is_empty() {
            Vec::new()
        } else {
            script.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect()
        };
        Source { lines, breakpoints: Vec::new(), current: 0, steps: true, breakpoint_called: false }
    }

    /// Whether and why the script stops before this line. `ran_for` is given where that is only asked because it has run
    /// for a while, with the time after which it may have no end.
    pub fn arrive(&mut self, line: i64, ran_for: Option<(Duration, Duration)>) -> Option<Reason> {
        self.current = line;
        let reason = if self.breakpoint_called {
            Reason::BreakpointCalled
        } else if self.breakpoints.contains(&line) {
            Reason::Breakpoint
        } else if self.steps {
            Reason::Step
        } else {
            match ran_for {
                Some((ran_for, limit)) if ran_for >= limit => Reason::RunsLong,
                _ => return None,
            }
        };
        self.steps = false;
        self.breakpoint_called = false;
        Some(reason)
    }

    pub fn stop_at_next_line(&mut self) {
        self.breakpoint_called = true;
    }

    /// Nobody looks any more: it runs to its end.
    pub fn stop_nowhere(&mut self) {
        self.steps = false;
        self.breakpoints.clear();
    }

    pub fn breakpoints(&self) -> &[i64] {
        &self.breakpoints
    }

    pub fn is_full(&self) -> bool {
        self.breakpoints.len() == MOST_BREAKPOINTS
    }

    /// False when there is no such line.
    pub fn add_breakpoint(&mut self, line: i64) -> bool {
        let is_line = line > 0 && line <= self.lines.len() as i64;
        if is_line && !self.breakpoints.contains(&line) {
            self.breakpoints.push(line);
        }
        is_line
    }

    /// False when there was none.
    pub fn remove_breakpoint(&mut self, line: i64) -> bool {
        let before = self.breakpoints.len();
        self.breakpoints.retain(|other| *other != line);
        self.breakpoints.len() < before
    }

    pub fn remove_all_breakpoints(&mut self) {
        self.breakpoints.clear();
    }

    /// A line as it is listed: `->#12  return x`, with an arrow where the script is and a mark at a breakpoint.
    pub fn listed(&self, line: i64) -> Vec<u8> {
        let sign = match (line == self.current, self.breakpoints.contains(&line)) {
            (true, true) => "->#",
            (true, false) => "-> ",
            (false, true) => "  #",
            (false, false) => "   ",
        };
        let text = usize::try_from(line - 1).ok().and_then(|index| self.lines.get(index));
        let mut listed = format!("{sign}{line:<3} ").into_bytes();
        listed.extend_from_slice(text.map_or(OUT_OF_RANGE, Vec::as_slice));
        listed
    }

    /// Those around a line, with so many before it and behind it.
    pub fn list(&self, around: i64, context: i64) -> impl Iterator<Item = Vec<u8>> {
        let is_near = move |line: &i64| around == 0 || (around - line).abs() <= context;
        (1..=self.lines.len() as i64).filter(is_near).map(|line| self.listed(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(source: &Source, around: i64, context: i64) -> Vec<String> {
        source.list(around, context).map(|line| String::from_utf8(line).unwrap()).collect()
    }

    #[test]
    fn lines_are_listed_with_their_marks() {
        let mut source = Source::new(b"one\ntwo\n\nfour\r\n\n");
        assert_eq!(source.arrive(2, None), Some(Reason::Step));
        assert!(source.add_breakpoint(2) && source.add_breakpoint(4) && !source.add_breakpoint(5));
        assert_eq!(listed(&source, 0, 0), ["   1   one", "->#2   two", "   3   ", "  #4   four"]);
        assert_eq!(listed(&source, 4, 1), ["   3   ", "  #4   four"]);
        assert_eq!(source.listed(9), b"   9   <out of range source code line>");
        assert!(Source::new(b"\n").list(0, 0).next().is_none());
    }

    #[test]
    fn it_stops_for_its_reasons() {
        let mut source = Source::new(b"one\ntwo\nthree");
        assert_eq!(source.arrive(1, None), Some(Reason::Step));
        assert_eq!(source.arrive(2, None), None);
        source.add_breakpoint(2);
        assert_eq!(source.arrive(2, None), Some(Reason::Breakpoint));
        source.stop_at_next_line();
        assert_eq!(source.arrive(2, None), Some(Reason::BreakpointCalled));
        let (short, long) = (Duration::from_secs(1), Duration::from_secs(5));
        assert_eq!(source.arrive(3, Some((short, long))), None);
        assert_eq!(source.arrive(3, Some((long, long))), Some(Reason::RunsLong));
        assert!(source.remove_breakpoint(2) && !source.remove_breakpoint(2));
        source.steps = true;
        source.stop_nowhere();
        assert_eq!(source.arrive(2, None), None);
    }

    #[test]
    fn there_are_so_many_breakpoints_at_most() {
        let mut source = Source::new(&b"x\n".repeat(99).iter().chain(b"y").copied().collect::<Vec<_>>());
        (1..=MOST_BREAKPOINTS as i64).for_each(|line| assert!(source.add_breakpoint(line)));
        assert!(source.is_full() && source.breakpoints().len() == MOST_BREAKPOINTS);
    }
}
