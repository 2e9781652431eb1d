//! Planning of a comparison of two means by Cohen's d and the noncentral t.

use super::Design;
use crate::stats::distributions::{noncentral_t_sf, normal_isf, student_t_isf};
use crate::stats::root::brent;
use crate::stats::{Alternative, Undefined};

/// The power of the two-sample t test with a common variance.
///
/// # Estimand
/// The chance to reject equal means when the second mean exceeds the first by `d` standard deviations (Cohen's d), with
/// `n1` units in the first group and ratio · n₁ in the second.
///
/// # Formula
/// T is noncentral t with n₁ + n₂ − 2 degrees of freedom and noncentrality d √(n₁n₂/(n₁ + n₂)); the power is the
/// probability beyond the critical values, both of them for a two-sided test.
///
/// # Assumptions
/// Independent normal units with one variance; by the central limit theorem good for means of large samples.
///
/// # Edge cases
/// Without effect the power is α. `n1` need not be an integer. An effect against a one-sided alternative has a power
/// below α.
///
/// # Errors
/// [`Undefined::TooFewObservations`] where no degree of freedom is left, [`Undefined::InvalidParameter`] or
/// [`Undefined::NonFinite`] for a number outside its range.
///
/// # Source
/// J. Cohen (1988), chapter 2; `statsmodels TTestIndPower().power`; the root of it is the reference case
/// `sample_size_means_t`.
pub fn power_means(d: f64, n1: f64, design: Design) -> Result<f64, Undefined> {
    design.check()?;
    if !d.is_finite() {
        return Err(Undefined::NonFinite);
    }
    if !(n1 > 0.0 && n1.is_finite()) {
        return Err(Undefined::InvalidParameter("n1"));
    }
    let total = n1 * (1.0 + design.ratio);
    if total <= 2.0 {
        return Err(Undefined::TooFewObservations { needed: 3, found: total as u64 });
    }
    // A level so small that its critical value is infinite, against an infinite effect, decides nothing.
    let power = power_unchecked(d, n1, design);
    if power.is_nan() { Err(Undefined::NonFinite) } else { Ok(power) }
}

fn power_unchecked(d: f64, n1: f64, design: Design) -> f64 {
    let df = n1 * (1.0 + design.ratio) - 2.0;
    let noncentrality = d * (n1 * design.effective_share()).sqrt();
    let critical = student_t_isf(design.alpha_of_a_tail(), df);
    match design.alternative {
        Alternative::Greater => noncentral_t_sf(critical, df, noncentrality),
        Alternative::Less => noncentral_t_sf(critical, df, -noncentrality),
        Alternative::TwoSided => {
            noncentral_t_sf(critical, df, noncentrality) + noncentral_t_sf(critical, df, -noncentrality)
        }
    }
}

/// The number of units in the first group that a two-sample t test needs to find Cohen's `d`; the second group needs
/// ratio times as many.
///
/// # Estimand
/// The n₁ at which [`power_means`] equals `power`, unrounded.
///
/// # Formula
/// The root of [`power_means`] in n₁, by Brent's method from the normal answer (z_{1−α} + z_power)²(1 + ratio)/(ratio
/// d²).
///
/// # Assumptions
/// Those of [`power_means`].
///
/// # Edge cases
/// For a huge effect the answer is the least size with a degree of freedom left, 2.01/(1 + ratio).
///
/// # Errors
/// [`Undefined::NoSolution`] for d = 0, an effect against the alternative or a power not above α;
/// [`Undefined::InvalidParameter`] for a number outside its range.
///
/// # Source
/// `statsmodels TTestIndPower().solve_power`; reference case `sample_size_means_t`.
pub fn sample_size_means(d: f64, power: f64, design: Design) -> Result<f64, Undefined> {
    design.check()?;
    design.check_power(power)?;
    let size = design.directed(d)?;
    let shortfall = |n1: f64| power_unchecked(d, n1, design) - power;
    // With less than a hundredth of a degree of freedom the estimated deviation is anything from zero to infinity.
    let least = 2.01 / (1.0 + design.ratio);
    let lambda = normal_isf(design.alpha_of_a_tail()) - normal_isf(power);
    let guess = (lambda / size) * (lambda / size) / design.effective_share();
    if !guess.is_finite() || guess > 1e18 {
        return Err(Undefined::NoSolution);
    }
    if shortfall(least) >= 0.0 {
        return Ok(least);
    }
    // The normal size is close from below for a large answer, far below for a small one.
    let mut high = guess.max(least) * 1.1 + 3.0;
    while shortfall(high) < 0.0 {
        high *= 2.0;
        if high > 1e18 {
            return Err(Undefined::NoSolution);
        }
    }
    let low = if guess * 0.9 > least && shortfall(guess * 0.9) < 0.0 { guess * 0.9 } else { least };
    brent(shortfall, low, high).ok_or(Undefined::NoSolution)
}

