//! The Hodges–Lehmann estimate of a shift, with the confidence interval that inverts the Mann–Whitney test.

use super::distributions::normal_isf;
use super::mann_whitney::{Method, check, choose, lower_masses, null_variance};
use super::rank::{cubed_minus_itself, shared_values};
use super::{Interval, Level, Undefined};

/// The answer of [`hodges_lehmann`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HodgesLehmann {
    /// The median of all differences "first − second", in the units of the data.
    pub shift: f64,
    /// The shifts that the two-sided Mann–Whitney test does not reject. A side is infinite where the samples are too
    /// small to bound the shift at this level.
    pub interval: Interval,
    /// The method whose test the interval inverts: `Exact` or `Asymptotic`.
    pub method: Method,
}

/// The shift of the first sample against the second, and its confidence interval.
///
/// # Estimand
/// Δ where the first population is the second one moved by Δ; without that assumption, the median of X − Y for
/// independent X and Y. It is neither the difference of the means nor that of the medians.
///
/// # Formula
/// The median of the n₁n₂ differences xᵢ − yⱼ. With k the least value of U that a two-sided test at level α keeps, the
/// interval runs from the k-th smallest to the k-th largest difference. The order statistics are found by bisection
/// over the sorted samples, O((n₁ + n₂) log) time and linear memory; the differences are never listed.
///
/// # Assumptions
/// Those of the Mann–Whitney test, and a pure shift for the interval. The asymptotic variance uses the ties of the data
/// as they are, so zero is outside of the interval exactly when the test of the same `method` has p < α. Where ties
/// make the set of kept shifts open at an end, the neighbouring floating-point number stands for that end.
///
/// # Edge cases
/// One value in each sample: the difference with an unbounded interval. All values equal: shift 0, interval [0, 0].
///
/// # Errors
/// [`Undefined::EmptyGroup`], [`Undefined::NonFinite`] for NaN or infinite values, [`Undefined::InvalidParameter`] as
/// for [`mann_whitney_u`](super::mann_whitney::mann_whitney_u).
///
/// # Source
/// J. L. Hodges & E. L. Lehmann (1963); L. E. Moses (1953) for the interval; `wilcox.test(conf.int = TRUE)` of R.
pub fn hodges_lehmann(
    first: &[f64],
    second: &[f64],
    level: Level,
    method: Method,
) -> Result<HodgesLehmann, Undefined> {
    check(first, second)?;
    if first.iter().chain(second).any(|value| value.is_infinite()) {
        return Err(Undefined::NonFinite);
    }
    let shared = shared_values(first, second);
    let ties = shared.iter().map(|value| cubed_minus_itself(value.in_first + value.in_second)).sum();
    let method = choose(method, ties, first.len(), second.len())?;
    let differences = Differences {
        first: weighted(shared.iter().map(|v| (v.value, v.in_first))),
        second: weighted(shared.iter().map(|v| (v.value, v.in_second))),
        pairs: first.len() as u128 * second.len() as u128,
    };
    let kept = match method {
        Method::Exact => least_kept_exact(level.alpha(), first.len(), second.len()),
        _ => {
            let sd = null_variance(ties, first.len(), second.len()).sqrt();
            differences.pairs as f64 / 2.0 - 0.5 - normal_isf(level.alpha() / 2.0) * sd
        }
    };
    let shift = differences.median();
    // Values whose difference overflows have no shift that could be told.
    if !shift.is_finite() {
        return Err(Undefined::NonFinite);
    }
    Ok(HodgesLehmann { shift, interval: differences.kept_shifts(kept), method })
}

/// The least U whose two-sided exact p-value is not below `alpha`, less a half: the exact test rounds U to the side of
/// keeping, so a half-integer U, which ties make, is kept with the integer above it.
fn least_kept_exact(alpha: f64, n1: usize, n2: usize) -> f64 {
    let masses = lower_masses(n1, n2, n1 * n2 / 2);
    let mut tail = 0.0;
    for (u, mass) in masses.iter().enumerate() {
        tail += mass;
        // The tolerance keeps p = α, which is a ratio of integers here, on the side of "not below".
        if 2.0 * tail >= alpha * (1.0 - 1e-12) {
            return u as f64 - 0.5;
        }
    }
    masses.len() as f64 - 0.5
}

/// Distinct values in ascending order with the number of observations up to and including each.
struct Cumulative {
    values: Vec<f64>,
    counts: Vec<u128>,
}

fn weighted(values: impl Iterator<Item = (f64, usize)>) -> Cumulative {
    let mut cumulative = Cumulative { values: Vec::new(), counts: Vec::new() };
    let mut total = 0;
    for (value, count) in values.filter(|&(_, count)| count > 0) {
        total += count as u128;
        cumulative.values.push(value);
        cumulative.counts.push(total);
    }
    cumulative
}

/// All differences of two samples, known only through how many lie below a bound.
struct Differences {
    first: Cumulative,
    second: Cumulative,
    pairs: u128,
}

