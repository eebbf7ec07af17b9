//! LOLWUT: a picture of a cluster. The nodes stand on the ring of slots; who gossips with whom is up to chance.

use std::f64::consts::TAU;

use rand::Rng;
use rcl_proto::resp::Args;

use crate::command::parse::{self, is};
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, Kind, flag};
use crate::command::{CommandResult, CommandSpec, Context, Handler, Outcome};

pub const LOLWUT: CommandSpec = CommandSpec {
    name: "lolwut",
    arity: -1,
    flags: flag::READONLY | flag::FAST,
    since: "5.0.0",
    group: Group::Server,
    summary: "Draws a picture, and says which version this is.",
    arguments: &[Argument {
        name: "version",
        kind: Kind::Integer,
        token: "VERSION",
        optional: true,
        ..ARGUMENT
    }],
    handler: Handler::Run(lolwut),
    ..COMMAND
};

/// Every version draws the same kind of picture; further numbers are its width in characters and how many nodes it has.
fn lolwut(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let mut numbers = Vec::new();
    let mut rest = args.from(1);
    if args.get(1).is_some_and(|word| is(word, "VERSION")) && args.len() > 2 {
        parse::integer(&args[2])?;
        rest = args.from(3);
    }
    for number in rest.iter() {
        numbers.push(parse::integer(number)?);
    }
    let number = |index: usize, default: i64, most: i64| {
        numbers.get(index).copied().unwrap_or(default).clamp(2, most) as usize
    };
    let picture = ring(number(0, 40, 120), number(1, 12, 100), &mut rand::rng());
    let version = env!("CARGO_PKG_VERSION");
    let text = format!(
        "{picture}\nA cluster, as gossip sees it. rcl-node {version}, Redis ver. {}\n",
        crate::REDIS_VERSION
    );
    context.reply.verbatim("txt", text.as_bytes());
    Ok(Outcome::Done)
}

/// Dots, two across and four down in each character of Braille.
struct Canvas {
    columns: usize,
    rows: usize,
    cells: Vec<u8>,
}

impl Canvas {
    fn new(columns: usize, rows: usize) -> Canvas {
        Canvas { columns, rows, cells: vec![0; columns * rows] }
    }

    fn dot(&mut self, x: f64, y: f64) {
        // The bits of Unicode's Braille patterns, row by row.
        const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
        let (x, y) = (x.round().max(0.0) as usize, y.round().max(0.0) as usize);
        let is_inside = x / 2 < self.columns && y / 4 < self.rows;
        if let Some(cell) = self.cells.get_mut(y / 4 * self.columns + x / 2).filter(|_| is_inside) {
            *cell |= BITS[y % 4][x % 2];
        }
    }

    fn line(&mut self, (from_x, from_y): (f64, f64), (to_x, to_y): (f64, f64)) {
        let steps = (to_x - from_x).abs().max((to_y - from_y).abs()).ceil().max(1.0);
        for step in 0..=steps as usize {
            let share = step as f64 / steps;
            self.dot(from_x + (to_x - from_x) * share, from_y + (to_y - from_y) * share);
        }
    }

    fn text(&self) -> String {
        let character = |cell: &u8| char::from_u32(0x2800 + u32::from(*cell)).unwrap_or(' ');
        self.cells
            .chunks(self.columns)
            .map(|row| row.iter().map(character).collect::<String>() + "\n")
            .collect()
    }
}

fn ring(columns: usize, nodes: usize, rng: &mut impl Rng) -> String {
    let mut canvas = Canvas::new(columns, columns.div_ceil(2));
    let radius = columns as f64 - 1.5;
    let center = radius + 0.5;
    let at = |angle: f64| (center + radius * angle.cos(), center + radius * angle.sin());
    let around = (radius * 8.0).ceil();
    for step in 0..around as usize {
        let (x, y) = at(TAU * step as f64 / around);
        canvas.dot(x, y);
    }
    let node = |number: usize| at(TAU * number as f64 / nodes as f64);
    for from in 0..nodes {
        let to = ((u128::from(rng.next_u64()) * nodes as u128) >> 64) as usize;
        canvas.line(node(from), node(to));
    }
    canvas.text()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::in_memory::clients;
    use rand::{SeedableRng, rngs::StdRng};

    #[test]
    fn the_picture_has_its_size_and_is_not_empty() {
        let picture = ring(10, 4, &mut StdRng::seed_from_u64(1));
        let rows: Vec<&str> = picture.lines().collect();
        assert_eq!(rows.len(), 5);
        assert!(rows.iter().all(|row| row.chars().count() == 10));
        assert!(rows.iter().all(|row| row.chars().any(|character| character != '\u{2800}')));
    }

    #[test]
    fn sizes_are_bounded_and_what_is_no_number_is_refused() {
        clients!(_node: client);
        assert!(client.ask("lolwut").contains("rcl-node"));
        assert!(client.ask("lolwut version 5 1 1").contains("Redis ver."));
        assert!(client.ask("lolwut 100000000 100000000").len() < 100_000);
        assert!(client.ask("lolwut x").starts_with("-ERR value is not an integer"));
    }
}
