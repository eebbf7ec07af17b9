//! A line as bash would part it, as far as the cursor: quotes and backslashes are taken off, and an open quote is no error.

/// The words; the last is the one at the cursor, which is empty behind a blank.
pub fn split(line: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), String::new());
    let (mut quote, mut is_begun) = (None, false);
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (None, ' ' | '\t' | '\n') => {
                if std::mem::take(&mut is_begun) {
                    words.push(std::mem::take(&mut word));
                }
                continue;
            }
            (None, '\'' | '"') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            (None | Some('"'), '\\') => word.extend(letters.next()),
            _ => word.push(letter),
        }
        is_begun = true;
    }
    words.push(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_parted_as_bash_does() {
        for (line, words) in [
            ("rcl ch", &["rcl", "ch"][..]),
            ("rcl check ", &["rcl", "check", ""]),
            ("rcl  call h:1 \"a b\" 'c d", &["rcl", "call", "h:1", "a b", "c d"]),
            (r"rcl a\ b \", &["rcl", "a b", ""]),
            ("", &[""]),
        ] {
            assert_eq!(split(line), words, "{line}");
        }
    }
}
