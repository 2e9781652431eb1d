//! The bootstrap of a difference in means: its distribution, percentile and BCa intervals and their p-values.

use super::bins::{Bin, Resampled};
use super::distributions::{normal_cdf, normal_quantile, normal_sf};
use super::sampling::{binomial, index, poisson, standard_normal};
use super::sorting::{sort_ascending, sorted};
use super::{Interval, Level, Moments, Undefined};
use rand::Rng;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use rayon::prelude::*;

/// Replicates that are drawn by one generator. Each batch has its own, seeded from the caller's, so that batches can be drawn
/// side by side and give the same bits however many processors there are.
const BATCH: usize = 250;
/// A bin of one distinct value that stands for fewer values than this is resampled value by value.
const FEW: u64 = 10;

/// How often each unit enters a replicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Resampling {
    /// n units drawn with replacement: Efron's bootstrap.
    #[default]
    Multinomial,
    /// Each unit a Poisson(1) number of times, independently; the mean is over the units drawn. The form that can be
    /// computed on a stream; for means of more than a hundred units it gives the same answer.
    Poisson,
}

/// An interval with the p-value that belongs to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BootstrapInterval {
    /// The interval of the difference in means, in the units of the data.
    pub interval: Interval,
    /// The interval of first/second − 1, from the same ranks of the replicates, so that both displays agree about
    /// significance. `None` where a replicate of the second mean is not positive.
    pub relative: Option<Interval>,
    /// The two-sided p-value of equal means: the interval excludes zero exactly when it is below α.
    pub p: f64,
}

/// The answer of [`bootstrap_mean_difference`].
#[derive(Debug, Clone, PartialEq)]
pub struct Bootstrap {
    /// mean(first) − mean(second) of the data.
    pub estimate: f64,
    /// The differences of the replicates, ascending.
    pub replicates: Vec<f64>,
    /// Standard deviation of the replicates.
    pub standard_error: f64,
    /// From the quantiles of the replicates.
    pub percentile: BootstrapInterval,
    /// Bias-corrected and accelerated. `None` where the estimate lies outside of all replicates, which only happens
    /// with very few of them.
    pub bca: Option<BootstrapInterval>,
}

/// The bootstrap of the difference in means of two independent samples.
///
/// # Estimand
/// E X − E Y, in the units of the data.
///
/// # Formula
/// Each of `replicates` resamples both samples separately. A bound is an order statistic of the replicates: the one of
/// rank c + 1 for the largest count c whose p-value 2(c + 1)/(B + 1) is below α (percentile). BCa moves the rank by the
/// bias z₀ = Φ⁻¹(share of replicates below the estimate) and the acceleration
/// a = (m₃ₓ/n₁² − m₃ᵧ/n₂²) / (6 (m₂ₓ/n₁ + m₂ᵧ/n₂)^{3/2}), m_k the central moments, which is the jackknife value for means.
/// p-values invert the same ranks.
///
/// # Assumptions
/// Independent units, the unit of analysis being the unit of randomisation. Ten or more units in each sample, more
/// with heavy tails. At least 2/α − 1 replicates, else the bounds are infinite; 9,999 are usual.
///
/// # Cost
/// A sample of few distinct values is resampled by multinomial counts, and one above 8,000 values by about 300 bins of
/// neighbours (the number drawn from each bin exactly, the spread within it from the normal law), so a million users cost
/// as little as a thousand. Same samples and same generator state give the same bits; row order does not matter.
///
/// # Edge cases
/// A sample that does not vary contributes its constant. Fewer than 2/α − 1 replicates give an unbounded interval.
/// Where the estimate lies outside of all replicates there is no BCa interval.
///
/// # Errors
/// [`Undefined::TooFewObservations`] below two values in a sample, [`Undefined::NonFinite`],
/// [`Undefined::ZeroVariance`] where neither sample varies, [`Undefined::InvalidParameter`] without replicates.
///
/// # Source
/// B. Efron & R. Tibshirani (1993), chapters 13 and 14; `scipy.stats.bootstrap(method="BCa")` for z₀ and a.
pub fn bootstrap_mean_difference(
    first: &[f64],
    second: &[f64],
    replicates: usize,
    level: Level,
    resampling: Resampling,
    rng: &mut impl Rng,
) -> Result<Bootstrap, Undefined> {
    Ok(resample_mean_difference(first, second, replicates, resampling, rng)?.at(level))
}

