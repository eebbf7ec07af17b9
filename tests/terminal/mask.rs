//! What differs from run to run, and what stands for it in the files. Each mask is about one kind of figure, and keeps its width where the
//! figure stands in a column.

/// One rule; a snapshot names those that it needs.
#[derive(Clone, Copy, Debug)]
pub enum Mask {
    /// `1.8 MiB` is `#.# MiB`, `312 B` is `### B`.
    Sizes,
    /// `in 0.83 s` is `in 0.00 s`.
    Duration,
    /// In documents: the figure of a member of this name is 0.
    Member(&'static str),
    /// In lines with an address: what stands in these columns is `#`.
    Columns(usize, usize),
    /// Lines that begin so: the figure at their end is `#`.
    LastFigure(&'static str),
    /// The word behind this text is `…`.
    WordAfter(&'static str),
}

impl Mask {
    pub fn over(&self, text: &str) -> String {
        let lines = text.split_inclusive('\n');
        match self {
            Mask::Sizes => lines.map(sizes).collect(),
            Mask::Duration => lines.map(duration).collect(),
            Mask::Member(name) => lines.map(|line| member(line, name)).collect(),
            Mask::Columns(from, to) => lines.map(|line| columns(line, *from, *to)).collect(),
            Mask::LastFigure(start) => lines.map(|line| last_figure(line, start)).collect(),
            Mask::WordAfter(before) => lines.map(|line| word_after(line, before)).collect(),
        }
    }
}

fn sizes(line: &str) -> String {
    let mut masked = line.to_owned();
    for unit in [" B", " KiB", " MiB", " GiB"] {
        let mut from = 0;
        while let Some(at) = masked[from..].find(unit).map(|at| from + at) {
            let figure = masked[..at]
                .rfind(|c: char| !c.is_ascii_digit() && c != '.')
                .map_or(0, |at| at + masked[at..].chars().next().map_or(1, char::len_utf8));
            let hidden: String = masked[figure..at].chars().map(|c| if c == '.' { c } else { '#' }).collect();
            masked.replace_range(figure..at, &hidden);
            from = at + unit.len();
        }
    }
    masked
}

fn duration(line: &str) -> String {
    let Some((before, rest)) = line.split_once(", in ") else { return line.to_owned() };
    match rest.split_once(" s") {
        Some((figure, after)) if figure.parse::<f64>().is_ok() => format!("{before}, in 0.00 s{after}"),
        _ => line.to_owned(),
    }
}

/// `"name": 12,` of JSON and `name: 12` of YAML.
fn member(line: &str, name: &str) -> String {
    for start in [format!("\"{name}\": "), format!("{name}: ")] {
        if let Some(rest) = line.trim_start().trim_start_matches("- ").strip_prefix(&start) {
            let before = &line[..line.len() - rest.len()];
            let after = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
            return if after.len() == rest.len() { line.to_owned() } else { format!("{before}0{after}") };
        }
    }
    line.to_owned()
}

/// Blanks and one `#` at the right end of the columns, where anything stands in them. Colours count no columns.
fn columns(line: &str, from: usize, to: usize) -> String {
    if !line.contains("127.0.0.1:") {
        return line.to_owned();
    }
    let (mut column, mut in_colour, mut masked) = (0, false, String::new());
    for letter in line.chars() {
        let is_figure = !in_colour && letter != '␛' && (from..to).contains(&column);
        match is_figure && letter != ' ' {
            true if column + 1 == to => masked.push('#'),
            true => masked.push(' '),
            false => masked.push(letter),
        }
        match letter {
            '␛' => in_colour = true,
            'm' if in_colour => in_colour = false,
            _ if !in_colour => column += 1,
            _ => {}
        }
    }
    masked
}

fn last_figure(line: &str, start: &str) -> String {
    match line.trim_end().rsplit_once(' ') {
        Some((before, figure)) if line.starts_with(start) && figure.parse::<f64>().is_ok() => {
            format!("{before} #\n")
        }
        _ => line.to_owned(),
    }
}

fn word_after(line: &str, before: &str) -> String {
    let Some((start, rest)) = line.split_once(before) else { return line.to_owned() };
    let after = rest.find([' ', ',', ';', '"', '\n']).map_or("", |at| &rest[at..]);
    format!("{start}{before}…{after}")
}

#[test]
fn masks_hide_figures_and_nothing_else() {
    assert_eq!(Mask::Sizes.over("60 keys, 1.8 MiB  312 B é2 B\n"), "60 keys, #.# MiB  ### B é# B\n");
    assert_eq!(Mask::Duration.over("done: x, in 0.83 s\n2 in 3 s\n"), "done: x, in 0.00 s\n2 in 3 s\n");
    let json = "  \"keys\": 5,\n  \"offset\": 12,\n  \"offset\": null\n";
    assert_eq!(Mask::Member("offset").over(json), json.replace("12", "0"));
    assert_eq!(Mask::Member("ms").over("- ms: 0.5\n  ms: 7\n"), "- ms: 0\n  ms: 0\n");
    assert_eq!(
        Mask::Columns(12, 16).over("127.0.0.1:1  12x ␛[1mok\nother 1234567890\n"),
        "127.0.0.1:1    # ␛[1mok\nother 1234567890\n"
    );
    assert_eq!(Mask::LastFigure("used").over("used{a=\"1\"} 5\nkeys 5\n"), "used{a=\"1\"} #\nkeys 5\n");
    assert_eq!(Mask::WordAfter("job ").over("job 2026-1 is done\n"), "job … is done\n");
}
