//! The hot functions: `cargo bench --bench functions [WORD] [--only GROUP] [--save FILE] [--against FILE]`.

mod harness;

use std::fmt::Write;
use std::path::Path;

use harness::Bench;
use itog::config::valid::{Architecture, Edge, Lane, Node};
use itog::diag::Warned;
use itog::drawing::{png, svg};
use itog::proof::column::{Column, MeanTest, Measure, UnitTable};
use itog::proof::engine::{Plan, prove};
use itog::render::{html, pdf};
use itog::report::document::{Block, Document};
use itog::run::{self, Past};
use itog::stats::bootstrap::{Resampling, bootstrap_mean_difference};
use itog::stats::mann_whitney::{Method, mann_whitney_u};
use itog::stats::normality::shapiro_wilk;
use itog::stats::t_test::welch;
use itog::stats::{Alternative, Level, Moments};
use itog::wording::narrative::Narrative;
use itog::{config, graph, report};
use jiff::civil::{Date, date};
use rand::Rng;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

/// The data date of every report here.
const NIGHT: Date = date(2026, 11, 22);

fn main() {
    let mut bench = Bench::from_arguments();
    type Group = fn(&mut Bench);
    let groups: [(&str, Group); 3] =
        [("statistics", statistics), ("reports", reports), ("graph", architecture)];
    for (name, group) in groups {
        if bench.wants(name) {
            group(&mut bench);
        }
    }
    bench.finish();
}

fn statistics(bench: &mut Bench) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let (x, y) = (skewed(1_000_000, &mut rng), skewed(1_000_000, &mut rng));
    let rounded = |values: &[f64]| values.iter().map(|v| (v * 10.0).round() / 10.0).collect::<Vec<f64>>();
    let (x_tied, y_tied) = (rounded(&x), rounded(&y));
    let u = |a: &[f64], b: &[f64]| mann_whitney_u(a, b, Alternative::TwoSided, Method::Auto);
    bench.case("Mann-Whitney, 1 M + 1 M", || u(&x, &y));
    bench.case("Mann-Whitney, 1 M + 1 M, many ties", || u(&x_tied, &y_tied));
    bench.case("Welch, 1 M + 1 M", || {
        welch(&Moments::from_slice(&x), &Moments::from_slice(&y), Alternative::TwoSided, Level::P95)
    });
    bench.case("Shapiro-Wilk, 5 000", || shapiro_wilk(&x[..5_000]));
    let (a, b) = (&x[..100_000], &y[..100_000]);
    bench.case("bootstrap of means, 10 000 of 2 x 100 000", || {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(2);
        bootstrap_mean_difference(a, b, 10_000, Level::P95, Resampling::Multinomial, &mut rng)
    });
    let columns = [MeanTest::Welch, MeanTest::MannWhitney]
        .map(|test| Measure::Mean { values: a[..20_000].to_vec(), test });
    let table = UnitTable { units: 20_000, columns: columns.map(Column::new).into() };
    bench.case("A/A run, 10 000 of 20 000 units x 2", || {
        prove(&table, &Plan::halves(0.05), &mut Xoshiro256PlusPlus::seed_from_u64(3))
    });
}

