//! The bootstrap of a difference of quantiles in closed form.
//!
//! The k-th smallest of n values drawn with replacement has the rank ⌈nB⌉ with B ~ Beta(k, n + 1 − k), whatever the values
//! are. So the share of replicates on each side of zero, which the bootstrap of [`crate::stats::quantile_difference`]
//! estimates from ten thousand of them, is a sum over the ranks near the quantile: the p-value that it tends to as the
//! replicates grow in number.

use super::ranks::Ordered;
use super::sums::{holds, words};
use crate::stats::Undefined;
use crate::stats::distributions::beta_cdf;

/// Ranks further from the quantile than so many standard deviations have no weight.
const REACH: f64 = 9.0;
/// From this variance on, in ranks, the beta law is integrated by Simpson's rule: a rank is then narrow beside its spread.
const FINE: f64 = 100.0;

/// The units around the quantile of a metric.
pub(super) struct QuantileTest {
    q: f64,
    /// The units of the window in ascending order of values.
    units: Vec<u32>,
    /// For each of them the number of its distinct value.
    value: Vec<u32>,
    /// Units with smaller values than the window.
    below: Vec<u64>,
}

impl QuantileTest {
    /// The test of the `q`-quantile among `groups` groups.
    ///
    /// # Errors
    /// [`Undefined::InvalidParameter`] for `q` outside (0, 1).
    pub fn new(ordered: &Ordered, q: f64, units: usize, groups: usize) -> Result<QuantileTest, Undefined> {
        if !(q > 0.0 && q < 1.0) {
            return Err(Undefined::InvalidParameter("q"));
        }
        let n = ordered.units.len() as f64;
        // The quantile of a small group and the ranks of its replicates both stray from the quantile of all units.
        let group = n / (4.0 * groups as f64);
        let reach = n * (REACH * (2.0 * q * (1.0 - q) / group).sqrt() + 80.0 / group);
        let low = (n * q - reach).floor().max(0.0) as usize;
        let high = ((n * q + reach).ceil() as usize).min(ordered.units.len());
        let value = (low..high).map(|at| ordered.ends.partition_point(|&end| end as usize <= at) as u32);
        let mut is_below = vec![false; units];
        ordered.units[..low].iter().for_each(|&unit| is_below[unit as usize] = true);
        Ok(QuantileTest {
            q,
            value: value.collect(),
            units: ordered.units[low..high].to_vec(),
            below: words(is_below.into_iter()),
        })
    }

    /// Units that every relabelling looks at.
    pub fn window(&self) -> usize {
        self.units.len()
    }

    /// The two-sided p-value for groups of `n1` and `n2` units.
    pub fn p(&self, first: (&[u64], u64), second: (&[u64], u64)) -> Option<f64> {
        if first.1 < 2 || second.1 < 2 {
            return None;
        }
        let (first, second) = (self.replicates(first.0, first.1)?, self.replicates(second.0, second.1)?);
        // P(first < second) and P(first = second) over independent replicates, by one pass in ascending order.
        let (mut less, mut equal, mut j, mut passed) = (0.0, 0.0, 0, 0.0);
        for (value, weight) in &first {
            while second.get(j).is_some_and(|(other, _)| other < value) {
                passed += second[j].1;
                j += 1;
            }
            let same = second.get(j).filter(|(other, _)| other == value).map_or(0.0, |(_, weight)| *weight);
            equal += weight * same;
            less += weight * (1.0 - passed - same);
        }
        let greater = 1.0 - less - equal;
        Some((2.0 * ((less + equal).min(greater + equal))).clamp(0.0, 1.0))
    }

    /// The law of a replicate's quantile: the distinct values of the group near it with their probabilities.
    fn replicates(&self, group: &[u64], n: u64) -> Option<Vec<(u32, f64)>> {
        let below: u64 = self.below.iter().zip(group).map(|(a, b)| u64::from((a & b).count_ones())).sum();
        let k = ((self.q * n as f64).ceil() as u64).clamp(1, n);
        let (start, weights) = rank_weights(n, k);
        let mut law: Vec<(u32, f64)> = Vec::with_capacity(weights.len());
        let mut rank = below;
        for (&unit, &value) in self.units.iter().zip(&self.value) {
            if !holds(group, unit as usize) {
                continue;
            }
            rank += 1;
            let Some(&weight) = rank.checked_sub(start).and_then(|at| weights.get(at as usize)) else {
                continue;
            };
            match law.last_mut() {
                Some(last) if last.0 == value => last.1 += weight,
                _ => law.push((value, weight)),
            }
        }
        // Weight that fell outside of the window means that the group is too unlike its share to be judged.
        let sum: f64 = law.iter().map(|(_, weight)| weight).sum();
        ((sum - 1.0).abs() < 1e-6).then_some(law)
    }
}

