//! What a sample looks like: range, quartiles, spread and shape.

use super::moments::pairwise_sum;
use super::quantiles::{Quartiles, sorted_finite};
use super::{Moments, Undefined};

/// Description of one sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Description {
    /// Count, mean and M2.
    pub moments: Moments,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Quartiles and median.
    pub quartiles: Quartiles,
    /// Share of values that are exactly zero, in [0, 1].
    pub zero_share: f64,
    /// Skewness g₁; `None` when the values do not vary.
    pub skewness: Option<f64>,
    /// Excess kurtosis g₂; `None` when the values do not vary.
    pub excess_kurtosis: Option<f64>,
}

/// Describes a sample in one sort and two passes.
///
/// # Estimand
/// Count, mean, standard deviation, extremes, quartiles, share of zeros and shape of the sample itself, in its units.
///
/// # Formula
/// Those of [`Moments::from_slice`], [`quantile_sorted`](super::quantiles::quantile_sorted) and [`Shape::of`].
///
/// # Assumptions
/// None: nothing is said about a population.
///
/// # Edge cases
/// Equal values have no shape; a single value is all of its quartiles. `-0.0` counts as zero.
///
/// # Errors
/// [`Undefined::EmptyGroup`] for no values, [`Undefined::NonFinite`] when one of them, their sum or the sum of their
/// squared deviations is infinite or not a number.
///
/// # Source
/// `pandas.Series.describe`; `scipy.stats.skew` and `scipy.stats.kurtosis` of the same values.
pub fn describe(values: &[f64]) -> Result<Description, Undefined> {
    let sorted = sorted_finite(values)?;
    let (Some(&min), Some(&max), Some(quartiles)) =
        (sorted.first(), sorted.last(), Quartiles::of_sorted(&sorted))
    else {
        return Err(Undefined::EmptyGroup);
    };
    let moments = Moments::from_slice(values);
    if !moments.mean.is_finite() || !moments.m2.is_finite() {
        return Err(Undefined::NonFinite);
    }
    let zeros = values.iter().filter(|&&value| value == 0.0).count();
    let shape = Shape::of(values);
    Ok(Description {
        moments,
        min,
        max,
        quartiles,
        zero_share: zeros as f64 / values.len() as f64,
        skewness: shape.map(|shape| shape.skewness),
        excess_kurtosis: shape.map(|shape| shape.excess_kurtosis),
    })
}

/// Standardised third and fourth moments.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// `g₁ = m₃ / m₂^{3/2}`, biased as in the definition; 0 for a symmetric sample. scipy: `skew`.
    pub skewness: f64,
    /// `g₂ = m₄ / m₂² − 3`; 0 for a normal population. scipy: `kurtosis`.
    pub excess_kurtosis: f64,
}

impl Shape {
    /// The shape of a sample; `None` when it is empty, does not vary beyond rounding, or holds a non-finite value.
    ///
    /// Deviations are divided by about the standard deviation before they are raised, so that no scale of the data overflows.
    pub fn of(values: &[f64]) -> Option<Shape> {
        Shape::about(values, &Moments::from_slice(values))
    }

    /// [`Shape::of`] of a sample whose moments are known already.
    pub fn about(values: &[f64], moments: &Moments) -> Option<Shape> {
        let n = values.len() as f64;
        let deviation = (moments.m2 / n).sqrt();
        // Deviations of the order of the rounding error of the mean carry no shape.
        let varies = deviation > f64::EPSILON * moments.mean.abs();
        if values.is_empty() || !varies || !deviation.is_finite() {
            return None;
        }
        // By a power of two, which rounds nothing: a symmetric sample keeps a skewness of exactly zero.
        let scale = deviation.log2().floor().clamp(-1000.0, 1000.0).exp2();
        let scaled = |value: f64| (value - moments.mean) / scale;
        let second = pairwise_sum(values, &|value| scaled(value) * scaled(value)) / n;
        let third = pairwise_sum(values, &|value| scaled(value) * (scaled(value) * scaled(value))) / n;
        let square = |value: f64| scaled(value) * scaled(value);
        let fourth = pairwise_sum(values, &|value| square(value) * square(value)) / n;
        Some(Shape {
            skewness: third / (second * second.sqrt()),
            excess_kurtosis: fourth / (second * second) - 3.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn agrees_with_scipy() {
        // scipy.stats.skew / kurtosis of [1, 2, 3, 4, 10]
        let shape = Shape::of(&[1.0, 2.0, 3.0, 4.0, 10.0]).unwrap();
        assert!((shape.skewness - 1.138_419_957_660_616_7).abs() < 1e-12, "{}", shape.skewness);
        assert!((shape.excess_kurtosis + 0.212).abs() < 1e-12, "{}", shape.excess_kurtosis);
        assert_eq!(Shape::of(&[3.0, 3.0]), None);
    }

    #[test]
    fn a_description_counts_zeros() {
        let description = describe(&[0.0, 5.0, 0.0, -1.0]).unwrap();
        assert_eq!((description.min, description.max, description.zero_share), (-1.0, 5.0, 0.5));
        assert_eq!(describe(&[]), Err(Undefined::EmptyGroup));
        assert_eq!(describe(&[f64::NAN]), Err(Undefined::NonFinite));
    }

    proptest! {
        #[test]
        fn shape_does_not_depend_on_units(
            values in prop::collection::vec(-100f64..100.0, 4..50),
            scale in -150i32..150,
        ) {
            let factor = 10f64.powi(scale);
            let scaled: Vec<f64> = values.iter().map(|value| value * factor).collect();
            let (left, right) = (Shape::of(&values).unwrap(), Shape::of(&scaled).unwrap());
            prop_assert!((left.skewness - right.skewness).abs() < 1e-9);
            prop_assert!((left.excess_kurtosis - right.excess_kurtosis).abs() < 1e-9);
        }
    }
}
