//! The ACL file: a line `user name rules…` for each user, and nothing else.
//!
//! A file is taken as a whole or not at all; what is wrong with it is told in one go. It is replaced as a whole, so that a
//! crash leaves the old one or the new one.

use std::collections::HashSet;
use std::io::{self, Read as _};
use std::path::Path;

use super::{Access, RuleError, Rules, has_spaces, merge_selectors};
use crate::disk::{self, Disk, Open};

const NO_CHANGE: &str =
    "WARNING: ACL errors detected, no change to the previously active ACL rules was performed";

/// The users of a file, or all that is wrong with it, in Redis's words.
pub fn load(disk: &dyn Disk, path: &Path, all_channels: bool) -> Result<Vec<(Vec<u8>, Rules)>, String> {
    let shown = path.display();
    let mut text = Vec::new();
    disk.open(path, Open::Read)
        .and_then(|mut file| file.read_to_end(&mut text))
        .map_err(|error| format!("Error loading ACLs, opening file '{shown}': {}", reason(&error)))?;
    parse(&text, &shown.to_string(), all_channels)
}

/// `No such file or directory`, without the number behind it.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

fn parse(text: &[u8], path: &str, all_channels: bool) -> Result<Vec<(Vec<u8>, Rules)>, String> {
    let mut users = Vec::new();
    let mut names = HashSet::new();
    let mut errors = String::new();
    for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        match parse_line(line, &format!("{path}:{}", index + 1), all_channels) {
            Ok((name, rules)) if names.insert(name.clone()) => users.push((name, rules)),
            Ok((name, _)) => {
                let name = String::from_utf8_lossy(&name);
                errors += &format!("WARNING: Duplicate user '{name}' found on line {}. ", index + 1);
            }
            Err(error) => errors += &error,
        }
    }
    if errors.is_empty() { Ok(users) } else { Err(errors + NO_CHANGE) }
}

/// The errors end with a space each.
fn parse_line(line: &[u8], place: &str, all_channels: bool) -> Result<(Vec<u8>, Rules), String> {
    let mut words = line.split(|&byte| byte == b' ');
    let (Some(b"user"), Some(name)) = (words.next(), words.next()) else {
        return Err(format!("{place} should start with user keyword followed by the username. "));
    };
    if has_spaces(name) {
        let name = String::from_utf8_lossy(name);
        return Err(format!("'{place}: username '{name}' contains invalid characters. "));
    }
    let merged = merge_selectors(words)
        .map_err(|_| format!("{place}: Unmatched parenthesis in selector definition. "))?;
    let mut rules = Rules::new(all_channels);
    let mut errors = String::new();
    let mut has_syntax_error = false;
    for rule in &merged {
        match rules.apply(rule.trim_ascii(), all_channels) {
            Ok(()) => {}
            // The rule may be told: it holds no secret.
            Err(error @ RuleError::UnknownCommand) => {
                let rule = String::from_utf8_lossy(rule);
                errors += &format!("{place}: Error in applying operation '{rule}': {}. ", error.text());
            }
            // Further ones may follow from the first.
            Err(error) if !has_syntax_error => {
                errors += &format!("{place}: {}. ", error.text());
                has_syntax_error = true;
            }
            Err(_) => {}
        }
    }
    if errors.is_empty() { Ok((name.to_vec(), rules)) } else { Err(errors) }
}

pub fn save(disk: &dyn Disk, access: &Access, path: &Path) -> io::Result<()> {
    let mut text = access.lines().join(&b'\n');
    text.push(b'\n');
    disk::replace(disk, path, &text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::RealDisk;

    fn load_text(text: &str) -> Result<Vec<String>, String> {
        let users = parse(text.as_bytes(), "users.acl", false)?;
        let line = |(name, rules): (Vec<u8>, Rules)| [&name, &b" "[..], &rules.describe()].concat();
        Ok(users.into_iter().map(|user| String::from_utf8(line(user)).unwrap()).collect())
    }

    #[test]
    fn a_line_for_each_user() {
        let text = "user alice on nopass ~a*  +get ( +set ~b )\r\n\n  user bob off\n";
        let expected = [
            "alice on nopass sanitize-payload ~a* resetchannels -@all +get (~b resetchannels -@all +set)",
            "bob off sanitize-payload resetchannels -@all",
        ];
        assert_eq!(load_text(text).unwrap(), expected);
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let text = "# note\nuser a +nosuch +@nosuch\nuser b on onn off offf\nuser c (+get\nuser a on\nuser\nuser a off\n";
        let expected = "users.acl:1 should start with user keyword followed by the username. \
             users.acl:2: Error in applying operation '+nosuch': Unknown command or category name in ACL. \
             users.acl:2: Error in applying operation '+@nosuch': Unknown command or category name in ACL. \
             users.acl:3: Syntax error. \
             users.acl:4: Unmatched parenthesis in selector definition. \
             users.acl:6 should start with user keyword followed by the username. \
             WARNING: Duplicate user 'a' found on line 7. \
             WARNING: ACL errors detected, no change to the previously active ACL rules was performed";
        assert_eq!(load_text(text).unwrap_err(), expected);
    }

    #[test]
    fn what_is_saved_is_loaded_again() {
        let access = Access::new(b"secret");
        let rules = ["on", ">pw", "~k", "%R~r*", "&news.*", "+@read", "-get", "+config|get", "(+set ~x)"];
        access.set_user(b"alice", rules.iter().map(|rule| rule.as_bytes()), false).unwrap();
        let folder = std::env::temp_dir().join(format!("rcl-acl-file-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("users.acl");
        save(&RealDisk, &access, &path).unwrap();
        let loaded = load(&RealDisk, &path, true).unwrap();
        let other = Access::new(b"");
        other.replace_all(loaded);
        assert_eq!(other.lines(), access.lines());
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "no temporary file is left");
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(load(&RealDisk, &path, true).unwrap_err().ends_with("': No such file or directory"));
    }
}
