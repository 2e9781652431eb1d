//! Mergeable moments of several variables of the same units: what adjusting for covariates needs of a group.

use serde::{Deserialize, Serialize};

use super::{Moments, Undefined};

/// Count, means and the matrix of co-moments of several variables.
///
/// A co-moment is a sum of products of deviations from the means; divided by `n − 1` it is a sample covariance. Raw sums
/// of squares are never kept: blocks of rows are centred on their own means and merged by the formula of Chan, Golub &
/// LeVeque (1979), so that values far from zero keep the digits of their covariance, and parts merge in any order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct Comoments {
    n: u64,
    means: Vec<f64>,
    /// The upper triangle of the symmetric matrix, row by row.
    products: Vec<f64>,
}

/// Co-moments as they are written.
#[derive(Serialize, Deserialize)]
struct Parts {
    n: u64,
    means: Vec<f64>,
    products: Vec<f64>,
}

impl From<Comoments> for Parts {
    fn from(Comoments { n, means, products }: Comoments) -> Self {
        Parts { n, means, products }
    }
}

impl TryFrom<Parts> for Comoments {
    type Error = Undefined;

    fn try_from(Parts { n, means, products }: Parts) -> Result<Self, Undefined> {
        Comoments::from_parts(n, means, products)
    }
}

/// Rows that are centred and multiplied at once; their copy stays in the nearest cache.
const BLOCK: usize = 1024;
/// Independent sums, so that additions need not wait for each other.
const LANES: usize = 8;

impl Comoments {
    /// The co-moments of no units.
    pub fn empty(variables: usize) -> Comoments {
        Comoments { n: 0, means: vec![0.0; variables], products: vec![0.0; variables * (variables + 1) / 2] }
    }

    /// The co-moments of the units whose values stand at the same place of each column.
    ///
    /// # Formula
    /// Values are taken relative to the first of their column, which makes a constant column vary exactly by nothing.
    /// In a block of rows the means are found first and the products of the deviations from them after; blocks are merged.
    ///
    /// # Errors
    /// [`Undefined::InvalidParameter`] without columns, [`Undefined::LengthMismatch`] where they differ in length,
    /// [`Undefined::NonFinite`] where a value, or a sum over the values, is infinite or not a number.
    ///
    /// # Source
    /// T. F. Chan, G. H. Golub & R. J. LeVeque (1983); `numpy.cov`.
    pub fn from_columns(columns: &[&[f64]]) -> Result<Comoments, Undefined> {
        let Some(rows) = columns.first().map(|column| column.len()) else {
            return Err(Undefined::InvalidParameter("columns"));
        };
        if columns.iter().any(|column| column.len() != rows) {
            return Err(Undefined::LengthMismatch);
        }
        let origins: Vec<f64> = columns.iter().filter_map(|column| column.first().copied()).collect();
        let mut total = Comoments::empty(columns.len());
        let mut block = Comoments::empty(columns.len());
        let mut centred = vec![[0.0; BLOCK]; columns.len()];
        for start in (0..rows).step_by(BLOCK) {
            let length = BLOCK.min(rows - start);
            block.n = length as u64;
            for (j, column) in columns.iter().enumerate() {
                let values = &column[start..start + length];
                block.means[j] = centre(values, origins[j], &mut centred[j][..length]);
            }
            let mut at = 0;
            for j in 0..columns.len() {
                for k in j..columns.len() {
                    block.products[at] = dot(&centred[j][..length], &centred[k][..length]);
                    at += 1;
                }
            }
            total.absorb(&block);
        }
        for (mean, origin) in total.means.iter_mut().zip(&origins) {
            *mean += origin;
        }
        total.checked()
    }

    /// Co-moments that were computed elsewhere: the number of units, the means, and the upper triangle of the matrix of
    /// co-moments, row by row.
    ///
    /// # Errors
    /// [`Undefined::LengthMismatch`] where there are not d (d + 1) / 2 products for d means, [`Undefined::NonFinite`].
    pub fn from_parts(n: u64, means: Vec<f64>, products: Vec<f64>) -> Result<Comoments, Undefined> {
        if products.len() != means.len() * (means.len() + 1) / 2 {
            return Err(Undefined::LengthMismatch);
        }
        Comoments { n, means, products }.checked()
    }

    /// The same deviations about other means: what filling a constant column with another constant does.
    ///
    /// # Errors
    /// As [`Comoments::from_parts`].
    pub fn with_means(&self, means: Vec<f64>) -> Result<Comoments, Undefined> {
        Comoments::from_parts(self.n, means, self.products.clone())
    }

    /// The co-moments of the first variables alone.
    pub fn of_first(&self, variables: usize) -> Comoments {
        let kept = variables.min(self.variables());
        let products = (0..kept).flat_map(|j| (j..kept).filter_map(move |k| self.co_moment(j, k)));
        Comoments { n: self.n, means: self.means[..kept].to_vec(), products: products.collect() }
    }

