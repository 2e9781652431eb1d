//! Tests of normality: Shapiro–Wilk and D'Agostino's K².
//!
//! A small p says that the sample is not normal, not that a test of means is invalid: with thousands of units every real
//! metric is rejected while its mean is as normal as one could wish. No choice of a test rests on these alone.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use super::descriptive::Shape;
use super::distributions::{chi_square_sf, normal_quantiles, normal_sf};
use super::quantiles::sorted_finite;
use super::{TestResult, Undefined};

/// Shapiro–Wilk test of the hypothesis that the values come from a normal population.
///
/// # Estimand
/// Whether the population is normal, by W in (0, 1]: the squared correlation of the ordered values with expected normal
/// order statistics.
///
/// # Formula
/// W by Royston's weights; p by his normalising transformation of 1 − W, exactly for n = 3: 1 − (6/π) arccos √W.
///
/// # Assumptions
/// Independent values without many ties, which lower W. p is calibrated from 3 to 5000 values and read on beyond.
///
/// # Edge cases
/// For n ≤ 11 and a W below the range of the transformation p is 1e-19, as in Royston's routine. Equal values have no W
/// here, where scipy says 1.
///
/// # Errors
/// [`Undefined::TooFewObservations`] below three values, [`Undefined::ZeroVariance`], [`Undefined::EmptyGroup`],
/// [`Undefined::NonFinite`].
///
/// # Source
/// P. Royston (1995), remark AS R94 on AS 181; `scipy.stats.shapiro`; reference case `shapiro_wilk`.
pub fn shapiro_wilk(values: &[f64]) -> Result<TestResult, Undefined> {
    let mut sorted = sorted_finite(values)?;
    let n = sorted.len();
    if n < 3 {
        return Err(Undefined::TooFewObservations { needed: 3, found: n as u64 });
    }
    // Halves keep the range of the largest numbers finite.
    let half_range = 0.5 * sorted[n - 1] - 0.5 * sorted[0];
    if half_range <= 0.0 {
        return Err(Undefined::ZeroVariance);
    }
    let (half_center, scale) = (0.5 * sorted[n / 2], 1.0 / half_range);
    // Counted from their median, which is within one standard deviation of their mean: the difference below loses one bit at most.
    let (sum, squares) = match scale.is_finite() {
        true => replaced(&mut sorted, |value| (0.5 * value - half_center) * scale),
        false => replaced(&mut sorted, |value| (0.5 * value - half_center) / half_range),
    };
    let variation = squares - sum * sum / n as f64;
    let products = products_with_weights(&sorted);
    // 1 − W, by a product that keeps its digits when W is close to one.
    let root = variation.sqrt();
    let one_minus_w = (root - products) * (root + products) / variation;
    Ok(TestResult { statistic: 1.0 - one_minus_w, df: None, p: royston_p(one_minus_w, n) })
}

/// Replaces every value, and gives the sum and the sum of squares of the new ones: in eight interleaved parts, that a processor adds
/// side by side.
fn replaced(values: &mut [f64], new: impl Fn(f64) -> f64) -> (f64, f64) {
    let (mut sums, mut squares) = ([0.0; 8], [0.0; 8]);
    let (chunks, rest) = values.as_chunks_mut::<8>();
    let chunks = chunks.iter_mut().map(|chunk| chunk.as_mut_slice());
    for chunk in chunks.chain([rest]) {
        for ((sum, square), value) in sums.iter_mut().zip(&mut squares).zip(chunk) {
            *value = new(*value);
            *sum += *value;
            *square += *value * *value;
        }
    }
    (sums.iter().sum(), squares.iter().sum())
}

/// Royston's coefficients of the largest value and of the one before it, by powers of 1/√n.
const OUTERMOST: [[f64; 6]; 2] = [
    [0.0, 0.221_157, -0.147_981, -2.071_19, 4.434_685, -2.706_056],
    [0.0, 0.042_981, -0.293_762, -1.752_461, 5.682_633, -3.582_633],
];

/// The sum of ordered values times Royston's weights, whose squares add up to one.
///
/// The weights are antisymmetric — minus below the middle, zero in it, plus above — so that their mean is zero and this is the sum of
/// the upper half of them times the distances between opposite values.
fn products_with_weights(sorted: &[f64]) -> f64 {
    let n = sorted.len();
    if n == 3 {
        return FRAC_1_SQRT_2 * (sorted[2] - sorted[0]);
    }
    let scores = normal_scores(n);
    // One or two weights on either side have a formula of their own; the others are scores times one factor.
    let own = if n <= 5 { 1 } else { 2 };
    let (outer, inner) = scores.split_at(own);
    let (squares, products) = sums_with_distances(inner, &sorted[own..n - own]);
    let norm = (2.0 * (squares + outer.iter().map(|score| score * score).sum::<f64>())).sqrt();
    let (mut total, mut left) = (0.0, 0.5);
    for (i, (coefficients, score)) in OUTERMOST.iter().zip(outer).enumerate() {
        let weight = polynomial(coefficients, 1.0 / (n as f64).sqrt()) - score / norm;
        total += weight * (sorted[n - 1 - i] - sorted[i]);
        left -= weight * weight;
    }
    // Scores of the lower half are negative.
    total - (left / squares).sqrt() * products
}