impl Differences {
    /// How many differences "first − second" satisfy `below`, which must hold for all differences up to some bound
    /// and for none beyond it. One pass over both samples: as x grows, so does the least y that qualifies.
    fn count(&self, below: impl Fn(f64) -> bool) -> u128 {
        let second_total = self.second.counts.last().copied().unwrap_or(0);
        let (mut total, mut j, mut first_before) = (0, 0, 0);
        for (&x, &first_up_to) in self.first.values.iter().zip(&self.first.counts) {
            while j < self.second.values.len() && !below(x - self.second.values[j]) {
                j += 1;
            }
            let second_too_small = if j == 0 { 0 } else { self.second.counts[j - 1] };
            total += (first_up_to - first_before) * (second_total - second_too_small);
            first_before = first_up_to;
            if j == self.second.values.len() {
                break;
            }
        }
        total
    }

    fn up_to(&self, bound: f64) -> u128 {
        self.count(|difference| difference <= bound)
    }

    fn below(&self, bound: f64) -> u128 {
        self.count(|difference| difference < bound)
    }

    /// The `rank`-th smallest difference, counted from 1: the least number with at least `rank` differences up to it.
    fn order_statistic(&self, rank: u128) -> f64 {
        let (Some(first_low), Some(first_high)) = (self.first.values.first(), self.first.values.last())
        else {
            return 0.0;
        };
        let (second_low, second_high) = match (self.second.values.first(), self.second.values.last()) {
            (Some(low), Some(high)) => (low, high),
            _ => return 0.0,
        };
        let (mut low, mut high) = (first_low - second_high, first_high - second_low);
        let up_to_lowest = self.up_to(low);
        if up_to_lowest >= rank {
            return low;
        }
        let (mut up_to_low, mut up_to_high) = (up_to_lowest, self.pairs);
        let few = 64 + (self.first.values.len() + self.second.values.len()) as u128 / 4;
        // By value while that is quick, then by the order of floating-point numbers, which ends in 64 steps.
        for step in 0.. {
            if up_to_high - up_to_low <= few {
                return self.order_statistic_between(low, high, rank - up_to_low).unwrap_or(high);
            }
            let by_value = low + (high - low) / 2.0;
            let middle = if step < 40 && by_value > low && by_value < high {
                by_value
            } else {
                from_key(midpoint(key(low), key(high)))
            };
            if middle <= low || middle >= high {
                break;
            }
            let count = self.up_to(middle);
            if count >= rank {
                (high, up_to_high) = (middle, count)
            } else {
                (low, up_to_low) = (middle, count)
            }
        }
        high
    }

    /// The `rank`-th smallest difference above `low` and up to `high`, from the list of these.
    fn order_statistic_between(&self, low: f64, high: f64, rank: u128) -> Option<f64> {
        let weight =
            |sample: &Cumulative, i: usize| sample.counts[i] - if i == 0 { 0 } else { sample.counts[i - 1] };
        let mut differences = Vec::new();
        for (i, &x) in self.first.values.iter().enumerate() {
            let start = self.second.values.partition_point(|&y| x - y > high);
            for (j, &y) in
                self.second.values.iter().enumerate().skip(start).take_while(|&(_, &y)| x - y > low)
            {
                differences.push((x - y, weight(&self.first, i) * weight(&self.second, j)));
            }
        }
        differences.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut up_to = 0;
        differences.into_iter().find_map(|(difference, weight)| {
            up_to += weight;
            (up_to >= rank).then_some(difference)
        })
    }

    fn median(&self) -> f64 {
        let upper = self.order_statistic(self.pairs / 2 + 1);
        if self.pairs.is_multiple_of(2) {
            let lower = self.order_statistic(self.pairs / 2);
            lower + (upper - lower) / 2.0
        } else {
            upper
        }
    }

    /// The shifts d for which both #{differences < d} + ½ #{= d} and its mirror are at least `kept`.
    fn kept_shifts(&self, kept: f64) -> Interval {
        Interval { low: self.least_kept(kept), high: -self.mirrored().least_kept(kept) }
    }

    fn least_kept(&self, kept: f64) -> f64 {
        if kept <= 0.0 {
            return f64::NEG_INFINITY;
        }
        let rank = kept.ceil() as u128;
        if rank > self.pairs {
            return f64::INFINITY;
        }
        let bound = self.order_statistic(rank);
        let (below, up_to) = (self.below(bound), self.up_to(bound));
        if (below + up_to) as f64 / 2.0 >= kept { bound } else { bound.next_up() }
    }

    /// The differences "second − first".
    fn mirrored(&self) -> Differences {
        let negated = |sample: &Cumulative| {
            let total = sample.counts.last().copied().unwrap_or(0);
            let before = std::iter::once(0).chain(sample.counts.iter().copied());
            let mut counts: Vec<u128> =
                before.take(sample.values.len()).map(|before| total - before).collect();
            counts.reverse();
            Cumulative { values: sample.values.iter().rev().map(|value| -value).collect(), counts }
        };
        Differences { first: negated(&self.first), second: negated(&self.second), pairs: self.pairs }
    }
}

