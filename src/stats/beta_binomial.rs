//! Bayesian comparison of two proportions with beta priors: who is better, and what a wrong choice costs.

use super::Undefined;
use super::distributions::beta_cdf_pair;
use super::proportions::Proportion;

/// The answer of [`beta_binomial`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BetaBinomial {
    /// P(p_B > p_A) after the data.
    pub prob_b_better: f64,
    /// P(p_A > p_B); both sum to one.
    pub prob_a_better: f64,
    /// E max(p_A − p_B, 0): what is expected to be lost, in shares, when B is chosen.
    pub expected_loss_choose_b: f64,
    /// E max(p_B − p_A, 0): what is expected to be lost when A is chosen.
    pub expected_loss_choose_a: f64,
    /// Posterior mean of p_A.
    pub mean_a: f64,
    /// Posterior mean of p_B.
    pub mean_b: f64,
}

/// The posterior comparison of two proportions under independent Beta(`prior`) priors.
///
/// # Estimand
/// Under the posteriors Beta(α + c, β + n − c): the probability that B is better and the expected losses, in shares.
///
/// # Formula
/// P(p_B > p_A) = ∫ f_A S_B and E max(p_A − p_B, 0) = ∫ S_A F_B, by the trapezoidal rule in the logit of p, in which both
/// integrands are smooth, have one mode and fall exponentially: the rule then converges beyond all powers of the step.
/// Each probability and each loss is integrated or is one minus (mean difference plus) its small counterpart, so small
/// numbers keep their digits.
///
/// # Assumptions
/// Independent units, one probability in each arm, and the priors. The answers are not error rates.
///
/// # Edge cases
/// Counts of 0 and n are ordinary. Counts from 0 to 10⁹ hold to about 1e-9 relative. Probabilities below 1e-300 are 0.
///
/// # Errors
/// [`Undefined::InvalidParameter`] where a prior parameter is not positive and finite, or units and prior together exceed
/// 10¹⁰.
///
/// # Source
/// Any text on conjugate priors; the losses are those of C. Stucchio (2015), *Bayesian A/B testing at VWO*; reference
/// case `beta_binomial`.
pub fn beta_binomial(a: Proportion, b: Proportion, prior: [f64; 2]) -> Result<BetaBinomial, Undefined> {
    if !prior.iter().all(|parameter| *parameter > 0.0 && parameter.is_finite()) {
        return Err(Undefined::InvalidParameter("prior"));
    }
    let (a, b) = (Posterior::new(a, prior), Posterior::new(b, prior));
    if a.size().max(b.size()) > LARGEST {
        return Err(Undefined::InvalidParameter("trials"));
    }
    let (prob_a_better, prob_b_better) = probabilities(&a, &b);
    // The mean difference in closed form, which cancels least: (a₁b₂ − a₂b₁)/(n₁n₂).
    let difference = (a.successes * b.failures - b.successes * a.failures) / (a.size() * b.size());
    let (expected_loss_choose_b, expected_loss_choose_a) = if difference > 0.0 {
        let small = expected_excess(&b, &a);
        (difference + small, small)
    } else {
        let small = expected_excess(&a, &b);
        (small, small - difference)
    };
    Ok(BetaBinomial {
        prob_b_better,
        prob_a_better,
        expected_loss_choose_b,
        expected_loss_choose_a,
        mean_a: a.successes / a.size(),
        mean_b: b.successes / b.size(),
    })
}

/// More units, those of the prior included, make a posterior so narrow that a wide one beside it is not integrated in time.
const LARGEST: f64 = 1e10;

/// A beta posterior.
struct Posterior {
    successes: f64,
    failures: f64,
}

impl Posterior {
    fn new(arm: Proportion, prior: [f64; 2]) -> Posterior {
        let failures = arm.trials() - arm.successes();
        Posterior { successes: arm.successes() as f64 + prior[0], failures: failures as f64 + prior[1] }
    }

