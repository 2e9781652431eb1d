//! Rows that are brought to their units in queues say what they say as a whole: the same counts, gates and facts, sums to 1e-9.

use std::path::Path;

use jiff::civil::date;
use polars::prelude::{DataFrame, IntoColumn, NamedFrom, ParquetWriter, Series};
use proptest::prelude::*;

use super::{Asked, Sizes};
use crate::config::valid::{Adjustment, Aggregate, Config, MetricSource, Streaming};
use crate::data::{Dataset, Query};
use crate::diag::Diagnostic;
use crate::stats::Moments;
use crate::stats::comoments::Comoments;

const METRICS: &str = r#"
[data.columns.v]
min = 0
invalid = "report"
[data.columns.x]
max = 90
invalid = "exclude"
[[segment]]
id = "city"
by = "city"
[[metric]]
id = "sum"
value = "v"
[[metric]]
id = "mean"
value = "v"
aggregate = "mean"
where = "x > 10"
[[metric]]
id = "min"
value = "v"
aggregate = "min"
test = "mann-whitney"
[[metric]]
id = "zeros"
value = "v"
where = "city = 'Омск'"
population = "exposed"
[[metric]]
id = "count"
value = "v"
aggregate = "count"
[[metric]]
id = "share"
kind = "proportion"
value = "n > 3"
[[metric]]
id = "ratio"
kind = "ratio"
numerator = "v"
denominator = "n"
[[metric]]
id = "rows"
value = "v"
aggregate = "rows"
[[metric]]
id = "explained"
value = "v"
covariates = ["x", "n"]
strata = "city"
[[metric]]
id = "median"
kind = "quantile"
q = 0.5
value = "v"
"#;

const FACTS: &str = r#"
[[data.facts]]
name = "orders"
path = "orders.csv"
unit = "user"
time = "t"
malformed = "report"
[data.facts.columns.amount]
max = 80
invalid = "exclude"
[[metric]]
id = "revenue"
from = "orders"
value = "amount"
[[metric]]
id = "paying"
kind = "proportion"
from = "orders"
value = "amount > 5"
[[funnel]]
id = "way"
from = "orders"
[[funnel.step]]
id = "saw"
where = "amount > 1"
[[funnel.step]]
id = "bought"
where = "amount > 20"
"#;

const BEFORE: &str = r#"
[[metric]]
id = "cuped"
value = "v"
cuped = true
"#;

fn config(folder: &Path, file: &str, start: bool, facts: bool, unit: bool, before: bool) -> Config {
    let text = format!(
        "[experiment]\nid = \"e\"\ntitle = \"T\"\n{}[design]\ncontrol = \"A\"\n[data]\npath = {:?}\ngroup = \"g\"\n{}\
         malformed = \"report\"\ntime = \"t\"\n{METRICS}{}{}",
        if start { "start = 2026-03-03\n" } else { "" },
        folder.join(file).display().to_string(),
        if unit { "unit = \"u\"\n" } else { "" },
        if facts { FACTS } else { "" },
        if before { BEFORE } else { "" },
    );
    let mut config = match crate::config::parse(&folder.join("x.toml"), &text, &[]) {
        Ok(read) => read.value,
        Err(problems) => panic!("{problems:?}"),
    };
    let source = config.data.as_mut().unwrap();
    source.files.paths = vec![folder.join(file)];
    for facts in &mut source.facts {
        facts.files.paths = vec![folder.join("orders.csv")];
    }
    config
}

type Opened = Result<Dataset, Vec<Diagnostic>>;

fn opened(config: &Config, sizes: Option<Sizes>) -> Result<Option<Dataset>, Vec<Diagnostic>> {
    let mut source = config.data.clone().unwrap();
    source.streaming = if sizes.is_some() { Streaming::Always } else { Streaming::Never };
    let (metrics, design, segments) = (&config.metrics, &config.design, &config.segments);
    let (start, today) = (config.experiment.start, date(2026, 3, 8));
    match sizes {
        None => {
            crate::data::open(&source, metrics, design, segments, start, today).map(|data| Some(data.value))
        }
        Some(sizes) => super::open(
            &Asked { source: &source, metrics, design, segments, start, date: today, sizes },
            &mut Vec::new(),
        ),
    }
}

fn close(what: &str, a: f64, b: f64, scale: f64) {
    assert!((a - b).abs() <= 1e-9 * scale.abs().max(1e-6), "{what}: {a} {b}");
}

