//! The Mann–Whitney U test, exact and asymptotic, in O(n log n).

use super::distributions::normal_sf;
use super::rank::{Ranked, cubed_minus_itself, ranked};
use super::{Alternative, Undefined};

/// How the p-value of the U test is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// Exact where one sample has at most eight values, the other at most some millions, and there are no ties;
    /// asymptotic otherwise.
    #[default]
    Auto,
    /// From the distribution of U under the null hypothesis of samples without ties.
    Exact,
    /// From the normal approximation with the tie correction and a continuity correction of ½.
    Asymptotic,
}

/// The answer of [`mann_whitney_u`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MannWhitney {
    /// U of the first sample: the number of pairs where the first sample's value is greater, ties counting ½.
    pub u: f64,
    /// U of the second sample: n₁n₂ − U.
    pub u_second: f64,
    /// P(X > Y) + ½ P(X = Y), estimated as U / n₁n₂: the common-language effect, ½ under the null hypothesis.
    pub superiority: f64,
    /// The method that was used: `Exact` or `Asymptotic`, never `Auto`.
    pub method: Method,
    /// The p-value, in [0, 1].
    pub p: f64,
}

/// The largest smaller sample whose exact distribution keeps ten digits; beyond it the exact method is refused.
const EXACT_SAMPLE: usize = 1000;
/// The most values of U whose probabilities are held at once (about half a gigabyte).
const EXACT_VALUES: u128 = 30_000_000;

/// The Mann–Whitney U test of two independent samples.
///
/// # Estimand
/// Whether a value of the first population tends to be greater than one of the second: P(X > Y) + ½ P(X = Y) = ½.
/// It is not a test of means or of medians. `Greater` says that the first sample is stochastically greater.
///
/// # Formula
/// U₁ = R₁ − n₁(n₁ + 1)/2 from midranks. Asymptotically z = (U − n₁n₂/2 − ½)/s with
/// s² = n₁n₂/12 · ((n + 1) − Σ(t³ − t)/(n(n − 1))), where U is U₁ (`Greater`), U₂ (`Less`) or the larger of both
/// (two-sided, p doubled and capped at 1). The exact distribution is the coefficients of the Gaussian binomial.
///
/// # Assumptions
/// Independent units. The null hypothesis behind both p-values is that the two distributions are equal, so unequal
/// spreads alone can break the nominal level: then use Brunner–Munzel.
///
/// # Edge cases
/// Where all values are equal the permutation distribution is a single point: p = 1. The exact method ignores ties and
/// rounds U of the deciding side down, as scipy does, which is conservative; `Auto` never uses it with ties.
/// Infinite values are ranked like any other.
///
/// # Errors
/// [`Undefined::EmptyGroup`], [`Undefined::NonFinite`] for NaN, [`Undefined::InvalidParameter`] where the exact
/// distribution is asked for samples too large for it: more than a thousand values in both.
///
/// # Source
/// H. B. Mann & D. R. Whitney (1947); `scipy.stats.mannwhitneyu(x, y, use_continuity=True)`; reference case
/// `mann_whitney_u`.
pub fn mann_whitney_u(
    first: &[f64],
    second: &[f64],
    alternative: Alternative,
    method: Method,
) -> Result<MannWhitney, Undefined> {
    check(first, second)?;
    let Ranked { twice_u, ties } = ranked(first, second);
    let (n1, n2) = (first.len(), second.len());
    let pairs = n1 as u128 * n2 as u128;
    let twice_u_second = 2 * pairs - twice_u;
    // Twice the U whose upper tail is the p-value, and the number of tails.
    let (twice_tail, tails) = match alternative {
        Alternative::Greater => (twice_u, 1.0),
        Alternative::Less => (twice_u_second, 1.0),
        Alternative::TwoSided => (twice_u.max(twice_u_second), 2.0),
    };
    let method = choose(method, ties, n1, n2)?;
    let p = match method {
        Method::Exact => upper_tail(twice_tail / 2, n1, n2),
        _ => {
            let sd = null_variance(ties, n1, n2).sqrt();
            // Integers first: at a million units the half-unit of the correction must not be rounded away.
            let distance = (twice_tail as i128 - pairs as i128 - 1) as f64 / 2.0;
            if sd > 0.0 { normal_sf(distance / sd) } else { 1.0 }
        }
    };
    Ok(MannWhitney {
        u: twice_u as f64 / 2.0,
        u_second: twice_u_second as f64 / 2.0,
        superiority: twice_u as f64 / (2 * pairs) as f64,
        method,
        p: (tails * p).clamp(0.0, 1.0),
    })
}

/// What every two-sample rank test asks of its samples: neither empty, no NaN.
pub(super) fn check(first: &[f64], second: &[f64]) -> Result<(), Undefined> {
    if first.is_empty() || second.is_empty() {
        return Err(Undefined::EmptyGroup);
    }
    if first.iter().chain(second).any(|value| value.is_nan()) {
        return Err(Undefined::NonFinite);
    }
    Ok(())
}

