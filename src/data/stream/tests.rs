//! What is read in parts is what the rows say: the same counts, gates and places of malformed rows, sums to 1e-9.

use std::path::Path;

use jiff::civil::{Date, date};
use polars::prelude::{DataFrame, DataType, NamedFrom, ParquetWriter, Series, TimeUnit};
use proptest::prelude::*;

use super::{Asked, QUANTILE_ERROR, Sizes};
use crate::config::valid::{Config, MetricSource, Streaming};
use crate::data::{Dataset, Query};
use crate::diag::Diagnostic;
use crate::stats::Moments;

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
id = "mean"
value = "v"
[[metric]]
id = "filtered"
value = "v + n"
where = "x > 10"
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
"#;

fn config(file: &Path, time: &str) -> Config {
    let text = format!(
        "[experiment]\nid = \"e\"\ntitle = \"T\"\n[design]\ncontrol = \"A\"\n[data]\npath = {:?}\ngroup = \"g\"\n\
         malformed = \"report\"\n{time}{METRICS}",
        file.display().to_string()
    );
    match crate::config::parse(Path::new("x.toml"), &text, &[]) {
        Ok(read) => read.value,
        Err(problems) => panic!("{problems:?}"),
    }
}

type Opened = Result<Dataset, Vec<Diagnostic>>;

/// The rows as a whole, and in parts.
fn both(config: &Config, file: &Path, today: Date, sizes: Sizes) -> (Opened, Option<Dataset>) {
    let mut source = config.data.clone().unwrap();
    source.files.paths = vec![file.to_path_buf()];
    source.streaming = Streaming::Never;
    let (metrics, design, segments) = (&config.metrics, &config.design, &config.segments);
    let rows = crate::data::open(&source, metrics, design, segments, None, today).map(|opened| opened.value);
    source.streaming = Streaming::Always;
    let asked = Asked { source: &source, metrics, design, segments, start: None, date: today, sizes };
    let parts = super::open(&asked, &mut Vec::new());
    if let (Ok(_), Err(problems)) = (&rows, &parts) {
        panic!("{problems:?}");
    }
    (rows, parts.ok().flatten())
}

fn close(a: f64, b: f64, scale: f64) -> bool {
    (a - b).abs() <= 1e-9 * scale.abs().max(1e-6)
}

/// Holds the sums against the rows.
fn compare(config: &Config, rows: &Dataset, parts: &Dataset) {
    assert_eq!(rows.groups, parts.groups);
    let gates = |data: &Dataset| {
        let mut said: Vec<String> = data.gates.iter().map(|gate| format!("{gate:?}")).collect();
        said.sort();
        said
    };
    assert_eq!(gates(rows), gates(parts));
    let reading = |data: &Dataset| serde_json::to_value(&data.reading).unwrap();
    assert_eq!(reading(rows), reading(parts));
    assert_eq!((rows.rows_missing_group, rows.time), (parts.rows_missing_group, parts.time));
    assert_eq!((&rows.daily, rows.lag_days), (&parts.daily, parts.lag_days));
    for column in &parts.overview {
        let known = rows.overview.iter().find(|known| known.name == column.name).unwrap();
        let exact = |c: &super::super::ColumnOverview| {
            let dates = (c.earliest.clone(), c.latest.clone());
            (c.kind, c.count, c.missing, c.markers, c.non_finite, c.invalid, c.min, c.max, c.distinct, dates)
        };
        assert_eq!(exact(known), exact(column), "{}", column.name);
        for (a, b) in [(known.mean, column.mean), (known.std, column.std)] {
            assert!(a.zip(b).map_or(a == b, |(a, b)| close(a, b, a.abs().max(1.0))), "{a:?} {b:?}");
        }
        for (a, b) in [(known.q25, column.q25), (known.median, column.median), (known.q75, column.q75)] {
            // Between two values the quartile is as far off as the greater of them may be.
            let scale = known.max.unwrap_or(0.0).abs().max(known.min.unwrap_or(0.0).abs());
            assert!(
                a.zip(b).map_or(a == b, |(a, b)| (a - b).abs() <= QUANTILE_ERROR * scale + 1e-9),
                "{a:?} {b:?}"
            );
        }
    }
    let sums = parts.sums().unwrap();
    for metric in &config.metrics {
        let MetricSource::Rows(of) = &metric.source else { panic!("rows") };
        let mut values = vec![of.value.as_str()];
        values.extend(of.denominator.as_deref());
        let query = Query {
            from: None,
            values: &values,
            filter: of.filter.as_deref(),
            aggregate: of.aggregate,
            population: of.population,
            binary: false,
            adjustment: &of.adjustment,
        };
        let gathered = rows.gather(&query).unwrap();
        let own = sums.metric(&metric.id).unwrap();
        for group in &gathered.groups {
            let at = sums.groups.iter().position(|id| *id == group.group).unwrap();
            let total = own.groups[at].total(own).unwrap();
            assert_eq!((total.missing, total.non_finite), (group.missing, group.non_finite), "{}", metric.id);
            for (column, values) in group.values.iter().enumerate() {
                let (known, found) = (Moments::from_slice(values), total.joint.of_variable(column).unwrap());
                assert_eq!(known.n, found.n, "{}", metric.id);
                assert!(close(known.mean, found.mean, known.mean.abs().max(1.0)), "{known:?} {found:?}");
                assert!(close(known.m2, found.m2, known.m2.max(1.0)), "{known:?} {found:?}");
            }
            assert_eq!(total.zeros, group.values[0].iter().filter(|value| **value == 0.0).count() as u64);
        }
    }
    let sizes = |data: &Dataset| data.segment_sizes("city").unwrap();
    assert_eq!(sizes(rows), sizes(parts));
}

