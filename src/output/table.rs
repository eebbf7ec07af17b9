//! Tables and figures for a terminal of 80 columns, or for who listens.

use std::fmt::Display;

use comfy_table::{CellAlignment, Table};

use super::is_plain;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    Good,
    Warn,
    Bad,
    Dim,
    Strong,
    /// One of six colours that tell masters apart.
    Owner(u8),
}

/// `text` in a colour, with nothing left over behind it.
pub fn paint(paint: Paint, text: impl Display) -> String {
    use anstyle::{AnsiColor, Style};
    let style = match paint {
        Paint::Good => Style::new().fg_color(Some(AnsiColor::Green.into())),
        Paint::Warn => Style::new().fg_color(Some(AnsiColor::Yellow.into())),
        Paint::Bad => Style::new().bold().fg_color(Some(AnsiColor::Red.into())),
        Paint::Dim => Style::new().dimmed(),
        Paint::Strong => Style::new().bold(),
        Paint::Owner(owner) => {
            const COLOURS: [AnsiColor; 6] = [
                AnsiColor::Cyan,
                AnsiColor::Magenta,
                AnsiColor::Blue,
                AnsiColor::Green,
                AnsiColor::BrightCyan,
                AnsiColor::BrightMagenta,
            ];
            Style::new().fg_color(Some(COLOURS[usize::from(owner) % COLOURS.len()].into()))
        }
    };
    format!("{style}{text}{style:#}")
}

/// A table without lines between rows. A heading that starts with `>` makes its column flush right. In plain mode it is told.
pub fn table<R, C>(headings: &[&str], rows: R) -> String
where
    R: IntoIterator<Item = C>,
    C: IntoIterator<Item = String>,
{
    if is_plain() {
        return told(headings, rows);
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(headings.iter().map(|heading| heading.trim_start_matches('>').to_owned()));
    for row in rows {
        table.add_row(row.into_iter().collect::<Vec<String>>());
    }
    for (index, heading) in headings.iter().enumerate() {
        if let Some(column) = table.column_mut(index) {
            column.set_padding((0, 2));
            if heading.starts_with('>') {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    let text = table.to_string();
    text.lines().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

/// A line for each cell, behind its heading; rows are parted by an empty line. Cells with nothing in them are passed over.
///
/// ```text
/// master: 127.0.0.1:7001
/// slots: 5,461
/// ```
fn told<R, C>(headings: &[&str], rows: R) -> String
where
    R: IntoIterator<Item = C>,
    C: IntoIterator<Item = String>,
{
    let row = |cells: C| {
        let cells = headings.iter().zip(cells).filter(|(_, cell)| !cell.is_empty());
        let lines = cells.map(|(heading, cell)| format!("{}: {cell}", heading.trim_start_matches('>')));
        lines.collect::<Vec<_>>().join("\n")
    };
    rows.into_iter().map(row).collect::<Vec<_>>().join("\n\n")
}

/// 1234567 as `1,234,567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 slot`, `5,461 slots`; `one` is the word for one.
pub fn number_of(number: impl TryInto<u64>, one: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    format!("{} {one}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A number of bytes in the unit that keeps it short.
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = number as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{number} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// A bar of `width` cells, filled to `share` (0 to 1). In plain mode there is none.
pub fn bar(share: f64, width: usize) -> String {
    if is_plain() {
        return String::new();
    }
    let eighths = (share.clamp(0.0, 1.0) * width as f64 * 8.0).round() as usize;
    let mut text = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        text.push(['▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8 - 1]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!([number_of(0u64, "key"), number_of(1usize, "key")], ["0 keys", "1 key"]);
        assert_eq!(number_of(5461usize, "slot"), "5,461 slots");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bar(0.5, 4), "██");
        assert_eq!(bar(2.0, 2), "██");
        assert_eq!(bar(0.0, 2), "");
    }

    #[test]
    fn columns_line_up_and_no_line_ends_in_blanks() {
        let text = table(&["name", ">keys"], [["a".to_owned(), "5".into()], ["bcd".into(), "1000".into()]]);
        assert_eq!(text, "name  keys\na        5\nbcd   1000");
    }

    #[test]
    fn what_is_told_names_each_figure() {
        let rows = [["a".to_owned(), String::new(), "5".into()], ["b".into(), "x".into(), "6".into()]];
        assert_eq!(told(&["name", "state", ">keys"], rows), "name: a\nkeys: 5\n\nname: b\nstate: x\nkeys: 6");
    }
}
