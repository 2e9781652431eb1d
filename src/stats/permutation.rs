//! The permutation test of a difference in means.

use super::relabelling::{Dealt, dealt};
use super::{Alternative, Interval, Level, Moments, Undefined};
use rand::Rng;

/// The answer of [`permutation_mean_difference`].
#[derive(Debug, Clone, PartialEq)]
pub struct Permutation {
    /// mean(first) − mean(second) of the data.
    pub estimate: f64,
    /// The differences under relabelling, ascending: all of them when `exact`, else the random ones.
    pub replicates: Vec<f64>,
    /// Whether every relabelling was counted instead of a random part.
    pub exact: bool,
    /// The p-value.
    pub p: f64,
    /// For each relabelling the least shift at which it is as extreme as the data, ascending.
    lows: Vec<f64>,
    /// For each relabelling the greatest such shift, descending.
    highs: Vec<f64>,
}

/// The permutation test that two samples come from one distribution, by the difference of their means.
///
/// # Estimand
/// E X − E Y under the null hypothesis that the labels are exchangeable, which also says that the shapes are equal:
/// with unequal spreads and unequal sizes it is not a test of means alone. `Greater` says that the first mean is greater.
///
/// # Formula
/// Units are relabelled at random m times; with b relabellings whose difference is at least as extreme as the observed
/// one (in absolute value for the two-sided alternative), p = (b + 1)/(m + 1), which is never 0 and keeps its level
/// exactly (Phipson & Smyth 2010). Where there are no more than `replicates` relabellings all are counted, p = b/total.
/// The interval is that of [`Permutation::interval`].
///
/// # Assumptions
/// Independent units, randomised singly.
///
/// # Cost
/// As [`bootstrap_mean_difference`](super::bootstrap::bootstrap_mean_difference): few distinct values and large samples
/// are relabelled by hypergeometric counts of bins.
///
/// # Edge cases
/// All values equal: p = 1. Ties with the observed difference count as extreme, with a relative tolerance of 1e-12 for
/// rounding.
///
/// # Errors
/// [`Undefined::EmptyGroup`], [`Undefined::NonFinite`], [`Undefined::InvalidParameter`] without replicates.
///
/// # Source
/// R. A. Fisher (1935); B. Phipson & G. Smyth (2010); `scipy.stats.permutation_test(permutation_type="independent")`,
/// which doubles the smaller tail where this test takes absolute values.
pub fn permutation_mean_difference(
    first: &[f64],
    second: &[f64],
    replicates: usize,
    alternative: Alternative,
    rng: &mut impl Rng,
) -> Result<Permutation, Undefined> {
    if first.is_empty() || second.is_empty() {
        return Err(Undefined::EmptyGroup);
    }
    if first.iter().chain(second).any(|value| !value.is_finite()) {
        return Err(Undefined::NonFinite);
    }
    if replicates == 0 {
        return Err(Undefined::InvalidParameter("replicates"));
    }
    let (n1, n2) = (first.len(), second.len());
    let Dealt { units, draws, exact } = dealt(first, second, replicates, rng);
    let estimate = Moments::from_slice(first).mean - Moments::from_slice(second).mean;
    let size = units.iter().map(|unit| unit.0.abs()).fold(estimate.abs(), f64::max);
    if !(estimate.is_finite() && size.is_finite()) {
        return Err(Undefined::NonFinite);
    }
    let observed = Observed { estimate, tolerance: ROUNDING * size, alternative };
    // With the offsets summing to zero, the sum of the smaller group alone determines the difference.
    let step = 1.0 / n1 as f64 + 1.0 / n2 as f64;
    let (mut differences, mut shifts) = (Vec::with_capacity(draws.len()), Vec::with_capacity(draws.len()));
    for draw in draws {
        let (sum, moved) = if n1 <= n2 { (draw.sum, n1 as f64 - draw.ours) } else { (-draw.sum, draw.ours) };
        differences.push(sum * step);
        shifts.push(observed.shifts(sum * step, moved * step));
    }
    let extreme = shifts.iter().filter(|shift| shift.contains(0.0)).count();
    let p = p_value(extreme, shifts.len(), exact);
    differences.sort_unstable_by(f64::total_cmp);
    let mut lows: Vec<f64> = shifts.iter().map(|shift| shift.low).collect();
    let mut highs: Vec<f64> = shifts.iter().map(|shift| shift.high).collect();
    lows.sort_unstable_by(f64::total_cmp);
    highs.sort_unstable_by(|a, b| b.total_cmp(a));
    Ok(Permutation { estimate, replicates: differences, exact, p, lows, highs })
}

