//! The Brunner–Munzel test: which of two populations tends to be greater, whatever their spreads.

use super::distributions::{student_t_isf, student_t_sf};
use super::mann_whitney::check;
use super::rank::shared_values;
use super::{Alternative, Interval, Level, Undefined};

/// The answer of [`brunner_munzel`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BrunnerMunzel {
    /// The statistic; positive where the second sample tends to be greater (the sign of scipy and of the paper).
    pub w: f64,
    /// Degrees of freedom of its t distribution.
    pub df: f64,
    /// The p-value.
    pub p: f64,
    /// P(X < Y) + ½ P(X = Y), estimated; ½ where neither tends to be greater.
    pub relative_effect: f64,
    /// The two-sided interval of the relative effect, dual to the two-sided test: it excludes ½ exactly when p < α. As
    /// published it may leave [0, 1] in tiny samples.
    pub interval: Interval,
}

/// The Brunner–Munzel test of two independent samples.
///
/// # Estimand
/// P(X < Y) + ½ P(X = Y) against ½. Unlike Mann–Whitney's, its null hypothesis allows different spreads and shapes.
/// `Greater` says that the first sample tends to be greater.
///
/// # Formula
/// With the placement of a value the number of values of the other sample below it (ties ½): the relative effect is the
/// mean placement of Y divided by n₁, its variance comes from the variances S² of the placements within the samples,
/// W = (p̂ − ½)/√(S₁²/(n₁n₂²) + S₂²/(n₂n₁²)), and df is that of Satterthwaite for the two variances.
///
/// # Assumptions
/// Independent units; ten or more in each sample for the t approximation.
///
/// # Edge cases
/// Ties count a half and need no correction. The smallest samples, two values each, are accepted; the t approximation
/// is poor there. Infinite values are ranked like any other. Samples that do not overlap have no answer here, as in
/// scipy (NaN).
///
/// # Errors
/// [`Undefined::TooFewObservations`] below two values in a sample, [`Undefined::NonFinite`] for NaN,
/// [`Undefined::ZeroVariance`] where the placements do not vary: the samples do not overlap, or all values are equal.
///
/// # Source
/// E. Brunner & U. Munzel (2000); `scipy.stats.brunnermunzel`; reference case `brunner_munzel`.
pub fn brunner_munzel(
    first: &[f64],
    second: &[f64],
    alternative: Alternative,
    level: Level,
) -> Result<BrunnerMunzel, Undefined> {
    check(first, second)?;
    let found = first.len().min(second.len()) as u64;
    if found < 2 {
        return Err(Undefined::TooFewObservations { needed: 2, found });
    }
    let (n1, n2) = (first.len() as f64, second.len() as f64);
    let shared = shared_values(first, second);

    // Twice the placements are integers, so their sums are exact; the squares are taken about the mean.
    let (mut first_below, mut second_below) = (0_u64, 0_u64);
    let mut placements = Vec::with_capacity(shared.len());
    for value in &shared {
        let (a, b) = (value.in_first as u64, value.in_second as u64);
        placements.push((a, 2 * second_below + b, b, 2 * first_below + a));
        first_below += a;
        second_below += b;
    }
    let twice_first: u128 =
        placements.iter().map(|&(a, of_first, ..)| u128::from(a) * u128::from(of_first)).sum();
    let twice_second: u128 =
        placements.iter().map(|&(.., b, of_second)| u128::from(b) * u128::from(of_second)).sum();
    let mean_first = twice_first as f64 / 2.0 / n1;
    let mean_second = twice_second as f64 / 2.0 / n2;
    let (mut squares_first, mut squares_second) = (0.0, 0.0);
    for &(a, of_first, b, of_second) in &placements {
        squares_first += a as f64 * (of_first as f64 / 2.0 - mean_first).powi(2);
        squares_second += b as f64 * (of_second as f64 / 2.0 - mean_second).powi(2);
    }
    let (part1, part2) =
        (squares_first / (n1 - 1.0) / (n1 * n2 * n2), squares_second / (n2 - 1.0) / (n2 * n1 * n1));
    let variance = part1 + part2;
    if variance <= 0.0 {
        return Err(Undefined::ZeroVariance);
    }
    let relative_effect = mean_second / n1;
    // p̂ − ½ as a difference of the two mean placements, which keeps its digits when the effect is small.
    let difference = (mean_second / n1 - mean_first / n2) / 2.0;
    let w = difference / variance.sqrt();
    let df = variance * variance / (part1 * part1 / (n1 - 1.0) + part2 * part2 / (n2 - 1.0));
    let p = match alternative {
        Alternative::TwoSided => (2.0 * student_t_sf(w.abs(), df)).min(1.0),
        Alternative::Greater => student_t_sf(-w, df),
        Alternative::Less => student_t_sf(w, df),
    };
    let margin = student_t_isf(level.alpha() / 2.0, df) * variance.sqrt();
    let interval = Interval::around(0.5 + difference, margin, Alternative::TwoSided);
    Ok(BrunnerMunzel { w, df, p, relative_effect, interval })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn test(first: &[f64], second: &[f64], alternative: Alternative) -> Result<BrunnerMunzel, Undefined> {
        brunner_munzel(first, second, alternative, Level::P95)
    }

    #[test]
    fn agrees_with_scipy() {
        // scipy's documentation: brunnermunzel(x1, x2) is (3.1374674823029505, 0.0057862086661515377)
        let first = [1.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 4.0, 1.0, 1.0];
        let second = [3.0, 3.0, 4.0, 3.0, 1.0, 2.0, 3.0, 1.0, 1.0, 5.0, 4.0];
        let answer = test(&first, &second, Alternative::TwoSided).unwrap();
        assert!((answer.w - 3.137_467_482_302_950_5).abs() < 1e-12, "{answer:?}");
        assert!((answer.p - 0.005_786_208_666_151_538).abs() < 1e-13, "{answer:?}");
        // brunner.munzel.test of R's lawstat: 0.788961, 95 % interval 0.5952169 to 0.9827052
        assert!((answer.relative_effect - 0.788_961).abs() < 5e-7, "{answer:?}");
        assert!(
            (answer.interval.low - 0.595_216_9).abs() < 5e-8
                && (answer.interval.high - 0.982_705_2).abs() < 5e-8
        );
    }

    #[test]
    fn what_does_not_vary_is_undefined() {
        let apart = test(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0], Alternative::TwoSided);
        assert_eq!(apart.err(), Some(Undefined::ZeroVariance));
        assert_eq!(test(&[1.0; 5], &[1.0; 6], Alternative::TwoSided).err(), Some(Undefined::ZeroVariance));
        let few = test(&[1.0], &[1.0, 2.0], Alternative::TwoSided);
        assert_eq!(few.err(), Some(Undefined::TooFewObservations { needed: 2, found: 1 }));
    }

    proptest! {
        #[test]
        fn swapped_arms_mirror_and_the_interval_is_dual(
            first in prop::collection::vec((0_i32..12).prop_map(f64::from), 2..30),
            second in prop::collection::vec((0_i32..12).prop_map(f64::from), 2..30),
        ) {
            for alternative in [Alternative::TwoSided, Alternative::Less, Alternative::Greater] {
                match (test(&first, &second, alternative), test(&second, &first, alternative.swapped())) {
                    (Ok(there), Ok(back)) => {
                        prop_assert!((there.w + back.w).abs() < 1e-9 && (there.p - back.p).abs() < 1e-12);
                    }
                    (there, back) => prop_assert_eq!(there, back),
                }
            }
            if let Ok(answer) = test(&first, &second, Alternative::TwoSided) {
                prop_assert_eq!(answer.p < Level::P95.alpha(), !answer.interval.contains(0.5));
            }
        }
    }
}
