//! The bootstrap and the permutation test inside each relabelling.
//!
//! Ten thousand replicates of all units would be too slow ten thousand times over. What makes a mean other than normal is its
//! largest deviations; the bulk of the units adds a number that is normal but for a little skewness. So the units that
//! lie furthest from the mean are drawn one by one, exactly as the test draws them, and the sum over the rest from a
//! normal law with its mean, variance and skewness. A small sample is drawn unit by unit altogether. There are 999
//! replicates in a relabelling: the p-values are coarser than those of the report, their law is the same.

use super::decide::GroupSums;
use super::sums::{Pair, holds};
use crate::stats::Undefined;
use crate::stats::distributions::{binomial_pmf, normal_cdf, normal_quantile, normal_sf};
use rand::Rng;

/// Replicates in each relabelling.
pub(super) const REPLICATES: usize = 999;
/// Up to so many units all are drawn one by one.
const SMALL: usize = 256;
/// Units of a larger sample that are drawn one by one.
const SINGLE: usize = 64;

/// The units that are drawn one by one.
pub(super) struct Tails {
    units: Vec<u32>,
    values: Vec<f64>,
    /// No unit is left over.
    complete: bool,
}

impl Tails {
    /// The largest deviations among the standardised values of the chosen units.
    pub fn new(values: &[f64], chosen: &[usize]) -> Tails {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[b].abs().total_cmp(&values[a].abs()));
        let complete = values.len() <= SMALL;
        if !complete {
            order.truncate(SINGLE);
        }
        Tails {
            units: order.iter().map(|&at| chosen[at] as u32).collect(),
            values: order.iter().map(|&at| values[at]).collect(),
            complete,
        }
    }

    /// Nominal nanoseconds of a relabelling when a draw costs `draw`.
    pub fn cost(&self, draw: f64) -> f64 {
        REPLICATES as f64 * (100.0 + draw * self.units.len() as f64)
    }

    fn of(&self, group: &[u64]) -> Vec<f64> {
        let inside = self.units.iter().zip(&self.values).filter(|(unit, _)| holds(group, **unit as usize));
        inside.map(|(_, value)| *value).collect()
    }

    /// The p-value of the bootstrap of first − second: BCa, percentile where there is none.
    pub fn bootstrap(&self, first: Labelled, second: Labelled, rng: &mut impl Rng) -> Option<f64> {
        let one = Resample::new(first.sums, self.of(first.labels), self.complete).ok()?;
        let two = Resample::new(second.sums, self.of(second.labels), self.complete).ok()?;
        let variance = one.m2 / (one.n * one.n) + two.m2 / (two.n * two.n);
        if variance <= 0.0 {
            return None;
        }
        let estimate = one.mean - two.mean;
        let (mut not_positive, mut not_negative, mut below, mut up_to) = (0, 0, 0, 0);
        for _ in 0..REPLICATES {
            let shift = one.draw(rng) - two.draw(rng);
            not_positive += usize::from(estimate + shift <= 0.0);
            not_negative += usize::from(estimate + shift >= 0.0);
            below += usize::from(shift < 0.0);
            up_to += usize::from(shift <= 0.0);
        }
        let share = (below + up_to) as f64 / 2.0 / REPLICATES as f64;
        let (bias, acceleration) = if share > 0.0 && share < 1.0 {
            let skew = one.third / (one.n * one.n) - two.third / (two.n * two.n);
            (normal_quantile(share), skew / (6.0 * variance.powf(1.5)))
        } else {
            (0.0, 0.0)
        };
        let normal = |count: usize| normal_quantile((count + 1) as f64 / (REPLICATES + 1) as f64);
        let lower = |count| normal_cdf(corrected(normal(count), bias, acceleration));
        let upper = |count| normal_sf(corrected(-normal(count), bias, acceleration));
        let side =
            |count: usize, tail: &dyn Fn(usize) -> f64| if count >= REPLICATES { 1.0 } else { tail(count) };
        Some((2.0 * side(not_positive, &lower).min(side(not_negative, &upper))).min(1.0))
    }

    /// The p-value of the permutation test of first − second.
    pub fn permutation(&self, first: Labelled, second: Labelled, rng: &mut impl Rng) -> Option<f64> {
        let (n1, n2) = (first.sums.n, second.sums.n);
        if n1 == 0 || n2 == 0 {
            return None;
        }
        let n = n1 + n2;
        let total = first.sums.pairs[0][0] + second.sums.pairs[0][0];
        let both: Vec<f64> = [self.of(first.labels), self.of(second.labels)].concat();
        let rest = Bulk::without(&plus(first.sums, second.sums), &both);
        let expected = total * (n1 as f64 / n as f64);
        let observed = (first.sums.pairs[0][0] - expected).abs();
        let tolerance = 1e-12 * self.values.first().map_or(1.0, |largest| largest.abs()) * n as f64;
        // What a unit adds to the sum of the first group: nothing, or its value. Read from memory instead of chosen by a
        // branch, half of whose guesses would be wrong.
        let table: Vec<[f64; 2]> = both.iter().map(|&value| [0.0, value]).collect();
        let mut extreme = 0;
        for _ in 0..REPLICATES {
            let (mut left, mut units, mut sum) = (n1, n, 0.0);
            for terms in &table {
                // One unit without replacement: it goes to the first group with the chance of the places left.
                let taken = ((u128::from(rng.next_u64()) * u128::from(units)) >> 64) < u128::from(left);
                left -= u64::from(taken);
                sum += terms[usize::from(taken)];
                units -= 1;
            }
            if let Some(bulk) = &rest {
                sum += bulk.without_replacement(left as f64, rng);
            }
            extreme += usize::from((sum - expected).abs() >= observed - tolerance);
        }
        Some((extreme + 1) as f64 / (REPLICATES + 1) as f64)
    }
}

