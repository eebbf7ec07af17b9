//! `:set hints` and `:set nohints`, typed or in `~/.redisclirc` (or the file that REDISCLI_RCFILE names).

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rcl_proto::words;

use super::history::dot_file;

/// Clones share it: the editor looks at what is set at the prompt.
#[derive(Clone, Debug)]
pub struct Preferences {
    hints: Arc<AtomicBool>,
}

impl Default for Preferences {
    fn default() -> Preferences {
        Preferences { hints: Arc::new(AtomicBool::new(true)) }
    }
}

impl Preferences {
    /// As the user's file says; what it says wrong is said.
    pub fn load() -> Preferences {
        let preferences = Preferences::default();
        let text = dot_file("REDISCLI_RCFILE", ".redisclirc").and_then(|path| fs::read(path).ok());
        for line in text.unwrap_or_default().split(|byte| *byte == b'\n') {
            let words = words::split(line).unwrap_or_default();
            if !words.is_empty()
                && let Err(text) = preferences.set(&words)
            {
                eprintln!(".redisclirc: {text}");
            }
        }
        preferences
    }

    pub fn set(&self, words: &[Vec<u8>]) -> Result<(), String> {
        let text = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
        let lower: Vec<Vec<u8>> = words.iter().map(|word| word.to_ascii_lowercase()).collect();
        match lower.iter().map(Vec::as_slice).collect::<Vec<_>>().as_slice() {
            [b":set", b"hints", ..] => self.hints.store(true, Ordering::Relaxed),
            [b":set", b"nohints", ..] => self.hints.store(false, Ordering::Relaxed),
            [b":set", _, ..] => return Err(format!("unknown redis-cli preference '{}'", text(&words[1]))),
            _ => {
                let first = words.first().map(|word| text(word)).unwrap_or_default();
                return Err(format!("unknown redis-cli internal command '{first}'"));
            }
        }
        Ok(())
    }

    pub fn hints(&self) -> bool {
        self.hints.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_can_be_turned_off_and_others_are_not_known() {
        let preferences = Preferences::default();
        let set = |line: &str| preferences.set(&words::split(line.as_bytes()).unwrap());
        assert!(preferences.hints());
        assert_eq!(set(":SET nohints"), Ok(()));
        assert!(!preferences.clone().hints());
        assert_eq!(set(":set hints"), Ok(()));
        assert!(preferences.hints());
        assert_eq!(set(":set x"), Err("unknown redis-cli preference 'x'".into()));
        assert_eq!(set(":get"), Err("unknown redis-cli internal command ':get'".into()));
    }
}
