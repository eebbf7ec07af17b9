//! Commands from lines: typed at the prompt, or fed to stdin.
//!
//! ```text
//! 127.0.0.1:7001> SET {test}:data "critical"     a command, quoted as `rcl_proto::words` says
//! 127.0.0.1:7001> 3 PING                         a number first: so many times
//! 127.0.0.1:7001> connect HOST PORT · clear · help [COMMAND] · quit · exit
//! ```
//!
//! The prompt stands only before a terminal; from a pipe the lines are read silently. The line editing is
//! the terminal's own. An error does not end the reading, and its exit code is 0, both as in redis-cli.

use std::io::{self, BufRead, IsTerminal};
use std::time::Instant;

use rcl_proto::Address;
use rcl_proto::resp::Reply;
use rcl_proto::words;

use super::format::Form;
use super::session::{Session, Trouble};

/// From how long on a command's duration is shown.
const WORTH_MENTIONING_MS: u128 = 500;

/// Reads and carries out lines until the end of stdin or `quit`.
pub fn read_lines(session: &mut Session<'_>) -> Result<(), Trouble> {
    session.interactive = true;
    let shows_prompt = io::stdin().is_terminal();
    // One that is not there is said, and tried again with each command.
    let _ = session.connect();
    let mut line = Vec::new();
    loop {
        if shows_prompt {
            session.emit(session.prompt().as_bytes())?;
        }
        line.clear();
        match io::stdin().lock().read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return Ok(()),
            Ok(_) => {}
        }
        while let Some(b'\n' | b'\r') = line.last() {
            line.pop();
        }
        match carry_out(session, &line) {
            Ok(After::Continue) | Err(Trouble::NoConnection | Trouble::ErrorReply) => {}
            Ok(After::Quit) => return Ok(()),
            Err(Trouble::OutputClosed) => return Err(Trouble::OutputClosed),
        }
    }
}

enum After {
    Continue,
    Quit,
}

fn carry_out(session: &mut Session<'_>, line: &[u8]) -> Result<After, Trouble> {
    let Some(mut words) = words::split(line) else {
        session.emit(b"Invalid argument(s)\n")?;
        return Ok(After::Continue);
    };
    let Some(first) = words.first() else { return Ok(After::Continue) };
    let name = first.to_ascii_lowercase();
    match (name.as_slice(), words.len()) {
        (b"quit" | b"exit", _) => return Ok(After::Quit),
        (b"help" | b"?", _) => help(session, &words[1..])?,
        (b"clear", 1) => session.emit(b"\x1b[H\x1b[2J")?,
        (b"connect", 3) => connect(session, &words[1], &words[2])?,
        ([b':', ..], _) => {
            session.emit(b"settings of the prompt (:set \xe2\x80\xa6) are not offered\n")?;
        }
        _ => {
            let Some(repeat) = repeat_count(&words) else {
                session.emit(b"Invalid redis-cli repeat command option value.\n")?;
                return Ok(After::Continue);
            };
            if let Some(count) = repeat {
                words.remove(0);
                timed(session, &words, count)?;
            } else {
                timed(session, &words, 1)?;
            }
        }
    }
    Ok(After::Continue)
}

/// `Some(Some(n))` for `n COMMAND …`, `Some(None)` for a bare command, `None` for a count that is none.
fn repeat_count(words: &[Vec<u8>]) -> Option<Option<i64>> {
    let number = words.first().and_then(|word| std::str::from_utf8(word).ok());
    let is_number = |text: &&str| {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    match number.filter(is_number) {
        Some(number) if words.len() > 1 => number.parse::<i64>().ok().filter(|&count| count > 0).map(Some),
        _ => Some(None),
    }
}

fn timed(session: &mut Session<'_>, words: &[Vec<u8>], repeat: i64) -> Result<(), Trouble> {
    let start = Instant::now();
    let outcome = session.run(words, repeat);
    let elapsed = start.elapsed();
    if elapsed.as_millis() >= WORTH_MENTIONING_MS && session.form() == Form::Standard {
        session.emit(format!("({:.2}s)\n", elapsed.as_secs_f64()).as_bytes())?;
    }
    outcome
}

fn connect(session: &mut Session<'_>, host: &[u8], port: &[u8]) -> Result<(), Trouble> {
    let host = String::from_utf8_lossy(host);
    match std::str::from_utf8(port).ok().and_then(|port| port.parse().ok()) {
        Some(port) => session.connect_to(Address::new(host, port)),
        None => session.emit(b"connect HOST PORT: the port is no number\n"),
    }
}

/// What the server itself knows of a command, or how to use the prompt.
fn help(session: &mut Session<'_>, words: &[Vec<u8>]) -> Result<(), Trouble> {
    if words.is_empty() {
        return session.emit(
            b"Type a command as its documentation writes it; quote what has blanks.\n\
              help COMMAND        what the server says of a command\n\
              3 PING              a number first repeats the command\n\
              connect HOST PORT   talks to another server\n\
              clear               clears the screen\n\
              quit                ends\n",
        );
    }
    let name = words.join(&b'|');
    let reply = session.ask(&[b"COMMAND".as_slice(), b"DOCS", &name])?;
    let text = describe(&reply).unwrap_or_else(|| {
        format!("The server has no documentation of '{}'.\n", String::from_utf8_lossy(&words.join(&b' ')))
    });
    session.emit(text.as_bytes())
}

/// The fields of `COMMAND DOCS` that fit a line each; both protocols' shapes.
fn describe(reply: &Reply) -> Option<String> {
    let (name, fields) = fields(reply)?.into_iter().next()?;
    let mut text = format!("{name}\n");
    for (field, value) in self::fields(fields)? {
        if let ("summary" | "since" | "group" | "complexity", Some(value)) =
            (field.as_str(), value.as_bytes())
        {
            text.push_str(&format!("  {field}: {}\n", String::from_utf8_lossy(value)));
        }
    }
    Some(text)
}

fn fields(reply: &Reply) -> Option<Vec<(String, &Reply)>> {
    let name = |key: &Reply| key.as_bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    match reply {
        Reply::Map(pairs) => pairs.iter().map(|(key, value)| Some((name(key)?, value))).collect(),
        Reply::Array(flat) => flat
            .chunks_exact(2)
            .map(|pair| match pair {
                [key, value] => Some((name(key)?, value)),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(line: &str) -> Option<Option<i64>> {
        repeat_count(&words::split(line.as_bytes()).unwrap())
    }

    #[test]
    fn a_number_first_repeats() {
        assert_eq!(count("3 PING"), Some(Some(3)));
        assert_eq!(count("PING"), Some(None));
        assert_eq!(count("3"), Some(None), "a number alone is a command that the server refuses");
        assert_eq!(count("0 PING"), None);
        assert_eq!(count("-1 PING"), None);
        assert_eq!(count("99999999999999999999 PING"), None);
        assert_eq!(count("3x PING"), Some(None));
    }
}