/// Blom's normal scores of the lower half of `n` values, from the least inwards.
fn normal_scores(n: usize) -> Vec<f64> {
    let step = 1.0 / (n as f64 + 0.25);
    let mut scores: Vec<f64> = (1..=n / 2).map(|i| (i as f64 - 0.375) * step).collect();
    normal_quantiles(&mut scores);
    scores
}

/// The sum of squares of scores, and that of scores times the distances of opposite values, from the least and the largest inwards; in
/// eight interleaved parts.
fn sums_with_distances(scores: &[f64], sorted: &[f64]) -> (f64, f64) {
    let (mut squares, mut products) = ([0.0; 8], [0.0; 8]);
    // The middle of an odd number of values is in neither half: halves of one length have chunks and rests of one length.
    let half = sorted.len() / 2;
    let (low, low_rest) = sorted[..half].as_chunks::<8>();
    let (high_rest, high) = sorted[sorted.len() - half..].as_rchunks::<8>();
    let (scores, scores_rest) = scores.as_chunks::<8>();
    for ((low, high), scores) in low.iter().zip(high.iter().rev()).zip(scores) {
        for i in 0..8 {
            squares[i] += scores[i] * scores[i];
            products[i] += (high[7 - i] - low[i]) * scores[i];
        }
    }
    for (i, ((low, high), score)) in low_rest.iter().zip(high_rest.iter().rev()).zip(scores_rest).enumerate()
    {
        squares[i] += score * score;
        products[i] += (high - low) * score;
    }
    (squares.iter().sum(), products.iter().sum())
}

/// p-value by Royston's normalising transformation of `1 − W`.
fn royston_p(one_minus_w: f64, n: usize) -> f64 {
    let size = n as f64;
    if n == 3 {
        // Exact: 1 − (6/π) arccos √W, on W ≥ ¾.
        let angle = (1.0 - one_minus_w).max(0.75).sqrt().min(1.0).acos();
        return (1.0 - 6.0 / PI * angle).clamp(0.0, 1.0);
    }
    let y = one_minus_w.max(0.0).ln();
    let (transformed, mean, deviation) = if n <= 11 {
        let gamma = polynomial(&[-2.273, 0.459], size);
        if y >= gamma {
            // The transformation has no image here; Royston's routine returns its smallest probability.
            return 1e-19;
        }
        let mean = polynomial(&[0.544, -0.399_78, 0.025_054, -6.714e-4], size);
        let deviation = polynomial(&[1.3822, -0.778_57, 0.062_767, -0.002_032_2], size).exp();
        (-(gamma - y).ln(), mean, deviation)
    } else {
        let x = size.ln();
        let mean = polynomial(&[-1.5861, -0.310_82, -0.083_751, 0.003_891_5], x);
        let deviation = polynomial(&[-0.4803, -0.082_676, 0.003_030_2], x).exp();
        (y, mean, deviation)
    };
    normal_sf((transformed - mean) / deviation)
}

/// Value of a polynomial whose coefficients are given from the constant upwards.
fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

/// D'Agostino's K² test of normality: skewness and kurtosis together.
///
/// # Estimand
/// Whether skewness and kurtosis are those of a normal population.
///
/// # Formula
/// K² = z₁² + z₂² of the normal scores of g₁ and b₂, chi-square with two degrees of freedom.
///
/// # Assumptions
/// Independent values; the approximation is good from 20 values on, 8 are required.
///
/// # Edge cases
/// A sample of exactly no skewness has the score 0 of it; scipy 1.17 replaces it by a positive one.
///
/// # Errors
/// [`Undefined::TooFewObservations`] below eight values, [`Undefined::ZeroVariance`], [`Undefined::NonFinite`].
///
/// # Source
/// R. D'Agostino & E. Pearson (1973); D'Agostino (1970) for skewness; F. Anscombe & W. Glynn (1983) for kurtosis;
/// `scipy.stats.normaltest`; reference case `dagostino_k2`.
pub fn dagostino_k2(values: &[f64]) -> Result<TestResult, Undefined> {
    if values.len() < 8 {
        return Err(Undefined::TooFewObservations { needed: 8, found: values.len() as u64 });
    }
    if values.iter().any(|value| !value.is_finite()) {
        return Err(Undefined::NonFinite);
    }
    let shape = Shape::of(values).ok_or(Undefined::ZeroVariance)?;
    let n = values.len() as f64;
    let (skewness, kurtosis) =
        (skewness_score(shape.skewness, n), kurtosis_score(shape.excess_kurtosis + 3.0, n));
    let k2 = skewness * skewness + kurtosis * kurtosis;
    if !k2.is_finite() {
        return Err(Undefined::NonFinite);
    }
    Ok(TestResult { statistic: k2, df: Some(2.0), p: chi_square_sf(k2, 2.0) })
}

