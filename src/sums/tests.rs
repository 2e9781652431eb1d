//! Any split of the units merges to the same sums, and sums that were written are the same when they are read.

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::stats::Moments;

/// A unit: group, day, part, value, covariate.
type Unit = (usize, i8, u32, f64, Option<f64>);

fn sums(units: &[Unit]) -> Sums {
    let mut sums = Sums {
        groups: vec!["A".into(), "B".into()],
        partitions: vec![Partition { by: "platform".into(), parts: vec!["ios".into(), "web".into()] }],
        ..Sums::default()
    };
    let known: Vec<f64> = units.iter().filter_map(|unit| unit.4).collect();
    let mut metric = MetricSums {
        metric: "arpu".into(),
        values: 1,
        covariates: vec![Covariate { name: "age".into(), known: Moments::from_slice(&known) }],
        strata: Some(0),
        groups: vec![ArmSums::default(), ArmSums::default()],
    };
    for (group, day, part, value, covariate) in units {
        let key = Key {
            day: Some(date(2026, 3, *day)),
            parts: vec![*part],
            lacking: u32::from(covariate.is_none()),
        };
        let cell = Cell::of(key, &[&[*value], &[covariate.unwrap_or(0.0)]]).unwrap();
        metric.groups[*group].add(cell).unwrap();
        sums.expose(Exposure {
            group: *group,
            day: Some(date(2026, 3, *day)),
            parts: vec![*part],
            units: 1,
            analysed: 1,
            rows: 1,
        });
        sums.rows.total += 1;
    }
    for (group, arm) in metric.groups.iter_mut().enumerate() {
        let own: Vec<f64> = units.iter().filter(|unit| unit.0 == group).map(|unit| unit.3).collect();
        arm.table = Table::Kept(ValueTable::of(&own));
    }
    sums.metrics.push(metric);
    sums
}

fn units() -> impl Strategy<Value = Vec<Unit>> {
    prop::collection::vec(
        (
            0..2_usize,
            1..4_i8,
            0..2_u32,
            (0..40_i32).prop_map(|v| 1e6 + f64::from(v)),
            prop::option::of(-5.0..5.0_f64),
        ),
        2..120,
    )
}

fn close(a: f64, b: f64, scale: f64) -> bool {
    (a - b).abs() <= 1e-12 * scale.max(1.0)
}

proptest! {
    #[test]
    fn any_split_merges_to_the_same_sums(units in units(), cut in 0.0..1.0_f64) {
        let at = (cut * units.len() as f64) as usize;
        let whole = sums(&units);
        let merged = sums(&units[..at]).merge(&sums(&units[at..])).unwrap();
        prop_assert_eq!(whole.rows, merged.rows);
        let n = units.len() as f64;
        for group in 0..2 {
            let (a, b) = (&whole.metrics[0], &merged.metrics[0]);
            prop_assert_eq!(whole.units(group, |e| e.day), merged.units(group, |e| e.day));
            prop_assert_eq!(&a.groups[group].table, &b.groups[group].table);
            if a.covariates[0].known.n == 0 { continue }
            let (a, b) = (a.groups[group].total(a).unwrap(), b.groups[group].total(b).unwrap());
            prop_assert_eq!((a.range, a.zeros, a.joint.n()), (b.range, b.zeros, b.joint.n()));
            prop_assert!(close(a.joint.means()[0], b.joint.means()[0], 1e6));
            prop_assert!(close(a.joint.means()[1], b.joint.means()[1], 10.0));
            for (j, k) in [(0, 0), (0, 1), (1, 1)] {
                // Deviations are within 40 and 10, but the means they are taken about have the rounding of a million.
                let (a, b) = (a.joint.co_moment(j, k).unwrap(), b.joint.co_moment(j, k).unwrap());
                prop_assert!(close(a, b, n * 1600.0), "{j} {k}: {a} {b}");
            }
            prop_assert!(close(a.shape.m3, b.shape.m3, n * 64e3));
            prop_assert!(close(a.shape.m4, b.shape.m4, n * 2560e3));
        }
    }

    #[test]
    fn what_is_written_is_read_to_the_last_bit(units in units()) {
        let sums = sums(&units);
        let text = sums.to_json().unwrap();
        let read = Sums::from_json(&text).unwrap();
        prop_assert_eq!(&read, &sums);
        prop_assert_eq!(read.to_json().unwrap(), text);
    }

    #[test]
    fn gaps_are_filled_with_the_mean_of_all_units(units in units()) {
        let sums = sums(&units);
        let metric = &sums.metrics[0];
        let known: Vec<f64> = units.iter().filter_map(|unit| unit.4).collect();
        let mean = known.iter().sum::<f64>() / known.len() as f64;
        for group in 0..2 {
            let own: Vec<&Unit> = units.iter().filter(|unit| unit.0 == group).collect();
            let Ok(total) = metric.groups[group].total(metric) else {
                prop_assert!(known.is_empty());
                continue;
            };
            let column: Vec<f64> = own.iter().map(|unit| unit.4.unwrap_or(mean)).collect();
            let direct = Moments::from_slice(&column);
            let filled = total.joint.of_variable(1).unwrap();
            prop_assert!(close(direct.mean, filled.mean, 10.0) && close(direct.m2, filled.m2, 1e3), "{direct:?} {filled:?}");
            prop_assert_eq!(metric.groups[group].covariates_missing(), own.iter().filter(|u| u.4.is_none()).count() as u64);
        }
    }
}