/// An integer that orders as the number does.
fn key(value: f64) -> i64 {
    let bits = value.to_bits() as i64;
    if bits < 0 { i64::MIN.wrapping_sub(bits) } else { bits }
}

fn from_key(key: i64) -> f64 {
    f64::from_bits(if key < 0 { i64::MIN.wrapping_sub(key) } else { key } as u64)
}

/// The middle of two keys without overflow, rounded down.
fn midpoint(low: i64, high: i64) -> i64 {
    (low & high) + ((low ^ high) >> 1)
}

#[cfg(test)]
mod tests {
    use super::super::Alternative;
    use super::super::mann_whitney::mann_whitney_u;
    use super::*;
    use proptest::prelude::*;

    fn estimate(first: &[f64], second: &[f64], method: Method) -> HodgesLehmann {
        hodges_lehmann(first, second, Level::P95, method).unwrap()
    }

    #[test]
    fn agrees_with_r() {
        // wilcox.test(c(0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46), c(1.15, 0.88, 0.90, 0.74, 1.21),
        //             conf.int = TRUE): estimate 0.305, interval -0.15, 0.76
        let first = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
        let second = [1.15, 0.88, 0.90, 0.74, 1.21];
        let answer = estimate(&first, &second, Method::Auto);
        assert!((answer.shift - 0.305).abs() < 1e-12, "{answer:?}");
        assert!((answer.interval.low + 0.15).abs() < 1e-12, "{answer:?}");
        assert!((answer.interval.high - 0.76).abs() < 1e-12, "{answer:?}");
    }

    #[test]
    fn edge_cases() {
        let single = estimate(&[5.0], &[3.0], Method::Auto);
        assert_eq!(
            (single.shift, single.interval.low, single.interval.high),
            (2.0, f64::NEG_INFINITY, f64::INFINITY)
        );
        let equal = estimate(&[1.0; 20], &[1.0; 30], Method::Auto);
        assert_eq!((equal.shift, equal.interval.low, equal.interval.high), (0.0, 0.0, 0.0));
        let infinite = hodges_lehmann(&[f64::INFINITY], &[1.0], Level::P95, Method::Auto);
        assert_eq!(infinite.err(), Some(Undefined::NonFinite));
    }

    #[test]
    fn many_values_need_no_list_of_differences() {
        // Golden-ratio sequences spread evenly over [0, 1) and [0.25, 1.25).
        let spread = |n: usize, start: f64| {
            (0..n).map(|i| start + (i as f64 * 0.618_033_988_749_894_9).fract()).collect::<Vec<f64>>()
        };
        let answer = estimate(&spread(200_000, 0.25), &spread(180_000, 0.0), Method::Auto);
        assert!((answer.shift - 0.25).abs() < 1e-4, "{answer:?}");
        assert!(answer.interval.low < 0.25 && answer.interval.high > 0.25);
        assert!(answer.interval.width() < 0.01);
    }

    fn tied() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec((-6_i32..7).prop_map(|x| f64::from(x) / 2.0), 1..30)
    }

    fn continuous() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(-3.0_f64..3.0, 1..14)
    }

    proptest! {
        #[test]
        fn order_statistics_are_those_of_the_list(first in tied(), second in tied()) {
            let shared = shared_values(&first, &second);
            let differences = Differences {
                first: weighted(shared.iter().map(|v| (v.value, v.in_first))),
                second: weighted(shared.iter().map(|v| (v.value, v.in_second))),
                pairs: (first.len() * second.len()) as u128,
            };
            let mut list: Vec<f64> = first.iter().flat_map(|x| second.iter().map(move |y| x - y)).collect();
            list.sort_by(f64::total_cmp);
            for (index, &difference) in list.iter().enumerate() {
                prop_assert_eq!(differences.order_statistic(index as u128 + 1), difference);
            }
        }

        #[test]
        fn zero_is_outside_exactly_when_the_test_rejects(
            first in tied(), second in tied(), shift in -3.0_f64..3.0, continuous_first in continuous(),
            continuous_second in continuous(),
        ) {
            let moved: Vec<f64> = continuous_first.iter().map(|x| x + shift).collect();
            let samples = [(first, second), (moved, continuous_second)];
            for (first, second) in &samples {
                for method in [Method::Auto, Method::Exact, Method::Asymptotic] {
                    let p = mann_whitney_u(first, second, Alternative::TwoSided, method).unwrap().p;
                    let interval = estimate(first, second, method).interval;
                    prop_assert_eq!(p < 0.05 - 1e-12, !interval.contains(0.0), "p = {}, {:?}", p, interval);
                }
            }
        }

        #[test]
        fn swapped_arms_flip_the_shift(first in tied(), second in tied()) {
            let (there, back) = (estimate(&first, &second, Method::Auto), estimate(&second, &first, Method::Auto));
            prop_assert_eq!(there.shift, -back.shift);
            prop_assert_eq!(there.interval, back.interval.negated());
        }
    }
}
