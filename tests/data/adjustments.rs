//! Covariates, the time before, strata.

use jiff::civil::date;

use super::counts::written;
use super::facts::{EXPOSURES, ORDERS, revenue, story};
use super::*;

fn adjusted(rows: Rows, covariates: &[&str], pre_period: bool, strata: Option<&str>) -> Rows {
    let adjustment = Adjustment {
        covariates: covariates.iter().map(|sql| sql.to_string()).collect(),
        pre_period,
        strata: strata.map(str::to_string),
    };
    Rows { adjustment, ..rows }
}

#[test]
fn covariates_and_strata_stand_beside_the_values() {
    let folder = tempfile::tempdir().unwrap();
    let rows = adjusted(revenue(Aggregate::Sum, Population::Exposed), &["age"], true, Some("platform"));
    let data = opened(&story(&folder, EXPOSURES, ORDERS), &[metric_of(rows.clone())]);
    let answer = gathered(&data, &rows, false).unwrap();
    assert_eq!(answer.covariates, ["age", "pre-period: revenue"]);
    assert_eq!(answer.strata, ["ios", "web", ""]);
    let (a, b) = (&answer.groups[0], &answer.groups[1]);
    // Unit 1 is 30 and 40 years old in its rows; unit 2 gets the mean of 35, 50 and 20. o1 and o4 are the time before.
    assert_eq!(a.covariates, [[35.0, 50.0], [5.0, 0.0]]);
    assert_eq!(b.covariates, [[35.0, 20.0], [11.0, 0.0]]);
    assert_eq!((a.covariates_missing, b.covariates_missing), (0, 1));
    assert_eq!((&a.strata, &b.strata), (&vec![0, 2], &vec![0, 1]));

    // The same of the units that bought, and of each order; before, the mean of unit 4 is that of the others: (5 + 11) / 2.
    let buyers = gathered(&data, &Rows { population: Population::Matching, ..rows.clone() }, false).unwrap();
    assert_eq!(buyers.groups[1].covariates, [[35.0], [11.0]]);
    let each = gathered(&data, &Rows { aggregate: Aggregate::Rows, ..rows.clone() }, false).unwrap();
    assert_eq!(each.groups[0].covariates, [[35.0, 35.0], [5.0, 5.0]]);
    let ratio = Rows { denominator: Some("1".to_string()), ..adjusted(rows, &[], true, None) };
    let before = gathered(&data, &ratio, false).unwrap();
    assert_eq!(before.covariates, ["pre-period: revenue", "pre-period: 1"]);
    assert_eq!(before.groups[0].values, [[10.0, 0.0], [2.0, 0.0]]);
    assert_eq!(before.groups[0].covariates, [[5.0, 0.0], [1.0, 0.0]]);
}

#[test]
fn rows_before_the_start_are_the_time_before() {
    let folder = tempfile::tempdir().unwrap();
    let log = "user,group,time,spent\n1,,2026-02-20,4\n1,A,2026-03-01,6\n2,B,2026-03-02,5\n2,B,2026-03-05,1\n3,,2026-02-21,9\n";
    let mut source = source(written(&folder, "log.csv", log), "group");
    (source.unit, source.time) = (Some("user".to_string()), Some("time".to_string()));
    let rows = adjusted(rows("spent", None), &["spent"], true, None);
    let metrics = [metric_of(rows.clone())];
    let start = Some(date(2026, 3, 1));
    let data = itog::data::open(&source, &metrics, &design(None), &[], start, DATE).unwrap().value;
    let expected = GateReason::PrePeriod { rows: 2, units: 2, never_since: 1 };
    assert_eq!(data.gates.iter().map(|gate| &gate.reason).collect::<Vec<_>>(), [&expected]);
    let answer = gathered(&data, &rows, false).unwrap();
    assert_eq!((&answer.groups[0].values[0], &answer.groups[1].values[0]), (&vec![6.0], &vec![6.0]));
    assert_eq!(
        (&answer.groups[0].covariates, &answer.groups[1].covariates),
        (&vec![vec![6.0], vec![4.0]], &vec![vec![3.0], vec![0.0]])
    );

    source.files.malformed = OnBroken::Report;
    let data = opened(&source, &metrics);
    assert_eq!(gathered(&data, &rows, false).unwrap_err().code, "data::no-pre-period");
}

#[test]
fn rows_that_are_units_have_covariates_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let table = "group,x,before,city\nA,1,10,Омск\nB,2,,Омск\nA,3,30,\nB,4,50,Тверь\nB,,70,Тверь\n";
    let source = source(written(&folder, "t.csv", table), "group");
    let rows = adjusted(rows("x", None), &["before"], false, Some("city"));
    let data = opened(&source, &[metric_of(rows.clone()), metric("city IS NULL", Some("city IS NULL"))]);
    let answer = gathered(&data, &rows, false).unwrap();
    let (a, b) = (&answer.groups[0], &answer.groups[1]);
    // The mean of 10, 30, 50 and 70 stands for the one that is missing.
    assert_eq!((&a.covariates[0], &b.covariates[0]), (&vec![10.0, 30.0], &vec![40.0, 50.0]));
    assert_eq!((b.missing, b.covariates_missing, &b.units), (1, 1, &vec![1, 3]));
    assert_eq!(
        (&answer.strata[..], &a.strata, &b.strata),
        (&["Омск".to_string(), "Тверь".to_string(), String::new()][..], &vec![0, 2], &vec![0, 1])
    );
    let unknown = adjusted(rows.clone(), &["CASE WHEN x > 100 THEN 1.0 END"], false, None);
    assert_eq!(gathered(&data, &unknown, false).unwrap_err().code, "data::no-covariate");
    let before = adjusted(rows.clone(), &[], true, None);
    assert_eq!(gathered(&data, &before, false).unwrap_err().code, "data::no-pre-period");
    // A row that does not meet the filter is a unit with nothing.
    let exposed =
        Rows { population: Population::Exposed, filter: Some("x > 2".to_string()), ..self::rows("x", None) };
    assert_eq!(super::facts::values_of(&data, &exposed), [vec![0.0, 3.0], vec![0.0, 4.0, 0.0]]);
}

/// The same table read by rows, by units that are one row each, and by units in shuffled rows gives the same values.
#[test]
fn one_row_a_unit_is_a_row() {
    let folder = tempfile::tempdir().unwrap();
    let table = "user,group,x,y\nu1,A,1,2\nu2,B,2,\nu3,A,,4\nu4,B,4,5\n";
    let mut source = source(written(&folder, "t.csv", table), "group");
    let rows = adjusted(rows("x", None), &["y"], false, Some("y"));
    let by_row = gathered(&opened(&source, &[metric_of(rows.clone())]), &rows, false).unwrap();
    source.unit = Some("user".to_string());
    for aggregate in [Aggregate::Sum, Aggregate::Mean, Aggregate::Max, Aggregate::Min] {
        let rows = Rows { aggregate, ..rows.clone() };
        let data = opened(&source, &[metric_of(rows.clone())]);
        assert_eq!(gathered(&data, &rows, false).unwrap(), by_row);
    }
    // A second row of u1 outside of the filter: units are no rows any more, values stay.
    source.files = files(written(&folder, "more.csv", &format!("{table}u1,A,-1,2\n")));
    let rows = Rows { filter: Some("x IS NULL OR x > 0".to_string()), ..rows };
    let data = opened(&source, &[metric_of(rows.clone())]);
    assert_eq!(gathered(&data, &rows, false).unwrap(), by_row);
}
