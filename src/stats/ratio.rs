//! Ratios of means by the delta method, and relative effects.
//!
//! # Which relative interval belongs to which test
//! Fieller's set excludes a relative effect of zero exactly when the test of the absolute difference with the same
//! standard errors and critical value rejects: it is the relative display of that test. The log-delta interval is
//! shorter to explain and always bounded, but is the interval of another test (of the logarithm of the quotient) and
//! may disagree near α.

use super::bivariate::BivariateMoments;
use super::distributions::normal_isf;
use super::t_test::MeanDifference;
use super::{Alternative, Interval, Level, Undefined};

/// An estimate with the variance of its sampling error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The estimate, in its units.
    pub value: f64,
    /// Its squared standard error.
    pub variance: f64,
}

/// The ratio of two means of one group, such as revenue per order, with its delta-method variance.
///
/// # Estimand
/// E Y / E X, where y is summed over the units for the numerator and x for the denominator: Σy/Σx.
///
/// # Formula
/// R = ȳ/x̄, variance (s²_y − 2R s_yx + R² s²_x)/(n x̄²), sample moments with n − 1. This equals the variance of the mean
/// of the linearised metric (y − R x)/x̄.
///
/// # Assumptions
/// Units are independent and are the units of randomisation; x̄ is several standard errors away from zero.
///
/// # Edge cases
/// A single group needs two units. A numerator proportional to the denominator has no variance; a negative denominator
/// is allowed. What overflows is [`Undefined::NonFinite`].
///
/// # Errors
/// [`Undefined::EmptyGroup`], [`Undefined::TooFewObservations`], [`Undefined::NonFinite`],
/// [`Undefined::ZeroDenominator`] where x̄ = 0.
///
/// # Source
/// A. Deng, U. Knoblich & J. Lu (2018), *Applying the delta method in metric analytics*; reference case
/// `ratio_delta_method`.
pub fn ratio_of_means(group: &BivariateMoments) -> Result<Estimate, Undefined> {
    group.check()?;
    if group.mean_x == 0.0 {
        return Err(Undefined::ZeroDenominator);
    }
    let ratio = group.mean_y / group.mean_x;
    let residual = group.of_residual(ratio, group.mean_x).checked_variance()?;
    let variance = residual / group.n as f64 / group.mean_x / group.mean_x;
    if !ratio.is_finite() || !variance.is_finite() {
        return Err(Undefined::NonFinite);
    }
    Ok(Estimate { value: ratio, variance })
}

/// The answer of [`ratio_difference`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RatioDifference {
    /// The ratio of the control with its variance.
    pub control: Estimate,
    /// The ratio of the treatment with its variance.
    pub treatment: Estimate,
    /// treatment − control with the z test and its interval.
    pub difference: MeanDifference,
    /// treatment/control − 1 with its intervals; an error where the control's ratio is zero.
    pub relative: Result<RelativeEffect, Undefined>,
}

/// Compares the ratio metric of two groups.
///
/// # Estimand
/// R_treatment − R_control in the units of the ratio, and R_treatment/R_control − 1.
///
/// # Formula
/// z = (R_t − R_c)/√(V_t + V_c), two-sided or one-sided p from the normal law; relative intervals by
/// [`relative_effect`] with the two-sided critical value of `level`.
///
/// # Assumptions
/// Those of [`ratio_of_means`] in both groups, large samples.
///
/// # Edge cases
/// Where the control's ratio is zero the difference exists and the relative effect does not.
///
/// # Errors
/// Those of [`ratio_of_means`]; [`Undefined::ZeroVariance`] where neither ratio varies.
///
/// # Source
/// Deng, Knoblich & Lu (2018); reference case `ratio_delta_method`.
pub fn ratio_difference(
    control: &BivariateMoments,
    treatment: &BivariateMoments,
    alternative: Alternative,
    level: Level,
) -> Result<RatioDifference, Undefined> {
    let (control, treatment) = (ratio_of_means(control)?, ratio_of_means(treatment)?);
    let se = (control.variance + treatment.variance).sqrt();
    let estimate = treatment.value - control.value;
    let difference = MeanDifference::from_estimate(estimate, se, f64::INFINITY, alternative, level)?;
    let relative = relative_effect(control, treatment, normal_isf(level.alpha() / 2.0));
    Ok(RatioDifference { control, treatment, difference, relative })
}