/// P(rank = j) for j = start, start + 1, …: the mass of Beta(k, n + 1 − k) between (j − 1)/n and j/n.
fn rank_weights(n: u64, k: u64) -> (u64, Vec<f64>) {
    let (size, a, b) = (n as f64, k as f64, (n + 1 - k) as f64);
    let mean = a / (size + 1.0);
    let reach = REACH * (mean * (1.0 - mean) / (size + 2.0)).sqrt() + 40.0 / size;
    let low = ((mean - reach) * size).floor().max(0.0) as u64;
    let high = (((mean + reach) * size).ceil() as u64).min(n);
    let mut weights: Vec<f64> = if size * mean * (1.0 - mean) < FINE {
        let cdf: Vec<f64> = (low..=high).map(|j| beta_cdf(j as f64 / size, a, b)).collect();
        cdf.windows(2).map(|pair| pair[1] - pair[0]).collect()
    } else {
        // The density at every half rank, up to a factor.
        let mode = ((a - 1.0) / (size - 1.0)).clamp(0.5 / size, 1.0 - 0.5 / size);
        let power = |x: f64, exponent: f64| if exponent == 0.0 { 0.0 } else { exponent * x.ln() };
        let density = |half: u64| {
            let u = half as f64 / (2.0 * size);
            (power(u / mode, a - 1.0) + power((1.0 - u) / (1.0 - mode), b - 1.0)).exp()
        };
        let values: Vec<f64> = (2 * low..=2 * high).map(density).collect();
        values.windows(3).step_by(2).map(|ends| ends[0] + 4.0 * ends[1] + ends[2]).collect()
    };
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    (low + 1, weights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Level;
    use crate::stats::quantile_difference::bootstrap_quantile_difference;
    use rand::Rng;
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::SeedableRng;

    #[test]
    fn integrated_weights_are_those_of_the_beta_law() {
        for (n, k) in [(400, 200), (1000, 990), (5000, 2500), (2000, 1), (700, 700)] {
            let (start, weights) = rank_weights(n, k);
            let (a, b) = (k as f64, (n + 1 - k) as f64);
            for (j, weight) in (start..).zip(&weights) {
                let cdf = |j: u64| beta_cdf(j as f64 / n as f64, a, b);
                assert!((cdf(j) - cdf(j - 1) - weight).abs() < 2e-6, "{n} {k} {j} {weight}");
            }
        }
    }

    #[test]
    fn the_closed_form_is_what_the_bootstrap_tends_to() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(11);
        for (n, q, step) in [(60, 0.5, 0.0), (300, 0.9, 0.0), (3000, 0.5, 0.0), (900, 0.75, 0.05)] {
            let uniform = |rng: &mut Xoshiro256PlusPlus| (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
            let values: Vec<f64> = (0..n)
                .map(|_| uniform(&mut rng))
                .map(|x| if step > 0.0 { (x / step).floor() } else { x * x })
                .collect();
            let chosen: Vec<usize> = (0..n).collect();
            let test = QuantileTest::new(&Ordered::new(&values, &chosen), q, n, 2).unwrap();
            for _ in 0..4 {
                let labels: Vec<bool> = (0..n).map(|_| rng.next_u64() % 2 == 0).collect();
                let side = |side: bool| -> (Vec<u64>, Vec<f64>) {
                    let mut sample: Vec<f64> =
                        (0..n).filter(|&i| labels[i] == side).map(|i| values[i]).collect();
                    sample.sort_by(f64::total_cmp);
                    (words(labels.iter().map(|label| *label == side)), sample)
                };
                let ((first, a), (second, b)) = (side(true), side(false));
                let p = test.p((&first, a.len() as u64), (&second, b.len() as u64)).unwrap();
                let simulated =
                    bootstrap_quantile_difference(&a, &b, q, 20_000, Level::P95, &mut rng).unwrap().p;
                // Five standard errors of twice a share out of 20,000.
                let margin = 10.0 * (0.25_f64 / 20_000.0).sqrt() * (p * (2.0 - p)).sqrt() + 2e-4;
                assert!((p - simulated).abs() < margin, "n {n} q {q}: {p} {simulated}");
            }
        }
    }
}
