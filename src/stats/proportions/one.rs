//! Confidence intervals of one proportion.

use super::Proportion;
use crate::stats::distributions::{beta_isf, beta_quantile, normal_isf};
use crate::stats::{Interval, Level};

/// Wilson's score interval of a proportion.
///
/// # Estimand
/// p, the probability of success, as a share.
///
/// # Formula
/// (p̂ + z²/2n ± z √(p̂(1 − p̂)/n + z²/4n²)) / (1 + z²/n), z the upper α/2 quantile of the normal law.
///
/// # Assumptions
/// Independent trials with one probability. Coverage is near nominal on average, not guaranteed.
///
/// # Edge cases
/// Without successes the lower bound is 0, without failures the upper bound is 1, exactly.
///
/// # Source
/// E. B. Wilson (1927); `statsmodels proportion_confint(method="wilson")`; reference case `proportion_ci`.
pub fn wilson_interval(arm: Proportion, level: Level) -> Interval {
    // The upper bound is the mirrored lower one of the failures, so a bound near 1 keeps its digits too.
    Interval { low: wilson_low(arm, level), high: 1.0 - wilson_low(arm.complement(), level) }
}

fn wilson_low(arm: Proportion, level: Level) -> f64 {
    if arm.successes == 0 {
        return 0.0;
    }
    let z = normal_isf(level.alpha() / 2.0);
    let (n, p) = (arm.trials as f64, arm.rate());
    let square = z * z / n;
    let centre = p + square / 2.0;
    let margin = z * (arm.variance_of_rate() + square / (4.0 * n)).sqrt();
    // centre − margin by the product of the roots, which is p²: no cancellation at small p.
    (p * p / (centre + margin)).clamp(0.0, 1.0)
}

/// The Clopper–Pearson ("exact") interval of a proportion.
///
/// # Estimand
/// p, the probability of success, as a share.
///
/// # Formula
/// The α/2 quantile of Beta(c, n − c + 1) and the 1 − α/2 quantile of Beta(c + 1, n − c).
///
/// # Assumptions
/// Independent trials with one probability. Coverage is at least nominal, so the interval is wide.
///
/// # Edge cases
/// Without successes the lower bound is 0, without failures the upper bound is 1.
///
/// # Source
/// C. Clopper & E. Pearson (1934); `statsmodels proportion_confint(method="beta")`; reference case `proportion_ci`.
pub fn clopper_pearson_interval(arm: Proportion, level: Level) -> Interval {
    let tail = level.alpha() / 2.0;
    let (successes, failures) = (arm.successes as f64, arm.complement().successes as f64);
    Interval {
        low: if arm.successes == 0 { 0.0 } else { beta_quantile(tail, successes, failures + 1.0) },
        high: if arm.successes == arm.trials { 1.0 } else { beta_isf(tail, successes + 1.0, failures) },
    }
}

/// Jeffreys' interval of a proportion: the equal-tailed posterior under the prior Beta(½, ½).
///
/// # Estimand
/// p, the probability of success, as a share; a credible interval that also covers well.
///
/// # Formula
/// The α/2 and 1 − α/2 quantiles of Beta(c + ½, n − c + ½).
///
/// # Assumptions
/// Independent trials with one probability; the stated prior.
///
/// # Edge cases
/// As in statsmodels the bounds are not moved to 0 and 1 where there are no successes or no failures.
///
/// # Source
/// L. Brown, T. Cai & A. DasGupta (2001); `statsmodels proportion_confint(method="jeffreys")`; reference case
/// `proportion_ci`.
pub fn jeffreys_interval(arm: Proportion, level: Level) -> Interval {
    let tail = level.alpha() / 2.0;
    let (a, b) = (arm.successes as f64 + 0.5, arm.complement().successes as f64 + 0.5);
    Interval { low: beta_quantile(tail, a, b), high: beta_isf(tail, a, b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const INTERVALS: [fn(Proportion, Level) -> Interval; 3] =
        [wilson_interval, clopper_pearson_interval, jeffreys_interval];

    fn assert_close(interval: Interval, low: f64, high: f64) {
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-12 + 1e-10 * b.abs();
        assert!(
            close(interval.low, low) && close(interval.high, high),
            "{interval:?} is not [{low}, {high}]"
        );
    }

    #[test]
    fn agrees_with_statsmodels() {
        let arm = Proportion::new(120, 2400).unwrap();
        let level = Level::new(0.97).unwrap();
        assert_close(wilson_interval(arm, level), 0.04119628303943933, 0.06056624311532778);
        assert_close(clopper_pearson_interval(arm, level), 0.04080006534625628, 0.060538696172139965);
        assert_close(jeffreys_interval(arm, level), 0.04098906973340938, 0.060311679611000486);
    }

    #[test]
    fn no_success_and_no_failure() {
        let (none, all) = (Proportion::new(0, 20).unwrap(), Proportion::new(20, 20).unwrap());
        // 1 − (α/2)^(1/20)
        let bound = 1.0 - 0.025_f64.powf(0.05);
        assert_close(clopper_pearson_interval(none, Level::P95), 0.0, bound);
        assert_close(clopper_pearson_interval(all, Level::P95), 1.0 - bound, 1.0);
        assert_eq!(wilson_interval(none, Level::P95).low, 0.0);
        assert_eq!(wilson_interval(all, Level::P95).high, 1.0);
    }

    proptest! {
        #[test]
        fn intervals_hold_the_rate_and_mirror(trials in 1_u64..3000, share in 0.0_f64..=1.0, level in 0.5_f64..0.999) {
            let arm = Proportion::new((share * trials as f64) as u64, trials).unwrap();
            let level = Level::new(level).unwrap();
            for (index, interval) in INTERVALS.iter().enumerate() {
                let (there, back) = (interval(arm, level), interval(arm.complement(), level));
                prop_assert!(0.0 <= there.low && there.low <= there.high && there.high <= 1.0);
                // Jeffreys leaves the extremes out by design.
                prop_assert!(index == 2 || there.contains(arm.rate()), "{there:?}");
                prop_assert!((there.low - (1.0 - back.high)).abs() < 1e-10);
            }
        }
    }
}
