//! `--rdb FILE` and `--functions-rdb FILE`: a node's data set, or its functions, as an RDB file (`-`: to stdout).
//!
//! The file is written beside its place and put there when it is whole and on disk: an old file is never lost to a transfer
//! that broke.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::super::session::{Session, Trouble};
use super::replica::{self, Payload};
use crate::cli::system_words;

pub fn run(mut session: Session<'_>, file: &Path, functions_only: bool) -> Result<(), Trouble> {
    session.connect()?;
    replica::configure(&mut session, "capa", "eof")?;
    replica::configure(&mut session, "rdb-only", "1")?;
    if functions_only && !replica::configure(&mut session, "rdb-filter-only", "functions")? {
        eprintln!("Failed requesting functions only RDB from server, aborting");
        return Err(Trouble::ErrorReply);
    }
    let mut wire = session.into_wire()?;
    wire.write_all(b"SYNC\r\n").map_err(|_| said("Error writing to master"))?;
    let payload = replica::payload(&mut wire)?.payload;
    let name = file.display();
    match &payload {
        Payload::Bytes(count) => eprintln!("SYNC sent to master, writing {count} bytes to '{name}'"),
        Payload::UntilMark(_) => {
            eprintln!("SYNC sent to master, writing bytes of bulk transfer until EOF marker to '{name}'");
        }
        Payload::None => return Err(said("The master sent no data")),
    }
    let count = if file == Path::new("-") {
        let mut out = io::stdout().lock();
        let count = replica::transfer(&mut wire, &payload, &mut out)?;
        out.flush().map_err(|_| Trouble::OutputClosed)?;
        count
    } else {
        let part = PathBuf::from(format!("{}.part-{}", file.display(), std::process::id()));
        let written = write_whole(&part, |out| replica::transfer(&mut wire, &payload, out));
        let done = written.and_then(|count| {
            fs::rename(&part, file).map_err(|error| said(&format!("Error writing '{name}': {error}")))?;
            Ok(count)
        });
        if done.is_err() {
            let _ = fs::remove_file(&part);
        }
        done?
    };
    match payload {
        Payload::UntilMark(_) => eprintln!("Transfer finished with success after {count} bytes"),
        _ => eprintln!("Transfer finished with success."),
    }
    Ok(())
}

/// Creates the file, fills it and waits for the disk.
fn write_whole(path: &Path, fill: impl FnOnce(&mut File) -> Result<u64, Trouble>) -> Result<u64, Trouble> {
    let failed = |error: io::Error| {
        said(&format!("Error opening '{}': {}", path.display(), system_words(&error.to_string())))
    };
    let mut out = File::create_new(path).map_err(failed)?;
    let count = fill(&mut out)?;
    out.sync_all().map_err(|error| said(&format!("Fail to fsync '{}': {error}", path.display())))?;
    Ok(count)
}

fn said(text: &str) -> Trouble {
    eprintln!("{text}");
    Trouble::NoConnection
}