impl Permutation {
    /// The confidence interval of the difference that belongs to the test: all δ for which the test of a difference of
    /// exactly δ, in its alternative and with the same relabellings, has p ≥ α. It excludes zero exactly when p < α.
    ///
    /// # Formula
    /// When δ is taken from every value of the first sample, the difference of the data becomes D − δ, and that of a
    /// relabelling a − bδ, where b = k(1/n₁ + 1/n₂) − n₁/n₂ if k units of the first sample stay in it. With c = a − bD the
    /// relabelling is as extreme as the data, |a − bδ| ≥ |D − δ|, exactly for D − c/(1 − b) ≤ δ ≤ D + c/(1 + b) where
    /// c ≥ 0, and for D − |c|/(1 + b) ≤ δ ≤ D + |c|/(1 − b) where c < 0; the relabelling that changes nothing, and with
    /// equal sizes the one that exchanges all, is so for every δ. All these intervals hold D, so the p-value falls on
    /// either side of it, and a bound is the order statistic of the ends that leaves just enough of them outside. For a
    /// one-sided alternative each relabelling counts on one side of D − c/(1 − b), and the interval has one bound.
    ///
    /// # Assumptions
    /// The treatment shifts all values by the same amount: then the interval covers with at least 1 − α.
    ///
    /// # Edge cases
    /// A side is infinite where there are too few relabellings for any p-value below α. Values that are all equal within
    /// their samples leave few different ends, and the interval may be a single point.
    ///
    /// # Source
    /// P. H. Garthwaite (1996); M. D. Ernst (2004), *Permutation methods: a basis for exact inference*, section 3.3.
    pub fn interval(&self, level: Level) -> Interval {
        // Rounding of 1 − level may not push a p-value that equals α out of the interval.
        let alpha = level.alpha() - 1e-15;
        let total = self.lows.len();
        match (0..=total).find(|&extreme| p_value(extreme, total, self.exact) >= alpha) {
            Some(needed) if needed > 0 => {
                Interval { low: self.lows[needed - 1], high: self.highs[needed - 1] }
            }
            _ => Interval { low: f64::NEG_INFINITY, high: f64::INFINITY },
        }
    }
}

/// The p-value of `extreme` among `total` relabellings.
pub(super) fn p_value(extreme: usize, total: usize, exact: bool) -> f64 {
    if exact { extreme as f64 / total as f64 } else { (extreme + 1) as f64 / (total + 1) as f64 }
}

/// What rounding may take from numbers of the order of one.
const ROUNDING: f64 = 1e-12;

/// What relabellings are compared with.
struct Observed {
    estimate: f64,
    tolerance: f64,
    alternative: Alternative,
}

