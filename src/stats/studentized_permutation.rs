//! The permutation test of a difference in means by its t statistic, for groups of different sizes.

use super::permutation::p_value;
use super::relabelling::{Dealt, dealt};
use super::{Interval, Level, Moments, Undefined};
use rand::Rng;

/// The answer of [`studentized_permutation`].
#[derive(Debug, Clone, PartialEq)]
pub struct StudentizedPermutation {
    /// mean(first) − mean(second) of the data.
    pub estimate: f64,
    /// Its standard error by the variances of both samples.
    pub se: f64,
    /// Whether every relabelling was counted instead of a random part.
    pub exact: bool,
    /// The two-sided p-value.
    pub p: f64,
    /// |t| of every relabelling, descending.
    statistics: Vec<f64>,
}

/// The two-sided permutation test that two means are equal, by Welch's t of every relabelling.
///
/// # Estimand
/// E X − E Y, zero under the null hypothesis. Where the labels are exchangeable the level is kept exactly, as by the
/// [test of the difference itself](super::permutation::permutation_mean_difference); where the shapes differ it is kept as samples grow, which that one
/// does not do for samples of different sizes and spreads. For samples of one size the two have the same p-value.
///
/// # Formula
/// p = (b + 1)/(m + 1) with b of m random relabellings whose |t| = |difference| / √(s²₁/n₁ + s²₂/n₂) is at least that of the data; b/m
/// where all are counted.
///
/// # Assumptions
/// Independent units, randomised singly, with finite variances.
///
/// # Edge cases
/// A relabelling without variance in either sample is as extreme as can be, unless its means are equal. In large samples sums and squares are
/// drawn by bins, as in [`permutation_mean_difference`](super::permutation::permutation_mean_difference).
///
/// # Errors
/// [`Undefined::TooFewObservations`] below two values in a sample, [`Undefined::NonFinite`], [`Undefined::ZeroVariance`] where neither
/// sample varies, [`Undefined::InvalidParameter`] without replicates.
///
/// # Source
/// A. Janssen (1997); E. Chung & J. Romano (2013), *Exact and asymptotically robust permutation tests*, Annals of Statistics 41;
/// B. Phipson & G. Smyth (2010) for p.
pub fn studentized_permutation(
    first: &[f64],
    second: &[f64],
    replicates: usize,
    rng: &mut impl Rng,
) -> Result<StudentizedPermutation, Undefined> {
    let found = first.len().min(second.len());
    if found < 2 {
        return Err(Undefined::TooFewObservations { needed: 2, found: found as u64 });
    }
    if first.iter().chain(second).any(|value| !value.is_finite()) {
        return Err(Undefined::NonFinite);
    }
    if replicates == 0 {
        return Err(Undefined::InvalidParameter("replicates"));
    }
    let Dealt { units, draws, exact } = dealt(first, second, replicates, rng);
    let (x, y) = (Moments::from_slice(first), Moments::from_slice(second));
    let estimate = x.mean - y.mean;
    let se = (x.variance_of_mean().unwrap_or(0.0) + y.variance_of_mean().unwrap_or(0.0)).sqrt();
    if !(estimate.is_finite() && se.is_finite()) {
        return Err(Undefined::NonFinite);
    }
    if se == 0.0 {
        return Err(Undefined::ZeroVariance);
    }
    let all = Whole {
        squares: units.iter().map(|unit| unit.0 * unit.0).sum(),
        few: found as f64,
        many: (units.len() - found) as f64,
    };
    let mut statistics: Vec<f64> = draws.iter().map(|draw| all.t(draw.sum, draw.squares)).collect();
    statistics.sort_unstable_by(|a, b| b.total_cmp(a));
    let observed = (estimate / se).abs() * (1.0 - ROUNDING);
    let extreme = statistics.partition_point(|t| *t >= observed);
    let p = p_value(extreme, statistics.len(), exact);
    Ok(StudentizedPermutation { estimate, se, exact, p, statistics })
}

/// What rounding may take from a statistic, relative to itself.
const ROUNDING: f64 = 1e-10;

/// All units, as offsets that add up to zero.
struct Whole {
    squares: f64,
    few: f64,
    many: f64,
}

impl Whole {
    /// |t| of the relabelling whose smaller sample has this sum of offsets and of their squares.
    fn t(&self, sum: f64, squares: f64) -> f64 {
        let within = |squares: f64, n: f64| (squares - sum * sum / n).max(0.0) / (n - 1.0) / n;
        let se = (within(squares, self.few) + within(self.squares - squares, self.many)).sqrt();
        let difference = sum.abs() * (1.0 / self.few + 1.0 / self.many);
        match (difference > ROUNDING * self.squares.sqrt(), se > 0.0) {
            (_, true) => difference / se,
            (true, false) => f64::INFINITY,
            (false, false) => 0.0,
        }
    }
}

