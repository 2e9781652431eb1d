//! No input makes the statistics room panic or answer with a number that is none: what has no answer is a reason.
//!
//! Samples and counts here are hostile: empty, constant, tied, subnormal, next to overflow, infinite, NaN, 10¹⁵ units.

use itog::stats::mann_whitney::Method;
use itog::stats::multiple_testing::{Correction, adjust};
use itog::stats::power::{self, Design};
use itog::stats::proportions::{self, Proportion, SmallSample};
use itog::stats::ratio::{Estimate, relative_effect};
use itog::stats::{
    Alternative, Level, Moments, anova, brunner_munzel, chi_square, descriptive, dunnett, fisher,
    hodges_lehmann, kolmogorov_smirnov, kruskal_wallis, mann_whitney, normality, t_test, tost, tukey,
    variance_tests,
};
use proptest::prelude::*;

fn real() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -10.0_f64..10.0,
        1 => Just(0.0),
        1 => (-300.0_f64..300.0).prop_map(|exponent| 10_f64.powf(exponent)),
        1 => prop::sample::select(vec![f64::MAX, f64::MIN, 5e-324, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -0.0, 1e9]),
    ]
}

fn sample() -> impl Strategy<Value = Vec<f64>> {
    prop_oneof![
        3 => prop::collection::vec(-5.0_f64..5.0, 0..40),
        2 => prop::collection::vec((0_u8..3).prop_map(f64::from), 0..40),
        1 => (real(), 0_usize..12).prop_map(|(value, n)| vec![value; n]),
        1 => prop::collection::vec((0.0_f64..0.01).prop_map(|noise| 1e9 + noise), 0..20),
        2 => prop::collection::vec(real(), 0..12),
    ]
}

fn moments() -> impl Strategy<Value = Moments> {
    let summary = (real(), real(), prop_oneof![0_u64..5, 0_u64..1_000_000_000_000_000]);
    let from_summary =
        summary.prop_map(|(mean, sd, n)| Moments::from_summary(mean, sd.abs(), n).unwrap_or(Moments::EMPTY));
    prop_oneof![from_summary, sample().prop_map(|values| Moments::from_slice(&values))]
}

fn arm() -> impl Strategy<Value = Proportion> {
    let trials = prop_oneof![1_u64..20, 1_u64..1_000_000_000_000_000];
    (trials, prop_oneof![Just(0.0), Just(1.0), 0.0_f64..1.0]).prop_map(|(n, share)| {
        let successes = (n as f64 * share) as u64;
        Proportion::new(successes.min(n), n).expect("no more successes than trials")
    })
}

fn alternative() -> impl Strategy<Value = Alternative> {
    prop::sample::select(vec![Alternative::TwoSided, Alternative::Less, Alternative::Greater])
}

fn level() -> impl Strategy<Value = Level> {
    let alpha = prop_oneof![0.001_f64..0.5, Just(1e-300), Just(1e-12), Just(0.999_999)];
    alpha.prop_map(|alpha| Level::from_alpha(alpha).expect("alpha is a share"))
}

/// A probability that may be none.
fn share() -> impl Strategy<Value = f64> {
    prop_oneof![0.0_f64..1.0, real(), Just(0.0), Just(1.0), Just(1e-300), Just(5e-324)]
}

/// The answer holds no NaN anywhere: every public result prints all of its numbers.
fn sound(answer: &dyn std::fmt::Debug) -> Result<(), TestCaseError> {
    let text = format!("{answer:?}");
    prop_assert!(!text.contains("NaN"), "{text}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn samples_have_answers_or_reasons(
        x in sample(), y in sample(), alternative in alternative(), level in level(),
        method in prop::sample::select(vec![Method::Auto, Method::Exact, Method::Asymptotic]),
    ) {
        sound(&descriptive::describe(&x))?;
        sound(&normality::shapiro_wilk(&x))?;
        sound(&normality::dagostino_k2(&x))?;
        sound(&variance_tests::brown_forsythe(&[&x, &y]))?;
        sound(&kruskal_wallis::kruskal_wallis(&[&x, &y]))?;
        sound(&kolmogorov_smirnov::ks_two_sample_asymptotic(&x, &y))?;
        sound(&mann_whitney::mann_whitney_u(&x, &y, alternative, method))?;
        sound(&hodges_lehmann::hodges_lehmann(&x, &y, level, method))?;
        sound(&brunner_munzel::brunner_munzel(&x, &y, alternative, level))?;
    }

    #[test]
    fn moments_have_answers_or_reasons(
        x in moments(), y in moments(), low in real(), high in real(), alternative in alternative(), level in level(),
        control in (real(), real()), treatment in (real(), real()), critical in real(),
    ) {
        sound(&t_test::welch(&x, &y, alternative, level))?;
        sound(&t_test::student(&x, &y, alternative, level))?;
        sound(&t_test::one_sample(&x, low, alternative, level))?;
        sound(&tost::tost_welch(&x, &y, low, high, level))?;
        sound(&anova::one_way(&[x, y]))?;
        let estimate = |(value, variance): (f64, f64)| Estimate { value, variance };
        sound(&relative_effect(estimate(control), estimate(treatment), critical))?;
    }

    #[test]
    fn counts_have_answers_or_reasons(
        first in arm(), second in arm(), alternative in alternative(), level in level(),
        table in prop::collection::vec(prop::collection::vec(prop_oneof![0_u64..9, any::<u64>()], 2), 0..4),
        shares in prop::collection::vec(share(), 2), p in prop::collection::vec(share(), 0..9),
    ) {
        sound(&proportions::two_proportion_z(first, second, alternative))?;
        sound(&proportions::wald_interval(first, second, level))?;
        sound(&proportions::agresti_caffo_interval(first, second, level))?;
        sound(&proportions::newcombe_interval(first, second, level))?;
        for small_sample in [SmallSample::None, SmallSample::MiettinenNurminen] {
            sound(&proportions::score_interval(first, second, level, small_sample))?;
            sound(&proportions::ratio_score_interval(first, second, level, small_sample))?;
        }
        sound(&proportions::wilson_interval(first, level))?;
        sound(&proportions::clopper_pearson_interval(first, level))?;
        sound(&proportions::jeffreys_interval(first, level))?;
        sound(&chi_square::contingency(&table))?;
        for row in &table {
            sound(&chi_square::goodness_of_fit(row, &shares))?;
        }
        if let [first, second, ..] = table.as_slice() {
            let small = |row: &[u64]| [row[0] % 100_000, row[1] % 100_000];
            sound(&fisher::fisher_exact([small(first), small(second)], alternative))?;
        }
        for correction in Correction::ALL {
            sound(&adjust(&p, correction))?;
        }
    }

    #[test]
    fn plans_have_answers_or_reasons(
        p1 in share(), p2 in share(), power in share(), alpha in share(), ratio in real(), n1 in real(), d in real(),
        alternative in alternative(),
    ) {
        let design = Design { alpha, ratio, alternative };
        sound(&power::power_proportions(p1, p2, n1, design))?;
        sound(&power::sample_size_proportions(p1, p2, power, design))?;
        sound(&power::mde_proportions(p1, n1, power, design))?;
        sound(&power::power_means(d, n1, design))?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn many_groups_have_answers_or_reasons(
        groups in prop::collection::vec(moments(), 0..6), control in 0_usize..6, alternative in alternative(),
    ) {
        sound(&anova::one_way(&groups))?;
        sound(&tukey::tukey_hsd(&groups, Level::P95))?;
        sound(&dunnett::dunnett(&groups, control, alternative, Level::P95))?;
    }
}
