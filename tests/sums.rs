//! The same experiment from rows and from sums: every number that both can give is the same.

#![allow(clippy::disallowed_methods, reason = "tests read and write files")]

mod same;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use itog::config;
use itog::config::valid::{Aggregate, Config, MetricKind, MetricSource, Streaming};
use itog::data::{self, Dataset, Query, Reading};
use itog::metrics::{self, outcome::MetricOutcome};
use itog::stats::Moments;
use itog::sums::{ArmSums, Cell, Covariate, Exposure, Key, MetricSums, Partition, Sums, Table, ValueTable};
use itog::validation::{course, segments};
use jiff::civil::{Date, date};
use same::{compare, same};

const CONFIG: &str = r#"
[experiment]
id = "sums"
title = "Sums"
start = 2026-03-01
[design]
control = "A"
comparisons = "all"
correction = "holm"
replicates = 1000
[data]
path = "rows.csv"
group = "group"
unit = "user"
time = "day"
[[segment]]
id = "platform"
by = "platform"
[[metric]]
id = "arpu"
kind = "mean"
value = "revenue"
goal = "increase"
role = "primary"
[[metric]]
id = "arppu"
kind = "mean"
value = "revenue"
where = "bought = 1"
goal = "increase"
[[metric]]
id = "ranks"
kind = "mean"
value = "sessions"
test = "mann-whitney"
goal = "increase"
[[metric]]
id = "adjusted"
kind = "mean"
value = "revenue"
covariates = ["age", "sessions"]
test = "welch"
goal = "increase"
[[metric]]
id = "strata"
kind = "mean"
value = "revenue"
covariates = ["age"]
strata = "platform"
goal = "increase"
[[metric]]
id = "conversion"
kind = "proportion"
value = "bought"
goal = "increase"
[[metric]]
id = "order"
kind = "ratio"
numerator = "revenue"
denominator = "sessions"
goal = "increase"
[[metric]]
id = "order-adjusted"
kind = "ratio"
numerator = "revenue"
denominator = "sessions"
covariates = ["age"]
goal = "increase"
[[metric]]
id = "median"
kind = "quantile"
q = 0.5
value = "sessions"
goal = "increase"
[[metric]]
id = "winsorized"
kind = "mean"
value = "revenue"
winsorize = { upper = 0.99 }
goal = "increase"
[[metric]]
id = "row"
kind = "mean"
value = "revenue"
aggregate = "rows"
goal = "increase"
"#;

/// Rows of three groups over four days; some users come twice, some have no age.
fn rows() -> String {
    let mut text = String::from("group,user,day,platform,sessions,bought,revenue,age\n");
    let mut state = 20260301_u64;
    let mut next = |below: u64| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) % below
    };
    for user in 0..2400_u64 {
        let group = ["A", "B", "C"][(user % 3) as usize];
        let platform = ["ios", "web", ""][next(3) as usize];
        let age = if next(10) == 0 { String::new() } else { (18 + next(50)).to_string() };
        for _ in 0..=next(2) {
            let sessions = 1 + next(9);
            let bought = u64::from(next(10) < 2 + user % 3);
            let revenue = bought as f64 * (next(100_000) as f64 / 100.0 + 3.0 * sessions as f64);
            writeln!(
                text,
                "{group},{user},2026-03-0{},{platform},{sessions},{bought},{revenue:.2},{age}",
                1 + user % 4
            )
            .unwrap();
        }
    }
    text
}

fn open() -> (Config, Dataset) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rows.csv"), rows()).unwrap();
    fs::write(folder.path().join("sums.toml"), CONFIG).unwrap();
    let config = config::load(&folder.path().join("sums.toml"), &[]).unwrap().value;
    let source = config.data.as_ref().unwrap();
    let (metrics, design, segments) = (&config.metrics, &config.design, &config.segments);
    let opened =
        data::open(source, metrics, design, segments, config.experiment.start, date(2026, 3, 9)).unwrap();
    (config, opened.value)
}