/// A cell as files have them, most often sound.
fn cell(kind: usize) -> BoxedStrategy<String> {
    match kind {
        0 => prop_oneof![8 => Just("A"), 8 => Just("B"), 1 => Just(""), 1 => Just("NULL"), 1 => Just(" A ")]
            .prop_map(String::from)
            .boxed(),
        1 => prop_oneof![
            10 => (0..4000i32).prop_map(|v| format!("{}.{:02}", v / 100, v % 100)),
            4 => Just("0".to_string()),
            1 => Just(String::new()),
            1 => Just("-7.25".to_string()),
            1 => Just("NA".to_string()),
        ]
        .boxed(),
        2 => prop_oneof![20 => (0..9i32).prop_map(|v| v.to_string()), 1 => Just("\"4\"".to_string())].boxed(),
        3 => prop_oneof![12 => (0..100i32).prop_map(|v| v.to_string()), 1 => Just(String::new()), 1 => Just("x7".to_string())]
            .boxed(),
        4 => prop_oneof![
            6 => Just("Омск"),
            6 => Just("Тверь"),
            1 => Just(""),
            1 => Just("\"Ростов,\nна Дону\""),
            1 => Just("\"«\"\"Ы\"\"»\""),
        ]
        .prop_map(String::from)
        .boxed(),
        _ => prop_oneof![
            8 => (1..9i32).prop_map(|day| format!("2026-03-0{day}")),
            2 => (1..9i32).prop_map(|day| format!("0{day}.03.2026 12:30")),
            1 => Just(String::new()),
        ]
        .boxed(),
    }
}

fn row() -> impl Strategy<Value = String> {
    let cells: Vec<BoxedStrategy<String>> = (0..6).map(cell).collect();
    let sound = cells.prop_map(|cells| cells.join(","));
    prop_oneof![
        60 => sound,
        1 => Just(String::new()),
        1 => Just("A,1,2".to_string()),
        1 => Just("B,\"open,3,4,Омск,2026-03-01".to_string()),
        1 => Just("A,\"1\"2,3,4,Омск,2026-03-01".to_string()),
        1 => Just("A,1,2,3,О\"мск,2026-03-01".to_string()),
        1 => Just("B,1,2,3,Омск,2026-03-01,7".to_string()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn separated_text_in_parts_is_the_text(
        rows in prop::collection::vec(row(), 30..260),
        crlf in prop::bool::ANY,
        bom in prop::bool::ANY,
        ended in prop::bool::ANY,
        timed in prop::bool::ANY,
        beyond in prop_oneof![Just(1usize), Just(50), Just(3000)],
    ) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.csv");
        let line_break = if crlf { "\r\n" } else { "\n" };
        let mut text = if bom { "\u{feff}".to_string() } else { String::new() };
        text += &["g,v,n,x,city,t"].into_iter().chain(rows.iter().map(String::as_str)).collect::<Vec<_>>().join(line_break);
        if ended {
            text += line_break;
        }
        std::fs::write(&file, text).unwrap();
        let config = config(&file, if timed { "time = \"t\"\n" } else { "" });
        let sizes = Sizes { bytes: 1024, beyond, ..Sizes::default() };
        let (whole, parts) = both(&config, &file, date(2026, 3, 6), sizes);
        if let (Ok(whole), Some(parts)) = (whole, parts) {
            compare(&config, &whole, &parts);
        }
    }

    #[test]
    fn parquet_in_parts_is_the_file(
        rows in prop::collection::vec(
            (0..3usize, prop::option::of(-5.0..500.0f64), 0..9i32, prop::option::of(0..100i64), 0..3usize, prop::option::of(0..9i64)),
            1..400,
        ),
        row_group in 1..150usize,
        most in 1..90usize,
        timed in prop::bool::ANY,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.parquet");
        let group = |at: usize| ["A", "B", "  "][at];
        let city = |at: usize| [Some("Омск"), Some("Тверь"), None][at];
        let micros: Vec<Option<i64>> = rows.iter().map(|r| r.5.map(|day| 1_772_323_200_000_000 + day * 86_400_000_000)).collect();
        let columns = vec![
            Series::new("g".into(), rows.iter().map(|r| group(r.0)).collect::<Vec<_>>()),
            Series::new("v".into(), rows.iter().map(|r| r.1).collect::<Vec<_>>()),
            Series::new("n".into(), rows.iter().map(|r| r.2).collect::<Vec<_>>()),
            Series::new("x".into(), rows.iter().map(|r| r.3).collect::<Vec<_>>()),
            Series::new("city".into(), rows.iter().map(|r| city(r.4)).collect::<Vec<_>>()),
            Series::new("t".into(), micros).cast(&DataType::Datetime(TimeUnit::Microseconds, None)).unwrap(),
        ];
        let mut frame = DataFrame::new(rows.len(), columns.into_iter().map(Into::into).collect()).unwrap();
        ParquetWriter::new(std::fs::File::create(&file).unwrap())
            .with_row_group_size(Some(row_group))
            .finish(&mut frame)
            .unwrap();
        let config = config(&file, if timed { "time = \"t\"\n" } else { "" });
        let sizes = Sizes { rows: most, ..Sizes::default() };
        let (whole, parts) = both(&config, &file, date(2026, 3, 6), sizes);
        let (whole, parts) = (whole.unwrap(), parts.unwrap());
        compare(&config, &whole, &parts);
    }
}

#[test]
fn the_same_input_gives_the_same_sums_on_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.csv");
    let rows: Vec<String> = (0..3000u32)
        .map(|i| {
            format!(
                "{},{}.{:02},{},{},Омск,2026-03-0{}",
                ["A", "B"][i as usize % 2],
                i % 97,
                i % 89,
                i % 7,
                i % 91,
                1 + i % 5
            )
        })
        .collect();
    std::fs::write(&file, format!("g,v,n,x,city,t\n{}\n", rows.join("\n"))).unwrap();
    let config = config(&file, "time = \"t\"\n");
    let sums = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let sizes = Sizes { bytes: 1024, beyond: 10, ..Sizes::default() };
        let data = pool.install(|| both(&config, &file, date(2026, 3, 9), sizes).1).unwrap();
        data.sums().unwrap().to_json().unwrap()
    };
    let one = sums(1);
    assert!(sums(2) == one && sums(7) == one);
}

