//! Planning of a comparison of two proportions by Cohen's h.

use super::Design;
use crate::stats::distributions::{normal_isf, normal_sf};
use crate::stats::root::brent;
use crate::stats::{Alternative, Undefined};
use std::f64::consts::PI;

/// The answer of [`sample_size_proportions`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProportionSampleSize {
    /// Cohen's h of the second proportion against the first.
    pub h: f64,
    /// Units in the first group, unrounded.
    pub n1: f64,
    /// Units in the second group, unrounded: ratio · n₁.
    pub n2: f64,
}

/// The answer of [`mde_proportions`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MinimalProportion {
    /// The least h that the test finds with the asked power, signed as the alternative.
    pub h: f64,
    /// The proportion of the second group at that h.
    pub p2: f64,
}

/// Cohen's h, the difference of two proportions on the scale where their variance is 1/n.
///
/// # Estimand
/// 2 asin √p₂ − 2 asin √p₁, without unit, between −π and π; positive where p₂ is greater.
///
/// # Formula
/// 2 atan2((p₂ − p₁)/(√(p₂(1 − p₁)) + √(p₁(1 − p₂))), √((1 − p₁)(1 − p₂)) + √(p₁p₂)): the same without the cancellation
/// of two nearly equal arcs.
///
/// # Assumptions
/// None: it is a transformation.
///
/// # Edge cases
/// Equal proportions, also 0 and 1, give 0.
///
/// # Errors
/// [`Undefined::InvalidParameter`] for a proportion outside [0, 1].
///
/// # Source
/// J. Cohen (1988), chapter 6; `statsmodels proportion_effectsize(p2, p1)`; field `h` of the reference case
/// `sample_size_proportions_cohen_h`.
pub fn cohen_h(p1: f64, p2: f64) -> Result<f64, Undefined> {
    let share = |p: f64| (0.0..=1.0).contains(&p);
    if !share(p1) || !share(p2) {
        return Err(Undefined::InvalidParameter("proportion"));
    }
    // tan(h/2) by the addition theorem: the difference of two nearly equal arcs would lose the digits of a small lift.
    let sine = (p2 - p1) / ((p2 * (1.0 - p1)).sqrt() + (p1 * (1.0 - p2)).sqrt());
    let cosine = ((1.0 - p1) * (1.0 - p2)).sqrt() + (p1 * p2).sqrt();
    Ok(if p1 == p2 { 0.0 } else { 2.0 * sine.atan2(cosine) })
}

/// The power of the z test of two proportions.
///
/// # Estimand
/// The chance to reject p₁ = p₂ when the proportions are `p1` and `p2`, with `n1` units in the first group.
///
/// # Formula
/// λ = |h| √(n₁n₂/(n₁ + n₂)); two-sided Φ(λ − z_{α/2}) + Φ(−λ − z_{α/2}), one-sided Φ(±λ − z_α).
///
/// # Assumptions
/// Independent units and the arcsine approximation, good where n·p is above about five.
///
/// # Edge cases
/// Without effect the power is α. `n1` need not be an integer.
///
/// # Errors
/// [`Undefined::InvalidParameter`] for a number outside its range.
///
/// # Source
/// `statsmodels NormalIndPower().power`; reference case `power_proportions_cohen_h`.
pub fn power_proportions(p1: f64, p2: f64, n1: f64, design: Design) -> Result<f64, Undefined> {
    design.check()?;
    if !(n1 > 0.0 && n1.is_finite()) {
        return Err(Undefined::InvalidParameter("n1"));
    }
    let lambda = cohen_h(p1, p2)? * (n1 * design.effective_share()).sqrt();
    let z = normal_isf(design.alpha_of_a_tail());
    let power = match design.alternative {
        Alternative::TwoSided => two_sided(lambda, z),
        Alternative::Greater => normal_sf(z - lambda),
        Alternative::Less => normal_sf(z + lambda),
    };
    // A level so small that its critical value is infinite, against an infinite effect, decides nothing.
    if power.is_nan() { Err(Undefined::NonFinite) } else { Ok(power) }
}

