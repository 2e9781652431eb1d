//! The standard normal distribution.

use std::f64::consts::{SQRT_2, TAU};

use super::erf::erfc;

/// `½ ln 2π`.
const HALF_LN_TAU: f64 = 0.918_938_533_204_672_8;

/// Density of the standard normal distribution.
///
/// # Formula
/// `exp(−z²/2) / √(2π)`.
///
/// # Domain
/// Every number; NaN for NaN.
///
/// # Accuracy
/// z² units in the last place, from the rounding of the exponent.
///
/// # Source
/// `scipy.stats.norm.pdf`.
pub fn normal_pdf(z: f64) -> f64 {
    (-0.5 * z * z).exp() / TAU.sqrt()
}

/// `P(Z ≤ z)`.
///
/// # Formula
/// `½ erfc(−z/√2)`.
///
/// # Domain
/// Every number; NaN for NaN.
///
/// # Accuracy
/// That of [`normal_sf`].
///
/// # Source
/// The error function of `msun`; `scipy.stats.norm.cdf`.
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * erfc(-z / SQRT_2)
}

/// `P(Z > z)`, accurate down to the smallest normal number (`z` about 37.5).
///
/// # Formula
/// `½ erfc(z/√2)`.
///
/// # Domain
/// Every number; NaN for NaN.
///
/// # Accuracy
/// Largest relative error measured against 30-digit arithmetic: 2e-13. At z = 36; below 5 it is a few units in the last
/// place. It is the rounding of z/√2.
///
/// # Source
/// The error function of `msun`; `scipy.stats.norm.sf`.
pub fn normal_sf(z: f64) -> f64 {
    0.5 * erfc(z / SQRT_2)
}

/// `ln P(Z > z)`, finite for every finite `z` whose square is.
///
/// # Formula
/// The logarithm of [`normal_sf`]; beyond 10 the continued fraction of Mills' ratio, `1/(z + 1/(z + 2/(z + 3/(z +
/// …))))`.
///
/// # Domain
/// Every number; NaN for NaN.
///
/// # Accuracy
/// Largest relative error measured against 30-digit arithmetic: 1e-14. z from −5 to 110.
///
/// # Source
/// DLMF 7.9.3; `scipy.stats.norm.logsf`.
pub fn normal_ln_sf(z: f64) -> f64 {
    if z < -1.0 {
        return (-normal_sf(-z)).ln_1p();
    }
    if z < 10.0 || z.is_nan() {
        return normal_sf(z).ln();
    }
    if z > 1e8 {
        return -0.5 * z * z - z.ln() - HALF_LN_TAU;
    }
    let denominator = (1..=40).rev().fold(z, |tail, k| z + f64::from(k) / tail);
    -0.5 * z * z - HALF_LN_TAU - denominator.ln()
}

/// The `z` with `P(Z ≤ z) = p`.
///
/// # Formula
/// Rational approximations of z in p − ½ and in √(−ln p).
///
/// # Domain
/// p in [0, 1], infinite at both ends. NaN outside of it.
///
/// # Accuracy
/// Largest relative error measured against 30-digit arithmetic: 6e-16. p from 1e-300 up.
///
/// # Source
/// M. J. Wichura (1988), algorithm AS 241 (PPND16); `scipy.stats.norm.ppf`.
pub fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * ratio(r, &CENTRAL_NUMERATOR, &CENTRAL_DENOMINATOR);
    }
    if q < 0.0 { -upper_quantile(p) } else { upper_quantile(1.0 - p) }
}

/// [`normal_quantile`] of ascending probabilities, in place and to the same bits: those of one approximation are done side by side.
pub(in crate::stats) fn normal_quantiles(ascending: &mut [f64]) {
    let (far, rest) = ascending.split_at_mut(ascending.partition_point(|p| *p < FAR));
    let (tail, rest) = rest.split_at_mut(rest.partition_point(|p| p - 0.5 < -0.425));
    let (middle, upper) = rest.split_at_mut(rest.partition_point(|p| (p - 0.5).abs() <= 0.425));
    for p in far.iter_mut().chain(upper) {
        *p = normal_quantile(*p);
    }
    for p in tail.iter_mut() {
        *p = p.ln();
    }
    for p in tail {
        *p = -ratio((-*p).sqrt() - 1.6, &MIDDLE_NUMERATOR, &MIDDLE_DENOMINATOR);
    }
    for p in middle {
        let q = *p - 0.5;
        *p = q * ratio(0.180_625 - q * q, &CENTRAL_NUMERATOR, &CENTRAL_DENOMINATOR);
    }
}

/// A tail below which the approximation is that of far ones: e⁻²⁵ is 1.4e-11.
const FAR: f64 = 1e-10;

/// The `z` with `P(Z > z) = p`, accurate for tails down to 1e-300.
///
/// # Formula
/// `−` [`normal_quantile`].
///
/// # Domain
/// p in [0, 1], infinite at both ends. NaN outside of it.
///
/// # Accuracy
/// That of [`normal_quantile`].
///
/// # Source
/// `scipy.stats.norm.isf`.
pub fn normal_isf(p: f64) -> f64 {
    -normal_quantile(p)
}

