//! The guide as data: the commands in its `console` blocks, and the rows of its tables of keys.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// Typed in order.
    Console,
    /// Typed in a second terminal.
    Terminal,
    /// The same on Docker.
    Docker,
}

pub struct Guide {
    pub commands: Vec<(Block, String)>,
    pub key_rows: Vec<KeyRow>,
}

/// A row as ``| `user:1001` | 22096 | 5712 | second |``.
pub struct KeyRow {
    pub key: String,
    pub crc16: u16,
    pub slot: u16,
    pub master: String,
}

impl Guide {
    pub fn read(text: &str) -> Guide {
        let mut guide = Guide { commands: Vec::new(), key_rows: Vec::new() };
        let mut block = None;
        let mut is_in_fence = false;
        for line in text.lines() {
            if let Some(info) = line.strip_prefix("```") {
                block = match (is_in_fence, info) {
                    (true, _) => None,
                    (false, "console") => Some(Block::Console),
                    (false, "console terminal") => Some(Block::Terminal),
                    (false, "console docker") => Some(Block::Docker),
                    (false, "text") => None,
                    (false, other) => panic!("an unknown kind of block: {other:?}"),
                };
                is_in_fence = !is_in_fence;
            } else if let Some(block) = block {
                let command = line.strip_prefix("$ ").unwrap_or_else(|| panic!("no command: {line:?}"));
                guide.commands.push((block, command.to_owned()));
            } else if line.starts_with("| `") {
                guide.key_rows.extend(key_row(line));
            }
        }
        assert!(!is_in_fence, "a block does not end");
        guide
    }
}

fn key_row(line: &str) -> Option<KeyRow> {
    let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [key, crc16, slot, master] = cells.as_slice() else { panic!("not a row of a key: {line}") };
    Some(KeyRow {
        key: key.trim_matches('`').to_owned(),
        crc16: crc16.parse().unwrap(),
        slot: slot.parse().unwrap(),
        master: (*master).to_owned(),
    })
}
