//! The pooled z test of two proportions and the closed-form intervals of their difference.

use super::{Proportion, wilson_interval};
use crate::stats::distributions::{normal_cdf, normal_isf, normal_sf};
use crate::stats::{Alternative, Interval, Level, TestResult, Undefined};

/// The pooled z test of p₁ = p₂.
///
/// # Estimand
/// The difference p₁ − p₂ of two independent proportions; `Greater` says that the first is greater.
///
/// # Formula
/// z = (p̂₁ − p̂₂) / √(p̄(1 − p̄)(1/n₁ + 1/n₂)) with p̄ the pooled rate; z² is Pearson's χ² of the 2×2 table.
///
/// # Assumptions
/// Independent units, one observation a unit; expected counts of about five in every cell. Its dual intervals are
/// [`score_interval`](super::score_interval) and [`ratio_score_interval`](super::ratio_score_interval) with
/// [`SmallSample::None`](super::SmallSample::None).
///
/// # Edge cases
/// Equal rates give z = 0 and p = 1. p keeps its digits to 1e-300.
///
/// # Errors
/// [`Undefined::ZeroVariance`] where no unit or every unit succeeded.
///
/// # Source
/// `statsmodels proportions_ztest`; reference case `two_proportions`.
pub fn two_proportion_z(
    first: Proportion,
    second: Proportion,
    alternative: Alternative,
) -> Result<TestResult, Undefined> {
    let (n1, n2) = (first.trials as f64, second.trials as f64);
    let successes = first.successes as f64 + second.successes as f64;
    let failures = first.complement().successes as f64 + second.complement().successes as f64;
    if successes == 0.0 || failures == 0.0 {
        return Err(Undefined::ZeroVariance);
    }
    let n = n1 + n2;
    let sd = (successes / n * (failures / n) * (1.0 / n1 + 1.0 / n2)).sqrt();
    let z = (first.rate() - second.rate()) / sd;
    let p = match alternative {
        Alternative::TwoSided => (2.0 * normal_sf(z.abs())).min(1.0),
        Alternative::Less => normal_cdf(z),
        Alternative::Greater => normal_sf(z),
    };
    Ok(TestResult { statistic: z, df: None, p })
}

/// Wald's interval of p₁ − p₂, the interval of the unpooled z test. Prefer [`score_interval`](super::score_interval).
///
/// # Estimand
/// p₁ − p₂ of two independent proportions, in shares (not percent).
///
/// # Formula
/// p̂₁ − p̂₂ ± z √(p̂₁(1 − p̂₁)/n₁ + p̂₂(1 − p̂₂)/n₂), z the upper α/2 quantile of the normal law.
///
/// # Assumptions
/// Independent units, one observation a unit. Coverage is poor at small counts.
///
/// # Edge cases
/// Without variance in either arm the interval is a point; the bounds may leave [−1, 1].
///
/// # Source
/// P. S. Laplace (1812); `statsmodels confint_proportions_2indep(method="wald")`; reference case `two_proportions`.
pub fn wald_interval(first: Proportion, second: Proportion, level: Level) -> Interval {
    let margin =
        normal_isf(level.alpha() / 2.0) * (first.variance_of_rate() + second.variance_of_rate()).sqrt();
    Interval::around(first.rate() - second.rate(), margin, Alternative::TwoSided)
}

/// The interval of Agresti and Caffo: Wald's, after one success and one failure were added to each arm.
///
/// # Estimand
/// p₁ − p₂ of two independent proportions, in shares (not percent).
///
/// # Formula
/// [`wald_interval`] of (c₁ + 1, n₁ + 2) and (c₂ + 1, n₂ + 2).
///
/// # Assumptions
/// Independent units, one observation a unit. Coverage is near nominal from about ten units an arm.
///
/// # Edge cases
/// Defined for every count; the bounds may leave [−1, 1] in tiny samples, as published.
///
/// # Source
/// A. Agresti & B. Caffo (2000); `statsmodels confint_proportions_2indep(method="agresti-caffo")`; reference case
/// `two_proportions`.
pub fn agresti_caffo_interval(first: Proportion, second: Proportion, level: Level) -> Interval {
    let moved = |arm: Proportion| Proportion {
        successes: arm.successes.saturating_add(1),
        trials: arm.trials.saturating_add(2),
    };
    wald_interval(moved(first), moved(second), level)
}

