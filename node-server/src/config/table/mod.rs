//! The table of directives: every one that Redis 7.2 knows (hidden ones too), and ours. From it alone come parsing,
//! CONFIG GET / SET / REWRITE, the defaults and the refusals.
//!
//! Names, types, ranges and defaults are those of Redis 7.2. A directive that only a file may hold (include,
//! rename-command, …) is in `FILE_DIRECTIVES`.

mod checks;
mod cluster;
mod keyspace;
mod network;
mod persistence;
mod process;
mod replication;
mod security;

use super::directive::Directive;
use std::collections::HashMap;
use std::sync::LazyLock;

const SECTIONS: [&[Directive]; 7] = [
    network::DIRECTIVES,
    process::DIRECTIVES,
    persistence::DIRECTIVES,
    replication::DIRECTIVES,
    cluster::DIRECTIVES,
    keyspace::DIRECTIVES,
    security::DIRECTIVES,
];

pub use security::FILE_DIRECTIVES;

/// Where a directive stands in the table.
pub type Row = usize;

static ROWS: LazyLock<Vec<&'static Directive>> = LazyLock::new(|| SECTIONS.into_iter().flatten().collect());

static BY_NAME: LazyLock<HashMap<&'static str, Row>> = LazyLock::new(|| {
    let named = |(row, directive): (Row, &&'static Directive)| {
        [Some(directive.name), directive.alias].into_iter().flatten().map(move |name| (name, row))
    };
    ROWS.iter().enumerate().flat_map(named).collect()
});

/// All directives, in the order of the table.
pub fn directives() -> &'static [&'static Directive] {
    &ROWS
}

/// The directive of that name or alias, in any case.
pub fn find(name: &[u8]) -> Option<(Row, &'static Directive)> {
    let name = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
    let row = *BY_NAME.get(name.as_str())?;
    Some((row, ROWS.get(row)?))
}

/// The known name that is nearest to a mistyped one, when one is near.
pub fn nearest_name(mistyped: &str) -> Option<&'static str> {
    let mistyped = mistyped.to_ascii_lowercase();
    let file_names = FILE_DIRECTIVES.iter().map(|directive| directive.name);
    let names = BY_NAME.keys().copied().chain(file_names);
    let distances = names.map(|name| (edit_distance(&mistyped, name), name));
    let (distance, name) = distances.min()?;
    (distance <= 1 + mistyped.len() / 4).then_some(name)
}

/// The number of bytes to insert, delete or replace to get from one name to the other.
fn edit_distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, from_byte) in from.bytes().enumerate() {
        let mut diagonal = index;
        let mut left = index + 1;
        for (cell, to_byte) in row.iter_mut().skip(1).zip(to.bytes()) {
            let best = (*cell + 1).min(left + 1).min(diagonal + usize::from(from_byte != to_byte));
            diagonal = std::mem::replace(cell, best);
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or(from.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_lower_case() {
        let names: Vec<&str> = directives()
            .iter()
            .flat_map(|directive| [Some(directive.name), directive.alias])
            .flatten()
            .collect();
        assert_eq!(names.len(), BY_NAME.len(), "a name is in the table twice");
        assert!(names.iter().all(|name| *name == name.to_ascii_lowercase()));
    }

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        assert_eq!(nearest_name("cluster-node-timout"), Some("cluster-node-timeout"));
        assert_eq!(nearest_name("Max-Clients"), Some("maxclients"));
        assert_eq!(nearest_name("inclde"), Some("include"));
        assert_eq!(nearest_name("something-else-entirely"), None);
    }

    #[test]
    fn edit_distances() {
        assert_eq!(edit_distance("port", "port"), 0);
        assert_eq!(edit_distance("prot", "port"), 2);
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(edit_distance("kitten", "sitting"), 3);
    }
}
