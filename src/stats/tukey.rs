//! Tukey's honestly significant difference: all pairs of groups, with the family-wise error held.

use super::anova::pooled_within;
use super::distributions::{studentized_range_isf, studentized_range_sf};
use super::t_test::welch;
use super::{Alternative, Interval, Level, Moments, Undefined};

/// Comparison of one pair of groups.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairComparison {
    /// Position of the first group.
    pub first: usize,
    /// Position of the second group, after the first.
    pub second: usize,
    /// Mean of the first group minus mean of the second, in the units of the data.
    pub estimate: f64,
    /// Standard error of the estimate.
    pub se: f64,
    /// Simultaneous confidence interval: all pairs cover at once with the level.
    pub ci: Interval,
    /// p-value, adjusted for all pairs.
    pub p: f64,
}

/// Tukey–Kramer comparison of all pairs of two or more groups, in the order (0, 1), (0, 2), …, (1, 2), ….
///
/// # Estimand
/// The difference of the expectations of each pair, first − second, in the units of the data; all pairs hold at once
/// with the level.
///
/// # Formula
/// q = |difference| / √(s²/2 (1/nᵢ + 1/nⱼ)) against the studentised range of k means with N − k degrees of freedom, s²
/// pooled over all groups.
///
/// # Assumptions
/// Independent units, means close to normal, one variance; conservative for unequal sizes (Hayter 1984).
///
/// # Edge cases
/// Two groups give Student's test. A group of one unit is compared by the variance of the others.
///
/// # Errors
/// [`Undefined::TooFewGroups`] below two, [`Undefined::EmptyGroup`], [`Undefined::TooFewObservations`] where there are
/// no more values than groups, [`Undefined::ZeroVariance`] where the values vary in no group, [`Undefined::NonFinite`].
///
/// # Source
/// J. W. Tukey (1949), C. Y. Kramer (1956); `scipy.stats.tukey_hsd`; reference case `tukey_hsd`.
pub fn tukey_hsd(groups: &[Moments], level: Level) -> Result<Vec<PairComparison>, Undefined> {
    let (variance, df) = pooled_within(groups)?;
    let count = groups.len();
    let critical = studentized_range_isf(level.alpha(), count, df);
    if !critical.is_finite() {
        return Err(Undefined::NoSolution);
    }
    let mut pairs = Vec::with_capacity(count * (count - 1) / 2);
    for first in 0..count {
        for second in first + 1..count {
            let (x, y) = (&groups[first], &groups[second]);
            let estimate = x.mean - y.mean;
            let se = (variance * (1.0 / x.n as f64 + 1.0 / y.n as f64)).sqrt();
            if !(estimate.is_finite() && se.is_finite() && se > 0.0) {
                return Err(Undefined::NonFinite);
            }
            // The studentised range counts in standard errors of one mean, √2 smaller than that of a difference.
            let unit = se / 2f64.sqrt();
            let margin = critical * unit;
            let ci = Interval { low: estimate - margin, high: estimate + margin };
            let p = studentized_range_sf(estimate.abs() / unit, count, df);
            pairs.push(PairComparison { first, second, estimate, se, ci, p });
        }
    }
    Ok(pairs)
}