    fn size(&self) -> f64 {
        self.successes + self.failures
    }

    /// The mode of the logit.
    fn centre(&self) -> f64 {
        (self.successes / self.failures).ln()
    }

    /// The standard deviation of the logit, by its curvature at the mode.
    fn spread(&self) -> f64 {
        (1.0 / self.successes + 1.0 / self.failures).sqrt()
    }

    /// The density of the logit at `centre + offset`, relative to that at the centre. The two terms are each of the
    /// order of the offset times the counts, and not of the counts, so their difference keeps its digits.
    fn relative_density(&self, offset: f64) -> f64 {
        let share = self.successes / self.size();
        (self.successes * offset - self.size() * (share * offset.exp_m1()).ln_1p()).exp()
    }

    /// P(p ≤ logistic(u)) and P(p > logistic(u)).
    fn tails(&self, logit: f64) -> (f64, f64) {
        let (x, y) = logistic(logit);
        beta_cdf_pair(x, y, self.successes, self.failures)
    }
}

/// x = 1/(1 + e⁻ᵘ) and 1 − x, each to full precision.
fn logistic(u: f64) -> (f64, f64) {
    let small = (-u.abs()).exp();
    let (minor, major) = (small / (1.0 + small), 1.0 / (1.0 + small));
    if u < 0.0 { (minor, major) } else { (major, minor) }
}

/// A step at which the trapezoidal rule is exact to the last digits: half of the narrower posterior, and well below the
/// distance π at which the logistic function has its poles.
fn step(a: &Posterior, b: &Posterior) -> f64 {
    (a.spread().min(b.spread()) / 2.0).min(0.25)
}

/// P(p_A > p_B) and P(p_B > p_A).
fn probabilities(a: &Posterior, b: &Posterior) -> (f64, f64) {
    // Over the density of the narrower posterior, because the tails of the wider one change slowly there.
    let swapped = b.spread() < a.spread();
    let (narrow, wide) = if swapped { (b, a) } else { (a, b) };
    let h = step(a, b);
    let total = trapezoid(0.0, h, |offset| narrow.relative_density(offset));
    let centre = narrow.centre();
    let below =
        trapezoid(0.0, h, |offset| narrow.relative_density(offset) * wide.tails(centre + offset).1) / total;
    let above =
        trapezoid(0.0, h, |offset| narrow.relative_density(offset) * wide.tails(centre + offset).0) / total;
    // Both are good; the smaller one also to its own digits, so the larger one is its complement.
    let (narrow_wins, wide_wins) = if above < below { (above, 1.0 - above) } else { (1.0 - below, below) };
    if swapped { (wide_wins, narrow_wins) } else { (narrow_wins, wide_wins) }
}

/// E max(high − low, 0) = ∫ P(high > x) P(low ≤ x) dx, meant for a `high` whose mean is not above that of `low`.
fn expected_excess(high: &Posterior, low: &Posterior) -> f64 {
    let h = step(high, low);
    // The product peaks between both modes.
    let middle = (high.centre() * high.spread().recip() + low.centre() * low.spread().recip())
        / (high.spread().recip() + low.spread().recip());
    h * trapezoid(middle, h, |u| {
        let (x, y) = logistic(u);
        high.tails(u).1 * low.tails(u).0 * x * y
    })
}