/// The relative difference of two independent estimates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RelativeEffect {
    /// treatment/control − 1.
    pub estimate: f64,
    /// The interval on the logarithmic scale. `None` where the quotient is not positive.
    pub log_delta: Option<Interval>,
    /// Fieller's interval, the dual of the test of the difference. `None` where the control is within `critical`
    /// standard errors of zero, so that the set is not an interval.
    pub fieller: Option<Interval>,
}

/// The relative effect treatment/control − 1 of two independent estimates with its two intervals.
///
/// # Estimand
/// θ_t/θ_c − 1, as a share (0.05 is five percent).
///
/// # Formula
/// Log-delta: exp(ln(t/c) ± z √(V_c/c² + V_t/t²)) − 1. Fieller: all φ − 1 with (t − φc)² ≤ z²(V_t + φ²V_c).
///
/// `critical` is the two-sided critical value z of the test of the difference: the normal one, or Student's at the
/// degrees of freedom of that test.
///
/// # Assumptions
/// Both estimates are close to normal and independent of each other.
///
/// # Edge cases
/// A zero treatment estimate has no logarithm; a control close to zero has no bounded Fieller set. Both are `None`.
///
/// # Errors
/// [`Undefined::ZeroDenominator`] for a zero control, [`Undefined::NonFinite`] for an input or a quotient that is not
/// finite, [`Undefined::InvalidParameter`] for a negative variance or critical value.
///
/// # Source
/// E. C. Fieller (1954); Deng, Knoblich & Lu (2018) for the delta method; field `relative_ci95_log_delta` of the
/// reference case `ratio_delta_method`.
pub fn relative_effect(
    control: Estimate,
    treatment: Estimate,
    critical: f64,
) -> Result<RelativeEffect, Undefined> {
    let all = [control.value, control.variance, treatment.value, treatment.variance, critical];
    if !all.iter().all(|number| number.is_finite()) {
        return Err(Undefined::NonFinite);
    }
    if control.variance < 0.0 || treatment.variance < 0.0 || critical < 0.0 {
        return Err(Undefined::InvalidParameter("variance"));
    }
    if control.value == 0.0 {
        return Err(Undefined::ZeroDenominator);
    }
    let estimate = (treatment.value - control.value) / control.value;
    if !estimate.is_finite() {
        return Err(Undefined::NonFinite);
    }
    let known = |interval: &Interval| !interval.low.is_nan() && !interval.high.is_nan();
    Ok(RelativeEffect {
        estimate,
        log_delta: log_delta(control, treatment, critical).filter(known),
        fieller: fieller(control, treatment, critical).filter(known),
    })
}

fn log_delta(control: Estimate, treatment: Estimate, critical: f64) -> Option<Interval> {
    let quotient = treatment.value / control.value;
    if quotient <= 0.0 {
        return None;
    }
    let relative_variance = |part: Estimate| part.variance / (part.value * part.value);
    let margin = critical * (relative_variance(control) + relative_variance(treatment)).sqrt();
    Some(Interval { low: (quotient.ln() - margin).exp_m1(), high: (quotient.ln() + margin).exp_m1() })
}

