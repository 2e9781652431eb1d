//! One hypothesis, one verdict: for every test, correction and display the interval excludes zero exactly when the pair is
//! significant; swapping, scaling and shuffling change what they should and nothing else.

use std::path::Path;

use super::outcome::{Comparison, MetricOutcome};
use super::{Draft, compare, of_rows};
use crate::config::valid::{Config, MetricSource};
use crate::data::{Gathered, GroupValues};
use crate::stats::Level;
use proptest::prelude::*;
use rand::{Rng, RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

fn config(design: &str, metric: &str) -> Config {
    let text = format!(
        "[experiment]\nid = \"e\"\ntitle = \"T\"\n[design]\n{design}\n[data]\npath = \"x.csv\"\ngroup = \"g\"\n\
         unit = \"u\"\n[[metric]]\nid = \"m\"\nvalue = \"v\"\n{metric}\n"
    );
    match crate::config::parse(Path::new("x.toml"), &text, &[]) {
        Ok(read) => read.value,
        Err(problems) => panic!("{problems:?}"),
    }
}

fn outcome(config: &Config, groups: Vec<GroupValues>) -> MetricOutcome {
    let metric = &config.metrics[0];
    let MetricSource::Rows(rows) = &metric.source else { panic!("rows") };
    let strata = groups.iter().flat_map(|g| &g.strata).max().map_or(0, |last| *last + 1);
    let gathered = Gathered {
        covariates: (0..groups[0].covariates.len()).map(|at| format!("x{at}")).collect(),
        strata: (0..strata).map(|at| at.to_string()).collect(),
        groups,
    };
    let (estimator, layout) = of_rows(config, metric, rows, gathered).expect("defined");
    let draft = Draft { metric, estimator, layout };
    let level = Level::from_alpha(config.design.alpha).expect("alpha");
    let frame = compare::Frame { config, data: None, plans: &[], level };
    let tested = compare::test(&frame, &draft).map_err(|(_, reason)| reason).expect("tested");
    compare::judge(&frame, vec![tested]).remove(0)
}

/// A group of `n` units; the shape of the values goes from normal-like to heavy with many zeros and ties.
fn group(id: &str, n: usize, shape: usize, shift: f64, rng: &mut impl Rng) -> GroupValues {
    let mut of = |_: usize| -> f64 {
        let (u, v): (f64, f64) = (rng.random::<f64>().max(1e-12), rng.random());
        match shape {
            0 => 10.0 + shift + u + v,
            1 => (-u.ln() * 5.0 + shift.abs() * v).floor(),
            2 if v < 0.7 => 0.0,
            2 => (1.0 + shift.abs()) / u.sqrt(),
            _ => f64::from(u8::from(u < (0.3 + shift / 10.0).clamp(0.05, 0.95))),
        }
    };
    let values: Vec<f64> = (0..n).map(&mut of).collect();
    let covariates = vec![values.iter().map(|y| 0.5 * y + rng.random::<f64>()).collect()];
    GroupValues {
        group: id.into(),
        covariates,
        strata: (0..n).map(|i| (i % 3) as u32).collect(),
        clusters: (0..n).map(|i| (i / 3) as u32).collect(),
        units: (0..n as u32).collect(),
        values: vec![values],
        covariates_missing: 0,
        missing: 0,
        non_finite: 0,
    }
}

fn excludes_zero(ci: Option<(f64, f64)>) -> Option<bool> {
    ci.map(|(low, high)| low > 0.0 || high < 0.0)
}

/// Every display of the pair that has an interval; empty names mean that all agree.
fn disagreeing(c: &Comparison, alpha: f64) -> Vec<&'static str> {
    // A p-value within rounding of its bound may fall on either side.
    if (c.p_adjusted - alpha).abs() < 1e-9 {
        return Vec::new();
    }
    let by_rank = ["mann-whitney", "brunner-munzel"].contains(&c.deciding.test);
    let mut shown =
        vec![("relative", c.relative.and_then(|e| e.ci)), ("absolute", c.absolute.and_then(|e| e.ci))];
    shown.push(("shift", c.shift.and_then(|e| e.ci)));
    let superiority = c.superiority.and_then(|e| e.ci).map(|(low, high)| (low - 0.5, high - 0.5));
    shown.push(("superiority", superiority));
    let wrong = shown.iter().filter(|(_, ci)| excludes_zero(*ci).is_some_and(|says| says != c.significant));
    let mut names: Vec<&'static str> = wrong.map(|(name, _)| *name).collect();
    // Where the mean decides, the agreement is not bought by leaving the interval out; only a thousand replicates are too
    // few for a bound at a high level.
    let resampled = ["bootstrap", "permutation"].contains(&c.deciding.test) && c.level > 0.95;
    if !by_rank && !resampled && c.absolute.is_some_and(|e| e.ci.is_none()) {
        names.push("absolute is missing");
    }
    if by_rank && c.shift.is_none_or(|e| e.ci.is_none()) {
        names.push("shift is missing");
    }
    names
}