/// Holds the sums against the rows; a metric that the rows refuse must be refused here as well.
fn compare(config: &Config, rows: &Dataset, parts: &Dataset) {
    assert_eq!(rows.groups, parts.groups);
    let gates = |data: &Dataset| {
        let mut said: Vec<String> = data.gates.iter().map(|gate| format!("{gate:?}")).collect();
        said.sort();
        said
    };
    assert_eq!(gates(rows), gates(parts));
    let json = |data: &Dataset| {
        let mut facts = serde_json::to_value(&data.facts).unwrap();
        // Quartiles are compared elsewhere.
        facts
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .for_each(|facts| facts["overview"] = serde_json::Value::Null);
        (serde_json::to_value(&data.reading).unwrap(), facts)
    };
    assert_eq!(json(rows), json(parts));
    assert_eq!((rows.rows_missing_group, rows.time), (parts.rows_missing_group, parts.time));
    assert_eq!((&rows.daily, rows.lag_days), (&parts.daily, parts.lag_days));
    assert_eq!(rows.contamination, parts.contamination);
    for column in &parts.overview {
        let known = rows.overview.iter().find(|known| known.name == column.name).unwrap();
        let exact = |c: &crate::data::ColumnOverview| {
            (c.kind, c.count, c.missing, c.markers, c.non_finite, c.invalid, c.min, c.max, c.distinct)
        };
        assert_eq!(exact(known), exact(column), "{}", column.name);
    }
    let sums = parts.sums().unwrap();
    for metric in &config.metrics {
        let id = metric.id.as_str();
        let own = sums.metric(id).unwrap();
        let gathered = match &metric.source {
            MetricSource::Step(step) => rows.funnel(step.from.as_deref(), &step.steps, step.ordered).unwrap(),
            MetricSource::Rows(of) => {
                let mut values = vec![of.value.as_str()];
                values.extend(of.denominator.as_deref());
                let query = Query {
                    from: of.from.as_deref(),
                    values: &values,
                    filter: of.filter.as_deref(),
                    aggregate: of.aggregate,
                    population: of.population,
                    binary: false,
                    adjustment: &of.adjustment,
                };
                rows.gather(&query).unwrap()
            }
            _ => panic!("rows"),
        };
        let clustered = matches!(&metric.source, MetricSource::Rows(of) if of.aggregate == Aggregate::Rows);
        for group in &gathered.groups {
            let at = sums.groups.iter().position(|id| *id == group.group).unwrap();
            let total = own.groups[at].total(own).unwrap();
            assert_eq!((total.missing, total.non_finite), (group.missing, group.non_finite), "{id}");
            let mut columns = group.values.clone();
            if clustered {
                let units = group.clusters.iter().max().map_or(0, |last| *last as usize + 1);
                let (mut sums, mut counts) = (vec![0.0; units], vec![0.0; units]);
                for (value, cluster) in group.values[0].iter().zip(&group.clusters) {
                    sums[*cluster as usize] += value;
                    counts[*cluster as usize] += 1.0;
                }
                columns = vec![sums, counts];
            }
            if let Some(table) = own.groups[at].table.kept() {
                let mut sorted = columns[0].clone();
                sorted.sort_by(f64::total_cmp);
                assert_eq!(table.expanded(), sorted, "{id}");
            } else {
                assert!(!matches!(id, "sum" | "median" | "revenue"), "{id} has no table");
            }
            columns.extend(group.covariates.iter().cloned());
            assert_eq!(own.groups[at].covariates_missing(), group.covariates_missing, "{id}");
            let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
            let known = Comoments::from_columns(&slices).unwrap();
            assert_eq!(known.n(), total.joint.n(), "{id}");
            for (j, column) in columns.iter().enumerate() {
                let moments = Moments::from_slice(column);
                close(id, moments.mean, total.joint.means()[j], moments.mean.abs().max(1.0));
                for k in 0..columns.len() {
                    let (a, b) = (known.co_moment(j, k).unwrap(), total.joint.co_moment(j, k).unwrap());
                    let scale = known.co_moment(j, j).unwrap() + known.co_moment(k, k).unwrap();
                    close(id, a, b, scale.max(1.0));
                }
            }
            if let Some(by) = own.strata {
                for (stratum, label) in (0..).zip(&gathered.strata) {
                    let part =
                        sums.partitions[by].parts.iter().position(|part| part == label).unwrap() as u32;
                    let cell = own.groups[at].of(own, |key| key.parts[by] == part).unwrap();
                    let values = group.values[0].iter().zip(&group.strata);
                    let values: Vec<f64> =
                        values.filter(|(_, of)| **of == stratum).map(|(value, _)| *value).collect();
                    assert_eq!(cell.joint.n(), values.len() as u64, "{label}");
                    let mean = Moments::from_slice(&values).mean;
                    close(label, mean, cell.joint.means()[0], mean.abs().max(1.0));
                }
            }
        }
    }
    let sizes = |data: &Dataset| data.segment_sizes("city").unwrap();
    assert_eq!(sizes(rows), sizes(parts));
    // The sample is of whole units, by the rules of rows.
    let sample = parts.sample().unwrap();
    assert!(
        sample.groups.iter().map(|group| group.units).sum::<u64>()
            <= rows.groups.iter().map(|group| group.units).sum()
    );
    let any = Adjustment::default();
    let query = Query {
        from: None,
        values: &["v"],
        filter: None,
        aggregate: Aggregate::Sum,
        population: crate::config::valid::Population::Matching,
        binary: false,
        adjustment: &any,
    };
    sample.gather(&query).unwrap();
}