/// `Exact` or `Asymptotic` in place of `Auto`, by scipy's rule; `ties` is the tie term of both samples together.
pub(super) fn choose(method: Method, ties: u128, n1: usize, n2: usize) -> Result<Method, Undefined> {
    let affordable = {
        let values = n1 as u128 * n2 as u128 / 2;
        values <= EXACT_VALUES && n1.min(n2) <= EXACT_SAMPLE
    };
    match method {
        Method::Asymptotic => Ok(Method::Asymptotic),
        Method::Exact if affordable => Ok(Method::Exact),
        Method::Exact => Err(Undefined::InvalidParameter("method")),
        Method::Auto => {
            let small = n1.min(n2) <= 8;
            Ok(if small && ties == 0 && affordable { Method::Exact } else { Method::Asymptotic })
        }
    }
}

/// The variance of U under the null hypothesis, with the tie term: n₁n₂ (n³ − n − Σ(t³ − t)) / (12 n (n − 1)).
///
/// The bracket is computed in integers: with nearly all values tied it is a small difference of huge numbers.
pub(super) fn null_variance(ties: u128, n1: usize, n2: usize) -> f64 {
    let n = n1 + n2;
    let untied = cubed_minus_itself(n) - ties;
    let n = n as f64;
    n1 as f64 * n2 as f64 / 12.0 * (untied as f64 / (n * (n - 1.0)))
}

/// P(U ≥ u) under the null hypothesis without ties.
fn upper_tail(u: u128, n1: usize, n2: usize) -> f64 {
    let mirrored = n1 as u128 * n2 as u128 - u;
    if u == 0 {
        1.0
    } else if u <= mirrored {
        1.0 - lower_masses(n1, n2, (u - 1) as usize).iter().sum::<f64>()
    } else {
        lower_masses(n1, n2, mirrored as usize).iter().sum()
    }
}

/// P(U = 0), …, P(U = highest) under the null hypothesis without ties; `highest` is at most n₁n₂/2.
///
/// # Formula
/// The counts are the coefficients of the Gaussian binomial ∏ (1 − qⁿ⁺ⁱ)/(1 − qⁱ), i = 1 … m, with m the smaller
/// sample. Each factor is one multiplication and one division of a power series in place, O(m · highest) in all.
///
/// A rounding error of one factor is not divisible by the next ones, so it grows, a hundredfold for every hundred
/// values beyond two hundred: the sums carry 32 digits, which leaves more than ten of them at a thousand values.
/// Powers of two keep the counts within the range of numbers, so nothing overflows.
pub(super) fn lower_masses(n1: usize, n2: usize, highest: usize) -> Vec<f64> {
    let (m, n) = (n1.min(n2), n1.max(n2));
    let mut counts = vec![LongSum::default(); highest + 1];
    counts[0] = LongSum { value: 1.0, error: 0.0 };
    // The probability of one arrangement, in units of the power of two that the counts carry.
    let mut scale = 1.0;
    for i in 1..=m {
        let degree = highest.min(i * n);
        for k in (n + i..=degree).rev() {
            counts[k] = counts[k].minus(counts[k - n - i]);
        }
        for k in i..=degree {
            counts[k] = counts[k].plus(counts[k - i]);
        }
        let growth = (n + i) as f64 / i as f64;
        let power = 2.0_f64.powi(growth.log2() as i32);
        counts[..=degree].iter_mut().for_each(|count| *count = count.over(power));
        scale *= power / growth;
    }
    counts.into_iter().map(|count| count.value * scale).collect()
}

/// An unevaluated sum of a number and its rounding error, of about 32 digits.
#[derive(Debug, Clone, Copy, Default)]
struct LongSum {
    value: f64,
    error: f64,
}

impl LongSum {
    /// Knuth's two-sum of the leading parts, then the errors.
    fn plus(self, other: LongSum) -> LongSum {
        let sum = self.value + other.value;
        let from_other = sum - self.value;
        let lost = (self.value - (sum - from_other)) + (other.value - from_other);
        let error = lost + (self.error + other.error);
        let value = sum + error;
        LongSum { value, error: error - (value - sum) }
    }

    fn minus(self, other: LongSum) -> LongSum {
        self.plus(LongSum { value: -other.value, error: -other.error })
    }

