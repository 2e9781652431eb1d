//! Sample quantiles by linear interpolation (type 7 of Hyndman & Fan 1996, the default of numpy, R and Excel).

use super::Undefined;

/// A sorted copy of the values, for what needs them in order: the check that every function of samples starts with.
///
/// # Estimand
/// None: the same values.
///
/// # Formula
/// Ascending, by the total order of numbers.
///
/// # Assumptions
/// None.
///
/// # Edge cases
/// `-0.0` comes before `0.0`.
///
/// # Errors
/// [`Undefined::EmptyGroup`] for no values, [`Undefined::NonFinite`] when one of them is infinite or not a number.
///
/// # Source
/// `numpy.sort`.
pub fn sorted_finite(values: &[f64]) -> Result<Vec<f64>, Undefined> {
    if values.is_empty() {
        return Err(Undefined::EmptyGroup);
    }
    let sorted = super::sorting::sorted(values);
    // In this order only the ends can be infinite or not a number.
    if !sorted[0].is_finite() || !sorted[sorted.len() - 1].is_finite() {
        return Err(Undefined::NonFinite);
    }
    Ok(sorted)
}

/// The quantile of level `p` of values in ascending order, in their units.
///
/// # Estimand
/// The sample quantile (type 7 of Hyndman & Fan).
///
/// # Formula
/// With h = (n − 1) p, the value at ⌊h⌋ plus h − ⌊h⌋ times the gap to the next.
///
/// # Assumptions
/// The values are sorted and finite.
///
/// # Edge cases
/// `None` for no values or a level outside of [0, 1].
///
/// # Source
/// R. Hyndman & Y. Fan (1996); `numpy.quantile(method="linear")`.
pub fn quantile_sorted(sorted: &[f64], p: f64) -> Option<f64> {
    if !(0.0..=1.0).contains(&p) {
        return None;
    }
    let position = sorted.len().checked_sub(1)? as f64 * p;
    let below = position.floor();
    let low = *sorted.get(below as usize)?;
    let fraction = position - below;
    match sorted.get(below as usize + 1) {
        // Weights instead of a difference: the gap between two huge values of opposite sign overflows.
        Some(&high) if fraction > 0.0 && high != low => Some(low * (1.0 - fraction) + high * fraction),
        _ => Some(low),
    }
}

/// Lower quartile, median and upper quartile of a sample, in its units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quartiles {
    /// Quantile of level 0.25.
    pub lower: f64,
    /// Quantile of level 0.5.
    pub median: f64,
    /// Quantile of level 0.75.
    pub upper: f64,
}

impl Quartiles {
    /// The quartiles of values in ascending order; `None` for no values.
    pub fn of_sorted(sorted: &[f64]) -> Option<Quartiles> {
        Some(Quartiles {
            lower: quantile_sorted(sorted, 0.25)?,
            median: quantile_sorted(sorted, 0.5)?,
            upper: quantile_sorted(sorted, 0.75)?,
        })
    }

    /// Distance between the quartiles.
    pub fn interquartile_range(&self) -> f64 {
        self.upper - self.lower
    }
}

/// The median of values in any order, in linear time.
///
/// # Estimand
/// The sample median, in the units of the values.
///
/// # Formula
/// The middle value, or the mean of the two middle ones.
///
/// # Assumptions
/// None.
///
/// # Edge cases
/// The mean of two huge values does not overflow.
///
/// # Errors
/// As [`sorted_finite`].
///
/// # Source
/// `numpy.median`.
pub fn median(values: &[f64]) -> Result<f64, Undefined> {
    if values.is_empty() {
        return Err(Undefined::EmptyGroup);
    }
    if values.iter().any(|value| !value.is_finite()) {
        return Err(Undefined::NonFinite);
    }
    let mut copy = values.to_vec();
    let middle = copy.len() / 2;
    let (below, &mut upper, _) = copy.select_nth_unstable_by(middle, f64::total_cmp);
    if values.len() % 2 == 1 {
        return Ok(upper);
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Ok(lower * 0.5 + upper * 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn agrees_with_numpy() {
        // numpy.quantile([1, 2, 4, 8], [0.25, 0.5, 0.9])
        let sorted = [1.0, 2.0, 4.0, 8.0];
        assert_eq!(quantile_sorted(&sorted, 0.25), Some(1.75));
        assert_eq!(quantile_sorted(&sorted, 0.5), Some(3.0));
        assert!((quantile_sorted(&sorted, 0.9).unwrap() - 6.8).abs() < 1e-15);
        assert_eq!(quantile_sorted(&sorted, 1.0), Some(8.0));
        assert_eq!(quantile_sorted(&[], 0.5), None);
        assert_eq!(quantile_sorted(&sorted, 1.1), None);
        assert_eq!(Quartiles::of_sorted(&[5.0]).map(|q| q.interquartile_range()), Some(0.0));
    }

    proptest! {
        #[test]
        fn the_median_needs_no_order(values in prop::collection::vec(-1e6f64..1e6, 1..60)) {
            let sorted = sorted_finite(&values).unwrap();
            let expected = quantile_sorted(&sorted, 0.5).unwrap();
            prop_assert!((median(&values).unwrap() - expected).abs() <= 1e-9);
        }
    }
}
