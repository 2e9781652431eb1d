//! Answers of statsmodels 0.15.0 that differ from the right ones, for the comparison with its numbers alone.
//!
//! The statistics room does not have these defects and reports never use these functions.

use itog::stats::power::{Design, power_proportions, sample_size_proportions};
use itog::stats::proportions::{Proportion, SmallSample, ratio_score_interval};
use itog::stats::{Interval, Level, Undefined, distributions::normal_isf};

/// The score interval of p₁/p₂ as statsmodels computes it.
///
/// It follows from the two smaller roots of a cubic equation (Nam 1995). Where every unit of an arm succeeds, the cubic has
/// a root that solves nothing, (c₁ + c₂)/n for the first arm and a double 1 for the second, and statsmodels takes it for a
/// bound. Everywhere else the answer is the one of the statistics room.
pub fn ratio_score_interval_with_spurious_roots(
    first: Proportion,
    second: Proportion,
    level: Level,
) -> (f64, f64) {
    let count = |value: u64| value as f64;
    let (x1, n1) = (count(first.successes()), count(first.trials()));
    let (x0, n0) = (count(second.successes()), count(second.trials()));
    let (x, n) = (x0 + x1, n0 + n1);
    if x1 == 0.0 && x0 == 0.0 {
        return (f64::NAN, f64::NAN);
    }
    if x1 < n1 && x0 < n0 {
        let Interval { low, high } =
            ratio_score_interval(first, second, level, SmallSample::MiettinenNurminen);
        return (low, high);
    }
    let z = normal_isf(level.alpha() / 2.0);
    let square = z * z * n / (n - 1.0);
    let cubic = n0 * (n0 * n * x1 + n1 * (n0 + x1) * square);
    let quadratic = -n0 * (n0 * n1 * x + 2.0 * n * x0 * x1 + n1 * (n0 + x0 + 2.0 * x1) * square);
    let constant = -n1 * x0 * x0 * x;
    if x1 == n1 {
        // Without failures in the first arm the ratio is 1/p. The cubic is (p − s) times a quadratic with a known product.
        let spurious = x / n;
        let half_sum = -(quadratic / cubic + spurious) / 2.0;
        let product = -constant / cubic / spurious;
        let root = (half_sum * half_sum - product).max(0.0).sqrt();
        let mut roots = [half_sum.abs() - root, half_sum.abs() + root, spurious];
        roots.sort_by(f64::total_cmp);
        return (1.0 / roots[1], 1.0 / roots[0]);
    }
    let ratio = |p: f64| (1.0 - (n1 - x1) * (1.0 - p) / (x0 + n1 - n * p)) / p;
    // The limit of the ratio as p approaches the double root 1.
    let at_one = 1.0 - (n1 - x1) / n;
    let third = -constant / cubic;
    if third < 1.0 { (at_one, ratio(third)) } else { (at_one, at_one) }
}

/// n₁ as `NormalIndPower.solve_power` finds it: by Brent's method, which stops as soon as it knows n₁ to 10⁻⁵ units.
pub fn sample_size_to_1e_5(p1: f64, p2: f64, power: f64, design: Design) -> Result<f64, Undefined> {
    let exact = sample_size_proportions(p1, p2, power, design)?.n1;
    let shortfall = |n1: f64| power_proportions(p1, p2, n1, design).map_or(f64::NAN, |found| found - power);
    // statsmodels starts with 2 and 50 and multiplies the upper end by ten until it is beyond the root.
    let (mut low, mut high) = (2.0, 50.0);
    for _ in 0..100 {
        if shortfall(high) < 0.0 {
            (low, high) = (high, 10.0 * high);
        }
    }
    Ok(brentq(shortfall, low, high, 1e-5).unwrap_or(exact))
}

/// `scipy.optimize.brentq`, step by step.
fn brentq(f: impl Fn(f64) -> f64, low: f64, high: f64, tolerance: f64) -> Option<f64> {
    let (mut previous, mut current) = (low, high);
    let (mut f_previous, mut f_current) = (f(previous), f(current));
    let (mut block, mut f_block) = (0.0, 0.0);
    let (mut step_before, mut step) = (0.0, 0.0);
    if f_previous == 0.0 || f_current == 0.0 {
        return Some(if f_previous == 0.0 { previous } else { current });
    }
    if f_previous.is_nan() || f_current.is_nan() || (f_previous < 0.0) == (f_current < 0.0) {
        return None;
    }
    for _ in 0..100 {
        if f_previous != 0.0 && f_current != 0.0 && (f_previous < 0.0) != (f_current < 0.0) {
            (block, f_block) = (previous, f_previous);
            step = current - previous;
            step_before = step;
        }
        if f_block.abs() < f_current.abs() {
            (previous, current, block) = (current, block, current);
            (f_previous, f_current, f_block) = (f_current, f_block, f_current);
        }
        let delta = (tolerance + 4.0 * f64::EPSILON * current.abs()) / 2.0;
        let bisection = (block - current) / 2.0;
        if f_current == 0.0 || bisection.abs() < delta {
            return Some(current);
        }
        if step_before.abs() > delta && f_current.abs() < f_previous.abs() {
            let trial = if previous == block {
                -f_current * (current - previous) / (f_current - f_previous)
            } else {
                let slope_previous = (f_previous - f_current) / (previous - current);
                let slope_block = (f_block - f_current) / (block - current);
                -f_current * (f_block * slope_block - f_previous * slope_previous)
                    / (slope_block * slope_previous * (f_block - f_previous))
            };
            if 2.0 * trial.abs() < step_before.abs().min(3.0 * bisection.abs() - delta) {
                (step_before, step) = (step, trial);
            } else {
                (step_before, step) = (bisection, bisection);
            }
        } else {
            (step_before, step) = (bisection, bisection);
        }
        (previous, f_previous) = (current, f_current);
        current += if step.abs() > delta { step } else { delta.copysign(bisection) };
        f_current = f(current);
    }
    None
}

#[test]
fn a_spurious_root_is_taken_for_a_bound() {
    // statsmodels.stats.proportion._confint_riskratio_koopman(10, 10, 5, 10) and (5, 10, 10, 10)
    let arm = |successes, trials| Proportion::new(successes, trials).expect("the arm is valid");
    let close = |found: (f64, f64), expected: (f64, f64)| {
        assert!((found.0 - expected.0).abs() < 1e-8 && (found.1 - expected.1).abs() < 1e-7, "{found:?}");
    };
    let interval = |first, second| ratio_score_interval_with_spurious_roots(first, second, Level::P95);
    close(interval(arm(10, 10), arm(5, 10)), (1.333_333_333_333_33, 4.315_877_01));
    close(interval(arm(5, 10), arm(10, 10)), (0.75, 0.803_273_06));
}