/// What is refused of parts is refused of rows, in the same words.
fn refused(config: &Config, rows: &Dataset, problems: &[Diagnostic]) {
    let refuses = |metric: &crate::config::valid::Metric| {
        let MetricSource::Rows(of) = &metric.source else { return None };
        let query = Query {
            from: of.from.as_deref(),
            values: &[of.value.as_str()],
            filter: of.filter.as_deref(),
            aggregate: of.aggregate,
            population: of.population,
            binary: false,
            adjustment: &of.adjustment,
        };
        rows.gather(&query).err().map(|problem| problem.message)
    };
    let known: Vec<String> = config.metrics.iter().filter_map(refuses).collect();
    assert!(known.contains(&problems[0].message), "{problems:?} {known:?}");
}

/// A row of `[data]`: group, unit, values, city and day.
fn row() -> impl Strategy<Value = String> {
    let group = prop_oneof![12 => Just("A"), 12 => Just("B"), 1 => Just(""), 1 => Just("NULL")];
    let unit = prop_oneof![
        24 => (0..40i32).prop_map(|unit| unit.to_string()),
        2 => (0..9i32).prop_map(|unit| format!("u{unit}")),
        1 => Just(String::new()),
    ];
    let value = prop_oneof![
        10 => (0..4000i32).prop_map(|v| format!("{}.{:02}", v / 100, v % 100)),
        3 => Just("0".to_string()),
        1 => Just(String::new()),
        1 => Just("-7.25".to_string()),
    ];
    let x = prop_oneof![12 => (0..100i32).prop_map(|v| v.to_string()), 1 => Just(String::new())];
    let city = prop_oneof![6 => Just("Омск"), 6 => Just("Тверь"), 1 => Just("")];
    let time = prop_oneof![
        12 => (1..9i32).prop_map(|day| format!("2026-03-0{day}")),
        2 => (1..9i32).prop_map(|day| format!("2026-03-0{day} 12:30:00")),
        1 => Just(String::new()),
    ];
    let sound = (group, unit, value, 1..9i32, x, city, time)
        .prop_map(|(g, u, v, n, x, city, t)| format!("{g},{u},{v},{n},{x},{city},{t}"));
    prop_oneof![60 => sound, 1 => Just("A,1,2".to_string()), 1 => Just(String::new())]
}

