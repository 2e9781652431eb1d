//! Exposures of units with their times in one file, what the units did in another.

use itog::data::{LeftOut, RowsOfUnits};
use jiff::civil::date;
use polars::prelude::*;

use super::counts::{facts, orders, written};
use super::*;

/// Unit 1 was exposed twice; 5 is in two groups.
pub(super) const EXPOSURES: &str = "user,group,time,platform,age
1,A,2026-03-02 10:00,ios,30
1,A,2026-03-01 09:00,web,40
2,B,2026-03-01 12:00,ios,
3,B,2026-03-02 08:00,web,20
4,A,2026-03-03 08:00,,50
5,A,2026-03-01 08:00,web,60
5,B,2026-03-02 08:00,web,60
";

/// o1 and o4 are before the exposure, o2 at its very moment; 9 was never exposed.
pub(super) const ORDERS: &str = "order,user,time,revenue
o1,1,2026-03-01 08:59,5
o2,1,2026-03-01 09:00,7
o3,1,2026-03-04 00:00,3
o4,2,2026-03-01 11:00,11
o5,2,2026-03-02 11:00,13
o6,5,2026-03-02 11:00,100
o7,9,2026-03-02 11:00,100
o8,9,2026-03-03 11:00,100
o9,,2026-03-03 11:00,100
o10,3,,100
";

pub(super) fn story(folder: &tempfile::TempDir, exposures: &str, orders: &str) -> DataSource {
    let mut source = source(written(folder, "exposures.csv", exposures), "group");
    source.unit = Some("user".to_string());
    source.time = Some("time".to_string());
    source.facts = vec![facts(written(folder, "orders.csv", orders), "user", Some("time"), None)];
    source
}

pub(super) fn revenue(aggregate: Aggregate, population: Population) -> Rows {
    orders("revenue", aggregate, population)
}

pub(super) fn values_of(data: &Dataset, rows: &Rows) -> Vec<Vec<f64>> {
    first_values(gathered(data, rows, false).unwrap()).into_iter().map(|sample| sample.values).collect()
}

#[test]
fn facts_are_joined_by_unit_since_its_exposure() {
    let folder = tempfile::tempdir().unwrap();
    let metrics = [metric_of(revenue(Aggregate::Sum, Population::Exposed))];
    let mut source = story(&folder, EXPOSURES, ORDERS);
    let check = |source: &DataSource| {
        let data = opened(source, &metrics);
        let sizes: Vec<_> = data.groups.iter().map(|group| (group.units, group.rows)).collect();
        assert_eq!(sizes, [(2, 3), (2, 2)]);
        let of = |aggregate, population| values_of(&data, &revenue(aggregate, population));
        // Of unit 1 count o2 and o3, of unit 2 o5; 4 and 3 are left with nothing.
        assert_eq!(of(Aggregate::Sum, Population::Exposed), [[10.0, 0.0], [13.0, 0.0]]);
        assert_eq!(of(Aggregate::Sum, Population::Matching), [[10.0], [13.0]]);
        assert_eq!(of(Aggregate::Mean, Population::Exposed), [[5.0], [13.0]]);
        assert_eq!(of(Aggregate::Max, Population::Exposed), [[7.0], [13.0]]);
        assert_eq!(of(Aggregate::Min, Population::Matching), [[3.0], [13.0]]);
        assert_eq!(of(Aggregate::Count, Population::Exposed), [[2.0, 0.0], [1.0, 0.0]]);
        let rows = gathered(&data, &revenue(Aggregate::Rows, Population::Matching), false).unwrap();
        assert_eq!((&rows.groups[0].values[0], &rows.groups[0].units), (&vec![7.0, 3.0], &vec![0, 0]));
        assert_eq!((&rows.groups[1].clusters, &rows.groups[1].units), (&vec![0], &vec![1]));

        let counts = |rows, units| RowsOfUnits { rows, units };
        let expected = LeftOut {
            no_unit: 1,
            unknown: counts(2, 1),
            mixed: counts(1, 1),
            no_time: 1,
            early: counts(2, 2),
            ..LeftOut::default()
        };
        assert_eq!(data.facts[0].left_out, expected);
        assert_eq!((data.facts[0].rows_used, data.facts[0].units_with_rows, data.contamination), (3, 2, 1));
        let gates: Vec<_> = data.gates.iter().map(|gate| (gate.reason.code(), gate.refuses)).collect();
        let codes = [
            "units-in-two-groups",
            "missing-unit",
            "unexposed-units",
            "rows-of-mixed-units",
            "missing-time",
            "before-exposure",
        ];
        assert_eq!(gates, codes.map(|code| (code, false)));
    };
    check(&source);
    assert_eq!(
        inspect(&source, &metrics).unwrap().value.facts[0].columns,
        ["order", "user", "time", "revenue"]
    );

    // The same orders in Parquet, their units whole numbers there.
    let path = folder.path().join("orders.parquet");
    let mut frame = df!(
        "user" => [Some(1_i64), Some(1), Some(1), Some(2), Some(2), Some(5), Some(9), Some(9), None, Some(3)],
        "revenue" => [5.0, 7.0, 3.0, 11.0, 13.0, 100.0, 100.0, 100.0, 100.0, 100.0],
        "time" => [0_i64, 1, 3 * 1440 - 539, 121, 1561, 1561, 1561, 3001, 3001, 0],
    )
    .unwrap();
    let minutes = frame.column("time").unwrap().i64().unwrap().clone();
    // Minutes since 2026-03-01 08:59, which is 1 772 355 540 seconds after 1970.
    let stamps: Int64Chunked = minutes
        .iter()
        .zip(0..)
        .map(|(minute, row)| {
            minute.filter(|_| row != 9).map(|minute| (1_772_355_540 + minute * 60) * 1_000_000)
        })
        .collect();
    frame.replace("time", stamps.into_datetime(TimeUnit::Microseconds, None).into_column()).unwrap();
    ParquetWriter::new(std::fs::File::create(&path).unwrap()).finish(&mut frame).unwrap();
    source.facts[0].files = files(path);
    check(&source);
}

