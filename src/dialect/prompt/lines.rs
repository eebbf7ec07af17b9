//! Lines from a pipe or a file.

use std::io::{self, Read};

/// Stdin, cut into lines. Its own buffer, so that it is known whether a line is there already.
#[derive(Debug, Default)]
pub struct Lines {
    read: Vec<u8>,
    at_end: bool,
}

impl Lines {
    /// The next line without its end; `None` at the end.
    pub fn next(&mut self) -> Option<Vec<u8>> {
        while !self.at_end && !self.holds_a_line() {
            self.read_more();
        }
        if self.read.is_empty() {
            return None;
        }
        let end = self.read.iter().position(|byte| *byte == b'\n');
        let mut line: Vec<u8> = match end {
            Some(end) => self.read.drain(..=end).collect(),
            None => std::mem::take(&mut self.read),
        };
        while let Some(b'\n' | b'\r') = line.last() {
            line.pop();
        }
        Some(line)
    }

    /// Whether the next line, or the end, comes without waiting.
    pub fn holds_more(&self) -> bool {
        self.at_end || self.holds_a_line()
    }

    fn holds_a_line(&self) -> bool {
        self.read.contains(&b'\n')
    }

    fn read_more(&mut self) {
        let mut chunk = vec![0; 16 * 1024];
        match io::stdin().lock().read(&mut chunk) {
            Ok(0) | Err(_) => self.at_end = true,
            Ok(count) => self.read.extend_from_slice(&chunk[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_and_the_last_needs_no_end() {
        let mut lines = Lines { read: b"a\r\n\nb".to_vec(), at_end: true };
        assert_eq!(lines.next().as_deref(), Some(b"a".as_slice()));
        assert_eq!(lines.next().as_deref(), Some(b"".as_slice()));
        assert_eq!(lines.next().as_deref(), Some(b"b".as_slice()));
        assert_eq!(lines.next(), None);
    }
}