/// What resampling found, before a level is chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Resamples {
    estimate: f64,
    /// Ascending.
    differences: Vec<f64>,
    /// first/second − 1 of the replicates, ascending; none where a replicate of the second mean is not positive.
    relative: Option<Vec<f64>>,
    standard_error: f64,
    bias: Option<f64>,
    acceleration: f64,
}

/// [`bootstrap_mean_difference`] for several levels: the replicates do not depend on the level.
///
/// As [`bootstrap_mean_difference`].
pub fn resample_mean_difference(
    first: &[f64],
    second: &[f64],
    replicates: usize,
    resampling: Resampling,
    rng: &mut impl Rng,
) -> Result<Resamples, Undefined> {
    let (one, two) = rayon::join(|| Arm::new(first), || Arm::new(second));
    let (one, two) = (one?, two?);
    if one.moments.m2 + two.moments.m2 == 0.0 {
        return Err(Undefined::ZeroVariance);
    }
    if replicates == 0 {
        return Err(Undefined::InvalidParameter("replicates"));
    }
    let estimate = one.moments.mean - two.moments.mean;
    let mut differences = Vec::with_capacity(replicates);
    let mut relative = Vec::with_capacity(replicates);
    let mut second_is_positive = two.moments.mean > 0.0;
    let seeds: Vec<u64> = (0..replicates.div_ceil(BATCH)).map(|_| rng.next_u64()).collect();
    let batch = |(index, seed): (usize, &u64)| -> Vec<(f64, f64)> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(*seed);
        let size = BATCH.min(replicates - index * BATCH);
        (0..size).map(|_| (one.resample(resampling, &mut rng), two.resample(resampling, &mut rng))).collect()
    };
    let drawn: Vec<Vec<(f64, f64)>> = seeds.par_iter().enumerate().map(batch).collect();
    for (shift1, shift2) in drawn.into_iter().flatten() {
        differences.push(estimate + (shift1 - shift2));
        let base = two.moments.mean + shift2;
        second_is_positive &= base > 0.0;
        relative.push((estimate + (shift1 - shift2)) / base);
    }
    sort_ascending(&mut differences);
    sort_ascending(&mut relative);
    Ok(Resamples {
        estimate,
        relative: second_is_positive.then_some(relative),
        standard_error: Moments::from_slice(&differences).sd().unwrap_or(0.0),
        bias: bias_correction(&differences, estimate),
        acceleration: acceleration(&one, &two),
        differences,
    })
}

impl Resamples {
    /// The intervals of a level with their p-values.
    pub fn at(&self, level: Level) -> Bootstrap {
        let ranks = Ranks { differences: &self.differences, relative: self.relative.as_deref(), level };
        Bootstrap {
            estimate: self.estimate,
            standard_error: self.standard_error,
            percentile: ranks.interval(0.0, 0.0),
            bca: self.bias.map(|bias| ranks.interval(bias, self.acceleration)),
            replicates: self.differences.clone(),
        }
    }
}

/// One sample, ready to be resampled.
struct Arm {
    moments: Moments,
    /// Third central moment, divisor n.
    third: f64,
    /// Values that are resampled one by one: of a small sample all, else those at its ends.
    singles: Vec<f64>,
    /// The rest, bin by bin.
    bins: Vec<Bin>,
}