const MEANS: [&str; 8] = [
    "test = \"welch\"",
    "test = \"student\"",
    "test = \"mann-whitney\"",
    "test = \"brunner-munzel\"",
    "test = \"bootstrap\"",
    "test = \"permutation\"",
    "winsorize = { upper = 0.95 }\ntest = \"welch\"",
    "aggregate = \"rows\"",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn means_agree_with_their_intervals(
        seed in 0_u64..1 << 40, shape in 0_usize..3, shift in -1.5_f64..1.5, sizes in (12_usize..60, 12_usize..60),
        test in 0..MEANS.len(), correction in prop::sample::select(vec!["none", "bonferroni", "holm", "hochberg", "bh", "by"]),
        comparisons in prop::sample::select(vec!["control", "all"]), alpha in prop::sample::select(vec![0.01, 0.05, 0.2]),
    ) {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let design = format!(
            "control = \"A\"\nalpha = {alpha}\ncorrection = \"{correction}\"\ncomparisons = \"{comparisons}\"\nreplicates = 1000"
        );
        let config = config(&design, MEANS[test]);
        let groups = vec![
            group("A", sizes.0, shape, 0.0, &mut rng),
            group("B", sizes.1, shape, shift, &mut rng),
            group("C", sizes.0, shape, shift / 2.0, &mut rng),
        ];
        let outcome = outcome(&config, groups);
        for c in &outcome.comparisons {
            prop_assert_eq!(disagreeing(c, alpha), Vec::<&str>::new(), "{} {:?}", c.deciding.test, c);
        }
    }

    #[test]
    fn proportions_agree_with_their_intervals(
        seed in 0_u64..1 << 40, shift in -2.0_f64..2.0, sizes in (8_usize..80, 8_usize..80),
        test in prop::sample::select(vec!["auto", "z", "chi-square", "fisher"]),
        correction in prop::sample::select(vec!["none", "bonferroni", "holm", "by"]),
    ) {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let design = format!("control = \"A\"\ncorrection = \"{correction}\"");
        let config = config(&design, &format!("kind = \"proportion\"\ntest = \"{test}\""));
        let groups = vec![
            group("A", sizes.0, 3, 0.0, &mut rng),
            group("B", sizes.1, 3, shift, &mut rng),
            group("C", sizes.0, 3, -shift, &mut rng),
        ];
        for c in &outcome(&config, groups).comparisons {
            prop_assert_eq!(disagreeing(c, 0.05), Vec::<&str>::new(), "{} {:?}", c.deciding.test, c);
        }
    }

    #[test]
    fn adjusted_metrics_and_quantiles_agree_with_their_intervals(
        seed in 0_u64..1 << 40, shape in 0_usize..2, shift in -1.0_f64..1.0, n in 30_usize..80,
        metric in prop::sample::select(vec![
            "covariates = [\"x\"]", "strata = \"s\"", "covariates = [\"x\"]\nstrata = \"s\"",
            "kind = \"quantile\"\nq = 0.5", "kind = \"quantile\"\nq = 0.5\naggregate = \"rows\"",
        ]),
    ) {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let config = config("control = \"A\"\nreplicates = 1000", metric);
        let mut groups =
            vec![group("A", n, shape, 0.0, &mut rng), group("B", n + 7, shape, shift, &mut rng)];
        for group in &mut groups {
            if !metric.contains("covariates") {
                group.covariates.clear();
            }
            if !metric.contains("strata") {
                group.strata.clear();
            }
        }
        for c in &outcome(&config, groups).comparisons {
            // A quantile within ties may have no spread to be told by.
            prop_assume!(c.absolute.is_some_and(|e| e.ci.is_some_and(|(low, high)| low < high)));
            prop_assert_eq!(disagreeing(c, 0.05), Vec::<&str>::new(), "{} {:?}", c.deciding.test, c);
        }
    }

    #[test]
    fn simultaneous_tests_agree_with_their_intervals(
        seed in 0_u64..1 << 40, shift in -1.0_f64..1.0, n in 6_usize..40, dunnett in any::<bool>(),
    ) {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let design = if dunnett {
            "control = \"A\"\ncorrection = \"dunnett\""
        } else {
            "control = \"A\"\ncorrection = \"tukey\"\ncomparisons = \"all\""
        };
        let config = config(design, "");
        let groups = vec![
            group("A", n, 0, 0.0, &mut rng),
            group("B", n + 3, 0, shift, &mut rng),
            group("C", n, 0, -shift, &mut rng),
        ];
        for c in &outcome(&config, groups).comparisons {
            // The critical value comes from a search, good to about nine digits.
            prop_assume!((c.p_adjusted - 0.05).abs() > 1e-6);
            prop_assert_eq!(disagreeing(c, 0.05), Vec::<&str>::new(), "{} {:?}", c.deciding.test, c);
        }
    }

    #[test]
    fn scale_and_order_of_rows_and_arms_change_what_they_should(
        seed in 0_u64..1 << 40, shape in 0_usize..3, scale in prop::sample::select(vec![0.25, 4.0, 1024.0]),
        test in 0..MEANS.len(),
    ) {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let one = config("control = \"A\"\nreplicates = 1000", MEANS[test]);
        let other = config("control = \"B\"\nreplicates = 1000", MEANS[test]);
        let groups = vec![group("A", 30, shape, 0.0, &mut rng), group("B", 36, shape, 1.0, &mut rng)];
        let plain = outcome(&one, groups.clone()).comparisons.remove(0);
        let swapped = outcome(&other, groups.clone()).comparisons.remove(0);
        let effect = |c: &Comparison| c.absolute.map_or(0.0, |e| e.estimate);
        prop_assert!((effect(&plain) + effect(&swapped)).abs() <= 1e-9 * effect(&plain).abs().max(1.0));
        // Powers of two scale without rounding.
        let scaled: Vec<GroupValues> = groups.iter().cloned().map(|mut g| {
            g.values[0].iter_mut().for_each(|v| *v *= scale);
            g
        }).collect();
        let larger = outcome(&one, scaled).comparisons.remove(0);
        prop_assert!((effect(&larger) - scale * effect(&plain)).abs() <= 1e-9 * effect(&larger).abs().max(1.0));
        prop_assert!((larger.deciding.p - plain.deciding.p).abs() < 1e-9);
        let reversed: Vec<GroupValues> = groups.into_iter().map(|mut g| {
            g.values[0].reverse();
            g.clusters.reverse();
            g
        }).collect();
        let back = outcome(&one, reversed).comparisons.remove(0);
        prop_assert!((back.deciding.p - plain.deciding.p).abs() < 1e-9);
    }
}

