//! The two-sample Kolmogorov–Smirnov test.

use super::distributions::kolmogorov_sf;
use super::quantiles::sorted_finite;
use super::{TestResult, Undefined};

/// Two-sample Kolmogorov–Smirnov test of the hypothesis that both samples come from one distribution.
///
/// # Estimand
/// The largest distance D between the two distribution functions, in [0, 1].
///
/// # Formula
/// D = max |F̂(t) − Ĝ(t)|; p is that of the one-sample statistic at the effective size n m / (n + m), a half rounded to
/// even ([`kolmogorov_sf`]).
///
/// # Assumptions
/// Independent units. With ties the test is conservative.
///
/// # Edge cases
/// One value against one rounds to no information: p = 1 (scipy gives NaN there). Samples that do not overlap have D =
/// 1 and p = 0.
///
/// # Errors
/// [`Undefined::EmptyGroup`], [`Undefined::NonFinite`].
///
/// # Source
/// J. L. Hodges (1958); R. Simard & P. L'Ecuyer (2011); `scipy.stats.ks_2samp(method="asymp")`; reference case
/// `ks_two_sample_asymptotic`.
pub fn ks_two_sample_asymptotic(x: &[f64], y: &[f64]) -> Result<TestResult, Undefined> {
    let (x, y) = (sorted_finite(x)?, sorted_finite(y)?);
    let (n, m) = (x.len() as f64, y.len() as f64);
    let d = largest_distance(&x, &y);
    let effective = (n.max(m) * n.min(m) / (n + m)).round_ties_even();
    // One value against one has half a value of information, which rounds to none: such a test never rejects.
    let p = if effective < 1.0 { 1.0 } else { kolmogorov_sf(effective as u64, d) };
    Ok(TestResult { statistic: d, df: None, p })
}

/// Largest distance between the distribution functions of two sorted samples.
fn largest_distance(x: &[f64], y: &[f64]) -> f64 {
    let (n, m) = (x.len() as f64, y.len() as f64);
    let (mut i, mut j) = (0, 0);
    let mut largest: f64 = 0.0;
    while let (Some(&left), Some(&right)) = (x.get(i), y.get(j)) {
        let value = left.min(right);
        while x.get(i).is_some_and(|&other| other <= value) {
            i += 1;
        }
        while y.get(j).is_some_and(|&other| other <= value) {
            j += 1;
        }
        largest = largest.max((i as f64 / n - j as f64 / m).abs());
    }
    largest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn separate_samples_are_at_distance_one() {
        let result = ks_two_sample_asymptotic(&[1.0, 2.0, 3.0], &[4.0, 5.0]).unwrap();
        assert_eq!((result.statistic, result.p), (1.0, 0.0));
        assert_eq!(ks_two_sample_asymptotic(&[], &[4.0]), Err(Undefined::EmptyGroup));
    }

    proptest! {
        #[test]
        fn samples_may_be_swapped_and_transformed(
            x in prop::collection::vec(0i32..20, 1..60),
            y in prop::collection::vec(0i32..20, 1..60),
        ) {
            let plain = |values: &[i32]| values.iter().map(|&value| f64::from(value)).collect::<Vec<_>>();
            let curved = |values: &[i32]| values.iter().map(|&value| f64::from(value).exp()).collect::<Vec<_>>();
            let forward = ks_two_sample_asymptotic(&plain(&x), &plain(&y)).unwrap();
            prop_assert_eq!(forward, ks_two_sample_asymptotic(&plain(&y), &plain(&x)).unwrap());
            prop_assert_eq!(forward, ks_two_sample_asymptotic(&curved(&x), &curved(&y)).unwrap());
        }
    }
}