/// Newcombe's hybrid score interval of p₁ − p₂ (his method 10).
///
/// # Estimand
/// p₁ − p₂ of two independent proportions, in shares (not percent).
///
/// # Formula
/// With the Wilson intervals [l₁, u₁] and [l₂, u₂] of both arms: p̂₁ − p̂₂ − √((p̂₁ − l₁)² + (u₂ − p̂₂)²) and p̂₁ − p̂₂
/// + √((u₁ − p̂₁)² + (p̂₂ − l₂)²).
///
/// # Assumptions
/// Independent units, one observation a unit.
///
/// # Edge cases
/// Stays within [−1, 1] and is defined for every count.
///
/// # Source
/// R. G. Newcombe (1998); `statsmodels confint_proportions_2indep(method="newcomb")`; reference case `two_proportions`.
pub fn newcombe_interval(first: Proportion, second: Proportion, level: Level) -> Interval {
    let (one, two) = (wilson_interval(first, level), wilson_interval(second, level));
    let (p1, p2) = (first.rate(), second.rate());
    Interval {
        low: p1 - p2 - (p1 - one.low).hypot(two.high - p2),
        high: p1 - p2 + (one.high - p1).hypot(p2 - two.low),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn arm(successes: u64, trials: u64) -> Proportion {
        Proportion::new(successes, trials).unwrap()
    }

    fn assert_close(actual: f64, expected: f64) {
        assert!((actual - expected).abs() <= 1e-10 * expected.abs(), "{actual} is not {expected}");
    }

    #[test]
    fn agrees_with_statsmodels() {
        let (first, second) = (arm(120, 2400), arm(151, 2380));
        let test = two_proportion_z(first, second, Alternative::TwoSided).unwrap();
        assert_close(test.statistic, -2.0098160304189);
        assert_close(test.p, 0.044450663515500616);
        let wald = wald_interval(first, second, Level::P95);
        assert_close(wald.low, -0.02655782714622868);
        assert_close(wald.high, -0.00033292915629231333);
        let agresti_caffo = agresti_caffo_interval(first, second, Level::P95);
        assert_close(agresti_caffo.low, -0.026584381866969285);
        assert_close(agresti_caffo.high, -0.0002900881206075248);
        let newcombe = newcombe_interval(first, second, Level::P95);
        assert_close(newcombe.low, -0.026670896511432663);
        assert_close(newcombe.high, -0.0003131909535065789);
    }

    #[test]
    fn nothing_or_everything_succeeds() {
        for (first, second) in [(arm(0, 10), arm(0, 20)), (arm(10, 10), arm(20, 20))] {
            let test = two_proportion_z(first, second, Alternative::TwoSided);
            assert_eq!(test.err(), Some(Undefined::ZeroVariance));
        }
        assert_eq!(Proportion::new(0, 0).err(), Some(Undefined::EmptyGroup));
        assert!(Proportion::new(3, 2).is_err());
    }

    proptest! {
        #[test]
        fn swapped_arms_flip_signs(c1 in 0_u64..50, m1 in 1_u64..50, c2 in 0_u64..50, m2 in 1_u64..50) {
            let (first, second) = (arm(c1, c1 + m1), arm(c2, c2 + m2));
            for alternative in [Alternative::TwoSided, Alternative::Less, Alternative::Greater] {
                let there = two_proportion_z(first, second, alternative);
                let back = two_proportion_z(second, first, alternative.swapped());
                match (there, back) {
                    (Ok(there), Ok(back)) => {
                        prop_assert_eq!(there.statistic, -back.statistic);
                        prop_assert_eq!(there.p, back.p);
                    }
                    (there, back) => prop_assert_eq!(there, back),
                }
            }
            for interval in [wald_interval, agresti_caffo_interval, newcombe_interval] {
                let (there, back) = (interval(first, second, Level::P95), interval(second, first, Level::P95).negated());
                prop_assert!((there.low - back.low).abs() < 1e-14 && (there.high - back.high).abs() < 1e-14);
            }
        }
    }
}
