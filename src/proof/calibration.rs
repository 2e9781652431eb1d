//! Judging p-values that should be uniform: the share of false positives, its interval, and the distance from uniform.

use crate::stats::distributions::{kolmogorov_sf, smirnov_sf};
use crate::stats::proportions::{Proportion, wilson_interval};
use crate::stats::{Interval, Level, Undefined};

/// Bars of the histogram of p-values.
pub const BARS: usize = 20;

/// A share of false positives within this part of alpha is as good as alpha: Bradley's stringent criterion, 0.045 to 0.055
/// for 0.05.
pub const TOLERANCE: f64 = 0.1;

/// Fewest relabellings that say anything.
pub const FEWEST: usize = 200;

/// What a proof found about one test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// False positives are as many as alpha allows: the interval of their share reaches into alpha ± 10 %.
    Holds,
    /// More false positives than alpha allows: the whole interval lies above 1.1 alpha.
    TooMany,
    /// Fewer false positives than alpha allows: the whole interval lies below 0.9 alpha. The error rate is held; real
    /// effects are found less often than they could be.
    Conservative,
    /// Nothing can be said.
    NotRun(NotRun),
}

/// Why there is no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotRun {
    /// The metric cannot be tested at all.
    Undefined(Undefined),
    /// The test exists in less than half of the relabellings: too few units or successes.
    MostlyUndefined,
    /// The budget of computing time does not allow for [`FEWEST`] relabellings.
    TooExpensive,
}

/// How often something happened among the relabellings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Relabellings in which the test exists.
    pub iterations: usize,
    /// Relabellings in which p < alpha.
    pub significant: usize,
    /// Share of the significant ones.
    pub share: f64,
    /// Wilson's 95 % interval of the share: what the number of relabellings leaves open.
    pub interval: Interval,
}

impl Rate {
    /// The rate of `significant` out of `iterations`.
    ///
    /// # Errors
    /// [`Undefined::EmptyGroup`] without relabellings; more significant ones than there are.
    pub fn new(significant: usize, iterations: usize) -> Result<Rate, Undefined> {
        if iterations == 0 {
            return Err(Undefined::EmptyGroup);
        }
        let arm = Proportion::new(significant as u64, iterations as u64)?;
        Ok(Rate { iterations, significant, share: arm.rate(), interval: wilson_interval(arm, Level::P95) })
    }

    /// The verdict about a test of level `alpha`.
    ///
    /// # Formula
    /// The bounds are Bradley's: alpha ± 10 %. A share is called too large or too small only when its whole 95 %
    /// interval lies beyond them, so that at ten thousand relabellings a test of exactly the level is accused less often
    /// than once in 10⁴ proofs.
    ///
    /// # Source
    /// J. V. Bradley (1978), *Robustness?*, British Journal of Mathematical and Statistical Psychology 31, 144–152.
    pub fn verdict(&self, alpha: f64) -> Verdict {
        if self.interval.low > alpha * (1.0 + TOLERANCE) {
            Verdict::TooMany
        } else if self.interval.high < alpha * (1.0 - TOLERANCE) {
            Verdict::Conservative
        } else {
            Verdict::Holds
        }
    }
}

/// How far p-values are from uniform.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Uniformity {
    /// Kolmogorov's distance: the largest gap between the share of p-values up to x and x.
    pub distance: f64,
    /// p-value of that distance. Discrete tests are never uniform: look at `p_excess` there.
    pub p: f64,
    /// Smirnov's one-sided distance: the largest excess of the share of p-values up to x over x. An excess is what a test
    /// must not have, discrete or not.
    pub excess: f64,
    /// p-value of the excess.
    pub p_excess: f64,
}

impl Uniformity {
    /// The distances of p-values from the uniform law on [0, 1]; none for no values.
    ///
    /// # Formula
    /// D = max |i/n − p₍ᵢ₎| over both ends of every step, D⁺ = max (i/n − p₍ᵢ₎), with the exact laws of both for n values.
    ///
    /// # Source
    /// Kolmogorov (1933), Smirnov (1944); `scipy.stats.kstest(p, "uniform")`, `alternative="greater"` for the excess.
    pub fn of(p_values: &[f64]) -> Option<Uniformity> {
        if p_values.is_empty() {
            return None;
        }
        let mut sorted = p_values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let n = sorted.len() as f64;
        let (mut excess, mut lack) = (0.0_f64, 0.0_f64);
        for (i, p) in sorted.iter().enumerate() {
            excess = excess.max((i + 1) as f64 / n - p);
            lack = lack.max(p - i as f64 / n);
        }
        let (count, distance) = (sorted.len() as u64, excess.max(lack));
        Some(Uniformity {
            distance,
            p: kolmogorov_sf(count, distance),
            excess,
            p_excess: smirnov_sf(count, excess),
        })
    }
}

/// The number of p-values in each of twenty equal bars.
pub fn histogram(p_values: &[f64]) -> [u64; BARS] {
    let mut bars = [0; BARS];
    for p in p_values {
        bars[((p * BARS as f64) as usize).min(BARS - 1)] += 1;
    }
    bars
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_need_the_whole_interval_outside_of_the_tolerance() {
        let verdict = |significant| Rate::new(significant, 10_000).unwrap().verdict(0.05);
        assert_eq!(verdict(500), Verdict::Holds);
        assert_eq!(verdict(580), Verdict::Holds);
        assert_eq!(verdict(640), Verdict::TooMany);
        assert_eq!(verdict(380), Verdict::Conservative);
        // Few relabellings accuse nobody of a little.
        assert_eq!(Rate::new(16, 200).unwrap().verdict(0.05), Verdict::Holds);
        assert_eq!(Rate::new(60, 200).unwrap().verdict(0.05), Verdict::TooMany);
        assert!(Rate::new(0, 0).is_err() && Rate::new(3, 2).is_err());
    }

    #[test]
    fn distances_agree_with_scipy() {
        // kstest([0.05, 0.2, 0.21, 0.5, 0.93], "uniform"): statistic 0.39, p 0.3364200160; greater: 0.39, 0.1684773496.
        let uniformity = Uniformity::of(&[0.5, 0.05, 0.93, 0.2, 0.21]).unwrap();
        assert!((uniformity.distance - 0.39).abs() < 1e-12 && (uniformity.excess - 0.39).abs() < 1e-12);
        assert!((uniformity.p - 0.3364200159999998).abs() < 1e-9, "{uniformity:?}");
        assert!((uniformity.p_excess - 0.16847734959999996).abs() < 1e-9, "{uniformity:?}");
        assert_eq!(Uniformity::of(&[]), None);
    }

    #[test]
    fn bars_hold_every_value() {
        let bars = histogram(&[0.0, 0.049, 0.05, 0.999, 1.0]);
        assert_eq!((bars[0], bars[1], bars[19], bars.iter().sum::<u64>()), (2, 1, 2, 5));
    }
}