fn two_sided(lambda: f64, z: f64) -> f64 {
    normal_sf(z - lambda) + normal_sf(z + lambda)
}

/// The number of units that a z test of two proportions needs.
///
/// # Estimand
/// n₁ (and n₂ = ratio · n₁) at which [`power_proportions`] equals `power`.
///
/// # Formula
/// With λ the root of the power in the noncentrality, n₁ = (λ/h)² (1 + ratio)/ratio.
///
/// # Assumptions
/// Those of [`power_proportions`].
///
/// # Edge cases
/// The answer is not rounded; it may be below 1 for a huge effect.
///
/// # Errors
/// [`Undefined::NoSolution`] where no size does: equal proportions, an effect against the alternative, a power not
/// above α. [`Undefined::InvalidParameter`] for a number outside its range.
///
/// # Source
/// `statsmodels NormalIndPower().solve_power(proportion_effectsize(p2, p1))`; reference case
/// `sample_size_proportions_cohen_h`.
pub fn sample_size_proportions(
    p1: f64,
    p2: f64,
    power: f64,
    design: Design,
) -> Result<ProportionSampleSize, Undefined> {
    design.check()?;
    design.check_power(power)?;
    let h = cohen_h(p1, p2)?;
    let root = noncentrality(power, design)? / design.directed(h)?;
    let n1 = root * root / design.effective_share();
    Ok(ProportionSampleSize { h, n1, n2: n1 * design.ratio })
}

/// The least proportion of the second group that the test tells from `p1` with the asked power.
///
/// # Estimand
/// p₂ > p₁ (p₂ < p₁ for `Less`) at which [`power_proportions`] with `n1` units in the first group equals `power`.
///
/// # Formula
/// h = λ / √(n₁n₂/(n₁ + n₂)), p₂ = sin²(asin √p₁ ± h/2).
///
/// # Assumptions
/// Those of [`power_proportions`].
///
/// # Edge cases
/// From p₁ = 1 nothing greater exists, from p₁ = 0 nothing smaller.
///
/// # Errors
/// [`Undefined::NoSolution`] where even p₂ = 1 (0 for `Less`) is not found with that power;
/// [`Undefined::InvalidParameter`] for a number outside its range.
///
/// # Source
/// The inverse of Cohen's h; reference case `mde_proportions_cohen_h`.
pub fn mde_proportions(p1: f64, n1: f64, power: f64, design: Design) -> Result<MinimalProportion, Undefined> {
    design.check()?;
    design.check_power(power)?;
    if !(n1 > 0.0 && n1.is_finite()) {
        return Err(Undefined::InvalidParameter("n1"));
    }
    if !(0.0..=1.0).contains(&p1) {
        return Err(Undefined::InvalidParameter("proportion"));
    }
    let size = noncentrality(power, design)? / (n1 * design.effective_share()).sqrt();
    let h = if design.alternative == Alternative::Less { -size } else { size };
    let angle = p1.sqrt().asin() + h / 2.0;
    if !(0.0..=PI / 2.0).contains(&angle) {
        return Err(Undefined::NoSolution);
    }
    Ok(MinimalProportion { h, p2: angle.sin() * angle.sin() })
}

