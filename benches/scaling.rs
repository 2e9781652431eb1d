//! Cost as the number of experiments grows: `cargo bench --bench scaling [--rounds N] [--svg FILE] [--also NAME=N:SECONDS,N:SECONDS,…]`.
//!
//! Runs the program itself over folders of 10, 100 and 1 000 experiments of published numbers, in turns, and prints medians:
//! seconds, experiments a second and the peak memory of the largest process. `--svg` draws seconds against size on two logarithmic
//! axes, where what is linear rises by one decade for one; `--also` adds a curve measured elsewhere, such as rows of files.

#![allow(clippy::disallowed_methods, reason = "a bench writes files, starts the program and reads the clock")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use itog::charts::curves::Curve;
use itog::charts::duration::{Duration, duration};
use itog::charts::style::Axis;
use itog::drawing::svg;

/// Experiments of a batch.
const SIZES: [usize; 3] = [10, 100, 1_000];

/// One run of the program.
struct Run {
    seconds: f64,
    /// MiB.
    memory: Option<f64>,
}

type Points = Vec<(f64, f64)>;

fn main() {
    let (mut rounds, mut picture) = (3, None);
    let mut curves: Vec<(String, Points)> = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rounds" => {
                rounds = arguments.next().and_then(|n| n.parse().ok()).expect("--rounds needs a number")
            }
            "--svg" => picture = arguments.next(),
            "--also" => curves.push(also(&arguments.next().expect("--also needs NAME=N:SECONDS,…"))),
            _ => {}
        }
    }
    let scratch = tempfile::tempdir().expect("a temporary folder can be made");
    for size in SIZES {
        write_configs(&scratch.path().join(size.to_string()), size);
    }
    let mut runs: [Vec<Run>; SIZES.len()] = Default::default();
    for _ in 0..rounds {
        for (of_size, size) in runs.iter_mut().zip(SIZES) {
            of_size.push(run(scratch.path(), size));
        }
    }
    println!("{:>12} {:>10} {:>14} {:>16}", "experiments", "seconds", "a second", "peak memory, MiB");
    let mut points = Points::new();
    for (of_size, size) in runs.iter().zip(SIZES) {
        let seconds = median(of_size.iter().map(|run| run.seconds));
        let memory = median(of_size.iter().filter_map(|run| run.memory));
        println!("{size:>12} {seconds:>10.2} {:>14.1} {memory:>16.0}", size as f64 / seconds);
        points.push((size as f64, seconds));
    }
    curves.insert(0, ("experiments".to_owned(), points));
    if let Some(file) = picture {
        fs::write(&file, drawn(&curves)).expect("the file of --svg is writable");
    }
}

fn also(text: &str) -> (String, Points) {
    let (name, points) = text.split_once('=').expect("--also needs NAME=N:SECONDS,…");
    let number = |text: &str| text.trim().parse::<f64>().expect("a number");
    let point = |pair: &str| {
        let (x, y) = pair.split_once(':').expect("a point is N:SECONDS");
        (number(x), number(y))
    };
    (name.to_owned(), points.split(',').map(point).collect())
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Experiments that differ in their numbers, a conversion and a mean each.
fn write_configs(folder: &Path, size: usize) {
    fs::create_dir_all(folder).expect("a folder can be made");
    for i in 0..size {
        let (successes, mean) = (25_000 + i * 37 % 900, 360.0 + (i % 7) as f64 * 0.1 - 0.3);
        let text = format!(
            r#"[experiment]
id = "e{i:05}"
title = "Кнопка оплаты, вариант {i}"
hypothesis = "Новая кнопка увеличит долю оплативших"
status = "finished"
start = 2026-01-01
end = 2026-01-31
[design]
control = "A"
[[metric]]
id = "conversion"
title = "Конверсия в оплату"
kind = "proportion"
goal = "increase"
role = "primary"
counts = {{ A = {{ successes = 25000, n = 400000 }}, B = {{ successes = {successes}, n = 400000 }} }}
[[metric]]
id = "time"
title = "Время на сайте"
unit = "с"
kind = "mean"
goal = "increase"
role = "secondary"
summary = {{ A = {{ mean = 360, sd = 40, n = 400000 }}, B = {{ mean = {mean:.2}, sd = 41, n = 400000 }} }}
"#
        );
        fs::write(folder.join(format!("e{i:05}.toml")), text).expect("a config can be written");
    }
}

fn run(scratch: &Path, size: usize) -> Run {
    let out = scratch.join("out");
    let began = Instant::now();
    let answer = Command::new(env!("CARGO_BIN_EXE_itog"))
        .args(["run", "--date", "2026-02-01", "--quiet", "--timings", "--format", "json", "--out"])
        .arg(&out)
        .arg(scratch.join(size.to_string()))
        .stderr(Stdio::null())
        .output()
        .expect("the program starts");
    let seconds = began.elapsed().as_secs_f64();
    assert!(answer.status.success(), "the program failed: {}", answer.status);
    let summary: serde_json::Value = serde_json::from_slice(&answer.stdout).expect("the summary is JSON");
    let made = summary["experiments"].as_array().map_or(0, Vec::len);
    assert_eq!(made, size, "every experiment has its report");
    fs::remove_dir_all(&out).expect("the folder was made");
    Run { seconds, memory: summary["timings"]["peak_memory_bytes"].as_f64().map(|bytes| bytes / 1_048_576.0) }
}

fn drawn(curves: &[(String, Points)]) -> String {
    let curves: Vec<Curve> = curves.iter().map(|(name, points)| Curve { name, points }).collect();
    let number = |value: f64| match value {
        v if v >= 1e6 => format!("{} M", v / 1e6),
        v => format!("{v}"),
    };
    let drawing = duration(&Duration {
        curves: &curves,
        marked: &[],
        levels: &[],
        effect: Axis { title: "experiments or rows", format: &number, log: true },
        days: Axis { title: "seconds", format: &number, log: true },
    });
    svg::svg(&drawing, &svg::Options { label: "Seconds against size, both logarithmic", standalone: true })
}
