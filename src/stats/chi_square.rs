//! Pearson's chi-square tests: independence in a table, and agreement of counts with planned shares (sample ratio mismatch).

use super::Undefined;
use super::distributions::chi_square_sf;

/// Result of a chi-square test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChiSquare {
    /// Sum of `(observed − expected)² / expected`.
    pub statistic: f64,
    /// Degrees of freedom.
    pub df: f64,
    /// The p-value.
    pub p: f64,
    /// Smallest expected count; below five the approximation is poor.
    pub least_expected: f64,
    /// Number of units in the table.
    pub total: u64,
}

/// Chi-square test of independence of rows and columns, without continuity correction.
///
/// # Estimand
/// Whether the distribution over the columns is the same in every row.
///
/// # Formula
/// Σ (observed − expected)² / expected with expected counts from the margins; (rows − 1)(columns − 1) degrees of
/// freedom. For a 2×2 table it is the square of the pooled z of two proportions.
///
/// # Assumptions
/// Independent units, one unit in one cell, expected counts of five and more ([`ChiSquare::least_expected`]).
///
/// # Edge cases
/// A table of one row or one column has no degrees of freedom: statistic 0 and p 1.
///
/// # Errors
/// [`Undefined::EmptyGroup`] without rows or columns, [`Undefined::LengthMismatch`] for rows of different length,
/// [`Undefined::ZeroExpected`] for a row or column that holds no units, [`Undefined::InvalidParameter`] where the
/// counts add up to more than a number of 64 bits.
///
/// # Source
/// K. Pearson (1900); `scipy.stats.chi2_contingency(correction=False)`; reference case `chi2_contingency`.
pub fn contingency(table: &[Vec<u64>]) -> Result<ChiSquare, Undefined> {
    let columns = table.first().map_or(0, Vec::len);
    if columns == 0 {
        return Err(Undefined::EmptyGroup);
    }
    if table.iter().any(|row| row.len() != columns) {
        return Err(Undefined::LengthMismatch);
    }
    total_count(table.iter().flatten())?;
    let row_sums: Vec<u64> = table.iter().map(|row| row.iter().sum()).collect();
    let column_sums: Vec<u64> =
        (0..columns).map(|column| table.iter().map(|row| row[column]).sum()).collect();
    if row_sums.iter().chain(&column_sums).any(|&sum| sum == 0) {
        return Err(Undefined::ZeroExpected);
    }
    let total: u64 = row_sums.iter().sum();
    let mut statistic = 0.0;
    let mut least_expected = f64::INFINITY;
    for (row, &row_sum) in table.iter().zip(&row_sums) {
        for (&observed, &column_sum) in row.iter().zip(&column_sums) {
            let expected = row_sum as f64 * column_sum as f64 / total as f64;
            let difference = observed as f64 - expected;
            statistic += difference * difference / expected;
            least_expected = least_expected.min(expected);
        }
    }
    let df = ((table.len() - 1) * (columns - 1)) as f64;
    let p = if df == 0.0 { 1.0 } else { chi_square_sf(statistic, df) };
    Ok(ChiSquare { statistic: if df == 0.0 { 0.0 } else { statistic }, df, p, least_expected, total })
}

/// The sum of counts, where it is a count.
fn total_count<'a>(counts: impl IntoIterator<Item = &'a u64>) -> Result<u64, Undefined> {
    let sum = counts.into_iter().try_fold(0_u64, |sum, &count| sum.checked_add(count));
    sum.ok_or(Undefined::InvalidParameter("counts"))
}

