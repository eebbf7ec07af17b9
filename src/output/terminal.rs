//! The terminal's edge: lines that are too long for it are broken between words, further in than they began.
//!
//! ```text
//! notice  bus-unauthenticated: whoever reaches the bus port of 127.0.0.1:7001 (aaaaaaaa) can join
//!     the cluster and take slots
//!   mend: tls-cluster yes with certificates of your own
//! ```
//!
//! In a pipe nothing is broken: there a line is one thing, for whoever looks for it.

use std::os::fd::AsRawFd;

use super::is_plain;

/// How much further in a line goes on.
const FURTHER_IN: usize = 4;
/// A terminal that says it is narrower gets its lines as they are.
const LEAST_COLUMNS: usize = 20;

/// Columns and rows of the terminal that a stream goes to.
pub fn size(stream: &impl AsRawFd) -> Option<(usize, usize)> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ writes one winsize through the pointer, which points to one.
    let answered = unsafe { libc::ioctl(stream.as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) };
    (answered == 0 && size.ws_col > 0 && size.ws_row > 0).then(|| (size.ws_col.into(), size.ws_row.into()))
}

/// For what goes to this stream.
pub(super) fn fitted(text: &str, stream: &impl AsRawFd) -> String {
    match size(stream) {
        Some((columns, _)) if columns >= LEAST_COLUMNS && !is_plain() => wrapped(text, columns),
        _ => text.to_owned(),
    }
}

/// Each line in at most `columns`, but for words that are longer. Colours count no columns.
pub fn wrapped(text: &str, columns: usize) -> String {
    let lines: Vec<String> = text.lines().map(|line| broken(line, columns)).collect();
    lines.join("\n")
}

fn broken(line: &str, columns: usize) -> String {
    if width(line) <= columns {
        return line.to_owned();
    }
    let start = line.len() - line.trim_start_matches(' ').len();
    let inside = " ".repeat((start + FURTHER_IN).min(columns / 2));
    let (mut text, mut used) = (line[..start].to_owned(), start);
    let mut is_first = true;
    // What stands between two words is kept as it is, or is where the line is broken.
    for piece in line[start..].split_inclusive(' ') {
        let word = piece.trim_end_matches(' ');
        if !is_first && used + width(word) > columns {
            text.truncate(text.trim_end_matches(' ').len());
            text.push('\n');
            text.push_str(&inside);
            used = inside.len();
            if word.is_empty() {
                continue;
            }
        }
        is_first = false;
        text.push_str(piece);
        used += width(piece);
    }
    text.truncate(text.trim_end_matches(' ').len());
    text
}

/// What is seen of it: without `ESC [ … m`.
fn width(text: &str) -> usize {
    let mut pieces = text.split("\x1b[");
    let first = pieces.next().map_or(0, |piece| piece.chars().count());
    first
        + pieces
            .map(|piece| piece.split_once('m').map_or(piece, |(_, rest)| rest).chars().count())
            .sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_go_on_further_in() {
        assert_eq!(wrapped("short\n\n  also", 10), "short\n\n  also");
        assert_eq!(wrapped("one two three four", 10), "one two\n    three\n    four");
        assert_eq!(
            wrapped("  one  two  three", 11),
            "  one  two\n     three",
            "the indent is at most half of the columns"
        );
        assert_eq!(wrapped("aaaaaaaaaaaaaaa b", 10), "aaaaaaaaaaaaaaa\n    b", "a word stays whole");
        let text = "warning: a line of many words, which is to be broken wherever it must";
        assert!(wrapped(text, 30).lines().all(|line| line.chars().count() <= 30));
        assert_eq!(
            wrapped(text, 30).split_whitespace().collect::<Vec<_>>(),
            text.split(' ').collect::<Vec<_>>()
        );
    }

    #[test]
    fn colours_have_no_width() {
        let painted = "\x1b[1m\x1b[31mred\x1b[0m and more";
        assert_eq!(width(painted), 12);
        assert_eq!(wrapped(painted, 12), painted);
        assert_eq!(wrapped(painted, 10), "\x1b[1m\x1b[31mred\x1b[0m and\n    more");
    }
}
