//! A small harness: each case is run in turn with a yardstick of fixed work, so that what else the machine does meanwhile slows
//! both and drops out of their ratio.
//!
//! The table gives the median time of a case, its smallest, and the median ratio to the yardstick. `--save FILE` keeps the
//! ratios, `--against FILE` compares with kept ones: below 1 is faster than then. `--seconds FILE` keeps the smallest times.
//! `--only GROUP` runs one group of cases, a word without dashes those whose name contains it.

#![allow(clippy::disallowed_methods, reason = "a bench reads the clock and writes what it saw")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Least time that the runs of a case take together.
const SPENT: Duration = Duration::from_millis(1500);
/// Rounds at least and at most.
const ROUNDS: (usize, usize) = (7, 301);

/// What was asked for on the command line.
#[derive(Default)]
pub struct Bench {
    filter: Option<String>,
    only: Option<String>,
    seconds: Option<String>,
    least: BTreeMap<String, f64>,
    save: Option<String>,
    before: BTreeMap<String, f64>,
    ratios: BTreeMap<String, f64>,
}

impl Bench {
    /// Reads the arguments and prints the head of the table. `cargo bench` adds `--bench`, which means nothing here.
    pub fn from_arguments() -> Bench {
        let mut bench = Bench::default();
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--bench" => {}
                "--only" => bench.only = arguments.next(),
                "--seconds" => bench.seconds = arguments.next(),
                "--save" => bench.save = arguments.next(),
                "--against" => {
                    let file = arguments.next().expect("--against needs a file");
                    let text = std::fs::read_to_string(&file).expect("the file of --against is readable");
                    bench.before = serde_json::from_str(&text).expect("the file was written by --save");
                }
                word => bench.filter = Some(word.to_owned()),
            }
        }
        println!("{:<44} {:>11} {:>11} {:>10}  against", "case", "median", "least", "yardsticks");
        bench
    }

    /// Whether a group of cases was asked for.
    pub fn wants(&self, group: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only == group)
    }

    /// Measures one case. What it returns is kept from being optimised away.
    pub fn case<T>(&mut self, name: &str, mut run: impl FnMut() -> T) {
        if self.filter.as_ref().is_some_and(|filter| !name.contains(filter.as_str())) {
            return;
        }
        black_box(run());
        let (mut times, mut ratios) = (Vec::new(), Vec::new());
        let began = Instant::now();
        while times.len() < ROUNDS.0 || (began.elapsed() < SPENT && times.len() < ROUNDS.1) {
            let (yardstick, time) = (timed(yardstick), timed(&mut run));
            times.push(time);
            ratios.push(time / yardstick);
        }
        let ratio = median(&mut ratios);
        let against =
            self.before.get(name).map_or_else(String::new, |before| format!("{:.2}", ratio / before));
        let (middle, least) = (median(&mut times), times[0]);
        println!("{name:<44} {:>11} {:>11} {ratio:>10.3}  {against}", written(middle), written(least));
        self.ratios.insert(name.to_owned(), ratio);
        self.least.insert(name.to_owned(), least);
    }

    /// Keeps ratios and times where `--save` and `--seconds` say.
    pub fn finish(self) {
        for (file, numbers) in [(self.save, self.ratios), (self.seconds, self.least)] {
            if let Some(file) = file {
                let text = serde_json::to_string_pretty(&numbers).expect("numbers are JSON");
                std::fs::write(&file, text).expect("the file is writable");
            }
        }
    }
}

fn timed<T>(mut run: impl FnMut() -> T) -> f64 {
    let began = Instant::now();
    black_box(run());
    began.elapsed().as_secs_f64()
}

/// About three milliseconds of integers, numbers and memory that no change of this program touches.
fn yardstick() -> f64 {
    let mut cells = vec![0.0_f64; 1 << 14];
    let (mut state, mut sum) = (88_172_645_463_325_252_u64, 0.0);
    for _ in 0..500_000 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let cell = &mut cells[(state >> 50) as usize];
        *cell += (state >> 11) as f64 * 1e-16;
        sum += cell.sqrt();
    }
    sum
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn written(seconds: f64) -> String {
    match seconds {
        s if s >= 1.0 => format!("{s:.2} s"),
        s if s >= 1e-3 => format!("{:.2} ms", s * 1e3),
        s => format!("{:.1} µs", s * 1e6),
    }
}