impl Observed {
    /// The shifts of the first sample for which a relabelling is as extreme as the data. Its own difference changes by
    /// `1 − moved` times the shift: `moved` is 0 where all labels stay and 2 where samples of equal size are exchanged.
    fn shifts(&self, difference: f64, moved: f64) -> Interval {
        let estimate = self.estimate;
        let contrast = difference - (1.0 - moved) * estimate;
        let reach =
            |remainder: f64| if remainder <= ROUNDING { f64::INFINITY } else { contrast.abs() / remainder };
        let (along, against) = (reach(moved), reach(2.0 - moved));
        let one_sided = if contrast < 0.0 { estimate + along } else { estimate - along };
        let everywhere = Interval { low: f64::NEG_INFINITY, high: f64::INFINITY };
        let shifts = match self.alternative {
            // The relabelling that changes nothing is as extreme as itself, and so is the exchange of equal sizes.
            _ if along.is_infinite() => everywhere,
            Alternative::TwoSided if against.is_infinite() => everywhere,
            Alternative::TwoSided if contrast < 0.0 => {
                Interval { low: estimate - against, high: estimate + along }
            }
            Alternative::TwoSided => Interval { low: estimate - along, high: estimate + against },
            Alternative::Greater => Interval { low: one_sided, ..everywhere },
            Alternative::Less => Interval { high: one_sided, ..everywhere },
        };
        let extreme = match self.alternative {
            Alternative::TwoSided => difference.abs() >= estimate.abs() - self.tolerance,
            Alternative::Greater => difference >= estimate - self.tolerance,
            Alternative::Less => difference <= estimate + self.tolerance,
        };
        // Without a shift the difference itself decides, and the ends follow it where rounding says otherwise.
        if extreme {
            Interval { low: shifts.low.min(0.0), high: shifts.high.max(0.0) }
        } else if shifts.contains(0.0) {
            let above = self.alternative == Alternative::Greater
                || (self.alternative == Alternative::TwoSided && estimate > 0.0);
            let nearest = f64::MIN_POSITIVE;
            if above { Interval { low: nearest, ..shifts } } else { Interval { high: -nearest, ..shifts } }
        } else {
            shifts
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::sampling::standard_normal;
    use crate::stats::t_test::student;
    use proptest::prelude::*;
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::SeedableRng;

    fn test(first: &[f64], second: &[f64], replicates: usize, alternative: Alternative) -> Permutation {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(11);
        permutation_mean_difference(first, second, replicates, alternative, &mut rng).unwrap()
    }

    #[test]
    fn small_samples_are_counted_out() {
        // Two of the twenty relabellings are as extreme as complete separation.
        let answer = test(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0], 9999, Alternative::TwoSided);
        assert!(answer.exact && answer.replicates.len() == 20);
        assert_eq!((answer.estimate, answer.p), (-3.0, 0.1));
        assert_eq!(test(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0], 9999, Alternative::Less).p, 0.05);
        assert_eq!(test(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0], 9999, Alternative::Greater).p, 1.0);
    }

    #[test]
    fn equal_values_give_one() {
        assert_eq!(test(&[2.0; 30], &[2.0; 40], 999, Alternative::TwoSided).p, 1.0);
        assert_eq!(test(&[2.0; 3], &[2.0; 3], 999, Alternative::TwoSided).p, 1.0);
    }

    #[test]
    fn every_way_of_relabelling_has_the_variance_of_permutations() {
        let spread = |n: usize, f: &dyn Fn(f64) -> f64| {
            (0..n).map(|i| f((i as f64 * 0.618_033_988_749_894_9).fract())).collect::<Vec<f64>>()
        };
        let logarithm = |u: f64| -(u * 0.999 + 5e-4).ln();
        let count = |u: f64| (u * 4.0).floor();
        for (first, second) in [
            (spread(150, &logarithm), spread(90, &logarithm)),
            (spread(900, &count), spread(1500, &count)),
            (spread(30_000, &logarithm), spread(45_000, &logarithm)),
        ] {
            let answer = test(&first, &second, 4999, Alternative::TwoSided);
            let pooled = Moments::from_slice(&[first.clone(), second.clone()].concat());
            let expected =
                (pooled.variance().unwrap() * (1.0 / first.len() as f64 + 1.0 / second.len() as f64)).sqrt();
            let actual = Moments::from_slice(&answer.replicates).sd().unwrap();
            assert!((actual / expected - 1.0).abs() < 0.05, "{actual} {expected}");
            assert!(!answer.exact);
        }
    }

    /// The p-value of a difference of `shift`, by testing shifted data with the same relabellings.
    fn p_at(first: &[f64], second: &[f64], shift: f64, alternative: Alternative) -> f64 {
        let shifted: Vec<f64> = first.iter().map(|value| value - shift).collect();
        test(&shifted, second, 10_000, alternative).p
    }

    #[test]
    fn the_bounds_are_those_of_a_search_over_shifts() {
        // Bisection over the p-values of itertools.combinations in Python.
        let (first, second) = ([8.2, 3.1, 9.7, 6.4, 7.7, 12.9], [5.1, 2.2, 6.6, 4.8, 3.9, 1.3, 4.1]);
        let answer = test(&first, &second, 10_000, Alternative::TwoSided);
        let interval = answer.interval(Level::P95);
        assert!((answer.p - 0.016_317_016_317_016_316).abs() < 1e-15);
        assert!((interval.low - 0.9).abs() < 1e-9, "{interval:?}");
        assert!((interval.high - 7.128_125).abs() < 1e-9, "{interval:?}");
    }

    #[test]
    fn too_few_relabellings_bound_nothing() {
        let answer = test(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0], 9999, Alternative::TwoSided);
        assert_eq!(answer.interval(Level::P95).low, f64::NEG_INFINITY);
        // At 80 % a p-value of 0.1, that of the two relabellings which are extreme for every shift, is low enough.
        let wide = answer.interval(Level::new(0.8).unwrap());
        assert!(wide.low.is_finite() && wide.high.is_finite() && wide.contains(-3.0), "{wide:?}");
    }

    #[test]
    fn every_way_of_relabelling_has_the_interval_of_normal_theory() {
        let normal = |n: usize, shift: f64, seed: u64| {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
            (0..n).map(|_| standard_normal(&mut rng) + shift).collect::<Vec<f64>>()
        };
        let rounded = |values: Vec<f64>| values.iter().map(|value| (value * 4.0).round() / 4.0).collect();
        for (first, second) in [
            (normal(300, 0.6, 1), normal(200, 0.0, 2)),
            (rounded(normal(900, 0.6, 3)), rounded(normal(1500, 0.0, 4))),
            (normal(9_000, 0.6, 5), normal(15_000, 0.0, 6)),
            (rounded(normal(9_000, 0.6, 7)), rounded(normal(12_000, 0.0, 8))),
        ] {
            let answer = test(&first, &second, 9999, Alternative::TwoSided);
            let (x, y) = (Moments::from_slice(&first), Moments::from_slice(&second));
            let expected = student(&x, &y, Alternative::TwoSided, Level::P95).unwrap();
            let interval = answer.interval(Level::P95);
            assert!((interval.low - expected.ci.low).abs() < 0.08 * expected.se, "{interval:?} {expected:?}");
            assert!(
                (interval.high - expected.ci.high).abs() < 0.08 * expected.se,
                "{interval:?} {expected:?}"
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn the_interval_is_that_of_the_tests_of_shifted_data(
            first in prop::collection::vec((-20_i32..20).prop_map(|x| f64::from(x) * 0.3), 3..7),
            second in prop::collection::vec((-9_i32..20).prop_map(|x| f64::from(x) * 0.7), 3..7),
        ) {
            for alternative in [Alternative::TwoSided, Alternative::Less, Alternative::Greater] {
                let interval = test(&first, &second, 10_000, alternative).interval(Level::new(0.9).unwrap());
                for (bound, outward) in [(interval.low, -1e-6), (interval.high, 1e-6)] {
                    if bound.is_finite() {
                        let (outside, inside) = (bound + outward, bound - outward);
                        prop_assert!(p_at(&first, &second, outside, alternative) < 0.1, "{:?}", interval);
                        let degenerate = interval.width() < 2e-6;
                        prop_assert!(degenerate || p_at(&first, &second, inside, alternative) >= 0.1 - 1e-12);
                    } else if alternative == Alternative::TwoSided {
                        prop_assert!(p_at(&first, &second, bound.signum() * 1e4, alternative) >= 0.1 - 1e-12);
                    }
                }
            }
        }

        #[test]
        fn significance_and_interval_agree(
            first in prop::collection::vec((0_i32..6).prop_map(f64::from), 1..30),
            second in prop::collection::vec((1_i32..9).prop_map(f64::from), 1..30),
            scale in prop::sample::select(vec![1.0, 0.1, 1e-150, 3e9]),
        ) {
            let scaled = |sample: &[f64]| sample.iter().map(|x| x * scale + scale / 3.0).collect::<Vec<f64>>();
            for alternative in [Alternative::TwoSided, Alternative::Less, Alternative::Greater] {
                let answer = test(&scaled(&first), &scaled(&second), 399, alternative);
                for level in [0.5, 0.8, 0.9, 0.95, 0.975].into_iter().filter_map(Level::new) {
                    let interval = answer.interval(level);
                    prop_assert_eq!(answer.p < level.alpha() - 1e-15, !interval.contains(0.0), "{:?}", interval);
                    // A one-sided interval need not hold the estimate at a level as low as a half.
                    prop_assert!(alternative != Alternative::TwoSided || interval.contains(answer.estimate));
                }
            }
        }

        #[test]
        fn the_interval_moves_with_the_data(
            first in prop::collection::vec(-9.0_f64..9.0, 3..8),
            second in prop::collection::vec(-9.0_f64..9.0, 3..8),
            shift in -20.0_f64..20.0, scale in 0.1_f64..10.0,
        ) {
            let near = |a: f64, b: f64| a == b || (a - b).abs() < 1e-9;
            for (alternative, level) in [
                (Alternative::TwoSided, Level::new(0.8).unwrap()),
                (Alternative::Less, Level::P95),
                (Alternative::Greater, Level::new(0.9).unwrap()),
            ] {
                let plain = test(&first, &second, 10_000, alternative).interval(level);
                let moved: Vec<f64> = first.iter().map(|value| value * scale + shift).collect();
                let scaled: Vec<f64> = second.iter().map(|value| value * scale).collect();
                let there = test(&moved, &scaled, 10_000, alternative).interval(level);
                prop_assert!(near(there.low, plain.low * scale + shift), "{:?} {:?}", there, plain);
                prop_assert!(near(there.high, plain.high * scale + shift), "{:?} {:?}", there, plain);
                let back = test(&second, &first, 10_000, alternative.swapped()).interval(level).negated();
                prop_assert!(near(back.low, plain.low) && near(back.high, plain.high), "{:?} {:?}", back, plain);
            }
        }

        #[test]
        fn swapped_arms_mirror(
            first in prop::collection::vec((0_i32..9).prop_map(f64::from), 1..8),
            second in prop::collection::vec((0_i32..9).prop_map(f64::from), 1..8),
        ) {
            for alternative in [Alternative::TwoSided, Alternative::Less, Alternative::Greater] {
                let there = test(&first, &second, 10_000, alternative);
                let back = test(&second, &first, 10_000, alternative.swapped());
                prop_assert!(there.exact && back.exact);
                prop_assert_eq!(there.p, back.p);
                prop_assert_eq!(there.estimate, -back.estimate);
            }
        }
    }
}