    fn over(self, power_of_two: f64) -> LongSum {
        LongSum { value: self.value / power_of_two, error: self.error / power_of_two }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn test(first: &[f64], second: &[f64], alternative: Alternative, method: Method) -> MannWhitney {
        mann_whitney_u(first, second, alternative, method).unwrap()
    }

    #[test]
    fn agrees_with_scipy_on_small_samples() {
        // mannwhitneyu([19, 22, 16, 29, 24], [20, 11, 17, 12]) of scipy's documentation
        let (males, females) = ([19.0, 22.0, 16.0, 29.0, 24.0], [20.0, 11.0, 17.0, 12.0]);
        let exact = test(&males, &females, Alternative::TwoSided, Method::Exact);
        assert_eq!((exact.u, exact.u_second), (17.0, 3.0));
        assert!((exact.p - 1.0 / 9.0).abs() < 1e-14, "{}", exact.p);
        let asymptotic = test(&males, &females, Alternative::TwoSided, Method::Asymptotic);
        assert!((asymptotic.p - 0.111_346_886_533_140_41).abs() < 1e-12, "{}", asymptotic.p);
        assert_eq!(test(&males, &females, Alternative::TwoSided, Method::Auto).method, Method::Exact);
    }

    #[test]
    fn exact_masses_are_the_counts_of_arrangements() {
        // The Gaussian binomial [4 choose 2] = 1 + q + 2q² + q³ + q⁴.
        let masses: Vec<f64> = lower_masses(2, 2, 2).iter().map(|mass| mass * 6.0).collect();
        assert!(masses.iter().zip([1.0, 1.0, 2.0]).all(|(a, b)| (a - b).abs() < 1e-14), "{masses:?}");
    }

    #[test]
    fn the_exact_distribution_of_large_samples_is_symmetric_and_finite() {
        // choose(1200, 600) exceeds the largest double.
        let half: f64 = lower_masses(600, 600, 180_000).iter().sum();
        let middle = lower_masses(600, 600, 180_000)[180_000];
        assert!((2.0 * half - middle - 1.0).abs() < 1e-12, "{half} {middle}");
    }

    #[test]
    fn exact_tails_keep_their_digits() {
        // Exact integers: sums of the coefficients over choose(410, 200).
        for (u, expected) in [(8_000, 2.419_706_649_722_307e-30), (17_000, 4.118_102_007_847_594_5e-4)] {
            let tail: f64 = lower_masses(200, 210, u).iter().sum();
            assert!((tail / expected - 1.0).abs() < 1e-12, "{tail:e}");
        }
    }

    #[test]
    fn edge_cases() {
        let equal = test(&[3.0; 20], &[3.0; 30], Alternative::TwoSided, Method::Auto);
        assert_eq!((equal.u, equal.p), (300.0, 1.0));
        assert_eq!(
            mann_whitney_u(&[], &[1.0], Alternative::TwoSided, Method::Auto).err(),
            Some(Undefined::EmptyGroup)
        );
        assert_eq!(
            mann_whitney_u(&[f64::NAN], &[1.0], Alternative::TwoSided, Method::Auto).err(),
            Some(Undefined::NonFinite)
        );
        let middle = test(&[1.0, 4.0], &[2.0, 3.0], Alternative::TwoSided, Method::Auto);
        assert_eq!((middle.u, middle.p), (2.0, 1.0));
    }

    #[test]
    fn millions_of_ties_do_not_overflow() {
        let first: Vec<f64> = (0..1_500_000).map(|i| if i % 50 == 0 { 1.0 } else { 0.0 }).collect();
        let second: Vec<f64> = (0..1_500_000).map(|i| if i % 49 == 0 { 1.0 } else { 0.0 }).collect();
        let answer = test(&first, &second, Alternative::TwoSided, Method::Auto);
        // With two values U is linear in the rates; its test is the two-proportion z test with n − 1 for n.
        let (c1, c2, n) = (30_000.0_f64, 30_613.0_f64, 3_000_000.0_f64);
        let pooled = (c1 + c2) / n;
        let z = (c1 - c2).abs() / (pooled * (1.0 - pooled) * n * n / (n - 1.0)).sqrt();
        assert!((answer.p - 2.0 * normal_sf(z)).abs() < 1e-6, "{} {}", answer.p, 2.0 * normal_sf(z));
    }

    fn sample() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec((0_i32..30).prop_map(f64::from), 1..25)
    }

    proptest! {
        #[test]
        fn swapped_arms_mirror_the_test(first in sample(), second in sample()) {
            for alternative in [Alternative::TwoSided, Alternative::Less, Alternative::Greater] {
                for method in [Method::Auto, Method::Exact, Method::Asymptotic] {
                    let there = test(&first, &second, alternative, method);
                    let back = test(&second, &first, alternative.swapped(), method);
                    prop_assert_eq!(there.u, back.u_second);
                    prop_assert_eq!(there.p, back.p);
                }
            }
        }

        #[test]
        fn only_the_order_of_values_matters(first in sample(), second in sample(), cut in 0_usize..25) {
            let plain = test(&first, &second, Alternative::Less, Method::Auto);
            let mut shuffled = first.clone();
            shuffled.rotate_left(cut % first.len());
            let stretch = |values: &[f64]| values.iter().map(|x| (x / 7.0).exp() * 3.0 - 100.0).collect::<Vec<_>>();
            prop_assert_eq!(plain, test(&stretch(&shuffled), &stretch(&second), Alternative::Less, Method::Auto));
        }

        #[test]
        fn exact_masses_sum_to_one(n1 in 1_usize..12, n2 in 1_usize..12) {
            let highest = n1 * n2 / 2;
            let masses = lower_masses(n1, n2, highest);
            let half: f64 = masses.iter().sum();
            let middle = if (n1 * n2).is_multiple_of(2) { masses[highest] } else { 0.0 };
            prop_assert!((2.0 * half - middle - 1.0).abs() < 1e-13);
        }
    }
}
