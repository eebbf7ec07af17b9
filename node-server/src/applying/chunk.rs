//! Commands that are applied together, in their order.

use rcl_proto::resp::{Args, Span};

use crate::command::Known;

/// It is full with so many bytes, however few commands they are.
const BYTES_A_CHUNK: usize = 64 * 1024;

/// All about one shard, with the bytes of their arguments.
#[derive(Default)]
pub struct Chunk {
    bytes: Vec<u8>,
    spans: Vec<Span>,
    /// Each with where its spans end.
    commands: Vec<(Command, usize)>,
}

#[derive(Clone, Copy)]
pub struct Command {
    pub known: Known,
    pub database: usize,
    /// How many bytes it came as.
    pub request_bytes: usize,
}

impl Chunk {
    pub fn push(&mut self, command: Command, args: Args<'_>) {
        for argument in args.iter() {
            let start = self.bytes.len();
            self.bytes.extend_from_slice(argument);
            self.spans.push(Span::new(start, self.bytes.len()));
        }
        self.commands.push((command, self.spans.len()));
    }

    pub fn append(&mut self, other: &Chunk) {
        other.iter().for_each(|(command, args)| self.push(command, args));
    }

    pub fn command_count(&self) -> usize {
        self.commands.len()
    }

    pub fn byte_count(&self) -> usize {
        self.bytes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    pub fn is_full(&self, commands_a_chunk: usize) -> bool {
        self.commands.len() >= commands_a_chunk || self.bytes.len() >= BYTES_A_CHUNK
    }

    pub fn iter(&self) -> impl Iterator<Item = (Command, Args<'_>)> + Clone {
        let mut start = 0;
        self.commands.iter().map(move |(command, end)| {
            let spans = self.spans.get(std::mem::replace(&mut start, *end)..*end).unwrap_or_default();
            (*command, Args::new(&self.bytes, spans))
        })
    }

    /// For other commands. What is more than a usual chunk needs is given back.
    pub fn clear(&mut self) {
        if self.bytes.capacity() > 4 * BYTES_A_CHUNK || self.spans.capacity() > BYTES_A_CHUNK {
            *self = Chunk::default();
        }
        self.bytes.clear();
        self.spans.clear();
        self.commands.clear();
    }
}
