//! The data verbs on clusters of our nodes and of Redis's: backup, restore, verify, import, and the keys that are shown.

mod keys;

mod backup;
mod import;
mod show;
