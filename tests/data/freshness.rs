//! The date of the data: nothing later is seen, and data of long ago are told.

use itog::config::valid::{Segment, Streaming};
use itog::data::GateReason;
use jiff::civil::{Date, date};
use polars::prelude::*;

use super::counts::written;
use super::facts::{EXPOSURES, ORDERS, story};
use super::*;

fn on(source: &DataSource, metrics: &[Metric], day: Date) -> Dataset {
    itog::data::open(source, metrics, &design(None), &[], None, day).unwrap().value
}

fn reasons(data: &Dataset) -> Vec<(GateReason, bool)> {
    data.gates.iter().map(|gate| (gate.reason.clone(), gate.refuses)).collect()
}

#[test]
fn old_data_are_told_and_very_old_data_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text = "group,day\nA,2026-03-01\nB,2026-03-01\nA,2026-03-02\n";
    let mut source = source(written(&folder, "d.csv", text), "group");
    source.time = Some("day".to_string());
    let (today, late) = (date(2026, 3, 2), date(2026, 3, 9));
    assert_eq!((on(&source, &[], today).lag_days, on(&source, &[], late).lag_days), (Some(0), Some(7)));
    let stale = |source: &DataSource, day| reasons(&on(source, &[], day));
    assert_eq!(stale(&source, late), []);
    (source.warn_after, source.error_after) = (Some(3), Some(6));
    assert_eq!(stale(&source, date(2026, 3, 5)), []);
    assert_eq!(stale(&source, date(2026, 3, 6)), [(GateReason::Stale { days: 4, limit: 3 }, false)]);
    assert_eq!(stale(&source, date(2026, 3, 8)), [(GateReason::Stale { days: 6, limit: 3 }, false)]);
    assert_eq!(stale(&source, late), [(GateReason::Stale { days: 7, limit: 6 }, true)]);
    (source.warn_after, source.error_after) = (None, Some(0));
    assert_eq!(stale(&source, date(2026, 3, 3)), [(GateReason::Stale { days: 1, limit: 0 }, true)]);
    source.time = None;
    assert_eq!((on(&source, &[], late).lag_days, stale(&source, late)), (None, vec![]));
}

/// Both ways of reading: all rows at once, and in parts.
const WAYS: [Streaming; 2] = [Streaming::Never, Streaming::Always];

#[test]
fn a_column_of_times_that_cannot_be_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |source: &DataSource, metrics: &[Metric]| {
        let problems = itog::data::open(source, metrics, &design(None), &[], Some(DATE), DATE);
        let problems = problems.expect_err("times that nobody can read");
        assert_eq!(problems.len(), 1, "{problems:?}");
        (problems[0].code, problems[0].to_string(), problems[0].hint.clone().unwrap_or_default())
    };
    for (name, text, sample) in [
        // Some of the dates of Americans are dates of nobody else; none is read, because it might be the wrong one.
        (
            "us.csv",
            "user,group,day,x\n1,A,11/05/2026,1\n2,B,11/15/2026,2\n3,A,12/01/2026,3\n",
            "`11/05/2026`",
        ),
        ("number.csv", "user,group,day,x\n1,A,20261105,1\n2,B,20261106,2\n3,A,20261107,3\n", "`20261105`"),
        ("few.csv", "user,group,day,x\n1,A,2026-11-05,1\n2,B,5 ноября,2\n3,A,6 ноября,3\n", "`5 ноября`"),
    ] {
        for (unit, streaming) in
            [(None, WAYS[0]), (None, WAYS[1]), (Some("user"), WAYS[0]), (Some("user"), WAYS[1])]
        {
            let mut source = source(written(&folder, name, text), "group");
            source.time = Some("day".to_string());
            (source.unit, source.streaming) = (unit.map(str::to_string), streaming);
            let (code, said, hint) = refused(&source, &[metric("x", None)]);
            assert_eq!(code, "data::time-type", "{name}, {streaming:?}");
            for part in [name, "data.time", "`day`", sample] {
                assert!(said.contains(part), "{said}: no {part}");
            }
            assert!(hint.contains("2026-11-05"), "{hint}");
        }
    }
    // The same of facts.
    let metrics = [metric_of(super::facts::revenue(Aggregate::Sum, Population::Exposed))];
    let orders = "order,user,time,revenue\no1,1,3/2/2026,5\no2,2,3/2/2026,7\n";
    for streaming in WAYS {
        let mut source = story(&folder, EXPOSURES, orders);
        source.streaming = streaming;
        let (code, said, _) = refused(&source, &metrics);
        assert_eq!(code, "data::time-type");
        assert!(said.contains("orders.csv") && said.contains("data.facts `orders`: time"), "{said}");
    }
    // A text column of Parquet is not taken for times either, and a sample shows what is in it.
    let path = folder.path().join("text.parquet");
    let mut frame = df!("group" => ["A", "B"], "day" => ["05.11.26", "06.11.26"], "x" => [1_i64, 2]).unwrap();
    ParquetWriter::new(std::fs::File::create(&path).unwrap()).finish(&mut frame).unwrap();
    for streaming in WAYS {
        let mut source = source(path.clone(), "group");
        (source.time, source.streaming) = (Some("day".to_string()), streaming);
        let (code, said, hint) = refused(&source, &[metric("x", None)]);
        assert!(
            code == "data::time-type" && said.contains("`05.11.26`") && hint.contains("Parquet"),
            "{said}"
        );
    }
}

