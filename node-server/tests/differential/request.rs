//! One request, as both servers get it.

use std::fmt;

/// A word longer than this is shown shortened: the seed draws it again.
const SHOWN_BYTES: usize = 300;

#[derive(Clone, Debug, Default)]
pub struct Request {
    pub words: Vec<Vec<u8>>,
    /// Of a script whose reply is a list: whose reply each element is. `None` is an element that is compared as it stands.
    pub calls: Vec<Option<Request>>,
}

impl Request {
    pub fn new(words: Vec<Vec<u8>>) -> Request {
        Request { words, calls: Vec::new() }
    }

    pub fn of(words: &[&str]) -> Request {
        Request::new(words.iter().map(|word| word.as_bytes().to_vec()).collect())
    }

    /// `name key rest…`
    pub fn on(name: &str, key: &[u8], rest: &[&str]) -> Request {
        let first = name.split(' ').map(|word| word.as_bytes().to_vec());
        let rest = rest.iter().map(|word| word.as_bytes().to_vec());
        Request::new(first.chain([key.to_vec()]).chain(rest).collect())
    }

    pub fn name(&self) -> String {
        String::from_utf8_lossy(self.words.first().map_or(b"", Vec::as_slice)).to_ascii_lowercase()
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.words.iter().map(|word| show(word)).collect();
        f.write_str(&words.join(" "))
    }
}

fn show(word: &[u8]) -> String {
    match word {
        [] => "\"\"".to_owned(),
        [first, rest @ ..] if rest.len() > 20 && rest.iter().all(|byte| byte == first) => {
            format!("{}*{}", [*first].escape_ascii(), word.len())
        }
        _ if word.len() > SHOWN_BYTES => {
            format!("{}…({} bytes)", word[..SHOWN_BYTES].escape_ascii(), word.len())
        }
        _ => word.escape_ascii().to_string(),
    }
}