impl Arm {
    fn new(values: &[f64]) -> Result<Arm, Undefined> {
        // In ascending order, so that the order of the rows cannot change a bit of the answer.
        let values = sorted(values);
        let moments = Moments::from_slice(&values);
        moments.checked_variance()?;
        let third = values.iter().map(|x| (x - moments.mean).powi(3)).sum::<f64>() / values.len() as f64;
        let (mut singles, mut bins) = (Vec::new(), Vec::new());
        match Resampled::new(&values, moments.mean) {
            Resampled::Values(offsets) => singles = offsets,
            Resampled::Bins(all) => {
                for bin in all {
                    match bin.variance == 0.0 && bin.count < FEW {
                        true => singles.extend((0..bin.count).map(|_| bin.offset)),
                        false => bins.push(bin),
                    }
                }
            }
        }
        Ok(Arm { moments, third, singles, bins })
    }

    /// The mean of a resample minus the mean of the sample.
    fn resample(&self, resampling: Resampling, rng: &mut impl Rng) -> f64 {
        match resampling {
            Resampling::Multinomial => self.multinomial(rng),
            Resampling::Poisson => self.poisson(rng),
        }
    }

    /// How many of the n draws fall on the single values is one binomial number; each of these draws is then one of them with
    /// equal chances. The other draws are shared out among the bins, one binomial number a bin. Together that is the
    /// multinomial law of the draws.
    fn multinomial(&self, rng: &mut impl Rng) -> f64 {
        let n = self.moments.n;
        let (mut draws, mut values) = (n, n);
        let single = self.singles.len() as u64;
        let alone = binomial(draws, single as f64 / values as f64, rng);
        let mut sum = self.drawn_singles(alone, rng);
        (draws, values) = (draws - alone, values - single);
        let mut within = 0.0;
        for bin in &self.bins {
            let drawn = binomial(draws, bin.count as f64 / values as f64, rng);
            sum += drawn as f64 * bin.offset;
            within += drawn as f64 * bin.variance;
            draws -= drawn;
            values -= bin.count;
        }
        if within > 0.0 {
            sum += within.sqrt() * standard_normal(rng);
        }
        sum / n as f64
    }

    /// The sum of single values drawn so many times.
    fn drawn_singles(&self, times: u64, rng: &mut impl Rng) -> f64 {
        (0..times).map(|_| self.singles[index(self.singles.len(), rng)]).sum()
    }

    /// Independent Poisson numbers for the single values are one Poisson number for all of them, shared out with equal chances.
    fn poisson(&self, rng: &mut impl Rng) -> f64 {
        let mut draws = if self.singles.is_empty() { 0 } else { poisson(self.singles.len() as f64, rng) };
        let mut sum = self.drawn_singles(draws, rng);
        let mut within = 0.0;
        for bin in &self.bins {
            let times = poisson(bin.count as f64, rng);
            sum += times as f64 * bin.offset;
            within += times as f64 * bin.variance;
            draws += times;
        }
        if within > 0.0 {
            sum += within.sqrt() * standard_normal(rng);
        }
        // No unit at all has the chance e⁻ⁿ; such a replicate says nothing and stays at the estimate.
        if draws == 0 { 0.0 } else { sum / draws as f64 }
    }
}

/// z₀: how far the estimate lies from the median of the replicates, in normal units.
fn bias_correction(differences: &[f64], estimate: f64) -> Option<f64> {
    let below = differences.partition_point(|&x| x < estimate);
    let up_to = differences.partition_point(|&x| x <= estimate);
    let share = (below + up_to) as f64 / 2.0 / differences.len() as f64;
    (share > 0.0 && share < 1.0).then(|| normal_quantile(share))
}

/// The acceleration of a difference in means, from the third moments.
fn acceleration(one: &Arm, two: &Arm) -> f64 {
    let (n1, n2) = (one.moments.n as f64, two.moments.n as f64);
    let variance = one.moments.m2 / (n1 * n1) + two.moments.m2 / (n2 * n2);
    (one.third / (n1 * n1) - two.third / (n2 * n2)) / (6.0 * variance.powf(1.5))
}

