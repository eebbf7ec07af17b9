//! Reads typed values out of the table's rows by the directive's name.
//!
//! A name that isn't in the table or a kind that doesn't fit is a bug of ours, never an input: it panics, and a test
//! that builds the settings finds it. The names read are noted, so that a test can hold them against the table.

use super::settings::{OutputBufferLimits, Secret, Share, ShutdownFlags};
use super::table;
use super::value::{SavePoint, Value};
use crate::pubsub::EventClasses;
use std::cell::RefCell;
use std::ffi::OsString;
use std::net::IpAddr;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

pub struct Reader<'a> {
    values: &'a [Value],
    names_read: RefCell<Vec<&'static str>>,
}

impl<'a> Reader<'a> {
    pub fn new(values: &'a [Value]) -> Reader<'a> {
        Reader { values, names_read: RefCell::default() }
    }

    #[cfg(test)]
    pub fn names_read(&self) -> Vec<&'static str> {
        self.names_read.borrow().clone()
    }

    pub fn yes_no(&self, name: &'static str) -> bool {
        match self.value(name) {
            Value::YesNo(yes) => *yes,
            other => wrong_kind(name, other),
        }
    }

    /// A number whose range in the table is within that of `N`; should it not be, the nearest that is.
    pub fn number<N: TryFrom<i128> + Bounds>(&self, name: &'static str) -> N {
        match self.value(name) {
            Value::Number(number) => {
                N::try_from(*number).unwrap_or(if *number < 0 { N::LOWEST } else { N::HIGHEST })
            }
            other => wrong_kind(name, other),
        }
    }

    pub fn share(&self, name: &'static str) -> Share {
        match self.value(name) {
            Value::Number(bytes) => Share::Bytes(u64::try_from(*bytes).unwrap_or(0)),
            Value::Percent(percent) => Share::Percent(*percent),
            other => wrong_kind(name, other),
        }
    }

    pub fn choice<C: Copy>(&self, name: &'static str, all: &[C], word: fn(C) -> &'static str) -> C {
        let value = self.value(name);
        let chosen = match value {
            Value::Choice(chosen) => all.iter().copied().find(|choice| word(*choice) == *chosen),
            _ => None,
        };
        chosen.unwrap_or_else(|| wrong_kind(name, value))
    }

    pub fn flags(&self, name: &'static str) -> ShutdownFlags {
        let has = |flags: &[&str], flag: &str| flags.contains(&flag);
        match self.value(name) {
            Value::Flags(flags) => ShutdownFlags {
                save: has(flags, "save"),
                nosave: has(flags, "nosave"),
                now: has(flags, "now"),
                force: has(flags, "force"),
            },
            other => wrong_kind(name, other),
        }
    }

    pub fn event_classes(&self, name: &'static str) -> EventClasses {
        // The value was parsed by the same code.
        EventClasses::parse(&self.bytes(name)).unwrap_or_default()
    }

    pub fn bytes(&self, name: &'static str) -> Vec<u8> {
        match self.value(name) {
            Value::Text(text) => text.clone(),
            other => wrong_kind(name, other),
        }
    }

    pub fn optional_text(&self, name: &'static str) -> Option<String> {
        let bytes = self.bytes(name);
        (!bytes.is_empty()).then(|| String::from_utf8_lossy(&bytes).into_owned())
    }

    pub fn secret(&self, name: &'static str) -> Option<Secret> {
        Some(Secret(self.bytes(name))).filter(|secret| !secret.0.is_empty())
    }

    pub fn file_name(&self, name: &'static str) -> OsString {
        OsString::from_vec(self.bytes(name))
    }

    pub fn directory(&self, name: &'static str) -> PathBuf {
        PathBuf::from(self.file_name(name))
    }

    pub fn path(&self, name: &'static str) -> Option<PathBuf> {
        Some(self.directory(name)).filter(|path| !path.as_os_str().is_empty())
    }

    pub fn addresses(&self, name: &'static str) -> Vec<String> {
        match self.value(name) {
            Value::Bind(addresses) => {
                addresses.iter().map(|a| String::from_utf8_lossy(a).into_owned()).collect()
            }
            other => wrong_kind(name, other),
        }
    }

    /// The value was checked when it was set.
    pub fn address(&self, name: &'static str) -> Option<IpAddr> {
        self.optional_text(name)?.parse().ok()
    }

    pub fn oom_scores(&self, name: &'static str) -> [i64; 3] {
        match self.value(name) {
            Value::OomScores(scores) => *scores,
            other => wrong_kind(name, other),
        }
    }

    pub fn output_limits(&self, name: &'static str) -> OutputBufferLimits {
        match self.value(name) {
            Value::OutputBufferLimit([normal, replica, pubsub]) => {
                OutputBufferLimits { normal: *normal, replica: *replica, pubsub: *pubsub }
            }
            other => wrong_kind(name, other),
        }
    }

    pub fn save_points(&self, name: &'static str) -> Vec<SavePoint> {
        match self.value(name) {
            Value::Save(points) => points.clone(),
            other => wrong_kind(name, other),
        }
    }

    pub fn percentiles(&self, name: &'static str) -> Vec<f64> {
        match self.value(name) {
            Value::Percentiles(percentiles) => percentiles.clone(),
            other => wrong_kind(name, other),
        }
    }

    pub fn master(&self, name: &'static str) -> Option<(String, u16)> {
        match self.value(name) {
            Value::ReplicaOf(master) => {
                master.as_ref().map(|(host, port)| (String::from_utf8_lossy(host).into_owned(), *port))
            }
            other => wrong_kind(name, other),
        }
    }

    fn value(&self, name: &'static str) -> &Value {
        self.names_read.borrow_mut().push(name);
        let row = table::find(name.as_bytes()).map(|(row, _)| row);
        row.and_then(|row| self.values.get(row))
            .unwrap_or_else(|| panic!("no directive '{name}' in the table"))
    }
}

fn wrong_kind(name: &str, value: &Value) -> ! {
    panic!("the table's kind of '{name}' is not what the settings read: {value:?}")
}

/// The ends of a number type's range.
pub trait Bounds {
    const LOWEST: Self;
    const HIGHEST: Self;
}

macro_rules! bounds {
    ($($number:ty),+) => { $(impl Bounds for $number {
        const LOWEST: Self = <$number>::MIN;
        const HIGHEST: Self = <$number>::MAX;
    })+ };
}

bounds!(u16, u32, u64, usize, i32, i64);
