//! The correction over the comparisons of a family, and the level at which each of them was judged.
//!
//! A metric is a family of its own over its pairs, the metrics of one `family` key are one, and so are the steps of a
//! funnel. Pairs of controls are a family of their own over all metrics: they ask whether the split can be trusted, not
//! whether a treatment is better.

use crate::config::valid::Correction;
use crate::stats::distributions::{normal_isf, normal_sf};
use crate::stats::{Level, multiple_testing};

/// Adjusts the deciding p-values of one family. Dunnett's and Tukey's tests adjust by themselves; where a metric kind has
/// no such test, Holm's method stands in for them, which holds for any tests.
pub fn adjust(p: &[f64], correction: Correction) -> Vec<f64> {
    use multiple_testing::Correction as Method;
    let method = match correction {
        Correction::None => return p.to_vec(),
        Correction::Bonferroni => Method::Bonferroni,
        Correction::Holm | Correction::Dunnett | Correction::Tukey => Method::Holm,
        Correction::Hochberg => Method::Hochberg,
        Correction::Bh => Method::BenjaminiHochberg,
        Correction::By => Method::BenjaminiYekutieli,
    };
    // The only refusal is a p-value outside [0, 1], which no test of ours returns; 1 is the answer that claims nothing.
    multiple_testing::adjust(p, method).unwrap_or_else(|_| vec![1.0; p.len()])
}

/// The confidence level that matches an adjusted p-value.
///
/// A pair is significant when `p_adjusted < alpha`, that is when `p < alpha · p / p_adjusted`; an interval at one minus
/// that bound excludes zero exactly then. The bound is never below alpha over the most that the correction multiplies by;
/// where an adjusted p-value was capped at 1 this keeps the interval from growing without need.
pub fn judged_level(level: Level, p: f64, p_adjusted: f64, pairs: usize, correction: Correction) -> Level {
    let alpha = level.alpha();
    let floor = alpha / most(pairs, correction);
    let bound = if p_adjusted > 0.0 { alpha * p / p_adjusted } else { floor };
    let bound = bound.clamp(floor.min(alpha), alpha);
    if bound == alpha { level } else { Level::from_alpha(bound).unwrap_or(level) }
}

/// The most that a correction multiplies a p-value by: the number of comparisons, for Benjamini and Yekutieli's times
/// 1 + ½ + … + 1/m.
fn most(pairs: usize, correction: Correction) -> f64 {
    let m = pairs as f64;
    if correction == Correction::By { m * (1..=pairs).map(|i| 1.0 / i as f64).sum::<f64>() } else { m }
}

/// The level for an interval whose own test has the p-value `dual`, so that it excludes zero exactly when the deciding test
/// with the p-value `deciding` is significant at `level`.
///
/// # Formula
/// Where the deciding test finds something, the critical value is multiplied by z(dual)/z(deciding), z being the |z| of a
/// p-value: as if the standard error were off by that. z(deciding) > z(α) is the same as z(dual) > z(α) · z(dual)/z(deciding). Far out
/// in the tails the quotient of p-values would be astronomical where that of z is close to one, and a p-value counted from
/// draws has a floor. Where nothing is found z may be zero, and α is multiplied by dual/deciding instead; both meet at
/// deciding = α. The interval becomes wider where the deciding test is the more careful one (Fisher's against the score
/// test) and narrower where it is the sharper one.
pub fn calibrated(level: Level, dual: f64, deciding: f64) -> Level {
    if !(dual > 0.0 && deciding > 0.0) {
        // Both far below any level: the interval excludes zero at each.
        return level;
    }
    let alpha = level.alpha();
    let bound = if deciding < alpha {
        let z = |p: f64| normal_isf(0.5 * p);
        2.0 * normal_sf(z(alpha) * z(dual) / z(deciding))
    } else {
        alpha * dual / deciding
    };
    // Levels are kept off their ends, where no interval exists.
    let bound = bound.clamp(1e-300, 1.0 - 1e-9);
    Level::from_alpha(bound).unwrap_or(level)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_smallest_of_three_is_judged_at_a_third_of_alpha_by_holm() {
        let p = [0.001, 0.02, 0.4];
        let adjusted = adjust(&p, Correction::Holm);
        let level = judged_level(Level::P95, p[0], adjusted[0], 3, Correction::Holm);
        assert!((level.alpha() - 0.05 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn far_in_the_tails_an_interval_keeps_nearly_its_level() {
        // By the quotient of the p-values the level would be 99.9995 %.
        let level = calibrated(Level::P95, 1e-30, 1e-26);
        assert!((0.95..0.97).contains(&level.get()), "{level:?}");
    }

    proptest! {
        #[test]
        fn the_calibrated_level_excludes_zero_as_the_deciding_test_does(
            dual in 1e-30_f64..1.0, deciding in 1e-30_f64..1.0, near in proptest::bool::ANY,
        ) {
            let deciding = if near { 0.05 * (1.0 + 1e-6 * deciding) } else { deciding };
            let level = calibrated(Level::P95, dual, deciding);
            let bound = level.alpha();
            prop_assume!((dual / bound - 1.0).abs() > 1e-9);
            prop_assert_eq!(deciding < 0.05, dual < bound);
        }

        /// Significance by the adjusted p-value and by the judged level are the same thing.
        #[test]
        fn the_level_agrees_with_the_adjusted_p(
            p in proptest::collection::vec(1e-9f64..1.0, 1..8),
            method in proptest::sample::select(vec![
                Correction::None, Correction::Bonferroni, Correction::Holm, Correction::Hochberg, Correction::Bh,
                Correction::By,
            ]),
        ) {
            let adjusted = adjust(&p, method);
            for (p_raw, p_adj) in p.iter().zip(&adjusted) {
                // A p-value within rounding of its bound may fall on either side.
                prop_assume!((p_adj - 0.05).abs() > 1e-9);
                let level = judged_level(Level::P95, *p_raw, *p_adj, p.len(), method);
                prop_assert_eq!(*p_adj < 0.05, *p_raw < level.alpha());
            }
        }
    }
}
