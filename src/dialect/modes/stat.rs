//! `--stat`: the figures of one node, a line each second (`-i`).

use std::thread;
use std::time::Duration;

use rcl_proto::resp::Reply;

use super::super::options::Options;
use super::super::session::{Session, Trouble};
use super::emit;
use crate::connect::Fields;

const HEADING: &str = "\
------- data ------ --------------------- load -------------------- - child -
keys       mem      clients blocked requests            connections          
";

/// After so many lines the heading is shown once more.
const LINES_A_HEADING: u64 = 20;

pub fn run(mut session: Session<'_>, options: &Options) -> Result<(), Trouble> {
    session.connect()?;
    let pause = match options.interval_seconds {
        0.0 => Duration::from_secs(1),
        seconds => Duration::from_secs_f64(seconds),
    };
    let mut before = None;
    for count in 0_u64.. {
        let reply = session.ask_patiently(&[b"INFO"])?;
        if let Reply::Error(text) = &reply {
            eprintln!("ERROR: {text}");
            return Err(Trouble::ErrorReply);
        }
        if count.is_multiple_of(LINES_A_HEADING) {
            emit(HEADING)?;
        }
        let info = Fields::of(&reply);
        let requests = info.number("total_commands_processed");
        emit(&line(&info, requests - before.unwrap_or(requests).min(requests)))?;
        before = Some(requests);
        thread::sleep(pause);
    }
    Ok(())
}

/// `new_requests`: those since the line before.
fn line(info: &Fields, new_requests: u64) -> String {
    let keys: u64 = (0..20).map(|database| keys_of(info, database)).sum();
    let requests = format!("{} (+{new_requests})", info.number("total_commands_processed"));
    format!(
        "{keys:<11}{:<8} {:<8}{:<8}{requests:<19} {:<12}{}\n",
        memory(info.number("used_memory")),
        info.number("connected_clients"),
        info.number("blocked_clients"),
        info.number("total_connections_received"),
        child(info),
    )
}

/// `db0:keys=3,expires=0,…`
fn keys_of(info: &Fields, database: u32) -> u64 {
    let line = info.get(&format!("db{database}")).unwrap_or_default();
    let keys = line.split(',').find_map(|field| field.strip_prefix("keys="));
    keys.and_then(|keys| keys.parse().ok()).unwrap_or(0)
}

fn child(info: &Fields) -> &'static str {
    let is = |name: &str| info.number(name) > 0;
    match (is("rdb_bgsave_in_progress"), is("aof_rewrite_in_progress"), is("loading")) {
        (true, false, false) => "SAVE",
        (false, true, false) => "AOF",
        (true, true, false) => "SAVE+AOF",
        (false, false, true) => "LOAD",
        _ => "",
    }
}

fn memory(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(1 << 40, "T"), (1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")];
    match UNITS.iter().find(|(size, _)| bytes >= *size) {
        Some((size, unit)) => format!("{:.2}{unit}", bytes as f64 / *size as f64),
        None => format!("{bytes}B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_columns_of_the_heading() {
        let info = b"used_memory:1572864\r\nconnected_clients:3\r\nblocked_clients:1\r\ntotal_commands_processed:50\r\n\
                     total_connections_received:7\r\nrdb_bgsave_in_progress:1\r\ndb0:keys=4,expires=0\r\ndb3:keys=1,expires=0\r\n";
        let info = Fields::of(&Reply::Bulk(info.to_vec()));
        assert_eq!(
            line(&info, 2),
            "5          1.50M    3       1       50 (+2)             7           SAVE\n"
        );
    }

    #[test]
    fn memory_has_a_unit() {
        assert_eq!([memory(5), memory(2048), memory(3 << 30)], ["5B", "2.00K", "3.00G"]);
    }
}