/// A row of orders.
fn order() -> impl Strategy<Value = String> {
    let unit = prop_oneof![20 => (0..50i32).prop_map(|unit| unit.to_string()), 1 => Just("u3".into()), 1 => Just(String::new())];
    let time =
        prop_oneof![12 => (1..9i32).prop_map(|day| format!("2026-03-0{day}")), 1 => Just(String::new())];
    (unit, 0..100i32, time).prop_map(|(unit, amount, time)| format!("{unit},{amount},{time}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn units_in_queues_are_the_units_of_the_file(
        rows in prop::collection::vec(row(), 60..260),
        orders in prop::collection::vec(order(), 0..120),
        start in prop::bool::ANY,
        facts in prop::bool::ANY,
        shard in prop_oneof![Just(1000u64), Just(4000), Just(1 << 30)],
    ) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x.csv"), format!("g,u,v,n,x,city,t\n{}\n", rows.join("\n"))).unwrap();
        std::fs::write(folder.path().join("orders.csv"), format!("user,amount,t\n{}\n", orders.join("\n"))).unwrap();
        let config = config(folder.path(), "x.csv", start, facts, true, start);
        let sizes = Sizes { bytes: 1024, beyond: 64, shard, ..Sizes::default() };
        let whole: Opened = opened(&config, None).map(|data| data.unwrap());
        let parts = opened(&config, Some(sizes));
        let whole = whole.unwrap();
        match parts {
            Ok(parts) => compare(&config, &whole, &parts.unwrap()),
            Err(problems) => refused(&config, &whole, &problems),
        }
    }

    #[test]
    fn rows_that_are_units_are_read_by_the_rules_of_rows(
        rows in prop::collection::vec(row(), 30..200),
        bytes in prop_oneof![Just(1024usize), Just(1 << 20)],
    ) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x.csv"), format!("g,u,v,n,x,city,t\n{}\n", rows.join("\n"))).unwrap();
        let config = config(folder.path(), "x.csv", false, false, false, false);
        let sizes = Sizes { bytes, beyond: 64, ..Sizes::default() };
        let whole = opened(&config, None).unwrap().unwrap();
        match opened(&config, Some(sizes)) {
            Ok(parts) => compare(&config, &whole, &parts.unwrap()),
            Err(problems) => refused(&config, &whole, &problems),
        }
    }

    #[test]
    fn numbered_units_of_parquet_are_those_of_the_file(
        rows in prop::collection::vec(
            (0..2usize, prop::option::of(0..30i64), prop::option::of(0.0..50.0f64), 1..9i32, 0..100i64, 0..2usize, prop::option::of(0..9i32)),
            20..200,
        ),
        most in 1..60usize,
        shard in 500..5000u64,
        start in prop::bool::ANY,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let columns = vec![
            Series::new("g".into(), rows.iter().map(|r| ["A", "B"][r.0]).collect::<Vec<_>>()),
            Series::new("u".into(), rows.iter().map(|r| r.1).collect::<Vec<_>>()),
            Series::new("v".into(), rows.iter().map(|r| r.2).collect::<Vec<_>>()),
            Series::new("n".into(), rows.iter().map(|r| r.3).collect::<Vec<_>>()),
            Series::new("x".into(), rows.iter().map(|r| r.4).collect::<Vec<_>>()),
            Series::new("city".into(), rows.iter().map(|r| ["Омск", "Тверь"][r.5]).collect::<Vec<_>>()),
            Series::new("t".into(), rows.iter().map(|r| r.6.map(|day| 20_513 + day)).collect::<Vec<_>>())
                .cast(&polars::prelude::DataType::Date)
                .unwrap(),
        ];
        let mut frame =
            DataFrame::new(rows.len(), columns.into_iter().map(IntoColumn::into_column).collect()).unwrap();
        ParquetWriter::new(std::fs::File::create(folder.path().join("x.parquet")).unwrap()).finish(&mut frame).unwrap();
        let config = config(folder.path(), "x.parquet", start, false, true, false);
        let sizes = Sizes { rows: most, shard, ..Sizes::default() };
        let whole = opened(&config, None).unwrap().unwrap();
        match opened(&config, Some(sizes)) {
            Ok(parts) => compare(&config, &whole, &parts.unwrap()),
            Err(problems) => refused(&config, &whole, &problems),
        }
    }
}

#[test]
fn units_give_the_same_sums_on_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<String> = (0..4000u32)
        .map(|i| {
            let unit = i.wrapping_mul(2_654_435_761) % 700;
            format!(
                "{},{unit},{}.{:02},{},{},Омск,2026-03-0{}",
                ["A", "B"][unit as usize % 2],
                i % 97,
                i % 89,
                i % 7,
                i % 91,
                1 + i % 5
            )
        })
        .collect();
    std::fs::write(folder.path().join("x.csv"), format!("g,u,v,n,x,city,t\n{}\n", rows.join("\n"))).unwrap();
    let config = config(folder.path(), "x.csv", true, false, true, true);
    let sums = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let sizes = Sizes { bytes: 1024, beyond: 10, shard: 20_000, ..Sizes::default() };
        let data = pool.install(|| opened(&config, Some(sizes))).unwrap().unwrap();
        assert!(data.streamed.as_ref().unwrap().step > 5);
        data.sums().unwrap().to_json().unwrap()
    };
    let one = sums(1);
    assert!(sums(2) == one && sums(7) == one);
}
