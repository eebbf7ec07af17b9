//! The manifest: a line for each file.
//!
//! ```text
//! file appendonly.aof.2.base.rdb seq 2 type b      the base, at most one
//! file appendonly.aof.4.incr.aof seq 4 type h      history: of no use any more, to be deleted
//! file appendonly.aof.5.incr.aof seq 5 type i      incremental, read after the base in this order
//! ```
//!
//! Words may be quoted as in redis.conf, and lines that start with `#` are comments; further pairs of words are left for
//! later versions to say more. The rules and the error texts are Redis's.

use std::fmt;

use rcl_proto::words;

const BASE_SUFFIX: &str = ".base";
const INCREMENTAL_SUFFIX: &str = ".incr";
const RDB_FORMAT: &str = ".rdb";
const AOF_FORMAT: &str = ".aof";

/// As long as Redis reads.
const LONGEST_LINE: usize = 1024;

/// A file of the append-only file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Without a folder.
    pub name: Vec<u8>,
    /// From 1; of incremental files each is higher than the one before.
    pub seq: u64,
}

/// Which files there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    pub base: Option<FileEntry>,
    /// Newest first.
    pub history: Vec<FileEntry>,
    pub incremental: Vec<FileEntry>,
    base_seq: u64,
    incremental_seq: u64,
}

/// Why a manifest cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestError {
    /// The line, from 1, and what it says; `None` when it is about no single one.
    pub line: Option<(usize, String)>,
    pub what: &'static str,
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((number, line)) = &self.line {
            write!(f, "Reading the manifest file, at line {number} >>> '{line}' ")?;
        }
        f.write_str(self.what)
    }
}

impl std::error::Error for ManifestError {}

const INVALID: &str = "Invalid AOF manifest file format";

impl Manifest {
    pub fn parse(text: &[u8]) -> Result<Manifest, ManifestError> {
        let mut manifest = Manifest::default();
        if text.is_empty() {
            return Err(ManifestError { line: None, what: "Found an empty AOF manifest" });
        }
        for (index, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
            if line.starts_with(b"#") {
                continue;
            }
            if !line.ends_with(b"\n") || line.len() > LONGEST_LINE {
                let what = "The AOF manifest file contains too long line";
                return Err(ManifestError { line: None, what });
            }
            let line = line.trim_ascii();
            manifest.take_line(line).map_err(|what| {
                let text = String::from_utf8_lossy(line).into_owned();
                ManifestError { line: Some((index + 1, text)).filter(|_| !line.is_empty()), what }
            })?;
        }
        Ok(manifest)
    }

    fn take_line(&mut self, line: &[u8]) -> Result<(), &'static str> {
        let words = words::split(line).ok_or(INVALID)?;
        if words.len() < 6 || !words.len().is_multiple_of(2) {
            return Err(INVALID);
        }
        let (mut name, mut seq, mut kind) = (None, 0, None);
        for pair in words.chunks_exact(2) {
            let (key, value) = (&pair[0], &pair[1]);
            if key.eq_ignore_ascii_case(b"file") {
                if value.contains(&b'/') || value.contains(&b'\\') {
                    return Err("File can't be a path, just a filename");
                }
                name = Some(value.clone()).filter(|name| !name.is_empty());
            } else if key.eq_ignore_ascii_case(b"seq") {
                seq = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
            } else if key.eq_ignore_ascii_case(b"type") {
                kind = value.first().copied();
            }
        }
        let (Some(name), 1.., Some(kind)) = (name, seq, kind) else { return Err(INVALID) };
        let entry = FileEntry { name, seq };
        match kind {
            b'b' if self.base.is_some() => return Err("Found duplicate base file information"),
            b'b' => {
                self.base_seq = seq;
                self.base = Some(entry);
            }
            b'h' => self.history.push(entry),
            b'i' if seq <= self.incremental_seq => return Err("Found a non-monotonic sequence number"),
            b'i' => {
                self.incremental_seq = seq;
                self.incremental.push(entry);
            }
            _ => return Err("Unknown AOF file type"),
        }
        Ok(())
    }

    pub fn to_text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        let mut add = |entry: &FileEntry, kind: &str| {
            text.extend_from_slice(b"file ");
            if entry.name.iter().all(|byte| byte.is_ascii_graphic() && !b"\\\"'".contains(byte)) {
                text.extend_from_slice(&entry.name);
            } else {
                text.extend_from_slice(words::quote(&entry.name).as_bytes());
            }
            text.extend_from_slice(format!(" seq {} type {kind}\n", entry.seq).as_bytes());
        };
        self.base.iter().for_each(|entry| add(entry, "b"));
        self.history.iter().for_each(|entry| add(entry, "h"));
        self.incremental.iter().for_each(|entry| add(entry, "i"));
        text
    }

    /// There is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.base.is_none() && self.incremental.is_empty()
    }

    /// In the order in which they are read.
    pub fn files(&self) -> impl Iterator<Item = &FileEntry> {
        self.base.iter().chain(&self.incremental)
    }

    /// A single file, as it was kept before there were manifests, is the base from now on.
    pub fn adopt_single_file(&mut self, name: &[u8]) {
        self.base_seq = 1;
        self.base = Some(FileEntry { name: name.to_vec(), seq: 1 });
    }

    /// The next base takes the place of the one that is there, which becomes history. Returns its name.
    pub fn add_base(&mut self, prefix: &[u8], is_rdb: bool) -> Vec<u8> {
        self.base_seq += 1;
        let format = if is_rdb { RDB_FORMAT } else { AOF_FORMAT };
        let name = file_name(prefix, self.base_seq, BASE_SUFFIX, format);
        let before = self.base.replace(FileEntry { name: name.clone(), seq: self.base_seq });
        self.history.splice(0..0, before);
        name
    }

    /// Another incremental file comes after those that there are. Returns its name.
    pub fn add_incremental(&mut self, prefix: &[u8]) -> Vec<u8> {
        self.incremental_seq += 1;
        let name = file_name(prefix, self.incremental_seq, INCREMENTAL_SUFFIX, AOF_FORMAT);
        self.incremental.push(FileEntry { name: name.clone(), seq: self.incremental_seq });
        name
    }

    /// The names that `other` has given are not given again.
    pub fn skip_names_of(&mut self, other: &Manifest) {
        self.base_seq = self.base_seq.max(other.base_seq);
        self.incremental_seq = self.incremental_seq.max(other.incremental_seq);
    }

    /// All incremental files become history, but for the newest `kept` of them.
    pub fn retire_incremental(&mut self, kept: usize) {
        let retired = self.incremental.len().saturating_sub(kept);
        let retired: Vec<FileEntry> = self.incremental.drain(..retired).collect();
        self.history.splice(0..0, retired);
    }
}

