//! Visitors by day as counts in one file, orders of named visitors in another: what most companies can export.

use itog::config::valid::{Counts, Facts};
use jiff::civil::date;

use super::*;

const VISITORS: &str = "date;group;visitors;signups
01.08.2026;A;4;1
01.08.2026;B;3;2
03.08.2026;A;2;0
03.08.2026;B;3;1
";

/// v3 ordered in both groups, v5 before the start; one order has no visitor, one no revenue.
const ORDERS: &str = "transactionId;visitorId;date;revenue;group
t1;v1;01.08.2026;10,50;A
t2;v1;03.08.2026;4,25;A
t3;v2;01.08.2026;100,00;B
t4;v3;03.08.2026;7,00;A
t5;v3;03.08.2026;8,00;B
t6;v4;03.08.2026;;B
t7;;03.08.2026;5,00;B
t8;v5;31.07.2026;3,00;A
";

pub(super) fn written(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

pub(super) fn facts(path: PathBuf, unit: &str, time: Option<&str>, group: Option<&str>) -> Facts {
    Facts {
        name: "orders".to_string(),
        title: "Orders".to_string(),
        files: files(path),
        relation: None,
        unit: unit.to_string(),
        group: group.map(str::to_string),
        time: time.map(str::to_string),
    }
}

pub(super) fn orders(value: &str, aggregate: Aggregate, population: Population) -> Rows {
    Rows { from: Some("orders".to_string()), aggregate, population, ..rows(value, None) }
}

fn story(folder: &tempfile::TempDir, visitors: &str, orders: &str) -> DataSource {
    let mut source = source(written(folder, "visitors.csv", visitors), "group");
    source.time = Some("date".to_string());
    source.count = Some("visitors".to_string());
    let orders = written(folder, "orders.csv", orders);
    source.facts = vec![self::facts(orders, "visitorId", Some("date"), Some("group"))];
    source
}

fn signups() -> Metric {
    Metric { kind: MetricKind::Proportion, ..metric("signups", Some("date >= '2026-08-01'")) }
}

fn told(source: &DataSource, metrics: &[Metric]) -> Dataset {
    itog::data::open(source, metrics, &design(None), &[], Some(date(2026, 8, 1)), DATE).unwrap().value
}

#[test]
fn orders_of_visitors_known_as_counts() {
    let folder = tempfile::tempdir().unwrap();
    let revenue = orders("revenue", Aggregate::Sum, Population::Exposed);
    let count = orders("transactionId", Aggregate::Count, Population::Exposed);
    let metrics = [signups(), metric_of(revenue.clone()), metric_of(count.clone())];
    let data = told(&story(&folder, VISITORS, ORDERS), &metrics);
    assert!(data.has_counts_only() && !data.is_refused(), "{:?}", data.gates);
    let sizes: Vec<_> = data.groups.iter().map(|group| (group.units, group.rows, group.analysed)).collect();
    assert_eq!(sizes, [(6, 2, 6), (6, 2, 6)]);

    // v1 paid 10.50 + 4.25; five of six visitors of A and four of B left no order.
    let answer = gathered(&data, &revenue, false).unwrap();
    let (a, b) = (&answer.groups[0], &answer.groups[1]);
    assert_eq!(a.values, [vec![14.75, 0.0, 0.0, 0.0, 0.0, 0.0]]);
    assert_eq!(a.units, [0, 5, 6, 7, 8, 9]);
    assert_eq!((&b.values, b.missing), (&vec![vec![100.0, 0.0, 0.0, 0.0, 0.0]], 1));
    assert_eq!(b.units, [1, 10, 11, 12, 13]);
    let values = |rows: &Rows| -> Vec<Vec<f64>> {
        gathered(&data, rows, false)
            .unwrap()
            .groups
            .into_iter()
            .map(|mut group| group.values.remove(0))
            .collect()
    };
    assert_eq!(values(&count), [[2.0, 0.0, 0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]]);
    let bought = orders("1", Aggregate::Any, Population::Exposed);
    assert_eq!(values(&bought), [[1.0, 0.0, 0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]]);
    assert_eq!(values(&orders("revenue", Aggregate::Max, Population::Exposed)), [[10.5], [100.0]]);
    let checks = gathered(&data, &orders("revenue", Aggregate::Rows, Population::Matching), false).unwrap();
    assert_eq!((&checks.groups[0].values[0], &checks.groups[0].clusters), (&vec![10.5, 4.25], &vec![0, 0]));

    let found = data.successes("signups", None).unwrap();
    let counts = |group: &str, successes, n| (group.to_string(), Counts { successes, n });
    assert_eq!(found, [counts("A", 1, 6), counts("B", 3, 6)]);
    let later = data.successes("signups", Some("date >= '2026-08-02'")).unwrap();
    assert_eq!(later, [counts("A", 0, 2), counts("B", 1, 3)]);
    assert_eq!(data.successes("visitors + 1", None).unwrap_err().code, "data::successes");
    assert_eq!(samples(&data, "signups", None).unwrap_err().code, "data::counts-only");
    let pre = Rows { adjustment: Adjustment { pre_period: true, ..Adjustment::default() }, ..revenue };
    assert_eq!(gathered(&data, &pre, false).unwrap_err().code, "data::no-pre-period");
}

#[test]
fn what_is_left_out_of_orders_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let data = told(&story(&folder, VISITORS, ORDERS), &[signups()]);
    let gates: Vec<_> = data.gates.iter().map(|gate| (gate.reason.clone(), gate.facts.as_deref())).collect();
    assert_eq!(
        gates,
        [
            (GateReason::UnitsInTwoGroups { count: 1, counts_stay: true }, None),
            (GateReason::MissingDays { count: 1, first: date(2026, 8, 2) }, None),
            (GateReason::MissingUnit { rows: 1 }, Some("orders")),
            (GateReason::RowsOfMixedUnits { rows: 2, units: 1 }, Some("orders")),
            (GateReason::BeforeExposure { rows: 1, units: 1 }, Some("orders")),
        ]
    );
    let orders = &data.facts[0];
    assert_eq!((orders.reading.rows, orders.rows_used, orders.units_with_rows), (8, 4, 3));
    assert_eq!(orders.time.unwrap().first.date(), date(2026, 7, 31));
    assert_eq!(orders.overview[3].mean, Some(137.75 / 7.0));
    let daily = data.daily.as_ref().unwrap();
    assert_eq!(daily.days, [(date(2026, 8, 1), vec![4, 3]), (date(2026, 8, 3), vec![2, 3])]);
    assert_eq!((&daily.missing, daily.missing_days), (&vec![date(2026, 8, 2)], 1));
    assert_eq!(data.unit_day(), None);
}