#[test]
fn a_column_of_times_without_any_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let text = "user,group,day,x\n1,A,,1\n2,B,NA,2\n3,A,,3\n";
    for (unit, streaming) in
        [(None, WAYS[0]), (None, WAYS[1]), (Some("user"), WAYS[0]), (Some("user"), WAYS[1])]
    {
        let mut source = source(written(&folder, "d.csv", text), "group");
        (source.time, source.error_after) = (Some("day".to_string()), Some(1));
        (source.unit, source.streaming) = (unit.map(str::to_string), streaming);
        let data = on(&source, &[metric("x", None)], DATE);
        assert_eq!(reasons(&data), [(GateReason::MissingTime { rows: 3 }, true)], "{unit:?}, {streaming:?}");
    }
    let metrics = [metric_of(super::facts::revenue(Aggregate::Sum, Population::Exposed))];
    for streaming in WAYS {
        let mut source = story(&folder, EXPOSURES, "order,user,time,revenue\no1,1,,5\no2,2,,7\n");
        source.streaming = streaming;
        let data = on(&source, &metrics, DATE);
        let refusals: Vec<_> = data.refusals().map(|gate| (&gate.reason, gate.facts.as_deref())).collect();
        assert_eq!(refusals, [(&GateReason::MissingTime { rows: 2 }, Some("orders"))], "{streaming:?}");
    }
}

#[test]
fn a_few_times_that_cannot_be_read_are_rows_that_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let text = "user,group,day,x\n1,A,2026-03-01,1\n2,B,2026-03-01,2\n3,A,3/13/2026,3\n4,B,2026-03-02,4\n";
    for streaming in WAYS {
        let mut source = source(written(&folder, "d.csv", text), "group");
        (source.time, source.streaming) = (Some("day".to_string()), streaming);
        let data = on(&source, &[metric("x", None)], date(2026, 3, 2));
        assert_eq!((codes(&data.gates), data.reading.malformed), (vec!["malformed"], 1));
        assert!(data.is_refused());
    }
}

#[test]
fn data_are_as_fresh_as_the_latest_of_their_tables() {
    let folder = tempfile::tempdir().unwrap();
    let metrics = [metric_of(super::facts::revenue(Aggregate::Sum, Population::Exposed))];
    for streaming in WAYS {
        // People came until 3 March, they ordered until the 4th.
        let mut source = story(&folder, EXPOSURES, ORDERS);
        (source.error_after, source.streaming) = (Some(1), streaming);
        let stale = |day| {
            let data = on(&source, &metrics, day);
            (data.lag_days, data.gates.iter().any(|gate| gate.reason.code() == "stale"))
        };
        assert_eq!(stale(date(2026, 3, 5)), (Some(1), false), "{streaming:?}");
        assert_eq!(stale(date(2026, 3, 6)), (Some(2), true), "{streaming:?}");
    }
}

#[test]
fn rows_from_after_the_date_are_not_seen() {
    let folder = tempfile::tempdir().unwrap();
    let mut source = story(&folder, EXPOSURES, ORDERS);
    let metrics =
        [metric_of(super::facts::revenue(Aggregate::Sum, Population::Exposed)), metric("age", None)];
    let check = |source: &DataSource| {
        let data = on(source, &metrics, date(2026, 3, 2));
        // Unit 4 and its row do not exist yet, nor do o3 and the orders of 3 March.
        assert_eq!(data.groups.iter().map(|g| (g.units, g.rows)).collect::<Vec<_>>(), [(1, 2), (2, 2)]);
        let after: Vec<_> = data
            .gates
            .iter()
            .filter(|gate| gate.reason.code() == "rows-after-date")
            .map(|gate| (&gate.reason, gate.facts.as_deref(), gate.refuses))
            .collect();
        let rows = |rows| GateReason::RowsAfterDate { rows };
        assert_eq!(after, [(&rows(1), None, false), (&rows(3), Some("orders"), false)]);
        assert_eq!((data.lag_days, data.time.unwrap().last.date()), (Some(0), date(2026, 3, 2)));
        let (read, out) = (data.facts[0].reading.rows, &data.facts[0].left_out);
        assert_eq!((read, out.after_date), (10, 3));
        let others = out.no_unit + out.unknown.rows + out.mixed.rows + out.no_time + out.early.rows;
        assert_eq!(read, data.facts[0].rows_used + out.after_date + others);
        let answer = gathered(&data, &rows_of("revenue"), false).unwrap();
        assert_eq!(
            (&answer.groups[0].values[0], &answer.groups[1].values[0]),
            (&vec![7.0], &vec![13.0, 0.0])
        );
        // A later order of an unknown visitor is as little seen as any other.
        assert_eq!((data.contamination, out.unknown.rows), (1, 1));
    };
    check(&source);
    // Time stamps of Parquet are cut at the end of the same day.
    let path = folder.path().join("exposures.parquet");
    let minute = |day: i64, hour: i64| (1_772_323_200 + (day - 1) * 86_400 + hour * 3600) * 1_000_000;
    let stamps = Int64Chunked::from_slice(
        "time".into(),
        &[minute(2, 10), minute(1, 9), minute(1, 12), minute(2, 8), minute(3, 0), minute(1, 8), minute(2, 8)],
    );
    let mut frame = df!(
        "user" => [1_i64, 1, 2, 3, 4, 5, 5],
        "group" => ["A", "A", "B", "B", "A", "A", "B"],
        "age" => [Some(30_i64), Some(40), None, Some(20), Some(50), Some(60), Some(60)],
        "time" => stamps.into_datetime(TimeUnit::Microseconds, None).into_series(),
    )
    .unwrap();
    ParquetWriter::new(std::fs::File::create(&path).unwrap()).finish(&mut frame).unwrap();
    source.files = files(path);
    check(&source);

    // Before anything there is nothing, which refuses.
    let data = on(&source, &metrics, date(2026, 2, 1));
    assert_eq!((codes(&data.gates), data.lag_days), (vec!["no-rows"; 1], None));
    assert_eq!((data.groups.len(), data.facts[0].left_out.after_date), (0, 9));
}