    /// The co-moments of both sets of units together.
    ///
    /// # Errors
    /// [`Undefined::LengthMismatch`] where they hold different numbers of variables; [`Undefined::NonFinite`] where a sum
    /// overflows.
    pub fn merge(&self, other: &Comoments) -> Result<Comoments, Undefined> {
        if self.variables() != other.variables() {
            return Err(Undefined::LengthMismatch);
        }
        let mut total = self.clone();
        total.absorb(other);
        total.checked()
    }

    fn absorb(&mut self, other: &Comoments) {
        if other.n == 0 {
            return;
        }
        if self.n == 0 {
            self.clone_from(other);
            return;
        }
        let n = self.n + other.n;
        let share = other.n as f64 / n as f64;
        let weight = self.n as f64 * share;
        let mut at = 0;
        for j in 0..self.means.len() {
            let shift = weight * (other.means[j] - self.means[j]);
            for k in j..self.means.len() {
                self.products[at] += other.products[at] + shift * (other.means[k] - self.means[k]);
                at += 1;
            }
        }
        for (mean, other) in self.means.iter_mut().zip(&other.means) {
            *mean += (other - *mean) * share;
        }
        self.n = n;
    }

    fn checked(self) -> Result<Comoments, Undefined> {
        let finite = self.means.iter().chain(&self.products).all(|number| number.is_finite());
        if finite { Ok(self) } else { Err(Undefined::NonFinite) }
    }

    /// Number of units.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// Number of variables.
    pub fn variables(&self) -> usize {
        self.means.len()
    }

    /// The means of the variables; zeros while there are no units.
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// The sum of products of the deviations of two variables from their means; `None` for a variable that is not there.
    pub fn co_moment(&self, first: usize, second: usize) -> Option<f64> {
        let (row, column) = (first.min(second), first.max(second));
        let variables = self.variables();
        // The rows above hold d, d − 1, … products.
        (column < variables).then(|| self.products[row * variables - row * (row + 1) / 2 + column])
    }

    /// The moments of one variable; `None` for a variable that is not there.
    pub fn of_variable(&self, index: usize) -> Option<Moments> {
        Some(Moments { n: self.n, mean: *self.means.get(index)?, m2: self.co_moment(index, index)? })
    }

    /// The moments of `Σ weight · variable`, without another pass over the units.
    ///
    /// What remains of the sum of squares after its terms have cancelled down to their rounding error holds no digit, and
    /// is given as zero: a combination that is constant but for rounding has no variance.
    ///
    /// # Errors
    /// [`Undefined::LengthMismatch`] where there is not one weight for each variable, [`Undefined::NonFinite`] for a
    /// weight or a sum that is not finite.
    pub fn of_combination(&self, weights: &[f64]) -> Result<Moments, Undefined> {
        if weights.len() != self.variables() {
            return Err(Undefined::LengthMismatch);
        }
        let mean: f64 = weights.iter().zip(&self.means).map(|(weight, mean)| weight * mean).sum();
        let (mut m2, mut size, mut at) = (0.0, 0.0, 0);
        for (j, first) in weights.iter().enumerate() {
            for (k, second) in weights.iter().enumerate().skip(j) {
                let twice = if j == k { 1.0 } else { 2.0 };
                let term: f64 = twice * first * second * self.products[at];
                m2 += term;
                size += term.abs();
                at += 1;
            }
        }
        if !(mean.is_finite() && m2.is_finite()) {
            return Err(Undefined::NonFinite);
        }
        let noise = 64.0 * f64::EPSILON * size;
        Ok(Moments { n: self.n, mean, m2: if m2 <= noise { 0.0 } else { m2 } })
    }
}

/// Writes the deviations of the values from their mean and returns the mean, relative to `origin`.
fn centre(values: &[f64], origin: f64, deviations: &mut [f64]) -> f64 {
    for (deviation, value) in deviations.iter_mut().zip(values) {
        *deviation = value - origin;
    }
    let (chunks, rest) = deviations.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        for (sum, deviation) in sums.iter_mut().zip(chunk) {
            *sum += deviation;
        }
    }
    let mean = (sums.iter().sum::<f64>() + rest.iter().sum::<f64>()) / values.len() as f64;
    for deviation in deviations.iter_mut() {
        *deviation -= mean;
    }
    mean
}

