//! The difference of two quantiles: its bootstrap, with an interval and a p-value from the same ranks.

use super::distributions::{beta_cdf, beta_sf};
use super::quantiles::quantile_sorted;
use super::sampling::{standard_normal, unit};
use super::{Interval, Level, Undefined};
use rand::Rng;

/// The answer of [`bootstrap_quantile_difference`].
#[derive(Debug, Clone, PartialEq)]
pub struct QuantileDifference {
    /// Quantile of the first sample minus that of the second, by linear interpolation (type 7).
    pub estimate: f64,
    /// The differences of the replicates, ascending.
    pub replicates: Vec<f64>,
    /// Percentile interval of the difference.
    pub interval: Interval,
    /// Two-sided p-value of equal quantiles: the interval excludes zero exactly when it is below α.
    pub p: f64,
}

/// The bootstrap of the difference of the `q`-quantiles of two independent samples, sorted ascending.
///
/// # Estimand
/// The `q`-quantile of the first population minus that of the second, in the units of the data.
///
/// # Formula
/// The k-th smallest of n values drawn with replacement, k = ⌈qn⌉, is the value whose rank is ⌈n B⌉ with
/// B ~ Beta(k, n + 1 − k), because uniform ranks are drawn; so a replicate costs two beta variates and no resample.
/// p = 2 (min(#{d ≤ 0}, #{d ≥ 0}) + 1)/(B + 1), at most 1, and a bound is the order statistic of rank c + 1 for the
/// largest count c whose p-value is below α.
///
/// # Assumptions
/// Independent units; some tens of values on either side of the quantile.
///
/// # Edge cases
/// Both samples must be sorted ascending. A quantile on a heap of ties may have an interval of no width. Too few
/// replicates for the level give an unbounded interval. Same samples and same generator state give the same bits.
///
/// # Errors
/// [`Undefined::TooFewObservations`] below two values in a sample, [`Undefined::InvalidParameter`] for `q` outside
/// (0, 1) or without replicates.
///
/// # Source
/// B. Efron & R. Tibshirani (1993), chapter 13; the beta law of order statistics, H. A. David & H. N. Nagaraja (2003).
/// The reference file holds no case of it: resampling differs by its random numbers.
pub fn bootstrap_quantile_difference(
    first: &[f64],
    second: &[f64],
    q: f64,
    replicates: usize,
    level: Level,
    rng: &mut impl Rng,
) -> Result<QuantileDifference, Undefined> {
    if !(q > 0.0 && q < 1.0) {
        return Err(Undefined::InvalidParameter("q"));
    }
    if replicates == 0 {
        return Err(Undefined::InvalidParameter("replicates"));
    }
    let found = first.len().min(second.len()) as u64;
    if found < 2 {
        return Err(Undefined::TooFewObservations { needed: 2, found });
    }
    let point = |sample: &[f64]| quantile_sorted(sample, q).ok_or(Undefined::NonFinite);
    let estimate = point(first)? - point(second)?;
    let mut differences: Vec<f64> =
        (0..replicates).map(|_| replicate(first, q, rng) - replicate(second, q, rng)).collect();
    differences.sort_unstable_by(f64::total_cmp);
    let below = differences.partition_point(|d| *d <= 0.0);
    let above = replicates - differences.partition_point(|d| *d < 0.0);
    let total = (replicates + 1) as f64;
    let p = (2.0 * (below.min(above) + 1) as f64 / total).min(1.0);
    // The largest c with 2 (c + 1)/(B + 1) < α; without one the replicates are too few to bound anything.
    let bound = (level.alpha() * total / 2.0).ceil() as usize;
    let interval = match bound.checked_sub(2) {
        Some(c) if c < replicates => Interval { low: differences[c], high: differences[replicates - 1 - c] },
        _ => Interval { low: f64::NEG_INFINITY, high: f64::INFINITY },
    };
    Ok(QuantileDifference { estimate, replicates: differences, interval, p })
}

/// One bootstrap replicate of the `q`-quantile of a sorted sample.
fn replicate(sorted: &[f64], q: f64, rng: &mut impl Rng) -> f64 {
    let n = sorted.len();
    let k = ((q * n as f64).ceil() as usize).clamp(1, n);
    let (a, b) = (gamma(k as f64, rng), gamma((n + 1 - k) as f64, rng));
    let rank = (n as f64 * a / (a + b)) as usize;
    sorted[rank.min(n - 1)]
}

