//! Tests of equal variances.

use super::anova::{Anova, one_way};
use super::quantiles::median;
use super::{Moments, TestResult, Undefined};

/// Brown–Forsythe test of the hypothesis that all groups have the same variance.
///
/// # Estimand
/// Whether the mean absolute deviations from the medians are equal.
///
/// # Formula
/// W, the analysis of variance of |x − median of its group|; F distributed with k − 1 and N − k degrees of freedom
/// (`df` holds the second).
///
/// # Assumptions
/// Independent units; robust against skewed data, unlike Levene's and Bartlett's tests.
///
/// # Edge cases
/// A group of one or two values has equal deviations and adds none within. Where deviations vary in no group there is
/// no W, where scipy has ∞.
///
/// # Errors
/// [`Undefined::TooFewGroups`] below two, [`Undefined::EmptyGroup`], [`Undefined::NonFinite`],
/// [`Undefined::TooFewObservations`] where there are no more values than groups, [`Undefined::ZeroVariance`] where
/// deviations vary in no group.
///
/// # Source
/// M. Brown & A. Forsythe (1974); `scipy.stats.levene(center="median")`; reference case `brown_forsythe`.
pub fn brown_forsythe(groups: &[&[f64]]) -> Result<TestResult, Undefined> {
    let deviations = groups
        .iter()
        .map(|group| {
            let center = median(group)?;
            let absolute: Vec<f64> = group.iter().map(|value| (value - center).abs()).collect();
            Ok(Moments::from_slice(&absolute))
        })
        .collect::<Result<Vec<_>, Undefined>>()?;
    let Anova { f, df_within, p, .. } = one_way(&deviations)?;
    Ok(TestResult { statistic: f, df: Some(df_within), p })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wider_group_is_found_and_order_does_not_matter() {
        let narrow: Vec<f64> = (0..40).map(|i| f64::from(i % 7)).collect();
        let wide: Vec<f64> = (0..40).map(|i| 10.0 * f64::from(i % 9)).collect();
        let result = brown_forsythe(&[&narrow, &wide]).unwrap();
        assert!(result.p < 1e-6);
        let reversed: Vec<f64> = wide.iter().rev().copied().collect();
        let other = brown_forsythe(&[&reversed, &narrow]).unwrap();
        assert!((other.statistic / result.statistic - 1.0).abs() < 1e-12);
        assert_eq!(brown_forsythe(&[&narrow, &[]]), Err(Undefined::EmptyGroup));
    }
}
