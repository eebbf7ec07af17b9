//! `--bigkeys` and `--memkeys`: goes through all keys of one node and tells the biggest of each type, by elements or by
//! memory, as it finds them and at the end.

use std::thread;
use std::time::Duration;

use rcl_proto::resp::Reply;
use rcl_proto::words;

use super::super::interrupt::Interrupt;
use super::super::options::Options;
use super::super::session::{Session, Trouble};
use super::emit;
use super::scan::Pages;

/// How big a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// By its elements, or the bytes of a string.
    Elements,
    /// By MEMORY USAGE, which looks at so many of its elements.
    Memory { samples: Option<u32> },
}

/// What was seen of one type.
struct Type {
    name: String,
    /// The command that tells a key's size, and what it counts; `None` for the types of modules.
    size: Option<(&'static str, &'static str)>,
    biggest: u64,
    biggest_key: Option<String>,
    keys: u64,
    total: u64,
}

/// In the order in which redis-cli sums them up.
const KNOWN: &[(&str, &str, &str)] = &[
    ("list", "LLEN", "items"),
    ("hash", "HLEN", "fields"),
    ("string", "STRLEN", "bytes"),
    ("stream", "XLEN", "entries"),
    ("set", "SCARD", "members"),
    ("zset", "ZCARD", "members"),
];

impl Type {
    fn new(name: &str, size: Option<(&'static str, &'static str)>) -> Type {
        Type { name: name.to_owned(), size, biggest: 0, biggest_key: None, keys: 0, total: 0 }
    }

    fn unit(&self, measure: Measure) -> &'static str {
        match measure {
            Measure::Memory { .. } => "bytes",
            Measure::Elements => self.size.map_or("?", |(_, unit)| unit),
        }
    }
}

pub fn run(mut session: Session<'_>, options: &Options, measure: Measure) -> Result<(), Trouble> {
    session.connect()?;
    let caught = Interrupt::listen();
    let caught = caught.catch();
    let expected = key_count(&mut session)?;
    emit(&heading("biggest keys"))?;
    let mut types: Vec<Type> =
        KNOWN.iter().map(|(name, command, unit)| Type::new(name, Some((command, unit)))).collect();
    let (mut sampled, mut key_bytes, mut percent) = (0_u64, 0_u64, 0.0);
    let mut pages = Pages::new(options);
    while let Some(keys) = pages.next(&mut session)? {
        percent = percent_of(sampled, expected);
        let kinds = kinds_of(&mut session, &keys, &mut types)?;
        let sizes = sizes_of(&mut session, &keys, &kinds, &types, measure)?;
        for ((key, kind), size) in keys.iter().zip(kinds).zip(sizes) {
            let Some(kind) = kind else { continue };
            let known = &mut types[kind];
            known.total += size;
            known.keys += 1;
            key_bytes += key.len() as u64;
            sampled += 1;
            if size > known.biggest {
                known.biggest = size;
                let name = words::quote(key);
                let unit = known.unit(measure);
                emit(&format!(
                    "[{percent:05.2}%] Biggest {:<6} found so far '{name}' with {size} {unit}\n",
                    known.name
                ))?;
                known.biggest_key = Some(name);
            }
            if sampled.is_multiple_of(1_000_000) {
                emit(&format!("[{percent:05.2}%] Sampled {sampled} keys so far\n"))?;
            }
        }
        rest(&pages, options);
        if caught.came() {
            break;
        }
    }
    emit(&summary(&types, sampled, key_bytes, caught.came().then_some(percent), measure))
}

/// What is said before the keys are gone through.
pub fn heading(what: &str) -> String {
    format!(
        "\n# Scanning the entire keyspace to find {what} as well as\n\
         # average sizes per key type.  You can use -i 0.1 to sleep 0.1 sec\n\
         # per 100 SCAN commands (not usually needed).\n\n"
    )
}

pub fn percent_of(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}

/// The pause that `-i` asks for, after each hundred pages.
pub fn rest(pages: &Pages<'_>, options: &Options) {
    if pages.count.is_multiple_of(100) {
        thread::sleep(Duration::from_secs_f64(options.interval_seconds));
    }
}

pub fn key_count(session: &mut Session<'_>) -> Result<u64, Trouble> {
    match session.ask(&[b"DBSIZE"])? {
        Reply::Integer(count) => Ok(u64::try_from(count).unwrap_or(0)),
        Reply::Error(text) => {
            eprintln!("Couldn't determine DBSIZE: {text}");
            Err(Trouble::ErrorReply)
        }
        _ => {
            eprintln!("Non INTEGER response from DBSIZE!");
            Err(Trouble::ErrorReply)
        }
    }
}