/// What a producer does, from values that are gathered: `tables` says whether values are kept.
fn summed(config: &Config, rows: &Dataset, tables: bool) -> Sums {
    let source = config.data.as_ref().unwrap();
    let days = rows.unit_day().unwrap();
    let first = rows.daily.as_ref().unwrap().days[0].0;
    let day =
        |unit: u32| days[unit as usize].map(|day| first.checked_add(jiff::Span::new().days(day)).unwrap());
    let none = itog::config::valid::Adjustment::default();
    let by = &config.segments[0].by;
    let parted = itog::config::valid::Adjustment { strata: Some(by.clone()), ..none };
    let exposed = Query {
        from: None,
        values: &["1"],
        filter: None,
        aggregate: Aggregate::Max,
        population: itog::config::valid::Population::Matching,
        binary: false,
        adjustment: &parted,
    };
    let exposed = rows.gather(&exposed).unwrap();
    let mut sums = Sums {
        groups: rows.groups.iter().map(|group| group.id.clone()).collect(),
        partitions: vec![Partition { by: by.clone(), parts: exposed.strata.clone() }],
        ..Sums::default()
    };
    let mut part_of: BTreeMap<u32, u32> = BTreeMap::new();
    for (group, own) in exposed.groups.iter().enumerate() {
        for (unit, part) in own.units.iter().zip(&own.strata) {
            part_of.insert(*unit, *part);
            let day = day(*unit);
            sums.expose(Exposure { group, day, parts: vec![*part], units: 1, analysed: 1, rows: 0 });
        }
    }
    for (group, count) in rows.groups.iter().enumerate() {
        let first = sums.exposures.iter_mut().find(|exposure| exposure.group == group).unwrap();
        first.rows = count.rows;
    }
    sums.rows.total = rows.reading.rows;
    sums.time = rows.time.map(|time| (time.first, time.last));
    assert_eq!(source.group, "group");
    for metric in &config.metrics {
        let MetricSource::Rows(of) = &metric.source else { continue };
        // Gaps are left to the sums: covariates are gathered one by one, and filled ones are told by their value.
        let gathered = metrics::gather(rows, metric, of, &of.adjustment).unwrap();
        let clustered = of.aggregate == Aggregate::Rows;
        let values = if metric.kind == MetricKind::Ratio || clustered { 2 } else { 1 };
        let covariates: Vec<Covariate> = gathered
            .covariates
            .iter()
            .enumerate()
            .map(|(at, name)| {
                let all: Vec<f64> =
                    gathered.groups.iter().flat_map(|g| g.covariates[at].iter().copied()).collect();
                Covariate { name: name.clone(), known: Moments::from_slice(&all) }
            })
            .collect();
        let mut own = MetricSums {
            metric: metric.id.clone(),
            values,
            covariates,
            strata: of.adjustment.strata.as_ref().map(|_| 0),
            groups: Vec::new(),
        };
        for group in &gathered.groups {
            let mut arm = ArmSums::default();
            let mut units: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
            for (at, unit) in group.units.iter().enumerate() {
                let mut row: Vec<f64> = group.values.iter().map(|column| column[at]).collect();
                if clustered {
                    let known = units.entry(*unit).or_insert_with(|| vec![0.0, 0.0]);
                    known[0] += row[0];
                    known[1] += 1.0;
                    continue;
                }
                row.extend(group.covariates.iter().map(|column| column[at]));
                units.insert(*unit, row);
            }
            for (unit, row) in &units {
                let key = Key { day: day(*unit), parts: vec![part_of[unit]], lacking: 0 };
                let columns: Vec<&[f64]> = row.iter().map(std::slice::from_ref).collect();
                arm.add(Cell::of(key, &columns).unwrap()).unwrap();
            }
            if tables && values == 1 {
                arm.table = Table::Kept(ValueTable::of(&group.values[0]));
            }
            own.groups.push(arm);
        }
        sums.metrics.push(own);
    }
    sums
}

fn of_sums(config: &Config, sums: Sums) -> Dataset {
    // As a run gets them: written and read again.
    let text = sums.to_json().unwrap();
    let sums = Sums::from_json(&text).unwrap();
    let reading = Reading::of_answer("sums", text.as_bytes(), sums.rows.total);
    Dataset::of_sums(sums, reading, config.data.as_ref().unwrap(), &config.design, date(2026, 3, 9))
}