fn fieller(control: Estimate, treatment: Estimate, critical: f64) -> Option<Interval> {
    // With ψ = φ − 1 and d = t − c: (c² − z²V_c) ψ² − 2(dc + z²V_c) ψ + d² − z²(V_t + V_c) ≤ 0. In ψ, and not in φ, the
    // constant has the sign that decides the test, so a bound cannot land on the other side of zero by rounding.
    let square = critical * critical;
    let (c, difference) = (control.value, treatment.value - control.value);
    let a = c * c - square * control.variance;
    if a <= 0.0 {
        return None;
    }
    let half_b = difference * c + square * control.variance;
    let margin = critical * (control.variance + treatment.variance).sqrt();
    let constant = (difference - margin) * (difference + margin);
    let root = (half_b * half_b - a * constant).max(0.0).sqrt();
    // The root farther from zero first; the other one from the product of both, without cancellation.
    let far = half_b + root.copysign(half_b);
    let (one, other) = (far / a, if far == 0.0 { 0.0 } else { constant / far });
    Some(Interval { low: one.min(other), high: one.max(other) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Moments;
    use proptest::prelude::*;

    fn pairs(n: usize, shift: f64) -> (Vec<f64>, Vec<f64>) {
        (0..n)
            .map(|i| {
                let u = (i as f64 * 0.618_033_988_749_894_9).fract();
                let x = 1.0 + (u * 7.0).floor();
                (x * (0.3 + shift) + (i as f64 * 0.37).sin(), x)
            })
            .unzip()
    }

    #[test]
    fn the_delta_method_is_the_variance_of_the_linearised_metric() {
        let (y, x) = pairs(500, 0.0);
        let group = BivariateMoments::from_slices(&y, &x).unwrap();
        let ratio = ratio_of_means(&group).unwrap();
        let linearised: Vec<f64> =
            y.iter().zip(&x).map(|(y, x)| (y - ratio.value * x) / group.mean_x).collect();
        let expected = Moments::from_slice(&linearised).variance_of_mean().unwrap();
        assert!((ratio.variance / expected - 1.0).abs() < 1e-12, "{ratio:?} {expected}");
    }

    #[test]
    fn fieller_solves_its_equation() {
        let (control, treatment) =
            (Estimate { value: 2.0, variance: 0.04 }, Estimate { value: 2.3, variance: 0.09 });
        let interval = relative_effect(control, treatment, 1.96).unwrap().fieller.unwrap();
        for bound in [interval.low, interval.high] {
            let phi = 1.0 + bound;
            let z = (treatment.value - phi * control.value)
                / (treatment.variance + phi * phi * control.variance).sqrt();
            assert!((z.abs() - 1.96).abs() < 1e-12, "{z}");
        }
    }

    #[test]
    fn what_does_not_exist_has_a_reason() {
        let (near_zero, zero) =
            (Estimate { value: 0.1, variance: 0.04 }, Estimate { value: 0.0, variance: 1.0 });
        let some = Estimate { value: 2.0, variance: 0.1 };
        assert_eq!(relative_effect(near_zero, some, 1.96).unwrap().fieller, None);
        assert_eq!(relative_effect(zero, some, 1.96), Err(Undefined::ZeroDenominator));
        assert_eq!(relative_effect(some, zero, 1.96).unwrap().log_delta, None);
        let no_orders = BivariateMoments::from_slices(&[1.0, 2.0], &[0.0, 0.0]).unwrap();
        assert_eq!(ratio_of_means(&no_orders), Err(Undefined::ZeroDenominator));
        let constant = BivariateMoments::from_slices(&[2.0, 4.0], &[1.0, 2.0]).unwrap();
        let error = ratio_difference(&constant, &constant, Alternative::TwoSided, Level::P95);
        assert_eq!(error, Err(Undefined::ZeroVariance));
    }

    proptest! {
        #[test]
        fn fieller_excludes_zero_exactly_when_the_difference_is_significant(
            control in -9.0_f64..9.0, treatment in -9.0_f64..9.0, v1 in 0.0_f64..2.0, v2 in 0.001_f64..2.0,
            critical in 0.1_f64..4.0,
        ) {
            prop_assume!(control != 0.0);
            let (one, two) =
                (Estimate { value: control, variance: v1 }, Estimate { value: treatment, variance: v2 });
            let effect = relative_effect(one, two, critical).unwrap();
            if let Some(fieller) = effect.fieller {
                let significant = (treatment - control).abs() > critical * (v1 + v2).sqrt();
                prop_assert_eq!(significant, !fieller.contains(0.0), "{:?}", effect);
                prop_assert!(fieller.low <= effect.estimate && effect.estimate <= fieller.high);
            }
        }

        #[test]
        fn swapped_arms_and_scaled_data(n1 in 20_usize..200, n2 in 20_usize..200, shift in -0.2_f64..0.2) {
            let group = |n, shift: f64, scale: f64| {
                let (y, x) = pairs(n, shift);
                BivariateMoments::from_slices(&y.iter().map(|y| y * scale).collect::<Vec<f64>>(), &x).unwrap()
            };
            let compare = |a: &BivariateMoments, b: &BivariateMoments| {
                ratio_difference(a, b, Alternative::TwoSided, Level::P95).unwrap()
            };
            let there = compare(&group(n1, 0.0, 1.0), &group(n2, shift, 1.0));
            let back = compare(&group(n2, shift, 1.0), &group(n1, 0.0, 1.0));
            prop_assert_eq!(there.difference.estimate, -back.difference.estimate);
            prop_assert_eq!(there.difference.p, back.difference.p);
            let scaled = compare(&group(n1, 0.0, 8.0), &group(n2, shift, 8.0));
            prop_assert_eq!(scaled.difference.estimate, 8.0 * there.difference.estimate);
            prop_assert!((scaled.difference.p - there.difference.p).abs() < 1e-12);
            let (a, b) = (there.relative.unwrap(), scaled.relative.unwrap());
            prop_assert!((a.estimate - b.estimate).abs() < 1e-12);
        }
    }
}
