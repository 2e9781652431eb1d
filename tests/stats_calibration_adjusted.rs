//! Calibration of the estimators that adjust, cut or cluster before they compare: under the null hypothesis a test at 5 %
//! rejects in 5 % of the samples and a 95 % interval covers in 95 %, within Monte-Carlo bounds. Seeds are fixed, so that the
//! outcome is too. Where a simpler method would fail on the same samples, the test shows that it does.

#![allow(clippy::disallowed_methods, reason = "tests read and write files")]

use itog::stats::clustered_quantile::{clustered_quantile, clustered_quantile_difference};
use itog::stats::comoments::Comoments;
use itog::stats::distributions::normal_quantile;
use itog::stats::permutation::permutation_mean_difference;
use itog::stats::post_stratification::post_stratified;
use itog::stats::quantile_difference::quantile_interval;
use itog::stats::ratio::{Estimate, relative_effect};
use itog::stats::regression_adjustment::{adjusted_means, adjusted_ratios};
use itog::stats::t_test::{MeanDifference, student_t_critical, welch};
use itog::stats::winsorize::{bounds, winsorized};
use itog::stats::{Alternative, Level, Moments};
use rand::{Rng, RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

const TWO_SIDED: Alternative = Alternative::TwoSided;

fn uniform(rng: &mut impl Rng) -> f64 {
    (rng.random_range(0..1u64 << 52) as f64 + 0.5) / (1u64 << 52) as f64
}

fn normal(rng: &mut impl Rng) -> f64 {
    normal_quantile(uniform(rng))
}

fn exponential(rng: &mut impl Rng) -> f64 {
    -uniform(rng).ln()
}

/// How often each of several events happened in `runs` samples, as shares.
fn shares<const N: usize>(
    seed: u64,
    runs: u32,
    mut events: impl FnMut(&mut Xoshiro256PlusPlus) -> [bool; N],
) -> [f64; N] {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut counts = [0_u32; N];
    for _ in 0..runs {
        for (count, event) in counts.iter_mut().zip(events(&mut rng)) {
            *count += u32::from(event);
        }
    }
    counts.map(|count| f64::from(count) / f64::from(runs))
}

/// Within four standard errors of the nominal share, and `slack` for what the method itself approximates.
fn assert_near(found: f64, nominal: f64, runs: u32, slack: f64, what: &str) {
    let margin = 4.0 * (nominal * (1.0 - nominal) / f64::from(runs)).sqrt() + slack;
    assert!((found - nominal).abs() <= margin, "{what}: {found} instead of {nominal} ± {margin}");
}

#[test]
fn several_covariates_hold_the_level_and_cover() {
    let runs = 6000;
    let group = |rng: &mut Xoshiro256PlusPlus, n: usize, effect: f64, spread: f64| {
        let mut columns = [const { Vec::new() }; 3];
        for _ in 0..n {
            let first = exponential(rng);
            let second = 0.5 * first + normal(rng);
            let y = 2.0 * first - second + effect + spread * (exponential(rng) - 1.0);
            columns.iter_mut().zip([y, first, second]).for_each(|(column, value)| column.push(value));
        }
        Comoments::from_columns(&columns.each_ref().map(Vec::as_slice)).unwrap()
    };
    let mut gained = 0.0;
    let [rejected, covered] = shares(1, runs, |rng| {
        let control = group(rng, 120, 0.0, 0.5);
        let compare = |treatment: Comoments| {
            let answer = adjusted_means(&[control.clone(), treatment]).unwrap();
            gained += answer.variance_ratio(0, 1).unwrap() / f64::from(2 * runs);
            welch(&answer.groups[1], &answer.groups[0], TWO_SIDED, Level::P95).unwrap()
        };
        let mut compare = compare;
        [compare(group(rng, 90, 0.0, 1.5)).p < 0.05, compare(group(rng, 90, 0.4, 1.5)).ci.contains(0.4)]
    });
    assert_near(rejected, 0.05, runs, 0.004, "CUPED with two covariates");
    assert_near(covered, 0.95, runs, 0.004, "CUPED with two covariates, coverage");
    assert!(gained < 0.45, "the covariates explain most of the metric: {gained}");
}

#[test]
fn adjusted_ratios_hold_the_level_and_cover() {
    let runs = 4000;
    // A unit's rate is known from before, but for noise; the effect raises every numerator by a tenth.
    let group = |rng: &mut Xoshiro256PlusPlus, n: usize, factor: f64| {
        let mut columns = [const { Vec::new() }; 4];
        for _ in 0..n {
            let denominator = 1.0 + (4.0 * exponential(rng)).floor();
            let rate = 1.0 + uniform(rng);
            let numerator = factor * denominator * rate + 0.3 * normal(rng);
            let row = [numerator, denominator, rate + 0.2 * normal(rng), denominator + normal(rng)];
            columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
        }
        Comoments::from_columns(&columns.each_ref().map(Vec::as_slice)).unwrap()
    };
    let z = student_t_critical(f64::INFINITY, TWO_SIDED, Level::P95);
    let mut gained = 0.0;
    let [rejected, covered, fieller, log_delta] = shares(2, runs, |rng| {
        let groups = [group(rng, 300, 1.0), group(rng, 250, 1.0), group(rng, 250, 1.1)];
        let answer = adjusted_ratios(&groups).unwrap();
        gained += answer.variance_ratio(0, 1).unwrap() / f64::from(runs);
        let [control, same, better] = [0, 1, 2].map(|g| answer.groups[g]);
        let compare = |treatment: Estimate| {
            let se = (control.variance + treatment.variance).sqrt();
            let estimate = treatment.value - control.value;
            MeanDifference::from_estimate(estimate, se, f64::INFINITY, TWO_SIDED, Level::P95).unwrap()
        };
        let relative = relative_effect(control, better, z).unwrap();
        [
            compare(same).p < 0.05,
            compare(better).ci.contains(0.15),
            relative.fieller.unwrap().contains(0.1),
            relative.log_delta.unwrap().contains(0.1),
        ]
    });
    assert_near(rejected, 0.05, runs, 0.004, "CUPED on ratios");
    assert_near(covered, 0.95, runs, 0.004, "CUPED on ratios, coverage");
    assert_near(fieller, 0.95, runs, 0.004, "CUPED on ratios, Fieller");
    assert_near(log_delta, 0.95, runs, 0.004, "CUPED on ratios, log-delta");
    assert!(gained < 0.7, "the covariates explain a part of the ratio: {gained}");
}

#[test]
fn strata_hold_the_level_and_cover() {
    let runs = 6000;
    // The last stratum has three units in a hundred and is pooled in most samples.
    let strata = [(0.5, 0.0, 1.0), (0.3, 3.0, 2.0), (0.17, 8.0, 1.0), (0.03, 15.0, 4.0)];
    let group = |rng: &mut Xoshiro256PlusPlus, n: usize, effect: f64| {
        let mut moments = vec![Moments::EMPTY; strata.len()];
        for _ in 0..n {
            let mut draw = uniform(rng);
            let at = strata.iter().position(|(share, ..)| {
                draw -= share;
                draw < 0.0
            });
            let at = at.unwrap_or(0);
            moments[at].push(strata[at].1 + effect + strata[at].2 * (exponential(rng) - 1.0));
        }
        moments
    };
    let mut gained = 0.0;
    let [rejected, covered] = shares(3, runs, |rng| {
        let answer =
            post_stratified(&[group(rng, 60, 0.0), group(rng, 90, 0.0), group(rng, 90, 0.7)]).unwrap();
        gained += answer.variance_ratio(0, 1).unwrap() / f64::from(runs);
        let compare = |treatment| answer.difference(treatment, 0, TWO_SIDED, Level::P95).unwrap();
        [compare(1).p < 0.05, compare(2).ci.contains(0.7)]
    });
    assert_near(rejected, 0.05, runs, 0.003, "post-stratification");
    assert_near(covered, 0.95, runs, 0.003, "post-stratification, coverage");
    assert!(gained < 0.5, "strata explain most of the metric: {gained}");
}

#[test]
fn effects_that_differ_between_strata_need_the_variance_of_the_shares() {
    let runs = 6000;
    // Half of the population gains what the other half loses; by chance a sample holds more of the one.
    let group = |rng: &mut Xoshiro256PlusPlus, n: usize, effect: f64| {
        let mut moments = vec![Moments::EMPTY; 2];
        for _ in 0..n {
            let at = rng.random_range(0..2_usize);
            moments[at].push(normal(rng) + if at == 0 { effect } else { -effect });
        }
        moments
    };
    let [with, without] = shares(10, runs, |rng| {
        let answer = post_stratified(&[group(rng, 80, 0.0), group(rng, 120, 2.0)]).unwrap();
        let plain = answer.difference(1, 0, TWO_SIDED, Level::P95).unwrap();
        let se = (plain.se * plain.se + answer.share_variance(1, 0).unwrap()).sqrt();
        let test =
            MeanDifference::from_estimate(plain.estimate, se, plain.df, TWO_SIDED, Level::P95).unwrap();
        [test.p < 0.05, plain.p < 0.05]
    });
    assert_near(with, 0.05, runs, 0.003, "post-stratification with the variance of the shares");
    assert!(without > 0.1, "the effect in the sample is not that in the population: {without}");
}

#[test]
fn clustered_quantiles_hold_the_level_and_cover() {
    let runs = 2500;
    let q = 0.75;
    let group = |rng: &mut Xoshiro256PlusPlus, clusters: u32, informative: bool| {
        let (mut values, mut inside) = (Vec::new(), Vec::new());
        for cluster in 0..clusters {
            let own = normal(rng);
            let more = if informative && own > 0.0 { 4.0 } else { 0.0 };
            for _ in 0..1 + (more + 5.0 * uniform(rng)) as u32 {
                values.push(own + normal(rng));
                inside.push(cluster);
            }
        }
        (values, inside)
    };
    // Rows are normal with variance two, however many rows a cluster has.
    let truth = 2.0_f64.sqrt() * normal_quantile(q);
    let [covered, by_rows, rejected, informative] = shares(4, runs, |rng| {
        let (first, second) = (group(rng, 120, false), group(rng, 160, false));
        let of = |(values, clusters): &(Vec<f64>, Vec<u32>)| {
            clustered_quantile(values, clusters, q, Level::P95).unwrap()
        };
        let differ = |a: &(Vec<f64>, Vec<u32>), b: &(Vec<f64>, Vec<u32>)| {
            clustered_quantile_difference(&of(a), &of(b), TWO_SIDED, Level::P95).unwrap().p < 0.05
        };
        let mut sorted = first.0.clone();
        sorted.sort_by(f64::total_cmp);
        let (many, few) = (group(rng, 160, true), group(rng, 120, true));
        [
            of(&first).interval.contains(truth),
            quantile_interval(&sorted, q, Level::P95).contains(truth),
            differ(&first, &second),
            differ(&many, &few),
        ]
    });
    assert_near(covered, 0.95, runs, 0.008, "clustered quantile, coverage");
    assert!(by_rows < 0.9, "rows taken as independent cover too seldom: {by_rows}");
    assert_near(rejected, 0.05, runs, 0.008, "clustered quantiles");
    assert_near(informative, 0.05, runs, 0.008, "clustered quantiles, sizes that tell");
}

#[test]
fn the_interval_of_the_permutation_test_covers() {
    let runs = 1500;
    // With 499 relabellings the p-values are multiples of 1/500, and those below 5 % have 4.8 % of the law.
    let [covered, significant] = shares(5, runs, |rng| {
        let first: Vec<f64> = (0..25).map(|_| exponential(rng) + 0.7).collect();
        let second: Vec<f64> = (0..40).map(|_| exponential(rng)).collect();
        let answer = permutation_mean_difference(&first, &second, 499, TWO_SIDED, rng).unwrap();
        let interval = answer.interval(Level::P95);
        assert_eq!(answer.p < 0.05, !interval.contains(0.0));
        [interval.contains(0.7), answer.p < 0.05]
    });
    assert_near(covered, 0.952, runs, 0.0, "permutation interval");
    assert!(significant > 0.5, "a shift of 0.7 is mostly found: {significant}");
    // Counts are relabelled by bins. Ties make the test conservative, a little.
    let [covered] = shares(6, runs, |rng| {
        let mut counts = |n: usize, shift: f64| {
            (0..n).map(|_| (3.0 * exponential(rng)).floor() + shift).collect::<Vec<f64>>()
        };
        let (first, second) = (counts(300, 1.0), counts(450, 0.0));
        let answer = permutation_mean_difference(&first, &second, 499, TWO_SIDED, rng).unwrap();
        [answer.interval(Level::P95).contains(1.0)]
    });
    assert_near(covered, 0.952, runs, 0.003, "permutation interval of counts");
    // Few units, all relabellings: coverage is at least the level.
    let [two_sided, one_sided] = shares(7, runs, |rng| {
        let first: Vec<f64> = (0..6).map(|_| exponential(rng) + 2.0).collect();
        let second: Vec<f64> = (0..5).map(|_| exponential(rng)).collect();
        let interval = |alternative, rng: &mut Xoshiro256PlusPlus| {
            let answer = permutation_mean_difference(&first, &second, 1000, alternative, rng).unwrap();
            assert!(answer.exact);
            answer.interval(Level::P95)
        };
        [interval(TWO_SIDED, rng).contains(2.0), interval(Alternative::Greater, rng).contains(2.0)]
    });
    // 23 of 462 relabellings are the most below 5 %.
    assert_near(two_sided, 1.0 - 23.0 / 462.0, runs, 0.0, "exact permutation interval");
    assert_near(one_sided, 1.0 - 23.0 / 462.0, runs, 0.0, "exact one-sided permutation interval");
}

#[test]
fn winsorised_means_hold_the_level() {
    let runs = 5000;
    let group = |rng: &mut Xoshiro256PlusPlus, n: usize| -> Vec<f64> {
        (0..n).map(|_| (1.5 * normal(rng)).exp()).collect()
    };
    let [rejected, one_sided] = shares(8, runs, |rng| {
        let (first, second) = (group(rng, 250), group(rng, 350));
        let cut = bounds(&[&first, &second], 0.0, 0.97).unwrap();
        let moments = |values: &[f64]| Moments::from_slice(&winsorized(values, cut).values);
        let compare = |alternative| {
            welch(&moments(&first), &moments(&second), alternative, Level::P95).unwrap().p < 0.05
        };
        [compare(TWO_SIDED), compare(Alternative::Greater)]
    });
    assert_near(rejected, 0.05, runs, 0.002, "winsorised Welch");
    assert_near(one_sided, 0.05, runs, 0.008, "winsorised Welch, one-sided");
}

#[test]
fn relative_intervals_cover_an_effect() {
    let runs = 6000;
    let [fieller, log_delta, agree] = shares(9, runs, |rng| {
        let mut sample = |n: usize, factor: f64| {
            Moments::from_slice(&(0..n).map(|_| factor * (1.0 + exponential(rng))).collect::<Vec<f64>>())
        };
        let (control, treatment) = (sample(150, 1.0), sample(110, 1.2));
        let test = welch(&treatment, &control, TWO_SIDED, Level::P95).unwrap();
        let estimate = |m: &Moments| Estimate { value: m.mean, variance: m.variance_of_mean().unwrap() };
        let critical = student_t_critical(test.df, TWO_SIDED, Level::P95);
        let relative = relative_effect(estimate(&control), estimate(&treatment), critical).unwrap();
        let fieller = relative.fieller.unwrap();
        let agree = (test.p < Level::P95.alpha()) != fieller.contains(0.0);
        [fieller.contains(0.2), relative.log_delta.unwrap().contains(0.2), agree]
    });
    assert_near(fieller, 0.95, runs, 0.003, "Fieller");
    assert_near(log_delta, 0.95, runs, 0.003, "log-delta");
    assert_eq!(agree, 1.0, "Fieller's interval and Welch's test say the same");
}