/// A gamma variate of shape ≥ 1 (Marsaglia & Tsang, 2000).
fn gamma(shape: f64, rng: &mut impl Rng) -> f64 {
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = standard_normal(rng);
        let v = (1.0 + c * x).powi(3);
        if v <= 0.0 {
            continue;
        }
        let u = unit(rng);
        if u.ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}

/// The distribution-free interval of the `q`-quantile of a sorted sample: two of its order statistics.
///
/// # Estimand
/// The `q`-quantile of the population, in the units of the data.
///
/// # Formula
/// The k-th smallest lies below the quantile with probability P(Bin(n, q) ≥ k); each side gets α/2.
///
/// # Assumptions
/// Independent units; nothing about their distribution. Coverage is at least the level.
///
/// # Edge cases
/// A side is infinite where the sample is too small; an empty sample has no bounds.
///
/// # Source
/// H. A. David & H. N. Nagaraja (2003), section 7.1.
pub fn quantile_interval(sorted: &[f64], q: f64, level: Level) -> Interval {
    let (n, tail) = (sorted.len(), level.alpha() / 2.0);
    // P(Bin(n, q) ≤ k) and P(Bin(n, q) ≥ k) by the beta function.
    let at_most = |k: usize| if k >= n { 1.0 } else { beta_sf(q, k as f64 + 1.0, (n - k) as f64) };
    let at_least = |k: usize| if k == 0 { 1.0 } else { beta_cdf(q, k as f64, (n - k) as f64 + 1.0) };
    let ranks: Vec<usize> = (1..=n).collect();
    // The largest rank whose value is above the quantile with probability α/2 at most, and its mirror.
    let low = ranks.partition_point(|&k| at_most(k - 1) <= tail);
    let high = ranks.partition_point(|&k| at_least(k) > tail);
    Interval {
        low: if low == 0 { f64::NEG_INFINITY } else { sorted[low - 1] },
        high: sorted.get(high).copied().unwrap_or(f64::INFINITY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    fn uniform(n: usize, shift: f64, seed: u64) -> Vec<f64> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut values: Vec<f64> = (0..n).map(|_| unit(&mut rng) + shift).collect();
        values.sort_by(f64::total_cmp);
        values
    }

    #[test]
    fn a_shift_of_the_whole_sample_is_found_in_its_quantile() {
        let (a, b) = (uniform(2000, 0.2, 1), uniform(2000, 0.0, 2));
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        let d = bootstrap_quantile_difference(&a, &b, 0.9, 4000, Level::P95, &mut rng).unwrap();
        // The standard error of a uniform quantile is √(q (1 − q)/n), of the difference √2 times that.
        let se = (2.0_f64 * 0.9 * 0.1 / 2000.0).sqrt();
        assert!((d.estimate - 0.2).abs() < 4.0 * se, "{}", d.estimate);
        assert!(d.interval.contains(d.estimate) && !d.interval.contains(0.0) && d.p < 0.001);
        assert!((d.interval.width() / (2.0 * 1.96 * se) - 1.0).abs() < 0.25);
    }

    #[test]
    fn significance_and_interval_agree() {
        for seed in 0..60 {
            let (a, b) = (uniform(80, 0.12, seed), uniform(90, 0.0, seed + 1000));
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
            let d = bootstrap_quantile_difference(&a, &b, 0.5, 999, Level::P95, &mut rng).unwrap();
            assert_eq!(d.p < 0.05, !d.interval.contains(0.0), "seed {seed}");
        }
    }

    #[test]
    fn the_interval_of_a_median_is_the_textbook_pair_of_ranks() {
        // For n = 10 the 95 % interval of the median runs from the 2nd to the 9th value (coverage 0.9785).
        let values: Vec<f64> = (1..=10).map(f64::from).collect();
        assert_eq!(quantile_interval(&values, 0.5, Level::P95), Interval { low: 2.0, high: 9.0 });
        assert_eq!(quantile_interval(&[1.0, 2.0], 0.5, Level::P95).low, f64::NEG_INFINITY);
    }
}
