//! Calibration of the proofs by simulation: what tests the tests must hold its own level. Seeds are fixed.

use itog::proof::balance::{Covariates, compare};
use itog::proof::calibration::Verdict;
use itog::proof::column::{Column, MeanTest, Measure, ProportionTest, UnitTable};
use itog::proof::engine::{Plan, Proof, prove};
use itog::proof::novelty::{DayEffect, Shape, course};
use itog::proof::sample_ratio::{CONCENTRATION, sequential};
use itog::proof::segments::{Arm, Segment, adjust_comparisons, assess};
use itog::stats::chi_square::goodness_of_fit;
use itog::stats::distributions::normal_quantile;
use itog::stats::{Level, Moments};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

const RUNS: u32 = 4000;

fn unit(rng: &mut impl Rng) -> f64 {
    ((rng.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

fn normal(rng: &mut impl Rng) -> f64 {
    normal_quantile(unit(rng))
}

/// Share of the runs in which `event` happens.
fn share(seed: u64, mut event: impl FnMut(&mut Xoshiro256PlusPlus) -> bool) -> f64 {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    f64::from((0..RUNS).map(|_| u32::from(event(&mut rng))).sum::<u32>()) / f64::from(RUNS)
}

/// Within four standard errors of a share of 5 % in [`RUNS`] runs.
fn assert_nominal(found: f64, what: &str) {
    let margin = 4.0 * (0.05_f64 * 0.95 / f64::from(RUNS)).sqrt();
    assert!((found - 0.05).abs() < margin, "{what}: {found} instead of 0.05");
}

fn proofs(columns: Vec<Measure>, units: usize, plan: &Plan, seed: u64) -> Vec<Proof> {
    let table = UnitTable { units, columns: columns.into_iter().map(Column::new).collect() };
    prove(&table, plan, &mut Xoshiro256PlusPlus::seed_from_u64(seed)).unwrap().proofs
}

#[test]
fn every_test_that_fits_its_data_has_uniform_p_values() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let n = 3000;
    let gaussian: Vec<f64> = (0..n).map(|_| 50.0 + 4.0 * normal(&mut rng)).collect();
    let skewed: Vec<f64> = (0..n).map(|_| (0.8 * normal(&mut rng)).exp()).collect();
    let orders: Vec<f64> = (0..n).map(|_| (1.0 - 2.0 * unit(&mut rng).ln()).floor()).collect();
    let revenue: Vec<f64> = orders.iter().map(|k| k * (5.0 + normal(&mut rng))).collect();
    let mean = |values: &[f64], test| Measure::Mean { values: values.to_vec(), test };
    let measures = vec![
        mean(&gaussian, MeanTest::Welch),
        mean(&gaussian, MeanTest::Student),
        mean(&skewed, MeanTest::Welch),
        mean(&skewed, MeanTest::MannWhitney),
        mean(&orders, MeanTest::MannWhitney),
        mean(&skewed, MeanTest::BrunnerMunzel),
        Measure::Ratio { numerator: revenue, denominator: orders.clone() },
        mean(&skewed, MeanTest::Bootstrap),
        mean(&skewed, MeanTest::Permutation),
    ];
    for weights in [vec![1.0, 1.0], vec![7.0, 3.0]] {
        let plan = Plan { weights, budget: 0.5, ..Plan::halves(0.05) };
        for proof in proofs(measures.clone(), n, &plan, 2) {
            let uniformity = proof.uniformity.unwrap();
            assert_eq!(proof.verdict, Verdict::Holds, "{} {:?}", proof.metric, proof.rate);
            assert!(uniformity.p > 1e-4, "{} {uniformity:?}", proof.metric);
            assert_eq!(proof.undefined, 0);
        }
    }
}

#[test]
fn discrete_tests_have_no_excess_of_small_p_values() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
    let n = 2000;
    let rare: Vec<bool> = (0..n).map(|_| unit(&mut rng) < 0.01).collect();
    let common: Vec<bool> = (0..n).map(|_| unit(&mut rng) < 0.3).collect();
    let delays: Vec<f64> = (0..n).map(|_| (-20.0 * unit(&mut rng).ln()).round()).collect();
    let measures = vec![
        Measure::Proportion { successes: rare, test: ProportionTest::Fisher },
        Measure::Proportion { successes: common.clone(), test: ProportionTest::Z },
        Measure::Proportion { successes: common, test: ProportionTest::ChiSquare },
        Measure::Quantile { values: delays, q: 0.5 },
    ];
    let found = proofs(measures, n, &Plan::halves(0.05), 4);
    assert!(found[0].discrete && found[0].uniformity.unwrap().p_excess > 0.5);
    assert!(found[0].rate.unwrap().share < 0.05);
    assert!(found[1..3].iter().all(|proof| proof.verdict == Verdict::Holds));
    assert!(!matches!(found[3].verdict, Verdict::TooMany | Verdict::NotRun(_)), "{:?}", found[3].rate);
}

#[test]
fn a_test_that_does_not_fit_is_found_out() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
    let n = 600;
    // Two to nine rows a unit, whose level is the unit's: rows are no units.
    let (mut count, mut sum, mut squares) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..n {
        let (rows, level) = (2.0 + (8.0 * unit(&mut rng)).floor(), normal(&mut rng));
        let values: Vec<f64> = (0..rows as usize).map(|_| level + normal(&mut rng)).collect();
        count.push(rows);
        sum.push(values.iter().sum());
        squares.push(values.iter().map(|x| x * x).sum());
    }
    let per_unit = Measure::Ratio { numerator: sum.clone(), denominator: count.clone() };
    let per_row = Measure::Rows { count, sum, sum_of_squares: squares };
    let found = proofs(vec![per_row, per_unit], n, &Plan::halves(0.05), 6);
    assert_eq!(found[0].verdict, Verdict::TooMany);
    assert!(found[0].rate.unwrap().share > 0.2 && found[0].uniformity.unwrap().p_excess < 1e-9);
    assert_eq!(found[1].verdict, Verdict::Holds);
}