/// Σ f(start + k·h) over all integers k, for a function with one mode whose tails fall at least exponentially.
fn trapezoid(start: f64, h: f64, f: impl Fn(f64) -> f64) -> f64 {
    let first = f(start);
    let mut sum = first;
    for direction in [1.0, -1.0] {
        let (mut previous, mut nothing) = (first, 0);
        for k in 1..20_000_000_u32 {
            let value = f(start + direction * h * f64::from(k));
            sum += value;
            // Beyond the mode and without weight; before the mode the values rise. Where all is below the smallest
            // number, a mode may still follow within some hundreds of standard deviations.
            if value < previous && value <= sum * 1e-18 {
                break;
            }
            nothing = if value == 0.0 { nothing + 1 } else { 0 };
            if nothing > 2000 {
                break;
            }
            previous = value;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn compare(c_a: u64, n_a: u64, c_b: u64, n_b: u64) -> BetaBinomial {
        beta_binomial(Proportion::new(c_a, n_a).unwrap(), Proportion::new(c_b, n_b).unwrap(), [1.0, 1.0])
            .unwrap()
    }

    fn assert_relative(actual: f64, expected: f64, tolerance: f64) {
        assert!((actual / expected - 1.0).abs() <= tolerance, "{actual:e} is not {expected:e}");
    }

    #[test]
    fn agrees_with_quadrature() {
        let answer = compare(256, 11835, 234, 11817);
        assert_relative(answer.prob_b_better, 0.16200049267614447, 1e-9);
        assert_relative(answer.expected_loss_choose_b, 0.0019870324651131296, 1e-9);
    }

    #[test]
    fn no_data_and_no_failure_have_closed_forms() {
        // Two uniform proportions: P = 1/2, E max(p_A − p_B, 0) = 1/6. The arms have one failure and one success more.
        let even = compare(1, 2, 1, 2);
        assert_relative(even.prob_b_better, 0.5, 1e-13);
        // Beta(1, 11) against Beta(11, 1): P(A > B) = E A¹¹ = B(12, 11)/B(1, 11) = 11 · 11! 10!/22!
        let apart = compare(0, 10, 10, 10);
        let factorial = |n: u32| (1..=n).map(f64::from).product::<f64>();
        assert_relative(apart.prob_a_better, 11.0 * factorial(11) * factorial(10) / factorial(22), 1e-11);
        assert_relative(apart.prob_b_better, 1.0 - apart.prob_a_better, 1e-15);
    }

    #[test]
    fn a_hundred_million_units_agree_with_the_normal_law() {
        let (n, c_a, c_b) = (100_000_000_u64, 50_000_000_u64, 50_010_000_u64);
        let answer = compare(c_a, n, c_b, n);
        // sd of the difference is √(2 · ¼/n); its skewness is of the order 1e-8 here.
        let z = (c_b - c_a) as f64 / n as f64 / (0.5 / n as f64).sqrt();
        assert_relative(answer.prob_a_better, super::super::distributions::normal_sf(z), 1e-6);
    }

    #[test]
    fn very_unequal_arms_are_integrated() {
        let answer = compare(50_000_000, 100_000_000, 3, 5);
        // A is known to be 1/2 up to 5e-5: P(Beta(4, 3) > 1/2) = 42/64.
        assert_relative(answer.prob_b_better, 42.0 / 64.0, 1e-6);
        assert!(
            beta_binomial(Proportion::new(1, 2).unwrap(), Proportion::new(1, 2).unwrap(), [0.0, 1.0])
                .is_err()
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn swapped_arms_swap_the_answers(
            (c_a, n_a) in (1_u64..3000).prop_flat_map(|n| (0..=n, Just(n))),
            (c_b, n_b) in (1_u64..3000).prop_flat_map(|n| (0..=n, Just(n))),
        ) {
            let (there, back) = (compare(c_a, n_a, c_b, n_b), compare(c_b, n_b, c_a, n_a));
            prop_assert!((there.prob_b_better - back.prob_a_better).abs() < 1e-11);
            prop_assert!((there.expected_loss_choose_b - back.expected_loss_choose_a).abs() < 1e-12);
            prop_assert!((there.prob_a_better + there.prob_b_better - 1.0).abs() < 1e-15);
            let difference = there.expected_loss_choose_a - there.expected_loss_choose_b;
            prop_assert!((difference - (there.mean_b - there.mean_a)).abs() < 1e-13);
        }
    }
}
