//! Score intervals of the difference and of the ratio of two proportions.

use super::Proportion;
use crate::stats::distributions::normal_isf;
use crate::stats::root::brent;
use crate::stats::{Interval, Level};

/// Whether the variance of the score statistic carries the factor n/(n − 1), n = n₁ + n₂.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmallSample {
    /// Without the factor: Mee's interval of the difference and Koopman's of the ratio, the duals of the pooled z test.
    None,
    /// With the factor: the interval of Miettinen and Nurminen, as statsmodels computes it by default.
    MiettinenNurminen,
}

impl SmallSample {
    /// The z that |score| without the factor must not exceed.
    fn critical(self, first: Proportion, second: Proportion, level: Level) -> f64 {
        let z = normal_isf(level.alpha() / 2.0);
        let n = first.trials as f64 + second.trials as f64;
        match self {
            SmallSample::None => z,
            SmallSample::MiettinenNurminen => z * (n / (n - 1.0)).sqrt(),
        }
    }
}

/// The score interval of the difference p₁ − p₂.
///
/// # Estimand
/// p₁ − p₂ of two independent proportions, in shares (not percent).
///
/// # Formula
/// All δ with |p̂₁ − p̂₂ − δ| ≤ z √(p̃₁(1 − p̃₁)/n₁ + p̃₂(1 − p̃₂)/n₂), where p̃₁ = p̃₂ + δ are the most likely rates under
/// that difference; with [`SmallSample::MiettinenNurminen`] the variance is multiplied by n/(n − 1).
///
/// # Assumptions
/// Independent units. Coverage is close to nominal also at small counts. With [`SmallSample::None`] zero is outside
/// exactly when the two-sided [`two_proportion_z`](super::two_proportion_z) has p < α.
///
/// # Edge cases
/// Defined for every count and always within [−1, 1]; with 0 of n₁ and n₂ of n₂ the lower bound is −1.
///
/// # Source
/// O. Miettinen & M. Nurminen (1985); R. W. Mee (1984);
/// `diffscoreci` of R's PropCIs. The reference case `two_proportions` holds the numbers of statsmodels, whose
/// implementation has a defect: see [`statsmodels_score_interval`](super::statsmodels_score_interval).
pub fn score_interval(
    first: Proportion,
    second: Proportion,
    level: Level,
    small_sample: SmallSample,
) -> Interval {
    let z = small_sample.critical(first, second, level);
    Interval { low: -difference_bound(second, first, z), high: difference_bound(first, second, z) }
}

/// The upper bound of p₁ − p₂.
fn difference_bound(first: Proportion, second: Proportion, z: f64) -> f64 {
    // The same difference is that of the failures of the second and of the first. Of rates near one only these keep their
    // digits: next to one, the small rate of failures by which everything differs is rounded away.
    if pooled_rate(first, second) > 0.5 {
        return difference_bound(second.complement(), first.complement(), z);
    }
    let estimate = first.rate() - second.rate();
    if estimate >= 1.0 {
        return 1.0;
    }
    let excess = |delta: f64| {
        let p2 = second_rate_given_difference(first, second, delta);
        let p1 = (p2 + delta).clamp(0.0, 1.0);
        let variance = p1 * (1.0 - p1) / first.trials as f64 + p2 * (1.0 - p2) / second.trials as f64;
        delta - estimate - z * variance.sqrt()
    };
    // At δ = 1 the variance is zero and the excess positive. At the estimate it is −z·sd, or zero where no unit varies:
    // the root that is wanted then lies beyond it.
    let start =
        if excess(estimate) == 0.0 { estimate.next_up().max(estimate + f64::MIN_POSITIVE) } else { estimate };
    brent(excess, start, 1.0).unwrap_or(estimate)
}

/// The most likely p₂ when p₁ = p₂ + δ.
fn second_rate_given_difference(first: Proportion, second: Proportion, delta: f64) -> f64 {
    if delta == 0.0 {
        return pooled_rate(first, second);
    }
    let slope = |p: f64| slope(first, p + delta) + slope(second, p);
    most_likely(slope, (-delta).max(0.0), (1.0 - delta).min(1.0))
}

/// The most likely p₂ when p₁ = φ p₂.
fn second_rate_given_ratio(first: Proportion, second: Proportion, ratio: f64) -> f64 {
    if ratio == 1.0 {
        return pooled_rate(first, second);
    }
    let slope = |p: f64| ratio * slope(first, p * ratio) + slope(second, p);
    most_likely(slope, 0.0, ratio.recip().min(1.0))
}

/// The share of successes in both arms together.
fn pooled_rate(first: Proportion, second: Proportion) -> f64 {
    (first.successes as f64 + second.successes as f64) / (first.trials as f64 + second.trials as f64)
}

