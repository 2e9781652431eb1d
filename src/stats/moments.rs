//! Count, mean and sum of squared deviations of one variable, mergeable in any order.

use serde::{Deserialize, Serialize};

use super::Undefined;

/// Count, mean and sum of squared deviations from the mean (M2).
///
/// Raw sums of squares are never kept: for values far from zero they lose every digit of the variance. Parts are merged by
/// the formula of Chan, Golub & LeVeque (1979), single values are added by Welford (1962).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Moments {
    /// Number of values.
    pub n: u64,
    /// Arithmetic mean; 0 while there are no values.
    pub mean: f64,
    /// Sum of squared deviations from the mean, in squared units.
    pub m2: f64,
}

impl Moments {
    /// The moments of no values.
    pub const EMPTY: Moments = Moments { n: 0, mean: 0.0, m2: 0.0 };

    /// Moments of a sample, by the two-pass algorithm with the correction of Chan, Golub & LeVeque (1983, eq. 1.7): what the
    /// rounding of the mean adds to the sum of squares is measured and taken out. Equal values have exactly no variance.
    ///
    /// The mean is the one of `numpy.mean` to the last bit: sums run in the same order.
    pub fn from_slice(values: &[f64]) -> Moments {
        let Some(&first) = values.first() else {
            return Moments::EMPTY;
        };
        let n = values.len() as f64;
        if first.is_finite() && values.iter().all(|&value| value == first) {
            return Moments { n: values.len() as u64, mean: first, m2: 0.0 };
        }
        let mean = pairwise_sum(values, &|value| value) / n;
        let residual = pairwise_sum(values, &|value| value - mean);
        let squares = pairwise_sum(values, &|value| (value - mean) * (value - mean));
        let m2 = squares - residual * residual / n;
        // `max` would turn a NaN into 0 and hide a non-finite input.
        Moments { n: values.len() as u64, mean, m2: if m2 < 0.0 { 0.0 } else { m2 } }
    }

    /// Moments from a published summary: mean, standard deviation (ddof 1) and count. `None` when the count is zero, the
    /// deviation is negative or a number is not finite.
    pub fn from_summary(mean: f64, sd: f64, n: u64) -> Option<Moments> {
        if n == 0 || !mean.is_finite() || !sd.is_finite() || sd < 0.0 {
            return None;
        }
        Some(Moments { n, mean, m2: sd * sd * (n - 1) as f64 })
    }

    /// Moments of a 0/1 variable with `successes` ones among `n` values; `None` when there are more successes than values.
    pub fn from_counts(successes: u64, n: u64) -> Option<Moments> {
        if successes > n {
            return None;
        }
        if n == 0 {
            return Some(Moments::EMPTY);
        }
        let share = successes as f64 / n as f64;
        Some(Moments { n, mean: share, m2: successes as f64 * (n - successes) as f64 / n as f64 })
    }

    /// Adds one value (Welford).
    pub fn push(&mut self, value: f64) {
        self.n += 1;
        let deviation = value - self.mean;
        self.mean += deviation / self.n as f64;
        self.m2 += deviation * (value - self.mean);
    }

    /// The moments of both samples together (Chan, Golub & LeVeque).
    pub fn merge(&self, other: &Moments) -> Moments {
        if self.n == 0 {
            return *other;
        }
        if other.n == 0 {
            return *self;
        }
        let (left, right) = (self.n as f64, other.n as f64);
        let shift = other.mean - self.mean;
        Moments {
            n: self.n.saturating_add(other.n),
            mean: self.mean + shift * (right / (left + right)),
            m2: self.m2 + other.m2 + shift * shift * (left * right / (left + right)),
        }
    }

    /// Sample variance with `n − 1` in the denominator; `None` for fewer than two values.
    pub fn variance(&self) -> Option<f64> {
        (self.n >= 2).then(|| self.m2 / (self.n - 1) as f64)
    }

    /// Sample standard deviation (ddof 1); `None` for fewer than two values.
    pub fn sd(&self) -> Option<f64> {
        self.variance().map(f64::sqrt)
    }

    /// Variance of the mean, `variance / n`; `None` for fewer than two values.
    pub fn variance_of_mean(&self) -> Option<f64> {
        self.variance().map(|variance| variance / self.n as f64)
    }