fn rows_of(value: &str) -> Rows {
    super::counts::orders(value, Aggregate::Sum, Population::Exposed)
}

#[test]
fn days_without_anybody_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let text = "group,day\nA,2026-03-01\nB,2026-03-01\nA,2026-03-03\nB,2026-03-06\n";
    let mut source = source(written(&folder, "d.csv", text), "group");
    source.time = Some("day".to_string());
    let gap = GateReason::MissingDays { count: 3, first: date(2026, 3, 2) };
    assert_eq!(reasons(&on(&source, &[], DATE)), [(gap, false)]);
}

#[test]
fn segments_are_sizes_by_value() {
    let folder = tempfile::tempdir().unwrap();
    let text = "user,group,platform,age\n1,A,web,10\n2,A,ios,\n3,B,ios,9\n1,A,ios,10\n4,B,,30\n5,A,10,1\n5,B,web,1\n6,B,2,1\n";
    let mut source = source(written(&folder, "d.csv", text), "group");
    source.unit = Some("user".to_string());
    let segment =
        |id: &str, by: &str| Segment { id: id.to_string(), title: id.to_string(), by: by.to_string() };
    let segments = [segment("p", "platform"), segment("old", "age >= 10")];
    let open = |source: &DataSource, segments: &[Segment]| {
        itog::data::open(source, &[], &design(None), segments, None, DATE)
    };
    let check = |source: &DataSource| {
        let data = open(source, &segments).unwrap().value;
        let part = |label: &str, sizes: [u64; 2]| (label.to_string(), sizes.to_vec());
        // Unit 5 is in two groups; unit 1 is `web` by its first row.
        let expected = [part("2", [0, 1]), part("ios", [1, 1]), part("web", [1, 0]), part("", [0, 1])];
        assert_eq!(data.segment_sizes("platform").unwrap(), expected);
        let expected = [part("false", [0, 2]), part("true", [1, 1]), part("", [1, 0])];
        assert_eq!(data.segment_sizes("age >= 10").unwrap(), expected);
        assert_eq!(data.segment_sizes("platfrm").unwrap_err().code, "data::missing-column");
    };
    check(&source);
    let mut frame = df!(
        "user" => [1_i64, 2, 3, 1, 4, 5, 5, 6],
        "group" => ["A", "A", "B", "A", "B", "A", "B", "B"],
        "platform" => ["web", "ios", "ios", "ios", " ", "10", "web", "2"],
        "age" => [Some(10_i64), None, Some(9), Some(10), Some(30), Some(1), Some(1), Some(1)],
    )
    .unwrap();
    let path = folder.path().join("d.parquet");
    ParquetWriter::new(std::fs::File::create(&path).unwrap()).finish(&mut frame).unwrap();
    check(&DataSource { files: files(path), ..source.clone() });

    let wrong = [segment("s", "platfrm"), segment("t", "age >")];
    let found = itog::data::inspect(&source, &[], &wrong).unwrap_err();
    let messages: Vec<&str> = found.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(messages[0], "segment `s`, by: the data has no column `platfrm`");
    assert!(messages[1].starts_with("segment `t`, by: `age >` is no SQL expression"), "{messages:?}");
    assert_eq!(open(&source, &wrong).unwrap_err().len(), 2);
    // Counts have no parts.
    (source.unit, source.count) = (None, Some("age".to_string()));
    assert_eq!(open(&source, &segments[..1]).unwrap_err()[0].code, "data::counts-only");
}