#[test]
fn with_tables_sums_say_what_rows_say() {
    let (config, rows) = open();
    let known = of_sums(&config, summed(&config, &rows, true));
    assert_eq!(
        rows.groups.iter().map(|g| (&g.id, g.units, g.analysed)).collect::<Vec<_>>(),
        known.groups.iter().map(|g| (&g.id, g.units, g.analysed)).collect::<Vec<_>>()
    );
    assert_eq!(rows.daily, known.daily);
    assert_eq!(rows.segment_sizes("platform").unwrap(), known.segment_sizes("platform").unwrap());
    let (a, b) = (
        metrics::measure(&config, Some(&rows), &[]).unwrap(),
        metrics::measure(&config, Some(&known), &[]).unwrap(),
    );
    assert_eq!((a.len(), b.len()), (11, 11));
    a.iter().zip(&b).for_each(|(a, b)| compare(a, b));
    let (by_rows, by_sums) =
        (course::run(&config, &rows, &a).unwrap(), course::run(&config, &known, &b).unwrap());
    assert_eq!(by_rows.len(), by_sums.len());
    for (a, b) in by_rows.iter().zip(&by_sums) {
        assert_eq!(a.days.len(), 4);
        for (a, b) in a.days.iter().zip(&b.days) {
            assert_eq!(a.day, b.day);
            same("course", Some(a.estimate), Some(b.estimate));
            same("course", Some(a.se), Some(b.se));
        }
    }
    let (by_rows, by_sums) =
        (segments::run(&config, &rows, &a).unwrap(), segments::run(&config, &known, &b).unwrap());
    assert_eq!((by_rows.len(), by_sums.len()), (2, 2));
    for (a, b) in by_rows.iter().zip(&by_sums) {
        assert_eq!(a.found.effects.len(), b.found.effects.len());
        same(
            "parts",
            a.found.heterogeneity.as_ref().map(|t| t.p),
            b.found.heterogeneity.as_ref().map(|t| t.p),
        );
        same("total", a.found.total, b.found.total);
    }
}

#[test]
fn without_tables_what_needs_values_is_not_said() {
    let (config, rows) = open();
    let known = of_sums(&config, summed(&config, &rows, false));
    let measured = metrics::measure(&config, Some(&known), &[]).unwrap();
    let from_rows = metrics::measure(&config, Some(&rows), &[]).unwrap();
    let of = |id: &str| measured.iter().position(|o| o.metric.id == id).unwrap();
    for id in ["adjusted", "strata", "conversion", "order", "order-adjusted", "row"] {
        compare(&from_rows[of(id)], &measured[of(id)]);
    }
    for id in ["median", "winsorized"] {
        assert_eq!(measured[of(id)].undefined.map(|reason| reason.code()), Some("rows-needed"));
    }
    let ranks = &measured[of("ranks")];
    assert_eq!(
        (ranks.choice.as_slice(), ranks.comparisons[0].deciding.test),
        (&["sums-welch-instead", "sums-no-values"][..], "welch")
    );
    assert!(ranks.groups[0].median.is_none() && ranks.groups[0].values.is_empty());
    let welch = |o: &MetricOutcome| o.comparisons[0].tests.iter().find(|t| t.test == "welch").unwrap().p;
    same("welch", Some(welch(&from_rows[of("ranks")])), Some(welch(ranks)));
}

/// The tables with values that share places of so many bits, as sums of very many values hold them.
fn rounded(sums: Sums, bits: u32) -> Sums {
    let mut json: serde_json::Value = serde_json::from_str(&sums.to_json().unwrap()).unwrap();
    for metric in json["metrics"].as_array_mut().unwrap() {
        for arm in metric["groups"].as_array_mut().unwrap() {
            let Some(pairs) = arm["table"].get("kept").cloned() else { continue };
            let pairs = pairs.as_array().unwrap().iter().map(|pair| {
                let value = pair[0].as_f64().unwrap();
                let rest = 52 - bits;
                let middle = f64::from_bits(value.to_bits() >> rest << rest | 1 << (rest - 1));
                serde_json::json!([if value == 0.0 { 0.0 } else { middle }, pair[1]])
            });
            let pairs: Vec<serde_json::Value> = pairs.collect();
            arm["table"] = serde_json::json!({ "rounded": { "bits": bits, "values": pairs } });
        }
    }
    Sums::from_json(&json.to_string()).unwrap()
}