/// Chi-square test of counts against planned shares: the check for a sample ratio mismatch.
///
/// # Estimand
/// Whether units fall into the groups with probabilities proportional to `shares`, which need not sum to one.
///
/// # Formula
/// Σ (observed − expected)² / expected, expected = total · share / Σ shares; k − 1 degrees of freedom.
///
/// # Assumptions
/// Units are assigned independently of each other; expected counts of five and more.
///
/// # Edge cases
/// A group without any unit is an ordinary count of zero.
///
/// # Errors
/// [`Undefined::TooFewGroups`] below two groups, [`Undefined::LengthMismatch`], [`Undefined::InvalidParameter`] for a
/// share that is negative or not finite or counts that overflow, [`Undefined::ZeroExpected`] for a share of zero or no
/// units at all.
///
/// # Source
/// K. Pearson (1900); A. Fabijan et al. (2019) for the use; `scipy.stats.chisquare`; reference case `srm`.
pub fn goodness_of_fit(observed: &[u64], shares: &[f64]) -> Result<ChiSquare, Undefined> {
    if observed.len() != shares.len() {
        return Err(Undefined::LengthMismatch);
    }
    if observed.len() < 2 {
        return Err(Undefined::TooFewGroups { needed: 2, found: observed.len() as u64 });
    }
    if shares.iter().any(|share| !share.is_finite() || *share < 0.0) {
        return Err(Undefined::InvalidParameter("share"));
    }
    let total = total_count(observed)?;
    let whole: f64 = shares.iter().sum();
    if total == 0 || shares.contains(&0.0) {
        return Err(Undefined::ZeroExpected);
    }
    let expected: Vec<f64> = shares.iter().map(|share| total as f64 * (share / whole)).collect();
    if !whole.is_finite() {
        return Err(Undefined::NonFinite);
    }
    // A share next to zero may underflow beside the others.
    if expected.contains(&0.0) {
        return Err(Undefined::ZeroExpected);
    }
    let statistic: f64 = observed
        .iter()
        .zip(&expected)
        .map(|(&count, expected)| {
            let difference = count as f64 - expected;
            difference * difference / expected
        })
        .sum();
    let df = (observed.len() - 1) as f64;
    let least_expected = expected.iter().copied().fold(f64::INFINITY, f64::min);
    if statistic.is_infinite() {
        return Err(Undefined::NonFinite);
    }
    Ok(ChiSquare { statistic, df, p: chi_square_sf(statistic, df), least_expected, total })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_balanced_split_passes_and_a_broken_one_does_not() {
        let fine = goodness_of_fit(&[5000, 5000], &[0.5, 0.5]).unwrap();
        assert_eq!((fine.statistic, fine.p, fine.least_expected), (0.0, 1.0, 5000.0));
        // Shares are ratios: 1 : 1 is one half each.
        assert_eq!(goodness_of_fit(&[5000, 5000], &[1.0, 1.0]).unwrap().p, 1.0);
        assert!(goodness_of_fit(&[821_588, 815_482], &[0.5, 0.5]).unwrap().p < 1e-5);
    }

    #[test]
    fn a_table_may_be_transposed() {
        let table = [vec![12, 30], vec![20, 25], vec![9, 40]];
        let transposed = [vec![12, 20, 9], vec![30, 25, 40]];
        let (left, right) = (contingency(&table).unwrap(), contingency(&transposed).unwrap());
        assert!((left.statistic - right.statistic).abs() < 1e-12);
        assert_eq!(left.df, 2.0);
    }

    #[test]
    fn what_cannot_be_tested_says_why() {
        assert_eq!(contingency(&[vec![1, 0], vec![2, 0]]), Err(Undefined::ZeroExpected));
        assert_eq!(contingency(&[vec![1, 0], vec![2]]), Err(Undefined::LengthMismatch));
        assert_eq!(contingency(&[]), Err(Undefined::EmptyGroup));
        assert_eq!(contingency(&[vec![3, 4]]).map(|one| (one.df, one.p)), Ok((0.0, 1.0)));
        assert_eq!(goodness_of_fit(&[1, 2], &[1.0]), Err(Undefined::LengthMismatch));
        assert_eq!(goodness_of_fit(&[0, 0], &[0.5, 0.5]), Err(Undefined::ZeroExpected));
        assert_eq!(goodness_of_fit(&[1, 2], &[0.5, f64::NAN]), Err(Undefined::InvalidParameter("share")));
    }
}