/// Replicates in ascending order, from which ranks give bounds and p-values.
struct Ranks<'a> {
    differences: &'a [f64],
    relative: Option<&'a [f64]>,
    level: Level,
}

impl Ranks<'_> {
    fn interval(&self, bias: f64, acceleration: f64) -> BootstrapInterval {
        let size = self.differences.len();
        let normal = |count: usize| normal_quantile((count + 1) as f64 / (size + 1) as f64);
        // The one-sided p-values when `count` replicates lie at or beyond zero, increasing in `count`.
        let lower = |count: usize| normal_cdf(corrected(normal(count), bias, acceleration));
        let upper = |count: usize| normal_sf(corrected(-normal(count), bias, acceleration));
        // A p-value that equals α but for rounding is not below it.
        let half = self.level.alpha() / 2.0 * (1.0 - 1e-12);
        let (below, above) =
            (first_not(size, |count| lower(count) < half), first_not(size, |count| upper(count) < half));
        let bounds = |sorted: &[f64]| Interval {
            low: if below == 0 { f64::NEG_INFINITY } else { sorted[below - 1] },
            high: if above == 0 { f64::INFINITY } else { sorted[size - above] },
        };
        let not_positive = self.differences.partition_point(|&x| x <= 0.0);
        let not_negative = size - self.differences.partition_point(|&x| x < 0.0);
        let side = |count: usize, tail: &dyn Fn(usize) -> f64| if count >= size { 1.0 } else { tail(count) };
        let p = 2.0 * side(not_positive, &lower).min(side(not_negative, &upper));
        BootstrapInterval {
            interval: bounds(self.differences),
            relative: self.relative.map(bounds),
            p: p.min(1.0),
        }
    }
}

/// The standard normal quantile whose BCa rank is `w`: w = z₀ + (z₀ + z)/(1 − a(z₀ + z)) solved for z.
fn corrected(w: f64, bias: f64, acceleration: f64) -> f64 {
    let shifted = w - bias;
    let denominator = 1.0 + acceleration * shifted;
    // Beyond the pole of the transformation no rank is far enough.
    if denominator <= 0.0 { f64::INFINITY.copysign(shifted) } else { shifted / denominator - bias }
}

