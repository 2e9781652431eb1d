//! Score intervals exactly as statsmodels 0.15.0 computes them, defects included: for comparison with its numbers.

use super::Proportion;
use crate::stats::distributions::normal_isf;
use crate::stats::root::brent;
use crate::stats::{Interval, Level};

/// The Miettinen–Nurminen interval of p₁ − p₂ as `statsmodels` 0.15.0 publishes it. For comparison with numbers from
/// there only; reports use [`score_interval`](super::score_interval).
///
/// # Estimand
/// p₁ − p₂ of two independent proportions, in shares.
///
/// # Formula
/// All δ with |p̂₁ − p̂₂ − δ| ≤ z √(n/(n − 1) (p̃₁(1 − p̃₁)/n₁ + p̃₂(1 − p̃₂)/n₂)), p̃ from the cubic with the wrong
/// coefficient.
///
/// # Assumptions
/// Those of [`score_interval`](super::score_interval).
///
/// # Why it differs
/// The cubic equation of the constrained maximum likelihood has the linear coefficient (n₂δ − n − 2c₂)δ + c.
/// statsmodels writes c₂δ where n₂δ belongs (statsmodels issue 10269), so its rates under the hypothesis are not the
/// most likely ones, and its interval is off: by 4e-5 for 25,000 of 40,000 against 30,000 of 40,000. Everything else
/// agrees: with the right coefficient the same equations give [`score_interval`](super::score_interval).
///
/// # Edge cases
/// `None` where statsmodels finds no bound: its starting bracket, Wald's interval widened, does not always hold one.
///
/// # Source
/// `statsmodels confint_proportions_2indep(method="score", compare="diff")`; reference case `two_proportions`.
pub fn statsmodels_score_interval(first: Proportion, second: Proportion, level: Level) -> Option<Interval> {
    let (n1, n2) = (first.trials as f64, second.trials as f64);
    let z = normal_isf(level.alpha() / 2.0);
    let estimate = first.rate() - second.rate();
    let n = n1 + n2;
    let score = |delta: f64| {
        let (p1, p2) = constrained_rates(first, second, delta);
        let variance = (p1 * (1.0 - p1) / n1 + p2 * (1.0 - p2) / n2) * n / (n - 1.0);
        (estimate - delta) / variance.sqrt()
    };
    let margin = z * (first.variance_of_rate() + second.variance_of_rate()).sqrt();
    let (wald_low, wald_high) = (estimate - margin, estimate + margin);
    let low = wald_low - wald_low.abs() * 0.25;
    let high = (wald_high + wald_high.abs() * 0.5).min(0.99999);
    Some(Interval {
        low: brent(|delta| score(delta).abs() - z, low, estimate)?,
        high: brent(|delta| score(delta).abs() - z, estimate, high)?,
    })
}

/// The rates under p₁ − p₂ = δ, from the cubic with the coefficient that statsmodels has.
fn constrained_rates(first: Proportion, second: Proportion, delta: f64) -> (f64, f64) {
    let (n1, n2) = (first.trials as f64, second.trials as f64);
    let (c1, c2) = (first.successes as f64, second.successes as f64);
    let (n, c) = (n1 + n2, c1 + c2);
    if delta == 0.0 {
        return (c / n, c / n);
    }
    let quadratic = (n1 + 2.0 * n2) * delta - n - c;
    let linear = (c2 * delta - n - 2.0 * c2) * delta + c;
    let constant = c2 * delta * (1.0 - delta);
    let third = quadratic / (3.0 * n);
    let q = third.powi(3) - linear * quadratic / (6.0 * n * n) + constant / (2.0 * n);
    let p = (third * third - linear / (3.0 * n)).sqrt().copysign(q);
    let angle = (std::f64::consts::PI + (q / p.powi(3)).acos()) / 3.0;
    let p2 = 2.0 * p * angle.cos() - third;
    (p2 + delta, p2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_statsmodels_0_15() {
        let (first, second) =
            (Proportion::new(25_000, 40_000).unwrap(), Proportion::new(30_000, 40_000).unwrap());
        let interval = statsmodels_score_interval(first, second, Level::P95).unwrap();
        assert!((interval.low + 0.13140261616540339).abs() < 1e-11, "{interval:?}");
        assert!((interval.high + 0.11859682084185422).abs() < 1e-11, "{interval:?}");
    }

    #[test]
    fn no_bound_is_none() {
        let none = Proportion::new(0, 10).unwrap();
        assert_eq!(statsmodels_score_interval(none, none, Level::P95), None);
    }
}