fn file_name(prefix: &[u8], seq: u64, suffix: &str, format: &str) -> Vec<u8> {
    [prefix, format!(".{seq}{suffix}{format}").as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn error(text: &str) -> &'static str {
        Manifest::parse(text.as_bytes()).unwrap_err().what
    }

    #[test]
    fn files_are_read_base_first() {
        let text = "# a comment\nfile a.1.incr.aof seq 1 type i\nfile a.1.base.rdb seq 1 type b more words\n\
                    FILE \"with a space\" SEQ 7 TYPE i\r\nfile old seq 3 type h\n";
        let manifest = Manifest::parse(text.as_bytes()).unwrap();
        let names: Vec<_> = manifest.files().map(|file| String::from_utf8_lossy(&file.name)).collect();
        assert_eq!(names, ["a.1.base.rdb", "a.1.incr.aof", "with a space"]);
        let printed = "file a.1.base.rdb seq 1 type b\nfile old seq 3 type h\nfile a.1.incr.aof seq 1 type i\n\
                       file \"with a space\" seq 7 type i\n";
        assert_eq!(String::from_utf8(manifest.to_text()).unwrap(), printed);
    }

    #[test]
    fn what_is_wrong_is_said_in_redis_words() {
        assert_eq!(error(""), "Found an empty AOF manifest");
        assert_eq!(error("file a seq 1 type b"), "The AOF manifest file contains too long line");
        assert_eq!(
            error(&format!("file {} seq 1 type b\n", "a".repeat(1020))),
            "The AOF manifest file contains too long line"
        );
        for wrong in [
            "\n",
            "file a seq 1\n",
            "file a seq 1 type b more\n",
            "file a seq x type b\n",
            "file a seq 0 type b\n",
            "file \"a seq 1 type b\n",
            "name a seq 1 type b\n",
            "file \"\" seq 1 type b\n",
        ] {
            assert_eq!(error(wrong), INVALID, "{wrong}");
        }
        assert_eq!(error("file a/b seq 1 type b\n"), "File can't be a path, just a filename");
        assert_eq!(
            error("file a seq 1 type b\nfile b seq 2 type b\n"),
            "Found duplicate base file information"
        );
        assert_eq!(
            error("file a seq 2 type i\nfile b seq 2 type i\n"),
            "Found a non-monotonic sequence number"
        );
        assert_eq!(error("file a seq 2 type x\n"), "Unknown AOF file type");
        let shown = Manifest::parse(b"# c\nfile a seq 2 type x\n").unwrap_err().to_string();
        assert_eq!(
            shown,
            "Reading the manifest file, at line 2 >>> 'file a seq 2 type x' Unknown AOF file type"
        );
    }

    #[test]
    fn a_rewrite_makes_what_was_there_history() {
        let mut manifest = Manifest::parse(b"file x seq 1 type b\nfile y seq 3 type i\n").unwrap();
        assert_eq!(manifest.add_incremental(b"a.aof"), b"a.aof.4.incr.aof");
        assert_eq!(manifest.add_base(b"a.aof", true), b"a.aof.2.base.rdb");
        manifest.retire_incremental(1);
        let text = "file a.aof.2.base.rdb seq 2 type b\nfile y seq 3 type h\nfile x seq 1 type h\n\
                    file a.aof.4.incr.aof seq 4 type i\n";
        assert_eq!(String::from_utf8(manifest.to_text()).unwrap(), text);
        let mut other = Manifest::default();
        other.skip_names_of(&manifest);
        assert_eq!(other.add_incremental(b"a.aof"), b"a.aof.5.incr.aof");
        assert_eq!(manifest.add_base(b"a.aof", false), b"a.aof.3.base.aof");
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_parser(text: Vec<u8>) {
            let _ = Manifest::parse(&text);
        }

        #[test]
        fn what_is_printed_is_read_again(names in prop::collection::vec("[^/\\\\\\x00]{1,20}", 1..6)) {
            let mut manifest = Manifest::default();
            for name in &names {
                manifest.add_incremental(name.as_bytes());
                manifest.add_base(name.as_bytes(), true);
            }
            prop_assert_eq!(Manifest::parse(&manifest.to_text()).unwrap(), manifest);
        }
    }
}