fn dot(first: &[f64], second: &[f64]) -> f64 {
    let ((a, a_rest), (b, b_rest)) = (first.as_chunks::<LANES>(), second.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(columns: &[Vec<f64>]) -> Comoments {
        Comoments::from_columns(&columns.iter().map(Vec::as_slice).collect::<Vec<&[f64]>>()).unwrap()
    }

    #[test]
    fn covariances_are_those_of_numpy() {
        // numpy.cov([[1, 2, 4, 8], [3, 1, 4, 1], [2, 7, 1, 8]])
        let moments = of(&[vec![1.0, 2.0, 4.0, 8.0], vec![3.0, 1.0, 4.0, 1.0], vec![2.0, 7.0, 1.0, 8.0]]);
        assert_eq!(moments.means(), [3.75, 2.25, 4.5]);
        let covariance = |j, k| moments.co_moment(j, k).unwrap() / 3.0;
        for (j, k, expected) in [
            (0, 0, 9.583_333_333_333_334),
            (0, 1, -1.583_333_333_333_333_3),
            (2, 0, 5.5),
            (1, 1, 2.25),
            (1, 2, -5.166_666_666_666_666),
            (2, 2, 12.333_333_333_333_334),
        ] {
            assert!((covariance(j, k) - expected).abs() < 1e-14, "{j} {k}: {}", covariance(j, k));
        }
        assert_eq!(moments.co_moment(0, 3), None);
        assert_eq!(moments.of_variable(3), None);
    }

    #[test]
    fn a_large_offset_costs_no_digits_and_a_constant_does_not_vary() {
        let x: Vec<f64> = (0..5000).map(|i| 1e9 + f64::from(i % 10)).collect();
        let y: Vec<f64> = (0..5000).map(|i| 7.0 - f64::from(i % 10)).collect();
        let moments = of(&[x, y, vec![0.1; 5000]]);
        assert_eq!(moments.means(), [1e9 + 4.5, 2.5, 0.1]);
        for (k, expected) in [(0, 41250.0), (1, -41250.0)] {
            assert!((moments.co_moment(0, k).unwrap() / expected - 1.0).abs() < 1e-14);
        }
        assert_eq!((moments.co_moment(2, 2), moments.co_moment(0, 2)), (Some(0.0), Some(0.0)));
        // x + y is constant: nothing but rounding is left of its variance.
        assert_eq!(moments.of_combination(&[1.0, 1.0, 0.0]).unwrap().m2, 0.0);
    }

    #[test]
    fn what_cannot_be_summed_says_why() {
        assert_eq!(Comoments::from_columns(&[]), Err(Undefined::InvalidParameter("columns")));
        assert_eq!(Comoments::from_columns(&[&[1.0], &[]]), Err(Undefined::LengthMismatch));
        assert_eq!(Comoments::from_columns(&[&[1.0, f64::NAN]]), Err(Undefined::NonFinite));
        assert_eq!(Comoments::from_columns(&[&[1.0, f64::INFINITY]]), Err(Undefined::NonFinite));
        assert_eq!(Comoments::from_columns(&[&[], &[]]), Ok(Comoments::empty(2)));
        let (one, two) = (of(&[vec![1.0]]), of(&[vec![1.0], vec![2.0]]));
        assert_eq!(one.merge(&two), Err(Undefined::LengthMismatch));
        assert_eq!(two.of_combination(&[1.0]), Err(Undefined::LengthMismatch));
        assert_eq!(two.of_combination(&[1.0, f64::NAN]), Err(Undefined::NonFinite));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn parts_merge_to_the_whole_and_combinations_are_those_of_the_rows(
            rows in prop::collection::vec([-1e3_f64..1e3, -1.0_f64..1.0, 1e6_f64..1.1e6], 2..2600),
            cut in 0.0_f64..1.0,
            weights in [-2.0_f64..2.0, -2.0_f64..2.0, -0.01_f64..0.01],
        ) {
            let columns: Vec<Vec<f64>> =
                (0..3).map(|j| rows.iter().map(|row| row[j]).collect()).collect();
            let at = (cut * rows.len() as f64) as usize;
            let whole = of(&columns);
            let part = |range: std::ops::Range<usize>| {
                of(&columns.iter().map(|column| column[range.clone()].to_vec()).collect::<Vec<_>>())
            };
            let merged = part(0..at).merge(&part(at..rows.len())).unwrap();
            prop_assert_eq!(whole.n(), merged.n());
            for (j, column) in columns.iter().enumerate() {
                prop_assert!((whole.means()[j] / merged.means()[j] - 1.0).abs() < 1e-9);
                let single = Moments::from_slice(column);
                prop_assert!((whole.of_variable(j).unwrap().m2 / single.m2 - 1.0).abs() < 1e-10);
                for k in 0..3 {
                    let size = (whole.co_moment(j, j).unwrap() * whole.co_moment(k, k).unwrap()).sqrt();
                    let error = whole.co_moment(j, k).unwrap() - merged.co_moment(j, k).unwrap();
                    prop_assert!(error.abs() <= 1e-10 * size);
                    prop_assert_eq!(whole.co_moment(j, k), whole.co_moment(k, j));
                }
            }
            let combined: Vec<f64> =
                rows.iter().map(|row| row.iter().zip(&weights).map(|(x, w)| x * w).sum()).collect();
            let (direct, indirect) =
                (Moments::from_slice(&combined), whole.of_combination(&weights).unwrap());
            prop_assert!((direct.mean - indirect.mean).abs() < 1e-8);
            prop_assert!((direct.m2 / indirect.m2 - 1.0).abs() < 1e-8);
        }
    }
}