#[test]
fn rounded_values_answer_within_their_error_and_means_stay_exact() {
    let (config, rows) = open();
    let bits = 14;
    let error = 0.5_f64.powi(bits as i32 + 1);
    let known = of_sums(&config, rounded(summed(&config, &rows, true), bits));
    let from_rows = metrics::measure(&config, Some(&rows), &[]).unwrap();
    let measured = metrics::measure(&config, Some(&known), &[]).unwrap();
    let of = |id: &str| measured.iter().position(|o| o.metric.id == id).unwrap();
    for (a, b) in from_rows.iter().zip(&measured) {
        assert_eq!(a.undefined, b.undefined);
        let has_table = !["conversion", "order", "order-adjusted", "row"].contains(&a.metric.id.as_str());
        assert_eq!(b.handling.rounded, has_table.then_some(error), "{}", a.metric.id);
    }
    let near = |what: &str, a: f64, b: f64| {
        assert!((a - b).abs() <= 1.001 * error * a.abs().max(b.abs()), "{what}: {a} {b}");
    };
    for (a, b) in from_rows[of("arpu")].groups.iter().zip(&measured[of("arpu")].groups) {
        same("mean", a.mean, b.mean);
        same("sd", a.sd, b.sd);
        same("max", a.max, b.max);
        near("median", a.median.unwrap(), b.median.unwrap());
        assert_eq!(a.values.len(), b.values.len());
        a.values.iter().zip(&b.values).for_each(|(a, b)| near("shown", *a, *b));
    }
    for id in ["median", "winsorized", "ranks"] {
        let (a, b) = (&from_rows[of(id)], &measured[of(id)]);
        assert_eq!(a.comparisons[0].deciding.test, b.comparisons[0].deciding.test, "{id}");
        for (a, b) in a.groups.iter().zip(&b.groups) {
            near(id, a.mean.unwrap(), b.mean.unwrap());
        }
        let (a, b) = (a.comparisons[0].deciding.p, b.comparisons[0].deciding.p);
        assert!((a - b).abs() <= 1e-3, "{id}: {a} {b}");
    }
    // Welch's test stands on the moments, beside a test of ranks, too.
    let welch = |o: &MetricOutcome| o.comparisons[0].tests.iter().find(|t| t.test == "welch").unwrap().p;
    for id in ["arpu", "ranks"] {
        same(id, Some(welch(&from_rows[of(id)])), Some(welch(&measured[of(id)])));
    }
}

#[test]
fn rows_of_units_in_parts_say_what_rows_say() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rows.csv"), rows()).unwrap();
    fs::write(folder.path().join("sums.toml"), CONFIG).unwrap();
    let open = |streaming: Streaming| {
        let mut config = config::load(&folder.path().join("sums.toml"), &[]).unwrap().value;
        config.data.as_mut().unwrap().streaming = streaming;
        let (source, start) = (config.data.as_ref().unwrap(), config.experiment.start);
        let (metrics, design, segments) = (&config.metrics, &config.design, &config.segments);
        let data = data::open(source, metrics, design, segments, start, date(2026, 3, 9)).unwrap().value;
        (config, data)
    };
    let ((config, rows), (_, parts)) = (open(Streaming::Never), open(Streaming::Always));
    assert!(rows.sums().is_none() && parts.sums().is_some());
    assert!(parts.streamed.as_ref().is_some_and(|streamed| streamed.of_units));
    let measured = |data: &Dataset| metrics::measure(&config, Some(data), &[]).unwrap();
    let (a, b) = (measured(&rows), measured(&parts));
    a.iter().zip(&b).for_each(|(a, b)| compare(a, b));
    let (by_rows, by_parts) =
        (course::run(&config, &rows, &a).unwrap(), course::run(&config, &parts, &b).unwrap());
    assert_eq!(by_rows.len(), by_parts.len());
    for (a, b) in by_rows.iter().zip(&by_parts).flat_map(|(a, b)| a.days.iter().zip(&b.days)) {
        assert_eq!(a.day, b.day);
        same("course", Some(a.estimate), Some(b.estimate));
    }
    let (a, b) = (segments::run(&config, &rows, &a).unwrap(), segments::run(&config, &parts, &b).unwrap());
    assert_eq!((a.len(), b.len()), (2, 2));
    a.iter().zip(&b).for_each(|(a, b)| same("total", a.found.total, b.found.total));
}

#[test]
fn gates_speak_of_sums_as_of_rows() {
    let (config, rows) = open();
    let mut sums = summed(&config, &rows, false);
    sums.rows.mixed_units = 7;
    sums.rows.without_unit = 3;
    sums.groups[1] = "NULL".into();
    let known = of_sums(&config, sums);
    let codes: Vec<(&str, bool)> =
        known.gates.iter().map(|gate| (gate.reason.code(), gate.refuses)).collect();
    assert!(
        codes.contains(&("units-in-two-groups", false)) && codes.contains(&("missing-unit", true)),
        "{codes:?}"
    );
    assert!(codes.contains(&("missing-group", true)), "{codes:?}");
    assert_eq!(known.groups.len(), 2);
    let empty = of_sums(&config, Sums { partitions: Vec::new(), ..Sums::default() });
    assert_eq!(empty.gates.iter().map(|gate| gate.reason.code()).collect::<Vec<_>>(), ["no-rows"]);
    assert!(
        known
            .gather(&Query {
                from: None,
                values: &["1"],
                filter: None,
                aggregate: Aggregate::Sum,
                population: itog::config::valid::Population::Matching,
                binary: false,
                adjustment: &itog::config::valid::Adjustment::default(),
            })
            .is_err()
    );
    let _: Option<Date> = known.daily.map(|daily| daily.days[0].0);
}