/// The λ ≥ 0 at which the normal test has the asked power.
fn noncentrality(power: f64, design: Design) -> Result<f64, Undefined> {
    let z = normal_isf(design.alpha_of_a_tail());
    let one_tail = z - normal_isf(power);
    if design.alternative != Alternative::TwoSided {
        return Ok(one_tail);
    }
    // One tail has less power than both, so its λ is an upper bound.
    brent(|lambda| two_sided(lambda, z) - power, 0.0, one_tail.max(0.0) + 1.0).ok_or(Undefined::NoSolution)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn assert_close(actual: f64, expected: f64) {
        assert!((actual - expected).abs() <= 1e-11 * expected.abs(), "{actual} is not {expected}");
    }

    #[test]
    fn agrees_with_statsmodels() {
        let design = Design::balanced(0.03);
        let size = sample_size_proportions(0.05, 0.052, 0.87, design).unwrap();
        assert_close(size.h, 0.009091425586399582);
        assert!((size.n1 / 262946.4293358172 - 1.0).abs() < 1e-9, "{}", size.n1);
        assert_close(power_proportions(0.05, 0.052, 157768.0, design).unwrap(), 0.6492726121643226);
        let mde = mde_proportions(0.05, 20000.0, 0.87, design).unwrap();
        assert_close(mde.h, 0.03296481398177777);
        assert_close(mde.p2, 0.0574276941281661);
    }

    #[test]
    fn what_cannot_be_planned_says_so() {
        let design = Design::balanced(0.05);
        assert_eq!(sample_size_proportions(0.1, 0.1, 0.8, design).err(), Some(Undefined::NoSolution));
        assert_eq!(sample_size_proportions(0.1, 0.2, 0.04, design).err(), Some(Undefined::NoSolution));
        assert!(sample_size_proportions(0.1, 1.2, 0.8, design).is_err());
        let greater = Design { alternative: Alternative::Greater, ..design };
        assert_eq!(sample_size_proportions(0.2, 0.1, 0.8, greater).err(), Some(Undefined::NoSolution));
        assert_eq!(mde_proportions(0.99, 10.0, 0.8, design).err(), Some(Undefined::NoSolution));
        assert!(power_proportions(0.1, 0.2, 100.0, Design { ratio: 0.0, ..design }).is_err());
        assert!(power_proportions(0.1, 0.2, 100.0, Design { alpha: 1.0, ..design }).is_err());
    }

    #[test]
    fn a_lift_of_a_millionth_keeps_its_digits() {
        // dh/dp = 1/√(p(1 − p))
        let h = cohen_h(0.25, 0.25 + 1e-10).unwrap();
        assert!((h / (1e-10 / (0.25_f64 * 0.75).sqrt()) - 1.0).abs() < 1e-6, "{h}");
        assert_close(cohen_h(0.0, 1.0).unwrap(), PI);
        assert_eq!(cohen_h(0.0, 0.0).unwrap(), 0.0);
    }

    proptest! {
        #[test]
        fn size_power_and_effect_are_one_equation(
            p1 in 0.01_f64..0.6, lift in 0.005_f64..0.3, alpha in 0.001_f64..0.2, power in 0.3_f64..0.99,
            ratio in 0.1_f64..5.0, side in 0_usize..3,
        ) {
            let alternative = [Alternative::TwoSided, Alternative::Greater, Alternative::Less][side];
            let design = Design { alpha, ratio, alternative };
            let (p1, p2) = if alternative == Alternative::Less { (p1 + lift, p1) } else { (p1, p1 + lift) };
            let size = sample_size_proportions(p1, p2, power, design).unwrap();
            prop_assert!((power_proportions(p1, p2, size.n1, design).unwrap() - power).abs() < 1e-11);
            let mde = mde_proportions(p1, size.n1, power, design).unwrap();
            prop_assert!((mde.p2 - p2).abs() < 1e-10);
        }

        #[test]
        fn swapped_proportions_mirror(p1 in 0.0_f64..=1.0, p2 in 0.0_f64..=1.0, n in 2.0_f64..1e6) {
            let design = Design::balanced(0.05);
            prop_assert_eq!(cohen_h(p1, p2).unwrap(), -cohen_h(p2, p1).unwrap());
            let there = power_proportions(p1, p2, n, design).unwrap();
            prop_assert!((there - power_proportions(p2, p1, n, design).unwrap()).abs() < 1e-14);
            prop_assert!((0.05 - 1e-12..=1.0 + 1e-15).contains(&there));
        }
    }
}