/// The first count below `size` that does not satisfy a property that small counts have.
fn first_not(size: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, size);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bootstrap(first: &[f64], second: &[f64], replicates: usize, resampling: Resampling) -> Bootstrap {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
        bootstrap_mean_difference(first, second, replicates, Level::P95, resampling, &mut rng).unwrap()
    }

    fn skewed(n: usize, shift: f64) -> Vec<f64> {
        (0..n).map(|i| -((i as f64 * 0.618_033_988_749_894_9).fract() * 0.9999 + 5e-5).ln() + shift).collect()
    }

    #[test]
    fn every_way_of_resampling_has_the_standard_error_of_the_mean() {
        let few_values: Vec<f64> = (0..3000).map(|i| f64::from(i % 7 % 3)).collect();
        for (first, second) in [
            (skewed(300, 0.1), skewed(250, 0.0)),
            (few_values.clone(), few_values),
            (skewed(60_000, 0.1), skewed(300, 0.0)),
            (skewed(60_000, 0.1), skewed(50_000, 0.0)),
        ] {
            let variance = |values: &[f64]| {
                let moments = Moments::from_slice(values);
                moments.m2 / (moments.n * moments.n) as f64
            };
            let expected = (variance(&first) + variance(&second)).sqrt();
            for resampling in [Resampling::Multinomial, Resampling::Poisson] {
                let answer = bootstrap(&first, &second, 4999, resampling);
                // The standard error of a standard deviation is its 1/√(2B): one percent here.
                assert!(
                    (answer.standard_error / expected - 1.0).abs() < 0.05,
                    "{} {expected}",
                    answer.standard_error
                );
                let centre = answer.replicates[2499] - answer.estimate;
                assert!(centre.abs() < 0.1 * expected, "{centre} {expected}");
            }
        }
    }

    #[test]
    fn bca_moves_the_interval_to_the_long_tail() {
        let answer = bootstrap(&skewed(40, 0.0), &[0.0, 0.0, 0.1, 0.1], 9999, Resampling::Multinomial);
        let (percentile, bca) = (answer.percentile.interval, answer.bca.unwrap().interval);
        assert!(bca.low > percentile.low && bca.high > percentile.high, "{percentile:?} {bca:?}");
    }

    #[test]
    fn too_few_replicates_bound_nothing() {
        let answer = bootstrap(&[1.0, 2.0, 4.0], &[1.0, 3.0], 10, Resampling::Multinomial);
        assert_eq!(answer.percentile.interval, Interval { low: f64::NEG_INFINITY, high: f64::INFINITY });
        assert!(answer.percentile.p >= 2.0 / 11.0);
    }

    #[test]
    fn errors_have_reasons() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let mut error = |first: &[f64], second: &[f64], replicates| {
            bootstrap_mean_difference(first, second, replicates, Level::P95, Resampling::default(), &mut rng)
                .err()
        };
        assert_eq!(error(&[1.0, 1.0], &[2.0, 2.0], 99), Some(Undefined::ZeroVariance));
        assert_eq!(
            error(&[1.0], &[2.0, 3.0], 99),
            Some(Undefined::TooFewObservations { needed: 2, found: 1 })
        );
        assert_eq!(error(&[1.0, f64::NAN], &[2.0, 3.0], 99), Some(Undefined::NonFinite));
        assert_eq!(error(&[1.0, 2.0], &[2.0, 3.0], 0), Some(Undefined::InvalidParameter("replicates")));
    }

    fn sample() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(prop_oneof![Just(1.0), 0.5_f64..6.0, 1.0_f64..40.0], 3..40)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn every_interval_excludes_zero_exactly_when_its_p_is_below_alpha(
            first in sample(), second in sample(), shift in -3.0_f64..3.0, replicates in 20_usize..800,
            alpha in 0.01_f64..0.4, seed: u64,
        ) {
            let first: Vec<f64> = first.iter().map(|x| x + 4.0 + shift).collect();
            let second: Vec<f64> = second.iter().map(|x| x + 4.0).collect();
            let level = Level::from_alpha(alpha).unwrap();
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
            let answer =
                bootstrap_mean_difference(&first, &second, replicates, level, Resampling::default(), &mut rng).unwrap();
            for interval in std::iter::once(answer.percentile).chain(answer.bca) {
                let significant = interval.p < level.alpha() * (1.0 - 1e-12);
                prop_assert_eq!(significant, !interval.interval.contains(0.0), "{:?}", interval);
                prop_assert_eq!(Some(significant), interval.relative.map(|relative| !relative.contains(0.0)));
            }
        }

        #[test]
        fn rows_shuffled_and_data_scaled(first in sample(), second in sample(), cut in 0_usize..40) {
            let plain = bootstrap(&first, &second, 199, Resampling::Multinomial);
            let mut shuffled = first.clone();
            shuffled.rotate_left(cut % first.len());
            prop_assert_eq!(&plain, &bootstrap(&shuffled, &second, 199, Resampling::Multinomial));
            let doubled = |values: &[f64]| values.iter().map(|x| x * 2.0).collect::<Vec<f64>>();
            let scaled = bootstrap(&doubled(&first), &doubled(&second), 199, Resampling::Multinomial);
            prop_assert_eq!(scaled.percentile.p, plain.percentile.p);
            prop_assert_eq!(scaled.percentile.interval.low, 2.0 * plain.percentile.interval.low);
        }
    }
}
