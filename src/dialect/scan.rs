//! `--scan`: the keys of one node, a line each, as SCAN finds them.

use std::thread;
use std::time::Duration;

use rcl_proto::resp::Reply;
use rcl_proto::words;

use super::format::Form;
use super::options::Options;
use super::session::{Session, Trouble};

/// Prints the keys that match the pattern, quoted in the standard form and bare in every other.
pub fn run(session: &mut Session<'_>, options: &Options) -> Result<(), Trouble> {
    let mut cursor = b"0".to_vec();
    loop {
        let mut command = vec![b"SCAN".to_vec(), cursor];
        if let Some(pattern) = &options.pattern {
            command.extend([b"MATCH".to_vec(), pattern.clone()]);
        }
        let Some((next, keys)) = page(session.ask(&command)?) else { return Err(Trouble::ErrorReply) };
        let mut out = Vec::new();
        for key in keys {
            match session.form() {
                Form::Standard => out.extend(words::quote(&key).into_bytes()),
                _ => out.extend(key),
            }
            out.push(b'\n');
        }
        session.emit(&out)?;
        if next == b"0" {
            return Ok(());
        }
        cursor = next;
        thread::sleep(Duration::from_secs_f64(options.interval_seconds));
    }
}

/// The next cursor and the keys; a reply that is neither is said on stderr.
fn page(reply: Reply) -> Option<(Vec<u8>, Vec<Vec<u8>>)> {
    let bytes = |reply: Reply| match reply {
        Reply::Bulk(bytes) => Some(bytes),
        _ => None,
    };
    match reply {
        Reply::Error(text) => eprintln!("ERROR: {text}"),
        Reply::Array(parts) => {
            let mut parts = parts.into_iter();
            if let (Some(Reply::Bulk(cursor)), Some(Reply::Array(keys)), None) =
                (parts.next(), parts.next(), parts.next())
            {
                return Some((cursor, keys.into_iter().filter_map(bytes).collect()));
            }
            eprintln!("Non ARRAY response from SCAN!");
        }
        _ => eprintln!("Non ARRAY response from SCAN!"),
    }
    None
}
