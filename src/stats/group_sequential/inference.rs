//! What may be said of the effect once a group-sequential test has stopped.

use super::super::Undefined;
use super::super::root::brent;
use super::check_times;
use super::paths::{Paths, arriving};

/// The p-value, the estimate and the interval of a test that has stopped, by the stage-wise ordering.
///
/// Drifts are expected z values at full information (t = 1); the effect is the drift times the standard error that the
/// whole planned sample would have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stagewise {
    /// Two-sided p-value of no drift.
    pub p: f64,
    /// Median-unbiased estimate of the drift.
    pub median: f64,
    /// Lower end of the interval with the level 1 − α.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Inference after stopping at the last of the looks with the z statistic `statistic`.
///
/// # Estimand
/// The drift θ, without the bias that stopping at an extreme brings: the naive estimate and p-value of a test that
/// stopped early exaggerate.
///
/// # Formula
/// Outcomes are ordered from "crossed upwards at the first look" over the later looks and the values of the last one
/// to "crossed downwards at the first look". With U(θ) the probability of the observed outcome or one above it,
/// p = 2 min(U(0), 1 − U(0)), and U = α/2, ½, 1 − α/2 give the lower end, the estimate and the upper end.
/// p ≤ α exactly when the boundary was reached, if the boundaries spend α and the last look spends all of it; at a look
/// before, p is at most what had been spent.
///
/// # Assumptions
/// Those of [`super::boundaries`]; the stage-wise ordering needs no look after the one that stopped, so looks may be
/// unplanned. Data that came in after the decision are not used.
///
/// # Units
/// `information` as in [`super::boundaries`]; `z` holds the critical values of the looks, that of the last one is not
/// used.
///
/// # Edge cases
/// One look gives the fixed test and its interval. Earlier looks with an infinite critical value change nothing.
///
/// # Errors
/// Those of [`super::crossing_probabilities`], [`Undefined::NonFinite`] for the statistic,
/// [`Undefined::InvalidParameter`] for α.
///
/// # Source
/// A. Tsiatis, G. Rosner & C. Mehta (1984); Jennison & Turnbull (2000), chapter 8. Checked against the multivariate
/// normal law of scipy.
pub fn stagewise(information: &[f64], z: &[f64], statistic: f64, alpha: f64) -> Result<Stagewise, Undefined> {
    check_times(information)?;
    if information.len() != z.len() {
        return Err(Undefined::LengthMismatch);
    }
    if !z.iter().all(|&z| z > 0.0) {
        return Err(Undefined::InvalidParameter("z"));
    }
    if !statistic.is_finite() {
        return Err(Undefined::NonFinite);
    }
    if !(alpha > 0.0 && alpha < 1.0) {
        return Err(Undefined::InvalidParameter("alpha"));
    }
    if statistic < 0.0 {
        let mirror = stagewise(information, z, -statistic, alpha)?;
        return Ok(Stagewise { p: mirror.p, median: -mirror.median, low: -mirror.high, high: -mirror.low });
    }
    let last = information[information.len() - 1];
    let null = Ordering::new(information, z, statistic, 0.0);
    let centre = statistic / last.sqrt();
    let here = Ordering::new(information, z, statistic, centre);
    let drift = |target: f64| here.drift(target, centre, 2.0 / last.sqrt()).ok_or(Undefined::NoSolution);
    Ok(Stagewise {
        p: (2.0 * null.above(0.0)).min(1.0),
        median: drift(0.5)?,
        low: drift(alpha / 2.0)?,
        high: drift(1.0 - alpha / 2.0)?,
    })
}

/// The stage-wise ordering around one observed outcome.
struct Ordering<'a> {
    information: &'a [f64],
    z: &'a [f64],
    statistic: f64,
    arrivals: Vec<Paths>,
}