/// The derivative of the log-likelihood of one arm in its rate.
fn slope(arm: Proportion, rate: f64) -> f64 {
    let term = |count: u64, rate: f64| if count == 0 { 0.0 } else { count as f64 / rate.max(0.0) };
    term(arm.successes, rate) - term(arm.trials - arm.successes, 1.0 - rate)
}

/// Where a log-likelihood with a decreasing derivative is greatest between `low` and `high`, to the last bit.
///
/// By bisection of the derivative: the closed forms (a cubic for the difference, a quadratic for the ratio) lose half
/// of the digits where two of their roots meet, which is where rates are small or close to one.
fn most_likely(slope: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    if slope(low) <= 0.0 {
        return low;
    }
    if slope(high) >= 0.0 {
        return high;
    }
    loop {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            return middle;
        }
        if slope(middle) > 0.0 { low = middle } else { high = middle }
    }
}

/// The score interval of the ratio p₁ / p₂.
///
/// # Estimand
/// The relative risk p₁/p₂ of two independent proportions; subtract 1 for the relative effect.
///
/// # Formula
/// All φ with |p̂₁ − φ p̂₂| ≤ z √(p̃₁(1 − p̃₁)/n₁ + φ² p̃₂(1 − p̃₂)/n₂), where p̃₁ = φ p̃₂ are the most likely rates under
/// that ratio; with [`SmallSample::MiettinenNurminen`] the variance is multiplied by n/(n − 1).
///
/// # Assumptions
/// Independent units. With [`SmallSample::None`] one is outside exactly when the two-sided
/// [`two_proportion_z`](super::two_proportion_z) has p < α.
///
/// # Edge cases
/// Without successes in the first arm the lower bound is 0; without successes in the second there is no upper bound
/// (infinite), and without any success at all the interval is [0, ∞).
///
/// # Source
/// P. A. R. Koopman (1984); O. Miettinen & M. Nurminen (1985);
/// `statsmodels confint_proportions_2indep(method="score", compare="ratio")`; reference case `two_proportions`.
pub fn ratio_score_interval(
    first: Proportion,
    second: Proportion,
    level: Level,
    small_sample: SmallSample,
) -> Interval {
    let z = small_sample.critical(first, second, level);
    Interval { low: 1.0 / ratio_bound(second, first, z), high: ratio_bound(first, second, z) }
}

/// The upper bound of p₁ / p₂.
fn ratio_bound(first: Proportion, second: Proportion, z: f64) -> f64 {
    if second.successes == 0 {
        return f64::INFINITY;
    }
    let excess = |ratio: f64| {
        let p2 = second_rate_given_ratio(first, second, ratio);
        let p1 = (p2 * ratio).clamp(0.0, 1.0);
        let variance =
            p1 * (1.0 - p1) / first.trials as f64 + ratio * ratio * p2 * (1.0 - p2) / second.trials as f64;
        ratio * second.rate() - first.rate() - z * variance.sqrt()
    };
    // The excess is −z·sd at the estimate, or zero where no unit varies under it: the root that is wanted then lies
    // beyond it. Far out p̃₁ is near 1, the excess grows like φ and becomes positive.
    let estimate = first.rate() / second.rate();
    let low = if excess(estimate) == 0.0 { estimate.next_up().max(f64::MIN_POSITIVE) } else { estimate };
    let mut high = low.max(1.0);
    while excess(high) <= 0.0 {
        high *= 2.0;
        if high > 1e300 {
            return f64::INFINITY;
        }
    }
    brent(excess, low, high).unwrap_or(high)
}

#[cfg(test)]
mod tests {
    use super::super::two_proportion_z;
    use super::*;
    use crate::stats::Alternative;
    use proptest::prelude::*;

    fn arm(successes: u64, trials: u64) -> Proportion {
        Proportion::new(successes, trials).unwrap()
    }

    fn assert_close(interval: Interval, low: f64, high: f64) {
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-11 * b.abs();
        assert!(
            close(interval.low, low) && close(interval.high, high),
            "{interval:?} is not [{low}, {high}]"
        );
    }

    #[test]
    fn the_difference_agrees_with_thirty_digit_arithmetic() {
        // Both equations solved by mpmath; the first is diffscoreci(7, 34, 1, 34) of R's PropCIs to its own tolerance.
        let cases = [
            (
                (7, 34, 1, 34),
                (0.027041626583446763, 0.3452912169662238),
                (0.028370507968999553, 0.3439399219457404),
            ),
            (
                (256, 11835, 234, 11817),
                (-0.001808444115006162, 0.005478271891880707),
                (-0.001808366802639567, 0.005478194065141248),
            ),
        ];
        for ((c1, n1, c2, n2), miettinen, mee) in cases {
            let (first, second) = (arm(c1, n1), arm(c2, n2));
            let interval = score_interval(first, second, Level::P95, SmallSample::MiettinenNurminen);
            assert_close(interval, miettinen.0, miettinen.1);
            assert_close(score_interval(first, second, Level::P95, SmallSample::None), mee.0, mee.1);
        }
    }