/// One group of units with the mean of a segment.
fn arm(n: u64, mean: f64, rng: &mut impl Rng) -> Arm {
    let mut moments = Moments::EMPTY;
    (0..n).for_each(|_| moments.push(mean + normal(rng)));
    Arm { n, mean: moments.mean, variance: moments.variance().unwrap(), denominator: None }
}

#[test]
fn interactions_between_segments_hold_their_level() {
    let run = |rng: &mut Xoshiro256PlusPlus, extra: f64| {
        let segments: Vec<Segment> = [(150, 0.0), (220, 1.0), (120, -2.0), (180, 0.5)]
            .iter()
            .enumerate()
            .map(|(i, &(n, level))| Segment {
                id: i.to_string(),
                control: arm(n, level, rng),
                treatment: arm(n, level + 0.3 + if i == 0 { extra } else { 0.0 }, rng),
            })
            .collect();
        let mut found = assess(&segments, 100, Level::P95).unwrap();
        adjust_comparisons([&mut found]).unwrap();
        found
    };
    let (mut single, mut any) = (0, 0);
    let q = share(7, |rng| {
        let found = run(rng, 0.0);
        let rests: Vec<_> = found.effects.iter().filter_map(|effect| effect.against_rest).collect();
        single += u32::from(rests[2].difference.p < 0.05);
        any += u32::from(rests.iter().any(|rest| rest.p_adjusted < 0.05));
        found.heterogeneity.unwrap().p < 0.05
    });
    assert_nominal(q, "Cochran's Q");
    assert_nominal(f64::from(single) / f64::from(RUNS), "one segment against the rest");
    let any = f64::from(any) / f64::from(RUNS);
    assert!(any > 0.02 && any < 0.064, "any segment after the correction: {any}");
    // And an interaction that is there is found.
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(8);
    assert!((0..50).filter(|_| run(&mut rng, 1.0).heterogeneity.unwrap().p < 0.05).count() > 48);
}

#[test]
fn the_novelty_check_holds_its_level() {
    let days = |rng: &mut Xoshiro256PlusPlus, slope: f64| -> Vec<DayEffect> {
        (0..14)
            .map(|day| {
                let se = 0.1 + 0.01 * f64::from(day);
                DayEffect {
                    day,
                    estimate: 0.5 + slope * f64::from(day) + se * normal(rng),
                    se,
                    size: se.powi(-2),
                }
            })
            .collect()
    };
    let mut fits = 0;
    let moved = share(9, |rng| {
        let found = course(&days(rng, 0.0), None, Level::P95).unwrap();
        fits += u32::from(found.fit_p.unwrap() < 0.05);
        found.shape != Shape::Stable
    });
    assert_nominal(moved, "the slope");
    assert_nominal(f64::from(fits) / f64::from(RUNS), "the fit of the line");
    let fades = share(10, |rng| course(&days(rng, -0.03), None, Level::P95).unwrap().shape == Shape::Fades);
    assert!(fades > 0.6, "{fades}");
}

#[test]
fn days_of_the_same_users_do_not_make_the_novelty_check_liberal() {
    // Users are alike on all their days: the effects of days share an error as large as their own.
    let moved = share(11, |rng| {
        let common = 0.1 * normal(rng);
        let days: Vec<DayEffect> = (0..14)
            .map(|day| DayEffect {
                day,
                estimate: common + 0.1 * normal(rng),
                se: 0.02_f64.sqrt(),
                size: 1.0,
            })
            .collect();
        course(&days, None, Level::P95).unwrap().shape != Shape::Stable
    });
    assert!(moved < 0.02, "{moved}");
}

#[test]
fn the_sequential_sample_ratio_check_holds_its_level_over_a_hundred_looks() {
    let (nights, a_night) = (100, 400);
    let mut naive = 0;
    let found = share(12, |rng| {
        let mut control = 0;
        let counts: Vec<Vec<u64>> = (1..=nights)
            .map(|night| {
                // 400 fair coins: the bits of seven words, less the forty-eight that are too many.
                let words: u32 = (0..6).map(|_| rng.next_u64().count_ones()).sum();
                control += u64::from(words + (rng.next_u64() & 0xffff).count_ones());
                vec![control, night * a_night - control]
            })
            .collect();
        naive += u32::from(counts.iter().any(|night| goodness_of_fit(night, &[1.0, 1.0]).unwrap().p < 0.05));
        sequential(&counts, &[1.0, 1.0], CONCENTRATION).unwrap().p < 0.05
    });
    let naive = f64::from(naive) / f64::from(RUNS);
    assert!(found < 0.05 && found > 0.001, "{found}");
    assert!(naive > 0.3, "a chi-square test every night: {naive}");
}

#[test]
fn the_joint_test_of_balance_holds_its_level() {
    let found = share(13, |rng| {
        let mut group = |n: usize| {
            let common: Vec<f64> = (0..n).map(|_| normal(rng)).collect();
            let mut near =
                |weight: f64| -> Vec<f64> { common.iter().map(|c| weight * c + normal(rng)).collect() };
            let columns = [near(1.0), near(3.0), near(-0.5)];
            Covariates::from_columns(&columns.each_ref().map(Vec::as_slice)).unwrap()
        };
        let (control, treatment) = (group(60), group(90));
        compare(&control, &treatment).unwrap().joint.unwrap().p < 0.05
    });
    assert_nominal(found, "Hotelling's test");
}
