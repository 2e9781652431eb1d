//! One-way analysis of variance.

use super::distributions::f_sf;
use super::{Moments, Undefined};

/// Result of a one-way analysis of variance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Anova {
    /// Mean square between the groups over mean square within them.
    pub f: f64,
    /// Degrees of freedom between the groups, `k − 1`.
    pub df_between: f64,
    /// Degrees of freedom within the groups, `N − k`.
    pub df_within: f64,
    /// Mean square within the groups: the pooled variance, in squared units.
    pub mean_square_within: f64,
    /// Share of the total sum of squares that lies between the groups, η² in [0, 1].
    pub eta_squared: f64,
    /// p-value of the hypothesis that all means are equal.
    pub p: f64,
}

/// Variance within groups, pooled over all of them: `(Σ M2 / (N − k), N − k)`.
///
/// # Errors
/// An empty group, a non-finite moment, no more values than groups, or values that vary in no group.
pub(super) fn pooled_within(groups: &[Moments]) -> Result<(f64, f64), Undefined> {
    if groups.len() < 2 {
        return Err(Undefined::TooFewGroups { needed: 2, found: groups.len() as u64 });
    }
    if groups.iter().any(|group| group.n == 0) {
        return Err(Undefined::EmptyGroup);
    }
    if groups.iter().any(|group| !group.mean.is_finite() || !group.m2.is_finite()) {
        return Err(Undefined::NonFinite);
    }
    let total = groups.iter().fold(0_u64, |sum, group| sum.saturating_add(group.n));
    let count = groups.len() as u64;
    if total <= count {
        return Err(Undefined::TooFewObservations { needed: count + 1, found: total });
    }
    let df = (total - count) as f64;
    let within: f64 = groups.iter().map(|group| group.m2).sum();
    if within == 0.0 {
        return Err(Undefined::ZeroVariance);
    }
    Ok((within / df, df))
}

/// One-way analysis of variance of two or more independent groups.
///
/// # Estimand
/// Whether all expectations are equal; η² says which share of the sum of squares lies between the groups.
///
/// # Formula
/// F = [Σ nᵢ (meanᵢ − mean)² / (k − 1)] / [Σ M2ᵢ / (N − k)], F distributed with k − 1 and N − k degrees of freedom.
///
/// # Assumptions
/// Independent units, one variance in all groups, means close to normal. For two groups F = t² of Student's test.
///
/// # Edge cases
/// A group of one unit has a mean but adds no variance. Equal means give F = 0 and p = 1. Where the mean is huge beside
/// the spread, F holds as many digits as the means do: centre the values first.
///
/// # Errors
/// [`Undefined::TooFewGroups`] below two, [`Undefined::EmptyGroup`], [`Undefined::TooFewObservations`] where there are
/// no more values than groups, [`Undefined::ZeroVariance`] where the values vary in no group, [`Undefined::NonFinite`].
///
/// # Source
/// R. A. Fisher (1925); `scipy.stats.f_oneway`; reference case `anova_oneway`.
pub fn one_way(groups: &[Moments]) -> Result<Anova, Undefined> {
    let (mean_square_within, df_within) = pooled_within(groups)?;
    let whole = groups.iter().fold(Moments::EMPTY, |sum, group| sum.merge(group));
    let between: f64 = groups
        .iter()
        .map(|group| {
            let deviation = group.mean - whole.mean;
            group.n as f64 * deviation * deviation
        })
        .sum();
    let df_between = (groups.len() - 1) as f64;
    let f = between / df_between / mean_square_within;
    if !f.is_finite() {
        return Err(Undefined::NonFinite);
    }
    let eta_squared = between / (between + mean_square_within * df_within);
    Ok(Anova { f, df_between, df_within, mean_square_within, eta_squared, p: f_sf(f, df_between, df_within) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{Alternative, Level, t_test};

    #[test]
    fn two_groups_are_the_square_of_student() {
        let (x, y) =
            (Moments::from_slice(&[1.0, 3.0, 4.0, 9.0]), Moments::from_slice(&[2.0, 8.0, 7.0, 11.0, 12.0]));
        let anova = one_way(&[x, y]).unwrap();
        let test = t_test::student(&x, &y, Alternative::TwoSided, Level::P95).unwrap();
        assert!((anova.f - test.statistic * test.statistic).abs() < 1e-12);
        assert!((anova.p - test.p).abs() < 1e-14);
    }

    #[test]
    fn what_cannot_be_tested_says_why() {
        let (flat, single) = (Moments::from_slice(&[1.0, 1.0]), Moments::from_slice(&[5.0]));
        assert_eq!(one_way(&[flat]), Err(Undefined::TooFewGroups { needed: 2, found: 1 }));
        assert_eq!(one_way(&[flat, flat]), Err(Undefined::ZeroVariance));
        assert_eq!(one_way(&[single, single]), Err(Undefined::TooFewObservations { needed: 3, found: 2 }));
        assert_eq!(one_way(&[flat, Moments::EMPTY]), Err(Undefined::EmptyGroup));
    }
}