/// Games–Howell comparison of all pairs of two or more groups, in the order of [`tukey_hsd`]: each pair by its own variances.
///
/// # Estimand
/// As [`tukey_hsd`].
///
/// # Formula
/// q = |difference| / √((s²ᵢ/nᵢ + s²ⱼ/nⱼ)/2) against the studentised range of k means with the degrees of freedom of Welch's
/// test of the pair.
///
/// # Assumptions
/// Independent units, means close to normal; variances and sizes may differ.
///
/// # Edge cases
/// Two groups give Welch's test.
///
/// # Errors
/// [`Undefined::TooFewGroups`] below two, those of [`welch`] for a pair, [`Undefined::NoSolution`] without a critical value.
///
/// # Source
/// P. A. Games & J. F. Howell (1976); `pingouin.pairwise_gameshowell`; `scipy.stats.tukey_hsd(equal_var=False)`.
pub fn games_howell(groups: &[Moments], level: Level) -> Result<Vec<PairComparison>, Undefined> {
    let count = groups.len();
    if count < 2 {
        return Err(Undefined::TooFewGroups { needed: 2, found: count as u64 });
    }
    let mut pairs = Vec::with_capacity(count * (count - 1) / 2);
    for first in 0..count {
        for second in first + 1..count {
            let test = welch(&groups[first], &groups[second], Alternative::TwoSided, level)?;
            let critical = studentized_range_isf(level.alpha(), count, test.df);
            if !critical.is_finite() {
                return Err(Undefined::NoSolution);
            }
            // The studentised range counts in standard errors of one mean, √2 smaller than that of a difference.
            let unit = test.se / 2f64.sqrt();
            let margin = critical * unit;
            let ci = Interval { low: test.estimate - margin, high: test.estimate + margin };
            let p = studentized_range_sf(test.estimate.abs() / unit, count, test.df);
            pairs.push(PairComparison { first, second, estimate: test.estimate, se: test.se, ci, p });
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::t_test;

    fn group(shift: f64, n: u32) -> Moments {
        let values: Vec<f64> = (0..n).map(|i| shift + f64::from(i * i % 11)).collect();
        Moments::from_slice(&values)
    }

    /// Three groups of other spreads and sizes.
    fn uneven() -> [Moments; 3] {
        [(0.0, 1.0, 12), (2.0, 3.0, 9), (1.0, 0.5, 30)].map(|(shift, scale, n)| {
            let values: Vec<f64> = (0..n).map(|i| shift + scale * f64::from(i * i % 11)).collect();
            Moments::from_slice(&values)
        })
    }

    #[test]
    fn pairs_by_their_own_variances_agree_with_scipy() {
        // scipy 1.17: tukey_hsd(*groups, equal_var=False).
        let pairs = games_howell(&uneven(), Level::P95).unwrap();
        for (pair, p) in pairs.iter().zip([0.016_154_86, 0.731_941_01, 0.011_914_05]) {
            assert!((pair.p - p).abs() < 1e-7, "{pair:?}");
        }
        assert!(
            (pairs[0].ci.low + 20.341_546_86).abs() < 1e-7 && (pairs[0].ci.high + 2.325_119_81).abs() < 1e-7
        );
        assert!(
            (pairs[1].ci.low + 1.727_549_5).abs() < 1e-7 && (pairs[1].ci.high - 3.127_549_5).abs() < 1e-7
        );
        assert!(matches!(games_howell(&[group(0.0, 9)], Level::P95), Err(Undefined::TooFewGroups { .. })));
    }

    #[test]
    fn two_groups_are_a_student_test() {
        let (x, y) = (group(0.0, 12), group(2.0, 9));
        let pair = tukey_hsd(&[x, y], Level::P95).unwrap()[0];
        let test = t_test::student(&x, &y, Alternative::TwoSided, Level::P95).unwrap();
        assert!((pair.p - test.p).abs() < 1e-11);
        assert!((pair.ci.low - test.ci.low).abs() < 1e-9 && (pair.ci.high - test.ci.high).abs() < 1e-9);
    }

    #[test]
    fn p_below_alpha_exactly_when_the_interval_excludes_zero() {
        let groups: Vec<Moments> = (0..8).map(|i| group(0.9 * f64::from(i), 10 + i)).collect();
        let pairs = tukey_hsd(&groups, Level::P95).unwrap();
        assert_eq!(pairs.len(), 28);
        assert!(pairs.iter().all(|pair| (pair.p < 0.05) != pair.ci.contains(0.0)));
        assert!(pairs.iter().any(|pair| pair.p < 0.05) && pairs.iter().any(|pair| pair.p > 0.05));
    }
}