#[test]
fn a_column_that_changes_its_kind_after_the_beginning_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.csv");
    // More than the head that kinds are guessed from: 2 MB of whole numbers, then one with a fraction.
    let rows: String =
        (0..120_000).map(|i| format!("{},{},1,5,Омск,2026-03-01\n", ["A", "B"][i % 2], i % 10)).collect();
    std::fs::write(&file, format!("g,v,n,x,city,t\n{rows}A,0.5,1,5,Омск,2026-03-01\n")).unwrap();
    let config = config(&file, "");
    let (whole, parts) = both(&config, &file, date(2026, 3, 9), Sizes::default());
    compare(&config, &whole.unwrap(), &parts.unwrap());
}

#[test]
fn a_last_record_that_begins_before_the_last_range_ends_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.csv");
    let rows = "A,1.5,2,3,Омск\nB,2.5,3,4,Тверь\n".repeat(23);
    let long = format!("A,1,2,3,\"{}\"", "д".repeat(200));
    let text = format!("g,v,n,x,city\n{rows}{long}");
    assert!(text.len() - long.len() < 1024 && text.len() > 1024, "{}", text.len());
    for ended in ["", "\n"] {
        std::fs::write(&file, format!("{text}{ended}")).unwrap();
        let sizes = Sizes { bytes: 1024, beyond: 16, ..Sizes::default() };
        let (rows, parts) = both(&config(&file, ""), &file, date(2026, 11, 22), sizes);
        let parts = parts.unwrap();
        assert_eq!(parts.reading.files[0].final_newline, !ended.is_empty());
        compare(&config(&file, ""), &rows.unwrap(), &parts);
    }
}

#[test]
fn what_needs_all_rows_is_refused_where_parts_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.csv");
    std::fs::write(&file, "g,v,n,x,city,t\nA,1,1,1,Омск,2026-03-01\nB,2,1,1,Омск,2026-03-01\n").unwrap();
    let mut config = config(&file, "");
    let MetricSource::Rows(rows) = &mut config.metrics[0].source else { panic!("rows") };
    rows.aggregate = crate::config::valid::Aggregate::Rows;
    config.metrics[0].kind = crate::config::valid::MetricKind::Quantile { quantile: 0.5 };
    let mut source = config.data.clone().unwrap();
    source.files.paths = vec![file];
    source.streaming = Streaming::Always;
    let open = |source: &crate::config::valid::DataSource| {
        crate::data::open(source, &config.metrics, &config.design, &config.segments, None, date(2026, 3, 9))
    };
    let problems = open(&source).err().unwrap();
    assert_eq!(problems[0].code, "data::streaming", "{problems:?}");
    source.streaming = Streaming::Auto;
    assert!(open(&source).expect("rows as a whole").value.sums().is_none());
}
