//! Winsorisation: the largest and smallest values drawn in to quantiles of all groups together.

use super::Undefined;

/// The values that outliers are drawn in to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Values below are raised to it.
    pub low: f64,
    /// Values above are lowered to it.
    pub high: f64,
}

/// The answer of [`winsorized`].
#[derive(Debug, Clone, PartialEq)]
pub struct Winsorized {
    /// The values in their order, drawn in to the bounds.
    pub values: Vec<f64>,
    /// Number of values that were raised.
    pub count_low: u64,
    /// Number of values that were lowered.
    pub count_high: u64,
}

/// The bounds of winsorisation: the quantiles of levels `lower` and `upper` of the values of all groups together.
///
/// # Estimand
/// After it, the difference of the means of min(max(Y, low), high): not that of Y. Where the treatment acts on the largest
/// values, winsorisation hides a part of the effect.
///
/// # Formula
/// Quantiles by linear interpolation, as [`quantile_sorted`](super::quantiles::quantile_sorted), of the pooled values.
/// The groups are not told apart, so that under the null hypothesis they are cut alike and the test keeps its level;
/// bounds of each group's own would cut a real effect out. Linear time: ranks are selected, not sorted.
///
/// # Assumptions
/// The levels are chosen before looking at the data. `lower = 0` or `upper = 1` leave that side as it is.
///
/// # Units
/// Those of the values.
///
/// # Errors
/// [`Undefined::InvalidParameter`] unless 0 ≤ lower < upper ≤ 1, [`Undefined::EmptyGroup`] for no values at all,
/// [`Undefined::NonFinite`].
///
/// # Source
/// J. W. Tukey (1962); R. Kohavi, D. Tang & Y. Xu (2020), chapter 22, on capping. numpy: `clip(x, *quantile(x, q))`.
pub fn bounds(groups: &[&[f64]], lower: f64, upper: f64) -> Result<Bounds, Undefined> {
    if !(0.0 <= lower && lower < upper && upper <= 1.0) {
        return Err(Undefined::InvalidParameter("quantiles"));
    }
    let mut pooled = groups.concat();
    if pooled.is_empty() {
        return Err(Undefined::EmptyGroup);
    }
    if pooled.iter().any(|value| !value.is_finite()) {
        return Err(Undefined::NonFinite);
    }
    let high = selected(&mut pooled, upper);
    let low = selected(&mut pooled, lower);
    Ok(Bounds { low: low.min(high), high })
}

/// The quantile of level `p` of values in any order, which it rearranges.
fn selected(values: &mut [f64], p: f64) -> f64 {
    let position = (values.len() - 1) as f64 * p;
    let fraction = position - position.floor();
    let (_, &mut low, above) = values.select_nth_unstable_by(position.floor() as usize, f64::total_cmp);
    if fraction == 0.0 || above.is_empty() {
        return low;
    }
    let high = above.iter().copied().fold(f64::INFINITY, f64::min);
    if high == low { low } else { low * (1.0 - fraction) + high * fraction }
}

/// The values drawn in to the bounds, with the numbers of those that moved. A value at a bound stays where it is.
pub fn winsorized(values: &[f64], bounds: Bounds) -> Winsorized {
    let drawn = |value: &f64| {
        if *value < bounds.low {
            bounds.low
        } else if *value > bounds.high {
            bounds.high
        } else {
            *value
        }
    };
    Winsorized {
        values: values.iter().map(drawn).collect(),
        count_low: values.iter().filter(|value| **value < bounds.low).count() as u64,
        count_high: values.iter().filter(|value| **value > bounds.high).count() as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::quantiles::{quantile_sorted, sorted_finite};
    use proptest::prelude::*;

    #[test]
    fn agrees_with_numpy() {
        // numpy.quantile([5, 1, 9, 3, 100, 4, -50], [0.1, 0.9]) and numpy.clip
        let (first, second) = ([5.0, 1.0, 9.0, 3.0], [100.0, 4.0, -50.0]);
        let found = bounds(&[&first, &second], 0.1, 0.9).unwrap();
        assert!((found.low - -19.4).abs() < 1e-12 && (found.high - 45.4).abs() < 1e-12, "{found:?}");
        let drawn = winsorized(&second, found);
        assert_eq!((drawn.count_low, drawn.count_high), (1, 1));
        assert_eq!(drawn.values, [found.high, 4.0, found.low]);
        assert_eq!(
            winsorized(&first, found),
            Winsorized { values: first.to_vec(), count_low: 0, count_high: 0 }
        );
    }

    #[test]
    fn what_has_no_bounds_says_why() {
        let values: &[f64] = &[1.0, 2.0];
        for (lower, upper) in [(0.5, 0.5), (0.9, 0.1), (-0.1, 0.9), (0.1, 1.1), (f64::NAN, 0.9)] {
            assert_eq!(bounds(&[values], lower, upper), Err(Undefined::InvalidParameter("quantiles")));
        }
        assert_eq!(bounds(&[&[], &[]], 0.0, 0.99), Err(Undefined::EmptyGroup));
        assert_eq!(bounds(&[values, &[f64::NAN]], 0.0, 0.99), Err(Undefined::NonFinite));
        assert_eq!(bounds(&[values], 0.0, 1.0), Ok(Bounds { low: 1.0, high: 2.0 }));
    }

    proptest! {
        #[test]
        fn bounds_are_the_quantiles_of_all_values_whatever_their_groups(
            values in prop::collection::vec((-40_i32..40).prop_map(|x| f64::from(x) * 0.37), 1..80),
            cut in 0_usize..80, lower in 0.0_f64..0.5, upper in 0.51_f64..=1.0,
        ) {
            let (first, second) = values.split_at(cut.min(values.len()));
            let found = bounds(&[first, second], lower, upper).unwrap();
            let sorted = sorted_finite(&values).unwrap();
            prop_assert_eq!(Some(found.low), quantile_sorted(&sorted, lower));
            prop_assert_eq!(Some(found.high), quantile_sorted(&sorted, upper));
            let drawn = winsorized(&values, found);
            let outside = values.iter().zip(&drawn.values).filter(|(a, b)| a != b).count() as u64;
            prop_assert_eq!(outside, drawn.count_low + drawn.count_high);
            prop_assert!(drawn.values.iter().all(|value| found.low <= *value && *value <= found.high));
            // Drawn in again, nothing moves.
            prop_assert_eq!(winsorized(&drawn.values, found).values, drawn.values);
        }
    }
}