/// Which of `types` each key is; `None` for a key that is gone. New ones are added.
fn kinds_of(
    session: &mut Session<'_>,
    keys: &[Vec<u8>],
    types: &mut Vec<Type>,
) -> Result<Vec<Option<usize>>, Trouble> {
    let commands: Vec<_> = keys.iter().map(|key| vec![b"TYPE".to_vec(), key.clone()]).collect();
    let mut kinds = Vec::with_capacity(keys.len());
    for reply in session.ask_all(&commands)? {
        let name = match reply {
            Reply::Simple(name) => name,
            Reply::Error(text) => {
                eprintln!("TYPE returned an error: {text}");
                return Err(Trouble::ErrorReply);
            }
            _ => {
                eprintln!("Invalid reply type for TYPE!");
                return Err(Trouble::ErrorReply);
            }
        };
        let known = types.iter().position(|known| known.name == name);
        kinds.push(match known {
            None if name != "none" => {
                types.push(Type::new(&name, None));
                Some(types.len() - 1)
            }
            known => known,
        });
    }
    Ok(kinds)
}

fn sizes_of(
    session: &mut Session<'_>,
    keys: &[Vec<u8>],
    kinds: &[Option<usize>],
    types: &[Type],
    measure: Measure,
) -> Result<Vec<u64>, Trouble> {
    let command = |key: &Vec<u8>, kind: Option<usize>| -> Option<Vec<Vec<u8>>> {
        let known = types.get(kind?)?;
        match measure {
            Measure::Elements => Some(vec![known.size?.0.as_bytes().to_vec(), key.clone()]),
            Measure::Memory { samples } => {
                let mut command = vec![b"MEMORY".to_vec(), b"USAGE".to_vec(), key.clone()];
                if let Some(samples) = samples {
                    command.extend([b"SAMPLES".to_vec(), samples.to_string().into_bytes()]);
                }
                Some(command)
            }
        }
    };
    let commands: Vec<_> = keys.iter().zip(kinds).map(|(key, kind)| command(key, *kind)).collect();
    let asked: Vec<_> = commands.iter().flatten().cloned().collect();
    let mut replies = session.ask_all(&asked)?.into_iter();
    let mut sizes = Vec::with_capacity(keys.len());
    for (command, key) in commands.into_iter().zip(keys) {
        let Some(command) = command else {
            sizes.push(0);
            continue;
        };
        sizes.push(match replies.next() {
            Some(Reply::Integer(size)) => u64::try_from(size).unwrap_or(0),
            _ => {
                // The key may have become another type since it was asked for that.
                let name = if measure == Measure::Elements {
                    String::from_utf8_lossy(&command[0]).into_owned()
                } else {
                    "MEMORY USAGE".to_owned()
                };
                let key = String::from_utf8_lossy(key);
                eprintln!("Warning:  {name} on '{key}' failed (may have changed type)");
                0
            }
        });
    }
    Ok(sizes)
}

/// `stopped_at`: how far it came when it was interrupted.
fn summary(
    types: &[Type],
    sampled: u64,
    key_bytes: u64,
    stopped_at: Option<f64>,
    measure: Measure,
) -> String {
    let average = |total: u64, count: u64| if count == 0 { 0.0 } else { total as f64 / count as f64 };
    let mut text = "\n-------- summary -------\n\n".to_owned();
    if let Some(percent) = stopped_at {
        text.push_str(&format!("[{percent:05.2}%] "));
    }
    text.push_str(&format!("Sampled {sampled} keys in the keyspace!\n"));
    let length = average(key_bytes, sampled);
    text.push_str(&format!("Total key length in bytes is {key_bytes} (avg len {length:.2})\n\n"));
    for known in types {
        if let Some(key) = &known.biggest_key {
            let (size, unit) = (known.biggest, known.unit(measure));
            text.push_str(&format!("Biggest {:>6} found '{key}' has {size} {unit}\n", known.name));
        }
    }
    text.push('\n');
    for known in types {
        text.push_str(&format!(
            "{} {}s with {} {} ({:05.2}% of keys, avg size {:.2})\n",
            known.keys,
            known.name,
            known.total,
            known.unit(measure),
            percent_of(known.keys, sampled),
            average(known.total, known.keys),
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_tells_the_biggest_and_the_averages() {
        let mut list = Type::new("list", Some(("LLEN", "items")));
        (list.biggest, list.biggest_key, list.keys, list.total) = (7, Some("\"l\"".into()), 2, 9);
        let text = summary(&[list], 2, 5, None, Measure::Elements);
        assert!(text.contains("Biggest   list found '\"l\"' has 7 items\n"), "{text}");
        assert!(text.contains("2 lists with 9 items (100.00% of keys, avg size 4.50)\n"), "{text}");
        assert!(text.contains("Total key length in bytes is 5 (avg len 2.50)\n"), "{text}");
        let stopped = summary(&[], 1, 1, Some(5.0), Measure::Memory { samples: None });
        assert!(stopped.contains("[05.00%] Sampled 1 keys"), "{stopped}");
    }
}
