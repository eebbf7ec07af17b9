//! `--latency-dist`: how the times of PINGs are distributed, a line of colours each second (`-i`).
//!
//! A cell is a range of times, its character says which ([`CELLS`]), its colour how many of the PINGs fell into
//! it. `--mono` takes shades of grey.

use std::thread;
use std::time::{Duration, Instant};

use super::super::options::Options;
use super::super::session::{Session, Trouble};
use super::emit;
use super::latency::ping;

/// The longest time of each cell, in microseconds, and its character; what takes longer is in the last.
const CELLS: [(u64, char); 31] = [
    (10, '.'),
    (125, '-'),
    (250, '*'),
    (500, '#'),
    (1_000, '1'),
    (2_000, '2'),
    (3_000, '3'),
    (4_000, '4'),
    (5_000, '5'),
    (6_000, '6'),
    (7_000, '7'),
    (8_000, '8'),
    (9_000, '9'),
    (10_000, 'A'),
    (20_000, 'B'),
    (30_000, 'C'),
    (40_000, 'D'),
    (50_000, 'E'),
    (100_000, 'F'),
    (200_000, 'G'),
    (300_000, 'H'),
    (400_000, 'I'),
    (500_000, 'J'),
    (1_000_000, 'K'),
    (2_000_000, 'L'),
    (4_000_000, 'M'),
    (8_000_000, 'N'),
    (16_000_000, 'O'),
    (30_000_000, 'P'),
    (60_000_000, 'Q'),
    (u64::MAX, '?'),
];

/// From none to all, as numbers of a terminal's 256 colours.
const COLOURS: &[u8] =
    &[0, 233, 234, 235, 237, 239, 241, 243, 245, 247, 144, 143, 142, 184, 226, 214, 208, 202, 196];
const GREYS: &[u8] = &[0, 233, 234, 235, 237, 239, 241, 243, 245, 247, 249, 251, 253];

/// After so many lines the legend is shown once more.
const LINES_A_LEGEND: u64 = 20;

pub fn run(mut session: Session<'_>, options: &Options) -> Result<(), Trouble> {
    session.connect()?;
    let line_lasts = match options.interval_seconds {
        0.0 => Duration::from_secs(1),
        seconds => Duration::from_secs_f64(seconds),
    };
    let palette = if options.mono { GREYS } else { COLOURS };
    let mut counts = [0_u64; CELLS.len()];
    let mut began = Instant::now();
    let mut lines = 0_u64;
    loop {
        let took_us = ping(&mut session)?.as_micros() as u64;
        let cell = CELLS.iter().position(|(longest, _)| took_us <= *longest).unwrap_or(CELLS.len() - 1);
        counts[cell] += 1;
        if began.elapsed() > line_lasts {
            if lines.is_multiple_of(LINES_A_LEGEND) {
                emit(&legend(palette))?;
            }
            emit(&line(&counts, palette))?;
            (counts, began) = ([0; CELLS.len()], Instant::now());
            lines += 1;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

fn line(counts: &[u64], palette: &[u8]) -> String {
    let total: u64 = counts.iter().sum::<u64>().max(1);
    let mut text = "\x1b[38;5;0m".to_owned();
    for (count, (_, character)) in counts.iter().zip(CELLS) {
        let shade = (*count as f64 / total as f64 * (palette.len() - 1) as f64).ceil() as usize;
        text.push_str(&format!("\x1b[48;5;{}m{character}", palette[shade.min(palette.len() - 1)]));
    }
    text + "\x1b[0m\n"
}

fn legend(palette: &[u8]) -> String {
    let rule = "---------------------------------------------\n";
    let mut text = rule.to_owned();
    text.push_str(". - * #          .01 .125 .25 .5 milliseconds\n");
    text.push_str("1,2,3,...,9      from 1 to 9     milliseconds\n");
    text.push_str("A,B,C,D,E        10,20,30,40,50  milliseconds\n");
    text.push_str("F,G,H,I,J        .1,.2,.3,.4,.5       seconds\n");
    text.push_str("K,L,M,N,O,P,Q,?  1,2,4,8,16,30,60,>60 seconds\n");
    text.push_str("From 0 to 100%: ");
    for colour in palette {
        text.push_str(&format!("\x1b[48;5;{colour}m "));
    }
    text + "\x1b[0m\n" + rule
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_s_colour_says_how_many_fell_into_it() {
        let mut counts = [0; CELLS.len()];
        (counts[0], counts[1]) = (1, 1);
        let text = line(&counts, GREYS);
        assert!(text.starts_with("\x1b[38;5;0m\x1b[48;5;241m.\x1b[48;5;241m-\x1b[48;5;0m*"), "{text:?}");
        assert!(text.ends_with("?\x1b[0m\n"));
        assert!(legend(COLOURS).contains("196m \x1b[0m\n"));
    }
}