    #[test]
    fn the_ratio_agrees_with_statsmodels() {
        let interval = ratio_score_interval(
            arm(256, 11835),
            arm(234, 11817),
            Level::P95,
            SmallSample::MiettinenNurminen,
        );
        assert_close(interval, 0.9168063161970731, 1.301532704646005);
    }

    #[test]
    fn extreme_counts_are_defined() {
        let z = normal_isf(0.025);
        let none = score_interval(arm(0, 10), arm(0, 10), Level::P95, SmallSample::None);
        // With no success the bound solves δ = z √(δ(1 − δ)/n).
        assert_close(none, -z * z / (10.0 + z * z), z * z / (10.0 + z * z));
        assert_eq!(score_interval(arm(0, 10), arm(7, 7), Level::P95, SmallSample::None).low, -1.0);
        assert_eq!(score_interval(arm(9, 9), arm(0, 7), Level::P95, SmallSample::None).high, 1.0);
        let ratio = |first, second| ratio_score_interval(first, second, Level::P95, SmallSample::None);
        assert_eq!(ratio(arm(0, 10), arm(3, 9)).low, 0.0);
        assert_eq!(ratio(arm(3, 9), arm(0, 10)).high, f64::INFINITY);
        // Only successes in both arms: φ − 1 = z √((φ − 1)/n₂), so the upper bound is 1 + z²/n₂.
        assert_close(ratio(arm(50, 50), arm(60, 60)), 1.0 / (1.0 + z * z / 50.0), 1.0 + z * z / 60.0);
        let unknown = ratio(arm(0, 9), arm(0, 10));
        assert_eq!((unknown.low, unknown.high), (0.0, f64::INFINITY));
    }

    #[test]
    fn successes_in_everyone_are_as_uncertain_as_in_nobody() {
        for (n1, n2) in [(50, 50), (10, 700), (1, 1), (100_000_000, 3)] {
            let none = score_interval(arm(0, n1), arm(0, n2), Level::P95, SmallSample::None);
            let every = score_interval(arm(n1, n1), arm(n2, n2), Level::P95, SmallSample::None);
            assert_eq!(every, none.negated());
            assert!(every.low < 0.0 && every.high > 0.0, "{every:?}");
        }
    }

    #[test]
    fn tiny_rates_at_a_hundred_million_units_keep_their_digits() {
        // At these sizes the interval is that of two Poisson counts, symmetric in the arms.
        let interval =
            score_interval(arm(100, 100_000_000), arm(100, 100_000_000), Level::P95, SmallSample::None);
        assert!((interval.low + interval.high).abs() < 1e-20, "{interval:?}");
        // δ = z √((p̃₁ + p̃₂)/n) with p̃₁ + p̃₂ between 2 p̂ and 2 p̂ + δ
        assert!(interval.high > 1.959 * (2.0e-6_f64 / 1e8).sqrt() && interval.high < 3.2e-7, "{interval:?}");
    }

    fn arms() -> impl Strategy<Value = (Proportion, Proportion)> {
        let one = (1_u64..400).prop_flat_map(|n| (0..=n).prop_map(move |c| arm(c, n)));
        (one.clone(), one)
    }

    proptest! {
        #[test]
        fn the_dual_intervals_exclude_the_null_exactly_when_z_rejects(
            (first, second) in arms(), alpha in 0.001_f64..0.3,
        ) {
            let level = Level::from_alpha(alpha).unwrap();
            if let Ok(test) = two_proportion_z(first, second, Alternative::TwoSided) {
                let rejects = test.p < level.alpha();
                let difference = score_interval(first, second, level, SmallSample::None);
                let ratio = ratio_score_interval(first, second, level, SmallSample::None);
                prop_assert_eq!(rejects, !difference.contains(0.0), "{:?} {:?}", test, difference);
                prop_assert_eq!(rejects, !ratio.contains(1.0), "{:?} {:?}", test, ratio);
            }
        }

        #[test]
        fn intervals_hold_their_estimate_and_mirror((first, second) in arms()) {
            for small_sample in [SmallSample::None, SmallSample::MiettinenNurminen] {
                let there = score_interval(first, second, Level::P95, small_sample);
                let back = score_interval(second, first, Level::P95, small_sample);
                prop_assert_eq!(there, back.negated());
                prop_assert!(there.contains(first.rate() - second.rate()));
                prop_assert!(there.low >= -1.0 && there.high <= 1.0);
                let ratio = ratio_score_interval(first, second, Level::P95, small_sample);
                if second.successes() > 0 {
                    let estimate = first.rate() / second.rate();
                    prop_assert!(ratio.low <= estimate * (1.0 + 1e-14) && estimate <= ratio.high * (1.0 + 1e-14));
                }
            }
        }
    }
}
