//! `--scan`: the keys of one node, a line each, as SCAN finds them; and the pages that other modes go through.

use std::thread;
use std::time::Duration;

use rcl_proto::resp::Reply;
use rcl_proto::words;

use super::super::format::Form;
use super::super::interrupt::Interrupt;
use super::super::options::Options;
use super::super::session::{Session, Trouble};

/// Prints the keys that match the pattern, quoted in the standard form and bare in every other.
pub fn run(mut session: Session<'_>, options: &Options, interrupt: &Interrupt) -> Result<(), Trouble> {
    let caught = interrupt.catch();
    let mut pages = Pages::new(options);
    while let Some(keys) = pages.next(&mut session)? {
        let mut out = Vec::new();
        for key in keys {
            match session.form() {
                Form::Standard => out.extend(words::quote(&key).into_bytes()),
                _ => out.extend(key),
            }
            out.push(b'\n');
        }
        session.emit(&out)?;
        if caught.came() {
            break;
        }
        thread::sleep(Duration::from_secs_f64(options.interval_seconds));
    }
    Ok(())
}

/// Where a SCAN has come to.
pub struct Pages<'a> {
    options: &'a Options,
    /// `None`: at the end.
    cursor: Option<Vec<u8>>,
    /// How many pages there were.
    pub count: u64,
}

impl<'a> Pages<'a> {
    pub fn new(options: &'a Options) -> Pages<'a> {
        Pages { options, cursor: Some(b"0".to_vec()), count: 0 }
    }

    /// The keys of the next page, which may be none; `None` at the end.
    pub fn next(&mut self, session: &mut Session<'_>) -> Result<Option<Vec<Vec<u8>>>, Trouble> {
        let Some(cursor) = self.cursor.take() else { return Ok(None) };
        let mut command = vec![b"SCAN".to_vec(), cursor];
        if let Some(pattern) = &self.options.pattern {
            command.extend([b"MATCH".to_vec(), pattern.clone()]);
        }
        if let Some(count) = self.options.count {
            command.extend([b"COUNT".to_vec(), count.to_string().into_bytes()]);
        }
        if let Some(key_type) = &self.options.key_type {
            command.extend([b"TYPE".to_vec(), key_type.clone()]);
        }
        let (next, keys) = page(session.ask(&command)?).ok_or(Trouble::ErrorReply)?;
        self.cursor = (next != b"0").then_some(next);
        self.count += 1;
        Ok(Some(keys))
    }
}

/// The next cursor and the keys; a reply that is neither is said on stderr.
fn page(reply: Reply) -> Option<(Vec<u8>, Vec<Vec<u8>>)> {
    let bytes = |reply: Reply| match reply {
        Reply::Bulk(bytes) => Some(bytes),
        _ => None,
    };
    match reply {
        Reply::Error(text) => eprintln!("SCAN error: {text}"),
        Reply::Array(parts) => {
            let mut parts = parts.into_iter();
            if let (Some(Reply::Bulk(cursor)), Some(Reply::Array(keys)), None) =
                (parts.next(), parts.next(), parts.next())
            {
                return Some((cursor, keys.into_iter().filter_map(bytes).collect()));
            }
            eprintln!("Invalid element count from SCAN!");
        }
        _ => eprintln!("Non ARRAY response from SCAN!"),
    }
    None
}
