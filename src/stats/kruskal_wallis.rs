//! The Kruskal–Wallis test of several groups by ranks.

use super::distributions::chi_square_sf;
use super::rank::{midranks, tie_term};
use super::{TestResult, Undefined};

/// Kruskal–Wallis test of the hypothesis that all groups come from one distribution.
///
/// # Estimand
/// Whether the mean ranks differ: whether values of some group tend to be greater than those of others.
///
/// # Formula
/// H = 12 / (N (N + 1)) Σ nᵢ (mean rankᵢ − (N + 1)/2)², divided by the tie correction 1 − Σ(t³ − t)/(N³ − N);
/// chi-square with k − 1 degrees of freedom.
///
/// # Assumptions
/// Independent units, five or more in each group for the chi-square law. It is a test of means only where the groups
/// differ in location alone.
///
/// # Edge cases
/// Ties get midranks. For two groups H is the square of Mann–Whitney's z without continuity correction.
///
/// # Errors
/// [`Undefined::TooFewGroups`] below two, [`Undefined::EmptyGroup`], [`Undefined::NonFinite`],
/// [`Undefined::AllValuesTied`] where all values are equal.
///
/// # Source
/// W. H. Kruskal & W. A. Wallis (1952); `scipy.stats.kruskal`; reference case `kruskal_wallis`.
pub fn kruskal_wallis(groups: &[&[f64]]) -> Result<TestResult, Undefined> {
    if groups.len() < 2 {
        return Err(Undefined::TooFewGroups { needed: 2, found: groups.len() as u64 });
    }
    if groups.iter().any(|group| group.is_empty()) {
        return Err(Undefined::EmptyGroup);
    }
    let all = groups.concat();
    if all.iter().any(|value| !value.is_finite()) {
        return Err(Undefined::NonFinite);
    }
    let n = all.len() as f64;
    let ties = tie_term(&all) as f64;
    let correction = 1.0 - ties / (n * n * n - n);
    if all.iter().all(|&value| value == all[0]) {
        return Err(Undefined::AllValuesTied);
    }
    let ranks = midranks(&all);
    let center = 0.5 * (n + 1.0);
    let mut start = 0;
    let mut between = 0.0;
    for group in groups {
        let own = &ranks[start..start + group.len()];
        start += group.len();
        let deviation = own.iter().map(|rank| rank - center).sum::<f64>();
        between += deviation * deviation / group.len() as f64;
    }
    let statistic = 12.0 / (n * (n + 1.0)) * between / correction;
    let df = (groups.len() - 1) as f64;
    Ok(TestResult { statistic, df: Some(df), p: chi_square_sf(statistic, df) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_textbook_example() {
        // scipy.stats.kruskal([1, 3, 5, 7, 9], [2, 4, 6, 8, 10]): H = 0.2727272727272734, p = 0.6015081344405895
        let result = kruskal_wallis(&[&[1.0, 3.0, 5.0, 7.0, 9.0], &[2.0, 4.0, 6.0, 8.0, 10.0]]).unwrap();
        assert!((result.statistic - 3.0 / 11.0).abs() < 1e-14);
        assert!((result.p - 0.601_508_134_440_589_5).abs() < 1e-12);
        assert_eq!(kruskal_wallis(&[&[1.0], &[1.0, 1.0]]), Err(Undefined::AllValuesTied));
        assert_eq!(kruskal_wallis(&[&[1.0], &[]]), Err(Undefined::EmptyGroup));
    }

    proptest! {
        #[test]
        fn a_rising_transformation_changes_nothing(
            x in prop::collection::vec(0i32..9, 1..30),
            y in prop::collection::vec(10i32..19, 1..30),
        ) {
            let plain = |values: &[i32]| values.iter().map(|&value| f64::from(value)).collect::<Vec<_>>();
            let curved = |values: &[i32]| values.iter().map(|&value| f64::from(value).exp()).collect::<Vec<_>>();
            let left = kruskal_wallis(&[&plain(&x), &plain(&y)]);
            let right = kruskal_wallis(&[&curved(&x), &curved(&y)]);
            prop_assert_eq!(left, right);
        }
    }
}
