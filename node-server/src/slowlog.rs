//! The log of slow commands: the last `slowlog-max-len` that took longer than `slowlog-log-slower-than`.

use std::collections::VecDeque;

use rcl_proto::resp::Args;

/// As Redis cuts what it shows: 32 arguments, 128 bytes each.
const MAX_ARGUMENTS: usize = 32;
const MAX_ARGUMENT_BYTES: usize = 128;

#[derive(Clone, Debug)]
pub struct SlowEntry {
    pub id: u64,
    pub time_s: i64,
    pub duration_us: u64,
    pub arguments: Vec<Vec<u8>>,
    pub client_address: String,
    pub client_name: String,
}

#[derive(Debug, Default)]
pub struct SlowLog {
    entries: VecDeque<SlowEntry>,
    next_id: u64,
}

impl SlowLog {
    /// Newest first.
    pub fn entries(&self) -> impl Iterator<Item = &SlowEntry> {
        self.entries.iter()
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn reset(&mut self) {
        self.entries.clear();
    }

    pub fn record(
        &mut self,
        args: Args<'_>,
        duration_us: u64,
        time_s: i64,
        client: (String, String),
        max_entries: usize,
    ) {
        let (client_address, client_name) = client;
        self.entries.push_front(SlowEntry {
            id: self.next_id,
            time_s,
            duration_us,
            arguments: shown_arguments(args),
            client_address,
            client_name,
        });
        self.next_id += 1;
        self.entries.truncate(max_entries);
    }
}

fn shown_arguments(args: Args<'_>) -> Vec<Vec<u8>> {
    let shown = if args.len() > MAX_ARGUMENTS { MAX_ARGUMENTS - 1 } else { args.len() };
    let mut arguments: Vec<Vec<u8>> = args.iter().take(shown).map(shown_argument).collect();
    if shown < args.len() {
        arguments.push(format!("... ({} more arguments)", args.len() - shown).into_bytes());
    }
    arguments
}

fn shown_argument(argument: &[u8]) -> Vec<u8> {
    if argument.len() <= MAX_ARGUMENT_BYTES {
        return argument.to_vec();
    }
    let mut shown = argument[..MAX_ARGUMENT_BYTES].to_vec();
    shown.extend_from_slice(format!("... ({} more bytes)", argument.len() - MAX_ARGUMENT_BYTES).as_bytes());
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcl_proto::resp::OwnedArgs;

    #[test]
    fn keeps_the_newest_and_cuts_what_is_long() {
        let mut log = SlowLog::default();
        let long = vec![b'x'; 200];
        let many = OwnedArgs::new((0..40).map(|_| long.as_slice()));
        for _ in 0..3 {
            log.record(many.as_args(), 5, 1, (String::new(), String::new()), 2);
        }
        assert_eq!(log.entries().map(|entry| entry.id).collect::<Vec<_>>(), [2, 1]);
        let arguments = &log.entries().next().unwrap().arguments;
        assert_eq!(arguments.len(), 32);
        assert_eq!(arguments[31], b"... (9 more arguments)");
        assert!(arguments[0].ends_with(b"... (72 more bytes)"));
    }
}