/// Normal score of the skewness g₁ of `n` values (D'Agostino 1970).
fn skewness_score(skewness: f64, n: f64) -> f64 {
    let y = skewness * ((n + 1.0) * (n + 3.0) / (6.0 * (n - 2.0))).sqrt();
    let beta = 3.0 * (n * n + 27.0 * n - 70.0) * (n + 1.0) * (n + 3.0)
        / ((n - 2.0) * (n + 5.0) * (n + 7.0) * (n + 9.0));
    let w2 = (2.0 * (beta - 1.0)).sqrt() - 1.0;
    let delta = 1.0 / (0.5 * w2.ln()).sqrt();
    let alpha = (2.0 / (w2 - 1.0)).sqrt();
    delta * (y / alpha).asinh()
}

/// Normal score of the kurtosis b₂ of `n` values (Anscombe & Glynn 1983).
fn kurtosis_score(kurtosis: f64, n: f64) -> f64 {
    let expected = 3.0 * (n - 1.0) / (n + 1.0);
    let variance = 24.0 * n * (n - 2.0) * (n - 3.0) / ((n + 1.0) * (n + 1.0) * (n + 3.0) * (n + 5.0));
    let x = (kurtosis - expected) / variance.sqrt();
    let root_beta = 6.0 * (n * n - 5.0 * n + 2.0) / ((n + 7.0) * (n + 9.0))
        * (6.0 * (n + 3.0) * (n + 5.0) / (n * (n - 2.0) * (n - 3.0))).sqrt();
    let a = 6.0 + 8.0 / root_beta * (2.0 / root_beta + (1.0 + 4.0 / (root_beta * root_beta)).sqrt());
    let denominator = 1.0 + x * (2.0 / (a - 4.0)).sqrt();
    let cube = ((1.0 - 2.0 / a) / denominator).cbrt();
    (1.0 - 2.0 / (9.0 * a) - cube) / (2.0 / (9.0 * a)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn products_of_opposite_values_leave_none_out() {
        for n in 2..70 {
            let sorted: Vec<f64> = (0..n).map(|i| f64::from(i * i)).collect();
            let scores: Vec<f64> = (0..n / 2).map(|i| f64::from(i + 1)).collect();
            let opposite = sorted.iter().zip(sorted.iter().rev());
            let products: f64 = opposite.zip(&scores).map(|((low, high), score)| (high - low) * score).sum();
            let squares: f64 = scores.iter().map(|score| score * score).sum();
            assert_eq!(sums_with_distances(&scores, &sorted), (squares, products), "{n} values");
        }
    }

    #[test]
    fn three_values_have_an_exact_p() {
        // Two equal values of three give the least W, ¾, whose probability is zero.
        let result = shapiro_wilk(&[1.0, 1.0, 2.0]).unwrap();
        assert!((result.statistic - 0.75).abs() < 1e-15 && result.p < 1e-14);
        let even = shapiro_wilk(&[1.0, 2.0, 3.0]).unwrap();
        assert!((even.statistic - 1.0).abs() < 1e-15 && (even.p - 1.0).abs() < 1e-7);
    }

    #[test]
    fn what_cannot_be_tested_says_why() {
        assert_eq!(shapiro_wilk(&[1.0, 2.0]), Err(Undefined::TooFewObservations { needed: 3, found: 2 }));
        assert_eq!(shapiro_wilk(&[1.0; 9]), Err(Undefined::ZeroVariance));
        assert_eq!(dagostino_k2(&[1.0; 9]), Err(Undefined::ZeroVariance));
        assert_eq!(dagostino_k2(&[1.0; 7]), Err(Undefined::TooFewObservations { needed: 8, found: 7 }));
        assert_eq!(shapiro_wilk(&[1.0, f64::NAN, 2.0]), Err(Undefined::NonFinite));
    }

    proptest! {
        #[test]
        fn neither_units_nor_order_matter(
            values in prop::collection::vec(-100f64..100.0, 8..60),
            factor in 1e-3f64..1e3,
            shift in -10f64..10.0,
        ) {
            let mut other: Vec<f64> = values.iter().map(|value| value * factor + shift).collect();
            other.reverse();
            for test in [shapiro_wilk, dagostino_k2] {
                let (left, right) = (test(&values).unwrap(), test(&other).unwrap());
                prop_assert!((left.statistic - right.statistic).abs() < 1e-7 * left.statistic.max(1.0));
            }
        }
    }
}