/// The least Cohen's d that a two-sample t test with `n1` units in the first group finds with the asked power.
///
/// # Estimand
/// d in standard deviations; multiply by the standard deviation for the units of the metric.
///
/// # Formula
/// The root of [`power_means`] in d, by Brent's method.
///
/// # Assumptions
/// Those of [`power_means`].
///
/// # Edge cases
/// Positive, except for the alternative `Less`.
///
/// # Errors
/// As [`power_means`]; [`Undefined::NoSolution`] for a power not above α.
///
/// # Source
/// The root of `statsmodels TTestIndPower().power` in the effect.
pub fn mde_means(n1: f64, power: f64, design: Design) -> Result<f64, Undefined> {
    power_means(0.0, n1, design)?;
    design.check_power(power)?;
    let sign = if design.alternative == Alternative::Less { -1.0 } else { 1.0 };
    let shortfall = |d: f64| power_unchecked(sign * d, n1, design) - power;
    let mut high = 1.0 / (n1 * design.effective_share()).sqrt();
    while shortfall(high) < 0.0 {
        high *= 2.0;
        if high > 1e12 {
            return Err(Undefined::NoSolution);
        }
    }
    brent(shortfall, 0.0, high).map(|d| sign * d).ok_or(Undefined::NoSolution)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn agrees_with_statsmodels() {
        let cases = [
            (0.02, 0.05, 0.8, 1.0, 39245.26293439685),
            (0.5, 0.05, 0.9, 1.0, 85.03128413734613),
            (0.3, 0.01, 0.8, 2.0, 195.75812162434607),
            (0.9, 0.05, 0.8, 1.0, 20.386329865574872),
        ];
        for (d, alpha, power, ratio, expected) in cases {
            let design = Design { alpha, ratio, alternative: Alternative::TwoSided };
            let n1 = sample_size_means(d, power, design).unwrap();
            assert!((n1 / expected - 1.0).abs() < 1e-8, "{n1} is not {expected}");
        }
    }

    #[test]
    fn what_cannot_be_planned_says_so() {
        let design = Design::balanced(0.05);
        assert_eq!(sample_size_means(0.0, 0.8, design).err(), Some(Undefined::NoSolution));
        assert_eq!(sample_size_means(f64::NAN, 0.8, design).err(), Some(Undefined::NonFinite));
        assert_eq!(sample_size_means(1e-300, 0.8, design).err(), Some(Undefined::NoSolution));
        assert!(power_means(0.1, 1.0, design).is_err());
        assert!(mde_means(1.0, 0.8, design).is_err());
        let less = Design { alternative: Alternative::Less, ..design };
        assert_eq!(sample_size_means(0.2, 0.8, less).err(), Some(Undefined::NoSolution));
        assert!(mde_means(100.0, 0.8, less).unwrap() < 0.0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn size_power_and_effect_are_one_equation(
            d in 0.02_f64..1.5, alpha in 0.001_f64..0.2, power in 0.3_f64..0.99, ratio in 0.2_f64..4.0,
            side in 0_usize..3,
        ) {
            let alternative = [Alternative::TwoSided, Alternative::Greater, Alternative::Less][side];
            let design = Design { alpha, ratio, alternative };
            let d = if alternative == Alternative::Less { -d } else { d };
            let n1 = sample_size_means(d, power, design).unwrap();
            prop_assert!((power_means(d, n1, design).unwrap() - power).abs() < 1e-9);
            prop_assert!((mde_means(n1, power, design).unwrap() - d).abs() < 1e-7 * d.abs());
        }
    }
}