impl<'a> Ordering<'a> {
    fn new(information: &'a [f64], z: &'a [f64], statistic: f64, centre: f64) -> Ordering<'a> {
        Ordering { information, z, statistic, arrivals: arriving(information, z, centre) }
    }

    /// U(θ): the probability under a drift of the observed outcome or of one above it.
    fn above(&self, drift: f64) -> f64 {
        let last = self.information.len() - 1;
        let level = |look: usize| if look == last { self.statistic } else { self.z[look] };
        let looks = self.information.iter().zip(&self.arrivals).enumerate();
        looks.map(|(look, (&t, paths))| paths.beyond(level(look) * t.sqrt(), t, drift, 1.0)).sum()
    }

    /// The drift with U(θ) = target; U grows with θ. The bracket grows from `centre` in doubling steps.
    fn drift(&self, target: f64, centre: f64, mut step: f64) -> Option<f64> {
        let excess = |drift: f64| self.above(drift) - target;
        let side = if excess(centre) < 0.0 { 1.0 } else { -1.0 };
        let mut near = centre;
        for _ in 0..8 {
            let far = near + side * step;
            if excess(far) * side >= 0.0 {
                return brent(excess, near.min(far), near.max(far));
            }
            near = far;
            step *= 2.0;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Spending, boundaries, crossing_probabilities};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_single_look_is_the_fixed_test() {
        let fixed = stagewise(&[1.0], &[1.96], 2.5, 0.05).unwrap();
        assert!((fixed.p - 0.012_419_330_651_552_318).abs() < 1e-15, "{}", fixed.p);
        assert!((fixed.median - 2.5).abs() < 1e-9);
        assert!((fixed.high - 2.5 - 1.959_963_984_540_054).abs() < 1e-9);
        assert!((fixed.low - 2.5 + 1.959_963_984_540_054).abs() < 1e-9);
    }

    #[test]
    fn agrees_with_the_multivariate_normal_law() {
        let z = [3.928_572_542_626_035_6, 2.669_972_003_902_745, 1.981_024_503_391_848_3];
        // Looks 1 and 2 by scipy's exact bivariate law; three looks by its quasi-Monte-Carlo integration, to 1e-5.
        let cases = [
            (
                2,
                2.9,
                0.05,
                [0.003_772_568_886_718_5, 3.742_408_438_594_8, 1.210_774_625_435_5, 6.273_216_649_107_7],
                1e-10,
            ),
            (3, 2.4, 0.05, [0.020_661_31, 2.364_214_9, 0.367_413_2, 4.337_451_3], 1e-4),
            (3, 0.7, 0.1, [0.483_992_3, 0.699_905_4, -0.944_971_4, 2.344_792_2], 1e-4),
        ];
        for (looks, statistic, alpha, expected, tolerance) in cases {
            let found = stagewise(&[0.3, 0.6, 1.0][..looks], &z[..looks], statistic, alpha).unwrap();
            for (f, e) in [found.p, found.median, found.low, found.high].into_iter().zip(expected) {
                assert!((f - e).abs() < tolerance, "{found:?} is not {expected:?}");
            }
        }
    }

    #[test]
    fn errors_have_reasons() {
        assert_eq!(stagewise(&[0.5, 1.0], &[2.0], 1.0, 0.05), Err(Undefined::LengthMismatch));
        assert_eq!(stagewise(&[1.0], &[2.0], f64::NAN, 0.05), Err(Undefined::NonFinite));
        assert_eq!(stagewise(&[1.0], &[2.0], 1.0, 0.0), Err(Undefined::InvalidParameter("alpha")));
        assert_eq!(stagewise(&[1.0], &[0.0], 1.0, 0.05), Err(Undefined::InvalidParameter("z")));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn the_p_value_is_below_alpha_exactly_beyond_the_last_boundary(
            steps in prop::collection::vec(0.05_f64..1.0, 1..6), statistic in -5.0_f64..5.0, kind in 0_usize..3,
        ) {
            let total: f64 = steps.iter().sum();
            let times: Vec<f64> = steps.iter().scan(0.0, |sum, step| { *sum += step / total; Some(*sum) }).collect();
            let spending = [Spending::ObrienFleming, Spending::Pocock, Spending::Power(2.0)][kind];
            let plan = boundaries(&times, 0.05, spending).unwrap();
            let found = stagewise(&times, &plan.z, statistic, 0.05).unwrap();
            let last = times.len() - 1;
            prop_assert_eq!(found.p < 0.05, statistic.abs() > plan.z[last]);
            prop_assert_eq!(found.p < 0.05, found.low > 0.0 || found.high < 0.0);
            prop_assert!(found.low < found.median && found.median < found.high);
            let mirror = stagewise(&times, &plan.z, -statistic, 0.05).unwrap();
            prop_assert_eq!((mirror.p, mirror.median), (found.p, -found.median));
            // The estimate is the drift at which half of all outcomes lie above the observed one.
            let mut above = plan.z.clone();
            above[last] = statistic.abs().max(1e-9);
            let upper = crossing_probabilities(&times, &above, found.median.abs()).unwrap().upper;
            prop_assert!((upper.iter().sum::<f64>() - 0.5).abs() < 1e-9);
        }
    }
}
