//! `--hotkeys`: goes through all keys of one node and tells those with the highest access frequencies
//! (OBJECT FREQ), which a server counts while its maxmemory-policy is an LFU one.

use rcl_proto::resp::Reply;
use rcl_proto::words;

use super::super::interrupt::Interrupt;
use super::super::options::Options;
use super::super::session::{Session, Trouble};
use super::big_keys::{heading, key_count, percent_of, rest};
use super::emit;
use super::scan::Pages;

/// How many are told.
const TOP: usize = 16;

pub fn run(mut session: Session<'_>, options: &Options) -> Result<(), Trouble> {
    session.connect()?;
    let caught = Interrupt::listen();
    let caught = caught.catch();
    let expected = key_count(&mut session)?;
    emit(&heading("hot keys"))?;
    let mut hottest: Vec<(u64, String)> = Vec::new();
    let (mut sampled, mut percent) = (0_u64, 0.0);
    let mut pages = Pages::new(options);
    while let Some(keys) = pages.next(&mut session)? {
        percent = percent_of(sampled, expected);
        let frequencies = frequencies(&mut session, &keys)?;
        for (key, frequency) in keys.iter().zip(frequencies) {
            sampled += 1;
            if sampled.is_multiple_of(1_000_000) {
                emit(&format!("[{percent:05.2}%] Sampled {sampled} keys so far\n"))?;
            }
            if enters(&mut hottest, frequency, key) {
                let key = words::quote(key);
                emit(&format!("[{percent:05.2}%] Hot key '{key}' found so far with counter {frequency}\n"))?;
            }
        }
        rest(&pages, options);
        if caught.came() {
            break;
        }
    }
    let mut text = "\n-------- summary -------\n\n".to_owned();
    if caught.came() {
        text.push_str(&format!("[{percent:05.2}%] "));
    }
    text.push_str(&format!("Sampled {sampled} keys in the keyspace!\n"));
    for (frequency, key) in hottest.iter().rev() {
        text.push_str(&format!("hot key found with counter: {frequency}\tkeyname: {key}\n"));
    }
    emit(&text)
}

/// Keeps the hottest, in ascending order; a newcomer goes below its equals, and the coldest goes.
fn enters(hottest: &mut Vec<(u64, String)>, frequency: u64, key: &[u8]) -> bool {
    let place = hottest.partition_point(|(known, _)| *known < frequency);
    if frequency == 0 || (hottest.len() == TOP && place == 0) {
        return false;
    }
    hottest.insert(place, (frequency, words::quote(key)));
    if hottest.len() > TOP {
        hottest.remove(0);
    }
    true
}

fn frequencies(session: &mut Session<'_>, keys: &[Vec<u8>]) -> Result<Vec<u64>, Trouble> {
    let ask = |key: &Vec<u8>| vec![b"OBJECT".to_vec(), b"FREQ".to_vec(), key.clone()];
    let replies = session.ask_all(&keys.iter().map(ask).collect::<Vec<_>>())?;
    let mut frequencies = Vec::with_capacity(keys.len());
    for (reply, key) in replies.into_iter().zip(keys) {
        frequencies.push(match reply {
            Reply::Integer(frequency) => u64::try_from(frequency).unwrap_or(0),
            Reply::Error(text) => {
                eprintln!("Error: {text}");
                return Err(Trouble::ErrorReply);
            }
            _ => {
                let key = words::quote(key);
                eprintln!("Warning: OBJECT freq on '{key}' failed (may have been deleted)");
                0
            }
        });
    }
    Ok(frequencies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hottest_are_kept_in_order() {
        let mut hottest = Vec::new();
        for frequency in 0..40 {
            enters(&mut hottest, frequency % 20, b"k");
        }
        let kept: Vec<u64> = hottest.iter().map(|(frequency, _)| *frequency).collect();
        assert_eq!(kept.len(), TOP);
        assert!(kept.is_sorted());
        assert_eq!((kept[0], kept[TOP - 1]), (12, 19));
        assert!(!enters(&mut hottest, 0, b"k"));
        assert!(!enters(&mut hottest, 11, b"k"));
    }
}