/// The `z > 0` whose upper tail is `tail`, for tails below 0.075.
fn upper_quantile(tail: f64) -> f64 {
    if tail == 0.0 {
        return f64::INFINITY;
    }
    if tail.is_nan() || tail < 0.0 {
        return f64::NAN;
    }
    let r = (-tail.ln()).sqrt();
    if r <= 5.0 {
        ratio(r - 1.6, &MIDDLE_NUMERATOR, &MIDDLE_DENOMINATOR)
    } else {
        ratio(r - 5.0, &FAR_NUMERATOR, &FAR_DENOMINATOR)
    }
}

/// Ratio of two polynomials whose coefficients are given from the constant upwards.
fn ratio(x: f64, numerator: &[f64; 8], denominator: &[f64; 8]) -> f64 {
    let value = |coefficients: &[f64; 8]| coefficients.iter().rev().fold(0.0, |sum, &c| sum * x + c);
    value(numerator) / value(denominator)
}

const CENTRAL_NUMERATOR: [f64; 8] = [
    3.387_132_872_796_366_5,
    133.141_667_891_784_38,
    1_971.590_950_306_551_3,
    13_731.693_765_509_46,
    45_921.953_931_549_87,
    67_265.770_927_008_7,
    33_430.575_583_588_13,
    2_509.080_928_730_122_7,
];
const CENTRAL_DENOMINATOR: [f64; 8] = [
    1.0,
    42.313_330_701_600_91,
    687.187_007_492_057_9,
    5_394.196_021_424_751,
    21_213.794_301_586_597,
    39_307.895_800_092_71,
    28_729.085_735_721_943,
    5_226.495_278_852_854,
];
const MIDDLE_NUMERATOR: [f64; 8] = [
    1.423_437_110_749_683_5,
    4.630_337_846_156_546,
    5.769_497_221_460_691,
    3.647_848_324_763_204_5,
    1.270_458_252_452_368_4,
    0.241_780_725_177_450_6,
    0.022_723_844_989_269_184,
    7.745_450_142_783_414e-4,
];
const MIDDLE_DENOMINATOR: [f64; 8] = [
    1.0,
    2.053_191_626_637_759,
    1.676_384_830_183_803_8,
    0.689_767_334_985_1,
    0.148_103_976_427_480_08,
    0.015_198_666_563_616_457,
    5.475_938_084_995_345e-4,
    1.050_750_071_644_416_9e-9,
];
const FAR_NUMERATOR: [f64; 8] = [
    6.657_904_643_501_103,
    5.463_784_911_164_114,
    1.784_826_539_917_291_3,
    0.296_560_571_828_504_87,
    0.026_532_189_526_576_124,
    1.242_660_947_388_078_4e-3,
    2.711_555_568_743_487_6e-5,
    2.010_334_399_292_288_1e-7,
];
const FAR_DENOMINATOR: [f64; 8] = [
    1.0,
    0.599_832_206_555_888,
    0.136_929_880_922_735_8,
    0.014_875_361_290_850_615,
    7.868_691_311_456_133e-4,
    1.846_318_317_510_054_8e-5,
    1.421_511_758_316_446e-7,
    2.044_263_103_389_939_8e-15,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_invert_tails() {
        for exponent in 1..=300 {
            let tail = 10f64.powi(-exponent);
            let z = normal_isf(tail);
            assert!((normal_sf(z) / tail - 1.0).abs() < 1e-12, "1e-{exponent}: {z}");
            assert!((normal_ln_sf(z) - tail.ln()).abs() < 1e-12 * tail.ln().abs());
        }
        assert_eq!(normal_quantile(0.5), 0.0);
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
        assert!(normal_quantile(1.5).is_nan());
    }

    #[test]
    fn many_at_once_are_those_one_by_one() {
        let ends = [0.0, 1e-300, 1e-11, 1.4e-11, 9.9e-11, 1e-10];
        let mut ascending: Vec<f64> = (1..=4_000).map(|i| f64::from(i) / 4_000.0).collect();
        ascending.extend(ends);
        ascending.sort_by(f64::total_cmp);
        let expected: Vec<u64> = ascending.iter().map(|p| normal_quantile(*p).to_bits()).collect();
        normal_quantiles(&mut ascending);
        assert_eq!(ascending.iter().map(|z| z.to_bits()).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn known_values() {
        // scipy.stats.norm.ppf(0.975), norm.sf(30), norm.logsf(1e5), norm.logsf(-8)
        assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-15);
        assert!((normal_sf(30.0) / 4.906_713_927_148_187e-198 - 1.0).abs() < 1e-12);
        assert!((normal_ln_sf(1e5) / -5_000_000_012.431_864 - 1.0).abs() < 1e-15);
        assert!((normal_ln_sf(-8.0) / -6.220_960_574_271_787e-16 - 1.0).abs() < 1e-12);
    }
}
