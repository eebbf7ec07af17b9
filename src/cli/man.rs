//! `rcl man`: the manual pages, made from the one list of verbs: rcl(1), and rcl-check(1) and the like.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Command;

use super::{Failure, Kind};

/// Writes the manual pages: rcl(1), and one for each verb
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder for them, as ~/.local/share/man/man1; without it rcl(1) goes to stdout
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let failed =
        |error: io::Error| Failure::new(Kind::Stopped, format!("cannot write the manual pages: {error}"));
    let Some(folder) = &args.folder else {
        let text = page(&prepared()).map_err(failed)?;
        // A reader that went away is no error.
        let _ = io::stdout().lock().write_all(&text);
        return Ok(());
    };
    write_all(folder).map_err(failed)
}

fn write_all(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    pages()?.into_iter().try_for_each(|(name, text)| std::fs::write(folder.join(format!("{name}.1")), text))
}

/// All pages, by name.
fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    let root = prepared();
    let mut found = vec![("rcl".to_owned(), page(&root)?)];
    collect(&root, "rcl", &mut found)?;
    Ok(found)
}

fn collect(command: &Command, name: &str, found: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        let name = format!("{name}-{}", verb.get_name());
        found.push((name.clone(), page(&verb.clone().display_name(name.clone()))?));
        collect(verb, &name, found)?;
    }
    Ok(())
}

fn prepared() -> Command {
    let mut root = super::command();
    // So that verbs know the options of all.
    root.build();
    root
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone()).manual("rcl Manual").render(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_has_a_page_with_all_its_options() {
        let pages = pages().unwrap();
        for verb in super::super::command().get_subcommands().filter(|verb| !verb.is_hide_set()) {
            let name = format!("rcl-{}", verb.get_name());
            let (_, text) = pages.iter().find(|(page, _)| *page == name).unwrap_or_else(|| panic!("{name}"));
            let text = String::from_utf8_lossy(text).replace("\\-", "-");
            assert!(
                text.contains(&format!(".TH {name} 1")) && text.contains(".SH SYNOPSIS"),
                "{name}\n{text}"
            );
            for arg in verb.get_arguments().filter(|arg| !arg.is_hide_set()) {
                let Some(long) = arg.get_long() else { continue };
                assert!(text.contains(&format!("--{long}")), "{name} --{long}");
            }
        }
        let (_, root) = &pages[0];
        assert!(String::from_utf8_lossy(root).contains("Exit codes"), "{}", String::from_utf8_lossy(root));
    }
}