#[test]
fn two_controls_are_compared_first_and_decide_together() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
    let config = config("controls = [\"A1\", \"A2\"]", "covariates = [\"x\"]");
    let groups = vec![
        group("B", 60, 0, 0.8, &mut rng),
        group("A2", 50, 0, 0.0, &mut rng),
        group("A1", 40, 0, 0.0, &mut rng),
    ];
    let outcome = outcome(&config, groups);
    let ids: Vec<&str> = outcome.groups.iter().map(|g| g.id.as_str()).collect();
    assert_eq!(ids, ["A1 + A2", "B"]);
    assert_eq!(outcome.groups[0].n, 90);
    assert_eq!(outcome.separate.iter().map(|g| g.n).collect::<Vec<_>>(), [40, 50]);
    assert_eq!((outcome.controls.len(), outcome.comparisons.len()), (1, 1));
    assert_eq!((outcome.controls[0].control.as_str(), outcome.controls[0].treatment.as_str()), ("A1", "A2"));
    assert!(!outcome.controls[0].significant && outcome.comparisons[0].significant);
    let removed = outcome.comparisons[0].adjustment.as_ref().expect("adjusted");
    assert!(removed.ratio < 0.8, "{removed:?}");
    assert_eq!(outcome.comparisons[0].beside.len(), 1);
}

#[test]
fn the_winsorised_mean_decides_and_the_plain_one_stands_beside() {
    let config = config("control = \"A\"", "winsorize = { upper = 0.9 }\ntest = \"welch\"");
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut groups = vec![group("A", 40, 0, 0.0, &mut rng), group("B", 40, 0, 0.0, &mut rng)];
    groups[1].values[0][0] = 1e6;
    let outcome = outcome(&config, groups);
    let drawn_in = outcome.handling.winsorized.expect("winsorised");
    assert_eq!((drawn_in.raised, drawn_in.lowered, drawn_in.low), (0, 8, None));
    let c = &outcome.comparisons[0];
    assert!(c.absolute.unwrap().estimate.abs() < 1.0 && c.beside[0].absolute.estimate > 10_000.0);
}