/// A group of a relabelling.
#[derive(Clone, Copy)]
pub(super) struct Labelled<'a> {
    /// Its units.
    pub labels: &'a [u64],
    /// Sums of x and x², then of x³.
    pub sums: &'a GroupSums,
}

/// The standard normal quantile whose BCa rank is `w`, as in [`crate::stats::bootstrap`].
fn corrected(w: f64, bias: f64, acceleration: f64) -> f64 {
    let shifted = w - bias;
    let denominator = 1.0 + acceleration * shifted;
    if denominator <= 0.0 { f64::INFINITY.copysign(shifted) } else { shifted / denominator - bias }
}

fn plus(a: &GroupSums, b: &GroupSums) -> GroupSums {
    let mut sum = GroupSums { n: a.n + b.n, ..*a };
    for (pair, other) in sum.pairs.iter_mut().zip(&b.pairs) {
        *pair = [pair[0] + other[0], pair[1] + other[1]];
    }
    sum
}

fn normal(rng: &mut impl Rng) -> f64 {
    normal_quantile(((rng.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64)
}

/// The units that are not drawn one by one, as a whole.
struct Bulk {
    n: f64,
    mean: f64,
    variance: f64,
    skewness: f64,
}

impl Bulk {
    /// What is left of a group without some of its values; none when nothing is.
    fn without(group: &GroupSums, values: &[f64]) -> Option<Bulk> {
        let n = group.n as f64 - values.len() as f64;
        if n <= 0.0 {
            return None;
        }
        let [[s, q], [c, _], _] = group.pairs;
        let power = |k: i32| values.iter().map(|x| x.powi(k)).sum::<f64>();
        let [_, variance, third] = central(n, [s - power(1), q - power(2)], c - power(3));
        let skewness = if variance > 0.0 { third / variance.powf(1.5) } else { 0.0 };
        Some(Bulk { n, mean: (s - power(1)) / n, variance, skewness })
    }

    /// The sum of `times` draws with replacement.
    fn with_replacement(&self, times: f64, rng: &mut impl Rng) -> f64 {
        self.sum(times, times * self.variance, self.skewness / times.sqrt(), rng)
    }

    /// The sum of `times` of the units, each at most once.
    fn without_replacement(&self, times: f64, rng: &mut impl Rng) -> f64 {
        let share = times / self.n;
        let finite = if self.n > 1.0 { (self.n - times) / (self.n - 1.0) } else { 0.0 };
        let skewness = self.skewness * (1.0 - 2.0 * share) / (times * (1.0 - share)).sqrt();
        self.sum(times, times * finite * self.variance, skewness, rng)
    }

    fn sum(&self, times: f64, variance: f64, skewness: f64, rng: &mut impl Rng) -> f64 {
        if times <= 0.0 || variance <= 0.0 {
            return times.max(0.0) * self.mean;
        }
        let z = normal(rng);
        // The first term of Cornish and Fisher's expansion: the skewness of a sum.
        times * self.mean + variance.sqrt() * (z + skewness / 6.0 * (z * z - 1.0))
    }
}

/// Mean, variance and third moment about the mean (divisor n) from sums.
fn central(n: f64, [s, q]: Pair, c: f64) -> [f64; 3] {
    let mean = s / n;
    let variance = q / n - mean * mean;
    let variance = if variance <= 1e-13 * q / n { 0.0 } else { variance };
    [mean, variance, c / n - 3.0 * mean * q / n + 2.0 * mean * mean * mean]
}

/// A group, ready to be resampled with replacement.
struct Resample {
    n: f64,
    mean: f64,
    m2: f64,
    /// Third central moment, divisor n.
    third: f64,
    /// Values drawn one by one.
    single: Vec<f64>,
    /// The others, with the law of the number of draws that fall on the single values: the lowest, and P(at most it), …
    rest: Option<(Bulk, usize, Vec<f64>)>,
}

impl Resample {
    fn new(group: &GroupSums, single: Vec<f64>, complete: bool) -> Result<Resample, Undefined> {
        if group.n < 2 {
            return Err(Undefined::TooFewObservations { needed: 2, found: group.n });
        }
        let n = group.n as f64;
        let [mean, variance, third] = central(n, group.pairs[0], group.pairs[1][0]);
        let rest = if complete { None } else { Bulk::without(group, &single) };
        let rest = rest.map(|bulk| {
            let (low, cdf) = hits(group.n, single.len());
            (bulk, low, cdf)
        });
        Ok(Resample { n, mean, m2: variance * n, third, single, rest })
    }

    /// The mean of a resample minus the mean of the group.
    fn draw(&self, rng: &mut impl Rng) -> f64 {
        let (draws, mut sum) = match &self.rest {
            None => (self.n as usize, 0.0),
            Some((bulk, low, cdf)) => {
                let u = (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
                let draws = low + cdf.partition_point(|&up_to| up_to <= u);
                (draws, bulk.with_replacement(self.n - draws as f64, rng))
            }
        };
        let size = self.single.len() as u64;
        let mut left = draws;
        while left > 0 && size > 0 {
            // One random word gives two indices of 32 bits each.
            let word = rng.next_u64();
            sum += self.single[(((word >> 32) * size) >> 32) as usize];
            if left > 1 {
                sum += self.single[(((word & 0xffff_ffff) * size) >> 32) as usize];
            }
            left = left.saturating_sub(2);
        }
        sum / self.n - self.mean
    }
}

/// The law of how many of `n` draws fall on `single` of `n` units: its lowest value that matters, and the distribution
/// function from there on.
fn hits(n: u64, single: usize) -> (usize, Vec<f64>) {
    let mean = single as f64;
    let reach = 9.0 * mean.sqrt() + 12.0;
    let low = (mean - reach).max(0.0) as u64;
    let high = ((mean + reach) as u64).min(n);
    let p = mean / n as f64;
    let mut sum = 0.0;
    let cdf = (low..high).map(|k| {
        sum += binomial_pmf(k, n, p);
        sum
    });
    (low as usize, cdf.collect())
}

#[cfg(test)]
mod tests {
    use super::super::sums::words;
    use super::*;
    use crate::stats::bootstrap::{Resampling, bootstrap_mean_difference};
    use crate::stats::permutation::permutation_mean_difference;
    use crate::stats::{Alternative, Level, Moments};
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::SeedableRng;

    fn sums(values: &[f64]) -> GroupSums {
        let power = |k: i32| values.iter().map(|x| x.powi(k)).sum::<f64>();
        let pairs = [[power(1), power(2)], [power(3), 0.0], [0.0; 2]];
        GroupSums { n: values.len() as u64, successes: 0, pairs }
    }

    /// The mean p-value of several runs of 999 replicates, and the p-value of the test in `stats` with 60,000.
    fn compare(values: &[f64], shift: f64, seed: u64, permutation: bool) -> (f64, f64) {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let n = values.len();
        let labels: Vec<bool> = (0..n).map(|_| rng.next_u64() % 2 == 0).collect();
        let moved: Vec<f64> = (0..n).map(|i| values[i] + if labels[i] { shift } else { 0.0 }).collect();
        let moments = Moments::from_slice(&moved);
        let sd = (moments.m2 / n as f64).sqrt();
        let standard: Vec<f64> = moved.iter().map(|x| (x - moments.mean) / sd).collect();
        let chosen: Vec<usize> = (0..n).collect();
        let tails = Tails::new(&standard, &chosen);
        let side =
            |side: bool| -> Vec<f64> { (0..n).filter(|&i| labels[i] == side).map(|i| standard[i]).collect() };
        let set = |side: bool| words(labels.iter().map(|label| *label == side));
        let (a, b) = (side(true), side(false));
        let (sums_a, sums_b, set_a, set_b) = (sums(&a), sums(&b), set(true), set(false));
        let (one, two) =
            (Labelled { labels: &set_a, sums: &sums_a }, Labelled { labels: &set_b, sums: &sums_b });
        let runs = 100;
        let mut fast = 0.0;
        for _ in 0..runs {
            let p = if permutation {
                tails.permutation(one, two, &mut rng)
            } else {
                tails.bootstrap(one, two, &mut rng)
            };
            fast += p.unwrap() / f64::from(runs);
        }
        let slow = if permutation {
            permutation_mean_difference(&a, &b, 60_000, Alternative::TwoSided, &mut rng).unwrap().p
        } else {
            let level = Level::P95;
            let answer =
                bootstrap_mean_difference(&a, &b, 60_000, level, Resampling::Multinomial, &mut rng).unwrap();
            answer.bca.unwrap_or(answer.percentile).p
        };
        (fast, slow)
    }

    #[test]
    fn p_values_are_those_of_the_slow_tests() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        let skewed = |power: f64| move |rng: &mut Xoshiro256PlusPlus| normal(rng).abs().powf(power);
        for (n, power) in [(60, 2.0), (240, 3.0), (700, 2.0), (700, 6.0)] {
            let draw = skewed(power);
            let values: Vec<f64> = (0..n).map(|_| draw(&mut rng)).collect();
            let sd = Moments::from_slice(&values).sd().unwrap();
            for (seed, shift) in
                [(1, 0.0), (2, 3.0 * sd / f64::from(n).sqrt()), (3, -4.0 * sd / f64::from(n).sqrt())]
            {
                for permutation in [false, true] {
                    let (fast, slow) = compare(&values, shift, seed, permutation);
                    // The bias correction alone has a standard error of 0.01 in p at 60,000 replicates.
                    let margin = if permutation { 0.02 } else { 0.04 } * (slow * (1.0 - slow)).sqrt() + 0.003;
                    assert!((fast - slow).abs() < margin, "n {n} power {power} {permutation}: {fast} {slow}");
                }
            }
        }
    }

    #[test]
    fn draws_on_single_values_follow_the_binomial_law() {
        let (low, cdf) = hits(1000, 32);
        let sf: f64 = (low..low + cdf.len()).map(|k| k as f64 * binomial_pmf(k as u64, 1000, 0.032)).sum();
        assert!((sf - 32.0).abs() < 1e-9 && (cdf.last().unwrap() - 1.0).abs() < 1e-9);
    }
}