impl StudentizedPermutation {
    /// The confidence interval of the difference that belongs to the test: D ± c · se with the critical |t| of the relabellings. It
    /// excludes zero exactly when p < α.
    ///
    /// # Assumptions
    /// The law of t under relabelling is that of t about the true difference, which holds as samples grow.
    ///
    /// # Edge cases
    /// Infinite where there are too few relabellings for any p-value below α.
    ///
    /// # Source
    /// As the test; J. Romano (1990) for the interval.
    pub fn interval(&self, level: Level) -> Interval {
        // Rounding of 1 − level may not push a p-value that equals α out of the interval.
        let alpha = level.alpha() - 1e-15;
        let total = self.statistics.len();
        let needed = (1..=total).find(|&extreme| p_value(extreme, total, self.exact) >= alpha);
        let possible = p_value(0, total, self.exact) < alpha;
        let reach = match needed {
            Some(needed) if possible => self.statistics[needed - 1] / (1.0 - ROUNDING) * self.se,
            _ => f64::INFINITY,
        };
        Interval { low: self.estimate - reach, high: self.estimate + reach }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Alternative;
    use crate::stats::permutation::permutation_mean_difference;
    use proptest::prelude::*;
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::SeedableRng;

    fn test(first: &[f64], second: &[f64], replicates: usize) -> StudentizedPermutation {
        studentized_permutation(first, second, replicates, &mut Xoshiro256PlusPlus::seed_from_u64(3)).unwrap()
    }

    #[test]
    fn agrees_with_a_count_of_all_relabellings() {
        // itertools.combinations in Python with scipy.stats.ttest_ind(equal_var=False).
        let (first, second) = ([8.2, 3.1, 9.7, 6.4, 12.9], [5.1, 2.2, 6.6, 4.8, 3.9, 1.3, 4.1]);
        let answer = test(&first, &second, 10_000);
        assert!(answer.exact && answer.statistics.len() == 792);
        assert!((answer.p - 35.0 / 792.0).abs() < 1e-12, "{}", answer.p);
    }

    #[test]
    fn the_level_is_kept_where_sizes_and_spreads_differ() {
        // Equal means; the smaller sample has four times the spread. The test of the difference itself rejects three times in ten.
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(8);
        let (mut by_t, mut by_difference) = (0, 0);
        let runs = 400;
        for _ in 0..runs {
            let mut normal = |n: usize, sd: f64| {
                (0..n).map(|_| sd * crate::stats::sampling::standard_normal(&mut rng)).collect::<Vec<f64>>()
            };
            let (first, second) = (normal(30, 4.0), normal(270, 1.0));
            let mut own = Xoshiro256PlusPlus::seed_from_u64(9);
            by_t += usize::from(studentized_permutation(&first, &second, 399, &mut own).unwrap().p < 0.05);
            let plain = permutation_mean_difference(&first, &second, 399, Alternative::TwoSided, &mut own);
            by_difference += usize::from(plain.unwrap().p < 0.05);
        }
        // Four standard errors of a share of 5 % about it.
        let share = by_t as f64 / runs as f64;
        assert!((share - 0.05).abs() < 4.0 * (0.05 * 0.95 / runs as f64).sqrt(), "{share}");
        assert!(by_difference as f64 / runs as f64 > 0.2, "{by_difference}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn samples_of_one_size_have_the_p_value_of_the_difference(
            values in prop::collection::vec(-9.0_f64..9.0, 12..13),
        ) {
            let (first, second) = values.split_at(6);
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
            let plain = permutation_mean_difference(first, second, 10_000, Alternative::TwoSided, &mut rng);
            prop_assert!((test(first, second, 10_000).p - plain.unwrap().p).abs() < 1e-12);
        }

        #[test]
        fn significance_and_interval_agree(
            first in prop::collection::vec((0_i32..6).prop_map(f64::from), 2..30),
            second in prop::collection::vec((1_i32..9).prop_map(f64::from), 2..30),
        ) {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(2);
            let Ok(answer) = studentized_permutation(&first, &second, 399, &mut rng) else { return Ok(()) };
            for level in [0.5, 0.8, 0.9, 0.95, 0.975].into_iter().filter_map(Level::new) {
                let interval = answer.interval(level);
                prop_assert_eq!(answer.p < level.alpha() - 1e-15, !interval.contains(0.0), "{:?}", interval);
            }
        }
    }
}
