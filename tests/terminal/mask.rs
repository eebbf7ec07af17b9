//! What differs from run to run, and what stands for it in the files. Each mask is about one kind of figure, and keeps its width where the
//! figure stands in a column.

/// One rule; a snapshot names those that it needs.
#[derive(Clone, Copy, Debug)]
pub enum Mask {
    /// `1.8 MiB` is `#.# MiB`, `312 B` is `### B`.
    Sizes,
    /// `in 0.83 s` is `in 0.00 s`.
    Duration,
    /// `in 0.8 s` is `in 0.0 s`.
    Seconds,
    /// Of a line about a file: the offset at its end.
    Offset,
    /// Lines that say how far a move is, which a busy machine gets to, are left out.
    Progress,
    /// `after 47 ms` is `after # ms`.
    After,
    /// `58 keys/s` is `# keys/s`.
    Rate,
    /// `20261126-131855-6f66` is `20260101-000000-0000`, and the minute in which a job began `2026-01-01 00:00`.
    Job,
    /// Runs of blanks are two, and the figure behind an address is `#`: process ids are of any width.
    Pids,
    /// In documents: the figure of a member of this name is 0.
    Member(&'static str),
    /// In documents: the text of a member of this name is `…`.
    Text(&'static str),
    /// In lines with an address: what stands in these columns is `#`.
    Columns(usize, usize),
    /// Lines that begin so: the figure at their end is `#`.
    LastFigure(&'static str),
    /// The figure between these is `#`.
    AfterWords(&'static str, &'static str),
    /// In plain mode: the figure behind `label: ` is `#`.
    Told(&'static str),
}

impl Mask {
    pub fn over(&self, text: &str) -> String {
        let lines = text.split_inclusive('\n');
        match self {
            Mask::Sizes => lines.map(sizes).collect(),
            Mask::Duration => lines.map(duration).collect(),
            Mask::Seconds => lines.map(seconds).collect(),
            Mask::Offset => lines.map(offset).collect(),
            Mask::Progress => {
                lines.filter(|line| !(line.starts_with("moved ") && line.contains(" slots, "))).collect()
            }
            Mask::After => lines.map(|line| between(line, "after ", " ms")).collect(),
            Mask::Rate => lines.map(rate).collect(),
            Mask::Job => shaped(
                &shaped(text, "20dddddd-dddddd-hhhh", "20260101-000000-0000"),
                "20dd-dd-dd dd:dd",
                "2026-01-01 00:00",
            ),
            Mask::Pids => lines.map(pids).collect(),
            Mask::Member(name) => lines.map(|line| member(line, name)).collect(),
            Mask::Text(name) => lines.map(|line| text_member(line, name)).collect(),
            Mask::Columns(from, to) => lines.map(|line| columns(line, *from, *to)).collect(),
            Mask::LastFigure(start) => lines.map(|line| last_figure(line, start)).collect(),
            Mask::AfterWords(before, after) => lines.map(|line| between(line, before, after)).collect(),
            Mask::Told(label) => lines.map(|line| told(line, label)).collect(),
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

fn seconds(line: &str) -> String {
    let Some((before, rest)) = line.split_once(" in ") else { return line.to_owned() };
    match rest.split_once(" s") {
        Some((figure, after)) if figure.parse::<f64>().is_ok() => format!("{before} in 0.0 s{after}"),
        _ => line.to_owned(),
    }
}

/// As wide as it was.
fn offset(line: &str) -> String {
    let trimmed = line.trim_end();
    let figure = trimmed.rfind(' ').map_or(trimmed.len(), |at| at + 1);
    let is_figure =
        !trimmed[figure..].is_empty() && trimmed[figure..].bytes().all(|byte| byte.is_ascii_digit());
    match is_figure && line.contains(".rdb") {
        true => format!("{}{}\n", &trimmed[..figure], "#".repeat(trimmed.len() - figure)),
        false => line.to_owned(),
    }
}

fn rate(line: &str) -> String {
    let Some((before, after)) = line.split_once(" keys/s") else { return line.to_owned() };
    let figure = before.rfind(|c: char| !c.is_ascii_digit() && c != ',').map_or(0, |at| at + 1);
    format!("{}# keys/s{after}", &before[..figure])
}

/// What has the shape is `name`: d stands for a digit, h for one of base 16, all else for itself.
fn shaped(text: &str, shape: &str, name: &str) -> String {
    let fits = |from: &str| {
        from.len() >= shape.len()
            && shape.bytes().zip(from.bytes()).all(|(wanted, got)| match wanted {
                b'd' => got.is_ascii_digit(),
                b'h' => got.is_ascii_hexdigit(),
                other => other == got,
            })
    };
    let (mut masked, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        let length = if fits(rest) { shape.len() } else { first.len_utf8() };
        masked.push_str(if fits(rest) { name } else { &rest[..length] });
        rest = &rest[length..];
    }
    masked
}

fn pids(line: &str) -> String {
    let words: Vec<&str> =
        line.trim_end().split("  ").map(str::trim).filter(|word| !word.is_empty()).collect();
    let mut after_address = false;
    let masked = words.into_iter().map(|word| {
        let is_pid = std::mem::replace(&mut after_address, word.starts_with("127.0.0.1:"));
        if is_pid && word.bytes().all(|byte| byte.is_ascii_digit()) { "#" } else { word }
    });
    masked.collect::<Vec<_>>().join("  ") + "\n"
}

/// `"name": 12,` of JSON, also on one line, and `name: 12` of YAML.
fn member(line: &str, name: &str) -> String {
    let is_yaml = line.trim_start().trim_start_matches("- ").starts_with(&format!("{name}: "));
    let starts = [format!("\"{name}\": "), format!("\"{name}\":"), format!("{name}: ")];
    let starts = if is_yaml { &starts[2..] } else { &starts[..2] };
    let mut masked = line.to_owned();
    for start in starts {
        let mut from = 0;
        while let Some(at) = masked[from..].find(start.as_str()).map(|at| from + at + start.len()) {
            let rest = &masked[at..];
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            if end > 0 {
                masked.replace_range(at..at + end, "0");
            }
            from = at;
        }
    }
    masked
}

/// `"name": "5e8f"` is `"name": "…"`.
fn text_member(line: &str, name: &str) -> String {
    let Some((before, rest)) = line.split_once(&format!("\"{name}\": \"")) else { return line.to_owned() };
    rest.split_once('"').map_or(line.to_owned(), |(_, after)| format!("{before}\"{name}\": \"…\"{after}"))
}

/// Blanks and one `#` at the right end of the columns, where anything stands in them. Colours count no columns.
fn columns(line: &str, from: usize, to: usize) -> String {
    if !line.contains("127.0.0.1:") || line.starts_with(['{', '$']) {
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

fn between(line: &str, before: &str, after: &str) -> String {
    let Some((start, rest)) = line.split_once(before) else { return line.to_owned() };
    let Some((figure, end)) = rest.split_once(after) else { return line.to_owned() };
    let is_figure = figure.bytes().all(|byte| byte.is_ascii_digit() || b",kM".contains(&byte));
    if is_figure { format!("{start}{before}#{after}{end}") } else { line.to_owned() }
}

fn told(line: &str, label: &str) -> String {
    let is_it = line.strip_prefix(label).is_some_and(|rest| rest.starts_with(": "));
    if is_it { format!("{label}: #\n") } else { line.to_owned() }
}

#[test]
fn masks_hide_figures_and_nothing_else() {
    assert_eq!(Mask::Sizes.over("60 keys, 1.8 MiB  312 B é2 B\n"), "60 keys, #.# MiB  ### B é# B\n");
    assert_eq!(Mask::Duration.over("done: x, in 0.83 s\n2 in 3 s\n"), "done: x, in 0.00 s\n2 in 3 s\n");
    assert_eq!(Mask::Rate.over("moved, 1,258 keys/s\n"), "moved, # keys/s\n");
    assert_eq!(
        Mask::Job.over("job 20261126-131855-6f66 2026-11-26 13:18, é\n"),
        "job 20260101-000000-0000 2026-01-01 00:00, é\n"
    );
    assert_eq!(
        Mask::Pids.over("   1  127.0.0.1:1   812  rcl node  ok\n"),
        "1  127.0.0.1:1  #  rcl node  ok\n"
    );
    let json = "  \"keys\": 5,\n  \"offset\": 12,\n  \"offset\": null\n";
    assert_eq!(Mask::Member("offset").over(json), json.replace("12", "0"));
    assert_eq!(Mask::Member("ms").over("- ms: 0.5\n  ms: 7\n"), "- ms: 0\n  ms: 0\n");
    assert_eq!(Mask::Member("a").over("{\"a\":12,\"b\":3,\"a\":4}"), "{\"a\":0,\"b\":3,\"a\":0}");
    assert_eq!(Mask::Text("a").over("  \"a\": \"5e8f\",\n"), "  \"a\": \"…\",\n");
    assert_eq!(
        Mask::Columns(12, 16).over("127.0.0.1:1  12x ␛[1mok\nother 1234567890\n"),
        "127.0.0.1:1    # ␛[1mok\nother 1234567890\n"
    );
    assert_eq!(Mask::LastFigure("used").over("used{a=\"1\"} 5\nkeys 5\n"), "used{a=\"1\"} #\nkeys 5\n");
    assert_eq!(Mask::AfterWords("a ", " c").over("a 12 c d\nb c\n"), "a # c d\nb c\n");
    assert_eq!(Mask::Told("ops/s").over("ops/s: 5\nslots: 5\n"), "ops/s: #\nslots: 5\n");
}