#[test]
fn a_date_of_exposure_covers_its_day() {
    let folder = tempfile::tempdir().unwrap();
    let dates =
        EXPOSURES.replace(" 10:00", "").replace(" 09:00", "").replace(" 12:00", "").replace(" 08:00", "");
    let data =
        opened(&story(&folder, &dates, ORDERS), &[metric_of(revenue(Aggregate::Sum, Population::Exposed))]);
    assert_eq!(values_of(&data, &revenue(Aggregate::Sum, Population::Exposed)), [[15.0, 0.0], [24.0, 0.0]]);
}

#[test]
fn exposures_are_counted_by_day() {
    let folder = tempfile::tempdir().unwrap();
    let data = opened(&story(&folder, EXPOSURES, ORDERS), &[]);
    let daily = data.daily.as_ref().unwrap();
    let day = |day| date(2026, 3, day);
    assert_eq!(daily.days, [(day(1), vec![1, 1]), (day(2), vec![0, 1]), (day(3), vec![1, 0])]);
    assert_eq!((daily.missing_days, &daily.undated), (0, &vec![0, 0]));
    assert_eq!(data.unit_day().unwrap(), [Some(0), Some(0), Some(1), Some(2), None]);
}

#[test]
fn groups_in_facts_may_show_a_unit_in_two() {
    let folder = tempfile::tempdir().unwrap();
    let orders = "user,group,revenue\n1,A,1\n2,A,2\n2,B,4\n3,,8\n7,A,16\n";
    let mut source = story(&folder, EXPOSURES, orders);
    (source.facts[0].group, source.facts[0].time) = (Some("group".to_string()), None);
    let data = opened(&source, &[metric_of(revenue(Aggregate::Sum, Population::Exposed))]);
    assert_eq!((data.contamination, data.facts[0].left_out.mixed), (2, RowsOfUnits { rows: 2, units: 1 }));
    assert_eq!(data.groups.iter().map(|group| group.units).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(values_of(&data, &revenue(Aggregate::Sum, Population::Exposed)), [vec![1.0, 0.0], vec![8.0]]);
}

#[test]
fn facts_that_join_to_nobody_refuse() {
    let folder = tempfile::tempdir().unwrap();
    let mut source = story(&folder, EXPOSURES, ORDERS);
    source.facts[0].unit = "order".to_string();
    let data = opened(&source, &[]);
    assert_eq!(codes(&data.gates), ["facts-unjoined"]);
    let expected = GateReason::FactsUnjoined { rows: 10, of: 10 };
    assert_eq!(data.refusals().next().unwrap().reason, expected);
    source.facts[0].files = files(written(&folder, "none.csv", "order,user,time,revenue\n"));
    let data = opened(&source, &[]);
    let refusals: Vec<_> = data.refusals().map(|gate| (gate.reason.code(), gate.facts.as_deref())).collect();
    assert_eq!(refusals, [("no-rows", Some("orders"))]);
    source.facts[0].files = files(written(&folder, "empty.csv", ""));
    assert_eq!(codes(&opened(&source, &[]).gates), ["no-rows"]);
}

#[test]
fn files_of_facts_are_read_as_strictly_as_data() {
    let folder = tempfile::tempdir().unwrap();
    let mut source =
        story(&folder, EXPOSURES, "order;user;revenue\no1;1;5,5\no2;1;x7\no3;2;9,5\no4;3;1,5\no5;3");
    source.facts[0].time = None;
    let metrics = [metric_of(revenue(Aggregate::Sum, Population::Exposed))];
    source.facts[0].files.columns = vec![rule("revenue", Some(5.0), None, false, OnBroken::Exclude)];
    let data = opened(&source, &metrics);
    assert_eq!(codes(&data.gates), ["malformed"]);
    let reading = &data.facts[0].reading;
    let lines: Vec<_> = reading.first_malformed.iter().map(|row| (row.line, row.fault.code())).collect();
    assert_eq!(lines, [(3, "cell"), (6, "torn")]);
    assert_eq!(reading.first_malformed[0].file, source.facts[0].files.paths[0]);
    assert!(data.gates.iter().any(|gate| gate.reason.code() == "invalid-values" && gate.facts.is_some()));
    assert_eq!(data.facts[0].left_out.invalid, 1);
    assert_eq!(values_of(&data, &revenue(Aggregate::Sum, Population::Exposed)), [[5.5, 0.0], [9.5, 0.0]]);

    source.facts[0].unit = "usr".to_string();
    let mut rows = revenue(Aggregate::Sum, Population::Exposed);
    rows.value = "revenu".to_string();
    for found in
        [problems(&source, &[metric_of(rows.clone())]), inspect(&source, &[metric_of(rows)]).unwrap_err()]
    {
        let messages: Vec<&str> = found.iter().map(|problem| problem.message.as_str()).collect();
        assert_eq!(messages[0], "data.facts `orders`: unit: the data has no column `usr`");
        assert_eq!(messages[1], "metric `m`, value: the data has no column `revenu`");
        assert!(
            found
                .iter()
                .all(|problem| problem.place.as_ref().unwrap().file == source.facts[0].files.paths[0])
        );
    }
    source.facts[0].files.paths.clear();
    assert_eq!(problems(&source, &[])[0].code, "data::no-file");
}

#[test]
fn without_times_of_exposure_the_start_tells_before_from_after() {
    let folder = tempfile::tempdir().unwrap();
    let mut source = story(&folder, EXPOSURES, ORDERS);
    source.time = None;
    let mut rows = revenue(Aggregate::Sum, Population::Exposed);
    rows.adjustment.pre_period = true;
    let metrics = [metric_of(rows.clone())];
    let start = Some(date(2026, 3, 2));
    let data = itog::data::open(&source, &metrics, &design(None), &[], start, DATE).unwrap().value;
    // o1, o2 and o4 are of the day before.
    let answer = gathered(&data, &rows, false).unwrap();
    assert_eq!(
        (&answer.groups[0].values, &answer.groups[0].covariates),
        (&vec![vec![3.0, 0.0]], &vec![vec![12.0, 0.0]])
    );
    assert_eq!(
        (&answer.groups[1].values, &answer.groups[1].covariates),
        (&vec![vec![13.0, 0.0]], &vec![vec![11.0, 0.0]])
    );
    assert_eq!(data.facts[0].left_out.early, RowsOfUnits { rows: 3, units: 2 });
    assert_eq!((&data.daily, data.unit_day()), (&None, None));
    // Without a start nothing is before, and rows without a time are as good as others.
    let data = opened(&source, &metrics);
    assert_eq!(values_of(&data, &revenue(Aggregate::Sum, Population::Exposed)), [[15.0, 0.0], [24.0, 100.0]]);
    assert_eq!(gathered(&data, &rows, false).unwrap_err().code, "data::no-pre-period");
}

#[test]
fn a_unit_without_a_time_of_exposure_keeps_its_facts() {
    let folder = tempfile::tempdir().unwrap();
    let exposures = EXPOSURES.replace("4,A,2026-03-03 08:00,", "4,A,,");
    let data = opened(&story(&folder, &exposures, &format!("{ORDERS}o11,4,2026-01-01 00:00,2\n")), &[]);
    let missing: Vec<_> = data
        .gates
        .iter()
        .filter(|gate| gate.reason.code() == "missing-time")
        .map(|gate| &gate.facts)
        .collect();
    assert_eq!(missing, [&None, &Some("orders".to_string())]);
    assert_eq!(data.daily.as_ref().unwrap().undated, [1, 0]);
    assert_eq!(data.unit_day().unwrap()[3], None);
    assert_eq!(data.facts[0].rows_used, 4);
}

#[test]
fn rows_of_units_that_a_rule_leaves_out_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut source = story(&folder, EXPOSURES, ORDERS);
    source.files.columns = vec![rule("age", None, None, true, OnBroken::Exclude)];
    let data = opened(&source, &[metric_of(revenue(Aggregate::Sum, Population::Exposed))]);
    // Unit 2 has no age: it stays in the size of its group, but is not analysed.
    assert_eq!((data.groups[1].units, data.groups[1].analysed), (2, 1));
    assert_eq!(values_of(&data, &revenue(Aggregate::Sum, Population::Exposed)), [vec![10.0, 0.0], vec![0.0]]);
    assert_eq!(data.facts[0].left_out.excluded_units, RowsOfUnits { rows: 2, units: 1 });
}
