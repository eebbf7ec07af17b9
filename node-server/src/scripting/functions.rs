//! The libraries of functions: a part of the data set. They are replaced as a whole, so that whoever has them sees them as
//! they were at one moment.
//!
//! ```text
//!   #!lua name=mylib        the first line of a library's code; the rest registers functions when it is run
//! ```

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rcl_proto::words;

use super::flags::{ScriptFlags, unexpected};
use crate::command::CommandError;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionInfo {
    pub name: Box<[u8]>,
    pub description: Option<Box<[u8]>>,
    pub flags: ScriptFlags,
}

#[derive(Debug)]
pub struct Library {
    pub name: String,
    /// With its first line.
    pub code: Box<[u8]>,
    body_start: usize,
    /// In the order in which they were registered.
    pub functions: Vec<FunctionInfo>,
    /// One of its functions was seen to touch keys that it had not declared, in other slots: they run with all shards
    /// locked.
    pub is_wide: AtomicBool,
}

impl Library {
    /// What is run to register the functions.
    pub fn body(&self) -> &[u8] {
        &self.code[self.body_start..]
    }
}

/// What the first line of a library's code says.
#[derive(Debug, PartialEq, Eq)]
pub struct Header {
    pub name: String,
    body_start: usize,
}

impl Header {
    pub fn of(code: &[u8]) -> Result<Header, CommandError> {
        let invalid = || CommandError::fixed("ERR Invalid library metadata");
        if !code.starts_with(b"#!") {
            return Err(CommandError::fixed("ERR Missing library metadata"));
        }
        let end = code.iter().position(|&byte| byte == b'\n').ok_or_else(invalid)?;
        let parts = words::split(&code[..end]).unwrap_or_default();
        let (engine, parts) = parts.split_first().ok_or_else(invalid)?;
        let mut name: Option<&[u8]> = None;
        for part in parts {
            match part.split_at_checked(5) {
                Some((key, value)) if key.eq_ignore_ascii_case(b"name=") => {
                    if name.replace(value).is_some() {
                        return Err(CommandError::fixed(
                            "ERR Invalid metadata value, name argument was given multiple times",
                        ));
                    }
                }
                _ => return Err(unexpected("Invalid metadata value given", part)),
            }
        }
        let name = name.ok_or(CommandError::fixed("ERR Library name was not given"))?;
        if !is_name(name) {
            return Err(CommandError::fixed(
                "ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one character long",
            ));
        }
        let engine = engine.get(2..).unwrap_or_default();
        if !engine.eq_ignore_ascii_case(b"lua") {
            let engine = String::from_utf8_lossy(engine);
            return Err(CommandError::new(format!("ERR Engine '{engine}' not found")));
        }
        // A name has only ASCII in it.
        Ok(Header { name: String::from_utf8_lossy(name).into_owned(), body_start: end })
    }

    pub fn body<'c>(&self, code: &'c [u8]) -> &'c [u8] {
        &code[self.body_start..]
    }

    /// The library, once its code has registered these functions.
    pub fn library(self, code: &[u8], functions: Vec<FunctionInfo>) -> Result<Arc<Library>, CommandError> {
        if functions.is_empty() {
            return Err(CommandError::fixed("ERR No functions registered"));
        }
        let is_wide = AtomicBool::new(false);
        Ok(Arc::new(Library {
            name: self.name,
            code: code.into(),
            body_start: self.body_start,
            functions,
            is_wide,
        }))
    }
}

/// Letters, digits and underscores, at least one.
pub fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// How FUNCTION RESTORE treats what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    Append,
    Replace,
    Flush,
}

/// All libraries, as of one moment.
#[derive(Clone, Debug)]
pub struct Functions {
    libraries: BTreeMap<String, Arc<Library>>,
    /// By name, in lower case: the library, and the function's place in it.
    by_name: HashMap<Box<[u8]>, (Arc<Library>, usize)>,
    /// No two sets of libraries in this process have the same.
    version: u64,
}

fn next_version() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

impl Default for Functions {
    fn default() -> Functions {
        Functions { libraries: BTreeMap::new(), by_name: HashMap::new(), version: next_version() }
    }
}

impl Functions {
    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn library_count(&self) -> usize {
        self.libraries.len()
    }

    pub fn function_count(&self) -> usize {
        self.by_name.len()
    }

    /// Roughly what they take, without what Lua made of them.
    pub fn bytes(&self) -> usize {
        let of_function = |function: &FunctionInfo| {
            size_of::<FunctionInfo>()
                + function.name.len()
                + function.description.as_ref().map_or(0, |text| text.len())
        };
        let of_library = |library: &Arc<Library>| {
            let functions: usize = library.functions.iter().map(of_function).sum();
            size_of::<Library>() + library.name.len() + library.code.len() + functions
        };
        self.libraries.values().map(of_library).sum()
    }

    /// By name.
    pub fn libraries(&self) -> impl ExactSizeIterator<Item = &Arc<Library>> {
        self.libraries.values()
    }

    pub fn library(&self, name: &str) -> Option<&Arc<Library>> {
        self.libraries.get(name)
    }

    pub fn function(&self, name: &[u8]) -> Option<(&Arc<Library>, &FunctionInfo)> {
        let (library, place) = match name.iter().any(u8::is_ascii_uppercase) {
            true => self.by_name.get(&*name.to_ascii_lowercase())?,
            false => self.by_name.get(name)?,
        };
        Some((library, library.functions.get(*place)?))
    }

    /// With this library too; one of the same name must be replaced or not be there.
    pub fn with(&self, library: Arc<Library>, replace: bool) -> Result<Functions, CommandError> {
        if !replace {
            self.may_add(&library.name)?;
        }
        self.with_all(vec![library])
    }