#[test]
fn counts_that_are_no_counts_are_found_and_located() {
    let folder = tempfile::tempdir().unwrap();
    let bad = VISITORS.replace(";B;3;2", ";B;-3;2").replace(";A;2;0", ";A;2,5;0").replace("B;3;1", "B;;1");
    let mut source = story(&folder, &bad, ORDERS);
    source.files.malformed = OnBroken::Report;
    let data = told(&source, &[signups()]);
    let places: Vec<_> =
        data.reading.first_malformed.iter().map(|row| (row.line, row.fault.clone())).collect();
    let cell = |text: &str| RowFault::Cell {
        column: "visitors".to_string(),
        text: text.to_string(),
        expected: "count",
    };
    assert_eq!(places, [(3, cell("-3")), (4, cell("2,5")), (5, cell(""))]);
    assert_eq!(data.groups.iter().map(|group| group.units).collect::<Vec<_>>(), [4]);
    source.count = Some("group".to_string());
    let found = itog::data::open(&source, &[], &design(None), &[], None, DATE).unwrap_err();
    assert_eq!(found[0].code, "data::count", "{found:?}");
}

#[test]
fn facts_that_contradict_the_counts_refuse() {
    let folder = tempfile::tempdir().unwrap();
    let few = VISITORS.replace(";B;3;", ";B;1;");
    let data = told(
        &story(&folder, &few, &ORDERS.replace("t5;v3;03.08.2026;8,00;B", "t5;v6;03.08.2026;8,00;B")),
        &[],
    );
    let expected = GateReason::MoreUnitsThanCounted { group: "B".to_string(), units: 3, counted: 2 };
    assert_eq!(data.refusals().map(|gate| &gate.reason).collect::<Vec<_>>(), [&expected]);
    let data = told(&story(&folder, VISITORS, &ORDERS.replace(";100,00;B", ";100,00;b")), &[]);
    let expected = GateReason::ForeignGroup { group: "b".to_string(), rows: 1 };
    assert_eq!(data.refusals().map(|gate| &gate.reason).collect::<Vec<_>>(), [&expected]);
    assert_eq!(data.facts[0].left_out.unknown.rows, 1);
}

#[test]
fn what_counts_cannot_answer_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut source = story(&folder, VISITORS, ORDERS);
    let adjusted = Rows {
        adjustment: Adjustment { strata: Some("group".to_string()), ..Adjustment::default() },
        ..orders("revenue", Aggregate::Sum, Population::Exposed)
    };
    source.facts[0].group = None;
    let found = inspect(&source, &[metric("signups", None), metric_of(adjusted)]).unwrap_err();
    let codes: Vec<&str> = found.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, ["data::facts-group", "data::counts-only", "data::counts-only"]);
    source.count = None;
    assert_eq!(inspect(&source, &[]).unwrap_err()[0].code, "data::facts-unit");
}