/// Log-normal values: heavy to the right, as money is.
fn skewed(n: usize, rng: &mut Xoshiro256PlusPlus) -> Vec<f64> {
    let mut unit = || ((rng.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    (0..n).map(|_| ((-2.0 * unit().ln()).sqrt() * (std::f64::consts::TAU * unit()).cos()).exp()).collect()
}

fn reports(bench: &mut Bench) {
    let narrative = Narrative::new().expect("the built-in templates are sound");
    let templates = itog::templates::Templates::new().expect("the templates are sound");
    let arppu = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/config/arppu.toml"));
    let load = || config::load(arppu, &[]).expect("the shipped config is sound");
    bench.case("config of the shipped experiment", load);
    let found = |config| run::findings(config, NIGHT, &Past::default()).expect("the shipped data are sound");
    bench.case("findings of 23 652 rows of CSV", || found(load()));
    let without_metrics = || {
        let Warned { mut value, warnings } = load();
        value.metrics.clear();
        Warned { value, warnings }
    };
    bench.case("reading of 23 652 rows of CSV", || found(without_metrics()));
    let findings = found(load());
    bench.case("document of 11 pages", || {
        report::compose(&findings, &narrative).expect("the templates are sound")
    });
    let document = report::compose(&findings, &narrative).expect("the templates are sound").document;
    let options = pdf::PdfOptions { date: NIGHT.to_string(), producer: report::GENERATOR.to_owned() };
    bench.case("PDF of 11 pages", || pdf::render(&document, &[], &options));
    bench.case("HTML of 11 pages", || html::render(&document));
    bench.case("its charts as PNG", || drawings(&document).map(|d| png::png(d, 2.5).len()).sum::<usize>());
    bench.case("its charts as SVG", || {
        let options = svg::Options { label: "", standalone: true };
        drawings(&document).map(|d| svg::svg(d, &options).len()).sum::<usize>()
    });
    let summary = config::parse(Path::new("summary.toml"), SUMMARY, &[]).expect("the config below is sound");
    bench.case("published numbers, whole report", || {
        let findings = found(summary.clone());
        run::report(&findings, &templates, NIGHT, None).expect("the templates are sound").artifacts.len()
    });
}

fn drawings(document: &Document) -> impl Iterator<Item = &itog::drawing::Drawing> {
    document.blocks.iter().filter_map(|block| match block {
        Block::Figure(figure) => Some(&figure.drawing),
        _ => None,
    })
}

/// An experiment of published numbers.
const SUMMARY: &str = r#"
[experiment]
id = "summary"
title = "Кнопка оплаты"
status = "finished"
[design]
control = "A"
[[metric]]
id = "conversion"
kind = "proportion"
goal = "increase"
role = "primary"
counts = { A = { successes = 25000, n = 400000 }, B = { successes = 25700, n = 400000 } }
[[metric]]
id = "time"
kind = "mean"
goal = "increase"
role = "secondary"
summary = { A = { mean = 360, sd = 40, n = 400000 }, B = { mean = 360.2, sd = 41, n = 400000 } }
"#;

fn architecture(bench: &mut Bench) {
    let shipped = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/config/cinema-cashback.toml"));
    let shipped = config::load(shipped, &[]).expect("the shipped config is sound").value;
    let shipped = shipped.architecture.expect("the shipped experiment has a graph");
    bench.case("graph of the shipped experiment", || graph::layout(&shipped));
    let large = sparse(200);
    bench.case("graph of 200 nodes", || graph::layout(&large));
}

/// A graph in five lanes with edges that lead a little forwards, one and a half a node.
fn sparse(nodes: usize) -> Architecture {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(4);
    let mut below = |n: usize| (rng.next_u64() % n as u64) as usize;
    let name = |prefix: &str, i: usize| {
        let mut name = prefix.to_owned();
        let _ = write!(name, "{i}");
        name
    };
    let lanes = (0..5).map(|i| Lane { id: name("l", i), title: name("Дорожка ", i) }).collect();
    let node = |i: usize, lane: usize| Node {
        id: name("n", i),
        title: name("Система учёта ", i),
        lane: name("l", lane),
        note: None,
    };
    let all = (0..nodes).map(|i| node(i, below(5))).collect();
    let edges = (0..nodes * 3 / 2)
        .filter_map(|_| {
            let from = below(nodes);
            let to = (from + 1 + below(12)).min(nodes - 1);
            (from != to).then(|| Edge { from: name("n", from), to: name("n", to), label: None })
        })
        .collect();
    Architecture { title: "Схема".into(), lanes, nodes: all, edges }
}