    pub fn may_add(&self, name: &str) -> Result<(), CommandError> {
        match self.libraries.get(name) {
            Some(_) => Err(CommandError::new(format!("ERR Library '{name}' already exists"))),
            None => Ok(()),
        }
    }

    /// With these libraries in place of those of the same names.
    fn with_all(&self, libraries: Vec<Arc<Library>>) -> Result<Functions, CommandError> {
        let mut changed = self.clone();
        changed.version = next_version();
        for library in &libraries {
            changed.remove(&library.name);
        }
        for library in libraries {
            for (place, function) in library.functions.iter().enumerate() {
                let place = changed.by_name.entry(key(&function.name)).or_insert((library.clone(), place));
                if !Arc::ptr_eq(&place.0, &library) {
                    let name = String::from_utf8_lossy(&function.name).into_owned();
                    return Err(CommandError::new(format!("ERR Function {name} already exists")));
                }
            }
            changed.libraries.insert(library.name.clone(), library);
        }
        Ok(changed)
    }

    fn remove(&mut self, name: &str) -> bool {
        let Some(library) = self.libraries.remove(name) else { return false };
        for function in &library.functions {
            self.by_name.remove(&key(&function.name));
        }
        true
    }

    pub fn without(&self, name: &str) -> Option<Functions> {
        let mut changed = self.clone();
        changed.version = next_version();
        changed.remove(name).then_some(changed)
    }

    /// With the libraries of a payload, as the policy says.
    pub fn restored(&self, libraries: Vec<Arc<Library>>, policy: Policy) -> Result<Functions, CommandError> {
        // They must go together first.
        let among_themselves = libraries
            .iter()
            .try_fold(Functions::default(), |functions, library| functions.with(library.clone(), false))?;
        match policy {
            Policy::Flush => return Ok(among_themselves),
            Policy::Append => {
                let is_there = |library: &&Arc<Library>| self.libraries.contains_key(&library.name);
                if let Some(library) = libraries.iter().find(is_there) {
                    return Err(CommandError::new(format!("ERR Library {} already exists", library.name)));
                }
            }
            Policy::Replace => {}
        }
        self.with_all(libraries)
    }
}

/// Functions are called in whatever case.
fn key(name: &[u8]) -> Box<[u8]> {
    name.to_ascii_lowercase().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library(name: &str, functions: &[&str]) -> Arc<Library> {
        let code = format!("#!lua name={name}\ncode");
        let info = |name: &&str| FunctionInfo {
            name: name.as_bytes().into(),
            description: None,
            flags: ScriptFlags::default(),
        };
        let header = Header::of(code.as_bytes()).unwrap();
        header.library(code.as_bytes(), functions.iter().map(info).collect()).unwrap()
    }

    fn error<T>(result: Result<T, CommandError>) -> String {
        result.map_or_else(|error| error.text().to_owned(), |_| String::new())
    }

    #[test]
    fn what_the_first_line_says() {
        let of = |code: &str| Header::of(code.as_bytes()).map(|header| header.name);
        assert_eq!(of("#!lua name=a_1\n"), Ok("a_1".to_owned()));
        assert_eq!(of("#!LUA NAME=a\n"), Ok("a".to_owned()));
        for (code, expected) in [
            ("return", "ERR Missing library metadata"),
            ("#!lua name=a", "ERR Invalid library metadata"),
            ("#!lua\n", "ERR Library name was not given"),
            ("#!lua name=a name=b\n", "ERR Invalid metadata value, name argument was given multiple times"),
            ("#!lua name=a foo=b\n", "ERR Invalid metadata value given: foo=b"),
            ("#!bad name=a\n", "ERR Engine 'bad' not found"),
            (
                "#!lua name=a-b\n",
                "ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one character long",
            ),
        ] {
            assert_eq!(error(of(code)), expected, "{code}");
        }
        assert_eq!(library("l", &["f"]).body(), b"\ncode");
    }

    #[test]
    fn libraries_come_and_go_with_their_functions() {
        let one = Functions::default().with(library("one", &["a", "b"]), false).unwrap();
        assert_eq!((one.library_count(), one.function_count()), (1, 2));
        assert_eq!(error(one.with(library("one", &["c"]), false)), "ERR Library 'one' already exists");
        assert_eq!(error(one.with(library("two", &["b"]), true)), "ERR Function b already exists");
        let replaced = one.with(library("one", &["c"]), true).unwrap();
        assert!(replaced.function(b"a").is_none() && replaced.function(b"c").is_some());
        assert!(one.without("two").is_none());
        assert_eq!(replaced.without("one").unwrap().function_count(), 0);
        assert_ne!(one.version(), replaced.version());
        assert!(one.function(b"A").is_some());
    }

    #[test]
    fn restoring_by_each_policy() {
        let one = Functions::default().with(library("one", &["a"]), false).unwrap();
        let restore = |names: &[(&str, &str)], policy| {
            one.restored(names.iter().map(|(name, function)| library(name, &[function])).collect(), policy)
        };
        let names = |functions: Functions| {
            functions.libraries().map(|library| library.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(restore(&[("two", "b")], Policy::Append).unwrap()), ["one", "two"]);
        assert_eq!(error(restore(&[("one", "b")], Policy::Append)), "ERR Library one already exists");
        assert_eq!(names(restore(&[("one", "b")], Policy::Replace).unwrap()), ["one"]);
        assert_eq!(error(restore(&[("two", "a")], Policy::Replace)), "ERR Function a already exists");
        assert_eq!(names(restore(&[("two", "a")], Policy::Flush).unwrap()), ["two"]);
        assert!(!error(restore(&[("two", "x"), ("three", "x")], Policy::Flush)).is_empty());
    }
}