    /// Sum of the values.
    pub fn sum(&self) -> f64 {
        self.mean * self.n as f64
    }

    /// Checks that a test may use the moments: at least two values, all finite.
    ///
    /// # Errors
    /// [`Undefined::EmptyGroup`], [`Undefined::TooFewObservations`] or [`Undefined::NonFinite`].
    pub fn checked_variance(&self) -> Result<f64, Undefined> {
        if self.n == 0 {
            return Err(Undefined::EmptyGroup);
        }
        if !self.mean.is_finite() || !self.m2.is_finite() {
            return Err(Undefined::NonFinite);
        }
        self.variance().ok_or(Undefined::TooFewObservations { needed: 2, found: self.n })
    }
}

/// Sum of `term` over the values by halves: the rounding error grows with the logarithm of the length.
///
/// Blocks, accumulators and halves are those of numpy's `add.reduce`, so that data whose mean is large beside its spread
/// give the same last digits there and here.
pub(super) fn pairwise_sum(values: &[f64], term: &impl Fn(f64) -> f64) -> f64 {
    const LANES: usize = 8;
    const BLOCK: usize = 128;
    if values.len() < LANES {
        return values.iter().map(|&value| term(value)).sum();
    }
    if values.len() > BLOCK {
        let half = values.len() / 2;
        let (left, right) = values.split_at(half - half % LANES);
        return pairwise_sum(left, term) + pairwise_sum(right, term);
    }
    let (lanes, rest) = values.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in lanes {
        for (sum, &value) in sums.iter_mut().zip(chunk) {
            *sum += term(value);
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    let head = ((a + b) + (c + d)) + ((e + f) + (g + h));
    rest.iter().fold(head, |sum, &value| sum + term(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(left: f64, right: f64, scale: f64) -> bool {
        (left - right).abs() <= 1e-10 * scale.max(1.0)
    }

    #[test]
    fn a_large_offset_costs_no_digits() {
        let values: Vec<f64> = (0..1000).map(|i| 1e9 + f64::from(i % 10)).collect();
        let moments = Moments::from_slice(&values);
        assert_eq!(moments.mean, 1e9 + 4.5);
        assert_eq!(moments.variance(), Some(8250.0 / 999.0));
    }

    #[test]
    fn equal_values_have_exactly_no_variance() {
        assert_eq!(Moments::from_slice(&[0.1; 7]), Moments { n: 7, mean: 0.1, m2: 0.0 });
    }

    #[test]
    fn too_few_values_have_no_variance() {
        assert_eq!(Moments::EMPTY.variance(), None);
        assert_eq!(Moments::from_slice(&[3.0]).variance(), None);
        assert_eq!(Moments::from_slice(&[]).checked_variance(), Err(Undefined::EmptyGroup));
        assert_eq!(Moments::from_slice(&[1.0, f64::NAN]).checked_variance(), Err(Undefined::NonFinite));
    }

    #[test]
    fn counts_are_a_sample_of_zeros_and_ones() {
        let rows = [1.0, 0.0, 0.0, 1.0, 1.0];
        let (counts, sample) = (Moments::from_counts(3, 5).unwrap(), Moments::from_slice(&rows));
        assert!(close(counts.m2, sample.m2, 1.0) && close(counts.mean, sample.mean, 1.0));
        assert_eq!(Moments::from_counts(6, 5), None);
    }

    proptest! {
        #[test]
        fn merging_parts_is_the_whole(values in prop::collection::vec(-1e3f64..1e3, 2..200), cut in 0usize..200) {
            let cut = cut.min(values.len());
            let whole = Moments::from_slice(&values);
            let merged = Moments::from_slice(&values[..cut]).merge(&Moments::from_slice(&values[cut..]));
            let mut pushed = Moments::EMPTY;
            values.iter().for_each(|&value| pushed.push(value));
            for other in [merged, pushed] {
                prop_assert_eq!(whole.n, other.n);
                prop_assert!(close(whole.mean, other.mean, 1e3));
                prop_assert!(close(whole.m2, other.m2, whole.m2));
            }
        }
    }
}