#[test]
fn groups_and_parts_that_are_new_are_added() {
    let mut other = sums(&[(0, 1, 1, 5.0, None), (1, 1, 0, 7.0, Some(1.0))]);
    other.groups = vec!["C".into(), "B".into()];
    other.partitions[0].parts = vec!["web".into(), "tv".into()];
    let both = sums(&[(1, 1, 1, 6.0, Some(2.0))]).merge(&other).unwrap();
    assert_eq!(both.groups, ["A", "B", "C"]);
    assert_eq!(both.partitions[0].parts, ["ios", "web", "tv"]);
    assert_eq!(both.metrics[0].groups[2].cells[0].key.parts, [2]);
    assert_eq!(both.metrics[0].groups[1].total(&both.metrics[0]).unwrap().joint.means()[0], 6.5);
    let strange = Sums { metrics: Vec::new(), ..both.clone() };
    assert!(both.merge(&strange).is_err());
}

#[test]
fn tables_add_up_and_have_an_end() {
    let table = ValueTable::of(&[3.0, -0.0, 1.0, 0.0, 3.0]);
    assert_eq!(table.pairs(), [(0.0, 2), (1.0, 1), (3.0, 2)]);
    assert_eq!(table.expanded(), [0.0, 0.0, 1.0, 3.0, 3.0]);
    let many = Table::Kept((0..MOST_VALUES as u64).map(|value| (value as f64, 1)).collect());
    assert_eq!(many.merge(&Table::Kept(ValueTable::of(&[0.0]))).kept().map(ValueTable::units), Some(50_001));
    assert_eq!(many.merge(&Table::Kept(ValueTable::of(&[0.5]))), Table::TooManyValues);
    assert_eq!(many.merge(&Table::NotAsked), Table::NotAsked);
}

#[test]
fn a_table_of_too_many_values_is_rounded_as_little_as_needed() {
    // More different values than places: 700 000 of one octave and some.
    let value = |i: u64| 1.0 + (i.wrapping_mul(2_654_435_761) % 4_294_967_296) as f64 / 4_294_967_296.0;
    let values: Vec<f64> = (0..700_000).map(value).chain([0.0, -3.5, 0.0]).collect();
    let whole = Table::rounded(&values);
    let (table, error) = whole.values().unwrap();
    assert!(whole.kept().is_none() && table.pairs().len() <= MOST_PLACES && table.units() == 700_003);
    // 18 bits of an octave are 262 144 places, which any values fit into.
    assert!(error > 0.0 && error <= 0.5_f64.powi(19), "{error}");
    let mut sorted = values.clone();
    sorted.sort_by(f64::total_cmp);
    for (known, found) in sorted.iter().zip(table.expanded()) {
        assert!((known - found).abs() <= error * known.abs(), "{known} {found}");
    }
    // However the values are split, the table is the same.
    for cuts in [vec![1, 300_000], vec![650_000], vec![10, 20, 699_999, 700_000]] {
        let mut parts = Table::rounded(&[]);
        let mut start = 0;
        for end in cuts.into_iter().chain([values.len()]) {
            parts = parts.merge(&Table::rounded(&values[start..end]));
            start = end;
        }
        assert_eq!(parts, whole);
    }
    let few = Table::rounded(&[2.5, 0.1, 2.5]);
    assert_eq!(few.kept().unwrap().pairs(), [(0.1, 1), (2.5, 2)]);
    let exact = Table::Kept(ValueTable::of(&[0.1, 7.0]));
    assert_eq!(few.merge(&exact).kept().unwrap().pairs(), [(0.1, 2), (2.5, 2), (7.0, 1)]);
}

proptest! {
    #[test]
    fn quantiles_of_a_table_are_those_of_its_values(
        values in prop::collection::vec((-9..9_i32).prop_map(f64::from), 1..60),
        share in 0.0..=1.0_f64,
        most in 1..70_usize,
    ) {
        let table = ValueTable::of(&values);
        let sorted = table.expanded();
        let known = crate::stats::quantiles::quantile_sorted(&sorted, share);
        prop_assert!(table.quantile(share).zip(known).is_some_and(|(a, b)| close(a, b, 10.0)));
        let step = values.len().div_ceil(most);
        let shown: Vec<f64> = sorted.iter().copied().step_by(step).collect();
        prop_assert_eq!(table.spread(most), shown);
    }
}

#[test]
fn sums_of_another_form_are_refused() {
    assert!(Sums::from_json("{}").is_err());
    let text = Sums { schema: "itog.sums.v9".into(), ..Sums::default() }.to_json().unwrap();
    assert!(Sums::from_json(&text).unwrap_err().contains("v9"));
    let mut broken = sums(&[(0, 1, 0, 1.0, None)]);
    broken.exposures[0].parts = vec![7];
    assert!(Sums::from_json(&broken.to_json().unwrap()).is_err());
}
